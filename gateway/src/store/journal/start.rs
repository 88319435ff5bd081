//! The beginning of the journal in a store that is older than it.

use std::collections::BTreeSet;

use ecluse_policy::{ClientId, InterventionId, SessionId, StationId, TargetId};
use ecluse_recordings::log::Frontier;

use super::super::sql::{Db, Row, Tx, values};
use super::super::{Store, StoreError, new_id, raise};
use super::{add, salt};
use crate::audit::{AuditKind, AuditRecord, AuditVerdict, Place};
use crate::clock;

/// How many records are read at once.
const PAGE: u64 = 1000;

const EMPTY: &str = "SELECT seq FROM journal LIMIT 1";
const SIZE: &str = "SELECT value FROM counters WHERE name = 'audit'";

/// Brings records from before the journal into it, and says so in an entry of its own: their salts and their proof are
/// of that day, not of the day they were written, and they bear no numbers of a trail.
///
/// Of a store whose audit trail still holds the records themselves, which later formats have in the journal alone.
pub(in crate::store) async fn backfill(db: &Db) -> Result<(), StoreError> {
    let size = db.row(SIZE, values![]).await?;
    let size = size.map_or(Ok(0), |row| row.count("value"))?;
    if size == 0 || db.row(EMPTY, values![]).await?.is_some() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    raise(&mut tx, "epoch").await?;
    // Another process may have been faster.
    if tx.row(EMPTY, values![]).await?.is_some() {
        return Ok(());
    }
    was_never_signed(tx.row(SIGNED, values![]).await?)?;
    // The number of records, which counts on while this waited for its turn.
    let row = tx.row(SIZE, values![]).await?;
    let size = row.map_or(Ok(0), |row| row.count("value"))?;
    let mut frontier = None;
    let mut first = 1;
    while first <= size {
        let last = size.min(first + (PAGE - 1));
        let rows = tx.rows(RECORDS, values![first, last]).await?;
        for row in &rows {
            let record = record(row)?;
            put(
                &mut tx,
                &mut frontier,
                row.count("seq")?,
                row.id("id")?,
                &record,
            )
            .await?;
        }
        first = last + 1;
    }
    let at = clock::now();
    let record = AuditRecord::new(AuditKind::JournalStart, at)
        .reason("the records before this one are older than the journal; their salts and their order are vouched for from here on")
        .detail("records", size);
    let (seq, event) = (raise(&mut tx, "audit").await?, new_id(at)?);
    let sql = "INSERT INTO audit (seq, id, at, kind, detail) VALUES ($1, $2, $3, $4, '{}')";
    let values = values![seq, event, at, record.kind.name()];
    tx.execute(sql, values).await?;
    put(&mut tx, &mut frontier, seq, event, &record).await?;
    tx.commit().await
}

async fn put(
    tx: &mut Tx,
    frontier: &mut Option<Frontier>,
    seq: u64,
    event: uuid::Uuid,
    record: &AuditRecord,
) -> Result<(), StoreError> {
    let place = Place {
        salt: salt()?,
        seq,
        event,
        nth: None,
        previous: None,
    };
    add(tx, frontier, &record.to_entry(place)).await.map(drop)
}

const SIGNED: &str = "SELECT size FROM checkpoints ORDER BY size DESC LIMIT 1";

/// A journal that was there once and is gone is no beginning.
fn was_never_signed(latest: Option<Row>) -> Result<(), StoreError> {
    match latest {
        Some(row) => Err(StoreError::Rewritten {
            size: row.count("size")?,
        }),
        None => Ok(()),
    }
}

/// Makes sure that the journal is there in which what was counted stands.
///
/// # Errors
/// [`StoreError::Rewritten`]: it was taken away.
pub(in crate::store) async fn check_begun(store: &Store) -> Result<(), StoreError> {
    let size = store.journal_size().await?;
    if size == 0 || store.db().row(EMPTY, values![]).await?.is_some() {
        return Ok(());
    }
    was_never_signed(store.db().row(SIGNED, values![]).await?)?;
    Err(StoreError::Rewritten { size })
}

const RECORDS: &str = "SELECT seq, id, at, kind, person, station, source, terminal, client, target, intervention, session, \
                       verdict, reason, detail FROM audit WHERE seq >= $1 AND seq <= $2 ORDER BY seq";

/// A record as the audit trail held it before it became the index of the journal.
fn record(row: &Row) -> Result<AuditRecord, StoreError> {
    Ok(AuditRecord {
        at: row.time("at")?,
        kind: row.parsed("kind", |text| {
            AuditKind::parse(text).ok_or("an unknown kind of record")
        })?,
        person: row.text_or_none("person")?,
        station: row.parsed_or_none("station", StationId::parse)?,
        source: row.parsed_or_none("source", str::parse)?,
        terminal: row.text_or_none("terminal")?,
        client: row.parsed_or_none("client", ClientId::parse)?,
        target: row.parsed_or_none("target", TargetId::parse)?,
        intervention: row
            .id_or_none("intervention")?
            .map(InterventionId::from_uuid),
        session: row.id_or_none("session")?.map(SessionId::from_uuid),
        verdict: row.parsed_or_none("verdict", |text| {
            AuditVerdict::parse(text).ok_or("an unknown verdict")
        })?,
        reason: row.text_or_none("reason")?,
        detail: row.parsed("detail", |text| serde_json::from_str(text))?,
        concerns: BTreeSet::new(),
        event: None,
    })
}
