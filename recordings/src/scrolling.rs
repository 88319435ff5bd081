//! The lines of a terminal session as text, each with the time it was last changed.
//!
//! A line is given when it leaves the screen; its time is when it came to be what it is, not when it
//! left. What stood there and was erased in place is given too, with the time until which it stood; so is what
//! full-screen programs showed, between the two lines that say when they began and ended. What a target prints and a
//! terminal does not show is told.

use crate::marks::Marked;
use crate::model::{FAULT, Fault, LeftOut, Model};
use crate::recent::Recent;
use crate::rows;
use crate::screen::Size;
use avt::observer::{Observation, Observer};
use avt::parser::{DecMode, EdScope, Function};
use avt::{Line, Operation, ScreenKind, Terminal};
use std::collections::{HashSet, VecDeque};
use std::ops::Range;

/// Longest line kept in memory; a longer one, of a program that never ends its line, is given in pieces.
const MAX_LINE: usize = 64 * 1024;
/// Reading rows for their times costs too: so many cells may be read for each character that came, and a screen for so
/// much recorded time, saved up to so many screens. Rows that wait get the time of the last change before they are read.
const CELLS_A_CHARACTER: usize = 16;
const SCREEN_EACH_US: u64 = 50_000;
const SAVED_SCREENS: usize = 2;
/// What stood on the screen for so long was shown, whatever took its place.
const SHOWN_US: u64 = 500_000;
/// What was erased in place is text beyond what came: so many letters for each character, and a screen for so much
/// recorded time, saved up to as many screens.
const GIVEN_A_CHARACTER: usize = 4;
const GIVEN_SCREEN_EACH_US: u64 = 1_000_000;

/// A line and its time, in microseconds since the channel's opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimedLine {
    pub(crate) at_us: u64,
    pub(crate) text: String,
    /// It was erased in place at this time, or replaced.
    pub(crate) until_us: Option<u64>,
}

impl TimedLine {
    pub(crate) fn new(at_us: u64, text: impl Into<String>) -> Self {
        TimedLine {
            at_us,
            text: text.into(),
            until_us: None,
        }
    }
}

pub(crate) struct Scrolling {
    model: Model,
    lines: Lines,
    left_out: LeftOut,
    told: Recent,
}

/// A row as it was read last, and since when it is so.
type Row = (u64, String);

struct Lines {
    now: u64,
    /// The rows of the primary screen.
    rows: VecDeque<Row>,
    /// Those of a full-screen program, and when it began.
    full: Option<(u64, VecDeque<Row>)>,
    /// Rows that changed since, and whether any did.
    changed: Vec<bool>,
    any: bool,
    /// Rows were moved by another width: nothing was erased.
    moved: bool,
    cols: usize,
    allowance: usize,
    /// Letters of what was erased that may be given.
    given: usize,
    not_given: u64,
    erased: Recent,
    marked: Marked,
    /// Rows of a line that wraps, so far.
    pending: Option<Row>,
    concealed: Vec<String>,
    ready: Vec<TimedLine>,
}

