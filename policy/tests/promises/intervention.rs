//! Promises of an intervention's life: who asks, who decides, and that an approval only shrinks (I1, I2, I3, I6).

use std::collections::BTreeSet;

use ecluse_policy::intervention::{self, warnings};
use ecluse_policy::*;

use crate::site::*;

fn asked(documents: &Documents) -> Intervention {
    requested(documents, &alice(documents), ask_for(&["db01"], "2h"), t0()).unwrap()
}

#[test]
fn a_request_without_details_asks_for_what_the_matrix_allows_and_no_more() {
    let documents = documents();
    let request = asked(&documents).request().clone();
    assert_eq!(request.scope.accounts, set([account("postgres")]));
    let texts: Vec<String> = request
        .scope
        .capabilities
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        texts,
        [
            "shell",
            "command: pg_dump --schema-only {db}",
            "env: LANG LC_*"
        ]
    );
    assert_eq!(
        (request.client.as_str(), request.station.as_str()),
        ("hopital", "atelier-1")
    );
}

#[test]
fn a_request_beyond_the_matrix_is_refused() {
    let documents = documents();
    let alice = alice(&documents);
    let ask = |change: &dyn Fn(&mut Ask)| {
        let mut ask = ask_for(&["db01"], "2h");
        change(&mut ask);
        requested(&documents, &alice, ask, t0()).unwrap_err()
    };
    let not_in_matrix = |capability: &str| Refusal::NotInMatrix {
        capability: capability.into(),
        target: target("db01"),
    };
    assert_eq!(
        ask(&|ask| ask.capabilities = Some(vec![capability("command: *")])),
        not_in_matrix("command: *")
    );
    assert_eq!(
        ask(&|ask| ask.capabilities = Some(vec![capability("shell"), capability("env: *")])),
        not_in_matrix("env: *")
    );
    assert_eq!(
        ask(&|ask| ask.account = Some(account("ops"))),
        not_in_matrix("ops")
    );
    assert_eq!(
        ask(&|ask| ask.account = Some(account("root"))),
        not_in_matrix("root")
    );
    assert_eq!(
        ask(&|ask| ask.capabilities = Some(vec![])),
        Refusal::NothingAsked
    );
    assert_eq!(ask(&|ask| ask.targets = BTreeSet::new()), Refusal::NoTarget);
    assert_eq!(
        ask(&|ask| ask.length = span("5h")),
        Refusal::Length {
            asked: span("5h"),
            at_most: span("4h")
        }
    );
    assert_eq!(
        ask(&|ask| ask.length = Span::ZERO),
        Refusal::Length {
            asked: Span::ZERO,
            at_most: span("4h")
        }
    );
    let start = |start: Timestamp| Refusal::Start {
        start,
        latest: t0().plus(intervention::PLANNED_WITHIN),
    };
    for when in [t0().minus(Span::from_micros(1)), t0().plus(span("91d"))] {
        assert_eq!(ask(&|ask| ask.start = Some(when)), start(when));
    }
}

#[test]
fn a_reason_is_one_visible_line() {
    let documents = documents();
    let long = "é".repeat(1_001);
    for bad in [
        "",
        "   ",
        "a\nb",
        "a\u{1b}[2Jb",
        "a\0",
        "paid\u{202e}drow",
        "zero\u{200b}width",
        &long,
    ] {
        let ask = Ask {
            reason: bad.into(),
            ..ask_for(&["db01"], "2h")
        };
        assert_eq!(
            requested(&documents, &alice(&documents), ask, t0()).unwrap_err(),
            Refusal::Reason { longest: 1_000 },
            "{bad:?}"
        );
    }
    let ask = Ask {
        reason: "é".repeat(1_000),
        ..ask_for(&["db01"], "2h")
    };
    let _ = requested(&documents, &alice(&documents), ask, t0()).unwrap();
    assert!(matches!(
        asked(&documents).refuse(&documents, &odile(&documents), "\u{7}", t0()),
        Err(Refusal::Reason { .. })
    ));
}

