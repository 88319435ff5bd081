//! A session as readable text, in the order of time: commands, lines of output, what was refused, how it ended.
//!
//! Lines of a terminal are known when they leave its screen, with the time at which they were printed; lines of channels
//! that are open together come from several files. They wait here until nothing older can come, within [`MOST_WAITING`].

mod channel;
mod markers;
mod words;

use crate::bundle::Language;
use crate::record::NoteLine;
use crate::search::Query;
use crate::{ChannelRecord, OpenRecording, ReadError, SessionEnd, layout, neutralise, spoken};
use channel::Source;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, BufRead, BufReader, Read, Write};
use words::Words;

/// Channels that are read together; those beyond begin when one of them has ended.
const TOGETHER: usize = 16;
/// Lines that wait for older ones. **Unit**: bytes. Beyond, the oldest is written all the same.
const MOST_WAITING: usize = 4 << 20;
/// What waits is looked at so often. **Unit**: events.
const LOOK_EACH: u64 = 64;

/// What of a recording is wanted.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// One channel alone, and what concerns the whole session.
    pub channel: Option<u32>,
    /// What happened from then on. **Unit**: microseconds since the session's start.
    pub from_us: u64,
    /// What stands behind the first line in which this is found, and that line.
    pub find: Option<Query>,
    /// The language of what the transcript itself says.
    pub language: Language,
}

/// Writes a recording as text. Nothing in it can act on a terminal: escape sequences of a
/// shell are interpreted, those of a command are shown.
///
/// # Errors
/// When a file does not read, or `out` fails.
pub fn transcript(recording: &OpenRecording, out: &mut impl Write) -> Result<(), ReadError> {
    transcript_of(recording, Part::default(), out).map(drop)
}

/// The same for a part of it; whether what was to be found was.
///
/// # Errors
/// When a file does not read, or `out` fails.
pub fn transcript_of(
    recording: &OpenRecording,
    part: Part,
    out: &mut impl Write,
) -> Result<bool, ReadError> {
    let fail = |error| ReadError::io(recording.dir(), error);
    let language = part.language;
    let words = words::of(language);
    heading(recording, words, out).map_err(fail)?;
    let mut channels: VecDeque<&ChannelRecord> = recording
        .record()
        .channels
        .iter()
        .filter(|channel| part.channel.is_none_or(|wanted| wanted == channel.number))
        .collect();
    channels
        .make_contiguous()
        .sort_by_key(|channel| channel.opened_us);
    let mut lines = Lines {
        words,
        started: recording.record().facts.started,
        several: channels.len() > 1,
        from_us: part.from_us,
        find: part.find,
        waiting: BinaryHeap::new(),
        bytes: 0,
        given: 0,
        out,
    };
    let mut notes = Notes::open(recording, part.channel)?;
    let mut open: Vec<Source> = Vec::new();
    for step in 0u64.. {
        let next_open = channels
            .front()
            .filter(|_| open.len() < TOGETHER)
            .map(|channel| channel.opened_us);
        let first = open
            .iter()
            .enumerate()
            .min_by_key(|(_, source)| source.next_us())
            .map(|(place, source)| (source.next_us(), place));
        let next_note = notes.next.as_ref().map(|note| note.at_us);
        let earlier = |time: Option<u64>, than: Option<u64>| {
            time.is_some_and(|time| than.is_none_or(|than| time <= than))
        };
        let next_line = first.map(|(at_us, _)| at_us);
        if earlier(next_note, next_open) && earlier(next_note, next_line) {
            if let Some(note) = notes.take()? {
                lines.push(note.at_us, mark(&note, words));
            }
        } else if earlier(next_open, next_line) {
            if let Some(channel) = channels.pop_front() {
                open.push(Source::open(recording, channel, &mut lines)?);
            }
        } else if let Some((_, place)) = first {
            let goes_on = match open.get_mut(place) {
                Some(source) => source.step(&mut lines)?,
                None => false,
            };
            if !goes_on {
                open.swap_remove(place).end(&mut lines);
            }
        } else {
            break;
        }
        if step % LOOK_EACH == 0 || lines.bytes > MOST_WAITING {
            let settled = open.iter().map(Source::settled_us);
            let begins = channels.front().map(|channel| channel.opened_us);
            let note = notes.next.as_ref().map(|note| note.at_us);
            let settled = settled.chain(begins).chain(note).min();
            lines
                .write_until(settled.unwrap_or(u64::MAX))
                .map_err(fail)?;
        }
    }
    lines.write_until(u64::MAX).map_err(fail)?;
    let found = lines.find.is_none();
    let record = recording.record();
    let ended = layout::moment(
        record
            .facts
            .started
            .saturating_add_unsigned(record.ended_us),
    );
    match &record.end {
        Some(end) => {
            let said = match spoken(language, &end.text) {
                // A sentence that this program knows says all of it.
                Some(said) => said,
                None => ended_in_parts(end, words, language),
            };
            let ended = format!("{} {ended}", words.ended);
            writeln!(out, "{ended}{}{}", words.colon, neutralise(said))
        }
        None => writeln!(
            out,
            "{} {ended}{}{}",
            words.ended, words.colon, words.stops_here
        ),
    }
    .map_err(fail)?;
    Ok(found)
}

