//! The shape of the tree: which nodes a log of a given size consists of, and what one more entry completes.
//!
//! A node is named by its level and its index there: node `(l, i)` covers the entries `i·2^l` to `(i+1)·2^l - 1`, and
//! exists once all of these do. Such nodes never change, so a store only ever adds them.

use super::hash::{Hash, empty_root, node_hash};

/// Level and index of a complete node; `(0, n)` is the hash of entry `n`.
pub type NodeId = (u8, u64);

/// Where a log stands: enough to append to it and to know its root, and no more.
///
/// Invariant: one hash for each bit that is set in `size`, from the largest complete node to the smallest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What [`Frontier::parts`] gave; the hashes are those of the nodes that [`super::root_needs`] names, in order.
    ///
    /// # Errors
    /// There are more or fewer hashes than a log of this size has peaks, or no log can be that large.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Result<Self, super::ProofError> {
        if size > i64::MAX as u64 {
            return Err(super::ProofError::OutOfRange {
                index: size,
                size: i64::MAX as u64,
            });
        }
        let expected = usize::try_from(size.count_ones()).unwrap_or(usize::MAX);
        if peaks.len() == expected {
            Ok(Frontier { size, peaks })
        } else {
            Err(super::ProofError::Length {
                found: peaks.len(),
                expected,
            })
        }
    }

    /// Appends an entry by its hash. Returns every node this completes, the entry's own first, for the store to keep.
    pub fn push(&mut self, leaf: Hash) -> Vec<(u8, u64, Hash)> {
        let mut node = (0, self.size, leaf);
        let mut completed = vec![node];
        // Each set bit at the low end of the size is a complete node waiting for its right half.
        for level in 1..=trailing_ones(self.size) {
            let Some(left) = self.peaks.pop() else { break };
            node = (level, self.size >> level, node_hash(&left, &node.2));
            completed.push(node);
        }
        self.peaks.push(node.2);
        self.size += 1;
        completed
    }

    /// The root of the log as it stands.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_peaks(&self.peaks).unwrap_or_else(empty_root)
    }

    /// How many entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Size and hashes, to be kept and given to [`Frontier::from_parts`].
    #[must_use]
    pub fn parts(&self) -> (u64, &[Hash]) {
        (self.size, &self.peaks)
    }
}

/// The complete nodes that entries `from` to `to` (excluded) consist of, largest first.
///
/// `from` must be a multiple of the largest power of two in `to - from`, as it is for every subtree of RFC 6962.
pub(super) fn cover(from: u64, to: u64) -> Vec<NodeId> {
    let mut at = from;
    let mut nodes = Vec::new();
    while at < to {
        let level = (to - at).ilog2();
        nodes.push((u8::try_from(level).unwrap_or(63), at >> level));
        at += 1 << level;
    }
    nodes
}

/// The hash over several nodes that stand side by side, largest first; none for none.
pub(super) fn fold_peaks(peaks: &[Hash]) -> Option<Hash> {
    let (last, larger) = peaks.split_last()?;
    Some(
        larger
            .iter()
            .rev()
            .fold(*last, |right, left| node_hash(left, &right)),
    )
}

fn trailing_ones(size: u64) -> u8 {
    u8::try_from(size.trailing_ones()).unwrap_or(63)
}
