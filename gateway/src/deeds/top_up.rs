//! An operator lets more pass in a session (X3): by naming how much, with a code of now, on record with it.

use clap::Args;
use ecluse_policy::extraction::{Account, ByteCount, Charge, Level, Spent, Way, granted_budgets};
use ecluse_policy::{Documents, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answers::proof;
use super::in_passage::{AtSession, InPassage};
use super::typed::{self, Size};
use super::{Ask, Undone, Wants, right};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::extraction::budgeted::{Budgeted, Counted, standing};
use crate::gateway::Gateway;
use crate::live::budget_key;
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
    /// In which session; a hold by hand does not end by it.
    pub(crate) at: AtSession,
    /// Each budget that has more.
    pub(crate) added: Vec<Added>,
    /// What the gateway's own budget of the day leaves, where that is less than was asked.
    pub(crate) gateway_leaves: Option<u64>,
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
    let found = InPassage::find(house, by, &operator, TopUp::ACT, ask.session).await?;
    let counted = &found.counted;
    let code = by.proven_code();
    let widening = operator.to_widen(&code);
    let widening = widening.map_err(|refusal| Undone::Wants(Wants::Code(refusal)))?;
    let (way, Size(bytes)) = (if ask.up { Way::Up } else { Way::Down }, ask.bytes);
    let charges = charges(house, &applied.documents, counted, way, operator.now()).await?;
    let accounts: Vec<String> = charges.iter().map(|one| one.account.key.clone()).collect();
    let record = proof(found.record(by, AuditKind::TopUp, operator.now()), by)
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
    let standing = found.standing(house).await?;
    Ok(ToppedUp {
        at: found.told(standing.hands()),
        added,
        gateway_leaves,
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
