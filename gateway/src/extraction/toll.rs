//! What a channel pays before anything is sent: out of a slice that it drew beforehand.
//!
//! A slice is small at first and grows with what passes; it is never a large part of what is left, which [`Budgeted`] sees
//! to. The next one is asked for while half of this one is left, in a task of its own that nothing interrupts, so that a
//! stream does not stop for the store, and what was reserved is never lost on the way. Where nothing bounds a way, nothing is
//! asked for: what passed is booked from time to time.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ecluse_policy::Timestamp;
use ecluse_policy::extraction::Threshold;

use super::accounts::{Accounts, Back};
use super::budgeted::{self, Budgeted};
use super::lane::{FIRST, Lane};
use super::pace::Pace;
use super::{Granted, Reached, Teller, Way};
use crate::clock;
use crate::store::Booked;

#[cfg(test)]
pub(crate) use super::tests::Over;

/// What an idle channel keeps, in bytes: what a person sees of what they type, while the store is away.
const KEPT: u64 = 4 << 10;
/// How soon a store that failed is asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// How soon it is asked again whether somebody, on whichever node, has added to a budget that is used up.
const HELD_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What one channel pays by.
#[derive(Debug)]
pub(crate) struct Toll {
    lanes: [Lane; 2],
    accounts: Arc<Accounts>,
    paces: Arc<Paces>,
    teller: Arc<dyn Teller>,
    rules: Mutex<(u64, Arc<Budgeted>)>,
    closed: AtomicBool,
}

/// The paces that the channels of a session share: one for each rate.
#[derive(Debug, Default)]
pub(crate) struct Paces(Mutex<Vec<(Way, u64, Arc<Pace>)>>);

impl Paces {
    fn of(&self, way: Way, rate: u64) -> Arc<Pace> {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, pace)) = paces.iter().find(|one| (one.0, one.1) == (way, rate)) {
            return Arc::clone(pace);
        }
        let pace = Pace::new(rate, clock::monotonic());
        paces.push((way, rate, Arc::clone(&pace)));
        pace
    }
}

impl Toll {
    /// A channel that pays by `rules`; what its accounts reach is told to `teller`. The channels of a session share `paces`.
    pub(crate) fn open(
        accounts: &Arc<Accounts>,
        paces: &Arc<Paces>,
        rules: Arc<Budgeted>,
        teller: Arc<dyn Teller>,
    ) -> Arc<Self> {
        let toll = Arc::new(Self {
            lanes: Way::ALL.map(|way| Lane::new(way, &rules)),
            accounts: Arc::clone(accounts),
            paces: Arc::clone(paces),
            teller,
            rules: Mutex::new((0, Arc::clone(&rules))),
            closed: AtomicBool::new(false),
        });
        for lane in &toll.lanes {
            toll.keep_pace(lane, &rules, None);
        }
        accounts.enter(&toll);
        // So that nobody waits for the first byte.
        for way in Way::ALL {
            if toll.lane(way).bounded.load(SeqCst) {
                toll.begin_draw(way);
            }
        }
        toll
    }

    /// One by which everything passes at once.
    #[cfg(test)]
    pub(crate) fn free() -> Arc<Self> {
        super::tests::free()
    }

    /// One with a budget for each way, and a rate of what leaves.
    #[cfg(test)]
    pub(crate) fn bounded(budgets: &[(Way, u64)], rate: Option<u64>) -> (Arc<Self>, Over) {
        super::tests::bounded(budgets, rate)
    }

    /// The budgets that it pays by.
    pub(crate) fn budgeted(&self) -> Arc<Budgeted> {
        self.rules().1
    }

    /// Waits until some of `bytes` may go that way, and pays for them: how many. Dropped while it waits, nothing is paid.
    pub(crate) async fn pay(self: &Arc<Self>, way: Way, bytes: usize) -> usize {
        let (lane, want) = (self.lane(way), bytes as u64);
        if want == 0 {
            return 0;
        }
        loop {
            let most = if lane.bounded.load(Relaxed) {
                let left = lane.slice.load(Relaxed);
                if left == 0 {
                    self.until_drawn(lane).await;
                    continue;
                }
                want.min(left)
            } else {
                want
            };
            let pace = lane.pace();
            let turn = match &pace {
                Some(pace) => pace.take(most, &lane.waiter).await,
                None => most,
            };
            // No await from here on: what is paid for is sent.
            let paid = if lane.bounded.load(Relaxed) {
                let paid = lane.spend(turn);
                let is_low = lane.slice.load(Relaxed) < lane.size.load(Relaxed) / 2;
                if is_low && !lane.last.load(Relaxed) {
                    self.begin_draw(way);
                }
                paid
            } else {
                lane.unbooked.fetch_add(turn, Relaxed);
                turn
            };
            if let Some(pace) = pace
                && paid < turn
            {
                pace.give_back(turn - paid);
            }
            if paid > 0 {
                // No more than was asked for.
                return usize::try_from(paid).unwrap_or(bytes);
            }
        }
    }

