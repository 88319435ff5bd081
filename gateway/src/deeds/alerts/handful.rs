//! What of many alerts is told to somebody who only looks in: a handful of what still matters, and how many there are besides.
//!
//! What waits for somebody comes first, then what is not as it should be, then what happened; what is over is left to whoever
//! asks for all of it. Of each person and sort the latest comes before anybody's second: nobody pushes the word about somebody
//! else out.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::folded::About;
use super::{Alert, Told};

/// As many are told at once.
const MOST: usize = 6;

/// How much an alert matters to somebody who looks in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Matters {
    /// Somebody waits for an operator.
    Waits,
    /// Something is not as it should be.
    Stands,
    /// It happened.
    Happened,
}

/// What is told of them, in the order of time, and how many others there are: that still matter, and that are over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Handful {
    /// These.
    pub(crate) told: Vec<Alert>,
    /// So many more still matter.
    pub(crate) more: usize,
    /// So many are over.
    pub(crate) over: usize,
}

/// A handful of these.
pub(crate) fn handful(alerts: Vec<Alert>) -> Handful {
    let all = alerts.len();
    let mut of_each: BTreeMap<_, usize> = BTreeMap::new();
    let mut ranked: Vec<_> = Vec::new();
    for alert in alerts.into_iter().rev() {
        let Some(matters) = Matters::of(&alert.told) else {
            continue;
        };
        let about = About::of(&alert.told);
        let later = of_each
            .entry((about.sort, about.person.map(str::to_owned)))
            .or_default();
        ranked.push(((turn(matters, *later), *later, Reverse(alert.at)), alert));
        *later += 1;
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let over = all.saturating_sub(ranked.len());
    let more = ranked.len().saturating_sub(MOST);
    ranked.truncate(MOST);
    let mut told: Vec<Alert> = ranked.into_iter().map(|(_, alert)| alert).collect();
    told.sort_by_key(|alert| alert.at);
    Handful { told, more, over }
}

/// Whose turn it is: the latest that waits, or is not as it should be, of each person and sort comes before anybody's second.
const fn turn(matters: Matters, later: usize) -> u8 {
    match (matters, later) {
        (Matters::Waits, 0) => 0,
        (Matters::Stands, 0) => 1,
        (Matters::Waits, _) => 2,
        (Matters::Happened, 0) => 3,
        (Matters::Stands, _) => 4,
        (Matters::Happened, _) => 5,
    }
}

/// Whether somebody waits for an operator.
pub(super) fn waits(told: &Told) -> bool {
    Matters::of(told) == Some(Matters::Waits)
}

impl Matters {
    /// None of what is over.
    fn of(told: &Told) -> Option<Self> {
        match told {
            Told::Waits(one) => (!one.over).then_some(Self::Waits),
            Told::Alone { over, .. }
            | Told::Answered { over, .. }
            | Told::Budget {
                over, holds: true, ..
            } => (!over).then_some(Self::Waits),
            Told::Hand { over, .. } | Told::Budget { over, .. } | Told::Crowd { over, .. } => {
                (!over).then_some(Self::Happened)
            }
            Told::Signal {
                over, holds: true, ..
            } if !over => Some(Self::Waits),
            // What fired is worth knowing when its session is over, too.
            Told::Signal { .. }
            | Told::Blocked { .. }
            | Told::CodeElsewhere { .. }
            | Told::Unblocked { .. }
            | Told::Enabled { .. }
            | Told::Recording { .. }
            | Told::Hidden { .. }
            | Told::More { .. } => Some(Self::Happened),
            Told::SpaceLow { .. }
            | Told::SpaceFull { .. }
            | Told::CopiesContradicted { .. }
            | Told::JournalContradicted { .. }
            | Told::CheckpointFailed { .. }
            | Told::CopiesAway { .. }
            | Told::SessionNotOnRecord { .. }
            | Told::SessionOutlived { .. }
            | Told::InterventionNotOnRecord { .. }
            | Told::Clock { .. }
            | Told::OrderNotOnRecord
            | Told::DocumentNotOnRecord
            | Told::EnrolmentNotOnRecord { .. }
            | Told::CredentialNotOnRecord { .. }
            | Told::HostKey { .. } => Some(Self::Stands),
        }
    }
}

#[cfg(test)]
mod tests {
    use ecluse_policy::Timestamp;

    use super::*;

    fn at(second: i64, told: Told) -> Alert {
        let at = Timestamp::from_micros(second * 1_000_000);
        Alert { at, told }
    }

    fn alone(person: &str, session: u64, over: bool) -> Told {
        Told::Alone {
            person: person.to_owned(),
            target: None,
            session,
            over,
        }
    }

    fn blocked(person: &str) -> Told {
        let person = person.to_owned();
        Told::Blocked { person }
    }

    /// I4, A6: whoever looks in reads what waits and what is wrong before what happened, nothing that is over, and of nobody so
    /// much that another is not told of; what is left out is counted.
    #[test]
    fn i4_whoever_looks_in_reads_a_handful_of_what_still_matters() {
        let mut alerts = vec![
            at(0, blocked("bruno")),
            at(1, alone("alice", 1, false)),
            at(2, Told::DocumentNotOnRecord),
        ];
        alerts.extend((3..30).map(|second| at(second, blocked("alice"))));
        alerts.extend((30..60).map(|second| at(second, alone("alice", second as u64, true))));
        let Handful { told, more, over } = handful(alerts);
        let expected = [
            at(0, blocked("bruno")),
            at(1, alone("alice", 1, false)),
            at(2, Told::DocumentNotOnRecord),
            at(27, blocked("alice")),
            at(28, blocked("alice")),
            at(29, blocked("alice")),
        ];
        assert_eq!(told, expected);
        assert_eq!((more, over), (24, 30));
    }
}
