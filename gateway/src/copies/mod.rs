//! Copies that leave the machine as events arise (R8): what an administrator of this machine can no longer rewrite.
//!
//! Each client's document names where its copies go: a syslog receiver over TLS for its entries and all checkpoints
//! ([`syslog`]), directories and web hooks for checkpoints ([`places`]). Only a client's own entries go to its receiver,
//! never another's nor the gateway's own (R9). The store is the spool: what was not taken is read again from there, by a
//! cursor of each destination, so that neither an absence nor a restart loses anything or fills memory. Sending decides
//! nothing and holds nothing up: a session does not wait for a receiver. Of several nodes on one store, one sends to each
//! destination ([`lease`]).

mod absence;
mod delivery;
mod directory;
mod lease;
mod message;
mod places;
mod syslog;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tls;
mod web_hook;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::documents::{Certificates, CheckpointPlace, Client, SyslogReceiver};
use ecluse_policy::{ClientId, Documents};
use ecluse_recordings::log::{Extension, SignedNote};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub(crate) use self::absence::{Absences, Away};
use self::lease::Lease;
use crate::secrets;
use crate::store::{Applied, Store, StoreError};

/// First and longest pause before a destination is tried again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// A place that copies go to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Destination {
    /// Entries and checkpoints.
    Syslog(SyslogReceiver),
    /// Checkpoints; with the authority that a web hook's certificate may come from, beside the system's.
    Place(CheckpointPlace, Option<Certificates>),
}

/// As documents write it; also its name in the store.
impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syslog(receiver) => write!(f, "tls://{}", receiver.address),
            Self::Place(place, _) => place.fmt(f),
        }
    }
}

/// What each sender is given.
struct Errand {
    store: Store,
    client: ClientId,
    /// The destination's name in the store, with the client's: one receiver may serve two clients.
    key: String,
    absence: absence::Watch,
    stop: watch::Receiver<bool>,
}

/// What all senders share.
#[derive(Clone)]
struct Sending {
    store: Store,
    absences: Absences,
    /// Names this gateway among those that share the store.
    node: String,
}

/// The senders.
pub(crate) struct Copies {
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Copies {
    /// Sends what the documents in force ask for, until [`Copies::finish`]. `node` names this gateway among those that
    /// share the store.
    pub(crate) fn start(
        store: &Store,
        documents: watch::Receiver<Arc<Applied>>,
        absences: &Absences,
        node: &str,
    ) -> Self {
        let (stop, stopping) = watch::channel(false);
        let sending = Sending {
            store: store.clone(),
            absences: absences.clone(),
            node: node.to_owned(),
        };
        let work = follow(sending, documents, stopping);
        Self {
            task: tokio::spawn(work),
            stop,
        }
    }

    /// Sends what there still is to where it arrives, and closes in order; at most for `patience`. What is left is sent
    /// after the next start.
    pub(crate) async fn finish(mut self, patience: Duration) {
        self.stop.send_replace(true);
        if tokio::time::timeout(patience, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
            tracing::info!("some copies are sent after the next start");
        }
    }
}

/// Keeps one sender for each destination that the documents name.
async fn follow(
    sending: Sending,
    mut documents: watch::Receiver<Arc<Applied>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut senders = JoinSet::new();
    let mut running = BTreeMap::new();
    loop {
        let wanted = destinations(&documents.borrow_and_update().documents);
        running.retain(
            |key, (destination, client, sender): &mut (_, ClientId, tokio::task::AbortHandle)| {
                let stays = wanted
                    .get(key)
                    .is_some_and(|(_, wanted)| wanted == destination)
                    && !sender.is_finished();
                if !stays {
                    sender.abort();
                    let absences = &sending.absences;
                    absences.clear(client, &destination.to_string());
                }
                stays
            },
        );
        for (key, (client, destination)) in wanted {
            if running.contains_key(&key) {
                continue;
            }
            let work = send(
                sending.clone(),
                client.clone(),
                key.clone(),
                destination.clone(),
                stop.clone(),
            );
            let sender = senders.spawn(work);
            running.insert(key, (destination, client, sender));
        }
        tokio::select! {
            changed = documents.changed() => if changed.is_err() { break },
            () = stopped(&mut stop) => break,
            Some(ended) = senders.join_next() => {
                // A sender ends by itself only where it failed for good.
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(%error, "a sender of copies ended; it begins anew");
                    pause(&mut PAUSE.1.clone(), &mut stop).await;
                }
            }
        }
    }
    while senders.join_next().await.is_some() {}
}

