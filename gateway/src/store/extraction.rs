//! What was spent of each budget: a number an account, outside the epoch and the log.
//!
//! What is reserved counts as spent from then on, whatever becomes of whoever reserved it: there is nothing to clean up after
//! a node that died, and what it had reserved and not passed on is lost to the budget, never won. All accounts that a
//! reservation draws on are locked together, in the order of their names, and decided upon by what every one of them has: two
//! nodes never spend the same byte (`adr/0030-where-bytes-are-paid.md`).

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::extraction::{Account, Budget, ByteCount, Threshold, Zone};
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
    /// The highest mark that is told, of whichever budget.
    pub(crate) told: Option<u64>,
}

/// A mark that is told of an account: which, and of how many bytes. Flows with other budgets have others on the same account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    what: Threshold,
    amount: u64,
}

impl Mark {
    /// A mark of this budget, with what was added to it; none where it has no limit.
    pub(crate) fn of(budget: &Budget, what: Threshold) -> Option<Self> {
        let amount = budget.at(what)?.as_u64();
        Some(Self { what, amount })
    }
}

/// The bit beside an account by which everybody is asked for what they drew from it and do not use.
const CALLED_IN: u64 = 8;
/// Accounts that are looked for at once.
const AT_ONCE: usize = 500;

/// What a mark is in the store.
const fn number(what: Threshold) -> u64 {
    match what {
        Threshold::Warn => 1,
        Threshold::Limit => 2,
        Threshold::Ceiling => 4,
    }
}

impl Store {
    /// Reserves from all `accounts` at once as many bytes as `decide` says of where each stands, in the order they are
    /// named; what it says beside that comes back. Nothing is written where that is nothing. Marks that are told and lie above
    /// where an account stands are told anew when they are reached anew: something came back.
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
        for (account, one) in &booked {
            if one.told.is_some_and(|told| one.spent < told) {
                let sql = "DELETE FROM extraction_told WHERE account = $1 AND amount > $2";
                tx.execute(sql, values![account.as_str(), one.spent])
                    .await?;
            }
        }
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
            let sql = "DELETE FROM extraction_told WHERE account = $1";
            let values = values![account.as_str()];
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
                let sql = "DELETE FROM extraction_told WHERE account = $1";
                tx.execute(sql, values![account.as_str()]).await?;
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
        let mut called = Vec::new();
        for some in accounts.chunks(AT_ONCE) {
            let names: BTreeSet<&str> = some.iter().map(String::as_str).collect();
            const CALLED: &str = "SELECT account FROM extraction WHERE told & $1 <> 0 AND account";
            let (sql, of) = of_accounts(CALLED, 1, &names);
            let mut values = vec![Value::from(CALLED_IN)];
            values.extend(of);
            for row in &self.db().rows(AssertSqlSafe(sql), &values).await? {
                called.push(row.text("account")?);
            }
        }
        Ok(called)
    }

    /// Those of these accounts of which this mark is told.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn at_marks(
        &self,
        marks: &[(String, Mark)],
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut told = BTreeSet::new();
        for some in marks.chunks(AT_ONCE) {
            let names: BTreeSet<&str> = some.iter().map(|(account, _)| account.as_str()).collect();
            const TOLD: &str = "SELECT account, mark, amount FROM extraction_told WHERE account";
            let (sql, values) = of_accounts(TOLD, 0, &names);
            for row in &self.db().rows(AssertSqlSafe(sql), &values).await? {
                let account = row.text("account")?;
                let (mark, amount) = (row.count("mark")?, row.count("amount")?);
                let is_it = |(one, wanted): &(String, Mark)| {
                    *one == account && (number(wanted.what), wanted.amount) == (mark, amount)
                };
                if some.iter().any(is_it) {
                    told.insert(account);
                }
            }
        }
        Ok(told)
    }

    /// Puts on record that an account has reached a mark, once however many notice it: whether this is the one.
    ///
    /// # Errors
    /// The store failed; it is not on record.
    pub(crate) async fn cross(
        &self,
        account: &str,
        mark: Mark,
        record: AuditRecord,
    ) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let sql = "INSERT INTO extraction_told (account, mark, amount) VALUES ($1, $2, $3) ON CONFLICT (account, mark, amount) DO NOTHING";
        let values = values![account, number(mark.what), mark.amount];
        let first = writing.tx.execute(sql, values).await? > 0;
        if first {
            writing.commit(&[record]).await?;
        }
        Ok(first)
    }

    /// An account is not at a mark any more: it is told, and put on record, when that is reached anew.
    ///
    /// # Errors
    /// The store failed; it is not told anew.
    pub(crate) async fn uncross(&self, account: &str, mark: Mark) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        uncross(&mut tx, account, mark).await?;
        tx.commit().await
    }

    /// These budgets of accounts are not in force any more where they were: whoever has them again is told anew.
    ///
    /// # Errors
    /// The store failed; they are not told anew.
    pub(crate) async fn are_others(&self, gone: &[(String, Budget)]) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let names: BTreeSet<&str> = gone.iter().map(|(account, _)| account.as_str()).collect();
        let booked = locked(&mut tx, self.db().engine(), &names).await?;
        for (account, budget) in gone {
            let extra = booked.get(account).map_or(0, |one| one.extra);
            let budget = budget.with_more(ByteCount::new(extra));
            let marks = Threshold::ALL.into_iter();
            for mark in marks.filter_map(|what| Mark::of(&budget, what)) {
                uncross(&mut tx, account, mark).await?;
            }
        }
        tx.commit().await
    }
}

async fn uncross(tx: &mut Tx, account: &str, mark: Mark) -> Result<(), StoreError> {
    let sql = "DELETE FROM extraction_told WHERE account = $1 AND mark = $2 AND amount = $3";
    let values = values![account, number(mark.what), mark.amount];
    tx.execute(sql, values).await.map(drop)
}

const ACCOUNTS: &str = "SELECT account, spent, extra, (SELECT MAX(amount) FROM extraction_told WHERE extraction_told.account = extraction.account) AS highest FROM extraction WHERE account";

fn read(rows: &[Row]) -> Result<BTreeMap<String, Booked>, StoreError> {
    let mut all = BTreeMap::new();
    for row in rows {
        let (spent, extra) = (row.count("spent")?, row.count("extra")?);
        let told = row.count_or_none("highest")?;
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
