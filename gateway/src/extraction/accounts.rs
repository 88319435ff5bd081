//! The accounts of a node: the channels that draw on them here, and what goes back.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ecluse_policy::Timestamp;
use ecluse_policy::extraction::Charge;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::toll::Toll;
use super::{Bank, Decide, Granted};
use crate::clock;
use crate::store::{Booked, StoreError};

/// How often it is looked what lies idle, and what passed unbounded is booked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Channels that ask the store at the same time; others wait, so that what people do never waits for all of them.
const AT_ONCE: usize = 2;

/// Bytes drawn from accounts, to go back.
pub(super) type Back = (Arc<[String]>, u64);

/// The accounts, as this node draws on them.
#[derive(Debug)]
pub(crate) struct Accounts {
    bank: Arc<dyn Bank>,
    tolls: Mutex<Vec<Weak<Toll>>>,
    turns: Semaphore,
    /// What is on its way back.
    going: TaskTracker,
}

impl Accounts {
    /// Nobody draws yet on what `bank` keeps.
    pub(crate) fn new(bank: Arc<dyn Bank>) -> Arc<Self> {
        Arc::new(Self {
            bank,
            tolls: Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
            going: TaskTracker::new(),
        })
    }

    /// Looks each second what lies idle; until the gateway ends.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.look().await;
        }
    }

    /// Gives back what lies idle and what others ask for, and books what passed where nothing bounds it.
    pub(super) async fn look(&self) {
        self.look_at(clock::agreed()).await;
    }

    /// The same, at `now`.
    pub(super) async fn look_at(&self, now: Timestamp) {
        for toll in self.tolls() {
            for (accounts, bytes) in toll.take_idle(now) {
                self.back(&accounts, bytes).await;
            }
            for (accounts, bytes) in toll.unbooked() {
                self.enter_in_books(&accounts, bytes).await;
            }
        }
        if self.bank.is_shared() {
            self.answer_calls().await;
        }
    }

    /// Gives back everything that is not used of accounts of which somebody on another gateway finds nothing more.
    async fn answer_calls(&self) {
        let tolls = self.tolls();
        let held = tolls.iter().flat_map(|toll| toll.held_of_others());
        let held: BTreeSet<String> = held.collect();
        if held.is_empty() {
            return;
        }
        let held: Vec<String> = held.into_iter().collect();
        match self.bank.called_in(&held).await {
            Ok(called) => {
                for account in called {
                    self.recall(&account, None).await;
                }
            }
            Err(error) => tracing::debug!(%error, "what other gateways ask back is not known"),
        }
    }

    /// Whether other gateways draw on the same accounts.
    pub(super) fn is_shared(&self) -> bool {
        self.bank.is_shared()
    }

    /// Asks other gateways for what they have drawn from an account and do not use, or asks no more.
    pub(super) async fn call_in(&self, account: &str, calls: bool) {
        if let Err(error) = self.bank.call_in(account, calls).await {
            tracing::debug!(%error, account, "other gateways are not asked for what they do not use");
        }
    }

    /// Somebody added to a budget: whoever is held here asks again at once.
    pub(crate) fn ask_again(&self) {
        for toll in self.tolls() {
            toll.ask_again();
        }
    }

    /// Waits until everything that goes back is back; for so long at most.
    pub(crate) async fn settle(&self, within: Duration) {
        for toll in self.tolls() {
            toll.close();
        }
        self.going.close();
        if tokio::time::timeout(within, self.going.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                "the store does not take back what sessions did not use of their budgets: it counts as spent"
            );
        }
    }

    /// What channels here have drawn from an account and not used.
    pub(crate) fn unused_of(&self, account: &str) -> u64 {
        self.tolls()
            .iter()
            .map(|toll| toll.unused_of(account))
            .sum()
    }

    pub(super) fn enter(&self, toll: &Arc<Toll>) {
        let mut tolls = self.lock();
        tolls.retain(|toll| toll.strong_count() > 0);
        tolls.push(Arc::downgrade(toll));
    }

    pub(super) async fn reserve(
        &self,
        accounts: &[String],
        decide: &Decide<'_>,
    ) -> Result<Granted, StoreError> {
        // Never closed.
        let _turn = self.turns.acquire().await.ok();
        self.bank.reserve(accounts, decide).await
    }

    /// Sends bytes back, without waiting. Must run inside the runtime.
    pub(super) fn give_back(self: &Arc<Self>, (accounts, bytes): Back) {
        if bytes > 0 {
            let all = Arc::clone(self);
            self.going
                .spawn(async move { all.back(&accounts, bytes).await });
        }
    }

    /// Books what passed, without waiting. Must run inside the runtime.
    pub(super) fn book(self: &Arc<Self>, passed: Vec<(Vec<String>, u64)>) {
        for (accounts, bytes) in passed {
            let all = Arc::clone(self);
            self.going
                .spawn(async move { all.enter_in_books(&accounts, bytes).await });
        }
    }

    /// A channel has other budgets than these from here on, without waiting. Must run inside the runtime.
    pub(super) fn are_others(self: &Arc<Self>, gone: Vec<Charge>) {
        if gone.is_empty() {
            return;
        }
        let all = Arc::clone(self);
        self.going.spawn(async move {
            let gone = gone.into_iter();
            let gone: Vec<_> = gone.map(|one| (one.account.key, one.budget)).collect();
            if let Err(error) = all.bank.are_others(&gone).await {
                tracing::warn!(%error, "marks of budgets that are others are not told anew");
            }
        });
    }

    /// Has everything given back that channels here have drawn from an account and not used, but for one of them.
    pub(super) async fn recall(&self, account: &str, but: Option<&Toll>) {
        for toll in self.tolls() {
            if but.is_some_and(|but| std::ptr::eq(&*toll, but)) {
                continue;
            }
            for (accounts, bytes) in toll.take_back(account) {
                self.back(&accounts, bytes).await;
            }
        }
    }

    async fn back(&self, accounts: &[String], bytes: u64) {
        if bytes > 0
            && let Err(error) = self.bank.give_back(accounts, bytes).await
        {
            tracing::warn!(%error, bytes, "what a channel did not use of its budget stays spent");
        }
    }

    async fn enter_in_books(&self, accounts: &[String], bytes: u64) {
        let all = |_: &[Booked]| Granted {
            bytes,
            ..Granted::default()
        };
        if let Err(error) = self.bank.reserve(accounts, &all).await {
            tracing::warn!(%error, bytes, "what passed without a bound is not in the books");
        }
    }

    fn tolls(&self) -> Vec<Arc<Toll>> {
        self.lock().iter().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Toll>>> {
        self.tolls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
