//! Heightened posture: an operator tightens everything of their client by one word, until operators say that it is over (P6).
//!
//! What the posture asks for is the client's document's ([`PostureRules`]); that it holds is an operator's word beside the
//! documents, as [`crate::clearance`] is. [`Documents`] that carry the word have the client's flows tightened, so that whatever
//! is asked of them is asked of the least of both; how they were written is still asked where somebody is told that it is the
//! posture that bars, and for what runs already, which goes on until it was warned.

use std::collections::BTreeMap;
use std::fmt;

use crate::documents::{Client, Documents, Flow, PostureRules};
use crate::extraction::ByteCount;
use crate::mandate::{AsOperator, ToWiden};
use crate::name::{ClientId, InterventionNumber, PersonId};
use crate::time::{Span, Timestamp};
use crate::verdict::{Argument, Arguments, Refusal};

/// An operator's word that tightens everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heightened {
    /// Who said it.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// Why; technicians read it.
    pub reason: String,
    /// Who has said since that it is over, and when.
    pub over: BTreeMap<PersonId, Timestamp>,
}

/// A client in heightened posture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPosture {
    /// The word.
    pub said: Heightened,
    /// What it asks for.
    pub rules: PostureRules,
    client: ClientId,
    contacts: String,
    /// The flows without it.
    written: Vec<Flow>,
}

/// What a posture bars, and what would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighPosture {
    /// Whose.
    pub client: ClientId,
    /// Since when.
    pub since: Timestamp,
    /// Who said so.
    pub by: PersonId,
    /// Why.
    pub reason: String,
    /// Whom to call there; empty where no document says it.
    pub contacts: String,
    /// What it bars.
    pub missing: Missing,
    /// On which intervention the reader decides; none where they asked for it, or use it.
    pub decides: Option<InterventionNumber>,
}

/// What a posture bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// Operators have to approve that did not.
    Yes {
        /// The intervention.
        number: InterventionNumber,
        /// How many there have to be.
        needed: u32,
        /// How many there are.
        given: u32,
    },
    /// The line is refused meanwhile.
    Line {
        /// The line, or several.
        line: String,
    },
    /// The intervention lasts no longer.
    Window {
        /// When it ended.
        closed_at: Timestamp,
    },
    /// So much time is not to be had meanwhile.
    Length {
        /// What was asked.
        asked: Span,
        /// What there is.
        at_most: Span,
    },
    /// So many bytes are not to be had meanwhile.
    Bytes {
        /// What was asked.
        asked: ByteCount,
        /// What there is.
        at_most: ByteCount,
    },
}

impl fmt::Display for HighPosture {
    /// `heightened posture of hopital since 2026-11-30T15:02:11Z (odile: intrusion at a supplier): …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            client,
            since,
            by,
            reason,
            contacts: _,
            missing,
            decides: _,
        } = self;
        write!(
            f,
            "heightened posture of {client} since {since} ({by}: {reason}): "
        )?;
        match missing {
            Missing::Yes {
                number,
                needed,
                given,
            } => write!(
                f,
                "intervention {number} has {given} of the {needed} approvals that it needs meanwhile; another operator approves it"
            ),
            Missing::Line { line } => write!(f, "`{line}` is refused meanwhile"),
            Missing::Window { closed_at } => {
                write!(f, "the shorter window of meanwhile closed at {closed_at}")
            }
            Missing::Length { asked, at_most } => {
                write!(
                    f,
                    "{asked} is not a possible length; accepted: 1s to {at_most}"
                )
            }
            Missing::Bytes { asked, at_most } => {
                write!(
                    f,
                    "{asked} is more than may leave; accepted: 1 B to {at_most}"
                )
            }
        }
    }
}

fn text(value: impl fmt::Display) -> Argument {
    Argument::Text(value.to_string())
}

impl HighPosture {
    /// The identifier of the sentence that refuses.
    pub(crate) const fn refusal_id(&self) -> &'static str {
        match self.missing {
            Missing::Yes { .. } => "refusal-posture-yes",
            Missing::Line { .. } if self.decides.is_some() => "refusal-posture-line-to-grant",
            Missing::Line { .. } => "refusal-posture-line",
            Missing::Window { .. } => "refusal-posture-window",
            Missing::Length { .. } if self.decides.is_some() => "refusal-posture-length-to-grant",
            Missing::Length { .. } => "refusal-posture-length",
            Missing::Bytes { .. } if self.decides.is_some() => "refusal-posture-bytes-to-grant",
            Missing::Bytes { .. } => "refusal-posture-bytes",
        }
    }

    /// And of the one that ends what runs; lengths and bytes that are asked for end nothing.
    pub(crate) const fn end_id(&self) -> &'static str {
        match self.missing {
            Missing::Yes { .. } => "end-posture-yes",
            Missing::Line { .. } => "end-posture-line",
            Missing::Window { .. } | Missing::Length { .. } | Missing::Bytes { .. } => {
                "end-posture-window"
            }
        }
    }

    /// The values inside either.
    pub(crate) fn args(&self, contacts: Argument) -> Arguments {
        let mut values = vec![
            ("client", text(&self.client)),
            ("since", Argument::Time(self.since)),
            ("by", text(&self.by)),
            ("reason", text(&self.reason)),
            ("contacts", contacts),
        ];
        values.extend(match &self.missing {
            Missing::Yes {
                number,
                needed,
                given,
            } => vec![
                ("number", text(number)),
                ("needed", Argument::Number(u64::from(*needed))),
                ("given", Argument::Number(u64::from(*given))),
            ],
            Missing::Line { line } => vec![("line", text(line))],
            Missing::Window { closed_at } => vec![("closed_at", Argument::Time(*closed_at))],
            Missing::Length { asked, at_most } => vec![
                ("asked", Argument::Span(*asked)),
                ("at_most", Argument::Span(*at_most)),
            ],
            Missing::Bytes { asked, at_most } => vec![
                ("asked", Argument::Bytes(*asked)),
                ("at_most", Argument::Bytes(*at_most)),
                ("typed", text(at_most.typed())),
            ],
        });
        if let Some(number) = self.decides {
            values.push(("number", text(number)));
        }
        values
    }
}

