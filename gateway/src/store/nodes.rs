//! The gateways that share this store, and whether each was heard of lately.
//!
//! Clocks of nodes differ, and none is compared with another: the moment of a renewal is the store's own (PostgreSQL's clock),
//! and so is the moment when somebody looks how long ago that was. SQLite has one node, whose clock it is.

use std::collections::BTreeMap;
use std::time::Duration;

use ecluse_policy::Timestamp;
use ecluse_policy::documents::HostPort;
use ecluse_recordings::neutralise;
use tokio::time::Instant;

use super::sql::{Engine, Row, values};
use super::{AuditQuery, LastMoment, Store, StoreError};
use crate::audit::{AuditKind, AuditRecord};
use crate::live::KnownBy;

/// A node that was not heard of for longer is lost, and its sessions with it.
pub const LEASE: Duration = Duration::from_secs(10);
/// Whoever lives is heard of within this: a lease, and a renewal more.
pub const HEARD_WITHIN: Duration = Duration::from_secs(13);
/// How often a removal looks for it meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// One gateway of those that share the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name in the store.
    pub name: String,
    /// How people reach it.
    pub address: HostPort,
    /// How long it was not heard of, by the store's clock; none where it renewed after now, which is a clock that was set
    /// back.
    pub silent: Option<Duration>,
}

impl Node {
    /// Whether it was not heard of for so long that its sessions are lost with it. A renewal that is still to come proves
    /// nothing: who lives renews again in a moment.
    pub fn is_lost(&self) -> bool {
        self.silent.is_none_or(|silent| silent > LEASE)
    }
}

/// The store's own clock, in microseconds since 1970.
pub(super) const fn clock(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        Engine::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
    }
}

impl Store {
    /// Whether other gateways may share this store.
    pub fn may_be_shared(&self) -> bool {
        self.db().engine() == Engine::Postgres
    }

    /// How far the store's clock is ahead of this machine's, in microseconds, at least: what the asking may have taken
    /// counts for nothing. SQLite has this machine's.
    ///
    /// # Errors
    /// The store failed.
    pub async fn clock_ahead(&self) -> Result<i64, StoreError> {
        let engine = self.db().engine();
        let sql = sqlx::AssertSqlSafe(format!("SELECT {} AS now", clock(engine)));
        let before = crate::clock::now().as_micros();
        let row = self.db().row(sql, values![]).await?;
        let after = crate::clock::now().as_micros();
        let now = row.ok_or(StoreError::Null { column: "now" })?.int("now")?;
        Ok(match engine {
            Engine::Postgres => apart(now, before, after),
            Engine::Sqlite => 0,
        })
    }

    /// Every gateway that recorded sessions, by name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn recorders(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT node FROM sessions ORDER BY node";
        let rows = self.db().rows(sql, values![]).await?;
        rows.iter().map(|row| row.text("node")).collect()
    }

    /// Every node that began and did not stop in order, by name. A row that does not read is no node: nothing vouches for
    /// this table, and what is written into it must hold up nobody's handle.
    ///
    /// # Errors
    /// The store failed.
    pub async fn gateways(&self) -> Result<Vec<Node>, StoreError> {
        let (nodes, faults) = self.gateways_and_faults().await?;
        for fault in faults {
            tracing::error!("{fault}; find out who changed the store");
        }
        Ok(nodes)
    }

    /// The same, with what is wrong with rows that do not read.
    ///
    /// # Errors
    /// The store failed.
    pub async fn gateways_and_faults(&self) -> Result<(Vec<Node>, Vec<String>), StoreError> {
        let now = clock(self.db().engine());
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT name, address, renewed_at, {now} AS now FROM nodes ORDER BY name"
        ));
        let (mut nodes, mut faults) = (Vec::new(), Vec::new());
        for row in &self.db().rows(sql, values![]).await? {
            match node(row) {
                Ok(node) => nodes.push(node),
                Err(error) => {
                    let name = row.text("name").unwrap_or_default();
                    faults.push(format!(
                        "the row of the gateway {} in the table of those that share the store does not read: {}; take it out: ecluse nodes remove NAME",
                        neutralise(name),
                        neutralise(error.to_string())
                    ));
                }
            }
        }
        Ok((nodes, faults))
    }
}

/// A gateway that was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The sessions that it had left open, by number.
    pub sessions: Vec<u64>,
    /// How many orders to it were given up.
    pub orders: u64,
}

