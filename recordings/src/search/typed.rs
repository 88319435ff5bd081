//! Lines that a technician typed at a terminal and saw echoed.
//!
//! Knows keys, not programs: what completion or history put on the line is on the screen, not here.

use super::LONGEST_LINE;
use crate::Utf8Decoder;
use crate::keys::Keys;

/// The line being typed on one channel.
#[derive(Default)]
pub struct TypedLine {
    decoder: Utf8Decoder,
    keys: Keys,
    text: String,
    /// Something on this line was not echoed: none of it is given.
    hidden: bool,
}

impl TypedLine {
    /// Input that was echoed; each finished line goes to `line`.
    pub fn shown(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.feed(bytes, |text| {
            for letter in text.chars() {
                self.letter(letter, &mut line);
            }
        });
        self.decoder = decoder;
        self.keys.piece_ended();
    }

    /// Input that was not: nothing of the line it stands on is given.
    pub fn masked(&mut self) {
        self.decoder = Utf8Decoder::default();
        self.keys = Keys::Plain;
        self.text.clear();
        self.hidden = true;
    }

    fn letter(&mut self, letter: char, line: &mut impl FnMut(&str)) {
        if self.keys.swallow(letter) {
            return;
        }
        match letter {
            '\r' | '\n' => {
                if !self.hidden && !self.text.trim().is_empty() {
                    line(&self.text);
                }
                self.text.clear();
                self.hidden = false;
            }
            // Interrupt, end of file, suspend, quit, and the key that empties the line.
            '\x03' | '\x04' | '\x1a' | '\x1c' | '\x15' => {
                self.text.clear();
                self.hidden = false;
            }
            '\x08' | '\x7f' => {
                self.text.pop();
            }
            '\x17' => {
                let word = self.text.trim_end();
                let kept = word.rfind(' ').map_or(0, |blank| blank + 1);
                self.text.truncate(kept);
            }
            letter if letter.is_control() => {}
            // The rest of an endless line is not kept; its beginning is.
            letter if self.text.len() < LONGEST_LINE => self.text.push(letter),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[(&str, bool)]) -> Vec<String> {
        let mut typed = TypedLine::default();
        let mut lines = Vec::new();
        for (text, shown) in pieces {
            if *shown {
                typed.shown(text.as_bytes(), |line| lines.push(line.to_owned()));
            } else {
                typed.masked();
            }
        }
        lines
    }

    #[test]
    fn a_line_is_what_stands_when_enter_is_pressed() {
        assert_eq!(
            lines(&[
                ("ls \x1b[A\x1bOPx\x7f-l\rcd /tpm\x17/tmp\n", true),
                ("no\x15yes\r\r", true)
            ]),
            ["ls -l", "cd /tmp", "yes"]
        );
        assert_eq!(lines(&[("never sent", true)]), Vec::<String>::new());
        assert_eq!(lines(&[("gone\x03kept\r", true)]), ["kept"]);
    }

    #[test]
    fn nothing_of_a_line_with_a_masked_part_is_given() {
        assert_eq!(
            lines(&[("be", true), ("••••", false), ("hind\rnext\r", true)]),
            ["next"]
        );
        assert_eq!(lines(&[("secret", false), ("\rls\r", true)]), ["ls"]);
    }
}
