//! Moves one channel's bytes between a technician and a target until one of them ends.
//!
//! Two pumps run side by side in one task: up, from the [`Uplink`] to the target, and down, from the target to the
//! [`Downlink`]. Each records before it forwards. Requests, end of input and close go through the same ordered queue as
//! the data, so that nothing overtakes anything (RFC 4254 §5, §6).

use std::time::{Duration, Instant};

use bytes::Bytes;
use ecluse_policy::{FlowRequest, Permit};
use ecluse_recordings as recordings;
use ecluse_recordings::{Direction, Event, ExitSignal, RecordError};
use futures_util::FutureExt;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client};
use tokio::sync::mpsc;

use super::downlink::{Downlink, Gone, Stream};
use super::legs::LegCounts;
use super::signals;
use super::tap::Tap;
use super::uplink::{Item, Uplink};
use crate::clock;

/// Extended data type of standard error (RFC 4254 §5.2).
const STDERR: u32 = 1;
/// Pieces recorded by one write, at most; the library's are up to 32 KiB each.
const GATHERED: usize = 16;
/// How long the target's answer to the end of the technician's channel is waited for, so that its last words are recorded.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long the end of output waits for the exit status that should follow it.
const STATUS_FOLLOWS_WITHIN: Duration = Duration::from_secs(1);

/// How a relay ended.
#[derive(Debug)]
pub(crate) enum RelayEnd {
    /// The target reported how the command ended and closed.
    Finished,
    /// The technician closed the channel or is gone.
    TechnicianLeft,
    /// The target refused to start the shell or command.
    TargetRefused,
    /// The target's connection broke before the command ended.
    TargetLost,
    /// What passes cannot be recorded.
    Unrecorded(RecordError),
}

/// What the target still owes an answer to, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A terminal; without it the command runs all the same.
    Terminal,
    /// The shell or command; without it there is no passage.
    Start,
}

/// One channel between a technician and a target.
pub(crate) struct Relay<'a> {
    /// From the technician.
    pub(crate) uplink: &'a Uplink,
    /// To the technician.
    pub(crate) downlink: &'a Downlink,
    /// What the channel was opened by; asked again for what comes on it.
    pub(crate) permit: &'a Permit,
    /// The recording.
    pub(crate) tap: &'a Tap,
    /// Lines of the gateway for the technician, such as the warning before the window ends.
    pub(crate) notices: &'a mut mpsc::Receiver<String>,
    /// Requests sent to the target and not yet answered.
    pub(crate) asked: Vec<Asked>,
    /// What passes, apart from the recording.
    pub(crate) legs: &'a LegCounts,
}

impl Relay<'_> {
    /// Runs until a side ends. Dropping it stops both directions at once.
    pub(crate) async fn run(
        self,
        mut read: ChannelReadHalf,
        write: ChannelWriteHalf<client::Msg>,
    ) -> RelayEnd {
        let Self {
            uplink,
            downlink,
            permit,
            tap,
            notices,
            asked,
            legs,
        } = self;
        let up = pump_up(uplink, &write, permit, tap, legs);
        let down = Down {
            downlink,
            tap,
            legs,
            asked: asked.into(),
            finished: false,
            held_eof: None,
            next: None,
        };
        let down = down.pump(&mut read, notices);
        tokio::pin!(up, down);
        tokio::select! {
            end = &mut down => end,
            up = &mut up => match up {
                Err(error) => RelayEnd::Unrecorded(error),
                Ok(UpEnd::TechnicianLeft) => {
                    // The library has answered the technician's close; what the target still says is for the record.
                    let _ = write.close().await;
                    match tokio::time::timeout(LAST_WORDS, &mut down).await {
                        Ok(RelayEnd::Unrecorded(error)) => RelayEnd::Unrecorded(error),
                        _ => RelayEnd::TechnicianLeft,
                    }
                }
                // The target takes no more input; how it ended is told by the other direction.
                Ok(UpEnd::TargetGone) => down.await,
            }
        }
    }
}

enum UpEnd {
    TechnicianLeft,
    TargetGone,
}

