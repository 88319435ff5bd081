//! Words that stood too short a time for a line of their own, told in one line a second.

use crate::recent::Recent;

/// A line of them is told so often, …
const TOLD_EACH_US: u64 = 1_000_000;
/// … and is so long at most. **Unit**: bytes.
pub(crate) const LONGEST: usize = 900;

/// The words that are still to be told.
#[derive(Default)]
pub(crate) struct AtOnce {
    recent: Recent,
    text: String,
    since_us: u64,
    more: u64,
}

impl AtOnce {
    /// One more word; false where there is no room for it. The same one again within a minute is none.
    pub(crate) fn add(&mut self, now_us: u64, word: &str) -> bool {
        let says_something = |letter: char| letter.is_alphanumeric() || !letter.is_ascii();
        if !word.contains(says_something) {
            return true;
        }
        if !self.text.is_empty() && self.text.len() + word.len() > LONGEST {
            return false;
        }
        if !self.recent.is_news(now_us, word) {
            return true;
        }
        self.put(now_us, word);
        true
    }

    /// One more word as it was sent, whether or not it came before; false where there is no room for it.
    pub(crate) fn add_sent(&mut self, now_us: u64, word: &str) -> bool {
        if !self.text.is_empty() && self.text.len() + word.len() > LONGEST {
            return false;
        }
        self.put(now_us, word);
        true
    }

    fn put(&mut self, now_us: u64, word: &str) {
        if self.text.is_empty() {
            self.since_us = now_us;
        } else {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }

    /// One that there is no room for is counted.
    pub(crate) fn count(&mut self) {
        self.more = self.more.saturating_add(1);
    }

    /// Whether it is time to tell.
    pub(crate) fn is_due(&self, now_us: u64) -> bool {
        !self.text.is_empty() && now_us.saturating_sub(self.since_us) >= TOLD_EACH_US
    }

    /// The time of the first of them, if there are any.
    pub(crate) fn since_us(&self) -> Option<u64> {
        (!self.text.is_empty()).then_some(self.since_us)
    }

    /// What to tell, and since when.
    pub(crate) fn take(&mut self) -> Option<(u64, String)> {
        let since_us = self.since_us()?;
        let words = std::mem::take(&mut self.text);
        let more = match std::mem::take(&mut self.more) {
            0 => String::new(),
            more => format!(" … and {more} more"),
        };
        Some((since_us, format!("[drawn over at once: {words}{more}]")))
    }
}
