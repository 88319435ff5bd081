//! The files of one channel: cast, raw streams where they are not text, unechoed input apart.

use crate::artefact::Artefacts;
use crate::cast::{CastWriter, Header};
use crate::convert::write_line;
use crate::echo::Masks;
use crate::record::{ChannelRecord, Exit, Files, Masked, StreamRecord, UnechoedLine};
use crate::stream::{BinaryGauge, PerStream};
use crate::survey::ChannelSurvey;
use crate::{
    Bytes, ChannelKind, ChannelOpened, Direction, FileEntry, FinishError, SessionFacts, Stream,
    Utf8Decoder, layout,
};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::Path;

/// A marker for a binary run comes at least this often.
const RUN_BYTES: u64 = 16 * 1024 * 1024;
const RUN_US: u64 = 1_000_000;

/// What a masked character looks like in the cast.
pub(crate) const MASK: char = '•';
/// What a masked byte looks like in a raw file.
pub(crate) const MASK_BYTE: u8 = b'*';

pub(crate) struct ChannelWriter<W> {
    number: u32,
    opened: ChannelOpened,
    opened_us: u64,
    exit: Option<Exit>,
    files: Files,
    cast: CastWriter<W>,
    streams: PerStream<StreamState<W>>,
    /// Which of the two outputs the next `o` event belongs to.
    current: Stream,
    masks: Masks,
    hidden_lines: u64,
    unechoed: Option<(String, W)>,
    text: String,
}

struct StreamState<W> {
    decoder: Utf8Decoder,
    gauge: BinaryGauge,
    digest: Sha256,
    bytes: u64,
    raw: Option<(String, W)>,
    run: Option<Run>,
}

impl<W> Default for StreamState<W> {
    fn default() -> Self {
        StreamState {
            decoder: Utf8Decoder::default(),
            gauge: BinaryGauge::default(),
            digest: Sha256::new(),
            bytes: 0,
            raw: None,
            run: None,
        }
    }
}

/// Binary bytes that the cast does not show.
struct Run {
    offset: u64,
    since_us: u64,
}

impl<W: Write> ChannelWriter<W> {
    pub(crate) fn create<A: Artefacts<Out = W>>(
        files: &mut A,
        facts: &SessionFacts,
        number: u32,
        opened_us: u64,
        opened: ChannelOpened,
        known: ChannelSurvey,
    ) -> Result<Self, FinishError> {
        let kind = opened.kind;
        let mut streams = PerStream::<StreamState<W>>::default();
        let mut raws = PerStream::<Option<String>>::default();
        for stream in Stream::ALL {
            if *known.needs_raw.of(stream) {
                let name = layout::raw_file(number, kind, stream);
                let raw = files.create(&name, *known.bytes.of(stream))?;
                streams.of_mut(stream).raw = Some((name.clone(), raw));
                *raws.of_mut(stream) = Some(name);
            }
        }
        let mut unechoed = None;
        let mut unechoed_name = None;
        if !known.masks.is_empty() {
            let name = layout::unechoed_file(number, kind);
            let out = files.create(&name, known.about_unechoed())?;
            unechoed = Some((name.clone(), out));
            unechoed_name = Some(name);
        }
        let cast_name = layout::cast_file(number, kind);
        let header = header(facts, opened_us, &opened);
        let cast = CastWriter::new(files.create(&cast_name, known.about_cast())?, &header)
            .map_err(|error| wrote(&cast_name, error))?;
        Ok(ChannelWriter {
            number,
            opened,
            opened_us,
            exit: None,
            files: Files {
                cast: cast_name,
                output: raws.of_mut(Stream::Output).take(),
                error_output: raws.of_mut(Stream::ErrorOutput).take(),
                input: raws.of_mut(Stream::Input).take(),
                unechoed: unechoed_name,
            },
            cast,
            streams,
            current: Stream::Output,
            masks: known.masks,
            hidden_lines: known.hidden_lines,
            unechoed,
            text: String::new(),
        })
    }

    /// One frame of bytes.
    pub(crate) fn bytes(
        &mut self,
        at_us: u64,
        stream: Stream,
        frame: &[u8],
    ) -> Result<(), FinishError> {
        let state = self.streams.of_mut(stream);
        let packets = self.opened.kind.carries_packets();
        let binary = packets || state.gauge.is_binary(frame);
        state.digest.update(frame);
        if stream != Stream::Input || self.masks.is_empty() {
            return self.segment(at_us, stream, frame, binary, false);
        }
        let mut rest = frame;
        while !rest.is_empty() {
            let offset = self.streams.of(stream).bytes;
            let (masked, until) = self.masks.at(offset);
            let length = usize::try_from(until.saturating_sub(offset)).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            self.segment(at_us, stream, now, binary, masked)?;
            rest = later;
        }
        Ok(())
    }

