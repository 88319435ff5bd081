//! What was spent of each budget: a number an account, outside the epoch and the log.
//!
//! What is reserved counts as spent from then on, whatever becomes of whoever reserved it: there is nothing to clean up after
//! a node that died, and what it had reserved and not passed on is lost to the budget, never won. All accounts that a
//! reservation draws on are locked together, in the order of their names, and decided upon by what every one of them has: two
//! nodes never spend the same byte (`adr/0030-where-bytes-are-paid.md`).

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::extraction::{Account, Threshold, Zone};
use ecluse_policy::{ClientId, Timestamp};
use sqlx::AssertSqlSafe;

use super::sql::{Engine, Row, Tx, Value, values};
use super::{Store, StoreError};
use crate::audit::AuditRecord;

/// Where an account stands. **Unit**: bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Booked {
    /// What counts as spent.
    pub(crate) spent: u64,
    /// What operators added to its budget.
    pub(crate) extra: u64,
    /// The marks that are told, a bit each.
    pub(crate) told: u64,
}

impl Booked {
    /// Whether it was told that it reached this mark.
    pub(crate) fn is_told(self, what: Threshold) -> bool {
        self.told & u64::from(mark(what)) != 0
    }
}

/// The bit beside an account by which everybody is asked for what they drew from it and do not use; those below are marks that
/// are told.
const CALLED_IN: u64 = 8;
/// Accounts that are looked for at once.
const AT_ONCE: usize = 500;

/// The bit of a mark beside an account.
pub(crate) const fn mark(what: Threshold) -> u32 {
    match what {
        Threshold::Warn => 1,
        Threshold::Limit => 2,
        Threshold::Ceiling => 4,
    }
}

impl Store {
    /// Reserves from all `accounts` at once as many bytes as `decide` says of where each stands, in the order they are
    /// named; what it says beside that comes back. Nothing is written where that is nothing.
    ///
    /// # Errors
    /// The store failed; nothing is reserved.
    pub(crate) async fn reserve<T>(
        &self,
        accounts: &[String],
        decide: impl FnOnce(&[Booked]) -> (u64, T),
    ) -> Result<T, StoreError> {
        // Not through `write`: nobody need wake for it, and nobody waits behind it.
        let mut tx = self.db().begin().await?;
        let names: BTreeSet<&str> = accounts.iter().map(String::as_str).collect();
        let booked = locked(&mut tx, self.db().engine(), &names).await?;
        let all = in_order(accounts, &booked);
        let (bytes, said) = decide(&all);
        if bytes > 0 {
            let sql = "UPDATE extraction SET spent = spent + $1 WHERE account";
            change(&mut tx, sql, bytes, &names).await?;
        }
        tx.commit().await?;
        Ok(said)
    }

    /// Gives back what was reserved from `accounts` and not used.
    ///
    /// # Errors
    /// The store failed; it stays spent.
    pub(crate) async fn give_back(
        &self,
        accounts: &[String],
        bytes: u64,
    ) -> Result<(), StoreError> {
        let names: BTreeSet<&str> = accounts.iter().map(String::as_str).collect();
        let mut tx = self.db().begin().await?;
        locked(&mut tx, self.db().engine(), &names).await?;
        // An account that somebody emptied by hand does not fall below nothing.
        let sql = "UPDATE extraction SET spent = CASE WHEN spent > $1 THEN spent - $1 ELSE 0 END WHERE account";
        change(&mut tx, sql, bytes, &names).await?;
        tx.commit().await
    }

