//! `recordings`: the sessions there have been, newest first.

use ecluse_policy::{AsAuditor, InterventionId, InterventionNumber, PersonId, TargetId, Timestamp};

use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::words::{Arguments, Misuse, Takes};
use crate::store::{Session, SessionQuery};
use crate::texts::{harmless, times};

const TAKES: Takes = Takes {
    values: &["person", "target", "intervention", "since", "until"],
    sentences: &[],
    switches: &[],
};
/// Sessions listed at once.
const LISTED: usize = 50;

/// `recordings [--person P] [--target T] [--intervention N] [--since D] [--until D]`
pub(crate) async fn recordings(
    desk: &mut Desk<'_>,
    by: &AsAuditor<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let now = by.now();
    let given = match arguments(words, TAKES, 0) {
        Ok(given) => given,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let query = match query(desk, by, &given).await? {
        Ok(query) => query,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    list(desk, &query, now).await
}

/// Lists sessions, the latest first.
pub(super) async fn list(
    desk: &mut Desk<'_>,
    query: &SessionQuery,
    now: Timestamp,
) -> Result<u32, Trouble> {
    let query = SessionQuery {
        limit: Some(501),
        ..query.clone()
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

/// The sessions of the auditor's client that options choose: `--person`, `--target`, `--intervention`, `--since`,
/// `--until`.
pub(super) async fn query(
    desk: &Desk<'_>,
    by: &AsAuditor<'_>,
    given: &Arguments,
) -> Result<Result<SessionQuery, Misuse>, Trouble> {
    let (query, number) = match written(given, by.now()) {
        Ok(written) => written,
        Err(misuse) => return Ok(Err(misuse)),
    };
    let intervention = match number {
        None => None,
        // One that there is not has no session: no id is all zeros.
        Some(number) => Some(
            desk.gateway
                .store
                .intervention_numbered(InterventionNumber(number))
                .await?
                .map_or(InterventionId::from_uuid(uuid::Uuid::nil()), |found| {
                    found.request().id
                }),
        ),
    };
    Ok(Ok(SessionQuery {
        client: Some(by.client().clone()),
        intervention,
        ..query
    }))
}

fn written(given: &Arguments, now: Timestamp) -> Result<(SessionQuery, Option<u64>), Misuse> {
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
    let number = |typed: &str| {
        typed
            .trim_start_matches('#')
            .parse()
            .map_err(|_| Misuse::NumberUnclear(typed.to_owned()))
    };
    let query = SessionQuery {
        person,
        target,
        from: given.one("since")?.map(moment).transpose()?,
        until: given.one("until")?.map(moment).transpose()?,
        ..SessionQuery::default()
    };
    Ok((query, given.one("intervention")?.map(number).transpose()?))
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
