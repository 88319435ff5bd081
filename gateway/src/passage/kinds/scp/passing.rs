//! What passes once it may: lines, files, answers, and the log of them.

use std::time::Instant;

use bytes::{Buf, Bytes};
use ecluse_policy::capability::files::{FileRequest, TargetPath};
use ecluse_policy::capability::scp::Way;

use super::interceptor::{Phase, Scp};
use super::lookup::{Found, Lost, Nature};
use super::opening::operation;
use super::wire::{Reply, YES};
use super::words::{Complaint, refusal};
use super::{Direction, Moved, Operation, Outcome, Query, Record, Step, Words};
use crate::passage::kinds::sftp::Doing;
use crate::passage::kinds::sftp::coverage::{Coverage, Extent};
use crate::passage::kinds::sftp::wire::status;

/// A directory that the source is in.
#[derive(Debug)]
pub(super) struct Folder {
    /// As the program on the target calls it: a link on the way is followed anew by each name below.
    pub(super) place: TargetPath,
    /// Where it leads.
    path: TargetPath,
    pub(super) typed: Bytes,
    pub(super) entries: u64,
    /// Bytes of names.
    pub(super) bytes: u64,
    at: Instant,
}

/// A file that passes.
#[derive(Debug)]
pub(super) struct Passing {
    operation: Operation,
    path: TargetPath,
    size: u64,
    passed: u64,
    coverage: Coverage,
    /// The source could not read all of it.
    has_failed: bool,
    at: Instant,
}

impl Scp {
    /// What may go on goes on: its times first.
    pub(super) fn send(&mut self, out: &mut Vec<Step>) {
        let times = self.line.as_mut().and_then(|line| line.times.take());
        match times {
            Some(times) => {
                let payload = times.len().saturating_sub(2);
                self.pass(self.to_sink(), times, payload, out);
                self.phase = Phase::Times;
            }
            None => self.send_line(out),
        }
    }

    pub(super) fn send_line(&mut self, out: &mut Vec<Step>) {
        if let Some(line) = &self.line {
            let bytes = line.entry.line(&line.told);
            let payload = bytes.len().saturating_sub(2);
            self.pass(self.to_sink(), bytes, payload, out);
        }
        self.phase = Phase::Sent;
    }

    /// The sink takes it.
    pub(super) fn accepted(&mut self, at: Instant, out: &mut Vec<Step>) {
        self.phase = Phase::Control;
        let Some(line) = self.line.take() else { return };
        let Some(((path, request), place)) = line.path.zip(line.request).zip(line.place) else {
            return;
        };
        if line.entry.is_directory {
            if matches!(
                request,
                FileRequest::MakeDirectory(_) | FileRequest::SetAttributes(_)
            ) {
                out.push(Step::Log(record(
                    Some(request),
                    &line.typed,
                    Outcome::Done,
                    None,
                    line.at,
                    at,
                )));
            }
            self.folders.push(Folder {
                place,
                path,
                typed: line.typed,
                entries: 0,
                bytes: 0,
                at: line.at,
            });
            return self.pass(self.to_source(), Bytes::from_static(YES), 0, out);
        }
        self.file = Some(Passing {
            operation: Operation {
                request,
                typed: vec![line.typed],
            },
            path,
            size: line.entry.size,
            passed: 0,
            coverage: Coverage::new(self.digest.as_ref().map(|make| make())),
            has_failed: false,
            at: line.at,
        });
        if self.command.way == Way::To {
            // It is open, and nothing is written: where the name that it was opened by leads now decides.
            let id = self.next_query();
            self.phase = Phase::Again(id);
            let path = Bytes::copy_from_slice(place.as_bytes());
            out.push(Step::Look(Query { id, path }));
        } else {
            self.begin_data(out);
        }
    }

    fn begin_data(&mut self, out: &mut Vec<Step>) {
        self.pass(self.to_source(), Bytes::from_static(YES), 0, out);
        self.phase = Phase::Data;
    }

