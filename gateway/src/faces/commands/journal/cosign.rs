//! `ecluse journal cosign`: a client, or anybody, vouches that the journal it sees only grew.
//!
//! Needs no gateway and no store: a key, a file that remembers what was cosigned last, and what the gateway shows. What
//! was cosigned is remembered before the signature is handed out, so that no crash can make two histories pass.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use ecluse_policy::Timestamp;
use ecluse_recordings::evidence::signature::Signer;
use ecluse_recordings::log::{
    Extension, Hash, SignedNote, VerifierKey, WitnessError, check_and_cosign,
};
use serde::{Deserialize, Serialize};

use super::{read_log_keys, read_text};
use crate::faces::commands::out::{Out, errln, outln};
use crate::log::read_key;

/// Cosign a checkpoint of a gateway's journal, if the journal only grew since the last one; works anywhere.
///
/// Prints the cosigned checkpoint. A journal that was rolled back or rewritten is refused, and both checkpoints are
/// printed: together they prove it. Ask the gateway for what to cosign with: ecluse journal proof --from SIZE
#[derive(Debug, Args)]
pub(in crate::faces::commands) struct Cosign {
    /// Your key: an Ed25519 private key in OpenSSH format without passphrase.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Your name as a cosigner, such as hopital.example/audit.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Remembers what was cosigned last; made the first time. Keep it.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// The keys of the log, as `ecluse journal keys` prints them at the gateway; the first time, and after a rotation.
    #[arg(long = "log-key", value_name = "FILE")]
    log_keys: Vec<PathBuf>,
    /// A checkpoint, or one with its proof; - is standard input.
    #[arg(value_name = "CHECKPOINT|PROOF")]
    shown: PathBuf,
}

/// What is remembered from one cosignature to the next.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct State {
    /// The keys of the log that were given.
    log_keys: Vec<String>,
    /// The last checkpoint that was cosigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cosigned: Option<String>,
}

impl Cosign {
    pub(super) fn run(&self, now: Timestamp) -> anyhow::Result<ExitCode> {
        let signer = read_key(&self.key)?;
        let cosigner = VerifierKey::cosigner(&self.name, signer.public())?;
        let mut state = self.remembered()?;
        for key in read_log_keys(&self.log_keys)? {
            let key = key.to_string();
            if !state.log_keys.contains(&key) {
                state.log_keys.push(key);
            }
        }
        ensure!(
            !state.log_keys.is_empty(),
            "whose journal it is must be known first: get the log's key at the gateway (ecluse journal keys), compare it there, and give it with --log-key FILE"
        );
        let shown = read_shown(&read_text(&self.shown)?)?;
        let key = signed_by(&shown.note, &state)?;
        let previous = state.cosigned.as_deref().map(SignedNote::parse).transpose();
        let previous = previous.context("the state file does not read; restore it from a copy")?;
        let before = previous.as_ref().map(SignedNote::unverified).transpose()?;
        let seconds = u64::try_from(now.as_micros() / 1_000_000).unwrap_or(0);
        let cosigned = check_and_cosign(
            before.as_ref(),
            &shown.note,
            &shown.proof,
            &key,
            &signer,
            &self.name,
            seconds,
        );
        let cosigned = match (cosigned, previous) {
            (Ok(cosigned), _) => cosigned,
            (
                Err(error @ (WitnessError::Rollback { .. } | WitnessError::Fork { .. })),
                Some(seen),
            ) => {
                // The proof, for whoever has the log's key: two notes that cannot both be true.
                outln!("{}\n{}", seen.text(), shown.note.text());
                bail!("NOT cosigned: {error}");
            }
            (Err(WitnessError::NotJoined { old, new, problem }), _) => bail!(
                "not cosigned: nothing shows that the journal of {old} entries is the beginning of the one of {new} ({problem}); ask the gateway for: ecluse journal proof --from {old}; a journal that cannot give it was rewritten"
            ),
            (Err(error), _) => bail!("not cosigned: {error}"),
        };
        state.cosigned = Some(cosigned.text());
        self.remember(&state)?;
        let _ = Out.write_all(cosigned.text().as_bytes());
        errln!("cosigned as {cosigner}");
        Ok(ExitCode::SUCCESS)
    }

    fn remembered(&self) -> anyhow::Result<State> {
        if !self.state.exists() {
            return Ok(State::default());
        }
        let text = read_text(&self.state)?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is not a state of cosign", self.state.display()))
    }

    /// Writes the state whole or not at all, and durably.
    fn remember(&self, state: &State) -> anyhow::Result<()> {
        let mut draft = self.state.clone().into_os_string();
        draft.push(".new");
        let draft = PathBuf::from(draft);
        let text = serde_json::to_string_pretty(state)?;
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())
                    .and_then(|()| file.sync_all())
            })
            .and_then(|()| std::fs::rename(&draft, &self.state))
            .and_then(|()| {
                let parent = self
                    .state
                    .parent()
                    .filter(|dir| !dir.as_os_str().is_empty());
                File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
            });
        written.with_context(|| {
            format!(
                "{} cannot be written; nothing was cosigned",
                self.state.display()
            )
        })
    }
}

/// What is to be cosigned, with or without a proof.
struct Shown {
    note: SignedNote,
    proof: Vec<Hash>,
}

fn read_shown(text: &str) -> anyhow::Result<Shown> {
    if text.starts_with("old ") {
        let Extension {
            old: _,
            proof,
            note,
        } = Extension::parse(text)?;
        return Ok(Shown { note, proof });
    }
    Ok(Shown {
        note: SignedNote::parse(text)?,
        proof: Vec::new(),
    })
}

/// The key among the known ones that signed the note.
fn signed_by(note: &SignedNote, state: &State) -> anyhow::Result<VerifierKey> {
    let mut problem = None;
    for text in &state.log_keys {
        let key: VerifierKey = text.parse()?;
        match note.verify(&key) {
            Ok(_) => return Ok(key),
            Err(error) => problem = Some(error),
        }
    }
    match problem {
        Some(error) => bail!(
            "not cosigned: {error}; if the gateway's key was rotated, compare the new one there and give it with --log-key FILE"
        ),
        None => bail!("no key of the log is known"),
    }
}
