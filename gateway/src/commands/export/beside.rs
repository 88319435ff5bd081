//! What a bundle shows beside recordings: interventions as they were hashed, with their salts, and the entry from which
//! on there are digests.

use std::collections::BTreeMap;
use std::path::Path;

use ecluse_policy::Intervention;
use ecluse_recordings::SealedRecording;
use ecluse_recordings::log::{Checkpoint, SignedNote};

use super::bundle::{fresh_checkpoint, interventions_of};
use super::choice::Choice;
use crate::audit::AuditKind;
use crate::journal::JournalKeys;
use crate::store::{AuditQuery, JournalEntry, Session, Store};

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

/// Adds the one entry that is no client's and concerns each: where the digests begin. Other entries of the gateway's own
/// trail, such as those of providers, stay here: a bundle is of one client.
pub(super) async fn entries(
    store: &Store,
    size: u64,
    found: &mut BTreeMap<u64, JournalEntry>,
) -> anyhow::Result<()> {
    let query = AuditQuery {
        kinds: vec![AuditKind::BindingsBegin],
        ..AuditQuery::default()
    };
    let begin = store.entries(&query).await?;
    let begin = begin.into_iter().filter(|entry| entry.seq <= size);
    found.extend(begin.map(|entry| (entry.seq, entry)));
    Ok(())
}

/// The session whose recording lies in the directory of this one, where it is another's.
pub(super) fn of_another(dir: &Path, session: &Session) -> Option<String> {
    let found = SealedRecording::open(dir).ok()?.manifest().session();
    (found != session.start.id.as_uuid()).then(|| found.to_string())
}
