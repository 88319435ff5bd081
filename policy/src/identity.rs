//! Who is there: proven, not claimed.
//!
//! [`Login`] is one SSH login, step by step; its end is an [`Authenticated`], and for a technician a [`Presence`] (person
//! and station). Both are proofs: their fields are private and only a login makes them. [`Authenticated::still_valid`] is
//! asked again for as long as the proof is in use (A8).

mod account;
mod certificate;
mod code;
mod here;
mod login;
mod refusal;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use self::account::{AccountFacts, AccountUse, Barred, Disuse, UNUSED_FOR, disuse};
pub use self::certificate::{CertificateFacts, CertificateKind, CertificateRefused};
pub use self::code::{FRESH_FOR, ProvenCode};
pub use self::here::{Doorway, Misplaced};
pub use self::login::{CodeOutcome, Login, SecondFactor, Step};
pub use self::refusal::LoginRefusal;
use crate::documents::{Documents, PersonRef, Provider, Station, Technician};
use crate::key::{Fingerprint, PublicKey};
use crate::name::{ClientId, Lang, PersonId, ProviderId, StationId};
use crate::time::Timestamp;
use crate::verdict::{Argument, Arguments};

/// What a person is here for. Nobody has two roles (I6).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Maintains targets for a provider.
    Technician {
        /// The provider.
        provider: ProviderId,
    },
    /// Approves, watches and cuts for a client.
    Operator {
        /// The client.
        client: ClientId,
    },
    /// Reads a client's evidence.
    Auditor {
        /// The client.
        client: ClientId,
    },
}

impl Role {
    fn of(person: PersonRef<'_>) -> Self {
        match person {
            PersonRef::Technician { provider, .. } => Self::Technician {
                provider: provider.id.clone(),
            },
            PersonRef::Operator { client, .. } => Self::Operator {
                client: client.id.clone(),
            },
            PersonRef::Auditor { client, .. } => Self::Auditor {
                client: client.id.clone(),
            },
        }
    }
}

/// Proof that a person proved every factor their role asks for. Only [`Login`] makes one.
///
/// Invariant: when it was made, the documents held the person, in force, with these keys; a technician's station
/// belonged to their provider, was open to them and connected from its networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    person: PersonId,
    role: Role,
    station: Option<ProvenStation>,
    proof: PersonProof,
    second_factor: SecondFactor,
    /// When the log-on's own code was proven; none where one was remembered.
    code_proven_at: Option<Timestamp>,
    source: IpAddr,
    lang: Lang,
}

/// A station and the key by which it proved itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ProvenStation {
    id: StationId,
    key: PublicKey,
}

/// How a person proved themselves, beside the second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PersonProof {
    /// By a key of their document.
    Key(PublicKey),
    /// By a certificate of their provider's authority.
    Certificate(Box<CertificateFacts>),
}

/// Why someone who was here may not be here any more (A8).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The documents do not name the person, or name them in another role or organisation.
    #[error("the account {person} does not exist any more")]
    PersonRemoved {
        /// Who.
        person: PersonId,
    },
    /// The account is switched off.
    #[error("the account {person} is disabled")]
    PersonDisabled {
        /// Who.
        person: PersonId,
    },
    /// The account has expired.
    #[error("the account {person} expired at {expired_at}")]
    PersonExpired {
        /// Who.
        person: PersonId,
        /// When.
        expired_at: Timestamp,
    },
    /// The key that was used is removed or revoked, or the certificate's authority or serial is.
    #[error("the key or certificate of {person} was withdrawn")]
    KeyWithdrawn {
        /// Whose.
        person: PersonId,
    },
    /// The certificate that was used is over.
    #[error("the certificate of {person} ended at {ended_at}")]
    CertificateOver {
        /// Whose.
        person: PersonId,
        /// When.
        ended_at: Timestamp,
    },
    /// The person's document does not name the network they come from (P13).
    #[error("{person} may not work from that address")]
    NetworkWithdrawn {
        /// Who.
        person: PersonId,
    },
    /// The station is not one from which this person may work, or not from that address.
    #[error("the station {station} may not be used: {why}")]
    StationWithdrawn {
        /// Which.
        station: StationId,
        /// Why, for the audit.
        why: StationFault,
    },
    /// The document of the person's provider is not the one that was put in force.
    #[error("the document of the provider of {person} is not the one on record")]
    ProviderClosed {
        /// Who.
        person: PersonId,
    },
}

