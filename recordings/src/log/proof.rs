//! That an entry is in the log, and that a log only grew: RFC 6962 §2.1.1 and §2.1.2, in the recursive form in which
//! the RFC defines them, for making and for checking.
//!
//! Every recursion halves the tree, so none is deeper than 64. Proofs come from strangers: a proof of any other length
//! than the one its sizes demand is refused.

use super::hash::{Hash, empty_root, node_hash};
use super::tree::{NodeId, cover, fold_peaks};

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There is no such entry.
    #[error("the log has {size} entries; there is none at index {index}")]
    OutOfRange {
        /// The entry asked for, from 0.
        index: u64,
        /// Entries in the log.
        size: u64,
    },
    /// A log cannot shrink.
    #[error("the log had {old} entries and is shown with {new}: entries were taken away")]
    Shrunk {
        /// The size seen before.
        old: u64,
        /// The size shown.
        new: u64,
    },
    /// Sizes and proof do not belong together.
    #[error("the proof has {found} hashes where {expected} belong; fetch it again")]
    Length {
        /// Hashes given.
        found: usize,
        /// Hashes needed.
        expected: usize,
    },
    /// The entry is not where it is said to be.
    #[error("the proof leads to another root: this entry is not at this place in this log")]
    NotIncluded,
    /// The old log is not the beginning of the new one.
    #[error("the proof does not join the two roots: one log is not the beginning of the other")]
    NotConsistent,
    /// The store does not have what it must.
    #[error("node {1} of level {0} is not in the store; restore the log from a copy")]
    MissingNode(u8, u64),
}

/// The nodes from which [`inclusion_proof`] is made; none where there is no such entry.
#[must_use]
pub fn inclusion_needs(index: u64, size: u64) -> Vec<NodeId> {
    flatten(&inclusion_ranges(index, size))
}

/// The nodes from which [`consistency_proof`] is made; none where there is no such proof.
#[must_use]
pub fn consistency_needs(old: u64, new: u64) -> Vec<NodeId> {
    flatten(&consistency_ranges(old, new))
}

/// The nodes from which [`root_at`] is made.
#[must_use]
pub fn root_needs(size: u64) -> Vec<NodeId> {
    cover(0, size)
}

/// Makes the proof that entry `index` is in the log of `size` entries (RFC 6962 §2.1.1, PATH).
///
/// # Errors
/// There is no such entry, or `node` does not know a node of [`inclusion_needs`].
pub fn inclusion_proof(
    index: u64,
    size: u64,
    node: &impl Fn(NodeId) -> Option<Hash>,
) -> Result<Vec<Hash>, ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    hashes(&inclusion_ranges(index, size), node)
}

/// Makes the proof that the log of `old` entries is the beginning of the one of `new` (RFC 6962 §2.1.2, PROOF).
///
/// # Errors
/// `old` is larger than `new`, or `node` does not know a node of [`consistency_needs`].
pub fn consistency_proof(
    old: u64,
    new: u64,
    node: &impl Fn(NodeId) -> Option<Hash>,
) -> Result<Vec<Hash>, ProofError> {
    if old > new {
        return Err(ProofError::Shrunk { old, new });
    }
    hashes(&consistency_ranges(old, new), node)
}

/// The root that the log had when it had `size` entries (RFC 6962 §2.1, MTH).
///
/// # Errors
/// `node` does not know a node of [`root_needs`].
pub fn root_at(size: u64, node: &impl Fn(NodeId) -> Option<Hash>) -> Result<Hash, ProofError> {
    if size == 0 {
        return Ok(empty_root());
    }
    hash_of((0, size), node)
}

/// Checks that an entry with the hash `leaf` is at `index` in the log with `size` entries and the root `root`.
///
/// # Errors
/// It is not, or the proof does not show it.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    expect_length(proof, inclusion_ranges(index, size).len())?;
    match root_over(*leaf, index, size, proof) {
        Some(found) if found == *root => Ok(()),
        Some(_) | None => Err(ProofError::NotIncluded),
    }
}

