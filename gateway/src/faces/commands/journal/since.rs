//! What came on record after the moment that is verified: looked up again before anybody is accused of what is on disk.

use std::path::Path;
use std::time::Duration;

use ecluse_policy::SessionId;
use ecluse_recordings::layout;
use ecluse_recordings::verify::Seal;
use uuid::Uuid;

use super::verify::Known;
use crate::audit::AuditKind;
use crate::clock;
use crate::store::{AuditQuery, StoreError};

/// How long something on disk may be ahead of its entry, or behind it: the gateway writes the one right after the other.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause before it is looked up again.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What is on record of a session since.
#[derive(Debug, Default)]
pub(super) struct Since {
    /// Its first seal.
    pub(super) sealed: Option<Seal>,
    /// Whether its recording was destroyed.
    pub(super) destroyed: bool,
    /// Whether there is anything at all.
    pub(super) anything: bool,
}

/// Reads what is on record of a session since the moment that is verified.
pub(super) async fn since(known: Known<'_>, session: &str) -> Result<Since, StoreError> {
    let mut since = Since::default();
    let Ok(session) = Uuid::parse_str(session) else {
        return Ok(since);
    };
    let mut query = AuditQuery {
        session: Some(SessionId::from_uuid(session)),
        after: Some(known.size),
        ..AuditQuery::default()
    };
    loop {
        let page = known.store.audit(&query).await?;
        let Some(last) = page.last() else {
            return Ok(since);
        };
        query.after = Some(last.seq);
        since.anything = true;
        for stored in &page {
            if stored.record.kind == AuditKind::RecordingDestroyed {
                since.destroyed = true;
            }
            if stored.record.kind == AuditKind::RecordingSealed && since.sealed.is_none() {
                let detail = &stored.record.detail;
                since.sealed = Some(Seal::told(stored.seq, |name| detail.get(name)?.as_str()));
            }
        }
    }
}

/// Whether the session of a directory that the journal did not know comes on record now: its directory is made first.
pub(super) async fn begins(known: Known<'_>, session: &str) -> Result<bool, StoreError> {
    let began = clock::monotonic();
    loop {
        if since(known, session).await?.anything {
            return Ok(true);
        }
        if began.elapsed() >= PATIENCE {
            return Ok(false);
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// Whether a directory is taken away now: its destruction is put on record first.
pub(super) async fn goes(dir: &Path) -> bool {
    let began = clock::monotonic();
    while dir.exists() {
        if began.elapsed() >= PATIENCE {
            return false;
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
    true
}

/// Whether another process holds a journal open for writing.
pub(super) fn is_written(dir: &Path) -> bool {
    std::fs::File::open(dir.join(layout::LIVE))
        .is_ok_and(|file| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
}
