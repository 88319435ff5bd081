//! The player: somebody else's terminal on the looker's own, as it passes or as it was recorded (I5, R10, R11).
//!
//! It has two sources, what passes now ([`Present`]) and a recording at a place in time ([`Recorded`]). The loop, the keys
//! that leave, cut and move over the picture, and the rate of drawing stand here, once. What is shown is the recordings
//! crate's terminal model, painted by its painter: no byte of a target reaches a looker's terminal as it was. All of it
//! is read and drawn by those who read, in their turns; keys are taken here, at once. By what right somebody looks, this
//! room does not know: it asks what it was given, before anything more is shown.

mod canvas;
mod present;
mod recorded;

use std::time::Duration;

use ecluse_policy::Refusal;
use ecluse_recordings::ReadError;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

pub(crate) use self::present::{Present, how_it_ended};
pub(crate) use self::recorded::Recorded;

use self::canvas::{Canvas, FRAME};
use super::desk::{Desk, Trouble};
use crate::readers::Turn;
use crate::terminal::{Event, Key, Size};
use crate::texts::Unreadable;

/// How often the status line moves.
const TICK: Duration = Duration::from_millis(500);
/// Keys that wait for the turn of the screen they are meant for.
const KEYS: usize = 64;

/// Why a player stopped.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The looker left.
    Left {
        /// What they looked at had come to its end.
        over: bool,
    },
    /// The looker wants it cut, and confirmed that.
    Cut,
    /// The right to look ended.
    Refused(Refusal),
    /// What is shown cannot be read any further.
    Unreadable(Unreadable),
}

/// Something to look at, drawn further by those who read.
pub(crate) trait Source: Send + 'static {
    /// Does what a key says, where it is one of this source's own.
    fn press(&mut self, key: Key) -> Result<bool, ReadError>;

    /// Draws what is due, for a turn at most, and puts it on the canvas.
    fn draw(&mut self, turn: &Turn, canvas: &mut Canvas) -> Result<Stand, ReadError>;

    /// Changes when there is more to draw, where something says so.
    fn progress(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    /// Whether a looker may ask here for the red handle.
    fn can_be_cut(&self) -> bool {
        false
    }
}

/// How a picture stands after a turn.
pub(crate) struct Stand {
    /// Nothing is left to be drawn at once.
    settled: bool,
    /// When there is more to draw, where that is known.
    due: Option<Instant>,
    /// It stays as it is: what is looked at has ended.
    over: bool,
    /// And there never was anything to show.
    nothing: bool,
}

