//! A moment in the recordings of an auditor's client (R10, R9).
//!
//! Filters in the store say which recordings may hold the words; only those are opened, the latest first, until there
//! are hits enough. A search is given hit by hit, as they are found ([`Searching::next`]), and each time the right is asked
//! again: it outlasts the one that it began with. Without words, sessions are listed, or of one kind what nobody can
//! guess a word of: refusals, and lines whose echo was not recognised; and what passed, by its way and size.

mod found;
mod left;
mod lines;
mod refusals;

use std::collections::{BTreeSet, VecDeque};

use clap::Args;
use ecluse_policy::{InterventionNumber, PersonId, Refusal, SessionId, TargetId, Timestamp};
use ecluse_recordings::OpenRecording;
use ecluse_recordings::search::{self, Gram, Line, LineKind, QueryError, Questions};
use serde::{Deserialize, Serialize};

pub(crate) use self::found::{Found, Hit, Refused, Summary};
pub(crate) use self::left::Left;
use self::lines::{Lines, called, forwards};
use self::refusals::{Refusals, refusal};
use super::evidence::opening::{find_lines, offset, read};
use super::evidence::recordings::{Listed, Recordings, chosen, list};
use super::evidence::{look, may_still_read, standing};
use super::typed::{self, At, Kind, Size, Way};
use super::{Ask, Undone, Wants, right};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::clock;
use crate::gateway::Gateway;
use crate::live::nodes::there;
use crate::readers::Reading;
use crate::store::{Searchable, Session, SessionQuery, Standing};
use crate::texts::{Unreadable, language};

/// Hits given unless all are asked for.
const HITS: usize = 20;
/// Hits of one recording at most.
const HITS_EACH: usize = 10_000;
/// Recordings read at once, at least; the next are opened while the first is given.
const AHEAD: usize = 4;
/// Sessions whose filters are read in one go: so few that nobody waits for it.
const PAGE: u32 = 64;

/// Looks for words in recordings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// What is looked for: all of it in one line.
    #[serde(default)]
    pub(crate) words: Vec<String>,
    /// In the sessions of this person alone.
    #[arg(long, value_parser = typed::person)]
    #[serde(default)]
    pub(crate) person: Option<PersonId>,
    /// In those on this target alone.
    #[arg(long, value_parser = typed::target)]
    #[serde(default)]
    pub(crate) target: Option<TargetId>,
    /// In those of this intervention alone.
    #[arg(long, value_parser = typed::number)]
    #[serde(default)]
    pub(crate) intervention: Option<InterventionNumber>,
    /// In those that began from then on; read at the act.
    #[arg(long)]
    #[serde(default)]
    pub(crate) since: Option<String>,
    /// In those that began before; read at the act.
    #[arg(long)]
    #[serde(default)]
    pub(crate) until: Option<String>,
    /// In these lines alone.
    #[arg(long = "in")]
    #[serde(default, rename = "in")]
    pub(crate) lines: Option<Kind>,
    /// Files that passed this way alone, and forwards with something that did.
    #[arg(long)]
    #[serde(default)]
    pub(crate) way: Option<Way>,
    /// Files and forwards of which more than this passed one way.
    #[arg(long)]
    #[serde(default)]
    pub(crate) larger: Option<Size>,
    /// Every hit, and not the latest alone.
    #[arg(long)]
    #[serde(default)]
    pub(crate) all: bool,
}

impl Ask for Search {
    const ACT: &'static str = "search";
    const USAGE: &'static str = "search [WORDS…] [--person P] [--target T] [--intervention N] [--since D] [--until D] [--in command|typed|screen|note|refusal|file|forward|hidden] [--way out|in] [--larger SIZE] [--all]";
}

impl Search {
    fn among(&self) -> Recordings {
        Recordings {
            person: self.person.clone(),
            target: self.target.clone(),
            intervention: self.intervention,
            since: self.since.clone(),
            until: self.until.clone(),
        }
    }
}

