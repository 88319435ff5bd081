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
    look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    looking(what, patience, |_| STEP, look)
}

/// As [`until`], for what an auditor does: each look is on record and sixty a minute are allowed, so the pauses grow. What is
/// waited for is sealed behind everything else on the machine, so it is given two minutes.
///
/// # Errors
/// The first error of `look`, or the deadline.
pub fn until_sealed<T>(what: &str, look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let pause = |elapsed: Duration| (elapsed / 3).clamp(STEP, Duration::from_secs(2));
    looking(what, Duration::from_secs(120), pause, look)
}

fn looking<T>(
    what: &str,
    patience: Duration,
    pause: impl Fn(Duration) -> Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if start.elapsed() >= patience {
            bail!("after {patience:?}, still waiting for {what}");
        }
        std::thread::sleep(pause(start.elapsed()));
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
