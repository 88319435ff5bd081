//! What the store promises whatever it holds: changes and their records together, in order, announced.

mod blocks;
mod bound;
mod clearances;
mod documents;
mod doors;
mod extraction;
mod identity;
mod interventions;
mod journal;
mod measure;
mod missing;
mod orders;
mod owed;
mod passage;
mod reach;
mod receipts;
mod search;
mod sessions;
mod settings;
mod trust;
mod witness;

use std::time::Duration;

use ecluse_policy::{ClientId, PersonId, Timestamp};

use super::sql::values;
use super::testing::{TestStore, on_each_engine};
use super::{AuditQuery, DocumentTexts, NewEnrolment, StoreError, Topics, opening};
use crate::audit::{AuditKind, AuditRecord};
use crate::identity::totp::TotpSecret;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// An enrolment that a code of its secret has confirmed.
/// Documents of clients with nothing but their names.
fn documents_of(clients: &[&str]) -> DocumentTexts {
    let text = |id: &&str| {
        let text = format!("[client]\nid = \"{id}\"\nname = \"{id}\"\nlang = \"fr\"\n");
        (format!("clients/{id}.toml"), text)
    };
    clients.iter().map(text).collect()
}

fn confirmed<'n>(person: &'n PersonId, secret: &'n TotpSecret) -> NewEnrolment<'n> {
    NewEnrolment {
        person,
        secret,
        step: 10,
        by: "root",
        at: at(1),
    }
}

#[test]
fn records_come_back_as_they_were_written_and_in_order() {
    on_each_engine(async |store| {
        let client = ClientId::parse("hopital").unwrap();
        let full = AuditRecord::new(AuditKind::Approval, at(1))
            .claimed("odile")
            .source("2001:db8::1".parse().unwrap())
            .terminal("OpenSSH_9.2")
            .client(&client)
            .permitted()
            .reason("because")
            .detail("number", 17);
        let bare = AuditRecord::new(AuditKind::GatewayStop, at(2));
        store.record(&[full.clone(), bare.clone()]).await.unwrap();
        let read = store.audit(&AuditQuery::default()).await.unwrap();
        assert_eq!(
            read.iter().map(|stored| stored.seq).collect::<Vec<_>>(),
            [1, 2]
        );
        assert_eq!(
            read.into_iter()
                .map(|stored| stored.record)
                .collect::<Vec<_>>(),
            [full, bare]
        );
    });
}

#[test]
fn a_client_reads_its_own_records_and_nobody_elses() {
    on_each_engine(async |store| {
        for (second, client) in [(1, "hopital"), (2, "mairie"), (3, "hopital")] {
            let client = ClientId::parse(client).unwrap();
            store
                .record(&[AuditRecord::new(AuditKind::Request, at(second)).client(&client)])
                .await
                .unwrap();
        }
        store
            .record(&[AuditRecord::new(AuditKind::GatewayStart, at(4))])
            .await
            .unwrap();
        let query = AuditQuery {
            client: Some(ClientId::parse("hopital").unwrap()),
            ..AuditQuery::default()
        };
        let read = store.audit(&query).await.unwrap();
        assert_eq!(
            read.iter().map(|stored| stored.seq).collect::<Vec<_>>(),
            [1, 3]
        );
        let query = AuditQuery {
            from: Some(at(3)),
            until: Some(at(4)),
            ..query
        };
        assert_eq!(store.audit(&query).await.unwrap().len(), 1);
        let query = AuditQuery {
            kinds: vec![AuditKind::Refusal],
            ..query
        };
        assert_eq!(store.audit(&query).await.unwrap().len(), 0);
        let query = AuditQuery {
            after: Some(2),
            latest_first: true,
            limit: Some(1),
            ..AuditQuery::default()
        };
        assert_eq!(store.audit(&query).await.unwrap().first().unwrap().seq, 4);
        let query = AuditQuery {
            before: Some(4),
            ..query
        };
        assert_eq!(store.audit(&query).await.unwrap().first().unwrap().seq, 3);
    });
}

#[test]
fn the_engine_itself_refuses_to_alter_or_remove_a_record() {
    on_each_engine(async |store| {
        store
            .record(&[AuditRecord::new(AuditKind::LogOn, at(1))])
            .await
            .unwrap();
        for sql in ["UPDATE audit SET person = 'nobody'", "DELETE FROM audit"] {
            let mut tx = store.db().begin().await.unwrap();
            let error = tx.execute(sql, values![]).await.unwrap_err().to_string();
            assert!(error.contains("only grows"), "{error}");
        }
        assert_eq!(store.audit(&AuditQuery::default()).await.unwrap().len(), 1);
    });
}

