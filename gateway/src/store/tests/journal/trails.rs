//! Each client's entries have a number and a chain, which shows what an index or a counter was made to hide (R3, R9).

use ecluse_policy::documents::NodeRules;
use ecluse_recordings::log::{Break, Entry};

use super::{attack, client, defects, write};
use crate::audit::{AuditKind, AuditRecord};
use crate::store::migrations;
use crate::store::sql::values;
use crate::store::testing::{TestStore, on_each_engine};
use crate::store::tests::at;
use crate::store::{AuditQuery, Defect, Store, new_id, opening};

async fn trail(store: &Store, whose: &str) -> Vec<Entry> {
    let stored = store.trail(&client(whose), 0, 1000).await.unwrap();
    stored
        .iter()
        .filter_map(|stored| Entry::parse(stored.line.as_deref()?.as_bytes()).ok())
        .collect()
}

/// R9: numbers without gaps and a chain, under two nodes that write at once, on both engines.
#[test]
fn r9_each_trail_is_numbered_and_chained_whoever_writes() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..24 {
            let node = if number % 2 == 0 {
                store.store.clone()
            } else {
                other.clone()
            };
            let whose = [Some("hopital"), Some("mairie"), None][number % 3];
            tasks.spawn(async move {
                let record = AuditRecord::new(AuditKind::Permit, at(1));
                let record = match whose {
                    Some(whose) => record.client(&client(whose)),
                    None => record,
                };
                node.record(&[record.clone(), record]).await
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
        assert_eq!(defects(store).await, []);
        for whose in ["hopital", "mairie"] {
            let entries = trail(store, whose).await;
            let numbers: Vec<u64> = entries.iter().filter_map(|entry| entry.nth).collect();
            assert_eq!(numbers, (1..=16).collect::<Vec<_>>());
            let first = entries.first().unwrap();
            assert_eq!(first.previous, None, "the first says that it is the first");
            for pair in entries.windows(2) {
                let stored = store.entry(pair[0].seq).await.unwrap().unwrap();
                assert_eq!(pair[1].previous, Some(stored.leaf));
            }
        }
        other.close().await;
    });
}

/// An administrator who gives a client's entry to another client, or to nobody, in the column by which entries are
/// found: the client gets it all the same, nobody else does, and it is named.
#[test]
fn r9_an_entry_that_the_index_hides_is_found_and_named() {
    on_each_engine(async |store| {
        write(store, 12).await;
        let before = trail(store, "hopital").await;
        assert_eq!(before.len(), 6);
        for (whose, seq) in [("'mairie'", 4), ("NULL", 8), ("'mairie'", 12)] {
            let hide = format!("UPDATE audit SET client = {whose} WHERE seq = {seq}");
            attack(store, &[&hide]).await;
        }
        assert_eq!(trail(store, "hopital").await, before, "the whole of it");
        // In small pages too, from anywhere.
        for after in 0..12 {
            let mut found = Vec::new();
            let mut from = after;
            loop {
                let page = store.trail(&client("hopital"), from, 2).await.unwrap();
                let Some(last) = page.last() else { break };
                from = last.seq;
                found.extend(page.into_iter().map(|entry| entry.seq));
            }
            let expected: Vec<u64> = (after + 1..=12).filter(|seq| seq % 2 == 0).collect();
            assert_eq!(found, expected, "after {after}");
        }
        let of_mairie = trail(store, "mairie").await;
        assert!(
            of_mairie
                .iter()
                .all(|entry| entry.client.as_deref() == Some("mairie"))
        );
        let query = AuditQuery {
            client: Some(client("mairie")),
            ..AuditQuery::default()
        };
        let read = store.audit(&query).await.unwrap();
        assert_eq!(read.len(), 6, "what the index gave away is read by nobody");
        let named = [4, 8, 12].map(|seq| Defect::RecordDiffers { seq });
        assert_eq!(defects(store).await, named);
    });
}

