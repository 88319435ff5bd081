//! When each account last showed a sign of life, by the log: a row would keep one that nobody uses from being disabled, or have one
//! disabled that is used (A8, `adr/0039-what-counts-against-whom.md`).

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::{AccountUse, PersonId, Timestamp};
use ecluse_recordings::log::Entry;
use serde_json::{Map, Value as Json};

use super::super::Writing;
use super::said::Said;
use super::sealed::Secret;
use crate::audit::{AuditKind, AuditRecord, AuditVerdict, LAST_USE, USES_TOLD};

/// The place and the time of the last entry that says so.
type Last = Option<(u64, i64)>;

/// What an account shows that it is used by; named so in entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Enrolled,
    LoggedOn,
    Enabled,
}

/// What is known of accounts.
#[derive(Debug, Clone, Default)]
pub(super) struct Lives {
    signs: BTreeMap<(Sign, String), Last>,
    /// Up to when words were removed on record by a program that did not say again what they told: of what was before, only rows tell.
    removed_before: Option<i64>,
}

impl Sign {
    const ALL: [Self; 3] = [Self::Enrolled, Self::LoggedOn, Self::Enabled];

    const fn kind(self) -> AuditKind {
        match self {
            Self::Enrolled => AuditKind::Enrolment,
            Self::LoggedOn => AuditKind::LogOn,
            Self::Enabled => AuditKind::AccountEnabled,
        }
    }
}

impl Lives {
    /// Takes in an entry. In whatever order they come, what is known in the end is what their places make of it.
    pub(super) fn see(&mut self, seq: u64, entry: &Entry, kind: AuditKind) {
        if kind == AuditKind::EntriesDestroyed {
            if !entry.detail.contains_key(USES_TOLD) {
                let before = entry.detail_text("before");
                let before = before.and_then(|before| before.parse::<Timestamp>().ok());
                let before = before.map_or(entry.at_us, Timestamp::as_micros);
                self.removed_before = self.removed_before.max(Some(before));
            }
            return;
        }
        let is_refused = entry.verdict.as_deref() == Some(AuditVerdict::Refuse.name());
        let Some(person) = entry.person.as_ref().filter(|_| !is_refused) else {
            return;
        };
        let again = entry
            .detail
            .get(LAST_USE)
            .filter(|_| kind == AuditKind::Bound);
        for sign in Sign::ALL {
            let at = match again.and_then(|again| again.get(sign.kind().name())) {
                Some(at) => at.as_i64(),
                None => (kind == sign.kind()).then_some(entry.at_us),
            };
            if let Some(at) = at {
                let last = self.signs.entry((sign, person.clone())).or_default();
                *last = (*last).max(Some((seq, at)));
            }
        }
    }

    fn last(&self, sign: Sign, person: &str) -> Last {
        let last = self.signs.get(&(sign, person.to_owned()));
        last.copied().flatten()
    }
}

/// Says again when each account last showed a sign of life of which the words are destroyed with this change: its row alone would
/// tell of it. Of who has no second factor in force nothing is said: their account is enrolled anew before it is used. `doomed` are
/// the places of the entries that are destroyed; it is said in the gateway's own trail, as of secrets ([`super::secrets_again`]).
pub(in crate::store) fn uses_again(
    change: &Writing,
    doomed: &BTreeSet<u64>,
    at: Timestamp,
) -> Vec<AuditRecord> {
    let said = change.said();
    let mut people: BTreeMap<&str, Map<String, Json>> = BTreeMap::new();
    for ((sign, person), last) in &said.lives.signs {
        if let Some((_, at)) = last.filter(|(seq, _)| doomed.contains(seq)) {
            let uses = people.entry(person).or_default();
            uses.insert(sign.kind().name().to_owned(), at.into());
        }
    }
    let people = people.into_iter().filter_map(|(person, uses)| {
        let person = PersonId::parse(person).ok()?;
        let is_enrolled = said.is_in_force(&Secret::Enrolment(person.clone()));
        is_enrolled.then(|| {
            AuditRecord::new(AuditKind::Bound, at)
                .person(&person)
                .reason("the account was last used then; the entry that said so was destroyed")
                .detail(LAST_USE, uses)
        })
    });
    people.collect()
}

impl Said {
    /// When an account last showed a sign of life. What its row says of a time is believed where a program from before removals said so
    /// again took the words of that time, and in a store whose log does not tell of each account yet.
    pub(in crate::store) fn usage(&self, person: &PersonId, row: &AccountUse) -> AccountUse {
        let lives = &self.lives;
        let upto = if self.secrets.tells() {
            lives.removed_before
        } else {
            Some(i64::MAX)
        };
        let sign = |sign: Sign, row: Option<Timestamp>| {
            let said = lives.last(sign, person.as_str());
            let said = said.map(|(_, at)| Timestamp::from_micros(at));
            said.max(row.filter(|at| Some(at.as_micros()) <= upto))
        };
        let (logged_on_at, enabled_at) = (
            sign(Sign::LoggedOn, row.logged_on_at),
            sign(Sign::Enabled, row.enabled_at),
        );
        let enrolled_at = sign(Sign::Enrolled, Some(row.enrolled_at));
        AccountUse {
            // Where no entry tells of the enrolment, what came of it does.
            enrolled_at: enrolled_at
                .or(logged_on_at)
                .or(enabled_at)
                .unwrap_or(row.enrolled_at),
            logged_on_at,
            enabled_at,
        }
    }
}
