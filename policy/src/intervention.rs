//! The life of one intervention: asked, seen, approved or refused, opened by its first use, closed.
//!
//! ```text
//! Requested ──▶ Approved ──▶ Open ──▶ Closed
//!     ├──▶ Refused   ├──▶ Expired
//!     ├──▶ Expired   └──▶ Closed
//!     └──▶ Cancelled ◀── Approved
//! ```
//!
//! Every transition is pure: a value and an instant come in, the next value or a refusal goes out; storing it is the
//! gateway's business, with [`Intervention::revision`] against two at once. Who may pass now is [`crate::admission`].

mod ask;
mod decide;
mod further;
mod granted;
mod hours;
mod outlook;
mod sufficed;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::ask::{Ask, LATELY, Waiting, request};
pub use self::hours::{ShortHours, Within};
pub use self::outlook::Outlook;
use crate::extraction::ByteCount;
use crate::flow::Scope;
use crate::name::{ClientId, InterventionId, InterventionNumber, PersonId, ProviderId, StationId};
use crate::time::{Span, Timestamp};
use crate::verdict::Refusal;
pub use crate::words::LONGEST_REASON;

/// The longest that a request for now waits for an answer (PA-022 R66: off again after a day at the latest).
pub const ANSWER_WITHIN: Span = Span::from_hours(24);
/// How far ahead a start may be planned.
pub const PLANNED_WITHIN: Span = Span::from_hours(90 * 24);
/// When a technician is warned that the window closes (I3).
pub const WARNINGS: [Span; 2] = [Span::from_mins(10), Span::from_mins(1)];

/// What a technician asked for. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// For ever.
    pub id: InterventionId,
    /// For people.
    pub number: InterventionNumber,
    /// Who asks.
    pub person: PersonId,
    /// For which provider.
    pub provider: ProviderId,
    /// From which station, and from that one only.
    pub station: StationId,
    /// Whose targets.
    pub client: ClientId,
    /// What.
    pub scope: Scope,
    /// Why. **Shape**: 1 to 1000 visible characters on one line.
    pub reason: String,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// From when; `None` is as soon as it is approved.
    pub start: Option<Timestamp>,
    /// For how long, from the first use.
    pub length: Span,
    /// When it expires unanswered. **Range**: end excluded.
    pub answer_due: Timestamp,
    /// How much is to leave in all, where less was asked than the matrix allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<ByteCount>,
}

impl Request {
    /// Eight letters that both sides compare, so that the client approves what the technician asked.
    ///
    /// **Shape**: `KDWP-7MZR`, 40 bits of SHA-256 over every field. The id is made by the gateway from chance, so a
    /// technician cannot prepare another request with the same code.
    #[must_use]
    pub fn code(&self) -> String {
        const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let digest = Sha256::digest(self.canonical());
        let bits = digest
            .iter()
            .take(5)
            .fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
        let letter = |position: u32| {
            let index = usize::try_from((bits >> (35 - 5 * position)) & 31).unwrap_or_default();
            LETTERS.get(index).copied().map_or('A', char::from)
        };
        (0..4)
            .map(letter)
            .chain(std::iter::once('-'))
            .chain((4..8).map(letter))
            .collect()
    }

