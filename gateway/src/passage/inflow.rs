//! What a target has sent and the technician has not taken yet, on one channel.
//!
//! The task of the SSH library that reads the target waits in [`Inflow::arrived`] while too much is on its way: what is
//! not read stays with the target. Every channel may have one packet under way whatever the others hold; beyond that it
//! may hold as much as the connection's purse has left.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::purse::Purse;

/// The largest message that a target may send: the packet size that it was told, in bytes.
pub(crate) const PACKET: usize = 32 << 10;
/// What one channel may have on its way at most, in bytes.
const MOST: i64 = 2 << 20;

/// A target broke the rule of packet sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// What is on its way from the target of one channel.
#[derive(Debug)]
pub(crate) struct Inflow {
    purse: Arc<Purse>,
    /// Bytes on their way. Below zero for a moment when something was delivered before its arrival was counted.
    held: Mutex<i64>,
    /// Wakes whoever waits in [`Inflow::arrived`].
    delivered: Notify,
    abandoned: AtomicBool,
}

impl Inflow {
    /// Nothing is on its way yet.
    pub(crate) fn new(purse: Arc<Purse>) -> Arc<Self> {
        Arc::new(Self {
            purse,
            held: Mutex::default(),
            delivered: Notify::new(),
            abandoned: AtomicBool::new(false),
        })
    }

    /// Counts a message of `bytes` that was taken from the target, then waits until more may be read.
    ///
    /// # Errors
    /// [`TooLarge`] when the message is larger than the target was told that a packet may be.
    pub(crate) async fn arrived(&self, bytes: usize) -> Result<(), TooLarge> {
        if bytes > PACKET {
            return Err(TooLarge);
        }
        self.change(signed(bytes));
        loop {
            let delivered = self.delivered.notified();
            if self.abandoned.load(SeqCst) || self.held() <= self.purse.spare().clamp(0, MOST) {
                return Ok(());
            }
            delivered.await;
        }
    }

    /// `data`, counted until the last part of it is dropped: until it is encrypted for the technician.
    pub(crate) fn hold(self: &Arc<Self>, data: Bytes) -> Bytes {
        Bytes::from_owner(Held {
            data,
            inflow: Arc::clone(self),
        })
    }

    /// A message of `bytes` without data was dealt with.
    pub(crate) fn passed(&self, bytes: usize) {
        self.change(-signed(bytes));
        self.delivered.notify_one();
    }

    /// Nobody takes anything any more: whatever still arrives is thrown away.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, SeqCst);
        self.delivered.notify_one();
    }

    fn held(&self) -> i64 {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, bytes: i64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let before = beyond_a_packet(*held);
        *held += bytes;
        let after = beyond_a_packet(*held);
        // One packet was paid for when the channel was opened.
        if after > before {
            self.purse.take(after - before);
        } else {
            self.purse.give_back(before - after);
        }
    }
}

impl Drop for Inflow {
    fn drop(&mut self) {
        self.purse.give_back(beyond_a_packet(self.held()));
    }
}

/// Bytes of the target on their way to the technician.
struct Held {
    data: Bytes,
    inflow: Arc<Inflow>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.inflow.passed(self.data.len());
    }
}

fn beyond_a_packet(held: i64) -> usize {
    usize::try_from(held - signed(PACKET)).unwrap_or(0)
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn inflow(common: &Arc<Purse>) -> Arc<Inflow> {
        Inflow::new(Purse::of_connection(common))
    }

    /// The target is read on as long as the technician takes what arrives, and no longer.
    #[tokio::test]
    async fn a_target_is_held_until_something_is_delivered() {
        let common = Purse::common(1 << 30);
        let inflow = inflow(&common);
        let mut queued = Vec::new();
        while let Some(arrived) = inflow.arrived(PACKET).now_or_never() {
            arrived.unwrap();
            queued.push(inflow.hold(Bytes::from(vec![7; PACKET])));
        }
        queued.push(inflow.hold(Bytes::from(vec![7; PACKET])));
        assert_eq!(queued.len(), 65, "two MiB and the packet that was too much");
        let waiting = Arc::clone(&inflow);
        let waiting = tokio::spawn(async move { waiting.arrived(1).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        let part = queued.pop().unwrap().slice(..10);
        queued.pop();
        tokio::task::yield_now().await;
        assert!(
            !waiting.is_finished(),
            "a part of a packet is still on its way"
        );
        drop(part);
        waiting.await.unwrap().unwrap();
        drop(queued);
        inflow.passed(1);
        drop(inflow);
        assert_eq!(common.free(), 1 << 30);
    }

    /// An empty purse slows a channel to one packet at a time; it does not stop it.
    #[tokio::test]
    async fn without_a_purse_one_packet_at_a_time_passes() {
        let common = Purse::common(0);
        let inflow = inflow(&common);
        for _ in 0..3 {
            let arriving = Arc::clone(&inflow);
            let arriving = tokio::spawn(async move { arriving.arrived(PACKET).await });
            tokio::task::yield_now().await;
            assert!(!arriving.is_finished());
            drop(inflow.hold(Bytes::from(vec![7; PACKET])));
            arriving.await.unwrap().unwrap();
        }
        assert_eq!(common.free(), 0);
    }

    #[tokio::test]
    async fn an_abandoned_target_is_not_waited_for_and_a_giant_is_refused() {
        let common = Purse::common(0);
        let inflow = inflow(&common);
        inflow.abandon();
        inflow.arrived(PACKET).await.unwrap();
        assert_eq!(inflow.arrived(PACKET + 1).await, Err(TooLarge));
    }
}
