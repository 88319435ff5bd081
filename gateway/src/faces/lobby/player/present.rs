//! What passes now: the screens of a session's channels, as those who share them draw them from its live journal.

use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::Lang;
use ecluse_policy::extraction::HeldBy;
use ecluse_recordings::{ReadError, Screen, Size as ScreenSize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::canvas::{Canvas, FRAME};
use super::{Source, Stand};
use crate::clock;
use crate::gateway::Gateway;
use crate::live::{Because, LiveSession, Worth};
use crate::readers::Turn;
use crate::screens::{Ending, Exit, LiveScreen, Progress};
use crate::terminal::Key;
use crate::terminal::layout::shorten;
use crate::texts::times;

/// A screen that is behind for so long says so.
const BEHIND: Duration = Duration::from_millis(500);

/// How long the screen of a channel that ended stays, with how it ended, before the next one is shown.
const STAYS: Duration = Duration::from_secs(5);

/// Letters of a signal's name that are shown; no signal of any system has more.
const SIGNAL: usize = 16;

/// A session in passage, one of its channels at a time.
pub(crate) struct Present {
    session: Arc<LiveSession>,
    /// The channel on the canvas, or the one that was asked for; none while there is none.
    channel: Option<u32>,
    screen: Option<Arc<LiveScreen>>,
    /// Since when the screen is not what the technician sees.
    behind: Option<Instant>,
    /// The channel on the canvas has ended.
    over: bool,
    /// Since when it is seen to have.
    over_since: Option<Instant>,
    /// And so has the session.
    ended: bool,
    /// Another channel than before is to be shown.
    turned: bool,
    /// What looking is worth to a session that is to be accompanied.
    worth: Option<watch::Receiver<Worth>>,
}

impl Present {
    /// A session, from the channel that is `wanted` on; otherwise from the first that has a terminal.
    pub(crate) fn new(session: Arc<LiveSession>, wanted: Option<u32>) -> Self {
        Self {
            session,
            channel: wanted,
            screen: None,
            behind: None,
            over: false,
            over_since: None,
            ended: false,
            turned: false,
            worth: None,
        }
    }

    /// The same by somebody whose looking is worth that.
    pub(crate) fn counted_as(self, worth: watch::Receiver<Worth>) -> Self {
        Self {
            worth: Some(worth),
            ..self
        }
    }

    /// Whether whoever looks accompanies the session, where somebody has to.
    fn company(&self, canvas: &Canvas) -> Option<String> {
        let worth = *self.worth.as_ref()?.borrow();
        match worth {
            Worth::NotNeeded => None,
            Worth::Counts => Some(canvas.say("watch-accompanies", &[])),
            Worth::Silent => Some(canvas.say("watch-not-counted", &[])),
            Worth::Full { at_most } => {
                let at_most = u64::from(at_most).into();
                Some(canvas.say("watch-full", &[("count", at_most)]))
            }
        }
    }

    /// The first channel with a terminal, else the first.
    fn first(&self) -> Option<u32> {
        let channels = self.session.channels();
        let with_terminal = channels.iter().find(|channel| channel.terminal);
        with_terminal
            .or(channels.first())
            .map(|channel| channel.number)
    }

    /// The channel after the one shown, in a circle.
    fn next(&self) -> Option<u32> {
        let current = self.channel?;
        let channels = self.session.channels();
        let mut numbers = channels.iter().map(|channel| channel.number);
        let next = numbers
            .clone()
            .find(|number| *number > current)
            .or_else(|| numbers.next());
        next.filter(|next| *next != current)
    }

    /// Goes to the next channel, where there is one.
    fn turn_to_next(&mut self) -> bool {
        let Some(next) = self.next() else {
            return false;
        };
        self.channel = Some(next);
        self.screen = None;
        self.behind = None;
        self.over = false;
        self.over_since = None;
        self.turned = true;
        true
    }

    /// The screen of a channel, shared with all who look at it.
    fn screen(&mut self, channel: u32) -> Result<Arc<LiveScreen>, ReadError> {
        if let Some(screen) = &self.screen {
            return Ok(Arc::clone(screen));
        }
        let opened = self.session.screen(channel)?;
        Ok(Arc::clone(self.screen.insert(opened)))
    }

    /// How far the screen is, from now on.
    fn reached(&mut self, progress: Progress) {
        self.over = progress == Progress::Over;
        match progress {
            Progress::Current => self.behind = None,
            Progress::Over => {
                self.behind = None;
                self.over_since.get_or_insert_with(Instant::now);
            }
            Progress::Behind => {
                self.behind.get_or_insert_with(Instant::now);
            }
        }
    }

    /// What holds a channel, in a few words: why nothing moves.
    fn held(&self, canvas: &Canvas, channel: u32) -> Option<String> {
        let held = self.session.held().borrow().clone();
        let Some(HeldBy { by, reason }) = held.by_hand() else {
            // That nobody accompanies it is said beside.
            let by_budget = held.by_budget() && held.holds(channel);
            return by_budget.then(|| canvas.say("watch-held-budget", &[]));
        };
        let holder = canvas.gateway.texts.holder(canvas.lang, by);
        let by = ("by", holder.into());
        Some(match reason {
            None => canvas.say("live-held-by", &[by]),
            Some(reason) => {
                let reason = ("reason", reason.as_str().into());
                canvas.say("watch-held-because", &[by, reason])
            }
        })
    }

    /// What is said below, and how much of it must be: how it ended and why, whether the looker counts, what holds it.
    fn said(
        &self,
        canvas: &Canvas,
        channel: u32,
        screen: &Screen,
        ending: &Ending,
    ) -> (Vec<String>, usize) {
        let facts = self.session.facts();
        let number = [("number", facts.number.into())];
        if canvas.sure {
            return (vec![canvas.say("watch-cut-sure", &number)], 1);
        }
        if canvas.help {
            let keys = canvas.say("watch-keys-all", &[]);
            return (keys.split(" · ").map(str::to_owned).collect(), 1);
        }
        if self.ended {
            let how = how_it_ended(&canvas.gateway, canvas.lang, &self.session);
            let [number] = number;
            let args = [number, ("how", how.into())];
            // A narrow terminal leaves out that the screen stays, never how it ended.
            let said = vec![
                canvas.say("watch-keys-over", &[]),
                canvas.say("watch-ended", &args),
                canvas.say("watch-stays", &[]),
            ];
            return (said, 2);
        }
        if self.over {
            let how = [
                ("channel", channel.into()),
                ("how", how_it_closed(canvas, ending).into()),
            ];
            let (keys, then) = match self.next() {
                Some(next) => {
                    let next = [("channel", next.into())];
                    ("watch-keys-many", canvas.say("watch-then", &next))
                }
                None => ("watch-keys", canvas.say("watch-waiting", &number)),
            };
            let ended = canvas.say("watch-channel-ended", &how);
            return (vec![canvas.say(keys, &[]), ended, then], 2);
        }
        let now = clock::now();
        let several = self.session.channels().len() > 1;
        let keys = if several {
            "watch-keys-many"
        } else {
            "watch-keys"
        };
        // The way out is never what a narrow terminal leaves out. Then what makes the screen another one than the
        // technician's.
        let mut said = vec![canvas.say(keys, &[])];
        said.extend(self.company(canvas));
        said.extend(self.held(canvas, channel));
        let must = said.len();
        if self.behind.is_some_and(|since| since.elapsed() >= BEHIND) {
            said.push(canvas.say("watch-behind", &[]));
        }
        said.extend(canvas.left_out(screen));
        said.extend(canvas.in_part(screen));
        let left = self.session.closes_at().since(self.session.now());
        let left = times::countdown(canvas.lang, left);
        said.push(canvas.say("watch-left-time", &[("left", left.into())]));
        said.push(times::countdown(canvas.lang, now.since(facts.started)));
        if several {
            said.push(canvas.say("watch-channel", &[("channel", channel.into())]));
        }
        said.push(format!("{}@{}", facts.account, facts.target));
        said.push(facts.person.to_string());
        (said, must)
    }
}

impl Source for Present {
    fn press(&mut self, key: Key) -> Result<bool, ReadError> {
        let next = matches!(key, Key::Char('n') | Key::Tab);
        if next {
            self.turn_to_next();
        }
        Ok(next)
    }

    fn draw(&mut self, turn: &Turn, canvas: &mut Canvas) -> Result<Stand, ReadError> {
        // Asked first: what is drawn after that is all there is of a session that has ended.
        let number = self.session.facts().number;
        let live = canvas.gateway.live.has(number);
        self.channel = self.channel.or_else(|| self.first());
        let Some(channel) = self.channel else {
            let said = match canvas.sure {
                true => vec![canvas.say("watch-cut-sure", &[("number", number.into())])],
                false => {
                    let mut said = vec![canvas.say("watch-keys", &[])];
                    said.extend(self.company(canvas));
                    said.push(canvas.say("watch-waiting", &[("number", number.into())]));
                    said
                }
            };
            canvas.show_saying(&Screen::new(ScreenSize::clamped(1, 1)), &said, said.len());
            return Ok(Stand {
                settled: true,
                due: None,
                over: !live,
                nothing: !live,
            });
        };
        if std::mem::take(&mut self.turned) {
            canvas.turn_page();
        }
        let screen = self.screen(channel)?;
        let drawn = screen.draw(turn, |screen, progress, ending| {
            self.reached(progress);
            let caught_up = progress != Progress::Behind;
            self.ended = caught_up && !live;
            if caught_up || canvas.is_blank() || canvas.waited(FRAME) {
                let (said, must) = self.said(canvas, channel, screen, ending);
                canvas.show_saying(screen, &said, must);
            }
            caught_up
        })?;
        let Some(caught_up) = drawn else {
            // Others draw it just now.
            return Ok(Stand {
                settled: true,
                due: Some(Instant::now() + FRAME),
                over: self.ended,
                nothing: false,
            });
        };
        // A shell that ends while the session goes on: once that was to be read, the next one is shown.
        let turns = self.over_since.filter(|_| live && self.next().is_some());
        let turns = turns.map(|since| since + STAYS);
        let turned = turns.is_some_and(|at| at <= Instant::now()) && self.turn_to_next();
        Ok(Stand {
            settled: caught_up && !turned,
            due: turns.filter(|_| !turned),
            over: self.ended,
            nothing: false,
        })
    }

    fn progress(&self) -> Option<watch::Receiver<u64>> {
        Some(self.session.progress())
    }

    fn can_be_cut(&self) -> bool {
        true
    }
}

/// How a session that is over ended, as far as the gateway ended it; else it closed by itself.
pub(crate) fn how_it_ended(gateway: &Gateway, lang: Lang, session: &LiveSession) -> String {
    let because = session.stopped().map_or_else(
        || session.how_it_ended_by_itself().into(),
        |stop| Because::from(&stop),
    );
    let now = clock::now();
    gateway.texts.because(lang, &because, now, now)
}

/// How a channel ended, in a few words.
fn how_it_closed(canvas: &Canvas, ending: &Ending) -> String {
    match (&ending.because, &ending.exit) {
        (Some(why), _) => canvas.gateway.texts.on_record(canvas.lang, why),
        (None, Some(Exit::Status(status))) => {
            canvas.say("watch-exit-status", &[("status", status.as_str().into())])
        }
        (None, Some(Exit::Signal(signal))) => {
            // The target names it, and must not push what it is about off the line.
            let signal = shorten(signal, SIGNAL);
            canvas.say("watch-exit-signal", &[("signal", signal.as_str().into())])
        }
        (None, None) => canvas.say("watch-closed", &[]),
    }
}
