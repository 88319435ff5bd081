//! How many connections may be open, before and after log-on (F5, invariant 10).
//!
//! Pure counting: the accept loop takes a [`Place`] before it spends anything on a stranger and the place is given back
//! when the connection ends, however it ends. Before log-on there are three pools of places that lend one another nothing
//! (which of them is a source's, policy says); after it so many places a person, and some that operators alone take.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecluse_policy::PersonId;
use ecluse_policy::documents::Pool;

/// The bounds; zero means that nobody enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Connections of one source at a time.
    pub(crate) per_source: usize,
    /// Waiting connections from operators' and auditors' networks.
    pub(crate) operators: usize,
    /// Waiting connections from stations' networks.
    pub(crate) stations: usize,
    /// Waiting connections from everywhere else.
    pub(crate) everybody: usize,
    /// Of these, from one source.
    pub(crate) everybody_per_source: usize,
    /// From so many of these on, newcomers are dropped at random.
    pub(crate) drop_from: usize,
    /// Connections that have logged on.
    pub(crate) total: usize,
    /// Of these, of one person.
    pub(crate) per_person: usize,
    /// Of `total`, what nobody but operators takes.
    pub(crate) kept_for_operators: usize,
}

impl Bounds {
    const fn of(&self, pool: Pool) -> usize {
        match pool {
            Pool::Operators => self.operators,
            Pool::Stations => self.stations,
            Pool::Everybody => self.everybody,
        }
    }

    /// Waiting connections of one source. Of a pool that is somebody's, it leaves half to the others; strangers get less.
    const fn of_source(&self, pool: Pool) -> usize {
        match pool {
            Pool::Operators | Pool::Stations => self.of(pool).div_ceil(2),
            Pool::Everybody => self.everybody_per_source,
        }
    }
}

/// Why a connection found no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// This source has its share.
    Source,
    /// It was dropped at random, while there still were places.
    Early,
    /// The pool is full.
    Pool,
    /// This person has their share.
    Person,
    /// This person has logged on more often within a minute than anybody does.
    Often,
    /// All places after log-on are taken, but perhaps those kept for operators.
    Total,
}

/// Which pool a source is in, by the documents in force.
pub(crate) struct Sorting<'s> {
    /// The version of the documents.
    pub(crate) version: u64,
    /// Asks them.
    pub(crate) pool_of: &'s dyn Fn(IpAddr) -> Pool,
}

#[derive(Debug, Default)]
struct Counts {
    /// The documents by which connections stand in their pools.
    version: u64,
    next: u64,
    waiting: HashMap<u64, Waiting>,
    pools: BTreeMap<Pool, usize>,
    sources: HashMap<IpAddr, Count>,
    inside: usize,
    /// Of those inside, who are no operators.
    others: usize,
    people: HashMap<PersonId, usize>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    source: IpAddr,
    pool: Pool,
}

#[derive(Debug, Default)]
struct Count {
    open: usize,
    waiting: BTreeMap<Pool, usize>,
}

/// The counters of all doors.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    bounds: Bounds,
    counts: Arc<Mutex<Counts>>,
}

/// One connection's place; given back on drop.
#[derive(Debug)]
pub(crate) struct Place {
    budget: Budget,
    source: IpAddr,
    stands: Stands,
}

#[derive(Debug)]
enum Stands {
    Waiting(u64),
    Inside { person: PersonId, operator: bool },
    Nowhere,
}

impl Budget {
    /// An empty budget with these bounds.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            counts: Arc::default(),
        }
    }

    /// Takes a place for a stranger from `source`; `chance` is any number, as likely as another.
    ///
    /// Connections that wait move to another pool as soon as other documents are in force, even over its bound: nobody is
    /// cut for it, and it takes nobody else in.
    ///
    /// # Errors
    /// The pool, and [`Full`], when a bound is reached; nothing was counted then.
    pub(crate) fn enter(
        &self,
        source: IpAddr,
        sorting: &Sorting<'_>,
        chance: u32,
    ) -> Result<Place, (Pool, Full)> {
        let pool = (sorting.pool_of)(source);
        let mut counts = self.counts();
        counts.sort_anew(sorting);
        let waiting = counts.pools.get(&pool).copied().unwrap_or_default();
        if let Some(full) = self.full(&counts, source, pool, waiting, chance) {
            return Err((pool, full));
        }
        let number = counts.next;
        counts.next += 1;
        counts.waiting.insert(number, Waiting { source, pool });
        *counts.pools.entry(pool).or_default() += 1;
        let of_source = counts.sources.entry(prefix(source)).or_default();
        of_source.open += 1;
        *of_source.waiting.entry(pool).or_default() += 1;
        Ok(Place {
            budget: self.clone(),
            source,
            stands: Stands::Waiting(number),
        })
    }

    fn full(
        &self,
        counts: &Counts,
        source: IpAddr,
        pool: Pool,
        waiting: usize,
        chance: u32,
    ) -> Option<Full> {
        let bounds = &self.bounds;
        let (open, of_source) = counts
            .sources
            .get(&prefix(source))
            .map(|count| (count.open, count.waiting.get(&pool).copied()))
            .unwrap_or_default();
        // The source first: who takes too much hears that, and not that all is full.
        if open >= bounds.per_source || of_source.unwrap_or_default() >= bounds.of_source(pool) {
            return Some(Full::Source);
        }
        if waiting >= bounds.of(pool) {
            return Some(Full::Pool);
        }
        let early = match pool {
            Pool::Operators | Pool::Stations => false,
            Pool::Everybody => is_dropped(waiting, bounds.drop_from, bounds.everybody, chance),
        };
        early.then_some(Full::Early)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Puts every connection that waits into the pool that is its source's by the documents in force.
    fn sort_anew(&mut self, sorting: &Sorting<'_>) {
        if self.version == sorting.version {
            return;
        }
        self.version = sorting.version;
        self.pools.clear();
        for count in self.sources.values_mut() {
            count.waiting.clear();
        }
        for waiting in self.waiting.values_mut() {
            waiting.pool = (sorting.pool_of)(waiting.source);
            *self.pools.entry(waiting.pool).or_default() += 1;
            if let Some(count) = self.sources.get_mut(&prefix(waiting.source)) {
                *count.waiting.entry(waiting.pool).or_default() += 1;
            }
        }
    }

    /// The connection of this number waits no more.
    fn leave(&mut self, number: u64) {
        let Some(Waiting { source, pool }) = self.waiting.remove(&number) else {
            return;
        };
        one_less(self.pools.get_mut(&pool));
        if let Some(count) = self.sources.get_mut(&prefix(source)) {
            one_less(count.waiting.get_mut(&pool));
        }
    }
}

