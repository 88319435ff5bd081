//! What the log says of interventions and documents: the last word about each, read once and kept in memory.

use std::collections::{BTreeMap, HashMap};

use ecluse_policy::{ClientId, InterventionId};
use ecluse_recordings::bound as keys;
use ecluse_recordings::log::{Entry, Hash, leaf_hash};
use uuid::Uuid;

use super::super::StoreError;
use super::super::sql::Row;
use super::{is_step, session_subject, subject};
use crate::audit::{AuditKind, AuditVerdict};

/// Places of the log that are looked at in one statement.
const PAGE: u64 = 50_000;

/// Where the log ends, as it is counted: a row beyond that was put there by hand, and is no entry.
pub(super) const END: &str = "SELECT value AS last FROM counters WHERE name = 'audit'";

/// The entries of a stretch that have a digest, in order.
pub(super) const ENTRIES: &str = "SELECT seq, leaf, entry FROM journal WHERE seq > $1 AND seq <= $2 \
     AND (entry LIKE '%salted-sha256\"%' OR entry LIKE '%\"kind\":\"bindings-begin\"%') ORDER BY seq";

pub(super) fn end(row: Option<Row>) -> Result<u64, StoreError> {
    row.map_or(Ok(0), |row| row.count("last"))
}

/// Up to where to read next; none at the end.
pub(super) fn next(from: u64, end: u64) -> Option<u64> {
    (from < end).then(|| end.min(from.saturating_add(PAGE)))
}

/// What the log says, as far as it was read.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Said {
    read_to: u64,
    /// Whether there is any digest, or the word that they begin.
    begun: bool,
    /// The version of the documents when they began in an older store; 0 in one that always had them.
    old_version: u64,
    interventions: HashMap<Uuid, Latest>,
    /// By whose they are, oldest first.
    documents: BTreeMap<String, Vec<DocumentSaid>>,
    /// The digest of a provider's document that the trail of a client has last, by client and whose it is.
    known: BTreeMap<(String, String), String>,
    /// The last entry about any document.
    last_document: u64,
    /// What was found of a subject, where that is on record already.
    told: BTreeMap<String, String>,
}

/// The last word about an intervention.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Latest {
    pub(super) seq: u64,
    /// Of its body.
    pub(super) digest: String,
    /// Whose it is.
    pub(super) client: Option<String>,
    /// Its number.
    pub(super) number: Option<u64>,
    /// Whether the entry that asks for it has its words: under retention it goes with the row.
    pub(super) is_asked_for: bool,
    /// Who approved it, and when.
    pub(super) approvals: Vec<(String, i64)>,
    /// Whether it was bound as an older program left it: its approvals have no digest then.
    pub(super) found: bool,
}

/// A word about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DocumentSaid {
    pub(super) seq: u64,
    /// From which version on.
    pub(super) version: u64,
    /// Of its text; none where it was taken out of force.
    pub(super) digest: Option<String>,
    /// Its file, where the entry has it.
    pub(super) file: Option<String>,
    /// When it was applied; none where the entry only says again what was in force.
    pub(super) applied_at: Option<i64>,
}

impl Said {
    pub(in crate::store) fn read_to(&self) -> u64 {
        self.read_to
    }

    pub(super) fn begun(&self) -> bool {
        self.begun
    }

    pub(super) fn intervention(&self, id: Uuid) -> Option<&Latest> {
        self.interventions.get(&id)
    }

    /// Every intervention that the log tells of.
    pub(super) fn known(&self) -> Vec<(Uuid, Latest)> {
        let all = self.interventions.iter();
        all.map(|(id, latest)| (*id, latest.clone())).collect()
    }

    /// The documents in force, with the last word about each.
    pub(super) fn in_force(&self) -> impl Iterator<Item = (&str, &DocumentSaid, &str)> {
        self.documents.iter().filter_map(|(owner, said)| {
            let last = said.last()?;
            Some((owner.as_str(), last, last.digest.as_deref()?))
        })
    }

    /// The digest of the document that was in force with a version.
    pub(super) fn document_at(&self, owner: &str, version: u64) -> Option<&str> {
        let said = self.documents.get(owner)?;
        let last = said.iter().rfind(|said| said.version <= version)?;
        last.digest.as_deref()
    }

    /// What the log says of a document that is in force no more: the digest of its last text, and when it was taken out;
    /// none where no entry with words says so.
    pub(super) fn taken_out(&self, owner: &str) -> Option<(&str, i64)> {
        let said = self.documents.get(owner)?;
        let last = said.iter().rposition(|said| said.digest.is_some())?;
        let out = said.get(last.saturating_add(1))?;
        Some((said.get(last)?.digest.as_deref()?, out.applied_at?))
    }

