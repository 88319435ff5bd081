//! Asks the target where paths lead, over its SFTP subsystem: a client of ours that reads attributes and links, opens nothing and
//! changes nothing.
//!
//! It runs on a channel of its own beside the program, on the same connection and by the same account. How a path is followed is what
//! the interceptor of SFTP does for a technician's paths (`resolve`): `REALPATH` where the server follows links by itself, each step
//! of the way where it does not. On top of it the end is looked at: whether there is a file, a directory, or nothing.

use std::collections::HashMap;

use bytes::Bytes;
use ecluse_policy::capability::files::TargetPath;

use super::Query;
use crate::passage::kinds::sftp::resolve::{
    self, Heard, Last, PROBE, Progress, Question, Resolution,
};
use crate::passage::kinds::sftp::wire::{
    Attributes, Framer, Packet, WireError, Writer, kind, status,
};

/// The version that is spoken.
const VERSION: u32 = 3;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The path, without a link in it.
    pub(crate) path: TargetPath,
    /// What is there.
    pub(crate) nature: Nature,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// A directory.
    Directory,
    /// Something else.
    File,
    /// Nothing, in a directory that is there.
    Nothing,
}

/// Why nobody knows where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Nowhere; this is where it would.
    Nowhere(Option<TargetPath>),
    /// The target does not say.
    Unclear,
    /// It has nothing that could.
    NoSftp,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// To be sent to the subsystem.
    Send(Bytes),
    /// The answer to a query, by its number.
    Found(u64, Result<Found, Lost>),
}

/// The subsystem does not speak SFTP version 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSftp {
    /// Bytes that are no packet.
    #[error("the target's sftp subsystem: {0}")]
    Wire(#[from] WireError),
    /// Something else than one `VERSION` of 3 first.
    #[error("the target's sftp subsystem does not speak SFTP version 3")]
    Version,
    /// An answer to nothing, or of no kind.
    #[error("the target's sftp subsystem answers what nobody asked")]
    Unasked,
}

/// The client.
#[derive(Debug, Default)]
pub(crate) struct Lookup {
    framer: Framer,
    is_open: bool,
    /// Nothing more comes of it.
    is_over: bool,
    /// Whether the server follows links by itself, once that is known.
    follows: Option<bool>,
    next: u32,
    flights: HashMap<u32, Flight>,
    looks: HashMap<u64, Look>,
    waiting: Vec<Query>,
}

#[derive(Debug, Clone, Copy)]
enum Flight {
    Probe,
    /// A question on the way of a query, by its number there.
    Way(u64, usize),
    /// What is at the end.
    End(u64),
    /// What would be at the end, were the path canonical as it was asked: one way to the target and back less.
    Guess(u64),
}

#[derive(Debug)]
struct Look {
    resolution: Resolution,
    guess: Option<TargetPath>,
    /// What was heard about the guess.
    guessed: Option<Result<Nature, Lost>>,
    end: Option<TargetPath>,
}

impl Lookup {
    /// Greets the server.
    #[must_use]
    pub(crate) fn start() -> (Self, Bytes) {
        (Self::default(), Writer::new(kind::INIT, VERSION).finish())
    }

    /// Asks where a path leads.
    pub(crate) fn ask(&mut self, query: Query, told: &mut Vec<Told>) {
        match self.follows {
            _ if self.is_over => told.push(Told::Found(query.id, Err(self.lost()))),
            Some(follows) => self.begin(&query, follows, told),
            None => self.waiting.push(query),
        }
    }

    /// Whether the server is known to follow links by itself: a Linux, whose shells read quotes as they are written.
    pub(crate) fn follows(&self) -> bool {
        self.follows == Some(true)
    }

    /// Takes what the subsystem says; nothing of it once it is over.
    ///
    /// # Errors
    /// A [`NoSftp`]: nothing can be asked any more.
    pub(crate) fn read(&mut self, bytes: &[u8], told: &mut Vec<Told>) -> Result<(), NoSftp> {
        if self.is_over {
            return Ok(());
        }
        self.framer.push(bytes);
        while let Some(packet) = self.framer.take()? {
            self.packet(&packet, told)?;
        }
        Ok(())
    }

    /// Nothing more comes of the subsystem: nobody knows where the rest leads.
    pub(crate) fn end(&mut self, told: &mut Vec<Told>) {
        self.is_over = true;
        self.framer = Framer::default();
        let lost = self.lost();
        self.flights.clear();
        let looks = self.looks.drain().map(|(id, _)| id);
        let ids: Vec<u64> = looks
            .chain(self.waiting.drain(..).map(|query| query.id))
            .collect();
        told.extend(ids.into_iter().map(|id| Told::Found(id, Err(lost.clone()))));
    }

    /// Why nobody knows where a path leads once it is over.
    const fn lost(&self) -> Lost {
        if self.is_open {
            Lost::Unclear
        } else {
            Lost::NoSftp
        }
    }

