//! Orders to other nodes, nodes, and whom a change wakes (I5).

use std::time::Duration;

use ecluse_policy::{ClientId, HostPort, InterventionId, PersonId};
use uuid::Uuid;

use super::at;
use crate::audit::{AuditKind, AuditRecord};
use crate::live::{CutWhat, Order};
use crate::store::sql::values;
use crate::store::testing::{TestStore, on_each_engine, records_of};
use crate::store::{Held, LEASE, Reply, Topics};

fn order() -> Order {
    Order {
        client: ClientId::parse("hopital").unwrap(),
        by: PersonId::parse("odile").unwrap(),
        what: CutWhat::All,
        reason: Some("enough".to_owned()),
    }
}

fn record() -> AuditRecord {
    let order = order();
    let record = AuditRecord::new(AuditKind::CutOrdered, at(1));
    record.client(&order.client).person(&order.by)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn changed(store: &TestStore, sql: &'static str) {
    let mut tx = store.db().begin().await.unwrap();
    assert_eq!(tx.execute(sql, values![]).await.unwrap(), 1, "{sql}");
    tx.commit().await.unwrap();
}

#[test]
fn an_order_is_held_by_its_nodes_until_each_answers_once() {
    on_each_engine(async |store| {
        let cut = AuditRecord::new(AuditKind::Cut, at(1));
        let given = store
            .give_order(
                &order(),
                &names(&["b", "c"]),
                record(),
                std::slice::from_ref(&cut),
            )
            .await
            .unwrap();
        assert_eq!(store.orders_for("a").await.unwrap(), []);
        for node in ["b", "c"] {
            let held = store.orders_for(node).await.unwrap();
            let [
                Held::OnRecord {
                    id,
                    order: of,
                    upto,
                    age,
                },
            ] = held.as_slice()
            else {
                panic!("{held:?}");
            };
            assert_eq!((*id, of, *upto), (given.id, &order(), 0));
            assert!(*age < Duration::from_secs(60));
        }
        let reply = Reply::Done {
            sessions: vec![3],
            guests: vec![PersonId::parse("alice").unwrap()],
        };
        for first in [true, false] {
            let records = [cut.clone()];
            let answer = store.answer_order(given.id, "b", &reply, &records);
            assert_eq!(answer.await.unwrap(), first);
        }
        assert_eq!(store.orders_for("b").await.unwrap(), []);
        let answers = store.answers(&given).await.unwrap();
        assert_eq!(
            answers.into_iter().collect::<Vec<_>>(),
            [("b".to_owned(), reply)]
        );
        store.forget_answers(&given).await.unwrap();
        assert!(store.answers(&given).await.unwrap().is_empty());
        // The one that did not answer still has it.
        assert_eq!(store.orders_for("c").await.unwrap().len(), 1);
        let kinds = [AuditKind::Cut, AuditKind::CutOrdered];
        let kinds: Vec<_> = records_of(store, &kinds)
            .await
            .iter()
            .map(|one| one.kind)
            .collect();
        assert_eq!(
            kinds,
            [AuditKind::Cut, AuditKind::CutOrdered, AuditKind::Cut]
        );
    });
}

/// R3: each way in which a row can differ from what was ordered.
#[test]
fn r3_a_row_that_the_log_does_not_tell_of_is_no_order() {
    on_each_engine(async |store| {
        for alter in [
            "UPDATE orders SET body = REPLACE(body, '\"all\"', '{\"session\":1}')",
            "UPDATE orders SET body = REPLACE(body, 'odile', 'omar')",
            "UPDATE orders SET body = 'nonsense'",
            "UPDATE orders SET salt = '00'",
            "UPDATE orders SET seq = seq + 100",
            "UPDATE orders SET seq = 1",
            "UPDATE orders SET node = 'd'",
        ] {
            // The first place of the log is no order's.
            store
                .record(&[AuditRecord::new(AuditKind::LogOn, at(1))])
                .await
                .unwrap();
            store
                .give_order(&order(), &names(&["b"]), record(), &[])
                .await
                .unwrap();
            changed(store, alter).await;
            let node = if alter.contains("'d'") { "d" } else { "b" };
            let held = store.orders_for(node).await.unwrap();
            assert!(
                matches!(held.as_slice(), [Held::Forged { .. }]),
                "{alter}: {held:?}"
            );
            changed(store, "DELETE FROM orders").await;
        }
    });
}

#[test]
fn a_node_is_lost_when_the_stores_own_clock_heard_nothing_of_it_for_a_lease() {
    on_each_engine(async |store| {
        let address = HostPort::parse("gw2.example:2222").unwrap();
        store.renew_node("b", &address).await.unwrap();
        let lost = async || {
            let nodes = store.gateways().await.unwrap();
            let [node] = nodes.as_slice() else {
                panic!("{nodes:?}")
            };
            assert_eq!((node.name.as_str(), &node.address), ("b", &address));
            node.is_lost()
        };
        assert!(!lost().await);
        let micros = LEASE.as_micros() + 1_000_000;
        assert_eq!(micros, 11_000_000, "the statements below");
        changed(store, "UPDATE nodes SET renewed_at = renewed_at - 11000000").await;
        assert!(lost().await);
        store.renew_node("b", &address).await.unwrap();
        assert!(!lost().await);
        // The store's clock was set back: a renewal that is still to come proves nothing.
        changed(
            store,
            "UPDATE nodes SET renewed_at = renewed_at + 3600000000",
        )
        .await;
        assert!(lost().await);
        store.renew_node("b", &address).await.unwrap();
        assert!(!lost().await);
        store.leave_node("b").await.unwrap();
        assert_eq!(store.gateways().await.unwrap(), []);
    });
}

/// A commit wakes whom it concerns, in this process and in another, and nobody else here.
#[test]
fn a_change_wakes_those_whom_it_concerns() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let hopital = ClientId::parse("hopital").unwrap();
        let mine = InterventionId::from_uuid(Uuid::from_u128(1));
        let step = AuditRecord::new(AuditKind::Seen, at(1))
            .client(&hopital)
            .intervention(mine);
        let elses = InterventionId::from_uuid(Uuid::from_u128(2));
        let mairie = ClientId::parse("mairie").unwrap();
        let woken = [
            Topics::intervention(mine),
            Topics::interventions(),
            Topics::told_to(&hopital),
            Topics::everything(),
        ]
        .map(|topics| store.changes(topics));
        let asleep = [
            Topics::intervention(elses),
            Topics::copied_to(&mairie),
            Topics::documents(),
            Topics::keys(),
            Topics::orders(),
            Topics::checkpoints(),
        ]
        .map(|topics| store.changes(topics));
        let mut there = other.changes(Topics::intervention(mine));
        store.record(&[step]).await.unwrap();
        assert!(woken.iter().all(|changes| changes.has_changed()));
        assert!(!asleep.iter().any(|changes| changes.has_changed()));
        let woken = tokio::time::timeout(Duration::from_secs(10), there.changed());
        woken.await.unwrap().unwrap();
        // An order, in the process that is to carry it out; and its answer, in the one that gave it.
        let (mut ordered, mut answered) = (
            other.changes(Topics::orders()),
            store.changes(Topics::orders()),
        );
        let given = store
            .give_order(&order(), &names(&["b"]), record(), &[])
            .await
            .unwrap();
        tokio::time::timeout(Duration::from_secs(10), ordered.changed())
            .await
            .unwrap()
            .unwrap();
        answered.mark_unchanged();
        assert!(
            other
                .answer_order(given.id, "b", &Reply::NotOnRecord, &[])
                .await
                .unwrap()
        );
        tokio::time::timeout(Duration::from_secs(10), answered.changed())
            .await
            .unwrap()
            .unwrap();
        other.close().await;
    });
}

/// Nobody subscribes too late: what is committed after the subscription wakes, what was committed before is read.
#[test]
fn no_change_is_lost_between_subscribing_and_reading() {
    on_each_engine(async |store| {
        let writer = store.store.clone();
        let writing = tokio::spawn(async move {
            for number in 0..50 {
                let record = AuditRecord::new(AuditKind::KeyMade, at(number));
                writer.record(&[record]).await.unwrap();
            }
        });
        let all = async {
            loop {
                let mut changes = store.changes(Topics::keys());
                if records_of(store, &[AuditKind::KeyMade]).await.len() == 50 {
                    return;
                }
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), all)
            .await
            .unwrap();
        writing.await.unwrap();
    });
}
