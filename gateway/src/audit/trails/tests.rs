//! Whose trails an event enters, and what each may read of it.

use ecluse_policy::documents::{ChangeKind, diff};
use ecluse_policy::{InterventionId, SessionId, TargetId, Timestamp};
use uuid::Uuid;

use super::*;
use crate::faces::lobby::testing::documents_where;
use crate::secrets::new_ed25519;

const ALL: [Goes; 6] = [
    Goes::Client,
    Goes::Person,
    Goes::Reach,
    Goes::Object,
    Goes::All,
    Goes::Own,
];

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

/// Two clients that alice and bruno reach, each text after `edit`.
fn both(edit: impl Fn(String) -> String) -> Documents {
    let key = new_ed25519("web01").unwrap();
    let key = key.public_key().to_openssh().unwrap();
    let more = format!(
        r#"
[[target]]
id = "web01"
address = "10.1.2.4:22"
protocol = "ssh"
host-keys = ["{key}"]
accounts = ["www"]
[[flow]]
name = "web"
technicians = ["maintech:dba"]
targets = ["web01"]
accounts = ["www"]
allow = ["shell"]
hours = "always"
authentication = ["station", "key", "totp"]
approval = {{ by = 1, at-most = "4h" }}
extraction = {{ session = "50 MiB", intervention = "200 MiB" }}
"#
    );
    documents_where(1, "4h", |text| {
        let text = edit(text);
        if text.contains("id = \"mairie\"") {
            text + &more
        } else {
            text
        }
    })
}

/// Everything that a record can name, of one client.
fn full(kind: AuditKind, person: &str) -> AuditRecord {
    let id = Uuid::from_u128(7);
    AuditRecord::new(kind, Timestamp::from_secs(1_790_000_000))
        .person(&PersonId::parse(person).unwrap())
        .source("192.0.2.7".parse().unwrap())
        .client(&client("hopital"))
        .target(&TargetId::parse("db01").unwrap())
        .intervention(InterventionId::from_uuid(id))
        .session(SessionId::from_uuid(id))
        .detail("user-name", format!("{person}+db01"))
        .detail("targets", vec!["db01"])
        .detail("technician", "alice")
        .detail("object", "target hopital/db01")
        .detail("by", "root")
}

fn whose(records: &[AuditRecord]) -> Vec<Option<&str>> {
    let clients = records.iter().map(|record| record.client.as_ref());
    clients.map(|client| client.map(ClientId::as_str)).collect()
}

/// R5: each client concerned is told whether an enrolment is somebody's first.
#[test]
fn r5_whether_an_enrolment_is_the_first_goes_into_each_trail() {
    let documents = both(|text| text);
    let record = AuditRecord::new(AuditKind::Enrolment, Timestamp::from_secs(1))
        .person(&PersonId::parse("alice").unwrap())
        .detail("change", "replaced");
    let spread = spread(record, &documents);
    assert_eq!(whose(&spread), [Some("hopital"), Some("mairie")]);
    assert!(spread.iter().all(|one| one.detail["change"] == "replaced"));
}

/// R9, R4: every kind there is, and nothing of one client in the entry of another.
#[test]
fn r9_each_kind_enters_the_trails_of_the_table_and_tells_nobody_of_others() {
    let documents = both(|text| text);
    let (hopital, mairie) = (Some("hopital"), Some("mairie"));
    for kind in AuditKind::ALL {
        for person in ["alice", "odile", "zoe", "mallory"] {
            let named = spread(full(*kind, person), &documents);
            let mut unnamed = full(*kind, person);
            (unnamed.client, unnamed.target) = (None, None);
            (unnamed.intervention, unnamed.session) = (None, None);
            unnamed.detail.clear();
            let unnamed = spread(unnamed, &documents);
            let own = |person| match person {
                "odile" => vec![hopital],
                "zoe" => vec![mairie],
                _ => vec![None],
            };
            let (expected, expected_unnamed) = match kind.goes() {
                Goes::Client => (vec![hopital], vec![None]),
                Goes::Person => {
                    let named = match person {
                        "zoe" => vec![mairie],
                        "mallory" if *kind == AuditKind::LogOnRefused => vec![None],
                        _ => vec![hopital],
                    };
                    (named, own(person))
                }
                Goes::Reach => {
                    let reached = match person {
                        "alice" => vec![hopital, mairie],
                        person => own(person),
                    };
                    (reached.clone(), reached)
                }
                Goes::Object => (vec![hopital], vec![None]),
                Goes::All => (vec![hopital], vec![None, hopital, mairie]),
                Goes::Own => (vec![None], vec![None]),
            };
            assert_eq!(whose(&named), expected, "{kind} of {person}");
            assert_eq!(whose(&unnamed), expected_unnamed, "{kind} of {person}");
            for record in named.iter().chain(&unnamed) {
                if record.client.as_ref().map(ClientId::as_str) == mairie {
                    let said = format!("{record:?}");
                    for word in ["hopital", "db01", "alice+"] {
                        assert!(!said.contains(word), "{kind} of {person}: {said}");
                    }
                }
            }
        }
    }
}

/// A6: every client that somebody reaches has in its trail until when they are blocked: the log is asked for that.
#[test]
fn a6_a_block_says_until_when_in_every_trail() {
    let blocks = serde_json::json!({ "person:alice": 1_790_000_600_000_000_i64 });
    let record = full(AuditKind::Lockout, "alice").detail("blocks", blocks.clone());
    let spread = spread(record, &both(|text| text));
    assert_eq!(whose(&spread), [Some("hopital"), Some("mairie")]);
    for record in spread {
        assert_eq!(record.detail.get("blocks"), Some(&blocks));
    }
}

/// A provider's people and stations: each client that they reach, before the change or after it.
#[test]
fn r9_a_providers_change_concerns_each_client_that_it_reaches() {
    let before = both(|text| text);
    let after = both(|text| {
        text.replace("name = \"Alice\"", "name = \"Alice B.\"")
            .replace("id = \"atelier-1\"", "id = \"atelier-2\"")
    });
    let mut changes = diff(&before, &after);
    // The target's key is another one each time.
    changes.retain(|change| !change.object.starts_with("target"));
    assert_eq!(changes.len(), 3, "{changes:?}");
    for change in &changes {
        let concerned = concerned(&before, &after, change);
        let expected = BTreeSet::from([client("hopital"), client("mairie")]);
        assert_eq!(concerned, expected, "{}", change.object);
    }
    let unknown = Change {
        object: "provider nobody".into(),
        kind: ChangeKind::Created,
        detail: Vec::new(),
    };
    assert!(concerned(&before, &after, &unknown).is_empty());
}

/// The table of the README, from this one.
fn table() -> String {
    let row = |goes: Goes| {
        let of = AuditKind::ALL.iter().filter(|kind| kind.goes() == goes);
        let kinds: Vec<String> = of.map(|kind| format!("`{kind}`")).collect();
        format!("| {} | {} |\n", kinds.join(", "), goes.words())
    };
    ALL.map(row).concat()
}

#[test]
fn the_readme_shows_the_table_that_the_code_has() {
    let readme = include_str!("../../../README.md");
    assert!(
        readme.contains(&table()),
        "gateway/README.md has to say under \"Whose trail\":\n{}",
        table()
    );
}
