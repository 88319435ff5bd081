//! An operator accompanies a session for as long as they watch it (I4): asked again and again whether their client program is there,
//! and whether they may.

use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::Accompanied;
use ecluse_policy::accompaniment::Watcher;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::actor::Actor;
use crate::gateway::Gateway;
use crate::live::nodes;
use crate::live::presence::{self, Presence};
use crate::live::{LiveSession, Program, Worth};
use crate::store::StoreError;

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
    let mut there = None;
    let mut looks = true;
    loop {
        documents.mark_unchanged();
        if std::mem::take(&mut looks) {
            match elsewhere(house, by, session).await {
                Ok(found) => there = Some(found),
                Err(error) => {
                    tracing::warn!(%error, "what an operator accompanies elsewhere is not seen")
                }
            }
        }
        house.live.companion_is_there(
            id,
            is_there && there.is_some() && may(house, by, session),
            there.as_deref().unwrap_or_default(),
        );
        let is_asked = question.is_some();
        tokio::select! {
            () = answered(&mut question) => {
                is_there = true;
                question = None;
                looks = true;
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

/// What they accompany that other nodes carry, and did before they came here, by the order of the log: of two that they came to
/// at once, each node knows which was first.
async fn elsewhere(
    house: &Gateway,
    by: &Actor,
    session: &LiveSession,
) -> Result<Vec<Watcher>, StoreError> {
    let applied = house.applied();
    let Ok(operator) = by.as_operator(&applied) else {
        return Ok(Vec::new());
    };
    if !house.store.may_be_shared() {
        return Ok(Vec::new());
    }
    let theirs = |presence: &&Presence| presence.operator == *by.person();
    let (remote, _) = nodes::elsewhere(house, &operator).await?;
    let mut all: Vec<Presence> = Vec::new();
    // With a node that is lost nobody accompanies anything.
    for one in remote.iter().filter(|one| one.address().is_some()) {
        let start = &one.session.start;
        let found = presence::of(&house.store, start.intervention, Some(start.id), start.at);
        all.extend(found.await?.open().filter(theirs).cloned());
    }
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let facts = session.facts();
    let own = presence::of(
        &house.store,
        facts.intervention,
        Some(facts.id),
        facts.started,
    );
    let own = own.await?;
    let since = own.open().filter(theirs).map(|one| one.seq).min();
    all.retain(|one| since.is_none_or(|since| one.seq < since));
    let watchers = all.into_iter().map(|one| Watcher {
        operator: one.operator,
        session: one.session,
        rule: Accompanied {
            sessions_per_operator: one.each,
        },
    });
    Ok(watchers.collect())
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
