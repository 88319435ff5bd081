//! What the log says of interventions, documents and open sessions: the last word about each, read once and kept in memory.
//!
//! A word that was believed is not forgotten: where the log is found shorter or other than it was read, the last words stay,
//! and what stands in the place of an entry that was read before says nothing (`adr/0032-what-a-gateway-has-seen-stays.md`).

use std::collections::{BTreeMap, HashMap};

use ecluse_policy::{ClientId, InterventionId, Timestamp};
use ecluse_recordings::bound as keys;
use ecluse_recordings::log::{Entry, Hash, leaf_hash};
use uuid::Uuid;

use super::super::StoreError;
use super::super::failures::{BLOCKS, person_subject};
use super::super::sql::Row;
use super::told::Places;
use super::witness::{NONE, Witness};
use super::{is_step, session_subject, subject};
use crate::audit::{AuditKind, AuditRecord, AuditVerdict};
use crate::clock;
use crate::log::CONTRADICTED;

/// Places of the log that are looked at in one statement.
const PAGE: u64 = 50_000;

/// Where the log ends, as it is counted: a row beyond that was put there by hand, and is no entry. With it the hash of an
/// entry that was read.
pub(super) const END: &str = "SELECT value AS last, (SELECT leaf FROM journal WHERE seq = $1) AS leaf \
                              FROM counters WHERE name = 'audit'";

/// The hashes of a stretch, in order, how each entry begins, and the words of those that have a digest or tell of a session.
pub(super) const ENTRIES: &str = "SELECT seq, leaf, SUBSTR(entry, 1, 160) AS head, CASE WHEN entry LIKE '%salted-sha256\"%' \
     OR entry LIKE '%\"kind\":\"bindings-begin\"%' OR entry LIKE '%\"kind\":\"session-%' \
     OR entry LIKE '%\"kind\":\"lockout%' OR entry LIKE '%\"kind\":\"enrolment\"%' THEN entry END AS entry \
     FROM journal WHERE seq > $1 AND seq <= $2 ORDER BY seq";

/// Up to where to read next; none at the end.
pub(super) fn next(from: u64, end: u64) -> Option<u64> {
    (from < end).then(|| end.min(from.saturating_add(PAGE)))
}

/// What the log says, as far as it was read.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Said {
    /// The log as far as it was read.
    pub(super) witness: Witness,
    /// Whether it was read to its end once: from then on it only grows.
    watching: bool,
    /// Up to here the words are known, and only the hashes are read again.
    words_to: u64,
    /// The hashes of entries that were read, and were not there when they were looked for again.
    away: BTreeMap<u64, Hash>,
    /// What was last found wrong with the log, so that it is told once.
    trouble: Option<String>,
    /// What is to be put on record of it, with the next change.
    untold: Vec<AuditRecord>,
    /// Where there is what people are told of.
    pub(super) places: Places,
    /// The sessions that began and have not ended.
    open: BTreeMap<Uuid, OpenSession>,
    /// Until when those are blocked who failed too often, by the subject they are counted under.
    blocks: BTreeMap<String, i64>,
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

