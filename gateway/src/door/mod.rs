//! The doors: where strangers knock.
//!
//! Accept loops with budgets ([`listener`], [`entrance`], [`budget`]), the one alert about all who find no place
//! ([`crowd`]), streams that can be cut from outside ([`stream`]), the
//! threads that carry connections ([`workers`]). What is spoken at a door is in the room of its protocol: [`crate::ssh`].

pub(crate) mod budget;
pub(crate) mod crowd;
pub(crate) mod entrance;
pub(crate) mod listener;
pub(crate) mod stream;
pub(crate) mod workers;
