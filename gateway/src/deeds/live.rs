//! The sessions in passage, and the red handle (I5).

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::Args;
use ecluse_policy::extraction::{Charge, granted_budgets};
use ecluse_policy::intervention::State;
use ecluse_policy::signals::By;
use ecluse_policy::words::lenient_reason;
use ecluse_policy::{
    AccountName, AsOperator, Documents, InterventionNumber, PersonId, ProviderId, Span, TargetId,
    Timestamp,
};
use serde::{Deserialize, Serialize};

use super::confirming::{Open, waits};
use super::gauges::{self, Gauge, Spent};
use super::in_passage::counted_there;
use super::questions::AskedThere;
use super::{Ask, Subject, Undone, no_such, right};
use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::extraction::budgeted::Budgeted;
use crate::gateway::Gateway;
use crate::live::hands::{self, Standing};
use crate::live::nodes::{self, Remote};
use crate::live::orders::{self, of_guest, of_session};
use crate::live::presence;
use crate::live::{CutWhat, LiveSession, Order};
use crate::store::{Reply, StoreError};

/// Lists the sessions in passage.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Live {}

impl Ask for Live {
    const ACT: &'static str = "live";
    const USAGE: &'static str = "live";
}

/// The sessions in passage of an operator's client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InPassage {
    /// By number.
    pub(crate) sessions: Vec<Passing>,
    /// Whether there are several nodes.
    pub(crate) several: bool,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passing {
    /// Its number.
    pub(crate) number: u64,
    /// The node that carries it, as people call it.
    pub(crate) node: String,
    /// Whose it is.
    pub(crate) person: PersonId,
    /// For which provider, where that is known.
    pub(crate) provider: Option<ProviderId>,
    /// On which target.
    pub(crate) target: TargetId,
    /// As whom.
    pub(crate) account: AccountName,
    /// Since when.
    pub(crate) started: Timestamp,
    /// When it ends at the latest, where that is known.
    pub(crate) closes_at: Option<Timestamp>,
    /// How long that is from now.
    pub(crate) left: Option<Span>,
    /// The intervention, where that is known.
    pub(crate) intervention: Option<InterventionNumber>,
    /// What is open on it.
    pub(crate) channels: Channels,
    /// What passed, where its node is this one.
    pub(crate) passed: Option<Passed>,
    /// The budget that is nearest to its end.
    pub(crate) nearest: Option<Gauge>,
    /// Whether a budget holds it; one of a single channel is known where its node is this one.
    pub(crate) held: bool,
    /// Who holds it by hand.
    pub(crate) held_by: Option<By>,
    /// Who accompanies it, where somebody has to.
    pub(crate) company: Option<With>,
    /// How fast it may go by hand. **Unit**: bytes a second.
    pub(crate) slowed: Option<u64>,
    /// What its technician was asked last, while somebody holds it.
    pub(crate) asked: Option<AskedThere>,
    /// What waits for a yes.
    pub(crate) waits: Open,
}

/// Who accompanies a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct With {
    /// These.
    pub(crate) by: BTreeSet<PersonId>,
    /// Since when it waits for somebody.
    pub(crate) alone_since: Option<Timestamp>,
}

/// What passed on a session. **Unit**: bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passed {
    /// From the target.
    pub(crate) down: u64,
    /// Towards it.
    pub(crate) up: u64,
}

/// What is open on a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Channels {
    /// These: by number, with the command where one was asked for.
    Open(Vec<(u32, Option<String>)>),
    /// Its node knows.
    There,
    /// Nobody does: its node was not heard of for so many seconds.
    Lost {
        /// 0 where nobody knows.
        seconds: u64,
    },
}

