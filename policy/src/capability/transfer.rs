//! Transfers that are looked into: an exec that copies by a protocol whose command line says which paths it is for.

use super::files::Protocol;
use super::{git, rsync, scp};
use crate::flow::FlowRequest;

/// One such command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transfer {
    /// `scp -t`, `scp -f`.
    Scp(scp::Command),
    /// `rsync --server`, or why not.
    Rsync(Result<rsync::Command, rsync::Unfit>),
    /// `git-upload-pack`, `git-receive-pack`, or why not.
    Git(Result<git::Command, git::Unfit>),
}

impl Transfer {
    /// Reads a command line; none where it is a command like any other.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let scp = scp::Command::parse(line).map(Self::Scp);
        let rsync = || rsync::Command::parse(line).map(Self::Rsync);
        let git = || git::Command::parse(line).map(Self::Git);
        scp.or_else(rsync).or_else(git)
    }

    /// Whose lines it is judged by.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Scp(_) => Protocol::Sftp,
            Self::Rsync(_) => Protocol::Rsync,
            Self::Git(_) => Protocol::Git,
        }
    }

    /// The first line that it would need, by its family.
    #[must_use]
    pub const fn family(&self) -> Option<&'static str> {
        use scp::Way::{From, To};
        match self {
            Self::Scp(_) => None,
            Self::Rsync(Ok(command)) => Some(match command.way() {
                From => "rsync-read",
                To => "rsync-write",
            }),
            Self::Git(Ok(command)) => Some(match command.way() {
                From => "git-read",
                To => "git-write",
            }),
            Self::Rsync(Err(_)) | Self::Git(Err(_)) => None,
        }
    }

    /// Whose lines a request that starts a program is judged by; none of a command like any other, and of what is none.
    pub(crate) fn protocol_of(request: &FlowRequest) -> Option<Protocol> {
        let FlowRequest::Command(line) = request else {
            return None;
        };
        Self::parse(line).map(|one| one.protocol())
    }

    /// Whose lines a command that begins with these words would go around.
    pub(crate) fn protocol_named(program: &str, next: &str) -> Option<Protocol> {
        let of_git = ["upload-pack", "receive-pack", "upload-archive"];
        let name = program.strip_prefix("/usr/bin/").unwrap_or(program);
        let name = name
            .strip_prefix("git-")
            .or((name == "git").then_some(next));
        if scp::PROGRAMS.contains(&program) {
            Some(Protocol::Sftp)
        } else if rsync::PROGRAMS.contains(&program) {
            Some(Protocol::Rsync)
        } else if name.is_some_and(|name| of_git.contains(&name)) {
            Some(Protocol::Git)
        } else {
            None
        }
    }
}
