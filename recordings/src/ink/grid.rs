//! The cells of a screen: since when each shows its letter, and whether that letter was given already.

mod moving;
mod resize;
mod row;

use self::moving::renewed;
pub(crate) use self::row::Leaving;
pub(super) use self::row::Row;
use self::row::{Cell, TAIL};
use crate::marks::Marked;
use avt::Line;
use std::collections::VecDeque;
use std::ops::Range;

/// What stood on the screen for so long was shown, whatever took its place. **Unit**: milliseconds.
const SHOWN_MS: u32 = 500;
/// A word, and a line that wraps, are looked at so far.
const LONGEST_WORD: usize = 1024;
const MOST_ROWS: usize = 8;
/// Columns and rows below which a screen is one to hide words in.
const TINY: (usize, usize) = (10, 3);

/// What was given of nothing before, and is taken away now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// A row that stood long enough to be read, or was wiped with others.
    Row {
        /// Since when it was as it was.
        since_us: u64,
        text: String,
        /// The letters of it that were never given.
        fresh: String,
        by: Taker,
    },
    /// Words that did not stand so long.
    Words(String),
    /// What was sent to a screen on which nothing stays where it was put, in its order.
    Sent(String),
}

/// What takes a row away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taker {
    /// Other letters, or rows that move.
    Others,
    /// Whatever wipes the screen of a full-screen program, or puts another in its place.
    Wiped,
    /// A sequence that wipes rows of the first screen.
    WipedFirst,
}

/// What taking away needs to know, and what it takes.
pub(super) struct Notes {
    pub(super) now_us: u64,
    pub(super) marked: Marked,
    pub(super) gone: Vec<Gone>,
    /// Letters that are being printed over others: they are not of the word that is taken.
    pub(super) printing: Option<(usize, Range<usize>)>,
}

impl Notes {
    fn now_ms(&self) -> u32 {
        u32::try_from(self.now_us / 1000).unwrap_or(u32::MAX)
    }
}

/// One screen.
pub(super) struct Grid {
    pub(super) rows: VecDeque<Row>,
    cols: usize,
    first: bool,
    /// The beginning of the word that goes on in the first row, where it scrolled off already.
    above: String,
    /// The row, and the columns in it, of the rest of a word that was looked at: nothing of it is left to give. So that who
    /// draws over a long word letter by letter does not have it looked at for each.
    known: Option<(usize, Range<usize>)>,
}

impl Grid {
    /// Whether it is smaller than whoever works on a terminal has it.
    pub(super) fn is_tiny(&self) -> bool {
        self.cols < TINY.0 || self.rows.len() < TINY.1
    }

    /// An empty one; `first` is the one whose lines are kept when they scroll off.
    pub(super) fn new(cols: usize, rows: usize, first: bool, now_us: u64) -> Self {
        Grid {
            rows: vec![Row::blank(cols, now_us); rows].into(),
            cols,
            first,
            above: String::new(),
            known: None,
        }
    }

    /// What is shown of a row, from a column to another, became what `line` says.
    pub(super) fn sync(&mut self, row: usize, cols: Range<usize>, line: &Line, notes: &mut Notes) {
        let mut changed = false;
        for col in cols.start..cols.end.min(self.cols) {
            let Some(shown) = line.cells().get(col) else {
                break;
            };
            let letter = match shown.width() {
                0 => TAIL,
                _ => shown.char(),
            };
            let before = self.cell(row, col).map_or(' ', |cell| cell.letter);
            if before == letter {
                continue;
            }
            if before != ' ' && !self.is_known(row, col) {
                self.take_word(row, col, notes);
                self.known = self.rest_of_word(row, col);
            }
            let since_ms = notes.now_ms();
            if let Some(cell) = self.cell(row, col) {
                *cell = Cell {
                    letter,
                    since_ms,
                    told: matches!(letter, ' ' | TAIL),
                };
            }
            self.known = self.known.take().and_then(|(known, cols)| match cols {
                cols if known != row || !cols.contains(&col) => Some((known, cols)),
                // Up to here it is another word now.
                cols => (col + 1 < cols.end).then_some((known, col + 1..cols.end)),
            });
            changed = true;
        }
        if let Some(row) = self.rows.get_mut(row) {
            row.wrapped = line.is_wrapped() && !row.cut;
            if changed {
                row.changed_us = notes.now_us;
            }
        }
    }

    fn is_known(&self, row: usize, col: usize) -> bool {
        let known = self.known.as_ref();
        known.is_some_and(|(known, cols)| *known == row && cols.contains(&col))
    }

