//! By what right somebody acts: a mandate, asked of the documents in force at the act (A2).
//!
//! Logging on proves who somebody is; it gives no right to do anything. Every act takes one of these as an argument, and
//! only the documents of that moment make one: whoever was removed, disabled or expired a second ago has none, and an
//! auditor who cuts does not compile:
//!
//! ```compile_fail,E0308
//! # use ecluse_policy::{AsAuditor, Intervention};
//! fn withdraw(by: &AsAuditor<'_>, it: &Intervention) {
//!     let _ = it.close(by, "enough");
//! }
//! ```
//!
//! | mandate | who | for |
//! |---|---|---|
//! | [`AsTechnician`] | a technician at a station, both in force | asking, giving up, looking at what is theirs |
//! | [`AsOperator`] | an operator in force | looking at their client's requests and sessions; refusing, cutting, withdrawing |
//! | [`ToWiden`] | the same, with a code of the last five minutes, for what gives somebody more than they had | a yes |
//! | [`AsAuditor`] | an auditor in force | looking at their client's interventions, refused ones too; reading its recordings |
//! | [`Unmasking`] | the same, where the document says `unmask = true`, with such a code | reading masked input in clear |
//!
//! A mandate holds the documents and the instant it was asked of, so that an act cannot be judged by others. It cannot be
//! kept: what lasts (a watch, a replay, a long search) asks again while it lasts.

use crate::documents::{Auditor, Client, Documents, PersonRef};
use crate::identity::{Authenticated, Presence, ProvenCode, Role};
use crate::matrix::{Reach, clients_concerned, matrix_scope};
use crate::name::{ClientId, PersonId, TargetId};
use crate::time::Timestamp;
use crate::verdict::Refusal;

/// The right to act as a technician. Only [`Authenticated::as_technician`] makes one.
///
/// Invariant: at `now` these documents held the person and their station, in force, as they were proven.
#[derive(Debug)]
pub struct AsTechnician<'d> {
    presence: Presence,
    documents: &'d Documents,
    now: Timestamp,
}

/// The right to act as an operator of one client. Only [`Authenticated::as_operator`] makes one.
///
/// Invariant: at `now` these documents held the person as an operator of the client, in force, with the key that was
/// proven.
#[derive(Debug)]
pub struct AsOperator<'d> {
    by: &'d Authenticated,
    documents: &'d Documents,
    client: &'d Client,
    now: Timestamp,
}

/// The right to give somebody more than they had. Only [`AsOperator::to_widen`] makes one.
///
/// What takes away (refusing, cutting, withdrawing) never asks for it.
///
/// Invariant: at the mandate's `now` a code was proven on the connection less than [`crate::identity::FRESH_FOR`] ago.
#[derive(Debug)]
pub struct ToWiden<'o, 'd> {
    operator: &'o AsOperator<'d>,
}

/// The right to act as an auditor of one client. Only [`Authenticated::as_auditor`] makes one.
///
/// Invariant: at `now` these documents held the person as an auditor of the client, in force, with the key that was
/// proven.
#[derive(Debug)]
pub struct AsAuditor<'d> {
    by: &'d Authenticated,
    client: &'d Client,
    auditor: &'d Auditor,
    now: Timestamp,
}

/// The right to read masked input in clear. Only [`AsAuditor::unmask`] makes one.
///
/// Invariant: at the mandate's `now` the client's document granted it to this auditor, and a code was proven on the
/// connection less than [`crate::identity::FRESH_FOR`] ago.
#[derive(Debug)]
pub struct Unmasking<'a, 'd> {
    auditor: &'a AsAuditor<'d>,
}

impl Authenticated {
    /// The right to act as a technician, by these documents at `now`.
    ///
    /// # Errors
    /// [`Refusal::Ended`] when the proof does not hold any more, [`Refusal::NotATechnician`] for others.
    pub fn as_technician<'d>(
        &'d self,
        documents: &'d Documents,
        now: Timestamp,
    ) -> Result<AsTechnician<'d>, Refusal> {
        self.still_valid(documents, now)?;
        match self.role() {
            Role::Technician { .. } => {}
            Role::Operator { .. } | Role::Auditor { .. } => return Err(Refusal::NotATechnician),
        }
        Ok(AsTechnician {
            presence: self.presence().ok_or(Refusal::NotATechnician)?,
            documents,
            now,
        })
    }

    /// The right to act as an operator, by these documents at `now`.
    ///
    /// # Errors
    /// [`Refusal::Ended`] when the proof does not hold any more, [`Refusal::DoorClosed`] where the client's document is not the
    /// one on record, [`Refusal::NotAnOperator`] for others.
    pub fn as_operator<'d>(
        &'d self,
        documents: &'d Documents,
        now: Timestamp,
    ) -> Result<AsOperator<'d>, Refusal> {
        self.still_valid(documents, now)?;
        match documents.person(self.person()) {
            Some(PersonRef::Operator { client, .. }) if documents.is_closed(&client.id) => {
                Err(Refusal::DoorClosed {
                    client: client.id.clone(),
                })
            }
            Some(PersonRef::Operator { client, .. }) => Ok(AsOperator {
                by: self,
                documents,
                client,
                now,
            }),
            Some(PersonRef::Technician { .. } | PersonRef::Auditor { .. }) | None => {
                Err(Refusal::NotAnOperator)
            }
        }
    }

    /// The right to act as an auditor, by these documents at `now`.
    ///
    /// # Errors
    /// [`Refusal::Ended`] when the proof does not hold any more, [`Refusal::DoorClosed`] where the client's document is not the
    /// one on record, [`Refusal::NotAnAuditor`] for others.
    pub fn as_auditor<'d>(
        &'d self,
        documents: &'d Documents,
        now: Timestamp,
    ) -> Result<AsAuditor<'d>, Refusal> {
        self.still_valid(documents, now)?;
        match documents.person(self.person()) {
            Some(PersonRef::Auditor { client, .. }) if documents.is_closed(&client.id) => {
                Err(Refusal::DoorClosed {
                    client: client.id.clone(),
                })
            }
            Some(PersonRef::Auditor { client, auditor }) => Ok(AsAuditor {
                by: self,
                client,
                auditor,
                now,
            }),
            Some(PersonRef::Technician { .. } | PersonRef::Operator { .. }) | None => {
                Err(Refusal::NotAnAuditor)
            }
        }
    }
}

