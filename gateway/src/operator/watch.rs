//! `watch`: what a technician sees, as it changes (I5, R11).
//!
//! The screen is drawn from the live journal by the recordings crate's terminal model and painter: an
//! operator sees what is on record, and no byte of the target reaches their terminal as it was.

use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::{AsOperator, Refusal};
use ecluse_recordings::{Painter, ReadError, Screen, Size as ScreenSize};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::live::{about, cut_now, tell};
use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::refused::{not_theirs, refused};
use crate::admission::words::{Misuse, Takes};
use crate::audit::AuditKind;
use crate::clock;
use crate::live::{CutWhat, LiveSession};
use crate::readers::Turn;
use crate::screens::{LiveScreen, Progress};
use crate::terminal::{Event, Key, Size};
use crate::texts::{Unreadable, times};

/// The shortest time between two drawings: a flood of output is drawn twenty times a second.
const FRAME: Duration = Duration::from_millis(50);
/// How often the status line moves.
const TICK: Duration = Duration::from_secs(1);
/// A screen that is behind for so long says so.
const BEHIND: Duration = Duration::from_millis(500);

/// `watch SESSION [CHANNEL]`
pub(crate) async fn watch(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let written = arguments(words, Takes::NOTHING, 2).and_then(|given| {
        let session = given
            .words
            .first()
            .ok_or(Misuse::Missing("usage-no-session"))?;
        let number = |word: &String| {
            word.trim_start_matches('#')
                .parse::<u64>()
                .map_err(|_| Misuse::NumberUnclear(word.clone()))
        };
        Ok((
            number(session)?,
            given.words.get(1).map(number).transpose()?,
        ))
    });
    let (number, channel) = match written {
        Ok(written) => written,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let Some(session) = desk.gateway.live.find(by, number) else {
        let (typed, args) = (number.to_string(), [("id", number.into())]);
        return not_theirs(desk, command, &typed, "common-no-such-session", &args).await;
    };
    if let Some(wanted) = channel
        && !session
            .channels()
            .iter()
            .any(|channel| u64::from(channel.number) == wanted)
    {
        let channels = session
            .channels()
            .iter()
            .map(|channel| channel.number.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        let args = [
            ("number", number.into()),
            ("channel", wanted.into()),
            ("channels", channels.into()),
        ];
        return desk.problem("auditor-no-such-channel", &args).await;
    }
    let Some(size) = desk.terminal.size().filter(|_| !desk.terminal.is_plain()) else {
        return desk.problem("common-needs-terminal", &[]).await;
    };
    // On record before anything is shown: who looked at what.
    let record = about(desk.record(AuditKind::Watch, clock::now()), &session)
        .permitted()
        .detail("number", number);
    desk.gateway.store.record(&[record]).await?;
    let wanted = channel.and_then(|channel| u32::try_from(channel).ok());
    let mut painter = Painter::new(viewer(size));
    let enter = painter.enter();
    let leave = painter.leave();
    let mut view = View {
        session,
        wanted,
        size,
        waiting: Painter::new(viewer(size)),
        sure: false,
        ended: false,
    };
    desk.terminal.write(&enter).await?;
    let done = view.run(desk).await;
    desk.terminal.write(&leave).await?;
    match done? {
        Done::Left if view.ended => {
            desk.line("watch-over", &[("number", number.into())])
                .await?
        }
        Done::Left => {
            desk.line("watch-left", &[("number", number.into())])
                .await?
        }
        Done::Cut => {
            let applied = desk.applied();
            let by = match desk.visitor.as_operator(&applied) {
                Ok(by) => by,
                Err(refusal) => return refused(desk, command, &refusal).await,
            };
            let cut = cut_now(desk, &by, &CutWhat::Session(number), None).await;
            return tell(desk, &cut).await;
        }
        Done::Refused(refusal) => return desk.refused(&refusal).await,
        Done::Unreadable(problem) => {
            let problem = desk.gateway.texts.unreadable(desk.lang(), &problem);
            let args = [("number", number.into()), ("problem", problem.into())];
            return desk.problem("watch-recording-unreadable", &args).await;
        }
    }
    Ok(status::DONE)
}

/// The recordings crate's size of a terminal of ours.
pub(crate) fn viewer(size: Size) -> ScreenSize {
    ScreenSize::clamped(size.cols.into(), size.rows.into())
}

enum Done {
    Left,
    Cut,
    /// The right to watch ended.
    Refused(Refusal),
    Unreadable(Unreadable),
}

/// One operator looking at one session.
struct View {
    session: Arc<LiveSession>,
    /// The channel that was asked for; otherwise the first one that has a terminal.
    wanted: Option<u32>,
    /// Of the operator's own terminal.
    size: Size,
    /// What stands there while there is no channel.
    waiting: Painter,
    /// `c` was pressed: the next key confirms.
    sure: bool,
    ended: bool,
}

/// What of a channel stands on the operator's terminal; drawn by those who read, in their turns.
struct Shown {
    session: Arc<LiveSession>,
    channel: u32,
    screen: Option<Arc<LiveScreen>>,
    painter: Painter,
    size: Size,
    painted: Option<Instant>,
}

/// What came of looking.
#[derive(Default)]
struct Look {
    /// What to send; empty where nothing changed.
    frame: String,
    /// How far the screen is; `None` while others draw it.
    progress: Option<Progress>,
    /// Sequences that were not drawn.
    left_out: u64,
}

/// What is wanted of a look.
struct Wanted {
    size: Size,
    status: String,
    /// Whether the operator's terminal takes a frame.
    paint: bool,
}

impl Shown {
    /// Draws the screen further, and paints it where it is time to.
    fn look(&mut self, turn: &Turn, wanted: &Wanted) -> Result<Look, ReadError> {
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
            }
        });
        Ok(look?.unwrap_or_default())
    }
}

