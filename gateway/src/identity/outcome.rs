//! What the door answers, and what became of a second factor, for the record.

use std::time::{Duration, Instant};

use ecluse_policy::identity::SecondFactor;
use ecluse_policy::{Authenticated, CodeOutcome, LoginAddress, LoginRefusal};

use crate::actor::Actor;
use crate::audit::AuditRecord;

/// What the door answers.
pub(crate) enum Answer {
    /// The person and, for technicians, the station are proven.
    Accept(Box<(Actor, LoginAddress)>),
    /// Good; another key is needed.
    NeedKey,
    /// Good; a one-time code is needed.
    NeedCode,
    /// Asks for the code.
    Ask {
        /// Shown above the prompt.
        instructions: String,
        /// The prompt.
        prompt: String,
    },
    /// Says why no code is asked for, and asks for nothing.
    Tell {
        /// The words.
        words: String,
    },
    /// No. Says nothing about why.
    Refuse {
        /// Whether the code is what may be tried again.
        code_next: bool,
    },
}

/// How long a failed code takes, from its arrival to the answer, whatever failed and however fast the store is.
const FAILURE_TAKES: Duration = Duration::from_millis(400);

/// Waits until a failed code has taken its time.
pub(super) async fn take_time(arrived: Instant) {
    if let Some(rest) = FAILURE_TAKES.checked_sub(arrived.elapsed()) {
        tokio::time::sleep(rest).await;
    }
}

/// The record of a log-on with what was proven.
pub(super) fn with_proofs(record: AuditRecord, authenticated: &Authenticated) -> AuditRecord {
    let record = record
        .detail("person-key", authenticated.person_key().to_string())
        .detail(
            "second-factor",
            second_factor(authenticated.second_factor()),
        );
    match authenticated.station_key() {
        Some(key) => record.detail("station-key", key.to_string()),
        None => record,
    }
}

/// By what a log-on was completed.
fn second_factor(factor: SecondFactor) -> &'static str {
    match factor {
        SecondFactor::Code => "one-time code",
        SecondFactor::Remembered => "one-time code of a few minutes ago",
    }
}

/// Whether it is an answer, and a wrong one.
pub(super) fn is_no(outcome: CodeOutcome) -> bool {
    match outcome {
        CodeOutcome::Wrong
        | CodeOutcome::Replayed
        | CodeOutcome::Again
        | CodeOutcome::NotEnrolled => true,
        CodeOutcome::Accepted | CodeOutcome::Empty | CodeOutcome::Blocked { .. } => false,
    }
}

/// Why an answer was refused that is no guess.
pub(super) fn uncounted(outcome: CodeOutcome) -> String {
    match outcome {
        CodeOutcome::Empty => "an empty answer; not counted".to_owned(),
        CodeOutcome::Again => "the one-time code accepted last, once more; not counted".to_owned(),
        CodeOutcome::Blocked { until } => {
            format!("blocked until {until} after too many failures")
        }
        CodeOutcome::Accepted
        | CodeOutcome::Wrong
        | CodeOutcome::Replayed
        | CodeOutcome::NotEnrolled => LoginRefusal::Code(outcome).to_string(),
    }
}
