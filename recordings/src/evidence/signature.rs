//! Signatures that stock tools check: SSHSIG for files (`ssh-keygen -Y verify`), plain Ed25519 for checkpoints.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, Signature, SshSig};

/// SSHSIG namespace of a recording's manifest.
pub const RECORDING_NAMESPACE: &str = "ecluse-recording@v1";
/// SSHSIG namespace of the list of files in a bundle.
pub const BUNDLE_NAMESPACE: &str = "ecluse-bundle@v1";
/// The name that signatures of a gateway bear in an `allowed_signers` file.
pub const SIGNER: &str = "gateway";

/// Why something is not signed, or not validly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key did not sign.
    #[error("the signing key did not sign ({0}); check that it is loaded, then start again")]
    NotSigned(String),
    /// It is not a signature.
    #[error("it is not an SSH signature ({0})")]
    Malformed(String),
    /// Signed with a key that nobody vouched for.
    #[error("it is signed by {0}, which is none of the allowed signers")]
    UnknownSigner(String),
    /// Made for another purpose.
    #[error("it was signed for `{found}`, not for `{expected}`")]
    Namespace {
        /// What it was signed for.
        found: String,
        /// What it had to be signed for.
        expected: &'static str,
    },
    /// The bytes are not those that were signed.
    #[error("the signature does not hold: the file was changed after it was signed")]
    DoesNotHold,
}

/// Something that signs with one Ed25519 key, wherever that key is.
pub trait Signer: Send + Sync {
    /// The public key.
    fn public(&self) -> [u8; 32];
    /// Signs a message as it is (RFC 8032).
    ///
    /// # Errors
    /// The key cannot be used.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignatureError>;
}

/// A key held in memory.
pub struct HeldKey(Ed25519KeyPair);

impl std::fmt::Debug for HeldKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HeldKey(…)")
    }
}

impl HeldKey {
    /// The key of a 32-byte seed (RFC 8032).
    ///
    /// # Errors
    /// It has another length.
    pub fn from_seed(seed: &[u8]) -> Result<Self, SignatureError> {
        Ed25519KeyPair::from_seed_unchecked(seed)
            .map(HeldKey)
            .map_err(|_| SignatureError::NotSigned("a seed has 32 bytes".to_owned()))
    }
}

impl Signer for HeldKey {
    fn public(&self) -> [u8; 32] {
        let mut public = [0; 32];
        let found = self.0.public_key().as_ref();
        if found.len() == public.len() {
            public.copy_from_slice(found);
        }
        public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignatureError> {
        self.0
            .sign(message)
            .as_ref()
            .try_into()
            .map_err(|_| SignatureError::NotSigned("a signature of another length".to_owned()))
    }
}

/// Checks a plain Ed25519 signature.
#[must_use]
pub fn holds(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public)
        .verify(message, signature)
        .is_ok()
}

/// A public key as OpenSSH writes it: `ssh-ed25519 AAAA…`.
#[must_use]
pub fn openssh(public: &[u8; 32]) -> String {
    PublicKey::from(KeyData::Ed25519(Ed25519PublicKey(*public)))
        .to_openssh()
        .unwrap_or_default()
}

/// The Ed25519 key of a line as OpenSSH writes it; none for anything else.
#[must_use]
pub fn from_openssh(line: &str) -> Option<[u8; 32]> {
    let key = PublicKey::from_openssh(line.trim()).ok()?;
    key.key_data().ed25519().map(|key| key.0)
}

/// An `allowed_signers` file for `ssh-keygen -Y verify` (ssh-keygen(1), ALLOWED SIGNERS), with every key given.
#[must_use]
pub fn allowed_signers(keys: &[[u8; 32]]) -> String {
    keys.iter()
        .map(|key| {
            format!(
                "{SIGNER} namespaces=\"{RECORDING_NAMESPACE},{BUNDLE_NAMESPACE}\" {}\n",
                openssh(key)
            )
        })
        .collect()
}

/// The keys of an `allowed_signers` file, Ed25519 ones only.
#[must_use]
pub fn parse_allowed_signers(text: &str) -> Vec<[u8; 32]> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| {
            let at = line.find("ssh-ed25519 ")?;
            from_openssh(line.get(at..)?)
        })
        .collect()
}

