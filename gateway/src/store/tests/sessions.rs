//! The table of sessions is what the log says (R3, R7): each column of a row is compared, and nothing is done by a row that
//! differs.

use std::collections::BTreeMap;

use ecluse_policy::{
    AccountName, ClientId, InterventionId, PersonId, SessionId, StationId, TargetId,
};
use ecluse_recordings::layout;
use sqlx::AssertSqlSafe;

use super::at;
use crate::audit::{AuditKind, AuditRecord};
use crate::live::Because;
use crate::store::sql::values;
use crate::store::testing::{on_each_engine, records_of};
use crate::store::{
    AuditQuery, Contradicted, Defect, Session, SessionEnd, SessionStart, Store, StoreError, Wrong,
    new_id,
};

const MANIFEST: &str = "ab";

pub(super) fn start() -> SessionStart {
    let id = new_id(at(1)).unwrap();
    SessionStart {
        id: SessionId::from_uuid(id),
        node: "here".to_owned(),
        person: PersonId::parse("alice").unwrap(),
        station: Some(StationId::parse("laptop-1").unwrap()),
        source: "192.0.2.7".parse().unwrap(),
        client: ClientId::parse("hopital").unwrap(),
        target: TargetId::parse("db01").unwrap(),
        account: AccountName::parse("postgres").unwrap(),
        intervention: InterventionId::from_uuid(new_id(at(1)).unwrap()),
        documents: 4,
        recording: layout::place("hopital", at(10).as_micros(), id),
        at: at(10),
    }
}

pub(super) fn record(kind: AuditKind, start: &SessionStart, seconds: i64) -> AuditRecord {
    AuditRecord::new(kind, at(seconds))
        .person(&start.person)
        .station(start.station.as_ref())
        .source(start.source)
        .client(&start.client)
        .target(&start.target)
        .intervention(start.intervention)
        .session(start.id)
}

/// A session that began, as the gateway writes it.
pub(super) async fn began(store: &Store) -> SessionStart {
    let start = start();
    let begin = record(AuditKind::SessionStart, &start, 10)
        .detail("account", start.account.as_str())
        .detail("documents", start.documents);
    store.start_session(&start, &[begin]).await.unwrap();
    start
}

async fn ended(store: &Store, start: &SessionStart) {
    let over = record(AuditKind::SessionEnd, start, 20)
        .reason("closed")
        .detail("to-target", 7)
        .detail("to-technician", 9);
    let end = SessionEnd {
        at: at(20),
        because: Some(Because::Closed),
        reason: "closed".into(),
        to_target: 7,
        to_technician: 9,
    };
    assert!(store.end_session(start.id, &end, &[over]).await.unwrap());
}

/// R3: a row that was given an end by hand, or is gone, keeps the true end from no log; what has ended on record ends once.
#[test]
fn r3_an_end_put_into_the_table_keeps_none_from_the_log() {
    const ROWS: [&str; 2] = [
        "UPDATE sessions SET ended_at = 15000000, end_reason = 'nothing to see'",
        "DELETE FROM sessions",
    ];
    for forged in ROWS {
        on_each_engine(async |store| {
            let start = began(store).await;
            attack(store, forged).await;
            ended(store, &start).await;
            let ends = AuditQuery {
                kinds: vec![AuditKind::SessionEnd],
                ..AuditQuery::default()
            };
            assert_eq!(store.audit(&ends).await.unwrap().len(), 1, "{forged}");
            let end = SessionEnd {
                at: at(30),
                because: Some(Because::Closed),
                reason: "closed".into(),
                to_target: 7,
                to_technician: 9,
            };
            let again = record(AuditKind::SessionEnd, &start, 30);
            let again = store.end_session(start.id, &end, &[again]).await;
            assert!(!again.unwrap(), "{forged}");
            if let Some(session) = store.session(1).await.unwrap() {
                assert!(session.fault.is_none(), "{:?}", session.fault);
            }
        });
    }
}

async fn sealed(store: &Store, start: &SessionStart) -> bool {
    let seal = record(AuditKind::RecordingSealed, start, 21)
        .detail("manifest-sha256", MANIFEST)
        .detail("form", "files");
    let seal = [seal];
    let done = store.sealed(start.id, MANIFEST, "files", at(21), &seal);
    done.await.unwrap()
}

