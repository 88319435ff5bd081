//! What an auditor takes away: one `.tar` with recordings, manifests, signatures, the journal's entries and their
//! proofs, and how to check it all without the gateway.
//!
//! Knows the archive, its names and its texts; what belongs into a bundle is its caller's choice, and whether it holds
//! is [`crate::verify`]'s. Write with [`BundleWriter`], read with [`Files`]. Every name in a bundle is one of those below.

mod choice;
mod contents;
mod guide;
mod index;
mod lines;
mod name;
mod reader;
mod tar_reader;
mod words;
mod writer;

pub use crate::layout::moment;
pub use choice::{Choice, LeftOut, Rule, Why};
pub use contents::{
    Contents, Decision, Granted, InterventionFacts, PassedFacts, PassedOnChannel, Window,
};
pub use guide::guide;
pub use index::index;
pub use lines::{
    Consistency, ConsistencyProofs, EntryProof, LineReader, ProofsHead, TrailFacts, parse_sums,
    write_sums,
};
pub use name::is_bundle_name;
pub use reader::{Files, Kind, Place, ReaderError, Seen};
pub use words::Language;
pub use writer::{BundleError, BundleWriter};

/// How to check the bundle with stock tools, for people.
pub const GUIDE: &str = "VERIFY.md";
/// What is in it, for people.
pub const INDEX: &str = "index.html";
/// The keys that sign manifests and the list of files, for `ssh-keygen -Y verify`.
pub const ALLOWED_SIGNERS: &str = "allowed_signers";
/// The keys that sign checkpoints, one [`crate::log::VerifierKey`] a line.
pub const LOG_KEYS: &str = "log-keys";
/// The checkpoint that covers every entry of the bundle: a [`crate::log::SignedNote`].
pub const CHECKPOINT: &str = "checkpoint";
/// Directory of further checkpoints, such as cosigned ones, each named by its size.
pub const CHECKPOINTS: &str = "checkpoints/";
/// Proofs that join checkpoints: [`ConsistencyProofs`].
pub const CONSISTENCY: &str = "consistency.json";
/// The entries, ascending: each line is the bytes that were hashed.
pub const ENTRIES: &str = "entries.jsonl";
/// Their inclusion proofs: a [`ProofsHead`], then one [`EntryProof`] for each line of the entries.
pub const PROOFS: &str = "proofs.jsonl";
/// What the bundle was asked to hold: a [`Choice`].
pub const CHOICE: &str = "choice.json";
/// How many entries the client's trail has, and whether all of them are here: [`TrailFacts`].
pub const TRAIL: &str = "trail.json";
/// Directory of recordings, each named by its session.
pub const RECORDINGS: &str = "recordings/";
/// Directory of document versions: `documents/v<N>/<file>`.
pub const DOCUMENTS: &str = "documents/";
/// Directory of interventions: `interventions/<number>.json`.
pub const INTERVENTIONS: &str = "interventions/";
/// The salts of interventions and documents, a line each: the salt, two spaces, the name in the bundle.
pub const SALTS: &str = "salts";
/// SHA-256 of every other file, as `sha256sum` writes it.
pub const SUMS: &str = "SHA256SUMS";
/// The signature over that list.
pub const SUMS_SIGNATURE: &str = "SHA256SUMS.sig";

/// What a name in a bundle begins with, in the order that a gateway writes them.
const NAMES: [&str; 14] = [
    RECORDINGS,
    ENTRIES,
    PROOFS,
    CHECKPOINT,
    CHECKPOINTS,
    CONSISTENCY,
    CHOICE,
    INTERVENTIONS,
    DOCUMENTS,
    LOG_KEYS,
    ALLOWED_SIGNERS,
    INDEX,
    GUIDE,
    SUMS,
];

/// In a recording's directory: what it consists of.
pub const MANIFEST: &str = "manifest.json";
/// In a recording's directory: the manifest's signature.
pub const MANIFEST_SIGNATURE: &str = "manifest.json.sig";
/// In a recording's directory: the key that reads it, for its recipients.
pub const WRAPPED_KEY: &str = "recording.key.age";

/// Most files that are read from a bundle.
pub const MAX_FILES: usize = 250_000;
/// Longest text file (list, manifest, checkpoint) that is read into memory.
pub const MAX_TEXT: u64 = crate::evidence::manifest::MAX_MANIFEST;
