//! From a closed journal to the files that stay: asciicast, raw streams, `session.json`.
//!
//! Slow, for a thread of its own at low priority. Everything is written under a temporary directory,
//! read back and compared with the journal; only then do the files take their names, and only after
//! that does the journal go. Interrupted anywhere, it is done again from the start.

use crate::record::{self, SessionRecord};
use crate::survey::survey;
use crate::writer::{ClosedJournal, sync_directory};
use crate::{FinishError, JournalReader, ReadError, convert, layout, rebuild};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Longest `session.json` that is read: a thousand bytes a channel leaves room for sixty thousand.
const MAX_RECORD: u64 = 64 * 1024 * 1024;

/// A recording in its final form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedRecording {
    dir: PathBuf,
    record: SessionRecord,
}

impl FinishedRecording {
    /// Reads `session.json` of a session's directory.
    ///
    /// # Errors
    /// When it is not there or not of a version this crate reads.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let path = dir.join(layout::RECORD);
        let mut text = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(MAX_RECORD).read_to_end(&mut text))
            .map_err(|error| ReadError::io(&path, error))?;
        let record: SessionRecord = serde_json::from_slice(&text)
            .map_err(|error| ReadError::foreign(&path, error.to_string()))?;
        if record.format != record::FORMAT || record.version != record::VERSION {
            return Err(ReadError::foreign(
                &path,
                format!(
                    "{} version {}",
                    crate::neutralise(&record.format),
                    record.version
                ),
            ));
        }
        if !record
            .channels
            .iter()
            .all(|channel| channel.files.are_plain_names())
        {
            return Err(ReadError::foreign(
                &path,
                "it names files outside of the recording",
            ));
        }
        Ok(FinishedRecording {
            dir: dir.to_path_buf(),
            record,
        })
    }

    /// The directory of the session.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the recording holds.
    #[must_use]
    pub fn record(&self) -> &SessionRecord {
        &self.record
    }

    /// Reads every stream of every channel back and compares counts and digests.
    ///
    /// # Errors
    /// The first stream that does not match, or a file that does not read.
    pub fn verify(&self) -> Result<(), FinishError> {
        self.record
            .channels
            .iter()
            .try_for_each(|channel| rebuild::verify(&self.dir, channel))
    }
}

/// Makes the final files of a closed journal, then removes the journal.
///
/// # Errors
/// The journal does not read, the disk refuses, or what was written does not read back the same. The
/// journal is kept then, and finishing may be tried again.
pub fn finish(journal: &ClosedJournal) -> Result<FinishedRecording, FinishError> {
    let dir = journal.dir();
    let live = dir.join(layout::LIVE);
    if !already_named(dir, &live)? {
        write_files(dir, &live)?;
    }
    let recording = FinishedRecording::open(dir)?;
    for name in [layout::RESERVE, layout::LIVE] {
        let path = dir.join(name);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(FinishError::io("remove", &path, error)),
        }
    }
    sync(dir)?;
    Ok(recording)
}

/// Whether an earlier try came as far as naming the last file: `session.json` is named after all
/// others are verified and durable, so its presence says that only the journal is left to remove.
fn already_named(dir: &Path, live: &Path) -> Result<bool, FinishError> {
    match FinishedRecording::open(dir) {
        Ok(recording) => {
            let length = match fs::metadata(live) {
                Ok(journal) => journal.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
                Err(error) => return Err(FinishError::io("look at", live, error)),
            };
            Ok(recording.record.journal.bytes == length)
        }
        Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn write_files(dir: &Path, live: &Path) -> Result<(), FinishError> {
    let temporary = dir.join(layout::CONVERTING);
    match fs::remove_dir_all(&temporary) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(FinishError::io("remove", &temporary, error)),
    }
    DirBuilder::new()
        .mode(0o700)
        .create(&temporary)
        .map_err(|error| FinishError::io("create directory", &temporary, error))?;

    let torn_bytes = fs::metadata(dir.join(layout::TORN)).map_or(0, |torn| torn.len());
    let found = survey(&mut JournalReader::open(live)?)?;
    let record = convert::convert(
        &mut JournalReader::open(live)?,
        found,
        &temporary,
        torn_bytes,
    )?;
    for channel in &record.channels {
        rebuild::verify(&temporary, channel)?;
    }
    let mut out = convert::create(&temporary.join(layout::RECORD))?;
    let written = serde_json::to_writer_pretty(&mut out, &record)
        .map_err(io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    written.map_err(|error| FinishError::io("write to", &temporary.join(layout::RECORD), error))?;
    drop(out);

    let notes = (record.notes > 0).then_some(layout::NOTES);
    let names: Vec<&str> = record
        .channels
        .iter()
        .flat_map(|channel| channel.files.all())
        .chain(notes)
        .collect();
    for name in names.iter().copied().chain([layout::RECORD]) {
        let path = temporary.join(name);
        File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|error| FinishError::io("sync", &path, error))?;
    }
    for name in names {
        rename(&temporary, dir, name)?;
    }
    sync(dir)?;
    rename(&temporary, dir, layout::RECORD)?;
    fs::remove_dir(&temporary).map_err(|error| FinishError::io("remove", &temporary, error))?;
    sync(dir)
}

fn rename(from: &Path, to: &Path, name: &str) -> Result<(), FinishError> {
    fs::rename(from.join(name), to.join(name))
        .map_err(|error| FinishError::io("rename", &from.join(name), error))
}

fn sync(dir: &Path) -> Result<(), FinishError> {
    sync_directory(dir).map_err(|error| FinishError::io("sync", dir, error))
}