#[test]
fn a_change_that_is_not_committed_leaves_neither_itself_nor_a_number() {
    on_each_engine(async |store| {
        let mut change = store.write().await.unwrap();
        change
            .append(&AuditRecord::new(AuditKind::LogOn, at(1)))
            .await
            .unwrap();
        drop(change);
        store
            .record(&[AuditRecord::new(AuditKind::LogOff, at(2))])
            .await
            .unwrap();
        let read = store.audit(&AuditQuery::default()).await.unwrap();
        assert_eq!(
            read.iter()
                .map(|stored| (stored.seq, stored.record.kind))
                .collect::<Vec<_>>(),
            [(1, AuditKind::LogOff)]
        );
    });
}

#[test]
fn many_writers_at_once_get_numbers_without_gap_or_double() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..40 {
            let store = if number % 2 == 0 {
                store.store.clone()
            } else {
                other.clone()
            };
            tasks.spawn(async move {
                store
                    .record(&[AuditRecord::new(AuditKind::LogOn, at(number))])
                    .await
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
        let read = store.audit(&AuditQuery::default()).await.unwrap();
        assert_eq!(
            read.iter().map(|stored| stored.seq).collect::<Vec<_>>(),
            (1..=40).collect::<Vec<_>>()
        );
        other.close().await;
    });
}

#[test]
fn a_change_wakes_those_who_wait_in_this_process_and_in_another() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let everything = Topics::everything;
        let (here, mut there) = (store.changes(everything()), other.changes(everything()));
        store
            .record(&[AuditRecord::new(AuditKind::LogOn, at(1))])
            .await
            .unwrap();
        assert!(here.has_changed(), "at once in the process that wrote");
        tokio::time::timeout(Duration::from_secs(10), there.changed())
            .await
            .unwrap()
            .unwrap();
        other.close().await;
    });
}

#[test]
fn a_null_where_a_value_must_be_is_an_error_on_both_engines() {
    on_each_engine(async |store| {
        let row = store
            .db()
            .row("SELECT CAST(NULL AS BIGINT) AS value", values![])
            .await
            .unwrap()
            .unwrap();
        assert!(matches!(row.int("value"), Err(StoreError::Null { .. })));
        assert_eq!(row.int_or_none("value").unwrap(), None);
        let row = store
            .db()
            .row("SELECT CAST(NULL AS TEXT) AS value", values![])
            .await
            .unwrap()
            .unwrap();
        assert!(matches!(row.text("value"), Err(StoreError::Null { .. })));
    });
}

#[test]
fn a_store_of_a_newer_program_is_left_alone_and_names_the_version_needed() {
    on_each_engine(async |store| {
        let open = async || {
            super::migrations::migrate(store.db(), "/var/lib/ecluse")
                .await
                .unwrap_err()
                .to_string()
        };
        let mut tx = store.db().begin().await.unwrap();
        let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                   SELECT 99, description, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
        tx.execute(sql, values![]).await.unwrap();
        tx.commit().await.unwrap();
        let error = open().await;
        assert!(
            error.contains("a newer program, a later release of ecluse (format 99)"),
            "{error}"
        );
        let mut tx = store.db().begin().await.unwrap();
        tx.execute(
            "INSERT INTO program (format, version) VALUES (99, '3.1.4')",
            values![],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let error = open().await;
        assert!(error.contains("use ecluse 3.1.4 or later"), "{error}");
    });
}

#[tokio::test]
async fn two_processes_may_open_a_new_store_at_once() {
    let test = TestStore::sqlite().await;
    let path = test.dir.path().join("other").join("ecluse.db");
    let text = format!("data-dir = {:?}", test.dir.path().join("other"));
    let settings =
        crate::settings::Settings::parse(std::path::Path::new("/gateway.toml"), &text).unwrap();
    let (one, two) = tokio::join!(super::Store::open(&settings), super::Store::open(&settings));
    one.unwrap();
    two.unwrap();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // And again, once it is there.
    opening::sqlite(&path).await.unwrap();
    super::Store::open(&settings).await.unwrap();
}

/// F5: whatever waits in turn, a client's people and the ends of rights go before it.
#[test]
fn what_waits_in_turn_holds_up_nobodys_handle() {
    on_each_engine(async |store| {
        let turn = std::sync::Arc::clone(&store.inner.turns);
        let held = turn.acquire_owned().await.unwrap();
        let refused = [AuditRecord::new(AuditKind::FlowRefused, at(1))];
        let cut = [AuditRecord::new(AuditKind::Cut, at(2))];
        let in_turn = store.record(&refused);
        let ahead = async {
            store.ahead().record(&cut).await.unwrap();
            drop(held);
        };
        let (waited, ()) = tokio::join!(in_turn, ahead);
        waited.unwrap();
        let read = store.audit(&AuditQuery::default()).await.unwrap();
        let kinds: Vec<_> = read.iter().map(|one| one.record.kind).collect();
        assert_eq!(kinds, [AuditKind::Cut, AuditKind::FlowRefused]);
    });
}
