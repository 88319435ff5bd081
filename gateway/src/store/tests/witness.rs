//! What a running gateway has seen of the log stays, or that it does not is on record; and what stands in a row for a moment
//! is believed by nobody (R3).

use ecluse_policy::ClientId;
use ecluse_recordings::log::leaf_hash;
use serde_json::json;

use super::at;
use super::bound::{approved, found, take_back};
use super::journal::{defects, write};
use super::owed::{SETTLED, end};
use super::sessions::{began, record};
use crate::audit::{AuditKind, AuditRecord};
use crate::log::CONTRADICTED;
use crate::store::sql::Engine;
use crate::store::testing::{TestStore, attack, on_each_engine, records_of};
use crate::store::{AuditQuery, SessionQuery, Store, new_id};

/// Makes a counted row of the journal read otherwise, with the right hash of its new words.
async fn overwrite(store: &Store, seq: u64, line: &serde_json::Value) {
    let line = line.to_string();
    let leaf = leaf_hash(line.as_bytes());
    let hex = match store.db().engine() {
        Engine::Sqlite => format!("x'{leaf}'"),
        Engine::Postgres => format!("'\\x{leaf}'::bytea"),
    };
    let kept = "CREATE TABLE IF NOT EXISTS kept_journal AS SELECT * FROM journal";
    let forged = format!("UPDATE journal SET entry = '{line}', leaf = {hex} WHERE seq = {seq}");
    attack(store, &[kept, &forged]).await;
}

async fn put_back(store: &Store, seq: u64) {
    let sql = format!(
        "UPDATE journal SET entry = (SELECT entry FROM kept_journal k WHERE k.seq = {seq}), \
         leaf = (SELECT leaf FROM kept_journal k WHERE k.seq = {seq}) WHERE seq = {seq}"
    );
    attack(store, &[&sql, "DROP TABLE kept_journal"]).await;
}

/// What is on record of the log itself, in the gateway's own trail.
pub(super) async fn contradictions(store: &Store) -> Vec<String> {
    let found = records_of(store, &[AuditKind::CheckpointFailed]).await;
    let of_log = |record: &AuditRecord| record.detail.contains_key(CONTRADICTED);
    let own = found
        .into_iter()
        .filter(|one| of_log(one) && one.client.is_none());
    own.filter_map(|record| record.reason).collect()
}

/// R3, A2: an end that stands in a row of the log for a moment, with everything that points to it, keeps the true one from no
/// log and ends nothing.
#[test]
fn r3_an_end_that_stands_in_the_log_for_a_moment_keeps_none_from_it() {
    on_each_engine(async |store| {
        write(store, 5).await;
        let start = began(store).await;
        store.watch().await.unwrap();
        let forged = json!({ "salt": "11", "seq": 3, "at": 20_000_000, "kind": "session-end", "person": "alice",
            "client": "hopital", "session": start.id.to_string(), "reason": "x", "detail": { "number": 1 } });
        overwrite(store, 3, &forged).await;
        attack(
            store,
            &[
                "UPDATE audit SET kind = 'session-end', session = (SELECT id FROM sessions) WHERE seq = 3",
                "UPDATE sessions SET ended_at = 20000000, end_reason = 'x'",
            ],
        )
        .await;
        assert!(store.ended_on_record(&[start.id]).await.unwrap().is_empty());
        let told = record(AuditKind::SessionEnd, &start, 30).reason("closed");
        store.end_session_at_last(start.id, end(), vec![told]).await;
        put_back(store, 3).await;
        attack(
            store,
            &["UPDATE audit SET kind = 'request', session = NULL WHERE seq = 3"],
        )
        .await;
        assert_eq!(store.settle(SETTLED).await, 0);
        let ends = records_of(store, &[AuditKind::SessionEnd]).await;
        assert_eq!(ends.len(), 1);
        assert_eq!(ends[0].reason.as_deref(), Some("closed"));
        assert_eq!(defects(store).await, []);
    });
}

/// R4, I5: neither the index of the log nor the table hides a session that goes on.
#[test]
fn r4_a_session_is_open_by_the_log_whatever_index_and_table_say() {
    on_each_engine(async |store| {
        write(store, 5).await;
        let start = began(store).await;
        let query = SessionQuery {
            client: Some(start.client.clone()),
            target: Some(start.target.clone()),
            unended: true,
            ..SessionQuery::default()
        };
        let open = async || store.sessions(&query).await.unwrap();
        assert_eq!(open().await.len(), 1);
        attack(
            store,
            &[
                "UPDATE audit SET kind = 'session-end', session = (SELECT id FROM sessions) WHERE seq = 3",
                "UPDATE sessions SET target = 'web01', ended_at = 1, end_reason = 'x'",
            ],
        )
        .await;
        let found = open().await;
        assert_eq!(found.len(), 1);
        assert!(found[0].fault.is_some());
        attack(store, &["DELETE FROM sessions"]).await;
        let gone = store.open_without_row(&query).await.unwrap();
        assert_eq!((open().await.len(), gone.len()), (0, 1));
        let told = record(AuditKind::SessionEnd, &start, 30).reason("closed");
        assert!(store.end_session(start.id, &end(), &[told]).await.unwrap());
        assert!(store.open_without_row(&query).await.unwrap().is_empty());
    });
}

