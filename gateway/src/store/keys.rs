//! Keys that make evidence: the seed that signs, the identity that reads recordings, and the list of every key that ever
//! signed for this store.
//!
//! The secrets are sealed under the store's key; the list holds public halves and stays when keys change, since what an
//! old key signed is still to be checked. Where else a signing key may be, [`crate::log`] knows.

use ecluse_policy::Timestamp;
use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::evidence::signature::{HeldKey, Signer, from_openssh, openssh};
use zeroize::Zeroizing;

use super::sql::{Row, values};
use super::{Store, StoreError, Writing, tables};
use crate::audit::{AuditKind, AuditRecord};
use crate::secrets;

const TABLE: &str = "gateway_keys";
const SIGNING: &str = "journal-signing";
const READING: &str = "recordings-identity";
/// The source of keys that the store itself holds.
const STORE: &str = "store";

/// A key that signs or signed for this store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its public half.
    pub public: [u8; 32],
    /// Where it is or was: `store`, `credential:…`, `agent:…`.
    pub source: String,
    /// Since when it signs.
    pub from: Timestamp,
    /// Until when it signed; none for the one in use.
    pub until: Option<Timestamp>,
}

impl Store {
    /// The name of this store, made once: 8 hexadecimal digits.
    ///
    /// # Errors
    /// The store failed.
    pub async fn store_id(&self) -> Result<String, StoreError> {
        let sql = "SELECT value FROM facts WHERE name = 'store-id'";
        if let Some(row) = self.db().row(sql, values![]).await? {
            return row.text("value");
        }
        let id = format!("{:08x}", u32::from_be_bytes(secrets::random()?));
        let mut change = self.write().await?;
        // Another process may have been faster.
        if let Some(row) = change.tx.row(sql, values![]).await? {
            return row.text("value");
        }
        let sql = "INSERT INTO facts (name, value) VALUES ('store-id', $1)";
        change.tx.execute(sql, values![&id]).await?;
        change.commit(&[]).await?;
        Ok(id)
    }

    /// The seed of the signing key that this store holds, made when it is first asked for. All nodes share it.
    ///
    /// # Errors
    /// The store failed, or the sealed seed does not open.
    pub async fn signing_seed(&self, at: Timestamp) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        let sql = "SELECT sealed FROM gateway_keys WHERE name = $1";
        if let Some(row) = self.db().row(sql, values![SIGNING]).await? {
            return self.open_seed(&row);
        }
        let mut change = self.write().await?;
        if let Some(row) = change.tx.row(sql, values![SIGNING]).await? {
            return self.open_seed(&row);
        }
        let (seed, public) = new_seed()?;
        let sealed = self.key().seal(TABLE, SIGNING, seed.as_slice())?;
        let sql =
            "INSERT INTO gateway_keys (name, public, sealed, made_at) VALUES ($1, $2, $3, $4)";
        let values = values![SIGNING, openssh(&public), sealed.as_slice(), at];
        change.tx.execute(sql, values).await?;
        let records = register(&mut change, &public, STORE, at).await?;
        let records = tables::with_sealed(&records, AuditKind::KeyMade, &sealed);
        change.commit(&records).await?;
        Ok(seed)
    }

    /// Puts a new seed in the place of the one that this store holds. The old one is gone; its public half stays on
    /// the list.
    ///
    /// # Errors
    /// The store failed; nothing is changed.
    pub async fn rotate_signing_seed(
        &self,
        by: &str,
        at: Timestamp,
    ) -> Result<[u8; 32], StoreError> {
        let (seed, public) = new_seed()?;
        let sealed = self.key().seal(TABLE, SIGNING, seed.as_slice())?;
        let mut change = self.write().await?;
        let sql = "INSERT INTO gateway_keys (name, public, sealed, made_at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (name) DO UPDATE SET public = excluded.public, sealed = excluded.sealed, made_at = excluded.made_at";
        let values = values![SIGNING, openssh(&public), sealed.as_slice(), at];
        change.tx.execute(sql, values).await?;
        let records: Vec<_> = register(&mut change, &public, STORE, at)
            .await?
            .into_iter()
            .map(|record| record.claimed(by))
            .collect();
        let records = tables::with_sealed(&records, AuditKind::KeyMade, &sealed);
        change.commit(&records).await?;
        Ok(public)
    }

    /// Notes that this key signs from now on, if it does not already, with a record of it.
    ///
    /// # Errors
    /// The store failed; nothing is changed.
    pub async fn use_signing_key(
        &self,
        public: &[u8; 32],
        source: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let in_use = |keys: &[SigningKey]| {
            keys.iter()
                .any(|key| key.public == *public && key.until.is_none())
        };
        if in_use(&self.signing_keys().await?) {
            return Ok(());
        }
        let mut change = self.write().await?;
        let record = register(&mut change, public, source, at).await?;
        change.commit(&record).await
    }

    /// Every key that signs or signed for this store, in the order of their beginnings.
    ///
    /// # Errors
    /// The store failed.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        self.db()
            .rows(KEYS, values![])
            .await?
            .iter()
            .map(signing_key)
            .collect()
    }

    /// The identity by which the gateway reads recordings, made when it is first asked for. All nodes share it.
    ///
    /// # Errors
    /// The store failed, or the sealed identity does not open.
    pub async fn recordings_identity(&self, at: Timestamp) -> Result<Identity, StoreError> {
        let sql = "SELECT sealed FROM gateway_keys WHERE name = $1";
        if let Some(row) = self.db().row(sql, values![READING]).await? {
            return self.open_identity(&row);
        }
        let identity = Identity::generate();
        let sealed = self
            .key()
            .seal(TABLE, READING, identity.to_text().as_bytes())?;
        let public = identity.public().to_string();
        let mut change = self.write().await?;
        // Another process may have been faster; then its identity is the gateway's.
        if let Some(row) = change.tx.row(sql, values![READING]).await? {
            return self.open_identity(&row);
        }
        let sql =
            "INSERT INTO gateway_keys (name, public, sealed, made_at) VALUES ($1, $2, $3, $4)";
        change
            .tx
            .execute(sql, values![READING, &public, sealed.as_slice(), at])
            .await?;
        let record = AuditRecord::new(AuditKind::KeyMade, at)
            .detail("key", READING)
            .detail("public", public);
        let records = tables::with_sealed(&[record], AuditKind::KeyMade, &sealed);
        change.commit(&records).await?;
        Ok(identity)
    }

    fn open_seed(&self, row: &Row) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        let opened = self.key().open(TABLE, SIGNING, &row.bytes("sealed")?)?;
        let seed: [u8; 32] = opened
            .as_slice()
            .try_into()
            .map_err(|_| StoreError::malformed("sealed", "a seed has 32 bytes"))?;
        Ok(Zeroizing::new(seed))
    }

    fn open_identity(&self, row: &Row) -> Result<Identity, StoreError> {
        let opened = self.key().open(TABLE, READING, &row.bytes("sealed")?)?;
        std::str::from_utf8(&opened)
            .ok()
            .and_then(|text| Identity::parse_all(text).ok()?.pop())
            .ok_or_else(|| StoreError::malformed("sealed", "it is no age identity"))
    }
}

