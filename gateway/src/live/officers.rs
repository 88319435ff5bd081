//! Which operators of a client are logged on: whom something can be asked at this moment.
//!
//! Here that is known by their connections. On another gateway it is known by the log alone: a log-on without its log-off, in the
//! last day, while such a gateway is heard of. One that was killed leaves log-ons without an end behind, and what is asked then
//! waits for its time instead of being refused at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ecluse_policy::{ClientId, Documents, PersonId, PersonRef, Span, Timestamp};

use super::Shared;
use crate::audit::{AuditKind, AuditVerdict, StoredAuditRecord};
use crate::clock;
use crate::gateway::Gateway;
use crate::store::{AuditQuery, StoreError};

/// How old a log-on may be that is known by the log alone.
const A_DAY: Span = Span::from_hours(24);

/// An operator's connection.
#[derive(Debug)]
struct Officer {
    person: PersonId,
    client: ClientId,
    shared: Weak<Shared>,
}

/// Those who are here.
#[derive(Debug, Default)]
pub(crate) struct Officers(Mutex<Vec<Officer>>);

impl Officers {
    /// Somebody is here, for as long as their connection's [`Shared`] lives.
    pub(crate) fn enter(&self, person: PersonId, client: ClientId, shared: &Arc<Shared>) {
        let mut here = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        here.retain(|officer| officer.shared.strong_count() > 0);
        here.push(Officer {
            person,
            client,
            shared: Arc::downgrade(shared),
        });
    }

    /// Those of a client whose connections have not ended.
    fn of(&self, client: &ClientId) -> BTreeSet<PersonId> {
        let here = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let live = |officer: &&Officer| {
            let shared = officer.shared.upgrade();
            officer.client == *client && shared.is_some_and(|shared| !shared.is_over())
        };
        here.iter()
            .filter(live)
            .map(|one| one.person.clone())
            .collect()
    }
}

/// The operators of a client who are logged on, here or on another gateway, and in force.
///
/// # Errors
/// The store failed.
pub(crate) async fn logged_on(
    house: &Gateway,
    client: &ClientId,
) -> Result<BTreeSet<PersonId>, StoreError> {
    let now = clock::agreed();
    let mut all = house.live.officers.of(client);
    if house.store.may_be_shared() {
        let nodes = house.store.gateways().await?;
        let others = nodes.iter().filter(|node| node.name != house.node);
        if others.filter(|node| !node.is_lost()).count() > 0 {
            all.extend(by_the_log(house, client, now).await?);
        }
    }
    let documents = &house.applied().documents;
    all.retain(|person| may_answer(documents, client, person, now));
    Ok(all)
}

async fn by_the_log(
    house: &Gateway,
    client: &ClientId,
    now: Timestamp,
) -> Result<BTreeSet<PersonId>, StoreError> {
    let query = AuditQuery {
        client: Some(client.clone()),
        kinds: vec![AuditKind::LogOn, AuditKind::LogOff],
        from: Some(now.minus(A_DAY)),
        limit: Some(u32::MAX),
        ..AuditQuery::default()
    };
    Ok(open(&house.store.audit(&query).await?))
}

/// Whose log-ons have no log-off behind them.
fn open(found: &[StoredAuditRecord]) -> BTreeSet<PersonId> {
    let mut open: BTreeMap<&str, PersonId> = BTreeMap::new();
    for StoredAuditRecord { record, .. } in found {
        let connection = record.detail.get("connection").and_then(|it| it.as_str());
        let Some(connection) = connection else {
            continue;
        };
        if record.kind == AuditKind::LogOff {
            open.remove(connection);
        } else if record.verdict == Some(AuditVerdict::Permit)
            && let Some(person) = record.person.as_deref()
            && let Ok(person) = PersonId::parse(person)
        {
            open.insert(connection, person);
        }
    }
    open.into_values().collect()
}

fn may_answer(documents: &Documents, client: &ClientId, person: &PersonId, now: Timestamp) -> bool {
    match documents.person(person) {
        Some(found @ PersonRef::Operator { client: owner, .. }) => {
            owner.id == *client && found.in_force(now).is_ok()
        }
        Some(PersonRef::Technician { .. } | PersonRef::Auditor { .. }) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditRecord;

    /// Whoever logged on and has not logged off is there, once for each connection of theirs.
    #[test]
    fn a_log_on_without_its_log_off_is_somebody_who_is_there() {
        let record = |kind, person: &str, connection: &str| StoredAuditRecord {
            seq: 1,
            event: None,
            nth: None,
            record: AuditRecord::new(kind, Timestamp::from_micros(0))
                .person(&PersonId::parse(person).unwrap())
                .permitted()
                .detail("connection", connection),
        };
        let found = open(&[
            record(AuditKind::LogOn, "odile", "1"),
            record(AuditKind::LogOn, "olive", "2"),
            record(AuditKind::LogOn, "odile", "3"),
            record(AuditKind::LogOff, "odile", "1"),
            record(AuditKind::LogOff, "olive", "2"),
        ]);
        assert_eq!(found, [PersonId::parse("odile").unwrap()].into());
    }
}
