//! The hours in which a flow is open: `mon-fri 07:00-20:00 Europe/Paris`, several with `;`, or `always`.
//!
//! A window begins the first time the wall clock shows its beginning and ends the first time the wall clock shows its
//! end, or jumps over it. So a night when the clock goes back never reopens a window that had ended, and one when it
//! goes forward never stretches one (`adr/0003-hours.md`). Time zones come from the database inside the program: two
//! machines with the same version answer alike.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::extraction::Zone;
use crate::name::shown;
use crate::time::{Span, Timestamp};

/// What is accepted, in words.
pub const ACCEPTED: &str =
    "\"always\", or windows such as \"mon-fri 07:00-20:00 Europe/Paris\", separated by \";\"";

/// Windows that touch each other for longer than this have no end: a week repeats.
const HORIZON: Span = Span::from_hours(15 * 24);
/// How far ahead an opening is looked for, in days: a week, and the days beside it.
const DAYS_AHEAD: i64 = 9;
/// The most windows in one schedule.
const MOST_WINDOWS: usize = 32;

pub(crate) static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// When something is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    /// As it was written, spaces in order.
    text: String,
    /// `None` is always.
    windows: Option<Vec<Window>>,
}

/// One window of each of some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    days: Vec<Weekday>,
    from: Time,
    /// `None` is midnight at the end of the day.
    to: Option<Time>,
    zone: TimeZone,
}

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; accepted: {ACCEPTED}")]
pub struct ScheduleError {
    problem: String,
}

fn wrong(problem: impl Into<String>) -> ScheduleError {
    ScheduleError {
        problem: problem.into(),
    }
}

impl Schedule {
    /// Parses a schedule.
    ///
    /// # Errors
    /// A [`ScheduleError`] that says what would be accepted.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        if text.trim() == "always" {
            return Ok(Self {
                text: "always".to_owned(),
                windows: None,
            });
        }
        let parts: Vec<String> = text
            .split(';')
            .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        if parts.len() > MOST_WINDOWS {
            return Err(wrong(format!("more than {MOST_WINDOWS} windows")));
        }
        let windows = parts
            .iter()
            .map(|part| Window::parse(part))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            text: parts.join("; "),
            windows: Some(windows),
        })
    }

    /// The time zones that it names.
    pub fn zones(&self) -> impl Iterator<Item = Zone> {
        let windows = self.windows.iter().flatten();
        windows.map(|window| Zone::of(window.zone.clone()))
    }

    /// Whether it is open at that instant.
    #[must_use]
    pub fn open_at(&self, at: Timestamp) -> bool {
        match &self.windows {
            None => true,
            Some(windows) => intervals(windows, at, 0)
                .iter()
                .any(|(from, to)| *from <= at && at < *to),
        }
    }

    /// When it closes after `at`, windows that touch taken together. `None` when it never does. **Range**: end excluded.
    ///
    /// Where it is not open, that is `at` itself: nothing is left.
    #[must_use]
    pub fn closes_after(&self, at: Timestamp) -> Option<Timestamp> {
        let windows = self.windows.as_ref()?;
        let mut until = at;
        loop {
            let further = intervals(windows, until, 0)
                .into_iter()
                .filter(|(from, to)| *from <= until && until < *to);
            match further.map(|(_, to)| to).max() {
                None => return Some(until),
                Some(to) if to.since(at) > HORIZON => return None,
                Some(to) => until = to,
            }
        }
    }

    /// When it opens next: `at` itself where it is open; `None` when it does not within nine days.
    #[must_use]
    pub fn opens_after(&self, at: Timestamp) -> Option<Timestamp> {
        if self.open_at(at) {
            return Some(at);
        }
        let windows = self.windows.as_ref()?;
        intervals(windows, at, DAYS_AHEAD)
            .into_iter()
            .map(|(from, _)| from)
            .filter(|from| *from > at)
            .min()
    }
}

/// The windows that begin in the two days before `at` or up to `ahead` days after its day and the next.
fn intervals(windows: &[Window], at: Timestamp, ahead: i64) -> Vec<(Timestamp, Timestamp)> {
    windows
        .iter()
        .flat_map(|window| window.intervals(at, ahead))
        .collect()
}

