//! Several checkpoints, several proofs, counts and limits: what verification says of a bundle that is right, exactly, and
//! of one that is right but for one place among many (R3).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests may stop at the first surprise"
)]

mod site;

use ecluse_recordings::SessionEnd;
use ecluse_recordings::bundle::{
    CHECKPOINT, CONSISTENCY, Consistency, ConsistencyProofs, ENTRIES, PROOFS, ProofsHead,
};
use ecluse_recordings::evidence::manifest::{Manifest, sha256_hex};
use ecluse_recordings::evidence::signature::Signer as _;
use ecluse_recordings::log::SignedNote;
use ecluse_recordings::verify::Verdict::{Altered, Missing, NotInLog};
use serde_json::json;
use site::{
    Bundle, MINUTE, Site, artefact, assert_found, assert_intact, gateway, reading, recording,
    session, trusting,
};

/// A bundle with a checkpoint at each of these sizes, and the proofs that `proofs` lists (from, to).
fn with_checkpoints(site: &Site, sizes: &[u64], proofs: &[(u64, u64)]) -> Bundle {
    let mut bundle = site.unsigned();
    for size in sizes {
        let note = SignedNote::sign(&site.journal.at(*size).checkpoint(), &gateway()).unwrap();
        bundle.put(&format!("checkpoints/{size}"), note.text());
    }
    let proofs = ConsistencyProofs {
        proofs: proofs
            .iter()
            .map(|(old, new)| Consistency {
                old: *old,
                new: *new,
                proof: site.journal.at(*new).consistency(*old),
            })
            .collect(),
    };
    bundle.put(CONSISTENCY, serde_json::to_vec(&proofs).unwrap());
    bundle.sign(&gateway());
    bundle
}

#[test]
fn each_of_several_checkpoints_is_joined_by_its_own_proof() {
    let site = Site::new();
    let size = site.journal.size();
    // Proofs to other sizes and from other sizes stand before the ones that count.
    let bundle = with_checkpoints(
        &site,
        &[3, 6, 11],
        &[(3, 6), (6, 11), (11, size), (3, size), (6, size)],
    );
    let report = bundle.verify();
    assert_intact(&report);
    let mut extends = report.log.unwrap().extends;
    extends.sort_unstable();
    assert_eq!(extends, [3, 6, 11]);
    assert!(
        !report.notes.iter().any(|note| note.place == CHECKPOINT),
        "{:?}",
        report.notes
    );
}

#[test]
fn a_proof_between_two_other_sizes_joins_nothing() {
    let site = Site::new();
    let size = site.journal.size();
    let mut options = trusting();
    let kept = SignedNote::sign(&site.journal.at(6).checkpoint(), &gateway()).unwrap();
    options.since = vec![("monday".to_owned(), kept)];
    for proofs in [vec![(3, size)], vec![(6, 11)], vec![]] {
        let report = with_checkpoints(&site, &[], &proofs).verify_with(&options);
        assert_found(&report, NotInLog, CHECKPOINT);
        assert!(report.log.unwrap().extends.is_empty(), "{proofs:?}");
    }
}

#[test]
fn one_forked_checkpoint_among_several_is_named() {
    let site = Site::new();
    let size = site.journal.size();
    let mut other = site.journal.at(4);
    other.add("log-on", None, json!({"terminal": "another"}));
    other.add("log-on", None, json!({}));
    let mut bundle = with_checkpoints(&site, &[3, 11], &[(3, size), (6, size), (11, size)]);
    let note = SignedNote::sign(&other.checkpoint(), &gateway()).unwrap();
    bundle.put("checkpoints/6", note.text());
    bundle.sign(&gateway());
    let report = bundle.verify();
    assert_found(&report, Altered, CHECKPOINT);
    assert!(report.text().contains("checkpoints/6"), "{}", report.text());
    assert!(
        !report.text().contains("checkpoints/3"),
        "{}",
        report.text()
    );
}

#[test]
fn every_entry_counts_once() {
    let site = Site::new();
    let bundle = site.bundle();
    let lines = String::from_utf8(bundle.files[ENTRIES].clone()).unwrap();
    let report = bundle.verify();
    assert_intact(&report);
    assert_eq!(report.log.unwrap().entries, lines.lines().count() as u64);
}

