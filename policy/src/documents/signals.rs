//! `[signals]` and `[[tripwire]]`: what operators are told of, or what holds a session, before any budget is spent.
//!
//! Each key is what it does, with the numbers that stand here ([`STEADY_RATE`] and the others), or a table of numbers. What is
//! not written is not there (`adr/0016-signals-worth-telling.md`).

use std::collections::BTreeSet;
use std::fmt::Display;

use super::provider::ID;
use super::reader::{At, Table};
use super::{Flow, Target};
use crate::extraction::bytes::ACCEPTED_RATE;
use crate::extraction::{ByteCount, ByteRate, Zone};
use crate::name::{FlowName, TargetId};
use crate::schedule::{self, Schedule};
use crate::signals::pattern::ACCEPTED as PATTERN;
use crate::signals::{Burst, Hours, Pattern, Signals, Steady, Then, Tripwire, Unattended, Wall};
use crate::time::Span;

/// What a burst is measured by, unless written.
const FACTOR: u64 = 10;
const FLOOR: ByteCount = ByteCount::new(20 << 20);
/// How fast and how long a steady stream is.
const STEADY_RATE: &str = "64 KiB/s";
const STEADY_FOR: Span = Span::from_mins(5);
/// How large a wall is.
const WALL: ByteCount = ByteCount::new(64 << 10);
/// How long nobody is there.
const UNATTENDED_FOR: Span = Span::from_mins(15);
/// Which hours are usual, in the zone of the client's days.
const USUAL: &str = "mon-fri 07:00-20:00";

const THEN: &str = "\"notify\" (operators are told) or \"hold\" (they are told, and nothing passes until one of them lets it go on)";
const SIZE: &str = "a number of bytes from \"1 KiB\", such as \"64 KiB\"";
const TIMES: &str = "a number from 1 to 1000";
const LENGTH: &str = "a duration from \"5s\" to \"24h\", such as \"15m\"";
const SHORTEST: Span = Span::from_secs(5);
const LONGEST: Span = Span::from_hours(24);
/// The most tripwires of one client: each line is held against all of them.
const MOST: usize = 64;

/// What is written, before the zone of the client's days is known.
#[derive(Debug, Default)]
pub(super) struct Written {
    signals: Signals,
    /// What hours do of which it is not said when they are usual.
    hours: Option<Then>,
}

impl Written {
    /// Reads both, where they are there. What a tripwire names is one of these.
    pub(super) fn read(
        root: &Table<'_>,
        targets: &[Option<Target>],
        flows: &[Option<Flow>],
    ) -> Self {
        let mut written = Self::default();
        if let Some(table) = root.maybe_table("signals", "a [signals] table") {
            written.of_table(&table);
            table.finish();
        }
        let tables = root.tables("tripwire");
        if let Some(table) = tables.get(MOST) {
            let problem = format_args!("is one more than the {MOST} that a client may have");
            table.error(table.line, "name", problem, "fewer tripwires");
        }
        let mut names = BTreeSet::new();
        for table in &tables {
            let read = tripwire(table, targets, flows);
            table.finish();
            let Some(tripwire) = read else { continue };
            if !names.insert(tripwire.name.clone()) {
                table.error(
                    table.line,
                    "name",
                    "is the name of another one",
                    "one name each",
                );
            }
            written.signals.tripwires.push(tripwire);
        }
        written
    }

