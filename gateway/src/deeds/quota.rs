//! A technician asks what is left of their budgets (X3).

use clap::Args;
use ecluse_policy::extraction::{Charge, Level, granted_budgets};
use ecluse_policy::{InterventionNumber, SessionId, Span};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::gauges::{self, Gauge, Spent};
use super::{Ask, Undone, right};
use crate::actor::Actor;
use crate::extraction::budgeted::{Budgeted, Counted};
use crate::gateway::Gateway;
use crate::store::{InterventionQuery, StateName};

/// Shows where one's budgets stand.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quota {}

impl Ask for Quota {
    const ACT: &'static str = "quota";
    const USAGE: &'static str = "quota";
}

/// Where one of somebody's budgets stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfBudget {
    /// Whose bytes it counts.
    pub(crate) of: Of,
    /// Where it stands.
    pub(crate) gauge: Gauge,
}

/// Whose bytes a budget counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Of {
    /// All of this person's, today, at a client.
    Today(String),
    /// One intervention's.
    Intervention(InterventionNumber),
    /// One session's.
    Session(u64),
}

/// The technician's own sessions here that a posture ends, by number, and how long from now.
pub(crate) fn ends_by_posture(house: &Gateway, by: &Actor) -> Vec<(u64, Span)> {
    let sessions = house.live.all().into_iter();
    let theirs = sessions.filter(|session| session.facts().person == *by.person());
    let ends = theirs.filter_map(|session| {
        let at = session.posture_ends_it()?;
        Some((session.facts().number, at.since(session.now())))
    });
    ends.collect()
}

/// The budgets of what is granted to a technician and of what they have open here. What others take of budgets that they
/// share is not theirs to know.
pub(crate) async fn quota(house: &Gateway, by: &Actor, _: Quota) -> Result<Vec<OfBudget>, Undone> {
    let applied = house.applied();
    let technician = right(house, by, Quota::ACT, by.as_technician(&applied)).await?;
    let (person, now) = (technician.person(), technician.now());
    let query = InterventionQuery {
        person: Some(person.clone()),
        states: StateName::LIVE.to_vec(),
        limit: Some(u32::MAX),
        ..InterventionQuery::default()
    };
    let mut all: Vec<(Of, Charge)> = Vec::new();
    let mut add = |of: Of, charge: Charge| {
        if !all.iter().any(|(_, known)| known.account == charge.account) {
            all.push((of, charge));
        }
    };
    for intervention in house.store.interventions(&query).await? {
        let request = intervention.request();
        for (target, budgets) in granted_budgets(&applied.documents, &intervention, now) {
            let counted = Counted {
                node: house.node.clone(),
                client: request.client.clone(),
                target,
                person: person.clone(),
                intervention: request.id,
                // Nobody's: what counts for a session has none yet.
                session: SessionId::from_uuid(Uuid::nil()),
                channel: 0,
            };
            let budgeted = Budgeted { budgets, counted };
            for charge in gauges::charges([&budgeted], now) {
                match charge.budget.level {
                    Level::TechnicianDay => add(Of::Today(request.client.to_string()), charge),
                    Level::Intervention => add(Of::Intervention(request.number), charge),
                    Level::Session
                    | Level::Channel
                    | Level::Node
                    | Level::Client
                    | Level::Target => {}
                }
            }
        }
    }
    for session in house.live.all() {
        let facts = session.facts();
        if facts.person != *person {
            continue;
        }
        let budgeted = session.budgeted();
        for charge in gauges::charges(budgeted.iter().map(|one| &**one), now) {
            if charge.budget.level == Level::Session {
                add(Of::Session(facts.number), charge);
            }
        }
    }
    let spent = Spent::of(house, all.iter().map(|(_, charge)| charge)).await?;
    let mut budgets: Vec<OfBudget> = all
        .into_iter()
        .map(|(of, charge)| OfBudget {
            of,
            gauge: spent.gauge(&charge),
        })
        .collect();
    budgets.sort_by(|one, other| one.of.cmp(&other.of));
    Ok(budgets)
}
