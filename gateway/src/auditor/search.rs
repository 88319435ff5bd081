//! `search`: a moment in the recordings of the auditor's client, and the command that lands on it (R10, R9).
//!
//! Filters in the store say which recordings may hold the words; only those are opened, the latest first, until there
//! are hits enough. What is found is shown neutralised (R11). Without words, sessions are
//! listed, or with `--in` what nobody can guess a word of: refusals, and lines whose echo was not recognised.

mod left;
mod refusals;

use std::collections::VecDeque;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::{AsAuditor, ClientId, Refusal, SessionId, Timestamp};
use ecluse_recordings::search::{self, Line, LineKind, Query, QueryError, SHORTEST, excerpt};
use ecluse_recordings::{OpenRecording, ReadError, SESSION, layout};

use self::left::Left;
use self::refusals::{Refusals, show_refused};
use super::moments;
use super::recordings::{list, not_on_record, query};
use super::replay::{open, unmasked};
use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::words::{Misuse, Takes};
use crate::audit::AuditKind;
use crate::clock;
use crate::evidence::EvidenceKeys;
use crate::live::nodes::there;
use crate::readers::Reading;
use crate::store::{Searchable, Session, SessionQuery};
use crate::texts::{Unreadable, times};

const TAKES: Takes = Takes {
    values: &["person", "target", "intervention", "since", "until", "in"],
    sentences: &[],
    switches: &["all"],
};
/// Hits shown unless all are asked for.
const HITS: usize = 20;
/// Hits of one recording at most.
const HITS_EACH: usize = 10_000;
/// Recordings read at once, at least; the next are opened while the first is shown.
const AHEAD: usize = 4;
/// Sessions whose filters are read in one go: so few that nobody waits for it.
const PAGE: u32 = 64;
/// Bytes of lines read in one go.
const READ: usize = 64 * 1024;
/// Letters of a line that are shown.
const WIDTH: usize = 160;
/// Words of a command, options and all.
const MOST_WORDS: usize = 64;

/// Which lines are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum In {
    /// Those of a recording's search text, all or of one kind.
    Text(Option<LineKind>),
    /// Those that were typed and not echoed, in clear.
    Hidden,
}

/// The word for [`In::Hidden`].
const HIDDEN: &str = "hidden";

/// A line that was found.
struct Hit {
    line: Line,
    /// How long after its channel's opening.
    offset: Option<Duration>,
}

