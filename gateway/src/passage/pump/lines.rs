//! What the things of a channel rest on one by one: the lines of its files. One that is lost, or whose hour is over, ends what
//! rests on it and nothing else (invariant 6).

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use ecluse_policy::{FileGrants, FlowRequest, Span};
use ecluse_recordings as recordings;
use ecluse_recordings::{Event, FileEntry, RecordError};
use tokio::sync::watch;

use super::{Ends, Pump, Stopped};
use crate::clock;
use crate::passage::caps;
use crate::passage::kinds::Step;
use crate::passage::kinds::sftp::Doing;
use crate::passage::side::Piece;
use crate::passage::unsettled::Unsettled;

/// The longest sleep between two looks at the wall clock, which may be set.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often others are told what passes.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// The lines of a channel of files.
pub(crate) struct Lines<'a> {
    /// As they change; none of another channel.
    pub(crate) changed: watch::Receiver<Option<FileGrants>>,
    /// How long until the next of them closes.
    pub(crate) left: &'a (dyn Fn() -> Option<Span> + Send + Sync),
    /// What is refused goes on record.
    pub(crate) refused: &'a (dyn Fn(&str) + Send + Sync),
    /// What of the log waits until it has gone.
    pub(crate) unsettled: &'a Unsettled,
    /// A file has passed, or not, as the recording has it.
    pub(crate) logs: &'a (dyn Fn(&FileEntry) + Send + Sync),
    /// What passes is shown to whoever looks on.
    pub(crate) shows: &'a (dyn Fn(&Doing) + Send + Sync),
    /// When the next of them closes, as it was known when they were last asked for.
    pub(crate) closes: Option<std::time::Instant>,
}

