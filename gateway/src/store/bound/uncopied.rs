//! Entries without a copy, for who verifies the whole log: where their words are away, nothing tells what they take. So a copy that is
//! gone is missed like an entry (`adr/0036-words-that-are-away-lift-no-block.md`).

use std::collections::BTreeMap;

use ecluse_recordings::log::{Entry, Hash};

use super::super::sql::values;
use super::super::{Store, StoreError};
use super::copies::{COPIES, opened};
use crate::audit::{AuditKind, SECRETS_TOLD};

/// Entries since copies began of which there is none, or one that does not open, or is of another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uncopied {
    /// From which entry on each has one; none where nothing tells of a program that makes them.
    since: Option<u64>,
    /// How many.
    pub count: u64,
    /// The first of them, and the last.
    pub between: Option<(u64, u64)>,
}

impl Uncopied {
    /// Takes in an entry with words. Entries come in their order.
    pub(in crate::store) fn see(&mut self, entry: &Entry) {
        let begins =
            entry.kind == AuditKind::GatewayStart.name() && entry.detail.contains_key(COPIES);
        // Retention may have taken the words of starts. Whoever writes this makes copies, too.
        if begins || entry.detail.contains_key(SECRETS_TOLD) {
            self.since.get_or_insert(entry.seq);
        }
    }

    /// Looks at the copies from one place to another, with the hashes of the entries that are there.
    pub(in crate::store) async fn look(
        &mut self,
        store: &Store,
        (first, last): (u64, u64),
        leaves: &BTreeMap<u64, Hash>,
    ) -> Result<(), StoreError> {
        let Some(since) = self.since.filter(|since| *since <= last) else {
            return Ok(());
        };
        let first = first.max(since);
        let sql = "SELECT seq, sealed FROM entry_copies WHERE seq >= $1 AND seq <= $2";
        let mut copies = BTreeMap::new();
        for row in &store.db().rows(sql, values![first, last]).await? {
            copies.insert(row.count("seq")?, row.bytes("sealed")?);
        }
        for seq in first..=last {
            let leaf = leaves.get(&seq).copied();
            let copy = copies.get(&seq);
            if copy.is_some_and(|copy| opened(store.key(), seq, leaf, copy).is_some()) {
                continue;
            }
            self.count += 1;
            let begins = self.between.map_or(seq, |(begins, _)| begins);
            self.between = Some((begins, seq));
        }
        Ok(())
    }
}
