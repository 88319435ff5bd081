//! A recording at a place in time: its events as they came, and the keys that govern them.

use std::collections::BTreeMap;
use std::time::Duration;

use ecluse_policy::Span;
use ecluse_recordings::{PlayEvent, Playback, ReadError, Screen, Size as ScreenSize, Step, Timed};
use tokio::time::Instant;

use super::canvas::{Canvas, FRAME};
use super::{Source, Stand};
use crate::readers::Turn;
use crate::screens::apply;
use crate::terminal::Key;
use crate::texts::times;

/// How far an arrow key goes.
const JUMP: Duration = Duration::from_secs(10);
/// How long the way to the beginning may take before something is drawn.
const FIRST: Duration = Duration::from_secs(1);
/// The shortest time between two drawings on the way to where the looker wants to be: the clock alone is of interest.
const ON_THE_WAY: Duration = Duration::from_millis(500);
/// How long a refusal stands in the status line. **Unit**: recorded time.
const REFUSED: Duration = Duration::from_secs(10);
/// Going back to a marker within this time of it goes to the one before.
const GRACE: Duration = Duration::from_millis(1500);

/// A recording being played.
pub(crate) struct Recorded {
    playback: Playback,
    screen: Screen,
    /// The event that comes next, and how much of its wait is left, at speed 1 of the real clock.
    next: Option<(Timed, Duration)>,
    /// Since when the wait runs; `None` while paused.
    since: Option<Instant>,
    /// On the way to where it begins or goes on: what comes there is waited for from the arrival on.
    landing: bool,
    length: Option<Duration>,
    over: bool,
    /// It was cut short: its end is not how it ended.
    cut_short: bool,
    /// Where the looker wants to be, until the replay is there.
    toward: Option<Duration>,
    who: String,
    markers: Vec<Duration>,
    /// What was refused last, and when.
    refused: Option<(Duration, String)>,
    /// Idle time that is skipped, as far as was read: from when until when.
    gaps: BTreeMap<Duration, Duration>,
    /// The event behind the last of it, and how much that was.
    skipped: Option<(Duration, Duration)>,
}

impl Recorded {
    /// A playback that was set up, from `at` on, with its markers; `length` where it is known.
    ///
    /// # Errors
    /// Its files do not open again.
    pub(crate) fn new(
        mut playback: Playback,
        at: Duration,
        markers: Vec<Duration>,
        length: Option<Duration>,
        who: String,
    ) -> Result<Self, ReadError> {
        playback.seek(at)?;
        Ok(Self {
            playback,
            screen: Screen::new(ScreenSize::clamped(80, 24)),
            next: None,
            since: Some(Instant::now()),
            landing: true,
            length,
            over: false,
            cut_short: false,
            toward: Some(at).filter(|at| !at.is_zero()),
            who,
            markers,
            refused: None,
            gaps: BTreeMap::new(),
            skipped: None,
        })
    }

    /// The same, of a recording that was cut short or was not.
    pub(crate) fn cut_short(self, cut_short: bool) -> Self {
        Self { cut_short, ..self }
    }

