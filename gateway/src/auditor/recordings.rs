//! `recordings`: the sessions there have been, newest first.

use ecluse_policy::{
    AsAuditor, ClientId, Documents, InterventionNumber, PersonId, TargetId, Timestamp,
    clients_concerned,
};

use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::refused::not_theirs;
use crate::admission::words::{Arguments, Misuse, Takes};
use crate::live::Because;
use crate::store::{Session, SessionEnd, SessionFault, SessionQuery};
use crate::terminal::layout::Gives;
use crate::texts::times;

const TAKES: Takes = Takes {
    values: &["person", "target", "intervention", "since", "until"],
    sentences: &[],
    switches: &[],
};
/// Sessions that are over, listed at once; those in passage are all listed.
const LISTED: u32 = 50;

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
    let query = match query(desk, by, command, &given).await? {
        Ok(query) => query,
        Err(status) => return Ok(status),
    };
    list(desk, &query, now).await
}

/// Lists sessions, the latest first.
pub(super) async fn list(
    desk: &mut Desk<'_>,
    query: &SessionQuery,
    now: Timestamp,
) -> Result<u32, Trouble> {
    let live = SessionQuery {
        live: true,
        limit: Some(u32::MAX),
        ..query.clone()
    };
    let latest = SessionQuery {
        limit: Some(LISTED + 1),
        ..query.clone()
    };
    let mut sessions = desk.gateway.store.sessions(&latest).await?;
    let listed = usize::try_from(LISTED).unwrap_or(usize::MAX);
    let more = sessions.len() > listed;
    sessions.truncate(listed);
    // One in passage never falls off the list, however long ago it began.
    let last = sessions.last().map(|session| session.number);
    let older = desk.gateway.store.sessions(&live).await?;
    sessions.extend(
        older
            .into_iter()
            .filter(|session| last.is_some_and(|last| session.number < last)),
    );
    if sessions.is_empty() {
        desk.line("auditor-none", &[]).await?;
        return Ok(status::DONE);
    }
    let heads = [
        "field-number",
        "field-started",
        "field-person",
        "field-target",
        "field-length",
        "field-hidden",
        "field-end",
    ];
    let heads: Vec<String> = heads.iter().map(|id| desk.say(id, &[])).collect();
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .map(|session| row(desk, session, now))
        .collect();
    // Only the end is somebody's words, and gives way on a narrow terminal.
    let gives = [Gives(6, 12)];
    desk.terminal.table_giving(&heads, &rows, &gives).await?;
    for fault in sessions.iter().filter_map(|session| session.fault.as_ref()) {
        not_on_record(desk, fault, now).await?;
    }
    if sessions.iter().any(|session| session.unread) {
        desk.line("auditor-hidden-unknown", &[]).await?;
    }
    if more {
        desk.line("auditor-older-left-out", &[("shown", LISTED.into())])
            .await?;
    }
    Ok(status::DONE)
}

/// Says that the table has something else of a session than the log, and puts that on record, once.
pub(super) async fn not_on_record(
    desk: &mut Desk<'_>,
    fault: &SessionFault,
    now: Timestamp,
) -> Result<(), Trouble> {
    desk.gateway.store.tell_session_fault(fault, now).await?;
    let number = [("number", fault.number.into())];
    desk.line("auditor-session-not-on-record", &number).await?;
    Ok(())
}

/// The sessions of the auditor's client that options choose: `--person`, `--target`, `--intervention`, `--since`,
/// `--until`. What is wrong with them was told; then the exit status.
pub(super) async fn query(
    desk: &mut Desk<'_>,
    by: &AsAuditor<'_>,
    command: &Command,
    given: &Arguments,
) -> Result<Result<SessionQuery, u32>, Trouble> {
    let (query, number) = match written(given, by.now()) {
        Ok(written) => written,
        Err(misuse) => return desk.misused(command, &misuse).await.map(Err),
    };
    let intervention = match number {
        None => None,
        Some(number) => {
            let found = desk.gateway.store.intervention_numbered(number).await?;
            match found.filter(|found| found.request().client == *by.client()) {
                Some(found) => Some(found.id()),
                None => {
                    let typed = number.to_string();
                    let args = [
                        ("id", typed.as_str().into()),
                        ("command", "interventions".into()),
                    ];
                    let told = "common-no-such-intervention";
                    return not_theirs(desk, command, &typed, told, &args)
                        .await
                        .map(Err);
                }
            }
        }
    };
    let query = SessionQuery {
        client: Some(by.client().clone()),
        intervention,
        ..query
    };
    if let Some(typed) = unknown(desk, by, &query).await? {
        let args = [
            ("typed", typed.into()),
            ("client", by.client().as_str().into()),
        ];
        return desk.problem("auditor-name-unknown", &args).await.map(Err);
    }
    Ok(Ok(query))
}