/// By their names in the store.
fn destinations(documents: &Documents) -> BTreeMap<String, (ClientId, Destination)> {
    documents
        .clients()
        .values()
        .flat_map(of_client)
        .map(|(client, destination)| (format!("{client} {destination}"), (client, destination)))
        .collect()
}

fn of_client(client: &Client) -> impl Iterator<Item = (ClientId, Destination)> {
    let copies = &client.copies;
    let authority = copies.syslog.as_ref().map(|syslog| &syslog.authority);
    let places = copies
        .checkpoints
        .iter()
        .map(move |place| Destination::Place(place.clone(), authority.cloned()));
    let syslog = copies.syslog.iter().cloned().map(Destination::Syslog);
    syslog
        .chain(places)
        .map(|destination| (client.id.clone(), destination))
}

/// Sends to one destination while this node has the lease of it.
async fn send(
    sending: Sending,
    client: ClientId,
    key: String,
    destination: Destination,
    mut stop: watch::Receiver<bool>,
) {
    let Sending {
        store,
        absences,
        node,
    } = sending;
    let lease = Lease::new(&store, &key, &node, lease::LASTS);
    let name = destination.to_string();
    let mut wait = PAUSE.0;
    loop {
        // Those who wait are told of absences too, by what is on record.
        let begun = absence::Watch::begin(&store, &absences, &client, &name, absence::PASSING);
        let begun = async { Ok::<_, StoreError>((begun.await?, lease.take().await?)) };
        let absence = match begun.await {
            Ok((absence, true)) => absence,
            Ok((_, false)) => {
                tracing::debug!(%client, destination = name, "another node sends copies");
                if pause(&mut lease.looked_at_every(), &mut stop).await {
                    return;
                }
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "copies cannot begin: the store does not answer");
                if pause(&mut wait, &mut stop).await {
                    return;
                }
                continue;
            }
        };
        wait = PAUSE.0;
        let errand = Errand {
            store: store.clone(),
            client: client.clone(),
            key: key.clone(),
            absence,
            stop: stop.clone(),
        };
        tokio::select! {
            () = run(errand, &destination) => break,
            () = lease.keep() => tracing::info!(%client, destination = name, "another node sends copies now"),
        }
    }
    lease.give_back().await;
}

/// Sends until told to stop.
async fn run(errand: Errand, destination: &Destination) {
    match destination {
        Destination::Syslog(receiver) => syslog::run(errand, receiver).await,
        Destination::Place(place, authority) => {
            places::run(errand, place, authority.as_ref()).await;
        }
    }
}

/// Waits before a destination is tried again, each time longer; whether to stop.
async fn pause(wait: &mut Duration, stop: &mut watch::Receiver<bool>) -> bool {
    // Half of it by chance, so that the senders of many gateways do not come all at once.
    let [chance] = secrets::random::<1>().unwrap_or([0]);
    let now = wait.mul_f32(0.5 + f32::from(chance) / 512.0);
    *wait = (*wait * 2).min(PAUSE.1);
    tokio::select! {
        () = tokio::time::sleep(now) => false,
        () = stopped(stop) => true,
    }
}

/// Returns once it is time to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever would say so is gone where it fails.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The checkpoints that a destination does not have, oldest first, at most `limit`, each with the proof that it extends
/// the one before. A destination that has none (`next` is 0) begins with the latest.
async fn checkpoints_since(
    store: &Store,
    next: u64,
    limit: u32,
) -> Result<Vec<(u64, Extension)>, StoreError> {
    let notes = if next == 0 {
        store.latest_checkpoint().await?.into_iter().collect()
    } else {
        store.checkpoints(next, limit).await?
    };
    let mut old = next.saturating_sub(1);
    let mut extensions = Vec::new();
    for note in notes {
        let size = size_of(&note)?;
        extensions.push((size, extension(store, old, note).await?));
        old = size;
    }
    Ok(extensions)
}

/// `note` with the proof that it extends the checkpoint of `old` entries.
async fn extension(store: &Store, old: u64, note: SignedNote) -> Result<Extension, StoreError> {
    let size = size_of(&note)?;
    let proof = if old == 0 {
        Vec::new()
    } else {
        store.consistency(old, size).await?
    };
    Ok(Extension { old, proof, note })
}

fn size_of(note: &SignedNote) -> Result<u64, StoreError> {
    let signed = note.unverified().map_err(|error| StoreError::Malformed {
        column: "note",
        problem: error.to_string(),
    })?;
    Ok(signed.size)
}
