//! The live journal's bytes on disk, field by field. All integers are little-endian.
//!
//! ```text
//! header   magic        8   "ECLUSEJL"
//!          version      1   1
//!          protection   1   0 = plain
//!          reserved     2   zero
//!          length       4   bytes of the facts, at most 256 KiB
//!          facts        …   SessionFacts as JSON
//!          crc          4   CRC-32 (IEEE) of all of the above
//! frame    length       4   bytes of the payload, at most 1 MiB
//!          channel      4   0 = the session itself
//!          number       8   0, 1, 2 … : a missing frame shows
//!          time         8   microseconds since the session started; never goes back
//!          kind         1   see `Kind`
//!          reserved     3   zero
//!          payload      …
//!          crc          4   CRC-32 (IEEE) of all of the above, from `length` on
//! ```
//!
//! Frames of all channels stand in one file, so that their order is kept. Knows bytes, not files:
//! see `writer` and `journal` for those.

use crate::{
    ChannelClosed, ChannelOpened, Direction, Event, ExitSignal, Protection, SessionEnd,
    SessionFacts, Stream,
};
use serde::Serialize;
use std::borrow::Cow;

/// The channel number that stands for the session itself.
pub const SESSION: u32 = 0;
/// First bytes of every journal.
pub const MAGIC: [u8; 8] = *b"ECLUSEJL";
/// The version this crate writes.
pub const VERSION: u8 = 1;
/// Bytes before the facts.
pub const FILE_HEADER: usize = 16;
/// Longest facts accepted.
pub const MAX_FACTS: usize = 256 * 1024;
/// Bytes before a payload.
pub const FRAME_HEADER: usize = 28;
/// Longest payload of one frame.
pub const MAX_PAYLOAD: usize = 1024 * 1024;
/// Bytes of a CRC.
pub const CRC: usize = 4;

/// What a frame holds; the value of its `kind` byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// [`ChannelOpened`] as JSON.
    ChannelOpened = 1,
    /// Bytes of the target's output.
    Output = 2,
    /// Bytes of the target's standard error.
    ErrorOutput = 3,
    /// Bytes of the technician.
    Input = 4,
    /// Columns then rows, `u32` each.
    Resize = 5,
    /// Text.
    Marker = 6,
    /// One byte: 0 to the target, 1 to the technician.
    Eof = 7,
    /// The status, `u32`.
    ExitStatus = 8,
    /// [`ExitSignal`] as JSON.
    ExitSignal = 9,
    /// [`ChannelClosed`] as JSON.
    ChannelClosed = 10,
    /// Text.
    Note = 11,
    /// Text.
    Refusal = 12,
    /// [`SessionEnd`] as JSON; nothing follows.
    SessionEnd = 13,
}

impl From<Stream> for Kind {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Output => Kind::Output,
            Stream::ErrorOutput => Kind::ErrorOutput,
            Stream::Input => Kind::Input,
        }
    }
}

impl Kind {
    const ALL: [Kind; 13] = [
        Kind::ChannelOpened,
        Kind::Output,
        Kind::ErrorOutput,
        Kind::Input,
        Kind::Resize,
        Kind::Marker,
        Kind::Eof,
        Kind::ExitStatus,
        Kind::ExitSignal,
        Kind::ChannelClosed,
        Kind::Note,
        Kind::Refusal,
        Kind::SessionEnd,
    ];

    fn from_byte(byte: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// The fixed part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) length: u32,
    pub(crate) channel: u32,
    pub(crate) number: u64,
    pub(crate) at_us: u64,
    pub(crate) kind: Kind,
}

impl Head {
    pub(crate) fn encode(&self) -> [u8; FRAME_HEADER] {
        let mut out = [0u8; FRAME_HEADER];
        out[0..4].copy_from_slice(&self.length.to_le_bytes());
        out[4..8].copy_from_slice(&self.channel.to_le_bytes());
        out[8..16].copy_from_slice(&self.number.to_le_bytes());
        out[16..24].copy_from_slice(&self.at_us.to_le_bytes());
        out[24] = self.kind as u8;
        out
    }

    /// Reads a header, refusing what no writer of this version produces.
    pub(crate) fn decode(bytes: &[u8; FRAME_HEADER]) -> Result<Head, &'static str> {
        let [
            l0,
            l1,
            l2,
            l3,
            c0,
            c1,
            c2,
            c3,
            n0,
            n1,
            n2,
            n3,
            n4,
            n5,
            n6,
            n7,
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7,
            kind,
            r0,
            r1,
            r2,
        ] = *bytes;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        if length as usize > MAX_PAYLOAD {
            return Err("a frame longer than 1 MiB");
        }
        if [r0, r1, r2] != [0, 0, 0] {
            return Err("reserved bytes that are not zero");
        }
        Ok(Head {
            length,
            channel: u32::from_le_bytes([c0, c1, c2, c3]),
            number: u64::from_le_bytes([n0, n1, n2, n3, n4, n5, n6, n7]),
            at_us: u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
            kind: Kind::from_byte(kind).ok_or("an unknown kind of frame")?,
        })
    }
}

/// The CRC that closes a frame or the file header.
pub(crate) fn crc(parts: &[&[u8]]) -> [u8; CRC] {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_le_bytes()
}

/// The CRC of a frame whose payload comes in pieces.
pub(crate) fn crc_of_pieces(head: &[u8], payload: &[&[u8]]) -> [u8; CRC] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    for piece in payload {
        hasher.update(piece);
    }
    hasher.finalize().to_le_bytes()
}