/// Checks that the log with `old` entries and the root `old_root` is the beginning of the one with `new` and `new_root`.
///
/// # Errors
/// It is not, or the proof does not show it.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Shrunk { old, new });
    }
    expect_length(proof, consistency_ranges(old, new).len())?;
    let joined = if old == 0 {
        // Every log begins with the empty one, which has one root only.
        *old_root == empty_root() && (new > 0 || new_root == old_root)
    } else {
        roots_over(old, new, true, proof, old_root) == Some((*old_root, *new_root))
    };
    joined.then_some(()).ok_or(ProofError::NotConsistent)
}

/// PATH(index, D[size]) as ranges of entries `[from, to)`, from the entry's neighbour to the top.
fn inclusion_ranges(index: u64, size: u64) -> Vec<(u64, u64)> {
    let (mut from, mut to) = (0, size);
    let mut ranges = Vec::new();
    while index < to && to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            ranges.push((middle, to));
            to = middle;
        } else {
            ranges.push((from, middle));
            from = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// PROOF(old, D[new]) as ranges of entries, in the order of the proof.
fn consistency_ranges(old: u64, new: u64) -> Vec<(u64, u64)> {
    if old == 0 || old >= new {
        return Vec::new();
    }
    let (mut from, mut to) = (0, new);
    let mut ranges = Vec::new();
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            ranges.push((middle, to));
            to = middle;
        } else {
            ranges.push((from, middle));
            from = middle;
        }
    }
    // Where nothing was cut off on the left, what remains is the old log itself, whose root the verifier has.
    if from != 0 {
        ranges.push((from, to));
    }
    ranges.reverse();
    ranges
}

/// The root over entry `index` of `size`, given its neighbours' hashes from the nearest to the top.
fn root_over(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if size == 1 {
        return proof.is_empty().then_some(leaf);
    }
    let (neighbour, below) = proof.split_last()?;
    let left = split(size);
    if index < left {
        let half = root_over(leaf, index, left, below)?;
        Some(node_hash(&half, neighbour))
    } else {
        let half = root_over(leaf, index - left, size - left, below)?;
        Some(node_hash(neighbour, &half))
    }
}

/// The roots over the first `old` and over all `new` entries, from SUBPROOF(old, D[new], whole).
fn roots_over(
    old: u64,
    new: u64,
    whole: bool,
    proof: &[Hash],
    old_root: &Hash,
) -> Option<(Hash, Hash)> {
    if old == new {
        return match proof {
            [] if whole => Some((*old_root, *old_root)),
            [hash] if !whole => Some((*hash, *hash)),
            _ => None,
        };
    }
    let (neighbour, below) = proof.split_last()?;
    let left = split(new);
    if old <= left {
        let (first, half) = roots_over(old, left, whole, below, old_root)?;
        Some((first, node_hash(&half, neighbour)))
    } else {
        let (first, half) = roots_over(old - left, new - left, false, below, old_root)?;
        Some((node_hash(neighbour, &first), node_hash(neighbour, &half)))
    }
}

/// The largest power of two smaller than `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << size.saturating_sub(1).max(1).ilog2()
}

fn flatten(ranges: &[(u64, u64)]) -> Vec<NodeId> {
    ranges
        .iter()
        .flat_map(|(from, to)| cover(*from, *to))
        .collect()
}

fn hashes(
    ranges: &[(u64, u64)],
    node: &impl Fn(NodeId) -> Option<Hash>,
) -> Result<Vec<Hash>, ProofError> {
    ranges.iter().map(|range| hash_of(*range, node)).collect()
}

fn hash_of(
    (from, to): (u64, u64),
    node: &impl Fn(NodeId) -> Option<Hash>,
) -> Result<Hash, ProofError> {
    let peaks = cover(from, to)
        .into_iter()
        .map(|id| node(id).ok_or(ProofError::MissingNode(id.0, id.1)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(fold_peaks(&peaks).unwrap_or_else(empty_root))
}

fn expect_length(proof: &[Hash], expected: usize) -> Result<(), ProofError> {
    if proof.len() == expected {
        Ok(())
    } else {
        Err(ProofError::Length {
            found: proof.len(),
            expected,
        })
    }
}
