//! A store for tests: SQLite always, PostgreSQL too where `ECLUSE_TEST_POSTGRES=postgres://…` names a server.

use std::str::FromStr;
use std::sync::Once;

use ecluse_policy::documents::NodeRules;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

use super::sql::{Engine, values};
use super::{AuditQuery, Store, opening};
use crate::audit::{AuditKind, AuditRecord};
use crate::secrets::random;

/// A store that is gone when dropped.
pub struct TestStore {
    /// The store.
    pub store: Store,
    /// Its data directory.
    pub dir: TempDir,
    postgres: Option<PgConnectOptions>,
}

impl std::ops::Deref for TestStore {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    /// A store on SQLite, for tests of other rooms.
    pub async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = opening::sqlite(&dir.path().join("ecluse.db"))
            .await
            .unwrap();
        let keys = dir.path().join("keys");
        let store = Store::with(db, &keys, "a test", NodeRules::default())
            .await
            .unwrap();
        Self {
            store,
            dir,
            postgres: None,
        }
    }

    /// The same database seen by another process: other connections, another epoch.
    pub async fn as_another_process(&self) -> Store {
        let keys = self.dir.path().join("keys");
        let db = match &self.postgres {
            None => opening::sqlite(&self.dir.path().join("ecluse.db"))
                .await
                .unwrap(),
            Some(options) => opening::postgres(options.clone()).await.unwrap(),
        };
        Store::with(db, &keys, "a test", NodeRules::default())
            .await
            .unwrap()
    }

    /// Changes one row past the store, as whoever has its password does.
    pub async fn changed_by_hand(&self, sql: impl AsRef<str>) {
        let sql = sql.as_ref();
        let mut tx = self.db().begin().await.unwrap();
        let changed = tx.execute(AssertSqlSafe(sql.to_owned()), super::values![]);
        assert_eq!(changed.await.unwrap(), 1, "{sql}");
        tx.commit().await.unwrap();
    }

    async fn postgres(url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = PgConnectOptions::from_str(url).unwrap();
        let schema = format!("test_{:016x}", u64::from_ne_bytes(random().unwrap()));
        let mut connection = server.connect().await.unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        let options = server.options([("search_path", schema.as_str())]);
        let keys = dir.path().join("keys");
        let db = opening::postgres(options.clone()).await.unwrap();
        let store = Store::with(db, &keys, "a test", NodeRules::default())
            .await
            .unwrap();
        Self {
            store,
            dir,
            postgres: Some(options),
        }
    }

    /// Removes what the test left on the server.
    async fn remove(self) {
        self.store.close().await;
        if let Some(options) = self.postgres {
            let schema = options
                .get_options()
                .unwrap()
                .rsplit('=')
                .next()
                .unwrap()
                .to_owned();
            let mut connection = options.connect().await.unwrap();
            let sql = AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"));
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        }
    }
}

/// What the audit trail has of these kinds, oldest first.
pub async fn records_of(store: &Store, kinds: &[AuditKind]) -> Vec<AuditRecord> {
    let query = AuditQuery {
        kinds: kinds.to_vec(),
        ..AuditQuery::default()
    };
    let found = store.audit(&query).await.unwrap();
    found.into_iter().map(|stored| stored.record).collect()
}

/// Runs a test on every engine there is, each time on a new store.
pub fn on_each_engine(test: impl AsyncFn(&TestStore)) {
    static SAID: Once = Once::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = TestStore::sqlite().await;
        test(&store).await;
        store.remove().await;
        match std::env::var("ECLUSE_TEST_POSTGRES") {
            Ok(url) => {
                let store = TestStore::postgres(&url).await;
                test(&store).await;
                store.remove().await;
            }
            Err(_) => {
                let needed = "ECLUSE_TEST_POSTGRES=postgres://user:password@host/database is needed; tests/run starts a server";
                assert!(
                    std::env::var_os("CI").is_none(),
                    "not run on PostgreSQL, and so not passed: {needed}"
                );
                SAID.call_once(|| eprintln!("not run on PostgreSQL: {needed}"));
            }
        }
    });
}

/// What an administrator of the database can do: everything.
pub async fn attack(store: &Store, statements: &[&str]) {
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
            "trails",
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

/// Takes the words of these entries away for a moment.
pub async fn words_away(store: &Store, which: &str) {
    let words = format!("UPDATE journal SET entry = 'x' WHERE {which}");
    attack(
        store,
        &["CREATE TABLE kept AS SELECT * FROM journal", &words],
    )
    .await;
}

/// Puts them back.
pub async fn words_back(store: &Store) {
    let words = "UPDATE journal SET entry = (SELECT k.entry FROM kept k WHERE k.seq = journal.seq) \
                 WHERE seq IN (SELECT seq FROM kept)";
    attack(store, &[words, "DROP TABLE kept"]).await;
}
