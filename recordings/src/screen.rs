//! What a technician saw, by terminal model (R11): recorded bytes go in, cells come out.
//!
//! Raw recorded bytes never reach a viewer: a hostile target or technician chose them. [`Screen`]
//! interprets them with `avt` inside sane limits, and no sequence costs more than its bytes are worth; [`crate::Painter`] draws the cells with escape
//! sequences of our own, and a page can draw the same [`Cell`]s as markup.

use crate::marks::{Marked, Marks};
use crate::model::{FAULT, Fault, Model};
use crate::rows::is_concealed;
use crate::{ChannelOpened, Utf8Decoder};
use avt::Color;
use std::time::Duration;

/// Widest and highest screen that is modelled; a technician's client may ask for anything.
pub const MOST_SIDE: u16 = 1000;
/// Cells of the largest screen that is modelled: more than the largest monitor shows in its smallest letters.
pub const MOST_CELLS: u32 = 120_000;

/// A number of columns and rows, both at least 1.
///
/// Invariant: each within [`MOST_SIDE`], together within [`MOST_CELLS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    cols: u16,
    rows: u16,
}

impl Size {
    /// The nearest size within the limits; 0 means unknown and becomes 80 or 24.
    #[must_use]
    pub fn clamped(cols: u32, rows: u32) -> Self {
        let within = |asked: u32, usual: u16| match asked {
            0 => usual,
            asked => u16::try_from(asked).unwrap_or(MOST_SIDE).min(MOST_SIDE),
        };
        let cols = within(cols, 80);
        let most = u16::try_from(MOST_CELLS / u32::from(cols)).unwrap_or(MOST_SIDE);
        Size {
            cols,
            rows: within(rows, 24).min(most),
        }
    }

    /// What to tell where the technician's terminal is larger than what is modelled of it.
    pub(crate) fn less_than(self, cols: u32, rows: u32) -> Option<String> {
        (cols > self.cols.into() || rows > self.rows.into()).then(|| {
            let Size { cols: drawn, rows: lines } = self;
            format!("[a terminal of {cols} columns and {rows} rows; {drawn} and {lines} of them are drawn, and what stands beyond is drawn at their edge]")
        })
    }

    /// Columns.
    #[must_use]
    pub fn cols(self) -> u16 {
        self.cols
    }

    /// Rows.
    #[must_use]
    pub fn rows(self) -> u16 {
        self.rows
    }
}

/// A colour as the technician's terminal was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// One of the palette's 256.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How a cell looks. Blinking is not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "attributes of a terminal cell, independent of each other"
)]
pub struct Style {
    /// Colour of the letter; `None` is the viewer's own.
    pub foreground: Option<Colour>,
    /// Colour behind it.
    pub background: Option<Colour>,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub faint: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Struck through.
    pub strikethrough: bool,
    /// Foreground and background exchanged.
    pub inverse: bool,
}

/// One cell of a screen. Its letter is safe to print: it never controls, reorders, or hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The letter.
    pub letter: char,
    /// The marks on it.
    pub marks: Marks,
    /// 1, or 2 for a wide letter, or 0 for the cell a wide letter covers.
    pub width: u8,
    /// How it looks.
    pub style: Style,
}

impl Cell {
    /// An empty cell.
    pub const BLANK: Cell = Cell {
        letter: ' ',
        marks: Marks::NONE,
        width: 1,
        style: Style {
            foreground: None,
            background: None,
            bold: false,
            faint: false,
            italic: false,
            underline: false,
            strikethrough: false,
            inverse: false,
        },
    };
}

/// The screen of one channel at one moment.
pub struct Screen {
    model: Model,
    decoder: Utf8Decoder,
    /// Without a terminal on the target's side a line feed comes alone.
    add_returns: bool,
    last_was_return: bool,
    restarts: u32,
}

