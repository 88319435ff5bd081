//! Promises of a login: which factors, in which order, and what a stranger learns (A2, A3, A6, A8).

use ecluse_policy::identity::{SecondFactor, StationFault};
use ecluse_policy::*;

use crate::site::*;

pub(crate) fn step(login: &mut Login, documents: &Documents, seed: u8) -> Step {
    login.key_proven(documents, &key(seed), t0())
}

pub(crate) fn begin(user: &str) -> Login {
    Login::begin(user, source())
}

pub(crate) fn accept(login: &mut Login, documents: &Documents) -> Step {
    login.code_result(documents, CodeOutcome::Accepted, t0())
}

#[test]
fn a_technician_proves_station_key_and_code_with_the_keys_in_either_order() {
    let documents = documents();
    for order in [[ATELIER_1, ALICE], [ALICE, ATELIER_1]] {
        let mut login = begin("alice+db01");
        assert_eq!(step(&mut login, &documents, order[0]), Step::NeedKey);
        assert_eq!(
            step(&mut login, &documents, order[0]),
            Step::NeedKey,
            "the same key again is no progress"
        );
        assert_eq!(step(&mut login, &documents, order[1]), Step::NeedCode);
        let Step::Complete(authenticated) = accept(&mut login, &documents) else {
            panic!("{login:?}")
        };
        assert_eq!(authenticated.person(), &person("alice"));
        assert_eq!(
            authenticated.station(),
            Some(&StationId::parse("atelier-1").unwrap())
        );
        assert_eq!(
            authenticated.role(),
            &Role::Technician {
                provider: ProviderId::parse("maintech").unwrap()
            }
        );
        assert_eq!(authenticated.person_key(), key(ALICE).fingerprint());
        assert_eq!(
            authenticated.station_key(),
            Some(key(ATELIER_1).fingerprint())
        );
        assert_eq!(authenticated.lang(), Lang::Fr);
    }
}

/// Every sequence of up to five proofs, out of all that matter: complete only with station, person and code, the code
/// last.
#[test]
fn no_order_of_steps_completes_without_every_factor() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Act {
        Key(u8),
        Code(CodeOutcome),
        Remembered(bool),
    }
    let acts = [
        Act::Key(ATELIER_1),
        Act::Key(ALICE),
        Act::Key(BRUNO),
        Act::Key(STRANGER),
        Act::Key(ELSEWHERE_STATION),
        Act::Key(ODILE),
        Act::Code(CodeOutcome::Accepted),
        Act::Code(CodeOutcome::Empty),
        Act::Code(CodeOutcome::Again),
        Act::Code(CodeOutcome::Wrong),
        Act::Code(CodeOutcome::Replayed),
        Act::Code(CodeOutcome::NotEnrolled),
        Act::Remembered(true),
        Act::Remembered(false),
    ];
    let documents = documents();
    let mut completed = 0;
    for number in 0..acts.len().pow(4) {
        let sequence: Vec<Act> = (0..4)
            .map(|digit| acts[number / acts.len().pow(digit) % acts.len()])
            .collect();
        let mut login = begin("alice");
        let (mut station, mut person, mut second) = (false, false, false);
        for act in &sequence {
            let keys = station && person;
            let step = match act {
                Act::Key(seed) => step(&mut login, &documents, *seed),
                Act::Code(outcome) => login.code_result(&documents, *outcome, t0()),
                Act::Remembered(yes) => login.second_factor_remembered(&documents, *yes, t0()),
            };
            station |= *act == Act::Key(ATELIER_1);
            person |= *act == Act::Key(ALICE);
            second |= keys
                && matches!(
                    act,
                    Act::Code(CodeOutcome::Accepted) | Act::Remembered(true)
                );
            let refused_now = matches!(act, Act::Key(BRUNO | STRANGER | ODILE))
                || matches!(act, Act::Code(outcome) if *outcome != CodeOutcome::Accepted || !keys);
            match step {
                Step::Complete(_) => {
                    completed += 1;
                    assert!(station && person && second && !refused_now, "{sequence:?}");
                }
                Step::Refuse(_) => assert!(
                    refused_now || sequence.contains(&Act::Key(ELSEWHERE_STATION)),
                    "{sequence:?}"
                ),
                Step::NeedKey | Step::NeedCode => assert!(
                    !(station && person && second) || refused_now,
                    "{sequence:?}"
                ),
            }
        }
    }
    assert!(completed > 0);
}

#[test]
fn operators_and_auditors_prove_key_and_code_without_a_station() {
    let documents = documents();
    for (user, seed) in [("odile", ODILE), ("aurele", AURELE)] {
        let mut login = begin(user);
        assert_eq!(step(&mut login, &documents, seed), Step::NeedCode);
        let Step::Complete(authenticated) = accept(&mut login, &documents) else {
            panic!()
        };
        assert_eq!(authenticated.station(), None);
        assert_eq!(
            authenticated.presence(),
            None,
            "only technicians are present at a station"
        );
    }
}

