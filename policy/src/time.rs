//! Instants and durations. Time is an argument everywhere: nothing here reads a clock.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::shown;

const MICROS_PER_SECOND: u64 = 1_000_000;

/// One instant. **Unit**: microseconds since 1970-01-01T00:00:00Z, UTC.
///
/// Arithmetic stops at the ends of the range: a far future never wraps into the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Why a text is not a time or a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not {kind}; accepted: {accepted}")]
pub struct TimeError {
    /// What the text was meant to be, with its article.
    pub kind: &'static str,
    /// The text, escaped and shortened.
    pub shown: String,
    /// What would be accepted.
    pub accepted: &'static str,
}

impl Timestamp {
    /// The last instant that can be written.
    pub const MAX: Self = Self(i64::MAX);

    /// Wraps microseconds since 1970, UTC.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970, UTC.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Wraps whole seconds since 1970, UTC, as certificates count them.
    #[must_use]
    pub fn from_secs(seconds: u64) -> Self {
        let micros = seconds.saturating_mul(MICROS_PER_SECOND);
        Self(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// The instant `span` later.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }

    /// The instant `span` earlier.
    #[must_use]
    pub fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0))
    }

    /// How long after `earlier` this is; zero when it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Span {
        if self <= earlier {
            Span::ZERO
        } else {
            Span(self.0.abs_diff(earlier.0))
        }
    }

    /// Parses an RFC 3339 instant, `2026-11-23T10:00:00Z`, with any offset.
    ///
    /// # Errors
    /// A [`TimeError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let refused = || TimeError {
            kind: "an instant",
            shown: shown(text),
            accepted: "RFC 3339 with an offset, such as 2026-11-23T10:00:00Z",
        };
        let instant: jiff::Timestamp = text.parse().map_err(|_| refused())?;
        Ok(Self(instant.as_microsecond()))
    }

    /// Parses the last day of something, `2027-12-31`: the instant when that day ends, UTC. An RFC 3339 instant is
    /// taken as it is.
    ///
    /// # Errors
    /// A [`TimeError`] that says what would be accepted.
    pub fn parse_last_day(text: &str) -> Result<Self, TimeError> {
        let refused = || TimeError {
            kind: "a last day",
            shown: shown(text),
            accepted: "the last valid day, such as \"2027-12-31\" (until it ends, UTC), or an instant such as \"2027-12-31T18:00:00Z\"",
        };
        if text.contains(['T', 't']) {
            return Self::parse(text).map_err(|_| refused());
        }
        let well_formed = text.len() == 10
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-');
        let day: jiff::civil::Date = text
            .parse()
            .ok()
            .filter(|_| well_formed)
            .ok_or_else(refused)?;
        let next = day.tomorrow().map_err(|_| refused())?;
        let midnight = next
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(|_| refused())?;
        Ok(Self(midnight.timestamp().as_microsecond()))
    }

    /// The same for whoever reads it: `2027-12-31` where that day is the last, the instant otherwise.
    #[must_use]
    pub fn last_day(self) -> String {
        let day = self.minus(Span::from_micros(1)).to_jiff();
        let day = day.to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
        match Self::parse_last_day(&day) {
            Ok(ends_at) if ends_at == self => day,
            Ok(_) | Err(_) => self.to_string(),
        }
    }

    pub(crate) fn to_jiff(self) -> jiff::Timestamp {
        // Outside jiff's range (year 9999) an instant is held at its edge: comparisons stay in order.
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }

    pub(crate) fn from_jiff(instant: jiff::Timestamp) -> Self {
        Self(instant.as_microsecond())
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the second: `2026-11-23T10:00:00Z`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        match jiff::Timestamp::from_second(seconds) {
            Ok(instant) => formatter.pad(&instant.to_string()),
            Err(_) => formatter.pad(if seconds < 0 {
                "before all dates"
            } else {
                "after all dates"
            }),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::parse(text)
    }
}

/// One duration. **Unit**: microseconds. Zero means zero.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(u64);

