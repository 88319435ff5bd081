//! The log as this process has seen it, kept in memory: what it believed once must stay (`adr/0032-what-a-gateway-has-seen-stays.md`).
//!
//! The hashes of the last entries are kept one by one, older ones by the root of each complete block. So an entry that is
//! read again by its place is known for the one that stood there, at the cost of its block's hashes.

use std::collections::{BTreeMap, VecDeque};

use ecluse_recordings::log::{Frontier, Hash};

/// Entries of a block: a complete node of [`LEVEL`].
pub(super) const BLOCK: u64 = 64;
const LEVEL: u8 = 6;
/// Entries whose hashes are kept one by one, and up to a block more.
const RECENT: usize = 8192;
/// Stands for an entry that was not there: no entry has this hash.
pub(super) const NONE: Hash = Hash([0; 32]);

/// Hashes of whole blocks, read again, by the number of the block.
pub(super) type Blocks = BTreeMap<u64, Vec<Hash>>;

/// The log as it was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Witness {
    frontier: Frontier,
    /// The roots of the complete blocks, from the first on.
    blocks: Vec<Hash>,
    /// The hashes of the last entries. Invariant: they begin where a block begins.
    recent: VecDeque<Hash>,
    /// As far as it ever was seen.
    longest: u64,
    /// Up to where it was last found in the stored tree.
    compared: u64,
    /// Whether the stored tree is another than the entries make: then it goes on as it is stored, and proves nothing.
    is_torn: bool,
    /// Places whose rows were gone when they were read, and the hash of those that came back too late to be counted in.
    holes: BTreeMap<u64, Option<Hash>>,
}

impl Witness {
    pub(super) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// As far as it ever was seen: an entry up to there that is new is none that was there.
    pub(super) fn longest(&self) -> u64 {
        self.longest
    }

    pub(super) fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    pub(super) fn is_compared(&self) -> bool {
        self.compared == self.size()
    }

    /// The stored tree has it, up to its end.
    pub(super) fn is_found(&mut self) {
        self.compared = self.size();
    }

    /// The stored tree is another than its entries make, and was when they were first read.
    pub(super) fn adopt(&mut self, stored: Frontier) {
        if stored.size() == self.size() {
            self.frontier = stored;
            self.is_torn |= self.holes.is_empty();
            self.is_found();
        }
    }

    /// Takes in the place of an entry whose row is gone.
    pub(super) fn push_hole(&mut self) {
        self.holes.insert(self.size().saturating_add(1), None);
        self.push(NONE);
    }

    /// Whether the row of a place was gone when it was read.
    pub(super) fn is_hole(&self, seq: u64) -> bool {
        self.holes.contains_key(&seq)
    }

    /// Whether any was: then the stored tree is gone on from, which has what is not there.
    pub(super) fn has_holes(&self) -> bool {
        !self.holes.is_empty()
    }

    /// The row is there again.
    pub(super) fn fill(&mut self, seq: u64, leaf: Hash) {
        if seq <= self.recent_from() {
            // Its block is known without it.
            self.holes.insert(seq, Some(leaf));
            return;
        }
        let later: Option<Vec<Hash>> = (seq.saturating_add(1)..=self.size())
            .map(|seq| self.recent(seq))
            .collect();
        let Some(later) = later else { return };
        let holes = std::mem::take(&mut self.holes);
        self.cut(seq.saturating_sub(1));
        self.push(leaf);
        for leaf in later {
            self.push(leaf);
        }
        self.holes = holes;
        self.holes.remove(&seq);
    }

    /// The place after which hashes are kept one by one.
    pub(super) fn recent_from(&self) -> u64 {
        self.size().saturating_sub(self.recent.len() as u64)
    }

    /// The hash of an entry, where it is kept.
    pub(super) fn recent(&self, seq: u64) -> Option<Hash> {
        let index = seq.checked_sub(self.recent_from())?.checked_sub(1)?;
        self.recent.get(usize::try_from(index).ok()?).copied()
    }

