//! What a running gateway put on record against the log itself, for whoever asks whether all is right: that it is not the one
//! that was there before, or that nothing signs it any more.
//!
//! Nothing is computed anew here: `ecluse journal verify` does that. What was found once stays in the log for ever; it is a
//! fault as long as no gateway has started since, as whoever knows why makes it do, and a note from then on.

use ecluse_recordings::neutralise;

use crate::audit::{AuditKind, AuditVerdict, StoredAuditRecord};
use crate::log::CONTRADICTED;
use crate::store::{AuditQuery, Store, StoreError};

/// Contradictions that are told one by one.
const TOLD: usize = 3;
/// Entries that are looked at: each stands in every client's trail too.
const LOOKED_AT: u32 = 1000;
const WHAT_TO_DO: &str = "change nothing, keep a copy of the store, and compare it with a checkpoint that was kept elsewhere: ecluse journal verify --since CHECKPOINT; once it is known why, start the gateway again";

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// What is so now.
    pub(super) faults: Vec<String>,
    /// What was so before a gateway started again.
    pub(super) notes: Vec<String>,
}

/// Reads what is on record of it.
///
/// # Errors
/// The store failed.
pub(super) async fn find(store: &Store) -> Result<Found, StoreError> {
    let latest = |kind, limit| AuditQuery {
        kinds: vec![kind],
        latest_first: true,
        limit: Some(limit),
        ..AuditQuery::default()
    };
    let mut told = store
        .audit(&latest(AuditKind::CheckpointFailed, LOOKED_AT))
        .await?;
    // The gateway's own trail has each once.
    told.retain(|stored| stored.record.client.is_none());
    let started = store.audit(&latest(AuditKind::GatewayStart, 1)).await?;
    let started = started.first().map_or(0, |stored| stored.seq);
    let is_contradiction =
        |stored: &&StoredAuditRecord| stored.record.detail.contains_key(CONTRADICTED);
    let (now, before): (Vec<&StoredAuditRecord>, Vec<&StoredAuditRecord>) = told
        .iter()
        .filter(is_contradiction)
        .partition(|stored| stored.seq > started);
    let mut found = Found {
        faults: lines(&now, WHAT_TO_DO),
        notes: lines(
            &before,
            "a gateway has started since; what it found stays on record",
        ),
    };
    // The last word of all: whether checkpoints are made.
    if let Some(last) = told.first().filter(|stored| !is_contradiction(stored))
        && last.seq > started
        && last.record.verdict == Some(AuditVerdict::Refuse)
    {
        found.faults.push(format!(
            "{}; the log is not signed since then: see what the gateway says, and mend its signing key or its store",
            line(last)
        ));
    }
    Ok(found)
}

fn lines(found: &[&StoredAuditRecord], what_to_do: &str) -> Vec<String> {
    let mut lines: Vec<String> = found
        .iter()
        .take(TOLD)
        .map(|stored| format!("{}; {what_to_do}", line(stored)))
        .collect();
    let more = found.len().saturating_sub(TOLD);
    if more > 0 {
        lines.push(format!("{more} more such entries before these"));
    }
    lines
}

fn line(stored: &StoredAuditRecord) -> String {
    let record = &stored.record;
    let reason = record.reason.as_deref().unwrap_or("no checkpoint was made");
    neutralise(format!(
        "entry {} of the journal: a running gateway found at {}: {reason}",
        stored.seq, record.at
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ecluse_policy::Timestamp;

    use super::*;
    use crate::audit::AuditRecord;
    use crate::store::testing::on_each_engine;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    /// R3: what a running gateway found of the log is named with what to do, until one started again; then it is a note.
    #[test]
    fn what_a_gateway_found_against_the_log_is_named() {
        on_each_engine(async |store| {
            let begin = async |seconds| {
                let parts = BTreeMap::new();
                let begun = store.begin_with_settings("here", &parts, at(seconds));
                begun.await.unwrap();
            };
            let tell = async |record: AuditRecord| store.record(&[record]).await.unwrap();
            begin(1).await;
            assert_eq!(find(store).await.unwrap(), Found::default());
            let failed = |seconds| AuditRecord::new(AuditKind::CheckpointFailed, at(seconds));
            tell(failed(2).refused().reason("the key does not sign")).await;
            let found = find(store).await.unwrap();
            assert!(
                found.faults[0].contains("not signed since then"),
                "{found:?}"
            );
            tell(failed(3).permitted().reason("checkpoints are made again")).await;
            assert_eq!(find(store).await.unwrap(), Found::default());
            for seconds in 4..9 {
                let record = failed(seconds).refused().reason("the log was set back");
                tell(record.detail(CONTRADICTED, true)).await;
            }
            let found = find(store).await.unwrap();
            assert_eq!((found.faults.len(), found.notes.len()), (TOLD + 1, 0));
            assert!(
                found.faults[0].contains("the log was set back")
                    && found.faults[0].contains("journal verify --since")
                    && found.faults[TOLD].starts_with("2 more"),
                "{found:?}"
            );
            begin(10).await;
            let found = find(store).await.unwrap();
            assert_eq!((found.faults.len(), found.notes.len()), (0, TOLD + 1));
        });
    }
}
