//! A long steady stream: so fast for so long, without a pause, while nobody types.

use super::rules::Steady;
use super::{Fired, Signal, Value};
use crate::time::Span;

/// The time is cut into so many parts, in each of which it has to be as fast.
const PARTS: u64 = 10;

/// How far a stream has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    /// When the part began that is being counted. **Unit**: microseconds.
    part: Option<u64>,
    /// What has passed in it.
    bytes: u64,
    /// How many parts before it were fast enough, one after the other.
    fast: u64,
    /// What passed in those.
    passed: u64,
}

impl Run {
    /// Somebody typed, or it was told: it begins anew.
    pub(super) fn ends(&mut self) {
        *self = Self::default();
    }

    /// So many bytes passed at that time.
    pub(super) fn pass(&mut self, rule: &Steady, at: Span, bytes: u64) -> Option<Fired> {
        let length = (rule.lasts.as_micros() / PARTS).max(1);
        let now = at.as_micros();
        let began = *self.part.get_or_insert(now);
        let behind = now.saturating_sub(began) / length;
        if behind > 0 {
            // Bytes a second, over the part. What begins after a part without anything begins anew.
            let least = u128::from(rule.rate.as_u64()) * u128::from(length) / 1_000_000;
            let is_fast = behind == 1 && u128::from(self.bytes) >= least;
            if is_fast {
                self.fast += 1;
                self.passed = self.passed.saturating_add(self.bytes);
            } else {
                (self.fast, self.passed) = (0, 0);
            }
            self.part = Some(began.saturating_add(behind.saturating_mul(length)));
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.fast < PARTS {
            return None;
        }
        let over = (self.fast.saturating_mul(length) / 1_000_000).max(1);
        let rate = self.passed / over;
        self.ends();
        Some(Fired {
            signal: Signal::Steady,
            then: rule.then,
            measured: Value::Rate(rate),
            threshold: Value::Rate(rule.rate.as_u64()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extraction::ByteRate;
    use crate::signals::Then;

    fn rule() -> Steady {
        Steady {
            rate: ByteRate::parse("1 KiB/s").unwrap(),
            lasts: Span::from_secs(100),
            then: Then::Notify,
        }
    }

    /// At each second so many bytes: after how many seconds it is told.
    fn told(bytes: impl Fn(u64) -> u64, typed_at: Option<u64>) -> Option<u64> {
        let mut run = Run::default();
        (0..300).find(|second| {
            if typed_at == Some(*second) {
                run.ends();
            }
            let bytes = bytes(*second);
            bytes > 0 && run.pass(&rule(), Span::from_secs(*second), bytes).is_some()
        })
    }

    #[test]
    fn only_what_is_fast_for_as_long_without_a_pause_is_told() {
        assert_eq!(told(|_| 1024, None), Some(100));
        assert_eq!(told(|_| 1023, None), None, "too slow");
        assert_eq!(told(|_| 1024, Some(60)), Some(160), "somebody typed");
        // Bursts with pauses between them, as a person makes them who reads.
        assert_eq!(
            told(|second| if second % 30 < 3 { 1 << 20 } else { 0 }, None),
            None
        );
        // A build that says a line now and then.
        assert_eq!(
            told(|second| if second % 2 == 0 { 120 } else { 0 }, None),
            None
        );
        // One pause of twelve seconds begins it anew.
        let paused = |second: u64| if (50..72).contains(&second) { 0 } else { 4096 };
        assert_eq!(told(paused, None), Some(170));
    }
}
