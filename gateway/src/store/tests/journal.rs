//! The journal: every record is in it, it proves itself, it only grows, and who alters it is found out (R3).

use std::sync::Arc;

use ecluse_policy::{ClientId, SessionId};
use ecluse_recordings::evidence::signature::{HeldKey, Signer};
use ecluse_recordings::log::{
    Checkpoint, Entry, SignedNote, VerifierKey, empty_root, leaf_hash, node_hash,
    verify_consistency, verify_inclusion,
};
use sqlx::AssertSqlSafe;

use super::at;
use crate::audit::{AuditKind, AuditRecord};
use crate::store::sql::{Engine, values};
use crate::store::testing::{TestStore, on_each_engine};
use crate::store::{AuditQuery, Copied, Defect, Destruction, Store, StoreError, new_id};

const ORIGIN: &str = "ecluse-test";

fn key() -> Arc<dyn Signer> {
    Arc::new(HeldKey::from_seed(&[7; 32]).unwrap())
}

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

/// Writes `count` records, of two clients in turn.
async fn write(store: &Store, count: i64) {
    for second in 1..=count {
        let whose = client(if second % 2 == 0 { "hopital" } else { "mairie" });
        let record = AuditRecord::new(AuditKind::Request, at(second))
            .client(&whose)
            .claimed("alice")
            .reason(format!("because of {second}"));
        store.record(&[record]).await.unwrap();
    }
}

async fn checkpoint(store: &Store, second: i64) -> Option<Checkpoint> {
    let note = store.checkpoint(ORIGIN, key(), at(second)).await.unwrap()?;
    Some(
        note.verify(&VerifierKey::log(ORIGIN, key().public()).unwrap())
            .unwrap(),
    )
}

/// What an administrator of the database can do: everything.
async fn attack(store: &Store, statements: &[&str]) {
    let mut tx = store.db().begin().await.unwrap();
    let guarded = match store.db().engine() {
        Engine::Sqlite => {
            let sql = "SELECT 'DROP TRIGGER ' || name AS statement FROM sqlite_master WHERE type = 'trigger'";
            let rows = tx.rows(sql, values![]).await.unwrap();
            rows.iter()
                .map(|row| row.text("statement").unwrap())
                .collect()
        }
        Engine::Postgres => [
            "audit",
            "journal",
            "journal_nodes",
            "checkpoints",
            "destructions",
        ]
        .map(|table| format!("ALTER TABLE {table} DISABLE TRIGGER USER"))
        .to_vec(),
    };
    for statement in guarded {
        tx.execute(AssertSqlSafe(statement), values![])
            .await
            .unwrap();
    }
    for statement in statements {
        tx.execute(AssertSqlSafe((*statement).to_owned()), values![])
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

async fn defects(store: &Store) -> Vec<Defect> {
    store.recompute([], |_| {}).await.unwrap().defects
}

#[test]
fn every_record_is_an_entry_of_exactly_its_words() {
    on_each_engine(async |store| {
        let session = SessionId::from_uuid(new_id(at(1)).unwrap());
        let record = AuditRecord::new(AuditKind::Approval, at(1))
            .claimed("odile")
            .source("2001:db8::1".parse().unwrap())
            .terminal("OpenSSH \"9.2\"")
            .client(&client("hopital"))
            .session(session)
            .permitted()
            .reason("parce que\nc'est vrai")
            .detail("number", 17)
            .detail("list", vec!["é", "b"]);
        store.record(&[record]).await.unwrap();
        let entry = store.entry(1).await.unwrap().unwrap();
        let line = entry.line.unwrap();
        let salt = Entry::parse(line.as_bytes()).unwrap().salt;
        assert_eq!(salt.len(), 32);
        let reason = store.audit(&AuditQuery::default()).await.unwrap()[0]
            .record
            .reason
            .clone()
            .unwrap();
        let expected = format!(
            r#"{{"salt":"{salt}","seq":1,"at":1000000,"kind":"approval","person":"odile","source":"2001:db8::1","terminal":"OpenSSH \"9.2\"","client":"hopital","session":"{session}","verdict":"permit","reason":{},"detail":{{"list":["é","b"],"number":17}}}}"#,
            serde_json::to_string(&reason).unwrap()
        );
        assert_eq!(line, expected);
        assert!(!line.contains('\n'));
        assert_eq!(entry.leaf, leaf_hash(expected.as_bytes()));
        // The same words again have another leaf.
        let again = store
            .audit(&AuditQuery::default())
            .await
            .unwrap()
            .remove(0)
            .record;
        store.record(&[again]).await.unwrap();
        assert_ne!(store.entry(2).await.unwrap().unwrap().leaf, entry.leaf);
    });
}

/// The root over leaves by the definition of RFC 6962 §2.1, apart from the store and its nodes.
fn root(leaves: &[ecluse_recordings::log::Hash]) -> ecluse_recordings::log::Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        more => {
            let half = more.len().next_power_of_two() / 2;
            node_hash(&root(&more[..half]), &root(&more[half..]))
        }
    }
}

