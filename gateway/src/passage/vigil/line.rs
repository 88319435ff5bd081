//! The line at which Enter is typed, as the terminal shows it, and as it was typed.
//!
//! What a terminal shows is drawn as for whoever watches or searches, but only when Enter is typed, and only the last
//! [`DRAWN`] bytes of what came since the last time: bulk costs a copy of its end.
//!
//! A line that ends with a backslash goes on in the next one, as a shell has it: each is looked at by itself, and all of them as one.

use std::collections::BTreeSet;

use bytes::Bytes;
use ecluse_policy::signals::{Fired, Signal, Tripwire, Way};
use ecluse_recordings::search::TypedLine;

use super::drawing::Drawing;

/// The most that is drawn at once. **Unit**: bytes.
const DRAWN: usize = 16 << 10;
/// What is kept of a longer line for its next part. **Unit**: bytes.
const OVERLAP: usize = 1 << 10;
/// `Ctrl-O` runs a line of readline too.
const OPERATE: u8 = 0x0f;
/// `Ctrl-C` takes back the lines that go on.
const INTERRUPT: u8 = 0x03;
/// Rows that one line may take.
const ROWS: u16 = 16;
/// What a shell shows before a line that goes on, unless somebody set it otherwise.
const GOES_ON: &str = "> ";

/// The line at which somebody types.
pub(super) enum Line {
    /// Of a terminal.
    Shown(Box<Shown>),
    /// Of a shell without one, where what is sent are lines.
    Plain(Plain),
}

impl Line {
    /// The line of a terminal, which is drawn there.
    pub(super) fn new(drawing: Drawing) -> Self {
        Self::Shown(Box::new(Shown {
            drawing,
            tail: Vec::new(),
            gap: false,
            is_new: false,
            typed: TypedLine::default(),
            above: GoesOn::default(),
        }))
    }

    /// The lines that somebody sends to a shell without a terminal.
    pub(super) fn plain() -> Self {
        Self::Plain(Plain::default())
    }

    pub(super) fn resized(&mut self, cols: u32, rows: u32) {
        match self {
            Self::Shown(shown) => shown.resized(cols, rows),
            Self::Plain(_) => {}
        }
    }

    /// These pass; what lies on a line at which Enter is typed.
    pub(super) fn passes(
        &mut self,
        way: Way,
        pieces: &[Bytes],
        tripwires: &[&Tripwire],
    ) -> Vec<Fired> {
        match (way, self) {
            (Way::Output | Way::Error, Self::Shown(shown)) => {
                pieces.iter().for_each(|piece| shown.shows(piece));
                Vec::new()
            }
            (Way::Output | Way::Error, Self::Plain(_)) => Vec::new(),
            (Way::Up, Self::Shown(shown)) => {
                let typed = pieces
                    .iter()
                    .flat_map(|piece| shown.types(piece, tripwires));
                typed.collect()
            }
            (Way::Up, Self::Plain(plain)) => {
                let sent = pieces
                    .iter()
                    .flat_map(|piece| plain.sends(piece, tripwires));
                sent.collect()
            }
        }
    }

    /// Nothing more is sent: what a line has that no end came of is one.
    pub(super) fn ends(&mut self, tripwires: &[&Tripwire]) -> Vec<Fired> {
        match self {
            Self::Shown(_) => Vec::new(),
            Self::Plain(plain) => plain.ends(tripwires),
        }
    }
}

/// Lines that go on in the next one.
#[derive(Default)]
struct GoesOn {
    /// As they were typed.
    typed: String,
    /// As they were shown.
    shown: String,
    /// What was told of them.
    told: BTreeSet<Signal>,
}

/// The line of one terminal.
pub(super) struct Shown {
    drawing: Drawing,
    /// What came and is not drawn.
    tail: Vec<u8>,
    /// More came than is kept: what was drawn before is not what stands there.
    gap: bool,
    /// Something came since a line was looked at last, whether it is drawn or not.
    is_new: bool,
    typed: TypedLine,
    /// The lines before this one that went on in it.
    above: GoesOn,
}

impl Shown {
    fn resized(&mut self, cols: u32, rows: u32) {
        // Nothing came that stands there: nothing is drawn for this.
        if !self.tail.is_empty() {
            self.draw();
        }
        self.drawing.resized(cols, rows);
    }

    fn shows(&mut self, bytes: &[u8]) {
        self.is_new |= !bytes.is_empty();
        let last = bytes.len().saturating_sub(DRAWN);
        let over = (self.tail.len() + bytes.len()).saturating_sub(2 * DRAWN);
        self.gap |= last > 0;
        if over > 0 {
            self.gap = true;
            let kept = self.tail.len().saturating_sub(DRAWN);
            self.tail.drain(..kept);
        }
        self.tail
            .extend_from_slice(bytes.get(last..).unwrap_or(bytes));
    }

