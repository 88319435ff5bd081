//! The desk at the door: one login, from the first key to the last code.
//!
//! Policy's [`Login`] decides each step; the desk feeds it what the SSH library has proven and what the store knows. It
//! says the same to people who exist and to people who do not, and a failure takes its time whatever failed (A6); whoever
//! proved every key is told why no code is looked at.

mod prompts;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crate::ssh::keys::{Certificate, PublicKey as WireKey};
use ecluse_policy::identity::{Doorway, SecondFactor};
use ecluse_policy::{
    Authenticated, CodeOutcome, Lang, Login, LoginRefusal, PersonId, ProvenCode, Step, Timestamp,
};
use ecluse_recordings as recordings;
use uuid::Uuid;

pub(crate) use super::outcome::Answer;
use super::outcome::{Told, take_time, uncounted, with_proofs};
use super::wire::{certificate_facts, public_key};
use crate::actor::{Actor, Origin};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::gateway::Gateway;
use crate::store::{Claim, FactorBinding, StoreError, with_event};

/// Longest code that is looked at, in bytes.
const LONGEST_CODE: usize = 64;
/// Stands for a longer one: no code, and not empty.
const NO_CODE: &str = "-";

/// One connection's login.
pub(crate) struct Desk {
    gateway: Arc<Gateway>,
    source: SocketAddr,
    door: SocketAddr,
    connection: Uuid,
    /// Begins anew whenever the peer names itself otherwise: a key of one person must not help another
    /// (GHSA-hpv4-5h6f-wqr3).
    login: Login,
    /// Keys that have proven something in this login.
    proven: Vec<WireKey>,
    /// The keys are complete; a code may be tried.
    code_next: bool,
    /// What whoever gave the last code is told of it with the next prompt.
    told: Option<Told>,
    /// The step of the code that was accepted; it is used up with the log-on.
    step: Option<u64>,
}