#[test]
fn every_entry_is_provable_at_every_size_and_the_journal_only_grew() {
    on_each_engine(async |store| {
        const MOST: u64 = 21;
        write(store, MOST as i64).await;
        let mut leaves = Vec::new();
        for seq in 1..=MOST {
            leaves.push(store.entry(seq).await.unwrap().unwrap().leaf);
        }
        let root_at = |size: u64| root(&leaves[..size as usize]);
        assert_eq!(store.journal_size().await.unwrap(), MOST);
        for size in 0..=MOST {
            assert_eq!(
                store.journal_root(size).await.unwrap(),
                root_at(size),
                "{size}"
            );
            for seq in 1..=size {
                let proof = store.inclusion(seq, size).await.unwrap();
                let leaf = &leaves[seq as usize - 1];
                verify_inclusion(leaf, seq - 1, size, &proof, &root_at(size)).unwrap();
            }
            for old in 0..=size {
                let proof = store.consistency(old, size).await.unwrap();
                verify_consistency(old, &root_at(old), size, &root_at(size), &proof).unwrap();
            }
        }
        assert!(store.inclusion(MOST + 1, MOST).await.is_err());
        assert!(store.inclusion(0, MOST).await.is_err());
        assert!(store.consistency(MOST, MOST + 1).await.is_err());
        let recomputed = store.recompute([0, 5, 16], |_| {}).await.unwrap();
        assert_eq!(recomputed.defects, []);
        assert_eq!(recomputed.root(), Some(root_at(MOST)));
        for size in [0, 5, 16] {
            assert_eq!(recomputed.root_at(size), Some(root_at(size)));
        }
    });
}

#[test]
fn several_records_of_one_change_and_several_processes_make_one_journal() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..20 {
            let store = if number % 2 == 0 {
                store.store.clone()
            } else {
                other.clone()
            };
            tasks.spawn(async move {
                let record = AuditRecord::new(AuditKind::LogOn, at(number));
                store
                    .record(&[record.clone(), record.clone(), record])
                    .await
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
        let recomputed = store.recompute([], |_| {}).await.unwrap();
        assert_eq!(
            (recomputed.size, recomputed.defects.as_slice()),
            (60, &[][..])
        );
        assert_eq!(
            recomputed.root(),
            Some(other.journal_root(60).await.unwrap())
        );
        other.close().await;
    });
}

#[test]
fn a_client_is_given_its_own_entries_and_nobody_elses() {
    on_each_engine(async |store| {
        write(store, 6).await;
        let query = AuditQuery {
            client: Some(client("hopital")),
            after: Some(2),
            ..AuditQuery::default()
        };
        let entries = store.entries(&query).await.unwrap();
        assert_eq!(
            entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
            [4, 6]
        );
        for entry in entries {
            let parsed = Entry::parse(entry.line.unwrap().as_bytes()).unwrap();
            assert_eq!(parsed.client.as_deref(), Some("hopital"));
        }
    });
}

