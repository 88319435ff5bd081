//! The store's key and the store belong together: a key is made with a new store, and never for one that was used.
//!
//! A command that runs without its systemd credential, or after `store.key` was lost, would otherwise make another key
//! without a word: nothing sealed before would open, and what is sealed afterwards would open nowhere else. So the store
//! keeps a sample, sealed by its key; a key that does not open it is refused before anything is done with it.

use std::path::Path;

use super::sql::{Db, Row, Tx, values};
use super::{StoreError, raise};
use crate::secrets::{SecretError, StoreKey};

/// The table and the row of the sample.
const TABLE: &str = "facts";
const ROW: &str = "store-key-sample";
const FIND: &str = "SELECT value FROM facts WHERE name = $1";
/// What the sample says.
const SAID: &[u8] = b"sealed with the key of this store";
/// Sealed values of a store from before samples that are tried; one that opens is enough.
const TRIED: u32 = 16;

/// The key of this store, made where the store is new.
///
/// # Errors
/// The store was used and its key is not there, or the key that is there is another one; nothing is made then.
pub(super) async fn open(
    db: &Db,
    keys_dir: &Path,
    credentials: Option<&Path>,
) -> Result<StoreKey, StoreError> {
    let key = StoreKey::load(keys_dir, credentials)?;
    let sample = db.row(FIND, values![ROW]).await?;
    match (key, sample) {
        (Some(key), Some(sample)) => check(key, &sample),
        (key, _) => bind(db, keys_dir, credentials, key).await,
    }
}

/// Puts the sample into a store that has none.
async fn bind(
    db: &Db,
    keys_dir: &Path,
    credentials: Option<&Path>,
    key: Option<StoreKey>,
) -> Result<StoreKey, StoreError> {
    let mut tx = db.begin().await?;
    // Writers wait for one another here: two nodes may begin on a new store at once.
    raise(&mut tx, "epoch").await?;
    if let Some(sample) = tx.row(FIND, values![ROW]).await? {
        // Another process of this data directory may have made the key meanwhile.
        let key = match key {
            Some(key) => key,
            None => StoreKey::load(keys_dir, credentials)?
                .ok_or_else(|| SecretError::no_key(keys_dir))?,
        };
        return check(key, &sample);
    }
    let key = match key {
        Some(key) => fits(&mut tx, key).await?,
        None if is_used(&mut tx).await? => return Err(SecretError::no_key(keys_dir).into()),
        None => StoreKey::create(keys_dir)?,
    };
    let sample = hex(&key.seal(TABLE, ROW, SAID)?);
    let sql = "INSERT INTO facts (name, value) VALUES ($1, $2)";
    tx.execute(sql, values![ROW, sample]).await?;
    tx.commit().await?;
    Ok(key)
}

fn check(key: StoreKey, sample: &Row) -> Result<StoreKey, StoreError> {
    let sealed = sample.parsed("value", |text| {
        from_hex(text).ok_or("it is no sealed value")
    })?;
    match key.open(TABLE, ROW, &sealed) {
        Ok(said) if said.as_slice() == SAID => Ok(key),
        Ok(_) | Err(_) => Err(key.is_another().into()),
    }
}

/// Whether anything was ever put on record here: nothing is sealed without a record of it.
async fn is_used(tx: &mut Tx) -> Result<bool, StoreError> {
    let sql = "SELECT value FROM counters WHERE name = 'audit' AND value > 0";
    Ok(tx.row(sql, values![]).await?.is_some())
}

