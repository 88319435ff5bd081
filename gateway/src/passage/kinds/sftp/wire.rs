//! Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), read and written exactly.
//!
//! A packet is a length of four bytes, a type of one, a number that ties a reply to its request, and fields. Nothing here
//! knows what a packet means. A length that is no packet's, a string that ends behind its packet, bytes that are left
//! over: each is told, and nothing is guessed.

use bytes::{Buf, Bytes, BytesMut};

/// The longest answer that is kept while something else is asked: a path of the greatest length twice, as OpenSSH tells it.
/// **Unit**: bytes.
pub(crate) const LONGEST_KEPT: usize = 12 << 10;
/// Longest packet, its length not counted, in bytes: that of OpenSSH's `sftp-server` and `sftp`.
pub(crate) const LONGEST_PACKET: usize = 256 << 10;
/// Bytes of a packet before its fields: length, type, number.
pub(crate) const HEAD: usize = 9;
/// Pairs of attributes that a version 3 peer may add, at most.
const MOST_EXTENDED: u32 = 64;

/// The types of packets.
pub(crate) mod kind {
    pub(crate) const INIT: u8 = 1;
    pub(crate) const VERSION: u8 = 2;
    pub(crate) const OPEN: u8 = 3;
    pub(crate) const CLOSE: u8 = 4;
    pub(crate) const READ: u8 = 5;
    pub(crate) const WRITE: u8 = 6;
    pub(crate) const LSTAT: u8 = 7;
    pub(crate) const FSTAT: u8 = 8;
    pub(crate) const SETSTAT: u8 = 9;
    pub(crate) const FSETSTAT: u8 = 10;
    pub(crate) const OPENDIR: u8 = 11;
    pub(crate) const READDIR: u8 = 12;
    pub(crate) const REMOVE: u8 = 13;
    pub(crate) const MKDIR: u8 = 14;
    pub(crate) const RMDIR: u8 = 15;
    pub(crate) const REALPATH: u8 = 16;
    pub(crate) const STAT: u8 = 17;
    pub(crate) const RENAME: u8 = 18;
    pub(crate) const READLINK: u8 = 19;
    pub(crate) const SYMLINK: u8 = 20;
    pub(crate) const STATUS: u8 = 101;
    pub(crate) const HANDLE: u8 = 102;
    pub(crate) const DATA: u8 = 103;
    pub(crate) const NAME: u8 = 104;
    pub(crate) const ATTRS: u8 = 105;
    pub(crate) const EXTENDED: u8 = 200;
    pub(crate) const EXTENDED_REPLY: u8 = 201;
}

/// The codes of a status.
pub(crate) mod status {
    pub(crate) const OK: u32 = 0;
    pub(crate) const EOF: u32 = 1;
    pub(crate) const NO_SUCH_FILE: u32 = 2;
    pub(crate) const PERMISSION_DENIED: u32 = 3;
    pub(crate) const FAILURE: u32 = 4;
    pub(crate) const BAD_MESSAGE: u32 = 5;
    pub(crate) const OP_UNSUPPORTED: u32 = 8;
}

/// Flags of an open.
pub(crate) mod open {
    pub(crate) const READ: u32 = 1;
    pub(crate) const WRITE: u32 = 2;
    pub(crate) const APPEND: u32 = 4;
    pub(crate) const CREAT: u32 = 8;
    pub(crate) const EXCL: u32 = 32;
    /// All that version 3 has.
    pub(crate) const ALL: u32 = 63;
}

/// Flags of attributes.
mod attribute {
    pub(super) const SIZE: u32 = 1;
    pub(super) const OWNER: u32 = 2;
    pub(super) const PERMISSIONS: u32 = 4;
    pub(super) const TIMES: u32 = 8;
    pub(super) const EXTENDED: u32 = 0x8000_0000;
    pub(super) const ALL: u32 = SIZE | OWNER | PERMISSIONS | TIMES | EXTENDED;
}

/// Why bytes are no packet, or a packet's fields do not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// No packet is that long, or that short.
    #[error("a packet of {length} bytes")]
    Length {
        /// As it was told.
        length: u32,
    },
    /// A field ends behind its packet.
    #[error("a field that ends behind its packet")]
    Short,
    /// Something is left behind the last field.
    #[error("bytes behind the last field of a packet")]
    Left,
    /// Attributes of a kind that version 3 does not have.
    #[error("attributes that version 3 does not have")]
    Attributes,
}

