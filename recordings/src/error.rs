//! What can go wrong, told with what to do next. One type per side: writing, finishing, reading.

use crate::evidence::key::KeyError;
use crate::evidence::signature::SignatureError;
use std::io;
use std::path::{Path, PathBuf};

/// Why a byte could not be recorded. A passage that meets one stops relaying: what is not recorded
/// does not pass (R2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The disk refused.
    #[error(
        "cannot {doing} {path}: {message}; make room or repair that file system, then reconnect"
    )]
    Io {
        /// What was being done, as a verb phrase.
        doing: &'static str,
        /// The file or directory concerned.
        path: PathBuf,
        /// The system's kind of error, to tell a full disk from the rest.
        kind: io::ErrorKind,
        /// The system's own words.
        message: String,
    },
    /// The cipher refused to seal a frame.
    #[error("{0}; reconnect, and report this as a fault of Écluse if it happens again")]
    Cipher(KeyError),
    /// The recording was closed already.
    #[error("the recording of this session is closed; open a new session to continue")]
    Closed,
    /// An event names a channel that was not opened in this recording.
    #[error("channel {0} is not open in this recording; append ChannelOpened first")]
    ChannelNotOpen(u32),
    /// A channel number was used twice, or 0, which stands for the session itself.
    #[error("channel number {0} cannot be opened; number channels from 1 and use each number once")]
    ChannelNumber(u32),
    /// An event is longer than a frame can hold.
    #[error("an event of {length} bytes is too long for one frame; {limit} bytes are accepted")]
    TooLong {
        /// Bytes of the event.
        length: usize,
        /// Bytes a frame holds.
        limit: usize,
    },
    /// A fact cannot be stored as given.
    #[error("the session's {what} cannot be recorded: {problem}")]
    Facts {
        /// The fact concerned.
        what: &'static str,
        /// What is wrong with it and what is accepted.
        problem: String,
    },
}

impl RecordError {
    pub(crate) fn io(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        RecordError::Io {
            doing,
            path: path.to_path_buf(),
            kind: error.kind(),
            message: error.to_string(),
        }
    }

    /// Whether the disk (or a quota on it) is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(
            self,
            RecordError::Io {
                kind: io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge,
                ..
            }
        )
    }
}

/// Why a file could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Not one of our files, or one of a later version.
    #[error("{path} is not a recording that this version reads: {problem}")]
    Foreign {
        /// The file concerned.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// A whole frame or line does not hold what it must: bytes were changed after they were written.
    #[error("{path} is damaged at byte {offset}: {problem}; keep the file, it still is evidence")]
    Damaged {
        /// The file concerned.
        path: PathBuf,
        /// Where the damaged frame or line starts.
        offset: u64,
        /// What does not hold.
        problem: String,
    },
    /// The file ends inside a frame: the machine or the process stopped while it was written.
    #[error(
        "{path} ends inside a frame that starts at byte {offset}; recovery keeps all that precedes"
    )]
    Torn {
        /// The file concerned.
        path: PathBuf,
        /// Where the torn frame starts.
        offset: u64,
        /// How many bytes of it there are.
        bytes: u64,
    },
    /// No key at hand reads it.
    #[error("{path} cannot be read: {source}")]
    Locked {
        /// The file concerned.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
}

impl ReadError {
    pub(crate) fn locked(path: &Path, source: KeyError) -> Self {
        ReadError::Locked {
            path: path.to_path_buf(),
            source,
        }
    }

    /// Whether the file is not there at all.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, ReadError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        ReadError::Io {
            path: path.to_path_buf(),
            source,
        }
    }

    pub(crate) fn foreign(path: &Path, problem: impl Into<String>) -> Self {
        ReadError::Foreign {
            path: path.to_path_buf(),
            problem: problem.into(),
        }
    }

    pub(crate) fn damaged(path: &Path, offset: u64, problem: impl Into<String>) -> Self {
        ReadError::Damaged {
            path: path.to_path_buf(),
            offset,
            problem: problem.into(),
        }
    }
}

/// Why a closed journal could not be sealed. The journal is kept; try again.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// The journal does not read.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// A final file could not be written.
    #[error(
        "cannot {doing} {path}: {source}; the journal is kept, seal it again once this is repaired"
    )]
    Io {
        /// What was being done, as a verb phrase.
        doing: &'static str,
        /// The file or directory concerned.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// What was written does not read back as what the journal holds.
    #[error(
        "{what} does not read back as it was recorded; the journal is kept, report this as a fault of Écluse"
    )]
    Mismatch {
        /// Which file or stream.
        what: String,
    },
    /// The manifest could not be signed.
    #[error("the manifest cannot be signed: {0}; the journal is kept")]
    Signature(#[from] SignatureError),
    /// The recording's key does not do its work.
    #[error("{0}; the journal is kept")]
    Key(#[from] KeyError),
}

impl FinishError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        FinishError::Io {
            doing,
            path: path.to_path_buf(),
            source,
        }
    }
}
