//! The table of sessions against the log: a row is compared with its entries where it is read, and handed on with what is
//! wrong with it. Nobody destroys, ends or shows anything by it then without saying so.
//!
//! Entries are found by the index of the audit trail, which is outside the hash, and believed for what they say themselves.
//! Where an index hides one, a row differs, and the lines of the log themselves are read before anybody is accused.

use std::collections::{BTreeSet, HashMap};

use ecluse_policy::{ClientId, SessionId, Timestamp};
use ecluse_recordings::bound as keys;
use ecluse_recordings::log::{Entry, Hash, leaf_hash};
use uuid::Uuid;

use super::super::session_row::{SessionRow, read_row};
use super::super::sessions::COLUMNS;
use super::super::sql::{Conditions, Row, values};
use super::super::{AuditQuery, Inner, Session, Store, StoreError, Writing};
use super::said::{Said, destroyed_by};
use super::session_said::{KINDS, SessionFault, SessionSaid};
use super::watching::{self, Reader};
use super::{Wrong, session_subject};
use crate::audit::{AuditKind, AuditRecord};

/// Sessions whose entries are asked for in one statement.
const PAGE: usize = 500;
const ENTRIES: &str = "SELECT journal.seq AS seq, journal.leaf AS leaf, journal.entry AS entry, \
     journal.destroyed_by AS destroyed_by FROM audit JOIN journal ON journal.seq = audit.seq";
/// What lies beyond the log as it is counted was put there by hand.
const COUNTED: &str = "journal.seq <= (SELECT value FROM counters WHERE name = 'audit')";

type AllSaid = HashMap<Uuid, SessionSaid>;

fn entries_of(ids: &[Uuid]) -> Conditions<'_> {
    let mut conditions = Conditions::default();
    conditions
        .and_in("audit.session", ids.iter().copied())
        .and_in("audit.kind", KINDS.map(AuditKind::name))
        .and_fixed(COUNTED);
    conditions
}

/// The entries about sessions that say something. One whose words are not those that were hashed, or that is not the one
/// that this process saw at its place, says nothing.
async fn sound(
    rows: &[Row],
    reader: &mut Reader<'_>,
    inner: &Inner,
) -> Result<Vec<(Uuid, Entry)>, StoreError> {
    let (mut read, mut places) = (Vec::new(), Vec::new());
    for row in rows {
        let line = row.text_or_none("entry")?;
        let leaf: Result<[u8; 32], _> = row.bytes("leaf")?.try_into();
        let words = line.as_deref().map(|line| leaf_hash(line.as_bytes()));
        let (Some(line), Some(words)) = (line, words.filter(|words| leaf == Ok(words.0))) else {
            if let Ok(leaf) = leaf {
                let by = destroyed_by(row)?;
                inner.said().unread(row.count("seq")?, Hash(leaf), by);
            }
            continue;
        };
        if let Ok(entry) = Entry::parse(line.as_bytes())
            && entry.seq == row.count("seq")?
            && let Some(Ok(session)) = entry.session.as_deref().map(Uuid::parse_str)
        {
            places.push((entry.seq, words));
            read.push((session, entry));
        }
    }
    let seen = watching::seen(reader, inner, &places).await?;
    read.retain(|(_, entry)| seen.contains(&entry.seq));
    Ok(read)
}

async fn take(
    said: &mut AllSaid,
    rows: &[Row],
    reader: &mut Reader<'_>,
    inner: &Inner,
) -> Result<(), StoreError> {
    for (session, entry) in sound(rows, reader, inner).await? {
        said.entry(session).or_default().see(&entry);
    }
    Ok(())
}

/// What the log says of sessions, as a change sees it.
pub(in crate::store) async fn sessions_said_in(
    change: &mut Writing,
    ids: &[Uuid],
) -> Result<AllSaid, StoreError> {
    change.compare().await?;
    let mut said = AllSaid::new();
    for ids in ids.chunks(PAGE) {
        let conditions = entries_of(ids);
        let (sql, values) = conditions.statement(ENTRIES, "ORDER BY journal.seq");
        let rows = change.tx.rows(sql, values).await?;
        let mut reader = Reader::Tx(&mut change.tx);
        take(&mut said, &rows, &mut reader, &change.inner).await?;
    }
    Ok(said)
}

