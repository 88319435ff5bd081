//! Requests on what is open: they pass at once, and what passed is counted.

use std::time::Instant;

use bytes::Bytes;

use super::coverage::Extent;
use super::flight::{Flight, OnHandle};
use super::handles::{Key, Open, What};
use super::interceptor::Sftp;
use super::log::{Moved, Outcome, Record};
use super::reply::Reply;
use super::request::{HandleRequest, HandleVerb};
use super::wire::{Packet, Writer, kind, status};
use super::words::Words;
use super::{Direction, Step};
use ecluse_policy::capability::files::FileRequest;

/// A request that passes, and how.
pub(super) struct Passing {
    number: u32,
    payload: u64,
    /// Where the technician's name of a handle is not the target's: both handles of the target.
    renamed: Option<(Bytes, Option<Bytes>)>,
}

impl Passing {
    /// Its step. Only handles that have a name of our own cost a copy.
    pub(super) fn step(self, packet: Packet) -> Step {
        let bytes = match self.renamed {
            None => packet.renumbered(self.number),
            Some((first, second)) => rename(&packet, self.number, &first, second.as_deref()),
        };
        Step::Pass {
            towards: Direction::ToTarget,
            bytes,
            payload: self.payload,
        }
    }
}

/// The same request by other handles. Its fields were read before, so that they hold.
fn rename(packet: &Packet, number: u32, first: &[u8], second: Option<&[u8]>) -> Bytes {
    let mut fields = packet.fields();
    let mut writer = Writer::new(packet.kind(), number);
    if packet.kind() == kind::EXTENDED {
        writer = writer.string(fields.string().unwrap_or_default());
    }
    let _ = fields.string();
    writer = writer.string(first);
    if let Some(second) = second {
        let (offset, length) = (fields.long(), fields.long());
        writer = writer
            .long(offset.unwrap_or_default())
            .long(length.unwrap_or_default());
        let _ = fields.string();
        writer = writer.string(second);
    }
    writer.raw(fields.rest()).finish()
}

impl Sftp {
    /// Looks at a request on a handle; none where it was answered here.
    pub(super) fn on_handle(
        &mut self,
        client: u32,
        request: &HandleRequest<'_>,
        at: Instant,
        out: &mut Vec<Step>,
    ) -> Option<Passing> {
        let HandleRequest { handle, verb } = *request;
        let Some((key, open)) = self.handles.find(handle) else {
            self.refuse_by(client, status::FAILURE, &self.say(Words::NoHandle), out);
            return None;
        };
        if let Some(words) = open.withdrawn.clone() {
            // It is closed on the target already; the technician lets go of the name.
            if verb == HandleVerb::Close {
                self.handles.unname(handle);
                self.log_closed(key, Outcome::Done, at, out);
            }
            self.refuse(client, &words, out);
            return None;
        }
        let (theirs, mut is_ours) = (open.theirs.clone(), open.theirs != handle);
        let mut second = None;
        let passes = match (&open.what, verb) {
            (_, HandleVerb::Close) => Some((OnHandle::Close, 0)),
            (What::File(file), HandleVerb::Read { offset, length }) if file.reads => {
                Some((OnHandle::Read { offset, length }, 12))
            }
            (What::File(file), HandleVerb::Write { offset, data }) if file.writes => {
                // One packet holds it.
                let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
                let learnt = u64::from(length).saturating_add(8);
                Some((OnHandle::Write { offset, length }, learnt))
            }
            (What::File(file), HandleVerb::Fsetstat { .. }) if file.writes => {
                Some((OnHandle::SetAttributes, 28))
            }
            (_, HandleVerb::Fstat) => Some((OnHandle::Attributes, 0)),
            (_, HandleVerb::Fstatvfs) => Some((OnHandle::Room, 0)),
            (What::File(_), HandleVerb::Fsync) => Some((OnHandle::Sync, 0)),
            (What::Directory { .. }, HandleVerb::ReadDirectory) => Some((OnHandle::Entries, 0)),
            (What::File(from), HandleVerb::CopyData { to, .. }) if from.reads => {
                self.copies_to(to).map(|(to_key, to_theirs)| {
                    is_ours |= to_theirs != to;
                    second = Some(to_theirs);
                    (OnHandle::Copy { to: to_key }, 24)
                })
            }
            _ => None,
        };
        let Some((what, payload)) = passes else {
            self.refuse(client, &self.say(Words::OtherHandle), out);
            return None;
        };
        self.note_request(key, handle, what, verb);
        let number = self.flights.add(Flight::Handle { client, key, what });
        let renamed = is_ours.then_some((theirs, second));
        Some(Passing {
            number,
            payload,
            renamed,
        })
    }

    /// The file by this name, if it may be written and its line is not lost.
    fn copies_to(&self, name: &[u8]) -> Option<(Key, Bytes)> {
        let (key, open) = self.handles.find(name)?;
        let writes = matches!(&open.what, What::File(file) if file.writes);
        (writes && open.withdrawn.is_none()).then(|| (key, open.theirs.clone()))
    }

