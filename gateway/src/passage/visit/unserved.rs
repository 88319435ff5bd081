//! What no version carries, asked of a connection or of a channel that has not started: refused in the words of policy,
//! whatever the matrix may say one day, on record with the client and told to the recordings. So is what comes too late on
//! a channel that has started.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecluse_policy::{FlowRequest, Refusal};

use super::{Visit, refusal_of};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;

/// So many refusals wait for the session that they are told to.
const BEFORE: usize = 64;
/// So many kinds of a connection are put on record by themselves; more are counted together.
const KINDS: usize = 64;

/// What one connection was refused so.
#[derive(Debug, Default)]
pub(super) struct Unserved {
    /// What was refused while there was no session yet.
    before: Mutex<Vec<(FlowRequest, Refusal)>>,
    counted: Mutex<Counted>,
    /// The same of places that no line lists.
    places: Mutex<Counted>,
}

/// What is repeated by programs that know no better, as long as the connection lasts: it does not end for that.
#[derive(Debug, Default)]
struct Counted {
    /// Why each kind was refused, and how often it came again.
    again: BTreeMap<FlowRequest, (Refusal, u64)>,
    /// How often others came.
    others: u64,
}

impl Unserved {
    /// Whether this place is to be put on record: the first time, and always where so many others were asked for that no more are
    /// kept (R5).
    pub(super) fn is_new_place(&self, flow: &FlowRequest, refusal: &Refusal) -> bool {
        let mut counted = lock(&self.places);
        if let Some((_, again)) = counted.again.get_mut(flow) {
            *again = again.saturating_add(1);
            return false;
        }
        if counted.again.len() < KINDS {
            counted.again.insert(flow.clone(), (refusal.clone(), 0));
        }
        true
    }

    /// Keeps it for the session that begins next.
    pub(super) fn keep(&self, flow: &FlowRequest, refusal: &Refusal) {
        let mut before = lock(&self.before);
        if before.len() < BEFORE {
            before.push((flow.clone(), refusal.clone()));
        }
    }

    /// Whether this kind is new to the connection; otherwise it is counted.
    fn is_new(&self, flow: &FlowRequest, refusal: &Refusal) -> bool {
        let mut counted = lock(&self.counted);
        if let Some((_, again)) = counted.again.get_mut(flow) {
            *again = again.saturating_add(1);
        } else if counted.again.len() < KINDS {
            counted.again.insert(flow.clone(), (refusal.clone(), 0));
            return true;
        } else {
            counted.others = counted.others.saturating_add(1);
        }
        false
    }
}

impl Visit {
    /// Refuses a flow that this version does not carry; returns the words for the technician.
    pub(crate) fn refuse_unserved(self: &Arc<Self>, flow: FlowRequest) -> String {
        let refusal = unserved(&flow);
        self.tell_sessions(&flow, &refusal);
        let record = self.record_of_unserved();
        self.put_refusal_on_record(record, &flow, &refusal)
    }

    /// The same for what nobody reads a word about, and what a program may repeat for ever: each kind is on record when it
    /// first comes, and when the connection ends, how often it came again.
    pub(crate) fn refuse_counted(self: &Arc<Self>, flow: &FlowRequest) {
        self.refuse_and_count(flow, unserved(flow));
    }

    /// The same for what a channel may ask for once, before it starts.
    pub(crate) fn refuse_too_late(self: &Arc<Self>, flow: FlowRequest) {
        let refusal = Refusal::TooLate { flow: flow.clone() };
        self.refuse_and_count(&flow, refusal);
    }

    fn refuse_and_count(self: &Arc<Self>, flow: &FlowRequest, refusal: Refusal) {
        if !self.unserved.is_new(flow, &refusal) {
            return;
        }
        self.tell_sessions(flow, &refusal);
        let record = refusal_of(self.record_of_unserved(), flow, &refusal);
        let visit = Arc::clone(self);
        // Callbacks of the SSH library must not wait for the store.
        self.tasks
            .spawn(async move { visit.audit_refusal(record).await });
    }

    /// Puts on record what came again.
    pub(super) async fn conclude_unserved(&self) {
        let Counted { again, others } = std::mem::take(&mut *lock(&self.unserved.counted));
        let places = std::mem::take(&mut *lock(&self.unserved.places)).again;
        let again = again.into_iter().chain(places);
        let again = again.filter(|(_, (_, count))| *count > 0);
        for (flow, (refusal, count)) in again {
            let record = refusal_of(self.record_of_unserved(), &flow, &refusal)
                .reason(format!("{count} more on this connection"))
                .detail("count", count);
            self.audit_refusal(record).await;
        }
        if others > 0 {
            let record = self
                .record_of_unserved()
                .refused()
                .reason(format!("{others} of other kinds on this connection"))
                .detail("count", others);
            self.audit_refusal(record).await;
        }
    }

    fn record_of_unserved(&self) -> AuditRecord {
        let record = self.visitor.record(AuditKind::FlowRefused, clock::now());
        if let Some(session) = self.only_session() {
            let facts = session.live().facts();
            return record
                .client(&facts.client)
                .target(&facts.target)
                .intervention(facts.intervention)
                .session(facts.id);
        }
        record.names(
            &self.gateway.applied().documents,
            self.address.target.as_ref(),
        )
    }

    /// What is asked of the connection stands in every recording of it: none tells which session it was meant for. Agents
    /// and forwards are asked for before the shell that begins the session: they are told to its recording.
    fn tell_sessions(&self, flow: &FlowRequest, refusal: &Refusal) {
        let sessions = self.sessions();
        if sessions.is_empty() {
            self.unserved.keep(flow, refusal);
        }
        for session in sessions {
            session.refused(flow, refusal);
        }
    }

    /// What was refused before there was a session, once.
    pub(super) fn take_refused_before(&self) -> Vec<(FlowRequest, Refusal)> {
        std::mem::take(&mut *lock(&self.unserved.before))
    }
}

fn unserved(flow: &FlowRequest) -> Refusal {
    Refusal::FlowNotListed {
        missing: flow.missing_flow(),
        flow: flow.clone(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
