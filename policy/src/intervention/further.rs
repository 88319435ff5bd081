//! A further yes to what was approved before its client's posture was heightened: it is suspended until then, and not lost (P6).

use super::{Approval, Grant, Intervention, State};
use crate::documents::Documents;
use crate::extraction::ByteCount;
use crate::flow::Scope;
use crate::mandate::AsOperator;
use crate::posture::Missing;
use crate::time::{Span, Timestamp};

impl Intervention {
    /// How many operators its client's posture wants, where that is more than have approved what is granted and not over.
    #[must_use]
    pub fn yeses_wanted(&self, documents: &Documents, now: Timestamp) -> Option<u32> {
        let posture = documents.posture(&self.request.client)?;
        self.granted()?;
        if self.due().is_none_or(|due| due <= now) {
            return None;
        }
        let given = u32::try_from(self.approvals.len()).unwrap_or(u32::MAX);
        let wanted = posture.rules.approvers;
        (given < wanted).then_some(wanted)
    }

    /// What its client's posture bars of what is granted, whatever the hour; nothing where nothing is granted.
    #[must_use]
    pub fn barred_by_posture(&self, documents: &Documents, now: Timestamp) -> Vec<Missing> {
        let client = documents.client(&self.request.client);
        let posture = documents.posture(&self.request.client);
        let (Some(client), Some(posture), Some(granted)) = (client, posture, self.granted()) else {
            return Vec::new();
        };
        let mut bars = Vec::new();
        bars.extend(
            self.yeses_wanted(documents, now)
                .map(|needed| Missing::Yes {
                    number: self.number(),
                    needed,
                    given: u32::try_from(self.approvals.len()).unwrap_or(u32::MAX),
                }),
        );
        if let State::Open { opened_at, .. } = &self.state {
            let closed_at = posture.over_at(*opened_at);
            if closed_at <= now {
                bars.push(Missing::Window { closed_at });
            }
        }
        let flows = documents.written(client).iter();
        for entry in flows.flat_map(|flow| &flow.allow) {
            let mut of_it = granted.scope.capabilities.iter();
            let is_granted = entry
                .at(now)
                .is_some_and(|allowed| of_it.any(|one| one.common(allowed).is_some()));
            let missing = Missing::Line { line: entry.line() };
            if is_granted && posture.rules.refuses(entry) && !bars.contains(&missing) {
                bars.push(missing);
            }
        }
        bars
    }

    /// Whether anything of what is granted is allowed under its client's posture once operators have said yes.
    #[must_use]
    pub fn opens_with_yes(&self, documents: &Documents, now: Timestamp) -> bool {
        let client = documents.client(&self.request.client);
        let posture = documents.posture(&self.request.client);
        let (Some(client), Some(posture), Some(granted)) = (client, posture, self.granted()) else {
            return false;
        };
        if let State::Open { opened_at, .. } = &self.state
            && posture.over_at(*opened_at) <= now
        {
            return false;
        }
        let entries = documents.written(client).iter();
        let mut left = entries
            .flat_map(|flow| &flow.allow)
            .filter(|entry| !posture.rules.refuses(entry));
        left.any(|entry| {
            let mut of_it = granted.scope.capabilities.iter();
            entry
                .at(now)
                .is_some_and(|allowed| of_it.any(|one| one.common(allowed).is_some()))
        })
    }

    /// When what runs by it ends by its client's posture, for want of a yes or by a shorter window; lines that are refused are
    /// each channel's own.
    #[must_use]
    pub fn ends_by_posture(&self, documents: &Documents, now: Timestamp) -> Option<Timestamp> {
        let posture = documents.posture(&self.request.client)?;
        let State::Open { opened_at, .. } = &self.state else {
            return None;
        };
        let warned = posture.warned_until();
        Some(match self.yeses_wanted(documents, now) {
            Some(_) => warned,
            None => posture.over_at(*opened_at).max(warned),
        })
    }

    pub(super) fn lacks_yes(&self, documents: &Documents, now: Timestamp) -> bool {
        self.yeses_wanted(documents, now).is_some()
    }

    /// The same with one more operator's yes, to all of what is granted or to less.
    pub(super) fn further(
        &self,
        by: &AsOperator<'_>,
        scope: Scope,
        length: Span,
        bytes: Option<ByteCount>,
    ) -> Self {
        let less = |granted: &Grant| Grant {
            scope: scope.clone(),
            starts_at: granted.starts_at,
            length,
            latest_end: granted.latest_end,
            bytes,
        };
        let state = match &self.state {
            State::Approved { granted } => State::Approved {
                granted: less(granted),
            },
            State::Open {
                granted,
                opened_at,
                closes_at,
            } => {
                let granted = less(granted);
                State::Open {
                    closes_at: granted.closes_at(*opened_at).min(*closes_at),
                    granted,
                    opened_at: *opened_at,
                }
            }
            // Nothing is granted: there is nothing to say a further yes to.
            other @ (State::Requested
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. }) => other.clone(),
        };
        let mut next = self.after(state);
        next.approvals.push(Approval {
            operator: by.person().clone(),
            at: by.now(),
            scope,
            length,
            bytes,
        });
        next
    }
}
