//! From the target to the technician: output, its end, and how the command ended.
//!
//! A target may be hostile: how a command ended is told once, in the form and size that the protocol has for it.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ecluse_recordings as recordings;
use ecluse_recordings::{Direction, Event, ExitSignal, RecordError};
use futures_util::FutureExt;
use russh::{ChannelMsg, ChannelReadHalf};
use tokio::sync::mpsc;

use super::{Asked, Known, LAST_WORDS, RelayEnd, gathered};
use crate::clock;
use crate::passage::caps;
use crate::passage::downlink::{Downlink, Gone, Stream};
use crate::passage::inflow::Inflow;
use crate::passage::legs::LegCounts;
use crate::passage::signals;
use crate::passage::tap::Tap;

/// Extended data type of standard error (RFC 4254 §5.2).
const STDERR: u32 = 1;
/// How long the end of output waits for the exit status while the technician's input is still open. Long, because a
/// client whose input ends meanwhile would lose the status; not for ever, because a program may wait for the one end
/// before it makes the other.
const STATUS_FOLLOWS_WITHIN: Duration = Duration::from_secs(20);
/// Bytes of what a target says about the signal that ended a command.
const SIGNAL_MESSAGE: usize = 1 << 10;

/// The pump from the target to the technician.
pub(super) struct Down<'a> {
    pub(super) downlink: &'a Downlink,
    pub(super) tap: &'a Tap,
    pub(super) legs: &'a LegCounts,
    pub(super) inflow: &'a Arc<Inflow>,
    pub(super) asked: std::collections::VecDeque<Asked>,
    pub(super) known: &'a Known,
    pub(super) oddities: Oddities,
    /// Whether the target has ended its output.
    pub(super) output_ended: bool,
    /// When the target's end of output arrived, if it is held back. A client that has ended its input too closes the
    /// channel as soon as it hears of it, and the library answers that close at once: an exit status that comes after
    /// the end of output, as sshd often sends it, would then never arrive.
    pub(super) held_eof: Option<Instant>,
    /// When the technician was found to have left. What the target says shortly after is recorded all the same.
    pub(super) left_at: Option<Instant>,
    /// A message that was taken out behind gathered data and is next.
    pub(super) next: Option<ChannelMsg>,
}

