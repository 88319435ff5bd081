//! The identifiers by which the gateway finds the sentence in the reader's language, and the values inside it.

use std::collections::BTreeSet;
use std::fmt;

use super::{Argument, Arguments, ClientId, EndReason, Kept, Refusal, Timestamp, Withdrawal};

fn text(value: impl fmt::Display) -> Argument {
    Argument::Text(value.to_string())
}

fn list<T: fmt::Display>(values: &BTreeSet<T>) -> Argument {
    Argument::List(values.iter().map(ToString::to_string).collect())
}

impl Refusal {
    /// The identifier of the sentence; one of [`super::TEXT_IDS`].
    #[must_use]
    pub fn text_id(&self) -> &'static str {
        match self {
            Self::NotListed { .. } => "refusal-not-listed",
            Self::NoIntervention { .. } => "refusal-no-intervention",
            Self::Pending { seen_at: None, .. } => "refusal-pending",
            Self::Pending {
                seen_at: Some(_), ..
            } => "refusal-pending-seen",
            Self::NotYet { .. } => "refusal-not-yet",
            Self::OtherStation { .. } => "refusal-other-station",
            Self::OutsideHours { opens_at: None, .. } => "refusal-outside-hours",
            Self::OutsideHours {
                opens_at: Some(_), ..
            } => "refusal-outside-hours-until",
            Self::ChooseAccount { .. } => "refusal-choose-account",
            Self::NotGranted { .. } => "refusal-not-granted",
            Self::MatrixNarrower { .. } => "refusal-matrix-narrower",
            Self::NotOnRecord { .. } => "refusal-not-on-record",
            Self::NotKnownYet { .. } => "refusal-not-known-yet",
            Self::DoorClosed { .. } => "refusal-door-closed",
            Self::KeptOut { kept, .. } => match **kept {
                Kept::Person(_) => "refusal-kept-out-person",
                Kept::Station(_) => "refusal-kept-out-station",
                Kept::Target(_) => "refusal-kept-out-target",
                Kept::All => "refusal-kept-out-all",
            },
            Self::NotAccepted { .. } => "refusal-not-accepted",
            Self::PersonRefused { .. } => "refusal-person-refused",
            Self::IsKeptOut { .. } => "refusal-is-kept-out",
            Self::AcceptFirst { .. } => "refusal-accept-first",
            Self::Posture(posture) => posture.refusal_id(),
            Self::Ended(ended) => ended.text_id(),
            Self::WindowOver { .. } => "refusal-window-over",
            Self::FlowNotListed { .. } => "refusal-flow-not-listed",
            Self::Command { .. } => "refusal-command",
            Self::Env { .. } => "refusal-env",
            Self::NoTerminal { .. } => "refusal-no-terminal",
            Self::Term(_) => "refusal-term",
            Self::NotBrought { .. } => "refusal-not-brought",
            Self::TooLate { .. } => "refusal-too-late",
            Self::DerogationOver { .. } => "refusal-derogation-over",
            Self::NotATechnician => "refusal-not-a-technician",
            Self::NotAnOperator => "refusal-not-an-operator",
            Self::NotAnAuditor => "refusal-not-an-auditor",
            Self::NotUnmasking => "refusal-not-unmasking",
            Self::CodeWanted { .. } => "refusal-code-wanted",
            Self::NoTarget => "refusal-no-target",
            Self::SeveralClients => "refusal-several-clients",
            Self::NoCommonAccount => "refusal-no-common-account",
            Self::NameAccount { .. } => "refusal-name-account",
            Self::NotInMatrix { .. } => "refusal-not-in-matrix",
            Self::OutsideMatrix { .. } => "refusal-outside-matrix",
            Self::NothingAsked => "refusal-nothing-asked",
            Self::Reason { .. } => "refusal-reason",
            Self::ReasonIsCode => "refusal-reason-is-code",
            Self::Length { .. } => "refusal-length",
            Self::Bytes { .. } => "refusal-bytes",
            Self::LengthToGrant { .. } => "refusal-length-to-grant",
            Self::BytesToGrant { .. } => "refusal-bytes-to-grant",
            Self::Start { .. } => "refusal-start",
            Self::NeverOpen { .. } => "refusal-never-open",
            Self::TooManyWaiting { .. } => "refusal-too-many-waiting",
            Self::TooOften { .. } => "refusal-too-often",
            Self::NotItsOperator => "refusal-not-its-operator",
            Self::OwnRequest => "refusal-own-request",
            Self::AlreadyApproved { .. } => "refusal-already-approved",
            Self::NothingLeft { .. } => "refusal-nothing-left",
            Self::OnlyShrinks { .. } => "refusal-only-shrinks",
            Self::WrongState {
                state: "requested",
                step: "close",
                ..
            } => "refusal-refuse-instead",
            Self::WrongState {
                state: "approved" | "open",
                step: "refuse",
                ..
            } => "refusal-withdraw-instead",
            Self::WrongState { .. } => "refusal-wrong-state",
            Self::NoSuchIntervention => "refusal-no-such-intervention",
            Self::NotYours { .. } => "refusal-not-yours",
        }
    }

    /// The values inside the sentence.
    #[must_use]
    pub fn args(&self) -> Arguments {
        match self {
            Self::NotListed { target } => vec![("target", text(target))],
            Self::NoIntervention { target } => vec![("target", text(target))],
            Self::Pending {
                target,
                number,
                seen_at,
            } => {
                let mut values = vec![("target", text(target)), ("number", text(number))];
                values.extend(seen_at.map(|at| ("seen_at", Argument::Time(at))));
                values
            }
            Self::NotYet { number, starts_at } => vec![
                ("number", text(number)),
                ("starts_at", Argument::Time(*starts_at)),
            ],
            Self::OtherStation { number, asked_from } => {
                vec![("number", text(number)), ("asked_from", text(asked_from))]
            }
            Self::OutsideHours { target, opens_at } => {
                let mut values = vec![("target", text(target))];
                values.extend(opens_at.map(|at| ("opens_at", Argument::Time(at))));
                values
            }
            Self::ChooseAccount { target, accounts } => {
                vec![("target", text(target)), ("accounts", list(accounts))]
            }
            Self::NotGranted { number, what } => {
                vec![("number", text(number)), ("what", text(what))]
            }
            Self::MatrixNarrower { number }
            | Self::NotOnRecord { number }
            | Self::NotKnownYet { number } => {
                vec![("number", text(number))]
            }
            Self::DoorClosed { client } => vec![("client", text(client))],
            Self::KeptOut {
                client,
                kept,
                reason,
                contacts,
            } => vec![
                ("client", text(client)),
                ("kept", text(kept.name())),
                ("reason", text(reason)),
                ("contacts", contacts_of(contacts)),
            ],
            Self::NotAccepted { client, contacts } | Self::PersonRefused { client, contacts } => {
                vec![
                    ("client", text(client)),
                    ("contacts", contacts_of(contacts)),
                ]
            }
            Self::IsKeptOut { kept } => vec![("kept", text(kept.name()))],
            Self::AcceptFirst { person } => vec![("person", text(person))],
            Self::Posture(posture) => posture.args(contacts_of(&posture.contacts)),
            Self::Ended(ended) => ended.args(),
            Self::WindowOver { closed_at } => vec![("closed_at", Argument::Time(*closed_at))],
            Self::FlowNotListed { flow, missing } => {
                vec![("flow", text(flow)), ("missing", text(missing))]
            }
            Self::Command {
                flow,
                missing,
                reason,
            } => {
                vec![
                    ("flow", text(flow)),
                    ("missing", text(missing)),
                    ("reason", text(reason)),
                ]
            }
            Self::Env {
                flow,
                missing,
                reason,
            } => {
                vec![
                    ("flow", text(flow)),
                    ("missing", text(missing)),
                    ("reason", text(reason)),
                ]
            }
            Self::NoTerminal {
                flow,
                line,
                line_of,
            } => {
                vec![
                    ("flow", text(flow)),
                    ("line", text(line)),
                    ("line_of", text(line_of)),
                ]
            }
            Self::Term(refused) => vec![("term", text(&refused.shown))],
            Self::TooLate { flow } => vec![("flow", text(flow))],
            Self::NotBrought { flow, line } => vec![("flow", text(flow)), ("line", text(line))],
            Self::DerogationOver {
                line,
                line_of,
                over_at,
            } => {
                vec![
                    ("line", text(line)),
                    ("line_of", text(line_of)),
                    ("over_at", Argument::Day(*over_at)),
                ]
            }
            Self::NotATechnician
            | Self::NotAnOperator
            | Self::NotAnAuditor
            | Self::NotUnmasking
            | Self::NoTarget
            | Self::SeveralClients
            | Self::NoCommonAccount
            | Self::NothingAsked
            | Self::ReasonIsCode
            | Self::NotItsOperator
            | Self::NoSuchIntervention
            | Self::OwnRequest => Vec::new(),
            Self::CodeWanted { within } => vec![("within", Argument::Span(*within))],
            Self::NameAccount { accounts } => vec![("accounts", list(accounts))],
            Self::NotInMatrix { capability, target } => {
                vec![("capability", text(capability)), ("target", text(target))]
            }
            Self::OutsideMatrix {
                number,
                capability,
                target,
            } => vec![
                ("number", text(number)),
                ("capability", text(capability)),
                ("target", text(target)),
            ],
            Self::Reason { longest } => vec![("longest", Argument::Number(*longest))],
            Self::Bytes { asked, at_most } => vec![
                ("asked", Argument::Bytes(*asked)),
                ("at_most", Argument::Bytes(*at_most)),
            ],
            Self::Length { asked, at_most } => vec![
                ("asked", Argument::Span(*asked)),
                ("at_most", Argument::Span(*at_most)),
            ],
            Self::LengthToGrant {
                number,
                asked,
                at_most,
            } => vec![
                ("number", text(number)),
                ("asked", Argument::Span(*asked)),
                ("at_most", Argument::Span(*at_most)),
            ],
            Self::BytesToGrant {
                number,
                asked,
                at_most,
            } => vec![
                ("number", text(number)),
                ("asked", Argument::Bytes(*asked)),
                ("at_most", Argument::Bytes(*at_most)),
                ("typed", text(at_most.typed())),
            ],
            Self::Start { start, latest } => vec![
                ("start", Argument::Time(*start)),
                ("latest", Argument::Time(*latest)),
            ],
            Self::NeverOpen { until, opens_at } => vec![
                ("until", Argument::Time(*until)),
                ("opens_at", Argument::Time(*opens_at)),
                ("at", text(opens_at)),
            ],
            Self::TooManyWaiting { waiting } => vec![("waiting", Argument::Number(*waiting))],
            Self::TooOften { made, again_at } => vec![
                ("made", Argument::Number(*made)),
                ("again_at", Argument::Time(*again_at)),
            ],
            Self::AlreadyApproved { number }
            | Self::NothingLeft { number }
            | Self::NotYours { number } => {
                vec![("number", text(number))]
            }
            Self::OnlyShrinks { what } => vec![("what", text(what))],
            Self::WrongState {
                number,
                state,
                step,
            } => {
                vec![
                    ("number", text(number)),
                    ("state", text(state)),
                    ("step", text(step)),
                ]
            }
        }
    }
}

