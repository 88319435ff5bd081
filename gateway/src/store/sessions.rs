//! Sessions: one row from the moment a technician reaches a target to the seal of the recording.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ecluse_policy::{
    AccountName, ClientId, InterventionId, PersonId, SessionId, StationId, TargetId, Timestamp,
};

use super::bound::{BECAUSE, NODE, SessionFault, SessionSaid, sessions_said_in};
use super::session_row::{SessionRow, read_row};
use super::sql::{Conditions, values};
use super::{Store, StoreError, bound};
use crate::audit::{AuditKind, AuditRecord};
use crate::live::{Because, KnownBy};
use ecluse_recordings::evidence::manifest::sha256_hex;
use uuid::Uuid;

/// The last moment known of a session that no gateway was left to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastMoment {
    /// When that was.
    pub at: Timestamp,
    /// By what it is known.
    pub by: KnownBy,
}

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStart {
    /// Its id; [`super::new_id`] makes one.
    pub id: SessionId,
    /// Which gateway carries it: sessions live and die with their node.
    pub node: String,
    /// Who.
    pub person: PersonId,
    /// From which station.
    pub station: Option<StationId>,
    /// From which address.
    pub source: IpAddr,
    /// To whose target.
    pub client: ClientId,
    /// To which target.
    pub target: TargetId,
    /// As which account.
    pub account: AccountName,
    /// Within which intervention.
    pub intervention: InterventionId,
    /// Under which version of the documents.
    pub documents: u64,
    /// Where its recording is, relative to the recordings' directory.
    pub recording: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEnd {
    /// When.
    pub at: Timestamp,
    /// Why, in English.
    pub reason: String,
    /// The same, typed; none where it ended before that was kept, or as a later version calls it.
    pub because: Option<Because>,
    /// Payload bytes that went to the target.
    pub to_target: u64,
    /// Payload bytes that went to the technician.
    pub to_technician: u64,
}

/// A session as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number, which people type.
    pub number: u64,
    /// How it began.
    pub start: SessionStart,
    /// How it ended; none while it is live.
    pub end: Option<SessionEnd>,
    /// Lines that were typed at its terminals and not shown, as its sealed recording tells; where the gateway may read it.
    pub hidden_lines: u64,
    /// Whether what its screens showed is in the search text of its recording; none where nobody looked.
    pub screen_text: Option<bool>,
    /// Whether its recording is sealed and this gateway never read it: what was typed in it unseen is not counted.
    pub unread: bool,
    /// What of it the log contradicts: nothing that cannot be undone is done by it then.
    pub fault: Option<Box<SessionFault>>,
}

/// Which sessions to list. Everything left out lets everything through.
#[derive(Debug, Clone, Default)]
pub struct SessionQuery {
    /// Only the session of this number.
    pub number: Option<u64>,
    /// Only sessions on this client's targets.
    pub client: Option<ClientId>,
    /// Only sessions of this person.
    pub person: Option<PersonId>,
    /// Only sessions on this target.
    pub target: Option<TargetId>,
    /// Only sessions of this intervention.
    pub intervention: Option<InterventionId>,
    /// Only sessions that went on at this time or later: what began before it and lasted is of that time too.
    pub from: Option<Timestamp>,
    /// Only sessions that began before this time.
    pub until: Option<Timestamp>,
    /// Only sessions of a lower number: to read on.
    pub before: Option<u64>,
    /// Only sessions that are live.
    pub live: bool,
    /// Only sessions whose end is not on record: the log chooses them, whatever their row says.
    pub unended: bool,
    /// At most so many; without it a thousand.
    pub limit: Option<u32>,
}

macro_rules! columns {
    ($more:literal) => {
        concat!(
            "SELECT id, number, node, person, station, source, client, target, account, intervention, documents, \
             recording, started_at, ended_at, end_reason, ended_because, to_target, to_technician, hidden_lines, screen_text, \
             recording_state, manifest_sha256, form, sealed_at, \
             CAST(CASE WHEN recording_state = 'sealed' AND NOT EXISTS \
             (SELECT 1 FROM search_filters f WHERE f.session = sessions.id) THEN 1 ELSE 0 END AS BIGINT) AS unread",
            $more
        )
    };
}

pub(super) const COLUMNS: &str = columns!(" FROM sessions");
/// The same with the filter of its recording, where there is one.
pub(super) const WITH_FILTERS: &str = columns!(
    ", filter FROM sessions LEFT JOIN search_filters ON search_filters.session = sessions.id"
);

