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
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::absence::Gone;
pub(crate) use self::absence::{Absences, Away};
use self::lease::Lease;
use crate::secrets;
use crate::store::{Applied, Store, StoreError, TrailHead, read};

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
    farewell: Farewell,
}

/// Up to which size of the journal everything has still to arrive at a destination that no document names any more,
/// before its sender ends; none while one names it.
type Farewell = watch::Receiver<Option<u64>>;

impl Errand {
    /// Whether the destination has everything that it is still owed, the change that takes it away above all, with a
    /// checkpoint that covers it; checkpoints from the size `next` on are still to be sent.
    fn is_farewell_said(&self, next: u64) -> bool {
        self.farewell.borrow().is_some_and(|upto| next > upto)
    }
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

/// A sender at work.
struct Running {
    client: ClientId,
    destination: Destination,
    task: tokio::task::AbortHandle,
    farewell: watch::Sender<Option<u64>>,
    /// Whether nothing arrives there now.
    gone: Gone,
}

impl Running {
    /// What there is up to `size` is the last that it sends.
    fn says_farewell(&self, size: u64) {
        self.farewell
            .send_if_modified(|upto| upto.replace(upto.unwrap_or(size)).is_none());
    }
}

/// All of them, by the names of their destinations in the store.
struct Senders {
    sending: Sending,
    stop: watch::Receiver<bool>,
    tasks: JoinSet<()>,
    /// Told whenever one is away.
    stir: Arc<Notify>,
    running: BTreeMap<String, Running>,
}

impl Senders {
    fn start(&mut self, key: &str, client: ClientId, destination: Destination, owed: Option<u64>) {
        let (farewell, told) = watch::channel(owed);
        let gone = Gone::beside(&self.stir);
        let task = self.tasks.spawn(send(
            self.sending.clone(),
            client.clone(),
            key.to_owned(),
            destination.clone(),
            self.stop.clone(),
            told,
            gone.clone(),
        ));
        let running = Running {
            client,
            destination,
            task,
            farewell,
            gone,
        };
        self.running.insert(key.to_owned(), running);
    }

    /// Sends to those that are wanted. One that no document names any more is first sent what says so: who turns copies
    /// off does not do it behind the back of whoever receives them.
    fn follow(&mut self, mut wanted: Wanted, size: u64) {
        let absences = &self.sending.absences;
        self.running.retain(|key, running| {
            if running.task.is_finished() {
                absences.clear(&running.client, &running.destination.to_string());
                return false;
            }
            match wanted.get(key) {
                Some((_, destination)) if *destination == running.destination => {
                    running.farewell.send_replace(None);
                    wanted.remove(key);
                    true
                }
                // The same address, to be trusted otherwise: what says so goes first to whoever was trusted until then, as
                // to a receiver that is taken away. Where nothing arrives there any more, nobody is left to tell.
                Some(_) if running.gone.is() => {
                    running.task.abort();
                    absences.clear(&running.client, &running.destination.to_string());
                    false
                }
                Some(_) => {
                    wanted.remove(key);
                    running.says_farewell(size);
                    true
                }
                None => {
                    running.says_farewell(size);
                    true
                }
            }
        });
        for (key, (client, destination)) in wanted {
            self.start(&key, client, destination, None);
        }
    }

    /// Whether one is still owed a farewell.
    fn owes(&self) -> bool {
        self.running
            .values()
            .any(|running| !running.task.is_finished() && running.farewell.borrow().is_some())
    }
}

/// Keeps one sender for each destination that the documents name, and for each that they named and that does not know
/// yet.
async fn follow(
    sending: Sending,
    mut documents: watch::Receiver<Arc<Applied>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut senders = Senders {
        sending,
        stop: stop.clone(),
        tasks: JoinSet::new(),
        stir: Arc::default(),
        running: BTreeMap::new(),
    };
    let (store, stir) = (senders.sending.store.clone(), Arc::clone(&senders.stir));
    let first = Arc::clone(&documents.borrow());
    if let Err(error) = farewells_owed(&mut senders, &first).await {
        tracing::error!(%error, "who was sent copies before is not known");
    }
    loop {
        let applied = Arc::clone(&documents.borrow_and_update());
        // The change itself is an entry by now.
        let size = store.journal_size().await.unwrap_or(u64::MAX - 1);
        senders.follow(destinations(&applied.documents), size);
        if !senders.owes()
            && let Err(error) = store.set_copies_followed(applied.version).await
        {
            tracing::error!(%error, "which documents copies follow could not be kept");
        }
        tokio::select! {
            changed = documents.changed() => if changed.is_err() { break },
            () = stopped(&mut stop) => break,
            // One that is to be trusted otherwise waits no longer for who was.
            () = stir.notified() => {}
            Some(ended) = senders.tasks.join_next() => {
                // A sender ends by itself only where it said farewell, or failed for good.
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(%error, "a sender of copies ended; it begins anew");
                    pause(&mut PAUSE.1.clone(), &mut stop).await;
                }
            }
        }
    }
    while senders.tasks.join_next().await.is_some() {}
}

/// Begins to say farewell to those that an earlier run sent copies to and that the documents do not name any more, or not
/// in this way.
async fn farewells_owed(senders: &mut Senders, applied: &Applied) -> Result<(), StoreError> {
    let store = senders.sending.store.clone();
    let Some(version) = store.copies_followed().await? else {
        return Ok(());
    };
    if version == applied.version {
        return Ok(());
    }
    let texts = store.document_texts(version).await?;
    // What does not read names nobody.
    let Ok(before) = read(&texts) else {
        return Ok(());
    };
    let wanted = destinations(&applied.documents);
    let size = store.journal_size().await?;
    for (key, (client, destination)) in destinations(&before) {
        let stays = wanted.get(&key).is_some_and(|(_, now)| *now == destination);
        if !stays {
            senders.start(&key, client, destination, Some(size));
        }
    }
    Ok(())
}

/// Destinations by their names in the store, and whose they are.
type Wanted = BTreeMap<String, (ClientId, Destination)>;

/// By their names in the store.
fn destinations(documents: &Documents) -> Wanted {
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
    farewell: Farewell,
    gone: Gone,
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
            Ok((absence, true)) => absence.telling(gone.clone()),
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
            farewell: farewell.clone(),
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

/// How far the client's own trail had come at a checkpoint: with each checkpoint it is told, so that a trail whose end
/// was cut off shows.
async fn trail_of(errand: &Errand, size: u64) -> Result<Option<TrailHead>, StoreError> {
    errand.store.trail_at(&errand.client, size).await
}
