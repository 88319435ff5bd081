//! The screen of a replay: the recording's events in their time, and the keys that govern them.
//!
//! Drawn by the recordings crate's terminal model and painter: what was recorded cannot act on the
//! auditor's terminal (R11).

use std::time::Duration;

use ecluse_policy::{Refusal, Span};
use ecluse_recordings::Size as ScreenSize;
use ecluse_recordings::{Painter, Playback, ReadError, Screen, Step, Timed};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::replay::still_theirs;
use crate::admission::desk::{Desk, Trouble};
use crate::operator::watch::{apply, viewer};
use crate::store::Session;
use crate::terminal::{Event, Key, Size};
use crate::texts::times;

/// How far an arrow key goes.
const JUMP: Duration = Duration::from_secs(10);
/// Events fed in one go before keys are looked at again.
const BATCH: usize = 256;
/// How long the way to the beginning may take before something is drawn.
const FIRST: Duration = Duration::from_secs(1);
/// The shortest time between two drawings.
const FRAME: Duration = Duration::from_millis(40);
/// Going back to a marker within this time of it goes to the one before.
const GRACE: Duration = Duration::from_millis(1500);

/// A recording being played.
pub(super) struct Stage {
    playback: Playback,
    screen: Screen,
    /// The event that comes next, and how much of its wait is left, at speed 1 of the real clock.
    next: Option<(Timed, Duration)>,
    /// Since when the wait runs; `None` while paused.
    since: Option<Instant>,
    length: Option<Duration>,
    over: bool,
    who: String,
    markers: Vec<Duration>,
}

/// Why a replay ended before the auditor quit.
pub(super) enum Stopped {
    /// The right to read it ended.
    Refused(Refusal),
    /// The recording cannot be read.
    Unreadable(ReadError),
}

impl From<ReadError> for Stopped {
    fn from(error: ReadError) -> Self {
        Self::Unreadable(error)
    }
}

enum Pressed {
    Nothing,
    Quit,
}

impl Stage {
    /// A stage for a playback that was set up; `length` where it is known.
    pub(super) fn new(playback: Playback, length: Option<Duration>, who: String) -> Self {
        let markers = playback
            .markers()
            .unwrap_or_default()
            .into_iter()
            .map(|(at, _)| at)
            .collect();
        Self {
            playback,
            screen: Screen::new(ScreenSize::clamped(80, 24)),
            next: None,
            since: Some(Instant::now()),
            length,
            over: false,
            who,
            markers,
        }
    }

    /// Plays until the auditor quits.
    pub(super) async fn run(
        mut self,
        desk: &mut Desk<'_>,
        session: &Session,
    ) -> Result<Result<(), Stopped>, Trouble> {
        let size = desk.terminal.size().unwrap_or(Size { cols: 80, rows: 24 });
        let mut painter = Painter::new(viewer(size));
        let enter = painter.enter();
        desk.terminal.write(&enter).await?;
        let done = self.play(desk, session, &mut painter).await;
        let leave = painter.leave();
        desk.terminal.write(&leave).await?;
        done
    }

    async fn play(
        &mut self,
        desk: &mut Desk<'_>,
        session: &Session,
        painter: &mut Painter,
    ) -> Result<Result<(), Stopped>, Trouble> {
        let mut tick = interval(Duration::from_millis(500));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut drawn: Option<Instant> = None;
        let begun = Instant::now();
        loop {
            if let Err(refusal) = still_theirs(desk, session, false) {
                return Ok(Err(Stopped::Refused(refusal)));
            }
            let settled = match self.feed() {
                Ok(settled) => settled,
                Err(error) => return Ok(Err(error.into())),
            };
            // On the way to where the auditor wants to begin nothing is drawn, unless it takes long.
            let since = drawn.unwrap_or(begun);
            let patience = if drawn.is_none() { FIRST } else { FRAME };
            if settled || since.elapsed() >= patience {
                let status = self.status(desk);
                let frame = painter.paint(&self.screen, &status);
                desk.terminal.write(&frame).await?;
                drawn = Some(Instant::now());
            }
            let due = self.due();
            tokio::select! {
                biased;
                event = desk.terminal.event() => match event? {
                    Event::Key(key) => match self.press(key) {
                        Ok(Pressed::Nothing) => {}
                        Ok(Pressed::Quit) => return Ok(Ok(())),
                        Err(error) => return Ok(Err(error.into())),
                    },
                    Event::Resize(size) => painter.resize(viewer(size)),
                    Event::Eof => return Ok(Ok(())),
                },
                () = tokio::task::yield_now(), if !settled => {}
                () = sleep_until(due.unwrap_or_else(Instant::now)), if settled && due.is_some() => {}
                _ = tick.tick(), if settled => {}
            }
        }
    }

