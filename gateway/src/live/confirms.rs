//! What in a session waits for an operator's yes, and what was said of it.
//!
//! A question is an entry of the log and so is what is said of it, which names the question by its place. Of several answers the
//! one that stands first counts, whenever it is heard of (`adr/0056-a-yes-is-an-entry.md`).

use std::collections::BTreeMap;

use ecluse_policy::{PersonId, Span, Timestamp};

use crate::audit::{AuditKind, AuditRecord, AuditVerdict};

/// The detail of an answer: the place of what it is about.
pub(crate) const QUESTION: &str = "question";
/// What waits, in the words of lines.
pub(crate) const WHAT: &str = "what";
/// All that waits, where that is told without its middle.
const WHOLE: &str = "whole";
/// Which it is of its session.
pub(crate) const NTH: &str = "nth";
/// On which channel.
const CHANNEL: &str = "channel";
/// How long an answer is waited for. **Unit**: seconds.
const WITHIN: &str = "within-seconds";
/// Whether it is asked each time.
const EACH: &str = "each";

/// Questions of one session: each is an entry, is kept as long as the session lasts, and is nothing that is paid for.
const MOST: usize = 256;
/// The same of their words, together. **Unit**: bytes.
const MOST_WORDS: usize = 256 << 10;

/// Something that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Its number in the session, from 1.
    pub(crate) number: u64,
    /// What.
    pub(crate) what: String,
    /// On which channel.
    pub(crate) channel: u32,
    /// Since when.
    pub(crate) at: Timestamp,
    /// For how long.
    pub(crate) within: Span,
    /// Whether the same waits again.
    pub(crate) each: bool,
}

/// What was said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// Whether it is a yes.
    pub(crate) is_yes: bool,
    /// Who says so; nobody where it ran out, or its session stopped waiting.
    pub(crate) by: Option<PersonId>,
    /// Why not, if said.
    pub(crate) reason: Option<String>,
}

/// All that waited in a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Confirms {
    /// By the place of their entry.
    asked: BTreeMap<u64, Waiting>,
    /// By the same: where the first answer stands, and what it is.
    answers: BTreeMap<u64, (u64, Said)>,
}

impl Confirms {
    /// The entry at `seq` asks; whether that is new.
    pub(crate) fn ask(&mut self, seq: u64, waiting: Waiting) -> bool {
        self.asked.insert(seq, waiting).is_none()
    }

    /// The entry at `seq` answers what stands at `to`; whether it is the one that counts.
    pub(crate) fn answer(&mut self, seq: u64, to: u64, said: Said) -> bool {
        if self
            .answers
            .get(&to)
            .is_some_and(|(first, _)| *first <= seq)
        {
            return false;
        }
        self.answers.insert(to, (seq, said));
        true
    }

    /// What was said of it, where something was.
    pub(crate) fn said(&self, to: u64) -> Option<&Said> {
        self.answers.get(&to).map(|(_, said)| said)
    }

    /// All that waited, in the order of the log, with the answer that counts and where that stands.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Waiting, Option<(u64, &Said)>)> {
        let said = |seq| self.answers.get(seq).map(|(at, said)| (*at, said));
        self.asked
            .iter()
            .map(move |(seq, waiting)| (waiting, said(seq)))
    }

    /// Whether no more may be asked.
    pub(crate) fn is_full(&self) -> bool {
        let words = self.asked.values().map(|waiting| waiting.what.len());
        self.asked.len() >= MOST || words.sum::<usize>() >= MOST_WORDS
    }

    /// Those that wait still, each with its place.
    pub(crate) fn open(&self) -> impl Iterator<Item = (u64, &Waiting)> {
        let all = self.asked.iter().map(|(seq, waiting)| (*seq, waiting));
        all.filter(|(seq, _)| !self.answers.contains_key(seq))
    }

    /// The one of this number, its place, and what was said of it.
    pub(crate) fn numbered(&self, number: u64) -> Option<(u64, &Waiting, Option<&Said>)> {
        let mut asked = self.asked.iter();
        let (seq, waiting) = asked.find(|(_, waiting)| waiting.number == number)?;
        Some((*seq, waiting, self.said(*seq)))
    }

    /// The number of the next.
    pub(crate) fn next(&self) -> u64 {
        let last = self.asked.values().map(|waiting| waiting.number).max();
        last.unwrap_or_default().saturating_add(1)
    }

    /// Whether the same was said yes to, once for the whole session.
    pub(crate) fn is_agreed(&self, what: &str) -> bool {
        let mut asked = self.asked.iter();
        asked.any(|(seq, waiting)| {
            !waiting.each && waiting.what == what && self.said(*seq).is_some_and(|said| said.is_yes)
        })
    }

    /// The same that waits still and is asked once a session.
    pub(crate) fn same(&self, what: &str) -> Option<u64> {
        let mut open = self.open();
        open.find(|(_, waiting)| !waiting.each && waiting.what == what)
            .map(|(seq, _)| seq)
    }
}

/// What is put on record of something that waits.
pub(crate) fn asked_on_record(
    record: AuditRecord,
    waiting: &Waiting,
    whole: Option<&str>,
) -> AuditRecord {
    let record = record.kind(AuditKind::ConfirmAsked);
    let record = match whole {
        Some(whole) => record.unbounded(WHOLE, whole),
        None => record,
    };
    record
        .detail(NTH, waiting.number)
        .unbounded(WHAT, &waiting.what)
        .detail(CHANNEL, waiting.channel)
        .detail(WITHIN, waiting.within.as_secs())
        .detail(EACH, waiting.each)
}