/// Why a gateway was not taken out.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// It lives.
    #[error(
        "the gateway {name} was heard of {} s ago, and carries its own sessions: stop it in order, which ends them", silent.as_secs()
    )]
    Heard {
        /// Its name.
        name: String,
        /// How long it was not heard of.
        silent: Duration,
    },
    /// There is nothing of it.
    #[error("no gateway {name} shares this store, and nothing of it is open; see: ecluse nodes")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// How many sessions each gateway has open, by its name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn open_by_node(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let sql =
            "SELECT node, COUNT(*) AS open FROM sessions WHERE ended_at IS NULL GROUP BY node";
        let rows = self.db().rows(sql, values![]).await?;
        rows.iter()
            .map(|row| Ok((row.text("node")?, row.count("open")?)))
            .collect()
    }

    /// Takes out a gateway that does not come back: its sessions end on record at the last word about each, and what was
    /// ordered of it is given up. One that comes back all the same begins anew, and seals what lies on its disk.
    ///
    /// Nothing vouches for its row, so that is not believed alone: for `within` ([`HEARD_WITHIN`]) it may be heard of.
    ///
    /// # Errors
    /// It lives, nothing is known of it, or the store failed.
    pub async fn remove_node(
        &self,
        name: &str,
        by: &str,
        within: Duration,
        now: impl Fn() -> Timestamp,
    ) -> Result<Removed, RemoveError> {
        let silence = self.silence(name, within).await?;
        let at = now();
        let mut ends = BTreeMap::new();
        for orphan in self.orphans(name).await? {
            let latest = AuditQuery {
                session: Some(orphan.start.id),
                latest_first: true,
                limit: Some(1),
                ..AuditQuery::default()
            };
            let latest = self.audit(&latest).await?;
            let last = latest
                .first()
                .map_or(orphan.start.at, |stored| stored.record.at);
            let last = LastMoment {
                at: last.min(at).max(orphan.start.at),
                by: KnownBy::Log,
            };
            ends.insert(orphan.start.id, last);
        }
        let ended = self.close_orphans(name, &ends, at).await?;
        let sessions: Vec<u64> = ended.iter().map(|session| session.number).collect();
        let mut change = self.write().await?;
        let sql = "DELETE FROM nodes WHERE name = $1";
        let row = change.tx.execute(sql, values![name]).await?;
        let sql = "DELETE FROM orders WHERE node = $1";
        let orders = change.tx.execute(sql, values![name]).await?;
        if row == 0 && !silence.had_row && orders == 0 && sessions.is_empty() {
            let name = name.to_owned();
            return Err(RemoveError::Unknown { name });
        }
        let mut record = AuditRecord::new(AuditKind::NodeRemoved, at)
            .claimed(by)
            .permitted()
            .reason("the administrator says that it does not come back")
            .detail("node", name)
            .detail("orders", orders);
        if let Some(address) = silence.address {
            record = record.detail("address", address.to_string());
        }
        change
            .commit(&[record.detail("sessions", sessions.len())])
            .await?;
        Ok(Removed { sessions, orders })
    }

    /// Waits whether a gateway is heard of. A row that does not read goes: who lives writes it anew.
    async fn silence(&self, name: &str, within: Duration) -> Result<Silence, RemoveError> {
        let until = Instant::now() + within;
        let mut silence = Silence::default();
        let mut is_known = false;
        loop {
            match self.row_of(name).await? {
                Some(Ok(node)) => {
                    if let Some(silent) = node.silent.filter(|_| !node.is_lost()) {
                        let name = name.to_owned();
                        return Err(RemoveError::Heard { name, silent });
                    }
                    silence = Silence {
                        had_row: true,
                        address: Some(node.address),
                    };
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "a row of the gateways that share the store does not read, and is removed");
                    let mut tx = self.db().begin().await?;
                    tx.execute("DELETE FROM nodes WHERE name = $1", values![name])
                        .await?;
                    tx.commit().await?;
                    silence.had_row = true;
                }
                None => {}
            }
            is_known = is_known || silence.had_row || self.is_anything_of(name).await?;
            if !is_known {
                let name = name.to_owned();
                return Err(RemoveError::Unknown { name });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(silence);
            }
            tokio::time::sleep(left.min(LOOK_EVERY)).await;
        }
    }

    /// What stands of a gateway, where anything does, and whether that reads.
    async fn row_of(&self, name: &str) -> Result<Option<Result<Node, StoreError>>, StoreError> {
        let now = clock(self.db().engine());
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT name, address, renewed_at, {now} AS now FROM nodes WHERE name = $1"
        ));
        let row = self.db().row(sql, values![name]).await?;
        Ok(row.as_ref().map(node))
    }

    /// Whether it has sessions open, or orders.
    async fn is_anything_of(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT CAST(1 AS BIGINT) AS found FROM sessions WHERE node = $1 AND ended_at IS NULL \
                   UNION SELECT CAST(1 AS BIGINT) AS found FROM orders WHERE node = $1";
        let found = self.db().row(sql, values![name]).await?;
        Ok(found.is_some())
    }
}

/// What stood of a gateway that nobody heard of.
#[derive(Default)]
struct Silence {
    had_row: bool,
    address: Option<HostPort>,
}

/// How far `now` lies outside of `before` and `after`.
fn apart(now: i64, before: i64, after: i64) -> i64 {
    let behind = now.saturating_sub(before).min(0);
    let ahead = now.saturating_sub(after).max(0);
    if behind < 0 { behind } else { ahead }
}

fn node(row: &Row) -> Result<Node, StoreError> {
    // Here and not in the statement, which would fail as a whole where one row is out of range.
    let silent = row.int("now")?.checked_sub(row.int("renewed_at")?);
    let silent = silent.and_then(|silent| u64::try_from(silent).ok());
    Ok(Node {
        name: row.text("name")?,
        address: row.parsed("address", HostPort::parse)?,
        silent: silent.map(Duration::from_micros),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_asking_took_is_no_difference_of_clocks() {
        assert_eq!(apart(15, 10, 20), 0);
        assert_eq!(apart(5, 10, 20), -5);
        assert_eq!(apart(26, 10, 20), 6);
    }
}
