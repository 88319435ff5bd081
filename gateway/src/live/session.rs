//! One session in passage, as others see it, and the sessions that share its connection.
//!
//! A session is what one intervention permits on one connection. It ends alone ([`LiveSession::stop`]): its targets'
//! sockets close at once and its channels say why and close, while the others go on. Only where the close of its channels
//! does not get onto the wire, or where the reason is about the person and no intervention, the connection ends, and then
//! every session of it, each with that reason ([`Shared`], `adr/0009-sessions.md`).

mod company;
mod doing;
mod freezing;
mod shared;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ecluse_policy::{
    AccountName, Capability, ClientId, InterventionId, InterventionNumber, PersonId, ProviderId,
    SessionId, StationId, TargetId, Timestamp,
};
use ecluse_recordings::ReadError;
use ecluse_recordings::evidence::key::RecordingKey;
use tokio::sync::{mpsc, watch};

pub(crate) use self::shared::Shared;
use super::hands::Standing;
use super::{ByItself, Company, Held, Stop};
use crate::clock::Onward;
use crate::door::stream::Socket;
use crate::extraction::toll::Toll;
use crate::passage::meter::Passed;
use crate::screens::LiveScreen;

/// How long the end of a session may take to reach the technician before the connection closes regardless: its reason
/// and the close of its channels.
const LAST_WORD: Duration = Duration::from_millis(500);
/// Lines of the gateway waiting for one channel; a technician who does not read misses further ones.
const NOTICES: usize = 8;

/// One channel of a live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveChannel {
    /// Its number in the recording, from 1.
    pub number: u32,
    /// The command, escaped for display; none for a shell.
    pub command: Option<String>,
    /// What passes on it at this moment, where that can be told.
    pub doing: Option<String>,
    /// What permits it: one, or each line of a channel of files.
    pub capabilities: Vec<Capability>,
    /// Whether it has a terminal.
    pub terminal: bool,
    /// Since when.
    pub started: Timestamp,
    /// When its permit ends at the latest.
    pub closes_at: Timestamp,
}

/// Facts of a session that do not change.
#[derive(Debug, Clone)]
pub struct SessionFacts {
    /// Its identifier.
    pub id: SessionId,
    /// Its number, for people.
    pub number: u64,
    /// The technician.
    pub person: PersonId,
    /// The technician's organisation.
    pub provider: ProviderId,
    /// The technician's machine.
    pub station: StationId,
    /// Where it connects from.
    pub source: SocketAddr,
    /// Whose target it is.
    pub client: ClientId,
    /// The target.
    pub target: TargetId,
    /// The account on the target.
    pub account: AccountName,
    /// The intervention that admitted it.
    pub intervention: InterventionId,
    /// Its number.
    pub intervention_number: InterventionNumber,
    /// When it began.
    pub started: Timestamp,
    /// When it ends at the latest.
    pub closes_at: Timestamp,
    /// The live journal of its recording.
    pub journal: PathBuf,
    /// The key of that recording.
    pub key: RecordingKey,
}

/// A session in passage.
#[derive(Debug)]
pub struct LiveSession {
    facts: SessionFacts,
    time: Onward,
    shared: Arc<Shared>,
    progress: watch::Sender<u64>,
    stop: watch::Sender<Option<Stop>>,
    held: watch::Sender<Held>,
    /// Who accompanies it.
    company: watch::Sender<Company>,
    /// What operators did to it by hand.
    hands: watch::Sender<Standing>,
    /// Channels whose close is not on the wire yet.
    seated: watch::Sender<usize>,
    next_channel: AtomicU32,
    passed: Arc<Passed>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    channels: BTreeMap<u32, (LiveChannel, mpsc::Sender<String>)>,
    targets: Vec<Weak<Socket>>,
    screens: BTreeMap<u32, Weak<LiveScreen>>,
    /// What its channels pay by.
    tolls: BTreeMap<u32, Weak<Toll>>,
    /// When its client's posture ends the first of it, where that does.
    ends_at: Option<Timestamp>,
    /// How the last of its channels ended.
    by_itself: ByItself,
}

impl Inner {
    fn tell(&self, channel: Option<u32>, text: &str) {
        let has_terminal = self.channels.values().any(|(one, _)| one.terminal);
        let told = self.channels.values().filter(|(one, _)| match channel {
            Some(number) => one.number == number,
            None => one.terminal || !has_terminal,
        });
        for (_, notices) in told {
            let _ = notices.try_send(text.to_owned());
        }
    }
}

