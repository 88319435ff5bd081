//! Finds input that the target did not echo: a password at a prompt, above all.
//!
//! Terminals do not say whether echo is on, so this looks at what came back. With a terminal, the
//! letters typed on a line must come back in order: each soon after it was typed, or, for letters sent
//! in one go with their Enter, as the next line of output. A line of which any letter is
//! missing is masked from its first letter to its last. Without a terminal nothing is ever echoed, so
//! only a prompt that asks for a secret masks the line that answers it.
//!
//! It errs on the side of masking: what is masked in vain is still on screen where it was echoed, and
//! in clear in the `unechoed` file. A line of which nothing came back counts as hidden, unless a full-screen program drew it
//! within two seconds. `README.md` lists where it fails. Reads a finished recording in
//! order and needs what comes after: a live view masks all input.

mod drawn;
mod line;
mod masks;
mod prompt;
pub(crate) mod visible;

use crate::Utf8Decoder;
use crate::keys::Keys;
use drawn::Drawn;
use line::{Line, MAX_TYPED};
use prompt::asks_for_secret;
use std::collections::VecDeque;
use visible::{Shown, Visible};

pub use masks::Masks;

/// A line typed ahead of its prompt is looked for in so much output.
const AHEAD: usize = 64 * 1024;
/// Longest queue of lines sent and not yet echoed; beyond, they are masked.
const MAX_SENT: usize = 1024;
/// More ranges than this become one, so that a hostile session cannot fill the memory.
const MAX_RANGES: usize = 65_536;
/// How much of the last line of output is kept, to recognise a prompt.
const PROMPT: usize = 200;

/// Watches the input and output of one channel, in order.
#[derive(Debug, Default)]
pub struct EchoDetector {
    pty: bool,
    /// Bytes of input seen.
    offset: u64,
    decoder: Utf8Decoder,
    /// Inside an escape sequence that the technician's terminal sent.
    keys: Keys,
    line: Option<Line>,
    sent: VecDeque<Sent>,
    output: Visible,
    /// The last line of output, its end.
    tail: String,
    /// Without a terminal: this line answers a prompt for a secret.
    answering: Option<u64>,
    ranges: Vec<(u64, u64)>,
    hidden_lines: u64,
    now_us: u64,
    /// Lines typed while a full-screen program had the screen, and what it drew.
    drawn: Drawn,
}

/// What was not echoed.
#[derive(Debug, Default)]
pub struct Unechoed {
    /// Where it stands in the input.
    pub masks: Masks,
    /// Lines typed at a terminal of which not one letter came back, though nothing asked for a secret.
    pub hidden_lines: u64,
}

/// A line that was sent before its echo came.
#[derive(Debug)]
struct Sent {
    start: u64,
    end: u64,
    typed: String,
    missing: String,
    hidden: bool,
    /// Sent in the same piece of input as the line before it.
    burst: bool,
    /// The first line of output since this became the first of the queue.
    first: bool,
    shown: String,
    /// The output went back to the beginning of its row.
    returned: bool,
    seen: usize,
}

impl EchoDetector {
    /// For a channel with or without a terminal.
    #[must_use]
    pub fn new(pty: bool) -> Self {
        EchoDetector {
            pty,
            ..EchoDetector::default()
        }
    }

    /// From now on it is so late, in microseconds since some moment: what a screen shows soon is told from what it shows later.
    pub fn at(&mut self, at_us: u64) {
        self.now_us = at_us;
        self.hidden_lines = self.hidden_lines.saturating_add(self.drawn.judge(at_us));
    }

    /// The target printed this.
    pub fn output(&mut self, bytes: &[u8]) {
        let screen = self.drawn.wants() || (self.line.is_some() && self.output.is_full_screen());
        self.drawn.takes(screen);
        let waiting =
            screen || !self.sent.is_empty() || self.line.as_ref().is_some_and(Line::waits);
        // While nothing waits for its echo, only the end matters: it may be a prompt.
        let mut bytes = bytes;
        if !waiting && bytes.len() > 2 * PROMPT {
            let (skipped, last) = bytes.split_at(bytes.len() - 2 * PROMPT);
            self.output.skip(skipped);
            bytes = last;
        }
        let mut output = std::mem::take(&mut self.output);
        output.feed(bytes, |shown| self.shown(shown));
        self.output = output;
    }

