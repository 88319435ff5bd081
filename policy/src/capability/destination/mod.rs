//! Where a forward goes: `forward: HOST:PORT` and `socket: PATH`, both as seen from the target.
//!
//! # One spelling
//! A destination has one canonical spelling, and what is asked is compared with what is listed in that spelling alone. Nothing is
//! resolved here or by the gateway: a name is a name, an address an address, and a name that is listed lets its address
//! pass as little as the other way round. The target is told the spelling of the line, never the one that was typed.
//!
//! | written or asked | is |
//! |---|---|
//! | `DB.Hopital.Example.` | `db.hopital.example`: no capital letters, no dot at the end |
//! | `localhost`, in any case, with its dot | `127.0.0.1`; a service on `::1` alone is written `[::1]` |
//! | `::ffff:127.0.0.1`, `0:0:0:0:0:0:0:1`, `2001:DB8::1` | `127.0.0.1`, `::1`, `2001:db8::1` |
//! | `127.1`, `0x7f.1`, `0177.0.0.1`, `2130706433`, `10.0.0.256` | refused: what they are depends on who reads them |
//! | `0.0.0.0`, `0.1.2.3`, `::` | refused: for a target they are itself |
//! | `fe80::1%eth0` | refused: a zone is a name of one machine |
//! | `foo.localhost`, `ip6-localhost`, `localhost.localdomain` | refused: they are the target itself, by its own habits |
//! | `été.example`, `１２７.0.0.1`, `127。0。0。1` | refused: write the `xn--` name, the digits |
//! | port `pgsql`, `022`, `+22`, `0`, `65558` | refused: a decimal number from 1 to 65535 |
//!
//! No wildcards, no ranges: F2 asks for named ports, and DESIGN writes globs for files alone. So `includes` is equality.
//!
//! # What never passes, listed or not
//! - *A door of a known target by SSH*, its own or another's ([`Known`]): inside such a tunnel is a session that nobody records. A session
//!   there is opened by its name, which is always possible where it is allowed, so nothing is lost.
//! - *A door of the gateway* (F4).
//!
//! Another port of another target, or of the gateway's machine, passes where a line says so in as many letters (F6). What is no barrier:
//! a listed **name** leads where the target's resolver says, and a listed program (a proxy, an SSH server on a port that no document tells of)
//! leads on by itself. Addresses of a target that its document does not tell of are not known here.

mod host;
mod socket;

use std::fmt;

pub use self::host::{Host, HostError};
pub use self::socket::{SocketError, SocketPath};

/// What is accepted, in words.
pub const ACCEPTED: &str = "HOST:PORT such as 127.0.0.1:5432, [2001:db8::1]:443 or db.example.org:5432, as the target sees it; no wildcards";

/// Where one TCP connection goes.
///
/// Invariant: canonical; the port is not zero.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    host: Host,
    port: u16,
}

/// Why something is no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// No host and port.
    #[error("it is not HOST:PORT; accepted: {ACCEPTED}")]
    Shape,
    /// The host is none, or has no one meaning.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The port is none.
    #[error("a port is a decimal number from 1 to 65535")]
    Port,
}

impl Destination {
    /// Parses `HOST:PORT` as a document writes it; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// A [`DestinationError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, DestinationError> {
        let (host, port) = text.rsplit_once(':').ok_or(DestinationError::Shape)?;
        let host = match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(inner) if inner.contains(':') => inner,
            Some(_) => return Err(DestinationError::Shape),
            None if host.contains([':', '[', ']']) => return Err(DestinationError::Shape),
            None => host,
        };
        let is_number = !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && !port.starts_with('0');
        let port = port
            .parse()
            .ok()
            .filter(|_| is_number)
            .ok_or(DestinationError::Port)?;
        Self::asked(host, port)
    }

    /// What a client asks for: a host without brackets, and a port as the protocol has it, of four bytes (RFC 4254 §7.2).
    ///
    /// # Errors
    /// A [`DestinationError`]: it has no canonical spelling, so no line can name it.
    pub fn asked(host: &str, port: u32) -> Result<Self, DestinationError> {
        let port = u16::try_from(port)
            .ok()
            .filter(|port| *port > 0)
            .ok_or(DestinationError::Port)?;
        let host = Host::parse(host)?;
        Ok(Self { host, port })
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port; never zero.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Destination {
    /// As it is written in a document.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::V6(address) => write!(formatter, "[{address}]:{}", self.port),
            Host::Name(_) | Host::V4(_) => write!(formatter, "{}:{}", self.host, self.port),
        }
    }
}

