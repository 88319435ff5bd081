//! A manifest and its signature: edited, exchanged, made for another purpose, or telling of less than was on record.

use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::evidence::signature::{BUNDLE_NAMESPACE, sign_file};
use ecluse_recordings::verify::Verdict::{Altered, Intact};
use ecluse_recordings::verify::verify;
use serde_json::json;

use crate::site::{
    Journal, Made, Recording, Site, assert_found, assert_intact, gateway, stranger, trusting,
};
use crate::{resealed, retold};

#[test]
fn manifest_edited_and_signed_again() {
    let mut site = Site::new();
    let report = resealed(&mut site, |recording| {
        recording.manifest.facts.person = "bob".to_owned()
    });
    assert_found(&report, Altered, &site.path(0, "manifest.json"));
    assert!(
        report.text().contains("entry 7 (recording-sealed)"),
        "{}",
        report.text()
    );
}

#[test]
fn recording_edited_sealed_again_and_logged_again() {
    let mut site = Site::new();
    site.recordings[0].manifest.facts.person = "bob".to_owned();
    site.recordings[0].seal(&gateway());
    let digest = site.recordings[0].digest();
    site.journal.add(
        "recording-sealed",
        Some(site.id(0)),
        json!({"manifest-sha256": digest}),
    );
    assert_found(
        &site.bundle().verify(),
        Altered,
        &site.path(0, "manifest.json"),
    );
}

#[test]
fn sealed_a_second_time_beside_the_first() {
    let mut site = Site::new();
    site.journal.add(
        "recording-sealed",
        Some(site.id(0)),
        json!({"manifest-sha256": "00"}),
    );
    let seq = site.journal.size();
    assert_found(
        &site.bundle().verify(),
        Altered,
        &format!("entry {seq} (recording-sealed)"),
    );
}

#[test]
fn manifest_of_another_session() {
    let mut site = Site::new();
    let other = site.recordings[1].clone();
    let mut bundle = site.unsigned();
    bundle
        .files
        .retain(|name, _| !name.starts_with("recordings/"));
    bundle.put_recording(&other);
    bundle.put_recording_as(&other, site.id(0));
    bundle.sign(&gateway());
    let report = bundle.verify();
    assert_found(&report, Altered, &site.path(0, "manifest.json"));
    assert!(report.text().contains("it is the manifest of the session"));

    // The directory alone, renamed.
    let directory = tempfile::tempdir().unwrap();
    let renamed = directory.path().join(site.id(0).to_string());
    std::fs::create_dir(&renamed).unwrap();
    for (name, bytes) in &site.recordings.remove(1).files {
        std::fs::write(renamed.join(name), bytes).unwrap();
    }
    assert_found(
        &verify(&renamed, &trusting()).unwrap(),
        Altered,
        "manifest.json",
    );
}

#[test]
fn manifest_signed_by_another_key() {
    let mut site = Site::new();
    site.recordings[0].seal(&stranger());
    let report = site.bundle().verify();
    assert_found(&report, Altered, &site.path(0, "manifest.json.sig"));
    assert!(report.text().contains("none of the allowed signers"));
}

#[test]
fn signature_of_the_other_recording() {
    let mut site = Site::new();
    let signature = site.recordings[1].files["manifest.json.sig"].clone();
    site.recordings[0]
        .files
        .insert("manifest.json.sig".to_owned(), signature);
    let report = site.bundle().verify();
    assert_found(&report, Altered, &site.path(0, "manifest.json"));
    assert!(report.text().contains("the signature does not hold"));
}

#[test]
fn signature_made_for_another_purpose() {
    let mut site = Site::new();
    let text = site.recordings[0].files["manifest.json"].clone();
    let signature = sign_file(&gateway(), BUNDLE_NAMESPACE, &text).unwrap();
    site.recordings[0]
        .files
        .insert("manifest.json.sig".to_owned(), signature.into_bytes());
    assert_found(
        &site.bundle().verify(),
        Altered,
        &site.path(0, "manifest.json.sig"),
    );
}

#[test]
fn tail_cut_below_what_was_on_record() {
    let mut site = Site::new();
    let report = resealed(&mut site, |recording| {
        recording.manifest.journal.frames -= 2;
        recording.manifest.journal.bytes -= 100;
    });
    assert_found(&report, Altered, &site.path(0, "manifest.json"));
    assert!(
        report.text().contains("its end was cut off: 11 frames"),
        "{}",
        report.text()
    );
}

#[test]
fn last_frame_replaced() {
    let mut site = Site::new();
    let report = resealed(&mut site, |recording| {
        recording.manifest.journal.last_seal = "beef".to_owned()
    });
    assert!(
        report
            .text()
            .contains("its last frame is not the one on record"),
        "{}",
        report.text()
    );
    assert_found(&report, Altered, &site.path(0, "manifest.json"));
}

/// Each thing that a manifest says of its journal's end is compared, and not only all of them together.
#[test]
fn journal_form_that_ends_elsewhere_than_its_manifest_says() {
    let retell = |change: &dyn Fn(&mut Recording)| {
        let mut site = Site::made(Made::ClosedJournal);
        let report = resealed(&mut site, |recording| change(recording));
        assert_found(&report, Altered, &site.path(0, "sealed.journal"));
        assert!(
            report.text().contains("not where its manifest says"),
            "{}",
            report.text()
        );
    };
    retell(&|recording| recording.manifest.journal.frames += 1);
    retell(&|recording| recording.manifest.journal.bytes += 1);
    retell(&|recording| recording.manifest.journal.last_seal = "beef".to_owned());
}

#[test]
fn recording_of_another_journal() {
    let mut site = Site::new();
    let report = resealed(&mut site, |recording| {
        recording.manifest.journal.header_sha256 = sha256_hex(b"other")
    });
    assert!(
        report.text().contains("it is of another journal"),
        "{}",
        report.text()
    );
    assert_found(&report, Altered, &site.path(0, "manifest.json"));
}

#[test]
fn journal_form_that_tells_of_another_session() {
    let mut site = Site::made(Made::ClosedJournal);
    site.recordings[0].manifest.facts.person = "bob".to_owned();
    assert_found(
        &retold(&mut site).verify(),
        Altered,
        &site.path(0, "manifest.json"),
    );
}

#[test]
fn journal_form_turned_into_files_on_record() {
    let mut site = Site::new();
    let digest = site.recordings[0].digest();
    for (first, then, verdict) in [
        ("journal", "files", Intact),
        ("files", "journal", Altered),
        ("journal", "journal", Altered),
    ] {
        site.journal = Journal::default();
        let id = Some(site.id(0));
        let header = site.recordings[0].manifest.journal.header_sha256.clone();
        site.journal.add(
            "session-start",
            id,
            json!({"journal-header-sha256": header}),
        );
        site.journal.add(
            "recording-sealed",
            id,
            json!({"manifest-sha256": "00", "form": first}),
        );
        site.journal.add(
            "recording-sealed",
            id,
            json!({"manifest-sha256": digest, "form": then}),
        );
        site.journal.add_session(&site.recordings[1]);
        assert_eq!(site.bundle().verify().verdict, verdict, "{first} {then}");
    }
}

#[test]
fn gap_in_the_coverage() {
    let mut site = Site::new();
    site.recordings[0].manifest.channels[0].gap =
        Some("7 bytes went to the technician and 3 are recorded".to_owned());
    let report = retold(&mut site).verify();
    assert_intact(&report);
    assert!(
        report
            .text()
            .contains("not everything on channel 1 (shell) is recorded: 7 bytes"),
        "{}",
        report.text()
    );
}
