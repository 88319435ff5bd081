//! What a client wrote of signals.

use std::collections::BTreeSet;

use super::pattern::Pattern;
use super::{Fired, Signal, Then, Value};
use crate::extraction::{ByteCount, ByteRate};
use crate::name::{FlowName, TargetId};
use crate::schedule::Schedule;
use crate::time::{Span, Timestamp};

/// The signals of a client. What is not written is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signals {
    /// Far more within a minute than ever of this person.
    pub burst: Option<Burst>,
    /// A long steady stream while nobody types.
    pub steady: Option<Steady>,
    /// A wall of base64.
    pub base64: Option<Wall>,
    /// A recording that grows at which nobody is.
    pub unattended: Option<Unattended>,
    /// Work outside the usual hours.
    pub hours: Option<Hours>,
    /// Patterns on lines.
    pub tripwires: Vec<Tripwire>,
}

/// Far more left within a minute than ever of this person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Burst {
    /// How many times the largest minute of their past sessions.
    pub factor: u64,
    /// Less than this in a minute is never told.
    pub floor: ByteCount,
    /// What it does.
    pub then: Then,
}

/// A long steady stream while nobody types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steady {
    /// How fast, all along.
    pub rate: ByteRate,
    /// For how long.
    pub lasts: Span,
    /// What it does.
    pub then: Then,
}

/// A wall of base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wall {
    /// How large.
    pub bytes: ByteCount,
    /// What it does.
    pub then: Then,
}

/// A recording that grows at which nobody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unattended {
    /// How long nobody typed or sent anything.
    pub after: Span,
    /// What it does.
    pub then: Then,
}

/// Work outside the usual hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Those.
    pub usual: Schedule,
    /// What it does.
    pub then: Then,
}

/// A pattern on lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tripwire {
    /// As the client calls it.
    pub name: FlowName,
    /// What is looked for.
    pub pattern: Pattern,
    /// In what these flows permitted; in everything where there are none.
    pub flows: BTreeSet<FlowName>,
    /// On these targets; on all where there are none.
    pub targets: BTreeSet<TargetId>,
    /// What it does.
    pub then: Then,
}

impl Signals {
    /// The tripwires that lie where a flow opened something on a target.
    pub fn tripwires_at<'a>(
        &'a self,
        flow: &'a FlowName,
        target: &'a TargetId,
    ) -> impl Iterator<Item = &'a Tripwire> {
        let lies = |names: bool, has: bool| !names || has;
        self.tripwires.iter().filter(move |one| {
            lies(!one.flows.is_empty(), one.flows.contains(flow))
                && lies(!one.targets.is_empty(), one.targets.contains(target))
        })
    }

    /// Each that is written, with what it does, for people.
    #[must_use]
    pub fn told_at(&self, flow: &FlowName, target: &TargetId) -> Vec<String> {
        let Self {
            burst,
            steady,
            base64,
            unattended,
            hours,
            tripwires: _,
        } = self;
        let written = [
            (Signal::Burst, burst.as_ref().map(|one| one.then)),
            (Signal::Steady, steady.as_ref().map(|one| one.then)),
            (Signal::Base64, base64.as_ref().map(|one| one.then)),
            (Signal::Unattended, unattended.as_ref().map(|one| one.then)),
            (Signal::Hours, hours.as_ref().map(|one| one.then)),
        ];
        let written = written
            .into_iter()
            .filter_map(|(signal, then)| Some((signal, then?)));
        let tripwires = self.tripwires_at(flow, target);
        let tripwires = tripwires.map(|one| (Signal::Tripwire(one.name.clone()), one.then));
        let all = written.chain(tripwires);
        all.map(|(signal, then)| format!("{signal} ({then})"))
            .collect()
    }
}

impl Burst {
    /// So much passed within a minute; `largest` is the largest minute of their past sessions, where there is one.
    pub fn fires(&self, passed: u64, largest: Option<u64>) -> Option<Fired> {
        let usual = largest.unwrap_or(0).saturating_mul(self.factor);
        let threshold = usual.max(self.floor.as_u64());
        (passed > threshold).then_some(Fired {
            signal: Signal::Burst,
            then: self.then,
            measured: Value::Bytes(passed),
            threshold: Value::Bytes(threshold),
        })
    }
}

impl Unattended {
    /// Something passed, and nobody had typed or sent anything for so long.
    pub fn fires(&self, alone: Span) -> Option<Fired> {
        (alone > self.after).then_some(Fired {
            signal: Signal::Unattended,
            then: self.then,
            measured: Value::Time(alone),
            threshold: Value::Time(self.after),
        })
    }
}

impl Hours {
    /// Something passes at that moment.
    pub fn fires(&self, now: Timestamp) -> Option<Fired> {
        (!self.usual.open_at(now)).then(|| Fired {
            signal: Signal::Hours,
            then: self.then,
            measured: Value::Text(now.to_string()),
            threshold: Value::Text(self.usual.to_string()),
        })
    }
}

