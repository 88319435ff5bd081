//! Whom of the providers' people an operator's client has accepted (P1, I10): nobody new passes before a yes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use clap::Args;
use ecluse_policy::{
    AsOperator, Clearance, Cleared, ClientId, Kept, PersonId, ProviderId, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::answers::proof;
use super::keep_out::{in_force, live};
use super::typed::{self, Unclear, What};
use super::{Ask, Subject, Undone, Wants, no_such, right};
use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord, PEOPLE};
use crate::gateway::Gateway;
use crate::store::{SessionQuery, StoreError};

/// A word about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Answer {
    /// They may work for the client.
    Accept,
    /// They may not.
    Refuse,
}

impl FromStr for Answer {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        match typed {
            "accept" => Ok(Self::Accept),
            "refuse" => Ok(Self::Refuse),
            _ => Err(What::Answer.unclear(typed)),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Refuse => "refuse",
        })
    }
}

impl TryFrom<String> for Answer {
    type Error = Unclear;
    fn try_from(typed: String) -> Result<Self, Unclear> {
        typed.parse()
    }
}

impl From<Answer> for String {
    fn from(answer: Answer) -> Self {
        answer.to_string()
    }
}

/// Accepts or refuses somebody, or lists who is accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct People {
    /// Whether they may work for the client; lists, without it.
    #[serde(default)]
    pub(crate) answer: Option<Answer>,
    /// Who.
    #[arg(id = "who", value_parser = typed::person)]
    #[serde(default)]
    pub(crate) person: Option<PersonId>,
}

impl Ask for People {
    const ACT: &'static str = "people";
    const USAGE: &'static str = "people [accept|refuse PERSON]";
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Done {
    /// Everybody whom the client's matrix names, by provider.
    Listed(Vec<Person>),
    /// Somebody is accepted.
    Accepted {
        /// Who.
        person: PersonId,
        /// Of which provider.
        provider: ProviderId,
        /// Whether that changed anything; what changes nothing is not on record.
        is_new: bool,
    },
    /// Somebody is refused.
    Refused {
        /// Who.
        person: PersonId,
        /// Of which provider.
        provider: ProviderId,
        /// Whether that changed anything.
        is_new: bool,
        /// How many sessions end with it, here and on other nodes.
        sessions: usize,
    },
}

/// How somebody stands with a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stands {
    /// Accepted.
    Accepted,
    /// Refused.
    Refused,
    /// Nobody has said anything, or what was said is not known any more.
    New,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Of which provider.
    pub(crate) provider: ProviderId,
    /// Who.
    pub(crate) person: PersonId,
    /// Their name.
    pub(crate) name: String,
    /// How they stand.
    pub(crate) stands: Stands,
    /// By whose word; none where the client's first document says so.
    pub(crate) by: Option<PersonId>,
    /// Since when.
    pub(crate) since: Option<Timestamp>,
    /// Whether they are kept out, whatever else is said of them.
    pub(crate) kept_out: bool,
    /// From which stations they may come.
    pub(crate) stations: Vec<String>,
    /// The fingerprints of their keys.
    pub(crate) keys: Vec<String>,
    /// The fingerprints of their provider's authorities, whose certificates stand for keys of theirs.
    pub(crate) authorities: Vec<String>,
    /// When their last session on a target of the client began.
    pub(crate) last: Option<Timestamp>,
}

/// Those who wait for a word of the operator's client.
pub(crate) fn newcomers(by: &AsOperator<'_>) -> Vec<Cleared> {
    let mut people = ecluse_policy::people_of(by.documents(), by.client());
    people.retain(|one| !one.accepted && !is_refused(one));
    people
}

fn is_refused(one: &Cleared) -> bool {
    matches!(one.word, Some(Clearance::Refused { .. }))
}

/// An operator accepts somebody, refuses them, or looks who is accepted.
pub(crate) async fn people(house: &Gateway, by: &Actor, ask: People) -> Result<Done, Undone> {
    let applied = house.applied();
    let operator = right(house, by, People::ACT, by.as_operator(&applied)).await?;
    let Some(answer) = ask.answer else {
        return Ok(Done::Listed(listed(house, &operator).await?));
    };
    let Some(person) = ask.person else {
        return Err(What::Name.unclear("").into());
    };
    let Some(found) = operator.newcomer(&person) else {
        let typed = person.to_string();
        let client = operator.client().clone();
        let subject = Subject::Technician { typed, client };
        return Err(no_such(house, by, People::ACT, subject).await);
    };
    match answer {
        Answer::Accept => accept(house, by, &operator, found).await,
        Answer::Refuse => refuse(house, by, &operator, found).await,
    }
}

