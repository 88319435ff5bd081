//! Says of a recording that some text is certainly not in it, so that it need not be opened.
//!
//! A Bloom filter of the trigrams of its folded lines. It never misses what is there; what is not there
//! passes now and then (about one gram in four hundred), which costs an opening and no wrong answer. A
//! recording of more different trigrams than [`MOST`] gets a filter that lets more through, at worst
//! everything.
//!
//! A filter tells much of the text to whoever reads it: keep it encrypted.

use super::fold::fold;
use std::collections::HashSet;

/// Bits that stand for one gram, and how many of them it sets.
const BITS: usize = 16;
const HASHES: u32 = 4;
/// Different grams up to which a filter grows.
const MOST: usize = 1 << 17;
/// Smallest filter, so that its size tells nothing of a short session.
const LEAST: usize = 64;
/// Where grams seen lately are remembered.
const LATELY: usize = 1 << 14;
const VERSION: u8 = 1;

/// Three letters in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gram(u64);

/// The trigrams of folded letters.
pub(super) fn grams(letters: impl Iterator<Item = char>, mut each: impl FnMut(Gram)) {
    const THREE: u64 = (1 << 63) - 1;
    let mut last = 0u64;
    for (count, letter) in letters.enumerate() {
        last = (last << 21 | u64::from(u32::from(letter))) & THREE;
        if count >= 2 {
            each(Gram(last));
        }
    }
}

