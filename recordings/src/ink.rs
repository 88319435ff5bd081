//! No letter leaves a screen unseen: what was drawn on it, and was given to nobody before it is taken away, is given.
//!
//! [`Ink`] observes a model. Of each cell it knows since when it shows its letter and whether that was given; both move
//! along where rows or letters move, on both screens. Whatever takes a letter away that was not given (another letter, erasing,
//! scrolling, another size, another screen, a reset) takes a [`Gone`]: the row, where the word stood long enough to be read,
//! or else the word. Words that did not come to stand on the screen as they were sent are given too, so that no difference
//! between this model and a terminal hides one.

mod grid;

use crate::marks::Marked;
use crate::screen::Size;
use avt::parser::{AnsiMode, EdScope, Function};
use avt::{Operation, ScreenKind, Terminal};
use grid::{Grid, Notes, Row};
use std::collections::{HashSet, VecDeque};
use std::ops::Range;

pub(crate) use grid::{Gone, Leaving, Taker};

/// Letters that are repeated more often are no word.
const REPEATED: u16 = 4;
/// A word that goes on and on is looked at in pieces.
const LONGEST_RUN: usize = 1024;

/// What was drawn on the screens of one channel, and what of it is still to be given.
pub(crate) struct Ink {
    notes: Notes,
    first: Grid,
    /// The screen of a full-screen program, while there is one.
    alternate: Option<Grid>,
    /// Lines that scroll off the first screen.
    leaving: VecDeque<Leaving>,
    /// What the operation being carried out changed, and where the cursor stood before it.
    dirty: Vec<Range<usize>>,
    cursor: (usize, usize),
    /// The row at whose beginning the cursor was put by its number, as long as it stands there.
    put: Option<usize>,
    inserting: bool,
    run: Run,
}

/// Letters that were sent one behind the other, and where they came to stand.
#[derive(Default)]
struct Run {
    text: String,
    /// Each in its own cell behind the one before, as it was sent.
    stands: bool,
    row: usize,
    cols: Range<usize>,
    /// The first of these that shows another letter than before.
    changed: Option<usize>,
    /// How often it went on in a new row.
    wraps: usize,
}

impl Ink {
    pub(crate) fn new(size: Size, marked: Marked) -> Self {
        let (cols, rows) = (size.cols().into(), size.rows().into());
        Ink {
            notes: Notes {
                now_us: 0,
                marked,
                gone: Vec::new(),
                printing: None,
            },
            first: Grid::new(cols, rows, true, 0),
            alternate: None,
            leaving: VecDeque::new(),
            dirty: Vec::new(),
            cursor: (0, 0),
            put: None,
            inserting: false,
            run: Run::default(),
        }
    }

    /// Recorded time goes on.
    pub(crate) fn passes(&mut self, at_us: u64) {
        self.notes.now_us = at_us;
    }

    /// What is gone since this was asked last.
    pub(crate) fn gone(&mut self) -> Vec<Gone> {
        std::mem::take(&mut self.notes.gone)
    }

    /// What is known of the line that leaves the first screen.
    pub(crate) fn leaves(&mut self) -> Option<Leaving> {
        self.leaving.pop_front()
    }

    /// The same of the rows of the first screen.
    pub(crate) fn rows(&self) -> Vec<Leaving> {
        self.first.rows.iter().map(Row::leaves).collect()
    }

    /// The oldest of what stands on either screen.
    pub(crate) fn oldest_us(&self) -> Option<u64> {
        let rows = self.first.rows.iter();
        let rows = rows.chain(self.alternate.iter().flat_map(|grid| &grid.rows));
        rows.filter(|row| !row.is_blank())
            .map(|row| row.changed_us)
            .min()
    }

    /// What the rows say that stand there now.
    pub(crate) fn standing(&self) -> HashSet<String> {
        let rows = &self.alternate.as_ref().unwrap_or(&self.first).rows;
        rows.iter()
            .map(|row: &Row| row.text(&self.notes.marked))
            .collect()
    }

    /// Rows of this text still stand: they were not given yet.
    pub(crate) fn untell(&mut self, text: &str) {
        let grid = self.alternate.as_mut().unwrap_or(&mut self.first);
        grid.untell(text, &self.notes.marked);
    }

