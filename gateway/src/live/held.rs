//! What holds a session: budgets that let nothing more pass until somebody adds to them, operators (X3), and the absence of one
//! where it is to be accompanied (I4).
//!
//! A session that is held stays open, with its target and its connection, and freezes both ways.

use std::collections::BTreeMap;
use std::fmt;

use ecluse_policy::extraction::{HeldBy, Level, Way};

use super::Exhausted;

/// What holds channels of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Budgets, by the channel that asks whether they still do and the way.
    budgets: BTreeMap<(u32, Way), Exhausted>,
    /// An operator, all of them.
    by_hand: Option<HeldBy>,
    /// The question that the technician is to answer, by its place in the log.
    asked: Option<u64>,
    /// It is to be accompanied, and nobody does.
    is_alone: bool,
    /// Signals that hold all of them and are not on record yet.
    signals: u32,
}

/// What keeps something new from being started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A budget.
    Budget(Exhausted),
    /// An operator.
    Hand(HeldBy),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget(over) => write!(f, "{over}, and holds the session"),
            Self::Hand(held) => held.fmt(f),
        }
    }
}

impl Held {
    /// An operator holds the session, or nobody does; and what its technician is to answer meanwhile.
    pub(crate) fn is_held_by(&mut self, held: Option<HeldBy>, asked: Option<u64>) {
        self.asked = asked.filter(|_| held.is_some());
        self.by_hand = held;
    }

    /// Nobody accompanies it, or it needs nobody; whether that is new.
    pub(crate) fn is_alone(&mut self, is_alone: bool) -> bool {
        std::mem::replace(&mut self.is_alone, is_alone) != is_alone
    }

    /// Whether it waits for somebody who accompanies it.
    pub(crate) fn by_absence(&self) -> bool {
        self.is_alone
    }

    /// The question that the technician is to answer.
    pub(crate) fn asked(&self) -> Option<u64> {
        self.asked
    }

    /// A signal holds the session, before that is on record.
    pub(crate) fn is_signalled(&mut self) {
        self.signals = self.signals.saturating_add(1);
    }

    /// That is on record: what stands there counts from here on.
    pub(crate) fn is_on_record(&mut self) {
        self.signals = self.signals.saturating_sub(1);
    }

    /// Who holds it by hand.
    pub(crate) fn by_hand(&self) -> Option<&HeldBy> {
        self.by_hand.as_ref()
    }

    /// Whether a budget holds any channel.
    pub(crate) fn by_budget(&self) -> bool {
        !self.budgets.is_empty()
    }

    /// A budget of a channel alone that holds it, where there is one.
    pub(crate) fn of_a_channel(&self) -> Option<&Exhausted> {
        self.budgets
            .values()
            .find(|over| over.level == Level::Channel)
    }

    /// A budget holds a channel; whether that is new.
    pub(crate) fn hold(&mut self, channel: u32, over: Exhausted) -> bool {
        let is_new = !self.has(channel, &over);
        self.budgets.insert((channel, over.way), over);
        is_new
    }

    /// Whether something holds by the same budget: of a channel, each has its own.
    fn has(&self, channel: u32, over: &Exhausted) -> bool {
        self.budgets.iter().any(|((number, _), one)| {
            let is_shared = over.level != Level::Channel || *number == channel;
            (one.level, one.way) == (over.level, over.way) && is_shared
        })
    }

    /// Nothing holds a channel this way any more; whether its budget holds nothing else either.
    pub(crate) fn let_go(&mut self, channel: u32, way: Way) -> bool {
        let Some(over) = self.budgets.remove(&(channel, way)) else {
            return false;
        };
        !self.has(channel, &over)
    }

    /// A channel has ended. What held its session goes with its account and not with the channel: each of `others` asks from
    /// here on whether it still does, on the ways that come back.
    pub(crate) fn hand_on(&mut self, channel: u32, others: &[u32]) -> Vec<Way> {
        let mut ways = Vec::new();
        for way in Way::ALL {
            let Some(over) = self.budgets.remove(&(channel, way)) else {
                continue;
            };
            if over.level == Level::Channel || self.has(channel, &over) {
                continue;
            }
            for other in others {
                let held = self.budgets.entry((*other, way));
                held.or_insert_with(|| over.clone());
            }
            ways.push(way);
        }
        ways
    }

    /// Whether somebody, or a signal, holds it: what waits for the target waits for whoever lets it go on. What a budget holds
    /// finds out itself whether it still does.
    pub(crate) fn is_by_hand(&self) -> bool {
        self.by_hand.is_some() || self.signals > 0
    }

    /// Whether nothing goes on upwards either that was recorded already: somebody, a signal, or the absence of who accompanies it,
    /// holds it.
    pub(crate) fn keeps_back(&self) -> bool {
        self.is_by_hand() || self.is_alone
    }

