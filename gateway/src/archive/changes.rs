//! Changes of recordings that are sealed already, on record: other readers, and a journal form turned into files (C4).
//!
//! What is new lies durably beside the old, is put on record, and takes its place, in this order. A change that was
//! interrupted is ended by whoever comes next ([`end_interrupted`]): a gateway that starts, an export, a verification,
//! another change. The log alone says how: what somebody else left there is no change.

use std::path::Path;
use std::sync::Arc;

use ecluse_policy::SessionId;
use ecluse_recordings::evidence::key::{Identity, Recipient};
use ecluse_recordings::{
    EndedRewrapping, FinishError, Form, Rewrapped, SealedRecording, changing, convert_journal_form,
    converted, end_rewrapping, is_changing, layout, neutralise,
};
use uuid::Uuid;

use super::indexing::{index_with, wants_screen_text};
use super::sealing::{about, not_findable, put_conversion_on_record};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::evidence::EvidenceKeys;
use crate::settings::Settings;
use crate::store::{AuditQuery, ChangeLock, Store, StoreError};

/// The detail of a rewrapping that names the new key file.
pub(crate) const WRAPPED: &str = "wrapped-sha256";
/// The detail that names the gateway's own reading key, so that people are told of the gateway and not of letters.
pub(crate) const GATEWAY_KEY: &str = "gateway-key";

/// Why a recording was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// The recording does not read, or the disk refused.
    #[error(transparent)]
    Recording(#[from] FinishError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its journal is not sealed.
    #[error(
        "its recording is not sealed yet; a running gateway does that when the session has ended, at its next start at the latest"
    )]
    NotSealed,
    /// There is no journal form of it.
    #[error("its recording is files already; there is nothing to convert")]
    FilesAlready,
    /// It was removed.
    #[error("its recording was destroyed, on record")]
    Destroyed,
    /// What is on disk is not what is on record.
    #[error(
        "its manifest is not the one on record; nothing was changed on record; find out what happened with: ecluse journal verify"
    )]
    OtherSeal,
    /// The signature, or the session, is another.
    #[error(
        "its files are not signed by this gateway, or are of another session; convert it again, or find out what happened with: ecluse journal verify"
    )]
    NotOurs,
    /// Another process changes recordings.
    #[error("another command changes recordings now; look again when it is done")]
    Busy,
    /// A thread was lost.
    #[error("the work was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
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
    if dir.join(layout::LIVE).exists() {
        return Err(ChangeError::NotSealed);
    }
    let rewrapped = Rewrapped::new(dir, identities, recipients)?;
    if session_of(dir).map(SessionId::as_uuid) != Some(rewrapped.recording().manifest().session()) {
        return Err(ChangeError::NotOurs);
    }
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
    let before = readers_of(store, rewrapped.recording()).await?;
    let without = |one: &[String], other: &[String]| -> Vec<String> {
        let kept = one.iter().filter(|name| !other.contains(name));
        kept.cloned().collect()
    };
    let (gained, lost) = (without(&names, &before), without(&before, &names));
    let session = SessionId::from_uuid(manifest.session());
    let begun = latest_of(store, session, AuditKind::SessionStart).await?;
    let number = begun.and_then(|(_, record)| record.detail.get("number")?.as_u64());
    let gateway = store.recordings_identity(clock::now()).await?.public();
    let mut record = about(
        AuditRecord::new(AuditKind::RecordingRewrapped, clock::now()),
        &manifest.facts,
    )
    .claimed(by)
    .detail(GATEWAY_KEY, gateway.to_string())
    .detail(WRAPPED, rewrapped.sha256())
    .detail("recipients", names)
    .detail("gained", gained)
    .detail("lost", lost)
    .detail("manifest-sha256", rewrapped.recording().manifest_sha256());
    if let Some(number) = number {
        record = record.detail("number", number);
    }
    store.record(&[record]).await
}

/// Who reads a recording: whom it was last wrapped for, as the log says, or those it was sealed for.
///
/// # Errors
/// The store failed.
pub(crate) async fn readers_of(
    store: &Store,
    recording: &SealedRecording,
) -> Result<Vec<String>, StoreError> {
    let manifest = recording.manifest();
    let session = SessionId::from_uuid(manifest.session());
    let latest = latest_of(store, session, AuditKind::RecordingRewrapped).await?;
    let wrapped = latest.and_then(|(_, record)| {
        let names = record.detail.get("recipients")?.as_array()?;
        let names = names.iter().filter_map(|name| name.as_str());
        Some(names.map(str::to_owned).collect())
    });
    Ok(wrapped.unwrap_or_else(|| manifest.key.recipients.clone()))
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
    let found = tokio::task::spawn_blocking(move || changing(&root)).await??;
    let mut lines = Vec::new();
    for dir in found {
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
    if !is_changing(dir) {
        return None;
    }
    let session = session_of(dir)?;
    let done = match ended(store, settings, dir, session).await {
        Ok(done) if done.is_empty() => return None,
        Ok(done) => done.join("; "),
        Err(error) => format!("a change of it was interrupted, and is not ended: {error}"),
    };
    Some(neutralise(format!("{}: {done}", dir.display())))
}

async fn ended(
    store: &Store,
    settings: &Settings,
    dir: &Path,
    session: SessionId,
) -> Result<Vec<&'static str>, ChangeError> {
    // Whoever changes recordings at this moment ends it themselves, which may take long.
    let Some(_alone) = ChangeLock::try_take(&settings.data_dir)? else {
        return Err(ChangeError::Busy);
    };
    let mut done = Vec::new();
    if let Some(files) = converted(dir).map_err(FinishError::from)? {
        end_conversion(store, &files, session).await?;
        done.push("its journal was turned into files, which is on record");
    }
    let latest = latest_wrapping(store, session).await?;
    let latest = latest.as_ref().map(|(_, sha256)| sha256.as_str());
    match end_rewrapping(dir, latest)? {
        None => {}
        Some(EndedRewrapping::Finished) => {
            let recording = SealedRecording::open(dir).map_err(FinishError::from)?;
            make_findable(store, &recording).await?;
            done.push("a change of who reads it was interrupted, and is finished");
        }
        Some(EndedRewrapping::Undone) => done.push(
            "a key file that the log does not know lay beside that of the recording, and was removed; who reads it is as it was",
        ),
    }
    Ok(done)
}

