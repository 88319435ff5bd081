//! Second factors proven a moment ago, so that `scp` and Ansible need no code for each connection.
//!
//! Each is bound to person, station, source address and client: it is worth nothing elsewhere.

use std::net::IpAddr;

use ecluse_policy::{ClientId, PersonId, StationId, Timestamp};

use super::sql::values;
use super::{Store, StoreError, Writing};
use crate::audit::AuditRecord;

/// What a proven factor is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorBinding {
    /// Whose factor.
    pub person: PersonId,
    /// From which station; none for operators and auditors.
    pub station: Option<StationId>,
    /// From which address.
    pub source: IpAddr,
    /// Towards which client; none in the lobby.
    pub client: Option<ClientId>,
}

impl FactorBinding {
    fn station(&self) -> &str {
        self.station.as_ref().map_or("", StationId::as_str)
    }

    fn client(&self) -> &str {
        self.client.as_ref().map_or("", ClientId::as_str)
    }
}

impl Store {
    /// Remembers a proven factor until `until`.
    ///
    /// # Errors
    /// The store failed; nothing is remembered.
    pub async fn remember_factor(
        &self,
        binding: &FactorBinding,
        until: Timestamp,
        now: Timestamp,
        records: &[AuditRecord],
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        change
            .tx
            .execute("DELETE FROM remembered WHERE until <= $1", values![now])
            .await?;
        let sql = "INSERT INTO remembered (person, station, source, client, until) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (person, station, source, client) DO UPDATE SET until = excluded.until";
        let values = values![
            binding.person.as_str(),
            binding.station(),
            binding.source,
            binding.client(),
            until
        ];
        change.tx.execute(sql, values).await?;
        change.commit(records).await
    }

    /// Whether a factor is remembered for exactly this binding at `now`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn factor_remembered(
        &self,
        binding: &FactorBinding,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT until FROM remembered WHERE person = $1 AND station = $2 AND source = $3 AND client = $4 \
                   AND until > $5";
        let values = values![
            binding.person.as_str(),
            binding.station(),
            binding.source,
            binding.client(),
            now
        ];
        Ok(self.db().row(sql, values).await?.is_some())
    }

    /// Forgets every remembered factor of a person.
    ///
    /// # Errors
    /// The store failed; nothing is forgotten.
    pub async fn forget_factors(
        &self,
        person: &PersonId,
        records: &[AuditRecord],
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        forget(&mut change, person).await?;
        change.commit(records).await
    }
}

pub(super) async fn forget(change: &mut Writing, person: &PersonId) -> Result<(), StoreError> {
    change
        .tx
        .execute(
            "DELETE FROM remembered WHERE person = $1",
            values![person.as_str()],
        )
        .await?;
    Ok(())
}
