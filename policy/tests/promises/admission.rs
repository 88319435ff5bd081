//! Promises of the choke point: who may pass, and what of it (F1, G2, I1, I3). When is in `windows`, until when in `withdrawal`.

use ecluse_policy::capability::{CommandRefused, EnvRefused};
use ecluse_policy::*;

use crate::site::*;

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
        &DBA.replace(r#""command: pg_dump --schema-only {db}""#, ANY)
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
        ("COLORTERM", "() { :; }; id"),
        ("COLORTERM", "a\nb"),
        ("COLORTERM", "\u{1b}[2J"),
        ("TZ", "/etc/passwd"),
        ("TZ", ":/etc/passwd"),
        ("TZ", "../../etc/passwd"),
    ] {
        assert!(matches!(
            refused(admission.decide(&env(name, value), t0())),
            Refusal::Env {
                reason: EnvRefused::Value,
                ..
            }
        ));
    }
    for name in [
        "",
        "A=B",
        "A B",
        "1A",
        "É",
        "A\0",
        "X",
        "ORACLE_SID",
        "TERM",
    ] {
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
        let asked = request_by(
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
            .approved_by(&documents, &odile(&documents), &Narrowing::default(), t0())
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

/// A1: a flow is never refused by one intervention while another of the same person permits it, and a session's own
/// intervention decides alone what joins it.
#[test]
fn a_flow_is_looked_up_on_the_intervention_that_permits_it() {
    let documents = with_flows(DBA);
    let alice = alice(&documents);
    let approve = |only: &str, number: u64| {
        let ask = Ask {
            capabilities: Some(vec![capability(only)]),
            ..ask_for(&["db01"], "2h")
        };
        let (id, number) = ids(number);
        let waiting = Waiting::counted(0, 0);
        let asked = request_by(&documents, &alice, ask, waiting, id, number, t0()).unwrap();
        let yes = Narrowing::default();
        let approved = asked.approved_by(&documents, &odile(&documents), &yes, t0());
        approved.unwrap()
    };
    let (dumps, shells) = (
        approve("command: pg_dump --schema-only {db}", 1),
        approve("shell", 2),
    );
    let both = [dumps.open(t0()).unwrap(), shells.clone()];
    let db01 = target("db01");
    let admit_flow = |flow: &FlowRequest| {
        let flow = &StartRequest::plain(flow.clone());
        admit_for(&documents, &alice, &db01, None, Some(flow), &both, t0()).unwrap()
    };
    let shell = admit_flow(&FlowRequest::Shell);
    assert_eq!(shell.intervention().id(), shells.id());
    assert!(matches!(
        shell.decide(&FlowRequest::Shell, t0()),
        Verdict::Permit(_)
    ));
    let dump = admit_flow(&command("pg_dump --schema-only hr"));
    assert_eq!(dump.intervention().id(), dumps.id());
    // What neither permits is refused by the one that is open, as without a flow.
    let neither = admit_flow(&command("reboot"));
    assert_eq!(neither.intervention().id(), dumps.id());
    assert!(matches!(
        neither.decide(&command("reboot"), t0()),
        Verdict::Refuse(_)
    ));

    let renewed = dump.renewed(&documents, &both[0], t0()).unwrap();
    assert!(matches!(
        renewed.decide(&FlowRequest::Shell, t0()),
        Verdict::Refuse(_)
    ));
    assert_eq!(
        dump.renewed(&documents, &shells, t0()).unwrap_err(),
        Refusal::NoIntervention { target: db01 }
    );
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
        .approved_by(&documents, &odile(&documents), &Narrowing::default(), t0())
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
        .approved_by(&documents, &odile(&documents), &Narrowing::default(), t0())
        .unwrap();
    assert_eq!(
        first.state(),
        &State::Requested,
        "the strict part needs a second operator"
    );
    let second = first
        .approved_by(&documents, &olive(&documents), &Narrowing::default(), t0())
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
