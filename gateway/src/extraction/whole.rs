//! What passes whole or not at all, such as the words of a command: what was paid for it goes back where it does not pass.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::Way;
use super::accounts::Back;
use super::toll::Toll;

/// Something that passes whole or not at all. Dropped before it has passed, it costs nothing. Must be dropped inside the
/// runtime.
#[derive(Debug)]
#[must_use = "what does not pass goes back"]
pub(crate) struct Whole {
    pub(super) toll: Arc<Toll>,
    pub(super) way: Way,
    /// What was paid, by the accounts that it came from.
    pub(super) paid: Vec<Back>,
    /// What nothing bounded.
    pub(super) unbounded: u64,
}

impl Toll {
    /// Waits until something may pass each way: where an account lets nothing pass, that is told, and it waits for as long as
    /// that is so.
    pub(crate) async fn until_ready(self: &Arc<Self>) {
        for way in Way::ALL {
            let lane = self.lane(way);
            while lane.bounded.load(SeqCst) && lane.slice.load(SeqCst) == 0 {
                self.until_drawn(lane).await;
            }
        }
    }
}

impl Whole {
    /// Pays for so many bytes of it, however long that takes.
    pub(crate) async fn pay(&mut self, bytes: usize) {
        let (lane, mut left) = (self.toll.lane(self.way), bytes as u64);
        while left > 0 {
            if !lane.bounded.load(SeqCst) {
                self.unbounded += left;
                return;
            }
            let (from, paid) = lane.spend_from(left);
            left -= paid;
            if paid > 0 {
                self.paid.push((from, paid));
            }
            if left > 0 {
                self.toll.until_drawn(lane).await;
            }
        }
    }

    /// It passes: what was paid is spent. How much that is, in bytes.
    pub(crate) fn passes(mut self) -> u64 {
        let paid: u64 = self.paid.drain(..).map(|(_, paid)| paid).sum();
        let unbounded = std::mem::take(&mut self.unbounded);
        let lane = self.toll.lane(self.way);
        lane.unbooked.fetch_add(unbounded, Relaxed);
        paid + unbounded
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        for back in self.paid.drain(..) {
            self.toll.give_back(back);
        }
    }
}
