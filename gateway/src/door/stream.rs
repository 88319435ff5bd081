//! A stream that can be cut from outside.
//!
//! The SSH library has no way to end a connection whose peer has stopped reading: its own `disconnect` waits behind
//! pending data. So every connection, towards technicians and towards targets, runs on a [`GuardedStream`], whose
//! [`Socket`] the gateway keeps: [`Socket::cut`] closes the socket at once, from any thread, and what the kernel still
//! held for the peer is thrown away (invariant 6).
//!
//! It also reads ahead. The library asks for four bytes and then for a packet; one large read for both spares most
//! system calls. The buffer grows under load and shrinks when idle, so that idle connections stay small.

mod carrier;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::{Shutdown, shutdown, sockopt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;

use carrier::Carrier;

/// Size of the read-ahead buffer of a quiet connection, in bytes.
const QUIET_BUFFER: usize = 4 << 10;
/// Size of the read-ahead buffer under load, in bytes.
const BUSY_BUFFER: usize = 128 << 10;
/// Consecutive small reads after which a large buffer is given back.
const READS_BEFORE_SHRINKING: u32 = 64;

/// The socket under a [`GuardedStream`], shared with whoever may cut it.
#[derive(Debug)]
pub(crate) struct Socket {
    carrier: Carrier,
    /// Bytes read ahead and not yet taken by the library.
    buffered: AtomicUsize,
    received: AtomicU64,
    sent: AtomicU64,
    /// Bytes that may be received; [`u64::MAX`] once the peer is trusted (invariant 10).
    allowance: AtomicU64,
    cut: AtomicBool,
    cut_wake: Notify,
}

impl Socket {
    /// Closes the connection now: nothing more is read, nothing queued is delivered.
    ///
    /// Takes effect at once even when the peer has stopped reading, because the lingering of unsent bytes is switched
    /// off first and the descriptor is shut down here, on the caller's thread.
    pub(crate) fn cut(&self) {
        if self.cut.swap(true, Ordering::SeqCst) {
            return;
        }
        // Both can only fail when the connection is already gone, which is what is wanted.
        let _ = sockopt::set_socket_linger(&self.carrier, Some(Duration::ZERO));
        let _ = shutdown(&self.carrier, Shutdown::Both);
        self.cut_wake.notify_waiters();
    }

    /// Ends the connection in order: what was sent is still delivered, nothing more is read.
    pub(crate) fn hang_up(&self) {
        // Fails only when the connection is already gone.
        let _ = shutdown(&self.carrier, Shutdown::Both);
    }

    /// Whether [`Socket::cut`] was called.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    /// Bytes that the library could read without a system call.
    pub(crate) fn buffered(&self) -> usize {
        self.buffered.load(Ordering::SeqCst)
    }

    /// By which address of this machine it goes.
    pub(crate) fn local(&self) -> Option<std::net::IpAddr> {
        self.carrier.local()
    }

    /// Whether its other end is on this machine.
    pub(crate) fn is_within_a_machine(&self) -> bool {
        self.carrier.is_within_a_machine()
    }

    /// Bytes received on the wire.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Bytes sent on the wire.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Waits until the peer has sent something that is not read yet, or has gone.
    pub(crate) async fn readable(&self) {
        self.carrier.readable().await;
    }

    /// Waits until [`Socket::cut`] is called.
    pub(crate) async fn until_cut(&self) {
        let mut woken = std::pin::pin!(self.cut_wake.notified());
        loop {
            woken.as_mut().enable();
            if self.is_cut() {
                return;
            }
            woken.as_mut().await;
            woken.set(self.cut_wake.notified());
        }
    }

    /// Lifts the bound on received bytes: the peer has authenticated.
    pub(crate) fn trust(&self) {
        self.allowance.store(u64::MAX, Ordering::SeqCst);
    }
}

/// Says when more may be read of a connection. What is not read stays with the peer; what is written is not its business.
pub(crate) trait Gate: std::fmt::Debug + Send + Sync {
    /// Ready while more may be read; wakes whoever asked as soon as that may have changed.
    fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()>;
}

/// The stream given to the SSH library.
#[derive(Debug)]
pub(crate) struct GuardedStream {
    socket: Arc<Socket>,
    /// Before every read, also of what was read ahead: the library reads a packet at a time.
    gate: Option<Arc<dyn Gate>>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    small_reads: u32,
}

impl GuardedStream {
    /// Guards `tcp`; at most `allowance` bytes are received before [`Socket::trust`].
    pub(crate) fn new(tcp: TcpStream, allowance: u64) -> Self {
        // Keystrokes must not wait for one another; a socket without the option is merely slower.
        let _ = tcp.set_nodelay(true);
        Self::over(Carrier::Tcp(tcp), allowance)
    }

    /// Guards one end of a pair whose other end is a channel of somebody who has authenticated.
    pub(crate) fn within(channel: UnixStream) -> Self {
        Self::over(Carrier::Within(channel), u64::MAX)
    }