/// A counter of a trail that was put back, ahead, or away: the entries that follow tell.
#[test]
fn r3_a_trails_counter_that_was_changed_is_named() {
    for sql in [
        "UPDATE trails SET nth = nth - 1 WHERE client = 'hopital'",
        "UPDATE trails SET nth = nth + 7 WHERE client = 'hopital'",
        "UPDATE trails SET leaf = (SELECT leaf FROM journal WHERE seq = 1) WHERE client = 'hopital'",
        "DELETE FROM trails WHERE client = 'hopital'",
    ] {
        on_each_engine(async |store| {
            write(store, 6).await;
            attack(store, &[sql]).await;
            let found = defects(store).await;
            assert!(
                matches!(found[..], [Defect::TrailEnd { .. }]),
                "{sql}: {found:?}"
            );
            write(store, 4).await;
            let found = defects(store).await;
            assert!(
                matches!(found[0], Defect::Trail { seq: 8, .. }),
                "{sql}: {found:?}"
            );
        });
    }
}

/// The tail of a client's entries, cut off with everything that counts them but the log: each is named.
#[test]
fn r3_a_client_entry_taken_from_the_middle_is_named_by_its_number() {
    on_each_engine(async |store| {
        write(store, 8).await;
        attack(
            store,
            &[
                "DELETE FROM journal WHERE seq = 4",
                "DELETE FROM audit WHERE seq = 4",
            ],
        )
        .await;
        let gap = Defect::Trail {
            seq: 6,
            found: Break::Gap {
                client: Some("hopital".into()),
                nth: 3,
                missing: 1,
                from: 2,
            },
        };
        let found = defects(store).await;
        assert!(found.contains(&gap), "{found:?}");
        assert!(
            gap.to_string()
                .contains("number 3 of the trail of hopital, and number 2 is missing"),
            "{gap}"
        );
    });
}

/// R7: under one client's retention nobody else's words go, whatever the index was made to say.
#[test]
fn r7_a_destruction_takes_no_words_that_the_index_gave_it() {
    on_each_engine(async |store| {
        write(store, 6).await;
        attack(
            store,
            &["UPDATE audit SET client = 'hopital' WHERE seq = 3"],
        )
        .await;
        let destruction = crate::store::Destruction {
            client: Some(client("hopital")),
            in_force: false,
            before: at(100),
            at: at(1000),
            by: "root".into(),
            why: "the service ended".into(),
        };
        let done = store.destroy_client_entries(&destruction).await.unwrap();
        assert_eq!(done.unwrap().entries, 3);
        assert!(store.entry(3).await.unwrap().unwrap().line.is_some());
    });
}

/// How far a trail had come is known of every size of the journal, and once an hour it is an entry.
#[test]
fn r3_how_far_each_trail_has_come_is_told_and_on_record_each_hour() {
    on_each_engine(async |store| {
        write(store, 8).await;
        let hopital = client("hopital");
        for size in 0..=8 {
            let head = store.trail_at(&hopital, size).await.unwrap();
            assert_eq!(head.map_or(0, |head| head.nth), size / 2, "at {size}");
            if let Some(head) = head {
                let last = store.entry(size / 2 * 2).await.unwrap().unwrap();
                assert_eq!(head.leaf, last.leaf, "at {size}");
            }
        }
        let texts = crate::store::tests::documents_of(&["hopital"]);
        store.apply_documents(&texts, "root", at(10)).await.unwrap();
        let counts = async || {
            let query = AuditQuery {
                client: Some(client("hopital")),
                kinds: vec![AuditKind::TrailCount],
                ..AuditQuery::default()
            };
            store.audit(&query).await.unwrap()
        };
        store.count_trails(at(3000)).await.unwrap();
        assert!(counts().await.is_empty(), "not before an hour is over");
        for (second, said) in [(4000, 1), (4100, 1), (7700, 2)] {
            store.count_trails(at(second)).await.unwrap();
            assert_eq!(counts().await.len(), said, "at {second}");
        }
        let counted = counts().await;
        let (first, nth) = (&counted[0].record, counted[0].nth.unwrap());
        assert_eq!(first.detail["entries"], nth - 1);
        // A client of no document is counted no more: its trail has ended.
        let query = AuditQuery {
            client: Some(client("mairie")),
            kinds: vec![AuditKind::TrailCount],
            ..AuditQuery::default()
        };
        assert!(store.audit(&query).await.unwrap().is_empty());
        assert_eq!(defects(store).await, []);
    });
}

