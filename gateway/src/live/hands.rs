//! What operators do by hand to a session: an entry of the log first, which the gateway that carries the session obeys (X3).
//!
//! There is no order beside the entry: whoever watches over a session is woken by it, and reads what the log has since. Where
//! the session is here nothing is waited for (`adr/0037-hands-are-entries.md`).

use ecluse_policy::extraction::{ByteRate, Hand, Hands, Laid};
use ecluse_policy::signals::By;
use ecluse_policy::{PersonId, SessionId, Span, Timestamp};

use super::confirms::{self, Confirms, Said, Waiting};
use super::questions::{Asked, Questions};
use super::signals;
use crate::audit::{AuditKind, AuditRecord};
use crate::store::{AuditQuery, Store, StoreError};

/// The detail of an answer: the place of what it answers.
const QUESTION: &str = "question";
/// What was asked, beside the answer.
pub(crate) const ASKED: &str = "asked";
/// The detail of the pace. **Unit**: bytes a second.
const RATE: &str = "rate";
/// Entries of a session are looked for from so long before its beginning: clocks of gateways differ.
const BEFORE: Span = Span::from_hours(24);

/// What stands of what was done to a session, and which entries say so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    hands: Hands,
    questions: Questions,
    confirms: Confirms,
    /// The last entry about holding.
    holding: u64,
    /// The last about slowing.
    slowing: u64,
    /// Who let it go on last.
    resumed_by: Option<By>,
}

/// What an entry of the log says about a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// What an operator does.
    Hand(Laid),
    /// What its technician answers to a question, which stands at this place.
    Answer {
        /// Where the question stands.
        to: u64,
        /// The answer.
        words: String,
    },
    /// Something waits for an operator's yes.
    Waits(Waiting),
    /// What is said of it.
    Says {
        /// Where it stands.
        to: u64,
        /// What.
        said: Said,
    },
}

impl Standing {
    /// What stands of holding and slowing.
    pub(crate) fn hands(&self) -> &Hands {
        &self.hands
    }

    /// Who let it go on last.
    pub(crate) fn resumed_by(&self) -> Option<&By> {
        self.resumed_by.as_ref()
    }

    /// What was asked and answered.
    pub(crate) fn questions(&self) -> &Questions {
        &self.questions
    }

    /// What waited for a yes, and what was said of it.
    pub(crate) fn confirms(&self) -> &Confirms {
        &self.confirms
    }

