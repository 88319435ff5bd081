//! The beginning of the digests in a store that is older than they are.

use std::collections::BTreeMap;

use super::super::documents::read;
use super::super::sql::values;
use super::super::{DocumentTexts, Store, StoreError};
use super::documents::document_text;
use super::{new_salt, reach};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use ecluse_policy::{ClientId, Documents, InterventionId};
use ecluse_recordings::bound as keys;

/// Binds what an older program left, as it is found, and says so in entries: from here on every intervention and every
/// document must be what the log says. It happens once: what has no salt afterwards was put there by hand.
pub(in crate::store) async fn begin(store: &Store) -> Result<(), StoreError> {
    let unbound = "SELECT number AS place FROM interventions WHERE salt IS NULL UNION ALL \
                   SELECT version AS place FROM document_texts WHERE salt IS NULL LIMIT 1";
    if store.db().row(unbound, values![]).await?.is_none() {
        return Ok(());
    }
    store.follow().await?;
    // What is not there may say that they began.
    let is_known = {
        let said = store.said();
        said.begun() || said.owes_after(0)
    };
    if is_known {
        return Ok(());
    }
    let mut change = store.write().await?;
    change.follow().await?;
    // Another process may have been faster.
    if change.said().begun() {
        return Ok(());
    }
    let now = clock::now();
    let mut records = Vec::new();
    let sql = "SELECT id, number, client, state, body FROM interventions ORDER BY number";
    for row in &change.tx.rows(sql, values![]).await? {
        let id = row.id("id")?;
        let salt = new_salt()?;
        let digest = keys::digest(&salt, row.text("body")?.as_bytes());
        let sql = "UPDATE interventions SET salt = $2 WHERE id = $1";
        change.tx.execute(sql, values![id, salt]).await?;
        let mut record = AuditRecord::new(AuditKind::Bound, now)
            .intervention(InterventionId::from_uuid(id))
            .reason("as it was found; older than the digests")
            .detail("number", row.count("number")?)
            .detail("state", row.text("state")?)
            .detail(keys::INTERVENTION, digest);
        record.client = ClientId::parse(&row.text("client")?).ok();
        records.push(record);
    }
    let interventions = records.len();
    let sql = "SELECT version, file, text, salt, owner FROM document_texts ORDER BY version, file";
    let rows = change.tx.rows(sql, values![]).await?;
    let newest = "SELECT COALESCE(MAX(version), 0) AS version FROM document_versions";
    let newest = change.tx.row(newest, values![]).await?;
    let newest = newest.map_or(Ok(0), |row| row.count("version"))?;
    let (mut digests, mut texts) = (BTreeMap::new(), DocumentTexts::new());
    for row in &rows {
        let (version, text) = (row.count("version")?, document_text(row)?);
        let owner = owner(&text.file, &text.text);
        let salt = new_salt()?;
        let digest = keys::digest(&salt, text.text.as_bytes());
        let sql =
            "UPDATE document_texts SET salt = $3, owner = $4 WHERE version = $1 AND file = $2";
        let values = values![version, &text.file, salt, owner.as_ref()];
        change.tx.execute(sql, values).await?;
        let Some(owner) = owner.filter(|_| version == newest) else {
            continue;
        };
        digests.insert(owner.clone(), digest.clone());
        texts.insert(text.file.clone(), text.text);
        let mut record = AuditRecord::new(AuditKind::Bound, now)
            .reason("as it was found; older than the digests")
            .detail("version", version)
            .detail("file", text.file.as_str())
            .detail(keys::DOCUMENT_OF, owner.as_str())
            .detail(keys::DOCUMENT, digest);
        record.client = owner
            .strip_prefix("client ")
            .and_then(|client| ClientId::parse(client).ok());
        records.push(record);
    }
    // Of the providers that they reach, clients have nothing in their trails yet.
    let documents = read(&texts).unwrap_or_default();
    let model = AuditRecord::new(AuditKind::Reached, now).detail("version", newest);
    let both = [&Documents::default(), &documents];
    let reached = reach::records(both, &digests, &change.said(), &[], &model);
    records.extend(reached);
    let begin = AuditRecord::new(AuditKind::BindingsBegin, now)
        .reason("interventions and documents before this entry have no digest in the log; what the store holds of them is vouched for from here on")
        .detail("interventions", interventions)
        .detail("version", newest);
    records.insert(0, begin);
    change.commit(&records).await
}

/// Whose text it is, as far as it reads.
fn owner(file: &str, text: &str) -> Option<String> {
    let one = DocumentTexts::from([(file.to_owned(), text.to_owned())]);
    if file.starts_with("providers/") {
        let documents = read(&one).ok()?;
        let id = documents.providers().keys().next()?;
        return Some(format!("provider {id}"));
    }
    // Alone it names providers that are not there; whose it is, it says all the same.
    let client = ecluse_policy::documents::parse_client(file, text).ok()?;
    Some(format!("client {}", client.id))
}
