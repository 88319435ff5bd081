//! Files: an `sftp` subsystem, whose packets are read and judged one by one ([`super::sftp`]).
//!
//! What the technician sends is on record as it came, and what goes to them as it goes; what the target gets is made of the
//! first, with paths in the spelling that was judged. What is no packet (a window, an exit status, standard error) passes
//! as it does on any channel.

pub(super) mod entry;

use std::collections::BTreeSet;
use std::time::Instant;

use aws_lc_rs::digest;
use bytes::Bytes;
use ecluse_policy::{FileNeed, Refusal};
use ecluse_recordings::Direction::{self, ToTarget, ToTechnician};
use ecluse_recordings::bundle::Language;

use super::judge::Judge;
use super::opaque::Opaque;
use super::scp;
use super::sftp::coverage::{Digest, MakeDigest};
use super::sftp::{self, Operation, Say, Sftp, Ticket, Verdict, Words};
use super::tree;
use super::{Ask, Kind, Step};
use crate::passage::confirming::Wanted;
use crate::passage::side::Piece;

/// Packets that are sent together, at most. **Unit**: bytes.
const TOGETHER: usize = 4 << 10;
/// Refusals whose words are told beside the stream, and put on record one by one in the log; all are in the recording.
pub(super) const MOST_TOLD: usize = 64;
/// Refusals after which the channel ends: what is refused is paid by no budget, and is on record all the same.
pub(super) const MOST_REFUSED: u64 = 20_000;

/// How a technician reads what is refused.
pub(crate) trait Reads: Send {
    /// The words of the gateway's own.
    fn own(&self, words: Words) -> String;

    /// The same of the old protocol's.
    fn copying(&self, words: scp::Words) -> String;

    /// The same of programs that read or write a tree.
    fn tree(&self, words: &tree::Words) -> String;

    /// The refusal of something that a line is missing for, by the path that was typed.
    fn refused(&self, refusal: &Refusal, operation: &Operation, need: &FileNeed) -> String;

    /// What waits for an operator's yes of an operation that is permitted; none where it does not, or has it.
    fn waits(&self, operation: &Operation) -> Option<Wanted>;
}

/// A channel of files.
pub(crate) struct Files<R> {
    sftp: Sftp,
    rest: Opaque,
    judge: Judge<R>,
    /// What the technician sent and is on record, of which nothing has gone on yet. **Unit**: bytes.
    unsent: usize,
    /// What the technician sends has ended.
    ended: bool,
    /// The target was told so.
    released: bool,
    /// What was refused and told.
    told: BTreeSet<String>,
    refused: u64,
}

impl<R: Reads + Clone + 'static> Files<R> {
    /// A channel on which nothing has passed.
    pub(crate) fn new(reads: R) -> Self {
        let say = reads.clone();
        let digest: MakeDigest = Box::new(|| Box::new(Sha256::default()));
        Self {
            sftp: Sftp::new(Some(digest), Say::new(move |words| say.own(words))),
            rest: Opaque::default(),
            judge: Judge::new(reads),
            unsent: 0,
            ended: false,
            released: false,
            told: BTreeSet::new(),
            refused: 0,
        }
    }

    /// Does what the interceptor says.
    fn take(&mut self, steps: Vec<sftp::Step>, out: &mut Vec<Step>) {
        let number = |payload: u64| usize::try_from(payload).unwrap_or(usize::MAX);
        for step in steps {
            match step {
                sftp::Step::Pass {
                    towards,
                    bytes,
                    payload,
                } => {
                    let counts = match towards {
                        ToTechnician => bytes.len(),
                        // A path in another spelling is no more than what was sent.
                        ToTarget => bytes.len().min(self.unsent),
                    };
                    if towards == ToTarget {
                        self.unsent -= counts;
                    }
                    send(towards, bytes, number(payload), counts, out);
                }
                sftp::Step::Own {
                    towards,
                    bytes,
                    payload,
                } => send(towards, bytes, number(payload), 0, out),
                sftp::Step::Log(record) => self.log(record, out),
                sftp::Step::Stop(complaint) => out.push(Step::Stop(complaint.to_string())),
            }
        }
        self.judge.asks(self.sftp.parked(), out);
        if self.ended && !self.released && self.sftp.is_idle() {
            self.released = true;
            out.push(Step::Release(ToTarget));
        }
    }

    fn log(&mut self, record: sftp::log::Record, out: &mut Vec<Step>) {
        let entry = entry::of(record);
        let words = entry.because.clone();
        let line = entry.line(Language::English);
        out.push(Step::Log(Box::new(entry)));
        let Some(words) = words else { return };
        self.refused += 1;
        if self.told.len() < MOST_TOLD && self.told.insert(words.clone()) {
            let words = Some(words);
            out.push(Step::Refused { words, line });
        }
        if self.refused == MOST_REFUSED {
            let why = format!("{MOST_REFUSED} requests of one channel were refused");
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
        let judge = &mut self.judge;
        let mut answer = |operation: &Operation| judge.answer(operation, ask);
        self.sftp.read(towards, bytes, at, &mut answer, &mut steps);
        self.take(steps, out);
    }
}

