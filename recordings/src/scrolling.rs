//! The lines of a terminal session as text, each with the time it was last changed.
//!
//! A line is given when it leaves the screen; its time is when it came to be what it is, not when it
//! left. What stood there and was taken away is given too, with the time until which it stood; so is what full-screen
//! programs showed, between the two lines that say when they began and ended. What stood for a moment is told word by word,
//! and so is what a target prints and a terminal does not show. [`crate::ink`] knows what is gone.

use crate::at_once::{self, AtOnce};
use crate::ink::{Gone, Ink, Leaving, Taker};
use crate::marks::Marked;
use crate::model::{FAULT, Fault, LeftOut, Model};
use crate::recent::Recent;
use crate::rows;
use crate::screen::Size;
use avt::observer::{Observation, Observer};
use avt::parser::{DecMode, Function};
use avt::{Line, Operation, Terminal};
use std::collections::HashSet;
use std::ops::Range;

/// Longest line kept in memory; a longer one, of a program that never ends its line, is given in pieces.
const MAX_LINE: usize = 64 * 1024;
/// What was erased in place is text beyond what came: so many letters for each character, and a screen for so much
/// recorded time, saved up to so many screens.
const GIVEN_A_CHARACTER: usize = 4;
const GIVEN_SCREEN_EACH_US: u64 = 1_000_000;
const SAVED_SCREENS: usize = 2;
/// Whatever size was announced for it, a terminal has at least so many cells. **Unit**: cells.
const SMALLEST_SCREEN: usize = 80 * 24;

/// A line and its time, in microseconds since the channel's opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimedLine {
    pub(crate) at_us: u64,
    pub(crate) text: String,
    /// It was erased in place at this time, or replaced.
    pub(crate) until_us: Option<u64>,
    /// The recording says so: no terminal showed it.
    pub(crate) said: bool,
}

impl TimedLine {
    pub(crate) fn new(at_us: u64, text: impl Into<String>) -> Self {
        TimedLine {
            at_us,
            text: text.into(),
            until_us: None,
            said: false,
        }
    }

    /// What the recording says of itself.
    pub(crate) fn said(at_us: u64, text: impl Into<String>) -> Self {
        TimedLine {
            said: true,
            ..TimedLine::new(at_us, text)
        }
    }

    fn until(self, until_us: u64) -> Self {
        TimedLine {
            until_us: Some(until_us),
            ..self
        }
    }
}

pub(crate) struct Scrolling {
    model: Model,
    lines: Lines,
    left_out: LeftOut,
    told: Recent,
}

struct Lines {
    now: u64,
    ink: Ink,
    /// When the full-screen program began.
    full: Option<u64>,
    /// Cells of the screen.
    screen: usize,
    /// Letters of what was erased that may be given.
    given: usize,
    not_given: NotGiven,
    erased: Recent,
    at_once: AtOnce,
    marked: Marked,
    /// Rows of a line that wraps, so far, and their time.
    pending: Option<(u64, String)>,
    concealed: Vec<String>,
    ready: Vec<TimedLine>,
}