    /// Takes in the next entry.
    pub(super) fn push(&mut self, leaf: Hash) {
        let completed = self.frontier.push(leaf).into_iter();
        let blocks = completed.filter(|(level, ..)| *level == LEVEL);
        self.blocks.extend(blocks.map(|(_, _, hash)| hash));
        self.recent.push_back(leaf);
        if self.recent.len() >= RECENT + BLOCK as usize {
            self.recent.drain(..BLOCK as usize);
        }
        self.longest = self.longest.max(self.size());
    }

    /// Forgets what it has beyond an entry, or beyond the block before it where the hashes of its own are not kept any more.
    pub(super) fn cut(&mut self, to: u64) {
        if to >= self.size() {
            return;
        }
        let from = self.recent_from();
        let to = if to >= from { to } else { to - to % BLOCK };
        let frontier = self.at(to).unwrap_or_default();
        let kept = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
        self.recent.truncate(kept);
        self.blocks
            .truncate(usize::try_from(to / BLOCK).unwrap_or(usize::MAX));
        self.frontier = frontier;
        self.compared = self.compared.min(to);
        self.holes.retain(|seq, _| *seq <= to);
    }

    /// What it was at a size; none where that is not known any more.
    pub(super) fn at(&self, size: u64) -> Option<Frontier> {
        let whole = size.min(self.recent_from().max(size - size % BLOCK)) / BLOCK;
        let mut of_blocks = Frontier::new();
        for block in self.blocks.get(..usize::try_from(whole).ok()?)? {
            of_blocks.push(*block);
        }
        let (_, peaks) = of_blocks.parts();
        let mut frontier = Frontier::from_parts(whole * BLOCK, peaks.to_vec()).ok()?;
        for seq in whole * BLOCK + 1..=size {
            frontier.push(self.recent(seq)?);
        }
        Some(frontier)
    }

    /// The root it had at a size, as far as that is known and was whole.
    pub(super) fn root_at(&self, size: u64) -> Option<Hash> {
        let has_hole = self.holes.range(..=size).next().is_some();
        if self.is_torn || has_hole || size > self.size() {
            return None;
        }
        self.at(size).map(|frontier| frontier.root())
    }

    /// The blocks that have to be read again to know entries for those that were seen.
    pub(super) fn needs(&self, places: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let old = places.into_iter().filter(|seq| *seq <= self.recent_from());
        let mut blocks: Vec<u64> = old.map(|seq| seq.saturating_sub(1) / BLOCK).collect();
        blocks.sort_unstable();
        blocks.dedup();
        blocks
    }

    /// Whether this is the hash of the entry that was seen at a place.
    pub(super) fn has(&self, seq: u64, leaf: Hash, read: &Blocks) -> bool {
        let Some(index) = seq.checked_sub(1).filter(|index| *index < self.size()) else {
            return false;
        };
        if seq > self.recent_from() {
            return self.recent(seq) == Some(leaf);
        }
        let number = index / BLOCK;
        if let Some(Some(late)) = self.holes.get(&seq) {
            return *late == leaf;
        }
        let (Some(leaves), Ok(place)) = (read.get(&number), usize::try_from(number)) else {
            return false;
        };
        let mut block = Frontier::new();
        for (leaf, seq) in leaves.iter().zip(number.saturating_mul(BLOCK) + 1..) {
            // As it was read.
            block.push(if self.is_hole(seq) { NONE } else { *leaf });
        }
        let within = usize::try_from(index % BLOCK).unwrap_or(usize::MAX);
        block.size() == BLOCK
            && self.blocks.get(place) == Some(&block.root())
            && leaves.get(within) == Some(&leaf)
    }
}

#[cfg(test)]
mod tests {
    use ecluse_recordings::log::leaf_hash;

    use super::*;

    fn leaf(seq: u64) -> Hash {
        leaf_hash(&seq.to_be_bytes())
    }

    fn of(size: u64) -> Witness {
        let mut witness = Witness::default();
        for seq in 1..=size {
            witness.push(leaf(seq));
        }
        witness
    }

    fn tree(size: u64) -> Frontier {
        let mut tree = Frontier::new();
        for seq in 1..=size {
            tree.push(leaf(seq));
        }
        tree
    }

