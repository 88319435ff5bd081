//! `ecluse journal …`: what the journal proves, for administrators, and for whoever keeps it in check from outside.

mod bound;
mod checkpoints;
mod cosign;
mod defects;
mod elsewhere;
mod held;
mod on_disk;
mod orders;
mod receipts;
mod runs;
mod secrets;
mod sessions;
mod since;
mod tables;
#[cfg(test)]
mod tests;
mod unended;
mod verify;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use ecluse_recordings::log::note::MAX_NOTE;
use ecluse_recordings::log::{Extension, Kept, SignedNote, VerifierKey};

use super::administrator;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::faces::commands::check::counted;
use crate::faces::commands::out::Out;
use crate::log::{JournalKeys, allowed_signers_text};
use crate::settings::{Settings, SigningKeySource};
use crate::store::Store;

/// Check the journal, and let others keep it in check.
#[derive(Debug, Subcommand)]
pub(super) enum JournalCommand {
    Verify(verify::Verify),
    Checkpoint(PrintCheckpoint),
    Proof(Proof),
    Cosign(cosign::Cosign),
    AddCosignature(AddCosignature),
    Keys(Keys),
    RotateKey(RotateKey),
}

/// Print the latest signed checkpoint, to be kept elsewhere.
#[derive(Debug, Args)]
pub(super) struct PrintCheckpoint {}

/// Print the latest checkpoint with the proof that it extends an earlier one: what `cosign` asks for.
#[derive(Debug, Args)]
pub(super) struct Proof {
    /// How many entries the earlier checkpoint speaks of; its second line.
    #[arg(long, value_name = "SIZE")]
    from: u64,
}

/// Bring a cosigned checkpoint back into the journal, so that exports carry it.
#[derive(Debug, Args)]
pub(super) struct AddCosignature {
    /// The cosigned checkpoint, as `cosign` wrote it; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The cosigner's key (NAME+…), as `cosign` names it: its signature is checked first. May be given several times.
    #[arg(long = "cosigner-key", value_name = "KEY")]
    keys: Vec<VerifierKey>,
}

/// Print the public keys: allowed signers of recordings, keys of the log, the gateway's own age recipient.
#[derive(Debug, Args)]
pub(super) struct Keys {}

/// Make a new signing key. What the old one signed stays valid; a running gateway takes the new one at once.
///
/// The old key signs a last checkpoint that covers the record of the new one, and is gone then.
#[derive(Debug, Args)]
pub(super) struct RotateKey {}

impl JournalCommand {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<ExitCode> {
        // It runs where there is no gateway: at the client's.
        if let Self::Cosign(cosign) = self {
            return cosign.run(clock::now());
        }
        let settings = Settings::read(config)?;
        let store = Store::open(&settings).await?;
        let done = self.on(&store, &settings).await;
        store.close().await;
        done
    }

    async fn on(self, store: &Store, settings: &Settings) -> anyhow::Result<ExitCode> {
        let printed = match self {
            Self::Verify(verify) => return verify.run(store, settings).await,
            Self::Cosign(cosign) => return cosign.run(clock::now()),
            Self::Checkpoint(PrintCheckpoint {}) => latest(store).await?.text(),
            Self::Proof(Proof { from }) => proof(store, from).await?.text(),
            Self::AddCosignature(add) => add.run(store).await?,
            Self::Keys(Keys {}) => keys(store, settings).await?,
            Self::RotateKey(RotateKey {}) => rotate(store, settings).await?,
        };
        // A reader that went away (`| head`) is no failure.
        let _ = Out.write_all(printed.as_bytes());
        Ok(ExitCode::SUCCESS)
    }
}

async fn latest(store: &Store) -> anyhow::Result<SignedNote> {
    let note = store.latest_checkpoint().await?;
    note.context("the journal was never signed yet; a running gateway does it each minute")
}