/// The first line of the proofs names the checkpoint they lead to, by size and by root.
#[test]
fn proofs_that_name_another_size_or_another_root_are_a_finding() {
    let site = Site::new();
    let other = site.journal.at(14).checkpoint();
    let own = site.journal.checkpoint();
    for (size, root) in [(own.size, other.root), (other.size, own.root)] {
        let mut bundle = site.unsigned();
        let text = String::from_utf8(bundle.files[PROOFS].clone()).unwrap();
        let (_, proofs) = text.split_once('\n').unwrap();
        let head = serde_json::to_string(&ProofsHead { size, root }).unwrap();
        bundle.put(PROOFS, format!("{head}\n{proofs}"));
        bundle.sign(&gateway());
        assert_found(&bundle.verify(), Altered, PROOFS);
    }
}

/// Whose word it is stands in the report as `ssh-keygen -l` prints it.
#[test]
fn the_report_names_the_key_that_signed() {
    let public = gateway().public();
    let key = ssh_key::PublicKey::from(ssh_key::public::KeyData::Ed25519(
        ssh_key::public::Ed25519PublicKey(public),
    ));
    let fingerprint = key.fingerprint(ssh_key::HashAlg::Sha256).to_string();
    let text = Site::new().bundle().verify().text();
    assert!(
        fingerprint.starts_with("SHA256:") && text.contains(&fingerprint),
        "{text}"
    );
}

#[test]
fn two_proofs_for_one_entry_are_a_finding() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    let text = String::from_utf8(bundle.files[PROOFS].clone()).unwrap();
    let last = text.lines().last().unwrap();
    bundle.put(PROOFS, format!("{text}{last}\n{last}\n"));
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, PROOFS);
}

/// Two beginnings or two ends of one session: one of them was made up.
#[test]
fn a_session_that_begins_or_ends_twice_is_a_finding() {
    for kind in ["session-start", "session-end"] {
        let mut site = Site::new();
        let header = site.recordings[0].manifest.journal.header_sha256.clone();
        let detail = json!({"journal-header-sha256": header});
        site.journal.add(kind, Some(site.id(0)), detail);
        assert_found(&site.bundle().verify(), Altered, kind);
    }
}

/// A session that has ended is sealed within the hour; only then is a recording that is not there missing.
#[test]
fn a_recording_that_was_never_sealed_is_missing_an_hour_after_the_end_and_not_before() {
    let client = ecluse_recordings::evidence::key::Identity::generate();
    for (minutes, missing) in [(59, false), (60, false), (61, true)] {
        let mut site = Site::new();
        let id = Some(session(9));
        let header = recording(9, &client, site::Made::Closed)
            .manifest
            .journal
            .header_sha256;
        let detail = json!({"journal-header-sha256": header});
        site.journal.add("session-start", id, detail);
        let end = site.journal.add("session-end", id, json!({}));
        let mut bundle = site.unsigned();
        let mut checkpoint = site.journal.checkpoint();
        checkpoint.at_us = site::START + MINUTE * (end as i64 + minutes);
        let note = SignedNote::sign(&checkpoint, &gateway()).unwrap();
        bundle.put(CHECKPOINT, note.text());
        bundle.sign(&gateway());
        let report = bundle.verify();
        if missing {
            assert_found(&report, Missing, &session(9).to_string());
        } else {
            assert_intact(&report);
        }
    }
}

/// Progress on record that is exactly what the recording has says nothing against it; one frame more does.
#[test]
fn progress_on_record_is_compared_to_the_frame_and_to_the_byte() {
    const ANOTHER: &str = "00000000000000000000000000000000";
    // Frames and bytes beside those that the recording has, another seal, and whether that says nothing against it.
    let cases = [
        (0, 0, None, true),
        (1, 0, None, false),
        (0, 1, None, false),
        (0, 0, Some(ANOTHER), false),
        // An earlier frame's seal cannot be checked without the key.
        (-1, -1, Some(ANOTHER), true),
    ];
    for (more_frames, more_bytes, seal, holds) in cases {
        let mut site = Site::new();
        let (frames, bytes, own) = site.recordings[0].marks.last().unwrap().clone();
        let detail = json!({
            "frames": frames.checked_add_signed(more_frames).unwrap(),
            "bytes": bytes.checked_add_signed(more_bytes).unwrap(),
            "last-seal": seal.unwrap_or(&own),
        });
        site.journal
            .add("recording-progress", Some(site.id(0)), detail);
        let report = site.bundle().verify();
        if holds {
            assert_intact(&report);
        } else {
            assert_found(&report, Altered, "manifest.json");
        }
    }
}