    /// Where each account stands, in the order they are named.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn booked(&self, accounts: &[String]) -> Result<Vec<Booked>, StoreError> {
        let names: BTreeSet<&str> = accounts.iter().map(String::as_str).collect();
        let (sql, values) = of_accounts(ACCOUNTS, 0, &names);
        let rows = self.db().rows(AssertSqlSafe(sql), &values).await?;
        Ok(in_order(accounts, &read(&rows)?))
    }

    /// Adds to the budgets of `accounts` what `decide` says of where each stands, in the order they are named, with a record
    /// of it. Their marks are told again when they are reached anew.
    ///
    /// # Errors
    /// The store failed; nothing is added.
    pub(crate) async fn top_up<T>(
        &self,
        accounts: &[String],
        decide: impl FnOnce(&[Booked]) -> (Vec<u64>, AuditRecord, T),
    ) -> Result<T, StoreError> {
        let mut writing = self.write().await?;
        let names: BTreeSet<&str> = accounts.iter().map(String::as_str).collect();
        let booked = locked(&mut writing.tx, self.db().engine(), &names).await?;
        let (more, record, said) = decide(&in_order(accounts, &booked));
        for (account, more) in accounts.iter().zip(more).filter(|(_, more)| *more > 0) {
            let sql = "UPDATE extraction SET extra = extra + $2, told = 0 WHERE account = $1";
            let values = values![account.as_str(), more];
            writing.tx.execute(sql, values).await?;
        }
        writing.commit(&[record]).await?;
        Ok(said)
    }

    /// Puts on record what an operator does by hand to a session: where its entry stands.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub(crate) async fn lay_hand(&self, record: &AuditRecord) -> Result<u64, StoreError> {
        let mut writing = self.write().await?;
        let seq = writing.append(record).await?;
        writing.commit(&[]).await?;
        Ok(seq)
    }

    /// The accounts of a session's channels, one way.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn accounts_beginning(&self, with: &str) -> Result<Vec<String>, StoreError> {
        // Names hold nothing that a pattern reads otherwise.
        let sql = "SELECT account FROM extraction WHERE account LIKE $1 ORDER BY account";
        let pattern = format!("{with}%");
        let rows = self.db().rows(sql, values![pattern.as_str()]).await?;
        rows.iter().map(|row| row.text("account")).collect()
    }

    /// Forgets what was spent on days of a client's before the day of `before` (R7): how many accounts.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn forget_days(
        &self,
        client: &ClientId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let day = Zone::UTC.day(before);
        let sql = "SELECT account FROM extraction WHERE account LIKE $1";
        let pattern = format!("%/{client}%");
        let mut tx = self.db().begin().await?;
        let rows = tx.rows(sql, values![pattern.as_str()]).await?;
        let mut forgotten = 0;
        for row in &rows {
            let account = row.text("account")?;
            if Account::is_of_client_before(&account, client, day) {
                let sql = "DELETE FROM extraction WHERE account = $1";
                forgotten += tx.execute(sql, values![account.as_str()]).await?;
            }
        }
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Asks everybody for what they have drawn from an account and do not use, or asks no more.
    ///
    /// # Errors
    /// The store failed; nobody is asked, or still.
    pub(crate) async fn call_in(&self, account: &str, calls: bool) -> Result<(), StoreError> {
        let sql = if calls {
            "UPDATE extraction SET told = told + $2 WHERE account = $1 AND told & $2 = 0"
        } else {
            "UPDATE extraction SET told = told - $2 WHERE account = $1 AND told & $2 <> 0"
        };
        let mut tx = self.db().begin().await?;
        tx.execute(sql, values![account, CALLED_IN]).await?;
        tx.commit().await
    }

    /// From which of these accounts everybody is asked for what they do not use.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn called_in(&self, accounts: &[String]) -> Result<Vec<String>, StoreError> {
        self.marked(accounts, CALLED_IN).await
    }

    /// Those of these accounts that are at a mark which is told.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn at_mark(
        &self,
        accounts: &[String],
        what: Threshold,
    ) -> Result<Vec<String>, StoreError> {
        self.marked(accounts, mark(what).into()).await
    }

    async fn marked(&self, accounts: &[String], bit: u64) -> Result<Vec<String>, StoreError> {
        let mut marked = Vec::new();
        for some in accounts.chunks(AT_ONCE) {
            let names: BTreeSet<&str> = some.iter().map(String::as_str).collect();
            const MARKED: &str = "SELECT account FROM extraction WHERE told & $1 <> 0 AND account";
            let (sql, of) = of_accounts(MARKED, 1, &names);
            let mut values = vec![Value::from(bit)];
            values.extend(of);
            for row in &self.db().rows(AssertSqlSafe(sql), &values).await? {
                marked.push(row.text("account")?);
            }
        }
        Ok(marked)
    }

    /// Puts a crossing of an account on record, once however many notice it: whether this is the one. `bit` is the crossing's
    /// own.
    ///
    /// # Errors
    /// The store failed; it is not on record.
    pub(crate) async fn cross(
        &self,
        account: &str,
        bit: u32,
        record: AuditRecord,
    ) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let sql = "UPDATE extraction SET told = told | $2 WHERE account = $1 AND told & $2 = 0";
        let first = writing.tx.execute(sql, values![account, bit]).await? > 0;
        if first {
            writing.commit(&[record]).await?;
        }
        Ok(first)
    }

    /// An account is not at a mark any more: it is told, and put on record, when that is reached anew.
    ///
    /// # Errors
    /// The store failed; it is not told anew.
    pub(crate) async fn uncross(&self, account: &str, bit: u32) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let sql = "UPDATE extraction SET told = told - $2 WHERE account = $1 AND told & $2 <> 0";
        tx.execute(sql, values![account, bit]).await?;
        tx.commit().await
    }
}

