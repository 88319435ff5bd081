//! The events of one channel in time, from a sealed recording or from a journal still growing.
//!
//! Pure as to time: each event says how long to wait before it; the caller waits. Seeking back starts
//! again: [`PlayEvent::Opened`] always means "begin with an empty screen".

use crate::cast::{CastEvent, CastReader, Code, MARK};
use crate::evidence::key::RecordingKey;
use crate::record::{ChannelRecord, NoteLine};
use crate::{ChannelOpened, Event, Follower, OpenRecording, ReadError, layout, packets};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Something to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayEvent {
    /// The channel begins; also after seeking back. Start with [`crate::Screen::for_channel`].
    Opened(Box<ChannelOpened>),
    /// The target printed this, on standard output or standard error.
    Output(Vec<u8>),
    /// The technician typed this: masked where it was not echoed, and masked throughout while the
    /// session is live, because only later output can tell.
    Input(String),
    /// The terminal changed size.
    Resize {
        /// Columns.
        cols: u32,
        /// Rows.
        rows: u32,
    },
    /// A marker, neutralised; ours begin with `ecluse:`.
    Marker(String),
}

/// An event and when it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    /// How long after the channel's opening, as recorded.
    pub at: Duration,
    /// How long to wait after the previous event, speed and idle limit counted in.
    pub wait: Duration,
    /// What to show.
    pub event: PlayEvent,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An event.
    Event(Timed),
    /// Nothing yet: the session is live. Ask again after the recorder's next append.
    Waiting,
    /// The channel ended.
    End,
}

/// Plays one channel.
pub struct Playback {
    from: From,
    source: Source,
    speed: f64,
    idle_limit: Option<Duration>,
    /// Events up to here come without waiting.
    hurry_until: Duration,
    last: Duration,
    /// Output of the last event that is still to be given.
    rest: Vec<u8>,
}

/// Output is given in pieces so long at most: drawing one takes a few milliseconds.
const PIECE: usize = 16 * 1024;

enum From {
    Recording {
        opened: Box<ChannelOpened>,
        recording: OpenRecording,
        cast: String,
        /// What was refused to the session meanwhile, with its time since the channel's opening.
        refused: Vec<(u64, String)>,
    },
    Live {
        journal: PathBuf,
        key: RecordingKey,
        channel: u32,
    },
}

enum Source {
    Recording {
        reader: CastReader,
        opened: Option<Box<ChannelOpened>>,
        /// The next event of the cast.
        ahead: Option<Box<CastEvent>>,
        /// How many refusals were given.
        refused: usize,
    },
    Live {
        follower: Box<Follower>,
        /// None before the channel begins.
        opened_us: Option<u64>,
        /// It carries packets, of which only the log is shown.
        packets: bool,
        ended: bool,
    },
}

impl Playback {
    /// Plays a channel of a sealed recording.
    ///
    /// # Errors
    /// When there is no such channel or its cast does not open.
    pub fn recording(recording: &OpenRecording, channel: u32) -> Result<Self, ReadError> {
        let record = recording
            .record()
            .channels
            .iter()
            .find(|found| found.number == channel);
        let record = record.ok_or_else(|| {
            ReadError::foreign(recording.dir(), format!("it has no channel {channel}"))
        })?;
        let from = From::Recording {
            opened: Box::new(record.opened.clone()),
            recording: recording.clone(),
            cast: record.files.cast.clone(),
            refused: refused(recording, record)?,
        };
        Self::start(from)
    }

    /// Plays a channel of a live journal, from its beginning; see [`Playback::seek`] to catch up.
    ///
    /// # Errors
    /// When the journal does not open.
    pub fn live(journal: &Path, key: &RecordingKey, channel: u32) -> Result<Self, ReadError> {
        Self::start(From::Live {
            journal: journal.to_path_buf(),
            key: key.clone(),
            channel,
        })
    }

    fn start(from: From) -> Result<Self, ReadError> {
        let source = from.open()?;
        Ok(Playback {
            from,
            source,
            speed: 1.0,
            idle_limit: None,
            hurry_until: Duration::ZERO,
            last: Duration::ZERO,
            rest: Vec::new(),
        })
    }

    /// Plays so many times faster; kept between 1/100 and 1000.
    pub fn set_speed(&mut self, speed: f64) {
        self.speed = if speed.is_finite() {
            speed.clamp(0.01, 1000.0)
        } else {
            1.0
        };
    }

    /// How many times faster it plays.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Waits at most so long between two events, before speed counts.
    pub fn set_idle_limit(&mut self, limit: Option<Duration>) {
        self.idle_limit = limit;
    }

    /// The longest wait between two events, where there is one.
    #[must_use]
    pub fn idle_limit(&self) -> Option<Duration> {
        self.idle_limit
    }

    /// The recorded time of the last event given.
    #[must_use]
    pub fn position(&self) -> Duration {
        self.last
    }