impl View {
    async fn run(&mut self, desk: &mut Desk<'_>) -> Result<Done, Trouble> {
        let mut progress = self.session.progress();
        loop {
            if let Err(refusal) = self.still_theirs(desk) {
                return Ok(Done::Refused(refusal));
            }
            match self.channel() {
                Some(channel) => match self.channel_until(desk, channel, &mut progress).await? {
                    Next::Channel(next) => self.wanted = Some(next),
                    Next::Done(done) => return Ok(done),
                },
                None => {
                    if let Some(done) = self.wait_for_a_channel(desk, &mut progress).await? {
                        return Ok(done);
                    }
                }
            }
        }
    }

    /// The channel to show: the wanted one, else the first with a terminal, else the first.
    fn channel(&self) -> Option<u32> {
        let channels = self.session.channels();
        self.wanted.or_else(|| {
            let with_terminal = channels.iter().find(|channel| channel.terminal);
            with_terminal
                .or(channels.first())
                .map(|channel| channel.number)
        })
    }

    async fn wait_for_a_channel(
        &mut self,
        desk: &mut Desk<'_>,
        progress: &mut watch::Receiver<u64>,
    ) -> Result<Option<Done>, Trouble> {
        let text = desk.say(
            "watch-waiting",
            &[("number", self.session.facts().number.into())],
        );
        let blank = Screen::new(ScreenSize::clamped(1, 1));
        let drawn = self
            .waiting
            .paint(&blank, &format!("{} · {text}", desk.say("watch-keys", &[])));
        desk.terminal.write(&drawn).await?;
        tokio::select! {
            event = desk.terminal.event() => Ok(self.event(desk, event?).map(|next| match next {
                Next::Done(done) => done,
                Next::Channel(_) => Done::Left,
            })),
            _ = progress.changed() => Ok(None),
            () = tokio::time::sleep(TICK) => {
                self.ended = !self.is_live(desk);
                Ok(self.ended.then_some(Done::Left))
            }
        }
    }

    /// Follows one channel until the operator leaves it.
    async fn channel_until(
        &mut self,
        desk: &mut Desk<'_>,
        channel: u32,
        progress: &mut watch::Receiver<u64>,
    ) -> Result<Next, Trouble> {
        let mut shown = Box::new(Shown {
            session: Arc::clone(&self.session),
            channel,
            screen: None,
            painter: Painter::new(viewer(self.size)),
            size: self.size,
            painted: None,
        });
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Look::default();
        let mut behind: Option<Instant> = None;
        loop {
            progress.borrow_and_update();
            let told_behind = behind.is_some_and(|since| since.elapsed() >= BEHIND);
            let wanted = Wanted {
                size: self.size,
                status: self.status(desk, channel, &last, told_behind),
                paint: desk.terminal.has_room(),
            };
            let (sure, size) = (self.sure, self.size);
            let mut turn = desk.gateway.readers.turn(move |turn| {
                let look = shown.look(turn, &wanted);
                (shown, look)
            });
            // Keys count at once, whoever has the turn: the hand does not wait for the eye.
            let looked = loop {
                tokio::select! {
                    biased;
                    event = desk.terminal.event() => {
                        if let Some(next) = self.event(desk, event?) {
                            return Ok(next);
                        }
                    }
                    looked = &mut turn => break looked,
                }
            };
            let look;
            (shown, look) = match looked {
                Ok((shown, Ok(look))) => (shown, look),
                Ok((_, Err(error))) => return Ok(Next::Done(Done::Unreadable(error.into()))),
                Err(interrupted) => return Ok(Next::Done(Done::Unreadable(interrupted.into()))),
            };
            if let Err(refusal) = self.still_theirs(desk) {
                return Ok(Next::Done(Done::Refused(refusal)));
            }
            desk.terminal.write(&look.frame).await?;
            last = look;
            let over = last.progress == Some(Progress::Over);
            let caught_up = over || last.progress == Some(Progress::Current);
            if caught_up {
                behind = None;
            } else {
                behind.get_or_insert_with(Instant::now);
            }
            let live = self.is_live(desk);
            let ended = caught_up && !live;
            let changed = (sure, size, self.ended) != (self.sure, self.size, ended)
                || (caught_up && told_behind);
            self.ended = ended;
            if over
                && live
                && self.wanted.is_none_or(|wanted| wanted == channel)
                && let Some(other) = self.next_channel(channel)
            {
                // A shell that ends while the session goes on: the next one is shown.
                return Ok(Next::Channel(other));
            }
            if changed || last.progress == Some(Progress::Behind) {
                continue;
            }
            let drawn = Instant::now();
            tokio::select! {
                biased;
                event = desk.terminal.event() => {
                    if let Some(next) = self.event(desk, event?) {
                        return Ok(next);
                    }
                }
                _ = tick.tick() => {}
                () = sleep_until(drawn + FRAME), if last.progress.is_none() => {}
                () = next_frame(progress, drawn), if !over => {}
            }
        }
    }

