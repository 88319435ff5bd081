//! Whether a recording belongs into a bundle, at the moment that the bundle is of; if not, why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ecluse_recordings::bundle::{LeftOut, MANIFEST, Why};
use ecluse_recordings::layout;
use ecluse_recordings::log::Entry;
use uuid::Uuid;

use super::beside;
use super::choice::Choice;
use crate::faces::commands::carried::Carriers;
use crate::store::{JournalEntry, Session, Store};

/// Whether a recording goes into the bundle.
pub(super) enum Belongs<'d> {
    /// From this directory.
    In(&'d Path),
    /// It does not, for this reason.
    Out(Why),
}

/// Asks for the recording of a session in `dir`. `store` is of the moment of the bundle, `live` of now.
pub(super) async fn whether<'d>(
    live: &Store,
    store: &Store,
    session: &Session,
    dir: Option<&'d Path>,
    carriers: &Carriers,
) -> anyhow::Result<Belongs<'d>> {
    let Some(dir) = dir else {
        return Ok(Belongs::Out(Why::NoRecording));
    };
    // Somebody moved it here: it would be shown as another session's.
    if beside::is_of_another(dir, session) {
        return Ok(Belongs::Out(Why::Moved));
    }
    let is_there = dir.join(MANIFEST).exists();
    let why = match became(store, session).await? {
        Some(Became::Destroyed) => Why::Destroyed,
        Some(Became::Sealed) if is_there => return Ok(Belongs::In(dir)),
        // It may have been destroyed since.
        Some(Became::Sealed) => match live.sealed_recording(session.start.id).await? {
            Some(sealed) if sealed.destroyed => Why::Destroyed,
            Some(_) | None if carriers.elsewhere(session).is_some() => Why::Elsewhere,
            Some(_) | None => Why::NotThere,
        },
        None if session.end.is_none() && !carriers.carry(session) => Why::Unended,
        None if session.end.is_none() => Why::StillOpen,
        // The journal goes once the seal is on record, then or since. What was sealed without a word about it is taken
        // along as it is: whoever verifies names it.
        None if is_there
            && !dir.join(layout::LIVE).exists()
            && live.sealed_recording(session.start.id).await?.is_none() =>
        {
            return Ok(Belongs::In(dir));
        }
        None => Why::BeingSealed,
    };
    Ok(Belongs::Out(why))
}

/// What became of a recording.
enum Became {
    Sealed,
    Destroyed,
}

/// The same, as the log has it where the row was altered; none where nothing became of it yet.
async fn became(store: &Store, session: &Session) -> anyhow::Result<Option<Became>> {
    let fault = session.fault.as_ref();
    let (sealed, destroyed) = match fault.and_then(|fault| fault.recorded.as_ref()) {
        Some(said) => (said.is_sealed, said.is_destroyed),
        None => match store.sealed_recording(session.start.id).await? {
            Some(sealed) => (true, sealed.destroyed),
            None => (false, false),
        },
    };
    Ok(match (sealed, destroyed) {
        (_, true) => Some(Became::Destroyed),
        (true, false) => Some(Became::Sealed),
        (false, false) => None,
    })
}

/// The sessions that entries tell of, but for those that were chosen.
pub(super) fn sessions_in(
    choice: &Choice,
    entries: &BTreeMap<u64, JournalEntry>,
) -> BTreeSet<Uuid> {
    let mut told: BTreeSet<Uuid> = entries
        .values()
        .filter_map(|entry| Entry::parse(entry.line.as_ref()?.as_bytes()).ok())
        .filter_map(|entry| Uuid::parse_str(entry.session.as_ref()?).ok())
        .collect();
    for session in &choice.sessions {
        told.remove(&session.start.id.as_uuid());
    }
    told
}

/// The sessions that entries of the bundle tell of, and that nobody asked for.
pub(super) async fn not_chosen(
    store: &Store,
    choice: &Choice,
    entries: &BTreeMap<u64, JournalEntry>,
) -> anyhow::Result<Vec<LeftOut>> {
    let told = sessions_in(choice, entries);
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let (all, _) = store.sessions_on_record(&choice.client).await?;
    let mut left_out: Vec<LeftOut> = all
        .iter()
        .filter(|session| told.contains(&session.start.id.as_uuid()))
        .map(|session| LeftOut {
            session: session.start.id.as_uuid(),
            number: session.number,
            why: Why::NotChosen,
            node: None,
        })
        .collect();
    left_out.sort_by_key(|one| one.number);
    Ok(left_out)
}
