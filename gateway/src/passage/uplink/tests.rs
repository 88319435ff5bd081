use std::collections::HashMap;

use super::*;
use crate::door::stream::GuardedStream;
use crate::passage::purse::{self, Purse};
use crate::passage::side::{Signal, TermSize};
use crate::ssh::algorithms;
use tokio::net::{TcpListener, TcpStream};

/// A connection whose technician's end is held by the test.
async fn connection() -> (Arc<Connection>, TcpStream, GuardedStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    let stream = GuardedStream::new(accepted, u64::MAX);
    (
        Connection::new(
            stream.socket(),
            &Purse::common(1 << 30),
            algorithms::renewal(&algorithms::limits()),
            128,
        ),
        peer,
        stream,
    )
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), future)
        .await
        .unwrap_or_else(|_| panic!("still waiting: {what}"))
}

/// Brings the queue above its mark.
fn fill(uplink: &Uplink) {
    uplink.refilled(SHRINK_ABOVE as u32);
    uplink.spend(0).unwrap();
    uplink.spend(SHRINK_ABOVE).unwrap();
    uplink.append(Bytes::from(vec![7; SHRINK_ABOVE]));
    uplink.refilled(1 << 20);
    uplink.spend(0).unwrap();
}

fn resize(cols: u32) -> Item {
    Item::Resize(TermSize { cols, rows: 24 })
}

fn bytes(item: Item) -> Bytes {
    match item {
        Item::Data(data) => data,
        Item::Resize(_) | Item::Signal(_) | Item::Eof | Item::Close => {
            panic!("expected data")
        }
    }
}

#[tokio::test]
async fn what_is_sent_arrives_in_order_with_requests_between() {
    let (connection, _peer, _stream) = connection().await;
    let uplink = Uplink::open(&connection).unwrap();
    uplink.accept(Bytes::from_static(b"before")).await.unwrap();
    uplink.push(resize(70)).unwrap();
    uplink.push(resize(80)).unwrap();
    uplink.accept(Bytes::from_static(b"after")).await.unwrap();
    uplink.push(Item::Eof).unwrap();
    uplink.close();
    uplink.push(Item::Eof).unwrap();
    assert_eq!(bytes(uplink.next().await), "before");
    assert!(matches!(
        uplink.next().await,
        Item::Resize(TermSize { cols: 80, .. })
    ));
    assert_eq!(bytes(uplink.next().await), "after");
    assert!(matches!(uplink.next().await, Item::Eof));
    assert!(matches!(uplink.next().await, Item::Close));
    assert!(uplink.take().is_none(), "nothing follows the close");
}

/// The library's task waits for a full queue, and not a moment longer than nothing else needs it.
#[tokio::test]
async fn a_full_queue_holds_the_sender_until_it_has_drained() {
    let (connection, _peer, _stream) = connection().await;
    let uplink = Uplink::open(&connection).unwrap();
    fill(&uplink);
    assert_eq!(uplink.refilled(1024), 1024, "the credit is a trickle");
    uplink.spend(0).unwrap();
    let filling = Arc::clone(&uplink);
    let held = tokio::spawn(async move { filling.accept(Bytes::from(vec![7u8; 64])).await });
    tokio::task::yield_now().await;
    assert!(!held.is_finished());
    bytes(uplink.next().await);
    within("the sender", held).await.unwrap().unwrap();
    let credit = uplink.refilled(1024);
    assert!(credit > 1 << 20, "the credit is wide again: {credit}");
}

/// A queue that is short, but waits because the purse is all but empty, frees the sender when it is emptied.
#[tokio::test]
async fn an_empty_purse_holds_the_sender_until_the_queue_has_drained() {
    let (connection, _peer, _stream) = connection().await;
    let uplink = Uplink::open(&connection).unwrap();
    let scarce = usize::try_from(connection.purse().spare()).unwrap() - (1 << 20) + (8 << 10);
    connection.purse().take(scarce);
    let filling = Arc::clone(&uplink);
    let held = tokio::spawn(async move { filling.accept(Bytes::from(vec![7u8; 40 << 10])).await });
    tokio::task::yield_now().await;
    assert!(!held.is_finished());
    drop(bytes(uplink.next().await));
    within("the sender", held).await.unwrap().unwrap();
}

/// Full duplex: output for the technician frees the task that would deliver it.
#[tokio::test]
async fn a_full_queue_does_not_hold_back_output() {
    let (connection, _peer, _stream) = connection().await;
    let uplink = Uplink::open(&connection).unwrap();
    fill(&uplink);
    let filling = Arc::clone(&uplink);
    let accepting = tokio::spawn(async move { filling.accept(Bytes::from(vec![7u8; 64])).await });
    tokio::task::yield_now().await;
    assert!(!accepting.is_finished());
    let outgoing = connection.outgoing(Bytes::from_static(b"output"));
    within("the task", accepting).await.unwrap().unwrap();
    drop(outgoing);
    assert!(
        !connection.has_outgoing(),
        "delivered output no longer counts"
    );
}

/// A keystroke for another channel arrives on the same socket and must be looked at.
#[tokio::test]
async fn a_full_queue_does_not_keep_the_socket_unread() {
    use tokio::io::AsyncWriteExt;
    let (connection, mut peer, _stream) = connection().await;
    let uplink = Uplink::open(&connection).unwrap();
    fill(&uplink);
    let filling = Arc::clone(&uplink);
    let held = tokio::spawn(async move { filling.accept(Bytes::from(vec![7u8; 64])).await });
    tokio::task::yield_now().await;
    assert!(!held.is_finished());
    peer.write_all(b"a key").await.unwrap();
    within("the task", held).await.unwrap().unwrap();
}