impl Gram {
    /// The finaliser of SplitMix64: spreads what differs in few bits.
    fn mixed(self) -> u64 {
        let mut word = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

/// Where a gram stands in a filter of so many bits.
fn places(mixed: u64, bits: u64) -> impl Iterator<Item = usize> {
    let (first, step) = (mixed & 0xffff_ffff, (mixed >> 32) | 1);
    (0..u64::from(HASHES)).map(move |turn| {
        let word = first.wrapping_add(turn.wrapping_mul(step)) & 0xffff_ffff;
        usize::try_from(word.wrapping_mul(bits) >> 32).unwrap_or_default()
    })
}

/// Gathers the grams of one recording.
pub struct FilterBuilder {
    exact: HashSet<Gram>,
    /// Once there are too many to remember.
    full: Option<Vec<u8>>,
    lately: Vec<Gram>,
}

impl Default for FilterBuilder {
    fn default() -> Self {
        FilterBuilder {
            exact: HashSet::new(),
            full: None,
            lately: vec![Gram(u64::MAX); LATELY],
        }
    }
}

impl FilterBuilder {
    /// One line more.
    pub fn line(&mut self, line: &str) {
        grams(fold(line).map(|(_, letter)| letter), |gram| self.gram(gram));
    }

    fn gram(&mut self, gram: Gram) {
        let mixed = gram.mixed();
        // Most grams were there a moment ago.
        if let Some(slot) = usize::try_from(mixed)
            .ok()
            .and_then(|place| self.lately.get_mut(place % LATELY))
        {
            if *slot == gram {
                return;
            }
            *slot = gram;
        }
        if let Some(full) = &mut self.full {
            return set(full, mixed);
        }
        self.exact.insert(gram);
        if self.exact.len() > MOST {
            let mut full = vec![0; MOST * BITS / 8];
            for gram in self.exact.drain() {
                set(&mut full, gram.mixed());
            }
            self.full = Some(full);
        }
    }

    /// The filter of all lines.
    #[must_use]
    pub fn finish(self) -> Filter {
        let bits = self.full.unwrap_or_else(|| {
            let grams = self.exact.len().max(LEAST).next_multiple_of(LEAST);
            let mut bits = vec![0; grams * BITS / 8];
            for gram in &self.exact {
                set(&mut bits, gram.mixed());
            }
            bits
        });
        let mut bytes = Vec::with_capacity(bits.len() + 1);
        bytes.push(VERSION);
        bytes.extend_from_slice(&bits);
        Filter(bytes)
    }
}

fn set(bits: &mut [u8], mixed: u64) {
    let count = bits.len() as u64 * 8;
    for place in places(mixed, count) {
        if let Some(byte) = bits.get_mut(place / 8) {
            *byte |= 1 << (place % 8);
        }
    }
}

/// The filter of one recording.
///
/// **Shape**: one byte of version, then the bits; their number is the length's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Vec<u8>);

impl Filter {
    /// For keeping.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Whether a recording with this filter may hold all `grams`. A filter of a version that this program
/// does not know lets everything through.
#[must_use]
pub fn may_hold(filter: &[u8], grams: &[Gram]) -> bool {
    let Some((&VERSION, bits)) = filter.split_first() else {
        return true;
    };
    let count = bits.len() as u64 * 8;
    grams.iter().all(|gram| {
        places(gram.mixed(), count).all(|place| {
            bits.get(place / 8)
                .is_some_and(|byte| byte & (1 << (place % 8)) != 0)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Query;
    use proptest::prelude::*;

    fn filter(lines: &[&str]) -> Filter {
        let mut builder = FilterBuilder::default();
        for line in lines {
            builder.line(line);
        }
        builder.finish()
    }

    proptest! {
        /// R10: what stands in a line is never missed, by any part of it, in any case.
        #[test]
        fn any_part_of_a_line_passes_its_filter(lines in proptest::collection::vec("\\PC{0,60}", 1..20), which: prop::sample::Index, from: prop::sample::Index, length in 3usize..20, shout: bool) {
            let built = filter(&lines.iter().map(String::as_str).collect::<Vec<_>>());
            let line: Vec<char> = lines[which.index(lines.len())].chars().collect();
            if line.len() >= 3 {
                let from = from.index(line.len() - 2);
                let part: String = line[from..(from + length).min(line.len())].iter().collect();
                let part = if shout { part.to_uppercase() } else { part };
                // What a capital becomes may be another letter altogether (ﬁ, ŉ): only the same letter counts.
                if let Ok(query) = Query::new([part.as_str()]) && query.find(&lines[which.index(lines.len())]).is_some() {
                    prop_assert!(may_hold(built.as_bytes(), &query.grams()));
                }
            }
        }

        #[test]
        fn any_bytes_are_a_filter(bytes in proptest::collection::vec(any::<u8>(), 0..50)) {
            let _ = may_hold(&bytes, &Query::new(["word"]).unwrap().grams());
        }
    }

    #[test]
    fn what_is_not_there_seldom_passes() {
        let lines: Vec<String> = (0..5000)
            .map(|n| format!("line {n} of {}", n * 7919))
            .collect();
        let built = filter(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let passed = (0..10_000u32)
            .filter(|n| {
                let word: String = [n / 676 % 26, n / 26 % 26, n % 26]
                    .iter()
                    .map(|place| char::from_u32(0x430 + place).unwrap())
                    .collect();
                may_hold(
                    built.as_bytes(),
                    &Query::new([word.as_str()]).unwrap().grams(),
                )
            })
            .count();
        assert!(passed < 60, "{passed} of 10000 passed");
    }

    #[test]
    fn a_recording_of_countless_words_still_misses_nothing() {
        let mut builder = FilterBuilder::default();
        let letter = |n: u32| char::from_u32(0x4e00 + n).unwrap();
        let lines: Vec<String> = (0..150_000u32)
            .map(|n| {
                [letter(n % 20_000), letter(n / 20_000), letter(n % 997)]
                    .iter()
                    .collect()
            })
            .collect();
        for line in &lines {
            builder.line(line);
        }
        let built = builder.finish();
        assert_eq!(built.as_bytes().len(), 1 + MOST * BITS / 8);
        for line in lines.iter().step_by(1000) {
            assert!(may_hold(
                built.as_bytes(),
                &Query::new([line.as_str()]).unwrap().grams()
            ));
        }
    }
}