impl InPosture {
    /// A client whose flows are tightened by it.
    pub(crate) fn of(client: &mut Client, said: Heightened) -> Self {
        let rules = client.posture.clone();
        let tight = client.flows.iter().map(|flow| rules.tightened(flow));
        let tight = tight.collect();
        Self {
            said,
            rules,
            client: client.id.clone(),
            contacts: client.contacts.to_call(),
            written: std::mem::replace(&mut client.flows, tight),
        }
    }

    /// The flows without it.
    pub(crate) fn written(&self) -> &[Flow] {
        &self.written
    }

    /// The same, for good.
    pub(crate) fn into_written(self) -> Vec<Flow> {
        self.written
    }

    /// Until when what it does not allow any more goes on, so that it can be warned. **Range**: end excluded.
    #[must_use]
    pub fn warned_until(&self) -> Timestamp {
        self.said.at.plus(self.rules.warning)
    }

    /// When an intervention is over by it that was first used then. **Range**: end excluded.
    #[must_use]
    pub fn over_at(&self, opened_at: Timestamp) -> Timestamp {
        opened_at.plus(self.rules.at_most)
    }

    /// What it bars, in full.
    #[must_use]
    pub fn bars(&self, missing: Missing) -> Box<HighPosture> {
        Box::new(HighPosture {
            client: self.client.clone(),
            since: self.said.at,
            by: self.said.by.clone(),
            reason: self.said.reason.clone(),
            contacts: self.contacts.clone(),
            missing,
            decides: None,
        })
    }

    /// A refusal as what it is where the posture alone made it one.
    fn named(&self, refusal: Refusal) -> Refusal {
        match self.missing(&refusal) {
            Some(missing) => Refusal::Posture(self.bars(missing)),
            None => refusal,
        }
    }

    /// What it bars that is refused by these words; none where they are of something else.
    fn missing(&self, refusal: &Refusal) -> Option<Missing> {
        if let Refusal::Length { asked, at_most } = refusal {
            let (asked, at_most) = (*asked, *at_most);
            return Some(Missing::Length { asked, at_most });
        }
        if let Refusal::Bytes { asked, at_most } = refusal {
            let (asked, at_most) = (*asked, *at_most);
            return Some(Missing::Bytes { asked, at_most });
        }
        if let Refusal::NotInMatrix { capability, .. } | Refusal::OutsideMatrix { capability, .. } =
            refusal
        {
            let line = capability.clone();
            return Some(Missing::Line { line });
        }
        if let Refusal::NoCommonAccount | Refusal::NothingAsked = refusal {
            let refused = self.rules.refuse.iter().map(ToString::to_string);
            let line = refused.collect::<Vec<_>>().join(", ");
            return Some(Missing::Line { line });
        }
        None
    }
}

/// What `judge` says of these documents. Where it refuses and would not without the client's posture, the refusal says so.
///
/// # Errors
/// The refusal.
pub(crate) fn judged<T>(
    documents: &Documents,
    client: &ClientId,
    judge: impl Fn(&Documents) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    judge(documents).map_err(|refusal| match documents.posture(client) {
        Some(posture) if judge(&documents.clone().as_written()).is_ok() => posture.named(refusal),
        Some(_) | None => refusal,
    })
}

impl<'d> AsOperator<'d> {
    /// The posture of their client, where it is heightened.
    #[must_use]
    pub fn posture(&self) -> Option<&'d InPosture> {
        self.documents().posture(self.client())
    }

    /// What heightened posture asks for, or would.
    #[must_use]
    pub fn posture_rules(&self) -> Option<&'d PostureRules> {
        let client = self.documents().client(self.client())?;
        Some(&client.posture)
    }
}

impl ToWiden<'_, '_> {
    /// How many more operators have to say that the posture is over once this one has; none where this one says it for the
    /// second time, or nothing is heightened. It takes a code of now, as all that gives does.
    #[must_use]
    pub fn leads_back(&self) -> Option<u32> {
        let posture = self.operator().posture()?;
        if posture.said.over.contains_key(self.operator().person()) {
            return None;
        }
        let said = u32::try_from(posture.said.over.len()).unwrap_or(u32::MAX);
        Some(
            posture
                .rules
                .normal_by
                .saturating_sub(said.saturating_add(1)),
        )
    }
}
