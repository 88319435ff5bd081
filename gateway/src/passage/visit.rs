//! One connection's stay, once somebody has authenticated on it: a [`Visit`].
//!
//! Only a visit has channels, and only a visit can open a session, so nothing after authentication can be reached
//! without it. How a session begins is in [`opening`], what the person reads in [`words`].

mod opening;
mod words;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ecluse_policy::{
    Admission, FlowRequest, LoginAddress, Permit, Refusal, TargetId, Timestamp, Verdict,
};
use tokio::sync::{Mutex, Notify};
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::session::Session;
use crate::admission::Visitor;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::connector::ssh::{ConnectError, Credential};
use crate::gateway::Gateway;
use crate::live::Stop;
use crate::space::Level;
use crate::store::{self, HostKeyAlert};

/// Refused requests of one connection after which it ends: each is an audit record, and a client that goes on asking for
/// what it was refused is out to fill the disk.
const REFUSALS: u32 = 500;
/// How long channels may take to end once the connection is gone.
const CHANNELS_END_WITHIN: Duration = Duration::from_secs(5);

/// An authenticated connection.
pub(crate) struct Visit {
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
    visitor: Arc<Visitor>,
    address: LoginAddress,
    /// Held while a session is being opened, so that two channels open one.
    opening: Mutex<()>,
    session: OnceLock<Arc<Session>>,
    session_began: Notify,
    refusals: AtomicU32,
    tasks: TaskTracker,
}