/// What stands in a manifest in clear, changed by who can sign and log it anew, one thing at a time: a holder of a key sees
/// each.
#[test]
fn each_thing_that_a_manifest_tells_is_compared_with_what_is_inside() {
    type Change = fn(&mut Manifest);
    let changes: [(&str, Change); 6] = [
        ("of another session", |manifest| {
            manifest.facts.reason = "nothing of note".to_owned();
        }),
        ("how it was cut short", |manifest| manifest.cut_short = true),
        ("another end", |manifest| {
            manifest.end = Some(SessionEnd::because("cut"));
        }),
        ("of other channels", |manifest| {
            manifest.channels[0].recorded.output += 1;
        }),
        ("of another clock", |manifest| {
            manifest.clock[0].offset_us = Some(0);
        }),
        ("of another journal", |manifest| {
            manifest.journal.frames += 1;
        }),
    ];
    for (said, change) in changes {
        let mut site = Site::new();
        change(&mut site.recordings[0].manifest);
        site.recordings[0].seal(&gateway());
        site.journal = site::Journal::default();
        for recording in &site.recordings {
            site.journal.add_session(recording);
        }
        let report = site.bundle().verify_with(&reading(&site));
        assert_found(&report, Altered, &site.path(0, "manifest.json"));
        assert!(report.text().contains(said), "{said}:\n{}", report.text());
        assert!(!report.recordings[0].read && report.recordings[1].read);
    }
}

/// A stream replaced by who holds the keys, with every digest of the file made to fit: what was counted and digested while
/// it was recorded stands in `session.json` too.
#[test]
fn a_stream_whose_file_fits_its_manifest_is_compared_with_what_was_recorded() {
    let mut site = Site::new();
    let name = "01-shell.output.raw";
    let recording = &mut site.recordings[0];
    let record: serde_json::Value =
        serde_json::from_slice(&recording.plain["session.json"]).unwrap();
    let salt = record["salts"][name].as_str().unwrap();
    let salt: Vec<u8> = (0..salt.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&salt[at..at + 2], 16).unwrap())
        .collect();
    let mut plain = recording.plain[name].clone();
    let at = plain.windows(7).position(|text| text == b"12 days");
    plain[at.unwrap() + 1] = b'3';
    let digest = sha256_hex(&[salt.as_slice(), &plain].concat());
    let sealed = format!("{name}.zst.age");
    recording.replace(&sealed, artefact(&recording.key.clone(), &plain));
    for file in &mut recording.manifest.files {
        if file.name == sealed {
            file.plain_salted_sha256 = Some(digest.clone());
        }
    }
    recording.seal(&gateway());
    site.journal = site::Journal::default();
    for recording in &site.recordings {
        site.journal.add_session(recording);
    }
    assert_intact(&site.bundle().verify());
    let report = site.bundle().verify_with(&reading(&site));
    assert_found(&report, Altered, &site.path(0, "01-shell.cast"));
    let said = "output of channel 1 is not what was recorded";
    assert!(report.text().contains(said), "{}", report.text());
}

/// Of a session that a bundle shows the end of alone, nothing says that it was recorded; progress on record does.
#[test]
fn only_a_session_that_is_known_to_have_begun_owes_a_recording() {
    for progress in [false, true] {
        let mut site = Site::new();
        let id = Some(session(9));
        if progress {
            let detail = json!({"frames": 1, "bytes": 300, "last-seal": ""});
            site.journal.add("recording-progress", id, detail);
        }
        site.journal.add("session-end", id, json!({}));
        let report = site.bundle().verify();
        let place = session(9).to_string();
        if progress {
            assert_found(&report, Missing, &place);
        } else {
            assert_intact(&report);
            assert!(!report.text().contains(&place), "{}", report.text());
        }
    }
}
