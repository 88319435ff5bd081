//! Lines of output where there is no terminal, without their escape sequences.

use super::LONGEST_LINE;
use crate::echo::visible::{Shown, Visible};

/// A line too long is broken at a blank within so many bytes of its end.
const BREAK: usize = 128;

/// The lines of one stream.
#[derive(Default)]
pub(super) struct PlainLines {
    visible: Visible,
    text: String,
}

impl PlainLines {
    /// The stream went on; each finished line goes to `line`.
    pub(super) fn feed(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        let mut visible = std::mem::take(&mut self.visible);
        visible.feed(bytes, |shown| self.shown(shown, &mut line));
        self.visible = visible;
        self.tell_hidden(&mut line);
    }

    fn shown(&mut self, shown: Shown, line: &mut impl FnMut(&str)) {
        match shown {
            Shown::Letter(letter) => self.push(letter, line),
            Shown::Tab => self.push(' ', line),
            // A line feed follows, or what was written is written over.
            Shown::Return | Shown::ScreenBack => {}
            Shown::NewLine => self.give(line),
        }
    }

    /// Tells what was printed and no terminal would show.
    fn tell_hidden(&mut self, line: &mut impl FnMut(&str)) {
        for hidden in self.visible.hidden() {
            line(&hidden.told());
        }
    }

    /// The stream ended.
    pub(super) fn end(&mut self, mut line: impl FnMut(&str)) {
        let mut visible = std::mem::take(&mut self.visible);
        visible.ends(|shown| self.shown(shown, &mut line));
        self.visible = visible;
        self.give(&mut line);
        self.tell_hidden(&mut line);
    }

    fn push(&mut self, letter: char, line: &mut impl FnMut(&str)) {
        if self.text.len() + letter.len_utf8() > LONGEST_LINE {
            let late = self
                .text
                .rfind(' ')
                .filter(|blank| blank + BREAK > self.text.len());
            let rest = late.map(|blank| self.text.split_off(blank));
            self.give(line);
            self.text = rest.unwrap_or_default();
        }
        self.text.push(letter);
    }

    fn give(&mut self, line: &mut impl FnMut(&str)) {
        if !self.text.trim().is_empty() {
            line(&self.text);
        }
        self.text.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut plain = PlainLines::default();
        let mut lines = Vec::new();
        for bytes in pieces {
            plain.feed(bytes, |line| lines.push(line.to_owned()));
        }
        plain.end(|line| lines.push(line.to_owned()));
        lines
    }

    #[test]
    fn lines_come_whole_and_without_colours() {
        assert_eq!(
            lines(&[b"\x1b[31mro", b"ot\x1b[0m\tx\r\n\n  \nlast \xff"]),
            ["root x", "last \u{fffd}"]
        );
    }

    #[test]
    fn an_endless_line_is_several_broken_at_blanks() {
        let long = "word ".repeat(1000);
        let lines = lines(&[long.as_bytes()]);
        assert!(
            lines
                .iter()
                .all(|line| line.len() <= LONGEST_LINE && line.trim().ends_with("word"))
        );
        assert_eq!(lines.concat().trim(), long.trim());
    }
}