/// One whole packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    /// All of it, its length too.
    bytes: BytesMut,
}

/// Puts packets together from bytes as they come: halves of them, or many at once.
///
/// Invariant: holds less than one packet and what one call brought.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    held: BytesMut,
}

/// The fields of a packet, read one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a [u8]);

/// What attributes say that anybody here asks about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// The size of the file.
    pub(crate) size: Option<u64>,
    /// Its kind and permissions.
    pub(crate) permissions: Option<u32>,
    /// They hold pairs of somebody's own.
    pub(crate) is_extended: bool,
}

/// Writes one packet.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Framer {
    /// Takes what came.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next whole packet, if it is here.
    ///
    /// # Errors
    /// A [`WireError::Length`] as soon as the length is known to be none.
    pub(crate) fn take(&mut self) -> Result<Option<Packet>, WireError> {
        let Some(length) = self
            .held
            .first_chunk::<4>()
            .copied()
            .map(u32::from_be_bytes)
        else {
            return Ok(None);
        };
        let whole = usize::try_from(length).unwrap_or(usize::MAX);
        // Shorter than a type and a number or a version is no packet of this protocol.
        if !(5..=LONGEST_PACKET).contains(&whole) {
            return Err(WireError::Length { length });
        }
        if self.held.len() < 4 + whole {
            self.held.reserve(4 + whole - self.held.len());
            return Ok(None);
        }
        let bytes = self.held.split_to(4 + whole);
        Ok(Some(Packet { bytes }))
    }

    /// Whether nothing waits to be put together.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Forgets what came.
    pub(crate) fn clear(&mut self) {
        self.held = BytesMut::new();
    }
}

impl Packet {
    /// The same, to be kept for a while: one that no server has to make so long is a status without words.
    #[must_use]
    pub(crate) fn kept(self) -> Self {
        if self.bytes.len() <= LONGEST_KEPT {
            return self;
        }
        let code = match (self.kind(), self.fields().number()) {
            (kind::STATUS, Ok(code)) => code,
            _ => status::FAILURE,
        };
        let status = Writer::new(kind::STATUS, self.number()).number(code);
        let bytes = status.string(b"").string(b"").finish();
        Self {
            bytes: BytesMut::from(&bytes[..]),
        }
    }

    /// Its type.
    #[must_use]
    pub(crate) fn kind(&self) -> u8 {
        self.bytes.get(4).copied().unwrap_or_default()
    }

    /// The number that ties it to its request or reply; of `INIT` and `VERSION`, the version.
    #[must_use]
    pub(crate) fn number(&self) -> u32 {
        Fields(self.bytes.get(5..).unwrap_or_default())
            .number()
            .unwrap_or_default()
    }

    /// Its fields behind the number.
    #[must_use]
    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields(self.bytes.get(HEAD..).unwrap_or_default())
    }

    /// The same packet by another number.
    #[must_use]
    pub(crate) fn renumbered(mut self, number: u32) -> Bytes {
        if let Some(place) = self.bytes.get_mut(5..HEAD) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        self.bytes.freeze()
    }
}

impl<'a> Fields<'a> {
    /// Reads fields of a part of a packet.
    #[must_use]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Four bytes.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub(crate) fn number(&mut self) -> Result<u32, WireError> {
        self.0.try_get_u32().map_err(|_| WireError::Short)
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub(crate) fn long(&mut self) -> Result<u64, WireError> {
        self.0.try_get_u64().map_err(|_| WireError::Short)
    }

