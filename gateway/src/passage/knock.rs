//! A connection until somebody has authenticated on it: a [`Knock`], which leads to one [`Visit`] or to none.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ecluse_policy::identity::Doorway;
use ecluse_policy::{LoginAddress, Role};
use tokio::sync::watch;
use uuid::Uuid;

use super::connection::Connection;
use super::visit::Visit;
use crate::admission::Visitor;
use crate::audit::AuditKind;
use crate::clock;
use crate::door::budget::{Full, Place};
use crate::door::crowd::Places;
use crate::gateway::Gateway;

/// A connection on which nobody has authenticated yet.
pub(crate) struct Knock {
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
    source: SocketAddr,
    door: SocketAddr,
    doorway: Doorway,
    id: Uuid,
    place: Mutex<Place>,
    /// The visit, or why there is none although the login is complete.
    entry: OnceLock<Result<Arc<Visit>, Arc<NoPlace>>>,
    authenticated: watch::Sender<bool>,
}

/// Somebody who has logged on, and for whom there is no place.
pub(crate) struct NoPlace {
    visitor: Visitor,
    full: Full,
    /// For them.
    words: String,
}

impl NoPlace {
    fn new(gateway: &Gateway, visitor: Visitor, full: Full) -> Self {
        let id = match full {
            Full::Person => "door-too-many-of-person",
            Full::Source | Full::Early | Full::Pool | Full::Total => "door-too-many-inside",
        };
        let words = gateway.texts.say(visitor.authenticated.lang(), id, &[]);
        Self {
            visitor,
            full,
            words,
        }
    }

    /// Puts it on record; the words for them.
    pub(super) async fn conclude(&self, gateway: &Gateway) -> String {
        let Self {
            visitor,
            full,
            words,
        } = self;
        let now = clock::now();
        let reason = match full {
            Full::Person => "too many connections of this person",
            Full::Source | Full::Early | Full::Pool | Full::Total => {
                let source = visitor.source.ip();
                gateway
                    .crowds
                    .turned_away(Places::Inside, *full, source, now);
                "no place after log-on"
            }
        };
        let record = visitor
            .record(AuditKind::LogOff, now)
            .refused()
            .reason(reason);
        if let Err(error) = gateway.store.record(&[record]).await {
            tracing::error!(%error, "an audit record could not be written");
        }
        words.clone()
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
            place: Mutex::new(place),
            entry: OnceLock::new(),
            authenticated: watch::Sender::new(false),
        })
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

    /// The login is complete; whether there is a place inside. Only the first counts; the SSH library ends authentication
    /// with it.
    ///
    /// Whoever finds no place has no visit, and so no channel: they are told why, and their connection ends.
    pub(crate) fn let_in(&self, visitor: Visitor, address: LoginAddress) {
        let operator = matches!(visitor.authenticated.role(), Role::Operator { .. });
        let entered = self
            .place
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .logged_on(visitor.person(), operator);
        let entry = match entered {
            Ok(()) => Ok(Arc::new(Visit::new(
                Arc::clone(&self.gateway),
                Arc::clone(&self.connection),
                visitor,
                address,
            ))),
            Err(full) => Err(Arc::new(NoPlace::new(&self.gateway, visitor, full))),
        };
        if self.entry.set(entry).is_ok() {
            self.authenticated.send_replace(true);
        }
    }

    /// What whoever has logged on and found no place reads.
    pub(crate) fn no_place(&self) -> Option<String> {
        match self.entry.get()? {
            Ok(_) => None,
            Err(found) => Some(found.words.clone()),
        }
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
