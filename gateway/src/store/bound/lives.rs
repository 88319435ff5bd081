//! When each account last showed a sign of life, by the log: a row would keep one that nobody uses from being disabled, or have one
//! disabled that is used (A8, `adr/0039-what-counts-against-whom.md`).

use std::collections::BTreeMap;

use ecluse_policy::{AccountUse, PersonId, Timestamp};
use ecluse_recordings::log::Entry;

use super::said::Said;
use crate::audit::{AuditKind, AuditVerdict};

/// The place and the time of the last entry that says so.
type Last = Option<(u64, i64)>;

/// What is known of accounts.
#[derive(Debug, Clone, Default)]
pub(super) struct Lives {
    enrolled: BTreeMap<String, Last>,
    logged_on: BTreeMap<String, Last>,
    enabled: BTreeMap<String, Last>,
    /// Up to when words were removed on record: of what was before, only rows tell.
    removed_before: Option<i64>,
}

impl Lives {
    /// Takes in an entry. In whatever order they come, what is known in the end is what their places make of it.
    pub(super) fn see(&mut self, seq: u64, entry: &Entry, kind: AuditKind) {
        let signs = if kind == AuditKind::LogOn {
            &mut self.logged_on
        } else if kind == AuditKind::Enrolment {
            &mut self.enrolled
        } else if kind == AuditKind::AccountEnabled {
            &mut self.enabled
        } else {
            if kind == AuditKind::EntriesDestroyed {
                let before = entry.detail_text("before");
                let before = before.and_then(|before| before.parse::<Timestamp>().ok());
                let before = before.map_or(entry.at_us, Timestamp::as_micros);
                self.removed_before = self.removed_before.max(Some(before));
            }
            return;
        };
        let is_refused = entry.verdict.as_deref() == Some(AuditVerdict::Refuse.name());
        if let Some(person) = entry.person.as_ref().filter(|_| !is_refused) {
            let last = signs.entry(person.clone()).or_default();
            *last = (*last).max(Some((seq, entry.at_us)));
        }
    }
}

impl Said {
    /// When an account last showed a sign of life. What its row says of a time is believed where retention took the words of that
    /// time, and in a store whose log does not tell of each account yet.
    pub(in crate::store) fn usage(&self, person: &PersonId, row: &AccountUse) -> AccountUse {
        let lives = &self.lives;
        let upto = if self.secrets.tells() {
            lives.removed_before
        } else {
            Some(i64::MAX)
        };
        let sign = |said: &BTreeMap<String, Last>, row: Option<Timestamp>| {
            let said = said.get(person.as_str()).copied().flatten();
            let said = said.map(|(_, at)| Timestamp::from_micros(at));
            said.max(row.filter(|at| Some(at.as_micros()) <= upto))
        };
        let (logged_on_at, enabled_at) = (
            sign(&lives.logged_on, row.logged_on_at),
            sign(&lives.enabled, row.enabled_at),
        );
        let enrolled_at = sign(&lives.enrolled, Some(row.enrolled_at));
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
