//! Which recordings may hold what an auditor looks for (R10).
//!
//! A row is the filter of one recording that this gateway can read ([`ecluse_recordings::search::Filter`]), sealed with
//! the store's key, so that a copy of the database tells nothing of the text. It goes with its recording. What
//! recordings say is not here: a session that passes is opened and searched.

use std::collections::BTreeMap;

use ecluse_policy::SessionId;
use ecluse_recordings::search::{Filter, Gram, PARTLY, Query, is_current, may_hold};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::session_row::{SessionRow, read_row};
use super::sessions::{WITH_FILTERS, conditions};
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

    /// The sessions of a query, the latest first, each with what its filter says of `grams`: all of one of these. None is left out for what
    /// somebody made of its filter: it may hold all, and is opened. One whose row does not read is left out, and told to whoever
    /// runs the gateway, as it is of every list; of so many as were asked for there may be fewer then, and none only at the end.
    ///
    /// # Errors
    /// The store failed.
    pub async fn searchable(
        &self,
        query: &SessionQuery,
        grams: &[Vec<Gram>],
    ) -> Result<Vec<(Session, Searchable)>, StoreError> {
        let partly = Query::new([PARTLY])
            .map(|note| note.grams())
            .unwrap_or_default();
        let mut query = query.clone();
        let limit = query.limit.unwrap_or(1000);
        let mut found = BTreeMap::new();
        let mut read = Vec::new();
        loop {
            let conditions = conditions(&query);
            let (sql, values) =
                conditions.statement(WITH_FILTERS, &format!("ORDER BY number DESC LIMIT {limit}"));
            let rows = self.db().rows(sql, values).await?;
            for (row, session) in readable(&rows) {
                found.insert(session.id(), self.filter(row, session.id()));
                read.push(session);
            }
            // Where none of them reads, the next ones may.
            query.before = rows.last().and_then(|row| row.count("number").ok());
            if !read.is_empty() || query.before.is_none() {
                break;
            }
        }
        let sessions = self.judged_sessions(read).await?;
        Ok(sessions
            .into_iter()
            .map(|session| {
                let filter = found.remove(&session.start.id.as_uuid());
                let found = match filter.unwrap_or(Kept::None) {
                    Kept::None => Searchable::Unknown,
                    Kept::Broken => Searchable::Perhaps,
                    Kept::Whole(filter) if grams.iter().any(|one| may_hold(&filter, one)) => {
                        Searchable::Perhaps
                    }
                    Kept::Whole(filter) if may_hold(&filter, &partly) => Searchable::NotInPart,
                    Kept::Whole(_) => Searchable::No,
                };
                (session, found)
            })
            .collect())
    }

    /// Ended sessions with a recording of which there is no filter, or one of another version of this program, or of
    /// whose screens nobody knows whether they are searchable, the latest
    /// first: what a new key, or a program that knew less of filters, left out. One that was altered is made anew.
    ///
    /// # Errors
    /// The store failed.
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
            for (row, read) in readable(&rows) {
                let current = self.filter(row, read.id());
                let session = read.session;
                let is_current = matches!(current, Kept::Whole(filter) if is_current(&filter));
                if !is_current || session.screen_text.is_none() {
                    found.push(session);
                }
            }
            query.before = rows.last().and_then(|row| row.count("number").ok());
            if !full || query.before.is_none() {
                return Ok(found);
            }
        }
    }

    /// The filter that was read with a session. One that is not what this program keeps there hides no recording, and
    /// hinders no search: it is told to whoever runs the gateway.
    fn filter(&self, row: &Row, session: Uuid) -> Kept {
        let place = session.to_string();
        let kept = match row.bytes_or_none("filter") {
            Ok(None) => return Kept::None,
            Ok(Some(sealed)) => self
                .key()
                .open(TABLE, &place, &sealed)
                .map_err(StoreError::from),
            Err(error) => Err(error),
        };
        kept.map_or_else(
            |error| {
                tracing::error!(%error, session = %session, "what the store keeps of a recording for searches was altered: the recording is searched without it, and it is made anew at the next start; find out who changed the store");
                Kept::Broken
            },
            Kept::Whole,
        )
    }
}

/// What stands where a filter is kept.
enum Kept {
    None,
    Whole(Zeroizing<Vec<u8>>),
    /// Something else.
    Broken,
}

/// The rows that read.
fn readable(rows: &[Row]) -> impl Iterator<Item = (&Row, SessionRow)> {
    rows.iter().filter_map(|row| match read_row(row) {
        Ok(read) => Some((row, read)),
        Err(error) => {
            tracing::error!(%error, number = row.int("number").unwrap_or_default(), "a session of the table does not read, and is not searched; run: ecluse journal verify");
            None
        }
    })
}
