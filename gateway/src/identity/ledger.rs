//! What strangers make the journal hold: a few refused log-ons a minute one by one, the rest counted (F5).
//!
//! A journal that anybody can fill is no evidence: what matters drowns, and the disk fills. So each source has a few
//! entries a minute, and each of the three kinds of networks has so many in all, that those of strangers take none from
//! those of stations. What is more is one entry a source with a count, and one for all other sources together.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ecluse_policy::documents::Pool;
use ecluse_policy::{PersonId, Timestamp};

use crate::audit::{AuditKind, AuditRecord};
use crate::door::budget::prefix;
use crate::settings::LimitSettings;
use crate::store::{Store, StoreError, with_event};

/// Sources of a kind that get an entry of their own with what was counted.
const OWN_ENTRIES: usize = 8;
/// Sources of a kind that are told apart.
const SOURCES: usize = 1024;

/// How much is put on record one by one, a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measure {
    /// Of one source.
    pub(crate) per_source: u32,
    /// Of all sources of a kind.
    pub(crate) in_all: u32,
}

impl Measure {
    /// As the settings have it.
    pub(crate) fn of(limits: &LimitSettings) -> Self {
        Self {
            per_source: limits.refusals_per_source,
            in_all: limits.refusals_in_all,
        }
    }
}

/// The refused log-ons of this minute.
#[derive(Debug)]
pub(crate) struct Ledger {
    measure: Measure,
    minute: Mutex<Minute>,
    /// The latest step of each person of which a right code was given where they may not work.
    elsewhere: Mutex<BTreeMap<PersonId, u64>>,
}

/// Each kind of networks by itself.
type Minute = BTreeMap<Pool, Kind>;

#[derive(Debug, Default)]
struct Kind {
    written: u32,
    sources: BTreeMap<IpAddr, Tally>,
    /// Of sources that are not told apart.
    more: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    written: u32,
    counted: u64,
}

impl Ledger {
    /// An empty one.
    pub(crate) fn new(measure: Measure) -> Self {
        Self {
            measure,
            minute: Mutex::default(),
            elsewhere: Mutex::default(),
        }
    }

    /// Puts a refused log-on on record, or counts it.
    ///
    /// # Errors
    /// The store failed; it is written as soon as the store answers, and counts as written.
    pub(crate) async fn enter(
        &self,
        store: &Store,
        pool: Pool,
        source: IpAddr,
        record: AuditRecord,
    ) -> Result<(), StoreError> {
        if self.takes(pool, source) {
            let record = with_event(record);
            let written = store.record(std::slice::from_ref(&record)).await;
            if written.is_err() {
                store.owe(vec![record]);
            }
            written
        } else {
            Ok(())
        }
    }

    /// Whether there is an entry left for this source; one that has none is counted.
    fn takes(&self, pool: Pool, source: IpAddr) -> bool {
        let Measure { per_source, in_all } = self.measure;
        let mut minute = self.lock();
        let kind = minute.entry(pool).or_default();
        let source = prefix(source);
        if !kind.sources.contains_key(&source) && kind.sources.len() >= SOURCES {
            kind.more += 1;
            return false;
        }
        let tally = kind.sources.entry(source).or_default();
        if tally.written < per_source && kind.written < in_all {
            tally.written += 1;
            kind.written += 1;
            return true;
        }
        tally.counted += 1;
        false
    }

    /// Whether a right code of this step, given where its person may not work, is the first of this step or a later one: one in
    /// half a minute for each person whom the documents name, whatever is given how often.
    pub(crate) fn is_first(&self, person: &PersonId, step: u64) -> bool {
        let mut latest = self
            .elsewhere
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if latest.get(person).is_some_and(|latest| step <= *latest) {
            return false;
        }
        latest.insert(person.clone(), step);
        true
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
            .into_values()
            .flat_map(|kind| kind.records(now))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Minute> {
        self.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    fn records(self, now: Timestamp) -> Vec<AuditRecord> {
        let Self {
            written: _,
            sources,
            more,
        } = self;
        let mut counted: Vec<(IpAddr, u64)> = sources
            .into_iter()
            .map(|(source, tally)| (source, tally.counted))
            .filter(|(_, counted)| *counted > 0)
            .collect();
        counted.sort_by_key(|(_, counted)| std::cmp::Reverse(*counted));
        let rest = counted.split_off(counted.len().min(OWN_ENTRIES));
        let record = |count: u64, of: &str| {
            AuditRecord::new(AuditKind::LogOnRefused, now)
                .refused()
                .reason(format!("{count} more refused log-ons within a minute{of}"))
                .detail("count", count)
        };
        let mut records: Vec<AuditRecord> = counted
            .iter()
            .map(|(source, count)| {
                let entry = record(*count, "").source(*source);
                match source {
                    IpAddr::V4(_) => entry,
                    IpAddr::V6(_) => entry.detail("network", format!("{source}/64")),
                }
            })
            .collect();
        let others = rest.iter().map(|(_, count)| count).sum::<u64>() + more;
        if others > 0 {
            let of = ", of other sources";
            records.push(record(others, of).detail("sources-at-least", rest.len().max(1)));
        }
        records
    }
}
