//! From bytes to keys: an incremental decoder that no byte sequence can break.
//!
//! It knows UTF-8, the usual control keys, the escape sequences of cursor keys and bracketed paste.
//! Everything else, terminal answers and unknown sequences included, is swallowed: what a person did
//! not type as text never becomes text.

use std::collections::VecDeque;

/// One key, as far as our dialogues care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A printable character.
    Char(char),
    /// Return or line feed.
    Enter,
    /// Backspace (both codes in use).
    Backspace,
    /// Delete under the cursor.
    Delete,
    /// Tab.
    Tab,
    /// Cursor keys.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// Start of line.
    Home,
    /// End of line.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A control character by its letter, in lower case: `Control('c')` is Ctrl-C.
    Control(char),
    /// A bracketed paste begins.
    PasteStart,
    /// A bracketed paste ends.
    PasteEnd,
}

/// Longest escape sequence that is waited for; longer ones are swallowed to their end.
const LONGEST_SEQUENCE: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ground,
    /// After ESC.
    Escape,
    /// After `ESC [`: parameters until a final byte 0x40..=0x7e.
    Sequence,
    /// After `ESC O`: one byte.
    Single,
    /// After `ESC ]`, `ESC P`, `ESC ^`, `ESC _` or `ESC X`: text until BEL or `ESC \`.
    Text,
    /// After ESC inside such a text.
    TextEscape,
}

/// Turns bytes into keys across packet borders.
#[derive(Debug)]
pub(super) struct KeyDecoder {
    state: State,
    parameters: Vec<u8>,
    utf8: Vec<u8>,
    /// Carriage return was the last byte: a line feed right after belongs to it.
    after_return: bool,
}

impl Default for KeyDecoder {
    fn default() -> Self {
        Self {
            state: State::Ground,
            parameters: Vec::new(),
            utf8: Vec::new(),
            after_return: false,
        }
    }
}

impl KeyDecoder {
    /// Decodes `bytes` and appends the keys found to `keys`.
    pub(super) fn feed(&mut self, bytes: &[u8], keys: &mut VecDeque<Key>) {
        for &byte in bytes {
            if let Some(key) = self.byte(byte) {
                keys.push_back(key);
            }
        }
    }

    fn byte(&mut self, byte: u8) -> Option<Key> {
        match self.state {
            State::Ground => self.ground(byte),
            State::Escape => self.escape(byte),
            State::Sequence => self.sequence(byte),
            State::Single => {
                self.state = State::Ground;
                final_key(byte)
            }
            State::Text => {
                match byte {
                    0x07 | 0x18 | 0x1a => self.state = State::Ground,
                    0x1b => self.state = State::TextEscape,
                    _ => {}
                }
                None
            }
            State::TextEscape => {
                self.state = if byte == b'\\' {
                    State::Ground
                } else {
                    State::Text
                };
                None
            }
        }
    }

    fn ground(&mut self, byte: u8) -> Option<Key> {
        let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
        if byte >= 0x80 || !self.utf8.is_empty() {
            return self.multibyte(byte);
        }
        match byte {
            b'\n' if after_return => None,
            b'\r' | b'\n' => Some(Key::Enter),
            b'\t' => Some(Key::Tab),
            0x08 | 0x7f => Some(Key::Backspace),
            0x1b => {
                self.state = State::Escape;
                None
            }
            0x01..=0x1a => Some(Key::Control(char::from(byte + b'a' - 1))),
            0x00 | 0x1c..=0x1f => None,
            _ => Some(Key::Char(char::from(byte))),
        }
    }

    /// Collects a UTF-8 sequence; bytes that are not UTF-8 become U+FFFD, one for each broken sequence.
    fn multibyte(&mut self, byte: u8) -> Option<Key> {
        let continues = byte & 0xc0 == 0x80;
        if !self.utf8.is_empty() && !continues {
            // The sequence broke off: this byte begins anew, and the broken one is dropped.
            self.utf8.clear();
            return self.ground(byte);
        }
        self.utf8.push(byte);
        match std::str::from_utf8(&self.utf8) {
            Ok(text) => {
                let found = text.chars().next();
                self.utf8.clear();
                found.filter(|c| !c.is_control()).map(Key::Char)
            }
            Err(error) if error.error_len().is_none() => None,
            Err(_) => {
                self.utf8.clear();
                Some(Key::Char(char::REPLACEMENT_CHARACTER))
            }
        }
    }

