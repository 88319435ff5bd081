//! Keys that targets showed and that are not theirs.

use std::collections::BTreeSet;

use ecluse_policy::ClientId;

use super::since::Since;
use super::{Alert, Told};
use crate::gateway::Gateway;
use crate::store::StoreError;

/// Unexpected host keys since a time: each key of each target once, the latest meeting of it.
pub(super) async fn host_keys(
    house: &Gateway,
    client: &ClientId,
    since: Since,
) -> Result<Vec<Alert>, StoreError> {
    let since = since.beside_the_log();
    let mut told = BTreeSet::new();
    let mut alerts = Vec::new();
    for alert in house.store.host_key_alerts(client, since).await? {
        if told.insert((alert.target.clone(), alert.got.clone())) {
            alerts.push(Alert {
                at: alert.at,
                told: Told::HostKey {
                    target: alert.target,
                    got: alert.got,
                    pinned: alert.expected,
                },
            });
        }
    }
    Ok(alerts)
}
