//! What a client's document says of its evidence: who reads recordings, how long they are kept, what may be searched,
//! where copies go.
//!
//! It reads and checks the words only. [`crate::retention`] decides what is due; encrypting, indexing and sending are the
//! gateway's business, and whether an address answers is not known here.

use std::fmt;

use sha2::{Digest, Sha256};

use super::HostPort;
use super::reader::{At, Table};
use super::words::is_visible;
use crate::name::shown;

/// Most recipients of one client: each makes the wrapped key of every recording longer.
const MOST_RECIPIENTS: usize = 64;
/// Longest certificate text, in bytes.
const LONGEST_PEM: usize = 64 * 1024;
/// Longest place of checkpoints, in bytes.
const LONGEST_PLACE: usize = 1000;

const RECIPIENTS: &str = "a list such as [\"age1…\", \"gateway\"]: keys as `age-keygen` prints them after \"Public key:\", and \"gateway\" to let the gateway itself read";
const SYSLOG: &str = "\"tls://HOST:PORT\", such as \"tls://logs.hopital.example:6514\"";
const CERTIFICATES: &str = "one or more certificates, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, and nothing else";
const CHECKPOINTS: &str = "\"dir:/ABSOLUTE/PATH\" or \"https://HOST/PATH\"";

/// Who can read a client's recordings (C4).
///
/// Invariant: somebody can; without a word about it in the document, the gateway alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingRules {
    /// The client's own keys, in the order of the document.
    pub recipients: Vec<RecipientName>,
    /// Whether the gateway keeps a key too: for replay, search and live reading after a restart.
    pub gateway: bool,
}

impl Default for RecordingRules {
    fn default() -> Self {
        Self {
            recipients: Vec::new(),
            gateway: true,
        }
    }
}

/// The public age key of somebody who reads recordings. **Shape**: `age1` and 58 characters of Bech32, checksum verified.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecipientName(String);

impl RecipientName {
    /// Parses an X25519 recipient of age (Bech32, BIP 173: human-readable part `age`, 32 bytes, 6 characters of checksum).
    ///
    /// # Errors
    /// A text that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = |why: &str| format!("`{}` {why}", shown(text));
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            // Not shown again: errors end up in logs.
            return Err(
                "a secret key stands here: consider it known, and make a new one".to_owned(),
            );
        }
        let data = text
            .strip_prefix("age1")
            .ok_or_else(|| problem("is not the public key of an age identity"))?;
        if data.len() != 58 {
            return Err(problem("has not the length of an age recipient, 62"));
        }
        let values: Vec<u8> = data
            .bytes()
            .map(|byte| BECH32.iter().position(|letter| *letter == byte))
            .map(|place| place.and_then(|place| u8::try_from(place).ok()))
            .collect::<Option<_>>()
            .ok_or_else(|| problem("has characters that no age recipient has"))?;
        // 32 bytes leave four bits of the 52nd character, which are zero.
        let padded = values.get(51).is_some_and(|last| last & 0b1111 == 0);
        if !padded || checksum("age", &values) != 1 {
            return Err(problem("is mistyped: its checksum does not hold"));
        }
        Ok(Self(text.to_owned()))
    }

    /// As documents write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecipientName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// The checksum of Bech32 (BIP 173) over the human-readable part and all values; 1 where it holds.
fn checksum(readable: &str, values: &[u8]) -> u32 {
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let high = readable.bytes().map(|byte| byte >> 5);
    let low = readable.bytes().map(|byte| byte & 31);
    let all = high
        .chain(std::iter::once(0))
        .chain(low)
        .chain(values.iter().copied());
    all.fold(1, |sum, value| {
        let top = sum >> 25;
        let shifted = ((sum & 0x01ff_ffff) << 5) ^ u32::from(value);
        GENERATOR
            .iter()
            .enumerate()
            .filter(|(bit, _)| (top >> bit) & 1 == 1)
            .fold(shifted, |sum, (_, word)| sum ^ word)
    })
}

/// What of a client's recordings is made searchable (R10).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchRules {
    /// Whether the text on screens is indexed. Invariant: only where the gateway is among the recipients.
    pub screen_text: bool,
}

/// Where copies of a client's traces go as they arise (R8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyRules {
    /// The receiver of events.
    pub syslog: Option<SyslogReceiver>,
    /// Where signed checkpoints are laid down, in the order of the document.
    pub checkpoints: Vec<CheckpointPlace>,
}

