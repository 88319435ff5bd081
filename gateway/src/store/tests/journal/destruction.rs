//! The words of a client can be destroyed on record, and nothing else with them (R7, O9).

use ecluse_policy::{AccountName, InterventionId, PersonId, SessionId, TargetId};

use super::{attack, checkpoint, client, defects, write};
use crate::audit::{AuditKind, AuditRecord};
use crate::store::sql::values;
use crate::store::testing::{TestStore, on_each_engine};
use crate::store::tests::at;
use crate::store::{AuditQuery, Defect, Destruction, SessionEnd, SessionStart, new_id};

fn destruction(whose: &str, before: i64) -> Destruction {
    Destruction {
        client: Some(client(whose)),
        in_force: false,
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

/// R3, R7: the words of an entry that somebody dated falsely go when those around it go, and never before; nor does it keep theirs.
#[test]
fn r7_a_false_date_takes_no_words_away_early() {
    on_each_engine(async |store| {
        let dated = |second| {
            let record = AuditRecord::new(AuditKind::CredentialSet, at(second));
            record.client(&client("hopital"))
        };
        for second in [1, 2, 500, 3, 4, 100, 1, 101, 102] {
            store.record(&[dated(second)]).await.unwrap();
        }
        let destroy = async |before| {
            let destruction = destruction("hopital", before);
            destroyed(store, &destruction).await;
            let mut gone: Vec<u64> = Vec::new();
            for seq in 1..=9 {
                if store.entry(seq).await.unwrap().unwrap().line.is_none() {
                    gone.push(seq);
                }
            }
            gone
        };
        assert!(destroy(1).await.is_empty());
        assert_eq!(destroy(50).await, [1, 2, 4, 5], "not 7, which stands later");
        assert_eq!(destroy(200).await, [1, 2, 4, 5, 6, 7, 8, 9]);
        assert_eq!(defects(store).await, []);
    });
}

async fn destroyed(store: &TestStore, destruction: &Destruction) -> u64 {
    let would = store.would_destroy(destruction).await.unwrap();
    let done = store.destroy_client_entries(destruction).await.unwrap();
    let done = done.map_or(0, |done| done.entries);
    assert_eq!(would, done > 0);
    done
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
            "UPDATE audit SET person = 'x' WHERE seq = 4",
            "DELETE FROM destructions",
            "UPDATE destructions SET up_to = 9",
        ] {
            let mut tx = store.db().begin().await.unwrap();
            let error = tx.execute(sql, values![]).await.unwrap_err().to_string();
            let rule = error.contains("only grows") || error.contains("stays on record");
            assert!(rule, "{sql}: {error}");
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

/// R7: what concerns no client ends too, on record; what the journal's own proof rests on stays, and every client's words.
#[test]
fn the_words_of_entries_of_no_client_can_be_destroyed_on_record() {
    on_each_engine(async |store| {
        for second in [2, 4, 8] {
            let stranger = AuditRecord::new(AuditKind::LogOnRefused, at(second)).claimed("x");
            store.record(&[stranger]).await.unwrap();
        }
        write(store, 9).await;
        let made = AuditRecord::new(AuditKind::KeyMade, at(3)).detail("public", "ssh-ed25519 x");
        store.record(&[made]).await.unwrap();
        let nobody = Destruction {
            client: None,
            in_force: true,
            ..destruction("hopital", 7)
        };
        let done = store.destroy_client_entries(&nobody).await.unwrap();
        let done = done.unwrap();
        assert_eq!((done.entries, done.sessions), (2, 0));
        let mut left = Vec::new();
        for stored in store.audit(&AuditQuery::default()).await.unwrap() {
            let words = store.entry(stored.seq).await.unwrap().unwrap().line;
            let record = stored.record;
            if record.client.is_none() && record.at < at(7) && words.is_some() {
                left.push(record.kind);
            }
            assert!(words.is_some() || record.client.is_none());
        }
        assert_eq!(left, [AuditKind::KeyMade]);
        assert_eq!(defects(store).await, []);
        let again = store.destroy_client_entries(&nobody).await.unwrap();
        assert_eq!(again, None);
    });
}

/// R7: while the service goes on, what is kept of a session is kept whole: its entries go with it, not with their day.
#[test]
fn entries_of_a_session_that_is_kept_stay_whatever_their_day() {
    on_each_engine(async |store| {
        let (kept, gone) = (start(1), start(1));
        for (session, ended) in [(&kept, 50), (&gone, 5)] {
            let record = |kind, seconds| {
                AuditRecord::new(kind, at(seconds))
                    .client(&session.client)
                    .session(session.id)
                    .intervention(session.intervention)
            };
            let approved = AuditRecord::new(AuditKind::Approval, at(1))
                .client(&session.client)
                .intervention(session.intervention);
            store.record(&[approved]).await.unwrap();
            let began = record(AuditKind::SessionStart, 2);
            store.start_session(session, &[began]).await.unwrap();
            let end = SessionEnd {
                at: at(ended),
                reason: "closed".into(),
                because: None,
                to_target: 0,
                to_technician: 0,
            };
            let over = record(AuditKind::SessionEnd, ended);
            store.end_session(session.id, &end, &[over]).await.unwrap();
        }
        let document = AuditRecord::new(AuditKind::DocumentChange, at(1)).client(&kept.client);
        store.record(&[document]).await.unwrap();
        // Whatever the index was made to say: an entry says itself what it is about.
        attack(
            store,
            &["UPDATE audit SET intervention = NULL WHERE kind = 'approval'"],
        )
        .await;
        let rolling = Destruction {
            in_force: true,
            ..destruction("hopital", 30)
        };
        let done = store
            .destroy_client_entries(&rolling)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (done.entries, done.sessions),
            (3, 1),
            "approval, start and end of one"
        );
        let words = |seq| async move { store.entry(seq).await.unwrap().unwrap().line.is_some() };
        for seq in [1, 2, 3, 7] {
            assert!(words(seq).await, "{seq}");
        }
        let by_hand = Defect::RecordDiffers { seq: 1 };
        assert_eq!(defects(store).await, [by_hand]);
    });
}

/// R7: the time of a session that went on after its end was on record counts from when it ended indeed.
#[test]
fn a_session_that_outlived_its_end_on_record_is_kept_from_its_true_end_on() {
    on_each_engine(async |store| {
        let session = start(1);
        let record = |kind, seconds| {
            AuditRecord::new(kind, at(seconds))
                .client(&session.client)
                .session(session.id)
                .intervention(session.intervention)
        };
        let began = record(AuditKind::SessionStart, 2);
        store.start_session(&session, &[began]).await.unwrap();
        let end = SessionEnd {
            at: at(5),
            reason: "its gateway was taken out".into(),
            because: None,
            to_target: 0,
            to_technician: 0,
        };
        let over = record(AuditKind::SessionEnd, 5);
        store.end_session(session.id, &end, &[over]).await.unwrap();
        let outlived = record(AuditKind::SessionOutlived, 50);
        store.record(&[outlived]).await.unwrap();
        let (early, late) = (destruction("hopital", 30), destruction("hopital", 51));
        let done = store.destroy_client_entries(&early).await.unwrap();
        assert_eq!(done, None);
        let done = store.destroy_client_entries(&late).await.unwrap().unwrap();
        assert_eq!((done.entries, done.sessions), (3, 1));
    });
}

fn start(seconds: i64) -> SessionStart {
    SessionStart {
        id: SessionId::from_uuid(new_id(at(seconds)).unwrap()),
        node: "gw".into(),
        person: PersonId::parse("alice").unwrap(),
        station: None,
        source: "192.0.2.7".parse().unwrap(),
        client: client("hopital"),
        target: TargetId::parse("db01").unwrap(),
        account: AccountName::parse("postgres").unwrap(),
        intervention: InterventionId::from_uuid(new_id(at(seconds)).unwrap()),
        documents: 1,
        recording: None,
        at: at(seconds),
    }
}
