//! Sessions that wait for somebody who accompanies them (I4).

use ecluse_policy::ClientId;

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
    const COMES: &[AuditKind] = &[AuditKind::Accompanied];
    const ENDS: &[AuditKind] = &[AuditKind::SessionEnd, AuditKind::SessionOutlived];
    let mut waits = all_of(house, client, WAITS, since).await?;
    let is_alone = |record: &AuditRecord| record.detail.get(ALONE).and_then(|it| it.as_bool());
    waits.retain(|record| is_alone(record) == Some(true));
    let Some(first) = waits.first() else {
        return Ok(Vec::new());
    };
    // Apart: what people are told of is found by the entries themselves.
    let mut over = all_of(house, client, COMES, Since::Time(first.at)).await?;
    over.extend(all_of(house, client, ENDS, Since::Time(first.at)).await?);
    let told = waits.into_iter().map(|record| {
        let is_over = |one: &AuditRecord| one.session == record.session && one.at >= record.at;
        let over = over.iter().any(is_over);
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
