//! The signing key, from wherever the settings say it is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ssh::keys::PrivateKey;
use ecluse_policy::Timestamp;
use ecluse_recordings::evidence::signature::{HeldKey, Signer, openssh};
use zeroize::Zeroizing;

use super::agent::{Agent, AgentError};
use crate::secrets::{SecretError, read_secret};
use crate::settings::SigningKeySource;
use crate::store::{Store, StoreError};

/// Why there is no signing key, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// systemd hands nothing over.
    #[error(
        "signing-key is credential:{0}, and there is no CREDENTIALS_DIRECTORY; start the gateway by systemd with LoadCredentialEncrypted={0}:…"
    )]
    NoCredentials(String),
    /// Not a key.
    #[error(
        "{}: not a signing key ({problem}); accepted: an Ed25519 private key in OpenSSH format without passphrase, or 32 bytes", path.display()
    )]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The agent does not answer as it should.
    #[error("the ssh-agent at {}: {error}", path.display())]
    Agent {
        /// Its socket.
        path: PathBuf,
        /// Why.
        error: AgentError,
    },
    /// The agent has no key for this, or too many.
    #[error(
        "the ssh-agent at {} has {found} Ed25519 keys, and none that signed before; load exactly one: ssh-add FILE", path.display()
    )]
    WhichKey {
        /// Its socket.
        path: PathBuf,
        /// How many.
        found: usize,
    },
    /// A task was lost.
    #[error("the signing key could not be loaded: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Loads the signing key.
pub(super) async fn load(
    source: &SigningKeySource,
    store: &Store,
    at: Timestamp,
) -> Result<Arc<dyn Signer>, SourceError> {
    match source {
        SigningKeySource::Store => {
            let seed = store.signing_seed(at).await?;
            let key = HeldKey::from_seed(seed.as_slice());
            Ok(Arc::new(key.map_err(|error| {
                StoreError::NotSigned(error.to_string())
            })?))
        }
        SigningKeySource::Credential(name) => {
            let dir = std::env::var_os("CREDENTIALS_DIRECTORY")
                .ok_or_else(|| SourceError::NoCredentials(name.clone()))?;
            // systemd answers for the permissions of its own directory.
            Ok(Arc::new(read_key(&Path::new(&dir).join(name))?))
        }
        SigningKeySource::Agent(path) => {
            let known: Vec<[u8; 32]> = store
                .signing_keys()
                .await?
                .iter()
                .filter(|key| key.until.is_none())
                .map(|key| key.public)
                .collect();
            let path = path.clone();
            let agent = tokio::task::spawn_blocking(move || from_agent(&path, &known)).await??;
            Ok(Arc::new(agent))
        }
    }
}

fn from_agent(path: &Path, known: &[[u8; 32]]) -> Result<Agent, SourceError> {
    let keys = Agent::keys(path).map_err(|error| SourceError::Agent {
        path: path.to_owned(),
        error,
    })?;
    // The one that signs already, else the only one: which of several is meant is not for the gateway to guess.
    let public = match keys.iter().find(|key| known.contains(key)) {
        Some(key) => *key,
        None => match keys.as_slice() {
            [key] => *key,
            several => {
                return Err(SourceError::WhichKey {
                    path: path.to_owned(),
                    found: several.len(),
                });
            }
        },
    };
    tracing::info!(key = openssh(&public), "the ssh-agent signs");
    Ok(Agent::new(path, public))
}

/// An Ed25519 private key in OpenSSH format without passphrase, or its 32-byte seed.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn read_key(path: &Path) -> Result<HeldKey, SourceError> {
    let bytes = read_secret(path)?;
    let seed = match <[u8; 32]>::try_from(bytes.as_slice()) {
        Ok(seed) => Zeroizing::new(seed),
        Err(_) => openssh_seed(&bytes).map_err(|problem| SourceError::NotAKey {
            path: path.to_owned(),
            problem,
        })?,
    };
    HeldKey::from_seed(seed.as_slice()).map_err(|error| SourceError::NotAKey {
        path: path.to_owned(),
        problem: error.to_string(),
    })
}

fn openssh_seed(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, String> {
    let key = PrivateKey::from_openssh(bytes).map_err(|error| error.to_string())?;
    if key.is_encrypted() {
        return Err("it has a passphrase".to_owned());
    }
    let pair = key
        .key_data()
        .ed25519()
        .ok_or_else(|| format!("it is a key of kind {}", key.algorithm()))?;
    Ok(Zeroizing::new(pair.private.to_bytes()))
}

impl From<io::Error> for AgentError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
