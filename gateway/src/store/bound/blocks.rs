//! Who is blocked, and until when, by the log: the end of a block is by the clock of whoever asks, and no setting of that clock moves
//! it (`adr/0036-words-that-are-away-lift-no-block.md`).

use std::collections::BTreeMap;

use ecluse_policy::Span;
use ecluse_recordings::log::Entry;

use super::super::failures::{BLOCKS, person_subject};
use crate::audit::AuditKind;
use crate::clock;

/// So many people's and sources' blocks are kept; of more, those that are long over go.
const KEPT: usize = 4096;
/// How long after its end a block is forgotten: no clock that was wrong for a while makes any forgotten that lasts.
pub(super) const FORGOTTEN_AFTER: Span = Span::from_hours(7 * 24);

/// Who is blocked, and from where on factors that were remembered before are none.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocks {
    /// Until when, by the subject that is counted under and the place of the entry that says so.
    blocks: BTreeMap<String, BTreeMap<u64, Until>>,
    /// The last entry that lifted the block of a subject.
    lifted: BTreeMap<String, u64>,
    /// The last entry that took what was remembered of a person.
    forgotten: BTreeMap<String, u64>,
}

/// The end of a block, and how far ahead the clock was when it became known ([`clock::ahead`]): whoever sets the clock meanwhile
/// makes it neither shorter nor longer.
#[derive(Debug, Clone, Copy)]
struct Until {
    at: i64,
    ahead: i64,
}

impl Until {
    /// The end by the clock as it is set by now.
    fn by(self, ahead: i64) -> i64 {
        self.at.saturating_add(clock::set_by(self.ahead, ahead))
    }
}

impl Blocks {
    /// Until when a subject is blocked, as far as that is not over, by a clock that is so far ahead.
    pub(super) fn until(&self, subject: &str, ahead: i64) -> Option<i64> {
        let blocks = self.blocks.get(subject)?.values();
        blocks.map(|until| until.by(ahead)).max()
    }

    /// Each block by its subject, place and end, and what was lifted and forgotten.
    #[cfg(test)]
    pub(super) fn all(&self) -> String {
        let blocks = self.blocks.iter().flat_map(|(subject, blocks)| {
            blocks
                .iter()
                .map(move |(seq, until)| (subject, seq, until.at))
        });
        let blocks: Vec<_> = blocks.collect();
        format!("{blocks:?} {:?} {:?}", self.lifted, self.forgotten)
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = &String> {
        self.blocks.keys()
    }

    pub(super) fn forgotten(&self, person: &str) -> u64 {
        self.forgotten.get(person).copied().unwrap_or(0)
    }

    /// What was over before `over` is forgotten: not by the date of an entry, which another gateway's clock may have written.
    pub(super) fn see(&mut self, seq: u64, entry: &Entry, kind: AuditKind, ahead: i64) {
        let is_lockout = kind == AuditKind::Lockout;
        let is_enrolment = kind == AuditKind::Enrolment;
        if let Some(person) = &entry.person {
            if is_lockout || is_enrolment || kind == AuditKind::EnrolmentDisabled {
                let last = self.forgotten.entry(person.clone()).or_default();
                *last = seq.max(*last);
            }
            if is_enrolment || kind == AuditKind::LockoutLifted {
                let subject = person_subject(person);
                if let Some(blocks) = self.blocks.get_mut(&subject) {
                    blocks.retain(|place, _| *place > seq);
                }
                let last = self.lifted.entry(subject).or_default();
                *last = seq.max(*last);
            }
        }
        if is_lockout {
            let blocks = entry.detail.get(BLOCKS);
            let blocks = blocks.and_then(|blocks| blocks.as_object());
            for (subject, until) in blocks.into_iter().flatten() {
                let is_lifted = self.lifted.get(subject).is_some_and(|lifted| *lifted > seq);
                if let Some(at) = until.as_i64().filter(|_| !is_lifted) {
                    let blocks = self.blocks.entry(subject.clone()).or_default();
                    blocks.entry(seq).or_insert(Until { at, ahead });
                }
            }
            if self.blocks.len() > KEPT {
                let over = clock::agreed().minus(FORGOTTEN_AFTER).as_micros();
                for blocks in self.blocks.values_mut() {
                    blocks.retain(|_, until| until.by(ahead) > over);
                }
            }
        }
        self.blocks.retain(|_, blocks| !blocks.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use ecluse_policy::PersonId;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::audit::{AuditRecord, Place};

    /// A6: whoever sets the clock ahead while somebody is blocked lifts nothing, and whoever sets it back blocks nobody for longer.
    #[test]
    fn a6_a_block_lasts_its_time_however_the_clock_is_set() {
        let person = PersonId::parse("bruno").unwrap();
        let (subject, hour) = (person_subject("bruno"), 3_600_000_000);
        let record = AuditRecord::new(AuditKind::Lockout, clock::now())
            .person(&person)
            .detail(BLOCKS, json!({ subject.clone(): 2 * hour }));
        let place = Place {
            salt: String::new(),
            seq: 1,
            event: Uuid::nil(),
            nth: None,
            previous: None,
        };
        let mut blocks = Blocks::default();
        let entry = record.to_entry(place);
        blocks.see(1, &entry, AuditKind::Lockout, 7);
        // Its words are read once more, after the clock was set.
        blocks.see(1, &entry, AuditKind::Lockout, 7 + hour);
        for (ahead, until) in [(7, 2), (7 + 63 * 24 * hour, 2 + 63 * 24), (7 - hour, 1)] {
            assert_eq!(blocks.until(&subject, ahead), Some(until * hour));
        }
    }
}