    /// Pays for all of `bytes`, however long it takes.
    pub(crate) async fn pay_all(self: &Arc<Self>, way: Way, bytes: usize) {
        let mut left = bytes;
        while left > 0 {
            left -= self.pay(way, left).await;
        }
    }

    /// Other rules are in force: what was drawn by the old ones goes back, and nothing passes but by the new ones.
    pub(crate) fn renew(self: &Arc<Self>, rules: Arc<Budgeted>) {
        {
            let mut current = lock(&self.rules);
            *current = (current.0 + 1, Arc::clone(&rules));
        }
        for lane in &self.lanes {
            lane.bounded.store(rules.is_bounded(lane.way), SeqCst);
            lane.dry.store(false, SeqCst);
            lane.last.store(false, SeqCst);
            self.keep_pace(lane, &rules, None);
            self.accounts.give_back(lane.take_back(0));
            lane.drawn.notify_waiters();
        }
        self.ask_again();
    }

    /// Whoever is held looks again whether something was added.
    pub(super) fn ask_again(&self) {
        for lane in &self.lanes {
            lane.again.notify_one();
        }
    }

    /// The channel has ended: what it did not use goes back.
    pub(crate) fn close(&self) {
        if self.closed.swap(true, SeqCst) {
            return;
        }
        for lane in &self.lanes {
            lane.set_pace(None);
            self.accounts.give_back(lane.take_back(0));
        }
        self.accounts.book(self.unbooked());
        self.ask_again();
    }

    /// What is drawn from an account and not used.
    pub(super) fn unused_of(&self, account: &str) -> u64 {
        let of = |lane: &Lane| {
            let from = lock(&lane.from);
            let is_from = from.accounts.iter().any(|one| one == account);
            if is_from { lane.slice.load(SeqCst) } else { 0 }
        };
        self.lanes.iter().map(of).sum()
    }

    /// Takes everything back that was drawn from an account and is not used.
    pub(super) fn take_back(&self, account: &str) -> Vec<Back> {
        let is_from = |lane: &&Lane| lock(&lane.from).accounts.iter().any(|one| one == account);
        let lanes = self.lanes.iter().filter(is_from);
        lanes.map(|lane| lane.take_back(0)).collect()
    }

    /// Takes back what lies idle since the last look, and all that was drawn for a day that is over.
    pub(super) fn take_idle(&self, now: Timestamp) -> Vec<Back> {
        let keeps = |lane: &Lane| {
            let idle = !lane.used.swap(false, Relaxed);
            let over = lock(&lane.from).until.is_some_and(|until| until <= now);
            match (over, idle) {
                (true, _) => Some(0),
                (false, true) => Some(KEPT),
                (false, false) => None,
            }
        };
        let lanes = self.lanes.iter();
        lanes
            .filter_map(|lane| {
                let taken = lane.take_back(keeps(lane)?);
                if taken.1 > 0 {
                    lane.size.store(FIRST / 2, SeqCst);
                }
                Some(taken)
            })
            .collect()
    }

    /// What passed where nothing bounds it and is not booked, by accounts; it is taken as booked.
    pub(super) fn unbooked(&self) -> Vec<(Vec<String>, u64)> {
        let rules = self.rules().1;
        let taken = self.lanes.iter().map(|lane| {
            let bytes = lane.unbooked.swap(0, SeqCst);
            (lane.way, bytes)
        });
        taken
            .filter(|(_, bytes)| *bytes > 0)
            .map(|(way, bytes)| (rules.accounts(way, clock::agreed()), bytes))
            .filter(|(accounts, _)| !accounts.is_empty())
            .collect()
    }

    fn lane(&self, way: Way) -> &Lane {
        let [down, up] = &self.lanes;
        match way {
            Way::Down => down,
            Way::Up => up,
        }
    }

    fn rules(&self) -> (u64, Arc<Budgeted>) {
        lock(&self.rules).clone()
    }

    fn keep_pace(&self, lane: &Lane, rules: &Budgeted, slow: Option<u64>) {
        let rates = [rules.rate(lane.way), slow];
        let rate = rates.into_iter().flatten().min();
        lane.set_pace(rate.map(|rate| self.paces.of(lane.way, rate)));
    }

    /// Something may pass again, where it was held.
    fn goes_on(&self, lane: &Lane) {
        if lane.held.swap(false, SeqCst) {
            self.teller.goes_on(lane.way);
        }
    }