/// The key, where it opens what a store from before samples holds, or that holds nothing.
async fn fits(tx: &mut Tx, key: StoreKey) -> Result<StoreKey, StoreError> {
    let sealed = [
        (
            "gateway_keys",
            "SELECT name AS place, sealed FROM gateway_keys",
        ),
        (
            "enrolments",
            "SELECT person AS place, secret AS sealed FROM enrolments",
        ),
    ];
    let mut tried = false;
    for (table, sql) in sealed {
        let sql = sqlx::AssertSqlSafe(format!("{sql} LIMIT {TRIED}"));
        for row in tx.rows(sql, values![]).await? {
            tried = true;
            if key
                .open(table, &row.text("place")?, &row.bytes("sealed")?)
                .is_ok()
            {
                return Ok(key);
            }
        }
    }
    if tried {
        Err(key.is_another().into())
    } else {
        Ok(key)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::{TestStore, on_each_engine};
    use super::super::{AuditQuery, Store};
    use super::*;
    use crate::audit::{AuditKind, AuditRecord};
    use crate::clock;

    async fn refused(store: &TestStore, keys_dir: &Path, credentials: Option<&Path>) -> String {
        let refused = open(store.db(), keys_dir, credentials).await;
        refused.unwrap_err().to_string()
    }

    /// As a program that knew no samples left it.
    async fn without_sample(store: &Store) {
        let mut tx = store.db().begin().await.unwrap();
        tx.execute("DELETE FROM facts WHERE name = $1", values![ROW])
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    #[test]
    fn c2_a_new_store_makes_its_key_and_opens_with_it_again() {
        on_each_engine(async |store| {
            let keys = store.dir.path().join("keys");
            let key = fs::read(keys.join("store.key")).unwrap();
            open(store.db(), &keys, None).await.unwrap();
            assert_eq!(fs::read(keys.join("store.key")).unwrap(), key);
        });
    }

    /// A shell without the systemd credential, a second node without the key, a key that was lost.
    #[test]
    fn c2_a_store_that_has_its_key_is_never_given_another() {
        on_each_engine(async |store| {
            let elsewhere = store.dir.path().join("elsewhere");
            let error = refused(store, &elsewhere, None).await;
            for word in [
                "elsewhere/store.key",
                "ecluse-store-key",
                "systemd-run",
                "backup",
            ] {
                assert!(error.contains(word), "{word}: {error}");
            }
            assert!(!elsewhere.exists(), "something was made");
            let keys = store.dir.path().join("keys");
            fs::rename(keys.join("store.key"), keys.join("away")).unwrap();
            refused(store, &keys, None).await;
            assert!(!keys.join("store.key").exists());
            // The credential takes the file's place.
            let credentials = store.dir.path().join("credentials");
            fs::create_dir(&credentials).unwrap();
            fs::copy(keys.join("away"), credentials.join("ecluse-store-key")).unwrap();
            open(store.db(), &keys, Some(&credentials)).await.unwrap();
        });
    }

    #[test]
    fn c2_another_key_is_refused_when_the_store_is_opened() {
        on_each_engine(async |store| {
            let other = store.dir.path().join("other");
            fs::create_dir(&other).unwrap();
            StoreKey::create(&other).unwrap();
            let error = refused(store, &other, None).await;
            assert!(
                error.contains("other/store.key: it is not the key"),
                "{error}"
            );
            // A credential too, although the right file stands beside it.
            let key = fs::read(other.join("store.key")).unwrap();
            fs::write(other.join("ecluse-store-key"), key).unwrap();
            let keys = store.dir.path().join("keys");
            let error = refused(store, &keys, Some(&other)).await;
            assert!(
                error.contains("other/ecluse-store-key: it is not"),
                "{error}"
            );
        });
    }

    #[test]
    fn a_store_from_before_samples_takes_the_key_that_opens_it_and_no_other() {
        on_each_engine(async |store| {
            let keys = store.dir.path().join("keys");
            let other = store.dir.path().join("other");
            fs::create_dir(&other).unwrap();
            StoreKey::create(&other).unwrap();
            store.signing_seed(clock::now()).await.unwrap();
            without_sample(store).await;
            assert!(
                refused(store, &other, None)
                    .await
                    .contains("is not the key")
            );
            let nowhere = store.dir.path().join("nowhere");
            assert!(
                refused(store, &nowhere, None)
                    .await
                    .contains("is not there")
            );
            open(store.db(), &keys, None).await.unwrap();
            assert!(store.db().row(FIND, values![ROW]).await.unwrap().is_some());
            assert!(
                refused(store, &other, None)
                    .await
                    .contains("is not the key")
            );
        });
    }

    /// Whatever is on record may have been sealed by the key that is not there.
    #[test]
    fn a_used_store_from_before_samples_makes_no_key() {
        on_each_engine(async |store| {
            let nowhere = store.dir.path().join("nowhere");
            let record = AuditRecord::new(AuditKind::GatewayStart, clock::now());
            store.record(&[record]).await.unwrap();
            without_sample(store).await;
            assert!(
                refused(store, &nowhere, None)
                    .await
                    .contains("is not there")
            );
            assert!(!nowhere.exists());
            assert_eq!(store.audit(&AuditQuery::default()).await.unwrap().len(), 1);
        });
    }

    /// Two nodes with data directories of their own begin on one new store: one makes the key, the other is told.
    #[test]
    fn two_nodes_do_not_make_two_keys() {
        on_each_engine(async |store| {
            without_sample(store).await;
            let dirs = ["one", "two"].map(|name| store.dir.path().join(name));
            let (one, two) = tokio::join!(
                open(store.db(), &dirs[0], None),
                open(store.db(), &dirs[1], None)
            );
            assert_eq!(
                [one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(),
                1
            );
            let made = dirs.iter().filter(|dir| dir.join("store.key").exists());
            assert_eq!(made.count(), 1);
        });
    }
}
