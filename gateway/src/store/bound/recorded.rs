//! A session as the log has it: what is chosen and shown where its row was altered.

mod hidden;

use std::net::IpAddr;

use ecluse_policy::{
    AccountName, ClientId, InterventionId, PersonId, SessionId, StationId, TargetId, Timestamp,
};
use ecluse_recordings::layout;
use ecluse_recordings::log::Entry;
use serde::Serialize;
use uuid::Uuid;

use super::super::session_row::{SessionRow, read_row};
use super::super::sessions::COLUMNS;
use super::super::sql::{Conditions, values};
use super::super::{Session, SessionQuery, Store, StoreError};
use super::Wrong;
use super::session_said::SessionFault;
use crate::audit::AuditKind;

pub use self::hidden::Hidden;

/// How what the table has of a session stands to what the log has of it: whoever shows or uses a row asks this, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[must_use]
pub enum Standing {
    /// It is what the log tells of.
    OnRecord,
    /// Whether it is, is not known, since words of the log are not there: nobody is accused.
    NotKnownYet,
    /// It is something else.
    Contradicted,
    /// The log has it, and the table does not any more.
    Gone,
}

/// What the entries of a session say of it; none of what they do not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub(super) client: Option<ClientId>,
    pub(super) person: Option<PersonId>,
    pub(super) station: Option<StationId>,
    pub(super) source: Option<IpAddr>,
    pub(super) target: Option<TargetId>,
    pub(super) intervention: Option<InterventionId>,
    pub(super) account: Option<AccountName>,
    pub(super) documents: Option<u64>,
    pub(super) number: Option<u64>,
    pub(super) at: Timestamp,
    /// Whether a seal of its recording is on record.
    pub is_sealed: bool,
    /// Whether it is on record that its recording was destroyed.
    pub is_destroyed: bool,
}

impl Recorded {
    /// What the entry says that began a session.
    pub(super) fn of(entry: &Entry) -> Self {
        fn read<T, E>(text: Option<&str>, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
            parse(text?).ok()
        }
        let intervention = read(entry.intervention.as_deref(), Uuid::parse_str);
        Self {
            client: read(entry.client.as_deref(), ClientId::parse),
            person: read(entry.person.as_deref(), PersonId::parse),
            station: read(entry.station.as_deref(), StationId::parse),
            source: read(entry.source.as_deref(), str::parse),
            target: read(entry.target.as_deref(), TargetId::parse),
            intervention: intervention.map(InterventionId::from_uuid),
            account: read(entry.detail_text("account"), AccountName::parse),
            documents: entry.detail_number("documents"),
            number: entry.detail_number("number"),
            at: Timestamp::from_micros(entry.at_us),
            is_sealed: false,
            is_destroyed: false,
        }
    }
}

impl Session {
    /// The same session with what the log says of its beginning in the place of what an altered row has. It keeps what is
    /// wrong with the row.
    #[must_use]
    pub fn as_on_record(mut self) -> Self {
        fn put<T: Clone>(place: &mut T, said: &Option<T>) {
            if let Some(said) = said {
                place.clone_from(said);
            }
        }
        let Some(fault) = &self.fault else {
            return self;
        };
        let Some(said) = &fault.recorded else {
            return self;
        };
        let start = &mut self.start;
        put(&mut start.client, &said.client);
        put(&mut start.person, &said.person);
        start.station.clone_from(&said.station);
        put(&mut start.source, &said.source);
        put(&mut start.target, &said.target);
        put(&mut start.intervention, &said.intervention);
        put(&mut start.account, &said.account);
        put(&mut start.documents, &said.documents);
        put(&mut self.number, &said.number);
        start.at = said.at;
        // Where it lies follows from the rest; a session whose row names no place may never have had one.
        if start.recording.is_some() || said.is_sealed {
            let id = start.id.as_uuid();
            start.recording = layout::place(start.client.as_str(), said.at.as_micros(), id);
        }
        self
    }
}

