//! Places of the log whose words are not there, or are not those that were hashed, or whose row is gone: what stood there is
//! known to be missing, is looked for again at each look, and is told once. Words that retention took away on record are not
//! missing. So it is with words that were read, and are away when somebody uses them: what they say is known, and that row,
//! entry or order is neither right nor wrong for whoever needs them just then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ecluse_recordings::log::Hash;
use tokio::time::Instant;

use super::copies::Takes;
use super::stretches::Stretches;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::log::CONTRADICTED;

/// The detail of an entry that tells which places lack their words: `99,104-110`.
pub(super) const MISSING: &str = "missing-words";
/// Places that are looked at in one statement.
const AT_ONCE: usize = 64;
/// Who takes away the words of each new entry fills no trail with it.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// Stretches that one entry names; further ones wait for the next.
const STRETCHES: usize = 50;

/// What is missing at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lack {
    /// The hash that stands there; none where the row is gone.
    leaf: Option<Hash>,
    /// Whether it was looked for in vain since it was first missed.
    in_vain: bool,
    /// Whether its words were read before: then only who needs them again lacks them.
    known: bool,
    /// What its copy says of it.
    takes: Takes,
}

impl Lack {
    fn new(leaf: Option<Hash>, in_vain: bool, known: bool) -> Self {
        Self {
            leaf,
            in_vain,
            known,
            takes: Takes::Unasked,
        }
    }
}

/// What is missing.
#[derive(Debug, Clone, Default)]
pub(super) struct Missing {
    places: BTreeMap<u64, Lack>,
    /// Places whose words were destroyed, by the entry that is to say so, until that was found to cover them; with the hash that stands
    /// there, and whether they were read before.
    destroyed: BTreeMap<u64, Vec<(u64, Option<Hash>, bool)>>,
    /// Entries that are to say so and were not there yet when that was read.
    awaited: BTreeSet<u64>,
    /// What those cover that were asked, in order.
    covered: BTreeMap<u64, Vec<u64>>,
    /// Places whose words were destroyed by the word of their copy, and by which entry, however their rows are marked.
    marked: BTreeMap<u64, u64>,
    /// How many places each of these entries took so.
    marked_by: BTreeMap<u64, u64>,
    /// Those that did not cover them, when they were asked last.
    refuted: BTreeMap<u64, Instant>,
    /// Up to where the last look went.
    looked_to: u64,
    /// The stretches that were told of, whoever did.
    told: Stretches,
    told_at: Option<Instant>,
    /// How often words were away that had been read.
    unread: u64,
}

impl Missing {
    pub(super) fn lack(&mut self, seq: u64, leaf: Option<Hash>, destroyed_by: Option<u64>) {
        self.put(seq, leaf, destroyed_by, false);
    }

    /// Words that were read are away where somebody needs them. Whether nothing on record took them.
    pub(super) fn unread(&mut self, seq: u64, leaf: Hash, destroyed_by: Option<u64>) -> bool {
        let is_missing = self.put(seq, Some(leaf), destroyed_by, true);
        self.unread += u64::from(is_missing);
        is_missing
    }

    /// How often that was.
    pub(super) fn times_unread(&self) -> u64 {
        self.unread
    }

    fn put(&mut self, seq: u64, leaf: Option<Hash>, by: Option<u64>, known: bool) -> bool {
        if self.marked.contains_key(&seq) {
            return false;
        }
        let Some(by) = by.filter(|by| *by > seq) else {
            let lack = Lack::new(leaf, false, known);
            self.places.entry(seq).or_insert(lack);
            return true;
        };
        if self.is_covered(seq, by) {
            return false;
        }
        if !self.places.contains_key(&seq) {
            let places = self.destroyed.entry(by).or_default();
            if !places.contains(&(seq, leaf, known)) {
                places.push((seq, leaf, known));
            }
        }
        true
    }

    fn is_covered(&self, seq: u64, by: u64) -> bool {
        let covered = self.covered.get(&by);
        covered.is_some_and(|covered| covered.binary_search(&seq).is_ok())
    }

