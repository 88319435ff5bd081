//! A session: what one intervention permits on one connection as one account, with its recording.
//!
//! Opened when its first flow is permitted, shared by the channels of the connection that the same intervention permits,
//! closed when its right or the connection has ended and the last of its channels with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use ecluse_policy::{Admission, EndReason, FlowRequest, Permit, Refusal};
use ecluse_recordings::{Event, RecordError, Recorder, SESSION, SessionEnd};

use super::by_channel::with_channels;
use super::confirming::Confirming;
use super::file_lines::FileLines;
use super::purse::RecordingPlace;
use super::reach::{ConnectError, TARGET_LOST};
use super::receipts::Receipts;
use super::right::{LastEnd, Right};
use super::spending::Spending;
use super::tap::Tap;
use super::vigil::Vigilance;
use super::visit::{Visit, with_command};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::live::{Because, ByItself, LiveSession, Stop};
use crate::ssh::target::Forwards;
use crate::store::{self, StoreError};
use crate::time_source::ClockStatus;

/// Lines of files that the entry of their permit names.
const MOST_LINES: usize = 20;
/// How a session ended that nobody used.
const IDLE: &str = "nobody did anything any more";

/// What admitted a session's channels. Interventions change in nothing that matters while they are open, so there is one, or
/// a few.
struct Admissions {
    /// The last one: it stands for the session even where no channel lives.
    latest: Arc<Admission>,
    /// Others by which channels were admitted that live.
    earlier: Vec<Arc<Admission>>,
}

/// A session and its recording.
pub(crate) struct Session {
    live: Arc<LiveSession>,
    recorder: Arc<Recorder>,
    #[expect(
        dead_code,
        reason = "held: what the recording takes is paid for until nobody writes it any more"
    )]
    place: RecordingPlace,
    began: Instant,
    admissions: Mutex<Admissions>,
    /// What its channels rest on.
    rights: Mutex<Vec<Weak<Right>>>,
    last_end: LastEnd,
    closed: AtomicBool,
    /// What the target said before it let the gateway in, once it was passed on.
    greeted: Mutex<Option<String>>,
    /// What its recording says of the clock.
    clock: Mutex<Option<ClockStatus>>,
    /// How fast its channels go together, and what they were told of their budgets.
    spending: Spending,
    /// What its channels share of signals.
    vigilance: Vigilance,
    /// The connection that its forwards share.
    forwards: Forwards,
    /// What its channels share of what waits for a yes.
    confirming: Confirming,
    /// Receipts of files that are not on record yet.
    receipts: Receipts,
    /// By which lines things of files passed.
    file_lines: FileLines,
}

impl Session {
    /// A session whose recording has begun.
    pub(crate) fn new(
        live: Arc<LiveSession>,
        recorder: Arc<Recorder>,
        began: Instant,
        admission: Admission,
        place: RecordingPlace,
    ) -> Self {
        Self {
            live,
            recorder,
            place,
            began,
            admissions: Mutex::new(Admissions {
                latest: Arc::new(admission),
                earlier: Vec::new(),
            }),
            rights: Mutex::default(),
            last_end: LastEnd::default(),
            closed: AtomicBool::new(false),
            greeted: Mutex::new(None),
            clock: Mutex::new(None),
            spending: Spending::default(),
            vigilance: Vigilance::default(),
            forwards: Forwards::default(),
            confirming: Confirming::default(),
            receipts: Receipts::default(),
            file_lines: FileLines::default(),
        }
    }

    /// By which lines things of files passed.
    pub(super) fn file_lines(&self) -> &FileLines {
        &self.file_lines
    }

    /// What its channels share of their budgets.
    pub(super) fn spending(&self) -> &Spending {
        &self.spending
    }

    /// What its channels share of signals.
    pub(super) fn vigilance(&self) -> &Vigilance {
        &self.vigilance
    }

    /// Receipts of files that are not on record yet.
    pub(super) fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    /// What its channels share of what waits for a yes.
    pub(super) fn confirming(&self) -> &Confirming {
        &self.confirming
    }

