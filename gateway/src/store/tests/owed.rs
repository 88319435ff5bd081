//! What happened while the store did not answer is on record once it does (R4, R5).

use std::time::Duration;

use super::at;
use super::sessions::{began, record};
use crate::audit::{AuditKind, AuditRecord};
use crate::live::Because;
use crate::store::SessionEnd;
use crate::store::sql::values;
use crate::store::testing::{TestStore, on_each_engine, records_of};

pub(super) const SETTLED: Duration = Duration::from_secs(60);

pub(super) fn end() -> SessionEnd {
    SessionEnd {
        at: at(30),
        reason: "closed".into(),
        because: Some(Because::Closed),
        to_target: 1,
        to_technician: 2,
    }
}

fn kinds(records: &[AuditRecord]) -> Vec<AuditKind> {
    records.iter().map(|record| record.kind).collect()
}

const ENDS: [AuditKind; 3] = [AuditKind::SessionEnd, AuditKind::LogOff, AuditKind::Cut];

/// R4: the end of a session, and what follows it, in their order and once.
#[test]
fn r4_a_session_that_ends_while_the_store_is_away_ends_on_record_when_it_is_back() {
    on_each_engine(async |store| {
        let start = began(store).await;
        let other = store.as_another_process().await;
        // Nobody else writes while this is held.
        let away = other.write().await.unwrap();
        let ended = record(AuditKind::SessionEnd, &start, 30)
            .reason("closed")
            .detail("to-target", 1)
            .detail("to-technician", 2);
        store
            .ahead()
            .end_session_at_last(start.id, end(), vec![ended])
            .await;
        store
            .record_at_last(vec![AuditRecord::new(AuditKind::LogOff, at(31))])
            .await;
        store.owe(vec![AuditRecord::new(AuditKind::Cut, at(32))]);
        assert_eq!(store.settle(Duration::from_millis(10)).await, 3);
        assert!(records_of(store, &ENDS).await.is_empty());
        drop(away);
        assert_eq!(store.settle(SETTLED).await, 0);
        assert_eq!(kinds(&records_of(store, &ENDS).await), ENDS);
        let found = store.session(1).await.unwrap().unwrap();
        assert_eq!((found.end, found.fault), (Some(end()), None));
        other.close().await;
    });
}

/// P10: a receipt is kept one by one, however much is owed; other things are counted from some number on.
#[test]
fn p10_a_receipt_that_is_owed_is_never_one_of_so_many() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let away = other.write().await.unwrap();
        let owed = async || store.settle(Duration::from_millis(1)).await;
        for nth in 0..10_001 {
            store.owe(vec![AuditRecord::new(AuditKind::Cut, at(nth))]);
        }
        assert_eq!(owed().await, 10_000);
        assert!(store.owes());
        let receipt = AuditRecord::new(AuditKind::Receipt, at(1)).detail("way", "in");
        store.owe(vec![receipt]);
        assert_eq!(owed().await, 10_001);
        store.owe(vec![AuditRecord::new(AuditKind::Cut, at(2))]);
        assert_eq!(owed().await, 10_001);
        drop(away);
        other.close().await;
    });
}

/// What the store answers to and does not take holds up nothing else, and is written once when it is taken.
#[test]
fn what_the_store_refuses_holds_up_nothing_else() {
    on_each_engine(async |store| {
        let start = began(store).await;
        refuse_cuts(store).await;
        store
            .record_at_last(vec![AuditRecord::new(AuditKind::Cut, at(29))])
            .await;
        let ended = record(AuditKind::SessionEnd, &start, 30)
            .reason("closed")
            .detail("to-target", 1)
            .detail("to-technician", 2);
        store
            .end_session_at_last(start.id, end(), vec![ended])
            .await;
        let mut changes = store.changes(crate::store::Topics::everything());
        while records_of(store, &ENDS).await.is_empty() {
            changes.changed().await.unwrap();
        }
        assert_eq!(store.settle(Duration::from_millis(10)).await, 1);
        take_cuts(store).await;
        assert_eq!(store.settle(SETTLED).await, 0);
        let found = kinds(&records_of(store, &ENDS).await);
        assert_eq!(found, [AuditKind::SessionEnd, AuditKind::Cut]);
    });
}

/// A commit that was not answered may have happened: it is looked for before it is tried again.
#[test]
fn what_was_committed_without_an_answer_is_not_written_twice() {
    on_each_engine(async |store| {
        let cut = crate::store::with_event(AuditRecord::new(AuditKind::Cut, at(1)));
        store.record(std::slice::from_ref(&cut)).await.unwrap();
        store.owe(vec![cut]);
        assert_eq!(store.settle(SETTLED).await, 0);
        assert_eq!(records_of(store, &ENDS).await.len(), 1);
    });
}

