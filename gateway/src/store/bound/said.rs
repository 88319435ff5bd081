//! What the log says of interventions, documents and open sessions: the last word about each, read once and kept in memory.
//!
//! A word that was believed is not forgotten: where the log is found shorter or other than it was read, the last words stay,
//! and what stands in the place of an entry that was read before says nothing (`adr/0032-what-a-gateway-has-seen-stays.md`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ecluse_policy::{ClientId, Timestamp};
use ecluse_recordings::log::{Entry, Hash, leaf_hash};
use uuid::Uuid;

use super::super::StoreError;
use super::super::sql::Row;
use super::blocks::Blocks;
use super::clearances::Words;
use super::codes::{Codes, tells_of_codes};
use super::fold::is_kept;
use super::lives::Lives;
use super::missing::Missing;
use super::runs::Runs;
use super::sealed::Secrets;
use super::told::{Places, read};
use super::witness::{NONE, Witness};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::log::CONTRADICTED;

/// Places of the log that are looked at in one statement.
const PAGE: u64 = 5_000;
/// Rows that are gone between two that are there: where more are, the log is counted further than it goes.
const HOLES: u64 = 10_000;

/// After so long the same that was found again is told again. **Unit**: microseconds.
const TOLD_ANEW: i64 = 3_600_000_000;

/// Where the log ends, as it is counted: a row beyond that was put there by hand, and is no entry. With it the hash of an
/// entry that was read.
pub(super) const END: &str = "SELECT value AS last, (SELECT leaf FROM journal WHERE seq = $1) AS leaf \
                              FROM counters WHERE name = 'audit'";

/// The hashes of a stretch, in order, with the words.
pub(super) const ENTRIES: &str =
    "SELECT seq, leaf, entry, destroyed_by FROM journal WHERE seq > $1 AND seq <= $2 ORDER BY seq";

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
    pub(super) watching: bool,
    /// Up to here the words are known, and only the hashes are read again.
    words_to: u64,
    /// The hashes of entries that were read, and were not there when they were looked for again.
    pub(super) away: BTreeMap<u64, Hash>,
    /// What was last found wrong with the log, so that it is told once.
    trouble: Option<String>,
    /// What is to be put on record of it, with the next change.
    pub(super) untold: Vec<AuditRecord>,
    /// Where there is what people are told of.
    pub(super) places: Places,
    /// The last word about each sealed secret.
    pub(super) secrets: Secrets,
    /// When each gateway began, and which beginnings are over.
    pub(super) runs: Runs,
    /// What is not there of what was read.
    pub(super) missing: Missing,
    /// From which entry on each has a copy of what it takes.
    pub(super) copies_since: Option<u64>,
    /// Where the log is counted further than it goes.
    gap: Option<u64>,
    /// Whether what is missing excuses nothing: for who compares the store as it is at a moment, and names that too.
    pub(super) is_strict: bool,
    /// The sessions that began and have not ended.
    pub(super) open: BTreeMap<Uuid, OpenSession>,
    /// Where those ended whose beginning is not known.
    pub(super) ended: BTreeMap<Uuid, u64>,
    /// Until when those are blocked who failed too often.
    pub(super) blocks: Blocks,
    /// Whom clients accepted, and what they keep out.
    pub(super) clearances: Words,
    /// Which codes were accepted, and which tries count.
    pub(super) codes: Codes,
    /// When accounts were last used.
    pub(super) lives: Lives,
    /// What was destroyed, by the entry that says so.
    pub(super) destructions: BTreeMap<u64, Removal>,
    /// Whether there is any digest, or the word that they begin.
    pub(super) begun: bool,
    /// The entry by which they began in an older store, and the version of the documents then; 0 in one that always had them.
    pub(super) old_version: (u64, u64),
    pub(super) interventions: HashMap<Uuid, Latest>,
    /// By whose they are, oldest first.
    pub(super) documents: BTreeMap<String, Vec<DocumentSaid>>,
    /// The last word of the trail of a client about a provider's document, by client and whose it is: its place, and the digest.
    pub(super) known: BTreeMap<(String, String), (u64, Option<String>)>,
    /// How many words about documents were read.
    pub(super) document_words: u64,
    /// What was found of a subject, where that is on record already: by which entry, when, and what.
    pub(super) told: BTreeMap<String, (u64, i64, Option<String>)>,
    /// Those of them that were right when they were looked at since.
    pub(super) righted: BTreeSet<String>,
}

