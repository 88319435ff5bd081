//! One way to speak to both engines: the same SQL text, `$1` placeholders, values and rows that do not
//! know which engine answers.
//!
//! Reading is strict: SQLite decodes NULL to zero, an empty text or `false` without a word, which would
//! turn "never disabled" into "disabled in 1970". So [`Row`] refuses NULL unless an `Option` is asked for.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use ecluse_policy::Timestamp;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    AssertSqlSafe, ColumnIndex, Database, Decode, PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool,
    Transaction, Type, ValueRef,
};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::StoreError;

/// Which engine holds the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

/// The connections to the database.
#[derive(Debug, Clone)]
pub(super) enum Db {
    /// SQLite has one writer at a time in any case; with a connection of its own, writers queue here in
    /// order rather than in SQLite's busy loop.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
    /// One moment of either.
    Snapshot(Snapshot),
}

/// A transaction that only reads: everything is read of the moment when it began.
#[derive(Clone)]
pub(super) struct Snapshot {
    engine: Engine,
    tx: Arc<Mutex<Tx>>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// A value to bind.
#[derive(Debug, Clone)]
pub(super) enum Value<'v> {
    Int(Option<i64>),
    Text(Option<Cow<'v, str>>),
    Bytes(Option<Cow<'v, [u8]>>),
    Id(Option<Uuid>),
}

/// The values of one statement, in the order of `$1`, `$2`, …
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::sql::Value::from($value)),*] as &[$crate::store::sql::Value<'_>]
    };
}
pub(super) use values;

impl Db {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite { .. } => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
            Self::Snapshot(snapshot) => snapshot.engine,
        }
    }

    /// Whether anything can be written here: a moment that is past is only read.
    pub(super) fn begins_changes(&self) -> bool {
        !matches!(self, Self::Snapshot(_))
    }

    /// This moment, held: what others write from here on is not seen. Of a snapshot, the same one.
    pub(super) async fn snapshot(&self) -> Result<Self, StoreError> {
        let mut tx = match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Tx::Postgres(pool.begin_with(begin).await?)
            }
            Self::Snapshot(snapshot) => return Ok(Self::Snapshot(snapshot.clone())),
        };
        // Both engines take the moment with the first statement that reads.
        tx.row("SELECT value FROM counters WHERE name = 'epoch'", values![])
            .await?;
        Ok(Self::Snapshot(Snapshot {
            engine: self.engine(),
            tx: Arc::new(Mutex::new(tx)),
        }))
    }

    /// Reads outside a transaction.
    pub(super) async fn rows(
        &self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => bind_sqlite(sqlx::query(sql), values)
                .fetch_all(readers)
                .await?
                .into_iter()
                .map(Row::Sqlite)
                .collect(),
            Self::Postgres(pool) => bind_postgres(sqlx::query(sql), values)
                .fetch_all(pool)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect(),
            Self::Snapshot(snapshot) => snapshot.tx.lock().await.rows(sql, values).await?,
        })
    }

    /// Reads one row or none.
    pub(super) async fn row(
        &self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Begins a transaction that will write. `IMMEDIATE`, because a reading transaction of SQLite that turns
    /// to writing fails at once when another wrote meanwhile, whatever the time-out.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
            Self::Snapshot(_) => return Err(StoreError::Snapshot),
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
            // It ends with its last holder.
            Self::Snapshot(_) => {}
        }
    }
}

/// A transaction. Dropped without [`commit`](Self::commit), it never happened.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Executes a statement; how many rows it changed.
    pub(super) async fn execute(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => bind_sqlite(sqlx::query(sql), values)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
            Self::Postgres(tx) => bind_postgres(sqlx::query(sql), values)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
        })
    }

    pub(super) async fn rows(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => bind_sqlite(sqlx::query(sql), values)
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(Row::Sqlite)
                .collect(),
            Self::Postgres(tx) => bind_postgres(sqlx::query(sql), values)
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect(),
        })
    }

    pub(super) async fn row(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

// The two differ in the type of the query only, which no trait of the library lets one name for both.
macro_rules! bind {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value.clone() {
                Value::Int(value) => query.bind(value),
                Value::Text(value) => query.bind(value.map(Cow::into_owned)),
                Value::Bytes(value) => query.bind(value.map(Cow::into_owned)),
                Value::Id(value) => query.bind(value),
            };
        }
        query
    }};
}

fn bind_sqlite<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    values: &[Value<'_>],
) -> Query<'q, Sqlite, SqliteArguments> {
    bind!(query, values)
}

fn bind_postgres<'q>(
    query: Query<'q, Postgres, PgArguments>,
    values: &[Value<'_>],
) -> Query<'q, Postgres, PgArguments> {
    bind!(query, values)
}

