//! Moves one channel's bytes between a technician and a target until one of them ends.
//!
//! Two pumps run side by side in one task: up, from the [`Uplink`] to the target, and down, from the target to the
//! [`Downlink`]. Each records before it forwards. Requests, end of input and close go through the same ordered queue as
//! the data, so that nothing overtakes anything (RFC 4254 §5, §6).
//!
//! A target may be hostile: how a command ended is told once, in the form and size that the protocol has for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ecluse_recordings as recordings;
use ecluse_recordings::{Direction, Event, ExitSignal, RecordError};
use futures_util::FutureExt;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client};
use tokio::sync::mpsc;

use super::caps;
use super::downlink::{Downlink, Gone, Stream};
use super::inflow::Inflow;
use super::legs::LegCounts;
use super::signals;
use super::tap::Tap;
use super::uplink::{Item, Uplink};
use crate::clock;

/// Extended data type of standard error (RFC 4254 §5.2).
const STDERR: u32 = 1;
/// Pieces recorded by one write, at most; the library's are up to 32 KiB each.
const GATHERED: usize = 16;
/// How long the target's last words and exit status are waited for, for the record, once the technician has left.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long the end of output waits for the exit status while the technician's input is still open. Long, because a
/// client whose input ends meanwhile would lose the status; not for ever, because a program may wait for the one end
/// before it makes the other.
const STATUS_FOLLOWS_WITHIN: Duration = Duration::from_secs(20);
/// Noted when nobody will know how the command ended.
const LEFT_BEFORE_THE_END: &str =
    "the technician left before the target told how the command ended";
/// Bytes of what a target says about the signal that ended a command.
const SIGNAL_MESSAGE: usize = 1 << 10;

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
    /// The recording.
    pub(crate) tap: &'a Tap,
    /// Lines of the gateway for the technician, such as the warning before the window ends.
    pub(crate) notices: &'a mut mpsc::Receiver<String>,
    /// Requests sent to the target and not yet answered.
    pub(crate) asked: Vec<Asked>,
    /// What passes, apart from the recording.
    pub(crate) legs: &'a LegCounts,
    /// What the target has sent and the technician has not taken.
    pub(crate) inflow: &'a Arc<Inflow>,
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
            tap,
            notices,
            asked,
            legs,
            inflow,
        } = self;
        let known = Known::default();
        let up = pump_up(uplink, &write, tap, legs, &known);
        let down = Down {
            downlink,
            tap,
            legs,
            inflow,
            asked: asked.into(),
            known: &known,
            oddities: Oddities::default(),
            held_eof: None,
            left_at: None,
            next: None,
        };
        let down = down.pump(&mut read, notices);
        tokio::pin!(up, down);
        let end = tokio::select! {
            end = &mut down => end,
            up = &mut up => match up {
                Err(error) => RelayEnd::Unrecorded(error),
                Ok(UpEnd::TechnicianLeft) => {
                    // The library has answered the technician's close; what the target still says is for the record.
                    // Its channel is closed last, because the library then hears nothing more of it.
                    let input_ends = async {
                        if !known.input_ended() {
                            let _ = write.eof().await;
                        }
                    };
                    let last_words = async { tokio::join!(&mut down, input_ends).0 };
                    let end = match tokio::time::timeout(LAST_WORDS, last_words).await {
                        Ok(RelayEnd::Unrecorded(error)) => RelayEnd::Unrecorded(error),
                        _ => RelayEnd::TechnicianLeft,
                    };
                    let _ = tokio::time::timeout(LAST_WORDS, write.close()).await;
                    end
                }
                // The target takes no more input; how it ended is told by the other direction.
                Ok(UpEnd::TargetGone) => down.await,
            }
        };
        if matches!(end, RelayEnd::TechnicianLeft)
            && !known.is_finished()
            && let Err(error) = tap.record(Event::Note(LEFT_BEFORE_THE_END))
        {
            return RelayEnd::Unrecorded(error);
        }
        end
    }
}

/// What either pump knows and the other needs.
#[derive(Debug, Default)]
struct Known {
    input_ended: AtomicBool,
    finished: AtomicBool,
}

impl Known {
    /// Whether the technician has ended the input.
    fn input_ended(&self) -> bool {
        self.input_ended.load(SeqCst)
    }

    /// Whether the target has told how the command ended.
    fn is_finished(&self) -> bool {
        self.finished.load(SeqCst)
    }
}

enum UpEnd {
    TechnicianLeft,
    TargetGone,
}

async fn pump_up(
    uplink: &Uplink,
    write: &ChannelWriteHalf<client::Msg>,
    tap: &Tap,
    legs: &LegCounts,
    known: &Known,
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
                tap.record(Event::Resize { cols, rows })?;
                write.window_change(cols, rows, width, height).await
            }
            Item::Signal(signal) => {
                tap.record(Event::Marker(&format!(
                    "signal {}",
                    recordings::neutralise(signals::name(&signal))
                )))?;
                write.signal(signal).await
            }
            Item::Eof => {
                tap.record(Event::Eof(Direction::ToTarget))?;
                known.input_ended.store(true, SeqCst);
                write.eof().await
            }
            Item::Close => return Ok(UpEnd::TechnicianLeft),
        };
        if sent.is_err() {
            return Ok(UpEnd::TargetGone);
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
    inflow: &'a Arc<Inflow>,
    asked: std::collections::VecDeque<Asked>,
    known: &'a Known,
    oddities: Oddities,
    /// When the target's end of output arrived, if it is held back. A client that has ended its input too closes the
    /// channel as soon as it hears of it, and the library answers that close at once: an exit status that comes after
    /// the end of output, as sshd often sends it, would then never arrive.
    held_eof: Option<Instant>,
    /// When the technician was found to have left. What the target says shortly after is recorded all the same.
    left_at: Option<Instant>,
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
                    let _ = self.downlink.send(Stream::ErrorOutput, Bytes::from(notice)).await;
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
                if self.held_eof.is_some() {
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
struct Oddities {
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