/// A receiver of events: syslog over TLS (RFC 5425).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogReceiver {
    /// Where it answers; its host is also the name its certificate bears.
    pub address: HostPort,
    /// The certificates that vouch for it, PEM; no other authority is asked.
    pub authority: Certificates,
}

/// Certificates as PEM text. Invariant: at least one, and nothing but certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates(String);

impl Certificates {
    /// Parses PEM text (RFC 7468): certificates, and nothing beside or between them.
    ///
    /// # Errors
    /// A text that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        if text.contains("PRIVATE KEY") {
            return Err(
                "a private key stands here: consider it known, and make a new one".to_owned(),
            );
        }
        if text.len() > LONGEST_PEM {
            return Err("is longer than 64 KiB".to_owned());
        }
        let mut inside = false;
        let mut found = 0u32;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
            match (inside, line) {
                (false, BEGIN) => inside = true,
                (true, END) => {
                    inside = false;
                    found = found.saturating_add(1);
                }
                (true, line) if line.bytes().all(base64) => {}
                (_, line) => return Err(format!("`{}` is no part of a certificate", shown(line))),
            }
        }
        if inside || found == 0 {
            return Err("has no whole certificate".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The PEM text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Certificates {
    /// The digest of the text, for differences: `SHA256:…` in hexadecimal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SHA256:")?;
        Sha256::digest(self.0.as_bytes())
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// A place where signed checkpoints of the journal are laid down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckpointPlace {
    /// A directory, by its absolute path: a mount of another machine.
    Directory(String),
    /// A web hook of the client, over TLS.
    Url(String),
}

impl CheckpointPlace {
    /// Parses `dir:/absolute/path` or `https://host/path`.
    ///
    /// # Errors
    /// A text that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = |why: &str| format!("`{}` {why}", shown(text));
        if text.len() > LONGEST_PLACE {
            return Err(problem("is longer than 1000 bytes"));
        }
        if let Some(path) = text.strip_prefix("dir:") {
            let whole = path.starts_with('/') && path.len() > 1 && is_visible(path);
            let climbs = path.split('/').any(|part| matches!(part, "." | ".."));
            return if whole && !climbs {
                Ok(Self::Directory(path.to_owned()))
            } else {
                Err(problem("is not an absolute path without . and .."))
            };
        }
        let rest = text
            .strip_prefix("https://")
            .ok_or_else(|| problem("is neither a directory nor an https address"))?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || text.contains(['#', '\\', '"', '<', '>']) {
            return Err(problem("has characters that do not stand in an address"));
        }
        if authority.contains('@') {
            // Not shown again: a password may stand there.
            let said = "the address names a user, and no secret ever stands in a document";
            return Err(said.to_owned());
        }
        let with_port = if has_port(authority) {
            authority.to_owned()
        } else {
            format!("{authority}:443")
        };
        HostPort::parse(&with_port).map_err(|_| problem("has no host"))?;
        Ok(Self::Url(text.to_owned()))
    }
}

fn has_port(authority: &str) -> bool {
    let after_host = authority.rsplit(']').next().unwrap_or_default();
    after_host.contains(':')
}

impl fmt::Display for CheckpointPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(formatter, "dir:{path}"),
            Self::Url(url) => formatter.write_str(url),
        }
    }
}

/// One entry of `recording-recipients`.
enum Reader {
    Gateway,
    Key(RecipientName),
}

/// `recording-recipients` of `[client]`; the gateway alone where it is not there.
pub(super) fn recordings(head: &Table<'_>) -> RecordingRules {
    const KEY: &str = "recording-recipients";
    let read = head.maybe_list(KEY, RECIPIENTS, |text| match text {
        "gateway" => Ok(Reader::Gateway),
        text => RecipientName::parse(text).map(Reader::Key),
    });
    let Some(At { value, line }) = read else {
        return RecordingRules::default();
    };
    if value.is_empty() {
        let problem = "is empty: nobody could ever read what is recorded";
        head.error(line, KEY, problem, RECIPIENTS);
    }
    if value.len() > MOST_RECIPIENTS {
        head.error(line, KEY, "names too many", "64 recipients at most");
    }
    let mut rules = RecordingRules {
        recipients: Vec::new(),
        gateway: false,
    };
    for entry in value {
        match entry.value {
            Reader::Gateway => rules.gateway = true,
            Reader::Key(recipient) => rules.recipients.push(recipient),
        }
    }
    rules
}

