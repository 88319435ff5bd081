//! What a permit brings with it: a terminal and its name, signals, variables.
//!
//! A channel says everything it wants in one [`StartRequest`]; the permit holds what of it may pass, and the gateway
//! sends on what the permit holds and nothing else. What comes later on the same channel (another window size, a
//! signal) is asked of the permit: [`Permit::decide`] names every kind of request, so a new one stops the compiler.
//!
//! | opened by | terminal, TERM, window size | signals |
//! |---|---|---|
//! | `shell` | yes | those of RFC 4254 §6.10 |
//! | `command: *` | yes | INT TERM HUP QUIT |
//! | `command: TEMPLATE` | with `terminal = true` | INT TERM HUP QUIT |
//! | `sftp-…: PATHS` | no | none |
//! | `forward: HOST:PORT`, `socket: PATH` | no | none |

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::accompaniment::Accompanied;
use crate::admission::{FileGrants, closed};
use crate::capability::Capability;
use crate::confirm::Confirmation;
use crate::extraction::Budgets;
use crate::flow::FlowRequest;
use crate::name::shown;
use crate::time::{Span, Timestamp};
use crate::verdict::{Permit, Refusal};

/// Longest name of a terminal, in bytes.
const LONGEST_TERM: usize = 64;
/// The name of a terminal that has none: clients without a `TERM` of their own send an empty one.
const NAMELESS: &str = "dumb";

/// The signals of RFC 4254 §6.10; OpenSSH's own additions are not among them.
const OF_SHELLS: &[&str] = &[
    "ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1",
    "USR2",
];
/// What a command is told to stop by; others mean what the command's author chose.
const OF_COMMANDS: &[&str] = &["INT", "TERM", "HUP", "QUIT"];

/// The name of a terminal.
///
/// Invariant: 1 to 64 of `A-Z a-z 0-9 . _ + -`, so that it is a name and nothing else to any shell, path or printer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Term(String);

/// A terminal's name that could be more than a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error(
    "a terminal named `{shown}` is not passed on; accepted: 1 to {LONGEST_TERM} of A-Z a-z 0-9 . _ + -"
)]
pub struct TermRefused {
    /// The name, escaped and shortened.
    pub shown: String,
}

impl Term {
    /// Parses the name that a client gives. An empty one is `dumb`.
    ///
    /// # Errors
    /// A [`TermRefused`]: it is not replaced, because a terminal under a wrong name draws nonsense.
    pub fn parse(text: &str) -> Result<Self, TermRefused> {
        if text.is_empty() {
            return Ok(Self(NAMELESS.to_owned()));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
        if text.len() <= LONGEST_TERM && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TermRefused { shown: shown(text) })
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Term {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Everything that a channel asks for before anything of it passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartRequest {
    /// What starts it.
    pub flow: FlowRequest,
    /// The terminal, where one is asked for.
    pub terminal: Option<Result<Term, TermRefused>>,
    /// The variables, in order.
    pub environment: Vec<(String, String)>,
}

impl StartRequest {
    /// A channel that asks for nothing beside its flow.
    #[must_use]
    pub const fn plain(flow: FlowRequest) -> Self {
        Self {
            flow,
            terminal: None,
            environment: Vec::new(),
        }
    }
}

/// What a permit brings with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub(crate) terminal: Option<Term>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) left_out: BTreeSet<String>,
    pub(crate) signals: &'static [&'static str],
    pub(crate) budgets: Arc<Budgets>,
    pub(crate) idle: Option<Span>,
    pub(crate) accompanied: Option<Accompanied>,
    pub(crate) confirmation: Option<Confirmation>,
    pub(crate) files: Option<FileGrants>,
}

impl Terms {
    /// The terminal that was asked for and is given.
    #[must_use]
    pub const fn terminal(&self) -> Option<&Term> {
        self.terminal.as_ref()
    }

    /// The variables that were asked for and may be sent, in order.
    #[must_use]
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The names of the variables that were asked for and are not sent; one that was asked for twice may be in both lists.
    #[must_use]
    pub const fn left_out(&self) -> &BTreeSet<String> {
        &self.left_out
    }

    /// How much may pass, and at which pace, as it was when the permit was made; what it is later,
    /// [`Admission::budgets`](crate::admission::Admission::budgets) says.
    #[must_use]
    pub fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// After how long without anybody it ends, as it was when the permit was made; what it is later,
    /// [`Admission::bounds`](crate::admission::Admission::bounds) says.
    #[must_use]
    pub const fn idle(&self) -> Option<Span> {
        self.idle
    }

    /// Whether an operator has to watch it, as it was when the permit was made; what it is later,
    /// [`Admission::bounds`](crate::admission::Admission::bounds) says.
    #[must_use]
    pub const fn accompanied(&self) -> Option<Accompanied> {
        self.accompanied
    }

    /// Whether it waits for an operator's yes before it starts, and how.
    #[must_use]
    pub const fn confirmation(&self) -> Option<Confirmation> {
        self.confirmation
    }

    /// The lines by which things of files may pass, where that is what the channel carries, as they were when the permit was
    /// made; what is left of them later, [`Admission::bounds`](crate::admission::Admission::bounds) says.
    #[must_use]
    pub const fn files(&self) -> Option<&FileGrants> {
        self.files.as_ref()
    }

    /// The signals that may be sent, without `SIG`.
    #[must_use]
    pub const fn signals(&self) -> &'static [&'static str] {
        self.signals
    }
}

/// The signals that come with a capability.
pub(crate) const fn signals_of(capability: &Capability) -> &'static [&'static str] {
    match capability {
        Capability::Shell => OF_SHELLS,
        Capability::Command(_) => OF_COMMANDS,
        Capability::Env(_) | Capability::File(_) | Capability::Forward(_) => &[],
    }
}

impl Permit {
    /// Decides a request that comes on a channel which this permit opened.
    ///
    /// # Errors
    /// The refusal, which goes on record; the channel goes on.
    pub fn decide(&self, request: &FlowRequest, now: Timestamp) -> Result<(), Refusal> {
        let closed_at = self.closes_at();
        if closed_at <= now {
            return Err(closed(self.end().clone(), self.target()));
        }
        let terms = self.terms();
        let brought = match request {
            FlowRequest::WindowChange => terms.terminal().is_some(),
            FlowRequest::File(need) => match terms.files() {
                Some(files) => return files.decide(need, now),
                None => false,
            },
            FlowRequest::Signal(name) => terms.signals().contains(&name.as_str()),
            // No version passes a break on: on a serial console it stops the machine.
            FlowRequest::Break => false,
            // Each channel asks for these once, before it starts: `Admission::open`.
            FlowRequest::Pty
            | FlowRequest::Shell
            | FlowRequest::Command(_)
            | FlowRequest::Env { .. }
            | FlowRequest::Subsystem(_)
            | FlowRequest::X11
            | FlowRequest::AgentForwarding => false,
            // These are no requests on a channel.
            FlowRequest::SessionChannel
            | FlowRequest::DirectTcpip { .. }
            | FlowRequest::DirectStreamlocal { .. }
            | FlowRequest::RemoteForward { .. }
            | FlowRequest::RemoteStreamlocal { .. }
            | FlowRequest::UnknownChannel(_)
            | FlowRequest::UnknownRequest(_)
            | FlowRequest::UnnamedRequest { .. } => false,
        };
        if brought {
            Ok(())
        } else {
            Err(Refusal::NotBrought {
                flow: request.clone(),
                line: self.capability().to_string(),
            })
        }
    }
}