/// What an entry says of the words that were destroyed with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Removal {
    /// Of how many entries.
    pub(super) entries: u64,
    /// The last of them; 0 where that is not said.
    pub(super) up_to: u64,
    /// The digest over their leaves.
    pub(super) leaves: String,
}

/// The last word about an intervention.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Latest {
    pub(super) seq: u64,
    /// Of its body.
    pub(super) digest: String,
    /// Whose it is.
    pub(super) client: Option<String>,
    /// Its number, and the first entry that has it.
    pub(super) numbered: Option<(u64, u64)>,
    /// Whether the entry that asks for it has its words: under retention it goes with the row.
    pub(super) is_asked_for: bool,
    /// Who approved it, and when, by the entry that says so.
    pub(super) approvals: BTreeMap<u64, (String, i64)>,
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

impl Latest {
    /// Its number.
    pub(super) fn number(&self) -> Option<u64> {
        self.numbered.map(|(_, number)| number)
    }
}

impl Said {
    pub(in crate::store) fn read_to(&self) -> u64 {
        self.witness.size()
    }

    /// Whether the log was read to its end once.
    pub(in crate::store) fn is_watching(&self) -> bool {
        self.watching
    }

    /// It was read to its end, or to a place that is counted and is not there.
    pub(super) fn watch(&mut self, gap: Option<u64>) {
        self.watching = true;
        self.gap = gap;
    }

    /// The same, for who compares the store as it is at a moment: there what is missing is named beside what else is wrong.
    pub(in crate::store) fn strictly(self) -> Self {
        Self {
            is_strict: true,
            ..self
        }
    }

    /// Whether there may be words after a place that are not known yet: what they would say is not known either.
    pub(in crate::store) fn owes_after(&self, seq: u64) -> bool {
        !self.is_strict && (self.gap.is_some() || self.missing.is_any_after(seq))
    }

    /// Whether the log is counted further than it goes.
    pub(super) fn is_cut_off(&self) -> bool {
        self.gap.is_some()
    }

    /// Whether the words of a place are among them.
    pub(in crate::store) fn owes(&self, seq: u64) -> bool {
        self.missing.is_at(seq) || self.gap.is_some_and(|gap| seq >= gap)
    }

    /// The last entry that took what was remembered of a person.
    pub(in crate::store) fn forgotten(&self, person: &str) -> u64 {
        self.blocks.forgotten(person)
    }

    /// The sessions that began and have not ended, by id.
    pub(in crate::store) fn open(&self) -> impl Iterator<Item = (Uuid, &OpenSession)> {
        self.open.iter().map(|(id, open)| (*id, open))
    }

    /// Whether one of them is this.
    pub(super) fn is_open(&self, id: Uuid) -> bool {
        !self.is_strict && self.open.contains_key(&id)
    }

    /// Until when a subject is blocked at a time, by the log.
    pub(in crate::store) fn blocked_until(
        &self,
        subject: &str,
        at: Timestamp,
    ) -> Option<Timestamp> {
        let until = self.blocks.until(subject, clock::ahead())?;
        (until > at.as_micros()).then(|| Timestamp::from_micros(until))
    }

