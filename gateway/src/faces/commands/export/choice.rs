//! What an export is of: sessions of one client and their interventions, or everything that the client has (O1).

use std::collections::BTreeSet;

use anyhow::{Context, anyhow, bail};
use ecluse_policy::{ClientId, Intervention, InterventionId, Timestamp};
use ecluse_recordings::bundle::Rule;

use super::Export;
use crate::audit::{AuditKind, StoredAuditRecord};
use crate::store::{
    AuditQuery, InterventionFault, InterventionGone, InterventionQuery, Session, SessionFault,
    Store, Wrong,
};
use crate::texts::times;

/// Interventions read at once.
const PAGE: u32 = 1000;

/// What of one client is taken out.
pub(super) struct Choice {
    pub(super) client: ClientId,
    /// In order.
    pub(super) sessions: Vec<Session>,
    /// Those of the sessions, and those that were asked for and had none.
    pub(super) interventions: BTreeSet<InterventionId>,
    /// Which recordings belong into it.
    pub(super) rule: Rule,
    /// All that the journal has of the client in a time, sessions or none.
    pub(super) time: Option<Time>,
    /// In words.
    pub(super) asked_for: String,
    /// Sessions of the table that the log contradicts, and those that are gone.
    pub(super) faults: Vec<SessionFault>,
    /// Interventions that the log tells of and the store does not have.
    pub(super) gone: Vec<InterventionGone>,
    /// Interventions of it that the store has otherwise than the log tells: nobody can show what was approved.
    pub(super) altered: Vec<InterventionFault>,
}

/// From when to when, the end excluded; without them, from the beginning, to the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) from: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

impl Time {
    fn holds(self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
    }
}

impl Choice {
    /// From when on the client's entries are all in it; none where those of the sessions are chosen.
    pub(super) fn trail_from(&self) -> Option<Timestamp> {
        let from = self.time?.from;
        Some(from.unwrap_or(Timestamp::from_micros(0)))
    }

    /// Up to when they are, excluded; none up to the end.
    pub(super) fn trail_until(&self) -> Option<Timestamp> {
        self.time?.until
    }

    /// Finds what was asked for.
    pub(super) async fn make(
        store: &Store,
        export: &Export,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        anyhow::ensure!(
            export.client.is_some() || (export.from.is_none() && export.to.is_none()),
            "--from and --to are of a whole client: say --client CLIENT with them, or leave them out"
        );
        let mut choice = if let Some(number) = export.intervention {
            of_intervention(store, number).await?
        } else if let Some(client) = &export.client {
            of_client(store, client, export, now).await?
        } else if export.sessions.is_empty() {
            bail!(
                "say what to take out: sessions by their numbers, --intervention NUMBER, or --client CLIENT"
            )
        } else {
            numbered(store, &export.sessions).await?
        };
        choice.sessions.sort_by_key(|session| session.number);
        let faults = choice.sessions.iter().filter_map(|one| one.fault.as_ref());
        choice
            .faults
            .extend(faults.map(|fault| fault.as_ref().clone()));
        // As the log has it, whatever a row says.
        let begun_in = choice.sessions.iter().map(|one| one.start.intervention);
        choice.interventions.extend(begun_in);
        choice.altered = store.contradicted_interventions().await?;
        let chosen = &choice.interventions;
        choice.altered.retain(|fault| chosen.contains(&fault.id));
        Ok(choice)
    }

    /// How much of what was asked for there is no more, though the log tells of it.
    pub(super) fn lacks(&self) -> usize {
        let missing = self.faults.iter();
        missing.filter(|fault| fault.is_gone()).count() + self.gone.len()
    }
}

async fn numbered(store: &Store, numbers: &[u64]) -> anyhow::Result<Choice> {
    let mut sessions = Vec::new();
    for number in numbers.iter().collect::<BTreeSet<_>>() {
        let Some(session) = store.session_on_record(*number).await? else {
            return Err(no_session(store, *number).await?);
        };
        if let Some(fault) = &session.fault {
            if fault.what == Wrong::Planted {
                bail!(
                    "{fault}; nothing is exported as session #{number}; run: ecluse journal verify"
                );
            }
            if session.number != *number {
                bail!(
                    "{fault}; nothing is exported as session #{number}: export it by the number that the log has, #{}",
                    session.number
                );
            }
        }
        sessions.push(session);
    }
    let clients: BTreeSet<&ClientId> = sessions.iter().map(|one| &one.start.client).collect();
    let client = match (clients.first(), clients.len()) {
        (Some(client), 1) => (*client).clone(),
        (None, _) => bail!("there is no session to export"),
        (Some(_), _) => bail!("these sessions are of several clients; make one bundle for each"),
    };
    let names: Vec<String> = sessions
        .iter()
        .map(|one| format!("#{}", one.number))
        .collect();
    let ids = sessions.iter().map(|one| one.start.id.as_uuid()).collect();
    Ok(Choice {
        client,
        sessions,
        interventions: BTreeSet::new(),
        rule: Rule::Sessions(ids),
        time: None,
        asked_for: match names.as_slice() {
            [name] => format!("session {name}"),
            names => format!("sessions {}", names.join(", ")),
        },
        faults: Vec::new(),
        gone: Vec::new(),
        altered: Vec::new(),
    })
}

