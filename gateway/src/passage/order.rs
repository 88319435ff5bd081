//! What a target's output switched on in a technician's terminal, and the sequences that put it in order.
//!
//! A full-screen program that is cut leaves the alternate screen, mouse reports and a hidden cursor behind, and its user
//! with a terminal that answers every click with nonsense. [`Order`] reads along what passed and knows at the end what is
//! left on; where nothing is, nothing is sent. It knows no screen: that is `ecluse_recordings::screen`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Parameters of one sequence that are kept; a longer one is no program's, and then everything is put in order.
const LONGEST: usize = 256;
/// DEC private modes that are off in a terminal that nobody touched: `CSI ? n h` switches them on.
const OFF: &[u16] = &[
    1, 5, 6, 9, 47, 66, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1047, 1049, 2004,
    2026, 2031, 2048,
];
/// Those that are on: wrapping at the margin, and the cursor.
const ON: &[u16] = &[7, 25];
/// The alternate screen; left last, since everything else is told to the screen that is shown.
const ALTERNATE: &[u16] = &[47, 1047, 1049];
/// ANSI modes: inserting, and a line feed that returns.
const ANSI: &[u16] = &[4, 20];

/// Follows the output of one terminal.
#[derive(Debug)]
pub(crate) struct Order {
    rows: u32,
    state: State,
    parameters: Vec<u8>,
    left: Left,
}

/// What differs from a terminal that nobody touched.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Left {
    private: BTreeSet<u16>,
    ansi: BTreeSet<u16>,
    attributes: BTreeSet<Attribute>,
    margins: bool,
    shifted: bool,
    charset: bool,
    keypad: bool,
    cursor_shape: bool,
    other_keys: bool,
    kitty_pushed: u32,
    kitty_set: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ground,
    Escape,
    /// `ESC (`: the next byte names a character set.
    Charset,
    /// Any other `ESC` sequence with an intermediate byte.
    Skip,
    Csi,
    /// OSC, DCS and their like, up to ST or BEL.
    Text,
    TextEscape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Attribute {
    Weight,
    Italic,
    Underline,
    Blink,
    Inverse,
    Hidden,
    Struck,
    Foreground,
    Background,
    UnderlineColour,
    Framed,
    Overlined,
}

impl Order {
    /// A terminal of so many rows that nobody has touched.
    pub(crate) fn new(rows: u32) -> Self {
        Self {
            rows,
            state: State::Ground,
            parameters: Vec::new(),
            left: Left::default(),
        }
    }

    /// The window has another height.
    pub(crate) fn resized(&mut self, rows: u32) {
        self.rows = rows;
    }