/// Plays `source` until the looker leaves or `may_look` says that they may not any more.
pub(crate) async fn play(
    desk: &mut Desk<'_>,
    source: impl Source,
    may_look: &(dyn Fn(&Desk<'_>) -> Result<(), Refusal> + Sync),
) -> Result<Stopped, Trouble> {
    let mut canvas = Canvas::new(desk);
    let leave = canvas.leave();
    let enter = canvas.enter();
    desk.terminal.write(&enter).await?;
    let playing = Playing {
        source: Box::new(source),
        canvas,
    };
    let stopped = playing.run(desk, may_look).await;
    desk.terminal.write(&leave).await?;
    stopped
}

/// What is played, and the canvas it is on: with whom reads while it is their turn.
struct Playing {
    source: Box<dyn Source>,
    canvas: Canvas,
}

impl Playing {
    async fn run(
        self,
        desk: &mut Desk<'_>,
        may_look: &(dyn Fn(&Desk<'_>) -> Result<(), Refusal> + Sync),
    ) -> Result<Stopped, Trouble> {
        let mut hand = Hand::new(desk, &self);
        let mut progress = self.source.progress();
        let mut playing = Box::new(self);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Some(progress) = &mut progress {
                progress.borrow_and_update();
            }
            let asked = hand.ask(desk.terminal.has_room());
            let mut turn = desk.gateway.readers.turn(move |turn| {
                let shown = playing.turn(turn, asked);
                (playing, shown)
            });
            // Keys count at once, whoever has the turn: the hand does not wait for the eye.
            let played = loop {
                tokio::select! {
                    biased;
                    event = desk.terminal.event() => {
                        if let Some(stopped) = hand.take(event?) {
                            return Ok(stopped);
                        }
                    }
                    played = &mut turn => break played,
                }
            };
            let (stand, frame);
            (playing, (stand, frame)) = match played {
                Ok((playing, Ok(shown))) => (playing, shown),
                Ok((_, Err(error))) => return Ok(Stopped::Unreadable(error.into())),
                Err(interrupted) => return Ok(Stopped::Unreadable(interrupted.into())),
            };
            if let Err(refusal) = may_look(desk) {
                return Ok(Stopped::Refused(refusal));
            }
            desk.terminal.write(&frame).await?;
            if stand.nothing {
                return Ok(Stopped::Left { over: true });
            }
            hand.over = stand.over;
            if !stand.settled || hand.moved {
                continue;
            }
            let drawn = Instant::now();
            tokio::select! {
                biased;
                event = desk.terminal.event() => {
                    if let Some(stopped) = hand.take(event?) {
                        return Ok(stopped);
                    }
                }
                _ = tick.tick() => {}
                () = sleep_until(stand.due.unwrap_or(drawn)), if stand.due.is_some() => {}
                () = more(&mut progress, drawn) => {}
            }
        }
    }

    /// Does what the keys said, draws what is due, and gives what is to be sent.
    fn turn(&mut self, turn: &Turn, asked: Asked) -> Result<(Stand, String), ReadError> {
        let Asked {
            keys,
            size,
            sure,
            room,
        } = asked;
        self.canvas.begin(size, room, sure);
        for key in keys {
            self.canvas.help = key == Key::Char('?') && !self.canvas.help;
            if !self.source.press(key)? {
                self.canvas.press(key);
            }
        }
        let stand = self.source.draw(turn, &mut self.canvas)?;
        Ok((stand, self.canvas.take_frame()))
    }
}

/// What a turn is asked for.
struct Asked {
    keys: Vec<Key>,
    size: Size,
    sure: bool,
    /// Whether the looker's terminal takes a frame.
    room: bool,
}

/// What the looker's hand did since the last turn began.
struct Hand {
    keys: Vec<Key>,
    size: Size,
    /// `c` was pressed: the next key confirms.
    sure: bool,
    /// Letters that say yes; none where nothing can be cut.
    yes: Option<String>,
    /// There is nothing left to be cut.
    over: bool,
    /// Something happened that the picture does not show.
    moved: bool,
}

impl Hand {
    fn new(desk: &Desk<'_>, playing: &Playing) -> Self {
        let yes = || desk.say("common-yes-keys", &[]);
        Self {
            keys: Vec::new(),
            size: playing.canvas.size(),
            sure: false,
            yes: playing.source.can_be_cut().then(yes),
            over: false,
            moved: false,
        }
    }

    fn ask(&mut self, room: bool) -> Asked {
        self.moved = false;
        Asked {
            keys: std::mem::take(&mut self.keys),
            size: self.size,
            sure: self.sure,
            room,
        }
    }

    /// Takes in what the looker did; how the player stops, where it does.
    fn take(&mut self, event: Event) -> Option<Stopped> {
        let sure = std::mem::take(&mut self.sure);
        let yes = self.yes.as_deref();
        self.moved = true;
        match event {
            Event::Resize(size) => self.size = size,
            Event::Key(Key::Char(c)) if sure => {
                return yes
                    .is_some_and(|yes| yes.contains(c))
                    .then_some(Stopped::Cut);
            }
            Event::Key(Key::Char('q' | 'Q') | Key::Control('c' | 'd')) | Event::Eof => {
                return Some(Stopped::Left { over: self.over });
            }
            Event::Key(Key::Char('c' | 'C')) if yes.is_some() => self.sure = !self.over,
            Event::Key(key) if self.keys.len() < KEYS => self.keys.push(key),
            Event::Key(_) => {}
        }
        None
    }
}

/// Waits for something new to draw, and then until the next frame may be.
async fn more(progress: &mut Option<watch::Receiver<u64>>, drawn: Instant) {
    let changed = match progress {
        Some(progress) => progress.changed().await.is_ok(),
        None => false,
    };
    if !changed {
        // Nothing says so, or nobody any more: what was left is read to its end by the ticks.
        std::future::pending::<()>().await;
    }
    sleep_until(drawn + FRAME).await;
}

#[cfg(test)]
mod tests;
