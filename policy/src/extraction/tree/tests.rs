//! What the sum promises, by example and beside a naive model (X1, X2, X3).

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::extraction::{AtLimit, Budgets, Percent, Place, Zone};
use crate::name::{ClientId, InterventionId, PersonId, SessionId, TargetId};
use crate::time::{Span, Timestamp};

fn bytes(bytes: u64) -> ByteCount {
    ByteCount::new(bytes)
}

fn budget(level: Level, limit: u64, at_limit: AtLimit) -> Budget {
    Budget {
        level,
        way: Way::Down,
        bytes: Limit::Bytes(bytes(limit)),
        warn: Percent::WARN,
        at_limit,
    }
}

const SLOW: AtLimit = AtLimit::Slow {
    rate: ByteRate::TRICKLE,
    ceiling: Percent::CEILING,
};

fn marks_of(granted: &Granted) -> Vec<(Level, Threshold)> {
    granted
        .crossed
        .iter()
        .map(|it| (it.level, it.what))
        .collect()
}

#[test]
fn the_smallest_level_decides_and_each_mark_is_told_where_it_is_reached() {
    let levels = [
        (
            budget(Level::Client, 1_000, AtLimit::End),
            Spent(bytes(695)),
        ),
        (budget(Level::Session, 100, AtLimit::End), Spent(bytes(60))),
    ];
    let granted = grant(&levels, bytes(500), bytes(64));
    assert_eq!(granted.bytes, bytes(40));
    assert_eq!(
        marks_of(&granted),
        [
            (Level::Client, Threshold::Warn),
            (Level::Session, Threshold::Warn),
            (Level::Session, Threshold::Limit)
        ]
    );
    assert_eq!((granted.pace, granted.stopped_by), (None, None));
}

#[test]
fn at_an_end_nothing_passes_and_the_level_that_stops_it_is_named() {
    let levels = [
        (
            budget(Level::Client, 1_000, AtLimit::End),
            Spent(bytes(500)),
        ),
        (budget(Level::Session, 100, AtLimit::End), Spent(bytes(100))),
    ];
    let granted = grant(&levels, bytes(1), bytes(64));
    assert_eq!((granted.bytes, granted.crossed), (ByteCount::ZERO, vec![]));
    let stop = granted.stopped_by.unwrap();
    assert_eq!(
        (stop.level, stop.what, stop.at),
        (Level::Session, Threshold::Limit, bytes(100))
    );
    // Nobody who wants nothing is stopped.
    assert_eq!(grant(&levels, ByteCount::ZERO, bytes(64)).stopped_by, None);
}

/// Zero means zero, slowed or not.
#[test]
fn a_budget_of_nothing_lets_nothing_pass() {
    for at_limit in [AtLimit::End, SLOW] {
        let granted = grant(
            &[(budget(Level::Session, 0, at_limit), Spent::default())],
            bytes(9),
            bytes(9),
        );
        assert_eq!(granted.bytes, ByteCount::ZERO);
        assert_eq!(
            granted.stopped_by.map(|stop| stop.what),
            Some(Threshold::Limit)
        );
    }
}

#[test]
fn a_slowed_budget_goes_on_at_its_pace_up_to_its_ceiling() {
    let at = |spent: u64| {
        grant(
            &[(budget(Level::Session, 1_000, SLOW), Spent(bytes(spent)))],
            bytes(500),
            bytes(500),
        )
    };
    // No slice reaches over the limit: what is behind it has another pace.
    let before = at(900);
    assert_eq!((before.bytes, before.pace), (bytes(100), None));
    assert_eq!(marks_of(&before), [(Level::Session, Threshold::Limit)]);
    let behind = at(1_000);
    assert_eq!(
        (behind.bytes, behind.pace),
        (bytes(100), Some(ByteRate::TRICKLE))
    );
    assert_eq!(marks_of(&behind), [(Level::Session, Threshold::Ceiling)]);
    let over = at(1_100);
    assert_eq!(over.bytes, ByteCount::ZERO);
    assert_eq!(
        over.stopped_by.map(|stop| (stop.what, stop.at)),
        Some((Threshold::Ceiling, bytes(1_100)))
    );
}

