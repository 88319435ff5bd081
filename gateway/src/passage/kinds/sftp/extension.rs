//! The extensions of the protocol that this gateway understands. One that is not here is neither advertised nor passed.

use super::wire::{Fields, WireError};

/// An extension of OpenSSH (its `PROTOCOL`, §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extension {
    PosixRename,
    Statvfs,
    Fstatvfs,
    Hardlink,
    Fsync,
    Lsetstat,
    Limits,
    ExpandPath,
    CopyData,
    HomeDirectory,
    UsersGroups,
}

impl Extension {
    const ALL: [Self; 11] = [
        Self::PosixRename,
        Self::Statvfs,
        Self::Fstatvfs,
        Self::Hardlink,
        Self::Fsync,
        Self::Lsetstat,
        Self::Limits,
        Self::ExpandPath,
        Self::CopyData,
        Self::HomeDirectory,
        Self::UsersGroups,
    ];

    /// Its name on the wire, and the version of it that is understood.
    const fn name(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::PosixRename => (b"posix-rename@openssh.com", b"1"),
            Self::Statvfs => (b"statvfs@openssh.com", b"2"),
            Self::Fstatvfs => (b"fstatvfs@openssh.com", b"2"),
            Self::Hardlink => (b"hardlink@openssh.com", b"1"),
            Self::Fsync => (b"fsync@openssh.com", b"1"),
            Self::Lsetstat => (b"lsetstat@openssh.com", b"1"),
            Self::Limits => (b"limits@openssh.com", b"1"),
            Self::ExpandPath => (b"expand-path@openssh.com", b"1"),
            Self::CopyData => (b"copy-data", b"1"),
            Self::HomeDirectory => (b"home-directory", b"1"),
            Self::UsersGroups => (b"users-groups-by-id@openssh.com", b"1"),
        }
    }

    /// The bytes of its name.
    #[must_use]
    pub(super) const fn bytes(self) -> &'static [u8] {
        self.name().0
    }

    fn of(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.bytes() == name)
    }
}

/// The extensions that a target has and the gateway understands: those that it advertises, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extensions(Vec<Extension>);

impl Extensions {
    /// Reads what stands behind the version of a `VERSION`.
    ///
    /// # Errors
    /// A [`WireError`] where that does not hold.
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, WireError> {
        let mut known = Vec::new();
        while !fields.rest().is_empty() {
            let (name, version) = (fields.string()?, fields.string()?);
            if let Some(extension) = Extension::of(name)
                && extension.name() == (name, version)
                && !known.contains(&extension)
            {
                known.push(extension);
            }
        }
        Ok(Self(known))
    }

    /// The one of this name, where the target has it.
    #[must_use]
    pub(super) fn find(&self, name: &[u8]) -> Option<Extension> {
        Extension::of(name).filter(|extension| self.0.contains(extension))
    }

    /// Whether there is none, which tells a server that is not made like OpenSSH's.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and versions, as a `VERSION` holds them, in the target's order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static [u8], &'static [u8])> {
        self.0.iter().map(|extension| extension.name())
    }
}
