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

mod site;

use ecluse_recordings::bundle::{
    CHECKPOINT, CONSISTENCY, Consistency, ConsistencyProofs, ENTRIES, PROOFS, SUMS,
};
use ecluse_recordings::evidence::key::{Identity, RecordingKey};
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::evidence::signature::{
    BUNDLE_NAMESPACE, Signer as _, allowed_signers, sign_file,
};
use ecluse_recordings::log::{SignedNote, VerifierKey};
use ecluse_recordings::verify::Verdict::{Altered, CutShort, Intact, Missing, NotInLog, Reordered};
use ecluse_recordings::verify::{Options, Report, verify};
use serde_json::json;
use site::{
    Bundle, Made, ORIGIN, Site, WITNESS, artefact, assert_found, assert_intact, gateway, reading,
    session, stranger, trusting, witness,
};

/// Lines of a file.
fn lines(bundle: &Bundle, name: &str) -> Vec<String> {
    String::from_utf8(bundle.files[name].clone())
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn put_lines(bundle: &mut Bundle, name: &str, lines: &[String]) {
    bundle.put(name, lines.join("\n") + "\n");
}

/// Changes lines of a file and signs the list again.
fn edit(bundle: &mut Bundle, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    let mut all = lines(bundle, name);
    change(&mut all);
    put_lines(bundle, name, &all);
    bundle.sign(&gateway());
}

/// Changes the first recording and the journal, as if it had always been so, and signs everything again.
fn resealed(site: &mut Site, change: impl FnOnce(&mut site::Recording)) -> Report {
    change(&mut site.recordings[0]);
    site.recordings[0].seal(&gateway());
    site.bundle().verify()
}

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
}

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
    let third = RecordingKey::generate().wrap(&[new.public()]).unwrap();
    site.recordings[0]
        .files
        .insert("recording.key.age".to_owned(), third);
    assert_found(
        &site.bundle().verify(),
        Altered,
        &site.path(0, "recording.key.age"),
    );
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

#[test]
fn entry_of_the_seal_removed() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    // With its proof, so that nothing points at it any more.
    edit(&mut bundle, ENTRIES, |lines| {
        lines.retain(|line| !line.contains("\"seq\":7,"))
    });
    edit(&mut bundle, PROOFS, |lines| {
        lines.retain(|line| !line.starts_with("{\"seq\":7,"))
    });
    assert_found(&bundle.verify(), NotInLog, &site.path(0, "manifest.json"));
}

#[test]
fn entry_of_the_start_removed() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        lines.remove(0);
    });
    edit(&mut bundle, PROOFS, |lines| {
        lines.remove(1);
    });
    assert_found(
        &bundle.verify(),
        Missing,
        &format!("entry session-start of {}", site.id(0)),
    );
}

#[test]
fn entry_removed_and_its_proof_left() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        lines.remove(2);
    });
    let report = bundle.verify();
    assert_found(&report, Missing, "entry 5");
    assert_eq!(report.findings.len(), 1, "{}", report.text());
}

#[test]
fn last_entry_removed_and_its_proof_left() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        lines.pop();
    });
    assert_found(&bundle.verify(), Missing, "entry 14");
}

#[test]
fn proof_removed() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, PROOFS, |lines| {
        lines.remove(3);
    });
    assert_found(&bundle.verify(), NotInLog, "entry 5 (recording-progress)");
}

#[test]
fn entries_reordered() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| lines.swap(2, 3));
    let report = bundle.verify();
    assert_found(&report, Reordered, "entry 5");
    assert_eq!(report.findings.len(), 1, "{}", report.text());
    // Together with their proofs.
    edit(&mut bundle, PROOFS, |lines| lines.swap(3, 4));
    assert_found(&bundle.verify(), Reordered, "entry 5");
}

#[test]
fn entry_twice() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        lines.insert(2, lines[2].clone())
    });
    assert_found(&bundle.verify(), Altered, "entry 5");
}

#[test]
fn entry_edited() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        lines[1] = lines[1].replace("alice", "bob")
    });
    assert_found(&bundle.verify(), Altered, "entry 4 (recording-progress)");
}

