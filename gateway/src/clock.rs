//! The only place that reads the time.
//!
//! Rights end at an instant, so every part of the gateway takes the instant from here and hands it on as
//! an argument; `clippy.toml` refuses the standard library's clocks anywhere else. The wall clock is
//! compared with the monotonic one at every reading: when they part by more than [`TOLERANCE`], somebody
//! or something set the clock, and [`jump`] tells it so that it reaches the audit trail (R6).
//!
//! What ends a right is never one clock that somebody may set (`adr/0033-time-and-the-order-of-the-log.md`): where this machine's
//! and the store's part, [`agreed`] is the one that was not set, and an [`Onward`] never goes back.

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

/// The time by which rights begin and end: this machine's, and where the store's clock is apart from it, the one of the two that
/// goes on as both did while they agreed; where neither does, that. A store whose clock is this machine's changes nothing.
pub fn agreed() -> Timestamp {
    let (wall, steady) = (now(), CLOCK.steady_micros());
    CLOCK.agreement().judged(wall, steady).0
}

/// Whose word that is.
pub fn counts() -> Counts {
    let (wall, steady) = (now(), CLOCK.steady_micros());
    CLOCK.agreement().judged(wall, steady).1
}

/// Whose clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// This machine's.
    Own,
    /// The store's: this machine's was set.
    Store,
    /// Neither: both were set, and time goes on from where they agreed.
    Onward,
}

/// By how much the clock of [`agreed`] is ahead of the monotonic one. Between two readings it changes by as much as that clock was
/// set, and not by the time that passed. **Unit**: microseconds.
pub fn ahead() -> i64 {
    let steady = CLOCK.steady_micros();
    agreed().as_micros().saturating_sub(steady)
}

/// By how much that clock was set between two readings of [`ahead`]; within what honest clocks differ, not at all.
pub fn set_by(before: i64, after: i64) -> i64 {
    let by = after.saturating_sub(before);
    if by.unsigned_abs() > APART { by } else { 0 }
}

/// Takes in what the store's own clock shows; asked for again every few seconds, so that a machine that slept catches up.
pub fn store_shows(at: Timestamp) {
    let (wall, steady) = (now(), CLOCK.steady_micros());
    CLOCK.agreement().shown(at, wall, steady);
}

/// What a clock showed at a moment of the monotonic one.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    at: Timestamp,
    steady: i64,
}

impl Anchor {
    /// What it shows by now.
    fn shows(self, steady: i64) -> Timestamp {
        let passed = steady.saturating_sub(self.steady);
        Timestamp::from_micros(self.at.as_micros().saturating_add(passed))
    }
}

fn apart(one: Timestamp, other: Timestamp) -> u64 {
    one.as_micros().abs_diff(other.as_micros())
}

/// This machine's clock and the store's. Pure: the readings are given.
///
/// Each of the two may be set, and neither ends anything alone: the one counts that goes on as both did.
#[derive(Debug, Clone, Copy, Default)]
struct Agreement {
    /// The store's, where it has one of its own.
    store: Option<Anchor>,
    /// Where both agreed. It is kept as long as they agree with it, so that no clock moves it in small steps.
    settled: Option<Anchor>,
}

impl Agreement {
    fn shown(&mut self, at: Timestamp, wall: Timestamp, steady: i64) {
        self.store = Some(Anchor { at, steady });
        let is_settled = |settled: Anchor| apart(settled.shows(steady), wall) <= APART;
        if apart(at, wall) <= APART && !self.settled.is_some_and(is_settled) {
            self.settled = Some(Anchor { at: wall, steady });
        }
    }

    fn judged(&self, wall: Timestamp, steady: i64) -> (Timestamp, Counts) {
        let Some(store) = self.store.map(|store| store.shows(steady)) else {
            return (wall, Counts::Own);
        };
        if apart(store, wall) <= APART {
            return (wall, Counts::Own);
        }
        let Some(settled) = self.settled.map(|settled| settled.shows(steady)) else {
            return (store, Counts::Store);
        };
        let (own, theirs) = (apart(wall, settled), apart(store, settled));
        if own <= APART && own <= theirs {
            (wall, Counts::Own)
        } else if theirs <= APART {
            (store, Counts::Store)
        } else {
            (settled, Counts::Onward)
        }
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
    agreement: Mutex<Agreement>,
}

impl Clock {
    fn start() -> Self {
        Self {
            started: monotonic(),
            watch: Mutex::new(JumpWatch::default()),
            agreement: Mutex::new(Agreement::default()),
        }
    }

    fn agreement(&self) -> MutexGuard<'_, Agreement> {
        self.agreement
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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

    /// R6: of two clocks that part, the one that was set decides nothing, whichever it is; within what honest clocks differ, this
    /// machine's does.
    #[test]
    fn r6_the_clock_that_was_set_ends_nothing() {
        let at = |second: i64| Timestamp::from_micros(second * SECOND);
        let mut both = Agreement::default();
        assert_eq!(both.judged(at(7), 0), (at(7), Counts::Own), "no store's");
        both.shown(at(1000), at(1003), 0);
        let judged = |wall: i64, seconds: i64| both.judged(at(wall), seconds * SECOND);
        assert_eq!(judged(1014, 10), (at(1014), Counts::Own));
        assert_eq!(judged(1006, 10), (at(1006), Counts::Own));
        // This machine's, ahead and back.
        for wall in [8210, 10] {
            assert_eq!(judged(wall, 10), (at(1010), Counts::Store));
        }
        // The store's alone, a day ahead for some seconds.
        for day in [86_400, -86_400] {
            let mut jumped = both;
            jumped.shown(at(1010 + day), at(1013), 10 * SECOND);
            let judged = jumped.judged(at(1015), 12 * SECOND);
            assert_eq!(judged, (at(1015), Counts::Own));
            // Both, to different times.
            let judged = jumped.judged(at(500), 12 * SECOND);
            assert_eq!(judged, (at(1015), Counts::Onward));
            jumped.shown(at(1020), at(1023), 20 * SECOND);
            assert_eq!(
                jumped.judged(at(1024), 21 * SECOND),
                (at(1024), Counts::Own)
            );
        }
        // Neither wins in small steps.
        for step in [4, -4] {
            let (mut store, mut own) = (both, both);
            for n in 1..100 {
                let (right, steady) = (1003 + n * 3, n * 3 * SECOND);
                store.shown(at(right + n * step), at(right), steady);
                own.shown(at(right), at(right + n * step), steady);
                let off = |judged: (Timestamp, Counts)| apart(judged.0, at(right));
                assert!(off(store.judged(at(right), steady)) <= APART);
                assert!(off(own.judged(at(right + n * step), steady)) <= APART);
            }
        }
        // A machine that slept agrees with the store again, and goes on from there.
        let mut slept = both;
        slept.shown(at(9000), at(9003), 20 * SECOND);
        assert_eq!(
            slept.judged(at(1030), 25 * SECOND),
            (at(9005), Counts::Store)
        );
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

    /// A6: how far a clock was set is told from how long it ran.
    #[test]
    fn a6_time_that_passes_sets_no_clock() {
        let before = ahead();
        assert_eq!(set_by(before, ahead()), 0);
        assert_eq!(set_by(before, before + 4 * SECOND), 0, "a slew");
        assert_eq!(set_by(before, before - 7200 * SECOND), -7200 * SECOND);
    }

    #[test]
    fn the_wall_clock_reads_a_time_of_this_century() {
        assert!(now().as_micros() > 1_700_000_000 * SECOND);
    }
}
