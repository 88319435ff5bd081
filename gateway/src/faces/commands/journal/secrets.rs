//! The sealed secrets against the entries: each must be the one of which the log tells last, and none may have let anybody in of which
//! it never told.

use std::collections::BTreeMap;

use ecluse_recordings::log::Entry;
use ecluse_recordings::neutralise;
use ecluse_recordings::verify::Verdict;

use super::verify::Findings;
use crate::audit::{AuditKind, AuditVerdict, CODE_STEP, SECRET, SECRETS_TOLD};
use crate::store::{SEALED, SealedValue};

/// Whose secret, or which.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    /// Of a person.
    Person(String),
    /// Of an account of a target.
    Account(String, String),
    /// The gateway's own, by its name.
    Key(String),
}

impl Of {
    /// As an entry names it that tells of it again.
    pub(super) fn named(text: &str) -> Option<Self> {
        if let Some(person) = text.strip_prefix("enrolment of ") {
            return Some(Self::Person(person.to_owned()));
        }
        let (account, target) = text.strip_prefix("credential of ")?.rsplit_once('@')?;
        Some(Self::Account(target.to_owned(), account.to_owned()))
    }

    /// The one that stands in a row.
    pub(super) fn found(found: &SealedValue) -> Self {
        match found.table {
            "enrolments" => Self::Person(found.row.clone()),
            "credentials" => {
                let mut parts = found.row.split(' ').map(str::to_owned);
                let both = (parts.next(), parts.next());
                Self::Account(both.0.unwrap_or_default(), both.1.unwrap_or_default())
            }
            _ => Self::Key(found.row.clone()),
        }
    }
}

/// With which entry a code was accepted, of which event, and when.
type Accepted = (u64, Option<String>, i64);

/// What the entries say of them.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// The digest of each, by the last entry that sets it.
    sealed: BTreeMap<Of, (u64, Option<String>)>,
    /// Those of which the last word is that they are in force no more, said again when its entry was destroyed.
    ended: BTreeMap<Of, u64>,
    /// The first log-on by a code of each person.
    log_ons: BTreeMap<String, u64>,
    /// The codes that were accepted of each person since their second factor was set, by their steps: with which entry, of which event
    /// and when.
    codes: BTreeMap<String, BTreeMap<u64, Accepted>>,
    /// Those that were accepted twice: whose, and with which entries.
    twice: Vec<(String, u64, u64)>,
    /// Whether the log tells of each, whatever retention took.
    tells: bool,
    /// The last removal by a program that did not say again what it took the last words of.
    unsaid: u64,
}

impl Secrets {
    /// Takes in an entry. Entries come in their order.
    pub(super) fn see(&mut self, entry: &Entry, kind: AuditKind) {
        self.tells |= entry.detail.contains_key(SECRETS_TOLD);
        if kind == AuditKind::EntriesDestroyed && !entry.detail.contains_key(SECRETS_TOLD) {
            self.unsaid = entry.seq;
        }
        self.code(entry, kind);
        let person = || Some(Of::Person(entry.person.clone()?));
        let account = || {
            let account = entry.detail_text("account")?;
            Some(Of::Account(entry.target.clone()?, account.to_owned()))
        };
        let is_key = kind == AuditKind::KeyMade
            && entry
                .detail_text("source")
                .is_none_or(|source| source == "store");
        let of = if kind == AuditKind::Enrolment {
            person()
        } else if kind == AuditKind::CredentialSet {
            account()
        } else if is_key {
            entry.detail_text("key").map(|key| Of::Key(key.to_owned()))
        } else if kind == AuditKind::Bound && entry.detail_text(SECRET).is_some() {
            // As it was found, or once more; without a digest, that it is in force no more.
            entry.detail_text(SECRET).and_then(Of::named)
        } else {
            if kind == AuditKind::LogOn
                && entry.detail.contains_key(CODE_STEP)
                && let Some(person) = &entry.person
            {
                self.log_ons.entry(person.clone()).or_insert(entry.seq);
            }
            None
        };
        let Some(of) = of else { return };
        let digest = entry.detail_text(SEALED).map(str::to_owned);
        if kind == AuditKind::Bound && digest.is_none() {
            self.sealed.remove(&of);
            self.ended.insert(of, entry.seq);
        } else {
            self.ended.remove(&of);
            self.sealed.insert(of, (entry.seq, digest));
        }
    }