const KEYS: &str =
    "SELECT public, source, from_at, until_at FROM signing_keys ORDER BY from_at, public";

fn new_seed() -> Result<(Zeroizing<[u8; 32]>, [u8; 32]), StoreError> {
    let seed = Zeroizing::new(secrets::random::<32>()?);
    let key = HeldKey::from_seed(seed.as_slice())
        .map_err(|error| StoreError::NotSigned(error.to_string()))?;
    Ok((seed, key.public()))
}

/// Puts a key on the list and ends the others; the record that says so.
async fn register(
    change: &mut Writing,
    public: &[u8; 32],
    source: &str,
    at: Timestamp,
) -> Result<Vec<AuditRecord>, StoreError> {
    let rows = change.tx.rows(KEYS, values![]).await?;
    let keys = rows
        .iter()
        .map(signing_key)
        .collect::<Result<Vec<_>, _>>()?;
    let active: Vec<_> = keys.iter().filter(|key| key.until.is_none()).collect();
    if active.iter().any(|key| key.public == *public) {
        return Ok(Vec::new());
    }
    let sql = "UPDATE signing_keys SET until_at = $1 WHERE until_at IS NULL";
    change.tx.execute(sql, values![at]).await?;
    let sql = "INSERT INTO signing_keys (public, source, from_at) VALUES ($1, $2, $3)";
    let line = openssh(public);
    change.tx.execute(sql, values![&line, source, at]).await?;
    let mut record = AuditRecord::new(AuditKind::KeyMade, at)
        .detail("key", SIGNING)
        .detail("public", line)
        .detail("source", source);
    if let Some(before) = active.first() {
        record = record.detail("replaces", openssh(&before.public));
    }
    Ok(vec![record])
}

fn signing_key(row: &Row) -> Result<SigningKey, StoreError> {
    Ok(SigningKey {
        public: row.parsed("public", |line| {
            from_openssh(line).ok_or("it is no Ed25519 key")
        })?,
        source: row.text("source")?,
        from: row.time("from_at")?,
        until: row.time_or_none("until_at")?,
    })
}
