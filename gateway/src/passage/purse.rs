//! What peers may make the gateway keep, counted by real size and bounded (F5).
//!
//! Every connection has a [`Purse`], and all connections together have one. Whatever a peer can fill is taken out of
//! both before it is filled: the credit granted to a client and not yet used, what is queued of it, what a target sent
//! and the technician has not taken, what a channel costs by being open. What nobody asks the purse for has a fixed
//! size, which [`PER_CONNECTION`] and [`PER_CHANNEL`] hold, and `ecluse check` adds it all up.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

/// What one connection may have queued and granted, all its channels and both legs, in bytes.
pub(crate) const CONNECTION: u64 = 16 << 20;
/// What a connection costs beside its purse, at most: the states of the SSH library, a packet (256 KiB), what is read
/// ahead (128 KiB), what is encrypted and not yet sent (half a MiB).
pub(crate) const PER_CONNECTION: u64 = 1 << 20;
/// What an open channel costs beside what is queued on it, at most: the target's leg, as [`PER_CONNECTION`] and smaller,
/// and requests of [`REQUESTS`].
pub(crate) const PER_CHANNEL: usize = (256 << 10) + REQUESTS;
/// What the requests of a channel may take without being counted one by one, so that no ordinary one fails because the
/// other channels are busy.
const REQUESTS: usize = 64 << 10;
/// What the SSH library keeps of every channel until its connection ends, even of one that was closed.
pub(crate) const TRACE: usize = 5 << 10;

/// How many times what a connection holds must be left in the common purse.
const FAIR: i64 = 8;

/// An amount of memory to be lent and given back.
#[derive(Debug)]
pub(crate) struct Purse {
    bound: i64,
    used: AtomicI64,
    /// Taken out of the common purse alone: what has a fixed size.
    beside: AtomicI64,
    /// Kept for channels that may still be opened.
    reserved: AtomicI64,
    /// The purse of all connections; none for that one itself.
    common: Option<Arc<Purse>>,
}

impl Purse {
    /// The purse of all connections together, with `bound` bytes.
    pub(crate) fn common(bound: u64) -> Arc<Self> {
        Arc::new(Self {
            bound: i64::try_from(bound).unwrap_or(i64::MAX),
            used: AtomicI64::new(0),
            beside: AtomicI64::new(0),
            reserved: AtomicI64::new(0),
            common: None,
        })
    }

    /// The purse of one connection.
    pub(crate) fn of_connection(common: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self {
            bound: i64::try_from(CONNECTION).unwrap_or(i64::MAX),
            used: AtomicI64::new(0),
            beside: AtomicI64::new(0),
            reserved: AtomicI64::new(0),
            common: Some(Arc::clone(common)),
        })
    }

    /// What may still be lent, in bytes; negative when more was taken than there is.
    ///
    /// Of the common purse a connection holds no more than a part of what it leaves to others ([`FAIR`]): the more is
    /// taken the less each may hold, and there is something left for whoever comes next.
    pub(crate) fn free(&self) -> i64 {
        let used = self.used.load(SeqCst);
        let own = self.bound - used;
        match &self.common {
            Some(common) => {
                let held = used + self.beside.load(SeqCst);
                own.min((common.free() - FAIR * held) / (FAIR + 1))
            }
            None => own,
        }
    }

    /// As [`Purse::free`], without what is kept for channels that may still be opened.
    pub(crate) fn spare(&self) -> i64 {
        let own = self.bound - self.used.load(SeqCst) - self.reserved.load(SeqCst);
        own.min(self.free())
    }

    /// Keeps `bytes` more for channels that may still be opened, or less.
    pub(crate) fn reserve(&self, bytes: i64) {
        self.reserved.fetch_add(bytes, SeqCst);
    }

    /// Takes `bytes` whatever is left: for what has arrived and cannot be sent back.
    pub(crate) fn take(&self, bytes: usize) {
        self.change(signed(bytes));
    }

    /// Gives back what was taken or lent.
    pub(crate) fn give_back(&self, bytes: usize) {
        self.change(-signed(bytes));
    }

    /// Lends `bytes` if there are so many to spare.
    #[must_use]
    pub(crate) fn lend(&self, bytes: usize) -> bool {
        self.take(bytes);
        let enough = self.spare() >= 0;
        if !enough {
            self.give_back(bytes);
        }
        enough
    }

    /// Lends `bytes` to a channel that is opened, and `beside` them out of the common purse alone.
    #[must_use]
    pub(crate) fn lend_beside(&self, bytes: usize, beside: usize) -> bool {
        self.take(bytes);
        self.change_beside(signed(beside));
        let enough = self.free() >= 0;
        if !enough {
            self.give_back_beside(bytes, beside);
        }
        enough
    }

    /// Gives back what [`Purse::lend_beside`] lent.
    pub(crate) fn give_back_beside(&self, bytes: usize, beside: usize) {
        self.give_back(bytes);
        self.change_beside(-signed(beside));
    }

    fn change_beside(&self, bytes: i64) {
        self.beside.fetch_add(bytes, SeqCst);
        if let Some(common) = &self.common {
            common.change(bytes);
        }
    }

    fn change(&self, bytes: i64) {
        self.used.fetch_add(bytes, SeqCst);
        if let Some(common) = &self.common {
            common.change(bytes);
        }
    }
}

