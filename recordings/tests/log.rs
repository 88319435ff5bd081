//! The log's tree and proofs against an independent implementation of RFC 6962, and against whoever changes a proof.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests may stop at the first surprise"
)]

use std::collections::HashMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use ecluse_recordings::log::{
    Frontier, Hash, NodeId, ProofError, consistency_needs, consistency_proof, inclusion_needs,
    inclusion_proof, leaf_hash, node_hash, root_at, root_needs, verify_consistency,
    verify_inclusion,
};
use proptest::prelude::*;
use sha2::Sha256;

/// A log with every node kept, as a store keeps them.
struct Log {
    frontier: Frontier,
    nodes: HashMap<NodeId, Hash>,
    roots: Vec<Hash>,
    oracle: MemoryBackedTree<Sha256, Vec<u8>>,
}

impl Log {
    fn of(size: u64) -> Self {
        let mut log = Log {
            frontier: Frontier::new(),
            nodes: HashMap::new(),
            roots: vec![Frontier::new().root()],
            oracle: MemoryBackedTree::new(),
        };
        for number in 0..size {
            log.oracle.push(entry(number));
            for (level, index, hash) in log.frontier.push(leaf_hash(&entry(number))) {
                assert_eq!(log.nodes.insert((level, index), hash), None);
            }
            log.roots.push(log.frontier.root());
        }
        log
    }

    fn node(&self) -> impl Fn(NodeId) -> Option<Hash> + '_ {
        |id| self.nodes.get(&id).copied()
    }
}

fn entry(number: u64) -> Vec<u8> {
    format!("entry {number}").into_bytes()
}

fn bytes(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| hash.0).collect()
}

fn theirs(root: &Hash, size: u64) -> RootHash<Sha256> {
    RootHash::new(root.0.into(), size)
}

/// Roots, inclusion proofs and consistency proofs of every size are those of the independent implementation.
#[test]
fn every_small_log_agrees_with_an_independent_implementation() {
    const SIZE: u64 = 300;
    let log = Log::of(SIZE);
    let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 0..=SIZE {
        let root = log.roots[usize::try_from(size).unwrap()];
        assert_eq!(root.0.as_slice(), oracle.root().as_bytes().as_slice());
        assert_eq!(root_at(size, &log.node()), Ok(root));
        for index in [
            0,
            size / 3,
            size / 2,
            size.saturating_sub(2),
            size.saturating_sub(1),
        ] {
            if index >= size {
                continue;
            }
            let ours = inclusion_proof(index, size, &log.node()).unwrap();
            let reference = oracle.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(bytes(&ours), reference.as_bytes());
            verify_inclusion(&leaf_hash(&entry(index)), index, size, &ours, &root).unwrap();
            theirs(&root, size)
                .verify_inclusion(
                    &entry(index),
                    index,
                    &InclusionProof::from_bytes(bytes(&ours)),
                )
                .unwrap();
        }
        oracle.push(entry(size));
    }
}

#[test]
fn every_pair_of_small_sizes_is_joined_as_the_independent_implementation_joins_it() {
    let log = Log::of(70);
    let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for new in 1u64..=70 {
        oracle.push(entry(new - 1));
        for old in 1..=new {
            let (old_root, new_root) = (
                log.roots[usize::try_from(old).unwrap()],
                log.roots[usize::try_from(new).unwrap()],
            );
            let ours = consistency_proof(old, new, &log.node()).unwrap();
            verify_consistency(old, &old_root, new, &new_root, &ours).unwrap();
            let reference = oracle.prove_consistency(usize::try_from(new - old).unwrap());
            assert_eq!(bytes(&ours), reference.as_bytes(), "{old} to {new}");
            theirs(&new_root, new)
                .verify_consistency(
                    &theirs(&old_root, old),
                    &ConsistencyProof::try_from_bytes(bytes(&ours)).unwrap(),
                )
                .unwrap();
        }
        for index in 0..new {
            let root = log.roots[usize::try_from(new).unwrap()];
            let ours = inclusion_proof(index, new, &log.node()).unwrap();
            verify_inclusion(&leaf_hash(&entry(index)), index, new, &ours, &root).unwrap();
        }
    }
}