/// One line of forwards.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForwardLine {
    /// `forward: HOST:PORT`.
    Forward(Destination),
    /// `socket: PATH`.
    Socket(SocketPath),
}

/// What is asked has the shape of what is listed.
pub type ForwardRequest = ForwardLine;

impl ForwardLine {
    /// Parses one entry of `allow`; none where it is of another family.
    ///
    /// # Errors
    /// What does not hold, and what to write.
    pub(crate) fn parse(family: &str, rest: &str) -> Option<Result<Self, (&'static str, String)>> {
        match family {
            "forward" => Some(
                Destination::parse(rest)
                    .map(Self::Forward)
                    .map_err(|error| ("forward", error.to_string())),
            ),
            "socket" => Some(
                SocketPath::parse(rest)
                    .map(Self::Socket)
                    .map_err(|error| ("socket", error.to_string())),
            ),
            _ => None,
        }
    }

    /// What a document calls its family.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        match self {
            Self::Forward(_) => "forward",
            Self::Socket(_) => "socket",
        }
    }

    /// Whether everything that `other` allows is allowed by this one: whether they are the same.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        self == other
    }

    /// What both allow; `None` when that is nothing.
    #[must_use]
    pub fn common(&self, other: &Self) -> Option<Self> {
        self.includes(other).then(|| other.clone())
    }
}

impl fmt::Display for ForwardLine {
    /// As it is written in a document.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(destination) => write!(formatter, "forward: {destination}"),
            Self::Socket(path) => write!(formatter, "socket: {path}"),
        }
    }
}

/// The port that a client asks for where it was told no other (RFC 4253 §4.1).
const SSH: u16 = 22;

/// What the gateway knows to be where. `T` names a target.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k, T> {
    /// Hosts by which the gateway itself is reached: the addresses of its doors and of its machine, its names.
    pub gateway: &'k [Host],
    /// Ports on which it listens: SSH, TLS, console.
    pub gateway_ports: &'k [u16],
    /// The door by SSH of the target of this session: `127.0.0.1` is itself.
    pub own: &'k Door<T>,
    /// The doors by SSH of every other target that the gateway knows, of whichever client.
    pub others: &'k [Door<T>],
}

/// Where a target is reached by SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door<T> {
    /// Whose it is.
    pub target: T,
    /// On which host; none where its document spells it as no line can.
    pub host: Option<Host>,
    /// On which port.
    pub port: u16,
}

impl<T> Door<T> {
    /// The door of `target` at an address as its document has it.
    #[must_use]
    pub fn of(target: T, host: &str, port: u16) -> Self {
        Self {
            target,
            host: Host::parse(host).ok(),
            port,
        }
    }
}

/// Why a line never lets anything pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoForward<'k, T> {
    /// It names a door of the gateway.
    Gateway,
    /// It names the door by SSH of this target, where a session is recorded.
    Door(&'k T),
}

impl<T: AsRef<str>> Known<'_, T> {
    /// Why a line would never let anything pass: what `check` says of a document that holds it.
    #[must_use]
    pub fn never(&self, line: &ForwardLine) -> Option<NoForward<'_, T>> {
        let ForwardLine::Forward(destination) = line else {
            return None;
        };
        // Where the gateway is on the target's own machine, by any of its loopback addresses.
        let is_here = destination.host.is_loopback() && self.gateway.iter().any(Host::is_loopback);
        if (is_here || self.gateway.contains(&destination.host))
            && self.gateway_ports.contains(&destination.port)
        {
            return Some(NoForward::Gateway);
        }
        // By its address, and by its id, which a resolver of the target's may know too.
        let is_at = |door: &Door<T>| {
            let by_id = || match &destination.host {
                Host::Name(name) => **name == *door.target.as_ref(),
                Host::V4(_) | Host::V6(_) => false,
            };
            let at_its_port = door.port == destination.port;
            at_its_port && (door.host.as_ref() == Some(&destination.host) || by_id())
                || destination.port == SSH && by_id()
        };
        let is_itself = destination.host.is_loopback() && destination.port == self.own.port;
        if is_itself || is_at(self.own) {
            return Some(NoForward::Door(&self.own.target));
        }
        let other = self.others.iter().find(|door| is_at(door));
        other.map(|door| NoForward::Door(&door.target))
    }
}

#[cfg(test)]
mod tests;
