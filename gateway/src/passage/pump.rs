//! Moves one channel's pieces between a technician and a target: recorded, then paid for, then counted, then forwarded.
//!
//! In this order, here and nowhere else, for every kind of channel and for both directions (invariant 3): what arrives is
//! given to the [`Kind`], what it lets pass is recorded and put into the [`Outbox`] of the other side without a pause in
//! between, and only from there it goes out. A recording that fails ends the pump before anything of that is sent.
//!
//! [`Pump::run`] borrows its two ends. Dropped at any moment it has lost nothing: what was recorded and not yet taken
//! waits in the ends, and whoever runs it again goes on there. So a channel can be paused, its technician spoken to, and
//! the passage resumed.

mod confirms;
mod holds;
mod idle;
mod leaving;
mod lines;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ecluse_policy::{FlowRequest, Refusal, Span};
use ecluse_recordings as recordings;
use ecluse_recordings::Direction::{self, ToTarget, ToTechnician};
use ecluse_recordings::{Event, ExitSignal, RecordError};
use tokio::sync::mpsc;

pub(crate) use self::confirms::Confirms;
use self::holds::Answering;
pub(crate) use self::holds::{Desk, Holds};
pub(crate) use self::idle::Idle;
use self::idle::{Due, Still};
pub(crate) use self::lines::Lines;
use self::lines::Told;
use super::caps;
use super::kinds::{Kind, Step};
use super::meter::Meter;
use super::side::{End, Exit, Outbox, Piece, TermSize};
use super::tap::Tape;
use crate::clock;
use crate::extraction::toll::Toll;

/// Pieces recorded by one write, at most; those of SSH are up to 32 KiB each.
const GATHERED: usize = 16;
/// How long the target's last words and exit status are waited for, for the record, once the technician has left.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long the target may go on taking what the technician had sent before they left. A target that takes nothing would
/// otherwise keep the channel, its process and the memory until the session ends.
pub(crate) const DRAINED_WITHIN: Duration = Duration::from_secs(10);
/// Lines of the gateway that wait for a technician who does not read.
const WORDS: usize = 4;
/// The same with what is shown of an answer that is typed.
const ECHOES: usize = 16;

/// How a passage ended.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The target reported how the command ended, or closed.
    Finished,
    /// The technician closed the channel or is gone.
    TechnicianLeft,
    /// The target refused to start the shell or command.
    TargetRefused,
    /// The target's connection broke before the command ended.
    TargetLost,
    /// Nobody did anything for so long.
    Idle(Span),
    /// The technician's program reads nothing, and others wait for that.
    Unread,
    /// A side does not speak as agreed.
    Protocol(String),
    /// The kind refuses what was to pass.
    Refused {
        /// What the technician does not know yet.
        words: Option<String>,
        /// Why, for the record.
        because: String,
    },
    /// What passes cannot be recorded.
    Unrecorded(RecordError),
}

/// Lines of the gateway for the technician, such as the warning before the window ends.
pub(crate) struct Notices<'a> {
    /// As they come.
    pub(crate) lines: &'a mut mpsc::Receiver<String>,
    /// As the technician's side shows a line; on a terminal, on a line of its own: it comes while somebody types.
    pub(crate) shown: &'a (dyn Fn(&str) -> String + Send + Sync),
}

/// What one channel is pumped by.
pub(crate) struct Pump<'a> {
    /// What passes, and when.
    pub(crate) kind: &'a mut dyn Kind,
    /// What the channel was opened by; asked again for what comes on it.
    pub(crate) permit: &'a (dyn Fn(&FlowRequest) -> Result<(), Refusal> + Send + Sync),
    /// The recording.
    pub(crate) tape: &'a dyn Tape,
    /// What passes, apart from the recording.
    pub(crate) meter: &'a Meter,
    /// What it is paid by.
    pub(crate) toll: &'a Arc<Toll>,
    /// The gateway's own lines.
    pub(crate) notices: Notices<'a>,
    /// What holds it.
    pub(crate) holds: Holds<'a>,
    /// What ends it where nobody does anything.
    pub(crate) idle: Idle<'a>,
    /// What its things rest on one by one.
    pub(crate) lines: Lines<'a>,
    /// What of it waits for an operator's yes.
    pub(crate) confirms: Confirms<'a>,
    /// How long the target may go on taking once the technician has left: [`DRAINED_WITHIN`].
    pub(crate) drained_within: Duration,
    /// What is known of the two sides.
    pub(crate) known: Known,
}

