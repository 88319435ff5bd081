//! Promises of the choke point: who may pass now, and what of it (F1, G2, I1, I3).

use crate::site::*;
use ecluse_policy::capability::{CommandRefused, EnvRefused};
use ecluse_policy::*;

#[test]
fn an_approved_technician_gets_what_was_granted_where_the_document_says() {
    let documents = documents();
    let admission = admitted(&documents);
    let permit = permitted(admission.decide(&FlowRequest::Shell, t0()));
    assert_eq!(permit.destination().to_string(), "10.1.2.3:22");
    assert_eq!(permit.host_keys(), [key(HOST)]);
    assert_eq!(
        (permit.account().as_str(), permit.target().as_str()),
        ("postgres", "db01")
    );
    assert_eq!(permit.closes_at(), t0().plus(span("2h")));
    assert_eq!(permit.flow().as_str(), "dba");
    for request in [
        FlowRequest::SessionChannel,
        FlowRequest::Pty,
        FlowRequest::WindowChange,
        FlowRequest::Signal("INT".into()),
        command("pg_dump --schema-only prod"),
        env("LANG", "fr_FR.UTF-8"),
        env("LC_ALL", "C"),
    ] {
        let _ = permitted(admission.decide(&request, t0()));
    }
}

#[test]
fn every_other_kind_of_channel_and_request_is_refused_by_the_flow_it_lacks() {
    let documents = with_flows(
        &DBA.replace(
            r#""command: pg_dump --schema-only {db}""#,
            r#""command: *""#,
        )
        .replace("LANG LC_*", "*"),
    );
    let admission = admitted(&documents);
    for (request, missing) in never_served() {
        let refusal = refused(admission.decide(&request, t0()));
        assert_eq!(
            refusal,
            Refusal::FlowNotListed {
                flow: request.clone(),
                missing: missing.to_owned()
            }
        );
        assert!(refusal.to_string().contains(missing), "{refusal}");
    }
    for signal in ["", "int", "SIGINT", "INFO", "INT\0", "EVERYTHING"] {
        let _ = refused(admission.decide(&FlowRequest::Signal(signal.into()), t0()));
    }
}

