//! What a gateway that died left open: its sessions in the store, its recordings on disk (R1, R3).
//!
//! A journal is sealed only if the log knows the session it began with, by the digest of its header: whoever can write
//! into the recordings' directory must not get a signature for what they put there.
//!
//! What fails, because the disk is full or the store silent, is tried again while the gateway runs, by the thread that
//! seals ([`super::keeper`]).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ecluse_policy::SessionId;
use ecluse_recordings::{
    Form, JournalHeader, Outcome, RecordError, Recovered, Recovery, Seal, Unknown, Witness,
    recover, recover_in,
};
use tokio::runtime::Handle;

use super::indexing::{index, wants_screen_text};
use super::last_moment::last_moment;
use super::sealing::{Sealer, about, not_findable, put_on_record};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::evidence::EvidenceKeys;
use crate::secrets;
use crate::store::{AuditQuery, Store, StoreError};

/// The detail of a session's start that names the header of its journal.
pub(crate) const HEADER: &str = "journal-header-sha256";

/// A recording that a previous run left open, or that this one could not close, and that is not finished yet.
#[derive(Debug)]
pub(crate) struct Leftover {
    dir: PathBuf,
    /// What was put on record of it last: nothing is told twice.
    said: String,
    /// Why it is not finished.
    problem: String,
}

impl Leftover {
    /// A recording of this run whose last words could not be written: as after a crash, and tried again like it.
    pub(super) fn unclosed(dir: &Path, problem: &RecordError) -> Self {
        Self {
            dir: dir.to_owned(),
            said: String::new(),
            problem: problem.to_string(),
        }
    }

    /// A recording of this run whose journal is not what was written: somebody changed it.
    pub(super) fn damaged(dir: &Path, problem: &str) -> Self {
        Self {
            dir: dir.to_owned(),
            said: String::new(),
            problem: problem.to_owned(),
        }
    }

    /// The directory of its session.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Why it is not finished.
    pub(crate) fn problem(&self) -> &str {
        &self.problem
    }
}

/// Closes the sessions and seals the recordings that a previous run left open; those that are not finished yet, to be
/// tried again ([`try_again`]).
///
/// # Errors
/// The store or the recordings' directory cannot be used. What concerns one recording is on record and in the log.
pub(crate) async fn close_what_was_left(
    store: &Store,
    recordings: &Path,
    node: &str,
    keys: &Arc<EvidenceKeys>,
) -> anyhow::Result<Vec<Leftover>> {
    secrets::create_private_dir(recordings)?;
    end_sessions(store, recordings, node, keys).await?;
    let (directory, held, log) = (recordings.to_owned(), Arc::clone(keys), store.clone());
    let runtime = Handle::current();
    let recovered = tokio::task::spawn_blocking(move || {
        as_recoverer(&log, &held, &runtime, |recovery| {
            recover(&directory, recovery)
        })
    })
    .await??
    .with_context(|| format!("cannot read the recordings in {}", recordings.display()))?;
    let mut left = Vec::new();
    for one in recovered {
        tracing::warn!(directory = %one.dir.display(), outcome = %said(&one.outcome), "a recording was left open by a previous run");
        put_recovery_on_record(store, &one).await?;
        if let Err(problem) = conclude(store, &one.outcome, keys).await {
            left.push(Leftover {
                said: said(&one.outcome),
                dir: one.dir,
                problem,
            });
        }
    }
    Ok(left)
}

/// Ends the sessions that this node left open when it died, each at the last moment known of it.
async fn end_sessions(
    store: &Store,
    recordings: &Path,
    node: &str,
    keys: &Arc<EvidenceKeys>,
) -> Result<(), StoreError> {
    let now = clock::now();
    let mut ends = BTreeMap::new();
    for orphan in store.orphans(node).await? {
        let last = last_moment(store, keys, recordings, &orphan, now).await?;
        ends.insert(orphan.start.id, last);
    }
    store.close_orphans(node, &ends, now).await?;
    Ok(())
}

/// Tries again to finish what a previous run left open. Only its own directory is looked at: no session that lives is
/// touched. Waits; not for a task.
///
/// # Errors
/// Why it is not finished; that is on record since the first time.
pub(super) fn try_again(sealer: &Sealer, left: &mut Leftover) -> Result<(), String> {
    let Sealer {
        keys,
        store,
        runtime,
    } = sealer;
    let recovered = as_recoverer(store, keys, runtime, |recovery| {
        recover_in(&left.dir, recovery)
    })
    .map_err(|error| error.to_string())?
    .map_err(|error| error.to_string())?;
    // An interrupted conversion that is ended leaves nothing to tell.
    let Some(recovered) = recovered else {
        return Ok(());
    };
    // Its session is not gone yet, or another gateway writes here: nothing to tell, and it goes on being left over.
    if matches!(recovered.outcome, Outcome::InUse) {
        return Err(said(&recovered.outcome));
    }
    let said = said(&recovered.outcome);
    runtime.block_on(async {
        if said != left.said && !matches!(recovered.outcome, Outcome::Failed(_)) {
            let told = put_recovery_on_record(store, &recovered).await;
            told.map_err(|error| error.to_string())?;
            left.said = said;
        }
        conclude(store, &recovered.outcome, keys).await
    })
}