/// R3, N2: the count is one less for a moment, so that the log would be read anew, with a yes in a row that was counted.
#[test]
fn r3_a_log_that_is_shorter_for_a_moment_is_not_read_anew_and_is_told() {
    on_each_engine(async |store| {
        write(store, 5).await;
        let taken = approved(store).await;
        store.watch().await.unwrap();
        let planted = new_id(at(3)).unwrap();
        let forged = json!({ "salt": "11", "seq": 3, "at": 3_000_000, "kind": "approval", "person": "odile",
            "client": "hopital", "intervention": planted.to_string(), "verdict": "permit",
            "detail": { "intervention-salted-sha256": "00", "number": 901 } });
        overwrite(store, 3, &forged).await;
        attack(
            store,
            &["UPDATE counters SET value = value - 1 WHERE name = 'audit'"],
        )
        .await;
        assert!(!found(store, taken.id()).await.is_contradicted());
        assert!(store.said().intervention_digest(planted).is_none());
        attack(
            store,
            &["UPDATE counters SET value = value + 1 WHERE name = 'audit'"],
        )
        .await;
        put_back(store, 3).await;
        assert!(!found(store, taken.id()).await.is_contradicted());
        assert!(store.said().intervention_digest(planted).is_none());
        assert_eq!(store.settle(SETTLED).await, 0);
        let told = contradictions(store).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("it ends with entry 6, and was read up to entry 7"),
            "{told:?}"
        );
        assert!(!found(store, taken.id()).await.is_contradicted());
        assert_eq!(defects(store).await, []);
    });
}

const TABLES: [&str; 6] = [
    "journal",
    "journal_nodes",
    "audit",
    "trails",
    "interventions",
    "counters",
];

async fn keep(store: &Store) {
    let all = TABLES.map(|table| format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"));
    attack(store, &all.each_ref().map(String::as_str)).await;
}

async fn set_back(store: &Store) {
    let mut all = Vec::new();
    for table in TABLES {
        all.push(format!("DELETE FROM {table}"));
        all.push(format!("INSERT INTO {table} SELECT * FROM kept_{table}"));
    }
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    attack(store, &all).await;
}

async fn withdrawn(store: &TestStore) -> ecluse_policy::intervention::Intervention {
    let taken = approved(store).await;
    keep(store).await;
    take_back(store, taken.id()).await;
    taken
}

/// R3: all of it set back while the gateway runs: what is written next says so, and what was withdrawn stays so.
#[test]
fn r3_a_log_that_is_set_back_under_a_running_gateway_says_so_and_no_refusal_is_undone() {
    on_each_engine(async |store| {
        write(store, 3).await;
        store.watch().await.unwrap();
        let taken = withdrawn(store).await;
        set_back(store).await;
        let hopital = ClientId::parse("hopital").unwrap();
        let next = AuditRecord::new(AuditKind::LogOn, at(9)).client(&hopital);
        store.record(&[next]).await.unwrap();
        let told = contradictions(store).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("it ends with entry 5, and was read up to entry 6"),
            "{told:?}"
        );
        assert!(found(store, taken.id()).await.is_contradicted());
        // It goes on from there, once told, and is whole.
        write(store, 3).await;
        store.watch().await.unwrap();
        assert_eq!(store.settle(SETTLED).await, 0);
        assert_eq!(contradictions(store).await.len(), 1);
        assert!(found(store, taken.id()).await.is_contradicted());
        assert_eq!(defects(store).await, []);
    });
}

/// The same where another process wrote first into what was set back: this one does not take its words for those it read.
#[test]
fn r3_a_log_that_was_set_back_and_grew_again_elsewhere_is_another() {
    on_each_engine(async |store| {
        write(store, 3).await;
        store.watch().await.unwrap();
        let taken = withdrawn(store).await;
        set_back(store).await;
        let other = store.as_another_process().await;
        write(&other, 3).await;
        store.watch().await.unwrap();
        assert_eq!(store.settle(SETTLED).await, 0);
        let told = contradictions(store).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("entry 6 is not the one that was read"),
            "{told:?}"
        );
        assert!(found(store, taken.id()).await.is_contradicted());
        write(store, 2).await;
        write(&other, 2).await;
        store.watch().await.unwrap();
        assert_eq!(contradictions(store).await.len(), 1);
        assert_eq!(defects(store).await, []);
        other.close().await;
    });
}

