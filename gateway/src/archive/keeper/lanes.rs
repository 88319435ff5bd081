//! Two lanes by size: a very large recording, which takes minutes to seal, holds up no small one. Never more than two are
//! sealed at once, so that memory stays bounded and sessions keep the disk.

use std::fs;
use std::io;
use std::sync::{Arc, mpsc};

use ecluse_recordings::layout;

use super::{Left, Work};

/// From so many bytes of its journal on, a recording is sealed in the lane of the large ones: some ten seconds of sealing.
const LARGE: u64 = 512 * 1024 * 1024;

/// Where closed recordings wait for their seal.
pub(super) struct Lanes {
    small: mpsc::Sender<Work>,
    large: mpsc::Sender<Work>,
    large_from: u64,
}

impl Lanes {
    /// Starts a thread for each lane, which `seals` what comes, beginning with what was left over.
    pub(super) fn start(
        left: Vec<Left>,
        seals: impl Fn(mpsc::Receiver<Work>, Vec<Left>) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start_with(LARGE, left, seals)
    }

    /// The same, with another size from which on a recording is large.
    pub(super) fn start_with(
        large_from: u64,
        left: Vec<Left>,
        seals: impl Fn(mpsc::Receiver<Work>, Vec<Left>) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let seals = Arc::new(seals);
        let is_large = |left: &Left| left.work.bytes() >= large_from;
        let (large_left, small_left) = left.into_iter().partition(is_large);
        let lane = |name: &str, left: Vec<Left>| {
            let (sender, closed) = mpsc::channel();
            let seals = Arc::clone(&seals);
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || seals(closed, left))
                .map(|_| sender)
        };
        Ok(Self {
            small: lane("seal", small_left)?,
            large: lane("seal-large", large_left)?,
            large_from,
        })
    }

    /// Queues a recording; `false` where nobody seals any more.
    pub(super) fn take(&self, work: Work) -> bool {
        let lane = if work.bytes() >= self.large_from {
            &self.large
        } else {
            &self.small
        };
        lane.send(work).is_ok()
    }

    /// Lanes of a test that takes the work itself.
    #[cfg(test)]
    pub(super) fn of(sender: mpsc::Sender<Work>) -> Self {
        Self {
            small: sender.clone(),
            large: sender,
            large_from: u64::MAX,
        }
    }
}

impl Work {
    /// How much there is to seal; what is not there takes no time.
    fn bytes(&self) -> u64 {
        fs::metadata(self.dir().join(layout::LIVE)).map_or(0, |found| found.len())
    }
}
