//! Yeses that suffice later: a posture is over, or the documents ask for fewer than when they were said (P6, I2).

use super::decide::Left;
use super::{Grant, Intervention, State};
use crate::documents::Documents;
use crate::flow::Narrowing;
use crate::time::Timestamp;

impl Intervention {
    /// What a request becomes whose yeses suffice by these documents; none where they do not. No yes is made of it: whoever
    /// said one could say it still, the matrix is asked again as it is at a yes, and what is granted is what the last yes left of it.
    /// It may be used no longer than if that yes had sufficed when it was said; behind that a yes of now is wanted.
    #[must_use]
    pub fn approve_if_sufficed(&self, documents: &Documents, now: Timestamp) -> Option<Self> {
        self.confirmed().ok()?;
        let client = &self.request.client;
        let waits = matches!(self.state, State::Requested) && now < self.request.answer_due();
        if !waits || documents.client(client).is_none() || documents.is_closed(client) {
            return None;
        }
        let last = self.approvals.last()?;
        self.asker_could_come(documents, now).ok()?;
        let left = self.left_after(&Narrowing::default()).ok()?;
        let conditions = self.allowed(documents, &left, now).ok()?;
        let latest_end = self.starts_at(last.at).plus(conditions.at_most);
        if !self.has_enough(conditions.by, documents, now) || latest_end <= now {
            return None;
        }
        let Left {
            scope,
            length,
            bytes,
        } = left;
        Some(self.after(State::Approved {
            granted: Grant {
                scope,
                starts_at: self.starts_at(now),
                length,
                latest_end,
                bytes,
            },
        }))
    }
}
