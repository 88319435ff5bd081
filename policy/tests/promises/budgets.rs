//! Promises of budgets: what documents say at which level, what an approval leaves, which day it is (X1, X2, X3, I2, P15).

use ecluse_policy::documents::{ChangeKind, NodeRules, diff, parse_client};
use ecluse_policy::*;

use crate::site::*;

mod accounts;
mod asked;
mod topped_up;

/// The flow `dba` with what it says of extraction, of a client that says what `client` holds.
fn documents_saying(client: &str, target: &str, flow: &str) -> Documents {
    let text = hopital(&format!("{DBA}{flow}\n"))
        .replacen(
            "extraction = { session = \"50 MiB\", intervention = \"200 MiB\" }\n",
            &format!("{client}\n"),
            1,
        )
        .replacen(
            "accounts = [\"postgres\", \"ops\"]\n",
            &format!("accounts = [\"postgres\", \"ops\"]\n{target}\n"),
            1,
        );
    documents_of(&maintech(), &text)
}

fn node(text: &str) -> NodeRules {
    NodeRules::parse("gateway.toml", text).unwrap()
}

fn size(text: &str) -> ByteCount {
    ByteCount::parse(text).unwrap()
}

/// What a shell by `dba` is given.
fn shell_of(documents: &Documents) -> Permit {
    shell_by(documents, &approved(documents))
}

fn admission(documents: &Documents, intervention: &Intervention) -> Admission {
    let its = std::slice::from_ref(intervention);
    admit(
        documents,
        &alice(documents),
        &target("db01"),
        None,
        its,
        t0(),
    )
    .unwrap()
}

fn shell_by(documents: &Documents, intervention: &Intervention) -> Permit {
    permitted(admission(documents, intervention).decide(&FlowRequest::Shell, t0()))
}

/// Each level with its limit, as people read it.
fn limits(budgets: &Budgets) -> Vec<String> {
    let of = |budget: &Budget| format!("{} {} {}", budget.way, budget.level, budget.bytes);
    budgets.list.iter().map(of).collect()
}

fn limit_of(budgets: &Budgets, level: Level) -> Option<Limit> {
    budgets.of(level, Way::Down).map(|budget| budget.bytes)
}

// ── who says what

/// X2: a key that a flow does not say is its target's, else its client's, else the gateway's; days stand beside.
#[test]
fn each_key_is_said_by_the_nearest_that_says_it() {
    let documents = documents_saying(
        "extraction = { session = \"50 MiB\", technician-day = \"500 MiB\", day = \"2 GiB\", rate = \"2 MiB/s\", warn = \"60%\" }",
        "extraction = { session = \"40 MiB\", day = \"1 GiB\", up-session = \"10 MiB\", warn = \"50%\" }",
        "extraction = { intervention = \"200 MiB\", at-limit = \"slow\", slow-rate = \"16 KiB/s\" }",
    )
    .on_node(node(
        "[extraction]\nday = \"20 GiB\"\nrate = \"8 MiB/s\"\nup-rate = \"3 MiB/s\"\nceiling = \"120%\"\nzone = \"UTC\"\n",
    ));
    assert_eq!(documents.outdated(), []);
    let permit = shell_of(&documents);
    let budgets = permit.terms().budgets();
    assert_eq!(
        limits(budgets),
        [
            "down node 20 GiB",
            "down client 2 GiB",
            "down target 1 GiB",
            "down technician-day 500 MiB",
            "down intervention 200 MiB",
            "down session 40 MiB",
            "up session 10 MiB",
        ]
    );
    assert_eq!(budgets.rate(Way::Down).unwrap().to_string(), "2 MiB/s");
    assert_eq!(budgets.rate(Way::Up).unwrap().to_string(), "3 MiB/s");
    let terms = |level| {
        let budget = budgets.of(level, Way::Down).unwrap();
        (budget.warn.to_string(), budget.at_limit)
    };
    let slow = AtLimit::Slow {
        rate: ByteRate::parse("16 KiB/s").unwrap(),
        ceiling: budgets_ceiling("120%"),
    };
    assert_eq!(terms(Level::Session), ("50%".to_owned(), slow));
    // What a day of the client's has at its limit is no word of one flow's.
    assert_eq!(terms(Level::Client), ("60%".to_owned(), AtLimit::End));
    assert_eq!(terms(Level::Node), ("70%".to_owned(), AtLimit::End));
}