    fn segment(
        &mut self,
        at_us: u64,
        stream: Stream,
        bytes: &[u8],
        binary: bool,
        masked: bool,
    ) -> Result<(), FinishError> {
        if masked {
            self.masked(at_us, bytes)?;
            return Ok(());
        }
        let state = self.streams.of_mut(stream);
        if let Some((name, raw)) = &mut state.raw {
            raw.write_all(bytes).map_err(|error| wrote(name, error))?;
        }
        let offset = state.bytes;
        state.bytes = offset.saturating_add(bytes.len() as u64);
        if binary && self.opened.pty.is_none() {
            let end = state.bytes;
            let run = state.run.get_or_insert(Run {
                offset,
                since_us: at_us,
            });
            // Of a forward, the view as packets needs to know when each piece passed ([`crate::forwards`]).
            let long = self.opened.kind == ChannelKind::Forward
                || end.saturating_sub(run.offset) >= RUN_BYTES
                || at_us.saturating_sub(run.since_us) >= RUN_US;
            let text = &mut self.text;
            state.decoder.end(|piece| text.push_str(piece));
            self.emit(at_us, stream)?;
            return if long {
                self.end_run(at_us, stream)
            } else {
                Ok(())
            };
        }
        if state.run.is_some() {
            let end = offset;
            self.end_run_at(at_us, stream, end)?;
        }
        let text = &mut self.text;
        let decoder = &mut self.streams.of_mut(stream).decoder;
        if binary {
            // A terminal ignores what makes up most of this. The exact bytes are in the file apart.
            decoder.feed(bytes, |piece| {
                text.extend(piece.chars().filter(|letter| !is_ignored(*letter)));
            });
        } else {
            decoder.feed(bytes, |piece| text.push_str(piece));
        }
        self.emit(at_us, stream)
    }

    /// Input that was not echoed: as many dots in the cast, the bytes in the file apart.
    fn masked(&mut self, at_us: u64, bytes: &[u8]) -> Result<(), FinishError> {
        let state = self.streams.of_mut(Stream::Input);
        let offset = state.bytes;
        state.bytes = offset.saturating_add(bytes.len() as u64);
        if let Some((name, raw)) = &mut state.raw {
            let hidden = vec![MASK_BYTE; bytes.len()];
            raw.write_all(&hidden).map_err(|error| wrote(name, error))?;
        }
        if state.run.is_some() {
            self.end_run_at(at_us, Stream::Input, offset)?;
        }
        let text = &mut self.text;
        self.streams
            .of_mut(Stream::Input)
            .decoder
            .end(|piece| text.push_str(piece));
        self.emit(at_us, Stream::Input)?;
        if let Some((name, out)) = &mut self.unechoed {
            let line = UnechoedLine::Masked(Masked {
                offset,
                bytes: Bytes::from(bytes),
            });
            write_line(out, &line).map_err(|error| wrote(name, error))?;
        }
        // One a character: bytes that continue one do not count. Never an empty event, which would
        // not stand for anything when the stream is rebuilt.
        let letters = bytes
            .iter()
            .filter(|byte| **byte & 0xc0 != 0x80)
            .count()
            .max(1);
        self.text.extend(std::iter::repeat_n(MASK, letters));
        self.emit(at_us, Stream::Input)
    }

    fn emit(&mut self, at_us: u64, stream: Stream) -> Result<(), FinishError> {
        if self.text.is_empty() {
            return Ok(());
        }
        let at_us = at_us.saturating_sub(self.opened_us);
        let written = match stream {
            Stream::Input => self.cast.input(at_us, &mut self.text),
            Stream::Output | Stream::ErrorOutput => {
                let switched = if self.current == stream {
                    Ok(())
                } else {
                    self.current = stream;
                    self.cast.mark(
                        at_us,
                        if stream == Stream::Output {
                            "stdout"
                        } else {
                            "stderr"
                        },
                    )
                };
                switched.and_then(|()| self.cast.output(at_us, &mut self.text))
            }
        };
        self.wrote(written)
    }

    fn end_run(&mut self, at_us: u64, stream: Stream) -> Result<(), FinishError> {
        let end = self.streams.of(stream).bytes;
        self.end_run_at(at_us, stream, end)
    }

    fn end_run_at(&mut self, at_us: u64, stream: Stream, end: u64) -> Result<(), FinishError> {
        let Some(run) = self.streams.of_mut(stream).run.take() else {
            return Ok(());
        };
        let length = end.saturating_sub(run.offset);
        let file = self.files.raw(stream).unwrap_or_default();
        let text = format!(
            "binary stream={} offset={} length={length} file={file}",
            stream.word(),
            run.offset
        );
        self.mark(at_us, &text)
    }

    pub(crate) fn mark(&mut self, at_us: u64, text: &str) -> Result<(), FinishError> {
        let written = self.cast.mark(at_us.saturating_sub(self.opened_us), text);
        self.wrote(written)
    }