/// How a session ended: the reason, who, and what was said of it beside.
fn ended_in_parts(end: &SessionEnd, words: &Words, language: Language) -> String {
    let [reason, by, text] = end.parts();
    // What a line of English says again is said in the reader's words all the same.
    let reason = match language {
        Language::French => Some(end.reason.as_str()),
        Language::English => reason,
    };
    let reason = reason.map(|reason| language.end(reason));
    let by = by.map(|by| format!("{} {by}", words.by));
    let who: Vec<&str> = [reason, by.as_deref()].into_iter().flatten().collect();
    let text = text.filter(|text| language == Language::English || *text != end.reason);
    let parts: Vec<String> = [Some(who.join(" ")).filter(|who| !who.is_empty())]
        .into_iter()
        .chain([text.map(str::to_owned)])
        .flatten()
        .collect();
    parts.join(words.colon)
}

fn heading(recording: &OpenRecording, words: &Words, out: &mut impl Write) -> io::Result<()> {
    let facts = &recording.record().facts;
    let optional = |name: &Option<String>| name.as_ref().map_or_else(|| "-".to_owned(), neutralise);
    writeln!(out, "{} {}", words.session, facts.session)?;
    writeln!(out, "{} {}", words.started, layout::moment(facts.started))?;
    writeln!(
        out,
        "{} {} {} {}, {} {}, {} {} ({})",
        words.who,
        neutralise(&facts.person),
        words.of,
        optional(&facts.provider),
        words.station,
        optional(&facts.station),
        words.from,
        neutralise(&facts.source),
        neutralise(&facts.terminal)
    )?;
    let accounts: Vec<String> = facts.accounts.iter().map(neutralise).collect();
    writeln!(
        out,
        "{} {} {} {}, {} {}",
        words.target,
        neutralise(&facts.target),
        words.of,
        neutralise(&facts.client),
        words.account,
        accounts.join(", ")
    )?;
    writeln!(out, "{} {}", words.why, neutralise(&facts.reason))
}

/// Lines on their way out, the oldest first.
pub(crate) struct Lines<'o, W> {
    words: &'static Words,
    started: i64,
    several: bool,
    from_us: u64,
    /// What is still to be found.
    find: Option<Query>,
    waiting: BinaryHeap<Reverse<(u64, u64, String)>>,
    bytes: usize,
    given: u64,
    out: &'o mut W,
}

impl<W: Write> Lines<'_, W> {
    /// A line, as it is written.
    fn push(&mut self, at_us: u64, text: String) {
        self.push_until(at_us, at_us, text);
    }

    /// The same for what was to be seen for a while.
    fn push_until(&mut self, at_us: u64, until_us: u64, text: String) {
        if until_us < self.from_us {
            return;
        }
        self.bytes = self.bytes.saturating_add(text.len() + 32);
        self.given += 1;
        self.waiting.push(Reverse((at_us, self.given, text)));
    }

    /// Writes what is older than whatever may still come.
    fn write_until(&mut self, settled_us: u64) -> io::Result<()> {
        while let Some(Reverse((at_us, ..))) = self.waiting.peek() {
            if *at_us > settled_us && self.bytes <= MOST_WAITING {
                return Ok(());
            }
            let Some(Reverse((at_us, _, text))) = self.waiting.pop() else {
                return Ok(());
            };
            self.bytes = self.bytes.saturating_sub(text.len() + 32);
            let bare = text.strip_prefix(BARE);
            if bare.is_none() {
                self.find.take_if(|find| find.find(&text).is_some());
                if self.find.is_some() {
                    continue;
                }
            }
            match bare {
                Some(bare) => writeln!(self.out, "{bare}")?,
                None => writeln!(self.out, "{} {text}", clock(self.started, at_us))?,
            }
        }
        Ok(())
    }
}

/// What begins with this is written without its time.
const BARE: char = '\u{0}';

fn mark(note: &NoteLine, words: &Words) -> String {
    let kind = match note.kind.as_str() {
        "refusal" => words.refused,
        "note" => words.note,
        "marker" => words.marker,
        kind => kind,
    };
    let text = words.said(&note.text);
    format!("[{} {}]", neutralise(kind), neutralise(text.as_ref()))
}

/// What was said of the whole session, one after the other.
struct Notes {
    lines: Option<BufReader<Box<dyn Read + Send>>>,
    path: std::path::PathBuf,
    channel: Option<u32>,
    next: Option<NoteLine>,
}

impl Notes {
    fn open(recording: &OpenRecording, channel: Option<u32>) -> Result<Self, ReadError> {
        let lines = match recording.record().notes {
            0 => None,
            _ => Some(BufReader::new(recording.open(layout::NOTES)?)),
        };
        let mut notes = Notes {
            lines,
            path: recording.dir().join(layout::NOTES),
            channel,
            next: None,
        };
        notes.take()?;
        Ok(notes)
    }

    /// The next one; the one after it is read.
    fn take(&mut self) -> Result<Option<NoteLine>, ReadError> {
        let taken = self.next.take();
        let Some(lines) = &mut self.lines else {
            return Ok(taken);
        };
        let mut line = Vec::new();
        loop {
            line.clear();
            lines
                .take(4 * 1024 * 1024)
                .read_until(b'\n', &mut line)
                .map_err(|error| ReadError::io(&self.path, error))?;
            if line.is_empty() {
                self.lines = None;
                return Ok(taken);
            }
            let concerns = |note: &NoteLine| {
                note.channel == crate::SESSION
                    || self.channel.is_none_or(|channel| channel == note.channel)
            };
            if let Ok(note) = serde_json::from_slice::<NoteLine>(&line)
                && concerns(&note)
            {
                self.next = Some(note);
                return Ok(taken);
            }
        }
    }
}

fn clock(started: i64, at_us: u64) -> String {
    let moment = layout::moment(started.saturating_add_unsigned(at_us));
    moment.split(' ').nth(1).unwrap_or_default().to_owned()
}
