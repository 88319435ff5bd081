//! What the log knows of a recording that a recovery finds on disk: only what began on record is signed, and what is
//! missing is told.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    missing_docs
)]

mod common;

use common::{exec, facts, fast_dir, recorder, recovery};
use ecluse_recordings::{Event, Outcome, Recovery, Seal, Unknown, Witness, layout, recover};
use std::fs;
use std::path::{Path, PathBuf};

fn left_open(root: &Path) -> (PathBuf, u64, Seal) {
    let recorder = recorder(root);
    recorder.append(1, 1, Event::opened(&exec("id"))).unwrap();
    recorder.append(1, 2, Event::Output(b"uid=0")).unwrap();
    let progress = recorder.progress();
    recorder.append(1, 3, Event::Output(b"more")).unwrap();
    (
        recorder.dir().to_path_buf(),
        progress.frames,
        progress.last_seal.unwrap(),
    )
}

/// Who can write on the disk cannot have a recording of their own signed: the log knows which ones there are.
#[test]
fn what_the_log_does_not_know_is_not_signed() {
    let root = fast_dir();
    let (dir, ..) = left_open(root.path());
    let recovery = Recovery {
        known: &|header| {
            let problem = format!("no session {} began", header.facts.session);
            Err(Unknown::NotOurs(problem))
        },
        ..recovery()
    };
    let recovered = recover(root.path(), &recovery).unwrap();
    let Outcome::Damaged { problem, .. } = &recovered[0].outcome else {
        panic!("{:?}", recovered[0].outcome)
    };
    assert!(problem.contains("no session"), "{problem}");
    assert!(!dir.join(layout::MANIFEST).exists());
    assert!(dir.join(layout::DAMAGED).exists());
}

/// A log that does not answer says nothing against a recording.
#[test]
fn a_log_that_does_not_answer_leaves_the_journal_for_the_next_start() {
    let root = fast_dir();
    let (dir, ..) = left_open(root.path());
    let recovery_later = Recovery {
        known: &|_| Err(Unknown::NotNow(std::io::Error::other("the store is away"))),
        ..recovery()
    };
    let recovered = recover(root.path(), &recovery_later).unwrap();
    let Outcome::Failed(error) = &recovered[0].outcome else {
        panic!("{:?}", recovered[0].outcome)
    };
    assert!(error.to_string().contains("the store is away"), "{error}");
    assert!(dir.join(layout::LIVE).exists() && !dir.join(layout::DAMAGED).exists());
    let recovered = recover(root.path(), &recovery()).unwrap();
    assert!(matches!(recovered[0].outcome, Outcome::Sealed { .. }));
}

#[test]
fn what_the_log_knows_otherwise_or_beyond_is_told() {
    let root = fast_dir();
    let (_, frames, last_seal) = left_open(root.path());
    let lost = |frames: u64, last_seal: Seal| {
        let witness = Witness { frames, last_seal };
        let root_again = fast_dir();
        let dir = layout::session_dir(root_again.path(), &facts()).unwrap();
        fs::create_dir_all(&dir).unwrap();
        let from = layout::session_dir(root.path(), &facts()).unwrap();
        fs::copy(from.join(layout::LIVE), dir.join(layout::LIVE)).unwrap();
        let recovery = Recovery {
            known: &|_| Ok(Some(witness)),
            ..recovery()
        };
        let mut recovered = recover(root_again.path(), &recovery).unwrap();
        match recovered.remove(0).outcome {
            Outcome::Sealed { lost_frames, .. } => Some(lost_frames),
            Outcome::Damaged { .. } => None,
            other @ (Outcome::InUse | Outcome::Failed(_)) => panic!("{other:?}"),
        }
    };
    assert_eq!(lost(frames, last_seal), Some(0));
    assert_eq!(lost(frames + 3, last_seal), Some(2));
    assert_eq!(lost(frames, Seal::default()), None);
}
