//! What is new to somebody who stays: when to look again, and what came since they looked.

use std::collections::BTreeMap;

use ecluse_policy::intervention::Intervention;
use ecluse_policy::{AsAuditor, AsOperator, InterventionId, InterventionNumber, Role, Span};

use crate::actor::Actor;
use crate::gateway::Gateway;
use crate::store::{Changes, SessionQuery, StoreError, Topics};

/// How far back sessions are looked for that were never seen in passage, at most so many.
const BACK: Span = Span::from_mins(2);
const MOST: u32 = 1000;

/// Wakes whenever something may be news to this person: a technician's interventions, what a client's people are told.
pub(crate) fn follow(house: &Gateway, by: &Actor) -> Changes {
    house.store.changes(match by.authenticated.role() {
        Role::Technician { .. } => Topics::interventions(),
        Role::Operator { client, .. } | Role::Auditor { client, .. } => Topics::told_to(client),
    })
}

/// One intervention that somebody stays beside.
pub(crate) struct Beside {
    number: InterventionNumber,
    /// As it stood at the last look.
    pub(crate) intervention: Intervention,
    /// Wakes when it changes.
    pub(crate) changes: Changes,
}

impl Beside {
    /// Stays beside the intervention of a number; nothing where there is none any more.
    pub(crate) async fn begin(
        house: &Gateway,
        number: InterventionNumber,
    ) -> Result<Option<Self>, StoreError> {
        let Some(intervention) = house.store.intervention_numbered(number).await? else {
            return Ok(None);
        };
        let changes = house.store.changes(Topics::intervention(intervention.id()));
        let mut beside = Self {
            number,
            intervention,
            changes,
        };
        // Once more: what happened until the subscription is read here.
        beside.look(house).await?;
        Ok(Some(beside))
    }

    /// Looks again; false where it is there no more.
    pub(crate) async fn look(&mut self, house: &Gateway) -> Result<bool, StoreError> {
        let found = house.store.intervention_numbered(self.number).await?;
        let is_there = found.is_some();
        if let Some(found) = found {
            self.intervention = found;
        }
        Ok(is_there)
    }
}

/// What became of a request that waited for this operator's client.
pub(crate) async fn became(
    house: &Gateway,
    by: &AsOperator<'_>,
    id: InterventionId,
) -> Result<Option<Intervention>, StoreError> {
    let found = house.store.intervention(id).await?;
    Ok(found.filter(|found| found.request().client == *by.client()))
}

/// A session's person and target, as they are told.
pub(crate) type Passed = (String, String);

/// The highest number of a session of the operator's client.
pub(crate) async fn newest_session(
    house: &Gateway,
    by: &AsOperator<'_>,
) -> Result<Option<u64>, StoreError> {
    let query = SessionQuery {
        client: Some(by.client().clone()),
        limit: Some(1),
        ..SessionQuery::default()
    };
    let newest = house.store.sessions(&query).await?;
    Ok(newest.first().map(|session| session.number))
}

/// The sessions of the operator's client that began in the last minutes: those that are over stand in the store alone.
pub(crate) async fn began_lately(
    house: &Gateway,
    by: &AsOperator<'_>,
) -> Result<BTreeMap<u64, Passed>, StoreError> {
    let query = SessionQuery {
        client: Some(by.client().clone()),
        from: Some(by.now().minus(BACK)),
        limit: Some(MOST),
        ..SessionQuery::default()
    };
    let sessions = house.store.sessions(&query).await?;
    let named = sessions.into_iter().map(|session| {
        let start = session.start;
        let who = (start.person.to_string(), start.target.to_string());
        (session.number, who)
    });
    Ok(named.collect())
}

/// Whether there is anything for the auditor's client to look at: numbers are given for all clients together, so how many
/// there are is nobody's matter.
pub(crate) async fn any_session(house: &Gateway, by: &AsAuditor<'_>) -> Result<bool, StoreError> {
    let query = SessionQuery {
        client: Some(by.client().clone()),
        limit: Some(1),
        ..SessionQuery::default()
    };
    Ok(!house.store.sessions(&query).await?.is_empty())
}
