//! Destinations that take no copies: told to the client's operators and put on record, once it is no passing trouble.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ecluse_policy::{ClientId, Timestamp};
use tokio::sync::Notify;

use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::store::{AuditQuery, Store, StoreError};

/// How long a destination may be away before that is told.
pub(super) const PASSING: Duration = Duration::from_secs(300);

/// A destination that is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Away {
    /// Which.
    pub(crate) destination: String,
    /// Since when nothing arrived there.
    pub(crate) since: Timestamp,
    /// When that was told.
    pub(crate) told: Timestamp,
}

/// The destinations of this gateway that are away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Absences {
    away: Arc<Mutex<BTreeMap<(ClientId, String), Away>>>,
}

impl Absences {
    /// Those of one client, and no other's (R9).
    pub(crate) fn of(&self, client: &ClientId) -> Vec<Away> {
        self.lock()
            .iter()
            .filter(|((whose, _), _)| whose == client)
            .map(|(_, away)| away.clone())
            .collect()
    }

    fn set(&self, client: &ClientId, away: Away) {
        self.lock()
            .insert((client.clone(), away.destination.clone()), away);
    }

    pub(super) fn clear(&self, client: &ClientId, destination: &str) {
        self.lock()
            .remove(&(client.clone(), destination.to_owned()));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(ClientId, String), Away>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nothing arrives at a destination now, for who waits to give up on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Gone {
    now: Arc<AtomicBool>,
    stir: Arc<Notify>,
}

impl Gone {
    /// One whose every absence wakes who waits at `stir`.
    pub(super) fn beside(stir: &Arc<Notify>) -> Self {
        Self {
            now: Arc::default(),
            stir: Arc::clone(stir),
        }
    }

    /// Whether it is.
    pub(super) fn is(&self) -> bool {
        self.now.load(Ordering::Acquire)
    }

    fn set(&self, gone: bool) {
        self.now.store(gone, Ordering::Release);
        if gone {
            self.stir.notify_one();
        }
    }
}

/// Watches over one destination.
#[derive(Debug)]
pub(super) struct Watch {
    store: Store,
    absences: Absences,
    client: ClientId,
    destination: String,
    passing: Duration,
    since: Option<(Instant, Timestamp)>,
    on_record: bool,
    gone: Gone,
}

impl Watch {
    /// Over one destination of `client`. An absence that a previous run put on record goes on.
    pub(super) async fn begin(
        store: &Store,
        absences: &Absences,
        client: &ClientId,
        destination: &str,
        passing: Duration,
    ) -> Result<Self, StoreError> {
        let query = AuditQuery {
            client: Some(client.clone()),
            kinds: vec![AuditKind::CopiesAway, AuditKind::CopiesBack],
            latest_first: true,
            ..AuditQuery::default()
        };
        let latest = store
            .audit(&query)
            .await?
            .into_iter()
            .map(|stored| stored.record)
            .find(|record| {
                record
                    .detail
                    .get("destination")
                    .and_then(|name| name.as_str())
                    == Some(destination)
            });
        let away = latest.filter(|record| record.kind == AuditKind::CopiesAway);
        if let Some(record) = &away {
            let told = Away {
                destination: destination.to_owned(),
                since: record.at,
                told: record.at,
            };
            absences.set(client, told);
        } else {
            // Another node may have put its end on record.
            absences.clear(client, destination);
        }
        Ok(Self {
            store: store.clone(),
            absences: absences.clone(),
            client: client.clone(),
            destination: destination.to_owned(),
            passing,
            since: None,
            on_record: away.is_some(),
            gone: Gone::default(),
        })
    }

    /// The same, which also tells `gone`.
    pub(super) fn telling(self, gone: Gone) -> Self {
        Self { gone, ..self }
    }

    /// Nothing arrives there, because of `problem`.
    pub(super) async fn is_away(&mut self, problem: &str) {
        self.gone.set(true);
        let now = clock::monotonic();
        let (client, destination) = (&self.client, &self.destination);
        if self.since.is_none() {
            tracing::warn!(%client, destination, problem, "copies do not arrive: they are kept and sent later");
        }
        let (began, since) = *self.since.get_or_insert((now, clock::now()));
        tracing::debug!(%client, destination, problem, "copies do not arrive");
        if self.on_record || now.duration_since(began) < self.passing {
            return;
        }
        tracing::warn!(%client, destination, problem, %since, "copies have not arrived for long: operators are told");
        let record = self
            .record(AuditKind::CopiesAway)
            .reason(problem)
            .detail("since", since.to_string());
        self.on_record = self.wrote(record).await;
        if self.on_record {
            let told = Away {
                destination: self.destination.clone(),
                since,
                told: clock::now(),
            };
            self.absences.set(&self.client, told);
        }
    }

    /// Copies arrive there.
    pub(super) async fn is_there(&mut self) {
        self.gone.set(false);
        self.since = None;
        if !self.on_record {
            return;
        }
        let (client, destination) = (&self.client, &self.destination);
        tracing::info!(%client, destination, "copies arrive again");
        let record = self.record(AuditKind::CopiesBack);
        self.on_record = !self.wrote(record).await;
        if !self.on_record {
            self.absences.clear(&self.client, &self.destination);
        }
    }

    /// The destination holds what cannot be: told at once.
    pub(super) async fn contradicts(&self, problem: &str) {
        let (client, destination) = (&self.client, &self.destination);
        tracing::error!(%client, destination, problem, "the journal is not the one that was copied");
        let record = self.record(AuditKind::CheckpointFailed).reason(problem);
        self.store.record_at_last(vec![record]).await;
    }

    fn record(&self, kind: AuditKind) -> AuditRecord {
        AuditRecord::new(kind, clock::now())
            .client(&self.client)
            .detail("destination", self.destination.clone())
    }

    async fn wrote(&self, record: AuditRecord) -> bool {
        match self.store.record(&[record]).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "a record about copies could not be written");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    async fn kinds(store: &Store) -> Vec<AuditKind> {
        let records = store.audit(&AuditQuery::default()).await.unwrap();
        records
            .into_iter()
            .map(|stored| stored.record.kind)
            .filter(|kind| matches!(kind, AuditKind::CopiesAway | AuditKind::CopiesBack))
            .collect()
    }

    /// R8: an absence is on record once, and its end.
    #[tokio::test]
    async fn an_absence_is_told_once_and_its_end_too() {
        let store = TestStore::sqlite().await;
        let absences = Absences::default();
        let client = ClientId::parse("hopital").unwrap();
        let other = ClientId::parse("clinique").unwrap();
        let place = "tls://logs.example:6514";
        let begin = |passing| Watch::begin(&store, &absences, &client, place, passing);
        let mut passing = begin(PASSING).await.unwrap();
        passing.is_away("it does not answer").await;
        passing.is_there().await;
        assert_eq!(kinds(&store).await, [], "a passing trouble");

        let mut watch = begin(Duration::ZERO).await.unwrap();
        watch.is_away("it does not answer").await;
        watch.is_away("it does not answer").await;
        assert_eq!(kinds(&store).await, [AuditKind::CopiesAway]);
        assert_eq!(absences.of(&client)[0].destination, place);
        assert_eq!(absences.of(&other), [], "nobody else's business");

        // The gateway starts anew meanwhile.
        let mut watch = begin(Duration::ZERO).await.unwrap();
        watch.is_away("it does not answer").await;
        assert_eq!(kinds(&store).await, [AuditKind::CopiesAway], "told already");
        watch.is_there().await;
        watch.is_there().await;
        assert_eq!(
            kinds(&store).await,
            [AuditKind::CopiesAway, AuditKind::CopiesBack]
        );
        assert_eq!(absences.of(&client), []);
    }
}
