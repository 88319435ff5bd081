//! Second factors proven a moment ago, so that `scp` and Ansible need no code for each connection.
//!
//! Each is bound to person, key, station, source address and client: it is worth nothing elsewhere.

use std::net::IpAddr;

use ecluse_policy::{ClientId, Fingerprint, PersonId, StationId, Timestamp};

use super::sql::values;
use super::{Store, StoreError, Writing};
use crate::audit::AuditRecord;

/// What a proven factor is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorBinding {
    /// Whose factor.
    pub person: PersonId,
    /// By which key of theirs they logged on.
    pub key: Fingerprint,
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
    /// Whether a factor is remembered for exactly this binding at `now`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn factor_remembered(
        &self,
        binding: &FactorBinding,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT until FROM remembered WHERE person = $1 AND person_key = $2 AND station = $3 AND source = $4 \
                   AND client = $5 AND until > $6";
        let values = values![
            binding.person.as_str(),
            binding.key.to_string(),
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

/// Remembers a proven factor until `until`.
pub(super) async fn keep(
    change: &mut Writing,
    binding: &FactorBinding,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    change
        .tx
        .execute("DELETE FROM remembered WHERE until <= $1", values![now])
        .await?;
    let sql = "INSERT INTO remembered (person, person_key, station, source, client, until) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (person, person_key, station, source, client) DO UPDATE SET until = excluded.until";
    let values = values![
        binding.person.as_str(),
        binding.key.to_string(),
        binding.station(),
        binding.source,
        binding.client(),
        until
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
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