    /// From a column on, as far as a word that was taken goes in its row.
    fn rest_of_word(&self, row: usize, col: usize) -> Option<(usize, Range<usize>)> {
        let cells = self.rows.get(row)?.cells.iter().skip(col);
        let count = cells
            .take(LONGEST_WORD)
            .take_while(|cell| cell.letter != ' ' && cell.told)
            .count();
        (count > 0).then_some((row, col..col + count))
    }

    pub(super) fn letter(&self, row: usize, col: usize) -> char {
        self.rows.get(row).map_or(' ', |row| row.letter(col))
    }

    pub(super) fn set_wrapped(&mut self, row: usize) {
        if let Some(row) = self.rows.get_mut(row) {
            (row.wrapped, row.cut) = (true, false);
        }
    }

    /// A row is about to be drawn from its beginning by whoever went there: it is no longer the rest of the line above.
    pub(super) fn begins(&mut self, row: usize, notes: &mut Notes) {
        let Some(before) = row.checked_sub(1) else {
            return;
        };
        if !self.rows.get(before).is_some_and(|row| row.wrapped) {
            return;
        }
        if self.rows.get(row).is_some_and(|row| !row.is_blank()) {
            self.take_line(row, Taker::Others, notes);
        }
        self.known = None;
        if let Some(row) = self.rows.get_mut(before) {
            (row.wrapped, row.cut) = (false, true);
        }
    }

    /// All rows are empty now.
    pub(super) fn clear(&mut self, now_us: u64) {
        self.above.clear();
        self.known = None;
        let cols = self.cols;
        for row in &mut self.rows {
            *row = Row::blank(cols, now_us);
        }
    }

    /// Takes whole rows of which anything was not given.
    pub(super) fn wipe(&mut self, rows: Range<usize>, notes: &mut Notes) {
        for row in rows.start..rows.end.min(self.rows.len()) {
            let by = match self.first {
                true => Taker::WipedFirst,
                false => Taker::Wiped,
            };
            self.take_line(row, by, notes);
        }
    }

    /// A row was given by somebody else.
    pub(super) fn tell(&mut self, rows: Range<usize>) {
        for row in self
            .rows
            .range_mut(rows.start.min(self.rows.len())..rows.end.min(self.rows.len()))
        {
            row.cells.iter_mut().for_each(|cell| cell.told = true);
        }
    }

    /// Letters that were printed one behind the other, some of which are new: all of them are.
    pub(super) fn renew(&mut self, row: usize, cols: Range<usize>) {
        self.known = None;
        let Some(row) = self.rows.get_mut(row) else {
            return;
        };
        let Some(cells) = row.cells.get_mut(cols.start..cols.end.min(self.cols)) else {
            return;
        };
        if cells.iter().any(|cell| cell.is_fresh()) {
            for cell in cells {
                cell.told = matches!(cell.letter, ' ' | TAIL);
            }
        }
    }

    /// Rows of this text still stand, and were not given after all.
    pub(super) fn untell(&mut self, text: &str, marked: &Marked) {
        self.known = None;
        for row in &mut self.rows {
            if row.text(marked) == text {
                renewed(&mut row.cells);
            }
        }
    }

    /// One letter, many times: that is no word.
    pub(super) fn tell_repeated(&mut self, repeated: char, notes: &Notes) {
        for row in self
            .rows
            .iter_mut()
            .filter(|row| row.changed_us == notes.now_us)
        {
            for cell in &mut row.cells {
                cell.told |= cell.letter == repeated && cell.since_ms == notes.now_ms();
            }
        }
    }

    /// What of a row was not given, word by word.
    pub(super) fn take_words(&mut self, row: usize, notes: &mut Notes) {
        self.take_between(row, 0..self.cols, notes);
    }

    fn take_between(&mut self, row: usize, cols: Range<usize>, notes: &mut Notes) {
        for col in cols {
            if self.cell(row, col).is_some_and(|cell| cell.is_fresh()) {
                self.take_word(row, col, notes);
            }
        }
    }

    /// The word that goes on from the row before in this one is taken; it does no longer.
    fn cut(&mut self, row: usize, notes: &mut Notes) {
        let Some(before) = row.checked_sub(1) else {
            return;
        };
        if self.rows.get(before).is_some_and(|row| row.wrapped) {
            self.take_word(before, self.cols.saturating_sub(1), notes);
        }
        if let Some(row) = self.rows.get_mut(before) {
            row.wrapped = false;
        }
    }

    fn take_word_across(&mut self, row: usize, col: usize, notes: &mut Notes) {
        let stands = |col: usize| self.rows.get(row).is_some_and(|row| row.letter(col) != ' ');
        if col > 0 && stands(col) && stands(col - 1) {
            self.take_word(row, col, notes);
        }
    }

    fn cell(&mut self, row: usize, col: usize) -> Option<&mut Cell> {
        self.rows.get_mut(row)?.cells.get_mut(col)
    }

