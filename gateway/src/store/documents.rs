//! Documents: each version with its texts, who applied it and when.
//!
//! The texts are what is kept; they are parsed again whenever they are needed, by the same policy that
//! checked them when they were applied. Applying writes one audit record per object created, changed or
//! removed (R5), in the transaction that makes the version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use ecluse_policy::documents::{
    Change, DocumentError, NodeRules, diff, parse_client, parse_provider,
};
use ecluse_policy::{ClientId, Documents, PersonId, Timestamp, clients_concerned};

use super::bound::{self, DocumentText};
use super::sql::{Row, values};
use super::{Store, StoreError, Writing, remembered};
use crate::audit::{AuditKind, AuditRecord, trails};

/// Documents as people wrote them: `clients/hopital.toml` → its text.
pub type DocumentTexts = BTreeMap<String, String>;

/// A version of the documents in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Its number, from 1; 0 is the state before anything was applied, where nobody may do anything.
    pub version: u64,
    /// What it says.
    pub documents: Documents,
}

/// When a version was applied, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentVersion {
    /// Its number.
    pub version: u64,
    /// When.
    pub applied_at: Timestamp,
    /// By whom.
    pub applied_by: String,
}

/// A document in force, and who brought it there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentOf {
    /// SHA-256 of its text, hexadecimal.
    pub sha256: String,
    /// The version by which it came to say what it says.
    pub version: u64,
    /// When that was applied.
    pub applied_at: Option<Timestamp>,
    /// By whom.
    pub applied_by: String,
}

/// What is told of a document in the place of what stood in it before, where the store had another text than the log.
pub const UNKNOWN_BEFORE: &str =
    "the store held another text than the one on record: what stood before is not known";

/// What applying did.
#[derive(Debug, Clone, PartialEq)]
pub enum ApplyOutcome {
    /// A new version is in force.
    Applied {
        /// Its number.
        version: u64,
        /// What it changes; empty when only comments or the order of lines did.
        changes: Vec<Change>,
    },
    /// The texts are those in force already.
    Unchanged {
        /// The version in force.
        version: u64,
    },
}

