//! A passage that is held: nothing is read of either side, and nothing is lost (X3).
//!
//! What a person types meanwhile on a terminal is refused and counted, so that it does not run later, out of their sight; a
//! stream waits by its window, and goes on exactly.

use bytes::Bytes;
use ecluse_recordings::RecordError;
use tokio::sync::watch;

use super::{Ends, Known, Pump};
use crate::live::Held;
use crate::passage::side::{Piece, TermSize};
use crate::terminal::{Aside, AsideTyped as Typed};

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
    /// To whom they answer what they are asked meanwhile.
    pub(crate) desk: &'a dyn Desk,
}

/// Who takes the answers of a person at a terminal (N1).
pub(crate) trait Desk: Send + Sync {
    /// A line that is to become an answer.
    fn aside(&self) -> Aside;

    /// The columns of the terminal.
    fn columns(&self) -> u16;

    /// Takes the answer to the question at a place; where it is none, what is to be said.
    fn takes(&self, to: u64, answer: &str) -> Result<(), String>;
}

/// What a person answers.
#[derive(Debug)]
pub(super) struct Answering {
    /// Which question, by its place in the log.
    to: u64,
    /// The line; none once it was taken.
    line: Option<Aside>,
}

impl Holds<'_> {
    /// Whether nothing passes.
    pub(super) fn is_held(&self) -> bool {
        self.held.borrow().holds(self.channel)
    }

    /// Whether what waits for the target waits for whoever lets it go on, or comes to accompany it.
    pub(super) fn keeps_back(&self) -> bool {
        self.held.borrow().keeps_back()
    }

    /// What the person is to answer meanwhile.
    pub(super) fn asked(&self) -> Option<u64> {
        self.held.borrow().asked()
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
    /// Something was typed while nothing passes: it is refused, and counted, but for the answer to what is `asked`. What the
    /// terminal is to show.
    pub(crate) fn refuses(&mut self, piece: &Piece, asked: Option<u64>, desk: &dyn Desk) -> String {
        let (Some(to), Piece::Data(bytes)) = (asked, piece) else {
            self.refused += piece.payload() as u64;
            return String::new();
        };
        let fresh = || Answering {
            to,
            line: Some(desk.aside()),
        };
        let answering = self.answering.take().filter(|it| it.to == to);
        let answering = self.answering.insert(answering.unwrap_or_else(fresh));
        let Some(line) = &mut answering.line else {
            self.refused += piece.payload() as u64;
            return String::new();
        };
        let Typed {
            refused,
            mut shown,
            line,
        } = line.typed(bytes, desk.columns());
        self.refused += refused;
        if let Some(answer) = line {
            match desk.takes(to, &answer) {
                Ok(()) => answering.line = None,
                Err(words) => shown.push_str(&words),
            }
        }
        shown
    }

    /// The question to which a line is being typed: its rest is no matter of the target's, also once the hold is over.
    pub(super) fn answers(&self) -> Option<u64> {
        let answering = self.answering.as_ref()?;
        let is_open = answering.line.as_ref().is_some_and(Aside::is_open);
        is_open.then_some(answering.to)
    }

    /// What was refused so far; it is told. **Unit**: bytes.
    pub(crate) fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused)
    }

    /// The window has this size, of which the target is told.
    pub(crate) fn resizes(&mut self, size: TermSize) {
        self.resized = Some(size);
    }

    /// What the technician sends has ended, and the target is told that once it is reached.
    pub(crate) fn ends(&mut self) {
        self.ended = true;
    }
}

impl Pump<'_> {
    /// Refuses what was typed while nothing passes, and keeps the window's size; what is not of that kind comes back.
    pub(super) fn refuses(&mut self, piece: Piece, ends: &mut Ends<'_>) -> Option<Piece> {
        match piece {
            Piece::Data(_) | Piece::ErrorData(_) | Piece::Signal(_) => {
                let asked = self.known.answers().or_else(|| self.holds.asked());
                let desk = self.holds.desk;
                let shown = self.known.refuses(&piece, asked, desk);
                if !shown.is_empty() {
                    let outbox = &mut ends.technician.outbox;
                    outbox.put_words(Piece::ErrorData(Bytes::from(shown)));
                }
                None
            }
            // The last is enough.
            Piece::Resize(size) => {
                self.known.resizes(size);
                None
            }
            Piece::Eof
            | Piece::Exit(_)
            | Piece::Refused
            | Piece::Remark(_)
            | Piece::Beside(_)
            | Piece::BesideOver
            | Piece::Run(_)
            | Piece::Close => Some(piece),
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