    /// The word around a cell, if anything of it was not given: with its whole row if it stood, else alone.
    fn take_word(&mut self, row: usize, col: usize, notes: &mut Notes) {
        let word = self.word(row, col, notes.printing.as_ref());
        let cells = word
            .iter()
            .filter_map(|(row, col)| self.rows.get(*row)?.cells.get(*col));
        let (mut fresh, mut since_ms) = (false, 0);
        for cell in cells {
            fresh |= cell.is_fresh();
            since_ms = since_ms.max(cell.since_ms);
        }
        if !fresh {
            return;
        }
        if notes.now_ms().saturating_sub(since_ms) >= SHOWN_MS {
            return self.take_line(row, Taker::Others, notes);
        }
        // Given once; what is left of the word then stands alone.
        let mut text = match word.front() {
            Some((0, 0)) => std::mem::take(&mut self.above),
            Some(_) | None => String::new(),
        };
        for (row, col) in word {
            let Some(cell) = self.cell(row, col) else {
                continue;
            };
            cell.told = true;
            if cell.letter != TAIL {
                notes.marked.write(cell.letter, &mut text);
            }
        }
        notes.gone.push(Gone::Words(text));
    }

    /// The places of the letters of a word, in order; one that wraps has some in the next row.
    fn word(
        &self,
        row: usize,
        col: usize,
        printing: Option<&(usize, Range<usize>)>,
    ) -> VecDeque<(usize, usize)> {
        let stands = |row: usize, col: usize| {
            let printed = printing.is_some_and(|(at, cols)| *at == row && cols.contains(&col));
            !printed && self.rows.get(row).is_some_and(|it| it.letter(col) != ' ')
        };
        let wraps = |row: usize| self.rows.get(row).is_some_and(|row| row.wrapped);
        let mut word = VecDeque::new();
        if !stands(row, col) {
            return word;
        }
        word.push_back((row, col));
        let (mut at, last) = ((row, col), self.cols.saturating_sub(1));
        while word.len() < LONGEST_WORD {
            at = match at {
                (row, 0) if row > 0 && wraps(row - 1) => (row - 1, last),
                (_, 0) => break,
                (row, col) => (row, col - 1),
            };
            if !stands(at.0, at.1) {
                break;
            }
            word.push_front(at);
        }
        at = (row, col);
        let most = word.len() + LONGEST_WORD;
        while word.len() < most {
            at = match at {
                (row, col) if col < last => (row, col + 1),
                (row, _) if wraps(row) => (row + 1, 0),
                _ => break,
            };
            if !stands(at.0, at.1) {
                break;
            }
            word.push_back(at);
        }
        word
    }

    /// The line that a row is of, if anything of it was not given.
    fn take_line(&mut self, row: usize, by: Taker, notes: &mut Notes) {
        let wraps = |row: &usize| self.rows.get(*row).is_some_and(|row| row.wrapped);
        let before = (0..row).rev().take(MOST_ROWS).take_while(wraps).count();
        let after = (row..self.rows.len())
            .take(MOST_ROWS)
            .take_while(wraps)
            .count();
        let range = row - before..(row + after + 1).min(self.rows.len());
        let mut text = match range.start {
            0 => std::mem::take(&mut self.above),
            _ => String::new(),
        };
        let mut fresh = text.clone();
        let (mut since_us, mut since_ms) = (0, 0);
        let printing = notes.printing.clone();
        let first = range.start;
        for (at, row) in self.rows.range_mut(range).enumerate() {
            // What is being printed was not there yet, and something blank was.
            let new = printing.as_ref().filter(|(row, _)| *row == first + at);
            let now_ms = notes.now_ms();
            let is_new = |col: usize, cell: &Cell| {
                cell.since_ms == now_ms && new.is_some_and(|(_, cols)| cols.contains(&col))
            };
            since_us = since_us.max(row.changed_us);
            for (col, cell) in row.cells.iter_mut().enumerate() {
                if is_new(col, cell) {
                    text.push(' ');
                    continue;
                }
                if cell.letter != TAIL {
                    notes.marked.write(cell.letter, &mut text);
                }
                if cell.is_fresh() && cell.letter != TAIL {
                    notes.marked.write(cell.letter, &mut fresh);
                    since_ms = since_ms.max(cell.since_ms);
                } else if cell.letter != TAIL && !fresh.ends_with(' ') {
                    fresh.push(' ');
                }
                cell.told = true;
            }
        }
        if fresh.trim().is_empty() {
            return;
        }
        // What else is in the row may have changed just now.
        if since_us >= notes.now_us {
            since_us = notes.now_us.min(u64::from(since_ms) * 1000 + 999);
        }
        text.truncate(text.trim_end().len());
        notes.gone.push(Gone::Row {
            since_us,
            text,
            fresh,
            by,
        });
    }
}
