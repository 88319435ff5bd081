//! Orders to other nodes, nodes, and whom a change wakes (I5).

use std::time::Duration;

use ecluse_policy::{ClientId, HostPort, InterventionId, PersonId};
use ecluse_recordings::bound::digest;
use ecluse_recordings::log::leaf_hash;
use uuid::Uuid;

use super::at;
use super::sessions::began;
use crate::audit::{AuditKind, AuditRecord, Place};
use crate::live::{CutWhat, Order};
use crate::store::sql::values;
use crate::store::testing::{TestStore, on_each_engine, records_of};
use crate::store::{HEARD_WITHIN, Held, LEASE, ORDER, Reply, Run, Topics};

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
    store.changed_by_hand(sql).await;
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
        for records in [std::slice::from_ref(&cut), &[]] {
            store
                .answer_orders(&[given.id], "b", &reply, records)
                .await
                .unwrap();
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

/// R3: an entry beyond the end of the log could be taken away again once it was obeyed; one that stands elsewhere than it
/// says is another's. What an order says of sessions that have not begun is nothing.
#[test]
fn r3_an_order_stands_within_the_log_and_means_what_has_begun() {
    on_each_engine(async |store| {
        let body = r#"{"order":{"client":"hopital","by":"odile","what":"all","reason":null},"upto":1000000,"given-at":0,"nodes":["b"]}"#;
        let salt = "00".repeat(16);
        let id = Uuid::from_u128(7);
        let forge = async |stands: u64, says: u64| {
            let record = record()
                .kind(AuditKind::CutOrdered)
                .permitted()
                .detail(ORDER, id.to_string())
                .detail("order-sha256", digest(&salt, body.as_bytes()));
            let entry = record.to_entry(Place {
                salt: salt.clone(),
                seq: says,
                event: Uuid::from_u128(8),
                nth: None,
                previous: None,
            });
            let entry = String::from_utf8(entry.to_line().unwrap()).unwrap();
            let leaf = leaf_hash(entry.as_bytes()).0.to_vec();
            let mut tx = store.db().begin().await.unwrap();
            let sql = "INSERT INTO journal (seq, leaf, entry) VALUES ($1, $2, $3)";
            tx.execute(sql, values![stands, leaf, entry]).await.unwrap();
            let sql = "INSERT INTO orders (id, node, given_at, seq, salt, body) VALUES ($1, 'b', 0, $2, $3, $4)";
            tx.execute(sql, values![id, stands, &salt, body])
                .await
                .unwrap();
            tx.commit().await.unwrap();
        };
        let held = async || store.orders_for("b").await.unwrap();
        let counted = async |upto: u64| {
            let mut tx = store.db().begin().await.unwrap();
            let sql = "UPDATE counters SET value = $1 WHERE name = 'audit'";
            tx.execute(sql, values![upto]).await.unwrap();
            tx.commit().await.unwrap();
        };
        forge(1_000_000_000, 1_000_000_000).await;
        let found = held().await;
        assert!(
            matches!(found.as_slice(), [Held::Forged { .. }]),
            "{found:?}"
        );
        // Were it counted, it would be a hole of a thousand million entries; the order itself reads.
        counted(1_000_000_000).await;
        let found = held().await;
        assert!(
            matches!(found.as_slice(), [Held::OnRecord { upto: 0, .. }]),
            "{found:?}"
        );
        changed(store, "DELETE FROM orders").await;
        forge(999_999_999, 5).await;
        let found = held().await;
        assert!(
            matches!(found.as_slice(), [Held::Forged { .. }]),
            "{found:?}"
        );
    });
}

/// What is on record goes before what nobody gave, whatever place that claims.
#[test]
fn r3_orders_that_nobody_gave_come_last() {
    on_each_engine(async |store| {
        let mut tx = store.db().begin().await.unwrap();
        for number in 0..300_u128 {
            let sql = "INSERT INTO orders (id, node, given_at, seq, salt, body) VALUES ($1, 'b', 0, 0, '00', '{}')";
            tx.execute(sql, values![Uuid::from_u128(number)])
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let given = store
            .give_order(&order(), &names(&["b"]), record(), &[])
            .await
            .unwrap();
        let held = store.orders_for("b").await.unwrap();
        assert_eq!(held.len(), 301);
        assert!(
            matches!(held.first(), Some(Held::OnRecord { id, .. }) if *id == given.id),
            "{:?}",
            held.first()
        );
    });
}

/// What was done is on record whether or not its row is there to be answered; an answer that does not read is none, and
/// takes no other with it.
#[test]
fn r3_what_an_order_did_is_on_record_without_its_row() {
    on_each_engine(async |store| {
        let cut = AuditRecord::new(AuditKind::Cut, at(1));
        let given = store
            .give_order(&order(), &names(&["b", "c"]), record(), &[])
            .await
            .unwrap();
        let done = Reply::Done {
            sessions: vec![3],
            guests: Vec::new(),
        };
        for node in ["b", "c"] {
            store
                .answer_orders(&[given.id], node, &done, &[])
                .await
                .unwrap();
        }
        changed(store, "UPDATE orders SET answer = 'x' WHERE node = 'b'").await;
        let answers = store.answers(&given).await.unwrap();
        assert_eq!(answers.keys().collect::<Vec<_>>(), ["c"]);
        changed(store, "DELETE FROM orders WHERE node = 'b'").await;
        store
            .answer_orders(&[given.id], "b", &done, &[cut])
            .await
            .unwrap();
        assert_eq!(records_of(store, &[AuditKind::Cut]).await.len(), 1);
    });
}

/// I5: nothing vouches for the table of nodes, so a row that does not read is no node and hides no other.
#[test]
fn i5_a_row_that_does_not_read_is_no_node() {
    on_each_engine(async |store| {
        let address = HostPort::parse("gw2.example:2222").unwrap();
        store
            .renew_node("b", &Run::of("a run"), &address)
            .await
            .unwrap();
        changed(
            store,
            "INSERT INTO nodes (name, address, renewed_at) VALUES ('evil', 'not an address !', 0)",
        )
        .await;
        changed(store, "INSERT INTO nodes (name, address, renewed_at) VALUES ('old', '127.0.0.1:99', -9223372036854775800)").await;
        let (nodes, faults) = store.gateways_and_faults().await.unwrap();
        let found: Vec<_> = nodes
            .iter()
            .map(|node| (node.name.as_str(), node.is_lost()))
            .collect();
        assert_eq!(found, [("b", false), ("old", true)]);
        let [fault] = faults.as_slice() else {
            panic!("{faults:?}")
        };
        assert!(fault.contains("the row of the gateway evil"), "{fault}");
    });
}

/// R4, I5: a node that does not come back is taken out on record, and its sessions end; one that lives is not.
#[test]
fn r4_a_node_that_does_not_come_back_is_taken_out_on_record() {
    on_each_engine(async |store| {
        let address = HostPort::parse("gw2.example:2222").unwrap();
        store
            .renew_node("here", &Run::of("a run"), &address)
            .await
            .unwrap();
        let start = began(store).await;
        store
            .give_order(&order(), &names(&["here"]), record(), &[])
            .await
            .unwrap();
        let heard = store
            .remove_node("here", "root", Duration::ZERO, || at(50))
            .await
            .unwrap_err();
        assert!(
            heard.to_string().contains("was heard of 0 s ago"),
            "{heard}"
        );
        changed(store, "UPDATE nodes SET renewed_at = renewed_at - 11000000").await;
        let removed = store
            .remove_node("here", "root", Duration::ZERO, || at(50))
            .await
            .unwrap();
        assert_eq!((removed.sessions, removed.orders), (vec![1], 1));
        assert_eq!(store.gateways().await.unwrap(), []);
        let found = store.session(1).await.unwrap().unwrap();
        assert_eq!((found.start.id, found.fault), (start.id, None));
        assert_eq!(found.end.unwrap().at, at(10));
        let kinds = [AuditKind::SessionEnd, AuditKind::NodeRemoved];
        let told = records_of(store, &kinds).await;
        assert!(
            told.iter().any(|one| one.kind == AuditKind::NodeRemoved),
            "{told:?}"
        );
        assert!(
            told.iter().any(|one| one.kind == AuditKind::SessionEnd),
            "{told:?}"
        );
        let unknown = store
            .remove_node("here", "root", Duration::ZERO, || at(60))
            .await
            .unwrap_err();
        assert!(unknown.to_string().contains("no gateway here"), "{unknown}");
    });
}

/// R4: a row that does not read takes out no node that lives: it goes, and whoever renews it meanwhile stays.
#[test]
fn r4_a_row_that_does_not_read_takes_out_nobody_who_lives() {
    on_each_engine(async |store| {
        let address = HostPort::parse("gw2.example:2222").unwrap();
        store
            .renew_node("here", &Run::of("a run"), &address)
            .await
            .unwrap();
        began(store).await;
        changed(store, "UPDATE nodes SET address = 'not an address !'").await;
        let lives = async {
            let rows = "SELECT name FROM nodes";
            while !store.db().rows(rows, values![]).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            store
                .renew_node("here", &Run::of("a run"), &address)
                .await
                .unwrap();
        };
        let (removed, ()) = tokio::join!(
            store.remove_node("here", "root", HEARD_WITHIN, || at(50)),
            lives
        );
        let heard = removed.unwrap_err().to_string();
        assert!(heard.contains("was heard of 0 s ago"), "{heard}");
        assert_eq!(store.session(1).await.unwrap().unwrap().end, None);
        // And one that does not live is taken out by its row that does not read.
        changed(store, "UPDATE nodes SET address = 'not an address !'").await;
        let removed = store.remove_node("here", "root", Duration::ZERO, || at(50));
        assert_eq!(removed.await.unwrap().sessions, [1]);
    });
}

#[test]
fn a_node_is_lost_when_the_stores_own_clock_heard_nothing_of_it_for_a_lease() {
    on_each_engine(async |store| {
        let address = HostPort::parse("gw2.example:2222").unwrap();
        store
            .renew_node("b", &Run::of("a run"), &address)
            .await
            .unwrap();
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
        store
            .renew_node("b", &Run::of("a run"), &address)
            .await
            .unwrap();
        assert!(!lost().await);
        // The store's clock was set back: a renewal that is still to come proves nothing.
        changed(
            store,
            "UPDATE nodes SET renewed_at = renewed_at + 3600000000",
        )
        .await;
        assert!(lost().await);
        store
            .renew_node("b", &Run::of("a run"), &address)
            .await
            .unwrap();
        assert!(!lost().await);
        store.leave_node("b", &Run::of("a run")).await.unwrap();
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
        other
            .answer_orders(&[given.id], "b", &Reply::NotOnRecord, &[])
            .await
            .unwrap();
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
