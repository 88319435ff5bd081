//! Rights are looked at again while they are in use (invariant 6, A8, I3).
//!
//! One watch a connection: it sleeps until something may have ended a right (a change in the store, new documents, the
//! end of the window, the gateway stopping) and asks policy again. A wall clock that is set is caught by looking at least
//! every few seconds.

use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::EndReason;
use tokio::sync::watch;

use super::visit::Visit;
use crate::clock;
use crate::live::Stop;
use crate::time_source::ClockStatus;

/// The longest sleep between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Several changes at once are looked at once.
const SETTLE: Duration = Duration::from_millis(50);

/// Watches over an authenticated connection until a right ends; the reason was then told and the socket is being cut.
pub(crate) async fn watch_over(visit: &Arc<Visit>) {
    let gateway = visit.gateway();
    let mut documents = gateway.documents.clone();
    let mut changes = gateway.store.changes();
    let mut stopping = gateway.stopping.clone();
    let mut clock_status = gateway.clock.clone();
    loop {
        documents.mark_unchanged();
        changes.mark_unchanged();
        if let Some(stop) = ended(visit).await {
            return visit.stop(stop);
        }
        let until_window_ends = visit
            .until_window_ends(clock::now())
            .unwrap_or(LOOK_EVERY)
            .min(LOOK_EVERY);
        tokio::select! {
            _ = documents.changed() => {}
            _ = changes.changed() => tokio::time::sleep(SETTLE).await,
            () = visit.session_began() => {}
            () = until_news(&mut clock_status) => if let Some(session) = visit.current_session() {
                visit.note_clock(session);
            },
            () = tokio::time::sleep(until_window_ends) => {}
            () = until_true(&mut stopping) => return visit.stop(Stop::GatewayStops),
            stop = visit.until_session_stops() => return visit.stop(stop),
        }
    }
}

/// The first right that has ended, if any.
async fn ended(visit: &Arc<Visit>) -> Option<Stop> {
    let gateway = visit.gateway();
    let applied = gateway.applied();
    let now = clock::now();
    if let Err(ended) = visit
        .visitor()
        .authenticated
        .still_valid(&applied.documents, now)
    {
        return Some(Stop::Right(EndReason::Withdrawn(ended)));
    }
    let session = visit.current_session()?;
    let intervention = match gateway
        .store
        .intervention(session.admission().intervention().id())
        .await
    {
        Ok(intervention) => intervention,
        Err(error) => {
            // Without the store nobody can say that the right still stands; a passing fault is looked at again, the
            // window's end is known without the store.
            tracing::warn!(%error, "cannot look whether a session's rights still stand");
            return (now >= session.admission().closes_at()).then(|| {
                Stop::Right(EndReason::WindowOver {
                    closed_at: session.admission().closes_at(),
                })
            });
        }
    };
    session
        .admission()
        .recheck(&applied.documents, intervention.as_ref(), now)
        .err()
        .map(Stop::Right)
}

async fn until_true(flag: &mut watch::Receiver<bool>) {
    // Without a sender the gateway is gone, which is the same.
    let _ = flag.wait_for(|flag| *flag).await;
}

/// Waits for another status of the clock.
async fn until_news(status: &mut watch::Receiver<ClockStatus>) {
    if status.changed().await.is_err() {
        // Whoever watched the clock is gone, as when the gateway ends.
        std::future::pending::<()>().await;
    }
}