async fn accept(
    house: &Gateway,
    by: &Actor,
    operator: &AsOperator<'_>,
    found: Cleared,
) -> Result<Done, Undone> {
    let is_new = !found.accepted;
    if is_new {
        let code = by.proven_code();
        let widening = operator.to_widen(&code);
        let widening = widening.map_err(|refusal| Undone::Wants(Wants::Code(refusal)))?;
        if widening.accepts(&found) {
            let record = by.record(AuditKind::PeopleAccepted, operator.now());
            say(house, operator.client(), &found, proof(record, by)).await?;
        }
        wait(house, operator.client(), &found, true).await;
    }
    Ok(Done::Accepted {
        person: found.person,
        provider: found.provider,
        is_new,
    })
}

async fn refuse(
    house: &Gateway,
    by: &Actor,
    operator: &AsOperator<'_>,
    found: Cleared,
) -> Result<Done, Undone> {
    let is_new = !is_refused(&found);
    let mut sessions = 0;
    if is_new {
        let kept = Kept::Person(found.person.clone());
        sessions = live(house, operator, &kept).await;
        let record = by.record(AuditKind::PersonRefused, operator.now());
        say(house, operator.client(), &found, record).await?;
        wait(house, operator.client(), &found, false).await;
    }
    Ok(Done::Refused {
        person: found.person,
        provider: found.provider,
        is_new,
        sessions,
    })
}

async fn say(
    house: &Gateway,
    client: &ClientId,
    who: &Cleared,
    record: AuditRecord,
) -> Result<(), StoreError> {
    let name = format!("{}/{}", who.provider, who.person);
    let record = record.client(client).permitted();
    let record = record.detail(PEOPLE, vec![name]);
    // Nothing that waits in turn comes before it.
    house.store.ahead().record(&[record]).await
}

/// Until the word is in force here.
async fn wait(house: &Gateway, client: &ClientId, who: &Cleared, accepted: bool) {
    in_force(house, |documents| {
        let people = ecluse_policy::people_of(documents, client);
        let found = people.into_iter().find(|one| one.person == who.person);
        found.is_none_or(|one| one.accepted == accepted && one.word.is_some())
    })
    .await;
}

async fn listed(house: &Gateway, operator: &AsOperator<'_>) -> Result<Vec<Person>, StoreError> {
    let documents = operator.documents();
    let kept: Vec<&Kept> = operator
        .kept_out()
        .into_iter()
        .map(|(kept, _)| kept)
        .collect();
    let mut listed = Vec::new();
    for one in ecluse_policy::people_of(documents, operator.client()) {
        let Some((provider, technician)) = documents.technician(&one.person) else {
            continue;
        };
        let query = SessionQuery {
            client: Some(operator.client().clone()),
            person: Some(one.person.clone()),
            limit: Some(1),
            ..SessionQuery::default()
        };
        let last = house.store.sessions(&query).await?;
        let (stands, by, since) = match &one.word {
            Some(Clearance::Refused { by, at }) => (Stands::Refused, Some(by.clone()), Some(*at)),
            Some(Clearance::Accepted { by, at }) => (Stands::Accepted, by.clone(), Some(*at)),
            None if one.accepted => (Stands::Accepted, None, None),
            None => (Stands::New, None, None),
        };
        let stations = provider.stations.iter();
        let stations = stations.filter(|station| technician.stations.allow(&station.id));
        let prints = |keys: &[ecluse_policy::PublicKey]| {
            let keys = keys.iter().map(|key| key.fingerprint().to_string());
            keys.collect::<Vec<String>>()
        };
        listed.push(Person {
            name: technician.name.clone(),
            stands,
            by,
            since,
            kept_out: kept.contains(&&Kept::Person(one.person.clone())),
            stations: stations.map(|station| station.id.to_string()).collect(),
            keys: prints(&technician.keys),
            authorities: prints(&provider.authority),
            last: last.first().map(|session| session.start.at),
            provider: one.provider,
            person: one.person,
        });
    }
    Ok(listed)
}

/// People by their provider, in order.
pub(crate) fn by_provider(people: &[Person]) -> BTreeMap<&ProviderId, Vec<&Person>> {
    let mut all: BTreeMap<&ProviderId, Vec<&Person>> = BTreeMap::new();
    for person in people {
        all.entry(&person.provider).or_default().push(person);
    }
    all
}
