//! What a search gives: hits, what could not be looked into, and what there is to say at its end.

use std::ops::Range;

use ecluse_policy::{AccountName, PersonId, TargetId, Timestamp};
use serde::Serialize;

use super::Left;
use crate::deeds::typed::{At, Kind};
use crate::store::Standing;
use crate::texts::Unreadable;

/// Something that was found, or could not be looked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Found {
    /// A line of a recording.
    Line(Hit),
    /// Something that was refused, and stands in no recording.
    Refusal(Refused),
    /// A recording that could not be searched.
    Unread {
        /// Of which session.
        number: u64,
        /// Why.
        #[serde(skip)]
        why: Unreadable,
    },
    /// A session of which the gateway's table is not known to have what the log has. Hits follow, but where the table has it no
    /// more: then it is not looked into.
    Apart {
        /// Which.
        number: u64,
        /// How the two stand.
        standing: Standing,
    },
}

/// A line of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Hit {
    /// The number of its session.
    pub(crate) number: u64,
    /// When it stood there.
    pub(crate) at: Timestamp,
    /// The technician.
    pub(crate) person: PersonId,
    /// As which account.
    pub(crate) account: AccountName,
    /// On which target.
    pub(crate) target: TargetId,
    /// What kind of line it is.
    pub(crate) kind: Kind,
    /// In which channel.
    pub(crate) channel: u32,
    /// Where a replay of that channel shows it; none for what concerns no channel.
    pub(crate) place: Option<At>,
    /// The line, neutralised.
    pub(crate) text: String,
    /// Where in it the words are. **Unit**: bytes of `text`.
    pub(crate) found: Vec<Range<usize>>,
}

/// Something that was refused, and stands in no recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refused {
    /// When.
    pub(crate) at: Timestamp,
    /// To whom.
    pub(crate) person: Option<String>,
    /// On which target.
    pub(crate) target: Option<TargetId>,
    /// The number of the session that then began on its connection.
    pub(crate) session: Option<u64>,
    /// What, and why.
    pub(crate) text: String,
    /// Where in it the words are. **Unit**: bytes of `text`.
    pub(crate) found: Vec<Range<usize>>,
}

/// What there is to say once a search is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// Hits that were given.
    pub(crate) given: usize,
    /// Whether there are more.
    pub(crate) more: bool,
    /// Whether what screens showed was to be looked through, and could not be for the client's document.
    pub(crate) no_screens: bool,
    /// Whether what was typed was looked through.
    pub(crate) typing: bool,
    /// What was not looked into.
    pub(crate) left: Left,
}
