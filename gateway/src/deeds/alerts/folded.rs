//! Many alerts, so that none is lost among others: what is told of one thing again stands once, with its latest time, and
//! of one person or kind there are so many; the rest is counted and named by its numbers, never left out in silence.
//!
//! The measure is of each person by itself: nobody pushes the word about somebody else out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::handful::waits;
use super::{Alert, Told};

/// Alerts of one sort about one person that are told one by one.
const MOST: usize = 20;

/// What alerts are of that stand in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sort {
    /// Accounts that were blocked, opened or enabled.
    Accounts,
    /// Recordings with a problem.
    Recordings,
    /// Sessions with lines that were not shown.
    Hidden,
    /// Marks that budgets reached.
    Budgets,
    /// Signals that were found.
    Signals,
    /// What operators did by hand to sessions.
    Hands,
    /// What technicians answered.
    Answers,
    /// Sessions that wait for company.
    Alone,
    /// What waits for a yes.
    Waits,
    /// Checkpoints that are contradicted or cannot be made.
    Checkpoints,
    /// Rows of sessions that are not as on record.
    Sessions,
    /// Interventions that are not.
    Interventions,
    /// Sessions that went on after their end.
    Outlived,
    /// Clocks that were set.
    Clocks,
    /// All others.
    Others,
}

/// What one alert is about.
pub(super) struct About<'a> {
    pub(super) sort: Sort,
    pub(super) person: Option<&'a str>,
    number: Option<u64>,
    /// Whether it is one more happening each time, and not the state of a thing.
    happens: bool,
}

impl About<'_> {
    pub(super) fn of(told: &Told) -> About<'_> {
        let about = |sort, person, number, happens| About {
            sort,
            person,
            number,
            happens,
        };
        match told {
            Told::Blocked { person }
            | Told::CodeElsewhere { person }
            | Told::Unblocked { person, .. }
            | Told::Enabled { person, .. } => about(Sort::Accounts, Some(person), None, true),
            Told::Recording { person, .. } => about(Sort::Recordings, Some(person), None, true),
            Told::Hidden {
                person, session, ..
            } => {
                let number = Some(*session).filter(|number| *number > 0);
                about(Sort::Hidden, Some(person), number, number.is_none())
            }
            Told::Budget {
                person, session, ..
            } => about(Sort::Budgets, Some(person), Some(*session), true),
            Told::Signal {
                person, session, ..
            } => about(Sort::Signals, Some(person), Some(*session), true),
            Told::Answered {
                person, session, ..
            } => about(Sort::Answers, Some(person), Some(*session), true),
            Told::Alone {
                person, session, ..
            } => about(Sort::Alone, Some(person), Some(*session), true),
            Told::Waits(one) => about(Sort::Waits, Some(&one.person), Some(one.nth.session), true),
            Told::Hand { by, session, .. } => about(Sort::Hands, Some(by), Some(*session), true),
            Told::CopiesContradicted { .. }
            | Told::JournalContradicted { .. }
            | Told::CheckpointFailed { .. } => about(Sort::Checkpoints, None, None, false),
            Told::SessionNotOnRecord { number } => {
                about(Sort::Sessions, None, Some(*number), false)
            }
            Told::InterventionNotOnRecord { number } => {
                about(Sort::Interventions, None, Some(*number), false)
            }
            Told::SessionOutlived { number } => about(Sort::Outlived, None, Some(*number), false),
            Told::Clock { .. } => about(Sort::Clocks, None, None, true),
            Told::SpaceLow { .. }
            | Told::SpaceFull { .. }
            | Told::Crowd { .. }
            | Told::CopiesAway { .. }
            | Told::OrderNotOnRecord
            | Told::DocumentNotOnRecord
            | Told::EnrolmentNotOnRecord { .. }
            | Told::CredentialNotOnRecord { .. }
            | Told::HostKey { .. }
            | Told::More { .. } => about(Sort::Others, None, None, false),
        }
    }

    /// Whether both tell of one thing; the later word is the one that counts.
    fn is_again(&self, told: &Told, earlier: &Told) -> bool {
        match (told, earlier) {
            (
                Told::Hidden { session, lines, .. },
                Told::Hidden {
                    session: before,
                    lines: had,
                    ..
                },
            ) if self.number.is_some() => session == before && lines.is_some() == had.is_some(),
            _ => told == earlier,
        }
    }
}

