//! Sessions that a list would leave out in silence: those whose rows are gone, or say that they are somebody else's.

use std::collections::BTreeSet;

use ecluse_policy::{ClientId, InterventionId, PersonId, SessionId, TargetId};

use super::super::super::sql::Conditions;
use super::super::super::{Session, SessionQuery, Store, StoreError};
use super::super::SessionFault;
use super::super::open::Known;
use super::Recorded;
use crate::audit::AuditKind;

/// What is on record, and no query of the table finds.
#[derive(Debug, Default)]
pub struct Hidden {
    /// Those that have another row, as they are on record, the latest first.
    pub sessions: Vec<Session>,
    /// Those that have none.
    pub gone: Vec<SessionFault>,
}

impl Hidden {
    /// The sessions that have another row, by id.
    pub fn ids(&self) -> BTreeSet<SessionId> {
        self.sessions.iter().map(|one| one.start.id).collect()
    }
}

impl Store {
    /// The sessions of the client that is asked for which the log has as such, and the table does not. Found by the index of
    /// the audit trail, which `journal verify` compares.
    ///
    /// # Errors
    /// The store failed.
    pub async fn hidden_sessions(&self, query: &SessionQuery) -> Result<Hidden, StoreError> {
        let Some(client) = &query.client else {
            return Ok(Hidden::default());
        };
        let mut conditions = Conditions::default();
        conditions
            .and("audit.kind = ?", AuditKind::SessionStart.name())
            .and("audit.client = ?", client.as_str())
            .and_fixed("journal.entry IS NOT NULL")
            .and_fixed(
                "NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = audit.session AND sessions.client = audit.client \
                 AND sessions.person = audit.person AND sessions.target = audit.target \
                 AND sessions.intervention = audit.intervention AND sessions.started_at = audit.at)",
            );
        let before =
            "SELECT audit.session AS session FROM audit JOIN journal ON journal.seq = audit.seq";
        let (sql, values) = conditions.statement(before, "ORDER BY audit.seq DESC");
        let mut hidden = Hidden::default();
        for row in &self.db().rows(sql, values).await? {
            let Some(id) = row.id_or_none("session")? else {
                continue;
            };
            let found = self.session_of(SessionId::from_uuid(id)).await?;
            let Some(found) = found else { continue };
            let recorded = found
                .fault
                .as_ref()
                .and_then(|fault| fault.recorded.as_ref());
            if recorded.is_some_and(|said| said.known().is_asked_for(query)) {
                hidden.sessions.push(found);
            }
        }
        hidden.gone = self.gone_of(client).await?;
        hidden.gone.retain(|fault| {
            let recorded = fault.recorded.as_ref();
            recorded.is_some_and(|said| said.known().is_asked_for(query))
        });
        Ok(hidden)
    }

    /// The session that the log has under a number as this client's, and that has no row.
    ///
    /// # Errors
    /// The store failed.
    pub async fn gone_session(
        &self,
        client: Option<&ClientId>,
        number: u64,
    ) -> Result<Option<SessionFault>, StoreError> {
        let gone = self.sessions_gone(client).await?;
        let mut gone = gone.into_iter();
        Ok(gone.find(|fault| fault.is_gone() && fault.recorded_number == Some(number)))
    }

    async fn gone_of(&self, client: &ClientId) -> Result<Vec<SessionFault>, StoreError> {
        let mut gone = self.sessions_gone(Some(client)).await?;
        gone.retain(SessionFault::is_gone);
        Ok(gone)
    }
}

impl Recorded {
    fn known(&self) -> Known<'_> {
        Known {
            number: self.number,
            client: self.client.as_ref().map(ClientId::as_str),
            person: self.person.as_ref().map(PersonId::as_str),
            target: self.target.as_ref().map(TargetId::as_str),
            intervention: self.intervention.map(InterventionId::as_uuid),
            at: self.at.as_micros(),
            over: None,
        }
    }
}