    /// How long ago it began. **Unit**: microseconds.
    pub(super) fn micros(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// How others see it.
    pub(crate) fn live(&self) -> &Arc<LiveSession> {
        &self.live
    }

    /// Whether what `admission` permits belongs here.
    pub(crate) fn carries(&self, admission: &Admission) -> bool {
        let facts = self.live.facts();
        facts.intervention == admission.intervention().id()
            && facts.target == *admission.target()
            && facts.account == *admission.account()
    }

    /// What admitted it last.
    pub(crate) fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.lock_admissions().latest)
    }

    /// Others by which channels were admitted that live.
    pub(crate) fn earlier_admissions(&self) -> Vec<Arc<Admission>> {
        let mut admissions = self.lock_admissions();
        admissions
            .earlier
            .retain(|earlier| Arc::strong_count(earlier) > 1);
        admissions.earlier.clone()
    }

    /// Keeps an eye on `admission` for as long as a channel holds what is returned.
    pub(crate) fn watches(&self, admission: Admission) -> Arc<Admission> {
        let mut admissions = self.lock_admissions();
        if *admissions.latest == admission {
            return Arc::clone(&admissions.latest);
        }
        admissions
            .earlier
            .retain(|earlier| Arc::strong_count(earlier) > 1);
        let before = std::mem::replace(&mut admissions.latest, Arc::new(admission));
        admissions.earlier.push(before);
        Arc::clone(&admissions.latest)
    }

    /// Keeps an eye on `permit` for as long as a channel holds what is returned.
    pub(crate) fn rests_on(&self, permit: &Permit) -> Arc<Right> {
        let right = Arc::new(Right::new(permit.clone(), self.last_end.clone()));
        let mut rights = self.lock_rights();
        rights.retain(|right| right.strong_count() > 0);
        rights.push(Arc::downgrade(&right));
        right
    }

    /// What its channels rest on.
    pub(crate) fn rights(&self) -> Vec<Arc<Right>> {
        self.lock_rights()
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }

    fn lock_rights(&self) -> MutexGuard<'_, Vec<Weak<Right>>> {
        self.rights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_admissions(&self) -> MutexGuard<'_, Admissions> {
        self.admissions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the target's greeting is news to this session; it is none from now on.
    pub(crate) fn is_greeted(&self, greeting: &str) -> bool {
        let mut greeted = self.greeted.lock().unwrap_or_else(PoisonError::into_inner);
        let news = greeted.as_deref() != Some(greeting);
        if news {
            *greeted = Some(greeting.to_owned());
        }
        news
    }

    /// Records what is known of the clock, if that is news to the recording (R6).
    ///
    /// # Errors
    /// It cannot be recorded; the session must end.
    pub(crate) fn note_clock(&self, status: &ClockStatus) -> Result<(), RecordError> {
        let mut told = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(reading) = status.reading_after(told.as_ref()) else {
            return Ok(());
        };
        let at = self.micros();
        self.recorder.append(SESSION, at, Event::clock(reading))?;
        *told = Some(status.clone());
        Ok(())
    }

    /// Records that a flow was refused while this session was open: it is an event of the session, found and replayed with
    /// it. Where it cannot be recorded, the session ends (R2).
    pub(crate) fn refused(&self, flow: &FlowRequest, refusal: &Refusal) {
        let text = match flow.too_long_name() {
            None => format!("{flow}: {refusal}"),
            Some(name) => {
                let name = ecluse_recordings::spelled(name);
                format!("{flow}: {refusal} The whole name: {name}")
            }
        };
        self.put_refusal(&ecluse_recordings::neutralise(text));
    }

    /// Records which variables do not reach the target: all that a channel asked for at once are one event.
    fn left_out(&self, names: &[String], unkept: u32) {
        if names.is_empty() && unkept == 0 {
            return;
        }
        let more = match unkept {
            0 => String::new(),
            more => format!(" and {more} beyond what a channel may ask for"),
        };
        let names = names.join(", ");
        self.put_refusal(&format!(
            "the variables {names}{more}: not sent to the target"
        ));
    }

    fn put_refusal(&self, text: &str) {
        let at = self.micros();
        if self.closed.load(Ordering::SeqCst) {
            return;
        }
        if let Err(error) = self.recorder.append(SESSION, at, Event::Refusal(text)) {
            self.live.stop(Stop::Unrecorded(error.to_string()));
        }
    }

    /// The tap of one of its channels, with so many rows where it has a terminal.
    pub(crate) fn tap(&self, channel: u32, rows: Option<u32>) -> Tap {
        Tap::new(
            Arc::clone(&self.recorder),
            Arc::clone(&self.live),
            channel,
            self.began,
            rows,
        )
    }

    /// Why its recording failed, if it did.
    pub(crate) fn failure(&self) -> Option<RecordError> {
        self.recorder.failure()
    }

    /// Records in the audit trail that a flow was permitted.
    ///
    /// # Errors
    /// The store failed: nothing may pass that is not on record (R5).
    pub(crate) async fn permitted(
        &self,
        visit: &Visit,
        permit: &Permit,
        flow: &FlowRequest,
        variables_unkept: u32,
    ) -> Result<(), StoreError> {
        let names = |names: &mut dyn Iterator<Item = &String>| -> Vec<String> {
            names.map(ecluse_recordings::spelled).collect()
        };
        let sent = names(&mut permit.terms().environment().iter().map(|(name, _)| name));
        let left_out = names(&mut permit.terms().left_out().iter());
        self.left_out(&left_out, variables_unkept);
        let record = self
            .record(visit, AuditKind::Permit)
            .permitted()
            .detail("flow", flow.to_string())
            .detail("matrix-line", permit.flow().to_string())
            .detail("allow", permit.capability().to_string());
        let mut record = with_command(record, flow);
        for (what, names) in [("variables", sent), ("variables-refused", left_out)] {
            if !names.is_empty() {
                record = record.detail(what, names);
            }
        }
        if let Some(files) = permit.terms().files() {
            let lines: Vec<String> = files.lines().take(MOST_LINES).collect();
            record = record.detail("lines", lines);
        }
        if variables_unkept > 0 {
            record = record.detail("variables-beyond-bounds", variables_unkept);
        }
        visit.gateway().store.record(&[record]).await
    }

    /// Records that a terminal was asked for on which nothing that is typed is shown: the client's operators are told.
    pub(crate) async fn hides_typing(&self, visit: &Visit) {
        let record = self
            .record(visit, AuditKind::TypingHidden)
            .reason("a terminal without echo was asked for");
        visit.audit(record).await;
    }

    /// Records that no connection to the target came about; a wrong host key is told to the client's operators (C3).
    pub(crate) async fn unconnected(&self, visit: &Visit, permit: &Permit, error: &ConnectError) {
        let record = self.record(visit, AuditKind::TargetFailed).reason(error);
        match error {
            ConnectError::HostKey { got, pinned } => {
                visit
                    .alert_host_key(permit, got, pinned, record.kind(AuditKind::HostKeyMismatch))
                    .await;
            }
            // The entry of the forward says so.
            ConnectError::Unreachable(_)
            | ConnectError::Prohibited(_)
            | ConnectError::Before(..) => {}
            ConnectError::OwnDoor(_) => {
                let refused = record.kind(AuditKind::FlowRefused).refused();
                visit.audit_refusal(refused).await;
            }
            ConnectError::Unresolved(_)
            | ConnectError::Refused(_)
            | ConnectError::Silent(_)
            | ConnectError::Handshake(_)
            | ConnectError::NoCredential
            | ConnectError::BadCredential(_)
            | ConnectError::Authentication
            | ConnectError::Channel(_)
            | ConnectError::Lost => visit.audit(record).await,
        }
    }

    /// What its forwards share.
    pub(crate) fn forwards(&self) -> &Forwards {
        &self.forwards
    }

    /// Closes the recording, once. Every channel has ended.
    pub(crate) async fn close(&self, visit: &Visit) {
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        self.forwards.close().await;
        let facts = self.live.facts();
        visit.gateway().live.leave(facts.number);
        // What changed at the last moment; a recording that fails here has failed already.
        let _ = self.note_clock(&visit.gateway().clock_status());
        // The last of its channels was ended by the loss of its own rule: so was the session.
        if let Some(reason) = self.last_end.reason() {
            self.live.stop(Stop::Right(reason));
        }
        let stop = self.live.stopped().or_else(|| {
            self.failure()
                .map(|error| Stop::Unrecorded(error.to_string()))
        });
        let otherwise = self.live.how_it_ended_by_itself();
        let by_itself = match (&stop, otherwise) {
            (Some(_), _) => None,
            (None, ByItself::TargetLost) => Some(("target-lost", TARGET_LOST)),
            (None, ByItself::Idle) => Some(("idle", IDLE)),
            (None, ByItself::Closed) => None,
        };
        let end = match by_itself {
            Some((because, text)) => SessionEnd {
                text: text.to_owned(),
                ..SessionEnd::because(because)
            },
            None => session_end(stop.as_ref()),
        };
        let at = self.micros();
        if let Err(error) = visit.gateway().keeper.close(&self.recorder, at, &end) {
            tracing::warn!(session = %facts.id, %error, "a recording could not be closed; it is sealed as one cut short");
        }
        let (to_target, to_technician) = self.live.bytes();
        let ended = clock::now();
        let mut record = self.record(visit, AuditKind::SessionEnd);
        // Row and entry tell of one instant.
        record.at = ended;
        let record = record
            .reason(&end.text)
            .detail("to-target", to_target)
            .detail("to-technician", to_technician);
        let channels = self.live.passed().by_channel();
        let mut records = self.receipts.take().await;
        let record = self.file_lines.tells(with_channels(record, &channels));
        records.push(self.vigilance.ends(record));
        if let Some(Stop::Unrecorded(problem)) = &stop {
            records.push(
                self.record(visit, AuditKind::RecordingFailed)
                    .reason(problem),
            );
        }
        let end = store::SessionEnd {
            at: ended,
            reason: end.text,
            because: Some(
                stop.as_ref()
                    .map_or_else(|| otherwise.into(), Because::from),
            ),
            to_target,
            to_technician,
        };
        let store = visit.gateway().store.ahead();
        store.end_session_at_last(facts.id, end, records).await;
    }

    pub(super) fn record(&self, visit: &Visit, kind: AuditKind) -> AuditRecord {
        let facts = self.live.facts();
        visit
            .visitor()
            .record(kind, clock::now())
            .client(&facts.client)
            .target(&facts.target)
            .intervention(facts.intervention)
            .session(facts.id)
    }
}

