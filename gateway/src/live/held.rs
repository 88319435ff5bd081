//! What holds a session: budgets that let nothing more pass until somebody adds to them (X3).
//!
//! A session that is held stays open, with its target and its connection, and freezes both ways.

use std::collections::BTreeMap;

use ecluse_policy::extraction::{Level, Way};

use super::Exhausted;

/// The budgets that hold channels of a session, by the channel that asks whether they still do and the way.
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

    /// A channel has ended. What held its session goes with its account and not with the channel: each of `others` asks from
    /// here on whether it still does, on the ways that come back.
    pub(crate) fn hand_on(&mut self, channel: u32, others: &[u32]) -> Vec<Way> {
        let mut ways = Vec::new();
        for way in Way::ALL {
            let Some(over) = self.0.remove(&(channel, way)) else {
                continue;
            };
            if over.level == Level::Channel || self.has(channel, &over) {
                continue;
            }
            for other in others {
                let held = self.0.entry((*other, way));
                held.or_insert_with(|| over.clone());
            }
            ways.push(way);
        }
        ways
    }

    /// What holds the session of a channel, other than what that channel found out itself.
    pub(crate) fn beside(&self, channel: u32) -> Option<&Exhausted> {
        let mut all = self.0.iter();
        all.find(|((number, _), over)| *number != channel && over.level != Level::Channel)
            .map(|(_, over)| over)
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
        assert_eq!(held.hand_on(2, &[]), [Way::Down]);
        assert!(!held.is_any() && !held.holds(3));
    }

    /// X3: what holds a session stays for those that are left when the channel ends that found it out, until each of them has
    /// something; what held that channel alone ends with it.
    #[test]
    fn x3_what_holds_a_session_does_not_end_with_the_channel_that_found_it_out() {
        let mut held = Held::default();
        assert!(held.hold(1, over(Level::Session)));
        assert!(held.beside(1).is_none() && held.beside(2).is_some());
        assert_eq!(held.hand_on(1, &[2, 3]), [Way::Down]);
        assert!(held.holds(2) && held.holds(3) && held.holds(4));
        assert!(!held.hold(2, over(Level::Session)), "it was told");
        assert!(!held.let_go(2, Way::Down) && held.holds(2));
        assert!(held.let_go(3, Way::Down) && !held.is_any());
        // Another asks already.
        assert!(held.hold(1, over(Level::Session)) && !held.hold(2, over(Level::Session)));
        assert!(held.hand_on(1, &[2, 3]).is_empty() && held.holds(3));
        assert_eq!(held.hand_on(2, &[3]), [Way::Down]);
        assert!(held.hold(3, over(Level::Channel)));
        assert!(held.hand_on(3, &[4]).is_empty() && !held.is_any());
    }
}
