//! Requests by path: looked up, judged, passed on, in the order in which they came.
//!
//! The order is that of a server that does one thing after another, which clients that send ahead count on: a request goes
//! on once all before it have. Several may be looked up at once; one that changes where paths lead has the target for
//! itself, from its look to its answer. One that waits for somebody's yes steps out of the line and comes back at its
//! end, looked up anew.

use std::time::Instant;

use super::flight::{Flight, ForTask};
use super::interceptor::{Phase, Sftp};
use super::log::{Outcome, Record};
use super::opening::{Opening, Passed};
use super::operation::{Answer, Ask, Operation, Ticket, Verdict};
use super::reply;
use super::request::Verb;
use super::resolve::Lost;
use super::task::{Questions, Stage, Task};
use super::wire::{Packet, status};
use super::words::Words;
use super::{Direction, Step};
use ecluse_policy::capability::files::FileRequest;
use ecluse_policy::capability::files::TargetPath;

/// Requests that may wait for somebody at once.
const MOST_PARKED: usize = 16;

impl Sftp {
    /// Somebody who was asked has answered. A ticket that nobody waits for is nothing.
    pub(crate) fn answered(
        &mut self,
        ticket: Ticket,
        verdict: Verdict,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        if self.phase == Phase::Stopped {
            return;
        }
        let parked = |task: &Task| task.stage == Stage::Parked(ticket);
        let Some(place) = self.tasks.iter().position(parked) else {
            return;
        };
        let Some(mut task) = self.tasks.remove(place) else {
            return;
        };
        match verdict {
            Verdict::Permit => {
                // Time has passed: it is looked up anew, and what was agreed to counts only if it leads there still.
                task.stage = Stage::Queued;
                self.tasks.push_back(task);
            }
            Verdict::Refuse(words) => {
                let operation = task.agreed.take();
                self.refuse_task(&task, operation, words, at, out);
            }
        }
        self.read(Direction::ToTarget, &[], at, ask, out);
        self.work(at, ask, out);
    }

    /// What waits for somebody.
    pub(crate) fn parked(&self) -> impl Iterator<Item = Ticket> {
        self.tasks.iter().filter_map(|task| match task.stage {
            Stage::Parked(ticket) => Some(ticket),
            Stage::Queued | Stage::Looking | Stage::Known | Stage::Passed | Stage::Done => None,
        })
    }

    /// Does whatever can be done.
    pub(super) fn work(&mut self, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        if self.phase != Phase::Open || self.open_questions > 0 || self.tasks.is_empty() {
            return;
        }
        loop {
            self.parked = self.count(|task| matches!(task.stage, Stage::Parked(_)));
            self.opening = self.count(Task::is_opening);
            let mut tasks = std::mem::take(&mut self.tasks);
            let before = tasks.len();
            // Nobody is before it; all before it went on; nobody before it moves paths.
            let (mut is_first, mut is_next, mut is_free) = (true, true, true);
            for task in &mut tasks {
                let moves = task.request.verb.moves_paths();
                if task.stage == Stage::Queued && is_free && (is_first || !moves) {
                    self.begin(task, out);
                }
                if task.stage == Stage::Looking {
                    self.go_on(task, out);
                }
                if task.stage == Stage::Known && is_next {
                    self.judge(task, at, ask, out);
                }
                match task.stage {
                    Stage::Parked(_) | Stage::Done => {}
                    Stage::Queued | Stage::Looking | Stage::Known | Stage::Passed => {
                        is_first = false;
                        is_next &= task.stage == Stage::Passed;
                        is_free &= !moves;
                    }
                }
            }
            tasks.retain(|task| task.stage != Stage::Done);
            let is_settled = tasks.len() == before;
            self.tasks = tasks;
            if is_settled {
                return;
            }
        }
    }

    fn count(&self, is_one: impl Fn(&Task) -> bool) -> usize {
        self.tasks.iter().filter(|task| is_one(task)).count()
    }

