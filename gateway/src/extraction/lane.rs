//! One way of a channel: what was drawn for it and is not used, from which accounts, and at which pace it goes.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ecluse_policy::Timestamp;
use tokio::sync::Notify;

use super::Way;
use super::accounts::Back;
use super::budgeted::Budgeted;
use super::pace::{Pace, Waiter};
use super::toll::lock;
use crate::clock;

/// The first slice of a channel, in bytes.
pub(super) const FIRST: u64 = 64 << 10;
/// The largest: what a channel of a gateway that dies takes with it is up to two of them.
const LARGEST: u64 = 8 << 20;
/// The smallest.
const SMALLEST: u64 = 4 << 10;
/// A slice that lasted for less is followed by a larger one; one that lasted sixteen times as long, by a smaller one.
const LASTS: Duration = Duration::from_millis(250);
/// One that lasted for less is followed by one that is four times as large, and drawn a whole slice ahead: a store that syncs its disk
/// beside recordings that are written takes about as long to answer.
const RUSHES: Duration = Duration::from_millis(60);

/// One way of a channel.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) way: Way,
    /// Whether anything bounds it.
    pub(super) bounded: AtomicBool,
    /// What was drawn and is not used.
    pub(super) slice: AtomicU64,
    /// How much was drawn last.
    pub(super) size: AtomicU64,
    /// Whether slices are used up about as fast as they are drawn.
    rushes: AtomicBool,
    /// How much was used since somebody last looked.
    pub(super) used: AtomicU64,
    /// What passed and is not booked, where nothing bounds it.
    pub(super) unbooked: AtomicU64,
    /// How fast a slowed account lets it go; 0 where none does. **Unit**: bytes a second.
    pub(super) slowed: AtomicU64,
    /// Whether it waits for turns of a pace.
    pub(super) paced: AtomicBool,
    pub(super) pace: Mutex<Option<Arc<Pace>>>,
    pub(super) waiter: Arc<Waiter>,
    pub(super) drawing: AtomicBool,
    /// An account lets nothing more pass.
    pub(super) dry: AtomicBool,
    /// It lets nothing more pass until somebody adds to it.
    pub(super) held: AtomicBool,
    /// Whoever waits for that is to look again.
    pub(super) again: Notify,
    /// What is drawn is the last: there is no more to draw while it lasts.
    pub(super) last: AtomicBool,
    pub(super) drawn: Notify,
    /// How many wait for that.
    waiting: AtomicUsize,
    pub(super) from: Mutex<From>,
}

/// What a slice was drawn from, and when.
#[derive(Debug)]
pub(super) struct From {
    pub(super) accounts: Arc<[String]>,
    pub(super) at: Option<Instant>,
    /// When the first of the accounts gives way to another, at the end of its day.
    pub(super) until: Option<Timestamp>,
}

impl Lane {
    pub(super) fn new(way: Way, rules: &Budgeted) -> Self {
        Self {
            way,
            bounded: AtomicBool::new(rules.is_bounded(way)),
            slice: AtomicU64::new(0),
            size: AtomicU64::new(FIRST / 2),
            rushes: AtomicBool::new(false),
            used: AtomicU64::new(0),
            unbooked: AtomicU64::new(0),
            slowed: AtomicU64::new(0),
            paced: AtomicBool::new(false),
            pace: Mutex::new(None),
            waiter: Waiter::new(clock::monotonic()),
            drawing: AtomicBool::new(false),
            dry: AtomicBool::new(false),
            held: AtomicBool::new(false),
            again: Notify::new(),
            last: AtomicBool::new(false),
            drawn: Notify::new(),
            waiting: AtomicUsize::new(0),
            from: Mutex::new(From {
                accounts: Arc::from([]),
                at: None,
                until: None,
            }),
        }
    }

