//! One SSH login as a state machine: which proof is there, which comes next.
//!
//! What each role proves, in one table:
//!
//! | role | station key | person's key or certificate | one-time password |
//! |---|---|---|---|
//! | technician | yes, before or after the person's | yes | yes, after both |
//! | operator, auditor | not asked; harmless | yes | yes, after it |
//!
//! A stranger learns nothing on the way (A6): a station's key moves a login on under any user name, known or not; a
//! person's key only under their own, and whether it is worth a signature is told only after a station's. Whoever has
//! proven every key is somebody, and is told why they are not asked for a code ([`Login::barred`]); what is wrong with a
//! station is looked at after the last factor and reads like every refusal. Each step takes the documents in force at
//! that moment, so that whoever is removed halfway does not arrive. A key shown where its owner may not be is nobody's
//! ([`super::here`]).

use std::net::IpAddr;

use super::account::{AccountFacts, Barred};
use super::certificate::{self, CertificateFacts, CertificateRefused};
use super::here::{self, Doorway, Misplaced};
use super::refusal::LoginRefusal;
use super::{Authenticated, Ended, PersonProof, ProvenStation, Role, station_fault};
use crate::address::LoginAddress;
use crate::documents::{Documents, KeyOwner, PersonRef};
use crate::key::{Fingerprint, PublicKey};
use crate::name::{Lang, PersonId, StationId};
use crate::time::Timestamp;

/// The most stations whose keys one login keeps: a notebook may hold the keys of a few.
const MOST_STATIONS: usize = 8;

/// One login under one user name.
///
/// Invariant: what is proven was proven under this user name. A client that changes it gets a new login
/// ([`Login::restart_if_changed`]; RFC 4252 §5).
#[derive(Debug, Clone)]
pub struct Login {
    user: String,
    address: Option<LoginAddress>,
    source: IpAddr,
    doorway: Doorway,
    stations: Vec<ProvenStation>,
    person: Option<PersonProof>,
    second_factor: Option<SecondFactor>,
}

/// How the second factor was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactor {
    /// By a code, in this login.
    Code,
    /// By a code a few minutes ago, from the same place.
    Remembered,
}

/// What the gateway found out about a one-time password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeOutcome {
    /// Right, and never used before.
    Accepted,
    /// None: an empty answer, such as a client without a terminal gives.
    Empty,
    /// No code either: not six digits, such as a password that is typed by mistake.
    Shapeless,
    /// The code that was accepted last, once more: a second terminal within the same half minute.
    Again,
    /// Wrong.
    Wrong,
    /// Right, and used before, though not the last.
    Replayed,
    /// The person has no second factor.
    NotEnrolled,
    /// The account or source is blocked; the code was not looked at.
    Blocked {
        /// Until when.
        until: Timestamp,
    },
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// A key was accepted, another is needed (`publickey`, partial success).
    NeedKey,
    /// The keys are complete, a one-time password is needed (`keyboard-interactive`, partial success).
    NeedCode,
    /// Everything is proven.
    Complete(Box<Authenticated>),
    /// This proof moved nothing (failure, no partial success).
    Refuse(LoginRefusal),
}

impl CodeOutcome {
    /// Whether it counts towards blocking the account and the source: only what someone guesses does. Nobody guesses with
    /// an answer that is no code, nor with the one code that certainly does not do; and codes are looked at only once the keys
    /// are proven, or anybody could be blocked by name.
    #[must_use]
    pub const fn counts_as_guess(&self) -> bool {
        match self {
            Self::Wrong | Self::Replayed | Self::NotEnrolled => true,
            Self::Accepted | Self::Empty | Self::Shapeless | Self::Again | Self::Blocked { .. } => {
                false
            }
        }
    }
}

impl Login {
    /// Begins a login. A user name that is no address, or names nobody, begins like any other.
    #[must_use]
    pub fn begin(user: &str, source: IpAddr) -> Self {
        Self {
            // A longer name is never an address; its beginning is kept so that another one is still told apart.
            user: user.chars().take(512).collect(),
            address: LoginAddress::parse(user).ok(),
            source,
            doorway: Doorway::Everybody,
            stations: Vec::new(),
            person: None,
            second_factor: None,
        }
    }

