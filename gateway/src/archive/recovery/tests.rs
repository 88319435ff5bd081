//! What a start cannot finish is finished later, told once, and touches nothing that lives (R1, R3).

use std::fs;

use ecluse_recordings::{Event, Recorder, SESSION, SealedRecording, layout};
use uuid::Uuid;

use super::*;
use crate::audit::AuditRecord;
use crate::faces::lobby::testing::House;
use crate::passage::testing::facts;
use crate::store::testing::records_of;
use ecluse_policy::documents::RecordingRules;
use ecluse_recordings::Protection;

/// A house with a journal that a previous run left open, as the log knows it.
struct Scene {
    house: House,
    dir: PathBuf,
}

impl Scene {
    async fn left_open() -> Self {
        let house = House::new().await;
        let keys = house.gateway.keeper.keys();
        let readers = keys.recipients_for(&RecordingRules::default()).unwrap();
        let protection = Protection::for_recipients(readers).unwrap();
        let root = &house.gateway.settings.recordings.directory;
        let recorder = Recorder::open(root, facts(Uuid::from_u128(7)), protection, None).unwrap();
        recorder.append(SESSION, 1, Event::Note("said")).unwrap();
        let dir = recorder.dir().to_path_buf();
        drop(recorder);
        let header = ecluse_recordings::JournalFrames::open(&dir.join(layout::LIVE))
            .unwrap()
            .header()
            .sha256_hex();
        let began = AuditRecord::new(AuditKind::SessionStart, clock::now())
            .session(SessionId::from_uuid(Uuid::from_u128(7)))
            .detail(HEADER, header);
        house.gateway.store.record(&[began]).await.unwrap();
        Self { house, dir }
    }

    /// In the way of what sealing writes, as a disk that refuses is; for root too.
    fn obstacle(&self) -> PathBuf {
        self.dir.join(layout::CONVERTING)
    }

    async fn start(&self) -> Vec<Leftover> {
        let gateway = &self.house.gateway;
        let root = &gateway.settings.recordings.directory;
        close_what_was_left(&gateway.store, root, "test", gateway.keeper.keys())
            .await
            .unwrap()
    }

    async fn try_again(&self, mut left: Leftover) -> (Leftover, Result<(), String>) {
        let gateway = &self.house.gateway;
        let sealer = Sealer::new(
            Arc::clone(gateway.keeper.keys()),
            gateway.store.clone(),
            Handle::current(),
        );
        let tried = tokio::task::spawn_blocking(move || {
            let tried = try_again(&sealer, &mut left);
            (left, tried)
        });
        tried.await.unwrap()
    }

    async fn on_record(&self) -> Vec<(AuditKind, String)> {
        let kinds = [
            AuditKind::RecordingFailed,
            AuditKind::RecordingRecovered,
            AuditKind::RecordingSealed,
        ];
        records_of(&self.house.gateway.store, &kinds)
            .await
            .into_iter()
            .map(|record| (record.kind, record.reason.unwrap_or_default()))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_a_recovery_that_failed_is_tried_again_and_told_once() {
    let scene = Scene::left_open().await;
    fs::write(scene.obstacle(), "in the way").unwrap();
    let mut left = scene.start().await;
    assert_eq!(left.len(), 1);
    let mut left = left.remove(0);
    assert_eq!(left.dir(), scene.dir);
    for _ in 0..3 {
        let (again, tried) = scene.try_again(left).await;
        assert!(tried.unwrap_err().contains(layout::CONVERTING));
        left = again;
    }
    let told = scene.on_record().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, AuditKind::RecordingFailed);
    assert!(
        told[0].1.contains("tried again while the gateway runs"),
        "{told:?}"
    );
    assert!(scene.dir.join(layout::LIVE).exists());

    fs::remove_file(scene.obstacle()).unwrap();
    let (left, tried) = scene.try_again(left).await;
    tried.unwrap();
    let kinds: Vec<_> = scene
        .on_record()
        .await
        .into_iter()
        .map(|one| one.0)
        .collect();
    assert_eq!(
        kinds,
        [
            AuditKind::RecordingFailed,
            AuditKind::RecordingRecovered,
            AuditKind::RecordingSealed
        ]
    );
    assert!(!scene.dir.join(layout::LIVE).exists());
    let sealed = SealedRecording::open(&scene.dir).unwrap();
    let keys = scene.house.gateway.keeper.keys();
    sealed.unlock(keys.identities()).unwrap().verify().unwrap();
    // Nothing is left to do then.
    scene.try_again(left).await.1.unwrap();
    assert_eq!(scene.on_record().await.len(), 3);
}

/// What passes meanwhile is written on: only the directory that failed is looked at, and a journal in use is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_session_is_not_touched_by_another_try() {
    let scene = Scene::left_open().await;
    fs::write(scene.obstacle(), "in the way").unwrap();
    let left = scene.start().await.remove(0);
    let keeper = &scene.house.gateway.keeper;
    let live = keeper
        .open(facts(Uuid::from_u128(8)), &RecordingRules::default())
        .unwrap();
    live.append(SESSION, 1, Event::Note("one")).unwrap();
    fs::remove_file(scene.obstacle()).unwrap();
    scene.try_again(left).await.1.unwrap();
    live.append(SESSION, 2, Event::Note("two")).unwrap();
    assert!(live.dir().join(layout::LIVE).exists());
    assert_eq!(scene.on_record().await.len(), 3);
    // Not even where it is the one that is to be tried.
    let its_own = Leftover {
        dir: live.dir().to_path_buf(),
        said: String::new(),
        problem: String::new(),
    };
    let in_use = scene.try_again(its_own).await.1.unwrap_err();
    assert!(in_use.contains("another process writes it"), "{in_use}");
    assert_eq!(scene.on_record().await.len(), 3);
    live.append(SESSION, 3, Event::Note("three")).unwrap();
    assert!(live.dir().join(layout::LIVE).exists());
}