impl LiveSession {
    /// A session on the connection of `shared`, without channels yet.
    ///
    /// `time` is what its rights end by: that of its intervention ([`super::Live::time_of`]).
    pub(crate) fn new(facts: SessionFacts, time: Onward, shared: Arc<Shared>) -> Arc<Self> {
        let session = Arc::new(Self {
            facts,
            time,
            shared,
            progress: watch::Sender::new(0),
            stop: watch::Sender::new(None),
            held: watch::Sender::default(),
            company: watch::Sender::default(),
            hands: watch::Sender::default(),
            seated: watch::Sender::new(0),
            next_channel: AtomicU32::new(1),
            passed: Arc::default(),
            inner: Mutex::default(),
        });
        session.shared.enter(&session);
        session
    }

    /// What it shares with the other sessions of its connection.
    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What does not change.
    pub fn facts(&self) -> &SessionFacts {
        &self.facts
    }

    /// The time by which its rights end: never earlier than the time that has passed since they began makes it (I3).
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// When it, or the first of its channels, ends at the latest, as far as is known now.
    pub(crate) fn closes_at(&self) -> Timestamp {
        let closes_at = self.facts.closes_at;
        let ends_at = self.lock().ends_at;
        ends_at.map_or(closes_at, |ends_at| ends_at.min(closes_at))
    }

    /// A posture ends the first of it then, or nothing of it.
    pub(crate) fn ends_by_posture(&self, at: Option<Timestamp>) {
        self.lock().ends_at = at;
    }

    /// When a posture ends the first of it, where it does.
    pub(crate) fn posture_ends_it(&self) -> Option<Timestamp> {
        self.lock().ends_at
    }

    /// A channel ended, by itself or not: the last one says how the session did, where nothing ends that.
    pub(crate) fn ended_by_itself(&self, how: ByItself) {
        self.lock().by_itself = how;
    }

    /// How it ended, or would at this moment, where nothing ends it.
    pub(crate) fn how_it_ended_by_itself(&self) -> ByItself {
        self.lock().by_itself
    }

    /// Its channels now.
    pub fn channels(&self) -> Vec<LiveChannel> {
        self.lock()
            .channels
            .values()
            .map(|(channel, _)| channel.clone())
            .collect()
    }

    /// The screen of a channel, the one that others look at if there is one. Reads from the disk.
    ///
    /// # Errors
    /// When its journal does not open.
    pub(crate) fn screen(&self, channel: u32) -> Result<Arc<LiveScreen>, ReadError> {
        let shared = |inner: &Inner| inner.screens.get(&channel).and_then(Weak::upgrade);
        if let Some(screen) = shared(&self.lock()) {
            return Ok(screen);
        }
        let opened = LiveScreen::open(&self.facts.journal, &self.facts.key, channel)?;
        let mut inner = self.lock();
        if let Some(screen) = shared(&inner) {
            return Ok(screen);
        }
        let screen = Arc::new(opened);
        inner.screens.retain(|_, screen| screen.strong_count() > 0);
        inner.screens.insert(channel, Arc::downgrade(&screen));
        Ok(screen)
    }

