//! The lines of a terminal session as text, each with the time it was last changed.
//!
//! A line is given when it leaves the screen; its time is when it came to be what it is, not when it
//! left. What full-screen programs draw on the alternate screen is not given: it has no lines.

use crate::screen::{Size, printable};
use avt::observer::{Observation, Observer};
use avt::parser::Function;
use avt::{Line, Operation, Terminal};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A line and its time, in microseconds since the channel's opening.
pub(crate) type TimedLine = (u64, String);

pub(crate) struct Scrolling {
    terminal: Option<Terminal>,
    lines: Lines,
}

#[derive(Default)]
struct Lines {
    now: u64,
    /// The rows of the primary screen as they were after the last feed, with their times.
    rows: VecDeque<TimedLine>,
    /// Rows of a line that wraps, so far.
    pending: Option<TimedLine>,
    ready: Vec<TimedLine>,
}

impl Scrolling {
    pub(crate) fn new(size: Size) -> Self {
        let terminal = Terminal::new(size.cols().into(), size.rows().into()).ok();
        Scrolling {
            terminal,
            lines: Lines::default(),
        }
    }

    pub(crate) fn feed(&mut self, at_us: u64, text: &str) -> Vec<TimedLine> {
        self.change(at_us, |terminal, lines| terminal.feed_with(text, lines))
    }

    pub(crate) fn resize(&mut self, at_us: u64, size: Size) -> Vec<TimedLine> {
        self.change(at_us, |terminal, lines| {
            terminal.resize_with(size.cols().into(), size.rows().into(), lines);
        })
    }

    /// What is left on the screen at the end.
    pub(crate) fn rest(mut self) -> Vec<TimedLine> {
        if let Some(terminal) = &self.terminal {
            self.lines.leave_all(terminal);
        }
        self.lines.ready
    }

    /// A fault of the model costs what was on the screen, not the transcript.
    fn change(
        &mut self,
        at_us: u64,
        change: impl FnOnce(&mut Terminal, &mut Lines),
    ) -> Vec<TimedLine> {
        let Some(terminal) = &mut self.terminal else {
            return Vec::new();
        };
        let lines = &mut self.lines;
        lines.now = at_us;
        let done = catch_unwind(AssertUnwindSafe(|| change(terminal, lines)));
        if done.is_err() {
            *self = Scrolling::new(Size::clamped(0, 0));
            let notice = "[this screen could not be drawn; it continues from here]";
            return vec![(at_us, notice.to_owned())];
        }
        std::mem::take(&mut self.lines.ready)
    }
}

impl Lines {
    fn leave(&mut self, line: &Line) {
        let text = text_of(line);
        let at = match self.rows.pop_front() {
            Some((at, seen)) if seen == text.trim_end() => at,
            _ => self.now,
        };
        let pending = self.pending.get_or_insert((at, String::new()));
        pending.1.push_str(&text);
        if line.is_wrapped() {
            return;
        }
        if let Some((at, text)) = self.pending.take() {
            self.ready.push((at, text.trim_end().to_owned()));
        }
    }

    fn leave_all(&mut self, terminal: &Terminal) {
        let before = self.ready.len();
        for line in terminal.primary_screen().all_lines() {
            self.leave(line);
        }
        if let Some((at, text)) = self.pending.take() {
            self.ready.push((at, text.trim_end().to_owned()));
        }
        // Empty rows below the last line are the screen's, not the session's.
        while self.ready.len() > before && self.ready.last().is_some_and(|line| line.1.is_empty()) {
            self.ready.pop();
        }
    }
}

impl Observer for Lines {
    type Output = ();

    fn before(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        // A hard reset wipes the screen without scrolling it out.
        if matches!(operation, Operation::Function(Function::Ris)) {
            self.leave_all(context.terminal());
        }
    }

    fn evicted(&mut self, _: &mut Observation<'_>, line: &Line) {
        self.leave(line);
    }

    fn end(&mut self, context: &mut Observation<'_>) {
        let mut seen = std::mem::take(&mut self.rows);
        for line in context.terminal().primary_screen().all_lines() {
            // Without the blanks at its end, which a change of width adds and takes.
            let mut text = text_of(line);
            text.truncate(text.trim_end().len());
            let at = match seen.pop_front() {
                Some((at, before)) if before == text => at,
                _ => self.now,
            };
            self.rows.push_back((at, text));
        }
    }
}

fn text_of(line: &Line) -> String {
    line.chars().map(printable).collect()
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
