//! An operator holds sessions by hand, lets them go on, or slows one (X3): on record first, then done, wherever it is carried.

use std::collections::BTreeSet;

use clap::Args;
use ecluse_policy::extraction::Hand;
use ecluse_policy::words::lenient_reason;
use ecluse_policy::{PersonId, TargetId};
use serde::{Deserialize, Serialize};

use super::in_passage::{AtSession, InPassage};
use super::live::meant;
use super::typed::{self, Rate};
use super::{Ask, Subject, Undone, no_such, right};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::gateway::Gateway;
use crate::live::hands::{self, Entry};
use crate::live::{CutWhat, nodes};

/// Holds sessions: nothing passes, either way, and everything stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hold {
    /// A session by its number, all of a technician or a target, or `all`.
    #[arg(id = "sessions")]
    pub(crate) what: String,
    /// Why; the technician reads it.
    #[arg(long, allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

impl Ask for Hold {
    const ACT: &'static str = "hold";
    const USAGE: &'static str = "hold SESSION|TECHNICIAN|TARGET|all [--reason \"…\"]";
    const AT_ONCE: bool = true;
}

/// Lets sessions go on that somebody held.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    /// A session by its number, all of a technician or a target, or `all`.
    #[arg(id = "sessions")]
    pub(crate) what: String,
}

impl Ask for Resume {
    const ACT: &'static str = "resume";
    const USAGE: &'static str = "resume SESSION|TECHNICIAN|TARGET|all";
}

/// Slows a session, or slows it no more.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slow {
    /// Which session.
    #[arg(value_parser = typed::session)]
    pub(crate) session: u64,
    /// How fast at most.
    pub(crate) rate: Rate,
}

impl Ask for Slow {
    const ACT: &'static str = "slow";
    const USAGE: &'static str = "slow SESSION RATE|off";
}

/// What was done to a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handled {
    /// Which.
    pub(crate) at: AtSession,
    /// Whether it changed anything; what changes nothing is not on record.
    pub(crate) is_new: bool,
    /// How fast it may go by hand now. **Unit**: bytes a second.
    pub(crate) rate: Option<u64>,
    /// Whether a budget holds it; known where it is carried.
    pub(crate) by_budget: Option<bool>,
}

/// An operator holds sessions of their client.
pub(crate) async fn hold(house: &Gateway, by: &Actor, ask: Hold) -> Result<Vec<Handled>, Undone> {
    // A reason that does not read holds up no hold.
    let reason = ask.reason.as_deref().and_then(lenient_reason);
    lay_on(house, by, Hold::ACT, ask.what, &Hand::Hold { reason }).await
}

/// An operator lets sessions of their client go on.
pub(crate) async fn resume(
    house: &Gateway,
    by: &Actor,
    ask: Resume,
) -> Result<Vec<Handled>, Undone> {
    lay_on(house, by, Resume::ACT, ask.what, &Hand::Resume).await
}

/// Does the same to every session in passage that is meant, here and elsewhere; none where `all` is nothing.
async fn lay_on(
    house: &Gateway,
    by: &Actor,
    act: &str,
    typed: String,
    hand: &Hand,
) -> Result<Vec<Handled>, Undone> {
    let applied = house.applied();
    let operator = right(house, by, act, by.as_operator(&applied)).await?;
    let what = meant(house, &operator, &typed);
    if let Some(CutWhat::Session(number)) = what {
        return Ok(vec![lay(house, by, act, number, hand.clone()).await?]);
    }
    let is_meant = |person: &PersonId, target: &TargetId| match &what {
        Some(CutWhat::Technician(meant)) => meant == person,
        Some(CutWhat::Target(meant)) => meant == target,
        Some(CutWhat::All) => true,
        Some(CutWhat::Session(_)) | None => false,
    };
    let mut numbers = BTreeSet::new();
    for session in house.live.list(&operator) {
        let facts = session.facts();
        if is_meant(&facts.person, &facts.target) {
            numbers.insert(facts.number);
        }
    }
    let (there, _) = nodes::elsewhere(house, &operator).await?;
    for remote in &there {
        let start = &remote.session.start;
        if is_meant(&start.person, &start.target) {
            numbers.insert(remote.session.number);
        }
    }
    let mut done = Vec::new();
    for number in numbers {
        match lay(house, by, act, number, hand.clone()).await {
            Ok(handled) => done.push(handled),
            // It ended meanwhile.
            Err(Undone::NoSuch(_)) => {}
            Err(undone) => return Err(undone),
        }
    }
    if done.is_empty() && what != Some(CutWhat::All) {
        return Err(no_such(house, by, act, Subject::ToCut(typed)).await);
    }
    Ok(done)
}

/// An operator slows a session of their client, or slows it no more.
pub(crate) async fn slow(house: &Gateway, by: &Actor, ask: Slow) -> Result<Handled, Undone> {
    let Rate(rate) = ask.rate;
    lay(house, by, Slow::ACT, ask.session, Hand::Slow { rate }).await
}

pub(super) async fn lay(
    house: &Gateway,
    by: &Actor,
    act: &str,
    number: u64,
    hand: Hand,
) -> Result<Handled, Undone> {
    let applied = house.applied();
    let operator = right(house, by, act, by.as_operator(&applied)).await?;
    let found = InPassage::find(house, by, &operator, act, number).await?;
    let before = found.standing(house).await?.hands().clone();
    let laid = operator.lays(hand, &found.counted.client, &before);
    let is_new = laid.is_some();
    let now = match laid {
        None => before,
        Some(laid) => {
            let record = found.record(by, AuditKind::Hold, operator.now());
            let record = hands::on_record(record, &laid.hand);
            let seq = house.store.ahead().lay_hand(&record).await?;
            let now = before.after(&laid);
            // On record, so it is done: at once where the session is here.
            if let Some(session) = &found.here {
                session.lay(seq, &Entry::Hand(laid));
            }
            now
        }
    };
    let here = found.here.as_ref();
    Ok(Handled {
        is_new,
        rate: now.slowed().map(|slowed| slowed.rate.as_u64()),
        by_budget: here.map(|session| session.held().borrow().by_budget()),
        at: found.told(&now),
    })
}
