//! Whom a client has accepted, and whom or what it keeps out: an operator's word beside the documents (I5, I8, P1).
//!
//! A document says who may be asked for; it is written at the provider's and put in force by the administrator. So nobody
//! passes on its word alone: an operator of the client says yes to each person once. And what an operator keeps out stays out
//! until one lifts it, whatever documents say. Each client speaks for its own targets and for no other's.

mod beforehand;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use self::beforehand::{bar_of, why_not};
use crate::documents::{Client, Documents};
use crate::identity::Presence;
use crate::mandate::{AsOperator, ToWiden};
use crate::matrix::{clients_concerned, listed_target};
use crate::name::{ClientId, PersonId, ProviderId, StationId, TargetId};
use crate::posture::Heightened;
use crate::time::Timestamp;
use crate::verdict::{EndReason, Refusal};

/// What a client keeps out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kept {
    /// One person, from wherever.
    Person(PersonId),
    /// One machine of a provider, whoever sits at it.
    Station(StationId),
    /// Everybody, from one target.
    Target(TargetId),
    /// Everybody, from every target of the client.
    All,
}

impl Kept {
    /// The word for all.
    pub const ALL: &'static str = "all";

    /// What it names, alone: `alice`, `all`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Person(person) => person.as_str(),
            Self::Station(station) => station.as_str(),
            Self::Target(target) => target.as_str(),
            Self::All => Self::ALL,
        }
    }

    /// Parses what [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(' ').unwrap_or((text, ""));
        match kind {
            "person" => PersonId::parse(name).ok().map(Self::Person),
            "station" => StationId::parse(name).ok().map(Self::Station),
            "target" => TargetId::parse(name).ok().map(Self::Target),
            Self::ALL if name.is_empty() => Some(Self::All),
            _ => None,
        }
    }
}

impl TryFrom<String> for Kept {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is nothing that can be kept out"))
    }
}

impl From<Kept> for String {
    fn from(kept: Kept) -> Self {
        kept.to_string()
    }
}

impl fmt::Display for Kept {
    /// `person alice`, `station atelier-1`, `target db01`, `all`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => write!(f, "person {person}"),
            Self::Station(station) => write!(f, "station {station}"),
            Self::Target(target) => write!(f, "target {target}"),
            Self::All => f.write_str(Self::ALL),
        }
    }
}

/// An operator's word that keeps something out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepOut {
    /// Who said it.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// Why; the technician reads it.
    pub reason: String,
}

/// A client's word about one person of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clearance {
    /// They may work for it.
    Accepted {
        /// Who said so; none where the client's first document did, or the upgrade of a store that is older than clearances.
        by: Option<PersonId>,
        /// When.
        at: Timestamp,
    },
    /// They may not.
    Refused {
        /// Who said so.
        by: PersonId,
        /// When.
        at: Timestamp,
    },
}

/// What one client said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Of people, by provider and person; of others, nothing.
    pub people: BTreeMap<(ProviderId, PersonId), Clearance>,
    /// What is kept out.
    pub kept_out: BTreeMap<Kept, KeepOut>,
    /// Whether everybody is accepted of whom nothing is said, as in a store that is older than clearances.
    pub accepts_all: bool,
    /// That everything is to be tightened, while it is ([`crate::posture`]).
    pub posture: Option<Heightened>,
}

/// What each client said, as far as it is on record.
///
/// Documents that no log stands behind, such as those of a directory that is checked, have none: their people are accepted as a
/// client's first document accepts them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clearances(Option<BTreeMap<ClientId, Said>>);

impl Clearances {
    /// What the log says; of a client that it has nothing of, nobody is accepted.
    #[must_use]
    pub const fn on_record(said: BTreeMap<ClientId, Said>) -> Self {
        Self(Some(said))
    }

    /// What one client said.
    #[must_use]
    pub fn of(&self, client: &ClientId) -> Option<&Said> {
        self.0.as_ref()?.get(client)
    }

    /// Its word about a person: `None` is that it has said none, and they are not accepted.
    fn is_accepted(&self, client: &ClientId, provider: &ProviderId, person: &PersonId) -> bool {
        let Some(all) = &self.0 else { return true };
        all.get(client).is_some_and(|said| {
            let word = said.people.get(&(provider.clone(), person.clone()));
            match word {
                Some(Clearance::Accepted { .. }) => true,
                Some(Clearance::Refused { .. }) => false,
                None => said.accepts_all,
            }
        })
    }
}

/// One of a provider's people whom a client's matrix names, and what the client says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    /// Of which provider.
    pub provider: ProviderId,
    /// Who.
    pub person: PersonId,
    /// The client's word, where it has said one.
    pub word: Option<Clearance>,
    /// Whether they are accepted.
    pub accepted: bool,
}

