//! A connection until somebody has authenticated on it: a [`Knock`], which leads to one [`Visit`] or to none.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ecluse_policy::identity::Doorway;
use ecluse_policy::{Lang, LoginAddress, PersonId, Role, TargetId};
use tokio::sync::watch;
use uuid::Uuid;

use super::connection::Connection;
use super::visit::Visit;
use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::door::budget::{Full, Place};
use crate::door::crowd::Places;
use crate::gateway::Gateway;
use crate::texts::times;

/// A connection on which nobody has authenticated yet.
pub(crate) struct Knock {
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
    source: SocketAddr,
    door: SocketAddr,
    doorway: Doorway,
    id: Uuid,
    /// Where the connection leads that goes by a channel of another; none of one of its own.
    within: Option<Within>,
    /// Who has proven every key, and their language; none while a stranger knocks.
    keys_proven: Mutex<Option<(PersonId, Lang)>>,
    place: Mutex<Place>,
    /// The visit, or why there is none although the login is complete.
    entry: OnceLock<Result<Arc<Visit>, Arc<NoPlace>>>,
    authenticated: watch::Sender<bool>,
}

/// A connection that goes by a channel of another one, whose person is known (`ssh -J`).
pub(crate) struct Within {
    /// The other one.
    pub(crate) outer: Arc<Visit>,
    /// The target that it is for.
    pub(crate) target: TargetId,
}

/// Somebody who has logged on, and for whom there is no place.
pub(crate) struct NoPlace {
    visitor: Actor,
    address: LoginAddress,
    full: Full,
}

impl NoPlace {
    /// Puts it on record; the words for them.
    pub(super) async fn conclude(&self, gateway: &Gateway) -> String {
        let Self {
            visitor,
            address,
            full,
        } = self;
        let now = clock::now();
        let (reason, words) = match full {
            Full::Person => (
                "too many connections of this person",
                "door-too-many-of-person",
            ),
            Full::Often => ("logged on too often within a minute", "door-too-often"),
            Full::Source | Full::Early | Full::Pool | Full::Total => {
                let source = visitor.origin.source().ip();
                let crowds = &gateway.crowds;
                crowds.turned_away(Places::Inside, *full, source, now);
                ("no place after log-on", "door-too-many-inside")
            }
        };
        let record = visitor
            .record(AuditKind::LogOff, now)
            .names(&gateway.applied().documents, address.target.as_ref())
            .refused()
            .reason(reason);
        let (people, person) = (&gateway.people, visitor.person());
        if let Err(error) = people.enter(&gateway.store, person, record).await {
            tracing::error!(%error, "an audit record could not be written");
        }
        let lang = visitor.authenticated.lang();
        gateway.texts.say(lang, words, &[])
    }
}

