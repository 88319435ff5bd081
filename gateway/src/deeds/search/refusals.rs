//! Refusals on record, beside those in recordings: each is one hit, in the recording of its session where that has it.
//!
//! What is asked of a connection before its shell is refused before there is a session; it is told to the recording that
//! then begins all the same.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::SessionId;
use ecluse_recordings::search::{LineKind, Questions};

use super::lines::Lines;
use crate::audit::{AuditKind, AuditRecord, AuditVerdict};
use crate::gateway::Gateway;
use crate::store::{AuditQuery, Session, SessionQuery, StoreError};

/// Entries that are looked through.
const MOST: u32 = 10_000;

/// A refusal on record that no session has in its entry.
pub(super) struct Refused {
    pub(super) record: AuditRecord,
    /// The session that began on its connection, and its number.
    pub(super) session: Option<(SessionId, u64)>,
}

/// The refusals of a selection.
#[derive(Default)]
pub(super) struct Refusals {
    /// Sessions that their entries, or those of their connections, name.
    touched: BTreeSet<SessionId>,
    /// The latest first; those in which the words are found.
    loose: Vec<Refused>,
    /// Sessions of which a refusal was shown.
    shown: BTreeSet<SessionId>,
}

impl Refusals {
    /// Those on record, where refusals are looked for.
    pub(super) async fn of(
        house: &Gateway,
        sessions: &SessionQuery,
        question: &Questions,
        lines: Lines,
    ) -> Result<Self, StoreError> {
        let mut refusals = Self::default();
        if !lines.look_at(LineKind::Refusal) {
            return Ok(refusals);
        }
        let of = |kind| AuditQuery {
            client: sessions.client.clone(),
            person: sessions.person.as_ref().map(ToString::to_string),
            target: sessions.target.clone(),
            intervention: sessions.intervention,
            kinds: vec![kind],
            latest_first: true,
            limit: Some(MOST),
            ..AuditQuery::default()
        };
        let store = &house.store;
        let refused = AuditQuery {
            from: sessions.from,
            until: sessions.until,
            // Also what nobody was admitted to at all: attempts are looked for by whoever looks for refusals (R5).
            kinds: vec![AuditKind::FlowRefused, AuditKind::Admission],
            ..of(AuditKind::FlowRefused)
        };
        let found = store.audit(&refused).await?;
        let (with, without): (Vec<_>, Vec<_>) = found
            .into_iter()
            .map(|stored| stored.record)
            .filter(|record| record.verdict == Some(AuditVerdict::Refuse))
            .partition(|record| record.session.is_some());
        refusals.touched = with.iter().filter_map(|record| record.session).collect();
        // Variables that were not sent stand in the entry of what was permitted beside.
        let permitted = AuditQuery {
            from: sessions.from,
            until: sessions.until,
            ..of(AuditKind::Permit)
        };
        let permits = store.audit(&permitted).await?.into_iter();
        let is_less = |record: &AuditRecord| {
            let left_out = ["variables-refused", "variables-beyond-bounds"];
            left_out.iter().any(|key| record.detail.contains_key(*key))
        };
        let less = permits.filter(|stored| is_less(&stored.record));
        refusals
            .touched
            .extend(less.filter_map(|stored| stored.record.session));
        let Some(oldest) = without.iter().map(|record| record.at).min() else {
            return Ok(refusals);
        };
        // A session may begin on a connection once it was refused something.
        let begun = AuditQuery {
            from: Some(oldest),
            ..of(AuditKind::SessionStart)
        };
        let mut begun_on: BTreeMap<String, (SessionId, u64)> = BTreeMap::new();
        for stored in store.audit(&begun).await? {
            let record = stored.record;
            let number = record
                .detail
                .get("number")
                .and_then(|number| number.as_u64());
            if let (Some(connection), Some(id), Some(number)) =
                (connection(&record), record.session, number)
            {
                // The latest come first: the first of a connection is what is left.
                begun_on.insert(connection.to_owned(), (id, number));
            }
        }
        for record in without {
            // What was refused within an intervention, before any session of it, is told to no recording.
            let session = connection(&record)
                .filter(|_| record.kind == AuditKind::FlowRefused && record.intervention.is_none())
                .and_then(|on| begun_on.get(on).copied());
            refusals.touched.extend(session.map(|(id, _)| id));
            if question.is_in_words_of_ours(&refusal(&record)) {
                refusals.loose.push(Refused { record, session });
            }
        }
        Ok(refusals)
    }

    /// Whether something of this session was refused, as far as is on record.
    pub(super) fn touch(&self, session: &Session) -> bool {
        self.touched.contains(&session.start.id)
    }

    /// A refusal in a session's recording was shown.
    pub(super) fn shown_of(&mut self, session: &Session) {
        self.shown.insert(session.start.id);
    }

    /// Those that no recording showed.
    pub(super) fn left(&mut self) -> Vec<Refused> {
        let (loose, shown) = (std::mem::take(&mut self.loose), &self.shown);
        let told = |one: &Refused| one.session.is_some_and(|(id, _)| shown.contains(&id));
        loose.into_iter().filter(|one| !told(one)).collect()
    }
}

fn connection(record: &AuditRecord) -> Option<&str> {
    record.detail.get("connection")?.as_str()
}

/// A refused flow on one line.
pub(super) fn refusal(record: &AuditRecord) -> String {
    let flow = record.detail.get("flow").and_then(|flow| flow.as_str());
    let reason = record.reason.as_deref().unwrap_or_default();
    format!("{}: {reason}", flow.unwrap_or_default())
}