    /// The places of which copies say that their words were destroyed, and by which entries.
    pub(super) fn said_destroyed(&self) -> Vec<(u64, u64)> {
        let said = self.places.iter().filter_map(|(seq, lack)| {
            let Takes::Destroyed(by) = lack.takes else {
                return None;
            };
            Some((*seq, by))
        });
        said.collect()
    }

    /// The words of a place were destroyed, by the word of its copy and of the entry that it names, which took so many: they are not
    /// missing, unless those are others.
    pub(super) fn was_destroyed(&mut self, seq: u64, by: u64, entries: u64) {
        let is_other = match self.covered.get(&by) {
            Some(covered) => covered.binary_search(&seq).is_err(),
            None => self
                .marked_by
                .get(&by)
                .is_some_and(|marked| *marked >= entries),
        };
        if !is_other && self.places.remove(&seq).is_some() {
            self.marked.insert(seq, by);
            *self.marked_by.entry(by).or_default() += 1;
        }
    }

    /// Whether a destruction on record took the words of any place after this.
    pub(super) fn took_after(&self, seq: u64) -> bool {
        let mut covered = self.covered.values();
        let marked = self.marked.last_key_value();
        covered.any(|places| places.last().is_some_and(|last| *last > seq))
            || marked.is_some_and(|(last, _)| *last > seq)
    }

    /// Its words are there, or are not wanted any more. Whether they were missing; and then, whether they had been read before.
    pub(super) fn found(&mut self, seq: u64) -> Option<bool> {
        self.places.remove(&seq).map(|lack| lack.known)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty() && self.destroyed.is_empty()
    }

    /// Whether words are missing at a place.
    pub(super) fn is_at(&self, seq: u64) -> bool {
        self.places.contains_key(&seq)
    }

    /// Whether words are missing at a place, or may be.
    pub(super) fn may_be_at(&self, seq: u64) -> bool {
        let mut destroyed = self.destroyed.values().flatten();
        self.is_at(seq) || destroyed.any(|(place, ..)| *place == seq)
    }

    /// Whether the row of a place is gone.
    pub(super) fn is_hole(&self, seq: u64) -> bool {
        self.leaf(seq) == Some(None)
    }

    /// The hash of a place whose words are missing.
    pub(super) fn leaf(&self, seq: u64) -> Option<Option<Hash>> {
        self.places.get(&seq).map(|lack| lack.leaf)
    }

    /// The same, where they were never read.
    pub(super) fn unknown_leaf(&self, seq: u64) -> Option<Option<Hash>> {
        let lack = self.places.get(&seq)?;
        (!lack.known).then_some(lack.leaf)
    }

    /// Places of which it is not known what they take, and this is known of asking. What was read is asked once: it may be destroyed.
    pub(super) fn uncopied(&self, takes: Takes) -> Vec<u64> {
        let is_asked = |lack: &Lack| match lack.takes {
            Takes::Destroyed(_) => takes == Takes::Unknown,
            of @ (Takes::Unasked | Takes::Nothing | Takes::Unknown) => of == takes,
        };
        let of = |lack: &Lack| is_asked(lack) && (!lack.known || takes == Takes::Unasked);
        let places = self.places.iter().filter(|(_, lack)| of(lack));
        places.map(|(seq, _)| *seq).take(AT_ONCE).collect()
    }

    /// What the copy of a place says of it.
    pub(super) fn copied(&mut self, seq: u64, takes: Takes) {
        if let Some(lack) = self.places.get_mut(&seq) {
            lack.takes = takes;
        }
    }

    /// The words of a place are known, though they are not there.
    pub(super) fn is_known(&mut self, seq: u64) {
        if let Some(lack) = self.places.get_mut(&seq) {
            lack.known = true;
        }
    }

    /// A place after another of which nothing tells what it takes.
    pub(super) fn unknown_after(&self, seq: u64) -> Option<u64> {
        let mut places = self.places.range(seq.saturating_add(1)..);
        let unknown = places.find(|(_, lack)| !lack.known && lack.takes != Takes::Nothing);
        unknown.map(|(seq, _)| *seq)
    }