    /// Rows were given by somebody else.
    pub(crate) fn tell(&mut self, rows: Range<usize>) {
        self.active().tell(rows);
    }

    /// All that stands on the screen of a full-screen program is taken.
    pub(crate) fn take_alternate(&mut self) {
        self.end_run();
        if let Some(grid) = &mut self.alternate {
            grid.wipe(0..grid.rows.len(), &mut self.notes);
        }
    }

    /// Nothing more is sent.
    pub(crate) fn end(&mut self) {
        self.end_run();
    }

    /// The model failed and began anew.
    pub(crate) fn restart(&mut self, size: Size) {
        self.take_all();
        let notes = std::mem::take(&mut self.notes.gone);
        let now_us = self.notes.now_us;
        *self = Ink::new(size, self.notes.marked.clone());
        (self.notes.gone, self.notes.now_us) = (notes, now_us);
    }

    fn take_all(&mut self) {
        self.take_alternate();
        self.first.wipe(0..self.first.rows.len(), &mut self.notes);
    }

    fn active(&mut self) -> &mut Grid {
        self.alternate.as_mut().unwrap_or(&mut self.first)
    }

    fn both(&mut self) -> (&mut Grid, &mut Notes) {
        let grid = self.alternate.as_mut().unwrap_or(&mut self.first);
        (grid, &mut self.notes)
    }

    pub(crate) fn dirty(&mut self, rows: Range<usize>) {
        self.dirty.push(rows);
    }

    pub(crate) fn before(&mut self, terminal: &Terminal, operation: &Operation) {
        let avt::Cursor { col, row, .. } = terminal.cursor();
        self.cursor = (row, col);
        self.dirty.clear();
        match operation {
            Operation::Function(Function::Rep(times)) => {
                let (grid, notes) = self.both();
                if col + usize::from((*times).max(1)) > terminal.size().0 {
                    // Whatever it fills is overwritten before it scrolls off.
                    (row..grid.rows.len()).for_each(|row| grid.take_words(row, notes));
                }
            }
            Operation::Resize { cols, rows } => {
                self.end_run();
                let (before_cols, before_rows) = terminal.size();
                if *rows < before_rows || *cols < before_cols {
                    self.take_alternate();
                }
            }
            Operation::Function(_) => {}
        }
    }

    pub(crate) fn after(&mut self, terminal: &Terminal, operation: &Operation) {
        match operation {
            Operation::Function(Function::Print(letter)) => self.printed(terminal, *letter),
            Operation::Function(Function::Sgr(_)) => {}
            Operation::Function(function) => {
                self.end_run();
                self.carried_out(terminal, function);
                self.goes(terminal, function);
            }
            Operation::Resize { .. } => self.resized(terminal),
        }
    }

