//! How an account stands beyond what the documents say of it: blocked by guesses, or unused for too long (A6, A8).
//!
//! The gateway keeps the facts; this says what they mean, and what a person is told of them once their keys are proven.

use super::Ended;
use crate::documents::{Documents, PersonRef};
use crate::name::PersonId;
use crate::time::{Span, Timestamp};
use crate::verdict::{Argument, Arguments};

/// How long a technician's account may lie unused unless the gateway's settings say otherwise.
pub const UNUSED_FOR: Span = Span::from_hours(90 * 24);

/// Short of a minute, so that a time cut to its minute is not too early.
const NEXT_MINUTE: Span = Span::from_micros(59_999_999);

/// When an account last showed a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountUse {
    /// When the person was enrolled, or enrolled anew.
    pub enrolled_at: Timestamp,
    /// When they last logged on, if they ever did.
    pub logged_on_at: Option<Timestamp>,
    /// When an administrator last enabled the account again, if one did.
    pub enabled_at: Option<Timestamp>,
}

impl AccountUse {
    /// The last of these: from then on the account lies unused.
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        // Destructured, so that a new sign of life cannot be forgotten here.
        let Self {
            enrolled_at,
            logged_on_at,
            enabled_at,
        } = *self;
        let later = logged_on_at.max(enabled_at).unwrap_or(enrolled_at);
        later.max(enrolled_at)
    }
}

/// Whether an account is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Disuse {
    /// It is.
    InUse,
    /// It has not been for too long. An operator or auditor stays, because a client must not be locked out of its own
    /// cuts by a quiet quarter; they are listed, for the review.
    Listed {
        /// Since when.
        since: Timestamp,
    },
    /// A technician's has not been for too long: it is disabled until an administrator enables it.
    Disabled {
        /// Since when.
        since: Timestamp,
    },
}

/// Whether an account is in use at `now` (A8: unused accounts are disabled). No `limit`: none is ever disabled.
///
/// **Range**: the limit itself excluded. Zero means that an account is disabled as soon as it is not used.
pub fn disuse(
    person: PersonRef<'_>,
    usage: &AccountUse,
    limit: Option<Span>,
    now: Timestamp,
) -> Disuse {
    let since = usage.latest();
    match limit {
        Some(limit) if since.plus(limit) < now => match person {
            PersonRef::Technician { .. } => Disuse::Disabled { since },
            PersonRef::Operator { .. } | PersonRef::Auditor { .. } => Disuse::Listed { since },
        },
        Some(_) | None => Disuse::InUse,
    }
}

/// What the gateway knows of an account, for [`super::Login::barred`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountFacts {
    /// Until when guesses block the person, or the address they come from.
    pub blocked_until: Option<Timestamp>,
    /// Its last use; none where nobody enrolled the person.
    pub usage: Option<AccountUse>,
    /// After what time without use a technician's account is disabled; none: never.
    pub unused: Option<Span>,
}

/// Why somebody who proved their keys is not asked for a code. They are told: nobody else gets this far.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum Barred {
    /// The documents hold the account, and it is not in force.
    #[error("{0}")]
    Ended(Ended),
    /// The account was not used for too long.
    #[error("the account {person} is disabled: it was not used since {since}")]
    Unused {
        /// Whose.
        person: PersonId,
        /// Since when.
        since: Timestamp,
    },
    /// The account, or the address, is blocked by guesses.
    #[error("blocked until {until} after too many failures")]
    Blocked {
        /// Until when.
        until: Timestamp,
    },
}

impl Barred {
    /// What keeps this person out at `now`, if anything does.
    pub(super) fn of(
        documents: &Documents,
        person: PersonRef<'_>,
        facts: &AccountFacts,
        now: Timestamp,
    ) -> Option<Self> {
        let AccountFacts {
            blocked_until,
            usage,
            unused,
        } = *facts;
        if let Err(ended) = person.may_come(documents, now) {
            return Some(Self::Ended(ended));
        }
        match usage.map(|usage| disuse(person, &usage, unused, now)) {
            Some(Disuse::Disabled { since }) => {
                return Some(Self::Unused {
                    person: person.id().clone(),
                    since,
                });
            }
            Some(Disuse::InUse | Disuse::Listed { .. }) | None => {}
        }
        blocked_until
            .filter(|until| now < *until)
            .map(|until| Self::Blocked { until })
    }

    /// The identifier of the sentence; one of [`crate::verdict::TEXT_IDS`].
    #[must_use]
    pub const fn text_id(&self) -> &'static str {
        match self {
            Self::Ended(Ended::PersonExpired { .. }) => "barred-expired",
            Self::Ended(Ended::PersonDisabled { .. }) => "barred-disabled",
            Self::Ended(Ended::ProviderClosed { .. }) => "barred-provider-closed",
            Self::Ended(ended) => ended.text_id(),
            Self::Unused { .. } => "barred-unused",
            Self::Blocked { .. } => "barred-blocked",
        }
    }

    /// The values inside the sentence.
    #[must_use]
    pub fn args(&self) -> Arguments {
        match self {
            Self::Ended(ended) => ended.args(),
            Self::Unused { person, since } => vec![
                ("person", Argument::Text(person.to_string())),
                ("since", Argument::Day(*since)),
            ],
            // People read minutes: the one in which it ends, not the one before.
            Self::Blocked { until } => vec![("until", Argument::Time(until.plus(NEXT_MINUTE)))],
        }
    }
}

impl PersonRef<'_> {
    /// Whether the account is in force, and its organisation's people are let in.
    pub(super) fn may_come(&self, documents: &Documents, now: Timestamp) -> Result<(), Ended> {
        self.in_force(now)?;
        match self {
            Self::Technician { provider, .. } if documents.is_closed_provider(&provider.id) => {
                Err(Ended::ProviderClosed {
                    person: self.id().clone(),
                })
            }
            // A client's people come to read that its door is closed.
            Self::Technician { .. } | Self::Operator { .. } | Self::Auditor { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_micros(hour * 3_600_000_000)
    }

    #[test]
    fn the_latest_sign_of_life_counts() {
        let enrolled = AccountUse {
            enrolled_at: at(5),
            logged_on_at: None,
            enabled_at: None,
        };
        assert_eq!(enrolled.latest(), at(5));
        let used = AccountUse {
            logged_on_at: Some(at(9)),
            ..enrolled
        };
        assert_eq!(used.latest(), at(9));
        let enabled = AccountUse {
            enabled_at: Some(at(12)),
            ..used
        };
        assert_eq!(enabled.latest(), at(12));
        let anew = AccountUse {
            enrolled_at: at(20),
            ..enabled
        };
        assert_eq!(anew.latest(), at(20));
    }
}
