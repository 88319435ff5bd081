//! Comparing checkpoints: that a log only grew, and the proof against one that did not.
//!
//! A witness keeps the last checkpoint it cosigned and cosigns a later one only where a consistency proof joins the two
//! (<https://c2sp.org/tlog-witness>). Which checkpoint that was is its caller's to keep, durably, before the
//! cosignature is handed out.

use super::checkpoint::Checkpoint;
use super::hash::Hash;
use super::note::{MAX_NOTE, NoteError, SignedNote, VerifierKey};
use super::proof::{ProofError, verify_consistency};
use crate::evidence::signature::Signer;

/// Most hashes in the text form of a consistency proof (C2SP tlog-witness: 63).
const MAX_HASHES: usize = 63;

/// Why a checkpoint is not cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// Not a checkpoint of this log.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Another log than the one followed.
    #[error("this is the log {found}; the one followed is {expected}")]
    OtherLog {
        /// The origin shown.
        found: String,
        /// The origin followed.
        expected: String,
    },
    /// The log is smaller than it was: entries were taken away. Keep both checkpoints: together they prove it.
    #[error(
        "the log was rolled back: it had {old} entries and is shown with {new}; keep both checkpoints, they prove it"
    )]
    Rollback {
        /// The size cosigned before.
        old: u64,
        /// The size shown.
        new: u64,
    },
    /// Two histories of one log. Keep both checkpoints: together they prove it.
    #[error(
        "the log was forked: at {size} entries it has two roots; keep both checkpoints, they prove it"
    )]
    Fork {
        /// The size that has two roots.
        size: u64,
    },
    /// The proof given does not join the two checkpoints: the proof is bad, or the log was forked.
    #[error(
        "nothing shows that the log of {old} entries is the beginning of the one of {new} ({problem}); ask for the proof from {old} to {new}: a log that cannot give it was rewritten"
    )]
    NotJoined {
        /// The size cosigned before.
        old: u64,
        /// The size shown.
        new: u64,
        /// What is wrong with the proof.
        problem: ProofError,
    },
    /// Not the text of a checkpoint with its proof.
    #[error("it is not a checkpoint with its consistency proof: {0}")]
    Malformed(&'static str),
}

/// Cosigns `next` if the log it shows only grew since `previous`, or if it is the first one seen.
///
/// `key` is the log's; `signer` and `name` are the witness's. The caller keeps `next` as the new `previous` before it
/// gives the cosigned note away.
///
/// # Errors
/// [`WitnessError::Rollback`] and [`WitnessError::Fork`] are the log's doing and provable with the two notes;
/// [`WitnessError::NotJoined`] may be a wrong proof.
pub fn check_and_cosign(
    previous: Option<&Checkpoint>,
    next: &SignedNote,
    consistency: &[Hash],
    key: &VerifierKey,
    signer: &dyn Signer,
    name: &str,
    unix_secs: u64,
) -> Result<SignedNote, WitnessError> {
    let shown = next.verify(key)?;
    if let Some(seen) = previous {
        check_growth(seen, &shown, consistency)?;
    }
    Ok(next.cosign(name, signer, unix_secs)?)
}

/// Checks that the log at `next` is the one at `previous`, grown or unchanged.
///
/// # Errors
/// As [`check_and_cosign`].
pub fn check_growth(
    previous: &Checkpoint,
    next: &Checkpoint,
    consistency: &[Hash],
) -> Result<(), WitnessError> {
    if previous.origin != next.origin {
        return Err(WitnessError::OtherLog {
            found: next.origin.clone(),
            expected: previous.origin.clone(),
        });
    }
    if next.size < previous.size {
        return Err(WitnessError::Rollback {
            old: previous.size,
            new: next.size,
        });
    }
    if next.size == previous.size && next.root != previous.root {
        return Err(WitnessError::Fork { size: next.size });
    }
    verify_consistency(
        previous.size,
        &previous.root,
        next.size,
        &next.root,
        consistency,
    )
    .map_err(|problem| WitnessError::NotJoined {
        old: previous.size,
        new: next.size,
        problem,
    })
}

/// Two checkpoints of one log, both signed by it, that cannot both be true. Whoever has its public key can check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkProof {
    first: SignedNote,
    second: SignedNote,
    size: u64,
}

impl ForkProof {
    /// Makes the proof from two notes of the log: of one size, with different roots.
    ///
    /// # Errors
    /// One of them is not signed by the log.
    pub fn find(
        first: &SignedNote,
        second: &SignedNote,
        key: &VerifierKey,
    ) -> Result<Option<Self>, NoteError> {
        let (one, other) = (first.verify(key)?, second.verify(key)?);
        let forked = one.size == other.size && one.root != other.root;
        Ok(forked.then(|| ForkProof {
            first: first.clone(),
            second: second.clone(),
            size: one.size,
        }))
    }

    /// The size at which the log has two roots.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The two notes.
    #[must_use]
    pub fn notes(&self) -> (&SignedNote, &SignedNote) {
        (&self.first, &self.second)
    }
}

/// A checkpoint, and the proof that it extends an earlier one: what a witness is asked with, as one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The size of the earlier checkpoint; 0 where there is none.
    pub old: u64,
    /// The proof from there to the checkpoint.
    pub proof: Vec<Hash>,
    /// The checkpoint.
    pub note: SignedNote,
}

impl Extension {
    /// `old N`, the hashes in base64, an empty line, the note (C2SP tlog-witness, add-checkpoint).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            text.push_str(&hash.to_base64());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note.text());
        text
    }

    /// Reads what [`Extension::text`] writes.
    ///
    /// # Errors
    /// It is another text.
    pub fn parse(text: &str) -> Result<Self, WitnessError> {
        if text.len() > MAX_NOTE + 4096 {
            return Err(WitnessError::Malformed("it is too long"));
        }
        let (head, note) = text
            .split_once("\n\n")
            .ok_or(WitnessError::Malformed("no empty line after the proof"))?;
        let mut lines = head.split('\n');
        let size = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .ok_or(WitnessError::Malformed("it does not begin with `old`"))?;
        let old: u64 = size
            .parse()
            .ok()
            .filter(|old: &u64| old.to_string() == size && *old <= i64::MAX as u64)
            .ok_or(WitnessError::Malformed("after `old` stands no number"))?;
        let proof = lines
            .map(|line| {
                Hash::from_base64(line)
                    .ok_or(WitnessError::Malformed("a line of the proof is not a hash"))
            })
            .take(MAX_HASHES + 1)
            .collect::<Result<Vec<_>, _>>()?;
        if proof.len() > MAX_HASHES {
            return Err(WitnessError::Malformed("the proof is too long"));
        }
        let note = SignedNote::parse(note)?;
        note.unverified()?;
        Ok(Extension { old, proof, note })
    }
}
