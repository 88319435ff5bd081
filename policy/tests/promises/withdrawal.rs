//! Promises of the choke point about what is taken away while it is in use (I3, A8).

use ecluse_policy::*;

use crate::site::*;

/// Whatever a session rests on ends it when it is taken away (invariant 6, A8).
#[test]
fn whatever_a_session_rests_on_ends_it_when_it_is_taken_away() {
    let before = documents();
    let admission = admitted(&before);
    let open = admission.intervention().clone();
    assert_eq!(admission.recheck(&before, Some(&open), t0()), Ok(()));

    let (provider, client) = (maintech(), hopital(DBA));
    let no_key = format!("keys = [\"{}\"]\nstations", line(ALICE));
    let changed = EndReason::MatrixChanged {
        target: target("db01"),
    };
    let station = |why| {
        EndReason::Withdrawn(Ended::StationWithdrawn {
            station: StationId::parse("atelier-1").unwrap(),
            why,
        })
    };
    use ecluse_policy::identity::StationFault;
    let cases: Vec<(&str, String, String, EndReason)> = vec![
        (
            "key",
            provider.replace(&no_key, "keys = []\nstations"),
            client.clone(),
            EndReason::Withdrawn(Ended::KeyWithdrawn {
                person: person("alice"),
            }),
        ),
        (
            "revoked key",
            provider.replace(
                "revoked-serials",
                &format!(
                    "revoked-keys = [\"{}\"]\nrevoked-serials",
                    key(ALICE).fingerprint()
                ),
            ),
            client.clone(),
            EndReason::Withdrawn(Ended::KeyWithdrawn {
                person: person("alice"),
            }),
        ),
        (
            "disabled",
            provider.replace("id = \"alice\"", "id = \"alice\"\ndisabled = true"),
            client.clone(),
            EndReason::Withdrawn(Ended::PersonDisabled {
                person: person("alice"),
            }),
        ),
        (
            "expired",
            provider.replace("2027-12-31", "2026-11-22"),
            client.clone(),
            EndReason::Withdrawn(Ended::PersonExpired {
                person: person("alice"),
                expired_at: at("2026-11-23T00:00:00Z"),
            }),
        ),
        (
            "stations",
            provider.replace(r#"stations = ["atelier-1"]"#, "stations = []"),
            client.clone(),
            station(StationFault::NotTheirs),
        ),
        (
            "networks",
            provider.replace(r#"networks = ["192.0.2.0/24"]"#, "networks = []"),
            client.clone(),
            station(StationFault::Source),
        ),
        (
            "station off",
            provider.replace("id = \"atelier-1\"", "id = \"atelier-1\"\ndisabled = true"),
            client.clone(),
            station(StationFault::Disabled),
        ),
        (
            "group",
            provider
                .replace(r#"groups = ["dba"]"#, "")
                .replace(r#"["web"]"#, r#"["web", "dba"]"#),
            client.clone(),
            changed.clone(),
        ),
        ("flow", provider.clone(), hopital(""), changed.clone()),
        (
            "target of flow",
            provider.clone(),
            client
                .replace(r#"targets = ["db01"]"#, "targets = []")
                .replace(r#"accounts = ["postgres"]"#, "accounts = []"),
            changed.clone(),
        ),
        (
            "hours",
            provider.clone(),
            client.replace("07:00-20:00", "07:00-12:00"),
            changed.clone(),
        ),
        (
            "closed hours",
            provider.clone(),
            client.replace("07:00-20:00", "13:00-20:00"),
            changed.clone(),
        ),
        (
            "two operators",
            provider.clone(),
            client.replace("by = 1", "by = 2"),
            changed.clone(),
        ),
        (
            "shorter",
            provider.clone(),
            client.replace("\"4h\"", "\"1h\""),
            changed.clone(),
        ),
        (
            "address",
            provider.clone(),
            client.replace("10.1.2.3:22", "10.1.2.9:22"),
            changed.clone(),
        ),
        (
            "host key",
            provider.clone(),
            client.replacen(&line(HOST), &line(STRANGER), 1),
            changed,
        ),
    ];
    for (what, provider, client, reason) in cases {
        assert!(
            provider != maintech() || client != hopital(DBA),
            "{what}: the case changes nothing"
        );
        let after = documents_of(&provider, &client);
        let expected = Err(reason);
        assert_eq!(
            admission.recheck(&after, Some(&open), t0()),
            expected,
            "{what}"
        );
        let shell = permitted(admission.decide(&FlowRequest::Shell, t0()));
        let channel = admission.recheck_channel(&shell, &after, Some(&open), t0());
        assert_eq!(channel, expected, "{what}: its channels with it");
    }
    let ended = |state| {
        Err(EndReason::InterventionEnded {
            number: InterventionNumber(17),
            state,
            because: None,
        })
    };
    assert_eq!(admission.recheck(&before, None, t0()), ended("gone"));
    let closed = open
        .closed_by(&before, &odile(&before), "enough", t0())
        .unwrap();
    assert_eq!(
        admission.recheck(&before, Some(&closed), t0()),
        Err(EndReason::InterventionEnded {
            number: InterventionNumber(17),
            state: "closed",
            because: Some(Withdrawal {
                by: odile(&before).person().clone(),
                reason: Some("enough".to_owned()),
            }),
        })
    );
    // What is put on record of it says who, and why.
    let said = admission.recheck(&before, Some(&closed), t0()).unwrap_err();
    assert_eq!(
        said.to_string(),
        "intervention #17 was ended by odile: enough"
    );
    let finished = open.finished_by(&before, &alice(&before), t0()).unwrap();
    let said = admission
        .recheck(&before, Some(&finished), t0())
        .unwrap_err();
    assert_eq!(said.to_string(), "intervention #17 was ended by alice");
    let end = admission.closes_at();
    let over = Err(EndReason::WindowOver { closed_at: end });
    assert_eq!(admission.recheck(&before, Some(&open), end), over);
    assert_eq!(
        admission.recheck(&before, Some(&open.expire_if_due(end).unwrap()), end),
        over
    );
    // More than before takes nothing away.
    let more = documents_of(
        &maintech(),
        &hopital(&DBA.replace(r#""shell""#, r#""shell", "command: uptime""#)),
    );
    assert_eq!(admission.recheck(&more, Some(&open), t0()), Ok(()));
}

/// Invariant 6: a lost line ends the channels that it permitted, and those of other lines go on.
#[test]
fn a_lost_rule_ends_its_own_channels_and_no_others() {
    let before = documents();
    let admission = admitted(&before);
    let open = admission.intervention().clone();
    let shell = permitted(admission.decide(&FlowRequest::Shell, t0()));
    let dump = permitted(admission.decide(&command("pg_dump --schema-only x"), t0()));
    let client = hopital(DBA);
    let changed = Err(EndReason::MatrixChanged {
        target: target("db01"),
    });
    let without = |text: &str| {
        let less = client.replace(text, "");
        assert_ne!(less, client, "{text}: the case changes nothing");
        documents_of(&maintech(), &less)
    };
    for (taken, ends, goes_on) in [
        (r#""shell", "#, &shell, &dump),
        (r#""command: pg_dump --schema-only {db}", "#, &dump, &shell),
    ] {
        let after = without(taken);
        let ask = |permit| admission.recheck_channel(permit, &after, Some(&open), t0());
        assert_eq!(ask(ends), changed, "{taken}");
        assert_eq!(ask(goes_on), Ok(()), "{taken}");
        assert_eq!(
            admission.recheck(&after, Some(&open), t0()),
            Ok(()),
            "{taken}"
        );
    }
    // A variable that was sent cannot be taken back, and no channel rests on it.
    let fewer = without(" LC_*");
    for permit in [&shell, &dump] {
        let asked = admission.recheck_channel(permit, &fewer, Some(&open), t0());
        assert_eq!(asked, Ok(()));
    }
    // A line's own end is told as that.
    let end = shell.closes_at();
    let over = EndReason::WindowOver { closed_at: end };
    let asked = admission.recheck_channel(&shell, &before, Some(&open), end);
    assert_eq!(asked, Err(over));
}

#[test]
fn whoever_is_withdrawn_is_neither_admitted_nor_heard() {
    let before = documents();
    let (alice, granted) = (alice(&before), approved(&before));
    let off = maintech().replace("id = \"alice\"", "id = \"alice\"\ndisabled = true");
    let after = documents_of(&off, &hopital(DBA));
    let ended = Refusal::Ended(Ended::PersonDisabled {
        person: person("alice"),
    });
    assert_eq!(
        admit(&after, &alice, &target("db01"), None, &[granted], t0()).unwrap_err(),
        ended
    );
    assert_eq!(
        requested(&after, &alice, ask_for(&["db01"], "1h"), t0()).unwrap_err(),
        ended
    );
}
