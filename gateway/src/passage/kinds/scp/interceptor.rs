//! The state of one channel, and whose turn it is.
//!
//! The protocol is a conversation: one side says something, the other answers. So at each moment one side is read, what the other
//! sends meanwhile waits, and a peer that sends ahead gains nothing by it.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use ecluse_policy::capability::scp::Way;

use super::entry::Line;
use super::lookup::{Found, Lost};
use super::opening::Top;
use super::passing::{Folder, Passing};
use super::wire::{Control, Reply, YES, worded};
use super::words::{Complaint, Fault};
use super::{Ask, Command, Direction, Say, Step, Ticket, Verdict};
use crate::passage::kinds::sftp::coverage::MakeDigest;

/// What a side may send before it is its turn. **Unit**: bytes.
const MOST_AHEAD: usize = 1 << 20;

/// One channel on which `scp` copies files, between a technician's client and a target's program.
pub(crate) struct Scp {
    pub(super) command: Command,
    pub(super) say: Say,
    pub(super) digest: Option<MakeDigest>,
    pub(super) phase: Phase,
    pub(super) from_source: BytesMut,
    pub(super) from_sink: BytesMut,
    next_query: u64,
    /// What the command line asks for.
    pub(super) tops: Vec<Top>,
    /// The directories on the way to where it is.
    pub(super) folders: Vec<Folder>,
    /// The times of what comes next.
    pub(super) times: Option<Bytes>,
    /// A file or directory whose line has come, and no answer yet.
    pub(super) line: Option<Line>,
    /// The file that passes.
    pub(super) file: Option<Passing>,
    /// Why nothing was started, which every line of the technician's is answered with.
    pub(super) refused: Bytes,
}

/// How far the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// What the command line names is looked up; nothing is started.
    Opening,
    /// The sink says that it is there.
    Greeting,
    /// The source says what comes.
    Control,
    /// Where it leads is looked up.
    Looking(u64),
    /// Somebody is asked.
    Parked(Ticket),
    /// The sink answers to the times.
    Times,
    /// The sink answers to the line.
    Sent,
    /// It has said yes; where the file is now is looked up.
    Again(u64),
    /// The source sends the file.
    Data,
    /// The source says how that went.
    Status,
    /// The sink says how that went.
    Last,
    /// The sink answers to the end of a directory.
    Ending,
    /// Nothing is started; the technician's client is told so as often as it sends something. Some (PuTTY's) go on after the first
    /// no, and of a channel that ends at once they show the end and not the words.
    Refused,
    /// Nothing passes any more.
    Over,
}

impl Scp {
    /// A channel for this command. Without `digest`, digests are made elsewhere. Begins with [`Scp::start`].
    #[must_use]
    pub(crate) fn new(command: Command, digest: Option<MakeDigest>, say: Say) -> Self {
        Self {
            command,
            say,
            digest,
            phase: Phase::Opening,
            from_source: BytesMut::new(),
            from_sink: BytesMut::new(),
            next_query: 0,
            tops: Vec::new(),
            folders: Vec::new(),
            times: None,
            line: None,
            file: None,
            refused: Bytes::new(),
        }
    }

    /// Takes bytes on their way `towards` a side, however they are cut. Everything that happens to them is in `out`; what is not,
    /// does not happen.
    pub(crate) fn read(
        &mut self,
        towards: Direction,
        bytes: &[u8],
        at: Instant,
        out: &mut Vec<Step>,
    ) {
        if self.phase == Phase::Over {
            return;
        }
        if towards == self.to_sink() {
            self.from_source.extend_from_slice(bytes);
        } else {
            self.from_sink.extend_from_slice(bytes);
        }
        self.go(at, out);
        let (ahead, complaint) = if towards == self.to_sink() {
            (self.from_source.len(), self.source_fault(Fault::Ahead))
        } else {
            (self.from_sink.len(), self.sink_fault(Fault::Ahead))
        };
        if ahead > MOST_AHEAD {
            self.stop(complaint, at, out);
        }
    }

    /// The target has said where a path leads. A number that nobody waits for is nothing.
    pub(crate) fn found(
        &mut self,
        query: u64,
        found: Result<Found, Lost>,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        if self.phase == Phase::Opening {
            self.found_top(query, found, at, ask, out);
        } else if self.phase == Phase::Looking(query) {
            self.located(found, at, ask, out);
        } else if self.phase == Phase::Again(query)
            && let Err(complaint) = self.looked_again(found, at, out)
        {
            self.stop(complaint, at, out);
        }
        self.go(at, out);
    }

