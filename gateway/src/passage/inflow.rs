//! What a target has sent and the technician has not taken yet, on one channel, and when more of it is read.
//!
//! A target is slowed below the SSH library, at its socket ([`Gate`]): what is not read stays with the target, whose own
//! window then ends. The library's task goes on meanwhile, so that what the technician sends is always on its way
//! (`adr/0026-held-at-the-socket.md`). Every channel may have one packet under way whatever the others hold; beyond that it
//! may hold as much as the connection's purse has left.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};

use super::connection::LITTLE;
use super::purse::Purse;
use crate::clock;
use crate::door::stream::Gate;

/// The largest message that a target may send: the packet size that it was told, in bytes.
pub(crate) const PACKET: usize = 32 << 10;
/// The window that a target is given, in bytes: what it may have sent that is not read yet.
pub(crate) const WINDOW: u32 = 2 << 20;
/// What one channel may have on its way at most, in bytes.
const MOST: i64 = 2 << 20;
/// What output that nobody takes leaves of the purse, in bytes: with less, what technicians send would be slowed as well.
const LEFT: i64 = LITTLE + LITTLE / 2;
/// What a channel may have beyond that while something for the target cannot go out: all that a target may have sent before
/// the packet that lets it, an adjustment of its window or its part in a renewal of keys.
const WHILE_OWING: i64 = WINDOW as i64 + 2 * PACKET as i64;
/// How long something for the target waits before more is read for its sake.
const PATIENCE: Duration = Duration::from_millis(50);
/// What a message costs beside its payload, in bytes.
const MESSAGE: usize = 128;

/// A target broke the rule of packet sizes: by a message of so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge(pub(crate) usize);

/// What is on its way from the target of one channel.
#[derive(Debug)]
pub(crate) struct Inflow {
    purse: Arc<Purse>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes on their way.
    held: i64,
    /// What was sent towards the target and is not enciphered for it yet: how many things, and since when none moved.
    owed: usize,
    unmoved_since: Option<Instant>,
    /// What was on its way when more began to be read for the sake of what is owed, and what of that is paid for by what
    /// the purse keeps for channels that may still be opened: what the technician sends is not to be slowed by it.
    owing_from: Option<i64>,
    borrowed: i64,
    /// Ends the patience with what is owed.
    patience: Option<Pin<Box<Sleep>>>,
    /// Whoever waits at the gate.
    reader: Option<Waker>,
    abandoned: bool,
}

impl Inflow {
    /// Nothing is on its way yet.
    pub(crate) fn new(purse: Arc<Purse>) -> Arc<Self> {
        Arc::new(Self {
            purse,
            state: Mutex::default(),
        })
    }

    /// `data`, which has arrived, counted until the last part of it is dropped: until it is enciphered for the technician.
    ///
    /// # Errors
    /// [`TooLarge`] when the message is larger than the target was told that a packet may be.
    pub(crate) fn hold(self: &Arc<Self>, data: Bytes) -> Result<Bytes, TooLarge> {
        let weight = self.weigh(data.len())?;
        Ok(Bytes::from_owner(Held {
            data,
            _weight: weight,
        }))
    }

    /// A message with a payload of `bytes` has arrived; it counts until what is returned is dropped.
    ///
    /// # Errors
    /// [`TooLarge`] as above.
    pub(crate) fn weigh(self: &Arc<Self>, bytes: usize) -> Result<Weight, TooLarge> {
        if bytes > PACKET {
            return Err(TooLarge(bytes));
        }
        let bytes = bytes + MESSAGE;
        self.change(|state| state.hold(&self.purse, signed(bytes)));
        Ok(Weight {
            bytes,
            inflow: Arc::clone(self),
        })
    }

    /// `data` for the target, owed to it until the last part is enciphered.
    pub(crate) fn owing(self: &Arc<Self>, data: Bytes) -> Bytes {
        self.change(|state| {
            state.owed += 1;
            state.unmoved_since.get_or_insert_with(now);
        });
        Bytes::from_owner(Owed {
            data,
            inflow: Arc::clone(self),
        })
    }

    /// Nobody takes anything any more: whatever still arrives is thrown away.
    pub(crate) fn abandon(&self) {
        self.change(|state| state.abandoned = true);
    }

    /// Whether [`Inflow::abandon`] was called.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then lets whoever waits at the gate look again.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl State {
    /// So many bytes more are on their way, or less.
    fn hold(&mut self, purse: &Purse, bytes: i64) {
        let before = beyond_a_packet(self.held);
        self.held += bytes;
        let after = beyond_a_packet(self.held);
        // One packet was paid for when the channel was opened.
        if after > before {
            purse.take(after - before);
        } else {
            purse.give_back(before - after);
        }
        self.borrow(purse);
    }

    fn owing_from(&mut self, purse: &Purse, from: Option<i64>) {
        self.owing_from = from;
        self.borrow(purse);
    }

    fn borrow(&mut self, purse: &Purse) {
        let borrowed = self.owing_from.map_or(0, |from| (self.held - from).max(0));
        purse.reserve(self.borrowed - borrowed);
        self.borrowed = borrowed;
    }
}

impl Gate for Inflow {
    fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()> {
        let spare = self.purse.spare();
        let mut state = self.lock();
        if state.abandoned || state.held <= (spare - LEFT).clamp(0, MOST) {
            state.owing_from(&self.purse, None);
            return Poll::Ready(());
        }
        let from = state.owing_from.unwrap_or(state.held);
        if let Some(since) = state.unmoved_since
            && state.held <= from + WHILE_OWING
            && self.purse.free() > 0
        {
            let until = since + PATIENCE;
            let patience = state
                .patience
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
            if patience.deadline() != until {
                patience.as_mut().reset(until);
            }
            if patience.as_mut().poll(cx).is_ready() {
                state.owing_from(&self.purse, Some(from));
                return Poll::Ready(());
            }
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Counts a message of the target for as long as it is on its way.
#[derive(Debug)]
pub(crate) struct Weight {
    bytes: usize,
    inflow: Arc<Inflow>,
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.inflow
            .change(|state| state.hold(&self.inflow.purse, -signed(self.bytes)));
    }
}

/// Bytes of the target on their way to the technician.
struct Held {
    data: Bytes,
    _weight: Weight,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

/// Bytes on their way to the target.
struct Owed {
    data: Bytes,
    inflow: Arc<Inflow>,
}

impl AsRef<[u8]> for Owed {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        self.inflow.change(|state| {
            state.owed -= 1;
            state.unmoved_since = (state.owed > 0).then(now);
        });
    }
}

fn now() -> Instant {
    clock::monotonic().into()
}

fn beyond_a_packet(held: i64) -> usize {
    usize::try_from(held - signed(PACKET + MESSAGE)).unwrap_or(0)
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
