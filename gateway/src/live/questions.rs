//! What operators ask the technician of a session, and what is answered (N1, "demande d'explications").
//!
//! A question is an entry of the log, and a hold with it; so is its answer, which names the question by its place. Both count by
//! where they stand and once, whenever they are heard of; letting the session go on ends the questions before it.

use std::collections::BTreeMap;

use ecluse_policy::{PersonId, SessionId};
use ecluse_recordings::evidence::manifest::sha256_hex;

/// Letters of a mark: none that is taken for another.
const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRTUVWXY34";
const MARK: usize = 5;

/// What the gateway's questions in a session bear, and its technician was told when it began: its target never learns it, so that
/// no question of the target's passes for one.
pub(crate) fn mark(session: SessionId) -> String {
    let digest = sha256_hex(format!("the mark of {}", session.as_uuid()).as_bytes());
    let letter = |at: usize| {
        let part = digest.get(2 * at..2 * at + 2)?;
        let number = usize::from_str_radix(part, 16).ok()?;
        Some(char::from(*LETTERS.get(number % LETTERS.len())?))
    };
    (0..MARK).filter_map(letter).collect()
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Who asks.
    pub(crate) by: PersonId,
    /// What.
    pub(crate) question: String,
}

/// The questions of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Questions {
    /// By the place of their entry.
    asked: BTreeMap<u64, Asked>,
    /// By the same.
    answers: BTreeMap<u64, String>,
    /// Those up to this place are not waited for any more.
    closed: u64,
}

impl Questions {
    /// The entry at `seq` asks; whether that is new.
    pub(super) fn ask(&mut self, seq: u64, asked: Asked) -> bool {
        self.asked.insert(seq, asked).is_none()
    }

    /// The question at `to` is answered; whether that is new. The first answer counts.
    pub(super) fn answer(&mut self, to: u64, words: &str) -> bool {
        let is_new = !self.answers.contains_key(&to);
        self.answers.entry(to).or_insert_with(|| words.to_owned());
        is_new
    }

    /// The session goes on by the entry at `seq`.
    pub(super) fn close(&mut self, seq: u64) {
        self.closed = self.closed.max(seq);
    }

    /// The question that is to be answered first, and its place.
    pub(crate) fn open(&self) -> Option<(u64, &Asked)> {
        let mut open = self.asked.range(self.closed + 1..);
        open.find(|(seq, _)| !self.answers.contains_key(seq))
            .map(|(seq, asked)| (*seq, asked))
    }

    /// All of them, each with its answer, in order.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = (u64, &Asked, Option<&str>)> {
        let all = self.asked.iter();
        all.map(|(seq, asked)| (*seq, asked, self.answers.get(seq).map(String::as_str)))
    }

    /// Those that `before` does not have.
    pub(crate) fn asked_since<'q>(
        &'q self,
        before: &Self,
    ) -> impl Iterator<Item = &'q Asked> + use<'q> {
        let known: Vec<u64> = before.asked.keys().copied().collect();
        let all = self.asked.iter();
        all.filter(move |(seq, _)| !known.contains(seq))
            .map(|(_, asked)| asked)
    }

    /// The answers that `before` does not have, each with what was asked.
    pub(crate) fn answered_since<'q>(
        &'q self,
        before: &Self,
    ) -> impl Iterator<Item = (&'q Asked, &'q str)> + use<'q> {
        let known: Vec<u64> = before.answers.keys().copied().collect();
        let new = self.answers.iter();
        new.filter(move |(seq, _)| !known.contains(seq))
            .filter_map(|(seq, words)| Some((self.asked.get(seq)?, words.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(question: &str) -> Asked {
        Asked {
            by: PersonId::parse("odile").unwrap(),
            question: question.to_owned(),
        }
    }

    #[test]
    fn a_session_has_a_mark_of_its_own() {
        let of = |number: u128| mark(SessionId::from_uuid(uuid::Uuid::from_u128(number)));
        assert_eq!(of(1).len(), MARK);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    /// N1: questions are answered in the order of the log, each once; whoever lets the session go on waits for none any more,
    /// and an entry that is heard of late opens nothing.
    #[test]
    fn n1_questions_are_answered_one_after_the_other_and_once() {
        let mut questions = Questions::default();
        let open = |questions: &Questions| questions.open().map(|(seq, _)| seq);
        assert!(questions.ask(7, asked("and that?")));
        assert!(questions.ask(4, asked("what is that?")), "heard of late");
        assert!(!questions.ask(4, asked("what is that?")), "a copy");
        assert_eq!(open(&questions), Some(4));
        let before = questions.clone();
        assert!(questions.answer(4, "a dump"));
        assert!(!questions.answer(4, "something else"));
        assert_eq!(open(&questions), Some(7));
        let new: Vec<_> = questions.answered_since(&before).collect();
        assert_eq!(new, [(&asked("what is that?"), "a dump")]);
        questions.close(9);
        assert_eq!(open(&questions), None);
        assert!(questions.ask(8, asked("late")));
        assert_eq!(open(&questions), None);
        assert!(questions.ask(10, asked("once more?")));
        assert_eq!(open(&questions), Some(10));
        assert_eq!(questions.asked_since(&before).count(), 2);
    }
}