/// Puts the files of a conversion on record whose command did not come so far.
async fn end_conversion(
    store: &Store,
    files: &SealedRecording,
    session: SessionId,
) -> Result<(), ChangeError> {
    let signers: Vec<[u8; 32]> = store
        .signing_keys()
        .await?
        .iter()
        .map(|key| key.public)
        .collect();
    let ours = files.verify_signature(&signers).is_ok();
    if !ours || files.manifest().session() != session.as_uuid() {
        return Err(ChangeError::NotOurs);
    }
    make_findable(store, files).await?;
    conclude(store, files, "unknown: the command was interrupted").await
}

/// The seal on record, then the journal gone: until then it tells that it is not.
async fn conclude(store: &Store, files: &SealedRecording, by: &str) -> Result<(), ChangeError> {
    if !put_conversion_on_record(store, files, by).await? {
        return Err(ChangeError::OtherSeal);
    }
    Ok(files.remove_journal()?)
}

/// Turns the journal form of a session's recording into files, in place. `by` is who asked for it.
///
/// # Errors
/// It is not sealed, is files already, is not what is on record, or none of the identities reads it; or the disk or the
/// store failed. What was begun is ended by whoever comes next, and reads until then as it did.
pub(crate) async fn convert(
    store: &Store,
    settings: &Settings,
    keys: &Arc<EvidenceKeys>,
    session: SessionId,
    dir: &Path,
    identities: Vec<Identity>,
    by: &str,
) -> Result<(), ChangeError> {
    let _alone = ChangeLock::take(&settings.data_dir).await?;
    check_convertible(store, session, dir).await?;
    let documents = store.documents().await?;
    let (held, place) = (Arc::clone(keys), dir.to_owned());
    let files = tokio::task::spawn_blocking(move || {
        let allowed = held.allowed_signers();
        let screen_text = |client: &str| wants_screen_text(&documents.documents, client);
        held.with_sealing(&screen_text, |sealing| {
            convert_journal_form(&place, &identities, &allowed, sealing)
        })
    })
    .await??;
    if files.manifest().session() != session.as_uuid() {
        return Err(ChangeError::NotOurs);
    }
    make_findable(store, &files).await?;
    conclude(store, &files, by).await
}

async fn check_convertible(
    store: &Store,
    session: SessionId,
    dir: &Path,
) -> Result<(), ChangeError> {
    let on_record = store.sealed_recording(session).await?;
    let on_record = on_record.ok_or(ChangeError::NotSealed)?;
    if on_record.destroyed {
        return Err(ChangeError::Destroyed);
    }
    if dir.join(layout::LIVE).exists() {
        return Err(ChangeError::NotSealed);
    }
    let sealed = SealedRecording::open(dir).map_err(FinishError::from)?;
    if sealed.manifest_sha256() != on_record.manifest_sha256 {
        return Err(ChangeError::OtherSeal);
    }
    match sealed.manifest().form {
        Form::Journal => Ok(()),
        Form::Files => Err(ChangeError::FilesAlready),
    }
}

/// Findable where this gateway is among the readers, and not elsewhere: the filter went before the readers changed.
async fn make_findable(store: &Store, recording: &SealedRecording) -> Result<(), StoreError> {
    let gateway = store.recordings_identity(clock::now()).await?;
    if let Err(error) = index_with(store, recording, &gateway).await {
        not_findable(recording, &error);
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
    let latest = latest_of(store, session, AuditKind::RecordingRewrapped).await?;
    Ok(latest.and_then(|(seq, record)| {
        let sha256 = record.detail.get(WRAPPED)?.as_str()?.to_owned();
        Some((seq, sha256))
    }))
}

/// The last seal of a session's recording that is on record: its place, and what it says. One that was turned into files
/// has two.
///
/// # Errors
/// The store failed.
pub(crate) async fn latest_seal(
    store: &Store,
    session: SessionId,
) -> Result<Option<(u64, AuditRecord)>, StoreError> {
    latest_of(store, session, AuditKind::RecordingSealed).await
}

/// The last record of a kind about a session, with its place.
pub(super) async fn latest_of(
    store: &Store,
    session: SessionId,
    kind: AuditKind,
) -> Result<Option<(u64, AuditRecord)>, StoreError> {
    let query = AuditQuery {
        session: Some(session),
        kinds: vec![kind],
        latest_first: true,
        limit: Some(1),
        ..AuditQuery::default()
    };
    let latest = store.audit(&query).await?.pop();
    Ok(latest.map(|stored| (stored.seq, stored.record)))
}

#[cfg(test)]
mod tests;
