//! The screens of live channels, one for all who watch a channel and kept while it is recorded.
//!
//! A screen is what has been recorded of a channel, drawn; the journal is read, never the passage itself, so that looking
//! costs the passage nothing. All who look at a channel share its screen and draw it further in their turns. A
//! recording that has grown long has its screens drawn along beside everything else ([`keep_screens`]), so that who
//! comes late does not wait for all of it to be read (`adr/0011-screens-are-kept.md`).

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use ecluse_policy::SessionId;
use ecluse_recordings::evidence::key::RecordingKey;
use ecluse_recordings::{PlayEvent, Playback, ReadError, Screen, Size, Step, Timed};
use tokio::time::{MissedTickBehavior, interval};

use crate::gateway::Gateway;
use crate::readers::Turn;

/// A session that recorded so much has its screens kept; less is read anew in the time of a blink.
const LONG: u64 = 1 << 20;
/// Screens kept at once. One takes about 200 kB, and 5 MB at the worst of sizes; whoever watches a channel beyond waits for
/// all of it to be read.
const KEPT: usize = 32;
/// How often it is looked for screens that have fallen behind.
const EACH: Duration = Duration::from_millis(250);

/// The screen of one live channel.
pub(crate) struct LiveScreen {
    inner: Mutex<Drawn>,
}

/// How far a screen is, and the screen.
struct Drawn {
    playback: Playback,
    screen: Screen,
    ending: Ending,
}

/// How a channel ended, as far as that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The status of what ran in it, or the signal that ended that.
    pub(crate) exit: Option<Exit>,
    /// Why it was closed, as it is on record; none where it closed by itself.
    pub(crate) because: Option<String>,
}

/// How what ran in a channel ended, in the words of the recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exit {
    /// With a status.
    Status(String),
    /// By a signal.
    Signal(String),
}

impl Ending {
    fn see(&mut self, event: &PlayEvent) {
        let PlayEvent::Marker(marker) = event else {
            return;
        };
        if let Some(status) = marker.strip_prefix("ecluse:exit ") {
            self.exit = Some(Exit::Status(status.to_owned()));
        } else if let Some(signal) = marker.strip_prefix("ecluse:signal ") {
            self.exit = Some(Exit::Signal(signal.to_owned()));
        } else if let Some(why) = marker.strip_prefix("ecluse:closed ") {
            self.because = Some(why.to_owned()).filter(|why| why != "closed");
        }
    }
}

/// How far a screen was drawn in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It is what the technician sees now.
    Current,
    /// There is more to draw.
    Behind,
    /// It is what the technician saw last: the channel has ended.
    Over,
}

impl std::fmt::Debug for LiveScreen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveScreen").finish_non_exhaustive()
    }
}

impl LiveScreen {
    /// The screen of a channel of a live journal, empty: drawn from its beginning as turns pass.
    ///
    /// # Errors
    /// When the journal does not open.
    pub(crate) fn open(
        journal: &Path,
        key: &RecordingKey,
        channel: u32,
    ) -> Result<Self, ReadError> {
        let mut playback = Playback::live(journal, key, channel)?;
        playback.seek(Duration::MAX)?;
        Ok(Self {
            inner: Mutex::new(Drawn {
                playback,
                screen: Screen::new(Size::clamped(80, 24)),
                ending: Ending::default(),
            }),
        })
    }

    /// Draws what there is to draw, for a turn at most, and lets `look` see it, with how the channel ended; `None` while somebody else draws: a turn
    /// must not be spent on waiting for one that may itself wait for a turn.
    ///
    /// # Errors
    /// What is recorded does not read.
    pub(crate) fn draw<T>(
        &self,
        turn: &Turn,
        look: impl FnOnce(&Screen, Progress, &Ending) -> T,
    ) -> Result<Option<T>, ReadError> {
        let Some(mut drawn) = self.try_lock() else {
            return Ok(None);
        };
        let progress = drawn.advance(turn)?;
        Ok(Some(look(&drawn.screen, progress, &drawn.ending)))
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Drawn>> {
        match self.inner.try_lock() {
            Ok(drawn) => Some(drawn),
            Err(TryLockError::Poisoned(drawn)) => Some(drawn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Drawn {
    fn advance(&mut self, turn: &Turn) -> Result<Progress, ReadError> {
        while !turn.is_over() {
            match self.playback.next_step()? {
                Step::Event(timed) => {
                    self.ending.see(&timed.event);
                    apply(&mut self.screen, timed);
                }
                Step::Waiting => return Ok(Progress::Current),
                Step::End => return Ok(Progress::Over),
            }
        }
        Ok(Progress::Behind)
    }
}

/// One event onto the model of the technician's screen.
pub(crate) fn apply(screen: &mut Screen, timed: Timed) {
    screen.passes(timed.at);
    match timed.event {
        PlayEvent::Opened(opened) => {
            *screen = Screen::for_channel(&opened);
            screen.passes(timed.at);
        }
        PlayEvent::Output(bytes) => screen.feed(&bytes),
        PlayEvent::Resize { cols, rows } => screen.resize(cols, rows),
        // What was typed is on the screen where the target echoed it.
        PlayEvent::Input(_) | PlayEvent::Marker(_) => {}
    }
}

/// Keeps the screens of sessions that have been recorded at length, for as long as they live.
pub(crate) async fn keep_screens(gateway: Arc<Gateway>) {
    let mut kept: HashMap<(SessionId, u32), (Arc<LiveScreen>, u64)> = HashMap::new();
    let mut pause = interval(EACH);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut behind = false;
        let mut live = HashMap::new();
        for session in gateway.live.all() {
            let (to_target, to_technician) = session.bytes();
            let bytes = to_target.saturating_add(to_technician);
            if bytes < LONG {
                continue;
            }
            for channel in session.channels().iter().filter(|channel| channel.terminal) {
                let at = (session.facts().id, channel.number);
                let screen = match kept.remove(&at) {
                    // Nothing was recorded since it was current.
                    Some((screen, seen)) if seen >= bytes => {
                        live.insert(at, (screen, seen));
                        continue;
                    }
                    Some((screen, _)) => screen,
                    None if live.len() + kept.len() >= KEPT => continue,
                    None => match session.screen(channel.number) {
                        Ok(screen) => screen,
                        Err(error) => {
                            tracing::debug!(%error, "a screen is not kept");
                            continue;
                        }
                    },
                };
                let drawing = Arc::clone(&screen);
                let drawn = gateway
                    .readers
                    .turn(move |turn| drawing.draw(turn, |_, progress, _| progress));
                let seen = match drawn.await {
                    Ok(Ok(Some(Progress::Behind) | None)) => {
                        behind = true;
                        0
                    }
                    Ok(Ok(Some(Progress::Current))) => bytes,
                    // What does not read does so for whoever watches, who is told.
                    Ok(Ok(Some(Progress::Over)) | Err(_)) | Err(_) => u64::MAX,
                };
                live.insert(at, (screen, seen));
            }
        }
        // Those of channels that ended go.
        kept = live;
        if !behind {
            pause.tick().await;
        }
    }
}
