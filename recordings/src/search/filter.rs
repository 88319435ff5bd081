//! Says of a recording that some text is certainly not in it, so that it need not be opened.
//!
//! A Bloom filter of the pieces of its folded lines: three letters, four letters, six digits. It never misses what is
//! there; what is not there passes now and then (about one piece in forty, so a word of six letters once in some ten
//! thousand), which costs an opening and no wrong answer. A recording of more different pieces than [`MOST`] gets a
//! filter that lets more through, at worst everything.
//!
//! Why these: an hour of a busy terminal shows nearly every three letters and four digits that a language has, so that
//! names and numbers that were never in it passed a filter of those alone (`adr/0006`).
//!
//! A filter tells much of the text to whoever reads it: keep it encrypted.

use super::LineKind;
use super::fold::fold;
use std::collections::HashSet;

/// Bits that stand for one gram, and how many of them it sets.
const BITS: usize = 8;
const HASHES: u32 = 4;
/// Different grams up to which a filter grows.
const MOST: usize = 1 << 19;
/// Smallest filter, so that its size tells nothing of a short session.
const LEAST: usize = 64;
/// Where grams seen lately are remembered.
const LATELY: usize = 1 << 15;
/// 1 was of three letters alone, 2 did not know of which kinds there are lines.
const VERSION: u8 = 3;
/// One that knows all of the words, and not the kinds.
const WITHOUT_KINDS: u8 = 2;

/// Some letters that stand together, as a number that is spread over all of its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gram(u64);

impl Gram {
    /// Stands for lines of one kind.
    #[must_use]
    pub fn of(kind: LineKind) -> Self {
        const KIND: u64 = 1 << 41;
        let place = LineKind::ALL.iter().position(|one| *one == kind);
        Gram(mixed(place.unwrap_or_default() as u64 | KIND))
    }
}

/// The grams of a line: all that any word of it can be asked by.
fn grams_of_line(letters: impl Iterator<Item = char>, mut each: impl FnMut(Gram)) {
    let mut window = Window::default();
    for letter in letters {
        window.take(letter);
        [window.three(), window.four(), window.digits()]
            .into_iter()
            .flatten()
            .for_each(&mut each);
    }
}

/// The grams of a word that is looked for: the longest that it has.
pub(super) fn grams_of_word(letters: &[char], mut each: impl FnMut(Gram)) {
    let mut window = Window::default();
    for letter in letters {
        window.take(*letter);
        let letters = if letters.len() > 3 {
            window.four()
        } else {
            window.three()
        };
        letters
            .into_iter()
            .chain(window.digits())
            .for_each(&mut each);
    }
}

/// The last letters that passed.
#[derive(Default)]
struct Window {
    /// 21 bits a letter, the last one lowest.
    letters: u128,
    count: usize,
    /// 4 bits a digit.
    digits: u64,
    digits_in_a_row: usize,
}

impl Window {
    const LETTER: u32 = 21;
    const SIX_DIGITS: u64 = (1 << 24) - 1;

    fn take(&mut self, letter: char) {
        self.letters = self.letters << Self::LETTER | u128::from(u32::from(letter));
        self.count += 1;
        match letter.to_digit(10) {
            Some(digit) => {
                self.digits = self.digits << 4 | u64::from(digit);
                self.digits_in_a_row += 1;
            }
            None => self.digits_in_a_row = 0,
        }
    }

    /// The last `count` letters, if there are so many.
    fn last(&self, count: u32) -> Option<Gram> {
        let there = self.count >= count as usize;
        let letters = self.letters & ((1u128 << (Self::LETTER * count)) - 1);
        let (high, low) = ((letters >> 64) as u64, letters as u64);
        there.then(|| Gram(mixed(low ^ mixed(high ^ u64::from(count) << 32))))
    }

    fn three(&self) -> Option<Gram> {
        self.last(3)
    }

    fn four(&self) -> Option<Gram> {
        self.last(4)
    }

    fn digits(&self) -> Option<Gram> {
        const KIND: u64 = 1 << 40;
        (self.digits_in_a_row >= 6).then(|| Gram(mixed(self.digits & Self::SIX_DIGITS | KIND)))
    }
}

/// The finaliser of SplitMix64: spreads what differs in few bits.
fn mixed(word: u64) -> u64 {
    let mut word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Where a gram stands in a filter of so many bits.
fn places(gram: Gram, bits: u64) -> impl Iterator<Item = usize> {
    let Gram(word) = gram;
    let (first, step) = (word & 0xffff_ffff, (word >> 32) | 1);
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
    most: usize,
}

impl Default for FilterBuilder {
    fn default() -> Self {
        Self::up_to(MOST)
    }
}

impl FilterBuilder {
    fn up_to(most: usize) -> Self {
        FilterBuilder {
            exact: HashSet::new(),
            full: None,
            lately: vec![Gram(u64::MAX); LATELY],
            most,
        }
    }

    /// One line more.
    pub fn line(&mut self, line: &str) {
        grams_of_line(fold(line).map(|(_, letter)| letter), |gram| self.gram(gram));
    }

    /// There is a line of this kind.
    pub fn kind(&mut self, kind: LineKind) {
        self.gram(Gram::of(kind));
    }

    fn gram(&mut self, gram: Gram) {
        // Most grams were there a moment ago.
        if let Some(slot) = usize::try_from(gram.0)
            .ok()
            .and_then(|place| self.lately.get_mut(place % LATELY))
        {
            if *slot == gram {
                return;
            }
            *slot = gram;
        }
        if let Some(full) = &mut self.full {
            return set(full, gram);
        }
        self.exact.insert(gram);
        if self.exact.len() > self.most {
            let mut full = vec![0; self.most * BITS / 8];
            for gram in self.exact.drain() {
                set(&mut full, gram);
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
                set(&mut bits, *gram);
            }
            bits
        });
        let mut bytes = Vec::with_capacity(bits.len() + 1);
        bytes.push(VERSION);
        bytes.extend_from_slice(&bits);
        Filter(bytes)
    }
}

