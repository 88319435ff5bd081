//! The audit trail in the store: it grows with each change and is read by client, person, time and more.
//!
//! What happened stands in the entries of the journal ([`super::journal`]); the table `audit` is an index of them, and
//! where the two differ the entry is right.

use std::collections::BTreeMap;

use ecluse_policy::{ClientId, InterventionId, SessionId, TargetId, Timestamp};
use ecluse_recordings::log::Entry;
use uuid::Uuid;

use super::sql::{Conditions, Db, Row, values};
use super::{Store, StoreError, Writing, bound, journal};
use crate::audit::{AuditKind, AuditRecord, StoredAuditRecord};

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
    /// Only records before this place: to read on, the latest first.
    pub before: Option<u64>,
    /// The latest first, rather than in order.
    pub latest_first: bool,
    /// At most so many; without it a thousand.
    pub limit: Option<u32>,
}

/// What was read in one go.
#[derive(Debug, Clone, Default)]
pub struct AuditPage {
    /// What was asked for.
    pub records: Vec<StoredAuditRecord>,
    /// Entries that do not read, or say something else than their index.
    pub unread: u64,
    /// The place of the last one, read or not: none where there is no more.
    pub last: Option<u64>,
}

impl Store {
    /// Writes records of what changes nothing else in the store, such as a refused login or a stop.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        self.write().await?.commit(records).await
    }

    /// Reads the audit trail: found by its index, and read from the entries of the journal, which are what was hashed. An
    /// entry that says something else than its index is not what was asked for; `ecluse journal verify` names it. What people
    /// are told of is found by the entries alone.
    ///
    /// # Errors
    /// The store failed.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<StoredAuditRecord>, StoreError> {
        if bound::is_told(query) {
            return self.told(query).await;
        }
        Ok(self.audit_page(query).await?.records)
    }

    /// The same, in its order, with what a reader of many has to know of those that do not read: none of them is passed over in
    /// silence, nor ends the reading.
    ///
    /// # Errors
    /// The store failed.
    pub async fn audit_page(&self, query: &AuditQuery) -> Result<AuditPage, StoreError> {
        let conditions = conditions(query);
        let order = if query.latest_first { "DESC" } else { "ASC" };
        let limit = query.limit.unwrap_or(1000);
        let (sql, values) = conditions.statement(
            COLUMNS,
            &format!("ORDER BY audit.seq {order} LIMIT {limit}"),
        );
        let mut page = AuditPage::default();
        for row in &self.db().rows(sql, values).await? {
            page.last = Some(row.count("seq")?);
            match stored(row) {
                Ok(stored) if query.asks_for(&stored) => page.records.push(stored),
                Ok(_) => page.unread += 1,
                // One that was altered must not keep everybody from reading the others.
                Err(error @ StoreError::Malformed { .. }) => {
                    page.unread += 1;
                    tracing::error!(%error, seq = row.count("seq").unwrap_or_default(), "an entry does not read; run: ecluse journal verify");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(page)
    }
}

impl AuditQuery {
    /// Whether a record is what was asked for. Of one whose words were destroyed only its index is left.
    pub(super) fn asks_for(&self, stored: &StoredAuditRecord) -> bool {
        // Without `..`: whatever can be asked for is compared.
        let Self {
            client,
            person,
            target,
            intervention,
            session,
            kinds,
            from,
            until,
            after,
            before,
            latest_first: _,
            limit: _,
        } = self;
        let record = &stored.record;
        client.is_none() | (*client == record.client)
            && person.is_none() | (*person == record.person)
            && target.is_none() | (*target == record.target)
            && intervention.is_none() | (*intervention == record.intervention)
            && session.is_none() | (*session == record.session)
            && (kinds.is_empty() || kinds.contains(&record.kind))
            && from.is_none_or(|from| record.at >= from)
            && until.is_none_or(|until| record.at < until)
            && after.is_none_or(|after| stored.seq > after)
            && before.is_none_or(|before| stored.seq < before)
    }
}

/// What is kept beside an entry, to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    at: i64,
    kind: String,
    person: Option<String>,
    client: Option<String>,
    target: Option<String>,
    intervention: Option<String>,
    session: Option<String>,
}

impl Index {
    /// As the entry has it.
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            at: entry.at_us,
            kind: entry.kind.clone(),
            person: entry.person.clone(),
            client: entry.client.clone(),
            target: entry.target.clone(),
            intervention: entry.intervention.clone(),
            session: entry.session.clone(),
        }
    }

    /// As the store has it.
    fn read(row: &Row) -> Result<Self, StoreError> {
        let id = |column| Ok::<_, StoreError>(row.id_or_none(column)?.map(|id| id.to_string()));
        Ok(Self {
            at: row.int("at")?,
            kind: row.text("kind")?,
            person: row.text_or_none("person")?,
            client: row.text_or_none("client")?,
            target: row.text_or_none("target")?,
            intervention: id("intervention")?,
            session: id("session")?,
        })
    }

    /// Whose entry it is.
    pub(super) fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }
}

