//! From a closed journal to a seal that is on record: the manifest's digest stands in the log before the journal goes.
//!
//! For threads of their own: everything here waits for disks and for the store.

use std::path::Path;
use std::sync::Arc;

use ecluse_policy::{ClientId, SessionId, TargetId, Timestamp};
use ecluse_recordings::evidence::key::RecordingKey;
use ecluse_recordings::evidence::manifest::Manifest;
use ecluse_recordings::{
    ClosedJournal, FinishError, Form, ReadError, SealedRecording, SessionFacts, seal,
};
use tokio::runtime::Handle;

use super::indexing::{IndexError, index_here, wants_screen_text};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::evidence::EvidenceKeys;
use crate::passage::by_channel::{recorded, with_channels};
use crate::store::{Store, StoreError};

/// Seals recordings and says so in the journal.
pub(crate) struct Sealer {
    pub(super) keys: Arc<EvidenceKeys>,
    pub(super) store: Store,
    pub(super) runtime: Handle,
}

/// The detail of a failure that took a recording away: it is missing, and no failure of ours excuses that.
pub(crate) const GONE: &str = "journal-gone";

/// Why a recording is not sealed yet; it can be tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The seal could not be made.
    #[error(transparent)]
    Recording(#[from] FinishError),
    /// The seal is made, and not on record.
    #[error("the seal is not on record: {0}")]
    Store(#[from] StoreError),
}

impl SealError {
    /// Whether the journal itself is not what was written, which no other try changes.
    pub(super) fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Recording(FinishError::Journal(
                ReadError::Damaged { .. } | ReadError::Foreign { .. } | ReadError::Torn { .. }
            ))
        )
    }
}

impl SealError {
    /// Whether the journal is not there, which no other try changes.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Recording(FinishError::Journal(error)) if error.is_not_found())
    }
}

impl Sealer {
    /// One that records in `store`, waiting on `runtime`.
    pub(crate) fn new(keys: Arc<EvidenceKeys>, store: Store, runtime: Handle) -> Arc<Self> {
        Arc::new(Self {
            keys,
            store,
            runtime,
        })
    }

    /// The keys it seals with.
    pub(crate) fn keys(&self) -> &Arc<EvidenceKeys> {
        &self.keys
    }

    /// Seals a closed journal, puts the seal on record, then removes the journal. Waits; not for a task.
    ///
    /// # Errors
    /// The disk or the store failed; the journal is still there, and another try goes on where this one stopped.
    pub(crate) fn seal(
        &self,
        journal: &ClosedJournal,
        key: &RecordingKey,
    ) -> Result<(), SealError> {
        let documents = self.runtime.block_on(self.store.documents())?;
        let screen_text = |client: &str| wants_screen_text(&documents.documents, client);
        let recording = self
            .keys
            .with_sealing(&screen_text, |sealing| seal(journal, key, sealing))?;
        // Before the journal goes: a gateway that dies in between comes back to it.
        if let Err(error) = index_here(&self.store, &recording, &self.keys, &self.runtime) {
            not_findable(&recording, &error);
        }
        self.runtime
            .block_on(put_on_record(&self.store, &recording))?;
        Ok(recording.remove_journal()?)
    }
}

impl Sealer {
    /// Puts on record, and so tells the client's operators, that a recording is gone: somebody took its journal away while
    /// the session ran. Waits; not for a task.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub(super) fn tell_gone(&self, facts: &SessionFacts, dir: &Path) -> Result<(), StoreError> {
        let record = AuditRecord::new(AuditKind::RecordingFailed, clock::now())
            .reason("its live.journal was taken away while the session ran: what was recorded is not there to be sealed")
            .detail(GONE, true)
            .detail("directory", dir.display().to_string());
        self.runtime
            .block_on(self.store.record(&[about(record, facts)]))
    }
}

/// A recording that cannot be searched is evidence all the same.
pub(crate) fn not_findable(recording: &SealedRecording, error: &IndexError) {
    tracing::warn!(directory = %recording.dir().display(), %error, "a sealed recording cannot be searched; try again with: ecluse search reindex");
}

/// Writes the digest of a sealed recording's manifest into the journal, once, and an alarm for every gap in it (R2).
///
/// # Errors
/// The store failed; nothing is written.
pub(crate) async fn put_on_record(
    store: &Store,
    recording: &SealedRecording,
) -> Result<(), StoreError> {
    let manifest = recording.manifest();
    let (session, sha256) = (session_of(manifest), recording.manifest_sha256());
    let (form, now) = (form_of(manifest), clock::now());
    let gaps = gaps(manifest, now);
    let records: Vec<_> = std::iter::once(seal_record(recording, now))
        .chain(gaps)
        .collect();
    store.sealed(session, &sha256, form, now, &records).await?;
    Ok(())
}

/// Writes that the journal form of a recording was turned into these files: who asked for it, the digest of their
/// manifest, and an alarm for every gap, which the journal form could not tell. `false` where another seal is on record.
///
/// # Errors
/// The store failed; nothing is written.
pub(crate) async fn put_conversion_on_record(
    store: &Store,
    files: &SealedRecording,
    by: &str,
) -> Result<bool, StoreError> {
    let manifest = files.manifest();
    let (session, sha256, now) = (session_of(manifest), files.manifest_sha256(), clock::now());
    let sealed = seal_record(files, now)
        .claimed(by)
        .reason("turned into files by a holder of its key");
    let gaps = gaps(manifest, now);
    let records: Vec<_> = std::iter::once(sealed).chain(gaps).collect();
    store.converted(session, &sha256, now, &records).await
}

fn session_of(manifest: &Manifest) -> SessionId {
    SessionId::from_uuid(manifest.session())
}

/// That a recording is sealed, and what as.
fn seal_record(recording: &SealedRecording, now: Timestamp) -> AuditRecord {
    let manifest = recording.manifest();
    let record = about(
        AuditRecord::new(AuditKind::RecordingSealed, now),
        &manifest.facts,
    )
    .detail("manifest-sha256", recording.manifest_sha256())
    .detail("form", form_of(manifest))
    .detail("cut-short", manifest.cut_short)
    .detail("frames", manifest.journal.frames)
    .detail("recipients", manifest.key.recipients.clone());
    if manifest.cut_short {
        // Nobody was left to count what passed.
        with_channels(record, &recorded(manifest))
    } else {
        record
    }
}

fn gaps(manifest: &Manifest, now: Timestamp) -> impl Iterator<Item = AuditRecord> {
    manifest.channels.iter().filter_map(move |channel| {
        let gap = channel.gap.as_ref()?;
        tracing::error!(session = %manifest.session(), channel = channel.number, %gap, "bytes passed without being recorded");
        let alarm = about(AuditRecord::new(AuditKind::CoverageGap, now), &manifest.facts)
            .reason(gap)
            .detail("channel", channel.number);
        Some(alarm)
    })
}

fn form_of(manifest: &Manifest) -> &'static str {
    match manifest.form {
        Form::Files => "files",
        Form::Journal => "journal",
    }
}

/// A record about the session of a recording, by what the recording says of itself.
pub(crate) fn about(record: AuditRecord, facts: &SessionFacts) -> AuditRecord {
    let mut record = record
        .claimed(&facts.person)
        .session(SessionId::from_uuid(facts.session));
    if let Ok(client) = ClientId::parse(&facts.client) {
        record = record.client(&client);
    }
    if let Ok(target) = TargetId::parse(&facts.target) {
        record = record.target(&target);
    }
    match facts.intervention {
        Some(id) => record.intervention(ecluse_policy::InterventionId::from_uuid(id)),
        None => record,
    }
}
