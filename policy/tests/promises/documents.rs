//! Promises of documents: samples pass, and each that is refused says where, why and what would be accepted.

use std::path::{Path, PathBuf};

use ecluse_policy::documents::{
    ChangeKind, CopyRules, DocumentError, RecipientName, Regime, diff, parse_client, parse_provider,
};
use ecluse_policy::*;

use crate::site::*;

fn folder(path: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// What is wrong with a refused document of `tests/documents`, which says beside which other it stands.
fn errors_of(file: &str, text: &str) -> Vec<String> {
    let shown = |errors: Vec<DocumentError>| errors.iter().map(ToString::to_string).collect();
    let alone = if file.starts_with("client") {
        parse_client(file, text).map(drop)
    } else {
        parse_provider(file, text).map(drop)
    };
    if let Err(errors) = alone {
        return shown(errors);
    }
    let together = if file.starts_with("client") {
        Documents::assemble(
            vec![parse_provider("providers/maintech.toml", &maintech()).unwrap()],
            vec![
                parse_client(file, text).unwrap(),
                parse_client("clients/mairie.toml", &mairie()).unwrap(),
            ],
        )
    } else {
        Documents::assemble(
            vec![
                parse_provider(file, text).unwrap(),
                parse_provider("providers/elsewhere.toml", &elsewhere()).unwrap(),
            ],
            vec![parse_client("clients/mairie.toml", &mairie()).unwrap()],
        )
    };
    together.map_or_else(shown, |documents| shown(documents.outdated()))
}

/// One file per defect: its last lines, `#= …`, are all that is said about it.
#[test]
fn each_refused_document_says_its_line_its_key_and_what_would_be_accepted() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for path in folder("tests/documents") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let expected: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("#= "))
            .collect();
        let said = errors_of(&name, &text);
        seen += 1;
        if said.is_empty() || said != expected {
            wrong.push(format!(
                "{name}:\n{}",
                said.iter()
                    .map(|line| format!("#= {line}\n"))
                    .collect::<String>()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {seen} say something else:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(seen >= 60, "{seen}");
}

#[test]
fn every_error_names_its_file_line_and_key_and_what_would_be_accepted() {
    for path in folder("tests/documents") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        for error in errors_of(name, &text) {
            let place = error
                .split(':')
                .nth(1)
                .and_then(|line| line.parse::<u32>().ok());
            assert!(place.is_some_and(|line| line >= 1), "{error}");
            assert!(error.contains("; accepted: "), "{error}");
            assert!(!error.chars().any(char::is_control), "{error:?}");
        }
    }
}

#[test]
fn the_samples_pass_as_they_are() {
    let mut texts = Vec::new();
    for kind in ["clients", "providers"] {
        for path in folder(&format!("../config/{kind}")) {
            let name = format!("{kind}/{}", path.file_name().unwrap().to_str().unwrap());
            texts.push((name, std::fs::read_to_string(path).unwrap()));
        }
    }
    let texts = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    let documents = Documents::parse(texts).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(documents.outdated(), []);
    assert_eq!(documents.people().count(), 4);
    assert!(
        matrix_scope(&documents, &person("alice"), t0())
            .iter()
            .any(|reach| reach.flow.as_str() == "dba")
    );
}

#[test]
fn all_errors_of_all_documents_are_reported_at_once() {
    let client = hopital(DBA)
        .replace("10.1.2.3:22", "nowhere")
        .replace("[\"shell\"", "[\"everything\"")
        .replace("by = 1", "by = 0");
    let provider = maintech()
        .replace("lang = \"en\"", "lang = \"de\"")
        .replace("192.0.2.0/24\", ", "192.0.2.1/24\", ");
    let texts = [
        ("clients/hopital.toml", client.as_str()),
        ("providers/maintech.toml", &provider),
        ("README.md", ""),
    ];
    let errors = Documents::parse(texts).unwrap_err();
    let keys: Vec<&str> = errors.iter().map(|error| error.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "target.db01.address",
            "flow.dba.allow",
            "flow.dba.approval.by",
            "technician.bruno.lang",
            "station.atelier-2.networks",
            ""
        ]
    );
}

