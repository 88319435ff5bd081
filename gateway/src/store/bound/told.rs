//! Where the log has what people are told of: chosen by the entries themselves, never by the index beside them, in which
//! whoever writes the store could hide one for a moment.

use std::collections::BTreeMap;

use ecluse_policy::Timestamp;
use ecluse_recordings::log::{Entry, Hash, leaf_hash};

use super::super::sql::{Conditions, Row};
use super::super::{AuditQuery, Store, StoreError};
use super::said::destroyed_by;
use super::stretches::Stretches;
use crate::audit::{AuditKind, StoredAuditRecord};
use crate::clock;

/// The kinds of which operators are told, of what changed and of what is wrong, of what they were told, and of what one of them
/// did by hand to a session, which its gateway does.
const KINDS: [AuditKind; 44] = [
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
    AuditKind::RecordingDestroyed,
    AuditKind::EntriesDestroyed,
    AuditKind::ClockJump,
    AuditKind::ChangesTold,
    AuditKind::Lockout,
    AuditKind::CodeElsewhere,
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
    AuditKind::Hold,
    AuditKind::Resume,
    AuditKind::Slow,
    AuditKind::Question,
    AuditKind::Signal,
    AuditKind::Answer,
    AuditKind::ConfirmAsked,
    AuditKind::ConfirmAnswered,
    AuditKind::Accompanied,
    AuditKind::Unaccompanied,
    AuditKind::PeopleAccepted,
    AuditKind::PersonRefused,
    AuditKind::KeepOut,
    AuditKind::KeepOutLifted,
    AuditKind::PostureHigh,
    AuditKind::PostureNormal,
];

/// Entries that are read in one statement.
const AT_ONCE: usize = 200;

/// The places of these entries, and when they happened, by kind and in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    by_kind: BTreeMap<&'static str, Vec<(u64, When)>>,
    /// The latest time to which the log has come.
    come_to: i64,
}

/// When an entry happened, as it says, and to what time the log had come where it stands.
#[derive(Debug, Clone, Copy)]
struct When {
    at: i64,
    stands: i64,
}

impl When {
    /// Whether it is of a time on or later: a date that lies keeps nothing from those who are told of that time.
    fn is_since(self, from: Timestamp) -> bool {
        self.at.max(self.stands) >= from.as_micros()
    }
}

impl Places {
    /// Takes in an entry: its place, when it happened and its kind. Its words may come late.
    pub(super) fn see(&mut self, seq: u64, at: i64, kind: &str) {
        // A date that has not come yet is none that the log has come to.
        if at > self.come_to && at <= clock::agreed().as_micros() {
            self.come_to = at;
        }
        let when = When {
            at,
            stands: self.come_to,
        };
        let Some(kind) = KINDS.iter().find(|known| known.name() == kind) else {
            return;
        };
        let places = self.by_kind.entry(kind.name()).or_default();
        let place = places.partition_point(|(earlier, _)| *earlier < seq);
        match places.get_mut(place) {
            Some(there) if there.0 == seq => there.1 = when,
            Some(_) | None => places.insert(place, (seq, when)),
        }
    }

    /// Where each stands and of what date it is, in order.
    #[cfg(test)]
    pub(super) fn dates(&self) -> Vec<(u64, i64)> {
        let all = self.by_kind.values().flatten();
        let mut dates: Vec<_> = all.map(|(seq, when)| (*seq, when.at)).collect();
        dates.sort_unstable();
        dates
    }

