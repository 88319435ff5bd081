//! What a gateway that died left open: its sessions in the store, its recordings on disk (R1, R3).
//!
//! A journal is sealed only if the log knows the session it began with, by the digest of its header: whoever can write
//! into the recordings' directory must not get a signature for what they put there.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use ecluse_policy::SessionId;
use ecluse_recordings::{
    Form, JournalHeader, Outcome, Recovered, Recovery, Seal, Unknown, Witness, recover,
};
use tokio::runtime::Handle;

use super::indexing::{index, wants_screen_text};
use super::sealing::{about, not_findable, put_on_record};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::evidence::EvidenceKeys;
use crate::secrets;
use crate::store::{AuditQuery, Store, StoreError};

/// The detail of a session's start that names the header of its journal.
pub(crate) const HEADER: &str = "journal-header-sha256";

/// Closes the sessions and seals the recordings that a previous run left open.
///
/// # Errors
/// The store or the recordings' directory cannot be used. What concerns one recording is on record and in the log.
pub(crate) async fn close_what_was_left(
    store: &Store,
    recordings: &Path,
    node: &str,
    keys: &Arc<EvidenceKeys>,
) -> anyhow::Result<()> {
    store.close_orphans(node, clock::now()).await?;
    secrets::create_private_dir(recordings)?;
    let documents = store.documents().await?;
    let (directory, held, log) = (recordings.to_owned(), Arc::clone(keys), store.clone());
    let runtime = Handle::current();
    let recovered = tokio::task::spawn_blocking(move || {
        let screen_text = |client: &str| wants_screen_text(&documents.documents, client);
        held.with_sealing(&screen_text, |sealing| {
            let recovery = Recovery {
                unwrap: &|wrapped| held.unwrap(wrapped),
                known: &|header| runtime.block_on(known(&log, header)),
                sealing: *sealing,
            };
            recover(&directory, &recovery)
        })
    })
    .await?
    .with_context(|| format!("cannot read the recordings in {}", recordings.display()))?;
    for one in recovered {
        put_recovery_on_record(store, &one, keys).await?;
    }
    Ok(())
}

/// What the log knows of the session that a journal's header names.
async fn known(store: &Store, header: &JournalHeader) -> Result<Option<Witness>, Unknown> {
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

async fn put_recovery_on_record(
    store: &Store,
    recovered: &Recovered,
    keys: &Arc<EvidenceKeys>,
) -> Result<(), StoreError> {
    let Recovered {
        dir,
        header,
        outcome,
    } = recovered;
    let (kind, said) = match outcome {
        Outcome::Sealed { lost_frames: 0, .. } | Outcome::InUse => {
            (AuditKind::RecordingRecovered, said(outcome))
        }
        // Something is missing, or not as it was: an operator is told.
        Outcome::Sealed { .. } | Outcome::Damaged { .. } | Outcome::Failed(_) => {
            (AuditKind::RecordingFailed, said(outcome))
        }
    };
    let mut record = AuditRecord::new(kind, clock::now())
        .reason(&said)
        .detail("directory", dir.display().to_string());
    if let Some(header) = header {
        record = about(record, &header.facts);
    }
    tracing::warn!(directory = %dir.display(), outcome = %said, "a recording was left open by a previous run");
    store.record(&[record]).await?;
    if let Outcome::Sealed { recording, .. } = outcome {
        if let Err(error) = index(store, (**recording).clone(), Arc::clone(keys)).await {
            not_findable(recording, &error);
        }
        put_on_record(store, recording).await?;
        // Only now that it is on record: until then the journal tells that it is not.
        if let Err(error) = recording.remove_journal() {
            tracing::warn!(directory = %dir.display(), %error, "the journal of a sealed recording could not be removed; tried again at the next start");
        }
    }
    Ok(())
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
        Outcome::Failed(error) => format!("not sealed, tried again at the next start: {error}"),
    }
}
