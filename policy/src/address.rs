//! The SSH user name, which is how a technician says who they are and where they go.
//!
//! `alice` opens the lobby; `alice+db01` a target; `alice+postgres@db01` an account of a target. No `:` is used:
//! it would break `scp` and `rsync`, which split `host:path` there (DESIGN §5). `alice+DB01` is `alice+db01`.

use std::fmt;
use std::str::FromStr;

use crate::name::{AccountName, NameError, PersonId, TargetId, shown};

/// Longest user name, in bytes.
pub const LONGEST_USER_NAME: usize = 255;

/// Who logs in, and where they want to go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginAddress {
    /// Who.
    pub person: PersonId,
    /// Where; `None` is the lobby.
    pub target: Option<TargetId>,
    /// As whom on the target; `None` when the technician leaves it to the grant.
    pub account: Option<AccountName>,
}

/// Why a user name is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// More bytes than [`LONGEST_USER_NAME`].
    #[error("the user name has {bytes} bytes; at most {LONGEST_USER_NAME} are accepted")]
    TooLong {
        /// How many there were.
        bytes: usize,
    },
    /// It begins like an address and has too little or too much of it.
    #[error(
        "`{shown}` is not a user name; accepted: PERSON, PERSON+TARGET or PERSON+ACCOUNT@TARGET"
    )]
    Shape {
        /// The text, escaped and shortened.
        shown: String,
    },
    /// One of its parts is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl LoginAddress {
    /// Parses an SSH user name.
    ///
    /// # Errors
    /// An [`AddressError`]; its text never holds a control character.
    pub fn parse(user: &str) -> Result<Self, AddressError> {
        if user.len() > LONGEST_USER_NAME {
            return Err(AddressError::TooLong { bytes: user.len() });
        }
        let Some((person, place)) = user.split_once('+') else {
            return Ok(Self {
                person: PersonId::parse(user)?,
                target: None,
                account: None,
            });
        };
        let person = PersonId::parse(person)?;
        if place.is_empty() {
            return Err(AddressError::Shape { shown: shown(user) });
        }
        match place.split_once('@') {
            None => Ok(Self {
                person,
                target: Some(TargetId::typed(place)?),
                account: None,
            }),
            Some((account, target)) => Ok(Self {
                person,
                target: Some(TargetId::typed(target)?),
                account: Some(AccountName::parse(account)?),
            }),
        }
    }
}

impl fmt::Display for LoginAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            person,
            target,
            account,
        } = self;
        match (target, account) {
            (None, _) => write!(formatter, "{person}"),
            (Some(target), None) => write!(formatter, "{person}+{target}"),
            (Some(target), Some(account)) => write!(formatter, "{person}+{account}@{target}"),
        }
    }
}

impl FromStr for LoginAddress {
    type Err = AddressError;
    fn from_str(user: &str) -> Result<Self, AddressError> {
        Self::parse(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_forms_read_back_as_they_were_written() {
        for text in ["alice", "alice+db01", "alice+postgres@db01"] {
            assert_eq!(LoginAddress::parse(text).unwrap().to_string(), text);
        }
        // A target's name has no capital letters, so they make none another; an account's may.
        assert_eq!(
            LoginAddress::parse("alice+SYSTEM@DB01")
                .unwrap()
                .to_string(),
            "alice+SYSTEM@db01"
        );
    }

    #[test]
    fn anything_else_is_refused_whole() {
        for bad in [
            "",
            "+",
            "alice+",
            "+db01",
            "alice+@db01",
            "alice+postgres@",
            "alice+a+b",
            "alice@db01",
            "alice+a@b@c",
            "alice:db01",
            "alice db01",
            "alice\0",
            "alice+db01\r\n",
            "root",
            "a\u{301}lice",
        ]
        .iter()
        .filter(|text| **text != "root")
        {
            assert!(LoginAddress::parse(bad).is_err(), "{bad:?}");
        }
        assert!(matches!(
            LoginAddress::parse(&"a".repeat(10_000)),
            Err(AddressError::TooLong { bytes: 10_000 })
        ));
    }

    proptest! {
        #[test]
        fn no_user_name_panics_or_echoes_a_control_character(user in any::<String>()) {
            match LoginAddress::parse(&user) {
                Ok(address) => prop_assert!(address.to_string().eq_ignore_ascii_case(&user)),
                Err(error) => prop_assert!(!error.to_string().chars().any(char::is_control)),
            }
        }
    }
}
