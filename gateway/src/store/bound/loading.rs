//! The documents in force, made of the texts that the log vouches for; and what keeps the people of a closed door able to
//! read why it is closed.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use ecluse_policy::documents::{Client, Closed, CopyRules, Provider, parse_client, parse_provider};
use ecluse_policy::{DocumentError, Documents, Timestamp};
use ecluse_recordings::bound as keys;

use super::super::documents::{Applied, DocumentTexts, lines};
use super::super::sql::values;
use super::super::{Store, StoreError};
use super::documents::{
    DocumentFault, DocumentText, Held, IN_FORCE, VERSION, Wrong, digest, document_text, held_in,
    version,
};
use super::said::Said;
use crate::audit::{AuditKind, AuditRecord};

/// The documents last read.
#[derive(Debug, Default)]
pub(in crate::store) struct Loaded {
    applied: Option<Arc<Applied>>,
    /// What it was made of: two looks that find the same make the same.
    made_of: Vec<(String, String, String)>,
    faults: Vec<DocumentFault>,
    /// The last text of each owner that was the right one: digest, file, text.
    right: BTreeMap<String, (String, String, String)>,
}

impl Store {
    fn loaded(&self) -> MutexGuard<'_, Loaded> {
        let documents = &self.inner.documents;
        documents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The documents in force, where the version is the one last looked at.
    pub(in crate::store) fn loaded_version(&self, version: u64) -> Option<Arc<Applied>> {
        let applied = self.loaded().applied.clone();
        applied.filter(|applied| applied.version == version)
    }

    /// What is wrong with the documents, as they were last looked at.
    pub fn document_faults(&self) -> Vec<DocumentFault> {
        self.loaded().faults.clone()
    }

    /// The newest version between two looks at the log that have the same last word about documents: a version that is
    /// being applied accuses nobody.
    pub(in crate::store) async fn held(&self) -> Result<Held, StoreError> {
        loop {
            self.follow().await?;
            let before = self.said().document_words();
            let version = version(self.db().row(VERSION, values![]).await?)?;
            let rows = self.db().rows(IN_FORCE, values![]).await?;
            self.follow().await?;
            if self.said().document_words() == before {
                return Held::compare(version, &rows, &self.said());
            }
        }
    }

    /// Looks at the texts of the newest version, whatever was read of them before.
    ///
    /// # Errors
    /// The store failed, or holds texts that this program does not understand.
    pub async fn look_at_documents(&self) -> Result<Arc<Applied>, StoreError> {
        let held = self.held().await?;
        let made_of = held.made_of();
        let clearances = self.said().clearances();
        {
            let loaded = self.loaded();
            if let Some(applied) = &loaded.applied
                && applied.version == held.version
                && *applied.documents.clearances() == clearances
                && loaded.made_of == made_of
                && loaded.faults == held.faults
            {
                return Ok(Arc::clone(applied));
            }
        }
        let documents = self.assembled(&held).await?;
        let applied = Arc::new(Applied {
            version: held.version,
            documents: documents.on_node(self.node().clone()).cleared(clearances),
        });
        for owner in held.sound.keys() {
            self.said().is_right(|| owner.clone());
        }
        let mut loaded = self.loaded();
        for (owner, (text, digest)) in &held.sound {
            let right = (digest.clone(), text.file.clone(), text.text.clone());
            loaded.right.insert(owner.clone(), right);
        }
        loaded.applied = Some(Arc::clone(&applied));
        loaded.made_of = made_of;
        loaded.faults = held.faults;
        Ok(applied)
    }