/// Stands for the library: fills a channel's window up when less than half of what is offered is left of it.
struct Library {
    offered: u32,
    windows: HashMap<usize, u32>,
}

impl Library {
    fn new() -> Self {
        Self {
            offered: WINDOW,
            windows: HashMap::new(),
        }
    }

    /// What the client may send on a channel.
    fn window(&mut self, channel: usize) -> &mut u32 {
        self.windows.entry(channel).or_insert(WINDOW)
    }

    fn receive(&mut self, channel: usize, uplink: &Uplink, bytes: usize) -> Result<(), Overflow> {
        let offered = self.offered;
        let window = self.window(channel);
        *window = window.saturating_sub(bytes as u32);
        if *window < offered / 2 {
            *window = offered;
            self.offered = uplink.refilled(offered);
        }
        uplink.spend(bytes)?;
        uplink.append(Bytes::from(vec![7; bytes]));
        Ok(())
    }
}

/// F5: whoever keeps to the credit is never ended, and all that is granted and queued stays within the purse, whatever
/// the sizes of packets and however many channels are not emptied.
#[tokio::test]
async fn honest_clients_never_fill_more_than_the_purse() {
    for channels in [1, 3, 100, 128] {
        for packet in [1, 700, 32 << 10] {
            let (connection, _peer, _stream) = connection().await;
            let mut library = Library::new();
            let uplinks: Vec<_> = (0..channels)
                .map(|_| Uplink::open(&connection).unwrap())
                .collect();
            let rounds = (24 << 20) / packet / channels;
            for _ in 0..rounds.min(40_000) {
                for (channel, uplink) in uplinks.iter().enumerate() {
                    let bytes = packet.min(*library.window(channel) as usize);
                    library.receive(channel, uplink, bytes).unwrap();
                }
                let free = connection.purse().free();
                assert!(
                    free >= 0,
                    "{channels} channels, packets of {packet}: {free}"
                );
            }
            drop(uplinks);
            let left = purse::CONNECTION as i64 - connection.purse().free();
            assert_eq!(left, i64::from(library.offered), "all comes back");
        }
    }
}

/// F5: a peer that ignores its window is ended by the first byte beyond it.
#[tokio::test]
async fn a_peer_that_ignores_its_window_overflows() {
    let (connection, _peer, _stream) = connection().await;
    let uplink = Uplink::open(&connection).unwrap();
    let mut library = Library::new();
    library.receive(0, &uplink, 10).unwrap();
    let window = *library.window(0) as usize;
    assert_eq!(uplink.spend(window + 1), Err(Overflow));
    assert_eq!(uplink.received(), 10);
    uplink.accept(Bytes::from(vec![7; window])).await.unwrap();
    assert_eq!(uplink.accept(Bytes::from_static(b"1")).await, Err(Overflow));
}

/// F5: requests take no window, so they are counted apart; nothing that replaces what waits costs anything.
#[tokio::test]
async fn requests_are_bounded_and_equal_ones_wait_once() {
    let (connection, _peer, _stream) = connection().await;
    let uplink = Uplink::open(&connection).unwrap();
    let before = connection.purse().free();
    for cols in 0..10_000 {
        uplink.push(resize(cols)).unwrap();
    }
    for _ in 0..10_000 {
        uplink.push(Item::Signal(Signal::named("INT"))).unwrap();
        uplink.push(Item::Eof).unwrap();
    }
    assert!(before - connection.purse().free() < 1000);
    let mut pushed = 0;
    while uplink
        .push(Item::Signal(Signal::named(format!("{pushed}"))))
        .is_ok()
    {
        pushed += 1;
    }
    assert!((200..300).contains(&pushed), "{pushed}");
    uplink.close();
    assert!(matches!(
        uplink.next().await,
        Item::Resize(TermSize { cols: 9999, .. })
    ));
    while !matches!(uplink.next().await, Item::Close) {}
}

/// F5: a channel that finds no room in the purse is not opened.
#[tokio::test]
async fn an_empty_purse_opens_no_channel() {
    let (connection, _peer, _stream) = connection().await;
    let opened: Vec<_> = std::iter::from_fn(|| Uplink::open(&connection)).collect();
    assert!((128..256).contains(&opened.len()), "{}", opened.len());
    drop(opened);
    assert!(Uplink::open(&connection).is_some());
}

/// F2, F5: however much the open channels send, there is room for as many as the setting allows.
#[tokio::test]
async fn working_channels_leave_room_for_others() {
    let (connection, _peer, _stream) = connection().await;
    let mut library = Library::new();
    let mut uplinks = Vec::new();
    for channel in 0..128 {
        uplinks.push(Uplink::open(&connection).expect("no room for another channel"));
        for _ in 0..100 {
            let uplink = &uplinks[channel];
            let bytes = (32 << 10).min(*library.window(channel) as usize);
            library.receive(channel, uplink, bytes).unwrap();
        }
    }
}

#[tokio::test]
async fn a_cut_or_a_close_frees_whoever_waits() {
    let (connection, _peer, _stream) = connection().await;
    let uplink = Uplink::open(&connection).unwrap();
    fill(&uplink);
    let filling = Arc::clone(&uplink);
    let held = tokio::spawn(async move { filling.accept(Bytes::from(vec![7u8; 64])).await });
    let ending = Arc::clone(&uplink);
    let ended = tokio::spawn(async move { ending.until_closed().await });
    tokio::task::yield_now().await;
    connection.cut();
    within("the sender", held).await.unwrap().unwrap();
    uplink.discard();
    within("the end", ended).await.unwrap();
    assert!(
        !connection.is_shrunk(),
        "an ended channel weighs on no other"
    );
}
