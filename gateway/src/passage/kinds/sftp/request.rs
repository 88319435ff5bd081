//! What a technician's client asks, read from its packets.
//!
//! Two kinds: what names a path, which is kept while the target is asked where that leads, and what names a handle, which
//! passes at once. Everything is checked before anything of it passes: a request whose fields do not hold, that has bytes
//! left over or flags that nobody knows goes to no target.

use bytes::Bytes;

use super::extension::{Extension, Extensions};
use super::wire::{Attributes, Fields, Packet, WireError, Writer, kind, open};
use ecluse_policy::capability::files::LONGEST_PATH;

/// A request, read.
#[derive(Debug)]
pub(super) enum Request<'p> {
    /// It names one or two paths.
    Path(PathRequest),
    /// It names a handle, or two.
    Handle(HandleRequest<'p>),
    /// `limits@openssh.com`.
    Limits,
}

/// A request that names paths, with bytes of its own: it outlives its packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathRequest {
    /// What is asked.
    pub(super) verb: Verb,
    /// The path, or the first of two, as it was typed.
    pub(super) first: Bytes,
    /// The second of two.
    pub(super) second: Bytes,
    /// Attributes, as they came.
    attributes: Bytes,
}

/// What is asked of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Open {
        flags: u32,
    },
    OpenDirectory,
    Stat,
    Lstat,
    Readlink,
    Realpath,
    ExpandPath,
    HomeDirectory,
    Statvfs,
    Setstat,
    Lsetstat,
    Remove,
    RemoveDirectory,
    MakeDirectory,
    Rename,
    PosixRename,
    /// `first` is where it points, `second` where it stands: the order of OpenSSH, which the draft has otherwise.
    Symlink,
    /// `first` is the file, `second` its new name.
    Hardlink,
    /// No paths: `first` and `second` are numbers of users and of groups.
    UsersGroups,
}

/// A request that names a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HandleRequest<'p> {
    /// The handle.
    pub(super) handle: &'p [u8],
    /// What is asked of it.
    pub(super) verb: HandleVerb<'p>,
}

/// What is asked of a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HandleVerb<'p> {
    Close,
    Read {
        offset: u64,
        length: u32,
    },
    Write {
        offset: u64,
        data: &'p [u8],
    },
    Fstat,
    Fsetstat {
        attributes: Attributes,
    },
    ReadDirectory,
    Fstatvfs,
    Fsync,
    /// From the handle of the request to this one.
    CopyData {
        offset: u64,
        length: u64,
        to: &'p [u8],
        to_offset: u64,
    },
}

/// Why a request goes to no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// Its fields do not hold.
    Malformed(WireError),
    /// It is of a kind that is not served.
    Unknown,
    /// Flags or attributes that version 3 does not have, or offsets that no file has.
    Unusual,
}

impl From<WireError> for Unread {
    fn from(error: WireError) -> Self {
        Self::Malformed(error)
    }
}

