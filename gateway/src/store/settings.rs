//! With which settings the gateway began, so that other ones are on record (R5): settings change what is kept, whom a
//! clock is compared with, what the doors bear.
//!
//! Settings may hold passwords, so of each part only a salted digest is kept, and the record names the parts alone.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::Timestamp;
use ecluse_recordings::evidence::manifest::sha256_hex;
use serde::{Deserialize, Serialize};

use super::sql::values;
use super::{Store, StoreError, Writing, bound};
use crate::audit::{AuditKind, AuditRecord};
use crate::secrets;

/// The fact which settings a gateway began with last, where only one ever had the store.
const FACT: &str = "settings";

/// The detail of a start that has the digest of that fact.
pub const SETTINGS: &str = "settings-sha256";

/// The detail of the same entries that names the gateway, by its node.
pub const NODE: &str = "node";

/// The detail of a start after which the end of that gateway is on record by its node, before it begins again.
pub const ENDS: &str = "ends-by-node";

/// What a change of settings is, where a gateway began beside others for the first time.
pub const JOINED: &str = "joined";

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
    /// than at its own last beginning with this store. What other gateways of the store began with is no matter, unless this one
    /// begins for the first time: then a gateway joined the store, and with which other settings than the last of them.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn begin_with_settings(
        &self,
        node: &str,
        parts: &BTreeMap<String, String>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let fact = format!("{FACT} of {node}");
        bound::begin_destroyed(self).await?;
        let mut change = self.write().await?;
        change.follow().await?;
        let before = before(&mut change, node, &fact).await?;
        let salt = match &before {
            Before::Own(known) | Before::Joins(Some(known)) => known.salt.clone(),
            Before::First | Before::Joins(None) | Before::Lost => new_salt()?,
        };
        let now = Known::of(salt, parts);
        let all = || parts.keys().cloned().collect();
        let told = AuditRecord::new(AuditKind::SettingsChange, at).detail(NODE, node);
        let told = match before {
            Before::First => None,
            Before::Own(before) => {
                let changed = before.differences(&now);
                (!changed.is_empty()).then(|| {
                    told.reason("the gateway began with other settings than before")
                        .detail("parts", changed)
                })
            }
            Before::Joins(other) => {
                let changed = other.map_or_else(all, |other| other.differences(&now));
                let told = told
                    .reason("a gateway began for the first time with this store, beside others")
                    .detail("change", JOINED)
                    .detail("parts", changed);
                Some(told)
            }
            Before::Lost => {
                let told = told
                    .reason("what the store kept of the settings before is not what is on record: whether they are others is not known")
                    .detail("parts", all());
                Some(told)
            }
        };
        // Two nodes do not share a salt.
        let now = match &told {
            Some(told) if told.detail.contains_key("change") => Known::of(new_salt()?, parts),
            Some(_) | None => now,
        };
        let text = serde_json::to_string(&now)
            .map_err(|error| StoreError::malformed("facts.value", error))?;
        let sql = "INSERT INTO facts (name, value) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        change.tx.execute(sql, values![&fact, &text]).await?;
        // By its digest in the entry of the start, the log tells when the fact was exchanged.
        let began = AuditRecord::new(AuditKind::GatewayStart, at)
            .detail(NODE, node)
            .detail(ENDS, true)
            .detail(bound::COPIES, true)
            .detail(SETTINGS, sha256_hex(text.as_bytes()));
        let began = bound::telling_of_secrets(&mut change, began).await?;
        let began = bound::telling_of_people(&change, began);
        let records: Vec<_> = told.into_iter().chain([began]).collect();
        change.commit(&records).await
    }
}

/// With what a beginning is compared.
enum Before {
    /// With nothing: the store has no other.
    First,
    /// With the last of the same gateway.
    Own(Known),
    /// It is the first of this gateway: with the last of another one, where that is still known.
    Joins(Option<Known>),
    /// There was one, and what the store has of it is not what was on record.
    Lost,
}

async fn before(change: &mut Writing, node: &str, fact: &str) -> Result<Before, StoreError> {
    let sql = "SELECT name, value FROM facts WHERE name = $1 OR name LIKE $2";
    let others = format!("{FACT} of %");
    let rows = change.tx.rows(sql, values![FACT, others]).await?;
    let mut kept = BTreeMap::new();
    for row in &rows {
        kept.insert(row.text("name")?, row.text("value")?);
    }
    let read = |text: &str| serde_json::from_str::<Known>(text).ok();
    let said = change.inner.said();
    let on_record = said.settings();
    let is_last = |(_, digest): &(u64, &str), text: &str| *digest == sha256_hex(text.as_bytes());
    let last = on_record.get(&Some(node));
    let found = match (kept.get(fact), last) {
        (Some(text), Some(last)) => {
            // A later start may be among what is not there just now.
            let known = read(text).filter(|_| is_last(last, text) || said.owes_after(last.0));
            return Ok(known.map_or(Before::Lost, Before::Own));
        }
        (None, Some(_)) => return Ok(Before::Lost),
        // From before starts had it.
        (Some(text), None) => Some(text),
        (None, None) => None,
    };
    if let Some(found) = found {
        return Ok(read(found).map_or(Before::Lost, Before::Own));
    }
    let mut others: Vec<_> = on_record
        .iter()
        .filter_map(|(node, last)| Some((last, (*node)?)))
        .collect();
    others.sort_unstable();
    if others.is_empty() && kept.keys().all(|name| name == FACT) {
        // Of a store that an earlier version began with, the fact is of no gateway in particular: of the one that it had.
        let last = on_record.get(&None);
        let Some(text) = kept.get(FACT) else {
            return Ok(last.map_or(Before::First, |_| Before::Lost));
        };
        let own = read(text).filter(|_| last.is_none_or(|last| is_last(last, text)));
        return Ok(own.map_or(Before::Lost, Before::Own));
    }
    let latest = others.iter().rev().find_map(|(last, node)| {
        let text = kept.get(&format!("{FACT} of {node}"))?;
        read(text).filter(|_| is_last(last, text))
    });
    Ok(Before::Joins(latest))
}

fn new_salt() -> Result<String, StoreError> {
    Ok(format!("{:032x}", u128::from_be_bytes(secrets::random()?)))
}
