//! Promises of an approval: who decides, and that a yes only shrinks what was asked (I1, I2).

use ecluse_policy::*;

use crate::site::*;

#[test]
fn only_an_operator_of_that_client_decides_and_never_on_their_own_request() {
    let documents = documents();
    let asked = asked(&documents);
    let strangers = [
        (
            log_in(&documents, "alice", &[ATELIER_1, ALICE], t0()).unwrap(),
            Refusal::NotAnOperator,
        ),
        (
            log_in(&documents, "bruno", &[ATELIER_2, BRUNO], t0()).unwrap(),
            Refusal::NotAnOperator,
        ),
        (
            log_in(&documents, "aurele", &[AURELE], t0()).unwrap(),
            Refusal::NotAnOperator,
        ),
        (
            log_in(&documents, "other-operator", &[OTHER_OPERATOR], t0()).unwrap(),
            Refusal::NotItsOperator,
        ),
    ];
    for (person, refusal) in strangers {
        let everything = Narrowing::default();
        assert_eq!(
            asked.approved_by(&documents, &person, &everything, t0()),
            Err(refusal.clone())
        );
        assert_eq!(
            asked.refused_by(&documents, &person, "no", t0()),
            Err(refusal.clone())
        );
        assert_eq!(
            asked.looked_at_by(&documents, &person, t0()),
            Err(refusal.clone())
        );
        assert_eq!(
            approved(&documents).closed_by(&documents, &person, "no", t0()),
            Err(refusal)
        );
    }
    // Nor does who asked, were they an operator of that client since (I6).
    let moved = documents_of(
        &maintech().replace("id = \"alice\"", "id = \"alix\""),
        &hopital(DBA).replace("id = \"odile\"", "id = \"alice\""),
    );
    let alice = log_in(&moved, "alice", &[ODILE], t0()).unwrap();
    for refused in [
        asked.approved_by(&moved, &alice, &Narrowing::default(), t0()),
        asked.refused_by(&moved, &alice, "no", t0()),
        asked.looked_at_by(&moved, &alice, t0()),
    ] {
        assert_eq!(refused, Err(Refusal::OwnRequest));
    }
    // An operator who was removed meanwhile decides nothing either.
    let odile = odile(&documents);
    let without = documents_of(
        &maintech(),
        &hopital(DBA).replace("id = \"odile\"", "id = \"odette\""),
    );
    assert_eq!(
        asked.approved_by(&without, &odile, &Narrowing::default(), t0()),
        Err(Refusal::Ended(Ended::PersonRemoved {
            person: person("odile")
        }))
    );
}

#[test]
fn an_approval_shrinks_and_never_widens() {
    let documents = documents();
    let (asked, odile) = (asked(&documents), odile(&documents));
    let approve = |narrowing: Narrowing| asked.approved_by(&documents, &odile, &narrowing, t0());
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
        .approved_by(&documents, &odile, &half, t0())
        .unwrap();
    assert_eq!(first.state(), &State::Requested);
    assert_eq!(
        first.approved_by(&documents, &odile, &half, t0()),
        Err(Refusal::AlreadyApproved {
            number: InterventionNumber(17)
        })
    );
    let shell = Narrowing {
        families: Some(set(["shell".to_owned()])),
        length: Some(span("2h")),
        ..Narrowing::default()
    };
    let both = first.approved_by(&documents, &olive, &shell, t0()).unwrap();
    let granted = both.granted().unwrap();
    assert_eq!(
        (granted.length, granted.scope.capabilities.as_slice()),
        (span("1h"), &[Capability::Shell][..])
    );
}

/// I2, I3: how many have to approve and did, and until when a yes would last, are the numbers that the approval itself uses.
#[test]
fn i2_what_a_request_still_needs_is_what_its_approval_asks_for() {
    let documents = with_flows(&DBA.replace("by = 1", "by = 2"));
    let (odile, olive) = (odile(&documents), olive(&documents));
    let all = Narrowing::default();
    let asked = asked(&documents);
    let before = asked.outlook(&documents, t0()).unwrap();
    assert_eq!((before.needed, before.given.len()), (2, 0));
    let first = asked.approved_by(&documents, &odile, &all, t0()).unwrap();
    let between = first.outlook(&documents, t0()).unwrap();
    assert_eq!((between.needed, between.given.len()), (2, 1));
    assert_eq!(between.given[0].as_str(), "odile");
    let both = first.approved_by(&documents, &olive, &all, t0()).unwrap();
    assert_eq!(both.granted().unwrap().latest_end, between.latest_end);
    assert_eq!(both.outlook(&documents, t0()), None);
}