    /// Changes whenever something was recorded; for whoever follows the journal.
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.progress.subscribe()
    }

    /// Shows a line of the gateway in one channel, if it has a terminal.
    pub fn notify(&self, channel: u32, text: &str) {
        if let Some((channel, notices)) = self.lock().channels.get(&channel)
            && channel.terminal
        {
            let _ = notices.try_send(text.to_owned());
        }
    }

    /// Shows a line of the gateway on every terminal of the session, or on every channel where it has none; or on one channel.
    pub(crate) fn tell(&self, channel: Option<u32>, text: &str) {
        self.lock().tell(channel, text);
    }

    /// Ends the session for `reason`; the first reason stands. Must run inside the runtime.
    ///
    /// Not left to the session's own tasks: they may be stuck behind a peer that does not read.
    pub fn stop(&self, reason: Stop) {
        if reason.ends_connection() {
            return self.shared.end(&reason);
        }
        if !self.begin_stop(reason) {
            return;
        }
        let (seated, shared) = (self.seated.subscribe(), Arc::clone(&self.shared));
        let unread = Stop::Unread {
            session: self.facts.number,
        };
        tokio::spawn(async move {
            let closed = tokio::time::timeout(LAST_WORD, until_empty(seated)).await;
            if closed.is_err() {
                shared.end_at_once(&unread);
            }
        });
    }

    /// Whether `reason` is the first; closes the targets' sockets then.
    fn begin_stop(&self, reason: Stop) -> bool {
        let mut inner = self.lock();
        let first = self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            if first {
                *stop = Some(reason);
            }
            first
        });
        if first {
            for target in inner
                .targets
                .drain(..)
                .filter_map(|target| target.upgrade())
            {
                target.cut();
            }
        }
        first
    }

    /// Why the session is ending, if it is.
    pub fn stopped(&self) -> Option<Stop> {
        self.stop.borrow().clone()
    }

    /// Waits until the session is to end.
    pub(crate) async fn until_stopped(&self) -> Stop {
        let mut stop = self.stop.subscribe();
        loop {
            if let Some(reason) = stop.borrow_and_update().clone() {
                return reason;
            }
            if stop.changed().await.is_err() {
                // Cannot be: `self` holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the close of every channel is on the wire.
    pub(crate) async fn until_empty(&self) {
        until_empty(self.seated.subscribe()).await;
    }

    /// A seat for one more channel, to be kept until its close is on the wire.
    ///
    /// # Errors
    /// Why the session takes no more.
    pub(crate) fn seat(self: &Arc<Self>) -> Result<Seat, Stop> {
        let _inner = self.lock();
        if let Some(stop) = self.stopped() {
            return Err(stop);
        }
        self.seated.send_modify(|seated| *seated += 1);
        Ok(Seat(Arc::clone(self)))
    }

    /// Payload bytes that went out so far, to the target and to the technician.
    pub fn bytes(&self) -> (u64, u64) {
        self.passed.bytes()
    }

    /// What counts them.
    pub(crate) fn passed(&self) -> &Arc<Passed> {
        &self.passed
    }

    /// Something was recorded.
    pub(crate) fn recorded(&self) {
        if self.progress.receiver_count() > 0 {
            self.progress.send_modify(|count| *count += 1);
        }
    }

    /// The number of the next channel.
    pub(crate) fn number_channel(&self) -> u32 {
        self.next_channel.fetch_add(1, Ordering::Relaxed)
    }

    /// Lists a channel; its notices arrive at the returned receiver.
    pub(crate) fn enter(&self, channel: LiveChannel) -> mpsc::Receiver<String> {
        let (sender, notices) = mpsc::channel(NOTICES);
        self.lock()
            .channels
            .insert(channel.number, (channel, sender));
        notices
    }

    /// Unlists a channel. Must run inside the runtime.
    pub(crate) fn leave(&self, number: u32) {
        let mut inner = self.lock();
        inner.channels.remove(&number);
        inner.tolls.remove(&number);
        let tolls = inner.tolls.iter();
        let others: Vec<_> = tolls
            .filter_map(|(other, toll)| Some((*other, toll.upgrade()?)))
            .collect();
        let numbers: Vec<_> = others.iter().map(|(other, _)| *other).collect();
        let mut ways = Vec::new();
        // Under the same lock as what holds: nothing does that comes later.
        self.held
            .send_modify(|held| ways = held.hand_on(number, &numbers));
        for (_, toll) in others {
            ways.iter().for_each(|way| toll.is_held(*way));
        }
    }

    /// Remembers a target's socket, so that a cut closes it too. A session that is already stopping cuts it at once.
    pub(crate) fn dialled(&self, target: &Arc<Socket>) {
        let mut inner = self.lock();
        inner.targets.retain(|target| target.strong_count() > 0);
        // Several channels may share one.
        let target_too = Arc::downgrade(target);
        if !inner.targets.iter().any(|it| it.ptr_eq(&target_too)) {
            inner.targets.push(target_too);
        }
        drop(inner);
        if self.stop.borrow().is_some() {
            target.cut();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A channel's seat in a session; given up when the close of the channel is on the wire, or there is no wire any more.
#[derive(Debug)]
pub(crate) struct Seat(Arc<LiveSession>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0
            .seated
            .send_modify(|seated| *seated = seated.saturating_sub(1));
    }
}

async fn until_empty(mut seated: watch::Receiver<usize>) {
    // Without a sender there is no session any more, and no channel of it.
    let _ = seated.wait_for(|seated| *seated == 0).await;
}
