//! Promises of the choke point about what is taken away while it is in use (I3, A8).

use ecluse_policy::*;

use crate::site::*;

/// Whatever is taken away while a session lasts ends it (invariant 6, A8).
#[test]
fn everything_that_is_taken_away_ends_the_session() {
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
            "shell",
            provider.clone(),
            client.replace(r#""shell", "#, ""),
            changed.clone(),
        ),
        (
            "env",
            provider.clone(),
            client.replace(" LC_*", ""),
            changed.clone(),
        ),
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
        assert_eq!(
            admission.recheck(&after, Some(&open), t0()),
            Err(reason),
            "{what}"
        );
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
                reason: "enough".to_owned(),
            }),
        })
    );
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
