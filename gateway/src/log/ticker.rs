//! Signs where the journal stands: once a minute while it grows, and when the gateway stops.
//!
//! What was signed last is also remembered here, in memory: a database put back to an earlier state under a running
//! gateway is noticed although its own checkpoints went back with it. What was put on record since then the store itself
//! remembers ([`Store::watch`]).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ecluse_policy::Timestamp;
use ecluse_recordings::log::Checkpoint;

use super::JournalKeys;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::store::{Store, StoreError, Topics};

/// The detail of a checkpoint that was not made because the journal is not the one that was signed.
pub(crate) const CONTRADICTED: &str = "contradicted";

/// Makes checkpoints.
#[derive(Debug)]
pub struct Ticker {
    store: Store,
    keys: Arc<JournalKeys>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    signed: Option<Checkpoint>,
    /// What went wrong at the last try, so that it is on record once and not each minute.
    trouble: Option<String>,
}

impl Ticker {
    /// How often [`tick`](Self::tick) is to be called: a checkpoint at least each minute while the journal grows.
    pub const EVERY: Duration = Duration::from_secs(60);

    /// A ticker over a store.
    pub fn new(store: Store, keys: Arc<JournalKeys>) -> Arc<Self> {
        Arc::new(Self {
            store,
            keys,
            state: Mutex::default(),
        })
    }

    /// Takes rotated keys into use as soon as the store tells of them.
    pub async fn follow_keys(self: Arc<Self>) {
        let mut changes = self.store.changes(Topics::keys());
        while changes.changed().await.is_ok() {
            if let Err(error) = self.keys.refresh(&self.store, clock::now()).await {
                tracing::error!(%error, "the signing key could not be changed; the one in use stays");
            }
        }
    }

    /// Makes a checkpoint if the journal grew. Failing is told in the log, and on record when it begins and ends.
    pub async fn tick(&self, now: Timestamp) {
        let failed = self.checkpoint(now).await.err();
        if let Some(error) = &failed {
            tracing::error!(%error, "no checkpoint of the journal was made");
        }
        if !self.is_news(failed.as_ref().map(ToString::to_string)) {
            return;
        }
        let record = AuditRecord::new(AuditKind::CheckpointFailed, now);
        let record = match &failed {
            // Only this is a word against the journal; a store that was away is none.
            Some(error @ (StoreError::Rewritten { .. } | StoreError::Journal(_))) => {
                record.refused().reason(error).detail(CONTRADICTED, true)
            }
            Some(error) => record.refused().reason(error),
            None => record.permitted().reason("checkpoints are made again"),
        };
        self.store.record_at_last(vec![record]).await;
    }

    async fn checkpoint(&self, now: Timestamp) -> Result<(), StoreError> {
        self.store.watch().await?;
        let signed = self.lock().signed.clone();
        if let Some(signed) = signed {
            self.store.check_extends(&signed).await?;
        }
        let made = self
            .store
            .checkpoint(self.keys.origin(), self.keys.signer(), now)
            .await?;
        if let Some(note) = made {
            let checkpoint = note
                .unverified()
                .map_err(|error| StoreError::NotSigned(error.to_string()))?;
            tracing::debug!(size = checkpoint.size, root = %checkpoint.root, "checkpoint");
            self.lock().signed = Some(checkpoint);
        }
        Ok(())
    }

    /// Whether trouble begins, changes or ends.
    fn is_news(&self, trouble: Option<String>) -> bool {
        let mut state = self.lock();
        let news = state.trouble != trouble;
        state.trouble = trouble;
        news
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
