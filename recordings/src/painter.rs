//! Draws a [`Screen`] on a viewer's terminal, sending only what changed since the last time.
//!
//! Every byte sent is from this file's own vocabulary: cursor address, colours and attributes, letters
//! that [`Screen`] made safe. The viewer may have any size: what does not fit is clipped around the
//! cursor, or to where the viewer moved, and a smaller screen gets an edge.

use crate::marks::{Marks, printable};
use crate::screen::{Cell, Colour, Screen, Size, Style};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthChar;

const EDGE: Style = Style {
    faint: true,
    ..Cell::BLANK.style
};
const STATUS: Style = Style {
    inverse: true,
    ..Cell::BLANK.style
};

/// One viewer's terminal, and what stands on it.
pub struct Painter {
    size: Size,
    /// Row after row; `None` where nothing is known of the viewer's screen.
    painted: Option<Vec<Cell>>,
    /// Where its cursor is; the outer `None` where that is not known.
    cursor: Option<Option<(u16, u16)>>,
    /// The first column and row that are drawn of the screen.
    corner: (u16, u16),
    /// Whether the viewer moved there; otherwise the corner follows the cursor.
    moved: bool,
}

impl Painter {
    /// For a viewer of this size. The bottom rows are kept for the status: one for each of its lines.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Painter {
            size,
            painted: None,
            cursor: None,
            corner: (0, 0),
            moved: false,
        }
    }

    /// Looks at another part of a screen that is larger than what the viewer sees, and stays there: so many columns to the
    /// right and rows down, as far as there is something.
    pub fn move_by(&mut self, right: i32, down: i32) {
        let moved = |at: u16, by: i32| {
            u16::try_from(i32::from(at).saturating_add(by).max(0)).unwrap_or(u16::MAX)
        };
        self.corner = (moved(self.corner.0, right), moved(self.corner.1, down));
        self.moved = true;
    }

    /// Follows the cursor again.
    pub fn follow(&mut self) {
        self.moved = false;
    }

    /// What to send first: an own screen, so that the viewer's comes back afterwards.
    #[must_use]
    pub fn enter(&mut self) -> String {
        self.painted = None;
        // No wrapping, so that the last cell can be drawn without scrolling.
        "\x1b[?1049h\x1b[?7l".to_owned()
    }

    /// What to send last.
    #[must_use]
    pub fn leave(&mut self) -> String {
        self.painted = None;
        "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l".to_owned()
    }

    /// The viewer's terminal changed size: all is drawn again.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
        self.painted = None;
    }

    /// Brings the viewer's terminal to show `screen` with `status` below. Empty when nothing changed.
    #[must_use]
    pub fn paint(&mut self, screen: &Screen, status: &str) -> String {
        let mut next = vec![Cell::BLANK; self.cells()];
        let lines: Vec<&str> = status.split('\n').collect();
        let rows = self.shown_rows(lines.len());
        let view = View::of(
            screen,
            self.size.cols(),
            rows,
            self.moved.then_some(self.corner),
        );
        self.corner = (view.left, view.top);
        view.fill(&mut next, self.size.cols(), rows, screen);
        let cols = usize::from(self.size.cols());
        if self.size.rows() > 1 {
            let below = next.chunks_mut(cols).skip(rows.into());
            for (row, line) in below.zip(&lines) {
                fill_status(row, line);
            }
        }

        let mut out = String::new();
        let mut pen = Pen {
            style: None,
            place: None,
        };
        let previous = match self.painted.take() {
            Some(painted) if painted.len() == next.len() => painted,
            _ => {
                out.push_str("\x1b[0m\x1b[2J");
                pen.style = Some(Style::default());
                vec![Cell::BLANK; next.len()]
            }
        };
        let cols = usize::from(self.size.cols());
        for (row, (new, old)) in next.chunks(cols).zip(previous.chunks(cols)).enumerate() {
            paint_row(&mut out, &mut pen, row, new, old);
        }
        if !out.is_empty() {
            out.push_str("\x1b[0m");
        }
        self.painted = Some(next);
        // Drawing moves the cursor; without any, it stays where it was put.
        if out.is_empty() && self.cursor == Some(view.cursor) {
            return out;
        }
        self.cursor = Some(view.cursor);
        let cursor = match view.cursor {
            Some((col, row)) => format!("\x1b[{};{}H\x1b[?25h", row + 1, col + 1),
            None => "\x1b[?25l".to_owned(),
        };
        out.push_str(&cursor);
        out
    }

    fn cells(&self) -> usize {
        usize::from(self.size.cols()) * usize::from(self.size.rows())
    }

    /// The rows above the lines of the status.
    fn shown_rows(&self, lines: usize) -> u16 {
        let lines = u16::try_from(lines).unwrap_or(u16::MAX);
        self.size.rows().saturating_sub(lines).max(1)
    }
}