    /// A code that was accepted. One event is an entry in each trail that it concerns.
    fn code(&mut self, entry: &Entry, kind: AuditKind) {
        let Some(person) = &entry.person else { return };
        let is_same = |(_, event, at): &Accepted| {
            *at == entry.at_us || event.is_some() && *event == entry.event
        };
        let codes = self.codes.entry(person.clone()).or_default();
        if kind == AuditKind::Enrolment {
            // The codes of another secret are others.
            codes.retain(|_, accepted| is_same(accepted));
        }
        let is_refused = entry.verdict.as_deref() == Some(AuditVerdict::Refuse.name());
        let step = entry.detail_number(CODE_STEP).filter(|_| !is_refused);
        let Some(step) = step else { return };
        let accepted = (entry.seq, entry.event.clone(), entry.at_us);
        if let Some(before) = codes.insert(step, accepted)
            && !is_same(&before)
        {
            self.twice.push((person.clone(), before.0, entry.seq));
        }
    }

    /// Names codes that were accepted twice.
    pub(super) fn codes_twice(&self, findings: &mut Findings) {
        for (person, before, seq) in &self.twice {
            let person = neutralise(person);
            findings.add(
                Verdict::Missing,
                format!("one code of {person} was accepted twice, with entry {before} and with entry {seq}: the words of the first were not there for whoever accepted the second"),
            );
        }
    }

    /// Whether any entry with words tells of it.
    pub(super) fn has(&self, of: &Of) -> bool {
        self.sealed.contains_key(of) || self.ended.contains_key(of)
    }

    /// Those that an entry with words sets, or says again.
    pub(super) fn set(&self) -> impl Iterator<Item = &Of> {
        self.sealed.keys()
    }

    /// The last entry that sets one, or says it again.
    pub(super) fn place(&self, of: &Of) -> Option<u64> {
        self.sealed.get(of).map(|(seq, _)| *seq)
    }

    /// Whether the log would tell that one which it has in force ended since; none where it has none in force.
    pub(super) fn tells_end(&self, of: &Of) -> Option<bool> {
        Some(self.place(of)? > self.unsaid)
    }

    /// Whether the log tells of each.
    pub(super) fn tells(&self) -> bool {
        self.tells
    }

    /// A row that is in force is named where the last word of it is that it is not.
    pub(super) fn in_force(&self, of: &Of, place: &str, findings: &mut Findings) {
        if let Some(seq) = self.ended.get(of) {
            findings.add(
                Verdict::Altered,
                format!("{place} is in force in the table, and is not by entry {seq}"),
            );
        }
    }

    /// Second factors by which somebody logged on, and of which no entry tells.
    pub(super) fn untold(&self) -> impl Iterator<Item = String> {
        let log_ons = self.log_ons.iter();
        let untold = log_ons.filter(|(person, _)| !self.has(&Of::Person((*person).clone())));
        untold.map(|(person, seq)| {
            let person = neutralise(person);
            format!("the second factor with which {person} logged on in entry {seq}")
        })
    }

    /// Whether the last word of it, said again, is that it is in force no more.
    pub(super) fn is_ended(&self, of: &Of) -> bool {
        self.ended.contains_key(of)
    }

    /// Compares them with what the store holds.
    pub(super) fn compare(&self, sealed: &[SealedValue], findings: &mut Findings) {
        for found in sealed {
            let place = format!(
                "the sealed value of {} {}",
                found.table,
                neutralise(&found.row)
            );
            if !found.opens {
                findings.add(
                    Verdict::Altered,
                    format!("{place} does not open: it is another row's, or was altered"),
                );
            }
            match self.sealed.get(&Of::found(found)) {
                Some((seq, Some(digest))) if *digest != found.digest => findings.add(
                    Verdict::Altered,
                    format!("{place} was altered: it is not the one of entry {seq}"),
                ),
                Some((seq, None)) => findings.note(format!(
                    "{place} is from before entries had its digest: nothing tells whether it is the one of entry {seq}"
                )),
                Some(_) | None => {}
            }
        }
    }
}
