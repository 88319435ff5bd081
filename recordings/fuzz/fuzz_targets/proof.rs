//! Notes, checkpoints, entries, and proofs with any sizes: nothing made up is believed.

#![no_main]

use ecluse_recordings::log::checkpoint::{read_moment, write_moment};
use ecluse_recordings::log::{
    Checkpoint, Entry, Extension, Hash, SignedNote, VerifierKey, empty_root, leaf_hash,
    verify_consistency, verify_inclusion,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let key = VerifierKey::log("ecluse.example/gw1", [7; 32]).unwrap();
    if let Ok(note) = SignedNote::parse(&text) {
        assert_eq!(note.text(), text);
        assert!(note.verify(&key).is_err());
        if let Ok(checkpoint) = note.unverified() {
            assert_eq!(
                Checkpoint::parse(&checkpoint.body()).as_ref(),
                Ok(&checkpoint)
            );
        }
    }
    if let Ok(extension) = Extension::parse(&text) {
        assert_eq!(extension.text(), text);
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Some(moment) = read_moment(&text) {
        assert_eq!(write_moment(moment), text);
    }
    if let Ok(entry) = Entry::parse(data) {
        let line = entry.to_line().unwrap();
        assert_eq!(Entry::parse(&line), Ok(entry));
    }

    let Some((sizes, rest)) = data.split_first_chunk::<16>() else {
        return;
    };
    let (one, other) = sizes.split_at(8);
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let (one, other) = (number(one), number(other));
    let proof: Vec<Hash> = rest
        .chunks_exact(32)
        .map(|hash| Hash(hash.try_into().unwrap()))
        .collect();
    // A root that nobody computed: to meet it is to break SHA-256, but for a log of one entry.
    let root = leaf_hash(b"root");
    let leaf = leaf_hash(b"leaf");
    assert!(verify_inclusion(&leaf, one, other, &proof, &root).is_err());
    if one != other {
        let joined = verify_consistency(one, &leaf, other, &root, &proof);
        assert!(joined.is_err());
        let joined = verify_consistency(one, &empty_root(), other, &root, &proof);
        assert!(joined.is_err() || one == 0);
    }
});
