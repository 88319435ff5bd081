//! Guessing is stopped (A6; MJ 4.17 n. 3). The gateway keeps the failures; this says what they mean.

use serde::{Deserialize, Serialize};

use crate::time::{Span, Timestamp};

/// So many failures block for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockoutRule {
    /// How many failures block. Zero means that not even one try is left: everything is blocked.
    pub failures: u32,
    /// For how long, and within what time the failures count together.
    pub block: Span,
}

impl LockoutRule {
    /// Three failures, thirty minutes: what MJ 4.17 asks of an account.
    pub const PERSON: Self = Self {
        failures: 3,
        block: Span::from_mins(30),
    };
    /// Higher for an address, which a provider's technicians share.
    pub const SOURCE: Self = Self {
        failures: 30,
        block: Span::from_mins(30),
    };
}

/// Until when an account or a source is blocked by its failures since the last success; `None` when it is not.
///
/// **Range**: end excluded. A block begins when `failures` of them lie within `block`, and lasts `block` from the last
/// of those. Tries during a block are not made, so they are not counted and do not lengthen it.
#[must_use]
pub fn blocked_until(
    failures: &[Timestamp],
    rule: LockoutRule,
    now: Timestamp,
) -> Option<Timestamp> {
    let LockoutRule {
        failures: count,
        block,
    } = rule;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count == 0 {
        return Some(Timestamp::MAX);
    }
    let mut failures = failures.to_vec();
    failures.sort_unstable();
    let complete = failures.windows(count).filter_map(|run| {
        let (first, last) = run.first().zip(run.last())?;
        (last.since(*first) <= block).then(|| last.plus(block))
    });
    complete.max().filter(|until| now < *until)
}

/// How many failures more, made at `now`, begin a block; zero where one is in force.
#[must_use]
pub fn tries_left(failures: &[Timestamp], rule: LockoutRule, now: Timestamp) -> u32 {
    if blocked_until(failures, rule, now).is_some() {
        return 0;
    }
    // Those that still count together with one that is made now.
    let counted = failures.iter().filter(|at| now.since(**at) <= rule.block);
    let counted = u32::try_from(counted.count()).unwrap_or(u32::MAX);
    // Where all of them made a block that is over, one more makes another.
    rule.failures.saturating_sub(counted).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros(minute * 60_000_000)
    }

    #[test]
    fn three_failures_block_for_thirty_minutes_and_two_do_not() {
        let rule = LockoutRule::PERSON;
        assert_eq!(blocked_until(&[at(0), at(1)], rule, at(2)), None);
        assert_eq!(
            blocked_until(&[at(2), at(0), at(1)], rule, at(2)),
            Some(at(32)),
            "the order does not matter"
        );
        assert_eq!(
            blocked_until(&[at(0), at(1), at(2)], rule, at(32)),
            None,
            "the end is excluded"
        );
    }

    #[test]
    fn failures_far_apart_do_not_add_up() {
        assert_eq!(
            blocked_until(&[at(0), at(20), at(40)], LockoutRule::PERSON, at(40)),
            None
        );
    }

    #[test]
    fn zero_failures_means_zero_tries() {
        let rule = LockoutRule {
            failures: 0,
            block: Span::ZERO,
        };
        assert_eq!(blocked_until(&[], rule, at(0)), Some(Timestamp::MAX));
    }

    proptest! {
        /// What is said to be left is left: so many failures more begin a block, and one fewer does not.
        #[test]
        fn what_is_left_is_what_begins_a_block(count in 1u32..6, gaps in prop::collection::vec(0i64..40, 0..30)) {
            let rule = LockoutRule { failures: count, block: Span::from_mins(30) };
            let (mut failures, mut now): (Vec<Timestamp>, i64) = (Vec::new(), 0);
            for gap in gaps {
                now += gap;
                let left = tries_left(&failures, rule, at(now)) as usize;
                let after = |more: usize| {
                    let mut failures = failures.clone();
                    failures.extend(std::iter::repeat_n(at(now), more));
                    blocked_until(&failures, rule, at(now))
                };
                prop_assert!(after(left).is_some());
                if let Some(fewer) = left.checked_sub(1) {
                    prop_assert!(after(fewer).is_none());
                    failures.push(at(now));
                }
            }
        }

        /// However the failures are spread, nobody gets more than `failures` tries into one `block`.
        #[test]
        fn a_guesser_never_has_more_tries_than_the_rule(count in 1u32..6, gaps in prop::collection::vec(0i64..40, 0..60)) {
            let rule = LockoutRule { failures: count, block: Span::from_mins(30) };
            let (mut tried, mut now): (Vec<Timestamp>, i64) = (Vec::new(), 0);
            for gap in gaps {
                now += gap;
                if blocked_until(&tried, rule, at(now)).is_none() {
                    tried.push(at(now));
                }
            }
            for window in tried.windows(count as usize + 1) {
                prop_assert!(window[window.len() - 1].since(window[0]) >= rule.block);
            }
        }
    }
}
