//! Documents: each version with its texts, who applied it and when.
//!
//! The texts are what is kept; they are parsed again whenever they are needed, by the same policy that
//! checked them when they were applied. Applying writes one audit record per object created, changed or
//! removed (R5), in the transaction that makes the version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use ecluse_policy::documents::{
    Change, ChangeKind, DocumentError, diff, parse_client, parse_provider,
};
use ecluse_policy::{ClientId, Documents, PersonId, Timestamp, clients_concerned};

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

fn lines(errors: &[DocumentError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Parses texts and checks them against each other, as documents that are to be applied now.
///
/// # Errors
/// Every error there is.
pub fn compile(texts: &DocumentTexts) -> Result<Documents, Vec<DocumentError>> {
    let documents = read(texts)?;
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
    /// The documents in force. Parsed once a version.
    ///
    /// # Errors
    /// The store failed, or holds texts that this program does not understand.
    pub async fn documents(&self) -> Result<Arc<Applied>, StoreError> {
        let version = latest(self.db().row(LATEST, values![]).await?)?;
        let cache = &self.inner.documents;
        let cached = cache.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(applied) = cached.filter(|applied| applied.version == version) {
            return Ok(applied);
        }
        let texts = self.document_texts(version).await?;
        let applied = Arc::new(Applied {
            version,
            documents: recompile(&texts)?,
        });
        *cache.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&applied));
        Ok(applied)
    }

    /// The texts of a version; none for version 0.
    ///
    /// # Errors
    /// The store failed.
    pub async fn document_texts(&self, version: u64) -> Result<DocumentTexts, StoreError> {
        texts(&self.db().rows(TEXTS, values![version]).await?)
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

    /// What applying `texts` would change.
    ///
    /// # Errors
    /// The texts cannot be applied, or the store failed.
    pub async fn plan_documents(&self, texts: &DocumentTexts) -> Result<ApplyOutcome, ApplyError> {
        let next = compile(texts).map_err(ApplyError::Documents)?;
        let current = latest(self.db().row(LATEST, values![]).await?)?;
        let current_texts = self.document_texts(current).await?;
        if current_texts == *texts {
            return Ok(ApplyOutcome::Unchanged { version: current });
        }
        Ok(ApplyOutcome::Applied {
            version: current + 1,
            changes: changes(&current_texts, &next),
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
        let next = compile(texts).map_err(ApplyError::Documents)?;
        let mut change = self.write().await?;
        let current = latest(change.tx.row(LATEST, values![]).await?)?;
        let current_texts = self::texts(&change.tx.rows(TEXTS, values![current]).await?)?;
        if current_texts == *texts {
            return Ok(ApplyOutcome::Unchanged { version: current });
        }
        let changes = changes(&current_texts, &next);
        let version = current + 1;
        let sql =
            "INSERT INTO document_versions (version, applied_at, applied_by) VALUES ($1, $2, $3)";
        change.tx.execute(sql, values![version, at, by]).await?;
        for (file, text) in texts {
            let sql = "INSERT INTO document_texts (version, file, text) VALUES ($1, $2, $3)";
            change.tx.execute(sql, values![version, file, text]).await?;
        }
        // Whom a change of no client's own object concerns, the documents before it tell as much as those after it.
        let before = read(&current_texts).unwrap_or_default();
        let concerned = |change: &Change| trails::concerned(&before, &next, change);
        let mut records = records(&changes, version, by, at);
        for (record, change) in records.iter_mut().zip(&changes) {
            record.concerns = concerned(change);
        }
        if changes.is_empty() {
            // Comments, or the order of lines.
            let files = changed_files(&current_texts, texts);
            records = worded_otherwise(&files, &before, &next, records);
        }
        for mut record in remove_people(&mut change, &next, by, at).await? {
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

fn recompile(texts: &DocumentTexts) -> Result<Documents, StoreError> {
    read(texts).map_err(|errors| StoreError::Documents {
        problems: lines(&errors),
    })
}

/// What changes from texts in force to new documents. Texts that this program no longer understands must not
/// keep anybody from applying corrected ones: beside them everything is new.
fn changes(current: &DocumentTexts, next: &Documents) -> Vec<Change> {
    diff(&read(current).unwrap_or_default(), next)
}

fn records(changes: &[Change], version: u64, by: &str, at: Timestamp) -> Vec<AuditRecord> {
    let record = || {
        AuditRecord::new(AuditKind::DocumentChange, at)
            .claimed(by)
            .detail("version", version)
    };
    if changes.is_empty() {
        return vec![record().reason("comments or the order of lines changed, no object")];
    }
    changes
        .iter()
        .map(|change| {
            let record = record()
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

/// Files whose texts differ, one of them may lack.
fn changed_files(before: &DocumentTexts, after: &DocumentTexts) -> BTreeSet<String> {
    let files: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    files
        .into_iter()
        .filter(|file| before.get(*file) != after.get(*file))
        .cloned()
        .collect()
}

/// Records of files in which no object changed, each for those whose file it is.
fn worded_otherwise(
    files: &BTreeSet<String>,
    before: &Documents,
    after: &Documents,
    records: Vec<AuditRecord>,
) -> Vec<AuditRecord> {
    let Some(record) = records.first() else {
        return records;
    };
    let of_file = |file: &String| {
        let record = record.clone();
        for documents in [after, before] {
            let client = documents.clients().values().find(|one| one.file == *file);
            if let Some(client) = client {
                let object = format!("client {}", client.id);
                return record.detail("object", object).client(&client.id);
            }
            let provider = documents.providers().values().find(|one| one.file == *file);
            if let Some(provider) = provider {
                let change = Change {
                    object: format!("provider {}", provider.id),
                    kind: ChangeKind::Changed,
                    detail: Vec::new(),
                };
                let concerns = trails::concerned(before, after, &change);
                return record.detail("object", change.object).concerning(concerns);
            }
        }
        record
    };
    files.iter().map(of_file).collect()
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
    documents: &Documents,
    by: &str,
    at: Timestamp,
) -> Result<Vec<AuditRecord>, StoreError> {
    let mut gone = BTreeSet::new();
    let mut records = Vec::new();
    let rows = change
        .tx
        .rows(
            "SELECT person FROM enrolments WHERE disabled_at IS NULL",
            values![],
        )
        .await?;
    for row in &rows {
        let person = row.parsed("person", PersonId::parse)?;
        if documents.person(&person).is_some() {
            continue;
        }
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
