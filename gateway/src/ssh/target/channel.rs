//! One session channel on a target: what is asked on it, and the side of a passage that it becomes.
//!
//! Where paths are to be looked up, there is a second one beside it ([`beside`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ecluse_policy::SFTP;
use russh::{Channel, ChannelId, ChannelMsg, ChannelWriteHalf, Pty, client};
use tokio::task::JoinHandle;

use super::beside::{self, Beside};
use super::callbacks::Target;
use super::intake::Intake;
use crate::clock;
use crate::door::stream::Socket;
use crate::passage::channel::Start;
use crate::passage::inflow::{Inflow, TooLarge};
use crate::passage::reach::{Asking, ConnectError, Connected};
use crate::passage::side::{End, Exit, Gone, Piece, Sink, Soon, Source, Stream};
use crate::passage::window::TerminalRequest;
use crate::ssh::signals;

/// Extended data type of standard error (RFC 4254 §5.2).
const STDERR: u32 = 1;
/// Until a target that is being left has taken what was sent to it.
pub(super) const TAKEN_WITHIN: Duration = Duration::from_secs(5);

/// When a leg says that it is there, and when it renews its keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    /// How often a target that is not read hears that the gateway is there: its own questions lie unread, and one that asks
    /// (`ClientAliveInterval` of sshd) would end the connection. Any packet is an answer to it.
    still_here: Duration,
    /// How often keys are renewed while the target is read (RFC 4253 §9). The library's own clock is off on this leg: it
    /// sends nothing between its part in a renewal and the target's, which lies behind what nobody reads.
    renewal: Duration,
}

impl Rhythm {
    pub(super) const USUAL: Self = Self {
        still_here: Duration::from_secs(5),
        renewal: Duration::from_secs(3600),
    };
}

/// What the target still owes an answer to, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// A terminal; without it the command runs all the same.
    Pty,
    /// The shell or command; without it there is no passage.
    Start,
}

/// Sends what the permit brings to the target, without waiting between the requests.
///
/// # Errors
/// The connection broke.
pub(super) async fn ask(
    handle: &Arc<client::Handle<Target>>,
    channel: Channel<client::Msg>,
    beside: Option<Channel<client::Msg>>,
    asking: &Asking<'_>,
    (intake, intake_beside): (&Arc<Intake>, &Arc<Intake>),
) -> Result<End, ConnectError> {
    let (read, write) = channel.split();
    intake
        .begin(read)
        .map_err(|TooLarge(_)| ConnectError::Lost)?;
    let asked = send_requests(&write, asking)
        .await
        .map_err(|_| ConnectError::Lost)?;
    let source = FromTarget {
        intake: Arc::clone(intake),
        asked,
        kept: None,
        stream: Stream::Output,
        undefined: false,
    };
    let sink = ToTarget::new(write, handle, intake);
    let Some(channel) = beside else {
        return Ok(End::new(Box::new(source), Box::new(sink)));
    };
    let (read, write) = channel.split();
    intake_beside
        .begin(read)
        .map_err(|TooLarge(_)| ConnectError::Lost)?;
    write
        .request_subsystem(true, SFTP)
        .await
        .map_err(|_| ConnectError::Lost)?;
    let beside = Beside {
        from: Arc::clone(intake_beside),
        to: ToTarget::new(write, handle, intake_beside),
    };
    Ok(beside::joined(source, sink, beside))
}

async fn send_requests(
    target: &ChannelWriteHalf<client::Msg>,
    asking: &Asking<'_>,
) -> Result<VecDeque<Asked>, russh::Error> {
    let mut asked = VecDeque::new();
    if let Some((term, terminal)) = &asking.terminal {
        let TerminalRequest {
            term: _,
            cols,
            rows,
            modes,
        } = terminal;
        let modes: Vec<_> = modes
            .iter()
            .filter_map(|(mode, value)| Some((Pty::from_u8(*mode)?, *value)))
            .collect();
        target
            .request_pty(true, term.as_str(), *cols, *rows, 0, 0, &modes)
            .await?;
        asked.push_back(Asked::Pty);
    }
    for (name, value) in asking.permit.terms().environment() {
        target.set_env(false, name.as_str(), value.as_str()).await?;
    }
    match asking.start {
        Start::Shell => target.request_shell(true).await?,
        Start::Command(command) => target.exec(true, command.as_slice()).await?,
        Start::Files => target.request_subsystem(true, SFTP).await?,
        // Once it is known what ([`Piece::Run`]); its answer is the only one that is owed then.
        Start::Copy(_) => {}
        // No session channel carries one: it was opened with all that it needs.
        Start::Forward(_) => return Ok(asked),
    }
    asked.push_back(Asked::Start);
    Ok(asked)
}

/// What the target says.
pub(super) struct FromTarget {
    intake: Arc<Intake>,
    asked: VecDeque<Asked>,
    /// A message that was taken out behind gathered data and is next.
    kept: Option<ChannelMsg>,
    /// Of which stream the last bytes were.
    stream: Stream,
    /// It sent data of an undefined type, which was said.
    undefined: bool,
}

