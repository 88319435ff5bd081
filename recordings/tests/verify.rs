//! The program that an auditor runs: its answers, its exit codes, and its speed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests may stop at the first surprise"
)]

mod site;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ecluse_recordings::evidence::signature::{Signer as _, openssh};
use ecluse_recordings::log::SignedNote;
use site::{Made, Site, gateway, log_key, stranger, witness_key};

fn run(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ecluse-verify"))
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
        + &String::from_utf8(output.stderr.clone()).unwrap()
}

struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Desk {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

#[test]
fn the_program_answers_in_words_and_by_its_exit_code() {
    let site = Site::new();
    let desk = Desk::new();
    let bundle = desk.put("bundle.tar", site.bundle().tar());
    let key = desk.put(
        "client.key",
        format!("# a comment\n{}\n", site.client.to_text().as_str()),
    );
    let signers = desk.put("gateway.pub", openssh(&gateway().public()));
    let log_keys = desk.put("log-keys", format!("{}\n{}\n", log_key(), witness_key()));
    let since = desk.put(
        "monday",
        SignedNote::sign(&site.journal.checkpoint(), &gateway())
            .unwrap()
            .text(),
    );
    let option = |name: &'static str| Path::new(name);

    let alone = run(&[&bundle]);
    assert_eq!(alone.status.code(), Some(0), "{}", said(&alone));
    assert!(
        said(&alone).contains("verdict: intact")
            && said(&alone).contains("vouch only for themselves")
    );
    let all = run(&[
        option("--key"),
        &key,
        option("--signers"),
        &signers,
        option("--log-key"),
        &log_keys,
        option("--since"),
        &since,
        &bundle,
    ]);
    assert_eq!(all.status.code(), Some(0), "{}", said(&all));
    assert!(
        said(&all).contains("read to the end with the key given")
            && !said(&all).contains("vouch only")
    );
    assert!(said(&all).contains("extends the checkpoint of 15 entries"));

    let json = run(&[option("--json"), &bundle]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["verdict"], "intact");
    assert_eq!(json["log"]["size"], 15);

    let strangers = desk.put("stranger.pub", openssh(&stranger().public()));
    let altered = run(&[option("--signers"), &strangers, &bundle]);
    assert_eq!(altered.status.code(), Some(4));
    assert!(said(&altered).contains("altered: SHA256SUMS.sig: "));
}

#[test]
fn every_verdict_has_its_exit_code() {
    let desk = Desk::new();
    let code = |bundle: &site::Bundle| run(&[&desk.put("bundle.tar", bundle.tar())]).status.code();
    let cut = Site::made(Made::CutShort);
    assert_eq!(code(&cut.bundle()), Some(3));
    let site = Site::new();
    let mut bundle = site.bundle();
    bundle.flip("index.html");
    assert_eq!(code(&bundle), Some(4));
    let mut bundle = site.bundle();
    bundle.files.remove("index.html");
    assert_eq!(code(&bundle), Some(5));
    let lines = |bundle: &site::Bundle, name: &str| -> Vec<String> {
        let text = String::from_utf8(bundle.files[name].clone()).unwrap();
        text.lines().map(|line| format!("{line}\n")).collect()
    };
    let mut bundle = site.unsigned();
    let mut entries = lines(&bundle, "entries.jsonl");
    entries.swap(1, 2);
    bundle.put("entries.jsonl", entries.concat());
    bundle.sign(&gateway());
    assert_eq!(code(&bundle), Some(6));
    let mut bundle = site.unsigned();
    let mut proofs = lines(&bundle, "proofs.jsonl");
    proofs.remove(2);
    bundle.put("proofs.jsonl", proofs.concat());
    bundle.sign(&gateway());
    assert_eq!(code(&bundle), Some(7));
}

#[test]
fn what_cannot_be_run_is_told_apart_from_what_does_not_hold() {
    let desk = Desk::new();
    let nowhere = run(&[Path::new("/nonexistent\x1b[2J")]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(!said(&nowhere).contains('\x1b'));
    for arguments in [&[][..], &["--key"], &["--nonsense", "x"], &["a", "b"]] {
        let arguments: Vec<&Path> = arguments.iter().map(Path::new).collect();
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said(&output).contains("usage:"));
    }
    assert_eq!(run(&[Path::new("--help")]).status.code(), Some(0));
    let bundle = desk.put("bundle.tar", Site::new().bundle().tar());
    let junk = desk.put("junk", "junk\n");
    for option in ["--key", "--signers", "--log-key", "--since"] {
        let output = run(&[Path::new(option), &junk, &bundle]);
        assert_eq!(output.status.code(), Some(1), "{option}");
        assert!(said(&output).contains("junk: "), "{}", said(&output));
    }
    let output = run(&[Path::new("--since"), &bundle, &bundle]);
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(
        told.contains("bundle.tar: it holds no checkpoint"),
        "{told}"
    );
    assert!(told.contains("not the bundle itself"), "{told}");
}
