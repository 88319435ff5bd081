//! Where a file or directory leads, and whether it may go there.

use std::time::Instant;

use bytes::Bytes;
use ecluse_policy::capability::files::{FileRequest, TargetPath};
use ecluse_policy::capability::scp::Way;

use super::interceptor::{Phase, Scp};
use super::lookup::{Found, Lost, Nature};
use super::opening::operation;
use super::words::{NO, Words, refusal};
use super::{Answer, Ask, Direction, Outcome, Query, Step, Verdict};

impl Scp {
    /// Asks where the line at hand leads.
    pub(super) fn look(&mut self, out: &mut Vec<Step>) {
        let Some(place) = self.line.as_ref().and_then(|line| line.place.as_ref()) else {
            return;
        };
        let path = Bytes::copy_from_slice(place.as_bytes());
        let id = self.next_query();
        self.phase = Phase::Looking(id);
        out.push(Step::Look(Query { id, path }));
    }

    pub(super) fn located(
        &mut self,
        found: Result<Found, Lost>,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        let Some(line) = &self.line else { return };
        let (typed, is_directory) = (line.typed.clone(), line.entry.is_directory);
        match found {
            Ok(Found { path, nature }) => {
                // The target has it open, and says in the other channel that it is not there, or not such: it was elsewhere.
                let fits = match (self.command.way, nature) {
                    (Way::To, _) => true,
                    (Way::From, Nature::Directory) => is_directory,
                    (Way::From, Nature::File) => !is_directory,
                    (Way::From, Nature::Nothing) => false,
                };
                let wanted = self.wanted(&path, nature);
                if fits {
                    self.judge(wanted, Some(path), at, ask, out);
                } else {
                    let words = self.about(&typed, Words::NoWay);
                    self.refuse_there(wanted, words, at, ask, out);
                }
            }
            Err(Lost::Nowhere(Some(near))) => {
                let wanted = self.wanted(&near, Nature::Nothing);
                let words = self.about(&typed, Words::Nothing);
                self.refuse_there(wanted, words, at, ask, out);
            }
            Err(Lost::Nowhere(None) | Lost::Unclear | Lost::NoSftp) => {
                let place = line.place.clone();
                let wanted = place.map(|place| self.wanted(&place, Nature::Nothing));
                let words = self.about(&typed, Words::NoWay);
                self.refuse_there(wanted.unwrap_or_default(), words, at, ask, out);
            }
        }
    }

    /// What the line at hand needs at this path.
    fn wanted(&self, path: &TargetPath, nature: Nature) -> Vec<FileRequest> {
        let Some(line) = &self.line else {
            return Vec::new();
        };
        let path = path.clone();
        match (self.command.way, line.entry.is_directory) {
            (Way::To, false) => vec![FileRequest::Open {
                path,
                reads: false,
                writes: true,
            }],
            (Way::From, false) => vec![FileRequest::Open {
                path,
                reads: true,
                writes: false,
            }],
            (Way::From, true) => vec![FileRequest::List(path)],
            (Way::To, true) => {
                let has_times = line.times.is_some();
                match nature {
                    // The program sets its mode with `-p`, and its times where some came.
                    Nature::Directory if self.command.preserve || has_times => {
                        vec![FileRequest::SetAttributes(path)]
                    }
                    Nature::Directory => vec![FileRequest::Look(path)],
                    // Its mode is part of making it.
                    Nature::File | Nature::Nothing if !has_times => {
                        vec![FileRequest::MakeDirectory(path)]
                    }
                    Nature::File | Nature::Nothing => {
                        vec![
                            FileRequest::MakeDirectory(path.clone()),
                            FileRequest::SetAttributes(path),
                        ]
                    }
                }
            }
        }
    }

    fn judge(
        &mut self,
        wanted: Vec<FileRequest>,
        path: Option<TargetPath>,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        let Some(line) = &mut self.line else { return };
        for request in &wanted {
            let operation = operation(request, &line.typed);
            if line.agreed.contains(&operation) {
                continue;
            }
            match ask(&operation) {
                Answer::Permit => {}
                Answer::Refuse(words) => {
                    let words = alike(request, &line.typed, ask).unwrap_or(words);
                    return self.refuse(words, Some(request.clone()), at, out);
                }
                Answer::Wait(ticket) => {
                    line.asked = Some(operation);
                    self.phase = Phase::Parked(ticket);
                    return;
                }
            }
        }
        line.request = wanted.into_iter().next();
        line.path = path;
        self.send(out);
    }

    /// Somebody has said yes or no. Time has passed: after a yes it is looked up anew, and the yes counts for the same place alone.
    pub(super) fn decided(&mut self, verdict: Verdict, at: Instant, out: &mut Vec<Step>) {
        let Some(line) = &mut self.line else { return };
        let asked = line.asked.take();
        match verdict {
            Verdict::Permit => {
                line.agreed.extend(asked);
                self.look(out);
            }
            Verdict::Refuse(words) => {
                let request = asked.map(|asked| asked.request);
                self.refuse(words, request, at, out);
            }
        }
    }

    /// Refuses for a reason of the target's, which only those are told who may do there what they want; to others it is not listed.
    fn refuse_there(
        &mut self,
        wanted: Vec<FileRequest>,
        words: String,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        let Some(line) = &self.line else { return };
        let typed = line.typed.clone();
        let not_listed = wanted
            .iter()
            .find_map(|request| match ask(&operation(request, &typed)) {
                Answer::Refuse(words) => Some(alike(request, &typed, ask).unwrap_or(words)),
                Answer::Permit | Answer::Wait(_) => None,
            });
        let request = wanted.into_iter().next();
        self.refuse(not_listed.unwrap_or(words), request, at, out);
    }

    /// Answers the source in the sink's stead. The technician reads why; what else there is goes on.
    pub(super) fn refuse(
        &mut self,
        words: String,
        request: Option<FileRequest>,
        at: Instant,
        out: &mut Vec<Step>,
    ) {
        if self.command.way == Way::From {
            // Its client is told as the target would tell it: a line between two files.
            self.own(Direction::ToTarget, NO.into(), 0, out);
        }
        let line = self.line.take();
        // A name that the target made up is told in the words of its refusal, and paid for as any other.
        let is_told = |_: &&super::entry::Line| self.command.way == Way::From;
        let told = line
            .as_ref()
            .filter(is_told)
            .map_or(0, |line| line.entry.name.len());
        self.own(
            Direction::ToTechnician,
            refusal(1, &words).into(),
            told,
            out,
        );
        if let Some(line) = line {
            let outcome = Outcome::Refused(words);
            out.push(Step::Log(super::passing::record(
                request,
                &line.typed,
                outcome,
                None,
                line.at,
                at,
            )));
        }
        self.phase = Phase::Control;
    }
}

/// The words of a refusal about a directory that do not tell whether one is there: those of making it, where that is refused too.
fn alike(request: &FileRequest, typed: &Bytes, ask: &mut Ask<'_>) -> Option<String> {
    let (FileRequest::Look(path) | FileRequest::SetAttributes(path)) = request else {
        return None;
    };
    let making = FileRequest::MakeDirectory(path.clone());
    match ask(&operation(&making, typed)) {
        Answer::Refuse(words) => Some(words),
        Answer::Permit | Answer::Wait(_) => None,
    }
}
