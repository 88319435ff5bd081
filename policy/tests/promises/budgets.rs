//! Promises of budgets: what documents say at which level, what an approval leaves, which day it is (X1, X2, X3, I2, P15).

use ecluse_policy::documents::{ChangeKind, NodeRules, diff, parse_client};
use ecluse_policy::*;
use proptest::prelude::*;
use uuid::Uuid;

use crate::site::*;

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
        AtLimit::End => panic!("not slowed"),
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

// ── asked and granted (I2)

#[test]
fn a_request_asks_for_less_and_an_approval_leaves_less() {
    let documents = documents_saying(
        "extraction = { session = \"50 MiB\", intervention = \"200 MiB\" }",
        "",
        "",
    );
    let reaches = matrix_scope(&documents, &person("alice"), t0());
    assert_eq!(reaches[0].bytes, Some(size("200 MiB")));
    let ask = |bytes: &str| {
        let ask = Ask {
            bytes: Some(size(bytes)),
            ..ask_for(&["db01"], "2h")
        };
        requested(&documents, &alice(&documents), ask, t0())
    };
    for too_much in ["201 MiB", "0 B"] {
        assert_eq!(
            ask(too_much).map(|_| ()),
            Err(Refusal::Bytes {
                asked: size(too_much),
                at_most: size("200 MiB")
            })
        );
    }
    let asked = ask("100 MiB").unwrap();
    let approve = |bytes: Option<&str>| {
        let narrowing = Narrowing {
            bytes: bytes.map(size),
            ..Narrowing::default()
        };
        asked.approved_by(&documents, &odile(&documents), &narrowing, t0())
    };
    let left = |intervention: Result<Intervention, Refusal>| {
        let budgets = shell_by(&documents, &intervention.unwrap())
            .terms()
            .budgets()
            .clone();
        (
            limit_of(&budgets, Level::Intervention),
            limit_of(&budgets, Level::Session),
        )
    };
    let bytes = |text: &str| Some(Limit::Bytes(size(text)));
    assert_eq!(left(approve(None)), (bytes("100 MiB"), bytes("50 MiB")));
    assert_eq!(
        left(approve(Some("10 MiB"))),
        (bytes("10 MiB"), bytes("50 MiB"))
    );
    assert_eq!(
        approve(Some("101 MiB")).map(|_| ()),
        Err(Refusal::OnlyShrinks {
            what: "101 MiB".to_owned()
        })
    );
    assert!(matches!(
        approve(Some("0 B")),
        Err(Refusal::NothingLeft { .. })
    ));
    // Nobody asked for a number: the matrix bounds what is granted.
    let all = requested(
        &documents,
        &alice(&documents),
        ask_for(&["db01"], "2h"),
        t0(),
    )
    .unwrap();
    let more = Narrowing {
        bytes: Some(size("1 GiB")),
        ..Narrowing::default()
    };
    assert_eq!(
        all.approved_by(&documents, &odile(&documents), &more, t0())
            .map(|_| ()),
        Err(Refusal::Bytes {
            asked: size("1 GiB"),
            at_most: size("200 MiB")
        })
    );
    // A matrix that has become narrower meanwhile leaves less of what was granted.
    let narrower = documents_saying(
        "extraction = { session = \"50 MiB\", intervention = \"5 MiB\" }",
        "",
        "",
    );
    let granted = approve(None).unwrap();
    assert_eq!(
        limit_of(
            shell_by(&narrower, &granted).terms().budgets(),
            Level::Intervention
        ),
        bytes("5 MiB")
    );
}

