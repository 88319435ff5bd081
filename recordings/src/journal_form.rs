//! The journal form: a recording sealed by a gateway that cannot read it.
//!
//! The encrypted live journal stays as it is, under another name, and the manifest vouches for its length, its frames
//! and its last seal. Who has a key reads it like any other recording, and can turn it into files.

use crate::evidence::key::Identity;
use crate::evidence::manifest::{FileRecord, Form};
use crate::seal::{
    JournalParts, Sealing, already, file_digest, fresh_directory, keep_wrapped_key, new_manifest,
    seal_files, sign_and_name, sync,
};
use crate::sealed::SealedRecording;
use crate::writer::ClosedJournal;
use crate::{FinishError, JournalFrames, ReadError, layout, recovery};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Seals a closed journal as it is. `cut_short` says whether its end is known to be missing; inside, only a key can
/// tell.
///
/// # Errors
/// The journal does not read, or the disk refuses; it is kept then, and sealing may be tried again.
pub fn seal_as_journal(
    journal: &ClosedJournal,
    cut_short: bool,
    sealing: &Sealing<'_>,
) -> Result<SealedRecording, FinishError> {
    let dir = journal.dir();
    let live = dir.join(layout::LIVE);
    if let Some(sealed) = already(dir, &live, Form::Journal, sealing)? {
        return Ok(sealed);
    }
    let fail = |doing, error| FinishError::io(doing, &live, error);
    let mut frames = JournalFrames::open(&live)?;
    loop {
        match frames.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(ReadError::Torn { .. }) => {
                let file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(&live)
                    .map_err(|error| fail("open", error))?;
                recovery::cut_tail(dir, &live, &file, frames.offset())?;
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    remove_unfinished(dir)?;
    let sealed = dir.join(layout::SEALED_JOURNAL);
    match fs::remove_file(&sealed) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(FinishError::io("remove", &sealed, error)),
    }
    // Both names until the seal is on record: the live one tells that it is not. Where a file system has no second
    // names, recovery no longer asks whether it is.
    fs::hard_link(&live, &sealed)
        .or_else(|_| fs::rename(&live, &sealed))
        .map_err(|error| fail("rename", error))?;
    sync(dir)?;

    let mut files = vec![record(dir, layout::SEALED_JOURNAL)?];
    let mut torn_bytes = 0;
    if dir.join(layout::TORN).exists() {
        let torn = record(dir, layout::TORN)?;
        torn_bytes = torn.bytes;
        files.push(torn);
    }
    keep_wrapped_key(dir, frames.header())?;
    let parts = JournalParts {
        frames: frames.frames(),
        bytes: frames.offset(),
        last_seal: frames.last_seal(),
        torn_bytes,
    };
    let mut manifest = new_manifest(frames.header(), &parts, files, sealing);
    manifest.cut_short = cut_short;
    let temporary = fresh_directory(dir)?;
    sign_and_name(dir, &temporary, &manifest, sealing)
}

/// Turns a recording in journal form into files, for who holds a key of it and may sign. The manifest must be signed by
/// one of `allowed`. [`SealedRecording::remove_journal`] then removes the journal, once the new seal is on record; until
/// then, [`converted`] tells that it is there.
///
/// # Errors
/// As [`crate::seal`]; the recording stays in its journal form then.
pub fn convert_journal_form(
    dir: &Path,
    identities: &[Identity],
    allowed: &[[u8; 32]],
    sealing: &Sealing<'_>,
) -> Result<SealedRecording, FinishError> {
    let source = dir.join(layout::SEALED_JOURNAL);
    // Until the files have their names: a recovery would clear away what is being written.
    let _held = match open(&source)? {
        Some(journal) => {
            let locked = journal.lock();
            locked.map_err(|error| FinishError::io("lock", &source, error))?;
            Some(journal)
        }
        None => None,
    };
    if let Some(sealed) = already(dir, &source, Form::Files, sealing)? {
        return Ok(sealed);
    }
    let sealed = SealedRecording::open(dir)?;
    sealed.verify_signature(allowed)?;
    // Reads all of it, and compares its end with the manifest.
    let opened = sealed.unlock(identities)?;
    if sealed.manifest().form == Form::Files {
        return Ok(sealed);
    }
    seal_files(dir, &source, opened.key(), sealing)
}

/// The recording in `dir`, where it was turned into files and its journal form is there still: their seal may not be on
/// record yet. No signature is checked here.
///
/// # Errors
/// The manifest or the journal does not read.
pub fn converted(dir: &Path) -> Result<Option<SealedRecording>, ReadError> {
    let source = dir.join(layout::SEALED_JOURNAL);
    // While there is a live journal, all of it is recovery's.
    if !source.exists() || dir.join(layout::LIVE).exists() {
        return Ok(None);
    }
    let sealed = match SealedRecording::open(dir) {
        Ok(sealed) => sealed,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let whole = sealed.manifest().form == Form::Files && sealed.is_of(&source)?;
    Ok(whole.then_some(sealed))
}

/// Ends a conversion that was interrupted: its signature takes its name, or all of it goes. One that goes on is left alone.
pub(crate) fn end_conversion(dir: &Path, sealing: &Sealing<'_>) -> Result<(), FinishError> {
    let source = dir.join(layout::SEALED_JOURNAL);
    let held = open(&source)?;
    match held.as_ref().map(File::try_lock) {
        Some(Err(fs::TryLockError::WouldBlock)) => return Ok(()),
        Some(Err(fs::TryLockError::Error(error))) => {
            return Err(FinishError::io("lock", &source, error));
        }
        Some(Ok(())) | None => {}
    }
    if already(dir, &source, Form::Files, sealing)?.is_none() {
        match SealedRecording::open(dir) {
            Ok(sealed) if sealed.manifest().form == Form::Journal => remove_unfinished(dir)?,
            // Its signature waits and is of no key of ours. It is the only one there is.
            Ok(_) if held.is_some() => return Ok(()),
            Ok(_) | Err(_) => {}
        }
    }
    recovery::remove_temporary(dir)
}

/// A sealed journal, for locking; `None` where it is not there.
fn open(source: &Path) -> Result<Option<File>, FinishError> {
    match OpenOptions::new().read(true).write(true).open(source) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FinishError::io("open", source, error)),
    }
}

fn record(dir: &Path, name: &str) -> Result<FileRecord, FinishError> {
    let path = dir.join(name);
    let fail = |error| FinishError::io("read", &path, error);
    let mut file = File::open(&path).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    let (bytes, sha256) = file_digest(&mut file).map_err(fail)?;
    Ok(FileRecord {
        name: name.to_owned(),
        bytes,
        sha256,
        plain_salted_sha256: None,
    })
}

/// What a sealing as files had named before it was interrupted: made from the journal, which is still here.
fn remove_unfinished(dir: &Path) -> Result<(), FinishError> {
    let fail = |error| FinishError::io("read", dir, error);
    for entry in fs::read_dir(dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| name.ends_with(layout::SEALED_SUFFIX))
        {
            fs::remove_file(entry.path())
                .map_err(|error| FinishError::io("remove", &entry.path(), error))?;
        }
    }
    Ok(())
}
