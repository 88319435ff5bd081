//! The gateway's keys as recordings need them: for whom they are encrypted, what reads them, what seals them.
//!
//! Who may read a client's recordings is asked here alone ([`EvidenceKeys::recipients_for`]). Where the keys are,
//! [`crate::log`] knows; what a recording is, `ecluse_recordings`.

use std::sync::Arc;

use ecluse_policy::documents::RecordingRules;
use ecluse_recordings::Sealing;
use ecluse_recordings::evidence::key::{Identity, KeyError, Recipient, RecordingKey};

use crate::clock;
use crate::log::JournalKeys;

/// What a manifest says of the program that sealed it.
const BY: &str = concat!("ecluse ", env!("CARGO_PKG_VERSION"));

/// The keys of one gateway.
#[derive(Debug)]
pub(crate) struct EvidenceKeys {
    journal: Arc<JournalKeys>,
}

impl EvidenceKeys {
    /// Recordings are signed with the key that signs the journal.
    pub(crate) fn new(journal: Arc<JournalKeys>) -> Arc<Self> {
        Arc::new(Self { journal })
    }

    /// Who may read what is recorded for a client, by what its document says.
    ///
    /// # Errors
    /// A name that policy accepted is no key after all; nothing may be recorded then.
    pub(crate) fn recipients_for(
        &self,
        rules: &RecordingRules,
    ) -> Result<Vec<Recipient>, KeyError> {
        let gateway = rules.gateway.then(|| Ok(self.journal.identity().public()));
        rules
            .recipients
            .iter()
            .map(|name| name.as_str().parse())
            .chain(gateway)
            .collect()
    }

    /// The keys that read.
    pub(crate) fn identities(&self) -> &[Identity] {
        std::slice::from_ref(self.journal.identity())
    }

    /// Whose signatures are this gateway's: the key that signs, and those that signed before.
    pub(crate) fn allowed_signers(&self) -> Vec<[u8; 32]> {
        self.journal.allowed()
    }

    /// A recording's key, where this gateway may read it.
    pub(crate) fn unwrap(&self, wrapped: &[u8]) -> Option<RecordingKey> {
        RecordingKey::unwrap_with(wrapped, self.identities()).ok()
    }

    /// Seals something now, all of it with the key that signs now; `screen_text` says which clients want what screens
    /// showed to be searchable.
    pub(crate) fn with_sealing<T>(
        &self,
        screen_text: &dyn Fn(&str) -> bool,
        seal: impl FnOnce(&Sealing<'_>) -> T,
    ) -> T {
        let (signer, ours) = (self.journal.signer(), self.allowed_signers());
        seal(&Sealing {
            signer: signer.as_ref(),
            ours: &ours,
            by: BY,
            now: clock::now().as_micros(),
            screen_text,
        })
    }
}
