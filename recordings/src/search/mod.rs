//! Finding a moment in recordings (R10): which lines a recording has, where they stand, who may hold them.
//!
//! While a recording is sealed, an [`Extractor`] sees its events and writes the lines that people look
//! for: commands, what was typed and echoed, what stood on the screen, what the gateway said. They become
//! one artefact of the recording, `text.jsonl`, protected as the rest of it. A [`Filter`] says of a whole
//! recording what is certainly not in it; a [`Query`] finds its words in a line; [`scan`] reads the lines.
//!
//! Input that the target did not echo is never among the lines; [`hidden`] reads it apart. What is looked at is bounded
//! ([`Bounds`]); where a recording holds more, a last line of kind `note` says so.

mod extractor;
mod filter;
mod fold;
mod forwarded;
mod hidden;
mod plain;
mod query;
mod questions;
mod screen_lines;
mod typed;

pub use extractor::{Bounds, Extracted, Extractor};
pub use filter::{Filter, FilterBuilder, Gram, is_current, may_hold};
pub use hidden::{hidden, in_clear};
pub use query::{Piece, Query, QueryError, SHORTEST, excerpt};
pub use questions::Questions;
pub use typed::TypedLine;

use crate::Direction;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read as _};

/// The longest line, in bytes; a longer one is several.
pub const LONGEST_LINE: usize = 1024;
/// How the last line of a recording's search text begins where the recording holds more: what is not found there may still
/// be in it.
pub const PARTLY: &str = "not all of this recording is in its search text";
/// Longest line of JSON that is read: six characters for each of its letters, and the rest.
const LONGEST_JSON: u64 = 16 * 1024;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// The command that a channel was opened with.
    Command,
    /// A line that was typed and echoed.
    Typed,
    /// A line that the target showed.
    Screen,
    /// Something the gateway said, or a marker.
    Note,
    /// Something the gateway refused.
    Refusal,
    /// Something that was done with a file, or refused.
    File,
    /// A forward: where to, how much passed each way, how it ended.
    Forward,
}

impl LineKind {
    /// Every kind.
    pub const ALL: [LineKind; 7] = [
        LineKind::Command,
        LineKind::Typed,
        LineKind::Screen,
        LineKind::Note,
        LineKind::Refusal,
        LineKind::File,
        LineKind::Forward,
    ];

    /// The word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            LineKind::Command => "command",
            LineKind::Typed => "typed",
            LineKind::Screen => "screen",
            LineKind::Note => "note",
            LineKind::Refusal => "refusal",
            LineKind::File => "file",
            LineKind::Forward => "forward",
        }
    }
}

/// One line of `text.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// **Unit**: microseconds since the session's start. At that time the line was there to be seen.
    pub at_us: u64,
    /// The channel; 0 is the session.
    pub channel: u32,
    /// What it is.
    pub kind: LineKind,
    /// The text, at most [`LONGEST_LINE`] bytes as we write it; a reader expects anything.
    pub text: String,
    /// Of a file that was to go to the target, and of a forward: how much of it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_target: Option<u64>,
    /// Of a file that was to go to the technician, and of a forward: how much of it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_technician: Option<u64>,
}

impl Line {
    /// How much of what it tells of passed one way; none where nothing was to pass that way. **Unit**: payload bytes.
    #[must_use]
    pub fn passed(&self, towards: Direction) -> Option<u64> {
        let (this, other) = match towards {
            Direction::ToTarget => (self.to_target, self.to_technician),
            Direction::ToTechnician => (self.to_technician, self.to_target),
        };
        // Of what may go both ways, the way that it went.
        this.filter(|this| *this > 0 || other.unwrap_or_default() == 0)
    }

    /// A line of text that tells of no bytes.
    #[must_use]
    pub(crate) fn new(at_us: u64, channel: u32, kind: LineKind, text: String) -> Self {
        Line {
            at_us,
            channel,
            kind,
            text,
            to_target: None,
            to_technician: None,
        }
    }
}

/// The filter of a `text.jsonl`.
///
/// # Errors
/// When `lines` does not read.
pub fn filter_of(lines: &mut impl BufRead) -> io::Result<Filter> {
    let mut filter = FilterBuilder::default();
    scan(lines, |line| {
        filter.line(&line.text);
        filter.kind(line.kind);
        true
    })?;
    Ok(filter.finish())
}

/// Reads `text.jsonl`, handing each line to `each` until it says `false`. A line that does not read is
/// left out: the file's digests stand in the manifest, and finding is no verification.
///
/// # Errors
/// When `lines` does not read.
pub fn scan(lines: &mut impl BufRead, each: impl FnMut(Line) -> bool) -> io::Result<()> {
    scan_where(lines, |_| true, each)
}

/// The same for the lines alone in which the words are found; the others are hardly looked at.
///
/// # Errors
/// When `lines` does not read.
pub fn find(
    lines: &mut impl BufRead,
    questions: &Questions,
    mut each: impl FnMut(Line) -> bool,
) -> io::Result<()> {
    let (mut room, mut folded) = (Vec::new(), String::new());
    scan_where(
        lines,
        |json| questions.may_match(json, &mut room),
        |line| !questions.matches(&line, &mut folded) || each(line),
    )
}

fn scan_where(
    lines: &mut impl BufRead,
    mut worth_reading: impl FnMut(&[u8]) -> bool,
    mut each: impl FnMut(Line) -> bool,
) -> io::Result<()> {
    let mut json = Vec::new();
    loop {
        json.clear();
        lines.take(LONGEST_JSON).read_until(b'\n', &mut json)?;
        if json.is_empty() {
            return Ok(());
        }
        if worth_reading(&json)
            && let Ok(line) = serde_json::from_slice::<Line>(&json)
            && !each(line)
        {
            return Ok(());
        }
    }
}
