//! Files of a bundle: changed, cut, taken away, added; and the list that names them.

use ecluse_recordings::bundle::{ENTRIES, PROOFS, SUMS};
use ecluse_recordings::evidence::signature::{Signer as _, allowed_signers};
use ecluse_recordings::verify::Verdict::{Altered, Missing};
use serde_json::json;

use crate::edit;
use crate::site::{Made, Site, assert_found, assert_intact, gateway, session, stranger};

#[test]
fn bit_flipped_in_any_file() {
    let site = Site::new();
    let good = site.bundle();
    for name in good.files.keys() {
        let mut bundle = good.clone();
        bundle.flip(name);
        let report = bundle.verify();
        assert_eq!(report.verdict, Altered, "{name}\n{}", report.text());
        let named = report.findings.iter().any(|finding| finding.place == *name);
        assert!(named, "{name}\n{}", report.text());
    }
}

#[test]
fn any_file_removed() {
    let site = Site::new();
    let good = site.bundle();
    for name in good.files.keys() {
        let mut bundle = good.clone();
        bundle.files.remove(name);
        assert_found(&bundle.verify(), Missing, name);
    }
}

#[test]
fn bit_flipped_in_a_cast_and_the_list_signed_again() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    let name = site.path(0, "01-shell.cast.zst.age");
    bundle.flip(&name);
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, &name);
}

#[test]
fn sealed_file_truncated_and_the_list_signed_again() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    let name = site.path(0, "session.json.zst.age");
    bundle.files.get_mut(&name).unwrap().pop();
    bundle.sign(&gateway());
    let report = bundle.verify();
    assert_found(&report, Altered, &name);
    assert!(report.text().contains("when it was sealed"));
}

#[test]
fn sealed_file_removed_and_the_list_signed_again() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    let name = site.path(0, "01-shell.output.raw.zst.age");
    bundle.files.remove(&name);
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Missing, &name);
}

#[test]
fn file_added() {
    let site = Site::new();
    for name in [
        "documents/v13/clients/hopital.toml",
        &site.path(0, "02-shell.cast.zst.age"),
    ] {
        let mut bundle = site.bundle();
        bundle.put(name, "more");
        assert_found(&bundle.verify(), Altered, name);
    }
    // Listed and signed, it still is not part of what was sealed.
    let mut bundle = site.unsigned();
    let name = site.path(0, "02-shell.cast.zst.age");
    bundle.put(&name, "more");
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, &name);
}

#[test]
fn list_made_again_without_signing() {
    let site = Site::new();
    let mut bundle = site.bundle();
    let signature = bundle.files["SHA256SUMS.sig"].clone();
    bundle.put("documents/v12/clients/hopital.toml", "name = \"other\"\n");
    bundle.sign(&gateway());
    bundle.put("SHA256SUMS.sig", signature);
    assert_found(&bundle.verify(), Altered, SUMS);
}

#[test]
fn list_signed_by_another_key_which_came_along() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    bundle.put(
        "allowed_signers",
        allowed_signers(&[gateway().public(), stranger().public()]),
    );
    bundle.sign(&stranger());
    assert_found(&bundle.verify(), Altered, "SHA256SUMS.sig");
}

/// Without a key every bit of the journal form is covered by the manifest, too.
#[test]
fn bit_flipped_in_any_file_of_the_journal_form() {
    let site = Site::made(Made::CutShortJournal);
    let good = site.bundle();
    for name in good
        .files
        .keys()
        .filter(|name| name.contains(&site.id(0).to_string()))
    {
        let mut bundle = good.clone();
        bundle.flip(name);
        assert_found(&bundle.verify(), Altered, name);
    }
}

#[test]
fn whole_recording_removed() {
    let mut site = Site::new();
    let gone = site.recordings.remove(0);
    assert_found(
        &site.bundle().verify(),
        Missing,
        &format!("recordings/{}/", gone.manifest.session()),
    );
}

#[test]
fn whole_recording_removed_with_the_entry_of_its_seal() {
    let mut site = Site::new();
    let gone = site.recordings.remove(0).manifest.session();
    let mut bundle = site.unsigned();
    for name in [ENTRIES, PROOFS] {
        edit(&mut bundle, name, |lines| {
            lines.retain(|line| {
                !line.contains("recording-sealed")
                    && !line.starts_with("{\"seq\":7,")
                    && !line.starts_with("{\"seq\":14,")
            });
        });
    }
    let report = bundle.verify();
    assert_found(&report, Missing, &format!("recordings/{gone}/"));
    assert!(
        report
            .text()
            .contains("the session ended with entry 6 (session-end)"),
        "{}",
        report.text()
    );
}

#[test]
fn destroyed_on_record() {
    let mut site = Site::new();
    site.recordings.remove(0);
    site.journal.add(
        "recording-destroyed",
        Some(session(7)),
        json!({"why": "kept until 2026-11-01"}),
    );
    let report = site.bundle().verify();
    assert_intact(&report);
    assert!(report.text().contains("kept until 2026-11-01"));
}

/// R3, R7: by the journal's own order its time had not come: a destruction whose date lies hides no loss.
#[test]
fn destroyed_on_record_before_its_time() {
    let mut site = Site::new();
    site.recordings.remove(0);
    let due = crate::site::START + 63 * 86_400_000_000;
    site.journal.add(
        "recording-destroyed",
        Some(session(7)),
        json!({"why": "due since 2027-01-31", "due-us": due}),
    );
    let report = site.bundle().verify();
    assert_eq!(report.verdict, Missing);
    let text = report.text();
    assert!(
        text.contains("(recording-destroyed): the recording was destroyed 61 d before its time"),
        "{text}"
    );
}