/// Lines that there was no room for.
#[derive(Default)]
struct NotGiven {
    count: u64,
    first_us: u64,
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
        let pending = lines.pending.as_ref().map(|(at_us, _)| *at_us);
        let times = [lines.ink.oldest_us(), pending, lines.at_once.since_us()];
        times.into_iter().flatten().fold(lines.now, u64::min)
    }

    /// What stands on the screen stood until then: the channel was open so long, though nothing more was printed.
    pub(crate) fn stays_until(&mut self, at_us: u64) {
        self.passes(at_us.max(self.lines.now), 0);
    }

    /// What is left on the screen at the end.
    pub(crate) fn rest(mut self) -> Vec<TimedLine> {
        let ended = self.model.ends(&mut self.lines);
        let mut ready = self.after(ended);
        let lines = &mut self.lines;
        lines.ink.end();
        lines.give_gone();
        lines.end_full();
        lines.leave_all(self.model.terminal());
        lines.tell_at_once();
        ready.append(&mut lines.ready);
        let now = lines.now;
        let told = self.left_out.rest(self.model.left_out());
        ready.extend(told.map(|text| TimedLine::said(now, text)));
        ready.extend(lines.not_given.take(now));
        ready
    }

    /// Time passes.
    fn passes(&mut self, at_us: u64, bytes: usize) {
        self.model.passes(at_us);
        let lines = &mut self.lines;
        lines.allow(bytes, at_us.saturating_sub(lines.now));
        if lines.at_once.is_due(at_us) {
            lines.tell_at_once();
        }
        lines.now = at_us;
        lines.ink.passes(at_us);
    }

    /// A fault of the model costs what was on the screen, not the transcript.
    fn after(&mut self, done: Result<(), Fault>) -> Vec<TimedLine> {
        let now = self.lines.now;
        let mut told = Vec::new();
        if done.is_err() {
            self.lines.ink.restart(self.model.size());
            self.lines.end_full();
            told.push(FAULT.to_owned());
        }
        self.lines.give_gone();
        told.extend(self.left_out.news(self.model.left_out(), now));
        for hidden in self.model.hidden() {
            let text = hidden.told();
            if self.told.is_news(now, &text) {
                told.push(text);
            }
        }
        let told = told.into_iter().map(|text| TimedLine::said(now, text));
        let mut ready = std::mem::take(&mut self.lines.ready);
        ready.extend(told);
        ready
    }
}

impl NotGiven {
    fn one_more(&mut self, now: u64) {
        if self.count == 0 {
            self.first_us = now;
        }
        self.count = self.count.saturating_add(1);
    }

    /// What to tell of them, and of which time.
    fn take(&mut self, now: u64) -> Option<TimedLine> {
        let NotGiven { count, first_us } = std::mem::take(self);
        (count > 0).then(|| {
            let text = format!(
                "[{count} more lines were erased in place, more than their bytes may cost]"
            );
            TimedLine::said(first_us, text).until(now)
        })
    }
}

impl Lines {
    fn new(size: Size, marked: Marked) -> Self {
        let screen = usize::from(size.cols()) * usize::from(size.rows());
        let screen = screen.max(SMALLEST_SCREEN);
        Lines {
            now: 0,
            ink: Ink::new(size, marked.clone()),
            full: None,
            screen,
            given: SAVED_SCREENS * screen,
            not_given: NotGiven::default(),
            erased: Recent::default(),
            at_once: AtOnce::default(),
            marked,
            pending: None,
            concealed: Vec::new(),
            ready: Vec::new(),
        }
    }

    fn allow(&mut self, bytes: usize, since_us: u64) {
        let since = since_us.min(GIVEN_SCREEN_EACH_US * SAVED_SCREENS as u64);
        let waited = (since as usize).saturating_mul(self.screen) / GIVEN_SCREEN_EACH_US as usize;
        let earned = bytes
            .saturating_mul(GIVEN_A_CHARACTER)
            .saturating_add(waited);
        let most = SAVED_SCREENS * self.screen;
        self.given = self.given.saturating_add(earned).min(most);
    }

    /// Gives what was taken off the screen. Rows that moved still stand there: they are given once they go.
    fn give_gone(&mut self) {
        let gone = self.ink.gone();
        let replaced = |gone: &Gone| {
            matches!(
                gone,
                Gone::Row {
                    by: Taker::Others,
                    ..
                }
            )
        };
        let standing = match gone.iter().any(replaced) {
            true => self.ink.standing(),
            false => HashSet::new(),
        };
        for gone in gone {
            match gone {
                Gone::Words(words) => self.add_at_once(&words, AtOnce::add),
                Gone::Sent(words) => self.add_at_once(&words, AtOnce::add_sent),
                Gone::Row {
                    since_us,
                    text,
                    fresh,
                    by,
                } => match by {
                    // Each was written since it was empty: that is what it cost, and all of it is given.
                    Taker::WipedFirst => self.erased(since_us, text),
                    Taker::Wiped => self.give_erased(since_us, text, &fresh),
                    Taker::Others if standing.contains(&text) => self.ink.untell(&text),
                    Taker::Others => self.give_erased(since_us, text, &fresh),
                },
            }
        }
    }

