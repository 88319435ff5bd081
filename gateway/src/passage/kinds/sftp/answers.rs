//! What the target answers about a request by path: where its paths lead, how it went, and whether what was opened is
//! still where it was judged.

use std::time::Instant;

use bytes::Bytes;

use super::Step;
use super::handles::{File, Open, What};
use super::interceptor::Sftp;
use super::log::{Outcome, Record};
use super::opening::{Opening, Passed};
use super::operation::Operation;
use super::reply;
use super::request::Verb;
use super::resolve::{Heard, Last};
use super::task::{Link, Task};
use super::wire::{Packet, Writer, kind, open, status};
use super::words::{ServerFault, Words};
use ecluse_policy::capability::files::FileRequest;

impl Sftp {
    fn task_mut(&mut self, id: u64) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.id == id)
    }

    pub(super) fn place_reply(
        &mut self,
        id: u64,
        place: usize,
        question: usize,
        heard: Heard<'_>,
        packet: Option<Packet>,
        out: &mut Vec<Step>,
    ) {
        let Some(task) = self.task_mut(id) else {
            return;
        };
        if task.request.verb == Verb::Realpath && task.answer.is_none() {
            // The first question is the technician's own.
            task.answer = packet.map(Packet::kept);
        }
        let questions = task.heard(place, question, heard);
        self.ask_for(id, questions, out);
    }

    pub(super) fn words_reply(
        &mut self,
        id: u64,
        heard: Heard<'_>,
        packet: &Packet,
        out: &mut Vec<Step>,
    ) {
        let follows = self.follows;
        let Some(task) = self.task_mut(id) else {
            return;
        };
        task.answer = Some(packet.clone().kept());
        let path = match heard {
            Heard::Path(path) => Some(Bytes::copy_from_slice(path)),
            // Where it would be is looked up by ourselves, to know whether the technician may hear that it is not.
            Heard::Attributes(_) | Heard::Status(_) => task.own_words(),
        };
        let questions = path.map(|path| task.look_up(path, Last::Followed, follows));
        let questions = questions.unwrap_or_default();
        self.ask_for(id, questions, out);
    }

    pub(super) fn link_reply(&mut self, id: u64, heard: Heard<'_>) {
        if let Some(task) = self.task_mut(id) {
            task.link = match heard {
                Heard::Path(to) => Link::To(Bytes::copy_from_slice(to)),
                Heard::Attributes(_) | Heard::Status(_) => Link::No,
            };
        }
    }

    pub(super) fn again_reply(
        &mut self,
        id: u64,
        question: usize,
        heard: Heard<'_>,
        out: &mut Vec<Step>,
    ) {
        let opening = self.opening_mut(id);
        let questions = opening.map(|opening| opening.heard(question, heard));
        self.ask_for(id, questions.unwrap_or_default(), out);
    }

    pub(super) fn size_reply(&mut self, id: u64, heard: Heard<'_>) {
        if let Some(opening) = self.opening_mut(id) {
            opening.size = Some(match heard {
                Heard::Attributes(attributes) => attributes.size,
                Heard::Path(_) | Heard::Status(_) => None,
            });
        }
    }

    fn opening_mut(&mut self, id: u64) -> Option<&mut Opening> {
        self.task_mut(id)?.passed.as_mut()?.opening.as_mut()
    }

    /// The target has answered the request itself.
    pub(super) fn task_reply(
        &mut self,
        id: u64,
        packet: Packet,
        payload: u64,
        at: Instant,
        out: &mut Vec<Step>,
    ) -> Result<(), ServerFault> {
        if let Some(opening) = self.opening_mut(id) {
            opening.answer = Some(packet.kept());
            return self.opened(id, at, out);
        }
        let Some(task) = self.take_task(id) else {
            return Ok(());
        };
        let Some(passed) = task.passed else {
            return Ok(());
        };
        let outcome = match (packet.kind(), packet.fields().number()) {
            (kind::STATUS, Ok(code)) if code != status::OK => Outcome::Failed(code),
            _ => Outcome::Done,
        };
        if let FileRequest::SetAttributes(path) = &passed.operation.request
            && task.request.sets_size()
        {
            self.handles.is_touched(path);
        }
        let (client, asked_at) = (task.client, task.at);
        match (passed.withdrawn, &passed.operation.request) {
            (Some(words), FileRequest::Look(_) | FileRequest::Names) => {
                self.refuse(client, &words, out);
            }
            (None, FileRequest::Look(_) | FileRequest::Names) => {
                self.looked += 1;
                self.pass_back(client, packet.renumbered(client), payload, out);
            }
            // What was done is done, and said.
            (_, _) => {
                self.pass_back(client, packet.renumbered(client), payload, out);
                out.push(Step::Log(Record {
                    request: Some(passed.operation.request),
                    typed: passed.operation.typed,
                    outcome,
                    moved: None,
                    at: asked_at,
                    took: at.saturating_duration_since(asked_at),
                }));
            }
        }
        Ok(())
    }

    fn take_task(&mut self, id: u64) -> Option<Task> {
        let place = self.tasks.iter().position(|task| task.id == id)?;
        self.tasks.remove(place)
    }

    /// Hands out what was opened, once all is known about it.
    pub(super) fn opened(
        &mut self,
        id: u64,
        at: Instant,
        out: &mut Vec<Step>,
    ) -> Result<(), ServerFault> {
        let is_known = self.opening_mut(id).is_some_and(|opening| {
            opening.answer.is_some() && opening.is_there.is_some() && opening.size.is_some()
        });
        if !is_known {
            return Ok(());
        }
        let Some(mut task) = self.take_task(id) else {
            return Ok(());
        };
        let Some(Passed {
            operation,
            opening: Some(mut opening),
            withdrawn,
        }) = task.passed.take()
        else {
            return Ok(());
        };
        let Some(packet) = opening.answer.take() else {
            return Ok(());
        };
        let client = task.client;
        if packet.kind() != kind::HANDLE {
            let code = packet.fields().number().unwrap_or(status::FAILURE);
            let payload = reply::read(&packet, task.expects()).map_or(0, |(_, payload)| payload);
            self.pass_back(client, packet.renumbered(client), payload, out);
            self.log_end(&task, Some(operation), Outcome::Failed(code), at, out);
            return Ok(());
        }
        let theirs = Bytes::copy_from_slice(packet.fields().string().unwrap_or_default());
        let moved = (opening.is_there != Some(true)).then(|| self.say(Words::Moved));
        if let Some(words) = withdrawn.or(moved) {
            self.close_on_target(&theirs, out);
            self.refuse_task(&task, Some(operation), words, at, out);
            return Ok(());
        }
        let what = self.opened_as(&task, &operation, opening.size.flatten());
        // On their own: a part of a packet keeps all of it.
        let typed = operation.typed.iter();
        let typed = typed.map(|typed| Bytes::copy_from_slice(typed)).collect();
        let operation = Operation { typed, ..operation };
        let name = self
            .handles
            .open(Open {
                theirs: theirs.clone(),
                operation,
                what,
                at: task.at,
                withdrawn: None,
            })
            .map_err(|_| ServerFault::SameHandle)?;
        let payload = u64::try_from(name.len()).unwrap_or(u64::MAX);
        let bytes = match name == theirs {
            true => packet.renumbered(client),
            false => Writer::new(kind::HANDLE, client).string(&name).finish(),
        };
        self.pass_back(client, bytes, payload, out);
        Ok(())
    }

    fn opened_as(&mut self, task: &Task, operation: &Operation, size: Option<u64>) -> What {
        let FileRequest::Open {
            path,
            reads,
            writes,
        } = &operation.request
        else {
            return What::Directory {
                entries: 0,
                bytes: 0,
            };
        };
        let mut file = File::new(path.clone(), *reads, *writes, self.digest.as_ref());
        file.size = size;
        // Two who write one file know of neither what it holds.
        file.resized = *writes && self.handles.is_touched(path);
        if let Verb::Open { flags } = task.request.verb {
            file.appends = flags & open::APPEND != 0;
        }
        What::File(Box::new(file))
    }
}
