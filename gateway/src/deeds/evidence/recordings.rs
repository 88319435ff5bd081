//! The sessions there have been, newest first.

use clap::Args;
use ecluse_policy::{
    AccountName, AsAuditor, InterventionNumber, PersonId, TargetId, Timestamp, clients_concerned,
};
use serde::{Deserialize, Serialize};

use super::{Ended, is_on_record};
use crate::actor::Actor;
use crate::deeds::{Ask, Subject, Undone, no_such, right, typed};
use crate::gateway::{Applied, Gateway};
use crate::live::Because;
use crate::store::{Session, SessionEnd, SessionQuery, StoreError};

/// Sessions that are over, listed at once; those in passage are all listed.
pub(crate) const LISTED: u32 = 50;

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
    /// What there is to say of it; none where the gateway's table has other things of it than the log.
    pub(crate) facts: Option<Facts>,
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
    /// How it ended; none while it is in passage.
    pub(crate) end: Option<Ended>,
    /// Lines that were typed in it and not shown; none where the gateway cannot read that.
    pub(crate) hidden_lines: Option<u64>,
    /// Payload bytes that went to the technician and to the target; none while it is in passage, and where no gateway was left
    /// to count them.
    pub(crate) passed: Option<(u64, u64)>,
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
    let mut found = Vec::new();
    for session in &sessions {
        let on_record = is_on_record(house, session, now).await?;
        found.push(OfList {
            number: session.number,
            facts: on_record.then(|| facts(session)),
        });
    }
    Ok(Listed {
        sessions: found,
        more,
        now,
    })
}

fn facts(session: &Session) -> Facts {
    let start = &session.start;
    let unknown = session.hidden_lines == 0 && session.unread;
    Facts {
        started: start.at,
        person: start.person.clone(),
        account: start.account.clone(),
        target: start.target.clone(),
        end: session.end.as_ref().map(Ended::of),
        hidden_lines: (!unknown).then_some(session.hidden_lines),
        passed: session.end.as_ref().and_then(passed),
    }
}

fn passed(end: &SessionEnd) -> Option<(u64, u64)> {
    let counted = !matches!(
        end.because,
        Some(Because::Recovered { .. } | Because::Orphaned)
    );
    counted.then_some((end.to_technician, end.to_target))
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
