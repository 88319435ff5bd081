//! Files over `scp`, the protocol that `scp -O`, `pscp -scp` and old clients speak: what is copied is judged by where its paths
//! lead, before the target or the technician has it.
//!
//! An `exec` whose command line is `scp -t PATH` or `scp -f PATH…` in a form whose meaning is certain ([`ecluse_policy::capability::scp`]) is such a
//! channel. [`Scp`] stands between the two programs. It is pure: it is given bytes of either side and the time, asks policy
//! through a closure, and says by [`Step`]s what goes where. One side, the **source**, sends a line for each file and then
//! its bytes; the other, the **sink**, answers each with a yes or with words. Nothing passes that was not read to its last byte.
//!
//! # How a path is judged
//! The protocol tells names, never where they lead, and the program on the target follows every link. So each place is looked
//! up on the target over its SFTP subsystem, on the same connection and by the same account ([`lookup`]), with requests of
//! our own that the technician neither sends nor sees. Policy is asked about where it leads, as it is asked for SFTP:
//!
//! | asked | needs |
//! |---|---|
//! | a file to the target | `sftp-write` of where it would be written, links followed |
//! | a directory to the target | `sftp-mkdir` where there is none; where there is one, any line that names it or something below; `sftp-write` of it where its mode or times are set (`-p`) |
//! | a file from the target | `sftp-read` |
//! | a directory from the target (`-r`), a pattern (`*.log`) | `sftp-list` of the directory |
//!
//! The program on the target is started with the canonical path in place of the typed one, quoted by us. Everything that is asked
//! for by name is judged before it is started; each file is judged again when its line comes.
//!
//! A refusal is `\x01` and words, which every client shows; the other files go on.
//!
//! # What is a barrier here, and what is not
//! - *What is typed, links that are there, names that a client makes up*: a barrier, while nobody changes where they lead.
//!   Through `scp` alone nobody can: it makes files and directories, no link.
//! - *Somebody else on the target* (a shell, a program, another session) who puts a link in place of a name while it is used. What is
//!   written is looked at twice: before its line goes to the target, and again once the target has it open and before it has a byte
//!   of it; where the name leads elsewhere by then, the channel ends. The swap must also be undone between those two looks, or come
//!   between the opening and a look that finds the old place. An empty file may have been created by it, and a directory made. What is
//!   read was opened by the target before its line comes, and is looked at once, then: a link that is there for the opening and
//!   gone for that look gives the file behind it.
//! - *A second session of the same technician that renames directories* is not kept in step with this one. As for SFTP.
//! - *Two views of the target*: `scp` and the SFTP subsystem are two programs. Where the subsystem is set to see another tree
//!   (a server with a root of its own, a program that runs as somebody else), what it says of a path is not so for `scp`. `ecluse check`
//!   cannot know it; a target of that kind must not be given `scp`.
//! - *A target without an SFTP subsystem*: nobody can say where a path leads, and such an `scp` is refused.
//! - *A target that lies* opens its own files. What it can do to the technician is bounded: only names that were asked for,
//!   one component each, directories only with `-r`, as many bytes as were announced (CVE-2018-20685, CVE-2019-6111).
//!
//! # What it keeps
//! One line (2,000 bytes) of either side; three paths for each directory on the way, 64 at most; 64 paths that were asked for; and what a
//! side sends before it is its turn, 1 MiB at most and nothing of those who wait. Two megabytes for two peers who try, 10 KiB for others.

mod entry;
mod interceptor;
mod judging;
pub(crate) mod lookup;
mod opening;
mod passing;
#[cfg(test)]
mod tests;
mod wire;
mod words;

use bytes::Bytes;
use ecluse_policy::capability::scp::Command;
use ecluse_recordings::Direction;

pub(crate) use self::interceptor::Scp;
pub(crate) use self::lookup::{Lookup, Told};
pub(crate) use self::words::{Complaint, Say, Words};

use super::sftp::log::{Moved, Outcome, Record};
use super::sftp::{Answer, Ask, Operation, Ticket, Verdict};

/// A question where a path leads, links followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// Its number.
    pub(crate) id: u64,
    /// The path, as far as it is known; relative ones from where the account starts.
    pub(crate) path: Bytes,
}

/// What becomes of something that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes on.
    Pass {
        /// Which way.
        towards: Direction,
        /// A line, an answer, a part of a file.
        bytes: Bytes,
        /// What whoever gets it learns that whoever sent it chose: data, names, modes, times, sizes, texts. **Unit**: bytes,
        /// without the letters and ends of lines.
        payload: u64,
    },
    /// The gateway's own: an answer in somebody's stead, a refusal.
    Own {
        /// Which way.
        towards: Direction,
        /// A whole answer.
        bytes: Bytes,
        /// What of it the other side chose all the same: a name of the target's in the words of a refusal.
        payload: u64,
    },
    /// The target is to be asked.
    Look(Query),
    /// The program is to be started on the target by this command line, and no other.
    Run(Bytes),
    /// One line of the transfer log.
    Log(Record),
    /// Nothing is started: what was said is all, the channel ends with this exit status.
    End(u32),
    /// Nothing more passes.
    Stop(Complaint),
}