impl Screen {
    /// An empty screen, for a channel that has a terminal.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Screen {
            model: Model::new(size),
            decoder: Utf8Decoder::default(),
            add_returns: false,
            last_was_return: false,
            restarts: 0,
        }
    }

    /// An empty screen as a channel asked for it.
    #[must_use]
    pub fn for_channel(opened: &ChannelOpened) -> Self {
        match &opened.pty {
            Some(pty) => Screen::new(Size::clamped(pty.cols, pty.rows)),
            None => Screen {
                add_returns: true,
                ..Screen::new(Size::clamped(0, 0))
            },
        }
    }

    /// Recorded time goes on, since any fixed moment: what comes next comes at `at`. A screen that nobody tells the
    /// time lets sequences do a little less.
    pub fn passes(&mut self, at: Duration) {
        self.model
            .passes(u64::try_from(at.as_micros()).unwrap_or(u64::MAX));
        if self.model.is_overdue() {
            self.draw("");
        }
    }

    /// The target printed this.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.feed(bytes, |text| self.feed_text(text));
        self.decoder = decoder;
    }

    /// The same, decoded already.
    pub fn feed_text(&mut self, text: &str) {
        if !self.add_returns {
            return self.draw(text);
        }
        let mut with_returns = String::with_capacity(text.len() + 16);
        for letter in text.chars() {
            if letter == '\n' && !self.last_was_return {
                with_returns.push('\r');
            }
            self.last_was_return = letter == '\r';
            with_returns.push(letter);
        }
        self.draw(&with_returns);
    }

    fn draw(&mut self, text: &str) {
        let drawn = self.model.feed(text, &mut ());
        // Whoever looks at a screen looks at what is shown; transcript and search tell the rest.
        drop(self.model.hidden());
        self.after(drawn);
    }

    /// The technician's terminal changed size.
    pub fn resize(&mut self, cols: u32, rows: u32) {
        let resized = self.model.resize(Size::clamped(cols, rows), &mut ());
        self.after(resized);
    }

    fn after(&mut self, done: Result<(), Fault>) {
        if done.is_err() {
            self.restarts = self.restarts.saturating_add(1);
            let _ = self.model.feed(&format!("{FAULT}\r\n"), &mut ());
        }
    }

    /// The size modelled, after clamping.
    #[must_use]
    pub fn size(&self) -> Size {
        self.model.size()
    }

    /// Column and row of the cursor, from 0; `None` while it is hidden.
    #[must_use]
    pub fn cursor(&self) -> Option<(u16, u16)> {
        let (col, row) = self.model.terminal().cursor().position()?;
        let size = self.size();
        Some((
            narrow(col).min(size.cols - 1),
            narrow(row).min(size.rows - 1),
        ))
    }

    /// Column and row at which something is written next, from 0, whether the cursor is shown or hidden.
    #[must_use]
    pub fn place(&self) -> (u16, u16) {
        let (cursor, size) = (self.model.terminal().cursor(), self.size());
        (
            narrow(cursor.col).min(size.cols - 1),
            narrow(cursor.row).min(size.rows - 1),
        )
    }

    /// The cells of a row, from the left; empty below the last row.
    pub fn row(&self, row: u16) -> impl Iterator<Item = Cell> + '_ {
        self.model
            .terminal()
            .screen()
            .line(row.into())
            .into_iter()
            .flat_map(|line| line.cells().iter())
            .map(|letter| cell(letter, self.model.marked()))
    }

    /// The rows as text, without trailing blanks.
    #[must_use]
    pub fn plain_text(&self) -> Vec<String> {
        (0..self.size().rows)
            .map(|row| {
                let letters = self
                    .row(row)
                    .filter(|cell| cell.width > 0)
                    .flat_map(|cell| std::iter::once(cell.letter).chain(cell.marks.iter()));
                letters.collect::<String>().trim_end().to_owned()
            })
            .collect()
    }

    /// How often the model failed and was started again, empty; 0 unless `avt` has a fault.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// How many sequences were left out, whole or in part, because they asked for more drawing than their bytes may
    /// cost. Whoever shows this screen shows that beside it.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.model.left_out()
    }
}

