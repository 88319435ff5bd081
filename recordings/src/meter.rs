//! What a recorded sequence may cost (R11): so many cells for each character that came, and no more.
//!
//! A terminal lets eight bytes repeat a letter 65,535 times, or three fill a whole screen. Whoever reads a
//! recording pays for that, so each control function is priced by its numbers before [`crate::model`] carries it
//! out. Credit comes with every character, and slowly with recorded time, so that a person who clears a wide screen
//! by hand never meets the bound; it is saved up to a few screens. What is beyond it is left out and counted: it is
//! told to whoever reads, never silent. Credit counts characters and recorded time alone: however the same output
//! is cut into pieces, everybody reads the same.
//!
//! Functions that touch a row at most, such as a letter or a line feed, are free: no character costs more than
//! that, and none of them may be left out.

use crate::screen::Size;
use avt::parser::{DecMode, DecModes, EdScope, Function};

/// Cells for each character that came.
const CELLS_A_CHARACTER: u64 = 64;
/// Credit is saved up to so many screens, and begins with as many: a person who clears their screen again and again, and
/// every program that people work with, stays far below it.
const SAVED_SCREENS: u64 = 32;
/// A screen for so much recorded time: more often than a screen is drawn for who watches.
const SCREEN_EACH_US: u64 = 20_000;
/// Beginning and ending a row costs about as much as so many of its cells, and in a transcript a line of its own.
const ROW: u64 = 32;
/// Writing a letter costs about as much as blanking so many cells.
const LETTER: u64 = 2;

/// The credit of one screen.
#[derive(Debug)]
pub(crate) struct Meter {
    size: Size,
    /// In debt only for what cannot be done in parts.
    credit: i64,
    at_us: Option<u64>,
    alternate: bool,
    /// Nothing was written since all was erased: erasing again changes nothing and costs nothing.
    blank: bool,
    left_out: u64,
}

impl Meter {
    pub(crate) fn new(size: Size) -> Self {
        let mut meter = Meter {
            size,
            credit: 0,
            at_us: None,
            alternate: false,
            blank: false,
            left_out: 0,
        };
        meter.credit = meter.most();
        meter
    }

    /// How many functions were left out, whole or in part.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Recorded time goes on.
    pub(crate) fn passes(&mut self, at_us: u64) {
        let since = at_us.saturating_sub(self.at_us.unwrap_or(at_us));
        self.at_us = Some(at_us.max(self.at_us.unwrap_or(0)));
        // Below a second of it nobody can gain by many small steps, above it everything is saved up anyway.
        let since = since.min(SAVED_SCREENS * SCREEN_EACH_US);
        self.earn(since.saturating_mul(self.screen()) / SCREEN_EACH_US);
    }

    /// A character came.
    pub(crate) fn character(&mut self) {
        self.earn(CELLS_A_CHARACTER);
    }

    /// Whether the size may change now. `rows` are the rows that the screens' text takes in the new width.
    pub(crate) fn admits_size(&mut self, size: Size, rows: u64) -> bool {
        let cost = self
            .screen()
            .saturating_add(screen_of(size))
            .saturating_mul(2)
            .saturating_add(rows.saturating_mul(u64::from(size.cols()).saturating_add(ROW)));
        if self.credit < narrow(cost).min(self.most()) {
            return false;
        }
        self.credit = self.credit.saturating_sub(narrow(cost)).max(-self.most());
        self.size = size;
        self.blank = false;
        true
    }

    /// What of a function may be carried out.
    pub(crate) fn admit(&mut self, function: Function) -> Option<Function> {
        if self.blank && matches!(function, Function::Ed(_)) {
            // Nothing stands there to be erased.
            return None;
        }
        self.blank = self.blank && keeps_blank(&function);
        let Priced::For(cost) = self.price(&function) else {
            return Some(function);
        };
        if self.pay(cost) {
            self.carried_out(&function);
            return Some(function);
        }
        self.left_out = self.left_out.saturating_add(1);
        self.instead_of(function)
    }