    fn event(&mut self, desk: &Desk<'_>, event: Event) -> Option<Next> {
        let sure = std::mem::take(&mut self.sure);
        match event {
            Event::Resize(size) => {
                self.size = size;
                self.waiting.resize(viewer(size));
                None
            }
            Event::Key(Key::Char(c)) if sure => desk
                .say("common-yes-keys", &[])
                .contains(c)
                .then_some(Next::Done(Done::Cut)),
            Event::Key(Key::Char('q' | 'Q') | Key::Control('c' | 'd')) | Event::Eof => {
                Some(Next::Done(Done::Left))
            }
            Event::Key(Key::Char('c' | 'C')) => {
                self.sure = !self.ended;
                None
            }
            Event::Key(Key::Char('n') | Key::Tab) => {
                let shown = self.channel()?;
                self.next_channel(shown).map(Next::Channel)
            }
            Event::Key(_) => None,
        }
    }

    /// The channel after the one shown, in a circle.
    fn next_channel(&self, current: u32) -> Option<u32> {
        let channels = self.session.channels();
        let mut numbers = channels.iter().map(|channel| channel.number);
        let next = numbers
            .clone()
            .find(|number| *number > current)
            .or_else(|| numbers.next());
        next.filter(|next| *next != current)
    }

    /// Whether the operator may still look, as the documents say now: a watch outlasts the right it began with.
    fn still_theirs(&self, desk: &Desk<'_>) -> Result<(), Refusal> {
        let applied = desk.applied();
        let by = desk.visitor.as_operator(&applied)?;
        if *by.client() == self.session.facts().client {
            Ok(())
        } else {
            Err(Refusal::NotAnOperator)
        }
    }

    /// Whether the session is still in passage.
    fn is_live(&self, desk: &Desk<'_>) -> bool {
        desk.gateway.live.has(self.session.facts().number)
    }

    fn status(&self, desk: &Desk<'_>, channel: u32, last: &Look, behind: bool) -> String {
        let facts = self.session.facts();
        let number = facts.number;
        if self.sure {
            return desk.say("watch-cut-sure", &[("number", number.into())]);
        }
        if self.ended {
            return desk.say("watch-ended", &[("number", number.into())]);
        }
        if last.progress == Some(Progress::Over) {
            let text = desk.say("watch-waiting", &[("number", number.into())]);
            return format!("{} · {text}", desk.say("watch-keys", &[]));
        }
        let now = clock::now();
        let args = [
            ("person", facts.person.as_str().into()),
            (
                "target",
                format!("{}@{}", facts.account, facts.target).into(),
            ),
            (
                "elapsed",
                times::countdown(desk.lang(), now.since(facts.started)).into(),
            ),
            (
                "left",
                times::countdown(desk.lang(), facts.closes_at.since(now)).into(),
            ),
        ];
        let several = self.session.channels().len() > 1;
        let keys = desk.say(
            if several {
                "watch-keys-many"
            } else {
                "watch-keys"
            },
            &[],
        );
        // The way out is never what a narrow terminal leaves out.
        let mut parts = vec![keys, desk.say("watch-status", &args)];
        if several {
            parts.insert(2, desk.say("watch-channel", &[("channel", channel.into())]));
        }
        // First what makes the screen another one than the technician's.
        if last.left_out > 0 {
            parts.insert(
                1,
                desk.say("screen-left-out", &[("count", last.left_out.into())]),
            );
        }
        if behind {
            parts.insert(1, desk.say("watch-behind", &[]));
        }
        parts.join(" · ")
    }
}

enum Next {
    Channel(u32),
    Done(Done),
}

/// Waits for something new in the journal, and then until the next frame may be drawn.
async fn next_frame(progress: &mut watch::Receiver<u64>, drawn: Instant) {
    if progress.changed().await.is_err() {
        // The session is gone; what it left in the journal is read to its end by the ticks.
        std::future::pending::<()>().await;
    }
    sleep_until(drawn + FRAME).await;
}
