//! Sessions that wait for somebody who accompanies them (I4).

use ecluse_policy::ClientId;

use super::since::{ended_since, ends_since};
use super::{Alert, Since, Told, all_of, count, text};
use crate::audit::{AuditKind, AuditRecord};
use crate::gateway::Gateway;
use crate::live::presence::ALONE;
use crate::store::StoreError;

/// The sessions that began to wait since a time, and whether they still do.
pub(super) async fn alone(
    house: &Gateway,
    client: &ClientId,
    since: Since,
) -> Result<Vec<Alert>, StoreError> {
    const WAITS: &[AuditKind] = &[AuditKind::Unaccompanied];
    const ENDS: &[AuditKind] = &[
        AuditKind::Accompanied,
        AuditKind::SessionEnd,
        AuditKind::SessionOutlived,
    ];
    let mut waits = all_of(house, client, WAITS, since).await?;
    let is_alone = |record: &AuditRecord| record.detail.get(ALONE).and_then(|it| it.as_bool());
    waits.retain(|record| is_alone(record) == Some(true));
    let ends = ends_since(house, client, ENDS, &waits).await?;
    let told = waits.into_iter().map(|record| {
        let over = ends.iter().any(|end| ended_since(&record, end));
        Alert {
            at: record.at,
            told: Told::Alone {
                person: text(&record, "technician"),
                session: count(&record, "number").unwrap_or_default(),
                target: record.target,
                over,
            },
        }
    });
    Ok(told.collect())
}
