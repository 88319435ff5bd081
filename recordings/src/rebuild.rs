//! Gives every stream back, byte for byte, from the files of a recording.

use crate::artefact::Plain;
use crate::cast::{CastReader, Code, MARK};
use crate::convert_channel::MASK_BYTE;
use crate::record::{ChannelRecord, Masked, UnechoedLine};
use crate::{FinishError, OpenRecording, ReadError, Stream};
use sha2::{Digest, Sha256};
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

const BUFFER: usize = 256 * 1024;

/// A piece of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt<'a> {
    /// Which stream.
    pub stream: Stream,
    /// The next bytes of it.
    pub bytes: &'a [u8],
}

/// Hands over all bytes of a channel, stream by stream in order (streams may alternate). With
/// `unmask`, input that was not echoed is given in clear, and the file that holds it must be readable;
/// without, each masked byte of a raw stream is `*` and each masked character of a cast `•`.
///
/// # Errors
/// When a file does not open or does not read, or `sink` fails.
pub fn rebuild(
    recording: &OpenRecording,
    channel: &ChannelRecord,
    unmask: bool,
    sink: impl FnMut(Rebuilt<'_>) -> io::Result<()>,
) -> Result<(), ReadError> {
    rebuild_from(recording, channel, unmask, sink)
}

pub(crate) fn rebuild_from(
    from: &dyn Plain,
    channel: &ChannelRecord,
    unmask: bool,
    mut sink: impl FnMut(Rebuilt<'_>) -> io::Result<()>,
) -> Result<(), ReadError> {
    let files = &channel.files;
    let mut unechoed = match &files.unechoed {
        Some(name) if unmask => Some(Unechoed::open(from, name)?),
        _ => None,
    };
    let cast_path = from.place(&files.cast);
    let mut cast = CastReader::from_reader(
        &cast_path,
        BufReader::with_capacity(BUFFER, from.open_plain(&files.cast)?),
    )?;
    let mut current = Stream::Output;
    let mut input_offset = 0u64;
    while let Some(event) = cast.next_event()? {
        let stream = match event.code {
            Code::Output => current,
            Code::Input => Stream::Input,
            Code::Marker => {
                match event.text.strip_prefix(MARK) {
                    Some("stdout") => current = Stream::Output,
                    Some("stderr") => current = Stream::ErrorOutput,
                    _ => {}
                }
                continue;
            }
            Code::Resize { .. } | Code::Exit | Code::Other(_) => continue,
        };
        if files.raw(stream).is_some() {
            continue;
        }
        let mut bytes = event.text.as_bytes();
        let masked = if stream == Stream::Input {
            match &mut unechoed {
                Some(unechoed) => unechoed.take(input_offset)?,
                None => None,
            }
        } else {
            None
        };
        if let Some(masked) = &masked {
            bytes = masked.bytes.as_ref();
        }
        if stream == Stream::Input {
            input_offset = input_offset.saturating_add(bytes.len() as u64);
        }
        sink(Rebuilt { stream, bytes }).map_err(|error| ReadError::io(&cast_path, error))?;
    }
    for stream in Stream::ALL {
        if let Some(name) = files.raw(stream) {
            let unechoed = if stream == Stream::Input {
                unechoed.as_mut()
            } else {
                None
            };
            copy_raw(from, name, stream, unechoed, &mut sink)?;
        }
    }
    Ok(())
}

/// Checks that the files of a channel hold what the journal held: counts and digests. `compares` says whether `from` itself
/// compares each file with what was written into it: a stream that is a file of its own, whole, is then known by that.
pub(crate) fn verify(
    from: &dyn Plain,
    channel: &ChannelRecord,
    compares: bool,
) -> Result<(), FinishError> {
    let mut digests = crate::stream::PerStream::<(u64, Sha256)>::default();
    let is_known = |stream: Stream| {
        let masked = stream == Stream::Input && channel.files.unechoed.is_some();
        compares && !masked && channel.files.raw(stream).is_some()
    };
    rebuild_from(from, channel, true, |piece| {
        let (count, digest) = digests.of_mut(piece.stream);
        *count = count.saturating_add(piece.bytes.len() as u64);
        if !is_known(piece.stream) {
            digest.update(piece.bytes);
        }
        Ok(())
    })?;
    let unechoed = match &channel.files.unechoed {
        Some(name) => Unechoed::open(from, name)?.total()?,
        None => None,
    };
    for stream in Stream::ALL {
        let (count, digest) = std::mem::take(digests.of_mut(stream));
        let found = crate::bytes::to_hex(&digest.finalize());
        let record = channel.stream(stream);
        let expected = match (stream, &unechoed) {
            (Stream::Input, Some((_, sha256))) => Some(sha256),
            _ => record.sha256.as_ref(),
        };
        let same = is_known(stream) || expected == Some(&found);
        if count != record.bytes || !same {
            return Err(FinishError::Mismatch {
                what: format!("{} of channel {}", stream.word(), channel.number),
            });
        }
    }
    Ok(())
}

fn copy_raw(
    from: &dyn Plain,
    name: &str,
    stream: Stream,
    mut unechoed: Option<&mut Unechoed>,
    sink: &mut impl FnMut(Rebuilt<'_>) -> io::Result<()>,
) -> Result<(), ReadError> {
    let path = from.place(name);
    let fail = |error| ReadError::io(&path, error);
    let mut file = from.open_plain(name)?;
    let mut buffer = vec![0u8; BUFFER];
    let mut offset = 0u64;
    // What stands behind masked bytes, and how much of it was given already.
    let mut pending: Option<Masked> = None;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(fail(error)),
        };
        let piece = buffer.get_mut(..read).unwrap_or_default();
        let end = offset.saturating_add(read as u64);
        while let Some(unechoed) = unechoed.as_deref_mut() {
            if pending.is_none() {
                pending = unechoed.next()?;
            }
            let Some(masked) = &pending else { break };
            overlay(piece, offset, masked);
            if masked.offset.saturating_add(masked.bytes.0.len() as u64) > end {
                break;
            }
            pending = None;
        }
        sink(Rebuilt {
            stream,
            bytes: piece,
        })
        .map_err(fail)?;
        offset = end;
    }
}

/// Puts the part of `masked` that falls into `piece` in its place.
fn overlay(piece: &mut [u8], offset: u64, masked: &Masked) {
    for (place, byte) in (masked.offset..).zip(&masked.bytes.0) {
        let slot = place
            .checked_sub(offset)
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| piece.get_mut(at));
        if let Some(slot) = slot
            && *slot == MASK_BYTE
        {
            *slot = *byte;
        }
    }
}

