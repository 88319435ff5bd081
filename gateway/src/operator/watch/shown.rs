//! A screen as an operator sees it: drawn further and painted by those who read, in their turns.

use std::sync::Arc;
use std::time::Duration;

use ecluse_recordings::{Painter, ReadError, Size as ScreenSize};
use tokio::time::Instant;

use super::viewer;
use crate::live::LiveSession;
use crate::readers::Turn;
use crate::screens::{LiveScreen, Progress};
use crate::terminal::Size;
use crate::terminal::below::Moves;

/// The shortest time between two drawings: a flood of output is drawn twenty times a second.
pub(super) const FRAME: Duration = Duration::from_millis(50);

/// What of a channel stands on the operator's terminal; drawn by those who read, in their turns.
pub(super) struct Shown {
    session: Arc<LiveSession>,
    channel: u32,
    screen: Option<Arc<LiveScreen>>,
    painter: Painter,
    size: Size,
    painted: Option<Instant>,
}

/// What came of looking.
#[derive(Default)]
pub(super) struct Look {
    /// What to send; empty where nothing changed.
    pub(super) frame: String,
    /// How far the screen is; `None` while others draw it.
    pub(super) progress: Option<Progress>,
    /// Sequences that were not drawn.
    pub(super) left_out: u64,
    /// How large the technician's screen is.
    pub(super) screen: Option<ScreenSize>,
}

/// What is wanted of a look.
pub(super) struct Wanted {
    pub(super) size: Size,
    pub(super) status: String,
    pub(super) moves: Moves,
    /// Whether the operator's terminal takes a frame.
    pub(super) paint: bool,
}

impl Shown {
    /// Nothing of it yet.
    pub(super) fn new(session: Arc<LiveSession>, channel: u32, size: Size) -> Self {
        Self {
            session,
            channel,
            screen: None,
            painter: Painter::new(viewer(size)),
            size,
            painted: None,
        }
    }

    /// Draws the screen further, and paints it where it is time to.
    pub(super) fn look(&mut self, turn: &Turn, wanted: &Wanted) -> Result<Look, ReadError> {
        let screen = match &self.screen {
            Some(screen) => Arc::clone(screen),
            None => {
                let opened = self.session.screen(self.channel)?;
                Arc::clone(self.screen.insert(opened))
            }
        };
        if self.size != wanted.size {
            self.size = wanted.size;
            self.painter.resize(viewer(wanted.size));
        }
        wanted.moves.make(&mut self.painter);
        let look = screen.draw(turn, |screen, progress| {
            let waited = self
                .painted
                .is_none_or(|painted| painted.elapsed() >= FRAME);
            let frame = if wanted.paint && (waited || progress != Progress::Behind) {
                self.painted = Some(Instant::now());
                self.painter.paint(screen, &wanted.status)
            } else {
                String::new()
            };
            Look {
                frame,
                progress: Some(progress),
                left_out: screen.left_out(),
                screen: Some(screen.size()),
            }
        });
        Ok(look?.unwrap_or_default())
    }
}
