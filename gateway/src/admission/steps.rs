//! The steps of an intervention: policy's transition and its audit record, kept as one change of the store.
//!
//! Each function names one act of one person. What policy refuses changes nothing, and is on record all the
//! same (R5: attempts too).

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::identity::SecondFactor;
use ecluse_policy::intervention::{self, Intervention, State};
use ecluse_policy::{
    AccountName, Admission, AsOperator, AsTechnician, Ask, ClientId, InterventionId, Narrowing,
    Refusal, StartRequest, TargetId, Timestamp, ToWiden, admit_for,
};
use serde_json::json;

use super::Visitor;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::gateway::{Applied, Gateway};
use crate::store::{InterventionError, InterventionQuery, StateName, StoreError, new_id};

/// What a step came to: done, or refused by policy.
pub(crate) type Done<T> = Result<Result<T, Refusal>, StoreError>;

/// Whether the visitor may go to the target now, and if not, why; of several interventions, one that permits what is `asked` first.
/// Nothing is kept.
///
/// # Errors
/// The store failed.
pub async fn look(
    gateway: &Gateway,
    visitor: &Visitor,
    target: &TargetId,
    account: Option<&AccountName>,
    asked: Option<&StartRequest>,
) -> Result<Result<Admission, Refusal>, StoreError> {
    let Some(presence) = visitor.authenticated.presence() else {
        return Ok(Err(Refusal::NotATechnician));
    };
    let query = InterventionQuery {
        person: Some(visitor.person().clone()),
        states: StateName::LIVE.to_vec(),
        ..InterventionQuery::default()
    };
    let interventions = gateway.store.interventions(&query).await?;
    let applied = gateway.applied();
    Ok(admit_for(
        &applied.documents,
        &presence,
        target,
        account,
        asked,
        &interventions,
        clock::now(),
    ))
}

/// A technician asks the client for an intervention, by a right that `applied` gives.
pub(crate) async fn request(
    gateway: &Gateway,
    visitor: &Visitor,
    applied: &Applied,
    by: &AsTechnician<'_>,
    ask: Ask,
) -> Done<Intervention> {
    let now = by.now();
    let targets = ask.targets.clone();
    let made = gateway
        .store
        .insert_intervention(
            visitor.person(),
            now,
            &gateway.settings.interventions,
            |id, number, waiting| {
                let made = intervention::request(by, ask, waiting, id, number)?;
                let request = made.request();
                let record = about(visitor.record(AuditKind::Request, now), &made)
                    .permitted()
                    .reason(&request.reason)
                    .detail("code", request.code())
                    .detail("start", request.start.map(|start| start.to_string()))
                    .detail("length", request.length.to_string())
                    .detail("scope", json!(request.scope))
                    .detail("documents", applied.version);
                Ok((made, vec![record]))
            },
        )
        .await;
    if let Err(InterventionError::Refused(refusal)) = &made {
        let records = refused_request(visitor, applied, &targets, refusal, now)?;
        // One by one, or in the count of its minute: whoever is refused can ask again at will.
        for record in records {
            let (people, person) = (&gateway.people, visitor.person());
            people.enter(&gateway.store, person, record).await?;
        }
        return Ok(Err(refusal.clone()));
    }
    settle(gateway, visitor, made, || {
        visitor.record(AuditKind::Request, now)
    })
    .await
}