    /// Reads what passes.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if self.state == State::Ground && !matches!(byte, 0x0e | 0x0f | 0x1b) {
                // Most of what passes is text; it is passed over in one go.
                let told = after
                    .iter()
                    .position(|byte| matches!(byte, 0x0e | 0x0f | 0x1b));
                rest = told.and_then(|at| after.get(at..)).unwrap_or_default();
                continue;
            }
            self.step(byte);
            rest = after;
        }
    }

    /// The sequences that put the terminal in order, none where it is; asked again, it is.
    pub(crate) fn restore(&mut self) -> Option<String> {
        let unfinished = self.state != State::Ground;
        self.state = State::Ground;
        let left = std::mem::take(&mut self.left);
        if left == Left::default() && !unfinished {
            return None;
        }
        let mut out = String::new();
        if unfinished {
            // Ends whatever sequence was cut in two: what follows must not become part of it.
            out.push_str("\x18\x1b\\");
        }
        left.undo(&mut out);
        Some(out)
    }

    fn step(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            // CAN and SUB end every sequence.
            (_, 0x18 | 0x1a) => State::Ground,
            (State::Text, 0x07) => State::Ground,
            (State::Text, 0x1b) => State::TextEscape,
            (State::Text, _) => State::Text,
            (State::TextEscape, b'\\') => State::Ground,
            (_, 0x1b) => State::Escape,
            (State::Ground, 0x0e) => self.shift(true),
            (State::Ground, 0x0f) => self.shift(false),
            (State::Ground, _) => State::Ground,
            (State::Escape | State::TextEscape, byte) => self.escape(byte),
            (State::Charset, byte) => {
                self.left.charset = byte != b'B';
                State::Ground
            }
            (State::Skip, 0x20..=0x2f) => State::Skip,
            (State::Skip, _) => State::Ground,
            (State::Csi, 0x20..=0x3f) => {
                self.parameters.push(byte);
                if self.parameters.len() > LONGEST {
                    self.left = Left::everything();
                    self.parameters.clear();
                }
                State::Csi
            }
            (State::Csi, 0x40..=0x7e) => {
                self.control(byte);
                State::Ground
            }
            // A control character inside a sequence acts, and the sequence goes on.
            (State::Csi, _) => State::Csi,
        };
    }

    fn shift(&mut self, shifted: bool) -> State {
        self.left.shifted = shifted;
        State::Ground
    }

    fn escape(&mut self, byte: u8) -> State {
        match byte {
            b'[' => {
                self.parameters.clear();
                return State::Csi;
            }
            b']' | b'P' | b'X' | b'^' | b'_' => return State::Text,
            b'(' => return State::Charset,
            0x20..=0x2f => return State::Skip,
            b'=' => self.left.keypad = true,
            b'>' => self.left.keypad = false,
            b'c' => self.left = Left::default(),
            _ => {}
        }
        State::Ground
    }

    fn control(&mut self, last: u8) {
        let parameters = std::mem::take(&mut self.parameters);
        let text = String::from_utf8_lossy(&parameters);
        let left = &mut self.left;
        let marked = text.get(1..).unwrap_or_default();
        match (text.as_bytes().first(), last) {
            (Some(b'?'), b'h' | b'l') => {
                for mode in numbers(marked) {
                    let differs = (OFF.contains(&mode) && last == b'h')
                        || (ON.contains(&mode) && last == b'l');
                    if differs {
                        left.private.insert(mode);
                    } else {
                        left.private.remove(&mode);
                    }
                    // Each way out of the alternate screen is a way out of all.
                    if ALTERNATE.contains(&mode) && last == b'l' {
                        left.private.retain(|mode| !ALTERNATE.contains(mode));
                    }
                }
            }
            (Some(b'>'), b'm') => {
                let mut asked = numbers(marked);
                if asked.next() == Some(4) {
                    left.other_keys = asked.next().is_some_and(|level| level > 0);
                }
            }
            (Some(b'>'), b'u') => left.kitty_pushed = left.kitty_pushed.saturating_add(1),
            (Some(b'<'), b'u') => {
                let popped = numbers(marked).next().unwrap_or(0).max(1);
                left.kitty_pushed = left.kitty_pushed.saturating_sub(popped.into());
            }
            (Some(b'='), b'u') => left.kitty_set = numbers(marked).next() != Some(0),
            (Some(b'?' | b'>' | b'<' | b'='), _) => {}
            (_, b'p') if text == "!" => *left = Left::default(),
            (_, b'q') if text.ends_with(' ') => {
                left.cursor_shape = numbers(text.trim_end()).next().unwrap_or(0) > 0;
            }
            (_, b'h' | b'l') => {
                for mode in numbers(&text).filter(|mode| ANSI.contains(mode)) {
                    if last == b'h' {
                        left.ansi.insert(mode);
                    } else {
                        left.ansi.remove(&mode);
                    }
                }
            }
            (_, b'r') => {
                let mut margins = numbers(&text);
                let (top, bottom) = (margins.next().unwrap_or(0), margins.next().unwrap_or(0));
                left.margins = top > 1 || (bottom > 0 && u32::from(bottom) < self.rows);
            }
            (_, b'm') => left.rendition(&text),
            _ => {}
        }
    }
}

impl Left {
    /// As if all of it had been switched on.
    fn everything() -> Self {
        Self {
            private: OFF.iter().chain(ON).copied().collect(),
            ansi: ANSI.iter().copied().collect(),
            attributes: [Attribute::Weight].into(),
            margins: true,
            shifted: true,
            charset: true,
            keypad: true,
            cursor_shape: true,
            other_keys: true,
            kitty_pushed: 1,
            kitty_set: true,
        }
    }

