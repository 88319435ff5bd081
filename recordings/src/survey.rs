//! First pass over a closed journal: what must be known of a channel before its files are written.
//!
//! Whether a stream is text throughout (else it gets a raw file from its first byte), and which input
//! was not echoed (which only later output can tell).

use crate::chain::Seal;
use crate::echo::{EchoDetector, Masks};
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
}

#[derive(Default)]
struct Open {
    decoders: PerStream<Utf8Decoder>,
    gauges: PerStream<BinaryGauge>,
    needs_raw: PerStream<bool>,
    echo: EchoDetector,
}

pub(crate) fn survey(reader: &mut JournalReader) -> Result<Survey, ReadError> {
    let mut survey = Survey::default();
    let mut open: BTreeMap<u32, Open> = BTreeMap::new();
    while let Some(frame) = reader.next_frame()? {
        survey.last_us = frame.at_us;
        match frame.event {
            Event::ChannelOpened(opened) => {
                let echo = EchoDetector::new(opened.pty.is_some());
                open.insert(
                    frame.channel,
                    Open {
                        echo,
                        ..Open::default()
                    },
                );
            }
            Event::Output(bytes) => open
                .entry(frame.channel)
                .or_default()
                .take(Stream::Output, bytes),
            Event::ErrorOutput(bytes) => open
                .entry(frame.channel)
                .or_default()
                .take(Stream::ErrorOutput, bytes),
            Event::Input(bytes) => open
                .entry(frame.channel)
                .or_default()
                .take(Stream::Input, bytes),
            Event::ChannelClosed(_) => {
                if let Some(channel) = open.remove(&frame.channel) {
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
            | Event::Refusal(_) => {}
        }
    }
    for (number, channel) in open {
        survey.channels.insert(number, channel.finish());
    }
    survey.frames = reader.frames();
    survey.bytes = reader.offset();
    survey.last_seal = reader.last_seal();
    Ok(survey)
}

impl Open {
    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Output | Stream::ErrorOutput => self.echo.output(bytes),
            Stream::Input => self.echo.input(bytes),
        }
        let needs_raw = self.needs_raw.of_mut(stream);
        if !*needs_raw {
            *needs_raw = self.gauges.of_mut(stream).is_binary(bytes)
                || !self.decoders.of_mut(stream).feed(bytes, |_| {});
        }
    }

    fn finish(mut self) -> ChannelSurvey {
        for stream in Stream::ALL {
            if !self.decoders.of_mut(stream).end(|_| {}) {
                *self.needs_raw.of_mut(stream) = true;
            }
        }
        ChannelSurvey {
            needs_raw: self.needs_raw,
            masks: self.echo.finish(),
        }
    }
}
