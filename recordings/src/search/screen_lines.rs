//! Lines that stood on a terminal's screen, each with a time at which it can be seen there.
//!
//! A row is read when the screen has come to rest, now and then while it does not, before it is erased,
//! and when it scrolls off. The line of the cursor is being written: at each rest it is held, and given once
//! something else than its continuation stands there, once the cursor left it, or at the end. What was shown a
//! moment ago is not given again. Whatever was drawn and is taken away before it was given is given then, word by word where
//! it was quick ([`crate::ink`]); of that, every letter that came is given, whatever it costs. What a target prints and a
//! terminal does not show is told. [`crate::scrolling`] is the sibling for transcripts.

use crate::Utf8Decoder;
use crate::at_once::AtOnce;
use crate::ink::{Gone, Ink};
use crate::marks::{Marked, is_joiner};
use crate::model::{LeftOut, Model};
use crate::recent::Recent;
use crate::rows;
use crate::screen::Size;
use avt::observer::{Observation, Observer};
use avt::parser::{DecMode, Function};
use avt::{Line, Operation, Terminal};
use std::ops::Range;

/// A screen unchanged for so long has come to rest.
const REST_US: u64 = 200_000;
/// One that never rests is read so often.
const AT_LEAST_US: u64 = 1_000_000;
/// A program may erase as often as it likes, and reading before each time costs: so many cells may be read for each byte
/// that came, and a screen for each rest, …
const CELLS_A_BYTE: usize = 4;
/// … saved up to so many screens.
const SAVED_SCREENS: usize = 4;
/// Whatever size was announced for it, a terminal has at least so many cells.
const SMALLEST_SCREEN: usize = 80 * 24;

/// A line and a time at which it stood on the screen.
pub(super) type Seen = (u64, String);

pub(super) struct ScreenLines {
    model: Model,
    decoder: Utf8Decoder,
    watch: Watch,
    left_out: LeftOut,
}

struct Watch {
    /// Time of the event being fed, of the one before, and of the last reading.
    now: u64,
    before: u64,
    read: u64,
    /// Rows that changed since they were read.
    changed: Vec<bool>,
    any: bool,
    /// Some had when the event being fed began.
    any_before: bool,
    /// Lines that scrolled off during this event, and rows there were when it began.
    gone: usize,
    rows: usize,
    /// The beginning of a line that wraps and has scrolled off.
    head: Option<Seen>,
    /// The line of the cursor as it stood when the screen rested last.
    held: Option<Seen>,
    marked: Marked,
    ink: Ink,
    at_once: AtOnce,
    /// Cells of a screen, and how many may be read.
    cells: usize,
    allowance: usize,
    recent: Recent,
    ready: Vec<Seen>,
}

impl ScreenLines {
    pub(super) fn new(size: Size) -> Self {
        let cells = usize::from(size.cols()) * usize::from(size.rows());
        let cells = cells.max(SMALLEST_SCREEN);
        let model = Model::new(size);
        let marked = model.marked().clone();
        ScreenLines {
            model,
            left_out: LeftOut::default(),
            decoder: Utf8Decoder::default(),
            watch: Watch {
                now: 0,
                before: 0,
                read: 0,
                changed: vec![false; size.rows().into()],
                any: false,
                any_before: false,
                gone: 0,
                rows: size.rows().into(),
                head: None,
                held: None,
                ink: Ink::new(size, marked.clone()),
                at_once: AtOnce::default(),
                marked,
                cells,
                allowance: SAVED_SCREENS * cells,
                recent: Recent::default(),
                ready: Vec::new(),
            },
        }
    }

    /// The target printed this.
    pub(super) fn feed(&mut self, at_us: u64, bytes: &[u8]) -> Vec<Seen> {
        self.rest_until(at_us);
        self.watch.allow(bytes.len().saturating_mul(CELLS_A_BYTE));
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.feed(bytes, |text| {
            let fed = self.model.feed(text, &mut self.watch);
            self.watch.after(fed.is_ok(), self.model.size());
        });
        self.decoder = decoder;
        self.watch.before = at_us;
        self.tell_hidden();
        std::mem::take(&mut self.watch.ready)
    }

    /// Tells what was printed and is not shown.
    fn tell_hidden(&mut self) {
        for hidden in self.model.hidden() {
            self.watch.give(self.watch.now, &hidden.told());
        }
    }

    /// The technician's terminal changed size.
    pub(super) fn resize(&mut self, at_us: u64, size: Size) -> Vec<Seen> {
        self.rest_until(at_us);
        let resized = self.model.resize(size, &mut self.watch);
        self.watch.after(resized.is_ok(), self.model.size());
        self.watch.before = at_us;
        std::mem::take(&mut self.watch.ready)
    }

