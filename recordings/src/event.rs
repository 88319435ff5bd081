//! What a journal can hold, one event a frame.

use crate::Bytes;
use crate::evidence::manifest::{ClockReading, Legs};
use crate::transfer::FileEntry;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the technician to the target.
    ToTarget,
    /// From the target to the technician.
    ToTechnician,
}

/// What a channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelKind {
    /// An interactive shell.
    Shell,
    /// One command.
    Exec,
    /// Files, by SFTP: its streams are the protocol’s packets, its log says what they were.
    Sftp,
    /// One connection to a place that the target sees: its streams are what each side sent.
    Forward,
}

impl ChannelKind {
    /// The word used in file names.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ChannelKind::Shell => "shell",
            ChannelKind::Exec => "exec",
            ChannelKind::Sftp => "sftp",
            ChannelKind::Forward => "forward",
        }
    }

    /// Whether its streams are a protocol's bytes, no text that people write or read.
    #[must_use]
    pub const fn carries_packets(self) -> bool {
        match self {
            ChannelKind::Shell | ChannelKind::Exec => false,
            ChannelKind::Sftp | ChannelKind::Forward => true,
        }
    }
}

/// A channel begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChannelOpened {
    /// Shell, command, files or a forward.
    pub kind: ChannelKind,
    /// The command, byte for byte; where a forward goes, as its line of the matrix is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Bytes>,
    /// The account on the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The terminal asked for; `None` where there is no terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pty: Option<Pty>,
    /// Environment variables passed on, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(Bytes, Bytes)>,
}

/// The terminal a technician asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pty {
    /// `TERM`, as asked.
    pub term: String,
    /// Columns, as asked; may be 0.
    pub cols: u32,
    /// Rows, as asked; may be 0.
    pub rows: u32,
    /// The terminal's modes, as asked (RFC 4254 §8): number and value. None where an older gateway recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<(u8, u32)>,
}

impl Pty {
    /// `ECHO` (RFC 4254 §8).
    const ECHO: u8 = 53;

    /// Whether the terminal was asked for without echo: what is typed on it is not shown.
    #[must_use]
    pub fn hides_typing(&self) -> bool {
        self.modes.contains(&(Self::ECHO, 0))
    }
}

/// Payload bytes of each stream of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StreamCounts {
    /// Standard output, or all output where there is a terminal.
    pub output: u64,
    /// Standard error.
    pub error_output: u64,
    /// What the technician sent.
    pub input: u64,
}

/// A channel ended. The recorder fills the counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChannelClosed {
    /// Why.
    pub reason: String,
    /// Bytes recorded on this channel.
    pub bytes: StreamCounts,
    /// Bytes that passed, as the gateway's two sides counted them apart from the recorder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legs: Option<Legs>,
}

/// A process ended by a signal (RFC 4254 §6.10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExitSignal {
    /// Without `SIG`.
    pub name: String,
    /// Whether a core was left.
    pub core_dumped: bool,
    /// The target's words.
    pub message: String,
}

/// The session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SessionEnd {
    /// A stable word for programs: `closed`, `cut`, `window-over`, …
    pub reason: String,
    /// One line for people; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Who ended it, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl SessionEnd {
    /// Reason, person and line, in this order, without what the line says again: `closed` once, and of a cut whose line is
    /// `cut by odile: enough` the line alone.
    pub(crate) fn parts(&self) -> [Option<&str>; 3] {
        let Self { reason, text, by } = self;
        let unsaid = |word: &&str| !text.split([' ', ':']).any(|part| part == *word);
        [
            Some(reason.as_str()).filter(unsaid),
            by.as_deref().filter(unsaid),
            Some(text.as_str()).filter(|text| !text.is_empty()),
        ]
    }

    /// An end that needs no more words than its reason.
    #[must_use]
    pub fn because(reason: impl Into<String>) -> Self {
        SessionEnd {
            reason: reason.into(),
            text: String::new(),
            by: None,
        }
    }
}

/// One thing that happened on a channel, or to the session (channel [`crate::SESSION`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A channel begins; the first event of its number.
    ChannelOpened(Cow<'a, ChannelOpened>),
    /// Bytes from the target.
    Output(&'a [u8]),
    /// Bytes from the target's standard error.
    ErrorOutput(&'a [u8]),
    /// Bytes from the technician.
    Input(&'a [u8]),
    /// The terminal changed size.
    Resize {
        /// Columns, as the technician's client said.
        cols: u32,
        /// Rows, as the technician's client said.
        rows: u32,
    },
    /// A place worth finding again.
    Marker(&'a str),
    /// One direction ended.
    Eof(Direction),
    /// The process ended with a status.
    ExitStatus(u32),
    /// The process was ended by a signal.
    ExitSignal(Cow<'a, ExitSignal>),
    /// The channel ended; the counts given are replaced by the recorder's own.
    ChannelClosed(Cow<'a, ChannelClosed>),
    /// Something the gateway said or did.
    Note(&'a str),
    /// Something the gateway refused.
    Refusal(&'a str),
    /// What was done with a file, or refused.
    File(Cow<'a, FileEntry>),
    /// The session ended; written by [`crate::Recorder::close`] alone.
    SessionEnd(Cow<'a, SessionEnd>),
    /// What the gateway knows of its clock; the recorder fills the time (R6).
    Clock(Cow<'a, ClockReading>),
}

impl<'a> Event<'a> {
    /// A channel begins.
    #[must_use]
    pub fn opened(opened: &'a ChannelOpened) -> Self {
        Event::ChannelOpened(Cow::Borrowed(opened))
    }

    /// A channel ended, for this reason.
    #[must_use]
    pub fn closed(reason: impl Into<String>) -> Event<'static> {
        Event::closed_after(reason, None)
    }

    /// A channel ended, for this reason, after this much had passed.
    #[must_use]
    pub fn closed_after(reason: impl Into<String>, legs: Option<Legs>) -> Event<'static> {
        Event::ChannelClosed(Cow::Owned(ChannelClosed {
            reason: reason.into(),
            bytes: StreamCounts::default(),
            legs,
        }))
    }

    /// What the gateway knows of its clock.
    #[must_use]
    pub fn clock(reading: ClockReading) -> Event<'static> {
        Event::Clock(Cow::Owned(reading))
    }

    /// The process was ended by a signal.
    #[must_use]
    pub fn exit_signal(signal: ExitSignal) -> Event<'static> {
        Event::ExitSignal(Cow::Owned(signal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_once() {
        let end = |reason: &str, by: Option<&str>, text: &str| SessionEnd {
            reason: reason.into(),
            text: text.into(),
            by: by.map(str::to_owned),
        };
        for (end, parts) in [
            (end("closed", None, "closed"), [None, None, Some("closed")]),
            (end("closed", None, ""), [Some("closed"), None, None]),
            (
                end("cut", Some("odile"), "cut by odile: enough"),
                [None, None, Some("cut by odile: enough")],
            ),
            (
                end("cut", Some("odile"), "enough"),
                [Some("cut"), Some("odile"), Some("enough")],
            ),
            (
                end("right-ended", None, "the window closed"),
                [Some("right-ended"), None, Some("the window closed")],
            ),
        ] {
            assert_eq!(end.parts(), parts);
        }
    }
}
