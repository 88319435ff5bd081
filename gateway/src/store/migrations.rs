//! The versions of the store's format, each a text that both engines can read.
//!
//! A format is only ever added to: a published text is never edited, since its digest stands in every
//! store. A store of a newer format is left alone.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::sql::Engine;

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
];

/// The format this program writes.
pub(super) fn newest() -> i64 {
    STEPS.iter().map(|step| step.format).max().unwrap_or(0)
}

pub(super) fn migrator(engine: Engine) -> Migrator {
    let migrations = STEPS
        .iter()
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
