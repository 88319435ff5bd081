//! The live journal's bytes on disk, field by field. All integers are little-endian.
//!
//! ```text
//! header   magic        8   "ECLUSEJL"
//!          version      1   2
//!          protection   1   1 = sealed frames; there is no other
//!          reserved     2   zero
//!          lengths   3 × 4   of the facts (≤ 256 KiB), the key (≤ 64 KiB), the wrapped key (≤ 64 KiB)
//!          facts        …   SessionFacts as JSON
//!          key          …   JSON: the recording's public key, for whom it is wrapped
//!          wrapped key  …   recording.key.age as it was when the recording opened
//!          crc          4   CRC-32 (IEEE) of all of the above
//! frame    length       3   bytes of the ciphertext
//!          attempt      1   0; 1 when a frame of this number could not be written and was cut off
//!          number       8   0, 1, 2 … : a missing frame shows
//!          ciphertext   …   AES-256-GCM; see below
//!          seal        16   its tag
//!          crc          4   CRC-32 (IEEE) of all of the above, from `length` on
//! inside   channel      4   0 = the session itself
//!          time         8   microseconds since the session started; never goes back
//!          length       4   bytes of the payload, at most 1 MiB
//!          kind         1   see `Kind`
//!          payload      …
//!          padding      …   zeros: frames up to 4 KiB end at a multiple of 256, so that single keys look alike
//! ```
//!
//! Nonce: attempt (4 bytes), number (8). Additional data: SHA-256 of the header, the 12 clear bytes of the frame, the
//! seal of the frame before (for the first: the first 16 bytes of the header's SHA-256). A frame that is changed, left
//! out, repeated, moved, or of another recording has no seal that holds.
//!
//! Frames of all channels stand in one file, so that their order is kept. Knows bytes, not files and not keys:
//! see `header`, `chain`, `writer` and `journal` for those.

use crate::evidence::manifest::ClockReading;
use crate::transfer::FileEntry;
use crate::{ChannelClosed, ChannelOpened, Direction, Event, ExitSignal, SessionEnd, Stream};
use serde::Serialize;
use std::borrow::Cow;

/// The channel number that stands for the session itself.
pub const SESSION: u32 = 0;
/// First bytes of every journal.
pub const MAGIC: [u8; 8] = *b"ECLUSEJL";
/// The version this crate writes.
pub const VERSION: u8 = 2;
/// The only protection there is: a journal in clear is refused, or it could stand in for a sealed one.
pub const SEALED: u8 = 1;
/// Bytes before the facts.
pub const FILE_HEADER: usize = 24;
/// Longest facts accepted.
pub const MAX_FACTS: usize = 256 * 1024;
/// Clear bytes before a frame's ciphertext.
pub const FRAME_HEAD: usize = 12;
/// Bytes inside the ciphertext before the payload.
pub const INNER_HEAD: usize = 17;
/// Bytes of a frame's seal.
pub const SEAL: usize = 16;
/// Longest payload of one frame.
pub const MAX_PAYLOAD: usize = 1024 * 1024;
/// Longest ciphertext of one frame.
pub const MAX_SEALED: usize = INNER_HEAD + MAX_PAYLOAD;
/// Bytes of a CRC.
pub const CRC: usize = 4;
/// Bytes around the ciphertext of a frame.
pub const AROUND: usize = FRAME_HEAD + SEAL + CRC;
/// Frames up to here are padded.
const PADDED_UP_TO: usize = 4096;
/// To a multiple of this.
const PADDED_TO: usize = 256;

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
    /// [`ClockReading`] as JSON.
    Clock = 14,
    /// [`FileEntry`] as JSON.
    File = 15,
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
    const ALL: [Kind; 15] = [
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
        Kind::Clock,
        Kind::File,
    ];

    fn from_byte(byte: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// The clear part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Of the ciphertext.
    pub(crate) length: u32,
    pub(crate) attempt: u8,
    pub(crate) number: u64,
}

impl Head {
    pub(crate) fn encode(&self) -> [u8; FRAME_HEAD] {
        let [l0, l1, l2, _] = self.length.to_le_bytes();
        let [n0, n1, n2, n3, n4, n5, n6, n7] = self.number.to_le_bytes();
        [l0, l1, l2, self.attempt, n0, n1, n2, n3, n4, n5, n6, n7]
    }

