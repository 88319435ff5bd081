//! What the bytes of a connection come by: a network, or a channel of another connection.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

/// The socket itself.
#[derive(Debug)]
pub(super) enum Carrier {
    /// A connection of TCP.
    Tcp(TcpStream),
    /// One end of a pair; the other is a channel of a connection ([`crate::passage::jump`]).
    Within(UnixStream),
}

impl Carrier {
    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            Self::Within(stream) => stream.poll_read_ready(cx),
        }
    }

    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(cx),
            Self::Within(stream) => stream.poll_write_ready(cx),
        }
    }

    pub(super) fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(into),
            Self::Within(stream) => stream.try_read(into),
        }
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Within(stream) => stream.try_write(bytes),
        }
    }

    /// Our own address; none within another connection.
    pub(super) fn local(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok().map(|at| at.ip()),
            Self::Within(_) => None,
        }
    }

    /// Whether both ends are of one machine.
    pub(super) fn is_within_a_machine(&self) -> bool {
        match self {
            Self::Tcp(stream) => match (stream.local_addr(), stream.peer_addr()) {
                (Ok(own), Ok(other)) => own.ip() == other.ip() || other.ip().is_loopback(),
                (Ok(_), Err(_)) | (Err(_), _) => false,
            },
            Self::Within(_) => true,
        }
    }

    /// Waits until something can be read, or nothing ever will.
    pub(super) async fn readable(&self) {
        let mut byte = [0u8; 1];
        // A failure is an end, which the next read tells.
        let _ = match self {
            Self::Tcp(stream) => stream.peek(&mut byte).await,
            Self::Within(stream) => {
                let peek = || {
                    let seen = recv(stream, &mut byte[..], RecvFlags::PEEK);
                    seen.map(|(seen, _)| seen).map_err(io::Error::from)
                };
                stream.async_io(Interest::READABLE, peek).await
            }
        };
    }
}

impl AsFd for Carrier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Within(stream) => stream.as_fd(),
        }
    }
}
