//! Reads journals: whole ones, torn ones, damaged ones, and one that is still growing.
//!
//! [`JournalFrames`] needs no key and sees whole frames, their order and their seals; [`JournalReader`] and
//! [`Follower`] have the key, check every seal and give events.
//!
//! Invariant: whatever the file holds, reading neither panics nor takes more memory than the longest
//! frame, and every event returned stood in a frame whose seal holds, behind the frames before it.

use crate::chain::{Chain, Seal};
use crate::evidence::key::RecordingKey;
use crate::frame::{self, CRC, FRAME_HEAD, Head, Inner, MAX_SEALED, SEAL};
use crate::{Event, JournalHeader, ReadError, SessionFacts};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const READ_AHEAD: usize = 256 * 1024;
/// What is said of a frame whose number is not that of its place.
pub(crate) const OUT_OF_ORDER: &str = "a frame out of its order";

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

/// What can be known of a frame without the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedFrame {
    /// Where the frame starts in the file.
    pub offset: u64,
    /// 0, 1, 2, …
    pub number: u64,
    /// Its length in the file.
    pub bytes: u64,
    /// Its seal. Whether it holds, only the key can tell.
    pub seal: Seal,
}

/// Reads the frames of a journal without its key: for recovery and for verification.
pub struct JournalFrames {
    source: Source,
}

/// Reads a journal that nobody writes any more.
pub struct JournalReader {
    source: Source,
    opener: Opener,
}

/// Reads a journal while it grows, for whoever watches the session live.
pub struct Follower {
    source: Source,
    opener: Opener,
    /// The same open file, to go back where an unfinished frame was.
    file: File,
}

impl JournalFrames {
    /// Opens a journal and checks its header.
    ///
    /// # Errors
    /// When the file does not open or is not a journal of a version this crate reads.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|error| ReadError::io(path, error))?;
        Self::from_reader(path, file)
    }

    /// The same from anything that reads; `path` only names it in errors.
    ///
    /// # Errors
    /// As [`JournalFrames::open`].
    pub fn from_reader(path: &Path, input: impl Read + Send + 'static) -> Result<Self, ReadError> {
        Ok(JournalFrames {
            source: Source::new(path, Box::new(input))?,
        })
    }

    /// What the journal says of itself.
    #[must_use]
    pub fn header(&self) -> &JournalHeader {
        &self.source.header
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

    /// The seal of the last frame that was read.
    #[must_use]
    pub fn last_seal(&self) -> Option<Seal> {
        self.source.last_seal
    }

    /// The next frame, or `None` at the end.
    ///
    /// # Errors
    /// [`ReadError::Torn`] when the file ends inside a frame, [`ReadError::Damaged`] when its checksum or its number is
    /// not what was written. The position then stays before that frame.
    pub fn next_frame(&mut self) -> Result<Option<SealedFrame>, ReadError> {
        let Some((head, offset)) = self.source.whole()? else {
            return Ok(None);
        };
        Ok(Some(SealedFrame {
            offset,
            number: head.number,
            bytes: head.whole() as u64,
            seal: self.source.last_seal.unwrap_or_default(),
        }))
    }
}

impl JournalReader {
    /// Opens a journal and checks its header, and that `key` is its key.
    ///
    /// # Errors
    /// When the file does not open, is not a journal of a version this crate reads, or has another key.
    pub fn open(path: &Path, key: &RecordingKey) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|error| ReadError::io(path, error))?;
        Self::from_reader(path, file, key)
    }

    /// The same from anything that reads; `path` only names it in errors.
    ///
    /// # Errors
    /// As [`JournalReader::open`].
    pub fn from_reader(
        path: &Path,
        input: impl Read + Send + 'static,
        key: &RecordingKey,
    ) -> Result<Self, ReadError> {
        let source = Source::new(path, Box::new(input))?;
        Ok(JournalReader {
            opener: Opener::new(path, &source.header, key)?,
            source,
        })
    }

    /// What the journal says of itself.
    #[must_use]
    pub fn header(&self) -> &JournalHeader {
        &self.source.header
    }

    /// The session's facts.
    #[must_use]
    pub fn facts(&self) -> &SessionFacts {
        &self.source.header.facts
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

    /// The seal of the last frame that was read.
    #[must_use]
    pub fn last_seal(&self) -> Option<Seal> {
        self.source.last_seal
    }

    /// The next frame, or `None` at the end.
    ///
    /// # Errors
    /// [`ReadError::Torn`] when the file ends inside a frame, [`ReadError::Damaged`] when a frame does
    /// not hold what was written.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        match self.source.whole()? {
            Some((head, offset)) => self.opener.open(&mut self.source, head, offset).map(Some),
            None => Ok(None),
        }
    }
}

impl Follower {
    /// Opens a journal that may still grow.
    ///
    /// # Errors
    /// As [`JournalReader::open`].
    pub fn open(path: &Path, key: &RecordingKey) -> Result<Self, ReadError> {
        let fail = |error| ReadError::io(path, error);
        let file = File::open(path).map_err(fail)?;
        // One open file, one position: seeking one seeks the other.
        let source = Source::new(path, Box::new(file.try_clone().map_err(fail)?))?;
        Ok(Follower {
            opener: Opener::new(path, &source.header, key)?,
            source,
            file,
        })
    }

    /// The session's facts.
    #[must_use]
    pub fn facts(&self) -> &SessionFacts {
        &self.source.header.facts
    }

