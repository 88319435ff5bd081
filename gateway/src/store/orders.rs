//! Orders to other nodes: rows that are carried out only where an entry of the log has their salted digest.
//!
//! A row alone is anybody's who can write the table; an order is an operator's. So the entry is written first, in the same
//! transaction, and whoever is to obey compares the row with it (`adr/0023-orders-across-nodes.md`). An order names what was
//! there when it was given and nothing later: obeyed twice, it does nothing more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ecluse_policy::{ClientId, PersonId};
use ecluse_recordings::bound::digest;
use ecluse_recordings::log::{Entry, Hash, leaf_hash};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::nodes::clock;
use super::sql::{Row, values};
use super::topics::Topic;
use super::{Store, StoreError, bound, new_id};
use crate::audit::{AuditKind, AuditRecord};
use crate::live::Order;

/// The detail of the entry by which an order stands: the salted digest of its body.
const DIGEST: &str = "order-sha256";
/// The detail that names it.
pub(crate) const ORDER: &str = "order";
/// Answers that nobody read are forgotten after so long.
const ANSWERS_LAST: Duration = Duration::from_secs(60);

/// An order as its row has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Body {
    order: Order,
    /// The last session that had begun when it was given: what begins later is not meant.
    upto: u64,
    /// When it was given, by the store's clock.
    given_at: i64,
    /// Who is to carry it out.
    nodes: Vec<String>,
}

/// An order that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its id.
    pub id: Uuid,
    /// The entry by which it stands.
    pub seq: u64,
}

/// What this node is to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It is on record.
    OnRecord {
        /// Its id.
        id: Uuid,
        /// What is ordered.
        order: Order,
        /// Up to which session.
        upto: u64,
        /// How long ago it was given, by the store's clock.
        age: Duration,
    },
    /// The log has no word of it: it is nobody's.
    Forged {
        /// Its id.
        id: Uuid,
        /// Whose sessions it was to cut, as it says.
        client: Option<ClientId>,
    },
}

/// What a node answers to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It was carried out.
    Done {
        /// The sessions that ended, by number.
        sessions: Vec<u64>,
        /// Whose connections without a session were closed.
        guests: Vec<PersonId>,
    },
    /// It is not on record, and so was not obeyed.
    NotOnRecord,
}

