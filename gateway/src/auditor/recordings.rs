//! `recordings`: the sessions there have been, newest first.

use ecluse_policy::{PersonId, Refusal, TargetId, Timestamp};

use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::words::{Misuse, Takes};
use crate::clock;
use crate::store::{Session, SessionQuery};
use crate::texts::{harmless, times};

const TAKES: Takes = Takes {
    values: &["person", "target", "since", "until"],
    sentences: &[],
    switches: &[],
};
/// Sessions listed at once.
const LISTED: usize = 50;

/// `recordings [--person P] [--target T] [--since D] [--until D]`
pub(crate) async fn recordings(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let Some(client) = desk.client().cloned() else {
        return desk.refused(&Refusal::NotItsOperator).await;
    };
    let now = clock::now();
    let query = match query(words, now) {
        Ok(query) => SessionQuery {
            client: Some(client),
            limit: Some(501),
            ..query
        },
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let sessions = desk.gateway.store.sessions(&query).await?;
    if sessions.is_empty() {
        desk.line("auditor-none", &[]).await?;
        return Ok(status::DONE);
    }
    let heads = [
        "field-session",
        "field-started",
        "field-person",
        "field-target",
        "field-length",
        "field-end",
    ];
    let heads: Vec<String> = heads.iter().map(|id| desk.say(id, &[])).collect();
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .take(LISTED)
        .map(|session| row(desk, session, now))
        .collect();
    desk.terminal.table(&heads, &rows).await?;
    if sessions.len() > LISTED {
        let args = [("shown", LISTED.into()), ("total", sessions.len().into())];
        desk.line("common-too-many", &args).await?;
    }
    Ok(status::DONE)
}

fn query(words: &[String], now: Timestamp) -> Result<SessionQuery, Misuse> {
    let given = arguments(words, TAKES, 0)?;
    let unclear = |typed: &str| Misuse::NameUnclear(typed.to_owned());
    let person = given
        .one("person")?
        .map(|typed| PersonId::parse(typed).map_err(|_| unclear(typed)))
        .transpose()?;
    let target = given
        .one("target")?
        .map(|typed| TargetId::parse(typed).map_err(|_| unclear(typed)))
        .transpose()?;
    let moment = |typed: &str| {
        times::parse_past(typed, now).ok_or_else(|| Misuse::MomentUnclear(typed.to_owned()))
    };
    Ok(SessionQuery {
        person,
        target,
        from: given.one("since")?.map(moment).transpose()?,
        until: given.one("until")?.map(moment).transpose()?,
        ..SessionQuery::default()
    })
}

fn row(desk: &Desk<'_>, session: &Session, now: Timestamp) -> Vec<String> {
    let start = &session.start;
    let (length, end) = match &session.end {
        Some(end) => (
            times::countdown(desk.lang(), end.at.since(start.at)),
            harmless(&end.reason),
        ),
        None => (
            times::countdown(desk.lang(), now.since(start.at)),
            desk.say("state-open", &[]),
        ),
    };
    vec![
        session.number.to_string(),
        times::date_and_clock(start.at),
        start.person.to_string(),
        format!("{}@{}", start.account, start.target),
        length,
        crate::terminal::layout::shorten(&end, 40),
    ]
}