/// The whole file header.
pub(crate) fn file_header(
    facts: &SessionFacts,
    protection: Protection,
) -> Result<Vec<u8>, serde_json::Error> {
    let facts = serde_json::to_vec(facts)?;
    let mut out = Vec::with_capacity(FILE_HEADER + facts.len() + CRC);
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    out.push(protection.byte());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&u32::try_from(facts.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&facts);
    let crc = crc(&[&out]);
    out.extend_from_slice(&crc);
    Ok(out)
}

/// The payload of an event, borrowed where it is bytes already: the hot path allocates nothing.
pub(crate) enum Payload<'a> {
    Borrowed(&'a [u8]),
    Small([u8; 8], usize),
    Owned(Vec<u8>),
}

impl Payload<'_> {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Payload::Borrowed(bytes) => bytes,
            Payload::Small(bytes, length) => bytes.get(..*length).unwrap_or(bytes),
            Payload::Owned(bytes) => bytes,
        }
    }
}

pub(crate) fn encode<'a>(event: &Event<'a>) -> (Kind, Payload<'a>) {
    match event {
        Event::ChannelOpened(opened) => (Kind::ChannelOpened, json(opened)),
        Event::Output(bytes) => (Kind::Output, Payload::Borrowed(bytes)),
        Event::ErrorOutput(bytes) => (Kind::ErrorOutput, Payload::Borrowed(bytes)),
        Event::Input(bytes) => (Kind::Input, Payload::Borrowed(bytes)),
        Event::Resize { cols, rows } => {
            let mut bytes = [0u8; 8];
            bytes[0..4].copy_from_slice(&cols.to_le_bytes());
            bytes[4..8].copy_from_slice(&rows.to_le_bytes());
            (Kind::Resize, Payload::Small(bytes, 8))
        }
        Event::Marker(text) => (Kind::Marker, Payload::Borrowed(text.as_bytes())),
        Event::Eof(direction) => {
            let byte = match direction {
                Direction::ToTarget => 0,
                Direction::ToTechnician => 1,
            };
            (Kind::Eof, Payload::Small([byte, 0, 0, 0, 0, 0, 0, 0], 1))
        }
        Event::ExitStatus(status) => {
            let mut bytes = [0u8; 8];
            bytes[0..4].copy_from_slice(&status.to_le_bytes());
            (Kind::ExitStatus, Payload::Small(bytes, 4))
        }
        Event::ExitSignal(signal) => (Kind::ExitSignal, json(signal)),
        Event::ChannelClosed(closed) => (Kind::ChannelClosed, json(closed)),
        Event::Note(text) => (Kind::Note, Payload::Borrowed(text.as_bytes())),
        Event::Refusal(text) => (Kind::Refusal, Payload::Borrowed(text.as_bytes())),
        Event::SessionEnd(end) => (Kind::SessionEnd, json(end)),
    }
}

/// Strings, integers and options only: there is no value of these types that JSON cannot hold.
fn json<'a>(value: &impl Serialize) -> Payload<'a> {
    Payload::Owned(serde_json::to_vec(value).unwrap_or_default())
}

pub(crate) fn decode(kind: Kind, payload: &[u8]) -> Result<Event<'_>, String> {
    let text = || std::str::from_utf8(payload).map_err(|_| format!("{kind:?} that is not text"));
    Ok(match kind {
        Kind::ChannelOpened => Event::ChannelOpened(parse::<ChannelOpened>(kind, payload)?),
        Kind::Output => Event::Output(payload),
        Kind::ErrorOutput => Event::ErrorOutput(payload),
        Kind::Input => Event::Input(payload),
        Kind::Resize => {
            let [c0, c1, c2, c3, r0, r1, r2, r3] = *<&[u8; 8]>::try_from(payload)
                .map_err(|_| "a size that is not 8 bytes".to_owned())?;
            Event::Resize {
                cols: u32::from_le_bytes([c0, c1, c2, c3]),
                rows: u32::from_le_bytes([r0, r1, r2, r3]),
            }
        }
        Kind::Marker => Event::Marker(text()?),
        Kind::Eof => match payload {
            [0] => Event::Eof(Direction::ToTarget),
            [1] => Event::Eof(Direction::ToTechnician),
            _ => return Err("an end of stream without direction".to_owned()),
        },
        Kind::ExitStatus => {
            let bytes = <[u8; 4]>::try_from(payload)
                .map_err(|_| "a status that is not 4 bytes".to_owned())?;
            Event::ExitStatus(u32::from_le_bytes(bytes))
        }
        Kind::ExitSignal => Event::ExitSignal(parse::<ExitSignal>(kind, payload)?),
        Kind::ChannelClosed => Event::ChannelClosed(parse::<ChannelClosed>(kind, payload)?),
        Kind::Note => Event::Note(text()?),
        Kind::Refusal => Event::Refusal(text()?),
        Kind::SessionEnd => Event::SessionEnd(parse::<SessionEnd>(kind, payload)?),
    })
}

fn parse<T: serde::de::DeserializeOwned + Clone>(
    kind: Kind,
    payload: &[u8],
) -> Result<Cow<'static, T>, String> {
    serde_json::from_slice(payload)
        .map(Cow::Owned)
        .map_err(|error| format!("{kind:?}: {error}"))
}
