//! Recordings that lie on the disk of another gateway of the same store: they are verified there.
//!
//! Which gateway recorded a session stands in the entry that began it, by a digest of its name. So nobody hides a recording
//! that is missing here by changing a table.

use std::collections::BTreeMap;

use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::neutralise;

use super::verify::Findings;
use crate::live::node_name;
use crate::settings::Settings;
use crate::store::{Node, SessionSaid, Store};

/// Which gateways recorded sessions of this store.
#[derive(Debug)]
pub(super) struct Recorders {
    /// The digest of this one's name; none where no other can share the store.
    own: Option<String>,
    /// What each other one is called, by the digest of its name.
    others: BTreeMap<String, String>,
    /// How many recordings that are not here lie where.
    there: BTreeMap<String, u64>,
}

impl Recorders {
    /// As the store has them.
    pub(super) async fn read(store: &Store, settings: &Settings) -> anyhow::Result<Self> {
        let own = node_name::name(&settings.data_dir)?;
        let nodes = store.gateways().await?;
        let names = store.recorders().await?;
        let others = names
            .iter()
            .filter(|name| **name != own)
            .map(|name| (sha256_hex(name.as_bytes()), called(name, &nodes)));
        Ok(Self {
            others: others.collect(),
            own: store.may_be_shared().then(|| sha256_hex(own.as_bytes())),
            there: BTreeMap::new(),
        })
    }

    /// Whether a recording that is not here lies on another gateway's disk; counted there then.
    pub(super) fn has(&mut self, said: &SessionSaid) -> bool {
        let Some(node) = said.node() else {
            return false;
        };
        // A store that nobody shares has one gateway, whatever it was called.
        if self.own.as_deref().is_none_or(|own| own == node) {
            return false;
        }
        let called = self.others.get(node).cloned();
        let called = called.unwrap_or_else(|| "a gateway whose name is not known any more".into());
        *self.there.entry(called).or_default() += 1;
        true
    }

    /// Names those that have recordings which were not looked at.
    pub(super) fn tell(self, findings: &mut Findings) {
        for (called, count) in self.there {
            let recordings = match count {
                1 => "1 recording lies".to_owned(),
                count => format!("{count} recordings lie"),
            };
            findings.note(format!(
                "{recordings} on the disk of {called}, not here: that they are there and whole, only this command shows, run there"
            ));
        }
    }
}

fn called(name: &str, nodes: &[Node]) -> String {
    let shown = neutralise(name);
    match nodes.iter().find(|node| node.name == name) {
        Some(node) => format!("the gateway {} ({shown})", node.address),
        None => format!("the gateway {shown}"),
    }
}
