//! Levels, crossings, and the reserve.

use super::*;
use crate::store::Topics;
use crate::store::testing::{TestStore, records_of};

const BOUNDS: SpaceBounds = SpaceBounds {
    warn_below: 800,
    refuse_below: 80,
    reserve: 0,
};

#[test]
fn levels_are_left_only_with_an_eighth_more_than_their_bound() {
    use Level::{Enough, Full, Low};
    for (free, before, after) in [
        (800, Enough, Enough),
        (799, Enough, Low),
        (800, Low, Low),
        (899, Low, Low),
        (900, Low, Enough),
        (79, Enough, Full),
        (80, Low, Low),
        (80, Full, Full),
        (90, Full, Low),
        (850, Full, Low),
        (10_000, Full, Enough),
        (0, Low, Full),
    ] {
        assert_eq!(
            level(&BOUNDS, free, before),
            after,
            "{free} after {before:?}"
        );
    }
    let never = SpaceBounds {
        warn_below: 0,
        refuse_below: 0,
        reserve: 0,
    };
    assert_eq!(level(&never, 0, Enough), Enough, "zero means zero");
}

async fn levels_on_record(store: &Store) -> Vec<String> {
    let records = records_of(store, &[AuditKind::LowSpace]).await;
    records
        .into_iter()
        .map(|record| record.reason.unwrap())
        .collect()
}

/// Each crossing is on record once.
#[tokio::test]
async fn each_crossing_is_on_record_once() {
    let store = TestStore::sqlite().await;
    // More than any disk has: full from the first look on.
    let bounds = SpaceBounds {
        warn_below: u64::MAX,
        refuse_below: u64::MAX,
        reserve: 0,
    };
    let space = Space::over(store.dir.path(), bounds);
    assert_eq!(space.last().level, Level::Full);
    let mut changes = store.changes(Topics::everything());
    tokio::select! {
        () = space.run(store.store.clone()) => {}
        () = async {
            while levels_on_record(&store).await.is_empty() {
                changes.changed().await.unwrap();
            }
            space.look();
            space.look();
        } => {}
    }
    assert_eq!(levels_on_record(&store).await, ["full"]);
}

#[tokio::test]
async fn a_directory_that_is_gone_changes_no_level() {
    let dir = tempfile::tempdir().unwrap();
    let space = Space::over(&dir.path().join("absent"), BOUNDS);
    assert_eq!(space.last().level, Level::Enough);
}

#[test]
fn the_reserve_holds_real_blocks_and_gives_them_back() {
    let dir = tempfile::tempdir().unwrap();
    let reserve = Reserve::in_directory(dir.path(), 1 << 20);
    assert!(!reserve.take().unwrap(), "nothing there yet");
    assert!(reserve.restore().unwrap());
    let file = dir.path().join("sealing.reserve");
    use std::os::unix::fs::MetadataExt;
    assert!(file.metadata().unwrap().blocks() * 512 >= 1 << 20);
    assert!(reserve.restore().unwrap(), "it stands already");
    assert!(reserve.take().unwrap());
    assert!(!file.exists());
    // Half of one is none.
    std::fs::write(&file, [0; 1000]).unwrap();
    assert!(reserve.restore().unwrap());
    assert_eq!(file.metadata().unwrap().len(), 1 << 20);
    let none = Reserve::in_directory(dir.path(), 0);
    assert!(none.restore().unwrap());
    assert!(!file.exists(), "a reserve of nothing holds nothing");
}

#[test]
fn a_reserve_is_not_made_of_the_last_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let reserve = Reserve::in_directory(dir.path(), u64::MAX / 2);
    assert!(!reserve.restore().unwrap());
    assert!(!dir.path().join("sealing.reserve").exists());
}
