//! What became of sessions' recordings: sealed, and as what; destroyed at the end of their time.
//!
//! The recordings themselves are files; what stands here is also an entry of the journal, written by the same change.

use ecluse_policy::{SessionId, Timestamp};

use super::bound::{self, SessionSaid};
use super::sql::{Row, values};
use super::{Store, StoreError};
use crate::audit::AuditRecord;

/// A sealed recording, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Of which session.
    pub session: SessionId,
    /// Where it is, relative to the recordings' directory.
    pub recording: Option<String>,
    /// SHA-256 of its manifest, hexadecimal.
    pub manifest_sha256: String,
    /// `files` or `journal`.
    pub form: String,
    /// When it was sealed.
    pub at: Timestamp,
    /// Whether it was destroyed since, on record.
    pub destroyed: bool,
}

const FILES: &str = "files";
const JOURNAL: &str = "journal";
const SEALED: &str = "sealed";
const DESTROYED: &str = "destroyed";

impl Store {
    /// Writes that a session's recording was sealed; `false` when it was already, and then nothing is written.
    ///
    /// `records` are those that say so ([`crate::audit::AuditKind::RecordingSealed`]).
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn sealed(
        &self,
        session: SessionId,
        manifest_sha256: &str,
        form: &str,
        at: Timestamp,
        records: &[AuditRecord],
    ) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        // The log knows, and no column: a digest put there by hand would keep the seal off the record.
        let said = bound::sessions_said_in(&mut change, &[session.as_uuid()]).await?;
        if said.values().any(SessionSaid::is_sealed) {
            return Ok(false);
        }
        // A recording whose session this store does not know, as after a restore, is sealed on record all the same.
        let sql = "UPDATE sessions SET recording_state = $2, manifest_sha256 = $3, form = $4, sealed_at = $5 WHERE id = $1";
        let values = values![session.as_uuid(), SEALED, manifest_sha256, form, at];
        change.tx.execute(sql, values).await?;
        change.commit(records).await?;
        Ok(true)
    }

    /// Writes that the recording of a session, sealed as a journal, was turned into files, whose manifest this is. Said
    /// again, nothing is written. `false` where another seal of it is on record, or none, or its destruction.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn converted(
        &self,
        session: SessionId,
        manifest_sha256: &str,
        at: Timestamp,
        records: &[AuditRecord],
    ) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let sql = "UPDATE sessions SET manifest_sha256 = $2, form = $3, sealed_at = $4 \
                   WHERE id = $1 AND form = $5 AND recording_state = $6";
        let id = session.as_uuid();
        let values = values![id, manifest_sha256, FILES, at, JOURNAL, SEALED];
        if change.tx.execute(sql, values).await? > 0 {
            change.commit(records).await?;
            return Ok(true);
        }
        let sql = "SELECT id FROM sessions WHERE id = $1 AND manifest_sha256 = $2 AND form = $3 AND recording_state = $4";
        let values = values![id, manifest_sha256, FILES, SEALED];
        Ok(change.tx.row(sql, values).await?.is_some())
    }

    /// Writes that a session's recording was destroyed.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn recording_destroyed(
        &self,
        session: SessionId,
        records: &[AuditRecord],
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        let sql = "UPDATE sessions SET recording_state = $2 WHERE id = $1";
        change
            .tx
            .execute(sql, values![session.as_uuid(), DESTROYED])
            .await?;
        // What finds it goes with it.
        let sql = "DELETE FROM search_filters WHERE session = $1";
        change.tx.execute(sql, values![session.as_uuid()]).await?;
        change.commit(records).await
    }

    /// What is known of a session's recording; none where it is not sealed.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sealed_recording(&self, session: SessionId) -> Result<Option<Sealed>, StoreError> {
        let sql = "SELECT id, recording, recording_state, manifest_sha256, form, sealed_at FROM sessions \
                   WHERE id = $1 AND manifest_sha256 IS NOT NULL";
        let row = self.db().row(sql, values![session.as_uuid()]).await?;
        row.as_ref().map(sealed).transpose()
    }

    /// The sessions that ended and whose recordings are not sealed: what a start has to look at.
    ///
    /// # Errors
    /// The store failed.
    pub async fn unsealed_sessions(&self) -> Result<Vec<SessionId>, StoreError> {
        let sql = "SELECT id FROM sessions WHERE ended_at IS NOT NULL AND recording_state IS NULL ORDER BY number";
        let rows = self.db().rows(sql, values![]).await?;
        rows.iter()
            .map(|row| row.id("id").map(SessionId::from_uuid))
            .collect()
    }
}

fn sealed(row: &Row) -> Result<Sealed, StoreError> {
    Ok(Sealed {
        session: SessionId::from_uuid(row.id("id")?),
        recording: row.text_or_none("recording")?,
        manifest_sha256: row.text("manifest_sha256")?,
        form: row.text("form")?,
        at: row.time("sealed_at")?,
        destroyed: row.text_or_none("recording_state")?.as_deref() == Some(DESTROYED),
    })
}
