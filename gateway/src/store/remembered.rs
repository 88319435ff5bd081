//! Second factors proven a moment ago, so that `scp` and Ansible need no code for each connection.
//!
//! Each is bound to person, key, station, source address and client: it is worth nothing elsewhere. A row alone is anybody's
//! who can write the table, so each has a seal under the store's key, made for exactly this binding: until when it is good, and
//! where the log stood when the factor was proven. What takes factors away (an enrolment, its end, a block) is an entry of the
//! log; a factor that was proven before the last such entry of its person is none, whoever puts its row back.

use std::net::IpAddr;

use ecluse_policy::{ClientId, Fingerprint, PersonId, StationId, Timestamp};

use super::sql::values;
use super::{Store, StoreError, Writing};
use crate::clock;

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

    /// What the seal is made for. No part holds a NUL.
    fn place(&self) -> String {
        let (person, key, source) = (self.person.as_str(), &self.key, self.source);
        let (station, client) = (self.station(), self.client());
        format!("{person}\0{key}\0{station}\0{source}\0{client}")
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
        let sql = "SELECT proof FROM remembered WHERE person = $1 AND person_key = $2 AND station = $3 AND source = $4 \
                   AND client = $5 AND until > $6";
        let values = values![
            binding.person.as_str(),
            binding.key.to_string(),
            binding.station(),
            binding.source,
            binding.client(),
            now
        ];
        let Some(row) = self.db().row(sql, values).await? else {
            return Ok(false);
        };
        let proof = row.bytes_or_none("proof")?.unwrap_or_default();
        let Ok(opened) = self.key().open(TABLE, &binding.place(), &proof) else {
            return Ok(false);
        };
        let Some(Sealed {
            since,
            until,
            proven,
        }) = read(&opened)
        else {
            return Ok(false);
        };
        // What is said of later than now was said by a clock that was set back since: nobody knows how long ago that was.
        let latest = now.as_micros().saturating_add_unsigned(clock::APART);
        if until <= now || since.as_micros() > latest {
            return Ok(false);
        }
        // After the row: whatever took it away is there by now.
        self.follow().await?;
        let said = self.said();
        Ok(proven <= said.read_to()
            && said.forgotten(binding.person.as_str()) <= proven
            // What is not known yet may have taken it away.
            && !said.owes_after(proven))
    }
}

const TABLE: &str = "remembered";

/// What is sealed.
struct Sealed {
    /// When it was proven.
    since: Timestamp,
    /// Until when it is good.
    until: Timestamp,
    /// After which entry of the log it was proven.
    proven: u64,
}

impl Sealed {
    fn bytes(&self) -> Vec<u8> {
        let times = [self.since, self.until];
        let times = times.iter().flat_map(|at| at.as_micros().to_be_bytes());
        times.chain(self.proven.to_be_bytes()).collect()
    }
}

/// The same, read; of a program that sealed less nothing is remembered.
fn read(opened: &[u8]) -> Option<Sealed> {
    let (since, rest) = opened.split_first_chunk::<8>()?;
    let (until, proven) = rest.split_first_chunk::<8>()?;
    Some(Sealed {
        since: Timestamp::from_micros(i64::from_be_bytes(*since)),
        until: Timestamp::from_micros(i64::from_be_bytes(*until)),
        proven: u64::from_be_bytes(proven.try_into().ok()?),
    })
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
    let end = "SELECT value FROM counters WHERE name = 'audit'";
    let end = change.tx.row(end, values![]).await?;
    let end = end.map_or(Ok(0), |row| row.count("value"))?;
    let place = binding.place();
    let sealed = Sealed {
        since: now,
        until,
        proven: end,
    };
    let proof = change.inner.key.seal(TABLE, &place, &sealed.bytes())?;
    let sql = "INSERT INTO remembered (person, person_key, station, source, client, until, proof) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (person, person_key, station, source, client) \
               DO UPDATE SET until = excluded.until, proof = excluded.proof";
    let values = values![
        binding.person.as_str(),
        binding.key.to_string(),
        binding.station(),
        binding.source,
        binding.client(),
        until,
        proof
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