    /// Somebody who was asked has answered. A ticket that nobody waits for is nothing.
    pub(crate) fn answered(
        &mut self,
        ticket: Ticket,
        verdict: Verdict,
        at: Instant,
        out: &mut Vec<Step>,
    ) {
        if self.phase == Phase::Parked(ticket) {
            self.decided(verdict, at, out);
            self.go(at, out);
        }
    }

    /// What waits for somebody.
    pub(crate) fn parked(&self) -> impl Iterator<Item = Ticket> {
        let ticket = if let Phase::Parked(ticket) = self.phase {
            Some(ticket)
        } else {
            None
        };
        ticket.into_iter()
    }

    /// The technician sends no more. What is to be done about it beside passing it on is in `out`.
    pub(crate) fn technician_ended(&mut self, out: &mut Vec<Step>) {
        if self.phase == Phase::Refused {
            self.over();
            out.push(Step::End(1));
        }
    }

    /// Whether more of this direction may be given. What is not taken stays with whoever sends it.
    #[must_use]
    pub(crate) fn wants(&self, towards: Direction) -> bool {
        if towards == self.to_sink() {
            matches!(
                self.phase,
                Phase::Control | Phase::Data | Phase::Status | Phase::Refused | Phase::Over
            ) || self.from_source.is_empty()
        } else {
            matches!(
                self.phase,
                Phase::Greeting
                    | Phase::Times
                    | Phase::Sent
                    | Phase::Last
                    | Phase::Ending
                    | Phase::Over
            ) || self.from_sink.is_empty()
        }
    }

    /// Whether nothing waits here for anybody else than the two sides. Until then the end of what either side sends is kept
    /// back.
    #[must_use]
    pub(crate) fn is_idle(&self) -> bool {
        !matches!(
            self.phase,
            Phase::Opening | Phase::Looking(_) | Phase::Parked(_) | Phase::Again(_)
        )
    }

    /// Nothing more passes: what is not finished is on record as it is.
    pub(crate) fn finish(&mut self, at: Instant, out: &mut Vec<Step>) {
        self.log_unfinished(at, out);
        self.over();
    }

    pub(super) fn over(&mut self) {
        self.phase = Phase::Over;
        self.from_source.clear();
        self.from_sink.clear();
    }

    pub(super) fn stop(&mut self, complaint: Complaint, at: Instant, out: &mut Vec<Step>) {
        self.log_unfinished(at, out);
        self.over();
        out.push(Step::Stop(complaint));
    }

    /// Towards whoever gets files.
    pub(super) const fn to_sink(&self) -> Direction {
        match self.command.way {
            Way::To => Direction::ToTarget,
            Way::From => Direction::ToTechnician,
        }
    }

    /// Towards whoever sends files.
    pub(super) const fn to_source(&self) -> Direction {
        match self.command.way {
            Way::To => Direction::ToTechnician,
            Way::From => Direction::ToTarget,
        }
    }

    pub(super) const fn source_fault(&self, fault: Fault) -> Complaint {
        match self.command.way {
            Way::To => Complaint::Client(fault),
            Way::From => Complaint::Server(fault),
        }
    }

    const fn sink_fault(&self, fault: Fault) -> Complaint {
        match self.command.way {
            Way::To => Complaint::Server(fault),
            Way::From => Complaint::Client(fault),
        }
    }

    pub(super) const fn next_query(&mut self) -> u64 {
        self.next_query += 1;
        self.next_query
    }

    fn go(&mut self, at: Instant, out: &mut Vec<Step>) {
        if let Err(complaint) = self.work(at, out) {
            self.stop(complaint, at, out);
        }
    }

    /// Does whatever can be done with what is here.
    fn work(&mut self, at: Instant, out: &mut Vec<Step>) -> Result<(), Complaint> {
        loop {
            let has_moved = match self.phase {
                Phase::Control => self.control(at, out)?,
                Phase::Data => self.data(out),
                Phase::Status => self.status(at, out)?,
                Phase::Refused => self.refuse_again(out)?,
                Phase::Greeting | Phase::Times | Phase::Sent | Phase::Last | Phase::Ending => {
                    self.reply(at, out)?
                }
                Phase::Opening
                | Phase::Looking(_)
                | Phase::Parked(_)
                | Phase::Again(_)
                | Phase::Over => false,
            };
            if !has_moved {
                return Ok(());
            }
        }
    }

