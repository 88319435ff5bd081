//! An operator lets more pass in a session (X3): by naming how much, with a code of now, on record with it.

use std::sync::Arc;

use clap::Args;
use ecluse_policy::extraction::{Account, ByteCount, Charge, Level, Spent, Way, granted_budgets};
use ecluse_policy::{AsOperator, Documents, PersonId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answers::proof;
use super::hands;
use super::typed::{self, Size};
use super::{Ask, Subject, Undone, Wants, no_such, right};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::extraction::budgeted::{Budgeted, Counted, standing};
use crate::gateway::Gateway;
use crate::live::nodes::Remote;
use crate::live::{LiveSession, budget_key, nodes};
use crate::store::{Booked, StoreError};

/// Adds to the budgets of a session in passage.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopUp {
    /// Which session.
    #[arg(value_parser = typed::session)]
    pub(crate) session: u64,
    /// How much may pass from here on.
    pub(crate) bytes: Size,
    /// Towards the target, and not from it.
    #[arg(long)]
    #[serde(default)]
    pub(crate) up: bool,
}

impl Ask for TopUp {
    const ACT: &'static str = "topup";
    const USAGE: &'static str = "topup SESSION SIZE [--up]";
}

/// What was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToppedUp {
    /// The session's number.
    pub(crate) session: u64,
    /// Whose it is.
    pub(crate) person: PersonId,
    /// Each budget that has more.
    pub(crate) added: Vec<Added>,
    /// What the gateway's own budget of the day leaves, where that is less than was asked.
    pub(crate) gateway_leaves: Option<u64>,
    /// Who holds the session by hand: that does not end by it.
    pub(crate) held_by: Option<PersonId>,
}

/// What one budget has more. **Unit**: bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Added {
    /// What the budget is called where documents write it.
    pub(crate) budget: String,
    /// Its account.
    pub(crate) account: String,
    /// How much more.
    pub(crate) more: u64,
    /// With it.
    pub(crate) limit: u64,
}

/// An operator adds to whatever bounds a session of their client, on whichever node it is, so that so much may pass.
pub(crate) async fn top_up(house: &Gateway, by: &Actor, ask: TopUp) -> Result<ToppedUp, Undone> {
    let applied = house.applied();
    let operator = right(house, by, TopUp::ACT, by.as_operator(&applied)).await?;
    let Some(found) = in_passage(house, &operator, ask.session).await? else {
        return Err(no_such(house, by, TopUp::ACT, Subject::Session(ask.session)).await);
    };
    let counted = &found.counted;
    let code = by.proven_code();
    let widening = operator.to_widen(&code);
    let widening = widening.map_err(|refusal| Undone::Wants(Wants::Code(refusal)))?;
    let (way, Size(bytes)) = (if ask.up { Way::Up } else { Way::Down }, ask.bytes);
    let charges = charges(house, &applied.documents, counted, way, operator.now()).await?;
    let accounts: Vec<String> = charges.iter().map(|one| one.account.key.clone()).collect();
    let record = proof(by.record(AuditKind::TopUp, operator.now()), by)
        .client(&counted.client)
        .target(&counted.target)
        .intervention(counted.intervention)
        .session(counted.session)
        .permitted()
        .detail("technician", counted.person.as_str())
        .detail("number", ask.session)
        .detail("way", way.name())
        .detail("bytes", bytes.as_u64());
    let (added, gateway_leaves) = house
        .store
        .top_up(&accounts, |booked| {
            let levels: Vec<_> = charges
                .iter()
                .zip(booked)
                .map(|(charge, booked)| standing(charge, booked))
                .collect();
            let more: Vec<u64> = widening
                .top_up(&levels, bytes)
                .into_iter()
                .map(ByteCount::as_u64)
                .collect();
            let added = added(&charges, booked, &more);
            let leaves = levels
                .iter()
                .filter(|(budget, _)| budget.level == Level::Node)
                .filter_map(|(budget, Spent(spent))| Some(budget.bytes.bytes()?.minus(*spent)))
                .find(|left| *left < bytes);
            let record = record.detail("added", json!(added));
            (more, record, (added, leaves.map(ByteCount::as_u64)))
        })
        .await?;
    house.extraction.ask_again();
    let held = hands::standing(house, &found).await?.held().cloned();
    Ok(ToppedUp {
        session: ask.session,
        person: found.counted.person,
        added,
        gateway_leaves,
        held_by: held.map(|held| held.person),
    })
}