    fn add_at_once(&mut self, words: &str, add: fn(&mut AtOnce, u64, &str) -> bool) {
        for word in words.split_whitespace() {
            let mut added = add(&mut self.at_once, self.now, word);
            if !added && let Some(left) = self.given.checked_sub(at_once::LONGEST) {
                self.given = left;
                self.tell_at_once();
                added = add(&mut self.at_once, self.now, word);
            }
            if !added {
                self.at_once.count();
            }
        }
    }

    fn tell_at_once(&mut self) {
        if let Some((at_us, text)) = self.at_once.take() {
            self.ready
                .push(TimedLine::said(at_us, text).until(self.now));
        }
    }

    /// A row that was to be seen, and is not any more. What there is no room for is counted, and its words are told.
    fn give_erased(&mut self, since_us: u64, text: String, fresh: &str) {
        if !self.erased.is_news(self.now, &text) {
            return;
        }
        match self.given.checked_sub(text.len()) {
            Some(left) => {
                self.given = left;
                self.erased(since_us, text);
            }
            None => {
                self.not_given.one_more(self.now);
                self.add_at_once(fresh, AtOnce::add);
            }
        }
    }

    fn erased(&mut self, at_us: u64, text: String) {
        self.ready.push(TimedLine::new(at_us, text).until(self.now));
    }

    fn begin_full(&mut self) {
        let line = TimedLine::said(self.now, "[a full-screen program begins]");
        self.ready.push(line);
        self.full = Some(self.now);
    }

    fn end_full(&mut self) {
        let Some(since) = self.full.take() else {
            return;
        };
        self.ink.take_alternate();
        self.give_gone();
        let seconds = self.now.saturating_sub(since) / 1_000_000;
        let text = format!("[the full-screen program ends, after {seconds} s]");
        self.ready.push(TimedLine::said(self.now, text));
    }

    /// Its time is that of the row of it that changed last.
    fn leave(&mut self, line: &Line, leaving: Leaving) {
        let Leaving { at_us, cut } = leaving;
        let mut text = String::new();
        rows::write(line, &self.marked, &mut text);
        self.concealed.extend(rows::concealed(line, &self.marked));
        let pending = self.pending.get_or_insert((at_us, String::new()));
        pending.0 = pending.0.max(at_us);
        pending.1.push_str(&text);
        if line.is_wrapped() && !cut && pending.1.len() < MAX_LINE {
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
                .extend(concealed.map(|text| TimedLine::said(at, text)));
        }
    }

    fn leave_all(&mut self, terminal: &Terminal) {
        let before = self.ready.len();
        let rows = self.ink.rows();
        for (line, leaving) in terminal.primary_screen().all_lines().zip(rows) {
            self.leave(line, leaving);
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
        self.screen = cols.saturating_mul(rows).max(SMALLEST_SCREEN);
    }

    fn dirty(&mut self, rows: Range<usize>) {
        self.ink.dirty(rows);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "some sixty functions of a terminal that begin and end nothing"
    )]
    fn before(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        let terminal = context.terminal();
        self.ink.before(terminal, operation);
        let Operation::Function(function) = operation else {
            return;
        };
        match function {
            // A hard reset wipes the screen without scrolling it out.
            Function::Ris => {
                self.ink.end();
                self.end_full();
                self.leave_all(terminal);
                self.ink.tell(0..usize::MAX);
            }
            Function::Decset(modes)
                if self.full.is_none() && modes.as_slice().iter().any(is_alternate) =>
            {
                self.begin_full();
            }
            Function::Decrst(modes) if modes.as_slice().iter().any(is_alternate) => {
                self.end_full();
            }
            _ => {}
        }
    }

    fn after(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        self.ink.after(context.terminal(), operation);
    }

    fn evicted(&mut self, _: &mut Observation<'_>, line: &Line) {
        let leaving = self.ink.leaves().unwrap_or(Leaving {
            at_us: self.now,
            cut: false,
        });
        self.leave(line, leaving);
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
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
