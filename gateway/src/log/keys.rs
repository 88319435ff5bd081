//! The keys of a running gateway: the one that signs, those that signed before, the one that reads recordings.

use std::sync::{Arc, PoisonError, RwLock};

use ecluse_policy::{Documents, Timestamp};
use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::evidence::signature::{SIGNER, Signer, allowed_signers};
use ecluse_recordings::log::{NoteError, VerifierKey};

use super::self_check::{self, SelfCheckError};
use super::source::{self, SourceError};
use crate::settings::{JournalSettings, SigningKeySource};
use crate::store::{SigningKey, Store, StoreError};

/// Why there are no keys to make evidence with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// No signing key.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log would change its name.
    #[error(
        "the journal is signed under the name {signed}, and `origin` under [journal] says {set}; who keeps checkpoints would take it for another log: set origin = \"{signed}\""
    )]
    Origin {
        /// The name in the checkpoints.
        signed: String,
        /// The name in the settings.
        set: String,
    },
    /// They do not work.
    #[error(transparent)]
    SelfCheck(#[from] SelfCheckError),
    /// A name that no key can have.
    #[error(transparent)]
    Name(#[from] NoteError),
    /// A task was lost.
    #[error("the keys could not be tried: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// The keys that make evidence.
pub struct JournalKeys {
    origin: String,
    source: SigningKeySource,
    identity: Identity,
    now: RwLock<Now>,
}

/// What changes when keys are rotated.
struct Now {
    signer: Arc<dyn Signer>,
    keys: Vec<SigningKey>,
}

impl std::fmt::Debug for JournalKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournalKeys")
            .field("origin", &self.origin)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl JournalKeys {
    /// Loads the keys, makes those that are to be in the store at the first start, and notes which one signs.
    ///
    /// # Errors
    /// There is no usable key, or the log would change its name.
    pub async fn open(
        store: &Store,
        settings: &JournalSettings,
        at: Timestamp,
    ) -> Result<Self, KeysError> {
        let origin = origin(store, settings).await?;
        let signer = source::load(&settings.signing_key, store, at).await?;
        let source = settings.signing_key.to_string();
        store.use_signing_key(&signer.public(), &source, at).await?;
        let now = Now {
            signer,
            keys: store.signing_keys().await?,
        };
        Ok(Self {
            origin,
            source: settings.signing_key.clone(),
            identity: store.recordings_identity(at).await?,
            now: RwLock::new(now),
        })
    }

    /// Tries every key on samples, for the recipients of the documents in force.
    ///
    /// # Errors
    /// Something does not work; the doors must stay shut.
    pub async fn self_check(&self, documents: Documents, at: Timestamp) -> Result<(), KeysError> {
        let (signer, origin, identity) =
            (self.signer(), self.origin.clone(), self.identity.clone());
        // The signing key may be in another process, which takes its time.
        let checked = tokio::task::spawn_blocking(move || {
            self_check::check(signer.as_ref(), &origin, &identity, &documents, at)
        });
        Ok(checked.await??)
    }

    /// The name of the log, which is also that of its key.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The key that signs now. Whoever signs several things as one keeps this for all of them.
    pub fn signer(&self) -> Arc<dyn Signer> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&now.signer)
    }

    /// The key by which the gateway reads recordings that are also for it.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Every key that signs or signed for this gateway.
    pub fn signing_keys(&self) -> Vec<SigningKey> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        now.keys.clone()
    }

    /// The public halves of [`signing_keys`](Self::signing_keys).
    pub fn allowed(&self) -> Vec<[u8; 32]> {
        self.signing_keys().iter().map(|key| key.public).collect()
    }

    /// An `allowed_signers` file with every key, for `ssh-keygen -Y verify`.
    pub fn allowed_signers(&self) -> String {
        allowed_signers_text(&self.signing_keys())
    }

    /// The keys by which checkpoints are checked, one for each key that signed.
    ///
    /// # Errors
    /// The log's name can be none of a key's.
    pub fn verifiers(&self) -> Result<Vec<VerifierKey>, NoteError> {
        self.allowed()
            .into_iter()
            .map(|public| VerifierKey::log(&self.origin, public))
            .collect()
    }

    /// Takes a key into use that another process rotated to. To be called when the store changed.
    ///
    /// # Errors
    /// There is no usable key; the one in use stays.
    pub async fn refresh(&self, store: &Store, at: Timestamp) -> Result<(), KeysError> {
        let keys = store.signing_keys().await?;
        if keys == self.signing_keys() {
            return Ok(());
        }
        let signer = source::load(&self.source, store, at).await?;
        tracing::info!("the signing key changed");
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        *now = Now { signer, keys };
        Ok(())
    }
}

/// An `allowed_signers` file. When each key signed stands as a comment: a recording is to verify after its key retired,
/// which `valid-before` would refuse.
pub fn allowed_signers_text(keys: &[SigningKey]) -> String {
    let mut text = String::new();
    for key in keys {
        let until = key
            .until
            .map_or_else(|| "now".to_owned(), |until| until.to_string());
        text.push_str(&format!("# {SIGNER}, from {} until {until}\n", key.from));
        text.push_str(&allowed_signers(&[key.public]));
    }
    text
}

/// The name of the log: what the settings say, what checkpoints bear already, or one made of the store's id.
///
/// # Errors
/// Settings and checkpoints differ, or the store failed.
pub async fn origin(store: &Store, settings: &JournalSettings) -> Result<String, KeysError> {
    let signed = match store.latest_checkpoint().await? {
        Some(note) => Some(note.unverified()?.origin),
        None => None,
    };
    let set = match &settings.origin {
        Some(origin) => origin.clone(),
        None => match signed {
            Some(signed) => return Ok(signed),
            None => format!("ecluse-{}", store.store_id().await?),
        },
    };
    match signed {
        Some(signed) if signed != set => Err(KeysError::Origin { signed, set }),
        Some(_) | None => Ok(set),
    }
}