/// A store of a format before the journal, and one before the trails: what they hold reads as before, is said to be
/// from before, and what comes then is numbered from 1.
#[tokio::test]
async fn an_old_store_is_brought_into_the_journal_and_its_trails_begin_then() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ecluse.db");
    let db = opening::sqlite(&path).await.unwrap();
    migrations::run(&db, "a test", 2).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    for seq in 1..=5u64 {
        let sql = "INSERT INTO audit (seq, id, at, kind, person, station, source, terminal, client, target, verdict, reason, detail) \
                   VALUES ($1, $2, $3, 'request', 'alice', 'ws-1', '192.0.2.1', 'OpenSSH', 'hopital', 'db01', 'permit', 'because', '{\"n\":1}')";
        let id = new_id(at(1)).unwrap();
        tx.execute(sql, values![seq, id, at(1)]).await.unwrap();
    }
    let sql = "UPDATE counters SET value = 5 WHERE name = 'audit'";
    tx.execute(sql, values![]).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;

    let keys = dir.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    crate::secrets::StoreKey::create(&keys).unwrap();
    let open = async || {
        let db = opening::sqlite(&path).await.unwrap();
        Store::with(db, &keys, "a test", NodeRules::default())
            .await
            .unwrap()
    };
    let store = open().await;
    assert_eq!(defects(&store).await, []);
    let records = store.audit(&AuditQuery::default()).await.unwrap();
    assert_eq!(records.len(), 6);
    let first = &records[0].record;
    assert_eq!(first.station.as_ref().unwrap().as_str(), "ws-1");
    assert_eq!(first.source, Some("192.0.2.1".parse().unwrap()));
    assert_eq!((&first.detail["n"], records[0].nth), (&1.into(), None));
    let last = &records[5].record;
    assert_eq!(
        (last.kind, &last.detail["records"]),
        (AuditKind::JournalStart, &5.into())
    );
    write(&store, 4).await;
    assert_eq!(defects(&store).await, []);
    let unnumbered = store.recompute([], |_| {}).await.unwrap().unnumbered;
    assert_eq!(unnumbered, 6, "which is told, and is no defect");
    let entries = trail(&store, "hopital").await;
    let numbers: Vec<Option<u64>> = entries.iter().map(|entry| entry.nth).collect();
    let mut expected = vec![None; 5];
    expected.extend([Some(1), Some(2)]);
    assert_eq!(numbers, expected);
    // Once only.
    store.close().await;
    let store = open().await;
    assert_eq!(store.journal_size().await.unwrap(), 10);
    assert_eq!(store.audit(&AuditQuery::default()).await.unwrap().len(), 10);
}

/// The columns that an index does not have are gone from the file, not only from the table.
#[tokio::test]
async fn the_audit_trail_is_an_index_of_the_journal() {
    let test = TestStore::sqlite().await;
    let rows = test
        .db()
        .rows("SELECT name FROM pragma_table_info('audit')", values![])
        .await
        .unwrap();
    let names: Vec<String> = rows.iter().map(|row| row.text("name").unwrap()).collect();
    assert_eq!(
        names,
        [
            "seq",
            "at",
            "kind",
            "person",
            "client",
            "target",
            "intervention",
            "session"
        ]
    );
}
