//! What operators read of other nodes: their sessions, and how an order went there (I5).

use std::collections::BTreeSet;

use ecluse_policy::Timestamp;
use ecluse_policy::intervention::State;

use crate::admission::desk::{Desk, Trouble, status};
use crate::audit::AuditRecord;
use crate::live::CutWhat;
use crate::live::nodes::Remote;
use crate::live::orders::Elsewhere;
use crate::store::Reply;
use crate::texts::times;

/// This node, as people call it.
pub(super) fn own_name(desk: &Desk<'_>) -> String {
    let address = desk.gateway.settings.address();
    address.map_or_else(|| desk.gateway.node.clone(), |address| address.to_string())
}

/// A row of `live` for a session of another node: its channels are known there alone.
pub(super) fn row(desk: &Desk<'_>, remote: &Remote, now: Timestamp) -> Vec<String> {
    let start = &remote.session.start;
    let (mut provider, mut number, mut left) = (String::new(), String::new(), String::new());
    if let Some(intervention) = &remote.intervention {
        provider = format!(" ({})", intervention.request().provider);
        number = intervention.number().to_string();
        if let State::Open { closes_at, .. } = intervention.state() {
            left = times::countdown(desk.lang(), closes_at.since(now));
        }
    }
    let channels = match remote.address() {
        Some(_) => "live-channels-there",
        None => "live-lost",
    };
    vec![
        remote.session.number.to_string(),
        remote.node(),
        format!("{}{provider}", start.person),
        start.target.to_string(),
        start.account.to_string(),
        times::moment(start.at, now, None),
        left,
        number,
        desk.say(channels, &[]),
    ]
}

/// Says of the nodes that were not heard of what that means for their sessions.
pub(super) async fn tell_lost(desk: &mut Desk<'_>, remote: &[Remote]) -> Result<(), Trouble> {
    let mut lost: Vec<&Remote> = remote
        .iter()
        .filter(|remote| remote.address().is_none())
        .collect();
    lost.sort_by_key(|remote| remote.node());
    for of_node in lost.chunk_by(|one, other| one.node() == other.node()) {
        let Some(first) = of_node.first() else {
            continue;
        };
        let numbers: Vec<String> = of_node
            .iter()
            .map(|remote| remote.session.number.to_string())
            .collect();
        let args = [
            ("node", first.node().into()),
            ("count", of_node.len().into()),
            ("sessions", numbers.join(", ").into()),
            ("seconds", silence(first).into()),
        ];
        desk.line("operator-node-lost", &args).await?;
    }
    Ok(())
}

/// For how many seconds its node was not heard of; 0 where nobody knows.
fn silence(remote: &Remote) -> u64 {
    remote.silent().map_or(0, |silent| silent.as_secs())
}

/// The record of an order: what it names.
pub(super) fn ordered(record: AuditRecord, what: &CutWhat) -> AuditRecord {
    match what {
        CutWhat::Session(number) => record.detail("number", *number),
        CutWhat::Technician(person) => record.detail("technician", person.as_str()),
        CutWhat::Target(target) => record.target(target),
        CutWhat::All => record.detail("all", true),
    }
}

/// Whether nothing elsewhere was what an order named.
pub(super) fn is_nothing(all: &[Elsewhere]) -> bool {
    all.iter().all(|one| match &one.reply {
        Some(Reply::Done { sessions, guests }) => sessions.is_empty() && guests.is_empty(),
        Some(Reply::NotOnRecord) | None => false,
    })
}

/// Says how an order went on other nodes; whether all is well.
pub(super) async fn tell(desk: &mut Desk<'_>, all: &[Elsewhere]) -> Result<u32, Trouble> {
    let mut answered = status::DONE;
    for Elsewhere { node, reply } in all {
        let node = ("node", node.into());
        match reply {
            Some(Reply::Done { sessions, guests }) => {
                let numbers: Vec<String> = sessions.iter().map(u64::to_string).collect();
                let args = [
                    node.clone(),
                    ("count", sessions.len().into()),
                    ("sessions", numbers.join(", ").into()),
                ];
                if !sessions.is_empty() {
                    desk.line("operator-cut-elsewhere", &args).await?;
                }
                let people: BTreeSet<&str> = guests.iter().map(|person| person.as_str()).collect();
                let people: Vec<&str> = people.into_iter().collect();
                let args = [
                    node,
                    ("count", guests.len().into()),
                    ("people", people.join(", ").into()),
                ];
                if !guests.is_empty() {
                    desk.line("operator-cut-guests-elsewhere", &args).await?;
                }
            }
            Some(Reply::NotOnRecord) => {
                answered = desk.problem("operator-cut-disobeyed", &[node]).await?;
            }
            None => answered = desk.problem("operator-cut-unanswered", &[node]).await?,
        }
    }
    Ok(answered)
}

/// The interventions, by number, of sessions that ended elsewhere: they still stand.
pub(super) async fn interventions(desk: &Desk<'_>, all: &[Elsewhere]) -> Vec<u64> {
    let mut found = Vec::new();
    for one in all {
        let Some(Reply::Done { sessions, .. }) = &one.reply else {
            continue;
        };
        let store = &desk.gateway.store;
        for number in sessions {
            // What was cut is told already; without this the words are fewer, not wrong.
            if let Ok(Some(session)) = store.session(*number).await
                && let Ok(Some(intervention)) = store.intervention(session.start.intervention).await
            {
                found.push(intervention.number().0);
            }
        }
    }
    found
}
