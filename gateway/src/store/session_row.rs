//! A row of the table of sessions, as it stands.

use std::net::IpAddr;

use ecluse_policy::{
    AccountName, ClientId, InterventionId, PersonId, SessionId, StationId, TargetId, Timestamp,
};
use uuid::Uuid;

use super::sql::Row;
use super::{Session, SessionEnd, SessionStart, StoreError};

/// A row as it stands, with the columns that are compared and not handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SessionRow {
    pub(super) session: Session,
    pub(super) end_reason: Option<String>,
    pub(super) because: Option<String>,
    pub(super) to_target: u64,
    pub(super) to_technician: u64,
    pub(super) state: Option<String>,
    pub(super) manifest_sha256: Option<String>,
    pub(super) form: Option<String>,
    pub(super) sealed_at: Option<Timestamp>,
}

impl SessionRow {
    pub(super) fn id(&self) -> Uuid {
        self.session.start.id.as_uuid()
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.manifest_sha256.is_some()
    }
}

/// What became of a recording, as its row has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing yet.
    Open,
    /// It was sealed.
    Sealed,
    /// It was destroyed since.
    Destroyed,
}

impl State {
    /// Its name in the store.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::Sealed => Some("sealed"),
            Self::Destroyed => Some("destroyed"),
        }
    }

    pub(super) fn is(self, name: Option<&str>) -> bool {
        self.name() == name
    }
}

pub(super) fn read_row(row: &Row) -> Result<SessionRow, StoreError> {
    let start = SessionStart {
        id: SessionId::from_uuid(row.id("id")?),
        node: row.text("node")?,
        person: row.parsed("person", PersonId::parse)?,
        station: row.parsed_or_none("station", StationId::parse)?,
        source: row.parsed("source", str::parse::<IpAddr>)?,
        client: row.parsed("client", ClientId::parse)?,
        target: row.parsed("target", TargetId::parse)?,
        account: row.parsed("account", AccountName::parse)?,
        intervention: InterventionId::from_uuid(row.id("intervention")?),
        documents: row.count("documents")?,
        recording: row.text_or_none("recording")?,
        at: row.time("started_at")?,
    };
    let (to_target, to_technician) = (row.count("to_target")?, row.count("to_technician")?);
    let (end_reason, because) = (
        row.text_or_none("end_reason")?,
        row.text_or_none("ended_because")?,
    );
    let end = row.time_or_none("ended_at")?.map(|at| SessionEnd {
        at,
        reason: end_reason.clone().unwrap_or_default(),
        // What a later version wrote is read by its English words.
        because: because
            .as_deref()
            .and_then(|kept| serde_json::from_str(kept).ok()),
        to_target,
        to_technician,
    });
    Ok(SessionRow {
        session: Session {
            number: row.count("number")?,
            start,
            end,
            hidden_lines: row.count("hidden_lines")?,
            screen_text: row.int_or_none("screen_text")?.map(|held| held != 0),
            unread: row.count("unread")? != 0,
            fault: None,
        },
        end_reason,
        because,
        to_target,
        to_technician,
        state: row.text_or_none("recording_state")?,
        manifest_sha256: row.text_or_none("manifest_sha256")?,
        form: row.text_or_none("form")?,
        sealed_at: row.time_or_none("sealed_at")?,
    })
}
