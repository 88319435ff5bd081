//! Enrolments: each person's one-time-password secret, sealed. Which codes were accepted the log has.
//!
//! A row is a confirmed enrolment: a secret enters the store together with a first right code, so an
//! interrupted enrolment leaves nothing usable (A4). When an account was last used, from which policy tells that it lies unused
//! (A8), the log says, and a row only where retention took its words.

use ecluse_policy::{AccountUse, PersonId, Timestamp};

use super::bound::{Secret, SecretRow};
use super::sql::{Row, values};
use super::{FactorBinding, Store, StoreError, Writing, bound, remembered, tables};
use crate::audit::{AuditKind, AuditRecord, CODE_STEP};
use crate::identity::totp::{self, TotpSecret};

const TABLE: &str = "enrolments";

/// What the entry of an enrolment says of what was there before, under `change`.
pub(crate) const FIRST: &str = "first";
/// The person had been enrolled, in force or not.
pub(crate) const REPLACED: &str = "replaced";

const BY_PERSON: &str = "SELECT person, secret, confirmed_at, confirmed_by, disabled_at, logged_on_at, enabled_at FROM enrolments \
                         WHERE person = $1";

const ALL: &str = "SELECT person, secret, confirmed_at, confirmed_by, disabled_at, logged_on_at, enabled_at FROM enrolments \
                   ORDER BY person";

/// A confirmed enrolment, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Whose.
    pub person: PersonId,
    /// When a first code confirmed it.
    pub confirmed_at: Timestamp,
    /// Who enrolled the person.
    pub confirmed_by: String,
    /// When it was disabled, if it was.
    pub disabled_at: Option<Timestamp>,
    /// When the account last showed a sign of life (A8).
    pub usage: AccountUse,
}

/// A secret that a first code confirmed.
#[derive(Debug, Clone, Copy)]
pub struct NewEnrolment<'n> {
    /// Whose.
    pub person: &'n PersonId,
    /// The secret.
    pub secret: &'n TotpSecret,
    /// The step of the code that confirmed it.
    pub step: u64,
    /// Who enrols the person.
    pub by: &'n str,
    /// When.
    pub at: Timestamp,
}

/// What an attempt to enrol did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Enrolled {
    /// The person is enrolled with the new secret.
    Done,
    /// The person has one already; nothing was changed.
    Already(Enrolment),
    /// By the log the person has had one, whose row is gone; nothing was changed.
    OnRecord,
}

impl Store {
    /// Enrols a person. The code that confirmed the secret is used up.
    ///
    /// An earlier enrolment, by the log or by its row, is replaced only when `replace` says so; remembered factors and counted
    /// failures of the person are forgotten with it.
    ///
    /// # Errors
    /// The store failed; nothing is changed.
    pub async fn enrol(
        &self,
        new: &NewEnrolment<'_>,
        replace: bool,
        records: &[AuditRecord],
    ) -> Result<Enrolled, StoreError> {
        let NewEnrolment {
            person,
            secret,
            step,
            by,
            at,
        } = *new;
        let sealed = self.key().seal(TABLE, person.as_str(), secret.as_bytes())?;
        let mut change = self.write().await?;
        let earlier = change.tx.row(BY_PERSON, values![person.as_str()]).await?;
        if let Some(row) = &earlier
            && !replace
        {
            return Ok(Enrolled::Already(enrolment(row)?));
        }
        change.follow().await?;
        let is_told = change.inner.said().has_had(person);
        if is_told && !replace {
            return Ok(Enrolled::OnRecord);
        }
        // Whoever reads of it later tells a newcomer from somebody whose factor another may hold now.
        let is_first = earlier.is_none() && !is_told;
        let how = if is_first { FIRST } else { REPLACED };
        let mut records = tables::with_sealed(records, AuditKind::Enrolment, &sealed);
        for record in &mut records {
            *record = record.clone().detail("change", how);
        }
        let mut told = Vec::new();
        for record in records {
            let record = record.detail(CODE_STEP, step);
            told.push(bound::telling_of_secrets(&mut change, record).await?);
        }
        let sql = "INSERT INTO enrolments (person, secret, confirmed_at, confirmed_by, told) VALUES ($1, $2, $3, $4, 1) \
                   ON CONFLICT (person) DO UPDATE SET secret = excluded.secret, confirmed_at = excluded.confirmed_at, \
                   confirmed_by = excluded.confirmed_by, disabled_at = NULL, told = 1";
        change
            .tx
            .execute(sql, values![person.as_str(), sealed, at, by])
            .await?;
        remembered::forget(&mut change, person).await?;
        change.commit(&told).await?;
        Ok(Enrolled::Done)
    }

