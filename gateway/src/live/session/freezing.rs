//! What a session's channels pay by, and what holds or slows them: budgets, and operators by hand (X3).

use std::sync::{Arc, Weak};

use ecluse_policy::extraction::Way;
use tokio::sync::watch;

use super::LiveSession;
use crate::extraction::budgeted::Budgeted;
use crate::extraction::toll::Toll;
use crate::live::hands::{Entry, Standing};
use crate::live::{Exhausted, Held};

/// How fast it may go by hand. **Unit**: bytes a second.
fn rate_of(standing: &Standing) -> Option<u64> {
    let slowed = standing.hands().slowed();
    slowed.map(|slowed| slowed.rate.as_u64())
}

impl LiveSession {
    /// A channel pays by `toll`.
    pub(crate) fn pays_by(&self, channel: u32, toll: &Arc<Toll>) {
        let mut inner = self.lock();
        inner.tolls.insert(channel, Arc::downgrade(toll));
        // Under the lock under which that changes.
        toll.slow_by_hand(rate_of(&self.hands.borrow()));
    }

    /// The budgets that its channels pay by.
    pub(crate) fn budgeted(&self) -> Vec<Arc<Budgeted>> {
        let inner = self.lock();
        let tolls = inner.tolls.values().filter_map(Weak::upgrade);
        tolls.map(|toll| toll.budgeted()).collect()
    }

    /// A budget holds a channel, and what else it counts; whether that is new.
    pub(crate) fn hold(&self, channel: u32, over: Exhausted) -> bool {
        let inner = self.lock();
        // Whoever asks for a channel that has ended meanwhile would hold the others for ever.
        if !inner.channels.contains_key(&channel) {
            return false;
        }
        let mut is_new = false;
        self.held.send_if_modified(|held| {
            is_new = held.hold(channel, over);
            is_new
        });
        is_new
    }

    /// Nothing holds a channel this way any more. Where its budget holds nothing else either, the technician is told in these
    /// words first: they stand before what the target says next.
    pub(crate) fn let_go(&self, channel: u32, way: Way, words: impl FnOnce(&Held) -> String) {
        // In one step: of several that let go at once, the last one tells.
        let inner = self.lock();
        self.held.send_modify(|held| {
            if held.let_go(channel, way) {
                inner.tell(None, &words(held));
            }
        });
    }

    /// A signal holds it, before that is on record; [`LiveSession::signalled`] once it is.
    pub(crate) fn hold_at_once(&self) {
        self.held.send_modify(Held::is_signalled);
    }

    /// What held it at once stands in the log at `seq`.
    pub(crate) fn signalled(&self, seq: u64, entry: &Entry) {
        self.lay(seq, entry);
        self.held.send_modify(Held::is_on_record);
    }

    /// What holds it, as it changes.
    pub(crate) fn held(&self) -> watch::Receiver<Held> {
        self.held.subscribe()
    }

    /// Does to it what the entry of the log at `seq` says, at once on all channels; whether that is new. What somebody lets go on
    /// does so with [`LiveSession::goes_on_by_hand`], once its technician was told of it.
    pub(crate) fn lay(&self, seq: u64, entry: &Entry) -> bool {
        let inner = self.lock();
        let mut is_new = false;
        self.hands.send_if_modified(|standing| {
            is_new = standing.take_in(seq, entry);
            is_new
        });
        if is_new {
            let standing = self.hands.borrow();
            if standing.hands().held().is_some() {
                self.holds_as(&standing);
            }
            for toll in inner.tolls.values().filter_map(Weak::upgrade) {
                toll.slow_by_hand(rate_of(&standing));
            }
        }
        is_new
    }

    /// Nobody holds it any more, unless somebody does again.
    pub(crate) fn goes_on_by_hand(&self) {
        let _inner = self.lock();
        self.holds_as(&self.hands.borrow());
    }

    /// What holds it by hand is what stands. Under the lock under which that changes.
    fn holds_as(&self, standing: &Standing) {
        let held = standing.hands().held().cloned();
        let asked = standing.questions().open().map(|(seq, _)| seq);
        self.held.send_if_modified(|all| {
            let before = all.clone();
            all.is_held_by(held, asked);
            *all != before
        });
    }

    /// What operators did to it by hand, as it changes.
    pub(crate) fn hands(&self) -> watch::Receiver<Standing> {
        self.hands.subscribe()
    }
}