impl Down<'_> {
    /// Runs until a side ends.
    pub(super) async fn pump(
        mut self,
        read: &mut ChannelReadHalf,
        notices: &mut mpsc::Receiver<String>,
    ) -> RelayEnd {
        loop {
            if self
                .left_at
                .is_some_and(|at| at + LAST_WORDS <= clock::monotonic())
            {
                return RelayEnd::TechnicianLeft;
            }
            let next = self.next.take();
            let message = tokio::select! {
                biased;
                message = next_of(next, read) => message,
                () = until(self.eof_goes_at()) => {
                    // Unless the technician has ended the input meanwhile.
                    if self.eof_goes_at().is_some() {
                        let _ = self.let_eof_go().await;
                    }
                    continue;
                }
                () = until(self.left_at.map(|at| at + LAST_WORDS)) => return RelayEnd::TechnicianLeft,
                Some(notice) = notices.recv() => {
                    // Not the target's bytes: recorded as the gateway's own words.
                    if let Err(error) = self.tap.record(Event::Note(&notice)) {
                        return RelayEnd::Unrecorded(error);
                    }
                    // On a line of its own: it comes while somebody types.
                    let notice = Bytes::from(format!("\r\n{}", self.downlink.lines(&notice)));
                    let _ = self.downlink.send(Stream::ErrorOutput, notice).await;
                    continue;
                }
            };
            let Some(message) = message else {
                let _ = self.let_eof_go().await;
                return if self.known.is_finished() {
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
                Some(self.inflow.hold(data))
            }
            (other, _) => {
                self.next = Some(other);
                None
            }
        }
    }

    async fn send_down(&self, stream: Stream, pieces: Vec<Bytes>) -> Result<(), Gone> {
        if self.left_at.is_some() {
            return Ok(());
        }
        for piece in pieces {
            self.legs.sent_to_technician(piece.len());
            self.downlink.send(stream, piece).await?;
        }
        Ok(())
    }

    /// When the end of output goes on although the status has not come; never once the technician's input has ended.
    fn eof_goes_at(&self) -> Option<Instant> {
        self.held_eof
            .filter(|_| !self.known.input_ended())
            .map(|arrived| arrived + STATUS_FOLLOWS_WITHIN)
    }

    /// Passes on the end of output, if it was held back.
    async fn let_eof_go(&mut self) -> Result<(), Gone> {
        match self.held_eof.take() {
            Some(_) => {
                // No word follows the end of output: a terminal is put in order before it, if that can be recorded.
                if let Ok(Some(order)) = self.tap.restore() {
                    self.downlink.send(Stream::Output, order).await?;
                }
                self.downlink.eof().await
            }
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
                let data = self.inflow.hold(data);
                let pieces = gathered(data, || self.more(read, Stream::Output));
                self.tap.output(Stream::Output, &pieces)?;
                self.send_down(Stream::Output, pieces).await
            }
            ChannelMsg::ExtendedData { data, ext: STDERR } => {
                self.legs.received_from_target(data.len());
                let data = self.inflow.hold(data);
                let pieces = gathered(data, || self.more(read, Stream::ErrorOutput));
                self.tap.output(Stream::ErrorOutput, &pieces)?;
                self.send_down(Stream::ErrorOutput, pieces).await
            }
            ChannelMsg::ExtendedData { data, ext } => {
                // RFC 4254 defines no other type; nothing undefined passes.
                drop(self.inflow.hold(data));
                if !std::mem::replace(&mut self.oddities.undefined_data, true) {
                    let note = format!("data of undefined type {ext} is not passed on");
                    self.tap.record(Event::Note(&note))?;
                }
                Ok(())
            }
            ChannelMsg::Eof => {
                if std::mem::replace(&mut self.output_ended, true) {
                    return Ok(Pass::On);
                }
                self.tap.record(Event::Eof(Direction::ToTechnician))?;
                self.held_eof = Some(clock::monotonic());
                if self.known.is_finished() {
                    self.let_eof_go().await
                } else {
                    Ok(())
                }
            }
            ChannelMsg::ExitStatus { exit_status } => {
                if !self.ends_for_the_first_time()? {
                    return Ok(Pass::On);
                }
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
                lang_tag,
            } => {
                let name = signals::name(&signal_name);
                self.inflow
                    .passed(name.len() + error_message.len() + lang_tag.len());
                if !self.ends_for_the_first_time()? {
                    return Ok(Pass::On);
                }
                let message = caps::clip(&error_message, SIGNAL_MESSAGE).to_owned();
                let told = recordings::neutralise(&message);
                self.tap.record(Event::exit_signal(ExitSignal {
                    name: caps::clip(&name, caps::NAME).to_owned(),
                    core_dumped,
                    message,
                }))?;
                let sent = self
                    .downlink
                    .exit_signal(signals::told(&signal_name), core_dumped, told)
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
        if sent.is_err() && self.left_at.is_none() {
            self.left_at = Some(clock::monotonic());
        }
        Ok(Pass::On)
    }

    /// Whether the target tells how the command ended for the first time; a second time is noted, once, and not passed on.
    fn ends_for_the_first_time(&mut self) -> Result<bool, RecordError> {
        let first = !self.known.finished.swap(true, SeqCst);
        if !first && !std::mem::replace(&mut self.oddities.second_end, true) {
            self.tap.record(Event::Note(
                "the target says again how the command ended, which is not passed on",
            ))?;
        }
        Ok(first)
    }
}

/// What only a target sends that does not keep to the protocol, each noted once.
#[derive(Debug, Default)]
pub(super) struct Oddities {
    undefined_data: bool,
    second_end: bool,
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
