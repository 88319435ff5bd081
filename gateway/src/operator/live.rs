//! The sessions in passage, and the red handle (I5).

use std::collections::BTreeSet;
use std::sync::Arc;

use ecluse_policy::words::lenient_reason;
use ecluse_policy::{AsOperator, PersonId, TargetId, Timestamp};

use super::alerts;
use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::refused::not_theirs;
use crate::admission::words::{Misuse, Takes};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::live::{CutWhat, Guest, LiveSession};
use crate::store::StoreError;
use crate::texts::{times, told};

const CUT: Takes = Takes {
    values: &[],
    sentences: &["reason"],
    switches: &[],
};

/// `live`
pub(crate) async fn live(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    if let Err(misuse) = arguments(words, Takes::NOTHING, 0) {
        return desk.misused(command, &misuse).await;
    }
    alerts::tell(desk, by).await?;
    let sessions = desk.gateway.live.list(by);
    if sessions.is_empty() {
        desk.line("operator-none-live", &[]).await?;
        return Ok(status::DONE);
    }
    let heads = [
        "field-session",
        "field-person",
        "field-target",
        "field-account",
        "field-since",
        "field-left",
        "field-intervention",
        "field-channels",
    ];
    let heads: Vec<String> = heads.iter().map(|id| desk.say(id, &[])).collect();
    let now = clock::now();
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .map(|session| row(desk, session, now))
        .collect();
    desk.terminal.table(&heads, &rows).await?;
    Ok(status::DONE)
}

fn row(desk: &Desk<'_>, session: &LiveSession, now: Timestamp) -> Vec<String> {
    let facts = session.facts();
    let channels = session.channels();
    let shown: Vec<String> = channels
        .iter()
        .map(|channel| match &channel.command {
            None => format!("{} shell", channel.number),
            Some(command) => format!(
                "{} {}",
                channel.number,
                crate::terminal::layout::shorten(&told(command), 30)
            ),
        })
        .collect();
    vec![
        facts.number.to_string(),
        format!("{} ({})", facts.person, facts.provider),
        facts.target.to_string(),
        facts.account.to_string(),
        times::moment(facts.started, now, None),
        times::countdown(desk.lang(), facts.closes_at.since(now)),
        facts.intervention_number.to_string(),
        shown.join(", "),
    ]
}

