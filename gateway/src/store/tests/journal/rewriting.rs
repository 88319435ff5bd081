//! Who rewrites the journal is found out, and named; the engine itself refuses mistakes (R3).

use ecluse_recordings::log::{Break, leaf_hash, node_hash};

use super::{ORIGIN, attack, checkpoint, defects, key, write};
use crate::audit::{AuditKind, AuditRecord};
use crate::store::sql::{Engine, values};
use crate::store::testing::on_each_engine;
use crate::store::tests::at;
use crate::store::{Defect, StoreError};

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
            "UPDATE audit SET person = NULL",
            "UPDATE audit SET client = NULL",
            "UPDATE trails SET nth = nth - 1",
            "UPDATE trails SET leaf = (SELECT leaf FROM journal WHERE seq = 1) WHERE client = 'hopital'",
            "DELETE FROM trails",
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

/// Without whose trail it is, which a constant cannot hold.
fn anybodys(defect: Defect) -> Defect {
    match defect {
        Defect::Trail { seq, found } => Defect::Trail {
            seq,
            found: match found {
                Break::Gap {
                    nth, missing, from, ..
                } => Break::Gap {
                    client: None,
                    nth,
                    missing,
                    from,
                },
                Break::OtherBefore { nth, .. } => Break::OtherBefore { client: None, nth },
                found @ (Break::Again { .. } | Break::Unnumbered { .. }) => found,
            },
        },
        Defect::TrailEnd { counted, found, .. } => Defect::TrailEnd {
            client: None,
            counted,
            found,
        },
        defect @ (Defect::Missing { .. }
        | Defect::Altered { .. }
        | Defect::Misplaced { .. }
        | Defect::RecordDiffers { .. }
        | Defect::Emptied { .. }
        | Defect::DestructionDiffers { .. }
        | Defect::Uncounted { .. }
        | Defect::RecordPlanted { .. }
        | Defect::NodePlanted { .. }
        | Defect::Node { .. }) => defect,
    }
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
            &["UPDATE audit SET person = 'nobody' WHERE seq = 3"],
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
            &[
                Defect::Missing { seq: 3 },
                Defect::Trail {
                    seq: 5,
                    found: Break::Gap {
                        client: None,
                        nth: 3,
                        missing: 1,
                        from: 2,
                    },
                },
            ],
        ),
        (
            &["DELETE FROM journal WHERE seq = 9"],
            &[
                Defect::Missing { seq: 9 },
                Defect::TrailEnd {
                    client: None,
                    counted: 5,
                    found: 4,
                },
            ],
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
                Defect::Trail {
                    seq: 6,
                    found: Break::OtherBefore {
                        client: None,
                        nth: 3,
                    },
                },
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
            let found: Vec<Defect> = defects(store).await.into_iter().map(anybodys).collect();
            assert_eq!(found, *expected, "{statements:?}");
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
            format!(
                "UPDATE trails SET leaf = {} WHERE client = 'hopital'",
                hex(leaf.to_string())
            ),
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
