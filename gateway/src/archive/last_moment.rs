//! When a session ended that no gateway was left to end: the last moment that its recording, or else the log, knows of (R1).
//!
//! The last frame is the one that counts, of a journal that the log knows. Where the gateway has no key to it, the time of
//! its last write does, which is no evidence: so never before the last word of the log about the session.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use ecluse_policy::Timestamp;
use ecluse_recordings::{JournalFrames, JournalReader, SealedRecording, layout};

use super::recovery::known;
use crate::evidence::EvidenceKeys;
use crate::live::KnownBy;
use crate::store::{AuditQuery, LastMoment, Session, Store, StoreError};

/// The last moment known of a session, at most `now`.
///
/// # Errors
/// The store failed.
pub(super) async fn last_moment(
    store: &Store,
    keys: &Arc<EvidenceKeys>,
    root: &Path,
    session: &Session,
    now: Timestamp,
) -> Result<LastMoment, StoreError> {
    let latest = AuditQuery {
        session: Some(session.start.id),
        latest_first: true,
        limit: Some(1),
        ..AuditQuery::default()
    };
    let latest = store.audit(&latest).await?;
    let in_log = latest
        .first()
        .map_or(session.start.at, |stored| stored.record.at);
    let dir = session.start.recording.as_ref().map(|path| root.join(path));
    let recorded = match dir {
        Some(dir) => in_recording(store, keys, dir, session).await,
        None => None,
    };
    let (at, by) = match recorded {
        Some((at, KnownBy::Frame)) => (at, KnownBy::Frame),
        Some((at, by)) if at > in_log => (at, by),
        Some(_) | None => (in_log, KnownBy::Log),
    };
    Ok(LastMoment {
        at: at.min(now).max(session.start.at),
        by,
    })
}

async fn in_recording(
    store: &Store,
    keys: &Arc<EvidenceKeys>,
    dir: PathBuf,
    session: &Session,
) -> Option<(Timestamp, KnownBy)> {
    let live = dir.join(layout::LIVE);
    let Ok(frames) = JournalFrames::open(&live) else {
        let (keys, id) = (Arc::clone(keys), session.start.id.as_uuid());
        let sealed = tokio::task::spawn_blocking(move || in_seal(&dir, &keys, id));
        return sealed.await.ok()?;
    };
    let header = frames.header();
    // What anybody put there says nothing.
    if header.facts.session != session.start.id.as_uuid() || known(store, header).await.is_err() {
        return None;
    }
    let key = keys.unwrap(&header.wrapped);
    let started = header.facts.started;
    let read = tokio::task::spawn_blocking(move || match key {
        Some(key) => {
            let mut reader = JournalReader::open(&live, &key).ok()?;
            let mut last = None;
            // Up to where frames hold: what follows the last whole one is no moment.
            while let Ok(Some(frame)) = reader.next_frame() {
                last = Some(frame.at_us);
            }
            Some((after(started, last?), KnownBy::Frame))
        }
        None => {
            let written = live.metadata().ok()?.modified().ok()?;
            let micros = written.duration_since(UNIX_EPOCH).ok()?.as_micros();
            let at = Timestamp::from_micros(i64::try_from(micros).ok()?);
            Some((at, KnownBy::Write))
        }
    });
    read.await.ok()?
}

/// Of one that was sealed, where the gateway died before it wrote that the session had ended.
fn in_seal(dir: &Path, keys: &EvidenceKeys, session: uuid::Uuid) -> Option<(Timestamp, KnownBy)> {
    let sealed = SealedRecording::open(dir).ok()?;
    sealed.verify_signature(&keys.allowed_signers()).ok()?;
    let manifest = sealed.manifest();
    if manifest.session() != session {
        return None;
    }
    let at = after(manifest.facts.started, manifest.ended_us?);
    Some((at, KnownBy::Frame))
}

fn after(started: i64, micros: u64) -> Timestamp {
    Timestamp::from_micros(started.saturating_add_unsigned(micros))
}
