//! One connection's stay: a [`Knock`] until somebody has authenticated, a [`Visit`] from then on.
//!
//! Only a visit has channels, and only a visit can open a session, so nothing after authentication can be reached
//! without it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ecluse_policy::{
    Admission, Approval, FlowRequest, LoginAddress, Permit, Refusal, SessionId, TargetId,
    Timestamp, Verdict,
};
use ecluse_recordings as recordings;
use ecluse_recordings::log::Hash;
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::connection::Connection;
use super::recovery::HEADER;
use super::session::Session;
use crate::admission::Visitor;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::connector::ssh::{ConnectError, Credential};
use crate::gateway::Gateway;
use crate::live::{LiveSession, SessionFacts, Stop};
use crate::space::Level;
use crate::store::{self, HostKeyAlert, SessionStart};

/// Refused requests of one connection after which it ends: each is an audit record, and a client that goes on asking for
/// what it was refused is out to fill the disk.
const REFUSALS: u32 = 500;
/// How long channels may take to end once the connection is gone.
const CHANNELS_END_WITHIN: Duration = Duration::from_secs(5);

/// A connection on which nobody has authenticated yet.
pub(crate) struct Knock {
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
    source: SocketAddr,
    door: SocketAddr,
    id: Uuid,
    visit: OnceLock<Arc<Visit>>,
    authenticated: watch::Sender<bool>,
}

