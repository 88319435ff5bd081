//! The terminal model that every reader of a recording uses: `avt`, and before it the [`Meter`].
//!
//! Watching, replay, transcripts and search all draw through [`Model`], so that none of them pays more for a sequence
//! than another, and all of them show the same.

use crate::meter::Meter;
use crate::screen::Size;
use avt::observer::Observer;
use avt::{Parser, Terminal};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is shown where the model failed and was started again.
pub(crate) const FAULT: &str = "[this screen could not be drawn; it continues from here]";

/// What was left out is told at most so often, however much it is.
const TOLD_EACH_US: u64 = 1_000_000;

/// The model failed: it starts again, empty.
#[derive(Debug)]
pub(crate) struct Fault;

/// A terminal that what was recorded is drawn on.
pub(crate) struct Model {
    parser: Parser,
    terminal: Terminal,
    meter: Meter,
    size: Size,
    /// A size for which there is no credit yet.
    wanted: Option<Size>,
}

impl Model {
    pub(crate) fn new(size: Size) -> Self {
        Model {
            parser: Parser::new(),
            terminal: terminal(size),
            meter: Meter::new(size),
            size,
            wanted: None,
        }
    }

    pub(crate) fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// How many sequences were left out, whole or in part, because they asked for more than their bytes may cost.
    pub(crate) fn left_out(&self) -> u64 {
        self.meter.left_out()
    }

    /// Recorded time goes on.
    pub(crate) fn passes(&mut self, at_us: u64) {
        self.meter.passes(at_us);
    }

    /// The target printed this.
    pub(crate) fn feed<O: Observer>(&mut self, text: &str, observer: &mut O) -> Result<(), Fault> {
        self.guarded(|model| {
            if model.wanted.is_some() {
                for letter in text.chars() {
                    model.meter.character();
                    model.take_wanted_size(observer);
                    if let Some(function) = model.parser.feed(letter)
                        && let Some(function) = model.meter.admit(function)
                    {
                        model.terminal.execute_with(function, &mut *observer);
                    }
                }
                return;
            }
            let Model {
                parser,
                terminal,
                meter,
                ..
            } = model;
            let admitted = text.chars().filter_map(|letter| {
                meter.character();
                parser
                    .feed(letter)
                    .and_then(|function| meter.admit(function))
            });
            terminal.execute_with(admitted, observer);
        })
    }

    /// The technician's terminal changed size. Where there is no credit for it, it does once there is: the size that was
    /// asked for last.
    pub(crate) fn resize<O: Observer>(
        &mut self,
        size: Size,
        observer: &mut O,
    ) -> Result<(), Fault> {
        self.guarded(|model| {
            model.wanted = Some(size);
            model.take_wanted_size(observer);
        })
    }

    fn take_wanted_size<O: Observer>(&mut self, observer: &mut O) {
        let Some(size) = self.wanted else { return };
        if size != self.size {
            let rows = rows_in(&self.terminal, size);
            if !self.meter.admits_size(size, rows) {
                return;
            }
            self.terminal
                .resize_with(size.cols().into(), size.rows().into(), observer);
            self.size = size;
        }
        self.wanted = None;
    }

    /// A fault of the model must cost a blank screen, not the reader.
    fn guarded(&mut self, change: impl FnOnce(&mut Self)) -> Result<(), Fault> {
        catch_unwind(AssertUnwindSafe(|| change(self))).map_err(|_| {
            self.parser = Parser::new();
            self.terminal = terminal(self.size);
            Fault
        })
    }
}

/// Tells, in lines that are read later, of what was left out; nothing is left out in silence.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    told: u64,
    told_us: Option<u64>,
}

impl LeftOut {
    /// What to say at `now`, of so many left out so far.
    pub(crate) fn news(&mut self, left_out: u64, now: u64) -> Option<String> {
        let lately = self
            .told_us
            .is_some_and(|then| now.saturating_sub(then) < TOLD_EACH_US);
        if lately || left_out == self.told {
            return None;
        }
        self.told_us = Some(now);
        self.rest(left_out)
    }

    /// What to say at the end.
    pub(crate) fn rest(&mut self, left_out: u64) -> Option<String> {
        let count = left_out.saturating_sub(std::mem::replace(&mut self.told, left_out));
        match count {
            0 => None,
            1 => Some("[1 sequence left out: more drawing than its bytes may cost]".to_owned()),
            count => Some(format!(
                "[{count} sequences left out: more drawing than their bytes may cost]"
            )),
        }
    }
}

/// The rows that what stands there takes in the new width.
fn rows_in(terminal: &Terminal, size: Size) -> u64 {
    let cols = usize::from(size.cols());
    terminal
        .primary_screen()
        .all_lines()
        .map(|line| {
            let blank = |cell: &avt::Cell| cell.char() == ' ';
            let letters = line.cells().iter().rposition(|cell| !blank(cell));
            (letters.map_or(0, |last| last + 1).div_ceil(cols)) as u64
        })
        .sum()
}

fn terminal(size: Size) -> Terminal {
    match Terminal::new(size.cols().into(), size.rows().into()) {
        Ok(terminal) => terminal,
        Err(_) => unreachable!("Size is never 0"),
    }
}