/// Both sides compare a code of everything that was asked; what was asked before there were budgets keeps its own.
#[test]
fn the_code_of_a_request_covers_its_bytes_and_old_ones_stay() {
    let documents = documents();
    let code = |bytes: Option<&str>| {
        let ask = Ask {
            bytes: bytes.map(size),
            ..ask_for(&["db01"], "2h")
        };
        requested(&documents, &alice(&documents), ask, t0()).unwrap()
    };
    let codes =
        [code(None), code(Some("1 MiB")), code(Some("2 MiB"))].map(|it| it.request().code());
    assert!(codes[0] != codes[1] && codes[1] != codes[2] && codes[0] != codes[2]);
    // Stored rows of before have no such key, and none is written where nothing is asked.
    let stored = serde_json::to_string(&code(None)).unwrap();
    assert!(!stored.contains("bytes"), "{stored}");
    let read: Intervention = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, code(None));
    let with = serde_json::to_string(&code(Some("1 MiB"))).unwrap();
    assert_eq!(
        serde_json::from_str::<Intervention>(&with).unwrap(),
        code(Some("1 MiB"))
    );
}

#[test]
fn what_two_operators_leave_is_what_both_agreed_to() {
    let documents = documents_of(&maintech(), &hopital(&DBA.replace("by = 1", "by = 2")));
    let asked = requested(
        &documents,
        &alice(&documents),
        ask_for(&["db01"], "2h"),
        t0(),
    )
    .unwrap();
    let fewer = |bytes: &str| Narrowing {
        bytes: Some(size(bytes)),
        ..Narrowing::default()
    };
    let once = asked
        .approved_by(&documents, &odile(&documents), &fewer("30 MiB"), t0())
        .unwrap();
    let twice = once
        .approved_by(&documents, &olive(&documents), &fewer("40 MiB"), t0())
        .unwrap();
    assert_eq!(twice.granted().unwrap().bytes, Some(size("30 MiB")));
}

fn maybe_bytes() -> impl Strategy<Value = Option<u64>> {
    prop::option::weighted(0.7, 0u64..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// I2: granted ⊆ requested ⊆ allowed, whatever each level says and whoever narrows how.
    #[test]
    fn granted_bytes_are_within_requested_and_requested_within_allowed(
        written in [maybe_bytes(), maybe_bytes(), maybe_bytes(), maybe_bytes()],
        asked in maybe_bytes(),
        narrowed in maybe_bytes(),
        later in maybe_bytes(),
    ) {
        let line = |bytes: Option<u64>| bytes.map_or(String::new(), |bytes| format!("intervention = \"{bytes} B\""));
        let table = |bytes: Option<u64>| format!("extraction = {{ {} }}", line(bytes));
        let [flow, of_target, client, of_node] = written;
        let documents = documents_saying(&table(client), &table(of_target), &table(flow))
            .on_node(node(&format!("[extraction]\n{}\n", line(of_node))));
        // The naive side: the nearest that says something; nothing, where nobody does.
        let allowed = flow.or(of_target).or(client).or(of_node).unwrap_or(0);
        let ask = Ask { bytes: asked.map(ByteCount::new), ..ask_for(&["db01"], "2h") };
        let request = requested(&documents, &alice(&documents), ask, t0());
        if let Some(asked) = asked {
            prop_assert_eq!(request.is_ok(), asked > 0 && asked <= allowed);
        }
        let Ok(request) = request else { return Ok(()) };
        let narrowing = Narrowing { bytes: narrowed.map(ByteCount::new), ..Narrowing::default() };
        let approved = request.approved_by(&documents, &odile(&documents), &narrowing, t0());
        if let Some(narrowed) = narrowed {
            prop_assert_eq!(approved.is_ok(), narrowed > 0 && narrowed <= asked.unwrap_or(allowed));
        }
        let Ok(approved) = approved else { return Ok(()) };
        let granted = approved.granted().unwrap().bytes.map_or(u64::MAX, ByteCount::as_u64);
        prop_assert!(granted <= asked.unwrap_or(u64::MAX) && granted <= narrowed.unwrap_or(u64::MAX));
        let limit = |documents: &Documents| {
            limit_of(shell_by(documents, &approved).terms().budgets(), Level::Intervention)
        };
        let expected = allowed.min(asked.unwrap_or(u64::MAX)).min(narrowed.unwrap_or(u64::MAX));
        prop_assert_eq!(limit(&documents), Some(Limit::Bytes(ByteCount::new(expected))));
        // What the client writes later takes away, and never gives more than was granted.
        let later = documents_saying(&table(client), &table(of_target), &table(later)).on_node(node(""));
        let Some(Limit::Bytes(now)) = limit(&later) else { return Err(TestCaseError::fail("no limit")) };
        prop_assert!(now.as_u64() <= granted);
    }
}

// ── accounts and days

fn place<'a>(admission: &'a Admission, session: u128, channel: u64) -> Place<'a> {
    Place {
        node: "gw/1",
        client: admission.client(),
        target: admission.target(),
        person: admission.presence().person(),
        intervention: admission.intervention().id(),
        session: SessionId::from_uuid(Uuid::from_u128(session)),
        channel,
    }
}

