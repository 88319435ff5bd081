//! When the SSH library may renew a connection's keys, and why uploads slow down just before.
//!
//! Once the library has asked for new keys, it bears no more of the client's data than twice a channel's first window
//! until the client has answered, and ends the connection beyond that. Our channels start with a small window, so before
//! that moment the credit shrinks to what may be under way then. The library tells nobody when it renews keys; it does so
//! after so many bytes each way and so long a time, which are counted here too, on the safe side. A client may renew them
//! first, which is not seen: then the next renewal comes later than expected, and credit stays small until it is seen.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use russh::Limits;

use crate::clock;

/// The share of a limit before which it counts as near.
const NEAR: u32 = 32;

/// What has passed since the keys were last seen to be new.
#[derive(Debug)]
pub(crate) struct Rekey {
    limits: Limits,
    since: Mutex<Since>,
}

#[derive(Debug, Clone, Copy)]
struct Since {
    received: u64,
    sent: u64,
    at: Instant,
}

impl Rekey {
    /// A connection that has just begun, under these limits of the library.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            since: Mutex::new(Since {
                received: 0,
                sent: 0,
                at: clock::monotonic(),
            }),
        }
    }

    /// Whether the library may ask for new keys soon, after so many bytes on the wire of this connection.
    pub(crate) fn is_near(&self, received: u64, sent: u64) -> bool {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = |limit: usize| (limit - limit / NEAR as usize) as u64;
        received.saturating_sub(since.received) >= bytes(self.limits.rekey_read_limit)
            || sent.saturating_sub(since.sent) >= bytes(self.limits.rekey_write_limit)
            || since.at.elapsed() >= self.soon()
    }

    /// The library is renewing the keys now.
    pub(crate) fn is_seen(&self, received: u64, sent: u64) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Since {
            received,
            sent,
            at: clock::monotonic(),
        };
    }

    fn soon(&self) -> Duration {
        self.limits.rekey_time_limit - self.limits.rekey_time_limit / NEAR
    }
}

#[cfg(test)]
mod tests;
