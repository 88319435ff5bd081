//! Asking for an intervention: requested ⊆ matrix.

use std::collections::BTreeSet;

use super::hours::{Period, some_time};
use super::{ANSWER_WITHIN, Intervention, PLANNED_WITHIN, Request, Standing, State};
use crate::capability::Capability;
use crate::clearance::let_in;
use crate::documents::{Client, Documents, Target};
use crate::extraction::ByteCount;
use crate::flow::Scope;
use crate::mandate::AsTechnician;
use crate::matrix::{accounts_for, allowed, allowed_bytes, conditions, flows_for, listed_target};
use crate::name::{AccountName, InterventionId, InterventionNumber, PersonId, TargetId};
use crate::posture::judged;
use crate::time::{Span, Timestamp};
use crate::verdict::Refusal;
use crate::words;

/// The time within which requests of one person are counted.
pub const LATELY: Span = Span::from_hours(1);

/// What a technician asks for, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Where; all of one client.
    pub targets: BTreeSet<TargetId>,
    /// As whom; `None` when only one account is possible.
    pub account: Option<AccountName>,
    /// What for; `None` is everything that the matrix allows on all these targets.
    pub capabilities: Option<Vec<Capability>>,
    /// Why.
    pub reason: String,
    /// From when; `None` is as soon as it is approved.
    pub start: Option<Timestamp>,
    /// For how long.
    pub length: Span,
    /// How much is to leave in all; `None` is what the matrix allows.
    pub bytes: Option<ByteCount>,
}

/// How many requests wait already, how many may, and for how long. A limit of zero lets nobody ask, and a time of zero
/// lets nobody answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Of this person.
    pub of_person: u64,
    /// Of everybody.
    pub in_all: u64,
    /// At most of one person.
    pub most_of_person: u64,
    /// At most in all.
    pub most_in_all: u64,
    /// How many this person has made within [`LATELY`], whatever became of them.
    pub of_person_lately: u64,
    /// At most so many of one person within [`LATELY`].
    pub most_lately: u64,
    /// When the first of the last `most_lately` was made.
    pub first_lately: Option<Timestamp>,
    /// How long a request for now waits for its answer; a day at most ([`ANSWER_WITHIN`]).
    pub answer_within: Span,
}

impl Waiting {
    /// Counts against limits that suit a small site: 5 of a person, 200 in all, 60 an hour, a day to answer.
    #[must_use]
    pub const fn counted(of_person: u64, in_all: u64) -> Self {
        Self {
            of_person,
            in_all,
            most_of_person: 5,
            most_in_all: 200,
            of_person_lately: 0,
            most_lately: 60,
            first_lately: None,
            answer_within: ANSWER_WITHIN,
        }
    }
}

/// Makes a request out of what a technician asks for.
///
/// # Errors
/// The refusal to show. A target that does not exist and one that is not for this person get the same one.
pub fn request(
    by: &AsTechnician<'_>,
    ask: Ask,
    waiting: Waiting,
    id: InterventionId,
    number: InterventionNumber,
) -> Result<Intervention, Refusal> {
    let (presence, documents, now) = (by.presence(), by.documents(), by.now());
    let Ask {
        targets,
        account,
        capabilities,
        reason,
        start,
        length,
        bytes,
    } = ask;
    let person = presence.person();
    let (client, found) = targets_of_one_client(documents, person, &targets, now)?;
    for target in &targets {
        let_in(documents, client, presence, target)?;
    }
    let reason = words::reason(&reason)?;
    check_start(start, now)?;
    let (scope, conditions) = judged(documents, &client.id, |documents| {
        let account = choose_account(documents, person, &found, account.clone(), now)?;
        let capabilities = match capabilities.clone() {
            Some(named) => each_once(named),
            None => common_capabilities(documents, person, &targets, &account, length, now),
        };
        let scope = Scope {
            targets: targets.clone(),
            accounts: BTreeSet::from([account]),
            capabilities,
        };
        if scope.is_empty() {
            return Err(Refusal::NothingAsked);
        }
        // Every target with every capability, for this length: requested ⊆ matrix.
        let conditions = conditions(documents, person, &scope, length, now)?;
        allowed_bytes(documents, person, &scope, length, bytes, now)?;
        Ok((scope, conditions))
    })?;
    let Waiting {
        of_person,
        in_all,
        most_of_person,
        most_in_all,
        of_person_lately,
        most_lately,
        first_lately,
        answer_within,
    } = waiting;
    if of_person_lately >= most_lately {
        // Whoever asks and takes back in a loop fills what others must read.
        let again_at = first_lately.unwrap_or(now).plus(LATELY);
        return Err(Refusal::TooOften {
            made: of_person_lately,
            again_at,
        });
    }
    if of_person >= most_of_person {
        return Err(Refusal::TooManyWaiting { waiting: of_person });
    }
    if in_all >= most_in_all {
        return Err(Refusal::TooManyWaiting { waiting: in_all });
    }
    let answer_due = match start {
        None => now.plus(answer_within.min(ANSWER_WITHIN)),
        // A planned one can be answered until nothing would be left of it.
        Some(start) => start.plus(length),
    };
    // Until the latest end that a yes could give it.
    let last_start = start.unwrap_or(answer_due);
    let usable = Period {
        from: start.unwrap_or(now),
        until: last_start.plus(conditions.at_most),
        length,
    };
    some_time(documents, person, &scope, usable, conditions.by, now)?;
    let request = Request {
        id,
        number,
        person: person.clone(),
        provider: presence.provider().clone(),
        station: presence.station().clone(),
        client: client.id.clone(),
        scope,
        reason,
        requested_at: now,
        start,
        length,
        answer_due,
        bytes,
    };
    Ok(Intervention {
        request,
        state: State::Requested,
        seen: None,
        approvals: Vec::new(),
        revision: 0,
        standing: Standing::OnRecord,
    })
}