impl Window {
    fn parse(text: &str) -> Result<Self, ScheduleError> {
        let [days, hours, zone] = text
            .split(' ')
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|_| {
                wrong(format!(
                    "`{}` is not days, hours and a time zone",
                    shown(text)
                ))
            })?;
        let (from, to) = hours
            .split_once('-')
            .ok_or_else(|| wrong(format!("`{}` is not HH:MM-HH:MM", shown(hours))))?;
        let from =
            clock(from)?.ok_or_else(|| wrong("a window does not begin at 24:00; write 00:00"))?;
        let to = clock(to)?;
        if to == Some(from) {
            return Err(wrong(format!(
                "`{}` begins and ends at once; the whole day is 00:00-24:00",
                shown(hours)
            )));
        }
        let zone = ZONES.get(zone).map_err(|_| {
            wrong(format!(
                "`{}` is not a time zone such as Europe/Paris",
                shown(zone)
            ))
        })?;
        Ok(Self {
            days: parse_days(days)?,
            from,
            to,
            zone,
        })
    }

    fn intervals(&self, at: Timestamp, ahead: i64) -> Vec<(Timestamp, Timestamp)> {
        let today = self.zone.to_datetime(at.to_jiff()).date();
        // A window over midnight began yesterday; the day before that covers the width of any change of the clock.
        (-2..=ahead.saturating_add(1))
            .filter_map(|offset| {
                today
                    .checked_add(jiff::Span::new().try_days(offset).ok()?)
                    .ok()
            })
            .filter(|day| self.days.contains(&day.weekday()))
            .filter_map(|day| self.on(day))
            .collect()
    }

    /// The window that begins on `day`. `None` when the clock jumps over all of it.
    fn on(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let over_midnight = self.to.is_none_or(|to| to <= self.from);
        let last = if over_midnight {
            day.tomorrow().ok()?
        } else {
            day
        };
        let from = first_shown(&self.zone, day.to_datetime(self.from))?;
        let to = first_shown(
            &self.zone,
            last.to_datetime(self.to.unwrap_or(Time::midnight())),
        )?;
        (from < to).then_some((from, to))
    }
}

/// The first instant when the wall clock shows `wall`, or has jumped over it.
pub(crate) fn first_shown(zone: &TimeZone, wall: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let instant = match ambiguous.offset() {
        jiff::tz::AmbiguousOffset::Unambiguous { .. } | jiff::tz::AmbiguousOffset::Fold { .. } => {
            ambiguous.earlier().ok()?
        }
        // In a gap, `earlier` lies before the jump and `later` after it: the jump is the first change in between.
        jiff::tz::AmbiguousOffset::Gap { .. } => {
            let before = ambiguous.earlier().ok()?;
            zone.following(before).next()?.timestamp()
        }
    };
    Some(Timestamp::from_jiff(instant))
}

/// `HH:MM`; `None` is 24:00.
fn clock(text: &str) -> Result<Option<Time>, ScheduleError> {
    let refused = || wrong(format!("`{}` is not a time HH:MM", shown(text)));
    if text == "24:00" {
        return Ok(None);
    }
    let (hours, minutes) = text.split_once(':').ok_or_else(refused)?;
    let two_digits = |part: &str| -> Option<i8> {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse().ok())
            .flatten()
    };
    let (hours, minutes) = two_digits(hours)
        .zip(two_digits(minutes))
        .ok_or_else(refused)?;
    Time::new(hours, minutes, 0, 0)
        .map(Some)
        .map_err(|_| refused())
}

/// `mon-fri`, `sat-mon` (over the week's end), `mon,wed`, `sun`.
fn parse_days(text: &str) -> Result<Vec<Weekday>, ScheduleError> {
    let position = |name: &str| {
        DAYS.iter()
            .position(|(day, _)| *day == name)
            .ok_or_else(|| {
                wrong(format!(
                    "`{}` is not a day: mon tue wed thu fri sat sun",
                    shown(name)
                ))
            })
    };
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (position(first)?, position(last)?);
        let length = (last + 7 - first) % 7 + 1;
        for (_, day) in DAYS.iter().cycle().skip(first).take(length) {
            if days.contains(day) {
                return Err(wrong(format!("`{}` names a day twice", shown(text))));
            }
            days.push(*day);
        }
    }
    Ok(days)
}

impl fmt::Display for Schedule {
    /// As it is written in a document.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleError;
    fn try_from(text: String) -> Result<Self, ScheduleError> {
        Self::parse(&text)
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> String {
        schedule.text
    }
}
