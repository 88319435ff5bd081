//! Signed notes: a text and who signed it (<https://c2sp.org/signed-note>), with the two kinds of Ed25519 keys that
//! checkpoints bear: the log's own, and witnesses' (<https://c2sp.org/tlog-cosignature>).
//!
//! A note comes from strangers: it is bounded, it has one form, and a signature says nothing until it was checked with
//! a key that its reader trusts.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::checkpoint::Checkpoint;
use crate::bytes::to_hex;
use crate::evidence::signature::{SignatureError, Signer, holds};

/// Longest note that is read.
pub const MAX_NOTE: usize = 64 * 1024;
/// Most signatures that a note may bear.
pub const MAX_SIGNATURES: usize = 64;
/// Longest name of a key.
const MAX_NAME: usize = 255;
/// What a signature line begins with: U+2014, EM DASH.
const DASH: &str = "\u{2014} ";

/// Why a note says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a signed note.
    #[error("it is not a signed note: {0}")]
    Malformed(&'static str),
    /// A signed note, of something else.
    #[error("it is not a checkpoint: {0}")]
    Checkpoint(&'static str),
    /// Not a key.
    #[error(
        "`{0}` is not a verifier key; accepted: NAME+8 hexadecimal digits+base64, as `log-keys` has them"
    )]
    Key(String),
    /// The key did not sign it.
    #[error("it bears no signature of {0}")]
    NotSigned(String),
    /// Its text was changed, or the signature made up.
    #[error("the signature of {0} does not hold: the checkpoint was changed or forged")]
    DoesNotHold(String),
    /// Signed by the log's key, and speaking of another log.
    #[error("it is signed by {key} and speaks of the log {origin}")]
    Origin {
        /// The key's name.
        key: String,
        /// The name in the checkpoint.
        origin: String,
    },
    /// The key did not sign.
    #[error(transparent)]
    Signer(#[from] SignatureError),
}

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyRole {
    /// The text of a note, as the log itself (algorithm 0x01).
    Log,
    /// That it saw this checkpoint, at a time, and none that contradicts it (algorithm 0x04).
    Cosigner,
}

impl KeyRole {
    const fn algorithm(self) -> u8 {
        match self {
            KeyRole::Log => 0x01,
            KeyRole::Cosigner => 0x04,
        }
    }
}

/// A public key with its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    role: KeyRole,
    public: [u8; 32],
}

impl VerifierKey {
    /// The key of a log; `name` is its origin.
    ///
    /// # Errors
    /// The name is empty, too long, or holds spaces, controls or `+`.
    pub fn log(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        Self::new(name, KeyRole::Log, public)
    }

    /// The key of a witness.
    ///
    /// # Errors
    /// As [`VerifierKey::log`].
    pub fn cosigner(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        Self::new(name, KeyRole::Cosigner, public)
    }

    fn new(name: &str, role: KeyRole, public: [u8; 32]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Key(crate::neutralise(name)));
        }
        Ok(VerifierKey {
            name: name.to_owned(),
            role,
            public,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub fn role(&self) -> KeyRole {
        self.role
    }

    /// The public key itself.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// What tells keys of one name apart. **Shape**: the first 4 bytes of a SHA-256.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(self.name.as_bytes());
        hasher.update([b'\n', self.role.algorithm()]);
        hasher.update(self.public);
        let [a, b, c, d, ..] = <[u8; 32]>::from(hasher.finalize());
        [a, b, c, d]
    }

    /// Every key of a text, one a line; `#` begins a comment. Lines of an allowed-signers file (`ssh-keygen(1)`) are passed
    /// over, so that all that `ecluse journal keys` prints can be given as it is.
    ///
    /// # Errors
    /// A line is something else.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, NoteError> {
        let of_a_signer = |line: &str| {
            line.split(' ')
                .nth(1)
                .is_some_and(|options| options.starts_with("namespaces="))
        };
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#') && !of_a_signer(line))
            .map(str::parse)
            .collect()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.role.algorithm()];
        key.extend_from_slice(&self.public);
        write!(
            f,
            "{}+{}+{}",
            self.name,
            to_hex(&self.id()),
            STANDARD.encode(key)
        )
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let parse = || {
            let (name, rest) = text.split_once('+')?;
            let (_, key) = rest.split_once('+')?;
            let key = STANDARD.decode(key).ok()?;
            let (algorithm, public) = key.split_first()?;
            let role = match *algorithm {
                0x01 => KeyRole::Log,
                0x04 => KeyRole::Cosigner,
                _ => return None,
            };
            let key = Self::new(name, role, public.try_into().ok()?).ok()?;
            (key.to_string() == text).then_some(key)
        };
        if text.len() > 2 * MAX_NAME {
            return Err(NoteError::Key("…".to_owned()));
        }
        parse().ok_or_else(|| NoteError::Key(crate::neutralise(text)))
    }
}

