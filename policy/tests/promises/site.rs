//! A small site to decide about: provider `maintech` with alice and bruno, client `hopital` with odile and aurele.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ecluse_policy::intervention::{Ask, Waiting, request};
use ecluse_policy::*;
use uuid::Uuid;

pub(crate) use crate::steps::Steps;

pub(crate) const T0: &str = "2026-11-23T10:00:00Z"; // a Monday, 11:00 in Paris
pub(crate) const STATION_SOURCE: &str = "192.0.2.7";

/// An Ed25519 key that belongs to nobody: its body is one byte, 32 times.
pub(crate) fn key(seed: u8) -> PublicKey {
    let mut blob = Vec::new();
    for part in [&b"ssh-ed25519"[..], &[seed; 32]] {
        blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        blob.extend(part);
    }
    PublicKey::from_blob(&blob).unwrap()
}

pub(crate) const ALICE: u8 = 1;
pub(crate) const BRUNO: u8 = 2;
pub(crate) const ATELIER_1: u8 = 3;
pub(crate) const ATELIER_2: u8 = 4;
pub(crate) const ODILE: u8 = 5;
pub(crate) const AURELE: u8 = 6;
pub(crate) const OLIVE: u8 = 7;
pub(crate) const AUTHORITY: u8 = 8;
pub(crate) const ELSEWHERE_STATION: u8 = 9;
pub(crate) const ELSEWHERE_PERSON: u8 = 10;
pub(crate) const ELSEWHERE_AUTHORITY: u8 = 11;
pub(crate) const HOST: u8 = 12;
pub(crate) const OTHER_OPERATOR: u8 = 13;
pub(crate) const OTHER_AUDITOR: u8 = 14;
pub(crate) const STRANGER: u8 = 99;

pub(crate) fn line(seed: u8) -> String {
    key(seed).to_line()
}

pub(crate) fn maintech() -> String {
    format!(
        r#"[provider]
id = "maintech"
name = "Maintech"
lang = "fr"
authority = ["{}"]
revoked-serials = [13]
[[technician]]
id = "alice"
name = "Alice"
groups = ["dba"]
keys = ["{}"]
stations = ["atelier-1"]
expires = "2027-12-31"
[[technician]]
id = "bruno"
name = "Bruno"
lang = "en"
groups = ["web"]
keys = ["{}"]
stations = ["*"]
[[station]]
id = "atelier-1"
keys = ["{}"]
networks = ["192.0.2.0/24"]
[[station]]
id = "atelier-2"
keys = ["{}"]
networks = ["192.0.2.0/24", "2001:db8::/32"]
"#,
        line(AUTHORITY),
        line(ALICE),
        line(BRUNO),
        line(ATELIER_1),
        line(ATELIER_2)
    )
}

/// Another provider, whose people and stations have nothing to do with `hopital`.
pub(crate) fn elsewhere() -> String {
    format!(
        r#"[provider]
id = "elsewhere"
name = "Elsewhere"
lang = "en"
authority = ["{}"]
[[technician]]
id = "other-technician"
name = "Other"
keys = ["{}"]
stations = ["*"]
[[station]]
id = "other-station"
keys = ["{}"]
networks = ["192.0.2.0/24"]
"#,
        line(ELSEWHERE_AUTHORITY),
        line(ELSEWHERE_PERSON),
        line(ELSEWHERE_STATION)
    )
}

pub(crate) const DBA: &str = r#"
[[flow]]
name = "dba"
technicians = ["maintech:dba"]
targets = ["db01"]
accounts = ["postgres"]
allow = ["shell", "command: pg_dump --schema-only {db}", "env: LANG LC_*"]
hours = "mon-fri 07:00-20:00 Europe/Paris"
authentication = ["station", "key", "totp"]
approval = { by = 1, at-most = "4h" }
"#;

/// The client with these flows.
pub(crate) fn hopital(flows: &str) -> String {
    format!(
        r#"[client]
id = "hopital"
name = "Hopital"
lang = "fr"
extraction = {{ session = "50 MiB", intervention = "200 MiB" }}
[[operator]]
id = "odile"
name = "Odile"
keys = ["{}"]
[[operator]]
id = "olive"
name = "Second operator"
keys = ["{}"]
[[auditor]]
id = "aurele"
name = "Aurele"
keys = ["{}"]
[[target]]
id = "db01"
address = "10.1.2.3:22"
protocol = "ssh"
host-keys = ["{}"]
accounts = ["postgres", "ops"]
[[target]]
id = "web01"
address = "10.1.2.4:22"
protocol = "ssh"
host-keys = ["{}"]
accounts = ["ops"]
{flows}"#,
        line(ODILE),
        line(OLIVE),
        line(AURELE),
        line(HOST),
        line(HOST)
    )
}

