//! Promises about terms: what a permit brings with it, the terminal, its name, signals, variables (F2, F3).

use ecluse_policy::*;

use crate::site::*;

pub(crate) fn flows(allow: &str) -> Documents {
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
            FlowRequest::UnnamedRequest { bytes: 44 },
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

/// What runs is checked again when documents change: an earlier end, or a terminal taken away, ends it.
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
