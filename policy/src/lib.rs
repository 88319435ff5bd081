//! What may happen. Every right of the gateway is decided here, by functions of text and time alone: no I/O, no clock,
//! no task, so that each rule runs in microseconds and can be read by an auditor who does not know the rest.
//!
//! Read in this order: [`documents`] (what people wrote), [`identity`] (who is there), [`intervention`] (what was asked
//! and approved), [`mandate`] (by what right somebody acts), [`admission`] (what may pass now), [`extraction`] (how much of it), [`signals`] (what is told of it), [`verdict`] (the answers). `README.md` is the policy language for
//! a client's security officer.
//!
//! Invariants, each with tests that try to break it:
//! - nothing is permitted by absence: no rule, no approval, an empty list, an unknown type are refused;
//! - granted ⊆ requested ⊆ matrix; an approval only shrinks;
//! - rights are the union of the flows, each with its own conditions: removing an element never adds a right;
//! - time only moves rights away.

// Tests say what they promise by failing; the lints that forbid panicking are for what runs.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::wildcard_enum_match_arm
    )
)]

pub mod accompaniment;
pub mod address;
pub mod admission;
pub mod capability;
pub mod cases;
pub mod clearance;
pub mod confirm;
pub mod derogation;
pub mod documents;
pub mod explain;
pub mod extraction;
pub mod flow;
pub mod identity;
pub mod intervention;
pub mod key;
pub mod lockout;
pub mod mandate;
pub mod matrix;
pub mod name;
pub mod posture;
pub mod reach;
pub mod reachable;
pub mod retention;
pub mod review;
pub mod schedule;
pub mod signals;
pub mod terms;
pub mod time;
pub mod verdict;
pub mod words;

pub use self::accompaniment::{Accompanied, accompanied_flows};
pub use self::address::LoginAddress;
pub use self::admission::{Admission, Bounds, FileConfirmation, FileGrants, admit, admit_for};
pub use self::capability::destination::{Destination, ForwardLine, SocketPath};
pub use self::capability::files::{FileLine, FileNeed, FileRequest, FileRight, TargetPath};
pub use self::capability::{Allowed, Capability};
pub use self::cases::{Answered, Case, Cases, Expects};
pub use self::clearance::{Clearance, Clearances, Cleared, KeepOut, Kept, bars, people_of};
pub use self::confirm::{Confirm, Confirmation, confirmed_flows};
pub use self::derogation::Derogation;
pub use self::documents::{DocumentError, Documents, HostPort, PersonRef};
pub use self::explain::{Explanation, explain};
pub use self::extraction::{
    Account, AtLimit, Budget, Budgets, ByteCount, ByteRate, Charge, CivilDay, Crossing, Granted,
    Level, Limit, Percent, Place, Spent, Threshold, Way, Zone, grant,
};
pub use self::flow::{FlowRequest, Narrowing, SFTP, Scope};
pub use self::identity::{
    AccountFacts, AccountUse, Authenticated, Barred, CertificateFacts, CertificateKind,
    CodeOutcome, Ended, Login, LoginRefusal, Presence, ProvenCode, Role, Step,
};
pub use self::intervention::{
    Approval, Ask, CloseReason, Grant, Intervention, Request, State, Waiting,
};
pub use self::key::{Fingerprint, PublicKey};
pub use self::lockout::{LockoutRule, blocked_until, tries_left};
pub use self::mandate::{AsAuditor, AsOperator, AsTechnician, ToWiden, Unmasking, may_show_out};
pub use self::matrix::{
    clients_concerned, closed_doors, could_ask_for, entries_behind, matrix_scope, narrowed_to_flow,
};
pub use self::name::{
    AccountName, ClientId, FlowName, GroupName, InterventionId, InterventionNumber, Lang,
    NameError, PersonId, ProviderId, SessionId, StationId, TargetId,
};
pub use self::posture::{Heightened, HighPosture, InPosture, Missing};
pub use self::reach::Reach;
pub use self::reachable::{Reached, reachable};
pub use self::schedule::Schedule;
pub use self::terms::{StartRequest, Term, TermRefused, Terms};
pub use self::time::{Span, Timestamp};
pub use self::verdict::{
    Argument, Arguments, EndReason, Permit, Refusal, TEXT_IDS, Verdict, Withdrawal,
};
