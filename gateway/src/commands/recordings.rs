//! `ecluse recordings …`: for whoever holds a key that reads recordings, at the gateway or far from it.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use ecluse_recordings::evidence::key::{Identity, Recipient};
use ecluse_recordings::{OpenRecording, SealedRecording};

use super::{administrator, in_force};
use crate::clock;
use crate::passage::changes::{end_interrupted, rewrap};
use crate::passage::indexing::index_with;
use crate::secrets::read_secret;
use crate::settings::Settings;
use crate::store::{Session, Store};

/// Read recordings, or hand them to other readers, with a key that reads them.
#[derive(Debug, Subcommand)]
pub(super) enum RecordingsCommand {
    Rewrap(Rewrap),
    Read(Read),
}

/// Keys from files as `age-keygen` writes them.
#[derive(Debug, Args)]
struct Keys {
    /// A file with an age identity (AGE-SECRET-KEY-1…), as `age-keygen` writes it. May be given several times; not needed
    /// where the gateway's own key reads the recording.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
}

impl Keys {
    fn read(&self) -> anyhow::Result<Vec<Identity>> {
        let mut identities = Vec::new();
        for path in &self.keys {
            let text = read_secret(path)?;
            let text = std::str::from_utf8(&text)
                .with_context(|| format!("{} is not text", path.display()))?;
            let read = Identity::parse_all(text).with_context(|| path.display().to_string())?;
            identities.extend(read);
        }
        Ok(identities)
    }
}

/// Wrap the keys of sealed recordings for other readers: artefacts, manifests and signatures stay as they are.
///
/// Without --for the readers are those that the client's document names now. Each change is put on record before it is
/// made, and `ecluse verify` knows it from there.
#[derive(Debug, Args)]
pub(super) struct Rewrap {
    /// The sessions, by number.
    #[arg(value_name = "SESSION", required = true)]
    sessions: Vec<u64>,
    /// A reader from now on (age1…). May be given several times.
    #[arg(long = "for", value_name = "RECIPIENT")]
    recipients: Vec<Recipient>,
    #[command(flatten)]
    keys: Keys,
}

/// Write a recording's files in clear into a new directory: casts, raw streams, session.json.
///
/// Needs no gateway: a directory taken out of a bundle will do, in either form.
#[derive(Debug, Args)]
pub(super) struct Read {
    /// The directory of a sealed recording.
    #[arg(value_name = "DIR")]
    recording: PathBuf,
    /// Where the files are written; made, and readable by nobody else.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    #[command(flatten)]
    keys: Keys,
}

impl Read {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let Self {
            recording,
            into,
            keys,
        } = self;
        let opened = SealedRecording::open(recording)?.unlock(&keys.read()?)?;
        DirBuilder::new()
            .mode(0o700)
            .create(into)
            .with_context(|| {
                format!(
                    "{} cannot be made; name a directory that is not there yet",
                    into.display()
                )
            })?;
        for name in plain_names(&opened) {
            let bytes = write_plain(&opened, &name, into)?;
            println!("{}  {bytes} bytes", into.join(&name).display());
        }
        Ok(())
    }
}

/// The plain files of a recording.
fn plain_names(opened: &OpenRecording) -> Vec<String> {
    let record = opened.record();
    let mut names: Vec<String> = record
        .channels
        .iter()
        .flat_map(|channel| channel.files.all().map(ToOwned::to_owned))
        .collect();
    if record.notes > 0 {
        names.push(ecluse_recordings::layout::NOTES.to_owned());
    }
    names.push(ecluse_recordings::layout::TEXT.to_owned());
    names.push(ecluse_recordings::layout::RECORD.to_owned());
    names
}

fn write_plain(opened: &OpenRecording, name: &str, into: &Path) -> anyhow::Result<u64> {
    let path = into.join(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| path.display().to_string())?;
    io::copy(&mut opened.open(name)?, &mut file).with_context(|| path.display().to_string())
}

impl Rewrap {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        let mut identities = self.keys.read()?;
        let gateway = store.recordings_identity(clock::now()).await?;
        let public = gateway.public();
        // It may be one of the readers already; then no key file is needed.
        identities.push(gateway.clone());
        for number in &self.sessions {
            let session = store.session(*number).await?;
            let session = session.with_context(|| format!("there is no session #{number}"))?;
            let recipients = match self.recipients.as_slice() {
                [] => readers(store, &session, &public).await?,
                chosen => chosen.to_vec(),
            };
            let dir = session
                .start
                .recording
                .as_ref()
                .map(|path| settings.recordings.directory.join(path))
                .with_context(|| format!("session #{number} has no recording"))?;
            if let Some(ended) = end_interrupted(store, settings, &dir).await {
                eprintln!("{ended}");
            }
            // Before the gateway may lose its key: what it keeps of a recording it must read (C4).
            store.forget_search(session.start.id).await?;
            let by = administrator();
            rewrap(store, settings, &dir, &identities, &recipients, &by)
                .await
                .with_context(|| format!("session #{number}"))?;
            make_findable(store, &dir, &gateway)
                .await
                .with_context(|| {
                    format!(
                        "session #{number} has its new readers, and cannot be searched yet; try again with: ecluse search reindex"
                    )
                })?;
            println!("#{number}: {} reader(s) from now on", recipients.len());
        }
        Ok(())
    }
}

/// Searchable where the gateway is among the readers, and not elsewhere.
async fn make_findable(store: &Store, dir: &Path, gateway: &Identity) -> anyhow::Result<()> {
    index_with(store, &SealedRecording::open(dir)?, gateway).await?;
    Ok(())
}

/// Who reads this client's recordings by its document now.
async fn readers(
    store: &Store,
    session: &Session,
    gateway: &Recipient,
) -> anyhow::Result<Vec<Recipient>> {
    let applied = in_force(store).await?;
    let client = applied
        .documents
        .client(&session.start.client)
        .with_context(|| {
            format!(
                "no document names {} any more; say --for",
                session.start.client
            )
        })?;
    let rules = &client.recordings;
    let mut readers: Vec<Recipient> = Vec::new();
    for name in &rules.recipients {
        readers.push(name.as_str().parse()?);
    }
    if rules.gateway {
        readers.push(gateway.clone());
    }
    Ok(readers)
}
