//! The journal in the store (R3): each audit record as the exact bytes that are hashed, and the tree over them.
//!
//! An entry is written by the transaction of the change it tells of, with every node of the tree that it completes.
//! Nothing here trusts the store to be unaltered: [`Store::recompute`] hashes everything anew, and what proves an
//! alteration is a checkpoint that left the machine. What hashes, proofs and notes are, `ecluse_recordings::log` knows;
//! who signs, [`crate::journal`].

mod checkpoints;
mod copies;
mod destroy;
mod start;
mod verify;

use std::collections::HashMap;

use ecluse_policy::{ClientId, InterventionId, SessionId, StationId, TargetId};
use ecluse_recordings::log::{
    Entry, Frontier, Hash, NodeId, ProofError, consistency_needs, consistency_proof,
    inclusion_needs, inclusion_proof, leaf_hash, root_at, root_needs,
};
use serde_json::{Map, Value as Json};
use sqlx::AssertSqlSafe;

pub use self::copies::Copied;
pub use self::destroy::{Destroyed, Destruction};
pub(super) use self::start::begin;
pub use self::verify::{Defect, Recomputed};
use super::audit::conditions;
use super::sql::{Row, Tx, Value, values};
use super::{AuditQuery, Store, StoreError, Writing};
use crate::audit::{AuditRecord, AuditVerdict};
use crate::secrets;

/// An entry of the journal as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its place, from 1; its index in the log is one less.
    pub seq: u64,
    /// The hash of its bytes.
    pub leaf: Hash,
    /// Its bytes, without a line feed; none where its words were destroyed.
    pub line: Option<String>,
    /// Which entry says that its words were destroyed.
    pub destroyed_by: Option<u64>,
}

/// Longest detail of an entry, in bytes; a reader refuses entries beyond a mebibyte.
const LONGEST_DETAIL: usize = 512 * 1024;

const COLUMNS: &str = "SELECT journal.seq AS seq, journal.leaf AS leaf, journal.entry AS entry, \
                       journal.destroyed_by AS destroyed_by FROM audit JOIN journal ON journal.seq = audit.seq";

impl Store {
    /// How many entries the journal has.
    ///
    /// # Errors
    /// The store failed.
    pub async fn journal_size(&self) -> Result<u64, StoreError> {
        let sql = "SELECT value FROM counters WHERE name = 'audit'";
        let row = self.db().row(sql, values![]).await?;
        row.ok_or(StoreError::Null {
            column: "counters.value",
        })?
        .count("value")
    }

    /// Reads entries, found as their audit records are.
    ///
    /// # Errors
    /// The store failed.
    pub async fn entries(&self, query: &AuditQuery) -> Result<Vec<JournalEntry>, StoreError> {
        let conditions = conditions(query);
        let order = if query.latest_first { "DESC" } else { "ASC" };
        let limit = query.limit.unwrap_or(1000);
        let (sql, values) = conditions.statement(
            COLUMNS,
            &format!("ORDER BY audit.seq {order} LIMIT {limit}"),
        );
        let rows = self.db().rows(sql, values).await?;
        rows.iter().map(stored).collect()
    }

    /// The entry at a place, from 1.
    ///
    /// # Errors
    /// The store failed.
    pub async fn entry(&self, seq: u64) -> Result<Option<JournalEntry>, StoreError> {
        let sql = "SELECT seq, leaf, entry, destroyed_by FROM journal WHERE seq = $1";
        let row = self.db().row(sql, values![seq]).await?;
        row.as_ref().map(stored).transpose()
    }

    /// The root that the journal had at `size` entries, from the nodes it kept.
    ///
    /// # Errors
    /// The store failed, or lacks a node.
    pub async fn journal_root(&self, size: u64) -> Result<Hash, StoreError> {
        let nodes = self.nodes(&root_needs(size)).await?;
        Ok(root_at(size, &|id| nodes.get(&id).copied())?)
    }

    /// The proof that entry `seq` is in the journal of `size` entries.
    ///
    /// # Errors
    /// There is no such entry, the store failed, or lacks a node.
    pub async fn inclusion(&self, seq: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
        let index = seq.checked_sub(1).ok_or(ProofError::OutOfRange {
            index: u64::MAX,
            size,
        })?;
        let nodes = self.nodes(&inclusion_needs(index, size)).await?;
        Ok(inclusion_proof(index, size, &|id| nodes.get(&id).copied())?)
    }

    /// The proof that the journal of `old` entries is the beginning of that of `new`.
    ///
    /// # Errors
    /// It cannot be, the store failed, or lacks a node.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        let nodes = self.nodes(&consistency_needs(old, new)).await?;
        Ok(consistency_proof(old, new, &|id| nodes.get(&id).copied())?)
    }

    async fn nodes(&self, wanted: &[NodeId]) -> Result<HashMap<NodeId, Hash>, StoreError> {
        let Some((sql, values)) = node_query(wanted) else {
            return Ok(HashMap::new());
        };
        read_nodes(&self.db().rows(sql, &values).await?)
    }
}

