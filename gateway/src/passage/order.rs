//! What a target's output switched on in a technician's terminal, and the sequences that put it in order.
//!
//! A full-screen program that is cut leaves the alternate screen, mouse reports and a hidden cursor behind, and its user
//! with a terminal that answers every click with nonsense. [`Order`] reads along what passed and knows at the end what is
//! left on; where nothing is, nothing is sent. It knows no screen: that is `ecluse_recordings::screen`. What there is to
//! know is in [`left`], how it is written in sequences here.

mod left;

use std::collections::BTreeMap;

use self::left::{ALTERNATE, Left, Saved, number, numbers};

/// Bytes of one sequence that are kept; a longer one is no program's, and then everything is put in order.
const LONGEST: usize = 256;

/// Follows the output of one terminal.
#[derive(Debug)]
pub(crate) struct Order {
    rows: u32,
    state: State,
    /// The parameters of a control sequence, or the words of an operating system command.
    kept: Vec<u8>,
    /// More words came than are kept.
    cut: bool,
    /// The first byte of a C1 control in UTF-8 has passed.
    lead: bool,
    left: Left,
    /// The cursors that were saved, of the ordinary and of the alternate screen (DECSC).
    saved: [Option<Saved>; 2],
    /// The private modes that were saved, and whether they differed (XTSAVE).
    stored: BTreeMap<u16, bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ground,
    Escape,
    /// `ESC (` and its like: the next byte names the character set of that slot.
    Designate(usize),
    /// `ESC %`: the next byte chooses the coding.
    Coding,
    /// Any other `ESC` sequence with an intermediate byte.
    Skip,
    Csi,
    /// An operating system command, up to ST or BEL.
    Command,
    CommandEscape,
    /// DCS and its like, up to ST or BEL.
    Text,
    TextEscape,
}

impl Order {
    /// A terminal of so many rows that nobody has touched.
    pub(crate) fn new(rows: u32) -> Self {
        Self {
            rows,
            state: State::Ground,
            kept: Vec::new(),
            cut: false,
            lead: false,
            left: Left::default(),
            saved: [None, None],
            stored: BTreeMap::new(),
        }
    }

    /// The window has another height.
    pub(crate) fn resized(&mut self, rows: u32) {
        self.rows = rows;
    }

    /// Reads what passes.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        let tells = |byte: &u8| matches!(byte, 0x0e | 0x0f | 0x1b | 0xc2);
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if self.state == State::Ground && !self.lead && !tells(&byte) {
                // Most of what passes is text; it is passed over in one go.
                let told = after.iter().position(tells);
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
        self.lead = false;
        self.stored.clear();
        let left = std::mem::take(&mut self.left);
        let [saved, _] = std::mem::take(&mut self.saved);
        let saved = saved.unwrap_or_default();
        if left == Left::default() && saved == Saved::default() && !unfinished {
            return None;
        }
        let mut out = String::new();
        if unfinished {
            // Ends whatever sequence was cut in two: what follows must not become part of it.
            out.push_str("\x18\x1b\\");
        }
        left.undo(&saved, &mut out);
        Some(out)
    }

