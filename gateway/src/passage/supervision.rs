//! Rights are looked at again while they are in use (invariant 6, A8, I3).
//!
//! Two kinds of watch. One a connection ([`watch_over`]) looks whether the person and the station may be there; one a
//! session ([`watch_session`]) whether what its intervention admitted still stands, for the session and for each of its
//! channels by the rule that permitted it, and closes its recording when it has ended. Each sleeps until something may have
//! ended a right (a change of its intervention, new documents, the end of the window, the gateway stopping) and asks policy
//! again. A wall clock that is set is caught by looking at least every few seconds; one that is set back gives nobody more
//! time than was approved ([`LiveSession::now`](crate::live::LiveSession::now)).

use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::{Admission, EndReason};
use tokio::sync::watch;

use super::posture::Warned;
use super::session::Session;
use super::visit::Visit;
use super::{company, hands, posture};
use crate::clock;
use crate::live::Stop;
use crate::store::Topics;
use crate::time_source::ClockStatus;

/// The longest sleep between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Several changes at once are looked at once.
const SETTLE: Duration = Duration::from_millis(50);
/// How long the channels of a session may take to end once it has ended: longer than its connection is left alone with it.
const CHANNELS_END_WITHIN: Duration = Duration::from_secs(5);

/// Watches over an authenticated connection until nobody may be on it any more, and says why.
pub(crate) async fn watch_over(visit: &Arc<Visit>) -> Stop {
    let gateway = visit.gateway();
    let mut documents = gateway.documents.clone();
    let mut stopping = gateway.stopping.clone();
    loop {
        documents.mark_unchanged();
        let applied = gateway.applied();
        let present = visit
            .visitor()
            .authenticated
            .still_valid(&applied.documents, clock::agreed());
        if let Err(ended) = present {
            return Stop::Right(EndReason::Withdrawn(ended));
        }
        tokio::select! {
            _ = documents.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = until_true(&mut stopping) => return Stop::GatewayStops,
        }
    }
}

/// Watches over a session until it or its connection ends, and closes it then.
pub(super) async fn watch_session(visit: Arc<Visit>, session: Arc<Session>) {
    tokio::select! {
        () = until_ended(&visit, &session) => {}
        () = company::keep(&visit, &session) => {}
        () = hands::keep(&visit, &session) => {}
    }
    let live = session.live();
    if tokio::time::timeout(CHANNELS_END_WITHIN, live.until_empty())
        .await
        .is_err()
    {
        tracing::warn!(session = %live.facts().id, "channels of an ended session did not end in time");
    }
    session.close(&visit).await;
    visit.forget(&session);
}

async fn until_ended(visit: &Visit, session: &Session) {
    let gateway = visit.gateway();
    let mut documents = gateway.documents.clone();
    let id = session.live().facts().intervention;
    let mut changes = gateway.store.changes(Topics::intervention(id));
    let mut clock_status = gateway.clock.clone();
    let mut woken = true;
    let mut warned = Warned::default();
    loop {
        documents.mark_unchanged();
        changes.mark_unchanged();
        if std::mem::take(&mut woken) {
            hands::look(visit, session).await;
        }
        if let Some(stop) = ended(visit, session).await {
            return session.live().stop(stop);
        }
        let closes_at = session.admission().closes_at();
        let until = posture::warn(visit, session, &mut warned).await;
        let closes_at = until.map_or(closes_at, |until| until.min(closes_at));
        let until_window_ends = closes_at.since(session.live().now()).to_std();
        tokio::select! {
            _ = documents.changed() => {}
            _ = changes.changed() => {
                // A hand waits for nothing; and what comes until all is looked at is looked at again.
                hands::look(visit, session).await;
                woken = true;
                tokio::time::sleep(SETTLE).await;
            }
            () = until_news(&mut clock_status) => visit.note_clock(session),
            () = tokio::time::sleep(until_window_ends.min(LOOK_EVERY)) => {}
            _ = session.live().until_stopped() => return,
            () = visit.until_over() => return,
        }
    }
}

/// The first right of a session that has ended, if any; where none has, the channels whose own rule is lost end.
async fn ended(visit: &Visit, session: &Session) -> Option<Stop> {
    let gateway = visit.gateway();
    let (applied, now) = (gateway.applied(), session.live().now());
    let (latest, earlier) = (session.admission(), session.earlier_admissions());
    let found = gateway
        .store
        .intervention(session.live().facts().intervention)
        .await;
    let intervention = match found {
        Ok(intervention) => intervention,
        Err(error) => {
            // Without the store nobody can say that the right still stands; a passing fault is looked at again, the
            // window's end is known without the store.
            tracing::warn!(%error, "cannot look whether a session's rights still stand");
            let closed_at = latest.closes_at();
            return (closed_at <= now).then_some(Stop::Right(EndReason::WindowOver { closed_at }));
        }
    };
    let recheck =
        |admission: &Admission| admission.recheck(&applied.documents, intervention.as_ref(), now);
    // A channel whose own line has closed ends by itself, and the session goes on with what was admitted since.
    let taken_away = |reason: &EndReason| !reason.is_of_time();
    let reason = recheck(&latest).err().or_else(|| {
        let mut reasons = earlier.iter().filter_map(|one| recheck(one).err());
        reasons.find(taken_away)
    });
    if reason.is_none() {
        // The session stands: its channels do, each by its own rule.
        for right in session.rights() {
            let permit = right.permit();
            let bounds = latest.bounds(permit, &applied.documents, intervention.as_ref(), now);
            match bounds {
                Ok(bounds) => right.stands_with(bounds),
                Err(reason) => right.lose(reason),
            }
        }
        session.is_accompanied_by_its_rights(visit);
    }
    reason.map(Stop::Right)
}

/// Waits until `flag` is true.
pub(super) async fn until_true(flag: &mut watch::Receiver<bool>) {
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
