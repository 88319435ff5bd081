//! That evidence can be made at all: tried on samples before the doors open.
//!
//! A gateway that recorded for years and never signed would be found out on the day its evidence is needed. So each
//! start signs, verifies, encrypts and decrypts once, with the keys and for the recipients that will be used.

use std::str::FromStr;

use ecluse_policy::{Documents, Timestamp};
use ecluse_recordings::evidence::key::{Identity, Recipient, RecordingKey};
use ecluse_recordings::evidence::signature::{Signer, sign_file, verify_file};
use ecluse_recordings::log::{Checkpoint, SignedNote, VerifierKey, empty_root};

/// A namespace of its own: a sample's signature is good for nothing else.
const NAMESPACE: &str = "ecluse-self-check@v1";
const SAMPLE: &[u8] = b"a sample, signed when the gateway started";

/// What did not work, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the gateway cannot make evidence, so its doors stay shut: {what}: {problem}; correct it and start again"
)]
pub struct SelfCheckError {
    what: String,
    problem: String,
}

fn failed(what: impl Into<String>) -> impl FnOnce(String) -> SelfCheckError {
    let what = what.into();
    move |problem| SelfCheckError { what, problem }
}

/// Tries everything that evidence needs.
pub(super) fn check(
    signer: &dyn Signer,
    origin: &str,
    identity: &Identity,
    documents: &Documents,
    now: Timestamp,
) -> Result<(), SelfCheckError> {
    file(signer).map_err(failed("signing a file"))?;
    note(signer, origin, now).map_err(failed("signing a checkpoint"))?;
    let itself = [identity.public()];
    reads(identity, &itself).map_err(failed("reading a recording's key"))?;
    for client in documents.clients().values() {
        let mut recipients = itself.to_vec();
        for name in &client.recordings.recipients {
            let what = format!("encrypting for {} ({name})", client.id);
            let recipient = Recipient::from_str(name.as_str())
                .map_err(|error| failed(what)(error.to_string()))?;
            recipients.push(recipient);
        }
        let what = format!("encrypting for {}", client.id);
        reads(identity, &recipients).map_err(failed(what))?;
    }
    Ok(())
}

fn file(signer: &dyn Signer) -> Result<(), String> {
    let signature = sign_file(signer, NAMESPACE, SAMPLE).map_err(|error| error.to_string())?;
    let allowed = [signer.public()];
    verify_file(&signature, NAMESPACE, SAMPLE, &allowed).map_err(|error| error.to_string())?;
    let altered = [SAMPLE, b"."].concat();
    match verify_file(&signature, NAMESPACE, &altered, &allowed) {
        Err(_) => Ok(()),
        Ok(_) => Err("a signature holds for what was not signed".to_owned()),
    }
}

fn note(signer: &dyn Signer, origin: &str, now: Timestamp) -> Result<(), String> {
    // The empty log: true of every log, so that this sample can never contradict one.
    let checkpoint = Checkpoint {
        origin: origin.to_owned(),
        size: 0,
        root: empty_root(),
        at_us: now.as_micros(),
    };
    let key = VerifierKey::log(origin, signer.public()).map_err(|error| error.to_string())?;
    let note = SignedNote::sign(&checkpoint, signer).map_err(|error| error.to_string())?;
    let read = SignedNote::parse(&note.text()).and_then(|note| note.verify(&key));
    match read {
        Ok(found) if found == checkpoint => Ok(()),
        Ok(_) => Err("a checkpoint reads differently".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn reads(identity: &Identity, recipients: &[Recipient]) -> Result<(), String> {
    let key = RecordingKey::generate();
    let wrapped = key.wrap(recipients).map_err(|error| error.to_string())?;
    let found = RecordingKey::unwrap_with(&wrapped, std::slice::from_ref(identity))
        .map_err(|error| error.to_string())?;
    let (Ok(one), Ok(other)) = (key.journal_key(), found.journal_key()) else {
        return Err("no key for a live journal comes out".to_owned());
    };
    if *one == *other {
        Ok(())
    } else {
        Err("another key comes out than was put in".to_owned())
    }
}
