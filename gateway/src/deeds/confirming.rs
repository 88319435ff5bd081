//! An operator says yes or no to what waits for it in a session of their client, wherever that is carried.

use clap::Args;
use ecluse_policy::words::lenient_reason;
use ecluse_policy::{PersonId, TargetId, Timestamp};
use serde::{Deserialize, Serialize};

use super::answers::proof;
use super::in_passage::{AtSession, InPassage};
use super::typed::{self, Nth};
use super::{Ask, Subject, Undone, Wants, no_such, right};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::gateway::Gateway;
use crate::live::confirms::{Said, Waiting, said_on_record};
use crate::live::hands::{self, Entry, Standing};
use crate::live::nodes;
use crate::store::StoreError;

/// Says yes to something that waits, or shows what does.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirm {
    /// Which; all that waits is shown without one.
    #[arg(value_parser = typed::nth)]
    #[serde(default)]
    pub(crate) waiting: Option<Nth>,
}

impl Ask for Confirm {
    const ACT: &'static str = "confirm";
    const USAGE: &'static str = "confirm [SESSION.N]";
}

/// Says no to something that waits.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deny {
    /// Which.
    #[arg(value_parser = typed::nth)]
    pub(crate) waiting: Nth,
    /// Why; the technician reads it.
    #[arg(long, allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

impl Ask for Deny {
    const ACT: &'static str = "deny";
    const USAGE: &'static str = "deny SESSION.N [--reason \"…\"]";
}

/// Something that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WaitsThere {
    /// Which.
    pub(crate) nth: Nth,
    /// What.
    pub(crate) what: String,
    /// Whose session it is.
    pub(crate) person: PersonId,
    /// On which target.
    pub(crate) target: TargetId,
    /// Until when it waits.
    pub(crate) until: Timestamp,
}

/// What became of a yes or a no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Confirmed {
    /// Which.
    pub(crate) nth: Nth,
    /// What waited.
    pub(crate) what: String,
    /// In which session.
    pub(crate) at: AtSession,
    /// Whether the answer that counts is a yes.
    pub(crate) is_yes: bool,
    /// Whose it is; nobody's where it ran out.
    pub(crate) by: Option<PersonId>,
    /// Whether it is this one: another came before it else.
    pub(crate) is_new: bool,
}

/// What waits in the sessions of the operator's client, here and on other gateways.
pub(crate) async fn waiting(house: &Gateway, by: &Actor) -> Result<Vec<WaitsThere>, Undone> {
    let applied = house.applied();
    let operator = right(house, by, Confirm::ACT, by.as_operator(&applied)).await?;
    let mut all = Vec::new();
    for session in house.live.list(&operator) {
        let (facts, standing) = (session.facts(), session.hands().borrow().clone());
        let open = open(facts.number, &standing);
        all.extend(open.map(|(nth, waiting)| there(nth, &waiting, &facts.person, &facts.target)));
    }
    let (remote, _) = nodes::elsewhere(house, &operator).await?;
    for one in remote.iter().filter(|one| one.address().is_some()) {
        let start = &one.session.start;
        let standing = hands::standing(&house.store, start.id, start.at).await?;
        let open = open(one.session.number, &standing);
        all.extend(open.map(|(nth, waiting)| there(nth, &waiting, &start.person, &start.target)));
    }
    all.sort_by_key(|one| one.until);
    Ok(all)
}

/// What waits in one session.
fn open(session: u64, standing: &Standing) -> impl Iterator<Item = (Nth, Waiting)> + use<> {
    let open = standing.confirms().open();
    let nth = |waiting: &Waiting| Nth {
        session,
        number: waiting.number,
    };
    let open: Vec<_> = open
        .map(|(_, waiting)| (nth(waiting), waiting.clone()))
        .collect();
    open.into_iter()
}

/// What waits in one session, each with its words.
pub(crate) type Open = Vec<(Nth, String)>;

/// The same, as it is told of a session.
pub(super) fn waits(session: u64, standing: &Standing) -> Open {
    let open = open(session, standing);
    open.map(|(nth, waiting)| (nth, waiting.what)).collect()
}

fn there(nth: Nth, waiting: &Waiting, person: &PersonId, target: &TargetId) -> WaitsThere {
    WaitsThere {
        nth,
        what: waiting.what.clone(),
        person: person.clone(),
        target: target.clone(),
        until: waiting.at.plus(waiting.within),
    }
}

/// An operator says yes, with a code of now: it gives somebody more than they had.
pub(crate) async fn confirm(house: &Gateway, by: &Actor, nth: Nth) -> Result<Confirmed, Undone> {
    say(house, by, Confirm::ACT, nth, true, None).await
}

/// An operator says no.
pub(crate) async fn deny(house: &Gateway, by: &Actor, ask: Deny) -> Result<Confirmed, Undone> {
    let reason = ask.reason.as_deref().and_then(lenient_reason);
    say(house, by, Deny::ACT, ask.waiting, false, reason).await
}

async fn say(
    house: &Gateway,
    by: &Actor,
    act: &str,
    nth: Nth,
    is_yes: bool,
    reason: Option<String>,
) -> Result<Confirmed, Undone> {
    let applied = house.applied();
    let operator = right(house, by, act, by.as_operator(&applied)).await?;
    let found = InPassage::find(house, by, &operator, act, nth.session).await?;
    let counted = &found.counted;
    let theirs = operator.may_confirm(&counted.client, &counted.person);
    right(house, by, act, theirs).await?;
    let standing = found.standing(house).await?;
    let Some((seq, waiting, said)) = standing.confirms().numbered(nth.number) else {
        return Err(no_such(house, by, act, Subject::Waiting(nth)).await);
    };
    let done = |said: &Said, is_new| Confirmed {
        nth,
        what: waiting.what.clone(),
        at: found.told(standing.hands()),
        is_yes: said.is_yes,
        by: said.by.clone(),
        is_new,
    };
    if let Some(said) = said {
        return Ok(done(said, false));
    }
    if is_yes {
        let code = by.proven_code();
        let widening = operator.to_widen(&code);
        widening.map_err(|refusal| Undone::Wants(Wants::Code(refusal)))?;
    }
    let said = Said {
        is_yes,
        by: Some(operator.person().clone()),
        reason,
    };
    let record = found.record(by, AuditKind::ConfirmAnswered, operator.now());
    let record = said_on_record(proof(record, by), seq, waiting, &said);
    let at = house.store.ahead().lay_hand(&record).await?;
    if let Some(session) = &found.here {
        let entry = Entry::Says {
            to: seq,
            said: said.clone(),
        };
        session.lay(at, &entry);
    }
    // Of several the first in the log counts.
    let counts = counting(house, &found, seq).await?;
    let is_new = counts.as_ref() == Some(&said);
    Ok(done(counts.as_ref().unwrap_or(&said), is_new))
}

/// The answer that counts, as the log has it.
async fn counting(
    house: &Gateway,
    found: &InPassage,
    seq: u64,
) -> Result<Option<Said>, StoreError> {
    let standing = found.on_record(house).await?;
    Ok(standing.confirms().said(seq).cloned())
}
