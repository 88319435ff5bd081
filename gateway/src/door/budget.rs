//! How many connections may be open, in all and per source, before and after authentication (F5, invariant 10).
//!
//! Pure counting: the accept loop takes a [`Place`] before it spends anything on a stranger and the place is given back
//! when the connection ends, however it ends.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The bounds; zero means that nobody enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Connections of one source at a time.
    pub(crate) per_source: usize,
    /// Connections at a time, in all.
    pub(crate) total: usize,
    /// Connections that have not authenticated, in all.
    pub(crate) unauthenticated: usize,
    /// Connections of one source that have not authenticated.
    pub(crate) unauthenticated_per_source: usize,
}

/// Why a connection found no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// This source has its share.
    Source,
    /// The gateway is full.
    Total,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    open: usize,
    strangers: usize,
}

#[derive(Debug, Default)]
struct Counts {
    all: Count,
    sources: HashMap<IpAddr, Count>,
}

/// The counters of one listener.
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
    stranger: bool,
}

impl Budget {
    /// An empty budget with these bounds.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            counts: Arc::default(),
        }
    }

    /// Takes a place for a stranger from `source`.
    ///
    /// # Errors
    /// [`Full`] when a bound is reached; nothing was counted then.
    pub(crate) fn enter(&self, source: IpAddr) -> Result<Place, Full> {
        let source = prefix(source);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_source = counts.sources.get(&source).copied().unwrap_or_default();
        if counts.all.open >= self.bounds.total
            || counts.all.strangers >= self.bounds.unauthenticated
        {
            return Err(Full::Total);
        }
        if of_source.open >= self.bounds.per_source
            || of_source.strangers >= self.bounds.unauthenticated_per_source
        {
            return Err(Full::Source);
        }
        counts.all.open += 1;
        counts.all.strangers += 1;
        counts.sources.insert(
            source,
            Count {
                open: of_source.open + 1,
                strangers: of_source.strangers + 1,
            },
        );
        Ok(Place {
            budget: self.clone(),
            source,
            stranger: true,
        })
    }
}

impl Place {
    /// The person behind this connection has authenticated.
    pub(crate) fn authenticated(&mut self) {
        if std::mem::replace(&mut self.stranger, false) {
            let mut counts = self
                .budget
                .counts
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            counts.all.strangers -= 1;
            if let Some(count) = counts.sources.get_mut(&self.source) {
                count.strangers -= 1;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.authenticated();
        let mut counts = self
            .budget
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        counts.all.open -= 1;
        if let Some(count) = counts.sources.get_mut(&self.source) {
            count.open -= 1;
            if count.open == 0 {
                counts.sources.remove(&self.source);
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        per_source: 3,
        total: 5,
        unauthenticated: 4,
        unauthenticated_per_source: 2,
    };

    fn source(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    /// F5: one source cannot take every place.
    #[test]
    fn strangers_of_one_source_are_bounded() {
        let budget = Budget::new(BOUNDS);
        let _a = budget.enter(source(1)).unwrap();
        let b = budget.enter(source(1)).unwrap();
        assert_eq!(budget.enter(source(1)).unwrap_err(), Full::Source);
        let _c = budget.enter(source(2)).unwrap();
        drop(b);
        let _d = budget.enter(source(1)).unwrap();
    }

    #[test]
    fn authenticated_people_leave_the_strangers_count_but_stay_in_the_total() {
        let budget = Budget::new(BOUNDS);
        let mut held: Vec<Place> = Vec::new();
        for last in 1..=5 {
            let mut place = budget.enter(source(last)).unwrap();
            place.authenticated();
            place.authenticated();
            held.push(place);
        }
        assert_eq!(budget.enter(source(9)).unwrap_err(), Full::Total);
        held.clear();
        assert!(budget.counts.lock().unwrap().sources.is_empty());
        assert_eq!(budget.counts.lock().unwrap().all.open, 0);
        assert_eq!(budget.counts.lock().unwrap().all.strangers, 0);
    }

    #[test]
    fn zero_means_nobody() {
        let budget = Budget::new(Bounds { total: 0, ..BOUNDS });
        assert_eq!(budget.enter(source(1)).unwrap_err(), Full::Total);
    }

    #[test]
    fn an_ipv6_subscriber_is_one_source() {
        let budget = Budget::new(BOUNDS);
        let _a = budget.enter("2001:db8::1".parse().unwrap()).unwrap();
        let _b = budget.enter("2001:db8::2".parse().unwrap()).unwrap();
        assert_eq!(
            budget.enter("2001:db8::3".parse().unwrap()).unwrap_err(),
            Full::Source
        );
        assert!(budget.enter("2001:db8:0:1::3".parse().unwrap()).is_ok());
    }
}
