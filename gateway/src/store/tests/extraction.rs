use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ecluse_policy::extraction::{
    AtLimit, Budget, ByteCount, Level, Limit, Percent, Threshold, Way,
};

use super::*;
use crate::extraction::{Bank, Granted};
use crate::store::testing::records_of;
use crate::store::{Booked, Mark, Store};

fn budget_of(limit: u64) -> Budget {
    Budget {
        level: Level::Session,
        way: Way::Down,
        bytes: Limit::Bytes(ByteCount::new(limit)),
        warn: Percent::WARN,
        at_limit: AtLimit::Hold,
    }
}

/// A mark of a budget of so many bytes, of which a warning is at 70 %.
fn mark_of(limit: u64, what: Threshold) -> Mark {
    let limit = match what {
        Threshold::Warn => limit * 10 / 7,
        Threshold::Limit | Threshold::Ceiling => limit,
    };
    Mark::of(&budget_of(limit), what).unwrap()
}

fn accounts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// As much as is wanted, as far as every account has it within its bound.
fn within(bounds: Vec<u64>, want: u64) -> impl FnOnce(&[Booked]) -> (u64, u64) {
    move |booked| {
        let left = booked
            .iter()
            .zip(&bounds)
            .map(|(one, bound)| (bound + one.extra).saturating_sub(one.spent));
        let bytes = left.chain([want]).min().unwrap_or(0);
        (bytes, bytes)
    }
}

async fn spent(store: &Store, names: &[String]) -> Vec<u64> {
    let booked = store.booked(names).await.unwrap();
    booked.iter().map(|one| one.spent).collect()
}

/// X2: whoever reserves at the same time, in whatever order they name the accounts and from whatever process, never gets more
/// together than the least of them has; and everything that it has is got.
#[test]
fn x2_parallel_reservations_never_exceed_what_every_account_has() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let total = Arc::new(AtomicU64::new(0));
        let mut tasks = Vec::new();
        for task in 0..8u64 {
            let store = if task % 2 == 0 {
                store.store.clone()
            } else {
                other.clone()
            };
            let total = Arc::clone(&total);
            tasks.push(tokio::spawn(async move {
                let (mut names, mut bounds) = (
                    accounts(&["client", "target", "session"]),
                    vec![5_000, 3_000, 4_000],
                );
                if task % 3 == 0 {
                    names.reverse();
                    bounds.reverse();
                }
                for round in 0..40u64 {
                    let want = 1 + (task * 40 + round) % 37;
                    let bytes = store
                        .reserve(&names, within(bounds.clone(), want))
                        .await
                        .unwrap();
                    total.fetch_add(bytes, Relaxed);
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(total.load(Relaxed), 3_000);
        let names = accounts(&["target", "client", "session"]);
        assert_eq!(spent(store, &names).await, [3_000, 3_000, 3_000]);
        other.close().await;
    });
}

/// X2: what is spent is spent after a restart too; what comes back can be spent again; another day is another account.
#[test]
fn x2_what_is_spent_outlives_the_process_and_what_comes_back_is_there_again() {
    on_each_engine(async |store| {
        let today = accounts(&["client:hopital:2026-11-30:down", "session:7:down"]);
        let bounds = || vec![1_000, 800];
        assert_eq!(
            store.reserve(&today, within(bounds(), 700)).await.unwrap(),
            700
        );
        let again = store.as_another_process().await;
        assert_eq!(
            again.reserve(&today, within(bounds(), 700)).await.unwrap(),
            100
        );
        assert_eq!(
            again.reserve(&today, within(bounds(), 700)).await.unwrap(),
            0
        );
        again.give_back(&today, 300).await.unwrap();
        assert_eq!(spent(store, &today).await, [500, 500]);
        // A stranger to the books: nothing falls below nothing.
        store
            .give_back(&accounts(&["session:7:down"]), 10_000)
            .await
            .unwrap();
        assert_eq!(spent(store, &today).await, [500, 0]);
        let tomorrow = accounts(&["client:hopital:2026-12-01:down", "session:7:down"]);
        assert_eq!(
            store
                .reserve(&tomorrow, within(bounds(), 700))
                .await
                .unwrap(),
            700
        );
        assert_eq!(spent(store, &today).await, [500, 700]);
        assert!(spent(store, &[]).await.is_empty());
        again.close().await;
    });
}

/// X3: a crossing is on record once, whichever node notices it; and reserving wakes nobody.
#[test]
fn x3_a_crossing_is_on_record_once_and_a_reservation_wakes_nobody() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let names = accounts(&["intervention:1:down"]);
        let mut everything = store.changes(Topics::everything());
        everything.mark_unchanged();
        store.reserve(&names, |_| (1, ())).await.unwrap();
        assert!(!everything.has_changed());
        let record = || AuditRecord::new(AuditKind::Extraction, at(1));
        let [warn, limit] = [Threshold::Warn, Threshold::Limit].map(|what| mark_of(1, what));
        assert!(store.cross(&names[0], warn, record()).await.unwrap());
        assert!(!other.cross(&names[0], warn, record()).await.unwrap());
        assert!(other.cross(&names[0], limit, record()).await.unwrap());
        assert!(!store.cross(&names[0], limit, record()).await.unwrap());
        // A mark that is taken back is told anew, and no other.
        for _ in 0..2 {
            other.uncross(&names[0], limit).await.unwrap();
        }
        assert!(!store.cross(&names[0], warn, record()).await.unwrap());
        assert!(store.cross(&names[0], limit, record()).await.unwrap());
        assert_eq!(records_of(store, &[AuditKind::Extraction]).await.len(), 3);
        other.close().await;
    });
}

