//! The audit trail in the store: it grows with each change and is read by client, person, time and more.

use ecluse_policy::{ClientId, InterventionId, SessionId, StationId, TargetId, Timestamp};

use sqlx::AssertSqlSafe;

use super::sql::{Conditions, Db, Row, Tx, Value, values};
use super::{Store, StoreError, Writing, journal, new_id};
use crate::audit::{AuditKind, AuditRecord, AuditVerdict, StoredAuditRecord};

/// What to read of the audit trail. Everything left out lets everything through.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only records of this client; what an operator or auditor may read is theirs alone (R9).
    pub client: Option<ClientId>,
    /// Only records of this person.
    pub person: Option<String>,
    /// Only records about this target.
    pub target: Option<TargetId>,
    /// Only records of this intervention.
    pub intervention: Option<InterventionId>,
    /// Only records of this session.
    pub session: Option<SessionId>,
    /// Only these kinds; empty stands for all of them.
    pub kinds: Vec<AuditKind>,
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Up to this time, itself excluded.
    pub until: Option<Timestamp>,
    /// Only records after this place: to read on.
    pub after: Option<u64>,
    /// The latest first, rather than in order.
    pub latest_first: bool,
    /// At most so many; without it a thousand.
    pub limit: Option<u32>,
}

impl Store {
    /// Writes records of what changes nothing else in the store, such as a refused login or a stop.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        self.write().await?.commit(records).await
    }

    /// Reads the audit trail.
    ///
    /// # Errors
    /// The store failed.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<StoredAuditRecord>, StoreError> {
        let conditions = conditions(query);
        let order = if query.latest_first { "DESC" } else { "ASC" };
        let limit = query.limit.unwrap_or(1000);
        let (sql, values) =
            conditions.statement(COLUMNS, &format!("ORDER BY seq {order} LIMIT {limit}"));
        self.db()
            .rows(sql, values)
            .await?
            .iter()
            .map(stored)
            .collect()
    }
}

const COLUMNS: &str = "SELECT seq, at, kind, person, station, source, terminal, client, target, intervention, session, \
                       verdict, reason, detail FROM audit";

/// What a query asks for. The columns have one name in all tables that are read with it, but `seq`.
pub(super) fn conditions(query: &AuditQuery) -> Conditions<'_> {
    let mut conditions = Conditions::default();
    conditions
        .and_if("client = ?", query.client.as_ref().map(ClientId::as_str))
        .and_if("person = ?", query.person.as_deref())
        .and_if("target = ?", query.target.as_ref().map(TargetId::as_str))
        .and_if(
            "intervention = ?",
            query.intervention.map(InterventionId::as_uuid),
        )
        .and_if("session = ?", query.session.map(SessionId::as_uuid))
        .and_if("at >= ?", query.from)
        .and_if("at < ?", query.until)
        .and_if("audit.seq > ?", query.after);
    if !query.kinds.is_empty() {
        conditions.and_in("kind", query.kinds.iter().map(|kind| kind.name()));
    }
    conditions
}

/// The rows of the records from `first` to `last`, both included.
pub(super) async fn rows(db: &Db, first: u64, last: u64) -> Result<Vec<Row>, StoreError> {
    let (sql, values) = between(first, last);
    db.rows(sql, &values).await
}

/// The records from `first` to `last`, both included, as a transaction sees them.
pub(super) async fn page(
    tx: &mut Tx,
    first: u64,
    last: u64,
) -> Result<Vec<StoredAuditRecord>, StoreError> {
    let (sql, values) = between(first, last);
    tx.rows(sql, &values).await?.iter().map(stored).collect()
}

fn between(first: u64, last: u64) -> (AssertSqlSafe<String>, [Value<'static>; 2]) {
    let sql = format!("{COLUMNS} WHERE seq >= $1 AND seq <= $2 ORDER BY seq");
    (AssertSqlSafe(sql), [first.into(), last.into()])
}

/// Appends a record to the change it tells of, and to the journal; its place in both.
pub(super) async fn append(change: &mut Writing, record: &AuditRecord) -> Result<u64, StoreError> {
    // Without `..`: a field added to the record must be kept here too.
    let AuditRecord {
        at,
        kind,
        person,
        station,
        source,
        terminal,
        client,
        target,
        intervention,
        session,
        verdict,
        reason,
        detail,
    } = record;
    let seq = change.next("audit").await?;
    let sql = "INSERT INTO audit (seq, id, at, kind, person, station, source, terminal, client, target, \
               intervention, session, verdict, reason, detail) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    let values = values![
        seq,
        new_id(*at)?,
        *at,
        kind.name(),
        person.as_ref(),
        station.as_ref().map(StationId::as_str),
        *source,
        terminal.as_ref(),
        client.as_ref().map(ClientId::as_str),
        target.as_ref().map(TargetId::as_str),
        intervention.map(InterventionId::as_uuid),
        session.map(SessionId::as_uuid),
        verdict.map(AuditVerdict::name),
        reason.as_ref(),
        serde_json::Value::Object(journal::bounded(detail)).to_string(),
    ];
    change.tx.execute(sql, values).await?;
    journal::grow(change, seq, record).await?;
    Ok(seq)
}

pub(super) fn stored(row: &Row) -> Result<StoredAuditRecord, StoreError> {
    let record = AuditRecord {
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
    };
    Ok(StoredAuditRecord {
        seq: row.count("seq")?,
        record,
    })
}
