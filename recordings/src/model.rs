//! The terminal model that every reader of a recording uses: `avt`, and before it [`Sequences`] and the [`Meter`].
//!
//! Watching, replay, transcripts and search all draw through [`Model`], so that none of them pays more for a sequence
//! than another, and all of them show the same.

use crate::marks::{Marked, is_mark, kept};
use crate::meter::Meter;
use crate::screen::Size;
use crate::sequences::{Hidden, Piece, Sequences};
use avt::observer::Observer;
use avt::parser::{AnsiMode, Function};
use avt::{Parser, Terminal};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use unicode_width::UnicodeWidthChar;

/// What is shown where the model failed and was started again.
pub(crate) const FAULT: &str = "[this screen could not be drawn; it continues from here]";

/// What was left out is told at most so often, however much it is.
const TOLD_EACH_US: u64 = 1_000_000;

/// The model failed: it starts again, empty.
#[derive(Debug)]
pub(crate) struct Fault;

/// So many control functions are handed over at once.
const AT_ONCE: usize = 4096;
/// So much that is not shown is kept until somebody asks for it.
const MOST_HIDDEN: usize = 256;

/// A terminal that what was recorded is drawn on.
pub(crate) struct Model {
    sequences: Sequences,
    parser: Parser,
    terminal: Terminal,
    meter: Meter,
    size: Size,
    /// A size for which there is no credit yet.
    wanted: Option<Size>,
    marked: Marked,
    /// The letter before the cursor, where nothing happened since it was printed.
    last: Option<char>,
    /// Letters push others aside.
    inserting: bool,
    hidden: Vec<Hidden>,
    functions: Vec<Function>,
}

impl Model {
    pub(crate) fn new(size: Size) -> Self {
        Model {
            sequences: Sequences::default(),
            parser: Parser::new(),
            terminal: terminal(size),
            meter: Meter::new(size),
            size,
            wanted: None,
            marked: Marked::default(),
            last: None,
            inserting: false,
            hidden: Vec::new(),
            functions: Vec::new(),
        }
    }

    pub(crate) fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// What stands for letters with marks in the cells.
    pub(crate) fn marked(&self) -> &Marked {
        &self.marked
    }

    /// How many sequences were left out, whole or in part, because they asked for more than their bytes may cost.
    pub(crate) fn left_out(&self) -> u64 {
        self.meter.left_out()
    }

    /// What was not shown since this was asked last.
    pub(crate) fn hidden(&mut self) -> Vec<Hidden> {
        std::mem::take(&mut self.hidden)
    }

    /// Recorded time goes on.
    pub(crate) fn passes(&mut self, at_us: u64) {
        self.meter.passes(at_us);
        let hidden = &mut self.hidden;
        self.sequences
            .passes(at_us, &mut |piece| keep(hidden, piece));
    }

    /// Nothing more comes: what waits for its end does so in vain.
    pub(crate) fn ends(&mut self) {
        let hidden = &mut self.hidden;
        self.sequences.end(&mut |piece| keep(hidden, piece));
    }

    /// The target printed this.
    pub(crate) fn feed<O: Observer>(&mut self, text: &str, observer: &mut O) -> Result<(), Fault> {
        self.guarded(|model| {
            for letter in text.chars() {
                model.meter.character();
                if model.wanted.is_some() {
                    model.execute(observer);
                    model.take_wanted_size(observer);
                }
                model.letter(letter);
                if model.functions.len() >= AT_ONCE {
                    model.execute(observer);
                }
            }
            model.execute(observer);
        })
    }

    fn execute<O: Observer>(&mut self, observer: &mut O) {
        self.terminal
            .execute_with(self.functions.drain(..), &mut *observer);
    }

