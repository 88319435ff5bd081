//! What differs from a terminal that nobody touched, and the sequences that undo it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// DEC private modes that are off in a terminal that nobody touched: `CSI ? n h` switches them on.
const OFF: &[u16] = &[
    1, 5, 6, 9, 12, 45, 47, 66, 69, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1047,
    1049, 2004, 2026, 2031, 2048,
];
/// Those that are on: wrapping at the margin, keys that repeat, and the cursor.
const ON: &[u16] = &[7, 8, 25];
/// The alternate screen; left last, since everything else is told to the screen that is shown.
pub(super) const ALTERNATE: &[u16] = &[47, 1047, 1049];
/// Modes that a soft reset puts back.
const SOFT: &[u16] = &[1, 6, 7, 25, 66, 69];
/// ANSI modes that are off: a locked keyboard, inserting, and a line feed that returns.
const ANSI_OFF: &[u16] = &[2, 4, 20];
/// Those that are on: what is typed is not echoed by the terminal itself.
const ANSI_ON: &[u16] = &[12];
/// Names of the palette's colours that are told apart; beyond, all are put back.
const PALETTE: usize = 512;

/// Whether a private mode is one that is put back.
pub(super) fn is_known(mode: u16) -> bool {
    OFF.contains(&mode) || ON.contains(&mode)
}

/// What differs from a terminal that nobody touched.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "settings of a terminal, independent of each other"
)]
pub(super) struct Left {
    pub(super) private: BTreeSet<u16>,
    ansi: BTreeSet<u16>,
    pub(super) cursor: Cursor,
    pub(super) margins: bool,
    pub(super) keypad: bool,
    pub(super) cursor_shape: bool,
    pub(super) other_keys: bool,
    pub(super) kitty_pushed: u32,
    pub(super) kitty_set: bool,
    /// It does not read UTF-8.
    pub(super) other_coding: bool,
    /// It reads the sequences of an older terminal.
    pub(super) vt52: bool,
    /// Colours of the palette (OSC 4).
    palette: BTreeSet<u16>,
    /// OSC 5, and those of text, background, cursor and pointer: OSC 10 to 19. Each is put back by a hundred more.
    colours: BTreeSet<u16>,
    /// What is written is a link (OSC 8).
    link: bool,
}

/// What is saved with the cursor (DECSC).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) cursor: Cursor,
    pub(super) origin: bool,
}

/// How the cursor writes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    attributes: BTreeSet<Attribute>,
    /// Whether something else than ASCII is in each of the four slots.
    slots: [bool; 4],
    /// The slot in use.
    pub(super) in_use: usize,
    /// Whether another slot than the third is in use for the upper half of eight bits.
    pub(super) upper: bool,
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

impl Left {
    /// As if all of it had been switched on.
    pub(super) fn everything() -> Self {
        Self {
            private: OFF.iter().chain(ON).copied().collect(),
            ansi: ANSI_OFF.iter().chain(ANSI_ON).copied().collect(),
            cursor: Cursor {
                attributes: [Attribute::Weight].into(),
                slots: [true; 4],
                in_use: 1,
                upper: true,
            },
            margins: true,
            keypad: true,
            cursor_shape: true,
            other_keys: true,
            kitty_pushed: 1,
            kitty_set: true,
            other_coding: true,
            vt52: true,
            palette: [0].into(),
            colours: [5, 10, 11, 12].into(),
            link: true,
        }
    }

    /// RIS: as nobody had touched it, but for the colours, which some terminals keep.
    pub(super) fn reset(&mut self) {
        let Self {
            palette, colours, ..
        } = std::mem::take(self);
        *self = Self {
            palette,
            colours,
            ..Self::default()
        };
    }

    /// DECSTR.
    pub(super) fn soft_reset(&mut self) {
        self.private.retain(|mode| !SOFT.contains(mode));
        self.ansi.retain(|mode| ![2, 4].contains(mode));
        self.cursor = Cursor::default();
        self.margins = false;
        self.keypad = false;
    }

    pub(super) fn is_alternate(&self) -> bool {
        self.private.iter().any(|mode| ALTERNATE.contains(mode))
    }

    pub(super) fn leave_alternate(&mut self) {
        self.private.retain(|mode| !ALTERNATE.contains(mode));
    }

    pub(super) fn set_private(&mut self, mode: u16, set: bool) {
        let differs = (OFF.contains(&mode) && set) || (ON.contains(&mode) && !set);
        self.set_differs(mode, differs);
    }

    pub(super) fn set_differs(&mut self, mode: u16, differs: bool) {
        if differs {
            self.private.insert(mode);
        } else {
            self.private.remove(&mode);
        }
    }

    pub(super) fn set_ansi(&mut self, mode: u16, set: bool) {
        if (ANSI_OFF.contains(&mode) && set) || (ANSI_ON.contains(&mode) && !set) {
            self.ansi.insert(mode);
        } else {
            self.ansi.remove(&mode);
        }
    }

