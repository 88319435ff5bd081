//! Sessions that went on after their end was on record: their gateway had been taken out, and lived, or somebody else wrote
//! an end of it.
//!
//! The first end stands in the log and in the row, with what was known then. That it was not the end is an entry of its own,
//! which names the contradiction: when the session ended indeed, how, and which entry said otherwise. People are shown that
//! end, and `journal verify` tells of both.

use ecluse_policy::SessionId;

use super::bound::END_REASON;
use super::sessions::with_cause;
use super::{SessionEnd, Store, StoreError};
use crate::audit::{AuditKind, AuditRecord};

/// The detail of an end that a gateway did not write of a session that it carried.
pub(super) const RECOVERED: &str = "recovered";

impl Store {
    /// Puts on record how a session ended whose end was on record before, told by somebody else; once. This process has
    /// not written that end itself.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub(super) async fn tell_outlived(
        &self,
        id: SessionId,
        end: &SessionEnd,
        records: &[AuditRecord],
    ) -> Result<(), StoreError> {
        // The lines themselves: the index could hide one.
        let said = self.entries_of(id).await?;
        let of = |kind: AuditKind| said.iter().find(|entry| entry.kind == kind.name());
        let Some(stored) = of(AuditKind::SessionEnd) else {
            return Ok(());
        };
        if of(AuditKind::SessionOutlived).is_some() {
            return Ok(());
        }
        let why = if stored.detail.contains_key(RECOVERED) {
            "its gateway had been taken out"
        } else {
            "its gateway did not write that end"
        };
        let told: Vec<AuditRecord> = records
            .iter()
            .map(|record| {
                let record = record.clone();
                if record.kind != AuditKind::SessionEnd {
                    return record;
                }
                let mut record = record
                    .kind(AuditKind::SessionOutlived)
                    .reason(format!(
                        "this session was ended on record while it went on: {why}; it ended at {}: {}",
                        end.at, end.reason
                    ))
                    .detail("end-entry", stored.seq)
                    .detail(END_REASON, end.reason.as_str());
                record = with_cause(record, end.because.as_ref());
                for (key, of) in [("number", "number"), ("on-record-as-ended-at", "ended-at")] {
                    if let Some(value) = stored.detail.get(of) {
                        record = record.detail(key, value.clone());
                    }
                }
                record
            })
            .collect();
        tracing::error!(session = %id, "a session went on after its end was on record: {why}");
        self.record(&told).await
    }
}
