//! What the channels of one technician connection share: its socket and the reasons for which the SSH library's task
//! must not be kept waiting.
//!
//! The library runs one task a connection and re-opens receive windows on receipt, so the only way to slow a sender is
//! to let that task wait inside a callback. A task that waits also delivers nothing. [`Connection`] counts what is on its
//! way to the technician, exactly, so that [`super::uplink::Uplink::accept`] waits only while nothing is
//! (`adr/0001-relay.md`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::door::stream::Socket;

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
    /// Wakes the library's task out of its wait. Only that task waits here.
    wake: Notify,
}

impl Connection {
    /// State for the connection on `socket`.
    pub(crate) fn new(socket: Arc<Socket>) -> Arc<Self> {
        Arc::new(Self {
            socket,
            pending: AtomicUsize::new(0),
            control: AtomicUsize::new(0),
            shrunk: AtomicUsize::new(0),
            wake: Notify::new(),
        })
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
