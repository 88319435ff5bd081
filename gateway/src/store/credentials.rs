//! Credentials of targets' accounts, sealed, and the gateway's own SSH user certificate authority (C2).
//!
//! Technicians never see any of them; the connector asks for one when it dials.

use crate::ssh::keys::{LineEnding, PrivateKey};
use ecluse_policy::{AccountName, TargetId, Timestamp};
use zeroize::Zeroizing;

use super::bound::{Secret, SecretRow};
use super::sql::{Row, values};
use super::{Store, StoreError, bound, tables};
use crate::audit::{AuditKind, AuditRecord};
use crate::secrets::new_ed25519;

const TABLE: &str = "credentials";
const KEYS_TABLE: &str = "gateway_keys";
const USER_AUTHORITY: &str = "ssh-user-authority";
const HELD: &str = "SELECT kind, sealed FROM credentials WHERE target = $1 AND account = $2";

/// How the gateway logs on to an account of a target.
pub enum Credential {
    /// With a private key, in OpenSSH format and without passphrase.
    PrivateKey(Box<PrivateKey>),
    /// With a password.
    Password(Zeroizing<String>),
    /// With a certificate of minutes, signed by the gateway's own authority.
    Certificate,
}

impl Credential {
    /// Which kind it is.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::PrivateKey(_) => CredentialKind::PrivateKey,
            Self::Password(_) => CredentialKind::Password,
            Self::Certificate => CredentialKind::Certificate,
        }
    }
}

/// Shows the kind, never the secret.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({})", self.kind())
    }
}

/// A kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// See [`Credential::PrivateKey`].
    PrivateKey,
    /// See [`Credential::Password`].
    Password,
    /// See [`Credential::Certificate`].
    Certificate,
}

impl CredentialKind {
    fn name(self) -> &'static str {
        match self {
            Self::PrivateKey => "private-key",
            Self::Password => "password",
            Self::Certificate => "certificate",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::PrivateKey, Self::Password, Self::Certificate]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

impl std::fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// That there is a credential, without the secret (O8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialEntry {
    /// Of which target.
    pub target: TargetId,
    /// Of which account.
    pub account: AccountName,
    /// Which kind.
    pub kind: CredentialKind,
    /// When it was set.
    pub set_at: Timestamp,
    /// Who set it.
    pub set_by: String,
}

impl Store {
    /// Sets the credential of an account, in place of an earlier one; whether there was one.
    ///
    /// # Errors
    /// The store failed; nothing is changed.
    pub async fn set_credential(
        &self,
        target: &TargetId,
        account: &AccountName,
        credential: &Credential,
        by: &str,
        at: Timestamp,
        records: &[AuditRecord],
    ) -> Result<bool, StoreError> {
        let secret = match credential {
            Credential::PrivateKey(key) => key
                .to_openssh(LineEnding::LF)
                .map_err(|error| StoreError::malformed("sealed", error))?,
            Credential::Password(password) => password.clone(),
            Credential::Certificate => Zeroizing::default(),
        };
        let kind = credential.kind().name();
        let sealed = self
            .key()
            .seal(TABLE, &place(target, account, kind), secret.as_bytes())?;
        let records = tables::with_sealed(records, AuditKind::CredentialSet, &sealed);
        let mut change = self.write().await?;
        let mut told = Vec::new();
        for record in records {
            told.push(bound::telling_of_secrets(&mut change, record).await?);
        }
        let sql = "DELETE FROM credentials WHERE target = $1 AND account = $2";
        let replaced = change
            .tx
            .execute(sql, values![target.as_str(), account.as_str()])
            .await?
            > 0;
        let sql = "INSERT INTO credentials (target, account, kind, sealed, set_at, set_by, told) VALUES ($1, $2, $3, $4, $5, $6, 1)";
        change
            .tx
            .execute(
                sql,
                values![target.as_str(), account.as_str(), kind, sealed, at, by],
            )
            .await?;
        change.commit(&told).await?;
        Ok(replaced)
    }

    /// The credential of an account, opened.
    ///
    /// # Errors
    /// The store failed, the sealed value does not open, or it is not the one on record.
    pub async fn credential(
        &self,
        target: &TargetId,
        account: &AccountName,
        at: Timestamp,
    ) -> Result<Option<Credential>, StoreError> {
        let row = self
            .db()
            .row(HELD, values![target.as_str(), account.as_str()])
            .await?;
        let Some(row) = row else { return Ok(None) };
        let secret = Secret::Credential(target.clone(), account.clone());
        let sealed = row.bytes("sealed")?;
        // After the row: whatever replaced it is there by now.
        self.follow().await?;
        let judged = self.said().secret_row(&secret, Some(&sealed));
        let row = if judged == SecretRow::Believed {
            row
        } else {
            // It may have been replaced between both.
            let Some(row) = self.credential_row(&secret, target, account, at).await? else {
                return Ok(None);
            };
            row
        };
        let kind = row.parsed("kind", |text| {
            CredentialKind::parse(text).ok_or("an unknown kind of credential")
        })?;
        let secret = self.key().open(
            TABLE,
            &place(target, account, kind.name()),
            &row.bytes("sealed")?,
        )?;
        Ok(Some(match kind {
            CredentialKind::PrivateKey => Credential::PrivateKey(Box::new(private_key(&secret)?)),
            CredentialKind::Password => {
                let text = std::str::from_utf8(&secret)
                    .map_err(|error| StoreError::malformed("sealed", error))?;
                Credential::Password(Zeroizing::new(text.to_owned()))
            }
            CredentialKind::Certificate => Credential::Certificate,
        }))
    }

