//! The sessions in passage: who is where now, and the red handle (I5).
//!
//! [`Live`] lists the sessions of this process so that operators see them, follow them and cut them. A cut does not wait
//! for anybody: targets' sockets close at once, the technician's side after a moment in which the reason is said, whether
//! or not the technician reads it (invariant 6). What ends, a session or its whole connection, is in [`session`].

pub(crate) mod agreement;
pub(crate) mod alone;
mod because;
pub(crate) mod company;
pub(crate) mod confirms;
mod exhausted;
mod guests;
pub(crate) mod hands;
mod held;
pub(crate) mod node_name;
pub(crate) mod nodes;
pub(crate) mod officers;
pub(crate) mod orders;
pub(crate) mod presence;
pub(crate) mod questions;
mod session;
pub(crate) mod signals;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ecluse_policy::{
    AsOperator, EndReason, InterventionId, PersonId, SessionId, TargetId, Timestamp,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::agreement::Agreement;
pub(crate) use self::because::ByItself;
pub use self::because::{Because, KnownBy};
pub(crate) use self::company::{Companions, Company, Program, Worth};
pub(crate) use self::exhausted::key as budget_key;
pub use self::exhausted::{Exhausted, SpentBudget};
pub(crate) use self::guests::{Guest, Guests};
pub(crate) use self::held::{Held, Holder};
pub use self::orders::Order;
pub use self::session::{LiveChannel, LiveSession, SessionFacts};
pub(crate) use self::session::{Seat, Shared};
use crate::audit::AuditRecord;
use crate::clock::{self, Onward};

/// How long an order of another node reaches sessions that had begun before it and were not in passage yet.
const STANDS_FOR: Duration = Duration::from_secs(60);

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
    /// A budget is spent (X3).
    #[error("{0}")]
    Quota(Exhausted),
    /// The technician's side broke the protocol.
    #[error("the technician's client ignored the flow control of SSH")]
    Overflow,
    /// Another session of the same connection ended, and its end did not reach a client that does not read.
    #[error("session {session} on the same connection ended, and the client did not read its end")]
    Unread {
        /// The session that ended.
        session: u64,
    },
    /// Its end was on record already: its gateway had been taken out, and lived.
    #[error("this session was ended on record: its gateway had been taken out")]
    EndedOnRecord,
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
            Self::Unrecorded(_) | Self::Quota(_) | Self::EndedOnRecord => false,
            Self::Overflow | Self::Unread { .. } | Self::GatewayStops => true,
        }
    }
}

/// What an operator cuts. Kept in orders to other nodes, so never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

impl CutWhat {
    /// The record of an order, with what it names.
    pub(crate) fn named_in(&self, record: AuditRecord) -> AuditRecord {
        match self {
            Self::Session(number) => record.detail("number", *number),
            Self::Technician(person) => record.detail("technician", person.as_str()),
            Self::Target(target) => record.target(target),
            Self::All => record.detail("all", true),
        }
    }
}

/// An order of another node.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// Its id.
    pub(crate) id: Uuid,
    /// What is ordered.
    pub(crate) order: Order,
    /// Up to which session.
    pub(crate) upto: u64,
    /// Since when.
    pub(crate) since: Instant,
}

/// The sessions of this process.
#[derive(Debug, Default)]
pub struct Live {
    sessions: Mutex<BTreeMap<u64, Arc<LiveSession>>>,
    /// Who accompanies which of them.
    companions: Companions,
    /// The connections of technicians, with sessions or without.
    pub(crate) guests: Guests,
    /// Those of operators.
    pub(crate) officers: officers::Officers,
    /// Whether this machine's clock is the store's.
    pub(crate) agreement: Agreement,
    /// Orders of other nodes that reach who comes late.
    standing: Mutex<Vec<Standing>>,
    /// The time of each intervention that has had a session here.
    times: Mutex<HashMap<InterventionId, Onward>>,
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

    /// The session of this number, whoever's: for whom the right to it was asked already.
    pub(crate) fn numbered(&self, number: u64) -> Option<Arc<LiveSession>> {
        self.lock().get(&number).cloned()
    }