impl Store {
    async fn sessions_said(&self, ids: &[Uuid]) -> Result<AllSaid, StoreError> {
        let mut said = AllSaid::new();
        for ids in ids.chunks(PAGE) {
            let conditions = entries_of(ids);
            let (sql, values) = conditions.statement(ENTRIES, "ORDER BY journal.seq");
            let rows = self.db().rows(sql, values).await?;
            self.take_said(&mut said, &rows).await?;
        }
        Ok(said)
    }

    async fn take_said(&self, said: &mut AllSaid, rows: &[Row]) -> Result<(), StoreError> {
        if self.said().is_watching() {
            self.follow().await?;
        }
        take(said, rows, &mut Reader::Db(self.db()), &self.inner).await
    }

    /// Compares rows that were read with the log.
    pub(in crate::store) async fn judged_sessions(
        &self,
        rows: Vec<SessionRow>,
    ) -> Result<Vec<Session>, StoreError> {
        let ids: Vec<Uuid> = rows.iter().map(SessionRow::id).collect();
        let unread = self.said().times_unread();
        let all = self.sessions_said(&ids).await?;
        let mut sessions = Vec::with_capacity(rows.len());
        for mut row in rows {
            let id = row.id();
            let mut said = all.get(&id).cloned().unwrap_or_default();
            let fault = loop {
                let fault = said.compare(&row);
                if fault.is_none() {
                    break None;
                }
                // It may have gone on between the reading of the row and that of its entries: only a row that stayed the
                // same meanwhile is accused.
                match self.session_row(id).await? {
                    Some(again) if again == row => {
                        // The index may hide an entry: then the lines of the log themselves say.
                        break self.session_lines(id).await?.compare(&row);
                    }
                    Some(again) => row = again,
                    // Removed with its entries, since.
                    None => break None,
                }
                let mut again = self.sessions_said(&[id]).await?;
                said = again.remove(&id).unwrap_or_default();
            };
            let fault = fault.map(|fault| self.said().excused(fault, unread));
            if fault.is_none() {
                self.said().is_right(|| session_subject(id));
            }
            let mut session = row.session;
            // Nothing vouches for it: the words of the end are told.
            if said.is_without_cause()
                && let Some(end) = &mut session.end
            {
                end.because = None;
            }
            if fault.is_none()
                && let Some(end) = said.outlived()
            {
                session.end = Some(end);
            }
            session.fault = fault.map(Box::new);
            sessions.push(session);
        }
        Ok(sessions)
    }

    /// Which of these sessions ended, by the log and not by their rows.
    ///
    /// # Errors
    /// The store failed.
    pub async fn ended_on_record(
        &self,
        sessions: &[SessionId],
    ) -> Result<BTreeSet<SessionId>, StoreError> {
        let ids: Vec<Uuid> = sessions.iter().map(|id| id.as_uuid()).collect();
        let said = self.sessions_said(&ids).await?;
        let ended = said.into_iter().filter(|(_, said)| said.is_ended());
        Ok(ended.map(|(id, _)| SessionId::from_uuid(id)).collect())
    }

    /// What the log says of a session, whatever the index does.
    pub(in crate::store) async fn session_lines(
        &self,
        id: Uuid,
    ) -> Result<SessionSaid, StoreError> {
        let mut said = SessionSaid::default();
        for entry in self.entries_of(SessionId::from_uuid(id)).await? {
            said.see(&entry);
        }
        Ok(said)
    }

