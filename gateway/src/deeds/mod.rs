//! Every act of a person, once, with no face: what is asked, by whose right, and what came of it.
//!
//! An act is one function: `approve(house, by, ask) -> Result<Approved, Undone>`. What is asked ([`Ask`]) is one struct that
//! is command line, form and body at once; the right to it is asked of policy within, when the act is done, after whatever
//! time a dialogue took (A2); what is refused is on record (R5); what came of it holds the facts, in no language. A deed
//! knows no terminal: the lobby shows what came of it in words, and so will every face to come.
//!
//! A deed that cannot go on without something that only the person can give says what it [`Wants`], having changed nothing:
//! a face that can ask them does so and calls again.

pub(crate) mod accompany;
pub(crate) mod alerts;
pub(crate) mod answers;
pub(crate) mod changes;
pub(crate) mod code;
pub(crate) mod confirming;
pub(crate) mod evidence;
pub(crate) mod gauges;
pub(crate) mod hands;
pub(crate) mod host_ca;
pub(crate) mod in_passage;
pub(crate) mod keep_out;
pub(crate) mod listing;
pub(crate) mod live;
pub(crate) mod matrix;
pub(crate) mod moments;
pub(crate) mod news;
pub(crate) mod people;
pub(crate) mod posture;
pub(crate) mod questions;
pub(crate) mod quota;
pub(crate) mod requests;
pub(crate) mod search;
pub(crate) mod start;
pub(crate) mod steps;
#[cfg(test)]
mod tests;
pub(crate) mod top_up;
pub(crate) mod totals;
pub(crate) mod typed;

use std::collections::BTreeSet;

use ecluse_policy::intervention::Intervention;
use ecluse_policy::{AsOperator, ClientId, InterventionNumber, PersonId, Refusal};
use ecluse_recordings::search::QueryError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::evidence::Unshown;
use self::start::Start;
use self::typed::{Nth, Unclear};
use crate::actor::Actor;
use crate::audit::AuditRecord;
use crate::gateway::Gateway;
use crate::store::StoreError;

/// An act as somebody asks for it.
pub(crate) trait Ask: clap::Args + Serialize + DeserializeOwned {
    /// What it is called: where it is typed, and where it is on record.
    const ACT: &'static str;
    /// How it is written on a command line.
    const USAGE: &'static str;
    /// Whether nothing may hold it up: then a sentence that goes with it is read as it comes, and left out where it says nothing.
    const AT_ONCE: bool = false;
}

/// Why an act was not done.
#[derive(Debug)]
pub(crate) enum Undone {
    /// Policy refused it.
    Refused(Refusal),
    /// Nothing of theirs has this name, whether or not somebody else has something of it (O4).
    NoSuch(Subject),
    /// What was typed can only be read where it is done, and means nothing there.
    Unclear(Unclear),
    /// A time that is another one in each time zone of what is asked for.
    SeveralTimes {
        /// As typed.
        typed: String,
        /// As it would be read.
        read: Vec<Start>,
    },
    /// Something is missing that the person can give: nothing was changed.
    Wants(Wants),
    /// Something of theirs cannot be shown as they asked.
    Unshown(Box<Unshown>),
    /// Words that cannot be looked for.
    Unsearchable(QueryError),
    /// They looked at too many things within a minute.
    TooOften,
    /// The store failed.
    Store(StoreError),
}

impl From<Unclear> for Undone {
    fn from(unclear: Unclear) -> Self {
        Self::Unclear(unclear)
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What an act names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An intervention.
    Intervention(InterventionNumber),
    /// A session in passage.
    Session(u64),
    /// A session's recording.
    Recording(u64),
    /// A receipt.
    Receipt(u64),
    /// A name that nothing of a client has.
    Name {
        /// As typed.
        typed: String,
        /// Whose.
        client: ClientId,
    },
    /// Something that waits for a yes in a session.
    Waiting(Nth),
    /// Whatever can be cut: a session, a person, a target.
    ToCut(String),
    /// Whatever can be kept out, or is.
    ToKeepOut {
        /// As typed.
        typed: String,
        /// Of whom.
        client: ClientId,
    },
    /// A technician whom the client's matrix names.
    Technician {
        /// As typed.
        typed: String,
        /// Whose matrix.
        client: ClientId,
    },
    /// A flow on some targets.
    Flow {
        /// As typed.
        typed: String,
        /// Those there are.
        known: BTreeSet<String>,
    },
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Intervention(number) => number.fmt(f),
            Self::Session(number) | Self::Recording(number) | Self::Receipt(number) => {
                number.fmt(f)
            }
            Self::Waiting(nth) => nth.fmt(f),
            Self::ToCut(typed)
            | Self::ToKeepOut { typed, .. }
            | Self::Technician { typed, .. }
            | Self::Name { typed, .. }
            | Self::Flow { typed, .. } => f.write_str(typed),
        }
    }
}

/// What an act still wants of the person who asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wants {
    /// A code of now, proven on their connection; in policy's words.
    Code(Refusal),
    /// Why: the person named reads it.
    Reason(PersonId),
    /// Why: whoever it keeps out reads it.
    Why,
    /// Words to look for.
    Words,
    /// Lines that tell of bytes, where some were asked for by these.
    Carried,
    /// A sentence, and no code, that the other side reads.
    Sentence,
}

/// The right to an act, or that there is none, on record.
pub(crate) async fn right<T>(
    house: &Gateway,
    by: &Actor,
    act: &str,
    asked: Result<T, Refusal>,
) -> Result<T, Undone> {
    match asked {
        Ok(right) => Ok(right),
        Err(refusal) => {
            cannot_ask(house, by, act, &refusal).await?;
            Err(Undone::Refused(refusal))
        }
    }
}

/// A face that has no way to ask for what an act wants refuses it, on record.
pub(crate) async fn cannot_ask(
    house: &Gateway,
    by: &Actor,
    act: &str,
    refusal: &Refusal,
) -> Result<(), StoreError> {
    put_on_record(house, by, by.refused(act).reason(refusal)).await
}

/// Puts a refusal on record, one by one or in the count of its minute: whoever is refused can try again at will.
pub(crate) async fn put_on_record(
    house: &Gateway,
    by: &Actor,
    refused: AuditRecord,
) -> Result<(), StoreError> {
    house.people.enter(&house.store, by.person(), refused).await
}

/// Nothing that this person may act on has the name they typed: on record. What was typed is all that is said of it.
pub(crate) async fn no_such(house: &Gateway, by: &Actor, act: &str, subject: Subject) -> Undone {
    let record = by
        .refused(act)
        .detail("named", subject.to_string())
        .reason("nothing of theirs has this name");
    match put_on_record(house, by, record).await {
        Ok(()) => Undone::NoSuch(subject),
        Err(error) => Undone::Store(error),
    }
}

/// The intervention of a number on the operator's client.
pub(crate) async fn of_client(
    house: &Gateway,
    by: &Actor,
    operator: &AsOperator<'_>,
    act: &str,
    number: InterventionNumber,
) -> Result<Intervention, Undone> {
    let found = house.store.intervention_numbered(number).await?;
    match found.filter(|found| found.request().client == *operator.client()) {
        Some(intervention) => Ok(intervention),
        None => Err(no_such(house, by, act, Subject::Intervention(number)).await),
    }
}
