//! Files over SFTP: what a client asks is judged by where its paths lead, before the target has it.
//!
//! [`Sftp`] stands between a client and a server of SFTP version 3 with OpenSSH's extensions. It is pure: it is given bytes of
//! either side and the time, asks policy through a closure, and says by [`Step`]s what goes where. It keeps 64 and more
//! requests on their way, answers each by its number, and lets nothing pass that it has not read to its last byte.
//!
//! # How a path is judged
//! A path is looked up on the target first (`resolve`), by requests of our own whose answers the technician never sees.
//! Policy is asked about where it leads, and that canonical path is what is sent on in place of the typed one. What acts on
//! a link itself (remove, rename, `lstat`) has its directory looked up and its last name kept; what opens follows the last
//! name too, and where that is a link to nothing the file would be created, that is where it is judged. A link is judged
//! where it stands and where it points, also when it is renamed: a relative one points elsewhere from its new place.
//! A path of which the target says that it leads nowhere is told so where the technician may look at that place, and
//! refused otherwise, so that refusals do not tell what exists.
//!
//! # What remains between the check and the use
//! A server of version 3 has no handle of a directory to open below, so the target looks a path up again as it uses it.
//! - *One session against itself*: nothing. What can change where paths lead (rename, link, remove, make) runs alone; no
//!   other path is looked up or used while it does.
//! - *Links that are made here* lead where they were judged, whatever is renamed later: their words hold no `..`. So
//!   nobody who has files alone can make a link that leads out of what is listed, and a race needs one that is there.
//! - *Somebody else on the target* (a shell, a program, a second session that renames directories which hold such a link)
//!   who can put a link in place of a directory or a file on a canonical path between our look and the server's use, which
//!   follow one another within one round trip to the target. Then an operation acts where the link points. An open is
//!   looked at again behind it, before its handle is handed out, so that the swap must also be undone in time: nothing
//!   can be read or written through one that is found. A file that was created or truncated by it stays so. Remove,
//!   rename and attributes have no second look.
//! - *A directory that holds climbing links already, renamed to another directory*: the links in it are not read. They
//!   lead elsewhere from the new place for programs of the target; through SFTP they are judged where they lead, as always.
//! - *A second name*: a hard link that exists already is a file of its own name; nobody can tell where else it stands.
//! - *A right that meets another*: what may be renamed can be brought under a line that reads. `sftp-rename` names both
//!   ends for that; whoever writes it for `/etc/**` and for a place that is read gives `/etc` away.
//! - *Mounts and `/proc`*: a canonical path is what the server's process sees. A bind mount is another place, not a link.
//! - *Whether something exists*: refusals do not tell, but how long they take may.
//!
//! # What stock clients need
//! Attributes come with any line, on the way too ([`ecluse_policy::capability::files`]), so `sftp get`, `put`, `cd`, `scp` and `sshfs` work
//! with the lines that say what they do. PuTTY's `psftp` and FileZilla open a directory to go there, and need `sftp-list`.
//! WinSCP writes `name.filepart` and renames it: it needs `sftp-rename` beside `sftp-write`, or its option for it off.
//! OpenSSH's `sftp` shows the words of a status only where it asks a canonical path; paramiko and most others show them all.
//!
//! # What it keeps
//! One packet of each side (256 KiB) and what the caller gives at once; 256 requests of the technician on their way, as
//! many numbers; 32 requests by path and 16 more that wait for somebody's answer, of up to 8 KiB each as they came and
//! 25 KiB while they are looked up, with up to 200 questions of ours each on servers that follow no links, else four;
//! 512 open files, whose names take 256 KiB together and whose ranges (64 each way) a MiB, about 500 bytes each as a rule. That is
//! 4 MiB for two peers who try, and 100 KiB for those who do not. What a client sends beyond waits unread: [`Sftp::wants`].

mod answers;
pub(crate) mod coverage;
mod doing;
mod extension;
mod files;
mod flight;
mod handles;
mod interceptor;
pub(crate) mod log;
mod opening;
mod operation;
mod paths;
mod refusing;
mod reply;
mod request;
pub(super) mod resolve;
mod revoke;
mod task;
#[cfg(test)]
mod tests;
pub(crate) mod wire;
mod words;

use bytes::Bytes;
use ecluse_recordings::Direction;

pub(crate) use self::doing::Doing;
#[cfg(test)]
pub(crate) use self::flight::MOST_IN_FLIGHT;
#[cfg(test)]
pub(crate) use self::handles::MOST_OPEN;
pub(crate) use self::interceptor::Sftp;
pub(crate) use self::operation::{Answer, Ask, Operation, Ticket, Verdict};
pub(crate) use self::refusing::Refusing;
#[cfg(test)]
pub(crate) use self::reply::NoReply;
#[cfg(test)]
pub(crate) use self::words::{ClientFault, ServerFault};
pub(crate) use self::words::{Complaint, Say, Words};

/// What becomes of something that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes on.
    Pass {
        /// Which way.
        towards: Direction,
        /// A whole packet.
        bytes: Bytes,
        /// What whoever gets it learns that whoever sent it chose: data, names, attributes, texts. **Unit**: bytes,
        /// without lengths, types and numbers of packets.
        payload: u64,
    },
    /// The gateway's own: a request to the target, or an answer to the technician.
    Own {
        /// Which way.
        towards: Direction,
        /// A whole packet.
        bytes: Bytes,
        /// What of it the other side chose all the same: a path that the target is asked about.
        payload: u64,
    },
    /// One line of the transfer log.
    Log(log::Record),
    /// Nothing more passes: somebody does not speak the protocol.
    Stop(Complaint),
}
