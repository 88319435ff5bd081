//! The sessions in passage: who is where now, and the red handle (I5).
//!
//! [`Live`] lists the sessions of this process so that operators see them, follow them and cut them. A cut does not wait
//! for anybody: targets' sockets close at once, the technician's after a moment in which the reason is said, whether or
//! not the technician reads it (invariant 6).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ecluse_policy::{
    AccountName, AsOperator, ClientId, EndReason, InterventionId, InterventionNumber, PersonId,
    ProviderId, SessionId, StationId, TargetId, Timestamp,
};
use ecluse_recordings::ReadError;
use ecluse_recordings::evidence::key::RecordingKey;
use tokio::sync::{mpsc, watch};

use crate::door::stream::Socket;
use crate::passage::connection::Connection;
use crate::screens::LiveScreen;

/// How long the reason of a cut may take to reach the technician before the socket closes regardless.
const LAST_WORD: Duration = Duration::from_millis(500);
/// Lines of the gateway waiting for one channel; a technician who does not read misses further ones.
const NOTICES: usize = 8;

/// Why a session ends before its own end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// A right ended (A8, I3).
    #[error("{0}")]
    Right(#[from] EndReason),
    /// An operator cut it (I5).
    #[error("cut by {by}{}", .reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Cut {
        /// Who.
        by: PersonId,
        /// Why, if said.
        reason: Option<String>,
    },
    /// It cannot be recorded (R2).
    #[error("the recording failed: {0}")]
    Unrecorded(String),
    /// The technician's side broke the protocol.
    #[error("the technician's client ignored the flow control of SSH")]
    Overflow,
    /// The gateway stops.
    #[error("the gateway stops")]
    GatewayStops,
}

/// What an operator cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CutWhat {
    /// One session, by its number.
    Session(u64),
    /// All sessions of one technician.
    Technician(PersonId),
    /// All sessions to one target.
    Target(TargetId),
    /// Everything of this client.
    All,
}

/// One channel of a live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveChannel {
    /// Its number in the recording, from 1.
    pub number: u32,
    /// The command, escaped for display; none for a shell.
    pub command: Option<String>,
    /// Whether it has a terminal.
    pub terminal: bool,
    /// Since when.
    pub started: Timestamp,
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
    connection: Arc<Connection>,
    progress: watch::Sender<u64>,
    stop: watch::Sender<Option<Stop>>,
    next_channel: AtomicU32,
    to_target: AtomicU64,
    to_technician: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    channels: BTreeMap<u32, (LiveChannel, mpsc::Sender<String>)>,
    targets: Vec<Weak<Socket>>,
    screens: BTreeMap<u32, Weak<LiveScreen>>,
}

impl LiveSession {
    /// A session on `connection`, without channels yet.
    pub(crate) fn new(facts: SessionFacts, connection: Arc<Connection>) -> Self {
        Self {
            facts,
            connection,
            progress: watch::Sender::new(0),
            stop: watch::Sender::new(None),
            next_channel: AtomicU32::new(1),
            to_target: AtomicU64::new(0),
            to_technician: AtomicU64::new(0),
            inner: Mutex::default(),
        }
    }

    /// What does not change.
    pub fn facts(&self) -> &SessionFacts {
        &self.facts
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

    /// Shows a line of the gateway in every channel that has a terminal.
    pub fn notify(&self, text: &str) {
        for (channel, notices) in self.lock().channels.values() {
            if channel.terminal {
                let _ = notices.try_send(text.to_owned());
            }
        }
    }

    /// Ends the session for `reason`; the first reason stands. Must run inside the runtime.
    pub fn stop(&self, reason: Stop) {
        let first = self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            if first {
                *stop = Some(reason);
            }
            first
        });
        if !first {
            return;
        }
        for target in self
            .lock()
            .targets
            .drain(..)
            .filter_map(|target| target.upgrade())
        {
            target.cut();
        }
        // Not left to the session's own tasks: they may be stuck behind a peer that does not read.
        let connection = Arc::clone(&self.connection);
        tokio::spawn(async move {
            tokio::time::sleep(LAST_WORD).await;
            connection.cut();
        });
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

    /// Payload bytes recorded so far, to the target and to the technician.
    pub fn bytes(&self) -> (u64, u64) {
        (
            self.to_target.load(Ordering::Relaxed),
            self.to_technician.load(Ordering::Relaxed),
        )
    }

    /// So many payload bytes were recorded, one way or the other.
    pub(crate) fn recorded(&self, to_target: usize, to_technician: usize) {
        self.to_target
            .fetch_add(to_target as u64, Ordering::Relaxed);
        self.to_technician
            .fetch_add(to_technician as u64, Ordering::Relaxed);
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

    /// Unlists a channel.
    pub(crate) fn leave(&self, number: u32) {
        self.lock().channels.remove(&number);
    }

    /// Remembers a target's socket, so that a cut closes it too. A session that is already stopping cuts it at once.
    pub(crate) fn dialled(&self, target: &Arc<Socket>) {
        let mut inner = self.lock();
        inner.targets.retain(|target| target.strong_count() > 0);
        inner.targets.push(Arc::downgrade(target));
        drop(inner);
        if self.stop.borrow().is_some() {
            target.cut();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sessions of this process.
#[derive(Debug, Default)]
pub struct Live {
    sessions: Mutex<BTreeMap<u64, Arc<LiveSession>>>,
}

impl Live {
    /// The sessions of the operator's client, oldest first; no other client's (O4).
    pub fn list(&self, by: &AsOperator<'_>) -> Vec<Arc<LiveSession>> {
        self.lock()
            .values()
            .filter(|session| session.facts.client == *by.client())
            .cloned()
            .collect()
    }

    /// All sessions, for the gateway's own tasks.
    pub(crate) fn all(&self) -> Vec<Arc<LiveSession>> {
        self.lock().values().cloned().collect()
    }

    /// The session of this number, if it is of the operator's client.
    pub fn find(&self, by: &AsOperator<'_>, number: u64) -> Option<Arc<LiveSession>> {
        self.lock()
            .get(&number)
            .filter(|session| session.facts.client == *by.client())
            .cloned()
    }

    /// Whether the session of this number is in passage.
    pub(crate) fn has(&self, number: u64) -> bool {
        self.lock().contains_key(&number)
    }

    /// Cuts the sessions of the operator's client that `what` names and returns them. Must run inside the runtime.
    pub fn cut(
        &self,
        by: &AsOperator<'_>,
        what: &CutWhat,
        reason: Option<&str>,
    ) -> Vec<Arc<LiveSession>> {
        let named = |session: &Arc<LiveSession>| match what {
            CutWhat::Session(number) => session.facts.number == *number,
            CutWhat::Technician(person) => session.facts.person == *person,
            CutWhat::Target(target) => session.facts.target == *target,
            CutWhat::All => true,
        };
        let mut cut = self.list(by);
        cut.retain(named);
        for session in &cut {
            session.stop(Stop::Cut {
                by: by.person().clone(),
                reason: reason.map(str::to_owned),
            });
        }
        cut
    }

    pub(crate) fn enter(&self, session: Arc<LiveSession>) {
        self.lock().insert(session.facts.number, session);
    }

    pub(crate) fn leave(&self, number: u64) {
        self.lock().remove(&number);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<LiveSession>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
