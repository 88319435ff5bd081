//! How fresh a person's proof of presence is: the codes proven on one connection.
//!
//! A connection may outlast the person at its keyboard, and a remembered code says who was there some minutes ago. What
//! gives somebody more than they had asks for a code of now; what takes away never does.

use super::{Authenticated, CodeOutcome};
use crate::time::{Span, Timestamp};
use crate::verdict::Refusal;

/// How long a code stands for acts that give.
pub const FRESH_FOR: Span = Span::from_mins(5);

/// The last code that was proven on one connection, if one was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProvenCode {
    at: Option<Timestamp>,
}

impl ProvenCode {
    /// That of the log-on; none where the second factor was remembered.
    #[must_use]
    pub const fn of_log_on(authenticated: &Authenticated) -> Self {
        Self {
            at: authenticated.code_proven_at,
        }
    }

    /// The gateway looked at another code on this connection.
    pub const fn judged(&mut self, outcome: CodeOutcome, now: Timestamp) {
        match outcome {
            CodeOutcome::Accepted => self.at = Some(now),
            CodeOutcome::Empty
            | CodeOutcome::Shapeless
            | CodeOutcome::Again
            | CodeOutcome::Wrong
            | CodeOutcome::Replayed
            | CodeOutcome::NotEnrolled
            | CodeOutcome::Blocked { .. } => {}
        }
    }

    /// When, for the record.
    #[must_use]
    pub const fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// Whether it is fresh enough at `now`. **Range**: the end excluded; a code of the future, which a clock that was set
    /// back leaves behind, is not fresh.
    ///
    /// # Errors
    /// [`Refusal::CodeWanted`].
    pub fn fresh(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.at {
            Some(at) if at <= now && now < at.plus(FRESH_FOR) => Ok(()),
            Some(_) | None => Err(Refusal::CodeWanted { within: FRESH_FOR }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    #[test]
    fn a_code_is_fresh_for_five_minutes_and_never_before_it_was_proven() {
        let mut code = ProvenCode::default();
        assert!(code.fresh(at(100)).is_err());
        for refused in [
            CodeOutcome::Empty,
            CodeOutcome::Shapeless,
            CodeOutcome::Again,
            CodeOutcome::Wrong,
            CodeOutcome::Replayed,
            CodeOutcome::NotEnrolled,
            CodeOutcome::Blocked { until: at(0) },
        ] {
            code.judged(refused, at(100));
            assert!(code.fresh(at(100)).is_err(), "{refused:?}");
        }
        code.judged(CodeOutcome::Accepted, at(100));
        for (second, fresh) in [(99, false), (100, true), (399, true), (400, false)] {
            assert_eq!(code.fresh(at(second)).is_ok(), fresh, "{second}");
        }
        code.judged(CodeOutcome::Wrong, at(399));
        assert!(
            code.fresh(at(399)).is_ok(),
            "a wrong one takes nothing away"
        );
    }
}