#[test]
fn the_engine_itself_refuses_to_alter_or_remove_what_proves() {
    on_each_engine(async |store| {
        write(store, 4).await;
        checkpoint(store, 5).await.unwrap();
        let mut statements = vec![
            "UPDATE journal SET entry = 'x'",
            "UPDATE journal SET entry = NULL",
            "UPDATE journal SET entry = NULL, destroyed_by = 4",
            "UPDATE journal SET destroyed_by = 4",
            "DELETE FROM journal",
            "UPDATE journal_nodes SET hash = hash",
            "DELETE FROM journal_nodes",
            "UPDATE checkpoints SET at = 1",
            "UPDATE checkpoints SET note = 'x'",
            "DELETE FROM checkpoints",
            "UPDATE audit SET reason = NULL",
            "UPDATE audit SET person = NULL, reason = NULL",
        ];
        if store.db().engine() == Engine::Sqlite {
            statements.push("INSERT OR REPLACE INTO journal (seq, leaf, entry) SELECT seq, leaf, 'x' FROM journal");
            statements.push("INSERT OR REPLACE INTO checkpoints (size, at, note) SELECT size, at, 'x' FROM checkpoints");
        } else {
            statements.push("TRUNCATE journal");
            statements.push("TRUNCATE checkpoints");
        }
        for sql in statements {
            let mut tx = store.db().begin().await.unwrap();
            let error = tx
                .execute(sql, values![])
                .await
                .map(drop)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("only grow") || error.contains("only added"),
                "{sql}: {error}"
            );
        }
        assert_eq!(defects(store).await, []);
    });
}

#[test]
fn each_way_to_rewrite_the_journal_is_found_and_named() {
    type Case = (&'static [&'static str], &'static [Defect]);
    let cases: &[Case] = &[
        (
            &[
                "UPDATE journal SET entry = replace(entry, 'because of 3', 'because of 9') WHERE seq = 3",
            ],
            &[Defect::Altered { seq: 3 }],
        ),
        (
            &["UPDATE audit SET reason = 'nothing' WHERE seq = 3"],
            &[Defect::RecordDiffers { seq: 3 }],
        ),
        (
            &["DELETE FROM audit WHERE seq = 3"],
            &[Defect::RecordDiffers { seq: 3 }],
        ),
        (
            &["UPDATE audit SET kind = 'nonsense' WHERE seq = 3"],
            &[Defect::RecordDiffers { seq: 3 }],
        ),
        (
            &[
                "DELETE FROM journal WHERE seq = 3",
                "DELETE FROM audit WHERE seq = 3",
            ],
            &[Defect::Missing { seq: 3 }],
        ),
        (
            &["DELETE FROM journal WHERE seq = 9"],
            &[Defect::Missing { seq: 9 }],
        ),
        (
            &["UPDATE journal SET entry = NULL WHERE seq = 3"],
            &[Defect::Emptied { seq: 3 }],
        ),
        (
            &["UPDATE journal SET entry = NULL, destroyed_by = 4 WHERE seq = 3"],
            &[Defect::DestructionDiffers { seq: 4 }],
        ),
        (
            &[
                "INSERT INTO journal (seq, leaf, entry) SELECT 10, leaf, entry FROM journal WHERE seq = 1",
            ],
            &[Defect::Uncounted { seq: 10 }],
        ),
        (
            &["DELETE FROM journal_nodes WHERE level = 3"],
            &[Defect::Node { id: (3, 0) }],
        ),
        (
            &[
                "UPDATE journal_nodes SET hash = (SELECT leaf FROM journal WHERE seq = 1) WHERE level = 1 AND idx = 2",
            ],
            &[Defect::Node { id: (1, 2) }],
        ),
        (
            &[
                "UPDATE journal SET seq = 100 WHERE seq = 2",
                "UPDATE journal SET seq = 2 WHERE seq = 4",
                "UPDATE journal SET seq = 4 WHERE seq = 100",
            ],
            &[
                Defect::Misplaced { seq: 2, says: 4 },
                Defect::Misplaced { seq: 4, says: 2 },
                Defect::Node { id: (1, 0) },
                Defect::Node { id: (1, 1) },
                Defect::Node { id: (2, 0) },
                Defect::Node { id: (3, 0) },
            ],
        ),
    ];
    for (statements, expected) in cases {
        on_each_engine(async |store| {
            write(store, 9).await;
            attack(store, statements).await;
            assert_eq!(defects(store).await, *expected, "{statements:?}");
        });
    }
}