    /// Every block in force at a time, by the log.
    pub(in crate::store) fn blocks(&self, at: Timestamp) -> Vec<(String, Timestamp)> {
        let all = self.blocks.subjects();
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
        self.gap = None;
        self.missing.cut(to);
        for seq in to.saturating_add(1)..=self.read_to() {
            if let Some(leaf) = self.witness.recent(seq).filter(|leaf| *leaf != NONE) {
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
        self.old_version.1
    }

    /// The newest version of the documents that the log tells of.
    pub(super) fn version(&self) -> u64 {
        let all = self.documents.values().flatten();
        all.map(|said| said.version).max().unwrap_or(0)
    }

    /// Whether the trail of this client has this digest of a document as its last word.
    pub(super) fn is_known_to(&self, client: &ClientId, owner: &str, digest: &str) -> bool {
        let key = (client.to_string(), owner.to_owned());
        let known = self.known.get(&key);
        known.is_some_and(|(_, known)| known.as_deref() == Some(digest))
    }

    /// How many words about documents were read.
    pub(super) fn document_words(&self) -> u64 {
        self.document_words
    }

    /// The place of the last word about a document.
    pub(super) fn last_document(&self, owner: &str) -> u64 {
        let all = self.documents.get(owner).into_iter().flatten();
        all.map(|said| said.seq).max().unwrap_or(0)
    }

    /// Whether it is on record that `found` is what there is of a subject.
    pub(super) fn is_told(&self, subject: &str, found: &str) -> bool {
        let told = self.told.get(subject);
        told.is_some_and(|(_, at, told)| {
            // What was right in between is told anew, once an hour.
            let since = clock::now().as_micros().saturating_sub(*at);
            let is_old = since >= TOLD_ANEW && self.righted.contains(subject);
            !is_old && told.as_deref() == Some(found)
        })
    }

    /// A subject is what the log says.
    pub(super) fn is_right(&mut self, subject: impl FnOnce() -> String) {
        if self.told.is_empty() {
            return;
        }
        let subject = subject();
        if self.told.contains_key(&subject) {
            self.righted.insert(subject);
        }
    }

    /// Whether what was seen first at a place is this, as far as that place was ever read otherwise.
    pub(super) fn was_first(&self, seq: u64, leaf: Hash) -> bool {
        self.away.get(&seq).is_none_or(|first| *first == leaf)
    }

    /// Takes in the entries of a stretch. Where rows are gone between others, their places are missing; the place where so many
    /// are that none was ever there.
    pub(super) fn take(&mut self, rows: &[Row]) -> Result<Option<u64>, StoreError> {
        for row in rows {
            let seq = row.count("seq")?;
            let next = self.read_to().saturating_add(1);
            // Another reader may have come here first.
            if seq < next {
                continue;
            }
            if seq.saturating_sub(next) > HOLES {
                return Ok(Some(next));
            }
            for hole in next..seq {
                self.witness.push_hole();
                if hole > self.words_to {
                    self.missing.lack(hole, None, None);
                }
            }
            let leaf: [u8; 32] = row.bytes("leaf")?.try_into().unwrap_or(NONE.0);
            let line = row.text_or_none("entry")?;
            let by = destroyed_by(row)?;
            self.next(Hash(leaf), line.as_deref(), by, false);
        }
        Ok(None)
    }

    /// Takes in what this process has just written itself, if it is the next.
    pub(in crate::store) fn committed(&mut self, seq: u64, leaf: Hash, line: &str) {
        if self.watching && seq == self.read_to().saturating_add(1) {
            let was_whole = self.witness.is_compared();
            self.next(leaf, Some(line), None, true);
            if was_whole {
                self.witness.is_found();
            }
        }
    }

    pub(super) fn next(
        &mut self,
        leaf: Hash,
        line: Option<&str>,
        destroyed_by: Option<u64>,
        is_own: bool,
    ) {
        let seq = self.read_to().saturating_add(1);
        // What stands where another entry was read before is none that anybody may go by; what was missing there was none.
        let was_missing = self.missing.unknown_leaf(seq);
        let is_new = is_own
            || seq > self.witness.longest()
            || was_missing.is_some_and(|before| before.is_none_or(|before| before == leaf));
        self.witness.push(leaf);
        if is_own && let Some(first) = self.away.get_mut(&seq) {
            // What this process puts in the place of what is gone stands there now.
            *first = leaf;
        }
        // The very entry that was there before: its words are known.
        let is_back = !is_own && self.away.get(&seq) == Some(&leaf);
        let is_known = (seq <= self.words_to || is_back) && was_missing.is_none();
        match line.filter(|line| leaf == leaf_hash(line.as_bytes())) {
            Some(line) => {
                self.missing.found(seq);
                self.read(seq, line, is_new, is_known);
            }
            None if is_known => {}
            None => self.missing.lack(seq, Some(leaf), destroyed_by),
        }
    }

    /// Takes in the words of an entry, which are those that were hashed.
    pub(super) fn read(&mut self, seq: u64, line: &str, is_new: bool, is_known: bool) {
        let is_about = line.contains("salted-sha256\"");
        let head = read(line);
        if let Some((at, kind)) = head {
            self.places.see(seq, at, kind);
        }
        let is_kept =
            is_about || head.is_none_or(|(_, kind)| is_kept(kind) || tells_of_codes(kind, line));
        if !is_known
            && is_kept
            && let Ok(entry) = Entry::parse(line.as_bytes())
        {
            self.fold(seq, &entry, is_about, is_new && entry.seq == seq);
        }
        if self.missing.is_empty() {
            self.ended.clear();
        }
    }
}

pub(super) fn destroyed_by(row: &Row) -> Result<Option<u64>, StoreError> {
    let by = row.int_or_none("destroyed_by")?;
    Ok(by.map(|by| u64::try_from(by).unwrap_or(0)))
}
