//! Keys that read recordings, all of them age X25519 keys so that stock `age` reads what they protect.
//!
//! Every recording has a key pair of its own ([`RecordingKey`]). Its artefacts are age files for that one key; the
//! secret half stands in `recording.key.age`, encrypted for the client's recipients. Rewrapping for other recipients
//! therefore replaces one small file and touches no artefact, no manifest and no signature. The live journal's AES key
//! is derived from the same secret.

use std::fmt;
use std::io::{Read, Write};
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use age::x25519;
use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

/// Longest wrapped key that is read: a few hundred recipients.
pub const MAX_WRAPPED: usize = 64 * 1024;
/// What the journal key is derived for (HKDF's info, RFC 5869).
const JOURNAL_KEY: &[u8] = b"ecluse live journal v2";

/// Why a key does not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a recipient.
    #[error(
        "`{0}` is not an age recipient; accepted: age1… as `age-keygen` prints it after \"Public key:\""
    )]
    NotARecipient(String),
    /// Not an identity.
    #[error(
        "no age identity was found; accepted: a file with a line AGE-SECRET-KEY-1… as `age-keygen` writes it"
    )]
    NotAnIdentity,
    /// Nobody would be able to read it.
    #[error("a recording needs at least one recipient; name one under recording-recipients")]
    NoRecipients,
    /// None of the given keys opens it.
    #[error(
        "none of the given keys reads this recording; how many keys it was recorded for: {recipients}"
    )]
    NotForThisKey {
        /// How many recipients it has.
        recipients: usize,
    },
    /// Not what an age file of ours looks like.
    #[error("the wrapped key does not read ({0}); restore recording.key.age from a copy")]
    Malformed(String),
    /// The cipher could not be set up.
    #[error("the cipher library failed; nothing was written")]
    Cipher,
}

/// Who may read: an `age1…` public key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient(x25519::Recipient);

impl FromStr for Recipient {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        text.trim()
            .parse()
            .map(Recipient)
            .map_err(|_| KeyError::NotARecipient(crate::neutralise(text)))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A secret key that reads recordings: the gateway's own, a client's, an auditor's.
#[derive(Clone)]
pub struct Identity(x25519::Identity);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity(for {})", self.public())
    }
}

impl Identity {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Identity(x25519::Identity::generate())
    }

    /// Every identity of a text as `age-keygen` writes it: one a line, `#` begins a comment.
    ///
    /// # Errors
    /// There is none, or a line is something else.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, KeyError> {
        let identities: Vec<Self> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                line.parse()
                    .map(Identity)
                    .map_err(|_| KeyError::NotAnIdentity)
            })
            .collect::<Result<_, _>>()?;
        if identities.is_empty() {
            return Err(KeyError::NotAnIdentity);
        }
        Ok(identities)
    }

    /// The text `AGE-SECRET-KEY-1…`.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string().expose_secret().to_owned())
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    pub(crate) fn as_age(&self) -> &dyn age::Identity {
        &self.0
    }
}

/// The key pair of one recording.
#[derive(Clone)]
pub struct RecordingKey(Identity);

impl fmt::Debug for RecordingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordingKey(for {})", self.public())
    }
}

impl RecordingKey {
    /// A new one, for one recording.
    #[must_use]
    pub fn generate() -> Self {
        RecordingKey(Identity::generate())
    }

    /// Its public half; stands in the manifest, so that nobody can put another key in its place.
    #[must_use]
    pub fn public(&self) -> Recipient {
        self.0.public()
    }

    /// `recording.key.age`: this key, for those who may read the recording.
    ///
    /// # Errors
    /// There are no recipients.
    pub fn wrap(&self, recipients: &[Recipient]) -> Result<Vec<u8>, KeyError> {
        let mut secret = self.0.to_text();
        secret.push('\n');
        let recipients = recipients.iter().map(|one| &one.0 as &dyn age::Recipient);
        let sealed =
            age::Encryptor::with_recipients(recipients).map_err(|_| KeyError::NoRecipients)?;
        let mut out = Vec::new();
        let written = sealed.wrap_output(&mut out).and_then(|mut writer| {
            writer.write_all(secret.as_bytes())?;
            writer.finish().map(drop)
        });
        written.map(|()| out).map_err(|_| KeyError::Cipher)
    }