    /// The first place after another whose words were never read.
    pub(super) fn first_after(&self, seq: u64) -> Option<u64> {
        let mut places = self.places.range(seq.saturating_add(1)..);
        let place = places.find(|(_, lack)| !lack.known).map(|(seq, _)| *seq);
        let destroyed = self.destroyed.values().flatten();
        let destroyed = destroyed.filter(|(place, _, known)| *place > seq && !known);
        destroyed.map(|(place, ..)| *place).chain(place).min()
    }

    /// Whether anything is missing after a place that was never read.
    pub(super) fn is_any_after(&self, seq: u64) -> bool {
        self.first_after(seq).is_some()
    }

    /// Whether any such thing is before a place.
    pub(super) fn is_any_before(&self, seq: u64) -> bool {
        self.first_after(0).is_some_and(|first| first < seq)
    }

    /// The log ends before: what it had beyond is no matter of words any more.
    pub(super) fn cut(&mut self, to: u64) {
        for places in self.destroyed.values_mut() {
            places.retain(|(place, ..)| *place <= to);
        }
        self.destroyed.retain(|_, places| !places.is_empty());
        self.covered.retain(|by, _| *by <= to);
        self.marked.retain(|_, by| *by <= to);
        self.marked_by.retain(|by, _| *by <= to);
    }

    /// The places to look at next, round and round.
    pub(super) fn next(&mut self) -> Vec<u64> {
        let after = self.places.range(self.looked_to.saturating_add(1)..);
        let before = self.places.range(..=self.looked_to);
        let next: Vec<u64> = after
            .chain(before)
            .map(|(seq, _)| *seq)
            .take(AT_ONCE)
            .collect();
        self.looked_to = next.last().copied().unwrap_or(0);
        next
    }

    /// A place was looked at, and lacks its words still. They may have been destroyed since it was read, by an entry that
    /// is `to_come`.
    pub(super) fn in_vain(&mut self, seq: u64, destroyed_by: Option<u64>, to_come: bool) {
        let Some(lack) = self.places.get_mut(&seq) else {
            return;
        };
        if to_come {
            return;
        }
        let refuted = |by: &u64| {
            let at = self.refuted.get(by);
            at.is_some_and(|at| at.elapsed() < TOLD_EVERY)
        };
        match destroyed_by.filter(|by| *by > seq && !refuted(by)) {
            Some(by) => {
                let (leaf, known) = (lack.leaf, lack.known);
                self.places.remove(&seq);
                self.put(seq, leaf, Some(by), known);
            }
            None => lack.in_vain = true,
        }
    }

    /// The entries that are to cover destroyed words, as far as it is time to ask of them: what the log was read up to.
    pub(super) fn destructions(&mut self, read_to: u64) -> Vec<u64> {
        let all: Vec<u64> = self.destroyed.keys().copied().collect();
        let due = all.into_iter().filter(|by| {
            // Its own words may be missing; or it came while this was read.
            let own = self.places.get(by).is_some_and(|lack| !lack.known);
            let waits = own || *by > read_to && self.awaited.insert(*by);
            !waits
        });
        due.collect()
    }

    /// The places that the destruction told of by an entry covers, in order; none where it does not hold.
    pub(super) fn settle(&mut self, by: u64, covered: Option<Vec<u64>>) {
        self.awaited.remove(&by);
        match covered {
            Some(covered) => {
                self.refuted.remove(&by);
                self.covered.insert(by, covered);
            }
            None => {
                self.covered.remove(&by);
                self.refuted.insert(by, Instant::now());
            }
        }
        for (seq, leaf, known) in self.destroyed.remove(&by).into_iter().flatten() {
            if !self.is_covered(seq, by) {
                let lack = Lack::new(leaf, true, known);
                self.places.entry(seq).or_insert(lack);
            }
        }
    }

    /// These stretches are on record.
    pub(super) fn are_told(&mut self, stretches: &str) {
        self.told.extend(&Stretches::parse(stretches));
    }

    /// The places after one that lack their words, up to another.
    pub(super) fn between(&self, after: u64, to: u64) -> Stretches {
        let destroyed = self.destroyed.values().flatten().map(|(seq, ..)| *seq);
        let places: BTreeSet<u64> = self.places.keys().copied().chain(destroyed).collect();
        Stretches::of(places.into_iter().filter(|seq| *seq > after && *seq <= to))
    }

