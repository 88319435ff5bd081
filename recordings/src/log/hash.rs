//! The three hashes of the log (RFC 6962 §2.1): SHA-256 of an entry, of two nodes, of nothing.
//!
//! An entry and a node begin with different bytes, so that no entry can pass for a node.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::bytes::{from_hex, to_hex};

/// A hash of the log. **Shape**: 32 bytes, SHA-256. Shown, and kept in JSON, as 64 small hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

/// The hash of an entry's bytes.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(entry);
    Hash(hasher.finalize().into())
}

/// The hash of a node, from those of its two halves.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x01]);
    hasher.update(left.0);
    hasher.update(right.0);
    Hash(hasher.finalize().into())
}

/// The root of a log without entries.
#[must_use]
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

impl Hash {
    /// Reads 64 hexadecimal digits, as [`fmt::Display`] writes them.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let hash = from_hex(text)?.try_into().ok().map(Hash)?;
        (hash.to_string() == text).then_some(hash)
    }

    /// As checkpoints and proofs write it: standard base64 with padding.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads what [`Hash::to_base64`] writes and nothing else.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        // A length check first: nothing longer is decoded.
        if text.len() != 44 {
            return None;
        }
        STANDARD.decode(text).ok()?.try_into().ok().map(Hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Hash::from_hex(&text).ok_or_else(|| {
            serde::de::Error::custom("a hash: 64 small hexadecimal digits are accepted")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_those_of_rfc_6962() {
        // Computed with coreutils: printf '' | sha256sum; printf '\0' | sha256sum; printf '\0abc' | sha256sum.
        assert_eq!(
            empty_root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            leaf_hash(b"").to_string(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        // The two-leaf root of Certificate Transparency's reference vectors: leaves "" and 00.
        assert_eq!(
            node_hash(&leaf_hash(b""), &leaf_hash(&[0])).to_string(),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        );
    }

    #[test]
    fn texts_of_a_hash_have_one_form() {
        let hash = leaf_hash(b"abc");
        assert_eq!(Hash::from_hex(&hash.to_string()), Some(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Some(hash));
        let (hex, base64) = (hash.to_string(), hash.to_base64());
        for other in [
            hex.to_uppercase(),
            format!("{hex}00"),
            format!(" {hex}"),
            hex[1..].to_owned(),
            String::new(),
        ] {
            assert_eq!(Hash::from_hex(&other), None, "{other}");
        }
        for other in [
            format!("{base64}="),
            format!("{base64}\n"),
            base64.trim_end_matches('=').to_owned(),
            base64[..40].to_owned(),
            "A".repeat(44),
        ] {
            assert_eq!(Hash::from_base64(&other), None, "{other}");
        }
    }
}
