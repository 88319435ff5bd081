//! A line being typed: what a person expects of a shell's command line.
//!
//! It is pure (keys in, outcome out) and knows no screen; [`Prompt`](super::Prompt) draws it.

use std::collections::VecDeque;

use super::Key;

/// What a prompt ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Return was pressed.
    Text(String),
    /// Ctrl-C: drop this line.
    Interrupted,
    /// Ctrl-D on an empty line, or the end of the input.
    End,
}

/// Lines typed before, newest last.
#[derive(Debug, Default)]
pub struct History(VecDeque<String>);

impl History {
    const KEPT: usize = 100;

    /// Remembers a line, unless it is empty or the same as the last one.
    pub fn remember(&mut self, line: &str) {
        if line.trim().is_empty() || self.0.back().is_some_and(|last| last == line) {
            return;
        }
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(line.to_owned());
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing to draw.
    Same,
    /// Draw again.
    Changed,
    /// Clear the screen, then draw again.
    Clear,
    Done(Line),
}

/// The text being typed. Invariant: `cursor <= text.len() <= limit`.
#[derive(Debug)]
pub(super) struct LineEditor {
    text: Vec<char>,
    cursor: usize,
    limit: usize,
    pasting: bool,
    /// Position in the history counted from the newest; 0 is the line being typed.
    recalled: usize,
    draft: Vec<char>,
}

impl LineEditor {
    pub(super) fn new(limit: usize, text: &str) -> Self {
        let text: Vec<char> = text.chars().take(limit).collect();
        Self {
            cursor: text.len(),
            text,
            limit,
            pasting: false,
            recalled: 0,
            draft: Vec::new(),
        }
    }

    pub(super) fn text(&self) -> String {
        self.text.iter().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The characters, and the place of the cursor among them.
    pub(super) fn letters(&self) -> (&[char], usize) {
        (&self.text, self.cursor)
    }

    pub(super) fn go_to_end(&mut self) {
        self.cursor = self.text.len();
    }

    pub(super) fn key(&mut self, key: Key, history: Option<&History>) -> Outcome {
        match key {
            Key::Char(c) => self.insert(c),
            Key::Tab | Key::Enter if self.pasting => self.insert(' '),
            Key::PasteStart | Key::PasteEnd => {
                self.pasting = key == Key::PasteStart;
                Outcome::Same
            }
            // A paste is text: none of its bytes may act as a command key, Ctrl-C aside.
            Key::Control('c') => Outcome::Done(Line::Interrupted),
            _ if self.pasting => Outcome::Same,
            Key::Enter => Outcome::Done(Line::Text(self.text())),
            Key::Control('d') if self.text.is_empty() => Outcome::Done(Line::End),
            Key::Backspace => self.remove(self.cursor.saturating_sub(1), self.cursor),
            Key::Delete | Key::Control('d') => self.remove(self.cursor, self.cursor + 1),
            Key::Control('u') => self.remove(0, self.cursor),
            Key::Control('k') => self.remove(self.cursor, self.text.len()),
            Key::Control('w') => self.remove(self.word_before(), self.cursor),
            Key::Left | Key::Control('b') => self.go(self.cursor.saturating_sub(1)),
            Key::Right | Key::Control('f') => self.go(self.cursor + 1),
            Key::Home | Key::Control('a') => self.go(0),
            Key::End | Key::Control('e') => self.go(self.text.len()),
            Key::Up | Key::Control('p') => self.recall(history, 1),
            Key::Down | Key::Control('n') => self.recall(history, -1),
            Key::Control('l') => Outcome::Clear,
            Key::Control(_) | Key::Tab | Key::PageUp | Key::PageDown => Outcome::Same,
        }
    }

    fn insert(&mut self, c: char) -> Outcome {
        if self.text.len() >= self.limit {
            return Outcome::Same;
        }
        self.text.insert(self.cursor, c);
        self.cursor += 1;
        Outcome::Changed
    }

    fn remove(&mut self, from: usize, to: usize) -> Outcome {
        let to = to.min(self.text.len());
        if from >= to {
            return Outcome::Same;
        }
        self.text.drain(from..to);
        self.cursor = from;
        Outcome::Changed
    }

    fn go(&mut self, to: usize) -> Outcome {
        self.cursor = to.min(self.text.len());
        Outcome::Changed
    }

    fn word_before(&self) -> usize {
        let typed = self.text.get(..self.cursor).unwrap_or_default();
        let spaces = typed.iter().rev().take_while(|c| **c == ' ').count();
        let letters = typed
            .iter()
            .rev()
            .skip(spaces)
            .take_while(|c| **c != ' ')
            .count();
        self.cursor - spaces - letters
    }

    fn recall(&mut self, history: Option<&History>, step: isize) -> Outcome {
        let Some(History(lines)) = history else {
            return Outcome::Same;
        };
        let Some(wanted) = self
            .recalled
            .checked_add_signed(step)
            .filter(|n| *n <= lines.len())
        else {
            return Outcome::Same;
        };
        if self.recalled == 0 {
            self.draft = std::mem::take(&mut self.text);
        }
        self.text = match wanted
            .checked_sub(1)
            .and_then(|back| lines.iter().rev().nth(back))
        {
            Some(line) => line.chars().take(self.limit).collect(),
            None => std::mem::take(&mut self.draft),
        };
        self.recalled = wanted;
        self.cursor = self.text.len();
        Outcome::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[Key]) -> (LineEditor, Outcome) {
        let mut editor = LineEditor::new(50, "");
        let mut last = Outcome::Same;
        for key in keys {
            last = editor.key(*key, None);
        }
        (editor, last)
    }

    fn chars(text: &str) -> Vec<Key> {
        text.chars().map(Key::Char).collect()
    }

    #[test]
    fn control_w_removes_the_last_word_only() {
        let mut keys = chars("approve 17  ");
        keys.push(Key::Control('w'));
        assert_eq!(typed(&keys).0.text(), "approve ");
    }

    #[test]
    fn a_pasted_line_end_answers_nothing() {
        let keys = [
            Key::PasteStart,
            Key::Char('a'),
            Key::Enter,
            Key::Control('d'),
            Key::Char('b'),
            Key::PasteEnd,
        ];
        let (editor, _) = typed(&keys);
        assert_eq!(editor.text(), "a b");
    }

    #[test]
    fn what_goes_beyond_the_limit_is_not_taken() {
        let (editor, _) = typed(&chars(&"x".repeat(10_000)));
        assert_eq!(editor.text.len(), 50);
    }

    #[test]
    fn the_history_comes_back_and_the_draft_too() {
        let mut history = History::default();
        history.remember("pending");
        history.remember("live");
        let mut editor = LineEditor::new(50, "dra");
        editor.key(Key::Up, Some(&history));
        assert_eq!(editor.text(), "live");
        editor.key(Key::Up, Some(&history));
        editor.key(Key::Up, Some(&history));
        assert_eq!(editor.text(), "pending");
        editor.key(Key::Down, Some(&history));
        editor.key(Key::Down, Some(&history));
        assert_eq!(editor.text(), "dra");
    }
}
