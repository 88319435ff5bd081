//! The cells of one row.

use crate::marks::Marked;

/// What covers the second half of a wide letter.
pub(super) const TAIL: char = '\0';

#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) letter: char,
    pub(super) since_ms: u32,
    pub(super) told: bool,
}

impl Cell {
    pub(super) const BLANK: Cell = Cell {
        letter: ' ',
        since_ms: 0,
        told: true,
    };

    pub(super) fn is_fresh(self) -> bool {
        !self.told
    }
}

#[derive(Clone, Debug)]
pub(in crate::ink) struct Row {
    /// When it came to be what it is.
    pub(in crate::ink) changed_us: u64,
    /// Its line goes on in the next one.
    pub(super) wrapped: bool,
    /// The next one was drawn anew from its beginning: whatever the model says, its line ends here.
    pub(in crate::ink) cut: bool,
    pub(super) cells: Vec<Cell>,
}

/// What is known of a line that leaves the first screen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaving {
    /// When it came to be what it is.
    pub(crate) at_us: u64,
    /// Its line ends here, though the model has it go on.
    pub(crate) cut: bool,
}

impl Row {
    pub(in crate::ink) fn leaves(&self) -> Leaving {
        Leaving {
            at_us: self.changed_us,
            cut: self.cut,
        }
    }

    pub(super) fn blank(cols: usize, now_us: u64) -> Self {
        Row {
            changed_us: now_us,
            wrapped: false,
            cut: false,
            cells: vec![Cell::BLANK; cols],
        }
    }

    pub(in crate::ink) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.letter == ' ')
    }

    pub(super) fn letter(&self, col: usize) -> char {
        self.cells.get(col).map_or(' ', |cell| cell.letter)
    }

    pub(super) fn write(&self, marked: &Marked, text: &mut String) {
        let letters = self.cells.iter().map(|cell| cell.letter);
        for letter in letters.filter(|letter| *letter != TAIL) {
            marked.write(letter, text);
        }
    }

    pub(in crate::ink) fn text(&self, marked: &Marked) -> String {
        let mut text = String::new();
        self.write(marked, &mut text);
        text.truncate(text.trim_end().len());
        text
    }
}