impl Scrolling {
    pub(crate) fn new(size: Size) -> Self {
        let model = Model::new(size);
        let marked = model.marked().clone();
        Scrolling {
            model,
            lines: Lines::new(size, marked),
            left_out: LeftOut::default(),
            told: Recent::default(),
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

    /// No line that comes later is older than this.
    pub(crate) fn settled_us(&self) -> u64 {
        let lines = &self.lines;
        let full = lines.full.iter().flat_map(|(_, rows)| rows);
        let standing = lines.rows.iter().chain(full).chain(&lines.pending);
        let times = standing.filter(|(_, text)| !text.is_empty());
        times.map(|(at_us, _)| *at_us).fold(lines.now, u64::min)
    }

    /// What is left on the screen at the end.
    pub(crate) fn rest(mut self) -> Vec<TimedLine> {
        self.model.ends();
        let mut ready = self.after(Ok(()));
        self.lines.allowance = usize::MAX;
        self.lines.read(self.model.terminal());
        self.lines.end_full();
        self.lines.leave_all(self.model.terminal());
        ready.append(&mut self.lines.ready);
        let now = self.lines.now;
        let told = self.left_out.rest(self.model.left_out());
        ready.extend(told.map(|text| TimedLine::new(now, text)));
        if self.lines.not_given > 0 {
            let text = format!(
                "[{} more lines were erased in place, more than their bytes may cost]",
                self.lines.not_given
            );
            ready.push(TimedLine::new(now, text));
        }
        ready
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
        let now = self.lines.now;
        let mut told = Vec::new();
        if done.is_err() {
            self.lines.rows.clear();
            self.lines.end_full();
            told.push(FAULT.to_owned());
        }
        told.extend(self.left_out.news(self.model.left_out(), now));
        for hidden in self.model.hidden() {
            let text = hidden.told();
            if self.told.is_news(now, &text) {
                told.push(text);
            }
        }
        let told = told.into_iter().map(|text| TimedLine::new(now, text));
        let mut ready = std::mem::take(&mut self.lines.ready);
        ready.extend(told);
        ready
    }
}

impl Lines {
    fn new(size: Size, marked: Marked) -> Self {
        let mut lines = Lines {
            now: 0,
            rows: VecDeque::new(),
            full: None,
            changed: vec![false; size.rows().into()],
            any: false,
            moved: false,
            cols: size.cols().into(),
            allowance: 0,
            given: 0,
            not_given: 0,
            erased: Recent::default(),
            marked,
            pending: None,
            concealed: Vec::new(),
            ready: Vec::new(),
        };
        lines.allowance = SAVED_SCREENS * lines.screen();
        lines.given = lines.allowance;
        lines
    }

    fn screen(&self) -> usize {
        self.changed.len().saturating_mul(self.cols)
    }

    fn allow(&mut self, bytes: usize, since_us: u64) {
        let most = SAVED_SCREENS * self.screen();
        let earned = |each_us: u64, a_character: usize| {
            let since = since_us.min(each_us * SAVED_SCREENS as u64);
            let waited = (since as usize).saturating_mul(self.screen()) / each_us as usize;
            bytes.saturating_mul(a_character).saturating_add(waited)
        };
        let read = earned(SCREEN_EACH_US, CELLS_A_CHARACTER);
        let given = earned(GIVEN_SCREEN_EACH_US, GIVEN_A_CHARACTER);
        self.allowance = self.allowance.saturating_add(read).min(most);
        self.given = self.given.saturating_add(given).min(most);
    }

    /// Gives every changed row its time, where there is allowance for it. What stood there long enough to be read, does
    /// not go on, and stands nowhere else, was erased.
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
        let (seen, screen) = match &mut self.full {
            Some((_, seen)) => (seen, terminal.screen()),
            None => (&mut self.rows, terminal.primary_screen()),
        };
        let mut replaced = Vec::new();
        for (row, line) in screen.visible_lines().enumerate() {
            if !self.changed.get_mut(row).is_some_and(std::mem::take) && row < seen.len() {
                continue;
            }
            // Without the blanks at its end, which a change of width adds and takes.
            let mut text = String::new();
            rows::write(line, &self.marked, &mut text);
            text.truncate(text.trim_end().len());
            match seen.get_mut(row) {
                Some(seen) if seen.1 == text => {}
                Some(seen) => {
                    let (since, before) = std::mem::replace(seen, (self.now, text));
                    let stood = self.now.saturating_sub(since) >= SHOWN_US;
                    if stood && !before.is_empty() && !seen.1.starts_with(&before) {
                        replaced.push((since, before));
                    }
                }
                None => seen.push_back((self.now, text)),
            }
        }
        seen.truncate(self.changed.len());
        if std::mem::take(&mut self.moved) || replaced.is_empty() {
            return;
        }
        let standing: HashSet<&str> = seen.iter().map(|(_, text)| text.as_str()).collect();
        replaced.retain(|(_, text)| !standing.contains(text.as_str()));
        for row in replaced {
            self.give_erased(row);
        }
    }

    /// A row that was to be seen, and is not any more.
    fn give_erased(&mut self, (since, text): Row) {
        if !self.erased.is_news(self.now, &text) {
            return;
        }
        match self.given.checked_sub(text.len()) {
            Some(left) => {
                self.given = left;
                self.ready.push(TimedLine {
                    at_us: since,
                    text,
                    until_us: Some(self.now),
                });
            }
            None => self.not_given = self.not_given.saturating_add(1),
        }
    }

    /// Rows are about to be erased, whatever comes then. On the first screen each was written since it was empty: that is
    /// what it cost, and all of it is given.
    fn wipe(&mut self, terminal: &Terminal, wiped: Range<usize>) {
        self.read_all(terminal);
        let seen = match &mut self.full {
            Some((_, seen)) => seen,
            None => &mut self.rows,
        };
        let wiped = wiped.start.min(seen.len())..wiped.end.min(seen.len());
        let rows: Vec<Row> = seen
            .range_mut(wiped)
            .map(|row| std::mem::replace(row, (self.now, String::new())))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        for (since, text) in rows {
            if self.full.is_some() {
                self.give_erased((since, text));
            } else {
                self.ready.push(TimedLine {
                    at_us: since,
                    text,
                    until_us: Some(self.now),
                });
            }
        }
    }

    /// Reads what changed before it is gone; what takes a whole screen away was paid for as such.
    fn read_all(&mut self, terminal: &Terminal) {
        let allowance = std::mem::replace(&mut self.allowance, usize::MAX);
        self.read(terminal);
        self.allowance = allowance;
    }

    fn begin_full(&mut self, terminal: &Terminal) {
        self.read_all(terminal);
        let now = self.now;
        self.ready
            .push(TimedLine::new(now, "[a full-screen program begins]"));
        self.full = Some((now, VecDeque::new()));
        self.redrawn();
    }

    fn end_full(&mut self) {
        let Some((since, rows)) = self.full.take() else {
            return;
        };
        for row in rows {
            if !row.1.is_empty() {
                self.give_erased(row);
            }
        }
        let seconds = self.now.saturating_sub(since) / 1_000_000;
        let text = format!("[the full-screen program ends, after {seconds} s]");
        self.ready.push(TimedLine::new(self.now, text));
        self.redrawn();
    }

    fn redrawn(&mut self) {
        self.changed.fill(true);
        self.any = true;
    }

    fn leave(&mut self, line: &Line) {
        let mut text = String::new();
        rows::write(line, &self.marked, &mut text);
        let at = match self.rows.pop_front() {
            Some((at, seen)) if seen == text.trim_end() => at,
            Some(row) => {
                let stood = self.now.saturating_sub(row.0) >= SHOWN_US;
                if stood && !self.moved && !row.1.is_empty() && !text.starts_with(&row.1) {
                    self.give_erased(row);
                }
                self.now
            }
            None => self.now,
        };
        self.concealed.extend(rows::concealed(line, &self.marked));
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
            self.ready.push(TimedLine::new(at, text));
            let concealed = self.concealed.drain(..);
            self.ready
                .extend(concealed.map(|text| TimedLine::new(at, text)));
        }
    }