#[test]
fn only_so_many_requests_wait_and_zero_means_none() {
    let documents = documents();
    let waiting = |of_person, in_all, most_of_person, most_in_all| {
        let waiting = Waiting {
            of_person,
            in_all,
            most_of_person,
            most_in_all,
            answer_within: span("1h"),
        };
        let (id, number) = ids(1);
        intervention::request(
            &documents,
            &alice(&documents),
            ask_for(&["db01"], "2h"),
            waiting,
            id,
            number,
            t0(),
        )
        .map(|_| ())
    };
    assert_eq!(waiting(4, 199, 5, 200), Ok(()));
    assert_eq!(
        waiting(5, 5, 5, 200),
        Err(Refusal::TooManyWaiting { waiting: 5 })
    );
    assert_eq!(
        waiting(0, 200, 5, 200),
        Err(Refusal::TooManyWaiting { waiting: 200 })
    );
    assert_eq!(
        waiting(0, 0, 0, 200),
        Err(Refusal::TooManyWaiting { waiting: 0 })
    );
    assert_eq!(
        waiting(0, 0, 5, 0),
        Err(Refusal::TooManyWaiting { waiting: 0 })
    );
}

#[test]
fn only_an_operator_of_that_client_decides_and_never_on_their_own_request() {
    let documents = documents();
    let asked = asked(&documents);
    let strangers = [
        (
            log_in(&documents, "alice", &[ATELIER_1, ALICE], t0()).unwrap(),
            Refusal::OwnRequest,
        ),
        (
            log_in(&documents, "bruno", &[ATELIER_2, BRUNO], t0()).unwrap(),
            Refusal::NotItsOperator,
        ),
        (
            log_in(&documents, "aurele", &[AURELE], t0()).unwrap(),
            Refusal::NotItsOperator,
        ),
        (
            log_in(&documents, "other-operator", &[OTHER_OPERATOR], t0()).unwrap(),
            Refusal::NotItsOperator,
        ),
    ];
    for (person, refusal) in strangers {
        let everything = Narrowing::default();
        assert_eq!(
            asked.approve(&documents, &person, &everything, t0()),
            Err(refusal.clone())
        );
        assert_eq!(
            asked.refuse(&documents, &person, "no", t0()),
            Err(refusal.clone())
        );
        assert_eq!(
            asked.seen_by(&documents, &person, t0()),
            Err(refusal.clone())
        );
        assert_eq!(
            approved(&documents).close(&documents, &person, "no", t0()),
            Err(refusal)
        );
    }
    // An operator who was removed meanwhile decides nothing either.
    let odile = odile(&documents);
    let without = documents_of(
        &maintech(),
        &hopital(DBA).replace("id = \"odile\"", "id = \"odette\""),
    );
    assert_eq!(
        asked.approve(&without, &odile, &Narrowing::default(), t0()),
        Err(Refusal::Ended(Ended::PersonRemoved {
            person: person("odile")
        }))
    );
}

#[test]
fn an_approval_shrinks_and_never_widens() {
    let documents = documents();
    let (asked, odile) = (asked(&documents), odile(&documents));
    let approve = |narrowing: Narrowing| asked.approve(&documents, &odile, &narrowing, t0());
    let less = approve(Narrowing {
        length: Some(span("30m")),
        families: Some(set(["shell".to_owned()])),
        ..Narrowing::default()
    })
    .unwrap();
    let granted = less.granted().unwrap();
    assert_eq!(
        (granted.length, granted.scope.capabilities.as_slice()),
        (span("30m"), &[Capability::Shell][..])
    );

    let only_shrinks = |what: &str| Err(Refusal::OnlyShrinks { what: what.into() });
    assert_eq!(
        approve(Narrowing {
            length: Some(span("3h")),
            ..Narrowing::default()
        }),
        only_shrinks("3h")
    );
    assert_eq!(
        approve(Narrowing {
            targets: Some(set([target("web01")])),
            ..Narrowing::default()
        }),
        only_shrinks("web01")
    );
    assert_eq!(
        approve(Narrowing {
            accounts: Some(set([account("ops")])),
            ..Narrowing::default()
        }),
        only_shrinks("ops")
    );
    assert_eq!(
        approve(Narrowing {
            families: Some(set(["sftp".to_owned()])),
            ..Narrowing::default()
        }),
        only_shrinks("sftp")
    );
    let nothing = Err(Refusal::NothingLeft {
        number: InterventionNumber(17),
    });
    assert_eq!(
        approve(Narrowing {
            length: Some(Span::ZERO),
            ..Narrowing::default()
        }),
        nothing
    );
    assert_eq!(
        approve(Narrowing {
            targets: Some(set([])),
            ..Narrowing::default()
        }),
        nothing
    );
    assert_eq!(
        approve(Narrowing {
            families: Some(set([])),
            ..Narrowing::default()
        }),
        nothing
    );
}

