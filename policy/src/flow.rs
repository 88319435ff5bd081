//! Everything that an SSH peer can ask, as one closed list, and the extent of what was asked or granted.
//!
//! A channel or request type that the list does not name arrives as [`FlowRequest::UnknownChannel`] or
//! [`FlowRequest::UnknownRequest`] and is refused. Who decides is [`crate::admission`].

pub(crate) mod choke;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::capability::Capability;
use crate::capability::destination::{Destination, ForwardLine, SocketPath};
use crate::capability::files::FileNeed;
use crate::capability::transfer::Transfer;
use crate::extraction::ByteCount;
use crate::name::{AccountName, TargetId, is_too_long, shown};
use crate::time::Span;

/// The subsystem that carries files.
pub const SFTP: &str = "sftp";

/// Requests of no kind that is served and that ask for nothing: of flow control, of the end of what a program reads or is,
/// and PuTTY's measure of the way. `exit-status` and `exit-signal` are a server's.
const ASKS_FOR_NOTHING: &[&str] = &[
    "eow@openssh.com",
    "exit-signal",
    "exit-status",
    "no-more-sessions@openssh.com",
    "simple@putty.projects.tartarus.org",
    "winadj@putty.projects.tartarus.org",
    "xon-xoff",
];

/// Global requests that look whether somebody is there, or tell something, as clients name them.
const KEEPALIVES: &[&str] = &[
    "keepalive@openssh.com",
    "keepalive@libssh2.org",
    "keepalive@golang.org",
    "keepalive@jcraft.com",
    "keepalive@lag.net",
    "keepalive@sshd.apache.org",
    "no-more-sessions@openssh.com",
];

/// One thing that a technician's SSH client asks for (RFC 4254; OpenSSH PROTOCOL).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FlowRequest {
    /// A `session` channel, before it says what for.
    SessionChannel,
    /// `pty-req`.
    Pty,
    /// `shell`.
    Shell,
    /// `exec`, with its bytes as they came.
    Command(Vec<u8>),
    /// `env`.
    Env {
        /// The variable.
        name: String,
        /// Its value.
        value: String,
    },
    /// `window-change`.
    WindowChange,
    /// `signal`, by its name without `SIG`.
    Signal(String),
    /// `break` (RFC 4335).
    Break,
    /// `subsystem`, by name.
    Subsystem(String),
    /// One thing that is asked of files on an open `sftp` subsystem, by a canonical path of the target.
    File(FileNeed),
    /// `x11-req`, or an `x11` channel.
    X11,
    /// `auth-agent-req@openssh.com`, or its channel.
    AgentForwarding,
    /// A `direct-tcpip` channel (`-L`, `-W`, `-J`).
    DirectTcpip {
        /// The host asked for.
        host: String,
        /// The port asked for, as the protocol has it: of four bytes.
        port: u32,
    },
    /// A `direct-streamlocal@openssh.com` channel.
    DirectStreamlocal {
        /// The socket asked for.
        path: String,
    },
    /// `tcpip-forward` (`-R`).
    RemoteForward {
        /// The address to listen on.
        address: String,
        /// The port to listen on.
        port: u16,
    },
    /// `streamlocal-forward@openssh.com`.
    RemoteStreamlocal {
        /// The socket to listen on.
        path: String,
    },
    /// A channel of another type, by its name.
    UnknownChannel(String),
    /// A channel or global request of another type, by its name.
    UnknownRequest(String),
    /// A global request of another type, of which only its length is known.
    UnnamedRequest {
        /// The bytes of its name and of what it says.
        bytes: u64,
    },
}

/// What is missing for a channel of files that no line gives anything on: its client has not said yet what it comes for.
const BY_WHAT_IS_DONE: &str = "sftp-read (to get), sftp-write (to put), sftp-list (to list)";

impl FlowRequest {
    /// What a channel or global request is that no version serves, by its name; none where it asks for nothing: it tells
    /// something, or looks whether somebody is there.
    #[must_use]
    pub fn of_request(name: &str) -> Option<Self> {
        if ASKS_FOR_NOTHING.contains(&name) || name.starts_with("keepalive@") {
            return None;
        }
        Some(match name {
            "break" => Self::Break,
            "auth-agent-req" => Self::AgentForwarding,
            name => Self::UnknownRequest(name.to_owned()),
        })
    }

    /// The same of a global request whose name nobody tells, by the bytes of its name and of what it says: none where
    /// they may be those of a keepalive.
    #[must_use]
    pub fn of_unnamed_request(bytes: u64) -> Option<Self> {
        let may_be_one = KEEPALIVES
            .iter()
            .any(|name| u64::try_from(name.len()) == Ok(bytes));
        (!may_be_one).then_some(Self::UnnamedRequest { bytes })
    }

    /// The same of a channel.
    #[must_use]
    pub fn of_channel(name: &str) -> Self {
        match name {
            "auth-agent@openssh.com" | "auth-agent" => Self::AgentForwarding,
            name => Self::UnknownChannel(name.to_owned()),
        }
    }