/// The units of a written duration, longest first, in seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Wraps microseconds.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Wraps whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Wraps whole minutes.
    #[must_use]
    pub const fn from_mins(minutes: u64) -> Self {
        Self::from_secs(minutes.saturating_mul(60))
    }

    /// Wraps whole hours.
    #[must_use]
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_secs(hours.saturating_mul(3_600))
    }

    /// Whole seconds, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / MICROS_PER_SECOND
    }

    /// The same length for timers.
    #[must_use]
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(self.0)
    }

    /// Whether it is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Parses `4h`, `1h30m`, `90s`, `2d`: numbers with their unit, longest unit first, each unit once.
    ///
    /// # Errors
    /// A [`TimeError`]; a number without a unit is refused rather than guessed.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        Self::parse_seconds(text).and_then(|seconds| seconds.checked_mul(MICROS_PER_SECOND)).map(Self).ok_or_else(|| TimeError {
            kind: "a duration",
            shown: shown(text),
            accepted: "numbers with their unit d, h, m or s, longest first, such as 4h, 1h30m, 90s or 2d",
        })
    }

    fn parse_seconds(text: &str) -> Option<u64> {
        let mut seconds = 0u64;
        let mut rest = text;
        let mut units = UNITS.iter();
        while !rest.is_empty() {
            let digits_end = rest.find(|character: char| !character.is_ascii_digit())?;
            let (digits, tail) = rest.split_at_checked(digits_end)?;
            let unit = tail.chars().next()?;
            let (_, worth) = units.find(|(letter, _)| *letter == unit)?;
            seconds = seconds.checked_add(digits.parse::<u64>().ok()?.checked_mul(*worth)?)?;
            rest = tail.get(unit.len_utf8()..)?;
        }
        (!text.is_empty()).then_some(seconds)
    }
}

impl fmt::Display for Span {
    /// As it is written in documents, to the second, rounded down: `1h30m`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.as_secs();
        let mut text = String::new();
        for (letter, worth) in UNITS {
            let count = left / worth;
            left %= worth;
            if count > 0 {
                text.push_str(&count.to_string());
                text.push(letter);
            }
        }
        formatter.pad(if text.is_empty() { "0s" } else { &text })
    }
}

impl FromStr for Span {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_instant_is_shown_in_utc_to_the_second() {
        let at = Timestamp::parse("2026-11-23T11:00:00.75+01:00").unwrap();
        assert_eq!(at.to_string(), "2026-11-23T10:00:00Z");
        assert_eq!(at.as_micros() % 1_000_000, 750_000);
        assert_eq!(
            Timestamp::from_micros(-1).to_string(),
            "1969-12-31T23:59:59Z"
        );
        assert_eq!(Timestamp::MAX.to_string(), "after all dates");
    }

    #[test]
    fn a_last_day_lasts_until_its_end() {
        assert_eq!(
            Timestamp::parse_last_day("2027-12-31").unwrap().to_string(),
            "2028-01-01T00:00:00Z"
        );
        assert_eq!(
            Timestamp::parse_last_day("2027-12-31T18:00:00Z")
                .unwrap()
                .to_string(),
            "2027-12-31T18:00:00Z"
        );
        for written in ["2027-12-31", "2027-12-31T18:00:00Z", "2026-02-28"] {
            let ends_at = Timestamp::parse_last_day(written).unwrap();
            assert_eq!(ends_at.last_day(), written);
        }
        for bad in [
            "",
            "2027-02-30",
            "2027",
            "31/12/2027",
            "2027-12-31T18:00",
            "20271231",
            "9999-12-31",
            "+002027-12-31",
        ] {
            assert!(Timestamp::parse_last_day(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_duration_without_its_unit_is_refused() {
        for bad in [
            "",
            "4",
            "h",
            "4 h",
            "1h30",
            "30m1h",
            "1h1h",
            "-1h",
            "1.5h",
            "4H",
            "1w",
            "99999999999999999999s",
            "213503982334602d",
        ] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Span::parse("0s").unwrap(), Span::ZERO);
        assert_eq!(Span::parse("1h30m").unwrap(), Span::from_secs(5_400));
        assert_eq!(Span::parse("90m").unwrap().to_string(), "1h30m");
    }

    proptest! {
        #[test]
        fn what_a_duration_shows_reads_back(seconds in 0u64..10_000_000_000) {
            let span = Span::from_secs(seconds);
            prop_assert_eq!(Span::parse(&span.to_string()).unwrap(), span);
        }

        #[test]
        fn time_arithmetic_never_wraps(at in any::<i64>(), by in any::<u64>()) {
            let (at, by) = (Timestamp::from_micros(at), Span::from_micros(by));
            prop_assert!(at.plus(by) >= at && at.minus(by) <= at);
        }
    }
}
