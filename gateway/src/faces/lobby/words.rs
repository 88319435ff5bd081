//! A typed command split into words and options.
//!
//! Not a shell: nothing is expanded, and quotes matter only where they enclose a whole word. That is on
//! purpose. `ssh gateway request db01 --reason "l'imprimante ne répond plus"` loses its quotes on the
//! technician's side and arrives as `--reason l'imprimante ne répond plus`: an apostrophe inside a
//! word is a letter, and a reason runs to the next option.

use crate::deeds::typed::Unclear;

/// Splits a command line into words.
pub(crate) fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    // Quotes that nothing closes any more are letters: no part of a line is looked through twice for their ends.
    let mut unclosed = String::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (option, value) = option(rest);
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.filter(|quote| !unclosed.contains(*quote));
        let (word, after) = match quote.map(|quote| (quote, quoted(value, quote))) {
            Some((_, Some((value, after)))) => (format!("{option}{value}"), after),
            Some((quote, None)) => {
                unclosed.push(quote);
                bare(rest)
            }
            None => bare(rest),
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

/// `--reason=` and what follows, so that `--reason="a b"` is one word; nothing and all of it, where no option begins it.
fn option(text: &str) -> (&str, &str) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let equals = text.get(..end).and_then(|word| word.find('='));
    match equals.filter(|_| text.starts_with("--")) {
        Some(equals) => text.split_at(equals + 1),
        None => ("", text),
    }
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

/// `word` as somebody types it behind `ssh …` for [`split`] to give it back: in quotes for it where it holds blanks, and for
/// their own shell where it holds what that would not leave alone.
pub(super) fn typed_in_a_shell(word: &str) -> String {
    let (option, value) = option(word);
    let is_one = !value.is_empty() && !value.contains(char::is_whitespace);
    let word = match is_one && !value.starts_with(['"', '\'']) {
        true => word.to_owned(),
        false => {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            format!("{option}\"{value}\"")
        }
    };
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,=@%+".contains(c);
    match word.chars().all(is_plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
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
    /// A word that means nothing where it stands.
    Unclear(Unclear),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    #[test]
    fn a_word_is_typed_anew_as_it_was_meant() {
        for (word, typed) in [
            ("db01", "db01"),
            ("--for=2h", "--for=2h"),
            ("sftp-read: /a b/*", r#"'"sftp-read: /a b/*"'"#),
            ("--line=sftp-read: /a", r#"'--line="sftp-read: /a"'"#),
            ("l'état", r"'l'\''état'"),
            ("/srv/*.log", "'/srv/*.log'"),
        ] {
            assert_eq!(typed_in_a_shell(word), typed);
            let unquoted = typed
                .strip_prefix('\'')
                .and_then(|it| it.strip_suffix('\''));
            let unquoted = unquoted.unwrap_or(typed).replace(r"'\''", "'");
            assert_eq!(split(&unquoted), [word]);
        }
    }

    /// A line is read once, however many quotes in it nothing closes.
    #[test]
    fn a_long_line_of_open_quotes_splits() {
        for begin in ["\"a ", "'a ", "--reason=\"a ", "a=b ", "\"'"] {
            let line = begin.repeat(200_000);
            assert!(!split(&line).is_empty());
        }
    }

    proptest! {
        #[test]
        fn any_line_splits(line in "\\PC{0,200}") {
            let words = split(&line);
            let letters: usize = words.iter().map(|word| word.chars().count()).sum();
            prop_assert!(letters <= line.chars().count());
        }
    }
}
