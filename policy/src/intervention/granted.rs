//! What was granted of an intervention, and from when to when it was used.

use super::{Grant, Intervention, State};
use crate::flow::Scope;
use crate::time::{Span, Timestamp};

impl Grant {
    /// When it ends if its first use was then. **Range**: end excluded.
    #[must_use]
    pub(crate) fn closes_at(&self, opened_at: Timestamp) -> Timestamp {
        opened_at.plus(self.length).min(self.latest_end)
    }
}

impl Intervention {
    /// What was granted in the end, also of one that is over; `None` where the client never said yes, and where an earlier
    /// program closed it, which did not keep it.
    #[must_use]
    pub const fn last_grant(&self) -> Option<&Grant> {
        match &self.state {
            State::Approved { granted } | State::Open { granted, .. } => Some(granted),
            State::Expired { granted, .. }
            | State::Closed { granted, .. }
            | State::Cancelled { granted, .. } => granted.as_ref(),
            State::Requested | State::Refused { .. } => None,
        }
    }

    /// What was granted in the end, and for how long, also of one that is over; `None` where the client never said yes.
    ///
    /// What an earlier program closed does not say it: there the last yes does, which was every operator's.
    #[must_use]
    pub fn last_granted(&self) -> Option<(&Scope, Span)> {
        let granted = self.last_grant();
        granted
            .map(|granted| (&granted.scope, granted.length))
            .or_else(|| match &self.state {
                State::Closed { granted: None, .. } => {
                    let last = self.approvals.last()?;
                    Some((&last.scope, last.length))
                }
                State::Requested
                | State::Approved { .. }
                | State::Refused { .. }
                | State::Expired { .. }
                | State::Open { .. }
                | State::Closed { .. }
                | State::Cancelled { .. } => None,
            })
    }

    /// From the first use to the end that was agreed on, where it was used. **Range**: end excluded.
    #[must_use]
    pub fn window(&self) -> Option<(Timestamp, Timestamp)> {
        match &self.state {
            State::Open {
                opened_at,
                closes_at,
                ..
            } => Some((*opened_at, *closes_at)),
            State::Closed {
                opened_at: Some(opened_at),
                granted: Some(granted),
                ..
            } => Some((*opened_at, granted.closes_at(*opened_at))),
            State::Requested
            | State::Approved { .. }
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => None,
        }
    }
}