impl EndReason {
    /// The identifier of the sentence; one of [`super::TEXT_IDS`].
    #[must_use]
    pub fn text_id(&self) -> &'static str {
        match self {
            Self::WindowOver { .. } => "end-window-over",
            Self::HoursOver { .. } => "end-hours-over",
            Self::DerogationOver { .. } => "end-derogation-over",
            Self::Withdrawn(ended) => ended.text_id(),
            Self::InterventionEnded {
                because:
                    Some(Withdrawal {
                        reason: Some(_), ..
                    }),
                ..
            } => "end-intervention-withdrawn",
            Self::InterventionEnded { .. } => "end-intervention-ended",
            Self::MatrixChanged { .. } => "end-matrix-changed",
            Self::NotOnRecord { .. } => "end-not-on-record",
            Self::DoorClosed { .. } => "end-door-closed",
            Self::KeptOut { .. } => "end-kept-out",
            Self::NotAccepted { .. } => "end-not-accepted",
            Self::Posture(posture) => posture.end_id(),
        }
    }

    /// The values inside the sentence.
    #[must_use]
    pub fn args(&self) -> Arguments {
        match self {
            Self::WindowOver { closed_at } => vec![("closed_at", Argument::Time(*closed_at))],
            Self::HoursOver { line_of, closed_at } => vec![
                ("line_of", text(line_of)),
                ("closed_at", Argument::Time(*closed_at)),
            ],
            Self::DerogationOver {
                line,
                line_of,
                over_at,
            } => vec![
                ("line", text(line)),
                ("line_of", text(line_of)),
                ("over_at", Argument::Day(*over_at)),
            ],
            Self::Withdrawn(ended) => ended.args(),
            Self::InterventionEnded {
                number,
                state,
                because,
            } => {
                let mut values = vec![("number", text(number)), ("state", text(state))];
                if let Some(Withdrawal {
                    by,
                    reason: Some(reason),
                }) = because
                {
                    values.extend([("by", text(by)), ("reason", text(reason))]);
                }
                values
            }
            Self::MatrixChanged { target } => vec![("target", text(target))],
            Self::NotOnRecord { number } => vec![("number", text(number))],
            Self::DoorClosed { client } => vec![("client", text(client))],
            Self::NotAccepted {
                client,
                by: _,
                contacts,
            } => vec![
                ("client", text(client)),
                ("contacts", contacts_of(contacts)),
            ],
            Self::Posture(posture) => posture.args(contacts_of(&posture.contacts)),
            Self::KeptOut {
                client,
                by: _,
                reason,
                contacts,
            } => vec![
                ("client", text(client)),
                ("reason", text(reason)),
                ("contacts", contacts_of(contacts)),
            ],
        }
    }
}

/// Whom to call; `none` where no document says it, which is a sentence of its own.
fn contacts_of(contacts: &str) -> Argument {
    text(if contacts.is_empty() {
        "none"
    } else {
        contacts
    })
}

/// What is kept out, by whom, and why, in the words of the record.
pub(super) fn kept_out(client: &ClientId, kept: &Kept, reason: &str) -> String {
    let what = match kept {
        Kept::Person(_) => "you out".to_owned(),
        Kept::Station(station) => format!("station {station} out"),
        Kept::Target(target) => format!("everybody away from {target}"),
        Kept::All => "everybody out".to_owned(),
    };
    format!("{client} keeps {what} until an operator lifts it: {reason}")
}

/// When something opens, behind what it is.
pub(super) fn opens(at: &Option<Timestamp>) -> String {
    at.map(|at| format!("; it opens at {at}"))
        .unwrap_or_default()
}

/// Names, one after the other.
pub(super) fn listed<T: fmt::Display>(names: &BTreeSet<T>) -> String {
    names
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