/// What a search gives.
pub(crate) enum Outcome<'a> {
    /// Without words: the sessions there have been.
    Sessions(Listed),
    /// What is found, as it is found.
    Hits(Box<Searching<'a>>),
}

/// An auditor looks for something: on record before anything is given.
pub(crate) async fn search<'a>(
    house: &'a Gateway,
    by: &'a Actor,
    ask: &Search,
) -> Result<Outcome<'a>, Undone> {
    let applied = house.applied();
    let auditor = right(house, by, Search::ACT, by.as_auditor(&applied)).await?;
    let sessions = chosen(house, by, (&applied, &auditor), Search::ACT, &ask.among()).await?;
    let lines = Lines::of(ask).map_err(Undone::Wants)?;
    // What was not echoed is read in clear: as for a replay that unmasks.
    let unmasking = match lines.are_hidden() {
        true => auditor.unmask(&by.proven_code()).map(drop),
        false => Ok(()),
    };
    if let Err(refusal @ Refusal::CodeWanted { .. }) = unmasking {
        return Err(Undone::Wants(Wants::Code(refusal)));
    }
    look(house, by, Search::ACT).await?;
    let record = by
        .record(AuditKind::Search, auditor.now())
        .client(auditor.client());
    if let Err(refusal) = unmasking {
        house
            .store
            .record(&[record.refused().reason(&refusal)])
            .await?;
        return Err(Undone::Refused(refusal));
    }
    // On record before anything is shown: who looked for what.
    let named = [
        ("person", ask.person.as_ref().map(ToString::to_string)),
        ("target", ask.target.as_ref().map(ToString::to_string)),
        ("intervention", ask.intervention.map(|it| it.0.to_string())),
        ("since", ask.since.clone()),
        ("until", ask.until.clone()),
        ("in", ask.lines.map(String::from)),
        ("way", ask.way.map(String::from)),
        ("larger", ask.larger.map(String::from)),
    ];
    let record = named.into_iter().fold(
        record.permitted().detail("words", ask.words.join(" ")),
        |record, (name, value)| match value {
            Some(value) => record.detail(name, value),
            None => record,
        },
    );
    house.store.record(&[record]).await?;
    let question = match ask.words.is_empty() {
        true if lines.are_listed() => Questions::everything(),
        true => {
            let listed = list(house, &sessions, auditor.now()).await?;
            return Ok(Outcome::Sessions(listed));
        }
        false => Questions::new(ask.words.iter().map(String::as_str), language(by.lang()))?,
    };
    let screens = auditor.screens_are_searchable();
    let searching =
        Searching::new(house, by, (ask.all, lines), (sessions, question), screens).await?;
    Ok(Outcome::Hits(Box::new(searching)))
}

impl From<QueryError> for Undone {
    fn from(error: QueryError) -> Self {
        Self::Unsearchable(error)
    }
}

/// The hits of one recording, while it is read.
type Looking = Reading<Result<Vec<Hit>, Unreadable>>;

/// A search that goes on.
pub(crate) struct Searching<'a> {
    house: &'a Gateway,
    by: &'a Actor,
    sessions: SessionQuery,
    question: Questions,
    grams: Vec<Vec<Gram>>,
    lines: Lines,
    most: usize,
    /// What screens showed is looked through.
    screens: bool,
    worth_opening: VecDeque<Session>,
    /// Those of them that the table hides.
    apart: BTreeSet<SessionId>,
    readings: VecDeque<(Session, Looking)>,
    refusals: Refusals,
    found: VecDeque<Found>,
    given: usize,
    more: bool,
    next: Next,
    left: Left,
}

/// Where to look once everything at hand was looked into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Page,
    Refusals,
    Nowhere,
}