impl Knock {
    /// A stranger on `connection`, from `source` to our address `door`, who holds `place`.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        connection: Arc<Connection>,
        source: SocketAddr,
        (door, doorway): (SocketAddr, Doorway),
        id: Uuid,
        place: Place,
    ) -> Arc<Self> {
        Arc::new(Self {
            gateway,
            connection,
            source,
            door,
            doorway,
            id,
            within: None,
            keys_proven: Mutex::new(None),
            place: Mutex::new(place),
            entry: OnceLock::new(),
            authenticated: watch::Sender::new(false),
        })
    }

    /// The same person once more, on `connection`, which goes by a channel of another one.
    pub(crate) fn within(
        outer: &Self,
        within: Within,
        connection: Arc<Connection>,
        id: Uuid,
        place: Place,
    ) -> Arc<Self> {
        Arc::new(Self {
            gateway: Arc::clone(&outer.gateway),
            connection,
            source: outer.source,
            door: outer.door,
            doorway: outer.doorway,
            id,
            within: Some(within),
            keys_proven: Mutex::new(None),
            place: Mutex::new(place),
            entry: OnceLock::new(),
            authenticated: watch::Sender::new(false),
        })
    }

    /// Where the connection leads, if it goes by a channel of another one.
    pub(crate) fn leads(&self) -> Option<&Within> {
        self.within.as_ref()
    }

    /// A place for a connection that goes by a channel of this one.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn place_within(&self) -> Result<Place, Full> {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        place.within()
    }

    pub(crate) fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(crate) fn source(&self) -> SocketAddr {
        self.source
    }

    /// Our address that the stranger connected to.
    pub(crate) fn door(&self) -> SocketAddr {
        self.door
    }

    /// Whom that door is for.
    pub(crate) fn doorway(&self) -> Doorway {
        self.doorway
    }

    /// Identifies the connection in audit records.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Says who has proven every key so far, if anybody has, and in which language they read.
    pub(crate) fn keys_proven(&self, person: Option<(PersonId, Lang)>) {
        *self
            .keys_proven
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = person;
    }

    /// What somebody reads whose time to log on is over, on record; none for a stranger, who learns nothing.
    pub(crate) async fn too_late(&self) -> Option<String> {
        let (person, lang) = self
            .keys_proven
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        let within = times::spelled(lang, self.gateway.settings.limits.authenticate_within);
        let record = AuditRecord::new(AuditKind::LogOnRefused, clock::now())
            .person(&person)
            .source(self.source.ip())
            .terminal(&format!("ssh {}", self.source))
            .refused()
            .reason(format!(
                "did not log on within {}",
                self.gateway.settings.limits.authenticate_within
            ));
        // Whoever holds the keys can repeat it at will.
        let (gateway, source) = (&self.gateway, self.source.ip());
        let pool = gateway.applied().documents.pool_of(source);
        let entered = gateway
            .ledger
            .enter(&gateway.store, pool, source, record)
            .await;
        if let Err(error) = entered {
            tracing::error!(%error, "an audit record could not be written");
        }
        let args = [("length", within.into())];
        Some(self.gateway.texts.say(lang, "login-too-late", &args))
    }

    /// What whoever has not logged on yet reads where the gateway stops: the same for strangers, who learn nothing of people.
    pub(crate) fn gateway_stops(&self) -> String {
        let proven = self
            .keys_proven
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let lang = proven
            .as_ref()
            .map_or(self.gateway.settings.lang, |(_, lang)| *lang);
        self.gateway.texts.say(lang, "door-gateway-stops", &[])
    }

    /// The login is complete; whether there is a place inside. Only the first counts; the SSH library ends authentication
    /// with it.
    ///
    /// Whoever finds no place has no visit, and so no channel: they are told why, and their connection ends.
    pub(crate) fn let_in(&self, visitor: Actor, address: LoginAddress) {
        let operator = matches!(visitor.authenticated.role(), Role::Operator { .. });
        let entered = if !operator && self.gateway.people.logs_on_too_often(visitor.person()) {
            Err(Full::Often)
        } else {
            self.place
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .logged_on(visitor.person(), operator)
        };
        self.connection
            .purse()
            .belongs_to(visitor.person(), operator);
        let entry = match entered {
            Ok(()) => Ok(Arc::new(Visit::new(
                Arc::clone(&self.gateway),
                Arc::clone(&self.connection),
                visitor,
                address,
            ))),
            Err(full) => Err(Arc::new(NoPlace {
                visitor,
                address,
                full,
            })),
        };
        if self.entry.set(entry).is_ok() {
            self.authenticated.send_replace(true);
        }
    }

    /// Whether somebody has logged on for whom there is no place.
    pub(crate) fn found_no_place(&self) -> bool {
        matches!(self.entry.get(), Some(Err(_)))
    }

    /// The visit, once somebody has authenticated and found a place.
    pub(crate) fn visit(&self) -> Option<&Arc<Visit>> {
        self.entry.get().and_then(|entry| entry.as_ref().ok())
    }

    /// Waits for the login to be complete.
    ///
    /// # Errors
    /// There is no place for whoever has logged on.
    pub(crate) async fn until_let_in(&self) -> Result<Arc<Visit>, Arc<NoPlace>> {
        let mut authenticated = self.authenticated.subscribe();
        loop {
            if let Some(entry) = self.entry.get() {
                return entry.clone();
            }
            // Fails only without sender, and `self` is the sender.
            let _ = authenticated.changed().await;
        }
    }
}
