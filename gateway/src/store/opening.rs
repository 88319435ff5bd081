//! Reaches the database: whose data directory it is, the file or the server, and how many connections it gets.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::StoreError;
use super::lock::private_file;
use super::sql::Db;

/// How long a writer waits for another process's transaction before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Refuses to work in a data directory of another user: root, above all, would leave files behind that the
/// gateway's own user cannot open.
pub(super) fn check_owner(data_dir: &Path) -> Result<(), StoreError> {
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

pub(super) async fn sqlite(path: &Path) -> Result<Db, StoreError> {
    // Made here, since SQLite would let the whole group read it; its journals take over these permissions.
    drop(private_file(path)?);
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

pub(super) async fn postgres(options: PgConnectOptions) -> Result<Db, StoreError> {
    let options = options.application_name("ecluse");
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await?;
    Ok(Db::Postgres(pool))
}