    /// `SGR`: colours and their like.
    fn rendition(&mut self, text: &str) {
        let mut parts = text.split(';');
        while let Some(part) = parts.next() {
            let mut pieces = part.split(':');
            let code = pieces.next().map_or(0, number);
            let detail = pieces.next().map(number);
            let (attribute, on) = match code {
                0 => {
                    self.attributes.clear();
                    continue;
                }
                1 | 2 => (Attribute::Weight, true),
                3 => (Attribute::Italic, true),
                4 => (Attribute::Underline, detail != Some(0)),
                21 => (Attribute::Underline, true),
                5 | 6 => (Attribute::Blink, true),
                7 => (Attribute::Inverse, true),
                8 => (Attribute::Hidden, true),
                9 => (Attribute::Struck, true),
                22 => (Attribute::Weight, false),
                23 => (Attribute::Italic, false),
                24 => (Attribute::Underline, false),
                25 => (Attribute::Blink, false),
                27 => (Attribute::Inverse, false),
                28 => (Attribute::Hidden, false),
                29 => (Attribute::Struck, false),
                30..=38 | 90..=97 => (Attribute::Foreground, true),
                39 => (Attribute::Foreground, false),
                40..=48 | 100..=107 => (Attribute::Background, true),
                49 => (Attribute::Background, false),
                51 | 52 => (Attribute::Framed, true),
                54 => (Attribute::Framed, false),
                53 => (Attribute::Overlined, true),
                55 => (Attribute::Overlined, false),
                58 => (Attribute::UnderlineColour, true),
                59 => (Attribute::UnderlineColour, false),
                _ => continue,
            };
            if on {
                self.attributes.insert(attribute);
            } else {
                self.attributes.remove(&attribute);
            }
            // `38;5;n` and `38;2;r;g;b`: what follows is a colour and no code.
            if matches!(code, 38 | 48 | 58) && detail.is_none() {
                let more = match parts.next().map(number) {
                    Some(5) => 1,
                    Some(2) => 3,
                    _ => 0,
                };
                parts.by_ref().take(more).for_each(drop);
            }
        }
    }

    fn undo(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let private = |mode: &u16, out: &mut String| {
            let end = if ON.contains(mode) { 'h' } else { 'l' };
            let _ = write!(out, "\x1b[?{mode}{end}");
        };
        let (alternate, others): (Vec<u16>, Vec<u16>) = self
            .private
            .iter()
            .partition(|mode| ALTERNATE.contains(mode));
        if self.shifted {
            out.push('\x0f');
        }
        if self.charset {
            out.push_str("\x1b(B");
        }
        if !self.attributes.is_empty() {
            out.push_str("\x1b[0m");
        }
        for mode in &self.ansi {
            let _ = write!(out, "\x1b[{mode}l");
        }
        others.iter().for_each(|mode| private(mode, out));
        if self.keypad {
            out.push_str("\x1b>");
        }
        if self.other_keys {
            out.push_str("\x1b[>4m");
        }
        if self.kitty_set {
            out.push_str("\x1b[=0u");
        }
        if self.kitty_pushed > 0 {
            let _ = write!(out, "\x1b[<{}u", self.kitty_pushed);
        }
        if self.cursor_shape {
            out.push_str("\x1b[0 q");
        }
        alternate.iter().for_each(|mode| private(mode, out));
        if self.margins {
            // Setting margins moves the cursor.
            out.push_str("\x1b7\x1b[r\x1b8");
        }
    }
}

fn numbers(text: &str) -> impl Iterator<Item = u16> {
    text.split(';').map(number)
}