/// A text and its signatures, as read: none of them checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    body: String,
    signatures: Vec<NoteSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl SignedNote {
    /// Signs a checkpoint as its log.
    ///
    /// # Errors
    /// The checkpoint has no text (its name, its size or its time), or the key cannot be used.
    pub fn sign(checkpoint: &Checkpoint, signer: &dyn Signer) -> Result<Self, NoteError> {
        let body = checkpoint.body();
        Checkpoint::parse(&body)?;
        let key = VerifierKey::log(&checkpoint.origin, signer.public())?;
        let signature = NoteSignature {
            name: key.name.clone(),
            id: key.id(),
            bytes: signer.sign(body.as_bytes())?.to_vec(),
        };
        Ok(SignedNote {
            body,
            signatures: vec![signature],
        })
    }

    /// The same note, with what a witness adds: that it saw this checkpoint at that time. **Unit**: seconds since 1970.
    ///
    /// An earlier cosignature of the same key is replaced. Whether this note *may* be cosigned is the question of
    /// [`super::check_and_cosign`].
    ///
    /// # Errors
    /// The name is none, the note is full, or the key cannot be used.
    pub fn cosign(
        &self,
        name: &str,
        signer: &dyn Signer,
        unix_seconds: u64,
    ) -> Result<Self, NoteError> {
        let key = VerifierKey::cosigner(name, signer.public())?;
        let mut bytes = unix_seconds.to_be_bytes().to_vec();
        let signed = signer.sign(cosigned_message(unix_seconds, &self.body).as_bytes())?;
        bytes.extend_from_slice(&signed);
        let mut note = self.clone();
        note.signatures.retain(|one| !one.is_of(&key));
        if note.signatures.len() >= MAX_SIGNATURES {
            return Err(NoteError::Malformed("it bears too many signatures"));
        }
        note.signatures.push(NoteSignature {
            name: key.name.clone(),
            id: key.id(),
            bytes,
        });
        Ok(note)
    }

    /// Reads a note.
    ///
    /// # Errors
    /// It is another text, or too long.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        if text.len() > MAX_NOTE {
            return Err(NoteError::Malformed("it is too long"));
        }
        if text.chars().any(|letter| letter < ' ' && letter != '\n') {
            return Err(NoteError::Malformed("it holds control characters"));
        }
        let (body, signatures) = text
            .rsplit_once("\n\n")
            .ok_or(NoteError::Malformed("no empty line before signatures"))?;
        let signatures = signatures
            .strip_suffix('\n')
            .ok_or(NoteError::Malformed("it does not end with a line feed"))?
            .split('\n')
            .map(|line| {
                NoteSignature::parse(line).ok_or(NoteError::Malformed(
                    "a line after the text is not a signature",
                ))
            })
            .take(MAX_SIGNATURES + 1)
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed("it bears too many signatures"));
        }
        let mut seen = std::collections::HashSet::new();
        if !signatures
            .iter()
            .all(|one| seen.insert((&one.name, one.id)))
        {
            return Err(NoteError::Malformed("it bears two signatures of one key"));
        }
        Ok(SignedNote {
            body: format!("{body}\n"),
            signatures,
        })
    }

    /// The note as text; [`SignedNote::parse`] reads it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.body);
        for signature in &self.signatures {
            let mut bytes = signature.id.to_vec();
            bytes.extend_from_slice(&signature.bytes);
            text.push_str(&format!(
                "{DASH}{} {}\n",
                signature.name,
                STANDARD.encode(bytes)
            ));
        }
        text
    }

    /// What it says, **without** having checked who says so; for messages and for finding the key to check with.
    ///
    /// # Errors
    /// It is no checkpoint.
    pub fn unverified(&self) -> Result<Checkpoint, NoteError> {
        Checkpoint::parse(&self.body)
    }

    /// What it says, when `key` signed it: as its log, or as a witness.
    ///
    /// # Errors
    /// That key did not sign it, the signature does not hold, or it is no checkpoint of that log.
    pub fn verify(&self, key: &VerifierKey) -> Result<Checkpoint, NoteError> {
        self.check(key)?;
        let checkpoint = Checkpoint::parse(&self.body)?;
        match key.role {
            KeyRole::Log if checkpoint.origin != key.name => Err(NoteError::Origin {
                key: key.name.clone(),
                origin: crate::neutralise(&checkpoint.origin),
            }),
            KeyRole::Log | KeyRole::Cosigner => Ok(checkpoint),
        }
    }

    /// When a witness cosigned it. **Unit**: seconds since 1970; none for a log's own signature, which has no time.
    ///
    /// # Errors
    /// As [`SignedNote::verify`].
    pub fn cosigned_at(&self, key: &VerifierKey) -> Result<Option<u64>, NoteError> {
        self.check(key)
    }

    /// Names of all who are said to have signed it, the log too; nothing is checked.
    pub fn signers(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|one| one.name.as_str())
    }

    /// Names of all but the log who are said to have signed it; nothing is checked.
    pub fn cosigners(&self) -> impl Iterator<Item = &str> {
        let origin = self.body.split('\n').next().unwrap_or_default();
        self.signers().filter(move |name| *name != origin)
    }

    /// Checks the signature of one key; says when it cosigned.
    fn check(&self, key: &VerifierKey) -> Result<Option<u64>, NoteError> {
        let signature = self
            .signatures
            .iter()
            .find(|one| one.is_of(key))
            .ok_or_else(|| NoteError::NotSigned(key.name.clone()))?;
        let forged = || NoteError::DoesNotHold(key.name.clone());
        match key.role {
            KeyRole::Log => holds(&key.public, self.body.as_bytes(), &signature.bytes)
                .then_some(None)
                .ok_or_else(forged),
            KeyRole::Cosigner => {
                let (time, signed) = signature.bytes.split_first_chunk().ok_or_else(forged)?;
                let time = u64::from_be_bytes(*time);
                let message = cosigned_message(time, &self.body);
                holds(&key.public, message.as_bytes(), signed)
                    .then_some(Some(time))
                    .ok_or_else(forged)
            }
        }
    }
}

impl NoteSignature {
    fn is_of(&self, key: &VerifierKey) -> bool {
        self.name == key.name && self.id == key.id()
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded).ok()?;
        let (id, bytes) = decoded.split_first_chunk()?;
        (is_name(name) && !bytes.is_empty()).then(|| NoteSignature {
            name: name.to_owned(),
            id: *id,
            bytes: bytes.to_vec(),
        })
    }
}

/// Whether this can name a key: not empty, no space, no control character, no `+`.
pub(super) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && !name
            .chars()
            .any(|letter| letter.is_whitespace() || letter == '+' || crate::text::acts(letter))
}

fn cosigned_message(unix_seconds: u64, body: &str) -> String {
    format!("cosignature/v1\ntime {unix_seconds}\n{body}")
}

#[cfg(test)]
mod tests;