/// Another client, with an operator and an auditor of its own and a target that nobody may reach.
pub(crate) fn mairie() -> String {
    format!(
        r#"[client]
id = "mairie"
name = "Mairie"
lang = "fr"
[[operator]]
id = "other-operator"
name = "Operator of another client"
keys = ["{}"]
[[target]]
id = "archive"
address = "10.9.9.9:22"
protocol = "ssh"
host-keys = ["{}"]
accounts = ["ops"]
[[auditor]]
id = "other-auditor"
name = "Auditor of another client"
keys = ["{}"]
"#,
        line(OTHER_OPERATOR),
        line(HOST),
        line(OTHER_AUDITOR)
    )
}

pub(crate) fn documents_of(provider: &str, client: &str) -> Documents {
    documents_from([provider, &elsewhere(), client, &mairie()])
}

/// Of the texts of both providers and both clients.
pub(crate) fn documents_from([maintech, elsewhere, hopital, mairie]: [&str; 4]) -> Documents {
    let texts = [
        ("providers/maintech.toml", maintech),
        ("providers/elsewhere.toml", elsewhere),
        ("clients/hopital.toml", hopital),
        ("clients/mairie.toml", mairie),
    ];
    Documents::parse(texts).unwrap_or_else(|errors| {
        panic!(
            "{}",
            errors.iter().map(|e| format!("{e}\n")).collect::<String>()
        )
    })
}

pub(crate) fn with_flows(flows: &str) -> Documents {
    documents_of(&maintech(), &hopital(flows))
}

