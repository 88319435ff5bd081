//! The channel: what its command line names is looked up and judged, then its program is started, and its stream passes.

use std::time::Instant;

use bytes::Bytes;
use ecluse_policy::FileRequest;
use ecluse_policy::capability::files::FileRight;
use ecluse_policy::capability::transfer::Transfer;
use ecluse_recordings::Direction::{self, ToTarget, ToTechnician};
use ecluse_recordings::bundle::Language;
use ecluse_recordings::transfer::{Extent, FilePart};
use ecluse_recordings::{FileEntry, FileOperation, FileOutcome};

use super::{Judged, Place, Plan, Words};
use crate::passage::kinds::copying::{BEFORE_PATH, is_quoted};
use crate::passage::kinds::files::Reads;
use crate::passage::kinds::judge::Judge;
use crate::passage::kinds::opaque::Opaque;
use crate::passage::kinds::scp::Query;
use crate::passage::kinds::scp::lookup::{Lookup, Told};
use crate::passage::kinds::sftp::{Answer, Doing, Operation, Ticket, Verdict};
use crate::passage::kinds::{Ask, Kind, Step};
use crate::passage::side::{Exit, Piece};

/// A channel on which a program of the target's reads or writes a tree.
pub(crate) struct Tree<R> {
    plan: Result<Plan, Words>,
    /// The command line as it was typed, for what is refused before a path of it is known.
    typed: Bytes,
    lookup: Lookup,
    rest: Opaque,
    judge: Judge<R>,
    /// What is asked of the target first; none once it was.
    greeting: Option<Bytes>,
    phase: Phase,
    /// The number of the next question.
    next: u64,
    /// What somebody has said yes to.
    agreed: Vec<Operation>,
    /// What was judged, each thing once.
    wanted: Vec<Operation>,
    began: Option<Instant>,
    /// Bytes of the program's stream that passed, to the target and to the technician.
    passed: (u64, u64),
    exit: Option<Exit>,
    /// Why it ended before the program did.
    lost: Option<String>,
    /// What passed is on record in the log.
    is_logged: bool,
}

/// How far it is.
#[derive(Debug)]
enum Phase {
    /// Nothing was asked yet.
    New,
    /// The target was asked; the numbers of the questions begin at the first.
    Asking(u64, Vec<Option<Place>>),
    /// Somebody is asked for a yes.
    Parked(Ticket, Operation),
    /// The program was started.
    Running,
    /// Nothing passes any more.
    Over,
}