impl FromTarget {
    /// What comes of a channel on which nothing was asked.
    pub(super) fn unasked(intake: &Arc<Intake>) -> Self {
        Self {
            intake: Arc::clone(intake),
            asked: VecDeque::new(),
            kept: None,
            stream: Stream::Output,
            undefined: false,
        }
    }
}

impl Source for FromTarget {
    fn next(&mut self) -> Soon<'_, Option<Piece>> {
        Box::pin(async move {
            loop {
                let message = match self.kept.take() {
                    Some(message) => message,
                    None => self.intake.next().await?,
                };
                if let Some(piece) = self.piece(message) {
                    return Some(piece);
                }
            }
        })
    }

    fn more(&mut self) -> Option<Bytes> {
        if self.kept.is_some() {
            return None;
        }
        match (self.intake.here()?, self.stream) {
            (ChannelMsg::Data { data }, Stream::Output)
            | (ChannelMsg::ExtendedData { data, ext: STDERR }, Stream::ErrorOutput) => Some(data),
            (other, _) => {
                self.kept = Some(other);
                None
            }
        }
    }
}

impl FromTarget {
    /// What a message is to a passage; nothing, where it is none of its business.
    fn piece(&mut self, message: ChannelMsg) -> Option<Piece> {
        match message {
            ChannelMsg::Data { data } => {
                self.stream = Stream::Output;
                Some(Piece::Data(data))
            }
            ChannelMsg::ExtendedData { data, ext: STDERR } => {
                self.stream = Stream::ErrorOutput;
                Some(Piece::ErrorData(data))
            }
            ChannelMsg::ExtendedData { ext, .. } => {
                // RFC 4254 defines no other type; nothing undefined passes.
                let first = !std::mem::replace(&mut self.undefined, true);
                first.then(|| {
                    let remark = format!("data of undefined type {ext} is not passed on");
                    Piece::Remark(remark.into())
                })
            }
            ChannelMsg::Eof => Some(Piece::Eof),
            ChannelMsg::ExitStatus { exit_status } => Some(Piece::Exit(Exit::Status(exit_status))),
            ChannelMsg::ExitSignal {
                signal_name,
                core_dumped,
                error_message,
                lang_tag: _,
            } => Some(Piece::Exit(Exit::Signal {
                signal: signals::of_wire(&signal_name),
                core_dumped,
                message: error_message,
            })),
            ChannelMsg::Success => {
                self.asked.pop_front();
                None
            }
            ChannelMsg::Failure => match self.asked.pop_front()? {
                Asked::Start => Some(Piece::Refused),
                Asked::Pty => Some(Piece::Remark("the target gives no terminal".into())),
            },
            ChannelMsg::Close => Some(Piece::Close),
            // None of these was taken over.
            ChannelMsg::WindowAdjusted { .. }
            | ChannelMsg::XonXoff { .. }
            | ChannelMsg::Open { .. }
            | ChannelMsg::OpenFailure(_)
            | ChannelMsg::RequestPty { .. }
            | ChannelMsg::RequestShell { .. }
            | ChannelMsg::Exec { .. }
            | ChannelMsg::Signal { .. }
            | ChannelMsg::RequestSubsystem { .. }
            | ChannelMsg::RequestX11 { .. }
            | ChannelMsg::SetEnv { .. }
            | ChannelMsg::WindowChange { .. }
            | ChannelMsg::AgentForward { .. } => None,
            _ => None,
        }
    }
}

/// What the target is told.
pub(super) struct ToTarget {
    write: Arc<ChannelWriteHalf<client::Msg>>,
    handle: Arc<client::Handle<Target>>,
    inflow: Arc<Inflow>,
    /// Bytes on their way into the library's queue, packet by packet as the target's window allows. Kept here, because
    /// the library counts a packet before it is there: were it given up half way, the window would be smaller for ever.
    in_flight: Option<Soon<'static, Result<(), Gone>>>,
}

impl Sink for ToTarget {
    fn send<'a>(&'a mut self, piece: &'a mut Piece) -> Soon<'a, Result<(), Gone>> {
        Box::pin(async move {
            if let Piece::Data(data) | Piece::ErrorData(data) = piece {
                return self.data(data).await;
            }
            self.settle().await?;
            // What has no bytes is owed too: none go before it, and the library's task takes both at once.
            let (handle, id) = (Arc::clone(&self.handle), self.write.id());
            let none = self.inflow.owing(Bytes::new());
            self.in_flight = Some(Box::pin(async move {
                handle.data(id, none).await.map_err(|_| Gone)
            }));
            self.settle().await?;
            let sent = match piece {
                Piece::Resize(size) => {
                    let (cols, rows) = (size.cols, size.rows);
                    self.write.window_change(cols, rows, 0, 0).await
                }
                Piece::Signal(signal) => self.write.signal(signals::for_wire(signal)).await,
                Piece::Eof => self.write.eof().await,
                Piece::Close => self.write.close().await,
                Piece::Run(line) => self.write.exec(true, &line[..]).await,
                // Nothing that a target is told.
                Piece::Data(_)
                | Piece::ErrorData(_)
                | Piece::Exit(_)
                | Piece::Refused
                | Piece::Beside(_)
                | Piece::BesideOver
                | Piece::Remark(_) => Ok(()),
            };
            sent.map_err(|_| Gone)
        })
    }
}