/// What is wrong with a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum StationFault {
    /// The documents do not hold it.
    #[error("it is not in the documents")]
    Removed,
    /// It belongs to another provider than the person.
    #[error("it belongs to another provider")]
    OtherProvider,
    /// It is switched off.
    #[error("it is disabled")]
    Disabled,
    /// Its key is removed or revoked.
    #[error("its key was withdrawn")]
    Key,
    /// The person may not work from it.
    #[error("the person may not work from it")]
    NotTheirs,
    /// It connects from outside its networks.
    #[error("it connects from outside its networks")]
    Source,
}

impl Ended {
    /// The identifier of the sentence; one of [`crate::verdict::TEXT_IDS`].
    #[must_use]
    pub const fn text_id(&self) -> &'static str {
        match self {
            Self::PersonRemoved { .. } => "ended-person-removed",
            Self::PersonDisabled { .. } => "ended-person-disabled",
            Self::PersonExpired { .. } => "ended-person-expired",
            Self::KeyWithdrawn { .. } => "ended-key-withdrawn",
            Self::CertificateOver { .. } => "ended-certificate-over",
            Self::NetworkWithdrawn { .. } => "ended-network-withdrawn",
            Self::StationWithdrawn { .. } => "ended-station-withdrawn",
            Self::ProviderClosed { .. } => "ended-provider-closed",
        }
    }

    /// The values inside the sentence.
    #[must_use]
    pub fn args(&self) -> Arguments {
        let text = |name: &dyn ToString| Argument::Text(name.to_string());
        match self {
            Self::PersonRemoved { person }
            | Self::PersonDisabled { person }
            | Self::KeyWithdrawn { person }
            | Self::NetworkWithdrawn { person }
            | Self::ProviderClosed { person } => {
                vec![("person", text(person))]
            }
            Self::PersonExpired { person, expired_at } => {
                vec![
                    ("person", text(person)),
                    ("expired_at", Argument::Day(*expired_at)),
                ]
            }
            Self::CertificateOver { person, ended_at } => {
                vec![
                    ("person", text(person)),
                    ("ended_at", Argument::Day(*ended_at)),
                ]
            }
            Self::StationWithdrawn { station, why } => {
                vec![("station", text(station)), ("why", text(why))]
            }
        }
    }
}

impl Authenticated {
    /// Who.
    #[must_use]
    pub const fn person(&self) -> &PersonId {
        &self.person
    }

    /// What for.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    /// From which station; always there for a technician, never for others.
    #[must_use]
    pub fn station(&self) -> Option<&StationId> {
        self.station.as_ref().map(|station| &station.id)
    }

    /// The key of the station, for the audit.
    #[must_use]
    pub fn station_key(&self) -> Option<Fingerprint> {
        self.station
            .as_ref()
            .map(|station| station.key.fingerprint())
    }

    /// The key of the person, for the audit.
    #[must_use]
    pub fn person_key(&self) -> Fingerprint {
        self.proof.key()
    }

    /// The certificate of the person, where they used one, for the audit.
    #[must_use]
    pub fn certificate(&self) -> Option<&CertificateFacts> {
        match &self.proof {
            PersonProof::Key(_) => None,
            PersonProof::Certificate(facts) => Some(facts),
        }
    }

    /// How the second factor was proven.
    #[must_use]
    pub const fn second_factor(&self) -> SecondFactor {
        self.second_factor
    }

    /// From which address.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        self.source
    }

    /// Their language.
    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.lang
    }

    /// The technician with their station; `None` for other roles.
    #[must_use]
    pub fn presence(&self) -> Option<Presence> {
        let provider = match &self.role {
            Role::Technician { provider } => provider.clone(),
            Role::Operator { .. } | Role::Auditor { .. } => return None,
        };
        let station = self.station()?.clone();
        Some(Presence {
            authenticated: self.clone(),
            provider,
            station,
        })
    }

    /// Whether everything that was proven still holds in these documents at `now`.
    ///
    /// # Errors
    /// [`Ended`] with the first thing that does not.
    pub fn still_valid(&self, documents: &Documents, now: Timestamp) -> Result<(), Ended> {
        // Destructured, so that a new part of the proof cannot be forgotten here.
        let Self {
            person,
            role,
            station,
            proof,
            second_factor: _,
            code_proven_at: _,
            source,
            lang: _,
        } = self;
        let removed = || Ended::PersonRemoved {
            person: person.clone(),
        };
        let found = documents
            .person(person)
            .filter(|found| Role::of(*found) == *role)
            .ok_or_else(removed)?;
        found.may_come(documents, now)?;
        proof.still_valid(found, now)?;
        match (found, station) {
            (
                PersonRef::Technician {
                    provider,
                    technician,
                },
                Some(station),
            ) => station.still_valid(documents, provider, technician, *source),
            // A technician without a station is never made; were one made, they would not be here.
            (PersonRef::Technician { .. }, None) => Err(removed()),
            (PersonRef::Operator { .. } | PersonRef::Auditor { .. }, _) => match found.networks() {
                Some(networks) if !networks.allow(*source) => Err(Ended::NetworkWithdrawn {
                    person: person.clone(),
                }),
                Some(_) | None => Ok(()),
            },
        }
    }
}

