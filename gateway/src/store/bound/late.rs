//! Words that come late: what is found where something was missing, and what is missing of what was read.

use ecluse_recordings::log::{Hash, leaf_hash};

use super::super::StoreError;
use super::super::sql::Row;
use super::said::{Said, destroyed_by};
use super::witness::NONE;

/// A row that stands where none was: place, hash, words.
pub(super) type Back = (u64, Hash, String);

impl Said {
    /// The words of an entry that is needed are away. Whether they are missing: nothing on record took them, and it is the one that
    /// was seen there, as far as that is known here.
    pub(in crate::store) fn unread(&mut self, seq: u64, leaf: Hash, by: Option<u64>) -> bool {
        let is_other = self.witness.recent(seq).is_some_and(|seen| seen != leaf);
        let is_watched = self.watching && !self.is_strict && seq <= self.read_to();
        is_watched && !is_other && self.missing.unread(seq, leaf, by)
    }

    /// How often that was so.
    pub(super) fn times_unread(&self) -> u64 {
        self.missing.times_unread()
    }

    /// Takes in what is there of the places that were looked at again; whether anything was, and which rows stand where none was:
    /// place, hash, words.
    pub(super) fn looked(
        &mut self,
        rows: &[Row],
        places: &[u64],
    ) -> Result<(bool, Vec<Back>), StoreError> {
        let (mut found, mut back) = (false, Vec::new());
        let mut there = Vec::new();
        for row in rows {
            let seq = row.count("seq")?;
            there.push(seq);
            let leaf: [u8; 32] = row.bytes("leaf")?.try_into().unwrap_or(NONE.0);
            let leaf = Hash(leaf);
            // Another reader may have come here first.
            let Some(wanted) = self.missing.leaf(seq) else {
                continue;
            };
            let line = row.text_or_none("entry")?;
            let line = line.filter(|line| leaf == leaf_hash(line.as_bytes()));
            let wanted = wanted.or_else(|| self.witness.recent(seq).filter(|leaf| *leaf != NONE));
            match (line, wanted) {
                (Some(line), Some(wanted)) if wanted == leaf => {
                    self.came_late(seq, leaf, &line);
                    found = true;
                }
                (Some(line), None) => back.push((seq, leaf, line)),
                (Some(_) | None, Some(_) | None) => {
                    let by = destroyed_by(row)?;
                    let counted = row.count("counted")?;
                    let to_come = by.is_some_and(|by| by > self.read_to() && by <= counted);
                    self.missing.in_vain(seq, by, to_come);
                }
            }
        }
        for seq in places.iter().filter(|seq| !there.contains(seq)) {
            self.missing.in_vain(*seq, None, false);
        }
        Ok((found, back))
    }

    /// The row of an entry is there again, and the tree has it.
    pub(super) fn filled(&mut self, seq: u64, leaf: Hash, line: &str) {
        if self.missing.is_hole(seq) {
            if self.witness.is_hole(seq) {
                self.witness.fill(seq, leaf);
            }
            self.came_late(seq, leaf, line);
        }
    }

    pub(super) fn came_late(&mut self, seq: u64, leaf: Hash, line: &str) {
        let was_read = self.missing.found(seq) == Some(true);
        let first = self.away.get(&seq);
        let is_known = was_read || first == Some(&leaf);
        self.read(seq, line, is_known || first.is_none(), is_known);
    }

    /// What is missing and was not told: to be put on record. Whether there is any.
    pub(super) fn tell_missing(&mut self) -> bool {
        let Some(record) = self.missing.untold() else {
            return false;
        };
        let reason = record.reason.as_deref().unwrap_or_default();
        tracing::error!("{reason}; find out who changed the store: ecluse journal verify");
        self.untold.push(record);
        true
    }
}