impl Knock {
    /// A stranger on `connection`, from `source` to our address `door`.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        connection: Arc<Connection>,
        source: SocketAddr,
        door: SocketAddr,
        id: Uuid,
    ) -> Arc<Self> {
        Arc::new(Self {
            gateway,
            connection,
            source,
            door,
            id,
            visit: OnceLock::new(),
            authenticated: watch::Sender::new(false),
        })
    }

    pub(crate) fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(crate) fn source(&self) -> SocketAddr {
        self.source
    }

    /// Our address that the stranger connected to.
    pub(crate) fn door(&self) -> SocketAddr {
        self.door
    }

    /// Identifies the connection in audit records.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// The login is complete. Only the first counts; the SSH library ends authentication with it.
    pub(crate) fn let_in(&self, visitor: Visitor, address: LoginAddress) {
        let visit = Visit::new(
            Arc::clone(&self.gateway),
            Arc::clone(&self.connection),
            visitor,
            address,
        );
        if self.visit.set(Arc::new(visit)).is_ok() {
            self.authenticated.send_replace(true);
        }
    }

    /// The visit, once somebody has authenticated.
    pub(crate) fn visit(&self) -> Option<&Arc<Visit>> {
        self.visit.get()
    }

    /// Waits for the login to be complete.
    pub(crate) async fn until_let_in(&self) -> Arc<Visit> {
        let mut authenticated = self.authenticated.subscribe();
        loop {
            if let Some(visit) = self.visit.get() {
                return Arc::clone(visit);
            }
            // Fails only without sender, and `self` is the sender.
            let _ = authenticated.changed().await;
        }
    }
}

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
    fn new(
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

    /// A refusal in the person's language.
    pub(crate) fn words_of(&self, refusal: &Refusal) -> String {
        self.gateway
            .texts
            .refusal(self.lang(), refusal, clock::now())
    }

    /// Words without anything to put in, in the person's language.
    pub(crate) fn say(&self, text_id: &str) -> String {
        self.gateway.texts.say(self.lang(), text_id, &[])
    }

    /// Words about a target, in the technician's language.
    pub(crate) fn say_about(&self, text_id: &str, permit: &Permit) -> String {
        let target = permit.target().to_string();
        let account = permit.account().to_string();
        self.gateway.texts.say(
            self.lang(),
            text_id,
            &[
                ("target", target.as_str().into()),
                ("account", account.as_str().into()),
            ],
        )
    }

    /// Words about a target's host key, with both fingerprints (C3).
    pub(crate) fn say_host_key(&self, permit: &Permit, got: &str, pinned: &[String]) -> String {
        let (target, pinned) = (permit.target().to_string(), pinned.join(", "));
        self.gateway.texts.say(
            self.lang(),
            "target-host-key",
            &[
                ("target", target.as_str().into()),
                ("got", got.into()),
                ("pinned", pinned.as_str().into()),
            ],
        )
    }

    /// Words for the end of a session.
    pub(crate) fn words_for(&self, stop: &Stop) -> String {
        let lang = self.lang();
        let texts = &self.gateway.texts;
        match stop {
            Stop::Right(reason) => texts.end_reason(lang, reason, clock::now()),
            Stop::Cut { by, reason: None } => {
                texts.say(lang, "end-cut", &[("by", by.as_str().into())])
            }
            Stop::Cut {
                by,
                reason: Some(reason),
            } => {
                let reason = recordings::neutralise(reason);
                texts.say(
                    lang,
                    "end-cut-because",
                    &[
                        ("by", by.as_str().into()),
                        ("reason", reason.as_str().into()),
                    ],
                )
            }
            Stop::Unrecorded(_) => texts.say(lang, "end-unrecorded", &[]),
            Stop::Overflow => texts.say(lang, "end-overflow", &[]),
            Stop::GatewayStops => texts.say(lang, "end-gateway-stops", &[]),
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

    fn lang(&self) -> ecluse_policy::Lang {
        self.visitor.authenticated.lang()
    }

    async fn open_session(&self, admission: &Admission) -> Result<Session, String> {
        let now = clock::now();
        let began = clock::monotonic();
        let unrecorded = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a session could not begin");
            self.gateway.texts.say(self.lang(), "end-unrecorded", &[])
        };
        let applied = self.gateway.applied();
        let id = store::new_id(now)
            .map(SessionId::from_uuid)
            .map_err(|error| unrecorded(&error))?;
        let client = applied
            .documents
            .client(admission.client())
            .ok_or_else(|| unrecorded(&"its client is in no document any more"))?;
        let facts = self.recorded_facts(admission, id, applied.version, now);
        let recorder = self
            .gateway
            .keeper
            .open(facts, &client.recordings)
            .map_err(|error| unrecorded(&error))?;
        let start = SessionStart {
            id,
            node: self.gateway.node.clone(),
            person: self.visitor.person().clone(),
            station: Some(admission.presence().station().clone()),
            source: self.visitor.source.ip(),
            client: admission.client().clone(),
            target: admission.target().clone(),
            account: admission.account().clone(),
            intervention: admission.intervention().id(),
            documents: applied.version,
            recording: recorder
                .dir()
                .strip_prefix(self.gateway.keeper.root())
                .ok()
                .map(|directory| directory.display().to_string()),
            at: now,
        };
        let record = self
            .visitor
            .record(AuditKind::SessionStart, now)
            .client(admission.client())
            .target(admission.target())
            .intervention(admission.intervention().id())
            .session(id)
            .permitted()
            .detail("account", admission.account().to_string())
            .detail("documents", applied.version)
            .detail(HEADER, Hash(recorder.header_sha256()).to_string());
        let number = match self.gateway.store.start_session(&start, &[record]).await {
            Ok(number) => number,
            Err(error) => {
                let end = recordings::SessionEnd::because("not-begun");
                let _ = self.gateway.keeper.close(&recorder, 0, &end);
                return Err(unrecorded(&error));
            }
        };
        let facts = SessionFacts {
            id,
            number,
            person: start.person,
            provider: admission.presence().provider().clone(),
            station: admission.presence().station().clone(),
            source: self.visitor.source,
            client: start.client,
            target: start.target,
            account: start.account,
            intervention: start.intervention,
            intervention_number: admission.intervention().number(),
            started: now,
            closes_at: admission.closes_at(),
            journal: recorder.journal().to_owned(),
            key: recorder.key().clone(),
        };
        let live = Arc::new(LiveSession::new(facts, Arc::clone(&self.connection)));
        Ok(Session::new(live, recorder, began, admission.clone()))
    }

    fn recorded_facts(
        &self,
        admission: &Admission,
        id: SessionId,
        documents: u64,
        now: Timestamp,
    ) -> recordings::SessionFacts {
        recordings::SessionFacts {
            session: id.as_uuid(),
            client: admission.client().to_string(),
            person: self.visitor.person().to_string(),
            provider: Some(admission.presence().provider().to_string()),
            station: Some(admission.presence().station().to_string()),
            source: self.visitor.source.to_string(),
            terminal: self.visitor.terminal_name.clone(),
            target: admission.target().to_string(),
            accounts: vec![admission.account().to_string()],
            intervention: Some(admission.intervention().id().as_uuid()),
            started: now.as_micros(),
            documents_version: i64::try_from(documents).unwrap_or(i64::MAX),
            reason: admission.intervention().request().reason.clone(),
            approvals: admission
                .intervention()
                .approvals()
                .iter()
                .map(|approval| recordings::Approval {
                    by: approval.operator.to_string(),
                    at: approval.at.as_micros(),
                    what: approved(approval),
                })
                .collect(),
        }
    }
}

/// What an approval left of the request, in words, as the recording keeps it.
fn approved(approval: &Approval) -> String {
    let Approval { scope, length, .. } = approval;
    let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    format!(
        "{} as {} for {length}: {}",
        list(&mut scope.targets.iter().map(ToString::to_string)),
        list(&mut scope.accounts.iter().map(ToString::to_string)),
        list(&mut scope.capabilities.iter().map(ToString::to_string)),
    )
}
