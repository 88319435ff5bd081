//! The screen on which the line of a terminal is drawn: made when it is needed, of a bounded size, and paid for.
//!
//! It is there where a tripwire lies, and nowhere else. A terminal may be of any size, and cells cost memory: what is drawn has as many
//! columns as the terminal, so that lines wrap where they wrap there, and so many rows as its cells leave; a line scrolls off a lower screen
//! sooner and is the same line.

use std::fmt;
use std::sync::Arc;

use ecluse_recordings::{Screen, Size};

use crate::passage::purse::{Place, Purse};

/// The most cells that are drawn: those of a large monitor.
const CELLS: u32 = 16 << 10;
/// What one takes at most, on both screens of a terminal. **Unit**: bytes.
const CELL: usize = 48;
/// What a screen takes beside its cells, with what waits to be drawn. **Unit**: bytes.
const BESIDE: usize = 64 << 10;

/// The screen of one terminal.
pub(crate) struct Drawing {
    size: Size,
    place: Place,
    screen: Option<Screen>,
}

impl fmt::Debug for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drawing").finish_non_exhaustive()
    }
}

impl Drawing {
    /// Of a terminal of this size, on a connection with this purse: nothing is drawn and nothing paid yet.
    pub(crate) fn new(cols: u32, rows: u32, purse: &Arc<Purse>) -> Self {
        Self {
            size: bounded(cols, rows),
            place: Place::none(purse),
            screen: None,
        }
    }

    /// Pays for it; false where there is not so much.
    pub(crate) fn is_paid(&mut self) -> bool {
        self.place.grows_to(cost(self.size))
    }

    /// The screen; none where there is too little to pay for it.
    pub(super) fn screen(&mut self) -> Option<&mut Screen> {
        if self.screen.is_none() && self.is_paid() {
            self.screen = Some(Screen::new(self.size));
        }
        self.screen.as_mut()
    }

    /// An empty one, where there is one.
    pub(super) fn clear(&mut self) {
        if let Some(screen) = &mut self.screen {
            *screen = Screen::new(self.size);
        }
    }

    /// The terminal has another size. Where there is too little for that, it stays as it was drawn.
    pub(crate) fn resized(&mut self, cols: u32, rows: u32) {
        let size = bounded(cols, rows);
        let Some(screen) = &mut self.screen else {
            self.size = size;
            return;
        };
        if self.place.grows_to(cost(size)) {
            self.size = size;
            screen.resize(size.cols().into(), size.rows().into());
        }
    }
}

fn bounded(cols: u32, rows: u32) -> Size {
    let size = Size::clamped(cols, rows);
    let most = (CELLS / u32::from(size.cols())).max(1);
    Size::clamped(size.cols().into(), u32::from(size.rows()).min(most))
}

fn cost(size: Size) -> usize {
    usize::from(size.cols()) * usize::from(size.rows()) * CELL + BESIDE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F5: no screen is drawn before it is needed; its size is bounded and its cost counted; what cannot be paid for is not drawn.
    #[test]
    fn a_screen_is_drawn_when_it_is_needed_bounded_and_paid_for() {
        const MIB: i64 = 1 << 20;
        let common = Purse::common(64 << 20);
        let purse = Purse::of_connection(&common);
        let taken = || 64 * MIB - common.free();
        let mut all: Vec<_> = (0..4).map(|_| Drawing::new(1000, 120, &purse)).collect();
        all.iter_mut().for_each(|one| one.resized(500, 900));
        all.iter_mut().for_each(|one| one.resized(1000, 120));
        assert_eq!(taken(), 0, "nothing is drawn");
        let one = &mut all[0];
        let size = one.screen().unwrap().size();
        assert_eq!((size.cols(), size.rows()), (1000, 16));
        assert!(taken() > 500 << 10 && taken() < MIB, "{}", taken());
        let before = taken();
        one.clear();
        one.resized(80, 24);
        one.resized(u32::MAX, u32::MAX);
        assert_eq!(taken(), before, "it grows no further");
        // As many as there is memory for, and a small one sooner.
        let mut many: Vec<_> = (0..200).map(|_| Drawing::new(1000, 120, &purse)).collect();
        let paid = many.iter_mut().filter_map(Drawing::screen).count();
        assert!((3..20).contains(&paid), "{paid} of 200");
        assert!(common.free() > 0);
        drop((all, many));
        assert_eq!(taken(), 0, "all comes back");
    }
}
