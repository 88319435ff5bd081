//! How much passes within a minute: what a burst is measured by, and what is kept of a session to measure later ones by.

/// Seconds looked at together.
const SECONDS: usize = 60;

/// The bytes of the last minute, by whole seconds.
///
/// Invariant: what it says of a minute is never less than what passed in its last 59 seconds, nor more than in 60.
#[derive(Debug, Clone)]
pub struct Minute {
    /// What passed in each second, by its number modulo [`SECONDS`].
    each: [u64; SECONDS],
    /// The sum of them.
    sum: u64,
    /// The latest second.
    second: u64,
    most: u64,
}

impl Default for Minute {
    fn default() -> Self {
        Self {
            each: [0; SECONDS],
            sum: 0,
            second: 0,
            most: 0,
        }
    }
}

impl Minute {
    /// So many bytes passed in that second; what passed in the minute that it ends. A second that lies behind counts as the
    /// latest one.
    pub fn pass(&mut self, second: u64, bytes: u64) -> u64 {
        let ahead = second.saturating_sub(self.second);
        for step in 1..=ahead.min(SECONDS as u64) {
            self.forget(self.second.saturating_add(step));
        }
        self.second = self.second.max(second);
        if let Some(now) = self.each.get_mut(place(self.second)) {
            *now = now.saturating_add(bytes);
        }
        self.sum = self.sum.saturating_add(bytes);
        self.most = self.most.max(self.sum);
        self.sum
    }

    /// The most that passed within one minute.
    #[must_use]
    pub const fn most(&self) -> u64 {
        self.most
    }

    fn forget(&mut self, second: u64) {
        if let Some(old) = self.each.get_mut(place(second)) {
            self.sum = self.sum.saturating_sub(std::mem::take(old));
        }
    }
}

/// Where a second is kept.
fn place(second: u64) -> usize {
    usize::try_from(second % SECONDS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The sum is that of all that passed in the last sixty seconds, whatever the gaps.
        #[test]
        fn a_minute_is_what_passed_in_sixty_seconds(steps in proptest::collection::vec((0u64..90, 0u64..1000), 1..80)) {
            let (mut minute, mut now, mut all, mut most) = (Minute::default(), 0, Vec::new(), 0);
            for (ahead, bytes) in steps {
                now += ahead;
                all.push((now, bytes));
                let naive: u64 = all.iter().filter(|(at, _)| at + 60 > now).map(|(_, bytes)| bytes).sum();
                prop_assert_eq!(minute.pass(now, bytes), naive);
                most = most.max(naive);
                prop_assert_eq!(minute.most(), most);
            }
        }
    }

    #[test]
    fn a_clock_that_goes_back_counts_as_now() {
        let mut minute = Minute::default();
        assert_eq!(minute.pass(100, 5), 5);
        assert_eq!(minute.pass(30, 5), 10);
        assert_eq!(minute.pass(160, 0), 0);
    }
}