impl Store {
    /// Gives an order to `nodes`, with the entry by which it stands (`record`) and others that belong to the same act.
    ///
    /// # Errors
    /// The store failed; nothing is ordered and nothing is written.
    pub async fn give_order(
        &self,
        order: &Order,
        nodes: &[String],
        record: AuditRecord,
        others: &[AuditRecord],
    ) -> Result<Given, StoreError> {
        let id = new_id(record.at)?;
        let mut change = self.write().await?;
        for other in others {
            change.append(other).await?;
        }
        let now = clock(self.db().engine());
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT value, {now} AS now FROM counters WHERE name = 'session'"
        ));
        let row = change.tx.row(sql, values![]).await?;
        let row = row.ok_or(StoreError::Null {
            column: "counters.value",
        })?;
        let body = Body {
            order: order.clone(),
            upto: row.count("value")?,
            given_at: row.int("now")?,
            nodes: nodes.to_vec(),
        };
        let given_at = body.given_at;
        let body = serde_json::to_string(&body)
            .map_err(|error| StoreError::malformed("orders.body", error))?;
        let salt = bound::new_salt()?;
        let record = record
            .kind(AuditKind::CutOrdered)
            .detail(ORDER, id.to_string())
            .detail(DIGEST, digest(&salt, body.as_bytes()));
        let seq = change.append(&record).await?;
        let sql = "INSERT INTO orders (id, node, given_at, seq, salt, body) VALUES ($1, $2, $3, $4, $5, $6)";
        for node in nodes {
            let values = values![id, node, given_at, seq, &salt, &body];
            change.tx.execute(sql, values).await?;
        }
        change.commit(&[]).await?;
        Ok(Given { id, seq })
    }

    /// What `node` is to carry out, in the order it was given, and then what nobody gave; also forgets answers that nobody
    /// came to read.
    ///
    /// # Errors
    /// The store failed.
    pub async fn orders_for(&self, node: &str) -> Result<Vec<Held>, StoreError> {
        let now = clock(self.db().engine());
        let held = self.held_orders(node, "answer IS NULL").await?;
        let sql = "SELECT id FROM orders WHERE node = $1 AND answer IS NOT NULL";
        if !self.db().rows(sql, values![node]).await?.is_empty() {
            let lasts = ANSWERS_LAST.as_micros();
            let sql = sqlx::AssertSqlSafe(format!(
                "DELETE FROM orders WHERE node = $1 AND answer IS NOT NULL AND given_at < {now} - {lasts}"
            ));
            let mut tx = self.db().begin().await?;
            tx.execute(sql, values![node]).await?;
            tx.commit().await?;
        }
        Ok(held)
    }

    /// What stands there with an answer, as long as that lasts: whoever can write the table can write one in the name of a
    /// node, which knows by itself what it carried out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn orders_answered(&self, node: &str) -> Result<Vec<Held>, StoreError> {
        self.held_orders(node, "answer IS NOT NULL").await
    }

    async fn held_orders(&self, node: &str, which: &'static str) -> Result<Vec<Held>, StoreError> {
        let now = clock(self.db().engine());
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT orders.id AS id, orders.seq AS seq, salt, body, leaf, entry, {now} AS now, \
             (SELECT value FROM counters WHERE name = 'audit') AS counted, \
             (SELECT value FROM counters WHERE name = 'session') AS begun \
             FROM orders LEFT JOIN journal ON journal.seq = orders.seq \
             WHERE node = $1 AND {which} ORDER BY orders.seq, orders.id"
        ));
        let rows = self.db().rows(sql, values![node]).await?;
        let entries = rows.iter().filter_map(|row| {
            let leaf: [u8; 32] = row.bytes("leaf").ok()?.try_into().ok()?;
            Some((row.count("seq").ok()?, Hash(leaf)))
        });
        let entries: Vec<_> = entries.collect();
        let seen = self.seen(&entries).await?;
        // What is not known yet is neither an order nor a forgery: it is looked at again.
        let known = |row: &&Row| {
            let counted = row.count("counted").unwrap_or(0);
            let Some(seq) = row.count("seq").ok().filter(|seq| *seq <= counted) else {
                return true;
            };
            let leaf: Option<[u8; 32]> =
                row.bytes("leaf").ok().and_then(|leaf| leaf.try_into().ok());
            let line = row.text_or_none("entry").ok().flatten();
            let line = line.map(|line| leaf_hash(line.as_bytes()).0);
            let mut said = self.said();
            let is_away = leaf.is_some_and(|leaf| {
                line != Some(leaf) && seen.contains(&seq) && said.unread(seq, Hash(leaf), None)
            });
            !is_away && !said.owes(seq)
        };
        let mut held: Vec<Held> = rows
            .iter()
            .filter(known)
            .map(|row| held(row, node, &seen))
            .collect::<Result<_, _>>()?;
        held.sort_by_key(|held| match held {
            Held::OnRecord { .. } => 0,
            Held::Forged { .. } => 1,
        });
        Ok(held)
    }

    /// Answers orders to `node`, with records of what was done: they are written whether or not the rows are still there and
    /// can be answered. Nothing is written where there is nothing to write.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn answer_orders(
        &self,
        ids: &[Uuid],
        node: &str,
        reply: &Reply,
        records: &[AuditRecord],
    ) -> Result<(), StoreError> {
        let reply = serde_json::to_string(reply)
            .map_err(|error| StoreError::malformed("orders.answer", error))?;
        let mut change = self.write().await?;
        let sql = "UPDATE orders SET answer = $3 WHERE id = $1 AND node = $2 AND answer IS NULL";
        let mut answered = 0;
        for id in ids {
            answered += change.tx.execute(sql, values![*id, node, &reply]).await?;
        }
        if answered > 0 {
            change.concern(Topic::Orders);
        }
        if answered > 0 || !records.is_empty() {
            change.commit(records).await?;
        }
        Ok(())
    }

    /// The answers to an order so far, by node; one that does not read is none.
    ///
    /// # Errors
    /// The store failed.
    pub async fn answers(&self, order: &Given) -> Result<BTreeMap<String, Reply>, StoreError> {
        let sql = "SELECT node, answer FROM orders WHERE id = $1 AND answer IS NOT NULL";
        let rows = self.db().rows(sql, values![order.id]).await?;
        let mut answers = BTreeMap::new();
        for row in &rows {
            match row.parsed("answer", |text| serde_json::from_str::<Reply>(text)) {
                Ok(reply) => {
                    answers.insert(row.text("node")?, reply);
                }
                Err(error) => {
                    tracing::error!(%error, id = %order.id, "an answer to an order does not read; find out who changed the store");
                }
            }
        }
        Ok(answers)
    }

    /// Forgets the answers to an order that were read: the log has what was done.
    ///
    /// # Errors
    /// The store failed; the nodes forget them later.
    pub async fn forget_answers(&self, order: &Given) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let sql = "DELETE FROM orders WHERE id = $1 AND answer IS NOT NULL";
        tx.execute(sql, values![order.id]).await?;
        tx.commit().await
    }
}

fn held(row: &Row, node: &str, seen: &BTreeSet<u64>) -> Result<Held, StoreError> {
    let id = row.id("id")?;
    let (salt, body) = (row.text("salt")?, row.text("body")?);
    let line = row.text_or_none("entry")?;
    let entry = line.as_deref().and_then(|line| {
        let leaf: [u8; 32] = row.bytes("leaf").ok()?.try_into().ok()?;
        (Hash(leaf) == leaf_hash(line.as_bytes()))
            .then(|| Entry::parse(line.as_bytes()).ok())
            .flatten()
    });
    let read: Option<Body> = serde_json::from_str(&body).ok();
    let (seq, begun) = (row.count("seq").ok(), row.count("begun")?);
    let is_counted = seq.is_some_and(|seq| {
        // And the one that this process saw there, not one that stands there for a moment.
        seen.contains(&seq) && row.count("counted").is_ok_and(|counted| seq <= counted)
    });
    // The salted digest binds the whole body: who, whose, what, when and to whom. The row's own column of the node is not in
    // it, so the body names the nodes.
    // An entry beyond the end of the log is none: it could be taken away again, and nothing would lack.
    let on_record = entry.is_some_and(|entry| {
        is_counted
            && Some(entry.seq) == seq
            && AuditKind::parse(&entry.kind) == Some(AuditKind::CutOrdered)
            && entry.detail_text(ORDER) == Some(id.to_string().as_str())
            && entry.detail_text(DIGEST) == Some(digest(&salt, body.as_bytes()).as_str())
    });
    Ok(match read {
        Some(body) if on_record && body.nodes.iter().any(|one| one == node) => Held::OnRecord {
            id,
            // Numbers that were not given when this is read are nobody's: who begins later is not meant.
            upto: body.upto.min(begun),
            // A clock that was set back makes it young, which spares nobody: who came after it is not meant.
            age: Duration::from_micros(
                u64::try_from(row.int("now")?.saturating_sub(body.given_at)).unwrap_or(0),
            ),
            order: body.order,
        },
        read => Held::Forged {
            id,
            client: read.map(|body| body.order.client),
        },
    })
}