/// Signs a file's bytes; the result is what `ssh-keygen -Y sign` writes (PROTOCOL.sshsig).
///
/// # Errors
/// The key cannot be used.
pub fn sign_file(
    signer: &dyn Signer,
    namespace: &str,
    message: &[u8],
) -> Result<String, SignatureError> {
    let failed = |error: ssh_key::Error| SignatureError::NotSigned(error.to_string());
    let blob = SshSig::signed_data(namespace, HashAlg::Sha512, message).map_err(failed)?;
    let raw = signer.sign(&blob)?;
    let signature = Signature::new(Algorithm::Ed25519, raw.to_vec()).map_err(failed)?;
    let public = KeyData::Ed25519(Ed25519PublicKey(signer.public()));
    SshSig::new(public, namespace, HashAlg::Sha512, signature)
        .and_then(|signed| signed.to_pem(LineEnding::LF))
        .map_err(failed)
}

/// Checks what [`sign_file`] or `ssh-keygen -Y sign` wrote, and says which of the allowed keys signed.
///
/// # Errors
/// Each its own: not a signature, another purpose, a stranger's key, changed bytes.
pub fn verify_file(
    signature: &str,
    namespace: &'static str,
    message: &[u8],
    allowed: &[[u8; 32]],
) -> Result<[u8; 32], SignatureError> {
    let malformed = |error: ssh_key::Error| SignatureError::Malformed(error.to_string());
    let signed = SshSig::from_pem(signature).map_err(malformed)?;
    if signed.namespace() != namespace {
        return Err(SignatureError::Namespace {
            found: crate::neutralise(signed.namespace()),
            expected: namespace,
        });
    }
    let KeyData::Ed25519(Ed25519PublicKey(public)) = signed.public_key() else {
        return Err(SignatureError::UnknownSigner(
            "a key that is not Ed25519".to_owned(),
        ));
    };
    if !allowed.contains(public) {
        return Err(SignatureError::UnknownSigner(openssh(public)));
    }
    let blob = SshSig::signed_data(namespace, signed.hash_alg(), message).map_err(malformed)?;
    if holds(public, &blob, signed.signature_bytes()) {
        Ok(*public)
    } else {
        Err(SignatureError::DoesNotHold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn key(seed: u8) -> HeldKey {
        HeldKey::from_seed(&[seed; 32]).unwrap()
    }

    #[test]
    fn a_signature_tells_each_defect() {
        let (signer, other) = (key(1), key(2));
        let pem = sign_file(&signer, RECORDING_NAMESPACE, b"said").unwrap();
        let allowed = [other.public(), signer.public()];
        assert_eq!(
            verify_file(&pem, RECORDING_NAMESPACE, b"said", &allowed),
            Ok(signer.public())
        );
        assert_eq!(
            verify_file(&pem, RECORDING_NAMESPACE, b"unsaid", &allowed),
            Err(SignatureError::DoesNotHold)
        );
        assert!(matches!(
            verify_file(&pem, BUNDLE_NAMESPACE, b"said", &allowed),
            Err(SignatureError::Namespace { .. })
        ));
        assert!(matches!(
            verify_file(&pem, RECORDING_NAMESPACE, b"said", &[other.public()]),
            Err(SignatureError::UnknownSigner(_))
        ));
        assert!(matches!(
            verify_file("no", RECORDING_NAMESPACE, b"said", &allowed),
            Err(SignatureError::Malformed(_))
        ));
    }

    #[test]
    fn allowed_signers_read_back() {
        let keys = [key(1).public(), key(2).public()];
        assert_eq!(parse_allowed_signers(&allowed_signers(&keys)), keys);
    }

    #[test]
    fn stock_ssh_keygen_verifies_what_is_signed_here() {
        let dir = tempfile::tempdir().unwrap();
        let signer = key(7);
        let message = b"{\"format\":\"ecluse-manifest\"}\n";
        let signers = dir.path().join("allowed_signers");
        let signature = dir.path().join("manifest.json.sig");
        std::fs::write(&signers, allowed_signers(&[signer.public()])).unwrap();
        std::fs::write(
            &signature,
            sign_file(&signer, RECORDING_NAMESPACE, message).unwrap(),
        )
        .unwrap();
        let said = |message: &[u8]| {
            let mut child = Command::new("ssh-keygen")
                .args([
                    "-Y",
                    "verify",
                    "-I",
                    SIGNER,
                    "-n",
                    RECORDING_NAMESPACE,
                    "-f",
                ])
                .arg(&signers)
                .arg("-s")
                .arg(&signature)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), message).unwrap();
            child.wait().unwrap().success()
        };
        assert!(said(message));
        assert!(!said(b"something else"));
    }
}