/// Reads one request.
///
/// # Errors
/// [`Unread`], and why.
pub(super) fn read<'p>(packet: &'p Packet, extensions: &Extensions) -> Result<Request<'p>, Unread> {
    let mut fields = packet.fields();
    let one = |verb: Verb, fields: &mut Fields<'p>| -> Result<_, Unread> {
        Ok(Request::Path(PathRequest::one(verb, fields.string()?)))
    };
    let of_handle = |verb: HandleVerb<'p>, fields: &mut Fields<'p>| -> Result<_, Unread> {
        let handle = fields.string()?;
        Ok(Request::Handle(HandleRequest { handle, verb }))
    };
    let request = match packet.kind() {
        kind::OPEN => {
            let path = fields.string()?;
            let flags = fields.number()?;
            if flags & !open::ALL != 0 {
                return Err(Unread::Unusual);
            }
            PathRequest::with(Verb::Open { flags }, path, &mut fields)?
        }
        kind::MKDIR => {
            let path = fields.string()?;
            PathRequest::with(Verb::MakeDirectory, path, &mut fields)?
        }
        kind::SETSTAT => {
            let path = fields.string()?;
            PathRequest::with(Verb::Setstat, path, &mut fields)?
        }
        kind::LSTAT => one(Verb::Lstat, &mut fields)?,
        kind::STAT => one(Verb::Stat, &mut fields)?,
        kind::OPENDIR => one(Verb::OpenDirectory, &mut fields)?,
        kind::REMOVE => one(Verb::Remove, &mut fields)?,
        kind::RMDIR => one(Verb::RemoveDirectory, &mut fields)?,
        kind::REALPATH => one(Verb::Realpath, &mut fields)?,
        kind::READLINK => one(Verb::Readlink, &mut fields)?,
        kind::RENAME => PathRequest::two(Verb::Rename, &mut fields)?,
        kind::SYMLINK => PathRequest::two(Verb::Symlink, &mut fields)?,
        kind::CLOSE => of_handle(HandleVerb::Close, &mut fields)?,
        kind::FSTAT => of_handle(HandleVerb::Fstat, &mut fields)?,
        kind::READDIR => of_handle(HandleVerb::ReadDirectory, &mut fields)?,
        kind::READ => {
            let handle = fields.string()?;
            let (offset, length) = (fields.long()?, fields.number()?);
            in_a_file(offset, u64::from(length))?;
            let verb = HandleVerb::Read { offset, length };
            Request::Handle(HandleRequest { handle, verb })
        }
        kind::WRITE => {
            let handle = fields.string()?;
            let (offset, data) = (fields.long()?, fields.string()?);
            in_a_file(offset, u64::try_from(data.len()).unwrap_or(u64::MAX))?;
            let verb = HandleVerb::Write { offset, data };
            Request::Handle(HandleRequest { handle, verb })
        }
        kind::FSETSTAT => {
            let handle = fields.string()?;
            let (attributes, _) = fields.attributes()?;
            if attributes.is_extended {
                return Err(Unread::Unusual);
            }
            let verb = HandleVerb::Fsetstat { attributes };
            Request::Handle(HandleRequest { handle, verb })
        }
        kind::EXTENDED => {
            let name = fields.string()?;
            let extension = extensions.find(name).ok_or(Unread::Unknown)?;
            extended(extension, &mut fields)?
        }
        _ => return Err(Unread::Unknown),
    };
    fields.end()?;
    Ok(request)
}

fn extended<'p>(extension: Extension, fields: &mut Fields<'p>) -> Result<Request<'p>, Unread> {
    Ok(match extension {
        Extension::PosixRename => PathRequest::two(Verb::PosixRename, fields)?,
        Extension::Hardlink => PathRequest::two(Verb::Hardlink, fields)?,
        Extension::Statvfs => Request::Path(PathRequest::one(Verb::Statvfs, fields.string()?)),
        Extension::ExpandPath => {
            Request::Path(PathRequest::one(Verb::ExpandPath, fields.string()?))
        }
        Extension::HomeDirectory => {
            Request::Path(PathRequest::one(Verb::HomeDirectory, fields.string()?))
        }
        Extension::Lsetstat => {
            let path = fields.string()?;
            PathRequest::with(Verb::Lsetstat, path, fields)?
        }
        Extension::Fstatvfs | Extension::Fsync => {
            let verb = if extension == Extension::Fsync {
                HandleVerb::Fsync
            } else {
                HandleVerb::Fstatvfs
            };
            let handle = fields.string()?;
            Request::Handle(HandleRequest { handle, verb })
        }
        Extension::CopyData => {
            let handle = fields.string()?;
            let (offset, length) = (fields.long()?, fields.long()?);
            let (to, to_offset) = (fields.string()?, fields.long()?);
            in_a_file(offset, length)?;
            in_a_file(to_offset, length)?;
            let verb = HandleVerb::CopyData {
                offset,
                length,
                to,
                to_offset,
            };
            Request::Handle(HandleRequest { handle, verb })
        }
        Extension::Limits => Request::Limits,
        Extension::UsersGroups => {
            let read = *fields;
            let (users, groups) = (fields.string()?, fields.string()?);
            // Numbers of four bytes each.
            if !users.len().is_multiple_of(4) || !groups.len().is_multiple_of(4) {
                return Err(WireError::Short.into());
            }
            *fields = read;
            PathRequest::two(Verb::UsersGroups, fields)?
        }
    })
}

/// That a part of a file ends where some file may: `off_t` is signed.
fn in_a_file(offset: u64, length: u64) -> Result<(), Unread> {
    let ends = offset
        .checked_add(length)
        .and_then(|end| i64::try_from(end).ok());
    ends.map(|_| ()).ok_or(Unread::Unusual)
}

impl PathRequest {
    fn one(verb: Verb, path: &[u8]) -> Self {
        Self {
            verb,
            first: Bytes::copy_from_slice(path),
            second: Bytes::new(),
            attributes: Bytes::new(),
        }
    }

