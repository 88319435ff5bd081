//! One-time codes that are never given out twice.
//!
//! The gateway accepts a code once, with a skew of one step, and never an older one after a newer one. So the step last given to
//! each person is kept in a file, locked: several `ssh` clients of one person may ask at the same time.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use totp_rs::{Builder, Secret, Totp};

use crate::clock::Clock;
use crate::wait;

/// The length of a step, RFC 6238.
const STEP: i64 = 30;
/// Seconds that must be left in the current step before the previous one is still worth giving.
const MARGIN: i64 = 8;

/// Codes of the people of one site.
#[derive(Debug, Clone)]
pub struct Codes {
    directory: PathBuf,
    clock: Clock,
}

impl Codes {
    /// Codes remembered in `directory`, by the gateway's `clock`.
    #[must_use]
    pub fn new(directory: PathBuf, clock: Clock) -> Self {
        Self { directory, clock }
    }

    /// A code the gateway has not seen; waits for the next step where needed, at most half a minute.
    ///
    /// # Errors
    /// When the secret is not base32 or the memory of codes cannot be kept.
    pub fn fresh(&self, person: &str, secret: &str) -> Result<String> {
        let totp = totp(secret)?;
        let mut memory = self.lock(person)?;
        let last = read_step(&mut memory)?;
        let step = wait::until(
            "a one-time code that was not used",
            Duration::from_secs(40),
            || self.candidate(last),
        )?;
        memory.set_len(0)?;
        memory.seek(SeekFrom::Start(0))?;
        memory.write_all(step.to_string().as_bytes())?;
        Ok(code(&totp, step))
    }

    /// The code of the step `offset` steps from now, used or not, remembered or not: for those who try.
    ///
    /// # Errors
    /// When the secret is not base32.
    pub fn at(&self, secret: &str, offset: i64) -> Result<String> {
        Ok(code(
            &totp(secret)?,
            self.clock
                .seconds()?
                .div_euclid(STEP)
                .saturating_add(offset),
        ))
    }

    fn candidate(&self, last: i64) -> Result<Option<i64>> {
        let now = self.clock.seconds()?;
        let step = now.div_euclid(STEP);
        let earliest = if STEP - now.rem_euclid(STEP) > MARGIN {
            step - 1
        } else {
            step
        };
        let next = earliest.max(last.saturating_add(1));
        if next <= step + 1 {
            return Ok(Some(next));
        }
        if self.clock.is_movable() {
            self.clock.advance(STEP)?;
        }
        Ok(None)
    }

    fn lock(&self, person: &str) -> Result<File> {
        let path = self.directory.join(format!("{person}.step"));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
            .context("the memory of codes cannot be locked")?;
        Ok(file)
    }
}

/// The secret of `person` kept in a site's `keys` directory.
///
/// # Errors
/// When there is none.
pub fn secret_of(path: &Path) -> Result<String> {
    Ok(std::fs::read_to_string(path)
        .with_context(|| {
            format!(
                "{} cannot be read: is this person enrolled here?",
                path.display()
            )
        })?
        .trim()
        .to_owned())
}

fn totp(secret: &str) -> Result<Totp> {
    let secret = Secret::try_from_base32(secret.trim())
        .ok()
        .context("the one-time-password secret is not base32")?;
    Ok(Builder::new().with_secret(secret).build_noncompliant())
}

fn code(totp: &Totp, step: i64) -> String {
    totp.generate(u64::try_from(step.saturating_mul(STEP)).unwrap_or(0))
        .to_string()
}

fn read_step(file: &mut File) -> Result<i64> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text.trim().parse().unwrap_or(0))
}
