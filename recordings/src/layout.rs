//! Where a session's files are: `<root>/<client>/<yyyy>/<mm>/<dd>/<session>/`.

use crate::{ChannelKind, RecordError, SessionFacts, Stream};
use std::path::{Path, PathBuf};

/// The journal while the session is open.
pub const LIVE: &str = "live.journal";
/// Room kept so that the closing frames fit on a full disk.
pub const RESERVE: &str = "closing.reserve";
/// What the recording consists of, signed; readable without a key.
pub const MANIFEST: &str = "manifest.json";
/// The signature over the manifest (SSHSIG); written last.
pub const SIGNATURE: &str = "manifest.json.sig";
/// The recording's key, for those who may read it (age).
pub const WRAPPED_KEY: &str = "recording.key.age";
/// Another wrapping of that key, until it is on record and takes the place of the one there.
pub const WRAPPED_KEY_NEXT: &str = "recording.key.age.next";
/// What an artefact's name ends with: zstd inside age.
pub const SEALED_SUFFIX: &str = ".zst.age";
/// What the recording holds.
pub const RECORD: &str = "session.json";
/// What was said and refused on no channel in particular.
pub const NOTES: &str = "notes.jsonl";
/// The lines people look for ([`crate::search`]).
pub const TEXT: &str = "text.jsonl";
/// The bytes of a frame that was being written when everything stopped.
pub const TORN: &str = "torn-tail.bin";
/// The live journal as it was, where the gateway that seals it cannot read it.
pub const SEALED_JOURNAL: &str = "sealed.journal";
/// A journal that cannot be trusted any more, kept as found.
pub const DAMAGED: &str = "damaged.journal";
/// Where the final files are written before they take their names.
pub const CONVERTING: &str = "converting.tmp";

/// The name of an artefact on disk: `01-shell.cast.zst.age` for `01-shell.cast`.
#[must_use]
pub fn sealed_name(name: &str) -> String {
    format!("{name}{SEALED_SUFFIX}")
}

/// The directory of a session, from its facts.
///
/// # Errors
/// Refuses a client name that could leave the root: `[a-z0-9]` then `[a-z0-9._-]`, 64 at most.
pub fn session_dir(root: &Path, facts: &SessionFacts) -> Result<PathBuf, RecordError> {
    if !is_safe_name(&facts.client) {
        return Err(RecordError::Facts {
            what: "client",
            problem: format!(
                "`{}` is not a directory name; small letters, digits, `.`, `_` and `-` are accepted, 64 at most",
                crate::neutralise(&facts.client)
            ),
        });
    }
    let (year, month, day) = civil_date(facts.started.div_euclid(86_400_000_000));
    if !(1970..=9999).contains(&year) {
        return Err(RecordError::Facts {
            what: "start",
            problem: format!(
                "the year {year} is not between 1970 and 9999; set the machine's clock"
            ),
        });
    }
    Ok(root
        .join(&facts.client)
        .join(format!("{year:04}"))
        .join(format!("{month:02}"))
        .join(format!("{day:02}"))
        .join(facts.session.to_string()))
}

pub(crate) fn is_safe_name(name: &str) -> bool {
    let mut letters = name.bytes();
    name.len() <= 64
        && letters
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
        && letters.all(|letter| {
            letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"._-".contains(&letter)
        })
}

/// `01-shell.cast`
pub(crate) fn cast_file(channel: u32, kind: ChannelKind) -> String {
    format!("{channel:02}-{}.cast", kind.word())
}

/// `01-shell.unechoed.jsonl`
pub(crate) fn unechoed_file(channel: u32, kind: ChannelKind) -> String {
    format!("{channel:02}-{}.unechoed.jsonl", kind.word())
}

/// `01-exec.output.raw`
pub(crate) fn raw_file(channel: u32, kind: ChannelKind, stream: Stream) -> String {
    format!("{channel:02}-{}.{}.raw", kind.word(), stream.word())
}

/// Year, month and day of a number of days since 1970-01-01, proleptic Gregorian.
pub(crate) fn civil_date(days: i64) -> (i64, u32, u32) {
    // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        year,
        u32::try_from(month).unwrap_or(1),
        u32::try_from(day).unwrap_or(1),
    )
}

/// `2026-11-23 10:00:00.123 UTC`, for people.
pub fn moment(micros: i64) -> String {
    let (year, month, day) = civil_date(micros.div_euclid(86_400_000_000));
    let of_day = micros.rem_euclid(86_400_000_000);
    let (seconds, millis) = (of_day / 1_000_000, of_day % 1_000_000 / 1000);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{millis:03} UTC",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days_and_centuries() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_780, (2026, 11, 23)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil_date(days), date);
        }
    }

    #[test]
    fn a_name_that_leaves_the_root_is_refused() {
        for name in [
            "",
            "..",
            ".",
            "a/b",
            "/etc",
            "A",
            "-a",
            "a\0b",
            "é",
            &"a".repeat(65),
        ] {
            assert!(!is_safe_name(name), "{name}");
        }
        assert!(is_safe_name("hopital.nord-2_b"));
    }
}
