//! Checkpoints, one by one: those that the store has, who signed them, and whether the journal as its entries make it is
//! what they speak of.

use ecluse_recordings::log::{Checkpoint, SignedNote, VerifierKey};
use ecluse_recordings::neutralise;
use ecluse_recordings::verify::Verdict;

use super::verify::Findings;
use crate::store::{Recomputed, Store};

/// Every checkpoint of the store, named for findings.
pub(super) async fn own_checkpoints(
    store: &Store,
    findings: &mut Findings,
) -> anyhow::Result<Vec<(String, SignedNote)>> {
    const PAGE: u32 = 1000;
    let mut all = Vec::new();
    let mut from = 0;
    loop {
        let page = store.kept_checkpoints(from, PAGE).await?;
        let Some((last, ..)) = page.last() else {
            return Ok(all);
        };
        from = last.saturating_add(1);
        for (row, at, note) in page {
            let said = note.unverified()?;
            let size = said.size;
            if row != size || at.as_micros() != said.at_us {
                findings.add(
                    Verdict::Altered,
                    format!("the store's checkpoint of {size} entries stands in its table as one of {row}, of {at}"),
                );
            }
            all.push((format!("the store's checkpoint of {size} entries"), note));
        }
    }
}

/// What a checkpoint says, if one of the keys signed it.
pub(super) fn signed(
    name: &str,
    note: &SignedNote,
    given: &[VerifierKey],
    own: &[[u8; 32]],
    findings: &mut Findings,
) -> Option<Checkpoint> {
    let origin = note.unverified().ok()?.origin;
    let own = own
        .iter()
        .filter_map(|public| VerifierKey::log(&origin, *public).ok());
    let keys: Vec<VerifierKey> = if given.is_empty() {
        own.collect()
    } else {
        given.to_vec()
    };
    let found = keys.iter().find_map(|key| note.verify(key).ok());
    if found.is_none() {
        findings.add(
            Verdict::Altered,
            format!(
                "{name}: no key that may sign for {} signed it",
                neutralise(&origin)
            ),
        );
    }
    found
}

/// Compares a checkpoint with the journal as its entries make it.
pub(super) fn compare(
    name: &str,
    checkpoint: &Checkpoint,
    recomputed: &Recomputed,
    findings: &mut Findings,
) {
    let Checkpoint { size, root, .. } = checkpoint;
    if *size > recomputed.size {
        findings.add(
            Verdict::Missing,
            format!(
                "{name} speaks of {size} entries, and the journal has {}: it was rolled back",
                recomputed.size
            ),
        );
        return;
    }
    match recomputed.root_at(*size) {
        Some(found) if found == *root => {}
        Some(found) => findings.add(
            Verdict::Altered,
            format!(
                "{name}: at {size} entries it has the root {}, and the journal {}: it was rewritten, or this is a fork of it",
                root.to_base64(),
                found.to_base64()
            ),
        ),
        None => findings.note(format!("{name} cannot be compared: entries before it are missing")),
    }
}
