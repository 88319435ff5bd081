//! The lines of one channel while its file is read.

use super::words::Words;
use super::{BARE, Lines, clock, markers};
use crate::cast::{CastEvent, CastReader, Code, MARK};
use crate::convert_channel::MASK;
use crate::screen::Size;
use crate::scrolling::{Scrolling, TimedLine};
use crate::{ChannelRecord, Exit, OpenRecording, Pty, ReadError, layout, neutralise, spelled};
use std::io::Write;

/// Before what a terminal showed, …
const SHOWN: char = '│';
/// … what it showed for a while, …
const ERASED: char = '┊';
/// … and what the recording itself says: nothing that a target prints ever stands behind this sign.
const SAID: char = '║';
/// Longest line kept in memory; a longer one is shown in pieces.
const MAX_LINE: usize = 64 * 1024;

/// A channel that is being read.
pub(super) struct Source {
    record: ChannelRecord,
    reader: CastReader,
    ahead: Option<CastEvent>,
    at_us: u64,
    /// When the last text of a channel without a terminal came.
    fed_us: u64,
    text: Text,
}

enum Text {
    Terminal {
        screen: Box<Scrolling>,
        /// Masked letters come one by one; one line tells of them all.
        hidden: Option<TimedLine>,
    },
    /// Each stream line by line, marked: typed, output, standard error.
    Plain {
        lines: [(&'static str, String); 3],
        current: usize,
    },
}

impl Source {
    pub(super) fn open<W: Write>(
        recording: &OpenRecording,
        channel: &ChannelRecord,
        lines: &mut Lines<'_, W>,
    ) -> Result<Self, ReadError> {
        let mut reader = recording.cast(&channel.files.cast)?;
        let text = match &channel.opened.pty {
            Some(pty) => Text::Terminal {
                screen: Box::new(Scrolling::new(Size::clamped(pty.cols, pty.rows))),
                hidden: None,
            },
            None => Text::Plain {
                lines: [("in ", ""), ("out", ""), ("err", "")]
                    .map(|(word, line)| (word, line.to_owned())),
                current: 1,
            },
        };
        let ahead = reader.next_event()?;
        let source = Source {
            record: channel.clone(),
            reader,
            ahead,
            at_us: 0,
            fed_us: 0,
            text,
        };
        let heading = source.heading(lines.started, lines.words);
        lines.push_until(channel.opened_us, u64::MAX, heading);
        if let Some(pty) = &channel.opened.pty {
            let size = Size::clamped(pty.cols, pty.rows);
            let told = size.less_than(pty.cols, pty.rows);
            source.give(
                told.map(|text| TimedLine::new(0, lines.words.told(text)))
                    .into_iter()
                    .collect(),
                lines,
            );
        }
        Ok(source)
    }

    /// When its next event comes. **Unit**: microseconds since the session's start.
    pub(super) fn next_us(&self) -> u64 {
        let at_us = self.ahead.as_ref().map_or(self.at_us, |event| event.at_us);
        self.record.opened_us.saturating_add(at_us)
    }

    /// No line that comes later is older than this.
    pub(super) fn settled_us(&self) -> u64 {
        let within = match &self.text {
            Text::Terminal { screen, hidden } => {
                let hidden = hidden.as_ref().map_or(u64::MAX, |line| line.at_us);
                screen.settled_us().min(hidden)
            }
            Text::Plain { lines, .. } if lines.iter().all(|(_, line)| line.is_empty()) => {
                self.at_us
            }
            Text::Plain { .. } => self.fed_us,
        };
        self.record
            .opened_us
            .saturating_add(within)
            .min(self.next_us())
    }

    /// Reads an event; false where there is none.
    pub(super) fn step<W: Write>(&mut self, lines: &mut Lines<'_, W>) -> Result<bool, ReadError> {
        let Some(event) = self.ahead.take() else {
            return Ok(false);
        };
        self.ahead = self.reader.next_event()?;
        self.at_us = event.at_us.max(self.at_us);
        let found = match &mut self.text {
            Text::Terminal { screen, hidden } => shown(screen, hidden, &event, lines.words),
            Text::Plain { .. } => {
                self.plain(&event, lines);
                return Ok(true);
            }
        };
        self.give(found, lines);
        Ok(true)
    }

    /// What is left, and how it ended.
    pub(super) fn end<W: Write>(mut self, lines: &mut Lines<'_, W>) {
        let empty = Text::Plain {
            lines: <[(&str, String); 3]>::default(),
            current: 1,
        };
        let mut found = Vec::new();
        match std::mem::replace(&mut self.text, empty) {
            Text::Terminal { mut screen, hidden } => {
                found.extend(hidden.map(|line| told(&line, lines.words)));
                let closed_us = self.record.closed_us;
                screen.stays_until(closed_us.saturating_sub(self.record.opened_us));
                found.extend(in_words(screen.rest(), lines.words));
            }
            rest @ Text::Plain { .. } => {
                self.text = rest;
                self.begun_lines(lines);
            }
        }
        self.give(found, lines);
        let ending = self.ending(lines.several, lines.words);
        // Behind its last line, and never left out.
        let at_us = self.record.closed_us.max(self.next_us());
        lines.push_until(at_us, u64::MAX, ending);
    }

    fn give<W: Write>(&self, found: Vec<TimedLine>, lines: &mut Lines<'_, W>) {
        let opened_us = self.record.opened_us;
        let number = self.number(lines.several);
        for line in found {
            let at_us = opened_us.saturating_add(line.at_us);
            let sign = match (line.said, line.until_us) {
                (true, _) => SAID,
                (false, None) => SHOWN,
                (false, Some(_)) => ERASED,
            };
            let text = match line.said {
                // What it repeats of a target has none of the signs.
                true => line.text.replace([SHOWN, ERASED, SAID], "¦"),
                false => line.text,
            };
            let text = format!("{number}{sign} {text}");
            match line.until_us {
                None => lines.push(at_us, text),
                Some(until_us) => {
                    let until_us = opened_us.saturating_add(until_us);
                    let until = clock(lines.started, until_us);
                    let text = format!("{text} [{} {until}]", lines.words.until);
                    lines.push_until(at_us, until_us, text);
                }
            }
        }
    }

    fn plain<W: Write>(&mut self, event: &CastEvent, out: &mut Lines<'_, W>) {
        let Text::Plain { lines, current } = &mut self.text else {
            return;
        };
        let which = match event.code {
            Code::Input => 0,
            Code::Output => *current,
            Code::Marker => {
                match event.text.strip_prefix(MARK) {
                    Some("stdout") => *current = 1,
                    Some("stderr") => *current = 2,
                    _ => {
                        // What ends here had no end of line: it came before.
                        self.begun_lines(out);
                        let at_us = self.record.opened_us.saturating_add(self.at_us);
                        let number = self.number(out.several);
                        let said = markers::said(&event.text, out.words);
                        out.push(at_us, format!("{number}   {SAID} [{said}]"));
                    }
                }
                return;
            }
            Code::Resize { .. } | Code::Exit | Code::Other(_) => return,
        };
        let Some((word, line)) = lines.get_mut(which) else {
            return;
        };
        let word = *word;
        self.fed_us = self.at_us;
        let mut whole = Vec::new();
        for piece in event.text.split_inclusive('\n') {
            line.push_str(piece);
            if piece.ends_with('\n') || line.len() > MAX_LINE {
                whole.push(std::mem::take(line));
            }
        }
        for line in whole {
            self.line(word, &line, out);
        }
    }

    /// Gives the lines that were begun and had no end yet, with the time of what came last.
    fn begun_lines<W: Write>(&mut self, out: &mut Lines<'_, W>) {
        let Text::Plain { lines, .. } = &mut self.text else {
            return;
        };
        let begun: Vec<(&str, String)> = lines
            .iter_mut()
            .filter(|(_, line)| !line.is_empty())
            .map(|(word, line)| (*word, std::mem::take(line)))
            .collect();
        for (word, line) in begun {
            self.line(word, &line, out);
        }
    }

    fn line<W: Write>(&self, word: &str, line: &str, out: &mut Lines<'_, W>) {
        let at_us = self.record.opened_us.saturating_add(self.fed_us);
        let number = self.number(out.several);
        let text = neutralise(line.trim_end_matches(['\r', '\n']));
        out.push(at_us, format!("{number}{word}│ {text}"));
    }

    /// Which channel a line is of, where there are several.
    fn number(&self, several: bool) -> String {
        match several {
            true => format!("{} ", self.record.number),
            false => String::new(),
        }
    }

    fn heading(&self, started: i64, words: &Words) -> String {
        let channel = &self.record;
        let at = layout::moment(started.saturating_add_unsigned(channel.opened_us));
        let mut text = format!(
            "{BARE}\n── {} {} · {} · {at}",
            words.channel,
            channel.number,
            channel.kind().word()
        );
        if let Some(command) = channel.command() {
            text.push_str(&format!("\n{} {command}", words.command));
        }
        for (name, value) in &channel.opened.env {
            let (name, value) = (spelled(name), spelled(value));
            text.push_str(&format!("\n{} {name}={value}", words.variable));
        }
        if channel.opened.pty.as_ref().is_some_and(Pty::hides_typing) {
            text.push('\n');
            text.push_str(words.no_echo);
        }
        text
    }

    fn ending(&self, several: bool, words: &Words) -> String {
        let channel = &self.record;
        let mut text = String::from(BARE);
        match &channel.exit {
            Some(Exit::Status(status)) => text.push_str(&format!("{} {status}\n", words.status)),
            Some(Exit::Signal(signal)) => {
                text.push_str(&format!("{} {}\n", words.signal, neutralise(&signal.name)));
            }
            None => {}
        }
        if channel.hidden_lines > 0 {
            text.push_str(&format!("{} {}\n", words.hidden, channel.hidden_lines));
        }
        let reason = channel.reason.as_ref().map_or_else(
            || words.cut_short.to_owned(),
            |reason| neutralise(words.reason(reason).as_ref()),
        );
        let which = match several {
            true => format!("{} {}{}", words.channel, channel.number, words.colon),
            false => String::new(),
        };
        text.push_str(&format!(
            "{} {which}{reason}; {} {}, {} {}, {} {}\n",
            words.closed,
            channel.output.bytes,
            words.bytes(channel.output.bytes),
            channel.error_output.bytes,
            words.streams[1],
            channel.input.bytes,
            words.streams[2],
        ));
        text
    }
}

/// Lines as the terminal showed them, and what happened between.
fn shown(
    screen: &mut Scrolling,
    hidden: &mut Option<TimedLine>,
    event: &CastEvent,
    words: &Words,
) -> Vec<TimedLine> {
    let at_us = event.at_us;
    match event.code {
        Code::Output => in_words(screen.feed(at_us, &event.text), words),
        Code::Resize { cols, rows } => {
            let size = Size::clamped(cols, rows);
            let mut lines = screen.resize(at_us, size);
            let told = size.less_than(cols, rows);
            lines.extend(told.map(|text| TimedLine::said(at_us, text)));
            in_words(lines, words)
        }
        Code::Marker => vec![TimedLine::said(
            at_us,
            format!("[{}]", markers::said(&event.text, words)),
        )],
        Code::Input if event.text.chars().all(|letter| letter == MASK) => {
            let line = hidden.get_or_insert_with(|| TimedLine::new(at_us, ""));
            // So many dots say enough.
            if line.text.len() < MAX_LINE {
                line.text.push_str(&event.text);
            }
            Vec::new()
        }
        Code::Input => hidden
            .take()
            .map(|line| told(&line, words))
            .into_iter()
            .collect(),
        Code::Exit | Code::Other(_) => Vec::new(),
    }
}

/// What the recording says of a screen, in the reader's words; what the screen showed is not touched.
fn in_words(lines: Vec<TimedLine>, words: &Words) -> Vec<TimedLine> {
    let said = |line: TimedLine| match line.said {
        true => TimedLine {
            text: words.told(line.text),
            ..line
        },
        false => line,
    };
    lines.into_iter().map(said).collect()
}

fn told(hidden: &TimedLine, words: &Words) -> TimedLine {
    let text = format!("[{}{}{}]", words.not_echoed, words.colon, hidden.text);
    TimedLine::said(hidden.at_us, text)
}
