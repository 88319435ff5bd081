//! The terminal model that every reader of a recording uses: `avt`, and before it [`Sequences`] and the [`Meter`].
//!
//! Watching, replay, transcripts and search all draw through [`Model`], so that none of them pays more for a sequence
//! than another, and all of them show the same.

use crate::marks::{Marked, is_mark, kept};
use crate::meter::Meter;
use crate::rectangles::{Rectangle, Rectangles, rectangle};
use crate::screen::Size;
use crate::sequences::{Hidden, Piece, Sequences, Withheld};
use avt::observer::Observer;
use avt::parser::{AnsiMode, Function};
use avt::{Parser, Terminal};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is shown where the model failed and was started again.
pub(crate) const FAULT: &str = "[this screen could not be drawn; it continues from here]";

/// What was left out is told at most so often, however much it is.
const TOLD_EACH_US: u64 = 1_000_000;

/// The model failed: it starts again, empty.
#[derive(Debug)]
pub(crate) struct Fault;

/// So many control functions are handed over at once.
const AT_ONCE: usize = 4096;
/// So much is kept of marks that are not.
const MOST_LOST: usize = 4096;
/// The highest number that a terminal knows; …
const HIGHEST: u64 = 65_535;
/// … a sequence with one above this is none.
const HIGHEST_READ: u64 = 0x7fff_ffff;

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
    /// A mark for the letter that stands before the cursor once all was carried out.
    mark: Option<char>,
    /// Letters with marks beyond what is kept of them.
    lost: String,
    hidden: Withheld,
    /// A rectangle to be looked at once all before it was carried out, and what such showed.
    rectangle: Option<Rectangle>,
    rectangles: Rectangles,
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
            mark: None,
            lost: String::new(),
            hidden: Withheld::default(),
            rectangle: None,
            rectangles: Rectangles::default(),
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
        if !self.lost.is_empty() {
            self.hidden
                .keep(Hidden::marks(std::mem::take(&mut self.lost)));
        }
        if let Some(text) = self.rectangles.told() {
            self.hidden.keep(Hidden::rectangles(text));
        }
        self.hidden.take()
    }

    /// Recorded time goes on.
    pub(crate) fn passes(&mut self, at_us: u64) {
        self.meter.passes(at_us);
        self.sequences.passes(at_us);
        self.rectangles.passes(at_us);
    }

    /// Whether something waited for its end too long, and is shown with the next text, be it empty.
    pub(crate) fn is_overdue(&self) -> bool {
        self.sequences.is_overdue()
    }

    /// Nothing more comes: what waits for its end does so in vain.
    pub(crate) fn ends<O: Observer>(&mut self, observer: &mut O) -> Result<(), Fault> {
        self.rectangles.ends();
        self.guarded(|model| model.give_up(observer))
    }

    /// The target printed this.
    pub(crate) fn feed<O: Observer>(&mut self, text: &str, observer: &mut O) -> Result<(), Fault> {
        self.guarded(|model| {
            if model.sequences.is_overdue() {
                model.give_up(observer);
            }
            for letter in text.chars() {
                model.meter.character();
                if model.wanted.is_some() {
                    model.execute(observer);
                    model.take_wanted_size(observer);
                }
                model.lexed(|sequences, mut out| sequences.letter(letter, &mut out));
                if let Some(mark) = model.mark.take() {
                    model.execute(observer);
                    model.mark_before_cursor(mark);
                }
                if let Some(rectangle) = model.rectangle.take() {
                    model.execute(observer);
                    model.rectangles.take(rectangle, &model.terminal);
                }
                if model.functions.len() >= AT_ONCE {
                    model.execute(observer);
                }
            }
            model.execute(observer);
        })
    }

    fn give_up<O: Observer>(&mut self, observer: &mut O) {
        self.lexed(|sequences, mut out| sequences.end(&mut out));
        self.execute(observer);
    }

    fn execute<O: Observer>(&mut self, observer: &mut O) {
        self.terminal
            .execute_with(self.functions.drain(..), &mut *observer);
    }

    /// What comes out of the lexer becomes functions.
    fn lexed(&mut self, lex: impl FnOnce(&mut Sequences, &mut dyn FnMut(Piece<'_>))) {
        let Model {
            sequences,
            parser,
            meter,
            size,
            marked,
            last,
            inserting,
            mark,
            lost,
            hidden,
            rectangle: drawn,
            functions,
            ..
        } = self;
        let (size, rows) = (*size, size.rows());
        lex(sequences, &mut |piece| match piece {
            Piece::Letter(letter) if is_mark(letter) => match (*last, functions.last_mut()) {
                (Some(before), Some(Function::Print(printed))) => {
                    match marked.with(before, letter) {
                        Some(both) => (*printed, *last) = (both, Some(both)),
                        None => lose(lost, marked, before, letter),
                    }
                }
                _ => *mark = Some(letter),
            },
            Piece::Letter(letter) => {
                let letter = kept(letter);
                *last = (letter >= ' ').then_some(letter);
                let function = parser.feed(letter);
                functions.extend(function.and_then(|function| meter.admit(function)));
            }
            Piece::Sequence(sequence) => {
                *last = None;
                *drawn = rectangle(sequence, size);
                let Some(sequence) = understood(sequence) else {
                    return;
                };
                for letter in sequence.chars() {
                    let function = parser.feed(letter);
                    let Some(function) = function.and_then(|it| within_margins(it, rows)) else {
                        continue;
                    };
                    if let Function::Sm(modes) = &function {
                        *inserting |= modes.as_slice().contains(&AnsiMode::Insert);
                    } else if let Function::Rm(modes) = &function {
                        *inserting &= !modes.as_slice().contains(&AnsiMode::Insert);
                    } else if matches!(function, Function::Decstr | Function::Ris) {
                        *inserting = false;
                    }
                    functions.extend(meter.admit(function));
                }
            }
            Piece::Hidden(one) => hidden.keep(one),
        });
    }

    /// Terminals put a mark on the letter that stands before the cursor, however the cursor came there.
    fn mark_before_cursor(&mut self, mark: char) {
        let avt::Cursor { col, row, .. } = self.terminal.cursor();
        let Some(line) = self.terminal.screen().line(row) else {
            return;
        };
        let cells = line.cells();
        let before = cells.get(..col).unwrap_or_default();
        let place = before.iter().rposition(|cell| cell.width() > 0);
        let Some((col, cell)) = place.and_then(|col| Some((col, cells.get(col)?))) else {
            return;
        };
        let before = cell.char();
        let Some(both) = self.marked.with(before, mark) else {
            return lose(&mut self.lost, &self.marked, before, mark);
        };
        let col = u16::try_from(col).unwrap_or(u16::MAX);
        let over = [Function::Cha(col.saturating_add(1)), Function::Print(both)];
        if self.inserting {
            let mut mode = |sequence: &str| {
                let letters = sequence.chars();
                letters
                    .filter_map(|letter| self.parser.feed(letter))
                    .collect::<Vec<_>>()
            };
            let (off, on) = (mode("\x1b[4l"), mode("\x1b[4h"));
            self.functions.extend(off.into_iter().chain(over).chain(on));
        } else {
            self.functions.extend(over);
            self.last = Some(both);
        }
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
            self.mark = None;
            self.rectangle = None;
            Fault
        })
    }
}

