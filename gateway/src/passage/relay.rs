//! Moves one channel's bytes between a technician and a target until one of them ends.
//!
//! Two pumps run side by side in one task: up, from the [`Uplink`] to the target, and down, from the target to the
//! [`Downlink`]. Each records before it forwards. Requests, end of input and close go through the same ordered queue as
//! the data, so that nothing overtakes anything (RFC 4254 §5, §6).

mod down;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use ecluse_policy::{FlowRequest, Permit};
use ecluse_recordings as recordings;
use ecluse_recordings::{Direction, Event, RecordError};
use russh::{ChannelReadHalf, ChannelWriteHalf, client};
use tokio::sync::mpsc;

use down::{Down, Oddities};

use super::downlink::Downlink;
use super::inflow::Inflow;
use super::legs::LegCounts;
use super::signals;
use super::tap::Tap;
use super::uplink::{Item, Uplink};
use crate::clock;

/// Pieces recorded by one write, at most; the library's are up to 32 KiB each.
const GATHERED: usize = 16;
/// How long the target's last words and exit status are waited for, for the record, once the technician has left.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Noted when nobody will know how the command ended.
const LEFT_BEFORE_THE_END: &str =
    "the technician left before the target told how the command ended";

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
            permit,
            tap,
            notices,
            asked,
            legs,
            inflow,
        } = self;
        let known = Known::default();
        let up = pump_up(uplink, &write, permit, tap, legs, &known);
        let down = Down {
            downlink,
            tap,
            legs,
            inflow,
            asked: asked.into(),
            known: &known,
            oddities: Oddities::default(),
            output_ended: false,
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
    permit: &Permit,
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
            Item::Resize { cols, rows } => {
                if permitted(permit, &FlowRequest::WindowChange, tap)? {
                    tap.record(Event::Resize { cols, rows })?;
                    write.window_change(cols, rows, 0, 0).await
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
