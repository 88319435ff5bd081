//! What passes on a channel, counted at the gateway's two sides and apart from the recorder: the seal compares the two.
//!
//! What is received is counted as it arrives; what is sent is counted just before it is handed over, so that nothing
//! that went out is missing from the count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ecluse_recordings::{Direction, Legs};

/// Counters of one channel.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    from_target: AtomicU64,
    to_technician: AtomicU64,
    to_target: AtomicU64,
    /// The same two for the session.
    session: Arc<Passed>,
}

/// What went out on all channels of a session, in payload bytes.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    to_target: AtomicU64,
    to_technician: AtomicU64,
}

impl Passed {
    /// To the target and to the technician.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let (up, down) = (&self.to_target, &self.to_technician);
        (up.load(Relaxed), down.load(Relaxed))
    }
}

impl Meter {
    /// A channel of `session` on which nothing has passed.
    pub(crate) fn of(session: &Arc<Passed>) -> Self {
        Self {
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
        let (one, all) = match towards {
            Direction::ToTechnician => (&self.to_technician, &self.session.to_technician),
            Direction::ToTarget => (&self.to_target, &self.session.to_target),
        };
        one.fetch_add(bytes as u64, Relaxed);
        all.fetch_add(bytes as u64, Relaxed);
    }

    /// All four, with what the technician's side received.
    pub(crate) fn with_received(&self, from_technician: u64) -> Legs {
        Legs {
            from_target: self.from_target.load(Relaxed),
            to_technician: self.to_technician.load(Relaxed),
            from_technician,
            to_target: self.to_target.load(Relaxed),
        }
    }
}
