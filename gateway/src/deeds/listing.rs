//! Looking: what may be asked for, what waits for an answer, what there is and was (I2, R10). Looking at a request is an act
//! too: its technician is told.

use std::collections::BTreeSet;
use std::net::IpAddr;

use clap::Args;
use ecluse_policy::intervention::{Intervention, Request, State};
use ecluse_policy::matrix::Reach;
use ecluse_policy::{AsOperator, AsTechnician, InterventionId, InterventionNumber, Role};
use serde::{Deserialize, Serialize};

use super::steps::{about, settled};
use super::totals::{Totals, totals};
use super::typed;
use super::{Ask, Subject, Undone, no_such, right};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::gateway::Gateway;
use crate::store::{AuditQuery, InterventionQuery, StateName, StoreError};

/// Interventions that are over, listed at once; those that are not are all listed.
pub(crate) const LISTED: u32 = 30;

/// Lists what may be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flows {}

impl Ask for Flows {
    const ACT: &'static str = "flows";
    const USAGE: &'static str = "flows";
}

/// What the matrix lets a technician ask for, flow by flow.
pub(crate) async fn flows(house: &Gateway, by: &Actor, _: Flows) -> Result<Vec<Reach>, Undone> {
    let applied = house.applied();
    let technician = right(house, by, Flows::ACT, by.as_technician(&applied)).await?;
    Ok(technician.reaches())
}

/// Lists interventions: a technician's own, or those on the targets of an operator's or an auditor's client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Interventions {
    /// One of them, however old.
    #[arg(value_parser = typed::number)]
    #[serde(default)]
    pub(crate) id: Option<InterventionNumber>,
}

impl Ask for Interventions {
    const ACT: &'static str = "interventions";
    const USAGE: &'static str = "interventions [ID]";
}

/// Interventions, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Everything in which something may still happen, and the latest of what is over.
    pub(crate) interventions: Vec<Intervention>,
    /// Whether there is more that is over.
    pub(crate) more: bool,
    /// What left and entered, where one was asked for.
    pub(crate) totals: Option<Totals>,
}

/// What there is and was of theirs to see. Looking only.
pub(crate) async fn interventions(
    house: &Gateway,
    by: &Actor,
    ask: Interventions,
) -> Result<Listed, Undone> {
    let applied = house.applied();
    let act = Interventions::ACT;
    let mut whose = InterventionQuery::default();
    match by.authenticated.role() {
        Role::Technician { .. } => {
            let technician = right(house, by, act, by.as_technician(&applied)).await?;
            whose.person = Some(technician.person().clone());
        }
        Role::Operator { .. } => {
            let operator = right(house, by, act, by.as_operator(&applied)).await?;
            whose.client = Some(operator.client().clone());
        }
        Role::Auditor { .. } => {
            let auditor = right(house, by, act, by.as_auditor(&applied)).await?;
            whose.client = Some(auditor.client().clone());
        }
    }
    let Some(number) = ask.id else {
        return Ok(latest(house, whose).await?);
    };
    let found = house.store.intervention_numbered(number).await?;
    let is_theirs = |found: &Intervention| {
        let request = found.request();
        whose
            .person
            .as_ref()
            .is_none_or(|own| *own == request.person)
            && whose
                .client
                .as_ref()
                .is_none_or(|own| *own == request.client)
    };
    match found.filter(is_theirs) {
        Some(intervention) => Ok(Listed {
            totals: Some(totals(house, &intervention).await?),
            interventions: vec![intervention],
            more: false,
        }),
        None => Err(no_such(house, by, act, Subject::Intervention(number)).await),
    }
}

/// A technician's own.
pub(crate) async fn own(house: &Gateway, by: &AsTechnician<'_>) -> Result<Listed, StoreError> {
    let theirs = InterventionQuery {
        person: Some(by.person().clone()),
        ..InterventionQuery::default()
    };
    latest(house, theirs).await
}

