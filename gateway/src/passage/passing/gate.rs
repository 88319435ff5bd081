//! What ends a passage from outside.

use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::{EndReason, Permit};
use tokio::sync::watch;

use crate::live::{Exhausted, LiveSession, Stop};
use crate::passage::farewell::Farewell;
use crate::passage::right::Right;
use crate::passage::visit::Visit;
use crate::passage::visit::sessions::Seated;

/// The longest sleep between two looks at the wall clock.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What ends a passage from outside: the session, for whatever reason, and the permit's own time.
pub(in crate::passage) struct Gate<'a> {
    visit: &'a Arc<Visit>,
    live: &'a Arc<LiveSession>,
    permit: &'a Permit,
    right: &'a Right,
    /// A budget of this channel alone that lets nothing more pass.
    over: watch::Receiver<Option<Exhausted>>,
}

impl<'a> Gate<'a> {
    /// Of a channel that `over` tells of once a budget of its own lets nothing more pass.
    pub(super) fn new(
        visit: &'a Arc<Visit>,
        seated: &'a Seated,
        over: watch::Receiver<Option<Exhausted>>,
    ) -> Self {
        Self {
            visit,
            live: seated.session.live(),
            permit: &seated.permit,
            right: &seated.right,
            over,
        }
    }
}

impl Gate<'_> {
    /// Waits until nothing may pass any more.
    pub(in crate::passage) async fn until_shut(&self) -> Stop {
        tokio::select! {
            biased;
            stop = self.live.until_stopped() => stop,
            end = until_closed(self.permit, self.live) => {
                self.right.lose(end.clone());
                Stop::Right(end)
            }
            end = self.right.until_lost() => Stop::Right(end),
            over = until_over(self.over.clone()) => Stop::Quota(over),
        }
    }

    /// The end that an operator, a clock or a failed recording brought.
    pub(in crate::passage) fn shut(&self, stop: &Stop) -> Farewell {
        Farewell::refused(self.visit.words_for(stop)).because(stop)
    }

    /// The end that came by itself, unless the session ends: a cut closes the target's socket first, and its reason is the
    /// one that counts.
    pub(in crate::passage) fn passed(&self, passed: Result<Farewell, Farewell>) -> Farewell {
        match self.live.stopped() {
            Some(stop) => self.shut(&stop),
            None => passed.unwrap_or_else(|farewell| farewell),
        }
    }
}

async fn until_over(mut over: watch::Receiver<Option<Exhausted>>) -> Exhausted {
    if let Ok(found) = over.wait_for(Option::is_some).await
        && let Some(over) = found.clone()
    {
        return over;
    }
    // Whoever could tell is gone, and the channel with it.
    std::future::pending().await
}

/// Waits until the line of the matrix that permitted this channel closes, which may be before the session's window.
/// Looks at the clock now and then, because it may be set forward.
async fn until_closed(permit: &Permit, live: &LiveSession) -> EndReason {
    let closes_at = permit.closes_at();
    loop {
        let now = live.now();
        if closes_at <= now {
            return permit.end().clone();
        }
        tokio::time::sleep(closes_at.since(now).to_std().min(LOOK_EVERY)).await;
    }
}
