//! The screen of a replay: the recording's events in their time, and the keys that govern them.
//!
//! Drawn by the recordings crate's terminal model and painter: what was recorded cannot act on the
//! auditor's terminal (R11). All of it is read and drawn by those who read, in their turns; keys are taken here.

use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::{Lang, Refusal, Span};
use ecluse_recordings::Size as ScreenSize;
use ecluse_recordings::{Painter, PlayEvent, Playback, ReadError, Screen, Step, Timed};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::replay::still_theirs;
use crate::admission::desk::{Desk, Trouble};
use crate::gateway::Gateway;
use crate::operator::watch::viewer;
use crate::readers::{Interrupted, Turn};
use crate::screens::apply;
use crate::store::Session;
use crate::terminal::below::{self, Moves};
use crate::terminal::{Event, Key, Size};
use crate::texts::{Unreadable, times};

/// How far an arrow key goes.
const JUMP: Duration = Duration::from_secs(10);
/// Keys that wait for the turn of the screen they are meant for.
const KEYS: usize = 64;
/// How long the way to the beginning may take before something is drawn.
const FIRST: Duration = Duration::from_secs(1);
/// The shortest time between two drawings.
const FRAME: Duration = Duration::from_millis(40);
/// The same on the way to where the auditor wants to be: the clock alone is of interest.
const ON_THE_WAY: Duration = Duration::from_millis(500);
/// How long a refusal stands in the status line. **Unit**: recorded time.
const REFUSED: Duration = Duration::from_secs(10);
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
    /// Where the auditor wants to be, until the replay is there.
    toward: Option<Duration>,
    who: String,
    markers: Vec<Duration>,
    /// What was refused last, and when.
    refused: Option<(Duration, String)>,
    painter: Painter,
    size: Size,
    begun: Instant,
    drawn: Option<Instant>,
    gateway: Arc<Gateway>,
    lang: Lang,
}

/// What came of a turn.
struct Shown {
    /// What to send.
    frame: String,
    /// Nothing is left to be fed at once.
    settled: bool,
    /// When the next event is due, unless paused.
    due: Option<Instant>,
}

/// Why a replay ended before the auditor quit.
pub(super) enum Stopped {
    /// The right to read it ended.
    Refused(Refusal),
    /// The recording cannot be read.
    Unreadable(Unreadable),
}

impl From<ReadError> for Stopped {
    fn from(error: ReadError) -> Self {
        Self::Unreadable(error.into())
    }
}

impl Stage {
    /// A stage for a playback that was set up and is on its way to `at`, with its markers; `length` where it is known.
    pub(super) fn new(
        desk: &Desk<'_>,
        playback: Playback,
        at: Duration,
        markers: Vec<Duration>,
        length: Option<Duration>,
        who: String,
    ) -> Self {
        let size = desk.terminal.size().unwrap_or(Size { cols: 80, rows: 24 });
        Self {
            playback,
            screen: Screen::new(ScreenSize::clamped(80, 24)),
            next: None,
            since: Some(Instant::now()),
            length,
            over: false,
            toward: Some(at).filter(|at| !at.is_zero()),
            who,
            markers,
            refused: None,
            painter: Painter::new(viewer(size)),
            size,
            begun: Instant::now(),
            drawn: None,
            gateway: Arc::clone(desk.gateway),
            lang: desk.lang(),
        }
    }

    /// Plays until the auditor quits.
    pub(super) async fn run(
        mut self,
        desk: &mut Desk<'_>,
        session: &Session,
    ) -> Result<Result<(), Stopped>, Trouble> {
        let enter = self.painter.enter();
        let leave = self.painter.leave();
        desk.terminal.write(&enter).await?;
        let done = Box::new(self).play(desk, session).await;
        desk.terminal.write(&leave).await?;
        done
    }

    async fn play(
        self: Box<Self>,
        desk: &mut Desk<'_>,
        session: &Session,
    ) -> Result<Result<(), Stopped>, Trouble> {
        let mut stage = self;
        let mut tick = interval(Duration::from_millis(500));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut events = Vec::new();
        loop {
            let (mut now, paint) = (std::mem::take(&mut events), desk.terminal.has_room());
            let mut turn = desk.gateway.readers.turn(move |turn| {
                let shown = stage.turn(turn, &mut now, paint);
                (stage, shown)
            });
            // Leaving waits for nobody.
            let played = loop {
                tokio::select! {
                    biased;
                    event = desk.terminal.event() => {
                        let event = event?;
                        if leaves(event) {
                            return Ok(Ok(()));
                        }
                        if events.len() < KEYS {
                            events.push(event);
                        }
                    }
                    played = &mut turn => break played,
                }
            };
            let shown;
            (stage, shown) = match played {
                Ok((stage, Ok(shown))) => (stage, shown),
                Ok((_, Err(error))) => return Ok(Err(error.into())),
                Err(interrupted @ Interrupted) => {
                    return Ok(Err(Stopped::Unreadable(interrupted.into())));
                }
            };
            if let Err(refusal) = still_theirs(desk, session, false) {
                return Ok(Err(Stopped::Refused(refusal)));
            }
            desk.terminal.write(&shown.frame).await?;
            if !shown.settled || !events.is_empty() {
                continue;
            }
            tokio::select! {
                biased;
                event = desk.terminal.event() => {
                    let event = event?;
                    if leaves(event) {
                        return Ok(Ok(()));
                    }
                    events.push(event);
                }
                () = sleep_until(shown.due.unwrap_or_else(Instant::now)), if shown.due.is_some() => {}
                _ = tick.tick() => {}
            }
        }
    }