#[test]
fn two_operators_are_two_people_and_both_their_limits_hold() {
    let documents = with_flows(&DBA.replace("by = 1", "by = 2"));
    let (odile, olive) = (odile(&documents), olive(&documents));
    let half = Narrowing {
        length: Some(span("1h")),
        ..Narrowing::default()
    };
    let first = asked(&documents)
        .approve(&documents, &odile, &half, t0())
        .unwrap();
    assert_eq!(first.state(), &State::Requested);
    assert_eq!(
        first.approve(&documents, &odile, &half, t0()),
        Err(Refusal::AlreadyApproved {
            number: InterventionNumber(17)
        })
    );
    let shell = Narrowing {
        families: Some(set(["shell".to_owned()])),
        length: Some(span("2h")),
        ..Narrowing::default()
    };
    let both = first.approve(&documents, &olive, &shell, t0()).unwrap();
    let granted = both.granted().unwrap();
    assert_eq!(
        (granted.length, granted.scope.capabilities.as_slice()),
        (span("1h"), &[Capability::Shell][..])
    );
}

#[test]
fn the_yes_of_an_operator_who_left_does_not_count_any_more() {
    let two = DBA.replace("by = 1", "by = 2");
    let before = with_flows(&two);
    let first = asked(&before)
        .approve(&before, &odile(&before), &Narrowing::default(), t0())
        .unwrap();
    let after = documents_of(
        &maintech(),
        &hopital(&two).replace("id = \"odile\"", "id = \"odile\"\ndisabled = true"),
    );
    let second = first
        .approve(&after, &olive(&after), &Narrowing::default(), t0())
        .unwrap();
    assert_eq!(second.state(), &State::Requested);
}