#[test]
fn no_documents_permit_nothing() {
    let empty = Documents::parse([]).unwrap();
    assert_eq!(empty, Documents::default());
    assert_eq!(matrix_scope(&empty, &person("alice"), t0()), []);
    assert!(!Login::begin("alice", source()).wants_key(&empty, &key(ALICE)));
}

/// Every prefix and every missing line of a document is refused or reads; nothing panics.
#[test]
fn a_damaged_document_never_panics_and_never_reads_as_more() {
    let whole = hopital(DBA);
    let full = parse_client("clients/hopital.toml", &whole).unwrap();
    for end in 0..whole.len() {
        if let Some(Ok(part)) = whole
            .get(..end)
            .map(|text| parse_client("clients/hopital.toml", text))
        {
            assert!(part.flows.len() <= full.flows.len());
        }
    }
    let lines: Vec<&str> = whole.lines().collect();
    for gone in 0..lines.len() {
        let text: Vec<&str> = lines
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != gone)
            .map(|(_, line)| *line)
            .collect();
        if let Ok(part) = parse_client("clients/hopital.toml", &text.join("\n")) {
            assert!(part.flows.len() <= full.flows.len());
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics_or_puts_a_control_character_into_an_error(text in "[\\PC\\n\\[\\]\"=#\\x00-\\x1f]{0,200}") {
        let errors = parse_client("clients/x.toml", &text).err().into_iter().chain(parse_provider("providers/x.toml", &text).err());
        for error in errors.flatten() {
            proptest::prop_assert!(!error.to_string().chars().any(char::is_control), "{:?}", error.to_string());
        }
    }

    /// One byte of a good document is something else.
    #[test]
    fn one_other_byte_never_panics(place in 0usize..1500, byte in 0x20u8..0x7f) {
        let mut bytes = hopital(DBA).into_bytes();
        let place = place % bytes.len();
        bytes[place] = byte;
        let _ = parse_client("clients/x.toml", &String::from_utf8(bytes).unwrap());
    }
}

// ── differences

#[test]
fn a_difference_names_each_object_and_what_changes_in_it() {
    let before = documents();
    let client = hopital(DBA)
        .replace("10.1.2.3:22", "10.1.2.9:22")
        .replace(r#""shell", "#, "")
        .replace("\"4h\"", "\"2h\"");
    let client = client.replace("id = \"web01\"", "id = \"web02\"");
    let provider = maintech().replace(&line(ALICE), &line(STRANGER));
    let after = documents_of(&provider, &client);
    let said: Vec<String> = diff(&before, &after)
        .into_iter()
        .flat_map(|change| {
            change
                .detail
                .iter()
                .map(|line| format!("{} {}: {line}", change.kind.name(), change.object))
                .collect::<Vec<_>>()
        })
        .collect();
    let expected = [
        "changed flow hopital/dba: allow: - shell".to_owned(),
        "changed flow hopital/dba: approval.at-most: 4h -> 2h".into(),
        "changed target hopital/db01: address: 10.1.2.3:22 -> 10.1.2.9:22".into(),
        "removed target hopital/web01: accounts: - ops".into(),
        "removed target hopital/web01: address: 10.1.2.4:22 -> nothing".into(),
        format!("removed target hopital/web01: host-keys: - {}", key(HOST)),
        "removed target hopital/web01: protocol: ssh -> nothing".into(),
        "created target hopital/web02: accounts: + ops".into(),
        "created target hopital/web02: address: 10.1.2.4:22".into(),
        format!("created target hopital/web02: host-keys: + {}", key(HOST)),
        "created target hopital/web02: protocol: ssh".into(),
        format!("changed technician maintech/alice: keys: - {}", key(ALICE)),
        format!(
            "changed technician maintech/alice: keys: + {}",
            key(STRANGER)
        ),
    ];
    let mut said_sorted = said.clone();
    said_sorted.sort();
    let mut expected_sorted = expected.to_vec();
    expected_sorted.sort();
    assert_eq!(said_sorted, expected_sorted);
}

#[test]
fn comments_and_order_are_no_difference_and_everything_new_is_created() {
    let before = documents();
    let commented = documents_of(&format!("# a comment\n\n{}", maintech()), &hopital(DBA));
    assert_eq!(diff(&before, &commented), []);
    let all = diff(&Documents::default(), &before);
    assert!(all.iter().all(|change| change.kind == ChangeKind::Created));
    assert!(
        all.iter()
            .any(|change| change.object == "operator hopital/odile")
    );
    let none = diff(&before, &Documents::default());
    assert_eq!(none.len(), all.len());
    assert!(none.iter().all(|change| change.kind == ChangeKind::Removed));
}

// ── evidence

const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// hopital with everything about evidence written out.
fn hopital_with_evidence() -> String {
    let head = format!("lang = \"fr\"\nrecording-recipients = [\"{RECIPIENT}\"]");
    let tables = r#"
[retention]
regime = "ext"
service-ended = "2026-12-31"
keep = "62d"
longest = "400d"
legal-hold = "Procédure 26/01234"
[copies]
syslog = "tls://logs.hopital.example:6514"
syslog-ca = """
-----BEGIN CERTIFICATE-----
MIIBszCCAVmgAwIBAgIU
-----END CERTIFICATE-----
"""
checkpoints = ["dir:/srv/checkpoints", "https://hopital.example/ecluse"]
"#;
    hopital(DBA).replacen("lang = \"fr\"", &head, 1) + tables
}

/// C4: without a word about it, recordings are for the gateway; with the client's keys alone, for nobody else.
#[test]
fn recordings_are_for_whom_the_document_names_and_else_for_the_gateway() {
    let silent = parse_client("clients/hopital.toml", &hopital(DBA)).unwrap();
    assert!(silent.recordings.gateway && silent.recordings.recipients.is_empty());
    assert_eq!(silent.retention.keep, Span::parse("365d").unwrap());
    assert!(!silent.search.screen_text && silent.copies == CopyRules::default());

    let client = parse_client("clients/hopital.toml", &hopital_with_evidence()).unwrap();
    assert!(!client.recordings.gateway);
    let named: Vec<&str> = client
        .recordings
        .recipients
        .iter()
        .map(RecipientName::as_str)
        .collect();
    assert_eq!(named, [RECIPIENT]);
    assert_eq!(
        client.retention.service_ended,
        Some(at("2027-01-01T00:00:00Z"))
    );
    let syslog = client.copies.syslog.unwrap();
    assert_eq!(
        (syslog.address.host(), syslog.address.port()),
        ("logs.hopital.example", 6514)
    );
    assert_eq!(client.copies.checkpoints.len(), 2);
}

/// R7: a document from before regimes reads as it did, keeps no shorter, and whoever checks it is told what holds.
#[test]
fn a_document_without_a_regime_keeps_a_year_after_the_service_and_says_so() {
    let old = hopital(DBA) + "\n[retention]\nkeep = \"62d\"\n";
    let client = parse_client("clients/hopital.toml", &old).unwrap();
    assert_eq!(client.retention.regime, Regime::Mj);
    assert_eq!(client.retention.held(), Span::parse("366d").unwrap());
    let remarks = documents_of(&maintech(), &old).remarks(at("2026-11-23T10:00:00Z"));
    let said = remarks.iter().map(ToString::to_string);
    let about: Vec<String> = said
        .filter(|said| said.contains("retention.keep"))
        .collect();
    assert!(
        about.len() == 1
            && about[0].contains("62d is less than a year")
            && about[0].contains("MJ 4.17"),
        "{about:?}"
    );
    let silent = documents().remarks(at("2026-11-23T10:00:00Z"));
    assert!(silent.iter().all(|remark| remark.key != "retention.keep"));
}

/// F7: a change of who reads, of how long, and of where copies go is named.
#[test]
fn a_difference_names_who_reads_how_long_and_where_copies_go() {
    let after = documents_of(&maintech(), &hopital_with_evidence());
    let changes = diff(&documents(), &after);
    let said: Vec<&str> = changes
        .iter()
        .flat_map(|change| &change.detail)
        .map(String::as_str)
        .collect();
    let mut expected = vec![
        "copies.checkpoints: + dir:/srv/checkpoints".to_owned(),
        "copies.checkpoints: + https://hopital.example/ecluse".into(),
        "copies.syslog: tls://logs.hopital.example:6514".into(),
        "recording-recipients: - gateway".into(),
        format!("recording-recipients: + {RECIPIENT}"),
        "retention.keep: 365d -> 62d".into(),
        "retention.legal-hold: Procédure 26/01234".into(),
        "retention.longest: 400d".into(),
        "retention.regime: mj -> ext".into(),
        "retention.service-ended: 2026-12-31".into(),
    ];
    let ca = said
        .iter()
        .position(|line| line.starts_with("copies.syslog-ca: SHA256:"))
        .expect("the authority is named");
    expected.insert(3, said[ca].to_owned());
    assert_eq!(said, expected);
    assert_eq!(changes.len(), 1);
}

// ── explain

#[test]
fn an_explanation_points_at_the_line_that_allows() {
    let documents = documents();
    let explanation = explain(
        &documents,
        &person("alice"),
        &target("db01"),
        &command("pg_dump --schema-only prod"),
        t0(),
    );
    let Explanation::Allowed(by) = &explanation else {
        panic!("{explanation}")
    };
    let text = hopital(DBA);
    let line = text.lines().nth(by[0].line as usize - 1).unwrap();
    assert!(line.contains("pg_dump"), "{line}");
    assert_eq!(by[0].file, "clients/hopital.toml");
    assert!(
        explanation
            .to_string()
            .contains("1 approval, 4h at most; open until 2026-11-23T19:00:00Z"),
        "{explanation}"
    );
}

#[test]
fn an_explanation_names_everything_that_is_missing() {
    let documents = documents();
    let missing = |who: &str, what: &str, request: &FlowRequest, now: &str| {
        let explanation = explain(&documents, &person(who), &target(what), request, at(now));
        assert!(!explanation.is_allowed());
        let said = explanation.to_string();
        let lines: Vec<&str> = said.lines().skip(1).collect();
        for (at, line) in lines.iter().enumerate() {
            let something = lines
                .get(at + 1)
                .is_some_and(|next| next.starts_with("    "));
            assert!(!line.ends_with(':') || something, "nothing follows: {said}");
        }
        said
    };
    let sunday = missing("bruno", "web01", &FlowRequest::X11, "2026-11-22T10:00:00Z");
    for part in [
        "bruno is not named",
        "targets: web01 is not named",
        "\"x11\" is not there",
        "it opens at 2026-11-23T06:00:00Z",
    ] {
        assert!(sunday.contains(part), "{part} in {sunday}");
    }
    assert!(
        missing("nobody", "db01", &FlowRequest::Shell, T0).contains("nobody is in no document")
    );
    assert!(
        missing("odile", "db01", &FlowRequest::Shell, T0).contains("odile is not a technician")
    );
    assert!(
        missing("alice", "nothing", &FlowRequest::Shell, T0)
            .contains("nothing is a target of no client")
    );
    assert!(
        missing("alice", "archive", &FlowRequest::Shell, T0)
            .contains("the client has no flow at all")
    );
    assert!(
        missing("alice", "db01", &FlowRequest::Shell, "2028-06-05T10:00:00Z")
            .contains("the account alice expired")
    );
    assert!(
        missing("alice", "db01", &command("pg_dump --schema-only $(id)"), T0)
            .contains("`$` has a meaning to a shell")
    );
}