/// X3: what is added is there for every node, on record with it, and its marks are told anew; what had as much left gets nothing.
#[test]
fn x3_what_is_added_is_there_for_all_and_on_record() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let names = accounts(&["session:7:down", "client:hopital:down"]);
        let bounds = || vec![100, 1_000];
        assert_eq!(
            store.reserve(&names, within(bounds(), 500)).await.unwrap(),
            100
        );
        let record = || AuditRecord::new(AuditKind::Extraction, at(1));
        let limit = mark_of(100, Threshold::Limit);
        assert!(store.cross(&names[0], limit, record()).await.unwrap());
        let seen = other
            .top_up(&names, |booked| {
                let topped = AuditRecord::new(AuditKind::TopUp, at(2));
                (vec![50, 0], topped, booked.to_vec())
            })
            .await
            .unwrap();
        assert_eq!(
            seen[0],
            Booked {
                spent: 100,
                extra: 0,
                told: Some(100)
            }
        );
        assert_eq!(store.booked(&names).await.unwrap()[0].extra, 50);
        assert_eq!(
            store.reserve(&names, within(bounds(), 500)).await.unwrap(),
            50
        );
        assert!(
            store.cross(&names[0], limit, record()).await.unwrap(),
            "the mark is told anew"
        );
        assert_eq!(records_of(store, &[AuditKind::TopUp]).await.len(), 1);
        let found = store.accounts_beginning("session:7").await.unwrap();
        assert_eq!(found, ["session:7:down"]);
        other.close().await;
    });
}

/// R7: what a technician spent on a day goes when the client's time for words is over, and nothing else.
#[test]
fn r7_days_that_are_over_are_forgotten() {
    on_each_engine(async |store| {
        let all = accounts(&[
            "down/technician-day/2020-01-31/hopital/alice",
            "down/technician-day/2020-01-31/mairie/alice",
            "down/technician-day/2999-01-31/hopital/alice",
            "down/session/hopital",
        ]);
        store.reserve(&all, |_| (5, ())).await.unwrap();
        let client = ClientId::parse("hopital").unwrap();
        let now = Timestamp::parse("2026-11-30T12:00:00Z").unwrap();
        assert_eq!(store.forget_days(&client, now).await.unwrap(), 1);
        assert_eq!(spent(store, &all).await, [0, 5, 5, 5]);
        assert_eq!(store.forget_days(&client, now).await.unwrap(), 0);
    });
}

/// X3: what came back is told anew when it is used up again; marks that still stand are told once.
#[test]
fn x3_a_mark_that_an_account_is_below_is_told_anew() {
    on_each_engine(async |store| {
        let names = accounts(&["intervention:1:down", "session:2:down"]);
        let record = || AuditRecord::new(AuditKind::Extraction, at(1));
        store.reserve(&names, |_| (100, ())).await.unwrap();
        let marks = [(Threshold::Warn, 70), (Threshold::Limit, 100)];
        for name in &names {
            for (what, limit) in marks {
                let mark = mark_of(limit, what);
                assert!(store.cross(name, mark, record()).await.unwrap());
            }
        }
        let (one, other) = (&names[..1], &names[1..]);
        store.give_back(one, 20).await.unwrap();
        for (names, told) in [(one, 100), (other, 100)] {
            let decide = |booked: &[Booked]| {
                assert_eq!(booked[0].told, Some(told));
                Granted {
                    bytes: 1,
                    ..Granted::default()
                }
            };
            Bank::reserve(&store.store, names, &decide).await.unwrap();
        }
        for (name, (what, limit), anew) in [
            (&names[0], marks[1], true),
            (&names[0], marks[0], false),
            (&names[1], marks[1], false),
        ] {
            let mark = mark_of(limit, what);
            let again = store.cross(name, mark, record()).await.unwrap();
            assert_eq!(again, anew, "{name} {what:?}");
        }
    });
}

/// X3: what is told of an account is told of a limit. A flow with more on it takes nothing back that was told of another's less,
/// and where that stands is known on every node; a limit that is not in force any more is told of when it is again.
#[test]
fn x3_a_larger_budget_on_a_shared_account_takes_back_no_mark() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let names = accounts(&["intervention:1:down"]);
        let name = &names[0];
        let record = || AuditRecord::new(AuditKind::Extraction, at(1));
        let [small, large] = [100, 1_000].map(|limit| mark_of(limit, Threshold::Limit));
        store.reserve(&names, |_| (100, ())).await.unwrap();
        assert!(store.cross(name, small, record()).await.unwrap());
        // The flow with more goes on, from session to session.
        for _ in 0..3 {
            let decide = |_: &[Booked]| Granted {
                bytes: 200,
                ..Granted::default()
            };
            Bank::reserve(&store.store, &names, &decide).await.unwrap();
            assert!(!other.cross(name, small, record()).await.unwrap());
        }
        let told = async |mark| {
            let marks = [(name.clone(), mark)];
            !other.at_marks(&marks).await.unwrap().is_empty()
        };
        assert!(told(small).await && !told(large).await);
        // A draw that was held goes on: its own mark is taken back, and no other.
        assert!(store.cross(name, large, record()).await.unwrap());
        store.uncross(name, large).await.unwrap();
        assert!(told(small).await && !told(large).await);
        // Somebody raises it, and takes that back.
        let budget = budget_of(100);
        store.are_others(&[(name.clone(), budget)]).await.unwrap();
        assert!(other.cross(name, small, record()).await.unwrap());
        other.close().await;
    });
}