    fn control(&mut self, at: Instant, out: &mut Vec<Step>) -> Result<bool, Complaint> {
        let taken =
            Control::take(&mut self.from_source).map_err(|fault| self.source_fault(fault))?;
        let Some(control) = taken else {
            return Ok(false);
        };
        match control {
            Control::Times(line) => {
                // They go on with what they are of, so that a refusal leaves none behind at the sink.
                self.times = Some(line);
                self.own(self.to_source(), Bytes::from_static(YES), 0, out);
            }
            Control::Entry(entry) => self.entry(entry, at, out)?,
            Control::End => {
                let folder = self
                    .folders
                    .pop()
                    .ok_or_else(|| self.source_fault(Fault::End))?;
                self.times = None;
                self.log_folder(folder, at, out);
                self.pass(self.to_sink(), Bytes::from_static(b"E\n"), 0, out);
                self.phase = Phase::Ending;
            }
            Control::Warning(words) => self.pass_words(self.to_sink(), 1, &words, out),
            Control::Fatal(words) => {
                self.pass_words(self.to_sink(), 2, &words, out);
                self.log_unfinished(at, out);
                self.over();
            }
        }
        Ok(true)
    }

    fn refuse_again(&mut self, out: &mut Vec<Step>) -> Result<bool, Complaint> {
        let taken =
            Control::take(&mut self.from_source).map_err(|fault| self.source_fault(fault))?;
        match taken {
            None => return Ok(false),
            Some(Control::Warning(_)) => {}
            Some(Control::Fatal(_)) => self.technician_ended(out),
            Some(Control::Times(_) | Control::Entry(_) | Control::End) => {
                self.own(self.to_source(), self.refused.clone(), 0, out)
            }
        }
        Ok(true)
    }

    /// An answer of the sink, in whichever phase it is due.
    fn reply(&mut self, at: Instant, out: &mut Vec<Step>) -> Result<bool, Complaint> {
        let taken = Reply::take(&mut self.from_sink).map_err(|fault| self.sink_fault(fault))?;
        let Some(reply) = taken else {
            return Ok(false);
        };
        if let Reply::Fatal(words) = &reply {
            self.pass_words(self.to_source(), 2, words, out);
            self.failed(at, out);
            self.file_ends(false, at, out);
            self.log_unfinished(at, out);
            self.over();
            return Ok(true);
        }
        match self.phase {
            Phase::Times if reply == Reply::Yes => self.send_line(out),
            Phase::Sent if reply == Reply::Yes => self.accepted(at, out),
            Phase::Times | Phase::Sent => {
                self.failed(at, out);
                self.pass_reply(&reply, out);
                self.phase = Phase::Control;
            }
            Phase::Last => {
                self.file_ends(reply == Reply::Yes, at, out);
                self.pass_reply(&reply, out);
                self.phase = Phase::Control;
            }
            Phase::Greeting if reply != Reply::Yes => {
                self.pass_reply(&reply, out);
                self.over();
            }
            Phase::Greeting | Phase::Ending => {
                self.pass_reply(&reply, out);
                self.phase = Phase::Control;
            }
            // The source has the word.
            Phase::Opening
            | Phase::Control
            | Phase::Looking(_)
            | Phase::Parked(_)
            | Phase::Again(_)
            | Phase::Data
            | Phase::Status
            | Phase::Refused
            | Phase::Over => {}
        }
        Ok(true)
    }

    pub(super) fn pass_reply(&self, reply: &Reply, out: &mut Vec<Step>) {
        match reply {
            Reply::Yes => self.pass(self.to_source(), Bytes::from_static(YES), 0, out),
            Reply::No(words) => self.pass_words(self.to_source(), 1, words, out),
            Reply::Fatal(words) => self.pass_words(self.to_source(), 2, words, out),
        }
    }

    pub(super) fn pass_words(
        &self,
        towards: Direction,
        first: u8,
        words: &[u8],
        out: &mut Vec<Step>,
    ) {
        self.pass(towards, worded(first, words), words.len(), out);
    }

    #[expect(clippy::unused_self, reason = "it is said of a channel")]
    pub(super) fn pass(
        &self,
        towards: Direction,
        bytes: Bytes,
        payload: usize,
        out: &mut Vec<Step>,
    ) {
        let payload = u64::try_from(payload).unwrap_or(u64::MAX);
        out.push(Step::Pass {
            towards,
            bytes,
            payload,
        });
    }

    #[expect(clippy::unused_self, reason = "it is said of a channel")]
    pub(super) fn own(
        &self,
        towards: Direction,
        bytes: Bytes,
        payload: usize,
        out: &mut Vec<Step>,
    ) {
        let payload = u64::try_from(payload).unwrap_or(u64::MAX);
        out.push(Step::Own {
            towards,
            bytes,
            payload,
        });
    }
}

impl std::fmt::Debug for Scp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Scp")
            .field("command", &self.command)
            .field("phase", &self.phase)
            .field("folders", &self.folders.len())
            .finish_non_exhaustive()
    }
}