/// A tree that is altered is told, and what is added goes on from the entries as they were seen.
#[test]
fn r3_a_tree_that_is_altered_for_a_moment_is_told_and_spoils_nothing() {
    on_each_engine(async |store| {
        write(store, 6).await;
        store.watch().await.unwrap();
        write(store, 1).await;
        attack(
            store,
            &[
                "CREATE TABLE kept_nodes AS SELECT * FROM journal_nodes",
                "UPDATE journal_nodes SET hash = (SELECT leaf FROM journal WHERE seq = 1) WHERE level = 2 AND idx = 0",
            ],
        )
        .await;
        write(store, 1).await;
        attack(
            store,
            &[
                "UPDATE journal_nodes SET hash = (SELECT hash FROM kept_nodes WHERE level = 2 AND idx = 0) WHERE level = 2 AND idx = 0",
            ],
        )
        .await;
        write(store, 2).await;
        let told = contradictions(store).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("the tree of the log at 7 entries"),
            "{told:?}"
        );
        assert_eq!(defects(store).await, []);
    });
}

/// Two honest gateways accuse nobody, however they take turns.
#[test]
fn two_gateways_that_write_by_turns_find_the_log_whole() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        store.watch().await.unwrap();
        for turn in 1..=40 {
            write(store, turn % 3).await;
            if turn % 4 == 0 {
                other.watch().await.unwrap();
            }
            write(&other, turn % 5).await;
            if turn % 7 == 0 {
                store.watch().await.unwrap();
            }
        }
        let size = store.journal_size().await.unwrap();
        for one in [&store.store, &other] {
            one.watch().await.unwrap();
            assert_eq!(one.said().read_to(), size);
            assert_eq!(
                one.seen_root(size),
                Some(store.journal_root(size).await.unwrap())
            );
        }
        assert!(contradictions(store).await.is_empty());
        assert_eq!(defects(store).await, []);
        other.close().await;
    });
}

/// R9, R3: what operators are told of is chosen by the entries: no column beside them hides one, for a moment or for good.
#[test]
fn r9_no_index_hides_what_operators_are_told_of() {
    on_each_engine(async |store| {
        let client = ClientId::parse("hopital").unwrap();
        let set = AuditRecord::new(AuditKind::CredentialSet, at(5)).client(&client);
        let later = AuditRecord::new(AuditKind::CredentialSet, at(9)).client(&client);
        store.record(std::slice::from_ref(&set)).await.unwrap();
        store.record(std::slice::from_ref(&later)).await.unwrap();
        let ask = AuditQuery {
            client: Some(client),
            kinds: vec![AuditKind::CredentialSet, AuditKind::KeyMade],
            ..AuditQuery::default()
        };
        let told = async |ask: &AuditQuery| {
            let found = store.audit(ask).await.unwrap().into_iter();
            found.map(|stored| stored.record.at).collect::<Vec<_>>()
        };
        for hidden in [
            "kind = 'log-off'",
            "client = NULL",
            "at = 0, seq = seq + 1000",
        ] {
            attack(store, &[&format!("UPDATE audit SET {hidden}")]).await;
            assert_eq!(told(&ask).await, [set.at, later.at], "{hidden}");
        }
        let newest = AuditQuery {
            latest_first: true,
            limit: Some(1),
            ..ask.clone()
        };
        assert_eq!(told(&newest).await, [later.at]);
        let from = AuditQuery {
            from: Some(at(6)),
            ..ask
        };
        assert_eq!(told(&from).await, [later.at]);
    });
}

/// R3: a row that reads otherwise while the count is less for a moment, and something is written, takes the place of nothing
/// that was seen: afterwards the entry that stood there is known, and the other never.
#[test]
fn r3_a_row_that_reads_otherwise_while_somebody_writes_is_never_taken_for_what_was_seen() {
    on_each_engine(async |store| {
        write(store, 6).await;
        store.watch().await.unwrap();
        let sql = "SELECT leaf FROM journal WHERE seq = 3";
        let leaf = async || {
            let row = store.db().row(sql, &[]).await.unwrap().unwrap();
            let leaf: [u8; 32] = row.bytes("leaf").unwrap().try_into().unwrap();
            ecluse_recordings::log::Hash(leaf)
        };
        let (truth, mut forged) = (leaf().await, None);
        for _ in 0..2 {
            let line = json!({ "salt": "11", "seq": 3, "at": 3_000_000, "kind": "cut-ordered", "person": "odile",
                "client": "hopital", "detail": {} });
            overwrite(store, 3, &line).await;
            forged = Some(leaf().await);
            attack(
                store,
                &["UPDATE counters SET value = value - 1 WHERE name = 'audit'"],
            )
            .await;
            let written = AuditRecord::new(AuditKind::LogOff, at(31));
            // Nothing is added before an entry that is there.
            store.record(&[written]).await.unwrap_err();
            attack(
                store,
                &["UPDATE counters SET value = value + 1 WHERE name = 'audit'"],
            )
            .await;
            put_back(store, 3).await;
        }
        let next = AuditRecord::new(AuditKind::LogOff, at(32));
        store.record(&[next]).await.unwrap();
        let forged = forged.unwrap();
        assert_ne!(truth, forged);
        let seen = store.seen(&[(3, truth)]).await.unwrap();
        assert!(
            seen.contains(&3),
            "the entry that was seen is not known any more"
        );
        assert!(store.seen(&[(3, forged)]).await.unwrap().is_empty());
        assert_eq!(store.settle(SETTLED).await, 0);
        assert!(!contradictions(store).await.is_empty());
    });
}
