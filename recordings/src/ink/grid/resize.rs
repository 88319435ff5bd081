//! Another size: rows are what the model makes of them, and those that are as they were keep their times.

use super::{Cell, Gone, Grid, Notes, Row, TAIL, Taker};
use avt::Line;
use std::collections::VecDeque;

impl Grid {
    /// The rows after another size, by what is shown now; those that are as they were keep their times.
    pub(in crate::ink) fn rebuild<'l>(
        &mut self,
        lines: impl Iterator<Item = &'l Line>,
        notes: &mut Notes,
    ) {
        let before = std::mem::take(&mut self.rows).into_iter();
        let before = before.filter(|row| !row.is_blank());
        let mut before: VecDeque<(String, Row)> =
            before.map(|row| (row.text(&notes.marked), row)).collect();
        let mut left = Vec::new();
        self.above.clear();
        self.known = None;
        for line in lines {
            self.cols = line.len();
            let mut row = Row::blank(self.cols, notes.now_us);
            row.wrapped = line.is_wrapped();
            for (cell, shown) in row.cells.iter_mut().zip(line.cells()) {
                let letter = if shown.width() == 0 {
                    TAIL
                } else {
                    shown.char()
                };
                let told = matches!(letter, ' ' | TAIL);
                *cell = Cell {
                    letter,
                    since_ms: notes.now_ms(),
                    told,
                };
            }
            let text = row.text(&notes.marked);
            let known = before.iter().position(|(known, _)| *known == text);
            if let Some(known) = known.filter(|_| !text.is_empty()) {
                left.extend(before.drain(..known));
                if let Some((_, old)) = before.pop_front() {
                    row.changed_us = old.changed_us;
                    for (cell, old) in row.cells.iter_mut().zip(old.cells) {
                        (cell.since_ms, cell.told) = (old.since_ms, old.told);
                    }
                }
            }
            self.rows.push_back(row);
        }
        left.extend(before);
        self.take_lost(left, notes);
    }

    /// Rows that are nowhere any more, in whatever width.
    fn take_lost(&mut self, rows: Vec<(String, Row)>, notes: &mut Notes) {
        let bare = |text: &str| text.replace(' ', "");
        let mut standing = String::new();
        for row in &self.rows {
            row.write(&notes.marked, &mut standing);
        }
        let standing = bare(&standing);
        for (text, row) in rows {
            if row.cells.iter().any(|cell| cell.is_fresh()) && !standing.contains(&bare(&text)) {
                notes.gone.push(Gone::Row {
                    since_us: row.changed_us,
                    fresh: text.clone(),
                    text,
                    by: Taker::Wiped,
                });
            }
        }
    }
}
