//! `ecluse search reindex`: makes recordings findable that are not.

use std::sync::Arc;

use anyhow::Context;
use clap::Subcommand;
use ecluse_recordings::SealedRecording;

use crate::archive::indexing::{Indexed, index};
use crate::clock;
use crate::evidence::EvidenceKeys;
use crate::faces::commands::out::{errln, outln};
use crate::log::JournalKeys;
use crate::settings::Settings;
use crate::store::Store;

/// Keep up what auditors search with.
#[derive(Debug, Subcommand)]
pub(super) enum SearchCommand {
    /// Make recordings findable that are not, or found only by opening them: sealed by an earlier program, or readable by
    /// this gateway only since their keys were wrapped anew.
    ///
    /// Recordings that this gateway cannot read are counted and left alone.
    Reindex,
}

impl SearchCommand {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Reindex => reindex(store, settings).await,
        }
    }
}

async fn reindex(store: &Store, settings: &Settings) -> anyhow::Result<()> {
    let journal = JournalKeys::open(store, &settings.journal, clock::now()).await?;
    let keys = EvidenceKeys::new(Arc::new(journal));
    let (mut done, mut locked, mut waiting, mut failed) = (0u64, 0u64, 0u64, 0u64);
    for session in store.sessions_to_index().await? {
        let Some(path) = &session.start.recording else {
            continue;
        };
        let dir = settings.recordings.directory.join(path);
        let recording = match SealedRecording::open(&dir) {
            Ok(recording) => recording,
            Err(error) if error.is_not_found() => {
                waiting += 1;
                continue;
            }
            Err(error) => {
                failed += 1;
                errln!("session {}: {}", session.number, shown(&error));
                continue;
            }
        };
        let belongs = recording.manifest().session() == session.start.id.as_uuid();
        if !belongs || recording.verify_signature(&keys.allowed_signers()).is_err() {
            failed += 1;
            errln!(
                "session {}: its recording is not what this gateway sealed; check it with: ecluse verify",
                session.number
            );
            continue;
        }
        match index(store, recording, Arc::clone(&keys)).await {
            Ok(Indexed::Done) => done += 1,
            Ok(Indexed::NotReadable) => locked += 1,
            Ok(Indexed::Gone) => {}
            Err(error) => {
                failed += 1;
                errln!("session {}: {}", session.number, shown(&error));
            }
        }
    }
    outln!(
        "{done} recordings can be searched now; {locked} only others can read; {waiting} are not sealed or not on this machine"
    );
    (failed == 0)
        .then_some(())
        .with_context(|| format!("{failed} recordings could not be read, see above"))
}

fn shown(error: &impl std::fmt::Display) -> String {
    ecluse_recordings::neutralise(error.to_string())
}
