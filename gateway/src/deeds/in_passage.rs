//! A session in passage that an operator names, wherever it is carried: found, put on record about, told of (X3).

use std::sync::Arc;

use ecluse_policy::extraction::Hands;
use ecluse_policy::signals::By;
use ecluse_policy::{AsOperator, PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Subject, Undone, no_such};
use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord};
use crate::extraction::budgeted::Counted;
use crate::gateway::Gateway;
use crate::live::LiveSession;
use crate::live::hands::{self, Standing};
use crate::live::nodes::{self, Remote};
use crate::store::StoreError;

/// A session of the operator's client that is in passage.
pub(super) struct InPassage {
    /// Its number.
    pub(super) number: u64,
    /// Whose bytes it is counted for.
    pub(super) counted: Counted,
    /// When it began.
    began: Timestamp,
    /// The session itself, where this gateway carries it.
    pub(super) here: Option<Arc<LiveSession>>,
    /// The gateway that does, where it is another, and whether it was heard of lately.
    there: Option<(String, bool)>,
}

/// A session to which something was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AtSession {
    /// Its number.
    pub(crate) number: u64,
    /// Whose it is.
    pub(crate) person: PersonId,
    /// Who holds it by hand now.
    pub(crate) held_by: Option<By>,
    /// The gateway that carries it, where it is another, and whether it was heard of lately.
    pub(crate) there: Option<(String, bool)>,
    /// Whether it waits for an operator who accompanies it; known where it is carried.
    pub(crate) is_alone: bool,
}

impl InPassage {
    /// The session of this number, here or elsewhere.
    ///
    /// # Errors
    /// It is not in passage, or not of their client: the same, on record. Or the store failed.
    pub(super) async fn find(
        house: &Gateway,
        by: &Actor,
        operator: &AsOperator<'_>,
        act: &str,
        number: u64,
    ) -> Result<Self, Undone> {
        if let Some(session) = house.live.find(operator, number) {
            let facts = session.facts();
            let counted = Counted {
                node: house.node.clone(),
                client: facts.client.clone(),
                target: facts.target.clone(),
                person: facts.person.clone(),
                intervention: facts.intervention,
                session: facts.id,
                channel: 0,
            };
            return Ok(Self {
                number,
                counted,
                began: facts.started,
                here: Some(session),
                there: None,
            });
        }
        let (there, _) = nodes::elsewhere(house, operator).await?;
        let Some(remote) = there.iter().find(|one| one.session.number == number) else {
            return Err(no_such(house, by, act, Subject::Session(number)).await);
        };
        Ok(Self {
            number,
            counted: counted_there(remote),
            began: remote.session.start.at,
            here: None,
            there: Some((remote.node(), remote.address().is_some())),
        })
    }

    /// What operators did to it by hand and stands.
    ///
    /// # Errors
    /// The store failed.
    pub(super) async fn standing(&self, house: &Gateway) -> Result<Standing, StoreError> {
        match &self.here {
            Some(session) => Ok(session.hands().borrow().clone()),
            None => self.on_record(house).await,
        }
    }

    /// The same as the log has it at this moment.
    ///
    /// # Errors
    /// The store failed.
    pub(super) async fn on_record(&self, house: &Gateway) -> Result<Standing, StoreError> {
        hands::standing(&house.store, self.counted.session, self.began).await
    }

    /// The record of what an operator does to it.
    pub(super) fn record(&self, by: &Actor, kind: AuditKind, now: Timestamp) -> AuditRecord {
        let counted = &self.counted;
        by.record(kind, now)
            .client(&counted.client)
            .target(&counted.target)
            .intervention(counted.intervention)
            .session(counted.session)
            .permitted()
            .detail("technician", counted.person.as_str())
            .detail("number", self.number)
    }

    /// The same as whoever did something to it is told of it.
    pub(super) fn told(&self, hands: &Hands) -> AtSession {
        let here = self.here.as_ref();
        AtSession {
            number: self.number,
            person: self.counted.person.clone(),
            held_by: hands.held().map(|held| held.by.clone()),
            there: self.there.clone(),
            is_alone: here.is_some_and(|session| session.held().borrow().by_absence()),
        }
    }
}

/// Whose bytes a session of another gateway is counted for.
pub(super) fn counted_there(remote: &Remote) -> Counted {
    let start = &remote.session.start;
    Counted {
        node: start.node.clone(),
        client: start.client.clone(),
        target: start.target.clone(),
        person: start.person.clone(),
        intervention: start.intervention,
        session: start.id,
        channel: 0,
    }
}
