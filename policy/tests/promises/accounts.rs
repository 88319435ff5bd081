//! Promises of accounts that are blocked, unused or over, and of who is told (A6, A8).

use ecluse_policy::identity::{Disuse, disuse};
use ecluse_policy::*;

use crate::login::{begin, step};
use crate::site::*;

/// Facts of an account that nothing stands against.
fn in_order() -> AccountFacts {
    AccountFacts {
        blocked_until: None,
        usage: Some(AccountUse {
            enrolled_at: t0(),
            logged_on_at: None,
            enabled_at: None,
        }),
        unused: Some(Span::from_hours(90 * 24)),
    }
}

/// DESIGN §5: expired, disabled, unused, blocked are told to whoever has proven every key, and to nobody before.
#[test]
fn whoever_has_proven_their_keys_is_told_why_no_code_is_looked_at() {
    let expired = maintech().replace("expires = \"2027-12-31\"", "expires = \"2026-11-22\"");
    let disabled = maintech().replace("expires = \"2027-12-31\"", "disabled = true");
    let later = t0().plus(Span::from_hours(91 * 24));
    let until = t0().plus(Span::from_mins(30));
    let blocked = AccountFacts {
        blocked_until: Some(until),
        ..in_order()
    };
    let cases = [
        (maintech(), in_order(), t0(), None),
        (expired, in_order(), t0(), Some("barred-expired")),
        (disabled, blocked, t0(), Some("barred-disabled")),
        (maintech(), in_order(), later, Some("barred-unused")),
        (maintech(), blocked, t0(), Some("barred-blocked")),
        (maintech(), blocked, until, None),
    ];
    for (provider, facts, now, expected) in cases {
        let documents = documents_of(&provider, &hopital(DBA));
        let told = |keys: &[u8]| {
            let mut login = begin("alice");
            for seed in keys {
                let _ = step(&mut login, &documents, *seed);
            }
            login
                .barred(&documents, &facts, now)
                .map(|barred| barred.text_id())
        };
        assert_eq!(told(&[ATELIER_1, ALICE]), expected);
        assert_eq!(told(&[ALICE, ATELIER_1]), expected);
        for short in [&[][..], &[ATELIER_1], &[ALICE], &[ATELIER_1, BRUNO]] {
            assert_eq!(told(short), None, "{short:?} is not every key");
        }
        assert_eq!(
            told(&[ELSEWHERE_STATION, ALICE]),
            None,
            "nor is the station of another provider theirs"
        );
    }
    for id in [
        "barred-expired",
        "barred-disabled",
        "barred-provider-closed",
        "barred-unused",
        "barred-blocked",
    ] {
        assert!(TEXT_IDS.contains(&id));
    }
}

/// A8: a technician who does not come for 90 days is disabled; operators and auditors are listed.
#[test]
fn an_account_that_lies_unused_is_disabled_and_the_clients_own_people_are_listed() {
    let documents = documents();
    let limit = Some(Span::from_hours(90 * 24));
    let usage = in_order().usage.unwrap();
    let day = |days: u64| t0().plus(Span::from_hours(days * 24));
    let of = |id: &str, usage: &AccountUse, limit, now| {
        disuse(documents.person(&person(id)).unwrap(), usage, limit, now)
    };
    assert_eq!(of("alice", &usage, limit, day(90)), Disuse::InUse);
    let since = t0();
    let after = day(90).plus(Span::from_micros(1));
    assert_eq!(
        of("alice", &usage, limit, after),
        Disuse::Disabled { since }
    );
    for id in ["odile", "aurele"] {
        assert_eq!(of(id, &usage, limit, after), Disuse::Listed { since });
        let mut login = begin(id);
        let _ = step(
            &mut login,
            &documents,
            if id == "odile" { ODILE } else { AURELE },
        );
        assert_eq!(login.barred(&documents, &in_order(), after), None);
    }
    let used = AccountUse {
        logged_on_at: Some(day(50)),
        ..usage
    };
    assert_eq!(of("alice", &used, limit, day(120)), Disuse::InUse);
    let enabled = AccountUse {
        enabled_at: Some(day(200)),
        ..used
    };
    assert_eq!(of("alice", &enabled, limit, day(201)), Disuse::InUse);
    assert_eq!(of("alice", &usage, None, day(10_000)), Disuse::InUse);
    assert_eq!(
        of("alice", &usage, Some(Span::ZERO), day(1)),
        Disuse::Disabled { since },
        "zero means zero"
    );
}

#[test]
fn an_account_is_the_matter_of_the_clients_that_its_person_may_work_for() {
    let documents = documents();
    let hopital = std::collections::BTreeSet::from([ClientId::parse("hopital").unwrap()]);
    for id in ["alice", "odile", "aurele"] {
        assert_eq!(clients_concerned(&documents, &person(id)), hopital, "{id}");
    }
    for id in ["other-technician", "nobody"] {
        assert!(
            clients_concerned(&documents, &person(id)).is_empty(),
            "{id}"
        );
    }
}

/// A6: guesses count, mistakes do not, and what the keys do not precede is not even looked at.
#[test]
fn only_what_somebody_guesses_counts() {
    let until = at("2026-11-23T10:00:00Z");
    for (outcome, counts) in [
        (CodeOutcome::Accepted, false),
        (CodeOutcome::Empty, false),
        (CodeOutcome::Again, false),
        (CodeOutcome::Wrong, true),
        (CodeOutcome::Replayed, true),
        (CodeOutcome::NotEnrolled, true),
        (CodeOutcome::Blocked { until }, false),
    ] {
        assert_eq!(outcome.counts_as_guess(), counts, "{outcome:?}");
    }
}
