//! What the technician reads of what is refused here. On record it is English.

use ecluse_policy::capability::{git, rsync};

/// Why the gateway itself refuses something, whatever policy says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Words {
    /// A command line of rsync's that does not pass.
    #[error("{0}")]
    Rsync(rsync::Unfit),
    /// One of git's.
    #[error("{0}")]
    Git(git::Unfit),
    /// Where a path leads cannot be told.
    #[error(
        "the target does not say where this path leads, so that it cannot be looked up in the agreed list"
    )]
    NoWay,
    /// The target has no subsystem that could tell.
    #[error(
        "this target has no SFTP subsystem, so that it does not say where paths lead and this program cannot be looked into; ask the client's administrator to enable it"
    )]
    NoSftp,
    /// There is nothing.
    #[error("No such file or directory")]
    Nothing,
    /// No repository, or one that is kept elsewhere.
    #[error("there is no repository at this path; write that of the repository itself")]
    NoRepository,
    /// A path that no shell is sure to read as it is.
    #[error(
        "the name of this path holds a line break, which no command line can be given; use sftp"
    )]
    NoQuotes,
}

impl Words {
    /// The text that says it in the technician's language.
    #[must_use]
    pub(crate) const fn text_id(&self) -> &'static str {
        match self {
            Self::Rsync(rsync::Unfit::Daemon) => "tree-daemon",
            Self::Rsync(rsync::Unfit::Secluded) => "tree-secluded",
            Self::Rsync(rsync::Unfit::Option(_)) => "tree-rsync-option",
            Self::Rsync(rsync::Unfit::Form) => "tree-rsync-form",
            Self::Git(git::Unfit::Archive) => "tree-archive",
            Self::Git(git::Unfit::Option(_)) => "tree-git-option",
            Self::Git(git::Unfit::Form) => "tree-git-form",
            Self::NoWay => "files-no-way",
            Self::NoSftp => "tree-no-sftp",
            Self::Nothing => "copy-nothing",
            Self::NoRepository => "tree-no-repository",
            Self::NoQuotes => "tree-no-quotes",
        }
    }

    /// The option that it is about.
    #[must_use]
    pub(crate) fn option(&self) -> Option<&str> {
        match self {
            Self::Rsync(rsync::Unfit::Option(option)) | Self::Git(git::Unfit::Option(option)) => {
                Some(option)
            }
            Self::Rsync(rsync::Unfit::Daemon | rsync::Unfit::Secluded | rsync::Unfit::Form)
            | Self::Git(git::Unfit::Archive | git::Unfit::Form)
            | Self::NoWay
            | Self::NoSftp
            | Self::Nothing
            | Self::NoRepository
            | Self::NoQuotes => None,
        }
    }
}