impl Lines<'_> {
    /// When they are to be asked for again, at the latest; by the wall clock, which may be set.
    pub(super) fn next_close(&mut self) -> Option<std::time::Instant> {
        let left = (self.left)();
        let next = left.map(|left| clock::monotonic() + left.to_std().min(LOOK_EVERY));
        self.closes = [self.closes, next].into_iter().flatten().min();
        self.closes
    }

    /// Whether they are to be asked for now.
    pub(super) fn are_due(&mut self) -> bool {
        let due = self.next_close().is_some_and(|at| at <= clock::monotonic());
        if due {
            self.closes = None;
        }
        due
    }

    /// Waits until one of them may be lost.
    pub(super) async fn lost(&mut self) {
        // Kept over turns: a busy channel, which makes this anew each time, would step over it.
        let closes = self.next_close();
        let closes = async {
            match closes {
                Some(closes) => tokio::time::sleep_until(closes.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = self.changed.changed() => if changed.is_err() {
                // Whoever could tell is gone, and the channel with it.
                std::future::pending::<()>().await;
            },
            () = closes => {}
        }
    }
}

/// What was told of what passes.
#[derive(Debug, Default)]
pub(super) struct Told {
    at: Option<std::time::Instant>,
    noted: Option<Vec<u8>>,
}

impl Pump<'_> {
    /// What is asked of the target before anything arrives.
    pub(super) fn begin(&mut self, ends: &mut Ends<'_>) -> Result<(), RecordError> {
        let (down, up) = (&ends.technician.outbox, &ends.target.outbox);
        self.lines.unsettled.between(down.progress(), up.progress());
        let (mut steps, permit) = (Vec::new(), self.permit);
        let mut ask = |request: &FlowRequest| permit(request);
        self.kind.begin(clock::monotonic(), &mut ask, &mut steps);
        self.carry_out(steps, ends)
    }

    /// Asks again for everything that is open.
    pub(super) fn revoke(&mut self, ends: &mut Ends<'_>) -> Result<(), RecordError> {
        let (mut steps, permit) = (Vec::new(), self.permit);
        let mut ask = |request: &FlowRequest| permit(request);
        self.kind.revoke(clock::monotonic(), &mut ask, &mut steps);
        self.carry_out(steps, ends)
    }

    /// Shows what passes, now and then; that it began is on record with the channel.
    pub(super) fn shows(&mut self) -> Result<(), RecordError> {
        let now = clock::monotonic();
        let told = &mut self.known.told;
        if told.at.is_some_and(|at| now < at + TELL_EVERY) {
            return Ok(());
        }
        let Some(doing) = self.kind.doing() else {
            return Ok(());
        };
        // What is over at once says so itself.
        if told.at.replace(now).is_none() {
            return Ok(());
        }
        if told.noted.as_deref() != Some(doing.path.as_bytes()) {
            told.noted = Some(doing.path.as_bytes().to_vec());
            self.tape.event(Event::Note(&doing.begun()))?;
        }
        (self.lines.shows)(&doing);
        Ok(())
    }

    /// Puts on record what has gone.
    pub(super) fn settles(&self) -> Result<(), RecordError> {
        while let Some(entry) = self.lines.unsettled.settled() {
            self.tape.event(Event::File(Cow::Borrowed(&entry)))?;
            (self.lines.logs)(&entry);
        }
        Ok(())
    }

    /// Does what only a channel of files asks for.
    pub(super) fn of_files(&mut self, step: Step, ends: &mut Ends<'_>) -> Result<(), RecordError> {
        match step {
            Step::Record(towards, bytes) => self.record(towards, &[Piece::Data(bytes)]),
            Step::Send {
                towards,
                bytes,
                payload,
                counts,
            } => self.send(towards, bytes, payload, counts, ends),
            Step::Log(entry) => {
                self.lines.unsettled.put(*entry);
                self.settles()
            }
            Step::Refused { words, line } => {
                (self.lines.refused)(&line);
                words.map_or(Ok(()), |words| self.tell(&words, ends))
            }
            Step::Beside { bytes, payload } => {
                let outbox = &mut ends.target.outbox;
                outbox.put_counted(Piece::Beside(bytes), payload, 0);
                Ok(())
            }
            Step::Confirm(ticket, wanted) => {
                let note = format!("waits for an operator's yes: {}", wanted.what);
                self.tape
                    .event(Event::Note(caps::clip(&note, caps::NOTE)))?;
                (self.confirms.ask)(ticket, wanted);
                Ok(())
            }
            Step::Run(line) => {
                let shown = recordings::spelled(&line);
                let note = format!("started on the target: {}", caps::clip(&shown, caps::NOTE));
                self.tape.event(Event::Note(&note))?;
                // Paid for as it was typed.
                ends.target.outbox.put_counted(Piece::Run(line), 0, 0);
                Ok(())
            }
            Step::End { words, because } => {
                self.tape.event(Event::Note(&because))?;
                let over = Stopped::Refused { words, because };
                self.known.over.get_or_insert(over);
                Ok(())
            }
            Step::Stop(why) => {
                self.tape.event(Event::Note(&why))?;
                self.known.over.get_or_insert(Stopped::Protocol(why));
                Ok(())
            }
            Step::Pass(..) | Step::Hold(..) | Step::Release(_) | Step::Note(_) => Ok(()),
        }
    }

    fn send(
        &mut self,
        towards: ecluse_recordings::Direction,
        bytes: Bytes,
        payload: usize,
        counts: usize,
        ends: &mut Ends<'_>,
    ) -> Result<(), RecordError> {
        use ecluse_recordings::Direction::{ToTarget, ToTechnician};
        let piece = Piece::Data(bytes);
        match towards {
            ToTechnician => self.record(towards, std::slice::from_ref(&piece))?,
            // Made of what is recorded.
            ToTarget => {}
        }
        if towards == ToTarget || self.known.left_at.is_none() {
            ends.outbox(towards).put_counted(piece, payload, counts);
        } else {
            ends.outbox(towards).passes_over(payload);
        }
        Ok(())
    }
}