/// Every place was counted when it was taken.
fn one_less(count: Option<&mut usize>) {
    if let Some(count) = count {
        *count = count.saturating_sub(1);
    }
}

impl Place {
    /// Somebody has logged on: takes a place inside for them.
    ///
    /// # Errors
    /// [`Full`] when there is none; they wait no more either.
    pub(crate) fn logged_on(&mut self, person: &PersonId, operator: bool) -> Result<(), Full> {
        let number = match self.stands {
            Stands::Waiting(number) => number,
            Stands::Inside { .. } => return Ok(()),
            // They were sent away.
            Stands::Nowhere => return Err(Full::Total),
        };
        self.stands = Stands::Nowhere;
        self.budget.counts().leave(number);
        self.enter_inside(person, operator)
    }

    fn enter_inside(&mut self, person: &PersonId, operator: bool) -> Result<(), Full> {
        let bounds = self.budget.bounds;
        let mut counts = self.budget.counts();
        if counts.people.get(person).copied().unwrap_or_default() >= bounds.per_person {
            return Err(Full::Person);
        }
        let for_others = bounds.total.saturating_sub(bounds.kept_for_operators);
        if counts.inside >= bounds.total || (!operator && counts.others >= for_others) {
            return Err(Full::Total);
        }
        counts.inside += 1;
        counts.others += usize::from(!operator);
        *counts.people.entry(person.clone()).or_default() += 1;
        drop(counts);
        self.stands = Stands::Inside {
            person: person.clone(),
            operator,
        };
        Ok(())
    }
}

impl Place {
    /// A place inside for a connection that goes by a channel of this one.
    ///
    /// # Errors
    /// [`Full`] when there is none.
    pub(crate) fn within(&self) -> Result<Self, Full> {
        let Stands::Inside { person, operator } = &self.stands else {
            return Err(Full::Total);
        };
        let mut counts = self.budget.counts();
        let of_source = counts.sources.entry(prefix(self.source)).or_default();
        if of_source.open >= self.budget.bounds.per_source {
            return Err(Full::Source);
        }
        of_source.open += 1;
        drop(counts);
        // Given back with its source, where there is no place inside.
        let mut place = Self {
            budget: self.budget.clone(),
            source: self.source,
            stands: Stands::Nowhere,
        };
        place.enter_inside(person, *operator)?;
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.budget.counts();
        match &self.stands {
            Stands::Waiting(number) => counts.leave(*number),
            Stands::Inside { person, operator } => {
                counts.inside = counts.inside.saturating_sub(1);
                counts.others = counts.others.saturating_sub(usize::from(!operator));
                one_less(counts.people.get_mut(person));
                if counts.people.get(person) == Some(&0) {
                    counts.people.remove(person);
                }
            }
            Stands::Nowhere => {}
        }
        let source = prefix(self.source);
        if let Some(count) = counts.sources.get_mut(&source) {
            count.open = count.open.saturating_sub(1);
            if count.open == 0 {
                counts.sources.remove(&source);
            }
        }
    }
}

/// Whether a newcomer is dropped although there is a place: never below `from`, always at `full`, and between them the more
/// surely the more there are, so that a flood never fills the last places at once (random early drop, as `MaxStartups` of
/// OpenSSH). `chance` is any number, as likely as another.
fn is_dropped(waiting: usize, from: usize, full: usize, chance: u32) -> bool {
    if waiting >= full {
        return true;
    }
    let (above, span) = (waiting.saturating_sub(from), full.saturating_sub(from));
    // chance / 2^32 < above / span, without fractions; a usize is a u64 at most.
    u128::from(chance) * (span as u128) < ((above as u128) << 32)
}

/// What counts as one source: an IPv4 address, or an IPv6 /64, which one subscriber holds whole.
pub(crate) fn prefix(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}