pub(crate) fn documents() -> Documents {
    with_flows(DBA)
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn t0() -> Timestamp {
    at(T0)
}

pub(crate) fn span(text: &str) -> Span {
    Span::parse(text).unwrap()
}

pub(crate) fn person(id: &str) -> PersonId {
    PersonId::parse(id).unwrap()
}

pub(crate) fn target(id: &str) -> TargetId {
    TargetId::parse(id).unwrap()
}

pub(crate) fn account(name: &str) -> AccountName {
    AccountName::parse(name).unwrap()
}

pub(crate) fn capability(text: &str) -> Capability {
    Capability::parse(text).unwrap()
}

pub(crate) fn source() -> IpAddr {
    STATION_SOURCE.parse().unwrap()
}

/// Logs in with these keys and a right code.
pub(crate) fn log_in(
    documents: &Documents,
    user: &str,
    keys: &[u8],
    now: Timestamp,
) -> Result<Authenticated, Step> {
    let mut login = Login::begin(user, source());
    for seed in keys {
        let step = login.key_proven(documents, &key(*seed), now);
        if matches!(step, Step::Refuse(_) | Step::Complete(_)) {
            return Err(step);
        }
    }
    match login.code_result(documents, CodeOutcome::Accepted, now) {
        Step::Complete(authenticated) => Ok(*authenticated),
        other => Err(other),
    }
}

pub(crate) fn alice(documents: &Documents) -> Presence {
    log_in(documents, "alice", &[ATELIER_1, ALICE], t0())
        .unwrap()
        .presence()
        .unwrap()
}

pub(crate) fn bruno(documents: &Documents) -> Presence {
    log_in(documents, "bruno", &[ATELIER_2, BRUNO], t0())
        .unwrap()
        .presence()
        .unwrap()
}

pub(crate) fn odile(documents: &Documents) -> Authenticated {
    log_in(documents, "odile", &[ODILE], t0()).unwrap()
}

pub(crate) fn olive(documents: &Documents) -> Authenticated {
    log_in(documents, "olive", &[OLIVE], t0()).unwrap()
}

pub(crate) fn ask_for(targets: &[&str], length: &str) -> Ask {
    Ask {
        targets: targets.iter().map(|id| target(id)).collect(),
        account: None,
        capabilities: None,
        reason: "ticket 4711: slow queries".to_owned(),
        start: None,
        length: span(length),
        bytes: None,
    }
}

pub(crate) fn ids(number: u64) -> (InterventionId, InterventionNumber) {
    (
        InterventionId::from_uuid(Uuid::from_u128(u128::from(number))),
        InterventionNumber(number),
    )
}

pub(crate) fn requested(
    documents: &Documents,
    presence: &Presence,
    ask: Ask,
    now: Timestamp,
) -> Result<Intervention, Refusal> {
    let (id, number) = ids(17);
    request_by(
        documents,
        presence,
        ask,
        Waiting::counted(0, 0),
        id,
        number,
        now,
    )
}

/// Asks with the right of that moment, as the gateway does.
pub(crate) fn request_by(
    documents: &Documents,
    presence: &Presence,
    ask: Ask,
    waiting: Waiting,
    id: InterventionId,
    number: InterventionNumber,
    now: Timestamp,
) -> Result<Intervention, Refusal> {
    let by = presence.authenticated().as_technician(documents, now)?;
    request(&by, ask, waiting, id, number)
}

/// Alice's request for two hours on db01.
pub(crate) fn asked(documents: &Documents) -> Intervention {
    requested(documents, &alice(documents), ask_for(&["db01"], "2h"), t0()).unwrap()
}

/// The same, approved as asked.
pub(crate) fn approved(documents: &Documents) -> Intervention {
    asked(documents)
        .approved_by(documents, &odile(documents), &Narrowing::default(), t0())
        .unwrap()
}

pub(crate) fn admitted(documents: &Documents) -> Admission {
    admit(
        documents,
        &alice(documents),
        &target("db01"),
        None,
        &[approved(documents)],
        t0(),
    )
    .unwrap()
}

/// The entry of `allow` for every command.
pub(crate) const ANY: &str = r#"{ line = "command: *", owner = "Odile", until = "2027-03-31" }"#;

/// A channel's request for this flow with a terminal.
pub(crate) fn with_terminal(flow: FlowRequest, term: &str) -> StartRequest {
    StartRequest {
        terminal: Some(Term::parse(term)),
        ..StartRequest::plain(flow)
    }
}

pub(crate) fn command(text: &str) -> FlowRequest {
    FlowRequest::Command(text.as_bytes().to_vec())
}

pub(crate) fn env(name: &str, value: &str) -> FlowRequest {
    FlowRequest::Env {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

pub(crate) fn refused(verdict: Verdict) -> Refusal {
    match verdict {
        Verdict::Refuse(refusal) => refusal,
        Verdict::Permit(permit) => panic!("permitted: {permit:?}"),
    }
}

pub(crate) fn permitted(verdict: Verdict) -> Permit {
    match verdict {
        Verdict::Permit(permit) => permit,
        Verdict::Refuse(refusal) => panic!("refused: {refusal}"),
    }
}

pub(crate) fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    items.into_iter().collect()
}

/// One of every kind of request that SSH knows and this version refuses, with the flow that would allow it.
pub(crate) fn never_served() -> Vec<(FlowRequest, &'static str)> {
    vec![
        (FlowRequest::Break, "break (no version allows it)"),
        (FlowRequest::Pty, "terminal = true"),
        (FlowRequest::WindowChange, "terminal = true"),
        (FlowRequest::Signal("INT".into()), "shell"),
        (
            FlowRequest::Subsystem("sftp".into()),
            "sftp-read (to get), sftp-write (to put), sftp-list (to list)",
        ),
        (
            FlowRequest::Subsystem("netconf".into()),
            "subsystem: netconf",
        ),
        (FlowRequest::X11, "x11"),
        (FlowRequest::AgentForwarding, "agent"),
        (
            FlowRequest::DirectTcpip {
                host: "127.0.0.1".into(),
                port: 5432,
            },
            "forward: 127.0.0.1:5432",
        ),
        (
            FlowRequest::DirectStreamlocal {
                path: "/run/docker.sock".into(),
            },
            "socket: /run/docker.sock",
        ),
        (
            FlowRequest::RemoteForward {
                address: String::new(),
                port: 8080,
            },
            "remote-forward: 8080",
        ),
        (
            FlowRequest::RemoteStreamlocal {
                path: "/tmp/s".into(),
            },
            "remote-socket: /tmp/s",
        ),
        (
            FlowRequest::UnknownChannel("tun@openssh.com".into()),
            "channel tun@openssh.com (no version allows it)",
        ),
        (
            FlowRequest::UnknownRequest("xon-xoff".into()),
            "request xon-xoff (no version allows it)",
        ),
        (
            FlowRequest::UnnamedRequest { bytes: 44 },
            "request of 44 bytes (no version allows it)",
        ),
    ]
}

/// A code that was proven at `now`.
pub(crate) fn code_of(now: Timestamp) -> ProvenCode {
    let mut code = ProvenCode::default();
    code.judged(CodeOutcome::Accepted, now);
    code
}
