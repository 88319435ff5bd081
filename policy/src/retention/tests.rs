//! The floors hold for every regime, and a hold above all (R7, O9).

use super::*;
use proptest::prelude::*;

fn rules() -> impl Strategy<Value = RetentionRules> {
    let days = |most: u64| (0..most).prop_map(|days| Span::from_hours(days * 24));
    (
        prop::sample::select(Regime::ALL.to_vec()),
        proptest::option::of(instant()),
        days(4000),
        proptest::option::of(days(8000)),
        proptest::option::weighted(0.2, Just("enquête".to_owned())),
    )
        .prop_map(
            |(regime, service_ended, keep, longest, legal_hold)| RetentionRules {
                regime,
                service_ended,
                keep,
                longest,
                legal_hold,
                line: 0,
            },
        )
}

/// From 1970 to 2100.
fn instant() -> impl Strategy<Value = Timestamp> {
    (0u64..4_102_444_800).prop_map(Timestamp::from_secs)
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// MJ 4.17: "sur une durée d'un an après la fin de la prestation", and a year may have a day more.
#[test]
fn a_year_after_the_end_of_the_service_and_not_a_microsecond_before() {
    for (last_day, a_year_later) in [
        ("2026-12-31", "2028-01-01T00:00:00Z"),
        // With the 29th of February of 2028 in it.
        ("2027-12-31", "2029-01-01T00:00:00Z"),
    ] {
        let rules = RetentionRules {
            service_ended: Some(Timestamp::parse_last_day(last_day).unwrap()),
            ..RetentionRules::default()
        };
        let recorded = at("2026-03-01T10:00:00Z");
        let before = at(a_year_later).minus(Span::from_micros(1));
        assert!(!due(&rules, recorded, before).is_due());
        let Due::KeepUntil(until) = due(&rules, recorded, before) else {
            panic!("{last_day}");
        };
        assert!(until >= at(a_year_later));
        assert_eq!(due(&rules, recorded, until), Due::Since(until));
    }
}

/// The longest time counts from where the time counts: from the end of the service, or of the session.
#[test]
fn the_longest_time_counts_as_the_time_does() {
    let recorded = at("2026-03-01T10:00:00Z");
    let ended = at("2027-01-01T00:00:00Z");
    let longest = Span::from_hours(400 * 24);
    for (regime, from) in [
        (Regime::Mj, ended),
        (Regime::Ext, recorded),
        (Regime::Own, recorded),
    ] {
        let rules = RetentionRules {
            regime,
            service_ended: Some(ended),
            longest: Some(longest),
            ..RetentionRules::default()
        };
        let last = from.plus(longest);
        let before = due(&rules, recorded, last.minus(Span::from_micros(1)));
        assert_eq!(before, Due::Since(from.plus(rules.held())), "{regime}");
        assert_eq!(due(&rules, recorded, last), Due::Overdue(last), "{regime}");
    }
    // Under mj, what is older than any of it stays while the service goes on.
    let going_on = RetentionRules {
        longest: Some(longest),
        ..RetentionRules::default()
    };
    let late = due(&going_on, recorded, Timestamp::MAX);
    assert_eq!(late, Due::KeepUntilServiceEnds);
}

proptest! {
    /// R7: whatever is written, nothing goes before what the regime's text asks: a year after the service, two months after
    /// the session, a day.
    #[test]
    fn the_floor_holds_for_every_regime(rules in rules(), recorded in instant(), now in instant()) {
        if due(&rules, recorded, now).is_due() {
            let day = |days: u64| Span::from_hours(days * 24);
            match rules.regime {
                Regime::Mj => {
                    let ended = rules.service_ended.unwrap();
                    prop_assert!(now >= ended.plus(day(366)) && now >= recorded.plus(day(366)));
                    prop_assert!(now >= ended.plus(rules.keep));
                }
                Regime::Ext => prop_assert!(now >= recorded.plus(day(62))),
                Regime::Own => prop_assert!(now >= recorded.plus(day(1))),
            }
            prop_assert!(now >= recorded.plus(rules.keep));
        }
    }

    /// O9: a hold stands above time and above the longest time, and under mj a service that goes on keeps everything.
    #[test]
    fn a_hold_always_wins(rules in rules(), recorded in instant(), now in instant()) {
        let held = RetentionRules { legal_hold: Some("procès".to_owned()), ..rules.clone() };
        prop_assert_eq!(due(&held, recorded, now), Due::LegalHold("procès".to_owned()));
        let going_on = RetentionRules { regime: Regime::Mj, service_ended: None, legal_hold: None, ..rules };
        prop_assert_eq!(due(&going_on, recorded, Timestamp::MAX), Due::KeepUntilServiceEnds);
    }

    /// What is due stays due, and the instant it becomes due does not move but to the longest time.
    #[test]
    fn time_only_moves_towards_due(rules in rules(), recorded in instant(), now in instant(), later in 0u64..10_000_000_000) {
        let before = due(&rules, recorded, now);
        let after = due(&rules, recorded, now.plus(Span::from_secs(later)));
        match before {
            Due::Since(at) => prop_assert!(after == Due::Since(at) || matches!(after, Due::Overdue(last) if last >= at)),
            Due::Overdue(at) => prop_assert_eq!(after, Due::Overdue(at)),
            Due::KeepUntil(at) => prop_assert!(after == Due::KeepUntil(at) || after.since().is_some_and(|since| since >= at)),
            Due::LegalHold(_) | Due::KeepUntilServiceEnds => prop_assert_eq!(before, after),
        }
    }

    /// The bound is where due begins.
    #[test]
    fn everything_before_the_bound_is_due_and_nothing_after(rules in rules(), recorded in instant(), now in instant()) {
        let bound = due_before(&rules, now);
        prop_assert_eq!(due(&rules, recorded, now).is_due(), bound.is_some_and(|bound| recorded < bound));
    }

    /// Keeping longer, or ending later, never makes anything due sooner.
    #[test]
    fn more_never_removes_sooner(rules in rules(), recorded in instant(), now in instant(), more in 0u64..4000) {
        let span = Span::from_hours(more * 24);
        let longer = RetentionRules {
            keep: Span::from_micros(rules.keep.as_micros() + span.as_micros()),
            service_ended: rules.service_ended.map(|at| at.plus(span)),
            ..rules.clone()
        };
        prop_assert!(due(&rules, recorded, now).is_due() || !due(&longer, recorded, now).is_due());
    }

    /// A document from before regimes never keeps shorter than it did: what it said after the end of the service, and two
    /// months at least.
    #[test]
    fn without_a_regime_nothing_goes_sooner_than_before_there_were_any(
        ended in instant(), keep in 0u64..4000, recorded in instant(), now in instant(),
    ) {
        let keep = Span::from_hours(keep * 24);
        let rules = RetentionRules { service_ended: Some(ended), keep, ..RetentionRules::default() };
        if due(&rules, recorded, now).is_due() {
            let before = ended.max(recorded).plus(keep.max(Span::from_hours(62 * 24)));
            prop_assert!(now >= before);
        }
    }

    /// What concerns no client stays as long as anything of any client from that time, and a year.
    #[test]
    fn traces_of_nobody_stay_as_long_as_those_of_anybody(
        clients in prop::collection::vec(rules(), 0..4), recorded in instant(), now in instant(),
    ) {
        let bound = due_before_of_nobody(&clients, now);
        let goes = bound.is_some_and(|bound| recorded < bound);
        let all = clients.iter().all(|rules| due(rules, recorded, now).is_due());
        let old = now >= recorded.plus(Regime::Mj.floor());
        prop_assert_eq!(goes, all && old);
    }
}
