//! What is signed about a log: its name, its size, its root, and when (<https://c2sp.org/tlog-checkpoint>).

use super::hash::Hash;
use super::note::{NoteError, is_name};
use crate::layout::civil_date;

/// A log at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log, which is also the name of its key.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// When, by the gateway's clock. **Unit**: microseconds since 1970, UTC.
    pub at_us: i64,
}

impl Checkpoint {
    /// The text that is signed: origin, size, root, and the extension line `at …`.
    #[must_use]
    pub fn body(&self) -> String {
        format!(
            "{}\n{}\n{}\nat {}\n",
            self.origin,
            self.size,
            self.root.to_base64(),
            write_moment(self.at_us)
        )
    }

    /// Reads what [`Checkpoint::body`] writes, and nothing else: one log at one moment has one text.
    ///
    /// # Errors
    /// It is another text.
    pub fn parse(body: &str) -> Result<Self, NoteError> {
        let bad = |what| NoteError::Checkpoint(what);
        let mut lines = body.split('\n');
        let mut line = || lines.next().unwrap_or_default();
        let (origin, size, root, at, end) = (line(), line(), line(), line(), line());
        let checkpoint = Checkpoint {
            origin: origin.to_owned(),
            size: size
                .parse()
                .ok()
                // C2SP asks for sizes that signed 64-bit numbers hold.
                .filter(|size| *size <= i64::MAX as u64)
                .ok_or(bad("its second line is not a number of entries"))?,
            root: Hash::from_base64(root).ok_or(bad("its third line is not a root hash"))?,
            at_us: at
                .strip_prefix("at ")
                .and_then(read_moment)
                .ok_or(bad("its fourth line is not `at` and a time"))?,
        };
        if !is_name(origin) {
            return Err(bad("its first line is not the name of a log"));
        }
        if !end.is_empty() || checkpoint.body() != body {
            return Err(bad("it holds more than origin, size, root and time"));
        }
        Ok(checkpoint)
    }
}

/// `2026-11-25T10:00:00.123456Z` (RFC 3339).
#[must_use]
pub fn write_moment(micros: i64) -> String {
    let (year, month, day) = civil_date(micros.div_euclid(86_400_000_000));
    let of_day = micros.rem_euclid(86_400_000_000);
    let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{micros:06}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Reads what [`write_moment`] writes for the years 1970 to 9999, and nothing else.
#[must_use]
pub fn read_moment(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> { text.get(from..to)?.parse().ok() };
    if text.len() != 27 {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let moment = seconds * 1_000_000 + number(20, 26)?;
    // Writing it back finds every other form at once: signs, the 30th of February, hour 24, other separators.
    (year >= 1970 && write_moment(moment) == text).then_some(moment)
}

/// Days from 1970-01-01 to a date, proleptic Gregorian.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MOMENT: i64 = 1_795_600_800_123_456;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: "ecluse.example/gw1".to_owned(),
            size: 7,
            root: super::super::leaf_hash(b"x"),
            at_us: MOMENT,
        }
    }

    #[test]
    fn a_checkpoint_has_one_text() {
        let body = checkpoint().body();
        assert!(body.ends_with("\nat 2026-11-25T10:00:00.123456Z\n"));
        assert_eq!(Checkpoint::parse(&body), Ok(checkpoint()));
        for other in [
            body.replace("\n7\n", "\n07\n"),
            body.replace("\n7\n", "\n+7\n"),
            body.replace("\n7\n", "\n-7\n"),
            body.replace("\n7\n", "\n9223372036854775808\n"),
            body.replace("\n7\n", "\n99999999999999999999\n"),
            body.replace("ecluse.example", "ecluse example"),
            body.replace("ecluse.example/gw1", ""),
            body.replace(".123456Z", ".123456+00:00"),
            body.replace("at ", "At "),
            body.replace("=\n", "\n"),
            format!("{body}more\n"),
            format!("{body}\n"),
            format!("\n{body}"),
            body.trim_end().to_owned(),
            body.replace('\n', "\r\n"),
            body.split_inclusive('\n').take(3).collect(),
            String::new(),
        ] {
            assert!(Checkpoint::parse(&other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn impossible_moments_are_refused() {
        for text in [
            "2026-02-29T10:00:00.000000Z",
            "2026-13-01T10:00:00.000000Z",
            "2026-00-01T10:00:00.000000Z",
            "2026-01-00T10:00:00.000000Z",
            "2026-01-01T24:00:00.000000Z",
            "2026-01-01T23:60:00.000000Z",
            "2026-01-01T23:00:60.000000Z",
            "2026-01-01 23:00:00.000000Z",
            "2026-01-01T23:00:00,000000Z",
            "2026-01-01T23:00:00.00000+Z",
            "1969-12-31T23:59:59.999999Z",
            "2026-01-01T23:00:00.000000z",
            "2026-01-01T23:00:00.00000éZ",
        ] {
            assert_eq!(read_moment(text), None, "{text}");
        }
        assert_eq!(
            read_moment("2028-02-29T00:00:00.000000Z"),
            Some(1_835_395_200_000_000)
        );
        assert_eq!(read_moment("1970-01-01T00:00:00.000000Z"), Some(0));
    }

    proptest! {
        #[test]
        fn every_moment_comes_back(micros in 0i64..253_402_300_800_000_000) {
            prop_assert_eq!(read_moment(&write_moment(micros)), Some(micros));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = read_moment(&text);
            let _ = Checkpoint::parse(&text);
        }
    }
}