    /// The technician typed this.
    pub fn input(&mut self, bytes: &[u8]) {
        if !self.pty {
            return self.input_without_terminal(bytes);
        }
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut lines_before = 0usize;
        let held = decoder.held() as u64;
        let mut at = self.offset.saturating_sub(held);
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        decoder.feed_spans(bytes, |text, span| {
            for letter in text.chars() {
                let start = at;
                // Only a replacement for what is not text stands for another number of bytes.
                let length = if text.len() == span {
                    letter.len_utf8()
                } else {
                    span
                };
                at = at.saturating_add(length as u64);
                self.letter(letter, start, at, &mut lines_before);
            }
        });
        self.decoder = decoder;
        self.keys.piece_ended();
    }

    /// All was seen: what still waits for its echo was not echoed.
    #[must_use]
    pub fn finish(mut self) -> Unechoed {
        while let Some(sent) = self.sent.pop_front() {
            if !(sent.first && sent.shown == sent.missing) {
                self.hidden_lines = self.hidden_lines.saturating_add(sent.hidden.into());
                self.mask(sent.start, sent.end);
            }
        }
        self.abandon();
        if let Some(start) = self.answering.take() {
            let end = self.offset;
            self.mask(start, end);
        }
        let unseen = self.drawn.judge(u64::MAX);
        self.hidden_lines = self.hidden_lines.saturating_add(unseen);
        Unechoed {
            masks: Masks::of(self.ranges),
            hidden_lines: self.hidden_lines,
        }
    }

    fn letter(&mut self, letter: char, start: u64, end: u64, lines_before: &mut usize) {
        if self.keys.swallow(letter) {
            return;
        }
        match letter {
            '\r' | '\n' => {
                self.send(*lines_before > 0);
                *lines_before += 1;
            }
            // Interrupt, quit, suspend: the line is over and nothing more echoes it.
            '\x03' | '\x1a' | '\x1c' => self.abandon(),
            // A program that reads letter by letter, or up to the end of file, got all of it.
            '\x04' => {
                if let Some(line) = self.unechoed() {
                    let hidden = self.is_hidden(&line);
                    self.hidden_lines = self.hidden_lines.saturating_add(hidden.into());
                    self.mask(line.start, line.end);
                }
            }
            '\x08' | '\x7f' => {
                if let Some(line) = &mut self.line {
                    line.erase();
                }
            }
            letter if letter.is_control() => {}
            letter => {
                let asked = asks_for_secret(&self.tail);
                if self.line.is_none() {
                    self.drawn.line_begins();
                }
                let line = self.line.get_or_insert_with(|| Line::new(start, asked));
                line.add(letter, end, asked);
            }
        }
    }

    /// Enter.
    fn send(&mut self, burst: bool) {
        let Some(line) = self.unechoed() else { return };
        let hidden = self.is_hidden(&line);
        let Line {
            start,
            end,
            typed,
            missing,
            failed,
            asked,
            ..
        } = line;
        if failed || asked || self.sent.len() >= MAX_SENT {
            self.hidden_lines = self.hidden_lines.saturating_add(hidden.into());
            return self.mask(start, end);
        }
        let missing = missing.into_iter().collect();
        self.sent.push_back(Sent {
            start,
            end,
            typed,
            missing,
            hidden,
            burst,
            first: true,
            shown: String::new(),
            returned: false,
            seen: 0,
        });
    }

    /// Whether a line that was sent and did not come back was typed where nobody sees it; one that a full-screen program
    /// may still draw is judged later.
    fn is_hidden(&mut self, line: &Line) -> bool {
        let full_screen = self.output.is_full_screen();
        // Keys of full-screen programs are seldom echoed, and seldom words.
        let hidden = line.is_hidden(if full_screen { 4 } else { 1 });
        if hidden && full_screen {
            // Such a program draws what it is told where it likes: its screen has a while to show it.
            let unseen = self.drawn.line_sent(&line.typed, self.now_us);
            self.hidden_lines = self.hidden_lines.saturating_add(unseen);
            return false;
        }
        hidden
    }

    fn abandon(&mut self) {
        if let Some(line) = self.unechoed() {
            self.mask(line.start, line.end);
        }
    }

