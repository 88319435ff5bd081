//! Trees by a program of the target's: an exec of rsync's or git's server. It is judged by the paths of its command line, before it is
//! started, and its stream passes as it is.
//!
//! An `exec` that reads as `rsync --server …` or `git-upload-pack PATH` in a form whose meaning is certain ([`ecluse_policy::capability::transfer`]) is such a
//! channel where its line is one of rsync or of git. Each path of it is looked up on the target over its SFTP subsystem ([`super::scp::lookup`]),
//! policy is asked about where it leads, and the program is started by a line of ours: the canonical path in place of the typed one, the
//! options that pass, and those that we add. Then the stream passes byte for byte: recorded, counted, held and cut as that of any
//! command. The transfer log has an entry for each path, with how many bytes of the stream passed the way that it names; of several paths
//! of one line the first has them all. They are the protocol's own (lists, sums, compressed data), so no digest of a file is made; the recording
//! holds the stream.
//!
//! | asked | needs |
//! |---|---|
//! | rsync from a directory | `rsync-read` of everything below it |
//! | rsync from a file, or a link | `rsync-read` of it |
//! | rsync from `*.log` | `rsync-read` of everything below their directory |
//! | rsync to a directory, or to what is not there | `rsync-write` of everything below it: nobody knows what a client makes there |
//! | rsync to a file that is there | `rsync-write` of it; of everything in its directory where copies are kept or files deleted beside it |
//! | rsync with `--remove-source-files` | `rsync-write` too |
//! | git fetch, git push | `git-read`, `git-write` of the repository's directory |
//!
//! # What is a barrier here, and what is not
//! - *What is typed, links that are there, options*: a barrier, while nobody changes where the paths lead. A path is looked up once, before
//!   the program is started.
//! - *Links within the tree, reading*: rsync sends a link as a link. The options by which it would follow one are refused.
//! - *Links within the tree, writing*: rsync replaces a link by what it gets for it. `--safe-links`, which we add, makes it leave out links
//!   that lead out of what is copied; a copy of a tree that has some is short of them, and `-v` names them. A client other than rsync's
//!   may send names *through* a link that stands there already: rsync from 3.4 on refuses that itself; before, it writes where the link
//!   leads (CVE-2024-12087, CVE-2024-12088). On a target with an older rsync, a line of rsync is as wide as the links in its tree.
//! - *Filters*: a client other than rsync's may ask the target's to read its rules from a file by its full name. rsync tells a rule that it
//!   does not understand, and so a line of that file. The target's account, not the matrix, is the barrier there; the recording has it.
//! - *One file*: rsync writes `.NAME.XXXXXX` beside it and renames it. A program that dies in between may leave it.
//! - *Devices*: none is made, `--no-devices` is added. A client that sends some all the same ends with an error of the protocol.
//! - *Modes and owners* are set as the account may, set-user-id included, as for `sftp-write`.
//! - *Deleting* (`--delete`) comes with `rsync-write`: whoever may overwrite all of a tree may empty it.
//! - *Both ways*: who writes learns sums of what is there; who reads sends sums of what they have. Both are recorded, and paid.
//! - *A repository leads on*: to the objects of others (`alternates`), to hooks that a push runs, to what its configuration says. All of it
//!   is the target's own, and no push changes it. `git-write` is as wide as its hooks.
//! - *Somebody else on the target*, *two views of the target* and *a target without an SFTP subsystem*: as for `scp` ([`super::scp`]).

mod channel;
mod git;
mod rsync;
#[cfg(test)]
mod tests;
mod words;

use bytes::Bytes;
use ecluse_policy::capability::files::TargetPath;
use ecluse_policy::capability::transfer::Transfer;
use ecluse_policy::{FileRequest, FileRight};

pub(crate) use self::channel::Tree;
pub(crate) use self::words::Words;

use super::scp::lookup::{Found, Lost};
use super::sftp::Operation;

/// What the target says of a path.
type Place = Result<Found, Lost>;

/// What a command line comes to, once it is known where its paths lead.
#[derive(Debug)]
struct Judged {
    /// What has to be given, all of it.
    wanted: Vec<Operation>,
    /// What is started then, or why nothing can be.
    line: Result<Bytes, Words>,
}

/// A command line that is looked into.
#[derive(Debug, Clone)]
enum Plan {
    Rsync(ecluse_policy::capability::rsync::Command),
    Git(ecluse_policy::capability::git::Command),
}

impl Plan {
    /// The plan of a program; none of one that is looked into otherwise.
    fn of(transfer: Transfer) -> Option<Result<Self, Words>> {
        match transfer {
            Transfer::Scp(_) => None,
            Transfer::Rsync(read) => Some(read.map(Self::Rsync).map_err(Words::Rsync)),
            Transfer::Git(read) => Some(read.map(Self::Git).map_err(Words::Git)),
        }
    }

    /// The paths that the target is asked about.
    fn questions(&self) -> Vec<Bytes> {
        match self {
            Self::Rsync(command) => rsync::questions(command),
            Self::Git(command) => git::questions(command),
        }
    }

    /// What it comes to where these are the answers, in order.
    fn judged(&self, places: &[Place]) -> Judged {
        match self {
            Self::Rsync(command) => rsync::judged(command, places),
            Self::Git(command) => git::judged(command, places),
        }
    }
}

/// One thing that a program does, by the path that was typed.
fn operation(right: FileRight, path: TargetPath, below: bool, typed: &[u8]) -> Operation {
    Operation {
        request: FileRequest::Program { right, path, below },
        typed: vec![Bytes::copy_from_slice(typed)],
    }
}

/// Why a path leads nowhere, and where it would: what the lines are asked about before that is told.
fn nowhere(place: &Place) -> (Option<TargetPath>, Words) {
    match place {
        Ok(found) => (Some(found.path.clone()), Words::Nothing),
        Err(Lost::Nowhere(Some(near))) => (Some(near.clone()), Words::Nothing),
        Err(Lost::NoSftp) => (None, Words::NoSftp),
        Err(Lost::Nowhere(None) | Lost::Unclear) => (None, Words::NoWay),
    }
}
