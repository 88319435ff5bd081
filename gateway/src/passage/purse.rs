//! What peers may make the gateway keep, counted by real size and bounded (F5).
//!
//! Every connection has a [`Purse`], and all connections together have one. Whatever a peer can fill is taken out of
//! both before it is filled: the credit granted to a client and not yet used, what is queued of it, what a target sent
//! and the technician has not taken, what a channel costs by being open. What nobody asks the purse for has a fixed
//! size, which [`PER_CONNECTION`] and [`PER_CHANNEL`] hold, and `ecluse check` adds it all up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use ecluse_policy::PersonId;

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

/// What the recording of a session takes while it is written, at most: its buffer, which holds one frame (1 MiB and what
/// is around it, sealed in place), its header (256 KiB), an event on its way, and the session itself.
pub(crate) const RECORDING: u64 = 2 << 20;

/// How many times what a connection holds must be left in the common purse.
const FAIR: i64 = 8;
/// How many times what a person holds, on all their connections, must be left in it.
const FAIR_TO_PEOPLE: i64 = 1;
/// What part of the common purse only operators take: their hand on a session waits for nobody's memory (I5).
const KEPT_FOR_OPERATORS: i64 = 8;

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
    /// Whose connection it is, once somebody has logged on.
    owner: OnceLock<Owner>,
    /// What each person holds, in the common purse.
    people: Mutex<HashMap<PersonId, Weak<AtomicI64>>>,
    /// Whether a session has the place that every connection has for one recording.
    recorded: AtomicBool,
}

/// Who has logged on on a connection.
#[derive(Debug)]
struct Owner {
    operator: bool,
    /// What they hold on all their connections.
    held: Arc<AtomicI64>,
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
            owner: OnceLock::new(),
            people: Mutex::default(),
            recorded: AtomicBool::new(false),
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
            owner: OnceLock::new(),
            people: Mutex::default(),
            recorded: AtomicBool::new(false),
        })
    }

    /// Somebody has logged on on the connection of this purse. Only the first counts.
    pub(crate) fn belongs_to(&self, person: &PersonId, operator: bool) {
        let Some(common) = &self.common else { return };
        let mut people = common.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.retain(|_, held| held.strong_count() > 0);
        let held = people
            .get(person)
            .and_then(Weak::upgrade)
            .unwrap_or_default();
        people.insert(person.clone(), Arc::downgrade(&held));
        drop(people);
        let so_far = self.used.load(SeqCst) + self.beside.load(SeqCst);
        if self
            .owner
            .set(Owner {
                operator,
                held: Arc::clone(&held),
            })
            .is_ok()
        {
            held.fetch_add(so_far, SeqCst);
        }
    }

    /// What may still be lent, in bytes; negative when more was taken than there is.
    ///
    /// Of the common purse a connection holds no more than a part of what it leaves to others ([`FAIR`]), and a person no
    /// more than another part on all their connections ([`FAIR_TO_PEOPLE`]): the more is taken the less each may hold, and
    /// there is something left for whoever comes next. The last of it is for operators alone.
    pub(crate) fn free(&self) -> i64 {
        let used = self.used.load(SeqCst);
        let own = self.bound - used;
        let Some(common) = &self.common else {
            return own;
        };
        let left = common.free();
        let owner = self.owner.get();
        if owner.is_some_and(|owner| owner.operator) {
            return own.min(left);
        }
        let left = left - common.bound / KEPT_FOR_OPERATORS;
        let held = used + self.beside.load(SeqCst);
        let of_person = owner.map_or(0, |owner| owner.held.load(SeqCst));
        own.min((left - FAIR * held) / (FAIR + 1))
            .min((left - FAIR_TO_PEOPLE * of_person) / (FAIR_TO_PEOPLE + 1))
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
        self.change_in_common(bytes);
    }

    fn change(&self, bytes: i64) {
        self.used.fetch_add(bytes, SeqCst);
        self.change_in_common(bytes);
    }

    fn change_in_common(&self, bytes: i64) {
        if let Some(common) = &self.common {
            common.used.fetch_add(bytes, SeqCst);
        }
        if let Some(owner) = self.owner.get() {
            owner.held.fetch_add(bytes, SeqCst);
        }
    }
}

