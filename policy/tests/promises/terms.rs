//! Promises about terms: what a permit brings with it, and derogations that end (F2, F3, I3, P15).

use ecluse_policy::*;

use crate::site::*;

fn flows(allow: &str) -> Documents {
    with_flows(&DBA.replace(
        r#"["shell", "command: pg_dump --schema-only {db}", "env: LANG LC_*"]"#,
        allow,
    ))
}

const EVERY_SIGNAL: [&str; 13] = [
    "ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1",
    "USR2",
];

fn signals(permit: &Permit) -> Vec<&'static str> {
    let passes = |name: &&str| {
        permit
            .decide(&FlowRequest::Signal((*name).into()), t0())
            .is_ok()
    };
    EVERY_SIGNAL.into_iter().filter(passes).collect()
}

/// F2: everything that SSH can ask on an open channel is asked of its permit, and what the line does not bring is
/// refused by name.
#[test]
fn a_shell_brings_a_terminal_and_every_signal_a_command_four_signals() {
    let admission = admitted(&flows(&format!(
        r#"["shell", {ANY}, "command: uptime", "env: LANG"]"#
    )));
    let shell = permitted(admission.open(&with_terminal(FlowRequest::Shell, "xterm"), t0()));
    assert_eq!(shell.terms().terminal().map(Term::as_str), Some("xterm"));
    assert_eq!(signals(&shell), EVERY_SIGNAL);
    assert_eq!(shell.decide(&FlowRequest::WindowChange, t0()), Ok(()));

    let plain = permitted(admission.decide(&FlowRequest::Shell, t0()));
    let refusal = plain.decide(&FlowRequest::WindowChange, t0()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "a new window size does not come with `shell`"
    );

    for text in ["uptime", "id; whoami"] {
        let permit = permitted(admission.open(&with_terminal(command(text), "xterm"), t0()));
        assert_eq!(signals(&permit), ["HUP", "INT", "QUIT", "TERM"], "{text}");
        let refusal = permit
            .decide(&FlowRequest::Signal("USR1".into()), t0())
            .unwrap_err();
        assert_eq!(
            refusal,
            Refusal::NotBrought {
                flow: FlowRequest::Signal("USR1".into()),
                line: permit.capability().to_string()
            }
        );
    }
    for permit in [&shell, &plain] {
        for never in [
            FlowRequest::Break,
            FlowRequest::Pty,
            FlowRequest::Shell,
            command("id"),
            env("LANG", "C"),
            FlowRequest::AgentForwarding,
            FlowRequest::UnknownRequest("x".into()),
            FlowRequest::Signal("int".into()),
            FlowRequest::Signal("SIGINT".into()),
            FlowRequest::Signal("INT\0".into()),
            FlowRequest::Signal(String::new()),
        ] {
            assert!(permit.decide(&never, t0()).is_err(), "{never}");
        }
        let closed_at = permit.closes_at();
        assert_eq!(
            permit.decide(&FlowRequest::Signal("INT".into()), closed_at),
            Err(Refusal::WindowOver { closed_at })
        );
    }
}

