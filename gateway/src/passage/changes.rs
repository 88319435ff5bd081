//! Changes of recordings that are sealed already, on record: other readers (C4).
//!
//! What is new lies durably beside the old, is put on record, and takes its place, in this order. A change that was
//! interrupted is ended by whoever comes next ([`end_interrupted`]): a gateway that starts, an export, a verification,
//! another change. The log alone says how: what somebody else left there is no change.

use std::path::Path;

use ecluse_policy::SessionId;
use ecluse_recordings::evidence::key::{Identity, Recipient};
use ecluse_recordings::{
    EndedRewrapping, FinishError, Rewrapped, SealedRecording, end_rewrapping, layout, neutralise,
    rewrappings,
};
use uuid::Uuid;

use super::indexing::index_with;
use super::sealing::{about, not_findable};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::settings::Settings;
use crate::store::{AuditQuery, ChangeLock, Store, StoreError};

/// The detail of a rewrapping that names the new key file.
pub(crate) const WRAPPED: &str = "wrapped-sha256";

/// Why a recording was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// The recording does not read, or the disk refused.
    #[error(transparent)]
    Recording(#[from] FinishError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives the sealed recording in `dir` other readers. `by` is who asked for it.
///
/// # Errors
/// None of the identities reads it, the store or the disk failed. What was begun is ended by whoever comes next.
pub(crate) async fn rewrap(
    store: &Store,
    settings: &Settings,
    dir: &Path,
    identities: &[Identity],
    recipients: &[Recipient],
    by: &str,
) -> Result<(), ChangeError> {
    let _alone = ChangeLock::take(&settings.data_dir).await?;
    let rewrapped = Rewrapped::new(dir, identities, recipients)?;
    // First on record: a key file that the log does not know looks like a forgery.
    put_rewrapping_on_record(store, &rewrapped, recipients, by).await?;
    Ok(rewrapped.put_in_place()?)
}

async fn put_rewrapping_on_record(
    store: &Store,
    rewrapped: &Rewrapped,
    recipients: &[Recipient],
    by: &str,
) -> Result<(), StoreError> {
    let manifest = rewrapped.recording().manifest();
    let names: Vec<String> = recipients.iter().map(ToString::to_string).collect();
    let record = about(
        AuditRecord::new(AuditKind::RecordingRewrapped, clock::now()),
        &manifest.facts,
    )
    .claimed(by)
    .detail(WRAPPED, rewrapped.sha256())
    .detail("recipients", names)
    .detail("manifest-sha256", rewrapped.recording().manifest_sha256());
    store.record(&[record]).await
}

/// Ends every change under the recordings' directory that was interrupted; what was done, a line each.
///
/// # Errors
/// The directory does not read.
pub(crate) async fn end_all_interrupted(
    store: &Store,
    settings: &Settings,
) -> std::io::Result<Vec<String>> {
    let root = settings.recordings.directory.clone();
    let waiting = tokio::task::spawn_blocking(move || rewrappings(&root)).await??;
    let mut lines = Vec::new();
    for dir in waiting {
        lines.extend(end_interrupted(store, settings, &dir).await);
    }
    Ok(lines)
}

/// Ends a change of the recording in `dir` that was interrupted; what was done, in words.
pub(crate) async fn end_interrupted(
    store: &Store,
    settings: &Settings,
    dir: &Path,
) -> Option<String> {
    // Nothing is locked where nothing waits.
    std::fs::symlink_metadata(dir.join(layout::WRAPPED_KEY_NEXT)).ok()?;
    let done = match ended(store, settings, dir).await {
        Ok(done) => done?.to_owned(),
        Err(error) => {
            format!("a change of who reads it was interrupted, and is not ended: {error}")
        }
    };
    Some(neutralise(format!("{}: {done}", dir.display())))
}

async fn ended(
    store: &Store,
    settings: &Settings,
    dir: &Path,
) -> Result<Option<&'static str>, ChangeError> {
    let Some(session) = session_of(dir) else {
        return Ok(None);
    };
    // Whoever changes it at this moment ends it themselves.
    let _alone = ChangeLock::take(&settings.data_dir).await?;
    let latest = latest_wrapping(store, session).await?;
    let latest = latest.as_ref().map(|(_, sha256)| sha256.as_str());
    Ok(match end_rewrapping(dir, latest)? {
        None => None,
        Some(EndedRewrapping::Finished) => {
            make_findable(store, dir).await?;
            Some("a change of who reads it was interrupted, and is finished")
        }
        Some(EndedRewrapping::Undone) => Some(
            "a key file that the log does not know lay beside that of the recording, and was removed; who reads it is as it was",
        ),
    })
}

/// Findable where this gateway is among the readers, and not elsewhere: the filter went before the readers changed.
async fn make_findable(store: &Store, dir: &Path) -> Result<(), ChangeError> {
    let recording = SealedRecording::open(dir).map_err(FinishError::from)?;
    let gateway = store.recordings_identity(clock::now()).await?;
    if let Err(error) = index_with(store, &recording, &gateway).await {
        not_findable(&recording, &error);
    }
    Ok(())
}

/// The session whose directory it is, by its name.
fn session_of(dir: &Path) -> Option<SessionId> {
    let name = dir.file_name()?.to_str()?;
    Some(SessionId::from_uuid(Uuid::parse_str(name).ok()?))
}

/// The last rewrapping of a session's recording that is on record: its place, and the SHA-256 of the key file.
///
/// # Errors
/// The store failed.
pub(crate) async fn latest_wrapping(
    store: &Store,
    session: SessionId,
) -> Result<Option<(u64, String)>, StoreError> {
    let query = AuditQuery {
        session: Some(session),
        kinds: vec![AuditKind::RecordingRewrapped],
        latest_first: true,
        limit: Some(1),
        ..AuditQuery::default()
    };
    let latest = store.audit(&query).await?.pop();
    Ok(latest.and_then(|stored| {
        let sha256 = stored.record.detail.get(WRAPPED)?.as_str()?.to_owned();
        Some((stored.seq, sha256))
    }))
}

#[cfg(test)]
mod tests;