impl AsTechnician<'_> {
    /// Who.
    #[must_use]
    pub const fn person(&self) -> &PersonId {
        self.presence.person()
    }

    /// Who, and from which station.
    #[must_use]
    pub const fn presence(&self) -> &Presence {
        &self.presence
    }

    /// What the matrix lets them ask for, flow by flow.
    #[must_use]
    pub fn reaches(&self) -> Vec<Reach> {
        matrix_scope(self.documents, self.person(), self.now)
    }

    /// The documents it was asked of.
    #[must_use]
    pub const fn documents(&self) -> &Documents {
        self.documents
    }

    /// When it was asked.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }
}

impl<'d> AsOperator<'d> {
    /// Who.
    #[must_use]
    pub const fn person(&self) -> &'d PersonId {
        self.by.person()
    }

    /// Whose requests and sessions they act on; no other client's (O4).
    #[must_use]
    pub const fn client(&self) -> &'d ClientId {
        &self.client.id
    }

    /// The documents it was asked of.
    #[must_use]
    pub const fn documents(&self) -> &'d Documents {
        self.documents
    }

    /// When it was asked.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether a technician's connection that carries no session is theirs to close: it names a target of their client, or,
    /// where it names none, the technician is one whom their client's matrix names.
    #[must_use]
    pub fn may_show_out(&self, person: &PersonId, target: Option<&TargetId>) -> bool {
        may_show_out(self.documents, &self.client.id, person, target)
    }

    /// Whether it is theirs to say yes or no to what a technician waits for in a session: of their client, and not their own.
    ///
    /// # Errors
    /// [`Refusal::OwnRequest`] and [`Refusal::NotItsOperator`].
    pub fn may_confirm(&self, client: &ClientId, technician: &PersonId) -> Result<(), Refusal> {
        if self.person() == technician {
            return Err(Refusal::OwnRequest);
        }
        if self.client() != client {
            return Err(Refusal::NotItsOperator);
        }
        Ok(())
    }

    /// The right to give somebody more than they had, such as a yes: with a code of now, proven on this connection.
    ///
    /// # Errors
    /// [`Refusal::CodeWanted`] where the last code is not fresh any more.
    pub fn to_widen(&self, code: &ProvenCode) -> Result<ToWiden<'_, 'd>, Refusal> {
        code.fresh(self.now)?;
        Ok(ToWiden { operator: self })
    }
}

/// Whether a technician's connection that carries no session is a client's to close: what an operator's mandate answers, for
/// an order that was given by such a mandate on another node.
#[must_use]
pub fn may_show_out(
    documents: &Documents,
    client: &ClientId,
    person: &PersonId,
    target: Option<&TargetId>,
) -> bool {
    documents.technician(person).is_some()
        && match target {
            Some(target) => documents
                .target(target)
                .is_some_and(|(owner, _)| owner.id == *client),
            None => clients_concerned(documents, person).contains(client),
        }
}

impl<'d> ToWiden<'_, 'd> {
    /// The right to act that it strengthens.
    #[must_use]
    pub const fn operator(&self) -> &AsOperator<'d> {
        self.operator
    }
}

impl<'d> AsAuditor<'d> {
    /// Who.
    #[must_use]
    pub const fn person(&self) -> &'d PersonId {
        self.by.person()
    }

    /// Whose recordings they read; no other client's (O4).
    #[must_use]
    pub const fn client(&self) -> &'d ClientId {
        &self.client.id
    }

    /// Whether the client keeps a searchable text of what was on its screens (R10).
    #[must_use]
    pub const fn screens_are_searchable(&self) -> bool {
        self.client.search.screen_text
    }

    /// When it was asked.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether the client's document grants this auditor to read masked input in clear: asked again while they do.
    ///
    /// # Errors
    /// [`Refusal::NotUnmasking`] unless it does.
    pub const fn may_unmask(&self) -> Result<(), Refusal> {
        if self.auditor.unmask {
            Ok(())
        } else {
            Err(Refusal::NotUnmasking)
        }
    }

    /// The right to begin reading masked input in clear: granted, and with a code of now, proven on this connection.
    ///
    /// # Errors
    /// [`Refusal::NotUnmasking`] unless the client's document grants it to this auditor; then [`Refusal::CodeWanted`]
    /// where the last code is not fresh any more.
    pub fn unmask(&self, code: &ProvenCode) -> Result<Unmasking<'_, 'd>, Refusal> {
        self.may_unmask()?;
        code.fresh(self.now)?;
        Ok(Unmasking { auditor: self })
    }
}

impl<'d> Unmasking<'_, 'd> {
    /// The right to act that it strengthens.
    #[must_use]
    pub const fn auditor(&self) -> &AsAuditor<'d> {
        self.auditor
    }
}
