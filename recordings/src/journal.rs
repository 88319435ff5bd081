//! Reads journals: whole ones, torn ones, damaged ones, and one that is still growing.
//!
//! Invariant: whatever the file holds, reading neither panics nor takes more memory than the longest
//! frame, and every event returned stood in a frame whose CRC and number hold.

use crate::frame::{self, CRC, FILE_HEADER, FRAME_HEADER, Head, MAX_FACTS, MAX_PAYLOAD, VERSION};
use crate::{Event, Protection, ReadError, SessionFacts};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const READ_AHEAD: usize = 256 * 1024;

/// One frame, with its payload borrowed from the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where the frame starts in the file.
    pub offset: u64,
    /// 0, 1, 2, …
    pub number: u64,
    /// The channel, or [`crate::SESSION`].
    pub channel: u32,
    /// **Unit**: microseconds since the session started.
    pub at_us: u64,
    /// What happened.
    pub event: Event<'a>,
}

/// Reads a journal that nobody writes any more.
pub struct JournalReader {
    source: Source,
}

/// Reads a journal while it grows, for whoever watches the session live.
pub struct Follower {
    source: Source,
}

impl JournalReader {
    /// Opens a journal and checks its header.
    ///
    /// # Errors
    /// When the file does not open or is not a journal of a version this crate reads.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(JournalReader {
            source: Source::open(path)?,
        })
    }

    /// The session's facts.
    #[must_use]
    pub fn facts(&self) -> &SessionFacts {
        &self.source.facts
    }

    /// How the frames are protected.
    #[must_use]
    pub fn protection(&self) -> Protection {
        self.source.protection
    }

    /// Where the next frame starts; after the last one, where the whole frames end.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.source.offset
    }

    /// How many frames were read.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.source.next_number
    }

    /// The next frame, or `None` at the end.
    ///
    /// # Errors
    /// [`ReadError::Torn`] when the file ends inside a frame, [`ReadError::Damaged`] when a frame does
    /// not hold what was written. The position then stays before that frame.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        match self.source.step()? {
            Step::Frame(head, offset) => self.source.frame(head, offset).map(Some),
            Step::Incomplete(0) => Ok(None),
            Step::Incomplete(bytes) => Err(ReadError::Torn {
                path: self.source.path.clone(),
                offset: self.source.offset,
                bytes,
            }),
        }
    }
}

impl Follower {
    /// Opens a journal that may still grow.
    ///
    /// # Errors
    /// As [`JournalReader::open`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Follower {
            source: Source::open(path)?,
        })
    }

    /// The session's facts.
    #[must_use]
    pub fn facts(&self) -> &SessionFacts {
        &self.source.facts
    }

    /// The next whole frame, or `None` when there is none yet: ask again after the next append. The
    /// last frame of a session is [`Event::SessionEnd`].
    ///
    /// # Errors
    /// When a frame does not hold what was written.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        match self.source.step()? {
            Step::Frame(head, offset) => self.source.frame(head, offset).map(Some),
            Step::Incomplete(_) => {
                // Read again later: a frame that could not be finished is cut off and overwritten.
                self.source.forget_unfinished()?;
                Ok(None)
            }
        }
    }
}

enum Step {
    /// A checked frame; its payload stands at `payload` in the buffer.
    Frame(Head, u64),
    /// The file ends here for now, after so many bytes of a frame.
    Incomplete(u64),
}

struct Source {
    path: PathBuf,
    file: File,
    facts: SessionFacts,
    protection: Protection,
    buffer: Vec<u8>,
    /// `buffer[start..end]` is read and not consumed.
    start: usize,
    end: usize,
    /// Where the last frame's payload stands.
    payload: (usize, usize),
    /// File offset of `buffer[start]`.
    offset: u64,
    next_number: u64,
    last_us: u64,
}

impl Source {
    fn open(path: &Path) -> Result<Self, ReadError> {
        let mut file = File::open(path).map_err(|error| ReadError::io(path, error))?;
        let (facts, protection, offset) = read_header(path, &mut file)?;
        Ok(Source {
            path: path.to_path_buf(),
            file,
            facts,
            protection,
            buffer: vec![0; READ_AHEAD],
            start: 0,
            end: 0,
            payload: (0, 0),
            offset,
            next_number: 0,
            last_us: 0,
        })
    }

