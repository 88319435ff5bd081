//! After a crash: every whole frame becomes part of a sealed recording, and nothing is thrown away.

use crate::evidence::key::RecordingKey;
use crate::frame::{self, CRC, FRAME_HEAD, Head};
use crate::journal_form::end_conversion;
use crate::seal::{Sealing, seal};
use crate::sealed::SealedRecording;
use crate::writer::{ClosedJournal, sync_directory};
use crate::{
    FinishError, JournalFrames, JournalHeader, ReadError, Seal, layout, seal_as_journal, shelf,
};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What the log knows of a recording that was left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// So many frames it had, at least.
    pub frames: u64,
    /// The seal of the last of them.
    pub last_seal: Seal,
}

/// Why the log does not vouch for a journal.
#[derive(Debug)]
pub enum Unknown {
    /// It cannot be a recording of ours, in words: it is set aside and not signed, because anybody who can write here
    /// could have put it there.
    NotOurs(String),
    /// The log does not answer. That says nothing against the journal, which stays as it is.
    NotNow(io::Error),
}

/// What recovery asks whoever calls it.
pub struct Recovery<'a> {
    /// Gives the recording's key where somebody here has it; in journal form it is sealed otherwise.
    pub unwrap: &'a dyn Fn(&[u8]) -> Option<RecordingKey>,
    /// What the log knows of the session with this header.
    pub known: &'a dyn Fn(&JournalHeader) -> Result<Option<Witness>, Unknown>,
    /// Who seals.
    pub sealing: Sealing<'a>,
}