async fn pump_up(
    uplink: &Uplink,
    write: &ChannelWriteHalf<client::Msg>,
    permit: &Permit,
    tap: &Tap,
    legs: &LegCounts,
) -> Result<UpEnd, RecordError> {
    loop {
        let sent = match uplink.next().await {
            Item::Data(data) => {
                let pieces = gathered(data, || uplink.more_data());
                tap.input(&pieces)?;
                send_up(write, pieces, legs).await
            }
            Item::Resize {
                cols,
                rows,
                width,
                height,
            } => {
                if permitted(permit, &FlowRequest::WindowChange, tap)? {
                    tap.record(Event::Resize { cols, rows })?;
                    write.window_change(cols, rows, width, height).await
                } else {
                    Ok(())
                }
            }
            Item::Signal(signal) => {
                let name = signals::name(&signal);
                if permitted(permit, &FlowRequest::Signal(name.clone()), tap)? {
                    tap.record(Event::Marker(&format!(
                        "signal {}",
                        recordings::neutralise(name)
                    )))?;
                    write.signal(signal).await
                } else {
                    Ok(())
                }
            }
            Item::Eof => {
                tap.record(Event::Eof(Direction::ToTarget))?;
                write.eof().await
            }
            Item::Close => return Ok(UpEnd::TechnicianLeft),
        };
        if sent.is_err() {
            return Ok(UpEnd::TargetGone);
        }
    }
}

/// Whether a request on the open channel comes with its permit. One that does not is on record, and goes no further.
fn permitted(permit: &Permit, request: &FlowRequest, tap: &Tap) -> Result<bool, RecordError> {
    match permit.decide(request, clock::now()) {
        Ok(()) => Ok(true),
        Err(refusal) => {
            let note = format!("not passed on: {refusal}");
            tap.record(Event::Note(&recordings::neutralise(note)))?;
            Ok(false)
        }
    }
}

/// Sends recorded pieces on to the target.
async fn send_up(
    write: &ChannelWriteHalf<client::Msg>,
    pieces: Vec<Bytes>,
    legs: &LegCounts,
) -> Result<(), russh::Error> {
    for piece in pieces {
        legs.sent_to_target(piece.len());
        write.data_bytes(piece).await?;
    }
    Ok(())
}

/// A piece and those that wait behind it, up to [`GATHERED`]: recorded by one write instead of one each.
fn gathered(first: Bytes, mut more: impl FnMut() -> Option<Bytes>) -> Vec<Bytes> {
    let mut pieces = vec![first];
    while pieces.len() < GATHERED {
        match more() {
            Some(piece) => pieces.push(piece),
            None => break,
        }
    }
    pieces
}

struct Down<'a> {
    downlink: &'a Downlink,
    tap: &'a Tap,
    legs: &'a LegCounts,
    asked: std::collections::VecDeque<Asked>,
    finished: bool,
    /// When the target's end of output goes on at the latest, if it is held back. A client that has ended its input too
    /// closes the channel as soon as it hears of it, and the library answers that close at once: an exit status that
    /// comes after the end of output, as sshd often sends it, would then never arrive.
    held_eof: Option<Instant>,
    /// A message that was taken out behind gathered data and is next.
    next: Option<ChannelMsg>,
}

