//! The journal that nobody rewrites: an append-only Merkle log (RFC 6962) and its signed checkpoints (C2SP).
//!
//! Small and apart on purpose: these files are what an expert reads to answer whether the log proves what it is said
//! to prove. They know hashes, trees, texts and Ed25519; not where nodes are stored ([`inclusion_needs`] and its
//! sisters name the nodes, a closure hands them over), not what an entry means, and no clock.
//!
//! Read [`hash`] for the three ways bytes are hashed, [`proof`] for the definitions of RFC 6962 §2.1 written out,
//! [`checkpoint`] for what is signed, [`trail`] for the chain of one client's entries, [`witness`] for how two checkpoints are compared.

pub mod checkpoint;
pub mod entry;
pub mod hash;
pub mod kept;
pub mod note;
pub mod proof;
pub mod trail;
pub mod tree;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use entry::Entry;
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use kept::{Kept, KeptError};
pub use note::{KeyRole, NoteError, SignedNote, VerifierKey};
pub use proof::{
    ProofError, consistency_needs, consistency_proof, inclusion_needs, inclusion_proof, root_at,
    root_needs, verify_consistency, verify_inclusion,
};
pub use trail::{Break, TrailEnd, Trails};
pub use tree::{Frontier, NodeId};
pub use witness::{Extension, ForkProof, WitnessError, check_and_cosign};
