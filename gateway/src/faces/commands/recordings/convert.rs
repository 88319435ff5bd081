//! `ecluse recordings convert`: files of recordings that were sealed as their encrypted journals.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use super::super::administrator;
use super::{Keys, directory, numbered};
use crate::archive::changes::{convert, end_interrupted};
use crate::clock;
use crate::evidence::EvidenceKeys;
use crate::faces::commands::out::{errln, outln};
use crate::log::JournalKeys;
use crate::settings::Settings;
use crate::store::Store;

/// Turn recordings that were sealed as encrypted journals into files, in place: what stock programs read.
///
/// After a crash the gateway seals a journal as it is where it has no key of it. Whoever brings a key that reads it has files
/// made of it: encrypted for the same key, signed by this gateway, on record before the journal goes. Who reads it stays as it
/// is; auditors find it afterwards only where the gateway is among its readers.
#[derive(Debug, Args)]
pub(in crate::faces::commands) struct Convert {
    /// The sessions, by number.
    #[arg(value_name = "SESSION", required = true)]
    sessions: Vec<u64>,
    #[command(flatten)]
    keys: Keys,
}

impl Convert {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        let mut identities = self.keys.read()?;
        let journal = JournalKeys::open(store, &settings.journal, clock::now()).await?;
        // It may be one of the readers; then no key file is needed.
        identities.push(journal.identity().clone());
        let keys = EvidenceKeys::new(Arc::new(journal));
        let by = administrator();
        for number in &self.sessions {
            let session = numbered(store, *number).await?;
            let dir = directory(settings, &session)?;
            if let Some(ended) = end_interrupted(store, settings, &dir).await {
                errln!("{ended}");
            }
            let id = session.start.id;
            convert(store, settings, &keys, id, &dir, identities.clone(), &by)
                .await
                .with_context(|| match self.keys.keys.is_empty() {
                    true => format!(
                        "session #{number}, with the gateway's own key alone (--key FILE brings that of a reader)"
                    ),
                    false => format!("session #{number}"),
                })?;
            outln!("#{number}: its recording is files from now on");
        }
        Ok(())
    }
}