    pub(super) fn looked_again(
        &mut self,
        found: Result<Found, Lost>,
        at: Instant,
        out: &mut Vec<Step>,
    ) -> Result<(), Complaint> {
        let is_there = match (&self.file, found) {
            (Some(file), Ok(found)) => found.path == file.path && found.nature == Nature::File,
            (_, Ok(_) | Err(_)) => false,
        };
        if is_there {
            self.begin_data(out);
            return Ok(());
        }
        let words = self.say.of(Words::Moved);
        self.own(Direction::ToTechnician, refusal(2, &words).into(), 0, out);
        self.log_file(Outcome::Refused(words.clone()), at, out);
        Err(Complaint::Moved(words))
    }

    /// Bytes of the file, as many as were announced.
    pub(super) fn data(&mut self, out: &mut Vec<Step>) -> bool {
        let Some(file) = &mut self.file else {
            self.phase = Phase::Control;
            return true;
        };
        let left = usize::try_from(file.size.saturating_sub(file.passed)).unwrap_or(usize::MAX);
        if left == 0 {
            self.phase = Phase::Status;
            return true;
        }
        let length = left.min(self.from_source.remaining());
        if length == 0 {
            return false;
        }
        let bytes = self.from_source.split_to(length).freeze();
        file.coverage.add(file.passed, &bytes);
        file.passed = file.coverage.end();
        self.pass(self.to_sink(), bytes, length, out);
        true
    }

    /// How reading it went, which the source says behind it.
    pub(super) fn status(&mut self, at: Instant, out: &mut Vec<Step>) -> Result<bool, Complaint> {
        let taken = Reply::take(&mut self.from_source).map_err(|fault| self.source_fault(fault))?;
        let Some(reply) = taken else {
            return Ok(false);
        };
        match &reply {
            Reply::Yes => self.pass(self.to_sink(), Bytes::from_static(YES), 0, out),
            Reply::No(words) => self.pass_words(self.to_sink(), 1, words, out),
            Reply::Fatal(words) => self.pass_words(self.to_sink(), 2, words, out),
        }
        if reply != Reply::Yes
            && let Some(file) = &mut self.file
        {
            file.has_failed = true;
            file.coverage.lose_track();
        }
        self.phase = Phase::Last;
        if let Reply::Fatal(_) = reply {
            self.log_unfinished(at, out);
            self.over();
        }
        Ok(true)
    }

    /// The file that passes at this moment.
    #[must_use]
    pub(crate) fn doing(&self) -> Option<Doing> {
        let file = self.file.as_ref()?;
        let is_read = self.command.way == Way::From;
        Some(Doing {
            path: file.path.clone(),
            read: if is_read { file.passed } else { 0 },
            written: if is_read { 0 } else { file.passed },
            size: Some(file.size),
        })
    }

    pub(super) fn file_ends(&mut self, is_done: bool, at: Instant, out: &mut Vec<Step>) {
        let has_failed = self.file.as_ref().is_some_and(|file| file.has_failed);
        let outcome = if is_done && !has_failed {
            Outcome::Done
        } else {
            Outcome::Failed(status::FAILURE)
        };
        self.log_file(outcome, at, out);
    }

    /// The sink does not take the line at hand.
    pub(super) fn failed(&mut self, at: Instant, out: &mut Vec<Step>) {
        if let Some(line) = self.line.take() {
            let outcome = Outcome::Failed(status::FAILURE);
            out.push(Step::Log(record(
                line.request,
                &line.typed,
                outcome,
                None,
                line.at,
                at,
            )));
        }
    }