/// The same of an answer to what stands at `to`.
pub(crate) fn said_on_record(
    record: AuditRecord,
    to: u64,
    waiting: &Waiting,
    said: &Said,
) -> AuditRecord {
    let record = record.kind(AuditKind::ConfirmAnswered);
    let record = record
        .detail(QUESTION, to)
        .detail(NTH, waiting.number)
        .unbounded(WHAT, &waiting.what);
    let record = record.detail("by", said.by.as_ref().map_or("nobody", PersonId::as_str));
    let record = match said.is_yes {
        true => record.permitted(),
        false => record.refused(),
    };
    match &said.reason {
        Some(reason) => record.reason(reason),
        None => record,
    }
}

/// What an entry asks, where it does.
pub(super) fn asked_by(record: &AuditRecord) -> Option<Waiting> {
    let number = |key| record.detail.get(key).and_then(|value| value.as_u64());
    let text = record.detail.get(WHAT)?.as_str()?;
    Some(Waiting {
        number: number(NTH)?,
        what: text.to_owned(),
        channel: u32::try_from(number(CHANNEL)?).ok()?,
        at: record.at,
        within: Span::from_secs(number(WITHIN)?),
        each: record.detail.get(EACH)?.as_bool()?,
    })
}

/// What it says of something that waits, and where that stands.
pub(super) fn said_by(record: &AuditRecord) -> Option<(u64, Said)> {
    let to = record.detail.get(QUESTION)?.as_u64()?;
    let by = record.detail.get("by").and_then(|by| by.as_str());
    let said = Said {
        is_yes: record.verdict == Some(AuditVerdict::Permit),
        by: by
            .and_then(|by| PersonId::parse(by).ok())
            .filter(|by| by.as_str() != "nobody"),
        reason: record.reason.clone(),
    };
    // A yes is somebody's, and of whoever the entry is.
    let is_theirs = said.by.as_ref().map(PersonId::as_str) == record.person.as_deref();
    (!said.is_yes || said.by.is_some() && is_theirs).then_some((to, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(number: u64, what: &str, each: bool) -> Waiting {
        Waiting {
            number,
            what: what.to_owned(),
            channel: 2,
            at: Timestamp::from_micros(0),
            within: Span::from_secs(300),
            each,
        }
    }

    fn said(is_yes: bool, by: &str) -> Said {
        Said {
            is_yes,
            by: PersonId::parse(by).ok(),
            reason: None,
        }
    }

    /// What is put on record is what is read there; a yes of nobody, or of another than whose entry it is, is none.
    #[test]
    fn what_waits_and_what_is_said_is_read_as_it_was_put_on_record() {
        let odile = PersonId::parse("odile").unwrap();
        let record = || AuditRecord::new(AuditKind::Cut, Timestamp::from_micros(0));
        // Longer than texts of strangers may be.
        let long = format!("sftp-write: /etc/{}/hosts", "p".repeat(3_900));
        let one = waiting(3, &long, true);
        let record_of = asked_on_record(record(), &one, Some(&long.repeat(5)));
        assert_eq!(asked_by(&record_of), Some(one.clone()));
        assert_eq!(record_of.detail[WHOLE], long.repeat(5));
        let yes = said(true, "odile");
        let of = |by: Option<&PersonId>, said: &Said| {
            let record = by.map_or_else(record, |by| record().person(by));
            said_by(&said_on_record(record, 7, &one, said))
        };
        assert_eq!(of(Some(&odile), &yes), Some((7, yes.clone())));
        assert_eq!(of(None, &yes), None);
        let nobody = Said {
            is_yes: false,
            by: None,
            reason: Some("nobody answered".to_owned()),
        };
        assert_eq!(of(None, &nobody), Some((7, nobody.clone())));
        let yes_of_nobody = Said {
            is_yes: true,
            ..nobody
        };
        assert_eq!(of(None, &yes_of_nobody), None);
    }

    /// A session asks so often, whatever was said.
    #[test]
    fn the_questions_of_a_session_are_bounded() {
        let mut all = Confirms::default();
        let long = "w".repeat(4 << 10);
        let most = MOST_WORDS / long.len();
        for nth in 1..=most as u64 {
            assert!(!all.is_full(), "{nth}");
            all.ask(2 * nth, waiting(nth, &long, true));
        }
        assert!(all.is_full());
        let mut all = Confirms::default();
        for nth in 1..=MOST as u64 {
            assert!(!all.is_full(), "{nth}");
            all.ask(2 * nth, waiting(nth, "command: true", true));
            all.answer(2 * nth + 1, 2 * nth, said(true, "odile"));
        }
        assert!(all.is_full());
    }

    /// The answer that stands first counts, also where it is heard of last; numbers go by the places of the questions.
    #[test]
    fn the_first_answer_in_the_log_counts() {
        let mut all = Confirms::default();
        assert!(all.ask(4, waiting(1, "shell", false)));
        assert!(!all.ask(4, waiting(1, "shell", false)), "a copy");
        assert!(all.ask(9, waiting(2, "command: reboot", true)));
        assert_eq!(all.next(), 3);
        assert_eq!(all.same("shell"), Some(4));
        assert_eq!(all.same("command: reboot"), None, "each is asked");
        assert!(all.answer(12, 4, said(false, "odile")));
        assert!(!all.answer(13, 4, said(true, "olive")));
        assert!(!all.is_agreed("shell"));
        assert!(all.answer(11, 4, said(true, "olive")), "heard of late");
        assert!(all.is_agreed("shell"));
        assert_eq!(all.open().map(|(seq, _)| seq).collect::<Vec<_>>(), [9]);
        assert!(all.answer(14, 9, said(true, "odile")));
        assert!(!all.is_agreed("command: reboot"));
        assert!(all.numbered(0).is_none() && all.numbered(3).is_none());
        assert_eq!(all.numbered(2).map(|(seq, ..)| seq), Some(9));
    }
}
