//! What people who are known make the journal hold by repeating themselves: a few entries a minute one by one, the rest
//! counted (`adr/0012-what-people-repeat.md`).
//!
//! Whoever is somebody, and may do nothing yet, can still log on and off, be refused and look, as fast as a machine types.
//! What strangers repeat is bounded in [`super::ledger`]; how many requests somebody makes is policy's to refuse.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ecluse_policy::{PersonId, Timestamp};

use crate::audit::{AuditKind, AuditRecord, AuditVerdict};
use crate::store::{Store, StoreError, with_event};

/// Refusals of one person and kind that are put on record one by one, a minute.
const REFUSALS: u32 = 20;
/// Searches, replays and watches that one person begins, a minute.
const LOOKS: u32 = 60;

/// Who did what how often in this minute.
#[derive(Debug)]
pub(crate) struct People {
    /// Log-ons of one person a minute; more are counted, and let in operators alone: their handle waits for nobody.
    log_ons: u32,
    minute: Mutex<BTreeMap<(PersonId, AuditKind), Tally>>,
}

#[derive(Debug, Default)]
struct Tally {
    done: u32,
    counted: u64,
    /// The last entry that was not written, for what all of them have in common.
    last: Option<Box<AuditRecord>>,
}

impl People {
    /// Nobody has done anything yet; so many log-ons of one person a minute.
    pub(crate) fn new(log_ons: u32) -> Self {
        Self {
            log_ons,
            minute: Mutex::default(),
        }
    }

    /// Puts a refusal of this person on record, or counts it.
    ///
    /// # Errors
    /// The store failed; it is written as soon as the store answers, and counts as written.
    pub(crate) async fn enter(
        &self,
        store: &Store,
        person: &PersonId,
        record: AuditRecord,
    ) -> Result<(), StoreError> {
        match self.takes(person, REFUSALS, record) {
            Some(record) => {
                let record = with_event(record);
                let written = store.record(std::slice::from_ref(&record)).await;
                if written.is_err() {
                    store.owe(vec![record]);
                }
                written
            }
            None => Ok(()),
        }
    }

    /// The entry of a log-on, to be written; none where it is counted only.
    pub(crate) fn logs_on(&self, person: &PersonId, record: AuditRecord) -> Option<AuditRecord> {
        self.takes(person, self.log_ons, record)
    }

    /// Whether this person has logged on more often than anybody does, in this minute.
    pub(crate) fn logs_on_too_often(&self, person: &PersonId) -> bool {
        let minute = self.lock();
        let tally = minute.get(&(person.clone(), AuditKind::LogOn));
        tally.is_some_and(|tally| tally.counted > 0)
    }

    /// Whether this person may begin to look at one more thing in this minute: a search, a replay, a watch. Each is on record
    /// by itself, because what was looked for matters, so there cannot be any number of them.
    pub(crate) fn may_look(&self, person: &PersonId) -> bool {
        let mut minute = self.lock();
        let tally = minute
            .entry((person.clone(), AuditKind::Search))
            .or_default();
        tally.done = tally.done.saturating_add(1);
        tally.done <= LOOKS
    }

    fn takes(&self, person: &PersonId, most: u32, record: AuditRecord) -> Option<AuditRecord> {
        let mut minute = self.lock();
        let tally = minute.entry((person.clone(), record.kind)).or_default();
        if tally.done < most {
            tally.done += 1;
            return Some(record);
        }
        tally.counted = tally.counted.saturating_add(1);
        tally.last = Some(Box::new(record));
        None
    }

    /// The minute is over: writes what was counted, now or as soon as the store answers.
    pub(crate) async fn close(&self, store: &Store, now: Timestamp) {
        let records = self.counted(now);
        if !records.is_empty() {
            store.record_at_last(records).await;
        }
    }

    fn counted(&self, now: Timestamp) -> Vec<AuditRecord> {
        let minute = std::mem::take(&mut *self.lock());
        minute
            .into_iter()
            .filter_map(|((person, kind), tally)| {
                let last = tally.last?;
                let what = match last.verdict {
                    Some(AuditVerdict::Permit) | None => "like this",
                    Some(AuditVerdict::Refuse) => "refused",
                };
                let record = AuditRecord::new(kind, now)
                    .person(&person)
                    .reason(format!("{} more {what} within a minute", tally.counted))
                    .detail("count", tally.counted);
                let record = match last.client {
                    Some(client) => record.client(&client),
                    None => record,
                };
                let record = match last.source {
                    Some(source) => record.source(source),
                    None => record,
                };
                Some(match last.verdict {
                    Some(AuditVerdict::Permit) => record.permitted(),
                    Some(AuditVerdict::Refuse) => record.refused(),
                    None => record,
                })
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(PersonId, AuditKind), Tally>> {
        self.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> PersonId {
        PersonId::parse(name).unwrap()
    }

    fn refused() -> AuditRecord {
        AuditRecord::new(AuditKind::ActRefused, Timestamp::from_micros(1)).refused()
    }

    /// F5: a loop of refusals is a few entries and a count, and takes no entry of anybody else.
    #[test]
    fn what_one_person_repeats_is_counted_and_others_are_not_touched() {
        let people = People::new(120);
        let (alice, bruno) = (person("alice"), person("bruno"));
        let written = (0..3000)
            .filter(|_| people.takes(&alice, REFUSALS, refused()).is_some())
            .count();
        assert_eq!(written, 20);
        assert!(people.takes(&bruno, REFUSALS, refused()).is_some());
        let counted = people.counted(Timestamp::from_micros(2));
        assert_eq!(counted.len(), 1);
        assert_eq!(
            counted[0].reason.as_deref(),
            Some("2980 more refused within a minute")
        );
        assert_eq!(counted[0].person.as_deref(), Some("alice"));
        // Another minute begins.
        assert!(people.takes(&alice, REFUSALS, refused()).is_some());
        assert!(people.counted(Timestamp::from_micros(3)).is_empty());
    }

    #[test]
    fn log_ons_beyond_what_anybody_does_are_counted_and_told_of() {
        let people = People::new(120);
        let alice = person("alice");
        let record = || AuditRecord::new(AuditKind::LogOn, Timestamp::from_micros(1)).permitted();
        for _ in 0..120 {
            assert!(people.logs_on(&alice, record()).is_some());
        }
        assert!(!people.logs_on_too_often(&alice));
        assert!(people.logs_on(&alice, record()).is_none());
        assert!(people.logs_on_too_often(&alice));
        let counted = people.counted(Timestamp::from_micros(2));
        assert_eq!(
            counted[0].reason.as_deref(),
            Some("1 more like this within a minute")
        );
        assert!(!people.logs_on_too_often(&alice));
    }

    #[test]
    fn looks_are_bounded_a_minute() {
        let people = People::new(120);
        let aurele = person("aurele");
        assert!((0..LOOKS).all(|_| people.may_look(&aurele)));
        assert!(!people.may_look(&aurele));
        assert!(people.counted(Timestamp::from_micros(2)).is_empty());
        assert!(people.may_look(&aurele), "the minute is over");
    }
}