/// `[search]`.
pub(super) fn search(root: &Table<'_>, recordings: Option<&RecordingRules>) -> SearchRules {
    let Some(table) = root.maybe_table("search", "a [search] table") else {
        return SearchRules::default();
    };
    let screen_text = table.flag("screen-text");
    if screen_text && recordings.is_some_and(|rules| !rules.gateway) {
        table.error(
            table.line,
            "screen-text",
            "cannot be: \"gateway\" is not among the recording-recipients, and it cannot index what it cannot read",
            "false, or \"gateway\" under recording-recipients",
        );
    }
    table.finish();
    SearchRules { screen_text }
}

/// `[copies]`.
pub(super) fn copies(root: &Table<'_>) -> CopyRules {
    let Some(table) = root.maybe_table("copies", "a [copies] table") else {
        return CopyRules::default();
    };
    let address = table.maybe_parsed("syslog", SYSLOG, |text| {
        text.strip_prefix("tls://")
            .ok_or_else(|| format!("`{}` is not encrypted with TLS", shown(text)))
            .and_then(HostPort::parse)
    });
    let authority = table.maybe_parsed("syslog-ca", CERTIFICATES, Certificates::parse);
    let (has_address, has_authority) = (table.has("syslog"), table.has("syslog-ca"));
    if has_address && !has_authority {
        let problem = "is missing: copies go only to a receiver that proves itself";
        table.error(table.line, "syslog-ca", problem, CERTIFICATES);
    }
    if has_authority && !has_address {
        table.error(table.line, "syslog", "is missing beside syslog-ca", SYSLOG);
    }
    let checkpoints = super::provider::values(table.maybe_list(
        "checkpoints",
        CHECKPOINTS,
        CheckpointPlace::parse,
    ));
    table.finish();
    CopyRules {
        syslog: address
            .zip(authority)
            .map(|(address, authority)| SyslogReceiver {
                address: address.value,
                authority: authority.value,
            }),
        checkpoints,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the documentation of age.
    const KEY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    #[test]
    fn a_recipient_with_one_other_character_is_refused() {
        assert_eq!(RecipientName::parse(KEY).unwrap().as_str(), KEY);
        for place in 0..KEY.len() {
            for letter in *BECH32 {
                let mut bytes = KEY.as_bytes().to_vec();
                if bytes[place] == letter {
                    continue;
                }
                bytes[place] = letter;
                let text = String::from_utf8(bytes).unwrap();
                assert!(RecipientName::parse(&text).is_err(), "{text}");
            }
        }
        assert!(RecipientName::parse(&KEY.to_uppercase()).is_err());
        assert!(RecipientName::parse(&format!("{KEY}q")).is_err());
    }

    #[test]
    fn a_secret_key_is_refused_and_not_repeated() {
        let said = RecipientName::parse("AGE-SECRET-KEY-1QQQQQQQQQQQQ").unwrap_err();
        assert!(
            said.contains("secret key") && !said.contains("QQQ"),
            "{said}"
        );
        let said = Certificates::parse("-----BEGIN PRIVATE KEY-----\nMC4CAQ\n").unwrap_err();
        assert!(
            said.contains("private key") && !said.contains("MC4CAQ"),
            "{said}"
        );
    }

    #[test]
    fn a_place_for_checkpoints_is_absolute_or_encrypted() {
        for good in [
            "dir:/srv/checkpoints",
            "https://hopital.example/ecluse",
            "https://hopital.example:8443/a?b=c",
            "https://[2001:db8::1]/",
            "https://[2001:db8::1]:8443/",
            "https://hopital.example",
        ] {
            assert_eq!(CheckpointPlace::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "dir:",
            "dir:/",
            "dir:relative",
            "dir:/srv/../etc",
            "dir:/srv/\u{202e}x",
            "/srv",
            "http://hopital.example/",
            "https://",
            "https:///path",
            "https://user:secret@hopital.example/",
            "https://hopital.example/ x",
            "https://hopital.example/#part",
            "https://hopital.example:0/",
            "file:///etc",
        ] {
            assert!(CheckpointPlace::parse(bad).is_err(), "{bad}");
        }
    }
}
