//! The entries of a bundle: the client's own, by what the entries say themselves, held to the client's chain.
//!
//! No column beside the hash decides what an auditor is given: the index finds, the chain shows what it left out
//! ([`Store::trail`]).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use ecluse_policy::{ClientId, Timestamp};
use ecluse_recordings::bundle::{BundleWriter, TRAIL, TrailFacts};
use ecluse_recordings::log::Entry;

use super::choice::Choice;
use super::left_out::sessions_in;
use crate::audit::AuditKind;
use crate::store::{JournalEntry, Store};

/// Entries read at once.
const PAGE: u32 = 1000;

/// The entries of the bundle up to a size of the journal, in order.
pub(super) async fn chosen(
    store: &Store,
    choice: &Choice,
    size: u64,
) -> anyhow::Result<BTreeMap<u64, JournalEntry>> {
    let sessions: BTreeSet<String> = choice
        .sessions
        .iter()
        .map(|session| session.start.id.to_string())
        .collect();
    let interventions: BTreeSet<String> = choice
        .interventions
        .iter()
        .map(|id| id.as_uuid().to_string())
        .collect();
    let always = [
        AuditKind::DocumentChange,
        AuditKind::Reached,
        AuditKind::Bound,
        AuditKind::NotOnRecord,
        AuditKind::EntriesDestroyed,
        AuditKind::Export,
    ]
    .map(AuditKind::name);
    let mut chosen = BTreeMap::new();
    // From the first entry of a window on, all of them: the numbers have to follow one another.
    let mut within = false;
    let is_chosen = |entry: &Entry, within: &mut bool| {
        *within |= choice
            .trail_from()
            .is_some_and(|from| entry.at_us >= from.as_micros());
        let has = |among: &BTreeSet<String>, id: &Option<String>| {
            id.as_ref().is_some_and(|id| among.contains(id))
        };
        *within
            || always.contains(&entry.kind.as_str())
            || has(&sessions, &entry.session)
            || has(&interventions, &entry.intervention)
    };
    // How sessions began that others of these tell of, and how their recordings were removed: by that it shows that they do
    // not belong, or why they are not there.
    let mut about: BTreeMap<String, Vec<JournalEntry>> = BTreeMap::new();
    each(store, &choice.client, size, |stored, entry| {
        if is_chosen(entry, &mut within) {
            chosen.insert(stored.seq, stored.clone());
        }
        let tells = [AuditKind::SessionStart, AuditKind::RecordingDestroyed];
        if tells.iter().any(|kind| kind.name() == entry.kind)
            && let Some(session) = &entry.session
        {
            let of_session = about.entry(session.clone()).or_default();
            of_session.push(stored.clone());
        }
    })
    .await?;
    for session in sessions_in(choice, &chosen) {
        for entry in about.remove(&session.to_string()).unwrap_or_default() {
            chosen.insert(entry.seq, entry);
        }
    }
    Ok(chosen)
}

/// Adds how far the client's trail has come at the checkpoint, and from which number on the bundle has all of it.
pub(super) async fn write(
    writer: &mut BundleWriter<impl Write>,
    store: &Store,
    choice: &Choice,
    entries: &BTreeMap<u64, JournalEntry>,
    size: u64,
) -> anyhow::Result<()> {
    let Some(head) = store.trail_at(&choice.client, size).await? else {
        return Ok(());
    };
    let facts = TrailFacts {
        client: choice.client.to_string(),
        entries: head.nth,
        head: Some(head.leaf),
        whole_from: choice
            .trail_from()
            .map(|from| first_number(entries, from).unwrap_or(head.nth.saturating_add(1))),
    };
    writer.add(TRAIL, &serde_json::to_vec_pretty(&facts)?)?;
    Ok(())
}

/// The number from which on all are there: that of the first one in the window.
fn first_number(entries: &BTreeMap<u64, JournalEntry>, from: Timestamp) -> Option<u64> {
    let read = |stored: &JournalEntry| Entry::parse(stored.line.as_deref()?.as_bytes()).ok();
    entries
        .values()
        .filter_map(read)
        .skip_while(|entry| entry.at_us < from.as_micros())
        .find_map(|entry| entry.nth)
}

/// Shows each entry of the client that has words, in order.
async fn each(
    store: &Store,
    client: &ClientId,
    size: u64,
    mut see: impl FnMut(&JournalEntry, &Entry),
) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let page = store.trail(client, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.seq;
        for stored in page.iter().filter(|stored| stored.seq <= size) {
            let Some(line) = &stored.line else { continue };
            if let Ok(entry) = Entry::parse(line.as_bytes()) {
                see(stored, &entry);
            }
        }
    }
}
