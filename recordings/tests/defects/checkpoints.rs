//! Checkpoints, and the histories they vouch for: rolled back, forked, rewritten, signed by somebody else.

use ecluse_recordings::bundle::{CHECKPOINT, CONSISTENCY, Consistency, ConsistencyProofs};
use ecluse_recordings::evidence::signature::{Signer as _, allowed_signers};
use ecluse_recordings::log::{SignedNote, VerifierKey};
use ecluse_recordings::verify::Options;
use ecluse_recordings::verify::Verdict::{Altered, Missing, NotInLog, Older};
use serde_json::json;

use crate::site::{
    Journal, MINUTE, ORIGIN, Site, WITNESS, assert_found, assert_intact, gateway, stranger,
    trusting, witness,
};

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

/// Somebody keeps checkpoints each minute, and verifies last week's bundle: nobody rolled anything back.
#[test]
fn a_checkpoint_newer_than_the_bundle_accuses_nobody() {
    let site = Site::new();
    let mut old = site.clone();
    old.journal = site.journal.at(8);
    old.recordings.truncate(1);
    let bundle = old.bundle();
    let mut later = site.journal.checkpoint();
    later.at_us += MINUTE;
    let later = SignedNote::sign(&later, &gateway()).unwrap();
    let mut options = trusting();
    options.since = vec![("today".to_owned(), later)];
    let report = bundle.verify_with(&options);
    assert_found(&report, Older, CHECKPOINT);
    assert_eq!(report.verdict.exit_code(), 8);
    let text = report.text();
    assert!(
        text.contains("newer than this bundle (8 entries")
            && text.contains("export again to compare")
            && !text.contains("rolled back"),
        "{text}"
    );
    // With the proof that joins the two, as `journal proof --from 8` prints it.
    options.joining = vec![Consistency {
        old: 8,
        new: site.journal.size(),
        proof: site.journal.consistency(8),
    }];
    let report = bundle.verify_with(&options);
    assert_intact(&report);
    assert_eq!(report.log.as_ref().unwrap().extended_by, [15]);
    // A proof that leads elsewhere joins nothing.
    options.joining[0].proof = rewritten(&site).journal.consistency(7);
    let report = bundle.verify_with(&options);
    assert_found(&report, Altered, CHECKPOINT);
}

/// A history written anew from the beginning, consistent in itself and signed by the gateway's own keys.
fn rewritten(site: &Site) -> Site {
    let mut other = site.clone();
    other.recordings[0].manifest.facts.person = "bob".to_owned();
    other.recordings[0].seal(&gateway());
    other.journal = Journal::default();
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
    let cosigned = |journal: &Journal| {
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

/// Keys that a bundle brings along do not convince whoever has their own.
#[test]
fn everything_forged_with_other_keys() {
    let site = Site::new();
    let mut forged = site.clone();
    for recording in &mut forged.recordings {
        recording.seal(&stranger());
    }
    forged.journal = Journal::default();
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