/// The person or target of a query that the client has nothing to do with: no session, no flow of its document names it.
/// Whether another client knows it is not told (O4).
async fn unknown(
    desk: &Desk<'_>,
    by: &AsAuditor<'_>,
    query: &SessionQuery,
) -> Result<Option<String>, Trouble> {
    let applied = desk.applied();
    let one = |person: Option<&PersonId>, target: Option<&TargetId>| SessionQuery {
        client: Some(by.client().clone()),
        person: person.cloned(),
        target: target.cloned(),
        limit: Some(1),
        ..SessionQuery::default()
    };
    let store = &desk.gateway.store;
    if let Some(person) = &query.person
        && !is_of(&applied.documents, by.client(), person)
        && store.sessions(&one(Some(person), None)).await?.is_empty()
    {
        return Ok(Some(person.to_string()));
    }
    if let Some(target) = &query.target
        && applied
            .documents
            .target(target)
            .is_none_or(|(client, _)| client.id != *by.client())
        && store.sessions(&one(None, Some(target))).await?.is_empty()
    {
        return Ok(Some(target.to_string()));
    }
    Ok(None)
}

fn is_of(documents: &Documents, client: &ClientId, person: &PersonId) -> bool {
    clients_concerned(documents, person).contains(client)
}

fn written(
    given: &Arguments,
    now: Timestamp,
) -> Result<(SessionQuery, Option<InterventionNumber>), Misuse> {
    let unclear = |typed: &str| Misuse::NameUnclear(typed.to_owned());
    let person = given
        .one("person")?
        .map(|typed| PersonId::parse(typed).map_err(|_| unclear(typed)))
        .transpose()?;
    let target = given
        .one("target")?
        .map(|typed| TargetId::typed(typed).map_err(|_| unclear(typed)))
        .transpose()?;
    let moment = |typed: &str| {
        times::parse_past(typed, now).ok_or_else(|| Misuse::MomentUnclear(typed.to_owned()))
    };
    let number = |typed: &str| {
        InterventionNumber::parse(typed).map_err(|_| Misuse::NumberUnclear(typed.to_owned()))
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

/// Why a session ended, in the reader's language; as it was written where that is all there is.
pub(super) fn why(desk: &Desk<'_>, end: &SessionEnd, now: Timestamp) -> String {
    match &end.because {
        Some(because) => desk
            .gateway
            .texts
            .because(desk.lang(), because, end.at, now),
        None => desk.gateway.texts.on_record(desk.lang(), &end.reason),
    }
}

/// How long a session was; of one that no gateway was left to end, how long at least, or at most.
fn length(desk: &Desk<'_>, end: &SessionEnd, start: Timestamp) -> String {
    let length = times::countdown(desk.lang(), end.at.since(start));
    match &end.because {
        Some(Because::Recovered { .. }) => format!("≥ {length}"),
        Some(Because::Orphaned) => format!("≤ {length}"),
        Some(_) | None => length,
    }
}

fn row(desk: &Desk<'_>, session: &Session, now: Timestamp) -> Vec<String> {
    let start = &session.start;
    let (length, end) = match &session.end {
        Some(end) => (length(desk, end, start.at), why(desk, end, now)),
        None => (
            times::countdown(desk.lang(), now.since(start.at)),
            desk.say("state-open", &[]),
        ),
    };
    let hidden = match session.hidden_lines {
        0 if session.unread => "?".to_owned(),
        0 => String::new(),
        lines => lines.to_string(),
    };
    if session.fault.is_some() {
        // Nothing else that the table says of it is shown as if it were so.
        let end = desk.say("state-not-on-record", &[]);
        let unknown = || "?".to_owned();
        return vec![
            session.number.to_string(),
            unknown(),
            unknown(),
            unknown(),
            unknown(),
            String::new(),
            end,
        ];
    }
    vec![
        session.number.to_string(),
        times::date_and_clock(start.at),
        start.person.to_string(),
        format!("{}@{}", start.account, start.target),
        length,
        hidden,
        end,
    ]
}