/// Everybody whom a client's matrix names, in the order of the documents.
#[must_use]
pub fn people_of(documents: &Documents, client: &ClientId) -> Vec<Cleared> {
    let mut people = Vec::new();
    for provider in documents.providers().values() {
        for technician in &provider.technicians {
            let person = &technician.id;
            if !clients_concerned(documents, person).contains(client) {
                continue;
            }
            let clearances = documents.clearances();
            let said = clearances.of(client);
            let key = (provider.id.clone(), person.clone());
            people.push(Cleared {
                provider: provider.id.clone(),
                person: person.clone(),
                word: said.and_then(|said| said.people.get(&key)).cloned(),
                accepted: clearances.is_accepted(client, &provider.id, person),
            });
        }
    }
    people
}

/// Why a person may not come to a client, of whoever and wherever they are: told before anything is asked there. Of the targets
/// that are kept closed, those that the matrix lists for them.
#[must_use]
pub fn bars(documents: &Documents, presence: &Presence, now: Timestamp) -> Vec<Refusal> {
    let mut bars = Vec::new();
    for id in clients_concerned(documents, presence.person()) {
        let Some(client) = documents.client(&id).filter(|_| !documents.is_closed(&id)) else {
            continue;
        };
        let (provider, person) = (presence.provider(), presence.person());
        if let Some(bar) = bar(
            documents,
            client,
            provider,
            person,
            Some(presence.station()),
            None,
        ) {
            bars.push(bar.refusal(client));
            continue;
        }
        let Some(said) = documents.clearances().of(&id) else {
            continue;
        };
        for (kept, word) in &said.kept_out {
            if let Kept::Target(target) = kept
                && listed_target(documents, person, target, now).is_ok()
            {
                bars.push(Bar::Kept(kept, word).refusal(client));
            }
        }
    }
    bars
}

/// Why somebody is not let in.
enum Bar<'d> {
    Kept(&'d Kept, &'d KeepOut),
    NotAccepted(Option<&'d Clearance>),
}

impl Bar<'_> {
    fn refusal(&self, client: &Client) -> Refusal {
        let (client, contacts) = (client.id.clone(), client.contacts.to_call());
        match self {
            Self::Kept(kept, word) => Refusal::KeptOut {
                client,
                kept: Box::new((*kept).clone()),
                reason: word.reason.clone(),
                contacts,
            },
            Self::NotAccepted(Some(Clearance::Refused { .. })) => {
                Refusal::PersonRefused { client, contacts }
            }
            Self::NotAccepted(_) => Refusal::NotAccepted { client, contacts },
        }
    }

    fn end(&self, client: &Client) -> EndReason {
        let (client, contacts) = (client.id.clone(), client.contacts.to_call());
        match self {
            Self::Kept(_, word) => EndReason::KeptOut {
                client,
                by: word.by.clone(),
                reason: word.reason.clone(),
                contacts,
            },
            Self::NotAccepted(word) => EndReason::NotAccepted {
                client,
                contacts,
                by: match word {
                    Some(Clearance::Refused { by, .. }) => Some(by.clone()),
                    Some(Clearance::Accepted { .. }) | None => None,
                },
            },
        }
    }
}

/// What bars somebody from a client: what it keeps out first, the narrowest of it, then that they are not accepted.
fn bar<'d>(
    documents: &'d Documents,
    client: &Client,
    provider: &ProviderId,
    person: &PersonId,
    station: Option<&StationId>,
    target: Option<&TargetId>,
) -> Option<Bar<'d>> {
    let clearances = documents.clearances();
    let said = clearances.of(&client.id);
    if let Some(said) = said {
        let names = [
            Some(Kept::Person(person.clone())),
            station.cloned().map(Kept::Station),
            target.cloned().map(Kept::Target),
            Some(Kept::All),
        ];
        let mut kept = names.iter().flatten();
        if let Some((kept, word)) = kept.find_map(|name| said.kept_out.get_key_value(name)) {
            return Some(Bar::Kept(kept, word));
        }
    }
    if clearances.is_accepted(&client.id, provider, person) {
        return None;
    }
    let key = (provider.clone(), person.clone());
    Some(Bar::NotAccepted(
        said.and_then(|said| said.people.get(&key)),
    ))
}

/// Whether a client lets somebody come to a target of it, from where they are.
///
/// # Errors
/// [`Refusal::KeptOut`], [`Refusal::NotAccepted`] or [`Refusal::PersonRefused`].
pub(crate) fn let_in(
    documents: &Documents,
    client: &Client,
    presence: &Presence,
    target: &TargetId,
) -> Result<(), Refusal> {
    let (provider, person) = (presence.provider(), presence.person());
    let station = Some(presence.station());
    match bar(documents, client, provider, person, station, Some(target)) {
        None => Ok(()),
        Some(bar) => Err(bar.refusal(client)),
    }
}