    fn begin(&mut self, task: &mut Task, out: &mut Vec<Step>) {
        let questions = task.begin(self.follows);
        if task.asks_words() {
            let what = ForTask::Words;
            let flight = Flight::Task {
                task: task.id,
                what,
            };
            let number = self.flights.add(flight);
            let (bytes, payload) = task.packet(number);
            out.push(Step::Own {
                towards: Direction::ToTarget,
                bytes,
                payload,
            });
        }
        self.ask_for(task.id, questions, out);
    }

    pub(super) fn ask_for(&mut self, task: u64, questions: Questions, out: &mut Vec<Step>) {
        for (what, question) in questions {
            self.ask_target(Flight::Task { task, what }, &question, out);
        }
    }

    /// Looks what is still to be known.
    fn go_on(&mut self, task: &mut Task, out: &mut Vec<Step>) {
        while !task.waits() {
            let questions = match task.lost() {
                Some(_) => None,
                None => task.next(self.follows),
            };
            let Some(questions) = questions else {
                task.stage = Stage::Known;
                return;
            };
            self.ask_for(task.id, questions, out);
        }
    }

    fn judge(&mut self, task: &mut Task, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        if let Some((place, lost)) = task.lost() {
            let (typed, lost) = (place.typed.clone(), lost.clone());
            return self.judge_lost(task, &typed, &lost, at, ask, out);
        }
        let Some(request) = task.asks(self.ends(task), self.home.as_ref()) else {
            // The target makes no path of its words, and whether somebody of that name is there is not told.
            return self.deny(task, None, self.say(Words::NoWay), at, out);
        };
        let operation = Operation {
            request,
            typed: task.typed(),
        };
        let answer = match &task.agreed {
            Some(agreed) if *agreed == operation => Answer::Permit,
            Some(_) | None => ask(&operation),
        };
        match answer {
            Answer::Permit => self.permitted(task, operation, at, out),
            Answer::Refuse(words) => self.deny(task, Some(operation), words, at, out),
            Answer::Wait(_) if self.parked >= MOST_PARKED => {
                self.deny(task, Some(operation), self.say(Words::ManyWait), at, out);
            }
            Answer::Wait(ticket) => {
                self.parked += 1;
                task.agreed = Some(operation);
                task.places.clear();
                task.stage = Stage::Parked(ticket);
            }
        }
    }