async fn attack(store: &Store, sql: &str) {
    let mut tx = store.db().begin().await.unwrap();
    let sql = AssertSqlSafe(sql.to_owned());
    tx.execute(sql, values![]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn found(store: &Store, number: u64) -> Session {
    store.session(number).await.unwrap().unwrap()
}

/// Whichever column is changed: the row is handed on with it, and named; put back, it is the one on record again.
#[test]
fn r3_each_column_of_a_session_is_held_to_its_entries() {
    on_each_engine(async |store| {
        let start = began(store).await;
        assert_eq!(found(store, 1).await.fault, None, "it goes on");
        ended(store, &start).await;
        assert_eq!(found(store, 1).await.fault, None, "it is over");
        assert!(sealed(store, &start).await);
        let whole = found(store, 1).await;
        assert_eq!(whole.fault, None, "it is sealed");
        assert_eq!(whole.end.unwrap().because, Some(Because::Closed));
        for (change, back, said) in [
            ("number = 9", "number = 1", "the number 9"),
            ("node = 'x'", "node = 'here'", "the gateway x"),
            ("person = 'bruno'", "person = 'alice'", "person bruno"),
            ("station = NULL", "station = 'laptop-1'", "station none"),
            (
                "source = '192.0.2.9'",
                "source = '192.0.2.7'",
                "source 192.0.2.9",
            ),
            ("client = 'mairie'", "client = 'hopital'", "client mairie"),
            ("target = 'db02'", "target = 'db01'", "target db02"),
            ("account = 'root'", "account = 'postgres'", "account root"),
            (
                "documents = 5",
                "documents = 4",
                "the version of the documents 5",
            ),
            (
                "started_at = started_at + 86400000000",
                "started_at = started_at - 86400000000",
                "its beginning",
            ),
            (
                "ended_at = ended_at - 86400000000",
                "ended_at = ended_at + 86400000000",
                "its end 1969",
            ),
            (
                "end_reason = 'nothing'",
                "end_reason = 'closed'",
                "the reason of its end nothing",
            ),
            (
                "ended_because = '{\"because\":\"account-ended\"}'",
                "ended_because = '{\"because\":\"closed\"}'",
                "the cause of its end",
            ),
            ("to_target = 0", "to_target = 7", "bytes to the target 0"),
            (
                "to_technician = 0",
                "to_technician = 9",
                "bytes to the technician 0",
            ),
            ("hidden_lines = 3", "hidden_lines = 0", "hidden lines 3"),
            (
                "recording_state = 'destroyed'",
                "recording_state = 'sealed'",
                "its recording as destroyed",
            ),
            (
                "manifest_sha256 = 'cd'",
                "manifest_sha256 = 'ab'",
                "the manifest cd",
            ),
            (
                "form = 'journal'",
                "form = 'files'",
                "the form of its recording journal",
            ),
            (
                "sealed_at = sealed_at - 86400000000",
                "sealed_at = sealed_at + 86400000000",
                "the time of its seal",
            ),
        ] {
            attack(store, &format!("UPDATE sessions SET {change}")).await;
            let rows = Contradicted::find(store).await.unwrap();
            let lines: Vec<_> = rows.lines().collect();
            assert_eq!(lines.len(), 1, "{change}: {lines:?}");
            assert!(lines[0].contains(said), "{change}: {lines:?}");
            attack(store, &format!("UPDATE sessions SET {back}")).await;
            assert_eq!(found(store, 1).await.fault, None, "{back}");
        }
        let place = start.recording.unwrap();
        attack(
            store,
            "UPDATE sessions SET recording = 'mairie/2026/01/01/x'",
        )
        .await;
        let fault = found(store, 1).await.fault.unwrap();
        assert_eq!(fault.differs[0].0, "its recording at");
        attack(store, &format!("UPDATE sessions SET recording = '{place}'")).await;
        // Told once for what was found.
        attack(store, "UPDATE sessions SET person = 'bruno'").await;
        for _ in 0..2 {
            let rows = Contradicted::find(store).await.unwrap();
            rows.tell(store, at(50)).await.unwrap();
        }
        let told = records_of(store, &[AuditKind::NotOnRecord]).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].session, Some(start.id));
        attack(store, "DELETE FROM sessions").await;
        let rows = Contradicted::find(store).await.unwrap();
        let lines: Vec<_> = rows.lines().collect();
        assert!(
            lines[0].contains("is not in the table any more"),
            "{lines:?}"
        );
    });
}

/// Two rows that changed their numbers are both named.
#[test]
fn r3_sessions_that_changed_their_numbers_are_named() {
    on_each_engine(async |store| {
        for _ in 0..2 {
            began(store).await;
        }
        attack(store, "UPDATE sessions SET number = number + 10").await;
        attack(store, "UPDATE sessions SET number = 13 - number").await;
        let rows = Contradicted::find(store).await.unwrap();
        assert_eq!(rows.lines().count(), 2);
        let fault = found(store, 1).await.fault.unwrap();
        assert_eq!(fault.recorded_number, Some(2));
        // By its number people find the session that the log has under it.
        let second = store.session_on_record(2).await.unwrap().unwrap();
        assert_eq!((second.start.id, second.number), (fault.id, 2));
        assert!(second.fault.is_some(), "and it is said");
    });
}

