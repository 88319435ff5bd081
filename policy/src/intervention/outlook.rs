//! What a request that waits still needs, and what a yes would give at this moment.

use super::decide::Left;
use super::{Intervention, State};
use crate::documents::Documents;
use crate::flow::Narrowing;
use crate::matrix::conditions;
use crate::name::PersonId;
use crate::time::Timestamp;

/// How a request stands with those who answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// How many different operators have to approve it.
    pub needed: u32,
    /// Who did, and could still.
    pub given: Vec<PersonId>,
    /// When it is over at the latest if it is approved now, whenever its first use is.
    pub latest_end: Timestamp,
}

impl Intervention {
    /// How it stands while it waits, or while a posture wants one more yes to it; none where it does not, or where the matrix does not allow what is left of it.
    #[must_use]
    pub fn outlook(&self, documents: &Documents, now: Timestamp) -> Option<Outlook> {
        match self.state {
            State::Requested => {}
            State::Approved { .. } | State::Open { .. } => {
                return Some(Outlook {
                    needed: self.yeses_wanted(documents, now)?,
                    given: self.standing_approvals(documents, now),
                    latest_end: self.due()?,
                });
            }
            State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => return None,
        }
        let Left {
            scope,
            length,
            bytes: _,
        } = self.left_after(&Narrowing::default()).ok()?;
        let conditions = conditions(documents, &self.request.person, &scope, length, now).ok()?;
        Some(Outlook {
            needed: conditions.by,
            given: self.standing_approvals(documents, now),
            latest_end: self.starts_at(now).plus(conditions.at_most),
        })
    }

    /// From when on it may be used if it is approved at `now`.
    pub(super) fn starts_at(&self, now: Timestamp) -> Timestamp {
        self.request.start.map_or(now, |start| start.max(now))
    }
}
