//! Which sessions an export is of.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use ecluse_policy::{ClientId, InterventionNumber, Timestamp};

use super::Export;
use crate::store::{Session, SessionQuery, Store};
use crate::texts::times;

/// Sessions of one client, in order.
pub(super) struct Choice {
    pub(super) client: ClientId,
    pub(super) sessions: Vec<Session>,
    /// In words.
    pub(super) asked_for: String,
    /// From when on the client's entries are all in it; none where those of the sessions are chosen.
    pub(super) trail_from: Option<Timestamp>,
}

impl Choice {
    /// Finds what was asked for.
    pub(super) async fn make(
        store: &Store,
        export: &Export,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let mut trail_from = None;
        let (mut sessions, asked_for) = if let Some(number) = export.intervention {
            of_intervention(store, number).await?
        } else if let Some(client) = &export.client {
            let since = export
                .from
                .as_ref()
                .and_then(|from| times::parse_past(from, now));
            trail_from = Some(since.unwrap_or(Timestamp::from_micros(0)));
            of_client(store, client, export, now).await?
        } else {
            numbered(store, &export.sessions).await?
        };
        sessions.sort_by_key(|session| session.number);
        let clients: BTreeSet<&ClientId> = sessions
            .iter()
            .map(|session| &session.start.client)
            .collect();
        let client = match (clients.first(), clients.len()) {
            (Some(client), 1) => (*client).clone(),
            (None, _) => bail!("there is no session to export"),
            (Some(_), _) => {
                bail!("these sessions are of several clients; make one bundle for each")
            }
        };
        Ok(Self {
            client,
            sessions,
            asked_for,
            trail_from,
        })
    }
}

async fn numbered(store: &Store, numbers: &[u64]) -> anyhow::Result<(Vec<Session>, String)> {
    let mut sessions = Vec::new();
    for number in numbers.iter().collect::<BTreeSet<_>>() {
        let session = store.session(*number).await?;
        sessions.push(session.with_context(|| format!("there is no session #{number}"))?);
    }
    let names: Vec<String> = sessions
        .iter()
        .map(|one| format!("#{}", one.number))
        .collect();
    Ok((sessions, format!("session {}", names.join(", "))))
}

async fn of_intervention(store: &Store, number: u64) -> anyhow::Result<(Vec<Session>, String)> {
    let intervention = store
        .intervention_numbered(InterventionNumber(number))
        .await?
        .with_context(|| format!("there is no intervention #{number}"))?;
    let sessions = store
        .sessions(&SessionQuery {
            intervention: Some(intervention.id()),
            limit: Some(u32::MAX),
            ..SessionQuery::default()
        })
        .await?;
    ensure!(
        !sessions.is_empty(),
        "intervention #{number} had no session; there is nothing to export"
    );
    Ok((sessions, format!("intervention #{number}")))
}

async fn of_client(
    store: &Store,
    client: &ClientId,
    export: &Export,
    now: Timestamp,
) -> anyhow::Result<(Vec<Session>, String)> {
    let moment = |typed: &String| {
        times::parse_past(typed, now).with_context(|| {
            format!(
                "{}: not a time; accepted: a day (2026-11-25), a time (2026-11-25T14:00, or 14:00 for the last one; UTC), a length before now (30d)",
                ecluse_recordings::neutralise(typed)
            )
        })
    };
    let from = export.from.as_ref().map(moment).transpose()?;
    let until = export.to.as_ref().map(moment).transpose()?.unwrap_or(now);
    let sessions = store
        .sessions(&SessionQuery {
            client: Some(client.clone()),
            from,
            until: Some(until),
            limit: Some(u32::MAX),
            ..SessionQuery::default()
        })
        .await?;
    ensure!(
        !sessions.is_empty(),
        "{client} had no session in that time; there is nothing to export"
    );
    let from = from.map(|from| from.to_string()).unwrap_or_default();
    Ok((sessions, format!("{client}, {from} – {until}")))
}