impl Drop for Purse {
    /// The connection is gone, and all that was kept for it.
    fn drop(&mut self) {
        self.change_in_common(-self.used.load(SeqCst) - self.beside.load(SeqCst));
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

/// Something of a size of its own, lent out of the common purse alone, and given back on drop.
#[derive(Debug)]
pub(crate) struct Place {
    purse: Arc<Purse>,
    bytes: usize,
}

impl Place {
    /// Nothing yet, out of what a connection may hold.
    pub(crate) fn none(purse: &Arc<Purse>) -> Self {
        let purse = Arc::clone(purse);
        Self { purse, bytes: 0 }
    }

    /// Lends until it is so many; false, and as before, where there are not so many.
    pub(crate) fn grows_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let enough = more == 0 || self.purse.lend_beside(0, more);
        if enough {
            self.bytes += more;
        }
        enough
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.purse.give_back_beside(0, self.bytes);
    }
}

/// What pays for the recording of one session, given back on drop.
///
/// A connection has one session as a rule, and the recording of one is counted with every connection
/// ([`crate::memory::caps`]). Those beside it are lent out of the common purse, within what one connection and one person
/// may hold of it.
#[derive(Debug)]
pub(crate) struct RecordingPlace {
    purse: Arc<Purse>,
    /// Lent out of the common purse; zero for the one that is counted with its connection.
    beside: usize,
}

impl RecordingPlace {
    /// A place for one more recording; none where the purse has not so much.
    pub(crate) fn lend(purse: &Arc<Purse>) -> Option<Self> {
        let beside = if purse.recorded.swap(true, SeqCst) {
            usize::try_from(RECORDING).unwrap_or(usize::MAX)
        } else {
            0
        };
        if beside > 0 && !purse.lend_beside(0, beside) {
            return None;
        }
        Some(Self {
            purse: Arc::clone(purse),
            beside,
        })
    }
}

impl Drop for RecordingPlace {
    fn drop(&mut self) {
        if self.beside > 0 {
            self.purse.give_back_beside(0, self.beside);
        } else {
            self.purse.recorded.store(false, SeqCst);
        }
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
        // Two channels and what they have under way.
        assert!(late.lend(MIB));
        assert!(common.free() >= 0);
    }

    /// F5: the first recording of a connection is counted with it; each one beside it is lent, refused where there is not so
    /// much, and given back.
    #[test]
    fn recordings_beside_the_first_are_lent_and_come_back() {
        const EACH: i64 = RECORDING as i64;
        let common = Purse::common(64 << 20);
        let purse = Purse::of_connection(&common);
        let first = RecordingPlace::lend(&purse).unwrap();
        assert_eq!(common.free(), 64 << 20, "counted with the connection");
        let second = RecordingPlace::lend(&purse).unwrap();
        assert_eq!(common.free(), (64 << 20) - EACH);
        let mut more = Vec::new();
        while let Some(place) = RecordingPlace::lend(&purse) {
            more.push(place);
            assert!(more.len() < 32, "a connection has as many as it likes");
        }
        // The place of the connection itself is there again, whatever else is not.
        drop(first);
        let again = RecordingPlace::lend(&purse).unwrap();
        assert!(RecordingPlace::lend(&purse).is_none());
        drop((again, second, more));
        assert_eq!(common.free(), 64 << 20, "all comes back");
    }

    fn person(name: &str) -> PersonId {
        PersonId::parse(name).unwrap()
    }

    /// F5, I5: one person on as many connections as they like leaves room to others, and everybody together to operators.
    #[test]
    fn one_greedy_person_leaves_room_for_others_and_all_for_operators() {
        let common = Purse::common(1 << 30);
        let greedy = |name: &str| {
            let purses: Vec<_> = (0..500).map(|_| Purse::of_connection(&common)).collect();
            for purse in &purses {
                purse.belongs_to(&person(name), false);
                while purse.lend_beside(96 << 10, 261 << 10) {}
            }
            purses
        };
        let alice = greedy("alice");
        let bruno = Purse::of_connection(&common);
        bruno.belongs_to(&person("bruno"), false);
        assert!(bruno.lend(4 * MIB), "alice took all");
        let others: Vec<_> = (0..20).map(|n| greedy(&format!("t{n}"))).collect();
        let late = Purse::of_connection(&common);
        late.belongs_to(&person("zoe"), false);
        assert!(!late.lend_beside(8 * MIB, 0), "there was no crowd");
        let odile = Purse::of_connection(&common);
        odile.belongs_to(&person("odile"), true);
        assert!(odile.lend(8 * MIB), "nothing was kept for operators");
        drop((alice, bruno, others, late, odile));
        assert_eq!(common.free(), 1 << 30, "all comes back");
        assert!(
            common
                .people
                .lock()
                .unwrap()
                .values()
                .all(|held| held.strong_count() == 0)
        );
    }
}