    /// A person's enrolment.
    ///
    /// # Errors
    /// The store failed.
    pub async fn enrolment(&self, person: &PersonId) -> Result<Option<Enrolment>, StoreError> {
        let row = self.db().row(BY_PERSON, values![person.as_str()]).await?;
        Ok(self.by_log(row.as_slice()).await?.pop())
    }

    /// Whether the log tells of an enrolment of a person, in force or not, whatever row there is.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_enrolment_on_record(&self, person: &PersonId) -> Result<bool, StoreError> {
        self.follow().await?;
        Ok(self.said().has_had(person))
    }

    /// The enrolments of rows, with what the log says of them: when their accounts were used, and that one which is in force is not
    /// disabled because its row is marked so.
    async fn by_log(&self, rows: &[Row]) -> Result<Vec<Enrolment>, StoreError> {
        self.follow().await?;
        let said = self.said();
        let by_log = |row: &Row| {
            let mut found = enrolment(row)?;
            found.usage = said.usage(&found.person, &found.usage);
            let (of, sealed) = (
                Secret::Enrolment(found.person.clone()),
                row.bytes("secret")?,
            );
            if said.is_set_to(&of, &sealed)
                && said.secret_row(&of, Some(&sealed)) == SecretRow::Believed
            {
                found.disabled_at = None;
            }
            Ok(found)
        };
        rows.iter().map(by_log).collect()
    }

    /// Everybody's enrolments, by person.
    ///
    /// # Errors
    /// The store failed.
    pub async fn enrolments(&self) -> Result<Vec<Enrolment>, StoreError> {
        let rows = self.db().rows(ALL, values![]).await?;
        self.by_log(&rows).await
    }

    /// Their rows as they stand, whatever the log says.
    ///
    /// # Errors
    /// The store failed.
    pub async fn enrolment_rows(&self) -> Result<Vec<Enrolment>, StoreError> {
        self.db()
            .rows(ALL, values![])
            .await?
            .iter()
            .map(enrolment)
            .collect()
    }

    /// Disables a person's enrolment until they are enrolled again; whether there was one, by the log or by its row. Where somebody
    /// took the row out of force, or away, it is disabled on record all the same: put back, it opens nothing.
    ///
    /// # Errors
    /// The store failed; nothing is changed.
    pub async fn disable_enrolment(
        &self,
        person: &PersonId,
        at: Timestamp,
        records: &[AuditRecord],
    ) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let sql =
            "UPDATE enrolments SET disabled_at = $2 WHERE person = $1 AND disabled_at IS NULL";
        change.follow().await?;
        let is_on_record = change
            .inner
            .said()
            .is_in_force(&Secret::Enrolment(person.clone()));
        let rows = change.tx.execute(sql, values![person.as_str(), at]).await?;
        if rows == 0 && !is_on_record {
            return Ok(false);
        }
        remembered::forget(&mut change, person).await?;
        change.commit(records).await?;
        Ok(true)
    }

    /// Notes that a person logged on, and remembers their second factor until the time beside it. `step` is that of the code with
    /// which they did, and is used up with it: `false`, and nothing is noted, where it was used before.
    ///
    /// # Errors
    /// The store failed; nothing is noted.
    pub async fn log_on(
        &self,
        person: &PersonId,
        step: Option<u64>,
        remember: Option<(&FactorBinding, Timestamp)>,
        at: Timestamp,
        record: Option<AuditRecord>,
    ) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        if let Some(step) = step
            && is_used(&mut change, person, step).await?
        {
            return Ok(false);
        }
        let sql = "UPDATE enrolments SET logged_on_at = $2 WHERE person = $1";
        change.tx.execute(sql, values![person.as_str(), at]).await?;
        if let Some((binding, until)) = remember {
            remembered::keep(&mut change, binding, until, at).await?;
        }
        let record = record.map(|record| match step {
            Some(step) => record.detail(CODE_STEP, step),
            None => record,
        });
        change.commit(record.as_slice()).await?;
        Ok(true)
    }

    /// Uses up the code of `step` with the record of what it was given for: `false`, and nothing is written, where it was used
    /// before.
    ///
    /// # Errors
    /// The store failed; the code is not used up.
    pub async fn use_code(
        &self,
        person: &PersonId,
        step: u64,
        record: AuditRecord,
    ) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        if is_used(&mut change, person, step).await? {
            return Ok(false);
        }
        change.commit(&[record.detail(CODE_STEP, step)]).await?;
        Ok(true)
    }

    /// Enables an account that lay unused, by an administrator's act; whether the person is enrolled.
    ///
    /// # Errors
    /// The store failed; nothing is changed.
    pub async fn enable_account(
        &self,
        person: &PersonId,
        at: Timestamp,
        records: &[AuditRecord],
    ) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let sql = "UPDATE enrolments SET enabled_at = $2 WHERE person = $1";
        if change.tx.execute(sql, values![person.as_str(), at]).await? == 0 {
            return Ok(false);
        }
        change.commit(records).await?;
        Ok(true)
    }
}