#[test]
fn entry_moved_to_another_number() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    // Entries 4 and 5 exchange their words and keep their numbers.
    edit(&mut bundle, ENTRIES, |lines| {
        let (four, five) = (lines[1].clone(), lines[2].clone());
        lines[1] = five.replace("\"seq\":5,", "\"seq\":4,");
        lines[2] = four.replace("\"seq\":4,", "\"seq\":5,");
    });
    let report = bundle.verify();
    assert_found(&report, Altered, "entry 4");
    assert_found(&report, Altered, "entry 5");
}

#[test]
fn entry_made_up_beyond_the_checkpoint() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        let made_up = lines[0]
            .replace("\"seq\":2,", "\"seq\":900,")
            .replace("session-start", "approval");
        lines.push(made_up);
    });
    assert_found(&bundle.verify(), NotInLog, "entry 900 (approval)");
}

#[test]
fn bit_flipped_in_a_proof_and_the_list_signed_again() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, PROOFS, |lines| {
        let last = lines[2].pop();
        assert_eq!(last, Some('}'));
        let turned = if lines[2].contains("0\"]") {
            "1\"]}"
        } else {
            "0\"]}"
        };
        let keep = lines[2].len() - 3;
        lines[2].truncate(keep);
        lines[2].push_str(turned);
    });
    assert_found(&bundle.verify(), Altered, "entry 4 (recording-progress)");
}

#[test]
fn proofs_of_another_checkpoint() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    let mut older = Bundle::default();
    site.journal.at(14).put_into(&mut older, &gateway());
    bundle.put(PROOFS, older.files[PROOFS].clone());
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, PROOFS);
}

#[test]
fn log_rolled_back() {
    let site = Site::new();
    let kept = SignedNote::sign(&site.journal.checkpoint(), &gateway()).unwrap();
    let mut short = site.clone();
    short.journal = site.journal.at(8);
    short.recordings.truncate(1);
    let bundle = short.bundle();
    assert_intact(&bundle.verify());
    let mut options = trusting();
    options.since = vec![("monday".to_owned(), kept)];
    let report = bundle.verify_with(&options);
    assert_found(&report, Missing, CHECKPOINT);
    assert!(
        report
            .text()
            .contains("the log was rolled back: it had 15 entries"),
        "{}",
        report.text()
    );
}

/// A history written anew from the beginning, consistent in itself and signed by the gateway's own keys.
fn rewritten(site: &Site) -> Site {
    let mut other = site.clone();
    other.recordings[0].manifest.facts.person = "bob".to_owned();
    other.recordings[0].seal(&gateway());
    other.journal = site::Journal::default();
    other.journal.add("serve-start", None, json!({}));
    for recording in &other.recordings {
        other.journal.add_session(recording);
        other.journal.add("log-on", None, json!({}));
    }
    other
}

#[test]
fn log_forked() {
    let site = Site::new();
    let kept = SignedNote::sign(&site.journal.checkpoint(), &gateway()).unwrap();
    let mut options = trusting();
    options.since = vec![("monday".to_owned(), kept)];
    let other = rewritten(&site);
    assert_intact(&other.bundle().verify());
    let report = other.bundle().verify_with(&options);
    assert_found(&report, Altered, CHECKPOINT);
    assert!(
        report.text().contains("the log was forked: at 15 entries"),
        "{}",
        report.text()
    );
}

#[test]
fn log_rewritten_and_grown() {
    let site = Site::new();
    let kept = SignedNote::sign(&site.journal.at(9).checkpoint(), &gateway()).unwrap();
    let mut options = trusting();
    options.since = vec![("monday".to_owned(), kept)];
    let with_proof = |site: &Site| {
        let mut bundle = site.unsigned();
        let proofs = ConsistencyProofs {
            proofs: vec![Consistency {
                old: 9,
                new: site.journal.size(),
                proof: site.journal.consistency(9),
            }],
        };
        bundle.put(CONSISTENCY, serde_json::to_vec(&proofs).unwrap());
        bundle.sign(&gateway());
        bundle.verify_with(&options)
    };
    let report = with_proof(&site);
    assert_intact(&report);
    assert_eq!(report.log.as_ref().unwrap().extends, [9]);
    assert_found(&with_proof(&rewritten(&site)), Altered, CHECKPOINT);
    // Without the proof that would tell, nothing shows that it is the same journal.
    assert_found(
        &rewritten(&site).bundle().verify_with(&options),
        NotInLog,
        CHECKPOINT,
    );
}

