//! What one line of `allow` allows, and how it compares with another.
//!
//! These families are served: `shell`, `command: …`, `env: …`, `sftp-read|write|list|delete|rename|mkdir: …`, `rsync-read|write: …`, `git-read|write: …`, `forward: …` and `socket: …`. A capability of another version is refused when the
//! document is read: a limit that is not enforced must not look enforced. Patterns of commands are in [`command`],
//! environment variables in [`environment`], paths of files in [`files`], programs that are looked into in [`transfer`], where forwards go in [`destination`]; the terms beside a line of a document are in [`Allowed`].

mod allowed;
pub mod command;
pub mod destination;
pub mod environment;
pub mod files;
pub mod git;
mod line;
pub mod rsync;
pub mod scp;
pub mod transfer;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::allowed::{Allowed, Standing};
pub(crate) use self::allowed::{copies_by, gives_terminal, needs_derogation};
pub use self::command::{CommandRefused, CommandTemplate};
pub use self::destination::ForwardLine;
pub use self::environment::{EnvNames, EnvRefused};
pub use self::files::FileLine;
use crate::name::shown;

/// The capabilities that this version serves, in words.
pub const ACCEPTED: &str = "\"shell\", \"command: PROGRAM ARGUMENT {name} {path} {int} {name:word}\", \"env: NAME LC_*\", \"sftp-read: /var/log/**\" (sftp-write, sftp-list, sftp-delete, sftp-rename, sftp-mkdir), \"rsync-read: /srv/www/**\" (rsync-write, git-read, git-write), \"forward: 127.0.0.1:5432\", \"socket: /run/app.sock\", or a table { line = \"…\" } with terms beside it";

/// One thing that a flow allows on a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Capability {
    /// An interactive shell, with a terminal or without, and signals to it.
    Shell,
    /// Commands that match a template; whether with a terminal is a term of the entry ([`Allowed`]).
    Command(CommandTemplate),
    /// Environment variables by name.
    Env(EnvNames),
    /// One thing that may be done with files, by their paths.
    File(FileLine),
    /// One place that is connected to, as the target sees it.
    Forward(ForwardLine),
}

/// Why a text is not a capability of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CapabilityError {
    /// No version knows it.
    #[error("`{shown}` is not a capability; accepted: {ACCEPTED}")]
    Unknown {
        /// The text, escaped and shortened.
        shown: String,
    },
    /// It belongs to a version that enforces it; this one does not.
    #[error(
        "`{family}` is not served by this version, and a limit that is not enforced must not look enforced; accepted: {ACCEPTED}"
    )]
    NotServed {
        /// The family asked for.
        family: &'static str,
    },
    /// The template of a command does not hold.
    #[error("`command: {shown}`: {problem}")]
    Template {
        /// The template, escaped and shortened.
        shown: String,
        /// What does not hold, and what to write.
        problem: String,
    },
    /// The pattern of paths does not hold.
    #[error("`{family}: {shown}`: {problem}")]
    Paths {
        /// The family.
        family: &'static str,
        /// The pattern, escaped and shortened.
        shown: String,
        /// What does not hold, and what to write.
        problem: String,
    },
    /// The place of a forward does not hold.
    #[error("`{family}: {shown}`: {problem}")]
    Place {
        /// The family.
        family: &'static str,
        /// The place, escaped and shortened.
        shown: String,
        /// What does not hold, and what to write.
        problem: String,
    },
    /// The list of variables does not hold.
    #[error("`env: {shown}`: {problem}")]
    Names {
        /// The list, escaped and shortened.
        shown: String,
        /// What does not hold, and what to write.
        problem: String,
    },
}

/// Families that DESIGN §5 reserves and this version refuses.
const NOT_SERVED: [&str; 4] = ["remote-forward", "x11", "agent", "subsystem"];

impl Capability {
    /// Every family that is served.
    pub const FAMILIES: [&str; 15] = [
        "shell",
        "command",
        "env",
        "sftp-read",
        "sftp-write",
        "sftp-list",
        "sftp-delete",
        "sftp-rename",
        "sftp-mkdir",
        "rsync-read",
        "rsync-write",
        "git-read",
        "git-write",
        "forward",
        "socket",
    ];

