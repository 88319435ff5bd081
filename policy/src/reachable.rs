//! Everything that somebody can reach, or that reaches a target: what a review asks ("who can come here?").
//!
//! It lists what the documents allow, after an approval, and what of it is barred at the moment and by what. For people, not for
//! deciding.

use std::collections::BTreeSet;

use crate::clearance::bar_of;
use crate::documents::{ApprovalRule, Client, Documents, Flow, Provider, Target, Technician};
use crate::matrix::is_for;
use crate::name::{AccountName, ClientId, FlowName, PersonId, ProviderId, StationId, TargetId};
use crate::review::{entries, stations};
use crate::schedule::Schedule;
use crate::time::Timestamp;
use crate::verdict::Refusal;

/// Whose reach is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// What this person reaches.
    Person(&'a PersonId),
    /// Who reaches this target.
    Target(&'a TargetId),
}

/// One line of what is reached: by one flow, one person on one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Whose target.
    pub client: ClientId,
    /// The flow, and the line of the file where it begins.
    pub flow: FlowName,
    /// The latter.
    pub line: u32,
    /// Who.
    pub person: PersonId,
    /// Of which provider.
    pub provider: ProviderId,
    /// From which stations.
    pub stations: BTreeSet<StationId>,
    /// Where.
    pub target: TargetId,
    /// At which address.
    pub address: String,
    /// As whom.
    pub accounts: BTreeSet<AccountName>,
    /// What for, in force, each with its line in the file and its terms.
    pub lines: Vec<(u32, String)>,
    /// When.
    pub hours: Schedule,
    /// After whose yes, and for how long.
    pub approval: ApprovalRule,
    /// When the person's account ends. **Range**: end excluded.
    pub expires: Option<Timestamp>,
    /// What bars it now.
    pub bars: Vec<Refusal>,
}

/// Everything that is reached, of one `client` where one is named. Nothing where nobody or nothing has the name.
#[must_use]
pub fn reachable(
    documents: &Documents,
    of: Of<'_>,
    client: Option<&ClientId>,
    now: Timestamp,
) -> Vec<Reached> {
    let mut all = Vec::new();
    let clients = documents.clients().values();
    for owner in clients.filter(|owner| client.is_none_or(|client| *client == owner.id)) {
        for flow in &owner.flows {
            for target in targets(owner, flow, of) {
                for (provider, person) in people(documents, flow, of) {
                    let place = (owner, flow, target);
                    all.extend(one(documents, place, (provider, person), now));
                }
            }
        }
    }
    all
}

fn targets<'d>(client: &'d Client, flow: &'d Flow, of: Of<'d>) -> impl Iterator<Item = &'d Target> {
    let named = client.targets.iter();
    named
        .filter(|target| flow.targets.contains(&target.id))
        .filter(move |target| match of {
            Of::Person(_) => true,
            Of::Target(id) => target.id == *id,
        })
}

fn people<'d>(
    documents: &'d Documents,
    flow: &'d Flow,
    of: Of<'d>,
) -> impl Iterator<Item = (&'d Provider, &'d Technician)> {
    let providers = documents.providers().values();
    let all = providers.flat_map(|provider| {
        let people = provider.technicians.iter();
        people.map(move |person| (provider, person))
    });
    all.filter(move |(provider, person)| {
        let is_asked = match of {
            Of::Person(id) => person.id == *id,
            Of::Target(_) => true,
        };
        is_asked && is_for(flow, provider, person)
    })
}

fn one(
    documents: &Documents,
    (client, flow, target): (&Client, &Flow, &Target),
    (provider, person): (&Provider, &Technician),
    now: Timestamp,
) -> Option<Reached> {
    let accounts = &flow.accounts & &target.accounts;
    let lines = entries(flow).filter(|(entry, _)| {
        let given = entry.at(now);
        given.is_some_and(|given| documents.never(target, given).is_none())
    });
    let lines: Vec<(u32, String)> = lines
        .map(|(entry, line)| (line, entry.to_string()))
        .collect();
    let approval = flow.approval.at(now);
    if accounts.is_empty() || lines.is_empty() || approval.at_most.is_zero() {
        return None;
    }
    let from = stations(provider, person).into_iter().cloned();
    let mut bars = Vec::new();
    if let Some(Err(ended)) = documents
        .person(&person.id)
        .map(|found| found.in_force(now))
    {
        bars.push(Refusal::Ended(ended));
    }
    if documents.is_closed(&client.id) {
        let client = client.id.clone();
        bars.push(Refusal::DoorClosed { client });
    }
    bars.extend(bar_of(
        documents,
        client,
        &provider.id,
        &person.id,
        &target.id,
    ));
    Some(Reached {
        client: client.id.clone(),
        flow: flow.name.clone(),
        line: flow.lines.flow,
        person: person.id.clone(),
        provider: provider.id.clone(),
        stations: from.collect(),
        target: target.id.clone(),
        address: target.address.to_string(),
        accounts,
        lines,
        hours: flow.hours.clone(),
        approval,
        expires: person.expires,
        bars,
    })
}