/// Why there is no session of a number.
async fn no_session(store: &Store, number: u64) -> anyhow::Result<anyhow::Error> {
    let removals = AuditQuery {
        kinds: vec![AuditKind::RecordingDestroyed],
        limit: Some(u32::MAX),
        ..AuditQuery::default()
    };
    let removals = store.audit(&removals).await?;
    let of_number = |stored: &&StoredAuditRecord| {
        stored
            .record
            .detail
            .get("number")
            .and_then(|it| it.as_u64())
            == Some(number)
    };
    let removed = removals.iter().find(of_number);
    if removed.is_none()
        && let Some(fault) = store.gone_session(None, number).await?
    {
        let client = fault.of.as_ref().map(ToString::to_string);
        return Ok(anyhow!(
            "{fault}; it cannot be exported by its number; what the journal has of it: ecluse export --client {}; and run: ecluse journal verify",
            client.unwrap_or_default()
        ));
    }
    let client = removed.and_then(|stored| Some((stored.seq, stored.record.client.as_ref()?)));
    Ok(match client {
        Some((seq, client)) => anyhow!(
            "session #{number} was removed under retention, on record with entry {seq}; what the journal still has of it: ecluse export --client {client}"
        ),
        None => anyhow!("there is no session #{number}"),
    })
}

/// An intervention with its sessions; one that was refused or ran out has none, and is evidence all the same.
async fn of_intervention(store: &Store, number: u64) -> anyhow::Result<Choice> {
    let found = store.intervention_on_record(number).await?;
    let Some((intervention, client)) = found else {
        let gone = store.interventions_gone().await?;
        match gone.iter().find(|gone| gone.number == Some(number)) {
            Some(gone) if !gone.was_removed => bail!(
                "{gone}; nothing can be exported of it alone; export its client, and run: ecluse journal verify"
            ),
            Some(_) | None => bail!(
                "there is no intervention #{number}; one that was removed under retention is told of by what the journal still has: ecluse export --client CLIENT"
            ),
        }
    };
    let (mut sessions, mut gone) = store.sessions_on_record(&client).await?;
    sessions.retain(|session| session.start.intervention == intervention);
    gone.retain(|fault| fault.was_under(intervention));
    Ok(Choice {
        client,
        sessions,
        interventions: BTreeSet::from([intervention]),
        rule: Rule::Interventions(vec![intervention.as_uuid()]),
        time: None,
        asked_for: format!("intervention #{number}"),
        faults: gone,
        gone: Vec::new(),
        altered: Vec::new(),
    })
}

/// Everything of a client, or of a time: also what never became a session.
async fn of_client(
    store: &Store,
    client: &ClientId,
    export: &Export,
    now: Timestamp,
) -> anyhow::Result<Choice> {
    let moment = |typed: &String| {
        times::parse_past(typed, now).with_context(|| {
            format!(
                "{}: not a time; accepted: a day (2026-11-25), a time (2026-11-25T14:00, or 14:00 for the last one; UTC), a length before now (30d)",
                ecluse_recordings::neutralise(typed)
            )
        })
    };
    let time = Time {
        from: export.from.as_ref().map(moment).transpose()?,
        until: export.to.as_ref().map(moment).transpose()?,
    };
    if let (Some(from), Some(until)) = (time.from, time.until) {
        anyhow::ensure!(
            from < until,
            "--from ({from}) is not before --to ({until}): nothing lies between; a length is before now, so the longer one is --from"
        );
    }
    let (mut sessions, faults) = store.sessions_on_record(client).await?;
    let had_sessions = !sessions.is_empty();
    sessions.retain(|session| time.holds(session.start.at));
    let asked = interventions(store, client).await?;
    let mut interventions: BTreeSet<InterventionId> = asked
        .iter()
        .filter(|one| time.holds(one.request().requested_at))
        .map(Intervention::id)
        .collect();
    // When one was asked for that was altered, its row does not say: it is taken along, and told.
    interventions.extend(store.contradicted_of(client).await?);
    let mut gone = store.interventions_gone().await?;
    // When one that is gone was asked for, only the entries tell: whoever verifies the bundle demands those of its time.
    gone.retain(|gone| gone.client.as_ref() == Some(client) && !gone.was_removed);
    known(store, client, had_sessions || !asked.is_empty()).await?;
    let asked_for = match (time.from, time.until) {
        (None, None) => format!("everything of {client}"),
        (Some(from), None) => format!("{client}, since {from}"),
        (None, Some(until)) => format!("{client}, until {until}"),
        (Some(from), Some(until)) => format!("{client}, {from} – {until}"),
    };
    Ok(Choice {
        client: client.clone(),
        sessions,
        interventions,
        rule: Rule::Began {
            from: time.from.map(Timestamp::as_micros),
            until: time.until.map(Timestamp::as_micros),
        },
        time: Some(time),
        asked_for,
        faults,
        gone,
        altered: Vec::new(),
    })
}

/// Every intervention of a client.
async fn interventions(store: &Store, client: &ClientId) -> anyhow::Result<Vec<Intervention>> {
    let mut all = Vec::new();
    let mut query = InterventionQuery {
        client: Some(client.clone()),
        limit: Some(PAGE),
        ..InterventionQuery::default()
    };
    loop {
        let page = store.interventions(&query).await?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        query.before = Some(last.number());
        all.extend(page);
    }
}

/// Refuses a client of whom there is nothing at all: most likely a name that was mistyped.
async fn known(store: &Store, client: &ClientId, has_something: bool) -> anyhow::Result<()> {
    let any = AuditQuery {
        client: Some(client.clone()),
        limit: Some(1),
        ..AuditQuery::default()
    };
    let has_something = has_something || !store.audit(&any).await?.is_empty();
    anyhow::ensure!(
        has_something,
        "nothing is known of a client {client}: no session, no intervention, no entry of the journal; there is nothing to export"
    );
    Ok(())
}