    /// Does what the keys said, feeds what is due, and paints where it is time to.
    fn turn(
        &mut self,
        turn: &Turn,
        events: &mut Vec<Event>,
        paint: bool,
    ) -> Result<Shown, ReadError> {
        for event in events.drain(..) {
            match event {
                Event::Key(key) => self.press(key)?,
                Event::Resize(size) => {
                    self.size = size;
                    self.painter.resize(viewer(size));
                }
                Event::Eof => {}
            }
        }
        let settled = self.feed(turn)?;
        if settled || self.toward.is_some_and(|to| self.playback.position() > to) {
            self.toward = None;
        }
        // On the way to where the auditor wants to begin nothing is drawn, unless it takes long.
        let since = self.drawn.unwrap_or(self.begun);
        let patience = match (self.drawn, self.toward) {
            (None, _) => FIRST,
            (Some(_), Some(_)) => ON_THE_WAY,
            (Some(_), None) => FRAME,
        };
        let mut frame = String::new();
        if paint && (settled || since.elapsed() >= patience) {
            let status = self.status();
            frame = self.painter.paint(&self.screen, &status);
            self.drawn = Some(Instant::now());
        }
        Ok(Shown {
            frame,
            settled,
            due: self.due(),
        })
    }

    /// Feeds everything that is due, for a turn at most; `false` when there is more to feed at once.
    fn feed(&mut self, turn: &Turn) -> Result<bool, ReadError> {
        while !turn.is_over() {
            match self.next.take() {
                Some((timed, left)) => {
                    if self.since.is_none_or(|since| since.elapsed() < left) && !left.is_zero() {
                        self.next = Some((timed, left));
                        return Ok(true);
                    }
                    // The next wait begins when this one was to end, so that delays do not add up.
                    self.since = self.since.map(|since| since + left);
                    self.remember_refusal(&timed);
                    apply(&mut self.screen, timed);
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

    fn remember_refusal(&mut self, timed: &Timed) {
        if let PlayEvent::Marker(text) = &timed.event
            && let Some(text) = text.strip_prefix("ecluse:refused ")
        {
            self.refused = Some((timed.at, text.to_owned()));
        }
    }

    /// When the next event is due, unless paused.
    fn due(&self) -> Option<Instant> {
        let (_, left) = self.next.as_ref()?;
        self.since.map(|since| since + *left)
    }

    fn press(&mut self, key: Key) -> Result<(), ReadError> {
        match key {
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
            Key::Char('h' | 'j' | 'k' | 'l' | 'f') | Key::Up | Key::Down => {
                let mut moves = Moves::default();
                moves.press(key);
                moves.make(&mut self.painter);
            }
            Key::Char(_)
            | Key::Control(_)
            | Key::Enter
            | Key::Backspace
            | Key::Delete
            | Key::Tab
            | Key::PageUp
            | Key::PageDown
            | Key::PasteStart
            | Key::PasteEnd => {}
        }
        Ok(())
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
        self.toward = Some(to);
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

    fn status(&self) -> String {
        let say = |id: &str, args: &[(&str, _)]| self.gateway.texts.say(self.lang, id, args);
        let state = match (self.over, self.since) {
            (true, _) => "replay-over",
            (false, Some(_)) => "replay-playing",
            (false, None) => "replay-paused",
        };
        let shown = |at: Duration| times::countdown(self.lang, Span::from_secs(at.as_secs()));
        if let Some(to) = self.toward {
            // Nothing is played on the way: what is read is not what was asked for yet.
            let args = [
                ("to", shown(to.min(self.length.unwrap_or(to))).into()),
                ("at", shown(self.playback.position()).into()),
            ];
            let parts = [
                say("replay-quit", &[]),
                say("replay-seeking", &args),
                self.who.clone(),
            ];
            return below::status(&parts, self.size);
        }
        let speed = self.playback.speed();
        let args = [
            ("state", say(state, &[]).into()),
            ("at", shown(self.position()).into()),
            ("length", self.length.map_or("…".to_owned(), shown).into()),
            ("speed", format!("{speed}").into()),
        ];
        // How to leave stands first: a narrow terminal cuts the end.
        let mut parts = vec![
            say("replay-quit", &[]),
            say("replay-status", &args),
            self.who.clone(),
            say("replay-keys", &[]),
        ];
        let texts = &self.gateway.texts;
        if let Some(part) = texts.in_part(self.lang, self.screen.size(), self.size) {
            parts.insert(2, part);
        }
        let position = self.position();
        if let Some((at, text)) = &self.refused
            && (*at..at.saturating_add(REFUSED)).contains(&position)
        {
            let text = texts.on_record(self.lang, text);
            parts.insert(1, say("replay-refused", &[("text", text.into())]));
        }
        if self.screen.left_out() > 0 {
            let count = [("count", self.screen.left_out().into())];
            parts.insert(1, say("screen-left-out", &count));
        }
        below::status(&parts, self.size)
    }
}

fn leaves(event: Event) -> bool {
    matches!(
        event,
        Event::Eof | Event::Key(Key::Char('q' | 'Q') | Key::Control('c' | 'd'))
    )
}