    /// Waits until there is something, or another rule.
    async fn until_drawn(self: &Arc<Self>, lane: &Lane) {
        let drawn = lane.drawn.notified();
        tokio::pin!(drawn);
        drawn.as_mut().enable();
        if lane.slice.load(SeqCst) > 0 || !lane.bounded.load(SeqCst) {
            return;
        }
        self.begin_draw(lane.way);
        drawn.await;
    }

    /// Has the next slice drawn, if nobody does. Must run inside the runtime.
    fn begin_draw(self: &Arc<Self>, way: Way) {
        let lane = self.lane(way);
        if lane.dry.load(SeqCst) || lane.drawing.swap(true, SeqCst) {
            return;
        }
        let toll = Arc::clone(self);
        tokio::spawn(async move {
            let lane = toll.lane(way);
            loop {
                toll.draw(lane).await;
                lane.drawing.store(false, SeqCst);
                lane.drawn.notify_waiters();
                // Held while the draw was ending: nobody else would ask whether it still is.
                let asks = lane.held.load(SeqCst) && !lane.dry.load(SeqCst);
                if !asks || toll.closed.load(SeqCst) || lane.drawing.swap(true, SeqCst) {
                    break;
                }
            }
        });
    }

    /// Another channel of its session found out that something holds them all, and has ended: this one asks from here on, and
    /// says when it is over. Must run inside the runtime.
    pub(crate) fn is_held(self: &Arc<Self>, way: Way) {
        self.lane(way).held.store(true, SeqCst);
        self.begin_draw(way);
    }

    /// Tells of the marks that have passed, and not of those that are only drawn here.
    fn tell_reached(&self, reached: Vec<Reached>) {
        for reached in reached {
            let warn = match reached.what {
                Threshold::Warn => reached.budget.warn_at(),
                Threshold::Limit | Threshold::Ceiling => None,
            };
            let passed = || {
                let unused = self.accounts.unused_of(&reached.account);
                reached.spent.saturating_sub(unused)
            };
            if warn.is_none_or(|warn| warn.as_u64() <= passed()) {
                self.teller.reached(reached);
            }
        }
    }

    /// Draws the next slice; returns when it is there, when there is none, or when the channel has ended.
    async fn draw(&self, lane: &Lane) {
        let mut recalled = false;
        while !self.closed.load(SeqCst) {
            let (version, rules) = self.rules();
            if !rules.is_bounded(lane.way) {
                self.goes_on(lane);
                return;
            }
            let charges = rules.charges(lane.way, clock::agreed());
            let accounts: Arc<[String]> =
                charges.iter().map(|one| one.account.key.clone()).collect();
            let until = charges.iter().filter_map(|one| one.account.until).min();
            let size = lane.next_size();
            let decide = |booked: &[Booked]| budgeted::grant(&charges, booked, size);
            let granted = match self.accounts.reserve(&accounts, &decide).await {
                Ok(granted) => granted,
                Err(error) => {
                    tracing::warn!(%error, "bytes wait: the store does not say whether they may pass");
                    tokio::time::sleep(AGAIN_AFTER).await;
                    continue;
                }
            };
            let Granted {
                bytes,
                pace,
                reached,
                over,
            } = granted;
            if self.rules().0 != version {
                self.accounts.give_back((accounts, bytes));
                continue;
            }
            if bytes > 0 {
                self.tell_reached(reached);
                self.goes_on(lane);
                self.keep_pace(lane, &rules, pace);
                // Asked while nobody can take it back: what renews the rules takes back what was put before.
                let back = lane.put(accounts, until, bytes, || self.rules().0 == version);
                self.accounts.give_back(back);
                if self.closed.load(SeqCst) {
                    self.accounts.give_back(lane.take_back(0));
                }
                // Not put, or used up by now: whoever waits has it drawn again.
                return;
            }
            let Some(over) = over else {
                // Nothing, and nobody says why: as good as a store that fails.
                tokio::time::sleep(AGAIN_AFTER).await;
                continue;
            };
            // What others have drawn and not used comes first.
            if !recalled && lane.slice.load(SeqCst) == 0 {
                recalled = true;
                self.accounts.recall(&over.account, self).await;
                continue;
            }
            if lane.slice.load(SeqCst) > 0 {
                lane.last.store(true, SeqCst);
                self.goes_on(lane);
                return;
            }
            // Nothing is left of it anywhere here, and something of it is wanted.
            self.tell_reached(reached);
            if self.rules().0 != version {
                continue;
            } else if over.budget.holds() {
                lane.held.store(true, SeqCst);
                self.teller.held(over);
                let _ = tokio::time::timeout(HELD_AGAIN_AFTER, lane.again.notified()).await;
                recalled = false;
                continue;
            } else {
                lane.dry.store(true, SeqCst);
                self.teller.over(over);
            }
            return;
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
