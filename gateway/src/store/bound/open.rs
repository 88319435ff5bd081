//! The sessions that are open by the log, and what the table has of them. Neither a column of the table nor one of the
//! index hides any of them.

use std::collections::BTreeSet;

use ecluse_policy::{ClientId, PersonId, SessionId, TargetId};
use uuid::Uuid;

use super::super::sessions::{COLUMNS, conditions};
use super::super::sql::Conditions;
use super::super::{Session, SessionQuery, Store, StoreError};
use super::said::OpenSession;
use super::{SessionFault, read_all};

/// Rows that are read in one statement.
const PAGE: usize = 500;

fn is_asked_for(query: &SessionQuery, open: &OpenSession) -> bool {
    // Without `..`: whatever can be asked for is compared.
    let SessionQuery {
        number,
        client,
        person,
        target,
        intervention,
        from,
        until,
        before,
        live: _,
        unended: _,
        limit: _,
    } = query;
    let of_client = client.as_ref().map(ClientId::as_str);
    let of_person = person.as_ref().map(PersonId::as_str);
    let of_target = target.as_ref().map(TargetId::as_str);
    let of_intervention = intervention.map(|id| id.as_uuid().to_string());
    number.is_none_or(|number| open.number == number)
        && of_client.is_none_or(|id| open.client.as_deref() == Some(id))
        && of_person.is_none_or(|id| open.person.as_deref() == Some(id))
        && of_target.is_none_or(|id| open.target.as_deref() == Some(id))
        && of_intervention.is_none_or(|id| open.intervention.as_ref() == Some(&id))
        && from.is_none_or(|from| open.at >= from.as_micros())
        && until.is_none_or(|until| open.at < until.as_micros())
        && before.is_none_or(|before| open.number < before)
}

impl Store {
    /// The sessions that the log has as open and that are asked for, the latest first.
    async fn open_by_log(&self, query: &SessionQuery) -> Result<Vec<Uuid>, StoreError> {
        self.follow().await?;
        let said = self.said();
        let mut open: Vec<(u64, Uuid)> = said
            .open()
            .filter(|(_, open)| is_asked_for(query, open))
            .map(|(id, open)| (open.number, id))
            .collect();
        drop(said);
        open.sort_unstable();
        let limit = usize::try_from(query.limit.unwrap_or(1000)).unwrap_or(usize::MAX);
        Ok(open
            .into_iter()
            .rev()
            .take(limit)
            .map(|(_, id)| id)
            .collect())
    }

    /// The rows of the sessions whose end is not on record, whatever the rows say.
    pub(in crate::store) async fn unended_sessions(
        &self,
        query: &SessionQuery,
    ) -> Result<Vec<Session>, StoreError> {
        let ids = self.open_by_log(query).await?;
        let mut found = Vec::new();
        for ids in ids.chunks(PAGE) {
            let mut conditions = Conditions::default();
            conditions.and_in("id", ids.iter().copied());
            let (sql, values) = conditions.statement(COLUMNS, "ORDER BY number DESC");
            let rows = self.db().rows(sql, values).await?;
            found.extend(self.judged_sessions(read_all(&rows)).await?);
        }
        // One may have ended since.
        let fault = |session: &Session| session.fault.is_some();
        if self.said().owes_after(0) {
            // One may have begun by words that are not there: who looks or cuts has it by its row meanwhile.
            let live = SessionQuery {
                live: true,
                ..query.clone()
            };
            let conditions = conditions(&live);
            let limit = query.limit.unwrap_or(1000);
            let (sql, values) =
                conditions.statement(COLUMNS, &format!("ORDER BY number DESC LIMIT {limit}"));
            let rows = self.db().rows(sql, values).await?;
            let known: BTreeSet<Uuid> = found.iter().map(|one| one.start.id.as_uuid()).collect();
            let mut more = read_all(&rows);
            more.retain(|row| !known.contains(&row.id()));
            found.extend(self.judged_sessions(more).await?);
            found.sort_by_key(|session| std::cmp::Reverse(session.number));
        }
        found.retain(|session| session.end.is_none() || fault(session));
        Ok(found)
    }

    /// The sessions that the log has as open and that have no row, as far as they are asked for.
    ///
    /// # Errors
    /// The store failed.
    pub async fn open_without_row(
        &self,
        query: &SessionQuery,
    ) -> Result<Vec<SessionFault>, StoreError> {
        let ids = self.open_by_log(query).await?;
        let mut there = BTreeSet::new();
        for ids in ids.chunks(PAGE) {
            let mut conditions = Conditions::default();
            conditions.and_in("id", ids.iter().copied());
            let (sql, values) = conditions.statement("SELECT id FROM sessions", "");
            for row in &self.db().rows(sql, values).await? {
                there.insert(row.id("id")?);
            }
        }
        let mut faults = Vec::new();
        for id in ids.into_iter().filter(|id| !there.contains(id)) {
            let said = self.session_lines(id).await?;
            if !said.is_ended() {
                faults.extend(said.missing(SessionId::from_uuid(id)));
            }
        }
        Ok(faults)
    }
}
