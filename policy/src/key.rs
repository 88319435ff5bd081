//! Public keys: read strictly, compared by their bytes, shown by their fingerprint.
//!
//! Refuses to know signatures. Reading is canonical, one encoding a key, so that a revoked key cannot come back
//! under another spelling. Whether a point lies on its curve is for the library that verifies.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::name::shown;

/// Shortest RSA modulus, in bits (ANSSI RGS B1; DESIGN §11).
const RSA_AT_LEAST: usize = 3_072;
/// Longest RSA modulus, in bits: verifying a longer one is a way to keep the gateway busy.
const RSA_AT_MOST: usize = 16_384;
/// Longest key line read, in bytes.
const LONGEST_LINE: usize = 16_384;

const ACCEPTED: &str = "an OpenSSH line of ssh-ed25519, ecdsa-sha2-nistp256/384/521, ssh-rsa of 3072 bits or more, sk-ssh-ed25519@openssh.com or sk-ecdsa-sha2-nistp256@openssh.com";

/// The kinds of key that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// ECDSA on P-521.
    EcdsaP521,
    /// RSA, 3072 bits or more, with SHA-2.
    Rsa,
    /// Ed25519 held by a FIDO2 authenticator.
    SkEd25519,
    /// ECDSA on P-256 held by a FIDO2 authenticator.
    SkEcdsaP256,
}

impl Algorithm {
    const ALL: [Self; 7] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::Rsa,
        Self::SkEd25519,
        Self::SkEcdsaP256,
    ];

    /// The name on the wire (RFC 4253 §6.6, RFC 5656, RFC 8709, OpenSSH PROTOCOL.u2f).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::EcdsaP384 => "ecdsa-sha2-nistp384",
            Self::EcdsaP521 => "ecdsa-sha2-nistp521",
            Self::Rsa => "ssh-rsa",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::SkEcdsaP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Why a text or blob is not an acceptable public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not `TYPE BASE64 [COMMENT]`.
    #[error("`{shown}` is not a public key; accepted: {ACCEPTED}")]
    NotALine {
        /// The text, escaped and shortened.
        shown: String,
    },
    /// A private key was given.
    #[error(
        "this is a private key, which never belongs here: write the line of its .pub file, and replace the key, since it was copied"
    )]
    Private,
    /// A certificate was given.
    #[error(
        "this is a certificate; write the public key of the person or of the authority instead"
    )]
    Certificate,
    /// A type that is not accepted.
    #[error("keys of type `{shown}` are not accepted; accepted: {ACCEPTED}")]
    Algorithm {
        /// The type, escaped and shortened.
        shown: String,
    },
    /// RSA that is too short or absurdly long.
    #[error("this RSA key has {bits} bits; accepted: {RSA_AT_LEAST} to {RSA_AT_MOST}")]
    RsaSize {
        /// Its size.
        bits: usize,
    },
    /// Damaged, or written in another way than the canonical one.
    #[error("the key is damaged: {what}; copy its line again from the .pub file")]
    Damaged {
        /// What does not fit.
        what: &'static str,
    },
}

/// The SHA-256 of a key's blob as OpenSSH shows it. **Shape**: `SHA256:` and 43 characters of unpadded base64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Parses `SHA256:…`.
    ///
    /// # Errors
    /// [`KeyError::NotALine`] unless it decodes to exactly 32 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let digest = text
            .strip_prefix("SHA256:")
            .and_then(|digits| STANDARD_NO_PAD.decode(digits).ok());
        match digest {
            Some(digest) if digest.len() == 32 => Ok(Self(text.to_owned())),
            Some(_) | None => Err(KeyError::NotALine { shown: shown(text) }),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(&text)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.0
    }
}

/// A public key. Two are equal when their bytes are.
///
/// Invariant: the blob is the canonical encoding of an accepted algorithm.
#[derive(Debug, Clone, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    blob: Vec<u8>,
    algorithm: Algorithm,
}

impl PublicKey {
    /// Parses an OpenSSH line, `ssh-ed25519 AAAA… comment`. The comment is dropped; options are refused.
    ///
    /// # Errors
    /// A [`KeyError`] that says what would be accepted.
    pub fn parse(line: &str) -> Result<Self, KeyError> {
        let not_a_line = || KeyError::NotALine { shown: shown(line) };
        if line.contains("PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        if line.len() > LONGEST_LINE || line.chars().any(char::is_control) {
            return Err(not_a_line());
        }
        let mut words = line.split_ascii_whitespace();
        let (named, encoded) = words.next().zip(words.next()).ok_or_else(not_a_line)?;
        let blob = STANDARD.decode(encoded).map_err(|_| not_a_line())?;
        let key = Self::from_blob(&blob)?;
        if key.algorithm.name() != named {
            return Err(KeyError::Damaged {
                what: "its type and its body disagree",
            });
        }
        Ok(key)
    }