/// What is known of the two sides of a passage.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// When the technician was found to have left. What the target says shortly after is recorded all the same.
    left_at: Option<Instant>,
    /// Bytes that were typed while it was held, and refused.
    refused: u64,
    /// What of it is an answer.
    answering: Option<Answering>,
    /// Since when nobody does anything.
    still: Still,
    /// What the technician sends had ended before the target was reached.
    ended: bool,
    /// The size of the window that the target is told of when it is held no more.
    resized: Option<TermSize>,
    /// When the last that the technician had sent was on its way.
    technician_closed: Option<Instant>,
    /// The target takes nothing more; how it ended is told by the other direction.
    target_takes_nothing: bool,
    /// What others were told of what passes.
    told: Told,
    /// Nothing more comes of the target: how the passage ends once the technician has what waits.
    over: Option<Stopped>,
}

/// The two sides.
struct Ends<'e> {
    technician: &'e mut End,
    target: &'e mut End,
}

impl Ends<'_> {
    fn outbox(&mut self, towards: Direction) -> &mut Outbox {
        match towards {
            ToTarget => &mut self.target.outbox,
            ToTechnician => &mut self.technician.outbox,
        }
    }
}

impl Pump<'_> {
    /// Pumps both directions until a side ends. Dropping it pauses both at once and loses nothing.
    pub(crate) async fn run(&mut self, technician: &mut End, target: &mut End) -> Stopped {
        let mut ends = Ends { technician, target };
        let ended = match self.carry(&mut ends).await {
            Ok(_) if self.known.left_at.is_some() => Stopped::TechnicianLeft,
            Ok(stopped) => stopped,
            Err(error) => Stopped::Unrecorded(error),
        };
        if !matches!(ended, Stopped::TechnicianLeft) {
            return ended;
        }
        // Last, because nothing more is heard of the target then.
        let target = ends.target;
        if self.holds.keeps_back() {
            // What was typed into it waited for somebody to let it go on, and nobody did.
            target.outbox.clear();
        }
        if let Err(error) = self.tape.ends() {
            return Stopped::Unrecorded(error);
        }
        target.outbox.put_own(Piece::Close);
        let closed = target
            .outbox
            .flush(&mut *target.sink, ToTarget, self.meter, self.toll);
        let _ = tokio::time::timeout(LAST_WORDS, closed).await;
        if let Some(note) = self.kind.left_before_the_end()
            && let Err(error) = self.tape.event(Event::Note(note))
        {
            return Stopped::Unrecorded(error);
        }
        ended
    }

    async fn carry(&mut self, ends: &mut Ends<'_>) -> Result<Stopped, RecordError> {
        self.begin(ends)?;
        let mut gone = ends.technician.source.gone();
        loop {
            self.settles()?;
            if ends.technician.outbox.is_empty()
                && let Some(over) = self.known.over.take()
            {
                return Ok(over);
            }
            let held = self.holds.is_held();
            if self.lines.are_due() {
                self.revoke(ends)?;
            }
            // Told before it went on, and so before what the target says next.
            while !held
                && self.known.left_at.is_none()
                && ends.technician.outbox.words() < WORDS
                && let Ok(line) = self.notices.lines.try_recv()
            {
                self.tell(&line, ends)?;
            }
            let idle = self.idle_due(held);
            if !held {
                self.tell_refused(ends)?;
                if std::mem::take(&mut self.known.ended) {
                    self.pass(ToTarget, Piece::Eof, ends)?;
                }
                if let Some(last) = self.known.resized.take() {
                    self.pass(ToTarget, Piece::Resize(last), ends)?;
                }
            }
            let End {
                source: from_technician,
                sink: to_technician,
                outbox: down,
            } = &mut *ends.technician;
            let End {
                source: from_target,
                sink: to_target,
                outbox: up,
            } = &mut *ends.target;
            // Whoever does not take what waits is not read for: nothing grows.
            let (sends_down, waits_up) = (!down.is_empty(), !up.is_empty());
            // What is recorded and held reaches no target: the line of a tripwire above all.
            let sends_up = waits_up && !self.holds.keeps_back();
            let reads_target = !held && !sends_down && self.known.over.is_none();
            // What is typed while it is held is refused: that does not grow, whatever waits.
            // What it shows of an answer waits for whoever reads nothing, and so does the answer.
            let reads_typed = match held {
                true => self.holds.typed && down.words() < ECHOES,
                false => !waits_up,
            };
            let reads_technician = reads_typed
                && self.known.technician_closed.is_none()
                && !self.known.target_takes_nothing
                && self.known.over.is_none()
                && self.kind.wants(ToTarget);
            let is_here = self.known.left_at.is_none();
            // Words are told whatever waits to be paid for, a few at a time.
            let reads_lines = is_here && down.words() < WORDS;
            tokio::select! {
                sent = down.flush(&mut **to_technician, ToTechnician, self.meter, self.toll), if sends_down => {
                    self.went();
                    if sent.is_err() {
                        self.technician_is_gone(ends);
                    }
                }
                sent = up.flush(&mut **to_target, ToTarget, self.meter, self.toll), if sends_up => {
                    self.went();
                    if sent.is_err() {
                        self.known.target_takes_nothing = true;
                        ends.target.outbox.clear();
                    }
                }
                piece = from_target.next(), if reads_target => match piece {
                    Some(Piece::Refused) => return Ok(Stopped::TargetRefused),
                    // The status is optional (RFC 4254 §6.10): a close in due form is a proper end without it too.
                    Some(Piece::Close) => self.target_is_over(Stopped::Finished, ends)?,
                    None if self.kind.is_finished() => self.target_is_over(Stopped::Finished, ends)?,
                    None => self.target_is_over(Stopped::TargetLost, ends)?,
                    Some(piece) => self.pass(ToTechnician, piece, ends)?,
                },
                piece = from_technician.next(), if reads_technician => match piece {
                    None | Some(Piece::Close) => self.technician_closed(ends)?,
                    Some(piece) if held || self.known.answers().is_some() => {
                        if let Some(piece) = self.refuses(piece, ends) {
                            self.pass(ToTarget, piece, ends)?;
                        }
                    }
                    Some(piece) => self.pass(ToTarget, piece, ends)?,
                },
                () = until(self.kind.due()) => self.release(ends)?,
                // Seen whatever waits before the technician's last piece, which is read only as the target takes.
                () = &mut gone, if is_here => self.technician_is_gone(ends),
                () = until(self.leaves_at(held)) => return Ok(Stopped::TechnicianLeft),
                () = self.holds.changed() => {}
                Some((ticket, verdict)) = self.confirms.answers.recv(), if !held => {
                    self.answered(ticket, verdict, ends)?;
                }
                () = self.lines.lost() => {
                    self.lines.closes = None;
                    self.revoke(ends)?;
                }
                Ok(()) = self.idle.after.changed() => {}
                () = until(idle.map(|(at, _)| at)) => match idle {
                    Some((_, Due::End(after))) => return Ok(Stopped::Idle(after)),
                    Some((_, Due::Warning(left))) => {
                        self.is_warned();
                        if self.holds.typed {
                            self.tell(&(self.idle.warns)(left), ends)?;
                        }
                    }
                    None => {}
                },
                Some(line) = self.notices.lines.recv(), if reads_lines => self.tell(&line, ends)?,
            }
        }
    }

    fn target_is_over(&mut self, how: Stopped, ends: &mut Ends<'_>) -> Result<(), RecordError> {
        self.known.over = Some(how);
        self.release(ends)
    }

    /// Shows a line of the gateway: not the target's bytes, so it is recorded as the gateway's own words.
    fn tell(&self, line: &str, ends: &mut Ends<'_>) -> Result<(), RecordError> {
        self.tape.event(Event::Note(line))?;
        let shown = (self.notices.shown)(line);
        let outbox = &mut ends.technician.outbox;
        outbox.put_words(Piece::ErrorData(Bytes::from(shown)));
        Ok(())
    }

    fn release(&mut self, ends: &mut Ends<'_>) -> Result<(), RecordError> {
        let mut steps = Vec::new();
        self.kind.release(&mut steps);
        self.carry_out(steps, ends)
    }

    /// Gives a piece, and the bytes that wait behind it, to the kind, and does what that says.
    fn pass(
        &mut self,
        towards: Direction,
        piece: Piece,
        ends: &mut Ends<'_>,
    ) -> Result<(), RecordError> {
        if let Piece::Remark(remark) = &piece {
            return self.tape.event(Event::Note(remark));
        }
        self.known.comes(towards, &piece, self.holds.typed);
        let source = match towards {
            ToTarget => &mut ends.technician.source,
            ToTechnician => &mut ends.target.source,
        };
        let like = if matches!(piece, Piece::ErrorData(_)) {
            Piece::ErrorData
        } else {
            Piece::Data
        };
        let mut pieces = vec![piece];
        while pieces.len() < GATHERED
            && pieces.first().is_some_and(|first| first.bytes().is_some())
            && let Some(bytes) = source.more()
        {
            pieces.push(like(bytes));
        }
        let (mut steps, permit) = (Vec::with_capacity(pieces.len()), self.permit);
        for piece in pieces {
            self.meter
                .received(towards, piece.bytes().map_or(0, Bytes::len));
            let (at, mut ask) = (clock::monotonic(), |request: &FlowRequest| permit(request));
            self.kind.read(towards, piece, at, &mut ask, &mut steps);
        }
        self.carry_out(steps, ends)?;
        self.shows()
    }

    /// Records, then puts on its way; no await stands in between, so neither is ever without the other.
    fn carry_out(&mut self, steps: Vec<Step>, ends: &mut Ends<'_>) -> Result<(), RecordError> {
        let mut steps = steps.into_iter().peekable();
        while let Some(step) = steps.next() {
            match step {
                Step::Pass(towards, piece) => {
                    let stream = stream_of(towards, &piece);
                    let mut together = vec![piece];
                    let joins = |next: &Step| {
                        stream.is_some()
                            && matches!(next, Step::Pass(way, piece)
                                if *way == towards && stream_of(*way, piece) == stream)
                    };
                    while let Some(Step::Pass(_, piece)) = steps.next_if(joins) {
                        together.push(piece);
                    }
                    self.record(towards, &together)?;
                    for piece in together {
                        self.put(towards, piece, ends)?;
                    }
                }
                Step::Hold(towards, piece) => {
                    self.record(towards, std::slice::from_ref(&piece))?;
                    ends.outbox(towards).hold(piece);
                }
                Step::Release(towards) => {
                    for piece in ends.outbox(towards).release() {
                        self.put(towards, piece, ends)?;
                    }
                }
                Step::Note(note) => self.tape.event(Event::Note(&note))?,
                step @ (Step::Record(..)
                | Step::Send { .. }
                | Step::Log(_)
                | Step::Beside { .. }
                | Step::Confirm(..)
                | Step::Run(_)
                | Step::Refused { .. }
                | Step::Stop(_)
                | Step::End { .. }) => self.of_files(step, ends)?,
            }
        }
        Ok(())
    }

    /// Puts what was recorded on its way.
    fn put(
        &self,
        towards: Direction,
        piece: Piece,
        ends: &mut Ends<'_>,
    ) -> Result<(), RecordError> {
        if towards == ToTechnician && self.known.left_at.is_some() {
            ends.outbox(towards).passes_over(piece.payload());
            return Ok(());
        }
        let outbox = ends.outbox(towards);
        if towards == ToTechnician
            && piece == Piece::Eof
            && let Some(order) = self.tape.restore()?
        {
            // No word follows the end of output: a terminal is put in order before it.
            outbox.put_own(Piece::Data(order));
        }
        outbox.put(piece);
        Ok(())
    }

    /// Records pieces of one stream, by one write, or the one piece that is of none.
    fn record(&self, towards: Direction, pieces: &[Piece]) -> Result<(), RecordError> {
        let Some(first) = pieces.first() else {
            return Ok(());
        };
        if let Some(stream) = stream_of(towards, first) {
            let bytes: Vec<Bytes> = pieces.iter().filter_map(Piece::bytes).cloned().collect();
            return self.tape.bytes(stream, &bytes);
        }
        match first {
            Piece::Resize(TermSize { cols, rows }) => self.tape.event(Event::Resize {
                cols: *cols,
                rows: *rows,
            }),
            Piece::Signal(signal) => {
                let name = recordings::neutralise(signal.name());
                self.tape.event(Event::Marker(&format!("signal {name}")))
            }
            Piece::Eof => self.tape.event(Event::Eof(towards)),
            Piece::Exit(Exit::Status(status)) => self.tape.event(Event::ExitStatus(*status)),
            Piece::Exit(Exit::Signal {
                signal,
                core_dumped,
                message,
            }) => self.tape.event(Event::exit_signal(ExitSignal {
                name: caps::clip(signal.name(), caps::NAME).to_owned(),
                core_dumped: *core_dumped,
                message: message.clone(),
            })),
            Piece::Remark(remark) => self.tape.event(Event::Note(remark)),
            // None passes; bytes are of a stream.
            Piece::Refused
            | Piece::Close
            | Piece::Data(_)
            | Piece::ErrorData(_)
            | Piece::Beside(_)
            | Piece::BesideOver
            | Piece::Run(_) => Ok(()),
        }
    }
}

/// The stream of the recording that a piece belongs to, where it is bytes.
fn stream_of(towards: Direction, piece: &Piece) -> Option<recordings::Stream> {
    piece.bytes()?;
    Some(match (towards, piece) {
        (ToTarget, _) => recordings::Stream::Input,
        (ToTechnician, Piece::ErrorData(_)) => recordings::Stream::ErrorOutput,
        (ToTechnician, _) => recordings::Stream::Output,
    })
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
