//! What a technician does: asks for an intervention, and gives one up (I1).

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use ecluse_policy::intervention::{self, Intervention, State};
use ecluse_policy::matrix::Reach;
use ecluse_policy::{
    AccountName, AsTechnician, Capability, ClientId, Documents, InterventionNumber, PersonId,
    Refusal, TargetId, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answers::named;
use super::start::{self, Start};
use super::steps::{about, settled, step};
use super::typed::{self, Family, Length, Size};
use super::{Ask, Subject, Undone, no_such, put_on_record, right};
use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord, LONGEST};
use crate::gateway::{Applied, Gateway};
use crate::store::{InterventionError, InterventionQuery, StateName, StoreError, new_id};

/// Asks the client for an intervention.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// Where; all of one client.
    #[arg(required = true, value_delimiter = ',', value_parser = typed::target)]
    pub(crate) target: Vec<TargetId>,
    /// As whom; needed where several accounts are possible.
    #[arg(long, value_parser = typed::account)]
    #[serde(default)]
    pub(crate) account: Option<AccountName>,
    /// What one line of the matrix offers, by its name; all that the matrix does, where none is named.
    #[arg(long)]
    #[serde(default)]
    pub(crate) flow: Option<String>,
    /// Of that only these families.
    #[arg(long, value_delimiter = ',')]
    #[serde(default)]
    pub(crate) only: Vec<Family>,
    /// For how long.
    #[arg(long = "for")]
    #[serde(rename = "for")]
    pub(crate) length: Length,
    /// How much is to leave in all, where that is less than the matrix allows.
    #[arg(long)]
    #[serde(default)]
    pub(crate) bytes: Option<Size>,
    /// From when, where not from the answer on: in the time zone of the flows that are asked for ([`start`]).
    #[arg(long)]
    #[serde(default)]
    pub(crate) at: Option<String>,
    /// Why; the client reads it.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) reason: String,
}

impl Ask for Request {
    const ACT: &'static str = "request";
    const USAGE: &'static str = "request TARGET… [--account A] [--flow F | --only FAMILY,…] --for D [--bytes SIZE] [--at TIME] --reason \"…\"";
}

/// A request that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Requested {
    /// What was asked.
    pub(crate) intervention: Intervention,
    /// Who can answer it now.
    pub(crate) operators: Vec<PersonId>,
    /// Whether logging on to the target opens another intervention of theirs.
    pub(crate) opens_another: bool,
}

/// How the start that somebody typed is read, so that they are told before they ask; none where none was typed.
pub(crate) async fn start(
    house: &Gateway,
    by: &Actor,
    ask: &Request,
) -> Result<Option<Start>, Undone> {
    let applied = house.applied();
    let technician = right(house, by, Request::ACT, by.as_technician(&applied)).await?;
    start::read(ask, &reaches(ask, &technician), technician.now())
}

/// A technician asks the client for an intervention.
pub(crate) async fn request(
    house: &Gateway,
    by: &Actor,
    ask: Request,
) -> Result<Requested, Undone> {
    let applied = house.applied();
    let technician = right(house, by, Request::ACT, by.as_technician(&applied)).await?;
    let asked = meant(house, by, ask, &technician).await?;
    let now = technician.now();
    let targets = asked.targets.clone();
    let made = house
        .store
        .insert_intervention(
            by.person(),
            now,
            &house.settings.interventions,
            |id, number, waiting| {
                let made = intervention::request(&technician, asked, waiting, id, number)?;
                let request = made.request();
                let record = about(by.record(AuditKind::Request, now), &made)
                    .permitted()
                    .reason(&request.reason)
                    .detail("code", request.code())
                    .detail("start", request.start.map(|start| start.to_string()))
                    .detail("length", request.length.to_string())
                    .detail("bytes", request.bytes.map(|bytes| bytes.to_string()))
                    .detail("scope", json!(request.scope))
                    .detail("documents", applied.version);
                Ok((made, vec![record]))
            },
        )
        .await;
    if let Err(InterventionError::Refused(refusal)) = &made {
        for record in refused(by, &applied, &targets, refusal, now)? {
            put_on_record(house, by, record).await?;
        }
    }
    let intervention = settled(made)?;
    let request = intervention.request();
    Ok(Requested {
        operators: can_answer(&applied.documents, &request.client, now)
            .into_iter()
            .cloned()
            .collect(),
        opens_another: opens_another(house, by, &request.scope.targets).await?,
        intervention,
    })
}

/// Whether the technician has an answered intervention on the first of the targets.
async fn opens_another(
    house: &Gateway,
    by: &Actor,
    targets: &BTreeSet<TargetId>,
) -> Result<bool, StoreError> {
    let Some(target) = targets.first() else {
        return Ok(false);
    };
    let theirs = InterventionQuery {
        person: Some(by.person().clone()),
        states: vec![StateName::Approved, StateName::Open],
        limit: Some(u32::MAX),
        ..InterventionQuery::default()
    };
    let answered = house.store.interventions(&theirs).await?;
    Ok(answered.iter().any(|one| {
        one.last_granted()
            .is_some_and(|(scope, _)| scope.targets.contains(target))
    }))
}

/// What the matrix offers on the targets of a request.
fn reaches(ask: &Request, by: &AsTechnician<'_>) -> Vec<Reach> {
    let mut reaches = by.reaches();
    let is_asked = |target: &TargetId| ask.target.contains(target);
    reaches.retain(|reach| reach.scope.targets.iter().any(is_asked));
    reaches
}

