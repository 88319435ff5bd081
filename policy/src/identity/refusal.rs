//! Why a proof was not accepted: for the record, each in its own words; whoever shows it reads the same for all.

use super::account::Barred;
use super::certificate::CertificateRefused;
use super::here::Misplaced;
use super::{CodeOutcome, Ended, StationFault};
use crate::key::Fingerprint;
use crate::name::{PersonId, StationId};

/// Why a proof was not accepted. For the audit; the person reads the same words for each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum LoginRefusal {
    /// A key that no document names.
    #[error("the key {key} is nobody's")]
    UnknownKey {
        /// Which.
        key: Fingerprint,
    },
    /// A key that is shown where its owner may not be; told like a key that nobody has.
    #[error("the key {key} of {owner} is shown {why}")]
    Misplaced {
        /// Which.
        key: Fingerprint,
        /// Whose: a person or a station.
        owner: String,
        /// What is wrong with the place.
        why: Misplaced,
    },
    /// A key of another person.
    #[error("the key {key} belongs to {owner}")]
    KeyOfAnother {
        /// Which.
        key: Fingerprint,
        /// Whose.
        owner: PersonId,
    },
    /// A key that its provider revoked.
    #[error("the key {key} is revoked")]
    RevokedKey {
        /// Which.
        key: Fingerprint,
    },
    /// A certificate that does not hold.
    #[error("the certificate of key {key} is not accepted: {reason}")]
    Certificate {
        /// The certified key.
        key: Fingerprint,
        /// Why.
        reason: CertificateRefused,
    },
    /// More stations' keys than any login needs.
    #[error("too many stations' keys in one login")]
    TooManyStations,
    /// A code before the keys.
    #[error("a code before the keys proves nothing")]
    CodeTooEarly,
    /// The code did not do.
    #[error("the code was not accepted: {}", code_words(.0))]
    Code(CodeOutcome),
    /// All factors are proven, and the station is not one this person may work from.
    #[error("the station {station} may not be used: {why}")]
    Station {
        /// Which.
        station: StationId,
        /// Why.
        why: StationFault,
    },
    /// All factors are proven, and the account is not in force.
    #[error("{0}")]
    Ended(#[from] Ended),
    /// The keys are proven, and no code is looked at.
    #[error("{0}")]
    Barred(Barred),
}

const fn code_words(outcome: &CodeOutcome) -> &'static str {
    match outcome {
        CodeOutcome::Accepted => "it was accepted",
        CodeOutcome::Empty => "it is empty",
        CodeOutcome::Shapeless => "it is not six digits",
        CodeOutcome::Again => "it was accepted a moment ago and works once",
        CodeOutcome::Wrong => "it is wrong",
        CodeOutcome::Replayed => "it was used before",
        CodeOutcome::NotEnrolled => "nobody enrolled this person",
        CodeOutcome::Blocked { .. } => "the account or its source is blocked",
    }
}
