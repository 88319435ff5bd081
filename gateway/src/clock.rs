//! The only place that reads the time.
//!
//! Rights end at an instant, so every part of the gateway takes the instant from here and hands it on as
//! an argument; `clippy.toml` refuses the standard library's clocks anywhere else. The wall clock is
//! compared with the monotonic one at every reading: when they part by more than [`TOLERANCE`], somebody
//! or something set the clock, and [`jump`] tells it so that it reaches the audit trail (R6).
//!
//! What ends a right is never one clock that somebody may set (`adr/0033-time-and-the-order-of-the-log.md`): [`agreed`] is the
//! store's clock where this machine's is apart from it, and an [`Onward`] never goes back.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use ecluse_policy::Timestamp;

/// How far the wall clock may part from the monotonic one between two readings before it counts as a
/// jump. NTP slews by at most half a millisecond a second, well below this.
pub const TOLERANCE: Duration = Duration::from_secs(1);

static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::start);

/// Reads the wall clock: UTC, to the microsecond.
pub fn now() -> Timestamp {
    let (wall, steady) = (wall_micros(), CLOCK.steady_micros());
    CLOCK.guard().observe(wall, steady);
    Timestamp::from_micros(wall)
}

/// Reads the monotonic clock: for deadlines and durations, which no setting of the date may change.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// How far this machine's clock may be from the store's before the store's counts instead. **Unit**: microseconds.
pub const APART: u64 = 5_000_000;

/// The time by which rights begin and end: this machine's, or the store's where the two are apart. A store whose clock is
/// this machine's changes nothing.
pub fn agreed() -> Timestamp {
    let (wall, steady) = (now(), CLOCK.steady_micros());
    CLOCK
        .anchor()
        .and_then(|anchor| anchor.rather_than(wall, steady))
        .unwrap_or(wall)
}

/// Takes in what the store's own clock shows; asked for again every few seconds, so that a machine that slept catches up.
pub fn store_shows(at: Timestamp) {
    let steady = CLOCK.steady_micros();
    *CLOCK.store.lock().unwrap_or_else(PoisonError::into_inner) = Some(Anchor { at, steady });
}

/// What another clock showed at a moment of the monotonic one.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    at: Timestamp,
    steady: i64,
}

impl Anchor {
    /// What that clock shows by now, where it is not what the wall clock shows.
    fn rather_than(self, wall: Timestamp, steady: i64) -> Option<Timestamp> {
        let there = self
            .at
            .as_micros()
            .saturating_add(steady.saturating_sub(self.steady));
        (there.abs_diff(wall.as_micros()) > APART).then(|| Timestamp::from_micros(there))
    }
}

/// A time that goes on: whatever is done to the wall clock, it is never earlier than the time that has passed since it began
/// makes it. A machine that slept has its wall clock for that.
#[derive(Debug, Clone, Copy)]
pub struct Onward {
    at: Timestamp,
    since: Instant,
}

impl Onward {
    /// Begins now.
    pub fn begin() -> Self {
        Self {
            at: agreed(),
            since: monotonic(),
        }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        self.at_least(agreed(), self.since.elapsed())
    }

    fn at_least(&self, now: Timestamp, passed: Duration) -> Timestamp {
        let passed = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
        now.max(Timestamp::from_micros(
            self.at.as_micros().saturating_add(passed),
        ))
    }
}

/// A jump of the wall clock, from what it should have shown to what it showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// What the wall clock would have shown had it kept pace with the monotonic one.
    pub expected: Timestamp,
    /// What it showed.
    pub found: Timestamp,
}

impl Jump {
    /// How far it jumped, in microseconds; negative when it went backwards.
    pub fn micros(&self) -> i64 {
        self.found
            .as_micros()
            .saturating_sub(self.expected.as_micros())
    }
}

/// Takes the jump noticed since the last call, if any. It reads the clock itself, so that calling it every
/// second notices a jump on an idle gateway too.
///
/// Several jumps between two calls come out as one, from before the first to after the last.
pub fn jump() -> Option<Jump> {
    now();
    CLOCK.guard().take()
}

struct Clock {
    started: Instant,
    watch: Mutex<JumpWatch>,
    /// The store's clock, where it has one of its own.
    store: Mutex<Option<Anchor>>,
}

impl Clock {
    fn start() -> Self {
        Self {
            started: monotonic(),
            watch: Mutex::new(JumpWatch::default()),
            store: Mutex::new(None),
        }
    }

