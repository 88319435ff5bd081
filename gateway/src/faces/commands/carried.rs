//! Which open sessions a gateway carries: the others have no end only because their gateway stopped before it wrote one. And
//! on which gateway's disk a recording lies.

use std::collections::BTreeSet;

use ecluse_recordings::neutralise;

use crate::live::node_name;
use crate::settings::Settings;
use crate::store::{Node, ServeLock, Session, Store};

/// The gateways that run, and those there are.
pub(super) struct Carriers {
    running: BTreeSet<String>,
    /// This data directory's own name; none where no other can share the store.
    own: Option<String>,
    nodes: Vec<Node>,
}

impl Carriers {
    /// Looks for them: whether one serves from this data directory its lock tells, of the others that share the store their
    /// renewals do.
    ///
    /// # Errors
    /// The store failed, or the lock's file or that of the name cannot be read.
    pub(super) async fn look(store: &Store, settings: &Settings) -> anyhow::Result<Self> {
        let own = node_name::name(&settings.data_dir)?;
        let nodes = store.gateways().await?;
        let others = nodes.iter();
        let mut running: BTreeSet<String> = others
            .filter(|node| node.name != own && store.may_be_shared() && !node.is_lost())
            .map(|node| node.name.clone())
            .collect();
        if ServeLock::is_held(&settings.data_dir)? {
            running.insert(own.clone());
        }
        Ok(Self {
            running,
            own: store.may_be_shared().then_some(own),
            nodes,
        })
    }

    /// Whether one of them carries this session, if it is open.
    pub(super) fn carry(&self, session: &Session) -> bool {
        self.running.contains(&session.start.node)
    }

    /// The other gateway on whose disk the recording of a session lies, as people call it; none where that is this one.
    pub(super) fn elsewhere(&self, session: &Session) -> Option<String> {
        let there = &session.start.node;
        self.own.as_ref().filter(|own| *own != there)?;
        let name = neutralise(there);
        let node = self.nodes.iter().find(|node| node.name == *there);
        Some(match node {
            Some(node) => format!("the gateway {} ({name})", node.address),
            None => format!("the gateway {name}"),
        })
    }
}
