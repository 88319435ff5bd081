//! The steps of an intervention: policy's transition and its audit record, kept as one change of the store. What policy
//! refuses changes nothing, and is on record all the same (R5: attempts too).

use ecluse_policy::Refusal;
use ecluse_policy::intervention::Intervention;

use super::{Undone, put_on_record};
use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::gateway::Gateway;
use crate::store::InterventionError;

/// Changes one intervention, and puts policy's refusal on record.
pub(super) async fn step(
    house: &Gateway,
    by: &Actor,
    kind: AuditKind,
    asked: &Intervention,
    transition: impl FnOnce(&Intervention) -> Result<(Intervention, Vec<AuditRecord>), Refusal>,
) -> Result<Intervention, Undone> {
    let changed = house
        .store_for(by.authenticated.role())
        .change_intervention(asked.id(), transition)
        .await;
    match changed {
        Err(InterventionError::Refused(refusal)) => {
            Err(refused(house, by, kind, asked, refusal).await)
        }
        other => settled(other),
    }
}

/// What the store answered, where policy's refusal is nothing to put on record.
pub(super) fn settled(
    answer: Result<Intervention, InterventionError<Refusal>>,
) -> Result<Intervention, Undone> {
    answer.map_err(|error| match error {
        InterventionError::Refused(refusal) => Undone::Refused(refusal),
        InterventionError::Unknown => Undone::Refused(Refusal::NoSuchIntervention),
        InterventionError::Store(error) => Undone::Store(error),
    })
}

/// Puts policy's refusal of a step on record.
pub(super) async fn refused(
    house: &Gateway,
    by: &Actor,
    kind: AuditKind,
    asked: &Intervention,
    refusal: Refusal,
) -> Undone {
    let record = about(by.record(kind, clock::now()), asked)
        .refused()
        .reason(&refusal);
    match put_on_record(house, by, record).await {
        Ok(()) => Undone::Refused(refusal),
        Err(error) => Undone::Store(error),
    }
}

/// What an audit record says about an intervention.
pub(crate) fn about(record: AuditRecord, intervention: &Intervention) -> AuditRecord {
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