    fn anchor(&self) -> Option<Anchor> {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn steady_micros(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    fn guard(&self) -> MutexGuard<'_, JumpWatch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares two clocks reading by reading. Pure: the readings are given.
#[derive(Debug, Default)]
struct JumpWatch {
    /// Wall minus monotonic at the last reading.
    offset: Option<i64>,
    noticed: Option<Jump>,
}

impl JumpWatch {
    fn observe(&mut self, wall: i64, steady: i64) {
        let offset = wall.saturating_sub(steady);
        // Kept at every reading, so that a slow slew is never mistaken for a jump.
        let Some(before) = self.offset.replace(offset) else {
            return;
        };
        if u128::from(offset.abs_diff(before)) <= TOLERANCE.as_micros() {
            return;
        }
        let expected = match self.noticed {
            // Not yet told: the whole way is told at once.
            Some(earlier) => Timestamp::from_micros(
                earlier.expected.as_micros().saturating_add(
                    before
                        .saturating_add(steady)
                        .saturating_sub(earlier.found.as_micros()),
                ),
            ),
            None => Timestamp::from_micros(before.saturating_add(steady)),
        };
        self.noticed = Some(Jump {
            expected,
            found: Timestamp::from_micros(wall),
        });
    }

    fn take(&mut self) -> Option<Jump> {
        self.noticed.take()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn wall_micros() -> i64 {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        // A machine that believes it is before 1970: still a time, and every window is closed.
        Err(before) => {
            i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_clock_set_back_is_noticed_once() {
        let mut watch = JumpWatch::default();
        watch.observe(1000 * SECOND, 0);
        watch.observe(1010 * SECOND, 10 * SECOND);
        watch.observe(411 * SECOND, 11 * SECOND);
        let jump = watch.take().unwrap();
        assert_eq!(jump.micros(), -600 * SECOND);
        assert_eq!(jump.expected, Timestamp::from_micros(1011 * SECOND));
        watch.observe(412 * SECOND, 12 * SECOND);
        assert_eq!(watch.take(), None);
    }

    #[test]
    fn a_slow_slew_is_not_a_jump() {
        let mut watch = JumpWatch::default();
        for second in 0..10_000 {
            watch.observe(second * (SECOND + 500), second * SECOND);
        }
        assert_eq!(watch.take(), None);
    }

    #[test]
    fn two_jumps_between_two_questions_are_told_as_one() {
        let mut watch = JumpWatch::default();
        watch.observe(100 * SECOND, 0);
        watch.observe(201 * SECOND, SECOND);
        watch.observe(302 * SECOND, 2 * SECOND);
        let jump = watch.take().unwrap();
        assert_eq!(jump.micros(), 200 * SECOND);
    }

    /// R6: a machine's clock that is apart from the store's decides nothing; within what honest clocks differ it does.
    #[test]
    fn r6_the_stores_clock_counts_where_the_two_are_apart() {
        let anchor = Anchor {
            at: Timestamp::from_micros(1000 * SECOND),
            steady: 0,
        };
        let at = |second: i64| Timestamp::from_micros(second * SECOND);
        assert_eq!(anchor.rather_than(at(1014), 10 * SECOND), None);
        assert_eq!(anchor.rather_than(at(1006), 10 * SECOND), None);
        assert_eq!(anchor.rather_than(at(8210), 10 * SECOND), Some(at(1010)));
        assert_eq!(anchor.rather_than(at(10), 10 * SECOND), Some(at(1010)));
    }

    /// I3: a clock that is set back gives nobody more time; one that is set forward, or runs on while the machine sleeps, counts.
    #[test]
    fn i3_the_time_of_a_right_never_goes_back() {
        let at = |second: i64| Timestamp::from_micros(second * SECOND);
        let onward = Onward {
            at: at(1000),
            since: monotonic(),
        };
        let minute = Duration::from_secs(60);
        assert_eq!(onward.at_least(at(1060), minute), at(1060));
        assert_eq!(onward.at_least(at(1060 - 1800), minute), at(1060));
        assert_eq!(onward.at_least(at(4660), minute), at(4660));
    }

    #[test]
    fn the_wall_clock_reads_a_time_of_this_century() {
        assert!(now().as_micros() > 1_700_000_000 * SECOND);
    }
}
