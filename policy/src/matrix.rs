//! The flow matrix (F1): what the documents allow a technician, before anybody is asked.
//!
//! Rights are the union of the flows, and each flow brings its own conditions with it: hours, number of approvals,
//! longest time. Two flows never lend each other a condition, so that taking a flow away never adds a right.

use std::collections::BTreeSet;

use crate::accompaniment::Accompanied;
use crate::capability::{Allowed, Capability};
use crate::clearance::is_let_in;
use crate::confirm::Confirm;
use crate::documents::{
    ApprovalRule, Client, Documents, Flow, PersonRef, Provider, Target, Technician,
};
use crate::extraction::{ByteCount, Level, Way};
use crate::flow::choke::{answers_in, by_paths};
use crate::flow::{FlowRequest, Narrowing, Scope};
use crate::name::{AccountName, ClientId, FlowName, PersonId, TargetId};
use crate::schedule::Schedule;
use crate::time::{Span, Timestamp};
use crate::verdict::Refusal;

/// What one flow allows one technician.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Whose flow.
    pub client: ClientId,
    /// Its name.
    pub flow: FlowName,
    /// Where, as whom and what for.
    pub scope: Scope,
    /// The entries that allow it, in force, each with the terms that are written beside it.
    pub entries: Vec<Allowed>,
    /// When.
    pub hours: Schedule,
    /// After whose yes, and for how long.
    pub approval: ApprovalRule,
    /// Whether an operator has to watch it, and how many sessions each may.
    pub accompanied: Option<Accompanied>,
    /// What of it waits for an operator's yes while it is used.
    pub confirm: Vec<Confirm>,
    /// How much may leave any of these targets in one intervention; `None` is without a limit.
    pub bytes: Option<ByteCount>,
}

/// Everything that the matrix allows one technician at `now`, flow by flow. Empty for anybody else, and nothing of a client that
/// has not accepted them, or keeps them out.
///
/// An account that only some of the flow's targets have is left to [`flows_allowing`]; this is for people to read.
#[must_use]
pub fn matrix_scope(documents: &Documents, person: &PersonId, now: Timestamp) -> Vec<Reach> {
    let Some((provider, technician)) = documents.technician(person) else {
        return Vec::new();
    };
    let mut reaches = Vec::new();
    let clients = documents.clients().values();
    for client in clients.filter(|client| {
        !documents.is_closed(&client.id)
            && is_let_in(documents, client, &provider.id, &technician.id)
    }) {
        for flow in client
            .flows
            .iter()
            .filter(|flow| is_for(flow, provider, technician))
        {
            let named = |target: &&Target| flow.targets.contains(&target.id);
            let named: Vec<&Target> = client.targets.iter().filter(named).collect();
            let bytes = named
                .iter()
                .filter_map(|target| of_intervention(documents, client, target, flow, now))
                .min();
            let targets: BTreeSet<TargetId> =
                named.into_iter().map(|target| target.id.clone()).collect();
            let scope = Scope {
                targets,
                accounts: flow.accounts.clone(),
                capabilities: allowed(flow, now).cloned().collect(),
            };
            if !scope.is_empty() {
                let (client, flow_name) = (client.id.clone(), flow.name.clone());
                reaches.push(Reach {
                    client,
                    flow: flow_name,
                    scope,
                    entries: in_force(flow, now).cloned().collect(),
                    hours: flow.hours.clone(),
                    approval: flow.approval.at(now),
                    accompanied: flow.approval.accompanied(),
                    confirm: Confirm::in_force(flow, now).cloned().collect(),
                    bytes,
                });
            }
        }
    }
    reaches
}

/// Whether the matrix lets a technician ask for what an intervention of theirs does not permit: for saying what helps, not
/// for deciding.
#[must_use]
pub fn could_ask_for(
    documents: &Documents,
    person: &PersonId,
    target: &TargetId,
    account: &AccountName,
    asked: &FlowRequest,
    now: Timestamp,
) -> bool {
    let Some((_, own)) = documents.target(target) else {
        return false;
    };
    flows_in_both(documents, person, target, account)
        .into_iter()
        .any(|(written, flow)| {
            let by_paths = by_paths(&written.allow);
            let gives = |one: &&Capability| answers_in(&by_paths, one, asked).is_ok();
            // What is a target's door is given to nobody, listed or not.
            let mut giving = allowed(flow, now).filter(gives);
            giving.any(|one| documents.never(own, one).is_none())
        })
}

