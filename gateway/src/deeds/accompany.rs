//! An operator accompanies a session for as long as they watch it (I4): asked again and again whether their client program is there,
//! and whether they may.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::actor::Actor;
use crate::gateway::Gateway;
use crate::live::{LiveSession, Program, Worth};

/// How long after its answer a program is asked again.
const ASKED_AFTER: Duration = Duration::from_secs(2);
/// How long it may take to answer. With [`ASKED_AFTER`], less than the ten seconds within which a dead network shows.
const ANSWERS_WITHIN: Duration = Duration::from_secs(7);

/// Somebody who watches, until this is dropped.
pub(crate) struct Companion {
    house: Arc<Gateway>,
    id: u64,
    worth: watch::Receiver<Worth>,
    asking: JoinHandle<()>,
}

impl Companion {
    /// What it is worth, as that changes.
    pub(crate) fn worth(&self) -> watch::Receiver<Worth> {
        self.worth.clone()
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        self.asking.abort();
        self.house.live.is_left(self.id);
    }
}

/// Somebody watches a session by `program`. Must run inside the runtime.
pub(crate) fn accompany(
    house: &Arc<Gateway>,
    by: &Actor,
    session: &Arc<LiveSession>,
    program: Option<Arc<dyn Program>>,
) -> Companion {
    let (id, worth) = house.live.is_watched(session, by.person());
    let (gateway, by, session) = (Arc::clone(house), by.clone(), Arc::clone(session));
    let asking = tokio::spawn(async move {
        if let Some(program) = program {
            ask(&gateway, &by, &session, &*program, id).await;
        }
    });
    Companion {
        house: Arc::clone(house),
        id,
        worth,
        asking,
    }
}

/// Asks on and on.
async fn ask(house: &Gateway, by: &Actor, session: &LiveSession, program: &dyn Program, id: u64) {
    let mut documents = house.documents.clone();
    let mut question = Some(program.answers());
    let mut due = Instant::now() + ANSWERS_WITHIN;
    let mut is_there = false;
    loop {
        documents.mark_unchanged();
        house
            .live
            .companion_is_there(id, is_there && may(house, by, session));
        let is_asked = question.is_some();
        tokio::select! {
            () = answered(&mut question) => {
                is_there = true;
                question = None;
                due = Instant::now() + ASKED_AFTER;
            }
            () = sleep_until(due), if is_there || !is_asked => {
                if is_asked {
                    is_there = false;
                } else {
                    question = Some(program.answers());
                    due = Instant::now() + ANSWERS_WITHIN;
                }
            }
            Ok(()) = documents.changed() => {}
        }
    }
}

async fn answered(question: &mut Option<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>) {
    match question {
        Some(question) => question.await,
        None => std::future::pending().await,
    }
}

/// Whether they may, as the documents say now.
fn may(house: &Gateway, by: &Actor, session: &LiveSession) -> bool {
    let (applied, facts) = (house.applied(), session.facts());
    let operator = by.as_operator(&applied);
    operator.is_ok_and(|operator| operator.may_accompany(&facts.client, &facts.person))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I4: a network that is dead shows within ten seconds.
    #[test]
    fn i4_a_dead_network_shows_within_ten_seconds() {
        assert!(ASKED_AFTER + ANSWERS_WITHIN < Duration::from_secs(10));
    }
}