    /// The name that the client gave, where it is too long for the words about it: they show its beginning.
    #[must_use]
    pub fn too_long_name(&self) -> Option<&str> {
        let name = match self {
            Self::Env { name, value: _ }
            | Self::Signal(name)
            | Self::Subsystem(name)
            | Self::UnknownChannel(name)
            | Self::UnknownRequest(name) => name,
            Self::DirectTcpip { host, port: _ } => host,
            Self::DirectStreamlocal { path } | Self::RemoteStreamlocal { path } => path,
            Self::RemoteForward { address, port: _ } => address,
            // Its own words hold it whole.
            Self::Command(_)
            | Self::File(_)
            | Self::SessionChannel
            | Self::Pty
            | Self::Shell
            | Self::WindowChange
            | Self::Break
            | Self::X11
            | Self::AgentForwarding
            | Self::UnnamedRequest { bytes: _ } => return None,
        };
        is_too_long(name).then_some(name)
    }

    /// Whether it is one connection to a place that the target sees.
    #[must_use]
    pub const fn is_forward(&self) -> bool {
        matches!(
            self,
            Self::DirectTcpip { .. } | Self::DirectStreamlocal { .. }
        )
    }

    /// Where a forward goes, in the one spelling that a place has; none where it has none, or where this is no forward.
    #[must_use]
    pub fn place(&self) -> Option<ForwardLine> {
        match self {
            Self::DirectTcpip { host, port } => {
                let place = Destination::asked(host, *port).ok()?;
                Some(ForwardLine::Forward(place))
            }
            Self::DirectStreamlocal { path } => {
                let place = SocketPath::asked(path.as_bytes()).ok()?;
                Some(ForwardLine::Socket(place))
            }
            Self::SessionChannel
            | Self::Pty
            | Self::Shell
            | Self::Command(_)
            | Self::Env { .. }
            | Self::WindowChange
            | Self::Signal(_)
            | Self::Break
            | Self::Subsystem(_)
            | Self::File(_)
            | Self::X11
            | Self::AgentForwarding
            | Self::RemoteForward { .. }
            | Self::RemoteStreamlocal { .. }
            | Self::UnknownChannel(_)
            | Self::UnknownRequest(_)
            | Self::UnnamedRequest { .. } => None,
        }
    }

    /// Whether some line could give it: of what else is asked for nobody need ask the client.
    #[must_use]
    pub fn could_be_listed(&self) -> bool {
        match self {
            Self::Shell | Self::Command(_) | Self::Env { .. } | Self::File(_) => true,
            Self::Subsystem(name) => name == SFTP,
            Self::DirectTcpip { .. } | Self::DirectStreamlocal { .. } => self.place().is_some(),
            Self::SessionChannel
            | Self::Pty
            | Self::WindowChange
            | Self::Signal(_)
            | Self::Break
            | Self::X11
            | Self::AgentForwarding
            | Self::RemoteForward { .. }
            | Self::RemoteStreamlocal { .. }
            | Self::UnknownChannel(_)
            | Self::UnknownRequest(_)
            | Self::UnnamedRequest { .. } => false,
        }
    }

    /// The text that `allow` would have to hold for this to pass, in this version or another.
    #[must_use]
    pub fn missing_flow(&self) -> String {
        match self {
            Self::SessionChannel | Self::Shell | Self::Signal(_) => "shell".to_owned(),
            Self::Pty | Self::WindowChange => "terminal = true".to_owned(),
            // Of what is judged by paths, the family: where a path leads is not known yet.
            Self::Command(command)
                if let Some(family) = Transfer::parse(command).and_then(|one| one.family()) =>
            {
                family.to_owned()
            }
            Self::Command(command) => {
                format!("command: {}", shown(&String::from_utf8_lossy(command)))
            }
            Self::Env { name, value: _ } => format!("env: {}", shown(name)),
            Self::Break => "break (no version allows it)".to_owned(),
            Self::Subsystem(name) if name == SFTP => BY_WHAT_IS_DONE.to_owned(),
            Self::File(need) => need.line(),
            Self::Subsystem(name) => format!("subsystem: {}", shown(name)),
            Self::X11 => "x11".to_owned(),
            Self::AgentForwarding => "agent".to_owned(),
            Self::DirectTcpip { host, port } => match Destination::asked(host, *port) {
                Ok(place) => ForwardLine::Forward(place).to_string(),
                Err(why) => {
                    let place = at_port(host, *port);
                    format!("forward: {place} (no line can name it: {why})")
                }
            },
            Self::DirectStreamlocal { path } => match SocketPath::asked(path.as_bytes()) {
                Ok(place) => ForwardLine::Socket(place).to_string(),
                Err(why) => format!("socket: {} (no line can name it: {why})", shown(path)),
            },
            Self::RemoteForward { address: _, port } => format!("remote-forward: {port}"),
            Self::RemoteStreamlocal { path } => format!("remote-socket: {}", shown(path)),
            Self::UnknownChannel(name) => format!("channel {} (no version allows it)", shown(name)),
            Self::UnknownRequest(name) => format!("request {} (no version allows it)", shown(name)),
            Self::UnnamedRequest { bytes } => {
                format!("request of {bytes} bytes (no version allows it)")
            }
        }
    }
}