/// `cut SESSION|TECHNICIAN|TARGET|all`
pub(crate) async fn cut(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let written = arguments(words, CUT, 1).and_then(|given| {
        let what = given
            .words
            .first()
            .cloned()
            .ok_or(Misuse::Missing("usage-no-session"))?;
        // A reason that does not read holds up no cut.
        Ok((what, given.one("reason")?.and_then(lenient_reason)))
    });
    let (typed, reason) = match written {
        Ok(written) => written,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let Some(what) = what(desk, by, &typed) else {
        return none_to_cut(desk, command, &typed).await;
    };
    let cut = cut_now(desk, by, &what, reason.as_deref()).await;
    if cut.sessions.is_empty() && cut.guests.is_empty() {
        return match what {
            // Whoever cuts all where nothing runs has named nothing.
            CutWhat::All => {
                desk.problem("operator-cut-none", &[("what", typed.into())])
                    .await
            }
            CutWhat::Session(_) | CutWhat::Target(_) | CutWhat::Technician(_) => {
                none_to_cut(desk, command, &typed).await
            }
        };
    }
    tell(desk, &cut).await
}

async fn none_to_cut(desk: &mut Desk<'_>, command: &Command, typed: &str) -> Result<u32, Trouble> {
    let args = [("what", typed.into())];
    not_theirs(desk, command, typed, "operator-cut-none", &args).await
}

/// What was cut, and whether that is on record.
pub(crate) struct Cut {
    sessions: Vec<Arc<LiveSession>>,
    /// Connections that carried no session.
    guests: Vec<Guest>,
    recorded: Result<(), StoreError>,
}

/// What a word names: a session's number, everything, a target in passage, or a person.
fn what(desk: &Desk<'_>, by: &AsOperator<'_>, typed: &str) -> Option<CutWhat> {
    if typed == "all" {
        return Some(CutWhat::All);
    }
    if let Ok(number) = typed.trim_start_matches('#').parse() {
        return Some(CutWhat::Session(number));
    }
    let sessions = desk.gateway.live.list(by);
    if let Ok(target) = TargetId::typed(typed)
        && sessions
            .iter()
            .any(|session| session.facts().target == target)
    {
        return Some(CutWhat::Target(target));
    }
    PersonId::parse(typed).ok().map(CutWhat::Technician)
}

/// Cuts, then puts it on record: nothing may come before the handle, not even the store.
pub(crate) async fn cut_now(
    desk: &Desk<'_>,
    by: &AsOperator<'_>,
    what: &CutWhat,
    reason: Option<&str>,
) -> Cut {
    let live = &desk.gateway.live;
    let sessions = live.cut(by, what, reason);
    let guests = live.guests.cut(by, what, reason);
    let now = clock::now();
    let records: Vec<AuditRecord> = sessions
        .iter()
        .map(|session| record(desk, session, now, reason))
        .chain(
            guests
                .iter()
                .map(|guest| record_of_guest(desk, by, guest, now, reason)),
        )
        .collect();
    let recorded = if records.is_empty() {
        Ok(())
    } else {
        desk.gateway.store.ahead().record(&records).await
    };
    Cut {
        sessions,
        guests,
        recorded,
    }
}

fn record_of_guest(
    desk: &Desk<'_>,
    by: &AsOperator<'_>,
    guest: &Guest,
    now: Timestamp,
    reason: Option<&str>,
) -> AuditRecord {
    let record = desk
        .record(AuditKind::Cut, now)
        .client(by.client())
        .permitted()
        .detail("technician", guest.person.to_string())
        .detail("connection-cut", guest.connection.to_string());
    let record = match &guest.target {
        Some(target) => record.target(target),
        None => record,
    };
    match reason {
        Some(reason) => record.reason(reason),
        None => record,
    }
}

fn record(
    desk: &Desk<'_>,
    session: &LiveSession,
    now: Timestamp,
    reason: Option<&str>,
) -> AuditRecord {
    let facts = session.facts();
    let record = about(desk.record(AuditKind::Cut, now), session).permitted();
    match reason {
        Some(reason) => record.reason(reason),
        None => record,
    }
    .detail("number", facts.number)
}

/// What an audit record says about a session.
pub(crate) fn about(record: AuditRecord, session: &LiveSession) -> AuditRecord {
    let facts = session.facts();
    record
        .client(&facts.client)
        .target(&facts.target)
        .intervention(facts.intervention)
        .session(facts.id)
        .detail("technician", facts.person.to_string())
}

/// Says what was cut, that the intervention still stands, and whether the cut is on record: what was done is told first.
pub(crate) async fn tell(desk: &mut Desk<'_>, cut: &Cut) -> Result<u32, Trouble> {
    let Cut {
        sessions,
        guests,
        recorded,
    } = cut;
    if !guests.is_empty() {
        let people: BTreeSet<String> = guests.iter().map(|one| one.person.to_string()).collect();
        let people: Vec<String> = people.into_iter().collect();
        let args = [
            ("count", guests.len().into()),
            ("people", people.join(", ").into()),
        ];
        desk.line("operator-cut-guests", &args).await?;
    }
    let numbers: Vec<String> = sessions
        .iter()
        .map(|session| session.facts().number.to_string())
        .collect();
    let args = [
        ("count", sessions.len().into()),
        ("sessions", numbers.join(", ").into()),
    ];
    if !sessions.is_empty() {
        desk.line("operator-cut", &args).await?;
    }
    let mut interventions: Vec<u64> = sessions
        .iter()
        .map(|session| session.facts().intervention_number.0)
        .collect();
    interventions.sort_unstable();
    interventions.dedup();
    for number in interventions {
        desk.line("operator-cut-note", &[("id", number.to_string().into())])
            .await?;
    }
    let Err(error) = recorded else {
        return Ok(status::DONE);
    };
    tracing::error!(%error, "a cut is not on record");
    desk.problem(
        "operator-cut-not-on-record",
        &[(
            "problem",
            desk.gateway.texts.store(desk.lang(), error).into(),
        )],
    )
    .await
}