impl Drop for Purse {
    /// The connection is gone, and all that was kept for it.
    fn drop(&mut self) {
        if let Some(common) = &self.common {
            common.change(-self.used.load(SeqCst) - self.beside.load(SeqCst));
        }
    }
}

/// Something taken out of a purse, given back on drop.
#[derive(Debug)]
pub(crate) struct Charge {
    purse: Arc<Purse>,
    bytes: usize,
}

impl Charge {
    /// Lends `bytes` if there are so many.
    pub(crate) fn lend(purse: &Arc<Purse>, bytes: usize) -> Option<Self> {
        purse.lend(bytes).then(|| Self {
            purse: Arc::clone(purse),
            bytes,
        })
    }

    /// Takes `bytes` whatever is left.
    pub(crate) fn take(purse: &Arc<Purse>, bytes: usize) -> Self {
        purse.take(bytes);
        Self {
            purse: Arc::clone(purse),
            bytes,
        }
    }
}

/// What the requests of one channel are paid for with.
#[derive(Debug, Default)]
pub(crate) struct RequestCosts {
    prepaid: usize,
    charges: Vec<Charge>,
}

impl RequestCosts {
    /// Pays for `bytes` more; false when the purse is empty and they are more than every channel has.
    pub(crate) fn pay(&mut self, purse: &Arc<Purse>, bytes: usize) -> bool {
        if self.prepaid + bytes <= REQUESTS {
            self.prepaid += bytes;
            return true;
        }
        Charge::lend(purse, bytes)
            .map(|charge| self.charges.push(charge))
            .is_some()
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.purse.give_back(self.bytes);
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// F5: what one connection keeps is bounded, and all of it comes back.
    #[test]
    fn a_connection_is_lent_its_bound_and_no_more() {
        let common = Purse::common(1 << 30);
        let purse = Purse::of_connection(&common);
        let held: Vec<_> = (0..20).filter_map(|_| Charge::lend(&purse, MIB)).collect();
        assert_eq!(held.len(), 16);
        drop(held);
        purse.take(3 * MIB);
        drop(purse);
        assert_eq!(common.free(), 1 << 30);
    }

    /// Ordinary requests pass whatever the other channels hold; large ones are counted.
    #[test]
    fn ordinary_requests_need_no_purse() {
        let empty = Purse::common(0);
        let mut costs = RequestCosts::default();
        assert!(costs.pay(&empty, 60 << 10));
        assert!(!costs.pay(&empty, 8 << 10));
        assert!(costs.pay(&empty, 4 << 10));
        assert!(costs.pay(&Purse::common(1 << 20), 8 << 10));
    }

    /// F5: the greedy leave something to whoever comes next.
    #[test]
    fn many_greedy_connections_leave_room_for_another() {
        let common = Purse::common(1 << 30);
        let purses: Vec<_> = (0..64).map(|_| Purse::of_connection(&common)).collect();
        for purse in &purses {
            while purse.lend(64 << 10) {}
        }
        let late = Purse::of_connection(&common);
        assert!(late.lend(4 * MIB));
        assert!(common.free() >= 0);
    }
}