/// A station's key moves a login on under any name; a person's key only under their own. So a name tells nothing.
#[test]
fn a_stranger_cannot_tell_a_known_name_from_an_unknown_one() {
    let documents = documents();
    let names = [
        "alice",
        "odile",
        "aurele",
        "nobody",
        "not a name!",
        "",
        "+",
        &"x".repeat(10_000),
        "\u{1b}[2J",
    ];
    for seed in [
        ATELIER_1,
        ELSEWHERE_STATION,
        BRUNO,
        STRANGER,
        ELSEWHERE_PERSON,
    ] {
        let answers: Vec<Step> = names
            .iter()
            .map(|user| step(&mut begin(user), &documents, seed))
            .collect();
        assert!(
            answers.windows(2).all(|pair| pair[0] == pair[1]),
            "{answers:?}"
        );
        let wanted: Vec<bool> = names
            .iter()
            .map(|user| begin(user).wants_key(&documents, &key(seed)))
            .collect();
        assert!(wanted.windows(2).all(|pair| pair[0] == pair[1]));
    }
    for user in names {
        assert_eq!(
            accept(&mut begin(user), &documents),
            Step::Refuse(LoginRefusal::CodeTooEarly)
        );
    }
}

#[test]
fn the_key_of_somebody_else_moves_nothing() {
    let documents = documents();
    for (seed, owner) in [
        (BRUNO, "bruno"),
        (ODILE, "odile"),
        (ELSEWHERE_PERSON, "other-technician"),
    ] {
        let mut login = begin("alice");
        assert_eq!(step(&mut login, &documents, ATELIER_1), Step::NeedKey);
        let refusal = LoginRefusal::KeyOfAnother {
            key: key(seed).fingerprint(),
            owner: person(owner),
        };
        assert_eq!(step(&mut login, &documents, seed), Step::Refuse(refusal));
        assert_eq!(login.proven_person(&documents), None);
    }
}

#[test]
fn a_station_of_another_provider_fails_only_at_the_end() {
    let documents = documents();
    let mut login = begin("alice");
    assert_eq!(
        step(&mut login, &documents, ELSEWHERE_STATION),
        Step::NeedKey
    );
    assert_eq!(step(&mut login, &documents, ALICE), Step::NeedCode);
    assert_eq!(
        login.proven_station(&documents),
        None,
        "a second factor is not remembered for it"
    );
    let refusal = LoginRefusal::Station {
        station: StationId::parse("other-station").unwrap(),
        why: StationFault::OtherProvider,
    };
    assert_eq!(
        accept(&mut login, &documents),
        Step::Refuse(refusal.clone())
    );
    // A right code is followed by what follows a wrong one: the keys stay proven, and the code stands for nothing more.
    assert_eq!(login.proven_person(&documents), Some(person("alice")));
    assert_eq!(accept(&mut login, &documents), Step::Refuse(refusal));
    assert_eq!(step(&mut login, &documents, ATELIER_1), Step::NeedCode);
    assert!(matches!(accept(&mut login, &documents), Step::Complete(_)));
}

