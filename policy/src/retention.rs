//! Until when something is kept, and from when on it may be removed (R7, O9, MJ 4.17, EXT annex 3).
//!
//! Where MJ 4.17 applies, nothing is ever due by itself: first the service ends, then the time agreed on passes. Elsewhere
//! the time counts from the end of the session. A hold stands above all of it. What is due is removed by the gateway, with
//! a record of its destruction; nothing here removes anything.

use crate::documents::{Regime, RetentionRules};
use crate::time::{Span, Timestamp};

/// What may happen to something recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Due {
    /// It stays: a legal hold says so, with this reason.
    LegalHold(String),
    /// It stays: the service goes on.
    KeepUntilServiceEnds,
    /// It stays until then.
    KeepUntil(Timestamp),
    /// It may be removed, since then.
    Since(Timestamp),
    /// It has to be removed: the longest that its client lets it be kept passed then.
    Overdue(Timestamp),
}

impl Due {
    /// Since when it may be removed, or has to be; none where it stays.
    #[must_use]
    pub const fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Since(at) | Self::Overdue(at) => Some(*at),
            Self::LegalHold(_) | Self::KeepUntilServiceEnds | Self::KeepUntil(_) => None,
        }
    }

    /// Whether it may be removed.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        self.since().is_some()
    }
}

/// Decides about something recorded at `recorded_at`; of a session, that is its end.
///
/// Under `mj` the time counts from the end of the service, or from the recording itself where that came later; under `ext`
/// and `own` from the recording. It is never shorter than [`Regime::floor`], whatever `rules` say, and a legal hold stands
/// above all of it.
pub fn due(rules: &RetentionRules, recorded_at: Timestamp, now: Timestamp) -> Due {
    let RetentionRules {
        regime,
        service_ended,
        keep: _,
        longest,
        legal_hold,
        line: _,
    } = rules;
    if let Some(reason) = legal_hold {
        return Due::LegalHold(reason.clone());
    }
    let from = match (regime, service_ended) {
        (Regime::Mj, None) => return Due::KeepUntilServiceEnds,
        (Regime::Mj, Some(service_ended)) => (*service_ended).max(recorded_at),
        (Regime::Ext | Regime::Own, _) => recorded_at,
    };
    let until = from.plus(rules.held());
    let at_most = longest.map(|longest| from.plus(longest.max(rules.held())));
    match at_most {
        _ if now < until => Due::KeepUntil(until),
        Some(at_most) if now >= at_most => Due::Overdue(at_most),
        Some(_) | None => Due::Since(until),
    }
}

/// The instant before which everything recorded is due; none where nothing is.
#[must_use]
pub fn due_before(rules: &RetentionRules, now: Timestamp) -> Option<Timestamp> {
    let last = now.minus(rules.held());
    due(rules, last, now)
        .is_due()
        .then(|| last.plus(Span::from_micros(1)))
}

/// The instant before which every trace that concerns no client is due; none where nothing is.
///
/// It says what happened at the door, before anybody was anybody's: it may be evidence for each client, so it stays as long
/// as what any of them has from that time, and a year at least.
#[must_use]
pub fn due_before_of_nobody<'r>(
    clients: impl IntoIterator<Item = &'r RetentionRules>,
    now: Timestamp,
) -> Option<Timestamp> {
    let alone = now.minus(Regime::Mj.floor()).plus(Span::from_micros(1));
    clients
        .into_iter()
        .map(|rules| due_before(rules, now))
        .try_fold(alone, |least, one| Some(least.min(one?)))
}

#[cfg(test)]
mod tests;