impl fmt::Display for FlowRequest {
    /// For people, on one line, with a stranger's bytes escaped.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionChannel => formatter.write_str("a session"),
            Self::Pty => formatter.write_str("a terminal"),
            Self::Shell => formatter.write_str("a shell"),
            Self::Command(command) => write!(
                formatter,
                "the command `{}`",
                shown(&String::from_utf8_lossy(command))
            ),
            Self::Env { name, value: _ } => write!(formatter, "the variable {}", shown(name)),
            Self::WindowChange => formatter.write_str("a new window size"),
            Self::Signal(name) => write!(formatter, "the signal {}", shown(name)),
            Self::Break => formatter.write_str("a break"),
            Self::Subsystem(name) => write!(formatter, "the subsystem {}", shown(name)),
            Self::File(need) => need.fmt(formatter),
            Self::X11 => formatter.write_str("X11 forwarding"),
            Self::AgentForwarding => formatter.write_str("agent forwarding"),
            Self::DirectTcpip { host, port } => {
                write!(formatter, "a connection to {}", at_port(host, *port))
            }
            Self::DirectStreamlocal { path } => {
                write!(formatter, "a connection to the socket {}", shown(path))
            }
            Self::RemoteForward { address, port } => {
                write!(
                    formatter,
                    "a remote forward from {}",
                    at_port(address, u32::from(*port))
                )
            }
            Self::RemoteStreamlocal { path } => write!(
                formatter,
                "a remote forward from the socket {}",
                shown(path)
            ),
            Self::UnknownChannel(name) => write!(formatter, "a channel of type {}", shown(name)),
            Self::UnknownRequest(name) => write!(formatter, "a request of type {}", shown(name)),
            Self::UnnamedRequest { bytes } => write!(
                formatter,
                "a request to the connection, of unknown type and {bytes} bytes"
            ),
        }
    }
}

/// `db02:22`, `[fe80::1]:22`: an address with colons of its own keeps its brackets.
fn at_port(host: &str, port: u32) -> String {
    let name = shown(host);
    if host.contains(':') && !host.starts_with('[') {
        format!("[{name}]:{port}")
    } else {
        format!("{name}:{port}")
    }
}

/// The extent of a request or a grant: every target with every account and every capability in it.
///
/// An empty set anywhere means nothing at all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Where.
    pub targets: BTreeSet<TargetId>,
    /// As whom.
    pub accounts: BTreeSet<AccountName>,
    /// What for.
    pub capabilities: Vec<Capability>,
}

impl Scope {
    /// Whether it allows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            targets,
            accounts,
            capabilities,
        } = self;
        targets.is_empty() || accounts.is_empty() || capabilities.is_empty()
    }

    /// Whether everything in it is also in `wide`.
    #[must_use]
    pub fn is_within(&self, wide: &Self) -> bool {
        let Self {
            targets,
            accounts,
            capabilities,
        } = self;
        self.is_empty()
            || (targets.is_subset(&wide.targets)
                && accounts.is_subset(&wide.accounts)
                && capabilities
                    .iter()
                    .all(|narrow| wide.capabilities.iter().any(|wide| wide.includes(narrow))))
    }

    /// What is left of it after an operator's narrowing: never more.
    #[must_use]
    pub fn narrowed(&self, by: &Narrowing) -> Self {
        let Narrowing {
            length: _,
            families,
            lines,
            targets,
            accounts,
            bytes: _,
        } = by;
        let given = self.capabilities.iter();
        let given = given.flat_map(|given| match lines {
            None => vec![given.clone()],
            Some(lines) => lines.iter().filter_map(|line| given.common(line)).collect(),
        });
        let mut left: Vec<Capability> = Vec::new();
        for one in given {
            if !left.contains(&one) {
                left.push(one);
            }
        }
        let keeps = |kept: &Option<BTreeSet<String>>, family: &str| {
            kept.as_ref().is_none_or(|kept| kept.contains(family))
        };
        Self {
            targets: kept(&self.targets, targets.as_ref()),
            accounts: kept(&self.accounts, accounts.as_ref()),
            capabilities: left
                .into_iter()
                .filter(|capability| keeps(families, capability.family()))
                .collect(),
        }
    }
}

/// What both sets hold; without a second set, the first.
fn kept<T: Ord + Clone>(all: &BTreeSet<T>, only: Option<&BTreeSet<T>>) -> BTreeSet<T> {
    match only {
        None => all.clone(),
        Some(only) => all.intersection(only).cloned().collect(),
    }
}

/// How an operator approves less than was asked. `None` leaves a part as asked; an empty set leaves nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrowing {
    /// A shorter length.
    pub length: Option<Span>,
    /// Only these families of capabilities: `shell`, `command`, `env`, `sftp-read`, `forward`, ….
    pub families: Option<BTreeSet<String>>,
    /// Of these families only what these lines give: lines as flows write them, each within what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<Capability>>,
    /// Only these targets.
    pub targets: Option<BTreeSet<TargetId>>,
    /// Only these accounts.
    pub accounts: Option<BTreeSet<AccountName>>,
    /// Fewer bytes in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<ByteCount>,
}