    /// Goes to a recorded time: events up to it come without waiting. Back means from the start, with
    /// another [`PlayEvent::Opened`]. `Duration::MAX` on a live journal catches up and stays there.
    ///
    /// # Errors
    /// When the files do not open again.
    pub fn seek(&mut self, to: Duration) -> Result<(), ReadError> {
        if to < self.last {
            self.source = self.from.open()?;
            self.last = Duration::ZERO;
            self.rest = Vec::new();
        }
        self.hurry_until = to;
        Ok(())
    }

    /// What comes next.
    ///
    /// # Errors
    /// When the file does not read.
    pub fn next_step(&mut self) -> Result<Step, ReadError> {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Ok(Step::Event(Timed {
                at: self.last,
                wait: Duration::ZERO,
                event: self.piece(rest),
            }));
        }
        let (at, event) = match self.source.next(&self.from)? {
            Found::Event(at_us, event) => (Duration::from_micros(at_us), event),
            Found::Waiting => return Ok(Step::Waiting),
            Found::End => return Ok(Step::End),
        };
        let wait = self.wait(at);
        self.last = at.max(self.last);
        let event = match event {
            PlayEvent::Output(bytes) => self.piece(bytes),
            event @ (PlayEvent::Opened(_)
            | PlayEvent::Input(_)
            | PlayEvent::Resize { .. }
            | PlayEvent::Marker(_)) => event,
        };
        Ok(Step::Event(Timed { at, wait, event }))
    }

    fn piece(&mut self, mut bytes: Vec<u8>) -> PlayEvent {
        if bytes.len() > PIECE {
            self.rest = bytes.split_off(PIECE);
        }
        PlayEvent::Output(bytes)
    }

    fn wait(&self, at: Duration) -> Duration {
        if at <= self.hurry_until {
            return Duration::ZERO;
        }
        let since = at.saturating_sub(self.last.max(self.hurry_until));
        let since = self.idle_limit.map_or(since, |limit| since.min(limit));
        Duration::try_from_secs_f64(since.as_secs_f64() / self.speed).unwrap_or(since)
    }

    /// The markers of a sealed recording with their times, and what was refused; other `ecluse:` ones left out. A live
    /// journal gives none: it plays only forward.
    ///
    /// # Errors
    /// When the file does not read.
    pub fn markers(&self) -> Result<Vec<(Duration, String)>, ReadError> {
        let From::Recording {
            recording,
            cast,
            refused,
            ..
        } = &self.from
        else {
            return Ok(Vec::new());
        };
        let mut reader = recording.cast(cast)?;
        let mut markers: Vec<(Duration, String)> = refused
            .iter()
            .map(|(at_us, text)| (Duration::from_micros(*at_us), refusal(text)))
            .collect();
        while let Some(event) = reader.next_event()? {
            let own = event.text.strip_prefix(MARK);
            if event.code == Code::Marker && own.is_none_or(|own| own.starts_with(REFUSED)) {
                markers.push((
                    Duration::from_micros(event.at_us),
                    crate::neutralise(&event.text),
                ));
            }
        }
        markers.sort_by_key(|(at, _)| *at);
        Ok(markers)
    }
}

/// How the marker of a refusal begins, behind `ecluse:`.
const REFUSED: &str = "refused ";
/// So many refusals of a session are shown beside each of its channels.
const MOST_REFUSED: usize = 10_000;

fn refusal(text: &str) -> String {
    format!("{MARK}{REFUSED}{}", crate::neutralise(text))
}

/// What was refused to the session while a channel was open.
fn refused(
    recording: &OpenRecording,
    channel: &ChannelRecord,
) -> Result<Vec<(u64, String)>, ReadError> {
    if recording.record().notes == 0 {
        return Ok(Vec::new());
    }
    let path = recording.dir().join(layout::NOTES);
    let mut lines = BufReader::new(recording.open(layout::NOTES)?);
    let mut refused = Vec::new();
    let mut line = Vec::new();
    while refused.len() < MOST_REFUSED {
        line.clear();
        (&mut lines)
            .take(LONGEST_NOTE)
            .read_until(b'\n', &mut line)
            .map_err(|error| ReadError::io(&path, error))?;
        if line.is_empty() {
            break;
        }
        if let Ok(note) = serde_json::from_slice::<NoteLine>(&line)
            && note.kind == "refusal"
            && (channel.opened_us..=channel.closed_us).contains(&note.at_us)
        {
            refused.push((note.at_us.saturating_sub(channel.opened_us), note.text));
        }
    }
    Ok(refused)
}

/// Longest line of `notes.jsonl`.
const LONGEST_NOTE: u64 = 4 << 20;

enum Found {
    Event(u64, PlayEvent),
    Waiting,
    End,
}

impl From {
    /// Whether what is recorded carries packets, of which only the log is shown.
    fn is_packets(&self) -> bool {
        match self {
            From::Recording { opened, .. } => opened.kind.carries_packets(),
            From::Live { .. } => false,
        }
    }

