//! Files by the old protocol: an `exec` of `scp`, whose lines are read and judged one by one ([`super::scp`]).
//!
//! Where paths lead is asked of the target on a channel beside the program's, which the technician does not see; the program is
//! started by a line of ours once what it names was judged. What the technician sends is on record as it came, and what goes to
//! them as it goes, as for [`super::files`].

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use ecluse_policy::capability::scp::Command;
use ecluse_recordings::Direction::{self, ToTarget, ToTechnician};
use ecluse_recordings::bundle::Language;

use super::files::{MOST_REFUSED, MOST_TOLD, Reads, Sha256, entry, send};
use super::judge::Judge;
use super::opaque::Opaque;
use super::scp::{self, Complaint, Lookup, Say, Scp, Told};
use super::sftp::coverage::MakeDigest;
use super::sftp::log::Record;
use super::sftp::{Doing, Operation, Ticket, Verdict};
use super::{Ask, Kind, Step};
use crate::passage::side::Piece;

/// Bytes of a question to the target before the path in it: length, type, number, length of the path.
pub(super) const BEFORE_PATH: usize = 13;

/// A channel on which `scp` copies.
pub(crate) struct Copying<R> {
    scp: Scp,
    lookup: Lookup,
    rest: Opaque,
    judge: Judge<R>,
    /// What is asked of the target first; none once it was.
    greeting: Option<Bytes>,
    /// What the technician sent and is on record, of which nothing has gone on yet. **Unit**: bytes.
    unsent: usize,
    /// What the technician sends has ended.
    ended: bool,
    /// The target was told so.
    released: bool,
    /// What was refused and is on record in the log.
    told: BTreeSet<String>,
    refused: u64,
    /// The program on the target has ended what it says.
    silent: bool,
}

impl<R: Reads + Clone + 'static> Copying<R> {
    /// A channel of this command, on which nothing has passed.
    pub(crate) fn new(command: Command, reads: R) -> Self {
        let say = reads.clone();
        let digest: MakeDigest = Box::new(|| Box::new(Sha256::default()));
        let (lookup, greeting) = Lookup::start();
        Self {
            scp: Scp::new(
                command,
                Some(digest),
                Say::new(move |words| say.copying(words)),
            ),
            lookup,
            rest: Opaque::default(),
            judge: Judge::new(reads),
            greeting: Some(greeting),
            unsent: 0,
            ended: false,
            released: false,
            told: BTreeSet::new(),
            refused: 0,
            silent: false,
        }
    }

    /// Does what the interceptor says.
    fn take(&mut self, steps: Vec<scp::Step>, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        let number = |payload: u64| usize::try_from(payload).unwrap_or(usize::MAX);
        let mut steps = VecDeque::from(steps);
        while let Some(step) = steps.pop_front() {
            match step {
                scp::Step::Pass {
                    towards,
                    bytes,
                    payload,
                } => {
                    let counts = match towards {
                        ToTechnician => bytes.len(),
                        // A name in another spelling is no more than what was sent.
                        ToTarget => bytes.len().min(self.unsent),
                    };
                    if towards == ToTarget {
                        self.unsent -= counts;
                    }
                    send(towards, bytes, number(payload), counts, out);
                }
                scp::Step::Own {
                    towards,
                    bytes,
                    payload,
                } => send(towards, bytes, number(payload), 0, out),
                scp::Step::Look(query) => {
                    let mut told = Vec::new();
                    self.lookup.ask(query, &mut told);
                    steps.extend(self.hear(told, at, ask, out));
                }
                // `cmd.exe` and PowerShell read quotes otherwise, and would do something else than was judged.
                scp::Step::Run(line) if !self.lookup.follows() && is_quoted(&line) => {
                    let words = self.judge.reads().copying(scp::Words::NoQuotes);
                    out.push(Step::End {
                        words: Some(words),
                        because: scp::Words::NoQuotes.to_string(),
                    });
                }
                scp::Step::Run(line) => out.push(Step::Run(line)),
                scp::Step::Log(record) => self.log(record, out),
                scp::Step::End(status) => out.push(Step::End {
                    words: None,
                    because: format!("nothing was started: refused with status {status}"),
                }),
                scp::Step::Stop(complaint) => out.push(Self::stop(complaint)),
            }
        }
        self.judge.asks(self.scp.parked(), out);
        if self.ended && !self.released && self.scp.is_idle() {
            self.released = true;
            out.push(Step::Release(ToTarget));
        }
    }

    /// What the target says of paths; what comes of it.
    fn hear(
        &mut self,
        told: Vec<Told>,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) -> Vec<scp::Step> {
        let mut steps = Vec::new();
        for told in told {
            match told {
                Told::Send(bytes) => {
                    let payload = bytes.len().saturating_sub(BEFORE_PATH);
                    out.push(Step::Beside { bytes, payload });
                }
                Told::Found(query, found) => {
                    let judge = &mut self.judge;
                    let mut answer = |operation: &Operation| judge.answer(operation, ask);
                    self.scp.found(query, found, at, &mut answer, &mut steps);
                }
            }
        }
        steps
    }

    /// A side does not speak as agreed, or what passed may not any more.
    fn stop(complaint: Complaint) -> Step {
        match complaint {
            Complaint::Client(_) | Complaint::Server(_) => Step::Stop(complaint.to_string()),
            // Its client waits for an answer, and has read why.
            Complaint::Moved(because) => Step::End {
                words: None,
                because,
            },
            // It sends or takes a file, and reads no answer before that is over.
            Complaint::Withdrawn(because) => Step::End {
                words: Some(because.clone()),
                because,
            },
        }
    }

    fn log(&mut self, record: Record, out: &mut Vec<Step>) {
        let entry = entry::of(record);
        let words = entry.because.clone();
        let line = entry.line(Language::English);
        out.push(Step::Log(Box::new(entry)));
        let Some(words) = words else { return };
        self.refused += 1;
        if self.told.len() < MOST_TOLD && self.told.insert(words) {
            // Its words stand in the stream, where the protocol has a place for them.
            out.push(Step::Refused { words: None, line });
        }
        if self.refused == MOST_REFUSED {
            let why = format!("{MOST_REFUSED} files of one channel were refused");
            out.push(Step::Stop(why));
        }
    }

    fn give(
        &mut self,
        towards: Direction,
        bytes: &Bytes,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        let mut steps = Vec::new();
        self.scp.read(towards, bytes, at, &mut steps);
        self.take(steps, at, ask, out);
    }

    /// Something came of the target beside the program; nothing more will, where it is none.
    fn beside(
        &mut self,
        bytes: Option<&Bytes>,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        let mut told = Vec::new();
        let heard = bytes.map_or(Ok(()), |bytes| self.lookup.read(bytes, &mut told));
        if let Err(error) = &heard {
            out.push(Step::Note(error.to_string().into()));
        }
        if bytes.is_none() || heard.is_err() {
            self.lookup.end(&mut told);
        }
        let steps = self.hear(told, at, ask, out);
        self.take(steps, at, ask, out);
    }
}

