//! What the channels of one technician connection share: its socket and the reasons for which the SSH library's task
//! must not be kept waiting.
//!
//! The library runs one task a connection and re-opens receive windows on receipt, so the only way to slow a sender is
//! to let that task wait inside a callback. A task that waits also delivers nothing. [`Connection`] counts what is on its
//! way to the technician, exactly, so that [`super::uplink::Uplink::accept`] waits only while nothing is
//! (`adr/0001-relay.md`). It also holds the connection's purse, and says how much credit the next client to use up its
//! own gets (`adr/0010-one-purse.md`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use tokio::sync::Notify;

use super::inflow::PACKET;
use super::purse::{PER_CHANNEL, Purse, TRACE};
use super::rekey::{Limits, Rekey};
use crate::door::stream::Socket;

/// Receive window with which every channel starts, in bytes: the library has one for all, and a client that opens all
/// the channels it may is granted it as often.
pub(crate) const WINDOW: u32 = 64 << 10;
/// The widest window that a channel is given when it uses its credit up.
const WIDEST: u32 = 2 << 20;
/// The narrowest. One would never be topped up again.
const NARROWEST: u32 = 2;
/// What the client may have under way while keys are renewed; the library bears two first windows ([`super::rekey`]).
const UNDER_WAY: u32 = 2 * WINDOW - (16 << 10);
/// What an open channel costs the purse while nothing is queued: its first window, and one packet of its target.
const CHANNEL: i64 = WINDOW as i64 + PACKET as i64;
/// What is kept at most for channels that may still be opened: the rest is for those that work.
const RESERVED: i64 = 12 << 20;
/// With less than this to spare every channel that is not being emptied is slowed.
pub(super) const LITTLE: i64 = 1 << 20;
/// With less than this it is slowed down to all but nothing.
pub(super) const VERY_LITTLE: i64 = 256 << 10;

/// Shared by the channels of one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Arc<Socket>,
    /// Data messages handed to the library and not yet encrypted by it.
    pending: AtomicUsize,
    /// Control messages handed to the library since its task last looked.
    control: AtomicUsize,
    /// Channels whose queue towards the target is above its mark.
    shrunk: AtomicUsize,
    /// Channels that may be open at once.
    bound: usize,
    /// Open channels.
    channels: AtomicUsize,
    /// What everything kept for this connection is counted against.
    purse: Arc<Purse>,
    /// The window that the library fills up to when a channel has used half of it; paid for already.
    offered: AtomicU32,
    rekey: Rekey,
    /// Wakes the library's task out of its wait. Only that task waits here.
    wake: Notify,
}

impl Connection {
    /// State for the connection on `socket`, which takes what it keeps out of the purse of all connections, and whose
    /// keys the library renews within `limits`. Room for so many `channels` is kept, whatever those that are open do.
    pub(crate) fn new(
        socket: Arc<Socket>,
        common: &Arc<Purse>,
        limits: Limits,
        channels: usize,
    ) -> Arc<Self> {
        let purse = Purse::of_connection(common);
        purse.take(WINDOW as usize);
        purse.reserve(reserved(channels, 0));
        Arc::new(Self {
            socket,
            pending: AtomicUsize::new(0),
            control: AtomicUsize::new(0),
            shrunk: AtomicUsize::new(0),
            bound: channels,
            channels: AtomicUsize::new(0),
            purse,
            offered: AtomicU32::new(WINDOW),
            rekey: Rekey::new(limits),
            wake: Notify::new(),
        })
    }

    /// What everything kept for this connection is counted against.
    pub(crate) fn purse(&self) -> &Arc<Purse> {
        &self.purse
    }

    /// Pays for one more channel; `None` when the purse is empty.
    pub(super) fn open_channel(self: &Arc<Self>) -> Option<ChannelPlace> {
        let queued = WINDOW as usize + PACKET;
        if !self.purse.lend_beside(queued, PER_CHANNEL + TRACE) {
            return None;
        }
        let before = self.channels.fetch_add(1, SeqCst);
        let kept = reserved(self.bound, before + 1) - reserved(self.bound, before);
        self.purse.reserve(kept);
        Some(ChannelPlace(Arc::clone(self)))
    }

    /// What was offered has been granted to a channel, which pays for it from now on.
    pub(super) fn offer_taken(&self) {
        self.purse.give_back(self.offered.swap(0, SeqCst) as usize);
    }