    /// Takes in what the entry at `seq` says, unless a later one was taken in; whether that is new.
    pub(crate) fn take_in(&mut self, seq: u64, entry: &Entry) -> bool {
        let laid = match entry {
            Entry::Hand(laid) => laid,
            Entry::Answer { to, words } => return self.questions.answer(*to, words),
            Entry::Waits(waiting) => return self.confirms.ask(seq, waiting.clone()),
            Entry::Says { to, said } => return self.confirms.answer(seq, *to, said.clone()),
        };
        let is_asked = match &laid.hand {
            Hand::Ask { question } => match &laid.by {
                By::Person(by) => self.questions.ask(
                    seq,
                    Asked {
                        by: by.clone(),
                        question: question.clone(),
                    },
                ),
                // No signal asks anything.
                By::Signal(_) => false,
            },
            Hand::Resume => {
                self.questions.close(seq);
                false
            }
            Hand::Hold { .. } | Hand::Slow { .. } => false,
        };
        let last = match &laid.hand {
            Hand::Hold { .. } | Hand::Ask { .. } | Hand::Resume => &mut self.holding,
            Hand::Slow { .. } => &mut self.slowing,
        };
        if seq <= *last {
            return is_asked;
        }
        *last = seq;
        if matches!(laid.hand, Hand::Resume) {
            self.resumed_by = Some(laid.by.clone());
        }
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
        Hand::Ask { question } => record.kind(AuditKind::Question).reason(question),
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

/// The same of an answer.
pub(crate) fn answer_on_record(
    record: AuditRecord,
    to: u64,
    asked: &Asked,
    words: &str,
) -> AuditRecord {
    let record = record.kind(AuditKind::Answer).reason(words);
    record
        .detail(QUESTION, to)
        .detail(ASKED, asked.question.as_str())
}

/// What a record says; nothing where it is none of these.
pub(crate) fn read(record: &AuditRecord) -> Option<Entry> {
    if record.kind == AuditKind::Signal {
        let by = By::Signal(signals::holds(record)?);
        let hand = Hand::Hold { reason: None };
        return Some(Entry::Hand(Laid { by, hand }));
    }
    if record.kind == AuditKind::ConfirmAsked {
        return confirms::asked_by(record).map(Entry::Waits);
    }
    if record.kind == AuditKind::ConfirmAnswered {
        let (to, said) = confirms::said_by(record)?;
        return Some(Entry::Says { to, said });
    }
    let person = PersonId::parse(record.person.as_deref()?).ok()?;
    let rate = || {
        let rate = record.detail.get(RATE)?.as_u64()?;
        ByteRate::parse(&format!("{rate} B/s")).ok()
    };
    let reason = record.reason.clone();
    let hand = if record.kind == AuditKind::Hold {
        Hand::Hold { reason }
    } else if record.kind == AuditKind::Question {
        Hand::Ask { question: reason? }
    } else if record.kind == AuditKind::Resume {
        Hand::Resume
    } else if record.kind == AuditKind::Slow {
        Hand::Slow { rate: rate() }
    } else if record.kind == AuditKind::Answer {
        return Some(Entry::Answer {
            to: record.detail.get(QUESTION)?.as_u64()?,
            words: reason?,
        });
    } else {
        return None;
    };
    let by = By::Person(person);
    Some(Entry::Hand(Laid { by, hand }))
}

/// What the log has of a session that began then, in order.
///
/// # Errors
/// The store failed.
pub(crate) async fn of_session(
    store: &Store,
    session: SessionId,
    began: Timestamp,
) -> Result<Vec<(u64, Entry)>, StoreError> {
    let query = AuditQuery {
        session: Some(session),
        kinds: vec![
            AuditKind::Hold,
            AuditKind::Resume,
            AuditKind::Slow,
            AuditKind::Question,
            AuditKind::Answer,
            AuditKind::Signal,
            AuditKind::ConfirmAsked,
            AuditKind::ConfirmAnswered,
        ],
        limit: Some(u32::MAX),
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
) -> Result<Standing, StoreError> {
    let mut standing = Standing::default();
    for (seq, entry) in of_session(store, session, began).await? {
        standing.take_in(seq, &entry);
    }
    Ok(standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(hand: Hand) -> Entry {
        Entry::Hand(Laid {
            by: By::Person(PersonId::parse("odile").unwrap()),
            hand,
        })
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
            Hand::Ask {
                question: "what is that?".to_owned(),
            },
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
        let by = PersonId::parse("alice").unwrap();
        let record = AuditRecord::new(AuditKind::Cut, Timestamp::from_micros(0)).person(&by);
        let asked = Asked {
            by,
            question: "what is that?".to_owned(),
        };
        let (to, words) = (7, "a dump".to_owned());
        let record = answer_on_record(record, to, &asked, &words);
        assert_eq!(read(&record), Some(Entry::Answer { to, words }));
    }

    /// N1: a question holds, also one that is heard of after a later hold; no copy of one asks or holds again.
    #[test]
    fn n1_a_question_holds_until_somebody_lets_it_go_on() {
        let ask = laid(Hand::Ask {
            question: "what is that?".to_owned(),
        });
        let mut standing = Standing::default();
        assert!(standing.take_in(6, &laid(Hand::Hold { reason: None })));
        assert!(standing.take_in(4, &ask) && !standing.take_in(4, &ask));
        let open = |standing: &Standing| standing.questions().open().map(|(seq, _)| seq);
        assert_eq!(open(&standing), Some(4));
        assert!(standing.take_in(8, &laid(Hand::Resume)));
        assert_eq!((open(&standing), standing.hands().held()), (None, None));
        assert!(!standing.take_in(4, &ask) && standing.hands().held().is_none());
        assert!(standing.take_in(9, &ask) && standing.hands().held().is_some());
        let words = "a dump".to_owned();
        assert!(standing.take_in(10, &Entry::Answer { to: 9, words }));
        assert!(open(&standing).is_none() && standing.hands().held().is_some());
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
