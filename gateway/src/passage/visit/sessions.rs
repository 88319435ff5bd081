//! The sessions of one connection: one for each intervention and account that its channels are permitted by.
//!
//! A channel belongs to the session of the intervention that permits it and to no other, whichever was first: its recording,
//! its end and its supervision are that session's (`adr/0009-sessions.md`).

use std::sync::{Arc, MutexGuard, PoisonError};

use ecluse_policy::{Admission, Permit, StartRequest, Verdict};

use super::super::purse::RecordingPlace;
use super::super::right::Right;
use super::super::session::Session;
use super::super::supervision;
use super::Visit;
use crate::audit::AuditKind;
use crate::clock;
use crate::live::{Seat, Stop};
use crate::store::StoreError;

/// What permits one channel.
pub(crate) struct Permitted {
    pub(crate) admission: Admission,
    pub(crate) permit: Permit,
}

/// One channel in its session.
pub(crate) struct Seated {
    pub(crate) session: Arc<Session>,
    /// Held, so that the session keeps an eye on it while the channel lives.
    pub(crate) admission: Arc<Admission>,
    pub(crate) permit: Permit,
    /// The same, watched over.
    pub(crate) right: Arc<Right>,
    /// The connection's earlier session, where this one had to begin beside it.
    pub(crate) beside: Option<u64>,
}

/// Why there is no session for a channel.
pub(crate) enum Unseated {
    /// It ended at this very moment.
    Stopped(Stop),
    /// It cannot be recorded or written down: then there is none (R2). The words for the technician.
    Unrecorded(String),
}

impl Visit {
    /// What permits `asked` in a session that this connection has already, by that session's own intervention.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn permitted_already(
        &self,
        asked: &StartRequest,
    ) -> Result<Option<Permitted>, StoreError> {
        for session in self.sessions() {
            if session.live().stopped().is_some() {
                continue;
            }
            let admission = session.admission();
            let id = admission.intervention().id();
            let Some(intervention) = self.gateway.store.intervention(id).await? else {
                continue;
            };
            let (applied, now) = (self.gateway.applied(), session.live().now());
            let renewed = admission.renewed(&applied.documents, &intervention, now);
            if let Ok(admission) = renewed
                && let Verdict::Permit(permit) = admission.open(asked, now)
            {
                return Ok(Some(Permitted { admission, permit }));
            }
        }
        Ok(None)
    }

    /// A seat in the session of what permits the channel; the first such channel opens the session.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn seat(
        self: &Arc<Self>,
        permitted: Permitted,
    ) -> Result<(Seated, Seat), Unseated> {
        let Permitted { admission, permit } = permitted;
        // Alone, so that two channels open one session and not two.
        let _alone = self.opening.lock().await;
        let live: Vec<_> = self
            .sessions()
            .into_iter()
            .filter(|session| session.live().stopped().is_none())
            .collect();
        let mine = live.iter().find(|session| session.carries(&admission));
        let (session, beside) = match mine {
            Some(session) => (Arc::clone(session), None),
            None => {
                let beside = live.last().map(|session| session.live().facts().number);
                (self.begin_session(&admission).await?, beside)
            }
        };
        let seat = session.live().seat().map_err(Unseated::Stopped)?;
        let seated = Seated {
            admission: session.watches(admission),
            right: session.rests_on(&permit),
            session,
            permit,
            beside,
        };
        // Before anything of it is dialled.
        seated.session.is_accompanied_by_its_rights(self);
        Ok((seated, seat))
    }

    async fn begin_session(
        self: &Arc<Self>,
        admission: &Admission,
    ) -> Result<Arc<Session>, Unseated> {
        // Again: an approval may have been waited for, for an hour.
        if !self.has_room(admission.target()).await {
            return Err(Unseated::Unrecorded(self.say("space-full")));
        }
        let Some(place) = RecordingPlace::lend(self.connection().purse()) else {
            self.put_no_memory_on_record(admission).await;
            return Err(Unseated::Unrecorded(self.say("memory-full")));
        };
        let session = self
            .open_session(admission, place)
            .await
            .map_err(Unseated::Unrecorded)?;
        let session = Arc::new(session);
        self.note_clock(&session);
        for (flow, refusal) in self.take_refused_before() {
            session.refused(&flow, &refusal);
        }
        // An order of another node may have been given since it began.
        if let Some(cut) = self.gateway.live.enter(Arc::clone(session.live())) {
            self.audit(cut).await;
        }
        self.lock_sessions().push(Arc::clone(&session));
        self.supervisors.spawn(supervision::watch_session(
            Arc::clone(self),
            Arc::clone(&session),
        ));
        Ok(session)
    }

    async fn put_no_memory_on_record(&self, admission: &Admission) {
        let record = self
            .visitor()
            .record(AuditKind::SessionRefused, clock::now())
            .refused()
            .reason("too little memory for a recording")
            .client(admission.client())
            .target(admission.target())
            .intervention(admission.intervention().id())
            .detail("sessions", self.sessions().len());
        self.audit_refusal(record).await;
    }

    /// The sessions that are not closed, in the order they began.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        self.lock_sessions().clone()
    }

    /// The session, where the connection has one and no other: what is asked of the connection and of no channel can then
    /// be put on record with it.
    pub(super) fn only_session(&self) -> Option<Arc<Session>> {
        match self.lock_sessions().as_slice() {
            [session] => Some(Arc::clone(session)),
            _ => None,
        }
    }

    /// Forgets a session that is closed.
    pub(crate) fn forget(&self, closed: &Arc<Session>) {
        self.lock_sessions()
            .retain(|session| !Arc::ptr_eq(session, closed));
    }

    fn lock_sessions(&self) -> MutexGuard<'_, Vec<Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
