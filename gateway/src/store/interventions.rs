//! Interventions: the value that policy makes, kept with its number and found by client, person and state.
//!
//! A transition is policy's and pure; here it meets the latest value within one change, so that two
//! operators who answer at once, or an answer and an expiry, follow one another and neither is lost.

use ecluse_policy::intervention::{Intervention, LATELY, State, Waiting};
use ecluse_policy::{ClientId, InterventionId, InterventionNumber, PersonId, Timestamp};

use super::bound::{self, InterventionFault, select};
use super::sql::{Conditions, values};
use super::{Store, StoreError, Writing, new_id};
use crate::audit::AuditRecord;
use crate::settings::InterventionSettings;

/// Which interventions to list. Everything left out lets everything through.
#[derive(Debug, Clone, Default)]
pub struct InterventionQuery {
    /// Only on this client's targets.
    pub client: Option<ClientId>,
    /// Only of this person.
    pub person: Option<PersonId>,
    /// Only in these states; empty stands for all of them.
    pub states: Vec<StateName>,
    /// Only of a lower number: to read on.
    pub before: Option<InterventionNumber>,
    /// At most so many; without it a thousand.
    pub limit: Option<u32>,
}

/// The name of a state, without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateName {
    /// It waits for the client.
    Requested,
    /// The client said yes; it was not used yet.
    Approved,
    /// The client said no.
    Refused,
    /// Nobody answered, or nobody came, in time.
    Expired,
    /// It is in use.
    Open,
    /// It is over.
    Closed,
    /// The technician withdrew it.
    Cancelled,
}

impl StateName {
    /// The states in which something may still happen.
    pub const LIVE: [Self; 3] = [Self::Requested, Self::Approved, Self::Open];

    /// The states after which nothing more happens.
    pub const FINAL: [Self; 4] = [Self::Refused, Self::Expired, Self::Closed, Self::Cancelled];

    /// The name of a state.
    pub fn of(state: &State) -> Self {
        match state {
            State::Requested => Self::Requested,
            State::Approved { .. } => Self::Approved,
            State::Refused { .. } => Self::Refused,
            State::Expired { .. } => Self::Expired,
            State::Open { .. } => Self::Open,
            State::Closed { .. } => Self::Closed,
            State::Cancelled { .. } => Self::Cancelled,
        }
    }

    /// The word for it, as policy and the store write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why an intervention was not made or changed: the store's doing, or policy's.
#[derive(Debug, thiserror::Error)]
pub enum InterventionError<R> {
    /// Policy refused.
    #[error("{0}")]
    Refused(R),
    /// There is none of that id.
    #[error("there is no such intervention")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a transition makes: the next value, and the records that tell of it.
pub type Next = (Intervention, Vec<AuditRecord>);

impl Store {
    /// Makes an intervention. `make` is given its id, its number and how many are waiting, and answers
    /// with the value and its records, or refuses; nothing else happens in between. `limits` are handed on
    /// to policy with the counts.
    ///
    /// # Errors
    /// Policy refused, and then no number is used; or the store failed.
    pub async fn insert_intervention<R>(
        &self,
        person: &PersonId,
        at: Timestamp,
        limits: &InterventionSettings,
        make: impl FnOnce(InterventionId, InterventionNumber, Waiting) -> Result<Next, R>,
    ) -> Result<Intervention, InterventionError<R>> {
        let mut change = self.write().await?;
        let waiting = waiting(&mut change, person, at, limits).await?;
        let number = InterventionNumber(change.next("intervention").await?);
        let id = InterventionId::from_uuid(new_id(at)?);
        let (intervention, records) =
            make(id, number, waiting).map_err(InterventionError::Refused)?;
        let request = intervention.request();
        let body = body(&intervention)?;
        let (salt, digest) = bound::bound(&body)?;
        let sql = "INSERT INTO interventions (id, number, revision, client, person, provider, state, requested_at, \
                   salt, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let values = values![
            request.id.as_uuid(),
            request.number.0,
            intervention.revision(),
            request.client.as_str(),
            request.person.as_str(),
            request.provider.as_str(),
            intervention.state().name(),
            request.requested_at,
            salt,
            body,
        ];
        change.tx.execute(sql, values).await?;
        let records = bound::digest_of(id, &digest, &records);
        change.commit(&records).await?;
        Ok(intervention)
    }

    /// Changes an intervention: `transition` is given the latest value and answers with the next one and
    /// its records, or refuses. A next value equal to the latest, without records, writes nothing.
    ///
    /// # Errors
    /// Policy refused, there is none of that id, or the store failed; nothing is changed.
    pub async fn change_intervention<R>(
        &self,
        id: InterventionId,
        transition: impl FnOnce(&Intervention) -> Result<Next, R>,
    ) -> Result<Intervention, InterventionError<R>> {
        let mut change = self.write().await?;
        let latest = bound::judged_in(&mut change, id)
            .await?
            .ok_or(InterventionError::Unknown)?;
        let (next, records) = transition(&latest).map_err(InterventionError::Refused)?;
        if next == latest && records.is_empty() {
            return Ok(next);
        }
        let Some(digest) = replace(&mut change, latest.revision(), &next).await? else {
            return Err(StoreError::Revision {
                number: latest.number().0,
            }
            .into());
        };
        let records = bound::digest_of(id, &digest, &records);
        change.commit(&records).await?;
        Ok(next)
    }