    /// Reads a head, refusing what no writer of this version produces.
    pub(crate) fn decode(bytes: &[u8; FRAME_HEAD]) -> Result<Head, &'static str> {
        let [l0, l1, l2, attempt, n0, n1, n2, n3, n4, n5, n6, n7] = *bytes;
        let length = u32::from_le_bytes([l0, l1, l2, 0]);
        if !(INNER_HEAD..=MAX_SEALED).contains(&(length as usize)) {
            return Err("a frame of a length that no recorder writes");
        }
        Ok(Head {
            length,
            attempt,
            number: u64::from_le_bytes([n0, n1, n2, n3, n4, n5, n6, n7]),
        })
    }

    /// Bytes of the whole frame.
    pub(crate) fn whole(&self) -> usize {
        AROUND.saturating_add(self.length as usize)
    }

    /// Unique under one key: a number is written once, and a second attempt says so.
    pub(crate) fn nonce(&self) -> [u8; 12] {
        let [n0, n1, n2, n3, n4, n5, n6, n7] = self.number.to_le_bytes();
        [self.attempt, 0, 0, 0, n0, n1, n2, n3, n4, n5, n6, n7]
    }
}

/// What stands before the payload, inside the ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inner {
    pub(crate) channel: u32,
    pub(crate) at_us: u64,
    pub(crate) length: u32,
    pub(crate) kind: Kind,
}

impl Inner {
    pub(crate) fn encode(&self) -> [u8; INNER_HEAD] {
        let mut out = [0u8; INNER_HEAD];
        out[0..4].copy_from_slice(&self.channel.to_le_bytes());
        out[4..12].copy_from_slice(&self.at_us.to_le_bytes());
        out[12..16].copy_from_slice(&self.length.to_le_bytes());
        out[16] = self.kind as u8;
        out
    }

    /// Splits what was decrypted into its head and its payload.
    pub(crate) fn decode(plain: &[u8]) -> Result<(Inner, &[u8]), &'static str> {
        let (head, rest) = plain
            .split_first_chunk::<INNER_HEAD>()
            .ok_or("a frame without a head")?;
        let [
            c0,
            c1,
            c2,
            c3,
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7,
            l0,
            l1,
            l2,
            l3,
            kind,
        ] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let (payload, padding) = rest
            .split_at_checked(length as usize)
            .ok_or("a payload longer than its frame")?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err("padding that is not zero");
        }
        let inner = Inner {
            channel: u32::from_le_bytes([c0, c1, c2, c3]),
            at_us: u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
            length,
            kind: Kind::from_byte(kind).ok_or("an unknown kind of frame")?,
        };
        Ok((inner, payload))
    }
}

/// Bytes of ciphertext for so many of payload.
pub(crate) fn padded(payload: usize) -> usize {
    let body = INNER_HEAD.saturating_add(payload);
    if body > PADDED_UP_TO {
        return body;
    }
    body.next_multiple_of(PADDED_TO)
}

/// The CRC that closes a frame or the file header.
pub(crate) fn crc(parts: &[&[u8]]) -> [u8; CRC] {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_le_bytes()
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
        Event::Clock(reading) => (Kind::Clock, json(reading)),
        Event::File(entry) => (Kind::File, json(entry)),
    }
}

/// Strings, integers and options only: there is no value of these types that JSON cannot hold.
fn json<'a>(value: &impl Serialize) -> Payload<'a> {
    Payload::Owned(serde_json::to_vec(value).unwrap_or_default())
}

/// Channel, time and event of what a seal covered: a frame's plain side, as decryption gives it.
///
/// # Errors
/// It is not what any version writes. In words.
pub fn inside(plain: &[u8]) -> Result<(u32, u64, Event<'_>), String> {
    let (inner, payload) = Inner::decode(plain)?;
    Ok((inner.channel, inner.at_us, decode(inner.kind, payload)?))
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
        Kind::Clock => Event::Clock(parse::<ClockReading>(kind, payload)?),
        Kind::File => Event::File(parse::<FileEntry>(kind, payload)?),
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
