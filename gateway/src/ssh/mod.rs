//! Everything that is SSH: the only room that names the SSH library.
//!
//! [`technician`] is the door by which people come, [`target`] how a machine under maintenance is reached; each is an
//! [`End`](crate::passage::side::End) to [`crate::passage`], which knows pieces and no packets. [`keys`] are the keys and
//! certificates of the protocol, for whoever keeps or compares them.

pub(crate) mod algorithms;
mod certificate;
pub(crate) mod keys;
mod signals;
pub(crate) mod target;
pub(crate) mod technician;

/// How much of what the library says is worth the log.
pub(crate) const LOG_FILTER: &str = "russh=warn";