/// Where masked input stands in its stream, the end excluded.
pub(crate) fn position_of(masked: &Masked) -> (u64, u64) {
    let length = masked.bytes.0.len() as u64;
    (masked.offset, masked.offset.saturating_add(length))
}

/// Reads an `unechoed.jsonl` file in order.
pub(crate) struct Unechoed {
    path: PathBuf,
    lines: BufReader<Box<dyn Read + Send>>,
    ahead: Option<Masked>,
    total: Option<(u64, String)>,
}

impl Unechoed {
    pub(crate) fn open(from: &dyn Plain, name: &str) -> Result<Self, ReadError> {
        Ok(Unechoed {
            path: from.place(name),
            lines: BufReader::new(from.open_plain(name)?),
            ahead: None,
            total: None,
        })
    }

    /// The masked input that starts at `offset`, if one does.
    pub(crate) fn take(&mut self, offset: u64) -> Result<Option<Masked>, ReadError> {
        if self.ahead.is_none() {
            self.ahead = self.next()?;
        }
        Ok(self.ahead.take_if(|masked| masked.offset == offset))
    }

    pub(crate) fn next(&mut self) -> Result<Option<Masked>, ReadError> {
        if let Some(masked) = self.ahead.take() {
            return Ok(Some(masked));
        }
        let mut line = Vec::new();
        // A frame holds at most 1 MiB; as hexadecimal in JSON, a little over twice that.
        (&mut self.lines)
            .take(4 * 1024 * 1024)
            .read_until(b'\n', &mut line)
            .map_err(|error| ReadError::io(&self.path, error))?;
        if line.is_empty() {
            return Ok(None);
        }
        match serde_json::from_slice(&line) {
            Ok(UnechoedLine::Masked(masked)) => Ok(Some(masked)),
            Ok(UnechoedLine::Total {
                input_bytes,
                input_sha256,
            }) => {
                self.total = Some((input_bytes, input_sha256));
                Ok(None)
            }
            Err(error) => Err(ReadError::foreign(
                &self.path,
                format!("a line that does not read: {error}"),
            )),
        }
    }

    fn total(mut self) -> Result<Option<(u64, String)>, ReadError> {
        while self.next()?.is_some() {}
        Ok(self.total)
    }
}
