//! What the audit trail holds: one record per decision and per act that matters (R4, R5), with who, from
//! where, about what, and why.
//! A record is only ever written by the store, in the transaction of the change it tells of
//! ([`crate::store`]); logging is another matter and may drop lines. No payload, password or key ever
//! enters a record. Texts from strangers are made harmless here, so that reading the trail is safe (R11).

mod detail;
mod entry;
mod harmless;
pub(crate) mod reach;
pub(crate) mod trails;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ecluse_policy::{
    ClientId, Documents, InterventionId, PersonId, SessionId, StationId, TargetId, Timestamp,
};
use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) use self::detail::{
    CODE_STEP, COUNTED, KEPT_OUT, LAST_USE, PEOPLE, PEOPLE_TOLD, POSTURE_SINCE, SECRET,
    SECRETS_TOLD, USES_TOLD,
};
pub(crate) use self::entry::Place;
pub(crate) use self::harmless::LONGEST;
use self::harmless::{harmless, harmless_value};

/// Declares the kinds with their names in the store, once.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident = $name:literal,)+) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum AuditKind {
            $($(#[$doc])+ $kind,)+
        }

        impl AuditKind {
            /// Every kind, for those who list or filter them.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// Its name in the store and in exports. Never renamed: old records bear it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// A person proved who they are.
    LogOn = "log-on",
    /// A login failed; the person is whoever the stranger claimed to be.
    LogOnRefused = "log-on-refused",
    /// A person's connection ended.
    LogOff = "log-off",
    /// Too many failures blocked a person or a source (A6).
    Lockout = "lockout",
    /// Somebody who had logged on proved another code, for an act that needs one of now.
    CodeProven = "code-proven",
    /// A code was refused to somebody who had logged on.
    CodeRefused = "code-refused",
    /// A right code of somebody whose keys are proven, at a station from which they may not work: it let nobody in.
    CodeElsewhere = "code-elsewhere",
    /// An administrator ended the block of a person.
    LockoutLifted = "lockout-lifted",
    /// An administrator enabled an account that lay unused (A8).
    AccountEnabled = "account-enabled",
    /// Policy refused somebody an act that is not theirs, or not any more (A2).
    ActRefused = "act-refused",
    /// A technician asked for an intervention.
    Request = "request",
    /// An operator saw a request.
    Seen = "seen",
    /// An operator approved, wholly or in part.
    Approval = "approval",
    /// An operator refused, or the matrix did.
    Refusal = "refusal",
    /// The technician withdrew a request.
    Cancel = "cancel",
    /// A request or an approval ran out before use.
    Expiry = "expiry",
    /// An intervention was used for the first time.
    Opening = "opening",
    /// An intervention is over.
    Closing = "closing",
    /// A person tried to reach a target, and nothing admitted them to it.
    Admission = "admission",
    /// A session on a target began.
    SessionStart = "session-start",
    /// A session on a target ended.
    SessionEnd = "session-end",
    /// A session went on after its end was on record, since its gateway had been taken out while it lived: how it ended.
    SessionOutlived = "session-outlived",
    /// Policy permitted a flow.
    Permit = "permit",
    /// Policy refused a flow.
    FlowRefused = "flow-refused",
    /// A forward ended, or did not reach its place: where to, from when, how much each way.
    Forwarded = "forwarded",
    /// A terminal was asked for that shows nothing of what is typed, or lines were typed that were not shown.
    TypingHidden = "typing-hidden",
    /// An account of a budget reached a mark: at which people are warned, its limit, or the end of a slowed one (X3).
    Extraction = "extraction",
    /// An operator added to the budgets of a session (X3).
    TopUp = "top-up",
    /// A signal of the client's was found: operators are told, or the session is held (X3).
    Signal = "signal",
    /// An operator held a session by hand: nothing passes (X3).
    Hold = "hold",
    /// An operator let a session go on that somebody had held by hand.
    Resume = "resume",
    /// An operator slowed a session by hand, or slows it no more.
    Slow = "slow",
    /// An operator asked a technician to explain something: their session is held (N1).
    Question = "question",
    /// The technician answered.
    Answer = "answer",
    /// Something in a session waits for an operator's yes.
    ConfirmAsked = "confirm-asked",
    /// An operator said yes or no to it, or nobody did in time.
    ConfirmAnswered = "confirm-answered",
    /// A file passed, whole or in part: its numbered receipt (P10).
    Receipt = "receipt",
    /// An operator accompanies a session from here on (I4).
    Accompanied = "accompanied",
    /// An operator accompanies a session no more, or it waits for the first who does.
    Unaccompanied = "unaccompanied",
    /// A channel ended because nobody did anything on it.
    Idle = "idle",
    /// An operator keeps a person, a station, a target or everything out until one lifts it (I5, I8).
    KeepOut = "keep-out",
    /// An operator lifted that.
    KeepOutLifted = "keep-out-lifted",
    /// An operator heightened their client's posture: everything is tightened (P6).
    PostureHigh = "posture-high",
    /// An operator said that it is over.
    PostureNormal = "posture-normal",
    /// A client accepted people of a provider: an operator did, or its first document (P1).
    PeopleAccepted = "people-accepted",
    /// An operator refused one of a provider's people.
    PersonRefused = "person-refused",
    /// People whom a client had accepted left their provider's document: they are new when they come again.
    ClearanceEnded = "clearance-ended",
    /// An operator cut sessions.
    Cut = "cut",
    /// An operator ordered other nodes to cut sessions.
    CutOrdered = "cut-ordered",
    /// An operator watched a session.
    Watch = "watch",
    /// An auditor replayed a recording.
    Replay = "replay",
    /// From here on the log has a digest of every intervention and document.
    BindingsBegin = "bindings-begin",
    /// What an older program left in the store, or what lost its entry, as it was found.
    Bound = "bound",
    /// The store holds what the log contradicts: an intervention, a document, a session, an order, a sealed secret.
    NotOnRecord = "not-on-record",
    /// An object of the documents was created, changed or removed.
    DocumentChange = "document-change",
    /// A client's matrix reaches somebody or something of a provider that it did not, or the provider's document changed in
    /// what does not concern this client: what it hashes to.
    Reached = "reached",
    /// A one-time-password secret was enrolled.
    Enrolment = "enrolment",
    /// An enrolment was disabled.
    EnrolmentDisabled = "enrolment-disabled",
    /// A target's credential was set.
    CredentialSet = "credential-set",
    /// The gateway made a key of its own.
    KeyMade = "key-made",
    /// A target showed another host key than the documents name (C3).
    HostKeyMismatch = "host-key-mismatch",
    /// No connection to a target came about.
    TargetFailed = "target-failed",
    /// The wall clock jumped (R6).
    ClockJump = "clock-jump",
    /// The clock was compared with its time servers, or there is none to compare it with (R6).
    ClockReading = "clock-reading",
    /// The room for recordings crossed one of its bounds; the reason says to which level.
    LowSpace = "low-space",
    /// Connections find no place at a door; the reason says which places are short.
    DoorCrowded = "door-crowded",
    /// They find one again: how many did not.
    DoorClear = "door-clear",
    /// A session could not begin for want of room for its recording (R2).
    SessionRefused = "session-refused",
    /// A recording could not be written; what it recorded was stopped.
    RecordingFailed = "recording-failed",
    /// Bytes passed on a channel that its recording does not hold (R2).
    CoverageGap = "coverage-gap",
    /// A recording cut short was recovered at start.
    RecordingRecovered = "recording-recovered",
    /// A recording was sealed: what its manifest is.
    RecordingSealed = "recording-sealed",
    /// How far a recording has come, while its session is live.
    RecordingProgress = "recording-progress",
    /// A recording's key was wrapped for other recipients.
    RecordingRewrapped = "recording-rewrapped",
    /// A recording was removed at the end of its time (R7, O9).
    RecordingDestroyed = "recording-destroyed",
    /// The words of a client's entries were removed at the end of their time (R7, O9).
    EntriesDestroyed = "entries-destroyed",
    /// Evidence was handed out.
    Export = "export",
    /// Recordings were searched.
    Search = "search",
    /// The journal began in a store that is older than it.
    JournalStart = "journal-start",
    /// A checkpoint was not signed, or the journal is not the one that was signed.
    CheckpointFailed = "checkpoint-failed",
    /// Somebody else signed a checkpoint.
    CheckpointCosigned = "checkpoint-cosigned",
    /// A client's copies have not arrived at a destination for a while (R8).
    CopiesAway = "copies-away",
    /// They arrive there again.
    CopiesBack = "copies-back",
    /// An operator was told what changed since they were told last.
    ChangesTold = "changes-told",
    /// How many entries a trail has, each hour: a trail that ends before was cut off.
    TrailCount = "trail-count",
    /// The gateway had stopped out of order: after when, and which sessions of the client that cut short.
    ServeCutShort = "serve-cut-short",
    /// An administrator took out a gateway that shared the store and does not come back.
    NodeRemoved = "node-removed",
    /// The gateway began to serve with other settings than before.
    SettingsChange = "settings-change",
    /// The gateway began to serve.
    GatewayStart = "serve-start",
    /// The gateway stopped.
    GatewayStop = "serve-stop",
}

impl AuditKind {
    /// The kind of a stored name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

impl std::fmt::Display for AuditKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How a decision went (R4: success or failure).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditVerdict {
    /// It was permitted, or succeeded.
    Permit,
    /// It was refused, or failed.
    Refuse,
}

impl AuditVerdict {
    /// Its name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Refuse => "refuse",
        }
    }

    /// The verdict of a stored name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Permit, Self::Refuse]
            .into_iter()
            .find(|verdict| verdict.name() == name)
    }
}