impl Store {
    /// Writes that a session begins; its number.
    ///
    /// # Errors
    /// The store failed; nothing is written, and the session must not begin.
    pub async fn start_session(
        &self,
        start: &SessionStart,
        records: &[AuditRecord],
    ) -> Result<u64, StoreError> {
        let SessionStart {
            id,
            node,
            person,
            station,
            source,
            client,
            target,
            account,
            intervention,
            documents,
            recording,
            at,
        } = start;
        let mut change = self.write().await?;
        // It may have ended, or been changed by hand, since somebody was admitted by it.
        if let Some(found) = bound::judged_in(&mut change, *intervention).await?
            && (found.is_contradicted() || found.is_not_known_yet() || found.granted().is_none())
        {
            return Err(StoreError::NotOpen {
                number: found.number().0,
            });
        }
        let number = change.next("session").await?;
        let sql = "INSERT INTO sessions (id, number, node, person, station, source, client, target, account, \
                   intervention, documents, recording, started_at, to_target, to_technician) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0)";
        let values = values![
            id.as_uuid(),
            number,
            node,
            person.as_str(),
            station.as_ref().map(StationId::as_str),
            *source,
            client.as_str(),
            target.as_str(),
            account.as_str(),
            intervention.as_uuid(),
            *documents,
            recording.as_ref(),
            *at,
        ];
        change.tx.execute(sql, values).await?;
        let numbered: Vec<_> = records
            .iter()
            .map(|record| {
                let record = record.clone().detail("number", number);
                if record.kind == AuditKind::SessionStart {
                    // By which gateway: another one must not end it at its start.
                    record.detail(NODE, sha256_hex(node.as_bytes()))
                } else {
                    record
                }
            })
            .collect();
        change.commit(&numbered).await?;
        Ok(number)
    }

    /// Writes that a session ended; `false` when its end is on record already, and then nothing is written. A row that has an
    /// end of which the log knows nothing, or that is gone, keeps no end from the log (R3).
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn end_session(
        &self,
        id: SessionId,
        end: &SessionEnd,
        records: &[AuditRecord],
    ) -> Result<bool, StoreError> {
        let SessionEnd {
            at,
            reason,
            because,
            to_target,
            to_technician,
        } = end;
        let records: Vec<_> = records
            .iter()
            .map(|record| with_cause(record.clone(), because.as_ref()))
            .collect();
        let because = because.as_ref().map(typed).transpose()?;
        let mut change = self.write().await?;
        // Not the row: whoever writes the table by hand neither keeps an end from the log nor puts a second one there.
        let said = sessions_said_in(&mut change, &[id.as_uuid()]).await?;
        if said.get(&id.as_uuid()).is_some_and(SessionSaid::is_ended) {
            return Ok(false);
        }
        let is_told = records
            .iter()
            .any(|record| record.kind == AuditKind::SessionEnd);
        let sql = if is_told {
            "UPDATE sessions SET ended_at = $2, end_reason = $3, to_target = $4, to_technician = $5, \
             ended_because = $6 WHERE id = $1"
        } else {
            "UPDATE sessions SET ended_at = $2, end_reason = $3, to_target = $4, to_technician = $5, \
             ended_because = $6 WHERE id = $1 AND ended_at IS NULL"
        };
        let values = values![
            id.as_uuid(),
            *at,
            reason,
            *to_target,
            *to_technician,
            because.as_ref()
        ];
        if change.tx.execute(sql, values).await? == 0 && !is_told {
            return Ok(false);
        }
        change.commit(&records).await?;
        Ok(true)
    }

