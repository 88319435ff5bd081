//! The state of one channel, and the way of every packet through it.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use bytes::Bytes;

use super::coverage::MakeDigest;
use super::extension::Extensions;
use super::flight::{Flight, Flights, ForTask, MOST_IN_FLIGHT};
use super::handles::{Handles, Key, MOST_OPEN};
use super::log::{Outcome, Record};
use super::operation::Ask;
use super::reply::{self, Reply};
use super::request::{self, Request, Unread};
use super::resolve::{Heard, PROBE, Question};
use super::task::{Stage, Task};
use super::wire::{Fields, Framer, LONGEST_PACKET, Packet, Writer, kind, status};
use super::words::{ClientFault, Complaint, Say, ServerFault, Words};
use super::{Direction, Step};
use ecluse_policy::capability::files::TargetPath;

/// The version that is spoken.
pub(super) const VERSION: u32 = 3;
/// Requests by path that are looked up or on their way at once.
const MOST_TASKS: usize = 32;
/// Bytes of words in a status.
const LONGEST_WORDS: usize = 1_024;

/// One SFTP channel, between a technician's client and a target's server.
#[derive(Default)]
pub(crate) struct Sftp {
    pub(super) phase: Phase,
    from_technician: Framer,
    from_target: Framer,
    pub(super) extensions: Extensions,
    pub(super) flights: Flights,
    /// Numbers of the technician's that are not answered.
    asked: HashSet<u32>,
    pub(super) tasks: VecDeque<Task>,
    pub(super) next_task: u64,
    pub(super) handles: Handles,
    /// Requests that wait for somebody, and files that are being opened, while tasks are at work.
    pub(super) parked: usize,
    pub(super) opening: usize,
    /// Where the account starts.
    pub(super) home: Option<TargetPath>,
    /// Whether the server follows links by itself.
    pub(super) follows: bool,
    /// Questions of the beginning that are not answered.
    pub(super) open_questions: u8,
    pub(super) digest: Option<MakeDigest>,
    pub(super) say: Say,
    pub(super) looked: u64,
    /// What something was asked of last.
    pub(super) busy: Option<Key>,
}

/// How far the channel is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing has come.
    #[default]
    New,
    /// `INIT` is on its way.
    Greeted,
    /// Requests pass.
    Open,
    /// Nothing passes any more.
    Stopped,
}

impl Sftp {
    /// A channel on which nothing has passed. Without `digest`, none are made.
    #[must_use]
    pub(crate) fn new(digest: Option<MakeDigest>, say: Say) -> Self {
        Self {
            digest,
            say,
            ..Self::default()
        }
    }

    /// Takes bytes on their way `towards` a side, however they are cut. Everything that happens to them is in `out`; what
    /// is not, does not happen.
    pub(crate) fn read(
        &mut self,
        towards: Direction,
        bytes: &[u8],
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        if self.phase == Phase::Stopped {
            return;
        }
        let read = match towards {
            Direction::ToTarget => {
                self.from_technician.push(bytes);
                Ok(())
            }
            Direction::ToTechnician => {
                self.from_target.push(bytes);
                self.replies(at, ask, out)
            }
        };
        // An answer makes room for what waits.
        let read = read.and_then(|()| self.requests(at, ask, out));
        if let Err(complaint) = read {
            self.stop(complaint, out);
        }
    }

    /// Whether more of this direction may be given. What is not taken stays with whoever sends it.
    #[must_use]
    pub(crate) fn wants(&self, towards: Direction) -> bool {
        match towards {
            Direction::ToTarget => !self.is_full() || self.from_technician.is_empty(),
            Direction::ToTechnician => true,
        }
    }

    /// Whether the technician waits for nothing. Until then the end of what they send is kept back: `sftp-server` ends on it
    /// without a look at what it was sent before.
    #[must_use]
    pub(crate) fn is_idle(&self) -> bool {
        self.flights.len() == 0 && self.tasks.is_empty() && !self.is_full()
    }

    /// How many attributes and paths were looked at and passed, which the log does not say one by one.
    #[must_use]
    pub(crate) const fn looked(&self) -> u64 {
        self.looked
    }