    /// What is known as soon as it passes.
    fn note_request(&mut self, key: Key, name: &[u8], what: OnHandle, verb: HandleVerb<'_>) {
        self.busy = Some(key);
        if what == OnHandle::Close {
            // From here on nobody may use the name, and the target may give it again.
            self.handles.unname(name);
        }
        if let OnHandle::Copy { to } = what
            && let Some(file) = self.handles.file_mut(to)
        {
            file.written.lose_track();
        }
        let Some(file) = self.handles.file_mut(key) else {
            return;
        };
        match verb {
            // That it was written, the target has to say.
            HandleVerb::Write { offset, data } => file.is_sent(offset, data),
            // OpenSSH's `scp` truncates nothing when it opens: it sets the size once all is written.
            HandleVerb::Fsetstat { attributes } => match attributes.size {
                Some(size) if size < file.sent => file.resized = true,
                Some(size) => file.set_to = Some(size),
                None => {}
            },
            HandleVerb::CopyData { .. } => file.read.lose_track(),
            HandleVerb::Close
            | HandleVerb::Read { .. }
            | HandleVerb::Fstat
            | HandleVerb::ReadDirectory
            | HandleVerb::Fstatvfs
            | HandleVerb::Fsync => {}
        }
    }

    /// Takes an answer about something open: none where it goes on to the technician, or the words that go in its place.
    pub(super) fn handle_reply(
        &mut self,
        key: Key,
        what: OnHandle,
        answer: Reply<'_>,
        payload: u64,
        at: Instant,
        out: &mut Vec<Step>,
    ) -> Option<String> {
        if what == OnHandle::Close {
            let outcome = answer.failure().map_or(Outcome::Done, Outcome::Failed);
            let withdrawn = self
                .handles
                .get_mut(key)
                .and_then(|open| open.withdrawn.clone());
            self.log_closed(key, outcome, at, out);
            return withdrawn;
        }
        if let OnHandle::Copy { to } = what {
            self.log_copy(key, to, answer, at, out);
        }
        // A server that answers after it has closed: the line may be lost by then, and nobody could tell.
        let Some(open) = self.handles.get_mut(key) else {
            return Some(self.say(Words::NoHandle));
        };
        if let Some(words) = &open.withdrawn {
            return Some(words.clone());
        }
        match (&mut open.what, what, answer) {
            (What::File(file), OnHandle::Read { offset, .. }, Reply::Data(data)) => {
                file.read.add(offset, data);
            }
            (What::File(file), OnHandle::Read { offset, .. }, Reply::Status(status::EOF)) => {
                let ended_at = file.ended_at.get_or_insert(offset);
                *ended_at = (*ended_at).min(offset);
            }
            (What::File(file), OnHandle::Write { offset, length }, Reply::Status(status::OK)) => {
                file.written.arrived(offset, u64::from(length));
            }
            (What::File(file), OnHandle::Write { .. }, Reply::Status(code)) => {
                file.failed.get_or_insert(code);
            }
            (What::File(file), OnHandle::SetAttributes, Reply::Status(code))
                if code != status::OK && file.set_to.is_some() =>
            {
                file.resized = true;
            }
            (What::Directory { entries, bytes }, OnHandle::Entries, Reply::Names(count, _)) => {
                *entries += u64::from(count);
                *bytes = bytes.saturating_add(payload);
            }
            _ => {}
        }
        None
    }

    fn log_closed(&mut self, key: Key, outcome: Outcome, at: Instant, out: &mut Vec<Step>) {
        if let Some(open) = self.handles.remove(key) {
            out.push(Step::Log(open.record(outcome, at)));
        }
    }

    fn log_copy(
        &mut self,
        from: Key,
        to: Key,
        answer: Reply<'_>,
        at: Instant,
        out: &mut Vec<Step>,
    ) {
        // The end of a file is no failure of a copy.
        let failure = answer.failure().filter(|code| *code != status::EOF);
        let outcome = failure.map_or(Outcome::Done, Outcome::Failed);
        let place = |open: Option<&mut Open>| {
            open.and_then(|open| match &open.what {
                What::File(file) => Some((file.path.clone(), open.operation.typed.clone())),
                What::Directory { .. } => None,
            })
        };
        let (from, to) = (
            place(self.handles.get_mut(from)),
            place(self.handles.get_mut(to)),
        );
        let Some(((from, mut typed), (to, typed_to))) = from.zip(to) else {
            return;
        };
        typed.extend(typed_to);
        out.push(Step::Log(Record {
            request: Some(FileRequest::Copy { from, to }),
            typed,
            outcome,
            // Its bytes stay on the target.
            moved: Some(Moved {
                read: 0,
                read_extent: Extent::Nothing,
                written: 0,
                written_extent: Extent::Nothing,
                size: None,
                entries: 0,
                digest: None,
            }),
            at,
            took: std::time::Duration::ZERO,
        }));
    }
}