    /// The row of a credential, within a change: where it is not the one on record, that is put there.
    async fn credential_row(
        &self,
        secret: &Secret,
        target: &TargetId,
        account: &AccountName,
        at: Timestamp,
    ) -> Result<Option<Row>, StoreError> {
        let mut change = self.write().await?;
        change.follow().await?;
        let row = change
            .tx
            .row(HELD, values![target.as_str(), account.as_str()])
            .await?;
        let Some(row) = row else { return Ok(None) };
        let sealed = row.bytes("sealed")?;
        let (judged, fault) = {
            let said = change.inner.said();
            let fault = said.secret_fault(secret, Some(&sealed), at);
            (said.secret_row(secret, Some(&sealed)), fault)
        };
        if let Some(fault) = fault {
            change.commit(&[fault]).await?;
        }
        judged.believed(secret)?;
        Ok(Some(row))
    }

    /// Which credentials there are.
    ///
    /// # Errors
    /// The store failed.
    pub async fn credentials(&self) -> Result<Vec<CredentialEntry>, StoreError> {
        let sql = "SELECT target, account, kind, set_at, set_by FROM credentials ORDER BY target, account";
        let rows = self.db().rows(sql, values![]).await?;
        rows.iter()
            .map(|row| {
                Ok(CredentialEntry {
                    target: row.parsed("target", TargetId::parse)?,
                    account: row.parsed("account", AccountName::parse)?,
                    kind: row.parsed("kind", |text| {
                        CredentialKind::parse(text).ok_or("an unknown kind")
                    })?,
                    set_at: row.time("set_at")?,
                    set_by: row.text("set_by")?,
                })
            })
            .collect()
    }

    /// Removes the credential of an account; whether there was one, by the log or by its row. Where somebody took the row away, it
    /// is removed on record all the same: put back, it opens nothing.
    ///
    /// # Errors
    /// The store failed; nothing is changed.
    pub async fn remove_credential(
        &self,
        target: &TargetId,
        account: &AccountName,
        records: &[AuditRecord],
    ) -> Result<bool, StoreError> {
        let mut change = self.write().await?;
        let sql = "DELETE FROM credentials WHERE target = $1 AND account = $2";
        change.follow().await?;
        let of = Secret::Credential(target.clone(), account.clone());
        let is_on_record = change.inner.said().is_in_force(&of);
        let values = values![target.as_str(), account.as_str()];
        if change.tx.execute(sql, values).await? == 0 && !is_on_record {
            return Ok(false);
        }
        change.commit(records).await?;
        Ok(true)
    }

    /// The gateway's SSH user certificate authority, made when it is first needed. All nodes share it.
    ///
    /// # Errors
    /// The store failed, or the sealed key does not open.
    pub async fn user_authority(&self, at: Timestamp) -> Result<PrivateKey, StoreError> {
        let sql = "SELECT sealed FROM gateway_keys WHERE name = $1";
        if let Some(row) = self.db().row(sql, values![USER_AUTHORITY]).await? {
            return self.open_authority(&row.bytes("sealed")?);
        }
        let key = new_ed25519("ecluse user authority")?;
        let (text, public) = key
            .to_openssh(LineEnding::LF)
            .and_then(|text| Ok((text, key.public_key().to_openssh()?)))
            .map_err(|error| StoreError::malformed("sealed", error))?;
        let sealed = self
            .key()
            .seal(KEYS_TABLE, USER_AUTHORITY, text.as_bytes())?;
        let mut change = self.write().await?;
        // Another process may have been faster; then its key is the authority.
        if let Some(row) = change.tx.row(sql, values![USER_AUTHORITY]).await? {
            return self.open_authority(&row.bytes("sealed")?);
        }
        let sql =
            "INSERT INTO gateway_keys (name, public, sealed, made_at) VALUES ($1, $2, $3, $4)";
        let values = values![USER_AUTHORITY, &public, sealed.as_slice(), at];
        change.tx.execute(sql, values).await?;
        let record = AuditRecord::new(AuditKind::KeyMade, at)
            .detail("key", USER_AUTHORITY)
            .detail("public", public);
        let records = tables::with_sealed(&[record], AuditKind::KeyMade, &sealed);
        change.commit(&records).await?;
        Ok(key)
    }

    fn open_authority(&self, sealed: &[u8]) -> Result<PrivateKey, StoreError> {
        private_key(&self.key().open(KEYS_TABLE, USER_AUTHORITY, sealed)?)
    }
}

fn private_key(text: &[u8]) -> Result<PrivateKey, StoreError> {
    PrivateKey::from_openssh(text).map_err(|error| StoreError::malformed("sealed", error))
}

/// The sealed value's place. Neither ids nor kinds hold a space.
fn place(target: &TargetId, account: &AccountName, kind: &str) -> String {
    format!("{target} {account} {kind}")
}