impl<'a> Searching<'a> {
    async fn new(
        house: &'a Gateway,
        by: &'a Actor,
        (all, lines): (bool, Lines),
        (sessions, question): (SessionQuery, Questions),
        screens: bool,
    ) -> Result<Self, Undone> {
        // What the table hides is looked into by the log.
        let hidden = house.store.hidden_sessions(&sessions).await?;
        let apart = hidden.ids();
        let mut found = VecDeque::new();
        for fault in hidden.gone {
            house.store.tell_session_fault(&fault, clock::now()).await?;
            let (number, standing) = (fault.number, fault.standing());
            found.push_back(Found::Apart { number, standing });
        }
        Ok(Self {
            house,
            by,
            refusals: Refusals::of(house, &sessions, &question, lines).await?,
            sessions: SessionQuery {
                limit: Some(PAGE),
                ..sessions
            },
            grams: lines.grams(&question),
            question,
            lines,
            most: if all { usize::MAX } else { HITS },
            screens,
            worth_opening: hidden.sessions.into(),
            apart,
            readings: VecDeque::new(),
            found,
            given: 0,
            more: false,
            next: Next::Page,
            left: Left::default(),
        })
    }

    /// What is found next; none at the end.
    ///
    /// # Errors
    /// The right to read has ended, or the store failed.
    pub(crate) async fn next(&mut self) -> Result<Option<Found>, Undone> {
        loop {
            // Reading may have taken a while.
            self.may_go_on()?;
            if let Some(found) = self.found.pop_front() {
                return Ok(Some(found));
            }
            if self.more {
                return Ok(None);
            }
            self.read_ahead();
            match (self.readings.pop_front(), self.next) {
                (Some((session, reading)), _) => self.read(session, reading).await?,
                (None, Next::Page) => self.page().await?,
                (None, Next::Refusals) => self.refused(),
                (None, Next::Nowhere) => return Ok(None),
            }
        }
    }

    /// What there is to say at the end.
    pub(crate) fn over(self) -> Summary {
        let screens = self.lines.look_at(LineKind::Screen);
        Summary {
            given: self.given,
            more: self.more,
            no_screens: screens && !self.screens,
            typing: self.lines.look_at(LineKind::Typed),
            left: self.left.sorted(),
        }
    }

    fn may_go_on(&self) -> Result<(), Undone> {
        let Some(client) = &self.sessions.client else {
            return Err(Undone::Refused(Refusal::NotAnAuditor));
        };
        may_still_read(self.house, self.by, client, self.lines.are_hidden())
            .map_err(Undone::Refused)
    }

    /// How many more are to be given.
    fn room(&self) -> usize {
        self.most.saturating_sub(self.given)
    }

    fn read_ahead(&mut self) {
        let cores = std::thread::available_parallelism();
        let ahead = cores.map_or(AHEAD, |cores| cores.get().max(AHEAD));
        while self.readings.len() < ahead
            && let Some(session) = self.worth_opening.pop_front()
        {
            // One more than there is room for tells that there are more.
            let most = self.room().saturating_add(1).min(HITS_EACH);
            let (question, lines) = (self.question.clone(), self.lines);
            let time = (self.sessions.from, self.sessions.until);
            let of = session.clone();
            let reading = read(self.house, self.by.person(), &session, move |recording| {
                hits_in(&recording, &of, time, (&question, lines), most)
            });
            self.readings.push_back((session, reading));
        }
    }

    /// What was found in one recording.
    async fn read(&mut self, session: Session, reading: Looking) -> Result<(), Undone> {
        let read = reading.await;
        let number = session.number;
        let hits = match read.unwrap_or_else(|interrupted| Err(interrupted.into())) {
            Ok(hits) => hits,
            Err(why) => {
                let why = there(self.house, &session, why).await;
                self.found.push_back(Found::Unread { number, why });
                return Ok(());
            }
        };
        if !hits.is_empty() {
            let standing = standing(self.house, &session, clock::now()).await?;
            if standing != Standing::OnRecord {
                self.found.push_back(Found::Apart { number, standing });
            }
        }
        let room = self.room();
        self.more = hits.len() > room;
        self.given += hits.len().min(room);
        for hit in hits.into_iter().take(room) {
            if hit.kind == Kind::Of(LineKind::Refusal) {
                self.refusals.shown_of(&session);
            }
            self.found.push_back(Found::Line(hit));
        }
        Ok(())
    }

