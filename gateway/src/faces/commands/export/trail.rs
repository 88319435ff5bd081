//! The entries of a bundle: the client's own, by what the entries say themselves, held to the client's chain.
//!
//! No column beside the hash decides what an auditor is given: the index finds, the chain shows what it left out
//! ([`Store::trail`]).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use ecluse_policy::{ClientId, Timestamp};
use ecluse_recordings::bundle::{BundleWriter, TRAIL, TrailFacts};
use ecluse_recordings::json;
use ecluse_recordings::log::Entry;

use super::choice::Choice;
use super::left_out::sessions_in;
use crate::audit::AuditKind;
use crate::store::{JournalEntry, Store};

/// Entries read at once.
const PAGE: u32 = 1000;

/// The entries of the bundle up to a size of the journal, in order.
pub(super) async fn chosen(store: &Store, choice: &Choice, size: u64) -> anyhow::Result<Chosen> {
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
    // From the first entry of a window to the first one behind it, all of them: the numbers have to follow one another.
    let mut window = Window {
        from: choice.trail_from(),
        until: choice.trail_until(),
        begun: false,
        numbers: None,
    };
    let is_chosen = |entry: &Entry, window: &mut Window| {
        let has = |among: &BTreeSet<String>, id: &Option<String>| {
            id.as_ref().is_some_and(|id| among.contains(id))
        };
        window.holds(entry)
            || always.contains(&entry.kind.as_str())
            || has(&sessions, &entry.session)
            || has(&interventions, &entry.intervention)
    };
    // How sessions began that others of these tell of, and how their recordings were removed: by that it shows that they do
    // not belong, or why they are not there.
    let mut about: BTreeMap<String, Vec<JournalEntry>> = BTreeMap::new();
    each(store, &choice.client, size, |stored, entry| {
        if is_chosen(entry, &mut window) {
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
    // Of a session whose own entries are gone too, nobody can tell when it began: it may be of this time.
    if choice.time.is_some() {
        let began = |entry: &JournalEntry| {
            let line = entry.line.as_ref();
            let entry = line.and_then(|line| Entry::parse(line.as_bytes()).ok());
            entry.is_some_and(|entry| entry.kind == AuditKind::SessionStart.name())
        };
        let gone = about
            .into_values()
            .filter(|entries| !entries.iter().any(began));
        chosen.extend(gone.flatten().map(|entry| (entry.seq, entry)));
    }
    Ok(Chosen {
        entries: chosen,
        whole: window.numbers,
    })
}

/// The entries of a bundle.
pub(super) struct Chosen {
    /// By their places.
    pub(super) entries: BTreeMap<u64, JournalEntry>,
    /// The first and the last number of those that are there without a gap, where the bundle is of a time.
    whole: Option<(u64, u64)>,
}

/// The time that a bundle is of, as the entries go by: they are in the order of the log, which a clock that is turned does
/// not change.
struct Window {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    begun: bool,
    numbers: Option<(u64, u64)>,
}

impl Window {
    fn holds(&mut self, entry: &Entry) -> bool {
        let is_before = |end: Timestamp| entry.at_us < end.as_micros();
        let Some(from) = self.from else {
            return false;
        };
        self.begun |= !is_before(from);
        if !self.begun {
            return false;
        }
        if self.until.is_some_and(|until| !is_before(until)) {
            // It is over, and does not begin again.
            self.from = None;
            return false;
        }
        if let Some(nth) = entry.nth {
            let (first, _) = self.numbers.unwrap_or((nth, nth));
            self.numbers = Some((first, nth));
        }
        true
    }
}

/// Adds how far the client's trail has come at the checkpoint, and from which number on the bundle has all of it.
pub(super) async fn write(
    writer: &mut BundleWriter<impl Write>,
    store: &Store,
    choice: &Choice,
    chosen: &Chosen,
    size: u64,
) -> anyhow::Result<()> {
    let Some(head) = store.trail_at(&choice.client, size).await? else {
        return Ok(());
    };
    let facts = TrailFacts {
        client: choice.client.to_string(),
        entries: head.nth,
        head: Some(head.leaf),
        // Without an end, to that of the trail, whatever lost its words there.
        whole_from: match (chosen.whole, choice.trail_until()) {
            (Some((first, _)), _) => Some(first),
            (None, None) if choice.time.is_some() => Some(head.nth.saturating_add(1)),
            (None, _) => None,
        },
        whole_to: choice.trail_until().and(chosen.whole).map(|(_, last)| last),
    };
    writer.add(TRAIL, json::to_string_pretty(&facts)?.as_bytes())?;
    Ok(())
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
