//! What became of a second factor, for the record.

use ecluse_policy::identity::SecondFactor;
use ecluse_policy::{CodeOutcome, LoginRefusal};

/// By what a log-on was completed.
pub(super) fn second_factor(factor: SecondFactor) -> &'static str {
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
