//! Makes a sealed recording findable: reads its lines and keeps their filter in the store (R10).
//!
//! Only of recordings that this gateway may read: of a client that keeps its recordings to itself, nothing of their
//! content leaves them (C4).

use std::io::BufReader;

use ecluse_policy::{ClientId, Documents, SessionId};
use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::search::{Filter, FilterBuilder, LineKind, scan};
use ecluse_recordings::{ReadError, SealedRecording, SessionFacts, layout};

use super::changes::latest_of;
use super::sealing::about;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::evidence::EvidenceKeys;
use crate::store::{Store, StoreError};

/// Whether a client wants what screens showed to be searchable; of one that is not in the documents any more, no.
pub(crate) fn wants_screen_text(documents: &Documents, client: &str) -> bool {
    ClientId::parse(client)
        .ok()
        .and_then(|id| documents.clients().get(&id))
        .is_some_and(|client| client.search.screen_text)
}

/// The filter of a recording; none where this gateway may not read it. Waits; not for a task.
///
/// # Errors
/// The recording is not what its manifest says, or does not read.
fn read(recording: &SealedRecording, identities: &[Identity]) -> Result<Option<Found>, ReadError> {
    let opened = match recording.unlock(identities) {
        Ok(opened) => opened,
        Err(ReadError::Locked { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = BufReader::new(opened.open(layout::TEXT)?);
    let mut filter = FilterBuilder::default();
    let mut shown = false;
    scan(&mut text, |line| {
        filter.line(&line.text);
        filter.kind(line.kind);
        shown |= line.kind == LineKind::Screen;
        true
    })
    .map_err(|source| ReadError::Io {
        path: recording.dir().join(layout::TEXT),
        source,
    })?;
    let channels = opened.record().channels.iter();
    Ok(Some(Found {
        filter: filter.finish(),
        // One from before it was kept tells by what it has.
        screens: opened.record().screen_text.unwrap_or(shown),
        hidden_lines: channels.map(|channel| channel.hidden_lines).sum(),
        facts: recording.manifest().facts.clone(),
    }))
}

/// What the gateway keeps of a recording that it may read.
struct Found {
    filter: Filter,
    /// What its screens showed is among what can be searched.
    screens: bool,
    /// Lines that were typed and whose echo was not recognised.
    hidden_lines: u64,
    facts: SessionFacts,
}

/// What came of making a recording findable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indexed {
    /// It is found from here on.
    Done,
    /// Only others have its key.
    NotReadable,
    /// The store knows no such session, or its recording was destroyed meanwhile.
    Gone,
}

/// Why a recording cannot be found by what it holds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// It does not read.
    #[error(transparent)]
    Recording(#[from] ReadError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no thread.
    #[error("the reading was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Makes a sealed recording findable.
///
/// # Errors
/// The recording does not read, or the store failed.
pub(crate) async fn index(
    store: &Store,
    recording: SealedRecording,
    keys: std::sync::Arc<EvidenceKeys>,
) -> Result<Indexed, IndexError> {
    let session = SessionId::from_uuid(recording.manifest().session());
    let found = tokio::task::spawn_blocking(move || read(&recording, keys.identities())).await??;
    keep(store, session, found).await
}

/// The same where waiting is allowed.
///
/// # Errors
/// As [`index`].
pub(crate) fn index_here(
    store: &Store,
    recording: &SealedRecording,
    keys: &EvidenceKeys,
    runtime: &tokio::runtime::Handle,
) -> Result<Indexed, IndexError> {
    let session = SessionId::from_uuid(recording.manifest().session());
    let found = read(recording, keys.identities())?;
    runtime.block_on(keep(store, session, found))
}

/// The same with the gateway's own key at hand, for a command line, which may wait.
///
/// # Errors
/// As [`index`].
pub(crate) async fn index_with(
    store: &Store,
    recording: &SealedRecording,
    gateway: &Identity,
) -> Result<Indexed, IndexError> {
    let session = SessionId::from_uuid(recording.manifest().session());
    let found = read(recording, std::slice::from_ref(gateway))?;
    keep(store, session, found).await
}

async fn keep(
    store: &Store,
    session: SessionId,
    found: Option<Found>,
) -> Result<Indexed, IndexError> {
    let Some(Found {
        filter,
        screens,
        hidden_lines,
        facts,
    }) = found
    else {
        return Ok(Indexed::NotReadable);
    };
    if hidden_lines > 0 {
        // People know it by its number, and compare with what the list of recordings counts of it.
        let begun = latest_of(store, session, AuditKind::SessionStart).await?;
        let number = begun.and_then(|(_, record)| record.detail.get("number")?.as_u64());
        let mut record = about(
            AuditRecord::new(AuditKind::TypingHidden, clock::now()),
            &facts,
        )
        .reason("typed at a terminal; their echo was not recognised")
        .detail("lines", hidden_lines);
        if let Some(number) = number {
            record = record.detail("number", number);
        }
        store
            .typing_hidden(session, hidden_lines, &[record])
            .await?;
    }
    match store.remember_search(session, &filter, screens).await? {
        true => Ok(Indexed::Done),
        false => Ok(Indexed::Gone),
    }
}
