//! The last word of the log about each sealed secret that lets somebody in: a person's second factor, a target's credential.
//!
//! An older row opens as well as the one that replaced it, since it was sealed for the same place. So a door believes a row
//! only where it is the one of which the log tells last (`adr/0034-a-door-believes-the-last-word.md`).

use std::collections::BTreeMap;
use std::fmt;

use ecluse_policy::{AccountName, PersonId, Span, TargetId, Timestamp};
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::log::Entry;

use super::super::StoreError;
use super::super::tables::SEALED;
use super::said::Said;
use crate::audit::{AuditKind, AuditRecord, SECRET};

/// The detail of an entry that tells of a row which is not the one on record: its digest.
const FOUND: &str = "found-sha256";
/// After so long the same row is told again: it was put back once more, or is there still. Alerts last as long.
const TOLD_FOR: Span = Span::from_hours(7 * 24);

/// Which secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) enum Secret {
    /// With which a person's one-time codes are checked.
    Enrolment(PersonId),
    /// With which the gateway logs on to an account of a target.
    Credential(TargetId, AccountName),
}

/// As the entries name it, and as people read it.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enrolment(person) => write!(f, "enrolment of {person}"),
            Self::Credential(target, account) => write!(f, "credential of {account}@{target}"),
        }
    }
}

/// What the log makes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(in crate::store) enum Row {
    /// It is the one that was set last; or no entry has its digest, as from before entries had it.
    Believed,
    /// It is another than this entry tells of, or is disabled by it.
    Other { seq: u64 },
    /// The words of this entry, which are the last or may be, are not there or do not hold: nothing tells which row is right.
    Unknown { seq: u64 },
}

/// What is known of each, by its name.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets(BTreeMap<String, Last>);

/// The last words about one.
#[derive(Debug, Clone, Default)]
struct Last {
    /// The last entry that sets it.
    set: u64,
    word: Word,
    /// The last entry that takes it away.
    ended: u64,
    /// What was found in its place, on record, and when.
    told: Option<(u64, String, i64)>,
}

/// What an entry says of the sealed value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Word {
    /// Nothing: it is from before entries had the digest.
    #[default]
    None,
    Digest(String),
    /// It does not hold.
    Broken,
}

impl Secrets {
    /// Takes in an entry. In whatever order they come, what is known in the end is what their places make of it.
    pub(super) fn see(&mut self, seq: u64, entry: &Entry, sound: bool) {
        let Some(kind) = AuditKind::parse(&entry.kind) else {
            return;
        };
        let is_enrolment = kind == AuditKind::Enrolment;
        if is_enrolment || kind == AuditKind::EnrolmentDisabled {
            let person = entry.person.as_deref().map(PersonId::parse);
            if let Some(Ok(person)) = person {
                self.is(&Secret::Enrolment(person), seq, entry, is_enrolment, sound);
            }
        } else if kind == AuditKind::CredentialSet {
            let target = entry.target.as_deref().map(TargetId::parse);
            let account = entry.detail_text("account").map(AccountName::parse);
            if let (Some(Ok(target)), Some(Ok(account))) = (target, account) {
                // One that was removed is told by an entry of the same kind, which names none.
                let set = entry.detail_text("credential");
                let is_set = set.is_some_and(|set| !set.is_empty());
                let secret = Secret::Credential(target, account);
                self.is(&secret, seq, entry, is_set, sound);
            }
        } else if kind == AuditKind::NotOnRecord
            && sound
            && let (Some(of), Some(found)) = (entry.detail_text(SECRET), entry.detail_text(FOUND))
        {
            let last = self.0.entry(of.to_owned()).or_default();
            if last.told.as_ref().is_none_or(|(told, ..)| *told < seq) {
                last.told = Some((seq, found.to_owned(), entry.at_us));
            }
        }
    }

    fn is(&mut self, of: &Secret, seq: u64, entry: &Entry, is_set: bool, sound: bool) {
        let last = self.0.entry(of.to_string()).or_default();
        if is_set && seq > last.set {
            last.set = seq;
            last.word = match entry.detail_text(SEALED) {
                _ if !sound => Word::Broken,
                Some(digest) => Word::Digest(digest.to_owned()),
                None => Word::None,
            };
        } else if !is_set && sound {
            last.ended = last.ended.max(seq);
        }
    }

    fn row(&self, of: &Secret, sealed: &[u8]) -> Row {
        let Some(last) = self.0.get(&of.to_string()) else {
            return Row::Believed;
        };
        if last.ended > last.set {
            return Row::Other { seq: last.ended };
        }
        let seq = last.set;
        match &last.word {
            Word::None => Row::Believed,
            Word::Digest(digest) if *digest == sha256_hex(sealed) => Row::Believed,
            Word::Digest(_) => Row::Other { seq },
            Word::Broken => Row::Unknown { seq },
        }
    }

    /// The last entry that sets one.
    fn last(&self, of: &Secret) -> u64 {
        let last = self.0.get(&of.to_string());
        last.map_or(0, |last| last.set)
    }

    fn is_told(&self, of: &Secret, found: &str, at: Timestamp) -> bool {
        let told = self.0.get(&of.to_string());
        let told = told.and_then(|last| last.told.as_ref());
        told.is_some_and(|(_, told, since)| {
            told == found && Timestamp::from_micros(*since).plus(TOLD_FOR) > at
        })
    }
}

impl Said {
    /// What the log makes of a row that is in force, by its sealed value.
    pub(in crate::store) fn secret_row(&self, of: &Secret, sealed: &[u8]) -> Row {
        match self.secrets.row(of, sealed) {
            // What a later entry says, whose words are not there just now, is not known: perhaps it is this row's.
            Row::Other { seq } if self.owes_after(seq) => Row::Unknown { seq },
            // So it is where nothing tells what they take: perhaps it was replaced, or its person was blocked.
            Row::Believed => match self.may_be_taken_after(self.secrets.last(of)) {
                Some(seq) => Row::Unknown { seq },
                None => Row::Believed,
            },
            row @ (Row::Other { .. } | Row::Unknown { .. }) => row,
        }
    }

    /// That a row is not the one on record, to be put there: once for what was found.
    pub(in crate::store) fn secret_fault(
        &self,
        of: &Secret,
        sealed: &[u8],
        at: Timestamp,
    ) -> Option<AuditRecord> {
        let Row::Other { seq } = self.secret_row(of, sealed) else {
            return None;
        };
        let found = sha256_hex(sealed);
        if self.secrets.is_told(of, &found, at) {
            return None;
        }
        tracing::error!(
            "the {of} in the store is not the one on record, and opens nothing; find out who changed the store: ecluse journal verify"
        );
        let record = AuditRecord::new(AuditKind::NotOnRecord, at)
            .refused()
            .reason(format!("the {of} in the store is not the one that entry {seq} tells of: somebody put it there, and it opens nothing"))
            .detail(SECRET, of.to_string())
            .detail("entry", seq)
            .detail(FOUND, found);
        Some(match of {
            Secret::Enrolment(person) => record.person(person),
            Secret::Credential(target, account) => {
                record.target(target).detail("account", account.as_str())
            }
        })
    }
}

impl Row {
    /// That it opens nothing, where it does not.
    pub(in crate::store) fn believed(self, of: &Secret) -> Result<(), StoreError> {
        let secret = of.to_string();
        match self {
            Self::Believed => Ok(()),
            Self::Other { seq } => Err(StoreError::NotOnRecord { secret, seq }),
            Self::Unknown { seq } => Err(StoreError::NotReadable { secret, seq }),
        }
    }
}