/// What became of one journal that was left open.
#[derive(Debug)]
pub struct Recovered {
    /// The directory of the session.
    pub dir: PathBuf,
    /// What the journal said of itself, where that still reads.
    pub header: Option<Box<JournalHeader>>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a journal.
#[derive(Debug)]
pub enum Outcome {
    /// It is sealed; its manifest says in which form, whether the end is missing, and how much of a last frame could not
    /// be used. The journal stays until [`SealedRecording::remove_journal`].
    Sealed {
        /// The recording.
        recording: Box<SealedRecording>,
        /// Frames that the log knows of and the journal has not: a power cut, or somebody cut it off.
        lost_frames: u64,
    },
    /// Another process is writing it; left alone.
    InUse,
    /// Bytes in its middle are not what was written, or it is not a recording of ours. It was renamed to
    /// `damaged.journal` and kept.
    Damaged {
        /// Where it is now.
        kept_as: PathBuf,
        /// What was found, and where.
        problem: String,
    },
    /// The disk refused; it is as it was, and the next recovery tries again.
    Failed(FinishError),
}

/// Seals every journal under `root` that nobody writes any more. Called when the gateway starts.
///
/// # Errors
/// When `root` itself does not read. What concerns one session stands in its outcome.
pub fn recover(root: &Path, recovery: &Recovery<'_>) -> io::Result<Vec<Recovered>> {
    let mut recovered = Vec::new();
    for dir in shelf::session_dirs(root)? {
        recovered.extend(recover_in(&dir, recovery)?);
    }
    Ok(recovered)
}

/// The same in one session's directory; `None` where nothing is left open.
///
/// # Errors
/// When the directory itself does not read.
pub fn recover_in(dir: &Path, recovery: &Recovery<'_>) -> io::Result<Option<Recovered>> {
    let live = dir.join(layout::LIVE);
    let (header, outcome) = if live.try_exists()? {
        let header = JournalFrames::open(&live)
            .ok()
            .map(|frames| Box::new(frames.header().clone()));
        let outcome = recover_one(dir, &live, recovery).unwrap_or_else(Outcome::Failed);
        (header, outcome)
    } else if dir.join(layout::CONVERTING).try_exists()? {
        match end_conversion(dir, &recovery.sealing) {
            Ok(()) => return Ok(None),
            Err(error) => (None, Outcome::Failed(error)),
        }
    } else {
        return Ok(None);
    };
    Ok(Some(Recovered {
        dir: dir.to_path_buf(),
        header,
        outcome,
    }))
}

fn recover_one(dir: &Path, live: &Path, recovery: &Recovery<'_>) -> Result<Outcome, FinishError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(live)
        .map_err(|error| FinishError::io("open", live, error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(Outcome::InUse),
        Err(fs::TryLockError::Error(error)) => return Err(FinishError::io("lock", live, error)),
    }
    let header = match JournalFrames::open(live) {
        Ok(frames) => frames.header().clone(),
        Err(error) => return unreadable(dir, live, error),
    };
    let witness = match (recovery.known)(&header) {
        Ok(witness) => witness,
        Err(Unknown::NotOurs(problem)) => return set_aside(dir, live, problem),
        Err(Unknown::NotNow(error)) => {
            return Err(FinishError::io("ask the log about", live, error));
        }
    };
    let whole = match whole_frames(live, &file, witness) {
        Ok(whole) => whole,
        Err(error) => return unreadable(dir, live, error),
    };
    if whole.contradicted {
        let problem = "the log knows another seal of one of its frames".to_owned();
        return set_aside(dir, live, problem);
    }
    if whole.end < whole.length {
        let later = later_frame(&file, whole.end, whole.frames, whole.length)
            .map_err(|error| FinishError::io("read", live, error))?;
        let follows = match later {
            Later::Nothing => None,
            Later::Frame(at) => Some(format!("whole frames follow at byte {at}")),
            Later::Undecided => Some(
                "more of what follows begins like a frame than any recorder can have written"
                    .to_owned(),
            ),
        };
        if let Some(follows) = follows {
            let problem = format!(
                "the frame at byte {} does not hold, and {follows}",
                whole.end
            );
            return set_aside(dir, live, problem);
        }
        cut_tail(dir, live, &file, whole.end)?;
    }
    let lost_frames = witness.map_or(0, |witness| witness.frames.saturating_sub(whole.frames));
    let journal = ClosedJournal::in_dir(dir);
    let key =
        (recovery.unwrap)(&header.wrapped).filter(|key| key.public().to_string() == header.public);
    let sealed = match key {
        Some(key) => seal(&journal, &key, &recovery.sealing),
        None => seal_as_journal(&journal, true, &recovery.sealing),
    };
    match sealed {
        Ok(recording) => {
            remove_temporary(dir)?;
            Ok(Outcome::Sealed {
                recording: Box::new(recording),
                lost_frames,
            })
        }
        Err(FinishError::Journal(
            error @ (ReadError::Foreign { .. } | ReadError::Damaged { .. }),
        )) if live.exists() => set_aside(dir, live, error.to_string()),
        Err(error) => Err(error),
    }
}

fn unreadable(dir: &Path, live: &Path, error: ReadError) -> Result<Outcome, FinishError> {
    match error {
        ReadError::Io { path, source } => Err(FinishError::io("read", &path, source)),
        ReadError::Foreign { .. }
        | ReadError::Damaged { .. }
        | ReadError::Torn { .. }
        | ReadError::Locked { .. } => set_aside(dir, live, error.to_string()),
    }
}

pub(crate) fn remove_temporary(dir: &Path) -> Result<(), FinishError> {
    let temporary = dir.join(layout::CONVERTING);
    match fs::remove_dir_all(&temporary) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FinishError::io("remove", &temporary, error)),
    }
}

struct Whole {
    /// Where the whole frames end.
    end: u64,
    /// How many there are, and so the number the next one would have.
    frames: u64,
    /// Length of the file.
    length: u64,
    /// The log knows a frame of it with another seal.
    contradicted: bool,
}

/// Reads as far as frames hold, without a key.
fn whole_frames(live: &Path, file: &File, witness: Option<Witness>) -> Result<Whole, ReadError> {
    let mut frames = JournalFrames::open(live)?;
    let mut contradicted = false;
    loop {
        match frames.next_frame() {
            Ok(Some(frame)) => {
                let told =
                    witness.filter(|witness| witness.frames.checked_sub(1) == Some(frame.number));
                contradicted |= told.is_some_and(|told| told.last_seal != frame.seal);
            }
            Ok(None) | Err(ReadError::Torn { .. } | ReadError::Damaged { .. }) => break,
            Err(
                error @ (ReadError::Io { .. }
                | ReadError::Foreign { .. }
                | ReadError::Locked { .. }),
            ) => return Err(error),
        }
    }
    let length = file
        .metadata()
        .map_err(|error| ReadError::io(live, error))?
        .len();
    Ok(Whole {
        end: frames.offset(),
        frames: frames.frames(),
        length,
        contradicted,
    })
}