    /// The entries of a session, whatever the index does.
    pub(in crate::store) async fn entries_of(
        &self,
        id: SessionId,
    ) -> Result<Vec<Entry>, StoreError> {
        let line = format!("%\"session\":\"{id}\"%");
        let sql = "SELECT seq, leaf, entry, destroyed_by FROM journal WHERE entry LIKE $1 \
                   AND seq <= (SELECT value FROM counters WHERE name = 'audit') ORDER BY seq";
        let rows = self.db().rows(sql, values![line]).await?;
        if self.said().is_watching() {
            self.follow().await?;
        }
        let read = sound(&rows, &mut Reader::Db(self.db()), &self.inner).await?;
        let entries = read.into_iter();
        Ok(entries
            .filter(|(session, _)| *session == id.as_uuid())
            .map(|(_, entry)| entry)
            .collect())
    }

    async fn session_row(&self, id: Uuid) -> Result<Option<SessionRow>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.and("id = ?", id);
        let (sql, values) = conditions.statement(COLUMNS, "");
        let row = self.db().row(sql, values).await?;
        row.as_ref().map(read_row).transpose()
    }

    /// Every row that does not say what `said` says of its session, or that does not read; and which sessions have one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn compare_sessions<'s>(
        &self,
        said: impl Fn(SessionId) -> Option<&'s SessionSaid>,
    ) -> Result<Compared, StoreError> {
        let none = SessionSaid::default();
        let mut compared = Compared::default();
        let mut after = i64::MIN;
        loop {
            let mut conditions = Conditions::default();
            conditions.and("number > ?", after);
            let (sql, values) =
                conditions.statement(COLUMNS, &format!("ORDER BY number LIMIT {PAGE}"));
            let rows = self.db().rows(sql, values).await?;
            let Some(last) = rows.last() else {
                return Ok(compared);
            };
            after = last.int("number")?;
            for row in &rows {
                let id = SessionId::from_uuid(row.id("id")?);
                compared.ids.push(id);
                match read_row(row) {
                    Ok(row) => {
                        let fault = said(id).unwrap_or(&none).compare(&row);
                        compared.faults.extend(fault);
                    }
                    Err(error) => {
                        let number = row.int("number")?;
                        compared.unread.push(format!(
                            "session #{number} of the table was altered: it does not read any more ({error})"
                        ));
                    }
                }
            }
        }
    }

    /// Every row that the log contradicts, and every session that it tells of and that has none.
    ///
    /// # Errors
    /// The store failed.
    pub async fn session_faults(&self) -> Result<Vec<SessionFault>, StoreError> {
        let mut faults = Vec::new();
        let mut after = i64::MIN;
        loop {
            let mut conditions = Conditions::default();
            conditions.and("number > ?", after);
            let (sql, values) =
                conditions.statement(COLUMNS, &format!("ORDER BY number LIMIT {PAGE}"));
            let rows = self.db().rows(sql, values).await?;
            let Some(last) = rows.last() else {
                break;
            };
            after = last.int("number")?;
            let sessions = self.judged_sessions(read_all(&rows)).await?;
            let found = sessions.into_iter().filter_map(|session| session.fault);
            faults.extend(found.map(|fault| *fault));
        }
        faults.extend(self.sessions_gone(None).await?);
        Ok(faults)
    }

    /// The sessions that the log tells of and that the table does not have; of one client, also those that the table has as
    /// another's.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions_gone(
        &self,
        client: Option<&ClientId>,
    ) -> Result<Vec<SessionFault>, StoreError> {
        let mut conditions = Conditions::default();
        conditions
            .and("audit.kind = ?", AuditKind::SessionStart.name())
            .and_if("audit.client = ?", client.map(ClientId::as_str))
            .and_fixed("journal.entry IS NOT NULL")
            .and_fixed(
                "NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = audit.session AND sessions.client = audit.client)",
            );
        let before =
            "SELECT audit.session AS session FROM audit JOIN journal ON journal.seq = audit.seq";
        let (sql, values) = conditions.statement(before, "ORDER BY audit.seq");
        let mut ids = Vec::new();
        for row in &self.db().rows(sql, values).await? {
            ids.extend(row.id_or_none("session")?);
        }
        let unread = self.said().times_unread();
        let said = self.sessions_said(&ids).await?;
        let mut gone = Vec::new();
        for id in ids {
            let Some(said) = said.get(&id) else { continue };
            let Some(fault) = said.missing(SessionId::from_uuid(id)) else {
                continue;
            };
            match self.session_row(id).await? {
                // It stands under another client, who was not asked for.
                Some(row) if client.is_some() => gone.extend(said.compare(&row)),
                Some(_) => {}
                None if self.is_removed(said, fault.of.as_ref()).await? => {}
                None => gone.push(fault),
            }
        }
        let gone = gone.into_iter();
        Ok(gone
            .map(|fault| self.said().excused(fault, unread))
            .collect())
    }

    /// Whether a session went under retention, whose entries stayed with others of its intervention: an older program kept
    /// those and let the row go.
    async fn is_removed(
        &self,
        said: &SessionSaid,
        client: Option<&ClientId>,
    ) -> Result<bool, StoreError> {
        let query = AuditQuery {
            client: client.cloned(),
            kinds: vec![AuditKind::EntriesDestroyed],
            ..AuditQuery::default()
        };
        let removals = self.audit(&query).await?;
        Ok(removals.iter().any(|stored| {
            let before = stored.record.detail.get("before");
            let before = before.and_then(|before| before.as_str()?.parse().ok());
            before.is_some_and(|before: Timestamp| said.ended_before(before))
        }))
    }

    /// Puts on record what is wrong with a session of the table, once for what was found.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn tell_session_fault(
        &self,
        fault: &SessionFault,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if fault.what == Wrong::Unknown {
            return Ok(());
        }
        let subject = session_subject(fault.id.as_uuid());
        let found = keys::digest("", fault.to_string().as_bytes());
        self.follow().await?;
        if self.said().is_told(&subject, &found) {
            return Ok(());
        }
        let mut change = self.write().await?;
        change.follow().await?;
        // Another node may have been first.
        if change.said().is_told(&subject, &found) {
            return Ok(());
        }
        let why = match fault.what {
            Wrong::Planted => {
                "no entry began this session: it was put into the store by hand; nothing is done by it"
            }
            Wrong::Missing => "the table of sessions does not have this session any more",
            Wrong::Altered | Wrong::Unknown => {
                "the table of sessions has something else of this session than the log tells of: nothing is destroyed, ended or moved by it"
            }
        };
        let differs: Vec<&str> = fault.differs.iter().map(|(what, _)| *what).collect();
        let mut record = AuditRecord::new(AuditKind::NotOnRecord, at)
            .session(fault.id)
            .refused()
            .reason(why)
            .detail("number", fault.number)
            .detail("differs", differs)
            .detail(keys::CONTRADICTED, found);
        record.client = fault.concerns().cloned();
        change.commit(&[record]).await
    }
}