/// Does something with what recovery needs to know. Waits.
fn as_recoverer<T>(
    store: &Store,
    keys: &EvidenceKeys,
    runtime: &Handle,
    work: impl FnOnce(&Recovery<'_>) -> T,
) -> Result<T, StoreError> {
    let documents = runtime.block_on(store.documents())?;
    let screen_text = |client: &str| wants_screen_text(&documents.documents, client);
    Ok(keys.with_sealing(&screen_text, |sealing| {
        work(&Recovery {
            unwrap: &|wrapped| keys.unwrap(wrapped),
            known: &|header| runtime.block_on(known(store, header)),
            sealing: *sealing,
        })
    }))
}

/// What the log knows of the session that a journal's header names.
pub(super) async fn known(
    store: &Store,
    header: &JournalHeader,
) -> Result<Option<Witness>, Unknown> {
    let unread = |error: StoreError| Unknown::NotNow(io::Error::other(error));
    let not_ours = |problem: &str| Unknown::NotOurs(problem.to_owned());
    let query = |kind, latest_first| AuditQuery {
        session: Some(SessionId::from_uuid(header.facts.session)),
        kinds: vec![kind],
        latest_first,
        limit: Some(1),
        ..AuditQuery::default()
    };
    let begun = store
        .audit(&query(AuditKind::SessionStart, false))
        .await
        .map_err(unread)?;
    let begun = begun
        .first()
        .ok_or_else(|| not_ours("the log knows of no session that began with it"))?;
    let expected = begun
        .record
        .detail
        .get(HEADER)
        .and_then(|text| text.as_str());
    if expected != Some(header.sha256_hex().as_str()) {
        return Err(not_ours("the log knows this session with another header"));
    }
    let progress = store
        .audit(&query(AuditKind::RecordingProgress, true))
        .await
        .map_err(unread)?;
    Ok(progress.first().and_then(|stored| {
        let detail = &stored.record.detail;
        Some(Witness {
            frames: detail.get("frames")?.as_u64()?,
            last_seal: Seal::from_hex(detail.get("last-seal")?.as_str()?)?,
        })
    }))
}

async fn put_recovery_on_record(store: &Store, recovered: &Recovered) -> Result<(), StoreError> {
    let Recovered {
        dir,
        header,
        outcome,
    } = recovered;
    let kind = match outcome {
        Outcome::Sealed { lost_frames: 0, .. } | Outcome::InUse => AuditKind::RecordingRecovered,
        // Something is missing, or not as it was: an operator is told.
        Outcome::Sealed { .. } | Outcome::Damaged { .. } | Outcome::Failed(_) => {
            AuditKind::RecordingFailed
        }
    };
    let mut record = AuditRecord::new(kind, clock::now())
        .reason(said(outcome))
        .detail("directory", dir.display().to_string());
    if let Some(header) = header {
        record = about(record, &header.facts);
    }
    store.record(&[record]).await
}

/// Does what is left to do with a recording that was recovered; why that, or the recovery, failed.
async fn conclude(
    store: &Store,
    outcome: &Outcome,
    keys: &Arc<EvidenceKeys>,
) -> Result<(), String> {
    let recording = match outcome {
        Outcome::Sealed { recording, .. } => recording,
        Outcome::Failed(error) => return Err(error.to_string()),
        Outcome::InUse | Outcome::Damaged { .. } => return Ok(()),
    };
    if let Err(error) = index(store, (**recording).clone(), Arc::clone(keys)).await {
        not_findable(recording, &error);
    }
    let on_record = put_on_record(store, recording).await;
    on_record.map_err(|error| format!("the seal is not on record: {error}"))?;
    // Only now that it is on record: until then the journal tells that it is not.
    recording
        .remove_journal()
        .map_err(|error| format!("the journal of the sealed recording is not removed: {error}"))
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sealed {
            recording,
            lost_frames,
        } => {
            let form = match recording.manifest().form {
                Form::Files => "sealed",
                Form::Journal => "sealed as it was: this gateway has no key of it",
            };
            match lost_frames {
                0 => form.to_owned(),
                lost => format!("{form}; {lost} frames that the log knows of are missing"),
            }
        }
        Outcome::InUse => "left alone: another process writes it".to_owned(),
        Outcome::Damaged { kept_as, problem } => {
            format!("damaged, kept as {}: {problem}", kept_as.display())
        }
        Outcome::Failed(error) => {
            format!("not sealed yet, and tried again while the gateway runs: {error}")
        }
    }
}

#[cfg(test)]
mod tests;
