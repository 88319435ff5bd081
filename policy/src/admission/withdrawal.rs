//! Who ended an intervention that admitted somebody.

use crate::intervention::{CloseReason, Intervention, State};
use crate::verdict::Withdrawal;

/// Who ended it and why, where a person did.
pub(super) fn withdrawal(intervention: &Intervention) -> Option<Withdrawal> {
    match intervention.state() {
        State::Closed { reason, .. } => match reason {
            CloseReason::ByOperator { by, reason } => Some(Withdrawal {
                by: by.clone(),
                reason: Some(reason.clone()),
            }),
            CloseReason::ByTechnician => Some(Withdrawal {
                by: intervention.request().person.clone(),
                reason: None,
            }),
            CloseReason::WindowOver => None,
        },
        State::Cancelled { .. } => Some(Withdrawal {
            by: intervention.request().person.clone(),
            reason: None,
        }),
        State::Requested
        | State::Approved { .. }
        | State::Open { .. }
        | State::Refused { .. }
        | State::Expired { .. } => None,
    }
}
