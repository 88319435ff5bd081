//! Sessions of which the log tells neither an end nor a seal. One may be in passage, here or on another gateway; one whose
//! gateway is not there ends on record when that one starts again, or is taken out; and of one whose gateway has started
//! since, the end is missing: each start ends what it finds left open.

use std::collections::BTreeMap;

use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::neutralise;
use ecluse_recordings::verify::Verdict;

use super::since::since;
use super::verify::{Findings, Known, SessionSeen};
use crate::live::node_name;
use crate::store::{Node, ServeLock};

/// The gateways as they are now, each by the digest of its name.
struct Gateways {
    /// The digest of this data directory's own name.
    own: String,
    /// Whether one serves from it.
    serves: bool,
    /// Whether others may share the store.
    shared: bool,
    nodes: BTreeMap<String, Node>,
}

impl Gateways {
    async fn read(known: Known<'_>) -> anyhow::Result<Self> {
        let data_dir = &known.settings.data_dir;
        let nodes = known.store.gateways().await?;
        let nodes = nodes.into_iter();
        Ok(Self {
            own: sha256_hex(node_name::name(data_dir)?.as_bytes()),
            serves: ServeLock::is_held(data_dir)?,
            shared: known.store.may_be_shared(),
            nodes: nodes
                .map(|node| (sha256_hex(node.name.as_bytes()), node))
                .collect(),
        })
    }

    /// Why the gateway that recorded a session is not there to end it; none where it is.
    fn absence(&self, digest: &str) -> Option<String> {
        if !self.shared || digest == self.own {
            return (!self.serves).then(|| {
                "this gateway, which does not serve now: its end comes on record when it starts"
                    .to_owned()
            });
        }
        let Some(node) = self.nodes.get(digest) else {
            return Some("a gateway that shares the store no more: see ecluse nodes".to_owned());
        };
        let silent = match node.silent {
            _ if !node.is_lost() => return None,
            Some(silent) => format!("was not heard of for {} s", silent.as_secs()),
            None => "was last heard of in the future".to_owned(),
        };
        Some(format!(
            "the gateway {}, which {silent}: its end comes on record when that one starts again, or is taken out: ecluse nodes remove {}",
            node.address,
            neutralise(&node.name)
        ))
    }
}

/// Names those whose end is missing, and notes those that were left open. `started` is the last start of each gateway, by
/// the digest of its name.
pub(super) async fn judge(
    known: Known<'_>,
    sessions: &BTreeMap<String, SessionSeen>,
    started: &BTreeMap<String, u64>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let open = sessions
        .iter()
        .filter(|(_, seen)| !(seen.ended || seen.said.is_sealed() || seen.destroyed));
    let mut gateways = None;
    for (session, seen) in open {
        // In entries from before that was told, nobody knows which gateway it was.
        let Some((began, node)) = seen.said.began().zip(seen.said.node()) else {
            continue;
        };
        let number = seen.number.unwrap_or(0);
        if let Some(again) = started.get(node).filter(|again| **again > began) {
            findings.add(
                Verdict::Missing,
                format!(
                    "session #{number}, which began with entry {began}: no entry says that it ended, though its gateway started again with entry {again}, and each start ends what was left open: its row was away or not as it was written then, or the end was kept off the log"
                ),
            );
            continue;
        }
        let gateways = match &gateways {
            Some(gateways) => gateways,
            None => gateways.insert(Gateways::read(known).await?),
        };
        // Of whom something is on record since the moment that is verified, somebody was there.
        if let Some(absence) = gateways.absence(node)
            && !since(known, session).await?.anything
        {
            findings.note(format!(
                "session #{number}, which began with entry {began}, was left open by {absence}"
            ));
        }
    }
    Ok(())
}
