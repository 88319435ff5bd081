//! What operators do by hand to a session, where it passes: read of the log, done, and told to its technician (X3).

use ecluse_policy::extraction::{Hands, HeldBy};
use ecluse_policy::signals::By;

use super::session::Session;
use super::visit::Visit;
use crate::live::Held;
use crate::live::hands::{self, Standing};
use crate::texts::amounts;

/// Does what the log has since the last look; what is here already did it.
pub(super) async fn look(visit: &Visit, session: &Session) {
    let live = session.live();
    let facts = live.facts();
    match hands::of_session(&visit.gateway().store, facts.id, facts.started).await {
        Ok(all) => {
            for (seq, entry) in all {
                live.lay(seq, &entry);
            }
        }
        Err(error) => {
            tracing::warn!(%error, session = %facts.id, "what operators do to a session is not seen");
        }
    }
}

/// Tells a session's technician what operators do to it, and lets it go on once they are told, until it is dropped.
pub(super) async fn keep(visit: &Visit, session: &Session) {
    let live = session.live();
    let (mut hands, mut told) = (live.hands(), Standing::default());
    loop {
        let now = hands.borrow_and_update().clone();
        tell(visit, session, &told, &now);
        told = now;
        live.goes_on_by_hand();
        if hands.changed().await.is_err() {
            // Cannot be: the session holds the sender.
            return std::future::pending().await;
        }
    }
}

/// Tells the technician of what changed, on every terminal of the session or, where it has none, on every channel.
fn tell(visit: &Visit, session: &Session, before: &Standing, now: &Standing) {
    let live = session.live();
    let mut is_asked = false;
    for (asked, answer) in now.questions().answered_since(before.questions()) {
        let by_budget = live.held().borrow().by_budget();
        live.tell(None, &visit.say_answered(asked, answer, by_budget));
    }
    for asked in now.questions().asked_since(before.questions()) {
        live.tell(None, &visit.say_asked(session, asked));
        is_asked = true;
    }
    let resumed = now.resumed_by();
    let (before, now) = (before.hands(), now.hands());
    // A question says that it holds.
    let is_told = is_asked && now.held().is_some_and(|held| held.reason.is_none());
    if before.held() != now.held() && !is_told {
        let held = live.held().borrow().clone();
        live.tell(None, &visit.say_hold(now.held(), resumed, &held));
    }
    if before.slowed() != now.slowed() {
        live.tell(None, &visit.say_slowed(now));
    }
}

impl Visit {
    /// What a technician is told when an operator holds their session, or lets it go.
    fn say_hold(&self, held: Option<&HeldBy>, resumed: Option<&By>, now: &Held) -> String {
        let (lang, texts) = (self.lang(), &self.gateway().texts);
        let Some(HeldBy { by, reason }) = held else {
            let id = match (now.by_absence(), now.by_budget()) {
                (true, _) => "hold-lifted-alone",
                (false, true) => "hold-lifted-budget",
                (false, false) => "hold-lifted",
            };
            let by = resumed.map(|by| texts.holder(lang, by)).unwrap_or_default();
            return texts.say(lang, id, &[("by", by.into())]);
        };
        let by = ("by", texts.holder(lang, by).into());
        match reason {
            None => texts.say(lang, "hold-told", &[by]),
            Some(reason) => {
                let args = [by, ("reason", reason.as_str().into())];
                texts.say(lang, "hold-told-because", &args)
            }
        }
    }

    /// The same of how fast it goes.
    fn say_slowed(&self, hands: &Hands) -> String {
        let (lang, texts) = (self.lang(), &self.gateway().texts);
        match hands.slowed() {
            None => texts.say(lang, "slow-lifted", &[]),
            Some(slowed) => {
                let args = [
                    ("by", texts.holder(lang, &slowed.by).into()),
                    ("rate", amounts::rate(lang, slowed.rate.as_u64()).into()),
                ];
                texts.say(lang, "slow-told", &args)
            }
        }
    }

    /// And when a budget lets more pass.
    pub(super) fn say_budget_goes_on(&self, now: &Held) -> String {
        match now.by_hand() {
            None if now.by_absence() => self.say("budget-goes-on-alone"),
            None => self.say("budget-goes-on"),
            Some(held) => {
                let texts = &self.gateway().texts;
                let by = [("by", texts.holder(self.lang(), &held.by).into())];
                texts.say(self.lang(), "budget-goes-on-held", &by)
            }
        }
    }
}