    fn two<'p>(verb: Verb, fields: &mut Fields<'p>) -> Result<Request<'p>, Unread> {
        let (first, second) = (fields.string()?, fields.string()?);
        Ok(Request::Path(Self {
            second: Bytes::copy_from_slice(second),
            ..Self::one(verb, first)
        }))
    }

    fn with<'p>(verb: Verb, path: &[u8], fields: &mut Fields<'p>) -> Result<Request<'p>, Unread> {
        let (read, attributes) = fields.attributes()?;
        // What is in them is anybody's guess: access lists, on some servers.
        if read.is_extended {
            return Err(Unread::Unusual);
        }
        Ok(Request::Path(Self {
            attributes: Bytes::copy_from_slice(attributes),
            ..Self::one(verb, path)
        }))
    }

    /// Whether its paths may be some: a NUL would end one early for the target.
    #[must_use]
    pub(super) fn is_of_paths(&self) -> bool {
        let is_path = |path: &Bytes| path.len() <= LONGEST_PATH && !path.contains(&0);
        // Numbers, four thousand of each at most.
        let are_few = |numbers: &Bytes| numbers.len() <= 4 * LONGEST_PATH;
        if self.verb == Verb::UsersGroups {
            are_few(&self.first) && are_few(&self.second)
        } else {
            is_path(&self.first) && is_path(&self.second)
        }
    }

    /// The packet of it that goes to the target, by these paths.
    #[must_use]
    pub(super) fn packet(&self, number: u32, first: &[u8], second: &[u8]) -> Bytes {
        let plain = |kind| Writer::new(kind, number).string(first);
        let extension = |of: Extension| {
            Writer::new(kind::EXTENDED, number)
                .string(of.bytes())
                .string(first)
        };
        match self.verb {
            Verb::Open { flags } => plain(kind::OPEN).number(flags).raw(&self.attributes),
            Verb::OpenDirectory => plain(kind::OPENDIR),
            Verb::Stat => plain(kind::STAT),
            Verb::Lstat => plain(kind::LSTAT),
            Verb::Readlink => plain(kind::READLINK),
            Verb::Realpath => plain(kind::REALPATH),
            Verb::ExpandPath => extension(Extension::ExpandPath),
            Verb::HomeDirectory => extension(Extension::HomeDirectory),
            Verb::Statvfs => extension(Extension::Statvfs),
            Verb::Setstat => plain(kind::SETSTAT).raw(&self.attributes),
            Verb::Lsetstat => extension(Extension::Lsetstat).raw(&self.attributes),
            Verb::Remove => plain(kind::REMOVE),
            Verb::RemoveDirectory => plain(kind::RMDIR),
            Verb::MakeDirectory => plain(kind::MKDIR).raw(&self.attributes),
            Verb::Rename => plain(kind::RENAME).string(second),
            Verb::PosixRename => extension(Extension::PosixRename).string(second),
            Verb::Symlink => plain(kind::SYMLINK).string(second),
            Verb::Hardlink => extension(Extension::Hardlink).string(second),
            Verb::UsersGroups => extension(Extension::UsersGroups).string(second),
        }
        .finish()
    }

    /// What the target learns of it that the technician chose, beside its paths. **Unit**: bytes.
    #[must_use]
    pub(super) fn beside_paths(&self) -> u64 {
        let flags = if let Verb::Open { .. } = self.verb {
            4
        } else {
            0
        };
        flags + u64::try_from(self.attributes.len()).unwrap_or(u64::MAX)
    }
}

impl PathRequest {
    /// Whether its attributes set the size of a file.
    #[must_use]
    pub(super) fn sets_size(&self) -> bool {
        let read = Fields::new(&self.attributes).attributes();
        read.is_ok_and(|(attributes, _)| attributes.size.is_some())
    }
}

impl Verb {
    /// Whether what it does may change where other paths lead, so that nothing else is looked at meanwhile.
    #[must_use]
    pub(super) const fn moves_paths(self) -> bool {
        match self {
            Self::Remove
            | Self::RemoveDirectory
            | Self::MakeDirectory
            | Self::Rename
            | Self::PosixRename
            | Self::Symlink
            | Self::Hardlink => true,
            Self::Open { .. }
            | Self::OpenDirectory
            | Self::Stat
            | Self::Lstat
            | Self::Readlink
            | Self::Realpath
            | Self::ExpandPath
            | Self::HomeDirectory
            | Self::Statvfs
            | Self::Setstat
            | Self::Lsetstat
            | Self::UsersGroups => false,
        }
    }
}
