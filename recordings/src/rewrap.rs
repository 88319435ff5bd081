//! Other readers for a sealed recording: one small file is replaced, no artefact and no signature changes.
//!
//! The new wrapping lies durably beside the old one before it is put on record, and takes its place afterwards.
//! Interrupted anywhere, [`end_rewrapping`] finishes or undoes it by what the log says: whoever can write here chooses
//! nothing by leaving a wrapping of their own.

use crate::evidence::key::{Identity, MAX_WRAPPED, Recipient};
use crate::evidence::manifest::sha256_hex;
use crate::seal::sync;
use crate::sealed::SealedRecording;
use crate::{FinishError, artefact, layout, shelf};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A recording's key, wrapped for other readers: durable, and not yet in its place, so that it can be put on record first.
#[derive(Debug)]
pub struct Rewrapped {
    recording: SealedRecording,
    sha256: String,
}

impl Rewrapped {
    /// Wraps the key of the recording in `dir` for `recipients` alone. Whoever had the key before may have kept it;
    /// this decides who gets it from here on.
    ///
    /// # Errors
    /// None of `identities` reads the recording, its key is not the one in the manifest, there are no recipients, or
    /// the disk refuses.
    pub fn new(
        dir: &Path,
        identities: &[Identity],
        recipients: &[Recipient],
    ) -> Result<Self, FinishError> {
        let recording = SealedRecording::open(dir)?;
        let wrapped = recording.key(identities)?.wrap(recipients)?;
        lay_beside(dir, &wrapped)?;
        Ok(Rewrapped {
            recording,
            sha256: sha256_hex(&wrapped),
        })
    }

    /// The recording it belongs to.
    #[must_use]
    pub fn recording(&self) -> &SealedRecording {
        &self.recording
    }

    /// SHA-256 of the new `recording.key.age`, hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Puts it in the place of the old one.
    ///
    /// # Errors
    /// The disk refuses; [`end_rewrapping`] does it later.
    pub fn put_in_place(self) -> Result<(), FinishError> {
        take_place(self.recording.dir())
    }
}

/// Wraps a recording's key for `recipients` alone and puts it in place; gives the SHA-256 of the new
/// `recording.key.age`.
///
/// # Errors
/// As [`Rewrapped::new`] and [`Rewrapped::put_in_place`].
pub fn rewrap(
    dir: &Path,
    identities: &[Identity],
    recipients: &[Recipient],
) -> Result<String, FinishError> {
    let rewrapped = Rewrapped::new(dir, identities, recipients)?;
    let sha256 = rewrapped.sha256().to_owned();
    rewrapped.put_in_place()?;
    Ok(sha256)
}

/// How a rewrapping ended that was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedRewrapping {
    /// The log knew it: it took its place.
    Finished,
    /// The log did not know it as the latest: it is gone, and the readers are who they were.
    Undone,
}

/// Ends a rewrapping of the recording in `dir` that was interrupted; `None` where none was. `latest` is the SHA-256 of
/// the last `recording.key.age` that the log has of this session, if it has one: nothing else takes the place.
///
/// # Errors
/// The disk refuses; it can be tried again.
pub fn end_rewrapping(
    dir: &Path,
    latest: Option<&str>,
) -> Result<Option<EndedRewrapping>, FinishError> {
    let path = dir.join(layout::WRAPPED_KEY_NEXT);
    let Some(found) = digest(&path)? else {
        return Ok(None);
    };
    if found.is_some() && found.as_deref() == latest {
        take_place(dir)?;
        return Ok(Some(EndedRewrapping::Finished));
    }
    remove(&path)?;
    sync(dir)?;
    Ok(Some(EndedRewrapping::Undone))
}

/// The directories under `root` in which a change may have been interrupted: see [`is_changing`].
///
/// # Errors
/// When the directories do not read.
pub fn changing(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = shelf::session_dirs(root)?;
    found.retain(|dir| is_changing(dir));
    Ok(found)
}

/// Whether something of the recording in `dir` lies beside what it is to replace: another key file
/// ([`end_rewrapping`]), or files and their journal form ([`crate::converted`]).
#[must_use]
pub fn is_changing(dir: &Path) -> bool {
    let next = dir.join(layout::WRAPPED_KEY_NEXT);
    fs::symlink_metadata(next).is_ok() || !matches!(crate::converted(dir), Ok(None))
}

/// No second name on the way: what is written in part has another digest than the log knows.
fn lay_beside(dir: &Path, wrapped: &[u8]) -> Result<(), FinishError> {
    let path = dir.join(layout::WRAPPED_KEY_NEXT);
    remove(&path)?;
    artefact::create(&path)?
        .write_all(wrapped)
        .and_then(|()| File::open(&path)?.sync_all())
        .map_err(|error| FinishError::io("write", &path, error))?;
    sync(dir)
}

fn take_place(dir: &Path) -> Result<(), FinishError> {
    let path = dir.join(layout::WRAPPED_KEY_NEXT);
    fs::rename(&path, dir.join(layout::WRAPPED_KEY))
        .map_err(|error| FinishError::io("rename", &path, error))?;
    sync(dir)
}

/// SHA-256 of what may be a wrapping, hexadecimal; `Some(None)` for what can be none, so that nobody waits for a pipe or
/// reads a device.
fn digest(path: &Path) -> Result<Option<Option<String>>, FinishError> {
    let fail = |error| FinishError::io("read", path, error);
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() || found.len() > MAX_WRAPPED as u64 => {
            return Ok(Some(None));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    }
    let mut wrapped = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_WRAPPED as u64).read_to_end(&mut wrapped))
        .map_err(fail)?;
    Ok(Some(Some(sha256_hex(&wrapped))))
}

/// Removes whatever bears that name.
fn remove(path: &Path) -> Result<(), FinishError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FinishError::io("remove", path, error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