impl ToTarget {
    pub(super) fn new(
        write: impl Into<Arc<ChannelWriteHalf<client::Msg>>>,
        handle: &Arc<client::Handle<Target>>,
        intake: &Arc<Intake>,
    ) -> Self {
        Self {
            write: write.into(),
            handle: Arc::clone(handle),
            inflow: Arc::clone(intake.inflow()),
            in_flight: None,
        }
    }

    /// Sends bytes. Dropped while it waits, it leaves in `data` what was not taken.
    pub(super) async fn data(&mut self, data: &mut Bytes) -> Result<(), Gone> {
        self.settle().await?;
        let data = self.inflow.owing(std::mem::take(data));
        let write = Arc::clone(&self.write);
        self.in_flight = Some(Box::pin(async move {
            write.data_bytes(data).await.map_err(|_| Gone)
        }));
        self.settle().await
    }

    async fn settle(&mut self) -> Result<(), Gone> {
        if let Some(in_flight) = &mut self.in_flight {
            let sent = in_flight.await;
            self.in_flight = None;
            sent?;
        }
        Ok(())
    }
}

/// Keeps the connection to a target open; cuts it when dropped, because the library's own task only detaches and waits
/// behind what the target does not read.
pub(super) struct TargetConnection {
    socket: Arc<Socket>,
    handle: Option<Arc<client::Handle<Target>>>,
    inflow: Arc<Inflow>,
    /// Keeps the target from giving up while it is not read.
    still_here: JoinHandle<()>,
}

impl TargetConnection {
    /// The connection on `socket`, logged on; `by` tells a channel of it that is open, where one is.
    pub(super) fn new(
        socket: Arc<Socket>,
        handle: Arc<client::Handle<Target>>,
        by: impl Fn() -> Option<ChannelId> + Send + Sync + 'static,
        inflow: Arc<Inflow>,
    ) -> Self {
        let leg = (Arc::clone(&handle), by);
        let still_here = tokio::spawn(keep(leg, Arc::clone(&inflow), Rhythm::USUAL));
        Self {
            socket,
            handle: Some(handle),
            inflow,
            still_here,
        }
    }

    /// By which channels are opened on it; none where it is being left.
    pub(super) fn handle(&self) -> Option<Arc<client::Handle<Target>>> {
        self.handle.clone()
    }
}

/// Lets the target hear that the gateway is there while it is not read, and renews keys while it is; until the leg ends.
pub(super) async fn keep(
    (handle, by): (Arc<client::Handle<Target>>, impl Fn() -> Option<ChannelId>),
    inflow: Arc<Inflow>,
    rhythm: Rhythm,
) {
    let mut renewed = clock::monotonic();
    loop {
        tokio::time::sleep(rhythm.still_here).await;
        let sent = if inflow.is_shut() {
            // Its answers lie behind what is not read, a few bytes each.
            handle.send_keepalive(true).await
        } else if renewed.elapsed() >= rhythm.renewal {
            renewed = clock::monotonic();
            handle.rekey_soon().await
        } else {
            continue;
        };
        // Owed until it is enciphered: where keys are being renewed, more is read up to the target's part in that.
        let owed = match by() {
            Some(id) => handle.data(id, inflow.owing(Bytes::new())).await,
            None => Ok(()),
        };
        if sent.is_err() || owed.is_err() {
            return;
        }
    }
}

impl Connected for TargetConnection {
    fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    fn close_gently(mut self: Box<Self>) {
        // Nobody takes what it still sends, and it must be read to its end.
        self.inflow.abandon();
        tokio::spawn(async move {
            self.still_here.abort();
            let _ = (&mut self.still_here).await;
            // The other holder was the side of the passage, which is gone.
            let Some(mut handle) = self.handle.take().and_then(Arc::into_inner) else {
                return;
            };
            let taken = async {
                let reason = russh::Disconnect::ByApplication;
                let _ = handle.disconnect(reason, "", "").await;
                let _ = (&mut handle).await;
            };
            let _ = tokio::time::timeout(TAKEN_WITHIN, taken).await;
            drop(self);
        });
    }
}

impl Drop for TargetConnection {
    fn drop(&mut self) {
        self.still_here.abort();
        self.inflow.abandon();
        self.socket.cut();
    }
}

#[cfg(test)]
mod tests;