/// The clients whose matter a person's account is: an operator's or auditor's own, and every client whose matrix names a
/// technician. Their operators are told when it is blocked, or enabled again.
#[must_use]
pub fn clients_concerned(documents: &Documents, person: &PersonId) -> BTreeSet<ClientId> {
    match documents.person(person) {
        Some(PersonRef::Operator { client, .. } | PersonRef::Auditor { client, .. }) => {
            BTreeSet::from([client.id.clone()])
        }
        // Whatever the hour, and whether an entry of the flow is over or not.
        Some(PersonRef::Technician {
            provider,
            technician,
        }) => documents
            .clients()
            .values()
            .filter(|client| {
                client
                    .flows
                    .iter()
                    .any(|flow| is_for(flow, provider, technician))
            })
            .map(|client| client.id.clone())
            .collect(),
        None => BTreeSet::new(),
    }
}

/// The clients of a person whose doors are closed to everybody ([`Refusal::DoorClosed`]): told before anything is asked there.
#[must_use]
pub fn closed_doors(documents: &Documents, person: &PersonId) -> BTreeSet<ClientId> {
    let mut clients = clients_concerned(documents, person);
    clients.retain(|client| documents.is_closed(client));
    clients
}

/// What a flow allows at `now`: the entries in force.
pub(crate) fn allowed(flow: &Flow, now: Timestamp) -> impl Iterator<Item = &Capability> {
    flow.allow.iter().filter_map(move |entry| entry.at(now))
}

fn in_force(flow: &Flow, now: Timestamp) -> impl Iterator<Item = &Allowed> {
    let is_in_force = move |entry: &&Allowed| entry.at(now).is_some();
    flow.allow.iter().filter(is_in_force)
}

/// What a line of the matrix gives of what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Whose line.
    pub flow: FlowName,
    /// The line, with its terms.
    pub entry: Allowed,
    /// What it gives of what is asked for: never more.
    pub gives: Vec<Capability>,
}

/// The lines that would allow some of `scope` to a technician at `now`, each once: what whoever says yes says it to. Those of
/// one flow that gives no more of it, and no terminal, than another line alone, are left out.
#[must_use]
pub fn entries_behind(
    documents: &Documents,
    person: &PersonId,
    scope: &Scope,
    now: Timestamp,
) -> Vec<Behind> {
    let mut behind: Vec<Behind> = Vec::new();
    for target in &scope.targets {
        for account in &scope.accounts {
            for flow in flows_for(documents, person, target, account) {
                for entry in in_force(flow, now) {
                    let Some(allowed) = entry.at(now) else {
                        continue;
                    };
                    let asked = scope.capabilities.iter();
                    let gives: Vec<Capability> =
                        asked.filter_map(|asked| asked.common(allowed)).collect();
                    let known = |one: &Behind| one.flow == flow.name && one.entry == *entry;
                    if !gives.is_empty() && !behind.iter().any(known) {
                        behind.push(Behind {
                            flow: flow.name.clone(),
                            entry: entry.clone(),
                            gives,
                        });
                    }
                }
            }
        }
    }
    let all = behind.clone();
    behind.retain(|one| !all.iter().any(|wide| wide.makes_up_for(one, &all)));
    behind
}

impl Behind {
    /// Whether a line of another flow gives more than all that `one`'s flow gives in this way, with a terminal where that has one.
    fn makes_up_for(&self, one: &Self, all: &[Self]) -> bool {
        let gives =
            |capability: &Capability| self.gives.iter().any(|wide| wide.includes(capability));
        let mut same_flow = all.iter().filter(|other| other.flow == one.flow);
        let mut given: Vec<&Capability> = Vec::new();
        if self.flow == one.flow
            || !same_flow.all(|other| {
                given.extend(&other.gives);
                (self.entry.terminal() || !other.entry.terminal()) && other.gives.iter().all(gives)
            })
        {
            return false;
        }
        // Where both give the same, either is what the yes is to.
        let all_given = |wide: &Capability| given.iter().any(|narrow| narrow.includes(wide));
        !self.gives.iter().all(all_given)
    }
}

pub(crate) fn is_for(flow: &Flow, provider: &Provider, technician: &Technician) -> bool {
    flow.technicians
        .iter()
        .any(|selector| selector.names(&provider.id, technician))
}

