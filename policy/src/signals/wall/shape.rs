//! The shape of encoded bytes: what tells a wall whose letters are not mixed, since what was encoded was a database, a program or zeros.
//!
//! Encoders fold all their lines at one width, a multiple of four, or not at all, and put nothing between. So do few things
//! that people read: rulers, sequences of bases, huge numbers. Those are told apart by their letters, or not told at all.

/// The narrowest line that encoders make.
const NARROWEST: usize = 60;
/// So many times the same letter is a fill.
const FILL: usize = 4;
/// A sequence of bases has four.
const KINDS: usize = 6;

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    /// Encoded bytes.
    Encoded,
    /// It may be: no sign of either.
    Unclear,
    /// What people read, or bytes as they are.
    Other,
}

/// How a sample looks by its lines, whatever its mixture.
pub(super) fn looks(sample: &[u8]) -> Looks {
    let Some((body, is_folded)) = body(sample) else {
        return Looks::Other;
    };
    let rest = Rest::of(&body);
    let (all, left) = (body.len(), rest.letters.len());
    // Nearly nothing but fills: zeros are one letter in each alphabet. A number may end in many, but is not folded like that.
    if left * 8 < all {
        let is_zeros = rest.upper_a * 2 > all || (is_folded && rest.zeros * 2 > all);
        return if is_zeros {
            Looks::Encoded
        } else {
            Looks::Unclear
        };
    }
    if rest.is_base64() || rest.is_hex() || rest.is_base32() {
        return Looks::Encoded;
    }
    // Small numbers between zeros.
    if rest.upper_a * 4 >= all && rest.kinds() >= KINDS {
        return Looks::Encoded;
    }
    Looks::Unclear
}

/// The letters of a sample that is folded as encoders do, or not at all, and whether it is; nothing of any other.
fn body(sample: &[u8]) -> Option<(Vec<u8>, bool)> {
    let lines = sample.split(|byte| *byte == b'\n');
    let lines: Vec<&[u8]> = lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect();
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    if !lines.iter().all(|line| line.iter().all(is_letter)) {
        return None;
    }
    // Where the sample begins and ends, lines are cut.
    let (first, last) = (lines.first()?, lines.last()?);
    let whole = lines.get(1..lines.len().saturating_sub(1));
    let whole = whole.unwrap_or_default();
    if let Some(width) = whole.first().map(|line| line.len()) {
        let fits = width >= NARROWEST
            && width.is_multiple_of(4)
            && whole.iter().all(|line| line.len() == width)
            && first.len() <= width
            && last.len() <= width;
        if !fits {
            return None;
        }
    }
    Some((lines.concat(), !whole.is_empty()))
}

/// What is left beside fills.
#[derive(Debug, Default)]
struct Rest {
    letters: Vec<u8>,
    /// Fills of `A`: zeros in base64 and base32.
    upper_a: usize,
    /// Fills of `0`: zeros in hexadecimal digits.
    zeros: usize,
}

impl Rest {
    fn of(body: &[u8]) -> Self {
        let mut rest = Self::default();
        for run in body.chunk_by(|one, next| one == next) {
            match run.first() {
                _ if run.len() < FILL => rest.letters.extend_from_slice(run),
                Some(b'A') => rest.upper_a += run.len(),
                Some(b'0') => rest.zeros += run.len(),
                _ => {}
            }
        }
        rest
    }

    /// Whether so many of a hundred letters are like that.
    fn has(&self, percent: usize, like: impl Fn(u8) -> bool) -> bool {
        let count = self.letters.iter().filter(|byte| like(**byte)).count();
        count * 100 >= self.letters.len() * percent
    }

    fn is_base64(&self) -> bool {
        let beside = |byte: &u8| !byte.is_ascii_alphabetic();
        self.has(8, |byte| byte.is_ascii_uppercase())
            && self.has(8, |byte| byte.is_ascii_lowercase())
            && self.letters.iter().any(beside)
    }

    fn is_hex(&self) -> bool {
        let of_case = |is: fn(&u8) -> bool| {
            let mut all = self.letters.iter();
            all.all(|byte| byte.is_ascii_digit() || (byte.is_ascii_hexdigit() && is(byte)))
        };
        (of_case(u8::is_ascii_lowercase) || of_case(u8::is_ascii_uppercase))
            && self.has(5, |byte| byte.is_ascii_alphabetic())
            && self.has(20, |byte| byte.is_ascii_digit())
    }

    fn is_base32(&self) -> bool {
        let mut all = self.letters.iter();
        all.all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(byte))
            && self.has(50, |byte| byte.is_ascii_uppercase())
            && self.has(4, |byte| byte.is_ascii_digit())
    }

    fn kinds(&self) -> usize {
        let mut kinds = self.letters.clone();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.len()
    }
}
