//! A passage that is held: nothing is read of either side, and nothing is lost (X3).
//!
//! What a person types meanwhile on a terminal is refused and counted, so that it does not run later, out of their sight; a
//! stream waits by its window, and goes on exactly.

use ecluse_recordings::RecordError;
use tokio::sync::watch;

use super::{Ends, Known, Pump};
use crate::live::Held;
use crate::passage::side::Piece;

/// What holds a channel.
pub(crate) struct Holds<'a> {
    /// As it changes.
    pub(crate) held: watch::Receiver<Held>,
    /// Which channel.
    pub(crate) channel: u32,
    /// Whether a person types there.
    pub(crate) typed: bool,
    /// What they are told of so many bytes that were refused.
    pub(crate) refused: &'a (dyn Fn(u64) -> String + Send + Sync),
}

impl Holds<'_> {
    /// Whether nothing passes.
    pub(super) fn is_held(&self) -> bool {
        self.held.borrow().holds(self.channel)
    }

    /// Waits until that may be another.
    pub(super) async fn changed(&mut self) {
        if self.held.changed().await.is_err() {
            // Whoever could tell is gone, and the channel with it.
            std::future::pending::<()>().await;
        }
    }
}

impl Known {
    /// Something was typed while nothing passes: it is refused, and counted.
    pub(crate) fn refuses(&mut self, piece: &Piece) {
        self.refused += piece.payload() as u64;
    }

    /// What was refused so far; it is told. **Unit**: bytes.
    pub(crate) fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused)
    }

    /// What the technician sends has ended, and the target is told that once it is reached.
    pub(crate) fn ends(&mut self) {
        self.ended = true;
    }
}

impl Pump<'_> {
    /// Refuses what was typed while nothing passes, and keeps the window's size; what is not of that kind comes back.
    pub(super) fn refuses(&mut self, piece: Piece) -> Option<Piece> {
        match piece {
            Piece::Data(_) | Piece::ErrorData(_) | Piece::Signal(_) => {
                self.known.refuses(&piece);
                None
            }
            // The last is enough.
            Piece::Resize(size) => {
                self.known.resized = Some(size);
                None
            }
            Piece::Eof | Piece::Exit(_) | Piece::Refused | Piece::Remark(_) | Piece::Close => {
                Some(piece)
            }
        }
    }

    /// Tells, once something passes again, what was refused meanwhile.
    pub(super) fn tell_refused(&mut self, ends: &mut Ends<'_>) -> Result<(), RecordError> {
        match self.known.take_refused() {
            0 => Ok(()),
            refused => self.tell(&(self.holds.refused)(refused), ends),
        }
    }
}
