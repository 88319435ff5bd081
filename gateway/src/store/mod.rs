//! What the gateway remembers: documents, the audit trail, enrolments, interventions, sessions, secrets.
//!
//! One SQL text serves SQLite (a file in the data directory) and PostgreSQL ([`sql`]). Every change is a
//! transaction that also holds its audit records, so neither exists without the other; every committed
//! change raises the epoch, which is how everything that waits (an approval, a removed person) is woken,
//! within this process at once and across processes within [`POLL`].
//!
//! The store decides nothing: it keeps values of the policy crate and hands them back. Each subject has
//! its file: [`audit`], [`credentials`], [`documents`], [`enrolments`], [`failures`], [`host_keys`],
//! [`interventions`], [`remembered`], [`search`], [`sessions`].

mod audit;
mod binding;
mod credentials;
mod documents;
mod enrolments;
mod failures;
mod host_keys;
mod interventions;
mod journal;
mod keys;
mod lock;
mod migrations;
mod recordings;
mod remembered;
mod search;
mod sessions;
mod sql;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use ecluse_policy::Timestamp;
use ecluse_recordings::log::{Frontier, ProofError};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::watch;
use uuid::Uuid;

pub use self::audit::AuditQuery;
pub use self::credentials::{Credential, CredentialEntry, CredentialKind};
pub use self::documents::{
    Applied, ApplyError, ApplyOutcome, DocumentTexts, DocumentVersion, compile,
};
pub use self::enrolments::{Enrolled, Enrolment, NewEnrolment};
pub use self::failures::Claim;
pub use self::host_keys::HostKeyAlert;
pub use self::interventions::{InterventionError, InterventionQuery, Next, StateName};
pub use self::journal::{Copied, Defect, Destroyed, Destruction, JournalEntry, Recomputed};
pub use self::keys::SigningKey;
pub use self::lock::{ChangeLock, ServeLock};
pub use self::recordings::Sealed;
pub use self::remembered::FactorBinding;
pub use self::search::Searchable;
pub use self::sessions::{ORPHANED, Session, SessionEnd, SessionQuery, SessionStart};
use self::sql::{Db, Engine, Tx, values};
use crate::audit::AuditRecord;
use crate::secrets::{self, SecretError, StoreKey};
use crate::settings::{Settings, StoreAddress};

/// How soon a change made by another process is noticed.
pub const POLL: Duration = Duration::from_millis(250);

/// How long a writer waits for another process's transaction before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the store's database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The format could not be brought up to date.
    #[error("the store in {place} cannot be brought to this program's format: {error}")]
    Migration {
        /// The data directory, or the server.
        place: String,
        /// Why.
        error: sqlx::migrate::MigrateError,
    },
    /// A newer program wrote this store.
    #[error(
        "the store in {place} was written by a newer program, {needed} (format {found}); this is ecluse {} (format {known}): use {needed}",
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The data directory, or the server.
        place: String,
        /// The version that wrote it.
        needed: String,
        /// Its format.
        found: i64,
        /// The newest format this program knows.
        known: i64,
    },
    /// Another gateway serves from the same data directory.
    #[error("another gateway{holder} already serves from {}: stop it first, or give this one another data-dir", data_dir.display())]
    AlreadyServed {
        /// The data directory.
        data_dir: PathBuf,
        /// ` (process 123)`, where known.
        holder: String,
    },
    /// The data directory is somebody else's.
    #[error(
        "{} belongs to the user of number {owner}, and this runs as number {runs_as}: files made here would be out of the gateway's reach; run it as that user, for example: sudo -u '#{owner}' ecluse …",
        data_dir.display()
    )]
    NotOwner {
        /// The data directory.
        data_dir: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who runs this.
        runs_as: u32,
    },
    /// A file of the data directory cannot be used.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A key or a sealed value is unusable.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Documents that an earlier program accepted, and this one does not.
    #[error(
        "the documents in force are not understood by this program; apply corrected ones with: ecluse apply DIR\n{problems}"
    )]
    Documents {
        /// What is wrong with them, by file and line.
        problems: String,
    },
    /// An intervention's next value does not follow the latest one.
    #[error("intervention #{number} was not changed: its new value does not follow the latest one")]
    Revision {
        /// Its number.
        number: u64,
    },
    /// The journal lacks what it must have.
    #[error(
        "the journal in the store is damaged: {0}; nothing more is written to it; find out what happened with: ecluse journal verify"
    )]
    Journal(#[from] ProofError),
    /// The journal is not the one that was signed.
    #[error(
        "the journal was rewritten or rolled back: it does not begin with the {size} entries that were signed; keep the store as it is, it is evidence, and run: ecluse journal verify"
    )]
    Rewritten {
        /// How many entries were signed.
        size: u64,
    },
    /// A checkpoint could not be signed.
    #[error("the checkpoint was not signed: {0}")]
    NotSigned(String),
    /// A cosigned checkpoint was not taken.
    #[error("the cosigned checkpoint was not taken: {0}")]
    NotCosigned(String),
    /// A column that must hold a value holds none.
    #[error(
        "the store holds no value in column {column}, where there must be one; restore it from a backup"
    )]
    Null {
        /// The column.
        column: &'static str,
    },
    /// A column holds what cannot be read.
    #[error(
        "the store holds in column {column} what this program cannot read ({problem}); restore it from a backup"
    )]
    Malformed {
        /// The column.
        column: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl StoreError {
    fn malformed(column: &'static str, problem: impl std::fmt::Display) -> Self {
        Self::Malformed {
            column,
            problem: problem.to_string(),
        }
    }
}

/// The gateway's memory. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    key: StoreKey,
    epoch: watch::Sender<u64>,
    polling: AtomicBool,
    /// The documents last read, so that they are parsed once a version.
    documents: Mutex<Option<Arc<Applied>>>,
}

