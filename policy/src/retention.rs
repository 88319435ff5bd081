//! Until when something is kept, and from when on it may be removed (R7, O9, MJ 4.17).
//!
//! Nothing is ever due by itself: first the service ends, then the time agreed on passes, and no hold stands. What is
//! due is removed by the gateway, with a record of its destruction; nothing here removes anything.

use crate::documents::RetentionRules;
use crate::time::{Span, Timestamp};

/// What may happen to something recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Due {
    /// It stays: a legal hold says so, with this reason.
    LegalHold(String),
    /// It stays: the service goes on.
    KeepUntilServiceEnds,
    /// It stays until then.
    KeepUntil(Timestamp),
    /// It may be removed, since then.
    Since(Timestamp),
}

impl Due {
    /// Whether it may be removed.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        match self {
            Self::Since(_) => true,
            Self::LegalHold(_) | Self::KeepUntilServiceEnds | Self::KeepUntil(_) => false,
        }
    }
}

/// Decides about something recorded at `recorded_at`.
///
/// The time counts from the end of the service, or from the recording itself where that came later. It is never shorter
/// than [`RetentionRules::FLOOR`], whatever `rules` say, and a legal hold stands above all of it.
pub fn due(rules: &RetentionRules, recorded_at: Timestamp, now: Timestamp) -> Due {
    let RetentionRules {
        service_ended,
        keep,
        legal_hold,
    } = rules;
    if let Some(reason) = legal_hold {
        return Due::LegalHold(reason.clone());
    }
    let Some(service_ended) = service_ended else {
        return Due::KeepUntilServiceEnds;
    };
    let from = (*service_ended).max(recorded_at);
    let until = from.plus((*keep).max(RetentionRules::FLOOR));
    if now < until {
        Due::KeepUntil(until)
    } else {
        Due::Since(until)
    }
}

/// The instant before which everything recorded is due; none where nothing is.
#[must_use]
pub fn due_before(rules: &RetentionRules, now: Timestamp) -> Option<Timestamp> {
    let keep = rules.keep.max(RetentionRules::FLOOR);
    let last = now.minus(keep);
    due(rules, last, now)
        .is_due()
        .then(|| last.plus(Span::from_micros(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> impl Strategy<Value = RetentionRules> {
        let days = |most: u64| (0..most).prop_map(|days| Span::from_hours(days * 24));
        (
            proptest::option::of(instant()),
            days(4000),
            proptest::option::weighted(0.2, Just("enquête".to_owned())),
        )
            .prop_map(|(service_ended, keep, legal_hold)| RetentionRules {
                service_ended,
                keep,
                legal_hold,
            })
    }

    /// From 1970 to 2100.
    fn instant() -> impl Strategy<Value = Timestamp> {
        (0u64..4_102_444_800).prop_map(Timestamp::from_secs)
    }

    #[test]
    fn one_year_after_the_end_of_the_service_and_not_a_microsecond_before() {
        let ended = Timestamp::parse_last_day("2026-12-31").unwrap();
        let rules = RetentionRules {
            service_ended: Some(ended),
            ..RetentionRules::default()
        };
        let recorded = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        let until = Timestamp::parse("2028-01-01T00:00:00Z").unwrap();
        assert_eq!(
            due(&rules, recorded, until.minus(Span::from_micros(1))),
            Due::KeepUntil(until)
        );
        assert_eq!(due(&rules, recorded, until), Due::Since(until));
    }

    proptest! {
        /// R7: two months at least, counted from the later of the service's end and the recording.
        #[test]
        fn nothing_is_due_before_two_months_after_the_service(rules in rules(), recorded in instant(), now in instant()) {
            if due(&rules, recorded, now).is_due() {
                let ended = rules.service_ended.unwrap();
                prop_assert!(now >= ended.plus(RetentionRules::FLOOR));
                prop_assert!(now >= recorded.plus(RetentionRules::FLOOR));
                prop_assert!(now >= ended.plus(rules.keep));
            }
        }

        /// O9: a hold stands above time, and a service that goes on keeps everything.
        #[test]
        fn a_hold_always_wins(rules in rules(), recorded in instant(), now in instant()) {
            let held = RetentionRules { legal_hold: Some("procès".to_owned()), ..rules.clone() };
            prop_assert_eq!(due(&held, recorded, now), Due::LegalHold("procès".to_owned()));
            let going_on = RetentionRules { service_ended: None, legal_hold: None, ..rules };
            prop_assert_eq!(due(&going_on, recorded, Timestamp::MAX), Due::KeepUntilServiceEnds);
        }

        /// What is due stays due, and the instant it becomes due does not move.
        #[test]
        fn time_only_moves_towards_due(rules in rules(), recorded in instant(), now in instant(), later in 0u64..10_000_000_000) {
            let before = due(&rules, recorded, now);
            let after = due(&rules, recorded, now.plus(Span::from_secs(later)));
            match before {
                Due::Since(at) => prop_assert_eq!(after, Due::Since(at)),
                Due::KeepUntil(at) => prop_assert!(after == Due::KeepUntil(at) || after == Due::Since(at)),
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
    }
}
