//! What passes on one channel, held against the signals of its client.

use super::minute::Minute;
use super::rules::Signals;
use super::{Fired, steady, wall};
use crate::time::{Span, Timestamp};

/// When something passes.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Since the session began; this never goes back.
    pub since: Span,
    /// By the clock.
    pub now: Timestamp,
}

/// Which way, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the target.
    Up,
    /// To the technician, as the target's output.
    Output,
    /// As its standard error.
    Error,
}

/// Less than this grows without anybody and is no matter: a clock in a prompt, a word of the machine to all.
pub const NO_MATTER: u64 = 1 << 10;

/// What all channels of a session share.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    /// What left within a minute.
    pub minute: Minute,
    /// When somebody last typed or sent something.
    present: Span,
    /// What came since.
    grown: u64,
    /// When the hours were looked at last.
    hours: Option<Span>,
    /// The largest minute of the person's past sessions; none where there is none.
    pub largest: Option<u64>,
    /// Whether that is known: until then no burst is told.
    pub knows_past: bool,
}

/// How often hours are looked at.
const HOURS_EVERY: Span = Span::from_secs(20);

impl Shared {
    /// Somebody is there, or could not be: a session that is held is nobody's absence.
    pub fn is_present(&mut self, since: Span) {
        self.present = self.present.max(since);
        self.grown = 0;
    }
}

/// What passes on one channel.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    steady: steady::Run,
    walls: [wall::Run; 2],
}

impl Watch {
    /// These bytes pass. Tripwires are asked apart, for they are about lines.
    pub fn pass(
        &mut self,
        rules: &Signals,
        shared: &mut Shared,
        at: Moment,
        way: Way,
        bytes: &[u8],
    ) -> Vec<Fired> {
        let mut fired = Vec::new();
        let looked = shared.hours.is_none_or(|last| {
            at.since.as_micros() >= last.as_micros().saturating_add(HOURS_EVERY.as_micros())
        });
        if let Some(hours) = rules.hours.as_ref().filter(|_| looked) {
            shared.hours = Some(at.since);
            fired.extend(hours.fires(at.now));
        }
        let count = bytes.len() as u64;
        let wall = match way {
            Way::Up => {
                shared.is_present(at.since);
                self.steady.ends();
                return fired;
            }
            Way::Output => self.walls.first_mut(),
            Way::Error => self.walls.last_mut(),
        };
        let minute = shared.minute.pass(at.since.as_secs(), count);
        if let Some(burst) = rules.burst.as_ref().filter(|_| shared.knows_past) {
            fired.extend(burst.fires(minute, shared.largest));
        }
        shared.grown = shared.grown.saturating_add(count);
        if let Some(unattended) = rules
            .unattended
            .as_ref()
            .filter(|_| shared.grown > NO_MATTER)
        {
            let alone = at
                .since
                .as_micros()
                .saturating_sub(shared.present.as_micros());
            fired.extend(unattended.fires(Span::from_micros(alone)));
        }
        if let (Some(steady), Way::Output) = (&rules.steady, way) {
            fired.extend(self.steady.pass(steady, at.since, count));
        }
        if let (Some(rule), Some(wall)) = (&rules.base64, wall) {
            fired.extend(wall.pass(rule, bytes));
        }
        fired
    }

    /// The session is held: what comes after is another stream.
    pub fn is_held(&mut self) {
        self.steady.ends();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extraction::{ByteCount, ByteRate};
    use crate::schedule::Schedule;
    use crate::signals::{Burst, Hours, Signal, Steady, Then, Unattended, Wall};

    fn all() -> Signals {
        let then = Then::Notify;
        Signals {
            burst: Some(Burst {
                factor: 10,
                floor: ByteCount::new(10 << 20),
                then,
            }),
            steady: Some(Steady {
                rate: ByteRate::parse("64 KiB/s").unwrap(),
                lasts: Span::from_mins(5),
                then,
            }),
            base64: Some(Wall {
                bytes: ByteCount::new(64 << 10),
                then,
            }),
            unattended: Some(Unattended {
                after: Span::from_mins(15),
                then,
            }),
            hours: Some(Hours {
                usual: Schedule::parse("mon-fri 07:00-20:00 UTC").unwrap(),
                then,
            }),
            tripwires: Vec::new(),
        }
    }

    /// What fires, of so many bytes at each of these seconds of a session that began on a Monday at ten.
    fn fires(
        rules: &Signals,
        steps: impl Iterator<Item = (u64, Way, usize)>,
    ) -> Vec<(u64, Signal)> {
        let began = Timestamp::parse("2026-11-30T10:00:00Z").unwrap();
        let (mut watch, mut all) = (Watch::default(), Vec::new());
        let mut shared = Shared {
            knows_past: true,
            ..Shared::default()
        };
        for (second, way, bytes) in steps {
            let since = Span::from_secs(second);
            let now = began.plus(since);
            let at = Moment { since, now };
            let fired = watch.pass(rules, &mut shared, at, way, &vec![b'~'; bytes]);
            all.extend(fired.into_iter().map(|one| (second, one.signal)));
        }
        all
    }

    #[test]
    fn somebody_who_works_by_day_fires_nothing() {
        let works = (0..4 * 3600).flat_map(|second| {
            let typed = (second % 40 == 0).then_some((second, Way::Up, 10));
            let shown = (second % 40 < 2).then_some((second, Way::Output, 20_000));
            typed.into_iter().chain(shown)
        });
        assert_eq!(fires(&all(), works), []);
    }

    #[test]
    fn nothing_fires_that_is_not_written() {
        let everything = (0..40_000).map(|second| (second, Way::Output, 100_000));
        assert_eq!(fires(&Signals::default(), everything), []);
    }

    #[test]
    fn a_reader_who_left_is_told_when_something_grows() {
        let rules = Signals {
            unattended: all().unattended,
            ..Signals::default()
        };
        let left = (0..100).map(|minute| (minute * 60, Way::Output, 400));
        assert_eq!(
            fires(&rules, left).first(),
            Some(&(16 * 60, Signal::Unattended))
        );
        // A clock in a prompt.
        let clock = (0..100).map(|minute| (minute * 60, Way::Output, 8));
        assert_eq!(fires(&rules, clock), []);
        let mut shared = Shared::default();
        shared.is_present(Span::from_mins(50));
        let mut watch = Watch::default();
        let at = |minutes| Moment {
            since: Span::from_mins(minutes),
            now: Timestamp::from_micros(0),
        };
        let shown = [b'~'; 2000];
        assert!(
            watch
                .pass(&rules, &mut shared, at(65), Way::Output, &shown)
                .is_empty()
        );
        assert!(
            !watch
                .pass(&rules, &mut shared, at(66), Way::Error, &shown)
                .is_empty()
        );
    }

    #[test]
    fn hours_are_looked_at_while_something_passes() {
        let rules = Signals {
            hours: all().hours,
            ..Signals::default()
        };
        // Typed at ten, and something shown at eight in the evening and each second after.
        let steps = [0, 36_000 - 30].into_iter().chain(36_000..36_030);
        let steps = steps.map(|second| (second, Way::Output, 1));
        let expected = [(36_000, Signal::Hours), (36_020, Signal::Hours)];
        assert_eq!(fires(&rules, steps), expected);
    }
}
