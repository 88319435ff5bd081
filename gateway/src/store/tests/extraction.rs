use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::*;
use crate::store::testing::records_of;

fn accounts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// As much as is wanted, as far as every account has it within its bound.
fn within(bounds: Vec<u64>, want: u64) -> impl FnOnce(&[u64]) -> (u64, u64) {
    move |spent| {
        let left = spent
            .iter()
            .zip(&bounds)
            .map(|(spent, bound)| bound.saturating_sub(*spent));
        let bytes = left.chain([want]).min().unwrap_or(0);
        (bytes, bytes)
    }
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
        assert_eq!(store.spent(&names).await.unwrap(), [3_000, 3_000, 3_000]);
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
        assert_eq!(store.spent(&today).await.unwrap(), [500, 500]);
        // A stranger to the books: nothing falls below nothing.
        store
            .give_back(&accounts(&["session:7:down"]), 10_000)
            .await
            .unwrap();
        assert_eq!(store.spent(&today).await.unwrap(), [500, 0]);
        let tomorrow = accounts(&["client:hopital:2026-12-01:down", "session:7:down"]);
        assert_eq!(
            store
                .reserve(&tomorrow, within(bounds(), 700))
                .await
                .unwrap(),
            700
        );
        assert_eq!(store.spent(&today).await.unwrap(), [500, 700]);
        assert!(store.spent(&[]).await.unwrap().is_empty());
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
        assert!(store.cross(&names[0], 1, record()).await.unwrap());
        assert!(!other.cross(&names[0], 1, record()).await.unwrap());
        assert!(other.cross(&names[0], 2, record()).await.unwrap());
        assert!(!store.cross(&names[0], 2, record()).await.unwrap());
        assert_eq!(records_of(store, &[AuditKind::Extraction]).await.len(), 2);
        other.close().await;
    });
}
