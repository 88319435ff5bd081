//! Rows that `ecluse journal verify` compares with the log, and that others read in part or one by one.

use std::collections::BTreeMap;

use ecluse_policy::{ClientId, TargetId, Timestamp};
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::log::SignedNote;

use super::sql::{Row, values};
use super::{HostKeyAlert, Store, StoreError};
use crate::audit::{AuditKind, AuditRecord};

/// A row that permits to take words away, beside the entry that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The entry.
    pub seq: u64,
    /// Whose words; none for nobody's.
    pub client: Option<String>,
    /// Up to which entry.
    pub up_to: u64,
    /// When.
    pub at: Timestamp,
}

/// A key of the gateway itself, by its public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKey {
    /// What it is for.
    pub name: String,
    /// Its public half.
    pub public: String,
    /// When it was made.
    pub made_at: Timestamp,
}

/// The detail of an entry that has the digest of a sealed value: a nonce makes each another, so it tells nothing of what is
/// sealed.
pub const SEALED: &str = "sealed-sha256";

/// The same records, those of a kind with the digest of what was sealed.
pub(super) fn with_sealed(
    records: &[AuditRecord],
    kind: AuditKind,
    sealed: &[u8],
) -> Vec<AuditRecord> {
    let records = records.iter().cloned();
    records
        .map(|record| {
            if record.kind == kind {
                record.detail(SEALED, sha256_hex(sealed))
            } else {
                record
            }
        })
        .collect()
}

/// A sealed value, as it stands in its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// Of which table.
    pub table: &'static str,
    /// Of which row: a person; target, account and kind; the name of a key.
    pub row: String,
    /// Its digest.
    pub digest: String,
    /// Whether the store's key opens it there: it was sealed for this row and for no other.
    pub opens: bool,
}

impl Store {
    /// Every secret, sealed.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sealed_values(&self) -> Result<Vec<SealedValue>, StoreError> {
        let tables = [
            (
                "enrolments",
                "SELECT person AS place, secret AS sealed FROM enrolments ORDER BY person",
            ),
            (
                "credentials",
                "SELECT target || ' ' || account || ' ' || kind AS place, sealed FROM credentials ORDER BY target, account",
            ),
            (
                "gateway_keys",
                "SELECT name AS place, sealed FROM gateway_keys ORDER BY name",
            ),
        ];
        let mut found = Vec::new();
        for (table, sql) in tables {
            for row in &self.db().rows(sql, values![]).await? {
                let (place, sealed) = (row.text("place")?, row.bytes("sealed")?);
                found.push(SealedValue {
                    table,
                    digest: sha256_hex(&sealed),
                    opens: self.key().open(table, &place, &sealed).is_ok(),
                    row: place,
                });
            }
        }
        Ok(found)
    }

    /// Where a counter stands: `session` or `intervention`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn counter(&self, name: &'static str) -> Result<u64, StoreError> {
        let sql = "SELECT value FROM counters WHERE name = $1";
        let row = self.db().row(sql, values![name]).await?;
        row.ok_or(StoreError::Null {
            column: "counters.value",
        })?
        .count("value")
    }

    /// The last number that a receipt of each client drew, as the store has it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn receipts_drawn(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let sql = "SELECT name, value FROM counters WHERE name LIKE 'receipts/%'";
        let rows = self.db().rows(sql, values![]).await?;
        let drawn = |row: &Row| {
            let name = row.text("name")?;
            let client = name.strip_prefix("receipts/").unwrap_or_default();
            Ok((client.to_owned(), row.count("value")?))
        };
        rows.iter().map(drawn).collect()
    }

    /// What permits to take words away.
    ///
    /// # Errors
    /// The store failed.
    pub async fn permissions(&self) -> Result<Vec<Permission>, StoreError> {
        let sql = "SELECT seq, client, up_to, at FROM destructions ORDER BY seq";
        let permission = |row: &Row| {
            Ok(Permission {
                seq: row.count("seq")?,
                client: Some(row.text("client")?).filter(|client| !client.is_empty()),
                up_to: row.count("up_to")?,
                at: row.time("at")?,
            })
        };
        let rows = self.db().rows(sql, values![]).await?;
        rows.iter().map(permission).collect()
    }

    /// The checkpoints from a size on, each with the size and the time that its row names, in the order of those.
    ///
    /// # Errors
    /// The store failed.
    pub async fn kept_checkpoints(
        &self,
        from: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Timestamp, SignedNote)>, StoreError> {
        let sql = "SELECT size, at, note FROM checkpoints WHERE size >= $1 ORDER BY size LIMIT $2";
        let kept = |row: &Row| {
            let note = row.parsed("note", SignedNote::parse)?;
            Ok((row.count("size")?, row.time("at")?, note))
        };
        let rows = self.db().rows(sql, values![from, limit]).await?;
        rows.iter().map(kept).collect()
    }

    /// The keys of the gateway itself.
    ///
    /// # Errors
    /// The store failed.
    pub async fn own_keys(&self) -> Result<Vec<OwnKey>, StoreError> {
        let sql = "SELECT name, public, made_at FROM gateway_keys ORDER BY name";
        let key = |row: &Row| {
            Ok(OwnKey {
                name: row.text("name")?,
                public: row.text("public")?,
                made_at: row.time("made_at")?,
            })
        };
        self.db()
            .rows(sql, values![])
            .await?
            .iter()
            .map(key)
            .collect()
    }

    /// The alerts of every client.
    ///
    /// # Errors
    /// The store failed.
    pub async fn all_host_key_alerts(&self) -> Result<Vec<HostKeyAlert>, StoreError> {
        let sql = "SELECT at, client, target, expected, got FROM host_key_alerts ORDER BY at, id";
        let alert = |row: &Row| {
            Ok(HostKeyAlert {
                at: row.time("at")?,
                client: row.parsed("client", ClientId::parse)?,
                target: row.parsed("target", TargetId::parse)?,
                expected: row.text("expected")?,
                got: row.text("got")?,
            })
        };
        let rows = self.db().rows(sql, values![]).await?;
        rows.iter().map(alert).collect()
    }
}
