//! The way back to the technician: output, exit status, end of a channel.
//!
//! Bytes are handed to the SSH library only as far as the technician's window reaches. What would exceed it waits in the
//! pump of its own channel, so that the library holds nothing back and other channels are not delayed.

use std::sync::Arc;

use bytes::Bytes;
use russh::{ChannelWriteHalf, server};
use tokio::sync::oneshot;

use crate::passage::side::{Exit, Gone, Piece, Sink, Soon};
use crate::passage::uplink::Uplink;
use crate::ssh::signals;

/// Extended data type of standard error (RFC 4254 §5.2).
const STDERR: u32 = 1;

/// Writes to one channel of the technician.
pub(crate) struct Downlink {
    channel: Arc<ChannelWriteHalf<server::Msg>>,
    handle: server::Handle,
    uplink: Arc<Uplink>,
    /// A packet on its way into the library's queue. Kept here, because the library counts it before it is there: were
    /// it given up half way, the window would be smaller for ever.
    in_flight: Option<Soon<'static, Result<(), Gone>>>,
}

impl Downlink {
    /// The way back of the channel whose way there is `uplink`.
    pub(crate) fn new(
        channel: ChannelWriteHalf<server::Msg>,
        handle: server::Handle,
        uplink: Arc<Uplink>,
    ) -> Self {
        Self {
            channel: Arc::new(channel),
            handle,
            uplink,
            in_flight: None,
        }
    }

    async fn deliver(&mut self, extended: Option<u32>, data: &mut Bytes) -> Result<(), Gone> {
        self.settle().await?;
        while !data.is_empty() {
            if self.uplink.is_closed() {
                return Err(Gone);
            }
            let room = self.channel.writable_packet_size().await;
            if room == 0 {
                self.uplink.window().await;
                continue;
            }
            let packet = data.split_to(room.min(data.len()));
            let packet = self.uplink.connection().outgoing(packet);
            let channel = Arc::clone(&self.channel);
            self.in_flight = Some(Box::pin(async move {
                let sent = match extended {
                    None => channel.data_bytes(packet).await,
                    Some(kind) => channel.extended_data_bytes(kind, packet).await,
                };
                sent.map_err(|_| Gone)
            }));
            self.settle().await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Gone> {
        if let Some(in_flight) = &mut self.in_flight {
            let sent = in_flight.await;
            self.in_flight = None;
            sent?;
        }
        Ok(())
    }

    /// Closes the channel after all that was sent. Returns when the close is on the wire: encrypted by the library's task
    /// and taken by the kernel; or when there is no wire any more.
    async fn close(&mut self) {
        let sent = self.channel.close().await;
        let _ = self.control(sent.is_ok());
        // The library's task takes the first sign after the close. It takes the second, which is sent after the first was
        // taken, only when it has written all that came before: between two of its turns it waits for the socket.
        for _ in 0..2 {
            self.until_taken().await;
        }
    }

    /// Waits until the library's task has come to a message that is sent now, and that says nothing.
    async fn until_taken(&mut self) {
        let (sign, taken) = oneshot::channel::<()>();
        let sent = self
            .handle
            .data(self.channel.id(), Bytes::from_owner(Sign(sign)))
            .await;
        let _ = self.control(sent.is_ok());
        drop(sent);
        // It is never answered: the library drops it, or the whole queue with it.
        let _ = taken.await;
    }

    /// Reports how the command ended (RFC 4254 §6.10).
    async fn exit(&mut self, exit: &Exit) -> Result<(), Gone> {
        let sent = match exit {
            Exit::Status(status) => self.channel.exit_status(*status).await.is_ok(),
            Exit::Signal {
                signal,
                core_dumped,
                message,
            } => {
                let signal = signals::for_wire(&signal.clone().told());
                let message = ecluse_recordings::neutralise(message);
                let id = self.channel.id();
                self.handle
                    .exit_signal_request(id, signal, *core_dumped, message, String::new())
                    .await
                    .is_ok()
            }
        };
        self.control(sent)
    }

    fn control(&self, sent: bool) -> Result<(), Gone> {
        self.uplink.connection().control_sent();
        if sent { Ok(()) } else { Err(Gone) }
    }
}

impl Sink for Downlink {
    fn send<'a>(&'a mut self, piece: &'a mut Piece) -> Soon<'a, Result<(), Gone>> {
        Box::pin(async move {
            if piece.bytes().is_none() {
                // Where a packet is still on its way now, it was given up: ends need no window and wait for none.
                self.in_flight = None;
            }
            match piece {
                Piece::Data(data) => self.deliver(None, data).await,
                Piece::ErrorData(data) => self.deliver(Some(STDERR), data).await,
                Piece::Eof => {
                    let sent = self.channel.eof().await;
                    self.control(sent.is_ok())
                }
                Piece::Exit(exit) => self.exit(exit).await,
                Piece::Close => {
                    self.close().await;
                    Ok(())
                }
                // Nothing that a client is told.
                Piece::Resize(_)
                | Piece::Signal(_)
                | Piece::Refused
                | Piece::Beside(_)
                | Piece::BesideOver
                | Piece::Run(_)
                | Piece::Remark(_) => Ok(()),
            }
        })
    }
}

/// No bytes at all, for a channel that is closed; what tells is when it is dropped.
struct Sign(#[expect(dead_code, reason = "what counts is when it is dropped")] oneshot::Sender<()>);

impl AsRef<[u8]> for Sign {
    fn as_ref(&self) -> &[u8] {
        &[]
    }
}
