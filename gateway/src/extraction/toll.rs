//! What a channel pays before anything is sent: out of a slice that it drew beforehand.
//!
//! A slice is small at first and grows with what passes; it is never a large part of what is left, which [`Budgeted`] sees
//! to. The next one is asked for while half of this one is left, in a task of its own that nothing interrupts, so that a
//! stream does not stop for the store, and what was reserved is never lost on the way. Where nothing bounds a way, nothing is
//! asked for: what passed is booked from time to time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ecluse_policy::Timestamp;
use ecluse_policy::extraction::{Account, Threshold};
use tokio::time::Instant;

use super::accounts::{Accounts, Back};
use super::budgeted::{self, Budgeted};
use super::lane::{FIRST, Lane};
use super::pace::Paces;
use super::whole::Whole;
use super::{Granted, Reached, Teller, Way};
use crate::clock;
use crate::store::Booked;

#[cfg(test)]
pub(crate) use super::tests::Over;

/// What an idle channel keeps, in bytes: what a person sees of what they type, while the store is away.
const KEPT: u64 = 4 << 10;
/// How many times what it used between two looks a channel may have drawn ahead.
const AHEAD: u64 = 4;
/// How long other gateways, which look each second, have to give back what they do not use before nothing is left.
const GIVEN_BACK_WITHIN: Duration = Duration::from_millis(2500);
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
    /// How fast an operator lets it go; 0 where nobody slows it. **Unit**: bytes a second.
    by_hand: AtomicU64,
    closed: AtomicBool,
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
            by_hand: AtomicU64::new(0),
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
                if lane.is_low() && !lane.last.load(Relaxed) {
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

    /// Something that passes that way whole or not at all, nothing of it paid yet.
    pub(crate) fn whole(self: &Arc<Self>, way: Way) -> Whole {
        Whole {
            toll: Arc::clone(self),
            way,
            paid: Vec::new(),
            unbounded: 0,
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
        let before = {
            let mut current = lock(&self.rules);
            let next = (current.0 + 1, Arc::clone(&rules));
            std::mem::replace(&mut *current, next).1
        };
        self.accounts
            .are_others(before.without(&rules, clock::agreed()));
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

    /// An operator lets it go no faster than this, or lets it.
    pub(crate) fn slow_by_hand(&self, rate: Option<u64>) {
        self.by_hand.store(rate.unwrap_or(0), SeqCst);
        let rules = self.rules().1;
        for lane in &self.lanes {
            self.set_pace(lane, &rules);
        }
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

    /// Takes back what is far more than was used since the last look, and all that was drawn for a day that is over.
    pub(super) fn take_idle(&self, now: Timestamp) -> Vec<Back> {
        let lanes = self.lanes.iter();
        lanes
            .map(|lane| {
                let used = lane.used.swap(0, Relaxed);
                let is_over = lock(&lane.from).until.is_some_and(|until| until <= now);
                let (keeps, next) = match is_over {
                    true => (0, FIRST / 2),
                    false => {
                        let keeps = used.saturating_mul(AHEAD).max(KEPT);
                        (keeps, keeps)
                    }
                };
                let taken = lane.take_back(keeps);
                if taken.1 > 0 {
                    lane.size.store(next, SeqCst);
                }
                taken
            })
            .collect()
    }

    /// The accounts from which something is drawn and not used, and on which other gateways draw too.
    pub(super) fn held_of_others(&self) -> Vec<String> {
        let holding = self.lanes.iter();
        let holding = holding.filter(|lane| lane.slice.load(SeqCst) > 0);
        let accounts = holding.map(|lane| Arc::clone(&lock(&lane.from).accounts));
        accounts
            .flat_map(|accounts| accounts.to_vec())
            .filter(|account| Account::spans_gateways(account))
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

    /// Gives back what was paid and did not pass. Must run inside the runtime.
    pub(super) fn give_back(&self, back: Back) {
        self.accounts.give_back(back);
    }

    pub(super) fn lane(&self, way: Way) -> &Lane {
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
        lane.slowed.store(slow.unwrap_or(0), SeqCst);
        self.set_pace(lane, rules);
    }

    /// The slowest of all that says how fast it may go. Whoever changes one of them meanwhile is heard: it is looked at again.
    fn set_pace(&self, lane: &Lane, rules: &Budgeted) {
        let said = || [lane.slowed.load(SeqCst), self.by_hand.load(SeqCst)];
        let mut slow = None;
        while slow != Some(said()) {
            let rates = slow.insert(said()).iter().copied().filter(|rate| *rate > 0);
            let rate = rates.chain(rules.rate(lane.way)).min();
            lane.set_pace(rate.map(|rate| self.paces.of(lane.way, rate)));
        }
    }

    /// Something may pass again, where it was held.
    fn goes_on(&self, lane: &Lane) {
        if lane.held.swap(false, SeqCst) {
            self.teller.goes_on(lane.way);
        }
    }

    /// Waits until there is something, or another rule.
    pub(super) async fn until_drawn(self: &Arc<Self>, lane: &Lane) {
        let drawn = lane.drawn.notified();
        tokio::pin!(drawn);
        drawn.as_mut().enable();
        let _waits = lane.waits();
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
        let mut called_in = None;
        self.draw_calling_in(lane, &mut called_in).await;
        if let Some(CalledIn { account, .. }) = called_in {
            self.accounts.call_in(&account, false).await;
        }
    }

    async fn draw_calling_in(&self, lane: &Lane, called_in: &mut Option<CalledIn>) {
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
                self.accounts.recall(&over.account, Some(self)).await;
                continue;
            }
            // Drawn ahead, and nobody wants more: that nothing is left is told to whoever does.
            if lane.slice.load(SeqCst) > 0 || !lane.is_wanted() {
                lane.last.store(true, SeqCst);
                self.goes_on(lane);
                return;
            }
            // Nothing is left of it anywhere here: then on other gateways.
            if self.accounts.is_shared() && over.budget.level.spans_gateways() {
                let until = self.call_in(&over.account, called_in).await;
                if Instant::now() < until {
                    tokio::time::sleep(AGAIN_AFTER).await;
                    recalled = false;
                    continue;
                }
            }
            // Nothing is left of it anywhere, and something of it is wanted.
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

    /// Asks other gateways for what they do not use of an account, once, and of no other: until when that may take.
    async fn call_in(&self, account: &str, called_in: &mut Option<CalledIn>) -> Instant {
        if let Some(called) = called_in {
            if called.account == account {
                return called.until;
            }
            self.accounts.call_in(&called.account, false).await;
        }
        self.accounts.call_in(account, true).await;
        let until = Instant::now() + GIVEN_BACK_WITHIN;
        *called_in = Some(CalledIn {
            account: account.to_owned(),
            until,
        });
        until
    }
}

/// An account of which everybody is asked for what they do not use.
struct CalledIn {
    account: String,
    /// When it was asked long enough.
    until: Instant,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
