//! What of an output a person would read: letters and line ends, without escape sequences.

use crate::Utf8Decoder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Letter(char),
    Tab,
    Return,
    NewLine,
}

/// Strips escape sequences that arrive in pieces.
#[derive(Debug, Default)]
pub(crate) struct Visible {
    decoder: Utf8Decoder,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    /// `ESC (` and the like: one more letter.
    Charset,
    Control,
    /// OSC, DCS, APC, PM, SOS: up to BEL or `ESC \`. Given up after a while, or a stray one would
    /// swallow the session.
    Text(u16),
    TextEscape(u16),
}

const LONGEST_TEXT: u16 = 4096;

impl Visible {
    pub(crate) fn feed(&mut self, bytes: &[u8], mut shown: impl FnMut(Shown)) {
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.feed(bytes, |text| {
            for letter in text.chars() {
                self.letter(letter, &mut shown);
            }
        });
        self.decoder = decoder;
    }

    fn letter(&mut self, letter: char, shown: &mut impl FnMut(Shown)) {
        self.state = match (self.state, letter) {
            (State::Text(_) | State::TextEscape(_), '\x07') | (State::TextEscape(_), '\\') => {
                State::Ground
            }
            (State::Text(length) | State::TextEscape(length), _) if length >= LONGEST_TEXT => {
                State::Ground
            }
            (State::Text(length), '\x1b') => State::TextEscape(length),
            (State::Text(length) | State::TextEscape(length), _) => State::Text(length + 1),
            (_, '\x1b') => State::Escape,
            (State::Escape, '[') => State::Control,
            (State::Escape, ']' | 'P' | '_' | '^' | 'X') => State::Text(0),
            (State::Escape, '(' | ')' | '*' | '+' | '#' | ' ') => State::Charset,
            (State::Escape | State::Charset, _) => State::Ground,
            (State::Control, '@'..='~') => State::Ground,
            (State::Control, _) => State::Control,
            (State::Ground, '\n') => {
                shown(Shown::NewLine);
                State::Ground
            }
            (State::Ground, '\r') => {
                shown(Shown::Return);
                State::Ground
            }
            (State::Ground, '\t') => {
                shown(Shown::Tab);
                State::Ground
            }
            (State::Ground, letter) => {
                if !letter.is_control() {
                    shown(Shown::Letter(letter));
                }
                State::Ground
            }
        };
    }
}
