//! What operators do by hand to a session: an entry of the log first, which the gateway that carries the session obeys (X3).
//!
//! There is no order beside the entry: whoever watches over a session is woken by it, and reads what the log has since. Where
//! the session is here nothing is waited for (`adr/0037-hands-are-entries.md`).

use ecluse_policy::extraction::{ByteRate, Hand, Hands, Laid};
use ecluse_policy::{PersonId, SessionId, Span, Timestamp};

use crate::audit::{AuditKind, AuditRecord};
use crate::store::{AuditQuery, Store, StoreError};

/// The detail of the pace. **Unit**: bytes a second.
const RATE: &str = "rate";
/// Entries of a session are looked for from so long before its beginning: clocks of gateways differ.
const BEFORE: Span = Span::from_hours(24);

/// What stands of what was done to a session, and which entries say so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    hands: Hands,
    /// The last entry about holding.
    holding: u64,
    /// The last about slowing.
    slowing: u64,
}

impl Standing {
    /// What stands.
    pub(crate) fn hands(&self) -> &Hands {
        &self.hands
    }

    /// Takes in what the entry at `seq` says, unless a later one was taken in; whether that is new.
    pub(crate) fn take_in(&mut self, seq: u64, laid: &Laid) -> bool {
        let last = match &laid.hand {
            Hand::Hold { .. } | Hand::Resume => &mut self.holding,
            Hand::Slow { .. } => &mut self.slowing,
        };
        if seq <= *last {
            return false;
        }
        *last = seq;
        self.hands = self.hands.after(laid);
        true
    }
}

/// What is put on record.
pub(crate) fn on_record(record: AuditRecord, hand: &Hand) -> AuditRecord {
    match hand {
        Hand::Hold { reason } => {
            let record = record.kind(AuditKind::Hold);
            match reason {
                Some(reason) => record.reason(reason),
                None => record,
            }
        }
        Hand::Resume => record.kind(AuditKind::Resume),
        Hand::Slow { rate } => {
            let record = record.kind(AuditKind::Slow);
            match rate {
                Some(rate) => record.detail(RATE, rate.as_u64()),
                None => record,
            }
        }
    }
}

/// What a record says was done; nothing where it is none of these.
pub(crate) fn read(record: &AuditRecord) -> Option<Laid> {
    let by = PersonId::parse(record.person.as_deref()?).ok()?;
    let rate = || {
        let rate = record.detail.get(RATE)?.as_u64()?;
        ByteRate::parse(&format!("{rate} B/s")).ok()
    };
    let hand = if record.kind == AuditKind::Hold {
        let reason = record.reason.clone();
        Hand::Hold { reason }
    } else if record.kind == AuditKind::Resume {
        Hand::Resume
    } else if record.kind == AuditKind::Slow {
        Hand::Slow { rate: rate() }
    } else {
        return None;
    };
    Some(Laid { by, hand })
}

/// What the log has of a session that began then, in order.
///
/// # Errors
/// The store failed.
pub(crate) async fn of_session(
    store: &Store,
    session: SessionId,
    began: Timestamp,
) -> Result<Vec<(u64, Laid)>, StoreError> {
    let query = AuditQuery {
        session: Some(session),
        kinds: vec![AuditKind::Hold, AuditKind::Resume, AuditKind::Slow],
        from: Some(began.minus(BEFORE)),
        ..AuditQuery::default()
    };
    let found = store.audit(&query).await?;
    let all = found.iter();
    Ok(all
        .filter_map(|stored| Some((stored.seq, read(&stored.record)?)))
        .collect())
}

/// What stands of a session that began then, as the log has it.
///
/// # Errors
/// The store failed.
pub(crate) async fn standing(
    store: &Store,
    session: SessionId,
    began: Timestamp,
) -> Result<Hands, StoreError> {
    let mut standing = Standing::default();
    for (seq, laid) in of_session(store, session, began).await? {
        standing.take_in(seq, &laid);
    }
    Ok(standing.hands)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(hand: Hand) -> Laid {
        Laid {
            by: PersonId::parse("odile").unwrap(),
            hand,
        }
    }

    /// X3: what is put on record is what is read there.
    #[test]
    fn x3_what_is_done_by_hand_is_read_as_it_was_put_on_record() {
        let hold = |reason: Option<&str>| Hand::Hold {
            reason: reason.map(str::to_owned),
        };
        let slow = |rate: Option<&str>| Hand::Slow {
            rate: rate.map(|rate| ByteRate::parse(rate).unwrap()),
        };
        for hand in [
            hold(None),
            hold(Some("what is that?")),
            Hand::Resume,
            slow(Some("8 KiB/s")),
            slow(Some("1025 B/s")),
            slow(None),
        ] {
            let by = PersonId::parse("odile").unwrap();
            let record = AuditRecord::new(AuditKind::Cut, Timestamp::from_micros(0)).person(&by);
            assert_eq!(read(&record), None);
            assert_eq!(read(&on_record(record, &hand)), Some(laid(hand)));
        }
    }

    /// X3: entries count by where they stand, whenever they are heard of; a copy of an old one does nothing.
    #[test]
    fn x3_an_earlier_entry_that_is_heard_of_later_changes_nothing() {
        let (hold, slow) = (Hand::Hold { reason: None }, Hand::Slow { rate: None });
        let mut standing = Standing::default();
        assert!(standing.take_in(4, &laid(hold.clone())));
        assert!(standing.take_in(6, &laid(Hand::Resume)));
        assert!(!standing.take_in(5, &laid(hold.clone())));
        assert!(!standing.take_in(4, &laid(hold.clone())));
        assert_eq!(standing.hands().held(), None);
        // Slowing is another matter than holding.
        assert!(standing.take_in(5, &laid(slow)));
        assert!(standing.take_in(7, &laid(hold)));
        assert!(!standing.take_in(6, &laid(Hand::Resume)));
        assert!(standing.hands().held().is_some());
    }
}
