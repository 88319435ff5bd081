//! A command line as what its act asks for: the grammar is that of the struct ([`Ask`]), read by clap; what is ours is how
//! words make a line, and what is said of a line that is wrong.
//!
//! An option is a word of the command alone: what begins with `--` and is none belongs to the sentence before it, and a
//! lone `--` ends the options.

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
    let line = arranged(&command, words)?;
    command
        .try_get_matches_from_mut(line)
        .and_then(|matches| A::from_arg_matches(&matches))
        .map_err(|error| misuse(&command, &error))
}

/// The options, each with its value in one word, and after them all other words.
fn arranged(command: &Command, words: &[String]) -> Result<Vec<String>, Misuse> {
    let (mut options, mut plain) = (Vec::new(), Vec::new());
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
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
        while (value.is_empty() || is_sentence(arg))
            && let Some(next) = words.next_if(|next| !is_option(command, next))
        {
            value.push(next);
        }
        let value = listed(arg, &value).join(if arg.get_value_delimiter().is_some() {
            ","
        } else {
            " "
        });
        if value.trim().is_empty() {
            return Err(Misuse::NoValue(format!("--{name}")));
        }
        options.push(format!("--{name}={value}"));
    }
    let plain: Vec<&str> = match command.get_positionals().next() {
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
    word.strip_prefix("--")
        .and_then(|option| option.split('=').next())
        .is_some_and(|name| known(command, name).is_some())
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
        _ => "usage-no-id",
    }
}