    /// Takes the key out of its wrapping.
    ///
    /// # Errors
    /// None of `identities` opens it, or it does not read.
    pub fn unwrap_with(wrapped: &[u8], identities: &[Identity]) -> Result<Self, KeyError> {
        let malformed = |error: &dyn fmt::Display| KeyError::Malformed(error.to_string());
        let decryptor = age::Decryptor::new_buffered(wrapped).map_err(|error| malformed(&error))?;
        let opened = decryptor.decrypt(identities.iter().map(Identity::as_age));
        let reader = match opened {
            Ok(reader) => reader,
            Err(age::DecryptError::NoMatchingKeys) => {
                return Err(KeyError::NotForThisKey {
                    recipients: recipients_in(wrapped),
                });
            }
            Err(error) => return Err(malformed(&error)),
        };
        let mut text = Zeroizing::new(String::new());
        reader
            .take(4096)
            .read_to_string(&mut text)
            .map_err(|error| malformed(&error))?;
        let mut keys = Identity::parse_all(&text)
            .map_err(|_| KeyError::Malformed("it holds something else".to_owned()))?;
        match (keys.pop(), keys.is_empty()) {
            (Some(key), true) => Ok(RecordingKey(key)),
            _ => Err(KeyError::Malformed("it holds several keys".to_owned())),
        }
    }

    /// Encrypts for this key alone: what every artefact of its recording goes through.
    pub(crate) fn encryptor(&self) -> std::io::Result<age::Encryptor> {
        let recipient = self.public();
        age::Encryptor::with_recipients(std::iter::once(&recipient.0 as &dyn age::Recipient))
            .map_err(std::io::Error::other)
    }

    /// As an identity, for reading artefacts.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0
    }

    /// The AES-256 key of the live journal (HKDF-SHA-256 of the secret, RFC 5869).
    ///
    /// # Errors
    /// The cipher library failed.
    pub fn journal_key(&self) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let secret = self.0.to_text();
        let mut key = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
            .extract(secret.as_bytes())
            .expand(&[JOURNAL_KEY], hkdf::HKDF_SHA256)
            .and_then(|derived| derived.fill(key.as_mut_slice()))
            .map_err(|_| KeyError::Cipher)?;
        Ok(key)
    }
}

/// How many recipients an age file has; its header is text (<https://c2sp.org/age>).
#[must_use]
pub fn recipients_in(age_file: &[u8]) -> usize {
    age_file
        .split(|byte| *byte == b'\n')
        .take_while(|line| !line.starts_with(b"---"))
        .filter(|line| line.starts_with(b"-> X25519 "))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_recipients_unwrap_a_recordings_key() {
        let (client, gateway, stranger) = (
            Identity::generate(),
            Identity::generate(),
            Identity::generate(),
        );
        let key = RecordingKey::generate();
        let wrapped = key.wrap(&[client.public(), gateway.public()]).unwrap();
        assert_eq!(recipients_in(&wrapped), 2);
        for identity in [&client, &gateway] {
            let found =
                RecordingKey::unwrap_with(&wrapped, &[stranger.clone(), identity.clone()]).unwrap();
            assert_eq!(found.public(), key.public());
            assert_eq!(found.journal_key().unwrap(), key.journal_key().unwrap());
        }
        assert_eq!(
            RecordingKey::unwrap_with(&wrapped, &[stranger]).unwrap_err(),
            KeyError::NotForThisKey { recipients: 2 }
        );
        assert_eq!(key.wrap(&[]).unwrap_err(), KeyError::NoRecipients);
    }

    #[test]
    fn hostile_wrappings_are_refused() {
        let client = Identity::generate();
        let wrapped = RecordingKey::generate().wrap(&[client.public()]).unwrap();
        for cut in 0..wrapped.len() {
            assert!(
                RecordingKey::unwrap_with(&wrapped[..cut], std::slice::from_ref(&client)).is_err()
            );
        }
        for at in 0..wrapped.len() {
            let mut flipped = wrapped.clone();
            flipped[at] ^= 1;
            assert!(RecordingKey::unwrap_with(&flipped, std::slice::from_ref(&client)).is_err());
        }
    }

    #[test]
    fn identities_read_as_age_keygen_writes_them() {
        let one = Identity::generate();
        let text = format!(
            "# created: 2026-11-25T10:00:00Z\n# public key: {}\n{}\n",
            one.public(),
            one.to_text().as_str()
        );
        let read = Identity::parse_all(&text).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].public(), one.public());
        assert!(Identity::parse_all("# nothing\n").is_err());
        assert!(Identity::parse_all("ssh-ed25519 AAAA").is_err());
    }
}
