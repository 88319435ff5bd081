//! The header of a live journal: whose session it is, which key seals its frames, who may read it.
//!
//! Readable without any key, and authenticated by every frame: each seal covers the header's SHA-256, which also
//! stands in the log since the session began.

use crate::evidence::key::{MAX_WRAPPED, Recipient, RecordingKey};
use crate::frame::{self, CRC, FILE_HEADER, MAX_FACTS, SEALED, VERSION};
use crate::{ReadError, RecordError, SessionFacts};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// Longest JSON about the key: hundreds of recipients.
const MAX_KEY: usize = 64 * 1024;

/// How a recording is protected: with a key of its own, readable by whom it is wrapped for. Not to be cloned: under one
/// key, each frame number is used once.
#[derive(Debug)]
pub struct Protection {
    /// The recording's own key; one recording, one key.
    pub key: RecordingKey,
    /// `recording.key.age`: that key, as [`RecordingKey::wrap`] gives it for `recipients`.
    pub wrapped: Vec<u8>,
    /// Who may read the recording.
    pub recipients: Vec<Recipient>,
}

impl Protection {
    /// A new key for one recording, wrapped for `recipients`.
    ///
    /// # Errors
    /// There are no recipients.
    pub fn for_recipients(
        recipients: Vec<Recipient>,
    ) -> Result<Self, crate::evidence::key::KeyError> {
        let key = RecordingKey::generate();
        let wrapped = key.wrap(&recipients)?;
        Ok(Protection {
            key,
            wrapped,
            recipients,
        })
    }
}

/// What a journal says of itself, readable without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalHeader {
    /// The session's facts.
    pub facts: SessionFacts,
    /// The recording's public key (`age1…`).
    pub public: String,
    /// For whom the key was wrapped, in order (`age1…`).
    pub recipients: Vec<String>,
    /// `recording.key.age` as it was when the recording opened.
    pub wrapped: Vec<u8>,
    /// SHA-256 of the whole header.
    pub sha256: [u8; 32],
    /// Its length.
    pub bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct KeyPart {
    public: String,
    recipients: Vec<String>,
}

impl JournalHeader {
    /// SHA-256 of the whole header, hexadecimal.
    #[must_use]
    pub fn sha256_hex(&self) -> String {
        crate::bytes::to_hex(&self.sha256)
    }

    /// Reads a header from the beginning of a journal; `path` only names it in errors.
    ///
    /// # Errors
    /// It is not a header of a version this crate reads.
    pub fn read(path: &Path, input: &mut impl Read) -> Result<Self, ReadError> {
        let mut fixed = [0u8; FILE_HEADER];
        let short = |error: std::io::Error| {
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                return ReadError::foreign(path, "it ends inside its header");
            }
            ReadError::io(path, error)
        };
        input.read_exact(&mut fixed).map_err(short)?;
        if fixed[0..8] != frame::MAGIC {
            return Err(ReadError::foreign(path, "it does not begin with ECLUSEJL"));
        }
        if fixed[8] != VERSION {
            return Err(ReadError::foreign(
                path,
                format!("journal version {}, this version reads {VERSION}", fixed[8]),
            ));
        }
        if fixed[9] != SEALED {
            return Err(ReadError::foreign(
                path,
                format!(
                    "protection {}, this version reads {SEALED} (sealed)",
                    fixed[9]
                ),
            ));
        }
        let length = |at: usize| {
            fixed
                .get(at..)
                .and_then(|rest| rest.first_chunk::<4>())
                .map_or(usize::MAX, |bytes| u32::from_le_bytes(*bytes) as usize)
        };
        let (facts, key, wrapped) = (length(12), length(16), length(20));
        if facts > MAX_FACTS || key > MAX_KEY || wrapped > MAX_WRAPPED || fixed[10..12] != [0, 0] {
            return Err(ReadError::damaged(
                path,
                10,
                "a header that no version writes",
            ));
        }
        let mut rest = vec![0u8; facts + key + wrapped + CRC];
        input.read_exact(&mut rest).map_err(short)?;
        let damaged = |problem: &str| ReadError::damaged(path, 0, problem);
        let (parts, crc) = rest
            .split_last_chunk::<CRC>()
            .ok_or_else(|| damaged("a header without checksum"))?;
        if frame::crc(&[&fixed, parts]) != *crc {
            return Err(damaged("a header whose checksum does not hold"));
        }
        let (facts, parts) = parts.split_at_checked(facts).unwrap_or_default();
        let (key, wrapped) = parts.split_at_checked(key).unwrap_or_default();
        let facts = serde_json::from_slice(facts)
            .map_err(|error| ReadError::damaged(path, 0, format!("facts: {error}")))?;
        let KeyPart { public, recipients } = serde_json::from_slice(key)
            .map_err(|error| ReadError::damaged(path, 0, format!("key: {error}")))?;
        let mut digest = Sha256::new();
        digest.update(fixed);
        digest.update(&rest);
        Ok(JournalHeader {
            facts,
            public,
            recipients,
            wrapped: wrapped.to_vec(),
            sha256: digest.finalize().into(),
            bytes: (FILE_HEADER as u64).saturating_add(rest.len() as u64),
        })
    }
}

/// The whole header as it is written, and its SHA-256.
pub(crate) fn encode(
    facts: &SessionFacts,
    protection: &Protection,
) -> Result<(Vec<u8>, [u8; 32]), RecordError> {
    let refused = |what: &'static str, problem: String| RecordError::Facts { what, problem };
    let text = serde_json::to_vec(facts).map_err(|error| refused("facts", error.to_string()))?;
    let key = KeyPart {
        public: protection.key.public().to_string(),
        recipients: protection
            .recipients
            .iter()
            .map(ToString::to_string)
            .collect(),
    };
    let key = serde_json::to_vec(&key).map_err(|error| refused("key", error.to_string()))?;
    if protection.wrapped.is_empty() {
        return Err(refused("key", "it is wrapped for nobody".to_owned()));
    }
    let mut out =
        Vec::with_capacity(FILE_HEADER + text.len() + key.len() + protection.wrapped.len() + CRC);
    out.extend_from_slice(&frame::MAGIC);
    out.push(VERSION);
    out.push(SEALED);
    out.extend_from_slice(&[0, 0]);
    for (what, part, most) in [
        ("facts", &text, MAX_FACTS),
        ("recipients", &key, MAX_KEY),
        ("key", &protection.wrapped, MAX_WRAPPED),
    ] {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        if part.len() > most {
            return Err(refused(
                what,
                format!("they take {length} bytes, {most} are accepted"),
            ));
        }
        out.extend_from_slice(&length.to_le_bytes());
    }
    for part in [&text, &key, &protection.wrapped] {
        out.extend_from_slice(part);
    }
    let crc = frame::crc(&[&out]);
    out.extend_from_slice(&crc);
    let sha256 = Sha256::digest(&out).into();
    Ok((out, sha256))
}
