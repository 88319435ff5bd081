//! Keys as a technician's terminal sends them: letters, and the sequences of arrows and function keys.

/// Where typed input stands: between keys, or inside the sequence of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keys {
    #[default]
    Plain,
    Escape,
    Sequence,
}

impl Keys {
    /// Takes the next letter; whether it belongs to a key's sequence, and is none that was typed.
    pub(crate) fn swallow(&mut self, letter: char) -> bool {
        let (next, swallowed) = match (*self, letter) {
            (Keys::Plain, '\x1b') => (Keys::Escape, true),
            (Keys::Plain, _) => (Keys::Plain, false),
            (Keys::Escape, '[' | 'O') => (Keys::Sequence, true),
            (Keys::Escape, _) | (Keys::Sequence, '@'..='~') => (Keys::Plain, true),
            (Keys::Sequence, _) => (Keys::Sequence, true),
        };
        *self = next;
        swallowed
    }

    /// A piece of input is over: an Escape key at its end is a key of its own.
    pub(crate) fn piece_ended(&mut self) {
        if *self == Keys::Escape {
            *self = Keys::Plain;
        }
    }
}
