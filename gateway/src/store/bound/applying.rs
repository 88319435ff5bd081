//! Putting documents in force: each text beside its salt, each digest into the entry that tells of the change.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::documents::{Change, ChangeKind};
use ecluse_policy::{ClientId, Documents, Timestamp};
use ecluse_recordings::bound as keys;
use serde_json::Value as Json;

use super::super::documents::DocumentTexts;
use super::super::sql::values;
use super::super::{StoreError, Writing};
use super::documents::{Held, Wrong};
use super::reach;
use crate::audit::{AuditKind, AuditRecord, trails};

/// Puts the texts of a new version beside their salts, and into each record the digest of the document it is about;
/// documents that change without any object changing get a record of their own.
pub(in crate::store) async fn bind(
    change: &mut Writing,
    held: &Held,
    texts: &DocumentTexts,
    [before, next]: [&Documents; 2],
    records: Vec<AuditRecord>,
    quiet: &AuditRecord,
) -> Result<Vec<AuditRecord>, StoreError> {
    let owners = owners(next);
    let mut changed: BTreeMap<String, (String, Json)> = BTreeMap::new();
    for (file, text) in texts {
        let owner = owners.get(file.as_str()).cloned().unwrap_or_default();
        let salt = match held.kept(&owner, file, text) {
            Some(salt) => salt.to_owned(),
            None => {
                let salt = super::new_salt()?;
                let digest = keys::digest(&salt, text.as_bytes());
                changed.insert(owner.clone(), (file.clone(), digest.into()));
                salt
            }
        };
        let sql = "INSERT INTO document_texts (version, file, text, salt, owner) VALUES ($1, $2, $3, $4, $5)";
        let values = values![held.next, file, text, salt, owner];
        change.tx.execute(sql, values).await?;
    }
    let stay: BTreeSet<&String> = owners.values().collect();
    for owner in held.wanted.keys().filter(|owner| !stay.contains(owner)) {
        changed.insert(owner.clone(), (String::new(), Json::Null));
    }
    let mut told = BTreeSet::new();
    let mut bound: Vec<AuditRecord> = records
        .into_iter()
        .map(|record| {
            let object = record.detail.get("object").and_then(Json::as_str);
            match object.and_then(owner_of_object) {
                Some(owner) if changed.contains_key(&owner) => {
                    told.insert(owner.clone());
                    with_document(record, &owner, &changed)
                }
                Some(_) | None => record,
            }
        })
        .collect();
    for owner in changed.keys().filter(|owner| !told.contains(*owner)) {
        let mut faults = held.faults.iter();
        let accused = faults.any(|fault| fault.owner == *owner && fault.what != Wrong::Unknown);
        let mut record = quiet
            .clone()
            .detail("object", owner.as_str())
            .detail("change", if accused { "again" } else { "worded" })
            .reason(if accused {
                "put in force again: the store held another text than the one on record"
            } else {
                "comments or the order of lines changed, no object"
            });
        match owner.strip_prefix("client ") {
            Some(client) => record.client = ClientId::parse(client).ok(),
            None => {
                let change = Change {
                    object: owner.clone(),
                    kind: ChangeKind::Changed,
                    detail: Vec::new(),
                };
                record.concerns = trails::concerned(before, next, &change);
            }
        }
        bound.push(with_document(record, owner, &changed));
    }
    if bound.is_empty() {
        bound.push(quiet.clone().reason("no document changed"));
    }
    let mut digests = held.wanted.clone();
    for (owner, (_, digest)) in &changed {
        match digest.as_str() {
            Some(digest) => digests.insert(owner.clone(), digest.to_owned()),
            None => digests.remove(owner),
        };
    }
    let reached = reach::records([before, next], &digests, &change.said(), &bound, quiet);
    bound.extend(reached);
    Ok(bound)
}

fn with_document(
    record: AuditRecord,
    owner: &str,
    changed: &BTreeMap<String, (String, Json)>,
) -> AuditRecord {
    let Some((file, digest)) = changed.get(owner) else {
        return record;
    };
    let record = record
        .detail(keys::DOCUMENT_OF, owner)
        .detail(keys::DOCUMENT, digest.clone());
    if file.is_empty() {
        record
    } else {
        record.detail("file", file.as_str())
    }
}

/// By file.
fn owners(documents: &Documents) -> BTreeMap<&str, String> {
    let clients = documents.clients().values();
    let clients = clients.map(|client| (client.file.as_str(), format!("client {}", client.id)));
    let providers = documents.providers().values();
    let providers =
        providers.map(|provider| (provider.file.as_str(), format!("provider {}", provider.id)));
    clients.chain(providers).collect()
}

/// Whose document an object stands in: `target hopital/db01` in that of `client hopital`.
pub(in crate::store) fn owner_of_object(object: &str) -> Option<String> {
    let (kind, name) = object.split_once(' ')?;
    let owner = name.split('/').next()?;
    let whose = match kind {
        "client" | "operator" | "auditor" | "target" | "flow" => "client",
        "provider" | "technician" | "station" => "provider",
        _ => return None,
    };
    Some(format!("{whose} {owner}"))
}

/// Says again what is in force where the entry that says so is destroyed with this change: `doomed` are the places of
/// those that are.
pub(in crate::store) async fn put_in_force_again(
    change: &mut Writing,
    doomed: &BTreeSet<u64>,
    at: Timestamp,
) -> Result<Vec<AuditRecord>, StoreError> {
    change.follow().await?;
    let said = change.said();
    let all = said.in_force();
    Ok(all
        .filter(|(_, last, _)| doomed.contains(&last.seq))
        .map(|(owner, last, digest)| {
            let mut record = AuditRecord::new(AuditKind::Bound, at)
                .reason(
                    "the document in force stays the same; the entry that said so was destroyed",
                )
                .detail("version", last.version)
                .detail(keys::DOCUMENT_OF, owner)
                .detail(keys::DOCUMENT, digest);
            if let Some(file) = &last.file {
                record = record.detail("file", file.as_str());
            }
            let client = owner.strip_prefix("client ");
            record.client = client.and_then(|client| ClientId::parse(client).ok());
            record
        })
        .collect())
}