impl PersonProof {
    fn key(&self) -> Fingerprint {
        match self {
            Self::Key(key) => key.fingerprint(),
            Self::Certificate(facts) => facts.key.fingerprint(),
        }
    }

    fn still_valid(&self, person: PersonRef<'_>, now: Timestamp) -> Result<(), Ended> {
        let withdrawn = || Ended::KeyWithdrawn {
            person: person.id().clone(),
        };
        let revoked = |key: &PublicKey| match person {
            PersonRef::Technician { provider, .. } => {
                provider.revoked_keys.contains(&key.fingerprint())
            }
            PersonRef::Operator { .. } | PersonRef::Auditor { .. } => false,
        };
        match self {
            Self::Key(key) if person.keys().contains(key) && !revoked(key) => Ok(()),
            Self::Key(_) => Err(withdrawn()),
            Self::Certificate(facts) => {
                let ended_at = Timestamp::from_secs(facts.valid_before);
                if ended_at <= now {
                    return Err(Ended::CertificateOver {
                        person: person.id().clone(),
                        ended_at,
                    });
                }
                match person {
                    PersonRef::Technician { provider, .. } => {
                        certificate::trusted(facts, provider).map_err(|_| withdrawn())
                    }
                    PersonRef::Operator { .. } | PersonRef::Auditor { .. } => Err(withdrawn()),
                }
            }
        }
    }
}

impl ProvenStation {
    fn still_valid(
        &self,
        documents: &Documents,
        provider: &Provider,
        technician: &Technician,
        source: IpAddr,
    ) -> Result<(), Ended> {
        let Self { id, key } = self;
        let fault = |why| Ended::StationWithdrawn {
            station: id.clone(),
            why,
        };
        let (owner, station) = documents
            .station(id)
            .ok_or_else(|| fault(StationFault::Removed))?;
        station_fault(owner, station, key, provider, technician, source)
            .map_or(Ok(()), |why| Err(fault(why)))
    }
}

/// What keeps this technician from working from this station, if anything does.
fn station_fault(
    owner: &Provider,
    station: &Station,
    key: &PublicKey,
    provider: &Provider,
    technician: &Technician,
    source: IpAddr,
) -> Option<StationFault> {
    if owner.id != provider.id {
        Some(StationFault::OtherProvider)
    } else if station.disabled {
        Some(StationFault::Disabled)
    } else if !station.keys.contains(key) || owner.revoked_keys.contains(&key.fingerprint()) {
        Some(StationFault::Key)
    } else if !technician.stations.allow(&station.id) {
        Some(StationFault::NotTheirs)
    } else if !station.allows_source(source) {
        Some(StationFault::Source)
    } else {
        None
    }
}

/// A technician at a station: proof of both (G1). Only [`Authenticated::presence`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    authenticated: Authenticated,
    provider: ProviderId,
    station: StationId,
}

impl Presence {
    /// Who.
    #[must_use]
    pub const fn person(&self) -> &PersonId {
        &self.authenticated.person
    }

    /// Of which provider.
    #[must_use]
    pub const fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// From which station.
    #[must_use]
    pub const fn station(&self) -> &StationId {
        &self.station
    }

    /// From which address.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        self.authenticated.source
    }

    /// Their language.
    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.authenticated.lang
    }

    /// The whole proof.
    #[must_use]
    pub const fn authenticated(&self) -> &Authenticated {
        &self.authenticated
    }

    /// Whether everything that was proven still holds in these documents at `now`.
    ///
    /// # Errors
    /// [`Ended`] with the first thing that does not.
    pub fn still_valid(&self, documents: &Documents, now: Timestamp) -> Result<(), Ended> {
        self.authenticated.still_valid(documents, now)
    }
}