impl Said {
    /// What is wrong with a row, as far as words that may say otherwise are there: they may be among those that are not known
    /// yet, or were away just now, or they were read before. `unread` is how often words had been away before it was looked at.
    pub(super) fn excused(&self, fault: SessionFault, unread: u64) -> SessionFault {
        let was_begun = fault.what == Wrong::Planted && self.is_open(fault.id.as_uuid());
        let may_be_away =
            self.owes_after(fault.began.unwrap_or(0)) || self.times_unread() != unread || was_begun;
        fault.unless(may_be_away)
    }
}

/// Rows that do not read are left out, and told to whoever runs the gateway; [`Store::compare_sessions`] names them.
pub(in crate::store) fn read_all(rows: &[Row]) -> Vec<SessionRow> {
    let read = rows.iter().filter_map(|row| match read_row(row) {
        Ok(row) => Some(row),
        Err(error) => {
            tracing::error!(%error, number = row.int("number").unwrap_or_default(), "a session of the table does not read; run: ecluse journal verify");
            None
        }
    });
    read.collect()
}

/// What came of comparing the whole table.
#[derive(Debug, Default)]
pub struct Compared {
    /// The sessions that have a row.
    pub ids: Vec<SessionId>,
    /// What is wrong with rows.
    pub faults: Vec<SessionFault>,
    /// Rows that do not read, in words.
    pub unread: Vec<String>,
}
