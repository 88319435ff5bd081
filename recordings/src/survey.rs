//! First pass over a closed journal: what must be known of a channel before its files are written.
//!
//! Whether a stream is text throughout (else it gets a raw file from its first byte), which input
//! was not echoed (which only later output can tell), and how much there is of it.

use crate::chain::Seal;
use crate::echo::{EchoDetector, Masks, Unechoed};
use crate::evidence::manifest::ClockReading;
use crate::stream::{BinaryGauge, PerStream};
use crate::{Event, JournalReader, ReadError, SessionEnd, Stream, Utf8Decoder};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    pub(crate) channels: BTreeMap<u32, ChannelSurvey>,
    pub(crate) end: Option<SessionEnd>,
    pub(crate) last_us: u64,
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) last_seal: Option<Seal>,
    pub(crate) clock: Vec<ClockReading>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ChannelSurvey {
    pub(crate) needs_raw: PerStream<bool>,
    pub(crate) masks: Masks,
    pub(crate) hidden_lines: u64,
    /// The first and the last of its frames.
    pub(crate) frames: (u64, u64),
    /// Payload bytes of each stream.
    pub(crate) bytes: PerStream<u64>,
    /// How much of all that the cast shows as text: bytes, and events.
    pub(crate) shown: (u64, u64),
}

impl ChannelSurvey {
    /// How long its cast will be, about.
    pub(crate) fn about_cast(&self) -> u64 {
        const HEADER: u64 = 256;
        const EVENT: u64 = 24;
        let (bytes, events) = self.shown;
        let escaped = bytes.saturating_add(bytes / 4);
        HEADER
            .saturating_add(escaped)
            .saturating_add(events.saturating_mul(EVENT))
    }

    /// How long the file of its masked input will be, about.
    pub(crate) fn about_unechoed(&self) -> u64 {
        const LINE: u64 = 64;
        let lengths = self.masks.ranges().iter();
        lengths
            .map(|(from, to)| to.saturating_sub(*from).saturating_mul(2))
            .fold(2 * LINE, |total, bytes| total.saturating_add(bytes + LINE))
    }
}

#[derive(Default)]
struct Open {
    /// It has a terminal, which ignores what no text has: nothing on it is binary.
    terminal: bool,
    /// It carries packets: all of it is.
    packets: bool,
    decoders: PerStream<Utf8Decoder>,
    gauges: PerStream<BinaryGauge>,
    needs_raw: PerStream<bool>,
    echo: EchoDetector,
    frames: (u64, u64),
    bytes: PerStream<u64>,
    shown: (u64, u64),
}

pub(crate) fn survey(reader: &mut JournalReader) -> Result<Survey, ReadError> {
    let mut survey = Survey::default();
    let mut open: BTreeMap<u32, Open> = BTreeMap::new();
    while let Some(frame) = reader.next_frame()? {
        survey.last_us = frame.at_us;
        let number = frame.number;
        match frame.event {
            Event::ChannelOpened(opened) => {
                let terminal = opened.pty.is_some();
                let echo = EchoDetector::new(terminal);
                let channel = Open {
                    terminal,
                    packets: opened.kind.carries_packets(),
                    ..Open::at(number, echo)
                };
                open.insert(frame.channel, channel);
            }
            Event::Output(bytes) => open
                .entry(frame.channel)
                .or_insert_with(|| Open::at(number, EchoDetector::default()))
                .take(number, frame.at_us, Stream::Output, bytes),
            Event::ErrorOutput(bytes) => open
                .entry(frame.channel)
                .or_insert_with(|| Open::at(number, EchoDetector::default()))
                .take(number, frame.at_us, Stream::ErrorOutput, bytes),
            Event::Input(bytes) => open
                .entry(frame.channel)
                .or_insert_with(|| Open::at(number, EchoDetector::default()))
                .take(number, frame.at_us, Stream::Input, bytes),
            Event::ChannelClosed(_) => {
                if let Some(mut channel) = open.remove(&frame.channel) {
                    channel.frames.1 = number;
                    survey.channels.insert(frame.channel, channel.finish());
                }
            }
            Event::SessionEnd(end) => survey.end = Some(end.into_owned()),
            Event::Clock(reading) => survey.clock.push(reading.into_owned()),
            Event::Resize { .. }
            | Event::Marker(_)
            | Event::Eof(_)
            | Event::ExitStatus(_)
            | Event::ExitSignal(_)
            | Event::Note(_)
            | Event::Refusal(_)
            | Event::File(_) => {
                if let Some(channel) = open.get_mut(&frame.channel) {
                    channel.shown.1 = channel.shown.1.saturating_add(2);
                }
            }
        }
    }
    for (number, mut channel) in open {
        channel.frames.1 = reader.frames();
        survey.channels.insert(number, channel.finish());
    }
    survey.frames = reader.frames();
    survey.bytes = reader.offset();
    survey.last_seal = reader.last_seal();
    Ok(survey)
}

impl Open {
    fn at(frame: u64, echo: EchoDetector) -> Self {
        Open {
            echo,
            frames: (frame, frame),
            ..Open::default()
        }
    }

    fn take(&mut self, frame: u64, at_us: u64, stream: Stream, bytes: &[u8]) {
        self.echo.at(at_us);
        match stream {
            Stream::Output | Stream::ErrorOutput => self.echo.output(bytes),
            Stream::Input => self.echo.input(bytes),
        }
        self.frames.1 = frame;
        let length = bytes.len() as u64;
        let total = self.bytes.of_mut(stream);
        *total = total.saturating_add(length);
        let binary = self.packets || self.gauges.of_mut(stream).is_binary(bytes);
        if !binary || self.terminal {
            let (shown, events) = self.shown;
            self.shown = (shown.saturating_add(length), events.saturating_add(1));
        }
        let needs_raw = self.needs_raw.of_mut(stream);
        if !*needs_raw {
            *needs_raw = binary || !self.decoders.of_mut(stream).feed(bytes, |_| {});
        }
    }

    fn finish(mut self) -> ChannelSurvey {
        for stream in Stream::ALL {
            if !self.decoders.of_mut(stream).end(|_| {}) {
                *self.needs_raw.of_mut(stream) = true;
            }
        }
        let Unechoed {
            masks,
            hidden_lines,
        } = self.echo.finish();
        ChannelSurvey {
            needs_raw: self.needs_raw,
            masks,
            hidden_lines,
            frames: self.frames,
            bytes: self.bytes,
            shown: self.shown,
        }
    }
}
