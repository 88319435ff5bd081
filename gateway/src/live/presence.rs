//! Who accompanied which session from when to when, as the log has it (I4).

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::{InterventionId, PersonId, SessionId, Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::audit::{AuditKind, AuditRecord};
use crate::store::{AuditQuery, Store, StoreError};

/// The detail of an operator's leaving: since when they were there. **Unit**: microseconds.
pub(crate) const FROM: &str = "from";
/// The detail of a leaving, or of a beginning without anybody: whether the session waits from then on.
pub(crate) const ALONE: &str = "alone";

/// The detail of a coming: how many sessions its operator accompanies at most, by the session's flow.
pub(crate) const EACH: &str = "sessions-per-operator";
/// Entries are looked for from so long before the beginning.
const BEFORE: Span = Span::from_hours(24);

/// A time in which somebody accompanied a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Presence {
    /// Who.
    pub(crate) operator: PersonId,
    /// Which session.
    pub(crate) session: SessionId,
    /// Its number.
    pub(crate) number: u64,
    /// From when.
    pub(crate) from: Timestamp,
    /// Until when; with the session's end, where none is on record.
    pub(crate) until: Option<Timestamp>,
    /// Where the entry of its beginning stands.
    pub(crate) seq: u64,
    /// How many sessions its operator accompanies at most, by the session's flow.
    pub(crate) each: u32,
}

/// All that the log has of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Presences {
    /// In the order in which they began.
    pub(crate) all: Vec<Presence>,
    /// The sessions that wait, and since when.
    pub(crate) alone: BTreeMap<SessionId, Timestamp>,
    /// How often any of them was left alone in the middle.
    pub(crate) left: u64,
}

impl Presences {
    /// Takes in the next entry.
    pub(crate) fn take_in(&mut self, seq: u64, record: &AuditRecord) {
        let Some(session) = record.session else {
            return;
        };
        let person = record.person.as_deref();
        let operator = person.and_then(|person| PersonId::parse(person).ok());
        let number = record.detail.get("number").and_then(|it| it.as_u64());
        if record.kind == AuditKind::Accompanied {
            self.alone.remove(&session);
            self.all.extend(operator.map(|operator| Presence {
                operator,
                session,
                number: number.unwrap_or_default(),
                from: record.at,
                until: None,
                seq,
                each: each(record),
            }));
        } else if record.kind == AuditKind::Unaccompanied {
            let mut open = self.all.iter_mut().filter(|one| one.until.is_none());
            let ended =
                open.find(|one| one.session == session && Some(&one.operator) == operator.as_ref());
            let was_there = ended.is_some();
            if let Some(ended) = ended {
                ended.until = Some(record.at);
            }
            if record.detail.get(ALONE).and_then(|it| it.as_bool()) == Some(true) {
                self.alone.insert(session, record.at);
                self.left += u64::from(was_there);
            }
        } else if record.kind == AuditKind::SessionEnd || record.kind == AuditKind::SessionOutlived
        {
            self.alone.remove(&session);
            let open = self.all.iter_mut().filter(|one| one.until.is_none());
            for one in open.filter(|one| one.session == session) {
                one.until = Some(record.at);
            }
        }
    }

    /// Those that are not over.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Presence> {
        self.all.iter().filter(|one| one.until.is_none())
    }

    /// Who accompanies a session now.
    pub(crate) fn with(&self, session: SessionId) -> BTreeSet<PersonId> {
        let here = self.open().filter(|one| one.session == session);
        here.map(|one| one.operator.clone()).collect()
    }
}

fn each(record: &AuditRecord) -> u32 {
    let each = record.detail.get(EACH).and_then(|it| it.as_u64());
    each.and_then(|each| u32::try_from(each).ok()).unwrap_or(1)
}

/// What the log has of one session, or of all of an intervention, that began then.
///
/// # Errors
/// The store failed.
pub(crate) async fn of(
    store: &Store,
    intervention: InterventionId,
    session: Option<SessionId>,
    since: Timestamp,
) -> Result<Presences, StoreError> {
    // Apart: what people are told of is found by the entries themselves.
    const PRESENCE: &[AuditKind] = &[AuditKind::Accompanied, AuditKind::Unaccompanied];
    const ENDS: &[AuditKind] = &[AuditKind::SessionEnd, AuditKind::SessionOutlived];
    let mut found = Vec::new();
    for kinds in [PRESENCE, ENDS] {
        let query = AuditQuery {
            intervention: Some(intervention),
            session,
            kinds: kinds.to_vec(),
            limit: Some(u32::MAX),
            // Clocks of gateways differ.
            from: Some(since.minus(BEFORE)),
            ..AuditQuery::default()
        };
        found.extend(store.audit(&query).await?);
        if found.is_empty() {
            break;
        }
    }
    found.sort_by_key(|stored| stored.seq);
    let mut presences = Presences::default();
    for stored in &found {
        presences.take_in(stored.seq, &stored.record);
    }
    Ok(presences)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// I4: a time of presence ends with its entry or with its session, whichever is first, also where a gateway was killed.
    #[test]
    fn i4_a_presence_ends_with_its_entry_or_with_its_session() {
        let id = |number: u128| SessionId::from_uuid(Uuid::from_u128(number));
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let record = |kind, seconds, session| {
            AuditRecord::new(kind, at(seconds))
                .session(id(session))
                .detail("number", 7)
        };
        let of = |kind, seconds, session, who: &str| {
            record(kind, seconds, session).person(&PersonId::parse(who).unwrap())
        };
        let (came, left) = (AuditKind::Accompanied, AuditKind::Unaccompanied);
        let take = |all: &mut Presences, record: &AuditRecord| all.take_in(1, record);
        let mut presences = Presences::default();
        take(&mut presences, &of(left, 1, 1, "alice").detail(ALONE, true));
        assert_eq!(presences.alone.get(&id(1)), Some(&at(1)));
        take(&mut presences, &of(came, 2, 1, "odile"));
        take(&mut presences, &of(came, 3, 1, "olivia"));
        assert!(presences.alone.is_empty());
        take(
            &mut presences,
            &of(left, 4, 1, "odile").detail(ALONE, false),
        );
        assert_eq!(presences.with(id(1)).len(), 1);
        take(
            &mut presences,
            &of(left, 5, 1, "olivia").detail(ALONE, true),
        );
        take(&mut presences, &of(came, 6, 1, "odile"));
        take(&mut presences, &of(came, 6, 2, "olivia"));
        take(&mut presences, &record(AuditKind::SessionEnd, 9, 1));
        let times: Vec<_> = presences
            .all
            .iter()
            .map(|one| (one.from, one.until))
            .collect();
        let expected = [(2, Some(4)), (3, Some(5)), (6, Some(9)), (6, None)];
        assert_eq!(
            times,
            expected.map(|(from, until)| (at(from), until.map(at)))
        );
        assert_eq!((presences.left, presences.alone.len()), (1, 0));
        assert!(presences.with(id(1)).is_empty() && presences.with(id(2)).len() == 1);
    }
}
