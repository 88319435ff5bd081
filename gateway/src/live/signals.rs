//! Signals that were found, as they stand in the log (X3).

use ecluse_policy::Span;
use ecluse_policy::signals::{Fired, Signal, Then, Value};

use crate::audit::{AuditKind, AuditRecord};

/// Which signal.
const SIGNAL: &str = "signal";
/// What it does.
const THEN: &str = "then";
/// What was found, what that was held against, and what both are counted in.
const MEASURED: &str = "measured";
const THRESHOLD: &str = "threshold";
const UNIT: &str = "unit";

/// What is put on record.
pub(crate) fn on_record(record: AuditRecord, fired: &Fired) -> AuditRecord {
    let record = record
        .kind(AuditKind::Signal)
        .reason(fired)
        .detail(SIGNAL, fired.signal.to_string())
        .detail(THEN, fired.then.name())
        .detail(UNIT, fired.measured.unit());
    let value = |record: AuditRecord, key: &str, value: &Value| match value.number() {
        Some(number) => record.detail(key, number),
        None => record.detail(key, value.to_string()),
    };
    let record = value(record, MEASURED, &fired.measured);
    value(record, THRESHOLD, &fired.threshold)
}

/// What a record says; nothing where it is no such record.
pub(crate) fn read(record: &AuditRecord) -> Option<Fired> {
    if record.kind != AuditKind::Signal {
        return None;
    }
    let text = |key: &str| record.detail.get(key)?.as_str();
    let value = |key: &str| match record.detail.get(key)?.as_u64() {
        Some(number) => Value::of(text(UNIT)?, number),
        None => Some(Value::Text(text(key)?.to_owned())),
    };
    let then = text(THEN)?;
    let all = [Then::Notify, Then::Hold].into_iter();
    Some(Fired {
        signal: Signal::parse(text(SIGNAL)?)?,
        then: all.into_iter().find(|one| one.name() == then)?,
        measured: value(MEASURED)?,
        threshold: value(THRESHOLD)?,
    })
}

/// The signal that holds the session of a record, where that is one that does.
pub(super) fn holds(record: &AuditRecord) -> Option<Signal> {
    let fired = read(record)?;
    (fired.then == Then::Hold).then_some(fired.signal)
}

/// How much left within the largest minute of a session, as its end says.
pub(crate) const LARGEST_MINUTE: &str = "largest-minute";

/// The most that left within a minute in sessions whose ends are these: where one does not say it, all that left.
pub(crate) fn largest_minute<'a>(ends: impl Iterator<Item = &'a AuditRecord>) -> Option<u64> {
    let minute = |end: &AuditRecord| {
        let count = |key: &str| end.detail.get(key)?.as_u64();
        count(LARGEST_MINUTE).or_else(|| count("to-technician"))
    };
    ends.filter_map(minute).max()
}

/// Past sessions of a person that a burst is held against, the latest.
pub(crate) const PAST: u32 = 20;
/// Older ones are not looked at.
pub(crate) const PAST_DAYS: Span = Span::from_hours(90 * 24);

#[cfg(test)]
mod tests {
    use ecluse_policy::{FlowName, Timestamp};

    use super::*;

    #[test]
    fn what_is_put_on_record_is_what_is_read() {
        let record = || AuditRecord::new(AuditKind::Cut, Timestamp::from_micros(0));
        assert_eq!(read(&record()), None);
        for (signal, then, measured, threshold) in [
            (
                Signal::Burst,
                Then::Notify,
                Value::Bytes(7),
                Value::Bytes(5),
            ),
            (Signal::Steady, Then::Hold, Value::Rate(7), Value::Rate(5)),
            (
                Signal::Unattended,
                Then::Notify,
                Value::Time(Span::from_secs(7)),
                Value::Time(Span::from_secs(5)),
            ),
            (
                Signal::Tripwire(FlowName::parse("dump").unwrap()),
                Then::Hold,
                Value::Text("$ pg_dump".to_owned()),
                Value::Text("pg_dump".to_owned()),
            ),
        ] {
            let fired = Fired {
                signal: signal.clone(),
                then,
                measured,
                threshold,
            };
            let record = on_record(record(), &fired);
            let held = holds(&record);
            assert_eq!(held, Some(signal).filter(|_| then == Then::Hold));
            assert_eq!(read(&record), Some(fired));
        }
    }

    /// An older version's end, or one that was recovered, says no minute: what left of it is taken.
    #[test]
    fn the_largest_minute_is_of_what_ends_say() {
        let end = |key: &str, bytes: u64| {
            AuditRecord::new(AuditKind::SessionEnd, Timestamp::from_micros(0)).detail(key, bytes)
        };
        let ends = [
            end(LARGEST_MINUTE, 10).detail("to-technician", 900u64),
            end("to-technician", 40),
            end("other", 99),
        ];
        assert_eq!(largest_minute(ends.iter()), Some(40));
        assert_eq!(largest_minute([].into_iter()), None);
    }
}