fn narrow(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

fn cell(cell: &avt::Cell, marked: &Marked) -> Cell {
    let pen = cell.pen();
    let (letter, marks) = marked.parts(cell.char());
    // What was not to be seen is seen here, underlined.
    let concealed = is_concealed(cell);
    let style = Style {
        foreground: pen.foreground().map(colour).filter(|_| !concealed),
        background: pen.background().map(colour).filter(|_| !concealed),
        bold: pen.is_bold(),
        faint: pen.is_faint(),
        italic: pen.is_italic(),
        underline: pen.is_underline() || concealed,
        strikethrough: pen.is_strikethrough(),
        inverse: pen.is_inverse(),
    };
    Cell {
        letter,
        marks,
        width: cell.width(),
        style,
    }
}

fn colour(colour: Color) -> Colour {
    match colour {
        Color::Indexed(index) => Colour::Indexed(index),
        Color::RGB(rgb) => Colour::Rgb(rgb.r, rgb.g, rgb.b),
    }
}

#[cfg(test)]
pub(crate) use tests::hostile;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::acts;
    use proptest::prelude::*;

    fn text(screen: &Screen) -> String {
        screen.plain_text().join("\n").trim_end().to_owned()
    }

    #[test]
    fn sizes_nobody_has_are_clamped() {
        assert_eq!(Size::clamped(0, 0), Size { cols: 80, rows: 24 });
        assert_eq!(
            Size::clamped(u32::MAX, u32::MAX),
            Size {
                cols: 1000,
                rows: 120
            }
        );
        assert_eq!(
            Size::clamped(1, 70_000),
            Size {
                cols: 1,
                rows: 1000
            }
        );
        assert_eq!(
            Size::clamped(640, 180),
            Size {
                cols: 640,
                rows: 180
            }
        );
    }

    #[test]
    fn output_without_a_terminal_draws_line_by_line() {
        let opened = ChannelOpened {
            kind: crate::ChannelKind::Exec,
            command: None,
            account: None,
            pty: None,
            env: vec![],
        };
        let mut screen = Screen::for_channel(&opened);
        screen.feed(b"one\ntwo\r");
        screen.feed(b"\nthree");
        assert_eq!(text(&screen), "one\ntwo\nthree");
    }

    #[test]
    fn letters_that_act_are_replaced() {
        let mut screen = Screen::new(Size::clamped(20, 2));
        screen.feed("a\u{202e}b\u{200b}e\u{301}!".as_bytes());
        // What takes no place takes none here: what would act is not drawn, what combines is.
        assert_eq!(text(&screen), "abe\u{301}!");
        assert_eq!(screen.cursor(), Some((4, 0)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever was recorded, modelling it neither panics nor leaves the limits.
        #[test]
        fn no_bytes_and_no_size_break_the_model(
            steps in proptest::collection::vec((any::<u32>(), any::<u16>(), hostile()), 0..30)
        ) {
            let mut screen = Screen::new(Size::clamped(80, 24));
            for (cols, rows, bytes) in steps {
                if cols % 3 == 0 { screen.resize(cols % 600, u32::from(rows) % 300); }
                screen.feed(&bytes);
                for row in 0..screen.size().rows() {
                    prop_assert!(screen.row(row).all(|cell| !acts(cell.letter)));
                }
            }
            prop_assert_eq!(screen.restarts(), 0);
        }
    }

    /// Bytes that look like what terminals get, with numbers nobody sends.
    pub(crate) fn hostile() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..60),
            "[ -~水é\u{301}\u{202e}\r\n]{0,40}".prop_map(String::into_bytes),
            "(\x1b\\[[?>]?[0-9]{0,5}(;[0-9]{0,5}){0,3}[@-~]){1,8}".prop_map(String::into_bytes),
            "\x1b\\][0-9]{1,3};[ -~]{0,30}(\x07|\x1b\\\\)".prop_map(String::into_bytes),
            "\x1b[P_X^c78DEHM#()=>][ -~]{0,10}".prop_map(String::into_bytes),
        ]
    }
}
