//! The answers of this crate and their reasons. A permit is a value: the gateway dials what it holds and resolves nothing again.
//! A refusal says itself in English for the audit trail, and gives [`Refusal::text_id`] and [`Refusal::args`] for people's own words.

use std::collections::BTreeSet;

use crate::capability::{CommandRefused, EnvRefused};
use crate::clearance::Kept;
use crate::extraction::ByteCount;
use crate::flow::FlowRequest;
use crate::identity::Ended;
use crate::name::{
    AccountName, ClientId, FlowName, InterventionNumber, PersonId, StationId, TargetId,
};
use crate::posture::HighPosture;
use crate::terms::TermRefused;
use crate::time::{Span, Timestamp};

/// The answer to one flow request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It may pass, with these terms.
    Permit(Permit),
    /// It may not, for this reason.
    Refuse(Refusal),
}

impl Verdict {
    /// The permit, or the refusal as an error.
    ///
    /// # Errors
    /// The refusal.
    pub fn into_result(self) -> Result<Permit, Refusal> {
        match self {
            Self::Permit(permit) => Ok(permit),
            Self::Refuse(refusal) => Err(refusal),
        }
    }
}

/// Why the gateway said no. `Display` is for the audit trail, in English; it tells what to do next and names nothing
/// that the person was never told of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum Refusal {
    // ── reaching a target
    /// The target does not exist, or no line of the matrix names it for this person: the same words for both.
    #[error("{target} is not among your targets; `flows` lists what you may ask for")]
    NotListed {
        /// What was typed, escaped.
        target: String,
    },
    /// Nothing was asked, or nothing that is still valid.
    #[error(
        "no intervention is approved on {target}; ask for one: request {target} --for 2h --reason \"…\""
    )]
    NoIntervention {
        /// The target.
        target: TargetId,
    },
    /// Asked, not answered.
    #[error("intervention {number} on {target} waits for the client's answer")]
    Pending {
        /// The target.
        target: TargetId,
        /// The intervention that waits.
        number: InterventionNumber,
        /// Whether an operator has looked at it, and when.
        seen_at: Option<Timestamp>,
    },
    /// Approved for later.
    #[error("intervention {number} begins at {starts_at}; come back then")]
    NotYet {
        /// The intervention.
        number: InterventionNumber,
        /// When it begins.
        starts_at: Timestamp,
    },
    /// Approved for another machine of the provider.
    #[error(
        "intervention {number} was asked from station {asked_from}; connect from there, or ask again from here"
    )]
    OtherStation {
        /// The intervention.
        number: InterventionNumber,
        /// The station from which it was asked, and for which it was approved.
        asked_from: StationId,
    },
    /// The matrix allows it at other hours.
    #[error("{target} is closed at this hour{}", opens(.opens_at))]
    OutsideHours {
        /// The target.
        target: TargetId,
        /// When it opens next, where that is known.
        opens_at: Option<Timestamp>,
    },
    /// Several accounts are granted and none was named.
    #[error("several accounts are granted on {target}: {}; name one: PERSON+ACCOUNT@{target}", listed(.accounts))]
    ChooseAccount {
        /// The target.
        target: TargetId,
        /// The accounts that are granted.
        accounts: BTreeSet<AccountName>,
    },
    /// The grant does not hold this target or account.
    #[error(
        "intervention {number} was approved without {what}; ask the client for it in a new request"
    )]
    NotGranted {
        /// The intervention.
        number: InterventionNumber,
        /// The account or target, as the technician named it.
        what: String,
    },
    /// The matrix has become narrower than the approval, or its conditions are no longer met.
    #[error(
        "the client's matrix does not allow what intervention {number} was approved for; ask again"
    )]
    MatrixNarrower {
        /// The intervention.
        number: InterventionNumber,
    },
    /// The log says something else of the intervention than the store: somebody changed it there.
    #[error(
        "intervention {number} is not the one on record, so it opens nothing; ask anew, and tell the client"
    )]
    NotOnRecord {
        /// The intervention.
        number: InterventionNumber,
    },
    /// Words of the gateway's log are not there that may be about the intervention: whether it still stands is not known.
    #[error("words of the log on intervention {number} may be missing; try later, or ask anew")]
    NotKnownYet {
        /// The intervention.
        number: InterventionNumber,
    },
    /// The client's document is not the one that was put in force: its door is closed to everybody.
    #[error(
        "the door of {client} is closed: its document is not the one on record; the administrator puts the right one in force again"
    )]
    DoorClosed {
        /// The client.
        client: ClientId,
    },
    /// An operator of the client keeps this person, their station, the target or everybody out until one lifts it.
    #[error("{}", kept_out(.client, .kept, .reason))]
    KeptOut {
        /// The client.
        client: ClientId,
        /// What is kept out.
        kept: Box<Kept>,
        /// Why.
        reason: String,
        /// Whom to call there; empty where no document says it.
        contacts: String,
    },
    /// The client has not said yet whether this person may work for it.
    #[error("{client} has not accepted you yet; an operator there accepts you first")]
    NotAccepted {
        /// The client.
        client: ClientId,
        /// Whom to call there.
        contacts: String,
    },
    /// The client has said that this person may not.
    #[error("{client} does not accept you")]
    PersonRefused {
        /// The client.
        client: ClientId,
        /// Whom to call there.
        contacts: String,
    },
    /// The client is in heightened posture, and that alone bars it.
    #[error("{0}")]
    Posture(Box<HighPosture>),
    /// The person or station may not be here any more.
    #[error("{0}")]
    Ended(#[from] Ended),

    // ── opening a flow
    /// The window is over.
    #[error(
        "this intervention ended at {closed_at}; ask the client for a new window and reconnect"
    )]
    WindowOver {
        /// When it ended.
        closed_at: Timestamp,
    },
    /// Nothing granted names this flow.
    #[error("{flow} is not part of this intervention; missing: {missing}")]
    FlowNotListed {
        /// What was asked.
        flow: FlowRequest,
        /// The capability that would allow it.
        missing: String,
    },
    /// Commands are granted, not this one.
    #[error("{flow} is not part of this intervention: {reason}; missing: {missing}")]
    Command {
        /// What was asked.
        flow: FlowRequest,
        /// The capability that would allow it.
        missing: String,
        /// What does not fit.
        reason: CommandRefused,
    },
    /// A variable that is not sent.
    #[error("{flow} is not sent: {reason}; missing: {missing}")]
    Env {
        /// What was asked.
        flow: FlowRequest,
        /// The capability that would allow it.
        missing: String,
        /// Why.
        reason: EnvRefused,
    },
    /// A terminal where the line gives none: refused before anything runs.
    #[error(
        "{flow} is allowed without a terminal only (flow {line_of}: `{line}`); run it without one: ssh -T"
    )]
    NoTerminal {
        /// What was asked.
        flow: FlowRequest,
        /// The line that allows it.
        line: String,
        /// The flow whose line it is.
        line_of: FlowName,
    },
    /// A terminal whose name could be more than a name.
    #[error("{0}; name another, such as: TERM=xterm-256color ssh")]
    Term(#[from] TermRefused),
    /// A request on an open channel that does not come with what opened it.
    #[error("{flow} does not come with `{line}`")]
    NotBrought {
        /// What was asked.
        flow: FlowRequest,
        /// The capability that opened the channel.
        line: String,
    },
    /// What a channel asks for once, before it starts, on one that has it or that runs.
    #[error("{flow} comes too late on this channel; ask for it on another")]
    TooLate {
        /// What was asked.
        flow: FlowRequest,
    },
    /// The line was a derogation, and its last day has passed.
    #[error(
        "`{line}` (flow {line_of}) was allowed until {over_at} only; ask the client whether it still is"
    )]
    DerogationOver {
        /// The line.
        line: String,
        /// The flow whose line it is.
        line_of: FlowName,
        /// When it ended.
        over_at: Timestamp,
    },

    // ── asking for an intervention
    /// Only technicians ask, and give up what they asked for.
    #[error("only a provider's technician does this")]
    NotATechnician,
    /// Only operators decide, look at what passes and end it.
    #[error("only an operator of the client does this")]
    NotAnOperator,
    /// Only auditors read evidence.
    #[error("only an auditor of the client does this")]
    NotAnAuditor,
    /// Masked input is for the auditors whom the client's document names.
    #[error("masked input is not shown to you; the client's document would have to say so")]
    NotUnmasking,
    /// The act gives somebody more than they had, and the last code of this connection is not of now.
    #[error("this needs a one-time code of the last {within}, given on this connection")]
    CodeWanted {
        /// How fresh a code must be.
        within: Span,
    },
    /// No target was named.
    #[error("name at least one target: request TARGET --for 2h --reason \"…\"")]
    NoTarget,
    /// Targets of several clients in one request.
    #[error("these targets belong to several clients; ask each client separately")]
    SeveralClients,
    /// No account is allowed on all the targets that were named.
    #[error("no account is allowed on all of these targets; ask for each target separately")]
    NoCommonAccount,
    /// Several accounts would do.
    #[error("several accounts are possible: {}; name one: --account ACCOUNT", listed(.accounts))]
    NameAccount {
        /// The accounts.
        accounts: BTreeSet<AccountName>,
    },
    /// The matrix does not allow this for that length, or at all.
    #[error("{capability} is not allowed to you on {target}; `flows` lists what you may ask for")]
    NotInMatrix {
        /// What was asked.
        capability: String,
        /// Where.
        target: TargetId,
    },
    /// What waits for a yes is not allowed any more by the matrix of this moment.
    #[error(
        "the matrix does not allow {capability} on {target} any more, which intervention {number} asks for; approve less, or refuse it"
    )]
    OutsideMatrix {
        /// The intervention.
        number: InterventionNumber,
        /// What was asked.
        capability: String,
        /// Where.
        target: TargetId,
    },
    /// No capability would be left.
    #[error("nothing is left to allow on these targets; ask for each target separately")]
    NothingAsked,
    /// The reason is empty, too long, or holds what would disturb a terminal.
    #[error(
        "the reason must have 1 to {longest} characters on one line, without control characters"
    )]
    Reason {
        /// The longest accepted, in characters.
        longest: u64,
    },
    /// The reason is six digits: a one-time code that was typed in the wrong place, and others would read it.
    #[error("six digits are no reason: a one-time code stays with whoever reads it")]
    ReasonIsCode,
    /// Zero, or longer than the matrix ever allows.
    #[error("{asked} is not a possible length; accepted: 1s to {at_most}")]
    Length {
        /// What was asked.
        asked: Span,
        /// The longest that some line of the matrix allows.
        at_most: Span,
    },
    /// None at all, or more than the matrix allows to leave.
    #[error("{asked} is not what may leave in one intervention; accepted: 1 B to {at_most}")]
    Bytes {
        /// What was asked.
        asked: ByteCount,
        /// The most that the matrix allows.
        at_most: ByteCount,
    },
    /// More time than the matrix allows: said to an operator who would say yes.
    #[error("{asked} is more than can be granted; approve {number} --for {at_most}, or less")]
    LengthToGrant {
        /// The intervention.
        number: InterventionNumber,
        /// What was asked.
        asked: Span,
        /// The longest that the matrix allows.
        at_most: Span,
    },
    /// More bytes than the matrix allows to leave: said to an operator who would say yes.
    #[error("{asked} is more than can be granted; approve {number} --bytes {}, or less", .at_most.typed())]
    BytesToGrant {
        /// The intervention.
        number: InterventionNumber,
        /// What was asked, or named.
        asked: ByteCount,
        /// The most that the matrix allows.
        at_most: ByteCount,
    },
    /// A start that has passed or is too far off.
    #[error("{start} is not a possible start; accepted: until {latest}")]
    Start {
        /// What was asked.
        start: Timestamp,
        /// The latest accepted.
        latest: Timestamp,
    },
    /// Nothing that was asked for is open at any time of the period.
    #[error(
        "what is asked for is closed until {opens_at}, and the period is over at {until} at the latest; ask for that time: --at {opens_at}"
    )]
    NeverOpen {
        /// When the period is over at the latest.
        until: Timestamp,
        /// When the first of it opens.
        opens_at: Timestamp,
    },
    /// Too many requests wait already.
    #[error("{waiting} requests wait for an answer already; cancel one, or wait for the client")]
    TooManyWaiting {
        /// How many wait, of this person or in all.
        waiting: u64,
    },
    /// More requests within an hour than one person makes, whatever became of them.
    #[error("{made} requests within an hour are the most; ask again after {again_at}")]
    TooOften {
        /// How many were made.
        made: u64,
        /// From when on there is room for another.
        again_at: Timestamp,
    },

    // ── answering a request
    /// Only an operator of that client answers.
    #[error("only an operator of the client decides on its interventions")]
    NotItsOperator,
    /// What was asked for is kept out: said to an operator who would say yes.
    #[error("{} is kept out; lift it first: keep-out {} --lift", .kept.name(), .kept.name())]
    IsKeptOut {
        /// What is kept out.
        kept: Box<Kept>,
    },
    /// Who asked is not accepted: said to an operator who would say yes.
    #[error("{person} is not accepted; accept them first: people accept {person}")]
    AcceptFirst {
        /// Who.
        person: PersonId,
    },
    /// Nobody decides on what they asked themselves (I6).
    #[error("nobody approves their own request")]
    OwnRequest,
    /// The same operator twice.
    #[error(
        "you have approved intervention {number} already; another operator must approve it too"
    )]
    AlreadyApproved {
        /// The intervention.
        number: InterventionNumber,
    },
    /// Nothing would be left of the request.
    #[error("nothing would be left of intervention {number}; refuse it with a reason instead")]
    NothingLeft {
        /// The intervention.
        number: InterventionNumber,
    },
    /// An approval that would widen the request.
    #[error("an approval only shrinks what was asked; {what} was not asked")]
    OnlyShrinks {
        /// What would be more.
        what: String,
    },
    /// The step does not fit the state of the intervention.
    #[error("intervention {number} is {state}; nothing to {step}")]
    WrongState {
        /// The intervention.
        number: InterventionNumber,
        /// Its state.
        state: &'static str,
        /// What was tried.
        step: &'static str,
    },
    /// It is not there, or not any more.
    #[error("there is no such intervention; `interventions` lists those there are")]
    NoSuchIntervention,
    /// Someone else's request.
    #[error("intervention {number} is not yours")]
    NotYours {
        /// The intervention.
        number: InterventionNumber,
    },
}

mod argument;
mod end;
mod permit;
mod text_ids;
mod texts;
mod to_grant;
pub use self::argument::{Argument, Arguments};
pub use self::end::{EndReason, Withdrawal};
pub use self::permit::Permit;
pub use self::text_ids::TEXT_IDS;
use self::texts::{kept_out, listed, opens};