    /// The line that was being typed, if not all of it came back. Of one that began with the keys of a full-screen program,
    /// and came back since, those alone are masked.
    fn unechoed(&mut self) -> Option<Line> {
        let line = self.line.take().filter(|line| !line.echoed())?;
        if let Some(end) = line.keys_alone() {
            self.mask(line.start, end);
            return None;
        }
        Some(line.whole())
    }

    fn shown(&mut self, shown: Shown) {
        match shown {
            Shown::Letter(letter) => {
                if self.tail.len() >= 2 * PROMPT {
                    let cut = self.tail.ceil_char_boundary(PROMPT);
                    self.tail.drain(..cut);
                }
                self.tail.push(letter);
                if let Some(line) = &mut self.line {
                    line.see(letter);
                }
                self.see_sent(letter);
                self.drawn.see(letter);
            }
            Shown::Return => {
                if let Some(sent) = self.sent.front_mut() {
                    sent.returned = true;
                }
            }
            Shown::Tab => {}
            Shown::ScreenBack => {
                if let Some(line) = &mut self.line {
                    line.screen_back();
                }
            }
            Shown::NewLine => {
                self.tail.clear();
                self.line_of_output_ended();
            }
        }
    }

    fn see_sent(&mut self, letter: char) {
        let Some(sent) = self.sent.front_mut() else {
            return;
        };
        sent.seen += 1;
        // A shell that wraps a line prints the first letter of the next row twice.
        let again = std::mem::take(&mut sent.returned) && sent.shown.ends_with(letter);
        if !again && sent.shown.len() < MAX_TYPED {
            sent.shown.push(letter);
        }
        if sent.seen > AHEAD {
            self.settle(false);
        }
    }

    fn line_of_output_ended(&mut self) {
        let Some(front) = self.sent.front_mut() else {
            return;
        };
        let shown = without_blanks(&std::mem::take(&mut front.shown));
        // A line that is not the echo of the first in the queue may be that of the next: one read
        // without echo leaves nothing on screen before the next prompt.
        while let Some(sent) = self.sent.front_mut() {
            let typed = without_blanks(&sent.typed);
            let echoed = shown == typed
                || (sent.first && shown == without_blanks(&sent.missing))
                || (typed.chars().count() >= 3 && shown.ends_with(&typed));
            // Only lines pasted behind others wait for a later prompt to show them.
            let waits = sent.burst && sent.seen <= AHEAD;
            sent.first = false;
            if echoed {
                return self.settle(true);
            }
            if waits {
                return;
            }
            self.settle(false);
        }
    }

    /// The first line of the queue is judged.
    fn settle(&mut self, echoed: bool) {
        let Some(sent) = self.sent.pop_front() else {
            return;
        };
        if !echoed {
            self.hidden_lines = self.hidden_lines.saturating_add(sent.hidden.into());
            self.mask(sent.start, sent.end);
        }
    }

    fn mask(&mut self, start: u64, end: u64) {
        if self.ranges.len() >= MAX_RANGES {
            let start = self
                .ranges
                .iter()
                .map(|range| range.0)
                .min()
                .unwrap_or(start)
                .min(start);
            let end = self
                .ranges
                .iter()
                .map(|range| range.1)
                .max()
                .unwrap_or(end)
                .max(end);
            self.ranges.clear();
            self.ranges.push((start, end));
            return;
        }
        self.ranges.push((start, end));
    }

    fn input_without_terminal(&mut self, bytes: &[u8]) {
        let start = self.offset;
        self.offset = start.saturating_add(bytes.len() as u64);
        if bytes.is_empty() {
            return;
        }
        if self.answering.is_none() && asks_for_secret(&self.tail) {
            self.answering = Some(start);
        }
        // Files pass here by the gigabyte: where nothing was asked, nothing is looked at.
        if self.answering.is_none() && self.tail.is_empty() {
            return;
        }
        let Some(at) = bytes.iter().position(|byte| *byte == b'\n') else {
            return;
        };
        // One prompt, one answer.
        self.tail.clear();
        if let Some(from) = self.answering.take() {
            let end = start.saturating_add(at as u64);
            if from < end {
                self.mask(from, end);
            }
        }
    }
}

/// A line without its blanks: a shell that wraps a line prints one more, and sometimes writes over it.
fn without_blanks(line: &str) -> String {
    line.chars().filter(|letter| *letter != ' ').collect()
}

#[cfg(test)]
mod tests;