    /// Those that a query may ask for, in its order.
    fn asked_for(&self, query: &AuditQuery) -> Vec<u64> {
        let kinds = query
            .kinds
            .iter()
            .filter_map(|kind| self.by_kind.get(kind.name()));
        let asked = kinds.flatten().filter(|(seq, when)| {
            query.after.is_none_or(|after| *seq > after)
                && query.before.is_none_or(|before| *seq < before)
                && query.from.is_none_or(|from| when.is_since(from))
                && query.until.is_none_or(|until| when.at < until.as_micros())
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
pub(super) fn read(head: &str) -> Option<(i64, &str)> {
    let (_, rest) = head.split_once("\"at\":")?;
    let (at, rest) = rest.split_once(",\"kind\":\"")?;
    Some((at.parse().ok()?, rest.split_once('"')?.0))
}

/// Whether the log itself knows where all that a query asks for stands.
pub(in crate::store) fn is_told(query: &AuditQuery) -> bool {
    !query.kinds.is_empty() && query.kinds.iter().all(|kind| KINDS.contains(kind))
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    records: Vec<StoredAuditRecord>,
    /// Places that may have more, and whose words are away.
    unread: Vec<u64>,
}

impl Store {
    /// What a query finds of which [`is_told`] holds. An entry that is not the one which was seen at its place is left out;
    /// that it is not is on record by then.
    pub(in crate::store) async fn told(
        &self,
        query: &AuditQuery,
    ) -> Result<Vec<StoredAuditRecord>, StoreError> {
        Ok(self.found(query).await?.records)
    }

    /// The same, and the first place after which that is not all: words are away there that may be of these kinds.
    ///
    /// # Errors
    /// The store failed.
    pub async fn audit_so_far(
        &self,
        query: &AuditQuery,
    ) -> Result<(Vec<StoredAuditRecord>, Option<u64>), StoreError> {
        const TRIES: usize = 3;
        let (mut found, mut tries) = (self.found(query).await?, 1);
        loop {
            if !found.unread.is_empty() {
                // They may be back, or have been taken on record.
                self.follow().await?;
            }
            let first = {
                let said = self.said();
                let mut unread = found.unread.iter();
                let is_over = tries >= TRIES || unread.all(|seq| said.missing.may_be_at(*seq));
                let oldest = found.records.iter().map(|stored| stored.seq).min();
                let after = query.after.or(oldest.map(|seq| seq.saturating_sub(1)));
                let unknown = said.missing.first_after(after.unwrap_or(0));
                let first = found.unread.iter().copied().chain(unknown).min();
                is_over.then_some(first)
            };
            if let Some(first) = first {
                return Ok((found.records, first));
            }
            found = self.found(query).await?;
            tries += 1;
        }
    }

    /// The places after one whose words are away, up to another.
    pub fn places_away(&self, after: u64, to: u64) -> Stretches {
        self.said().missing.between(after, to)
    }

    async fn found(&self, query: &AuditQuery) -> Result<Found, StoreError> {
        self.follow().await?;
        let places = self.said().places.asked_for(query);
        // Since when, the places have answered.
        let query = &AuditQuery {
            from: None,
            ..query.clone()
        };
        let limit = usize::try_from(query.limit.unwrap_or(1000)).unwrap_or(usize::MAX);
        let order = if query.latest_first { "DESC" } else { "ASC" };
        let order = format!("ORDER BY seq {order}");
        let mut found = Found::default();
        for places in places.chunks(AT_ONCE) {
            let mut conditions = Conditions::default();
            conditions.and_in("seq", places.iter().copied());
            let sql = "SELECT seq, leaf, entry, destroyed_by FROM journal";
            let (sql, values) = conditions.statement(sql, &order);
            let rows = self.db().rows(sql, values).await?;
            let mut read: Vec<(u64, Hash, Entry)> = Vec::new();
            for row in &rows {
                match entry(row)? {
                    Some(one) => read.push(one),
                    None => {
                        let (seq, by) = (row.count("seq")?, destroyed_by(row)?);
                        let leaf: Result<[u8; 32], _> = row.bytes("leaf")?.try_into();
                        let leaf = leaf.map(Hash);
                        if leaf.is_ok_and(|leaf| self.said().unread(seq, leaf, by)) {
                            found.unread.push(seq);
                        }
                    }
                }
            }
            let hashes: Vec<(u64, Hash)> =
                read.iter().map(|(seq, leaf, _)| (*seq, *leaf)).collect();
            let seen = self.seen(&hashes).await?;
            for (seq, _, entry) in read {
                let Ok(record) = StoredAuditRecord::of_entry(entry) else {
                    continue;
                };
                let stored = StoredAuditRecord { seq, ..record };
                if seen.contains(&seq) && query.asks_for(&stored) {
                    found.records.push(stored);
                }
                if found.records.len() >= limit {
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

    /// R6: whoever dates an entry falsely hides it from nobody who is told of the time in which it stands.
    #[test]
    fn r6_an_entry_is_of_the_time_in_which_it_stands() {
        let (mut places, day) = (Places::default(), 86_400_000_000_i64);
        let now = clock::agreed().as_micros();
        let mut see = |seq: u64, at: i64, kind: &str| places.see(seq, at, kind);
        see(1, now - 50 * day, "credential-set");
        see(2, now - day, "log-on");
        see(3, now - 40 * day, "credential-set");
        see(4, now + 400 * day, "log-on");
        see(5, now - day / 2, "credential-set");
        see(6, now - 40 * day, "credential-set");
        let since = |days: i64| AuditQuery {
            kinds: vec![AuditKind::CredentialSet],
            from: Some(Timestamp::from_micros(now - days * day)),
            ..AuditQuery::default()
        };
        assert_eq!(places.asked_for(&since(30)), [3, 5, 6]);
        assert_eq!(places.asked_for(&since(60)), [1, 3, 5, 6]);
        assert!(places.asked_for(&since(-1)).is_empty());
    }

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
