//! Chances that words are drawn by.

use super::words::{BEGIN, END, MIDDLE};

/// Chances, the same for the same seed; nothing here needs secrecy.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: usize) -> Self {
        let seed = u64::try_from(seed).unwrap_or_default();
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16) % end
    }

    pub(super) fn of<'a, T: AsRef<str>>(&mut self, words: &'a [T]) -> &'a str {
        let count = u64::try_from(words.len()).unwrap_or(1);
        let place = usize::try_from(self.below(count)).unwrap_or_default();
        words.get(place).map(AsRef::as_ref).unwrap_or_default()
    }

    /// Of twenty-seven thousand.
    pub(super) fn surname(&mut self) -> String {
        format!("{}{}{}", self.of(&BEGIN), self.of(&MIDDLE), self.of(&END))
    }

    /// Of the machines of a hospital.
    pub(super) fn address(&mut self) -> String {
        format!(
            "10.{}.{}.{}",
            self.below(64),
            self.below(256),
            self.below(256)
        )
    }
}