/// Words, record, leaf and nodes all rewritten: nothing in the store contradicts itself, and the checkpoint does.
#[test]
fn a_consistent_rewriting_is_found_by_the_checkpoint_and_never_signed() {
    on_each_engine(async |store| {
        write(store, 2).await;
        let signed = checkpoint(store, 3).await.unwrap();
        let entry = store.entry(2).await.unwrap().unwrap().line.unwrap();
        let forged = entry.replace("because of 2", "because of 0");
        let leaf = leaf_hash(forged.as_bytes());
        let node = node_hash(&store.entry(1).await.unwrap().unwrap().leaf, &leaf);
        let hex = match store.db().engine() {
            Engine::Sqlite => |hash: String| format!("x'{hash}'"),
            Engine::Postgres => |hash: String| format!("'\\x{hash}'::bytea"),
        };
        let statements = [
            format!(
                "UPDATE journal SET entry = '{forged}', leaf = {} WHERE seq = 2",
                hex(leaf.to_string())
            ),
            format!(
                "UPDATE journal_nodes SET hash = {} WHERE level = 1",
                hex(node.to_string())
            ),
            "UPDATE audit SET reason = 'because of 0' WHERE seq = 2".to_owned(),
        ];
        attack(store, &statements.each_ref().map(String::as_str)).await;
        let recomputed = store.recompute([2], |_| {}).await.unwrap();
        assert_eq!(recomputed.defects, []);
        assert_ne!(recomputed.root_at(2), Some(signed.root));
        assert!(matches!(
            store.check_extends(&signed).await,
            Err(StoreError::Rewritten { size: 2 })
        ));
        write(store, 1).await;
        let refused = store.checkpoint(ORIGIN, key(), at(4)).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Rewritten { size: 2 }),
            "{refused}"
        );
    });
}

#[test]
fn a_journal_that_was_cut_short_takes_no_more_entries() {
    on_each_engine(async |store| {
        write(store, 5).await;
        attack(store, &["DELETE FROM journal WHERE seq > 3"]).await;
        let refused = store
            .record(&[AuditRecord::new(AuditKind::LogOn, at(9))])
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("ecluse journal verify"),
            "{refused}"
        );
        // Nor one whose count was set back to hide it.
        attack(
            store,
            &["UPDATE counters SET value = 2 WHERE name = 'audit'"],
        )
        .await;
        assert!(
            store
                .record(&[AuditRecord::new(AuditKind::LogOn, at(9))])
                .await
                .is_err()
        );
    });
}

#[test]
fn a_checkpoint_is_made_when_the_journal_grew_and_only_then() {
    on_each_engine(async |store| {
        assert_eq!(checkpoint(store, 1).await, None, "there is nothing to sign");
        write(store, 3).await;
        let first = checkpoint(store, 4).await.unwrap();
        assert_eq!((first.size, first.at_us), (3, 4_000_000));
        assert_eq!(first.root, store.journal_root(3).await.unwrap());
        assert_eq!(checkpoint(store, 5).await, None);
        write(store, 1).await;
        let second = checkpoint(store, 6).await.unwrap();
        let proof = store.consistency(first.size, second.size).await.unwrap();
        verify_consistency(first.size, &first.root, second.size, &second.root, &proof).unwrap();
        let read = |note: SignedNote| note.unverified().unwrap();
        assert_eq!(
            store.latest_checkpoint().await.unwrap().map(read),
            Some(second.clone())
        );
        assert_eq!(
            store.checkpoint_at(3).await.unwrap().map(read),
            Some(first.clone())
        );
        let all = store
            .checkpoints(0, 10)
            .await
            .unwrap()
            .into_iter()
            .map(read);
        assert_eq!(all.collect::<Vec<_>>(), [first, second]);
    });
}

