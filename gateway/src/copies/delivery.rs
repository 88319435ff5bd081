//! Which messages are on their way and which have arrived, for a protocol that acknowledges nothing (RFC 5425).
//!
//! A message counts as arrived when its connection stood for [`SETTLES_AFTER`] after it, longer than the system lets a
//! connection stand whose bytes are not taken ([`super::tls::STANDS_STILL`]); or when the receiver closed in order after
//! our own end. How far that is, is what the store remembers, and never goes back. A connection that broke goes back
//! further, by [`LOOKED_BACK`]: a receiver that was killed may have lost what its system had taken. So messages may
//! arrive twice, which `seq` tells, and none is lost. Pure: times are given.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a connection stands after a message before that counts as arrived.
pub(super) const SETTLES_AFTER: Duration = Duration::from_secs(30);
/// How far a broken connection goes back.
pub(super) const LOOKED_BACK: Duration = Duration::from_secs(600);
/// Messages within so short a time settle together, so that what is remembered stays small.
const TOGETHER: Duration = Duration::from_secs(1);

/// What to send next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The next entry.
    pub(super) entry: u64,
    /// Checkpoints of this size and larger.
    pub(super) checkpoint: u64,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// We closed, and the receiver in turn: it has everything.
    Concluded,
    /// The receiver closed by itself: it read what had reached it, which the last messages may not have.
    Closed,
    /// It broke.
    Broken,
}

/// One destination's messages.
#[derive(Debug)]
pub(super) struct Delivery {
    next: Cursor,
    arrived: Cursor,
    /// Behind this a broken connection does not go.
    floor: Cursor,
    /// Since when messages up to a cursor are on their way, oldest first.
    sent: VecDeque<(Instant, Cursor)>,
}

impl Delivery {
    /// Everything before `from` has arrived.
    pub(super) fn from(from: Cursor) -> Self {
        Self {
            next: from,
            arrived: from,
            floor: from,
            sent: VecDeque::new(),
        }
    }

    /// What to send next.
    pub(super) fn next(&self) -> Cursor {
        self.next
    }

    /// Everything before this has arrived, as far as is certain after the last break.
    pub(super) fn arrived(&self) -> Cursor {
        self.arrived
    }

    /// Everything before `next` was handed to the connection at `now`.
    pub(super) fn handed_over(&mut self, next: Cursor, now: Instant) {
        self.next = next;
        match self.sent.back_mut() {
            Some((first, cursor)) if now.duration_since(*first) < TOGETHER => *cursor = next,
            Some(_) | None => self.sent.push_back((now, next)),
        }
    }

    /// The connection still stands at `now`. Whether more has arrived.
    pub(super) fn stands(&mut self, now: Instant) -> bool {
        let before = self.arrived;
        let old = |at: &Instant, age: Duration| now.duration_since(*at) >= age + TOGETHER;
        let settled = self
            .sent
            .iter()
            .take_while(|(at, _)| old(at, SETTLES_AFTER))
            .last();
        if let Some((_, cursor)) = settled {
            self.arrived = *cursor;
        }
        while let Some((at, cursor)) = self.sent.front()
            && old(at, LOOKED_BACK)
        {
            self.floor = *cursor;
            self.sent.pop_front();
        }
        self.arrived != before
    }

    /// The connection ended; the next one begins with [`Delivery::next`].
    pub(super) fn ended(&mut self, end: End) {
        match end {
            End::Concluded => self.arrived = self.next,
            End::Closed => self.next = self.arrived,
            End::Broken => (self.next, self.arrived) = (self.floor, self.floor),
        }
        // After an orderly end nothing earlier is in doubt any more.
        self.floor = self.next;
        self.sent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(entry: u64) -> Cursor {
        Cursor {
            entry,
            checkpoint: 0,
        }
    }

    /// An instant, and seconds after it.
    fn times() -> impl Fn(u64) -> Instant {
        let start = crate::clock::monotonic();
        move |seconds| start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_message_arrives_when_its_connection_stood_long_enough() {
        let t = times();
        let mut delivery = Delivery::from(at(1));
        delivery.handed_over(at(5), t(0));
        assert!(!delivery.stands(t(30)));
        assert_eq!(delivery.arrived(), at(1));
        assert!(delivery.stands(t(31)));
        assert_eq!(delivery.arrived(), at(5));
    }

    #[test]
    fn a_steady_stream_settles_behind_itself() {
        let t = times();
        let mut delivery = Delivery::from(at(0));
        for second in 0..100 {
            delivery.handed_over(at(second + 1), t(second));
            delivery.stands(t(second));
        }
        assert!(delivery.arrived().entry >= 68, "{delivery:?}");
        assert!(delivery.arrived().entry <= 71, "{delivery:?}");
    }

    #[test]
    fn a_receiver_that_closes_gets_again_what_had_not_settled() {
        let t = times();
        let mut delivery = Delivery::from(at(1));
        delivery.handed_over(at(5), t(0));
        delivery.stands(t(40));
        delivery.handed_over(at(9), t(40));
        delivery.ended(End::Closed);
        assert_eq!(delivery.next(), at(5));
    }

    #[test]
    fn a_connection_that_broke_goes_back_beyond_what_settled_and_never_before_the_beginning() {
        let t = times();
        let mut delivery = Delivery::from(at(3));
        delivery.handed_over(at(5), t(0));
        delivery.handed_over(at(9), t(300));
        delivery.stands(t(400));
        assert_eq!(delivery.arrived(), at(9));
        delivery.ended(End::Broken);
        assert_eq!(delivery.next(), at(3));
        delivery.ended(End::Closed);
        assert_eq!(
            delivery.next(),
            at(3),
            "what was sent again and closed is not skipped"
        );
        delivery.handed_over(at(9), t(400));
        delivery.handed_over(at(11), t(700));
        delivery.stands(t(1002));
        delivery.ended(End::Broken);
        assert_eq!(delivery.next(), at(9), "ten minutes back, no further");
    }

    #[test]
    fn an_orderly_end_settles_everything() {
        let t = times();
        let mut delivery = Delivery::from(at(1));
        delivery.handed_over(at(5), t(0));
        assert_eq!(delivery.arrived(), at(1));
        delivery.ended(End::Concluded);
        assert_eq!((delivery.next(), delivery.arrived()), (at(5), at(5)));
    }

    #[test]
    fn what_is_remembered_stays_small() {
        let start = crate::clock::monotonic();
        let mut delivery = Delivery::from(at(0));
        for tick in 0..1_000_000u64 {
            let now = start + Duration::from_millis(tick);
            delivery.handed_over(at(tick), now);
            if tick % 100 == 0 {
                delivery.stands(now);
            }
        }
        assert!(delivery.sent.len() <= 602, "{}", delivery.sent.len());
    }
}
