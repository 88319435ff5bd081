//! What of an output a person would read: letters and line ends, without control sequences.

use crate::Utf8Decoder;
use crate::sequences::{Hidden, Piece, Sequences, Withheld};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Letter(char),
    Tab,
    Return,
    NewLine,
    /// A full-screen program gave the screen back.
    ScreenBack,
}

/// Strips control sequences that arrive in pieces.
#[derive(Debug, Default)]
pub(crate) struct Visible {
    decoder: Utf8Decoder,
    sequences: Sequences,
    hidden: Withheld,
    /// Sequences seen that switch to the screen of a full-screen program, or back from it.
    full_screen: bool,
}

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

    /// What was not shown since this was asked last.
    pub(crate) fn hidden(&mut self) -> Vec<Hidden> {
        self.hidden.take()
    }

    /// Nothing more comes: what waited for its end is shown.
    pub(crate) fn ends(&mut self, mut shown: impl FnMut(Shown)) {
        self.lexed(&mut shown, |sequences, mut out| sequences.end(&mut out));
    }

    /// Whether a full-screen program has the screen.
    pub(crate) fn is_full_screen(&self) -> bool {
        self.full_screen
    }

    /// As if everything before `bytes` was seen, and nothing is kept of it but whether a full-screen program has the screen.
    /// Cheap: the beginning is read for a sequence that it ends, the rest only searched for those that matter.
    pub(crate) fn skip(&mut self, bytes: &[u8]) {
        const LONGEST_SEQUENCE: usize = 64;
        self.feed(bytes.get(..LONGEST_SEQUENCE).unwrap_or(bytes), |_| {});
        let mut full_screen = self.full_screen;
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(0x1b, rest) {
            rest = rest.get(at..).unwrap_or_default();
            let ends = rest
                .iter()
                .take(LONGEST_SEQUENCE)
                .position(|byte| matches!(byte, b'h' | b'l'));
            let sequence = ends.and_then(|ends| rest.get(..=ends));
            let sequence = sequence.and_then(|bytes| std::str::from_utf8(bytes).ok());
            full_screen = sequence.and_then(alternate).unwrap_or(full_screen);
            rest = rest.get(1..).unwrap_or_default();
        }
        *self = Visible {
            full_screen,
            ..Visible::default()
        };
    }

    fn letter(&mut self, letter: char, shown: &mut impl FnMut(Shown)) {
        self.lexed(shown, |sequences, mut out| {
            sequences.letter(letter, &mut out)
        });
    }

    fn lexed(
        &mut self,
        shown: &mut impl FnMut(Shown),
        lex: impl FnOnce(&mut Sequences, &mut dyn FnMut(Piece<'_>)),
    ) {
        let Visible {
            sequences,
            hidden,
            full_screen,
            ..
        } = self;
        lex(sequences, &mut |piece| match piece {
            Piece::Letter('\n') => shown(Shown::NewLine),
            Piece::Letter('\r') => shown(Shown::Return),
            Piece::Letter('\t') => shown(Shown::Tab),
            Piece::Letter(letter) if letter.is_control() => {}
            Piece::Letter(letter) => shown(Shown::Letter(letter)),
            Piece::Sequence(sequence) => {
                let was = *full_screen;
                *full_screen = alternate(sequence).unwrap_or(was);
                if was && !*full_screen {
                    shown(Shown::ScreenBack);
                }
            }
            Piece::Hidden(one) => hidden.keep(one),
        });
    }
}

/// Whether a sequence gives the screen to a full-screen program, or takes it back.
fn alternate(sequence: &str) -> Option<bool> {
    let modes = sequence.strip_prefix("\x1b[?")?;
    let on = modes.ends_with('h');
    let modes = modes.strip_suffix(['h', 'l'])?;
    let mut modes = modes.split(';');
    modes
        .any(|mode| matches!(mode, "47" | "1047" | "1049"))
        .then_some(on)
}
