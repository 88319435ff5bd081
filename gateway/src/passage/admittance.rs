//! From a target's name to an [`Admission`] that is on record: by what is approved now, or through the waiting room.

use std::sync::Arc;

use ecluse_policy::{AccountName, Admission, Refusal, TargetId};

use super::channel::{Farewell, Opening};
use super::downlink::Gone;
use super::talk;
use super::visit::Visit;
use crate::admission::{self, Leave};
use crate::audit::AuditKind;
use crate::clock;
use crate::store::StoreError;

/// How often a first use is tried again when somebody else changed the intervention at the same moment.
const TRIES: u32 = 8;

/// The admission of this visit to `target`, or the farewell that was already explained to the technician.
pub(super) async fn admitted(
    visit: &Arc<Visit>,
    opening: &Opening,
    target: &TargetId,
) -> Result<Result<Admission, Farewell>, Gone> {
    let account = visit.address().account.as_ref();
    // Before an approval is asked for or used up.
    if visit.current_session().is_none() && !visit.has_room(target).await {
        return Ok(Err(Farewell::refused(visit.say("space-full"))));
    }
    match current(visit, target, account).await {
        Ok(Ok(admission)) => Ok(Ok(admission)),
        Ok(Err(refusal)) => match wait(visit, opening, target, account, refusal).await? {
            // The room may have settled which account; its first use is put on record here as for any other.
            Ok(waited) => Ok(settled(
                visit,
                current(visit, target, Some(waited.account())).await,
            )),
            Err(Leave { status }) => Ok(Err(Farewell::explained(status))),
        },
        Err(error) => Ok(settled(visit, Err(error))),
    }
}

fn settled(
    visit: &Visit,
    current: Result<Result<Admission, Refusal>, StoreError>,
) -> Result<Admission, Farewell> {
    match current {
        Ok(Ok(admission)) => Ok(admission),
        Ok(Err(refusal)) => Err(Farewell::refused(visit.words_of(&refusal))),
        Err(error) => {
            tracing::error!(%error, "nobody can be admitted: the store does not answer");
            Err(Farewell::refused(visit.say("store-silent")))
        }
    }
}

/// What policy admits now. The first use of an approval opens its window, which is stored before anything passes.
async fn current(
    visit: &Visit,
    target: &TargetId,
    account: Option<&AccountName>,
) -> Result<Result<Admission, Refusal>, StoreError> {
    let mut tries = 0;
    loop {
        let admission =
            match admission::admit(visit.gateway(), visit.visitor(), target, account).await? {
                Ok(admission) => admission,
                Err(refusal) => return Ok(Err(refusal)),
            };
        if !admission.is_first_use() || stored(visit, &admission).await? {
            return Ok(Ok(admission));
        }
        tries += 1;
        if tries == TRIES {
            return Err(StoreError::Revision {
                number: admission.intervention().number().0,
            });
        }
    }
}

async fn stored(visit: &Visit, admission: &Admission) -> Result<bool, StoreError> {
    let opened = admission.intervention();
    let record = visit
        .visitor()
        .record(AuditKind::Opening, clock::now())
        .client(admission.client())
        .target(admission.target())
        .intervention(opened.id())
        .permitted()
        .detail("closes-at", admission.closes_at().to_string());
    visit
        .gateway()
        .store
        .replace_intervention(opened.revision().saturating_sub(1), opened, &[record])
        .await
}

async fn wait(
    visit: &Arc<Visit>,
    opening: &Opening,
    target: &TargetId,
    account: Option<&AccountName>,
    refusal: Refusal,
) -> Result<Result<Admission, Leave>, Gone> {
    let (target, account) = (target.clone(), account.cloned());
    match &opening.terminal {
        Some(terminal) => {
            talk::with_terminal(
                visit,
                opening,
                terminal,
                |mut terminal, gateway, visitor| async move {
                    admission::wait_for_approval(
                        &mut terminal,
                        &gateway,
                        &visitor,
                        &target,
                        account.as_ref(),
                    )
                    .await
                },
            )
            .await
        }
        None => {
            talk::without_terminal(
                visit,
                opening,
                |mut terminal, gateway, visitor| async move {
                    let account = account.as_ref();
                    Err(admission::refuse_without_terminal(
                        &mut terminal,
                        &gateway,
                        &visitor,
                        &target,
                        account,
                        &refusal,
                    )
                    .await)
                },
            )
            .await
        }
    }
}
