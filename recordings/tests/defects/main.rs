//! One broken bundle for each way to break one, each with its own verdict that names the file or entry (R3).
//!
//! Two kinds of hands: those that change a bundle after it was signed, and those of an administrator who holds the
//! gateway's keys and signs again what was changed. The second kind is caught by the journal.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests may stop at the first surprise"
)]

mod archive;
mod checkpoints;
mod choice;
mod content;
mod entries;
mod files;
mod frames;
mod keys;
mod manifest;
#[path = "../site/mod.rs"]
mod site;
mod trail;

use ecluse_recordings::verify::Verdict::{Altered, CutShort};
use ecluse_recordings::verify::{Options, Report, verify};
use site::{
    Bundle, Journal, Made, Recording, Site, WITNESS, assert_found, assert_intact, gateway, reading,
    trusting,
};

#[test]
fn intact() {
    let site = Site::new();
    let report = site.bundle().verify();
    assert_intact(&report);
    assert_eq!(report.verdict.exit_code(), 0);
    let log = report.log.as_ref().unwrap();
    assert_eq!((log.entries, log.size), (10, site.journal.size()));
    assert_eq!(log.cosigned, [(WITNESS.to_owned(), 1_795_773_600)]);
    assert_eq!(report.recordings.len(), 2);
    assert!(report.trust.signers_given && report.trust.log_keys_given);

    // Unpacked, and from the keys that came along: the same, and it says whose word that is.
    let directory = tempfile::tempdir().unwrap();
    tar::Archive::new(site.bundle().tar().as_slice())
        .unpack(directory.path())
        .unwrap();
    let report = verify(directory.path(), &Options::default()).unwrap();
    assert_intact(&report);
    assert!(!report.trust.signers_given && report.text().contains("vouch only for themselves"));

    // One recording alone.
    let alone = directory
        .path()
        .join("recordings")
        .join(site.id(0).to_string());
    assert_intact(&verify(&alone, &trusting()).unwrap());
    assert_intact(&verify(&alone, &Options::default()).unwrap());
    // Whoever copies it may name the copy, but not for another session.
    let copy = directory.path().join("for the auditor");
    std::fs::rename(&alone, &copy).unwrap();
    assert_intact(&verify(&copy, &trusting()).unwrap());
    let other = directory.path().join(uuid::Uuid::nil().to_string());
    std::fs::rename(&copy, &other).unwrap();
    let report = verify(&other, &trusting()).unwrap();
    assert_found(&report, Altered, "manifest.json");
}

#[test]
fn cut_short() {
    for made in [Made::CutShort, Made::CutShortJournal] {
        let site = Site::made(made);
        for options in [trusting(), reading(&site)] {
            let report = site.bundle().verify_with(&options);
            assert_found(&report, CutShort, &site.path(0, "manifest.json"));
            assert_eq!(report.findings.len(), 1, "{}", report.text());
            assert_eq!(report.verdict.exit_code(), 3);
        }
    }
}

/// Changes lines of a file and signs the list again.
fn edit(bundle: &mut Bundle, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    let mut all = lines(bundle, name);
    change(&mut all);
    put_lines(bundle, name, &all);
    bundle.sign(&gateway());
}

fn put_lines(bundle: &mut Bundle, name: &str, lines: &[String]) {
    bundle.put(name, lines.join("\n") + "\n");
}

/// Lines of a file.
fn lines(bundle: &Bundle, name: &str) -> Vec<String> {
    String::from_utf8(bundle.files[name].clone())
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Changes the first recording and the journal, as if it had always been so, and signs everything again.
fn resealed(site: &mut Site, change: impl FnOnce(&mut Recording)) -> Report {
    change(&mut site.recordings[0]);
    site.recordings[0].seal(&gateway());
    site.bundle().verify()
}

/// The first recording as somebody re-made it who cannot read it, with the journal of that story.
fn retold(site: &mut Site) -> Bundle {
    site.recordings[0].seal(&gateway());
    site.journal = Journal::default();
    for recording in &site.recordings {
        site.journal.add_session(recording);
    }
    site.bundle()
}