    /// Every field with its length before it: two requests that differ anywhere differ here.
    fn canonical(&self) -> Vec<u8> {
        let Self {
            id,
            number,
            person,
            provider,
            station,
            client,
            scope,
            reason,
            requested_at,
            start,
            length,
            answer_due,
            bytes: asked,
        } = self;
        let Scope {
            targets,
            accounts,
            capabilities,
        } = scope;
        let mut bytes = b"ecluse-request-1".to_vec();
        let mut part = |text: &str| {
            bytes.extend(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend(text.as_bytes());
        };
        for text in [
            id.to_string(),
            number.to_string(),
            person.to_string(),
            provider.to_string(),
            station.to_string(),
            client.to_string(),
        ] {
            part(&text);
        }
        part(&targets.len().to_string());
        targets.iter().for_each(|target| part(target.as_str()));
        part(&accounts.len().to_string());
        accounts.iter().for_each(|account| part(account.as_str()));
        part(&capabilities.len().to_string());
        capabilities
            .iter()
            .for_each(|capability| part(&capability.to_string()));
        part(reason);
        part(&requested_at.as_micros().to_string());
        part(
            &start
                .map(|start| start.as_micros().to_string())
                .unwrap_or_default(),
        );
        part(&length.as_micros().to_string());
        part(&answer_due.as_micros().to_string());
        // Behind everything else, so that what was asked before there were budgets keeps its code.
        if let Some(asked) = asked {
            part("bytes");
            part(&asked.as_u64().to_string());
        }
        bytes
    }

    /// When it expires unanswered. **Range**: end excluded.
    #[must_use]
    pub const fn answer_due(&self) -> Timestamp {
        self.answer_due
    }
}

/// What was granted: never more than was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What.
    pub scope: Scope,
    /// From when.
    pub starts_at: Timestamp,
    /// For how long, from the first use.
    pub length: Span,
    /// The end at the latest, whenever the first use was. **Range**: end excluded.
    pub latest_end: Timestamp,
    /// How much may leave in all, where that is less than the matrix allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<ByteCount>,
}

/// One operator's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who.
    pub operator: PersonId,
    /// When.
    pub at: Timestamp,
    /// What was left of the request after it.
    pub scope: Scope,
    /// How long it lasts after it.
    pub length: Span,
    /// How much may leave in all after it, where that is less than the matrix allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<ByteCount>,
}

/// Where an intervention stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum State {
    /// Waits for an answer, or for a further operator's.
    Requested,
    /// Approved and not used yet.
    Approved {
        /// What was granted.
        granted: Grant,
    },
    /// The client said no.
    Refused {
        /// Who.
        by: PersonId,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Nobody answered, or nobody came.
    Expired {
        /// When.
        at: Timestamp,
        /// What had been granted, where the client had said yes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        granted: Option<Grant>,
    },
    /// In use, or used before and still open.
    Open {
        /// What was granted.
        granted: Grant,
        /// The first use.
        opened_at: Timestamp,
        /// The end. **Range**: end excluded.
        closes_at: Timestamp,
    },
    /// Over.
    Closed {
        /// When.
        at: Timestamp,
        /// The first use, where there was one.
        opened_at: Option<Timestamp>,
        /// Why.
        reason: CloseReason,
        /// What had been granted; unknown where an earlier program closed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        granted: Option<Grant>,
    },
    /// The technician took it back before its first use.
    Cancelled {
        /// When.
        at: Timestamp,
        /// What had been granted, where the client had said yes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        granted: Option<Grant>,
    },
}

impl State {
    /// One word, for people and for finding a translation.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved { .. } => "approved",
            Self::Refused { .. } => "refused",
            Self::Expired { .. } => "expired",
            Self::Open { .. } => "open",
            Self::Closed { .. } => "closed",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Whether nothing more happens to it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Requested | Self::Approved { .. } | Self::Open { .. } => false,
            Self::Refused { .. }
            | Self::Expired { .. }
            | Self::Closed { .. }
            | Self::Cancelled { .. } => true,
        }
    }
}

/// Why an intervention was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum CloseReason {
    /// Its time was over.
    WindowOver,
    /// The technician had finished.
    ByTechnician,
    /// An operator ended it.
    ByOperator {
        /// Who.
        by: PersonId,
        /// Why.
        reason: String,
    },
}

/// One intervention: what was asked, and what became of it.
///
/// Invariant: only [`request`] makes one, and each step of [`State`] follows from the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Intervention {
    request: Request,
    state: State,
    seen: Option<(PersonId, Timestamp)>,
    approvals: Vec<Approval>,
    revision: u64,
    /// What the log says of it; never part of what is kept.
    #[serde(skip)]
    standing: Standing,
}

