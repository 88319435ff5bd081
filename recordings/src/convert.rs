//! Second pass over a closed journal: writes the final files to wherever they are wanted.

use crate::artefact::Artefacts;
use crate::convert_channel::ChannelWriter;
use crate::record::{self, ChannelRecord, NoteLine, SessionRecord};
use crate::search::{Bounds, Extractor};
use crate::survey::{ChannelSurvey, Survey};
use crate::{
    ChannelKind, ChannelOpened, Event, Exit, FinishError, JournalFacts, JournalReader, Stream,
    StreamCounts, layout,
};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Writes every file but `session.json`, and returns what that one must say. The lines to search are written where
/// `screen_text` says whether those of screens are among them.
pub(crate) fn convert<A: Artefacts>(
    reader: &mut JournalReader,
    mut survey: Survey,
    files: &mut A,
    torn_bytes: u64,
    screen_text: Option<bool>,
) -> Result<SessionRecord, FinishError> {
    let mut lines = match screen_text {
        Some(screen) => Some(extractor(&survey, screen, files.create(layout::TEXT)?)),
        None => None,
    };
    let mut notes = Notes {
        out: None,
        lines: 0,
    };
    let mut open: BTreeMap<u32, ChannelWriter<A::Out>> = BTreeMap::new();
    let mut channels: Vec<ChannelRecord> = Vec::new();
    let facts = reader.facts().clone();

    while let Some(frame) = reader.next_frame()? {
        let (number, at_us) = (frame.channel, frame.at_us);
        if let Some(lines) = &mut lines {
            lines
                .event(at_us, number, &frame.event)
                .map_err(text_failed)?;
        }
        let channel = open.get_mut(&number);
        match (frame.event, channel) {
            (Event::ChannelOpened(opened), None) => {
                let known = survey.channels.remove(&number).unwrap_or_default();
                open.insert(
                    number,
                    ChannelWriter::create(
                        files,
                        &facts,
                        number,
                        at_us,
                        opened.into_owned(),
                        known,
                    )?,
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
                let channel = orphan(files, &facts, number, at_us, &mut survey)?;
                open.entry(number)
                    .or_insert(channel)
                    .bytes(at_us, Stream::Output, bytes)?;
            }
            (Event::ErrorOutput(bytes), None) => {
                let channel = orphan(files, &facts, number, at_us, &mut survey)?;
                open.entry(number)
                    .or_insert(channel)
                    .bytes(at_us, Stream::ErrorOutput, bytes)?;
            }
            (Event::Input(bytes), None) => {
                let channel = orphan(files, &facts, number, at_us, &mut survey)?;
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
                    let closed = closed.into_owned();
                    let mut record = channel.finish(files, at_us, Some(closed.reason))?;
                    record.legs = closed.legs;
                    check_counts(&record, closed.bytes)?;
                    channels.push(record);
                }
            }
            (Event::Note(text), None) => notes.write(files, at_us, number, "note", text)?,
            (Event::Refusal(text), None) => notes.write(files, at_us, number, "refusal", text)?,
            (Event::Marker(text), None) => notes.write(files, at_us, number, "marker", text)?,
            (
                Event::Resize { .. }
                | Event::Eof(_)
                | Event::ExitStatus(_)
                | Event::ExitSignal(_)
                | Event::ChannelClosed(_),
                None,
            ) => notes.write(
                files,
                at_us,
                number,
                "note",
                "an event on a channel that is not open",
            )?,
            (Event::SessionEnd(_) | Event::Clock(_), _) => {}
        }
    }
    for channel in open.into_values() {
        channels.push(channel.finish(files, survey.last_us, None)?);
    }
    channels.sort_by_key(|channel| channel.number);
    let notes = notes.finish(files)?;
    if let Some(lines) = lines {
        let (out, _) = lines.finish().map_err(text_failed)?;
        files.finish(layout::TEXT, out)?;
    }

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
        clock: survey.clock,
        salts: BTreeMap::new(),
        journal: JournalFacts {
            frames: survey.frames,
            bytes: survey.bytes,
        },
    })
}

fn extractor<W: Write>(survey: &Survey, screen: bool, out: W) -> Extractor<W> {
    let masks = survey
        .channels
        .iter()
        .map(|(number, channel)| (*number, channel.masks.clone()))
        .collect();
    Extractor::new(out, screen, masks, Bounds::default())
}

fn text_failed(error: std::io::Error) -> FinishError {
    FinishError::io("write to", Path::new(layout::TEXT), error)
}

/// Bytes on a channel that was never opened: no recorder writes that, but no byte is dropped.
fn orphan<A: Artefacts>(
    files: &mut A,
    facts: &crate::SessionFacts,
    number: u32,
    at_us: u64,
    survey: &mut Survey,
) -> Result<ChannelWriter<A::Out>, FinishError> {
    let opened = ChannelOpened {
        kind: ChannelKind::Exec,
        command: None,
        account: None,
        pty: None,
        env: Vec::new(),
    };
    let known: ChannelSurvey = survey.channels.remove(&number).unwrap_or_default();
    ChannelWriter::create(files, facts, number, at_us, opened, known)
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

struct Notes<W> {
    out: Option<W>,
    lines: u64,
}

impl<W: Write> Notes<W> {
    fn write<A: Artefacts<Out = W>>(
        &mut self,
        files: &mut A,
        at_us: u64,
        channel: u32,
        kind: &str,
        text: &str,
    ) -> Result<(), FinishError> {
        let out = match &mut self.out {
            Some(out) => out,
            None => self.out.insert(files.create(layout::NOTES)?),
        };
        let line = NoteLine {
            at_us,
            channel,
            kind: kind.to_owned(),
            text: text.to_owned(),
        };
        write_line(out, &line)
            .map_err(|error| FinishError::io("write to", Path::new(layout::NOTES), error))?;
        self.lines = self.lines.saturating_add(1);
        Ok(())
    }

    fn finish<A: Artefacts<Out = W>>(self, files: &mut A) -> Result<u64, FinishError> {
        if let Some(out) = self.out {
            files.finish(layout::NOTES, out)?;
        }
        Ok(self.lines)
    }
}

pub(crate) fn write_line(
    out: &mut impl Write,
    value: &impl serde::Serialize,
) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
