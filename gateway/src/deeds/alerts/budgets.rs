//! Budgets that reached a mark, and whether anything still waits for more of them (X3).

use ecluse_policy::ClientId;

use super::since::{ended_since, ends_since};
use super::{Alert, Since, Told, all_of, count, text};
use crate::audit::{AuditKind, AuditRecord};
use crate::gateway::Gateway;
use crate::store::StoreError;

/// What ends that a session waits.
const ENDS: &[AuditKind] = &[
    AuditKind::TopUp,
    AuditKind::SessionEnd,
    AuditKind::SessionOutlived,
];

/// The marks that were reached since a time.
pub(super) async fn budgets(
    house: &Gateway,
    client: &ClientId,
    since: Since,
) -> Result<Vec<Alert>, StoreError> {
    let reached = all_of(house, client, &[AuditKind::Extraction], since).await?;
    let ends = ends_since(house, client, ENDS, &reached).await?;
    let told = reached.into_iter().map(|record| {
        let over = ends.iter().any(|end| is_over(&record, end));
        Alert {
            at: record.at,
            told: budget(record, over),
        }
    });
    Ok(told.collect())
}

/// Whether what reached a mark waits no longer since something: it was added to, or its session is over.
fn is_over(reached: &AuditRecord, since: &AuditRecord) -> bool {
    if since.at < reached.at {
        return false;
    }
    if since.kind != AuditKind::TopUp {
        return ended_since(reached, since);
    }
    // One may add to the other way alone: what counts is the account, in whichever session it was added to.
    let added = since.detail.get("added").and_then(|added| added.as_array());
    let account = reached.detail.get("account");
    let is_added = |one: &serde_json::Value| account.is_some() && one.get("account") == account;
    added.is_some_and(|added| added.iter().any(is_added))
}

fn budget(record: AuditRecord, over: bool) -> Told {
    let number = |key| count(&record, key).unwrap_or_default();
    let command = text(&record, "command");
    let holds = record.detail.get("holds");
    Told::Budget {
        session: number("number"),
        channel: number("channel"),
        spent: number("spent"),
        limit: number("limit"),
        slows: record.detail.contains_key("slow-rate"),
        holds: holds.and_then(serde_json::Value::as_bool) == Some(true),
        over,
        key: text(&record, "budget"),
        command: (!command.is_empty()).then_some(command),
        mark: record.reason.unwrap_or_default(),
        person: record.person.unwrap_or_default(),
        target: record.target,
    }
}

#[cfg(test)]
mod tests {
    use ecluse_policy::{SessionId, Timestamp};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    /// X3: nobody is asked to add to what waits no more: it was added to, in whichever session, or its session is over.
    #[test]
    fn x3_what_waits_no_more_is_told_as_that() {
        let at = |minutes: i64| Timestamp::from_micros(minutes * 60_000_000);
        let record = |kind, minutes, session| {
            AuditRecord::new(kind, at(minutes))
                .session(SessionId::from_uuid(Uuid::from_u128(session)))
        };
        let reached = record(AuditKind::Extraction, 5, 1).detail("account", "session 1");
        let other =
            record(AuditKind::TopUp, 6, 2).detail("added", json!([{ "account": "session 2" }]));
        let shared =
            record(AuditKind::TopUp, 6, 2).detail("added", json!([{ "account": "session 1" }]));
        let early =
            record(AuditKind::TopUp, 4, 1).detail("added", json!([{ "account": "session 1" }]));
        for (since, over) in [
            (record(AuditKind::SessionEnd, 6, 1), true),
            (record(AuditKind::TopUp, 6, 1), false),
            (early, false),
            (record(AuditKind::SessionEnd, 6, 2), false),
            (other, false),
            (shared, true),
        ] {
            assert_eq!(is_over(&reached, &since), over, "{since:?}");
        }
    }
}
