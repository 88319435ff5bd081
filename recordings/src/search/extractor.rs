//! Writes the lines of a recording while its events pass.
//!
//! Knows which bytes are worth looking at and how many; not where the lines are kept.

use super::forwarded::Forwarded;
use super::plain::PlainLines;
use super::screen_lines::ScreenLines;
use super::typed::TypedLine;
use super::{LONGEST_LINE, Line, LineKind, PARTLY};
use crate::bundle::Language;
use crate::echo::Masks;
use crate::json;
use crate::screen::Size;
use crate::stream::{BinaryGauge, PerStream};
use crate::text::acts;
use crate::transfer::FilePart;
use crate::{ChannelKind, ChannelOpened, Event, FileEntry, FileOperation, SESSION, Stream};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Cells of the screens that are modelled at once; a terminal beyond is not read, and is told.
const MOST_CELLS: usize = 1_200_000;
/// Beside its cells, a screen costs about as much as so many.
const SCREEN: usize = 2_000;
/// What is said of it.
const NOT_LOOKED_AT: &str =
    "what this terminal shows is not in the search text: too many are open at once";
/// How a channel ended whose end nobody recorded.
const CUT_SHORT: &str = "the recording has no end of it";
/// A line too long is broken at a blank within so many bytes of its end.
const BREAK: usize = 128;

/// How much of a recording is looked at. **Unit**: bytes.
///
/// Lines of output cost 16 CPU-seconds a gigabyte, modelling a terminal 40, and kept they are about as
/// large again as the compressed output. The defaults keep that below a second a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Output of one channel with a terminal.
    pub terminal: u64,
    /// Output of one channel without.
    pub plain: u64,
    /// Lines kept of one recording.
    pub text: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            terminal: 16 << 20,
            plain: 16 << 20,
            text: 32 << 20,
        }
    }
}

/// What became of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// How many there are.
    pub lines: u64,
    /// The recording holds more than was looked at.
    pub partial: bool,
}

/// Sees the events of one recording in order.
pub struct Extractor<W> {
    out: W,
    screen: bool,
    bounds: Bounds,
    masks: BTreeMap<u32, Masks>,
    channels: BTreeMap<u32, Channel>,
    /// Cells of all screens.
    cells: usize,
    lines: u64,
    text: u64,
    last_us: u64,
    partial: bool,
}

struct Channel {
    /// Input of a terminal, where it is known what was echoed.
    typed: Option<(TypedLine, Masks)>,
    input: u64,
    output: Output,
    /// What its screen takes of [`MOST_CELLS`].
    cells: usize,
    looked_at: u64,
}

enum Output {
    Ignored,
    /// Packets are no lines; what passed is one.
    Forward(Forwarded),
    Terminal(Box<ScreenLines>),
    Plain(Box<PerStream<Plain>>),
}

#[derive(Default)]
struct Plain {
    lines: PlainLines,
    gauge: BinaryGauge,
}

impl<W: Write> Extractor<W> {
    /// Writes lines to `out`; those of the screen, or of other output, only with `screen`.
    ///
    /// `masks` are what was not echoed, channel by channel; of a channel left out, no input is looked at.
    pub fn new(out: W, screen: bool, masks: BTreeMap<u32, Masks>, bounds: Bounds) -> Self {
        Extractor {
            out,
            screen,
            bounds,
            masks,
            channels: BTreeMap::new(),
            cells: 0,
            lines: 0,
            text: 0,
            last_us: 0,
            partial: false,
        }
    }

    /// Why the session was asked for.
    ///
    /// # Errors
    /// When `out` does.
    pub fn reason(&mut self, reason: &str) -> io::Result<()> {
        self.several(0, SESSION, LineKind::Note, &format!("reason: {reason}"))
    }