/// The sessions in passage of the operator's client, here and on other nodes.
pub(crate) async fn live(house: &Gateway, by: &Actor, _: Live) -> Result<InPassage, Undone> {
    let applied = house.applied();
    let operator = right(house, by, Live::ACT, by.as_operator(&applied)).await?;
    let here = house.live.list(&operator);
    let (there, several) = nodes::elsewhere(house, &operator).await?;
    let own = house.settings.address();
    let own = own.map_or_else(|| house.node.clone(), |address| address.to_string());
    let now = operator.now();
    let charges: Vec<Vec<Charge>> = here
        .iter()
        .map(|session| gauges::charges(session.budgeted().iter().map(|one| &**one), now))
        .collect();
    let mut charges_there: Vec<Vec<Charge>> = Vec::new();
    let mut hands_there: Vec<(Standing, Option<With>)> = Vec::new();
    for remote in &there {
        charges_there.push(remote_charges(&applied.documents, remote, now));
        let start = &remote.session.start;
        let standing = hands::standing(&house.store, start.id, start.at).await?;
        hands_there.push((standing, with_there(house, remote).await?));
    }
    let all: Vec<&Charge> = charges.iter().chain(&charges_there).flatten().collect();
    let spent = Spent::of(house, all).await?;
    let here = here.iter().zip(&charges).map(|(session, charges)| {
        let nearest = spent.nearest(charges);
        of_here(session, &own, nearest)
    });
    let holding = gauges::holding(house, charges_there.iter().flatten(), &spent).await?;
    let there = there.iter().zip(&charges_there).zip(&hands_there);
    let there = there.map(|((remote, charges), (hands, with))| Passing {
        // Which of several flows it uses is known there alone.
        nearest: spent.nearest(gauges::each_account(charges)),
        held: charges.iter().any(|one| holding.contains(&one.account.key)),
        ..of_there(&applied.documents, remote, hands, with.clone())
    });
    let mut sessions: Vec<Passing> = here.chain(there).collect();
    sessions.sort_by_key(|session| session.number);
    Ok(InPassage { sessions, several })
}

fn of_here(session: &Arc<LiveSession>, own: &str, nearest: Option<Gauge>) -> Passing {
    let (up, down) = session.bytes();
    let facts = session.facts();
    let standing = session.hands().borrow().clone();
    let hands = standing.hands();
    let company = session.company().borrow().clone();
    let held = session.held().borrow().clone();
    let channels = session.channels();
    let channels = channels
        .iter()
        .map(|channel| (channel.number, channel.told()));
    Passing {
        number: facts.number,
        node: own.to_owned(),
        person: facts.person.clone(),
        provider: Some(facts.provider.clone()),
        target: facts.target.clone(),
        account: facts.account.clone(),
        started: facts.started,
        closes_at: Some(session.closes_at()),
        left: Some(session.closes_at().since(session.now())),
        intervention: Some(facts.intervention_number),
        channels: Channels::Open(channels.collect()),
        passed: Some(Passed { down, up }),
        // That of a channel stands here alone, and only while it holds: what is told is what somebody can add to.
        nearest: held.of_a_channel().map(Gauge::of_spent).or(nearest),
        held: held.by_budget(),
        held_by: hands.held().map(|held| held.by.clone()),
        company: company.rule().map(|_| With {
            by: company.on_record().clone(),
            alone_since: company.alone_since(),
        }),
        slowed: hands.slowed().map(|slowed| slowed.rate.as_u64()),
        asked: asked(&standing),
        waits: waits(facts.number, &standing),
    }
}

/// Who accompanies a session of another node, as the log has it; none where nobody has to.
async fn with_there(house: &Gateway, remote: &Remote) -> Result<Option<With>, StoreError> {
    let start = &remote.session.start;
    let found = presence::of(&house.store, start.intervention, Some(start.id), start.at).await?;
    let with = With {
        by: found.with(start.id),
        alone_since: found.alone.get(&start.id).copied(),
    };
    let is_to_be = !with.by.is_empty() || with.alone_since.is_some();
    Ok(is_to_be.then_some(with))
}

/// What the technician was asked last, while somebody holds the session.
fn asked(standing: &Standing) -> Option<AskedThere> {
    standing.hands().held()?;
    let (_, asked, answer) = standing.questions().all().next_back()?;
    Some(AskedThere::of(asked, answer))
}

/// What bounds a session of another node, by each flow that it may use; those of single channels left out.
fn remote_charges(documents: &Documents, remote: &Remote, now: Timestamp) -> Vec<Charge> {
    let Some(intervention) = &remote.intervention else {
        return Vec::new();
    };
    let counted = counted_there(remote);
    let granted = granted_budgets(documents, intervention, now).into_iter();
    let of_target = granted.filter(|(target, _)| *target == counted.target);
    let all: Vec<Budgeted> = of_target
        .map(|(_, budgets)| Budgeted {
            budgets,
            counted: counted.clone(),
        })
        .collect();
    gauges::charges(&all, now)
}

