//! Accounts in memory.

use std::collections::BTreeSet;

use super::*;

/// Accounts in memory; away while it says so.
#[derive(Debug, Default)]
pub(super) struct Till {
    pub(super) spent: Mutex<BTreeMap<String, u64>>,
    pub(super) away: AtomicBool,
    /// What was added to each account.
    pub(super) extra: AtomicU64,
    pub(super) asked: Mutex<usize>,
    /// Whether other gateways draw on it, and what everybody is asked for.
    pub(super) shared: AtomicBool,
    called_in: Mutex<BTreeSet<String>>,
    /// Budgets that are not in force any more.
    pub(super) others: Mutex<Vec<(String, Budget)>>,
}

impl Till {
    pub(super) fn spent(&self, account: &str) -> u64 {
        self.spent
            .lock()
            .unwrap()
            .get(account)
            .copied()
            .unwrap_or(0)
    }
}

impl Bank for Till {
    fn reserve<'a>(
        &'a self,
        accounts: &'a [String],
        decide: &'a Decide<'a>,
    ) -> Soon<'a, Result<Granted, StoreError>> {
        Box::pin(async move {
            // Whoever asks waits.
            tokio::task::yield_now().await;
            *self.asked.lock().unwrap() += 1;
            if self.away.load(SeqCst) {
                return Err(StoreError::Snapshot);
            }
            let mut spent = self.spent.lock().unwrap();
            let extra = self.extra.load(SeqCst);
            let all: Vec<Booked> = accounts
                .iter()
                .map(|account| Booked {
                    spent: spent.get(account).copied().unwrap_or(0),
                    extra,
                    told: None,
                })
                .collect();
            let granted = decide(&all);
            for account in accounts {
                *spent.entry(account.clone()).or_default() += granted.bytes;
            }
            Ok(granted)
        })
    }

    fn give_back<'a>(
        &'a self,
        accounts: &'a [String],
        bytes: u64,
    ) -> Soon<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut spent = self.spent.lock().unwrap();
            for account in accounts {
                let spent = spent.get_mut(account).unwrap();
                *spent = spent
                    .checked_sub(bytes)
                    .expect("more comes back than was taken");
            }
            Ok(())
        })
    }

    fn are_others<'a>(&'a self, gone: &'a [(String, Budget)]) -> Soon<'a, Result<(), StoreError>> {
        self.others.lock().unwrap().extend_from_slice(gone);
        Box::pin(async { Ok(()) })
    }

    fn is_shared(&self) -> bool {
        self.shared.load(SeqCst)
    }

    fn call_in<'a>(&'a self, account: &'a str, calls: bool) -> Soon<'a, Result<(), StoreError>> {
        let mut called = self.called_in.lock().unwrap();
        if calls {
            called.insert(account.to_owned());
        } else {
            called.remove(account);
        }
        Box::pin(async { Ok(()) })
    }

    fn called_in<'a>(
        &'a self,
        accounts: &'a [String],
    ) -> Soon<'a, Result<Vec<String>, StoreError>> {
        let called = self.called_in.lock().unwrap();
        let found = accounts.iter().filter(|account| called.contains(*account));
        let found = found.cloned().collect();
        Box::pin(async { Ok(found) })
    }
}