/// Whether what lets somebody in still does.
///
/// # Errors
/// The reason why what rests on it ends.
pub(crate) fn still_in(
    documents: &Documents,
    client: &ClientId,
    presence: &Presence,
    target: &TargetId,
) -> Result<(), EndReason> {
    let Some(of) = documents.client(client) else {
        return Ok(());
    };
    let (provider, person) = (presence.provider(), presence.person());
    let station = Some(presence.station());
    match bar(documents, of, provider, person, station, Some(target)) {
        None => Ok(()),
        Some(bar) => Err(bar.end(of)),
    }
}

/// Whether a client lets a person in at all, wherever they are and whichever of its targets they want.
pub(crate) fn is_let_in(
    documents: &Documents,
    client: &Client,
    provider: &ProviderId,
    person: &PersonId,
) -> bool {
    bar(documents, client, provider, person, None, None).is_none()
}

/// Whether a client could let somebody in who asked to be: what an operator reads who would say yes.
///
/// # Errors
/// [`Refusal::IsKeptOut`] or [`Refusal::AcceptFirst`], where no target of those that are asked for is left.
pub(crate) fn could_come<'t>(
    documents: &Documents,
    client: &ClientId,
    provider: &ProviderId,
    person: &PersonId,
    station: &StationId,
    targets: impl IntoIterator<Item = &'t TargetId>,
) -> Result<(), Refusal> {
    let Some(client) = documents.client(client) else {
        return Ok(());
    };
    // Of several targets a yes may be to one that is not kept closed: policy asks at each use.
    let mut first = None;
    for target in targets {
        match bar(
            documents,
            client,
            provider,
            person,
            Some(station),
            Some(target),
        ) {
            None => return Ok(()),
            Some(bar) => first = first.or(Some(bar)),
        }
    }
    match first {
        None => Ok(()),
        Some(Bar::Kept(kept, _)) => Err(Refusal::IsKeptOut {
            kept: Box::new(kept.clone()),
        }),
        Some(Bar::NotAccepted(_)) => Err(Refusal::AcceptFirst {
            person: person.clone(),
        }),
    }
}

impl AsOperator<'_> {
    /// What a word that an operator typed names of what their client may keep out, or does: one of their targets, a person or a
    /// station that its matrix reaches, everything. Several where several have the name; none where nothing of theirs has.
    #[must_use]
    pub fn meant_to_keep_out(&self, typed: &str) -> Vec<Kept> {
        if typed == Kept::ALL {
            return vec![Kept::All];
        }
        let (documents, client) = (self.documents(), self.client());
        let reached = |person: &PersonId| clients_concerned(documents, person).contains(client);
        let mut meant = Vec::new();
        if let Ok(target) = TargetId::typed(typed)
            && documents
                .target(&target)
                .is_some_and(|(owner, _)| owner.id == *client)
        {
            meant.push(Kept::Target(target));
        }
        if let Ok(person) = PersonId::parse(typed)
            && documents.technician(&person).is_some()
            && reached(&person)
        {
            meant.push(Kept::Person(person));
        }
        if let Ok(station) = StationId::parse(typed)
            && let Some((provider, _)) = documents.station(&station)
            && provider
                .technicians
                .iter()
                .any(|one| one.stations.allow(&station) && reached(&one.id))
        {
            meant.push(Kept::Station(station));
        }
        // What left the documents since can still be let in again.
        let kept = self.kept_out().into_iter().map(|(kept, _)| kept);
        let named = kept.filter(|kept| kept.name() == typed && !meant.contains(kept));
        meant.extend(named.cloned().collect::<Vec<_>>());
        meant
    }

    /// What their client keeps out.
    #[must_use]
    pub fn kept_out(&self) -> Vec<(&Kept, &KeepOut)> {
        let said = self.documents().clearances().of(self.client());
        said.map_or_else(Vec::new, |said| said.kept_out.iter().collect())
    }

    /// One of a provider's people whom their client's matrix names; nobody else is theirs to accept or to refuse, nor are they
    /// themselves, whatever else they are.
    #[must_use]
    pub fn newcomer(&self, person: &PersonId) -> Option<Cleared> {
        let people = people_of(self.documents(), self.client());
        let found = people.into_iter().find(|one| one.person == *person);
        found.filter(|one| one.person != *self.person())
    }
}

impl ToWiden<'_, '_> {
    /// Whether it is lifted by this: what was kept out may come again. It takes a code of now, as all that gives does.
    #[must_use]
    pub fn lifts(&self, kept: &Kept) -> bool {
        let said = self.operator().documents().clearances();
        let said = said.of(self.operator().client());
        said.is_some_and(|said| said.kept_out.contains_key(kept))
    }

    /// Whether accepting them changes anything.
    #[must_use]
    pub fn accepts(&self, who: &Cleared) -> bool {
        !who.accepted
    }
}
