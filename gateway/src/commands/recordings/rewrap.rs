//! `ecluse recordings rewrap`: other readers for sealed recordings.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use ecluse_recordings::SealedRecording;
use ecluse_recordings::evidence::key::{Identity, Recipient};

use super::super::{administrator, in_force};
use super::{Keys, directory, numbered};
use crate::clock;
use crate::commands::out::{errln, outln};
use crate::passage::changes::{end_interrupted, rewrap};
use crate::passage::indexing::index_with;
use crate::settings::Settings;
use crate::store::{Session, Store};

/// Wrap the keys of sealed recordings for other readers: artefacts, manifests and signatures stay as they are.
///
/// Without --for the readers are those that the client's document names now. Each change is put on record before it is
/// made, and `ecluse verify` knows it from there.
#[derive(Debug, Args)]
pub(in crate::commands) struct Rewrap {
    /// The sessions, by number.
    #[arg(value_name = "SESSION", required = true)]
    sessions: Vec<u64>,
    /// A reader from now on (age1…). May be given several times.
    #[arg(long = "for", value_name = "RECIPIENT")]
    recipients: Vec<Recipient>,
    #[command(flatten)]
    keys: Keys,
}

impl Rewrap {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        let mut identities = self.keys.read()?;
        let gateway = store.recordings_identity(clock::now()).await?;
        let public = gateway.public();
        // It may be one of the readers already; then no key file is needed.
        identities.push(gateway.clone());
        for number in &self.sessions {
            let session = numbered(store, *number).await?;
            let recipients = match self.recipients.as_slice() {
                [] => readers(store, &session, &public).await?,
                chosen => chosen.to_vec(),
            };
            let dir = directory(settings, &session)?;
            if let Some(ended) = end_interrupted(store, settings, &dir).await {
                errln!("{ended}");
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
            outln!("#{number}: {} reader(s) from now on", recipients.len());
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
