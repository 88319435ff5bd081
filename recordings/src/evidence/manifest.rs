//! `manifest.json`: what a sealed recording consists of. Signed, readable without any key, and free of content.
//!
//! Digests of plain text are salted, and the salts stand inside the encrypted `session.json`, so that nobody can
//! confirm a guess at what was said from the manifest alone.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{ChannelKind, SessionEnd, StreamCounts, layout};

/// The value of `format`.
pub const FORMAT: &str = "ecluse-manifest";
/// The version this crate writes.
pub const VERSION: u32 = 1;
/// Longest manifest that is read.
pub const MAX_MANIFEST: u64 = 64 * 1024 * 1024;

/// A sealed recording: who, when, which files, how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// Always `ecluse-manifest`.
    pub format: String,
    /// 1.
    pub version: u32,
    /// Who, from where, to what, under which approval: as when the recording opened.
    pub facts: crate::SessionFacts,
    /// Files, or the live journal as it was.
    pub form: Form,
    /// The gateway stopped before it could write the end; every whole frame is here nevertheless.
    pub cut_short: bool,
    /// How it ended; `None` when it was cut short, and for a journal that the gateway could not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<SessionEnd>,
    /// **Unit**: microseconds since `facts.started`; the time of the last frame, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_us: Option<u64>,
    /// When the seal was made. **Unit**: microseconds since 1970, UTC.
    pub sealed: i64,
    /// Which program sealed it, such as `ecluse 0.1.0`.
    pub by: String,
    /// The key that reads it.
    pub key: KeyRecord,
    /// The journal it was made from.
    pub journal: JournalDigest,
    /// The channels; empty for a journal that the gateway could not read.
    pub channels: Vec<ChannelCoverage>,
    /// What the gateway knew of its clock, at the start and whenever that changed (R6).
    pub clock: Vec<ClockReading>,
    /// Every file but the manifest, its signature and the wrapped key; sorted by name.
    pub files: Vec<FileRecord>,
}

/// In which form a recording is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Casts, raw streams and `session.json`, each compressed and encrypted.
    Files,
    /// `sealed.journal`: the encrypted live journal, as it was when the gateway lost its key.
    Journal,
}

/// Which key reads the recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeyRecord {
    /// The public half of the recording's own key (`age1…`): who holds the secret half can show that it belongs.
    pub public: String,
    /// For whom `recording.key.age` was made, in order.
    pub recipients: Vec<String>,
    /// SHA-256 of `recording.key.age` when the recording was made, hexadecimal.
    pub wrapped_sha256: String,
}

/// What the live journal was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct JournalDigest {
    /// Frames.
    pub frames: u64,
    /// Bytes of its whole frames, with the header.
    pub bytes: u64,
    /// SHA-256 of its header, hexadecimal: stands in the log since the session began.
    pub header_sha256: String,
    /// The seal (authentication tag) of its last frame, hexadecimal; each frame's seal covers the one before. Empty
    /// when there is no frame.
    pub last_seal: String,
    /// Bytes of an unfinished frame, kept in `torn-tail.bin`.
    pub torn_bytes: u64,
}

/// One channel, and whether everything that passed was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ChannelCoverage {
    /// From 1, in the order of opening.
    pub number: u32,
    /// Shell or command.
    pub kind: ChannelKind,
    /// **Unit**: microseconds since the session's start.
    pub opened_us: u64,
    /// The same, when it closed or the recording stopped.
    pub closed_us: u64,
    /// **Unit**: payload bytes recorded.
    pub recorded: StreamCounts,
    /// **Unit**: payload bytes as the gateway's two sides counted them; `None` where the channel did not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legs: Option<Legs>,
    /// What passed without being recorded, in words; `None` when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
}

/// What passed on a channel, counted where it was received and where it was sent, apart from the recorder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Legs {
    /// Received from the target.
    pub from_target: u64,
    /// Sent to the technician.
    pub to_technician: u64,
    /// Received from the technician.
    pub from_technician: u64,
    /// Sent to the target.
    pub to_target: u64,
}

impl Legs {
    /// What passed without being recorded, in words. What was received and went nowhere is no gap: it did not pass.
    #[must_use]
    pub fn gap(&self, recorded: &StreamCounts) -> Option<String> {
        let down = recorded.output.saturating_add(recorded.error_output);
        let mut gaps = Vec::new();
        if self.to_technician > down {
            gaps.push(format!(
                "{} bytes went to the technician and {down} are recorded",
                self.to_technician
            ));
        }
        if self.to_target > recorded.input {
            gaps.push(format!(
                "{} bytes went to the target and {} are recorded",
                self.to_target, recorded.input
            ));
        }
        (!gaps.is_empty()).then(|| gaps.join("; "))
    }
}

/// What the gateway knew of its clock (R6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClockReading {
    /// When. **Unit**: microseconds since the session's start.
    pub at_us: u64,
    /// What it was compared with, such as `ntp ntp1.example, ntp2.example`; `system` where with nothing.
    pub source: String,
    /// How much must be added to the gateway's time to have the source's. **Unit**: microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_us: Option<i64>,
    /// How far the clock was found to have jumped just then. **Unit**: microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jumped_us: Option<i64>,
}

/// One file of the recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileRecord {
    /// Its name in the recording's directory.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of the file as it stands on disk, hexadecimal: what `sha256sum` prints.
    pub sha256: String,
    /// SHA-256 of a salt of 32 bytes and the plain content, hexadecimal; the salt stands in `session.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_salted_sha256: Option<String>,
}

impl Manifest {
    /// Reads a manifest's text; it may come from anywhere.
    ///
    /// # Errors
    /// Not ours, of a later version, or naming files outside of the recording. In words.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let manifest: Manifest =
            serde_json::from_slice(text).map_err(|error| crate::neutralise(error.to_string()))?;
        if manifest.format != FORMAT || manifest.version != VERSION {
            return Err(format!(
                "{} version {}; this version reads {FORMAT} version {VERSION}",
                crate::neutralise(&manifest.format),
                manifest.version
            ));
        }
        if !manifest
            .files
            .iter()
            .all(|file| layout::is_safe_name(&file.name))
        {
            return Err("it names files outside of the recording".to_owned());
        }
        Ok(manifest)
    }

    /// The text that is signed.
    ///
    /// # Errors
    /// There is no value that JSON cannot hold; the library's error is passed on nevertheless.
    pub fn to_text(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> Uuid {
        self.facts.session
    }
}

/// SHA-256 as `sha256sum` prints it.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    crate::bytes::to_hex(&Sha256::digest(bytes))
}
