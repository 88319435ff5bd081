//! Which commits were named, as far as that can be believed.
//!
//! Epochs have no gaps: one that was rolled back was never taken. A commit of this process is known to have happened. What
//! others say is believed once the store has counted as far, if it was said no earlier than the look before: words of a
//! commit come after it, so what the store had not counted by then was said of nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Topic;

/// More than these are not remembered one by one: what is beyond counts as named by nobody.
const BEYOND: usize = 4096;
/// How many commits of this process are remembered for when their own words come back.
const OWN: usize = 64;

/// Which commits were named.
#[derive(Debug)]
pub(super) struct Seen {
    /// Every commit up to here is known.
    upto: u64,
    /// Commits beyond, that were named.
    named: BTreeSet<u64>,
    /// Words of commits that the store has not been seen to count yet, each with how many looks had begun before.
    heard: BTreeMap<u64, u64>,
    /// As far as the store is known to have counted.
    counted: u64,
    /// Looks that began.
    looks: u64,
    /// The last commits of this process, until their own words come back.
    own: VecDeque<(u64, BTreeSet<Topic>)>,
}

/// A look at how far the store has counted, before it answers.
#[derive(Debug)]
pub(in crate::store) struct Look {
    number: u64,
    /// As far as it was known to have counted by then.
    counted: u64,
}

#[cfg(test)]
impl Look {
    /// One that began when so much was known.
    pub(super) fn of(counted: u64) -> Self {
        Self { number: 0, counted }
    }
}

impl Seen {
    /// Everything up to `epoch` is known.
    pub(super) fn upto(epoch: u64) -> Self {
        Self {
            upto: epoch,
            named: BTreeSet::new(),
            heard: BTreeMap::new(),
            counted: epoch,
            looks: 0,
            own: VecDeque::new(),
        }
    }

    /// A commit of this process; whether there were others before it that nobody named, as where others name nothing.
    pub(super) fn committed(
        &mut self,
        epoch: u64,
        topics: &BTreeSet<Topic>,
        others_name: bool,
    ) -> bool {
        if others_name {
            self.own.push_back((epoch, topics.clone()));
            if self.own.len() > OWN {
                self.own.pop_front();
            }
        }
        self.counted = self.counted.max(epoch);
        self.name(epoch);
        let others = !others_name && self.upto < epoch;
        let unnamed = others || self.named.len() > BEYOND;
        if unnamed {
            self.catch_up(epoch);
        }
        unnamed
    }

    /// Words of a commit; whether they tell anybody anything: those of a commit of this process, once more, do not.
    pub(super) fn heard(&mut self, epoch: u64, topics: Option<&BTreeSet<Topic>>) -> bool {
        let own = self
            .own
            .iter()
            .position(|(number, concerned)| *number == epoch && Some(concerned) == topics);
        if let Some(own) = own {
            self.own.remove(own);
            return false;
        }
        if epoch <= self.counted {
            self.name(epoch);
        } else if self.heard.len() < BEYOND || self.heard.contains_key(&epoch) {
            self.heard.insert(epoch, self.looks);
        }
        true
    }

    pub(super) fn look(&mut self) -> Look {
        self.looks += 1;
        Look {
            number: self.looks,
            counted: self.counted,
        }
    }

    /// The store has counted up to `epoch`: whether every commit up to there was named, and whether it was set back.
    pub(super) fn looked(&mut self, look: Look, epoch: u64) -> (bool, bool) {
        if epoch < look.counted {
            let looks = self.looks;
            *self = Self::upto(epoch);
            self.looks = looks;
            return (true, true);
        }
        self.counted = self.counted.max(epoch);
        let beyond = self.heard.split_off(&epoch.saturating_add(1));
        let happened = std::mem::replace(&mut self.heard, beyond);
        self.heard.retain(|_, before| *before >= look.number);
        for epoch in happened.into_keys() {
            self.name(epoch);
        }
        (self.upto >= epoch, false)
    }

    /// Everything up to `epoch` is known from now on; whether that is news.
    pub(super) fn catch_up(&mut self, epoch: u64) -> bool {
        let news = self.upto < epoch;
        if news {
            self.upto = epoch;
            self.named = self.named.split_off(&epoch.saturating_add(1));
            self.go_on();
        }
        news
    }

    fn name(&mut self, epoch: u64) {
        if epoch > self.upto {
            self.named.insert(epoch);
            self.go_on();
        }
    }

    fn go_on(&mut self) {
        while self.named.remove(&self.upto.saturating_add(1)) {
            self.upto = self.upto.saturating_add(1);
        }
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.named.len() + self.heard.len() + self.own.len()
    }
}
