//! Lines given lately, so that a screen that is drawn again and again is told once.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

/// A line shown within this time is not given again, …
const AGAIN_US: u64 = 60_000_000;
/// … if it was among the last so many.
const REMEMBERED: usize = 1024;

/// The lines given lately.
#[derive(Default)]
pub(crate) struct Recent {
    /// Of this process alone: nobody outside can make two lines look alike.
    hasher: RandomState,
    seen: HashMap<u64, u64>,
    order: VecDeque<u64>,
}

impl Recent {
    /// Whether a line was not given lately; it is from now on.
    pub(crate) fn is_news(&mut self, at_us: u64, text: &str) -> bool {
        let hash = self.hasher.hash_one(text);
        if let Some(last) = self.seen.insert(hash, at_us) {
            return at_us.saturating_sub(last) > AGAIN_US;
        }
        self.order.push_back(hash);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}
