//! One request by path, from when it came until it is answered.

use std::time::Instant;

use bytes::Bytes;

use super::flight::{ForTask, STATVFS};
use super::opening::Passed;
use super::operation::{Operation, Ticket};
use super::reply::Expected;
use super::request::{PathRequest, Verb};
use super::resolve::{Last, Lost, Progress, Question, Resolution, points};
use super::wire::{Packet, open};
use ecluse_policy::capability::files::FileRequest;
use ecluse_policy::capability::files::{LONGEST_PATH, TargetPath};

/// A request by path.
#[derive(Debug)]
pub(super) struct Task {
    /// Which.
    pub(super) id: u64,
    /// The technician's number.
    pub(super) client: u32,
    /// What is asked.
    pub(super) request: PathRequest,
    /// When it came.
    pub(super) at: Instant,
    /// How far it is.
    pub(super) stage: Stage,
    /// Its paths, in the order in which they are looked up.
    pub(super) places: Vec<Place>,
    /// What the target answered to the request's own words, where that is the answer.
    pub(super) answer: Option<Packet>,
    /// What is known of what it renames.
    pub(super) link: Link,
    /// What somebody who was asked said yes to.
    pub(super) agreed: Option<Operation>,
    /// What goes on once it was passed on.
    pub(super) passed: Option<Passed>,
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has not begun.
    Queued,
    /// The target is asked where its paths lead.
    Looking,
    /// All is known that can be.
    Known,
    /// Somebody is asked.
    Parked(Ticket),
    /// It is on its way to the target.
    Passed,
    /// It is answered.
    Done,
}

/// One path of it.
#[derive(Debug)]
pub(super) struct Place {
    resolution: Resolution,
    /// Where it leads, once that is known.
    pub(super) end: Option<Result<TargetPath, Lost>>,
    /// Its bytes as they were looked up.
    pub(super) typed: Bytes,
}

/// What is known of what is renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing.
    Unknown,
    /// Nothing yet: the answer is on its way.
    Asked,
    /// It is none.
    No,
    /// Where it points.
    To(Bytes),
}

/// Questions for the target, and what their answers are for.
pub(super) type Questions = Vec<(ForTask, Question)>;

impl Task {
    /// A request that has just come.
    #[must_use]
    pub(super) const fn new(id: u64, client: u32, request: PathRequest, at: Instant) -> Self {
        Self {
            id,
            client,
            request,
            at,
            stage: Stage::Queued,
            places: Vec::new(),
            answer: None,
            link: Link::Unknown,
            agreed: None,
            passed: None,
        }
    }

    /// Whether something is being opened by it.
    #[must_use]
    pub(super) fn is_opening(&self) -> bool {
        let passed = self.passed.as_ref();
        passed.is_some_and(|passed| passed.opening.is_some())
    }

    /// The path that its words mean, where they are of the account's own files; none of somebody else's home.
    #[must_use]
    pub(super) fn own_words(&self) -> Option<Bytes> {
        let words = &self.request.first;
        match (self.request.verb, &words[..]) {
            (Verb::ExpandPath, b"~") => Some(Bytes::from_static(b".")),
            (Verb::ExpandPath, [b'~', b'/', ..]) => Some(words.slice(2..)),
            (Verb::ExpandPath, words_of) if words_of.first() != Some(&b'~') => Some(words.clone()),
            _ => None,
        }
    }

    /// The paths as they were typed, as far as one may be long.
    #[must_use]
    pub(super) fn typed(&self) -> Vec<Bytes> {
        match self.request.verb {
            Verb::UsersGroups => Vec::new(),
            Verb::Rename | Verb::PosixRename | Verb::Symlink | Verb::Hardlink => {
                vec![clip(&self.request.first), clip(&self.request.second)]
            }
            Verb::Open { .. }
            | Verb::OpenDirectory
            | Verb::Stat
            | Verb::Lstat
            | Verb::Readlink
            | Verb::Realpath
            | Verb::ExpandPath
            | Verb::HomeDirectory
            | Verb::Statvfs
            | Verb::Setstat
            | Verb::Lsetstat
            | Verb::Remove
            | Verb::RemoveDirectory
            | Verb::MakeDirectory => vec![clip(&self.request.first)],
        }
    }

