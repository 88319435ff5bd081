//! A command line as what its act asks for: the grammar is that of the struct ([`Ask`]), read by clap; what is ours is how
//! words make a line, and what is said of a line that is wrong.
//!
//! A sentence runs to the next option. What looks like an option and is none is wrong there too: `--onyl shell` after a
//! reason would else be read as words of it, and more be asked for than was meant. A lone `--` ends the options. Of an act
//! that nothing may hold up ([`Ask::AT_ONCE`]) a sentence is all that follows, whatever it says.
//!
//! What the act is about may stand behind `--reason="…"` as before it. The local shell has removed the quotes by then, so a
//! sentence that was given with `=` lets go of its last word where else nothing would say what the act is about.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::words::Misuse;
use crate::deeds::Ask;
use crate::deeds::typed::Unclear;

/// What `words` ask for.
pub(crate) fn parse<A: Ask>(words: &[String]) -> Result<A, Misuse> {
    let mut command = A::augment_args(Command::new(A::ACT))
        .no_binary_name(true)
        .disable_help_flag(true);
    let line = arranged(&command, words, A::AT_ONCE)?;
    command
        .try_get_matches_from_mut(line)
        .and_then(|matches| A::from_arg_matches(&matches))
        .map_err(|error| misuse(&command, &error))
}

/// Whether a word asks for help: before the sentence of an act, which says what it likes, and before a lone `--`.
pub(super) fn asks_for_help(words: &[String]) -> bool {
    let is_sentence = |word: &str| word == "--reason" || word.starts_with("--reason=");
    let mut before = words
        .iter()
        .take_while(|word| *word != "--" && !is_sentence(word));
    before.any(|word| word == "--help" || word == "-h")
}

/// The options, each with its value in one word, and after them all other words.
fn arranged(command: &Command, words: &[String], at_once: bool) -> Result<Vec<String>, Misuse> {
    let (mut options, mut plain) = (Vec::new(), Vec::new());
    // The last sentence that may have taken in what the act is about, and where it stands.
    let mut greedy: Option<(usize, usize, Vec<&str>)> = None;
    // Behind what such an act is about, all is its sentence, whatever it looks like.
    let mut behind = command.get_positionals().skip(1);
    let is_spoken = behind.any(is_sentence);
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        if is_spoken && !plain.is_empty() {
            plain.push(word);
            continue;
        }
        let Some(option) = word.strip_prefix("--") else {
            plain.push(word);
            continue;
        };
        if option.is_empty() {
            plain.extend(words);
            break;
        }
        let (name, inline) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        };
        let arg = known(command, name).filter(|arg| arg.get_action().takes_values());
        let Some(arg) = arg else {
            options.push(word.to_owned());
            continue;
        };
        let mut value: Vec<&str> = inline.into_iter().collect();
        let kept = value.len();
        if at_once && is_sentence(arg) {
            value.extend(words.by_ref());
        }
        while value.is_empty() || is_sentence(arg) {
            let is_first = value.is_empty();
            let ends =
                |next: &str| is_option(command, next) || !is_first && looks_like_an_option(next);
            let Some(next) = words.next_if(|next| !ends(next)) else {
                break;
            };
            value.push(next);
        }
        let sentence = is_sentence(arg).then(|| value.clone());
        let value = listed(arg, &value).join(if arg.get_value_delimiter().is_some() {
            ","
        } else {
            " "
        });
        if value.trim().is_empty() && at_once {
            continue;
        }
        if value.trim().is_empty() {
            return Err(Misuse::NoValue(format!("--{name}")));
        }
        // One without `=` ends at the next option, unless nothing may hold its act up.
        if let Some(sentence) = sentence.filter(|_| at_once || kept > 0) {
            greedy = Some((options.len(), kept, sentence));
        }
        options.push(format!("--{name}={value}"));
    }
    let about = command.get_positionals().next();
    if let Some((at, kept, mut sentence)) = greedy.filter(|_| plain.is_empty() && about.is_some()) {
        // Of several things nobody can tell how many: all but the first word are read as such then, and refused if they are
        // none.
        let several = about.is_some_and(|arg| arg.get_value_delimiter().is_some());
        let rest = if several {
            1
        } else {
            sentence.len().saturating_sub(1)
        };
        plain = sentence.split_off(rest.max(kept).min(sentence.len()));
        let sentence = sentence.join(" ");
        match options.get_mut(at) {
            Some(option) if !sentence.is_empty() => {
                let name = option.split('=').next().unwrap_or_default();
                *option = format!("{name}={sentence}");
            }
            // It stands where it was pushed.
            Some(_) => drop(options.remove(at)),
            None => {}
        }
    }
    let plain: Vec<&str> = match about {
        Some(arg) => listed(arg, &plain),
        None => plain,
    };
    options.push("--".to_owned());
    options.extend(plain.into_iter().map(str::to_owned));
    Ok(options)
}

