//! The journal: every record is in it, it proves itself, it only grows, and who alters it is found out (R3).

mod destruction;
mod rewriting;
mod trails;

use ecluse_policy::{ClientId, SessionId};
use ecluse_recordings::evidence::signature::{HeldKey, Signer};
use ecluse_recordings::log::{
    Checkpoint, Entry, SignedNote, VerifierKey, empty_root, leaf_hash, node_hash,
    verify_consistency, verify_inclusion,
};
use std::sync::Arc;

use crate::audit::{AuditKind, AuditRecord};
use crate::store::sql::values;
use crate::store::testing::{attack, on_each_engine};
use crate::store::tests::at;
use crate::store::{AuditQuery, Copied, Defect, Store, StoreError, new_id};

const ORIGIN: &str = "ecluse-test";

fn key() -> Arc<dyn Signer> {
    Arc::new(HeldKey::from_seed(&[7; 32]).unwrap())
}

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

/// Writes `count` records, of two clients in turn.
pub(super) async fn write(store: &Store, count: i64) {
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

pub(super) async fn defects(store: &Store) -> Vec<Defect> {
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
        let parsed = Entry::parse(line.as_bytes()).unwrap();
        let (salt, event) = (parsed.salt, parsed.event.unwrap());
        assert_eq!(salt.len(), 32);
        let reason = store.audit(&AuditQuery::default()).await.unwrap()[0]
            .record
            .reason
            .clone()
            .unwrap();
        let expected = format!(
            r#"{{"salt":"{salt}","seq":1,"at":1000000,"kind":"approval","person":"odile","source":"2001:db8::1","terminal":"OpenSSH \"9.2\"","client":"hopital","session":"{session}","verdict":"permit","reason":{},"detail":{{"list":["é","b"],"number":17}},"event":"{event}","nth":1}}"#,
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
        let entries = store.trail(&client("hopital"), 2, 100).await.unwrap();
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
        assert!(store.latest_cosigned().await.unwrap().is_none());
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
        // It is found behind later ones that nobody cosigned.
        checkpoint(store, 6).await.unwrap();
        let latest = store.latest_checkpoint().await.unwrap().unwrap();
        let found = store.latest_cosigned().await.unwrap().unwrap();
        assert!(latest.text() != found.text() && found.text() == kept.text());

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

#[test]
fn a_journal_that_is_gone_is_no_beginning() {
    on_each_engine(async |store| {
        write(store, 5).await;
        attack(store, &["DELETE FROM journal", "DELETE FROM journal_nodes"]).await;
        let begun = async || super::super::journal::check_begun(store).await;
        assert!(matches!(
            begun().await,
            Err(StoreError::Rewritten { size: 5 })
        ));
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
        let record = AuditRecord::new(AuditKind::DocumentChange, at(1))
            .detail("version", 7)
            .detail("lines", lines);
        store.record(&[record]).await.unwrap();
        let line = store.entry(1).await.unwrap().unwrap().line.unwrap();
        let entry = Entry::parse(line.as_bytes()).unwrap();
        assert!(entry.detail_number("left-out-bytes").unwrap() > 2_000_000);
        assert_eq!(entry.detail_text("left-out-sha256").unwrap().len(), 64);
        assert_eq!(entry.detail_number("version"), Some(7));
        assert_eq!(defects(store).await, []);
    });
}

/// R3: a row beyond the end of the log, with the right hash of its own words, vouches for nothing, while it lies there and after.
#[test]
fn r3_a_row_beyond_the_end_of_the_log_is_no_entry() {
    on_each_engine(async |store| {
        write(store, 9).await;
        store.follow().await.unwrap();
        let line = r#"{"seq":3009,"kind":"approval","detail":{"intervention-salted-sha256":"00"}}"#;
        let leaf = ecluse_recordings::log::leaf_hash(line.as_bytes()).0;
        let mut tx = store.db().begin().await.unwrap();
        let sql = "INSERT INTO journal (seq, leaf, entry) VALUES ($1, $2, $3)";
        tx.execute(sql, values![3009_u64, leaf.as_slice(), line])
            .await
            .unwrap();
        tx.commit().await.unwrap();
        store.follow().await.unwrap();
        assert_eq!(store.said().read_to(), 9);
        // A count that was raised for a while, and set back.
        attack(
            store,
            &["UPDATE counters SET value = 3009 WHERE name = 'audit'"],
        )
        .await;
        store.follow().await.unwrap();
        attack(
            store,
            &["UPDATE counters SET value = 9 WHERE name = 'audit'"],
        )
        .await;
        store.follow().await.unwrap();
        assert_eq!(store.said().read_to(), 9);
    });
}

/// A moment of the store does not read again what was read of the log: each of an export's tries would read all of it.
#[test]
fn a_snapshot_goes_on_where_the_log_was_read() {
    on_each_engine(async |store| {
        write(store, 9).await;
        store.documents().await.unwrap();
        let read = store.said().read_to();
        assert_eq!(read, 9);
        let moment = store.snapshot().await.unwrap();
        assert_eq!(moment.said().read_to(), read);
        // And no further than what it was made of.
        write(store, 3).await;
        moment.look_at_documents().await.unwrap();
        assert_eq!(moment.said().read_to(), 9);
    });
}

/// R3: one moment is read as it was, whatever others write meanwhile; and it is only read.
#[test]
fn a_snapshot_is_of_one_moment_and_is_only_read() {
    on_each_engine(async |store| {
        write(store, 5).await;
        let moment = store.snapshot().await.unwrap();
        write(store, 4).await;
        assert_eq!(moment.journal_size().await.unwrap(), 5);
        assert_eq!(store.journal_size().await.unwrap(), 9);
        let recomputed = moment.recompute([], |_| {}).await.unwrap();
        assert_eq!((recomputed.size, recomputed.defects.len()), (5, 0));
        assert_eq!(moment.entry(6).await.unwrap(), None);
        assert!(moment.record(&[]).await.is_err());
        drop(moment);
        assert_eq!(defects(store).await, []);
    });
}

/// A checkpoint of a moment covers it to its last entry; one that is overtaken is not made, since a smaller one that is
/// later looks like a rollback.
#[test]
fn a_checkpoint_of_a_moment_is_never_later_than_a_larger_one() {
    on_each_engine(async |store| {
        write(store, 5).await;
        let moment = store.snapshot().await.unwrap();
        write(store, 2).await;
        let note = store
            .checkpoint_of(&moment, "gw1", key(), at(1000))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(note.unverified().unwrap().size, 5);
        // The gateway's own, whose clock was read before.
        let late = store.checkpoint("gw1", key(), at(999)).await.unwrap();
        assert_eq!(late, None);
        let own = store.checkpoint("gw1", key(), at(1001)).await.unwrap();
        assert_eq!(own.unwrap().unverified().unwrap().size, 7);
        write(store, 1).await;
        let overtaken = store.snapshot().await.unwrap();
        write(store, 1).await;
        store
            .checkpoint("gw1", key(), at(1002))
            .await
            .unwrap()
            .unwrap();
        let late = store
            .checkpoint_of(&overtaken, "gw1", key(), at(1003))
            .await;
        assert_eq!(late.unwrap(), None);
    });
}