    /// Begins, or begins again: what was known is not.
    #[must_use]
    pub(super) fn begin(&mut self, follows: bool) -> Questions {
        self.stage = Stage::Looking;
        self.places.clear();
        self.answer = None;
        self.link = Link::Unknown;
        let (first, second) = (self.request.first.clone(), self.request.second.clone());
        let verb = self.request.verb;
        let mut questions = Vec::new();
        let mut place = |path: Bytes, last: Last| {
            questions.extend(self.look_up(path, last, follows));
        };
        // `dir/` of what looks at a link is what the link leads to.
        let unless_slash = match first.last() {
            Some(b'/') => Last::Followed,
            Some(_) | None => Last::Kept,
        };
        match verb {
            // What must not exist is not followed either.
            Verb::Open { flags } if flags & open::CREAT != 0 && flags & open::EXCL != 0 => {
                place(first, Last::Kept);
            }
            Verb::Open { .. }
            | Verb::OpenDirectory
            | Verb::Stat
            | Verb::Realpath
            | Verb::Statvfs
            | Verb::Setstat => place(first, Last::Followed),
            Verb::Lstat | Verb::Readlink | Verb::Lsetstat => place(first, unless_slash),
            Verb::Remove | Verb::RemoveDirectory | Verb::MakeDirectory => {
                place(first, Last::Kept);
            }
            Verb::Rename | Verb::PosixRename => {
                place(first, Last::Kept);
                place(second, Last::Kept);
            }
            // Where it points is told from where it stands, which comes first.
            Verb::Symlink => place(second, Last::Kept),
            Verb::Hardlink => {
                place(first, Last::Followed);
                place(second, Last::Kept);
            }
            Verb::ExpandPath | Verb::HomeDirectory | Verb::UsersGroups => {}
        }
        questions
    }

    /// Looks up one more path.
    #[must_use]
    pub(super) fn look_up(&mut self, typed: Bytes, last: Last, follows: bool) -> Questions {
        // The answer to its own words is the answer.
        let asks = self.request.verb == Verb::Realpath;
        let (resolution, progress) = Resolution::start(&typed, last, follows, asks);
        self.places.push(Place {
            resolution,
            end: None,
            typed,
        });
        self.note(self.places.len().saturating_sub(1), progress)
    }

    /// Takes the answer to one question about one path.
    #[must_use]
    pub(super) fn heard(
        &mut self,
        place: usize,
        question: usize,
        heard: super::resolve::Heard<'_>,
    ) -> Questions {
        let Some(at) = self.places.get_mut(place) else {
            return Vec::new();
        };
        if at.end.is_some() {
            return Vec::new();
        }
        let progress = at.resolution.heard(question, heard);
        self.note(place, progress)
    }

    fn note(&mut self, place: usize, progress: Progress) -> Questions {
        match progress {
            Progress::Wait => Vec::new(),
            Progress::Over(end) => {
                if let Some(at) = self.places.get_mut(place) {
                    at.end = Some(end);
                }
                Vec::new()
            }
            Progress::Ask(questions) => questions
                .into_iter()
                .map(|(number, question)| {
                    let expected = question.expects();
                    let what = ForTask::Place {
                        place,
                        question: number,
                        expected,
                    };
                    (what, question)
                })
                .collect(),
        }
    }

    /// Whether something that was asked is not answered.
    #[must_use]
    pub(super) fn waits(&self) -> bool {
        self.places.iter().any(|place| place.end.is_none())
            || self.link == Link::Asked
            || (self.asks_words() && self.answer.is_none())
    }

    /// Whether the target makes a path of its words.
    #[must_use]
    pub(super) const fn asks_words(&self) -> bool {
        matches!(self.request.verb, Verb::ExpandPath | Verb::HomeDirectory)
    }

    /// Where the path of this number leads.
    #[must_use]
    pub(super) fn at(&self, place: usize) -> Option<&TargetPath> {
        self.places.get(place)?.end.as_ref()?.as_ref().ok()
    }

    /// The first path that is lost, and why.
    #[must_use]
    pub(super) fn lost(&self) -> Option<(&Place, &Lost)> {
        self.places.iter().find_map(|place| match &place.end {
            Some(Err(lost)) => Some((place, lost)),
            Some(Ok(_)) | None => None,
        })
    }

    /// What is still to be known once all paths so far are: of a rename whether it moves a link, of a link where it points.
    #[must_use]
    pub(super) fn next(&mut self, follows: bool) -> Option<Questions> {
        match (self.request.verb, self.places.len(), &self.link) {
            (Verb::Symlink, 1, _) => {
                let to = points(self.at(0)?, &self.request.first);
                Some(self.look_up(to.into(), Last::Followed, follows))
            }
            (Verb::Rename | Verb::PosixRename, 2, Link::Unknown) => {
                let question = Question::Readlink(self.at(0)?.clone());
                self.link = Link::Asked;
                Some(vec![(ForTask::Link, question)])
            }
            (Verb::Rename | Verb::PosixRename, 2, Link::To(link)) => {
                let to = points(self.at(1)?, link);
                Some(self.look_up(to.into(), Last::Followed, follows))
            }
            _ => None,
        }
    }