    /// Reads the wire encoding (RFC 4253 §6.6).
    ///
    /// # Errors
    /// A [`KeyError`]; trailing bytes and non-canonical numbers are refused.
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        let mut wire = Wire(blob);
        let named = wire.string()?;
        let Some(algorithm) = Algorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().as_bytes() == named)
        else {
            let named = String::from_utf8_lossy(named);
            return Err(if named.contains("-cert-v0") {
                KeyError::Certificate
            } else {
                KeyError::Algorithm {
                    shown: shown(&named),
                }
            });
        };
        match algorithm {
            Algorithm::Ed25519 => wire.exact(32)?,
            Algorithm::EcdsaP256 => wire.point("nistp256", 65)?,
            Algorithm::EcdsaP384 => wire.point("nistp384", 97)?,
            Algorithm::EcdsaP521 => wire.point("nistp521", 133)?,
            Algorithm::Rsa => wire.rsa()?,
            Algorithm::SkEd25519 => {
                wire.exact(32)?;
                wire.application()?;
            }
            Algorithm::SkEcdsaP256 => {
                wire.point("nistp256", 65)?;
                wire.application()?;
            }
        }
        wire.end()?;
        Ok(Self {
            blob: blob.to_vec(),
            algorithm,
        })
    }

    /// The wire encoding.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Its kind.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its SHA-256, as `ssh-keygen -l` shows it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(format!(
            "SHA256:{}",
            STANDARD_NO_PAD.encode(Sha256::digest(&self.blob))
        ))
    }

    /// The OpenSSH line, without a comment.
    #[must_use]
    pub fn to_line(&self) -> String {
        format!("{} {}", self.algorithm, STANDARD.encode(&self.blob))
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.blob == other.blob
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.blob.hash(state);
    }
}

impl fmt::Display for PublicKey {
    /// Kind and fingerprint: what people compare.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.algorithm, self.fingerprint())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;
    fn from_str(line: &str) -> Result<Self, KeyError> {
        Self::parse(line)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;
    fn try_from(line: String) -> Result<Self, KeyError> {
        Self::parse(&line)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_line()
    }
}

/// What is left to read of a blob.
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    fn string(&mut self) -> Result<&'a [u8], KeyError> {
        let short = KeyError::Damaged {
            what: "it ends too early",
        };
        let (length, rest) = self.0.split_first_chunk::<4>().ok_or(short.clone())?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| short.clone())?;
        let (value, rest) = rest.split_at_checked(length).ok_or(short)?;
        self.0 = rest;
        Ok(value)
    }

    fn exact(&mut self, bytes: usize) -> Result<(), KeyError> {
        if self.string()?.len() == bytes {
            Ok(())
        } else {
            Err(KeyError::Damaged {
                what: "a part has another length",
            })
        }
    }

    /// An uncompressed point (RFC 5656 §3.1): the compressed form would be a second spelling of the same key.
    fn point(&mut self, curve: &str, bytes: usize) -> Result<(), KeyError> {
        if self.string()? != curve.as_bytes() {
            return Err(KeyError::Damaged {
                what: "its curve and its type disagree",
            });
        }
        let point = self.string()?;
        if point.len() == bytes && point.first() == Some(&4) {
            Ok(())
        } else {
            Err(KeyError::Damaged {
                what: "its point is not an uncompressed one",
            })
        }
    }

    fn application(&mut self) -> Result<(), KeyError> {
        let application = self.string()?;
        if application.starts_with(b"ssh:") && application.len() <= 255 {
            Ok(())
        } else {
            Err(KeyError::Damaged {
                what: "its application does not begin with ssh:",
            })
        }
    }

    fn rsa(&mut self) -> Result<(), KeyError> {
        let exponent = self.positive()?;
        let odd = exponent.last().is_some_and(|byte| byte % 2 == 1);
        if !odd || exponent == [1] || exponent.len() > 8 {
            return Err(KeyError::Damaged {
                what: "its exponent is unusual",
            });
        }
        let bits = bit_length(self.positive()?);
        if (RSA_AT_LEAST..=RSA_AT_MOST).contains(&bits) {
            Ok(())
        } else {
            Err(KeyError::RsaSize { bits })
        }
    }

    /// A positive `mpint` in its shortest form (RFC 4251 §5), without the sign byte.
    fn positive(&mut self) -> Result<&'a [u8], KeyError> {
        let damaged = || KeyError::Damaged {
            what: "a number is not in its shortest form",
        };
        match self.string()? {
            [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => Ok(rest),
            number @ [1..=0x7f, ..] => Ok(number),
            _ => Err(damaged()),
        }
    }

    fn end(&self) -> Result<(), KeyError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(KeyError::Damaged {
                what: "bytes follow its end",
            })
        }
    }
}

fn bit_length(number: &[u8]) -> usize {
    let leading = number
        .first()
        .map_or(0, |byte| byte.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(leading)
}