impl<R: Reads + Clone + 'static> Tree<R> {
    /// A channel of this program, on which nothing has passed.
    pub(crate) fn new(transfer: Transfer, typed: &[u8], reads: R) -> Self {
        let (lookup, greeting) = Lookup::start();
        Self {
            // Another program is not started by a channel of this kind.
            plan: Plan::of(transfer).unwrap_or(Err(Words::NoWay)),
            typed: Bytes::copy_from_slice(typed),
            lookup,
            rest: Opaque::default(),
            judge: Judge::new(reads),
            greeting: Some(greeting),
            phase: Phase::New,
            next: 0,
            agreed: Vec::new(),
            wanted: Vec::new(),
            began: None,
            passed: (0, 0),
            exit: None,
            lost: None,
            is_logged: false,
        }
    }

    /// Asks where the paths lead.
    fn look(&mut self, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        let plan = match &self.plan {
            Ok(plan) => plan,
            Err(words) => {
                let words = words.clone();
                return self.refuse(&words, at, out);
            }
        };
        let questions = plan.questions();
        let first = self.next;
        self.next += u64::try_from(questions.len()).unwrap_or(0);
        self.phase = Phase::Asking(first, vec![None; questions.len()]);
        let mut told = Vec::new();
        for (id, path) in (first..).zip(questions) {
            self.lookup.ask(Query { id, path }, &mut told);
        }
        self.hear(told, at, ask, out);
    }

    /// What the target says of paths.
    fn hear(&mut self, told: Vec<Told>, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        for told in told {
            match told {
                Told::Send(bytes) => {
                    let payload = bytes.len().saturating_sub(BEFORE_PATH);
                    out.push(Step::Beside { bytes, payload });
                }
                Told::Found(id, place) => {
                    let Phase::Asking(first, places) = &mut self.phase else {
                        continue;
                    };
                    let number = id
                        .checked_sub(*first)
                        .and_then(|id| usize::try_from(id).ok());
                    if let Some(known) = number.and_then(|number| places.get_mut(number)) {
                        *known = Some(place);
                    }
                    let all: Option<Vec<Place>> = places.iter().cloned().collect();
                    if let Some(places) = all {
                        self.decide(&places, at, ask, out);
                    }
                }
            }
        }
    }

    /// Everything is known: it is judged, and started.
    fn decide(&mut self, places: &[Place], at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        let Ok(plan) = &self.plan else { return };
        let Judged { wanted, line } = plan.judged(places);
        for operation in &wanted {
            if self.agreed.contains(operation) {
                continue;
            }
            match self.judge.answer(operation, ask) {
                Answer::Permit => {}
                Answer::Refuse(words) => {
                    return self.end(Some(operation), words.clone(), words, at, out);
                }
                // Nobody is asked for what cannot be started.
                Answer::Wait(_) if line.is_err() => {}
                Answer::Wait(ticket) => {
                    self.phase = Phase::Parked(ticket, operation.clone());
                    return self.judge.asks([ticket].into_iter(), out);
                }
            }
        }
        match line {
            // `cmd.exe` and PowerShell read quotes otherwise, and would do something else than was judged.
            Ok(line) if !self.lookup.follows() && is_quoted(&line) => {
                self.refuse(&Words::NoQuotes, at, out);
            }
            Ok(line) => {
                self.wanted = wanted;
                self.began = Some(at);
                self.phase = Phase::Running;
                out.push(Step::Run(line));
            }
            Err(words) => self.refuse(&words, at, out),
        }
    }

    /// Nothing is started, for a reason of the gateway's own.
    fn refuse(&mut self, words: &Words, at: Instant, out: &mut Vec<Step>) {
        let said = self.judge.reads().tree(words);
        self.end(None, words.to_string(), said, at, out);
    }

    /// Nothing is started. The words are told on standard error: a stream that has not begun has no place for them.
    fn end(
        &mut self,
        operation: Option<&Operation>,
        because: String,
        said: String,
        at: Instant,
        out: &mut Vec<Step>,
    ) {
        self.phase = Phase::Over;
        let typed = operation.and_then(|operation| operation.typed.first());
        let (kind, path) = match operation.map(|operation| &operation.request) {
            Some(FileRequest::Program { right, path, .. }) => (kind_of(*right), Some(path)),
            Some(_) | None => (FileOperation::Unknown, None),
        };
        let mut entry = entry(kind, path.map_or(&self.typed[..], |path| path.as_bytes()));
        let is_otherwise = |typed: &&Bytes| **typed != *entry.path.as_ref();
        entry.typed = typed
            .filter(is_otherwise)
            .map(|typed| (&**typed).into())
            .into_iter()
            .collect();
        entry.outcome = FileOutcome::Refused;
        entry.because = Some(because.clone());
        entry.took_us = micros(self.began.unwrap_or(at), at);
        let line = entry.line(Language::English);
        out.push(Step::Log(Box::new(entry)));
        out.push(Step::Refused { words: None, line });
        out.push(Step::End {
            words: Some(said),
            because: format!("nothing was started: {because}"),
        });
    }

    /// What passed, one entry a path.
    fn log(&mut self, at: Instant, out: &mut Vec<Step>) {
        if std::mem::replace(&mut self.is_logged, true) || self.began.is_none() {
            return;
        }
        let took_us = micros(self.began.unwrap_or(at), at);
        let (outcome, status) = match (&self.lost, &self.exit) {
            (Some(_), _) => (FileOutcome::Withdrawn, None),
            (None, Some(Exit::Status(0))) => (FileOutcome::Done, None),
            (None, Some(Exit::Status(status))) => (FileOutcome::Failed, Some(*status)),
            (None, Some(Exit::Signal { .. })) => (FileOutcome::Failed, None),
            (None, None) => (FileOutcome::Unfinished, None),
        };
        let mut first = true;
        for operation in &self.wanted {
            let FileRequest::Program { right, path, .. } = &operation.request else {
                continue;
            };
            let (kind, is_first) = (kind_of(*right), std::mem::replace(&mut first, false));
            let part = |bytes: u64| {
                Some(FilePart {
                    bytes: if is_first { bytes } else { 0 },
                    extent: Extent::Stream,
                })
            };
            let (to_target, to_technician) = self.passed;
            let mut entry = entry(kind, path.as_bytes());
            let typed = operation
                .typed
                .iter()
                .filter(|typed| ***typed != *path.as_bytes());
            entry.typed = typed.map(|typed| (&**typed).into()).collect();
            if kind == FileOperation::WriteTree {
                entry.written = part(to_target);
            } else {
                entry.read = part(to_technician);
            }
            entry.outcome = outcome;
            entry.status = status;
            entry.because = self.lost.clone();
            entry.took_us = took_us;
            out.push(Step::Log(Box::new(entry)));
        }
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
        self.hear(told, at, ask, out);
    }

    const fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }
}