/// Why documents were not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// They say something that cannot be.
    #[error("{}", lines(.0))]
    Documents(Vec<DocumentError>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) fn lines(errors: &[DocumentError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Parses texts and checks them against each other, as documents that are to be applied now on a gateway whose own settings
/// say `node` of budgets.
///
/// # Errors
/// Every error there is.
pub fn compile(texts: &DocumentTexts, node: &NodeRules) -> Result<Documents, Vec<DocumentError>> {
    let documents = read(texts)?.on_node(node.clone());
    let outdated = documents.outdated();
    if outdated.is_empty() {
        Ok(documents)
    } else {
        Err(outdated)
    }
}

/// Parses texts that were applied once, by this version or an earlier one: what this version asks for and they lack is
/// not in force, and the rest stands.
///
/// # Errors
/// Every error there is.
pub fn read(texts: &DocumentTexts) -> Result<Documents, Vec<DocumentError>> {
    let (mut providers, mut clients, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (file, text) in texts {
        if file.starts_with("providers/") {
            parse_provider(file, text).map_or_else(
                |found| errors.extend(found),
                |provider| providers.push(provider),
            );
        } else {
            parse_client(file, text)
                .map_or_else(|found| errors.extend(found), |client| clients.push(client));
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Documents::assemble(providers, clients)
}

impl Store {
    /// The documents in force, as the log says which they are; parsed once a version. Those that it contradicts close their
    /// owners' doors: [`Store::document_faults`].
    ///
    /// # Errors
    /// The store failed, or holds texts that this program does not understand.
    pub async fn documents(&self) -> Result<Arc<Applied>, StoreError> {
        let version = latest(self.db().row(LATEST, values![]).await?)?;
        match self.loaded_version(version) {
            Some(applied) => Ok(applied),
            None => self.look_at_documents().await,
        }
    }

    /// The texts of a version; none for version 0.
    ///
    /// # Errors
    /// The store failed.
    pub async fn document_texts(&self, version: u64) -> Result<DocumentTexts, StoreError> {
        texts(&self.db().rows(TEXTS, values![version]).await?)
    }

    /// The texts of a version with what binds them to the log.
    ///
    /// # Errors
    /// The store failed.
    pub async fn bound_texts(&self, version: u64) -> Result<Vec<DocumentText>, StoreError> {
        let sql =
            "SELECT file, text, salt, owner FROM document_texts WHERE version = $1 ORDER BY file";
        let rows = self.db().rows(sql, values![version]).await?;
        rows.iter().map(bound::document_text).collect()
    }

    /// All versions, the latest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn document_versions(&self) -> Result<Vec<DocumentVersion>, StoreError> {
        let sql =
            "SELECT version, applied_at, applied_by FROM document_versions ORDER BY version DESC";
        let rows = self.db().rows(sql, values![]).await?;
        rows.iter()
            .map(|row| {
                Ok(DocumentVersion {
                    version: row.count("version")?,
                    applied_at: row.time("applied_at")?,
                    applied_by: row.text("applied_by")?,
                })
            })
            .collect()
    }

    /// A document of a version: what it hashes to, and which version brought what it says.
    ///
    /// # Errors
    /// The store failed.
    pub async fn document_of(&self, version: u64, file: &str) -> Result<DocumentOf, StoreError> {
        let sql = "SELECT text FROM document_texts WHERE version = $1 AND file = $2";
        let Some(row) = self.db().row(sql, values![version, file]).await? else {
            return Ok(DocumentOf::default());
        };
        let text = row.text("text")?;
        let sql = "SELECT version, applied_at, applied_by FROM document_versions WHERE version <= $1 AND version > \
                   (SELECT COALESCE(MAX(version), 0) FROM document_texts WHERE file = $2 AND version < $1 AND text <> $3) \
                   AND version IN (SELECT version FROM document_texts WHERE file = $2) \
                   ORDER BY version LIMIT 1";
        let row = self
            .db()
            .row(sql, values![version, file, text.as_str()])
            .await?;
        let sha256 = ecluse_recordings::evidence::manifest::sha256_hex(text.as_bytes());
        Ok(match row {
            Some(row) => DocumentOf {
                sha256,
                version: row.count("version")?,
                applied_at: Some(row.time("applied_at")?),
                applied_by: row.text("applied_by")?,
            },
            None => DocumentOf {
                sha256,
                version,
                ..DocumentOf::default()
            },
        })
    }

    /// What applying `texts` would change.
    ///
    /// # Errors
    /// The texts cannot be applied, or the store failed.
    pub async fn plan_documents(&self, texts: &DocumentTexts) -> Result<ApplyOutcome, ApplyError> {
        let next = compile(texts, self.node()).map_err(ApplyError::Documents)?;
        let held = self.held().await?;
        let (current_texts, unknown) = held.texts_before(texts);
        // What the log contradicts is put in force again, on record, though the texts be the same.
        if current_texts == *texts && held.faults.is_empty() {
            return Ok(ApplyOutcome::Unchanged {
                version: held.version,
            });
        }
        Ok(ApplyOutcome::Applied {
            version: held.next,
            changes: changes(&current_texts, &unknown, &next),
        })
    }

    /// Puts `texts` in force as a new version, with one audit record per object that changes.
    ///
    /// People that the new version no longer names lose their enrolment and their remembered factors: should
    /// the same id be given to somebody else one day, it opens nothing for them (A1, A8).
    ///
    /// # Errors
    /// The texts cannot be applied, or the store failed; nothing is changed.
    pub async fn apply_documents(
        &self,
        texts: &DocumentTexts,
        by: &str,
        at: Timestamp,
    ) -> Result<ApplyOutcome, ApplyError> {
        let next = compile(texts, self.node()).map_err(ApplyError::Documents)?;
        let mut change = self.write().await?;
        let held = bound::held_in(&mut change).await?;
        let (current_texts, unknown) = held.texts_before(texts);
        if current_texts == *texts && held.faults.is_empty() {
            return Ok(ApplyOutcome::Unchanged {
                version: held.version,
            });
        }
        let changes = changes(&current_texts, &unknown, &next);
        let version = held.next;
        let sql =
            "INSERT INTO document_versions (version, applied_at, applied_by) VALUES ($1, $2, $3)";
        change.tx.execute(sql, values![version, at, by]).await?;
        let quiet = changed(version, by, at);
        // Whom a change of no client's own object concerns, the documents before it tell as much as those after it.
        let before = read(&current_texts).unwrap_or_default();
        let mut records = records(&changes, &quiet);
        for (record, change) in records.iter_mut().zip(&changes) {
            record.concerns = trails::concerned(&before, &next, change);
        }
        let both = [&before, &next];
        let mut records = bound::bind(&mut change, &held, texts, both, records, &quiet).await?;
        records.extend(bound::with_documents(&change, &next, &quiet));
        for mut record in remove_people(&mut change, both, by, at).await? {
            let person = record.person.as_deref().map(PersonId::parse);
            if let Some(Ok(person)) = person {
                record.concerns = clients_concerned(&before, &person);
            }
            records.push(record);
        }
        change.commit(&records).await?;
        Ok(ApplyOutcome::Applied { version, changes })
    }
}

/// The documents as `change` leaves them.
pub(super) async fn within(change: &mut Writing) -> Result<Arc<Documents>, StoreError> {
    let version = latest(change.tx.row(LATEST, values![]).await?)?;
    let texts = self::texts(&change.tx.rows(TEXTS, values![version]).await?)?;
    let cache = &change.inner.trails;
    let cached = cache.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((of, documents)) = cached
        && of == texts
    {
        return Ok(documents);
    }
    let documents = Arc::new(read(&texts).unwrap_or_default());
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    *cache = Some((texts, Arc::clone(&documents)));
    Ok(documents)
}

const LATEST: &str = "SELECT version FROM document_versions ORDER BY version DESC LIMIT 1";
const TEXTS: &str = "SELECT file, text FROM document_texts WHERE version = $1";

fn latest(row: Option<Row>) -> Result<u64, StoreError> {
    row.map_or(Ok(0), |row| row.count("version"))
}

fn texts(rows: &[Row]) -> Result<DocumentTexts, StoreError> {
    rows.iter()
        .map(|row| Ok((row.text("file")?, row.text("text")?)))
        .collect()
}

/// What changes from texts in force to new documents. Texts that this program no longer understands must not
/// keep anybody from applying corrected ones: beside them everything is new.
/// Whose document stands in `unknown` had another text than the one on record: no value of that is told as one that stood.
fn changes(current: &DocumentTexts, unknown: &BTreeSet<String>, next: &Documents) -> Vec<Change> {
    let mut changes = diff(&read(current).unwrap_or_default(), next);
    for change in &mut changes {
        let owner = bound::owner_of_object(&change.object);
        if owner.is_some_and(|owner| unknown.contains(&owner)) {
            change.detail = vec![UNKNOWN_BEFORE.to_owned()];
        }
    }
    changes
}

fn changed(version: u64, by: &str, at: Timestamp) -> AuditRecord {
    AuditRecord::new(AuditKind::DocumentChange, at)
        .claimed(by)
        .detail("version", version)
}

/// One record an object that changes; whose document it stands in, [`bound::bind`] adds.
fn records(changes: &[Change], change_of: &AuditRecord) -> Vec<AuditRecord> {
    changes
        .iter()
        .map(|change| {
            let record = change_of
                .clone()
                .detail("object", change.object.as_str())
                .detail("change", change.kind.name())
                .detail("lines", change.detail.clone());
            match client(&change.object) {
                Some(client) => record.client(&client),
                None => record,
            }
        })
        .collect()
}

/// The client whose object it is, so that the client reads the record (R9): `target hopital/db01`.
fn client(object: &str) -> Option<ClientId> {
    let (kind, name) = object.split_once(' ')?;
    if !matches!(kind, "client" | "operator" | "auditor" | "target" | "flow") {
        return None;
    }
    ClientId::parse(name.split('/').next()?).ok()
}

/// Takes from people who are gone what would let somebody in under their name.
async fn remove_people(
    change: &mut Writing,
    [before, documents]: [&Documents; 2],
    by: &str,
    at: Timestamp,
) -> Result<Vec<AuditRecord>, StoreError> {
    let mut gone = BTreeSet::new();
    let mut records = Vec::new();
    change.follow().await?;
    // By the log, whatever rows there are: one that was taken out for the while would be back with who is named again.
    let mut holders = change.inner.said().enrolled(before);
    for row in &change
        .tx
        .rows("SELECT person, disabled_at FROM enrolments", values![])
        .await?
    {
        // What the row says by itself disables nothing.
        if row.time_or_none("disabled_at")?.is_none() {
            holders.insert(row.parsed("person", PersonId::parse)?);
        }
    }
    holders.retain(|person| documents.person(person).is_none());
    for person in holders {
        let sql = "UPDATE enrolments SET disabled_at = $2 WHERE person = $1";
        change.tx.execute(sql, values![person.as_str(), at]).await?;
        let reason = format!("{by} removed the person from the documents");
        records.push(
            AuditRecord::new(AuditKind::EnrolmentDisabled, at)
                .person(&person)
                .reason(reason),
        );
        gone.insert(person);
    }
    let rows = change
        .tx
        .rows("SELECT DISTINCT person FROM remembered", values![])
        .await?;
    for row in &rows {
        let person = row.parsed("person", PersonId::parse)?;
        if documents.person(&person).is_none() {
            gone.insert(person);
        }
    }
    for person in &gone {
        remembered::forget(change, person).await?;
    }
    Ok(records)
}