    /// Uses what it may of `most` bytes.
    pub(super) fn spend(&self, most: u64) -> u64 {
        let mut used = 0;
        let _ = self.slice.fetch_update(SeqCst, SeqCst, |left| {
            used = left.min(most);
            Some(left - used)
        });
        self.used.fetch_add(used, Relaxed);
        used
    }

    /// The same, and where that was drawn from.
    pub(super) fn spend_from(&self, most: u64) -> Back {
        // Whoever changes that changes the slice under the same lock.
        let from = lock(&self.from);
        let used = self.spend(most);
        (Arc::clone(&from.accounts), used)
    }

    /// Whether the next slice is to be drawn.
    pub(super) fn is_low(&self) -> bool {
        let (left, size) = (self.slice.load(Relaxed), self.size.load(Relaxed));
        left < if self.rushes.load(Relaxed) {
            size
        } else {
            size / 2
        }
    }

    /// Somebody waits for something to be drawn, for as long as what is returned lives.
    pub(super) fn waits(&self) -> Waits<'_> {
        self.waiting.fetch_add(1, SeqCst);
        Waits(self)
    }

    /// Whether something of it is wanted: by whoever waits, or on behalf of a session that is held.
    pub(super) fn is_wanted(&self) -> bool {
        self.waiting.load(SeqCst) > 0 || self.held.load(SeqCst)
    }

    pub(super) fn pace(&self) -> Option<Arc<Pace>> {
        if !self.paced.load(Relaxed) {
            return None;
        }
        lock(&self.pace).clone()
    }

    pub(super) fn set_pace(&self, pace: Option<Arc<Pace>>) {
        let mut current = lock(&self.pace);
        self.paced.store(pace.is_some(), Relaxed);
        let same = match (&*current, &pace) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if same {
            return;
        }
        if let Some(left) = std::mem::replace(&mut *current, pace) {
            left.forget(&self.waiter);
        }
    }

    /// Everything that is not used, but for so much; and where it was drawn from.
    pub(super) fn take_back(&self, keeps: u64) -> Back {
        let from = lock(&self.from);
        let mut taken = 0;
        let _ = self.slice.fetch_update(SeqCst, SeqCst, |left| {
            taken = left.saturating_sub(keeps);
            Some(left - taken)
        });
        (Arc::clone(&from.accounts), taken)
    }

    /// What was drawn is there, if it is still to be; whatever is not goes back: that, or what of the last slice was drawn from
    /// other accounts.
    pub(super) fn put(
        &self,
        accounts: Arc<[String]>,
        until: Option<Timestamp>,
        bytes: u64,
        still: impl FnOnce() -> bool,
    ) -> Back {
        let mut from = lock(&self.from);
        if !still() {
            return (accounts, bytes);
        }
        from.until = until;
        let others = from.accounts != accounts;
        let old = if others {
            self.slice.swap(0, SeqCst)
        } else {
            0
        };
        let before = std::mem::replace(&mut from.accounts, accounts);
        from.at = Some(clock::monotonic());
        self.slice.fetch_add(bytes, SeqCst);
        self.size.store(bytes, SeqCst);
        self.last.store(false, SeqCst);
        (before, old)
    }

    /// How large the next slice is to be.
    pub(super) fn next_size(&self) -> u64 {
        let last = self.size.load(SeqCst);
        let lasted = lock(&self.from).at.map(|at| at.elapsed());
        let rushes = lasted.is_some_and(|lasted| lasted < RUSHES);
        self.rushes.store(rushes, Relaxed);
        match lasted {
            Some(_) if rushes => last.saturating_mul(4).clamp(FIRST, LARGEST),
            Some(lasted) if lasted >= LASTS * 16 => (last / 2).clamp(SMALLEST, LARGEST),
            Some(lasted) if lasted >= LASTS => last.clamp(SMALLEST, LARGEST),
            Some(_) | None => last.saturating_mul(2).clamp(FIRST, LARGEST),
        }
    }
}

/// Somebody who waits.
pub(super) struct Waits<'l>(&'l Lane);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, SeqCst);
    }
}
