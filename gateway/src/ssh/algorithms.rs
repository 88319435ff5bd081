//! The algorithms of the SSH legs (DESIGN §11, C1).
//!
//! Written out in full, because the library's defaults include what we refuse and because a list of key exchanges that
//! forgets the extension names loses strict key exchange in silence (CVE-2023-48795).

use std::borrow::Cow;
use std::time::Duration;

use russh::keys::ssh_key::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Limits, Preferred, cipher, compression, kex, mac};

use crate::passage::rekey;

const KEY_EXCHANGES: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];

const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
];

const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM];

/// Signature algorithms of keys, ours and other people's; RSA with SHA-2 only.
pub(crate) const KEYS: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP256,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP384,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP521,
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha512),
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha256),
    },
];

/// Whether a person's or station's signature may use `algorithm`: [`KEYS`] and the hardware-held `sk-` kinds.
///
/// The library verifies whatever it knows, SHA-1 included, and only advertises its preferences, so the door asks here.
pub(crate) fn accepts_signature(algorithm: &Algorithm) -> bool {
    KEYS.contains(algorithm)
        || matches!(
            algorithm,
            Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256
        )
}

/// The preferences of a leg; `keys` are the host key algorithms it may use.
pub(crate) fn preferred(keys: Vec<Algorithm>) -> Preferred {
    Preferred {
        kex: Cow::Borrowed(KEY_EXCHANGES),
        key: Cow::Owned(keys),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: Cow::Borrowed(CIPHERS),
        mac: Cow::Borrowed(MACS),
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}

/// Rekeying after 1 GiB each way or an hour (RFC 4253 §9).
pub(crate) fn limits() -> Limits {
    Limits::default()
}

/// The same by bytes alone, for a leg that is not always read: it asks for a renewal itself when it is.
pub(crate) fn without_a_clock() -> Limits {
    Limits {
        // Longer than any leg lasts, and no more than a timer takes.
        rekey_time_limit: Duration::from_secs(u32::MAX as u64),
        ..limits()
    }
}

/// The same as `passage` counts them.
pub(crate) fn renewal(limits: &Limits) -> rekey::Limits {
    rekey::Limits {
        received: limits.rekey_read_limit as u64,
        sent: limits.rekey_write_limit as u64,
        after: limits.rekey_time_limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C1: SHA-1 signatures are refused although the library would verify them.
    #[test]
    fn sha1_signatures_are_refused() {
        assert!(!accepts_signature(&Algorithm::Rsa { hash: None }));
        assert!(accepts_signature(&Algorithm::Rsa {
            hash: Some(HashAlg::Sha256)
        }));
        assert!(!accepts_signature(&Algorithm::Dsa));
    }

    #[test]
    fn strict_key_exchange_is_kept() {
        let kex = preferred(KEYS.to_vec()).kex;
        assert!(kex.contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER));
        assert!(kex.contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT));
    }
}