    /// The same login at one of several doors.
    #[must_use]
    pub fn at(self, doorway: Doorway) -> Self {
        Self { doorway, ..self }
    }

    /// Begins anew, in the same place.
    fn again(&self, user: &str) -> Self {
        Self::begin(user, self.source).at(self.doorway)
    }

    /// Forgets everything that was proven when the client speaks under another user name (RFC 4252 §5).
    pub fn restart_if_changed(&mut self, user: &str) {
        let same = self.user.chars().eq(user.chars().take(512))
            && self.address == LoginAddress::parse(user).ok();
        if !same {
            *self = self.again(user);
        }
    }

    /// The user name, as it came.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whom the user name claims and where they want to go; nothing of it is proven.
    #[must_use]
    pub const fn address(&self) -> Option<&LoginAddress> {
        self.address.as_ref()
    }

    /// The person whose key is proven, in this login and these documents; for looking up their second factor.
    #[must_use]
    pub fn proven_person(&self, documents: &Documents) -> Option<PersonId> {
        self.keys_complete(documents)
            .map(|person| person.id().clone())
    }

    /// The station whose key is proven and that the person may use, for looking up a remembered second factor.
    #[must_use]
    pub fn proven_station(&self, documents: &Documents) -> Option<StationId> {
        let person = self.keys_complete(documents)?;
        self.fitting_station(documents, person)
            .map(|station| station.id.clone())
    }

    /// Whether a key is worth a signature, which is all that an offered key is told.
    ///
    /// A station's is, under any name, known or not. A person's is under their own name alone and, for a technician,
    /// after a station's signature in this login: a stranger who offers public keys, which are no secret, would
    /// otherwise learn who exists. A key that nobody has is not, but where some provider names an authority it may turn
    /// out to be certified, which only technicians' are.
    #[must_use]
    pub fn wants_key(&self, documents: &Documents, key: &PublicKey) -> bool {
        let at_a_station = !self.stations.is_empty();
        match here::owner(documents, key, self.source, self.doorway) {
            Ok(KeyOwner::Station { .. }) => true,
            Ok(KeyOwner::Person(owner)) if !self.claims(owner.id()) => false,
            Ok(KeyOwner::Person(PersonRef::Technician { .. })) => at_a_station,
            Ok(KeyOwner::Person(PersonRef::Operator { .. } | PersonRef::Auditor { .. })) => true,
            Err(_) => {
                at_a_station
                    && documents
                        .providers()
                        .values()
                        .any(|provider| !provider.authority.is_empty())
            }
        }
    }

    /// Why the person whose keys are proven is not asked for a code, if they are not; they are told.
    ///
    /// Nothing before the keys are complete, and nothing at a station from which they may not work: whoever sits there
    /// has not proven to be where this person is.
    #[must_use]
    pub fn barred(
        &self,
        documents: &Documents,
        facts: &AccountFacts,
        now: Timestamp,
    ) -> Option<Barred> {
        let person = self.at_their_place(documents)?;
        Barred::of(documents, person, facts, now)
    }

    /// Whether whoever sits there is told what became of a code: their keys are proven, and they are at a place of theirs.
    #[must_use]
    pub fn is_told(&self, documents: &Documents) -> bool {
        self.at_their_place(documents).is_some()
    }