    fn ends<'t>(&self, task: &'t Task) -> impl Iterator<Item = TargetPath> + use<'t> {
        (0..task.places.len()).map_while(|place| task.at(place).cloned())
    }

    /// A path leads nowhere, or nobody knows where. That the target says so is told where the technician may look.
    fn judge_lost(
        &mut self,
        task: &mut Task,
        typed: &[u8],
        lost: &Lost,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        let root = TargetPath::root();
        let home = self.home.as_ref().unwrap_or(&root);
        let by_letters = |typed: &[u8]| TargetPath::by_letters(home, typed).ok();
        let (code, near) = match lost {
            Lost::Failed { code, near } => (*code, near.clone().or_else(|| by_letters(typed))),
            // Whether something is there that nobody can follow is told to those alone who may look there by its letters.
            Lost::Unclear => (status::FAILURE, by_letters(typed)),
        };
        let Some(near) = near else {
            let words = match by_letters(typed) {
                Some(_) => Words::NoWay,
                None => Words::NoPath,
            };
            return self.deny(task, None, self.say(words), at, out);
        };
        let look = Operation {
            request: FileRequest::Look(near),
            typed: task.typed(),
        };
        let words = match ask(&look) {
            Answer::Permit if *lost == Lost::Unclear => {
                return self.deny(task, None, self.say(Words::NoWay), at, out);
            }
            Answer::Permit => {
                let words = target_says(code);
                self.refuse_by(task.client, code, words, out);
                task.stage = Stage::Done;
                return;
            }
            Answer::Refuse(words) => words,
            Answer::Wait(_) => self.say(Words::NoWay),
        };
        // The words about what was wanted are better than those about looking.
        let paths: Option<Vec<TargetPath>> = task
            .places
            .iter()
            .map(|place| match &place.end {
                Some(Ok(path)) => Some(path.clone()),
                Some(Err(Lost::Failed {
                    near: Some(near), ..
                })) => Some(near.clone()),
                Some(Err(_)) | None => by_letters(&place.typed),
            })
            .collect();
        let wanted = paths.and_then(|paths| task.asks(paths.into_iter(), None));
        let operation = wanted.map_or(look, |request| Operation {
            request,
            typed: task.typed(),
        });
        let words = match ask(&operation) {
            Answer::Refuse(words) => words,
            Answer::Permit | Answer::Wait(_) => words,
        };
        self.deny(task, Some(operation), words, at, out);
    }

    fn permitted(
        &mut self,
        task: &mut Task,
        operation: Operation,
        at: Instant,
        out: &mut Vec<Step>,
    ) {
        if let FileRequest::Locate { .. } = operation.request {
            // It is answered already.
            self.looked += 1;
            let answer = task.answer.take();
            return self.pass_answer(task, answer, out);
        }
        let opening = if let FileRequest::Open { path, .. } = &operation.request {
            Some((path.clone(), true))
        } else if let FileRequest::List(path) = &operation.request {
            Some((path.clone(), false))
        } else {
            None
        };
        if opening.is_some() && self.handles.is_full(self.opening) {
            let words = self.say(Words::ManyHandles);
            self.log_end(
                task,
                Some(operation),
                Outcome::Refused(words.clone()),
                at,
                out,
            );
            self.refuse_by(task.client, status::FAILURE, &words, out);
            task.stage = Stage::Done;
            return;
        }
        let unfit = if task.request.verb == Verb::Symlink && self.extensions.is_empty() {
            Some(Words::NoLinks)
        } else {
            task.makes_climbing_link().then_some(Words::Climbs)
        };
        if let Some(words) = unfit {
            return self.deny(task, Some(operation), self.say(words), at, out);
        }
        let what = ForTask::Itself(task.expects());
        let number = self.flights.add(Flight::Task {
            task: task.id,
            what,
        });
        let (bytes, payload) = task.packet(number);
        out.push(Step::Pass {
            towards: Direction::ToTarget,
            bytes,
            payload,
        });
        let opening = opening.map(|(path, is_file)| {
            let (opening, questions) = Opening::watch(path, self.follows, is_file);
            self.ask_for(task.id, questions, out);
            self.opening += 1;
            opening
        });
        task.passed = Some(Passed {
            operation,
            opening,
            withdrawn: None,
        });
        task.stage = Stage::Passed;
    }

    /// The answer to a request whose own words were asked.
    fn pass_answer(&mut self, task: &mut Task, answer: Option<Packet>, out: &mut Vec<Step>) {
        match answer {
            Some(packet) => {
                let payload =
                    reply::read(&packet, task.expects()).map_or(0, |(_, payload)| payload);
                self.pass_back(task.client, packet.renumbered(task.client), payload, out);
            }
            None => self.refuse(task.client, &self.say(Words::NoWay), out),
        }
        task.stage = Stage::Done;
    }

    pub(super) fn log_end(
        &self,
        task: &Task,
        operation: Option<Operation>,
        outcome: Outcome,
        at: Instant,
        out: &mut Vec<Step>,
    ) {
        out.push(Step::Log(Record {
            request: operation.map(|operation| operation.request),
            typed: task.typed(),
            outcome,
            moved: None,
            at: task.at,
            took: at.saturating_duration_since(task.at),
        }));
    }

    fn deny(
        &mut self,
        task: &mut Task,
        operation: Option<Operation>,
        words: String,
        at: Instant,
        out: &mut Vec<Step>,
    ) {
        self.refuse_task(task, operation, words, at, out);
        task.stage = Stage::Done;
    }

    /// Answers a request with permission denied, which is on record.
    pub(super) fn refuse_task(
        &mut self,
        task: &Task,
        operation: Option<Operation>,
        words: String,
        at: Instant,
        out: &mut Vec<Step>,
    ) {
        self.refuse(task.client, &words, out);
        self.log_end(task, operation, Outcome::Refused(words), at, out);
    }
}

/// The code of a target in words: its own may name what the technician may not learn of.
const fn target_says(code: u32) -> &'static str {
    match code {
        status::NO_SUCH_FILE => "No such file",
        status::PERMISSION_DENIED => "Permission denied",
        _ => "Failure",
    }
}
