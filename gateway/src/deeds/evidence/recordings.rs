//! The sessions there have been, newest first.

use std::collections::BTreeSet;

use clap::Args;
use ecluse_policy::{
    AccountName, AsAuditor, InterventionNumber, PersonId, SessionId, Span, TargetId, Timestamp,
    clients_concerned,
};
use serde::{Deserialize, Serialize};

use super::{Ended, standing};
use crate::actor::Actor;
use crate::deeds::totals::recorded_of;
use crate::deeds::{Ask, Subject, Undone, no_such, right, typed};
use crate::gateway::{Applied, Gateway};
use crate::live::Because;
use crate::store::{Node, Session, SessionEnd, SessionQuery, Standing, StoreError};

/// Sessions that are over, listed at once; those in passage are all listed.
pub(crate) const LISTED: u32 = 50;

/// A session is on record before it is in passage; within this it is.
const BEGINS_WITHIN: Span = Span::from_secs(10);

/// Lists the sessions of an auditor's client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recordings {
    /// Of this person alone.
    #[arg(long, value_parser = typed::person)]
    #[serde(default)]
    pub(crate) person: Option<PersonId>,
    /// On this target alone.
    #[arg(long, value_parser = typed::target)]
    #[serde(default)]
    pub(crate) target: Option<TargetId>,
    /// Of this intervention alone.
    #[arg(long, value_parser = typed::number)]
    #[serde(default)]
    pub(crate) intervention: Option<InterventionNumber>,
    /// That began from then on; read at the act.
    #[arg(long)]
    #[serde(default)]
    pub(crate) since: Option<String>,
    /// That began before; read at the act.
    #[arg(long)]
    #[serde(default)]
    pub(crate) until: Option<String>,
}

impl Ask for Recordings {
    const ACT: &'static str = "recordings";
    const USAGE: &'static str =
        "recordings [--person P] [--target T] [--intervention N] [--since D] [--until D]";
}

/// Sessions, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Listed {
    /// Everything in passage, and the latest of what is over.
    pub(crate) sessions: Vec<OfList>,
    /// Whether there is more that is over.
    pub(crate) more: bool,
    /// When that was.
    pub(crate) now: Timestamp,
}

/// One session of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct OfList {
    /// Its number.
    pub(crate) number: u64,
    /// What there is to say of it; none where the gateway's table is not known to have what the log has of it.
    pub(crate) facts: Option<Facts>,
    /// How the two stand.
    pub(crate) standing: Standing,
}

/// What a list says of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Facts {
    /// When it began.
    pub(crate) started: Timestamp,
    /// The technician.
    pub(crate) person: PersonId,
    /// As which account.
    pub(crate) account: AccountName,
    /// On which target.
    pub(crate) target: TargetId,
    /// Where it stands.
    pub(crate) course: Course,
    /// Lines that were typed in it and not shown; none where the gateway cannot read that.
    pub(crate) hidden_lines: Option<u64>,
    /// Payload bytes that went to the technician and to the target; where no gateway was left to count them, what is recorded of
    /// them. None where that is not known, and while a session is in passage elsewhere.
    pub(crate) passed: Option<(u64, u64)>,
}

/// Where a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Course {
    /// In passage.
    Open,
    /// It ended so.
    Ended(Ended),
    /// The gateway that carried it is not heard of; its end comes on record when that one starts again or is taken out.
    Lost,
    /// It is over, and its end is not on record.
    Unended,
}

/// The sessions there have been on an auditor's client. Looking only.
pub(crate) async fn recordings(
    house: &Gateway,
    by: &Actor,
    ask: &Recordings,
) -> Result<Listed, Undone> {
    let applied = house.applied();
    let auditor = right(house, by, Recordings::ACT, by.as_auditor(&applied)).await?;
    let chosen = chosen(house, by, (&applied, &auditor), Recordings::ACT, ask).await?;
    Ok(list(house, &chosen, auditor.now()).await?)
}

/// Lists sessions, the latest first.
pub(crate) async fn list(
    house: &Gateway,
    query: &SessionQuery,
    now: Timestamp,
) -> Result<Listed, StoreError> {
    let live = SessionQuery {
        live: true,
        limit: Some(u32::MAX),
        ..query.clone()
    };
    let latest = SessionQuery {
        limit: Some(LISTED + 1),
        ..query.clone()
    };
    let mut sessions = house.store.sessions(&latest).await?;
    let listed = usize::try_from(LISTED).unwrap_or(usize::MAX);
    let more = sessions.len() > listed;
    sessions.truncate(listed);
    // One in passage never falls off the list, however long ago it began.
    let last = sessions.last().map(|session| session.number);
    let older = house.store.sessions(&live).await?;
    sessions.extend(
        older
            .into_iter()
            .filter(|session| last.is_some_and(|last| session.number < last)),
    );
    // What the table hides is listed by the log, however long ago it began.
    let hidden = house.store.hidden_sessions(query).await?;
    let there: BTreeSet<SessionId> = sessions.iter().map(|one| one.start.id).collect();
    let of_others = hidden.sessions.into_iter();
    sessions.extend(of_others.filter(|one| !there.contains(&one.start.id)));
    let is_open = |session: &Session| session.end.is_none();
    let nodes = if house.store.may_be_shared() && sessions.iter().any(is_open) {
        house.store.gateways().await?
    } else {
        Vec::new()
    };
    let mut found = Vec::new();
    for fault in hidden.gone {
        house.store.tell_session_fault(&fault, now).await?;
        found.push(OfList {
            number: fault.number,
            facts: None,
            standing: fault.standing(),
        });
    }
    for session in &sessions {
        let standing = standing(house, session, now).await?;
        let is_sound = standing == Standing::OnRecord;
        found.push(OfList {
            number: session.number,
            facts: match is_sound {
                true => Some(facts(house, &nodes, session, now).await?),
                false => None,
            },
            standing,
        });
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.number));
    Ok(Listed {
        sessions: found,
        more,
        now,
    })
}

