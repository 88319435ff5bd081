//! Whole bundles. The first byte says how: the bytes as an archive, or as files with the names that are looked for.

#![no_main]

use std::io::Write as _;
use std::sync::LazyLock;

use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::verify::{Options, Verdict, verify};
use libfuzzer_sys::fuzz_target;

static IDENTITY: LazyLock<Identity> = LazyLock::new(Identity::generate);

const SESSION: &str = "recordings/07070707-0707-0707-0707-070707070707";
const NAMES: [&str; 12] = [
    "SHA256SUMS",
    "SHA256SUMS.sig",
    "allowed_signers",
    "log-keys",
    "checkpoint",
    "checkpoints/7",
    "consistency.json",
    "entries.jsonl",
    "proofs.jsonl",
    "manifest.json",
    "manifest.json.sig",
    "recording.key.age",
];

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else {
        return;
    };
    let archive = if how % 2 == 0 {
        bytes.to_vec()
    } else {
        assemble(bytes)
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&archive).unwrap();
    for identities in [vec![], vec![IDENTITY.clone()]] {
        let options = Options {
            identities,
            // A key that signed nothing here: nothing can be intact.
            signers: vec![[7; 32]],
            ..Options::default()
        };
        if let Ok(report) = verify(file.path(), &options) {
            assert_ne!(report.verdict, Verdict::Intact);
            assert!(!report.text().contains(['\x1b', '\u{202e}', '\u{9b}']));
        }
    }
});

/// Files, one after the other: a byte that names, a length of two bytes, the content.
fn assemble(mut bytes: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    while let Some((head, rest)) = bytes.split_first_chunk::<3>() {
        let name = NAMES[usize::from(head[0]) % NAMES.len()];
        let name = if name.starts_with("manifest") || name.starts_with("recording.key") {
            format!("{SESSION}/{name}")
        } else {
            name.to_owned()
        };
        let length = usize::from(u16::from_le_bytes([head[1], head[2]])).min(rest.len());
        let (content, rest) = rest.split_at(length);
        let mut header = tar::Header::new_ustar();
        header.set_size(length as u64);
        header.set_entry_type(tar::EntryType::Regular);
        archive.append_data(&mut header, name, content).unwrap();
        bytes = rest;
    }
    archive.into_inner().unwrap()
}