/// A parameter; what is none, or left out, is zero.
fn number(text: &str) -> u16 {
    text.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(output: &str) -> Option<String> {
        let mut order = Order::new(24);
        order.read(output.as_bytes());
        let restored = order.restore();
        // In order then, whatever it was.
        assert_eq!(order.restore(), None);
        restored
    }

    #[test]
    fn a_terminal_that_was_left_in_order_gets_nothing() {
        for output in [
            "",
            "plain text, é, 日本\r\n",
            "\x1b[31mred\x1b[0m",
            "\x1b[1;31mred\x1b[m",
            "\x1b[1;31mred\x1b[22;39m",
            "\x1b[38;5;196mred\x1b[48;2;1;2;3mon\x1b[39;49m",
            "\x1b[4:3mcurly\x1b[4:0m",
            "\x1b[?2004h$ exit\x1b[?2004l\r\n",
            "\x1b[?1049h\x1b[?25l…\x1b[?25h\x1b[?1049l",
            "\x1b[?1000;1006h\x1b[?1006;1000l",
            "\x1b[1;24rfull\x1b[r",
            "\x1b[1;24rfull",
            "\x1b(0lqk\x1b(B",
            "\x0elqk\x0f",
            "\x1b]0;title\x07",
            "\x1b]8;;https://example.test\x1b\\",
            "\x1bP$q m\x1b\\",
            "\x1b[?1049h\x1b[?1002h\x1bc",
            "\x1b[>1u\x1b[<u",
            "\x1b[>4;2m\x1b[>4;m",
            "\x1b[2 q\x1b[0 q",
        ] {
            assert_eq!(after(output), None, "{output:?}");
        }
    }

    #[test]
    fn what_was_left_on_is_switched_off_and_nothing_else() {
        for (output, restored) in [
            ("\x1b[?1049hvim", "\x1b[?1049l"),
            ("\x1b[?47h\x1b[?1049h", "\x1b[?47l\x1b[?1049l"),
            ("\x1b[?25l", "\x1b[?25h"),
            ("\x1b[?7l", "\x1b[?7h"),
            ("\x1b[?2004h$ ", "\x1b[?2004l"),
            ("\x1b[?1000h\x1b[?1006h", "\x1b[?1000l\x1b[?1006l"),
            ("\x1b[1;31mred", "\x1b[0m"),
            ("\x1b[31mred\x1b[49m", "\x1b[0m"),
            ("\x1b[38;5;0m", "\x1b[0m"),
            ("\x1b[0;23r", "\x1b7\x1b[r\x1b8"),
            ("\x1b(0lqk", "\x1b(B"),
            ("\x0elqk", "\x0f"),
            ("\x1b=", "\x1b>"),
            ("\x1b[4h", "\x1b[4l"),
            ("\x1b[>1u\x1b[>5u", "\x1b[<2u"),
            ("\x1b[>4;2m", "\x1b[>4m"),
            ("\x1b[6 q", "\x1b[0 q"),
            (
                "\x1b[?1049h\x1b[?25l\x1b[7mbar",
                "\x1b[0m\x1b[?25h\x1b[?1049l",
            ),
        ] {
            assert_eq!(after(output).as_deref(), Some(restored), "{output:?}");
        }
    }

    /// Whatever the pieces in which it arrives.
    #[test]
    fn a_sequence_in_pieces_is_one_sequence() {
        let mut order = Order::new(24);
        for byte in "text\x1b[?1049;2004h\x1b]0;a [?25l title\x07more".bytes() {
            order.read(&[byte]);
        }
        assert_eq!(order.restore().unwrap(), "\x1b[?2004l\x1b[?1049l");
    }

    #[test]
    fn a_sequence_that_was_cut_in_two_is_ended() {
        assert_eq!(after("\x1b]0;tit").unwrap(), "\x18\x1b\\");
        assert_eq!(after("\x1b[?104").unwrap(), "\x18\x1b\\");
    }

    #[test]
    fn what_no_program_sends_costs_little_and_puts_everything_in_order() {
        let mut order = Order::new(24);
        order.read(b"\x1b[?");
        for _ in 0..100_000 {
            order.read(b"1049;");
        }
        order.read(b"h");
        assert!(order.parameters.capacity() < 4 * LONGEST);
        let restored = order.restore().unwrap();
        for part in ["\x1b[?1049l", "\x1b[?25h", "\x1b[0m", "\x1b[?2004l"] {
            assert!(restored.contains(part), "{restored:?}");
        }
    }
}
