//! What a request that waits still needs, and what a yes would give at this moment.

use super::{Intervention, State};
use crate::documents::Documents;
use crate::extraction::ByteCount;
use crate::flow::Narrowing;
use crate::name::PersonId;
use crate::posture::Missing;
use crate::time::{Span, Timestamp};
use crate::verdict::Refusal;

/// How a request stands with those who answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// How many different operators have to approve it.
    pub needed: u32,
    /// Who did, and could still.
    pub given: Vec<PersonId>,
    /// When it is over at the latest if it is approved now, whenever its first use is.
    pub latest_end: Timestamp,
    /// How long it can be granted for at most, where that is less than is left of what was asked.
    pub at_most: Option<Span>,
    /// How much can be granted to leave at most, where that is less.
    pub bytes: Option<ByteCount>,
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
                    at_most: None,
                    bytes: None,
                });
            }
            State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => return None,
        }
        let mut left = self.left_after(&Narrowing::default()).ok()?;
        let (mut at_most, mut most_bytes) = (None, None);
        // Where more was asked than can be granted, it stands as if that had been asked.
        let conditions = loop {
            match self.allowed(documents, &left, now) {
                Ok(conditions) => break conditions,
                Err(refusal) => {
                    let (length, bytes) = less(&refusal)?;
                    if let Some(length) = length.filter(|length| *length < left.length) {
                        left.length = length;
                        at_most = Some(length);
                    } else if let Some(bytes) = bytes
                        && left.bytes.is_some_and(|asked| bytes < asked)
                    {
                        left.bytes = Some(bytes);
                        most_bytes = Some(bytes);
                    } else {
                        return None;
                    }
                }
            }
        };
        Some(Outlook {
            needed: conditions.by,
            given: self.standing_approvals(documents, now),
            latest_end: self.starts_at(now).plus(conditions.at_most),
            at_most,
            bytes: most_bytes,
        })
    }

    /// From when on it may be used if it is approved at `now`.
    pub(super) fn starts_at(&self, now: Timestamp) -> Timestamp {
        self.request.start.map_or(now, |start| start.max(now))
    }
}

/// The most that a refusal names, of time or of bytes.
fn less(refusal: &Refusal) -> Option<(Option<Span>, Option<ByteCount>)> {
    if let Refusal::Length { at_most, .. } = refusal {
        return Some((Some(*at_most), None));
    }
    if let Refusal::Bytes { at_most, .. } = refusal {
        return Some((None, Some(*at_most)));
    }
    let Refusal::Posture(posture) = refusal else {
        return None;
    };
    match &posture.missing {
        Missing::Length { at_most, .. } => Some((Some(*at_most), None)),
        Missing::Bytes { at_most, .. } => Some((None, Some(*at_most))),
        Missing::Yes { .. } | Missing::Line { .. } | Missing::Window { .. } => None,
    }
}
