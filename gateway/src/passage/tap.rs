//! The tap of a channel: what passes is recorded first (invariant 3).
//!
//! Every byte goes through [`Tap`] before it goes on. An error here ends the session; nothing is forwarded after it.
//! The write happens on the caller's thread, so that a slow disk slows the technician and never grows a queue
//! (`adr/0002-recording-on-the-path.md`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use ecluse_recordings as recordings;
use ecluse_recordings::{Event, RecordError, Recorder, Stream};

use super::order::Order;
use crate::live::LiveSession;

/// What is recorded of a channel, and how.
pub(crate) trait Tape: Send + Sync {
    /// Records bytes, before whoever they are for gets them.
    ///
    /// # Errors
    /// Whatever kept them from being written; the passage must end.
    fn bytes(&self, stream: Stream, pieces: &[Bytes]) -> Result<(), RecordError>;

    /// Records anything else.
    ///
    /// # Errors
    /// As [`Tape::bytes`].
    fn event(&self, event: Event<'_>) -> Result<(), RecordError>;

    /// The technician sends nothing more, and said no end: what a line has that no end came of is one.
    ///
    /// # Errors
    /// As [`Tape::bytes`].
    fn ends(&self) -> Result<(), RecordError> {
        Ok(())
    }

    /// What puts the technician's terminal in order, on record; none where it is.
    ///
    /// # Errors
    /// As [`Tape::bytes`].
    fn restore(&self) -> Result<Option<Bytes>, RecordError>;
}

/// Records one channel of one session.
pub(crate) struct Tap {
    recorder: Arc<Recorder>,
    live: Arc<LiveSession>,
    channel: u32,
    began: Instant,
    /// What the target switches on in the technician's terminal, where there is one.
    order: Option<Mutex<Order>>,
}

impl Tap {
    /// The tap of channel number `channel` of a recording that began at `began`; with so many `rows` where the channel has a
    /// terminal.
    pub(crate) fn new(
        recorder: Arc<Recorder>,
        live: Arc<LiveSession>,
        channel: u32,
        began: Instant,
        rows: Option<u32>,
    ) -> Self {
        Self {
            recorder,
            live,
            channel,
            began,
            order: rows.map(|rows| Mutex::new(Order::new(rows))),
        }
    }

    fn order(&self) -> Option<MutexGuard<'_, Order>> {
        let order = self.order.as_ref()?;
        Some(order.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Microseconds since the session began.
    fn at(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Tape for Tap {
    fn bytes(&self, stream: Stream, pieces: &[Bytes]) -> Result<(), RecordError> {
        self.recorder
            .append_pieces(self.channel, self.at(), stream, pieces)?;
        self.live.recorded();
        match stream {
            Stream::Input => {}
            Stream::Output | Stream::ErrorOutput => {
                if let Some(mut order) = self.order() {
                    pieces.iter().for_each(|piece| order.read(piece));
                }
            }
        }
        Ok(())
    }

    fn event(&self, event: Event<'_>) -> Result<(), RecordError> {
        let rows = if let Event::Resize { rows, .. } = &event {
            Some(*rows)
        } else {
            None
        };
        self.recorder.append(self.channel, self.at(), event)?;
        if let (Some(mut order), Some(rows)) = (self.order(), rows) {
            order.resized(rows);
        }
        // Whoever watches reads the journal, which is ahead of what the technician sees.
        self.live.recorded();
        Ok(())
    }

    fn restore(&self) -> Result<Option<Bytes>, RecordError> {
        let Some(restored) = self.order().and_then(|mut order| order.restore()) else {
            return Ok(None);
        };
        let note = format!(
            "the terminal is put in order: {}",
            recordings::neutralise(&restored)
        );
        self.event(Event::Note(&note))?;
        Ok(Some(Bytes::from(restored)))
    }
}
