//! What gateways that serve say of the time, one after the other, against what was destroyed by another.
//!
//! Whoever rules a clock can make more entries by it than stand after it by the right one, so that no count tells which is false
//! ([`super::times`]). What cannot be made after the fact is that the log lived through the time between: a destruction after which
//! a gateway still serves at a time long before it was due, while no gateway served in that time before, was made by a clock that
//! somebody had set. A clock that is wrong in the other direction, after it, is told by just that; or by being set right.

use std::collections::{BTreeMap, BTreeSet};

use super::times::{Date, EARLY, Jump};

/// **Unit**: microseconds.
const DAY: i64 = 86_400_000_000;

/// What gateways say of the time, in order, by the clock as it was set since.
#[derive(Debug)]
pub(super) struct Served {
    said: Vec<Date>,
    /// The earliest of each and all that follow.
    earliest: Vec<i64>,
}

impl Served {
    /// `began` are the gateways that are known to have begun, as their jumps name them.
    pub(super) fn of(dates: &[Date], jumps: &[Jump], began: &BTreeSet<String>) -> Self {
        // Of several gateways it is not told whose word it is.
        let jumps = if is_of_one(jumps, began) { jumps } else { &[] };
        let mut after: BTreeMap<u64, i64> = BTreeMap::new();
        let mut net = 0_i64;
        for jump in jumps.iter().rev() {
            // By the clock that it was set to, the jump itself is dated.
            after.insert(jump.seq, net);
            net = net.saturating_add(jump.micros);
        }
        let set_since = |seq: u64| {
            let next = after.range(..=seq).next_back();
            next.map_or(net, |(_, net)| *net)
        };
        let said: Vec<Date> = dates
            .iter()
            .filter(|date| date.is_served)
            .map(|date| Date {
                at: date.at.saturating_add(set_since(date.seq)),
                ..*date
            })
            .collect();
        let mut least = i64::MAX;
        let mut earliest: Vec<i64> = said
            .iter()
            .rev()
            .map(|date| {
                least = least.min(date.at);
                least
            })
            .collect();
        earliest.reverse();
        Self { said, earliest }
    }

    /// What was said after a place, and contradicts that something there was due by then.
    pub(super) fn contradicts(&self, seq: u64, due: i64) -> Option<Date> {
        let limit = due.saturating_sub(3 * EARLY);
        let is_before = |date: &Date| date.seq < seq || date.seq == seq && !date.is_checkpoint;
        let next = self.said.partition_point(is_before);
        if self.earliest.get(next).is_none_or(|least| *least >= limit) {
            return None;
        }
        let (before, after) = self.said.split_at_checked(next)?;
        // Before the first word of the log no gateway served: a date there is of a clock that was wrong, and contradicts nothing.
        let begun = before.iter().map(|date| date.at).min();
        let since = begun.map_or(i64::MIN, |begun| begun.saturating_sub(EARLY));
        let mut early = after
            .iter()
            .filter(|date| date.at < limit && date.at >= since);
        early
            .find(|date| !lived_through(before, date.at, due))
            .copied()
    }
}

/// Whether all jumps are those of one gateway. Those of an earlier version do not say whose they are: where one gateway alone ever
/// began, they are its.
fn is_of_one(jumps: &[Jump], began: &BTreeSet<String>) -> bool {
    let named = jumps.iter().filter_map(|jump| jump.node.as_ref());
    let mut nodes: BTreeSet<&String> = named.collect();
    if jumps.iter().any(|jump| jump.node.is_none()) {
        nodes.extend(began);
    }
    nodes.len() <= 1
}

/// Whether gateways served on each day between two times.
fn lived_through(said: &[Date], from: i64, to: i64) -> bool {
    let (from, to) = (from.saturating_add(EARLY), to.saturating_sub(EARLY));
    let between = said.iter().filter(|date| date.at > from && date.at < to);
    let days: BTreeSet<i64> = between.map(|date| (date.at - from) / DAY).collect();
    let all = to.saturating_sub(from).saturating_add(DAY - 1) / DAY;
    i64::try_from(days.len()).is_ok_and(|days| days >= all)
}
