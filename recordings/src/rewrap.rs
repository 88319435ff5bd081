//! Other readers for a sealed recording: one small file is replaced, no artefact and no signature changes.

use crate::FinishError;
use crate::evidence::key::{Identity, Recipient};
use crate::evidence::manifest::sha256_hex;
use crate::layout;
use crate::seal::write_durably;
use crate::sealed::SealedRecording;
use std::path::Path;

/// A recording's key, wrapped for other readers and not yet in its place: so that it can be put on record first.
#[derive(Debug)]
pub struct Rewrapped {
    recording: SealedRecording,
    wrapped: Vec<u8>,
}

impl Rewrapped {
    /// Wraps the key of the recording in `dir` for `recipients` alone. Whoever had the key before may have kept it;
    /// this decides who gets it from here on.
    ///
    /// # Errors
    /// None of `identities` reads the recording, its key is not the one in the manifest, or there are no recipients.
    pub fn new(
        dir: &Path,
        identities: &[Identity],
        recipients: &[Recipient],
    ) -> Result<Self, FinishError> {
        let recording = SealedRecording::open(dir)?;
        let wrapped = recording.key(identities)?.wrap(recipients)?;
        Ok(Rewrapped { recording, wrapped })
    }

    /// The recording it belongs to.
    #[must_use]
    pub fn recording(&self) -> &SealedRecording {
        &self.recording
    }

    /// SHA-256 of the new `recording.key.age`, hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256_hex(&self.wrapped)
    }

    /// Puts it in the place of the old one.
    ///
    /// # Errors
    /// The disk refuses; the file is as it was then.
    pub fn put_in_place(self) -> Result<(), FinishError> {
        write_durably(self.recording.dir(), layout::WRAPPED_KEY, &self.wrapped)
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
    let sha256 = rewrapped.sha256();
    rewrapped.put_in_place()?;
    Ok(sha256)
}