    /// Whether the session of this number is in passage.
    pub(crate) fn has(&self, number: u64) -> bool {
        self.lock().contains_key(&number)
    }

    /// Cuts the sessions that an order names and returns them; connections of a person that have no session are cut by
    /// [`Guests::cut`]. Must run inside the runtime.
    pub fn cut(&self, order: &Order) -> Vec<Arc<LiveSession>> {
        self.cut_upto(order, u64::MAX)
    }

    /// The same of those that had begun when another node gave the order. One of them that enters passage only after it
    /// ends too.
    pub(crate) fn carry_out(&self, id: Uuid, order: &Order, upto: u64) -> Vec<Arc<LiveSession>> {
        // First of all: whoever enters from here on looks here.
        let mut standing = self.standing();
        standing.retain(|one| one.since.elapsed() < STANDS_FOR);
        standing.push(Standing {
            id,
            order: order.clone(),
            upto,
            since: clock::monotonic(),
        });
        drop(standing);
        self.cut_upto(order, upto)
    }

    fn cut_upto(&self, order: &Order, upto: u64) -> Vec<Arc<LiveSession>> {
        let mut cut = self.all();
        cut.retain(|session| is_named(order, upto, session));
        for session in &cut {
            session.stop(stop(order));
        }
        cut
    }

    /// A session is in passage; the record of its cut, where an order of another node reaches it that was given after it
    /// began. Must run inside the runtime.
    pub(crate) fn enter(&self, session: Arc<LiveSession>) -> Option<AuditRecord> {
        self.lock()
            .insert(session.facts().number, Arc::clone(&session));
        let mut standing = self.standing().clone().into_iter();
        let meant = standing.find(|one| {
            one.since.elapsed() < STANDS_FOR && is_named(&one.order, one.upto, &session)
        })?;
        session.stop(stop(&meant.order));
        Some(orders::cut_by(meant.id, &meant.order, &session))
    }

    /// Ends those of the sessions in passage whose end is on record, and returns them. To be called after it was read what is
    /// on record: a session leaves before its own gateway puts its end there. Must run inside the runtime.
    pub(crate) fn end_outlived(&self, ended: &BTreeSet<SessionId>) -> Vec<Arc<LiveSession>> {
        let mut outlived = self.all();
        outlived.retain(|session| ended.contains(&session.facts().id));
        for session in &outlived {
            session.stop(Stop::EndedOnRecord);
        }
        outlived
    }

    pub(crate) fn leave(&self, number: u64) {
        self.lock().remove(&number);
        // Whoever accompanied it may accompany another.
        self.count_companions();
    }

    /// The time that the sessions of an intervention end by, from its first one here on: one who comes again after the clock
    /// was set back has not more time.
    pub(crate) fn time_of(&self, intervention: InterventionId) -> Onward {
        *self
            .times()
            .entry(intervention)
            .or_insert_with(Onward::begin)
    }

    /// What it has come to; the time that rights end by, where it has had no session here.
    pub(crate) fn reached(&self, intervention: InterventionId) -> Timestamp {
        let time = self.times().get(&intervention).copied();
        time.map_or_else(clock::agreed, |time| time.now())
    }

    /// Forgets the time of all other interventions: they are over.
    pub(crate) fn keep_times(&self, of: &HashSet<InterventionId>) {
        self.times()
            .retain(|intervention, _| of.contains(intervention));
    }

    fn times(&self) -> MutexGuard<'_, HashMap<InterventionId, Onward>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<LiveSession>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn standing(&self) -> MutexGuard<'_, Vec<Standing>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an order means a session; never one of another client (O4).
fn is_named(order: &Order, upto: u64, session: &LiveSession) -> bool {
    let facts = session.facts();
    let named = match &order.what {
        CutWhat::Session(number) => facts.number == *number,
        CutWhat::Technician(person) => facts.person == *person,
        CutWhat::Target(target) => facts.target == *target,
        CutWhat::All => true,
    };
    named && facts.client == order.client && facts.number <= upto
}

fn stop(order: &Order) -> Stop {
    Stop::Cut {
        by: order.by.clone(),
        reason: order.reason.clone(),
        person: order.is_of_people(),
    }
}
