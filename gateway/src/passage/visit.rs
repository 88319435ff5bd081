//! One connection's stay, once somebody has authenticated on it: a [`Visit`].
//!
//! Only a visit has channels, and only a visit can open sessions, so nothing after authentication can be reached
//! without it. Which session a channel belongs to is in [`sessions`], how one begins in [`opening`], what no
//! version carries in [`unserved`], what the person reads in [`words`].

mod opening;
pub(crate) mod sessions;
mod unserved;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use ecluse_policy::{Admission, FlowRequest, LoginAddress, Permit, Refusal, Role, TargetId};
use tokio::sync::{Mutex, watch};
use tokio_util::task::TaskTracker;

use self::unserved::Unserved;
use super::connection::Connection;
use super::session::Session;
use crate::actor::Actor;
use crate::archive::space::Level;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::gateway::Gateway;
use crate::live::{Guest, Shared, Stop};
use crate::store::HostKeyAlert;

/// Refused requests of one connection after which it ends: each is an audit record, and a client that goes on asking for
/// what it was refused is out to fill the disk.
const REFUSALS: u32 = 500;
/// The same of places that are refused again, or one by one beyond what is on record by itself: a browser asks for hundreds.
const REPEATED: u32 = 20_000;
/// How long channels may take to end once the connection is gone.
const CHANNELS_END_WITHIN: Duration = Duration::from_secs(5);

/// An authenticated connection.
pub(crate) struct Visit {
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
    visitor: Arc<Actor>,
    address: LoginAddress,
    /// Held while a session is being opened, so that two channels open one.
    opening: Mutex<()>,
    sessions: std::sync::Mutex<Vec<Arc<Session>>>,
    /// By which a session ends the others where it must.
    shared: Arc<Shared>,
    /// Whether the person was told on this connection that it is recorded (P3).
    told: AtomicBool,
    refusals: AtomicU32,
    repeated: AtomicU32,
    unserved: Unserved,
    tasks: TaskTracker,
    /// The tasks that watch over the sessions and close them.
    supervisors: TaskTracker,
    /// True when the connection is gone and every channel has ended.
    over: watch::Sender<bool>,
}