    /// Feeds everything that is due; `false` when there is more to feed at once.
    fn feed(&mut self) -> Result<bool, ReadError> {
        for _ in 0..BATCH {
            match self.next.take() {
                Some((timed, left)) => {
                    if self.since.is_none_or(|since| since.elapsed() < left) && !left.is_zero() {
                        self.next = Some((timed, left));
                        return Ok(true);
                    }
                    // The next wait begins when this one was to end, so that delays do not add up.
                    self.since = self.since.map(|since| since + left);
                    apply(&mut self.screen, timed.event);
                }
                None => match self.playback.next_step()? {
                    Step::Event(timed) => {
                        let wait = timed.wait;
                        self.next = Some((timed, wait));
                    }
                    Step::Waiting => {
                        self.since = self.since.map(|_| Instant::now());
                        return Ok(true);
                    }
                    Step::End => {
                        self.over = true;
                        return Ok(true);
                    }
                },
            }
        }
        Ok(false)
    }

    /// When the next event is due, unless paused.
    fn due(&self) -> Option<Instant> {
        let (_, left) = self.next.as_ref()?;
        self.since.map(|since| since + *left)
    }

    fn press(&mut self, key: Key) -> Result<Pressed, ReadError> {
        match key {
            Key::Char('q' | 'Q') | Key::Control('c' | 'd') => return Ok(Pressed::Quit),
            Key::Char(' ') if self.over => self.go_to(Duration::ZERO)?,
            Key::Char(' ') => self.pause_or_go(),
            Key::Char('+' | '=') => self.set_speed(self.playback.speed() * 2.0),
            Key::Char('-') => self.set_speed(self.playback.speed() / 2.0),
            Key::Right => self.go_to(self.position().saturating_add(JUMP))?,
            Key::Left => self.go_to(self.position().saturating_sub(JUMP))?,
            Key::Home => self.go_to(Duration::ZERO)?,
            Key::End => self.go_to(self.length.unwrap_or(Duration::MAX))?,
            Key::Char('n') => {
                let position = self.position();
                if let Some(marker) = self
                    .markers
                    .iter()
                    .copied()
                    .find(|marker| *marker > position)
                {
                    self.go_to(marker)?;
                }
            }
            Key::Char('p') => {
                let before = self.position().saturating_sub(GRACE);
                let marker = self
                    .markers
                    .iter()
                    .rev()
                    .copied()
                    .find(|marker| *marker < before);
                self.go_to(marker.unwrap_or_default())?;
            }
            Key::Char(_)
            | Key::Control(_)
            | Key::Enter
            | Key::Backspace
            | Key::Delete
            | Key::Tab
            | Key::Up
            | Key::Down
            | Key::PageUp
            | Key::PageDown
            | Key::PasteStart
            | Key::PasteEnd => {}
        }
        Ok(Pressed::Nothing)
    }

    fn pause_or_go(&mut self) {
        match self.since.take() {
            Some(since) => {
                if let Some((_, left)) = &mut self.next {
                    *left = left.saturating_sub(since.elapsed());
                }
            }
            None => self.since = Some(Instant::now()),
        }
    }

    fn set_speed(&mut self, speed: f64) {
        let before = self.playback.speed();
        self.playback.set_speed(speed.clamp(0.1, 100.0));
        let factor = before / self.playback.speed();
        if let Some((_, left)) = &mut self.next {
            let passed = self.since.map(|since| since.elapsed()).unwrap_or_default();
            let rest = left.saturating_sub(passed);
            *left = Duration::try_from_secs_f64(rest.as_secs_f64() * factor).unwrap_or(rest);
            self.since = self.since.map(|_| Instant::now());
        }
    }

    /// Goes to a recorded time; while paused, the screen of that time is shown.
    fn go_to(&mut self, to: Duration) -> Result<(), ReadError> {
        let to = self.length.map_or(to, |length| to.min(length));
        // The event in hand was read already: going forward past it, it is fed now.
        if let Some((timed, left)) = &mut self.next
            && timed.at <= to
        {
            *left = Duration::ZERO;
        } else {
            self.next = None;
            // Read again from the start: the event in hand belongs after the new position.
            self.playback.seek(Duration::ZERO)?;
        }
        self.playback.seek(to)?;
        self.over = false;
        self.since = self.since.map(|_| Instant::now());
        Ok(())
    }

    /// The recorded time that the clock shows.
    fn position(&self) -> Duration {
        match &self.next {
            // Between two events the clock goes on, unless idle time is being skipped.
            Some((timed, left)) => {
                let passed = self.since.map(|since| since.elapsed()).unwrap_or_default();
                let rest = left.saturating_sub(passed).mul_f64(self.playback.speed());
                timed.at.saturating_sub(rest)
            }
            None => self.playback.position(),
        }
    }

    fn status(&self, desk: &Desk<'_>) -> String {
        let state = match (self.over, self.since) {
            (true, _) => "replay-over",
            (false, Some(_)) => "replay-playing",
            (false, None) => "replay-paused",
        };
        let shown = |at: Duration| times::countdown(desk.lang(), Span::from_secs(at.as_secs()));
        let speed = self.playback.speed();
        let args = [
            ("state", desk.say(state, &[]).into()),
            ("at", shown(self.position()).into()),
            ("length", self.length.map_or("…".to_owned(), shown).into()),
            ("speed", format!("{speed}").into()),
            ("who", self.who.as_str().into()),
        ];
        format!(
            "{} · {}",
            desk.say("replay-status", &args),
            desk.say("replay-keys", &[])
        )
    }
}
