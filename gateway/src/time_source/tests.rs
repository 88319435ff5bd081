//! Time servers on the loopback that lie, drift and fall silent (R6, N7).

use super::fake::{Behaviour, FakeServer};
use super::*;
use crate::store::Run;
use crate::store::testing::{TestStore, records_of};

/// Longest that the loopback may take, in microseconds.
const NEAR: u64 = 500_000;

async fn servers(behaviours: &[Behaviour]) -> (Vec<FakeServer>, Vec<NtpServer>) {
    let mut servers = Vec::new();
    for behaviour in behaviours {
        servers.push(FakeServer::start(*behaviour).await);
    }
    let names = servers.iter().map(|server| server.name.clone()).collect();
    (servers, names)
}

async fn readings(store: &Store) -> Vec<AuditRecord> {
    records_of(store, &[AuditKind::ClockReading]).await
}

fn by() -> Serving {
    Serving {
        node: "a".into(),
        run: Run::of("one"),
    }
}

fn near(offset: Option<i64>, wanted: i64) -> bool {
    offset.is_some_and(|offset| offset.abs_diff(wanted) < NEAR)
}

/// R6: the bias is known and recorded.
#[tokio::test]
async fn the_offset_is_measured_and_on_record_from_the_start() {
    let store = TestStore::sqlite().await;
    let (_servers, names) =
        servers(&[Behaviour::Ahead(-7_000_000), Behaviour::Ahead(-7_001_000)]).await;
    let source = TimeSource::start(&names, &store, by()).await.unwrap();
    let status = source.status().borrow().clone();
    assert!(near(status.offset_us, -7_000_000), "{status:?}");
    assert!(matches!(&status.source, ClockSource::Agreed(who) if who.len() == 2));
    let [record] = &readings(&store).await[..] else {
        panic!("one record");
    };
    assert!(near(record.detail["offset-us"].as_i64(), -7_000_000));
    assert_eq!(record.detail["servers"].as_array().unwrap().len(), 2);
}

/// R6: without a reference the offset is unknown, and that is said.
#[tokio::test]
async fn without_servers_the_record_says_that_the_offset_is_unknown() {
    let store = TestStore::sqlite().await;
    let source = TimeSource::start(&[], &store, by()).await.unwrap();
    assert_eq!(source.status().borrow().source, ClockSource::System);
    let [record] = &readings(&store).await[..] else {
        panic!("one record");
    };
    assert_eq!(record.detail["source"], "system");
    assert!(record.detail["offset-us"].is_null());
}

/// N7: at least two coherent sources.
#[tokio::test]
async fn a_lying_server_is_outvoted_and_on_record() {
    let store = TestStore::sqlite().await;
    let day = 86_400_000_000;
    let (_servers, names) = servers(&[
        Behaviour::Ahead(0),
        Behaviour::Ahead(day),
        Behaviour::Ahead(2_000),
    ])
    .await;
    let source = TimeSource::start(&names, &store, by()).await.unwrap();
    let status = source.status().borrow().clone();
    assert!(near(status.offset_us, 0), "{status:?}");
    let ClockSource::Agreed(mut who) = status.source else {
        panic!("{:?}", status.source);
    };
    who.sort();
    let mut honest = vec![names[0].clone(), names[2].clone()];
    honest.sort();
    assert_eq!(who, honest);
    let record = &readings(&store).await[0];
    let liar = record.detail["servers"][1]["offset-us"].as_i64();
    assert!(near(liar, day), "{record:?}");
}

#[tokio::test]
async fn two_servers_that_contradict_one_another_leave_no_offset() {
    let store = TestStore::sqlite().await;
    let (_servers, names) = servers(&[Behaviour::Ahead(0), Behaviour::Ahead(3_600_000_000)]).await;
    let source = TimeSource::start(&names, &store, by()).await.unwrap();
    let status = source.status().borrow().clone();
    assert_eq!(
        (status.source, status.offset_us),
        (ClockSource::Disagreed, None)
    );
}

#[tokio::test]
async fn noise_of_others_is_no_answer() {
    let store = TestStore::sqlite().await;
    let (_servers, names) = servers(&[Behaviour::AfterNoise(4_000_000)]).await;
    let source = TimeSource::start(&names, &store, by()).await.unwrap();
    let status = source.status().borrow().clone();
    assert!(near(status.offset_us, 4_000_000), "{status:?}");
    assert_eq!(status.source, ClockSource::Alone(names[0].clone()));
}

/// R6: what changes is on record, what does not is not.
#[tokio::test]
async fn drift_and_silence_are_on_record_when_they_begin() {
    let store = TestStore::sqlite().await;
    let (servers, names) = servers(&[Behaviour::Ahead(0), Behaviour::Ahead(0)]).await;
    let mut source = TimeSource::start(&names, &store, by()).await.unwrap();
    source.measure().await.unwrap();
    assert_eq!(readings(&store).await.len(), 1, "nothing new, no record");
    for server in &servers {
        server.becomes(Behaviour::Ahead(60_000_000));
    }
    source.measure().await.unwrap();
    let records = readings(&store).await;
    assert_eq!(records.len(), 2, "the offset moved");
    assert!(near(records[1].detail["offset-us"].as_i64(), 60_000_000));
    servers[0].becomes(Behaviour::Silent);
    servers[1].becomes(Behaviour::NotSet);
    source.measure().await.unwrap();
    source.measure().await.unwrap();
    let records = readings(&store).await;
    assert_eq!(records.len(), 3, "silence is told once");
    assert_eq!(
        records[2].detail["source"],
        "system: no time server answers"
    );
    assert_eq!(
        records[2].detail["servers"][1]["problem"],
        "it says that its own clock is not set"
    );
    servers[0].becomes(Behaviour::Ahead(60_000_000));
    source.measure().await.unwrap();
    assert_eq!(readings(&store).await.len(), 4, "it came back");
}

#[tokio::test]
async fn servers_are_asked_again_and_whoever_follows_is_told() {
    let store = TestStore::sqlite().await;
    let (servers, names) = servers(&[Behaviour::Ahead(0)]).await;
    let mut source = TimeSource::start(&names, &store, by()).await.unwrap();
    source.ask_every = Duration::ZERO;
    let mut status = source.status();
    let task = tokio::spawn(source.run());
    servers[0].becomes(Behaviour::Ahead(10_000_000));
    let told = status.wait_for(|status| near(status.offset_us, 10_000_000));
    tokio::time::timeout(Duration::from_secs(20), told)
        .await
        .expect("the change is told")
        .unwrap();
    task.abort();
}
