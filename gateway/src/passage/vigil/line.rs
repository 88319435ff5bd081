//! The line at which Enter is typed, as the terminal shows it, and as it was typed.
//!
//! What a terminal shows is drawn as for whoever watches or searches, but only when Enter is typed, and only the last
//! [`DRAWN`] bytes of what came since the last time: bulk costs a copy of its end.

use bytes::Bytes;
use ecluse_policy::signals::{Fired, Tripwire, Way};
use ecluse_recordings::search::TypedLine;
use ecluse_recordings::{Screen, Size};

/// The most that is drawn at once. **Unit**: bytes.
const DRAWN: usize = 16 << 10;
/// What is kept of a longer line for its next part. **Unit**: bytes.
const OVERLAP: usize = 1 << 10;
/// `Ctrl-O` runs a line of readline too.
const OPERATE: u8 = 0x0f;
/// Rows that one line may take.
const ROWS: u16 = 16;

/// The line of one terminal.
pub(super) struct Line {
    screen: Screen,
    /// What came and is not drawn.
    tail: Vec<u8>,
    /// More came than is kept: what was drawn before is not what stands there.
    gap: bool,
    /// Something came since a line was looked at last, whether it is drawn or not.
    is_new: bool,
    typed: TypedLine,
    /// What was sent of a line, where nothing is drawn and what is sent are lines.
    plain: Option<Vec<u8>>,
}

impl Line {
    pub(super) fn new(cols: u32, rows: u32) -> Self {
        Self {
            screen: Screen::new(Size::clamped(cols, rows)),
            tail: Vec::new(),
            gap: false,
            is_new: false,
            typed: TypedLine::default(),
            plain: None,
        }
    }

    /// The lines that somebody sends to a shell without a terminal.
    pub(super) fn plain() -> Self {
        Self {
            plain: Some(Vec::new()),
            ..Self::new(80, 1)
        }
    }

    pub(super) fn resized(&mut self, cols: u32, rows: u32) {
        self.draw();
        self.screen.resize(cols, rows);
    }

    /// These pass; what lies on a line at which Enter is typed.
    pub(super) fn passes(
        &mut self,
        way: Way,
        pieces: &[Bytes],
        tripwires: &[&Tripwire],
    ) -> Vec<Fired> {
        match way {
            Way::Output | Way::Error => {
                pieces.iter().for_each(|piece| self.shows(piece));
                Vec::new()
            }
            Way::Up => {
                let typed = pieces.iter().flat_map(|piece| self.types(piece, tripwires));
                typed.collect()
            }
        }
    }

    fn shows(&mut self, bytes: &[u8]) {
        if self.plain.is_some() {
            return;
        }
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

    /// Nothing more is sent: what a line has that no end came of is one.
    pub(super) fn ends(&mut self, tripwires: &[&Tripwire]) -> Vec<Fired> {
        match self.plain.as_mut().filter(|line| !line.is_empty()) {
            Some(line) => fired_typed(tripwires, &std::mem::take(line)),
            None => Vec::new(),
        }
    }

    fn types(&mut self, bytes: &[u8], tripwires: &[&Tripwire]) -> Vec<Fired> {
        if let Some(line) = &mut self.plain {
            return sends(line, bytes, tripwires);
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
        fired.collect()
    }

    /// The line at the cursor, with the rows above it that it began in; none where nothing was shown since the last time.
    fn shown(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.is_new) {
            return None;
        }
        self.draw();
        // Also where the cursor is hidden: that is the target's to choose.
        let (_, row) = self.screen.place();
        let is_full = |row: u16| {
            self.screen
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
            .flat_map(|row| self.screen.row(row))
            .filter(|cell| cell.width > 0);
        Some(letters.map(|cell| cell.letter).collect())
    }

    fn draw(&mut self) {
        if std::mem::take(&mut self.gap) {
            self.screen = Screen::new(self.screen.size());
        }
        let from = self.tail.len().saturating_sub(DRAWN);
        self.screen
            .feed(self.tail.get(from..).unwrap_or(&self.tail));
        self.tail.clear();
    }
}

/// A stream of lines, of which no key takes anything back. One that is longer than is kept is looked at in parts that overlap.
fn sends(line: &mut Vec<u8>, bytes: &[u8], tripwires: &[&Tripwire]) -> Vec<Fired> {
    let mut fired = Vec::new();
    for part in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        line.extend_from_slice(part);
        if matches!(part.last(), Some(b'\n' | b'\r')) {
            fired.extend(fired_typed(tripwires, &std::mem::take(line)));
        } else if line.len() > DRAWN {
            fired.extend(fired_typed(tripwires, line));
            line.drain(..line.len() - OVERLAP);
        }
    }
    fired
}

fn fired_typed(tripwires: &[&Tripwire], line: &[u8]) -> Vec<Fired> {
    let line = String::from_utf8_lossy(line);
    let fired = tripwires
        .iter()
        .filter_map(|tripwire| tripwire.fires_typed(&line));
    fired.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ecluse_policy::FlowName;
    use ecluse_policy::signals::{Pattern, Then};

    use super::*;

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
        let (tripwire, mut line) = (tripwire(), Line::new(40, 5));
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
        assert_eq!(line.types(b"ls\n", &[&tripwire()]).len(), 0);
        assert_eq!(line.types(b"cd /\npg_dump x\n", &[&tripwire()]).len(), 1);
        // Each of several; keys take nothing back there, and the last needs no end.
        let mut sent = |bytes: &[u8]| line.types(bytes, &[&tripwire()]).len();
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
        let mut line = Line::new(40, 5);
        line.shows(b"$ pg_dump x");
        line.resized(40, 5);
        assert_eq!(line.types(b"\r", &[&tripwire()]).len(), 1);
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
}