fn budgets_ceiling(text: &str) -> Percent {
    let line = format!("[extraction]\nat-limit = \"slow\"\nceiling = \"{text}\"\nday = \"1 B\"\n");
    let documents = documents().on_node(node(&line));
    let permit = shell_of(&documents);
    match permit
        .terms()
        .budgets()
        .of(Level::Node, Way::Down)
        .unwrap()
        .at_limit
    {
        AtLimit::Slow { rate: _, ceiling } => ceiling,
        AtLimit::End | AtLimit::Hold => panic!("not slowed"),
    }
}

/// The gateway's own settings can say what no document does.
#[test]
fn the_gateways_settings_are_enough_and_are_read_as_strictly() {
    let silent = documents_saying("", "", "");
    assert_eq!(silent.outdated().len(), 1);
    let both = node("lang = \"fr\"\n[extraction]\nsession = \"1 MiB\"\nintervention = \"2 MiB\"\n");
    let silent = silent.on_node(both);
    assert_eq!(silent.outdated(), []);
    assert_eq!(
        limits(shell_of(&silent).terms().budgets()),
        ["down intervention 2 MiB", "down session 1 MiB"]
    );
    for (text, key) in [
        ("[extraction]\nday = \"1\"\n", "extraction.day"),
        ("[extraction]\nzone = \"Mars\"\n", "extraction.zone"),
        ("[extraction]\nhour = \"1 B\"\n", "extraction.hour"),
        (
            "[extraction]\nsession = \"unlimited\"\n",
            "extraction.owner",
        ),
        ("extraction = 3\n", "extraction"),
    ] {
        let errors = NodeRules::parse("gateway.toml", text).unwrap_err();
        assert_eq!(errors[0].key, key);
        assert!(
            errors[0].line.is_some() && !errors[0].accepted.is_empty()
                || errors[0].problem.contains("accepted"),
            "{errors:?}"
        );
    }
}

/// X1: nothing by absence. `check` prints the line to add; what an earlier version applied goes on, and is named.
#[test]
fn without_a_budget_documents_are_refused_and_those_of_before_go_on() {
    let silent = documents_saying("", "", "");
    let said: Vec<String> = silent.outdated().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("flow.dba.extraction"), "{said:?}");
    assert!(
        said[0].contains(
            "accepted: extraction = { session = \"50 MiB\", intervention = \"200 MiB\" }"
        ),
        "{said:?}"
    );
    assert_eq!(silent.without_budget().len(), 1);
    let permit = shell_of(&silent);
    assert!(permit.terms().budgets().is_empty());
    // The printed line, where it is said.
    let line = said[0]
        .split("accepted: ")
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let mended = documents_saying("", "", line);
    assert_eq!(mended.outdated(), []);
    // A document that knows of budgets has none by leaving one out: what its gateway said once and does not say any more
    // lets nothing leave.
    let half = documents_saying("", "", "extraction = { session = \"50 MiB\" }");
    let enough = half
        .clone()
        .on_node(node("[extraction]\nintervention = \"1 GiB\"\n"));
    assert_eq!(enough.outdated(), []);
    assert_eq!(half.outdated().len(), 1);
    let permit = shell_of(&half);
    assert_eq!(
        limit_of(permit.terms().budgets(), Level::Intervention),
        Some(Limit::Bytes(ByteCount::ZERO))
    );
}

/// P15: `unlimited` is answered for, and ends with its last day; what is further out holds then, or nothing.
#[test]
fn unlimited_ends_with_its_derogation() {
    let unlimited = "extraction = { session = \"unlimited\", intervention = \"unlimited\", technician-day = \"unlimited\", owner = \"Odile\", until = \"2026-11-24\" }";
    let client = "extraction = { session = \"50 MiB\", technician-day = \"500 MiB\" }";
    let documents = documents_saying(client, "", unlimited);
    assert_eq!(documents.outdated(), []);
    let intervention = approved(&documents);
    let admission = admission(&documents, &intervention);
    let permit = permitted(admission.decide(&FlowRequest::Shell, t0()));
    assert_eq!(
        limits(permit.terms().budgets()),
        [
            "down technician-day unlimited",
            "down intervention unlimited",
            "down session unlimited"
        ]
    );
    let silent = documents.remarks(t0());
    assert!(
        silent
            .iter()
            .all(|remark| !remark.key.contains("extraction"))
    );
    let over = at("2026-11-25T00:00:00Z");
    let remarks: Vec<String> = documents
        .remarks(over)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        remarks.iter().any(|remark| remark
            .contains("flow.dba.extraction: `unlimited` is over (owner Odile, until 2026-11-24)")),
        "{remarks:?}"
    );
    assert_eq!(
        documents.outdated(),
        [],
        "one that is over closes nothing else"
    );
    let asked = requested(
        &documents,
        &alice(&documents),
        ask_for(&["db01"], "2h"),
        over.plus(span("10h")),
    )
    .unwrap();
    let later = asked
        .approved_by(
            &documents,
            &odile(&documents),
            &Narrowing::default(),
            over.plus(span("10h")),
        )
        .unwrap();
    let its = std::slice::from_ref(&later);
    let now = over.plus(span("10h"));
    let admission = admit(
        &documents,
        &alice(&documents),
        &target("db01"),
        None,
        its,
        now,
    )
    .unwrap();
    let permit = permitted(admission.decide(&FlowRequest::Shell, now));
    assert_eq!(
        limits(permit.terms().budgets()),
        [
            "down technician-day 500 MiB",
            "down intervention 0 B",
            "down session 50 MiB"
        ]
    );
}

