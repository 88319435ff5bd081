//! Where a machine is reached.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A host and a port, as a document writes them: `10.1.2.3:22`, `[2001:db8::1]:22`, `db01.example.org:22`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    /// Parses `HOST:PORT`.
    ///
    /// # Errors
    /// A text that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || format!("`{}` is not HOST:PORT", crate::name::shown(text));
        let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port: u16 = port
            .parse()
            .ok()
            .filter(|port| digits && *port > 0)
            .ok_or_else(refused)?;
        let host = match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(inner) => inner
                .parse::<std::net::Ipv6Addr>()
                .map_err(|_| refused())?
                .to_string(),
            None if is_host(host) => host.to_ascii_lowercase(),
            None => return Err(refused()),
        };
        Ok(Self { host, port })
    }

    /// The host: a name, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; never zero.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// An IPv4 address or a host name (RFC 1123). What is all digits and dots must be an address: `10.1` is neither.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return host.parse::<std::net::Ipv4Addr>().is_ok();
    }
    host.len() <= 253 && host.split('.').all(label)
}

impl fmt::Display for HostPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(formatter, "[{host}]:{port}")
        } else {
            write!(formatter, "{host}:{port}")
        }
    }
}

impl TryFrom<String> for HostPort {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<HostPort> for String {
    fn from(address: HostPort) -> String {
        address.to_string()
    }
}
