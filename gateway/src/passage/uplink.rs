//! The ordered queue from a technician's channel towards its target: data, requests, end of input.
//!
//! Bounded without ever blocking a direction against the other (`adr/0001-relay.md`): above [`SHRINK_ABOVE`] the
//! technician's credit shrinks to a trickle, which keeps the callback firing so that the window can re-open; a peer that
//! ignores its window is ended at [`CAP`].

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use russh::Sig;
use tokio::sync::Notify;

use super::connection::Connection;

/// Receive window of a channel, in bytes.
pub(crate) const WINDOW: u32 = 2 << 20;
/// Queue length above which the technician's credit shrinks.
const SHRINK_ABOVE: usize = 3 << 20;
/// Queue length at which credit is full again. Far below [`SHRINK_ABOVE`]: without the distance a slow upload would run
/// in packets of one trickle.
const WIDEN_BELOW: usize = 1 << 20;
/// Queue length that an honest peer cannot reach: two windows, and hours of trickle.
const CAP: usize = 14 << 20;
/// What one queued item costs beside its bytes.
const ITEM: usize = 96;

/// One thing that the technician's side sent, in order.
#[derive(Debug)]
pub(crate) enum Item {
    /// Bytes for the target's standard input.
    Data(Bytes),
    /// The terminal changed its size, in characters and pixels.
    Resize {
        /// Columns.
        cols: u32,
        /// Rows.
        rows: u32,
        /// Width in pixels, zero when unknown.
        width: u32,
        /// Height in pixels, zero when unknown.
        height: u32,
    },
    /// A signal.
    Signal(Sig),
    /// No more input.
    Eof,
    /// The technician closed the channel, or the connection is gone.
    Close,
}

/// The technician sent more than its window allows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// Set by [`Item::Close`]; nothing is queued after it.
    closed: bool,
}

/// The queue of one channel.
#[derive(Debug)]
pub(crate) struct Uplink {
    queue: Mutex<Queue>,
    /// Wakes the consumer.
    filled: Notify,
    /// Wakes whoever waits for the technician's window.
    window: Notify,
    /// Wakes whoever waits for the end.
    ended: Notify,
    closed: AtomicBool,
    shrunk: AtomicBool,
    /// Payload bytes that arrived, whatever became of them.
    received: AtomicU64,
    connection: Arc<Connection>,
}