    /// The person whose keys are proven, at a station from which they may work.
    fn at_their_place<'d>(&self, documents: &'d Documents) -> Option<PersonRef<'d>> {
        let person = self.keys_complete(documents)?;
        let at_their_place = match person {
            PersonRef::Technician { .. } => self.fitting_station(documents, person).is_some(),
            PersonRef::Operator { .. } | PersonRef::Auditor { .. } => true,
        };
        at_their_place.then_some(person)
    }

    /// The language of the person whose keys are proven.
    #[must_use]
    pub fn proven_lang(&self, documents: &Documents) -> Option<Lang> {
        self.keys_complete(documents).map(|person| person.lang())
    }

    /// The key, or certified key, by which the person proved themselves; for looking up a remembered second factor.
    #[must_use]
    pub fn proven_key(&self) -> Option<Fingerprint> {
        self.person.as_ref().map(PersonProof::key)
    }

    /// A signature by this key was verified.
    pub fn key_proven(&mut self, documents: &Documents, key: &PublicKey, now: Timestamp) -> Step {
        let fingerprint = key.fingerprint();
        match here::owner(documents, key, self.source, self.doorway) {
            Err(refusal) => Step::Refuse(refusal),
            Ok(
                KeyOwner::Station { provider, .. }
                | KeyOwner::Person(PersonRef::Technician { provider, .. }),
            ) if provider.revoked_keys.contains(&fingerprint) => {
                Step::Refuse(LoginRefusal::RevokedKey { key: fingerprint })
            }
            Ok(KeyOwner::Station { station, .. }) => {
                let proven = ProvenStation {
                    id: station.id.clone(),
                    key: key.clone(),
                };
                if !self.stations.contains(&proven) {
                    if self.stations.len() >= MOST_STATIONS {
                        return Step::Refuse(LoginRefusal::TooManyStations);
                    }
                    self.stations.push(proven);
                }
                self.next(documents, now)
            }
            Ok(KeyOwner::Person(owner)) if self.claims(owner.id()) => {
                self.person = Some(PersonProof::Key(key.clone()));
                self.next(documents, now)
            }
            Ok(KeyOwner::Person(owner)) => Step::Refuse(LoginRefusal::KeyOfAnother {
                key: fingerprint,
                owner: owner.id().clone(),
            }),
        }
    }

    /// A signature by this certificate's key, and the authority's signature on it, were verified.
    pub fn certificate_proven(
        &mut self,
        documents: &Documents,
        facts: &CertificateFacts,
        now: Timestamp,
    ) -> Step {
        // Certificates are technicians'.
        if !self.doorway.is_for_technicians() {
            return Step::Refuse(LoginRefusal::Misplaced {
                key: facts.key.fingerprint(),
                owner: format!("the certificate {:?}", crate::name::shown(&facts.key_id)),
                why: Misplaced::Door,
            });
        }
        match self.check_certificate(documents, facts, now) {
            Ok(()) => {
                self.person = Some(PersonProof::Certificate(Box::new(facts.clone())));
                self.next(documents, now)
            }
            Err(reason) => Step::Refuse(LoginRefusal::Certificate {
                key: facts.key.fingerprint(),
                reason,
            }),
        }
    }

    fn check_certificate(
        &self,
        documents: &Documents,
        facts: &CertificateFacts,
        now: Timestamp,
    ) -> Result<(), CertificateRefused> {
        let (provider, technician) = self
            .address
            .as_ref()
            .and_then(|address| documents.technician(&address.person))
            .ok_or(CertificateRefused::NobodySigns)?;
        certificate::check(facts, &technician.id, provider, self.source, now)?;
        // One key, one person (A1): an authority cannot hand somebody's key to somebody else.
        match documents.key_owner(&facts.key) {
            None => Ok(()),
            Some(KeyOwner::Person(owner)) if owner.id() == &technician.id => Ok(()),
            Some(KeyOwner::Person(_) | KeyOwner::Station { .. }) => {
                Err(CertificateRefused::KeyOfAnother)
            }
        }
    }

    /// The gateway looked at a one-time password.
    pub fn code_result(
        &mut self,
        documents: &Documents,
        outcome: CodeOutcome,
        now: Timestamp,
    ) -> Step {
        if self.keys_complete(documents).is_none() {
            return Step::Refuse(LoginRefusal::CodeTooEarly);
        }
        match outcome {
            CodeOutcome::Accepted => {
                self.second_factor = Some(SecondFactor::Code);
                self.next(documents, now)
            }
            CodeOutcome::Empty
            | CodeOutcome::Shapeless
            | CodeOutcome::Again
            | CodeOutcome::Wrong
            | CodeOutcome::Replayed
            | CodeOutcome::NotEnrolled
            | CodeOutcome::Blocked { .. } => Step::Refuse(LoginRefusal::Code(outcome)),
        }
    }

    /// Whether the gateway remembers a second factor of this person from this station and source. Before the keys are
    /// complete, and when it does not, nothing changes.
    pub fn second_factor_remembered(
        &mut self,
        documents: &Documents,
        remembered: bool,
        now: Timestamp,
    ) -> Step {
        if remembered && self.keys_complete(documents).is_some() && self.second_factor.is_none() {
            self.second_factor = Some(SecondFactor::Remembered);
        }
        self.next(documents, now)
    }

    fn claims(&self, person: &PersonId) -> bool {
        self.address
            .as_ref()
            .is_some_and(|address| address.person == *person)
    }

    /// The person, once every key their role asks for is proven.
    fn keys_complete<'d>(&self, documents: &'d Documents) -> Option<PersonRef<'d>> {
        self.person.as_ref()?;
        let person = documents.person(&self.address.as_ref()?.person)?;
        match person {
            PersonRef::Technician { .. } if self.stations.is_empty() => None,
            PersonRef::Technician { .. }
            | PersonRef::Operator { .. }
            | PersonRef::Auditor { .. } => Some(person),
        }
    }

    fn next(&mut self, documents: &Documents, now: Timestamp) -> Step {
        let Some(person) = self.keys_complete(documents) else {
            return Step::NeedKey;
        };
        let (Some(proof), Some(second_factor)) = (&self.person, self.second_factor) else {
            return Step::NeedCode;
        };
        match self.conclude(documents, person, proof, second_factor, now) {
            Ok(authenticated) => Step::Complete(Box::new(authenticated)),
            Err(refusal) => {
                // A code stands for one conclusion: nobody goes through stations with it until one fits. The keys stay proven, so
                // that a right code is followed by what follows a wrong one.
                self.second_factor = None;
                Step::Refuse(refusal)
            }
        }
    }

    /// Everything is proven; whether the person may be here is looked at only now.
    fn conclude(
        &self,
        documents: &Documents,
        person: PersonRef<'_>,
        proof: &PersonProof,
        second_factor: SecondFactor,
        now: Timestamp,
    ) -> Result<Authenticated, LoginRefusal> {
        let station = match person {
            PersonRef::Technician { .. } => self
                .fitting_station(documents, person)
                .or(self.stations.first())
                .cloned(),
            PersonRef::Operator { .. } | PersonRef::Auditor { .. } => None,
        };
        let authenticated = Authenticated {
            person: person.id().clone(),
            role: Role::of(person),
            station,
            proof: proof.clone(),
            second_factor,
            code_proven_at: match second_factor {
                SecondFactor::Code => Some(now),
                SecondFactor::Remembered => None,
            },
            source: self.source,
            lang: person.lang(),
        };
        match authenticated.still_valid(documents, now) {
            Ok(()) => Ok(authenticated),
            Err(Ended::StationWithdrawn { station, why }) => {
                Err(LoginRefusal::Station { station, why })
            }
            Err(ended) => Err(LoginRefusal::Ended(ended)),
        }
    }

    /// The first proven station from which the technician may work.
    fn fitting_station(
        &self,
        documents: &Documents,
        person: PersonRef<'_>,
    ) -> Option<&ProvenStation> {
        let PersonRef::Technician {
            provider,
            technician,
        } = person
        else {
            return None;
        };
        self.stations.iter().find(|proven| {
            documents
                .station(&proven.id)
                .is_some_and(|(owner, station)| {
                    station_fault(
                        owner,
                        station,
                        &proven.key,
                        provider,
                        technician,
                        self.source,
                    )
                    .is_none()
                })
        })
    }
}
