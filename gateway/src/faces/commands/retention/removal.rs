//! Removing what is due: on record first, then the files, then the words.
//!
//! The record of a destruction names what was destroyed and stays for ever. A crash between record and removal leaves
//! files whose destruction is on record: the next run removes them. Words go last, when nothing due is left that they
//! could tell of; what keeps one recording keeps them all.

use std::fs;
use std::path::Path;

use ecluse_policy::documents::Regime;
use ecluse_policy::retention::{Due, due_before};
use ecluse_policy::{ClientId, Timestamp};

use super::inventory::{BEING_SEALED, Contradiction, Inventory, Kept, State, UNENDED};
use crate::audit::{AuditKind, AuditRecord};
use crate::store::{Destruction, Store, StoreError};
use ecluse_recordings::verify::times::DUE;

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Removed {
    /// In words, one line each.
    pub(super) lines: Vec<String>,
    /// How many removals failed.
    pub(super) failed: usize,
}

/// What a run would do with a session, in words; nothing where it leaves it.
pub(super) fn plan(kept: &Kept) -> Option<String> {
    let number = kept.number;
    match (&kept.state, &kept.due) {
        (State::Leftover { .. }, _) => {
            Some(format!("would finish the removal of recording {number}"))
        }
        (State::Sealed { .. }, Due::Since(since) | Due::Overdue(since)) => Some(format!(
            "would remove recording {number}, {} {since}",
            how(&kept.due)
        )),
        (State::Doubtful(problem), due)
            if kept.fault.is_some() || matches!(due, Due::Since(_) | Due::Overdue(_)) =>
        {
            Some(format!("keeps recording {number}: {problem}"))
        }
        (State::Live, Due::Since(_) | Due::Overdue(_)) => {
            Some(format!("keeps recording {number}: it is live"))
        }
        (State::Unended, Due::Since(_) | Due::Overdue(_)) => {
            Some(format!("keeps recording {number}: {UNENDED}"))
        }
        (State::BeingSealed, Due::Since(_) | Due::Overdue(_)) => {
            Some(format!("keeps recording {number}: {BEING_SEALED}"))
        }
        (State::Elsewhere(_), Due::Since(_) | Due::Overdue(_)) => {
            let obstacle = kept.state.obstacle().unwrap_or_default();
            Some(format!("keeps recording {number}: {obstacle}"))
        }
        (State::Nothing | State::Doubtful(_), Due::Since(_) | Due::Overdue(_))
        | (
            State::Sealed { .. }
            | State::Doubtful(_)
            | State::Live
            | State::Unended
            | State::BeingSealed
            | State::Elsewhere(_)
            | State::Nothing,
            Due::LegalHold(_) | Due::KeepUntilServiceEnds | Due::KeepUntil(_),
        ) => None,
    }
}