    fn step(&mut self, byte: u8) {
        // A control of the second set is two bytes in UTF-8, and stands for ESC and a letter: U+009B for `ESC [`.
        if std::mem::take(&mut self.lead) && matches!(byte, 0x80..=0x9f) {
            return self.second_set(byte);
        }
        if byte == 0xc2 {
            self.lead = true;
            return;
        }
        self.state = match (self.state, byte) {
            // CAN and SUB end every sequence.
            (_, 0x18 | 0x1a) => State::Ground,
            (State::Command, 0x07) => self.command(),
            (State::Command, 0x1b) => State::CommandEscape,
            (State::Command, byte) => {
                if self.kept.len() < LONGEST {
                    self.kept.push(byte);
                } else {
                    self.cut = true;
                }
                State::Command
            }
            (State::CommandEscape, b'\\') => self.command(),
            (State::Text, 0x07) => State::Ground,
            (State::Text, 0x1b) => State::TextEscape,
            (State::Text, _) => State::Text,
            (State::TextEscape, b'\\') => State::Ground,
            (_, 0x1b) => State::Escape,
            (State::Ground, 0x0e) => self.shift(1),
            (State::Ground, 0x0f) => self.shift(0),
            (State::Ground, _) => State::Ground,
            (State::Escape | State::TextEscape | State::CommandEscape, byte) => self.escape(byte),
            // `ESC ( % 5`: the name of a set may have two bytes.
            (State::Designate(slot), 0x20..=0x2f) => State::Designate(slot),
            (State::Designate(slot), byte) => {
                self.left.cursor.designate(slot, byte);
                State::Ground
            }
            (State::Coding, byte) => {
                self.left.other_coding = byte == b'@';
                State::Ground
            }
            (State::Skip, 0x20..=0x2f) => State::Skip,
            (State::Skip, _) => State::Ground,
            (State::Csi, 0x20..=0x3f) => {
                self.kept.push(byte);
                if self.kept.len() > LONGEST {
                    self.left = Left::everything();
                    self.kept.clear();
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

    /// A control of the second set.
    fn second_set(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Command | State::CommandEscape, 0x9c) => self.command(),
            (_, 0x9c) => State::Ground,
            (_, byte) => self.escape(byte & 0x1f | 0x40),
        };
    }

    /// A locking shift: which set is in use.
    fn shift(&mut self, slot: usize) -> State {
        self.left.cursor.in_use = slot;
        State::Ground
    }

    fn escape(&mut self, byte: u8) -> State {
        match byte {
            b'[' => {
                self.kept.clear();
                return State::Csi;
            }
            b']' => {
                self.kept.clear();
                self.cut = false;
                return State::Command;
            }
            b'P' | b'X' | b'^' | b'_' => return State::Text,
            b'(' => return State::Designate(0),
            b')' | b'-' => return State::Designate(1),
            b'*' | b'.' => return State::Designate(2),
            b'+' | b'/' => return State::Designate(3),
            b'%' => return State::Coding,
            0x20..=0x2f => return State::Skip,
            b'n' => return self.shift(2),
            b'o' => return self.shift(3),
            b'~' | b'|' => self.left.cursor.upper = true,
            b'}' => self.left.cursor.upper = false,
            b'7' => self.save(),
            b'8' => self.bring_back(),
            b'<' => self.left.vt52 = false,
            b'=' => self.left.keypad = true,
            b'>' => self.left.keypad = false,
            b'c' => {
                self.left.reset();
                self.saved = [None, None];
                self.stored.clear();
            }
            _ => {}
        }
        State::Ground
    }

    /// DECSC: the cursor, how it writes, and where it counts from.
    fn save(&mut self) {
        let saved = Saved {
            cursor: self.left.cursor.clone(),
            origin: self.left.private.contains(&6),
        };
        let [ordinary, alternate] = &mut self.saved;
        let place = if self.left.is_alternate() {
            alternate
        } else {
            ordinary
        };
        *place = Some(saved);
    }

    /// DECRC; where nothing was saved, as a terminal that nobody touched.
    fn bring_back(&mut self) {
        let [ordinary, alternate] = &self.saved;
        let saved = if self.left.is_alternate() {
            alternate
        } else {
            ordinary
        };
        let Saved { cursor, origin } = saved.clone().unwrap_or_default();
        self.left.cursor = cursor;
        self.left.set_differs(6, origin);
    }

    fn private(&mut self, mode: u16, set: bool) {
        match (mode, set) {
            (2, set) => self.left.vt52 = !set,
            (1048, true) => self.save(),
            (1048, false) => self.bring_back(),
            (1049, true) if !self.left.is_alternate() => {
                self.save();
                self.left.set_private(mode, true);
            }
            // Each way out of the alternate screen is a way out of all; this one brings the cursor back.
            (1049, false) if self.left.is_alternate() => {
                self.left.leave_alternate();
                self.bring_back();
            }
            (mode, false) if ALTERNATE.contains(&mode) => self.left.leave_alternate(),
            (mode, set) => self.left.set_private(mode, set),
        }
    }

    fn control(&mut self, last: u8) {
        let kept = std::mem::take(&mut self.kept);
        let text = String::from_utf8_lossy(&kept);
        let marked = text.get(1..).unwrap_or_default();
        let left = &mut self.left;
        match (text.as_bytes().first(), last) {
            (Some(b'?'), b'h' | b'l') => {
                numbers(marked).for_each(|mode| self.private(mode, last == b'h'));
            }
            (Some(b'?'), b's') => {
                for mode in numbers(marked).filter(|mode| left::is_known(*mode)) {
                    self.stored.insert(mode, left.private.contains(&mode));
                }
            }
            (Some(b'?'), b'r') => {
                for mode in numbers(marked) {
                    match self.stored.get(&mode) {
                        Some(false) if ALTERNATE.contains(&mode) => left.leave_alternate(),
                        Some(differs) => left.set_differs(mode, *differs),
                        None => {}
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
            (_, b'p') if text == "!" => {
                left.soft_reset();
                self.saved = [None, None];
            }
            (_, b'q') if text.ends_with(' ') => {
                left.cursor_shape = numbers(text.trim_end()).next().unwrap_or(0) > 0;
            }
            (_, b'h' | b'l') => {
                numbers(&text).for_each(|mode| left.set_ansi(mode, last == b'h'));
            }
            (_, b'r') => {
                let mut margins = numbers(&text);
                let (top, bottom) = (margins.next().unwrap_or(0), margins.next().unwrap_or(0));
                left.margins = top > 1 || (bottom > 0 && u32::from(bottom) < self.rows);
            }
            // With margins at the sides it sets these; they go with their mode.
            (None, b's') if !left.private.contains(&69) => self.save(),
            (None, b'u') => self.bring_back(),
            (_, b'm') => left.cursor.rendition(&text),
            _ => {}
        }
    }

    /// An operating system command: colours, and links.
    fn command(&mut self) -> State {
        let kept = std::mem::take(&mut self.kept);
        let text = String::from_utf8_lossy(&kept);
        let (what, rest) = match text.split_once(';') {
            Some((what, rest)) => (what, Some(rest)),
            None => (text.as_ref(), None),
        };
        // Words that are none name nothing: zero is the title.
        let cut = self.cut;
        self.left.command(number(what), rest, cut);
        State::Ground
    }
}

#[cfg(test)]
mod tests;