    /// The next event, `at_us` after the session's start.
    ///
    /// # Errors
    /// When `out` does.
    pub fn event(&mut self, at_us: u64, channel: u32, event: &Event<'_>) -> io::Result<()> {
        self.last_us = at_us;
        if let Some(forward) = self.forward(channel) {
            forward.event(event);
        }
        match event {
            Event::ChannelOpened(opened) => self.opened(at_us, channel, opened),
            Event::Output(bytes) => self.output(at_us, channel, Stream::Output, bytes),
            Event::ErrorOutput(bytes) => self.output(at_us, channel, Stream::ErrorOutput, bytes),
            Event::Input(bytes) => self.input(at_us, channel, bytes),
            Event::Resize { cols, rows } => {
                self.resize(at_us, channel, Size::clamped(*cols, *rows))
            }
            Event::Note(text) | Event::Marker(text) => {
                self.several(at_us, channel, LineKind::Note, text)
            }
            Event::Refusal(text) => self.several(at_us, channel, LineKind::Refusal, text),
            Event::File(entry) => {
                let line = entry.line(Language::English);
                let line = Line::new(at_us, channel, LineKind::File, line);
                self.pieces(with_bytes(line, entry))
            }
            Event::ChannelClosed(closed) => self.closed(at_us, channel, &closed.reason),
            Event::SessionEnd(end) => {
                let parts: Vec<&str> = end.parts().into_iter().flatten().collect();
                let text = format!("ended: {}", parts.join(" "));
                self.several(at_us, SESSION, LineKind::Note, &text)
            }
            Event::Eof(_) | Event::ExitStatus(_) | Event::ExitSignal(_) | Event::Clock(_) => Ok(()),
        }
    }

    /// All events were seen.
    ///
    /// # Errors
    /// When the last lines cannot be written.
    pub fn finish(mut self) -> io::Result<(W, Extracted)> {
        let open: Vec<u32> = self.channels.keys().copied().collect();
        let at_us = self.last_us;
        for channel in open {
            self.closed(at_us, channel, CUT_SHORT)?;
        }
        if self.partial {
            let Bounds {
                terminal,
                plain,
                text,
            } = self.bounds;
            let note = format!(
                "{PARTLY}: at most {terminal} bytes of a terminal's output, {plain} bytes of other output and {text} bytes of lines are"
            );
            self.text = 0;
            self.line(at_us, SESSION, LineKind::Note, &note)?;
        }
        let extracted = Extracted {
            lines: self.lines,
            partial: self.partial,
        };
        Ok((self.out, extracted))
    }

    fn opened(&mut self, at_us: u64, number: u32, opened: &ChannelOpened) -> io::Result<()> {
        self.closed(at_us, number, CUT_SHORT)?;
        let (mut cells, mut left_out) = (0, false);
        let output = match &opened.pty {
            Some(_) if !self.screen => Output::Ignored,
            Some(pty) => {
                let size = Size::clamped(pty.cols, pty.rows);
                left_out = self.cells + cost(size) > MOST_CELLS;
                if left_out {
                    self.partial = true;
                    Output::Ignored
                } else {
                    cells = cost(size);
                    self.cells += cells;
                    Output::Terminal(Box::new(ScreenLines::new(size)))
                }
            }
            None if opened.kind == ChannelKind::Forward => {
                let place = opened.command.as_ref().map(AsRef::as_ref);
                Output::Forward(Forwarded::new(at_us, place.unwrap_or_default()))
            }
            // Packets are no lines; their log is.
            None if opened.kind.carries_packets() => Output::Ignored,
            None if !self.screen => Output::Ignored,
            None => Output::Plain(Box::default()),
        };
        // Without a terminal nothing is echoed, and there is no telling a password from a name.
        let masks = self.masks.remove(&number).filter(|_| opened.pty.is_some());
        let channel = Channel {
            typed: masks.map(|masks| (TypedLine::default(), masks)),
            input: 0,
            output,
            cells,
            looked_at: 0,
        };
        self.channels.insert(number, channel);
        if left_out {
            self.line(at_us, number, LineKind::Note, NOT_LOOKED_AT)?;
        }
        match &opened.command {
            // Of a forward it is where that goes, which is told at its end.
            Some(_) if opened.kind == ChannelKind::Forward => Ok(()),
            Some(command) => {
                let command = String::from_utf8_lossy(command.as_ref());
                self.several(at_us, number, LineKind::Command, &command)
            }
            None => Ok(()),
        }
    }

