//! What a channel may have of every level at once: the sum, and nothing but the sum.
//!
//! Invariant: whoever adds [`Granted::bytes`] to the account of each level that was given, and adds it to all of them or to
//! none, never takes an account past its [`Budget::ceiling`], whatever else is added beside it in the same way.

use super::budget::{Budget, Level, Limit, Way};
use super::bytes::{ByteCount, ByteRate};

/// What an account has spent: what has passed, and what channels hold of it and have not sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spent(pub ByteCount);

/// A mark of a budget that people are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Threshold {
    /// The share at which they are warned.
    Warn,
    /// The budget itself.
    Limit,
    /// The end of a slowed one.
    Ceiling,
}

impl Threshold {
    /// Every mark, in the order in which they are reached.
    pub const ALL: [Self; 3] = [Self::Warn, Self::Limit, Self::Ceiling];

    /// One word, for records and finding a translation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Limit => "limit",
            Self::Ceiling => "ceiling",
        }
    }
}

/// A mark that an account reaches, or stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Crossing {
    /// Whose account.
    pub level: Level,
    /// Which way.
    pub way: Way,
    /// Which mark.
    pub what: Threshold,
    /// Where it stands.
    pub at: ByteCount,
}

/// What a channel has, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Granted {
    /// How much; to be added to every account that was asked, or to none.
    pub bytes: ByteCount,
    /// The marks that these bytes reach, the widest level first.
    pub crossed: Vec<Crossing>,
    /// The pace of these bytes, where a limit is behind.
    pub pace: Option<ByteRate>,
    /// What lets nothing more pass, where something was wanted and nothing is left of it.
    pub stopped_by: Option<Crossing>,
}

/// How much of `want` a channel may have now, `slice` at most, out of levels that have spent so much.
///
/// Before a limit no more than what is left to it; behind it, where the budget slows, no more than what is left to its
/// ceiling, at its pace. A channel that wants more asks again.
pub fn grant(levels: &[(Budget, Spent)], want: ByteCount, slice: ByteCount) -> Granted {
    let mut bytes = want.min(slice);
    for (budget, Spent(spent)) in levels {
        bytes = bytes.min(budget.reach(*spent).minus(*spent));
    }
    let crossed = levels
        .iter()
        .flat_map(|(budget, Spent(spent))| crossed(budget, *spent, spent.plus(bytes)))
        .collect();
    let pace = levels
        .iter()
        .filter_map(|(budget, Spent(spent))| budget.pace(*spent))
        .min();
    let used_up = |(budget, Spent(spent)): &(Budget, Spent)| stop(budget, *spent);
    let stopped_by = (bytes.is_zero() && !want.is_zero())
        .then(|| levels.iter().find_map(used_up))
        .flatten();
    Granted {
        bytes,
        crossed,
        pace,
        stopped_by,
    }
}

/// The marks of a budget, in the order in which they are reached.
fn marks(budget: &Budget) -> impl Iterator<Item = (Threshold, ByteCount)> {
    let limit = budget.bytes.bytes();
    let ceiling = budget.ceiling().filter(|ceiling| Some(*ceiling) != limit);
    [
        (Threshold::Warn, budget.warn_at()),
        (Threshold::Limit, limit),
        (Threshold::Ceiling, ceiling),
    ]
    .into_iter()
    .filter_map(|(what, at)| Some((what, at?)))
}

fn crossed(budget: &Budget, before: ByteCount, after: ByteCount) -> Vec<Crossing> {
    let (level, way) = (budget.level, budget.way);
    marks(budget)
        .filter(|(_, at)| before < *at && *at <= after)
        .map(|(what, at)| Crossing {
            level,
            way,
            what,
            at,
        })
        .collect()
}

/// The mark at which a budget is used up, where it is.
fn stop(budget: &Budget, spent: ByteCount) -> Option<Crossing> {
    let (Limit::Bytes(_), Some(end)) = (budget.bytes, budget.ceiling()) else {
        return None;
    };
    let (what, at) = marks(budget).last().filter(|_| end <= spent)?;
    Some(Crossing {
        level: budget.level,
        way: budget.way,
        what,
        at,
    })
}

#[cfg(test)]
mod tests;