    fn types(&mut self, bytes: &[u8], tripwires: &[&Tripwire]) -> Vec<Fired> {
        if bytes.contains(&INTERRUPT) {
            self.above = GoesOn::default();
        }
        let is_enter = |byte: &u8| matches!(*byte, b'\r' | b'\n' | OPERATE);
        let Some(enter) = bytes.iter().position(is_enter) else {
            self.typed.shown(bytes, |_| {});
            return Vec::new();
        };
        let (first, rest) = bytes.split_at(enter + 1);
        let (mut typed, mut also) = (Vec::new(), Vec::new());
        self.typed.shown(first, |line| typed.push(line.to_owned()));
        self.typed.shown(rest, |line| also.push(line.to_owned()));
        let shown = self.shown();
        let fired = tripwires.iter().flat_map(|tripwire| {
            let shown = shown.as_deref().and_then(|line| tripwire.fires_shown(line));
            let first = shown.or_else(|| typed.iter().find_map(|line| tripwire.fires_typed(line)));
            // What comes along is told as well: it goes on with the first.
            let also = also.iter().filter_map(|line| tripwire.fires_typed(line));
            first.into_iter().chain(also).collect::<Vec<_>>()
        });
        let mut fired: Vec<Fired> = fired.collect();
        let lines = typed.iter().chain(&also);
        let whole = self.above.with(shown.as_deref(), lines, &fired, tripwires);
        fired.extend(whole);
        fired
    }

    /// The line at the cursor, with the rows above it that it began in; none where nothing was shown since the last time.
    fn shown(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.is_new) {
            return None;
        }
        self.draw();
        let screen = &*self.drawing.screen()?;
        // Also where the cursor is hidden: that is the target's to choose.
        let (_, row) = screen.place();
        let is_full = |row: u16| {
            screen
                .row(row)
                .last()
                .is_some_and(|cell| cell.letter != ' ')
        };
        let first = (row.saturating_sub(ROWS)..row)
            .rev()
            .take_while(|row| is_full(*row))
            .last();
        let rows = first.unwrap_or(row)..=row;
        let letters = rows
            .flat_map(|row| screen.row(row))
            .filter(|cell| cell.width > 0);
        Some(letters.map(|cell| cell.letter).collect())
    }

    fn draw(&mut self) {
        if std::mem::take(&mut self.gap) {
            self.drawing.clear();
        }
        let from = self.tail.len().saturating_sub(DRAWN);
        let tail = self.tail.get(from..).unwrap_or(&self.tail);
        match self.drawing.screen() {
            Some(screen) => screen.feed(tail),
            // What is drawn later does not stand below this.
            None => self.gap = true,
        }
        self.tail.clear();
    }
}

impl GoesOn {
    /// Enter was typed at a line that is shown so, and at those that were typed: what lies on them together with the lines that went
    /// on in them, and is told of none of these.
    fn with<'l>(
        &mut self,
        shown: Option<&str>,
        typed: impl Iterator<Item = &'l String>,
        fired: &[Fired],
        tripwires: &[&Tripwire],
    ) -> Vec<Fired> {
        self.told.extend(fired.iter().map(|one| one.signal.clone()));
        let mut whole = Vec::new();
        let shown = shown.unwrap_or_default().trim_end();
        let further = match self.shown.is_empty() {
            true => shown,
            false => shown.strip_prefix(GOES_ON).unwrap_or(shown),
        };
        if let Some(line) = joined(&mut self.shown, further) {
            whole.extend(tripwires.iter().filter_map(|one| one.fires_shown(&line)));
        }
        for line in typed {
            if let Some(line) = joined(&mut self.typed, line) {
                whole.extend(tripwires.iter().filter_map(|one| one.fires_typed(&line)));
            }
        }
        let told = &mut self.told;
        whole.retain(|one| told.insert(one.signal.clone()));
        if self.typed.is_empty() && self.shown.is_empty() {
            self.told.clear();
        }
        whole
    }
}

/// A line with those before it that went on in it, where there are any. Where it goes on itself, that stands there from here on.
fn joined(above: &mut String, line: &str) -> Option<String> {
    let is_first = above.is_empty();
    let whole = std::mem::take(above) + line;
    if let Some(goes_on) = goes_on(&whole) {
        goes_on.clone_into(above);
    }
    (!is_first).then_some(whole)
}

/// What a line has before it goes on, where it does: an even number of backslashes are letters. No more than is drawn at once goes on.
fn goes_on(line: &str) -> Option<&str> {
    let letters = line.trim_end_matches('\\');
    let is_odd = (line.len() - letters.len()) % 2 == 1;
    line.strip_suffix('\\')
        .filter(|_| is_odd && line.len() <= DRAWN)
}

