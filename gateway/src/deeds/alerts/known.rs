//! What is known of an alert to whoever was told of it: that, and nothing that changes while it stands. The words of a line do: at
//! midnight, when it is over, with each byte of free room.

use ecluse_policy::Timestamp;

use super::{Alert, Told};

/// An alert as it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Known(Timestamp, String);

impl Alert {
    /// As whoever was told of it knows it.
    pub(crate) fn known(&self) -> Known {
        let mut told = self.told.clone();
        match &mut told {
            Told::Budget { over, .. }
            | Told::Alone { over, .. }
            | Told::Signal { over, .. }
            | Told::Hand { over, .. } => *over = false,
            Told::Waits(waits) => waits.over = false,
            Told::Answered { over, budget, .. } => (*over, *budget) = (false, false),
            // Its end is told, with how many they were.
            Told::Crowd {
                until,
                count,
                sources,
                over: false,
                place: _,
            } => {
                *until = self.at;
                (*count, *sources) = (0, 0);
            }
            Told::SpaceLow { free, bound: _ } | Told::SpaceFull { free, bound: _ } => *free = 0,
            Told::Blocked { .. }
            | Told::CodeElsewhere { .. }
            | Told::Unblocked { .. }
            | Told::Enabled { .. }
            | Told::Recording { .. }
            | Told::Hidden { .. }
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
            | Told::More { .. }
            | Told::Crowd { over: true, .. }
            | Told::HostKey { .. } => {}
        }
        Known(self.at, format!("{told:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X3, F5: what was told is not told again because it is over, goes on or is a day old; another is another.
    #[test]
    fn x3_an_alert_that_changes_is_the_same_alert() {
        let at = |second: i64, told: Told| {
            let at = Timestamp::from_micros(second * 1_000_000);
            Alert { at, told }.known()
        };
        let alone = |session, over| Told::Alone {
            person: "alice".to_owned(),
            target: None,
            session,
            over,
        };
        assert_eq!(at(1, alone(1, false)), at(1, alone(1, true)));
        assert_ne!(at(1, alone(1, false)), at(2, alone(1, false)));
        assert_ne!(at(1, alone(1, false)), at(1, alone(2, false)));
        let low = |free| Told::SpaceLow { free, bound: 9 };
        assert_eq!(at(1, low(5)), at(1, low(4)));
        let full = Told::SpaceFull { free: 5, bound: 9 };
        assert_ne!(at(1, low(5)), at(1, full));
    }
}
