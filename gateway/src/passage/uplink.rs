//! The ordered queue from a technician's channel towards its target: data, requests, end of input.
//!
//! Bounded without ever blocking a direction against the other (`adr/0001-relay.md`): above [`SHRINK_ABOVE`] the
//! technician's credit shrinks to a trickle, which keeps the callback firing so that the window can re-open. What is
//! queued and what the client may still send is paid for out of the connection's purse (`adr/0010-one-purse.md`); a
//! client that sends more than its credit, or more requests than anybody needs, is ended.

mod queue;

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Notify;

use super::connection::{ChannelPlace, Connection, LITTLE, VERY_LITTLE, WINDOW};
use super::purse::Charge;
use super::side::{Piece, Soon, Source};
use crate::clock;
use crate::terminal::Size;
pub(crate) use queue::{Item, Overflow};
use queue::{Queue, Queued};

/// Queue length above which the technician's credit shrinks.
const SHRINK_ABOVE: usize = 2 << 20;
/// Queue length at which credit is full again. Far below [`SHRINK_ABOVE`]: without the distance a slow upload would run
/// in packets of one trickle.
const WIDEN_BELOW: usize = 512 << 10;
/// With little left in the purse, queue length above which a channel counts as not being emptied.
const STUCK_ABOVE: usize = 32 << 10;

/// Requests that wait at once on one channel. Only the last of several sizes of a terminal waits, and one of equal
/// signals, so that nobody honest has so many.
const REQUESTS: usize = 256;
/// Requests that may wait with nothing left in the purse.
const FEW_REQUESTS: usize = 16;

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
    /// Whether the library's task may be waiting for this queue.
    waiting: AtomicBool,
    /// Payload bytes that arrived, whatever became of them.
    received: AtomicU64,
    /// Columns of the technician's terminal by now; zero without one.
    columns: AtomicU16,
    /// Since when the technician's window is waited for.
    unread_since: Mutex<Option<Instant>>,
    place: ChannelPlace,
}

impl Uplink {
    /// An empty queue of a new channel of `connection`; `None` when its purse is empty.
    pub(crate) fn open(connection: &Arc<Connection>) -> Option<Arc<Self>> {
        Some(Arc::new(Self {
            place: connection.open_channel()?,
            queue: Mutex::new(Queue::granted(WINDOW)),
            filled: Notify::new(),
            window: Notify::new(),
            ended: Notify::new(),
            closed: AtomicBool::new(false),
            shrunk: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
            received: AtomicU64::new(0),
            columns: AtomicU16::new(0),
            unread_since: Mutex::new(None),
        }))
    }

