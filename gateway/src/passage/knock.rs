//! A connection until somebody has authenticated on it: a [`Knock`], which leads to one [`Visit`] or to none.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ecluse_policy::{Lang, LoginAddress, PersonId};
use tokio::sync::watch;
use uuid::Uuid;

use super::connection::Connection;
use super::visit::Visit;
use crate::admission::Visitor;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::gateway::Gateway;
use crate::texts::times;

/// A connection on which nobody has authenticated yet.
pub(crate) struct Knock {
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
    source: SocketAddr,
    door: SocketAddr,
    id: Uuid,
    /// Who has proven every key, and their language; none while a stranger knocks.
    keys_proven: Mutex<Option<(PersonId, Lang)>>,
    visit: OnceLock<Arc<Visit>>,
    authenticated: watch::Sender<bool>,
}

impl Knock {
    /// A stranger on `connection`, from `source` to our address `door`.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        connection: Arc<Connection>,
        source: SocketAddr,
        door: SocketAddr,
        id: Uuid,
    ) -> Arc<Self> {
        Arc::new(Self {
            gateway,
            connection,
            source,
            door,
            id,
            keys_proven: Mutex::new(None),
            visit: OnceLock::new(),
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
        let within = times::length(self.gateway.settings.limits.authenticate_within);
        let record = AuditRecord::new(AuditKind::LogOnRefused, clock::now())
            .person(&person)
            .source(self.source.ip())
            .terminal(&format!("ssh {}", self.source))
            .refused()
            .reason(format!("did not log on within {within}"));
        if let Err(error) = self.gateway.store.record(&[record]).await {
            tracing::error!(%error, "an audit record could not be written");
        }
        let args = [("length", within.into())];
        Some(self.gateway.texts.say(lang, "login-too-late", &args))
    }

    /// The login is complete. Only the first counts; the SSH library ends authentication with it.
    pub(crate) fn let_in(&self, visitor: Visitor, address: LoginAddress) {
        let visit = Visit::new(
            Arc::clone(&self.gateway),
            Arc::clone(&self.connection),
            visitor,
            address,
        );
        if self.visit.set(Arc::new(visit)).is_ok() {
            self.authenticated.send_replace(true);
        }
    }

    /// The visit, once somebody has authenticated.
    pub(crate) fn visit(&self) -> Option<&Arc<Visit>> {
        self.visit.get()
    }

    /// Waits for the login to be complete.
    pub(crate) async fn until_let_in(&self) -> Arc<Visit> {
        let mut authenticated = self.authenticated.subscribe();
        loop {
            if let Some(visit) = self.visit.get() {
                return Arc::clone(visit);
            }
            // Fails only without sender, and `self` is the sender.
            let _ = authenticated.changed().await;
        }
    }
}
