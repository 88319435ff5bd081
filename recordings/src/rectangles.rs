//! Letters that a target puts on a screen as rectangles (xterm's DECFRA and DECCRA): the model draws none, so they are told.
//!
//! One rectangle after another may spell a word, so what they show is gathered for a second before it is told.

use crate::screen::Size;
use avt::Terminal;

/// So much is kept of what waits to be told.
const MOST: usize = 4096;
/// What is told waits so long for more of it.
const TOGETHER_US: u64 = 1_000_000;
/// A letter that is repeated more often is no part of a word.
const REPEATED: usize = 4;

/// What a sequence of this kind shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rectangle {
    /// A letter, so many times in a row.
    Filled(char, usize),
    /// What stands there, counted from 0, the last row and column excluded.
    Copied {
        rows: (usize, usize),
        cols: (usize, usize),
    },
}

/// Reads `CSI … $ x` and `CSI … $ v`.
pub(crate) fn rectangle(sequence: &str, size: Size) -> Option<Rectangle> {
    let list = sequence.strip_prefix("\x1b[")?;
    let (filled, list) = match list.strip_suffix("$x") {
        Some(list) => (true, list),
        None => (false, list.strip_suffix("$v")?),
    };
    let numbers: Vec<u32> = list
        .split(';')
        .map(|number| number.parse().unwrap_or(0))
        .collect();
    let at = |place: usize| numbers.get(place).copied().unwrap_or(0);
    // The edges of the screen are meant where nothing is said.
    let span = |from: u32, to: u32, most: u16| {
        let most = u32::from(most);
        let to = if to == 0 { most } else { to.min(most) };
        let from = from.max(1) - 1;
        (from < to).then_some((from as usize, to as usize))
    };
    if filled {
        let letter = char::from_u32(at(0)).filter(|letter| !letter.is_control())?;
        let (from, to) = span(at(2), at(4), size.cols())?;
        span(at(1), at(3), size.rows())?;
        return Some(Rectangle::Filled(letter, to - from));
    }
    Some(Rectangle::Copied {
        rows: span(at(0), at(2), size.rows())?,
        cols: span(at(1), at(3), size.cols())?,
    })
}

/// What rectangles showed and nobody was told of yet.
#[derive(Debug, Default)]
pub(crate) struct Rectangles {
    text: String,
    since_us: u64,
    now_us: u64,
    over: bool,
}

impl Rectangles {
    /// Recorded time goes on.
    pub(crate) fn passes(&mut self, at_us: u64) {
        self.now_us = self.now_us.max(at_us);
    }

    /// Nothing more comes.
    pub(crate) fn ends(&mut self) {
        self.over = true;
    }

    /// One more, on a screen as it is now.
    pub(crate) fn take(&mut self, rectangle: Rectangle, terminal: &Terminal) {
        if self.text.is_empty() {
            self.since_us = self.now_us;
        }
        match rectangle {
            Rectangle::Filled(letter, times) => {
                let times = if times > REPEATED { 1 } else { times };
                self.push(std::iter::repeat_n(letter, times));
            }
            Rectangle::Copied { rows, cols } => {
                for row in rows.0..rows.1 {
                    let Some(line) = terminal.screen().line(row) else {
                        break;
                    };
                    let cells = line.cells();
                    let cells = cells.get(cols.0..cols.1.min(cells.len()));
                    let letters = cells.unwrap_or_default().iter();
                    self.push(letters.filter(|cell| cell.width() > 0).map(avt::Cell::char));
                    if row + 1 < rows.1 {
                        self.push([' ']);
                    }
                }
            }
        }
    }

    /// What is to be told now.
    pub(crate) fn told(&mut self) -> Option<String> {
        let waits = self.now_us.saturating_sub(self.since_us) < TOGETHER_US;
        if self.text.is_empty() || (waits && !self.over && self.text.len() < MOST) {
            return None;
        }
        Some(std::mem::take(&mut self.text))
    }

    fn push(&mut self, letters: impl IntoIterator<Item = char>) {
        for letter in letters {
            if self.text.len() < MOST {
                self.text.push(letter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_are_read_as_terminals_read_them() {
        let size = Size::clamped(80, 24);
        let read = |list: &str| rectangle(&format!("\x1b[{list}"), size);
        assert_eq!(read("90;3;5;3;5$x"), Some(Rectangle::Filled('Z', 1)));
        assert_eq!(read("90$x"), Some(Rectangle::Filled('Z', 80)));
        assert_eq!(read("7;3;5;3;5$x"), None, "a control character");
        assert_eq!(read("90;3;6;3;5$x"), None, "nothing lies between them");
        assert_eq!(
            read("2;3;2;3;1;10;7;1$v"),
            Some(Rectangle::Copied {
                rows: (1, 2),
                cols: (2, 3)
            })
        );
        assert_eq!(
            read("$v"),
            Some(Rectangle::Copied {
                rows: (0, 24),
                cols: (0, 80)
            })
        );
        assert_eq!(read("1;2;3;4$z"), None);
        assert_eq!(rectangle("\x1b$x", size), None);
    }
}
