//! The budgets of one channel, and under which names its bytes are counted.

use ecluse_policy::extraction::{
    self, Budget, Budgets, ByteCount, Charge, Place, Spent, Threshold, Way,
};
use ecluse_policy::{ClientId, InterventionId, PersonId, SessionId, TargetId, Timestamp};

use super::{Granted, Reached};
use crate::store::Booked;

/// What of the rest of an account a slice may be: no more than a quarter, so that others find some.
const SHARE: u64 = 4;
/// Less than this is not worth a question, in bytes: the last of an account goes at once.
const LEAST: u64 = 4 << 10;

/// What one channel's bytes are counted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The node.
    pub(crate) node: String,
    /// The client.
    pub(crate) client: ClientId,
    /// The target.
    pub(crate) target: TargetId,
    /// The technician.
    pub(crate) person: PersonId,
    /// The intervention.
    pub(crate) intervention: InterventionId,
    /// The session.
    pub(crate) session: SessionId,
    /// The channel, by its number in the session.
    pub(crate) channel: u64,
}

/// What one channel pays by: the budgets of its rule, as they are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Budgeted {
    /// The budgets.
    pub(crate) budgets: Budgets,
    /// Whose they are.
    pub(crate) counted: Counted,
}

impl Budgeted {
    /// Whether any account bounds this way.
    pub(super) fn is_bounded(&self, way: Way) -> bool {
        let mut mine = self.budgets.list.iter().filter(|budget| budget.way == way);
        mine.any(|budget| budget.bytes.bytes().is_some())
    }

    /// How fast at most, beside what a slowed account says. **Unit**: bytes a second.
    pub(super) fn rate(&self, way: Way) -> Option<u64> {
        self.budgets.rate(way).map(|rate| rate.as_u64())
    }

    /// What is charged for bytes that go this way at `now`.
    pub(crate) fn charges(&self, way: Way, now: Timestamp) -> Vec<Charge> {
        let Counted {
            node,
            client,
            target,
            person,
            intervention,
            session,
            channel,
        } = &self.counted;
        let place = Place {
            node,
            client,
            target,
            person,
            intervention: *intervention,
            session: *session,
            channel: *channel,
        };
        self.budgets.charges(&place, way, now)
    }

    /// What is charged by these and not by others, both ways.
    pub(super) fn without(&self, others: &Self, now: Timestamp) -> Vec<Charge> {
        let of = |rules: &Self| Way::ALL.map(|way| rules.charges(way, now)).concat();
        let others = of(others);
        let mut mine = of(self);
        mine.retain(|charge| !others.contains(charge));
        mine
    }

    /// The accounts of that.
    pub(super) fn accounts(&self, way: Way, now: Timestamp) -> Vec<String> {
        let charges = self.charges(way, now).into_iter();
        charges.map(|charge| charge.account.key).collect()
    }
}

/// The budget of an account with what was added to it, and what it has spent.
pub(crate) fn standing(charge: &Charge, booked: &Booked) -> (Budget, Spent) {
    let budget = charge.budget.with_more(ByteCount::new(booked.extra));
    (budget, Spent(ByteCount::new(booked.spent)))
}

/// What a channel has that would take `slice` bytes, where the accounts of `charges` stand so.
pub(super) fn grant(charges: &[Charge], booked: &[Booked], slice: u64) -> Granted {
    let levels: Vec<_> = charges
        .iter()
        .zip(booked)
        .map(|(charge, booked)| standing(charge, booked))
        .collect();
    let left = levels
        .iter()
        .map(|(budget, Spent(spent))| budget.reach(*spent).minus(*spent).as_u64())
        .min()
        .unwrap_or(u64::MAX);
    let slice = ByteCount::new(slice.min((left / SHARE).max(LEAST)));
    let granted = extraction::grant(&levels, ByteCount::MAX, slice);
    let at = |place: usize, what: Threshold| {
        let (charge, (budget, Spent(spent))) = (charges.get(place)?, levels.get(place)?);
        Some(Reached {
            account: charge.account.key.clone(),
            budget: *budget,
            what,
            spent: spent.as_u64(),
        })
    };
    let reached = levels
        .iter()
        .enumerate()
        .filter_map(|(place, (budget, Spent(spent)))| {
            // What is drawn now has not passed, and may go back.
            let marks = [
                (Threshold::Limit, budget.bytes.bytes()),
                (Threshold::Warn, budget.warn_at()),
            ];
            let (what, _) = marks
                .into_iter()
                .find(|(_, mark)| mark.is_some_and(|mark| mark <= *spent))?;
            at(place, what)
        });
    let over = granted.stopped_by.and_then(|stop| {
        let of =
            |charge: &Charge| charge.budget.level == stop.level && charge.budget.way == stop.way;
        let place = charges.iter().position(of)?;
        at(place, stop.what)
    });
    Granted {
        bytes: granted.bytes.as_u64(),
        pace: granted.pace.map(|pace| pace.as_u64()),
        reached: reached.collect(),
        over,
    }
}