/// Whether a line that starts a program rests on quotes.
pub(super) fn is_quoted(line: &[u8]) -> bool {
    line.iter().any(|byte| matches!(byte, b'\'' | b'\\'))
}

impl<R: Reads + Clone + 'static> Kind for Copying<R> {
    fn begin(&mut self, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        let Some(bytes) = self.greeting.take() else {
            return;
        };
        out.push(Step::Beside { bytes, payload: 0 });
        let mut steps = Vec::new();
        self.scp.start(at, &mut steps);
        self.take(steps, at, ask, out);
    }

    fn read(
        &mut self,
        towards: Direction,
        piece: Piece,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        match (towards, piece) {
            (ToTarget, Piece::Data(bytes)) => {
                if !self.ended {
                    self.unsent = self.unsent.saturating_add(bytes.len());
                    out.push(Step::Record(ToTarget, bytes.clone()));
                    self.give(towards, &bytes, at, ask, out);
                }
            }
            (ToTechnician, Piece::Data(bytes)) => {
                if !self.silent {
                    self.give(towards, &bytes, at, ask, out);
                }
            }
            (ToTechnician, Piece::Beside(bytes)) => self.beside(Some(&bytes), at, ask, out),
            (ToTechnician, Piece::BesideOver) => self.beside(None, at, ask, out),
            (ToTarget, Piece::Eof) => {
                // The program on the target is told once it has what was sent before.
                if !std::mem::replace(&mut self.ended, true) {
                    out.push(Step::Hold(ToTarget, Piece::Eof));
                    let mut steps = Vec::new();
                    self.scp.technician_ended(&mut steps);
                    self.take(steps, at, ask, out);
                }
            }
            (_, piece) => {
                self.silent |= (towards, &piece) == (ToTechnician, &Piece::Eof);
                self.rest.read(towards, piece, at, ask, out);
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        self.rest.due()
    }

    fn release(&mut self, out: &mut Vec<Step>) {
        self.rest.release(out);
    }

    fn is_finished(&self) -> bool {
        self.rest.is_finished()
    }

    fn wants(&self, towards: Direction) -> bool {
        self.scp.wants(towards)
    }

    fn is_waiting(&self) -> bool {
        self.scp.parked().next().is_some()
    }

    fn revoke(&mut self, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        let mut steps = Vec::new();
        let judge = &self.judge;
        let mut holds = |operation: &Operation| judge.stands(operation, ask);
        self.scp.revoke(at, &mut holds, &mut steps);
        self.take(steps, at, ask, out);
    }

    fn answered(
        &mut self,
        ticket: Ticket,
        verdict: Verdict,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        let mut steps = Vec::new();
        self.scp.answered(ticket, verdict, at, &mut steps);
        self.take(steps, at, ask, out);
    }

    fn finish(&mut self, at: Instant, out: &mut Vec<Step>) {
        let mut steps = Vec::new();
        self.scp.finish(at, &mut steps);
        for step in steps {
            // Nobody gets anything else any more.
            if let scp::Step::Log(record) = step {
                self.log(record, out);
            }
        }
    }

    fn doing(&self) -> Option<Doing> {
        self.scp.doing()
    }
}