/// A request that policy refused: to each client of whose targets it was, of those alone; what no document knows is in
/// the gateway's own trail. One event.
fn refused_request(
    visitor: &Visitor,
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
        let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
        let mut record = visitor
            .record(AuditKind::Request, now)
            .refused()
            .detail("targets", names)
            .event(event);
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

/// An operator looked at a request.
pub(crate) async fn seen(
    gateway: &Gateway,
    visitor: &Visitor,
    by: &AsOperator<'_>,
    id: InterventionId,
) -> Done<Intervention> {
    let now = by.now();
    let changed = gateway
        .store_for(visitor.authenticated.role())
        .change_intervention(id, |latest| {
            // The first look is what the technician is told; later ones change nothing.
            if latest.seen().is_some() {
                return Ok((latest.clone(), Vec::new()));
            }
            let next = latest.seen_by(by)?;
            let record = about(visitor.record(AuditKind::Seen, now), &next).permitted();
            Ok((next, vec![record]))
        })
        .await;
    match changed {
        // Answered or cancelled in between: there is nothing to see, and nothing to put on record.
        Err(InterventionError::Refused(refusal)) => Ok(Err(refusal)),
        other => {
            settle(gateway, visitor, other, || {
                visitor.record(AuditKind::Seen, now)
            })
            .await
        }
    }
}

/// An operator says yes, to all of it or to less, by a right that `applied` gives.
pub(crate) async fn approve(
    gateway: &Gateway,
    visitor: &Visitor,
    applied: &Applied,
    by: &ToWiden<'_, '_>,
    asked: &Intervention,
    narrowing: &Narrowing,
) -> Done<Intervention> {
    let now = by.operator().now();
    step(gateway, visitor, AuditKind::Approval, asked, |latest| {
        let next = latest.approve(by, narrowing)?;
        let record = proof(
            about(visitor.record(AuditKind::Approval, now), &next),
            visitor,
        )
        .permitted()
        .detail("approvals", next.approvals().len())
        .detail("code", next.request().code())
        .detail("narrowing", json!(narrowing))
        .detail("granted", next.granted().map(|granted| json!(granted)))
        .detail("documents", applied.version);
        Ok((next, vec![record]))
    })
    .await
}

/// By what an operator proved who they are, at this yes: their key, and the code of which moment.
fn proof(record: AuditRecord, visitor: &Visitor) -> AuditRecord {
    let authenticated = &visitor.authenticated;
    let log_on = match authenticated.second_factor() {
        SecondFactor::Code => "fresh",
        SecondFactor::Remembered => "remembered",
    };
    let code = visitor.proven_code();
    record
        .detail("key", authenticated.person_key().to_string())
        .detail("log-on-code", log_on)
        .detail("code-proven-at", code.at().map(|at| at.to_string()))
}

/// An operator says no.
pub(crate) async fn refuse(
    gateway: &Gateway,
    visitor: &Visitor,
    by: &AsOperator<'_>,
    asked: &Intervention,
    reason: &str,
) -> Done<Intervention> {
    let now = by.now();
    step(gateway, visitor, AuditKind::Refusal, asked, |latest| {
        let next = latest.refuse(by, reason)?;
        let record = about(visitor.record(AuditKind::Refusal, now), &next)
            .permitted()
            .reason(reason);
        Ok((next, vec![record]))
    })
    .await
}

/// An operator ends an approved or open intervention; its sessions end as their rights do.
pub(crate) async fn withdraw(
    gateway: &Gateway,
    visitor: &Visitor,
    by: &AsOperator<'_>,
    asked: &Intervention,
    reason: &str,
) -> Done<Intervention> {
    let now = by.now();
    step(gateway, visitor, AuditKind::Closing, asked, |latest| {
        let next = latest.close(by, reason)?;
        let record = about(visitor.record(AuditKind::Closing, now), &next)
            .permitted()
            .reason(reason);
        Ok((next, vec![record]))
    })
    .await
}

/// A technician takes a request back, gives an approval up, or says that an open intervention is done.
pub(crate) async fn cancel(
    gateway: &Gateway,
    visitor: &Visitor,
    by: &AsTechnician<'_>,
    asked: &Intervention,
) -> Done<Intervention> {
    let now = by.now();
    step(gateway, visitor, AuditKind::Cancel, asked, |latest| {
        let (kind, next) = match latest.state() {
            State::Open { .. } => (AuditKind::Closing, latest.finish(by)?),
            State::Requested
            | State::Approved { .. }
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => (AuditKind::Cancel, latest.cancel(by)?),
        };
        let record = about(visitor.record(kind, now), &next).permitted();
        Ok((next, vec![record]))
    })
    .await
}

/// Changes one intervention, and puts policy's refusal on record.
async fn step(
    gateway: &Gateway,
    visitor: &Visitor,
    kind: AuditKind,
    asked: &Intervention,
    transition: impl FnOnce(&Intervention) -> Result<(Intervention, Vec<AuditRecord>), Refusal>,
) -> Done<Intervention> {
    let changed = gateway
        .store_for(visitor.authenticated.role())
        .change_intervention(asked.id(), transition)
        .await;
    settle(gateway, visitor, changed, || {
        about(visitor.record(kind, clock::now()), asked)
    })
    .await
}

/// Sorts what the store answered; a refusal is put on record, one by one or in the count of its minute.
async fn settle(
    gateway: &Gateway,
    visitor: &Visitor,
    answer: Result<Intervention, InterventionError<Refusal>>,
    refused: impl FnOnce() -> AuditRecord,
) -> Done<Intervention> {
    match answer {
        Ok(intervention) => Ok(Ok(intervention)),
        Err(InterventionError::Refused(refusal)) => {
            let record = refused().refused().reason(&refusal);
            let (people, person) = (&gateway.people, visitor.person());
            people.enter(&gateway.store, person, record).await?;
            Ok(Err(refusal))
        }
        Err(InterventionError::Unknown) => Ok(Err(Refusal::NoSuchIntervention)),
        Err(InterventionError::Store(error)) => Err(error),
    }
}

/// What an audit record says about an intervention.
pub(super) fn about(record: AuditRecord, intervention: &Intervention) -> AuditRecord {
    let request = intervention.request();
    let mut targets = request.scope.targets.iter();
    let record = match (targets.next(), targets.next()) {
        (Some(target), None) => record.target(target),
        _ => record.detail(
            "targets",
            request
                .scope
                .targets
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        ),
    };
    record
        .client(&request.client)
        .intervention(request.id)
        .detail("number", request.number.0)
        .detail("technician", request.person.to_string())
        .detail("state", intervention.state().name())
}

/// Time's own step: a request that expires, a window that closes.
pub(super) fn due(
    intervention: &Intervention,
    now: Timestamp,
) -> Option<(Intervention, AuditRecord)> {
    let next = intervention.expire_if_due(now)?;
    let kind = match next.state() {
        State::Closed { .. } => AuditKind::Closing,
        State::Requested
        | State::Approved { .. }
        | State::Refused { .. }
        | State::Expired { .. }
        | State::Open { .. }
        | State::Cancelled { .. } => AuditKind::Expiry,
    };
    let record = about(AuditRecord::new(kind, now), &next);
    Some((next, record))
}
