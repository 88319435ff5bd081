//! `ecluse recordings …`: for whoever holds a key that reads recordings, at the gateway or far from it.

mod convert;
mod rewrap;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::{ChannelKind, OpenRecording, SealedRecording};

use crate::faces::commands::out::outln;
use crate::secrets::read_secret;
use crate::settings::Settings;
use crate::store::{Session, Store};

/// Read recordings, hand them to other readers, or turn them into files, with a key that reads them.
#[derive(Debug, Subcommand)]
pub(super) enum RecordingsCommand {
    Convert(convert::Convert),
    Rewrap(rewrap::Rewrap),
    Read(Read),
}

impl RecordingsCommand {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<()> {
        // Reading needs no gateway, and so no settings.
        if let Self::Read(read) = self {
            return read.run();
        }
        let settings = Settings::read(config)?;
        let store = Store::open(&settings).await?;
        let done = self.on(&store, &settings).await;
        store.close().await;
        done
    }

    async fn on(self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Convert(convert) => convert.run(store, settings).await,
            Self::Rewrap(rewrap) => rewrap.run(store, settings).await,
            Self::Read(read) => read.run(),
        }
    }
}

/// A session by the number that people type.
async fn numbered(store: &Store, number: u64) -> anyhow::Result<Session> {
    let session = store.session(number).await?;
    let session = session.with_context(|| format!("there is no session #{number}"))?;
    if let Some(fault) = &session.fault {
        anyhow::bail!("{fault}; nothing is changed by it; run: ecluse journal verify");
    }
    Ok(session)
}

/// Where a session's recording is.
fn directory(settings: &Settings, session: &Session) -> anyhow::Result<PathBuf> {
    let path = session.start.recording.as_ref();
    path.map(|path| settings.recordings.directory.join(path))
        .with_context(|| format!("session #{} has no recording", session.number))
}

/// The file of packets.
const FORWARDS: &str = "forwards.pcapng";

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

/// Write a recording's files in clear into a new directory: casts, raw streams, session.json, and its forwards as packets.
///
/// `forwards.pcapng` is for Wireshark's tools: one connection, one TCP conversation. It is made from the streams.
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
    fn run(&self) -> anyhow::Result<()> {
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
            outln!("{}  {bytes} bytes", into.join(&name).display());
        }
        if has_forwards(&opened) {
            let path = into.join(FORWARDS);
            let mut file = BufWriter::new(create(&path)?);
            let connections = ecluse_recordings::forwards(&opened, &mut file)?;
            file.flush().with_context(|| path.display().to_string())?;
            outln!("{}  {connections} connections", path.display());
        }
        Ok(())
    }
}

fn has_forwards(opened: &OpenRecording) -> bool {
    let mut channels = opened.record().channels.iter();
    channels.any(|channel| channel.kind() == ChannelKind::Forward)
}

/// A file that nobody else reads.
fn create(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| path.display().to_string())
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
    let mut file = create(&path)?;
    io::copy(&mut opened.open(name)?, &mut file).with_context(|| path.display().to_string())
}