fn fill_status(row: &mut [Cell], status: &str) {
    row.fill(Cell {
        style: STATUS,
        ..Cell::BLANK
    });
    let mut place = 0;
    for letter in crate::neutralise(status).chars().map(printable) {
        let width = letter.width().unwrap_or(1).max(1);
        if place + width > row.len() {
            break;
        }
        if let Some(cell) = row.get_mut(place) {
            *cell = Cell {
                letter,
                marks: Marks::NONE,
                width: if width == 2 { 2 } else { 1 },
                style: STATUS,
            };
        }
        if width == 2
            && let Some(tail) = row.get_mut(place + 1)
        {
            *tail = Cell {
                letter: ' ',
                marks: Marks::NONE,
                width: 0,
                style: STATUS,
            };
        }
        place += width;
    }
}

/// Which part of a screen a viewer sees.
struct View {
    left: u16,
    top: u16,
    cursor: Option<(u16, u16)>,
}

impl View {
    /// The part of `cols` × `rows` at the corner that the viewer moved to, else around the cursor.
    fn of(screen: &Screen, cols: u16, rows: u16, corner: Option<(u16, u16)>) -> View {
        let cursor = screen.cursor();
        let (left, top) = match corner {
            Some((left, top)) => (
                left.min(screen.size().cols().saturating_sub(cols)),
                top.min(screen.size().rows().saturating_sub(rows)),
            ),
            None => {
                let (col, row) = cursor.unwrap_or((0, 0));
                // As far down and right as needed to keep the cursor in sight.
                (
                    (col + 1).saturating_sub(cols),
                    (row + 1).saturating_sub(rows),
                )
            }
        };
        View {
            left,
            top,
            cursor: cursor
                .and_then(|(col, row)| Some((col.checked_sub(left)?, row.checked_sub(top)?)))
                .filter(|(col, row)| *col < cols && *row < rows),
        }
    }

    fn fill(&self, next: &mut [Cell], cols: u16, rows: u16, screen: &Screen) {
        let cols = usize::from(cols);
        let width = screen.size().cols().saturating_sub(self.left);
        let height = screen.size().rows().saturating_sub(self.top);
        for (row, cells) in (0..rows).zip(next.chunks_mut(cols)) {
            if row < height {
                for (cell, from) in cells
                    .iter_mut()
                    .zip(screen.row(self.top + row).skip(self.left.into()))
                {
                    *cell = from;
                }
                // A wide letter that the clipping cut in two shows as a blank.
                if let Some(first) = cells.first_mut().filter(|cell| cell.width == 0) {
                    *first = Cell {
                        style: first.style,
                        ..Cell::BLANK
                    };
                }
                if let Some(last) = cells.last_mut().filter(|cell| cell.width == 2) {
                    *last = Cell {
                        style: last.style,
                        ..Cell::BLANK
                    };
                }
                if let Some(edge) = cells.get_mut(usize::from(width)) {
                    *edge = Cell {
                        letter: '│',
                        marks: Marks::NONE,
                        width: 1,
                        style: EDGE,
                    };
                }
            } else if row == height {
                for (place, cell) in cells.iter_mut().enumerate().take(usize::from(width) + 1) {
                    let letter = if place == usize::from(width) {
                        '┘'
                    } else {
                        '─'
                    };
                    *cell = Cell {
                        letter,
                        marks: Marks::NONE,
                        width: 1,
                        style: EDGE,
                    };
                }
            }
        }
    }
}