/// Who ended the intervention, where a person did.
fn ended_by(reason: &EndReason) -> Option<String> {
    match reason {
        EndReason::InterventionEnded { because, .. } => {
            because.as_ref().map(|ended| ended.by.to_string())
        }
        EndReason::KeptOut { by, .. } => Some(by.to_string()),
        EndReason::Posture(posture) => Some(posture.by.to_string()),
        EndReason::NotAccepted { by, .. } => by.as_ref().map(ToString::to_string),
        EndReason::WindowOver { .. }
        | EndReason::HoursOver { .. }
        | EndReason::DerogationOver { .. }
        | EndReason::Withdrawn(_)
        | EndReason::MatrixChanged { .. }
        | EndReason::NotOnRecord { .. }
        | EndReason::DoorClosed { .. } => None,
    }
}

fn session_end(stop: Option<&Stop>) -> SessionEnd {
    let Some(stop) = stop else {
        return SessionEnd {
            text: "closed".to_owned(),
            ..SessionEnd::because("closed")
        };
    };
    let (reason, by) = match stop {
        Stop::Right(reason) => ("right-ended", ended_by(reason)),
        Stop::Cut { by, .. } => ("cut", Some(by.to_string())),
        Stop::Unrecorded(_) => ("unrecorded", None),
        Stop::Quota(_) => ("quota", None),
        Stop::Overflow => ("overflow", None),
        Stop::Unread { .. } => ("connection-closed", None),
        Stop::EndedOnRecord => ("ended-on-record", None),
        Stop::GatewayStops => ("gateway-stops", None),
    };
    SessionEnd {
        text: stop.to_string(),
        by,
        ..SessionEnd::because(reason)
    }
}
