//! Whether somebody may go to a target, and what time alone does to an intervention.

use ecluse_policy::intervention::{Intervention, State};
use ecluse_policy::{
    AccountName, Admission, Refusal, StartRequest, TargetId, Timestamp, admit_for,
};

use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::deeds::steps::about;
use crate::gateway::Gateway;
use crate::store::{InterventionQuery, StateName, StoreError};

/// Whether the visitor may go to the target now, and if not, why; of several interventions, one that permits what is `asked` first.
/// Nothing is kept.
///
/// # Errors
/// The store failed.
pub async fn look(
    gateway: &Gateway,
    visitor: &Actor,
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