impl Down<'_> {
    async fn pump(
        mut self,
        read: &mut ChannelReadHalf,
        notices: &mut mpsc::Receiver<String>,
    ) -> RelayEnd {
        loop {
            let next = self.next.take();
            let message = tokio::select! {
                biased;
                message = next_of(next, read) => message,
                () = until(self.held_eof) => {
                    let _ = self.let_eof_go().await;
                    continue;
                }
                Some(notice) = notices.recv() => {
                    // Not the target's bytes: recorded as the gateway's own words.
                    if let Err(error) = self.tap.record(Event::Note(&notice)) {
                        return RelayEnd::Unrecorded(error);
                    }
                    let _ = self.downlink.send(Stream::ErrorOutput, Bytes::from(notice)).await;
                    continue;
                }
            };
            let Some(message) = message else {
                let _ = self.let_eof_go().await;
                return if self.finished {
                    RelayEnd::Finished
                } else {
                    RelayEnd::TargetLost
                };
            };
            match self.pass(message, read).await {
                Ok(Pass::On) => {}
                Ok(Pass::End(end)) => return end,
                Err(error) => return RelayEnd::Unrecorded(error),
            }
        }
    }

    /// The next message, if it is here already and more of the same stream; any other is kept for its turn.
    fn more(&mut self, read: &mut ChannelReadHalf, stream: Stream) -> Option<Bytes> {
        if self.next.is_some() {
            return None;
        }
        match (read.wait().now_or_never().flatten()?, stream) {
            (ChannelMsg::Data { data }, Stream::Output)
            | (ChannelMsg::ExtendedData { data, ext: STDERR }, Stream::ErrorOutput) => {
                self.legs.received_from_target(data.len());
                Some(data)
            }
            (other, _) => {
                self.next = Some(other);
                None
            }
        }
    }

    async fn send_down(&self, stream: Stream, pieces: Vec<Bytes>) -> Result<(), Gone> {
        for piece in pieces {
            self.legs.sent_to_technician(piece.len());
            self.downlink.send(stream, piece).await?;
        }
        Ok(())
    }

    /// Passes on the end of output, if it was held back.
    async fn let_eof_go(&mut self) -> Result<(), Gone> {
        match self.held_eof.take() {
            Some(_) => self.downlink.eof().await,
            None => Ok(()),
        }
    }

    async fn pass(
        &mut self,
        message: ChannelMsg,
        read: &mut ChannelReadHalf,
    ) -> Result<Pass, RecordError> {
        let sent = match message {
            ChannelMsg::Data { data } => {
                self.legs.received_from_target(data.len());
                let pieces = gathered(data, || self.more(read, Stream::Output));
                self.tap.output(Stream::Output, &pieces)?;
                self.send_down(Stream::Output, pieces).await
            }
            ChannelMsg::ExtendedData { data, ext: STDERR } => {
                self.legs.received_from_target(data.len());
                let pieces = gathered(data, || self.more(read, Stream::ErrorOutput));
                self.tap.output(Stream::ErrorOutput, &pieces)?;
                self.send_down(Stream::ErrorOutput, pieces).await
            }
            ChannelMsg::ExtendedData { data, ext } => {
                // RFC 4254 defines no other type; nothing undefined passes.
                let note = format!(
                    "{} bytes of undefined data type {ext} were not passed on",
                    data.len()
                );
                self.tap.record(Event::Note(&note))?;
                Ok(())
            }
            ChannelMsg::Eof => {
                self.tap.record(Event::Eof(Direction::ToTechnician))?;
                self.held_eof = Some(clock::monotonic() + STATUS_FOLLOWS_WITHIN);
                if self.finished {
                    self.let_eof_go().await
                } else {
                    Ok(())
                }
            }
            ChannelMsg::ExitStatus { exit_status } => {
                self.finished = true;
                self.tap.record(Event::ExitStatus(exit_status))?;
                match self.downlink.exit_status(exit_status).await {
                    Ok(()) => self.let_eof_go().await,
                    gone => gone,
                }
            }
            ChannelMsg::ExitSignal {
                signal_name,
                core_dumped,
                error_message,
                ..
            } => {
                self.finished = true;
                let message = recordings::neutralise(&error_message);
                self.tap.record(Event::exit_signal(ExitSignal {
                    name: signals::name(&signal_name),
                    core_dumped,
                    message: error_message,
                }))?;
                let sent = self
                    .downlink
                    .exit_signal(signal_name, core_dumped, message)
                    .await;
                match sent {
                    Ok(()) => self.let_eof_go().await,
                    gone => gone,
                }
            }
            ChannelMsg::Success => {
                self.asked.pop_front();
                Ok(())
            }
            ChannelMsg::Failure => match self.asked.pop_front() {
                Some(Asked::Start) => return Ok(Pass::End(RelayEnd::TargetRefused)),
                Some(Asked::Terminal) => {
                    self.tap
                        .record(Event::Note("the target gives no terminal"))?;
                    Ok(())
                }
                None => Ok(()),
            },
            // The status is optional (RFC 4254 §6.10): a close in due form is a proper end without it too.
            ChannelMsg::Close => {
                let _ = self.let_eof_go().await;
                return Ok(Pass::End(RelayEnd::Finished));
            }
            // Window bookkeeping is the library's; the rest is what only a client sends.
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
            | ChannelMsg::AgentForward { .. } => Ok(()),
            // The library's enum may grow; what we do not know does not pass.
            _ => Ok(()),
        };
        Ok(if sent.is_ok() {
            Pass::On
        } else {
            Pass::End(RelayEnd::TechnicianLeft)
        })
    }
}

/// The message kept for its turn, or the next one to arrive.
async fn next_of(kept: Option<ChannelMsg>, read: &mut ChannelReadHalf) -> Option<ChannelMsg> {
    match kept {
        Some(message) => Some(message),
        None => read.wait().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

enum Pass {
    On,
    End(RelayEnd),
}
