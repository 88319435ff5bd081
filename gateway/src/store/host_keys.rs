//! Targets that showed another host key than their document names (C3): kept for the client to see.

use ecluse_policy::{ClientId, TargetId, Timestamp};

use super::sql::values;
use super::{Store, StoreError, new_id};
use crate::audit::AuditRecord;

/// One such meeting. Fingerprints as `SHA256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKeyAlert {
    /// When.
    pub at: Timestamp,
    /// Whose target.
    pub client: ClientId,
    /// Which target.
    pub target: TargetId,
    /// The keys its document names.
    pub expected: String,
    /// The key it showed.
    pub got: String,
}

impl Store {
    /// Keeps an alert.
    ///
    /// # Errors
    /// The store failed; nothing is kept.
    pub async fn alert_host_key(
        &self,
        alert: &HostKeyAlert,
        records: &[AuditRecord],
    ) -> Result<(), StoreError> {
        let HostKeyAlert {
            at,
            client,
            target,
            expected,
            got,
        } = alert;
        let mut change = self.write().await?;
        let sql = "INSERT INTO host_key_alerts (id, at, client, target, expected, got) VALUES ($1, $2, $3, $4, $5, $6)";
        let values = values![
            new_id(*at)?,
            *at,
            client.as_str(),
            target.as_str(),
            expected,
            got
        ];
        change.tx.execute(sql, values).await?;
        change.commit(records).await
    }

    /// The alerts of a client since a time, the latest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn host_key_alerts(
        &self,
        client: &ClientId,
        since: Timestamp,
    ) -> Result<Vec<HostKeyAlert>, StoreError> {
        let sql = "SELECT at, client, target, expected, got FROM host_key_alerts WHERE client = $1 AND at >= $2 \
                   ORDER BY at DESC, id DESC LIMIT 1000";
        let rows = self.db().rows(sql, values![client.as_str(), since]).await?;
        rows.iter()
            .map(|row| {
                Ok(HostKeyAlert {
                    at: row.time("at")?,
                    client: row.parsed("client", ClientId::parse)?,
                    target: row.parsed("target", TargetId::parse)?,
                    expected: row.text("expected")?,
                    got: row.text("got")?,
                })
            })
            .collect()
    }
}
