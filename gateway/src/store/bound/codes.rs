//! What the log says of one-time codes: which were accepted, and which tries count against whom.
//!
//! No table has either: a row put there would lock somebody out, a row set back would let the same code in once more, and a row
//! taken out would give as many tries as anybody wants (`adr/0038-what-lets-in-and-locks-out.md`).

use std::collections::BTreeMap;

use ecluse_policy::Timestamp;
use ecluse_recordings::log::Entry;

use super::super::failures::person_subject;
use super::blocks::FORGOTTEN_AFTER;
use super::said::Said;
use crate::audit::{AuditKind, AuditVerdict, CODE_STEP, COUNTED};
use crate::identity::totp;

/// Of so many subjects tries are kept; of more, those that no rule counts any more go.
const KEPT: usize = 4096;
/// Of a subject with more tries, those that no rule counts any more go.
const MANY: usize = 256;
/// So many of a person's steps are kept, the last in the log: those before them are long past.
const STEPS: usize = 64;
/// So many, where they lie ahead of the clock, from one that was wrong: they count when their time comes.
const STEPS_AHEAD: usize = 4096;

/// What is known of codes.
#[derive(Debug, Clone, Default)]
pub(super) struct Codes {
    /// When there was a try that counts, by the subject it counts against and the place of its entry.
    tries: BTreeMap<String, BTreeMap<u64, i64>>,
    /// The last entry after which those of a person count anew.
    cleared: BTreeMap<String, u64>,
    /// The steps of the codes that were accepted of a person, by the place of the entry.
    steps: BTreeMap<String, BTreeMap<u64, u64>>,
}

/// Whether an entry of this kind, with these words, tells of codes.
pub(super) fn tells_of_codes(kind: &str, line: &str) -> bool {
    let is = |kinds: [AuditKind; 2]| kinds.iter().any(|one| one.name() == kind);
    is([AuditKind::LogOnRefused, AuditKind::CodeRefused]) && line.contains(COUNTED)
        || is([AuditKind::LogOn, AuditKind::CodeProven]) && line.contains(CODE_STEP)
}

impl Codes {
    /// Takes in an entry. In whatever order they come, what is known in the end is what their places make of it.
    pub(super) fn see(&mut self, seq: u64, entry: &Entry, kind: AuditKind, now: Timestamp) {
        let over = now.minus(FORGOTTEN_AFTER).as_micros();
        let tries = entry.detail.get(COUNTED);
        for (subject, at) in tries
            .and_then(|tries| tries.as_object())
            .into_iter()
            .flatten()
        {
            let cleared = self.cleared.get(subject).copied().unwrap_or(0);
            if let Some(at) = at.as_i64().filter(|_| cleared < seq) {
                let tries = self.tries.entry(subject.clone()).or_default();
                tries.insert(seq, at);
                if tries.len() > MANY {
                    tries.retain(|_, at| *at > over);
                }
            }
        }
        if self.tries.len() > KEPT {
            self.tries.retain(|_, tries| {
                tries.retain(|_, at| *at > over);
                !tries.is_empty()
            });
        }
        let Some(person) = &entry.person else {
            return;
        };
        let is_refused = entry.verdict.as_deref() == Some(AuditVerdict::Refuse.name());
        let step = entry.detail_number(CODE_STEP).filter(|_| !is_refused);
        if let Some(step) = step {
            let steps = self.steps.entry(person.clone()).or_default();
            steps.insert(seq, step);
            if steps.len() > STEPS {
                let upto = totp::latest_step(now);
                let past = steps.iter().filter(|(_, step)| **step <= upto);
                let past: Vec<u64> = past.map(|(place, _)| *place).collect();
                match past.first() {
                    Some(place) if past.len() > STEPS => drop(steps.remove(place)),
                    Some(_) | None if steps.len() > STEPS_AHEAD => drop(steps.pop_first()),
                    Some(_) | None => {}
                }
            }
        }
        let is_lifted = matches!(kind, AuditKind::LockoutLifted | AuditKind::Enrolment);
        if step.is_some() || is_lifted {
            let subject = person_subject(person);
            if let Some(tries) = self.tries.get_mut(&subject) {
                tries.retain(|place, _| *place > seq);
                if tries.is_empty() {
                    self.tries.remove(&subject);
                }
            }
            let cleared = self.cleared.entry(subject).or_default();
            *cleared = seq.max(*cleared);
        }
    }
}

impl Said {
    /// When there were tries that count against a subject, since a time.
    pub(in crate::store) fn tries(&self, subject: &str, since: Timestamp) -> Vec<Timestamp> {
        let tries = self.codes.tries.get(subject).into_iter().flatten();
        let tries = tries.map(|(_, at)| Timestamp::from_micros(*at));
        tries.filter(|at| *at >= since).collect()
    }

    /// The latest step, up to one, whose code was accepted of a person. One that lies further ahead is of a clock that was wrong.
    pub(in crate::store) fn code_step(&self, person: &str, upto: u64) -> Option<u64> {
        let steps = self.codes.steps.get(person)?.values();
        steps.filter(|step| **step <= upto).max().copied()
    }
}
