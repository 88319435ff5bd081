//! `ecluse nodes`: the gateways that share the store, and taking out one that does not come back.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use ecluse_recordings::neutralise;

use super::administrator;
use super::check::counted;
use crate::clock;
use crate::faces::commands::out::outln;
use crate::live::node_name;
use crate::settings::Settings;
use crate::store::{HEARD_WITHIN, Node, ServeLock, Store};

/// List the gateways that share the store: name, address, when each was heard of, and its open sessions.
///
/// A gateway that stops in order is not listed any more.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Nodes {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Take out a gateway that does not come back, on record: its sessions end at the last word about each, orders to it are
    /// given up, and `live` and `cut` speak of it no more.
    ///
    /// It takes 13 s, in which it may be heard of: one that lives is not taken out, nor is this data directory's own. Its
    /// recordings are on its disk alone. One that comes back all the same ends what it still carries, begins anew and seals them.
    Remove {
        /// Its name, or its address where only one has that.
        #[arg(value_name = "NAME")]
        node: String,
    },
}

impl Nodes {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        match &self.act {
            None => list(store, settings).await,
            Some(Act::Remove { node }) => remove(store, settings, node).await,
        }
    }
}

async fn list(store: &Store, settings: &Settings) -> anyhow::Result<()> {
    let own = node_name::name(&settings.data_dir)?;
    // Its own is not told by the store, where it may have renewed at its start only.
    let serves = ServeLock::is_held(&settings.data_dir)?;
    let (nodes, faults) = store.gateways_and_faults().await?;
    let mut open = store.open_by_node().await?;
    for node in &nodes {
        let open = open.remove(&node.name).unwrap_or(0);
        let here = if node.name == own { ", this one" } else { "" };
        outln!(
            "{}: {}, {}, {}{here}",
            neutralise(&node.name),
            node.address,
            heard(node, serves && node.name == own, store.may_be_shared()),
            counted(usize::try_from(open).unwrap_or(usize::MAX), "open session")
        );
    }
    if serves && !nodes.iter().any(|node| node.name == own) {
        open.entry(own.clone()).or_insert(0);
    }
    for (name, open) in open {
        let state = if serves && name == own {
            "serving, this one; its row is missing in the store"
        } else {
            "not heard of"
        };
        outln!(
            "{}: {state}, {}",
            neutralise(name),
            counted(usize::try_from(open).unwrap_or(usize::MAX), "open session")
        );
    }
    for fault in faults {
        outln!("{fault}");
    }
    Ok(())
}

fn heard(node: &Node, serves: bool, is_renewed: bool) -> String {
    if serves && !(is_renewed && node.is_lost()) {
        return "serving".to_owned();
    }
    match (node.is_lost(), node.silent) {
        (true, Some(silent)) if serves => format!(
            "serving, but the store has not heard of it for {} s",
            silent.as_secs()
        ),
        (false, _) => "heard of lately".to_owned(),
        (true, Some(silent)) => format!("lost: not heard of for {} s", silent.as_secs()),
        (true, None) => "lost: when it was heard of does not read".to_owned(),
    }
}

async fn remove(store: &Store, settings: &Settings, typed: &str) -> anyhow::Result<()> {
    let name = named(&store.gateways().await?, typed);
    if name == node_name::name(&settings.data_dir)? {
        let name = neutralise(&name);
        if ServeLock::is_held(&settings.data_dir)? {
            anyhow::bail!(
                "the gateway {name} is this data directory's own and serves now: it carries its own sessions; stop it in order, which ends them"
            );
        }
        anyhow::bail!(
            "the gateway {name} is this data directory's own: its sessions end on record when it starts next; run: ecluse serve"
        );
    }
    outln!(
        "Looking for {} s at most whether {} is heard of.",
        HEARD_WITHIN.as_secs(),
        neutralise(&name)
    );
    let removed = store
        .remove_node(&name, &administrator(), HEARD_WITHIN, clock::now)
        .await?;
    let numbers: Vec<String> = removed.sessions.iter().map(u64::to_string).collect();
    outln!("{} is taken out.", neutralise(&name));
    if !numbers.is_empty() {
        outln!(
            "Ended on record as lost with it: session {}.",
            numbers.join(", ")
        );
    }
    if removed.orders > 0 {
        outln!(
            "Given up: {}.",
            counted(
                usize::try_from(removed.orders).unwrap_or(usize::MAX),
                "order"
            )
        );
    }
    Ok(())
}

/// The name of the one node that is called so.
fn named(nodes: &[Node], typed: &str) -> String {
    let mut by_address: BTreeMap<String, Vec<&Node>> = BTreeMap::new();
    for node in nodes {
        by_address
            .entry(node.address.to_string())
            .or_default()
            .push(node);
    }
    match by_address.get(typed).map(Vec::as_slice) {
        Some([node]) if !nodes.iter().any(|node| node.name == typed) => node.name.clone(),
        Some(_) | None => typed.to_owned(),
    }
}
