//! With which settings the gateway began, so that other ones are on record (R5): settings change what is kept, whom a
//! clock is compared with, what the doors bear.
//!
//! Settings may hold passwords, so of each part only a salted digest is kept, and the record names the parts alone.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::Timestamp;
use ecluse_recordings::evidence::manifest::sha256_hex;
use serde::{Deserialize, Serialize};

use super::sql::values;
use super::{Store, StoreError};
use crate::audit::{AuditKind, AuditRecord};
use crate::secrets;

/// The fact which settings a gateway began with last, where only one ever had the store.
const FACT: &str = "settings";

/// The detail of a start that has the digest of that fact.
pub const SETTINGS: &str = "settings-sha256";

/// The detail of the same entries that names the gateway, by its node.
pub const NODE: &str = "node";

/// The parts of the settings, each by a digest.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    salt: String,
    parts: BTreeMap<String, String>,
}

impl Known {
    fn of(salt: String, parts: &BTreeMap<String, String>) -> Self {
        let digest = |(name, text): (&String, &String)| {
            (name.clone(), sha256_hex(format!("{salt}{text}").as_bytes()))
        };
        let parts = parts.iter().map(digest).collect();
        Self { salt, parts }
    }

    /// The parts that differ, one of both may lack.
    fn differences(&self, other: &Self) -> Vec<String> {
        let names: BTreeSet<&String> = self.parts.keys().chain(other.parts.keys()).collect();
        names
            .into_iter()
            .filter(|name| self.parts.get(*name) != other.parts.get(*name))
            .cloned()
            .collect()
    }
}

impl Store {
    /// The gateway that is `node` begins to serve with settings of these parts: puts that on record, and which ones are others
    /// than at its own last beginning with this store. What other gateways of the store began with is no matter.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn begin_with_settings(
        &self,
        node: &str,
        parts: &BTreeMap<String, String>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        // By its digest in the entry of the start, the log tells when the fact was exchanged.
        let began = |text: &str| {
            AuditRecord::new(AuditKind::GatewayStart, at)
                .detail(NODE, node)
                .detail(SETTINGS, sha256_hex(text.as_bytes()))
        };
        let fact = format!("{FACT} of {node}");
        let mut change = self.write().await?;
        // Of a store that an earlier version began with, the fact is of no gateway in particular: of the one that it had.
        let sql = "SELECT value FROM facts WHERE name IN ($1, $2) ORDER BY name = $2";
        let row = change.tx.row(sql, values![&fact, FACT]).await?;
        let before = row
            .map(|row| row.parsed("value", |text| serde_json::from_str::<Known>(text)))
            .transpose()?;
        let salt = match &before {
            Some(before) => before.salt.clone(),
            None => format!("{:032x}", u128::from_be_bytes(secrets::random()?)),
        };
        let now = Known::of(salt, parts);
        let text = serde_json::to_string(&now)
            .map_err(|error| StoreError::malformed("facts.value", error))?;
        let changed = match &before {
            Some(before) if *before == now => return change.commit(&[began(&text)]).await,
            Some(before) => before.differences(&now),
            // The first beginning, or the first of a gateway that keeps this.
            None => Vec::new(),
        };
        let sql = "INSERT INTO facts (name, value) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        change.tx.execute(sql, values![&fact, &text]).await?;
        let mut records: Vec<AuditRecord> = if changed.is_empty() {
            Vec::new()
        } else {
            let record = AuditRecord::new(AuditKind::SettingsChange, at)
                .reason("the gateway began with other settings than before")
                .detail(NODE, node)
                .detail("parts", changed);
            vec![record]
        };
        records.push(began(&text));
        change.commit(&records).await
    }
}