/// A row that was read.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(super) fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.int_or_none(column)?.ok_or(StoreError::Null { column })
    }

    pub(super) fn int_or_none(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.get(column)
    }

    /// A number that cannot be negative.
    pub(super) fn count(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?)
            .map_err(|_| StoreError::malformed(column, "a negative number"))
    }

    pub(super) fn count_or_none(&self, column: &'static str) -> Result<Option<u64>, StoreError> {
        let count = self.int_or_none(column)?.map(u64::try_from).transpose();
        count.map_err(|_| StoreError::malformed(column, "a negative number"))
    }

    pub(super) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.text_or_none(column)?
            .ok_or(StoreError::Null { column })
    }

    pub(super) fn text_or_none(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    pub(super) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.get(column)?.ok_or(StoreError::Null { column })
    }

    pub(super) fn bytes_or_none(
        &self,
        column: &'static str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(column)
    }

    pub(super) fn id(&self, column: &'static str) -> Result<Uuid, StoreError> {
        self.id_or_none(column)?.ok_or(StoreError::Null { column })
    }

    pub(super) fn id_or_none(&self, column: &'static str) -> Result<Option<Uuid>, StoreError> {
        self.get(column)
    }

    pub(super) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_micros)
    }

    pub(super) fn time_or_none(
        &self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.int_or_none(column)?.map(Timestamp::from_micros))
    }

    /// A text with a form of its own, such as an id.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        parse(&self.text(column)?).map_err(|error| StoreError::malformed(column, error))
    }

    /// As [`parsed`](Self::parsed), where there may be none.
    pub(super) fn parsed_or_none<T, E: std::fmt::Display>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        self.text_or_none(column)?
            .map(|text| parse(&text).map_err(|error| StoreError::malformed(column, error)))
            .transpose()
    }

    fn get<T>(&self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T: for<'r> Decode<'r, Sqlite>
            + Type<Sqlite>
            + for<'r> Decode<'r, Postgres>
            + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => not_null::<Sqlite, _, T>(row, column),
            Self::Postgres(row) => not_null::<Postgres, _, T>(row, column),
        }
    }
}

fn not_null<D, R, T>(row: &R, column: &'static str) -> Result<Option<T>, StoreError>
where
    D: Database<Row = R>,
    R: sqlx::Row<Database = D>,
    T: for<'r> Decode<'r, D> + Type<D>,
    &'static str: ColumnIndex<R>,
{
    if row.try_get_raw(column)?.is_null() {
        return Ok(None);
    }
    Ok(Some(row.try_get(column)?))
}

/// A `WHERE` clause of as many conditions as were asked for.
///
/// The texts are ours and static; only values come from outside, always bound.
#[derive(Default)]
pub(super) struct Conditions<'v> {
    text: String,
    values: Vec<Value<'v>>,
}

impl<'v> Conditions<'v> {
    /// Adds `condition`, whose `?` stands for the value.
    pub(super) fn and(
        &mut self,
        condition: &'static str,
        value: impl Into<Value<'v>>,
    ) -> &mut Self {
        self.values.push(value.into());
        let placeholder = format!("${}", self.values.len());
        self.text.push_str(if self.text.is_empty() {
            " WHERE "
        } else {
            " AND "
        });
        self.text
            .push_str(&condition.replacen('?', &placeholder, 1));
        self
    }

    /// Adds `condition` when there is a value for it.
    pub(super) fn and_if(
        &mut self,
        condition: &'static str,
        value: Option<impl Into<Value<'v>>>,
    ) -> &mut Self {
        match value {
            Some(value) => self.and(condition, value),
            None => self,
        }
    }

    /// Adds a condition without a value.
    pub(super) fn and_fixed(&mut self, condition: &'static str) -> &mut Self {
        self.text.push_str(if self.text.is_empty() {
            " WHERE "
        } else {
            " AND "
        });
        self.text.push_str(condition);
        self
    }

    /// Adds `column IN (…)`. An empty list lets nothing through.
    pub(super) fn and_in(
        &mut self,
        column: &'static str,
        list: impl IntoIterator<Item = impl Into<Value<'v>>>,
    ) -> &mut Self {
        let first = self.values.len() + 1;
        self.values.extend(list.into_iter().map(Into::into));
        let placeholders: Vec<String> = (first..=self.values.len())
            .map(|number| format!("${number}"))
            .collect();
        self.text.push_str(if self.text.is_empty() {
            " WHERE "
        } else {
            " AND "
        });
        if placeholders.is_empty() {
            self.text.push_str("1 = 0");
        } else {
            self.text
                .push_str(&format!("{column} IN ({})", placeholders.join(", ")));
        }
        self
    }

    /// The whole statement, with what stands before and after the conditions.
    pub(super) fn statement(
        &self,
        before: &'static str,
        after: &str,
    ) -> (AssertSqlSafe<String>, &[Value<'v>]) {
        (
            AssertSqlSafe(format!("{before}{} {after}", self.text)),
            &self.values,
        )
    }
}

macro_rules! value_from {
    ($($variant:ident from $($type:ty => |$value:ident| $into:expr),+;)+) => {$($(
        impl<'v> From<$type> for Value<'v> {
            fn from($value: $type) -> Self {
                Self::$variant(Some($into))
            }
        }
        impl<'v> From<Option<$type>> for Value<'v> {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map(|$value| $into))
            }
        }
    )+)+};
}

value_from! {
    Int from i64 => |value| value,
        u32 => |value| i64::from(value),
        // Counts of bytes and versions stay far below; a wrong one stays visibly wrong.
        u64 => |value| i64::try_from(value).unwrap_or(i64::MAX),
        Timestamp => |value| value.as_micros();
    Text from &'v str => |value| Cow::Borrowed(value),
        &'v String => |value| Cow::Borrowed(value.as_str()),
        String => |value| Cow::Owned(value),
        IpAddr => |value| Cow::Owned(value.to_string());
    Bytes from &'v [u8] => |value| Cow::Borrowed(value),
        Vec<u8> => |value| Cow::Owned(value);
    Id from Uuid => |value| value;
}
