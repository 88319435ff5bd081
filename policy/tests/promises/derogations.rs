//! Promises about derogations: each has an owner and an end, and ends (I3, P15).

use ecluse_policy::*;

use crate::site::*;
use crate::terms::flows;

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
    // What was opened by it is told whose day ended, and that no window closed.
    let over = EndReason::DerogationOver {
        line: "command: *".into(),
        line_of: FlowName::parse("dba").unwrap(),
        over_at: noon,
    };
    assert_eq!(*permit.end(), over);
    assert!(over.is_of_time() && !over.ends_presence());
    let shell = permitted(admission.decide(&FlowRequest::Shell, t0()));
    assert_eq!(shell.closes_at(), t0().plus(span("2h")));
    assert_eq!(
        *shell.end(),
        EndReason::WindowOver {
            closed_at: shell.closes_at()
        }
    );
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
    // A session that nothing else keeps open ends by it, in the same words.
    let alone = admitted(&only);
    assert_eq!(
        alone.recheck(&only, Some(alone.intervention()), noon),
        Err(over.clone())
    );
    assert!(matches!(
        refused(alone.decide(&command("id"), noon)),
        Refusal::DerogationOver { .. }
    ));
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