impl Store {
    /// Opens the store the settings name: makes it at the first start, brings an older format up to date.
    ///
    /// # Errors
    /// The database cannot be reached, a newer program wrote it, or the store's key is not there or another one.
    pub async fn open(settings: &Settings) -> Result<Self, StoreError> {
        secrets::create_private_dir(&settings.data_dir)?;
        check_owner(&settings.data_dir)?;
        let keys = settings.keys_dir();
        match &settings.store {
            StoreAddress::Sqlite => {
                let path = settings.data_dir.join("ecluse.db");
                let db = open_sqlite(&path).await?;
                // The library locks PostgreSQL while it migrates; SQLite it leaves to us.
                let _alone = lock::wait_for(settings.data_dir.join("migrate.lock")).await?;
                Self::with(db, &keys, &path.display().to_string()).await
            }
            StoreAddress::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)?;
                let place = format!(
                    "PostgreSQL at {}:{}",
                    options.get_host(),
                    options.get_port()
                );
                Self::with(open_postgres(options).await?, &keys, &place).await
            }
        }
    }

    async fn with(db: Db, keys_dir: &Path, place: &str) -> Result<Self, StoreError> {
        migrate(&db, place).await?;
        // The store first: it knows whether a key may be made for it.
        let credentials = secrets::credentials_directory();
        let key = binding::open(&db, keys_dir, credentials.as_deref()).await?;
        let epoch = read_epoch(&db).await?;
        let inner = Inner {
            db,
            key,
            epoch: watch::Sender::new(epoch),
            polling: AtomicBool::new(false),
            documents: Mutex::new(None),
        };
        let store = Self {
            inner: Arc::new(inner),
        };
        journal::begin(&store).await?;
        Ok(store)
    }

    /// Announces every change of the store: the number rises with each committed transaction, of this
    /// process at once, of others within [`POLL`].
    ///
    /// The number says only that something changed; read again what matters.
    pub fn changes(&self) -> watch::Receiver<u64> {
        if !self.inner.polling.swap(true, Ordering::AcqRel) {
            tokio::spawn(poll(Arc::downgrade(&self.inner)));
        }
        self.inner.epoch.subscribe()
    }

    /// Waits for running statements and closes every connection.
    pub async fn close(&self) {
        self.inner.db.close().await;
    }

    fn db(&self) -> &Db {
        &self.inner.db
    }

    fn key(&self) -> &StoreKey {
        &self.inner.key
    }

    /// Begins a change. It happens at [`Writing::commit`], or not at all.
    async fn write(&self) -> Result<Writing, StoreError> {
        let mut tx = self.inner.db.begin().await?;
        // First of all: on PostgreSQL this row makes writers wait for one another, so that what a
        // transaction reads stays true until it commits, as on SQLite.
        let epoch = raise(&mut tx, "epoch").await?;
        Ok(Writing {
            tx,
            epoch,
            inner: Arc::clone(&self.inner),
            frontier: None,
        })
    }
}

/// A change being made. Invariant: no other change happens between its first statement and its commit.
struct Writing {
    tx: Tx,
    epoch: u64,
    inner: Arc<Inner>,
    /// Where the journal stands within this change, once something was added to it.
    frontier: Option<Frontier>,
}

impl Writing {
    /// The next number of a counter, without gaps in what is committed.
    async fn next(&mut self, counter: &'static str) -> Result<u64, StoreError> {
        raise(&mut self.tx, counter).await
    }

    /// Writes one record of this change; its place.
    async fn append(&mut self, record: &AuditRecord) -> Result<u64, StoreError> {
        audit::append(self, record).await
    }

    /// Writes the records of this change, then makes it happen.
    async fn commit(mut self, records: &[AuditRecord]) -> Result<(), StoreError> {
        for record in records {
            self.append(record).await?;
        }
        self.tx.commit().await?;
        announce(&self.inner.epoch, self.epoch);
        Ok(())
    }
}

