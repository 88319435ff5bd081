//! What people type, read once at the edge, on a command line as in a form: more leniently than documents are read.

use std::fmt;
use std::str::FromStr;

use ecluse_policy::{AccountName, InterventionNumber, Span, TargetId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::texts::times;

/// The families of flows that this version serves.
pub(crate) const FAMILIES: [&str; 3] = ["shell", "command", "env"];

/// What somebody typed that means nothing, and what it was to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{typed}` is not {what}")]
pub(crate) struct Unclear {
    /// As typed.
    pub(crate) typed: String,
    /// What it was to be.
    pub(crate) what: What,
}

/// What a word was to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A name.
    Name,
    /// A number.
    Number,
    /// A length.
    Length,
    /// A family of flows.
    Family,
    /// A time to come.
    Start,
    /// A moment that has been.
    Past,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a name of this gateway",
            Self::Number => "a number such as 17",
            Self::Length => "a length such as 30m, 2h or 1h30m",
            Self::Family => "a family of flows (shell, command, env)",
            Self::Start => "a time such as 14:30 or 2026-11-23T14:30",
            Self::Past => "a moment such as 2d, 2026-11-23 or 2026-11-23T07:50",
        })
    }
}

impl What {
    /// `typed` is none.
    pub(crate) fn unclear(self, typed: &str) -> Unclear {
        Unclear {
            typed: typed.to_owned(),
            what: self,
        }
    }
}

/// A target's name.
pub(crate) fn target(typed: &str) -> Result<TargetId, Unclear> {
    TargetId::typed(typed).map_err(|_| What::Name.unclear(typed))
}

/// An account's name.
pub(crate) fn account(typed: &str) -> Result<AccountName, Unclear> {
    AccountName::parse(typed).map_err(|_| What::Name.unclear(typed))
}

/// An intervention's number, `17` or `#17`.
pub(crate) fn number(typed: &str) -> Result<InterventionNumber, Unclear> {
    InterventionNumber::parse(typed).map_err(|_| What::Number.unclear(typed))
}

/// A moment that has been, as seen at `now`: `2d`, `2026-11-23`, `07:50`.
pub(crate) fn past(typed: &str, now: Timestamp) -> Result<Timestamp, Unclear> {
    times::parse_past(typed, now).ok_or_else(|| What::Past.unclear(typed))
}

/// Declares a value that is a text in a form and a body as it is on a command line.
macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = Unclear;
            fn try_from(typed: String) -> Result<Self, Unclear> {
                typed.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// A length: `2h`, `1h30`, `90 min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Length(pub(crate) Span);
as_text!(Length);

impl FromStr for Length {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        let read = times::parse_length(typed).map(Self);
        read.ok_or_else(|| What::Length.unclear(typed))
    }
}

/// A family of flows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Family(String);
as_text!(Family);

impl Family {
    /// Its word.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Family {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        if FAMILIES.contains(&typed) {
            Ok(Self(typed.to_owned()))
        } else {
            Err(What::Family.unclear(typed))
        }
    }
}
