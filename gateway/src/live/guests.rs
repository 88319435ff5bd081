//! The connections of technicians: a person's handle reaches them also where they only wait, or sit in the lobby (I5).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use ecluse_policy::{Documents, PersonId, TargetId, may_show_out};
use uuid::Uuid;

use super::{CutWhat, Order, Shared, stop};

/// A technician's connection.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    /// Who.
    pub(crate) person: PersonId,
    /// The target that they named, if they did.
    pub(crate) target: Option<TargetId>,
    /// Their connection, as the audit trail calls it.
    pub(crate) connection: Uuid,
    /// Since when they are here.
    pub(crate) since: Instant,
    /// By which it is ended; gone with the connection.
    pub(crate) shared: Weak<Shared>,
}

/// Those who are here.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    here: Mutex<Vec<Guest>>,
}

impl Guests {
    /// Somebody is here, for as long as their connection's [`Shared`] lives.
    pub(crate) fn enter(&self, guest: Guest) {
        let mut here = self.lock();
        here.retain(|guest| guest.shared.strong_count() > 0);
        here.push(guest);
    }

    /// Cuts the connections without a session that an order names and that are the client's to close; returns whose they
    /// were. One that carries a session of another client is that client's (O4). Of an order that was given a while ago, on
    /// another node, those that have been here for as long. Must run inside the runtime.
    pub(crate) fn cut(
        &self,
        order: &Order,
        documents: &Documents,
        age: Option<Duration>,
    ) -> Vec<Guest> {
        let named = |guest: &Guest| match &order.what {
            CutWhat::Session(_) | CutWhat::Target(_) => false,
            CutWhat::Technician(person) => guest.person == *person,
            CutWhat::All => true,
        };
        let was_here = |guest: &Guest| age.is_none_or(|age| guest.since.elapsed() >= age);
        let theirs = |guest: &Guest| {
            may_show_out(
                documents,
                &order.client,
                &guest.person,
                guest.target.as_ref(),
            )
        };
        let idle: Vec<(Guest, Arc<Shared>)> = self
            .lock()
            .iter()
            .filter(|guest| named(guest) && was_here(guest) && theirs(guest))
            .filter_map(|guest| Some((guest.clone(), guest.shared.upgrade()?)))
            .filter(|(_, shared)| !shared.has_sessions())
            .collect();
        idle.into_iter()
            .map(|(guest, shared)| {
                shared.end(&stop(order));
                guest
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Guest>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
