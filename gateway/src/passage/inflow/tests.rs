use std::future::poll_fn;

use futures_util::FutureExt;

use super::*;

fn inflow(common: &Arc<Purse>) -> Arc<Inflow> {
    Inflow::new(Purse::of_connection(common))
}

fn is_open(inflow: &Inflow) -> bool {
    poll_fn(|cx| inflow.poll_open(cx)).now_or_never().is_some()
}

fn packet(inflow: &Arc<Inflow>) -> Bytes {
    inflow.hold(Bytes::from(vec![7; PACKET])).unwrap()
}

fn fill(inflow: &Arc<Inflow>) -> Vec<Bytes> {
    let mut queued = Vec::new();
    while is_open(inflow) {
        queued.push(packet(inflow));
    }
    queued
}

/// The target is read on as long as the technician takes what arrives, and no longer.
#[tokio::test]
async fn a_target_is_held_until_something_is_delivered() {
    let common = Purse::common(1 << 30);
    let inflow = inflow(&common);
    let mut queued = fill(&inflow);
    assert_eq!(queued.len(), 64, "two MiB and no more");
    let waiting = Arc::clone(&inflow);
    let waiting = tokio::spawn(async move { poll_fn(|cx| waiting.poll_open(cx)).await });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    let part = queued.pop().unwrap().slice(..10);
    tokio::task::yield_now().await;
    assert!(
        !waiting.is_finished(),
        "a part of a packet is still on its way"
    );
    drop(part);
    waiting.await.unwrap();
    drop(queued);
    drop(inflow);
    assert_eq!(common.free(), 1 << 30);
}

/// What costs no window costs memory: empty messages are counted too.
#[tokio::test]
async fn empty_messages_are_counted() {
    let common = Purse::common(1 << 30);
    let inflow = inflow(&common);
    let mut weights = Vec::new();
    while is_open(&inflow) {
        weights.push(inflow.weigh(0).unwrap());
    }
    assert!(weights.len() <= 20_000, "{} messages", weights.len());
    drop((weights, inflow));
    assert_eq!(common.free(), 1 << 30);
}

/// An empty purse slows a channel to one packet at a time; it does not stop it.
#[tokio::test]
async fn without_a_purse_one_packet_at_a_time_passes() {
    let common = Purse::common(0);
    let inflow = inflow(&common);
    for _ in 0..3 {
        assert!(is_open(&inflow));
        let packet = packet(&inflow);
        assert!(!is_open(&inflow));
        drop(packet);
    }
    assert_eq!(common.free(), 0);
}

/// What lets the technician's bytes go on may lie behind output that nobody takes: while they cannot go out, a window more
/// of it is read, and no more than that.
#[tokio::test]
async fn a_window_more_is_read_for_what_cannot_go_out() {
    let common = Purse::common(1 << 30);
    let purse = Purse::of_connection(&common);
    purse.reserve(12 << 20);
    let unused = purse.spare();
    let inflow = Inflow::new(Arc::clone(&purse));
    let mut queued = fill(&inflow);
    let (kept, spare) = (queued.len(), purse.spare());
    assert!(spare > LITTLE, "{spare} bytes are left");
    let typed = inflow.owing(Bytes::from_static(b"\x03"));
    assert!(!is_open(&inflow), "it may go out in a moment");
    poll_fn(|cx| inflow.poll_open(cx)).await;
    queued.append(&mut fill(&inflow));
    let more = queued.len() - kept;
    assert!(
        more * PACKET >= WINDOW as usize,
        "{more} packets are less than a window"
    );
    assert!(
        more * PACKET <= WINDOW as usize + 3 * PACKET,
        "{more} packets"
    );
    // That is paid for by what is kept for channels to come, and leaves as much for what the technician sends.
    assert_eq!(purse.spare(), spare);
    queued.truncate(kept + 1);
    assert!(is_open(&inflow));
    drop(typed);
    assert!(!is_open(&inflow), "nothing is owed any more");
    queued.truncate(1);
    assert!(is_open(&inflow));
    drop((queued, inflow));
    assert_eq!(purse.spare(), unused);
    drop(purse);
    assert_eq!(common.free(), 1 << 30);
}

#[tokio::test]
async fn an_abandoned_target_is_not_waited_for_and_a_giant_is_refused() {
    let common = Purse::common(0);
    let inflow = inflow(&common);
    let held = packet(&inflow);
    assert!(!is_open(&inflow));
    inflow.abandon();
    assert!(is_open(&inflow));
    drop(held);
    let giant = Bytes::from(vec![7; PACKET + 1]);
    assert_eq!(inflow.hold(giant), Err(TooLarge(PACKET + 1)));
}