/// The same alerts, in the order of time, with nothing left out in silence.
pub(super) fn folded(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.sort_by_key(|alert| alert.at);
    let mut groups: BTreeMap<(Sort, Option<String>), Vec<Alert>> = BTreeMap::new();
    for alert in alerts {
        let about = About::of(&alert.told);
        let group = (about.sort, about.person.map(str::to_owned));
        groups.entry(group).or_default().push(alert);
    }
    let mut all = Vec::new();
    for ((sort, person), mut of_one) in groups {
        let many = of_one.len() > MOST;
        once_each(&mut of_one, many);
        // Whatever is not of a sort that repeats itself is told whole.
        let over = match sort {
            Sort::Others => 0,
            Sort::Accounts
            | Sort::Recordings
            | Sort::Hidden
            | Sort::Budgets
            | Sort::Signals
            | Sort::Hands
            | Sort::Answers
            | Sort::Alone
            | Sort::Waits
            | Sort::Checkpoints
            | Sort::Sessions
            | Sort::Interventions
            | Sort::Clocks
            | Sort::Outlived => of_one.len().saturating_sub(MOST),
        };
        let (rest, of_one) = apart(of_one, over);
        if let Some(last) = rest.last() {
            let numbers = rest.iter().filter_map(|one| About::of(&one.told).number);
            let numbers: BTreeSet<u64> = numbers.collect();
            all.push(Alert {
                at: last.at,
                told: Told::More {
                    sort,
                    person,
                    count: rest.len() as u64,
                    numbers: numbers.into_iter().collect(),
                },
            });
        }
        all.extend(of_one);
    }
    all.sort_by_key(|alert| alert.at);
    all
}

/// The oldest of them, as many, and the others; what somebody waits for is no old news.
fn apart(alerts: Vec<Alert>, many: usize) -> (Vec<Alert>, Vec<Alert>) {
    let (mut rest, mut kept) = (Vec::new(), Vec::new());
    for alert in alerts {
        if rest.len() < many && !waits(&alert.told) {
            rest.push(alert);
        } else {
            kept.push(alert);
        }
    }
    (rest, kept)
}

/// Leaves the latest word about each thing; of happenings only where there are many.
fn once_each(alerts: &mut Vec<Alert>, many: bool) {
    let mut kept: Vec<Alert> = Vec::new();
    for alert in alerts.drain(..).rev() {
        let about = About::of(&alert.told);
        let again = |later: &Alert| about.is_again(&later.told, &alert.told);
        if (about.happens && !many) || !kept.iter().any(again) {
            kept.push(alert);
        }
    }
    kept.reverse();
    *alerts = kept;
}

#[cfg(test)]
mod tests {
    use ecluse_policy::Timestamp;

    use super::*;

    fn at(second: i64, told: Told) -> Alert {
        Alert {
            at: Timestamp::from_micros(second * 1_000_000),
            told,
        }
    }

    fn hidden(person: &str, session: u64, lines: u64) -> Told {
        Told::Hidden {
            person: person.to_owned(),
            target: None,
            session,
            lines: Some(lines),
        }
    }

    /// R3: repetitions of one thing are one line, with the last word about it, and push nothing out.
    #[test]
    fn r3_repetitions_of_one_thing_push_no_other_out() {
        let mut alerts = vec![at(0, Told::InterventionNotOnRecord { number: 9 })];
        alerts.push(at(1, Told::SessionNotOnRecord { number: 1 }));
        alerts.extend((2..500).map(|second| at(second, Told::SessionNotOnRecord { number: 24 })));
        let told = folded(alerts);
        let expected = [
            at(0, Told::InterventionNotOnRecord { number: 9 }),
            at(1, Told::SessionNotOnRecord { number: 1 }),
            at(499, Told::SessionNotOnRecord { number: 24 }),
        ];
        assert_eq!(told, expected);
    }

    /// R2: a technician pushes no warning out by more of them, their own or another's: what is not told one by one is
    /// counted, and named.
    #[test]
    fn r2_more_of_one_person_are_counted_and_named_and_push_nobody_out() {
        let mut alerts = vec![at(0, hidden("bruno", 1, 3))];
        alerts.extend((2..=40).map(|number| at(number, hidden("alice", number as u64, 1))));
        alerts.push(at(60, hidden("alice", 40, 7)));
        let told = folded(alerts);
        assert_eq!(told[0], at(0, hidden("bruno", 1, 3)));
        let more = Told::More {
            sort: Sort::Hidden,
            person: Some("alice".to_owned()),
            count: 19,
            numbers: (2..=20).collect(),
        };
        assert_eq!(told[1], at(20, more));
        assert_eq!(told.len(), 2 + MOST);
        assert_eq!(told.last(), Some(&at(60, hidden("alice", 40, 7))));
    }

    /// Two failures are two; a hundred of the same are told as the last one.
    #[test]
    fn happenings_stand_each_by_itself_until_they_are_many() {
        let failed = |problem: &str| Told::Recording {
            person: "alice".to_owned(),
            target: None,
            problem: problem.to_owned(),
        };
        let two = vec![at(1, failed("full")), at(2, failed("full"))];
        assert_eq!(folded(two.clone()), two);
        let mut many = vec![at(0, failed("torn"))];
        many.extend((1..100).map(|second| at(second, failed("full"))));
        let told = folded(many);
        assert_eq!(told, [at(0, failed("torn")), at(99, failed("full"))]);
    }
}