    /// Whether it makes a link that climbs, or moves one to another directory.
    ///
    /// What `..` in a link leads to depends on everything before it: rename the directory that holds `../../etc/passwd`
    /// one level up, or put a link in place of a directory that it climbs out of, and it leads out of what was agreed. So a
    /// link that is made here has none, and then leads for ever where it was judged, or to another place that was.
    #[must_use]
    pub(super) fn makes_climbing_link(&self) -> bool {
        let climbs = |words: &[u8]| words.split(|byte| *byte == b'/').any(|part| part == b"..");
        let moves =
            || self.at(0).and_then(TargetPath::parent) != self.at(1).and_then(TargetPath::parent);
        match (self.request.verb, &self.link) {
            (Verb::Symlink, _) => climbs(&self.request.first),
            (Verb::Rename | Verb::PosixRename, Link::To(words)) => climbs(words) && moves(),
            _ => false,
        }
    }

    /// What it asks, by these paths: of as many places as it has, in their order.
    #[must_use]
    pub(super) fn asks(
        &self,
        mut at: impl Iterator<Item = TargetPath>,
        home: Option<&TargetPath>,
    ) -> Option<FileRequest> {
        let verb = self.request.verb;
        if verb == Verb::UsersGroups {
            return Some(FileRequest::Names);
        }
        let path = at.next()?;
        Some(match verb {
            Verb::Open { flags } => FileRequest::Open {
                // Without either of both, servers open for reading.
                reads: flags & open::READ != 0 || flags & open::WRITE == 0,
                writes: flags & !open::READ != 0,
                path,
            },
            Verb::OpenDirectory => FileRequest::List(path),
            Verb::Stat | Verb::Lstat | Verb::Readlink | Verb::Statvfs => FileRequest::Look(path),
            Verb::Realpath | Verb::ExpandPath | Verb::HomeDirectory => FileRequest::Locate {
                home: Some(&path) == home,
                path,
            },
            Verb::Setstat | Verb::Lsetstat => FileRequest::SetAttributes(path),
            Verb::Remove => FileRequest::Remove(path),
            Verb::RemoveDirectory => FileRequest::RemoveDirectory(path),
            Verb::MakeDirectory => FileRequest::MakeDirectory(path),
            Verb::Rename | Verb::PosixRename => FileRequest::Rename {
                from: path,
                to: at.next()?,
                link: at.next(),
                replaces: verb == Verb::PosixRename,
            },
            Verb::Symlink => FileRequest::Symlink {
                at: path,
                to: at.next()?,
            },
            Verb::Hardlink => FileRequest::Hardlink {
                of: path,
                at: at.next()?,
            },
            Verb::UsersGroups => FileRequest::Names,
        })
    }

    /// The packet of it that goes to the target, by the paths where it was judged, and what the target learns by it.
    #[must_use]
    pub(super) fn packet(&self, number: u32) -> (Bytes, u64) {
        let canonical = |place: usize| self.at(place).map_or(&[][..], TargetPath::as_bytes);
        let (first, second) = match self.request.verb {
            // A link keeps the words that it was made of.
            Verb::Symlink => (&self.request.first[..], canonical(0)),
            Verb::ExpandPath | Verb::HomeDirectory => (&self.request.first[..], &[][..]),
            Verb::UsersGroups => (&self.request.first[..], &self.request.second[..]),
            Verb::Open { .. }
            | Verb::OpenDirectory
            | Verb::Stat
            | Verb::Lstat
            | Verb::Readlink
            | Verb::Realpath
            | Verb::Statvfs
            | Verb::Setstat
            | Verb::Lsetstat
            | Verb::Remove
            | Verb::RemoveDirectory
            | Verb::MakeDirectory
            | Verb::Rename
            | Verb::PosixRename
            | Verb::Hardlink => (canonical(0), canonical(1)),
        };
        let length = u64::try_from(first.len() + second.len()).unwrap_or(u64::MAX);
        let packet = self.request.packet(number, first, second);
        (packet, length.saturating_add(self.request.beside_paths()))
    }

    /// What the answer to the request itself looks like.
    #[must_use]
    pub(super) const fn expects(&self) -> Expected {
        match self.request.verb {
            Verb::Open { .. } | Verb::OpenDirectory => Expected::Handle,
            Verb::Stat | Verb::Lstat => Expected::Attributes,
            Verb::Readlink | Verb::Realpath | Verb::ExpandPath | Verb::HomeDirectory => {
                Expected::Path
            }
            Verb::Statvfs => Expected::Extended(STATVFS),
            Verb::UsersGroups => Expected::Strings,
            Verb::Setstat
            | Verb::Lsetstat
            | Verb::Remove
            | Verb::RemoveDirectory
            | Verb::MakeDirectory
            | Verb::Rename
            | Verb::PosixRename
            | Verb::Symlink
            | Verb::Hardlink => Expected::Status,
        }
    }
}

/// As much of a path as one has.
fn clip(path: &Bytes) -> Bytes {
    match path.get(..LONGEST_PATH) {
        Some(part) => Bytes::copy_from_slice(part),
        None => path.clone(),
    }
}

impl Question {
    pub(super) const fn expects(&self) -> Expected {
        match self {
            Self::Realpath(_) | Self::Readlink(_) => Expected::Path,
            Self::Lstat(_) => Expected::Attributes,
        }
    }
}