    /// Where the cursor stands now, if a program put it at the beginning of a row.
    fn goes(&mut self, terminal: &Terminal, function: &Function) {
        let avt::Cursor { col, row, .. } = terminal.cursor();
        let by_number = matches!(function, Function::Cup(..) | Function::Vpa(_));
        let stays = self.put == Some(row);
        self.put = (col == 0 && (by_number || stays)).then_some(row);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "some sixty functions of a terminal, most of which move a cursor"
    )]
    fn carried_out(&mut self, terminal: &Terminal, function: &Function) {
        let is_alternate = terminal.active_screen_kind() == ScreenKind::Alternate;
        if is_alternate != self.alternate.is_some() && !matches!(function, Function::Ris) {
            return self.switched(terminal, is_alternate);
        }
        if let Function::Sm(modes) = function {
            self.inserting |= modes.as_slice().contains(&AnsiMode::Insert);
        } else if let Function::Rm(modes) = function {
            self.inserting &= !modes.as_slice().contains(&AnsiMode::Insert);
        } else if matches!(function, Function::Decstr) {
            self.inserting = false;
        }
        let Some(range) = self.dirty.first().cloned() else {
            return;
        };
        let (row, col) = self.cursor;
        let count = |count: u16| usize::from(count.max(1));
        match function {
            Function::Lf | Function::Nel => self.scroll_up(range, 1),
            Function::Su(rows) | Function::Dl(rows) => self.scroll_up(range, count(*rows)),
            Function::Sd(rows) | Function::Il(rows) => {
                let (grid, notes) = self.both();
                grid.scroll_down(range, count(*rows), notes);
            }
            Function::Ri => {
                let (grid, notes) = self.both();
                grid.scroll_down(range, 1, notes);
            }
            Function::Ich(cells) => {
                let (grid, notes) = self.both();
                grid.shift_right(row, col, count(*cells), notes);
                self.sync(terminal, range);
            }
            Function::Dch(cells) => {
                let (grid, notes) = self.both();
                grid.shift_left(row, col, count(*cells), notes);
                self.sync(terminal, range);
            }
            Function::Ed(EdScope::All) if !is_alternate => {
                let waiting = terminal.primary_screen().all_lines().count();
                let waiting = waiting.saturating_sub(terminal.size().1);
                let rows = self.first.rows.iter().take(waiting);
                self.leaving.extend(rows.map(Row::leaves));
                self.first.clear(self.notes.now_us);
            }
            Function::Ed(scope) => {
                let whole = match scope {
                    EdScope::Below => row + usize::from(col > 0)..range.end,
                    EdScope::Above => 0..row,
                    EdScope::All | EdScope::SavedLines => range.clone(),
                };
                let (grid, notes) = self.both();
                grid.wipe(whole, notes);
                self.sync(terminal, range);
            }
            Function::Decaln => {
                let rows = terminal.size().1;
                let (grid, notes) = self.both();
                grid.wipe(0..rows, notes);
                self.sync(terminal, 0..rows);
                let (grid, notes) = self.both();
                grid.tell_repeated('E', notes);
            }
            Function::Rep(times) => self.repeated(terminal, *times),
            Function::Ris => {
                self.take_all();
                self.alternate = None;
                self.inserting = false;
                self.first.clear(self.notes.now_us);
            }
            _ => {
                for range in std::mem::take(&mut self.dirty) {
                    self.sync(terminal, range);
                }
            }
        }
    }

    fn scroll_up(&mut self, range: Range<usize>, count: usize) {
        let (grid, notes) = self.both();
        let kept = grid.scroll_up(range, count, notes);
        self.leaving.extend(kept);
    }

    /// Rows are what they are now.
    fn sync(&mut self, terminal: &Terminal, rows: Range<usize>) {
        let (grid, notes) = self.both();
        let lines = terminal.screen().visible_lines().enumerate();
        for (row, line) in lines.skip(rows.start).take(rows.len()) {
            grid.sync(row, 0..line.len(), line, notes);
        }
    }

    fn switched(&mut self, terminal: &Terminal, is_alternate: bool) {
        if is_alternate {
            let (cols, rows) = terminal.size();
            self.alternate = Some(Grid::new(cols, rows, false, self.notes.now_us));
        } else {
            self.take_alternate();
            self.alternate = None;
        }
    }

    fn repeated(&mut self, terminal: &Terminal, times: u16) {
        let dirty = std::mem::take(&mut self.dirty);
        let (cols, rows) = terminal.size();
        let (row, col) = self.cursor;
        let repeated = terminal
            .screen()
            .line(row)
            .and_then(|line| line.cells().get(col.saturating_sub(1)))
            .map_or(' ', avt::Cell::char);
        if rows == 1 {
            let letters = usize::from(times.max(1));
            for _ in 0..dirty.len().saturating_sub(letters) {
                self.scroll_up(0..1, 1);
            }
        } else {
            for range in dirty.into_iter().filter(|range| range.len() > 1) {
                self.scroll_up(range, 1);
            }
        }
        let crosses = col + usize::from(times.max(1)) > cols;
        self.sync(terminal, if crosses { 0..rows } else { row..row + 1 });
        if times > REPEATED {
            let (grid, notes) = self.both();
            grid.tell_repeated(repeated, notes);
        }
    }

    fn printed(&mut self, terminal: &Terminal, letter: char) {
        let (row, col) = self.cursor;
        let avt::Cursor {
            col: to_col,
            row: to_row,
            ..
        } = terminal.cursor();
        let cols = terminal.size().0;
        let dirty = std::mem::take(&mut self.dirty);
        let scrolled = dirty.len() > 1;
        let wraps = scrolled || to_row != row;
        self.run.wraps += usize::from(wraps);
        if let Some(range) = dirty.first().filter(|_| scrolled) {
            // The beginning of what wraps is gone, unless it is kept with its line.
            let kept = self.alternate.is_none() && range.start == 0;
            self.run.stands &= kept && self.run.wraps + 1 < terminal.size().1;
            self.scroll_up(range.clone(), 1);
        }
        self.dirty = dirty;
        let Some(line) = terminal.screen().line(to_row) else {
            return;
        };
        let place = match col {
            _ if wraps => 0,
            col if col < cols => col,
            // The last column again, or the first of the last row.
            _ => to_col.saturating_sub(1),
        };
        if letter.is_whitespace() && self.run.row == to_row && self.run.cols.contains(&place) {
            // It takes the place of the last letter, where a line does not wrap: the word is whole before.
            self.end_run();
        }
        let inserting = self.inserting;
        if let Some(from) = self.run.changed {
            let row = self.run.row.saturating_sub(scrolled.into());
            self.notes.printing = Some((row, from..self.run.cols.end));
        }
        let put = self.put.take() == Some(to_row) && place == 0 && !wraps;
        let (grid, notes) = self.both();
        if put {
            grid.begins(to_row, notes);
        }
        if wraps && let Some(before) = to_row.checked_sub(1) {
            grid.set_wrapped(before);
        }
        let changed = grid.letter(to_row, place) != letter;
        let from = place
            .min(to_col)
            .min(if wraps { 0 } else { col })
            .saturating_sub(3);
        let to = place.max(to_col).saturating_add(3);
        if inserting && !wraps && col < cols {
            grid.shift_right(to_row, col, 1, notes);
            grid.sync(to_row, from..cols, line, notes);
        } else {
            grid.sync(to_row, from..to, line, notes);
        }
        notes.printing = None;
        if letter.is_whitespace() {
            return self.end_run();
        }
        let cell = line.cells().get(place);
        let width = cell.map_or(1, |cell| usize::from(cell.width().max(1)));
        let drawn = cell.is_some_and(|cell| cell.char() == letter);
        self.runs_on(
            letter,
            drawn,
            wraps,
            (to_row, place..place + width),
            changed,
        );
    }

    fn runs_on(
        &mut self,
        letter: char,
        drawn: bool,
        wraps: bool,
        place: (usize, Range<usize>),
        changed: bool,
    ) {
        if self.run.text.len() >= LONGEST_RUN {
            self.end_run();
        }
        let (row, cols) = place;
        let run = &mut self.run;
        let begins = run.text.is_empty();
        let behind = run.row == row && run.cols.end == cols.start;
        if begins {
            (run.stands, run.wraps) = (drawn, 0);
        } else {
            run.stands &= drawn && (wraps || behind);
        }
        self.notes.marked.write(letter, &mut run.text);
        let changed = changed.then_some(cols.start);
        if !begins && !wraps && behind {
            run.changed = run.changed.or(changed);
            run.cols.end = cols.end;
            return;
        }
        let before = std::mem::replace(&mut run.cols, cols);
        // One that wraps is in the row above now, wherever that was.
        let above = row.checked_sub(1).filter(|_| wraps && !begins);
        (run.row, run.changed) = (row, changed);
        if let Some(above) = above {
            self.active().renew(above, before);
        }
    }

    /// What was sent one behind the other ends here.
    fn end_run(&mut self) {
        if self.run.text.is_empty() {
            return;
        }
        let Run {
            text,
            stands,
            row,
            cols,
            ..
        } = std::mem::take(&mut self.run);
        if stands {
            self.active().renew(row, cols);
        }
        // On a screen of a few letters nothing stands where it was put: there each word is given as it was sent.
        if self.first.is_tiny() {
            self.notes.gone.push(Gone::Sent(text));
        } else if !stands {
            self.notes.gone.push(Gone::Words(text));
        }
    }

    fn resized(&mut self, terminal: &Terminal) {
        if self.dirty.is_empty() {
            return;
        }
        let lines = terminal.primary_screen().all_lines();
        self.first.rebuild(lines, &mut self.notes);
        while self.first.rows.len() > terminal.size().1 {
            let row = self.first.rows.pop_front();
            self.leaving.extend(row.map(|row| row.leaves()));
        }
        if let Some(alternate) = &mut self.alternate {
            alternate.rebuild(terminal.screen().visible_lines(), &mut self.notes);
        }
    }
}

#[cfg(test)]
#[path = "ink_tests.rs"]
mod tests;