/// A session that began and has not ended, as the entry that began it tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store) struct OpenSession {
    pub(in crate::store) client: Option<String>,
    pub(in crate::store) person: Option<String>,
    pub(in crate::store) target: Option<String>,
    pub(in crate::store) intervention: Option<String>,
    pub(in crate::store) number: u64,
    pub(in crate::store) at: i64,
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
        self.witness.size()
    }

    /// Whether the log was read to its end once.
    pub(in crate::store) fn is_watching(&self) -> bool {
        self.watching
    }

    pub(super) fn watch(&mut self) {
        self.watching = true;
    }

    /// The sessions that began and have not ended, by id.
    pub(in crate::store) fn open(&self) -> impl Iterator<Item = (Uuid, &OpenSession)> {
        self.open.iter().map(|(id, open)| (*id, open))
    }

    /// Until when a subject is blocked at a time, by the log.
    pub(in crate::store) fn blocked_until(
        &self,
        subject: &str,
        at: Timestamp,
    ) -> Option<Timestamp> {
        let until = self.blocks.get(subject).copied()?;
        (until > at.as_micros()).then(|| Timestamp::from_micros(until))
    }

    /// Every block in force at a time, by the log.
    pub(in crate::store) fn blocks(&self, at: Timestamp) -> Vec<(String, Timestamp)> {
        let all = self.blocks.keys();
        all.filter_map(|subject| Some((subject.clone(), self.blocked_until(subject, at)?)))
            .collect()
    }

    /// The log is not the one that was read: to be put on record, once for what was found. Whether that is news.
    pub(super) fn contradict(&mut self, trouble: String) -> bool {
        if self.trouble.as_ref() == Some(&trouble) {
            return false;
        }
        tracing::error!("{trouble}; find out who changed the store: ecluse journal verify");
        let record = AuditRecord::new(AuditKind::CheckpointFailed, clock::now())
            .refused()
            .reason(&trouble)
            .detail(CONTRADICTED, true);
        self.untold.push(record);
        self.trouble = Some(trouble);
        true
    }

    /// The log is the one that was read.
    pub(super) fn is_sound(&mut self) {
        self.trouble = None;
    }

    /// What is to be put on record of the log itself; whoever takes it writes it, or gives it back.
    pub(in crate::store) fn take_untold(&mut self) -> Vec<AuditRecord> {
        std::mem::take(&mut self.untold)
    }

    pub(in crate::store) fn give_back(&mut self, untold: Vec<AuditRecord>) {
        self.untold.splice(0..0, untold);
    }

    /// The log is another one after `to`: what it had there is read again and believed no more; what was believed stays.
    pub(super) fn cut(&mut self, to: u64) {
        self.words_to = to;
        for seq in to.saturating_add(1)..=self.read_to() {
            if let Some(leaf) = self.witness.recent(seq) {
                // What was seen first: what stood there since may have been put there for a moment.
                self.away.entry(seq).or_insert(leaf);
            }
        }
        self.witness.cut(to);
    }

    pub(super) fn begun(&self) -> bool {
        self.begun
    }

    pub(super) fn intervention(&self, id: Uuid) -> Option<&Latest> {
        self.interventions.get(&id)
    }

    #[cfg(test)]
    pub(in crate::store) fn intervention_digest(&self, id: Uuid) -> Option<&str> {
        self.interventions.get(&id).map(|said| said.digest.as_str())
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

    /// Whether what was seen first at a place is this, as far as that place was ever read otherwise.
    pub(super) fn was_first(&self, seq: u64, leaf: Hash) -> bool {
        self.away.get(&seq).is_none_or(|first| *first == leaf)
    }

    /// Takes in the entries of a stretch that ends with `to`. The place of an entry that is counted and is not there; what is
    /// beyond it is not read. Where the log is read for the first time, it is read on all the same.
    pub(super) fn take(&mut self, to: u64, rows: &[Row]) -> Result<Option<u64>, StoreError> {
        for row in rows {
            let seq = row.count("seq")?;
            // Another reader may have come here first.
            if seq <= self.read_to() {
                continue;
            }
            if let Some(gap) = self.bridge(seq.saturating_sub(1)) {
                return Ok(Some(gap));
            }
            let leaf: [u8; 32] = row.bytes("leaf")?.try_into().unwrap_or(NONE.0);
            let (head, line) = (row.text_or_none("head")?, row.text_or_none("entry")?);
            self.next(Hash(leaf), head.as_deref(), line.as_deref(), false);
        }
        Ok(self.bridge(to))
    }

    /// Entries up to a place are not there: the first of them, or none.
    fn bridge(&mut self, to: u64) -> Option<u64> {
        if self.read_to() >= to {
            return None;
        }
        let gap = self.read_to().saturating_add(1);
        if self.watching {
            return Some(gap);
        }
        while self.read_to() < to {
            self.witness.push(NONE);
        }
        None
    }

    /// Takes in what this process has just written itself, if it is the next.
    pub(in crate::store) fn committed(&mut self, seq: u64, leaf: Hash, line: &str) {
        if self.watching && seq == self.read_to().saturating_add(1) {
            let was_whole = self.witness.is_compared();
            self.next(leaf, Some(line), Some(line), true);
            if was_whole {
                self.witness.is_found();
            }
        }
    }

    fn next(&mut self, leaf: Hash, head: Option<&str>, line: Option<&str>, is_own: bool) {
        let seq = self.read_to().saturating_add(1);
        // What stands where another entry was read before is none that anybody may go by.
        let is_new = is_own || seq > self.witness.longest();
        self.witness.push(leaf);
        if is_own && let Some(first) = self.away.get_mut(&seq) {
            // What this process puts in the place of what is gone stands there now.
            *first = leaf;
        }
        if let Some(head) = head {
            self.places.see(seq, head);
        }
        // The very entry that was there before: its words are known.
        let is_back = !is_own && self.away.get(&seq) == Some(&leaf);
        if seq <= self.words_to || is_back {
            return;
        }
        let Some(line) = line else { return };
        if let Ok(entry) = Entry::parse(line.as_bytes()) {
            let sound = leaf == leaf_hash(line.as_bytes()) && entry.seq == seq && is_new;
            self.session(&entry, sound);
            self.block(&entry, sound);
            let is_begin = entry.kind == AuditKind::BindingsBegin.name();
            if is_begin || line.contains("salted-sha256\"") {
                self.entry(seq, &entry, sound);
            }
        }
    }

    /// Who is blocked, and whose block was lifted. What does not hold blocks and lifts nothing.
    fn block(&mut self, entry: &Entry, sound: bool) {
        if !sound {
            return;
        }
        if entry.kind == AuditKind::Lockout.name() {
            self.blocks.retain(|_, until| *until > entry.at_us);
            let blocks = entry
                .detail
                .get(BLOCKS)
                .and_then(|blocks| blocks.as_object());
            for (subject, until) in blocks.into_iter().flatten() {
                if let Some(until) = until.as_i64() {
                    self.blocks.insert(subject.clone(), until);
                }
            }
        } else if (entry.kind == AuditKind::LockoutLifted.name()
            || entry.kind == AuditKind::Enrolment.name())
            && let Some(person) = &entry.person
        {
            self.blocks.remove(&person_subject(person));
        }
    }

    /// Which sessions are open. A beginning that does not hold shows a session all the same; an end that does not ends none.
    fn session(&mut self, entry: &Entry, sound: bool) {
        let id = entry.session.as_deref();
        let Some(id) = id.and_then(|id| Uuid::parse_str(id).ok()) else {
            return;
        };
        if entry.kind == AuditKind::SessionStart.name() {
            let session = OpenSession {
                client: entry.client.clone(),
                person: entry.person.clone(),
                target: entry.target.clone(),
                intervention: entry.intervention.clone(),
                number: entry.detail_number("number").unwrap_or(0),
                at: entry.at_us,
            };
            self.open.entry(id).or_insert(session);
        } else if entry.kind == AuditKind::SessionEnd.name() && sound {
            self.open.remove(&id);
        }
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
