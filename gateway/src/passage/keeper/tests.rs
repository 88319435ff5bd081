//! What the journal knows of a recording while it is written and when it is sealed (R3).

use ecluse_policy::documents::RecordingRules;
use ecluse_recordings::{Event, SESSION, SessionEnd};
use uuid::Uuid;

use super::super::testing::{facts, until_sealed};
use super::*;
use crate::admission::testing::House;
use crate::clock;
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
