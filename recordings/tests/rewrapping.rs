//! Rewrapping changes who reads and nothing else; interrupted anywhere, what the log knows takes its place, everything
//! else goes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    missing_docs
)]

mod common;

use common::{client, exec, fast_dir, protection, read_all, recorder, sealed, signer};
use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::{
    EndedRewrapping, Event, ReadError, Rewrapped, SealedRecording, SessionEnd, changing,
    end_rewrapping, layout, rewrap,
};
use std::fs;
use std::path::{Path, PathBuf};

fn recording(root: &Path) -> PathBuf {
    let recorder = recorder(root);
    recorder.append(1, 1, Event::opened(&exec("id"))).unwrap();
    let recording = sealed(&recorder, 2, &SessionEnd::because("closed"));
    recording.dir().to_path_buf()
}

/// One file is replaced: the new reader reads, the old one does not, and every signature holds as before.
#[test]
fn rewrapping_changes_who_reads_and_nothing_else() {
    let root = fast_dir();
    let dir = recording(root.path());
    let before = read_all(&dir);
    let auditor = Identity::generate();
    let locked = rewrap(&dir, std::slice::from_ref(&auditor), &[auditor.public()]).unwrap_err();
    assert!(
        locked.to_string().contains("none of the given keys"),
        "{locked}"
    );
    let nobody = rewrap(&dir, &[client()], &[]).unwrap_err();
    assert!(nobody.to_string().contains("recipient"), "{nobody}");
    assert_eq!(read_all(&dir), before);
    let sha256 = rewrap(&dir, &[client()], &[auditor.public()]).unwrap();
    let after = read_all(&dir);
    assert_eq!(sha256, sha256_hex(&after[layout::WRAPPED_KEY]));
    for (name, bytes) in &before {
        assert_eq!(after[name] == *bytes, name != layout::WRAPPED_KEY, "{name}");
    }
    let sealed = SealedRecording::open(&dir).unwrap();
    assert!(sealed.verify_signature(&[signer().public()]).is_ok());
    sealed.unlock(&[auditor]).unwrap().verify().unwrap();
    assert!(matches!(
        sealed.unlock(&[client()]),
        Err(ReadError::Locked { .. })
    ));
    // A key of somebody's own, wrapped for the client, does not pass for the recording's.
    let other = protection();
    fs::write(dir.join(layout::WRAPPED_KEY), other.wrapped).unwrap();
    let error = sealed.unlock(&[client()]).unwrap_err().to_string();
    assert!(error.contains("another recording"), "{error}");
}

#[test]
fn what_lies_beside_takes_the_place_only_where_the_log_has_it_as_the_latest() {
    let root = fast_dir();
    let dir = recording(root.path());
    let before = read_all(&dir);
    assert_eq!(changing(root.path()).unwrap(), [] as [PathBuf; 0]);
    let reader = Identity::generate();
    for latest in [None, Some(""), Some(&"0".repeat(64)[..])] {
        let begun = Rewrapped::new(&dir, &[client()], &[reader.public()]).unwrap();
        drop(begun);
        assert_eq!(changing(root.path()).unwrap(), std::slice::from_ref(&dir));
        assert_eq!(
            end_rewrapping(&dir, latest).unwrap(),
            Some(EndedRewrapping::Undone)
        );
        assert_eq!(read_all(&dir), before);
    }
    let begun = Rewrapped::new(&dir, &[client()], &[reader.public()]).unwrap();
    let sha256 = begun.sha256().to_owned();
    drop(begun);
    assert_eq!(
        end_rewrapping(&dir, Some(&sha256)).unwrap(),
        Some(EndedRewrapping::Finished)
    );
    let after = read_all(&dir);
    assert_eq!(sha256_hex(&after[layout::WRAPPED_KEY]), sha256);
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    let opened = SealedRecording::open(&dir).unwrap().unlock(&[reader]);
    opened.unwrap().verify().unwrap();
    assert_eq!(end_rewrapping(&dir, Some(&sha256)).unwrap(), None);
}

/// A crash while it is written: a part of it is nobody's.
#[test]
fn a_part_of_a_wrapping_never_takes_the_place() {
    let root = fast_dir();
    let dir = recording(root.path());
    let begun = Rewrapped::new(&dir, &[client()], &[client().public()]).unwrap();
    let (sha256, before) = (begun.sha256().to_owned(), read_all(&dir));
    let next = dir.join(layout::WRAPPED_KEY_NEXT);
    let whole = &before[layout::WRAPPED_KEY_NEXT];
    for length in [0, 1, whole.len() - 1] {
        fs::write(&next, &whole[..length]).unwrap();
        assert_eq!(
            end_rewrapping(&dir, Some(&sha256)).unwrap(),
            Some(EndedRewrapping::Undone)
        );
        assert!(!next.exists());
    }
    fs::write(&next, vec![b'x'; 1 << 20]).unwrap();
    assert_eq!(
        end_rewrapping(&dir, Some(&sha256)).unwrap(),
        Some(EndedRewrapping::Undone)
    );
    assert!(!next.exists());
}