/// What stands behind the first frame that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Later {
    /// The last write was cut off.
    Nothing,
    /// A frame that holds, at this byte: bytes in the middle were changed.
    Frame(u64),
    /// So many places look like the beginning of a frame that somebody made them.
    Undecided,
}

/// Of a torn frame, one place in 2^36 begins like a frame by chance. Whoever can write into the file could make every
/// place of it begin like a long one, and have a checksum computed for each: so no more is hashed than some times what
/// is there.
const HASHED_AT_MOST: u64 = 4;

/// Looks behind the first frame that does not hold for one that does.
fn later_frame(file: &File, from: u64, number: u64, length: u64) -> io::Result<Later> {
    const BLOCK: usize = 1024 * 1024;
    let mut left = length
        .saturating_sub(from)
        .saturating_mul(HASHED_AT_MOST)
        .max((frame::AROUND + frame::MAX_SEALED) as u64);
    let mut block = vec![0u8; BLOCK + FRAME_HEAD];
    let mut at = from;
    loop {
        let read = read_at_most(file, &mut block, at)?;
        if read < FRAME_HEAD {
            return Ok(Later::Nothing);
        }
        let bytes = block.get(..read).unwrap_or_default();
        for (place, window) in (0u64..).zip(bytes.windows(FRAME_HEAD)) {
            let Some(Ok(head)) = window.first_chunk::<FRAME_HEAD>().map(Head::decode) else {
                continue;
            };
            let near = head.number >= number && head.number - number < (1 << 32);
            let ends = (at + place).saturating_add(head.whole() as u64);
            if !near || ends > length {
                continue;
            }
            let Some(rest) = left.checked_sub(head.whole() as u64) else {
                return Ok(Later::Undecided);
            };
            left = rest;
            if holds(file, at + place, &head)? {
                return Ok(Later::Frame(at + place));
            }
        }
        at += (read + 1 - FRAME_HEAD) as u64;
    }
}

fn holds(file: &File, at: u64, head: &Head) -> io::Result<bool> {
    let mut whole = vec![0u8; head.whole()];
    if read_at_most(file, &mut whole, at)? < whole.len() {
        return Ok(false);
    }
    Ok(whole
        .split_last_chunk::<CRC>()
        .is_some_and(|(body, crc)| frame::crc(&[body]) == *crc))
}

fn read_at_most(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut read = 0;
    while let Some(room) = buffer.get_mut(read..).filter(|room| !room.is_empty()) {
        match file.read_at(room, at + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Keeps the bytes behind the last whole frame in a file of their own, then ends the journal there.
pub(crate) fn cut_tail(
    dir: &Path,
    live: &Path,
    mut file: &File,
    end: u64,
) -> Result<(), FinishError> {
    let torn = dir.join(layout::TORN);
    let fail = |error| FinishError::io("keep the torn tail in", &torn, error);
    let mut tail = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&torn)
        .map_err(fail)?;
    file.seek(SeekFrom::Start(end)).map_err(fail)?;
    io::copy(&mut file.take(u64::MAX), &mut tail).map_err(fail)?;
    tail.sync_all().map_err(fail)?;
    sync_directory(dir).map_err(fail)?;
    file.set_len(end)
        .and_then(|()| file.sync_all())
        .map_err(|error| FinishError::io("shorten", live, error))
}

fn set_aside(dir: &Path, live: &Path, problem: String) -> Result<Outcome, FinishError> {
    let kept_as = dir.join(layout::DAMAGED);
    fs::rename(live, &kept_as).map_err(|error| FinishError::io("rename", live, error))?;
    sync_directory(dir).map_err(|error| FinishError::io("sync", dir, error))?;
    Ok(Outcome::Damaged { kept_as, problem })
}
