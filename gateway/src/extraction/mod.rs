//! What leaves a target, and what enters it, within budgets (X1, X2): how a channel pays before anything is sent.
//!
//! A channel has a [`toll::Toll`]. It draws slices from the accounts of its budgets ahead of need, so that paying for a piece
//! is a number in memory, and the store, which the nodes share, is asked a few times a second at most. Nothing is sent that
//! was not reserved. What a channel did not use goes back when it ends, or when it lies idle ([`accounts::Accounts`]); how fast
//! bytes go, and in whose turn, is [`pace::Pace`]'s. Which accounts there are, what they bound and what happens at a bound is
//! policy's ([`budgeted::Budgeted`]); this room does sums (`adr/0030-where-bytes-are-paid.md`).

pub(crate) mod accounts;
pub(crate) mod budgeted;
mod lane;
pub(crate) mod pace;
pub(crate) mod toll;
mod whole;

use std::fmt;

pub(crate) use ecluse_policy::extraction::Way;
use ecluse_policy::extraction::{Budget, Threshold};
use ecluse_recordings::Direction;

pub(crate) use self::whole::Whole;
use crate::passage::side::Soon;
use crate::store::{Booked, Store, StoreError};

/// The way of what goes towards one side.
pub(crate) const fn way(towards: Direction) -> Way {
    match towards {
        Direction::ToTechnician => Way::Down,
        Direction::ToTarget => Way::Up,
    }
}

/// An account stands at a mark of its budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The account, as the store calls it.
    pub(crate) account: String,
    /// Its budget.
    pub(crate) budget: Budget,
    /// The mark.
    pub(crate) what: Threshold,
    /// What it has spent, with what channels hold of it, before this draw. **Unit**: bytes.
    pub(crate) spent: u64,
}

/// What a draw gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Granted {
    /// Bytes that may pass.
    pub(crate) bytes: u64,
    /// How fast, where an account is slowed. **Unit**: bytes a second.
    pub(crate) pace: Option<u64>,
    /// The marks at which accounts stood before it.
    pub(crate) reached: Vec<Reached>,
    /// The account that lets nothing more pass, where one does.
    pub(crate) over: Option<Reached>,
}

/// Decides what is reserved, of where accounts stand.
pub(crate) type Decide<'a> = dyn Fn(&[Booked]) -> Granted + Send + Sync + 'a;

/// Who keeps the accounts.
pub(crate) trait Bank: fmt::Debug + Send + Sync {
    /// Reserves from all `accounts` at once what `decide` says.
    ///
    /// # Errors
    /// Nothing is reserved then.
    fn reserve<'a>(
        &'a self,
        accounts: &'a [String],
        decide: &'a Decide<'a>,
    ) -> Soon<'a, Result<Granted, StoreError>>;

    /// Gives back what was reserved and not used.
    ///
    /// # Errors
    /// It stays spent then.
    fn give_back<'a>(
        &'a self,
        accounts: &'a [String],
        bytes: u64,
    ) -> Soon<'a, Result<(), StoreError>>;

    /// These budgets of accounts are not in force any more where they were: their marks are told anew where they are again.
    ///
    /// # Errors
    /// They are not told anew then.
    fn are_others<'a>(&'a self, gone: &'a [(String, Budget)]) -> Soon<'a, Result<(), StoreError>>;

    /// Whether channels of other gateways draw on the same accounts.
    fn is_shared(&self) -> bool;

    /// Asks everybody for what they have drawn from an account and do not use, or asks no more.
    ///
    /// # Errors
    /// Nobody is asked then, or still.
    fn call_in<'a>(&'a self, account: &'a str, calls: bool) -> Soon<'a, Result<(), StoreError>>;

    /// From which of these accounts everybody is asked for what they do not use.
    ///
    /// # Errors
    /// Nobody knows then.
    fn called_in<'a>(&'a self, accounts: &'a [String])
    -> Soon<'a, Result<Vec<String>, StoreError>>;
}

impl Bank for Store {
    fn reserve<'a>(
        &'a self,
        accounts: &'a [String],
        decide: &'a Decide<'a>,
    ) -> Soon<'a, Result<Granted, StoreError>> {
        Box::pin(async move {
            Self::reserve(self, accounts, |booked| {
                let granted = decide(booked);
                (granted.bytes, granted)
            })
            .await
        })
    }

    fn give_back<'a>(
        &'a self,
        accounts: &'a [String],
        bytes: u64,
    ) -> Soon<'a, Result<(), StoreError>> {
        Box::pin(Self::give_back(self, accounts, bytes))
    }

    fn are_others<'a>(&'a self, gone: &'a [(String, Budget)]) -> Soon<'a, Result<(), StoreError>> {
        Box::pin(Self::are_others(self, gone))
    }

    fn is_shared(&self) -> bool {
        self.may_be_shared()
    }

    fn call_in<'a>(&'a self, account: &'a str, calls: bool) -> Soon<'a, Result<(), StoreError>> {
        Box::pin(Self::call_in(self, account, calls))
    }

    fn called_in<'a>(
        &'a self,
        accounts: &'a [String],
    ) -> Soon<'a, Result<Vec<String>, StoreError>> {
        Box::pin(Self::called_in(self, accounts))
    }
}

/// Who is told of what accounts reach.
pub(crate) trait Teller: fmt::Debug + Send + Sync {
    /// An account has reached a mark: said at each draw, and of its end only where a draw was refused.
    fn reached(&self, reached: Reached);

    /// An account lets nothing more pass: the flow ends.
    fn over(&self, reached: Reached);

    /// An account lets nothing more pass until somebody adds to it: the flow is held.
    fn held(&self, reached: Reached);

    /// Something may pass again this way.
    fn goes_on(&self, way: Way);
}

#[cfg(test)]
mod tests;
