//! What one channel rests on: the permit of its own rule. A lost rule ends its channels and no others (invariant 6).

use ecluse_policy::{EndReason, Permit};
use tokio::sync::watch;

/// The permit of a channel, watched over by its session for as long as the channel holds it.
pub(crate) struct Right {
    permit: Permit,
    lost: watch::Sender<Option<EndReason>>,
}

impl Right {
    /// It stands.
    pub(super) fn new(permit: Permit) -> Self {
        Self {
            permit,
            lost: watch::Sender::new(None),
        }
    }

    /// What is asked of policy again.
    pub(super) const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// It does not stand any more; the first reason is the one that is told.
    pub(super) fn lose(&self, reason: EndReason) {
        self.lost.send_if_modified(|lost| {
            let first = lost.is_none();
            if first {
                *lost = Some(reason);
            }
            first
        });
    }

    /// Waits until it is lost.
    pub(crate) async fn until_lost(&self) -> EndReason {
        let mut lost = self.lost.subscribe();
        loop {
            if let Some(reason) = lost.borrow_and_update().clone() {
                return reason;
            }
            if lost.changed().await.is_err() {
                // Cannot be: `self` holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }
}