impl Store {
    /// The session that the log has under a number, whatever its row has; without one, the row of that number. As it is on
    /// record, and with what is wrong with its row.
    ///
    /// # Errors
    /// The store failed.
    pub async fn session_on_record(&self, number: u64) -> Result<Option<Session>, StoreError> {
        let row = self.session(number).await?.map(Session::as_on_record);
        if row.as_ref().is_some_and(|session| session.is_sound(number)) {
            return Ok(row);
        }
        // A number that was never given to anybody is in no entry: the log is not read through for it.
        let given = "SELECT value FROM counters WHERE name = 'session'";
        let given = self.db().row(given, values![]).await?;
        let given = given.map_or(Ok(0), |row| row.count("value"))?;
        if row.is_none() && number > given {
            return Ok(None);
        }
        let line = format!("%\"kind\":\"{}\"%", AuditKind::SessionStart.name());
        let numbered = format!("%\"number\":{number}%");
        let sql = "SELECT seq, entry FROM journal WHERE entry LIKE $1 AND entry LIKE $2 \
                   AND seq <= (SELECT value FROM counters WHERE name = 'audit') ORDER BY seq";
        let rows = self.db().rows(sql, values![line, numbered]).await?;
        for entry in &rows {
            let Ok(entry) = Entry::parse(entry.text("entry")?.as_bytes()) else {
                continue;
            };
            let Some(Ok(id)) = entry.session.as_deref().map(Uuid::parse_str) else {
                continue;
            };
            // Whether the entry is sound shows as its row is compared.
            let found = self.session_of(SessionId::from_uuid(id)).await?;
            if let Some(found) = found.filter(|found| found.is_sound(number)) {
                return Ok(Some(found));
            }
        }
        Ok(row)
    }

    /// The sessions that the log has as a client's, in order, as they are on record, each with what is wrong with its row;
    /// and those of them whose row is gone.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions_on_record(
        &self,
        client: &ClientId,
    ) -> Result<(Vec<Session>, Vec<SessionFault>), StoreError> {
        let query = SessionQuery {
            client: Some(client.clone()),
            limit: Some(u32::MAX),
            ..SessionQuery::default()
        };
        let mut sessions = self.sessions(&query).await?;
        let mut gone = Vec::new();
        for fault in self.sessions_gone(Some(client)).await? {
            if fault.is_gone() {
                gone.push(fault);
            } else {
                sessions.extend(self.session_of(fault.id).await?);
            }
        }
        let mut sessions: Vec<_> = sessions.into_iter().map(Session::as_on_record).collect();
        // What a row says that no entry began is not put right by any.
        sessions.retain(|session| session.start.client == *client);
        sessions.sort_by_key(|session| session.number);
        Ok((sessions, gone))
    }

    async fn session_of(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.and("id = ?", id.as_uuid());
        let (sql, values) = conditions.statement(COLUMNS, "");
        let row = self.db().row(sql, values).await?;
        let row: Option<SessionRow> = row.as_ref().map(read_row).transpose()?;
        let judged = self.judged_sessions(row.into_iter().collect()).await?;
        Ok(judged.into_iter().next().map(Session::as_on_record))
    }
}

impl SessionFault {
    /// Whether there is no row of it.
    pub fn is_gone(&self) -> bool {
        self.client.is_none()
    }

    /// The same, where words that say otherwise may not be there: it accuses nobody.
    #[must_use]
    pub fn unless(mut self, may_be_away: bool) -> Self {
        if may_be_away {
            self.what = Wrong::Unknown;
        }
        self
    }

    /// What the row has otherwise than the entries that are there.
    pub(super) fn apart(&self) -> String {
        let differs = self.differs.iter();
        let differs: Vec<String> = differs
            .map(|(what, found)| format!("{what} {found}"))
            .collect();
        if differs.is_empty() {
            return String::new();
        }
        format!(": it has {}", differs.join(", "))
    }

    /// How the row stands to the log.
    pub fn standing(&self) -> Standing {
        match self.what {
            Wrong::Unknown => Standing::NotKnownYet,
            Wrong::Missing => Standing::Gone,
            Wrong::Altered | Wrong::Planted => Standing::Contradicted,
        }
    }
}

impl Session {
    /// How the row stands to the log.
    pub fn standing(&self) -> Standing {
        let fault = self.fault.as_ref();
        fault.map_or(Standing::OnRecord, |fault| fault.standing())
    }

    /// Whether the log has it under this number.
    fn is_sound(&self, number: u64) -> bool {
        self.number == number
            && self
                .fault
                .as_ref()
                .is_none_or(|fault| matches!(fault.what, Wrong::Altered | Wrong::Unknown))
    }
}
