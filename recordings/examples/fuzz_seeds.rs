//! Writes real files for the fuzz targets to start from: `cargo run --example fuzz_seeds -- DIRECTORY`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    missing_docs,
    reason = "a tool of the tests"
)]

#[path = "../tests/site/mod.rs"]
mod site;

use std::path::PathBuf;

use ecluse_recordings::log::{Extension, SignedNote};
use site::{Made, Site, gateway};

fn main() {
    let root = PathBuf::from(std::env::args_os().nth(1).unwrap());
    let put = |target: &str, name: &str, bytes: &[u8]| {
        let directory = root.join(target);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(name), bytes).unwrap();
    };
    let with = |how: u8, bytes: &[u8]| [&[how], bytes].concat();

    let (files, journal) = (Site::made(Made::CutShort), Site::made(Made::ClosedJournal));
    let recording = &files.recordings[0];
    let sealed = &journal.recordings[0].files["sealed.journal"];
    for how in 0..3 {
        put("frame", &format!("journal-{how}"), &with(how, sealed));
    }
    put(
        "frame",
        "key",
        &with(2, &recording.files["recording.key.age"]),
    );
    for (name, bytes) in &recording.plain {
        put("cast", name, bytes);
    }
    put(
        "cast",
        "v1",
        br#"{"version":1,"width":80,"height":24,"duration":1.0,"stdout":[[0.1,"a"],[0.2,"b"]]}"#,
    );
    put("cast", "v3", b"{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}\n[0.1,\"o\",\"a\"]\n# c\n[0.2,\"x\",\"0\"]\n");
    put("manifest", "files", &recording.files["manifest.json"]);
    put(
        "manifest",
        "journal",
        &journal.recordings[0].files["manifest.json"],
    );
    put(
        "manifest",
        "signature",
        &recording.files["manifest.json.sig"],
    );
    let bundle = files.bundle();
    for name in ["SHA256SUMS", "allowed_signers"] {
        put("manifest", name, &bundle.files[name]);
    }
    put("bundle", "tar", &with(0, &bundle.tar()));
    put(
        "bundle",
        "tar-of-a-journal",
        &with(0, &journal.bundle().tar()),
    );
    put("bundle", "parts", &with(1, &parts(&files)));
    let note = &bundle.files["checkpoint"];
    put("proof", "note", note);
    put(
        "proof",
        "keys",
        bundle.files["log-keys"]
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap(),
    );
    put("proof", "entry", &files.journal.lines[0]);
    put("proof", "moment", b"2026-11-25T10:00:00.123456Z");
    let extension = Extension {
        old: 9,
        proof: files.journal.consistency(9),
        note: SignedNote::sign(&files.journal.checkpoint(), &gateway()).unwrap(),
    };
    put("proof", "extension", extension.text().as_bytes());
    let mut sizes = [9u64.to_be_bytes(), files.journal.size().to_be_bytes()].concat();
    sizes.extend(files.journal.consistency(9).iter().flat_map(|hash| hash.0));
    put("proof", "consistency", &sizes);
}

/// A bundle in the form that the bundle target assembles.
fn parts(site: &Site) -> Vec<u8> {
    let names = [
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
    let bundle = site.bundle();
    let mut all = Vec::new();
    for (at, name) in (0u8..).zip(names) {
        let found = bundle
            .files
            .get(name)
            .or_else(|| site.recordings[0].files.get(name));
        let Some(bytes) = found else { continue };
        all.push(at);
        all.extend(u16::try_from(bytes.len()).unwrap().to_le_bytes());
        all.extend(bytes);
    }
    all
}