#[test]
fn cosigned_checkpoint_of_another_history() {
    let site = Site::new();
    let cosigned = |journal: &site::Journal| {
        let note = SignedNote::sign(&journal.checkpoint(), &gateway()).unwrap();
        note.cosign(WITNESS, &witness(), 1_795_600_000)
            .unwrap()
            .text()
    };
    let mut bundle = site.unsigned();
    bundle.put("checkpoints/15", cosigned(&site.journal));
    bundle.sign(&gateway());
    assert_intact(&bundle.verify());
    bundle.put("checkpoints/15", cosigned(&rewritten(&site).journal));
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, CHECKPOINT);
}

#[test]
fn checkpoint_of_another_log() {
    let site = Site::new();
    let mut other = site.journal.checkpoint();
    other.origin = "ecluse.example/gw2".to_owned();
    let mut bundle = site.unsigned();
    bundle.put(
        CHECKPOINT,
        SignedNote::sign(&other, &gateway()).unwrap().text(),
    );
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, CHECKPOINT);
}

#[test]
fn checkpoint_signed_by_another_key_which_came_along() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    site.journal.put_into(&mut bundle, &stranger());
    let own = VerifierKey::log(ORIGIN, stranger().public()).unwrap();
    bundle.put("log-keys", format!("{own}\n"));
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, CHECKPOINT);
}

