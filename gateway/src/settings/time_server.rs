//! The name of a time server as the settings write it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The port of NTP.
const NTP: u16 = 123;

/// A time server: a host name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NtpServer {
    host: String,
    port: u16,
}

impl NtpServer {
    /// Reads `ntp1`, `ntp1:123`, `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]:123`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self {
                host: address.to_string(),
                port: NTP,
            });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)?),
            None => (text, NTP),
        };
        let host = match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(bracketed) => bracketed.parse::<Ipv6Addr>().ok()?.to_string(),
            None => host.to_owned(),
        };
        let is_address = host.parse::<IpAddr>().is_ok();
        (is_address || is_name(&host)).then_some(Self { host, port })
    }

    /// The name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for NtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// Whether it is written as host names are (RFC 1123).
fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read_with_or_without_a_port() {
        for (text, shown) in [
            ("ntp1", "ntp1:123"),
            ("ntp.example.net:1123", "ntp.example.net:1123"),
            ("192.0.2.1", "192.0.2.1:123"),
            ("2001:db8::1", "[2001:db8::1]:123"),
            ("[2001:db8::1]:124", "[2001:db8::1]:124"),
        ] {
            assert_eq!(NtpServer::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            ":123",
            "ntp1:",
            "ntp1:0",
            "ntp1:99999",
            "a b",
            "-x",
            "[ntp1]:123",
            "a..b",
            "ntp1:1:2",
        ] {
            assert_eq!(NtpServer::parse(text), None, "{text}");
        }
    }
}