/// Everything in which something may still happen, and the latest of what is over, the latest first.
async fn latest(house: &Gateway, whose: InterventionQuery) -> Result<Listed, StoreError> {
    let live = InterventionQuery {
        states: StateName::LIVE.to_vec(),
        limit: Some(u32::MAX),
        ..whose.clone()
    };
    let over = InterventionQuery {
        states: StateName::FINAL.to_vec(),
        limit: Some(LISTED + 1),
        ..whose
    };
    let mut interventions = house.store.interventions(&over).await?;
    let listed = usize::try_from(LISTED).unwrap_or(usize::MAX);
    let more = interventions.len() > listed;
    interventions.truncate(listed);
    interventions.extend(house.store.interventions(&live).await?);
    // One that ended between the two questions is in both, or in neither: the later answer stands.
    interventions.reverse();
    let mut seen = BTreeSet::new();
    interventions.retain(|one| seen.insert(one.id()));
    interventions.sort_unstable_by_key(|one| std::cmp::Reverse(one.number()));
    Ok(Listed {
        interventions,
        more,
        totals: None,
    })
}

/// Lists the requests that wait for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pending {}

impl Ask for Pending {
    const ACT: &'static str = "pending";
    const USAGE: &'static str = "pending";
}

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// What is asked.
    pub(crate) intervention: Intervention,
    /// From which address: the technician was shown it, so the operator is.
    pub(crate) source: Option<IpAddr>,
}

/// The requests that wait on an operator's client, the oldest first.
pub(crate) async fn pending(
    house: &Gateway,
    by: &Actor,
    _: Pending,
) -> Result<Vec<Waiting>, Undone> {
    let applied = house.applied();
    let operator = right(house, by, Pending::ACT, by.as_operator(&applied)).await?;
    let mut requests = Vec::new();
    for intervention in waiting(house, &operator).await? {
        requests.push(Waiting {
            source: asked_from(house, intervention.request()).await?,
            intervention,
        });
    }
    Ok(requests)
}

/// The requests of the operator's client that wait for an answer, the oldest first.
pub(crate) async fn waiting(
    house: &Gateway,
    by: &AsOperator<'_>,
) -> Result<Vec<Intervention>, StoreError> {
    let query = InterventionQuery {
        client: Some(by.client().clone()),
        states: match by.posture() {
            None => vec![StateName::Requested],
            // What was approved may want one more yes.
            Some(_) => StateName::LIVE.to_vec(),
        },
        limit: Some(u32::MAX),
        ..InterventionQuery::default()
    };
    let mut waiting = house.store.interventions(&query).await?;
    waiting.retain(|one| {
        matches!(one.state(), State::Requested)
            || one.yeses_wanted(by.documents(), by.now()).is_some()
    });
    waiting.reverse();
    Ok(waiting)
}

/// From which address a request was made.
async fn asked_from(house: &Gateway, request: &Request) -> Result<Option<IpAddr>, StoreError> {
    let query = AuditQuery {
        intervention: Some(request.id),
        kinds: vec![AuditKind::Request],
        limit: Some(1),
        ..AuditQuery::default()
    };
    let records = house.store.audit(&query).await?;
    Ok(records.first().and_then(|stored| stored.record.source))
}

/// An operator was shown a request: to be called when they were. The first look is what the technician is told; later ones change nothing.
pub(crate) async fn seen(
    house: &Gateway,
    by: &Actor,
    id: InterventionId,
) -> Result<Intervention, Undone> {
    let applied = house.applied();
    let operator = right(house, by, Pending::ACT, by.as_operator(&applied)).await?;
    let now = operator.now();
    let changed = house
        .store_for(by.authenticated.role())
        .change_intervention(id, |latest| {
            if latest.seen().is_some() {
                return Ok((latest.clone(), Vec::new()));
            }
            let next = latest.seen_by(&operator)?;
            let record = about(by.record(AuditKind::Seen, now), &next).permitted();
            Ok((next, vec![record]))
        })
        .await;
    // Answered or cancelled in between: there is nothing to see, and nothing to put on record.
    settled(changed)
}