    fn leave_all(&mut self, terminal: &Terminal) {
        let before = self.ready.len();
        for line in terminal.primary_screen().all_lines() {
            self.leave(line);
        }
        self.end_line();
        // Empty rows below the last line are the screen's, not the session's.
        while self.ready.len() > before
            && self.ready.last().is_some_and(|line| line.text.is_empty())
        {
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
        self.moved = true;
    }

    fn dirty(&mut self, rows: Range<usize>) {
        if let Some(rows) = self.changed.get_mut(rows) {
            rows.fill(true);
            self.any = true;
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "some sixty functions of a terminal that wipe nothing"
    )]
    fn before(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        let Operation::Function(function) = operation else {
            return;
        };
        let terminal = context.terminal();
        let alternate = terminal.active_screen_kind() == ScreenKind::Alternate;
        let (avt::Cursor { row, col, .. }, rows) = (terminal.cursor(), self.changed.len());
        match function {
            // A hard reset wipes the screen without scrolling it out.
            Function::Ris => {
                self.read_all(terminal);
                self.end_full();
                self.leave_all(terminal);
            }
            // The first screen scrolls out instead.
            Function::Ed(EdScope::All) if alternate => self.wipe(terminal, 0..rows),
            // Whatever the cursor stands behind stays.
            Function::Ed(EdScope::Below) => self.wipe(terminal, row + usize::from(col > 0)..rows),
            Function::Ed(EdScope::Above) => self.wipe(terminal, 0..row),
            Function::Decaln => self.wipe(terminal, 0..rows),
            Function::Decset(modes) if !alternate && modes.as_slice().iter().any(is_alternate) => {
                self.begin_full(terminal);
            }
            Function::Decrst(modes) if alternate && modes.as_slice().iter().any(is_alternate) => {
                self.read_all(terminal);
                self.end_full();
            }
            _ => {}
        }
    }

    fn evicted(&mut self, _: &mut Observation<'_>, line: &Line) {
        self.leave(line);
        // All rows moved up.
        self.redrawn();
    }

    fn end(&mut self, context: &mut Observation<'_>) {
        self.read(context.terminal());
    }
}

fn is_alternate(mode: &DecMode) -> bool {
    matches!(
        mode,
        DecMode::AltScreenBuffer | DecMode::SaveCursorAltScreenBuffer
    )
}

#[cfg(test)]
#[path = "scrolling_tests.rs"]
mod tests;
