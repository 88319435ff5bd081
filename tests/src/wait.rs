//! Waiting for a condition, with a deadline: tests never sleep and hope.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(10);

/// Returns what `look` finds, or fails naming `what` once `patience` is over.
///
/// # Errors
/// The first error of `look`, or the deadline.
pub fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("after {patience:?}, still waiting for {what}");
        }
        std::thread::sleep(STEP);
    }
}

/// Waits until `look` is true.
///
/// # Errors
/// The first error of `look`, or the deadline.
pub fn until_true(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<bool>,
) -> Result<()> {
    until(what, patience, || Ok(look()?.then_some(())))
}
