//! When the SSH library may renew a connection's keys, and why uploads slow down just before.
//!
//! Once the library has asked for new keys, it bears no more of the client's data than twice a channel's first window
//! until the client has answered, and ends the connection beyond that. Our channels start with a small window, so before
//! that moment the credit shrinks to what may be under way then. The library tells nobody when it renews keys; it does so
//! after so many bytes each way and so long a time, which are counted here too, on the safe side. A client may renew them
//! first, which is not seen: then the next renewal comes later than expected, and credit stays small until it is seen.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

/// The share of a limit before which it counts as near.
const NEAR: u32 = 32;

/// After how much, or how long, the library renews a connection's keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes received on the wire.
    pub(crate) received: u64,
    /// Bytes sent on the wire.
    pub(crate) sent: u64,
    /// Time.
    pub(crate) after: Duration,
}

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
        let bytes = |limit: u64| limit - limit / u64::from(NEAR);
        received.saturating_sub(since.received) >= bytes(self.limits.received)
            || sent.saturating_sub(since.sent) >= bytes(self.limits.sent)
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
        self.limits.after - self.limits.after / NEAR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64) -> Rekey {
        Rekey::new(Limits {
            received: 6400,
            sent: 3200,
            after: Duration::from_secs(seconds),
        })
    }

    #[test]
    fn new_keys_are_near_before_their_time_and_until_they_are_seen() {
        let rekey = after(3600);
        assert!(!rekey.is_near(6199, 3099));
        assert!(rekey.is_near(6200, 0));
        assert!(rekey.is_near(0, 3100));
        assert!(rekey.is_near(60_000, 0), "not seen yet");
        rekey.is_seen(60_000, 5000);
        assert!(!rekey.is_near(66_000, 8000));
        assert!(rekey.is_near(66_200, 8000));
        assert!(after(0).is_near(0, 0));
    }
}
