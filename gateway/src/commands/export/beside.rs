//! What a bundle shows beside recordings: interventions as they were hashed, with their salts, and the entries that bind
//! them and the documents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ecluse_policy::Intervention;
use ecluse_recordings::SealedRecording;
use ecluse_recordings::bound as keys;
use ecluse_recordings::log::{Checkpoint, Entry, SignedNote};

use super::bundle::{fresh_checkpoint, interventions_of};
use super::choice::Choice;
use crate::audit::AuditKind;
use crate::journal::JournalKeys;
use crate::store::{AuditQuery, JournalEntry, Session, Store};

/// Entries read at once.
const PAGE: u32 = 1000;

/// An intervention as the store has it.
pub(super) struct Body {
    pub(super) number: u64,
    pub(super) text: String,
    pub(super) salt: Option<String>,
    /// None where it does not read.
    pub(super) intervention: Option<Intervention>,
}

/// A checkpoint, and the interventions as they were when it was made: where one of them took a step meanwhile, both anew.
pub(super) async fn settled(
    store: &Store,
    keys: &JournalKeys,
    choice: &Choice,
) -> anyhow::Result<(SignedNote, Checkpoint, Vec<Body>)> {
    loop {
        let (note, checkpoint) = fresh_checkpoint(store, keys).await?;
        let mut bodies = Vec::new();
        for id in interventions_of(choice) {
            let Some((number, text, salt)) = store.intervention_text(id).await? else {
                continue;
            };
            bodies.push(Body {
                intervention: serde_json::from_str(&text).ok(),
                number,
                text,
                salt,
            });
        }
        let mut later = false;
        for id in interventions_of(choice) {
            let last = store.last_step(id).await?;
            later |= last.is_some_and(|seq| seq > checkpoint.size);
        }
        if !later {
            return Ok((note, checkpoint, bodies));
        }
    }
}

/// Adds the entries that are no client's alone: where the digests begin, and those of the documents of the providers whose
/// technicians came.
pub(super) async fn entries(
    store: &Store,
    choice: &Choice,
    size: u64,
    found: &mut BTreeMap<u64, JournalEntry>,
) -> anyhow::Result<()> {
    let providers: BTreeSet<String> = found
        .values()
        .filter_map(|entry| Entry::parse(entry.line.as_ref()?.as_bytes()).ok())
        .filter(|entry| entry.kind == AuditKind::SessionStart.name())
        .filter_map(|entry| {
            let documents = entry.detail.get(keys::DOCUMENTS)?.as_object()?;
            Some(documents.keys().cloned().collect::<Vec<_>>())
        })
        .flatten()
        .filter(|owner| owner.starts_with("provider "))
        .collect();
    let mut query = AuditQuery {
        kinds: vec![
            AuditKind::BindingsBegin,
            AuditKind::Bound,
            AuditKind::DocumentChange,
        ],
        limit: Some(PAGE),
        ..AuditQuery::default()
    };
    loop {
        let page = store.entries(&query).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        query.after = Some(last.seq);
        for entry in page.into_iter().filter(|entry| entry.seq <= size) {
            let Some(line) = &entry.line else { continue };
            let Ok(said) = Entry::parse(line.as_bytes()) else {
                continue;
            };
            // What another client's entry says leaves with that client's bundles alone.
            let ours = said
                .client
                .as_deref()
                .is_none_or(|client| client == choice.client.as_str());
            let wanted = said.kind == AuditKind::BindingsBegin.name()
                || said
                    .detail_text(keys::DOCUMENT_OF)
                    .is_some_and(|owner| providers.contains(owner));
            if ours && wanted {
                found.insert(entry.seq, entry);
            }
        }
    }
}

/// The session whose recording lies in the directory of this one, where it is another's.
pub(super) fn of_another(dir: &Path, session: &Session) -> Option<String> {
    let found = SealedRecording::open(dir).ok()?.manifest().session();
    (found != session.start.id.as_uuid()).then(|| found.to_string())
}