/// The latest checkpoint, and the proof that the journal of `from` entries is its beginning.
async fn proof(store: &Store, from: u64) -> anyhow::Result<Extension> {
    let note = latest(store).await?;
    let size = note.unverified()?.size;
    ensure!(
        from <= size,
        "the latest checkpoint has {size} entries, fewer than {from}: if somebody holds a checkpoint of {from}, the journal was rolled back; run: ecluse journal verify --since FILE"
    );
    Ok(Extension {
        old: from,
        proof: store.consistency(from, size).await?,
        note,
    })
}

impl AddCosignature {
    async fn run(self, store: &Store) -> anyhow::Result<String> {
        let note = read_kept(&self.file)?;
        let names: Vec<String> = note.cosigners().map(str::to_owned).collect();
        let record = AuditRecord::new(AuditKind::CheckpointCosigned, clock::now())
            .claimed(&administrator())
            .detail("size", note.unverified()?.size)
            .detail("cosigners", names);
        let added = store.add_cosignatures(&note, &self.keys, &[record]).await?;
        Ok(match added {
            0 => "Nothing new: it bears these signatures already.\n".to_owned(),
            added => format!("{} added.\n", counted(added, "cosignature")),
        })
    }
}

async fn keys(store: &Store, settings: &Settings) -> anyhow::Result<String> {
    if store.signing_keys().await?.is_empty() {
        // Before the first start, so that a client can have them beforehand.
        JournalKeys::open(store, &settings.journal, clock::now()).await?;
    }
    let origin = crate::log::origin(store, &settings.journal).await?;
    let keys = store.signing_keys().await?;
    let mut text =
        String::from("# Who signs recordings and bundles; a file for: ssh-keygen -Y verify -f\n");
    text.push_str(&allowed_signers_text(&keys));
    text.push_str(
        "\n# Who signs checkpoints of the journal; a file for: ecluse verify --log-key\n",
    );
    for key in &keys {
        text.push_str(&format!("{}\n", VerifierKey::log(&origin, key.public)?));
    }
    let identity = store.recordings_identity(clock::now()).await?;
    text.push_str("\n# What \"gateway\" stands for among recording-recipients\n");
    text.push_str(&format!("# {}\n", identity.public()));
    Ok(text)
}

async fn rotate(store: &Store, settings: &Settings) -> anyhow::Result<String> {
    let source = &settings.journal.signing_key;
    ensure!(
        *source == SigningKeySource::Store,
        "the signing key is in {source}, not in the store: put a new key there and start the gateway again; it takes it and keeps the old one allowed"
    );
    let now = clock::now();
    let keys = JournalKeys::open(store, &settings.journal, now).await?;
    let before = keys.signer();
    store.rotate_signing_seed(&administrator(), now).await?;
    // The old key's last word: it vouches for the record of the new one.
    store
        .checkpoint(keys.origin(), before, clock::now())
        .await?;
    self::keys(store, settings).await
}

/// A small text from a file, or from standard input for `-`.
fn read_text(path: &Path) -> anyhow::Result<String> {
    let text = String::from_utf8(read_bytes(path)?);
    text.with_context(|| format!("{}: it is no text", path.display()))
}

/// A checkpoint that somebody kept, likewise.
fn read_kept(path: &Path) -> anyhow::Result<SignedNote> {
    let kept = Kept::read(&read_bytes(path)?).with_context(|| path.display().to_string())?;
    Ok(kept.note().clone())
}

fn read_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let limit = 2 * MAX_NOTE as u64;
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.with_context(|| path.display().to_string())?;
    Ok(bytes)
}

/// Keys of logs from a file, one a line.
fn read_log_keys(paths: &[PathBuf]) -> anyhow::Result<Vec<VerifierKey>> {
    let mut keys = Vec::new();
    for path in paths {
        let found = VerifierKey::parse_all(&read_text(path)?)
            .with_context(|| path.display().to_string())?;
        // An empty file would leave the store's own keys to vouch for the store.
        anyhow::ensure!(
            !found.is_empty(),
            "{}: no key was found; accepted: the lines `NAME+HASH+KEY` that `ecluse journal keys` prints of who signs checkpoints",
            path.display()
        );
        keys.extend(found);
    }
    Ok(keys)
}
