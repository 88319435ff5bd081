//! Places: what is bounded, what is kept, what follows the documents.

use super::*;

const BOUNDS: Bounds = Bounds {
    per_source: 5,
    operators: 2,
    stations: 4,
    everybody: 6,
    everybody_per_source: 2,
    drop_from: 6,
    total: 5,
    per_person: 2,
    kept_for_operators: 2,
};

fn source(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Operators come from 10.1/16, stations from 10.2/16.
fn by_document(source: IpAddr) -> Pool {
    match source.to_string() {
        text if text.starts_with("10.1.") => Pool::Operators,
        text if text.starts_with("10.2.") => Pool::Stations,
        _ => Pool::Everybody,
    }
}

fn enter(budget: &Budget, from: &str) -> Result<Place, (Pool, Full)> {
    let sorting = Sorting {
        version: 1,
        pool_of: &by_document,
    };
    budget.enter(source(from), &sorting, u32::MAX)
}

fn person(id: &str) -> PersonId {
    PersonId::parse(id).unwrap()
}

/// F5: strangers of one source take few places; those of all sources fill their own pool and no other.
#[test]
fn each_pool_is_full_by_itself() {
    let budget = Budget::new(BOUNDS);
    let mut held = Vec::new();
    for last in 1..=3 {
        let from = format!("192.0.2.{last}");
        held.push(enter(&budget, &from).unwrap());
        held.push(enter(&budget, &from).unwrap());
        let refused = enter(&budget, &from).unwrap_err();
        assert!(
            matches!(refused, (Pool::Everybody, Full::Source | Full::Pool)),
            "{refused:?}"
        );
    }
    assert_eq!(
        enter(&budget, "192.0.2.9").unwrap_err(),
        (Pool::Everybody, Full::Pool)
    );
    for (pool, network, bound) in [
        (Pool::Stations, "10.2.0", BOUNDS.stations),
        (Pool::Operators, "10.1.0", BOUNDS.operators),
    ] {
        for last in 0..bound {
            held.push(enter(&budget, &format!("{network}.{last}")).unwrap());
        }
        assert_eq!(
            enter(&budget, &format!("{network}.200")).unwrap_err(),
            (pool, Full::Pool)
        );
    }
    held.clear();
    let counts = budget.counts();
    assert!(counts.sources.is_empty() && counts.waiting.is_empty());
    assert!(counts.pools.values().all(|count| *count == 0));
}

/// One source leaves half of a pool that is somebody's to the others.
#[test]
fn one_source_leaves_half_of_a_named_pool() {
    let budget = Budget::new(BOUNDS);
    let _held: Vec<_> = (0..2)
        .map(|_| enter(&budget, "10.2.0.1").unwrap())
        .collect();
    assert_eq!(
        enter(&budget, "10.2.0.1").unwrap_err(),
        (Pool::Stations, Full::Source)
    );
    assert!(enter(&budget, "10.2.0.2").is_ok());
}

#[test]
fn an_ipv6_subscriber_is_one_source() {
    let budget = Budget::new(BOUNDS);
    let _a = enter(&budget, "2001:db8::1").unwrap();
    let _b = enter(&budget, "2001:db8::ffff:2").unwrap();
    assert_eq!(
        enter(&budget, "2001:db8::3").unwrap_err(),
        (Pool::Everybody, Full::Source)
    );
    assert!(enter(&budget, "2001:db8:0:1::3").is_ok());
    assert_eq!(prefix(source("::ffff:192.0.2.1")), source("192.0.2.1"));
}

/// Who is inside frees the place where they waited; so many a person, and the last places are operators'.
#[test]
fn inside_there_are_so_many_a_person_and_some_that_are_kept_for_operators() {
    let budget = Budget::new(BOUNDS);
    let mut held = Vec::new();
    let mut log_on = |from: &str, who: &str, operator: bool| {
        let mut place = enter(&budget, from).unwrap();
        let entered = place.logged_on(&person(who), operator);
        assert_eq!(
            place.logged_on(&person(who), operator).is_ok(),
            entered.is_ok(),
            "once"
        );
        held.push(place);
        entered
    };
    assert_eq!(log_on("10.2.0.1", "alice", false), Ok(()));
    assert_eq!(log_on("10.2.0.2", "alice", false), Ok(()));
    assert_eq!(log_on("10.2.0.3", "alice", false), Err(Full::Person));
    assert_eq!(log_on("10.2.0.4", "bruno", false), Ok(()));
    assert_eq!(log_on("10.2.0.5", "bruno", false), Err(Full::Total));
    assert_eq!(log_on("10.1.0.1", "odile", true), Ok(()));
    assert_eq!(log_on("10.1.0.1", "odile", true), Ok(()));
    assert_eq!(log_on("10.1.0.2", "olive", true), Err(Full::Total));
    assert_eq!(log_on("10.1.0.3", "odile", true), Err(Full::Person));
    held.clear();
    let counts = budget.counts();
    assert_eq!((counts.inside, counts.others), (0, 0));
    assert!(counts.people.is_empty() && counts.sources.is_empty());
}

#[test]
fn zero_means_nobody() {
    let none = Bounds {
        everybody: 0,
        total: 0,
        kept_for_operators: 0,
        ..BOUNDS
    };
    let budget = Budget::new(none);
    assert_eq!(
        enter(&budget, "192.0.2.1").unwrap_err(),
        (Pool::Everybody, Full::Pool)
    );
    let mut place = enter(&budget, "10.1.0.1").unwrap();
    assert_eq!(place.logged_on(&person("odile"), true), Err(Full::Total));
}

/// Places follow the documents in force: who waits moves at once, and nobody is counted twice.
#[test]
fn other_documents_move_those_who_wait() {
    let budget = Budget::new(BOUNDS);
    let held: Vec<_> = (1..=4)
        .map(|last| enter(&budget, &format!("10.2.0.{last}")).unwrap())
        .collect();
    assert!(enter(&budget, "10.2.0.9").is_err());
    // The stations' network is another.
    let moved = Sorting {
        version: 2,
        pool_of: &|source| match by_document(source) {
            Pool::Stations => Pool::Everybody,
            Pool::Everybody => Pool::Stations,
            Pool::Operators => Pool::Operators,
        },
    };
    let station = budget.enter(source("192.0.2.1"), &moved, u32::MAX);
    assert!(station.is_ok(), "the old ones take no place here");
    let pools = budget.counts().pools.clone();
    assert_eq!(pools.get(&Pool::Everybody), Some(&4));
    assert_eq!(pools.get(&Pool::Stations), Some(&1));
    drop(held);
    drop(station);
    assert!(budget.counts().pools.values().all(|count| *count == 0));
}

/// F5: none below the mark, all at the bound, and between them in proportion, whatever the randomness is.
#[test]
fn newcomers_are_dropped_the_more_surely_the_more_there_are() {
    let (from, full) = (100, 200);
    let share = |waiting: usize| {
        let rounds = 10_000u32;
        let step = u32::MAX / rounds;
        let dropped = (0..rounds).filter(|round| is_dropped(waiting, from, full, round * step));
        dropped.count() as f64 / f64::from(rounds)
    };
    for (waiting, expected) in [
        (0, 0.0),
        (99, 0.0),
        (100, 0.0),
        (110, 0.1),
        (150, 0.5),
        (199, 0.99),
        (200, 1.0),
        (5000, 1.0),
    ] {
        let share = share(waiting);
        assert!((share - expected).abs() < 0.002, "{waiting}: {share}");
    }
    // Without room between the mark and the bound there is nothing to chance.
    assert!(!is_dropped(9, 10, 10, 0) && is_dropped(10, 10, 10, u32::MAX));
}

/// Random early drop is for everybody else: the pools of those who are known fill to the last place.
#[test]
fn chance_decides_about_strangers_alone() {
    let budget = Budget::new(Bounds {
        drop_from: 0,
        ..BOUNDS
    });
    let sorting = Sorting {
        version: 1,
        pool_of: &by_document,
    };
    let unlucky = |from: &str| budget.enter(source(from), &sorting, 0);
    let first = unlucky("192.0.2.1").unwrap();
    assert_eq!(
        unlucky("192.0.2.2").unwrap_err(),
        (Pool::Everybody, Full::Early)
    );
    drop(first);
    let _held: Vec<_> = (1..=4)
        .map(|last| unlucky(&format!("10.2.0.{last}")).unwrap())
        .collect();
}
