//! The units of budgets: bytes, bytes a second, shares of a budget.
//!
//! A unit is always written: a bare number would be guessed. Zero means zero.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::shown;

/// The units, largest first.
const UNITS: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// The most that is counted: what every database holds.
const MOST: u64 = i64::MAX.unsigned_abs();

/// What is accepted as a number of bytes, in words.
pub const ACCEPTED_BYTES: &str =
    "a whole number with its unit B, KiB, MiB, GiB or TiB, such as \"50 MiB\"";
/// What is accepted as a pace, in words.
pub const ACCEPTED_RATE: &str = "\"1 KiB/s\" or more, such as \"1 MiB/s\"";
/// What is accepted as the share at which people are told, in words.
pub const ACCEPTED_WARN: &str = "\"1%\" to \"100%\" of the budget, such as \"70%\"";
/// What is accepted as the ceiling of a slowed budget, in words.
pub const ACCEPTED_CEILING: &str = "\"100%\" to \"1000%\" of the budget, such as \"110%\"";

/// Why a text is no size, pace or share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not {kind}; accepted: {accepted}")]
pub struct SizeError {
    kind: &'static str,
    shown: String,
    accepted: &'static str,
}

/// A number of bytes. **Unit**: decoded payload, before SSH framing. **Range**: up to 2^63 - 1.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ByteCount(u64);

impl ByteCount {
    /// None at all.
    pub const ZERO: Self = Self(0);
    /// The most that is counted.
    pub const MAX: Self = Self(MOST);

    /// Wraps bytes; what is beyond [`ByteCount::MAX`] is held there.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(if bytes > MOST { MOST } else { bytes })
    }

    /// The bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Whether it is none at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Both together; held at [`ByteCount::MAX`].
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self::new(self.0.saturating_add(more.0))
    }

    /// What is left of it; never below zero.
    #[must_use]
    pub const fn minus(self, less: Self) -> Self {
        Self(self.0.saturating_sub(less.0))
    }

    /// Parses `50 MiB`, `200MiB`, `0 B`.
    ///
    /// # Errors
    /// A [`SizeError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, SizeError> {
        parse_size(text).map(Self).ok_or_else(|| SizeError {
            kind: "a number of bytes",
            shown: shown(text),
            accepted: ACCEPTED_BYTES,
        })
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(end)?;
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, worth) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let bytes = digits.parse::<u64>().ok()?.checked_mul(*worth)?;
    (bytes <= MOST).then_some(bytes)
}

impl ByteCount {
    /// The same as one word, for what is typed: `50MiB`.
    #[must_use]
    pub fn typed(self) -> String {
        self.to_string().replace(' ', "")
    }
}

impl fmt::Display for ByteCount {
    /// As documents write it, in the largest unit that says it exactly: `50 MiB`, `200000 B`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, worth): &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(*worth);
        let (unit, worth) = UNITS.iter().find(whole).copied().unwrap_or(("B", 1));
        formatter.pad(&format!("{} {unit}", self.0 / worth))
    }
}

impl FromStr for ByteCount {
    type Err = SizeError;
    fn from_str(text: &str) -> Result<Self, SizeError> {
        Self::parse(text)
    }
}

/// A pace. **Unit**: bytes a second. **Range**: 1 KiB a second or more; what is slower holds a connection without serving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteRate(u64);

impl ByteRate {
    /// The slowest that is written.
    pub const SLOWEST: Self = Self(1 << 10);
    /// The pace of a slowed budget, unless another is written.
    pub const TRICKLE: Self = Self(8 << 10);

    /// Bytes a second; never zero.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Parses `1 MiB/s`.
    ///
    /// # Errors
    /// A [`SizeError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, SizeError> {
        text.strip_suffix("/s")
            .and_then(parse_size)
            .map(Self)
            .filter(|rate| Self::SLOWEST <= *rate)
            .ok_or_else(|| SizeError {
                kind: "a pace",
                shown: shown(text),
                accepted: ACCEPTED_RATE,
            })
    }
}

impl fmt::Display for ByteRate {
    /// As documents write it: `1 MiB/s`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&format!("{}/s", ByteCount(self.0)))
    }
}

/// A share of a budget, in whole percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

impl Percent {
    /// When people are told, unless something else is written.
    pub const WARN: Self = Self(70);
    /// Where a slowed budget ends, unless something else is written.
    pub const CEILING: Self = Self(110);