    fn letter(&mut self, letter: char) {
        let Model {
            sequences,
            parser,
            terminal,
            meter,
            marked,
            last,
            inserting,
            hidden,
            functions,
            ..
        } = self;
        sequences.letter(letter, &mut |piece| match piece {
            Piece::Letter(letter) if is_mark(letter) => {
                let Some(both) = last.and_then(|last| marked.with(last, letter)) else {
                    return;
                };
                if let Some(Function::Print(printed)) = functions.last_mut() {
                    *printed = both;
                    *last = Some(both);
                } else if functions.is_empty() && !*inserting {
                    functions.extend(over_the_last(terminal, both));
                    *last = Some(both);
                }
            }
            Piece::Letter(letter) => {
                let letter = kept(letter);
                *last = (letter >= ' ').then_some(letter);
                let function = parser.feed(letter);
                functions.extend(function.and_then(|function| meter.admit(function)));
            }
            Piece::Sequence(sequence) => {
                *last = None;
                for letter in understood(sequence).chars() {
                    let Some(function) = parser.feed(letter) else {
                        continue;
                    };
                    if let Function::Sm(modes) = &function {
                        *inserting |= modes.as_slice().contains(&AnsiMode::Insert);
                    } else if let Function::Rm(modes) = &function {
                        *inserting &= !modes.as_slice().contains(&AnsiMode::Insert);
                    }
                    functions.extend(meter.admit(function));
                }
            }
            hides @ Piece::Hidden(_) => keep(hidden, hides),
        });
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
            self.sequences = Sequences::default();
            self.parser = Parser::new();
            self.terminal = terminal(self.size);
            self.functions = Vec::new();
            self.last = None;
            self.inserting = false;
            Fault
        })
    }
}

/// What is not shown is kept once.
fn keep(hidden: &mut Vec<Hidden>, piece: Piece<'_>) {
    if let Piece::Hidden(one) = piece
        && one.says_something()
        && hidden.len() < MOST_HIDDEN
        && !hidden.contains(&one)
    {
        hidden.push(one);
    }
}

/// Prints a letter in the place of the one before the cursor.
fn over_the_last(terminal: &Terminal, letter: char) -> [Function; 2] {
    let width = letter.width().unwrap_or(1);
    let col = terminal.cursor().col.saturating_sub(width);
    let col = u16::try_from(col).unwrap_or(u16::MAX);
    [
        Function::Cha(col.saturating_add(1)),
        Function::Print(letter),
    ]
}

/// A sequence as the model behind knows it. What is concealed (SGR 8) is kept as what blinks, which nobody draws; the
/// oldest mode of the alternate screen is that of its sisters.
fn understood(sequence: &str) -> Cow<'_, str> {
    if let Some(mode) = sequence.strip_prefix("\x1b[?47")
        && matches!(mode, "h" | "l")
    {
        return Cow::Owned(format!("\x1b[?1047{mode}"));
    }
    let rendition = sequence
        .strip_prefix("\x1b[")
        .and_then(|rest| rest.strip_suffix('m'));
    match rendition {
        Some(list) if list.contains(['5', '6', '8']) && !list.starts_with(['<', '=', '>', '?']) => {
            Cow::Owned(rendered(list))
        }
        Some(_) | None => Cow::Borrowed(sequence),
    }
}

fn rendered(list: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut params = list.split(';');
    while let Some(param) = params.next() {
        match param {
            "38" | "48" | "58" => {
                let kind = params.next();
                let more = match kind {
                    Some("5") => 1,
                    Some("2") => 3,
                    Some(_) | None => 0,
                };
                let rest: Vec<&str> = params.by_ref().take(more).collect();
                if param != "58" {
                    kept.push(param);
                    kept.extend(kind);
                    kept.extend(rest);
                }
            }
            "8" => kept.push("5"),
            "28" => kept.push("25"),
            "5" | "6" | "25" => {}
            underline if underline.starts_with("58:") => {}
            other => kept.push(other),
        }
    }
    if kept.is_empty() {
        return String::new();
    }
    format!("\x1b[{}m", kept.join(";"))
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