    /// Nothing more passes: what is still open is on record as it is.
    pub(crate) fn finish(&mut self, at: Instant, out: &mut Vec<Step>) {
        for key in self.handles.keys() {
            if let Some(open) = self.handles.remove(key) {
                out.push(Step::Log(open.record(Outcome::Unfinished, at)));
            }
        }
        for task in std::mem::take(&mut self.tasks) {
            let typed = task.typed();
            let operation = task.passed.map(|passed| passed.operation).or(task.agreed);
            out.push(Step::Log(Record {
                request: operation.map(|operation| operation.request),
                typed,
                outcome: Outcome::Unfinished,
                moved: None,
                at: task.at,
                took: at.saturating_duration_since(task.at),
            }));
        }
        self.phase = Phase::Stopped;
        self.from_technician.clear();
        self.from_target.clear();
    }

    fn stop(&mut self, complaint: Complaint, out: &mut Vec<Step>) {
        self.phase = Phase::Stopped;
        self.from_technician.clear();
        self.from_target.clear();
        out.push(Step::Stop(complaint));
    }

    fn is_full(&self) -> bool {
        let working = |task: &&Task| !matches!(task.stage, Stage::Parked(_));
        self.phase == Phase::Greeted
            || self.flights.len() >= MOST_IN_FLIGHT
            || self.tasks.iter().filter(working).count() >= MOST_TASKS
    }

    fn requests(
        &mut self,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) -> Result<(), Complaint> {
        while !self.is_full() {
            let taken = self.from_technician.take();
            let Some(packet) = taken.map_err(|fault| Complaint::Client(fault.into()))? else {
                return Ok(());
            };
            self.request(packet, at, out).map_err(Complaint::Client)?;
            self.work(at, ask, out);
        }
        Ok(())
    }

    fn request(
        &mut self,
        packet: Packet,
        at: Instant,
        out: &mut Vec<Step>,
    ) -> Result<(), ClientFault> {
        if self.phase == Phase::New {
            return self.greet(&packet, out);
        }
        let client = packet.number();
        match packet.kind() {
            kind::INIT => return Err(ClientFault::Init),
            kind::VERSION | kind::EXTENDED_REPLY | kind::STATUS..=kind::ATTRS => {
                return Err(ClientFault::Answers);
            }
            _ => {}
        }
        if !self.asked.insert(client) {
            return Err(ClientFault::Twice(client));
        }
        let read = request::read(&packet, &self.extensions);
        match read {
            Ok(Request::Path(request)) => {
                let id = self.next_task;
                self.next_task += 1;
                let is_of_paths = request.is_of_paths();
                let task = Task::new(id, client, request, at);
                if is_of_paths {
                    self.tasks.push_back(task);
                } else {
                    self.refuse_task(&task, None, self.say(Words::NoPath), at, out);
                }
            }
            Ok(Request::Handle(request)) => {
                let pass = self.on_handle(client, &request, at, out);
                if let Some(pass) = pass {
                    out.push(pass.step(packet));
                }
            }
            Ok(Request::Limits) => {
                let number = self.flights.add(Flight::Limits { client });
                out.push(Step::Pass {
                    towards: Direction::ToTarget,
                    bytes: packet.renumbered(number),
                    payload: 0,
                });
            }
            Err(unread) => {
                let (code, words) = match unread {
                    Unread::Malformed(_) => (status::BAD_MESSAGE, Words::Malformed),
                    Unread::Unknown => (status::OP_UNSUPPORTED, Words::Unknown),
                    Unread::Unusual => (status::OP_UNSUPPORTED, Words::Unusual),
                };
                self.refuse_by(client, code, &self.say(words), out);
            }
        }
        Ok(())
    }