    /// The first place that lacks its words, and how many do.
    pub(super) fn in_short(&self) -> Option<(u64, usize)> {
        let first = self.places.keys().next()?;
        Some((*first, self.places.len()))
    }

    /// What there is to tell by now, and was not told yet.
    pub(super) fn untold(&mut self) -> Option<AuditRecord> {
        if self.told_at.is_some_and(|at| at.elapsed() < TOLD_EVERY) {
            return None;
        }
        let untold = self
            .places
            .iter()
            .filter(|(seq, lack)| lack.in_vain && !self.told.has(**seq));
        let mut stretches = Stretches::of(untold.map(|(seq, _)| *seq));
        stretches.keep(STRETCHES);
        let (first, count) = (stretches.first()?, stretches.count());
        let named = stretches.to_string();
        self.are_told(&named);
        self.told_at = Some(Instant::now());
        let which = if count == 1 {
            format!("entry {first}")
        } else {
            format!("{count} entries, from entry {first} on")
        };
        Some(
            AuditRecord::new(AuditKind::CheckpointFailed, clock::now())
                .refused()
                .reason(format!(
                    "the log is not whole as it was read: the words of {which} are not there, or are not those that were hashed; they are looked for again, and nothing is granted by what is older and may be about the same"
                ))
                .detail(CONTRADICTED, true)
                .detail(MISSING, named),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(places: impl IntoIterator<Item = u64>) -> Missing {
        let mut missing = Missing::default();
        for seq in places {
            missing.lack(seq, None, None);
            missing.in_vain(seq, None, false);
        }
        missing
    }

    #[test]
    fn each_place_is_told_once_whoever_told_it_and_not_at_once_again() {
        let mut missing = lacking([3, 4, 5, 9]);
        let told = missing.untold().unwrap();
        assert_eq!(told.detail.get(MISSING).unwrap(), "3-5,9");
        missing.lack(11, None, None);
        missing.in_vain(11, None, false);
        assert!(missing.untold().is_none(), "within the minute");
        missing.told_at = None;
        missing.are_told("11");
        assert!(missing.untold().is_none(), "another gateway told it");
        missing.lack(12, None, None);
        assert!(missing.untold().is_none(), "it was not looked for again");
        let mut many = lacking((1..=200).map(|place| place * 2));
        let _ = many.untold().unwrap();
        many.told_at = None;
        let next = many.untold().unwrap().detail;
        assert!(next[MISSING].as_str().unwrap().starts_with("102,"));
    }

    #[test]
    fn every_place_is_looked_at_in_its_turn() {
        let mut missing = lacking(1..=150);
        let mut looked: Vec<u64> = (0..3).flat_map(|_| missing.next()).collect();
        looked.sort_unstable();
        looked.dedup();
        assert_eq!(looked, (1..=150).collect::<Vec<u64>>());
    }

    #[test]
    fn what_was_destroyed_is_missing_until_it_is_covered() {
        let mut missing = Missing::default();
        missing.lack(3, None, Some(9));
        missing.lack(4, None, Some(9));
        // Nothing is destroyed by an entry before it.
        missing.lack(7, None, Some(2));
        assert!(missing.is_any_after(6) && missing.is_any_before(4) && missing.is_at(7));
        assert!(missing.may_be_at(3) && !missing.may_be_at(5));
        assert!(missing.destructions(8).is_empty(), "it may just have come");
        assert_eq!(missing.destructions(8), [9]);
        missing.settle(9, Some(vec![3, 4]));
        assert!(!missing.is_any_before(7) && missing.found(7) == Some(false));
        assert!(missing.is_empty());
        let leaf = Hash([1; 32]);
        assert!(!missing.unread(3, leaf, Some(9)), "they went on record");
        assert!(missing.unread(5, leaf, Some(9)), "no more than it covers");
        assert_eq!(missing.destructions(9), [9]);
        missing.settle(9, None);
        assert!(missing.is_at(5) && !missing.is_any_after(0), "it was read");
    }
}
