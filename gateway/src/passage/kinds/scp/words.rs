//! What the technician reads, and why a channel was stopped. On record they are English; whoever makes a channel says how the
//! technician reads them ([`Say`]).

use super::wire::LONGEST_LINE;

/// Bytes of words in a refusal: clients take lines of 2,048 and show them on one line.
const LONGEST_WORDS: usize = 1_000;
/// What the target is told of a refusal, which it shows nobody.
pub(super) const NO: &[u8] = b"\x01refused\n";

/// Why the gateway itself refuses something, whatever policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Words {
    /// Where it leads cannot be told.
    #[error(
        "the target does not say where this path leads, so that it cannot be looked up in the agreed list"
    )]
    NoWay,
    /// The target has no subsystem that could tell.
    #[error(
        "this target has no SFTP subsystem, so that it does not say where paths lead and `scp` cannot be looked into; ask the client's administrator to enable it"
    )]
    NoSftp,
    /// It led elsewhere a moment later.
    #[error("the path led elsewhere while it was being opened; try again")]
    Moved,
    /// The target says that there is nothing.
    #[error("No such file or directory")]
    Nothing,
    /// A source without a name of its own.
    #[error("what is copied is called by its own name, not by `.`, `..` or `/`; write its path")]
    NoName,
    /// Two sources of one name.
    #[error("two of these files have the same name; copy them one by one")]
    SameName,
    /// A path that no shell is sure to read as it is.
    #[error("this path holds a line break, which scp cannot be given; use sftp")]
    NoQuotes,
    /// A path that is none, or too long.
    #[error("a path has up to 4096 bytes and no NUL")]
    NoPath,
}

impl Words {
    /// The text that says it in the technician's language.
    #[must_use]
    pub(crate) const fn text_id(self) -> &'static str {
        match self {
            Self::NoWay => "files-no-way",
            Self::NoSftp => "copy-no-sftp",
            Self::Moved => "files-moved",
            Self::Nothing => "copy-nothing",
            Self::NoName => "copy-no-name",
            Self::SameName => "copy-same-name",
            Self::NoQuotes => "copy-no-quotes",
            Self::NoPath => "files-no-path",
        }
    }
}

/// How the technician reads the words of the gateway's own.
pub(crate) struct Say(Box<dyn Fn(Words) -> String + Send>);

impl Say {
    /// Read through `say`.
    pub(crate) fn new(say: impl Fn(Words) -> String + Send + 'static) -> Self {
        Self(Box::new(say))
    }

    /// What the technician reads of `words`.
    pub(super) fn of(&self, words: Words) -> String {
        (self.0)(words)
    }
}

impl Default for Say {
    /// As they are on record.
    fn default() -> Self {
        Self::new(|words| words.to_string())
    }
}

/// Why nothing more passes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Complaint {
    /// The technician's client does not speak the protocol.
    #[error("the technician's client does not speak scp: {0}")]
    Client(Fault),
    /// The target's program does not.
    #[error("the target does not speak scp: {0}")]
    Server(Fault),
    /// The place of a file was another once it was open.
    #[error("{0}")]
    Moved(String),
    /// A line was lost while it was in use.
    #[error("{0}")]
    Withdrawn(String),
}

/// What somebody does wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// A line that is none.
    #[error("a line that is none of scp's: {0}")]
    Line(String),
    /// A line without an end.
    #[error("a line of more than {LONGEST_LINE} bytes")]
    LongLine,
    /// An answer that is none.
    #[error("an answer that is none of scp's")]
    Reply,
    /// A name that leads elsewhere (CVE-2018-20685).
    #[error("a name that is none: {0}")]
    Name(String),
    /// A name that nobody asked for (CVE-2019-6111).
    #[error("a file that nobody asked for: {0}")]
    Unasked(String),
    /// A directory without `-r`.
    #[error("a directory that nobody asked for: {0}")]
    Directory(String),
    /// More than one turn's worth before it is its turn.
    #[error("it does not wait for its turn")]
    Ahead,
    /// The end of a directory that did not begin.
    #[error("the end of a directory that did not begin")]
    End,
    /// Too many directories in one another.
    #[error("too many directories in one another")]
    Deep,
}

/// A refusal as the protocol writes it: one line behind `first`, without anything that could end it or move a cursor.
pub(super) fn refusal(first: u8, words: &str) -> Vec<u8> {
    let mut line = vec![first];
    let mut text = String::from("ecluse: ");
    for character in words.chars() {
        match character {
            // Blanks that no line breaks at are blanks.
            '\'' | '"' | '\\' | '\u{a0}' | '\u{202f}' => text.push(character),
            other => text.extend(other.escape_debug()),
        }
    }
    let end = text.floor_char_boundary(LONGEST_WORDS);
    line.extend_from_slice(text.as_bytes().get(..end).unwrap_or_default());
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_one_line_and_nothing_else() {
        assert_eq!(refusal(1, "no"), b"\x01ecluse: no\n");
        assert_eq!(
            refusal(1, "été 'x' \\xE9\n\x1b[2J"),
            "\x01ecluse: été 'x' \\xE9\\n\\u{1b}[2J\n".as_bytes()
        );
    }

    proptest! {
        #[test]
        fn no_words_end_early_or_are_longer_than_a_client_reads(words in any::<String>()) {
            let line = refusal(1, &words);
            prop_assert!(line.len() < 1_100);
            prop_assert!(!line[1..line.len() - 1].iter().any(u8::is_ascii_control));
            prop_assert_eq!(line.last(), Some(&b'\n'));
        }
    }
}
