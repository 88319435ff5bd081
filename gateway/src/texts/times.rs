//! Times as people read and type them.
//!
//! The gateway's time is UTC and says so. Where a flow names a time zone, the time there stands beside
//! it, because that is the clock on the operator's wall.

use ecluse_policy::{Lang, Span, Timestamp};
use jiff::civil;
use jiff::tz::TimeZone;

/// `14:02 UTC`, or `2026-11-23 14:02 UTC` when it is another day than `now`; with a zone,
/// `14:02 UTC (15:02 Europe/Paris)`.
pub fn moment(at: Timestamp, now: Timestamp, zone: Option<&TimeZone>) -> String {
    let utc = zoned(at, &TimeZone::UTC);
    let text = if utc.date() == zoned(now, &TimeZone::UTC).date() {
        utc.strftime("%H:%M UTC").to_string()
    } else {
        utc.strftime("%Y-%m-%d %H:%M UTC").to_string()
    };
    let Some(name) = zone
        .and_then(TimeZone::iana_name)
        .filter(|name| *name != "UTC")
    else {
        return text;
    };
    let there = zoned(at, zone.unwrap_or(&TimeZone::UTC));
    let pattern = if there.date() == utc.date() {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    format!("{text} ({} {name})", there.strftime(pattern))
}

/// `14:02:49 UTC`, with its date when it is another day than `now`.
pub fn to_the_second(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (zoned(at, &TimeZone::UTC), zoned(now, &TimeZone::UTC));
    let pattern = if at.date() == now.date() {
        "%H:%M:%S UTC"
    } else {
        "%Y-%m-%d %H:%M:%S UTC"
    };
    at.strftime(pattern).to_string()
}

/// `14:02`, for the live line; with its date when it is another day than `now`.
pub fn clock(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (zoned(at, &TimeZone::UTC), zoned(now, &TimeZone::UTC));
    let pattern = if at.date() == now.date() {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    at.strftime(pattern).to_string()
}

/// `2026-11-23 14:02 UTC`, always with its date: for sentences about a day.
pub fn dated(at: Timestamp) -> String {
    zoned(at, &TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M UTC")
        .to_string()
}

/// `2026-11-23 14:02`, for tables whose head says UTC.
pub fn date_and_clock(at: Timestamp) -> String {
    zoned(at, &TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

/// A countdown: `29:12`, `1:29:12`, `2 d 3 h`.
pub fn countdown(lang: Lang, left: Span) -> String {
    let seconds = left.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let seconds = seconds % 60;
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, hours) => format!("{hours}:{minutes:02}:{seconds:02}"),
        (days, hours) if lang == Lang::Fr => format!("{days} j {hours} h"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

/// A length to the second, as it is typed: `1h30m`. Lengths of machines (`29m59.98s`) are rounded up.
pub fn length(span: Span) -> String {
    let seconds = span.as_micros().div_ceil(1_000_000);
    Span::from_secs(seconds).to_string()
}

/// The same as a reader of `lang` types it: `365j` in French.
pub fn length_in(lang: Lang, span: Span) -> String {
    let typed = length(span);
    match lang {
        Lang::Fr => typed.replace('d', "j"),
        Lang::En => typed,
    }
}

/// A length in words, for a sentence: `5 minutes`, `1 heure 30 minutes`.
pub fn spelled(lang: Lang, span: Span) -> String {
    const UNITS: [(u64, &str, &str); 4] = [
        (86_400, "day", "jour"),
        (3_600, "hour", "heure"),
        (60, "minute", "minute"),
        (1, "second", "seconde"),
    ];
    let mut left = span.as_micros().div_ceil(1_000_000);
    let mut parts = Vec::new();
    for (worth, english, french) in UNITS {
        let count = left / worth;
        left %= worth;
        let unit = match lang {
            Lang::En => english,
            Lang::Fr => french,
        };
        match count {
            0 => {}
            1 => parts.push(format!("1 {unit}")),
            count => parts.push(format!("{count} {unit}s")),
        }
    }
    if parts.is_empty() {
        let unit = if lang == Lang::Fr {
            "seconde"
        } else {
            "seconds"
        };
        return format!("0 {unit}");
    }
    parts.join(" ")
}

/// Reads a time that a person typed: `14:30` (the next one), `2026-11-23T14:30`, `2026-11-23 14:30`, both
/// in `zone`, or RFC 3339 with its offset. `None` when it is none of these, or does not exist in the zone.
pub fn parse_typed(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = Timestamp::parse(text) {
        return Some(at);
    }
    let at_civil = |when: civil::DateTime| {
        let instant = when.to_zoned(zone.clone()).ok()?.timestamp();
        Some(Timestamp::from_micros(instant.as_microsecond()))
    };
    if is_hour(text) {
        let time = time_of_day(text)?;
        let today = zoned(now, zone).date();
        let at = at_civil(today.to_datetime(time))?;
        return if at > now {
            Some(at)
        } else {
            at_civil(today.tomorrow().ok()?.to_datetime(time))
        };
    }
    let forms = [
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
    ];
    let when = forms
        .iter()
        .find_map(|form| civil::DateTime::strptime(form, text).ok())?;
    at_civil(when)
}

/// Reads a time of day: `17:00`, `17:02:49` or `17:02:49.297`.
pub fn time_of_day(typed: &str) -> Option<civil::Time> {
    let typed = typed.trim();
    ["%H:%M", "%H:%M:%S", "%H:%M:%S%.f"]
        .iter()
        .find_map(|form| civil::Time::strptime(form, typed).ok())
}

/// How long after `start` it is first that time of day, UTC. A minute that was under way at the start is the start.
pub fn since_start(time: civil::Time, start: Timestamp) -> std::time::Duration {
    let began = zoned(start, &TimeZone::UTC);
    let day = |date: civil::Date| date.to_datetime(time).to_zoned(TimeZone::UTC).ok();
    let today = day(began.date());
    // Written without its seconds, a time is the minute.
    let minute = time.second() == 0 && time.subsec_nanosecond() == 0;
    if minute && (began.hour(), began.minute()) == (time.hour(), time.minute()) {
        return std::time::Duration::ZERO;
    }
    let at = match today {
        Some(today) if today < began => began.date().tomorrow().ok().and_then(day),
        today => today,
    };
    at.and_then(|at| std::time::Duration::try_from(began.duration_until(&at)).ok())
        .unwrap_or(std::time::Duration::MAX)
}

/// Reads a length as a person types it: `2h`, `1h30m`, also `1h30`, `2 h` and `90 min`. Documents and settings are read
/// strictly ([`Span::parse`]).
pub fn parse_length(typed: &str) -> Option<Span> {
    let compact: String = typed
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect();
    let mut compact = compact.replace("min", "m").replace('j', "d");
    // `1h30` is how a clock is read aloud: minutes, two digits and no other unit after them.
    if let Some((_, minutes)) = compact.rsplit_once('h')
        && minutes.len() == 2
        && minutes.bytes().all(|digit| digit.is_ascii_digit())
        && minutes < "60"
    {
        compact.push('m');
    }
    Span::parse(&compact).ok()
}

/// Reads a moment in the past, UTC: a length before `now` (`2d`), a day (`2026-11-23`, its start), a time of the last 24
/// hours (`07:50`), or a day and a time.
pub fn parse_past(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(ago) = parse_length(text) {
        return Some(now.minus(ago));
    }
    // Read as a whole: a day's own parser takes what follows it for nothing.
    if let Ok(day) = civil::Date::strptime("%Y-%m-%d", text) {
        let start = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
        return Some(Timestamp::from_micros(start.as_microsecond()));
    }
    let at = parse_typed(text, now, &TimeZone::UTC)?;
    // An hour without its day is the last one that was.
    if at > now && is_hour(text) {
        return parse_typed(text, now.minus(Span::from_hours(24)), &TimeZone::UTC);
    }
    Some(at)
}

/// Whether a time was typed without its day.
fn is_hour(text: &str) -> bool {
    let text = text.trim();
    !text.contains('-') && time_of_day(text).is_some()
}

fn zoned(at: Timestamp, zone: &TimeZone) -> jiff::Zoned {
    jiff::Timestamp::from_microsecond(at.as_micros())
        .unwrap_or(jiff::Timestamp::MAX)
        .to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn another_day_is_named_and_the_zone_stands_beside() {
        let now = at("2026-11-23T10:00:00Z");
        let paris = TimeZone::get("Europe/Paris").unwrap();
        assert_eq!(moment(at("2026-11-23T14:02:00Z"), now, None), "14:02 UTC");
        assert_eq!(
            moment(at("2026-11-24T14:02:00Z"), now, Some(&paris)),
            "2026-11-24 14:02 UTC (15:02 Europe/Paris)"
        );
        assert_eq!(
            moment(at("2026-11-23T23:30:00Z"), now, Some(&paris)),
            "23:30 UTC (2026-11-24 00:30 Europe/Paris)"
        );
    }

    /// Whoever reads of a day needs the day, above all on that day.
    #[test]
    fn a_day_is_never_said_without_its_date() {
        let midnight = at("2026-11-28T00:00:00Z");
        assert_eq!(dated(midnight), "2026-11-28 00:00 UTC");
        assert_eq!(clock(midnight, at("2026-11-28T10:00:00Z")), "00:00");
        assert_eq!(
            clock(midnight, at("2026-11-29T10:00:00Z")),
            "2026-11-28 00:00"
        );
    }

    #[test]
    fn a_typed_hour_is_the_next_one_in_the_zone_of_the_flow() {
        let now = at("2026-11-23T10:00:00Z");
        let paris = TimeZone::get("Europe/Paris").unwrap();
        assert_eq!(
            parse_typed("11:30", now, &paris),
            Some(at("2026-11-23T10:30:00Z"))
        );
        assert_eq!(
            parse_typed("10:30", now, &paris),
            Some(at("2026-11-24T09:30:00Z"))
        );
        assert_eq!(
            parse_typed("2026-12-01 08:00", now, &TimeZone::UTC),
            Some(at("2026-12-01T08:00:00Z"))
        );
        for nonsense in ["25:00", "8", "tomorrow", "10:3x", ""] {
            assert_eq!(parse_typed(nonsense, now, &paris), None, "{nonsense}");
        }
    }

    /// A moment that was keeps its time, and an hour is the last one.
    #[test]
    fn a_typed_moment_of_the_past_keeps_its_time() {
        let now = at("2026-11-29T10:00:00Z");
        for (typed, read) in [
            ("2026-11-29T07:50", "2026-11-29T07:50:00Z"),
            ("2026-11-29 07:50", "2026-11-29T07:50:00Z"),
            ("2026-11-29T07:50:30", "2026-11-29T07:50:30Z"),
            ("2026-11-29T07:50:00Z", "2026-11-29T07:50:00Z"),
            ("2026-11-29T08:50:00+01:00", "2026-11-29T07:50:00Z"),
            ("2026-11-29", "2026-11-29T00:00:00Z"),
            ("07:50", "2026-11-29T07:50:00Z"),
            ("7:50", "2026-11-29T07:50:00Z"),
            ("07:50:30", "2026-11-29T07:50:30Z"),
            ("10:00:01", "2026-11-28T10:00:01Z"),
            ("10:00", "2026-11-29T10:00:00Z"),
            ("10:01", "2026-11-28T10:01:00Z"),
            ("2h", "2026-11-29T08:00:00Z"),
        ] {
            assert_eq!(parse_past(typed, now), Some(at(read)), "{typed}");
        }
        for nonsense in ["2026-11-29T", "2026-11-29x", "2026-11-29T7", "29", ""] {
            assert_eq!(parse_past(nonsense, now), None, "{nonsense}");
        }
    }

    #[test]
    fn lengths_are_typed_as_people_say_them() {
        let minutes = |count| Some(Span::from_mins(count));
        for (typed, read) in [
            ("1h30", minutes(90)),
            ("1 h 30", minutes(90)),
            ("1H05", minutes(65)),
            ("1j2h30", minutes(24 * 60 + 150)),
            ("1h30m", minutes(90)),
            ("90 min", minutes(90)),
            ("2 j", minutes(2 * 24 * 60)),
            ("1h5", None),
            ("1h60", None),
            ("1h300", None),
            ("h30", None),
            ("30", None),
            ("", None),
        ] {
            assert_eq!(parse_length(typed), read, "{typed}");
        }
        let now = at("2026-11-29T10:00:00Z");
        assert_eq!(parse_past("1h30", now), Some(at("2026-11-29T08:30:00Z")));
    }

    /// R10: the times that a transcript prints are places in it.
    #[test]
    fn a_time_of_day_is_counted_from_the_start() {
        let start = at("2026-11-29T23:58:30Z");
        for (typed, seconds) in [
            ("23:59", 30.0),
            ("23:58:31.5", 1.5),
            ("23:58", 0.0),
            ("00:00", 90.0),
            ("0:00:00.250", 90.25),
        ] {
            let time = time_of_day(typed).unwrap();
            assert_eq!(since_start(time, start).as_secs_f64(), seconds, "{typed}");
        }
        for nonsense in ["24:00", "17", "17h", "17:00:00Z", "2026-11-29", ""] {
            assert_eq!(time_of_day(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn lengths_in_a_sentence_are_words() {
        for (seconds, fr, en) in [
            (300, "5 minutes", "5 minutes"),
            (5_400, "1 heure 30 minutes", "1 hour 30 minutes"),
            (
                90_061,
                "1 jour 1 heure 1 minute 1 seconde",
                "1 day 1 hour 1 minute 1 second",
            ),
            (0, "0 seconde", "0 seconds"),
        ] {
            assert_eq!(spelled(Lang::Fr, Span::from_secs(seconds)), fr);
            assert_eq!(spelled(Lang::En, Span::from_secs(seconds)), en);
        }
    }

    #[test]
    fn countdowns_read_alike_at_every_scale() {
        assert_eq!(countdown(Lang::En, Span::from_secs(1_752)), "29:12");
        assert_eq!(countdown(Lang::En, Span::from_secs(3_605)), "1:00:05");
        assert_eq!(
            countdown(Lang::Fr, Span::from_secs(2 * 86_400 + 3 * 3_600)),
            "2 j 3 h"
        );
    }
}