/// X2: each level is added up under a name of its own, days by the client's clock.
#[test]
fn every_level_has_an_account_and_a_day_ends_at_the_clients_midnight() {
    let all = "extraction = { session = \"1 MiB\", intervention = \"2 MiB\", channel = \"1 KiB\", technician-day = \"3 MiB\", day = \"4 MiB\" }";
    let documents = documents_saying(all, "extraction = { day = \"5 MiB\" }", "").on_node(node(
        "[extraction]\nday = \"1 GiB\"\nzone = \"Asia/Tokyo\"\n",
    ));
    let admission = admission(&documents, &approved(&documents));
    let permit = permitted(admission.decide(&FlowRequest::Shell, t0()));
    let place = place(&admission, 7, 3);
    // The only zone that its hours name: 23:30 in Paris, and another day in Tokyo.
    let charges = permit
        .terms()
        .budgets()
        .charges(&place, Way::Down, at("2026-11-23T22:30:00Z"));
    let told: Vec<(String, Option<String>)> = charges
        .iter()
        .map(|charge| {
            (
                charge.account.key.clone(),
                charge.account.until.map(|until| until.to_string()),
            )
        })
        .collect();
    let id = admission.intervention().id();
    let session = SessionId::from_uuid(Uuid::from_u128(7));
    let midnight = Some("2026-11-23T23:00:00Z".to_owned());
    assert_eq!(
        told,
        [
            (
                "down/node/2026-11-24/gw/1".to_owned(),
                Some("2026-11-24T15:00:00Z".to_owned())
            ),
            (
                "down/client/2026-11-23/hopital".to_owned(),
                midnight.clone()
            ),
            (
                "down/target/2026-11-23/hopital/db01".to_owned(),
                midnight.clone()
            ),
            (
                "down/technician-day/2026-11-23/hopital/alice".to_owned(),
                midnight
            ),
            (format!("down/intervention/{id}"), None),
            (format!("down/session/{session}"), None),
            (format!("down/channel/{session}/3"), None),
        ]
    );
    assert!(
        permit
            .terms()
            .budgets()
            .charges(&place, Way::Up, t0())
            .is_empty()
    );
}

#[test]
fn a_client_says_its_zone_or_its_hours_do() {
    let zone = |client: &str, hours: &str| {
        let text = hopital(&DBA.replace("mon-fri 07:00-20:00 Europe/Paris", hours))
            .replace("lang = \"fr\"\n", &format!("lang = \"fr\"\n{client}\n"));
        parse_client("clients/hopital.toml", &text)
            .unwrap()
            .days_of()
            .to_string()
    };
    let both = "mon 07:00-20:00 Europe/Paris; tue 07:00-20:00 America/Cayenne";
    for (client, hours, expected) in [
        ("", "mon-fri 07:00-20:00 Europe/Paris", "Europe/Paris"),
        ("", "always", "UTC"),
        ("", both, "UTC"),
        ("zone = \"Indian/Reunion\"", both, "Indian/Reunion"),
    ] {
        assert_eq!(zone(client, hours), expected, "{client} {hours}");
    }
}

// ── told

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
             a day of the client: told from 70%, ended at the limit; an intervention, a session: told from 70%, at the limit 8 KiB/s up to 110%, then ended"
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
