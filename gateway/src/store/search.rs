//! Which recordings may hold what an auditor looks for (R10).
//!
//! A row is the filter of one recording that this gateway can read ([`ecluse_recordings::search::Filter`]), sealed with
//! the store's key, so that a copy of the database tells nothing of the text. It goes with its recording. What
//! recordings say is not here: a session that passes is opened and searched.

use ecluse_policy::SessionId;
use ecluse_recordings::search::{Filter, Gram, PARTLY, Query, is_current, may_hold};
use zeroize::Zeroizing;

use super::sessions::{WITH_FILTERS, conditions, session};
use super::sql::{Row, values};
use super::{Session, SessionQuery, Store, StoreError};

/// The table, as sealed values name it.
const TABLE: &str = "search_filters";
/// Filters that are in memory at once.
const PAGE: usize = 256;

/// What a filter says of a session's recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Searchable {
    /// It may hold what is looked for.
    Perhaps,
    /// It certainly does not.
    No,
    /// What of it can be searched certainly does not, and that is not all of it.
    NotInPart,
    /// There is no filter of it: still live, not readable by this gateway, or destroyed.
    Unknown,
}

impl Store {
    /// Keeps the filter of a session's recording, in place of an earlier one, and whether what screens showed is in its
    /// search text. Nothing is kept of a session that the
    /// store does not know, or whose recording was destroyed; `false` then.
    ///
    /// # Errors
    /// The store failed; nothing is kept.
    pub async fn remember_search(
        &self,
        session: SessionId,
        filter: &Filter,
        screens: bool,
    ) -> Result<bool, StoreError> {
        let row = session.as_uuid().to_string();
        let sealed = self.key().seal(TABLE, &row, filter.as_bytes())?;
        let mut change = self.write().await?;
        let sql = "INSERT INTO search_filters (session, filter) SELECT id, $2 FROM sessions \
                   WHERE id = $1 AND (recording_state IS NULL OR recording_state <> 'destroyed') \
                   ON CONFLICT (session) DO UPDATE SET filter = excluded.filter";
        let kept = change
            .tx
            .execute(sql, values![session.as_uuid(), sealed])
            .await?;
        if kept > 0 {
            let sql = "UPDATE sessions SET screen_text = $2 WHERE id = $1";
            let values = values![session.as_uuid(), u64::from(screens)];
            change.tx.execute(sql, values).await?;
        }
        change.commit(&[]).await?;
        Ok(kept > 0)
    }

    /// Forgets what stands here of a session's recording.
    ///
    /// # Errors
    /// The store failed; nothing is forgotten.
    pub async fn forget_search(&self, session: SessionId) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        let sql = "DELETE FROM search_filters WHERE session = $1";
        change.tx.execute(sql, values![session.as_uuid()]).await?;
        change.commit(&[]).await
    }

    /// The sessions of a query, the latest first, each with what its filter says of `grams`.
    ///
    /// # Errors
    /// The store failed, or a filter was altered.
    pub async fn searchable(
        &self,
        query: &SessionQuery,
        grams: &[Gram],
    ) -> Result<Vec<(Session, Searchable)>, StoreError> {
        let partly = Query::new([PARTLY])
            .map(|note| note.grams())
            .unwrap_or_default();
        let conditions = conditions(query);
        let limit = query.limit.unwrap_or(1000);
        let (sql, values) =
            conditions.statement(WITH_FILTERS, &format!("ORDER BY number DESC LIMIT {limit}"));
        let rows = self.db().rows(sql, values).await?;
        rows.iter()
            .map(|row| {
                let session = session(row)?;
                let found = match self.filter(row, &session)? {
                    None => Searchable::Unknown,
                    Some(filter) if may_hold(&filter, grams) => Searchable::Perhaps,
                    Some(filter) if may_hold(&filter, &partly) => Searchable::NotInPart,
                    Some(_) => Searchable::No,
                };
                Ok((session, found))
            })
            .collect()
    }

    /// Ended sessions with a recording of which there is no filter, or one of another version of this program, or of
    /// whose screens nobody knows whether they are searchable, the latest
    /// first: what a new key, or a program that knew less of filters, left out.
    ///
    /// # Errors
    /// The store failed, or a filter was altered.
    pub async fn sessions_to_index(&self) -> Result<Vec<Session>, StoreError> {
        let mut found = Vec::new();
        let mut query = SessionQuery::default();
        loop {
            let mut conditions = conditions(&query);
            conditions.and_fixed(
                "ended_at IS NOT NULL AND recording IS NOT NULL \
                 AND (recording_state IS NULL OR recording_state <> 'destroyed')",
            );
            let (sql, values) =
                conditions.statement(WITH_FILTERS, &format!("ORDER BY number DESC LIMIT {PAGE}"));
            let rows = self.db().rows(sql, values).await?;
            let full = rows.len() == PAGE;
            for row in &rows {
                let session = session(row)?;
                query.before = Some(session.number);
                let current = self.filter(row, &session)?;
                let is_current = current.is_some_and(|filter| is_current(&filter));
                if !is_current || session.screen_text.is_none() {
                    found.push(session);
                }
            }
            if !full {
                return Ok(found);
            }
        }
    }

    /// The filter that was read with a session.
    fn filter(
        &self,
        row: &Row,
        session: &Session,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let Some(sealed) = row.bytes_or_none("filter")? else {
            return Ok(None);
        };
        let place = session.start.id.as_uuid().to_string();
        Ok(Some(self.key().open(TABLE, &place, &sealed)?))
    }
}
