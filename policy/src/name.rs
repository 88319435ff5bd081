//! Names and identifiers, parsed once at the edge: a bare `String` never travels inward.
//!
//! Refuses to know whether what a name says exists; that is for [`crate::documents`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest name, in bytes.
const LONGEST: usize = 64;

/// Why a text is not a name. `Display` says what would be accepted and shows the text escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not {kind}; accepted: {accepted}")]
pub struct NameError {
    /// What the text was meant to be, with its article: "a person's id".
    pub kind: &'static str,
    /// The text, escaped and shortened: it may come from a stranger.
    pub shown: String,
    /// The texts that are accepted, in words.
    pub accepted: &'static str,
}

/// So many characters of a text are shown.
const SHOWN: usize = 80;

/// Whether [`shown`] leaves something out.
pub(crate) fn is_too_long(text: &str) -> bool {
    text.chars().nth(SHOWN).is_some()
}

/// Shows a stranger's text on one line: control and invisible characters escaped, shortened.
///
/// **Shape**: at most 80 characters of the text, then `…`.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut line = String::new();
    for (position, character) in text.chars().enumerate() {
        if position == SHOWN {
            line.push('…');
            break;
        }
        // Quotes stay readable; everything that could move a cursor or hide text does not.
        match character {
            '\'' | '"' => line.push(character),
            other => line.extend(other.escape_debug()),
        }
    }
    line
}

const ID_ACCEPTED: &str = "1 to 64 of a-z 0-9 . _ - beginning with a letter or digit";
const ACCOUNT_ACCEPTED: &str = "1 to 64 of A-Z a-z 0-9 . _ - beginning with a letter, digit or _";

fn is_id(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    bounded(text, first, |byte| {
        first(byte) || matches!(byte, b'.' | b'_' | b'-')
    })
}

fn is_account(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    bounded(text, first, |byte| {
        first(byte) || matches!(byte, b'.' | b'-')
    })
}

fn bounded(text: &str, first: impl Fn(u8) -> bool, rest: impl Fn(u8) -> bool) -> bool {
    text.len() <= LONGEST && text.bytes().next().is_some_and(first) && text.bytes().all(rest)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:ident, $accepted:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses the text.
            ///
            /// # Errors
            /// A [`NameError`] that says what would be accepted.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                if $check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { kind: $kind, shown: shown(text), accepted: $accepted })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

name!(
    /// One person: technician, operator or auditor. Unique over all documents (A1).
    PersonId, "a person's id", is_id, ID_ACCEPTED
);
name!(
    /// An organisation that employs technicians.
    ProviderId, "a provider's id", is_id, ID_ACCEPTED
);
name!(
    /// An organisation that owns targets.
    ClientId, "a client's id", is_id, ID_ACCEPTED
);
name!(
    /// One machine or service under maintenance. Unique over all clients.
    TargetId, "a target's id", is_id, ID_ACCEPTED
);
name!(
    /// One machine from which technicians work. Unique over all providers.
    StationId, "a station's id", is_id, ID_ACCEPTED
);
name!(
    /// One line of a client's matrix.
    FlowName, "a flow's name", is_id, ID_ACCEPTED
);
name!(
    /// A group of a provider's technicians, as its document names it.
    GroupName, "a group's name", is_id, ID_ACCEPTED
);
name!(
    /// An account on a target.
    AccountName, "an account's name", is_account, ACCOUNT_ACCEPTED
);

impl TargetId {
    /// Parses what a person typed: capital letters count as small ones, since no target's name has any.
    ///
    /// # Errors
    /// A [`NameError`] that says what would be accepted.
    pub fn typed(text: &str) -> Result<Self, NameError> {
        Self::parse(&text.to_ascii_lowercase())
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an identifier that the caller made: this crate has neither clock nor chance.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The identifier itself.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// Parses the hyphenated text.
            ///
            /// # Errors
            /// A [`NameError`] that says what would be accepted.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                Uuid::try_parse(text).map(Self).map_err(|_| NameError {
                    kind: $kind,
                    shown: shown(text),
                    accepted: "a UUID such as 01976c3e-8f2a-7c11-b2d4-6a1f0e9d8c7b",
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }
    };
}

identifier!(
    /// One intervention, for ever. People use its [`InterventionNumber`].
    InterventionId, "an intervention's id"
);
identifier!(
    /// One session: a technician's connection, from accept to seal.
    SessionId, "a session's id"
);

/// The short number by which people speak of an intervention: `#17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InterventionNumber(pub u64);

impl InterventionNumber {
    /// Parses `17` or `#17`.
    ///
    /// # Errors
    /// A [`NameError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse()
            .ok()
            .filter(|_| all_digits)
            .map(Self)
            .ok_or_else(|| NameError {
                kind: "an intervention's number",
                shown: shown(text),
                accepted: "a number such as 17 or #17",
            })
    }
}

impl fmt::Display for InterventionNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.0)
    }
}

impl FromStr for InterventionNumber {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

/// The language in which the gateway speaks to someone (W6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// French.
    Fr,
    /// English.
    En,
}

impl Lang {
    /// Parses `fr` or `en`.
    ///
    /// # Errors
    /// A [`NameError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text {
            "fr" => Ok(Self::Fr),
            "en" => Ok(Self::En),
            _ => Err(NameError {
                kind: "a language",
                shown: shown(text),
                accepted: "fr or en",
            }),
        }
    }

    /// `fr` or `en`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Lang {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_no_capital_no_space_no_sign_and_is_bounded() {
        for good in ["alice", "a", "0", "a.b_c-d", &"a".repeat(64)] {
            assert_eq!(PersonId::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "Alice",
            "a b",
            "-a",
            ".a",
            "_a",
            "a+b",
            "a@b",
            "a/b",
            "é",
            "a\n",
            "a\0",
            &"a".repeat(65),
        ] {
            assert!(PersonId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_error_never_shows_a_control_character_and_stays_short() {
        let error = PersonId::parse(&format!("\u{1b}[2J\u{202e}\r\n{}", "x".repeat(10_000)))
            .unwrap_err()
            .to_string();
        assert!(error.len() < 400, "{}", error.len());
        assert!(
            !error.chars().any(|c| c.is_control() || c == '\u{202e}'),
            "{error:?}"
        );
        assert!(error.contains("accepted: "));
    }

    #[test]
    fn an_account_may_be_posix_with_capitals() {
        for good in ["postgres", "_apt", "Admin", "svc.backup"] {
            AccountName::parse(good).unwrap();
        }
        for bad in ["", "-x", ".x", "a b", "a$", "a;b"] {
            assert!(AccountName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_number_reads_with_or_without_its_sign() {
        assert_eq!(
            InterventionNumber::parse("#17").unwrap(),
            InterventionNumber(17)
        );
        assert_eq!(InterventionNumber::parse("17").unwrap().to_string(), "#17");
        for bad in ["", "#", "##1", "+1", "-1", "1.0", "99999999999999999999"] {
            assert!(InterventionNumber::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_stored_is_checked_when_it_is_read_again() {
        assert_eq!(
            serde_json::to_string(&PersonId::parse("alice").unwrap()).unwrap(),
            "\"alice\""
        );
        assert!(serde_json::from_str::<PersonId>("\"Al ice\"").is_err());
    }
}
