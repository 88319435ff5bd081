//! What passes on a channel, counted at the gateway's two sides and apart from the recorder: the seal compares the two.
//!
//! What is received is counted as it arrives; what is sent is counted just before it is handed over, so that nothing
//! that went out is missing from the count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ecluse_policy::extraction::Way;
use ecluse_recordings::{Direction, Legs};

use super::by_channel::{ByChannel, OfChannel, Sent};

/// Counters of one channel.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    from_target: AtomicU64,
    sent: Arc<Sent>,
    /// The same for the session.
    session: Arc<Passed>,
}

/// What went out on all channels of a session, in payload bytes.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    to_target: AtomicU64,
    to_technician: AtomicU64,
    /// What went to each beside that, and cost something all the same.
    beside: [AtomicU64; 2],
    /// What of it went on each channel.
    by_channel: ByChannel,
}

impl Passed {
    /// Something went out that is no payload of a channel, and was paid for: a command, a host key that a target chose.
    pub(crate) fn beside(&self, way: Way, bytes: u64) {
        let [down, up] = &self.beside;
        let counter = match way {
            Way::Down => down,
            Way::Up => up,
        };
        counter.fetch_add(bytes, Relaxed);
    }

    /// All that went one way and was paid for.
    pub(crate) fn paid(&self, way: Way) -> u64 {
        let [down, up] = &self.beside;
        let (counted, beside) = match way {
            Way::Down => (&self.to_technician, down),
            Way::Up => (&self.to_target, up),
        };
        counted.load(Relaxed) + beside.load(Relaxed)
    }

    /// A channel has ended.
    pub(crate) fn ended(&self, channel: u32) {
        self.by_channel.ended(channel);
    }

    /// What went out on each channel so far.
    pub(crate) fn by_channel(&self) -> Vec<OfChannel> {
        self.by_channel.told()
    }

    /// To the target and to the technician.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let (up, down) = (&self.to_target, &self.to_technician);
        (up.load(Relaxed), down.load(Relaxed))
    }
}

impl Meter {
    /// A channel of `session` on which nothing has passed: a shell, or a command, escaped for display.
    pub(crate) fn of(session: &Arc<Passed>, channel: u32, command: Option<&str>) -> Self {
        Self {
            sent: session.by_channel.open(channel, command),
            session: Arc::clone(session),
            ..Self::default()
        }
    }

    /// So many payload bytes came in one direction. Those of the technician are counted where they arrive, in the queue.
    pub(crate) fn received(&self, towards: Direction, bytes: usize) {
        match towards {
            Direction::ToTechnician => self.from_target.fetch_add(bytes as u64, Relaxed),
            Direction::ToTarget => return,
        };
    }

    /// So many are handed over now.
    pub(crate) fn sent(&self, towards: Direction, bytes: usize) {
        let [out, into] = &*self.sent;
        let (one, all) = match towards {
            Direction::ToTechnician => (out, &self.session.to_technician),
            Direction::ToTarget => (into, &self.session.to_target),
        };
        one.fetch_add(bytes as u64, Relaxed);
        all.fetch_add(bytes as u64, Relaxed);
    }

    /// All four, with what the technician's side received.
    pub(crate) fn with_received(&self, from_technician: u64) -> Legs {
        let [out, into] = &*self.sent;
        Legs {
            from_target: self.from_target.load(Relaxed),
            to_technician: out.load(Relaxed),
            from_technician,
            to_target: into.load(Relaxed),
        }
    }
}
