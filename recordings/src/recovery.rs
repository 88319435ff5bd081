//! After a crash: every whole frame becomes part of a recording, and nothing is thrown away.

use crate::finish::{FinishedRecording, finish};
use crate::frame::{self, CRC, FRAME_HEADER, Head};
use crate::writer::{ClosedJournal, sync_directory};
use crate::{FinishError, JournalReader, ReadError, layout, shelf};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What became of one journal that was left open.
#[derive(Debug)]
pub struct Recovered {
    /// The directory of the session.
    pub dir: PathBuf,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a journal.
#[derive(Debug)]
pub enum Outcome {
    /// Its files are final. `record().cut_short` says whether the end is missing, and
    /// `record().torn_bytes` how much of a last frame could not be used.
    Finished(Box<FinishedRecording>),
    /// Another process is writing it; left alone.
    InUse,
    /// Bytes in its middle are not what was written. It was renamed to `damaged.journal` and kept.
    Damaged {
        /// Where it is now.
        kept_as: PathBuf,
        /// What was found, and where.
        problem: String,
    },
    /// The disk refused; it is as it was, and the next recovery tries again.
    Failed(FinishError),
}

/// Finishes every journal under `root` that nobody writes any more. Called when the gateway starts.
///
/// # Errors
/// When `root` itself does not read. What concerns one session stands in its outcome.
pub fn recover(root: &Path) -> io::Result<Vec<Recovered>> {
    let mut recovered = Vec::new();
    for dir in shelf::session_dirs(root)? {
        let live = dir.join(layout::LIVE);
        if live.try_exists()? {
            let outcome = recover_one(&dir, &live).unwrap_or_else(Outcome::Failed);
            recovered.push(Recovered { dir, outcome });
        }
    }
    Ok(recovered)
}

fn recover_one(dir: &Path, live: &Path) -> Result<Outcome, FinishError> {
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
    match whole_frames(live, &file) {
        Ok(Whole {
            end,
            number,
            length,
        }) if end < length => {
            if let Some(later) = later_frame(&file, end, number)
                .map_err(|error| FinishError::io("read", live, error))?
            {
                let problem = format!(
                    "the frame at byte {end} does not hold, and whole frames follow at byte {later}"
                );
                return set_aside(dir, live, problem);
            }
            cut_tail(dir, live, &file, end)?;
        }
        Ok(_) => {}
        Err(ReadError::Io { path, source }) => return Err(FinishError::io("read", &path, source)),
        Err(
            error
            @ (ReadError::Foreign { .. } | ReadError::Damaged { .. } | ReadError::Torn { .. }),
        ) => {
            return set_aside(dir, live, error.to_string());
        }
    }
    match finish(&ClosedJournal::in_dir(dir)) {
        Ok(recording) => Ok(Outcome::Finished(Box::new(recording))),
        Err(FinishError::Journal(
            error @ (ReadError::Foreign { .. } | ReadError::Damaged { .. }),
        )) if live.exists() => set_aside(dir, live, error.to_string()),
        Err(error) => Err(error),
    }
}

struct Whole {
    /// Where the whole frames end.
    end: u64,
    /// The number the next frame would have.
    number: u64,
    /// Length of the file.
    length: u64,
}

/// Reads as far as frames hold. The header must hold.
fn whole_frames(live: &Path, file: &File) -> Result<Whole, ReadError> {
    let mut reader = JournalReader::open(live)?;
    loop {
        match reader.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) | Err(ReadError::Torn { .. }) => break,
            // A frame may hold its CRC and not its sense: then the position is behind it already, and
            // the journal is damaged in whatever way; its caller sees that the end is not reached.
            Err(ReadError::Damaged { .. }) => break,
            Err(error @ (ReadError::Io { .. } | ReadError::Foreign { .. })) => return Err(error),
        }
    }
    let length = file
        .metadata()
        .map_err(|error| ReadError::io(live, error))?
        .len();
    Ok(Whole {
        end: reader.offset(),
        number: reader.frames(),
        length,
    })
}

/// Looks behind the first frame that does not hold for one that does. If there is one, bytes in the
/// middle were changed; if not, the last write was cut off.
fn later_frame(file: &File, from: u64, number: u64) -> io::Result<Option<u64>> {
    const BLOCK: usize = 1024 * 1024;
    let mut block = vec![0u8; BLOCK + FRAME_HEADER];
    let mut at = from;
    loop {
        let read = read_at_most(file, &mut block, at)?;
        if read < FRAME_HEADER {
            return Ok(None);
        }
        let bytes = block.get(..read).unwrap_or_default();
        for (place, window) in (0u64..).zip(bytes.windows(FRAME_HEADER)) {
            let Some(Ok(head)) = window.first_chunk::<FRAME_HEADER>().map(Head::decode) else {
                continue;
            };
            let near = head.number >= number && head.number - number < (1 << 32);
            if near && holds(file, at + place, &head)? {
                return Ok(Some(at + place));
            }
        }
        at += (read + 1 - FRAME_HEADER) as u64;
    }
}

fn holds(file: &File, at: u64, head: &Head) -> io::Result<bool> {
    let mut whole = vec![0u8; FRAME_HEADER + head.length as usize + CRC];
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
fn cut_tail(dir: &Path, live: &Path, mut file: &File, end: u64) -> Result<(), FinishError> {
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