const COLUMNS: &str = "SELECT audit.seq AS seq, audit.at AS at, audit.kind AS kind, audit.person AS person, \
                       audit.client AS client, audit.target AS target, audit.intervention AS intervention, \
                       audit.session AS session, journal.entry AS entry \
                       FROM audit JOIN journal ON journal.seq = audit.seq";

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
        .and_if("audit.seq > ?", query.after)
        .and_if("audit.seq < ?", query.before);
    if !query.kinds.is_empty() {
        conditions.and_in("kind", query.kinds.iter().map(|kind| kind.name()));
    }
    conditions
}

/// The index of the entries from `first` to `last`, both included; a row that does not read is as good as none.
pub(super) async fn indexes(
    db: &Db,
    first: u64,
    last: u64,
) -> Result<BTreeMap<u64, Index>, StoreError> {
    let sql = "SELECT seq, at, kind, person, client, target, intervention, session FROM audit \
               WHERE seq >= $1 AND seq <= $2";
    let rows = db.rows(sql, values![first, last]).await?;
    let read = |row: &Row| Ok::<_, StoreError>((row.count("seq")?, Index::read(row)?));
    Ok(rows.iter().filter_map(|row| read(row).ok()).collect())
}

/// Appends a record to the change it tells of: an entry of the journal, and the index of it. Its place.
pub(super) async fn append(
    change: &mut Writing,
    record: &AuditRecord,
    event: Uuid,
) -> Result<u64, StoreError> {
    let seq = change.next("audit").await?;
    let AuditRecord {
        at,
        kind,
        person,
        client,
        target,
        intervention,
        session,
        ..
    } = record;
    let sql = "INSERT INTO audit (seq, at, kind, person, client, target, intervention, session) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (seq) DO NOTHING";
    let values = values![
        seq,
        *at,
        kind.name(),
        person.as_ref(),
        client.as_ref().map(ClientId::as_str),
        target.as_ref().map(TargetId::as_str),
        intervention.map(InterventionId::as_uuid),
        session.map(SessionId::as_uuid),
    ];
    if change.tx.execute(sql, values).await? == 0 {
        // No entry has this place, so a row of the index that has it is nobody's: it must not keep the log from growing.
        let beyond = "DELETE FROM audit WHERE seq >= $1";
        change.planted += change.tx.execute(beyond, values![seq]).await?;
        change.tx.execute(sql, values).await?;
    }
    journal::grow(change, seq, record, event).await?;
    Ok(seq)
}

/// That rows of the index stood beyond the end of the log.
pub(super) fn planted(rows: u64, at: Timestamp) -> AuditRecord {
    AuditRecord::new(AuditKind::NotOnRecord, at)
        .refused()
        .reason("rows of the audit trail stood beyond the end of the log: they were put there by hand, and were taken away")
        .detail("rows", rows)
}

fn stored(row: &Row) -> Result<StoredAuditRecord, StoreError> {
    let seq = row.count("seq")?;
    let malformed = |problem: String| StoreError::malformed("journal.entry", problem);
    if let Some(line) = row.text_or_none("entry")? {
        let entry = Entry::parse(line.as_bytes()).map_err(malformed)?;
        let read = StoredAuditRecord::of_entry(entry).map_err(malformed)?;
        // Its place is where it stands.
        return Ok(StoredAuditRecord { seq, ..read });
    }
    let kind = row.parsed("kind", |text| {
        AuditKind::parse(text).ok_or("an unknown kind of record")
    })?;
    let mut record = AuditRecord::new(kind, row.time("at")?);
    record.client = row.parsed_or_none("client", ClientId::parse)?;
    Ok(StoredAuditRecord {
        seq,
        event: None,
        nth: None,
        record,
    })
}