    /// The share that warns.
    pub(crate) fn parse_warn(text: &str) -> Result<Self, SizeError> {
        Self::parse(text, 1, 100, ACCEPTED_WARN)
    }

    /// The share that a slowed budget ends at.
    pub(crate) fn parse_ceiling(text: &str) -> Result<Self, SizeError> {
        Self::parse(text, 100, 1000, ACCEPTED_CEILING)
    }

    fn parse(text: &str, least: u16, most: u16, accepted: &'static str) -> Result<Self, SizeError> {
        let digits = text.strip_suffix('%').map(str::trim_end);
        digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|share| (least..=most).contains(share))
            .map(Self)
            .ok_or_else(|| SizeError {
                kind: "such a share",
                shown: shown(text),
                accepted,
            })
    }

    /// This share of a number of bytes, rounded down.
    #[must_use]
    pub fn of(self, whole: ByteCount) -> ByteCount {
        let share = u128::from(whole.0) * u128::from(self.0) / 100;
        ByteCount::new(u64::try_from(share).unwrap_or(MOST))
    }

    /// The number before `%`.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&format!("{}%", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_size_is_shown_in_the_largest_unit_that_says_it_exactly() {
        for (written, shown) in [
            ("50 MiB", "50 MiB"),
            ("200MiB", "200 MiB"),
            ("1024 KiB", "1 MiB"),
            ("1500 MiB", "1500 MiB"),
            ("200000 B", "200000 B"),
            ("0 B", "0 B"),
            ("0 GiB", "0 B"),
            ("9223372036854775807 B", "9223372036854775807 B"),
        ] {
            assert_eq!(ByteCount::parse(written).unwrap().to_string(), shown);
        }
        assert_eq!(ByteRate::parse("1 MiB/s").unwrap().to_string(), "1 MiB/s");
        assert_eq!(ByteRate::TRICKLE.to_string(), "8 KiB/s");
        assert_eq!(Percent::parse_warn("70%").unwrap().to_string(), "70%");
    }

    #[test]
    fn a_size_without_its_unit_is_refused_and_says_what_would_do() {
        for bad in [
            "",
            "50",
            "MiB",
            "50 MB",
            "50 Mo",
            "50  MiB",
            " 50 MiB",
            "50 MiB ",
            "-1 B",
            "+1 B",
            "1.5 MiB",
            "50 mib",
            "9223372036854775808 B",
            "8388608 TiB",
            "99999999999999999999 B",
            "unlimited",
        ] {
            let error = ByteCount::parse(bad).unwrap_err().to_string();
            assert!(error.contains("such as \"50 MiB\""), "{error}");
        }
        for bad in ["1 MiB", "0 B/s", "1023 B/s", "1 MiB/m", "/s", "1 MiB /s"] {
            assert!(ByteRate::parse(bad).is_err(), "{bad}");
        }
        for bad in ["0%", "101%", "70", "%", "-1%", "70 %%", "7e1%", "+7%"] {
            assert!(Percent::parse_warn(bad).is_err(), "{bad}");
        }
        for bad in ["99%", "1001%"] {
            assert!(Percent::parse_ceiling(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_is_rounded_down_and_never_wraps() {
        let share = |percent: &str, of: u64| {
            Percent::parse_ceiling(percent)
                .unwrap()
                .of(ByteCount::new(of))
                .as_u64()
        };
        assert_eq!(share("110%", 100), 110);
        assert_eq!(share("110%", 9), 9);
        assert_eq!(share("1000%", u64::MAX), ByteCount::MAX.as_u64());
    }

    proptest! {
        #[test]
        fn what_a_size_shows_reads_back(bytes in prop_oneof![any::<u64>(), (0u64..2_000, 0u32..=4).prop_map(|(n, power)| n << (10 * power))]) {
            let size = ByteCount::new(bytes);
            prop_assert_eq!(ByteCount::parse(&size.to_string()).unwrap(), size);
        }

        #[test]
        fn arithmetic_of_sizes_never_wraps(one in any::<u64>(), two in any::<u64>()) {
            let (one, two) = (ByteCount::new(one), ByteCount::new(two));
            prop_assert!(one.plus(two) >= one && one.minus(two) <= one);
        }
    }
}