impl Visit {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        connection: Arc<Connection>,
        visitor: Actor,
        address: LoginAddress,
    ) -> Self {
        Self {
            gateway,
            shared: Shared::new(Arc::clone(&connection)),
            connection,
            visitor: Arc::new(visitor),
            address,
            opening: Mutex::new(()),
            sessions: std::sync::Mutex::default(),
            told: AtomicBool::new(false),
            refusals: AtomicU32::new(0),
            repeated: AtomicU32::new(0),
            unserved: Unserved::default(),
            tasks: TaskTracker::new(),
            supervisors: TaskTracker::new(),
            over: watch::Sender::new(false),
        }
    }

    /// The person's handle reaches the connection from here on (I5), where it is a technician's.
    pub(super) fn enter_live(&self) {
        if self.visitor.authenticated.presence().is_some() {
            self.gateway.live.guests.enter(Guest {
                person: self.visitor.person().clone(),
                target: self.address.target.clone(),
                connection: self.visitor.connection,
                since: clock::monotonic(),
                shared: Arc::downgrade(&self.shared),
            });
        } else if let Role::Operator { client, .. } = self.visitor.authenticated.role() {
            let (person, client) = (self.visitor.person().clone(), client.clone());
            self.gateway
                .live
                .officers
                .enter(person, client, &self.shared);
        }
    }

    /// A channel of this connection carries that of `inner`: what ends this one ends that one too, and says why on it.
    pub(super) fn leads_to(&self, inner: &Self) {
        self.shared.carries(&inner.shared);
    }

    /// Waits until the connection is to end: for what waits on it without a session.
    pub(crate) async fn until_ending(&self) -> Stop {
        self.shared.until_ending().await
    }

    pub(crate) fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(crate) fn visitor(&self) -> &Arc<Actor> {
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

    /// Whether somebody was told already that this connection is recorded; from now on they were.
    pub(super) fn tell_once(&self) -> bool {
        !self.told.swap(true, Ordering::SeqCst)
    }

    /// Whether they were.
    pub(super) fn is_told(&self) -> bool {
        self.told.load(Ordering::SeqCst)
    }

    /// Records a flow that `admission` refused and returns the words for the technician.
    pub(crate) fn refuse(
        self: &Arc<Self>,
        flow: &FlowRequest,
        admission: &Admission,
        refusal: &Refusal,
    ) -> String {
        // Asked for again and again by programs that know no better, a browser above all: the first is on record, others count.
        if flow.is_forward() && !self.unserved.is_new_place(flow, refusal) {
            self.count_repeated();
            return self.words_of_flow(admission, flow, refusal);
        }
        let mut record = self
            .visitor
            .record(AuditKind::FlowRefused, clock::now())
            .client(admission.client())
            .target(admission.target())
            .intervention(admission.intervention().id());
        if let Some(session) = self.sessions().iter().find(|one| one.carries(admission)) {
            record = record.session(session.live().facts().id);
            session.refused(flow, refusal);
        } else if flow.is_forward() {
            // Asked for beside the shell that begins the session: told to its recording.
            self.unserved.keep(flow, refusal);
        }
        self.put_refusal_on_record(record, flow, refusal);
        self.words_of_flow(admission, flow, refusal)
    }

    fn put_refusal_on_record(
        self: &Arc<Self>,
        record: AuditRecord,
        flow: &FlowRequest,
        refusal: &Refusal,
    ) -> String {
        let record = refusal_of(record, flow, refusal);
        let visit = Arc::clone(self);
        // Callbacks of the SSH library must not wait for the store.
        self.tasks
            .spawn(async move { visit.audit_refusal(record).await });
        self.count_refusal();
        self.words_of(refusal)
    }

    /// Puts on record that somebody tried to reach `target`, and that nothing admits them to it (R5: attempts too).
    pub(crate) async fn not_admitted(
        &self,
        target: &TargetId,
        asked: &FlowRequest,
        refusal: &Refusal,
    ) {
        let record = self.attempt(target, asked).refused().reason(refusal);
        self.audit_refusal(record).await;
        self.count_refusal();
    }

    /// Puts on record that somebody who tried to reach `target` waits for an answer, or asks for what is missing.
    pub(crate) async fn waits(&self, target: &TargetId, asked: &FlowRequest, refusal: &Refusal) {
        let reason = format!("waits for an answer: {refusal}");
        let record = self.attempt(target, asked).reason(reason);
        self.audit_refusal(record).await;
        self.count_refusal();
    }

    /// Puts on record that they waited no longer: nobody refused them anything.
    pub(crate) async fn left_before_answer(&self, target: &TargetId, asked: &FlowRequest) {
        let record = self.attempt(target, asked);
        self.audit_refusal(record.reason("left before an answer"))
            .await;
    }

    fn attempt(&self, target: &TargetId, asked: &FlowRequest) -> AuditRecord {
        let record = self
            .visitor
            .record(AuditKind::Admission, clock::now())
            .names(&self.gateway.applied().documents, Some(target))
            .detail("named", target.as_str())
            .detail("flow", asked.to_string());
        with_command(record, asked)
    }

    fn count_repeated(&self) {
        if self.repeated.fetch_add(1, Ordering::Relaxed) >= REPEATED {
            tracing::warn!(person = %self.visitor.person(), "too many refused places on one connection");
            self.connection.cut();
        }
    }

    /// One more that was refused; too many end the connection.
    pub(crate) fn count_refusal(&self) {
        if self.refusals.fetch_add(1, Ordering::Relaxed) >= REFUSALS {
            tracing::warn!(person = %self.visitor.person(), "too many refused requests on one connection");
            self.connection.cut();
        }
    }

    /// The client ignored its window.
    pub(crate) fn overflowed(&self) {
        self.stop(&Stop::Overflow);
    }

    /// Ends the visit and every session of it: says why where somebody may read it, then cuts.
    pub(crate) fn stop(&self, stop: &Stop) {
        self.shared.end(stop);
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
            self.audit_refusal(record).await;
        }
        has_room
    }

    /// Records what is known of the clock (R6); a session that cannot record it ends.
    pub(crate) fn note_clock(&self, session: &Session) {
        if let Err(error) = session.note_clock(&self.gateway.clock_status()) {
            session.live().stop(Stop::Unrecorded(error.to_string()));
        }
    }

    /// Waits until the connection is gone and every channel has ended.
    pub(super) async fn until_over(&self) {
        // Fails only without sender, and `self` is the sender.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// Puts a refusal on record, one by one or in the count of its minute: whoever is refused can come again at will.
    pub(crate) async fn audit_refusal(&self, record: AuditRecord) {
        let (store, person) = (&self.gateway.store, self.visitor.person());
        if let Err(error) = self.gateway.people.enter(store, person, record).await {
            tracing::error!(%error, "an audit record could not be written");
        }
    }

    /// Writes an audit record about something that has happened already: now, or as soon as the store answers.
    pub(crate) async fn audit(&self, record: AuditRecord) {
        self.gateway.store.record_at_last(vec![record]).await;
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
        let store = &self.gateway.store;
        store.alert_host_key_at_last(alert, vec![record]).await;
    }

    /// The connection is gone: waits for the channels, closes the recordings, writes the log-off (R4).
    pub(crate) async fn conclude(&self) {
        self.tasks.close();
        if tokio::time::timeout(CHANNELS_END_WITHIN, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("channels of a closed connection did not end in time");
        }
        self.over.send_replace(true);
        self.supervisors.close();
        self.supervisors.wait().await;
        // What watched over a session may have failed; its recording is closed all the same.
        for session in self.sessions() {
            session.close(self).await;
        }
        self.conclude_unserved().await;
        let record = self.visitor.record(AuditKind::LogOff, clock::now());
        let documents = &self.gateway.applied().documents;
        self.audit(record.names(documents, self.address.target.as_ref()))
            .await;
    }
}

/// A record of a flow that was refused.
fn refusal_of(record: AuditRecord, flow: &FlowRequest, refusal: &Refusal) -> AuditRecord {
    let record = record
        .refused()
        .reason(refusal)
        .detail("flow", flow.to_string());
    with_command(record, flow)
}

/// A command, whole: what passed, or did not, is what was typed and not the line of the matrix that names it. So is another
/// name that the words about it shorten.
pub(crate) fn with_command(record: AuditRecord, flow: &FlowRequest) -> AuditRecord {
    if let FlowRequest::Command(command) = flow {
        return record.whole("command", command);
    }
    match flow.too_long_name() {
        Some(name) => record.whole("name", name.as_bytes()),
        None => record,
    }
}
