//! Second reading of a closed journal: writes the final files to wherever they are wanted. It is read once more for each
//! share of the channels where they do not fit into memory together ([`crate::passes`]).

use crate::artefact::Artefacts;
use crate::convert_channel::ChannelWriter;
use crate::passes::Pass;
use crate::record::{self, ChannelRecord, NoteLine, SessionRecord};
use crate::search::{Bounds, Extractor};
use crate::survey::{ChannelSurvey, Survey};
use crate::{
    ChannelKind, ChannelOpened, Event, Exit, FinishError, JournalFacts, JournalReader, ReadError,
    Stream, StreamCounts, layout,
};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Notes are few; if not, they only compress less well.
const ABOUT_NOTES: u64 = 64 * 1024;

/// Every file but `session.json`, and what that one must say of them. Reads the journal as often as `passes` say, each
/// time anew from `open`. The lines to search are written where `screen_text` says whether those of screens are among
/// them.
pub(crate) fn convert<A: Artefacts>(
    mut open: impl FnMut() -> Result<JournalReader, ReadError>,
    mut survey: Survey,
    passes: Vec<Pass>,
    files: &mut A,
    torn_bytes: u64,
    screen_text: Option<bool>,
) -> Result<SessionRecord, FinishError> {
    let mut written = Written::default();
    let mut facts = None;
    for pass in passes {
        let mut reader = open()?;
        let lines = screen_text.filter(|_| pass.is_first);
        convert_pass(&mut reader, &mut survey, pass, files, lines, &mut written)?;
        facts = Some(reader.facts().clone());
    }
    let facts = match facts {
        Some(facts) => facts,
        None => open()?.facts().clone(),
    };
    let Written {
        mut channels,
        notes,
    } = written;
    channels.sort_by_key(|channel| channel.number);
    Ok(SessionRecord {
        format: record::FORMAT.to_owned(),
        version: record::VERSION,
        facts,
        ended_us: survey.last_us,
        cut_short: survey.end.is_none(),
        end: survey.end,
        torn_bytes,
        screen_text,
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

/// What the passes wrote.
#[derive(Default)]
struct Written {
    channels: Vec<ChannelRecord>,
    notes: u64,
}

fn convert_pass<A: Artefacts>(
    reader: &mut JournalReader,
    survey: &mut Survey,
    mut pass: Pass,
    files: &mut A,
    screen_text: Option<bool>,
    written: &mut Written,
) -> Result<(), FinishError> {
    let mut lines = match screen_text {
        Some(screen) => {
            let about = about_lines(survey, screen);
            Some(extractor(
                survey,
                screen,
                files.create(layout::TEXT, about)?,
            ))
        }
        None => None,
    };
    let mut notes = Notes {
        out: None,
        lines: 0,
        wanted: pass.is_first,
    };
    let mut open: BTreeMap<u32, ChannelWriter<A::Out>> = BTreeMap::new();
    let facts = reader.facts().clone();
    if let Some(lines) = &mut lines {
        lines.reason(&facts.reason).map_err(text_failed)?;
    }

    while let Some(frame) = reader.next_frame()? {
        let (number, at_us) = (frame.channel, frame.at_us);
        if let Some(lines) = &mut lines {
            lines
                .event(at_us, number, &frame.event)
                .map_err(text_failed)?;
        }
        if pass.leaves(number, &frame.event) {
            continue;
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
                let channel = orphan(files, &facts, number, at_us, survey)?;
                open.entry(number)
                    .or_insert(channel)
                    .bytes(at_us, Stream::Output, bytes)?;
            }
            (Event::ErrorOutput(bytes), None) => {
                let channel = orphan(files, &facts, number, at_us, survey)?;
                open.entry(number)
                    .or_insert(channel)
                    .bytes(at_us, Stream::ErrorOutput, bytes)?;
            }
            (Event::Input(bytes), None) => {
                let channel = orphan(files, &facts, number, at_us, survey)?;
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
            (Event::File(entry), Some(channel)) => channel.file(at_us, &entry)?,
            (Event::ChannelClosed(closed), Some(_)) => {
                if let Some(channel) = open.remove(&number) {
                    let closed = closed.into_owned();
                    let mut record = channel.finish(files, at_us, Some(closed.reason))?;
                    record.legs = closed.legs;
                    check_counts(&record, closed.bytes)?;
                    written.channels.push(record);
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
                | Event::File(_)
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
        let record = channel.finish(files, survey.last_us, None)?;
        written.channels.push(record);
    }
    written.notes = written.notes.saturating_add(notes.finish(files)?);
    if let Some(lines) = lines {
        let (out, _) = lines.finish().map_err(text_failed)?;
        files.finish(layout::TEXT, out)?;
    }
    Ok(())
}

/// How long the lines to search will be, about.
fn about_lines(survey: &Survey, screen: bool) -> u64 {
    let bounds = Bounds::default();
    let channels = survey.channels.values();
    let looked_at = channels.fold(0u64, |total, channel| {
        let output = if screen { channel.shown.0 } else { 0 };
        total
            .saturating_add(*channel.bytes.of(Stream::Input))
            .saturating_add(output)
    });
    looked_at.saturating_mul(2).min(bounds.text)
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
    /// Another pass writes them otherwise.
    wanted: bool,
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
        if !self.wanted {
            return Ok(());
        }
        let out = match &mut self.out {
            Some(out) => out,
            None => self.out.insert(files.create(layout::NOTES, ABOUT_NOTES)?),
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
    crate::json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

#[cfg(test)]
#[path = "convert_tests.rs"]
pub(crate) mod tests;