    /// What a function costs beyond the row that every character may touch.
    fn price(&self, function: &Function) -> Priced {
        use Function as F;
        match function {
            F::Il(rows) | F::Dl(rows) | F::Su(rows) | F::Sd(rows) => {
                match u64::from((*rows).max(1)).min(self.rows()) {
                    // As a line feed does.
                    1 => Priced::Free,
                    rows => Priced::For(rows.saturating_mul(self.row())),
                }
            }
            F::Ed(EdScope::SavedLines) => Priced::Free,
            F::Ed(EdScope::All) if !self.alternate => Priced::For(2 * self.screen()),
            F::Ed(EdScope::Above | EdScope::Below | EdScope::All) => Priced::For(self.screen()),
            F::Decaln => Priced::For(LETTER * self.screen()),
            // Both screens anew; what stood on the first is kept in the transcript.
            F::Ris => Priced::For(3 * self.screen()),
            F::Rep(times) => Priced::For(self.letters(u64::from((*times).max(1)))),
            F::Decset(modes) if !self.alternate && modes.as_slice().iter().any(is_alternate) => {
                Priced::For(self.screen())
            }
            F::Decset(_) | F::Decrst(_) => Priced::For(0),
            F::Bs
            | F::Cbt(_)
            | F::Cha(_)
            | F::Cht(_)
            | F::Cnl(_)
            | F::Cpl(_)
            | F::Cr
            | F::Ctc(_)
            | F::Cub(_)
            | F::Cud(_)
            | F::Cuf(_)
            | F::Cup(..)
            | F::Cuu(_)
            | F::Dch(_)
            | F::Decrc
            | F::Decsc
            | F::Decstbm(..)
            | F::Decstr
            | F::Ech(_)
            | F::El(_)
            | F::G1d4(_)
            | F::Gzd4(_)
            | F::Ht
            | F::Hts
            | F::Ich(_)
            | F::Lf
            | F::Nel
            | F::Osc(_)
            | F::Print(_)
            | F::Ri
            | F::Rm(_)
            | F::Scorc
            | F::Scosc
            | F::Sgr(_)
            | F::Si
            | F::Sm(_)
            | F::So
            | F::Tbc(_)
            | F::Vpa(_)
            | F::Vpr(_)
            | F::Xtwinops(_) => Priced::Free,
        }
    }

    /// Letters one after the other, and the rows they scroll.
    fn letters(&self, count: u64) -> u64 {
        let rows = count / u64::from(self.size.cols());
        count
            .saturating_mul(LETTER)
            .saturating_add(rows.saturating_mul(self.row()))
    }

    /// What is still done of a function that there is no credit for.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the few that can be done in part; all others are left out"
    )]
    fn instead_of(&mut self, function: Function) -> Option<Function> {
        match function {
            Function::Rep(times) => {
                let each = LETTER.saturating_add(self.row().div_ceil(u64::from(self.size.cols())));
                let affordable = u64::try_from(self.credit).unwrap_or(0) / each;
                let times = u16::try_from(affordable).unwrap_or(times).min(times);
                (times > 0 && self.pay(self.letters(u64::from(times))))
                    .then_some(Function::Rep(times))
            }
            // Modes, margins and colours at least; what stands there stays.
            Function::Ris => Some(Function::Decstr),
            Function::Decset(modes) => {
                let modes: Vec<DecMode> = modes
                    .as_slice()
                    .iter()
                    .copied()
                    .filter(|mode| !is_alternate(mode))
                    .collect();
                (!modes.is_empty()).then(|| Function::Decset(DecModes::from(modes)))
            }
            _ => None,
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the few that this meter has to remember"
    )]
    fn carried_out(&mut self, function: &Function) {
        match function {
            Function::Ed(EdScope::All) => self.blank = true,
            Function::Ris => (self.blank, self.alternate) = (true, false),
            Function::Decset(modes) if modes.as_slice().iter().any(is_alternate) => {
                (self.blank, self.alternate) = (false, true);
            }
            Function::Decrst(modes) if modes.as_slice().iter().any(is_alternate) => {
                (self.blank, self.alternate) = (false, false);
            }
            _ => {}
        }
    }

    fn pay(&mut self, cost: u64) -> bool {
        let left = self.credit.saturating_sub(narrow(cost));
        if left < 0 && cost > 0 {
            return false;
        }
        self.credit = left;
        true
    }

    fn earn(&mut self, cells: u64) {
        self.credit = self.credit.saturating_add(narrow(cells)).min(self.most());
    }

    fn most(&self) -> i64 {
        narrow(SAVED_SCREENS.saturating_mul(self.screen()))
    }

    fn screen(&self) -> u64 {
        screen_of(self.size)
    }

    fn rows(&self) -> u64 {
        self.size.rows().into()
    }

    fn row(&self) -> u64 {
        u64::from(self.size.cols()) + ROW
    }
}

enum Priced {
    Free,
    For(u64),
}

fn screen_of(size: Size) -> u64 {
    u64::from(size.rows()) * (u64::from(size.cols()) + ROW)
}

fn is_alternate(mode: &DecMode) -> bool {
    match mode {
        DecMode::AltScreenBuffer | DecMode::SaveCursorAltScreenBuffer => true,
        DecMode::CursorKeys
        | DecMode::Origin
        | DecMode::AutoWrap
        | DecMode::TextCursorEnable
        | DecMode::SaveCursor => false,
    }
}

/// What moves the cursor at most; the others may write, and are taken to have written.
fn keeps_blank(function: &Function) -> bool {
    matches!(
        function,
        Function::Cup(..)
            | Function::Cha(_)
            | Function::Cub(_)
            | Function::Cud(_)
            | Function::Cuf(_)
            | Function::Cuu(_)
            | Function::Vpa(_)
            | Function::Vpr(_)
            | Function::Cr
            | Function::Bs
            | Function::Ed(_)
    )
}

fn narrow(cells: u64) -> i64 {
    i64::try_from(cells).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "meter_tests.rs"]
mod tests;