#[test]
fn an_approval_asks_the_matrix_and_the_person_again() {
    let before = documents();
    let asked = asked(&before);
    let narrower = with_flows(&DBA.replace(r#""shell", "#, ""));
    assert_eq!(
        asked.approve(&narrower, &odile(&narrower), &Narrowing::default(), t0()),
        Err(Refusal::NotInMatrix {
            capability: "shell".into(),
            target: target("db01")
        })
    );
    let disabled = documents_of(
        &maintech().replace("id = \"alice\"", "id = \"alice\"\ndisabled = true"),
        &hopital(DBA),
    );
    assert_eq!(
        asked.approve(&disabled, &odile(&disabled), &Narrowing::default(), t0()),
        Err(Refusal::Ended(Ended::PersonDisabled {
            person: person("alice")
        }))
    );
}

/// Each step, from each state: what may follow, and nothing else.
#[test]
fn each_state_takes_only_its_own_steps() {
    let documents = documents();
    let (alice, odile) = (alice(&documents), odile(&documents));
    let asked = asked(&documents);
    let approved = approved(&documents);
    let open = approved.open(t0()).unwrap();
    let states = [
        ("requested", asked.clone(), "approve refuse seen cancel"),
        ("approved", approved.clone(), "cancel open close"),
        ("open", open.clone(), "open close finish"),
        (
            "refused",
            asked.refuse(&documents, &odile, "no", t0()).unwrap(),
            "",
        ),
        ("cancelled", asked.cancel(&alice, t0()).unwrap(), ""),
        (
            "expired",
            asked.expire_if_due(t0().plus(span("24h"))).unwrap(),
            "",
        ),
        ("closed", open.finish(&alice, t0()).unwrap(), ""),
    ];
    for (name, it, allowed) in states {
        assert_eq!(it.state().name(), name);
        let steps = [
            (
                "approve",
                it.approve(&documents, &odile, &Narrowing::default(), t0()),
            ),
            ("refuse", it.refuse(&documents, &odile, "no", t0())),
            ("seen", it.seen_by(&documents, &odile, t0())),
            ("cancel", it.cancel(&alice, t0())),
            ("open", it.open(t0())),
            ("close", it.close(&documents, &odile, "enough", t0())),
            ("finish", it.finish(&alice, t0())),
        ];
        for (step, next) in steps {
            assert_eq!(
                next.is_ok(),
                allowed.split(' ').any(|one| one == step),
                "{name}: {step}: {next:?}"
            );
            if let Ok(next) = next {
                assert!(
                    next.revision() > it.revision() || next == it,
                    "{name}: {step}"
                );
            }
        }
        assert_eq!(it.state().is_final(), allowed.is_empty());
        assert_eq!(
            it.expire_if_due(Timestamp::MAX).is_none(),
            it.state().is_final()
        );
    }
}

#[test]
fn somebody_elses_intervention_is_not_yours_to_cancel() {
    let documents = documents();
    let refusal = Err(Refusal::NotYours {
        number: InterventionNumber(17),
    });
    assert_eq!(asked(&documents).cancel(&bruno(&documents), t0()), refusal);
    assert_eq!(
        approved(&documents)
            .open(t0())
            .unwrap()
            .finish(&bruno(&documents), t0()),
        refusal
    );
}

#[test]
fn an_unanswered_request_expires_and_cannot_be_approved_late() {
    let documents = documents();
    let asked = asked(&documents);
    let due = t0().plus(span("24h"));
    assert_eq!(asked.expire_if_due(due.minus(Span::from_micros(1))), None);
    let late = asked.approve(&documents, &odile(&documents), &Narrowing::default(), due);
    assert_eq!(
        late,
        Err(Refusal::WrongState {
            number: InterventionNumber(17),
            state: "expired",
            step: "approve"
        })
    );
}

/// The gateway's setting shortens the day, and never lengthens it.
#[test]
fn the_time_to_answer_is_the_settings_and_a_day_at_most() {
    let documents = documents();
    let due = |answer_within: &str, start: Option<Timestamp>| {
        let waiting = Waiting {
            answer_within: span(answer_within),
            ..Waiting::counted(0, 0)
        };
        let ask = Ask {
            start,
            ..ask_for(&["db01"], "2h")
        };
        let (id, number) = ids(1);
        let asked = intervention::request(
            &documents,
            &alice(&documents),
            ask,
            waiting,
            id,
            number,
            t0(),
        )
        .unwrap();
        asked.request().answer_due()
    };
    assert_eq!(due("1h", None), t0().plus(span("1h")));
    assert_eq!(due("30d", None), t0().plus(span("1d")));
    assert_eq!(due("0s", None), t0());
    let start = t0().plus(span("2d"));
    assert_eq!(
        due("1h", Some(start)),
        start.plus(span("2h")),
        "a planned one until it would be over"
    );
}

#[test]
fn warnings_come_ten_minutes_and_one_minute_before_the_end() {
    let end = t0().plus(span("2h"));
    let (ten, one) = (
        (end.minus(span("10m")), span("10m")),
        (end.minus(span("1m")), span("1m")),
    );
    assert_eq!(warnings(end, t0()), [ten, one]);
    assert_eq!(warnings(end, end.minus(span("10m"))), [one]);
    assert_eq!(warnings(end, end), []);
}

#[test]
fn the_code_to_compare_changes_with_every_part_of_the_request() {
    let documents = documents();
    let request = asked(&documents).request().clone();
    let code = request.code();
    assert_eq!(code.len(), 9);
    assert!(code.bytes().enumerate().all(|(place, byte)| if place == 4 {
        byte == b'-'
    } else {
        byte.is_ascii_uppercase() || byte.is_ascii_digit()
    }));
    let mut others = BTreeSet::new();
    let changes: [&dyn Fn(&mut Request); 13] = [
        &|request| request.id = ids(18).0,
        &|request| request.number = InterventionNumber(18),
        &|request| request.person = person("bruno"),
        &|request| request.provider = ProviderId::parse("other").unwrap(),
        &|request| request.station = StationId::parse("atelier-2").unwrap(),
        &|request| request.client = ClientId::parse("mairie").unwrap(),
        &|request| request.scope.targets = set([target("web01")]),
        &|request| request.scope.accounts = set([account("root")]),
        &|request| request.scope.capabilities = vec![],
        &|request| request.reason.push('.'),
        &|request| request.start = Some(t0()),
        &|request| request.length = span("3h"),
        &|request| request.answer_due = t0(),
    ];
    for change in changes {
        let mut other = request.clone();
        change(&mut other);
        others.insert(other.code());
    }
    assert_eq!(others.len(), 13);
    assert!(!others.contains(&code));
}

#[test]
fn what_is_stored_reads_back_as_it_was_and_nothing_unknown_is_taken() {
    let documents = documents();
    let open = approved(&documents).open(t0()).unwrap();
    for it in [
        asked(&documents),
        approved(&documents),
        open.clone(),
        open.finish(&alice(&documents), t0()).unwrap(),
    ] {
        let stored = serde_json::to_string(&it).unwrap();
        assert_eq!(serde_json::from_str::<Intervention>(&stored).unwrap(), it);
        assert!(
            serde_json::from_str::<Intervention>(&stored.replacen('{', "{\"more\":1,", 1)).is_err()
        );
    }
}