    /// The window to offer next: to whichever channel next has used up half of its own.
    pub(super) fn offer(&self) -> u32 {
        let spare = self.purse.spare();
        let trickle = match spare {
            _ if !self.is_shrunk() => WIDEST,
            LITTLE.. => 1024,
            VERY_LITTLE..LITTLE => 64,
            _ => NARROWEST,
        };
        // A little is left for what small packets cost beside their bytes.
        let half = ((spare - LITTLE) / 2).max(0);
        let window = u32::try_from(half).map_or(trickle, |half| half.min(trickle));
        let window = window.min(self.under_way()).max(NARROWEST);
        self.purse.take(window as usize);
        self.offered.store(window, SeqCst);
        window
    }

    /// What a channel may have under way, so that all together do not break the renewal of keys.
    fn under_way(&self) -> u32 {
        if !self.is_rekeying_soon() {
            return WIDEST;
        }
        let channels = u32::try_from(self.channels.load(SeqCst)).unwrap_or(u32::MAX);
        UNDER_WAY / channels.max(1)
    }

    /// Whether the library may renew the keys soon, or may be doing so.
    pub(crate) fn is_rekeying_soon(&self) -> bool {
        self.rekey
            .is_near(self.socket.received(), self.socket.sent())
    }

    /// The library is renewing the keys now.
    pub(crate) fn rekeying(&self) {
        self.rekey
            .is_seen(self.socket.received(), self.socket.sent());
    }

    /// The socket of the connection.
    pub(crate) fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    /// Cuts the connection at once (invariant 6).
    pub(crate) fn cut(&self) {
        self.socket.cut();
        self.wake.notify_one();
    }

    /// Marks `data` as on its way to the technician until the library has encrypted it.
    pub(crate) fn outgoing(self: &Arc<Self>, data: Bytes) -> Bytes {
        self.pending.fetch_add(1, SeqCst);
        self.wake.notify_one();
        Bytes::from_owner(Outgoing {
            data,
            connection: Arc::clone(self),
        })
    }

    /// Says that a control message was handed to the library.
    pub(crate) fn control_sent(&self) {
        self.control.fetch_add(1, SeqCst);
        self.wake.notify_one();
    }

    /// Whether the library's task has something to deliver; looking at control messages forgets them.
    pub(crate) fn has_outgoing(&self) -> bool {
        self.pending.load(SeqCst) > 0 || self.control.swap(0, SeqCst) > 0
    }

    /// Wakes the library's task so that it looks again.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for [`Connection::wake`] or anything that implies it.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// A channel's queue went above its mark.
    pub(crate) fn channel_shrunk(&self) {
        self.shrunk.fetch_add(1, SeqCst);
    }

    /// A channel's queue came down again, or the channel ended.
    pub(crate) fn channel_widened(&self) {
        self.shrunk.fetch_sub(1, SeqCst);
    }

    /// Whether any channel is above its mark: the library's credit target is one for the whole connection.
    pub(crate) fn is_shrunk(&self) -> bool {
        self.shrunk.load(SeqCst) > 0
    }
}

/// What an open channel costs beside its queue and credit, given back on drop.
#[derive(Debug)]
pub(super) struct ChannelPlace(Arc<Connection>);

impl ChannelPlace {
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.0
    }
}

impl Drop for ChannelPlace {
    fn drop(&mut self) {
        let before = self.0.channels.fetch_sub(1, SeqCst);
        let kept = reserved(self.0.bound, before - 1) - reserved(self.0.bound, before);
        self.0.purse.reserve(kept);
        // The window is the queue's to give back; the library's trace of the channel stays.
        self.0.purse.give_back_beside(PACKET, PER_CHANNEL);
    }
}

/// What is kept for channels that may still be opened while so many are `open`.
fn reserved(bound: usize, open: usize) -> i64 {
    let more = i64::try_from(bound.saturating_sub(open)).unwrap_or(i64::MAX);
    more.saturating_mul(CHANNEL).min(RESERVED)
}

/// Bytes that count as outgoing for as long as the library holds them.
struct Outgoing {
    data: Bytes,
    connection: Arc<Connection>,
}

impl AsRef<[u8]> for Outgoing {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.connection.pending.fetch_sub(1, SeqCst);
    }
}
