//! Copies as a receiver sees them, without TLS: what arrives, whose it is, and what a receiver's manners change.

use std::time::Duration;

use ecluse_policy::Timestamp;
use ecluse_recordings::evidence::signature::HeldKey;
use ecluse_recordings::log::witness::check_growth;
use tokio::io::{AsyncReadExt, DuplexStream, duplex};

use super::delivery::{Cursor, Delivery, End};
use super::message::Sender;
use super::*;
use crate::audit::{AuditKind, AuditRecord};
use crate::store::testing::TestStore;

const ORIGIN: &str = "ecluse.example/gw1";

pub(super) fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

/// Writes `count` entries of a client; their reasons are numbered.
pub(super) async fn act(store: &Store, whose: &str, count: u32) {
    for number in 0..count {
        let record = AuditRecord::new(AuditKind::Permit, Timestamp::from_secs(1_790_000_000))
            .client(&client(whose))
            .reason(format!("{whose} {number}"))
            .permitted();
        store.record(&[record]).await.unwrap();
    }
}

pub(super) fn key() -> HeldKey {
    HeldKey::from_seed(&[7; 32]).unwrap()
}

pub(super) async fn sign(store: &Store) -> u64 {
    let now = Timestamp::from_secs(1_790_000_000);
    let note = store
        .checkpoint(ORIGIN, std::sync::Arc::new(key()), now)
        .await
        .unwrap();
    size_of(&note.unwrap()).unwrap()
}

async fn errand(store: &Store, whose: &str) -> (Errand, watch::Sender<bool>) {
    let (stop, stopping) = watch::channel(false);
    let absence = absence::Watch::begin(
        store,
        &Absences::default(),
        &client(whose),
        "tls://receiver:6514",
        absence::PASSING,
    )
    .await
    .unwrap();
    let errand = Errand {
        store: store.clone(),
        client: client(whose),
        key: format!("{whose} tls://receiver:6514"),
        absence,
        stop: stopping,
        farewell: watch::channel(None).1,
    };
    (errand, stop)
}

fn from_the_start() -> Delivery {
    Delivery::from(Cursor {
        entry: 1,
        checkpoint: 0,
    })
}

