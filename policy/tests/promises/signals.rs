//! Promises of signals as documents write them: what is not written is not there, what is written without numbers has those that
//! the policy language names, and everybody is shown them.

use ecluse_policy::documents::{diff, parse_client, parse_provider};
use ecluse_policy::signals::Signals;
use ecluse_policy::*;

use crate::site::*;

fn with(tail: &str) -> Documents {
    let text = hopital(DBA) + tail;
    Documents::assemble(
        vec![parse_provider("providers/maintech.toml", &maintech()).unwrap()],
        vec![parse_client("clients/hopital.toml", &text).unwrap()],
    )
    .unwrap()
}

fn signals(documents: &Documents) -> &Signals {
    let client = ClientId::parse("hopital").unwrap();
    &documents.client(&client).unwrap().signals
}

const ALL: &str = "\n[signals]\nburst = \"notify\"\nsteady = \"notify\"\nbase64 = \"hold\"\nunattended = \"notify\"\nhours = {}\n\
                   [[tripwire]]\nname = \"dump\"\npattern = \"pg_dump*\"\ntargets = [\"db01\"]\nthen = \"hold\"\n";

/// X3: nothing is there by absence, and a table without keys is as good as none.
#[test]
fn x3_what_is_not_written_is_no_signal() {
    assert_eq!(*signals(&with("")), Signals::default());
    assert_eq!(*signals(&with("\n[signals]\n")), Signals::default());
}

/// X3: a key without numbers has those of the policy language, and the difference names each; other numbers are another.
#[test]
fn x3_each_signal_is_shown_with_its_numbers() {
    let (before, after) = (with(""), with(ALL));
    let shown = |before, after| {
        let changes = diff(before, after).into_iter();
        let all = changes.flat_map(|change| {
            let object = change.object;
            let detail = change.detail.into_iter();
            detail.map(move |detail| format!("{object}: {detail}"))
        });
        all.collect::<Vec<_>>()
    };
    assert_eq!(
        shown(&before, &after),
        [
            "client hopital: signals.base64: hold: 64 KiB",
            "client hopital: signals.burst: notify: 10 times the past, from 20 MiB a minute",
            "client hopital: signals.hours: notify: outside mon-fri 07:00-20:00 Europe/Paris",
            "client hopital: signals.steady: notify: 64 KiB/s for 5m",
            "client hopital: signals.unattended: notify: 15m",
            "tripwire hopital/dump: pattern: pg_dump*",
            "tripwire hopital/dump: targets: db01",
            "tripwire hopital/dump: then: hold",
        ]
    );
    let other = ALL
        .replace("\"hold\"\nunattended", "{ bytes = \"1 MiB\" }\nunattended")
        .replace(
            "hours = {}",
            "hours = { usual = \"always\", then = \"hold\" }",
        );
    assert_eq!(
        shown(&after, &with(&other)),
        [
            "client hopital: signals.base64: hold: 64 KiB -> notify: 1 MiB",
            "client hopital: signals.hours: notify: outside mon-fri 07:00-20:00 Europe/Paris -> hold: outside always",
        ]
    );
}

/// X3: whoever asks what a rule means is told which signals lie there.
#[test]
fn x3_an_explanation_names_the_signals() {
    let documents = with(ALL);
    let (alice, db01) = (
        PersonId::parse("alice").unwrap(),
        TargetId::parse("db01").unwrap(),
    );
    let at = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
    let told = explain(&documents, &alice, &db01, &FlowRequest::Shell, at).to_string();
    let line = "signals that are told: burst (notify), steady (notify), base64 (hold), unattended (notify), hours (notify), tripwire dump (hold)";
    assert!(told.contains(line), "{told}");
}
