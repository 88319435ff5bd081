//! Checkpoints in the store: what was signed about the journal, and who cosigned it.

use std::sync::Arc;

use ecluse_policy::Timestamp;
use ecluse_recordings::evidence::signature::Signer;
use ecluse_recordings::log::{Checkpoint, SignedNote, VerifierKey};

use super::super::sql::{Row, values};
use super::super::topics::Topic;
use super::super::{Store, StoreError};
use crate::audit::AuditRecord;

/// How far apart two checkpoints can be whose makers did not know of each other. **Unit**: microseconds.
const RACE: i64 = 60_000_000;

impl Store {
    /// Signs where the journal stands, if it grew since the last checkpoint; none where it did not.
    ///
    /// Before it signs, it makes sure that the journal still begins with what was signed last: a store that somebody
    /// rewrote must not get the gateway's signature.
    ///
    /// # Errors
    /// [`StoreError::Rewritten`], the key does not sign, or the store failed.
    pub async fn checkpoint(
        &self,
        origin: &str,
        signer: Arc<dyn Signer>,
        now: Timestamp,
    ) -> Result<Option<SignedNote>, StoreError> {
        let size = self.journal_size().await?;
        if let Some(latest) = self.latest_checkpoint().await? {
            let signed = read(&latest)?;
            self.check_extends(&signed).await?;
            if signed.size == size {
                return Ok(None);
            }
        }
        if size == 0 {
            return Ok(None);
        }
        let root = self.journal_root(size).await?;
        // Nor one that was rewritten since it was signed last, while this process looked on.
        if self.seen_root(size).is_some_and(|seen| seen != root) {
            return Err(StoreError::Rewritten { size });
        }
        let checkpoint = Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
            at_us: now.as_micros(),
        };
        self.sign(checkpoint, signer).await
    }

    /// The checkpoint of the moment of a snapshot: the one that is there, or a new one. None where a larger one was made
    /// meanwhile: then take another snapshot. `now` was read before the snapshot was taken.
    ///
    /// # Errors
    /// As [`Store::checkpoint`].
    pub async fn checkpoint_of(
        &self,
        snapshot: &Store,
        origin: &str,
        signer: Arc<dyn Signer>,
        now: Timestamp,
    ) -> Result<Option<SignedNote>, StoreError> {
        let size = snapshot.journal_size().await?;
        let mut at_us = now.as_micros();
        if let Some(latest) = snapshot.latest_checkpoint().await? {
            let signed = read(&latest)?;
            snapshot.check_extends(&signed).await?;
            if signed.size == size {
                return Ok(Some(latest));
            }
            // A clock that was set back by seconds: a checkpoint is never earlier than one of fewer entries.
            if (1..RACE).contains(&signed.at_us.saturating_sub(at_us)) {
                at_us = signed.at_us;
            }
        }
        let root = snapshot.journal_root(size).await?;
        let checkpoint = Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
            at_us,
        };
        self.sign(checkpoint, signer).await
    }

    /// Signs a checkpoint and keeps it; none where another made one meanwhile that is as large, or later though smaller:
    /// a checkpoint of more entries is never the earlier one, or it would look like a rollback.
    async fn sign(
        &self,
        checkpoint: Checkpoint,
        signer: Arc<dyn Signer>,
    ) -> Result<Option<SignedNote>, StoreError> {
        // Outside a transaction: the key may be in another process, and what is signed never changes.
        let (size, at_us) = (checkpoint.size, checkpoint.at_us);
        let signing = tokio::task::spawn_blocking(move || {
            SignedNote::sign(&checkpoint, signer.as_ref()).map_err(|error| error.to_string())
        });
        let note = signing
            .await
            .unwrap_or_else(|error| Err(error.to_string()))
            .map_err(StoreError::NotSigned)?;
        let mut change = self.write().await?;
        let sql = "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1";
        let latest = change.tx.row(sql, values![]).await?;
        if let Some(latest) = latest.as_ref().map(self::note).transpose()? {
            let latest = read(&latest)?;
            let ahead = latest.at_us.saturating_sub(at_us);
            // Further apart it is no race: the clock was set back, which is on record.
            if latest.size >= size || (1..RACE).contains(&ahead) {
                return Ok(None);
            }
        }
        let at = Timestamp::from_micros(at_us);
        let sql = "INSERT INTO checkpoints (size, at, note) VALUES ($1, $2, $3)";
        change
            .tx
            .execute(sql, values![size, at, note.text()])
            .await?;
        change.concern(Topic::Checkpoints);
        change.commit(&[]).await?;
        Ok(Some(note))
    }

    /// Makes sure that the journal begins with what `signed` says.
    ///
    /// # Errors
    /// [`StoreError::Rewritten`] where it does not.
    pub async fn check_extends(&self, signed: &Checkpoint) -> Result<(), StoreError> {
        let rewritten = || StoreError::Rewritten { size: signed.size };
        if self.journal_size().await? < signed.size {
            return Err(rewritten());
        }
        if self.journal_root(signed.size).await? == signed.root {
            Ok(())
        } else {
            Err(rewritten())
        }
    }

    /// The latest checkpoint.
    ///
    /// # Errors
    /// The store failed.
    pub async fn latest_checkpoint(&self) -> Result<Option<SignedNote>, StoreError> {
        let sql = "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1";
        let row = self.db().row(sql, values![]).await?;
        row.as_ref().map(note).transpose()
    }

    /// The checkpoint of a size.
    ///
    /// # Errors
    /// The store failed.
    pub async fn checkpoint_at(&self, size: u64) -> Result<Option<SignedNote>, StoreError> {
        let sql = "SELECT note FROM checkpoints WHERE size = $1";
        let row = self.db().row(sql, values![size]).await?;
        row.as_ref().map(note).transpose()
    }

    /// The latest checkpoint that somebody cosigned.
    ///
    /// # Errors
    /// The store failed.
    pub async fn latest_cosigned(&self) -> Result<Option<SignedNote>, StoreError> {
        // A signature is a line that begins with a dash (c2sp.org/signed-note); a checkpoint itself has none.
        let sql =
            "SELECT note FROM checkpoints WHERE note LIKE '%— %— %' ORDER BY size DESC LIMIT 1";
        let row = self.db().row(sql, values![]).await?;
        row.as_ref().map(note).transpose()
    }

    /// Checkpoints from a size on, in order, at most so many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn checkpoints(&self, from: u64, limit: u32) -> Result<Vec<SignedNote>, StoreError> {
        let sql = "SELECT note FROM checkpoints WHERE size >= $1 ORDER BY size LIMIT $2";
        let rows = self.db().rows(sql, values![from, limit]).await?;
        rows.iter().map(note).collect()
    }

    /// Keeps what others signed below a checkpoint of this store; how many signatures are new.
    ///
    /// `trusted` are the cosigners whose signatures are checked first; without any, they are kept as they are, since
    /// whoever reads them checks them.
    ///
    /// # Errors
    /// There is no such checkpoint, it says something else, a trusted signature does not hold, or the store failed.
    pub async fn add_cosignatures(
        &self,
        cosigned: &SignedNote,
        trusted: &[VerifierKey],
        records: &[AuditRecord],
    ) -> Result<usize, StoreError> {
        let size = read(cosigned)?.size;
        let refused = |problem: &str| StoreError::NotCosigned(problem.to_owned());
        for key in trusted {
            cosigned
                .verify(key)
                .map_err(|error| refused(&error.to_string()))?;
        }
        let mut change = self.write().await?;
        let sql = "SELECT note FROM checkpoints WHERE size = $1";
        let row = change.tx.row(sql, values![size]).await?;
        let own = row.as_ref().map(note).transpose()?;
        let own = own.ok_or_else(|| refused("this store made no checkpoint of that size"))?;
        if read(&own)? != read(cosigned)? {
            return Err(refused("it says something else than this store's own"));
        }
        let (merged, new) = merged(own, cosigned);
        if new == 0 {
            return Ok(0);
        }
        let sql = "UPDATE checkpoints SET note = $2 WHERE size = $1";
        change.tx.execute(sql, values![size, merged.text()]).await?;
        change.commit(records).await?;
        Ok(new)
    }
}

/// What a checkpoint says; whose signature it bears is another question.
fn read(note: &SignedNote) -> Result<Checkpoint, StoreError> {
    note.unverified()
        .map_err(|error| StoreError::malformed("note", error))
}

/// The first note with the signatures that only the second has, and how many these are. A key signs once: what stands
/// there stays.
fn merged(own: SignedNote, other: &SignedNote) -> (SignedNote, usize) {
    let (mut merged, mut new) = (own, 0);
    let theirs = other.text();
    let signatures = theirs.rsplit_once("\n\n").map_or("", |(_, lines)| lines);
    for line in signatures.lines() {
        let longer = format!("{}{line}\n", merged.text());
        if let Ok(longer) = SignedNote::parse(&longer) {
            merged = longer;
            new += 1;
        }
    }
    (merged, new)
}

fn note(row: &Row) -> Result<SignedNote, StoreError> {
    row.parsed("note", SignedNote::parse)
}