#[test]
fn the_yes_of_an_operator_who_left_does_not_count_any_more() {
    let two = DBA.replace("by = 1", "by = 2");
    let before = with_flows(&two);
    let first = asked(&before)
        .approved_by(&before, &odile(&before), &Narrowing::default(), t0())
        .unwrap();
    let after = documents_of(
        &maintech(),
        &hopital(&two).replace("id = \"odile\"", "id = \"odile\"\ndisabled = true"),
    );
    let second = first
        .approved_by(&after, &olive(&after), &Narrowing::default(), t0())
        .unwrap();
    assert_eq!(second.state(), &State::Requested);
}

#[test]
fn an_approval_asks_the_matrix_and_the_person_again() {
    let before = documents();
    let asked = asked(&before);
    let narrower = with_flows(&DBA.replace(r#""shell", "#, ""));
    let outside = Err(Refusal::OutsideMatrix {
        number: asked.number(),
        capability: "shell".into(),
        target: target("db01"),
    });
    assert_eq!(
        asked.approved_by(&narrower, &odile(&narrower), &Narrowing::default(), t0()),
        outside
    );
    // The operator is told so before a code is typed for nothing.
    let odile_now = odile(&narrower);
    let by = odile_now.as_operator(&narrower, t0()).unwrap();
    assert_eq!(
        asked.awaits(&by, &Narrowing::default()),
        outside.map(|_| ())
    );
    let less = Narrowing {
        families: Some(["command".to_owned()].into()),
        ..Narrowing::default()
    };
    assert_eq!(asked.awaits(&by, &less), Ok(()));
    let disabled = documents_of(
        &maintech().replace("id = \"alice\"", "id = \"alice\"\ndisabled = true"),
        &hopital(DBA),
    );
    assert_eq!(
        asked.approved_by(&disabled, &odile(&disabled), &Narrowing::default(), t0()),
        Err(Refusal::Ended(Ended::PersonDisabled {
            person: person("alice")
        }))
    );
}

/// I2: a line leaves what it gives of what was asked and no more; one that was not asked is no narrowing.
#[test]
fn i2_an_approval_of_one_line_or_flow_leaves_that_alone() {
    let flow = |name: &str, allow: &str| {
        format!(
            "[[flow]]\nname = \"{name}\"\ntechnicians = [\"maintech:dba\"]\ntargets = [\"db01\"]\naccounts = [\"postgres\"]\nallow = [{allow}]\nhours = \"always\"\nauthentication = [\"station\", \"key\", \"totp\"]\napproval = {{ by = 1, at-most = \"4h\" }}\n"
        )
    };
    let flows = [
        flow("logs", "\"sftp-read: /var/log/**\""),
        flow(
            "dba",
            "\"shell\", \"sftp-read: /var/log/app/**\", \"command: uptime\"",
        ),
        flow("network", "\"command: uptime\"").replace("maintech:dba", "maintech:web"),
    ];
    let documents = with_flows(&flows.concat());
    let (asked, odile) = (asked(&documents), odile(&documents));
    let approve = |narrowing: &Narrowing| asked.approved_by(&documents, &odile, narrowing, t0());
    let left = |narrowing: &Narrowing| -> Vec<String> {
        let granted = approve(narrowing).unwrap();
        let scope = &granted.granted().unwrap().scope;
        scope.capabilities.iter().map(ToString::to_string).collect()
    };
    let line = |text: &str| Narrowing {
        lines: Some(vec![capability(text)]),
        ..Narrowing::default()
    };
    assert_eq!(
        left(&line("sftp-read: /var/log/app/today")),
        ["sftp-read: /var/log/app/today"]
    );
    assert_eq!(left(&line("command: uptime")), ["command: uptime"]);
    for more in [
        "sftp-read: /var/**",
        "sftp-write: /var/log/app/x",
        "command: *",
    ] {
        let what = more.to_owned();
        assert_eq!(approve(&line(more)), Err(Refusal::OnlyShrinks { what }));
    }
    let client = ClientId::parse("hopital").unwrap();
    let scope = &asked.request().scope;
    let by = &asked.request().person;
    let of = |flow: &str| narrowed_to_flow(&documents, &client, (flow, by), scope, t0());
    assert_eq!(left(&of("logs").unwrap()), ["sftp-read: /var/log/**"]);
    assert!(!left(&of("dba").unwrap()).contains(&"sftp-read: /var/log/**".to_owned()));
    assert_eq!(of("nothing"), None);
    // A flow for others gives them nothing, whatever it gives.
    assert_eq!(of("network"), None);
}