/// Sends a packet, together with small ones before it: one look at a path is three of them.
pub(super) fn send(
    towards: Direction,
    bytes: Bytes,
    payload: usize,
    counts: usize,
    out: &mut Vec<Step>,
) {
    if let Some(Step::Send {
        towards: way,
        bytes: before,
        payload: paid,
        counts: counted,
    }) = out.last_mut()
        && *way == towards
        && before.len() + bytes.len() <= TOGETHER
    {
        *before = [&before[..], &bytes[..]].concat().into();
        *paid += payload;
        *counted += counts;
        return;
    }
    out.push(Step::Send {
        towards,
        bytes,
        payload,
        counts,
    });
}

impl<R: Reads + Clone + 'static> Kind for Files<R> {
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
            (ToTechnician, Piece::Data(bytes)) => self.give(towards, &bytes, at, ask, out),
            (ToTarget, Piece::Eof) => {
                // `sftp-server` ends on it without a look at what it was sent before.
                if !std::mem::replace(&mut self.ended, true) {
                    out.push(Step::Hold(ToTarget, Piece::Eof));
                    self.take(Vec::new(), out);
                }
            }
            (_, piece) => self.rest.read(towards, piece, at, ask, out),
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
        self.sftp.wants(towards)
    }

    fn is_waiting(&self) -> bool {
        self.sftp.parked().next().is_some()
    }

    fn revoke(&mut self, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        let mut steps = Vec::new();
        let judge = &self.judge;
        let mut holds = |operation: &Operation| judge.stands(operation, ask);
        self.sftp.revoke(at, &mut holds, &mut steps);
        self.take(steps, out);
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
        let judge = &mut self.judge;
        let mut answer = |operation: &Operation| judge.answer(operation, ask);
        self.sftp
            .answered(ticket, verdict, at, &mut answer, &mut steps);
        self.take(steps, out);
    }

    fn finish(&mut self, at: Instant, out: &mut Vec<Step>) {
        let mut steps = Vec::new();
        self.sftp.finish(at, &mut steps);
        self.take(steps, out);
        match self.sftp.looked() {
            0 => {}
            looked => out.push(Step::Note(
                format!("looks at attributes and paths that passed: {looked}").into(),
            )),
        }
    }

    fn doing(&self) -> Option<sftp::Doing> {
        self.sftp.doing()
    }
}

/// SHA-256 of what passes, as it passes.
pub(super) struct Sha256(digest::Context);

impl Default for Sha256 {
    fn default() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }
}

impl Digest for Sha256 {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self: Box<Self>) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(self.0.finish().as_ref());
        digest
    }
}

#[cfg(test)]
mod tests;
