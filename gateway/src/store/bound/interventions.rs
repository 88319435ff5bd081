//! Interventions against the log: a row whose body, columns or approvals are not what the last entry about it says is
//! handed on as contradicted, and policy lets nobody pass by it.

use std::collections::HashSet;
use std::fmt;

use ecluse_policy::intervention::State;
use ecluse_policy::{ClientId, Intervention, InterventionId, InterventionNumber, Timestamp};
use ecluse_recordings::bound as keys;
use uuid::Uuid;

use super::super::sql::{Row, values};
use super::super::{Store, StoreError, Writing};
use super::said::{Latest, Said};
use super::subject;
use crate::audit::{AuditKind, AuditRecord};

/// Columns of a row that is compared with the log.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, number, revision, client, person, provider, state, requested_at, salt, body \
             FROM interventions",
            $rest
        )
    };
}
pub(in crate::store) use select;

/// An intervention in the store that the log contradicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterventionFault {
    /// Which row.
    pub id: InterventionId,
    /// Its number, as the row has it.
    pub number: u64,
    /// Whose, as the row has it.
    pub client: Option<ClientId>,
    /// Whether the log has no word about it at all.
    pub unknown: bool,
    /// The digest of what was found.
    found: String,
}

/// What is found where a row was.
const NOTHING: &str = "nothing";

/// An intervention that the log tells of and the store does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterventionGone {
    /// Which.
    pub id: InterventionId,
    /// Its number.
    pub number: Option<u64>,
    /// Whose.
    pub client: Option<ClientId>,
    /// Whether it went under retention: then the entry that asks for it lost its words with it.
    pub was_removed: bool,
}

impl fmt::Display for InterventionGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.as_uuid();
        match self.number {
            Some(number) => write!(f, "intervention #{number} ({id})")?,
            None => write!(f, "intervention {id}")?,
        }
        f.write_str(": the log tells of it, and the store does not have it")
    }
}

impl fmt::Display for InterventionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number;
        if self.unknown {
            write!(
                f,
                "intervention #{number}: no entry tells of it; it was put into the store by hand"
            )
        } else {
            write!(
                f,
                "intervention #{number}: the store holds another one than the log tells of"
            )
        }
    }
}

/// What came of comparing one row.
#[derive(Debug)]
pub(in crate::store) struct Judged {
    /// As the row has it, and marked where the log says something else; none where it does not read.
    pub(in crate::store) intervention: Option<Intervention>,
    /// What there is to tell.
    pub(in crate::store) fault: Option<InterventionFault>,
}

/// The digest that goes into an entry, and the salt that stays beside the body.
pub(in crate::store) fn bound(body: &str) -> Result<(String, String), StoreError> {
    let salt = super::new_salt()?;
    let digest = keys::digest(&salt, body.as_bytes());
    Ok((salt, digest))
}

/// The same records, each about this intervention and with the digest of its body.
pub(in crate::store) fn digest_of(
    id: InterventionId,
    digest: &str,
    records: &[AuditRecord],
) -> Vec<AuditRecord> {
    let records = records.iter().cloned();
    records
        .map(|mut record| {
            record.intervention.get_or_insert(id);
            record.detail(keys::INTERVENTION, digest)
        })
        .collect()
}

/// The intervention of an id as a change sees it; none where there is none that reads.
pub(in crate::store) async fn judged_in(
    change: &mut Writing,
    id: InterventionId,
) -> Result<Option<Intervention>, StoreError> {
    change.follow().await?;
    let sql = select!(" WHERE id = $1");
    let row = change.tx.row(sql, values![id.as_uuid()]).await?;
    let Some(row) = row else { return Ok(None) };
    let judged = judge(&row, &change.said())?;
    Ok(judged.intervention)
}

fn judge(row: &Row, said: &Said) -> Result<Judged, StoreError> {
    let id = row.id("id")?;
    let (salt, body) = (row.text_or_none("salt")?, row.text("body")?);
    let digest = keys::digest(salt.as_deref().unwrap_or_default(), body.as_bytes());
    let latest = said.intervention(id);
    let intervention: Option<Intervention> = serde_json::from_str(&body).ok();
    let last = latest.map_or(0, |latest| latest.seq);
    let columns = match &intervention {
        Some(intervention) => salt.is_some() && columns_agree(row, intervention)?,
        None => false,
    };
    let is_last = latest.is_some_and(|latest| latest.digest == digest);
    let approved = latest.zip(intervention.as_ref());
    let approved = approved.is_some_and(|(latest, it)| approvals_are_on_record(it, latest));
    if columns && is_last && approved {
        // What is newer and not known yet may have ended it.
        let intervention = intervention.map(|it| match it.state() {
            State::Requested | State::Approved { .. } | State::Open { .. }
                if said.owes_after(last) =>
            {
                it.unconfirmed()
            }
            State::Requested
            | State::Approved { .. }
            | State::Open { .. }
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => it,
        });
        return Ok(Judged {
            intervention,
            fault: None,
        });
    }
    // What is not known yet may be the last word, or an approval before it.
    if columns && said.owes_after(if is_last { 0 } else { last }) {
        return Ok(Judged {
            intervention: intervention.map(Intervention::unknown),
            fault: None,
        });
    }
    let number = row.int("number")?;
    Ok(Judged {
        intervention: intervention.map(Intervention::contradicted),
        fault: Some(InterventionFault {
            id: InterventionId::from_uuid(id),
            number: u64::try_from(number).unwrap_or(0),
            client: ClientId::parse(&row.text("client")?).ok(),
            unknown: latest.is_none(),
            found: digest,
        }),
    })
}

