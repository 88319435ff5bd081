//! A line that is typed to the gateway on a terminal that is a target's.
//!
//! Whoever types when it begins means the target: a command, perhaps a password that nothing shows. So the line begins with an
//! Enter, and what comes before that is nobody's.

use std::collections::VecDeque;

use super::editor::{Line, LineEditor, Outcome};
use super::prompt::{moves, plain_row, row, whole};
use super::{Key, KeyDecoder};

/// Longest line, in characters.
pub(crate) const LONGEST: usize = 500;

/// A line that begins with an Enter.
#[derive(Debug)]
pub(crate) struct Aside {
    label: String,
    /// What is shown, once, to whoever types before it has begun.
    hint: Option<String>,
    /// The terminal can do nothing but write lines.
    is_plain: bool,
    keys: KeyDecoder,
    line: Option<LineEditor>,
    /// On a plain terminal: what stands on the row already.
    echoed: String,
}

/// What became of what was typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    /// Bytes that belong to no line.
    pub(crate) refused: u64,
    /// What the terminal is to show.
    pub(crate) shown: String,
    /// The line, once it is done: an Enter behind it.
    pub(crate) line: Option<String>,
}

impl Aside {
    /// One that has not begun, with `label` before its text; whoever types before that is shown `hint`.
    pub(crate) fn new(label: String, hint: String, is_plain: bool) -> Self {
        Self {
            label,
            hint: Some(hint),
            is_plain,
            keys: KeyDecoder::default(),
            line: None,
            echoed: String::new(),
        }
    }

    /// Whether it has begun and is not done.
    pub(crate) fn is_open(&self) -> bool {
        self.line.is_some()
    }

    /// Takes what is typed on a terminal of so many columns. What comes behind a line that is done is refused.
    pub(crate) fn typed(&mut self, bytes: &[u8], columns: u16) -> Typed {
        let (mut typed, mut keys) = (Typed::default(), VecDeque::new());
        let (mut is_stale, mut is_early) = (false, false);
        for byte in bytes {
            let was_open = self.line.is_some();
            self.keys.feed(std::slice::from_ref(byte), &mut keys);
            for key in keys.drain(..) {
                let Some(line) = self.line.as_mut().filter(|_| typed.line.is_none()) else {
                    if key == Key::Enter && typed.line.is_none() {
                        self.line = Some(LineEditor::new(LONGEST, ""));
                        self.hint = None;
                        typed.shown.push_str("\r\n");
                        typed.shown.push_str(&self.begin(columns));
                    }
                    is_early |= matches!(key, Key::Char(_));
                    continue;
                };
                let outcome = match self.is_plain && moves(key) {
                    true => Outcome::Same,
                    false => line.key(key, None),
                };
                match outcome {
                    Outcome::Same => {}
                    Outcome::Changed | Outcome::Clear => is_stale = true,
                    Outcome::Done(done) => {
                        line.go_to_end();
                        typed.shown.push_str(&self.done(columns));
                        typed.shown.push_str("\r\n");
                        is_stale = false;
                        self.line = None;
                        if let Line::Text(text) = done {
                            typed.line = Some(text);
                        }
                    }
                }
            }
            if !was_open && self.line.is_none() {
                typed.refused += 1;
            }
        }
        if is_early && let Some(hint) = self.hint.take() {
            typed.shown.push_str(&hint);
        }
        if is_stale {
            typed.shown.push_str(&self.drawn(columns));
        }
        typed
    }

    fn begin(&mut self, columns: u16) -> String {
        self.echoed.clear();
        match self.is_plain {
            true => self.label.clone(),
            false => row(&self.label, (&[], 0), columns),
        }
    }

    /// The line as it stays.
    fn done(&mut self, columns: u16) -> String {
        let line = self.line.as_ref().filter(|_| !self.is_plain);
        let whole = line.and_then(|line| whole(&self.label, &line.text(), columns));
        whole.unwrap_or_else(|| self.drawn(columns))
    }

    fn drawn(&mut self, columns: u16) -> String {
        let Some(line) = &self.line else {
            return String::new();
        };
        if !self.is_plain {
            return row(&self.label, line.letters(), columns);
        }
        let text = line.text();
        let shown = plain_row(&self.label, &self.echoed, &text);
        self.echoed = text;
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aside(is_plain: bool) -> Aside {
        Aside::new("Answer: ".to_owned(), "[Enter first]".to_owned(), is_plain)
    }

    /// N1: what was meant for the target when the question came, such as a password, is no answer; an Enter begins one, another
    /// sends it, and what comes behind that is refused again.
    #[test]
    fn n1_an_answer_begins_with_an_enter_of_its_own() {
        let mut aside = aside(false);
        let typed = aside.typed(b"hunter2", 80);
        assert_eq!((typed.refused, &*typed.shown), (7, "[Enter first]"));
        let typed = aside.typed(b"ls", 80);
        assert_eq!((typed.refused, &*typed.shown), (2, ""), "it is said once");
        let typed = aside.typed(b"\r", 80);
        assert_eq!((typed.refused, &typed.line), (0, &None));
        assert!(
            typed.shown.ends_with("\r\x1b[KAnswer: \r\x1b[8C"),
            "{typed:?}"
        );
        let typed = aside.typed(
            "a dumX\x7fp, é\u{9b}31m\x1b[31m\x07\rrm -r *\r".as_bytes(),
            80,
        );
        assert_eq!(typed.line.as_deref(), Some("a dump, é31m"));
        assert_eq!(typed.refused, 8);
        assert!(typed.shown.ends_with("\r\n"));
    }

    /// N1: it can be taken back, and holds no more than it may.
    #[test]
    fn n1_an_answer_can_be_taken_back_and_is_bounded() {
        let mut aside = aside(false);
        aside.typed(b"\r", 40);
        let typed = aside.typed(b"never mind\x03", 40);
        assert_eq!((typed.refused, typed.line), (0, None));
        assert_eq!(aside.typed(b"ls", 40).refused, 2);
        aside.typed(b"\r", 40);
        let long = "x".repeat(10_000);
        let typed = aside.typed(long.as_bytes(), 40);
        assert!(typed.shown.len() < 100, "one row: {typed:?}");
        let typed = aside.typed(b"\r", 40);
        assert_eq!(typed.line.unwrap().len(), LONGEST);
        // And then it stands there whole.
        assert_eq!(typed.shown.matches('x').count(), LONGEST);
    }

    #[test]
    fn a_plain_terminal_gets_no_sequences() {
        let mut aside = aside(true);
        let mut shown = aside.typed(b"\r", 80).shown;
        for key in [&b"ab"[..], b"\x7f", b"\x1b[D", b"c"] {
            shown.push_str(&aside.typed(key, 80).shown);
        }
        let typed = aside.typed(b"\r", 80);
        shown.push_str(&typed.shown);
        assert_eq!(shown, "\r\nAnswer: ab\x08 \x08c\r\n");
        assert_eq!(typed.line.as_deref(), Some("ac"));
    }
}
