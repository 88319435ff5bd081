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

/// What the log has of a session, as far as a query may ask for it: by the entry that began it, read whole or kept in mind.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    pub(super) number: Option<u64>,
    pub(super) client: Option<&'a str>,
    pub(super) person: Option<&'a str>,
    pub(super) target: Option<&'a str>,
    pub(super) intervention: Option<Uuid>,
    pub(super) at: i64,
    /// When it was over, where that is known.
    pub(super) over: Option<i64>,
}

impl Known<'_> {
    /// Whether it is one of those that a query asks for, whatever its row says.
    pub(super) fn is_asked_for(&self, query: &SessionQuery) -> bool {
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
        let is = |asked: Option<&str>, has: Option<&str>| asked.is_none_or(|id| has == Some(id));
        number.is_none_or(|number| self.number == Some(number))
            && is(client.as_ref().map(ClientId::as_str), self.client)
            && is(person.as_ref().map(PersonId::as_str), self.person)
            && is(target.as_ref().map(TargetId::as_str), self.target)
            && intervention.is_none_or(|id| self.intervention == Some(id.as_uuid()))
            && from.is_none_or(|from| self.over.is_none_or(|over| over >= from.as_micros()))
            && until.is_none_or(|until| self.at < until.as_micros())
            && before.is_none_or(|before| self.number.is_some_and(|number| number < before))
    }
}

impl OpenSession {
    fn known(&self) -> Known<'_> {
        let intervention = self.intervention.as_deref();
        Known {
            number: Some(self.number),
            client: self.client.as_deref(),
            person: self.person.as_deref(),
            target: self.target.as_deref(),
            intervention: intervention.and_then(|id| Uuid::parse_str(id).ok()),
            at: self.at,
            over: None,
        }
    }
}

impl Store {
    /// The sessions that the log has as open and that are asked for, the latest first.
    async fn open_by_log(&self, query: &SessionQuery) -> Result<Vec<Uuid>, StoreError> {
        self.follow().await?;
        let said = self.said();
        let mut open: Vec<(u64, Uuid)> = said
            .open()
            .filter(|(_, open)| open.known().is_asked_for(query))
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
            let unread = self.said().times_unread();
            let said = self.session_lines(id).await?;
            let fault = said.missing(SessionId::from_uuid(id));
            let fault = fault.filter(|_| !said.is_ended());
            faults.extend(fault.map(|fault| self.said().excused(fault, unread)));
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use ecluse_policy::{InterventionId, Timestamp};

    use super::*;

    /// Whatever a query names leaves out what is otherwise, and nothing else does.
    #[test]
    fn each_part_of_a_query_counts() {
        let at = Timestamp::from_micros;
        let id = Uuid::from_u128(7);
        let known = Known {
            number: Some(5),
            client: Some("hopital"),
            person: Some("alice"),
            target: Some("db01"),
            intervention: Some(id),
            at: 50,
            over: Some(100),
        };
        let client = |id: &str| ClientId::parse(id).ok();
        let all = |query: SessionQuery| known.is_asked_for(&query);
        let none = SessionQuery::default;
        assert!(all(none()));
        for (client_id, person, target, number, intervention, from, until, before, asked) in [
            ("hopital", "alice", "db01", 5, 7, 100, 101, 6, true),
            ("mairie", "alice", "db01", 5, 7, 100, 101, 6, false),
            ("hopital", "bruno", "db01", 5, 7, 100, 101, 6, false),
            ("hopital", "alice", "db02", 5, 7, 100, 101, 6, false),
            ("hopital", "alice", "db01", 4, 7, 100, 101, 6, false),
            ("hopital", "alice", "db01", 5, 8, 100, 101, 6, false),
            ("hopital", "alice", "db01", 5, 7, 101, 101, 6, false),
            ("hopital", "alice", "db01", 5, 7, 40, 50, 6, false),
            ("hopital", "alice", "db01", 5, 7, 100, 101, 5, false),
        ] {
            let query = SessionQuery {
                number: Some(number),
                client: client(client_id),
                person: PersonId::parse(person).ok(),
                target: TargetId::parse(target).ok(),
                intervention: Some(InterventionId::from_uuid(Uuid::from_u128(intervention))),
                from: Some(at(from)),
                until: Some(at(until)),
                before: Some(before),
                ..none()
            };
            assert_eq!(all(query.clone()), asked, "{query:?}");
        }
    }
}
