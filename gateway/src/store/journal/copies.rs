//! How far copies of the journal have gone, by destination, and which node sends them (R8).

use ecluse_policy::{Span, Timestamp};

use super::super::sql::values;
use super::super::{Store, StoreError};

/// The fact which documents copies follow.
const FOLLOWED: &str = "copies-followed";

/// How far copies to one destination have gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The next entry to send, from 1.
    pub next_entry: u64,
    /// Checkpoints of this size and larger are still to be sent.
    pub next_checkpoint: u64,
    /// When that was last written.
    pub at: Timestamp,
}

impl Store {
    /// How far copies to `destination` have gone; none where nothing was ever sent.
    ///
    /// # Errors
    /// The store failed.
    pub async fn copied(&self, destination: &str) -> Result<Option<Copied>, StoreError> {
        let sql = "SELECT next_entry, next_checkpoint, at FROM copies WHERE destination = $1";
        let row = self.db().row(sql, values![destination]).await?;
        row.map(|row| {
            Ok(Copied {
                next_entry: row.count("next_entry")?,
                next_checkpoint: row.count("next_checkpoint")?,
                at: row.time("at")?,
            })
        })
        .transpose()
    }

    /// The version of the documents whose destinations have all they are owed, and are told if a later one leaves them
    /// out; none before copies were followed.
    ///
    /// # Errors
    /// The store failed.
    pub async fn copies_followed(&self) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT value FROM facts WHERE name = $1";
        let row = self.db().row(sql, values![FOLLOWED]).await?;
        row.map(|row| row.parsed("value", str::parse)).transpose()
    }

    /// Writes that version.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn set_copies_followed(&self, version: u64) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let sql = "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        tx.execute(sql, values![FOLLOWED, version.to_string()])
            .await?;
        tx.commit().await
    }

    /// Writes how far copies have gone. It never goes back: two senders may report out of order.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn set_copied(&self, destination: &str, copied: Copied) -> Result<(), StoreError> {
        let Copied {
            next_entry,
            next_checkpoint,
            at,
        } = copied;
        // Not through `write`: the epoch would wake everybody, and those who copy would never rest.
        let mut tx = self.db().begin().await?;
        let sql = "INSERT INTO copies (destination, next_entry, next_checkpoint, at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (destination) DO UPDATE SET \
                   next_entry = CASE WHEN excluded.next_entry > copies.next_entry THEN excluded.next_entry ELSE copies.next_entry END, \
                   next_checkpoint = CASE WHEN excluded.next_checkpoint > copies.next_checkpoint THEN excluded.next_checkpoint ELSE copies.next_checkpoint END, \
                   at = excluded.at";
        let values = values![destination, next_entry, next_checkpoint, at];
        tx.execute(sql, values).await?;
        tx.commit().await
    }

    /// Gives `node` the right to send copies to `destination` until `lasts` from `now`, or renews it. `false` while
    /// another node has it. A right that lasts longer than anybody could have taken it comes of a wrong clock, and counts
    /// for nothing.
    ///
    /// # Errors
    /// The store failed; nothing is given.
    pub async fn lease_copies(
        &self,
        destination: &str,
        node: &str,
        lasts: Span,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let until = now.plus(lasts);
        // As `set_copied`: nobody need wake for it.
        let mut tx = self.db().begin().await?;
        let sql = "INSERT INTO copy_leases (destination, holder, until_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (destination) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at \
                   WHERE copy_leases.holder = excluded.holder OR copy_leases.until_at <= $4 OR copy_leases.until_at > $5";
        let values = values![destination, node, until, now, until.plus(lasts)];
        let given = tx.execute(sql, values).await? > 0;
        tx.commit().await?;
        Ok(given)
    }

    /// Takes the right to send copies to `destination` from `node`, if it has it.
    ///
    /// # Errors
    /// The store failed; the right runs out by itself.
    pub async fn end_lease(&self, destination: &str, node: &str) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let sql = "DELETE FROM copy_leases WHERE destination = $1 AND holder = $2";
        tx.execute(sql, values![destination, node]).await?;
        tx.commit().await
    }
}
