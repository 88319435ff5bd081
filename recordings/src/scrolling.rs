//! The lines of a terminal session as text, each with the time it was last changed.
//!
//! A line is given when it leaves the screen; its time is when it came to be what it is, not when it
//! left. What full-screen programs draw on the alternate screen is not given: it has no lines.

use crate::model::{FAULT, Fault, LeftOut, Model};
use crate::screen::{Size, printable};
use avt::observer::{Observation, Observer};
use avt::parser::Function;
use avt::{Line, Operation, ScreenKind, Terminal};
use std::collections::VecDeque;
use std::ops::Range;

/// Longest line kept in memory; a longer one, of a program that never ends its line, is given in pieces.
const MAX_LINE: usize = 64 * 1024;
/// Reading rows for their times costs too: so many cells may be read for each character that came, and a screen for so
/// much recorded time, saved up to so many screens. Rows that wait get the time of the last change before they are read.
const CELLS_A_CHARACTER: usize = 16;
const SCREEN_EACH_US: u64 = 50_000;
const SAVED_SCREENS: usize = 2;

/// A line and its time, in microseconds since the channel's opening.
pub(crate) type TimedLine = (u64, String);

pub(crate) struct Scrolling {
    model: Model,
    lines: Lines,
    left_out: LeftOut,
}

struct Lines {
    now: u64,
    /// The rows of the primary screen as they were read last, with their times.
    rows: VecDeque<TimedLine>,
    /// Rows that changed since, and whether any did.
    changed: Vec<bool>,
    any: bool,
    /// A full-screen program changes none of them.
    alternate: bool,
    cols: usize,
    allowance: usize,
    /// Rows of a line that wraps, so far.
    pending: Option<TimedLine>,
    ready: Vec<TimedLine>,
}

impl Scrolling {
    pub(crate) fn new(size: Size) -> Self {
        Scrolling {
            model: Model::new(size),
            lines: Lines::new(size),
            left_out: LeftOut::default(),
        }
    }

    pub(crate) fn feed(&mut self, at_us: u64, text: &str) -> Vec<TimedLine> {
        self.passes(at_us, text.len());
        let fed = self.model.feed(text, &mut self.lines);
        self.after(fed)
    }

    pub(crate) fn resize(&mut self, at_us: u64, size: Size) -> Vec<TimedLine> {
        self.passes(at_us, 0);
        let resized = self.model.resize(size, &mut self.lines);
        self.after(resized)
    }

    /// What is left on the screen at the end.
    pub(crate) fn rest(mut self) -> Vec<TimedLine> {
        self.lines.allowance = usize::MAX;
        self.lines.read(self.model.terminal());
        self.lines.leave_all(self.model.terminal());
        let told = self.left_out.rest(self.model.left_out());
        self.lines
            .ready
            .extend(told.map(|text| (self.lines.now, text)));
        self.lines.ready
    }

    /// Time passes: what waited to be read is read as it was.
    fn passes(&mut self, at_us: u64, bytes: usize) {
        self.model.passes(at_us);
        let lines = &mut self.lines;
        lines.allow(bytes, at_us.saturating_sub(lines.now));
        if at_us > lines.now {
            lines.read(self.model.terminal());
        }
        lines.now = at_us;
    }

    /// A fault of the model costs what was on the screen, not the transcript.
    fn after(&mut self, done: Result<(), Fault>) -> Vec<TimedLine> {
        if done.is_err() {
            self.lines.rows.clear();
            self.lines.ready.push((self.lines.now, FAULT.to_owned()));
        }
        let told = self.left_out.news(self.model.left_out(), self.lines.now);
        self.lines
            .ready
            .extend(told.map(|text| (self.lines.now, text)));
        std::mem::take(&mut self.lines.ready)
    }
}

impl Lines {
    fn new(size: Size) -> Self {
        let mut lines = Lines {
            now: 0,
            rows: VecDeque::new(),
            changed: vec![false; size.rows().into()],
            any: false,
            alternate: false,
            cols: size.cols().into(),
            allowance: 0,
            pending: None,
            ready: Vec::new(),
        };
        lines.allowance = SAVED_SCREENS * lines.screen();
        lines
    }

    fn screen(&self) -> usize {
        self.changed.len().saturating_mul(self.cols)
    }

    fn allow(&mut self, bytes: usize, since_us: u64) {
        let screens = since_us.min(SCREEN_EACH_US * SAVED_SCREENS as u64);
        let waited = (screens as usize).saturating_mul(self.screen()) / SCREEN_EACH_US as usize;
        self.allowance = self
            .allowance
            .saturating_add(bytes.saturating_mul(CELLS_A_CHARACTER))
            .saturating_add(waited)
            .min(SAVED_SCREENS * self.screen());
    }

