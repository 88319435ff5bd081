//! A wall of base64, or of what is like it: base32, hexadecimal digits, uuencode.
//!
//! Looks at samples and not at everything: [`SAMPLE`] bytes in each stretch, which is a sixteenth of the threshold between
//! [`SHORTEST`] and [`LONGEST`]. A sample is encoded where nearly all of its letters are of one such alphabet, in long runs, with
//! the mixture of letters that encoded bytes have; or folded as encoders fold, with letters that are not something else's
//! ([`shape`]): databases and programs are half zeros. What is encoded adds its stretch, what is not takes three off, and what
//! may be either changes nothing.

mod shape;

use self::shape::Looks;
use super::rules::Wall;
use super::{Fired, Signal, Value};

/// Bytes looked at together.
const SAMPLE: usize = 256;
/// The shortest and the longest stretch that one sample stands for. **Unit**: bytes.
const SHORTEST: u64 = 512;
/// See [`SHORTEST`].
const LONGEST: u64 = 32 << 10;
/// A run shorter than this is a word.
const RUN: usize = 32;

/// How far a wall has come, of one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    sample: Vec<u8>,
    /// Bytes that are passed over until the next sample.
    skip: u64,
    /// What is taken for encoded by now.
    encoded: u64,
}

impl Run {
    /// It was told: it begins anew.
    pub(super) fn ends(&mut self) {
        *self = Self::default();
    }

    /// These bytes passed.
    pub(super) fn pass(&mut self, rule: &Wall, bytes: &[u8]) -> Option<Fired> {
        let stretch = (rule.bytes.as_u64() / 16).clamp(SHORTEST, LONGEST);
        let mut rest = bytes;
        while !rest.is_empty() {
            let skipped = usize::try_from(self.skip)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            self.skip -= skipped as u64;
            rest = rest.get(skipped..).unwrap_or_default();
            let wanted = (SAMPLE - self.sample.len()).min(rest.len());
            let (taken, after) = rest.split_at_checked(wanted).unwrap_or((rest, &[]));
            self.sample.extend_from_slice(taken);
            rest = after;
            if self.sample.len() < SAMPLE {
                continue;
            }
            self.skip = stretch - SAMPLE as u64;
            self.encoded = match looks(&self.sample) {
                Looks::Encoded => self.encoded.saturating_add(stretch),
                Looks::Unclear => self.encoded,
                Looks::Other => self.encoded.saturating_sub(3 * stretch),
            };
            self.sample.clear();
            if self.encoded >= rule.bytes.as_u64() {
                let measured = Value::Bytes(self.encoded);
                self.ends();
                return Some(Fired {
                    signal: Signal::Base64,
                    then: rule.then,
                    measured,
                    threshold: Value::Bytes(rule.bytes.as_u64()),
                });
            }
        }
        None
    }
}

/// What letters there are in long runs.
#[derive(Debug, Default)]
struct Letters {
    upper: usize,
    lower: usize,
    digits: usize,
    /// Of hexadecimal digits, those that are letters.
    hex: usize,
    /// `+ / - _ =`
    others: usize,
}

impl Letters {
    fn add(&mut self, byte: u8) {
        match byte {
            b'A'..=b'Z' => self.upper += 1,
            b'a'..=b'z' => self.lower += 1,
            b'0'..=b'9' => self.digits += 1,
            _ => self.others += 1,
        }
        self.hex += usize::from(matches!(byte, b'a'..=b'f' | b'A'..=b'F'));
    }

    fn all(&self) -> usize {
        self.upper + self.lower + self.digits + self.others
    }

    /// Whether that is how encoded bytes look, and not words, paths or numbers.
    fn are_mixed(&self) -> bool {
        let (all, at_least) = (self.all(), |count: usize, percent: usize| {
            count * 100 >= self.all() * percent
        });
        let base64 =
            at_least(self.upper, 15) && at_least(self.lower, 15) && at_least(self.digits, 4);
        let hex = self.hex + self.digits == all
            && (self.upper == 0 || self.lower == 0)
            && at_least(self.digits, 30)
            && at_least(self.hex, 15);
        let base32 = self.lower == 0 && at_least(self.upper, 60) && at_least(self.digits, 8);
        all > 0 && (base64 || hex || base32)
    }
}

/// Whether nearly all of a sample is encoded bytes.
fn looks(sample: &[u8]) -> Looks {
    if is_wall(sample) || is_uuencoded(sample) {
        Looks::Encoded
    } else {
        shape::looks(sample)
    }
}

fn is_wall(sample: &[u8]) -> bool {
    let is_letter = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
    };
    let mut letters = Letters::default();
    // Only a line end stands between runs; whatever else does is no part of a wall. The first and the last may go on outside.
    let lines = sample.split(|byte| matches!(byte, b'\r' | b'\n'));
    let last = lines.clone().count().saturating_sub(1);
    let mut beside = 0;
    for (place, line) in lines.enumerate() {
        for run in line.split(|byte| !is_letter(byte)) {
            let is_cut = (place == 0 || place == last) && run.len() == line.len();
            if run.len() >= RUN || is_cut {
                run.iter().for_each(|byte| letters.add(*byte));
            } else {
                beside += run.len();
            }
        }
        beside += line.iter().filter(|byte| !is_letter(byte)).count();
    }
    beside * 20 <= sample.len() && letters.all() * 2 > sample.len() && letters.are_mixed()
}

/// Lines of 61 letters from space to backquote, of which the first is `M`.
fn is_uuencoded(sample: &[u8]) -> bool {
    let mut lines = sample.split(|byte| *byte == b'\n');
    // Where the sample begins and ends, lines are cut.
    let _ = lines.next();
    let whole = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut whole: Vec<&[u8]> = whole.collect();
    let _ = whole.pop();
    let fits = |line: &&[u8]| {
        line.len() == 61
            && line.first() == Some(&b'M')
            && line.iter().all(|byte| (b' '..=b'`').contains(byte))
    };
    whole.len() >= 2 && whole.iter().all(fits)
}

#[cfg(test)]
mod tests;