fn added(charges: &[Charge], booked: &[Booked], more: &[u64]) -> Vec<Added> {
    let all = charges.iter().zip(booked).zip(more);
    all.filter(|(_, more)| **more > 0)
        .filter_map(|((charge, booked), more)| {
            let (budget, _) = standing(charge, booked);
            Some(Added {
                budget: budget_key(budget.level, budget.way),
                account: charge.account.key.clone(),
                more: *more,
                limit: budget.bytes.bytes()?.as_u64().saturating_add(*more),
            })
        })
        .collect()
}

/// A session of the operator's client that is in passage.
pub(super) struct InPassage {
    /// Whose bytes it is counted for.
    pub(super) counted: Counted,
    /// When it began.
    pub(super) began: Timestamp,
    /// The session itself, where this gateway carries it.
    pub(super) here: Option<Arc<LiveSession>>,
    /// The gateway that does, where it is another, and whether it was heard of lately.
    pub(super) there: Option<(String, bool)>,
}

/// The session of this number, here or elsewhere; none where it is not in passage.
pub(super) async fn in_passage(
    house: &Gateway,
    operator: &AsOperator<'_>,
    number: u64,
) -> Result<Option<InPassage>, StoreError> {
    if let Some(session) = house.live.find(operator, number) {
        let facts = session.facts();
        let counted = Counted {
            node: house.node.clone(),
            client: facts.client.clone(),
            target: facts.target.clone(),
            person: facts.person.clone(),
            intervention: facts.intervention,
            session: facts.id,
            channel: 0,
        };
        return Ok(Some(InPassage {
            counted,
            began: facts.started,
            here: Some(session),
            there: None,
        }));
    }
    let (there, _) = nodes::elsewhere(house, operator).await?;
    let found = there.iter().find(|one| one.session.number == number);
    Ok(found.map(|remote| InPassage {
        counted: counted_there(remote),
        began: remote.session.start.at,
        here: None,
        there: Some((remote.node(), remote.address().is_some())),
    }))
}

/// Whose bytes a session of another gateway is counted for.
pub(super) fn counted_there(remote: &Remote) -> Counted {
    let start = &remote.session.start;
    Counted {
        node: start.node.clone(),
        client: start.client.clone(),
        target: start.target.clone(),
        person: start.person.clone(),
        intervention: start.intervention,
        session: start.id,
        channel: 0,
    }
}

/// What bounds a session one way, each account once: by the budgets of whatever its intervention grants on its target.
async fn charges(
    house: &Gateway,
    documents: &Documents,
    counted: &Counted,
    way: Way,
    now: Timestamp,
) -> Result<Vec<Charge>, StoreError> {
    let Some(intervention) = house.store.intervention(counted.intervention).await? else {
        return Ok(Vec::new());
    };
    // Those channels that have sent something.
    let beginning = format!("{way}/{}/{}/", Level::Channel, counted.session);
    let channels = house.store.accounts_beginning(&beginning).await?;
    let mut charges: Vec<Charge> = Vec::new();
    for (target, budgets) in granted_budgets(documents, &intervention, now) {
        if target != counted.target {
            continue;
        }
        let counted = counted.clone();
        let of_flow = Budgeted { budgets, counted }.charges(way, now).into_iter();
        let all = of_flow.flat_map(|charge| {
            if charge.budget.level != Level::Channel {
                return vec![charge];
            }
            let of_channel = |key: &String| Charge {
                budget: charge.budget,
                account: Account {
                    key: key.clone(),
                    until: None,
                },
            };
            channels.iter().map(of_channel).collect()
        });
        for charge in all {
            if !charges.iter().any(|one| one.account == charge.account) {
                charges.push(charge);
            }
        }
    }
    Ok(charges)
}