/// A session whose row was altered is given as its entries have it: whose, under which intervention, where its recording lies.
/// It is found by the number that the log has, whatever its row has, and is its client's.
#[test]
fn r10_an_altered_row_is_given_as_the_log_has_it() {
    on_each_engine(async |store| {
        let start = began(store).await;
        ended(store, &start).await;
        attack(
            store,
            "UPDATE sessions SET number = 999, client = 'clinique', person = 'bruno', target = 'web01', documents = 9, \
             intervention = id, started_at = 1, recording = 'elsewhere'",
        )
        .await;
        let found = store.session_on_record(1).await.unwrap().unwrap();
        assert_eq!((found.number, &found.start), (1, &start));
        assert_eq!(found.fault.unwrap().number, 999, "the row's");
        let (theirs, gone) = store.sessions_on_record(&start.client).await.unwrap();
        let theirs: Vec<_> = theirs.into_iter().map(|one| one.start).collect();
        assert_eq!((theirs.as_slice(), gone.len()), ([start].as_slice(), 0));
        let other = ClientId::parse("clinique").unwrap();
        let (others, _) = store.sessions_on_record(&other).await.unwrap();
        assert_eq!(others, []);
        assert_eq!(store.session_on_record(2).await.unwrap(), None);
    });
}

/// A gateway that starts ends no session that the log does not know, and none twice: an entry of that would vouch for what
/// was put there by hand.
#[test]
fn r3_a_start_never_puts_a_forged_end_on_record() {
    on_each_engine(async |store| {
        let over = began(store).await;
        ended(store, &over).await;
        let open = began(store).await;
        attack(store, "UPDATE sessions SET ended_at = NULL, end_reason = NULL, ended_because = NULL WHERE number = 1").await;
        attack(
            store,
            "INSERT INTO sessions (id, number, node, person, source, client, target, account, intervention, documents, \
             started_at, to_target, to_technician) SELECT intervention, 9, node, 'bruno', source, client, target, account, \
             intervention, documents, started_at, 0, 0 FROM sessions WHERE number = 1",
        )
        .await;
        let closed = store
            .close_orphans("here", &BTreeMap::new(), at(99))
            .await
            .unwrap();
        let closed: Vec<_> = closed.iter().map(|one| one.start.id).collect();
        assert_eq!(closed, [open.id]);
        let ends = records_of(store, &[AuditKind::SessionEnd]).await;
        assert_eq!(ends.len(), 2, "one of each that began");
        let told = records_of(store, &[AuditKind::NotOnRecord]).await;
        let numbers: Vec<_> = told.iter().map(|record| &record.detail["number"]).collect();
        assert_eq!(numbers, [1, 9]);
        assert_eq!(found(store, 9).await.fault.unwrap().what, Wrong::Planted);
        assert_eq!(found(store, 9).await.end, None);
        assert_eq!(
            store
                .close_orphans("here", &BTreeMap::new(), at(100))
                .await
                .unwrap(),
            []
        );
    });
}

/// A digest in the row keeps no seal off the record, and its absence puts no second one there.
#[test]
fn r3_the_log_says_whether_a_recording_is_sealed() {
    on_each_engine(async |store| {
        let start = began(store).await;
        ended(store, &start).await;
        attack(store, "UPDATE sessions SET manifest_sha256 = 'cd', form = 'files', recording_state = 'sealed'").await;
        assert!(sealed(store, &start).await, "it is on record");
        assert_eq!(found(store, 1).await.fault, None);
        attack(
            store,
            "UPDATE sessions SET manifest_sha256 = NULL, form = NULL, recording_state = NULL",
        )
        .await;
        assert!(!sealed(store, &start).await, "once");
        assert!(found(store, 1).await.fault.is_some());
    });
}

/// What an older program wrote has no cause and no gateway in its entries: it is not accused, and its end is told in the
/// words that the entry has.
#[test]
fn sessions_from_before_their_entries_had_everything_are_not_accused() {
    on_each_engine(async |store| {
        let start = began(store).await;
        ended(store, &start).await;
        let said = found(store, 1).await;
        assert_eq!(said.fault, None);
        assert_eq!(said.end.unwrap().because, Some(Because::Closed));
        let bare = SessionStart {
            station: None,
            recording: None,
            ..self::start()
        };
        let begin = record(AuditKind::SessionStart, &bare, 10);
        store.start_session(&bare, &[begin]).await.unwrap();
        let over = record(AuditKind::SessionEnd, &bare, 20).reason("closed");
        let end = SessionEnd {
            at: at(20),
            because: None,
            reason: "closed".into(),
            to_target: 0,
            to_technician: 0,
        };
        store.end_session(bare.id, &end, &[over]).await.unwrap();
        assert_eq!(found(store, 2).await.fault, None);
        attack(
            store,
            "UPDATE sessions SET ended_because = '{\"because\":\"closed\"}' WHERE number = 2",
        )
        .await;
        let said = found(store, 2).await;
        assert_eq!(said.end.unwrap().because, None, "nothing vouches for it");
    });
}

