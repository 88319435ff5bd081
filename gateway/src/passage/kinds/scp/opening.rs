//! What the command line names, looked up and judged before anything is started on the target.

use std::time::Instant;

use bytes::Bytes;
use ecluse_policy::capability::files::{FileRequest, TargetPath, shown_bytes};
use ecluse_policy::capability::scp::{Pattern, Place, Typed, Way};

use super::interceptor::{Phase, Scp};
use super::lookup::{Found, Lost, Nature};
use super::words::{Words, refusal};
use super::{Answer, Ask, Direction, Operation, Outcome, Query, Step};

/// One path of the command line.
#[derive(Debug)]
pub(super) struct Top {
    /// As it was typed.
    pub(super) typed: Bytes,
    /// What names look like, of a pattern.
    pub(super) pattern: Option<Pattern>,
    /// What the technician knows it by; none of a pattern.
    pub(super) told: Option<Bytes>,
    /// Where it leads.
    pub(super) found: Option<Result<Found, Lost>>,
    /// The target has sent it.
    pub(super) was_sent: bool,
}

impl Top {
    fn new(typed: &Typed) -> Self {
        Self {
            typed: typed.shown().into(),
            pattern: typed.pattern.clone(),
            told: typed
                .last_name()
                .filter(|_| typed.pattern.is_none())
                .map(Bytes::copy_from_slice),
            found: None,
            was_sent: false,
        }
    }

    /// Where it leads, once that is known.
    pub(super) fn path(&self) -> Option<&TargetPath> {
        match &self.found {
            Some(Ok(found)) => Some(&found.path),
            Some(Err(_)) | None => None,
        }
    }

    /// What the target calls it.
    pub(super) fn name(&self) -> Option<&[u8]> {
        self.path()
            .filter(|_| self.pattern.is_none())?
            .components()
            .next_back()
    }
}

impl Scp {
    /// Looks up what the command line names.
    pub(crate) fn start(&mut self, at: Instant, out: &mut Vec<Step>) {
        self.tops = self.command.paths.iter().map(Top::new).collect();
        if self.command.way == Way::From
            && let Some(nameless) = self
                .tops
                .iter()
                .find(|top| top.told.is_none() && top.pattern.is_none())
        {
            let words = self.about(&nameless.typed, Words::NoName);
            return self.refuse_all(&words, None, &nameless.typed.clone(), at, out);
        }
        for (typed, id) in self.command.paths.iter().zip(0..) {
            let path = Bytes::copy_from_slice(&typed.path);
            out.push(Step::Look(Query { id, path }));
        }
    }

    pub(super) fn found_top(
        &mut self,
        query: u64,
        found: Result<Found, Lost>,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        if let Some(top) = usize::try_from(query)
            .ok()
            .and_then(|place| self.tops.get_mut(place))
        {
            top.found = Some(found);
        }
        if self.tops.iter().all(|top| top.found.is_some()) {
            self.opened(at, ask, out);
        }
    }

    /// Everything is known: it is judged, and started.
    fn opened(&mut self, at: Instant, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
        for number in 0..self.tops.len() {
            let Some(top) = self.tops.get(number) else {
                continue;
            };
            let judged = match self.command.way {
                Way::To => self.judge_goal(top, ask),
                Way::From => self.judge_source(top, ask),
            };
            let words = match judged {
                Ok(())
                    if self.command.way == Way::From
                        && top.pattern.is_none()
                        && top.name().is_none() =>
                {
                    (self.about(&top.typed, Words::NoName), None)
                }
                Ok(()) if self.has_namesake(number) => {
                    (self.about(&top.typed, Words::SameName), None)
                }
                Ok(()) => continue,
                Err(refused) => refused,
            };
            let typed = top.typed.clone();
            return self.refuse_all(&words.0, words.1, &typed, at, out);
        }
        let is_directory = self.tops.iter().any(|top| match &top.found {
            Some(Ok(found)) => found.nature == Nature::Directory,
            Some(Err(_)) | None => false,
        });
        let places = self.tops.iter().filter_map(|top| {
            top.path().map(|path| Place {
                path,
                pattern: top.pattern.as_ref(),
            })
        });
        match self
            .command
            .run(is_directory || self.command.directory, places)
        {
            Some(line) => {
                self.phase = Phase::Greeting;
                out.push(Step::Run(line.into()));
            }
            None => {
                let typed = self
                    .tops
                    .first()
                    .map(|top| top.typed.clone())
                    .unwrap_or_default();
                let words = self.about(&typed, Words::NoQuotes);
                self.refuse_all(&words, None, &typed, at, out);
            }
        }
    }

