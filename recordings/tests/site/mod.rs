//! A gateway's evidence made by hand: a journal, sealed recordings and a bundle of them, every part open to be changed
//! before or after it is signed, as an administrator who holds the machine could.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod bundle;
mod journal;
mod recording;

use ecluse_recordings::bundle as parts;
use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::evidence::signature::{HeldKey, Signer as _, allowed_signers};
use ecluse_recordings::log::VerifierKey;
use ecluse_recordings::verify::{Options, Report, Verdict};
use serde_json::json;
use uuid::Uuid;

pub use bundle::Bundle;
pub use journal::Journal;
pub use recording::{Made, Recording, artefact, recording};

/// 2026-11-25T10:00:00Z.
pub const START: i64 = 1_795_600_800_000_000;
pub const MINUTE: i64 = 60_000_000;
pub const ORIGIN: &str = "ecluse.example/gw1";
pub const WITNESS: &str = "hopital.example/witness";

pub fn gateway() -> HeldKey {
    HeldKey::from_seed(&[1; 32]).unwrap()
}

pub fn stranger() -> HeldKey {
    HeldKey::from_seed(&[66; 32]).unwrap()
}

pub fn witness() -> HeldKey {
    HeldKey::from_seed(&[3; 32]).unwrap()
}

pub fn log_key() -> VerifierKey {
    VerifierKey::log(ORIGIN, gateway().public()).unwrap()
}

pub fn witness_key() -> VerifierKey {
    VerifierKey::cosigner(WITNESS, witness().public()).unwrap()
}

pub fn session(number: u8) -> Uuid {
    Uuid::from_bytes([number; 16])
}

/// Whoever verifies has the gateway's and the witness's keys from elsewhere.
pub fn trusting() -> Options {
    Options {
        signers: vec![gateway().public()],
        log_keys: vec![log_key(), witness_key()],
        ..Options::default()
    }
}

/// The same, with a key that reads recordings.
pub fn reading(site: &Site) -> Options {
    Options {
        identities: vec![site.client.clone()],
        ..trusting()
    }
}

/// Everything of one gateway.
#[derive(Clone)]
pub struct Site {
    pub client: Identity,
    pub recordings: Vec<Recording>,
    pub journal: Journal,
}

impl Site {
    /// A gateway with two recordings and a journal that has entries of others, too.
    pub fn new() -> Self {
        Self::made(Made::Closed)
    }

    /// The same, the first recording having come about so.
    pub fn made(made: Made) -> Self {
        let client = Identity::generate();
        let mut journal = Journal::default();
        journal.add("serve-start", None, json!({}));
        let recordings = vec![
            recording(7, &client, made),
            recording(8, &client, Made::Closed),
        ];
        for recording in &recordings {
            journal.add_session(recording);
            journal.add("log-on", None, json!({}));
        }
        Site {
            client,
            recordings,
            journal,
        }
    }

    pub fn id(&self, at: usize) -> Uuid {
        self.recordings[at].manifest.session()
    }

    /// Where a file of a recording is in the bundle.
    pub fn path(&self, at: usize, name: &str) -> String {
        format!("recordings/{}/{name}", self.id(at))
    }

    /// The bundle of all this, signed.
    pub fn bundle(&self) -> Bundle {
        let mut bundle = self.unsigned();
        bundle.sign(&gateway());
        bundle
    }

    /// The same, without the signed list.
    pub fn unsigned(&self) -> Bundle {
        let mut bundle = Bundle::default();
        for recording in &self.recordings {
            bundle.put_recording(recording);
        }
        self.journal.put_into(&mut bundle, &gateway());
        bundle.put(
            parts::ALLOWED_SIGNERS,
            allowed_signers(&[gateway().public()]),
        );
        bundle.put(
            parts::LOG_KEYS,
            format!("{}\n{}\n", log_key(), witness_key()),
        );
        bundle.put("VERIFY.md", "# How to check\n");
        bundle.put("index.html", "<!DOCTYPE html>\n");
        bundle.put("documents/v12/clients/hopital.toml", "name = \"hopital\"\n");
        bundle.put("interventions/12.json", "{}\n");
        bundle
    }
}

/// Asserts the verdict, and that a finding of that verdict names the file or entry.
#[track_caller]
pub fn assert_found(report: &Report, verdict: Verdict, place: &str) {
    assert_eq!(report.verdict, verdict, "{}", report.text());
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.verdict == verdict && finding.place.contains(place)),
        "nothing about {place} in\n{}",
        report.text()
    );
}

#[track_caller]
pub fn assert_intact(report: &Report) {
    assert_eq!(report.verdict, Verdict::Intact, "{}", report.text());
    assert!(report.findings.is_empty(), "{}", report.text());
}