    /// Gives every changed row its time, where there is allowance for it.
    fn read(&mut self, terminal: &Terminal) {
        if !self.any {
            return;
        }
        let rows = self.changed.iter().filter(|changed| **changed).count();
        let Some(left) = self.allowance.checked_sub(rows.saturating_mul(self.cols)) else {
            return;
        };
        self.allowance = left;
        self.any = false;
        for (row, line) in terminal.primary_screen().visible_lines().enumerate() {
            if !self.changed.get_mut(row).is_some_and(std::mem::take) && row < self.rows.len() {
                continue;
            }
            // Without the blanks at its end, which a change of width adds and takes.
            let mut text = text_of(line);
            text.truncate(text.trim_end().len());
            match self.rows.get_mut(row) {
                Some(seen) if seen.1 == text => {}
                Some(seen) => *seen = (self.now, text),
                None => self.rows.push_back((self.now, text)),
            }
        }
        self.rows.truncate(self.changed.len());
    }

    fn leave(&mut self, line: &Line) {
        let text = text_of(line);
        let at = match self.rows.pop_front() {
            Some((at, seen)) if seen == text.trim_end() => at,
            _ => self.now,
        };
        let pending = self.pending.get_or_insert((at, String::new()));
        pending.1.push_str(&text);
        if line.is_wrapped() && pending.1.len() < MAX_LINE {
            return;
        }
        self.end_line();
    }

    fn end_line(&mut self) {
        if let Some((at, mut text)) = self.pending.take() {
            text.truncate(text.trim_end().len());
            self.ready.push((at, text));
        }
    }

    fn leave_all(&mut self, terminal: &Terminal) {
        let before = self.ready.len();
        for line in terminal.primary_screen().all_lines() {
            self.leave(line);
        }
        self.end_line();
        // Empty rows below the last line are the screen's, not the session's.
        while self.ready.len() > before && self.ready.last().is_some_and(|line| line.1.is_empty()) {
            self.ready.pop();
        }
    }
}

impl Observer for Lines {
    type Output = ();

    fn resized(&mut self, cols: usize, rows: usize) {
        self.cols = cols;
        self.changed.clear();
        self.changed.resize(rows, true);
        self.any = true;
    }

    fn dirty(&mut self, rows: Range<usize>) {
        if !self.alternate
            && let Some(rows) = self.changed.get_mut(rows)
        {
            rows.fill(true);
            self.any = true;
        }
    }

    fn before(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        self.alternate = context.terminal().active_screen_kind() == ScreenKind::Alternate;
        // A hard reset wipes the screen without scrolling it out.
        if matches!(operation, Operation::Function(Function::Ris)) {
            self.leave_all(context.terminal());
        }
    }

    fn evicted(&mut self, _: &mut Observation<'_>, line: &Line) {
        self.leave(line);
        // All rows moved up.
        self.changed.fill(true);
        self.any = true;
    }

    fn end(&mut self, context: &mut Observation<'_>) {
        self.read(context.terminal());
    }
}

/// The letters of a row; of one that ends its line, without the blanks after them.
fn text_of(line: &Line) -> String {
    let cells = line.cells();
    let letters = match line.is_wrapped() {
        true => cells.len(),
        false => cells
            .iter()
            .rposition(|cell| cell.char() != ' ')
            .map_or(0, |last| last + 1),
    };
    cells
        .iter()
        .take(letters)
        .filter(|cell| cell.width() > 0)
        .map(|cell| printable(cell.char()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_bear_the_time_they_were_printed_not_the_time_they_left() {
        let mut screen = Scrolling::new(Size::clamped(10, 3));
        assert_eq!(screen.feed(1, "$ one\r\n"), []);
        assert_eq!(screen.feed(2, "result\r\n"), []);
        assert_eq!(screen.feed(3, "$ tw"), []);
        assert_eq!(
            screen.feed(4, "o\r\nx\r\n"),
            [(1, "$ one".to_owned()), (2, "result".to_owned())]
        );
        let long = screen.feed(5, "a line that wraps\r\n\r\n\r\n");
        assert_eq!(
            long,
            [
                (4, "$ two".to_owned()),
                (4, "x".to_owned()),
                (5, "a line that wraps".to_owned())
            ]
        );
        assert_eq!(
            screen.feed(6, "end\x1bcnew"),
            [
                (5, String::new()),
                (5, String::new()),
                (6, "end".to_owned())
            ]
        );
        assert_eq!(screen.rest(), [(6, "new".to_owned())]);
    }

    #[test]
    fn a_full_screen_program_leaves_no_lines() {
        let mut screen = Scrolling::new(Size::clamped(20, 3));
        screen.feed(1, "$ vi\r\n\x1b[?1049h\x1b[2Jtext\r\n~\r\n~\r\n~");
        screen.feed(2, "\x1b[?1049l$ ");
        assert_eq!(screen.rest(), [(1, "$ vi".to_owned()), (2, "$".to_owned())]);
    }
}