    /// Parses one entry of `allow`.
    ///
    /// # Errors
    /// A [`CapabilityError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, CapabilityError> {
        let (family, rest) = match text.split_once(':') {
            Some((family, rest)) => (family, Some(rest.strip_prefix(' ').unwrap_or(rest))),
            None => (text, None),
        };
        match (family, rest) {
            ("shell", None) => Ok(Self::Shell),
            ("command", Some(template)) => CommandTemplate::parse(template)
                .map(Self::Command)
                .map_err(|problem| CapabilityError::Template {
                    shown: shown(template),
                    problem,
                }),
            ("env", Some(names)) => {
                EnvNames::parse(names)
                    .map(Self::Env)
                    .map_err(|problem| CapabilityError::Names {
                        shown: shown(names),
                        problem,
                    })
            }
            (family, Some(paths)) if let Some(line) = FileLine::parse(family, paths) => line
                .map(Self::File)
                .map_err(|(family, problem)| CapabilityError::Paths {
                    family,
                    shown: shown(paths),
                    problem,
                }),
            (family, Some(place)) if let Some(line) = ForwardLine::parse(family, place) => line
                .map(Self::Forward)
                .map_err(|(family, problem)| CapabilityError::Place {
                    family,
                    shown: shown(place),
                    problem,
                }),
            (other, _) => Err(
                match NOT_SERVED.into_iter().find(|family| *family == other) {
                    Some(family) => CapabilityError::NotServed { family },
                    None => CapabilityError::Unknown { shown: shown(text) },
                },
            ),
        }
    }

    /// `shell`, `command`, `env`, `sftp-read`, `forward`, …: what an operator narrows by.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Command(_) => "command",
            Self::Env(_) => "env",
            Self::File(line) => line.family(),
            Self::Forward(line) => line.family(),
        }
    }

    /// Whether everything `other` allows is allowed by this one.
    ///
    /// Errs on the side of no: two templates that allow the same by different words do not include each other.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shell, Self::Shell) => true,
            (Self::Command(wide), Self::Command(narrow)) => wide.includes(narrow),
            (Self::Env(wide), Self::Env(narrow)) => wide.includes(narrow),
            (Self::File(wide), Self::File(narrow)) => wide.includes(narrow),
            (Self::Forward(wide), Self::Forward(narrow)) => wide.includes(narrow),
            // Of another family.
            (
                Self::Shell | Self::Command(_) | Self::Env(_) | Self::File(_) | Self::Forward(_),
                _,
            ) => false,
        }
    }

    /// What both allow; `None` when that is nothing, or cannot be told.
    #[must_use]
    pub fn common(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Env(one), Self::Env(two)) => one.common(two).map(Self::Env),
            (Self::File(one), Self::File(two)) => one.common(two).map(Self::File),
            (Self::Forward(one), Self::Forward(two)) => one.common(two).map(Self::Forward),
            (Self::Shell | Self::Command(_), _) if self.includes(other) => Some(other.clone()),
            (Self::Shell | Self::Command(_), _) if other.includes(self) => Some(self.clone()),
            (
                Self::Shell | Self::Command(_) | Self::Env(_) | Self::File(_) | Self::Forward(_),
                _,
            ) => None,
        }
    }
}

impl fmt::Display for Capability {
    /// As it is written in a document.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell => formatter.write_str("shell"),
            Self::Command(template) => write!(formatter, "command: {template}"),
            Self::Env(names) => write!(formatter, "env: {names}"),
            Self::File(line) => line.fmt(formatter),
            Self::Forward(line) => line.fmt(formatter),
        }
    }
}

impl FromStr for Capability {
    type Err = CapabilityError;
    fn from_str(text: &str) -> Result<Self, CapabilityError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Capability {
    type Error = CapabilityError;
    fn try_from(text: String) -> Result<Self, CapabilityError> {
        Self::parse(&text)
    }
}

impl From<Capability> for String {
    fn from(capability: Capability) -> String {
        capability.to_string()
    }
}
