//! Why a recording cannot be shown, and why the store did not do what it was asked, for those who read of it in the lobby:
//! in their language. The words of the system and of libraries are for the administrator, and go to the log.

use ecluse_policy::Lang;
use ecluse_recordings::ReadError;

use super::{Texts, Value};
use crate::readers::Interrupted;
use crate::store::StoreError;

/// Why a recording cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The session has none.
    None,
    /// It is not there.
    NotThere,
    /// Another gateway recorded it, and it lies on that one's disk.
    Elsewhere {
        /// Which, as people call it.
        node: String,
    },
    /// The system does not read it.
    System,
    /// It is none that this version reads.
    Foreign,
    /// Bytes of it were changed.
    Damaged {
        /// In which file, by its name alone.
        file: String,
        /// Where.
        at: u64,
    },
    /// It ends within a frame.
    Torn,
    /// No key at hand reads it.
    Locked,
    /// This gateway did not sign it.
    NotSigned,
    /// Its directory holds another session's.
    OtherSession {
        /// Which.
        found: String,
    },
    /// It says of itself that it is another client's.
    OtherClient,
    /// The reading did not come to its end.
    Interrupted,
}

impl Unreadable {
    /// What a reader needs to know of an error; all of it goes to the log.
    pub(crate) fn of(error: &ReadError) -> Self {
        tracing::warn!(%error, "a recording cannot be shown");
        match error {
            ReadError::Io { .. } if error.is_not_found() => Self::NotThere,
            ReadError::Io { .. } => Self::System,
            ReadError::Foreign { .. } => Self::Foreign,
            ReadError::Damaged { path, offset, .. } => Self::Damaged {
                file: path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                at: *offset,
            },
            ReadError::Torn { .. } => Self::Torn,
            ReadError::Locked { .. } => Self::Locked,
        }
    }
}

impl From<ReadError> for Unreadable {
    fn from(error: ReadError) -> Self {
        Self::of(&error)
    }
}

impl From<Interrupted> for Unreadable {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl Texts {
    /// Why a recording cannot be shown, to be put into a sentence.
    pub(crate) fn unreadable(&self, lang: Lang, why: &Unreadable) -> String {
        let (id, args): (&str, Vec<(&str, Value<'_>)>) = match why {
            Unreadable::None => ("unreadable-none", vec![]),
            Unreadable::NotThere => ("unreadable-not-there", vec![]),
            Unreadable::Elsewhere { node } => ("unreadable-elsewhere", vec![("node", node.into())]),
            Unreadable::System => ("unreadable-system", vec![]),
            Unreadable::Foreign => ("unreadable-foreign", vec![]),
            Unreadable::Damaged { file, at } => (
                "unreadable-damaged",
                vec![("file", file.into()), ("at", at.to_string().into())],
            ),
            Unreadable::Torn => ("unreadable-torn", vec![]),
            Unreadable::Locked => ("unreadable-locked", vec![]),
            Unreadable::NotSigned => ("unreadable-not-signed", vec![]),
            Unreadable::OtherSession { found } => {
                ("unreadable-other-session", vec![("found", found.into())])
            }
            Unreadable::OtherClient => ("unreadable-other-client", vec![]),
            Unreadable::Interrupted => ("unreadable-interrupted", vec![]),
        };
        self.say(lang, id, &args)
    }

    /// Why the store did not do what it was asked, to be put into a sentence.
    pub(crate) fn store(&self, lang: Lang, error: &StoreError) -> String {
        let number = |number: &u64| vec![("number", Value::from(number.to_string()))];
        let (id, args) = match error {
            StoreError::Revision { number: of } => ("store-revision", number(of)),
            StoreError::NotOpen { number: of } => ("store-not-open", number(of)),
            StoreError::Journal(_) | StoreError::Rewritten { .. } | StoreError::Planted { .. } => {
                ("store-journal", vec![])
            }
            StoreError::Documents { .. } => ("store-documents", vec![]),
            StoreError::Null { .. }
            | StoreError::Malformed { .. }
            | StoreError::NotOnRecord { .. }
            | StoreError::NotReadable { .. }
            | StoreError::Secret(_) => ("store-damaged", vec![]),
            StoreError::Database(_)
            | StoreError::Snapshot
            | StoreError::Migration { .. }
            | StoreError::Unproven { .. }
            | StoreError::Newer { .. }
            | StoreError::AlreadyServed { .. }
            | StoreError::NotOwner { .. }
            | StoreError::File { .. }
            | StoreError::NotSigned(_)
            | StoreError::NotCosigned(_) => ("store-silent-now", vec![]),
        };
        self.say(lang, id, &args)
    }
}