/// One record, to be written or as read.
///
/// ```ignore
/// AuditRecord::new(AuditKind::Approval, clock::now())
///     .client(&client)
///     .permitted()
///     .detail("number", 17)
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a record is written by a method of the store, with the change it tells of"]
pub struct AuditRecord {
    /// When it happened.
    pub at: Timestamp,
    /// What.
    pub kind: AuditKind,
    /// Who did it, or who they claimed to be. A text, because a stranger's claim need not be an id.
    pub person: Option<String>,
    /// From which station.
    pub station: Option<StationId>,
    /// From which address.
    pub source: Option<IpAddr>,
    /// Which terminal or client program, in its own words (R4).
    pub terminal: Option<String>,
    /// Whose matter it is: the client who may read this record (R9).
    pub client: Option<ClientId>,
    /// About which target.
    pub target: Option<TargetId>,
    /// Within which intervention.
    pub intervention: Option<InterventionId>,
    /// Within which session.
    pub session: Option<SessionId>,
    /// How it was decided, where something was.
    pub verdict: Option<AuditVerdict>,
    /// Why, in English; messages to people are another matter.
    pub reason: Option<String>,
    /// The rest.
    pub detail: Map<String, Value>,
    /// Whose matter it is beside what [`trails`] knows by itself; only until it is written.
    pub concerns: BTreeSet<ClientId>,
    /// The event it tells of with others; without it, it is an event of its own. Only until it is written.
    pub event: Option<Uuid>,
}

