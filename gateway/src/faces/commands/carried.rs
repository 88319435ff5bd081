//! Which open sessions a gateway carries: the others have no end only because their gateway stopped before it wrote one.

use std::collections::BTreeSet;

use crate::live::node_name;
use crate::settings::Settings;
use crate::store::{ServeLock, Session, Store};

/// The gateways that run.
pub(super) struct Carriers(BTreeSet<String>);

impl Carriers {
    /// Looks for them: whether one serves from this data directory its lock tells, of the others that share the store their
    /// renewals do.
    ///
    /// # Errors
    /// The store failed, or the lock's file or that of the name cannot be read.
    pub(super) async fn look(store: &Store, settings: &Settings) -> anyhow::Result<Self> {
        let own = node_name::name(&settings.data_dir)?;
        let others = store.gateways().await?.into_iter();
        let mut running: BTreeSet<String> = others
            .filter(|node| node.name != own && store.may_be_shared() && !node.is_lost())
            .map(|node| node.name)
            .collect();
        if ServeLock::is_held(&settings.data_dir)? {
            running.insert(own);
        }
        Ok(Self(running))
    }

    /// Whether one of them carries this session, if it is open.
    pub(super) fn carry(&self, session: &Session) -> bool {
        self.0.contains(&session.start.node)
    }
}