/// `search WORDS… [--person P] [--target T] [--intervention N] [--since D] [--until D] [--in KIND] [--all]`
pub(crate) async fn search(
    desk: &mut Desk<'_>,
    by: &AsAuditor<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    // After a lone `--`, what looks like an option is a word.
    let (words, more) = match words.iter().position(|word| word == "--") {
        Some(place) => {
            let (before, after) = words.split_at(place);
            (before, after.get(1..).unwrap_or_default())
        }
        None => (words, [].as_slice()),
    };
    let given = match arguments(words, TAKES, MOST_WORDS) {
        Ok(given) => given,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let now = by.now();
    let (sessions, lines) = match query(desk, by, command, &given).await? {
        Ok(sessions) => match lines(given.one("in")) {
            Ok(lines) => (sessions, lines),
            Err(misuse) => return desk.misused(command, &misuse).await,
        },
        Err(status) => return Ok(status),
    };
    let looked_for: Vec<&str> = given.words.iter().chain(more).map(String::as_str).collect();
    // What nobody can guess a word of is listed without words.
    let listed = matches!(lines, In::Hidden | In::Text(Some(LineKind::Refusal)));
    if looked_for.is_empty() && !listed && (lines != In::Text(None) || given.has("all")) {
        return desk
            .misused(command, &Misuse::Missing("search-no-words"))
            .await;
    }
    // What was not echoed is read in clear: as for a replay that unmasks.
    if lines == In::Hidden
        && let Some(status) = unmasked(desk, by, command, words).await?
    {
        return Ok(status);
    }
    // On record before anything is shown: who looked for what.
    let mut record = desk
        .record(AuditKind::Search, now)
        .client(by.client())
        .permitted()
        .detail("words", looked_for.join(" "));
    for option in TAKES.values {
        if let Ok(Some(value)) = given.one(option) {
            record = record.detail(option, value);
        }
    }
    desk.gateway.store.record(&[record]).await?;
    let question = match looked_for.is_empty() {
        true if listed => Ok(Query::everything()),
        true => return list(desk, &sessions, now).await,
        false => Query::new(looked_for),
    };
    let question = match question {
        Ok(question) => question,
        Err(QueryError::TooShort) => {
            return desk
                .problem("search-too-short", &[("letters", SHORTEST.into())])
                .await;
        }
        Err(QueryError::TooLong) => return desk.problem("search-too-long", &[]).await,
    };
    let most = if given.has("all") { usize::MAX } else { HITS };
    find(desk, by, sessions, &question, lines, most).await
}

fn lines(written: Result<Option<&str>, Misuse>) -> Result<In, Misuse> {
    let Some(word) = written? else {
        return Ok(In::Text(None));
    };
    if word == HIDDEN {
        return Ok(In::Hidden);
    }
    LineKind::ALL
        .into_iter()
        .find(|kind| kind.word() == word)
        .map(|kind| In::Text(Some(kind)))
        .ok_or_else(|| Misuse::KindUnknown(word.to_owned()))
}

async fn find(
    desk: &mut Desk<'_>,
    by: &AsAuditor<'_>,
    mut sessions: SessionQuery,
    question: &Query,
    lines: In,
    most: usize,
) -> Result<u32, Trouble> {
    // No filter knows what was not echoed.
    let grams = match lines {
        In::Text(_) => question.grams(),
        In::Hidden => Vec::new(),
    };
    let ahead = std::thread::available_parallelism().map_or(AHEAD, |cores| cores.get().max(AHEAD));
    let mut left = Left::default();
    let wants_screens =
        matches!(lines, In::Text(None | Some(LineKind::Screen))) && by.screens_are_searchable();
    let typing = matches!(lines, In::Text(None | Some(LineKind::Typed)));
    let (mut shown, mut enough) = (0usize, false);
    let mut refusals = Refusals::of(desk, &sessions, question, lines).await?;
    sessions.limit = Some(PAGE);
    'pages: loop {
        let asking = desk.gateway.readers.asking().await;
        if let Err(refusal) = still_theirs(desk, &sessions, lines) {
            return desk.refused(&refusal).await;
        }
        let page = desk.gateway.store.searchable(&sessions, &grams).await?;
        drop(asking);
        let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        sessions.before = page.last().map(|(session, _)| session.number);
        let mut worth_opening = VecDeque::new();
        for (session, found) in page {
            if session.hidden_lines > 0 && typing {
                left.hidden.push(session.number);
            }
            match session.screen_text {
                _ if !wants_screens || found == Searchable::Unknown => {}
                Some(true) => {}
                Some(false) => left.without_screens.push(session.number),
                None => left.screens_unknown.push(session.number),
            }
            match found {
                Searchable::No => {}
                Searchable::NotInPart => left.partly += 1,
                Searchable::Unknown if session.end.is_none() => left.live += 1,
                Searchable::Unknown => left.unreadable += 1,
                Searchable::Perhaps if !may_list(&session, question, lines, &refusals) => {}
                Searchable::Perhaps => worth_opening.push_back(session),
            }
        }
        let mut readings = VecDeque::new();
        loop {
            // One more than there is room for tells that there are more.
            let room = most.saturating_sub(shown);
            while readings.len() < ahead
                && let Some(session) = worth_opening.pop_front()
            {
                let reading = look_into(desk, &session, question, lines, room.saturating_add(1));
                readings.push_back((session, reading));
            }
            let Some((session, reading)) = readings.pop_front() else {
                break;
            };
            let hits = match reading
                .await
                .unwrap_or_else(|interrupted| Err(interrupted.into()))
            {
                Ok(hits) => hits,
                Err(problem) => {
                    let problem = there(desk.gateway, &session, problem).await;
                    let problem = desk.gateway.texts.unreadable(desk.lang(), &problem);
                    let args = [
                        ("number", session.number.into()),
                        ("problem", problem.into()),
                    ];
                    desk.problem("search-problem", &args).await?;
                    continue;
                }
            };
            // Reading may have taken a while.
            if let Err(refusal) = still_theirs(desk, &sessions, lines) {
                return desk.refused(&refusal).await;
            }
            if let Some(fault) = session.fault.as_ref().filter(|_| !hits.is_empty()) {
                not_on_record(desk, fault, clock::now()).await?;
            }
            for hit in hits.iter().take(room) {
                if hit.line.kind == LineKind::Refusal {
                    refusals.shown_of(&session);
                }
                show(desk, &session, hit, question, lines).await?;
            }
            shown += hits.len().min(room);
            if hits.len() > room {
                enough = true;
                break 'pages;
            }
        }
        if !full {
            break;
        }
    }
    if !enough {
        if let Err(refusal) = still_theirs(desk, &sessions, lines) {
            return desk.refused(&refusal).await;
        }
        let found = refusals.left();
        let room = most.saturating_sub(shown);
        for refused in found.iter().take(room) {
            show_refused(desk, refused, question).await?;
        }
        shown += found.len().min(room);
        enough = found.len() > room;
    }
    let screens = match lines {
        In::Text(Some(kind)) if kind != LineKind::Screen => true,
        In::Text(_) => by.screens_are_searchable(),
        In::Hidden => true,
    };
    if shown == 0 {
        let id = if screens && left.is_nothing() && left.hidden.is_empty() {
            "search-none"
        } else {
            "search-none-partly"
        };
        desk.line(id, &[]).await?;
        if typing {
            left.tell_hidden(desk).await?;
            desk.line("search-no-input", &[]).await?;
        }
    }
    if enough {
        desk.line("search-more", &[("shown", shown.into())]).await?;
    }
    if !screens {
        desk.line("search-no-screens", &[]).await?;
    }
    left.tell(desk).await?;
    Ok(status::DONE)
}