#[test]
fn a_shell_is_not_a_command_and_a_command_is_not_a_shell() {
    let only_shell = with_flows(&DBA.replace(
        r#", "command: pg_dump --schema-only {db}", "env: LANG LC_*""#,
        "",
    ));
    let refusal = refused(admitted(&only_shell).decide(&command("id"), t0()));
    assert_eq!(
        refusal,
        Refusal::FlowNotListed {
            flow: command("id"),
            missing: "command: id".into()
        }
    );
    let _ = refused(admitted(&only_shell).decide(&env("LANG", "C"), t0()));

    let only_command = with_flows(&DBA.replace(r#""shell", "#, ""));
    let admission = admitted(&only_command);
    let refusal = refused(admission.decide(&FlowRequest::Shell, t0()));
    assert_eq!(
        refusal,
        Refusal::FlowNotListed {
            flow: FlowRequest::Shell,
            missing: "shell".into()
        }
    );
    let _ = refused(admission.decide(&FlowRequest::Signal("INT".into()), t0()));
    let _ = permitted(admission.decide(&FlowRequest::Pty, t0()));
    let _ = permitted(admission.decide(&command("pg_dump --schema-only prod"), t0()));
}

#[test]
fn variables_alone_open_no_session() {
    let documents =
        with_flows(&DBA.replace(r#""shell", "command: pg_dump --schema-only {db}", "#, ""));
    let admission = admitted(&documents);
    for request in [
        FlowRequest::SessionChannel,
        FlowRequest::Pty,
        FlowRequest::Shell,
        command("id"),
        FlowRequest::WindowChange,
    ] {
        let _ = refused(admission.decide(&request, t0()));
    }
}

#[test]
fn a_refused_command_says_what_does_not_fit() {
    let documents = documents();
    let admission = admitted(&documents);
    let reason = |text: &str| match refused(admission.decide(&command(text), t0())) {
        Refusal::Command { reason, .. } => reason,
        other => panic!("{other}"),
    };
    assert_eq!(reason("id"), CommandRefused::OtherWords);
    assert_eq!(
        reason("pg_dump --schema-only prod; id"),
        CommandRefused::ShellMeaning { shown: ";".into() }
    );
    assert!(matches!(
        reason("pg_dump --schema-only -f"),
        CommandRefused::Hole { .. }
    ));
}

#[test]
fn a_dangerous_variable_is_refused_even_where_a_pattern_matches_it() {
    let documents = with_flows(&DBA.replace("LANG LC_*", "*"));
    let admission = admitted(&documents);
    for name in [
        "LD_PRELOAD",
        "LD_X",
        "BASH_ENV",
        "ENV",
        "PATH",
        "IFS",
        "PS4",
        "Path",
        "BASH_FUNC_x",
        "PROMPT_COMMAND",
        "PYTHONPATH",
        "GIT_SSH_COMMAND",
        "SSH_AUTH_SOCK",
    ] {
        match refused(admission.decide(&env(name, "x"), t0())) {
            Refusal::Env {
                reason: EnvRefused::Dangerous,
                ..
            } => {}
            other => panic!("{name}: {other}"),
        }
    }
    for (name, value) in [
        ("LANG", "../x"),
        ("LANG", "%n"),
        ("X", "() { :; }; id"),
        ("X", "a\nb"),
        ("X", "\u{1b}[2J"),
    ] {
        assert!(matches!(
            refused(admission.decide(&env(name, value), t0())),
            Refusal::Env {
                reason: EnvRefused::Value,
                ..
            }
        ));
    }
    for name in ["", "A=B", "A B", "1A", "É", "A\0"] {
        assert!(matches!(
            refused(admission.decide(&env(name, "x"), t0())),
            Refusal::Env {
                reason: EnvRefused::NotListed,
                ..
            }
        ));
    }
}

#[test]
fn an_unknown_target_and_one_that_is_not_yours_get_the_same_words() {
    let documents = documents();
    let alice = alice(&documents);
    for id in ["nothing", "archive", "web01"] {
        let refusal = admit(
            &documents,
            &alice,
            &target(id),
            None,
            &[approved(&documents)],
            t0(),
        )
        .unwrap_err();
        assert_eq!(refusal, Refusal::NotListed { target: id.into() });
    }
    assert_eq!(
        requested(&documents, &alice, ask_for(&["archive"], "1h"), t0()).unwrap_err(),
        Refusal::NotListed {
            target: "archive".into()
        }
    );
}

#[test]
fn without_an_approval_nobody_passes_and_each_state_has_its_words() {
    let documents = documents();
    let (alice, odile) = (alice(&documents), odile(&documents));
    let admit = |interventions: &[Intervention], now| {
        admit(
            &documents,
            &alice,
            &target("db01"),
            None,
            interventions,
            now,
        )
    };
    assert_eq!(
        admit(&[], t0()).unwrap_err(),
        Refusal::NoIntervention {
            target: target("db01")
        }
    );

    let asked = requested(&documents, &alice, ask_for(&["db01"], "2h"), t0()).unwrap();
    let pending = |seen_at| Refusal::Pending {
        target: target("db01"),
        number: InterventionNumber(17),
        seen_at,
    };
    assert_eq!(
        admit(std::slice::from_ref(&asked), t0()).unwrap_err(),
        pending(None)
    );
    let seen = asked.seen_by(&documents, &odile, t0()).unwrap();
    assert_eq!(admit(&[seen], t0()).unwrap_err(), pending(Some(t0())));

    let none = Refusal::NoIntervention {
        target: target("db01"),
    };
    let refused = asked.refuse(&documents, &odile, "not today", t0()).unwrap();
    let cancelled = asked.cancel(&alice, t0()).unwrap();
    let expired = asked.expire_if_due(t0().plus(span("24h"))).unwrap();
    let closed = approved(&documents)
        .close(&documents, &odile, "enough", t0())
        .unwrap();
    for over in [refused, cancelled, expired, closed] {
        assert_eq!(admit(&[over], t0()).unwrap_err(), none);
    }
    let late = t0().plus(span("4h"));
    assert_eq!(
        admit(&[approved(&documents)], late).unwrap_err(),
        Refusal::WindowOver { closed_at: late }
    );
}

#[test]
fn a_planned_intervention_opens_when_it_begins_and_not_before() {
    let documents = documents();
    let start = at("2026-11-23T14:00:00Z");
    let ask = Ask {
        start: Some(start),
        ..ask_for(&["db01"], "2h")
    };
    let asked = requested(&documents, &alice(&documents), ask, t0()).unwrap();
    let planned = asked
        .approve(&documents, &odile(&documents), &Narrowing::default(), t0())
        .unwrap();
    let admit = |now| {
        admit(
            &documents,
            &alice(&documents),
            &target("db01"),
            None,
            std::slice::from_ref(&planned),
            now,
        )
    };
    assert_eq!(
        admit(start.minus(Span::from_micros(1))).unwrap_err(),
        Refusal::NotYet {
            number: InterventionNumber(17),
            starts_at: start
        }
    );
    assert_eq!(admit(start).unwrap().closes_at(), start.plus(span("2h")));
}

#[test]
fn the_length_counts_from_the_first_use_up_to_a_hard_end() {
    let documents = documents();
    let (alice, granted) = (alice(&documents), approved(&documents));
    let later = t0().plus(span("3h"));
    let admission = admit(&documents, &alice, &target("db01"), None, &[granted], later).unwrap();
    assert!(admission.is_first_use());
    assert_eq!(
        admission.closes_at(),
        t0().plus(span("4h")),
        "4h after the approval, whenever the first use was"
    );
    let again = admit(
        &documents,
        &alice,
        &target("db01"),
        None,
        &[admission.intervention().clone()],
        later.plus(span("30m")),
    )
    .unwrap();
    assert!(!again.is_first_use());
    assert_eq!(
        again.closes_at(),
        admission.closes_at(),
        "a second session buys no time"
    );
}

#[test]
fn outside_the_hours_nothing_is_open_and_the_end_of_the_hours_is_an_end() {
    let documents = documents();
    let evening = at("2026-11-23T18:30:00Z"); // 19:30 in Paris
    let asked = requested(
        &documents,
        &alice(&documents),
        ask_for(&["db01"], "4h"),
        evening,
    )
    .unwrap();
    let granted = asked
        .approve(
            &documents,
            &odile(&documents),
            &Narrowing::default(),
            evening,
        )
        .unwrap();
    let admit = |now| {
        admit(
            &documents,
            &alice(&documents),
            &target("db01"),
            None,
            std::slice::from_ref(&granted),
            now,
        )
    };
    let closes = at("2026-11-23T19:00:00Z");
    assert_eq!(admit(evening).unwrap().closes_at(), closes);
    assert_eq!(
        admit(closes).unwrap_err(),
        Refusal::OutsideHours {
            target: target("db01"),
            opens_at: Some(at("2026-11-24T06:00:00Z"))
        }
    );
    assert_eq!(
        refused(admit(evening).unwrap().decide(&FlowRequest::Shell, closes)),
        Refusal::WindowOver { closed_at: closes }
    );
}

#[test]
fn an_intervention_belongs_to_the_station_and_the_person_that_asked() {
    let flows = DBA.replace("maintech:dba", "maintech:*");
    let documents = documents_of(
        &maintech().replace(r#"stations = ["atelier-1"]"#, r#"stations = ["*"]"#),
        &hopital(&flows),
    );
    let granted = approved(&documents);
    let elsewhere = log_in(&documents, "alice", &[ATELIER_2, ALICE], t0())
        .unwrap()
        .presence()
        .unwrap();
    assert_eq!(
        admit(
            &documents,
            &elsewhere,
            &target("db01"),
            None,
            std::slice::from_ref(&granted),
            t0()
        )
        .unwrap_err(),
        Refusal::OtherStation {
            number: InterventionNumber(17),
            asked_from: StationId::parse("atelier-1").unwrap()
        }
    );
    assert_eq!(
        admit(
            &documents,
            &bruno(&documents),
            &target("db01"),
            None,
            &[granted],
            t0()
        )
        .unwrap_err(),
        Refusal::NoIntervention {
            target: target("db01")
        }
    );
}

#[test]
fn an_account_that_was_not_granted_is_refused_and_several_must_be_named() {
    let both = DBA.replace(
        r#"accounts = ["postgres"]"#,
        r#"accounts = ["postgres", "ops"]"#,
    );
    let documents = with_flows(&both);
    let alice = alice(&documents);
    let named = set([account("ops"), account("postgres")]);
    assert_eq!(
        requested(&documents, &alice, ask_for(&["db01"], "1h"), t0()).unwrap_err(),
        Refusal::NameAccount {
            accounts: named.clone()
        }
    );
    let approve = |name: &str, number| {
        let ask = Ask {
            account: Some(account(name)),
            ..ask_for(&["db01"], "1h")
        };
        let (id, number) = ids(number);
        let asked = ecluse_policy::intervention::request(
            &documents,
            &alice,
            ask,
            Waiting::counted(0, 0),
            id,
            number,
            t0(),
        )
        .unwrap();
        asked
            .approve(&documents, &odile(&documents), &Narrowing::default(), t0())
            .unwrap()
    };
    let (postgres, ops) = (approve("postgres", 1), approve("ops", 2));
    let admit = |account: Option<&AccountName>, interventions: &[Intervention]| {
        admit(
            &documents,
            &alice,
            &target("db01"),
            account,
            interventions,
            t0(),
        )
    };
    assert_eq!(
        admit(None, std::slice::from_ref(&ops)).unwrap().account(),
        &account("ops")
    );
    assert_eq!(
        admit(Some(&account("postgres")), std::slice::from_ref(&ops)).unwrap_err(),
        Refusal::NotGranted {
            number: InterventionNumber(2),
            what: "postgres".into()
        }
    );
    assert_eq!(
        admit(None, &[postgres.clone(), ops.clone()]).unwrap_err(),
        Refusal::ChooseAccount {
            target: target("db01"),
            accounts: named
        }
    );
    assert_eq!(
        admit(Some(&account("postgres")), &[postgres, ops])
            .unwrap()
            .account(),
        &account("postgres")
    );
}

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
        })
    };
    assert_eq!(admission.recheck(&before, None, t0()), ended("gone"));
    let closed = open
        .close(&before, &odile(&before), "enough", t0())
        .unwrap();
    assert_eq!(
        admission.recheck(&before, Some(&closed), t0()),
        ended("closed")
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

/// A flow that is easier to get never makes another one easier: each keeps its own conditions.
#[test]
fn flows_do_not_lend_each_other_their_conditions() {
    let strict = DBA
        .replace("name = \"dba\"", "name = \"strict\"")
        .replace(
            r#"["shell", "command: pg_dump --schema-only {db}", "env: LANG LC_*"]"#,
            r#"["command: reboot"]"#,
        )
        .replace("by = 1", "by = 2");
    let documents = with_flows(&format!("{DBA}{strict}"));
    let ask = Ask {
        capabilities: Some(vec![capability("shell")]),
        ..ask_for(&["db01"], "1h")
    };
    let asked = requested(&documents, &alice(&documents), ask, t0()).unwrap();
    let one = asked
        .approve(&documents, &odile(&documents), &Narrowing::default(), t0())
        .unwrap();
    let admission = admit(
        &documents,
        &alice(&documents),
        &target("db01"),
        None,
        &[one],
        t0(),
    )
    .unwrap();
    let _ = permitted(admission.decide(&FlowRequest::Shell, t0()));
    let _ = refused(admission.decide(&command("reboot"), t0()));

    let everything = requested(
        &documents,
        &alice(&documents),
        ask_for(&["db01"], "1h"),
        t0(),
    )
    .unwrap();
    let first = everything
        .approve(&documents, &odile(&documents), &Narrowing::default(), t0())
        .unwrap();
    assert_eq!(
        first.state(),
        &State::Requested,
        "the strict part needs a second operator"
    );
    let second = first
        .approve(&documents, &olive(&documents), &Narrowing::default(), t0())
        .unwrap();
    let admission = admit(
        &documents,
        &alice(&documents),
        &target("db01"),
        None,
        &[second],
        t0(),
    )
    .unwrap();
    let _ = permitted(admission.decide(&command("reboot"), t0()));
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

/// `brief` is always open and short, `long` closes at 10:30 UTC: what one allows is not lengthened by the other.
#[test]
fn a_short_flow_does_not_serve_a_long_grant_nor_outlast_its_own_time() {
    let flow = |name: &str, hours: &str, at_most: &str| {
        DBA.replace("name = \"dba\"", &format!("name = \"{name}\""))
            .replace("mon-fri 07:00-20:00 Europe/Paris", hours)
            .replace("\"4h\"", &format!("\"{at_most}\""))
    };
    let documents = with_flows(&format!(
        "{}{}",
        flow("brief", "always", "1h"),
        flow("long", "mon 10:30-11:30 Europe/Paris", "4h")
    ));
    let admit_at = |length: &str, now: &str| {
        let asked = requested(
            &documents,
            &alice(&documents),
            ask_for(&["db01"], length),
            t0(),
        )
        .unwrap();
        let granted = asked
            .approve(&documents, &odile(&documents), &Narrowing::default(), t0())
            .unwrap();
        admit(
            &documents,
            &alice(&documents),
            &target("db01"),
            None,
            &[granted],
            at(now),
        )
    };
    assert!(admit_at("3h", "2026-11-23T10:29:00Z").is_ok());
    assert!(
        matches!(
            admit_at("3h", "2026-11-23T10:45:00Z"),
            Err(Refusal::OutsideHours { .. })
        ),
        "brief never lasts 3h"
    );
    assert_eq!(
        admit_at("1h", "2026-11-23T10:45:00Z").unwrap().closes_at(),
        t0().plus(span("1h")),
        "brief ends 1h after the approval"
    );
}

#[test]
fn every_refusal_has_its_sentence_among_the_known_ones() {
    let documents = documents();
    let admission = admitted(&documents);
    let mut refusals: Vec<Refusal> = never_served()
        .into_iter()
        .map(|(request, _)| refused(admission.decide(&request, t0())))
        .collect();
    refusals.push(refused(admission.decide(&command("id"), t0())));
    refusals.push(refused(
        admission.decide(&FlowRequest::Shell, Timestamp::MAX),
    ));
    refusals.push(Refusal::Ended(Ended::PersonRemoved {
        person: person("alice"),
    }));
    for refusal in refusals {
        assert!(TEXT_IDS.contains(&refusal.text_id()), "{refusal}");
        assert!(!refusal.to_string().chars().any(char::is_control));
    }
}
