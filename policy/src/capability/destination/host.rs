//! A host in one canonical spelling: a name, or an address that is read alike by everybody.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest name (RFC 1035 §2.3.4), in bytes.
const LONGEST_NAME: usize = 253;
/// Longest label of a name, in bytes.
const LONGEST_LABEL: usize = 63;

/// One host.
///
/// Invariant: a name is in small letters, has no dot at its end, does not end in a number, and is none of a machine's own names for
/// itself; no address is the unspecified one, or an IPv4 one in IPv6.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A name, which the target resolves.
    Name(Box<str>),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

/// Why a text is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It is neither a name nor an address.
    #[error(
        "a host is a name of a-z 0-9 . _ - or an address; a name beyond ASCII is written in its xn-- form"
    )]
    Name,
    /// A number that some read as an address.
    #[error(
        "an IPv4 address is written as four decimal numbers without zeros before them, such as 127.0.0.1"
    )]
    Number,
    /// An address with a zone.
    #[error(
        "a zone behind an address means another thing on each machine; write the address alone"
    )]
    Zone,
    /// No IPv6 address.
    #[error("an IPv6 address is written as 2001:db8::1")]
    V6,
    /// The unspecified address, which is the target itself for a target.
    #[error(
        "0.0.0.0 and :: are no place to connect to; the target itself is written 127.0.0.1 or ::1"
    )]
    Unspecified,
    /// A name that machines have for themselves.
    #[error("the target itself is written localhost, 127.0.0.1 or ::1")]
    Itself,
}

/// Names that files of hosts give to the machine itself, beside those below `localhost`.
const ITSELF: [&str; 8] = [
    "localhost.localdomain",
    "localhost4",
    "localhost6",
    "localhost4.localdomain4",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
    "loopback",
];

impl Host {
    /// Parses a host as a request has it: an IPv6 address without brackets.
    ///
    /// # Errors
    /// A [`HostError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.contains('%') {
            return Err(HostError::Zone);
        }
        if text.contains(':') {
            let address: Ipv6Addr = text.parse().map_err(|_| HostError::V6)?;
            return match address.to_ipv4_mapped() {
                Some(address) => Self::v4(address),
                None if address.is_unspecified() => Err(HostError::Unspecified),
                None => Ok(Self::V6(address)),
            };
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Self::v4(address);
        }
        let name = text.to_ascii_lowercase();
        let is_name = (1..=LONGEST_NAME).contains(&name.len()) && name.split('.').all(is_label);
        if !is_name {
            return Err(HostError::Name);
        }
        if name.rsplit('.').next().is_some_and(is_number) {
            return Err(HostError::Number);
        }
        if name == "localhost" {
            return Ok(Self::V4(Ipv4Addr::LOCALHOST));
        }
        if name.ends_with(".localhost") || ITSELF.contains(&name.as_str()) {
            return Err(HostError::Itself);
        }
        Ok(Self::Name(name.into()))
    }

    fn v4(address: Ipv4Addr) -> Result<Self, HostError> {
        // All of 0/8 is "this host" (RFC 1122 §3.2.1.3).
        match address.octets() {
            [0, ..] => Err(HostError::Unspecified),
            _ => Ok(Self::V4(address)),
        }
    }

    /// Whether it is whoever connects to it.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        match self {
            Self::Name(_) => false,
            Self::V4(address) => address.is_loopback(),
            Self::V6(address) => address.is_loopback(),
        }
    }
}

fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether a label is a number for one reader of addresses or another: `1`, `0x7f`, `0177`.
fn is_number(label: &str) -> bool {
    let digits = label.strip_prefix("0x").unwrap_or(label);
    match label.starts_with("0x") {
        true => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        false => digits.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

impl fmt::Display for Host {
    /// Without brackets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::V4(address) => address.fmt(formatter),
            Self::V6(address) => address.fmt(formatter),
        }
    }
}