async fn facts(
    house: &Gateway,
    nodes: &[Node],
    session: &Session,
    now: Timestamp,
) -> Result<Facts, StoreError> {
    let start = &session.start;
    let unknown = session.hidden_lines == 0 && session.unread;
    let passed = match &session.end {
        Some(end) if is_counted(end) => Some((end.to_technician, end.to_target)),
        Some(_) => recorded_of(&house.store, start.id)
            .await?
            .map(|[out, into]| (out, into)),
        None => house.live.numbered(session.number).map(|session| {
            let (into, out) = session.bytes();
            (out, into)
        }),
    };
    Ok(Facts {
        started: start.at,
        person: start.person.clone(),
        account: start.account.clone(),
        target: start.target.clone(),
        course: course(house, nodes, session, now),
        hidden_lines: (!unknown).then_some(session.hidden_lines),
        passed,
    })
}

/// Where a session stands. One that another gateway carries is in passage as long as that one is heard of: whether it
/// started since, `ecluse journal verify` tells.
pub(super) fn course(house: &Gateway, nodes: &[Node], session: &Session, now: Timestamp) -> Course {
    if let Some(end) = &session.end {
        return Course::Ended(Ended::of(end));
    }
    let there = &session.start.node;
    if house.store.may_be_shared() && *there != house.node {
        let heard = |node: &Node| node.name == *there && !node.is_lost();
        return if nodes.iter().any(heard) {
            Course::Open
        } else {
            Course::Lost
        };
    }
    let is_young = now.since(session.start.at) < BEGINS_WITHIN;
    if is_young || house.live.has(session.number) {
        Course::Open
    } else {
        Course::Unended
    }
}

/// Whether somebody was left to count what passed.
fn is_counted(end: &SessionEnd) -> bool {
    !matches!(
        end.because,
        Some(Because::Recovered { .. } | Because::Orphaned)
    )
}

/// The sessions of the auditor's client that somebody chooses.
pub(crate) async fn chosen(
    house: &Gateway,
    by: &Actor,
    (applied, auditor): (&Applied, &AsAuditor<'_>),
    act: &str,
    ask: &Recordings,
) -> Result<SessionQuery, Undone> {
    let moment = |typed: &Option<String>| {
        let typed = typed.as_deref();
        typed
            .map(|typed| typed::past(typed, auditor.now()))
            .transpose()
    };
    let (from, until) = (moment(&ask.since)?, moment(&ask.until)?);
    let intervention = match ask.intervention {
        None => None,
        Some(number) => {
            let found = house.store.intervention_numbered(number).await?;
            match found.filter(|found| found.request().client == *auditor.client()) {
                Some(found) => Some(found.id()),
                None => return Err(no_such(house, by, act, Subject::Intervention(number)).await),
            }
        }
    };
    if let Some(typed) = unknown(house, applied, auditor, ask).await? {
        let client = auditor.client().clone();
        return Err(Undone::NoSuch(Subject::Name { typed, client }));
    }
    Ok(SessionQuery {
        client: Some(auditor.client().clone()),
        person: ask.person.clone(),
        target: ask.target.clone(),
        intervention,
        from,
        until,
        ..SessionQuery::default()
    })
}

/// The person or target that the client has nothing to do with: no session, no flow of its document names it. Whether
/// another client knows it is not told (O4).
async fn unknown(
    house: &Gateway,
    applied: &Applied,
    auditor: &AsAuditor<'_>,
    ask: &Recordings,
) -> Result<Option<String>, StoreError> {
    let client = auditor.client();
    let one = |person: Option<&PersonId>, target: Option<&TargetId>| SessionQuery {
        client: Some(client.clone()),
        person: person.cloned(),
        target: target.cloned(),
        limit: Some(1),
        ..SessionQuery::default()
    };
    if let Some(person) = &ask.person
        && !clients_concerned(&applied.documents, person).contains(client)
        && house
            .store
            .sessions(&one(Some(person), None))
            .await?
            .is_empty()
    {
        return Ok(Some(person.to_string()));
    }
    if let Some(target) = &ask.target
        && applied
            .documents
            .target(target)
            .is_none_or(|(of, _)| of.id != *client)
        && house
            .store
            .sessions(&one(None, Some(target)))
            .await?
            .is_empty()
    {
        return Ok(Some(target.to_string()));
    }
    Ok(None)
}
