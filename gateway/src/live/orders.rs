//! Orders across nodes (I5): a cut of sessions that another gateway carries.
//!
//! Here comes first: nothing of this file is asked before what is here has ended. An order is then a row for each node that it
//! concerns, with its entry in the client's trail; the node is woken, ends its own sessions at once and answers in the row.
//! Whoever gave it waits [`ANSWER_WITHIN`] and reads what ended where, or who did not answer: for that node the order stands,
//! for what was there when it was given (`adr/0023-orders-across-nodes.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::{AsOperator, ClientId, PersonId};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

use super::{CutWhat, Guest, LiveSession};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::gateway::Gateway;
use crate::store::{Cuts, Held, ORDER, Reply, SessionQuery, Store, StoreError, Topics, with_event};

/// How long an operator waits for other nodes.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// How soon an answer is compared with the log again that it does not have yet.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The longest sleep between two looks for orders.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Orders that nobody gave are told in one act, up to so many.
const AT_ONCE: usize = 500;
/// Sessions that are looked through for nodes that an order concerns.
const MOST: u32 = 100_000;

/// What an operator orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Order {
    /// Whose sessions; no other client's (O4).
    pub client: ClientId,
    /// Who.
    pub by: PersonId,
    /// What is cut.
    pub what: CutWhat,
    /// Why, if said.
    pub reason: Option<String>,
}

impl Order {
    /// An order of this operator, about their client and no other.
    pub fn of(by: &AsOperator<'_>, what: CutWhat, reason: Option<&str>) -> Self {
        Self {
            client: by.client().clone(),
            by: by.person().clone(),
            what,
            reason: reason.map(str::to_owned),
        }
    }

    /// Whether it names a person, whose connections without a session go too.
    pub(crate) fn is_of_people(&self) -> bool {
        match self.what {
            CutWhat::Session(_) | CutWhat::Target(_) => false,
            CutWhat::Technician(_) | CutWhat::All => true,
        }
    }
}

/// What became of an order on one other node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    /// The node, as people call it.
    pub(crate) node: String,
    /// What it answered; none where it did not, in time.
    pub(crate) reply: Option<Reply>,
    /// Whether the log has what it answered: a row of the table is anybody's who can write the store.
    pub(crate) on_record: bool,
}

/// Gives an order to every other node that it concerns, with the records of what was cut here, and waits a moment for the
/// answers. Without such a node only the records are written.
///
/// # Errors
/// The store failed: nothing is on record, and nothing is ordered.
pub(crate) async fn give(
    gateway: &Gateway,
    order: &Order,
    record: AuditRecord,
    here: &[AuditRecord],
) -> Result<Vec<Elsewhere>, StoreError> {
    // Nothing that waits in turn comes before it.
    let store = gateway.store.ahead();
    let here: Vec<AuditRecord> = here.iter().cloned().map(with_event).collect();
    let asked = ask(gateway, &store, order, record, &here).await;
    if asked.is_err() {
        // It has happened: it is on record as soon as the store answers.
        store.owe(here);
    }
    asked
}