/// Where the viewer's terminal writes next, and how.
struct Pen {
    style: Option<Style>,
    place: Option<(usize, usize)>,
}

fn paint_row(out: &mut String, pen: &mut Pen, row: usize, new: &[Cell], old: &[Cell]) {
    for (col, (cell, before)) in new.iter().zip(old).enumerate() {
        let tail_changed = || new.get(col + 1) != old.get(col + 1);
        if cell.width == 0 || (cell == before && !(cell.width == 2 && tail_changed())) {
            continue;
        }
        if pen.place != Some((row, col)) {
            let _ = write!(out, "\x1b[{};{}H", row + 1, col + 1);
        }
        if pen.style != Some(cell.style) {
            select(out, cell.style);
            pen.style = Some(cell.style);
        }
        out.push(cell.letter);
        out.extend(cell.marks.iter());
        // Terminals differ on the width of what is not ASCII: address the next cell rather than trust.
        pen.place = (cell.letter.is_ascii() && cell.marks == Marks::NONE && col + 1 < new.len())
            .then_some((row, col + 1));
    }
}

fn select(out: &mut String, style: Style) {
    let Style {
        foreground,
        background,
        bold,
        faint,
        italic,
        underline,
        strikethrough,
        inverse,
    } = style;
    out.push_str("\x1b[0");
    for (set, code) in [
        (bold, 1),
        (faint, 2),
        (italic, 3),
        (underline, 4),
        (inverse, 7),
        (strikethrough, 9),
    ] {
        if set {
            let _ = write!(out, ";{code}");
        }
    }
    for (colour, code) in [(foreground, 38), (background, 48)] {
        // Writing to a String cannot fail.
        let _ = match colour {
            Some(Colour::Indexed(index)) => write!(out, ";{code};5;{index}"),
            Some(Colour::Rgb(red, green, blue)) => write!(out, ";{code};2;{red};{green};{blue}"),
            None => Ok(()),
        };
    }
    out.push('m');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::hostile;
    use proptest::prelude::*;

    /// Another terminal, to see what the painter's bytes do.
    fn viewer(size: Size) -> Screen {
        Screen::new(size)
    }

    fn rows(screen: &Screen) -> Vec<Vec<Cell>> {
        (0..screen.size().rows())
            .map(|row| screen.row(row).collect())
            .collect()
    }

    /// Only what this file sends: addresses, attributes, erasing, its four modes.
    fn is_own_vocabulary(text: &str) -> bool {
        text.split('\x1b').skip(1).all(|sequence| {
            let Some(rest) = sequence.strip_prefix('[') else {
                return false;
            };
            let parameters: String = rest
                .chars()
                .take_while(|letter| "0123456789;?".contains(*letter))
                .collect();
            match rest[parameters.len()..].chars().next() {
                Some('H' | 'm') => !parameters.contains('?'),
                Some('J') => parameters == "2",
                Some('h' | 'l') => ["?1049", "?7", "?25"].contains(&parameters.as_str()),
                _ => false,
            }
        }) && !text
            .chars()
            .any(|letter| letter != '\x1b' && crate::text::acts(letter))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// R11: whatever was recorded, the viewer gets our vocabulary only, and sees the same cells
        /// through differences as through a full drawing.
        #[test]
        fn differences_add_up_to_the_screen(
            cols in 1u32..60, rows in 1u32..20, vcols in 1u32..60, vrows in 1u32..20,
            steps in proptest::collection::vec(hostile(), 1..12),
        ) {
            let mut screen = Screen::new(Size::clamped(cols, rows));
            let size = Size::clamped(vcols, vrows);
            let mut painter = Painter::new(size);
            let mut seen = viewer(size);
            seen.feed_text(&painter.enter());
            for bytes in steps {
                screen.feed(&bytes);
                let drawn = painter.paint(&screen, "alice on db01");
                prop_assert!(is_own_vocabulary(&drawn), "{:?}", drawn);
                seen.feed_text(&drawn);
                let mut afresh = viewer(size);
                let mut other = Painter::new(size);
                afresh.feed_text(&other.enter());
                afresh.feed_text(&other.paint(&screen, "alice on db01"));
                prop_assert_eq!(rows_of(&seen), rows_of(&afresh));
                prop_assert_eq!(seen.cursor(), afresh.cursor());
            }
        }
    }

    fn rows_of(screen: &Screen) -> Vec<Vec<Cell>> {
        rows(screen)
    }

    #[test]
    fn a_viewer_of_the_same_width_sees_the_same_cells() {
        let mut screen = Screen::new(Size::clamped(20, 4));
        screen.feed("\x1b[1;31mrouge\x1b[0m 水門\r\n\x1b[7mligne\x1b[0m".as_bytes());
        let size = Size::clamped(20, 5);
        let (mut painter, mut seen) = (Painter::new(size), viewer(size));
        seen.feed_text(&painter.enter());
        seen.feed_text(&painter.paint(&screen, "status\x1b[2J"));
        assert_eq!(rows(&seen)[..4], rows(&screen)[..]);
        assert_eq!(seen.plain_text()[4], "status␛[2J");
        assert_eq!(seen.cursor(), screen.cursor());
    }

    #[test]
    fn an_unchanged_screen_sends_no_letters() {
        let mut screen = Screen::new(Size::clamped(20, 4));
        screen.feed(b"$ ");
        let mut painter = Painter::new(Size::clamped(80, 24));
        let _ = painter.paint(&screen, "s");
        assert_eq!(painter.paint(&screen, "s"), "");
        screen.feed(b"x");
        assert_eq!(
            painter.paint(&screen, "s"),
            "\x1b[1;3H\x1b[0mx\x1b[0m\x1b[1;4H\x1b[?25h"
        );
    }

    #[test]
    fn a_small_screen_has_an_edge_and_a_large_one_follows_the_cursor() {
        let mut screen = Screen::new(Size::clamped(3, 2));
        screen.feed(b"abc");
        let size = Size::clamped(6, 5);
        let (mut painter, mut seen) = (Painter::new(size), viewer(size));
        seen.feed_text(&painter.enter());
        seen.feed_text(&painter.paint(&screen, "s"));
        assert_eq!(seen.plain_text(), ["abc│", "   │", "───┘", "", "s"]);

        let mut screen = Screen::new(Size::clamped(40, 30));
        screen.feed(b"\x1b[30;1Hbottom");
        let mut painter = Painter::new(size);
        seen.feed_text(&painter.paint(&screen, "s"));
        assert_eq!(seen.plain_text()[3], "ottom");
    }

    /// I5, R11: no row and no column of a larger screen is out of sight for good.
    #[test]
    fn a_viewer_moves_over_a_larger_screen() {
        let mut screen = Screen::new(Size::clamped(8, 4));
        screen.feed(b"ABCDEFGH\r\nabcdefgh\r\n12345678\r\nend");
        let size = Size::clamped(5, 4);
        let (mut painter, mut seen) = (Painter::new(size), viewer(size));
        let mut looks = |painter: &mut Painter, status: &str| {
            seen.feed_text(&painter.paint(&screen, status));
            (seen.plain_text(), seen.cursor())
        };
        let (rows, cursor) = looks(&mut painter, "s");
        assert_eq!(rows, ["abcde", "12345", "end", "s"]);
        assert_eq!(cursor, Some((3, 2)));
        painter.move_by(0, -1);
        let (rows, cursor) = looks(&mut painter, "s");
        assert_eq!(rows, ["ABCDE", "abcde", "12345", "s"]);
        assert_eq!(cursor, None, "the cursor is below");
        // Beyond the edge there is nothing to see, and nothing to come back from.
        painter.move_by(100, -100);
        assert_eq!(looks(&mut painter, "s").0, ["DEFGH", "defgh", "45678", "s"]);
        painter.move_by(-1, 0);
        assert_eq!(looks(&mut painter, "s").0, ["CDEFG", "cdefg", "34567", "s"]);
        painter.follow();
        assert_eq!(looks(&mut painter, "s").0, ["abcde", "12345", "end", "s"]);
        assert_eq!(looks(&mut painter, "s\nt").0, ["12345", "end", "s", "t"]);
    }
}