#[test]
fn cosignatures_are_added_below_and_the_rest_of_a_checkpoint_stays() {
    on_each_engine(async |store| {
        write(store, 3).await;
        checkpoint(store, 4).await.unwrap();
        let own = store.latest_checkpoint().await.unwrap().unwrap();
        let witness = HeldKey::from_seed(&[9; 32]).unwrap();
        let trusted = VerifierKey::cosigner("hopital", witness.public()).unwrap();
        let cosigned = own.cosign("hopital", &witness, 1_800_000_000).unwrap();
        let record = AuditRecord::new(AuditKind::CheckpointCosigned, at(5));
        let add = async |note: &SignedNote, trusted: &[VerifierKey]| {
            store
                .add_cosignatures(note, trusted, std::slice::from_ref(&record))
                .await
        };
        assert_eq!(
            add(&cosigned, std::slice::from_ref(&trusted))
                .await
                .unwrap(),
            1
        );
        assert_eq!(add(&cosigned, &[]).await.unwrap(), 0, "it is there already");
        let kept = store.latest_checkpoint().await.unwrap().unwrap();
        assert_eq!(kept.cosigned_at(&trusted).unwrap(), Some(1_800_000_000));
        kept.verify(&VerifierKey::log(ORIGIN, key().public()).unwrap())
            .unwrap();
        assert_eq!(store.audit(&AuditQuery::default()).await.unwrap().len(), 4);

        // Not of this store, not of this size, not signed by whom it is trusted to be.
        let mut other = own.unverified().unwrap();
        other.at_us += 1;
        let other = SignedNote::sign(&other, key().as_ref()).unwrap();
        assert!(
            add(&other, &[])
                .await
                .unwrap_err()
                .to_string()
                .contains("something else")
        );
        let mut other = own.unverified().unwrap();
        other.size = 2;
        let other = SignedNote::sign(&other, key().as_ref()).unwrap();
        assert!(
            add(&other, &[])
                .await
                .unwrap_err()
                .to_string()
                .contains("no checkpoint of that size")
        );
        let stranger = VerifierKey::cosigner("mairie", witness.public()).unwrap();
        assert!(add(&cosigned, &[stranger]).await.is_err());
    });
}

/// A store of an older format is brought into the journal, and the journal says since when it vouches.
#[test]
fn records_older_than_the_journal_are_brought_into_it_and_it_says_so() {
    on_each_engine(async |store| {
        write(store, 5).await;
        attack(store, &["DELETE FROM journal", "DELETE FROM journal_nodes"]).await;
        let opened = store.as_another_process().await;
        assert_eq!(defects(&opened).await, []);
        let records = opened.audit(&AuditQuery::default()).await.unwrap();
        assert_eq!(records.len(), 6);
        let last = &records[5].record;
        assert_eq!(
            (last.kind, &last.detail["records"]),
            (AuditKind::JournalStart, &5.into())
        );
        // Once only.
        opened.close().await;
        let opened = store.as_another_process().await;
        assert_eq!(opened.journal_size().await.unwrap(), 6);
        // A journal that was signed once and is gone is no beginning.
        checkpoint(&opened, 9).await.unwrap();
        attack(
            &opened,
            &["DELETE FROM journal", "DELETE FROM journal_nodes"],
        )
        .await;
        assert!(matches!(
            super::super::journal::begin(&opened).await,
            Err(StoreError::Rewritten { size: 6 })
        ));
        opened.close().await;
    });
}

fn destruction(whose: &str, before: i64) -> Destruction {
    Destruction {
        client: client(whose),
        before: at(before),
        at: at(1000),
        by: "root (uid 0)".into(),
        why: "the service ended on 2026-01-01".into(),
    }
}

/// R7, O9: the words go, the proof of everything else stays, and the journal says what was done.
#[test]
fn the_words_of_a_client_can_be_destroyed_on_record_and_nothing_else_changes() {
    on_each_engine(async |store| {
        write(store, 9).await;
        let signed = checkpoint(store, 10).await.unwrap();
        let done = store
            .destroy_client_entries(&destruction("hopital", 7))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((done.seq, done.entries), (10, 3), "2, 4 and 6, not 8");
        let gone = store.entry(4).await.unwrap().unwrap();
        assert_eq!((gone.line, gone.destroyed_by), (None, Some(10)));
        for seq in [1, 3, 8, 10] {
            assert!(store.entry(seq).await.unwrap().unwrap().line.is_some());
        }
        let records = store.audit(&AuditQuery::default()).await.unwrap();
        let blank = &records[3].record;
        assert_eq!(
            (blank.person.as_deref(), blank.reason.as_deref()),
            (None, None)
        );
        assert_eq!(blank.client, Some(client("hopital")));
        let said = &records[9].record;
        assert_eq!(
            (said.kind, &said.detail["entries"]),
            (AuditKind::EntriesDestroyed, &3.into())
        );
        assert_eq!(
            said.reason.as_deref(),
            Some("the service ended on 2026-01-01")
        );
        assert_eq!(defects(store).await, []);
        store.check_extends(&signed).await.unwrap();
        // Again, later: only what came since, and never what says that something was destroyed.
        let done = store
            .destroy_client_entries(&destruction("hopital", 5000))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(done.entries, 1, "8");
        assert!(store.entry(10).await.unwrap().unwrap().line.is_some());
        assert_eq!(
            store
                .destroy_client_entries(&destruction("hopital", 5000))
                .await
                .unwrap(),
            None
        );
        assert_eq!(defects(store).await, []);
    });
}