    /// An operating system command, and what follows its number; `cut` where that is only the beginning.
    pub(super) fn command(&mut self, what: u16, rest: Option<&str>, cut: bool) {
        // A question changes nothing.
        let sets = |colour: &str| !colour.is_empty() && colour != "?";
        match what {
            4 => {
                let mut words = rest.unwrap_or_default().split(';');
                while let (Some(name), Some(colour)) = (words.next(), words.next()) {
                    if sets(colour) && self.palette.len() < PALETTE {
                        self.palette.insert(number(name));
                    }
                }
                if cut {
                    self.palette.insert(0);
                }
            }
            5 if rest.is_some_and(|rest| rest.split(';').skip(1).step_by(2).any(sets)) => {
                self.colours.insert(5);
            }
            // `10;red;blue` is the text and then the background.
            10..=19 => {
                let words = rest.unwrap_or_default().split(';');
                let named = (what..=19).zip(words);
                let changed = named.filter(|(_, colour)| sets(colour));
                self.colours.extend(changed.map(|(what, _)| what));
            }
            104 => match rest.filter(|rest| !rest.is_empty()) {
                None => self.palette.clear(),
                Some(names) => names.split(';').map(number).for_each(|name| {
                    self.palette.remove(&name);
                }),
            },
            105 | 110..=119 => {
                self.colours.remove(&(what - 100));
            }
            // `8;PARAMETERS;ADDRESS`: without an address it ends.
            8 => {
                let address = rest.and_then(|rest| rest.split_once(';'));
                self.link = cut || address.is_some_and(|(_, address)| !address.is_empty());
            }
            _ => {}
        }
    }

    /// The sequences that undo it, where `saved` is saved as the cursor of the ordinary screen.
    pub(super) fn undo(&self, saved: &Saved, out: &mut String) {
        let Self {
            private,
            ansi,
            cursor,
            margins,
            keypad,
            cursor_shape,
            other_keys,
            kitty_pushed,
            kitty_set,
            other_coding,
            vt52,
            palette,
            colours,
            link,
        } = self;
        // Writing to a string cannot fail.
        let undo_private = |mode: &u16, out: &mut String| {
            let end = if ON.contains(mode) { 'h' } else { 'l' };
            let _ = write!(out, "\x1b[?{mode}{end}");
        };
        let (alternate, others): (Vec<u16>, Vec<u16>) =
            private.iter().partition(|mode| ALTERNATE.contains(mode));
        if *vt52 {
            out.push_str("\x1b<");
        }
        if *other_coding {
            out.push_str("\x1b%G");
        }
        cursor.undo(out);
        for mode in ansi {
            let end = if ANSI_ON.contains(mode) { 'h' } else { 'l' };
            let _ = write!(out, "\x1b[{mode}{end}");
        }
        others.iter().for_each(|mode| undo_private(mode, out));
        for (on, sequence) in [
            (*keypad, "\x1b>"),
            (*other_keys, "\x1b[>4m"),
            (*kitty_set, "\x1b[=0u"),
            (*cursor_shape, "\x1b[0 q"),
            (*link, "\x1b]8;;\x1b\\"),
            (!palette.is_empty(), "\x1b]104\x1b\\"),
        ] {
            if on {
                out.push_str(sequence);
            }
        }
        if *kitty_pushed > 0 {
            let _ = write!(out, "\x1b[<{kitty_pushed}u");
        }
        for colour in colours {
            let _ = write!(out, "\x1b]{}\x1b\\", colour + 100);
        }
        alternate.iter().for_each(|mode| undo_private(mode, out));
        if alternate.contains(&1049) {
            // What was saved on the way in came back with it.
            saved.cursor.undo(out);
            if saved.origin {
                undo_private(&6, out);
            }
        }
        if *margins {
            // Setting margins moves the cursor.
            out.push_str("\x1b7\x1b[r\x1b8");
        } else if *saved != Saved::default() {
            // Whoever brings the cursor back finds it as it is now.
            out.push_str("\x1b7");
        }
    }
}

impl Cursor {
    /// The character set of a slot was chosen by this name.
    pub(super) fn designate(&mut self, slot: usize, name: u8) {
        if let Some(other) = self.slots.get_mut(slot) {
            *other = name != b'B';
        }
    }

    fn undo(&self, out: &mut String) {
        if self.in_use != 0 {
            out.push('\x0f');
        }
        if self.upper {
            out.push_str("\x1b}");
        }
        for (slot, letter) in self.slots.iter().zip(['(', ')', '*', '+']) {
            if *slot {
                let _ = write!(out, "\x1b{letter}B");
            }
        }
        if !self.attributes.is_empty() {
            out.push_str("\x1b[0m");
        }
    }

    /// `SGR`: colours and their like.
    pub(super) fn rendition(&mut self, text: &str) {
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
}

pub(super) fn numbers(text: &str) -> impl Iterator<Item = u16> {
    text.split(';').map(number)
}

/// A parameter; what is none, or left out, is zero.
pub(super) fn number(text: &str) -> u16 {
    text.parse().unwrap_or(0)
}
