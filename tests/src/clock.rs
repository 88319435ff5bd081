//! The gateway's time, as its clients must know it to make codes.
//!
//! A site may give its gateway a clock of its own through libfaketime, which reads an offset from a file: hours, expiries and
//! late codes then pass at once, and the gateway has no test door. Only the civil clock is moved; timers stay true.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::Site;
use crate::layout::write_private;

/// The civil clock of a site's gateway.
#[derive(Debug, Clone)]
pub struct Clock {
    offset: Option<PathBuf>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn real() -> Self {
        Self { offset: None }
    }

    /// A clock that [`Clock::advance`] moves, with its offset kept in `file`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn movable(file: PathBuf) -> Result<Self> {
        write_private(&file, "+0\n")?;
        Ok(Self { offset: Some(file) })
    }

    /// The clock of a site that runs already.
    #[must_use]
    pub fn of(root: &Path) -> Self {
        let file = root.join("clock");
        Self {
            offset: file.exists().then_some(file),
        }
    }

    /// Seconds since 1970 on the gateway.
    ///
    /// # Errors
    /// When the offset cannot be read.
    pub fn seconds(&self) -> Result<i64> {
        Ok(self.micros()?.div_euclid(1_000_000))
    }

    /// Microseconds since 1970 on the gateway.
    ///
    /// # Errors
    /// When the offset cannot be read.
    pub fn micros(&self) -> Result<i64> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock stands before 1970")?;
        Ok(i64::try_from(since.as_micros())?
            .saturating_add(self.offset_seconds()?.saturating_mul(1_000_000)))
    }

    /// Moves the gateway's clock; `seconds` may be negative.
    ///
    /// # Errors
    /// When this site's clock cannot be moved.
    pub fn advance(&self, seconds: i64) -> Result<()> {
        let file = self
            .offset
            .as_ref()
            .context("this site runs on the machine's clock: plan it with `movable_clock`")?;
        let next = self.offset_seconds()?.saturating_add(seconds);
        write_private(file, &format!("{next:+}\n"))
    }

    /// Whether [`Clock::advance`] works.
    #[must_use]
    pub fn is_movable(&self) -> bool {
        self.offset.is_some()
    }

    /// What the gateway's process needs in its environment.
    ///
    /// # Errors
    /// When libfaketime is not installed.
    pub fn environment(&self) -> Result<Vec<(&'static str, String)>> {
        let Some(file) = &self.offset else {
            return Ok(Vec::new());
        };
        let library = library().context(
            "libfaketime is missing: run tests/run as root, or install the package libfaketime",
        )?;
        Ok(vec![
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
            ("FAKETIME_CACHE_DURATION", "0".to_owned()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_DISABLE_SHM", "1".to_owned()),
        ])
    }

    fn offset_seconds(&self) -> Result<i64> {
        let Some(file) = &self.offset else {
            return Ok(0);
        };
        let text = fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        text.trim()
            .parse()
            .with_context(|| format!("{}: {text:?} is no offset", file.display()))
    }
}

impl Site {
    /// Lets the gateway, which is stopped, serve for a moment: it puts on record what time it is.
    ///
    /// # Errors
    /// When it does not begin or end well.
    pub fn serve_for_a_moment(&mut self) -> Result<()> {
        self.open()?;
        self.close()
    }
}

/// The length of `duration` in whole seconds, for [`Clock::advance`].
#[must_use]
pub fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// The civil date (UTC) `days` after the machine's today, as `2027-12-31`.
///
/// # Errors
/// When the machine's clock stands before 1970.
pub fn date_in(days: i64) -> Result<String> {
    let today = i64::try_from(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock stands before 1970")?
            .as_secs(),
    )?
    .div_euclid(86_400);
    // Days to civil date, after Howard Hinnant's `civil_from_days`.
    let shifted = today.saturating_add(days).saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Ok(format!("{year:04}-{month:02}-{day:02}"))
}

fn library() -> Option<PathBuf> {
    // The multi-threaded build: the plain one is unsafe in a process with threads.
    let places = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
    ];
    places
        .iter()
        .map(|place| Path::new(place).join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists())
}
