//! From bytes to characters: decoding across frame borders, and showing text without obeying it.

use std::fmt::Write as _;

/// Decodes UTF-8 that arrives in pieces. A character cut by a frame border is held until its rest
/// comes; what is not UTF-8 becomes U+FFFD, one for each maximal part (Unicode §3.9).
#[derive(Clone, Debug, Default)]
pub struct Utf8Decoder {
    held: [u8; 4],
    count: usize,
}

impl Utf8Decoder {
    /// Decodes the next bytes, handing over the text in pieces. Returns whether all was UTF-8 so far
    /// (a character still incomplete counts as such).
    pub fn feed(&mut self, bytes: &[u8], mut text: impl FnMut(&str)) -> bool {
        self.feed_spans(bytes, |piece, _| text(piece))
    }

    /// The same, telling for each piece how many bytes of the stream it stands for.
    pub(crate) fn feed_spans(
        &mut self,
        mut bytes: &[u8],
        mut text: impl FnMut(&str, usize),
    ) -> bool {
        let mut valid = true;
        while self.count > 0 {
            let Some((&next, rest)) = bytes.split_first() else {
                return valid;
            };
            let mut candidate = self.held;
            if let Some(place) = candidate.get_mut(self.count) {
                *place = next;
            }
            match std::str::from_utf8(candidate.get(..=self.count).unwrap_or_default()) {
                Ok(whole) => {
                    text(whole, whole.len());
                    self.count = 0;
                    bytes = rest;
                }
                Err(error) if error.error_len().is_none() => {
                    self.held = candidate;
                    self.count += 1;
                    bytes = rest;
                }
                Err(_) => {
                    // The byte that broke the sequence may itself begin a character.
                    text("\u{fffd}", self.count);
                    valid = false;
                    self.count = 0;
                }
            }
        }
        loop {
            match std::str::from_utf8(bytes) {
                Ok(rest) => {
                    if !rest.is_empty() {
                        text(rest, rest.len());
                    }
                    return valid;
                }
                Err(error) => {
                    let (good, bad) = bytes
                        .split_at_checked(error.valid_up_to())
                        .unwrap_or((bytes, &[]));
                    if let Ok(good) = std::str::from_utf8(good)
                        && !good.is_empty()
                    {
                        text(good, good.len());
                    }
                    let Some(length) = error.error_len() else {
                        for (place, byte) in self.held.iter_mut().zip(bad) {
                            *place = *byte;
                        }
                        self.count = bad.len().min(self.held.len());
                        return valid;
                    };
                    text("\u{fffd}", length);
                    valid = false;
                    bytes = bad.get(length..).unwrap_or_default();
                }
            }
        }
    }

    /// Ends the stream: an incomplete character becomes U+FFFD. Returns false if there was one.
    pub fn end(&mut self, mut text: impl FnMut(&str)) -> bool {
        let complete = self.count == 0;
        if !complete {
            text("\u{fffd}");
            self.count = 0;
        }
        complete
    }

    /// How many bytes wait for the rest of their character.
    #[must_use]
    pub fn held(&self) -> usize {
        self.count
    }
}

/// Shows text as it is, without letting it act: control characters become their pictures (`␛`, `␊`),
/// characters that reorder or hide text and bytes that are not UTF-8 are named (`‹U+202E›`, `‹0xFF›`).
/// For every name, reason or command that somebody else chose and a terminal, a log or a page shows.
#[must_use]
pub fn neutralise(text: impl AsRef<[u8]>) -> String {
    show(text.as_ref(), false)
}

/// The same for text of several lines: line feeds and tabs stay, carriage returns before them go.
#[must_use]
pub fn neutralise_lines(text: impl AsRef<[u8]>) -> String {
    show(text.as_ref(), true)
}

fn show(bytes: &[u8], lines: bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut letters = chunk.valid().chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\n' | '\t' if lines => out.push(letter),
                '\r' if lines && letters.peek() == Some(&'\n') => {}
                '\0'..='\x1f' => out.push(picture(letter as u32)),
                '\x7f' => out.push('␡'),
                letter if acts(letter) => {
                    let _ = write!(out, "‹U+{:04X}›", letter as u32);
                }
                letter => out.push(letter),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "‹0x{byte:02X}›");
        }
    }
    out
}

fn picture(code: u32) -> char {
    char::from_u32(0x2400 + code).unwrap_or('\u{fffd}')
}

/// Whether a character does something other than appear: controls, bidirectional overrides, joiners,
/// separators, tags, non-characters.
pub(crate) fn acts(letter: char) -> bool {
    matches!(
        letter,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{fdd0}'..='\u{fdef}' | '\u{e0000}'..='\u{e0fff}'
    ) || (letter as u32) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(pieces: &[&[u8]]) -> (String, bool) {
        let mut decoder = Utf8Decoder::default();
        let mut out = String::new();
        let mut valid = true;
        for piece in pieces {
            valid &= decoder.feed(piece, |text| out.push_str(text));
        }
        valid &= decoder.end(|text| out.push_str(text));
        (out, valid)
    }

    proptest! {
        /// Where the frames are cut changes nothing, whatever the bytes.
        #[test]
        fn cutting_never_changes_the_text(bytes in proptest::collection::vec(any::<u8>(), 0..64), cuts in proptest::collection::vec(0usize..64, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts { pieces.push(&bytes[from..cut]); from = cut; }
            pieces.push(&bytes[from..]);
            let (text, valid) = decode(&pieces);
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
            prop_assert_eq!(valid, std::str::from_utf8(&bytes).is_ok());
        }

        #[test]
        fn nothing_neutralised_can_act(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
            prop_assert!(!neutralise(&bytes).chars().any(acts));
            prop_assert!(!neutralise(&text).chars().any(acts));
            prop_assert!(!neutralise_lines(&text).chars().any(|letter| acts(letter) && !"\n\t".contains(letter)));
        }
    }

    #[test]
    fn what_would_act_is_shown() {
        assert_eq!(neutralise("a\x1b]52;c;eA==\x07b"), "a␛]52;c;eA==␇b");
        assert_eq!(neutralise("\u{202e}gpj.exe"), "‹U+202E›gpj.exe");
        assert_eq!(neutralise(b"caf\xe9\r\n"), "caf‹0xE9›␍␊");
        assert_eq!(neutralise("\u{9b}31m"), "‹U+009B›31m");
        assert_eq!(neutralise("écluse 水門"), "écluse 水門");
        assert_eq!(neutralise_lines("a\r\nb\tc\rd"), "a\nb\tc␍d");
    }
}