    fn packet(&mut self, packet: &Packet, told: &mut Vec<Told>) -> Result<(), NoSftp> {
        if !self.is_open {
            if packet.kind() != kind::VERSION || packet.number() != VERSION {
                return Err(NoSftp::Version);
            }
            self.is_open = true;
            self.send(Flight::Probe, &Question::Realpath(PROBE.to_vec()), told);
            return Ok(());
        }
        let flight = self
            .flights
            .remove(&packet.number())
            .ok_or(NoSftp::Unasked)?;
        let heard = heard(packet)?;
        match flight {
            Flight::Probe => {
                let follows = matches!(heard, Heard::Path(path) if follows_links(path));
                self.follows = Some(follows);
                for query in std::mem::take(&mut self.waiting) {
                    self.begin(&query, follows, told);
                }
            }
            Flight::Way(id, number) => {
                if let Some(mut look) = self.looks.remove(&id) {
                    let progress = look.resolution.heard(number, heard);
                    self.go_on(id, look, progress, told);
                }
            }
            Flight::End(id) => {
                if let Some(Look {
                    end: Some(path), ..
                }) = self.looks.remove(&id)
                {
                    let found = nature(heard).map(|nature| Found { path, nature });
                    told.push(Told::Found(id, found));
                }
            }
            Flight::Guess(id) => {
                if let Some(mut look) = self.looks.remove(&id) {
                    let nature = nature(heard);
                    if look.end.is_some() && look.end == look.guess {
                        let found = look
                            .end
                            .zip(Some(nature))
                            .map_or(Err(Lost::Unclear), |(path, nature)| {
                                nature.map(|nature| Found { path, nature })
                            });
                        told.push(Told::Found(id, found));
                    } else {
                        look.guessed = Some(nature);
                        self.looks.insert(id, look);
                    }
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, query: &Query, follows: bool, told: &mut Vec<Told>) {
        let (resolution, progress) = Resolution::start(&query.path, Last::Followed, follows, false);
        let guess = TargetPath::canonical(&query.path).ok().filter(|_| follows);
        if let Some(guess) = &guess {
            self.send(
                Flight::Guess(query.id),
                &Question::Lstat(guess.clone()),
                told,
            );
        }
        let look = Look {
            resolution,
            guess,
            guessed: None,
            end: None,
        };
        self.go_on(query.id, look, progress, told);
    }

    fn go_on(&mut self, id: u64, mut look: Look, progress: Progress, told: &mut Vec<Told>) {
        match progress {
            Progress::Wait => {}
            Progress::Ask(questions) => {
                for (number, question) in questions {
                    self.send(Flight::Way(id, number), &question, told);
                }
            }
            Progress::Over(Ok(path)) => match (&look.guess, look.guessed.take()) {
                (Some(guess), Some(nature)) if *guess == path => {
                    told.push(Told::Found(id, nature.map(|nature| Found { path, nature })));
                    return;
                }
                // What is there is on its way already.
                (Some(guess), None) if *guess == path => look.end = Some(path),
                _ => {
                    self.send(Flight::End(id), &Question::Lstat(path.clone()), told);
                    look.end = Some(path);
                }
            },
            Progress::Over(Err(lost)) => {
                let lost = match lost {
                    resolve::Lost::Failed { code: _, near } => Lost::Nowhere(near),
                    resolve::Lost::Unclear => Lost::Unclear,
                };
                told.push(Told::Found(id, Err(lost)));
                return;
            }
        }
        self.looks.insert(id, look);
    }

    fn send(&mut self, flight: Flight, question: &Question, told: &mut Vec<Told>) {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.flights.insert(number, flight);
        let (kind, path) = match question {
            Question::Realpath(path) => (kind::REALPATH, path.as_slice()),
            Question::Lstat(path) => (kind::LSTAT, path.as_bytes()),
            Question::Readlink(path) => (kind::READLINK, path.as_bytes()),
        };
        told.push(Told::Send(Writer::new(kind, number).string(path).finish()));
    }
}

/// What a packet says.
fn heard(packet: &Packet) -> Result<Heard<'_>, NoSftp> {
    let mut fields = packet.fields();
    match packet.kind() {
        kind::STATUS => Ok(Heard::Status(fields.number()?)),
        kind::ATTRS => Ok(Heard::Attributes(fields.attributes()?.0)),
        kind::NAME => match fields.number()? {
            1 => Ok(Heard::Path(fields.string()?)),
            _ => Err(NoSftp::Unasked),
        },
        _ => Err(NoSftp::Unasked),
    }
}

fn nature(heard: Heard<'_>) -> Result<Nature, Lost> {
    match heard {
        Heard::Attributes(attributes) => match of_kind(attributes) {
            Some(0o040_000) => Ok(Nature::Directory),
            // It was none a moment ago.
            Some(0o120_000) | None => Err(Lost::Unclear),
            Some(_) => Ok(Nature::File),
        },
        Heard::Status(status::NO_SUCH_FILE) => Ok(Nature::Nothing),
        Heard::Status(_) | Heard::Path(_) => Err(Lost::Unclear),
    }
}

fn of_kind(attributes: Attributes) -> Option<u32> {
    attributes.permissions.map(|mode| mode & 0o170_000)
}

/// Whether a server that answers this to [`PROBE`] follows links: its own process, by its number.
fn follows_links(path: &[u8]) -> bool {
    let number = path
        .strip_prefix(b"/proc/")
        .and_then(|rest| rest.strip_suffix(b"/net"))
        .unwrap_or_default();
    !number.is_empty() && number.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn open() -> Lookup {
        let (mut lookup, _) = Lookup::start();
        let mut told = Vec::new();
        lookup
            .read(&Writer::new(kind::VERSION, 3).finish(), &mut told)
            .unwrap();
        let probe = Writer::new(kind::NAME, 0)
            .number(1)
            .string(b"/proc/7/net")
            .string(b"")
            .number(0)
            .finish();
        lookup.read(&probe, &mut told).unwrap();
        lookup
    }

    fn name(number: u32, path: &str) -> Bytes {
        Writer::new(kind::NAME, number)
            .number(1)
            .string(path.as_bytes())
            .string(b"")
            .number(0)
            .finish()
    }

    fn mode(number: u32, mode: u32) -> Bytes {
        Writer::new(kind::ATTRS, number)
            .number(4)
            .number(mode)
            .finish()
    }

    fn query(path: &'static str) -> Query {
        Query {
            id: 9,
            path: Bytes::from_static(path.as_bytes()),
        }
    }

    #[test]
    fn a_canonical_path_costs_one_way_and_back() {
        for turned in [false, true] {
            let (mut lookup, mut told) = (open(), Vec::new());
            lookup.ask(query("/a/b"), &mut told);
            assert_eq!(told.len(), 2, "both questions at once");
            let mut answers = [mode(1, 0o100_644), name(2, "/a/b")];
            if turned {
                answers.reverse();
            }
            told.clear();
            answers
                .iter()
                .for_each(|answer| lookup.read(answer, &mut told).unwrap());
            let path = TargetPath::canonical(b"/a/b").unwrap();
            assert_eq!(
                told,
                [Told::Found(
                    9,
                    Ok(Found {
                        path,
                        nature: Nature::File
                    })
                )]
            );
        }
    }

    #[test]
    fn a_link_is_followed_and_its_end_looked_at() {
        let (mut lookup, mut told) = (open(), Vec::new());
        lookup.ask(query("/a/link"), &mut told);
        lookup.read(&mode(1, 0o120_777), &mut told).unwrap();
        lookup.read(&name(2, "/etc"), &mut told).unwrap();
        told.clear();
        lookup.read(&mode(3, 0o040_755), &mut told).unwrap();
        let path = TargetPath::canonical(b"/etc").unwrap();
        assert_eq!(
            told,
            [Told::Found(
                9,
                Ok(Found {
                    path,
                    nature: Nature::Directory
                })
            )]
        );
    }

    #[test]
    fn a_link_where_the_server_saw_none_is_no_answer() {
        let (mut lookup, mut told) = (open(), Vec::new());
        lookup.ask(query("/a/b"), &mut told);
        lookup.read(&name(2, "/a/b"), &mut told).unwrap();
        told.clear();
        lookup.read(&mode(1, 0o120_777), &mut told).unwrap();
        assert_eq!(told, [Told::Found(9, Err(Lost::Unclear))]);
    }

    #[test]
    fn an_end_leaves_no_query_without_an_answer() {
        let (mut lookup, mut told) = (open(), Vec::new());
        lookup.ask(query("/a/b"), &mut told);
        told.clear();
        lookup.end(&mut told);
        assert_eq!(told, [Told::Found(9, Err(Lost::Unclear))]);
        told.clear();
        lookup.ask(query("/a/b"), &mut told);
        assert_eq!(
            told,
            [Told::Found(9, Err(Lost::Unclear))],
            "nor one behind it"
        );
    }

    #[test]
    fn a_target_without_the_subsystem_says_so() {
        let (mut lookup, _) = Lookup::start();
        let mut told = Vec::new();
        lookup.ask(query("/a/b"), &mut told);
        lookup.end(&mut told);
        lookup.ask(query("/a/c"), &mut told);
        let lost = Told::Found(9, Err(Lost::NoSftp));
        assert_eq!(told, [lost.clone(), lost]);
    }

    proptest! {
        /// Whatever a server says, each query has one answer at most, and none where none was asked.
        #[test]
        fn any_bytes_are_answers_or_told(bytes in proptest::collection::vec(any::<u8>(), 0..300), kinds in proptest::collection::vec((101u8..106, 0u32..8, proptest::collection::vec(any::<u8>(), 0..40)), 0..12)) {
            let (mut lookup, mut told) = (open(), Vec::new());
            (0..3).for_each(|id| lookup.ask(Query { id, path: Bytes::from_static(b"a/../b") }, &mut told));
            for (kind, number, fields) in kinds {
                if lookup.read(&Writer::new(kind, number).raw(&fields).finish(), &mut told).is_err() {
                    break;
                }
            }
            let _ = lookup.read(&bytes, &mut told);
            lookup.end(&mut told);
            for id in 0..3 {
                let answers = told.iter().filter(|told| matches!(told, Told::Found(of, _) if *of == id)).count();
                prop_assert_eq!(answers, 1);
            }
        }
    }
}
