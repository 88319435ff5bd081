//! The tap of a channel: what passes is recorded first (invariant 3).
//!
//! Every byte goes through [`Tap`] before it goes on. An error here ends the session; nothing is forwarded after it.
//! The write happens on the caller's thread, so that a slow disk slows the technician and never grows a queue
//! (`adr/0002-recording-on-the-path.md`).

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use ecluse_recordings as recordings;
use ecluse_recordings::{Event, RecordError, Recorder};

use super::downlink::Stream;
use crate::live::LiveSession;

/// Records one channel of one session.
pub(crate) struct Tap {
    recorder: Arc<Recorder>,
    live: Arc<LiveSession>,
    channel: u32,
    began: Instant,
}

impl Tap {
    /// The tap of channel number `channel` of a recording that began at `began`.
    pub(crate) fn new(
        recorder: Arc<Recorder>,
        live: Arc<LiveSession>,
        channel: u32,
        began: Instant,
    ) -> Self {
        Self {
            recorder,
            live,
            channel,
            began,
        }
    }

    /// Records bytes of the target, before the technician gets them.
    ///
    /// # Errors
    /// Whatever kept them from being written; the passage must end.
    pub(crate) fn output(&self, stream: Stream, pieces: &[Bytes]) -> Result<(), RecordError> {
        let stream = match stream {
            Stream::Output => recordings::Stream::Output,
            Stream::ErrorOutput => recordings::Stream::ErrorOutput,
        };
        self.recorder
            .append_pieces(self.channel, self.at(), stream, pieces)?;
        self.live.recorded(0, length(pieces));
        Ok(())
    }

    /// Records bytes of the technician, before the target gets them.
    ///
    /// # Errors
    /// As [`Tap::output`].
    pub(crate) fn input(&self, pieces: &[Bytes]) -> Result<(), RecordError> {
        let stream = recordings::Stream::Input;
        self.recorder
            .append_pieces(self.channel, self.at(), stream, pieces)?;
        self.live.recorded(length(pieces), 0);
        Ok(())
    }

    /// Records anything else.
    ///
    /// # Errors
    /// As [`Tap::output`].
    pub(crate) fn record(&self, event: Event<'_>) -> Result<(), RecordError> {
        self.recorder.append(self.channel, self.at(), event)?;
        // Whoever watches reads the journal, which is ahead of what the technician sees.
        self.live.recorded(0, 0);
        Ok(())
    }

    /// Microseconds since the session began.
    fn at(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

fn length(pieces: &[Bytes]) -> usize {
    pieces.iter().map(Bytes::len).sum()
}