    fn open(&self) -> Result<Source, ReadError> {
        Ok(match self {
            From::Recording {
                opened,
                recording,
                cast,
                refused: _,
            } => {
                let mut reader = recording.cast(cast)?;
                Source::Recording {
                    ahead: reader.next_event()?.map(Box::new),
                    reader,
                    opened: Some(opened.clone()),
                    refused: 0,
                }
            }
            From::Live { journal, key, .. } => Source::Live {
                follower: Box::new(Follower::open(journal, key)?),
                opened_us: None,
                packets: false,
                ended: false,
            },
        })
    }
}

impl Source {
    fn next(&mut self, from: &From) -> Result<Found, ReadError> {
        match self {
            Source::Recording {
                reader,
                opened,
                ahead,
                refused: given,
            } => {
                if let Some(opened) = opened.take() {
                    return Ok(Found::Event(0, PlayEvent::Opened(opened)));
                }
                let refused = match from {
                    From::Recording { refused, .. } => refused.get(*given),
                    From::Live { .. } => None,
                };
                if let Some((at_us, text)) = refused
                    && ahead.as_ref().is_none_or(|next| *at_us <= next.at_us)
                {
                    *given += 1;
                    return Ok(Found::Event(*at_us, PlayEvent::Marker(refusal(text))));
                }
                next_of_cast(reader, ahead, from.is_packets())
            }
            Source::Live {
                follower,
                opened_us,
                packets,
                ended,
            } => {
                let From::Live { channel, .. } = from else {
                    return Ok(Found::End);
                };
                next_of_journal(follower, *channel, opened_us, packets, ended)
            }
        }
    }
}

fn next_of_cast(
    reader: &mut CastReader,
    ahead: &mut Option<Box<CastEvent>>,
    is_packets: bool,
) -> Result<Found, ReadError> {
    while let Some(event) = ahead.take() {
        let event = *event;
        *ahead = reader.next_event()?.map(Box::new);
        let shown = match event.code {
            Code::Output => PlayEvent::Output(event.text.into_bytes()),
            Code::Input => PlayEvent::Input(event.text),
            Code::Resize { cols, rows } => PlayEvent::Resize { cols, rows },
            Code::Marker => packets::marker(&event.text, is_packets),
            Code::Exit => {
                PlayEvent::Marker(format!("{MARK}exit {}", crate::neutralise(&event.text)))
            }
            Code::Other(_) => continue,
        };
        return Ok(Found::Event(event.at_us, shown));
    }
    Ok(Found::End)
}

fn next_of_journal(
    follower: &mut Follower,
    channel: u32,
    opened_us: &mut Option<u64>,
    is_packets: &mut bool,
    ended: &mut bool,
) -> Result<Found, ReadError> {
    while !*ended {
        let Some(frame) = follower.next_frame()? else {
            return Ok(Found::Waiting);
        };
        if let Event::SessionEnd(_) = frame.event {
            *ended = true;
            continue;
        }
        // What is refused to the session is shown beside each of its channels.
        let concerns = matches!(frame.event, Event::Refusal(_))
            && frame.channel == crate::SESSION
            && opened_us.is_some();
        if frame.channel != channel && !concerns {
            continue;
        }
        let shown = match frame.event {
            Event::ChannelOpened(opened) => {
                *opened_us = Some(frame.at_us);
                *is_packets = opened.kind.carries_packets();
                PlayEvent::Opened(Box::new(opened.into_owned()))
            }
            // Its log says what the packets were.
            Event::Output(_) | Event::Input(_) if *is_packets => continue,
            Event::Output(bytes) | Event::ErrorOutput(bytes) => PlayEvent::Output(bytes.to_vec()),
            Event::Input(bytes) => {
                let letters = bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
                PlayEvent::Input("•".repeat(letters))
            }
            Event::Resize { cols, rows } => PlayEvent::Resize { cols, rows },
            Event::Marker(text) => PlayEvent::Marker(crate::neutralise(text)),
            Event::Note(text) => packets::note(text, *is_packets),
            Event::Refusal(text) => PlayEvent::Marker(refusal(text)),
            Event::File(entry) => packets::entry(&entry),
            Event::ExitStatus(status) => PlayEvent::Marker(format!("{MARK}exit {status}")),
            Event::ExitSignal(signal) => {
                PlayEvent::Marker(format!("{MARK}signal {}", crate::neutralise(&signal.name)))
            }
            Event::ChannelClosed(closed) => {
                *ended = true;
                PlayEvent::Marker(format!(
                    "{MARK}closed {}",
                    crate::neutralise(&closed.reason)
                ))
            }
            Event::Eof(_) | Event::SessionEnd(_) | Event::Clock(_) => continue,
        };
        return Ok(Found::Event(
            frame.at_us.saturating_sub(opened_us.unwrap_or(0)),
            shown,
        ));
    }
    Ok(Found::End)
}