    fn output(&mut self, at_us: u64, number: u32, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let Some(channel) = self.channels.get_mut(&number) else {
            return Ok(());
        };
        let bound = match &channel.output {
            Output::Ignored | Output::Forward(_) => return Ok(()),
            // No line would be kept: looking is for nothing.
            Output::Terminal(_) | Output::Plain(_) if self.text >= self.bounds.text => 0,
            Output::Terminal(_) => self.bounds.terminal,
            Output::Plain(_) => self.bounds.plain,
        };
        let left = usize::try_from(bound.saturating_sub(channel.looked_at)).unwrap_or(usize::MAX);
        let looked_at = bytes.get(..left).unwrap_or(bytes);
        self.partial |= looked_at.len() < bytes.len();
        channel.looked_at = channel.looked_at.saturating_add(looked_at.len() as u64);
        if looked_at.is_empty() {
            return Ok(());
        }
        let mut found = Vec::new();
        let mut told = None;
        match &mut channel.output {
            Output::Ignored | Output::Forward(_) => {}
            Output::Terminal(screen) => {
                found = screen.feed(at_us, looked_at);
                told = screen.left_out(at_us, false);
            }
            Output::Plain(streams) => {
                let Plain { lines, gauge } = streams.of_mut(stream);
                if !gauge.is_binary(looked_at) {
                    lines.feed(looked_at, |line| found.push((at_us, line.to_owned())));
                }
            }
        }
        self.screen_lines(number, &found)?;
        self.told(at_us, number, told)
    }

    /// What a screen says of what it left out.
    fn told(&mut self, at_us: u64, number: u32, told: Option<String>) -> io::Result<()> {
        told.map_or(Ok(()), |text| {
            self.line(at_us, number, LineKind::Note, &text)
        })
    }

    fn input(&mut self, at_us: u64, number: u32, bytes: &[u8]) -> io::Result<()> {
        let Some(channel) = self.channels.get_mut(&number) else {
            return Ok(());
        };
        let Some((typed, masks)) = &mut channel.typed else {
            return Ok(());
        };
        let mut found = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (masked, until) = masks.at(channel.input);
            let length = usize::try_from(until.saturating_sub(channel.input)).unwrap_or(usize::MAX);
            let (piece, after) = rest.split_at(length.clamp(1, rest.len()));
            channel.input = channel.input.saturating_add(piece.len() as u64);
            rest = after;
            if masked {
                typed.masked();
            } else {
                typed.shown(piece, |line| found.push(line.to_owned()));
            }
        }
        for line in found {
            self.line(at_us, number, LineKind::Typed, &line)?;
        }
        Ok(())
    }

    fn resize(&mut self, at_us: u64, number: u32, size: Size) -> io::Result<()> {
        let Some(channel) = self.channels.get_mut(&number) else {
            return Ok(());
        };
        let Output::Terminal(screen) = &mut channel.output else {
            return Ok(());
        };
        let others = self.cells.saturating_sub(channel.cells);
        if others + cost(size) > MOST_CELLS {
            // A screen that is too small loses no word: see `crate::ink`.
            return Ok(());
        }
        channel.cells = cost(size);
        self.cells = others + channel.cells;
        let found = screen.resize(at_us, size);
        self.screen_lines(number, &found)
    }

    fn forward(&mut self, number: u32) -> Option<&mut Forwarded> {
        match &mut self.channels.get_mut(&number)?.output {
            Output::Forward(forward) => Some(forward),
            Output::Ignored | Output::Terminal(_) | Output::Plain(_) => None,
        }
    }

    fn closed(&mut self, at_us: u64, number: u32, why: &str) -> io::Result<()> {
        let Some(channel) = self.channels.remove(&number) else {
            return Ok(());
        };
        let mut told = None;
        let found = match channel.output {
            Output::Ignored => return Ok(()),
            Output::Forward(forward) => {
                let text = forward.line(at_us, why);
                let line = Line {
                    to_target: Some(forward.to_target),
                    to_technician: Some(forward.to_technician),
                    // When it began, which is what is asked of a connection.
                    ..Line::new(forward.opened_us, number, LineKind::Forward, text)
                };
                return self.pieces(line);
            }
            Output::Terminal(mut screen) => {
                self.cells = self.cells.saturating_sub(channel.cells);
                told = screen.left_out(at_us, true);
                screen.end()
            }
            Output::Plain(mut streams) => {
                let mut found = Vec::new();
                for stream in Stream::ALL {
                    let lines = &mut streams.of_mut(stream).lines;
                    lines.end(|line| found.push((at_us, line.to_owned())));
                }
                found
            }
        };
        self.screen_lines(number, &found)?;
        self.told(at_us, number, told)
    }

    fn screen_lines(&mut self, channel: u32, lines: &[(u64, String)]) -> io::Result<()> {
        for (at_us, line) in lines {
            self.line(*at_us, channel, LineKind::Screen, line)?;
        }
        Ok(())
    }

    /// Text that may hold line ends.
    fn several(&mut self, at_us: u64, channel: u32, kind: LineKind, text: &str) -> io::Result<()> {
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .try_for_each(|line| self.line(at_us, channel, kind, line))
    }

    fn line(&mut self, at_us: u64, channel: u32, kind: LineKind, text: &str) -> io::Result<()> {
        self.pieces(Line::new(at_us, channel, kind, text.to_owned()))
    }

    /// A line, in pieces where it is too long.
    fn pieces(&mut self, line: Line) -> io::Result<()> {
        let mut rest = line.text.trim_end();
        while !rest.is_empty() {
            let (piece, after) = cut(rest);
            rest = after;
            if self.text >= self.bounds.text {
                self.partial = true;
                return Ok(());
            }
            self.text = self.text.saturating_add(piece.len() as u64);
            let line = Line {
                text: harmless(piece),
                ..line
            };
            json::to_writer(&mut self.out, &line)?;
            self.out.write_all(b"\n")?;
            self.lines = self.lines.saturating_add(1);
        }
        Ok(())
    }
}