#[test]
fn nobody_can_hide_more_under_a_destruction_than_it_tells_of() {
    on_each_engine(async |store| {
        write(store, 9).await;
        store
            .destroy_client_entries(&destruction("hopital", 7))
            .await
            .unwrap()
            .unwrap();
        for sql in [
            "UPDATE journal SET entry = NULL, destroyed_by = 10 WHERE seq = 3",
            "UPDATE journal SET entry = NULL, destroyed_by = 10 WHERE seq = 8",
            "UPDATE journal SET entry = '{}' WHERE seq = 4",
            "UPDATE audit SET reason = 'x' WHERE seq = 4",
            "DELETE FROM destructions",
            "UPDATE destructions SET up_to = 9",
        ] {
            let mut tx = store.db().begin().await.unwrap();
            assert!(tx.execute(sql, values![]).await.is_err(), "{sql}");
        }
        attack(
            store,
            &["UPDATE journal SET entry = NULL, destroyed_by = 10 WHERE seq = 8"],
        )
        .await;
        assert_eq!(
            defects(store).await,
            [Defect::DestructionDiffers { seq: 10 }]
        );
        attack(
            store,
            &["UPDATE journal SET destroyed_by = 3 WHERE seq = 8"],
        )
        .await;
        assert_eq!(
            defects(store).await,
            [Defect::DestructionDiffers { seq: 3 }]
        );
    });
}

#[test]
fn how_far_copies_went_never_goes_back() {
    on_each_engine(async |store| {
        assert_eq!(store.copied("hopital tls://a:1").await.unwrap(), None);
        let copied = |next_entry, next_checkpoint, second| Copied {
            next_entry,
            next_checkpoint,
            at: at(second),
        };
        store
            .set_copied("hopital tls://a:1", copied(7, 3, 1))
            .await
            .unwrap();
        store
            .set_copied("hopital tls://a:1", copied(5, 4, 2))
            .await
            .unwrap();
        assert_eq!(
            store.copied("hopital tls://a:1").await.unwrap(),
            Some(copied(7, 4, 2))
        );
        assert_eq!(store.copied("mairie tls://a:1").await.unwrap(), None);
    });
}

/// A detail that no reader would take is told by its digest; the entry and the record say the same.
#[test]
fn an_entry_is_never_too_long_to_be_read() {
    on_each_engine(async |store| {
        let lines = vec!["x".repeat(1000); 2000];
        let record = AuditRecord::new(AuditKind::DocumentChange, at(1)).detail("lines", lines);
        store.record(&[record]).await.unwrap();
        let line = store.entry(1).await.unwrap().unwrap().line.unwrap();
        let entry = Entry::parse(line.as_bytes()).unwrap();
        assert!(entry.detail_number("left-out-bytes").unwrap() > 2_000_000);
        assert_eq!(entry.detail_text("left-out-sha256").unwrap().len(), 64);
        assert_eq!(defects(store).await, []);
    });
}

#[tokio::test]
async fn what_was_destroyed_is_overwritten_in_the_file() {
    let test = TestStore::sqlite().await;
    let secret = "un motif que personne ne doit relire";
    let record = AuditRecord::new(AuditKind::Request, at(1))
        .client(&client("hopital"))
        .reason(secret);
    test.record(&[record]).await.unwrap();
    let path = test.dir.path().join("ecluse.db");
    test.destroy_client_entries(&destruction("hopital", 7))
        .await
        .unwrap()
        .unwrap();
    // Closing the last connection brings the write-ahead log into the file and removes it.
    test.close().await;
    let bytes = std::fs::read(&path).unwrap();
    assert!(
        !bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    );
    assert!(!test.dir.path().join("ecluse.db-wal").exists());
}