/// Each yes of an intervention that is granted has its own entry.
fn approvals_are_on_record(intervention: &Intervention, latest: &Latest) -> bool {
    if intervention.granted().is_none() || latest.found {
        return true;
    }
    intervention.approvals().iter().all(|approval| {
        let (by, at) = (approval.operator.as_str(), approval.at.as_micros());
        let mut said = latest.approvals.values();
        said.any(|(who, when)| who == by && *when == at)
    })
}

/// The columns exist to find the body: one that says something else would show it in another place.
fn columns_agree(row: &Row, intervention: &Intervention) -> Result<bool, StoreError> {
    let request = intervention.request();
    Ok(row.id("id")? == request.id.as_uuid()
        && row.count("number").ok() == Some(request.number.0)
        && row.count("revision").ok() == Some(intervention.revision())
        && row.text("client")? == request.client.as_str()
        && row.text("person")? == request.person.as_str()
        && row.text("provider")? == request.provider.as_str()
        && row.text("state")? == intervention.state().name()
        && row.time("requested_at")? == request.requested_at)
}

impl Store {
    /// Compares rows that were read with the log.
    pub(in crate::store) async fn judged(&self, rows: &[Row]) -> Result<Vec<Judged>, StoreError> {
        // After the rows: what the log says of them is there by now, and often more.
        self.follow().await?;
        let mut all = Vec::new();
        for row in rows {
            let judged = judge(row, &self.said())?;
            if judged.fault.is_none() {
                let id = InterventionId::from_uuid(row.id("id")?);
                if judged
                    .intervention
                    .as_ref()
                    .is_some_and(|it| !it.is_contradicted())
                {
                    self.said().is_right(|| subject(id));
                }
                all.push(judged);
            } else {
                let id = InterventionId::from_uuid(row.id("id")?);
                all.extend(self.looked_at_again(id).await?);
            }
        }
        Ok(all)
    }

    /// Judges a row between two looks at the log that have the same last word about it: a step that was taken meanwhile
    /// accuses nobody.
    async fn looked_at_again(&self, id: InterventionId) -> Result<Option<Judged>, StoreError> {
        loop {
            self.follow().await?;
            let last = |said: &Said| said.intervention(id.as_uuid()).map(|latest| latest.seq);
            let before = last(&self.said());
            let sql = select!(" WHERE id = $1");
            let row = self.db().row(sql, values![id.as_uuid()]).await?;
            let Some(row) = row else { return Ok(None) };
            self.follow().await?;
            let judged = judge(&row, &self.said())?;
            if judged.fault.is_none() || last(&self.said()) == before {
                return Ok(Some(judged));
            }
        }
    }

