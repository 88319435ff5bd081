//! Second pass over a closed journal: writes the final files into a directory of their own.

use crate::convert_channel::ChannelWriter;
use crate::record::{self, ChannelRecord, NoteLine, SessionRecord};
use crate::survey::{ChannelSurvey, Survey};
use crate::{
    ChannelKind, ChannelOpened, Event, Exit, FinishError, JournalFacts, JournalReader, Stream,
    StreamCounts, layout,
};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const BUFFER: usize = 256 * 1024;

/// Writes every file but `session.json`, and returns what that one must say.
pub(crate) fn convert(
    reader: &mut JournalReader,
    mut survey: Survey,
    dir: &Path,
    torn_bytes: u64,
) -> Result<SessionRecord, FinishError> {
    let mut notes = Notes {
        path: dir.join(layout::NOTES),
        out: None,
        lines: 0,
    };
    let mut open: BTreeMap<u32, ChannelWriter> = BTreeMap::new();
    let mut channels: Vec<ChannelRecord> = Vec::new();
    let facts = reader.facts().clone();

    while let Some(frame) = reader.next_frame()? {
        let (number, at_us) = (frame.channel, frame.at_us);
        let channel = open.get_mut(&number);
        match (frame.event, channel) {
            (Event::ChannelOpened(opened), None) => {
                let known = survey.channels.remove(&number).unwrap_or_default();
                open.insert(
                    number,
                    ChannelWriter::create(dir, &facts, number, at_us, opened.into_owned(), known)?,
                );
            }
            // No recorder opens a channel twice; should a journal say so, both stay in one cast.
            (Event::ChannelOpened(_), Some(channel)) => channel.mark(at_us, "opened again")?,
            (Event::Output(bytes), Some(channel)) => channel.bytes(at_us, Stream::Output, bytes)?,
            (Event::ErrorOutput(bytes), Some(channel)) => {
                channel.bytes(at_us, Stream::ErrorOutput, bytes)?
            }
            (Event::Input(bytes), Some(channel)) => channel.bytes(at_us, Stream::Input, bytes)?,
            (Event::Output(bytes), None) => {
                let channel = orphan(dir, &facts, number, at_us, &mut survey)?;
                open.entry(number)
                    .or_insert(channel)
                    .bytes(at_us, Stream::Output, bytes)?;
            }
            (Event::ErrorOutput(bytes), None) => {
                let channel = orphan(dir, &facts, number, at_us, &mut survey)?;
                open.entry(number)
                    .or_insert(channel)
                    .bytes(at_us, Stream::ErrorOutput, bytes)?;
            }
            (Event::Input(bytes), None) => {
                let channel = orphan(dir, &facts, number, at_us, &mut survey)?;
                open.entry(number)
                    .or_insert(channel)
                    .bytes(at_us, Stream::Input, bytes)?;
            }
            (Event::Resize { cols, rows }, Some(channel)) => channel.resize(at_us, cols, rows)?,
            (Event::Marker(text), Some(channel)) => channel.marker(at_us, text)?,
            (Event::Eof(direction), Some(channel)) => channel.eof(at_us, direction)?,
            (Event::ExitStatus(status), Some(channel)) => {
                channel.exit(at_us, Exit::Status(status))?
            }
            (Event::ExitSignal(signal), Some(channel)) => {
                channel.exit(at_us, Exit::Signal(signal.into_owned()))?
            }
            (Event::Note(text), Some(channel)) => channel.mark(at_us, &format!("note {text}"))?,
            (Event::Refusal(text), Some(channel)) => {
                channel.mark(at_us, &format!("refused {text}"))?
            }
            (Event::ChannelClosed(closed), Some(_)) => {
                if let Some(channel) = open.remove(&number) {
                    let record = channel.finish(at_us, Some(closed.reason.clone()))?;
                    check_counts(&record, closed.bytes)?;
                    channels.push(record);
                }
            }
            (Event::Note(text), None) => notes.write(at_us, number, "note", text)?,
            (Event::Refusal(text), None) => notes.write(at_us, number, "refusal", text)?,
            (Event::Marker(text), None) => notes.write(at_us, number, "marker", text)?,
            (
                Event::Resize { .. }
                | Event::Eof(_)
                | Event::ExitStatus(_)
                | Event::ExitSignal(_)
                | Event::ChannelClosed(_),
                None,
            ) => notes.write(
                at_us,
                number,
                "note",
                "an event on a channel that is not open",
            )?,
            (Event::SessionEnd(_), _) => {}
        }
    }
    for channel in open.into_values() {
        channels.push(channel.finish(survey.last_us, None)?);
    }
    channels.sort_by_key(|channel| channel.number);
    let notes = notes.finish()?;

    Ok(SessionRecord {
        format: record::FORMAT.to_owned(),
        version: record::VERSION,
        facts,
        ended_us: survey.last_us,
        cut_short: survey.end.is_none(),
        end: survey.end,
        torn_bytes,
        notes,
        channels,
        journal: JournalFacts {
            frames: survey.frames,
            bytes: survey.bytes,
        },
    })
}

/// Bytes on a channel that was never opened: no recorder writes that, but no byte is dropped.
fn orphan(
    dir: &Path,
    facts: &crate::SessionFacts,
    number: u32,
    at_us: u64,
    survey: &mut Survey,
) -> Result<ChannelWriter, FinishError> {
    let opened = ChannelOpened {
        kind: ChannelKind::Exec,
        command: None,
        account: None,
        pty: None,
        env: Vec::new(),
    };
    let known: ChannelSurvey = survey.channels.remove(&number).unwrap_or_default();
    ChannelWriter::create(dir, facts, number, at_us, opened, known)
}

/// What the recorder counted while writing must be what stands in the frames.
fn check_counts(record: &ChannelRecord, counted: StreamCounts) -> Result<(), FinishError> {
    let found = StreamCounts {
        output: record.output.bytes,
        error_output: record.error_output.bytes,
        input: record.input.bytes,
    };
    if found == counted {
        return Ok(());
    }
    Err(FinishError::Mismatch {
        what: format!("the byte count of channel {}", record.number),
    })
}

struct Notes {
    path: PathBuf,
    out: Option<BufWriter<File>>,
    lines: u64,
}

impl Notes {
    fn write(
        &mut self,
        at_us: u64,
        channel: u32,
        kind: &str,
        text: &str,
    ) -> Result<(), FinishError> {
        let out = match &mut self.out {
            Some(out) => out,
            None => self.out.insert(create(&self.path)?),
        };
        let line = NoteLine {
            at_us,
            channel,
            kind: kind.to_owned(),
            text: text.to_owned(),
        };
        write_line(out, &line).map_err(|error| FinishError::io("write to", &self.path, error))?;
        self.lines = self.lines.saturating_add(1);
        Ok(())
    }

    fn finish(self) -> Result<u64, FinishError> {
        if let Some(mut out) = self.out {
            out.flush()
                .map_err(|error| FinishError::io("write to", &self.path, error))?;
        }
        Ok(self.lines)
    }
}

pub(crate) fn create(path: &Path) -> Result<BufWriter<File>, FinishError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map(|file| BufWriter::with_capacity(BUFFER, file))
        .map_err(|error| FinishError::io("create", path, error))
}

pub(crate) fn write_line(
    out: &mut impl Write,
    value: &impl serde::Serialize,
) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