    /// The connection of this channel.
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        self.place.connection()
    }

    /// The columns of the technician's terminal by now; none without one.
    pub(crate) fn columns(&self) -> Option<usize> {
        let columns = self.columns.load(SeqCst);
        (columns > 0).then(|| columns.into())
    }

    /// The technician has a terminal of so many columns.
    pub(crate) fn has_columns(&self, told: u32) {
        self.columns.store(Size::told(told, 0).cols, SeqCst);
    }

    /// How many payload bytes arrived from the technician.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(SeqCst)
    }

    /// Takes bytes from the technician; called by the library's task, which waits here while the queue is long and
    /// nothing else needs it.
    ///
    /// # Errors
    /// [`Overflow`] when the peer ignores its window; the connection must then end.
    pub(crate) async fn accept(&self, data: Bytes) -> Result<(), Overflow> {
        self.spend(data.len())?;
        self.append(data);
        // Set before the queue is looked at, so that whoever empties it meanwhile wakes this task.
        self.waiting.store(true, SeqCst);
        self.until_emptied().await;
        self.waiting.store(false, SeqCst);
        Ok(())
    }

    /// Waits while the queue is long and nothing else needs the library's task.
    async fn until_emptied(&self) {
        let connection = self.connection();
        loop {
            self.weigh();
            if !self.is_stuck() || self.is_closed() || connection.socket().is_cut() {
                return;
            }
            if connection.has_outgoing() || connection.socket().buffered() > 0 {
                return;
            }
            tokio::select! {
                () = connection.woken() => {}
                () = connection.socket().readable() => {
                    // More arrived: it may be a keystroke for another channel, so it is looked at, but a sender that
                    // only pours more into this full queue is slowed the more the less is left in the purse.
                    if let Some(pause) = pause(connection.purse().spare()) {
                        tokio::time::sleep(pause).await;
                    }
                    return;
                }
            }
        }
    }

    /// Counts bytes that arrived against what the client may send, whatever becomes of them.
    ///
    /// # Errors
    /// [`Overflow`] when the peer ignores its window; the connection must then end.
    pub(crate) fn spend(&self, bytes: usize) -> Result<(), Overflow> {
        let spent = u32::try_from(bytes).map_err(|_| Overflow)?;
        self.change(|queue| queue.spend(spent))
    }

    /// The library has filled this channel's window up to `granted`, for a packet that [`Uplink::spend`] hears of next.
    /// Returns the window for the next channel that uses its own up.
    pub(crate) fn refilled(&self, granted: u32) -> u32 {
        // It was paid for when it was offered.
        self.connection().offer_taken();
        self.change(|queue| queue.refill(granted));
        self.weigh();
        self.connection().offer()
    }

    /// Appends a request or the end of input.
    ///
    /// # Errors
    /// [`Overflow`] when nobody honest has so many waiting; the connection must then end.
    pub(crate) fn push(&self, item: Item) -> Result<(), Overflow> {
        let bound = if self.connection().purse().free() < 0 {
            FEW_REQUESTS
        } else {
            REQUESTS
        };
        if let Item::Resize(size) = &item
            && self.columns().is_some()
        {
            self.has_columns(size.cols);
        }
        self.change(|queue| queue.push(item, bound))?;
        self.filled.notify_one();
        Ok(())
    }

    fn append(&self, data: Bytes) {
        self.received.fetch_add(data.len() as u64, SeqCst);
        self.change(|queue| queue.append(data));
        self.filled.notify_one();
    }

    /// Ends the queue: what is queued still goes out, whoever waits is woken.
    pub(crate) fn close(&self) {
        // A close is taken whatever waits before it.
        let _ = self.push(Item::Close);
        self.closed.store(true, SeqCst);
        self.widen();
        self.window.notify_one();
        self.ended.notify_waiters();
        self.connection().wake();
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
        self.change(Queue::clear);
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
        let is_data = self.lock().starts_with_data();
        // Only one consumer takes items, so the front is still what it was.
        match is_data.then(|| self.take()).flatten()? {
            Item::Data(data) => Some(data),
            Item::Resize(_) | Item::Signal(_) | Item::Eof | Item::Close => None,
        }
    }

    /// The technician's window has grown.
    pub(crate) fn window_grown(&self) {
        // Read again, whoever waits for it or was dropped meanwhile.
        *self.lock_unread() = None;
        self.window.notify_one();
    }

    /// Waits until the window may have grown or the channel has ended.
    pub(crate) async fn window(&self) {
        // Whoever waits may be dropped and wait again: it is the same wait.
        self.lock_unread().get_or_insert_with(clock::monotonic);
        self.window.notified().await;
        *self.lock_unread() = None;
    }

    /// For how long the technician's client has granted no window that something waits for.
    pub(crate) fn unread_for(&self) -> Duration {
        let since = *self.lock_unread();
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn lock_unread(&self) -> MutexGuard<'_, Option<Instant>> {
        self.unread_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Item> {
        let (queued, low) = self.change(|queue| {
            let queued = queue.take();
            (queued, queue.bytes() <= WIDEN_BELOW)
        });
        if low && self.waiting.load(SeqCst) {
            self.connection().wake();
        }
        Some(match queued? {
            Queued::Item(item) => item,
            Queued::Data(data) => Item::Data(Bytes::from_owner(Paid {
                _charge: Charge::take(self.connection().purse(), data.capacity()),
                data: data.freeze(),
            })),
            Queued::Whole(data) => Item::Data(Bytes::from_owner(Paid {
                _charge: Charge::take(self.connection().purse(), data.len()),
                data,
            })),
        })
    }

    /// Shrinks or widens the credit by the length of the queue.
    fn weigh(&self) {
        let length = self.lock().bytes();
        if length > SHRINK_ABOVE && !self.is_closed() {
            if !self.shrunk.swap(true, SeqCst) {
                self.connection().channel_shrunk();
            }
        } else if length <= WIDEN_BELOW {
            self.widen();
        }
    }

    /// Whether whoever fills this queue is to be slowed.
    fn is_stuck(&self) -> bool {
        self.shrunk.load(SeqCst) || (self.has_little() && self.lock().bytes() > STUCK_ABOVE)
    }

    fn has_little(&self) -> bool {
        self.connection().purse().spare() < LITTLE
    }

    fn widen(&self) {
        if self.shrunk.swap(false, SeqCst) {
            self.connection().channel_widened();
        }
    }

    /// Changes the queue and settles what that costs or spares.
    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queue = self.lock();
        let before = queue.charged();
        let changed = change(&mut queue);
        let after = queue.charged();
        drop(queue);
        let purse = self.connection().purse();
        if after > before {
            purse.take(after - before);
        } else {
            purse.give_back(before - after);
        }
        changed
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Uplink {
    fn drop(&mut self) {
        self.widen();
        let charged = self.lock().charged();
        self.connection().purse().give_back(charged);
    }
}

/// The technician's side of a channel, as a source.
pub(crate) struct FromTechnician(pub(crate) Arc<Uplink>);

impl Source for FromTechnician {
    fn next(&mut self) -> Soon<'_, Option<Piece>> {
        Box::pin(async move { Some(self.0.next().await.into()) })
    }

    fn more(&mut self) -> Option<Bytes> {
        self.0.more_data()
    }

    fn gone(&self) -> Soon<'static, ()> {
        let uplink = Arc::clone(&self.0);
        Box::pin(async move { uplink.until_closed().await })
    }
}

/// Bytes that stay paid for until the last part of them is dropped: until they are encrypted for the target.
struct Paid {
    data: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for Paid {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

/// How long a sender that fills a queue is kept waiting before its next packet is looked at, with so much to spare.
/// Never so long that another channel's keystroke would be felt to wait.
fn pause(spare: i64) -> Option<Duration> {
    match spare {
        LITTLE.. => None,
        VERY_LITTLE..LITTLE => Some(Duration::from_millis(1)),
        0..VERY_LITTLE => Some(Duration::from_millis(5)),
        _ => Some(Duration::from_millis(50)),
    }
}

#[cfg(test)]
mod tests;
