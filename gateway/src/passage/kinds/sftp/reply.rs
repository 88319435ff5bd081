//! What a target answers, read from its packets: whether it is an answer to what was asked at all.
//!
//! A target may be hostile: to this gateway, and through it to the technician's client. An answer whose fields do not
//! hold, of a type that its request has not, with more data than was asked, or with names that climb out of their
//! directory, is no answer, and the channel ends.

use super::wire::{Attributes, Fields, Packet, WireError, kind, status};

/// Longest name of an entry of a directory, in bytes: 255 characters of any system, in UTF-8.
const LONGEST_NAME: usize = 1_020;
/// Longest handle (draft §6.3).
pub(super) const LONGEST_HANDLE: usize = 256;

/// An answer, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply<'p> {
    /// How it went.
    Status(u32),
    /// What was opened.
    Handle(&'p [u8]),
    /// A part of a file.
    Data(&'p [u8]),
    /// Names: how many, and the first.
    Names(u32, &'p [u8]),
    /// Attributes.
    Attributes(Attributes),
    /// What an extension answers.
    Extended(&'p [u8]),
}

impl Reply<'_> {
    /// The code of a status that is no success.
    #[must_use]
    pub(super) fn failure(self) -> Option<u32> {
        match self {
            Self::Status(code) => (code != status::OK).then_some(code),
            Self::Handle(_)
            | Self::Data(_)
            | Self::Names(..)
            | Self::Attributes(_)
            | Self::Extended(_) => None,
        }
    }
}

/// What a request may be answered with, beside a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Nothing.
    Status,
    /// A handle.
    Handle,
    /// Data, up to so many bytes.
    Data(u32),
    /// Exactly one name: a path.
    Path,
    /// The entries of a directory.
    Entries,
    /// Attributes.
    Attributes,
    /// So many bytes of an extension.
    Extended(usize),
    /// Two strings of an extension.
    Strings,
}

/// Why an answer is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoReply {
    /// Its fields do not hold.
    #[error("{0}")]
    Malformed(#[from] WireError),
    /// It is of another type than its request can have.
    #[error("an answer of a type that its request does not have")]
    Type,
    /// More data than was asked.
    #[error("more data than was asked")]
    TooMuch,
    /// An entry's name is none.
    #[error("a name in a directory that is empty, too long, or leads out of it")]
    Entry,
    /// A handle that is none.
    #[error("a handle that is empty or too long")]
    Handle,
    /// Another number of names than one.
    #[error("another number of paths than one")]
    Count,
}

/// Reads an answer, and what of it the technician learns. **Unit**: payload bytes, the lengths of strings not counted.
///
/// # Errors
/// A [`NoReply`] that says why it is none.
pub(super) fn read(packet: &Packet, expected: Expected) -> Result<(Reply<'_>, u64), NoReply> {
    let mut fields = packet.fields();
    let whole = fields.rest().len();
    let mut strings = 0;
    let reply = match (packet.kind(), expected) {
        (kind::STATUS, _) => {
            let code = fields.number()?;
            // Old servers end here; the draft has two strings more.
            if !fields.rest().is_empty() {
                fields.string()?;
                fields.string()?;
                strings += 2;
            }
            Reply::Status(code)
        }
        (kind::HANDLE, Expected::Handle) => {
            let handle = fields.string()?;
            strings += 1;
            if handle.is_empty() || handle.len() > LONGEST_HANDLE {
                return Err(NoReply::Handle);
            }
            Reply::Handle(handle)
        }
        (kind::DATA, Expected::Data(most)) => {
            let data = fields.string()?;
            strings += 1;
            if !u32::try_from(data.len()).is_ok_and(|length| length <= most) {
                return Err(NoReply::TooMuch);
            }
            Reply::Data(data)
        }
        (kind::NAME, Expected::Path | Expected::Entries) => {
            let count = fields.number()?;
            if expected == Expected::Path && count != 1 {
                return Err(NoReply::Count);
            }
            let mut first = None;
            // Each takes twelve bytes at least, so that a lie about the count ends with the packet.
            for _ in 0..count {
                let name = fields.string()?;
                fields.string()?;
                fields.attributes()?;
                strings += 2;
                if expected == Expected::Entries && !is_entry(name) {
                    return Err(NoReply::Entry);
                }
                first.get_or_insert(name);
            }
            Reply::Names(count, first.unwrap_or_default())
        }
        (kind::ATTRS, Expected::Attributes) => Reply::Attributes(fields.attributes()?.0),
        (kind::EXTENDED_REPLY, Expected::Extended(length)) => {
            let rest = std::mem::replace(&mut fields, Fields::new(&[])).rest();
            if rest.len() != length {
                return Err(WireError::Short.into());
            }
            Reply::Extended(rest)
        }
        (kind::EXTENDED_REPLY, Expected::Strings) => {
            let all = fields.rest();
            fields.string()?;
            fields.string()?;
            strings += 2;
            Reply::Extended(all)
        }
        _ => return Err(NoReply::Type),
    };
    fields.end()?;
    let payload = u64::try_from(whole.saturating_sub(4 * strings)).unwrap_or(u64::MAX);
    Ok((reply, payload))
}

/// Whether a name stands in the directory itself. `.` and `..` stand in every one.
fn is_entry(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(&b'/') && !name.contains(&0)
}
