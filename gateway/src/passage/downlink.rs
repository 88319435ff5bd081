//! The way back to the technician: output, exit status, end of a channel.
//!
//! Bytes are handed to the SSH library only as far as the technician's window reaches. What would exceed it waits here,
//! in the pump of its own channel, so that the library holds nothing back and other channels are not delayed.

use std::sync::Arc;

use bytes::Bytes;
use russh::{ChannelWriteHalf, Sig, server};
use tokio::sync::oneshot;

use super::uplink::Uplink;
use crate::terminal::layout;

/// Extended data type of standard error (RFC 4254 §5.2).
const STDERR: u32 = 1;

/// The technician's channel is gone; nothing more can be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the technician has left")]
pub(crate) struct Gone;

/// Which of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output, or the terminal.
    Output,
    /// Standard error.
    ErrorOutput,
}

/// Writes to one channel of the technician.
#[derive(Debug)]
pub(crate) struct Downlink {
    channel: ChannelWriteHalf<server::Msg>,
    handle: server::Handle,
    uplink: Arc<Uplink>,
}

impl Downlink {
    /// The way back of the channel whose way there is `uplink`.
    pub(crate) fn new(
        channel: ChannelWriteHalf<server::Msg>,
        handle: server::Handle,
        uplink: Arc<Uplink>,
    ) -> Self {
        Self {
            channel,
            handle,
            uplink,
        }
    }

    /// Delivers `data`, waiting for the technician's window as often as needed.
    ///
    /// # Errors
    /// [`Gone`] when the channel ends meanwhile.
    pub(crate) async fn send(&self, stream: Stream, mut data: Bytes) -> Result<(), Gone> {
        while !data.is_empty() {
            if self.uplink.is_closed() {
                return Err(Gone);
            }
            let room = self.channel.writable_packet_size().await;
            if room == 0 {
                self.uplink.window().await;
                continue;
            }
            let chunk = self
                .uplink
                .connection()
                .outgoing(data.split_to(room.min(data.len())));
            let sent = match stream {
                Stream::Output => self.channel.data_bytes(chunk).await,
                Stream::ErrorOutput => self.channel.extended_data_bytes(STDERR, chunk).await,
            };
            sent.map_err(|_| Gone)?;
        }
        Ok(())
    }

    /// `words` in lines that fit the technician's terminal, where there is one.
    pub(crate) fn lines(&self, words: &str) -> String {
        match self.uplink.columns() {
            Some(columns) => layout::told(words, columns),
            None => format!("{words}\n"),
        }
    }

    /// Says that no more output follows.
    pub(crate) async fn eof(&self) -> Result<(), Gone> {
        let sent = self.channel.eof().await;
        self.control(sent.is_ok())
    }

    /// Reports how the command ended.
    pub(crate) async fn exit_status(&self, status: u32) -> Result<(), Gone> {
        let sent = self.channel.exit_status(status).await;
        self.control(sent.is_ok())
    }

    /// Reports the signal that ended the command (RFC 4254 §6.10).
    pub(crate) async fn exit_signal(
        &self,
        signal: Sig,
        core_dumped: bool,
        message: String,
    ) -> Result<(), Gone> {
        let id = self.channel.id();
        let sent = self
            .handle
            .exit_signal_request(id, signal, core_dumped, message, String::new())
            .await;
        self.control(sent.is_ok())
    }

    /// Closes the channel after all that was sent. Returns when the close is on the wire: encrypted by the library's task
    /// and taken by the kernel; or when there is no wire any more.
    pub(crate) async fn close(&self) {
        let sent = self.channel.close().await;
        let _ = self.control(sent.is_ok());
        // The library's task takes the first sign after the close. It takes the second, which is sent after the first was
        // taken, only when it has written all that came before: between two of its turns it waits for the socket.
        for _ in 0..2 {
            self.until_taken().await;
        }
    }

    /// Waits until the library's task has come to a message that is sent now, and that says nothing.
    async fn until_taken(&self) {
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

    fn control(&self, sent: bool) -> Result<(), Gone> {
        self.uplink.connection().control_sent();
        if sent { Ok(()) } else { Err(Gone) }
    }
}

/// No bytes at all, for a channel that is closed; what tells is when it is dropped.
struct Sign(#[expect(dead_code, reason = "what counts is when it is dropped")] oneshot::Sender<()>);

impl AsRef<[u8]> for Sign {
    fn as_ref(&self) -> &[u8] {
        &[]
    }
}