    fn escape(&mut self, byte: u8) -> Option<Key> {
        self.state = State::Ground;
        match byte {
            b'[' => {
                self.parameters.clear();
                self.state = State::Sequence;
                None
            }
            b'O' => {
                self.state = State::Single;
                None
            }
            b']' | b'P' | b'^' | b'_' | b'X' => {
                self.state = State::Text;
                None
            }
            0x1b => {
                self.state = State::Escape;
                None
            }
            // Alt with a key: the key alone, so that a lost ESC never hides what was typed.
            other => self.ground(other),
        }
    }

    fn sequence(&mut self, byte: u8) -> Option<Key> {
        match byte {
            0x40..=0x7e => {
                self.state = State::Ground;
                let parameters = std::mem::take(&mut self.parameters);
                if byte == b'~' {
                    numbered_key(&parameters)
                } else {
                    final_key(byte)
                }
            }
            0x20..=0x3f => {
                if self.parameters.len() < LONGEST_SEQUENCE {
                    self.parameters.push(byte);
                }
                None
            }
            0x1b => {
                self.state = State::Escape;
                None
            }
            // A control character inside a sequence ends it; the character counts (Ctrl-C must work).
            other => {
                self.state = State::Ground;
                self.ground(other)
            }
        }
    }
}

fn final_key(byte: u8) -> Option<Key> {
    match byte {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        b'C' => Some(Key::Right),
        b'D' => Some(Key::Left),
        b'H' => Some(Key::Home),
        b'F' => Some(Key::End),
        b'M' => Some(Key::Enter),
        _ => None,
    }
}

fn numbered_key(parameters: &[u8]) -> Option<Key> {
    let number = parameters.split(|b| *b == b';').next().unwrap_or_default();
    match number {
        b"1" | b"7" => Some(Key::Home),
        b"3" => Some(Key::Delete),
        b"4" | b"8" => Some(Key::End),
        b"5" => Some(Key::PageUp),
        b"6" => Some(Key::PageDown),
        b"200" => Some(Key::PasteStart),
        b"201" => Some(Key::PasteEnd),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = KeyDecoder::default();
        let mut keys = VecDeque::new();
        decoder.feed(bytes, &mut keys);
        keys.into()
    }

    #[test]
    fn text_and_cursor_keys_are_told_apart() {
        assert_eq!(
            keys(b"a\x1b[D\x1bOC\x1b[3~\x7f\r\n\x03"),
            [
                Key::Char('a'),
                Key::Left,
                Key::Right,
                Key::Delete,
                Key::Backspace,
                Key::Enter,
                Key::Control('c')
            ]
        );
    }

    #[test]
    fn an_accent_split_over_two_packets_is_one_character() {
        let mut decoder = KeyDecoder::default();
        let mut keys = VecDeque::new();
        decoder.feed(&[0xc3], &mut keys);
        assert!(keys.is_empty());
        decoder.feed(&[0xa9, b'!'], &mut keys);
        assert_eq!(keys, [Key::Char('é'), Key::Char('!')]);
    }

    #[test]
    fn a_terminal_answer_never_becomes_text() {
        assert_eq!(
            keys(b"\x1b]11;rgb:0/0/0\x07\x1bP>|xterm\x1b\\\x1b[?62;1c\x1b[24;80Rx"),
            [Key::Char('x')]
        );
    }

    #[test]
    fn ctrl_c_counts_inside_an_unfinished_sequence() {
        assert_eq!(keys(b"\x1b[12;\x03"), [Key::Control('c')]);
    }

    #[test]
    fn a_c1_control_in_utf8_is_not_a_character() {
        assert_eq!(
            keys("\u{9b}31m".as_bytes()),
            [Key::Char('3'), Key::Char('1'), Key::Char('m')]
        );
    }

    proptest! {
        /// Whatever arrives, however it is cut, the keys are the same and printable ones are printable.
        #[test]
        fn cutting_the_input_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 1usize..40) {
            let whole = keys(&bytes);
            let mut decoder = KeyDecoder::default();
            let mut pieces = VecDeque::new();
            for piece in bytes.chunks(cut) {
                decoder.feed(piece, &mut pieces);
            }
            prop_assert_eq!(&whole, &Vec::from(pieces));
            for key in whole {
                if let Key::Char(c) = key {
                    prop_assert!(!c.is_control());
                }
            }
        }
    }
}
