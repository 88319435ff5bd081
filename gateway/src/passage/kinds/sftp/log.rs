//! The transfer log: one record for each file and each operation, made as it ends.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::coverage::Extent;
use ecluse_policy::capability::files::FileRequest;

/// What is on record of one file or one operation.
///
/// Attributes that were looked at, and canonical paths that were asked, are on record where they were refused; where they
/// passed, they are counted: a directory mounted by `sshfs` asks thousands of them a minute, and the bytes of all are in
/// the recording of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// What was asked, by canonical paths; none where nobody knows where its paths lead.
    pub(crate) request: Option<FileRequest>,
    /// Its paths as they were typed, up to 4 KiB of each.
    pub(crate) typed: Vec<Bytes>,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// What passed, of a file or a directory.
    pub(crate) moved: Option<Moved>,
    /// When it was asked.
    pub(crate) at: Instant,
    /// How long it took, until a file was closed or the target answered.
    pub(crate) took: Duration,
}

/// How something ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As asked.
    Done,
    /// The target did not do it: the code of its status.
    Failed(u32),
    /// Policy did not let it pass: the words that the technician read.
    Refused(String),
    /// It passed until the line that it needed was lost.
    Withdrawn(String),
    /// The session ended before.
    Unfinished,
}

/// What passed of one open file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Bytes to the technician: of a file what it holds, of a directory its listing.
    pub(crate) read: u64,
    /// How much of the file that is.
    pub(crate) read_extent: Extent,
    /// Bytes to the target.
    pub(crate) written: u64,
    /// How much of the file, as it is afterwards, that is.
    pub(crate) written_extent: Extent,
    /// The size of the file, where it is known: at its opening, or as it was written.
    pub(crate) size: Option<u64>,
    /// Entries of a directory that were listed.
    pub(crate) entries: u64,
    /// SHA-256 of the whole, where the whole was read or written in order.
    pub(crate) digest: Option<[u8; 32]>,
}