async fn ask(
    gateway: &Gateway,
    store: &Store,
    order: &Order,
    record: AuditRecord,
    here: &[AuditRecord],
) -> Result<Vec<Elsewhere>, StoreError> {
    // One session is in one place.
    let is_done = !here.is_empty() && matches!(order.what, CutWhat::Session(_));
    let concerned = if is_done || !store.may_be_shared() {
        BTreeMap::new()
    } else {
        concerned(gateway, order).await?
    };
    if concerned.is_empty() {
        if !here.is_empty() {
            store.record(here).await?;
        }
        return Ok(Vec::new());
    }
    let mut changes = store.changes(Topics::orders());
    let names: Vec<String> = concerned.keys().cloned().collect();
    let called: Vec<&str> = concerned
        .values()
        .map(|node| node.called.as_str())
        .collect();
    let record = record.detail("nodes", called);
    let given = store.give_order(order, &names, record, here).await?;
    let until = Instant::now() + ANSWER_WITHIN;
    let (answers, cuts) = loop {
        changes.mark_unchanged();
        let answers = store.answers(&given).await?;
        let cuts = store.cuts_of(&given).await?;
        let is_settled = |(name, node): (&String, &Concerned)| match answers.get(name) {
            Some(reply) => node.is_vouched(reply, &cuts),
            None => !node.is_heard,
        };
        if Instant::now() >= until || concerned.iter().all(is_settled) {
            break (answers, cuts);
        }
        // The end of a session concerns nobody who waits for orders.
        let again = if answers.is_empty() {
            until
        } else {
            until.min(Instant::now() + LOOK_AGAIN)
        };
        // Whichever comes first is looked at.
        let _ = tokio::time::timeout_at(again, changes.changed()).await;
    };
    if let Err(error) = store.forget_answers(&given).await {
        tracing::debug!(%error, "the answers to an order are forgotten later");
    }
    Ok(concerned
        .into_iter()
        .map(|(name, node)| {
            let reply = answers.get(&name).cloned();
            let on_record = reply
                .as_ref()
                .is_none_or(|reply| node.is_vouched(reply, &cuts));
            if !on_record {
                tracing::error!(node = %node.called, "an answer to an order stands in the store, and the log has nothing of it; find out who changed the store");
            }
            Elsewhere {
                node: node.called,
                reply,
                on_record,
            }
        })
        .collect())
}

/// A node that an order concerns.
struct Concerned {
    called: String,
    /// Whether an answer is to be waited for.
    is_heard: bool,
    /// The sessions of what is ordered that it carried, by number.
    carries: BTreeSet<u64>,
}

impl Concerned {
    /// Whether the log has what this node answers: each session that it names was cut by the order, and each that it carried
    /// was, or is over.
    fn is_vouched(&self, reply: &Reply, cuts: &Cuts) -> bool {
        match reply {
            Reply::Done { sessions, guests } => {
                let over =
                    |number: &u64| cuts.sessions.contains(number) || !cuts.open.contains(number);
                sessions.iter().all(|number| cuts.sessions.contains(number))
                    && guests.len() <= cuts.guests
                    && self.carries.iter().all(over)
            }
            // It denies what it was told to do, which helps nobody who would hide that.
            Reply::NotOnRecord => true,
        }
    }
}

/// The other nodes that carry sessions of what is ordered, or may hold a connection of whom it names.
async fn concerned(
    gateway: &Gateway,
    order: &Order,
) -> Result<BTreeMap<String, Concerned>, StoreError> {
    let store = &gateway.store;
    let mut query = SessionQuery {
        client: Some(order.client.clone()),
        unended: true,
        limit: Some(MOST),
        ..SessionQuery::default()
    };
    match &order.what {
        CutWhat::All => {}
        CutWhat::Session(number) => query.number = Some(*number),
        CutWhat::Technician(person) => query.person = Some(person.clone()),
        CutWhat::Target(target) => query.target = Some(target.clone()),
    }
    // The log chooses them, and no row.
    let sessions = store.sessions(&query).await?;
    let is_lost = sessions.iter().any(|session| session.fault.is_some())
        || !store.open_without_row(&query).await?.is_empty();
    let mut carried: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for session in sessions {
        let numbers = carried.entry(session.start.node).or_default();
        // A row that the log contradicts does not tell whose it is.
        if session.fault.is_none() {
            numbers.insert(session.number);
        }
    }
    let mut names: BTreeSet<String> = carried.keys().cloned().collect();
    let nodes = store.gateways().await?;
    // A row that is gone, or that the log contradicts, does not tell whose it is.
    if order.is_of_people() || is_lost {
        let heard = nodes.iter().filter(|node| !node.is_lost());
        names.extend(heard.map(|node| node.name.clone()));
    }
    names.remove(&gateway.node);
    let found = names.into_iter().map(|name| {
        let node = nodes.iter().find(|node| node.name == name);
        let concerned = Concerned {
            called: node.map_or_else(|| name.clone(), |node| node.address.to_string()),
            is_heard: node.is_some_and(|node| !node.is_lost()),
            carries: carried.remove(&name).unwrap_or_default(),
        };
        (name, concerned)
    });
    Ok(found.collect())
}

