//! What the technician reads in a status, and why a channel was stopped. On record they are English; whoever makes a channel
//! says how the technician reads them ([`Say`]).

use super::interceptor::Sftp;
use super::reply::NoReply;
use super::wire::WireError;
use ecluse_policy::capability::files::LONGEST_PATH;

/// Why the gateway itself refuses a request, whatever policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Words {
    /// A handle that nobody opened.
    #[error("no file is open by that handle")]
    NoHandle,
    /// A handle that cannot do it.
    #[error("the file was not opened for that; open it again for what you want to do")]
    OtherHandle,
    /// Too many are open.
    #[error("too many files are open at once; close some")]
    ManyHandles,
    /// Too many wait for somebody's yes.
    #[error("too many requests wait for an answer; wait for one of them")]
    ManyWait,
    /// A request that is not served.
    #[error("this request is not served here")]
    Unknown,
    /// A request whose flags, attributes or offsets no file has.
    #[error("this request holds what SFTP version 3 does not have")]
    Unusual,
    /// A request that cannot be read.
    #[error("this request cannot be read")]
    Malformed,
    /// A path that is none.
    #[error("a path has up to {LONGEST_PATH} bytes and no NUL")]
    NoPath,
    /// Where it leads cannot be told.
    #[error(
        "the target does not say where this path leads, so that it cannot be looked up in the agreed list"
    )]
    NoWay,
    /// It led elsewhere a moment later.
    #[error("the path led elsewhere while it was being opened; try again")]
    Moved,
    /// A link whose words climb: it would lead elsewhere once a directory on its way is renamed or becomes a link.
    #[error(
        "where a link points is written without `..`, because that leads elsewhere once a directory is renamed; write the absolute path"
    )]
    Climbs,
    /// The server writes the two paths of a link in an order that is not known.
    #[error("links are made on servers of OpenSSH's kind alone")]
    NoLinks,
}

impl Words {
    /// The text that says it in the technician's language.
    #[must_use]
    pub(crate) const fn text_id(self) -> &'static str {
        match self {
            Self::NoHandle => "files-no-handle",
            Self::OtherHandle => "files-other-handle",
            Self::ManyHandles => "files-many-handles",
            Self::ManyWait => "files-many-wait",
            Self::Unknown => "files-unknown",
            Self::Unusual => "files-unusual",
            Self::Malformed => "files-malformed",
            Self::NoPath => "files-no-path",
            Self::NoWay => "files-no-way",
            Self::Moved => "files-moved",
            Self::Climbs => "files-climbs",
            Self::NoLinks => "files-no-links",
        }
    }
}

/// How the technician reads the words of the gateway's own.
pub(crate) struct Say(Box<dyn Fn(Words) -> String + Send>);

impl Say {
    /// Read through `say`.
    pub(crate) fn new(say: impl Fn(Words) -> String + Send + 'static) -> Self {
        Self(Box::new(say))
    }
}

impl Default for Say {
    /// As they are on record.
    fn default() -> Self {
        Self::new(|words| words.to_string())
    }
}

impl Sftp {
    /// What the technician reads of `words`.
    pub(super) fn say(&self, words: Words) -> String {
        (self.say.0)(words)
    }
}

/// Why a channel is stopped: somebody does not speak the protocol, and it says who.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Complaint {
    /// The technician's client.
    #[error("the technician's client does not speak SFTP version 3: {0}")]
    Client(ClientFault),
    /// The target's server.
    #[error("the target's server does not speak SFTP version 3: {0}")]
    Server(ServerFault),
}

/// What a client does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientFault {
    /// Bytes that are no packet.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// Something before `INIT`, or a second one.
    #[error("it does not begin with one INIT")]
    Init,
    /// A version before 3.
    #[error("it is of version {0}")]
    Version(u32),
    /// Two requests at once by one number: nobody could tell their answers apart.
    #[error("it uses the number {0} twice at once")]
    Twice(u32),
    /// It sends what only a server sends.
    #[error("it sends answers")]
    Answers,
}

/// What a server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ServerFault {
    /// Bytes that are no packet.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// Something before `VERSION`, or a second one.
    #[error("it does not begin with one VERSION")]
    Version,
    /// Another version than 3.
    #[error("it is of version {0}")]
    OtherVersion(u32),
    /// An answer that is none.
    #[error("{0}")]
    NoReply(#[from] NoReply),
    /// An answer to nothing.
    #[error("it answers what nobody asked")]
    Unasked,
    /// A handle that is open already.
    #[error("it gives one handle to two files")]
    SameHandle,
}
