//! Which run of a gateway holds the row of its name: a copied data directory makes two gateways of one name, wherever each is
//! reached, and the later of two runs must not end what the other carries.
//!
//! Each run writes a word of its own into the row, renews the row only while that word stands there, and takes it from
//! another run only as it was seen. Nothing vouches for the table, so each renewal has when it was made, sealed under the store's
//! key for this name, run and address: who writes the table has no such key, and a copied data directory has. What a run does
//! about another's word is decided by whether that one goes on making such seals (`live/alone.rs`).

use std::fmt;
use std::time::Duration;

use ecluse_policy::HostPort;

use super::nodes::clock;
use super::settings::NODE;
use super::sql::values;
use super::{Store, StoreError};
use crate::audit::AuditRecord;
use crate::secrets::{SecretError, random};

/// The word of one run of a gateway, which no other has. **Shape**: 16 random bytes, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run(String);

impl Run {
    /// One that is new.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn begin() -> Result<Self, SecretError> {
        random().map(|word| Self(format!("{:032x}", u128::from_ne_bytes(word))))
    }

    /// As it was written.
    pub fn of(word: &str) -> Self {
        Self(word.to_owned())
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The detail of an entry that names the run of the gateway beside its name.
const RUN: &str = "run";

/// A gateway that serves, and in which run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    /// Its name.
    pub node: String,
    /// Its run.
    pub run: Run,
}

impl Serving {
    /// The same record, with whose it is: what one machine's clock did is no matter of others.
    pub fn names(&self, record: AuditRecord) -> AuditRecord {
        record
            .detail(NODE, self.node.as_str())
            .detail(RUN, self.run.to_string())
    }
}

/// Who holds the row of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its run; none where an older program wrote the row.
    pub run: Option<Run>,
    /// Where it says that it is reached, as it stands there.
    pub address: String,
    /// When a gateway renewed it last, as its seal says; none where there is no seal of this run here. **Unit**: microseconds,
    /// by the store's clock.
    pub proven: Option<i64>,
    /// When it was looked at. **Unit**: the same.
    pub seen_at: i64,
    /// How long ago it was renewed, as the row says; none where that lies ahead, which is a clock that was set back.
    pub silent: Option<Duration>,
}

const TABLE: &str = "nodes";

/// What a renewal is sealed for. No part can hold a NUL: PostgreSQL keeps none.
fn place(name: &str, run: &str, address: &str) -> String {
    format!("{name}\0{run}\0{address}")
}

impl Store {
    /// Who holds the row of this name, if there is one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn node_holder(&self, name: &str) -> Result<Option<Holder>, StoreError> {
        let now = clock(self.db().engine());
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT run, address, renewed_at, proof, {now} AS now FROM nodes WHERE name = $1"
        ));
        let Some(row) = self.db().row(sql, values![name]).await? else {
            return Ok(None);
        };
        let seen_at = row.int("now")?;
        let silent = seen_at.checked_sub(row.int("renewed_at")?);
        let silent = silent.and_then(|silent| u64::try_from(silent).ok());
        let (run, address) = (row.text_or_none("run")?, row.text("address")?);
        let proven = match (&run, row.bytes_or_none("proof")?) {
            (Some(run), Some(proof)) => {
                let opened = self.key().open(TABLE, &place(name, run, &address), &proof);
                let at = opened.ok().and_then(|at| at.as_slice().try_into().ok());
                at.map(i64::from_be_bytes)
            }
            (Some(_) | None, Some(_) | None) => None,
        };
        Ok(Some(Holder {
            run: run.map(Run),
            address,
            proven,
            seen_at,
            silent: silent.map(Duration::from_micros),
        }))
    }

    /// Makes the row of this name this run's; `false` where another run than the one that was seen holds it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn take_node(
        &self,
        name: &str,
        run: &Run,
        address: &HostPort,
        seen: Option<&Holder>,
    ) -> Result<bool, StoreError> {
        let seen = seen.and_then(|seen| seen.run.clone());
        self.write_node(name, run, address, seen.as_ref()).await
    }

    /// This gateway is here, and reached at `address`: said again within each [`LEASE`](super::LEASE). `false` where another
    /// run holds the row, which stays as it is then.
    ///
    /// # Errors
    /// The store failed.
    pub async fn renew_node(
        &self,
        name: &str,
        run: &Run,
        address: &HostPort,
    ) -> Result<bool, StoreError> {
        self.write_node(name, run, address, Some(run)).await
    }

    async fn write_node(
        &self,
        name: &str,
        run: &Run,
        address: &HostPort,
        holder: Option<&Run>,
    ) -> Result<bool, StoreError> {
        let now = clock(self.db().engine());
        let clock = sqlx::AssertSqlSafe(format!("SELECT {now} AS now"));
        let (run, holder) = (run.to_string(), holder.map(Run::to_string));
        let address = address.to_string();
        // Not through `write`: nobody need wake for it.
        let mut tx = self.db().begin().await?;
        let row = tx.row(clock, values![]).await?;
        let at = row.ok_or(StoreError::Null { column: "now" })?.int("now")?;
        let place = place(name, &run, &address);
        let proof = self.key().seal(TABLE, &place, &at.to_be_bytes())?;
        let sql = "INSERT INTO nodes (name, address, renewed_at, run, proof) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (name) DO UPDATE SET address = excluded.address, renewed_at = excluded.renewed_at, run = excluded.run, \
             proof = excluded.proof WHERE COALESCE(nodes.run, '') = $6";
        let holder = holder.unwrap_or_default();
        let values = values![name, address, at, run, proof, holder];
        let written = tx.execute(sql, values).await?;
        tx.commit().await?;
        Ok(written > 0)
    }

    /// This gateway stops in order: it has no sessions any more. The row of another run stays.
    ///
    /// # Errors
    /// The store failed; it is lost after a [`LEASE`](super::LEASE).
    pub async fn leave_node(&self, name: &str, run: &Run) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let sql = "DELETE FROM nodes WHERE name = $1 AND run = $2";
        tx.execute(sql, values![name, run.to_string()]).await?;
        tx.commit().await
    }
}