    /// The next sessions, and which of them are worth opening.
    async fn page(&mut self) -> Result<(), Undone> {
        let asking = self.house.readers.asking().await;
        let page = self.house.store.searchable(&self.sessions, &self.grams);
        let page = page.await?;
        drop(asking);
        if page.is_empty() {
            self.next = Next::Refusals;
        }
        self.sessions.before = page.last().map(|(session, _)| session.number);
        let (typing, screens) = (
            self.lines.look_at(LineKind::Typed),
            self.lines.look_at(LineKind::Screen) && self.screens,
        );
        for (session, found) in page {
            if self.apart.contains(&session.start.id) {
                continue;
            }
            let (number, left) = (session.number, &mut self.left);
            if session.hidden_lines > 0 && typing {
                left.hidden.push(number);
            }
            match session.screen_text {
                _ if !screens || found == Searchable::Unknown => {}
                Some(true) => {}
                Some(false) => left.without_screens.push(number),
                None => left.screens_unknown.push(number),
            }
            match found {
                Searchable::No => {}
                Searchable::NotInPart => left.partly += 1,
                Searchable::Unknown if session.end.is_none() => left.live += 1,
                Searchable::Unknown => left.unreadable += 1,
                Searchable::Perhaps if self.may_have(&session) => {
                    self.worth_opening.push_back(session);
                }
                Searchable::Perhaps => {}
            }
        }
        Ok(())
    }

    /// Whether a recording may have lines of a list without words: only those are opened.
    fn may_have(&self, session: &Session) -> bool {
        if !self.question.asked().is_everything() {
            return true;
        }
        match self.lines.are_hidden() {
            true => session.hidden_lines > 0,
            false => !self.lines.look_at(LineKind::Refusal) || self.refusals.touch(session),
        }
    }

    /// Refusals that stand in no recording.
    fn refused(&mut self) {
        self.next = Next::Nowhere;
        let room = self.room();
        let left = self.refusals.left();
        self.more = left.len() > room;
        self.given += left.len().min(room);
        for one in left.into_iter().take(room) {
            let text = refusal(&one.record);
            self.found.push_back(Found::Refusal(Refused {
                at: one.record.at,
                found: self.question.asked().find(&text).unwrap_or_default(),
                text,
                session: one.session.map(|(_, number)| number),
                person: one.record.person,
                target: one.record.target,
            }));
        }
    }
}

/// The hits in one recording, in the order of time.
fn hits_in(
    recording: &OpenRecording,
    session: &Session,
    (from, until): (Option<Timestamp>, Option<Timestamp>),
    (question, lines): (&Questions, Lines),
    most: usize,
) -> Result<Vec<Hit>, Unreadable> {
    let began = session.start.at.as_micros();
    let when = |line: &Line| Timestamp::from_micros(began.saturating_add_unsigned(line.at_us));
    let mut found = Vec::new();
    let mut keep = |line: Line| {
        let at = when(&line);
        if from.is_none_or(|from| at >= from) && until.is_none_or(|until| at < until) {
            found.push(line);
        }
        found.len() < most
    };
    let forwards = forwards(recording);
    match lines.are_hidden() {
        false => find_lines(recording, question, |line| {
            let line = called(line, &forwards);
            !lines.mean(&line) || keep(line)
        })?,
        true => search::hidden(recording, |line| {
            question.asked().find(&line.text).is_none() || keep(line)
        })?,
    }
    found.sort_by_key(|line| line.at_us);
    let start = &session.start;
    let hit = |line: Line| Hit {
        number: session.number,
        at: when(&line),
        person: start.person.clone(),
        account: start.account.clone(),
        target: start.target.clone(),
        kind: match lines.are_hidden() {
            true => Kind::Hidden,
            false => Kind::Of(line.kind),
        },
        channel: line.channel,
        place: offset(recording, &line).map(At::Place),
        found: question.asked().find(&line.text).unwrap_or_default(),
        text: line.text,
    };
    Ok(found.into_iter().map(hit).collect())
}