impl Visit {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        connection: Arc<Connection>,
        visitor: Visitor,
        address: LoginAddress,
    ) -> Self {
        Self {
            gateway,
            connection,
            visitor: Arc::new(visitor),
            address,
            opening: Mutex::new(()),
            session: OnceLock::new(),
            session_began: Notify::new(),
            refusals: AtomicU32::new(0),
            tasks: TaskTracker::new(),
        }
    }

    pub(crate) fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(crate) fn visitor(&self) -> &Arc<Visitor> {
        &self.visitor
    }

    /// The user name they came under: the person, and the target and account if they named one.
    pub(crate) fn address(&self) -> &LoginAddress {
        &self.address
    }

    /// The tasks of the channels.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Channels that may be open at a time.
    pub(crate) fn channel_bound(&self) -> usize {
        self.gateway.settings.limits.channels_per_connection as usize
    }

    /// Refuses a flow that this version does not carry, in the words of policy; returns them for the technician.
    pub(crate) fn refuse_unserved(self: &Arc<Self>, flow: FlowRequest) -> String {
        let decided = self
            .session
            .get()
            .map(|session| session.admission().decide(&flow, clock::now()));
        let refusal = match decided {
            Some(Verdict::Refuse(refusal)) => refusal,
            // There is no carrier for it, whatever the matrix may say one day.
            Some(Verdict::Permit(_)) | None => Refusal::FlowNotListed {
                flow: flow.clone(),
                missing: flow.missing_flow(),
            },
        };
        self.refuse(&flow, &refusal)
    }

    /// Records a refused flow and returns the words for the technician.
    pub(crate) fn refuse(self: &Arc<Self>, flow: &FlowRequest, refusal: &Refusal) -> String {
        let words = self.words_of(refusal);
        let mut record = self.visitor.record(AuditKind::FlowRefused, clock::now());
        if let Some(session) = self.session.get() {
            let facts = session.live().facts();
            record = record
                .client(&facts.client)
                .target(&facts.target)
                .intervention(facts.intervention)
                .session(facts.id);
        }
        let record = record
            .refused()
            .reason(refusal)
            .detail("flow", flow.to_string());
        let visit = Arc::clone(self);
        // Callbacks of the SSH library must not wait for the store.
        self.tasks.spawn(async move { visit.audit(record).await });
        if self.refusals.fetch_add(1, Ordering::Relaxed) >= REFUSALS {
            tracing::warn!(person = %self.visitor.person(), "too many refused requests on one connection");
            self.connection.cut();
        }
        words
    }

    /// The client ignored its window.
    pub(crate) fn overflowed(&self) {
        self.stop(Stop::Overflow);
    }

    /// Ends the visit: says why where somebody may read it, then cuts.
    pub(crate) fn stop(&self, stop: Stop) {
        match self.session.get() {
            Some(session) => session.live().stop(stop),
            None => self.connection.cut(),
        }
    }

    /// The session of this connection, opened by its first permitted channel.
    ///
    /// # Errors
    /// The words for the technician when it cannot be recorded or written down: then there is no session (R2).
    pub(crate) async fn session(&self, admission: &Admission) -> Result<Arc<Session>, String> {
        let _alone = self.opening.lock().await;
        if let Some(session) = self.session.get() {
            return Ok(Arc::clone(session));
        }
        // Again: an approval may have been waited for, for an hour.
        if !self.has_room(admission.target()).await {
            return Err(self.say("space-full"));
        }
        let session = Arc::new(self.open_session(admission).await?);
        self.note_clock(&session);
        self.gateway.live.enter(Arc::clone(session.live()));
        let _ = self.session.set(Arc::clone(&session));
        self.session_began.notify_one();
        Ok(session)
    }

    /// Whether there is room for the recording of a session on `target`; where there is none, that is put on record.
    pub(crate) async fn has_room(&self, target: &TargetId) -> bool {
        let room = self.gateway.space.look();
        let has_room = room.level < Level::Full;
        if !has_room {
            let mut record = self
                .visitor
                .record(AuditKind::SessionRefused, clock::now())
                .refused()
                .reason("too little room for a recording")
                .detail("free", room.free);
            // A target that no document names belongs to nobody, and the name to the stranger.
            if let Some((client, known)) = self.gateway.applied().documents.target(target) {
                record = record.client(&client.id).target(&known.id);
            }
            self.audit(record).await;
        }
        has_room
    }

    /// Records what is known of the clock (R6); a session that cannot record it ends.
    pub(crate) fn note_clock(&self, session: &Session) {
        if let Err(error) = session.note_clock(&self.gateway.clock_status()) {
            session.live().stop(Stop::Unrecorded(error.to_string()));
        }
    }

    /// The session, if one was opened.
    pub(crate) fn current_session(&self) -> Option<&Arc<Session>> {
        self.session.get()
    }

    /// Waits for a session to be opened.
    pub(crate) async fn session_began(&self) {
        self.session_began.notified().await;
    }

    /// Waits until the session is to end; for ever while there is none.
    pub(crate) async fn until_session_stops(&self) -> Stop {
        match self.session.get() {
            Some(session) => session.live().until_stopped().await,
            None => std::future::pending().await,
        }
    }

    /// How long the session's window is still open.
    pub(crate) fn until_window_ends(&self, now: Timestamp) -> Option<Duration> {
        let closes_at = self.session.get()?.admission().closes_at();
        Some(closes_at.since(now).to_std())
    }

    /// Writes an audit record about something that has happened already.
    pub(crate) async fn audit(&self, record: AuditRecord) {
        if let Err(error) = self.gateway.store.record(&[record]).await {
            tracing::error!(%error, "an audit record could not be written");
        }
    }

    /// How to log on to the account of `permit`.
    pub(crate) async fn credential(&self, permit: &Permit) -> Result<Credential, ConnectError> {
        let failed = |error: store::StoreError| ConnectError::BadCredential(error.to_string());
        let stored = self
            .gateway
            .store
            .credential(permit.target(), permit.account())
            .await
            .map_err(failed)?;
        Ok(match stored.ok_or(ConnectError::NoCredential)? {
            store::Credential::PrivateKey(key) => Credential::Key(key),
            store::Credential::Password(password) => Credential::Password(password),
            store::Credential::Certificate => Credential::Certificate {
                authority: Box::new(
                    self.gateway
                        .store
                        .user_authority(clock::now())
                        .await
                        .map_err(failed)?,
                ),
                key_id: format!("ecluse {} {}", self.visitor.person(), permit.number()),
            },
        })
    }

    /// Keeps a target's unexpected host key for the client's operators.
    pub(crate) async fn alert_host_key(
        &self,
        permit: &Permit,
        got: &str,
        pinned: &[String],
        record: AuditRecord,
    ) {
        let alert = HostKeyAlert {
            at: clock::now(),
            client: permit.client().clone(),
            target: permit.target().clone(),
            expected: pinned.join(", "),
            got: got.to_owned(),
        };
        if let Err(error) = self.gateway.store.alert_host_key(&alert, &[record]).await {
            tracing::error!(%error, "a host key alert could not be written");
        }
    }

    /// The connection is gone: waits for the channels, closes the recording, writes the log-off (R4).
    pub(crate) async fn conclude(&self) {
        self.tasks.close();
        if tokio::time::timeout(CHANNELS_END_WITHIN, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("channels of a closed connection did not end in time");
        }
        if let Some(session) = self.session.get() {
            session.close(self).await;
        }
        self.audit(self.visitor.record(AuditKind::LogOff, clock::now()))
            .await;
    }
}