    /// What keeps a channel from being started: an operator, or a budget that holds its session and that it did not find out
    /// itself. Where somebody is missing who accompanies it, it waits for them.
    pub(crate) fn keeps_out(&self, channel: u32) -> Option<Holder> {
        let beside = || {
            let mut all = self.budgets.iter();
            all.find(|((number, _), over)| *number != channel && over.level != Level::Channel)
                .map(|(_, over)| Holder::Budget(over.clone()))
        };
        self.by_hand.clone().map(Holder::Hand).or_else(beside)
    }

    /// Whether a channel is held: by an operator, by the absence of one, by a budget of its own, or by one of its session or more.
    pub(crate) fn holds(&self, channel: u32) -> bool {
        let mut all = self.budgets.iter();
        self.is_by_hand()
            || self.is_alone
            || all.any(|((number, _), over)| *number == channel || over.level != Level::Channel)
    }
}

#[cfg(test)]
mod tests {
    use ecluse_policy::PersonId;
    use ecluse_policy::extraction::ByteCount;
    use ecluse_policy::signals::By;

    use super::*;

    fn over(level: Level) -> Exhausted {
        Exhausted {
            level,
            way: Way::Down,
            limit: ByteCount::new(10),
            spent: ByteCount::new(10),
            passed: ByteCount::new(10),
            ceiling: false,
        }
    }

    /// What is found out by one channel of a session holds them all, is told once, and is over with the last that it holds.
    #[test]
    fn a_budget_of_a_session_holds_all_its_channels_and_is_told_once() {
        let mut held = Held::default();
        assert!(held.of_a_channel().is_none());
        assert!(held.hold(1, over(Level::Channel)));
        assert!(held.of_a_channel().is_some());
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
        assert!(!held.by_budget() && !held.holds(3));
    }

    /// X3: what holds a session stays for those that are left when the channel ends that found it out, until each of them has
    /// something; what held that channel alone ends with it.
    #[test]
    fn x3_what_holds_a_session_does_not_end_with_the_channel_that_found_it_out() {
        let mut held = Held::default();
        assert!(held.hold(1, over(Level::Session)));
        assert!(held.keeps_out(1).is_none() && held.keeps_out(2).is_some());
        assert_eq!(held.hand_on(1, &[2, 3]), [Way::Down]);
        assert!(held.holds(2) && held.holds(3) && held.holds(4));
        assert!(!held.hold(2, over(Level::Session)), "it was told");
        assert!(!held.let_go(2, Way::Down) && held.holds(2));
        assert!(held.let_go(3, Way::Down) && !held.by_budget());
        // Another asks already.
        assert!(held.hold(1, over(Level::Session)) && !held.hold(2, over(Level::Session)));
        assert!(held.hand_on(1, &[2, 3]).is_empty() && held.holds(3));
        assert_eq!(held.hand_on(2, &[3]), [Way::Down]);
        assert!(held.hold(3, over(Level::Channel)));
        assert!(held.hand_on(3, &[4]).is_empty() && !held.by_budget());
    }

    /// X3: what a signal holds is held at once, and from when it is on record as that stands.
    #[test]
    fn x3_a_signal_holds_before_it_is_on_record() {
        let mut held = Held::default();
        held.is_signalled();
        held.is_signalled();
        assert!(held.holds(1) && held.is_by_hand() && held.keeps_out(1).is_none());
        held.is_on_record();
        assert!(held.holds(1), "the other is not on record");
        held.is_on_record();
        assert!(!held.holds(1));
    }

    /// X3: what an operator holds and what a budget holds are two: the end of the one leaves the other.
    #[test]
    fn x3_a_hold_by_hand_and_one_by_a_budget_are_two() {
        let by = HeldBy {
            by: By::Person(PersonId::parse("odile").unwrap()),
            reason: None,
        };
        let mut held = Held::default();
        held.is_held_by(Some(by.clone()), None);
        assert!(held.holds(1) && !held.by_budget());
        assert_eq!(held.keeps_out(1), Some(Holder::Hand(by.clone())));
        assert!(held.hold(1, over(Level::Session)));
        assert!(held.let_go(1, Way::Down) && held.holds(1));
        assert!(held.hold(1, over(Level::Session)));
        held.is_held_by(None, None);
        assert!(held.is_alone(true) && !held.is_alone(true));
        assert!(held.keeps_back() && !held.is_by_hand());
        assert!(held.holds(1) && held.holds(2));
        assert!(held.keeps_out(1).is_none() && held.keeps_out(2).is_some());
        // Nor does the end of either bring somebody who accompanies it, and who does ends neither.
        assert!(held.let_go(1, Way::Down) && held.holds(1) && held.by_absence());
        assert!(held.keeps_out(2).is_none(), "it waits");
        held.is_held_by(Some(by), None);
        assert!(held.is_alone(false) && held.holds(1));
    }
}