    /// An entry of the log of files, exact.
    pub(crate) fn file(&mut self, at_us: u64, entry: &FileEntry) -> Result<(), FinishError> {
        // Texts and numbers: there is nothing that JSON cannot hold.
        let entry = serde_json::to_string(entry).unwrap_or_default();
        self.mark(at_us, &format!("file {entry}"))
    }

    pub(crate) fn marker(&mut self, at_us: u64, text: &str) -> Result<(), FinishError> {
        let written = self.cast.marker(at_us.saturating_sub(self.opened_us), text);
        self.wrote(written)
    }

    pub(crate) fn resize(&mut self, at_us: u64, cols: u32, rows: u32) -> Result<(), FinishError> {
        let written = self
            .cast
            .resize(at_us.saturating_sub(self.opened_us), cols, rows);
        self.wrote(written)
    }

    pub(crate) fn eof(&mut self, at_us: u64, direction: Direction) -> Result<(), FinishError> {
        self.mark(
            at_us,
            match direction {
                Direction::ToTarget => "eof to-target",
                Direction::ToTechnician => "eof to-technician",
            },
        )
    }

    pub(crate) fn exit(&mut self, at_us: u64, exit: Exit) -> Result<(), FinishError> {
        match &exit {
            Exit::Status(status) => self.mark(at_us, &format!("exit {status}"))?,
            Exit::Signal(signal) => self.mark(at_us, &format!("signal {}", signal.name))?,
        }
        self.exit = Some(exit);
        Ok(())
    }

    pub(crate) fn finish<A: Artefacts<Out = W>>(
        mut self,
        files: &mut A,
        at_us: u64,
        reason: Option<String>,
    ) -> Result<ChannelRecord, FinishError> {
        for stream in Stream::ALL {
            self.end_run(at_us, stream)?;
            let text = &mut self.text;
            self.streams
                .of_mut(stream)
                .decoder
                .end(|piece| text.push_str(piece));
            self.emit(at_us, stream)?;
        }
        match &reason {
            Some(reason) => self.mark(at_us, &format!("closed {reason}"))?,
            None => self.mark(at_us, "cut short")?,
        }
        files.finish(&self.files.cast, self.cast.into_inner())?;

        let mut records = PerStream::<StreamRecord>::default();
        for stream in Stream::ALL {
            let state = self.streams.of_mut(stream);
            if let Some((name, raw)) = state.raw.take() {
                files.finish(&name, raw)?;
            }
            let sha256 = crate::bytes::to_hex(&std::mem::take(&mut state.digest).finalize());
            let record = records.of_mut(stream);
            record.bytes = state.bytes;
            record.sha256 = Some(sha256);
        }
        if let Some((name, mut out)) = self.unechoed.take() {
            let input = records.of_mut(Stream::Input);
            let total = UnechoedLine::Total {
                input_bytes: input.bytes,
                input_sha256: input.sha256.take().unwrap_or_default(),
            };
            write_line(&mut out, &total).map_err(|error| wrote(&name, error))?;
            files.finish(&name, out)?;
        }
        Ok(ChannelRecord {
            number: self.number,
            opened: self.opened,
            opened_us: self.opened_us,
            closed_us: at_us,
            reason,
            legs: None,
            exit: self.exit,
            hidden_lines: self.hidden_lines,
            files: self.files,
            output: records.of(Stream::Output).clone(),
            error_output: records.of(Stream::ErrorOutput).clone(),
            input: records.of(Stream::Input).clone(),
        })
    }

    fn wrote(&self, result: io::Result<()>) -> Result<(), FinishError> {
        result.map_err(|error| wrote(&self.files.cast, error))
    }
}

/// What a terminal does nothing with.
fn is_ignored(letter: char) -> bool {
    matches!(letter, '\0'..='\x06' | '\x10'..='\x17' | '\x19' | '\x1c'..='\x1f' | '\x7f')
}

fn wrote(name: &str, error: io::Error) -> FinishError {
    FinishError::io("write to", Path::new(name), error)
}

fn header(facts: &SessionFacts, opened_us: u64, opened: &ChannelOpened) -> Header {
    let micros = facts
        .started
        .saturating_add(i64::try_from(opened_us).unwrap_or(i64::MAX));
    let size = |asked: u32, usual: u32| if asked == 0 { usual } else { asked };
    let (width, height) = opened
        .pty
        .as_ref()
        .map_or((80, 24), |pty| (size(pty.cols, 80), size(pty.rows, 24)));
    let command = opened
        .command
        .as_ref()
        .and_then(|command| std::str::from_utf8(command.as_ref()).ok());
    Header {
        width,
        height,
        timestamp: micros.div_euclid(1_000_000),
        command: command.map(str::to_owned),
        title: format!(
            "{} on {}: {}",
            facts.person,
            facts.target,
            opened.kind.word()
        ),
        term: opened.pty.as_ref().map(|pty| pty.term.clone()),
    }
}
