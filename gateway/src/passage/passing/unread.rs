//! A forward that nobody reads, while others of its session wait for that.
//!
//! The forwards of a session share one connection to their target, whose windows are granted on receipt: what one place sends and
//! its technician's program does not take fills what may be on its way of all, and no more is read of any. A program that
//! takes nothing for so long is ended for the others' sake; alone, it waits as long as it likes.

use std::time::Duration;

use tokio::sync::watch;

use super::super::reach::Connected;
use super::super::uplink::Uplink;
use crate::live::Held;

/// How long a program may read nothing while others wait.
const FOR_LONG: Duration = Duration::from_secs(20);
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Why such a forward ends, as it is on record.
pub(super) const UNREAD: &str =
    "the technician's program read nothing while the session's other forwards waited for that";

/// Looks whether a forward holds back others.
pub(super) struct UnreadForOthers<'a> {
    uplink: &'a Uplink,
    held: watch::Receiver<Held>,
    channel: u32,
}

impl<'a> UnreadForOthers<'a> {
    pub(super) fn new(uplink: &'a Uplink, held: watch::Receiver<Held>, channel: u32) -> Self {
        Self {
            uplink,
            held,
            channel,
        }
    }

    /// Waits until its technician's program has read nothing for long, and others wait. What is held reads nothing either, and
    /// waits for whoever lets it go on.
    pub(super) async fn until_for_long(&self, connection: &dyn Connected) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let is_held = self.held.borrow().holds(self.channel);
            if !is_held && self.uplink.unread_for() >= FOR_LONG && connection.holds_others_back() {
                return;
            }
        }
    }
}