#[test]
fn cosignature_forged() {
    let site = Site::new();
    let note = SignedNote::sign(&site.journal.checkpoint(), &gateway()).unwrap();
    // The witness's name and key, another key's signature: only the bytes after the key's id differ.
    let forged = note.cosign(WITNESS, &witness(), 1).unwrap().text();
    let real = note
        .cosign(WITNESS, &witness(), 1_795_773_600)
        .unwrap()
        .text();
    let line = |text: &str| text.lines().last().unwrap().to_owned();
    let (start, end) = (&line(&real)[..60], &line(&forged)[60..]);
    let mut bundle = site.unsigned();
    bundle.put(
        CHECKPOINT,
        real.replace(&line(&real), &format!("{start}{end}")),
    );
    bundle.sign(&gateway());
    let report = bundle.verify();
    assert_found(&report, Altered, CHECKPOINT);
    assert!(report.text().contains(WITNESS), "{}", report.text());
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

/// The first recording as somebody re-made it who cannot read it, with the journal of that story.
fn retold(site: &mut Site) -> Bundle {
    site.recordings[0].seal(&gateway());
    site.journal = site::Journal::default();
    for recording in &site.recordings {
        site.journal.add_session(recording);
    }
    site.bundle()
}

/// Frames of the sealed journal, header first.
fn frames(recording: &site::Recording) -> Vec<Vec<u8>> {
    let bytes = &recording.files["sealed.journal"];
    let first = recording.marks[0].1 as usize;
    let header = {
        let length = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        24 + length(12) + length(16) + length(20) + 4
    };
    let mut parts = vec![bytes[..header].to_vec(), bytes[header..first].to_vec()];
    for pair in recording.marks.windows(2) {
        parts.push(bytes[pair[0].1 as usize..pair[1].1 as usize].to_vec());
    }
    parts
}

fn rebuilt(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> (Report, Report, String) {
    let mut site = Site::made(Made::ClosedJournal);
    let mut parts = frames(&site.recordings[0]);
    change(&mut parts);
    site.recordings[0].replace("sealed.journal", parts.concat());
    let bundle = retold(&mut site);
    let name = site.path(0, "sealed.journal");
    (bundle.verify(), bundle.verify_with(&reading(&site)), name)
}

#[test]
fn frames_come_apart_and_together_again() {
    let (report, read, _) = rebuilt(|_| {});
    assert_intact(&report);
    assert_intact(&read);
}

#[test]
fn frame_dropped() {
    let (report, read, name) = rebuilt(|parts| {
        parts.remove(4);
    });
    assert_found(&report, Reordered, &name);
    assert!(report.text().contains("frame 3: "), "{}", report.text());
    assert_found(&read, Reordered, &name);
}

#[test]
fn frames_reordered() {
    let (report, read, name) = rebuilt(|parts| parts.swap(4, 5));
    assert_found(&report, Reordered, &name);
    assert_found(&read, Reordered, &name);
}

#[test]
fn frame_duplicated() {
    let (report, read, name) = rebuilt(|parts| parts.insert(4, parts[4].clone()));
    assert_found(&report, Reordered, &name);
    assert_found(&read, Reordered, &name);
}

#[test]
fn tail_of_the_journal_truncated() {
    let (report, _, name) = rebuilt(|parts| {
        parts.pop();
    });
    assert_found(&report, Altered, &name);
    assert!(
        report.text().contains("not where its manifest says"),
        "{}",
        report.text()
    );
    let (report, _, name) = rebuilt(|parts| {
        parts.last_mut().unwrap().pop();
    });
    assert_found(&report, Altered, &name);
}

/// Whoever repairs number and checksum of a frame that he dropped cannot make its successors' seals hold.
#[test]
fn frame_dropped_and_the_rest_numbered_anew() {
    let dropped = |parts: &mut Vec<Vec<u8>>| {
        parts.remove(4);
        for (number, frame) in (0u64..).zip(parts.iter_mut().skip(1)) {
            // A frame's head: length 4, number 8.
            frame[4..12].copy_from_slice(&number.to_le_bytes());
            let end = frame.len() - 4;
            let mut crc = crc32fast::Hasher::new();
            crc.update(&frame[..end]);
            let crc = crc.finalize().to_le_bytes();
            frame[end..].copy_from_slice(&crc);
        }
    };
    let (report, read, name) = rebuilt(dropped);
    // Without a key the journal's entries show it: their seals are not at their places.
    assert_found(&report, Altered, &name);
    assert!(
        report.text().contains("is not the one on record with"),
        "{}",
        report.text()
    );
    assert_found(&read, Altered, &name);
    assert!(
        read.text().contains("a seal that does not hold"),
        "{}",
        read.text()
    );
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
    let retell = |change: &dyn Fn(&mut site::Recording)| {
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
        site.journal = site::Journal::default();
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

#[test]
fn archive_truncated() {
    let site = Site::new();
    let bundle = site.bundle();
    let whole = bundle.tar();
    let directory = tempfile::tempdir().unwrap();
    for keep in [
        whole.len() - 1024,
        whole.len() - 1025,
        whole.len() / 2,
        whole.len() / 2 + 100,
        700,
    ] {
        let path = directory.path().join("cut.tar");
        std::fs::write(&path, &whole[..keep]).unwrap();
        match verify(&path, &trusting()) {
            Ok(report) => assert_found(&report, Missing, "the archive"),
            // So little of it that it is no bundle.
            Err(error) => assert!(keep < 1000, "{error}"),
        }
    }
}

#[test]
fn bytes_after_the_archive() {
    let site = Site::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("long.tar");
    let mut bytes = site.bundle().tar();
    bytes.extend_from_slice(&[0; 10240]);
    std::fs::write(&path, &bytes).unwrap();
    assert_intact(&verify(&path, &trusting()).unwrap());
    bytes.extend_from_slice(b"more");
    std::fs::write(&path, &bytes).unwrap();
    assert_found(&verify(&path, &trusting()).unwrap(), Altered, "the archive");
}

#[test]
fn bytes_between_files() {
    let site = Site::new();
    let bundle = site.bundle();
    let mut bytes = bundle.tar();
    let first = bundle.files.values().next().unwrap().len();
    assert!(!first.is_multiple_of(512));
    bytes[512 + first] = b'x';
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle.tar");
    std::fs::write(&path, &bytes).unwrap();
    assert_found(&verify(&path, &trusting()).unwrap(), Altered, "the archive");
}

#[test]
fn file_twice_in_the_archive() {
    let site = Site::new();
    let bundle = site.bundle();
    let mut again = Bundle::default();
    again.put("index.html", "another");
    let (one, other) = (bundle.tar(), again.tar());
    let mut both = one[..one.len() - 1024].to_vec();
    both.extend_from_slice(&other);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle.tar");
    std::fs::write(&path, &both).unwrap();
    assert_found(&verify(&path, &trusting()).unwrap(), Altered, "index.html");
}

#[test]
fn links_devices_and_names_that_leave() {
    let site = Site::new();
    let whole = site.bundle().tar();
    let directory = tempfile::tempdir().unwrap();
    let odd = |kind: tar::EntryType, name: &str, link: &str| {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(0);
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend_from_slice(&whole);
        let path = directory.path().join("odd.tar");
        std::fs::write(&path, bytes).unwrap();
        verify(&path, &trusting()).unwrap()
    };
    use tar::EntryType;
    for (kind, name, link) in [
        (EntryType::Symlink, "link", "/etc/passwd"),
        (EntryType::Link, "hard", "index.html"),
        (EntryType::Char, "device", ""),
        (EntryType::Fifo, "pipe", ""),
        (EntryType::Directory, "recordings/", ""),
        (EntryType::XGlobalHeader, "pax", ""),
        (EntryType::GNULongName, "long", ""),
        (EntryType::Regular, "../outside", ""),
        (EntryType::Regular, "/etc/cron.d/x", ""),
        (EntryType::Regular, "a\x1b[2J", ""),
    ] {
        let report = odd(kind, name, link);
        assert_found(&report, Altered, "the archive");
        assert!(!report.text().contains('\x1b'));
    }
    assert!(!directory.path().join("outside").exists());

    // Unpacked, with a link among the files.
    let unpacked = tempfile::tempdir().unwrap();
    tar::Archive::new(whole.as_slice())
        .unpack(unpacked.path())
        .unwrap();
    let index = unpacked.path().join("index.html");
    std::fs::rename(&index, directory.path().join("index.html")).unwrap();
    std::os::unix::fs::symlink(directory.path().join("index.html"), &index).unwrap();
    assert_found(
        &verify(unpacked.path(), &trusting()).unwrap(),
        Altered,
        "the archive",
    );
}

#[test]
fn what_is_no_bundle_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    for bytes in [&b""[..], b"text", &[0; 4096], &[0xff; 4096]] {
        std::fs::write(&path, bytes).unwrap();
        assert!(verify(&path, &trusting()).is_err());
    }
    assert!(verify(directory.path(), &trusting()).is_err());
    assert!(verify(&directory.path().join("nowhere"), &trusting()).is_err());
    std::fs::write(directory.path().join("live.journal"), b"").unwrap();
    std::fs::remove_file(path).unwrap();
    let error = verify(directory.path(), &trusting())
        .unwrap_err()
        .to_string();
    assert!(error.contains("not sealed"), "{error}");
}

/// Keys that a bundle brings along do not convince whoever has their own.
#[test]
fn everything_forged_with_other_keys() {
    let site = Site::new();
    let mut forged = site.clone();
    for recording in &mut forged.recordings {
        recording.seal(&stranger());
    }
    forged.journal = site::Journal::default();
    for recording in &forged.recordings {
        forged.journal.add_session(recording);
    }
    let mut bundle = forged.unsigned();
    forged.journal.put_into(&mut bundle, &stranger());
    let own = VerifierKey::log(ORIGIN, stranger().public()).unwrap();
    bundle.put("log-keys", format!("{own}\n"));
    bundle.put("allowed_signers", allowed_signers(&[stranger().public()]));
    bundle.sign(&stranger());
    let believed = bundle.verify_with(&Options::default());
    assert_intact(&believed);
    assert!(believed.text().contains("vouch only for themselves"));
    let report = bundle.verify();
    for place in [
        "SHA256SUMS.sig",
        CHECKPOINT,
        &site.path(0, "manifest.json.sig"),
    ] {
        assert_found(&report, Altered, place);
    }
    // And the earlier checkpoint shows it even to who has no keys.
    let kept = SignedNote::sign(&site.journal.checkpoint(), &gateway()).unwrap();
    let since = Options {
        since: vec![("monday".to_owned(), kept)],
        ..Options::default()
    };
    assert_found(&bundle.verify_with(&since), Altered, CHECKPOINT);
}

#[test]
fn a_line_of_the_entries_that_never_ends() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    bundle.put(ENTRIES, vec![b'x'; 2 << 20]);
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, ENTRIES);
}
