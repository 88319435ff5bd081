//! Writes asciicast v2, one event a line, times in microseconds.

use asciicast::{Entry, EventType};
use serde::Serialize;
use std::io::{self, Write};

use crate::json;

/// What our own markers begin with; a marker text that begins so is written behind `ecluse:text `.
pub const MARK: &str = "ecluse:";

/// What the first line of a cast says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// **Unit**: seconds since 1970, UTC.
    pub timestamp: i64,
    /// The command, where there is one and it is text.
    pub command: Option<String>,
    /// What it is, for people.
    pub title: String,
    /// `TERM`, where there is a terminal.
    pub term: Option<String>,
}

pub(crate) struct CastWriter<W> {
    out: W,
    /// Kept between events, so that each costs no allocation.
    entry: Entry,
}

impl<W: Write> CastWriter<W> {
    pub(crate) fn new(mut out: W, header: &Header) -> io::Result<Self> {
        // The timestamp is a type of a crate that `asciicast` does not export, so the header is made
        // from JSON; its reader panics on a time out of range, hence the clamp. One variable at most:
        // the crate keeps them in a hash map, whose order would change the file from run to run.
        let fields = serde_json::json!({
            "version": 2,
            "width": header.width,
            "height": header.height,
            "timestamp": header.timestamp.clamp(0, 253_402_300_799),
            "command": header.command,
            "title": header.title,
            "env": header.term.as_ref().map(|term| serde_json::json!({ "TERM": term })),
        });
        let header: asciicast::Header = serde_json::from_value(fields)?;
        json::to_writer(&mut out, &header)?;
        out.write_all(b"\n")?;
        let entry = Entry {
            time: 0.0,
            event_type: EventType::Output,
            event_data: String::new(),
        };
        Ok(CastWriter { out, entry })
    }

    /// Writes an `o` event and takes the text away.
    pub(crate) fn output(&mut self, at_us: u64, text: &mut String) -> io::Result<()> {
        self.entry(at_us, EventType::Output, text)
    }

    /// Writes an `i` event and takes the text away.
    pub(crate) fn input(&mut self, at_us: u64, text: &mut String) -> io::Result<()> {
        self.entry(at_us, EventType::Input, text)
    }

    fn entry(&mut self, at_us: u64, kind: EventType, text: &mut String) -> io::Result<()> {
        self.entry.time = seconds(at_us);
        self.entry.event_type = kind;
        std::mem::swap(&mut self.entry.event_data, text);
        json::to_writer(&mut self.out, &self.entry)?;
        std::mem::swap(&mut self.entry.event_data, text);
        text.clear();
        self.out.write_all(b"\n")
    }

    pub(crate) fn resize(&mut self, at_us: u64, cols: u32, rows: u32) -> io::Result<()> {
        self.other(at_us, "r", &format!("{cols}x{rows}"))
    }

    pub(crate) fn marker(&mut self, at_us: u64, text: &str) -> io::Result<()> {
        if text.starts_with(MARK) {
            return self.other(at_us, "m", &format!("{MARK}text {text}"));
        }
        self.other(at_us, "m", text)
    }

    /// A marker of our own.
    pub(crate) fn mark(&mut self, at_us: u64, text: &str) -> io::Result<()> {
        self.other(at_us, "m", &format!("{MARK}{text}"))
    }

    fn other(
        &mut self,
        at_us: u64,
        code: &str,
        data: &(impl Serialize + ?Sized),
    ) -> io::Result<()> {
        json::to_writer(&mut self.out, &(seconds(at_us), code, data))?;
        self.out.write_all(b"\n")
    }

    pub(crate) fn into_inner(self) -> W {
        self.out
    }
}

/// Shortest decimal that reads back as the same microsecond.
#[expect(
    clippy::cast_precision_loss,
    reason = "reads back exactly for any session shorter than decades"
)]
fn seconds(at_us: u64) -> f64 {
    at_us as f64 / 1e6
}