/// A new id that sorts by time (UUID version 7).
///
/// # Errors
/// The system gives no randomness.
pub fn new_id(at: Timestamp) -> Result<Uuid, StoreError> {
    let millis = u64::try_from(at.as_micros() / 1000).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &secrets::random()?).into_uuid())
}

async fn raise(tx: &mut Tx, counter: &'static str) -> Result<u64, StoreError> {
    let sql = "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value";
    let row = tx.row(sql, values![counter]).await?;
    row.ok_or(StoreError::Null {
        column: "counters.value",
    })?
    .count("value")
}

async fn read_epoch(db: &Db) -> Result<u64, StoreError> {
    let row = db
        .row("SELECT value FROM counters WHERE name = 'epoch'", values![])
        .await?;
    row.ok_or(StoreError::Null {
        column: "counters.value",
    })?
    .count("value")
}

/// Raises the announced epoch, never lowers it: commits may be announced out of order.
fn announce(announced: &watch::Sender<u64>, epoch: u64) {
    announced.send_if_modified(|latest| {
        let newer = epoch > *latest;
        *latest = epoch.max(*latest);
        newer
    });
}

/// Watches for changes of other processes for as long as the store exists.
async fn poll(store: Weak<Inner>) {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(inner) = store.upgrade() else { return };
        match read_epoch(&inner.db).await {
            Ok(epoch) => announce(&inner.epoch, epoch),
            Err(StoreError::Database(sqlx::Error::PoolClosed)) => return,
            Err(error) => tracing::warn!(%error, "changes of other processes are not seen"),
        }
    }
}

/// Refuses to work in a data directory of another user: root, above all, would leave files behind that the
/// gateway's own user cannot open.
fn check_owner(data_dir: &Path) -> Result<(), StoreError> {
    let metadata = std::fs::metadata(data_dir).map_err(|error| StoreError::File {
        path: data_dir.to_owned(),
        error,
    })?;
    let (owner, runs_as) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != runs_as {
        return Err(StoreError::NotOwner {
            data_dir: data_dir.to_owned(),
            owner,
            runs_as,
        });
    }
    Ok(())
}

async fn open_sqlite(path: &Path) -> Result<Db, StoreError> {
    // Made here, since SQLite would let the whole group read it; its journals take over these permissions.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| StoreError::File {
            path: path.to_owned(),
            error,
        })?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // The default loses the last transactions when the power fails; audit records are evidence.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        // What is destroyed is overwritten, not only forgotten.
        .pragma("secure_delete", "on")
        // Without it, a statement that replaces a row passes by what forbids to delete it.
        .pragma("recursive_triggers", "on");
    let pool = || {
        SqlitePoolOptions::new()
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    let writer = pool()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .connect_with(options.clone())
        .await?;
    let readers = pool()
        .max_connections(4)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options);
    Ok(Db::Sqlite { writer, readers })
}

async fn open_postgres(options: PgConnectOptions) -> Result<Db, StoreError> {
    let options = options.application_name("ecluse");
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await?;
    Ok(Db::Postgres(pool))
}

async fn migrate(db: &Db, place: &str) -> Result<(), StoreError> {
    if let Some((found, needed)) = newest_writer(db).await?
        && found > migrations::newest()
    {
        return Err(StoreError::Newer {
            place: place.to_owned(),
            needed,
            found,
            known: migrations::newest(),
        });
    }
    let migrator = migrations::migrator(db.engine());
    match db {
        Db::Sqlite { writer, .. } => migrator.run(writer).await,
        Db::Postgres(pool) => migrator.run(pool).await,
    }
    .map_err(|error| StoreError::Migration {
        place: place.to_owned(),
        error,
    })?;
    let mut tx = db.begin().await?;
    let sql =
        "INSERT INTO program (format, version) VALUES ($1, $2) ON CONFLICT (format) DO NOTHING";
    tx.execute(
        sql,
        values![migrations::newest(), env!("CARGO_PKG_VERSION")],
    )
    .await?;
    tx.commit().await
}

/// The newest format this store has had, and the program that made it; none for a store to be made.
async fn newest_writer(db: &Db) -> Result<Option<(i64, String)>, StoreError> {
    let tables = match db.engine() {
        Engine::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'program'"
        }
        Engine::Postgres => {
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'program'"
        }
    };
    if db.row(tables, values![]).await?.is_none() {
        return Ok(None);
    }
    // The format's own list first: a program too old to know the table of programs still kept that one.
    let applied = "SELECT MAX(version) AS format FROM _sqlx_migrations";
    let Some(format) = db
        .row(applied, values![])
        .await?
        .map(|row| row.int_or_none("format"))
        .transpose()?
        .flatten()
    else {
        return Ok(None);
    };
    let program = "SELECT version FROM program WHERE format >= $1 ORDER BY format DESC LIMIT 1";
    let writer = match db.row(program, values![format]).await? {
        Some(row) => format!("ecluse {} or later", row.text("version")?),
        None => "a later release of ecluse".to_owned(),
    };
    Ok(Some((format, writer)))
}