async fn refuse_cuts(store: &TestStore) {
    let refusing: &[&'static str] = match store.db().engine() {
        crate::store::Engine::Sqlite => &[
            "CREATE TRIGGER no_cut BEFORE INSERT ON audit WHEN NEW.kind = 'cut' BEGIN SELECT RAISE(ABORT, 'no'); END",
        ],
        crate::store::Engine::Postgres => &[
            "CREATE FUNCTION no_cut() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.kind = ''cut'' THEN RAISE EXCEPTION ''no''; END IF; RETURN NEW; END'",
            "CREATE TRIGGER no_cut BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION no_cut()",
        ],
    };
    let mut tx = store.db().begin().await.unwrap();
    for sql in refusing {
        tx.execute(*sql, values![]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn take_cuts(store: &TestStore) {
    let sql = match store.db().engine() {
        crate::store::Engine::Sqlite => "DROP TRIGGER no_cut",
        crate::store::Engine::Postgres => "DROP TRIGGER no_cut ON audit",
    };
    let mut tx = store.db().begin().await.unwrap();
    tx.execute(sql, values![]).await.unwrap();
    tx.commit().await.unwrap();
}

/// R4: a session whose gateway was taken out while it lived: its end on record stays, and how it ended is an entry that names
/// it, once.
#[test]
fn r4_a_session_that_outlived_its_end_on_record_is_told_with_its_true_end() {
    on_each_engine(async |store| {
        let start = began(store).await;
        let carried = [start.id];
        assert!(store.ended_on_record(&carried).await.unwrap().is_empty());
        let removed = store.remove_node("here", "root", Duration::ZERO, || at(25));
        assert_eq!(removed.await.unwrap().sessions, [1]);
        let ended = store.ended_on_record(&carried).await.unwrap();
        assert_eq!(ended.into_iter().collect::<Vec<_>>(), carried);
        let told = || {
            vec![
                record(AuditKind::SessionEnd, &start, 30)
                    .reason("closed")
                    .detail("to-target", 1)
                    .detail("to-technician", 2),
            ]
        };
        store.end_session_at_last(start.id, end(), told()).await;
        store.end_session_at_last(start.id, end(), told()).await;
        let outlived = records_of(store, &[AuditKind::SessionOutlived]).await;
        let [outlived] = outlived.as_slice() else {
            panic!("{outlived:?}")
        };
        assert_eq!((outlived.session, outlived.at), (Some(start.id), at(30)));
        let reason = outlived.reason.as_deref().unwrap_or_default();
        assert!(
            reason.contains("its gateway had been taken out; it ended at")
                && reason.ends_with(": closed"),
            "{reason}"
        );
        let detail = |key: &str| outlived.detail.get(key).cloned();
        assert_eq!(detail("number"), Some(1.into()));
        assert_eq!(
            detail("on-record-as-ended-at"),
            Some(at(10).to_string().into())
        );
        assert_eq!(detail("to-target"), Some(1.into()));
        // People are shown how it ended, not the end that was none.
        let found = store.session(1).await.unwrap().unwrap();
        assert_eq!((found.end, found.fault), (Some(end()), None));
    });
}

/// R3, R4: an end on record is the only one, whatever is written into the table since.
#[test]
fn r4_an_end_that_is_taken_out_of_the_table_is_not_put_on_record_again() {
    on_each_engine(async |store| {
        let start = began(store).await;
        let told = || vec![record(AuditKind::SessionEnd, &start, 30).reason("closed")];
        assert!(store.end_session(start.id, &end(), &told()).await.unwrap());
        let sql = "UPDATE sessions SET ended_at = NULL, end_reason = NULL, ended_because = NULL";
        store.changed_by_hand(sql).await;
        assert!(!store.end_session(start.id, &end(), &told()).await.unwrap());
        assert!(!store.end_session(start.id, &end(), &[]).await.unwrap());
        let ends = records_of(store, &[AuditKind::SessionEnd]).await;
        assert_eq!(ends.len(), 1);
        assert!(store.session(1).await.unwrap().unwrap().fault.is_some());
    });
}

/// An end that its own gateway told is contradicted by nothing.
#[test]
fn an_end_that_is_told_twice_by_its_own_gateway_is_no_contradiction() {
    on_each_engine(async |store| {
        let start = began(store).await;
        for _ in 0..2 {
            let ended = record(AuditKind::SessionEnd, &start, 30).reason("closed");
            store
                .end_session_at_last(start.id, end(), vec![ended])
                .await;
        }
        assert_eq!(store.settle(SETTLED).await, 0);
        let told = records_of(store, &[AuditKind::SessionEnd, AuditKind::SessionOutlived]).await;
        assert_eq!(kinds(&told), [AuditKind::SessionEnd]);
    });
}
