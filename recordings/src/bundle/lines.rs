//! The small files of a bundle, line by line: the list of digests, entries, proofs.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

use super::is_bundle_name;
use crate::bytes::{from_hex, to_hex};
use crate::log::Hash;

/// First line of the proofs: of which log they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProofsHead {
    /// Entries in the log that the checkpoint speaks of.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// One line of the proofs, for the entry on the same line of the entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EntryProof {
    /// The entry.
    pub seq: u64,
    /// Its inclusion proof.
    pub proof: Vec<Hash>,
}

/// Proofs that join checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConsistencyProofs {
    /// One for each pair of sizes.
    pub proofs: Vec<Consistency>,
}

impl ConsistencyProofs {
    /// The proof from one size to another, where it is there.
    #[must_use]
    pub fn between(&self, old: u64, new: u64) -> Option<&[Hash]> {
        let joins = |proof: &&Consistency| proof.old == old && proof.new == new;
        let found = self.proofs.iter().find(joins)?;
        Some(found.proof.as_slice())
    }
}

/// That the log of `old` entries is the beginning of the one of `new`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Consistency {
    /// The smaller size.
    pub old: u64,
    /// The larger.
    pub new: u64,
    /// The proof.
    pub proof: Vec<Hash>,
}

/// The client's trail at the checkpoint: its entries bear their numbers in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrailFacts {
    /// The client.
    pub client: String,
    /// How many numbered entries it has.
    pub entries: u64,
    /// The hash of the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Hash>,
    /// The number from which on all of them are in the bundle; none where it has chosen ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_from: Option<u64>,
    /// The number up to which they are, itself included; none up to the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_to: Option<u64>,
}

/// The list of digests, as `sha256sum` writes and checks it.
#[must_use]
pub fn write_sums(sums: &BTreeMap<String, [u8; 32]>) -> String {
    sums.iter()
        .map(|(name, digest)| format!("{}  {name}\n", to_hex(digest)))
        .collect()
}

/// Reads a list of digests; it may come from anywhere.
///
/// # Errors
/// A line is something else, or names a file twice. In words.
pub fn parse_sums(text: &str) -> Result<BTreeMap<String, [u8; 32]>, String> {
    let mut sums = BTreeMap::new();
    for (number, line) in (1u64..).zip(text.lines()) {
        let parsed = line.split_once("  ").and_then(|(digest, name)| {
            let digest: [u8; 32] = from_hex(digest)?.try_into().ok()?;
            is_bundle_name(name).then(|| (name.to_owned(), digest))
        });
        let Some((name, digest)) = parsed else {
            return Err(format!("line {number} is not a digest and a name"));
        };
        if sums.insert(name, digest).is_some() {
            return Err(format!("line {number} names a file a second time"));
        }
    }
    Ok(sums)
}

/// Reads lines of bounded length from a stranger's file.
pub struct LineReader<R> {
    from: R,
    limit: usize,
    line: Vec<u8>,
}

impl<R: BufRead> LineReader<R> {
    /// Lines of at most `limit` bytes.
    pub fn new(from: R, limit: usize) -> Self {
        LineReader {
            from,
            limit,
            line: Vec::new(),
        }
    }

    /// The next line without its line feed; none at the end.
    ///
    /// # Errors
    /// The file does not read, or its line is too long.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        loop {
            let available = self.from.fill_buf()?;
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = available
                .get(..end.unwrap_or(available.len()))
                .unwrap_or_default();
            if self.line.len() + part.len() > self.limit {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("a line is longer than {} bytes", self.limit),
                ));
            }
            self.line.extend_from_slice(part);
            let read = part.len();
            match end {
                Some(_) => {
                    self.from.consume(read + 1);
                    return Ok(Some(&self.line));
                }
                None if read == 0 => {
                    return Ok((!self.line.is_empty()).then_some(self.line.as_slice()));
                }
                None => self.from.consume(read),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_have_one_form() {
        let mut sums = BTreeMap::new();
        sums.insert("a/b".to_owned(), [7; 32]);
        sums.insert("c".to_owned(), [8; 32]);
        let text = write_sums(&sums);
        assert_eq!(parse_sums(&text), Ok(sums));
        for other in [
            text.replace("  ", " "),
            text.replace("  ", " *"),
            text.replace("a/b", "../b"),
            text.replace("07", "7"),
            format!("{text}{text}"),
            format!("{text}\n"),
        ] {
            assert!(parse_sums(&other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let text = b"one\n\ntwo";
        let mut lines = LineReader::new(io::BufReader::with_capacity(2, &text[..]), 3);
        assert_eq!(lines.next_line().unwrap(), Some(&b"one"[..]));
        assert_eq!(lines.next_line().unwrap(), Some(&b""[..]));
        assert_eq!(lines.next_line().unwrap(), Some(&b"two"[..]));
        assert_eq!(lines.next_line().unwrap(), None);
        let mut lines = LineReader::new(io::BufReader::new(io::repeat(b'x')), 1000);
        assert!(lines.next_line().is_err());
    }
}