    /// Feeds everything that is due, for a turn at most; `false` when there is more to feed at once.
    fn feed(&mut self, turn: &Turn) -> Result<bool, ReadError> {
        while !turn.is_over() {
            match self.next.take() {
                Some((timed, left)) => {
                    if self.landing && !left.is_zero() {
                        // However long the way took, the looker sees where it led to.
                        self.landing = false;
                        self.since = self.since.map(|_| Instant::now());
                        self.next = Some((timed, left));
                        return Ok(true);
                    }
                    if self.since.is_none_or(|since| since.elapsed() < left) && !left.is_zero() {
                        self.next = Some((timed, left));
                        return Ok(true);
                    }
                    // The next wait begins when this one was to end, so that delays do not add up.
                    self.since = self.since.map(|since| since + left);
                    self.remember_refusal(&timed);
                    apply(&mut self.screen, timed);
                }
                None => match self.next_step()? {
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

    /// What comes next; idle time before it that is skipped is kept in mind.
    fn next_step(&mut self) -> Result<Step, ReadError> {
        let before = self.playback.position();
        let step = self.playback.next_step()?;
        if let (Step::Event(timed), Some(limit)) = (&step, self.playback.idle_limit()) {
            let resumes = timed.at.saturating_sub(limit);
            self.skipped = None;
            if resumes > before {
                self.gaps.insert(before, resumes);
                let length = resumes.saturating_sub(before);
                self.skipped = Some((timed.at, length)).filter(|_| !timed.wait.is_zero());
            }
        }
        Ok(step)
    }

    /// So much before what the clock shows, in what is played: skipped time does not count, so that whoever goes back is
    /// never moved forward to where they were.
    fn back(&self, by: Duration) -> Duration {
        back_over(&self.gaps, self.position(), by)
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
        self.landing = true;
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

    fn said(&self, canvas: &Canvas) -> Vec<String> {
        let state = match (self.over, self.since) {
            (true, _) => "replay-over",
            (false, Some(_)) => "replay-playing",
            (false, None) => "replay-paused",
        };
        let shown = |at: Duration| times::countdown(canvas.lang, Span::from_secs(at.as_secs()));
        if canvas.help {
            let keys = canvas.say("replay-keys-all", &[]);
            return keys.split(" · ").map(str::to_owned).collect();
        }
        // How to leave stands first: a narrow terminal cuts the end.
        let mut said = vec![canvas.say("replay-quit", &[])];
        if let Some(to) = self.toward {
            // Nothing is played on the way: what is read is not what was asked for yet.
            let args = [
                ("to", shown(to.min(self.length.unwrap_or(to))).into()),
                ("at", shown(self.playback.position()).into()),
            ];
            said.extend([canvas.say("replay-seeking", &args), self.who.clone()]);
            return said;
        }
        said.extend(canvas.left_out(&self.screen));
        let position = self.position();
        if let Some((at, text)) = &self.refused
            && (*at..at.saturating_add(REFUSED)).contains(&position)
        {
            let text = canvas.gateway.texts.on_record(canvas.lang, text);
            said.push(canvas.say("replay-refused", &[("text", text.into())]));
        }
        let args = [
            ("state", canvas.say(state, &[]).into()),
            ("at", shown(position).into()),
            ("length", self.length.map_or("…".to_owned(), shown).into()),
            ("speed", format!("{}", self.playback.speed()).into()),
        ];
        said.push(canvas.say("replay-status", &args));
        if self.cut_short {
            said.push(canvas.say("replay-cut-short", &[]));
        }
        if let (Some((at, length)), Some((next, _))) = (&self.skipped, &self.next)
            && next.at == *at
        {
            said.push(canvas.say("replay-skipped", &[("length", shown(*length).into())]));
        }
        // The keys in full, or short, or how to see them, as there is place beside what part is seen.
        let in_part = canvas.in_part(&self.screen);
        let with = |keys: &str| {
            let keys = [canvas.say(keys, &[])];
            let parts = said.iter().cloned().chain(keys).chain(in_part.clone());
            parts.collect::<Vec<String>>()
        };
        let keys = ["replay-keys", "replay-keys-short", "replay-keys-help"];
        let mut said = match keys.into_iter().map(with).find(|all| canvas.has_place(all)) {
            Some(all) => all,
            None => said.into_iter().chain(in_part).collect(),
        };
        said.push(self.who.clone());
        said
    }
}

/// Where it is `by` of played time before `at`, with `gaps` that are skipped.
pub(super) fn back_over(
    gaps: &BTreeMap<Duration, Duration>,
    mut at: Duration,
    by: Duration,
) -> Duration {
    let mut left = by;
    for (begins, resumes) in gaps.range(..at).rev() {
        let played = at.saturating_sub(*resumes);
        if played > left {
            break;
        }
        left = left.saturating_sub(played);
        at = *begins;
    }
    at.saturating_sub(left)
}

impl Source for Recorded {
    fn press(&mut self, key: Key) -> Result<bool, ReadError> {
        match key {
            Key::Char(' ') if self.over => self.go_to(Duration::ZERO)?,
            Key::Char(' ') => self.pause_or_go(),
            Key::Char('+' | '=') => self.set_speed(self.playback.speed() * 2.0),
            Key::Char('-') => self.set_speed(self.playback.speed() / 2.0),
            Key::Right => self.go_to(self.position().saturating_add(JUMP))?,
            Key::Left => self.go_to(self.back(JUMP))?,
            Key::Home => self.go_to(Duration::ZERO)?,
            Key::End => self.go_to(self.length.unwrap_or(Duration::MAX))?,
            Key::Char('n') => {
                let position = self.position();
                let mut markers = self.markers.iter().copied();
                if let Some(marker) = markers.find(|marker| *marker > position) {
                    self.go_to(marker)?;
                }
            }
            Key::Char('p') => {
                let before = self.position().saturating_sub(GRACE);
                let mut markers = self.markers.iter().rev().copied();
                let marker = markers.find(|marker| *marker < before);
                self.go_to(marker.unwrap_or_default())?;
            }
            Key::Char(_)
            | Key::Up
            | Key::Down
            | Key::Control(_)
            | Key::Enter
            | Key::Backspace
            | Key::Delete
            | Key::Tab
            | Key::PageUp
            | Key::PageDown
            | Key::PasteStart
            | Key::PasteEnd => return Ok(false),
        }
        Ok(true)
    }

    fn draw(&mut self, turn: &Turn, canvas: &mut Canvas) -> Result<Stand, ReadError> {
        let settled = self.feed(turn)?;
        if settled || self.toward.is_some_and(|to| self.playback.position() > to) {
            self.toward = None;
        }
        // On the way to where the looker wants to begin nothing is drawn, unless it takes long.
        let patience = match (canvas.is_blank(), self.toward) {
            (true, _) => FIRST,
            (false, Some(_)) => ON_THE_WAY,
            (false, None) => FRAME,
        };
        if settled || canvas.waited(patience) {
            canvas.show(&self.screen, &self.said(canvas));
        }
        Ok(Stand {
            settled,
            due: self.due(),
            over: self.over,
            nothing: false,
        })
    }
}