/// Whether a recording may have lines of a list without words: only those are opened.
fn may_list(session: &Session, question: &Query, lines: In, refusals: &Refusals) -> bool {
    match lines {
        _ if !question.is_everything() => true,
        In::Hidden => session.hidden_lines > 0,
        In::Text(_) => refusals.touch(session),
    }
}

/// An excerpt of a line with what was found in it.
fn marked(desk: &Desk<'_>, line: &str, found: &[std::ops::Range<usize>]) -> String {
    let mut text = String::from("    ");
    for piece in excerpt(line, found, WIDTH) {
        match (piece.found, desk.terminal.is_plain()) {
            (false, _) => text.push_str(&piece.text),
            (true, true) => {
                text.push('«');
                text.push_str(&piece.text);
                text.push('»');
            }
            (true, false) => text.push_str(&desk.terminal.bold(&piece.text)),
        }
    }
    text
}

/// Whether the auditor may still read these sessions, as the documents say now: a search outlasts the right it began with.
fn still_theirs(desk: &Desk<'_>, sessions: &SessionQuery, lines: In) -> Result<(), Refusal> {
    let applied = desk.applied();
    let by = desk.visitor.as_auditor(&applied)?;
    if lines == In::Hidden {
        // Begun with a code of its moment; the grant is what may end.
        by.may_unmask()?;
    }
    if sessions.client.as_ref() == Some(by.client()) {
        Ok(())
    } else {
        Err(Refusal::NotAnAuditor)
    }
}

