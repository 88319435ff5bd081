//! What waits for an operator's yes.

use ecluse_policy::ClientId;
use serde::{Deserialize, Serialize};

use super::since::{ended_since, ends_since};
use super::{Alert, Since, Told, all_of, count, text};
use crate::audit::{AuditKind, AuditRecord};
use crate::deeds::typed::Nth;
use crate::gateway::Gateway;
use crate::live::confirms::{NTH, WHAT};
use crate::store::StoreError;

/// Something that waits, or waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waits {
    /// Whose session it is.
    pub(crate) person: String,
    /// On which target.
    pub(crate) target: String,
    /// Which.
    pub(crate) nth: Nth,
    /// What.
    pub(crate) what: String,
    /// Whether it waits no more.
    pub(crate) over: bool,
}

/// What began to wait since a time, and whether it still does.
pub(super) async fn waits(
    house: &Gateway,
    client: &ClientId,
    since: Since,
) -> Result<Vec<Alert>, StoreError> {
    const WAITS: &[AuditKind] = &[AuditKind::ConfirmAsked];
    const ENDS: &[AuditKind] = &[
        AuditKind::ConfirmAnswered,
        AuditKind::SessionEnd,
        AuditKind::SessionOutlived,
    ];
    let waits = all_of(house, client, WAITS, since).await?;
    let ends = ends_since(house, client, ENDS, &waits).await?;
    let told = waits.into_iter().map(|record| {
        let over = ends.iter().any(|end| is_over(&record, end));
        let number = |key| count(&record, key).unwrap_or_default();
        let nth = Nth {
            session: number("number"),
            number: number(NTH),
        };
        Alert {
            at: record.at,
            told: Told::Waits(Waits {
                nth,
                what: text(&record, WHAT),
                person: record.person.unwrap_or_default(),
                target: record.target.map(|it| it.to_string()).unwrap_or_default(),
                over,
            }),
        }
    });
    Ok(told.collect())
}

/// Whether something waits no more since something: its session is over, or it was answered.
fn is_over(waits: &AuditRecord, since: &AuditRecord) -> bool {
    let is_of_it =
        since.kind != AuditKind::ConfirmAnswered || since.detail.get(NTH) == waits.detail.get(NTH);
    is_of_it && ended_since(waits, since)
}

#[cfg(test)]
mod tests {
    use ecluse_policy::{SessionId, Timestamp};
    use uuid::Uuid;

    use super::*;

    /// Nobody is asked to answer what was answered, or what is over.
    #[test]
    fn what_waits_is_over_with_its_own_answer_or_its_session() {
        let record = |kind, nth: u64, session| {
            AuditRecord::new(kind, Timestamp::from_micros(5))
                .session(SessionId::from_uuid(Uuid::from_u128(session)))
                .detail(NTH, nth)
        };
        let waits = record(AuditKind::ConfirmAsked, 2, 1);
        for (since, over) in [
            (record(AuditKind::ConfirmAnswered, 2, 1), true),
            (record(AuditKind::ConfirmAnswered, 1, 1), false),
            (record(AuditKind::ConfirmAnswered, 2, 2), false),
            (record(AuditKind::SessionEnd, 0, 1), true),
        ] {
            assert_eq!(is_over(&waits, &since), over, "{since:?}");
        }
    }
}