    /// Asks whether what passes and what waits still stands, and ends what does not. A file cannot be ended alone in this
    /// protocol: the channel ends with it.
    ///
    /// `holds` answers without asking anybody: somebody's yes of before stands as long as the line does.
    pub(crate) fn revoke(
        &mut self,
        at: Instant,
        holds: &mut dyn FnMut(&Operation) -> Result<(), String>,
        out: &mut Vec<Step>,
    ) {
        if let Some(file) = &self.file
            && let Err(words) = holds(&file.operation)
        {
            if self.command.way == Way::To {
                // An answer, which its client reads once it has sent what it is sending. The other way it would be a part of the file.
                self.own(Direction::ToTechnician, refusal(2, &words).into(), 0, out);
            }
            self.log_file(Outcome::Withdrawn(words.clone()), at, out);
            return self.stop(Complaint::Withdrawn(words), at, out);
        }
        // Judged, and nothing of it has passed yet: the other side has not said yes.
        let waits = matches!(self.phase, Phase::Times | Phase::Sent);
        let judged = self.line.as_ref().filter(|_| waits).and_then(|line| {
            let request = line.request.as_ref()?;
            Some((request.clone(), line.typed.clone(), line.at))
        });
        if let Some((request, typed, since)) = judged
            && let Err(words) = holds(&operation(&request, &typed))
        {
            if self.command.way == Way::To {
                self.own(Direction::ToTechnician, refusal(2, &words).into(), 0, out);
            }
            self.line = None;
            let outcome = Outcome::Withdrawn(words.clone());
            out.push(Step::Log(record(
                Some(request),
                &typed,
                outcome,
                None,
                since,
                at,
            )));
            return self.stop(Complaint::Withdrawn(words), at, out);
        }
        let Some(line) = &mut self.line else { return };
        let lost = line.agreed.iter().chain(&line.asked).find_map(|operation| {
            holds(operation)
                .err()
                .map(|words| (operation.clone(), words))
        });
        let Some((operation, words)) = lost else {
            return;
        };
        // What is judged later is asked for as if nobody had agreed.
        line.agreed.clear();
        if let Phase::Parked(_) = self.phase {
            self.refuse(words, Some(operation.request), at, out);
        }
    }

    pub(super) fn log_unfinished(&mut self, at: Instant, out: &mut Vec<Step>) {
        self.log_file(Outcome::Unfinished, at, out);
        if let Some(line) = self.line.take() {
            let request = line.request.or(line.asked.map(|asked| asked.request));
            out.push(Step::Log(record(
                request,
                &line.typed,
                Outcome::Unfinished,
                None,
                line.at,
                at,
            )));
        }
        while let Some(folder) = self.folders.pop() {
            self.log_listed(folder, Outcome::Unfinished, at, out);
        }
    }

    /// A directory is over: what it told of itself is on record, where it came from the target.
    pub(super) fn log_folder(&self, folder: Folder, at: Instant, out: &mut Vec<Step>) {
        self.log_listed(folder, Outcome::Done, at, out);
    }

    fn log_listed(&self, folder: Folder, outcome: Outcome, at: Instant, out: &mut Vec<Step>) {
        if self.command.way == Way::From {
            let moved = Moved {
                read: folder.bytes,
                read_extent: Extent::Nothing,
                written: 0,
                written_extent: Extent::Nothing,
                size: None,
                entries: folder.entries,
                digest: None,
            };
            let request = FileRequest::List(folder.path);
            out.push(Step::Log(record(
                Some(request),
                &folder.typed,
                outcome,
                Some(moved),
                folder.at,
                at,
            )));
        }
    }

    pub(super) fn log_file(&mut self, outcome: Outcome, at: Instant, out: &mut Vec<Step>) {
        let Some(file) = self.file.take() else { return };
        let is_read = self.command.way == Way::From;
        // What is written is whole once the program on the target says so.
        let size = (is_read || outcome == Outcome::Done).then_some(file.size);
        let (bytes, extent) = (file.coverage.bytes(), file.coverage.extent(size));
        let moved = Moved {
            read: if is_read { bytes } else { 0 },
            read_extent: if is_read { extent } else { Extent::Nothing },
            written: if is_read { 0 } else { bytes },
            written_extent: if is_read { Extent::Nothing } else { extent },
            size: Some(file.size),
            entries: 0,
            digest: file.coverage.digest(size),
        };
        let Operation { request, typed } = file.operation;
        let typed = typed.into_iter().next().unwrap_or_default();
        out.push(Step::Log(record(
            Some(request),
            &typed,
            outcome,
            Some(moved),
            file.at,
            at,
        )));
    }
}

pub(super) fn record(
    request: Option<FileRequest>,
    typed: &Bytes,
    outcome: Outcome,
    moved: Option<Moved>,
    at: Instant,
    now: Instant,
) -> Record {
    Record {
        request,
        typed: vec![typed.clone()],
        outcome,
        moved,
        at,
        took: now.saturating_duration_since(at),
    }
}