/// A record put into the index beyond the end of the log is named, keeps nothing off the record, and is told there; an entry
/// put there is refused in words.
#[test]
fn r3_records_beyond_the_end_of_the_log_are_named_and_told() {
    on_each_engine(async |store| {
        let note = || [AuditRecord::new(AuditKind::GatewayStart, at(1))];
        store.record(&note()).await.unwrap();
        let plant = "INSERT INTO audit (seq, at, kind) SELECT seq + 1, at, kind FROM audit UNION ALL \
                     SELECT seq + 4, at, kind FROM audit";
        attack(store, plant).await;
        let defects = async || {
            let all = store.recompute([], |_| {}).await.unwrap();
            all.defects
        };
        assert_eq!(
            defects().await,
            [2, 5].map(|seq| Defect::RecordPlanted { seq })
        );
        store.record(&note()).await.unwrap();
        assert_eq!(defects().await, []);
        let told = records_of(store, &[AuditKind::NotOnRecord]).await;
        assert_eq!(told[0].detail["rows"], 2);
        assert_eq!(store.journal_size().await.unwrap(), 3);
        attack(store, "INSERT INTO journal (seq, leaf, entry) SELECT 4, leaf, entry FROM journal WHERE seq = 1").await;
        let refused = store.record(&note()).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Planted { seq: 4 }),
            "{refused}"
        );
        assert!(refused.to_string().contains("put in by hand"), "{refused}");
    });
}

/// How long all rows take, and a list of 51, in a store of a hundred thousand sessions. By hand:
/// `cargo nextest run --run-ignored only -E 'test(a_hundred_thousand_sessions)' --no-capture`.
#[tokio::test]
#[ignore = "it measures"]
async fn a_hundred_thousand_sessions_are_compared_in_seconds() {
    const MANY: i64 = 100_000;
    let store = crate::store::testing::TestStore::sqlite().await;
    let mut tx = store.db().begin().await.unwrap();
    let mut seq = 0u64;
    for number in 1..=MANY {
        let start = start();
        let sql = "INSERT INTO sessions (id, number, node, person, station, source, client, target, account, intervention, \
                   documents, recording, started_at, ended_at, end_reason, to_target, to_technician) \
                   VALUES ($1, $2, 'here', 'alice', 'laptop-1', '192.0.2.7', 'hopital', 'db01', 'postgres', $3, 4, $4, $5, $6, 'closed', 0, 0)";
        let (id, intervention) = (start.id.as_uuid(), start.intervention.as_uuid());
        let place = start.recording.as_deref();
        tx.execute(
            sql,
            values![id, number, intervention, place, at(10), at(20)],
        )
        .await
        .unwrap();
        let progress = |seconds| record(AuditKind::RecordingProgress, &start, seconds);
        for record in [
            record(AuditKind::SessionStart, &start, 10)
                .detail("account", "postgres")
                .detail("documents", 4),
            progress(11),
            progress(12),
            record(AuditKind::SessionEnd, &start, 20).reason("closed"),
        ] {
            seq += 1;
            let place = crate::audit::Place {
                salt: String::new(),
                seq,
                event: id,
                nth: None,
                previous: None,
            };
            let line = record.to_entry(place).to_line().unwrap();
            let leaf = ecluse_recordings::log::leaf_hash(&line);
            let line = String::from_utf8(line).unwrap();
            let sql = "INSERT INTO journal (seq, leaf, entry) VALUES ($1, $2, $3)";
            tx.execute(sql, values![seq, leaf.0.as_slice(), &line])
                .await
                .unwrap();
            let sql = "INSERT INTO audit (seq, at, kind, client, session) VALUES ($1, $2, $3, 'hopital', $4)";
            tx.execute(sql, values![seq, record.at, record.kind.name(), id])
                .await
                .unwrap();
        }
    }
    tx.commit().await.unwrap();
    let began = crate::clock::monotonic();
    assert_eq!(store.session_faults().await.unwrap(), []);
    println!("all rows: {:?}", began.elapsed());
    let began = crate::clock::monotonic();
    assert_eq!(
        store
            .close_orphans("here", &BTreeMap::new(), at(30))
            .await
            .unwrap(),
        []
    );
    println!("the start: {:?}", began.elapsed());
    let began = crate::clock::monotonic();
    let query = crate::store::SessionQuery {
        limit: Some(51),
        ..Default::default()
    };
    assert_eq!(store.sessions(&query).await.unwrap().len(), 51);
    println!("a list: {:?}", began.elapsed());
}
