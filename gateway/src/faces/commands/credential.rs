//! `ecluse credential …`: how the gateway logs on to targets (C2).

use std::path::PathBuf;

use crate::ssh::keys::{self, Algorithm, PrivateKey};
use anyhow::Context;
use clap::{Args, Subcommand};
use ecluse_policy::{AccountName, ClientId, Documents, TargetId};
use zeroize::Zeroizing;

use super::{administrator, in_force, prompt};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::faces::commands::out::outln;
use crate::secrets::read_secret;
use crate::store::{Credential, Store};

/// Set how the gateway logs on to a target. Technicians never see any of it.
#[derive(Debug, Subcommand)]
pub(super) enum CredentialCommand {
    Set(Set),
    Authority(Authority),
}

/// Set the credential of an account: a private key, a password, or certificates of minutes.
///
/// Without an option it asks for a password, without showing it. What is set is stored sealed and replaces an
/// earlier one.
#[derive(Debug, Args)]
pub(super) struct Set {
    /// The target's id.
    #[arg(value_name = "TARGET", value_parser = TargetId::parse)]
    target: TargetId,
    /// The account on it.
    #[arg(value_name = "ACCOUNT", value_parser = AccountName::parse)]
    account: AccountName,
    #[command(flatten)]
    from: From,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct From {
    /// A private key (Ed25519 or ECDSA); its passphrase is asked for where it has one.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A file whose first line is the password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Certificates of minutes, signed by the gateway's own authority; see `ecluse credential authority`.
    #[arg(long)]
    certificate: bool,
}

/// Print the public key of the gateway's SSH user authority, made when first asked for.
///
/// A target that names it in sshd's TrustedUserCAKeys accepts the gateway's certificates of minutes and needs
/// no stored credential.
#[derive(Debug, Args)]
pub(super) struct Authority {}

impl CredentialCommand {
    pub(super) async fn run(&self, store: &Store) -> anyhow::Result<()> {
        match self {
            Self::Set(set) => set.run(store).await,
            Self::Authority(Authority {}) => {
                let key = store.user_authority(clock::now()).await?;
                outln!("{}", key.public_key().to_openssh()?);
                Ok(())
            }
        }
    }
}

impl Set {
    async fn run(&self, store: &Store) -> anyhow::Result<()> {
        let Self {
            target,
            account,
            from,
        } = self;
        let applied = in_force(store).await?;
        let client = owner(&applied.documents, target, account)?;
        let credential = from.read(target, account).await?;
        let (by, at) = (administrator(), clock::now());
        let record = AuditRecord::new(AuditKind::CredentialSet, at)
            .claimed(&by)
            .client(&client)
            .target(target)
            .detail("account", account.as_str())
            .detail("credential", credential.kind().to_string());
        let replaced = store
            .set_credential(target, account, &credential, &by, at, &[record])
            .await?;
        let instead = if replaced {
            ", in place of the earlier one"
        } else {
            ""
        };
        outln!(
            "The gateway logs on to {account} on {target} with a {}{instead}.",
            credential.kind()
        );
        Ok(())
    }
}

/// Whose target it is, when the documents know it and the account.
fn owner(
    documents: &Documents,
    target: &TargetId,
    account: &AccountName,
) -> anyhow::Result<ClientId> {
    let Some((client, target)) = documents.target(target) else {
        anyhow::bail!(
            "no target {target} is in the documents in force; name it in its client's file, then run: ecluse apply DIR"
        )
    };
    let accounts: Vec<&str> = target.accounts.iter().map(AccountName::as_str).collect();
    anyhow::ensure!(
        target.accounts.contains(account),
        "{} has no account {account} in the documents in force; accepted: {}",
        target.id,
        accounts.join(", ")
    );
    Ok(client.id.clone())
}

impl From {
    async fn read(&self, target: &TargetId, account: &AccountName) -> anyhow::Result<Credential> {
        if self.certificate {
            return Ok(Credential::Certificate);
        }
        if let Some(file) = &self.key_file {
            let key = private_key(file)
                .await
                .with_context(|| file.display().to_string())?;
            return Ok(Credential::PrivateKey(Box::new(key)));
        }
        let password = match &self.password_file {
            Some(file) => {
                first_line(&read_secret(file)?).with_context(|| file.display().to_string())?
            }
            None => {
                let question = format!("Password of {account} on {target}: ");
                prompt::secret(question)
                    .await?
                    .context("no password was given; nothing was set")?
            }
        };
        anyhow::ensure!(
            !password.is_empty(),
            "the password is empty; nothing was set"
        );
        Ok(Credential::Password(password))
    }
}

fn first_line(bytes: &[u8]) -> anyhow::Result<Zeroizing<String>> {
    let text = std::str::from_utf8(bytes).map_err(|_| anyhow::anyhow!("a password is text"))?;
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}

async fn private_key(file: &std::path::Path) -> anyhow::Result<PrivateKey> {
    let bytes = read_secret(file)?;
    let text = Zeroizing::new(
        String::from_utf8(bytes.to_vec())
            .map_err(|_| anyhow::anyhow!("not a private key: not text"))?,
    );
    let key = match keys::decode_secret_key(&text, None) {
        Err(keys::Error::KeyIsEncrypted) => {
            let question = format!("Passphrase of {}: ", file.display());
            let passphrase = prompt::secret(question)
                .await?
                .context("no passphrase was given; nothing was set")?;
            keys::decode_secret_key(&text, Some(&passphrase))
                .context("the passphrase does not open this key")?
        }
        decoded => decoded
            .context("not a private key this gateway reads; accepted: OpenSSH or PEM format")?,
    };
    usable(&key)?;
    Ok(key)
}

/// Refuses keys that the gateway could not use, or not safely.
fn usable(key: &PrivateKey) -> anyhow::Result<()> {
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } => Ok(()),
        // Its private operations leak through timing in the library there is (RUSTSEC-2023-0071).
        Algorithm::Rsa { .. } => anyhow::bail!(
            "the gateway holds no RSA private key; make one with: ssh-keygen -t ed25519"
        ),
        other @ (Algorithm::Dsa
        | Algorithm::SkEd25519
        | Algorithm::SkEcdsaSha2NistP256
        | Algorithm::Other(_)
        | _) => anyhow::bail!(
            "{other} is not a key the gateway can hold; make one with: ssh-keygen -t ed25519"
        ),
    }
}