/// A stream of lines, of which no key takes anything back.
#[derive(Default)]
pub(super) struct Plain {
    /// What was sent of a line.
    line: Vec<u8>,
    /// What its parts have told already.
    told: BTreeSet<Signal>,
    /// The lines before it that go on in it.
    above: GoesOn,
}

impl Plain {
    /// One that is longer than is kept is looked at in parts that overlap.
    fn sends(&mut self, bytes: &[u8], tripwires: &[&Tripwire]) -> Vec<Fired> {
        let mut fired = Vec::new();
        for part in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            self.line.extend_from_slice(part);
            if matches!(part.last(), Some(b'\n' | b'\r')) {
                fired.extend(self.ends(tripwires));
            } else if self.line.len() > DRAWN {
                let text = String::from_utf8_lossy(&self.line).into_owned();
                fired.extend(self.news(&text, tripwires));
                self.line.drain(..self.line.len() - OVERLAP);
            }
        }
        fired
    }

    /// The line is whole.
    fn ends(&mut self, tripwires: &[&Tripwire]) -> Vec<Fired> {
        if self.line.is_empty() {
            return Vec::new();
        }
        let sent = std::mem::take(&mut self.line);
        let sent = String::from_utf8_lossy(&sent);
        let mut fired = self.news(&sent, tripwires);
        let told = std::mem::take(&mut self.told);
        self.above.told.extend(told);
        let line = sent.trim_end_matches(['\n', '\r']).to_owned();
        fired.extend(self.above.with(None, [&line].into_iter(), &[], tripwires));
        fired
    }

    /// What lies on a part of a line, and was told of no other part of it.
    fn news(&mut self, words: &str, tripwires: &[&Tripwire]) -> Vec<Fired> {
        let fired = tripwires.iter().filter_map(|one| one.fires_typed(words));
        let told = &mut self.told;
        fired
            .filter(|one| told.insert(one.signal.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ecluse_policy::FlowName;
    use ecluse_policy::signals::{Pattern, Then};

    use super::*;
    use crate::passage::purse::Purse;

    fn terminal(cols: u32, rows: u32) -> Line {
        let purse = Purse::of_connection(&Purse::common(64 << 20));
        Line::new(Drawing::new(cols, rows, &purse))
    }

    /// How many are told where this passes.
    fn told(line: &mut Line, way: Way, bytes: &[u8]) -> usize {
        let bytes = Bytes::copy_from_slice(bytes);
        line.passes(way, &[bytes], &[&tripwire()]).len()
    }

    fn tripwire() -> Tripwire {
        Tripwire {
            name: FlowName::parse("dump").unwrap(),
            pattern: Pattern::parse("pg_dump").unwrap(),
            flows: BTreeSet::new(),
            targets: BTreeSet::new(),
            then: Then::Hold,
        }
    }

    /// What lies on these lines; `>` is shown, `<` typed.
    fn fires(story: &[&str]) -> Vec<String> {
        let (tripwire, mut line) = (tripwire(), terminal(40, 5));
        let mut fired = Vec::new();
        for step in story {
            let (way, bytes) = match step.strip_prefix('<') {
                Some(typed) => (Way::Up, typed),
                None => (Way::Output, step.trim_start_matches('>')),
            };
            let bytes = Bytes::copy_from_slice(bytes.as_bytes());
            let found = line.passes(way, &[bytes], &[&tripwire]);
            fired.extend(found.into_iter().map(|one| one.measured.to_string()));
        }
        fired
    }

    #[test]
    fn a_line_is_what_stands_where_enter_is_typed() {
        assert_eq!(
            fires(&[">$ ", "<pg_dump x", ">pg_dump x", "<\r"]),
            ["$ pg_dump x"]
        );
        // Out of the history, or completed.
        assert_eq!(
            fires(&[">$ ", "<\x1b[A", ">pg_dump x", "<\r"]),
            ["$ pg_dump x"]
        );
        assert_eq!(
            fires(&[">$ ", "<pg_\t", ">pg_dump ", "<x\r"]),
            ["$ pg_dump"]
        );
        // Changed before it was sent.
        assert_eq!(
            fires(&[">$ pg_dump", "<\x7f\x7f", ">\x08\x08\x1b[K", "<\r"]).len(),
            0
        );
        // Over two rows.
        let long = format!(">$ cd {} && pg_dump y", "a".repeat(40));
        assert_eq!(fires(&[&long, "<\r"]).len(), 1);
        // Two lines at once: each is told, and goes on with the first.
        assert_eq!(
            fires(&[">$ pg_dump x", "<\rpg_dump y\r"]),
            ["$ pg_dump x", "typed, and not shown yet"]
        );
        // Sent before it is shown: what was typed is not told.
        assert_eq!(
            fires(&[">$ ", "<pg_dump x\r"]),
            ["typed, and not shown yet"]
        );
        // Shown by something else, above the line.
        assert_eq!(
            fires(&[">pg_dump is a program\r\n$ ", "<ls", ">ls", "<\r"]).len(),
            0
        );
        // Lines of a shell without a terminal, whatever it answers.
        let mut line = Line::plain();
        assert!(
            line.passes(Way::Output, &[Bytes::from_static(b"pg_dump")], &[])
                .is_empty()
        );
        assert_eq!(told(&mut line, Way::Up, b"ls\n"), 0);
        assert_eq!(told(&mut line, Way::Up, b"cd /\npg_dump x\n"), 1);
        // Each of several; keys take nothing back there, and the last needs no end.
        let mut sent = |bytes: &[u8]| told(&mut line, Way::Up, bytes);
        assert_eq!(sent(b"pg_dump x\npg_dump y\n"), 2);
        assert_eq!(
            sent(b"pg_dump x #\x15\npg_dump x #\x03\n: \"\x1b[\";pg_dump x\n"),
            3
        );
        assert_eq!(sent(b"pg_"), 0);
        assert_eq!(sent(b"dump x"), 0);
        assert_eq!(line.ends(&[&tripwire()]).len(), 1);
        assert_eq!(line.ends(&[&tripwire()]).len(), 0);
        // Where the cursor is hidden, and where the window changed in between.
        assert_eq!(
            fires(&[">\x1b[?25l$ ", "<pg_\t", ">pg_dump ", "<x\r"]),
            ["$ pg_dump"]
        );
        let mut line = terminal(40, 5);
        assert_eq!(told(&mut line, Way::Output, b"$ pg_dump x"), 0);
        line.resized(40, 5);
        assert_eq!(told(&mut line, Way::Up, b"\r"), 1);
        // Nothing came since: that line was told.
        assert_eq!(fires(&[">$ pg_dump", "<\r", "<\r", "<\n"]).len(), 1);
    }

    #[test]
    fn bulk_is_passed_over_and_its_end_is_drawn() {
        let bulk = format!(">{}\r\n$ pg_dump z", "pg_dump of much\r\n".repeat(10_000));
        assert_eq!(fires(&[">\x1b[2J", &bulk, "<\r"]), ["$ pg_dump z"]);
        let lines: Vec<String> = (0..5000)
            .map(|line| format!(">{line} pg_dump\r\n"))
            .collect();
        let mut story: Vec<&str> = lines.iter().map(String::as_str).collect();
        story.extend([">$ ls", "<\r"]);
        assert_eq!(fires(&story).len(), 0);
    }

    /// A line that goes on in the next is one line, wherever it is cut; what was told of a part is not told of the whole.
    #[test]
    fn a_line_that_goes_on_is_one() {
        let mut line = Line::plain();
        let mut sent = |bytes: &[u8]| told(&mut line, Way::Up, bytes);
        assert_eq!(sent(b"pg_d\\\num\\\np x\n"), 1);
        assert_eq!(sent(b"pg_dump \\\n x\n"), 1);
        assert_eq!(sent(b"pg_dump \\\n x; pg_dump y\n"), 2);
        assert_eq!(sent(b"pg_du\\\\\nmp x\n"), 0, "it is a backslash");
        assert_eq!(sent(b"ls\n"), 0);
        // At a terminal: as it is shown, and as it is typed before it is.
        let shown = [
            ">$ ", "<pg_du\\", ">pg_du\\", "<\r", ">\r\n> ", "<mp x", ">mp x", "<\r",
        ];
        assert_eq!(fires(&shown), ["$ pg_dump x"]);
        let told_once = [
            ">$ ",
            "<pg_dump \\",
            ">pg_dump \\",
            "<\r",
            ">\r\n> ",
            "<x",
            ">x",
            "<\r",
        ];
        assert_eq!(fires(&told_once), ["$ pg_dump \\"]);
        assert_eq!(
            fires(&[">$ ", "<pg_du\\\rmp x\r"]),
            ["typed, and not shown yet"]
        );
        let each = [">$ ", "<pg_du\\\r", "<mp x\r", "<pg_dump y\r"];
        assert_eq!(fires(&each).len(), 2);
        assert_eq!(fires(&[">$ ", "<pg_du\\\r", "<\x03", "<mp x\r"]).len(), 0);
    }

    /// A line that is longer than is kept tells of each tripwire once, however its parts overlap.
    #[test]
    fn a_long_line_is_told_once() {
        let mut line = Line::plain();
        let mut sent = |bytes: &[u8]| told(&mut line, Way::Up, bytes);
        let long = [&b"x".repeat(DRAWN - 100)[..], b" pg_dump y "].concat();
        assert_eq!(sent(&long), 0);
        assert_eq!(sent(&b"z".repeat(100)), 1);
        assert_eq!(sent(b" and on\n"), 0);
        assert_eq!(sent(b"pg_dump\n"), 1);
    }
}