/// The flows that name this technician, target and account, as they are in force.
pub(crate) fn flows_for<'d>(
    documents: &'d Documents,
    person: &PersonId,
    target: &TargetId,
    account: &AccountName,
) -> Vec<&'d Flow> {
    let both = flows_in_both(documents, person, target, account);
    both.into_iter().map(|(_, in_force)| in_force).collect()
}

/// The same, each as it is written and as it is in force: a posture makes the two differ.
pub(crate) fn flows_in_both<'d>(
    documents: &'d Documents,
    person: &PersonId,
    target: &TargetId,
    account: &AccountName,
) -> Vec<(&'d Flow, &'d Flow)> {
    let Some((provider, technician)) = documents.technician(person) else {
        return Vec::new();
    };
    let Some((client, target)) = documents.target(target) else {
        return Vec::new();
    };
    let written = documents.written(client).iter();
    let both = written.zip(&client.flows);
    both.filter(|(flow, _)| is_for(flow, provider, technician))
        .filter(|(flow, _)| flow.targets.contains(&target.id))
        .filter(|(flow, _)| flow.accounts.contains(account) && target.accounts.contains(account))
        .collect()
}

/// What one flow of a client gives a technician of a scope at `now`, as an operator approves that alone; none where the client has no
/// such flow, or it is not for them, or gives nothing of it.
#[must_use]
pub fn narrowed_to_flow(
    documents: &Documents,
    client: &ClientId,
    (flow, person): (&str, &PersonId),
    scope: &Scope,
    now: Timestamp,
) -> Option<Narrowing> {
    let client = documents.client(client)?;
    let mut flows = client.flows.iter();
    let (provider, technician) = documents.technician(person)?;
    let flow = flows.find(|one| one.name.as_str() == flow && is_for(one, provider, technician))?;
    let mut lines: Vec<Capability> = Vec::new();
    for granted in &scope.capabilities {
        let given = allowed(flow, now).filter_map(|given| granted.common(given));
        for line in given {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    let targets = &scope.targets & &flow.targets;
    let accounts = &scope.accounts & &flow.accounts;
    let gives = !lines.is_empty() && !targets.is_empty() && !accounts.is_empty();
    gives.then(|| Narrowing {
        lines: Some(lines),
        targets: Some(targets),
        accounts: Some(accounts),
        ..Narrowing::default()
    })
}

/// The accounts of a target that some flow allows this technician at `now`, with anything at all.
pub(crate) fn accounts_for(
    documents: &Documents,
    person: &PersonId,
    target: &Target,
    now: Timestamp,
) -> BTreeSet<AccountName> {
    let allows = |account: &&AccountName| {
        flows_for(documents, person, &target.id, account)
            .iter()
            .any(|flow| allowed(flow, now).next().is_some())
    };
    target.accounts.iter().filter(allows).cloned().collect()
}

/// A target that the matrix lists for this technician; everything else, existing or not, is [`Refusal::NotListed`].
pub(crate) fn listed_target<'d>(
    documents: &'d Documents,
    person: &PersonId,
    target: &TargetId,
    now: Timestamp,
) -> Result<(&'d Client, &'d Target), Refusal> {
    let (client, found) = documents
        .target(target)
        .filter(|(_, found)| is_listed(documents, person, found, now))
        .ok_or_else(|| Refusal::NotListed {
            target: target.to_string(),
        })?;
    // Only to those it was listed for: nobody else learns that there is such a client.
    if documents.is_closed(&client.id) {
        return Err(Refusal::DoorClosed {
            client: client.id.clone(),
        });
    }
    Ok((client, found))
}

/// Whether some flow, as it is written, gives anything there: a posture says that it bars, and hides nothing.
fn is_listed(documents: &Documents, person: &PersonId, target: &Target, now: Timestamp) -> bool {
    target.accounts.iter().any(|account| {
        let both = flows_in_both(documents, person, &target.id, account);
        let mut written = both.into_iter().map(|(written, _)| written);
        written.any(|flow| allowed(flow, now).next().is_some())
    })
}

/// The flows that allow all of `capability` by one entry.
pub(crate) fn flows_allowing<'d>(
    documents: &'d Documents,
    person: &PersonId,
    target: &TargetId,
    account: &AccountName,
    capability: &Capability,
    now: Timestamp,
) -> Vec<&'d Flow> {
    let mut flows = flows_for(documents, person, target, account);
    flows.retain(|flow| allowed(flow, now).any(|allowed| allowed.includes(capability)));
    flows
}