fn set(bits: &mut [u8], gram: Gram) {
    let count = bits.len() as u64 * 8;
    for place in places(gram, count) {
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

/// Whether this program made the filter; one of another version is to be made anew.
#[must_use]
pub fn is_current(filter: &[u8]) -> bool {
    filter.first() == Some(&VERSION)
}

/// Whether a recording with this filter may hold all `grams`. A filter of a version that this program
/// does not know lets everything through, and one that did not know kinds, every kind.
#[must_use]
pub fn may_hold(filter: &[u8], grams: &[Gram]) -> bool {
    let (bits, knows_kinds) = match filter.split_first() {
        Some((&VERSION, bits)) => (bits, true),
        Some((&WITHOUT_KINDS, bits)) => (bits, false),
        Some(_) | None => return true,
    };
    let count = bits.len() as u64 * 8;
    let is_kind = |gram: &Gram| LineKind::ALL.iter().any(|kind| Gram::of(*kind) == *gram);
    let mut asked = grams.iter().filter(|gram| knows_kinds || !is_kind(gram));
    asked.all(|gram| {
        places(*gram, count).all(|place| {
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
        // One gram alone: about one in forty.
        assert!(passed < 400, "{passed} of 10000 passed");
    }

    /// An hour at a busy terminal shows nearly every three letters and four digits: names and numbers that it did not show
    /// are ruled out all the same.
    #[test]
    fn names_and_numbers_that_were_not_shown_seldom_pass_where_every_three_letters_were() {
        let letter = |n: u32| char::from_u32(u32::from('a') + n % 26).unwrap();
        let mut builder = FilterBuilder::default();
        for n in 0..26 * 26 * 26 {
            let word: String = [letter(n), letter(n / 26), letter(n / 676)]
                .iter()
                .collect();
            builder.line(&format!("{word} {:07}", n * 569 % 10_000_000));
        }
        let built = builder.finish();
        let passes = |word: String| {
            let grams = Query::new([word.as_str()]).unwrap().grams();
            may_hold(built.as_bytes(), &grams)
        };
        let mut word = 88_172_645_463_325_252_u64;
        let mut next = |below: u64| {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            (word >> 20) % below
        };
        let names = (0..1000).filter(|_| {
            let letters = (0..6).map(|_| letter(next(26) as u32));
            passes(letters.collect())
        });
        assert!(names.count() < 5);
        let numbers = (0..1000).filter(|_| passes(format!("{:07}", next(10_000_000))));
        assert!(numbers.count() < 30);
        assert!(passes("abc".to_owned()) && passes("0000569".to_owned()));
    }

    #[test]
    fn a_filter_of_an_earlier_version_lets_everything_through() {
        let mut earlier = filter(&["nothing of that"]).as_bytes().to_vec();
        let grams = Query::new(["schmidt"]).unwrap().grams();
        assert!(!may_hold(&earlier, &grams));
        earlier[0] = 1;
        assert!(may_hold(&earlier, &grams));
    }

    /// Which kinds of lines there are is known, and is not guessed of a filter from before.
    #[test]
    fn a_filter_knows_the_kinds_of_its_lines() {
        let mut builder = FilterBuilder::default();
        builder.line("read /srv/file");
        builder.kind(LineKind::File);
        let mut filter = builder.finish().as_bytes().to_vec();
        let asks = |kind: LineKind, word: &str| {
            let mut grams = Query::new([word]).unwrap().grams();
            grams.push(Gram::of(kind));
            grams
        };
        assert!(may_hold(&filter, &asks(LineKind::File, "srv/file")));
        assert!(!may_hold(&filter, &asks(LineKind::Forward, "srv/file")));
        filter[0] = WITHOUT_KINDS;
        assert!(!is_current(&filter));
        assert!(may_hold(&filter, &asks(LineKind::Forward, "srv/file")));
        assert!(!may_hold(&filter, &asks(LineKind::Forward, "schmidt")));
    }

    #[test]
    fn a_recording_of_countless_words_still_misses_nothing() {
        const ROOM: usize = 1 << 16;
        let mut builder = FilterBuilder::up_to(ROOM);
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
        assert_eq!(built.as_bytes().len(), 1 + ROOM * BITS / 8);
        for line in lines.iter().step_by(1000) {
            assert!(may_hold(
                built.as_bytes(),
                &Query::new([line.as_str()]).unwrap().grams()
            ));
        }
    }
}
