//! The versions of the store's format, each a text that both engines can read.
//!
//! A format is only ever added to: a published text is never edited, since its digest stands in every
//! store. A store of a newer format is left alone.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::sql::{Db, Engine, values};
use super::{StoreError, journal};

/// One step of the format, and its text for each engine.
struct Step {
    format: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

const FIRST: &str = include_str!("migrations/0001_first.sql");

const JOURNAL: &str = include_str!("migrations/0003_journal.sql");

const SIGNING_KEYS: &str = include_str!("migrations/0005_signing_keys.sql");
const SEARCH: &str = include_str!("migrations/0006_search.sql");
const COPY_LEASES: &str = include_str!("migrations/0007_copy_leases.sql");
const ACCOUNT_USE: &str = include_str!("migrations/0008_account_use.sql");
const SESSION_ENDS: &str = include_str!("migrations/0009_session_ends.sql");
const BOUND: &str = include_str!("migrations/0010_bound.sql");
const SCREEN_TEXT: &str = include_str!("migrations/0017_screen_text.sql");
const HIDDEN_TYPING: &str = include_str!("migrations/0013_hidden_typing.sql");
const NODES: &str = include_str!("migrations/0018_nodes.sql");
const NODE_RUNS: &str = include_str!("migrations/0019_node_runs.sql");
const VOUCHED: &str = include_str!("migrations/0020_vouched.sql");
const EXTRACTION: &str = include_str!("migrations/0021_extraction.sql");
const COPIES: &str = include_str!("migrations/0022_entry_copies.sql");
const TOLD: &str = include_str!("migrations/0024_told.sql");
const TOLD_OF: &str = include_str!("migrations/0026_told_of.sql");

const STEPS: &[Step] = &[
    Step {
        format: 1,
        name: "first",
        sqlite: FIRST,
        postgres: FIRST,
    },
    Step {
        format: 2,
        name: "append only",
        sqlite: include_str!("migrations/0002_append_only.sqlite.sql"),
        postgres: include_str!("migrations/0002_append_only.postgres.sql"),
    },
    Step {
        format: 3,
        name: "journal",
        sqlite: JOURNAL,
        postgres: JOURNAL,
    },
    Step {
        format: 4,
        name: "journal only grows",
        sqlite: include_str!("migrations/0004_journal_only_grows.sqlite.sql"),
        postgres: include_str!("migrations/0004_journal_only_grows.postgres.sql"),
    },
    Step {
        format: 5,
        name: "signing keys",
        sqlite: SIGNING_KEYS,
        postgres: SIGNING_KEYS,
    },
    Step {
        format: 6,
        name: "search",
        sqlite: SEARCH,
        postgres: SEARCH,
    },
    Step {
        format: 7,
        name: "copy leases",
        sqlite: COPY_LEASES,
        postgres: COPY_LEASES,
    },
    Step {
        format: 8,
        name: "account use",
        sqlite: ACCOUNT_USE,
        postgres: ACCOUNT_USE,
    },
    Step {
        format: 9,
        name: "session ends",
        sqlite: SESSION_ENDS,
        postgres: SESSION_ENDS,
    },
    Step {
        format: 10,
        name: "bound to the log",
        sqlite: BOUND,
        postgres: BOUND,
    },
    Step {
        format: INDEX,
        name: "trails",
        sqlite: include_str!("migrations/0011_trails.sqlite.sql"),
        postgres: include_str!("migrations/0011_trails.postgres.sql"),
    },
    Step {
        format: 12,
        name: "nobody's words end",
        sqlite: include_str!("migrations/0012_nobodys_words_end.sqlite.sql"),
        postgres: include_str!("migrations/0012_nobodys_words_end.postgres.sql"),
    },
    Step {
        format: 13,
        name: "hidden typing",
        sqlite: HIDDEN_TYPING,
        postgres: HIDDEN_TYPING,
    },
    Step {
        format: 14,
        name: "planted records",
        sqlite: include_str!("migrations/0014_planted_records.sqlite.sql"),
        postgres: include_str!("migrations/0014_planted_records.postgres.sql"),
    },
    Step {
        format: 17,
        name: "screen text",
        sqlite: SCREEN_TEXT,
        postgres: SCREEN_TEXT,
    },
    Step {
        format: 18,
        name: "nodes",
        sqlite: NODES,
        postgres: NODES,
    },
    Step {
        format: 19,
        name: "node runs",
        sqlite: NODE_RUNS,
        postgres: NODE_RUNS,
    },
    Step {
        format: 20,
        name: "vouched",
        sqlite: VOUCHED,
        postgres: VOUCHED,
    },
    Step {
        format: 21,
        name: "extraction",
        sqlite: EXTRACTION,
        postgres: EXTRACTION,
    },
    Step {
        format: 22,
        name: "copies of what takes",
        sqlite: COPIES,
        postgres: COPIES,
    },
    Step {
        format: 24,
        name: "told",
        sqlite: TOLD,
        postgres: TOLD,
    },
    Step {
        format: 26,
        name: "told of which budget",
        sqlite: TOLD_OF,
        postgres: TOLD_OF,
    },
];

/// The format from which on the audit trail is an index of the journal: before it, what is in the one alone must have
/// come into the other.
const INDEX: i64 = 11;

/// Brings the store to the format this program writes, and notes which program did.
///
/// # Errors
/// A newer program wrote the store, or the database failed.
pub(super) async fn migrate(db: &Db, place: &str) -> Result<(), StoreError> {
    let found = newest_writer(db).await?;
    let is_older = found.as_ref().is_none_or(|(format, _)| *format < INDEX);
    if let Some((found, needed)) = found
        && found > newest()
    {
        return Err(StoreError::Newer {
            place: place.to_owned(),
            needed,
            found,
            known: newest(),
        });
    }
    if is_older {
        run(db, place, INDEX - 1).await?;
        journal::backfill(db).await?;
    }
    run(db, place, newest()).await?;
    let mut tx = db.begin().await?;
    let sql =
        "INSERT INTO program (format, version) VALUES ($1, $2) ON CONFLICT (format) DO NOTHING";
    tx.execute(sql, values![newest(), env!("CARGO_PKG_VERSION")])
        .await?;
    tx.commit().await
}

/// Brings the store up to a format, from whichever it has.
pub(super) async fn run(db: &Db, place: &str, upto: i64) -> Result<(), StoreError> {
    let mut migrator = migrator(db.engine(), upto);
    // Another process may be further already.
    migrator.set_ignore_missing(upto < newest());
    match db {
        Db::Sqlite { writer, .. } => migrator.run(writer).await,
        Db::Postgres(pool) => migrator.run(pool).await,
        Db::Snapshot(_) => return Err(StoreError::Snapshot),
    }
    .map_err(|error| StoreError::Migration {
        place: place.to_owned(),
        error,
    })
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

/// Whether the store has the format that this program writes.
///
/// # Errors
/// The database failed.
pub(super) async fn is_current(db: &Db) -> Result<bool, StoreError> {
    let format = newest_writer(db).await?;
    Ok(format.is_some_and(|(format, _)| format == newest()))
}

/// The format this program writes.
fn newest() -> i64 {
    STEPS.iter().map(|step| step.format).max().unwrap_or(0)
}

fn migrator(engine: Engine, upto: i64) -> Migrator {
    let migrations = STEPS
        .iter()
        .filter(|step| step.format <= upto)
        .map(|step| {
            let text = match engine {
                Engine::Sqlite => for_sqlite(step.sqlite),
                Engine::Postgres => step.postgres.to_owned(),
            };
            // Our own texts, compiled in.
            let sql = AssertSqlSafe(text).into_sql_str();
            Migration::new(
                step.format,
                Cow::Borrowed(step.name),
                MigrationType::Simple,
                sql,
                false,
            )
        })
        .collect();
    Migrator::with_migrations(migrations)
}

/// Puts SQLite's words for PostgreSQL's. STRICT makes SQLite refuse a text in a number's column.
fn for_sqlite(text: &str) -> String {
    [
        ("BIGINT", "INTEGER"),
        ("BYTEA", "BLOB"),
        ("UUID", "BLOB"),
        ("/* STRICT */", "STRICT"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