/// One that another node carries: its channels are known there alone.
fn of_there(
    documents: &Documents,
    remote: &Remote,
    standing: &Standing,
    with: Option<With>,
) -> Passing {
    let hands = standing.hands();
    let start = &remote.session.start;
    let intervention = remote.intervention.as_ref();
    let closes_at = intervention.and_then(|intervention| match intervention.state() {
        State::Open { closes_at, .. } => {
            let by_posture = intervention.ends_by_posture(documents, clock::agreed());
            Some(by_posture.map_or(*closes_at, |at| at.min(*closes_at)))
        }
        State::Requested
        | State::Approved { .. }
        | State::Refused { .. }
        | State::Expired { .. }
        | State::Closed { .. }
        | State::Cancelled { .. } => None,
    });
    let channels = match remote.address() {
        Some(_) => Channels::There,
        None => Channels::Lost {
            seconds: remote.silent().map_or(0, |silent| silent.as_secs()),
        },
    };
    Passing {
        number: remote.session.number,
        node: remote.node(),
        person: start.person.clone(),
        provider: intervention.map(|intervention| intervention.request().provider.clone()),
        target: start.target.clone(),
        account: start.account.clone(),
        started: start.at,
        closes_at,
        left: closes_at.map(|closes_at| closes_at.since(clock::agreed())),
        intervention: intervention.map(ecluse_policy::Intervention::number),
        channels,
        passed: None,
        nearest: None,
        held: false,
        held_by: hands.held().map(|held| held.by.clone()),
        company: with,
        slowed: hands.slowed().map(|slowed| slowed.rate.as_u64()),
        asked: asked(standing),
        waits: waits(remote.session.number, standing),
    }
}

/// Cuts sessions.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cut {
    /// A session by its number, all of a technician or a target, or `all`.
    #[arg(id = "sessions")]
    pub(crate) what: String,
    /// Why; the technician reads it.
    #[arg(long, allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

impl Ask for Cut {
    const ACT: &'static str = "cut";
    const USAGE: &'static str = "cut SESSION|TECHNICIAN|TARGET|all [--reason \"…\"]";
    const AT_ONCE: bool = true;
}

/// What was cut, and whether that is on record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WasCut {
    /// The sessions that ended here, by number.
    pub(crate) sessions: Vec<u64>,
    /// Whose connections without a session were closed here, one for each connection.
    pub(crate) guests: Vec<PersonId>,
    /// What other nodes answered.
    pub(crate) elsewhere: Vec<Elsewhere>,
    /// The interventions of all these sessions, which still stand.
    pub(crate) interventions: BTreeSet<u64>,
    /// Whether it is on record, and other nodes were asked.
    pub(crate) on_record: bool,
    /// Why it is not.
    #[serde(skip)]
    pub(crate) trouble: Option<StoreError>,
    /// Whether other nodes may carry sessions that it could not be ordered for.
    pub(crate) may_be_elsewhere: bool,
}

/// What became of an order on one other node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Elsewhere {
    /// The node, as people call it.
    pub(crate) node: String,
    /// What it answered; none where it did not, in time.
    pub(crate) reply: Option<Reply>,
    /// Whether the log has what it answered.
    pub(crate) on_record: bool,
}

impl WasCut {
    /// Whether nothing here or elsewhere was what was named.
    pub(crate) fn is_nothing(&self) -> bool {
        let nothing = |one: &Elsewhere| match &one.reply {
            Some(Reply::Done { sessions, guests }) => {
                one.on_record && sessions.is_empty() && guests.is_empty()
            }
            Some(Reply::NotOnRecord) | None => false,
        };
        self.sessions.is_empty()
            && self.guests.is_empty()
            && self.on_record
            && self.elsewhere.iter().all(nothing)
    }
}

/// An operator cuts sessions. What is named is found without the store: nothing comes before the handle.
pub(crate) async fn cut(house: &Gateway, by: &Actor, ask: Cut) -> Result<WasCut, Undone> {
    let applied = house.applied();
    let operator = right(house, by, Cut::ACT, by.as_operator(&applied)).await?;
    // A reason that does not read holds up no cut.
    let reason = ask.reason.as_deref().and_then(lenient_reason);
    if let Some(what) = meant(house, &operator, &ask.what) {
        let cut = pull(house, by, &operator, &what, reason.as_deref()).await;
        // Whoever cuts all where nothing runs has named nothing.
        if !cut.is_nothing() || what == CutWhat::All {
            return Ok(cut);
        }
    }
    Err(no_such(house, by, Cut::ACT, Subject::ToCut(ask.what)).await)
}