    fn greet(&mut self, packet: &Packet, out: &mut Vec<Step>) -> Result<(), ClientFault> {
        if packet.kind() != kind::INIT {
            return Err(ClientFault::Init);
        }
        if packet.number() < VERSION {
            return Err(ClientFault::Version(packet.number()));
        }
        self.phase = Phase::Greeted;
        // Whatever else the client says of itself, the target speaks to one of version 3.
        out.push(Step::Pass {
            towards: Direction::ToTarget,
            bytes: Writer::new(kind::INIT, VERSION).finish(),
            payload: 0,
        });
        Ok(())
    }

    fn replies(
        &mut self,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) -> Result<(), Complaint> {
        loop {
            let taken = self.from_target.take();
            let packet = taken.map_err(|fault| Complaint::Server(fault.into()))?;
            let Some(packet) = packet else {
                return Ok(());
            };
            self.reply(packet, at, out).map_err(Complaint::Server)?;
            self.work(at, ask, out);
        }
    }

    fn reply(
        &mut self,
        packet: Packet,
        at: Instant,
        out: &mut Vec<Step>,
    ) -> Result<(), ServerFault> {
        if self.phase != Phase::Open {
            return self.greeted(&packet, out);
        }
        if packet.kind() == kind::VERSION {
            return Err(ServerFault::Version);
        }
        let flight = self
            .flights
            .take(packet.number())
            .ok_or(ServerFault::Unasked)?;
        let (answer, payload) = reply::read(&packet, flight.expects())?;
        match flight {
            Flight::Close => {}
            Flight::Home => {
                self.open_questions = self.open_questions.saturating_sub(1);
                if let Reply::Names(_, path) = answer {
                    self.home = TargetPath::canonical(path).ok();
                }
            }
            Flight::Probe => {
                self.open_questions = self.open_questions.saturating_sub(1);
                self.follows = matches!(answer, Reply::Names(_, path) if follows_links(path));
            }
            Flight::Limits { client } => {
                let bytes = if let Reply::Extended(limits) = answer {
                    within_ours(client, limits)
                } else {
                    packet.renumbered(client)
                };
                self.pass_back(client, bytes, payload, out);
            }
            Flight::Handle { client, key, what } => {
                let back = self.handle_reply(key, what, answer, payload, at, out);
                match back {
                    None => self.pass_back(client, packet.renumbered(client), payload, out),
                    Some(words) => self.refuse(client, &words, out),
                }
            }
            Flight::Task { task, what } => {
                let heard = match answer {
                    Reply::Names(_, path) => Heard::Path(path),
                    Reply::Attributes(attributes) => Heard::Attributes(attributes),
                    Reply::Status(code) => Heard::Status(code),
                    // No question of ours expects these.
                    Reply::Handle(_) | Reply::Data(_) | Reply::Extended(_) => {
                        Heard::Status(status::OK)
                    }
                };
                match what {
                    ForTask::Itself(_) => self.task_reply(task, packet, payload, at, out)?,
                    ForTask::Place {
                        place, question, ..
                    } => {
                        let is_first = question == 0;
                        let kept = is_first.then(|| packet.clone());
                        self.place_reply(task, place, question, heard, kept, out);
                    }
                    ForTask::Words => self.words_reply(task, heard, &packet, out),
                    ForTask::Link => self.link_reply(task, heard),
                    ForTask::Again { question, .. } => {
                        self.again_reply(task, question, heard, out);
                        self.opened(task, at, out)?;
                    }
                    ForTask::Size => {
                        self.size_reply(task, heard);
                        self.opened(task, at, out)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn greeted(&mut self, packet: &Packet, out: &mut Vec<Step>) -> Result<(), ServerFault> {
        if self.phase != Phase::Greeted || packet.kind() != kind::VERSION {
            return Err(ServerFault::Version);
        }
        if packet.number() != VERSION {
            return Err(ServerFault::OtherVersion(packet.number()));
        }
        self.extensions = Extensions::read(packet.fields())?;
        self.phase = Phase::Open;
        let mut payload = 0;
        let version = self.extensions.iter().fold(
            Writer::new(kind::VERSION, VERSION),
            |version, (name, data)| {
                payload += name.len() + data.len();
                version.string(name).string(data)
            },
        );
        out.push(Step::Pass {
            towards: Direction::ToTechnician,
            bytes: version.finish(),
            payload: u64::try_from(payload).unwrap_or(u64::MAX),
        });
        for (flight, path) in [(Flight::Home, &b"."[..]), (Flight::Probe, PROBE)] {
            self.open_questions += 1;
            self.ask_target(flight, &Question::Realpath(path.to_vec()), out);
        }
        Ok(())
    }

    /// Asks the target something of our own.
    pub(super) fn ask_target(&mut self, flight: Flight, question: &Question, out: &mut Vec<Step>) {
        let number = self.flights.add(flight);
        let (kind, path) = match question {
            Question::Realpath(path) => (kind::REALPATH, path.as_slice()),
            Question::Lstat(path) => (kind::LSTAT, path.as_bytes()),
            Question::Readlink(path) => (kind::READLINK, path.as_bytes()),
        };
        out.push(Step::Own {
            towards: Direction::ToTarget,
            bytes: Writer::new(kind, number).string(path).finish(),
            payload: u64::try_from(path.len()).unwrap_or(u64::MAX),
        });
    }

    /// Closes on the target what the technician may not have, or never had.
    pub(super) fn close_on_target(&mut self, theirs: &[u8], out: &mut Vec<Step>) {
        let number = self.flights.add(Flight::Close);
        out.push(Step::Own {
            towards: Direction::ToTarget,
            bytes: Writer::new(kind::CLOSE, number).string(theirs).finish(),
            payload: 0,
        });
    }

    /// Hands the technician an answer of the target.
    pub(super) fn pass_back(
        &mut self,
        client: u32,
        bytes: Bytes,
        payload: u64,
        out: &mut Vec<Step>,
    ) {
        self.asked.remove(&client);
        out.push(Step::Pass {
            towards: Direction::ToTechnician,
            bytes,
            payload,
        });
    }

    /// Answers the technician with permission denied, and why.
    pub(super) fn refuse(&mut self, client: u32, words: &str, out: &mut Vec<Step>) {
        self.refuse_by(client, status::PERMISSION_DENIED, words, out);
    }

    /// Answers the technician ourselves.
    pub(super) fn refuse_by(&mut self, client: u32, code: u32, words: &str, out: &mut Vec<Step>) {
        self.asked.remove(&client);
        out.push(Step::Own {
            towards: Direction::ToTechnician,
            bytes: in_words(client, code, words),
            payload: 0,
        });
    }
}

impl std::fmt::Debug for Sftp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Sftp")
            .field("phase", &self.phase)
            .field("flights", &self.flights.len())
            .field("tasks", &self.tasks.len())
            .field("open", &self.handles.len())
            .finish_non_exhaustive()
    }
}

/// A status of our own.
pub(super) fn in_words(client: u32, code: u32, words: &str) -> Bytes {
    let end = words.floor_char_boundary(LONGEST_WORDS);
    Writer::new(kind::STATUS, client)
        .number(code)
        .string(words.as_bytes().get(..end).unwrap_or_default())
        .string(b"")
        .finish()
}

/// Whether a server that answers this to [`PROBE`] follows links: its own process, by its number.
fn follows_links(path: &[u8]) -> bool {
    let number = path
        .strip_prefix(b"/proc/")
        .and_then(|rest| rest.strip_suffix(b"/net"))
        .unwrap_or_default();
    !number.is_empty() && number.iter().all(u8::is_ascii_digit)
}

/// What a server can take, and not more than what passes here. Zero is a server that does not say.
fn within_ours(client: u32, limits: &[u8]) -> Bytes {
    let number = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    let ours = [
        number(LONGEST_PACKET),
        number(LONGEST_PACKET - 1024),
        number(LONGEST_PACKET - 1024),
        number(MOST_OPEN),
    ];
    let mut fields = Fields::new(limits);
    let reply = ours
        .into_iter()
        .fold(Writer::new(kind::EXTENDED_REPLY, client), |reply, ours| {
            let theirs = fields.long().unwrap_or_default();
            reply.long(if theirs == 0 { ours } else { theirs.min(ours) })
        });
    reply.finish()
}