/// Adds a record to the journal, at the place it has in the audit trail.
pub(super) async fn grow(
    change: &mut Writing,
    seq: u64,
    record: &AuditRecord,
) -> Result<(), StoreError> {
    // 16 random bytes: who sees the leaf alone cannot confirm a guess at the words.
    let salt = u128::from_be_bytes(secrets::random()?);
    let entry = entry_with(format!("{salt:032x}"), seq, record);
    let line = entry
        .to_line()
        .ok()
        .and_then(|line| String::from_utf8(line).ok())
        .ok_or_else(|| StoreError::malformed("journal.entry", "it has no text"))?;
    let size = entry.index();
    let mut frontier = match change.frontier.take() {
        Some(frontier) if frontier.size() == size => frontier,
        Some(_) | None => frontier_at(&mut change.tx, size).await?,
    };
    let completed = frontier.push(leaf_hash(line.as_bytes()));
    for (level, index, hash) in completed {
        if level == 0 {
            let sql = "INSERT INTO journal (seq, leaf, entry) VALUES ($1, $2, $3)";
            let values = values![seq, hash.0.as_slice(), &line];
            change.tx.execute(sql, values).await?;
        } else {
            let sql = "INSERT INTO journal_nodes (level, idx, hash) VALUES ($1, $2, $3)";
            let values = values![u32::from(level), index, hash.0.as_slice()];
            change.tx.execute(sql, values).await?;
        }
    }
    change.frontier = Some(frontier);
    Ok(())
}

/// Where the journal of `size` entries stands, from the nodes it kept.
async fn frontier_at(tx: &mut Tx, size: u64) -> Result<Frontier, StoreError> {
    let wanted = root_needs(size);
    let nodes = match node_query(&wanted) {
        Some((sql, values)) => read_nodes(&tx.rows(sql, &values).await?)?,
        None => HashMap::new(),
    };
    let peaks = wanted
        .iter()
        .map(|id| {
            let node = nodes.get(id).copied();
            node.ok_or(ProofError::MissingNode(id.0, id.1))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Frontier::from_parts(size, peaks)?)
}

/// The same detail, unless it is too long to be read back: then what it was is told by its digest.
pub(super) fn bounded(detail: &Map<String, Json>) -> Map<String, Json> {
    let text = Json::Object(detail.clone()).to_string();
    if text.len() <= LONGEST_DETAIL {
        return detail.clone();
    }
    let digest = ecluse_recordings::evidence::manifest::sha256_hex(text.as_bytes());
    let mut short = Map::new();
    short.insert("left-out-bytes".into(), text.len().into());
    short.insert("left-out-sha256".into(), digest.into());
    short
}

/// The entry of a record.
fn entry_with(salt: String, seq: u64, record: &AuditRecord) -> Entry {
    // Without `..`: a field added to the record must be in the journal too.
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
    Entry {
        salt,
        seq,
        at_us: at.as_micros(),
        kind: kind.name().to_owned(),
        person: person.clone(),
        station: station.as_ref().map(StationId::to_string),
        source: source.map(|source| source.to_string()),
        terminal: terminal.clone(),
        client: client.as_ref().map(ClientId::to_string),
        target: target.as_ref().map(TargetId::to_string),
        intervention: intervention.map(|id| InterventionId::as_uuid(id).to_string()),
        session: session.map(|id| SessionId::as_uuid(id).to_string()),
        verdict: verdict.map(|verdict| AuditVerdict::name(verdict).to_owned()),
        reason: reason.clone(),
        detail: bounded(detail),
    }
}

/// One statement for nodes of every level; none for no nodes. Leaves stand beside their entries.
fn node_query(wanted: &[NodeId]) -> Option<(AssertSqlSafe<String>, Vec<Value<'static>>)> {
    let (mut leaves, mut nodes, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut bind = |number: u64| {
        values.push(Value::from(number));
        values.len()
    };
    for (level, index) in wanted {
        if *level == 0 {
            leaves.push(format!("${}", bind(index.saturating_add(1))));
        } else {
            let (level, index) = (bind(u64::from(*level)), bind(*index));
            nodes.push(format!("(level = ${level} AND idx = ${index})"));
        }
    }
    let mut parts = Vec::new();
    if !leaves.is_empty() {
        parts.push(format!(
            "SELECT CAST(0 AS BIGINT) AS level, seq - 1 AS idx, leaf AS hash FROM journal WHERE seq IN ({})",
            leaves.join(", ")
        ));
    }
    if !nodes.is_empty() {
        parts.push(format!(
            "SELECT level, idx, hash FROM journal_nodes WHERE {}",
            nodes.join(" OR ")
        ));
    }
    // Only placeholders were put in.
    (!parts.is_empty()).then(|| (AssertSqlSafe(parts.join(" UNION ALL ")), values))
}

fn read_nodes(rows: &[Row]) -> Result<HashMap<NodeId, Hash>, StoreError> {
    rows.iter()
        .map(|row| {
            let level = u8::try_from(row.count("level")?)
                .map_err(|_| StoreError::malformed("level", "no tree is that high"))?;
            Ok(((level, row.count("idx")?), hash(row, "hash")?))
        })
        .collect()
}

fn hash(row: &Row, column: &'static str) -> Result<Hash, StoreError> {
    let bytes: Result<[u8; 32], _> = row.bytes(column)?.try_into();
    bytes
        .map(Hash)
        .map_err(|_| StoreError::malformed(column, "a hash has 32 bytes"))
}

fn stored(row: &Row) -> Result<JournalEntry, StoreError> {
    Ok(JournalEntry {
        seq: row.count("seq")?,
        leaf: hash(row, "leaf")?,
        line: row.text_or_none("entry")?,
        destroyed_by: row
            .int_or_none("destroyed_by")?
            .map(u64::try_from)
            .transpose()
            .map_err(|_| StoreError::malformed("destroyed_by", "a negative number"))?,
    })
}