const ACCOUNTS: &str = "SELECT account, spent, extra, told FROM extraction WHERE account";

fn read(rows: &[Row]) -> Result<BTreeMap<String, Booked>, StoreError> {
    let mut all = BTreeMap::new();
    for row in rows {
        let (spent, extra) = (row.count("spent")?, row.count("extra")?);
        let told = row.count("told")?;
        all.insert(row.text("account")?, Booked { spent, extra, told });
    }
    Ok(all)
}

fn in_order(accounts: &[String], booked: &BTreeMap<String, Booked>) -> Vec<Booked> {
    let of = |account: &String| booked.get(account.as_str()).copied();
    accounts
        .iter()
        .map(|account| of(account).unwrap_or_default())
        .collect()
}

/// Where every account stands, each locked until the transaction ends; those that are new have spent nothing.
async fn locked(
    tx: &mut Tx,
    engine: Engine,
    names: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Booked>, StoreError> {
    let (mut sql, values) = of_accounts(ACCOUNTS, 0, names);
    // In the order of their names, so that no two reservations wait for each other.
    sql.push_str(match engine {
        // One transaction writes at a time.
        Engine::Sqlite => " ORDER BY account",
        Engine::Postgres => " ORDER BY account FOR UPDATE",
    });
    let mut rows = tx.rows(AssertSqlSafe(sql.clone()), &values).await?;
    if rows.len() < names.len() {
        for name in names {
            let sql = "INSERT INTO extraction (account, spent, extra, told) VALUES ($1, 0, 0, 0) ON CONFLICT (account) DO NOTHING";
            tx.execute(sql, values![*name]).await?;
        }
        rows = tx.rows(AssertSqlSafe(sql), &values).await?;
    }
    read(&rows)
}

/// Executes `sql` for each account of `names`, with `bytes` as its first value.
async fn change(
    tx: &mut Tx,
    sql: &'static str,
    bytes: u64,
    names: &BTreeSet<&str>,
) -> Result<(), StoreError> {
    let (sql, of) = of_accounts(sql, 1, names);
    let mut values = vec![Value::from(bytes)];
    values.extend(of);
    tx.execute(AssertSqlSafe(sql), &values).await?;
    Ok(())
}

/// `sql` for the accounts of `names`, whose values come after so many others.
fn of_accounts<'n>(
    sql: &'static str,
    after: usize,
    names: &BTreeSet<&'n str>,
) -> (String, Vec<Value<'n>>) {
    if names.is_empty() {
        return (format!("{sql} IN (NULL)"), Vec::new());
    }
    let places: Vec<String> = (1..=names.len())
        .map(|number| format!("${}", number + after))
        .collect();
    let values = names.iter().map(|name| Value::from(*name)).collect();
    (format!("{sql} IN ({})", places.join(", ")), values)
}
