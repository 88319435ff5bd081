//! A gateway that stopped out of order: its next start puts on record, for each client, after when that was and which of the
//! client's sessions it cut short, so that operators are told (R1, R9).

use std::collections::BTreeSet;

use ecluse_policy::{ClientId, Timestamp};

use crate::audit::{AuditKind, AuditRecord};
use crate::store::{AuditQuery, NODE, ServeLock, Store, StoreError, new_id};

/// The details of such an entry: after when the gateway stopped, and the sessions, as people name them.
pub(crate) const AFTER: &str = "stopped-after";
pub(crate) const SESSIONS: &str = "sessions";

/// Puts it on record if the run before did not end in order, once. The sessions that were left open are closed by then.
///
/// The log decides: a beginning of this node without an end is one that was cut short, whatever became of the lock's file. The
/// file only tells of one that the log lost, and until when it served.
///
/// # Errors
/// The store failed, and nothing is on record; or the lock's file cannot be written.
pub(crate) async fn tell(
    store: &Store,
    lock: &ServeLock,
    node: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let began = store.unended_run(node).await?;
    let (lock_tells, log_tells) = (lock.unended(), began.map(|(at, _)| at));
    let Some(sign) = lock_tells.max(log_tells) else {
        return Ok(());
    };
    let is_sure = lock_tells.is_some() || began.is_some_and(|(_, is_sure)| is_sure);
    put_on_record(store, node, (sign, is_sure), now).await?;
    lock.ended()
}

async fn put_on_record(
    store: &Store,
    node: &str,
    (sign, is_sure): (Timestamp, bool),
    now: Timestamp,
) -> Result<(), StoreError> {
    let query = AuditQuery {
        kinds: vec![AuditKind::SessionEnd],
        from: Some(sign),
        ..AuditQuery::default()
    };
    let ends = store.audit(&query).await?;
    let recovered: Vec<&AuditRecord> = ends
        .iter()
        .map(|stored| &stored.record)
        .filter(|end| end.detail.get("recovered").is_some())
        .collect();
    // A session that lived on tells better when that was.
    let after = recovered
        .iter()
        .filter_map(|end| Timestamp::parse(end.detail.get("ended-at")?.as_str()?).ok())
        .fold(sign, Timestamp::max);
    let documents = store.documents().await?;
    let clients: BTreeSet<&ClientId> = documents
        .documents
        .clients()
        .keys()
        .chain(recovered.iter().filter_map(|end| end.client.as_ref()))
        .collect();
    let event = new_id(now)?;
    // It is told once, at the start: whoever takes words away for that moment must not keep it off the record.
    let why = if is_sure {
        "the gateway had stopped out of order"
    } else {
        "the gateway had stopped out of order, unless its end is among the words of the log that are missing"
    };
    let record = || {
        AuditRecord::new(AuditKind::ServeCutShort, now)
            .event(event)
            .reason(why)
            .detail(NODE, node)
            .detail(AFTER, after.to_string())
    };
    let mut records = vec![record()];
    records.extend(clients.into_iter().map(|client| {
        let theirs = recovered
            .iter()
            .filter(|end| end.client.as_ref() == Some(client));
        let named: Vec<String> = theirs.map(|end| named(end)).collect();
        record().client(client).detail(SESSIONS, named)
    }));
    store.record(&records).await
}

/// `18 (alice → db01)`
fn named(end: &AuditRecord) -> String {
    let number = end.detail.get("number").and_then(serde_json::Value::as_u64);
    let target = end.target.as_ref().map(ToString::to_string);
    format!(
        "{} ({} → {})",
        number.unwrap_or_default(),
        end.person.as_deref().unwrap_or_default(),
        target.unwrap_or_default()
    )
}
