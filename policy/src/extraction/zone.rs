//! Which day it is somewhere: when a day's budget is over and the next one begins.
//!
//! A day begins the first time the wall clock there shows its midnight, or has jumped over it, as an hour of a schedule
//! does (`adr/0003-hours.md`): where the clock goes back over midnight, the day that has begun goes on. Time zones come
//! from the database inside the program.

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::name::shown;
use crate::schedule::{ZONES, first_shown};
use crate::time::Timestamp;

/// What is accepted as a time zone, in words.
pub const ACCEPTED_ZONE: &str = "a time zone such as \"Europe/Paris\"";

/// A time zone by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// Why a text names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a time zone; accepted: {ACCEPTED_ZONE}")]
pub struct ZoneError {
    shown: String,
}

impl Zone {
    /// UTC: where nothing else is said.
    pub const UTC: Self = Self(TimeZone::UTC);

    pub(crate) const fn of(zone: TimeZone) -> Self {
        Self(zone)
    }

    /// Parses `Europe/Paris`.
    ///
    /// # Errors
    /// A [`ZoneError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, ZoneError> {
        ZONES
            .get(text)
            .map(Self)
            .map_err(|_| ZoneError { shown: shown(text) })
    }

    /// The day that has begun there last.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> CivilDay {
        let shown = self.0.to_datetime(at.to_jiff()).date();
        // The clock went back over midnight: the next day had begun, and goes on.
        let next = shown.tomorrow().ok();
        match next.filter(|next| self.begins(*next).is_some_and(|begins| begins <= at)) {
            Some(next) => CivilDay(next),
            None => CivilDay(shown),
        }
    }

    /// When the day of `at` is over there. **Range**: end excluded, always after `at`.
    #[must_use]
    pub fn next_midnight(&self, at: Timestamp) -> Timestamp {
        let CivilDay(day) = self.day(at);
        day.tomorrow()
            .ok()
            .and_then(|next| self.begins(next))
            .filter(|midnight| at < *midnight)
            .unwrap_or(Timestamp::MAX)
    }

    fn begins(&self, day: Date) -> Option<Timestamp> {
        first_shown(&self.0, day.to_datetime(Time::midnight()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.0.iana_name().unwrap_or("UTC"))
    }
}

/// One day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CivilDay(Date);

impl fmt::Display for CivilDay {
    /// `2026-11-30`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;
    use proptest::prelude::*;

    const EACH: [&str; 8] = [
        "UTC",
        "Europe/Paris",
        // Back from 00:01 to 23:01 of the day before, until 2011.
        "America/St_Johns",
        // From 24:00 to 01:00: no midnight.
        "Africa/Cairo",
        "America/Havana",
        "America/Asuncion",
        // 30 December 2011 was left out.
        "Pacific/Apia",
        "Pacific/Kiritimati",
    ];

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn day_and_end(zone: &str, text: &str) -> (String, String) {
        let zone = Zone::parse(zone).unwrap();
        let (day, end) = (zone.day(at(text)), zone.next_midnight(at(text)));
        (day.to_string(), end.to_string())
    }

    #[test]
    fn a_day_ends_at_the_midnight_of_its_zone() {
        for (zone, instant, day, end) in [
            (
                "UTC",
                "2026-11-30T23:59:59Z",
                "2026-11-30",
                "2026-12-01T00:00:00Z",
            ),
            (
                "Europe/Paris",
                "2026-11-30T22:59:59Z",
                "2026-11-30",
                "2026-11-30T23:00:00Z",
            ),
            (
                "Europe/Paris",
                "2026-11-30T23:00:00Z",
                "2026-12-01",
                "2026-12-01T23:00:00Z",
            ),
            // 23 hours, and 25.
            (
                "Europe/Paris",
                "2027-03-27T23:00:00Z",
                "2027-03-28",
                "2027-03-28T22:00:00Z",
            ),
            (
                "Europe/Paris",
                "2026-10-24T22:00:00Z",
                "2026-10-25",
                "2026-10-25T23:00:00Z",
            ),
            // The clock jumps from 24:00 to 01:00: the day begins with the jump.
            (
                "Africa/Cairo",
                "2026-04-23T21:59:59Z",
                "2026-04-23",
                "2026-04-23T22:00:00Z",
            ),
            (
                "Africa/Cairo",
                "2026-04-23T22:00:00Z",
                "2026-04-24",
                "2026-04-24T21:00:00Z",
            ),
            // A minute after midnight the clock went back to 23:01 of a day that was over, and stays over.
            (
                "America/St_Johns",
                "2010-11-07T02:30:30Z",
                "2010-11-07",
                "2010-11-08T03:30:00Z",
            ),
            (
                "America/St_Johns",
                "2010-11-07T02:31:00Z",
                "2010-11-07",
                "2010-11-08T03:30:00Z",
            ),
            // A day that was left out.
            (
                "Pacific/Apia",
                "2011-12-30T09:59:59Z",
                "2011-12-29",
                "2011-12-30T10:00:00Z",
            ),
            (
                "Pacific/Apia",
                "2011-12-30T10:00:00Z",
                "2011-12-31",
                "2011-12-31T10:00:00Z",
            ),
        ] {
            assert_eq!(
                day_and_end(zone, instant),
                (day.into(), end.into()),
                "{zone} {instant}"
            );
        }
    }

    #[test]
    fn a_zone_that_is_none_is_refused_and_its_name_is_shown() {
        for bad in ["", "Paris", "CET+1", "Europe/Paris ", "../etc/passwd"] {
            let error = Zone::parse(bad).unwrap_err().to_string();
            assert!(error.contains("Europe/Paris"), "{error}");
        }
        assert_eq!(
            Zone::parse("Europe/Paris").unwrap().to_string(),
            "Europe/Paris"
        );
        assert_eq!(Zone::UTC.to_string(), "UTC");
    }

    proptest! {
        /// The days of every zone follow one another without a gap, and none comes back.
        #[test]
        fn days_only_go_forward(zone in prop::sample::select(EACH.to_vec()), seconds in 1_000_000_000u64..1_900_000_000, later in 0u64..200_000) {
            let zone = Zone::parse(zone).unwrap();
            let now = Timestamp::from_secs(seconds);
            let end = zone.next_midnight(now);
            prop_assert!(now < end);
            prop_assert_eq!(zone.day(end.minus(Span::from_micros(1))), zone.day(now));
            prop_assert!(zone.day(now) < zone.day(end));
            prop_assert!(zone.day(now) <= zone.day(now.plus(Span::from_secs(later))));
        }
    }
}
