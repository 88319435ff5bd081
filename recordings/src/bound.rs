//! What binds a text to the log: its salted digest stands in an entry, the salt beside the text.
//!
//! **Bytes hashed**: the salt as it is written (32 hexadecimal digits), a line feed, then the text as it stands. So
//! `{ printf '%s\n' SALT; cat FILE; } | sha256sum` gives the digest. Whoever has the entry alone cannot confirm a guess at
//! the text; when text and salt are destroyed together, the digest says nothing any more (R7).

use sha2::{Digest, Sha256};

use crate::bytes::to_hex;

/// The detail of an entry about an intervention: the digest of its body as it stands after that entry.
pub const INTERVENTION: &str = "intervention-salted-sha256";
/// The detail of an entry about a document: the digest of its text from that version on; null where it was taken out of
/// force.
pub const DOCUMENT: &str = "document-salted-sha256";
/// Beside it: whose document it is, `client ID` or `provider ID`.
pub const DOCUMENT_OF: &str = "document-of";
/// The detail of an entry about something in the store that the log contradicts: the digest of what was found.
pub const CONTRADICTED: &str = "found-salted-sha256";
/// The detail of the beginning of a session: the digests of the documents it was admitted by, by whose they are.
pub const DOCUMENTS: &str = "documents-salted-sha256";
/// The kind of the entry from which on digests are demanded in a store that is older than they are.
pub const BEGIN: &str = "bindings-begin";
/// The kind of the entries that bind what an older program left, as it was found.
pub const FOUND: &str = "bound";

/// The digest that an entry has of a text.
#[must_use]
pub fn digest(salt: &str, text: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(salt.as_bytes());
    hasher.update(b"\n");
    hasher.update(text);
    to_hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{ printf '%s\n' 00ff; printf 'a text'; } | sha256sum`
    #[test]
    fn the_digest_is_the_one_that_sha256sum_gives() {
        let expected = crate::evidence::manifest::sha256_hex(b"00ff\na text");
        assert_eq!(digest("00ff", b"a text"), expected);
        assert_ne!(digest("00fe", b"a text"), expected);
    }
}
