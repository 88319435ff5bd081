//! Whose signatures are believed: the keys given by whoever verifies, else those that came along, which vouch only for
//! themselves.

use std::collections::BTreeSet;

use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{HashAlg, PublicKey, SshSig};

use super::{Options, Report, Verdict};
use crate::bundle::{ALLOWED_SIGNERS, Files, Kind, LOG_KEYS, MAX_TEXT};
use crate::evidence::signature::{SignatureError, parse_allowed_signers, verify_file};
use crate::log::{Checkpoint, KeyRole, NoteError, SignedNote, VerifierKey};

pub(super) struct Trust {
    signers: Vec<[u8; 32]>,
    signers_given: bool,
    /// Where there is no list of keys at all (one recording, a bundle that was cut): the key that a signature names. That
    /// the list is missing is told apart; that nobody can tell who signed is no alteration.
    any_signer: bool,
    log_keys: Vec<VerifierKey>,
    log_keys_given: bool,
    signed_by: BTreeSet<[u8; 32]>,
    log_signed_by: BTreeSet<String>,
}

impl Trust {
    pub(super) fn new(files: &Files, options: &Options, report: &mut Report) -> Self {
        let mut trust = Trust {
            signers: options.signers.clone(),
            signers_given: !options.signers.is_empty(),
            any_signer: false,
            log_keys: options.log_keys.clone(),
            log_keys_given: !options.log_keys.is_empty(),
            signed_by: BTreeSet::new(),
            log_signed_by: BTreeSet::new(),
        };
        if !trust.signers_given {
            if files.kind() == Kind::Recording {
                trust.any_signer = true;
            } else if files.find(ALLOWED_SIGNERS).is_none() {
                trust.any_signer = true;
                report.find(
                    Verdict::Missing,
                    ALLOWED_SIGNERS,
                    "it is not there: nobody can tell whose signatures these are",
                );
            } else if let Some(text) = text(files, ALLOWED_SIGNERS, report) {
                trust.signers = parse_allowed_signers(&text);
            }
        }
        if !trust.log_keys_given
            && files.kind() == Kind::Bundle
            && let Some(text) = text(files, LOG_KEYS, report)
        {
            match VerifierKey::parse_all(&text) {
                Ok(keys) => trust.log_keys = keys,
                Err(error) => report.find(Verdict::Altered, LOG_KEYS, error.to_string()),
            }
        }
        trust
    }

    /// Checks the signature that stands in `signature` over the file `name`, whose bytes are given.
    pub(super) fn check(
        &mut self,
        files: &Files,
        name: &str,
        bytes: &[u8],
        signature: &str,
        namespace: &'static str,
        report: &mut Report,
    ) {
        let Some(pem) = text(files, signature, report) else {
            return;
        };
        if self.any_signer {
            self.signers = signer_of(&pem).into_iter().collect();
        }
        match verify_file(&pem, namespace, bytes, &self.signers) {
            Ok(signer) => {
                self.signed_by.insert(signer);
            }
            Err(error @ SignatureError::DoesNotHold) => {
                report.find(Verdict::Altered, name, error.to_string());
            }
            Err(
                error @ (SignatureError::NotSigned(_)
                | SignatureError::Malformed(_)
                | SignatureError::UnknownSigner(_)
                | SignatureError::Namespace { .. }),
            ) => report.find(Verdict::Altered, signature, error.to_string()),
        }
    }

    /// The checkpoint of a note that the log signed.
    pub(super) fn checkpoint(&mut self, note: &SignedNote) -> Result<Checkpoint, NoteError> {
        let mut worst = NoteError::NotSigned("any log key that is trusted".to_owned());
        for key in self
            .log_keys
            .iter()
            .filter(|key| key.role() == KeyRole::Log)
        {
            match note.verify(key) {
                Ok(checkpoint) => {
                    self.log_signed_by.insert(key.to_string());
                    return Ok(checkpoint);
                }
                Err(NoteError::NotSigned(_)) => {}
                Err(error) => worst = error,
            }
        }
        Err(worst)
    }

    /// Whether there is nothing at all to compare a checkpoint's signature with.
    pub(super) fn no_log_key(&self, files: &Files) -> bool {
        !self.log_keys_given && self.log_keys.is_empty() && files.find(LOG_KEYS).is_none()
    }

    /// The witnesses' keys.
    pub(super) fn witnesses(&self) -> impl Iterator<Item = &VerifierKey> {
        self.log_keys
            .iter()
            .filter(|key| key.role() == KeyRole::Cosigner)
    }

    pub(super) fn log_keys_given(&self) -> bool {
        self.log_keys_given
    }

    /// Writes into the report whose word it rests on.
    pub(super) fn conclude(self, report: &mut Report) {
        report.trust.signers_given = self.signers_given;
        report.trust.signers = self.signed_by.iter().map(fingerprint).collect();
        report.trust.log_keys_given = self.log_keys_given;
        report.trust.log_keys = self.log_signed_by.into_iter().collect();
    }
}

/// A small text file; what keeps it from being read is a finding.
pub(super) fn text(files: &Files, name: &str, report: &mut Report) -> Option<String> {
    let bytes = bytes(files, name, report)?;
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(_) => {
            report.find(Verdict::Altered, name, "it is not text");
            None
        }
    }
}

/// The same, of any bytes.
pub(super) fn bytes(files: &Files, name: &str, report: &mut Report) -> Option<Vec<u8>> {
    if files.find(name).is_none() {
        report.find(Verdict::Missing, name, "it is not there");
        return None;
    }
    match files.text(name, MAX_TEXT) {
        Ok(Some(bytes)) => Some(bytes),
        Ok(None) => {
            report.find(Verdict::Altered, name, "it is longer than any such file");
            None
        }
        Err(error) => {
            report.find(Verdict::Altered, name, format!("it does not read: {error}"));
            None
        }
    }
}

/// As `ssh-keygen -l` prints it.
fn fingerprint(public: &[u8; 32]) -> String {
    PublicKey::from(KeyData::Ed25519(Ed25519PublicKey(*public)))
        .fingerprint(HashAlg::Sha256)
        .to_string()
}

fn signer_of(pem: &str) -> Option<[u8; 32]> {
    let signed = SshSig::from_pem(pem).ok()?;
    signed.public_key().ed25519().map(|key| key.0)
}
