//! Other readers for a sealed recording: one small file is replaced, no artefact and no signature changes.

use crate::FinishError;
use crate::evidence::key::{Identity, Recipient};
use crate::evidence::manifest::sha256_hex;
use crate::layout;
use crate::seal::write_durably;
use crate::sealed::SealedRecording;
use std::path::Path;

/// Wraps a recording's key for `recipients` alone, and gives the SHA-256 of the new `recording.key.age`. Whoever had
/// the key before may have kept it; this decides who gets it from here on.
///
/// # Errors
/// None of `identities` reads the recording, its key is not the one in the manifest, there are no recipients, or the
/// disk refuses; the file is as it was then.
pub fn rewrap(
    dir: &Path,
    identities: &[Identity],
    recipients: &[Recipient],
) -> Result<String, FinishError> {
    let key = SealedRecording::open(dir)?.key(identities)?;
    let wrapped = key.wrap(recipients)?;
    write_durably(dir, layout::WRAPPED_KEY, &wrapped)?;
    Ok(sha256_hex(&wrapped))
}