/// The names of a list that was written with commas or blanks; other values as they are.
fn listed<'w>(arg: &Arg, words: &[&'w str]) -> Vec<&'w str> {
    if arg.get_value_delimiter().is_none() {
        return words.to_vec();
    }
    let names = words.iter().flat_map(|word| word.split([',', ' ']));
    names.filter(|name| !name.is_empty()).collect()
}

/// Whether a value runs to the next option.
fn is_sentence(arg: &Arg) -> bool {
    arg.is_allow_hyphen_values_set()
}

fn known<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    let mut arguments = command.get_arguments();
    arguments.find(|arg| arg.get_long() == Some(name))
}

/// Whether `word` begins an option of this command.
fn is_option(command: &Command, word: &str) -> bool {
    name_of(word).is_some_and(|name| known(command, name).is_some())
}

fn looks_like_an_option(word: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    name_of(word).is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_name)
    })
}

fn name_of(word: &str) -> Option<&str> {
    word.strip_prefix("--")?.split('=').next()
}

/// What clap found, as people are told of it.
fn misuse(command: &Command, error: &clap::Error) -> Misuse {
    let source = error.source();
    if let Some(unclear) = source.and_then(|source| source.downcast_ref::<Unclear>()) {
        return Misuse::Unclear(unclear.clone());
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(one)) => one.as_str(),
        Some(_) | None => "",
    };
    let named = text(ContextKind::InvalidArg);
    let option = named.split(' ').next().unwrap_or_default().to_owned();
    let kind = error.kind();
    if kind == ErrorKind::MissingRequiredArgument {
        let missing = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::Strings(all)) => all.as_slice(),
            Some(_) | None => &[],
        };
        // In the order in which they are written, whatever clap's is.
        let mut arguments = command.get_arguments();
        let missing = arguments.find(|arg| missing.contains(&arg.to_string()));
        return Misuse::Missing(wanted(missing.map_or("", |arg| arg.get_id().as_str())));
    }
    if kind == ErrorKind::ArgumentConflict {
        return Misuse::Twice(option);
    }
    if kind == ErrorKind::UnknownArgument && !named.starts_with("--") {
        return Misuse::TooManyWords(named.to_owned());
    }
    match text(ContextKind::InvalidValue) {
        "" => Misuse::UnknownOption(option),
        value => Misuse::UnknownOption(format!("{option}={value}")),
    }
}

/// The sentence that asks for what is missing.
fn wanted(id: &str) -> &'static str {
    match id {
        "target" => "usage-no-target",
        "length" => "usage-no-length",
        "reason" => "usage-no-reason",
        "session" => "usage-no-session",
        "sessions" => "usage-no-sessions",
        "bytes" => "usage-no-size",
        "rate" => "usage-no-rate",
        "question" => "usage-no-sentence",
        "waiting" => "usage-no-waiting",
        _ => "usage-no-id",
    }
}
