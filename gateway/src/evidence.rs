//! The gateway's own keys for recordings: one reads them, one signs them.
//!
//! Who may read a client's recordings is asked here alone ([`EvidenceKeys::recipients_for`]). Knows files and keys,
//! not recordings.

use std::path::Path;
use std::sync::Arc;

use ecluse_policy::documents::RecordingRules;
use ecluse_recordings::evidence::key::{Identity, KeyError, Recipient, RecordingKey};
use ecluse_recordings::evidence::signature::{HeldKey, Signer};
use ecluse_recordings::{Sealing, evidence};

use crate::clock;
use crate::secrets::{self, SecretError};

/// Reads recordings for whom it is a recipient of.
const READS: &str = "recordings.age";
/// Signs manifests; a 32-byte seed.
const SIGNS: &str = "signing.ed25519";
/// What a manifest says of the program that sealed it.
const BY: &str = concat!("ecluse ", env!("CARGO_PKG_VERSION"));

/// The keys of one gateway.
pub(crate) struct EvidenceKeys {
    reads: Vec<Identity>,
    signs: HeldKey,
}

impl std::fmt::Debug for EvidenceKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EvidenceKeys(…)")
    }
}

impl EvidenceKeys {
    /// Takes the keys from `keys_dir`, where they are made at the first start.
    ///
    /// # Errors
    /// A file cannot be read or made, others may read it, or it is no key.
    pub(crate) fn load_or_create(keys_dir: &Path) -> Result<Arc<Self>, SecretError> {
        let path = keys_dir.join(READS);
        let text = secrets::secret_file(&path, || {
            let mut text = Identity::generate().to_text();
            text.push('\n');
            Ok(text.as_bytes().to_vec().into())
        })?;
        let not_a_key = |path: &Path, problem: String| SecretError::NotEvidenceKey {
            path: path.to_owned(),
            problem,
        };
        let reads = std::str::from_utf8(&text)
            .map_err(|error| error.to_string())
            .and_then(|text| Identity::parse_all(text).map_err(|error| error.to_string()))
            .map_err(|problem| not_a_key(&path, problem))?;
        let path = keys_dir.join(SIGNS);
        let seed = secrets::secret_file(&path, || Ok(secrets::random::<32>()?.to_vec().into()))?;
        let signs =
            HeldKey::from_seed(&seed).map_err(|error| not_a_key(&path, error.to_string()))?;
        Ok(Arc::new(Self { reads, signs }))
    }

    /// Who may read what is recorded for a client, by what its document says.
    ///
    /// # Errors
    /// A name that policy accepted is no key after all; nothing may be recorded then.
    pub(crate) fn recipients_for(
        &self,
        rules: &RecordingRules,
    ) -> Result<Vec<Recipient>, KeyError> {
        let gateway = self.reads.iter().filter(|_| rules.gateway);
        rules
            .recipients
            .iter()
            .map(|name| name.as_str().parse())
            .chain(gateway.map(|identity| Ok(identity.public())))
            .collect()
    }

    /// The keys that read.
    pub(crate) fn identities(&self) -> &[Identity] {
        &self.reads
    }

    /// Whose signatures are this gateway's.
    pub(crate) fn allowed_signers(&self) -> Vec<[u8; 32]> {
        vec![self.signs.public()]
    }

    /// A recording's key, where this gateway may read it.
    pub(crate) fn unwrap(&self, wrapped: &[u8]) -> Option<RecordingKey> {
        evidence::key::RecordingKey::unwrap_with(wrapped, &self.reads).ok()
    }

    /// To seal something now.
    pub(crate) fn sealing(&self) -> Sealing<'_> {
        Sealing {
            signer: &self.signs,
            by: BY,
            now: clock::now().as_micros(),
        }
    }
}
