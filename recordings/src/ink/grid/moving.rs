//! Rows that scroll, and letters that move within their row.

use super::row::Leaving;
use super::{Cell, Grid, LONGEST_WORD, Notes, Row, TAIL};
use std::ops::Range;

impl Grid {
    /// Rows move up, and empty ones come in below. Gives the times of those that leave at the top of the first screen: they
    /// are kept; of others, what was never given is taken.
    pub(in crate::ink) fn scroll_up(
        &mut self,
        range: Range<usize>,
        count: usize,
        notes: &mut Notes,
    ) -> Vec<Leaving> {
        self.known = None;
        let mut kept = Vec::new();
        let keeps = self.first && range.start == 0;
        if range.end < self.rows.len() {
            self.cut(range.end, notes);
        }
        if !keeps {
            self.cut(range.start, notes);
        }
        for _ in 0..count.min(range.len()) {
            if !keeps {
                self.take_words(range.start, notes);
            }
            let Some(mut row) = self.rows.remove(range.start) else {
                break;
            };
            if keeps {
                kept.push(row.leaves());
                self.leave_word(&row, notes);
            }
            self.empty(&mut row, notes.now_us);
            let place = range.end.saturating_sub(1).min(self.rows.len());
            self.rows.insert(place, row);
        }
        kept
    }

    /// Rows move down, and empty ones come in above.
    pub(in crate::ink) fn scroll_down(
        &mut self,
        range: Range<usize>,
        count: usize,
        notes: &mut Notes,
    ) {
        self.known = None;
        self.cut(range.start, notes);
        self.cut(range.end, notes);
        if range.start == 0 && !self.above.is_empty() {
            self.take_word(0, 0, notes);
            self.above.clear();
        }
        for _ in 0..count.min(range.len()) {
            let last = range.end.saturating_sub(1);
            self.take_words(last, notes);
            let Some(mut row) = self.rows.remove(last) else {
                break;
            };
            self.empty(&mut row, notes.now_us);
            self.rows.insert(range.start.min(self.rows.len()), row);
        }
    }

    /// A row scrolls off with the beginning of a word, or with more of it.
    fn leave_word(&mut self, row: &Row, notes: &Notes) {
        let letters = row.cells.iter().map(|cell| cell.letter);
        let end = row.cells.iter().rposition(|cell| cell.letter == ' ');
        if !row.wrapped || end.is_some() || self.above.len() > LONGEST_WORD {
            self.above.clear();
        }
        if row.wrapped {
            for letter in letters.skip(end.map_or(0, |blank| blank + 1)) {
                if letter != TAIL {
                    notes.marked.write(letter, &mut self.above);
                }
            }
        }
    }

    fn empty(&self, row: &mut Row, now_us: u64) {
        row.cells.clear();
        row.cells.resize(self.cols, Cell::BLANK);
        (row.changed_us, row.wrapped, row.cut) = (now_us, false, false);
    }

    /// Letters move right from a column on.
    pub(in crate::ink) fn shift_right(
        &mut self,
        row: usize,
        col: usize,
        count: usize,
        notes: &mut Notes,
    ) {
        self.known = None;
        let col = col.min(self.cols.saturating_sub(1));
        let count = count.min(self.cols - col);
        self.take_word_across(row, col, notes);
        self.take_between(row, self.cols - count..self.cols, notes);
        if let Some(row) = self.rows.get_mut(row)
            && let Some(cells) = row.cells.get_mut(col..)
        {
            cells.rotate_right(count);
            cells
                .iter_mut()
                .take(count)
                .for_each(|it| *it = Cell::BLANK);
            renewed(cells);
        }
    }

    /// Letters move left to a column.
    pub(in crate::ink) fn shift_left(
        &mut self,
        row: usize,
        col: usize,
        count: usize,
        notes: &mut Notes,
    ) {
        self.known = None;
        let col = col.min(self.cols.saturating_sub(1));
        let count = count.min(self.cols - col);
        self.take_word_across(row, col, notes);
        self.take_between(row, col..col + count, notes);
        if let Some(row) = self.rows.get_mut(row)
            && let Some(cells) = row.cells.get_mut(col..)
        {
            cells.rotate_left(count);
            cells
                .iter_mut()
                .rev()
                .take(count)
                .for_each(|it| *it = Cell::BLANK);
            renewed(cells);
        }
    }
}

/// Letters that came to stand beside others make words that nobody was given.
pub(super) fn renewed(cells: &mut [Cell]) {
    for cell in cells {
        cell.told = matches!(cell.letter, ' ' | TAIL);
    }
}
