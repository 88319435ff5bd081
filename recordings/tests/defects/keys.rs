//! The wrapped key of a recording: readers taken away, and the key of another one.

use ecluse_recordings::evidence::key::{Identity, RecordingKey};
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::verify::Verdict::Altered;
use serde_json::json;

use crate::retold;
use crate::site::{Site, assert_found, assert_intact, reading};

#[test]
fn recipient_stripped() {
    let mut site = Site::new();
    let recording = &mut site.recordings[0];
    let stripped = recording.key.wrap(&[site.client.public()]).unwrap();
    recording
        .files
        .insert("recording.key.age".to_owned(), stripped);
    let report = site.bundle().verify();
    assert_found(&report, Altered, &site.path(0, "recording.key.age"));
    assert!(
        report
            .text()
            .contains("it has 1 recipient(s), and the manifest has 2"),
        "{}",
        report.text()
    );
}

#[test]
fn key_of_another_recording() {
    let mut site = Site::new();
    let other = site.recordings[1].files["recording.key.age"].clone();
    site.recordings[0]
        .files
        .insert("recording.key.age".to_owned(), other);
    let report = site.bundle().verify();
    assert_found(&report, Altered, &site.path(0, "recording.key.age"));
    assert!(
        report.text().contains("without being on record"),
        "{}",
        report.text()
    );
}

#[test]
fn key_rewrapped_on_record() {
    let mut site = Site::new();
    let new = Identity::generate();
    let wrapped = site.recordings[0].key.wrap(&[new.public()]).unwrap();
    let old = site.recordings[0].files["recording.key.age"].clone();
    site.recordings[0]
        .files
        .insert("recording.key.age".to_owned(), wrapped.clone());
    site.journal.add(
        "recording-rewrapped",
        Some(site.id(0)),
        json!({"wrapped-sha256": sha256_hex(&wrapped), "recipients": [new.public().to_string()]}),
    );
    assert_intact(&site.bundle().verify());

    // The earlier key file, whose readers were shut out, in its place.
    site.recordings[0]
        .files
        .insert("recording.key.age".to_owned(), old);
    assert_found(
        &site.bundle().verify(),
        Altered,
        &site.path(0, "recording.key.age"),
    );
    assert!(
        site.bundle()
            .verify()
            .text()
            .contains("an earlier one than that of entry 16")
    );
    // A third one.
    let two = [new.public(), Identity::generate().public()];
    let third = RecordingKey::generate().wrap(&two).unwrap();
    site.recordings[0]
        .files
        .insert("recording.key.age".to_owned(), third);
    let report = site.bundle().verify();
    assert_found(&report, Altered, &site.path(0, "recording.key.age"));
    assert!(
        report
            .text()
            .contains("it has 2 recipient(s), and entry 16 (recording-rewrapped) has 1"),
        "{}",
        report.text()
    );
}

#[test]
fn key_of_another_recording_in_manifest_and_directory() {
    let mut site = Site::new();
    let other = site.recordings[1].files["recording.key.age"].clone();
    site.recordings[0].manifest.key.wrapped_sha256 = sha256_hex(&other);
    site.recordings[0]
        .files
        .insert("recording.key.age".to_owned(), other);
    let bundle = retold(&mut site);
    assert_intact(&bundle.verify());
    let report = bundle.verify_with(&reading(&site));
    assert_found(&report, Altered, &site.path(0, "recording.key.age"));
    assert!(
        report.text().contains("the key of another recording"),
        "{}",
        report.text()
    );
}
