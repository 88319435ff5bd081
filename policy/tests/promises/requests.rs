//! Promises of a request: what may be asked, by how many, for how long, and the code to compare (I1, I6).

use std::collections::BTreeSet;

use ecluse_policy::intervention;
use ecluse_policy::*;

use crate::site::*;

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
        asked(&documents).refused_by(&documents, &odile(&documents), "\u{7}", t0()),
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
            ..Waiting::counted(0, 0)
        };
        let (id, number) = ids(1);
        request_by(
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

/// F5: whoever asks and takes back in a loop is told when to ask again.
#[test]
fn only_so_many_requests_are_made_within_an_hour() {
    let documents = documents();
    let asked = |of_person_lately, most_lately, first_lately| {
        let waiting = Waiting {
            of_person_lately,
            most_lately,
            first_lately,
            ..Waiting::counted(0, 0)
        };
        let (id, number) = ids(1);
        request_by(
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
    let first = t0().minus(span("20m"));
    assert_eq!(asked(59, 60, Some(first)), Ok(()));
    assert_eq!(
        asked(60, 60, Some(first)),
        Err(Refusal::TooOften {
            made: 60,
            again_at: t0().plus(span("40m"))
        })
    );
    // Zero means none.
    assert!(matches!(
        asked(0, 0, None),
        Err(Refusal::TooOften { made: 0, .. })
    ));
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
        let asked = request_by(
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
