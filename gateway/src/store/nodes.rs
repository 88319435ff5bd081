//! The gateways that share this store, and whether each was heard of lately.
//!
//! Clocks of nodes differ, and none is compared with another: the moment of a renewal is the store's own (PostgreSQL's clock),
//! and so is the moment when somebody looks how long ago that was. SQLite has one node, whose clock it is.

use std::time::Duration;

use ecluse_policy::documents::HostPort;

use super::sql::{Engine, values};
use super::{Store, StoreError};

/// A node that was not heard of for longer is lost, and its sessions with it.
pub const LEASE: Duration = Duration::from_secs(10);

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

    /// This gateway is here, and reached at `address`: said at its start, and again within each [`LEASE`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn renew_node(&self, name: &str, address: &HostPort) -> Result<(), StoreError> {
        let now = clock(self.db().engine());
        let sql = sqlx::AssertSqlSafe(format!(
            "INSERT INTO nodes (name, address, renewed_at) VALUES ($1, $2, {now}) \
             ON CONFLICT (name) DO UPDATE SET address = excluded.address, renewed_at = excluded.renewed_at"
        ));
        // Not through `write`: nobody need wake for it.
        let mut tx = self.db().begin().await?;
        tx.execute(sql, values![name, address.to_string()]).await?;
        tx.commit().await
    }

    /// This gateway stops in order: it has no sessions any more.
    ///
    /// # Errors
    /// The store failed; it is lost after a [`LEASE`].
    pub async fn leave_node(&self, name: &str) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        tx.execute("DELETE FROM nodes WHERE name = $1", values![name])
            .await?;
        tx.commit().await
    }

    /// Every node that began and did not stop in order, by name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn gateways(&self) -> Result<Vec<Node>, StoreError> {
        let now = clock(self.db().engine());
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT name, address, {now} - renewed_at AS silent FROM nodes ORDER BY name"
        ));
        let rows = self.db().rows(sql, values![]).await?;
        rows.iter()
            .map(|row| {
                let silent = u64::try_from(row.int("silent")?).ok();
                Ok(Node {
                    name: row.text("name")?,
                    address: row.parsed("address", HostPort::parse)?,
                    silent: silent.map(Duration::from_micros),
                })
            })
            .collect()
    }
}