    fn of_table(&mut self, table: &Table<'_>) {
        let signals = &mut self.signals;
        // Each key is read before any is given up, so that all errors are reported together.
        let burst = |given: Option<&Table<'_>>| {
            let by = given.map_or(Some(FACTOR), factor);
            let floor = given.map_or(Some(FLOOR), |given| size(given, "floor", FLOOR));
            Some(Burst {
                factor: by?,
                floor: floor?,
                then: Then::Notify,
            })
        };
        signals.burst = read(table, "burst", burst, |it, then| it.then = then);
        let steady = |given: Option<&Table<'_>>| {
            let usual = ByteRate::parse(STEADY_RATE).unwrap_or(ByteRate::TRICKLE);
            let rate = given.map_or(Some(usual), |given| rate(given, usual));
            let lasts = given.map_or(Some(STEADY_FOR), |given| length(given, STEADY_FOR));
            Some(Steady {
                rate: rate?,
                lasts: lasts?,
                then: Then::Notify,
            })
        };
        signals.steady = read(table, "steady", steady, |it, then| it.then = then);
        let wall = |given: Option<&Table<'_>>| {
            let bytes = given.map_or(Some(WALL), |given| size(given, "bytes", WALL))?;
            let then = Then::Notify;
            Some(Wall { bytes, then })
        };
        signals.base64 = read(table, "base64", wall, |it, then| it.then = then);
        let alone = |given: Option<&Table<'_>>| {
            let usual = UNATTENDED_FOR;
            let after = given.map_or(Some(usual), |given| length(given, usual))?;
            let then = Then::Notify;
            Some(Unattended { after, then })
        };
        signals.unattended = read(table, "unattended", alone, |it, then| it.then = then);
        let usual = |given: Option<&Table<'_>>| {
            let usual = given.map_or(Some(None), usual)?;
            Some((usual, Then::Notify))
        };
        let hours = read(table, "hours", usual, |it, then| it.1 = then);
        match hours {
            Some((Some(usual), then)) => signals.hours = Some(Hours { usual, then }),
            Some((None, then)) => self.hours = Some(then),
            None => {}
        }
    }

    /// The signals of a client whose days begin there.
    pub(super) fn in_zone(self, zone: &Zone) -> Signals {
        let Self { mut signals, hours } = self;
        // What is not written of hours is a text of ours, in a zone that was read.
        let usual = Schedule::parse(&format!("{USUAL} {zone}")).ok();
        if let (Some(then), Some(usual)) = (hours, usual) {
            signals.hours = Some(Hours { usual, then });
        }
        signals
    }
}

