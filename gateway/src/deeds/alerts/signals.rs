//! Signals that were found, and whether what they hold waits still (X3).

use ecluse_policy::ClientId;
use ecluse_policy::signals::{Then, Value};
use serde::{Deserialize, Serialize};

use super::since::{ended_since, ends_since};
use super::{Alert, Since, Told, all_of, count, text};
use crate::audit::{AuditKind, AuditRecord};
use crate::gateway::Gateway;
use crate::live::signals::read;
use crate::store::StoreError;

/// What was found, or what it was held against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Found {
    /// So many bytes.
    Bytes(u64),
    /// So many a second.
    Rate(u64),
    /// So long. **Unit**: seconds.
    Seconds(u64),
    /// In words.
    Text(String),
}

impl From<&Value> for Found {
    fn from(value: &Value) -> Self {
        match value {
            Value::Bytes(bytes) => Self::Bytes(*bytes),
            Value::Rate(rate) => Self::Rate(*rate),
            Value::Time(span) => Self::Seconds(span.as_secs()),
            Value::Text(text) => Self::Text(text.clone()),
        }
    }
}

/// What ends that a session waits.
const ENDS: &[AuditKind] = &[
    AuditKind::Resume,
    AuditKind::SessionEnd,
    AuditKind::SessionOutlived,
];

/// Those that were found since a time.
pub(super) async fn signals(
    house: &Gateway,
    client: &ClientId,
    since: Since,
) -> Result<Vec<Alert>, StoreError> {
    let found = all_of(house, client, &[AuditKind::Signal], since).await?;
    let ends = ends_since(house, client, ENDS, &found).await?;
    let told = found.into_iter().filter_map(|record| {
        let over = ends.iter().any(|end| ended_since(&record, end));
        Some(Alert {
            at: record.at,
            told: signal(record, over)?,
        })
    });
    Ok(told.collect())
}

fn signal(record: AuditRecord, over: bool) -> Option<Told> {
    let fired = read(&record)?;
    let number = |key| count(&record, key).unwrap_or_default();
    let command = text(&record, "command");
    Some(Told::Signal {
        session: number("number"),
        channel: number("channel"),
        holds: fired.then == Then::Hold,
        over,
        signal: fired.signal.to_string(),
        measured: (&fired.measured).into(),
        threshold: (&fired.threshold).into(),
        command: (!command.is_empty()).then_some(command),
        person: record.person.unwrap_or_default(),
        target: record.target,
    })
}

#[cfg(test)]
mod tests {
    use ecluse_policy::{SessionId, Timestamp};
    use uuid::Uuid;

    use super::*;

    /// X3: nobody is asked to let go on what goes on, or is over.
    #[test]
    fn x3_what_a_signal_held_waits_until_that_session_goes_on() {
        let record = |kind, minutes: i64, session| {
            AuditRecord::new(kind, Timestamp::from_micros(minutes * 60_000_000))
                .session(SessionId::from_uuid(Uuid::from_u128(session)))
        };
        let found = record(AuditKind::Signal, 5, 1);
        for (since, over) in [
            (record(AuditKind::Resume, 6, 1), true),
            (record(AuditKind::Resume, 6, 2), false),
            (record(AuditKind::Resume, 4, 1), false),
            (record(AuditKind::SessionEnd, 6, 1), true),
        ] {
            assert_eq!(ended_since(&found, &since), over, "{since:?}");
        }
    }
}
