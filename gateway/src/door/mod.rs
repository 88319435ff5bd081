//! The doors: where strangers knock.
//!
//! Accept loops with budgets ([`listener`], [`entrance`], [`budget`]), the one alert about all who find no place
//! ([`crowd`]), streams that can be cut from outside ([`stream`]), the
//! threads that carry connections ([`workers`]) and, behind `ssh`, every type of the SSH library that faces a
//! technician. A door knows nothing of targets; it asks `identity` who is there and hands over to `passage`.

pub(crate) mod budget;
pub(crate) mod crowd;
pub(crate) mod entrance;
pub(crate) mod listener;
pub(crate) mod ssh;
pub(crate) mod stream;
pub(crate) mod workers;
