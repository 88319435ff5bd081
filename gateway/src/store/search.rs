//! Which recordings may hold what an auditor looks for (R10).
//!
//! A row is the filter of one recording that this gateway can read ([`ecluse_recordings::search::Filter`]), sealed with
//! the store's key, so that a copy of the database tells nothing of the text. It goes with its recording. What
//! recordings say is not here: a session that passes is opened and searched.

use ecluse_policy::SessionId;
use ecluse_recordings::search::{Filter, Gram, may_hold};

use super::sessions::{COLUMNS, WITH_FILTERS, conditions, session};
use super::sql::values;
use super::{Session, SessionQuery, Store, StoreError};

/// The table, as sealed values name it.
const TABLE: &str = "search_filters";

/// What a filter says of a session's recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Searchable {
    /// It may hold what is looked for.
    Perhaps,
    /// It certainly does not.
    No,
    /// There is no filter of it: still live, not readable by this gateway, or destroyed.
    Unknown,
}

impl Store {
    /// Keeps the filter of a session's recording, in place of an earlier one. Nothing is kept of a session that the
    /// store does not know, or whose recording was destroyed; `false` then.
    ///
    /// # Errors
    /// The store failed; nothing is kept.
    pub async fn remember_search(
        &self,
        session: SessionId,
        filter: &Filter,
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
        let conditions = conditions(query);
        let limit = query.limit.unwrap_or(1000);
        let (sql, values) =
            conditions.statement(WITH_FILTERS, &format!("ORDER BY number DESC LIMIT {limit}"));
        let rows = self.db().rows(sql, values).await?;
        rows.iter()
            .map(|row| {
                let session = session(row)?;
                let found = match row.bytes_or_none("filter")? {
                    None => Searchable::Unknown,
                    Some(sealed) => {
                        let place = session.start.id.as_uuid().to_string();
                        let filter = self.key().open(TABLE, &place, &sealed)?;
                        if may_hold(&filter, grams) {
                            Searchable::Perhaps
                        } else {
                            Searchable::No
                        }
                    }
                };
                Ok((session, found))
            })
            .collect()
    }

    /// Ended sessions with a recording of which there is no filter, the latest first: what a new key, or a program that
    /// did not know of filters, left out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions_without_filter(&self) -> Result<Vec<Session>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE ended_at IS NOT NULL AND recording IS NOT NULL \
             AND (recording_state IS NULL OR recording_state <> 'destroyed') \
             AND NOT EXISTS (SELECT 1 FROM search_filters WHERE search_filters.session = sessions.id) \
             ORDER BY number DESC"
        ));
        let rows = self.db().rows(sql, values![]).await?;
        rows.iter().map(session).collect()
    }
}
