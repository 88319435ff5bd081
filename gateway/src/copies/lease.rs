//! Which of the nodes on one store sends copies to a destination: one at a time, so that each message goes out once.
//!
//! A lease stands in the store for some seconds, is renewed while its node sends, given back at an orderly end, and anybody's
//! once it ran out. Nodes compare it with their own clocks: where those differ widely, two may send for a while and messages
//! arrive twice. None is lost either way, since how far copies have gone stands in the store and never goes back.

use std::time::Duration;

use ecluse_policy::Span;

use crate::clock;
use crate::store::{Store, StoreError};

/// How long a lease lasts: so long after a node died another takes over.
pub(super) const LASTS: Duration = Duration::from_secs(30);

/// The right of one node to send to one destination.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    store: Store,
    destination: String,
    node: String,
    lasts: Duration,
}

impl Lease {
    /// Of `node`, to send to `destination`, by its name in the store. Nothing is taken yet.
    pub(super) fn new(store: &Store, destination: &str, node: &str, lasts: Duration) -> Self {
        Self {
            store: store.clone(),
            destination: destination.to_owned(),
            node: node.to_owned(),
            lasts,
        }
    }

    /// How often it is renewed, and looked at by those who wait for it.
    pub(super) fn looked_at_every(&self) -> Duration {
        self.lasts / 3
    }

    /// Takes or renews it. `false` while another node has it.
    pub(super) async fn take(&self) -> Result<bool, StoreError> {
        let lasts = Span::from_micros(u64::try_from(self.lasts.as_micros()).unwrap_or(u64::MAX));
        let (destination, node) = (&self.destination, &self.node);
        self.store
            .lease_copies(destination, node, lasts, clock::now())
            .await
    }

    /// Renews it, and returns once it may be another node's.
    pub(super) async fn keep(&self) {
        let mut taken = clock::monotonic();
        loop {
            tokio::time::sleep(self.looked_at_every()).await;
            let asked = clock::monotonic();
            match self.take().await {
                Ok(true) => taken = asked,
                Ok(false) => return,
                Err(error) => {
                    tracing::debug!(%error, destination = self.destination, "the lease of copies is not renewed");
                    if taken.elapsed() >= self.lasts {
                        return;
                    }
                }
            }
        }
    }

    /// Gives it back, so that another node need not wait.
    pub(super) async fn give_back(&self) {
        let given = self.store.end_lease(&self.destination, &self.node).await;
        if let Err(error) = given {
            tracing::debug!(%error, destination = self.destination, "the lease of copies runs out by itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::copies::tests::{act, client};
    use crate::store::testing::on_each_engine;
    use crate::store::{Copied, Topics};

    /// Short, for tests; far longer than a statement takes.
    const SHORT: Duration = Duration::from_secs(3);
    const KEY: &str = "hopital tls://receiver:6514";

    type Received = Arc<Mutex<Vec<(&'static str, u64)>>>;

    /// Sends as a node does, to a receiver that remembers who sent what.
    async fn deliver(store: Store, node: &'static str, receiver: Received) {
        let lease = Lease::new(&store, KEY, node, SHORT);
        loop {
            if !lease.take().await.unwrap() {
                tokio::time::sleep(lease.looked_at_every()).await;
                continue;
            }
            tokio::select! {
                () = send(&store, node, &receiver) => {}
                () = lease.keep() => {}
            }
        }
    }

    async fn send(store: &Store, node: &'static str, receiver: &Received) {
        let mut changes = store.changes(Topics::copied_to(&client("hopital")));
        loop {
            changes.mark_unchanged();
            let copied = store.copied(KEY).await.unwrap();
            let next = copied.map_or(1, |copied| copied.next_entry);
            let entries = store.trail(&client("hopital"), next - 1, 1000).await;
            for entry in entries.unwrap() {
                receiver.lock().unwrap().push((node, entry.seq));
                let copied = Copied {
                    next_entry: entry.seq + 1,
                    next_checkpoint: 0,
                    at: clock::now(),
                };
                store.set_copied(KEY, copied).await.unwrap();
            }
            let _ = changes.changed().await;
        }
    }

    async fn arrived(receiver: &Received, count: usize) {
        let waiting = async {
            while receiver.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting)
            .await
            .unwrap();
    }

    /// R8: what two nodes have to send arrives once, and goes on arriving when the one that sent is gone.
    #[test]
    fn r8_two_nodes_send_each_message_once_and_one_takes_over() {
        on_each_engine(async |store| {
            let receiver = Received::default();
            let other = store.as_another_process().await;
            let one = tokio::spawn(deliver(store.store.clone(), "one", Arc::clone(&receiver)));
            act(store, "hopital", 3).await;
            arrived(&receiver, 3).await;
            let two = tokio::spawn(deliver(other.clone(), "two", Arc::clone(&receiver)));
            for round in 1..=5 {
                act(store, "hopital", 3).await;
                arrived(&receiver, 3 + round * 3).await;
            }
            one.abort();
            let _ = one.await;
            act(store, "hopital", 4).await;
            arrived(&receiver, 22).await;
            two.abort();
            let _ = two.await;
            let received = receiver.lock().unwrap().clone();
            let sequence: Vec<u64> = received.iter().map(|(_, seq)| *seq).collect();
            assert_eq!(
                sequence,
                (1..=22).collect::<Vec<_>>(),
                "once each, in order"
            );
            let by = |node| received.iter().filter(|(by, _)| *by == node).count();
            assert_eq!((by("one"), by("two")), (18, 4));
            other.close().await;
        });
    }

    #[test]
    fn a_lease_is_one_nodes_until_it_runs_out_or_is_given_back() {
        on_each_engine(async |store| {
            let lease = |node| Lease::new(store, KEY, node, LASTS);
            let (one, two) = (lease("one"), lease("two"));
            assert!(one.take().await.unwrap());
            assert!(one.take().await.unwrap(), "renewed");
            assert!(!two.take().await.unwrap());
            two.give_back().await;
            assert!(!two.take().await.unwrap(), "it was not its own to give");
            one.give_back().await;
            assert!(two.take().await.unwrap());
            let at = |seconds| ecluse_policy::Timestamp::from_secs(seconds);
            let take = async |node, key, seconds| {
                let taken = store.lease_copies(key, node, Span::from_secs(30), at(seconds));
                taken.await.unwrap()
            };
            assert!(take("one", "another", 1000).await);
            assert!(!take("two", "another", 1029).await);
            assert!(take("two", "another", 1030).await);
            // Taken by a clock that ran far ahead and was put right: nobody waits for it.
            assert!(take("one", "third", 9_000_000).await);
            assert!(take("two", "third", 1000).await);
        });
    }
}