#[test]
fn the_empty_log_is_the_beginning_of_every_log_and_of_no_other_root() {
    let log = Log::of(3);
    let none = Frontier::new().root();
    assert_eq!(consistency_proof(0, 3, &log.node()), Ok(vec![]));
    assert_eq!(verify_consistency(0, &none, 3, &log.roots[3], &[]), Ok(()));
    assert_eq!(verify_consistency(0, &none, 0, &none, &[]), Ok(()));
    for (old_root, new, new_root) in [
        (log.roots[1], 3, log.roots[3]),
        (none, 0, log.roots[1]),
        (log.roots[1], 0, log.roots[1]),
    ] {
        assert_eq!(
            verify_consistency(0, &old_root, new, &new_root, &[]),
            Err(ProofError::NotConsistent)
        );
    }
    assert_eq!(
        verify_consistency(3, &log.roots[3], 3, &log.roots[2], &[]),
        Err(ProofError::NotConsistent)
    );
}

#[test]
fn what_does_not_exist_is_not_proven() {
    let log = Log::of(5);
    let out = |index, size| Err(ProofError::OutOfRange { index, size });
    assert_eq!(inclusion_proof(5, 5, &log.node()).map(drop), out(5, 5));
    assert_eq!(inclusion_proof(0, 0, &log.node()).map(drop), out(0, 0));
    assert_eq!(
        verify_inclusion(&log.roots[1], 5, 5, &[], &log.roots[5]),
        out(5, 5)
    );
    assert_eq!(
        verify_inclusion(&log.roots[1], 0, 0, &[], &log.roots[0]),
        out(0, 0)
    );
    assert_eq!(
        verify_inclusion(&log.roots[1], u64::MAX, u64::MAX, &[], &log.roots[0]),
        out(u64::MAX, u64::MAX)
    );
    let shrunk = Err(ProofError::Shrunk { old: 5, new: 4 });
    assert_eq!(consistency_proof(5, 4, &log.node()).map(drop), shrunk);
    assert_eq!(
        verify_consistency(5, &log.roots[5], 4, &log.roots[4], &[]),
        shrunk
    );
    assert_eq!(
        inclusion_proof(0, 6, &log.node()),
        Err(ProofError::MissingNode(1, 2))
    );
    assert_eq!(root_at(6, &log.node()), Err(ProofError::MissingNode(1, 2)));
    assert!(Frontier::from_parts(3, vec![log.roots[1]]).is_err());
    assert!(Frontier::from_parts(u64::MAX, vec![log.roots[1]; 64]).is_err());
    // The largest sizes neither overflow nor recurse without end.
    assert!(
        verify_inclusion(
            &log.roots[1],
            u64::MAX - 1,
            u64::MAX,
            &[log.roots[1]; 64],
            &log.roots[5]
        )
        .is_err()
    );
    assert!(
        verify_consistency(
            u64::MAX - 1,
            &log.roots[1],
            u64::MAX,
            &log.roots[5],
            &[log.roots[1]; 64]
        )
        .is_err()
    );
    assert_eq!(inclusion_needs(7, 7), []);
    assert_eq!(consistency_needs(8, 7), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn larger_logs_agree_too(size in 301u64..5000, at in any::<u64>(), from in any::<u64>()) {
        let log = Log::of(size);
        let (index, old) = (at % size, 1 + from % size);
        let (root, old_root) = (log.frontier.root(), log.roots[usize::try_from(old).unwrap()]);
        let reference = log.oracle.root();
        prop_assert_eq!(root.0.as_slice(), reference.as_bytes().as_slice());
        let inclusion = inclusion_proof(index, size, &log.node()).unwrap();
        prop_assert_eq!(verify_inclusion(&leaf_hash(&entry(index)), index, size, &inclusion, &root), Ok(()));
        let reference = log.oracle.prove_inclusion(usize::try_from(index).unwrap());
        prop_assert_eq!(bytes(&inclusion), reference.as_bytes());
        let joined = consistency_proof(old, size, &log.node()).unwrap();
        prop_assert_eq!(verify_consistency(old, &old_root, size, &root, &joined), Ok(()));
        let reference = log.oracle.prove_consistency(usize::try_from(size - old).unwrap());
        prop_assert_eq!(bytes(&joined), reference.as_bytes());
        // A log of 2^63 entries needs at most 63 hashes a proof, and no proof more than its tree is deep.
        prop_assert!(inclusion.len() <= 13 && joined.len() <= 14);
    }

    /// The nodes named are all that is needed, and a frontier taken apart goes on as if it had not been.
    #[test]
    fn the_nodes_named_suffice(size in 1u64..600, at in any::<u64>(), from in any::<u64>()) {
        let log = Log::of(size);
        let (index, old) = (at % size, from % (size + 1));
        let restrict = |needs: Vec<NodeId>| {
            let kept: HashMap<NodeId, Hash> = needs.into_iter().map(|id| (id, log.nodes[&id])).collect();
            move |id: NodeId| kept.get(&id).copied()
        };
        prop_assert!(inclusion_proof(index, size, &restrict(inclusion_needs(index, size))).is_ok());
        prop_assert!(consistency_proof(old, size, &restrict(consistency_needs(old, size))).is_ok());
        prop_assert_eq!(root_at(size, &restrict(root_needs(size))), Ok(log.frontier.root()));
        let peaks: Vec<Hash> = root_needs(size).into_iter().map(|id| log.nodes[&id]).collect();
        prop_assert_eq!(log.frontier.parts(), (size, peaks.as_slice()));
        let mut resumed = Frontier::from_parts(size, peaks).unwrap();
        let mut other = log.frontier.clone();
        prop_assert_eq!(resumed.push(leaf_hash(b"next")), other.push(leaf_hash(b"next")));
        prop_assert_eq!(resumed.root(), other.root());
    }

    /// A proof that was touched in any way is refused: shortened, lengthened, a bit turned, two hashes exchanged, or
    /// used for another place, another size, another root.
    #[test]
    fn a_touched_proof_is_refused(size in 1u64..400, at in any::<u64>(), from in any::<u64>(), bit in 0usize..256, place in any::<usize>()) {
        let log = Log::of(size);
        let index = at % size;
        let root = log.frontier.root();
        let leaf = leaf_hash(&entry(index));
        let proof = inclusion_proof(index, size, &log.node()).unwrap();
        let included = |leaf: &Hash, index, size, proof: &[Hash], root: &Hash| verify_inclusion(leaf, index, size, proof, root).is_ok();
        prop_assert!(included(&leaf, index, size, &proof, &root));
        for touched in touch(&proof, bit, place) {
            prop_assert!(!included(&leaf, index, size, &touched, &root));
        }
        for other in [index + 1, index.wrapping_sub(1), index ^ 2, size - 1 - index] {
            prop_assert!(other == index || !included(&leaf, other, size, &proof, &root));
        }
        prop_assert!(!included(&leaf, index, size, &proof, &turn(root, bit)));
        prop_assert!(!included(&turn(leaf, bit), index, size, &proof, &root));

        let old = 1 + from % size;
        let old_root = log.roots[usize::try_from(old).unwrap()];
        let proof = consistency_proof(old, size, &log.node()).unwrap();
        let joined = |old, old_root: &Hash, new, new_root: &Hash, proof: &[Hash]| verify_consistency(old, old_root, new, new_root, proof).is_ok();
        prop_assert!(joined(old, &old_root, size, &root, &proof));
        for touched in touch(&proof, bit, place) {
            prop_assert!(!joined(old, &old_root, size, &root, &touched));
        }
        prop_assert!(!joined(old, &turn(old_root, bit), size, &root, &proof));
        prop_assert!(!joined(old, &old_root, size, &turn(root, bit), &proof));
        if old > 1 {
            prop_assert!(!joined(old - 1, &old_root, size, &root, &proof));
        }
        if old < size {
            prop_assert!(!joined(old + 1, &old_root, size, &root, &proof));
        }
    }

    /// A node is no entry: the proof for an entry, shortened by one, does not prove the node above it.
    #[test]
    fn a_node_does_not_pass_for_an_entry(size in 2u64..200) {
        let log = Log::of(size);
        let proof = inclusion_proof(0, size, &log.node()).unwrap();
        let above = node_hash(&leaf_hash(&entry(0)), &proof[0]);
        prop_assert!(verify_inclusion(&above, 0, size, &proof[1..], &log.frontier.root()).is_err());
        prop_assert!(verify_inclusion(&above, 0, size, &proof, &log.frontier.root()).is_err());
    }
}

fn turn(mut hash: Hash, bit: usize) -> Hash {
    hash.0[bit / 8] ^= 1 << (bit % 8);
    hash
}

fn touch(proof: &[Hash], bit: usize, place: usize) -> Vec<Vec<Hash>> {
    let mut longer = proof.to_vec();
    longer.push(leaf_hash(b"more"));
    let mut before = vec![leaf_hash(b"more")];
    before.extend_from_slice(proof);
    let mut all = vec![longer, before];
    if !proof.is_empty() {
        let place = place % proof.len();
        all.push(proof[1..].to_vec());
        all.push(proof[..proof.len() - 1].to_vec());
        let mut turned = proof.to_vec();
        turned[place] = turn(turned[place], bit);
        all.push(turned);
        let next = (place + 1) % proof.len();
        if proof[place] != proof[next] {
            let mut exchanged = proof.to_vec();
            exchanged.swap(place, next);
            all.push(exchanged);
        }
        let mut twice = proof.to_vec();
        twice.insert(place, proof[place]);
        all.push(twice);
    }
    all
}
