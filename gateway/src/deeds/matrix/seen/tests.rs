//! What the log says is counted for the right line, once, and what it does not say is not made up.

use ecluse_policy::PersonId;
use serde_json::json;
use uuid::Uuid;

use super::*;

fn documents() -> Documents {
    Documents::parse([
        (
            "clients/hopital.toml",
            include_str!("../../../../../config/clients/hopital.toml"),
        ),
        (
            "providers/maintech.toml",
            include_str!("../../../../../config/providers/maintech.toml"),
        ),
    ])
    .unwrap()
}

fn record(kind: AuditKind, session: u128) -> AuditRecord {
    AuditRecord::new(kind, Timestamp::from_secs(session.try_into().unwrap()))
        .person(&PersonId::parse("alice").unwrap())
        .target(&TargetId::parse("db01").unwrap())
        .intervention(InterventionId::from_uuid(Uuid::from_u128(1)))
        .session(SessionId::from_uuid(Uuid::from_u128(session)))
}

fn read(records: Vec<AuditRecord>) -> (Documents, Seen) {
    let documents = documents();
    let client = documents.clients().values().next().unwrap();
    let mut reading = Reading::of(review::flows(&documents, client));
    for (seq, record) in (1..).zip(records) {
        reading.reads(&StoredAuditRecord {
            seq,
            event: None,
            nth: None,
            record,
        });
    }
    let seen = reading.ends();
    (documents.clone(), seen)
}

/// How often each line was used.
fn uses(documents: &Documents, seen: &Seen) -> BTreeMap<String, u64> {
    let client = documents.clients().values().next().unwrap();
    let flows = review::flows(documents, client);
    let used = seen.lines.iter().filter(|(_, tally)| tally.uses > 0);
    let used = used.map(|((nth, place), tally)| {
        let flow = &flows[*nth];
        (
            format!("{}: {}", flow.name, flow.allow[*place].line()),
            tally.uses,
        )
    });
    used.collect()
}

fn permit(session: u128, flow: &str, allow: &str) -> AuditRecord {
    record(AuditKind::Permit, session)
        .detail("matrix-line", flow)
        .detail("allow", allow)
}

fn receipt(session: u128, path: &str) -> AuditRecord {
    record(AuditKind::Receipt, session)
        .detail("receipt", 1)
        .detail("way", "out")
        .detail("path", path)
        .detail("bytes", 1)
        .detail("extent", "whole")
        .detail("outcome", "done")
        .detail("from", "ops@db01 (hopital)")
        .detail("to", "alice (maintech)")
        .detail("protocol", "sftp")
        .detail("number", 1)
        .detail("intervention-number", 1)
}

#[test]
fn f7_each_use_is_counted_once_for_its_line() {
    let (documents, seen) = read(vec![
        permit(1, "dba", "shell").detail("variables", json!(["LANG"])),
        permit(2, "dba", "shell"),
        permit(2, "logs", "command: tail -n {int} /var/log/{path}"),
        permit(2, "logs", "command: uptime"),
        permit(2, "gone", "shell"),
        // A channel of files: opened by all of its lines, used by those that its session's end names.
        permit(3, "logs", "sftp-read: /var/log/**")
            .detail("lines", json!(["logs: sftp-read: /var/log/**"])),
        receipt(3, "/var/log/a"),
        record(AuditKind::SessionEnd, 3).detail(
            FILE_LINES,
            json!({ "logs: sftp-list: /var/log/**": 3, "logs: sftp-read: /var/log/**": 1 }),
        ),
        // Of one that has not ended, or whose gateway was killed, the receipts count.
        receipt(4, "/var/log/b"),
        receipt(4, "/etc/shadow"),
        record(AuditKind::SessionEnd, 4),
    ]);
    let expected = [
        ("dba: env: LANG LC_*", 1),
        ("dba: shell", 2),
        ("logs: command: tail -n {int} /var/log/{path}", 1),
        ("logs: sftp-list: /var/log/**", 3),
        ("logs: sftp-read: /var/log/**", 2),
    ];
    let expected = expected.map(|(line, uses)| (line.to_owned(), uses));
    assert_eq!(uses(&documents, &seen), BTreeMap::from(expected));
    assert_eq!((seen.gone, seen.wordless), (2, 0));
    let dba = &seen.flows[&0];
    assert_eq!(
        (dba.uses, dba.sessions.len(), dba.interventions.len()),
        (2, 2, 1)
    );
    assert_eq!(dba.last, Some(Timestamp::from_secs(2)));
}

/// Entries of earlier versions say the family alone; entries whose words are gone nothing.
#[test]
fn f7_what_the_log_does_not_tell_is_not_made_up() {
    let old = |flow: &str, asked: &str| {
        record(AuditKind::Permit, 1)
            .detail("matrix-line", flow)
            .detail("flow", asked)
    };
    let wordless = AuditRecord::new(AuditKind::Permit, Timestamp::from_secs(1));
    let (documents, seen) = read(vec![
        old("dba", "shell"),
        old("logs", "command: tail -n 5 /var/log/x"),
        wordless,
    ]);
    let expected = BTreeMap::from([("dba: shell".to_owned(), 1)]);
    assert_eq!(uses(&documents, &seen), expected);
    assert_eq!(
        seen.lines
            .values()
            .filter(|tally| tally.perhaps == 1)
            .count(),
        3
    );
    assert_eq!(seen.wordless, 1);
}

/// A line is young where it was written since; a reason or an end that changes makes no other line of it.
#[test]
fn f7_a_line_is_as_old_as_its_text() {
    let documents = documents();
    let client = documents.clients().values().next().unwrap();
    let flows = review::flows(&documents, client);
    let change = |at: u64, flow: &str, change: &str, lines: &[&str]| {
        AuditRecord::new(AuditKind::DocumentChange, Timestamp::from_secs(at))
            .detail("object", format!("flow {flow}"))
            .detail("change", change)
            .detail("lines", json!(lines))
    };
    let mut since = Since::new();
    for record in [
        change(1, "hopital/night", "created", &["allow: + shell"]),
        change(2, "ville/dba", "created", &[]),
        change(
            3,
            "hopital/dba",
            "changed",
            &[
                "allow: - shell (why: old)",
                "allow: + shell (why: new)",
                "allow: + env: LANG LC_*",
            ],
        ),
    ] {
        changed(&record, client, flows, &mut since);
    }
    let by_line: Vec<(String, u64)> = since
        .iter()
        .map(|((nth, place), at)| {
            (
                flows[*nth].allow[*place].line(),
                at.as_micros().unsigned_abs() / 1_000_000,
            )
        })
        .collect();
    assert_eq!(
        by_line,
        [("env: LANG LC_*".to_owned(), 3), ("shell".to_owned(), 1)]
    );
}
