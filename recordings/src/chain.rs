//! The seals of a journal's frames: AES-256-GCM, each frame's seal covering the one before (`adr/0002`).

use crate::evidence::key::{KeyError, RecordingKey};
use crate::frame::{FRAME_HEAD, Head, SEAL};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::fmt;

/// The seal of one frame: its authentication tag, which covers the frame, the header and every frame before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seal(pub [u8; SEAL]);

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::bytes::to_hex(&self.0))
    }
}

impl Seal {
    /// The seal of a text as `Display` writes it.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = crate::bytes::from_hex(text)?;
        bytes.try_into().ok().map(Seal)
    }
}

/// Bytes of additional data: header's SHA-256, clear head, previous seal.
const COVERED: usize = 32 + FRAME_HEAD + SEAL;

pub(crate) struct Chain {
    key: LessSafeKey,
    covered: [u8; COVERED],
}

impl Chain {
    pub(crate) fn new(key: &RecordingKey, header_sha256: &[u8; 32]) -> Result<Self, KeyError> {
        let key = key.journal_key()?;
        let key = UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| KeyError::Cipher)?;
        let mut covered = [0; COVERED];
        covered[..32].copy_from_slice(header_sha256);
        covered[32 + FRAME_HEAD..].copy_from_slice(&header_sha256[..SEAL]);
        Ok(Chain {
            key: LessSafeKey::new(key),
            covered,
        })
    }

    /// Encrypts in place. The chain goes on from this frame only once [`Chain::advance`] says that it is written.
    pub(crate) fn seal(&self, head: &Head, body: &mut [u8]) -> Result<Seal, KeyError> {
        let nonce = Nonce::assume_unique_for_key(head.nonce());
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(self.covered(head)), body)
            .map_err(|_| KeyError::Cipher)?;
        tag.as_ref()
            .try_into()
            .map(Seal)
            .map_err(|_| KeyError::Cipher)
    }

    /// Decrypts in place a ciphertext with its seal behind it; `None` when the seal does not hold.
    pub(crate) fn open<'a>(&mut self, head: &Head, sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        let seal = Seal(*sealed.last_chunk::<SEAL>()?);
        let nonce = Nonce::assume_unique_for_key(head.nonce());
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(self.covered(head)), sealed)
            .ok()?;
        self.advance(seal);
        Some(plain)
    }

    pub(crate) fn advance(&mut self, seal: Seal) {
        self.covered[32 + FRAME_HEAD..].copy_from_slice(&seal.0);
    }

    fn covered(&self, head: &Head) -> [u8; COVERED] {
        let mut covered = self.covered;
        covered[32..32 + FRAME_HEAD].copy_from_slice(&head.encode());
        covered
    }
}
