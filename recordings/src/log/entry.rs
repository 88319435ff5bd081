//! One entry of the log: a line of JSON, hashed as it stands.
//!
//! What is proven is the bytes; this is only how they read. The salt keeps whoever sees a leaf's hash, as every other
//! client's does in an export, from confirming a guess at the entry.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Hash;

/// Longest entry that is read.
pub const MAX_ENTRY: usize = 1024 * 1024;

/// An entry as it reads. Names are text here: they outlive any rule on names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// 16 random bytes, hexadecimal.
    pub salt: String,
    /// From 1; its index in the log is one less.
    pub seq: u64,
    /// **Unit**: microseconds since 1970, UTC.
    #[serde(rename = "at")]
    pub at_us: i64,
    /// What happened, such as `recording-sealed`.
    pub kind: String,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// From which machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    /// From which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Through which door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// Whose target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Which target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Under which intervention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervention: Option<String>,
    /// In which session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// How it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What else there is to say.
    #[serde(default)]
    pub detail: Map<String, Value>,
    /// Which event it tells of: the same in every entry of one event, which each client concerned has one of. None in
    /// entries from before events were named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The how-manieth of its trail it is, from 1: of its client's entries, or of those of no client. None in entries
    /// from before trails were numbered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// The hash of the entry before it in its trail; none in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
}

impl Entry {
    /// Reads an entry's bytes.
    ///
    /// # Errors
    /// It is not one line of JSON with what every entry has. In words.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        if line.len() > MAX_ENTRY {
            return Err(format!("an entry has at most {MAX_ENTRY} bytes"));
        }
        if line.contains(&b'\n') {
            return Err("an entry is one line".to_owned());
        }
        let entry: Entry =
            serde_json::from_slice(line).map_err(|error| crate::neutralise(error.to_string()))?;
        if entry.seq == 0 {
            return Err("entries are numbered from 1".to_owned());
        }
        match (entry.nth, &entry.previous) {
            (None, None) | (Some(1), None) => {}
            (Some(2..), Some(_)) => {}
            (Some(0 | 1) | None, Some(_)) | (Some(_), None) => {
                return Err(
                    "the first entry of a trail is the only one of it without the hash of the one before"
                        .to_owned(),
                );
            }
        }
        Ok(entry)
    }

    /// The line that is hashed, without a line feed.
    ///
    /// # Errors
    /// There is no value that JSON cannot hold; the library's error is passed on nevertheless.
    pub fn to_line(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Its place in the log.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.seq.saturating_sub(1)
    }

    /// A text of the detail.
    #[must_use]
    pub fn detail_text(&self, key: &str) -> Option<&str> {
        self.detail.get(key)?.as_str()
    }

    /// A number of the detail.
    #[must_use]
    pub fn detail_number(&self, key: &str) -> Option<u64> {
        self.detail.get(key)?.as_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_as_it_was_written() {
        let line = br#"{"salt":"00","seq":7,"at":1795600800000000,"kind":"recording-sealed","client":"hopital","session":"s","detail":{"manifest-sha256":"ab","frames":3}}"#;
        let entry = Entry::parse(line).unwrap();
        assert_eq!(entry.index(), 6);
        assert_eq!(entry.detail_text("manifest-sha256"), Some("ab"));
        assert_eq!(entry.detail_number("frames"), Some(3));
        assert_eq!(entry.detail_text("frames"), None);
        assert_eq!(Entry::parse(&entry.to_line().unwrap()), Ok(entry));
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for line in [
            &b""[..],
            b"{}",
            br#"{"salt":"","seq":0,"at":0,"kind":"x"}"#,
            br#"{"salt":"","seq":-1,"at":0,"kind":"x"}"#,
            br#"{"salt":"","seq":1,"seq":2,"at":0,"kind":"x"}"#,
            b"{\"salt\":\"\",\"seq\":1,\n\"at\":0,\"kind\":\"x\"}",
            br#"{"salt":"","seq":1,"at":0,"kind":"x","detail":[]}"#,
            br#"{"salt":"","seq":1,"at":0,"kind":"x","nth":0}"#,
            br#"{"salt":"","seq":1,"at":0,"kind":"x","nth":2}"#,
            br#"{"salt":"","seq":1,"at":0,"kind":"x","nth":2,"previous":"ab"}"#,
            br#"{"salt":"","seq":1,"at":0,"kind":"x","nth":1,"previous":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
            br#"{"salt":"","seq":1,"at":0,"kind":"x","previous":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
        ] {
            assert!(Entry::parse(line).is_err());
        }
    }
}
