//! What the journal knows of a recording while it is written and when it is sealed (R3).

use std::fs;

use ecluse_policy::SessionId;
use ecluse_policy::documents::RecordingRules;
use ecluse_recordings::log::Hash;
use ecluse_recordings::{Event, SESSION, SealedRecording, SessionEnd, layout};
use uuid::Uuid;

use super::super::recovery::HEADER;
use super::*;
use crate::clock;
use crate::faces::lobby::testing::House;
use crate::passage::testing::{facts, until_sealed};
use crate::store::testing::records_of;

#[tokio::test(flavor = "multi_thread")]
async fn a_live_recording_is_on_record_as_it_grows_and_when_it_is_sealed() {
    let house = House::new().await;
    let (keeper, store) = (&house.gateway.keeper, &house.gateway.store);
    let recorder = keeper
        .open(facts(Uuid::from_u128(7)), &RecordingRules::default())
        .unwrap();
    let tell = async || {
        // What is vouched for is what survives a power cut.
        recorder.sync_handle().sync_if_dirty().unwrap();
        keeper.tell_progress(store, clock::now()).await.unwrap();
        records_of(store, &[AuditKind::RecordingProgress]).await
    };
    recorder.append(SESSION, 1, Event::Note("one")).unwrap();
    let first = tell().await;
    assert_eq!(first.len(), 1);
    assert_eq!(tell().await.len(), 1, "nothing moved");
    recorder.append(SESSION, 2, Event::Note("two")).unwrap();
    let second = tell().await;
    assert_eq!(second.len(), 2);
    let now = recorder.progress();
    let last = &second[1];
    assert_eq!(last.detail["frames"], now.frames);
    assert_eq!(last.detail["bytes"], now.bytes);
    assert_eq!(
        last.detail["last-seal"],
        now.last_seal.unwrap().to_string().as_str()
    );
    assert_eq!(last.client.as_ref().unwrap().as_str(), "hopital");

    keeper
        .close(&recorder, 3, &SessionEnd::because("closed"))
        .unwrap();
    until_sealed(&house).await;
    let sealed = records_of(store, &[AuditKind::RecordingSealed]).await;
    assert_eq!(sealed.len(), 1);
    assert_eq!(sealed[0].detail["form"], "files");
    keeper.tell_progress(store, clock::now()).await.unwrap();
    assert_eq!(
        records_of(store, &[AuditKind::RecordingProgress])
            .await
            .len(),
        2
    );
}

/// R1, R3: a recording whose last words the disk refuses does not wait for the next start.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_closed_is_sealed_once_its_session_is_gone() {
    let house = House::new().await;
    let sealer = Arc::clone(&house.gateway.keeper.sealer);
    let (sealing, to_seal) = mpsc::channel();
    let keeper = Keeper {
        root: house.gateway.settings.recordings.directory.clone(),
        open: Arc::default(),
        sealer: Arc::clone(&sealer),
        sealing: Lanes::of(sealing),
        unfinished: Arc::default(),
    };
    let recorder = keeper
        .open(facts(Uuid::from_u128(7)), &RecordingRules::default())
        .unwrap();
    let began = AuditRecord::new(AuditKind::SessionStart, clock::now())
        .session(SessionId::from_uuid(recorder.facts().session))
        .detail(HEADER, Hash(recorder.header_sha256()).to_string());
    house.gateway.store.record(&[began]).await.unwrap();
    recorder.append(SESSION, 1, Event::Note("said")).unwrap();
    // In the way of giving the reserve back, as a disk that refuses is; for root too.
    let obstacle = recorder.dir().join(layout::RESERVE);
    fs::remove_file(&obstacle).unwrap();
    fs::create_dir(&obstacle).unwrap();
    let end = SessionEnd::because("closed");
    keeper.close(&recorder, 2, &end).unwrap_err();
    assert_eq!(keeper.wait_until_finished(Duration::ZERO), 1);

    let mut work = to_seal.try_recv().unwrap();
    let dir = recorder.dir().to_path_buf();
    let sealing = tokio::task::spawn_blocking(move || {
        let seals = Sealing {
            sealer: &sealer,
            reserve: Reserve::in_directory(&dir, 0),
            try_again_after: Duration::ZERO,
        };
        let in_use = seals.one(&mut work).unwrap_err();
        assert!(in_use.contains("another process writes it"), "{in_use}");
        assert!(dir.join(layout::LIVE).exists());
        drop(recorder);
        fs::remove_dir(&obstacle).unwrap();
        seals.one(&mut work).unwrap();
        assert!(!dir.join(layout::LIVE).exists());
        SealedRecording::open(&dir).unwrap()
    });
    let sealed = sealing.await.unwrap();
    assert!(sealed.manifest().cut_short);
    let store = &house.gateway.store;
    let on_record = records_of(store, &[AuditKind::RecordingSealed]).await;
    assert_eq!(on_record.len(), 1);
    let recovered = records_of(store, &[AuditKind::RecordingRecovered]).await;
    assert_eq!(recovered.len(), 1, "{recovered:?}");
}

/// A recording that takes minutes to seal holds up no other, whichever came first.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_recording_holds_up_no_small_one() {
    const LARGE: u64 = 64 * 1024;
    let house = House::new().await;
    let sealer = Arc::clone(&house.gateway.keeper.sealer);
    let unfinished: Arc<Unfinished> = Arc::default();
    let (go_on, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let (counted, seals) = (Arc::clone(&unfinished), Arc::clone(&sealer));
    let reserve = Reserve::in_directory(&house.gateway.settings.recordings.directory, 0);
    let lanes = Lanes::start_with(LARGE, Vec::new(), move |closed, left| {
        let seals = Sealing {
            sealer: &seals,
            reserve: reserve.clone(),
            try_again_after: Duration::from_secs(600),
        };
        if std::thread::current().name() == Some("seal-large") {
            // It takes as long as the test wants.
            held.lock().unwrap().recv().unwrap();
        }
        seals.all_of(&closed, left, || {
            *counted.lock() -= 1;
            counted.done.notify_all();
        });
    });
    let keeper = Keeper {
        root: house.gateway.settings.recordings.directory.clone(),
        open: Arc::default(),
        sealer,
        sealing: lanes.unwrap(),
        unfinished,
    };
    let close = |id: u128, notes: u64| {
        let facts = facts(Uuid::from_u128(id));
        let recorder = keeper.open(facts, &RecordingRules::default()).unwrap();
        let text = "said ".repeat(1000);
        for at in 1..=notes {
            recorder.append(SESSION, at, Event::Note(&text)).unwrap();
        }
        let end = SessionEnd::because("closed");
        keeper.close(&recorder, notes + 1, &end).unwrap();
        recorder.dir().to_path_buf()
    };
    let large = close(7, 40);
    let small = [close(8, 1), close(9, 1), close(10, 1)];
    let patience = Duration::from_secs(60);
    let count = keeper.unfinished.lock();
    let waited = keeper
        .unfinished
        .done
        .wait_timeout_while(count, patience, |count| *count > 1);
    drop(waited);
    for dir in &small {
        assert!(!dir.join(layout::LIVE).exists(), "{}", dir.display());
        SealedRecording::open(dir).unwrap();
    }
    assert!(large.join(layout::LIVE).exists());
    assert!(SealedRecording::open(&large).is_err());
    go_on.send(()).unwrap();
    assert_eq!(keeper.wait_until_finished(patience), 0);
    SealedRecording::open(&large).unwrap();
}
