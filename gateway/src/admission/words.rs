//! A typed command split into words and options.
//!
//! Not a shell: nothing is expanded, and quotes matter only where they enclose a whole word. That is on
//! purpose. `ssh gateway request db01 --reason "l'imprimante ne répond plus"` loses its quotes on the
//! technician's side and arrives as `--reason l'imprimante ne répond plus`: an apostrophe inside a
//! word is a letter, and a reason runs to the next option.

use std::collections::BTreeMap;

use crate::deeds::typed::Unclear;

/// Splits a command line into words.
pub(crate) fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => quoted(rest, first).unwrap_or_else(|| bare(rest)),
            _ => option_with_quotes(rest).unwrap_or_else(|| bare(rest)),
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn bare(text: &str) -> (String, &str) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word.to_owned(), rest)
}

/// `--reason="a b"` as one word.
fn option_with_quotes(text: &str) -> Option<(String, &str)> {
    let (name, value) = text.split_once('=')?;
    if !name.starts_with("--") || name.contains(char::is_whitespace) {
        return None;
    }
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, rest) = quoted(value, quote)?;
    Some((format!("{name}={value}"), rest))
}

/// A word that begins with `quote` and ends with it before a space or the end; `None` where it does not.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote == '"' {
            match chars.peek() {
                Some((_, escaped @ ('"' | '\\'))) => {
                    word.push(*escaped);
                    chars.next();
                }
                Some(_) | None => word.push(c),
            }
        } else if c == quote {
            let rest = text.get(at + c.len_utf8()..)?;
            if rest.chars().next().is_none_or(char::is_whitespace) {
                return Some((word, rest));
            }
            word.push(c);
        } else {
            word.push(c);
        }
    }
    None
}

/// Which options a command takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Takes {
    /// Options followed by one word.
    pub(crate) values: &'static [&'static str],
    /// Options followed by a sentence, which runs to the next option.
    pub(crate) sentences: &'static [&'static str],
    /// Options that stand alone.
    pub(crate) switches: &'static [&'static str],
}

/// What is wrong with a command line. Each has its sentence, see `usage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misuse {
    /// An option that this command does not take.
    UnknownOption(String),
    /// An option without its value.
    NoValue(String),
    /// The same option twice, where one value is wanted.
    Twice(String),
    /// More words than the command takes.
    TooManyWords(String),
    /// Something that the command needs: the sentence that asks for it.
    Missing(&'static str),
    /// Not a moment that has been.
    MomentUnclear(String),
    /// A word that means nothing where it stands.
    Unclear(Unclear),
}

/// A parsed command line: words and options.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) words: Vec<String>,
    options: BTreeMap<&'static str, Vec<String>>,
}

impl Arguments {
    /// Sorts `words` into plain words and options, under the rules of one command.
    pub(crate) fn parse(words: &[String], takes: Takes) -> Result<Self, Misuse> {
        let mut arguments = Self::default();
        let mut words = words.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            let Some(name_and_value) = word.strip_prefix("--") else {
                arguments.words.push(word.to_owned());
                continue;
            };
            let (name, inline) = match name_and_value.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (name_and_value, None),
            };
            if let Some(name) = takes.switch(name).filter(|_| inline.is_none()) {
                arguments.options.entry(name).or_default();
                continue;
            }
            let mut parts: Vec<&str> = inline.into_iter().collect();
            let name = if let Some(name) = takes.sentence(name) {
                while let Some(next) = words.next_if(|next| !takes.knows(next)) {
                    parts.push(next);
                }
                name
            } else if let Some(name) = takes.value(name) {
                if inline.is_none() {
                    parts.extend(words.next_if(|next| !takes.knows(next)));
                }
                name
            } else {
                return Err(Misuse::UnknownOption(word.to_owned()));
            };
            let value = parts.join(" ");
            if value.trim().is_empty() {
                return Err(Misuse::NoValue(format!("--{name}")));
            }
            arguments.options.entry(name).or_default().push(value);
        }
        Ok(arguments)
    }

    /// All values of an option.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.options.get(name).map_or(&[], Vec::as_slice)
    }

    /// The only value of an option.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Misuse> {
        match self.all(name) {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            [_, ..] => Err(Misuse::Twice(format!("--{name}"))),
        }
    }
}

impl Takes {
    /// No option at all.
    pub(crate) const NOTHING: Self = Self {
        values: &[],
        sentences: &[],
        switches: &[],
    };

    fn find(list: &'static [&'static str], name: &str) -> Option<&'static str> {
        list.iter().find(|known| **known == name).copied()
    }

    fn value(&self, name: &str) -> Option<&'static str> {
        Self::find(self.values, name)
    }

    fn sentence(&self, name: &str) -> Option<&'static str> {
        Self::find(self.sentences, name)
    }

    fn switch(&self, name: &str) -> Option<&'static str> {
        Self::find(self.switches, name)
    }

    /// Whether `word` begins an option of this command.
    fn knows(&self, word: &str) -> bool {
        word.strip_prefix("--").is_some_and(|option| {
            let name = option.split('=').next().unwrap_or_default();
            self.value(name)
                .or(self.sentence(name))
                .or(self.switch(name))
                .is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REQUEST: Takes = Takes {
        values: &["for", "at"],
        sentences: &["reason"],
        switches: &["force"],
    };

    fn parse(line: &str) -> Result<Arguments, Misuse> {
        Arguments::parse(&split(line), REQUEST)
    }

    #[test]
    fn quotes_enclose_words_and_apostrophes_are_letters() {
        assert_eq!(
            split(r#"a "b c" d'e 'f g' "h"#),
            ["a", "b c", "d'e", "f g", "\"h"]
        );
        assert_eq!(
            split(r#"--reason="l'état \"x\"" --for=2h"#),
            [r#"--reason=l'état "x""#, "--for=2h"]
        );
    }

    /// The local shell removes the quotes that the technician typed.
    #[test]
    fn a_reason_without_its_quotes_runs_to_the_next_option() {
        let arguments = parse("db01 --reason l'imprimante ne -- répond plus --for 2h").unwrap();
        assert_eq!(arguments.words, ["db01"]);
        assert_eq!(
            arguments.one("reason").unwrap(),
            Some("l'imprimante ne -- répond plus")
        );
        assert_eq!(arguments.one("for").unwrap(), Some("2h"));
    }

    #[test]
    fn what_a_command_does_not_take_is_named() {
        assert_eq!(
            parse("db01 --unmask"),
            Err(Misuse::UnknownOption("--unmask".to_owned()))
        );
        assert_eq!(
            parse("db01 --for --reason x"),
            Err(Misuse::NoValue("--for".to_owned()))
        );
        assert_eq!(
            parse("--for 1h --for 2h").unwrap().one("for"),
            Err(Misuse::Twice("--for".to_owned()))
        );
        assert_eq!(
            parse("--force=yes"),
            Err(Misuse::UnknownOption("--force=yes".to_owned()))
        );
    }

    proptest! {
        #[test]
        fn any_line_splits(line in "\\PC{0,200}") {
            let words = split(&line);
            let _ = Arguments::parse(&words, REQUEST);
            let letters: usize = words.iter().map(|word| word.chars().count()).sum();
            prop_assert!(letters <= line.chars().count());
        }
    }
}
