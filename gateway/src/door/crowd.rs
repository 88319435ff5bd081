//! Connections that found no place: one alert while it lasts, whatever their number (F5).
//!
//! A crowd has a beginning, counts and an end. Its beginning and its end are each one entry of the journal and one line of
//! the log, and every client's operators read of it, whoever it keeps out: strangers write nothing here one by one.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ecluse_policy::documents::Pool;
use ecluse_policy::{Span, Timestamp};
use tokio::sync::Notify;

use super::budget::{Full, prefix};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::store::Store;

/// Without anybody turned away for so long, a crowd is over.
const OVER_AFTER: Span = Span::from_secs(600);
/// So many connections that only exceed the share of their own source are no news of a pool of strangers: they harm nobody
/// else, and any program that connects too often makes some.
const UNREMARKABLE: u64 = 32;
/// Sources that are told apart.
const SOURCES: usize = 1024;
/// How often it is looked whether a crowd is over.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Where there was no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Places {
    /// Before log-on.
    Before(Pool),
    /// After log-on.
    Inside,
}

impl Places {
    /// Its name on record.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Before(pool) => pool.name(),
            Self::Inside => "inside",
        }
    }
}

/// How many were turned away, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Turned {
    /// Their source had its share.
    source: u64,
    /// At random.
    early: u64,
    /// All places were taken.
    full: u64,
    sources: BTreeSet<IpAddr>,
}

impl Turned {
    fn count(&mut self, why: Full, source: IpAddr) {
        match why {
            Full::Source | Full::Person | Full::Often => self.source += 1,
            Full::Early => self.early += 1,
            Full::Pool | Full::Total => self.full += 1,
        }
        if self.sources.len() < SOURCES {
            self.sources.insert(prefix(source));
        }
    }

    /// In all.
    pub(crate) fn total(&self) -> u64 {
        self.source + self.early + self.full
    }

    /// Whether nobody was turned away but those whose own source had its share: others found a place.
    pub(crate) fn only_shares(&self) -> bool {
        self.early + self.full == 0
    }

    /// How many sources they came from; more are not told apart.
    pub(crate) fn sources(&self) -> usize {
        self.sources.len()
    }

    /// Whether others than those who took too much may have been kept out.
    fn is_remarkable(&self, places: Places) -> bool {
        match places {
            Places::Before(Pool::Everybody) => {
                self.early + self.full > 0 || self.source > UNREMARKABLE
            }
            Places::Before(Pool::Operators | Pool::Stations) | Places::Inside => self.total() > 0,
        }
    }
}

/// A crowd at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crowd {
    /// Where.
    pub(crate) places: Places,
    /// Since when.
    pub(crate) since: Timestamp,
    /// When somebody was last turned away.
    pub(crate) latest: Timestamp,
    /// Whom.
    pub(crate) turned: Turned,
    /// When it was told, if it was worth it.
    pub(crate) told: Option<Timestamp>,
    /// Whether it is over.
    pub(crate) over: bool,
}

/// The crowds at the doors of this gateway.
#[derive(Debug, Default)]
pub(crate) struct Crowds {
    crowds: Mutex<BTreeMap<Places, Crowd>>,
    grown: Notify,
}

impl Crowds {
    /// Somebody was turned away.
    pub(crate) fn turned_away(&self, places: Places, why: Full, source: IpAddr, now: Timestamp) {
        let mut crowds = self.lock();
        let begun = || Crowd {
            places,
            since: now,
            latest: now,
            turned: Turned::default(),
            told: None,
            over: false,
        };
        let crowd = crowds.entry(places).or_insert_with(begun);
        if crowd.over {
            *crowd = begun();
        }
        crowd.latest = now;
        crowd.turned.count(why, source);
        if crowd.told.is_none() && crowd.turned.is_remarkable(places) {
            self.grown.notify_one();
        }
    }

    /// Those worth telling: that last, or whose end is not `since` ago.
    pub(crate) fn told(&self, since: Timestamp) -> Vec<Crowd> {
        self.lock()
            .values()
            .filter(|crowd| crowd.told.is_some() && (!crowd.over || crowd.latest >= since))
            .cloned()
            .collect()
    }

    /// Puts each beginning and each end on record, until it is dropped.
    pub(crate) async fn run(&self, store: &Store) {
        loop {
            let _ = tokio::time::timeout(LOOK_EVERY, self.grown.notified()).await;
            for record in self.look(clock::now()) {
                store.record_at_last(vec![record]).await;
            }
        }
    }

    /// What has begun and what is over, for the record.
    fn look(&self, now: Timestamp) -> Vec<AuditRecord> {
        let mut records = Vec::new();
        let mut crowds = self.lock();
        for crowd in crowds.values_mut().filter(|crowd| !crowd.over) {
            if crowd.told.is_none() && crowd.turned.is_remarkable(crowd.places) {
                crowd.told = Some(now);
                tell(crowd);
                records.push(crowd.record(AuditKind::DoorCrowded, now));
            }
            if now.since(crowd.latest) >= OVER_AFTER {
                crowd.over = true;
                if crowd.told.is_some() {
                    tell(crowd);
                    records.push(crowd.record(AuditKind::DoorClear, now));
                }
            }
        }
        // What was never told is forgotten.
        crowds.retain(|_, crowd| !crowd.over || crowd.told.is_some());
        records
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Places, Crowd>> {
        self.crowds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crowd {
    fn record(&self, kind: AuditKind, now: Timestamp) -> AuditRecord {
        let Turned {
            source,
            early,
            full,
            sources,
        } = &self.turned;
        AuditRecord::new(kind, now)
            .reason(self.words())
            .detail("places", self.places.name())
            .detail("since", self.since.to_string())
            .detail("until", self.latest.to_string())
            .detail("turned-away", self.turned.total())
            .detail("for-their-source", *source)
            .detail("at-random", *early)
            .detail("for-want-of-places", *full)
            .detail("sources", sources.len())
    }

    fn words(&self) -> &'static str {
        if self.turned.only_shares() {
            return "single sources have taken their share of the places; others find one";
        }
        match self.places {
            Places::Before(Pool::Operators) => {
                "places before log-on are short for operators' and auditors' networks"
            }
            Places::Before(Pool::Stations) => {
                "places before log-on are short for stations' networks"
            }
            Places::Before(Pool::Everybody) => {
                "places before log-on are short for addresses that no document names"
            }
            Places::Inside => "places after log-on are short, but for operators",
        }
    }
}

fn tell(crowd: &Crowd) {
    let (turned_away, sources) = (crowd.turned.total(), crowd.turned.sources());
    let (places, words) = (crowd.places.name(), crowd.words());
    if crowd.over {
        tracing::info!(places, turned_away, sources, since = %crowd.since, "nobody is turned away any more");
    } else {
        tracing::warn!(
            places,
            turned_away,
            sources,
            "connections are turned away: {words}"
        );
    }
}
