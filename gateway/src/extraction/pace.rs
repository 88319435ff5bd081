//! How fast bytes go, and in whose turn: a bucket that fills at a rate, and a queue of those who wait for it.
//!
//! Whoever has had its turn goes to the end of the queue, so that channels share a rate evenly whatever each of them has
//! waiting. A turn is a few hundredths of a second's worth. What is small, of a channel that sends little, is let through
//! ahead and owed: the echo of a key does not wait behind a copy. What is owed is bounded, and taken from whoever comes next,
//! so that the rate holds over all.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::Way;
use crate::clock;

/// What the bucket holds at most: so much of a second's worth may go at once.
const BURST: f64 = 0.05;
/// A turn, as far as so much waits.
const TURN: f64 = 0.04;
/// What may be owed, of a second's worth.
const OWED: f64 = 0.2;
/// The largest piece that is let through ahead, in bytes.
const SMALL: u64 = 256;
/// What a channel may be let ahead of others at once, in bytes.
const AHEAD: f64 = 1024.0;
/// What of that it gets back in a second, in bytes, beside its part of the rate.
const AHEAD_AGAIN: f64 = 256.0;
/// Which part of the rate.
const AHEAD_PART: f64 = 8.0;

/// A rate that several channels share.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: f64,
    state: Mutex<State>,
}

/// The paces that the channels of a session share: one for each rate.
#[derive(Debug, Default)]
pub(crate) struct Paces(Mutex<Vec<(Way, u64, Arc<Pace>)>>);

impl Paces {
    /// The one of a rate.
    pub(super) fn of(&self, way: Way, rate: u64) -> Arc<Pace> {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, pace)) = paces.iter().find(|one| (one.0, one.1) == (way, rate)) {
            return Arc::clone(pace);
        }
        let pace = Pace::new(rate, clock::monotonic());
        paces.push((way, rate, Arc::clone(&pace)));
        pace
    }
}

#[derive(Debug)]
struct State {
    /// What may go, in bytes; owed where it is negative.
    bytes: f64,
    at: Instant,
    queue: VecDeque<Arc<Waiter>>,
}

/// One direction of a channel, as it waits for its turns.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// Whether it waits right now; one that was interrupted keeps its place and holds nobody up.
    waits: AtomicBool,
    woken: Notify,
    /// What it may be let ahead, and since when that is true.
    ahead: Mutex<(f64, Instant)>,
}

impl Waiter {
    /// It has waited for nothing yet.
    pub(crate) fn new(now: Instant) -> Arc<Self> {
        Arc::new(Self {
            waits: AtomicBool::new(false),
            woken: Notify::new(),
            ahead: Mutex::new((AHEAD, now)),
        })
    }

    /// Whether it may be let ahead with so many bytes; it was, then.
    fn goes_ahead(&self, bytes: f64, rate: f64, now: Instant) -> bool {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.saturating_duration_since(ahead.1).as_secs_f64();
        let again = since * (AHEAD_AGAIN + rate / AHEAD_PART);
        *ahead = ((ahead.0 + again).min(AHEAD), now);
        let goes = ahead.0 >= bytes;
        if goes {
            ahead.0 -= bytes;
        }
        goes
    }
}

/// Whose turn it is.
#[derive(Debug)]
enum Turn {
    /// This one's: it took so many bytes.
    Took(u64),
    /// This one's, when the bucket has filled.
    At(Instant),
    /// Another's.
    Behind,
}

impl Pace {
    /// So many bytes a second; at least one.
    pub(crate) fn new(rate: u64, now: Instant) -> Arc<Self> {
        let rate = float(rate.max(1));
        Arc::new(Self {
            rate,
            state: Mutex::new(State {
                bytes: rate * BURST,
                at: now,
                queue: VecDeque::new(),
            }),
        })
    }

    /// Waits for a turn of `waiter`; how many of `want` bytes it has. Dropped while it waits, nothing was taken, and the place
    /// in the queue is kept.
    pub(crate) async fn take(&self, want: u64, waiter: &Arc<Waiter>) -> u64 {
        if self.ahead(want, waiter, clock::monotonic()) {
            return want;
        }
        let _waiting = Waiting::of(self, waiter);
        loop {
            match self.turn(want, waiter, clock::monotonic()) {
                Turn::Took(bytes) => return bytes,
                Turn::At(instant) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(instant.into()) => {}
                        () = waiter.woken.notified() => {}
                    }
                }
                Turn::Behind => waiter.woken.notified().await,
            }
        }
    }

    /// Gives back what was taken and not sent.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.lock().bytes += float(bytes);
    }

    /// Forgets the place of a waiter that does not come again.
    pub(crate) fn forget(&self, waiter: &Arc<Waiter>) {
        let mut state = self.lock();
        state.queue.retain(|one| !Arc::ptr_eq(one, waiter));
        state.wake();
        drop(state);
        // One that waits just now comes again by itself.
        waiter.woken.notify_one();
    }

    /// Lets a small piece through ahead of its turn, where it may.
    fn ahead(&self, want: u64, waiter: &Waiter, now: Instant) -> bool {
        if want > SMALL {
            return false;
        }
        let want = float(want);
        let mut state = self.lock();
        state.fill(self.rate, now);
        let goes =
            state.bytes - want >= -self.rate * OWED && waiter.goes_ahead(want, self.rate, now);
        if goes {
            state.bytes -= want;
        }
        goes
    }

    fn turn(&self, want: u64, waiter: &Arc<Waiter>, now: Instant) -> Turn {
        let mut state = self.lock();
        state.fill(self.rate, now);
        if !state.queue.iter().any(|one| Arc::ptr_eq(one, waiter)) {
            state.queue.push_back(Arc::clone(waiter));
        }
        let first = state.queue.iter().find(|one| one.waits.load(Relaxed));
        if !first.is_some_and(|first| Arc::ptr_eq(first, waiter)) {
            return Turn::Behind;
        }
        let needed = float(want).min((self.rate * TURN).max(1.0));
        if state.bytes < needed {
            let lacks = (needed - state.bytes) / self.rate;
            // Never so soon that nothing has come by then.
            return Turn::At(now + Duration::from_secs_f64(lacks) + Duration::from_micros(1));
        }
        let bytes = want.min(whole(state.bytes)).max(1);
        state.bytes -= float(bytes);
        state.queue.retain(|one| !Arc::ptr_eq(one, waiter));
        state.wake();
        Turn::Took(bytes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fill(&mut self, rate: f64, now: Instant) {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        // A whole byte at least, always, or a slow rate would never come to one.
        self.bytes = (self.bytes + since * rate).min((rate * BURST).max(1.0));
        self.at = now;
    }

    /// Wakes whoever's turn it is.
    fn wake(&self) {
        if let Some(first) = self.queue.iter().find(|one| one.waits.load(Relaxed)) {
            first.woken.notify_one();
        }
    }
}

/// Waits, for as long as it lives.
struct Waiting<'a> {
    pace: &'a Pace,
    waiter: &'a Waiter,
}

impl<'a> Waiting<'a> {
    fn of(pace: &'a Pace, waiter: &'a Waiter) -> Self {
        waiter.waits.store(true, Relaxed);
        Self { pace, waiter }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.waiter.waits.store(false, Relaxed);
        self.pace.lock().wake();
    }
}

/// Bytes of a turn are far below where whole numbers end.
fn float(bytes: u64) -> f64 {
    bytes as f64
}

/// Not negative, and no more than a burst.
fn whole(bytes: f64) -> u64 {
    bytes.max(0.0) as u64
}

#[cfg(test)]
mod tests;