/// A client that lowers a budget below what is spent stops it, and never grants less than nothing.
#[test]
fn a_budget_lowered_below_what_is_spent_lets_nothing_pass() {
    let granted = grant(
        &[(budget(Level::Session, 10, AtLimit::End), Spent(bytes(500)))],
        bytes(9),
        bytes(9),
    );
    assert_eq!(granted.bytes, ByteCount::ZERO);
    assert_eq!(granted.stopped_by.map(|stop| stop.at), Some(bytes(10)));
}

#[test]
fn without_a_limit_the_slice_alone_bounds() {
    let unlimited = Budget {
        bytes: Limit::Unlimited,
        ..budget(Level::Session, 0, SLOW)
    };
    let granted = grant(
        &[(unlimited, Spent(bytes(u64::MAX / 4)))],
        bytes(500),
        bytes(64),
    );
    assert_eq!(
        (granted.bytes, granted.crossed, granted.pace),
        (bytes(64), vec![], None)
    );
}

// ── beside a naive model

/// One thing that happens at a site with several people, targets, sessions and channels.
#[derive(Debug, Clone)]
enum Event {
    /// A channel wants bytes, and sends some of what it has.
    Send {
        channel: usize,
        want: u64,
        slice: u64,
    },
    /// A channel ends and gives back what it has not sent.
    End { channel: usize },
    /// The node of a channel dies: what its channels held is lost.
    Die { node: usize },
    /// Time passes.
    Wait { minutes: u64 },
    /// The client writes other budgets.
    Change { budgets: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let channel = 0..CHANNELS;
    prop_oneof![
        12 => (channel.clone(), 0u64..400, 1u64..300).prop_map(|(channel, want, slice)| Event::Send { channel, want, slice }),
        2 => channel.prop_map(|channel| Event::End { channel }),
        1 => (0usize..2).prop_map(|node| Event::Die { node }),
        2 => (0u64..2_000).prop_map(|minutes| Event::Wait { minutes }),
        1 => (0usize..3).prop_map(|budgets| Event::Change { budgets }),
    ]
}

const CHANNELS: usize = 8;

fn some_budgets() -> impl Strategy<Value = Budgets> {
    let one = (
        prop::sample::select(Level::ALL.to_vec()),
        prop_oneof![1 => Just(Limit::Unlimited), 8 => (0u64..2_000).prop_map(|limit| Limit::Bytes(bytes(limit)))],
        prop_oneof![Just(AtLimit::End), Just(SLOW), Just(AtLimit::Hold)],
    );
    (prop::collection::vec(one, 1..7), prop::bool::ANY).prop_map(|(mut all, paris)| {
        all.sort_by_key(|(level, _, _)| *level);
        all.dedup_by_key(|(level, _, _)| *level);
        let list = all.into_iter().map(|(level, limit, at_limit)| Budget {
            level,
            way: Way::Down,
            bytes: limit,
            warn: Percent::WARN,
            at_limit,
        });
        Budgets {
            list: list.collect(),
            zone: Zone::parse(if paris {
                "Europe/Paris"
            } else {
                "Pacific/Kiritimati"
            })
            .unwrap(),
            ..Budgets::default()
        }
    })
}

/// Where each of eight channels stands: two nodes, clients, targets, people, interventions and sessions, every pair of
/// channels sharing some and not others.
fn with_place<T>(channel: usize, take: impl FnOnce(&Place<'_>) -> T) -> T {
    let pick = |bit: usize| (channel >> bit) & 1;
    let id = |number: usize| Uuid::from_u128(number as u128);
    take(&Place {
        node: ["eins", "zwei"][pick(0)],
        client: &ClientId::parse(["hopital", "mairie"][pick(2)]).unwrap(),
        target: &TargetId::parse(["db01", "web01"][pick(1)]).unwrap(),
        person: &PersonId::parse(["alice", "bruno"][pick(0)]).unwrap(),
        intervention: InterventionId::from_uuid(id(channel >> 1)),
        session: SessionId::from_uuid(id(channel >> 1 | 1)),
        channel: channel as u64,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// X2: neither parallel channels, sessions, nodes, returned slices, a new day, a dead node nor a smaller level below
    /// a larger one (or above it) buys a byte: what channels sent of an account is within every budget it had.
    #[test]
    fn what_passed_is_within_every_level(all in prop::collection::vec(some_budgets(), 3), events in prop::collection::vec(event(), 1..200)) {
        let mut now = Timestamp::parse("2026-10-24T12:00:00Z").unwrap();
        let mut budgets = &all[0];
        let mut accounts: BTreeMap<String, ByteCount> = BTreeMap::new();
        // The naive side: what was really sent under each name, and the most that any budget over it allowed.
        let mut sent: BTreeMap<String, u64> = BTreeMap::new();
        let mut most: BTreeMap<String, u64> = BTreeMap::new();
        let mut held: Vec<Option<(Vec<String>, u64)>> = vec![None; CHANNELS];
        for event in events {
            match event {
                Event::Wait { minutes } => now = now.plus(Span::from_mins(minutes)),
                Event::Change { budgets: number } => budgets = &all[number],
                Event::Die { node } => (0..CHANNELS).filter(|channel| channel & 1 == node).for_each(|channel| held[channel] = None),
                Event::End { channel } => {
                    if let Some((keys, rest)) = held[channel].take() {
                        for key in keys {
                            let spent = accounts.get_mut(&key).unwrap();
                            *spent = spent.minus(bytes(rest));
                        }
                    }
                }
                Event::Send { channel, want, slice } => {
                    let charges = with_place(channel, |place| budgets.charges(place, Way::Down, now));
                    let levels: Vec<(Budget, Spent)> = charges.iter().map(|charge| {
                        (charge.budget, Spent(accounts.get(&charge.account.key).copied().unwrap_or_default()))
                    }).collect();
                    let granted = grant(&levels, bytes(want), bytes(slice));
                    prop_assert!(granted.bytes <= bytes(want.min(slice)));
                    prop_assert_eq!(granted.stopped_by.is_some(), want > 0 && granted.bytes.is_zero());
                    for ((budget, Spent(before)), charge) in levels.iter().zip(&charges) {
                        let key = charge.account.key.clone();
                        let after = before.plus(granted.bytes);
                        prop_assert!(charge.account.until.is_none_or(|until| now < until));
                        // Both sides of a slowed limit have their own pace.
                        if let Some(limit) = budget.bytes.bytes() {
                            prop_assert!(*before >= limit || after <= limit);
                            let slows = matches!(budget.at_limit, AtLimit::Slow { .. });
                            prop_assert!(granted.pace.is_some() || !slows || *before < limit);
                        }
                        let allowed = budget.ceiling().unwrap_or(ByteCount::MAX).as_u64();
                        // An account lowered below what it holds gives nothing; it keeps what it had.
                        let most = most.entry(key.clone()).or_default();
                        *most = (*most).max(allowed);
                        accounts.insert(key, after);
                    }
                    // Half of the slice is sent, the rest is held until the next one, or its end.
                    let half = granted.bytes.as_u64() / 2;
                    let keys: Vec<String> = charges.iter().map(|charge| charge.account.key.clone()).collect();
                    for key in &keys {
                        *sent.entry(key.clone()).or_default() += half;
                    }
                    if let Some((keys, rest)) = held[channel].replace((keys, granted.bytes.as_u64() - half)) {
                        for key in keys {
                            *sent.entry(key).or_default() += rest;
                        }
                    }
                }
            }
            for (key, sent) in &sent {
                prop_assert!(*sent <= accounts.get(key).map_or(0, |spent| spent.as_u64()), "{key} sent more than it reserved");
                prop_assert!(*sent <= most[key], "{key}: {sent} of {}", most[key]);
            }
        }
    }

    /// Cutting a transfer into pieces never buys more bytes, nor fewer.
    #[test]
    fn pieces_do_not_beat_the_budget(limit in 0u64..5_000, slowed in any::<bool>(), pieces in prop::collection::vec(1u64..700, 0..60)) {
        let budget = budget(Level::Session, limit, if slowed { SLOW } else { AtLimit::End });
        let mut spent = ByteCount::ZERO;
        for piece in &pieces {
            let mut left = bytes(*piece);
            while !left.is_zero() {
                let granted = grant(&[(budget, Spent(spent))], left, bytes(64));
                if granted.bytes.is_zero() {
                    break;
                }
                spent = spent.plus(granted.bytes);
                left = left.minus(granted.bytes);
            }
        }
        let wanted: u64 = pieces.iter().sum();
        prop_assert_eq!(spent.as_u64(), wanted.min(budget.ceiling().unwrap().as_u64()));
    }
}
