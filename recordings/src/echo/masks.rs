//! Which input is masked.

/// Which bytes of an input stream are masked: ranges, in order, not touching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    ranges: Vec<(u64, u64)>,
    next: usize,
}

impl Masks {
    /// Whether nothing is masked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges, end excluded.
    #[must_use]
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }

    /// Whether the byte at `offset` is masked, and up to where that holds. Offsets never go back.
    pub(crate) fn at(&mut self, offset: u64) -> (bool, u64) {
        loop {
            match self.ranges.get(self.next) {
                Some((_, end)) if *end <= offset => self.next += 1,
                Some((start, end)) if *start <= offset => return (true, *end),
                Some((start, _)) => return (false, *start),
                None => return (false, u64::MAX),
            }
        }
    }

    pub(super) fn of(mut ranges: Vec<(u64, u64)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Masks {
            ranges: merged,
            next: 0,
        }
    }
}