/// One key: what it does, or a table of its numbers in which that may stand too.
fn read<T>(
    table: &Table<'_>,
    key: &str,
    numbers: impl FnOnce(Option<&Table<'_>>) -> Option<T>,
    does: impl FnOnce(&mut T, Then),
) -> Option<T> {
    if !table.has_table(key) {
        let At { value: then, .. } = table.maybe_parsed(key, THEN, then)?;
        let mut all = numbers(None)?;
        does(&mut all, then);
        return Some(all);
    }
    let given = table.maybe_table(key, THEN)?;
    let all = numbers(Some(&given));
    let said = given.maybe_parsed("then", THEN, then);
    given.finish();
    let mut all = all?;
    if let Some(said) = said {
        does(&mut all, said.value);
    }
    Some(all)
}

fn then(text: &str) -> Result<Then, String> {
    let all = [Then::Notify, Then::Hold].into_iter();
    let mut found = all.filter(|then| then.name() == text);
    found.next().ok_or_else(|| match text {
        "cut" | "end" => "a signal ends nothing: a heuristic is wrong now and then".to_owned(),
        other => format!(
            "`{}` is nothing that a signal does",
            crate::name::shown(other)
        ),
    })
}

fn factor(table: &Table<'_>) -> Option<u64> {
    if !table.has("factor") {
        // Taken all the same, so that an error names it among those that are accepted.
        let _ = table.maybe_parsed("factor", TIMES, |_| Ok::<(), &str>(()));
        return Some(FACTOR);
    }
    let At { value, line } = table.number("factor", TIMES)?;
    if !(1..=1000).contains(&value) {
        table.error(
            line,
            "factor",
            format_args!("{value} is no such number"),
            TIMES,
        );
        return None;
    }
    Some(value)
}

/// What a key says, or what holds where it is not there; nothing where it does not read.
fn said<T, E: Display>(
    table: &Table<'_>,
    key: &str,
    accepted: &str,
    usual: T,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    match table.maybe_parsed(key, accepted, parse) {
        Some(at) => Some(at.value),
        None => (!table.has(key)).then_some(usual),
    }
}

fn size(table: &Table<'_>, key: &str, usual: ByteCount) -> Option<ByteCount> {
    said(table, key, SIZE, usual, |text| {
        match ByteCount::parse(text) {
            Ok(bytes) if bytes.as_u64() >= 1 << 10 => Ok(bytes),
            Ok(bytes) => Err(format!("{bytes} is too little to tell anything")),
            Err(error) => Err(error.to_string()),
        }
    })
}

fn rate(table: &Table<'_>, usual: ByteRate) -> Option<ByteRate> {
    said(table, "rate", ACCEPTED_RATE, usual, ByteRate::parse)
}

fn length(table: &Table<'_>, usual: Span) -> Option<Span> {
    said(table, "for", LENGTH, usual, |text| {
        match Span::parse(text) {
            Ok(span) if (SHORTEST..=LONGEST).contains(&span) => Ok(span),
            Ok(span) => Err(format!("{span} is no such time")),
            Err(error) => Err(error.to_string()),
        }
    })
}

fn usual(table: &Table<'_>) -> Option<Option<Schedule>> {
    let parse = |text: &str| Schedule::parse(text).map(Some);
    said(table, "usual", schedule::ACCEPTED, None, parse)
}

fn tripwire(
    table: &Table<'_>,
    targets: &[Option<Target>],
    flows: &[Option<Flow>],
) -> Option<Tripwire> {
    let name = table.parsed("name", ID, FlowName::parse);
    let pattern = table.parsed("pattern", PATTERN, Pattern::parse);
    let named_flows = table.maybe_list("flows", "flows' names", FlowName::parse);
    let named_targets = table.maybe_list("targets", "targets' ids", TargetId::parse);
    let then = said(table, "then", THEN, Then::Notify, then);
    let known: Option<BTreeSet<&FlowName>> = flows
        .iter()
        .map(|flow| Some(&flow.as_ref()?.name))
        .collect();
    let in_flows = among(table, "flows", named_flows, known.as_ref());
    let known: Option<BTreeSet<&TargetId>> = targets
        .iter()
        .map(|target| Some(&target.as_ref()?.id))
        .collect();
    let on_targets = among(table, "targets", named_targets, known.as_ref());
    Some(Tripwire {
        name: name?.value,
        pattern: pattern?.value,
        flows: in_flows?,
        targets: on_targets?,
        then: then?,
    })
}

/// The names of a list, each one of those that are `known`, unless those do not read; all of them are meant without the key.
fn among<T: Ord + Display>(
    table: &Table<'_>,
    key: &str,
    list: Option<At<Vec<At<T>>>>,
    known: Option<&BTreeSet<&T>>,
) -> Option<BTreeSet<T>> {
    let Some(At { value: list, line }) = list else {
        return (!table.has(key)).then(BTreeSet::new);
    };
    if list.is_empty() {
        let accepted = "at least one; without the key it lies everywhere";
        table.error(line, key, "is empty: it would lie nowhere", accepted);
        return None;
    }
    for At { value, line } in &list {
        if known.is_some_and(|known| !known.contains(value)) {
            let problem = format_args!("{value} is none of this document's");
            let known = known.into_iter().flatten();
            let names: Vec<String> = known.map(ToString::to_string).collect();
            let accepted = match names.is_empty() {
                true => "without the key it lies everywhere; this document has none".to_owned(),
                false => names.join(", "),
            };
            table.error(*line, key, problem, &accepted);
        }
    }
    Some(list.into_iter().map(|at| at.value).collect())
}

/// Each signal by its key, for people; those of tripwires apart.
pub(super) fn parts(signals: &Signals) -> Vec<(&'static str, String)> {
    let Signals {
        burst,
        steady,
        base64,
        unattended,
        hours,
        tripwires: _,
    } = signals;
    let mut parts = Vec::new();
    let mut part = |key, text: Option<String>| parts.extend(text.map(|text| (key, text)));
    part(
        "signals.burst",
        burst.as_ref().map(
            |Burst {
                 factor,
                 floor,
                 then,
             }| { format!("{then}: {factor} times the past, from {floor} a minute") },
        ),
    );
    part(
        "signals.steady",
        steady
            .as_ref()
            .map(|Steady { rate, lasts, then }| format!("{then}: {rate} for {lasts}")),
    );
    let base64 = base64.as_ref();
    part(
        "signals.base64",
        base64.map(|Wall { bytes, then }| format!("{then}: {bytes}")),
    );
    let unattended = unattended.as_ref();
    part(
        "signals.unattended",
        unattended.map(|Unattended { after, then }| format!("{then}: {after}")),
    );
    let hours = hours.as_ref();
    part(
        "signals.hours",
        hours.map(|Hours { usual, then }| format!("{then}: outside {usual}")),
    );
    parts
}

/// Each tripwire by its name, with its parts.
pub(super) fn tripwires(signals: &Signals) -> Vec<(&FlowName, Vec<(&'static str, String)>)> {
    let all = signals.tripwires.iter();
    let all = all.map(
        |Tripwire {
             name,
             pattern,
             flows,
             targets,
             then,
         }| {
            let mut parts = vec![("pattern", pattern.to_string()), ("then", then.to_string())];
            if !flows.is_empty() {
                parts.push(("flows", joined(flows)));
            }
            if !targets.is_empty() {
                parts.push(("targets", joined(targets)));
            }
            (name, parts)
        },
    );
    all.collect()
}

fn joined<T: Display>(names: &BTreeSet<T>) -> String {
    names
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
