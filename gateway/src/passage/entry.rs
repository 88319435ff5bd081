//! Whether somebody may go to a target: policy's answer, of this moment. Nothing is kept.

use ecluse_policy::{AccountName, Admission, Refusal, StartRequest, TargetId, admit_for};

use crate::actor::Actor;
use crate::clock;
use crate::gateway::Gateway;
use crate::store::{InterventionQuery, StateName, StoreError};

/// Whether the visitor may go to the target now, and if not, why; of several interventions, one that permits what is `asked` first.
///
/// # Errors
/// The store failed.
pub(crate) async fn look(
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
        clock::agreed(),
    ))
}
