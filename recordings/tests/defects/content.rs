//! What only a key shows: content that somebody put in who cannot read what was there.

use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::verify::Options;
use ecluse_recordings::verify::Verdict::Altered;

use crate::retold;
use crate::site::{
    Made, Recording, Site, artefact, assert_found, assert_intact, reading, trusting,
};

/// Every form reads to its end with the client's key, and says so; with a stranger's it says that it did not.
#[test]
fn read_with_a_key() {
    for made in [Made::Closed, Made::ClosedJournal] {
        let site = Site::made(made);
        let report = site.bundle().verify_with(&reading(&site));
        assert_intact(&report);
        assert!(
            report.recordings.iter().all(|one| one.read),
            "{}",
            report.text()
        );
        let stranger = Options {
            identities: vec![Identity::generate()],
            ..trusting()
        };
        let report = site.bundle().verify_with(&stranger);
        assert_intact(&report);
        assert!(report.recordings.iter().all(|one| !one.read));
        assert!(
            report
                .text()
                .contains("none of the given keys reads this recording")
        );
    }
}

/// An administrator who cannot read a recording can still encrypt for its public key; the key shows what was put in.
#[test]
fn content_replaced_for_the_same_key() {
    for name in [
        "01-shell.cast",
        "01-shell.output.raw",
        "01-shell.unechoed.jsonl",
        "notes.jsonl",
        "session.json",
    ] {
        let mut site = Site::new();
        let recording = &mut site.recordings[0];
        let mut plain = recording.plain[name].clone();
        let at = plain.iter().rposition(u8::is_ascii_digit).unwrap();
        plain[at] ^= 1;
        let sealed = artefact(&recording.key, &plain);
        recording.replace(&format!("{name}.zst.age"), sealed);
        let bundle = retold(&mut site);
        assert_intact(&bundle.verify());
        let report = bundle.verify_with(&reading(&site));
        assert_found(&report, Altered, &site.path(0, name));
        assert!(!report.recordings[0].read && report.recordings[1].read);
    }
}

#[test]
fn artefact_that_does_not_decrypt_to_its_end() {
    let mut site = Site::new();
    let recording = &mut site.recordings[0];
    let mut sealed = recording.files["notes.jsonl.zst.age"].clone();
    sealed.truncate(sealed.len() - 20);
    recording.replace("notes.jsonl.zst.age", sealed);
    let bundle = retold(&mut site);
    assert_intact(&bundle.verify());
    assert_found(
        &bundle.verify_with(&reading(&site)),
        Altered,
        &site.path(0, "notes.jsonl.zst.age"),
    );
}

#[test]
fn manifest_that_tells_another_story_than_its_files() {
    let retell = |change: &dyn Fn(&mut Recording)| {
        let mut site = Site::new();
        change(&mut site.recordings[0]);
        let bundle = retold(&mut site);
        assert_intact(&bundle.verify());
        let report = bundle.verify_with(&reading(&site));
        assert_found(&report, Altered, &site.path(0, "manifest.json"));
    };
    retell(&|recording| recording.manifest.facts.person = "bob".to_owned());
    retell(&|recording| recording.manifest.end = None);
    retell(&|recording| recording.manifest.clock.clear());
    retell(&|recording| recording.manifest.channels[0].recorded.output += 1);
}