    /// The next whole frame, or `None` when there is none yet: ask again after the next append. The
    /// last frame of a session is [`Event::SessionEnd`].
    ///
    /// # Errors
    /// When a frame does not hold what was written.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        match self.source.step()? {
            Step::Frame(head, offset) => self.opener.open(&mut self.source, head, offset).map(Some),
            Step::Incomplete(bytes) => {
                // Read again later: a frame that could not be finished is cut off and overwritten.
                if bytes > 0 {
                    self.source.forget_unfinished();
                    self.file
                        .seek(SeekFrom::Start(self.source.offset))
                        .map_err(|error| ReadError::io(&self.source.path, error))?;
                }
                Ok(None)
            }
        }
    }
}

/// Checks seals and reads what is inside.
struct Opener {
    chain: Chain,
    last_us: u64,
}

impl Opener {
    fn new(path: &Path, header: &JournalHeader, key: &RecordingKey) -> Result<Self, ReadError> {
        if key.public().to_string() != header.public {
            return Err(ReadError::foreign(
                path,
                "it was sealed with the key of another recording",
            ));
        }
        let chain =
            Chain::new(key, &header.sha256).map_err(|error| ReadError::locked(path, error))?;
        Ok(Opener { chain, last_us: 0 })
    }

    fn open<'a>(
        &mut self,
        source: &'a mut Source,
        head: Head,
        offset: u64,
    ) -> Result<Frame<'a>, ReadError> {
        let Source {
            path,
            buffer,
            frame: (from, to),
            ..
        } = source;
        let damaged = |problem: &str| ReadError::damaged(path, offset, problem);
        let sealed = buffer
            .get_mut(from.saturating_add(FRAME_HEAD)..to.saturating_sub(CRC))
            .unwrap_or_default();
        let plain = self
            .chain
            .open(&head, sealed)
            .ok_or_else(|| damaged("a seal that does not hold"))?;
        let (inner, payload) = Inner::decode(plain).map_err(damaged)?;
        if inner.at_us < self.last_us {
            return Err(damaged("a time before the previous one"));
        }
        self.last_us = inner.at_us;
        let event = frame::decode(inner.kind, payload)
            .map_err(|problem| ReadError::damaged(path, offset, problem))?;
        Ok(Frame {
            offset,
            number: head.number,
            channel: inner.channel,
            at_us: inner.at_us,
            event,
        })
    }
}

enum Step {
    /// A whole frame and where it starts in the file; its bytes stand at `frame` in the buffer.
    Frame(Head, u64),
    /// The file ends here for now, after so many bytes of a frame.
    Incomplete(u64),
}

struct Source {
    path: PathBuf,
    input: Box<dyn Read + Send>,
    header: JournalHeader,
    buffer: Vec<u8>,
    /// `buffer[start..end]` is read and not consumed.
    start: usize,
    end: usize,
    /// Where the last frame stands.
    frame: (usize, usize),
    /// File offset of `buffer[start]`.
    offset: u64,
    next_number: u64,
    last_seal: Option<Seal>,
}

impl Source {
    fn new(path: &Path, mut input: Box<dyn Read + Send>) -> Result<Self, ReadError> {
        let header = JournalHeader::read(path, &mut input)?;
        Ok(Source {
            path: path.to_path_buf(),
            input,
            offset: header.bytes,
            header,
            buffer: vec![0; READ_AHEAD],
            start: 0,
            end: 0,
            frame: (0, 0),
            next_number: 0,
            last_seal: None,
        })
    }

    /// The next whole frame of a file that does not grow.
    fn whole(&mut self) -> Result<Option<(Head, u64)>, ReadError> {
        match self.step()? {
            Step::Frame(head, offset) => Ok(Some((head, offset))),
            Step::Incomplete(0) => Ok(None),
            Step::Incomplete(bytes) => Err(ReadError::Torn {
                path: self.path.clone(),
                offset: self.offset,
                bytes,
            }),
        }
    }

    fn step(&mut self) -> Result<Step, ReadError> {
        if !self.have(FRAME_HEAD)? {
            return Ok(Step::Incomplete((self.end - self.start) as u64));
        }
        let damaged = |problem: &str| ReadError::damaged(&self.path, self.offset, problem);
        let head = self
            .buffer
            .get(self.start..self.end)
            .and_then(|bytes| bytes.first_chunk::<FRAME_HEAD>())
            .ok_or_else(|| damaged("a head that is not there"))?;
        let head = Head::decode(head).map_err(damaged)?;
        if head.number != self.next_number {
            return Err(damaged(OUT_OF_ORDER));
        }
        let whole = head.whole();
        if !self.have(whole)? {
            return Ok(Step::Incomplete((self.end - self.start) as u64));
        }
        let to = self.start + whole;
        let frame = self.buffer.get(self.start..to).unwrap_or_default();
        let checked = frame
            .split_last_chunk::<CRC>()
            .filter(|(body, crc)| frame::crc(&[body]) == **crc)
            .and_then(|(body, _)| body.last_chunk::<SEAL>());
        let Some(seal) = checked else {
            return Err(ReadError::damaged(
                &self.path,
                self.offset,
                "a checksum that does not hold",
            ));
        };
        self.last_seal = Some(Seal(*seal));
        let offset = self.offset;
        self.frame = (self.start, to);
        self.start = to;
        self.offset = self.offset.saturating_add(whole as u64);
        self.next_number = self.next_number.saturating_add(1);
        Ok(Step::Frame(head, offset))
    }

    fn forget_unfinished(&mut self) {
        (self.start, self.end) = (0, 0);
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
                // At most one frame: its length was checked against MAX_SEALED.
                self.buffer
                    .resize(wanted.min(frame::AROUND + MAX_SEALED), 0);
            }
            if self.start == self.end {
                (self.start, self.end) = (0, 0);
            }
            crate::pace::ask().map_err(|error| ReadError::io(&self.path, error))?;
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.input.read(room) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError::io(&self.path, error)),
            }
        }
        Ok(true)
    }
}
