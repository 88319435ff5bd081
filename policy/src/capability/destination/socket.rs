//! A socket on the target's file system, by its path.
//!
//! No pattern, and no link is followed here: `connect(2)` on the target follows them, so that a line bounds what is asked for by its
//! letters, and a socket that is a link leads where whoever made it said (`adr/0022`).

use std::fmt;

use crate::capability::files::TargetPath;

/// Longest path of a socket: `sun_path` of Linux without its end, in bytes.
const LONGEST: usize = 107;

/// A path, canonical by its letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketPath(TargetPath);

/// Why a text is no path of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// Not absolute, or in another spelling than its own.
    #[error(
        "a socket is an absolute path in its shortest spelling, such as /run/postgresql/.s.PGSQL.5432"
    )]
    Spelling,
    /// Longer than a socket's path can be.
    #[error("the path of a socket has up to {LONGEST} bytes")]
    TooLong,
    /// What looks like a pattern, or nobody would see.
    #[error("a socket is one path: no wildcards, nothing that does not print, no space at its end")]
    Unusual,
}

impl SocketPath {
    /// Parses a path as a document writes it.
    ///
    /// # Errors
    /// A [`SocketError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, SocketError> {
        let is_odd = |character: char| {
            matches!(character, '*' | '?' | '[' | ']' | '{' | '}' | '\\')
                || character.escape_debug().len() != 1
        };
        if text
            .chars()
            .any(|character| is_odd(character) && !matches!(character, '\'' | '"'))
            || text.ends_with(' ')
        {
            return Err(SocketError::Unusual);
        }
        Self::asked(text.as_bytes())
    }

    /// What a client asks for, as it came.
    ///
    /// # Errors
    /// A [`SocketError`]: no line can name it.
    pub fn asked(path: &[u8]) -> Result<Self, SocketError> {
        if path.len() > LONGEST {
            return Err(SocketError::TooLong);
        }
        let path = TargetPath::canonical(path).map_err(|_| SocketError::Spelling)?;
        if path.is_root() {
            Err(SocketError::Spelling)
        } else {
            Ok(Self(path))
        }
    }

    /// The path.
    #[must_use]
    pub const fn path(&self) -> &TargetPath {
        &self.0
    }
}

impl fmt::Display for SocketPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