/// A mark that is not kept is told, with its letter.
fn lose(lost: &mut String, marked: &Marked, letter: char, mark: char) {
    if lost.len() < MOST_LOST {
        marked.write(letter, lost);
        lost.push(mark);
    }
}

/// Margins as terminals have them: none below the last row, and the upper one above the lower one, or nothing is done.
fn within_margins(function: Function, rows: u16) -> Option<Function> {
    let Function::Decstbm(top, bottom) = function else {
        return Some(function);
    };
    let top = top.max(1);
    let bottom = if bottom == 0 { rows } else { bottom.min(rows) };
    (top < bottom).then_some(Function::Decstbm(top, bottom))
}

/// A sequence as the model behind knows it; none where terminals do nothing. What is concealed (SGR 8) is kept as what
/// blinks, which nobody draws; the oldest mode of the alternate screen is that of its sisters.
fn understood(sequence: &str) -> Option<Cow<'_, str>> {
    let Some(rest) = sequence.strip_prefix("\x1b[") else {
        return Some(Cow::Borrowed(sequence));
    };
    if rest.contains(':') && !rest.ends_with('m') {
        return None;
    }
    // A run of digits that no u64 holds is above every bound.
    let numbers = rest.split(|letter: char| !letter.is_ascii_digit());
    let highest = numbers
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse().unwrap_or(u64::MAX))
        .max();
    if highest.is_some_and(|number: u64| number > HIGHEST_READ) {
        return None;
    }
    if let Some(modes) = rest.strip_prefix('?')
        && modes.ends_with(['h', 'l'])
        && modes.contains("47")
    {
        return Some(Cow::Owned(with_alternate(modes)));
    }
    if highest.is_some_and(|number| number > HIGHEST) {
        return Some(Cow::Owned(lowered(sequence)));
    }
    let rendition = rest.strip_suffix('m');
    match rendition {
        Some(list) if list.contains(['5', '6', '8']) && !list.starts_with(['<', '=', '>', '?']) => {
            Some(Cow::Owned(rendered(list)))
        }
        Some(_) | None => Some(Cow::Borrowed(sequence)),
    }
}

/// Modes, with the oldest of the alternate screen as its sister.
fn with_alternate(modes: &str) -> String {
    let (list, last) = modes.split_at(modes.len().saturating_sub(1));
    let list: Vec<&str> = list
        .split(';')
        .map(|mode| match mode.trim_start_matches('0') {
            "47" => "1047",
            other => other,
        })
        .collect();
    format!("\x1b[?{}{last}", list.join(";"))
}

/// Numbers that no terminal knows become the highest that they do.
fn lowered(sequence: &str) -> String {
    let mut text = String::with_capacity(sequence.len());
    let mut rest = sequence;
    while let Some(from) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, digits) = rest.split_at_checked(from).unwrap_or((rest, ""));
        let end = digits
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(digits.len());
        let (number, after) = digits.split_at_checked(end).unwrap_or((digits, ""));
        text.push_str(before);
        let number = number.parse().unwrap_or(HIGHEST).min(HIGHEST);
        text.push_str(&number.to_string());
        rest = after;
    }
    text.push_str(rest);
    text
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
