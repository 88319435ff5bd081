//! What every part of a running gateway shares.

use std::sync::Arc;

use ecluse_policy::identity::Role;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::archive::keeper::Keeper;
use crate::archive::space::Space;
use crate::copies::Absences;
use crate::door::crowd::Crowds;
use crate::extraction::accounts::Accounts;
use crate::host_ca::HostCa;
use crate::identity::ledger::Ledger;
use crate::identity::people::People;
use crate::live::Live;
use crate::passage::notice::Told;
use crate::passage::purse::Purse;
use crate::readers::Readers;
use crate::settings::Settings;
pub use crate::store::Applied;
use crate::store::Store;
use crate::texts::Texts;
use crate::time_source::ClockStatus;

/// One running gateway.
#[derive(Debug)]
pub struct Gateway {
    /// From `gateway.toml`.
    pub settings: Settings,
    /// What is remembered.
    pub store: Store,
    /// The documents in force; changes as the administrator applies new ones.
    pub documents: watch::Receiver<Arc<Applied>>,
    /// The sessions in passage.
    pub live: Live,
    /// French and English.
    pub texts: Texts,
    /// What channels draw on their budgets.
    pub(crate) extraction: Arc<Accounts>,
    /// Keeps recordings on disk and finishes them when their sessions end.
    pub(crate) keeper: Keeper,
    /// What everything that peers make the gateway keep is counted against.
    pub(crate) purse: Arc<Purse>,
    /// What is known of the machine's clock; changes as its time servers are asked and as it jumps.
    pub(crate) clock: watch::Receiver<ClockStatus>,
    /// Who was told lately that they are recorded.
    pub(crate) told: Told,
    /// Whether there is room for recordings.
    pub(crate) space: Space,
    /// Where clients' copies do not arrive.
    pub(crate) absences: Absences,
    /// Connections that found no place.
    pub(crate) crowds: Crowds,
    /// The refused log-ons of this minute.
    pub(crate) ledger: Ledger,
    /// What people who are known repeated in this minute.
    pub(crate) people: People,
    /// Turns true when the gateway is to stop.
    pub stopping: watch::Receiver<bool>,
    /// Where dialogues run: a runtime of its own, beside those that carry sessions.
    pub(crate) talks: Handle,
    /// Where recordings are read for people, and nowhere else.
    pub(crate) readers: Readers,
    /// Names this gateway among those that share a store: sessions live and die with their node.
    pub(crate) node: String,
    /// By what whoever jumps to a target knows it.
    pub(crate) host_ca: HostCa,
}

impl Gateway {
    /// The documents in force now.
    pub fn applied(&self) -> Arc<Applied> {
        Arc::clone(&self.documents.borrow())
    }

    /// The store as `role` gets it: what a client's people do waits behind nobody else's ([`Store::ahead`]).
    pub(crate) fn store_for(&self, role: &Role) -> Store {
        match role {
            Role::Technician { .. } => self.store.clone(),
            Role::Operator { .. } | Role::Auditor { .. } => self.store.ahead(),
        }
    }

    /// What is known of the machine's clock now (R6).
    pub fn clock_status(&self) -> ClockStatus {
        self.clock.borrow().clone()
    }
}