    /// Puts `next` in the place of revision `expected`: `false`, with nothing written, when another came
    /// first. For those who decided on a value they read earlier.
    ///
    /// # Errors
    /// The store failed; nothing is changed.
    pub async fn replace_intervention(
        &self,
        expected: u64,
        next: &Intervention,
        records: &[AuditRecord],
    ) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        // What the log contradicts is never gone on from: the step would vouch for it.
        let latest = bound::judged_in(&mut change, next.id()).await?;
        if latest.is_none_or(|latest| latest.is_contradicted()) {
            return Ok(false);
        }
        let Some(digest) = replace(&mut change, expected, next).await? else {
            return Ok(false);
        };
        let records = bound::digest_of(next.id(), &digest, records);
        change.commit(&records).await?;
        Ok(true)
    }

    /// The intervention of an id, marked where the log contradicts it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn intervention(
        &self,
        id: InterventionId,
    ) -> Result<Option<Intervention>, StoreError> {
        let sql = select!(" WHERE id = $1");
        let rows = self.db().rows(sql, values![id.as_uuid()]).await?;
        let judged = self.judged(&rows).await?.pop();
        Ok(judged.and_then(|judged| judged.intervention))
    }

    /// The intervention of a number, marked where the log contradicts it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn intervention_numbered(
        &self,
        number: InterventionNumber,
    ) -> Result<Option<Intervention>, StoreError> {
        let sql = select!(" WHERE number = $1");
        let rows = self.db().rows(sql, values![number.0]).await?;
        let judged = self.judged(&rows).await?.pop();
        Ok(judged.and_then(|judged| judged.intervention))
    }

    /// Lists interventions, the latest first; those that the log contradicts are marked.
    ///
    /// # Errors
    /// The store failed.
    pub async fn interventions(
        &self,
        query: &InterventionQuery,
    ) -> Result<Vec<Intervention>, StoreError> {
        Ok(self.interventions_and_faults(query).await?.0)
    }

    /// The same, and what there is to tell of those that the log contradicts or that do not read.
    ///
    /// # Errors
    /// The store failed.
    pub async fn interventions_and_faults(
        &self,
        query: &InterventionQuery,
    ) -> Result<(Vec<Intervention>, Vec<InterventionFault>), StoreError> {
        let mut conditions = Conditions::default();
        conditions
            .and_if("client = ?", query.client.as_ref().map(ClientId::as_str))
            .and_if("person = ?", query.person.as_ref().map(PersonId::as_str))
            .and_if("number < ?", query.before.map(|number| number.0));
        if !query.states.is_empty() {
            conditions.and_in("state", query.states.iter().map(|state| state.as_str()));
        }
        let limit = query.limit.unwrap_or(1000);
        let (sql, values) =
            conditions.statement(select!(""), &format!("ORDER BY number DESC LIMIT {limit}"));
        let rows = self.db().rows(sql, values).await?;
        let (mut found, mut faults) = (Vec::new(), Vec::new());
        for judged in self.judged(&rows).await? {
            found.extend(judged.intervention);
            faults.extend(judged.fault);
        }
        Ok((found, faults))
    }
}

/// The digest of the new body; none, with nothing written, when another came first.
async fn replace(
    change: &mut Writing,
    expected: u64,
    next: &Intervention,
) -> Result<Option<String>, StoreError> {
    let body = body(next)?;
    let (salt, digest) = bound::bound(&body)?;
    // The request never changes: its columns stay.
    let sql = "UPDATE interventions SET revision = $3, state = $4, salt = $5, body = $6 \
               WHERE id = $1 AND revision = $2 AND $3 > $2";
    let values = values![
        next.id().as_uuid(),
        expected,
        next.revision(),
        next.state().name(),
        salt,
        body
    ];
    let changed = change.tx.execute(sql, values).await? == 1;
    Ok(changed.then_some(digest))
}

async fn waiting(
    change: &mut Writing,
    person: &PersonId,
    at: Timestamp,
    limits: &InterventionSettings,
) -> Result<Waiting, StoreError> {
    let lately = lately(change, person, at, limits.requests_per_hour).await?;
    let sql = "SELECT COUNT(*) AS in_all, COUNT(CASE WHEN person = $1 THEN 1 END) AS of_person \
               FROM interventions WHERE state = 'requested'";
    let row = change
        .tx
        .row(sql, values![person.as_str()])
        .await?
        .ok_or(StoreError::Null { column: "in_all" })?;
    Ok(Waiting {
        of_person: row.count("of_person")?,
        in_all: row.count("in_all")?,
        most_of_person: limits.waiting_per_person.into(),
        most_in_all: limits.waiting_in_all.into(),
        of_person_lately: u64::try_from(lately.len()).unwrap_or(u64::MAX),
        most_lately: limits.requests_per_hour.into(),
        first_lately: lately.last().copied(),
        answer_within: limits.pending_expires,
    })
}

/// When this person made requests within the hour before `at`, the latest first, and no more than `most`.
async fn lately(
    change: &mut Writing,
    person: &PersonId,
    at: Timestamp,
    most: u32,
) -> Result<Vec<Timestamp>, StoreError> {
    // By number, which the index has: it rises as time does.
    let sql = "SELECT requested_at FROM interventions WHERE person = $1 AND requested_at > $2 \
               ORDER BY number DESC LIMIT $3";
    let values = values![person.as_str(), at.minus(LATELY), u64::from(most)];
    change
        .tx
        .rows(sql, values)
        .await?
        .iter()
        .map(|row| row.time("requested_at"))
        .collect()
}

fn body(intervention: &Intervention) -> Result<String, StoreError> {
    serde_json::to_string(intervention).map_err(|error| StoreError::malformed("body", error))
}