/// A secret that opens, and the last step of it whose code was accepted.
pub(super) struct Usable {
    pub(super) secret: TotpSecret,
    pub(super) used: Option<u64>,
}

/// What there is of a person.
pub(super) enum Held {
    /// A secret that is the one on record.
    Usable(Usable),
    /// One that is not, or none where there is one on record; with the entry that says so, where there is none yet.
    Other(Option<Box<AuditRecord>>),
    /// None, or one that is disabled.
    Not,
}

/// Reads a person's usable secret within a change.
pub(super) async fn usable(
    change: &mut Writing,
    person: &PersonId,
    at: Timestamp,
) -> Result<Held, StoreError> {
    let row = change.tx.row(BY_DOOR, values![person.as_str()]).await?;
    let (sealed, is_disabled) = match &row {
        Some(row) => (
            Some(row.bytes("secret")?),
            row.time_or_none("disabled_at")?.is_some(),
        ),
        None => (None, false),
    };
    change.follow().await?;
    let of = Secret::Enrolment(person.clone());
    let said = change.inner.said();
    // Whether it is disabled is what the log says, where it tells of this very row.
    let sealed = sealed.filter(|sealed| !is_disabled || said.is_set_to(&of, sealed));
    let judged = said.secret_row(&of, sealed.as_deref());
    match judged {
        SecretRow::Believed => {}
        SecretRow::Other { .. } => {
            let fault = said.secret_fault(&of, sealed.as_deref(), at);
            return Ok(Held::Other(fault.map(Box::new)));
        }
        SecretRow::Unknown { .. } => judged.believed(&of)?,
    }
    let Some(sealed) = sealed else {
        return Ok(Held::Not);
    };
    let used = said.code_step(person.as_str(), totp::latest_step(at));
    drop(said);
    let bytes = change.inner.key.open(TABLE, person.as_str(), &sealed)?;
    let secret =
        TotpSecret::from_bytes(&bytes).map_err(|error| StoreError::malformed("secret", error))?;
    Ok(Held::Usable(Usable { secret, used }))
}

const BY_DOOR: &str = "SELECT secret, disabled_at FROM enrolments WHERE person = $1";

/// Whether the code of this step, or a later one, was accepted of a person. Within the change that uses it up, so that of two
/// logins with one code, on one node or on two, one only gets in (A6).
async fn is_used(change: &mut Writing, person: &PersonId, step: u64) -> Result<bool, StoreError> {
    change.follow().await?;
    let said = change.inner.said();
    // The step was found right: none that may have come since lies further on than the next.
    let upto = step.saturating_add(2);
    Ok(said
        .code_step(person.as_str(), upto)
        .is_some_and(|used| used >= step))
}

fn enrolment(row: &Row) -> Result<Enrolment, StoreError> {
    let confirmed_at = row.time("confirmed_at")?;
    Ok(Enrolment {
        person: row.parsed("person", PersonId::parse)?,
        confirmed_at,
        confirmed_by: row.text("confirmed_by")?,
        disabled_at: row.time_or_none("disabled_at")?,
        usage: AccountUse {
            enrolled_at: confirmed_at,
            logged_on_at: row.time_or_none("logged_on_at")?,
            enabled_at: row.time_or_none("enabled_at")?,
        },
    })
}