    fn over(carrier: Carrier, allowance: u64) -> Self {
        let socket = Arc::new(Socket {
            carrier,
            buffered: AtomicUsize::new(0),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            allowance: AtomicU64::new(allowance),
            cut: AtomicBool::new(false),
            cut_wake: Notify::new(),
        });
        Self {
            socket,
            gate: None,
            buffer: vec![0; QUIET_BUFFER],
            start: 0,
            end: 0,
            small_reads: 0,
        }
    }

    /// The same, read only while `gate` is open.
    pub(crate) fn behind(mut self, gate: Arc<dyn Gate>) -> Self {
        self.gate = Some(gate);
        self
    }

    /// The handle by which the connection can be cut.
    pub(crate) fn socket(&self) -> Arc<Socket> {
        Arc::clone(&self.socket)
    }

    /// Resizes the empty buffer to what the last read suggests.
    fn fit(&mut self, read: usize) {
        if read == self.buffer.len() {
            self.small_reads = 0;
            if self.buffer.len() < BUSY_BUFFER {
                let grown = (self.buffer.len() * 8).min(BUSY_BUFFER);
                self.buffer.resize(grown, 0);
            }
        } else if read < QUIET_BUFFER && self.buffer.len() > QUIET_BUFFER {
            self.small_reads += 1;
        } else {
            self.small_reads = 0;
        }
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(gate) = &this.gate {
            ready!(gate.poll_open(cx));
        }
        if this.start == this.end {
            if this.small_reads > READS_BEFORE_SHRINKING {
                this.buffer = vec![0; QUIET_BUFFER];
                this.small_reads = 0;
            }
            let read = loop {
                ready!(this.socket.carrier.poll_read_ready(cx))?;
                match this.socket.carrier.try_read(&mut this.buffer) {
                    Ok(read) => break read,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            };
            let received = this
                .socket
                .received
                .fetch_add(read as u64, Ordering::SeqCst)
                + read as u64;
            if received > this.socket.allowance.load(Ordering::SeqCst) {
                return Poll::Ready(Err(io::Error::other(
                    "too many bytes before authentication",
                )));
            }
            this.start = 0;
            this.end = read;
        }
        let available = this.buffer.get(this.start..this.end).unwrap_or_default();
        let taken = out.remaining().min(available.len());
        out.put_slice(available.get(..taken).unwrap_or_default());
        this.start += taken;
        this.socket
            .buffered
            .store(this.end - this.start, Ordering::SeqCst);
        if this.start == this.end {
            this.fit(this.end);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.carrier.poll_write_ready(cx))?;
            match self.socket.carrier.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(sent) => {
                    self.socket.sent.fetch_add(sent as u64, Ordering::Relaxed);
                    return Poll::Ready(Ok(sent));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // An error means that the peer is gone already.
        let _ = shutdown(&self.socket.carrier, Shutdown::Write);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair(allowance: u64) -> (GuardedStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        (GuardedStream::new(accepted, allowance), peer)
    }

    #[tokio::test]
    async fn bytes_pass_unchanged_through_buffer_growth_and_shrinking() {
        let (mut stream, mut peer) = pair(u64::MAX).await;
        let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let writer = tokio::spawn(async move {
            peer.write_all(&sent).await.unwrap();
            for byte in 0..200u8 {
                peer.write_all(&[byte]).await.unwrap();
                peer.flush().await.unwrap();
            }
        });
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.unwrap();
        writer.await.unwrap();
        assert_eq!(&received[..expected.len()], &expected[..]);
        assert_eq!(received.len(), expected.len() + 200);
    }

    /// F5: a stranger cannot make the gateway read without end.
    #[tokio::test]
    async fn a_stranger_sends_no_more_than_the_allowance() {
        let (mut stream, mut peer) = pair(1000).await;
        tokio::spawn(async move {
            let _ = peer.write_all(&[7; 5000]).await;
            let mut rest = Vec::new();
            let _ = peer.read_to_end(&mut rest).await;
        });
        let mut received = Vec::new();
        let error = stream.read_to_end(&mut received).await.unwrap_err();
        assert!(
            error.to_string().contains("before authentication"),
            "{error}"
        );
    }

    /// Invariant 6: the cut reaches a writer that is stuck because its peer does not read.
    #[tokio::test]
    async fn a_cut_ends_a_write_that_nobody_reads() {
        let (mut stream, peer) = pair(u64::MAX).await;
        let socket = stream.socket();
        let stuck = tokio::spawn(async move {
            let block = vec![0u8; 1 << 20];
            loop {
                if let Err(error) = stream.write_all(&block).await {
                    return error;
                }
            }
        });
        // Wait until the kernel takes no more: two looks a moment apart see no progress is racy, so fill blindly.
        while socket.carrier.try_write(&[0u8; 65536]).is_ok() {
            tokio::task::yield_now().await;
        }
        std::thread::spawn(move || socket.cut()).join().unwrap();
        let error = tokio::time::timeout(Duration::from_secs(1), stuck)
            .await
            .unwrap()
            .unwrap();
        assert!(
            matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            ),
            "{error}"
        );
        drop(peer);
    }
}