/// What the log of the gateway says of an intervention that was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Standing {
    /// What it says itself.
    #[default]
    OnRecord,
    /// The same, as far as it is known: words that are newer are not there. It grants nothing new; whatever ends it is taken.
    Unconfirmed,
    /// Its last word may be among those that are not there: it grants nothing, takes no step, and nobody is accused.
    Unknown,
    /// Something else.
    Contradicted,
}

impl Intervention {
    /// What was asked.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The operator who looked at it first, and when.
    #[must_use]
    pub const fn seen(&self) -> Option<&(PersonId, Timestamp)> {
        self.seen.as_ref()
    }

    /// Every yes so far.
    #[must_use]
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }

    /// Grows by one with every step: store a step only over the revision it came from.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> InterventionId {
        self.request.id
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> InterventionNumber {
        self.request.number
    }

    /// What is granted, while it is approved or open.
    #[must_use]
    pub const fn granted(&self) -> Option<&Grant> {
        match &self.state {
            State::Approved { granted } | State::Open { granted, .. } => Some(granted),
            State::Requested
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => None,
        }
    }

    /// When the next change comes by itself: the answer is due, or the window ends. `None` when it is over.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        match &self.state {
            State::Requested => Some(self.request.answer_due()),
            State::Approved { granted } => Some(granted.latest_end),
            State::Open { closes_at, .. } => Some(*closes_at),
            State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => None,
        }
    }

    /// The same, found to be another than the log says: it admits nobody, and takes no further step.
    pub fn contradicted(mut self) -> Self {
        self.standing = Standing::Contradicted;
        self
    }

    /// The same, while words of the log are not there that may be about it and are newer than the last that is known: until
    /// they are, it admits nobody new and takes no step that grants.
    pub fn unconfirmed(mut self) -> Self {
        self.standing = Standing::Unconfirmed;
        self
    }

    /// The same, found to be another than the last word about it, while words of the log are not there by which it may be right.
    pub fn unknown(mut self) -> Self {
        self.standing = Standing::Unknown;
        self
    }

    /// Whether nothing may be done by it: the log says something else of it, or it is not known whether it does.
    #[must_use]
    pub const fn is_contradicted(&self) -> bool {
        matches!(self.standing, Standing::Contradicted | Standing::Unknown)
    }

    /// Whether it grants nothing because words of the log are not there: nobody is accused by that.
    #[must_use]
    pub const fn is_not_known_yet(&self) -> bool {
        matches!(self.standing, Standing::Unconfirmed | Standing::Unknown)
    }

    /// That the log says of it what it says itself, as far as it is known: enough for what ends or denies.
    pub(crate) fn on_record(&self) -> Result<(), Refusal> {
        let number = self.number();
        match self.standing {
            Standing::OnRecord | Standing::Unconfirmed => Ok(()),
            Standing::Unknown => Err(Refusal::NotKnownYet { number }),
            Standing::Contradicted => Err(Refusal::NotOnRecord { number }),
        }
    }

    /// That it does, and nothing newer can be missing: for what grants.
    pub(crate) fn confirmed(&self) -> Result<(), Refusal> {
        self.on_record()?;
        if self.is_not_known_yet() {
            return Err(Refusal::NotKnownYet {
                number: self.number(),
            });
        }
        Ok(())
    }

    fn after(&self, state: State) -> Self {
        Self {
            state,
            revision: self.revision.saturating_add(1),
            ..self.clone()
        }
    }

    fn wrong_state(&self, step: &'static str) -> Refusal {
        Refusal::WrongState {
            number: self.number(),
            state: self.state.name(),
            step,
        }
    }
}

/// The instants after `now` at which a technician is warned that the window closes, with the time left, in order.
#[must_use]
pub fn warnings(closes_at: Timestamp, now: Timestamp) -> Vec<(Timestamp, Span)> {
    WARNINGS
        .into_iter()
        .map(|left| (closes_at.minus(left), left))
        .filter(|(at, _)| now < *at)
        .collect()
}