/// A changed budget acts on what is open: the same permit asks again.
#[test]
fn a_changed_budget_acts_on_a_channel_that_is_open() {
    let before = documents_saying(
        "extraction = { session = \"50 MiB\", intervention = \"1 GiB\" }",
        "",
        "",
    );
    let intervention = approved(&before);
    let admission = admission(&before, &intervention);
    let permit = permitted(admission.decide(&FlowRequest::Shell, t0()));
    let opened = admission.intervention();
    let session = |documents: &Documents| {
        let budgets = admission
            .budgets(&permit, documents, Some(opened), t0())
            .unwrap();
        limit_of(&budgets, Level::Session)
    };
    assert_eq!(session(&before), Some(Limit::Bytes(size("50 MiB"))));
    let after = documents_saying(
        "extraction = { session = \"1 MiB\", intervention = \"1 GiB\" }",
        "",
        "",
    );
    assert_eq!(session(&after), Some(Limit::Bytes(size("1 MiB"))));
    assert_eq!(
        session(&after.on_node(node("[extraction]\nday = \"1 B\"\n"))),
        Some(Limit::Bytes(size("1 MiB")))
    );
    // A line that is lost ends its channel, as it does without budgets.
    let gone = with_flows("");
    let said = admission.budgets(&permit, &gone, Some(opened), t0());
    assert_eq!(
        said.map(|_| ()),
        admission.recheck_channel(&permit, &gone, Some(opened), t0())
    );
}

#[test]
fn differences_and_explanations_speak_of_budgets() {
    let before = documents_saying(
        "extraction = { session = \"50 MiB\", intervention = \"200 MiB\" }",
        "",
        "",
    );
    let after = documents_saying(
        "zone = \"Europe/Paris\"\nextraction = { session = \"1024 KiB\", intervention = \"200 MiB\", day = \"2 GiB\" }",
        "extraction = { up-session = \"1 MiB\" }",
        "extraction = { session = \"unlimited\", at-limit = \"slow\", rate = \"1 MiB/s\", owner = \"Odile\", until = \"2027-03-31\" }",
    );
    let changes = diff(&before, &after);
    let told: Vec<String> = changes
        .iter()
        .flat_map(|change| {
            assert_eq!(change.kind, ChangeKind::Changed);
            change
                .detail
                .iter()
                .map(|detail| format!("{}: {detail}", change.object))
        })
        .collect();
    assert_eq!(
        told,
        [
            "client hopital: extraction.day: 2 GiB",
            "client hopital: extraction.session: 50 MiB -> 1 MiB",
            "client hopital: zone: Europe/Paris",
            "flow hopital/dba: extraction.at-limit: slow",
            "flow hopital/dba: extraction.rate: 1 MiB/s",
            "flow hopital/dba: extraction.session: unlimited (owner Odile, until 2027-03-31)",
            "target hopital/db01: extraction.up-session: 1 MiB",
        ]
    );
    let explained = |documents: &Documents| {
        explain(
            documents,
            &person("alice"),
            &target("db01"),
            &FlowRequest::Shell,
            t0(),
        )
        .to_string()
    };
    assert!(
        explained(&before).ends_with(
            "\n    200 MiB an intervention, 50 MiB a session; told from 70%, ended at the limit"
        ),
        "{}",
        explained(&before)
    );
    assert!(
        explained(&after).ends_with(
            "\n    2 GiB a day of the client, 200 MiB an intervention, unlimited a session, 1 MiB/s; towards the target 1 MiB a session; \
             a day of the client: told from 70%, ended at the limit; an intervention, a session: told from 70%, at the limit 8 KiB/s up to 110%, then held"
        ),
        "{}",
        explained(&after)
    );
    let silent = documents_saying("", "", "");
    assert!(
        explained(&silent).ends_with("\n    no limit of what may leave"),
        "{}",
        explained(&silent)
    );
}
