//! From a target's name to a permit whose intervention is open and on record: by a session that the connection has already,
//! by what is approved now, or through the waiting room.

use std::sync::Arc;

use ecluse_policy::{
    AccountName, Admission, FlowRequest, Refusal, SFTP, StartRequest, TargetId, Verdict,
};

use super::channel::Opening;
use super::farewell::Farewell;
use super::side::Gone;
use super::talk;
use super::visit::Visit;
use super::visit::sessions::Permitted;
use crate::audit::AuditKind;
use crate::clock;
use crate::faces::lobby::{self, Leave, next};
use crate::passage::entry;
use crate::store::StoreError;

/// How often a first use is tried again when somebody else changed the intervention at the same moment.
const TRIES: u32 = 8;

/// What policy says to a channel that is to start.
enum Answer {
    /// It may pass; the window of its intervention is open, and on record.
    Permitted(Box<Permitted>),
    /// Somebody is admitted, and this flow is not part of it.
    FlowRefused(Box<Admission>, Refusal),
    /// Nobody is admitted.
    NotAdmitted(Refusal),
}

/// What permits `asked` on this visit's `target`, or the farewell that was already explained to the technician.
///
/// A channel stays in a session of the connection while that session's intervention permits it; another intervention is
/// looked for only then.
pub(super) async fn admitted(
    visit: &Arc<Visit>,
    opening: &mut Opening,
    target: &TargetId,
    asked: &StartRequest,
) -> Result<Result<Permitted, Farewell>, Gone> {
    match visit.permitted_already(asked).await {
        Ok(Some(permitted)) => return Ok(Ok(permitted)),
        Ok(None) => {}
        Err(error) => return Ok(settled(visit, asked, Err(error))),
    }
    // Before an approval is asked for or used up.
    if !visit.has_room(target).await {
        return Ok(Err(Farewell::refused(visit.say("space-full"))));
    }
    let account = visit.address().account.as_ref();
    match current(visit, target, account, asked).await {
        // Said within its own protocol, or instead of its channel: there is no place for a talk.
        Ok(Answer::NotAdmitted(refusal)) if is_files(asked) || asked.flow.is_forward() => {
            visit.not_admitted(target, &asked.flow, &refusal).await;
            Ok(settled(visit, asked, Ok(Answer::NotAdmitted(refusal))))
        }
        Ok(Answer::NotAdmitted(refusal)) => {
            // Whoever waits for an answer was not refused one.
            let waits = opening.terminal.is_some() && is_waited_for(&refusal);
            if waits {
                visit.waits(target, &asked.flow, &refusal).await;
            } else {
                visit.not_admitted(target, &asked.flow, &refusal).await;
            }
            let waited = wait(visit, opening, target, account, refusal).await;
            let left = match &waited {
                Ok(Ok(_)) => None,
                Ok(Err(leave)) => Some(leave.before_answer),
                Err(Gone) => Some(true),
            };
            match left.filter(|_| waits) {
                Some(true) => visit.left_before_answer(target, &asked.flow).await,
                Some(false) => {
                    let now = entry::look(visit.gateway(), visit.visitor(), target, account, None);
                    if let Ok(Err(refusal)) = now.await {
                        visit.not_admitted(target, &asked.flow, &refusal).await;
                    }
                }
                None => {}
            }
            match waited? {
                // The room may have settled which account; its first use is put on record here as for any other.
                Ok(waited) => {
                    let answer = current(visit, target, Some(waited.account()), asked).await;
                    Ok(settled(visit, asked, answer))
                }
                Err(Leave { status, .. }) => Ok(Err(Farewell::explained(status))),
            }
        }
        answer => Ok(settled(visit, asked, answer)),
    }
}

/// Whether a channel came for files.
fn is_files(asked: &StartRequest) -> bool {
    matches!(&asked.flow, FlowRequest::Subsystem(name) if name == SFTP)
}

/// Whether the waiting room waits for what lifts this refusal, or asks for it.
fn is_waited_for(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::NoIntervention { .. }
            | Refusal::Pending { .. }
            | Refusal::NotYet { .. }
            | Refusal::ChooseAccount { .. }
    )
}

fn settled(
    visit: &Arc<Visit>,
    asked: &StartRequest,
    answer: Result<Answer, StoreError>,
) -> Result<Permitted, Farewell> {
    match answer {
        Ok(Answer::Permitted(permitted)) => Ok(*permitted),
        Ok(Answer::FlowRefused(admission, refusal)) => {
            let words = visit.refuse(&asked.flow, &admission, &refusal);
            Err(Farewell::refused(words))
        }
        Ok(Answer::NotAdmitted(refusal)) => {
            let (gateway, visitor) = (visit.gateway(), visit.visitor());
            let words = next::announced(gateway, visit.lang(), &visit.words_of(&refusal));
            let address = visit.address();
            let helps = match &address.target {
                Some(target) => {
                    let account = address.account.as_ref();
                    next::after_on(gateway, visitor, &refusal, target, account)
                }
                None => next::after(gateway, visitor, &refusal, false),
            };
            Err(Farewell::refused(match helps {
                Some(helps) => format!("{words}\n{helps}"),
                None => words,
            }))
        }
        Err(error) => {
            tracing::error!(%error, "nobody can be admitted: the store does not answer");
            Err(Farewell::refused(visit.say("store-silent")))
        }
    }
}

/// What policy says now. The first use of an approval opens its window, which is stored before anything passes; what the
/// intervention does not permit opens none.
async fn current(
    visit: &Visit,
    target: &TargetId,
    account: Option<&AccountName>,
    asked: &StartRequest,
) -> Result<Answer, StoreError> {
    let mut tries = 0;
    loop {
        let (gateway, visitor) = (visit.gateway(), visit.visitor());
        let found = entry::look(gateway, visitor, target, account, Some(asked)).await?;
        let admission = match found {
            Ok(admission) => admission,
            Err(refusal) => return Ok(Answer::NotAdmitted(refusal)),
        };
        let now = gateway.live.reached(admission.intervention().id());
        let permit = match admission.open(asked, now) {
            Verdict::Permit(permit) => permit,
            Verdict::Refuse(refusal) => {
                return Ok(Answer::FlowRefused(Box::new(admission), refusal));
            }
        };
        if !admission.is_first_use() || stored(visit, &admission).await? {
            let permitted = Permitted { admission, permit };
            return Ok(Answer::Permitted(Box::new(permitted)));
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
    opening: &mut Opening,
    target: &TargetId,
    account: Option<&AccountName>,
    refusal: Refusal,
) -> Result<Result<Admission, Leave>, Gone> {
    let (target, account) = (target.clone(), account.cloned());
    let has_terminal = opening.terminal.is_some();
    talk::attend(
        visit,
        opening,
        move |mut terminal, gateway, visitor| async move {
            let account = account.as_ref();
            if has_terminal {
                lobby::wait_for_approval(&mut terminal, &gateway, &visitor, &target, account).await
            } else {
                Err(lobby::refuse_without_terminal(
                    &mut terminal,
                    &gateway,
                    &visitor,
                    &target,
                    account,
                    &refusal,
                )
                .await)
            }
        },
    )
    .await
}