    /// The documents that are right, and of those that are not what keeps their people able to read why.
    async fn assembled(&self, held: &Held) -> Result<Documents, StoreError> {
        let sound = held.sound.values();
        let mut texts: DocumentTexts = sound
            .map(|(text, _)| (text.file.clone(), text.text.clone()))
            .collect();
        let mut untrusted = Vec::new();
        for fault in &held.faults {
            match fault.what {
                Wrong::Planted => {}
                Wrong::Altered | Wrong::Missing | Wrong::Unknown => {
                    if let Some((file, text)) = self.right_text(held, &fault.owner).await? {
                        texts.insert(file, text);
                    } else {
                        let owner = Some(fault.owner.as_str());
                        let found = held.unsound.iter();
                        untrusted.extend(found.filter(|text| text.owner.as_deref() == owner));
                    }
                }
            }
        }
        let mut parsed = Parsed::default();
        let mut errors = Vec::new();
        for (file, text) in &texts {
            parsed.read(file, text, &mut errors);
        }
        let wrong = |errors: &[_]| StoreError::Documents {
            problems: lines(errors),
        };
        if !errors.is_empty() {
            return Err(wrong(&errors));
        }
        let mut documents = parsed
            .assemble(held.closed())
            .map_err(|errors| wrong(&errors))?;
        for text in untrusted {
            let mut with = parsed.clone();
            let mut unread = Vec::new();
            with.read_untrusted(text, &mut unread);
            if unread.is_empty()
                && let Ok(more) = with.assemble(held.closed())
            {
                (parsed, documents) = (with, more);
            }
        }
        Ok(documents)
    }

    /// The text that the log says is in force, wherever it is still found.
    async fn right_text(
        &self,
        held: &Held,
        owner: &str,
    ) -> Result<Option<(String, String)>, StoreError> {
        let Some(wanted) = held.wanted.get(owner) else {
            return Ok(None);
        };
        if let Some((digest, file, text)) = self.loaded().right.get(owner)
            && digest == wanted
        {
            return Ok(Some((file.clone(), text.clone())));
        }
        let sql = "SELECT file, text, salt, owner FROM document_texts WHERE owner = $1 ORDER BY version DESC";
        for row in &self.db().rows(sql, values![owner]).await? {
            let text = document_text(row)?;
            if digest(&text) == *wanted {
                return Ok(Some((text.file, text.text)));
            }
        }
        Ok(None)
    }

    /// Puts what is wrong with the documents on record, once for what was found.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tell_document_faults(&self, at: Timestamp) -> Result<(), StoreError> {
        let faults = self.document_faults();
        let untold = |said: &Said| {
            let faults = faults.iter();
            faults
                .filter(|fault| {
                    fault.what != Wrong::Unknown && !said.is_told(&fault.owner, &fault.found)
                })
                .cloned()
                .collect::<Vec<_>>()
        };
        if untold(&self.said()).is_empty() {
            return Ok(());
        }
        let mut change = self.write().await?;
        let held = held_in(&mut change).await?;
        let mut records = Vec::new();
        for fault in untold(&change.said()) {
            if !held.faults.contains(&fault) {
                continue;
            }
            let mut record = AuditRecord::new(AuditKind::NotOnRecord, at)
                .refused()
                .reason(&fault)
                .detail(keys::DOCUMENT_OF, fault.owner.as_str())
                .detail("file", fault.file.clone())
                .detail("version", held.version)
                .detail(keys::CONTRADICTED, fault.found.as_str());
            record.client = fault.client();
            records.push(record);
        }
        if records.is_empty() {
            return Ok(());
        }
        change.commit(&records).await
    }
}

/// Documents one by one, before they are put together.
#[derive(Debug, Clone, Default)]
struct Parsed {
    providers: Vec<Provider>,
    clients: Vec<Client>,
}

impl Parsed {
    fn read(&mut self, file: &str, text: &str, errors: &mut Vec<DocumentError>) {
        if file.starts_with("providers/") {
            match parse_provider(file, text) {
                Ok(provider) => self.providers.push(provider),
                Err(found) => errors.extend(found),
            }
        } else {
            match parse_client(file, text) {
                Ok(client) => self.clients.push(client),
                Err(found) => errors.extend(found),
            }
        }
    }

    /// Reads a text that is not the right one, so that its people can be told; where it sends copies counts for nothing.
    fn read_untrusted(&mut self, text: &DocumentText, errors: &mut Vec<DocumentError>) {
        self.read(&text.file, &text.text, errors);
        if !text.file.starts_with("providers/")
            && let Some(client) = self.clients.last_mut()
        {
            client.copies = CopyRules::default();
        }
    }

    fn assemble(&self, closed: Closed) -> Result<Documents, Vec<DocumentError>> {
        Documents::assemble_around(closed, self.providers.clone(), self.clients.clone())
    }
}