/// Begins to look for hits in one recording.
fn look_into(
    desk: &Desk<'_>,
    session: &Session,
    question: &Query,
    lines: In,
    most: usize,
) -> Reading<Result<Vec<Hit>, Unreadable>> {
    let directory = &desk.gateway.settings.recordings.directory;
    let dir = session.start.recording.as_ref();
    let dir = dir.map(|path| directory.join(path));
    let keys = Arc::clone(desk.gateway.keeper.keys());
    let question = question.clone();
    let readers = &desk.gateway.readers;
    let (id, client) = (session.start.id, session.start.client.clone());
    readers.read(desk.person(), move || match dir {
        Some(dir) => hits_in(
            dir,
            (id, &client),
            &keys,
            &question,
            lines,
            most.min(HITS_EACH),
        ),
        None => Ok(Vec::new()),
    })
}

/// The hits in one recording, in the order of time.
fn hits_in(
    dir: PathBuf,
    (session, client): (SessionId, &ClientId),
    keys: &EvidenceKeys,
    question: &Query,
    lines: In,
    most: usize,
) -> Result<Vec<Hit>, Unreadable> {
    let recording = open(&dir, session, client, keys)?;
    let mut hits = Vec::new();
    let mut keep = |line: Line| {
        let offset = offset(&recording, &line);
        hits.push(Hit { line, offset });
        hits.len() < most
    };
    match lines {
        In::Text(kind) => find_lines(&recording, question, |line| {
            kind.is_some_and(|kind| kind != line.kind) || keep(line)
        })?,
        In::Hidden => search::hidden(&recording, |line| {
            question.find(&line.text).is_none() || keep(line)
        })?,
    }
    hits.sort_by_key(|hit| hit.line.at_us);
    Ok(hits)
}

/// Hands over the lines of a recording in which `question` is found, until `each` says `false`.
pub(super) fn find_lines(
    recording: &OpenRecording,
    question: &Query,
    each: impl FnMut(Line) -> bool,
) -> Result<(), Unreadable> {
    let text = recording.open(layout::TEXT)?;
    let mut text = BufReader::with_capacity(READ, text);
    search::find(&mut text, question, each).map_err(|source| {
        let path = recording.dir().join(layout::TEXT);
        Unreadable::of(&ReadError::Io { path, source })
    })
}

/// Where a replay of the line's channel has to go to show it; none for what concerns no channel.
pub(super) fn offset(recording: &OpenRecording, line: &Line) -> Option<Duration> {
    let channels = &recording.record().channels;
    let channel = channels
        .iter()
        .find(|channel| channel.number == line.channel && line.channel != SESSION)?;
    Some(Duration::from_micros(
        line.at_us.saturating_sub(channel.opened_us),
    ))
}

async fn show(
    desk: &mut Desk<'_>,
    session: &Session,
    hit: &Hit,
    question: &Query,
    lines: In,
) -> Result<(), Trouble> {
    let Session { number, start, .. } = session;
    let line = &hit.line;
    let at = Timestamp::from_micros(start.at.as_micros().saturating_add_unsigned(line.at_us));
    let kind = match lines {
        In::Hidden => "search-kind-hidden",
        In::Text(_) => kind_word(line.kind),
    };
    let kind = desk.say(kind, &[]);
    let head = format!(
        "{} · {} · {} · {}@{} · {kind}",
        desk.terminal.bold(&number.to_string()),
        times::date_and_clock(at),
        start.person,
        start.account,
        start.target,
    );
    desk.terminal.hanging(&head, 4).await?;
    let found = question.find(&line.text).unwrap_or_default();
    let text = marked(desk, &line.text, &found);
    desk.terminal.hanging(&text, 4).await?;
    let mut command = format!("    replay {number}");
    if let Some(offset) = hit.offset {
        command.push_str(&format!(
            " --channel {} --at {}",
            line.channel,
            moments::written(offset)
        ));
    }
    desk.terminal.line(&command).await?;
    Ok(())
}

fn kind_word(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Command => "search-kind-command",
        LineKind::Typed => "search-kind-typed",
        LineKind::Screen => "search-kind-screen",
        LineKind::Note => "search-kind-note",
        LineKind::Refusal => "search-kind-refusal",
        LineKind::File => "search-kind-file",
    }
}