/// What a scope of a certain length asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// How many different operators must approve.
    pub(crate) by: u32,
    /// How long after its start the intervention ends at the latest, with that many approvals.
    pub(crate) at_most: Span,
}

/// The conditions under which the matrix allows, at `now`, every target, account and capability of `scope` for `length`.
///
/// For each of them, the flow that asks for the fewest operators among those that allow the length; over all of them,
/// the most. So one flow that is easier never makes another thing easier.
///
/// # Errors
/// [`Refusal::NotInMatrix`] or [`Refusal::Length`] for the first that no flow allows; [`Refusal::NothingAsked`] when the
/// scope is empty.
pub(crate) fn conditions(
    documents: &Documents,
    person: &PersonId,
    scope: &Scope,
    length: Span,
    now: Timestamp,
) -> Result<Conditions, Refusal> {
    let mut all: Vec<Vec<ApprovalRule>> = Vec::new();
    for target in &scope.targets {
        for account in &scope.accounts {
            for capability in &scope.capabilities {
                let flows = flows_allowing(documents, person, target, account, capability, now);
                if flows.is_empty() {
                    return Err(Refusal::NotInMatrix {
                        capability: capability.to_string(),
                        target: target.clone(),
                    });
                }
                let mut rules: Vec<ApprovalRule> =
                    flows.iter().map(|flow| flow.approval.at(now)).collect();
                let at_most = rules
                    .iter()
                    .map(|rule| rule.at_most)
                    .max()
                    .unwrap_or(Span::ZERO);
                rules.retain(|rule| length <= rule.at_most);
                if length.is_zero() || rules.is_empty() {
                    return Err(Refusal::Length {
                        asked: length,
                        at_most,
                    });
                }
                all.push(rules);
            }
        }
    }
    let by = all
        .iter()
        .filter_map(|rules| rules.iter().map(|rule| rule.by).min())
        .max()
        .ok_or(Refusal::NothingAsked)?;
    let reachable = |rules: &Vec<ApprovalRule>| {
        rules
            .iter()
            .filter(|rule| rule.by <= by)
            .map(|rule| rule.at_most)
            .max()
    };
    let at_most = all.iter().filter_map(reachable).min().unwrap_or(Span::ZERO);
    Ok(Conditions { by, at_most })
}

/// Whether the matrix allows, at `now`, that many bytes to leave in all by an intervention of this scope and length: for each
/// target, account and capability, what the flow allows that allows the most of those that allow it at all; over all of
/// them, the least. So a flow with more never lends it to another. `None` asks for what the matrix allows.
///
/// # Errors
/// [`Refusal::Bytes`] for more, and for none at all.
pub(crate) fn allowed_bytes(
    documents: &Documents,
    person: &PersonId,
    scope: &Scope,
    length: Span,
    asked: Option<ByteCount>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(asked) = asked else {
        return Ok(());
    };
    let mut at_most = ByteCount::MAX;
    for id in &scope.targets {
        let Some((client, target)) = documents.target(id) else {
            continue;
        };
        let by_flow = |flow: &&Flow| {
            of_intervention(documents, client, target, flow, now).unwrap_or(ByteCount::MAX)
        };
        for account in &scope.accounts {
            for capability in &scope.capabilities {
                let mut flows = flows_allowing(documents, person, id, account, capability, now);
                flows.retain(|flow| length <= flow.approval.at(now).at_most);
                let most = flows.iter().map(by_flow).max();
                at_most = at_most.min(most.unwrap_or(ByteCount::ZERO));
            }
        }
    }
    if asked.is_zero() || at_most < asked {
        return Err(Refusal::Bytes { asked, at_most });
    }
    Ok(())
}

/// How much may leave in one intervention by a flow on a target; `None` is without a limit.
fn of_intervention(
    documents: &Documents,
    client: &Client,
    target: &Target,
    flow: &Flow,
    now: Timestamp,
) -> Option<ByteCount> {
    let budgets = documents.budgets(client, target, flow, None, now);
    let budget = budgets.of(Level::Intervention, Way::Down)?;
    budget.bytes.bytes()
}
