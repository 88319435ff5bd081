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

/// Waits until a failed code has taken its time; where the store was slower than that, until it has taken it once more.
pub(super) async fn take_time(arrived: Instant) {
    let mut takes = FAILURE_TAKES;
    while takes < arrived.elapsed() {
        takes = takes.saturating_add(FAILURE_TAKES);
    }
    tokio::time::sleep(takes.saturating_sub(arrived.elapsed())).await;
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

/// What is said of an answer with the next prompt, to whoever is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// That it was wrong or had been used, and how many more bring about a block.
    Wrong,
    /// That it was no code, and counts for nothing.
    NoCode,
}

impl Told {
    pub(super) fn of(outcome: CodeOutcome) -> Option<Self> {
        match outcome {
            CodeOutcome::Wrong
            | CodeOutcome::Replayed
            | CodeOutcome::Again
            | CodeOutcome::NotEnrolled => Some(Self::Wrong),
            CodeOutcome::Empty | CodeOutcome::Shapeless => Some(Self::NoCode),
            CodeOutcome::Accepted | CodeOutcome::Blocked { .. } => None,
        }
    }
}

/// Why an answer was refused that is no guess.
pub(super) fn uncounted(outcome: CodeOutcome) -> String {
    match outcome {
        CodeOutcome::Empty => "an empty answer; not counted".to_owned(),
        CodeOutcome::Shapeless => "an answer that is not six digits; not counted".to_owned(),
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
