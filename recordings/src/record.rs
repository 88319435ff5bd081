//! `session.json`: what a finished recording holds, for programs and for people with a text editor.

use crate::evidence::manifest::{ChannelCoverage, ClockReading, Legs};
use crate::layout;
use crate::{
    Bytes, ChannelKind, ChannelOpened, ExitSignal, SessionEnd, SessionFacts, Stream, StreamCounts,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The value of `format` in `session.json`.
pub(crate) const FORMAT: &str = "ecluse-session";
/// The version this crate writes.
pub(crate) const VERSION: u32 = 2;

/// A finished recording: who, what, which files, how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SessionRecord {
    /// Always `ecluse-session`.
    pub format: String,
    /// 2.
    pub version: u32,
    /// What was known when the recording opened.
    pub facts: SessionFacts,
    /// **Unit**: microseconds since the start; the time of the last frame.
    pub ended_us: u64,
    /// How it ended; `None` when it was cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<SessionEnd>,
    /// The gateway stopped before it could write the end. Every whole frame is here nevertheless.
    pub cut_short: bool,
    /// Bytes of an unfinished frame, kept in `torn-tail.bin`.
    #[serde(default)]
    pub torn_bytes: u64,
    /// Whether what screens showed is in the search text, where somebody had a choice; none in recordings from before this was
    /// kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen_text: Option<bool>,
    /// Lines of `notes.jsonl`; without any there is no such file.
    #[serde(default)]
    pub notes: u64,
    /// The channels, in the order they opened.
    pub channels: Vec<ChannelRecord>,
    /// What the gateway knew of its clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clock: Vec<ClockReading>,
    /// The salt of each file's digest in the manifest, hexadecimal, by the file's plain name.
    #[serde(default)]
    pub salts: BTreeMap<String, String>,
    /// The journal this was made from.
    pub journal: JournalFacts,
}

/// What the journal was, before it became files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JournalFacts {
    /// Frames it held.
    pub frames: u64,
    /// Its length.
    pub bytes: u64,
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChannelRecord {
    /// From 1, in the order of opening.
    pub number: u32,
    /// Command, terminal, environment.
    pub opened: ChannelOpened,
    /// **Unit**: microseconds since the session's start; zero of the times in the cast.
    pub opened_us: u64,
    /// The same, when the channel closed or the recording stopped.
    pub closed_us: u64,
    /// Why it closed; `None` when the recording stopped first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What passed, as the gateway's two sides counted it; `None` where the channel did not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legs: Option<Legs>,
    /// How the process ended, where the target said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// Lines that were typed at a terminal, not one letter of which was shown, though nothing asked for a secret.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hidden_lines: u64,
    /// Where the bytes are.
    pub files: Files,
    /// Output, or all output where there is a terminal.
    pub output: StreamRecord,
    /// Standard error.
    pub error_output: StreamRecord,
    /// What the technician sent.
    pub input: StreamRecord,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl ChannelRecord {
    /// Shell or command.
    #[must_use]
    pub fn kind(&self) -> ChannelKind {
        self.opened.kind
    }

    /// The record of one stream.
    #[must_use]
    pub fn stream(&self, stream: Stream) -> &StreamRecord {
        match stream {
            Stream::Output => &self.output,
            Stream::ErrorOutput => &self.error_output,
            Stream::Input => &self.input,
        }
    }

    /// What the manifest says of the channel, and whether everything that passed was recorded.
    #[must_use]
    pub fn coverage(&self) -> ChannelCoverage {
        let recorded = StreamCounts {
            output: self.output.bytes,
            error_output: self.error_output.bytes,
            input: self.input.bytes,
        };
        ChannelCoverage {
            number: self.number,
            kind: self.opened.kind,
            opened_us: self.opened_us,
            closed_us: self.closed_us,
            recorded,
            legs: self.legs,
            gap: self.legs.and_then(|legs| legs.gap(&recorded)),
        }
    }

    /// The command as text for people, neutralised.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        self.opened.command.as_ref().map(crate::spelled)
    }
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// With a status.
    Status(u32),
    /// By a signal.
    Signal(ExitSignal),
}

/// The files of a channel, plain names; on disk each ends with `.zst.age`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Files {
    /// What happened, as asciicast v2.
    pub cast: String,
    /// The exact output, where it is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The exact standard error, where it is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_output: Option<String>,
    /// The exact input, where it is not text; masked parts are `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Input that the target did not echo, where there was any: the only place where it is in clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unechoed: Option<String>,
}

impl Files {
    /// The raw file of a stream, where it has one.
    #[must_use]
    pub fn raw(&self, stream: Stream) -> Option<&str> {
        match stream {
            Stream::Output => self.output.as_deref(),
            Stream::ErrorOutput => self.error_output.as_deref(),
            Stream::Input => self.input.as_deref(),
        }
    }

    /// Every file of the channel.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.cast.as_str())
            .chain(
                Stream::ALL
                    .into_iter()
                    .filter_map(|stream| self.raw(stream)),
            )
            .chain(self.unechoed.as_deref())
    }

    /// The names that this crate gives; a record from elsewhere may hold any text, and none of it is
    /// followed out of the session's directory.
    pub(crate) fn are_plain_names(&self) -> bool {
        self.all().all(layout::is_safe_name)
    }
}

/// One stream of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StreamRecord {
    /// **Unit**: payload bytes.
    pub bytes: u64,
    /// SHA-256 of the whole stream, hexadecimal. Absent for input with masked parts: the digest of a
    /// short password is the password to whoever can guess, so it stands in the `unechoed` file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// One line of an `unechoed.jsonl` file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", untagged)]
pub(crate) enum UnechoedLine {
    /// What stands behind one masked event.
    Masked(Masked),
    /// The last line: the whole input stream, unmasked.
    #[serde(rename_all = "kebab-case")]
    Total {
        input_bytes: u64,
        input_sha256: String,
    },
}

/// Input that was not echoed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Masked {
    /// Where in the input stream.
    pub(crate) offset: u64,
    pub(crate) bytes: Bytes,
}

/// One line of `notes.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NoteLine {
    /// **Unit**: microseconds since the session's start.
    pub at_us: u64,
    /// The channel it concerns; 0 is the session.
    pub channel: u32,
    /// `note`, `refusal` or `marker`.
    pub kind: String,
    /// What was said.
    pub text: String,
}
