//! The numbers of receipts: drawn in the change that writes the entry, one client by one, without a gap (P10).

use std::borrow::Cow;

use super::sql::values;
use super::{StoreError, Writing};
use crate::audit::AuditRecord;
use crate::receipts::{NUMBER, is_receipt};

/// The record with its number, where it is a receipt. Two gateways never draw the same: each change waits for the one before it.
pub(super) async fn numbered<'r>(
    change: &mut Writing,
    record: &'r AuditRecord,
) -> Result<Cow<'r, AuditRecord>, StoreError> {
    let Some(client) = record.client.as_ref().filter(|_| is_receipt(record)) else {
        return Ok(Cow::Borrowed(record));
    };
    let sql = "INSERT INTO counters (name, value) VALUES ($1, 1) \
               ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value";
    let name = format!("receipts/{client}");
    let row = change.tx.row(sql, values![name.as_str()]).await?;
    let row = row.ok_or(StoreError::Null {
        column: "counters.value",
    })?;
    let number = row.count("value")?;
    Ok(Cow::Owned(record.clone().detail(NUMBER, number)))
}
