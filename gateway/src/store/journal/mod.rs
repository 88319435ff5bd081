//! The journal in the store (R3): each audit record as the exact bytes that are hashed, and the tree over them.
//!
//! An entry is written by the transaction of the change it tells of, with every node of the tree that it completes.
//! Nothing here trusts the store to be unaltered: [`Store::recompute`] hashes everything anew, and what proves an
//! alteration is a checkpoint that left the machine. What hashes, proofs and notes are, `ecluse_recordings::log` knows;
//! who signs, [`crate::log`].

mod checkpoints;
mod copies;
mod destroy;
mod start;
mod trail;
mod verify;

use std::collections::HashMap;

use ecluse_recordings::log::{
    Entry, Frontier, Hash, NodeId, ProofError, consistency_needs, consistency_proof,
    inclusion_needs, inclusion_proof, leaf_hash, root_at, root_needs,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

pub use self::copies::Copied;
pub(super) use self::destroy::leaves_digest;
pub use self::destroy::{Destroyed, Destruction};
pub(super) use self::start::{backfill, check_begun};
pub use self::trail::TrailHead;
pub use self::verify::{Defect, Recomputed};
use super::sql::{Row, Tx, Value, values};
use super::{Store, StoreError, Writing, bound};
use crate::audit::{AuditRecord, Place};
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

/// Adds a record to the journal, at the place it has in the audit trail, and to the chain of its trail.
///
/// Both orders are those of the lock that [`Writing`] holds: of several nodes too, one at a time.
pub(super) async fn grow(
    change: &mut Writing,
    seq: u64,
    record: &AuditRecord,
    event: Uuid,
) -> Result<(), StoreError> {
    let client = record.client.as_ref().map(ecluse_policy::ClientId::as_str);
    let before = trail::head(&mut change.tx, client).await?;
    let entry = record.to_entry(Place {
        salt: salt()?,
        seq,
        event,
        nth: Some(before.map_or(1, |before| before.nth.saturating_add(1))),
        previous: before.map(|before| before.leaf),
    });
    let (leaf, line) = add(&mut change.tx, &mut change.frontier, &entry).await?;
    bound::keep_copy(&mut change.tx, &change.inner.key, &entry, leaf, &line).await?;
    change.added.push((seq, leaf, line));
    trail::advance(&mut change.tx, client, &entry, leaf, record.at).await
}

/// Who sees the leaf alone cannot confirm a guess at the words.
fn salt() -> Result<String, StoreError> {
    Ok(format!("{:032x}", u128::from_be_bytes(secrets::random()?)))
}

/// Adds an entry to the journal and its tree; its hash and its words.
async fn add(
    tx: &mut Tx,
    known: &mut Option<Frontier>,
    entry: &Entry,
) -> Result<(Hash, String), StoreError> {
    let line = entry
        .to_line()
        .ok()
        .and_then(|line| String::from_utf8(line).ok())
        .ok_or_else(|| StoreError::malformed("journal.entry", "it has no text"))?;
    let size = entry.index();
    let mut frontier = match known.take() {
        Some(frontier) if frontier.size() == size => frontier,
        Some(_) | None => frontier_at(tx, size).await?,
    };
    let leaf = leaf_hash(line.as_bytes());
    for (level, index, hash) in frontier.push(leaf) {
        if level == 0 {
            let sql = "INSERT INTO journal (seq, leaf, entry) VALUES ($1, $2, $3) ON CONFLICT (seq) DO NOTHING";
            let values = values![entry.seq, hash.0.as_slice(), &line];
            if tx.execute(sql, values).await? == 0 {
                return Err(StoreError::Planted { seq: entry.seq });
            }
        } else {
            let sql = "INSERT INTO journal_nodes (level, idx, hash) VALUES ($1, $2, $3) ON CONFLICT (level, idx) DO NOTHING";
            let values = values![u32::from(level), index, hash.0.as_slice()];
            if tx.execute(sql, values).await? == 0 {
                return Err(StoreError::Planted { seq: entry.seq });
            }
        }
    }
    *known = Some(frontier);
    Ok((leaf, line))
}

/// Where the journal of `size` entries stands, from the nodes it kept.
pub(super) async fn frontier_at(tx: &mut Tx, size: u64) -> Result<Frontier, StoreError> {
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

/// One statement for nodes of every level; none for no nodes. Leaves stand beside their entries.
pub(super) fn node_query(
    wanted: &[NodeId],
) -> Option<(AssertSqlSafe<String>, Vec<Value<'static>>)> {
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

pub(super) fn read_nodes(rows: &[Row]) -> Result<HashMap<NodeId, Hash>, StoreError> {
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