/// What a word names: a session's number, everything, a target in passage here, a person of the documents, another target
/// of the client, or any person.
pub(super) fn meant(house: &Gateway, by: &AsOperator<'_>, typed: &str) -> Option<CutWhat> {
    if typed == "all" {
        return Some(CutWhat::All);
    }
    if let Ok(number) = typed.trim_start_matches('#').parse() {
        return Some(CutWhat::Session(number));
    }
    let sessions = house.live.list(by);
    let person = PersonId::parse(typed).ok();
    let documents = by.documents();
    let is_person = person
        .as_ref()
        .is_some_and(|person| documents.person(person).is_some());
    if let Ok(target) = TargetId::typed(typed) {
        let in_passage = sessions
            .iter()
            .any(|session| session.facts().target == target);
        let owner = documents.target(&target).map(|(client, _)| &client.id);
        if in_passage || owner == Some(by.client()) && !is_person {
            return Some(CutWhat::Target(target));
        }
    }
    person.map(CutWhat::Technician)
}

/// Cuts what is here, then puts it on record and orders the same of other nodes: nothing may come before the handle, not
/// even the store.
async fn pull(
    house: &Gateway,
    by: &Actor,
    operator: &AsOperator<'_>,
    what: &CutWhat,
    reason: Option<&str>,
) -> WasCut {
    let order = Order::of(operator, what.clone(), reason);
    // The idle ones first: what carries a session now carries none a moment later, and is told as that session.
    let guests = house.live.guests.cut(&order, operator.documents(), None);
    let sessions = house.live.cut(&order);
    let now = clock::now();
    let record = |kind| {
        let record = by.record(kind, now).client(operator.client()).permitted();
        match reason {
            Some(reason) => record.reason(reason),
            None => record,
        }
    };
    let of_sessions = sessions
        .iter()
        .map(|session| of_session(record(AuditKind::Cut), session));
    let of_guests = guests
        .iter()
        .map(|guest| of_guest(record(AuditKind::Cut), operator.client(), guest));
    let here: Vec<AuditRecord> = of_sessions.chain(of_guests).collect();
    let ordered = order.what.named_in(record(AuditKind::CutOrdered));
    let given = orders::give(house, &order, ordered, &here).await;
    let (elsewhere, trouble) = match given {
        Ok(answers) => (answers, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let elsewhere: Vec<Elsewhere> = elsewhere
        .into_iter()
        .map(
            |orders::Elsewhere {
                 node,
                 reply,
                 on_record,
             }| Elsewhere {
                node,
                reply,
                on_record,
            },
        )
        .collect();
    if let Some(error) = &trouble {
        tracing::error!(%error, "a cut is not on record");
    }
    let mut interventions: BTreeSet<u64> = sessions
        .iter()
        .map(|session| session.facts().intervention_number.0)
        .collect();
    interventions.extend(of_elsewhere(house, &elsewhere).await);
    WasCut {
        sessions: sessions
            .iter()
            .map(|session| session.facts().number)
            .collect(),
        guests: guests.into_iter().map(|guest| guest.person).collect(),
        elsewhere,
        interventions,
        on_record: trouble.is_none(),
        may_be_elsewhere: house.store.may_be_shared(),
        trouble,
    }
}

/// The interventions, by number, of sessions that ended elsewhere: they still stand.
async fn of_elsewhere(house: &Gateway, all: &[Elsewhere]) -> Vec<u64> {
    let mut found = Vec::new();
    for one in all.iter().filter(|one| one.on_record) {
        let Some(Reply::Done { sessions, .. }) = &one.reply else {
            continue;
        };
        for number in sessions {
            // What was cut is told already; without this the words are fewer, not wrong.
            if let Ok(Some(session)) = house.store.session(*number).await
                && let Ok(Some(intervention)) =
                    house.store.intervention(session.start.intervention).await
            {
                found.push(intervention.number().0);
            }
        }
    }
    found
}