    fn step(&mut self) -> Result<Step, ReadError> {
        if !self.have(FRAME_HEADER)? {
            return Ok(Step::Incomplete((self.end - self.start) as u64));
        }
        let damaged = |problem: &str| ReadError::damaged(&self.path, self.offset, problem);
        let head = self
            .buffer
            .get(self.start..self.end)
            .and_then(|bytes| bytes.first_chunk::<FRAME_HEADER>())
            .ok_or_else(|| damaged("a header that is not there"))?;
        let head = Head::decode(head).map_err(damaged)?;
        if head.number != self.next_number {
            return Err(damaged("a frame out of its order"));
        }
        if head.at_us < self.last_us {
            return Err(damaged("a time before the previous one"));
        }
        let length = head.length as usize;
        let whole = FRAME_HEADER + length + CRC;
        if !self.have(whole)? {
            return Ok(Step::Incomplete((self.end - self.start) as u64));
        }
        let frame = self
            .buffer
            .get(self.start..self.start + whole)
            .unwrap_or_default();
        let checked = frame
            .split_last_chunk::<CRC>()
            .is_some_and(|(body, crc)| frame::crc(&[body]) == *crc);
        if !checked {
            return Err(ReadError::damaged(
                &self.path,
                self.offset,
                "a checksum that does not hold",
            ));
        }
        let offset = self.offset;
        self.payload = (
            self.start + FRAME_HEADER,
            self.start + FRAME_HEADER + length,
        );
        self.start += whole;
        self.offset = self.offset.saturating_add(whole as u64);
        self.next_number = self.next_number.saturating_add(1);
        self.last_us = head.at_us;
        Ok(Step::Frame(head, offset))
    }

    fn forget_unfinished(&mut self) -> Result<(), ReadError> {
        if self.start == self.end {
            return Ok(());
        }
        (self.start, self.end) = (0, 0);
        self.file
            .seek(SeekFrom::Start(self.offset))
            .map(drop)
            .map_err(|error| ReadError::io(&self.path, error))
    }

    fn frame(&self, head: Head, offset: u64) -> Result<Frame<'_>, ReadError> {
        let payload = self
            .buffer
            .get(self.payload.0..self.payload.1)
            .unwrap_or_default();
        let event = frame::decode(head.kind, payload)
            .map_err(|problem| ReadError::damaged(&self.path, offset, problem))?;
        Ok(Frame {
            offset,
            number: head.number,
            channel: head.channel,
            at_us: head.at_us,
            event,
        })
    }

    /// Reads until `wanted` bytes stand in the buffer; false when the file ends before.
    fn have(&mut self, wanted: usize) -> Result<bool, ReadError> {
        while self.end - self.start < wanted {
            if self.start > 0 && self.start + wanted > self.buffer.len() {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.buffer.len() < wanted {
                // At most one frame: its length was checked against MAX_PAYLOAD.
                self.buffer
                    .resize(wanted.min(FRAME_HEADER + MAX_PAYLOAD + CRC), 0);
            }
            if self.start == self.end {
                (self.start, self.end) = (0, 0);
            }
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.file.read(room) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError::io(&self.path, error)),
            }
        }
        Ok(true)
    }
}

fn read_header(path: &Path, file: &mut File) -> Result<(SessionFacts, Protection, u64), ReadError> {
    let mut fixed = [0u8; FILE_HEADER];
    let short = |error: std::io::Error| {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            return ReadError::foreign(path, "it ends inside its header");
        }
        ReadError::io(path, error)
    };
    file.read_exact(&mut fixed).map_err(short)?;
    if fixed[0..8] != frame::MAGIC {
        return Err(ReadError::foreign(path, "it does not begin with ECLUSEJL"));
    }
    if fixed[8] != VERSION {
        return Err(ReadError::foreign(
            path,
            format!("journal version {}, this version reads {VERSION}", fixed[8]),
        ));
    }
    let protection = Protection::from_byte(fixed[9]).ok_or_else(|| {
        ReadError::foreign(
            path,
            format!("protection {}, this version reads 0 (plain)", fixed[9]),
        )
    })?;
    let length = u32::from_le_bytes([fixed[12], fixed[13], fixed[14], fixed[15]]) as usize;
    if length > MAX_FACTS || fixed[10..12] != [0, 0] {
        return Err(ReadError::damaged(
            path,
            10,
            "a header that no version writes",
        ));
    }
    let mut rest = vec![0u8; length + CRC];
    file.read_exact(&mut rest).map_err(short)?;
    let (facts, crc) = rest
        .split_last_chunk::<CRC>()
        .ok_or_else(|| ReadError::damaged(path, 0, "a header without checksum"))?;
    if frame::crc(&[&fixed, facts]) != *crc {
        return Err(ReadError::damaged(
            path,
            0,
            "a header whose checksum does not hold",
        ));
    }
    let facts = serde_json::from_slice(facts)
        .map_err(|error| ReadError::damaged(path, FILE_HEADER as u64, format!("facts: {error}")))?;
    Ok((facts, protection, (FILE_HEADER + rest.len()) as u64))
}
