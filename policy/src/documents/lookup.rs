//! Finding people, stations, keys and targets in the documents.

use std::collections::BTreeMap;

use super::{Auditor, Client, Closed, Documents, Operator, Provider, Station, Target, Technician};
use crate::clearance::Clearances;
use crate::identity::Ended;
use crate::key::PublicKey;
use crate::name::{ClientId, Lang, PersonId, ProviderId, StationId, TargetId};
use crate::time::Timestamp;

/// One person and the organisation that names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonRef<'d> {
    /// A technician of a provider.
    Technician {
        /// The provider.
        provider: &'d Provider,
        /// The person.
        technician: &'d Technician,
    },
    /// An operator of a client.
    Operator {
        /// The client.
        client: &'d Client,
        /// The person.
        operator: &'d Operator,
    },
    /// An auditor of a client.
    Auditor {
        /// The client.
        client: &'d Client,
        /// The person.
        auditor: &'d Auditor,
    },
}

impl<'d> PersonRef<'d> {
    /// Their id.
    #[must_use]
    pub const fn id(&self) -> &'d PersonId {
        match self {
            Self::Technician { technician, .. } => &technician.id,
            Self::Operator { operator, .. } => &operator.id,
            Self::Auditor { auditor, .. } => &auditor.id,
        }
    }

    /// Their name, for people.
    #[must_use]
    pub fn name(&self) -> &'d str {
        match self {
            Self::Technician { technician, .. } => &technician.name,
            Self::Operator { operator, .. } => &operator.name,
            Self::Auditor { auditor, .. } => &auditor.name,
        }
    }

    /// Their language.
    #[must_use]
    pub const fn lang(&self) -> Lang {
        match self {
            Self::Technician { technician, .. } => technician.lang,
            Self::Operator { operator, .. } => operator.lang,
            Self::Auditor { auditor, .. } => auditor.lang,
        }
    }

    /// Their keys.
    #[must_use]
    pub fn keys(&self) -> &'d [PublicKey] {
        match self {
            Self::Technician { technician, .. } => &technician.keys,
            Self::Operator { operator, .. } => &operator.keys,
            Self::Auditor { auditor, .. } => &auditor.keys,
        }
    }

    /// When their account expires, if it does.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        match self {
            Self::Technician { technician, .. } => technician.expires,
            Self::Operator { operator, .. } => operator.expires,
            Self::Auditor { auditor, .. } => auditor.expires,
        }
    }

    /// Whether the account is in force at `now` (A8).
    ///
    /// # Errors
    /// [`Ended`] with the reason.
    pub fn in_force(&self, now: Timestamp) -> Result<(), Ended> {
        let disabled = match self {
            Self::Technician { technician, .. } => technician.disabled,
            Self::Operator { operator, .. } => operator.disabled,
            Self::Auditor { auditor, .. } => auditor.disabled,
        };
        if disabled {
            return Err(Ended::PersonDisabled {
                person: self.id().clone(),
            });
        }
        match self.expires() {
            Some(expired_at) if expired_at <= now => Err(Ended::PersonExpired {
                person: self.id().clone(),
                expired_at,
            }),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whose key it is. A key belongs to one person or one station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOwner<'d> {
    /// A person's.
    Person(PersonRef<'d>),
    /// A station's.
    Station {
        /// The provider.
        provider: &'d Provider,
        /// The station.
        station: &'d Station,
    },
}

impl Documents {
    /// The providers by id.
    #[must_use]
    pub const fn providers(&self) -> &BTreeMap<ProviderId, Provider> {
        &self.providers
    }

    /// The clients by id.
    #[must_use]
    pub const fn clients(&self) -> &BTreeMap<ClientId, Client> {
        &self.clients
    }

    /// Whether the client's door is closed: its document is not the one that was put in force.
    #[must_use]
    pub fn is_closed(&self, client: &ClientId) -> bool {
        self.closed.clients.contains(client)
    }

    /// Whether the provider's people and stations are kept out, for the same reason.
    #[must_use]
    pub fn is_closed_provider(&self, provider: &ProviderId) -> bool {
        self.closed.providers.contains(provider)
    }

    /// Whose doors are closed.
    #[must_use]
    pub const fn closed(&self) -> &Closed {
        &self.closed
    }

    /// What clients said of people and places beside their documents.
    #[must_use]
    pub const fn clearances(&self) -> &Clearances {
        &self.clearances
    }

    /// The same documents, where this is what clients said beside them.
    #[must_use]
    pub fn cleared(self, clearances: Clearances) -> Self {
        Self { clearances, ..self }.in_their_postures()
    }

    /// One provider.
    #[must_use]
    pub fn provider(&self, id: &ProviderId) -> Option<&Provider> {
        self.providers.get(id)
    }

    /// One client.
    #[must_use]
    pub fn client(&self, id: &ClientId) -> Option<&Client> {
        self.clients.get(id)
    }

    /// Everybody, technicians first.
    pub fn people(&self) -> impl Iterator<Item = PersonRef<'_>> {
        let technicians = self.providers.values().flat_map(|provider| {
            provider
                .technicians
                .iter()
                .map(move |technician| PersonRef::Technician {
                    provider,
                    technician,
                })
        });
        let client_side = self.clients.values().flat_map(|client| {
            let operators = client
                .operators
                .iter()
                .map(move |operator| PersonRef::Operator { client, operator });
            operators.chain(
                client
                    .auditors
                    .iter()
                    .map(move |auditor| PersonRef::Auditor { client, auditor }),
            )
        });
        technicians.chain(client_side)
    }

    /// One person, in force or not.
    #[must_use]
    pub fn person(&self, id: &PersonId) -> Option<PersonRef<'_>> {
        self.people().find(|person| person.id() == id)
    }

    /// One technician and their provider, in force or not.
    #[must_use]
    pub fn technician(&self, id: &PersonId) -> Option<(&Provider, &Technician)> {
        match self.person(id)? {
            PersonRef::Technician {
                provider,
                technician,
            } => Some((provider, technician)),
            PersonRef::Operator { .. } | PersonRef::Auditor { .. } => None,
        }
    }

    /// All stations with their providers.
    pub fn stations(&self) -> impl Iterator<Item = (&Provider, &Station)> {
        self.providers.values().flat_map(|provider| {
            provider
                .stations
                .iter()
                .map(move |station| (provider, station))
        })
    }

    /// One station and its provider, in force or not.
    #[must_use]
    pub fn station(&self, id: &StationId) -> Option<(&Provider, &Station)> {
        self.stations().find(|(_, station)| station.id == *id)
    }

    /// All targets with their clients.
    pub fn targets(&self) -> impl Iterator<Item = (&Client, &Target)> {
        self.clients
            .values()
            .flat_map(|client| client.targets.iter().map(move |target| (client, target)))
    }

    /// One target and its client.
    #[must_use]
    pub fn target(&self, id: &TargetId) -> Option<(&Client, &Target)> {
        self.targets().find(|(_, target)| target.id == *id)
    }

    /// Whose key it is, revoked or not.
    #[must_use]
    pub fn key_owner(&self, key: &PublicKey) -> Option<KeyOwner<'_>> {
        let station = self
            .stations()
            .find(|(_, station)| station.keys.contains(key));
        if let Some((provider, station)) = station {
            return Some(KeyOwner::Station { provider, station });
        }
        self.people()
            .find(|person| person.keys().contains(key))
            .map(KeyOwner::Person)
    }
}
