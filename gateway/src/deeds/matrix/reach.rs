//! Everything that somebody reaches, or who reaches a target: by the documents in force, with what bars it now (M11).

use clap::Args;
use ecluse_policy::reachable::Of;
use ecluse_policy::{ClientId, Documents, PersonId, TargetId, Timestamp, reachable};
use serde::{Deserialize, Serialize};

use super::reader;
use crate::actor::Actor;
use crate::deeds::typed;
use crate::deeds::{Ask, Subject, Undone, no_such, right};
use crate::gateway::Gateway;

/// Lists what is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reach {
    /// By this person.
    #[arg(value_parser = typed::person)]
    #[serde(default)]
    pub(crate) person: Option<PersonId>,
    /// Who reaches this target.
    #[arg(long, value_parser = typed::target)]
    #[serde(default)]
    pub(crate) target: Option<TargetId>,
}

impl Ask for Reach {
    const ACT: &'static str = "reach";
    const USAGE: &'static str = "reach PERSON | reach --target TARGET";
}

/// What is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Each flow, person and target.
    pub(crate) lines: Vec<ecluse_policy::Reached>,
    /// When that was asked.
    pub(crate) at: Timestamp,
    /// Where the days of whose lines begin; of several, none.
    pub(crate) zone: Option<String>,
}

/// What is reached at an operator's or an auditor's client. Nothing of anybody else's, and nobody learns who there is elsewhere.
pub(crate) async fn reach(house: &Gateway, by: &Actor, ask: &Reach) -> Result<Reached, Undone> {
    let applied = house.applied();
    let (client, now) = right(house, by, Reach::ACT, reader(by, &applied)).await?;
    match reached(&applied.documents, ask, Some(&client), now) {
        Some(reached) => Ok(reached),
        None => {
            let person = ask.person.as_ref().map(ToString::to_string);
            let target = ask.target.as_ref().map(ToString::to_string);
            let typed = person.or(target).unwrap_or_default();
            let subject = Subject::Name { typed, client };
            Err(no_such(house, by, Reach::ACT, subject).await)
        }
    }
}

/// What is reached at a client, or at all of them; none where nobody and nothing there has the name.
pub(crate) fn reached(
    documents: &Documents,
    ask: &Reach,
    client: Option<&ClientId>,
    now: Timestamp,
) -> Option<Reached> {
    let of_client = |id: &ClientId| client.is_none_or(|client| client == id);
    let mut lines = Vec::new();
    if let Some(person) = &ask.person {
        lines = reachable(documents, Of::Person(person), client, now);
        documents.technician(person)?;
        let concerned = ecluse_policy::clients_concerned(documents, person);
        if client.is_some_and(|client| !concerned.contains(client)) {
            return None;
        }
    }
    if let Some(target) = &ask.target {
        documents
            .target(target)
            .filter(|(owner, _)| of_client(&owner.id))?;
        let of_target = reachable(documents, Of::Target(target), client, now);
        match &ask.person {
            // Both: this person on this target.
            Some(_) => lines.retain(|line| line.target == *target),
            None => lines = of_target,
        }
    }
    let zone = client.and_then(|client| documents.client(client));
    Some(Reached {
        lines,
        at: now,
        zone: zone.map(|client| client.days_of().to_string()),
    })
}
