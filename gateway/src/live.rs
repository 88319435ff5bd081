//! The sessions in passage: who is where now, and the red handle (I5).
//!
//! [`Live`] lists the sessions of this process so that operators see them, follow them and cut them. A cut does not wait
//! for anybody: targets' sockets close at once, the technician's side after a moment in which the reason is said, whether
//! or not the technician reads it (invariant 6). What ends, a session or its whole connection, is in [`session`].

mod because;
mod guests;
mod session;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecluse_policy::{AsOperator, EndReason, PersonId, TargetId};

pub use self::because::{Because, KnownBy};
pub(crate) use self::guests::{Guest, Guests};
pub use self::session::{LiveChannel, LiveSession, SessionFacts};
pub(crate) use self::session::{Seat, Shared};

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
        /// Whether the person's connection goes with it: the handle was pulled on a person or on all, not on a session.
        person: bool,
    },
    /// It cannot be recorded (R2).
    #[error("the recording failed: {0}")]
    Unrecorded(String),
    /// The technician's side broke the protocol.
    #[error("the technician's client ignored the flow control of SSH")]
    Overflow,
    /// Another session of the same connection ended, and its end did not reach a client that does not read.
    #[error("session {session} on the same connection ended, and the client did not read its end")]
    Unread {
        /// The session that ended.
        session: u64,
    },
    /// The gateway stops.
    #[error("the gateway stops")]
    GatewayStops,
}

impl Stop {
    /// Whether it ends the whole connection: what is said of a person, a client program or the machine is true of every
    /// session there, what is said of an intervention or a recording is not.
    pub fn ends_connection(&self) -> bool {
        match self {
            Self::Right(reason) => reason.ends_presence(),
            Self::Cut { person, .. } => *person,
            Self::Unrecorded(_) => false,
            Self::Overflow | Self::Unread { .. } | Self::GatewayStops => true,
        }
    }
}

/// What an operator cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CutWhat {
    /// One session, by its number.
    Session(u64),
    /// All sessions of one technician, and their connections that have none.
    Technician(PersonId),
    /// All sessions to one target.
    Target(TargetId),
    /// Everything of this client.
    All,
}

/// The sessions of this process.
#[derive(Debug, Default)]
pub struct Live {
    sessions: Mutex<BTreeMap<u64, Arc<LiveSession>>>,
    /// The connections of technicians, with sessions or without.
    pub(crate) guests: Guests,
}

impl Live {
    /// The sessions of the operator's client, oldest first; no other client's (O4).
    pub fn list(&self, by: &AsOperator<'_>) -> Vec<Arc<LiveSession>> {
        self.lock()
            .values()
            .filter(|session| session.facts().client == *by.client())
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
            .filter(|session| session.facts().client == *by.client())
            .cloned()
    }

    /// Whether the session of this number is in passage.
    pub(crate) fn has(&self, number: u64) -> bool {
        self.lock().contains_key(&number)
    }

    /// Cuts the sessions of the operator's client that `what` names and returns them; connections of a person that have no
    /// session are cut by [`Guests::cut`]. Must run inside the runtime.
    pub fn cut(
        &self,
        by: &AsOperator<'_>,
        what: &CutWhat,
        reason: Option<&str>,
    ) -> Vec<Arc<LiveSession>> {
        let named = |session: &Arc<LiveSession>| match what {
            CutWhat::Session(number) => session.facts().number == *number,
            CutWhat::Technician(person) => session.facts().person == *person,
            CutWhat::Target(target) => session.facts().target == *target,
            CutWhat::All => true,
        };
        let person = match what {
            CutWhat::Session(_) | CutWhat::Target(_) => false,
            CutWhat::Technician(_) | CutWhat::All => true,
        };
        let mut cut = self.list(by);
        cut.retain(named);
        for session in &cut {
            session.stop(Stop::Cut {
                by: by.person().clone(),
                reason: reason.map(str::to_owned),
                person,
            });
        }
        cut
    }

    pub(crate) fn enter(&self, session: Arc<LiveSession>) {
        self.lock().insert(session.facts().number, session);
    }

    pub(crate) fn leave(&self, number: u64) {
        self.lock().remove(&number);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<LiveSession>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