#[test]
fn a_station_that_is_not_theirs_or_in_another_network_fails_at_the_end() {
    let documents = documents();
    let refused = |source: &str, station: u8, user: &str, own: u8| {
        let mut login = Login::begin(user, source.parse().unwrap());
        let _ = step(&mut login, &documents, station);
        let _ = step(&mut login, &documents, own);
        match accept(&mut login, &documents) {
            Step::Refuse(LoginRefusal::Station { why, .. }) => Some(why),
            Step::Complete(_) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        refused("192.0.2.7", ATELIER_2, "alice", ALICE),
        Some(StationFault::NotTheirs)
    );
    assert_eq!(
        refused("198.51.100.1", ATELIER_1, "alice", ALICE),
        Some(StationFault::Source)
    );
    assert_eq!(
        refused("2001:db8::1", ATELIER_1, "alice", ALICE),
        Some(StationFault::Source)
    );
    assert_eq!(refused("2001:db8::1", ATELIER_2, "bruno", BRUNO), None);
    assert_eq!(
        refused("::ffff:192.0.2.7", ATELIER_1, "alice", ALICE),
        None,
        "an IPv4 peer on a dual-stack socket"
    );
}

#[test]
fn of_several_stations_keys_the_one_that_fits_counts() {
    let documents = documents();
    let authenticated = log_in(
        &documents,
        "alice",
        &[ELSEWHERE_STATION, ATELIER_2, ATELIER_1, ALICE],
        t0(),
    )
    .unwrap();
    assert_eq!(
        authenticated.station(),
        Some(&StationId::parse("atelier-1").unwrap())
    );
}

#[test]
fn another_user_name_begins_another_login() {
    let documents = documents();
    let mut login = begin("alice");
    let _ = step(&mut login, &documents, ATELIER_1);
    let _ = step(&mut login, &documents, ALICE);
    login.restart_if_changed("alice");
    assert_eq!(
        login.proven_person(&documents),
        Some(person("alice")),
        "the same name keeps what is proven"
    );
    for other in ["bruno", "alice+db01", "Alice", "alice ", ""] {
        let mut changed = login.clone();
        changed.restart_if_changed(other);
        assert_eq!(changed.user(), other);
        assert_eq!(changed.proven_person(&documents), None);
        assert_eq!(
            accept(&mut changed, &documents),
            Step::Refuse(LoginRefusal::CodeTooEarly)
        );
    }
    let long = "x".repeat(600);
    let mut login = begin(&format!("{long}a"));
    let _ = step(&mut login, &documents, ATELIER_1);
    login.restart_if_changed(&format!("{long}b"));
    assert_eq!(login.address(), None);
}

#[test]
fn whoever_is_removed_between_two_steps_does_not_arrive() {
    let before = documents();
    let no_alice = maintech().replace("id = \"alice\"", "id = \"alix\"");
    let key_gone = maintech().replace(&line(ALICE), &line(STRANGER));
    let disabled = maintech().replace("id = \"alice\"", "id = \"alice\"\ndisabled = true");
    let station_gone = maintech().replace(&line(ATELIER_1), &line(STRANGER));
    let cases = [
        (no_alice, "NeedKey"),
        (key_gone, "the key or certificate of alice was withdrawn"),
        (disabled, "the account alice is disabled"),
        (
            station_gone,
            "the station atelier-1 may not be used: its key was withdrawn",
        ),
    ];
    for (provider, expected) in cases {
        let after = documents_of(&provider, &hopital(DBA));
        let mut login = begin("alice");
        let _ = step(&mut login, &before, ATELIER_1);
        assert_eq!(step(&mut login, &before, ALICE), Step::NeedCode);
        let said = match accept(&mut login, &after) {
            Step::Refuse(LoginRefusal::CodeTooEarly) => "NeedKey".to_owned(),
            Step::Refuse(refusal) => refusal.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(said, expected);
    }
}

#[test]
fn an_expired_or_disabled_account_is_told_so_by_nothing_before_the_end() {
    for change in ["expires = \"2026-11-22\"", "disabled = true"] {
        let provider = maintech().replace("expires = \"2027-12-31\"", change);
        let documents = documents_of(&provider, &hopital(DBA));
        let mut login = begin("alice");
        assert_eq!(step(&mut login, &documents, ATELIER_1), Step::NeedKey);
        assert_eq!(step(&mut login, &documents, ALICE), Step::NeedCode);
        assert!(
            matches!(
                accept(&mut login, &documents),
                Step::Refuse(LoginRefusal::Ended(_))
            ),
            "{change}"
        );
    }
}

#[test]
fn an_account_ends_at_the_very_end_of_its_last_day() {
    let documents = documents();
    let alice = log_in(&documents, "alice", &[ATELIER_1, ALICE], t0()).unwrap();
    let expired_at = at("2028-01-01T00:00:00Z");
    assert_eq!(
        alice.still_valid(&documents, expired_at.minus(Span::from_micros(1))),
        Ok(())
    );
    assert_eq!(
        alice.still_valid(&documents, expired_at),
        Err(Ended::PersonExpired {
            person: person("alice"),
            expired_at
        })
    );
}

#[test]
fn a_remembered_second_factor_needs_the_keys_and_a_code_counts_only_against_who_holds_them() {
    let documents = documents();
    let mut login = begin("alice");
    assert_eq!(
        login.second_factor_remembered(&documents, true, t0()),
        Step::NeedKey
    );
    let _ = step(&mut login, &documents, ATELIER_1);
    let _ = step(&mut login, &documents, ALICE);
    assert_eq!(
        login.second_factor_remembered(&documents, false, t0()),
        Step::NeedCode
    );
    let Step::Complete(authenticated) = login.second_factor_remembered(&documents, true, t0())
    else {
        panic!()
    };
    assert_eq!(authenticated.second_factor(), SecondFactor::Remembered);
    let mut early = begin("alice");
    assert_eq!(
        early.second_factor_remembered(&documents, true, t0()),
        Step::NeedKey
    );
    let _ = step(&mut early, &documents, ATELIER_1);
    assert_eq!(
        step(&mut early, &documents, ALICE),
        Step::NeedCode,
        "what was said before the keys is forgotten"
    );
}

#[test]
fn somebody_who_changes_role_or_organisation_is_somebody_else() {
    let authenticated = odile(&documents());
    let operator = format!(
        "[[operator]]\nid = \"odile\"\nname = \"Odile\"\nkeys = [\"{}\"]\n",
        line(ODILE)
    );
    let auditor = hopital(DBA).replace(&operator, &operator.replace("operator", "auditor"));
    let after = documents_of(&maintech(), &auditor);
    assert_eq!(
        authenticated.still_valid(&after, t0()),
        Err(Ended::PersonRemoved {
            person: person("odile")
        })
    );
}