    /// Writes how many lines of a session were typed and not shown, once; `false` where that stands already.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn typing_hidden(
        &self,
        id: SessionId,
        lines: u64,
        records: &[AuditRecord],
    ) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let sql = "UPDATE sessions SET hidden_lines = $2 WHERE id = $1 AND hidden_lines <> $2";
        if change.tx.execute(sql, values![id.as_uuid(), lines]).await? == 0 {
            let said = sessions_said_in(&mut change, &[id.as_uuid()]).await?;
            let said = said.get(&id.as_uuid()).map(SessionSaid::hidden_lines);
            if said.unwrap_or(0) == lines {
                return Ok(false);
            }
        }
        change.commit(records).await?;
        Ok(true)
    }

    /// The sessions that a node has open; at its start, those that it left open when it died.
    ///
    /// # Errors
    /// The store failed.
    pub async fn orphans(&self, node: &str) -> Result<Vec<Session>, StoreError> {
        let left_open = left_open(node);
        let (sql, values) = left_open.statement(COLUMNS, "ORDER BY number");
        let rows = self.db().rows(sql, values).await?;
        // Those that the log contradicts are not ended, so their last moment is nobody's matter.
        let mut sessions = self.judged_sessions(bound::read_all(&rows)).await?;
        sessions.retain(|session| session.fault.is_none());
        Ok(sessions)
    }

    /// Ends the sessions that a node left open when it died, each at the last moment known of it (its beginning where
    /// `ends` has none), with a record of now each, and returns them. To be called when that node starts, before it serves.
    ///
    /// A row that the log does not know, or contradicts, is not ended: an entry of that would vouch for it. It is put on
    /// record as what it is.
    ///
    /// # Errors
    /// The store failed; nothing is changed.
    pub async fn close_orphans(
        &self,
        node: &str,
        ends: &BTreeMap<SessionId, LastMoment>,
        at: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        let mut change = self.write().await?;
        let left_open = left_open(node);
        let (sql, values) = left_open.statement(COLUMNS, "ORDER BY number");
        let rows = bound::read_all(&change.tx.rows(sql, values).await?);
        let ids: Vec<Uuid> = rows.iter().map(SessionRow::id).collect();
        let said = bound::sessions_said_in(&mut change, &ids).await?;
        let (mut orphans, mut records, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let said = said.get(&row.id()).cloned().unwrap_or_default();
            if let Some(fault) = said.compare(&row) {
                faults.push(fault);
                continue;
            }
            let mut orphan = row.session;
            let start = &orphan.start;
            let last = ends.get(&start.id).copied().unwrap_or(LastMoment {
                at: start.at,
                by: KnownBy::Log,
            });
            let because = Because::Recovered {
                by: last.by,
                latest: Some(at),
            };
            let sql = "UPDATE sessions SET ended_at = $2, end_reason = $3, ended_because = $4 \
                       WHERE id = $1 AND ended_at IS NULL";
            let reason = last.by.reason();
            let values = values![start.id.as_uuid(), last.at, reason, typed(&because)?];
            change.tx.execute(sql, values).await?;
            let record = AuditRecord::new(AuditKind::SessionEnd, at)
                .person(&start.person)
                .station(start.station.as_ref())
                .source(start.source)
                .client(&start.client)
                .target(&start.target)
                .intervention(start.intervention)
                .session(start.id)
                .reason(reason)
                .detail("number", orphan.number)
                .detail("ended-at", last.at.to_string())
                .detail("recovered", true);
            records.push(with_cause(record, Some(&because)));
            orphan.end = Some(SessionEnd {
                at: last.at,
                reason: reason.to_owned(),
                because: Some(because),
                to_target: 0,
                to_technician: 0,
            });
            orphans.push(orphan);
        }
        if orphans.is_empty() {
            drop(change);
        } else {
            change.commit(&records).await?;
        }
        for fault in &faults {
            tracing::error!("{fault}; it is left as it is; run: ecluse journal verify");
            self.tell_session_fault(fault, at).await?;
        }
        Ok(orphans)
    }

    /// Lists sessions, the latest first, each with what of it the log contradicts.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions(&self, query: &SessionQuery) -> Result<Vec<Session>, StoreError> {
        if query.unended {
            return self.unended_sessions(query).await;
        }
        let conditions = conditions(query);
        let limit = query.limit.unwrap_or(1000);
        let (sql, values) =
            conditions.statement(COLUMNS, &format!("ORDER BY number DESC LIMIT {limit}"));
        let rows = self.db().rows(sql, values).await?;
        self.judged_sessions(bound::read_all(&rows)).await
    }

    /// The session of a number, with what of it the log contradicts.
    ///
    /// # Errors
    /// The store failed.
    pub async fn session(&self, number: u64) -> Result<Option<Session>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.and("number = ?", number);
        let (sql, values) = conditions.statement(COLUMNS, "");
        let row = self.db().row(sql, values).await?;
        let row = row.as_ref().map(read_row).transpose()?;
        let mut judged = self.judged_sessions(row.into_iter().collect()).await?;
        Ok(judged.pop())
    }
}

/// The conditions of a query; also on a join with tables that share no column with `sessions`.
pub(super) fn conditions(query: &SessionQuery) -> Conditions<'_> {
    let mut conditions = Conditions::default();
    conditions
        .and_if("number = ?", query.number)
        .and_if("client = ?", query.client.as_ref().map(ClientId::as_str))
        .and_if("person = ?", query.person.as_ref().map(PersonId::as_str))
        .and_if("target = ?", query.target.as_ref().map(TargetId::as_str))
        .and_if(
            "intervention = ?",
            query.intervention.map(InterventionId::as_uuid),
        )
        .and_if("(ended_at IS NULL OR ended_at >= ?)", query.from)
        .and_if("started_at < ?", query.until)
        .and_if("number < ?", query.before);
    if query.live {
        conditions.and_fixed("ended_at IS NULL");
    }
    conditions
}

/// The record of an end with its cause beside the words, so that nobody changes that in the table unseen.
pub(super) fn with_cause(record: AuditRecord, because: Option<&Because>) -> AuditRecord {
    let is_end = matches!(
        record.kind,
        AuditKind::SessionEnd | AuditKind::SessionOutlived
    );
    match because.map(serde_json::to_value) {
        Some(Ok(because)) if is_end => record.detail(BECAUSE, because),
        Some(_) | None => record,
    }
}

fn typed(because: &Because) -> Result<String, StoreError> {
    serde_json::to_string(because).map_err(|error| StoreError::malformed("ended_because", error))
}

/// The sessions that a node has not ended.
fn left_open(node: &str) -> Conditions<'_> {
    let mut conditions = Conditions::default();
    conditions
        .and("node = ?", node)
        .and_fixed("ended_at IS NULL");
    conditions
}