    /// Every row that the log contradicts, whatever its state.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contradicted_interventions(&self) -> Result<Vec<InterventionFault>, StoreError> {
        const PAGE: usize = 1000;
        let mut faults = Vec::new();
        let mut after = i64::MIN;
        loop {
            let sql = select!(" WHERE number > $1 ORDER BY number LIMIT 1000");
            let rows = self.db().rows(sql, values![after]).await?;
            let Some(last) = rows.last() else {
                return Ok(faults);
            };
            after = last.int("number")?;
            let judged = self.judged(&rows).await?;
            faults.extend(judged.into_iter().filter_map(|judged| judged.fault));
            if rows.len() < PAGE {
                return Ok(faults);
            }
        }
    }

    /// The intervention that the log has under a number and that the store has, and whose the log says it is; without one,
    /// the row of that number, as far as it reads.
    ///
    /// # Errors
    /// The store failed.
    pub async fn intervention_on_record(
        &self,
        number: u64,
    ) -> Result<Option<(InterventionId, ClientId)>, StoreError> {
        self.follow().await?;
        let mut known = self.said().known().into_iter();
        let said = known.find(|(_, latest)| latest.number() == Some(number));
        if let Some((id, latest)) = said {
            let client = latest
                .client
                .and_then(|client| ClientId::parse(&client).ok());
            let is_there = self
                .intervention_text(InterventionId::from_uuid(id))
                .await?;
            return Ok(client
                .filter(|_| is_there.is_some())
                .map(|client| (InterventionId::from_uuid(id), client)));
        }
        let found = self
            .intervention_numbered(InterventionNumber(number))
            .await?;
        Ok(found.map(|found| (found.id(), found.request().client.clone())))
    }

    /// The interventions of a client, as the log has it, that the store has otherwise.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contradicted_of(
        &self,
        client: &ClientId,
    ) -> Result<Vec<InterventionId>, StoreError> {
        let altered = self.contradicted_interventions().await?;
        let said = self.said();
        let theirs = altered.into_iter().map(|fault| fault.id).filter(|id| {
            let latest = said.intervention(id.as_uuid());
            latest.is_some_and(|latest| latest.client.as_deref() == Some(client.as_str()))
        });
        Ok(theirs.collect())
    }

    /// Number, text and salt of an intervention, as the row has them and the log hashed them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn intervention_text(
        &self,
        id: InterventionId,
    ) -> Result<Option<(u64, String, Option<String>)>, StoreError> {
        let sql = "SELECT number, body, salt FROM interventions WHERE id = $1";
        let row = self.db().row(sql, values![id.as_uuid()]).await?;
        row.map(|row| {
            Ok((
                row.count("number")?,
                row.text("body")?,
                row.text_or_none("salt")?,
            ))
        })
        .transpose()
    }

    /// The place of the last entry that tells of a step of an intervention.
    ///
    /// # Errors
    /// The store failed.
    pub async fn last_step(&self, id: InterventionId) -> Result<Option<u64>, StoreError> {
        self.follow().await?;
        let said = self.said();
        Ok(said.intervention(id.as_uuid()).map(|latest| latest.seq))
    }

    /// The interventions that the log tells of and that are not there.
    ///
    /// # Errors
    /// The store failed.
    pub async fn interventions_gone(&self) -> Result<Vec<InterventionGone>, StoreError> {
        self.follow().await?;
        let known = self.said().known();
        let sql = "SELECT id FROM interventions";
        let rows = self.db().rows(sql, values![]).await?;
        let there: Result<HashSet<Uuid>, _> = rows.iter().map(|row| row.id("id")).collect();
        let there = there?;
        let gone = known.into_iter().filter(|(id, _)| !there.contains(id));
        Ok(gone
            .map(|(id, latest)| InterventionGone {
                id: InterventionId::from_uuid(id),
                number: latest.number(),
                client: latest.client.and_then(|id| ClientId::parse(&id).ok()),
                was_removed: !latest.is_asked_for,
            })
            .collect())
    }

    /// Puts on record that an intervention is not there, once.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn tell_intervention_gone(
        &self,
        gone: &InterventionGone,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let subject = subject(gone.id);
        if self.said().is_told(&subject, NOTHING) {
            return Ok(());
        }
        let mut change = self.write().await?;
        change.follow().await?;
        let sql = "SELECT id FROM interventions WHERE id = $1";
        let row = change.tx.row(sql, values![gone.id.as_uuid()]).await?;
        // Another node may have been first.
        if row.is_some() || change.said().is_told(&subject, NOTHING) {
            return Ok(());
        }
        let mut record = AuditRecord::new(AuditKind::NotOnRecord, at)
            .intervention(gone.id)
            .refused()
            .reason("the log tells of this intervention, and the store does not have it any more")
            .detail(keys::CONTRADICTED, NOTHING);
        if let Some(number) = gone.number {
            record = record.detail("number", number);
        }
        record.client.clone_from(&gone.client);
        change.commit(&[record]).await
    }

    /// Puts a contradiction on record, once for what was found.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn tell_intervention_fault(
        &self,
        fault: &InterventionFault,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let subject = subject(fault.id);
        if self.said().is_told(&subject, &fault.found) {
            return Ok(());
        }
        let mut change = self.write().await?;
        change.follow().await?;
        // Another node may have been first, and a step may have been taken since.
        let sql = select!(" WHERE id = $1");
        let row = change.tx.row(sql, values![fault.id.as_uuid()]).await?;
        let Some(row) = row else { return Ok(()) };
        let still = judge(&row, &change.said())?.fault;
        if still.as_ref() != Some(fault) || change.said().is_told(&subject, &fault.found) {
            return Ok(());
        }
        let why = if fault.unknown {
            "no entry tells of this intervention: it was put into the store by hand, and admits nobody"
        } else {
            "the store holds another intervention than the log tells of: it admits nobody"
        };
        let mut record = AuditRecord::new(AuditKind::NotOnRecord, at)
            .intervention(fault.id)
            .refused()
            .reason(why)
            .detail("number", fault.number)
            .detail(keys::CONTRADICTED, fault.found.as_str());
        record.client.clone_from(&fault.client);
        change.commit(&[record]).await
    }
}