    /// What stands there at the end.
    pub(super) fn end(mut self) -> Vec<Seen> {
        let ended = self.model.ends(&mut self.watch);
        self.watch.after(ended.is_ok(), self.model.size());
        self.tell_hidden();
        self.watch.allowance = usize::MAX;
        self.watch
            .read_changed(self.model.terminal(), self.watch.before, true);
        self.watch.give_head();
        self.watch.give_held();
        self.watch.ink.end();
        self.watch.give_gone();
        self.watch.tell_at_once();
        self.watch.ready
    }

    /// What to tell of what was not drawn, so far or in the end.
    pub(super) fn left_out(&mut self, at_us: u64, end: bool) -> Option<String> {
        let count = self.model.left_out();
        if end {
            self.left_out.rest(count)
        } else {
            self.left_out.news(count, at_us)
        }
    }

    /// Time passes: a screen that has come to rest is read as it was.
    fn rest_until(&mut self, at_us: u64) {
        self.model.passes(at_us);
        let watch = &mut self.watch;
        let since = |then: u64| at_us.saturating_sub(then);
        if watch.any && (since(watch.before) >= REST_US || since(watch.read) >= AT_LEAST_US) {
            // At most some five times a second of the session's own time.
            let allowance = std::mem::replace(&mut watch.allowance, usize::MAX);
            watch.read_changed(self.model.terminal(), watch.before, false);
            watch.hold_line_of_cursor(self.model.terminal());
            watch.allowance = allowance;
            watch.allow(watch.cells);
            watch.read = at_us;
        }
        if watch.at_once.is_due(at_us) {
            watch.tell_at_once();
        }
        watch.now = at_us;
        watch.ink.passes(at_us);
        watch.gone = 0;
        watch.any_before = watch.any;
        watch.rows = watch.changed.len();
    }
}

impl Watch {
    /// A fault of the model costs what was on the screen.
    fn after(&mut self, done: bool, size: Size) {
        if !done {
            self.changed.fill(false);
            self.head = None;
            self.give_held();
            self.ink.restart(size);
        }
        self.give_gone();
    }

    /// Gives what was taken off the screen.
    fn give_gone(&mut self) {
        for gone in self.ink.gone() {
            match gone {
                Gone::Row {
                    since_us,
                    text,
                    fresh,
                    ..
                } => match self.allowance.checked_sub(text.len()) {
                    Some(left) => {
                        self.allowance = left;
                        self.give(since_us, &text);
                    }
                    None => self.add_at_once(&fresh, AtOnce::add),
                },
                Gone::Words(words) => self.add_at_once(&words, AtOnce::add),
                Gone::Sent(words) => self.add_at_once(&words, AtOnce::add_sent),
            }
        }
    }

    /// Words that stood for a moment only.
    fn add_at_once(&mut self, words: &str, add: fn(&mut AtOnce, u64, &str) -> bool) {
        for word in words.split_whitespace() {
            if !add(&mut self.at_once, self.now, word) {
                self.tell_at_once();
                add(&mut self.at_once, self.now, word);
            }
        }
    }

    fn tell_at_once(&mut self) {
        if let Some((at_us, text)) = self.at_once.take() {
            self.give(at_us, &text);
        }
    }

    fn allow(&mut self, cells: usize) {
        let most = SAVED_SCREENS * self.cells;
        self.allowance = self.allowance.saturating_add(cells).min(most);
    }

    /// Gives every line with a changed row, but the one being written unless `also_cursor`.
    fn read_changed(&mut self, terminal: &Terminal, at_us: u64, also_cursor: bool) {
        let cursor = terminal.cursor().row;
        let screen = terminal.screen();
        // The word that began in a row which scrolled off is whole in the row where it ends.
        let mut text = self.begun().to_owned();
        let (mut changed, mut written, mut first) = (false, false, 0);
        for (row, line) in screen.visible_lines().enumerate() {
            let this = self.changed.get(row).copied().unwrap_or(false);
            // Rows of a line are read when one of them changed; those before it are read then.
            if line.is_wrapped() || first < row || this {
                let Some(left) = self.allowance.checked_sub(line.len()) else {
                    return;
                };
                self.allowance = left;
                rows::write(line, &self.marked, &mut text);
                if this && let Some(concealed) = rows::concealed(line, &self.marked) {
                    self.give(at_us, &concealed);
                }
            }
            changed |= this;
            written |= row == cursor;
            if line.is_wrapped() {
                continue;
            }
            if changed && (also_cursor || !written) {
                for row in first..=row {
                    if let Some(changed) = self.changed.get_mut(row) {
                        *changed = false;
                    }
                }
                self.ink.tell(first..row + 1);
                self.give(at_us, text.trim_end());
            }
            text.clear();
            (changed, written, first) = (false, false, row + 1);
        }
        if changed && (also_cursor || !written) {
            self.ink.tell(first..self.changed.len());
            self.give(at_us, text.trim_end());
        }
        self.any = self.changed.contains(&true);
    }