/// Whether a run would remove anything.
pub(super) async fn is_anything_due(
    store: &Store,
    inventory: &Inventory,
) -> Result<bool, StoreError> {
    let goes = |kept: &Kept| match &kept.state {
        State::Leftover { .. } => true,
        State::Sealed { .. } => matches!(kept.due, Due::Since(_) | Due::Overdue(_)),
        State::Doubtful(_)
        | State::Elsewhere(_)
        | State::Live
        | State::Unended
        | State::BeingSealed
        | State::Nothing => false,
    };
    if inventory.kept.iter().any(goes) {
        return Ok(true);
    }
    let of_clients = words(inventory).into_iter().filter_map(|(client, words)| {
        let before = words.ok()?;
        Some(of_client(inventory, client, before, ""))
    });
    for destruction in of_clients.chain(of_nobody(inventory, "")) {
        if store.would_destroy(&destruction).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn of_client(inventory: &Inventory, client: &ClientId, before: Timestamp, by: &str) -> Destruction {
    let why = match inventory.rules_of(client).map(|rules| rules.regime) {
        Some(Regime::Mj) | None => "kept as long as agreed on after the end of the service",
        Some(Regime::Ext | Regime::Own) => "kept as long as agreed on after the session",
    };
    Destruction {
        client: Some(client.clone()),
        in_force: !inventory.departed.contains(client),
        before,
        at: inventory.at,
        by: by.to_owned(),
        why: why.to_owned(),
    }
}

/// What concerns no client and is due.
fn of_nobody(inventory: &Inventory, by: &str) -> Option<Destruction> {
    let before = inventory
        .nobody_before
        .filter(|_| inventory.contradicted.is_empty())?;
    Some(Destruction {
        client: None,
        in_force: true,
        before,
        at: inventory.at,
        by: by.to_owned(),
        why: "kept as long as what any client has of that time".to_owned(),
    })
}

/// How it is due, in words that a time follows.
pub(super) fn how(due: &Due) -> &'static str {
    match due {
        Due::Overdue(_) => "past the longest that it may be kept since",
        Due::Since(_) | Due::LegalHold(_) | Due::KeepUntilServiceEnds | Due::KeepUntil(_) => {
            "due since"
        }
    }
}

/// Removes what is due. `by` is who asked for it.
pub(super) async fn remove(
    store: &Store,
    mut inventory: Inventory,
    by: &str,
) -> anyhow::Result<Removed> {
    let now = inventory.at;
    let mut removed = Removed::default();
    let faults = inventory.kept.iter().filter_map(|kept| kept.fault.as_ref());
    for fault in faults.chain(&inventory.gone) {
        store.tell_session_fault(fault, now).await?;
        if fault.is_gone() {
            removed.lines.push(fault.to_string());
        }
    }
    for kept in &mut inventory.kept {
        let number = kept.number;
        let dir = match (&kept.state, &kept.due) {
            // On record already, whatever the rules say since.
            (State::Leftover { dir }, _) => dir.clone(),
            (
                State::Sealed {
                    dir,
                    manifest_sha256,
                },
                Due::Since(since) | Due::Overdue(since),
            ) => {
                let why = format!("{} {since}", how(&kept.due));
                put_on_record(store, kept, manifest_sha256, (&why, *since), by, now).await?;
                dir.clone()
            }
            (State::Doubtful(problem), due)
                if kept.fault.is_some() || matches!(due, Due::Since(_) | Due::Overdue(_)) =>
            {
                removed
                    .lines
                    .push(format!("kept recording {number}: {problem}"));
                continue;
            }
            (State::Elsewhere(_), Due::Since(_) | Due::Overdue(_)) => {
                let obstacle = kept.state.obstacle().unwrap_or_default();
                removed
                    .lines
                    .push(format!("kept recording {number}: {obstacle}"));
                continue;
            }
            (
                State::Sealed { .. }
                | State::Doubtful(_)
                | State::Elsewhere(_)
                | State::Live
                | State::Unended
                | State::BeingSealed
                | State::Nothing,
                Due::Since(_)
                | Due::Overdue(_)
                | Due::LegalHold(_)
                | Due::KeepUntilServiceEnds
                | Due::KeepUntil(_),
            ) => continue,
        };
        match clear(&dir) {
            Ok(()) => {
                kept.state = State::Nothing;
                removed.lines.push(format!("removed recording {number}"));
            }
            Err(error) => {
                kept.state = State::Leftover { dir: dir.clone() };
                removed.failed += 1;
                removed.lines.push(format!(
                    "recording {number} is not removed: {}: {error}",
                    dir.display()
                ));
            }
        }
    }
    for (client, words) in words(&inventory) {
        let before = match words {
            Ok(before) => before,
            Err(problem) => {
                removed
                    .lines
                    .push(format!("kept the words of {client}'s entries: {problem}"));
                continue;
            }
        };
        let days = store.forget_days(client, before).await?;
        if days > 0 {
            removed.lines.push(format!(
                "removed what {days} budgets of single days of {client} had spent, from before {before}"
            ));
        }
        let destruction = of_client(&inventory, client, before, by);
        if let Some(done) = store.destroy_client_entries(&destruction).await? {
            removed.lines.push(format!(
                "removed the words of {} entries of {client}, {} sessions and {} interventions, from before {before}",
                done.entries, done.sessions, done.interventions
            ));
        }
    }
    if let Some(destruction) = of_nobody(&inventory, by) {
        let before = destruction.before;
        if let Some(done) = store.destroy_client_entries(&destruction).await? {
            removed.lines.push(format!(
                "removed the words of {} entries that concern no client, from before {before}",
                done.entries
            ));
        }
    }
    if removed.lines.is_empty() {
        removed.lines.push("nothing is due".to_owned());
    }
    Ok(removed)
}

/// For each client whose words are due: from before when, or what keeps them.
pub(super) fn words(inventory: &Inventory) -> Vec<(&ClientId, Result<Timestamp, String>)> {
    inventory
        .rules
        .iter()
        .filter_map(|(client, rules)| Some((client, due_before(rules, inventory.at)?)))
        .map(|(client, before)| (client, kept_by(inventory, client, before)))
        .collect()
}

fn kept_by(
    inventory: &Inventory,
    client: &ClientId,
    before: Timestamp,
) -> Result<Timestamp, String> {
    let mut contradicted = inventory.contradicted.iter();
    let of_client = |one: &&Contradiction| one.client.as_ref().is_none_or(|of| of == client);
    if let Some(Contradiction { problem, .. }) = contradicted.find(of_client) {
        return Err(format!("{problem}; run: ecluse journal verify"));
    }
    let of_client = inventory
        .kept
        .iter()
        .filter(|kept| kept.client == *client && kept.ended.is_none_or(|ended| ended < before));
    for kept in of_client {
        match &kept.state {
            State::Nothing | State::Sealed { .. } => {}
            State::Leftover { .. } => {
                return Err(format!("recording {} is not wholly removed", kept.number));
            }
            State::Live => return Err(format!("session {} goes on", kept.number)),
            State::Unended => return Err(format!("session {}: {UNENDED}", kept.number)),
            State::BeingSealed => {
                return Err(format!("session {}: {BEING_SEALED}", kept.number));
            }
            State::Elsewhere(_) => {
                let obstacle = kept.state.obstacle().unwrap_or_default();
                return Err(format!("recording {}: {obstacle}", kept.number));
            }
            State::Doubtful(problem) => {
                return Err(format!("recording {}: {problem}", kept.number));
            }
        }
    }
    let stray = inventory
        .strays
        .iter()
        .find(|(dir, _)| dir.starts_with(inventory.root.join(client.as_str())));
    match stray {
        None => Ok(before),
        Some((dir, state)) => Err(format!(
            "{} ({state}) is no recording that the store knows; examine it and take it away",
            dir.display()
        )),
    }
}

async fn put_on_record(
    store: &Store,
    kept: &Kept,
    manifest_sha256: &str,
    (why, since): (&str, Timestamp),
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let record = AuditRecord::new(AuditKind::RecordingDestroyed, now)
        .claimed(by)
        .client(&kept.client)
        .session(kept.session)
        .intervention(kept.intervention)
        .reason(why)
        .detail("number", kept.number)
        .detail("manifest-sha256", manifest_sha256)
        .detail("why", why)
        .detail(DUE, since.as_micros());
    store.recording_destroyed(kept.session, &[record]).await
}

/// Removes a recording's directory, and those of its day and month where they are empty.
fn clear(dir: &Path) -> std::io::Result<()> {
    // Links in it are removed, never followed.
    fs::remove_dir_all(dir)?;
    let mut parent = dir.parent();
    for _ in 0..2 {
        let Some(directory) = parent else { break };
        // Fails where something is left, which is as it should be.
        if fs::remove_dir(directory).is_err() {
            fs::File::open(directory)?.sync_all()?;
            return Ok(());
        }
        parent = directory.parent();
    }
    if let Some(directory) = parent {
        fs::File::open(directory)?.sync_all()?;
    }
    Ok(())
}