    fn block(number: u64) -> Blocks {
        let leaves = number * BLOCK + 1..=(number + 1) * BLOCK;
        Blocks::from([(number, leaves.map(leaf).collect())])
    }

    /// Whatever is read again of an old block, it is the block that was seen, or no entry of it is believed.
    #[test]
    fn an_entry_is_known_for_the_one_that_stood_there_however_old_it_is() {
        let size = RECENT as u64 + 5 * BLOCK + 7;
        let witness = of(size);
        assert!(witness.recent_from() > 2 * BLOCK);
        let none = Blocks::new();
        for seq in [witness.recent_from() + 1, size - 1, size] {
            assert!(witness.has(seq, leaf(seq), &none));
            assert!(!witness.has(seq, leaf(seq - 1), &none));
        }
        assert!(!witness.has(size + 1, leaf(size + 1), &none));
        assert!(!witness.has(0, leaf(0), &none));
        assert_eq!(witness.needs([1, 64, 65, size]), [0, 1]);
        for seq in [1, 3, 64] {
            assert!(witness.has(seq, leaf(seq), &block(0)));
            assert!(!witness.has(seq, leaf(99), &block(0)));
            assert!(!witness.has(seq, leaf(seq), &none));
            let mut forged = block(0);
            let all = forged.get_mut(&0).unwrap();
            all[usize::try_from(seq).unwrap() - 1] = leaf(99);
            assert!(!witness.has(seq, leaf(99), &forged));
            assert!(!witness.has(65 - seq, leaf(65 - seq), &forged));
        }
        assert!(!witness.has(3, leaf(3), &Blocks::from([(0, vec![leaf(3)])])));
    }

    /// A row that was gone, and came back: near, the witness is as if it had been there; long ago, it and its neighbours are known.
    #[test]
    fn a_row_that_comes_back_takes_its_place() {
        let size = RECENT as u64 + 2 * BLOCK + 5;
        for (hole, is_near) in [(size, true), (size - 9, true), (7, false)] {
            let mut witness = Witness::default();
            for seq in 1..=size {
                if seq == hole {
                    witness.push_hole();
                } else {
                    witness.push(leaf(seq));
                }
            }
            assert_eq!(witness.root_at(size), None);
            let before = Some(tree(hole - 1).root()).filter(|_| is_near);
            assert_eq!(witness.root_at(hole - 1), before);
            witness.adopt(tree(size));
            let mut gone = block(0);
            if !is_near {
                gone.get_mut(&0).unwrap()[6] = NONE;
            }
            assert!(witness.has(5, leaf(5), &gone));
            witness.fill(hole, leaf(hole));
            assert!(witness.has(5, leaf(5), &block(0)));
            assert!(witness.has(hole, leaf(hole), &block(0)));
            assert!(!witness.has(hole, leaf(99), &block(0)));
            let root = Some(tree(size).root()).filter(|_| is_near);
            assert_eq!(witness.root_at(size), root);
            for seq in size + 1..size + 200 {
                witness.push(leaf(seq));
            }
            assert_eq!(*witness.frontier(), tree(size + 199));
        }
    }

    #[test]
    fn a_witness_that_is_cut_is_the_log_of_that_size_and_goes_on_as_it() {
        let size = RECENT as u64 + 3 * BLOCK + 5;
        for (to, is) in [
            (size, size),
            (size - 1, size - 1),
            (RECENT as u64, RECENT as u64),
            (BLOCK + 3, BLOCK),
            (0, 0),
        ] {
            let mut witness = of(size);
            witness.cut(to);
            assert_eq!(*witness.frontier(), tree(is), "{to}");
            assert_eq!(witness.longest(), size);
            for seq in is + 1..=size {
                witness.push(leaf(seq));
            }
            assert_eq!(*witness.frontier(), tree(size), "{to}");
            assert_eq!(witness.root_at(size - 2), Some(tree(size - 2).root()));
            assert!(witness.has(1, leaf(1), &block(0)));
        }
    }
}