    /// Whether an entry with words tells of any version of a document.
    pub(super) fn tells_of(&self, owner: &str) -> bool {
        self.documents.contains_key(owner)
    }

    /// The version of the documents when digests began in an older store.
    pub(super) fn old_version(&self) -> u64 {
        self.old_version
    }

    /// The newest version of the documents that the log tells of.
    pub(super) fn version(&self) -> u64 {
        let all = self.documents.values().flatten();
        all.map(|said| said.version).max().unwrap_or(0)
    }

    /// Whether the trail of this client has this digest of a document as its last word.
    pub(super) fn is_known_to(&self, client: &ClientId, owner: &str, digest: &str) -> bool {
        let key = (client.to_string(), owner.to_owned());
        self.known.get(&key).is_some_and(|known| known == digest)
    }

    pub(super) fn last_document(&self) -> u64 {
        self.last_document
    }

    /// Whether it is on record that `found` is what there is of a subject.
    pub(super) fn is_told(&self, subject: &str, found: &str) -> bool {
        self.told.get(subject).is_some_and(|told| told == found)
    }

    /// Takes in the entries of a stretch that ends with `to`.
    pub(super) fn take(&mut self, to: u64, rows: &[Row]) -> Result<(), StoreError> {
        for row in rows {
            let seq = row.count("seq")?;
            // Another reader may have come here first.
            if seq <= self.read_to {
                continue;
            }
            let line = row.text("entry")?;
            let leaf: Result<[u8; 32], _> = row.bytes("leaf")?.try_into();
            let sound = leaf.is_ok_and(|leaf| Hash(leaf) == leaf_hash(line.as_bytes()));
            if let Ok(entry) = Entry::parse(line.as_bytes()) {
                self.entry(seq, &entry, sound && entry.seq == seq);
            }
        }
        self.read_to = self.read_to.max(to);
        Ok(())
    }

    /// Takes in one entry. Where its words are not those that were hashed, they say nothing, and what they are about is
    /// vouched for by nothing.
    fn entry(&mut self, seq: u64, entry: &Entry, sound: bool) {
        let Some(kind) = AuditKind::parse(&entry.kind) else {
            return;
        };
        self.begun = true;
        if kind == AuditKind::BindingsBegin {
            self.old_version = entry.detail_number("version").unwrap_or(0);
        }
        let refused = entry.verdict.as_deref() == Some(AuditVerdict::Refuse.name());
        let id = entry.intervention.as_deref();
        let id = id.and_then(|id| Uuid::parse_str(id).ok());
        let owner = entry.detail_text(keys::DOCUMENT_OF);
        if kind == AuditKind::NotOnRecord {
            let session = entry.session.as_deref();
            let session = session.and_then(|id| Uuid::parse_str(id).ok());
            let subject = match (owner, id, session) {
                (Some(owner), _, _) => owner.to_owned(),
                (None, Some(id), _) => subject(InterventionId::from_uuid(id)),
                (None, None, Some(id)) => session_subject(id),
                (None, None, None) => return,
            };
            let found = entry.detail_text(keys::CONTRADICTED).unwrap_or_default();
            self.told.insert(subject, found.to_owned());
        } else if let Some(owner) = owner {
            let digest = entry.detail_text(keys::DOCUMENT).map(str::to_owned);
            let version = entry.detail_number("version").unwrap_or(0);
            if let Some(client) = &entry.client {
                let key = (client.clone(), owner.to_owned());
                match digest.clone().filter(|_| sound) {
                    Some(digest) => self.known.insert(key, digest),
                    None => self.known.remove(&key),
                };
            }
            let all = self.documents.entry(owner.to_owned()).or_default();
            all.push(DocumentSaid {
                seq,
                version,
                digest: if sound {
                    digest
                } else {
                    digest.map(|_| String::new())
                },
                file: entry.detail_text("file").map(str::to_owned),
                applied_at: (kind == AuditKind::DocumentChange).then_some(entry.at_us),
            });
            self.last_document = seq;
            self.told.remove(owner);
        } else if let Some(id) = id
            && (is_step(kind) || kind == AuditKind::Bound)
            && !refused
            && let Some(digest) = entry.detail_text(keys::INTERVENTION)
        {
            let latest = self.interventions.entry(id).or_default();
            latest.seq = seq;
            latest.digest = if sound {
                digest.to_owned()
            } else {
                String::new()
            };
            latest.client.clone_from(&entry.client);
            latest.number = latest.number.or(entry.detail_number("number"));
            latest.is_asked_for |= kind == AuditKind::Request;
            latest.found |= kind == AuditKind::Bound;
            if kind == AuditKind::Approval {
                let by = entry.person.clone().unwrap_or_default();
                latest.approvals.push((by, entry.at_us));
            }
        }
    }
}
