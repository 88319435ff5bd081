//! A passage in which nobody does anything.
//!
//! At a terminal somebody is there who types; what a program draws by itself is nobody. Without one, what passes either way counts.
//! While it is held, or something of it waits for an operator's yes, nobody can do anything, so that is no such time; whoever
//! watches is no part of it.

use std::time::{Duration, Instant};

use ecluse_policy::Span;
use tokio::sync::watch;

use super::{Known, Piece, Pump};
use crate::clock;
use ecluse_recordings::Direction::{self, ToTarget};

/// How long before its end it is told, where it lasts long enough.
const WARNED: Duration = Duration::from_secs(60);

/// How long nothing may happen.
pub(crate) struct Idle<'a> {
    /// As it changes; never where it is none.
    pub(crate) after: watch::Receiver<Option<Span>>,
    /// What a person at a terminal reads so long before the end.
    pub(crate) warns: &'a (dyn Fn(Duration) -> String + Send + Sync),
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It is told that so much is left.
    Warning(Duration),
    /// It is over.
    End(Span),
}

/// Since when nothing happened.
#[derive(Debug, Default)]
pub(super) struct Still {
    since: Option<Instant>,
    is_told: bool,
    was_held: bool,
}

impl Still {
    /// Something happened.
    fn ends(&mut self) {
        self.since = None;
        self.is_told = false;
    }

    /// When something is to be done, and what; `None` for never.
    fn due(&mut self, after: Option<Span>, now: Instant) -> Option<(Instant, Due)> {
        let span = after?;
        let after = span.to_std();
        let end = *self.since.get_or_insert(now) + after;
        let warned = WARNED.min(after / 2);
        let due = match self.is_told {
            true => (end, Due::End(span)),
            false => (end.checked_sub(warned)?, Due::Warning(warned)),
        };
        Some(due)
    }
}

impl Known {
    /// Something came, on its way `towards` a side.
    pub(super) fn comes(&mut self, towards: Direction, piece: &Piece, is_typed: bool) {
        let is_somebody = match piece {
            Piece::Data(_) | Piece::ErrorData(_) | Piece::Signal(_) => {
                !is_typed || towards == ToTarget
            }
            Piece::Resize(_)
            | Piece::Beside(_)
            | Piece::BesideOver
            | Piece::Run(_)
            | Piece::Eof
            | Piece::Exit(_)
            | Piece::Refused
            | Piece::Remark(_)
            | Piece::Close => false,
        };
        if is_somebody {
            self.still.ends();
        }
    }
}

impl Pump<'_> {
    /// What was sent out went on its way, however slowly.
    pub(super) fn went(&mut self) {
        if !self.holds.typed {
            self.known.still.ends();
        }
    }

    /// When something is to be done about it, and what.
    pub(super) fn idle_due(&mut self, held: bool) -> Option<(Instant, Due)> {
        let held = held || self.kind.is_waiting();
        let still = &mut self.known.still;
        if held || std::mem::replace(&mut still.was_held, held) {
            still.was_held = held;
            still.ends();
        }
        if held {
            return None;
        }
        let after = *self.idle.after.borrow_and_update();
        still.due(after, clock::monotonic())
    }

    /// The warning was told, or needs not be.
    pub(super) fn is_warned(&mut self) {
        self.known.still.is_told = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is told a minute before, or at half of a shorter time; whatever happens begins it anew.
    #[test]
    fn a_warning_comes_before_the_end_and_what_happens_begins_it_anew() {
        let (now, second) = (clock::monotonic(), Duration::from_secs(1));
        for (after, warned) in [(900, 840), (60, 30)] {
            let span = Span::from_secs(after);
            let mut still = Still::default();
            assert_eq!(still.due(None, now), None);
            let due = still.due(Some(span), now);
            let left = (after - warned) as u32 * second;
            let expected = (now + warned as u32 * second, Due::Warning(left));
            assert_eq!(due, Some(expected));
            still.is_told = true;
            let due = still.due(Some(span), now + 7 * second);
            assert_eq!(due, Some((now + after as u32 * second, Due::End(span))));
            still.ends();
            let later = now + 10 * second;
            let due = still.due(Some(span), later);
            assert_eq!(due.unwrap().0, later + warned as u32 * second);
        }
    }

    #[test]
    fn at_a_terminal_only_who_types_is_there() {
        let keys = Piece::Data(bytes::Bytes::from_static(b"x"));
        let is_over = |towards, piece: &Piece, is_typed| {
            let mut known = Known::default();
            known.still.since = Some(clock::monotonic());
            known.comes(towards, piece, is_typed);
            known.still.since.is_none()
        };
        assert!(is_over(ToTarget, &keys, true) && is_over(ToTarget, &keys, false));
        let down = Direction::ToTechnician;
        assert!(!is_over(down, &keys, true) && is_over(down, &keys, false));
        assert!(!is_over(ToTarget, &Piece::Eof, true));
    }
}