/// A terminal where the line gives none is refused before anything runs, in words that say what to do.
#[test]
fn a_template_gives_a_terminal_only_where_it_is_written() {
    let plain = admitted(&flows(r#"["command: pg_dump --schema-only {db}"]"#));
    let dump = || command("pg_dump --schema-only prod");
    let permit = permitted(plain.decide(&dump(), t0()));
    assert_eq!(permit.terms().terminal(), None);
    let refusal = refused(plain.open(&with_terminal(dump(), "xterm"), t0()));
    assert_eq!(
        refusal.to_string(),
        "the command `pg_dump --schema-only prod` is allowed without a terminal only (flow dba: \
         `command: pg_dump --schema-only {db}`); run it without one: ssh -T"
    );
    // What is not allowed at all is refused as that, terminal or not.
    assert!(matches!(
        refused(plain.open(&with_terminal(command("id"), "xterm"), t0())),
        Refusal::Command { .. }
    ));
    let written = admitted(&flows(
        r#"[{ line = "command: pg_dump --schema-only {db}", terminal = true, why = "it asks" }]"#,
    ));
    let permit = permitted(written.open(&with_terminal(dump(), "xterm"), t0()));
    assert!(permit.terms().terminal().is_some());
}

/// Of two lines that allow a command, the one that gives what was asked beside it answers, with its own end.
#[test]
fn the_line_that_gives_the_terminal_answers_with_its_own_end() {
    let short = DBA.replace("\"dba\"", "\"short\"").replace("4h", "2h").replace(
        r#"["shell", "command: pg_dump --schema-only {db}", "env: LANG LC_*"]"#,
        r#"[{ line = "command: uptime", terminal = true, owner = "Odile", until = "2026-11-23T11:00:00Z" }]"#,
    );
    let long = DBA.replace("\"shell\", ", "\"command: uptime\", ");
    let admission = admitted(&with_flows(&format!("{long}{short}")));
    let with = permitted(admission.open(&with_terminal(command("uptime"), "xterm"), t0()));
    assert_eq!(
        (with.flow().as_str(), with.closes_at()),
        ("short", at("2026-11-23T11:00:00Z"))
    );
    let without = permitted(admission.decide(&command("uptime"), t0()));
    assert_eq!(without.flow().as_str(), "dba");
}

/// A terminal's name is a name to every shell, path and printer. What is none is refused, not replaced: a terminal
/// under a wrong name draws nonsense.
#[test]
fn a_terminals_name_is_a_name() {
    let admission = admitted(&documents());
    for good in [
        "xterm-256color",
        "screen.xterm-256color",
        "vt100",
        "Eterm+x",
        "a_b",
    ] {
        assert_eq!(Term::parse(good).unwrap().as_str(), good);
    }
    assert_eq!(
        Term::parse("").unwrap().as_str(),
        "dumb",
        "clients without TERM send an empty one"
    );
    assert!(Term::parse(&"a".repeat(64)).is_ok());
    for bad in [
        "() { :;}; id",
        "xterm;id",
        "../../etc/passwd",
        "a/b",
        "a b",
        "a\nb",
        "a\0",
        "é",
        "$TERM",
        &"a".repeat(65),
        &"x".repeat(60_000),
    ] {
        let refusal = refused(admission.open(&with_terminal(FlowRequest::Shell, bad), t0()));
        assert!(matches!(refusal, Refusal::Term(_)), "{bad}: {refusal}");
        let said = refusal.to_string();
        assert!(
            said.contains("accepted: 1 to 64 of A-Z") && said.len() < 400,
            "{said}"
        );
    }
}

#[test]
fn the_permit_holds_the_variables_that_pass() {
    let admission = admitted(&documents());
    let start = StartRequest {
        environment: [
            ("LANG", "C"),
            ("PATH", "/x"),
            ("LC_ALL", "C"),
            ("FOO", "x"),
            ("LANG", "../x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..StartRequest::plain(FlowRequest::Shell)
    };
    let permit = permitted(admission.open(&start, t0()));
    let sent: Vec<&str> = permit
        .terms()
        .environment()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(sent, ["LANG", "LC_ALL"]);
}

// ── derogations

const UNTIL_NOON: &str =
    r#"["shell", { line = "command: *", owner = "Odile", until = "2026-11-23T11:00:00Z" }]"#;

/// P15: on its last day the right ends, what was opened by it too, and the rest stands.
#[test]
fn a_derogation_that_is_over_ends_its_right_and_nothing_else() {
    let documents = flows(UNTIL_NOON);
    let noon = at("2026-11-23T11:00:00Z");
    let admission = admitted(&documents);
    let permit = permitted(admission.decide(&command("id"), t0()));
    assert_eq!(permit.closes_at(), noon);
    let shell = permitted(admission.decide(&FlowRequest::Shell, t0()));
    assert_eq!(shell.closes_at(), t0().plus(span("2h")));
    assert_eq!(
        refused(admission.decide(&command("id"), noon)),
        Refusal::DerogationOver {
            line: "command: *".into(),
            line_of: FlowName::parse("dba").unwrap(),
            over_at: noon
        }
    );
    let _ = permitted(admission.decide(&FlowRequest::Shell, noon));
    assert_eq!(
        admission.recheck(&documents, Some(admission.intervention()), noon),
        Ok(()),
        "the shell of the same session goes on"
    );
    // Afterwards nobody is offered it, and nobody gets it.
    let offered = |now| {
        matrix_scope(&documents, &person("alice"), now)
            .iter()
            .any(|reach| reach.scope.capabilities.contains(&capability("command: *")))
    };
    assert!(offered(t0()) && !offered(noon));
    let ask = || Ask {
        capabilities: Some(vec![capability("command: *")]),
        ..ask_for(&["db01"], "1h")
    };
    assert!(requested(&documents, &alice(&documents), ask(), t0()).is_ok());
    assert!(matches!(
        requested(&documents, &alice(&documents), ask(), noon).unwrap_err(),
        Refusal::NotInMatrix { .. }
    ));
    let again = admit(
        &documents,
        &alice(&documents),
        &target("db01"),
        None,
        &[approved(&documents)],
        noon,
    )
    .unwrap();
    let _ = refused(again.decide(&command("id"), noon));
    let only = flows(&UNTIL_NOON.replace("\"shell\", ", ""));
    assert!(matches!(
        admit(
            &only,
            &alice(&only),
            &target("db01"),
            None,
            &[approved(&only)],
            noon
        )
        .unwrap_err(),
        Refusal::NotListed { .. }
    ));
}

/// A session is checked again when documents change: an earlier end, or a terminal taken away, ends it.
#[test]
fn a_term_that_is_taken_away_ends_what_was_admitted_with_it() {
    let before = flows(
        r#"[{ line = "command: uptime", terminal = true, owner = "Odile", until = "2027-03-31" }]"#,
    );
    let admission = admitted(&before);
    let check =
        |allow: &str| admission.recheck(&flows(allow), Some(admission.intervention()), t0());
    let changed = Err(EndReason::MatrixChanged {
        target: target("db01"),
    });
    assert_eq!(
        check(r#"[{ line = "command: uptime", terminal = true, why = "new words" }]"#),
        Ok(())
    );
    assert_eq!(check(r#"["command: uptime"]"#), changed);
    assert_eq!(
        check(
            r#"[{ line = "command: uptime", terminal = true, owner = "Odile", until = "2026-11-23T10:30:00Z" }]"#
        ),
        changed
    );
}

/// An old document, in force since an earlier version, reads: what it lacks is not in force, and the rest stands.
/// Whoever applies it now is told what to write.
#[test]
fn a_derogation_without_owner_or_end_is_never_in_force_and_said_by_check() {
    let old = with_flows(
        &DBA.replace("\"command: pg_dump --schema-only {db}\"", "\"command: *\"")
            .replace("4h", "72h")
            .replace("env: LANG LC_*", "env: LANG FOO_* LD_PRELOAD"),
    );
    let admission = admitted(&old);
    let _ = permitted(admission.decide(&FlowRequest::Shell, t0()));
    assert!(matches!(
        refused(admission.decide(&command("id"), t0())),
        Refusal::FlowNotListed { .. }
    ));
    let _ = permitted(admission.decide(&env("LANG", "C"), t0()));
    let _ = refused(admission.decide(&env("FOO_X", "C"), t0()));
    let _ = refused(admission.decide(&env("LD_PRELOAD", "C"), t0()));
    assert!(matches!(
        requested(&old, &alice(&old), ask_for(&["db01"], "25h"), t0()).unwrap_err(),
        Refusal::Length { at_most, .. } if at_most == span("24h")
    ));
    let said: Vec<String> = old.outdated().iter().map(ToString::to_string).collect();
    let place = "clients/hopital.toml:";
    let has = |key: &str, words: &str| {
        said.iter()
            .any(|line| line.starts_with(place) && line.contains(key) && line.contains(words))
    };
    assert_eq!(said.len(), 4, "{said:#?}");
    assert!(
        has(
            "flow.dba.allow",
            "accepted: { line = \"command: *\", owner = \"the person who answers for it\", until = \"2027-03-31\" }"
        ),
        "{said:#?}"
    );
    assert!(
        has("flow.dba.allow", "`FOO_*` reaches nothing"),
        "{said:#?}"
    );
    assert!(has("flow.dba.allow", "`LD_PRELOAD` can make"), "{said:#?}");
    assert!(
        has("flow.dba.approval.at-most", "3d is longer than a day"),
        "{said:#?}"
    );
    assert!(
        has("flow.dba.approval.at-most", "long = true, owner = "),
        "{said:#?}"
    );
    assert_eq!(documents().outdated(), []);
}

/// I3: no window is a permanent link. Longer than a day is a derogation, and ends with it.
#[test]
fn a_window_is_a_day_at_most_unless_a_derogation_says_longer() {
    let long = |until: &str| {
        with_flows(
            &DBA.replace("mon-fri 07:00-20:00 Europe/Paris", "always")
                .replace(
                    "at-most = \"4h\"",
                    &format!(
                        "at-most = \"72h\", long = true, owner = \"Odile\", until = \"{until}\""
                    ),
                ),
        )
    };
    let admitted_for = |documents: &Documents, length: &str| {
        let granted = requested(
            documents,
            &alice(documents),
            ask_for(&["db01"], length),
            t0(),
        )
        .unwrap()
        .approved_by(documents, &odile(documents), &Narrowing::default(), t0())
        .unwrap();
        admit(
            documents,
            &alice(documents),
            &target("db01"),
            None,
            &[granted],
            t0(),
        )
        .unwrap()
    };
    let holds = long("2026-11-30");
    assert_eq!(
        admitted_for(&holds, "72h").closes_at(),
        t0().plus(span("72h"))
    );
    // It ends with the derogation, on the evening of the 24th in UTC.
    let ends = long("2026-11-24");
    let admission = admitted_for(&ends, "72h");
    assert_eq!(admission.closes_at(), at("2026-11-25T00:00:00Z"));
    assert!(
        admission
            .recheck(
                &ends,
                Some(admission.intervention()),
                at("2026-11-25T00:00:00Z")
            )
            .is_err()
    );
    // What needs none is not ended by it.
    let over = long("2026-11-22");
    assert_eq!(
        admitted_for(&over, "24h").closes_at(),
        t0().plus(span("24h"))
    );
    assert!(matches!(
        requested(&over, &alice(&over), ask_for(&["db01"], "25h"), t0()).unwrap_err(),
        Refusal::Length { at_most, .. } if at_most == span("24h")
    ));
    assert_eq!(over.outdated(), [], "one that is over closes nothing else");
}

// ── what people are told

#[test]
fn what_is_over_and_what_shrank_is_named() {
    let documents = with_flows(
        &DBA.replace("\"shell\"", &ANY.replace("2027-03-31", "2026-11-22"))
            .replace("{db}", "{db} {log:word} {path}")
            .replace(
                "at-most = \"4h\"",
                "at-most = \"72h\", long = true, owner = \"Odile\", until = \"2026-11-22\"",
            ),
    );
    let of_flows = |now| -> Vec<String> {
        let remarks = documents.remarks(now).into_iter();
        remarks
            .filter(|remark| remark.key.starts_with("flow."))
            .map(|remark| remark.to_string())
            .collect()
    };
    let said = of_flows(t0());
    assert_eq!(said.len(), 3, "{said:#?}");
    for (place, words) in [
        (
            "flow.dba.allow: `command: *` is over (owner Odile, until 2026-11-22)",
            "the rest stands",
        ),
        (
            "flow.dba.allow: `command: pg_dump --schema-only {db} {log:word} {path}`: {db} takes a name",
            "{db:word} takes what it took before",
        ),
        (
            "flow.dba.approval.long: 3d is over (owner Odile, until 2026-11-22); 1d holds now",
            "the rest stands",
        ),
    ] {
        assert!(
            said.iter()
                .any(|line| line.contains(place) && line.contains(words)),
            "{place}: {said:#?}"
        );
    }
    let before = at("2026-11-22T23:59:59Z");
    assert_eq!(of_flows(before).len(), 1, "the derogations hold");
}

/// The terms, and for a derogation its owner and end, stand in an explanation and in a difference (P15, F7).
#[test]
fn an_explanation_and_a_difference_tell_the_terms() {
    let documents = flows(&format!(r#"["shell", {ANY}, "command: uptime"]"#));
    let explained = |documents: &Documents, request: &FlowRequest| {
        explain(documents, &person("alice"), &target("db01"), request, t0()).to_string()
    };
    let said = explained(&documents, &command("uptime"));
    for words in [
        "\"command: * (owner Odile, until 2027-03-31)\"",
        "with a terminal; signals INT TERM HUP QUIT",
        "\"command: uptime\"",
        "without a terminal; signals INT TERM HUP QUIT",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(
        explained(&documents, &FlowRequest::Shell)
            .contains("with a terminal; signals ABRT ALRM FPE HUP")
    );
    let over = flows(&format!("[{}]", ANY.replace("2027-03-31", "2026-11-01")));
    assert!(
        explained(&over, &command("id"))
            .contains("command: *: over (owner Odile, until 2026-11-01)")
    );
    let unanswered = flows(r#"["command: *"]"#);
    assert!(
        explained(&unanswered, &command("id")).contains("not in force without owner and until")
    );
    let long = with_flows(&DBA.replace(
        "at-most = \"4h\"",
        "at-most = \"72h\", long = true, owner = \"Odile\", until = \"2027-03-31\"",
    ));
    assert!(
        explained(&long, &FlowRequest::Shell)
            .contains("3d at most (owner Odile, until 2027-03-31)")
    );
    let changes: Vec<String> = ecluse_policy::documents::diff(
        &flows(r#"["command: uptime"]"#),
        &flows(r#"[{ line = "command: uptime", terminal = true, why = "it asks" }]"#),
    )
    .into_iter()
    .flat_map(|change| change.detail)
    .collect();
    assert_eq!(
        changes,
        [
            "allow: - command: uptime",
            "allow: + command: uptime (terminal, why: it asks)"
        ]
    );
}
