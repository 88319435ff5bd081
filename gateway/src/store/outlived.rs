//! Sessions that went on after their end was on record: their gateway had been taken out, and lived.
//!
//! The first end stands in the log and in the row, with what was known then. That it was not the end is an entry of its own,
//! which names the contradiction: when the session ended indeed, how, and which entry said otherwise. People are shown that
//! end, and `journal verify` tells of both.

use ecluse_policy::SessionId;

use super::bound::END_REASON;
use super::sessions::with_cause;
use super::{AuditQuery, SessionEnd, Store, StoreError};
use crate::audit::{AuditKind, AuditRecord};

/// The detail of an end that a gateway did not write of a session that it carried.
pub(super) const RECOVERED: &str = "recovered";

impl Store {
    /// Puts on record how a session ended whose end was on record before, told by somebody else; once. Where its own gateway
    /// had told it, nothing is written.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub(super) async fn tell_outlived(
        &self,
        id: SessionId,
        end: &SessionEnd,
        records: &[AuditRecord],
    ) -> Result<(), StoreError> {
        let query = AuditQuery {
            session: Some(id),
            kinds: vec![AuditKind::SessionEnd, AuditKind::SessionOutlived],
            ..AuditQuery::default()
        };
        let said = self.audit(&query).await?;
        let is_told = |kind| said.iter().any(|stored| stored.record.kind == kind);
        let recovered = said.iter().find(|stored| {
            let detail = &stored.record.detail;
            stored.record.kind == AuditKind::SessionEnd && detail.contains_key(RECOVERED)
        });
        let Some(stored) = recovered.filter(|_| !is_told(AuditKind::SessionOutlived)) else {
            return Ok(());
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
                        "this session was ended on record while it went on: its gateway had been taken out; it ended at {}: {}",
                        end.at, end.reason
                    ))
                    .detail("end-entry", stored.seq)
                    .detail(END_REASON, end.reason.as_str());
                record = with_cause(record, end.because.as_ref());
                for (key, of) in [("number", "number"), ("on-record-as-ended-at", "ended-at")] {
                    if let Some(value) = stored.record.detail.get(of) {
                        record = record.detail(key, value.clone());
                    }
                }
                record
            })
            .collect();
        tracing::error!(session = %id, "a session went on after its end was on record: its gateway had been taken out while it lived");
        self.record(&told).await
    }
}
