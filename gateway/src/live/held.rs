//! What holds a session: budgets that let nothing more pass until somebody adds to them (X3).
//!
//! A session that is held stays open, with its target and its connection, and freezes both ways.

use std::collections::BTreeMap;

use ecluse_policy::extraction::{Level, Way};

use super::Exhausted;

/// The budgets that hold channels of a session, by the channel that found it out and the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Held(BTreeMap<(u32, Way), Exhausted>);

impl Held {
    /// A budget holds a channel; whether that is new.
    pub(crate) fn hold(&mut self, channel: u32, over: Exhausted) -> bool {
        let is_new = !self.has(channel, &over);
        self.0.insert((channel, over.way), over);
        is_new
    }

    /// Whether something holds by the same budget: of a channel, each has its own.
    fn has(&self, channel: u32, over: &Exhausted) -> bool {
        self.0.iter().any(|((number, _), one)| {
            let is_shared = over.level != Level::Channel || *number == channel;
            (one.level, one.way) == (over.level, over.way) && is_shared
        })
    }

    /// Nothing holds a channel this way any more; whether its budget holds nothing else either.
    pub(crate) fn let_go(&mut self, channel: u32, way: Way) -> bool {
        let Some(over) = self.0.remove(&(channel, way)) else {
            return false;
        };
        !self.has(channel, &over)
    }

    /// A channel has ended, and whatever held it.
    pub(crate) fn forget(&mut self, channel: u32) {
        self.0.retain(|(number, _), _| *number != channel);
    }

    /// Whether a channel is held: by a budget of its own, or by one of its session or more.
    pub(crate) fn holds(&self, channel: u32) -> bool {
        let mut all = self.0.iter();
        all.any(|((number, _), over)| *number == channel || over.level != Level::Channel)
    }

    /// Whether anything is held.
    pub(crate) fn is_any(&self) -> bool {
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use ecluse_policy::extraction::ByteCount;

    use super::*;

    fn over(level: Level) -> Exhausted {
        Exhausted {
            level,
            way: Way::Down,
            limit: ByteCount::new(10),
            spent: ByteCount::new(10),
            ceiling: false,
        }
    }

    /// What is found out by one channel of a session holds them all, is told once, and is over with the last that it holds.
    #[test]
    fn a_budget_of_a_session_holds_all_its_channels_and_is_told_once() {
        let mut held = Held::default();
        assert!(held.hold(1, over(Level::Channel)));
        assert!(held.holds(1) && !held.holds(2));
        assert!(held.hold(2, over(Level::Channel)), "it is another budget");
        assert!(held.let_go(2, Way::Down) && !held.holds(2));
        assert!(held.let_go(1, Way::Down));
        assert!(!held.let_go(1, Way::Down), "it held nothing");
        assert!(held.hold(1, over(Level::Session)));
        assert!(!held.hold(1, over(Level::Session)));
        assert!(!held.hold(2, over(Level::Session)));
        assert!(held.holds(3));
        assert!(!held.let_go(1, Way::Down), "it still holds the other");
        held.forget(2);
        assert!(!held.is_any() && !held.holds(3));
    }
}
