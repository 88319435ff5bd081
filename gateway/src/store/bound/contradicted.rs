//! Every intervention and session of the store that the log contradicts, for whoever looks at all of them.

use ecluse_policy::Timestamp;

use super::super::{Store, StoreError};
use super::{InterventionFault, InterventionGone, SessionFault, Wrong};
use crate::clock;

/// What was found.
#[derive(Debug, Default)]
pub struct Contradicted {
    interventions: Vec<InterventionFault>,
    gone: Vec<InterventionGone>,
    sessions: Vec<SessionFault>,
    /// The first entry whose words are missing, and how many are: what may be about the same as those is not named.
    missing: Option<(u64, usize)>,
}

impl Contradicted {
    /// Looks at every row, a page at a time.
    ///
    /// # Errors
    /// The store failed.
    pub async fn find(store: &Store) -> Result<Self, StoreError> {
        let mut gone = store.interventions_gone().await?;
        gone.retain(|gone| !gone.was_removed);
        let mut sessions = store.session_faults().await?;
        sessions.retain(|fault| fault.what != Wrong::Unknown);
        let interventions = store.contradicted_interventions().await?;
        let missing = store.said().missing.in_short();
        Ok(Self {
            interventions,
            gone,
            sessions,
            missing,
        })
    }

    /// Names what is there at a start, and puts it on record. The doors are open meanwhile: whatever is done by a row asks
    /// for itself.
    pub async fn name_all(store: Store) {
        let told = async {
            let found = Self::find(&store).await?;
            for line in found.lines() {
                tracing::error!("{line}; find out who changed the store: ecluse journal verify");
            }
            found.tell(&store, clock::now()).await
        };
        if let Err(error) = told.await {
            tracing::error!(%error, "the tables of the store could not be compared with the log");
        }
    }

    /// In words, a line each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let interventions = self.interventions.iter().map(ToString::to_string);
        let gone = self.gone.iter().map(ToString::to_string);
        let sessions = self.sessions.iter().map(ToString::to_string);
        let missing = self.missing.map(|(first, count)| {
            format!("the log: the words of entry {first} are missing ({count} in all); what is not known by that is not named here")
        });
        interventions.chain(gone).chain(sessions).chain(missing)
    }

    /// Puts each on record, once for what was found.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tell(&self, store: &Store, at: Timestamp) -> Result<(), StoreError> {
        for fault in &self.interventions {
            store.tell_intervention_fault(fault, at).await?;
        }
        for gone in &self.gone {
            store.tell_intervention_gone(gone, at).await?;
        }
        for fault in &self.sessions {
            store.tell_session_fault(fault, at).await?;
        }
        Ok(())
    }
}