/// The operators of a client who can answer at `now`.
pub(crate) fn can_answer<'d>(
    documents: &'d Documents,
    client: &ClientId,
    now: Timestamp,
) -> Vec<&'d PersonId> {
    let operators = documents
        .client(client)
        .map(|client| client.operators.as_slice())
        .unwrap_or_default();
    operators
        .iter()
        .filter(|operator| {
            !operator.disabled && operator.expires.is_none_or(|expires| now < expires)
        })
        .map(|operator| &operator.id)
        .collect()
}

/// A request as policy reads it.
async fn meant(
    house: &Gateway,
    by: &Actor,
    ask: Request,
    technician: &AsTechnician<'_>,
) -> Result<ecluse_policy::Ask, Undone> {
    let reaches = reaches(&ask, technician);
    let start = start::read(&ask, &reaches, technician.now())?;
    let Request {
        target,
        account,
        flow,
        only,
        length: Length(length),
        bytes,
        at: _,
        reason,
    } = ask;
    let of_flow = |reach: &&Reach| match &flow {
        Some(flow) => reach.flow.as_str() == flow,
        None => true,
    };
    // Where no target is for this person, that is what policy says.
    if let Some(typed) = &flow
        && !reaches.is_empty()
        && !reaches.iter().any(|reach| of_flow(&reach))
    {
        let known = reaches.iter().map(|reach| reach.flow.to_string()).collect();
        let typed = typed.clone();
        let subject = Subject::Flow { typed, known };
        return Err(no_such(house, by, Request::ACT, subject).await);
    }
    let families: Option<BTreeSet<Family>> = named(only);
    let is_wanted = |capability: &&Capability| {
        let family = capability.family();
        let mut named = families.iter().flatten();
        families.is_none() || named.any(|named| named.as_str() == family)
    };
    let capabilities = (flow.is_some() || families.is_some()).then(|| {
        let offered = reaches.iter().filter(of_flow);
        let offered = offered.flat_map(|reach| &reach.scope.capabilities);
        let mut chosen: Vec<Capability> = Vec::new();
        for capability in offered.filter(is_wanted) {
            if !chosen.contains(capability) {
                chosen.push(capability.clone());
            }
        }
        chosen
    });
    Ok(ecluse_policy::Ask {
        targets: target.into_iter().collect(),
        account,
        capabilities,
        reason: reason.trim().to_owned(),
        start: start.map(|start| start.at),
        length,
        bytes: bytes.map(|Size(bytes)| bytes),
    })
}

/// The first names, and how many more there are: whoever is refused can name whatever they like.
fn bounded(targets: &[&TargetId]) -> (Vec<String>, usize) {
    let mut room = LONGEST;
    let fits = |target: &&&TargetId| {
        let left = room.checked_sub(target.as_str().len());
        room = left.unwrap_or_default();
        left.is_some()
    };
    let names: Vec<String> = targets
        .iter()
        .take_while(fits)
        .map(ToString::to_string)
        .collect();
    let further = targets.len().saturating_sub(names.len());
    (names, further)
}

/// A request that policy refused: to each client of whose targets it was, of those alone; what no document knows is in
/// the gateway's own trail. One event.
fn refused(
    by: &Actor,
    applied: &Applied,
    targets: &BTreeSet<TargetId>,
    refusal: &Refusal,
    now: Timestamp,
) -> Result<Vec<AuditRecord>, StoreError> {
    let mut of: BTreeMap<Option<ClientId>, Vec<&TargetId>> = BTreeMap::new();
    for target in targets {
        let client = applied.documents.target(target);
        let client = client.map(|(client, _)| client.id.clone());
        of.entry(client).or_default().push(target);
    }
    let (event, several) = (new_id(now)?, of.len() > 1);
    let record = |(client, targets): (Option<ClientId>, Vec<&TargetId>)| {
        let (names, further) = bounded(&targets);
        let mut record = by
            .record(AuditKind::Request, now)
            .refused()
            .detail("targets", names)
            .event(event);
        if further > 0 {
            record = record.detail("further-targets", further);
        }
        record = if several {
            // Why, the other targets may be named in.
            record.reason("it names targets of several clients, or some that are not known")
        } else {
            record.reason(refusal)
        };
        if let [target] = targets.as_slice() {
            record = record.names(&applied.documents, Some(target));
        }
        match client {
            Some(client) => record.client(&client),
            None => record,
        }
    };
    Ok(of.into_iter().map(record).collect())
}

/// Takes a request back, gives an approval up, or says that an open intervention is done.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    /// Which intervention.
    #[arg(value_parser = typed::number)]
    pub(crate) id: InterventionNumber,
}

impl Ask for Cancel {
    const ACT: &'static str = "cancel";
    const USAGE: &'static str = "cancel ID";
}

/// An intervention that its technician gave up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cancelled {
    /// Which.
    pub(crate) intervention: Intervention,
}

/// A technician takes a request back, gives an approval up, or says that an open intervention is done.
pub(crate) async fn cancel(house: &Gateway, by: &Actor, ask: Cancel) -> Result<Cancelled, Undone> {
    let applied = house.applied();
    let technician = right(house, by, Cancel::ACT, by.as_technician(&applied)).await?;
    let found = house.store.intervention_numbered(ask.id).await?;
    let theirs = found.filter(|found| found.request().person == *technician.person());
    let Some(asked) = theirs else {
        let subject = Subject::Intervention(ask.id);
        return Err(no_such(house, by, Cancel::ACT, subject).await);
    };
    let intervention = step(house, by, AuditKind::Cancel, &asked, |latest| {
        let (kind, next) = match latest.state() {
            State::Open { .. } => (AuditKind::Closing, latest.finish(&technician)?),
            State::Requested
            | State::Approved { .. }
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => (AuditKind::Cancel, latest.cancel(&technician)?),
        };
        let record = about(by.record(kind, technician.now()), &next).permitted();
        Ok((next, vec![record]))
    })
    .await?;
    Ok(Cancelled { intervention })
}