impl Desk {
    /// A desk for the connection from `source` to our address `door`, for the people of that door.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        source: SocketAddr,
        (door, doorway): (SocketAddr, Doorway),
        connection: Uuid,
    ) -> Self {
        Self {
            gateway,
            source,
            door,
            connection,
            login: Login::begin("", source.ip()).at(doorway),
            proven: Vec::new(),
            code_next: false,
            told: None,
            step: None,
        }
    }

    /// Whether a signature by this key would help.
    pub(crate) fn wants(&mut self, user: &str, key: &WireKey) -> bool {
        self.named(user);
        if self.proven.contains(key) {
            return false;
        }
        let documents = &self.gateway.applied().documents;
        public_key(key).is_some_and(|key| self.login.wants_key(documents, &key))
    }

    /// The library verified a signature by this key.
    pub(crate) async fn key_proven(&mut self, user: &str, key: &WireKey) -> Answer {
        self.named(user);
        // A key proves something once: a client that was told of a partial success tries all its keys again, and would
        // be told so for ever.
        if self.proven.contains(key) {
            return self.no();
        }
        let Some(policy_key) = public_key(key) else {
            return self.no();
        };
        let documents = &self.gateway.applied().documents;
        let step = self
            .login
            .key_proven(documents, &policy_key, clock::agreed());
        if matches!(step, Step::NeedKey | Step::NeedCode) {
            self.proven.push(key.clone());
        }
        self.after_key(step).await
    }

    /// The library verified a signature by this certificate's key, and the certificate's own signature.
    pub(crate) async fn certificate_proven(
        &mut self,
        user: &str,
        certificate: &Certificate,
    ) -> Answer {
        self.named(user);
        let Some(facts) = certificate_facts(certificate) else {
            return self.no();
        };
        let step = self.login.certificate_proven(
            &self.gateway.applied().documents,
            &facts,
            clock::agreed(),
        );
        self.after_key(step).await
    }

    /// The one-time code: `None` asks for the prompt.
    pub(crate) async fn code(&mut self, user: &str, code: Option<String>) -> Answer {
        self.named(user);
        if !self.code_next {
            return self.no();
        }
        let Some(code) = code else {
            return self.ask().await;
        };
        let arrived = clock::monotonic();
        let answer = self.judge(&code).await;
        if matches!(answer, Answer::Refuse { .. } | Answer::Tell { .. }) {
            take_time(arrived).await;
        }
        answer
    }

    /// A plain no, which says nothing about why.
    pub(crate) fn no(&self) -> Answer {
        Answer::Refuse {
            code_next: self.code_next,
        }
    }

    /// The peer names itself.
    pub(crate) fn named(&mut self, user: &str) {
        let before = self.login.user().to_owned();
        self.login.restart_if_changed(user);
        if self.login.user() != before {
            self.code_next = false;
            self.told = None;
            self.proven.clear();
        }
    }

    /// Who has proven every key so far, and their language.
    pub(crate) fn keys_proven(&self) -> Option<(PersonId, Lang)> {
        let applied = self.gateway.applied();
        let lang = self.login.proven_lang(&applied.documents)?;
        Some((self.login.proven_person(&applied.documents)?, lang))
    }

    async fn judge(&mut self, code: &str) -> Answer {
        let applied = self.gateway.applied();
        // Their login may have begun anew since they were asked: of nobody is a code looked at, and nobody's fault is it.
        let Some(person) = self.login.proven_person(&applied.documents) else {
            self.refused(&LoginRefusal::CodeTooEarly).await;
            return self.no();
        };
        let code = if code.len() > LONGEST_CODE {
            NO_CODE
        } else {
            code
        };
        let now = clock::agreed();
        match self.barred(now).await {
            Ok(None) => {}
            Ok(Some(barred)) => {
                let told = self.tells(&barred, now);
                self.refused(&LoginRefusal::Barred(barred)).await;
                return told;
            }
            Err(error) => {
                self.store_failed(&error);
                return self.no();
            }
        }
        let claimed = self.claimed();
        let is_told = self.login.is_told(&applied.documents);
        let claim = Claim {
            elsewhere: !is_told,
            ..self.claim(&claimed, now)
        };
        let record = self.record(AuditKind::LogOnRefused);
        // A client's people wait behind nobody else's changes.
        let store = if applied.documents.technician(&person).is_none() {
            self.gateway.store.ahead()
        } else {
            self.gateway.store.clone()
        };
        let judged = store.judge_code(&claim, &person, code, record).await;
        let outcome = match judged {
            Ok(judged) => {
                self.step = judged.step;
                judged.outcome
            }
            Err(error) => {
                self.store_failed(&error);
                return self.no();
            }
        };
        self.told = Told::of(outcome).filter(|_| is_told);
        match self.login.code_result(&applied.documents, outcome, now) {
            Step::Complete(authenticated) => self.complete(*authenticated).await,
            Step::Refuse(LoginRefusal::Code(outcome)) => {
                if !outcome.counts_as_guess() {
                    self.refused(uncounted(outcome)).await;
                }
                self.after_a_no(now).await
            }
            Step::NeedCode => self.no(),
            Step::Refuse(refusal) => {
                match self.step.take() {
                    Some(step) if !is_told => self.right_elsewhere(&person, step, &refusal).await,
                    Some(_) | None => self.refused(&refusal).await,
                }
                self.no()
            }
            // The documents changed meanwhile.
            Step::NeedKey => {
                self.code_next = false;
                self.no()
            }
        }
    }

    async fn after_key(&mut self, step: Step) -> Answer {
        self.code_next = matches!(step, Step::NeedCode);
        match step {
            Step::NeedKey => Answer::NeedKey,
            Step::NeedCode => self.maybe_remembered().await,
            Step::Complete(authenticated) => self.complete(*authenticated).await,
            Step::Refuse(refusal) => {
                self.refused(&refusal).await;
                self.no()
            }
        }
    }

    /// The keys are complete: is the second factor remembered for this person, key, station, source and client?
    async fn maybe_remembered(&mut self) -> Answer {
        let now = clock::agreed();
        let remembered = match self.barred(now).await {
            // They are told where they would be asked for a code.
            Ok(Some(_)) => return Answer::NeedCode,
            Ok(None) => self.remembered(now).await,
            Err(error) => Err(error),
        };
        let remembered = remembered.unwrap_or_else(|error| {
            self.store_failed(&error);
            false
        });
        let applied = self.gateway.applied();
        match self
            .login
            .second_factor_remembered(&applied.documents, remembered, now)
        {
            Step::Complete(authenticated) => self.complete(*authenticated).await,
            Step::NeedKey => Answer::NeedKey,
            Step::NeedCode => Answer::NeedCode,
            Step::Refuse(refusal) => {
                self.refused(&refusal).await;
                self.no()
            }
        }
    }

    async fn remembered(&self, now: Timestamp) -> Result<bool, StoreError> {
        match self.binding() {
            Some(binding) if !self.gateway.settings.authentication.remember.is_zero() => {
                self.gateway.store.factor_remembered(&binding, now).await
            }
            Some(_) | None => Ok(false),
        }
    }

    fn binding(&self) -> Option<FactorBinding> {
        let applied = self.gateway.applied();
        let target = self.login.address()?.target.as_ref();
        Some(FactorBinding {
            person: self.login.proven_person(&applied.documents)?,
            key: self.login.proven_key()?,
            station: self.login.proven_station(&applied.documents),
            source: self.source.ip(),
            client: target
                .and_then(|target| applied.documents.target(target))
                .map(|(client, _)| client.id.clone()),
        })
    }

    fn claim<'c>(&self, person: &'c str, now: Timestamp) -> Claim<'c> {
        Claim {
            person,
            source: self.source.ip(),
            at: now,
            rules: self.gateway.settings.authentication.lockout,
            elsewhere: false,
        }
    }

    /// Whom the failures are counted against: the person claimed, or whatever stood in its place.
    fn claimed(&self) -> String {
        match self.login.address() {
            Some(address) => address.person.to_string(),
            None => self.login.user().to_owned(),
        }
    }

    async fn complete(&mut self, authenticated: Authenticated) -> Answer {
        let Some(address) = self.login.address().cloned() else {
            return self.no();
        };
        let visitor = Actor {
            code: Arc::new(Mutex::new(ProvenCode::of_log_on(&authenticated))),
            authenticated,
            origin: Origin::Ssh {
                source: self.source,
                door: self.door,
            },
            connection: self.connection,
        };
        let now = clock::agreed();
        let authenticated = &visitor.authenticated;
        let documents = &self.gateway.applied().documents;
        let record = visitor
            .record(AuditKind::LogOn, now)
            .names(documents, address.target.as_ref())
            .permitted()
            .detail("user-name", recordings::neutralise(self.login.user()));
        let record = with_proofs(record, authenticated);
        let remember = self.gateway.settings.authentication.remember;
        let remembered = match authenticated.second_factor() {
            SecondFactor::Code if !remember.is_zero() => self.binding(),
            SecondFactor::Code | SecondFactor::Remembered => None,
        };
        let remembered = remembered
            .as_ref()
            .map(|binding| (binding, now.plus(remember)));
        let step = match (authenticated.second_factor(), self.step.take()) {
            (SecondFactor::Code, Some(step)) => Some(step),
            (SecondFactor::Code, None) => return self.no(),
            (SecondFactor::Remembered, _) => None,
        };
        let record = match step {
            // The entry uses its code up.
            Some(_) => Some(record),
            // One by one, or in the count of its minute.
            None => self.gateway.people.logs_on(visitor.person(), record),
        };
        let written = self
            .gateway
            .store_for(visitor.authenticated.role())
            .log_on(visitor.person(), step, remembered, now, record)
            .await;
        match written {
            Ok(true) => return Answer::Accept(Box::new((visitor, address))),
            // Another log-on with this code came first.
            Ok(false) => self.refused(uncounted(CodeOutcome::Again)).await,
            // No trace, no entry.
            Err(error) => self.store_failed(&error),
        }
        self.no()
    }

    /// A right code where its person may not work: somebody has their key and their second factor. It is an entry of its own,
    /// once for each code, however many refusals of this minute are only counted; to whoever gave it it is as a wrong one.
    async fn right_elsewhere(&self, person: &PersonId, step: u64, refusal: &LoginRefusal) {
        if !self.gateway.ledger.is_first(person, step) {
            return self.refused(refusal).await;
        }
        let record = self.record(AuditKind::CodeElsewhere).reason(refusal);
        let record = with_event(record);
        if let Err(error) = self
            .gateway
            .store
            .record(std::slice::from_ref(&record))
            .await
        {
            self.gateway.store.owe(vec![record]);
            self.store_failed(&error);
        }
    }

    /// Puts a refusal on record, one by one or in the count of its minute: each of them a stranger can repeat at will.
    async fn refused(&self, reason: impl std::fmt::Display) {
        let record = self.record(AuditKind::LogOnRefused).reason(reason);
        let (gateway, source) = (&self.gateway, self.source.ip());
        let pool = gateway.applied().documents.pool_of(source);
        let entered = gateway
            .ledger
            .enter(&gateway.store, pool, source, record)
            .await;
        if let Err(error) = entered {
            self.store_failed(&error);
        }
    }

    fn record(&self, kind: AuditKind) -> AuditRecord {
        let user = recordings::neutralise(self.login.user());
        let record = AuditRecord::new(kind, clock::now());
        let applied = self.gateway.applied();
        let record = match self.login.proven_person(&applied.documents) {
            Some(person) => record
                .person(&person)
                .station(self.login.proven_station(&applied.documents).as_ref())
                .detail("user-name", user),
            None => record.claimed(&user),
        };
        let address = self.login.address();
        let target = address.and_then(|address| address.target.as_ref());
        record
            .names(&applied.documents, target)
            .source(self.source.ip())
            .terminal(&format!("ssh {}", self.source))
            .refused()
    }

    fn store_failed(&self, error: &StoreError) {
        tracing::error!(%error, "nobody can log on: the store does not answer");
    }
}