impl Uplink {
    /// An empty queue of a channel of `connection`.
    pub(crate) fn new(connection: Arc<Connection>) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::default(),
            filled: Notify::new(),
            window: Notify::new(),
            ended: Notify::new(),
            closed: AtomicBool::new(false),
            shrunk: AtomicBool::new(false),
            received: AtomicU64::new(0),
            connection,
        })
    }

    /// The connection of this channel.
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// How many payload bytes arrived from the technician.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(SeqCst)
    }

    /// Takes bytes from the technician; called by the library's task, which waits here while the queue is long and
    /// nothing else needs it.
    ///
    /// # Errors
    /// [`Overflow`] when the peer ignores its window; the channel must then end.
    pub(crate) async fn accept(&self, data: &[u8]) -> Result<(), Overflow> {
        if self.length() + data.len() > CAP {
            return Err(Overflow);
        }
        self.received.fetch_add(data.len() as u64, SeqCst);
        self.push(Item::Data(Bytes::copy_from_slice(data)));
        loop {
            let length = self.length();
            self.weigh(length);
            if !self.shrunk.load(SeqCst) || self.is_closed() || self.connection.socket().is_cut() {
                return Ok(());
            }
            if self.connection.has_outgoing() || self.connection.socket().buffered() > 0 {
                return Ok(());
            }
            tokio::select! {
                () = self.connection.woken() => {}
                () = self.connection.socket().readable() => {
                    // More arrived: it may be a keystroke for another channel, so it is looked at, but a sender that
                    // only pours more into this full queue is slowed the more the fuller it is.
                    if let Some(pause) = pause(length) {
                        tokio::time::sleep(pause).await;
                    }
                    return Ok(());
                }
            }
        }
    }

    /// The credit target to answer the library's question with, in bytes; never below two, because a target of one is
    /// never topped up again.
    pub(crate) fn credit(&self) -> u32 {
        let length = self.length();
        self.weigh(length);
        if !self.connection.is_shrunk() {
            return WINDOW;
        }
        match length {
            0..0x60_0000 => 1024,
            0x60_0000..0x90_0000 => 64,
            _ => 2,
        }
    }

    /// Appends a request or the end of input.
    pub(crate) fn push(&self, item: Item) {
        let mut queue = self.lock();
        if queue.closed {
            return;
        }
        queue.bytes += cost(&item);
        queue.closed = matches!(item, Item::Close);
        queue.items.push_back(item);
        drop(queue);
        self.filled.notify_one();
    }

    /// Ends the queue: what is queued still goes out, whoever waits is woken.
    pub(crate) fn close(&self) {
        self.push(Item::Close);
        self.closed.store(true, SeqCst);
        self.widen();
        self.window.notify_one();
        self.ended.notify_waiters();
        self.connection.wake();
    }

    /// Waits until the channel has ended, without taking anything out of the queue.
    pub(crate) async fn until_closed(&self) {
        let mut ended = std::pin::pin!(self.ended.notified());
        loop {
            ended.as_mut().enable();
            if self.is_closed() {
                return;
            }
            ended.as_mut().await;
            ended.set(self.ended.notified());
        }
    }

    /// Ends the queue and forgets what is in it: nobody takes anything out any more.
    pub(crate) fn discard(&self) {
        let mut queue = self.lock();
        queue.items.clear();
        queue.bytes = 0;
        drop(queue);
        self.close();
    }

    /// Whether the channel has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// The next item. Safe to drop while waiting: nothing is taken out before it is returned.
    pub(crate) async fn next(&self) -> Item {
        loop {
            let filled = self.filled.notified();
            if let Some(item) = self.take() {
                return item;
            }
            filled.await;
        }
    }

    /// Takes the data that is queued next, if it is data: what waits together is recorded together.
    pub(crate) fn more_data(&self) -> Option<Bytes> {
        let queue = self.lock();
        let is_data = matches!(queue.items.front(), Some(Item::Data(_)));
        drop(queue);
        // Only one consumer takes items, so the front is still what it was.
        match is_data.then(|| self.take()).flatten()? {
            Item::Data(data) => Some(data),
            Item::Resize { .. } | Item::Signal(_) | Item::Eof | Item::Close => None,
        }
    }

    /// The technician's window has grown.
    pub(crate) fn window_grown(&self) {
        self.window.notify_one();
    }

    /// Waits until the window may have grown or the channel has ended.
    pub(crate) async fn window(&self) {
        self.window.notified().await;
    }

    fn take(&self) -> Option<Item> {
        let mut queue = self.lock();
        let item = queue.items.pop_front()?;
        queue.bytes -= cost(&item);
        let low = queue.bytes <= WIDEN_BELOW;
        drop(queue);
        if low && self.shrunk.load(SeqCst) {
            self.connection.wake();
        }
        Some(item)
    }

    fn length(&self) -> usize {
        self.lock().bytes
    }

    /// Shrinks or widens the credit by the length of the queue.
    fn weigh(&self, length: usize) {
        if length > SHRINK_ABOVE && !self.is_closed() {
            if !self.shrunk.swap(true, SeqCst) {
                self.connection.channel_shrunk();
            }
        } else if length <= WIDEN_BELOW {
            self.widen();
        }
    }

    fn widen(&self) {
        if self.shrunk.swap(false, SeqCst) {
            self.connection.channel_widened();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Uplink {
    fn drop(&mut self) {
        self.widen();
    }
}

fn cost(item: &Item) -> usize {
    match item {
        Item::Data(data) => data.len() + ITEM,
        Item::Signal(_) | Item::Resize { .. } | Item::Eof | Item::Close => ITEM,
    }
}

/// How long a sender that fills a queue of this length is kept waiting before its next packet is looked at.
fn pause(length: usize) -> Option<Duration> {
    match length {
        0..0x60_0000 => None,
        0x60_0000..0x90_0000 => Some(Duration::from_millis(1)),
        _ => Some(Duration::from_millis(5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::stream::GuardedStream;
    use tokio::net::{TcpListener, TcpStream};

    /// A connection whose technician's end is held by the test.
    async fn connection() -> (Arc<Connection>, TcpStream, GuardedStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let stream = GuardedStream::new(accepted, u64::MAX);
        (Connection::new(stream.socket()), peer, stream)
    }

    async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(5), future)
            .await
            .unwrap_or_else(|_| panic!("still waiting: {what}"))
    }

    /// Brings the queue above its mark.
    fn fill(uplink: &Uplink) {
        uplink.push(Item::Data(Bytes::from(vec![7; SHRINK_ABOVE])));
    }

    fn bytes(item: Item) -> Bytes {
        match item {
            Item::Data(data) => data,
            Item::Resize { .. } | Item::Signal(_) | Item::Eof | Item::Close => {
                panic!("expected data")
            }
        }
    }

    #[tokio::test]
    async fn what_is_sent_arrives_in_order_with_requests_between() {
        let (connection, _peer, _stream) = connection().await;
        let uplink = Uplink::new(connection);
        uplink.accept(b"before").await.unwrap();
        uplink.push(Item::Resize {
            cols: 80,
            rows: 24,
            width: 0,
            height: 0,
        });
        uplink.accept(b"after").await.unwrap();
        uplink.push(Item::Eof);
        uplink.close();
        uplink.push(Item::Eof);
        assert_eq!(bytes(uplink.next().await), "before");
        assert!(matches!(uplink.next().await, Item::Resize { cols: 80, .. }));
        assert_eq!(bytes(uplink.next().await), "after");
        assert!(matches!(uplink.next().await, Item::Eof));
        assert!(matches!(uplink.next().await, Item::Close));
        assert!(uplink.take().is_none(), "nothing follows the close");
    }

    /// The library's task waits for a full queue, and not a moment longer than nothing else needs it.
    #[tokio::test]
    async fn a_full_queue_holds_the_sender_until_it_has_drained() {
        let (connection, _peer, _stream) = connection().await;
        let uplink = Uplink::new(connection);
        fill(&uplink);
        assert_eq!(uplink.credit(), 1024, "the credit is a trickle");
        let filling = Arc::clone(&uplink);
        let held = tokio::spawn(async move { filling.accept(&[7u8; 64]).await });
        tokio::task::yield_now().await;
        assert!(!held.is_finished());
        bytes(uplink.next().await);
        within("the sender", held).await.unwrap().unwrap();
        assert_eq!(uplink.credit(), WINDOW, "the credit is full again");
    }

    /// Full duplex: output for the technician frees the task that would deliver it.
    #[tokio::test]
    async fn a_full_queue_does_not_hold_back_output() {
        let (connection, _peer, _stream) = connection().await;
        let uplink = Uplink::new(Arc::clone(&connection));
        for _ in 0..4 {
            let filling = Arc::clone(&uplink);
            let accepting = tokio::spawn(async move { filling.accept(&vec![7u8; 1 << 20]).await });
            tokio::task::yield_now().await;
            let outgoing = connection.outgoing(Bytes::from_static(b"output"));
            within("the task", accepting).await.unwrap().unwrap();
            drop(outgoing);
        }
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
        let uplink = Uplink::new(connection);
        fill(&uplink);
        let filling = Arc::clone(&uplink);
        let held = tokio::spawn(async move { filling.accept(&[7u8; 64]).await });
        tokio::task::yield_now().await;
        assert!(!held.is_finished());
        peer.write_all(b"a key").await.unwrap();
        within("the task", held).await.unwrap().unwrap();
    }

    /// Memory per channel stays below 16 MiB whatever the peer does (F5).
    #[tokio::test]
    async fn a_peer_that_ignores_its_window_overflows() {
        let (connection, _peer, _stream) = connection().await;
        let uplink = Uplink::new(Arc::clone(&connection));
        let _outgoing = connection.outgoing(Bytes::from_static(b"so that nothing waits"));
        let mut accepted = 0;
        while uplink.accept(&[7u8; 32 << 10]).await.is_ok() {
            accepted += 32 << 10;
        }
        assert!((10 << 20..=CAP).contains(&accepted), "{accepted}");
        assert_eq!(
            uplink.credit(),
            2,
            "never one: it would not be topped up again"
        );
    }

    #[tokio::test]
    async fn a_cut_or_a_close_frees_whoever_waits() {
        let (connection, _peer, _stream) = connection().await;
        let uplink = Uplink::new(Arc::clone(&connection));
        fill(&uplink);
        let filling = Arc::clone(&uplink);
        let held = tokio::spawn(async move { filling.accept(&[7u8; 64]).await });
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
}