    /// The line that is being written, as it stands; what stood there before and does not go on is given.
    fn hold_line_of_cursor(&mut self, terminal: &Terminal) {
        let cursor = terminal.cursor().row;
        let (mut text, mut reached) = (String::new(), false);
        for (row, line) in terminal.screen().visible_lines().enumerate() {
            reached |= row == cursor;
            rows::write(line, &self.marked, &mut text);
            if !line.is_wrapped() {
                if reached {
                    break;
                }
                text.clear();
            }
        }
        let text = text.trim_end();
        let goes_on = |(_, held): &mut Seen| text.starts_with(held.as_str());
        if self.held.take_if(goes_on).is_none() {
            self.give_held();
        }
        if !text.is_empty() {
            self.held = Some((self.before, text.to_owned()));
        }
    }

    fn give_held(&mut self) {
        if let Some((at_us, text)) = self.held.take() {
            self.give(at_us, &text);
        }
    }

    fn give(&mut self, at_us: u64, text: &str) {
        self.held
            .take_if(|(_, held)| text.starts_with(held.as_str()));
        if !text.trim().is_empty() && self.recent.is_news(self.now, text) {
            // Nobody types what joins: words are found without it.
            self.ready.push((at_us, text.replace(is_joiner, "")));
        }
    }

    /// What the line of the first row began with and has scrolled off, from its last blank on.
    fn begun(&self) -> &str {
        let head = self.head.as_ref().map_or("", |(_, text)| text.as_str());
        head.rsplit(char::is_whitespace).next().unwrap_or_default()
    }

    fn give_head(&mut self) {
        if let Some((at_us, text)) = self.head.take() {
            self.give(at_us, text.trim_end());
        }
    }
}

impl Observer for Watch {
    type Output = ();

    fn resized(&mut self, cols: usize, rows: usize) {
        self.cells = cols.saturating_mul(rows).max(SMALLEST_SCREEN);
        self.changed.clear();
        self.changed.resize(rows, true);
        self.any = true;
    }

    fn dirty(&mut self, rows: Range<usize>) {
        self.ink.dirty(rows.clone());
        if let Some(rows) = self.changed.get_mut(rows) {
            rows.fill(true);
            self.any = true;
        }
    }

    fn before(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        self.ink.before(context.terminal(), operation);
        let Operation::Function(function) = operation else {
            return;
        };
        if self.any && erases(function) {
            // After this event it is gone: what stood there before it was to be seen then.
            let at_us = if self.any_before {
                self.before
            } else {
                self.now
            };
            self.read_changed(context.terminal(), at_us, true);
        }
    }

    fn after(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        self.ink.after(context.terminal(), operation);
    }

    fn evicted(&mut self, _: &mut Observation<'_>, line: &Line) {
        // One that stood on the screen before this event was to be seen then; not after it.
        let at_us = if self.gone < self.rows {
            self.before
        } else {
            self.now
        };
        self.gone += 1;
        let concealed = rows::concealed(line, &self.marked);
        let (_, text) = self.head.get_or_insert((at_us, String::new()));
        rows::write(line, &self.marked, text);
        if let Some(concealed) = concealed {
            self.give(at_us, &concealed);
        }
        let (_, text) = self.head.get_or_insert((at_us, String::new()));
        if !line.is_wrapped() {
            self.give_head();
        } else if text.len() > super::LONGEST_LINE {
            // The word that it breaks off in goes on in the next piece.
            let goes_on = self.begun().to_owned();
            self.give_head();
            if goes_on.len() < super::LONGEST_LINE {
                self.head = Some((at_us, goes_on));
            }
        }
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}

/// What wipes a screen, or puts another in its place.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "some sixty functions of a terminal that erase nothing, or little"
)]
fn erases(function: &Function) -> bool {
    match function {
        Function::Ed(_) | Function::Ris | Function::Decaln => true,
        Function::Decset(modes) | Function::Decrst(modes) => modes.as_slice().iter().any(|mode| {
            matches!(
                mode,
                DecMode::AltScreenBuffer | DecMode::SaveCursorAltScreenBuffer
            )
        }),
        _ => false,
    }
}