/// What is told in place of a line that was typed and is not shown.
pub const UNSHOWN: &str = "typed, and not shown yet";

impl Tripwire {
    /// A command was asked for, or Enter typed at a line that is shown so.
    pub fn fires_shown(&self, line: &str) -> Option<Fired> {
        self.pattern.finds(line).then(|| self.fired(clipped(line)))
    }

    /// Enter was typed at a line of which that was typed, and which is not shown so: what was typed is not told, for it may not be
    /// meant for anybody.
    pub fn fires_typed(&self, line: &str) -> Option<Fired> {
        let told = || self.fired(UNSHOWN.to_owned());
        self.pattern.finds(line).then(told)
    }

    fn fired(&self, measured: String) -> Fired {
        Fired {
            signal: Signal::Tripwire(self.name.clone()),
            then: self.then,
            measured: Value::Text(measured),
            threshold: Value::Text(self.pattern.to_string()),
        }
    }
}

/// Longest line that is told, in characters.
const TOLD: usize = 200;

fn clipped(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().nth(TOLD) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mib(count: u64) -> u64 {
        count << 20
    }

    #[test]
    fn a_burst_is_far_above_the_floor_and_the_past() {
        let burst = Burst {
            factor: 10,
            floor: ByteCount::new(mib(20)),
            then: Then::Notify,
        };
        let threshold = |passed, largest| match burst.fires(passed, largest)?.threshold {
            Value::Bytes(bytes) => Some(bytes),
            Value::Rate(_) | Value::Time(_) | Value::Text(_) => None,
        };
        assert_eq!(threshold(mib(20), None), None);
        assert_eq!(threshold(mib(20) + 1, None), Some(mib(20)));
        assert_eq!(threshold(mib(20) + 1, Some(1)), Some(mib(20)));
        assert_eq!(threshold(mib(21), Some(mib(3))), None, "they often do");
        assert_eq!(threshold(mib(31), Some(mib(3))), Some(mib(30)));
        assert_eq!(threshold(u64::MAX, Some(u64::MAX)), None);
    }

    #[test]
    fn hours_are_those_written_and_nothing_else() {
        let hours = Hours {
            usual: Schedule::parse("mon-fri 07:00-20:00 Europe/Paris").unwrap(),
            then: Then::Hold,
        };
        let fires = |at: &str| hours.fires(Timestamp::parse(at).unwrap()).is_some();
        assert!(
            !fires("2026-11-30T06:00:00Z"),
            "seven on a Monday, in Paris"
        );
        assert!(fires("2026-11-30T05:59:59Z") && fires("2026-11-30T19:00:00Z"));
        assert!(fires("2026-11-29T12:00:00Z"), "a Sunday");
    }

    #[test]
    fn nobody_is_there_only_after_as_long() {
        let rule = Unattended {
            after: Span::from_mins(15),
            then: Then::Notify,
        };
        assert_eq!(rule.fires(Span::from_mins(15)), None);
        assert!(rule.fires(Span::from_secs(901)).is_some());
    }

    /// What was typed and not shown may be a password: it is not told.
    #[test]
    fn a_line_is_told_only_as_it_is_shown() {
        let tripwire = Tripwire {
            name: FlowName::parse("dump").unwrap(),
            pattern: Pattern::parse("pg_dump").unwrap(),
            flows: BTreeSet::new(),
            targets: BTreeSet::new(),
            then: Then::Hold,
        };
        let shown = tripwire.fires_shown("$ pg_dump prod  ").unwrap();
        assert_eq!(shown.measured, Value::Text("$ pg_dump prod".to_owned()));
        let typed = tripwire.fires_typed("pg_dump secret").unwrap();
        assert!(!typed.to_string().contains("secret"), "{typed}");
        assert_eq!(tripwire.fires_typed("ls"), None);
        let long = tripwire.fires_shown(&format!("pg_dump {}", "x".repeat(900)));
        assert!(long.unwrap().to_string().len() < 400);
    }

    #[test]
    fn a_tripwire_lies_where_it_is_said_to() {
        let (flow, target) = (
            FlowName::parse("dba").unwrap(),
            TargetId::parse("db01").unwrap(),
        );
        let at = |flows: &[&str], targets: &[&str]| {
            let tripwire = Tripwire {
                name: FlowName::parse("dump").unwrap(),
                pattern: Pattern::parse("pg_dump").unwrap(),
                flows: flows
                    .iter()
                    .map(|name| FlowName::parse(name).unwrap())
                    .collect(),
                targets: targets
                    .iter()
                    .map(|name| TargetId::parse(name).unwrap())
                    .collect(),
                then: Then::Hold,
            };
            let signals = Signals {
                tripwires: vec![tripwire],
                ..Signals::default()
            };
            signals.tripwires_at(&flow, &target).count() == 1
        };
        assert!(at(&[], &[]) && at(&["dba"], &[]) && at(&[], &["db01"]) && at(&["dba"], &["db01"]));
        assert!(!at(&["night"], &[]) && !at(&["dba"], &["web01"]) && !at(&["night"], &["db01"]));
    }
}