fn targets_of_one_client<'d>(
    documents: &'d Documents,
    person: &PersonId,
    targets: &BTreeSet<TargetId>,
    now: Timestamp,
) -> Result<(&'d Client, Vec<&'d Target>), Refusal> {
    let found = targets
        .iter()
        .map(|id| listed_target(documents, person, id, now))
        .collect::<Result<Vec<_>, _>>()?;
    let (client, _) = found.first().copied().ok_or(Refusal::NoTarget)?;
    if found.iter().any(|(other, _)| other.id != client.id) {
        return Err(Refusal::SeveralClients);
    }
    Ok((
        client,
        found.into_iter().map(|(_, target)| target).collect(),
    ))
}

fn check_start(start: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
    let latest = now.plus(PLANNED_WITHIN);
    match start {
        Some(start) if start < now || latest < start => Err(Refusal::Start { start, latest }),
        Some(_) | None => Ok(()),
    }
}

/// The account that was named, or the only one that the matrix allows on all the targets. One that does not exist and
/// one that is not for this person get the same words.
fn choose_account(
    documents: &Documents,
    person: &PersonId,
    targets: &[&Target],
    named: Option<AccountName>,
    now: Timestamp,
) -> Result<AccountName, Refusal> {
    let possible: Vec<(&Target, BTreeSet<AccountName>)> = targets
        .iter()
        .map(|target| (*target, accounts_for(documents, person, target, now)))
        .collect();
    if let Some(named) = named {
        return match possible
            .iter()
            .find(|(_, accounts)| !accounts.contains(&named))
        {
            None => Ok(named),
            Some((target, _)) => Err(Refusal::NotInMatrix {
                capability: named.to_string(),
                target: target.id.clone(),
            }),
        };
    }
    let mut accounts = possible.into_iter().map(|(_, accounts)| accounts);
    let first = accounts.next().unwrap_or_default();
    let common: BTreeSet<AccountName> = accounts.fold(first, |common, more| &common & &more);
    if common.len() > 1 {
        return Err(Refusal::NameAccount { accounts: common });
    }
    common.into_iter().next().ok_or(Refusal::NoCommonAccount)
}

/// Everything that the matrix allows on every one of these targets as this account, for this length.
fn common_capabilities(
    documents: &Documents,
    person: &PersonId,
    targets: &BTreeSet<TargetId>,
    account: &AccountName,
    length: Span,
    now: Timestamp,
) -> Vec<Capability> {
    let on_target = |target: &TargetId, length: Span| -> Vec<Capability> {
        let mut flows = flows_for(documents, person, target, account);
        flows.retain(|flow| length <= flow.approval.at(now).at_most);
        each_once(
            flows
                .iter()
                .flat_map(|flow| allowed(flow, now).cloned())
                .collect(),
        )
    };
    let common = |length: Span| {
        let mut targets = targets.iter().map(|target| on_target(target, length));
        let first = targets.next().unwrap_or_default();
        targets.fold(first, |common, more| {
            each_once(
                common
                    .iter()
                    .flat_map(|one| more.iter().filter_map(|two| one.common(two)))
                    .collect(),
            )
        })
    };
    let for_this_length = common(length);
    // Where nothing lasts that long, the matrix then says how long it does.
    if for_this_length.is_empty() {
        common(Span::ZERO)
    } else {
        for_this_length
    }
}

/// Without those that another one includes.
fn each_once(capabilities: Vec<Capability>) -> Vec<Capability> {
    let mut kept: Vec<Capability> = Vec::new();
    for capability in capabilities {
        if kept.iter().any(|wide| wide.includes(&capability)) {
            continue;
        }
        kept.retain(|narrow| !capability.includes(narrow));
        kept.push(capability);
    }
    kept
}