const fn kind_of(right: FileRight) -> FileOperation {
    match right {
        FileRight::RsyncWrite | FileRight::GitWrite => FileOperation::WriteTree,
        FileRight::RsyncRead | FileRight::GitRead => FileOperation::ReadTree,
        // These are no program's.
        FileRight::Read
        | FileRight::Write
        | FileRight::List
        | FileRight::Delete
        | FileRight::Rename
        | FileRight::Mkdir => FileOperation::Unknown,
    }
}

fn entry(operation: FileOperation, path: &[u8]) -> FileEntry {
    FileEntry {
        operation,
        path: path.into(),
        to: None,
        typed: Vec::new(),
        outcome: FileOutcome::Unfinished,
        status: None,
        because: None,
        read: None,
        written: None,
        size: None,
        entries: None,
        sha256: None,
        took_us: 0,
    }
}

fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u64::MAX)
}

impl<R: Reads + Clone + 'static> Kind for Tree<R> {
    fn begin(&mut self, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        let Some(bytes) = self.greeting.take() else {
            return;
        };
        if self.plan.is_ok() {
            out.push(Step::Beside { bytes, payload: 0 });
        }
        self.look(at, ask, out);
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
            (ToTechnician, Piece::Beside(bytes)) => self.beside(Some(&bytes), at, ask, out),
            (ToTechnician, Piece::BesideOver) => self.beside(None, at, ask, out),
            (towards, Piece::Data(bytes)) if self.is_running() => {
                let count = match towards {
                    ToTarget => &mut self.passed.0,
                    ToTechnician => &mut self.passed.1,
                };
                *count = count.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
                self.rest.read(towards, Piece::Data(bytes), at, ask, out);
            }
            // Before there is a program, nothing of it can come, and nothing for it is taken.
            (_, Piece::Data(_)) => {}
            (ToTechnician, piece @ Piece::Exit(_)) => {
                if let (None, Piece::Exit(exit)) = (&self.exit, &piece) {
                    self.exit = Some(exit.clone());
                }
                self.rest.read(towards, piece, at, ask, out);
                self.log(at, out);
            }
            (towards, piece) => self.rest.read(towards, piece, at, ask, out),
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
        towards == ToTechnician || self.is_running()
    }

    fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Parked(..))
    }

    fn answered(
        &mut self,
        ticket: Ticket,
        verdict: Verdict,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        let Phase::Parked(waits, operation) = &self.phase else {
            return;
        };
        if *waits != ticket {
            return;
        }
        let operation = operation.clone();
        match verdict {
            // Time has passed: it is looked up anew, and the yes counts for the same places alone.
            Verdict::Permit => {
                self.agreed.push(operation);
                self.look(at, ask, out);
            }
            Verdict::Refuse(words) => {
                self.end(Some(&operation), words.clone(), words, at, out);
            }
        }
    }

    fn revoke(&mut self, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        if !self.is_running() || self.exit.is_some() {
            return;
        }
        let lost = self
            .wanted
            .iter()
            .find_map(|one| self.judge.stands(one, ask).err());
        if let Some(words) = lost {
            self.lost = Some(words.clone());
            self.phase = Phase::Over;
            self.log(at, out);
            out.push(Step::End {
                words: Some(words.clone()),
                because: words,
            });
        }
    }

    fn finish(&mut self, at: Instant, out: &mut Vec<Step>) {
        self.log(at, out);
    }

    fn doing(&self) -> Option<Doing> {
        let operation = self.wanted.first().filter(|_| self.is_running())?;
        let FileRequest::Program { right, path, .. } = &operation.request else {
            return None;
        };
        let (to_target, to_technician) = self.passed;
        let is_write = kind_of(*right) == FileOperation::WriteTree;
        Some(Doing {
            path: path.clone(),
            read: if is_write { 0 } else { to_technician },
            written: if is_write { to_target } else { 0 },
            size: None,
        })
    }
}
