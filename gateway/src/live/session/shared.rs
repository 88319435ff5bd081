//! What the sessions of one connection share: its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;

use super::{LAST_WORD, LiveSession};
use crate::live::Stop;
use crate::passage::connection::Connection;

/// What the sessions of one connection share: its end.
#[derive(Debug)]
pub(crate) struct Shared {
    connection: Arc<Connection>,
    sessions: Mutex<Vec<Weak<LiveSession>>>,
    /// Connections that go by channels of this one.
    within: Mutex<Vec<Weak<Shared>>>,
    /// Why the connection ends, once it does: for whatever waits on it without a session.
    ending: watch::Sender<Option<Stop>>,
}

impl Shared {
    /// No sessions yet, on `connection`.
    pub(crate) fn new(connection: Arc<Connection>) -> Arc<Self> {
        Arc::new(Self {
            connection,
            sessions: Mutex::default(),
            within: Mutex::default(),
            ending: watch::Sender::new(None),
        })
    }

    /// Ends the connection and every session of it for `reason`, which may still be read for a moment. Must run inside the
    /// runtime.
    pub(crate) fn end(&self, reason: &Stop) {
        self.begin_stops(reason);
        let connection = Arc::clone(&self.connection);
        tokio::spawn(async move {
            tokio::time::sleep(LAST_WORD).await;
            connection.cut();
        });
    }

    /// Waits until the connection is to end.
    pub(crate) async fn until_ending(&self) -> Stop {
        let mut ending = self.ending.subscribe();
        loop {
            if let Some(reason) = ending.borrow_and_update().clone() {
                return reason;
            }
            if ending.changed().await.is_err() {
                // Cannot be: `self` holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether the connection is to end.
    pub(crate) fn is_over(&self) -> bool {
        self.ending.borrow().is_some()
    }

    /// Whether a session is in passage on the connection.
    pub(crate) fn has_sessions(&self) -> bool {
        let sessions: Vec<_> = self.lock().iter().filter_map(Weak::upgrade).collect();
        let mut live = sessions.iter();
        live.any(|session| session.stopped().is_none())
            || self.within().iter().any(|within| within.has_sessions())
    }

    /// The connection of `inner` goes by a channel of this one.
    pub(crate) fn carries(&self, inner: &Arc<Self>) {
        let mut within = self.within.lock().unwrap_or_else(PoisonError::into_inner);
        within.retain(|one| one.strong_count() > 0);
        within.push(Arc::downgrade(inner));
        drop(within);
        let ending = self.ending.borrow().clone();
        if let Some(reason) = ending {
            inner.begin_stops(&reason);
        }
    }

    fn within(&self) -> Vec<Arc<Self>> {
        let within = self.within.lock().unwrap_or_else(PoisonError::into_inner);
        within.iter().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn end_at_once(&self, reason: &Stop) {
        self.begin_stops(reason);
        self.connection.cut();
    }

    fn begin_stops(&self, reason: &Stop) {
        // First of all: a session that begins from here on ends for the same reason.
        self.ending.send_if_modified(|ending| {
            let first = ending.is_none();
            if first {
                *ending = Some(reason.clone());
            }
            first
        });
        let sessions: Vec<_> = self.lock().iter().filter_map(Weak::upgrade).collect();
        for session in sessions {
            session.begin_stop(reason.clone());
        }
        for within in self.within() {
            within.begin_stops(reason);
        }
    }

    pub(super) fn enter(&self, session: &Arc<LiveSession>) {
        let mut sessions = self.lock();
        sessions.retain(|session| session.strong_count() > 0);
        sessions.push(Arc::downgrade(session));
        drop(sessions);
        let ending = self.ending.borrow().clone();
        if let Some(reason) = ending {
            session.begin_stop(reason);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<LiveSession>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
