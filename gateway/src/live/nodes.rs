//! The gateways that share the store, and the sessions that others of them carry.

use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::{AsOperator, HostPort, Intervention, SessionId};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use super::alone::Own;
use super::node_name::NameError;
use crate::clock;
use crate::gateway::Gateway;
use crate::store::{HEARD_WITHIN, LEASE, Node, Session, SessionQuery, StoreError, Topics};
use crate::texts::Unreadable;

/// How often a node says that it is here: thrice within a lease, so that one failure loses nobody.
const RENEWED_EVERY: Duration = Duration::from_secs(3);
const _: () = assert!(RENEWED_EVERY.as_secs() * 3 < LEASE.as_secs());
const _: () = assert!(LEASE.as_secs() + RENEWED_EVERY.as_secs() <= HEARD_WITHIN.as_secs());

/// Says that this node is here for as long as the gateway runs, and ends what it carries and the log has as ended. Tells
/// `taken` once another gateway is found to serve under its name. Where no other can share the store, to have said it at the
/// start is enough.
pub(crate) async fn stay(gateway: Arc<Gateway>, mut own: Own, taken: oneshot::Sender<NameError>) {
    if !gateway.store.may_be_shared() {
        return;
    }
    let mut changes = gateway.store.changes(Topics::orders());
    let mut renewals = tokio::time::interval(RENEWED_EVERY);
    renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                // It may have been taken out.
                end_outlived(&gateway).await;
                continue;
            }
            _ = renewals.tick() => {}
        }
        end_outlived(&gateway).await;
        gateway
            .live
            .agreement
            .look(&gateway.store, &own.serving())
            .await;
        match own.renew(&gateway.store).await {
            Ok(()) => {}
            Err(error @ NameError::Taken { .. }) => {
                let _ = taken.send(error);
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "the store does not hear that this gateway is here; its sessions are shown as lost until it does");
            }
        }
    }
}

/// Ends what is in passage here and has ended on record: this node was taken out while the store did not hear of it, and
/// lives. Their true ends are put on record as they close (`store/outlived.rs`).
async fn end_outlived(gateway: &Gateway) {
    let carried = gateway.live.all();
    if carried.is_empty() {
        return;
    }
    let ids: Vec<SessionId> = carried.iter().map(|session| session.facts().id).collect();
    match gateway.store.ended_on_record(&ids).await {
        Ok(ended) => {
            for session in gateway.live.end_outlived(&ended) {
                tracing::error!(
                    number = session.facts().number,
                    "a session in passage here has ended on record: this gateway was taken out while it lived; the session ends now"
                );
            }
        }
        Err(error) => tracing::debug!(%error, "the ends on record are not known"),
    }
}

/// A session that another node carries.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    /// As the store has it.
    pub(crate) session: Session,
    /// Its intervention, where it reads.
    pub(crate) intervention: Option<Intervention>,
    /// Which node; none where the store knows of no such node any more.
    node: Option<Node>,
}

impl Remote {
    /// Its node, as people call it.
    pub(crate) fn node(&self) -> String {
        let address = self.node.as_ref().map(|node| node.address.to_string());
        address.unwrap_or_else(|| self.session.start.node.clone())
    }

    /// Where people reach its node; none where it was not heard of, and the session is lost with it.
    pub(crate) fn address(&self) -> Option<&HostPort> {
        let heard = self.node.as_ref().filter(|node| !node.is_lost());
        heard.map(|node| &node.address)
    }

    /// How long its node was not heard of, where that is known.
    pub(crate) fn silent(&self) -> Option<Duration> {
        self.node.as_ref().and_then(|node| node.silent)
    }
}

/// The sessions of the operator's client that other nodes carry, by number, and whether there are several nodes at all.
///
/// # Errors
/// The store failed.
pub(crate) async fn elsewhere(
    gateway: &Gateway,
    by: &AsOperator<'_>,
) -> Result<(Vec<Remote>, bool), StoreError> {
    let query = SessionQuery {
        client: Some(by.client().clone()),
        // A row with an end of which the log knows nothing hides no session.
        unended: true,
        ..SessionQuery::default()
    };
    let store = &gateway.store;
    let nodes = store.gateways().await?;
    let mut found = Vec::new();
    for fault in store.open_without_row(&query).await? {
        if let Err(error) = store.tell_session_fault(&fault, clock::now()).await {
            tracing::warn!(%error, "what is wrong with a session of the table is not on record yet");
        }
    }
    for session in store.sessions(&query).await?.into_iter().rev() {
        if session.start.node == gateway.node {
            continue;
        }
        if let Some(fault) = &session.fault
            && let Err(error) = store.tell_session_fault(fault, clock::now()).await
        {
            tracing::warn!(%error, "what is wrong with a session of the table is not on record yet");
        }
        let node = nodes.iter().find(|node| node.name == session.start.node);
        found.push(Remote {
            // What stands beside the session only: one that does not read hides none.
            intervention: store
                .intervention(session.start.intervention)
                .await
                .unwrap_or_default(),
            node: node.cloned(),
            session,
        });
    }
    let several = !found.is_empty() || nodes.iter().any(|node| node.name != gateway.node);
    Ok((found, several))
}

/// Why a recording cannot be shown: what another gateway recorded, and is not here, lies there.
pub(crate) async fn there(gateway: &Gateway, session: &Session, problem: Unreadable) -> Unreadable {
    let node = &session.start.node;
    // The row is what the log says, or its word about the gateway is nobody's.
    let is_here = *node == gateway.node || !gateway.store.may_be_shared();
    if problem != Unreadable::NotThere || is_here || session.fault.is_some() {
        return problem;
    }
    // Without its address it is called by its name.
    let nodes = gateway.store.gateways().await.unwrap_or_default();
    let known = nodes.iter().find(|one| one.name == *node);
    Unreadable::Elsewhere {
        node: known.map_or_else(|| node.clone(), |known| known.address.to_string()),
    }
}