impl AuditRecord {
    /// A record of something that happened at `at`, with nothing else said yet.
    pub fn new(kind: AuditKind, at: Timestamp) -> Self {
        Self {
            at,
            kind,
            person: None,
            station: None,
            source: None,
            terminal: None,
            client: None,
            target: None,
            intervention: None,
            session: None,
            verdict: None,
            reason: None,
            detail: Map::new(),
            concerns: BTreeSet::new(),
            event: None,
        }
    }

    /// The same record of another kind, to tell several things about one person and place.
    pub fn kind(mut self, kind: AuditKind) -> Self {
        self.kind = kind;
        self
    }

    /// Who did it.
    pub fn person(mut self, person: &PersonId) -> Self {
        self.person = Some(person.to_string());
        self
    }

    /// Who they claimed to be: any text.
    pub fn claimed(mut self, person: &str) -> Self {
        self.person = Some(harmless(person));
        self
    }

    /// From which station.
    pub fn station(mut self, station: Option<&StationId>) -> Self {
        self.station = station.cloned();
        self
    }

    /// From which address.
    pub fn source(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Which terminal or program, in its own words.
    pub fn terminal(mut self, terminal: &str) -> Self {
        self.terminal = Some(harmless(terminal));
        self
    }

    /// Whose matter it is.
    pub fn client(mut self, client: &ClientId) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// About which target.
    pub fn target(mut self, target: &TargetId) -> Self {
        self.target = Some(target.clone());
        self
    }

    /// What they named, where a document knows it, and so whose matter it is. Another name is only a text, of whoever
    /// typed it.
    pub fn names(self, documents: &Documents, target: Option<&TargetId>) -> Self {
        match target.and_then(|target| documents.target(target)) {
            Some((client, target)) => self.client(&client.id).target(&target.id),
            None => self,
        }
    }

    /// Within which intervention.
    pub fn intervention(mut self, intervention: InterventionId) -> Self {
        self.intervention = Some(intervention);
        self
    }

    /// Within which session.
    pub fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// It was permitted, or succeeded.
    pub fn permitted(mut self) -> Self {
        self.verdict = Some(AuditVerdict::Permit);
        self
    }

    /// It was refused, or failed.
    pub fn refused(mut self) -> Self {
        self.verdict = Some(AuditVerdict::Refuse);
        self
    }

    /// Why. Any text.
    pub fn reason(mut self, reason: impl std::fmt::Display) -> Self {
        self.reason = Some(harmless(&reason.to_string()));
        self
    }

    /// Whose matter it is, each of them by an entry of its own ([`trails`]).
    pub fn concerning(mut self, clients: BTreeSet<ClientId>) -> Self {
        self.concerns = clients;
        self
    }

    /// The event it tells of together with other records.
    pub fn event(mut self, event: Uuid) -> Self {
        self.event = Some(event);
        self
    }

    /// A text of a stranger as a fact, whole, up to what an entry holds.
    pub fn whole(mut self, key: &str, text: &[u8]) -> Self {
        let text = ecluse_recordings::spelled(text);
        self.detail.insert(key.to_owned(), text.into());
        self
    }

    /// A text whose length others have bounded, and in which a stranger's bytes are spelled already, as a fact.
    pub fn unbounded(mut self, key: &str, text: &str) -> Self {
        let text = ecluse_recordings::neutralise(text);
        self.detail.insert(key.to_owned(), text.into());
        self
    }

    /// One more fact.
    pub fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.detail
            .insert(key.to_owned(), harmless_value(value.into()));
        self
    }
}

/// A record in the store, with its place in the order of commits.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAuditRecord {
    /// Its place, from 1, without gaps.
    pub seq: u64,
    /// The event it tells of: the same in each entry of one event.
    pub event: Option<String>,
    /// Its number in its trail, from 1; none in records from before trails were numbered.
    pub nth: Option<u64>,
    /// What it says.
    pub record: AuditRecord,
}

#[cfg(test)]
mod tests;
