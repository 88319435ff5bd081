//! Where the log has what people are told of: chosen by the entries themselves, never by the index beside them, in which
//! whoever writes the store could hide one for a moment.

use std::collections::BTreeMap;

use ecluse_recordings::log::{Entry, Hash, leaf_hash};

use super::super::sql::{Conditions, Row};
use super::super::{AuditQuery, Store, StoreError};
use crate::audit::{AuditKind, StoredAuditRecord};

/// The kinds of which operators are told, of what changed and of what is wrong, and of what they were told.
const KINDS: [AuditKind; 24] = [
    AuditKind::DocumentChange,
    AuditKind::Reached,
    AuditKind::Enrolment,
    AuditKind::EnrolmentDisabled,
    AuditKind::CredentialSet,
    AuditKind::RecordingRewrapped,
    AuditKind::CopiesAway,
    AuditKind::CopiesBack,
    AuditKind::KeyMade,
    AuditKind::SettingsChange,
    AuditKind::ServeCutShort,
    AuditKind::ChangesTold,
    AuditKind::Lockout,
    AuditKind::LockoutLifted,
    AuditKind::AccountEnabled,
    AuditKind::RecordingFailed,
    AuditKind::CoverageGap,
    AuditKind::TypingHidden,
    AuditKind::CheckpointFailed,
    AuditKind::NotOnRecord,
    AuditKind::SessionOutlived,
    AuditKind::HostKeyMismatch,
    AuditKind::FlowRefused,
    AuditKind::Admission,
];

/// Entries that are read in one statement.
const AT_ONCE: usize = 200;

/// The places of these entries, and when they happened, by kind and in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(BTreeMap<&'static str, Vec<(u64, i64)>>);

impl Places {
    /// Takes in the entry at a place, of which this is the beginning.
    pub(super) fn see(&mut self, seq: u64, head: &str) {
        let Some((at, kind)) = read(head) else { return };
        let Some(kind) = KINDS.iter().find(|known| known.name() == kind) else {
            return;
        };
        let places = self.0.entry(kind.name()).or_default();
        // Where the log is another one from a place on, what was there before is read no more.
        places.truncate(places.partition_point(|(earlier, _)| *earlier < seq));
        places.push((seq, at));
    }

    /// Those that a query may ask for, in its order.
    fn asked_for(&self, query: &AuditQuery) -> Vec<u64> {
        let kinds = query
            .kinds
            .iter()
            .filter_map(|kind| self.0.get(kind.name()));
        let asked = kinds.flatten().filter(|(seq, at)| {
            query.after.is_none_or(|after| *seq > after)
                && query.from.is_none_or(|from| *at >= from.as_micros())
                && query.until.is_none_or(|until| *at < until.as_micros())
        });
        let mut places: Vec<u64> = asked.map(|(seq, _)| *seq).collect();
        places.sort_unstable();
        if query.latest_first {
            places.reverse();
        }
        places
    }
}

/// When an entry happened and its kind, of its first letters.
fn read(head: &str) -> Option<(i64, &str)> {
    let (_, rest) = head.split_once("\"at\":")?;
    let (at, rest) = rest.split_once(",\"kind\":\"")?;
    Some((at.parse().ok()?, rest.split_once('"')?.0))
}

/// Whether the log itself knows where all that a query asks for stands.
pub(in crate::store) fn is_told(query: &AuditQuery) -> bool {
    !query.kinds.is_empty() && query.kinds.iter().all(|kind| KINDS.contains(kind))
}

impl Store {
    /// What a query finds of which [`is_told`] holds. An entry that is not the one which was seen at its place is left out;
    /// that it is not is on record by then.
    pub(in crate::store) async fn told(
        &self,
        query: &AuditQuery,
    ) -> Result<Vec<StoredAuditRecord>, StoreError> {
        self.follow().await?;
        let places = self.said().places.asked_for(query);
        let limit = usize::try_from(query.limit.unwrap_or(1000)).unwrap_or(usize::MAX);
        let order = if query.latest_first { "DESC" } else { "ASC" };
        let order = format!("ORDER BY seq {order}");
        let mut found = Vec::new();
        for places in places.chunks(AT_ONCE) {
            let mut conditions = Conditions::default();
            conditions.and_in("seq", places.iter().copied());
            let (sql, values) =
                conditions.statement("SELECT seq, leaf, entry FROM journal", &order);
            let rows = self.db().rows(sql, values).await?;
            let read: Vec<(u64, Hash, Entry)> = rows
                .iter()
                .filter_map(|row| entry(row).transpose())
                .collect::<Result<_, _>>()?;
            let hashes: Vec<(u64, Hash)> =
                read.iter().map(|(seq, leaf, _)| (*seq, *leaf)).collect();
            let seen = self.seen(&hashes).await?;
            for (seq, _, entry) in read {
                let Ok(record) = StoredAuditRecord::of_entry(entry) else {
                    continue;
                };
                let stored = StoredAuditRecord { seq, ..record };
                if seen.contains(&seq) && query.asks_for(&stored) {
                    found.push(stored);
                }
                if found.len() >= limit {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }
}

/// An entry with its place, if its words are there and are those that were hashed.
fn entry(row: &Row) -> Result<Option<(u64, Hash, Entry)>, StoreError> {
    let seq = row.count("seq")?;
    let Some(line) = row.text_or_none("entry")? else {
        return Ok(None);
    };
    let leaf: Result<[u8; 32], _> = row.bytes("leaf")?.try_into();
    let words = leaf_hash(line.as_bytes());
    let entry = Entry::parse(line.as_bytes()).ok();
    let sound = leaf.is_ok_and(|leaf| Hash(leaf) == words);
    Ok(entry
        .filter(|entry| sound && entry.seq == seq)
        .map(|entry| (seq, words, entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_entry_tells_its_time_and_kind() {
        let line = r#"{"salt":"00","seq":7,"at":-12,"kind":"document-change","person":"\"at\":3,\"kind\":\"x\""}"#;
        assert_eq!(read(line), Some((-12, "document-change")));
        let longest = format!(
            r#"{{"salt":"{}","seq":{},"at":{},"kind":"{}""#,
            "f".repeat(32),
            u64::MAX,
            i64::MIN,
            "k".repeat(40)
        );
        assert!(longest.len() <= 160 && read(&longest).is_some());
        assert!(KINDS.iter().all(|kind| kind.name().len() <= 40));
        for bad in ["", "{}", r#"{"at":x,"kind":"y"}"#, r#"{"at":1,"kind":"cut"#] {
            assert_eq!(read(bad), None);
        }
    }
}