/// Carries out what other nodes order, for as long as the gateway runs.
pub(crate) async fn carry_out(gateway: Arc<Gateway>) {
    if !gateway.store.may_be_shared() {
        return;
    }
    let mut changes = gateway.store.changes(Topics::orders());
    let mut carried = Carried::default();
    loop {
        changes.mark_unchanged();
        match look(&gateway, &mut carried).await {
            // What came meanwhile goes first.
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "orders of other nodes are not seen, or not answered: the store failed");
            }
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// What was done already, while its rows stand there without an answer.
#[derive(Default)]
struct Carried {
    obeyed: BTreeMap<Uuid, Done>,
    /// Orders that nobody gave, and that were told.
    told: BTreeSet<Uuid>,
}

/// What was done, with its records until they are written.
struct Done {
    reply: Reply,
    records: Vec<AuditRecord>,
}

/// Carries out what stands there for this node: one order, where there is one, or some that nobody gave; whether there is
/// more.
async fn look(gateway: &Gateway, carried: &mut Carried) -> Result<bool, StoreError> {
    let store: Store = gateway.store.ahead();
    let held = store.orders_for(&gateway.node).await?;
    let (mut given, mut forged) = (Vec::new(), Vec::new());
    for one in held {
        match one {
            Held::OnRecord {
                id,
                order,
                upto,
                age,
            } => given.push((id, order, upto, age)),
            Held::Forged { id, client } => forged.push((id, client)),
        }
    }
    // An answer that this run did not give is not its own: what is on record is obeyed, whatever stands beside it.
    let mut answered = BTreeSet::new();
    for one in store.orders_answered(&gateway.node).await? {
        if let Held::OnRecord {
            id,
            order,
            upto,
            age,
        } = one
        {
            answered.insert(id);
            given.push((id, order, upto, age));
        }
    }
    // What does not stand there any more is not told again.
    let stands: BTreeSet<Uuid> = given.iter().map(|(id, ..)| *id).collect();
    carried.obeyed.retain(|id, _| stands.contains(id));
    let stands: BTreeSet<Uuid> = forged.iter().map(|(id, _)| *id).collect();
    carried.told.retain(|id| stands.contains(id));
    for (id, order, upto, age) in given {
        // Once, however often the store fails to take the answer.
        if answered.contains(&id) && carried.obeyed.contains_key(&id) {
            continue;
        }
        let done = carried
            .obeyed
            .entry(id)
            .or_insert_with(|| obey(gateway, id, &order, upto, age));
        let records = std::mem::take(&mut done.records);
        let (ids, reply) = ([id], &done.reply);
        let answered = store.answer_orders(&ids, &gateway.node, reply, &records);
        if let Err(error) = answered.await {
            store.owe(records);
            return Err(error);
        }
    }
    forged.retain(|(id, _)| !carried.told.contains(id));
    let more = forged.len() > AT_ONCE;
    forged.truncate(AT_ONCE);
    if !forged.is_empty() {
        let ids: Vec<Uuid> = forged.iter().map(|(id, _)| *id).collect();
        let records = disobeyed(gateway, forged);
        store
            .answer_orders(&ids, &gateway.node, &Reply::NotOnRecord, &records)
            .await?;
        carried.told.extend(ids);
    }
    Ok(more)
}

fn obey(gateway: &Gateway, id: Uuid, order: &Order, upto: u64, age: Duration) -> Done {
    let documents = &gateway.applied().documents;
    let guests = gateway.live.guests.cut(order, documents, Some(age));
    let sessions = gateway.live.carry_out(id, order, upto);
    tracing::info!(%id, by = %order.by, client = %order.client, sessions = sessions.len(), "an order of another node is carried out");
    let of_sessions = sessions.iter().map(|session| cut_by(id, order, session));
    let of_guests = guests
        .iter()
        .map(|guest| of_guest(by_order(id, order), &order.client, guest));
    Done {
        records: of_sessions.chain(of_guests).map(with_event).collect(),
        reply: Reply::Done {
            sessions: sessions
                .iter()
                .map(|session| session.facts().number)
                .collect(),
            guests: guests.into_iter().map(|guest| guest.person).collect(),
        },
    }
}

/// The record of a session that an order of another node cut.
pub(super) fn cut_by(id: Uuid, order: &Order, session: &LiveSession) -> AuditRecord {
    of_session(by_order(id, order), session)
}

fn by_order(id: Uuid, order: &Order) -> AuditRecord {
    let record = AuditRecord::new(AuditKind::Cut, clock::now())
        .person(&order.by)
        .permitted()
        .detail(ORDER, id.to_string());
    match &order.reason {
        Some(reason) => record.reason(reason),
        None => record,
    }
}

/// Orders that the log knows nothing of are cuts in somebody's name that nobody ordered: one entry for each client that they
/// name, however many they are.
fn disobeyed(gateway: &Gateway, forged: Vec<(Uuid, Option<ClientId>)>) -> Vec<AuditRecord> {
    let documents = &gateway.applied().documents;
    let mut by_client: BTreeMap<Option<ClientId>, Vec<Uuid>> = BTreeMap::new();
    for (id, client) in forged {
        let client = client.filter(|client| documents.client(client).is_some());
        by_client.entry(client).or_default().push(id);
    }
    let told = by_client.into_iter().map(|(client, ids)| {
        let first = ids.first().copied().unwrap_or_default();
        let count = ids.len();
        tracing::error!(id = %first, count, "orders in the store are not on record and were not obeyed; find out who changed the store");
        let record = AuditRecord::new(AuditKind::NotOnRecord, clock::now())
            .refused()
            .reason("an order to this node stands in the store, and no entry of the log gave it")
            .detail(ORDER, first.to_string())
            .detail("orders", count);
        match client {
            Some(client) => record.client(&client),
            None => record,
        }
    });
    told.collect()
}

/// What a record says of a session that was cut.
pub(crate) fn of_session(record: AuditRecord, session: &LiveSession) -> AuditRecord {
    let facts = session.facts();
    record
        .client(&facts.client)
        .target(&facts.target)
        .intervention(facts.intervention)
        .session(facts.id)
        .detail("technician", facts.person.to_string())
        .detail("number", facts.number)
}

/// What a record says of a connection that carried no session and was cut.
pub(crate) fn of_guest(record: AuditRecord, client: &ClientId, guest: &Guest) -> AuditRecord {
    let record = record
        .client(client)
        .detail("technician", guest.person.to_string())
        .detail("connection-cut", guest.connection.to_string());
    match &guest.target {
        Some(target) => record.target(target),
        None => record,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I5: a node that says that it cut counts for what the log has of it.
    #[test]
    fn i5_an_answer_without_its_cuts_is_not_vouched_for() {
        let node = Concerned {
            called: "b".to_owned(),
            is_heard: true,
            carries: BTreeSet::from([3]),
        };
        let done = |sessions: &[u64], guests: &[&str]| Reply::Done {
            sessions: sessions.to_vec(),
            guests: guests
                .iter()
                .map(|person| PersonId::parse(person).unwrap())
                .collect(),
        };
        let cuts = |sessions: &[u64], guests, open: &[u64]| Cuts {
            sessions: sessions.iter().copied().collect(),
            guests,
            open: open.iter().copied().collect(),
        };
        for (reply, cuts, vouched) in [
            (done(&[3], &[]), cuts(&[], 0, &[3]), false),
            (done(&[3], &[]), cuts(&[], 0, &[]), false),
            (done(&[3], &[]), cuts(&[3], 0, &[3]), true),
            // Nothing was there, it says.
            (done(&[], &[]), cuts(&[], 0, &[3]), false),
            (done(&[], &[]), cuts(&[], 0, &[4]), true),
            (done(&[], &["alice"]), cuts(&[], 0, &[]), false),
            (done(&[], &["alice"]), cuts(&[], 1, &[]), true),
            (Reply::NotOnRecord, cuts(&[], 0, &[3]), true),
        ] {
            assert_eq!(
                node.is_vouched(&reply, &cuts),
                vouched,
                "{reply:?} {cuts:?}"
            );
        }
    }
}
