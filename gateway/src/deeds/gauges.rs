//! Where budgets stand: what of each is spent, and what is left (X3).

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::Timestamp;
use ecluse_policy::extraction::{AtLimit, Budget, Charge, Level, Spent as Passed, Threshold, Way};
use serde::{Deserialize, Serialize};

use crate::extraction::budgeted::{Budgeted, standing};
use crate::gateway::Gateway;
use crate::live::{Exhausted, budget_key};
use crate::store::{Booked, Mark, StoreError};

/// Where one budget stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gauge {
    /// What the budget is called where documents write it.
    pub(crate) key: String,
    /// What has passed. **Unit**: bytes.
    pub(crate) spent: u64,
    /// The budget; none where it has no limit. **Unit**: bytes.
    pub(crate) limit: Option<u64>,
    /// When it begins anew, where it does.
    pub(crate) until: Option<Timestamp>,
}

impl Gauge {
    /// Of one that is spent.
    pub(crate) fn of_spent(over: &Exhausted) -> Self {
        Self {
            key: budget_key(over.level, over.way),
            spent: over.spent.as_u64(),
            limit: Some(over.limit.as_u64()),
            until: None,
        }
    }

    /// How near it is to its limit, for comparing: in millionths.
    fn nearness(&self) -> u128 {
        self.limit.map_or(0, |limit| {
            u128::from(self.spent) * 1_000_000 / u128::from(limit.max(1))
        })
    }
}

/// What accounts have spent that are asked for together.
#[derive(Debug, Default)]
pub(crate) struct Spent(BTreeMap<String, Booked>);

impl Spent {
    /// What the accounts of all these have spent: what has passed, without what channels here hold and have not sent.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn of(
        house: &Gateway,
        charges: impl IntoIterator<Item = &Charge>,
    ) -> Result<Self, StoreError> {
        let accounts = charges.into_iter().map(|charge| charge.account.key.clone());
        let mut accounts: Vec<String> = accounts.collect();
        accounts.sort_unstable();
        accounts.dedup();
        let booked = house.store.booked(&accounts).await?;
        let of = accounts.into_iter().zip(booked).map(|(account, booked)| {
            let unused = house.extraction.unused_of(&account);
            let spent = booked.spent.saturating_sub(unused);
            (account, Booked { spent, ..booked })
        });
        Ok(Self(of.collect()))
    }

    fn booked(&self, charge: &Charge) -> Booked {
        let booked = self.0.get(&charge.account.key).copied();
        booked.unwrap_or_default()
    }

    /// Where one of them stands.
    pub(crate) fn gauge(&self, charge: &Charge) -> Gauge {
        let (budget, Passed(spent)) = standing(charge, &self.booked(charge));
        let Budget {
            level, way, bytes, ..
        } = budget;
        Gauge {
            key: budget_key(level, way),
            spent: spent.as_u64(),
            limit: bytes.bytes().map(|limit| limit.as_u64()),
            until: charge.account.until,
        }
    }

    /// The one that is nearest to its limit; none where none has a limit.
    pub(crate) fn nearest<'c>(
        &self,
        charges: impl IntoIterator<Item = &'c Charge>,
    ) -> Option<Gauge> {
        let gauges = charges.into_iter().map(|charge| self.gauge(charge));
        let limited = gauges.filter(|gauge| gauge.limit.is_some());
        limited.max_by_key(Gauge::nearness)
    }
}

/// What several channels are charged for, both ways; those of single channels left out. Flows with other budgets count on one
/// account: it stands there with each of them.
pub(crate) fn charges<'b>(
    all: impl IntoIterator<Item = &'b Budgeted>,
    now: Timestamp,
) -> Vec<Charge> {
    let mut charges: Vec<Charge> = Vec::new();
    for budgeted in all {
        for way in Way::ALL {
            for charge in budgeted.charges(way, now) {
                if charge.budget.level != Level::Channel && !charges.contains(&charge) {
                    charges.push(charge);
                }
            }
        }
    }
    charges
}

/// The first of each account.
pub(crate) fn each_account(charges: &[Charge]) -> impl Iterator<Item = &Charge> {
    let is_first = |nth: usize, charge: &Charge| {
        let mut before = charges.iter().take(nth);
        !before.any(|one| one.account == charge.account)
    };
    let all = charges.iter().enumerate();
    all.filter(move |(nth, charge)| is_first(*nth, charge))
        .map(|(_, charge)| charge)
}

/// Those of these accounts of which a budget lets nothing more pass until somebody adds to it, as that is told of them: of
/// sessions that other gateways carry, nothing else is known here.
///
/// # Errors
/// The store failed.
pub(crate) async fn holding<'c>(
    house: &Gateway,
    charges: impl IntoIterator<Item = &'c Charge>,
    spent: &Spent,
) -> Result<BTreeSet<String>, StoreError> {
    let holds = charges.into_iter().filter(|one| one.budget.holds());
    let marks = holds.filter_map(|charge| {
        let (budget, _) = standing(charge, &spent.booked(charge));
        let what = match budget.at_limit {
            AtLimit::Slow { .. } => Threshold::Ceiling,
            AtLimit::Hold | AtLimit::End => Threshold::Limit,
        };
        Some((charge.account.key.clone(), Mark::of(&budget, what)?))
    });
    let marks: Vec<_> = marks.collect();
    house.store.at_marks(&marks).await
}