    /// Whether something before it is called the same on the target, so that nobody could tell which one comes.
    fn has_namesake(&self, number: usize) -> bool {
        let name = self.tops.get(number).and_then(Top::name);
        name.is_some()
            && self
                .tops
                .iter()
                .take(number)
                .any(|before| before.name() == name)
    }

    /// Whether the technician may look where files are to go: what is written there is judged as it comes.
    fn judge_goal(
        &self,
        top: &Top,
        ask: &mut Ask<'_>,
    ) -> Result<(), (String, Option<FileRequest>)> {
        let (path, is_there) = self.goes_to(top)?;
        let look = FileRequest::Look(path.clone());
        let write = FileRequest::Open {
            path,
            reads: false,
            writes: true,
        };
        match (ask(&operation(&look, &top.typed)), is_there) {
            (Answer::Permit, true) => Ok(()),
            (Answer::Permit, false) => Err((self.about(&top.typed, Words::Nothing), Some(look))),
            (Answer::Wait(_), _) => Err((self.about(&top.typed, Words::NoWay), Some(look))),
            // The words about what is wanted are better than those about looking.
            (Answer::Refuse(words), _) => match ask(&operation(&write, &top.typed)) {
                Answer::Refuse(words) => Err((words, Some(write))),
                Answer::Permit | Answer::Wait(_) => Err((words, Some(look))),
            },
        }
    }

    /// Whether what is asked for may be read or listed, as far as that can be told before the target opens it.
    fn judge_source(
        &self,
        top: &Top,
        ask: &mut Ask<'_>,
    ) -> Result<(), (String, Option<FileRequest>)> {
        let (path, is_there) = self.goes_to(top)?;
        let nature = match &top.found {
            Some(Ok(found)) => found.nature,
            Some(Err(_)) | None => Nature::Nothing,
        };
        let read = FileRequest::Open {
            path: path.clone(),
            reads: true,
            writes: false,
        };
        let list = FileRequest::List(path);
        let wanted = match (&top.pattern, self.command.recursive, nature) {
            (Some(_), _, _) | (None, true, Nature::Directory) => vec![list],
            (None, false, _) | (None, true, Nature::File) => vec![read.clone()],
            (None, true, Nature::Nothing) => vec![read.clone(), list],
        };
        let mut refused = None;
        for request in wanted {
            match (ask(&operation(&request, &top.typed)), is_there) {
                // Somebody is asked when its line comes.
                (Answer::Permit | Answer::Wait(_), true) => return Ok(()),
                (Answer::Permit | Answer::Wait(_), false) => {
                    return Err((self.about(&top.typed, Words::Nothing), Some(request)));
                }
                (Answer::Refuse(words), _) => refused = refused.or(Some((words, Some(request)))),
            }
        }
        // Whether what is refused is a file, a directory or nothing is not told either.
        if top.pattern.is_none()
            && let Answer::Refuse(words) = ask(&operation(&read, &top.typed))
        {
            return Err((words, Some(read)));
        }
        Err(refused.unwrap_or_else(|| (self.about(&top.typed, Words::NoWay), None)))
    }

    /// Where it leads, or would; whether it does.
    fn goes_to(&self, top: &Top) -> Result<(TargetPath, bool), (String, Option<FileRequest>)> {
        match &top.found {
            Some(Ok(found)) => Ok((found.path.clone(), true)),
            Some(Err(Lost::Nowhere(Some(near)))) => Ok((near.clone(), false)),
            Some(Err(Lost::NoSftp)) => Err((self.about(&top.typed, Words::NoSftp), None)),
            Some(Err(Lost::Nowhere(None) | Lost::Unclear)) | None => {
                Err((self.about(&top.typed, Words::NoWay), None))
            }
        }
    }

    /// Nothing is started, and the technician's client says why.
    fn refuse_all(
        &mut self,
        words: &str,
        request: Option<FileRequest>,
        typed: &Bytes,
        at: Instant,
        out: &mut Vec<Step>,
    ) {
        self.refused = refusal(1, words).into();
        self.own(Direction::ToTechnician, self.refused.clone(), 0, out);
        let outcome = Outcome::Refused(words.to_owned());
        out.push(Step::Log(super::passing::record(
            request, typed, outcome, None, at, at,
        )));
        match self.command.way {
            Way::To => self.phase = Phase::Refused,
            Way::From => {
                out.push(Step::End(1));
                self.over();
            }
        }
    }
}

pub(super) fn operation(request: &FileRequest, typed: &Bytes) -> Operation {
    Operation {
        request: request.clone(),
        typed: vec![typed.clone()],
    }
}

impl Scp {
    /// Words about a path, by how it was typed.
    pub(super) fn about(&self, typed: &[u8], words: Words) -> String {
        format!("{}: {}", shown_bytes(typed), self.say.of(words))
    }
}