/// A line that tells of a file, with how much of it passed; nothing, where it was to pass and did not.
fn with_bytes(line: Line, entry: &FileEntry) -> Line {
    let (reads, writes) = match entry.operation {
        FileOperation::Read | FileOperation::ReadTree => (true, false),
        FileOperation::Write | FileOperation::WriteTree => (false, true),
        FileOperation::ReadWrite => (true, true),
        FileOperation::List
        | FileOperation::Look
        | FileOperation::Attributes
        | FileOperation::Remove
        | FileOperation::RemoveDirectory
        | FileOperation::MakeDirectory
        | FileOperation::Rename
        | FileOperation::Symlink
        | FileOperation::Hardlink
        | FileOperation::Copy
        | FileOperation::Names
        | FileOperation::Unknown => (false, false),
    };
    let passed = |asked: bool, part: Option<FilePart>| match part {
        Some(part) => Some(part.bytes),
        None => asked.then_some(0),
    };
    Line {
        to_technician: passed(reads, entry.read),
        to_target: passed(writes, entry.written),
        ..line
    }
}

/// What modelling a screen takes.
fn cost(size: Size) -> usize {
    SCREEN + usize::from(size.cols()) * usize::from(size.rows())
}

/// The beginning of a line that is short enough, and the rest.
fn cut(text: &str) -> (&str, &str) {
    if text.len() <= LONGEST_LINE {
        return (text, "");
    }
    let most = text.floor_char_boundary(LONGEST_LINE);
    let blank = text
        .get(..most)
        .and_then(|head| head.rfind(' '))
        .filter(|blank| blank + BREAK > most);
    text.split_at_checked(blank.unwrap_or(most))
        .unwrap_or((text, ""))
}

/// Letters that act are replaced, byte for byte no longer than they were.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\t' => ' ',
            letter if letter.is_ascii_control() => '?',
            // Two bytes; U+FFFD would be three.
            letter if acts(letter) && letter.len_utf8() == 2 => '¿',
            letter if acts(letter) => '\u{fffd}',
            letter => letter,
        })
        .collect()
}

#[cfg(test)]
#[path = "extractor_tests.rs"]
mod tests;