/// Reads one frame.
async fn message(stream: &mut DuplexStream) -> String {
    let mut length = 0usize;
    loop {
        match stream.read_u8().await.unwrap() {
            b' ' => break,
            digit => length = length * 10 + usize::from(digit - b'0'),
        }
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn messages(stream: &mut DuplexStream, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(message(stream).await);
    }
    all
}

fn says(message: &str, reason: &str) -> bool {
    message.contains(&format!("reason=\"{reason}\""))
}

/// R8, R9: everything of the client, in order, and nothing of another's or the gateway's own.
#[tokio::test]
async fn only_the_clients_own_entries_go_out_in_order() {
    let store = TestStore::sqlite().await;
    act(&store, "hopital", 40).await;
    act(&store, "clinique", 2).await;
    let own = AuditRecord::new(AuditKind::GatewayStart, Timestamp::from_secs(1_790_000_000));
    store.record(&[own]).await.unwrap();
    act(&store, "hopital", 1).await;
    let (mut errand, stop) = errand(&store, "hopital").await;
    let (here, mut there) = duplex(1 << 16);
    let mut delivery = from_the_start();
    let sender = Sender::this_process();
    let received = tokio::join!(
        async {
            let ended = syslog::converse(here, &mut errand, &mut delivery, &sender).await;
            assert_eq!(ended.end, End::Concluded, "{}", ended.problem);
        },
        async {
            let mut received = messages(&mut there, 41).await;
            act(&store, "clinique", 1).await;
            act(&store, "hopital", 1).await;
            received.extend(messages(&mut there, 1).await);
            stop.send_replace(true);
            let mut rest = Vec::new();
            there.read_to_end(&mut rest).await.unwrap();
            assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
            drop(there);
            received
        }
    )
    .1;
    for (number, message) in received.iter().take(40).enumerate() {
        assert!(says(message, &format!("hopital {number}")), "{message}");
    }
    assert!(
        received.iter().all(|message| !message.contains("clinique")),
        "another client's entries"
    );
    delivery.ended(End::Concluded);
    assert_eq!(delivery.arrived().entry, delivery.next().entry);
}

/// R8: checkpoints arrive too, each with the proof that it extends the one before.
#[tokio::test]
async fn checkpoints_go_out_with_proofs_that_join_them() {
    let store = TestStore::sqlite().await;
    act(&store, "hopital", 3).await;
    sign(&store).await;
    act(&store, "hopital", 4).await;
    let first = sign(&store).await;
    let extensions = checkpoints_since(&store, 0, 10).await.unwrap();
    assert_eq!(
        extensions.len(),
        1,
        "a new destination begins with the latest"
    );
    assert_eq!((extensions[0].0, extensions[0].1.old), (first, 0));
    act(&store, "clinique", 9).await;
    sign(&store).await;
    act(&store, "hopital", 2).await;
    sign(&store).await;
    let more = checkpoints_since(&store, first + 1, 10).await.unwrap();
    assert_eq!(more.len(), 2);
    let mut previous = extensions[0].1.note.unverified().unwrap();
    for (_, extension) in more {
        let next = extension.note.unverified().unwrap();
        assert_eq!(extension.old, previous.size);
        check_growth(&previous, &next, &extension.proof).unwrap();
        previous = next;
    }
    let message = Sender::this_process().checkpoint(&extensions[0].1, None);
    let message = String::from_utf8(message).unwrap();
    assert!(
        message.contains(" checkpoint [ecluse@32473 size=\""),
        "{message}"
    );
    assert!(
        !message.contains('\n'),
        "receivers break messages at line feeds"
    );
    let text = message.split_once('\u{feff}').unwrap().1;
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(json["checkpoint"], extensions[0].1.note.text());
}

/// R8: what a receiver that dies may have lost is sent again.
#[tokio::test]
async fn a_connection_that_breaks_loses_nothing() {
    let store = TestStore::sqlite().await;
    act(&store, "hopital", 5).await;
    let (mut errand, _stop) = errand(&store, "hopital").await;
    let mut delivery = from_the_start();
    let sender = Sender::this_process();
    let (here, mut there) = duplex(1 << 16);
    let ended = tokio::join!(
        syslog::converse(here, &mut errand, &mut delivery, &sender),
        async {
            message(&mut there).await;
            drop(there);
        }
    )
    .0;
    assert_ne!(ended.end, End::Concluded);
    delivery.ended(ended.end);
    assert_eq!(delivery.next().entry, 1, "all of it again");
}

/// A receiver that stops reading costs what the connection holds, and no more is read from the store.
#[tokio::test]
async fn a_receiver_that_stops_reading_holds_one_page() {
    let store = TestStore::sqlite().await;
    act(&store, "hopital", 300).await;
    let (mut errand, _stop) = errand(&store, "hopital").await;
    let mut delivery = from_the_start();
    let sender = Sender::this_process();
    // Less than a page of messages.
    let (here, mut there) = duplex(4096);
    let conversation = syslog::converse(here, &mut errand, &mut delivery, &sender);
    let stuck = tokio::time::timeout(Duration::from_millis(500), conversation).await;
    assert!(stuck.is_err(), "it waits for the receiver");
    assert_eq!(delivery.next().entry, 1, "not one page was taken");
    let first = message(&mut there).await;
    assert!(says(&first, "hopital 0"), "{first}");
}

/// A destroyed entry leaves a gap in what is sent, not an end.
#[tokio::test]
async fn what_was_destroyed_is_passed_over() {
    let store = TestStore::sqlite().await;
    act(&store, "hopital", 3).await;
    let destruction = crate::store::Destruction {
        client: Some(client("hopital")),
        in_force: false,
        before: Timestamp::from_secs(1_790_000_001),
        at: Timestamp::from_secs(1_890_000_000),
        by: "root".into(),
        why: "its time is over".into(),
    };
    store.destroy_client_entries(&destruction).await.unwrap();
    act(&store, "hopital", 1).await;
    let (mut errand, _stop) = errand(&store, "hopital").await;
    let mut delivery = from_the_start();
    let sender = Sender::this_process();
    let (here, mut there) = duplex(1 << 16);
    tokio::select! {
        _ = syslog::converse(here, &mut errand, &mut delivery, &sender) => {}
        received = messages(&mut there, 2) => {
            assert!(received[0].contains(" entries-destroyed "), "{received:?}");
            assert!(says(&received[1], "hopital 0"), "{received:?}");
        }
    }
}

#[test]
fn every_destination_of_every_client_has_a_name_of_its_own() {
    let text = |id: &str| {
        format!(
            "[client]\nid = \"{id}\"\nname = \"{id}\"\nlang = \"fr\"\n[copies]\ncheckpoints = [\"dir:/a\", \"https://h.example/x\"]\n"
        )
    };
    let clients = ["hopital", "clinique"].map(|id| {
        ecluse_policy::documents::parse_client(&format!("{id}.toml"), &text(id)).unwrap()
    });
    let names: std::collections::BTreeSet<String> = clients
        .iter()
        .flat_map(of_client)
        .map(|(client, destination)| format!("{client} {destination}"))
        .collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        [
            "clinique dir:/a",
            "clinique https://h.example/x",
            "hopital dir:/a",
            "hopital https://h.example/x"
        ]
    );
}

/// R8: a destination that no document names any more is sent everything first, the change that says so above all, with a
/// checkpoint that covers it and the client's own count; then its sender ends.
#[tokio::test]
async fn r8_a_destination_named_no_more_has_everything_before_its_sender_ends() {
    let store = TestStore::sqlite().await;
    act(&store, "hopital", 3).await;
    act(&store, "clinique", 2).await;
    let (mut errand, _stop) = errand(&store, "hopital").await;
    let (farewell, told) = watch::channel(None);
    errand.farewell = told;
    let (here, mut there) = duplex(1 << 16);
    let mut delivery = from_the_start();
    let sender = Sender::this_process();
    let ((), rest) = tokio::join!(
        async {
            let ended = syslog::converse(here, &mut errand, &mut delivery, &sender).await;
            assert_eq!(ended.end, End::Concluded, "{}", ended.problem);
        },
        async {
            messages(&mut there, 3).await;
            act(&store, "hopital", 1).await;
            farewell.send_replace(Some(store.journal_size().await.unwrap()));
            let last = message(&mut there).await;
            assert!(says(&last, "hopital 0"), "{last}");
            // No checkpoint covers it yet.
            sign(&store).await;
            let checkpoint = message(&mut there).await;
            let mut rest = Vec::new();
            there.read_to_end(&mut rest).await.unwrap();
            assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
            drop(there);
            checkpoint
        }
    );
    let head = store.trail_at(&client("hopital"), 6).await.unwrap();
    let head = head.unwrap();
    assert_eq!(head.nth, 4);
    let counted = format!(" client=\"hopital\" entries=\"4\" head=\"{}\"", head.leaf);
    assert!(rest.contains(&counted), "{rest}");
}
