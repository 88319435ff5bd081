//! How far copies of the journal have gone, by destination (R8).

use ecluse_policy::Timestamp;

use super::super::sql::values;
use super::super::{Store, StoreError};

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
}