    /// A string: its length in four bytes, and as many.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub(crate) fn string(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.number()?).map_err(|_| WireError::Short)?;
        let (string, rest) = self.0.split_at_checked(length).ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(string)
    }

    /// Attributes, and their bytes.
    ///
    /// # Errors
    /// [`WireError::Short`], or [`WireError::Attributes`] of a kind whose length nobody knows.
    pub(crate) fn attributes(&mut self) -> Result<(Attributes, &'a [u8]), WireError> {
        let all = self.0;
        let flags = self.number()?;
        if flags & !attribute::ALL != 0 {
            return Err(WireError::Attributes);
        }
        let mut read = Attributes::default();
        if flags & attribute::SIZE != 0 {
            read.size = Some(self.long()?);
        }
        if flags & attribute::OWNER != 0 {
            self.long()?;
        }
        if flags & attribute::PERMISSIONS != 0 {
            read.permissions = Some(self.number()?);
        }
        if flags & attribute::TIMES != 0 {
            self.long()?;
        }
        if flags & attribute::EXTENDED != 0 {
            let pairs = self.number()?;
            if pairs > MOST_EXTENDED {
                return Err(WireError::Attributes);
            }
            read.is_extended = true;
            for _ in 0..pairs {
                self.string()?;
                self.string()?;
            }
        }
        let length = all.len() - self.0.len();
        Ok((read, all.get(..length).unwrap_or_default()))
    }

    /// What is left.
    #[must_use]
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }

    /// That nothing is left.
    ///
    /// # Errors
    /// [`WireError::Left`].
    pub(crate) const fn end(self) -> Result<(), WireError> {
        match self.0 {
            [] => Ok(()),
            _ => Err(WireError::Left),
        }
    }
}

impl Attributes {
    /// Whether they are those of a symbolic link (`S_IFLNK`).
    #[must_use]
    pub(crate) fn is_link(&self) -> bool {
        self.permissions
            .is_some_and(|mode| mode & 0o170_000 == 0o120_000)
    }
}

impl Writer {
    /// A packet of this type and number.
    #[must_use]
    pub(crate) fn new(kind: u8, number: u32) -> Self {
        let mut bytes = vec![0, 0, 0, 0, kind];
        bytes.extend_from_slice(&number.to_be_bytes());
        Self(bytes)
    }

    /// Four bytes.
    #[must_use]
    pub(crate) fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Eight bytes.
    #[must_use]
    pub(crate) fn long(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// A string.
    #[must_use]
    pub(crate) fn string(self, string: &[u8]) -> Self {
        // Everything that is written here came in a packet or is a path: it fits.
        let length = u32::try_from(string.len()).unwrap_or(u32::MAX);
        self.number(length).raw(string)
    }

    /// Bytes that are fields already.
    #[must_use]
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// The packet.
    #[must_use]
    pub(crate) fn finish(mut self) -> Bytes {
        let length = u32::try_from(self.0.len().saturating_sub(4)).unwrap_or(u32::MAX);
        if let Some(place) = self.0.get_mut(..4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_length_that_is_none_is_told_before_its_bytes_come() {
        for length in [0u32, 4, 256 * 1024 + 1, u32::MAX] {
            let mut framer = Framer::default();
            framer.push(&length.to_be_bytes());
            assert_eq!(framer.take(), Err(WireError::Length { length }));
        }
    }

    #[test]
    fn fields_end_with_their_packet() {
        let mut fields = Fields::new(&[0, 0, 0, 4, b'a']);
        assert_eq!(fields.string(), Err(WireError::Short));
        let mut fields = Fields::new(&[0xff, 0xff, 0xff, 0xff, b'a']);
        assert_eq!(fields.string(), Err(WireError::Short));
        let mut fields = Fields::new(&[0, 0, 0, 1, b'a', 0]);
        assert_eq!(fields.string(), Ok(&b"a"[..]));
        assert_eq!(fields.end(), Err(WireError::Left));
        assert_eq!(
            Fields::new(&[0, 0, 1, 0]).attributes().unwrap_err(),
            WireError::Attributes
        );
        let many = [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(
            Fields::new(&many).attributes().unwrap_err(),
            WireError::Attributes
        );
    }

    proptest! {
        /// However the bytes are cut, the packets are the same, and none is lost.
        #[test]
        fn any_cut_gives_the_same_packets(bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 5..300), 1..12), cuts in proptest::collection::vec(1usize..400, 1..40)) {
            let mut wire = Vec::new();
            for body in &bodies {
                wire.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
                wire.extend_from_slice(body);
            }
            let (mut framer, mut read, mut rest) = (Framer::default(), Vec::new(), wire.as_slice());
            let mut cuts = cuts.into_iter().cycle();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                framer.push(now);
                rest = later;
                while let Some(packet) = framer.take().unwrap() {
                    read.push(packet.bytes[4..].to_vec());
                }
            }
            prop_assert_eq!(read, bodies);
            prop_assert!(framer.is_empty());
        }
    }
}
