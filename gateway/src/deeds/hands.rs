//! An operator holds a session by hand, lets it go on, or slows it (X3): on record first, then done, wherever it is carried.

use clap::Args;
use ecluse_policy::PersonId;
use ecluse_policy::extraction::{Hand, Hands};
use ecluse_policy::words::lenient_reason;
use serde::{Deserialize, Serialize};

use super::top_up::{InPassage, in_passage};
use super::typed::{self, Rate};
use super::{Ask, Subject, Undone, no_such, right};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::gateway::Gateway;
use crate::live::hands;
use crate::store::StoreError;

/// Holds a session: nothing passes, either way, and everything stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hold {
    /// Which session.
    #[arg(value_parser = typed::session)]
    pub(crate) session: u64,
    /// Why; the technician reads it.
    #[arg(long, allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

impl Ask for Hold {
    const ACT: &'static str = "hold";
    const USAGE: &'static str = "hold SESSION [--reason \"…\"]";
    const AT_ONCE: bool = true;
}

/// Lets a session go on that somebody held.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    /// Which session.
    #[arg(value_parser = typed::session)]
    pub(crate) session: u64,
}

impl Ask for Resume {
    const ACT: &'static str = "resume";
    const USAGE: &'static str = "resume SESSION";
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
    /// The session's number.
    pub(crate) session: u64,
    /// Whose it is.
    pub(crate) person: PersonId,
    /// Whether it changed anything; what changes nothing is not on record.
    pub(crate) is_new: bool,
    /// Who holds it by hand now.
    pub(crate) held_by: Option<PersonId>,
    /// How fast it may go by hand now. **Unit**: bytes a second.
    pub(crate) rate: Option<u64>,
    /// Whether a budget holds it; known where it is carried.
    pub(crate) by_budget: Option<bool>,
    /// The gateway that carries it, where it is another, and whether it was heard of lately.
    pub(crate) there: Option<(String, bool)>,
}

/// An operator holds a session of their client.
pub(crate) async fn hold(house: &Gateway, by: &Actor, ask: Hold) -> Result<Handled, Undone> {
    // A reason that does not read holds up no hold.
    let reason = ask.reason.as_deref().and_then(lenient_reason);
    lay(house, by, Hold::ACT, ask.session, Hand::Hold { reason }).await
}

/// An operator lets a session of their client go on.
pub(crate) async fn resume(house: &Gateway, by: &Actor, ask: Resume) -> Result<Handled, Undone> {
    lay(house, by, Resume::ACT, ask.session, Hand::Resume).await
}

/// An operator slows a session of their client, or slows it no more.
pub(crate) async fn slow(house: &Gateway, by: &Actor, ask: Slow) -> Result<Handled, Undone> {
    let Rate(rate) = ask.rate;
    lay(house, by, Slow::ACT, ask.session, Hand::Slow { rate }).await
}

async fn lay(
    house: &Gateway,
    by: &Actor,
    act: &str,
    number: u64,
    hand: Hand,
) -> Result<Handled, Undone> {
    let applied = house.applied();
    let operator = right(house, by, act, by.as_operator(&applied)).await?;
    let Some(found) = in_passage(house, &operator, number).await? else {
        return Err(no_such(house, by, act, Subject::Session(number)).await);
    };
    let (before, counted) = (standing(house, &found).await?, &found.counted);
    let laid = operator.lays(hand, &counted.client, &before);
    let now = match &laid {
        None => before,
        Some(laid) => {
            let record = by
                .record(AuditKind::Hold, operator.now())
                .client(&counted.client)
                .target(&counted.target)
                .intervention(counted.intervention)
                .session(counted.session)
                .permitted()
                .detail("technician", counted.person.as_str())
                .detail("number", number);
            let record = hands::on_record(record, &laid.hand);
            let seq = house.store.ahead().lay_hand(&record).await?;
            // On record, so it is done: at once where the session is here.
            if let Some(session) = &found.here {
                session.lay(seq, laid);
            }
            before.after(laid)
        }
    };
    let here = found.here.as_ref();
    Ok(Handled {
        session: number,
        is_new: laid.is_some(),
        held_by: now.held().map(|held| held.person.clone()),
        rate: now.slowed().map(|slowed| slowed.rate.as_u64()),
        by_budget: here.map(|session| session.held().borrow().by_budget()),
        person: found.counted.person,
        there: found.there,
    })
}

/// What operators did to a session and stands.
pub(super) async fn standing(house: &Gateway, found: &InPassage) -> Result<Hands, StoreError> {
    match &found.here {
        Some(session) => Ok(session.hands().borrow().hands().clone()),
        None => hands::standing(&house.store, found.counted.session, found.began).await,
    }
}
