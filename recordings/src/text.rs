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

/// A command, a variable or another's name for a thing, so that different bytes never read alike: as [`neutralise`], and
/// what that writes for a byte or a control is named itself where it stands in the text (`‹U+2039›0x9B›`, `‹U+241B›`).
/// [`neutralise`] leaves what this wrote as it is; this is said once, of the bytes.
#[must_use]
pub fn spelled(bytes: impl AsRef<[u8]>) -> String {
    let mut out = String::new();
    for chunk in bytes.as_ref().utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '‹' | '\u{2400}'..='\u{2421}' => name(letter, &mut out),
                letter => out.push_str(&neutralise(letter.encode_utf8(&mut [0; 4]))),
            }
        }
        out.push_str(&neutralise(chunk.invalid()));
    }
    out
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
                letter if acts(letter) || is_blank(letter) => name(letter, &mut out),
                letter => out.push(letter),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "‹0x{byte:02X}›");
        }
    }
    out
}

fn name(letter: char, out: &mut String) {
    let _ = write!(out, "‹U+{:04X}›", letter as u32);
}

/// Letters for which nothing is drawn, and which are no white space: fillers, empty Braille, signs for shorthand and music,
/// variation selectors that no emoji has (`Default_Ignorable_Code_Point` of Unicode 16.0, DerivedCoreProperties.txt, but
/// for what [`acts`] names and U+FE00 to U+FE0F; U+2800 and U+1D159 are drawn as blanks).
fn is_blank(letter: char) -> bool {
    matches!(
        letter,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}'
            | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
    )
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

    /// The way back, which there is only where different bytes never read alike.
    fn respelled(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            if letter == '‹' {
                let (named, after) = rest.split_once('›').unwrap();
                match named.split_once("U+") {
                    Some((_, code)) => {
                        let code = u32::from_str_radix(code, 16).unwrap();
                        let letter = char::from_u32(code).unwrap();
                        bytes.extend(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    None => bytes.push(u8::from_str_radix(&named[2..], 16).unwrap()),
                }
                rest = after;
                continue;
            }
            match letter {
                '␡' => bytes.push(0x7f),
                '\u{2400}'..='\u{241f}' => bytes.push((letter as u32 - 0x2400) as u8),
                letter => bytes.extend(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        bytes
    }

    /// R5: a byte and the text that names it never read alike where a command is shown.
    #[test]
    fn what_is_spelled_reads_one_way() {
        assert_eq!(spelled(b"\x9b"), "‹0x9B›");
        assert_eq!(spelled("‹0x9B›"), "‹U+2039›0x9B›");
        assert_eq!(spelled("\x1b␛"), "␛‹U+241B›");
        assert_eq!(spelled("\u{3164}a"), "‹U+3164›a");
        assert_eq!(neutralise(spelled("‹0x9B›␛\x1b")), spelled("‹0x9B›␛\x1b"));
    }

    proptest! {
        #[test]
        fn bytes_come_back_from_how_they_are_spelled(bytes in proptest::collection::vec(any::<u8>(), 0..64), text in "[‹›0xU+9B␛\u{1b}a\u{3164}\u{2039}]{0,20}") {
            for bytes in [bytes, text.into_bytes()] {
                let shown = spelled(&bytes);
                prop_assert_eq!(respelled(&shown), bytes);
                prop_assert_eq!(neutralise(&shown), shown);
            }
        }

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
