//! What is on record of an order that other nodes carry out: their answers stand in a table that anybody can write who can
//! write the store, the cuts in the log.

use std::collections::BTreeSet;

use ecluse_recordings::log::{Entry, Hash, leaf_hash};
use uuid::Uuid;

use super::super::sql::values;
use super::super::{Given, ORDER, Store, StoreError};
use crate::audit::AuditKind;

/// The cuts of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cuts {
    /// The sessions that were cut by it, by number.
    pub sessions: BTreeSet<u64>,
    /// How many connections without a session were.
    pub guests: usize,
    /// The sessions that go on by the log, by number.
    pub open: BTreeSet<u64>,
}

impl Store {
    /// What the log has of an order by now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn cuts_of(&self, order: &Given) -> Result<Cuts, StoreError> {
        let line = format!("%\"{ORDER}\":\"{}\"%", order.id);
        let sql = "SELECT seq, leaf, entry FROM journal WHERE seq > $1 AND entry LIKE $2 \
                   AND seq <= (SELECT value FROM counters WHERE name = 'audit') ORDER BY seq";
        let rows = self.db().rows(sql, values![order.seq, line]).await?;
        self.follow().await?;
        let mut read = Vec::new();
        for row in &rows {
            let (seq, line) = (row.count("seq")?, row.text("entry")?);
            let leaf = leaf_hash(line.as_bytes());
            if Hash(row.bytes("leaf")?.try_into().unwrap_or_default()) == leaf
                && let Ok(entry) = Entry::parse(line.as_bytes())
                && entry.seq == seq
            {
                read.push((seq, leaf, entry));
            }
        }
        let hashes: Vec<_> = read.iter().map(|(seq, leaf, _)| (*seq, *leaf)).collect();
        // And the ones that this process saw there, not some that stand there for a moment.
        let seen = self.seen(&hashes).await?;
        let mut cuts = Cuts::default();
        for (seq, _, entry) in read {
            let is_of_it = entry.kind == AuditKind::Cut.name()
                && entry.detail_text(ORDER) == Some(order.id.to_string().as_str());
            if !is_of_it || !seen.contains(&seq) {
                continue;
            }
            let session = entry.session.as_deref().map(Uuid::parse_str);
            match (session, entry.detail_number("number")) {
                (Some(Ok(_)), Some(number)) => drop(cuts.sessions.insert(number)),
                (Some(_), _) => {}
                (None, _) => cuts.guests += 1,
            }
        }
        cuts.open = self.said().open().map(|(_, open)| open.number).collect();
        Ok(cuts)
    }
}
