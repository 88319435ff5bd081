//! What operators read of other nodes: their sessions, and how an order went there (I5).

use std::collections::{BTreeMap, BTreeSet};

use crate::deeds::live::{Channels, Elsewhere, Passing};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::store::Reply;

/// Says of the nodes that were not heard of what that means for their sessions.
pub(super) async fn tell_lost(desk: &mut Desk<'_>, sessions: &[Passing]) -> Result<(), Trouble> {
    let mut lost: BTreeMap<&str, (u64, Vec<String>)> = BTreeMap::new();
    for session in sessions {
        if let Channels::Lost { seconds } = session.channels {
            let (silent, numbers) = lost.entry(&session.node).or_default();
            *silent = seconds;
            numbers.push(session.number.to_string());
        }
    }
    for (node, (seconds, numbers)) in lost {
        let args = [
            ("node", node.into()),
            ("count", numbers.len().into()),
            ("sessions", numbers.join(", ").into()),
            ("seconds", seconds.into()),
        ];
        desk.line("operator-node-lost", &args).await?;
    }
    Ok(())
}

/// Says how an order went on other nodes; whether all is well.
pub(super) async fn tell(desk: &mut Desk<'_>, all: &[Elsewhere]) -> Result<u32, Trouble> {
    let mut answered = status::DONE;
    for Elsewhere {
        node,
        reply,
        on_record,
    } in all
    {
        let node = ("node", node.into());
        match reply {
            Some(Reply::Done { .. }) if !on_record => {
                answered = desk.problem("operator-cut-unvouched", &[node]).await?;
            }
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
