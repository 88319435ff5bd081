//! The beginning of the journal in a store that is older than it.

use super::super::audit;
use super::super::sql::values;
use super::super::{Store, StoreError};
use super::grow;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;

/// How many records are read at once.
const PAGE: u64 = 1000;

/// Brings records from before the journal into it, and says so in an entry of its own: their salts and their proof are
/// of that day, not of the day they were written.
pub(in crate::store) async fn begin(store: &Store) -> Result<(), StoreError> {
    let empty = "SELECT seq FROM journal LIMIT 1";
    if store.journal_size().await? == 0 || store.db().row(empty, values![]).await?.is_some() {
        return Ok(());
    }
    let mut change = store.write().await?;
    // Another process may have been faster.
    if change.tx.row(empty, values![]).await?.is_some() {
        return Ok(());
    }
    // A journal that was there once and is gone is no beginning.
    let signed = "SELECT size FROM checkpoints ORDER BY size DESC LIMIT 1";
    if let Some(row) = change.tx.row(signed, values![]).await? {
        let size = row.count("size")?;
        return Err(StoreError::Rewritten { size });
    }
    // The number of records, which counts on while this waited for its turn.
    let size = "SELECT value FROM counters WHERE name = 'audit'";
    let row = change.tx.row(size, values![]).await?;
    let size = row.map_or(Ok(0), |row| row.count("value"))?;
    let mut first = 1;
    while first <= size {
        let last = size.min(first + (PAGE - 1));
        for stored in audit::page(&mut change.tx, first, last).await? {
            grow(&mut change, stored.seq, &stored.record).await?;
        }
        first = last + 1;
    }
    let record = AuditRecord::new(AuditKind::JournalStart, clock::now())
        .reason("the records before this one are older than the journal; their salts and their order are vouched for from here on")
        .detail("records", size);
    change.commit(&[record]).await
}
