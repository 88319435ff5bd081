//! What the log tells of sealed secrets where no other entry does: as they were found in a store that is older than their digests, and
//! again where retention takes the words of the entry that said so. So the last word about each stays, and a row of which there
//! is none was put there by hand (`adr/0038-what-lets-in-and-locks-out.md`).

use std::collections::BTreeSet;

use ecluse_policy::{AccountName, PersonId, TargetId, Timestamp};
use ecluse_recordings::evidence::manifest::sha256_hex;

use super::super::sql::values;
use super::super::tables::SEALED;
use super::super::{Store, StoreError, Writing};
use super::sealed::{Secret, Word};
use crate::audit::{AuditKind, AuditRecord, SECRETS_TOLD};
use crate::clock;

/// A row of which it was not yet seen to that the log tells of it.
const UNTOLD: &str = "SELECT person AS place FROM enrolments WHERE told IS NULL UNION ALL \
                      SELECT target AS place FROM credentials WHERE told IS NULL LIMIT 1";

/// Puts on record which sealed secrets an older program left, where no entry has their digest: as they are found. It happens once.
pub(in crate::store) async fn begin_secrets(store: &Store) -> Result<(), StoreError> {
    if store.db().row(UNTOLD, values![]).await?.is_none() {
        return Ok(());
    }
    store.follow().await?;
    // What is not there may be about them.
    let is_known = {
        let said = store.said();
        said.secrets.tells() || said.owes_after(0)
    };
    if is_known {
        return Ok(());
    }
    let mut change = store.write().await?;
    change.follow().await?;
    // Another process may have been faster.
    if change.said().secrets.tells() {
        return Ok(());
    }
    let now = clock::now();
    let mut records = Vec::new();
    for (secret, sealed, is_disabled) in secrets(&mut change).await? {
        let said = change.said();
        let is_told = match said.secrets.last(&secret) {
            None | Some((_, Word::Set)) => false,
            // Of what retention took then, nothing was said again: it may have been a later word.
            Some((seq, Word::Digest(digest))) => {
                *digest == sha256_hex(&sealed) || !said.missing.took_after(seq)
            }
            Some((seq, Word::Ended)) => is_disabled || !said.missing.took_after(seq),
            Some((_, Word::Broken)) => true,
        };
        drop(said);
        if is_told {
            continue;
        }
        let record = secret
            .named_in(AuditRecord::new(AuditKind::Bound, now))
            .reason("as it was found; no entry with words has its digest")
            .detail(SECRETS_TOLD, true);
        records.push(if is_disabled {
            record
        } else {
            record.detail(SEALED, sha256_hex(&sealed))
        });
    }
    for sql in [
        "UPDATE enrolments SET told = 1",
        "UPDATE credentials SET told = 1",
    ] {
        change.tx.execute(sql, values![]).await?;
    }
    change.commit(&records).await
}

/// Each that there is a row of, with its sealed value, and whether it is disabled.
async fn secrets(change: &mut Writing) -> Result<Vec<(Secret, Vec<u8>, bool)>, StoreError> {
    let mut all = Vec::new();
    let sql = "SELECT person, secret, disabled_at FROM enrolments ORDER BY person";
    for row in &change.tx.rows(sql, values![]).await? {
        let person = row.parsed("person", PersonId::parse)?;
        let is_disabled = row.time_or_none("disabled_at")?.is_some();
        all.push((Secret::Enrolment(person), row.bytes("secret")?, is_disabled));
    }
    let sql = "SELECT target, account, sealed FROM credentials ORDER BY target, account";
    for row in &change.tx.rows(sql, values![]).await? {
        let target = row.parsed("target", TargetId::parse)?;
        let account = row.parsed("account", AccountName::parse)?;
        let secret = Secret::Credential(target, account);
        all.push((secret, row.bytes("sealed")?, false));
    }
    Ok(all)
}

/// The record with the word that the log tells of every secret, where it does.
pub(in crate::store) async fn telling_of_secrets(
    change: &mut Writing,
    record: AuditRecord,
) -> Result<AuditRecord, StoreError> {
    let is_untold = change.tx.row(UNTOLD, values![]).await?.is_some();
    Ok(if is_untold && !change.said().secrets.tells() {
        record
    } else {
        record.detail(SECRETS_TOLD, true)
    })
}

/// Says again what the last word about each secret is, where the entry that says so is destroyed with this change: `doomed` are the
/// places of those that are. It is said in the gateway's own trail: what a client's had of people has ended (R7).
pub(in crate::store) fn secrets_again(
    change: &Writing,
    doomed: &BTreeSet<u64>,
    at: Timestamp,
) -> Vec<AuditRecord> {
    let said = change.said();
    let mut records = Vec::new();
    for (secret, words) in said.secrets.words() {
        let Some((seq, word)) = words.last_key_value() else {
            continue;
        };
        let stays = words.keys().any(|place| !doomed.contains(place));
        let digest = match word {
            Word::Digest(digest) => Some(digest),
            // Where no earlier word is left, nothing else brings it back.
            Word::Ended if stays => None,
            Word::Ended | Word::Set | Word::Broken => continue,
        };
        if !doomed.contains(seq) {
            continue;
        }
        let mut record = secret
            .named_in(AuditRecord::new(AuditKind::Bound, at))
            .reason("it stays as it was; the entry that said so was destroyed");
        if let Some(digest) = digest {
            record = record.detail(SEALED, digest.as_str());
        }
        records.push(record);
    }
    records
}
