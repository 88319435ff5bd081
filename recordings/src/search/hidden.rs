//! What was typed, line by line and in clear, and which of it was not echoed: for who may read that, and nobody else.
//!
//! What was not echoed is never among the lines of a recording's search text; it is read from the file that alone holds it.

use super::{LONGEST_LINE, Line, LineKind};
use crate::cast::Code;
use crate::rebuild::{Unechoed, position_of};
use crate::record::ChannelRecord;
use crate::{OpenRecording, ReadError, Stream};

/// Hands over each line of which a part was not echoed, in clear, until `each` says `false`.
///
/// # Errors
/// A file does not read.
pub fn hidden(
    recording: &OpenRecording,
    mut each: impl FnMut(Line) -> bool,
) -> Result<(), ReadError> {
    for channel in &recording.record().channels {
        let Some(name) = &channel.files.unechoed else {
            continue;
        };
        let unechoed = Unechoed::open(recording, name)?;
        let mut hidden = |line: Line, hidden: bool| !hidden || each(line);
        let goes_on = match channel.files.raw(Stream::Input) {
            None => timed(recording, channel, Some(unechoed), &mut hidden)?,
            Some(_) => untimed(channel, unechoed, &mut hidden)?,
        };
        if !goes_on {
            break;
        }
    }
    Ok(())
}

/// Hands over each line that was typed into a channel, in clear, with its time and whether a part of it was not echoed,
/// until `each` says `false`. Nothing of one whose input is in a file of its own, which has no times: `false` then
/// ([`crate::rebuild`] gives that).
///
/// # Errors
/// A file does not read.
pub fn in_clear(
    recording: &OpenRecording,
    channel: &ChannelRecord,
    mut each: impl FnMut(Line, bool) -> bool,
) -> Result<bool, ReadError> {
    if channel.files.raw(Stream::Input).is_some() {
        return Ok(false);
    }
    let unechoed = match &channel.files.unechoed {
        Some(name) => Some(Unechoed::open(recording, name)?),
        None => None,
    };
    timed(recording, channel, unechoed, &mut each)?;
    Ok(true)
}

/// The line that is being typed.
struct Typed<'e, F> {
    channel: u32,
    at_us: u64,
    bytes: Vec<u8>,
    hidden: bool,
    each: &'e mut F,
}

impl<F: FnMut(Line, bool) -> bool> Typed<'_, F> {
    fn take(&mut self, at_us: u64, bytes: &[u8], hidden: bool) -> bool {
        for byte in bytes {
            if matches!(byte, b'\r' | b'\n') || self.bytes.len() >= LONGEST_LINE {
                if !self.give() {
                    return false;
                }
                if matches!(byte, b'\r' | b'\n') {
                    continue;
                }
            }
            if self.bytes.is_empty() {
                self.at_us = at_us;
            }
            self.bytes.push(*byte);
            self.hidden |= hidden;
        }
        true
    }

    fn give(&mut self) -> bool {
        let bytes = std::mem::take(&mut self.bytes);
        let hidden = std::mem::take(&mut self.hidden);
        if bytes.is_empty() {
            return true;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let line = Line::new(self.at_us, self.channel, LineKind::Typed, text);
        (self.each)(line, hidden)
    }
}

fn timed(
    recording: &OpenRecording,
    channel: &ChannelRecord,
    mut unechoed: Option<Unechoed>,
    each: &mut impl FnMut(Line, bool) -> bool,
) -> Result<bool, ReadError> {
    let mut reader = recording.cast(&channel.files.cast)?;
    let mut typed = typed(channel, each);
    let mut offset = 0u64;
    while let Some(event) = reader.next_event()? {
        if event.code != Code::Input {
            continue;
        }
        let at_us = channel.opened_us.saturating_add(event.at_us);
        let masked = match &mut unechoed {
            Some(unechoed) => unechoed.take(offset)?,
            None => None,
        };
        let (bytes, hidden) = match &masked {
            Some(masked) => (masked.bytes.as_ref(), true),
            None => (event.text.as_bytes(), false),
        };
        offset = offset.saturating_add(bytes.len() as u64);
        if !typed.take(at_us, bytes, hidden) {
            return Ok(false);
        }
    }
    Ok(typed.give())
}

/// Where the exact input is in a file of its own, which has no times.
fn untimed(
    channel: &ChannelRecord,
    mut unechoed: Unechoed,
    each: &mut impl FnMut(Line, bool) -> bool,
) -> Result<bool, ReadError> {
    let mut typed = typed(channel, each);
    let mut end = 0;
    while let Some(masked) = unechoed.next()? {
        let (from, until) = position_of(&masked);
        if from > end && !typed.give() {
            return Ok(false);
        }
        end = until;
        if !typed.take(channel.opened_us, masked.bytes.as_ref(), true) {
            return Ok(false);
        }
    }
    Ok(typed.give())
}

fn typed<'e, F: FnMut(Line, bool) -> bool>(
    channel: &ChannelRecord,
    each: &'e mut F,
) -> Typed<'e, F> {
    Typed {
        channel: channel.number,
        at_us: channel.opened_us,
        bytes: Vec::new(),
        hidden: false,
        each,
    }
}
