//! Derogations: what a client allows against its own rule, answered for by a person and over after a day (P15).
//!
//! `command: *` and a window longer than a day are derogations, and later versions add more. Wherever one is written, the
//! same two keys stand beside it: `owner = "…"`, who answers for it, and `until = "2027-03-31"`, its last day. After that
//! day the right is gone as if it were not written; everything else in the document stands.

use std::fmt;

use crate::time::{TimeError, Timestamp};

/// Who answers for a derogation, and until when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derogation {
    owner: String,
    until: String,
    ends_at: Timestamp,
}

impl Derogation {
    /// `until` is the last day, `2027-03-31`, until its end in UTC, or an instant.
    pub(crate) fn new(owner: String, until: &str) -> Result<Self, TimeError> {
        Ok(Self {
            owner,
            ends_at: Timestamp::parse_last_day(until)?,
            until: until.to_owned(),
        })
    }

    /// Who answers for it.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Its last day, as it is written.
    #[must_use]
    pub fn until(&self) -> &str {
        &self.until
    }

    /// When it ends. **Range**: end excluded.
    #[must_use]
    pub const fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now < self.ends_at
    }
}

impl fmt::Display for Derogation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            owner,
            until,
            ends_at: _,
        } = self;
        write!(formatter, "owner {owner}, until {until}")
    }
}
