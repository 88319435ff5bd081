//! The last word of the log about each sealed secret that lets somebody in: a person's second factor, a target's credential.
//!
//! An older row opens as well as the one that replaced it, since it was sealed for the same place. So a door believes a row
//! only where it is the one of which the log tells last (`adr/0034-a-door-believes-the-last-word.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ecluse_policy::{AccountName, Documents, PersonId, Span, TargetId, Timestamp};
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::log::Entry;

use super::super::StoreError;
use super::super::tables::SEALED;
use super::said::Said;
use crate::audit::{AuditKind, AuditRecord, SECRET, SECRETS_TOLD};

/// The detail of an entry that tells of a row which is not the one on record: its digest.
const FOUND: &str = "found-sha256";
/// What stands there where there is no row, or one that is not in force.
const NONE: &str = "none";
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

/// What the log makes of a row, or of there being none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(in crate::store) enum Row {
    /// It is the one that was set last, or none is; or the log does not yet tell of each.
    Believed,
    /// It is another than this entry tells of, or is disabled by it, or is not there. No entry, of which the place is 0, tells of it.
    Other { seq: u64 },
    /// The words of this entry, which are the last, are not there or do not hold, or there may be later ones: nothing tells which row is right.
    Unknown { seq: u64 },
}

/// What is known of each.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets {
    all: BTreeMap<Secret, Of>,
    /// Whether the log tells of each: from then on a row of which it does not is nobody's.
    tells: bool,
}

/// What is known of one.
#[derive(Debug, Clone, Default)]
struct Of {
    /// What was said of it, by the place of the entry.
    words: BTreeMap<u64, Word>,
    /// What was found in its place, on record, and when.
    told: Option<(u64, String, i64)>,
}

/// What an entry says of the sealed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// That it was set, and not to what: it is from before entries had the digest.
    Set,
    Digest(String),
    /// It does not hold.
    Broken,
    /// That it was taken away, or disabled.
    Ended,
}

impl Secret {
    /// As [`fmt::Display`] writes it.
    fn parse(text: &str) -> Option<Self> {
        if let Some(person) = text.strip_prefix("enrolment of ") {
            return PersonId::parse(person).ok().map(Self::Enrolment);
        }
        let (account, target) = text.strip_prefix("credential of ")?.rsplit_once('@')?;
        let target = TargetId::parse(target).ok()?;
        let account = AccountName::parse(account).ok()?;
        Some(Self::Credential(target, account))
    }

    /// The one that an entry is about, if it is about one.
    fn of(entry: &Entry, kind: AuditKind) -> Option<Self> {
        if matches!(kind, AuditKind::Enrolment | AuditKind::EnrolmentDisabled) {
            let person = entry.person.as_deref()?;
            return PersonId::parse(person).ok().map(Self::Enrolment);
        }
        if kind == AuditKind::CredentialSet {
            let target = TargetId::parse(entry.target.as_deref()?).ok()?;
            let account = AccountName::parse(entry.detail_text("account")?).ok()?;
            return Some(Self::Credential(target, account));
        }
        // In a trail of nobody it names no target beside it.
        let says = matches!(kind, AuditKind::NotOnRecord | AuditKind::Bound);
        Self::parse(entry.detail_text(SECRET).filter(|_| says)?)
    }

    /// A record about it.
    pub(super) fn named_in(&self, record: AuditRecord) -> AuditRecord {
        let record = record.detail(SECRET, self.to_string());
        match self {
            Self::Enrolment(person) => record.person(person),
            Self::Credential(target, account) => {
                record.target(target).detail("account", account.as_str())
            }
        }
    }
}

impl Secrets {
    /// Takes in an entry. In whatever order they come, what is known in the end is what their places make of it.
    pub(super) fn see(&mut self, seq: u64, entry: &Entry, sound: bool) {
        self.tells |= sound && entry.detail.contains_key(SECRETS_TOLD);
        let Some(kind) = AuditKind::parse(&entry.kind) else {
            return;
        };
        let Some(of) = Secret::of(entry, kind) else {
            return;
        };
        let of = self.all.entry(of).or_default();
        if kind == AuditKind::NotOnRecord {
            let is_later = of.told.as_ref().is_none_or(|(told, ..)| *told < seq);
            if let Some(found) = entry.detail_text(FOUND).filter(|_| sound && is_later) {
                of.told = Some((seq, found.to_owned(), entry.at_us));
            }
            return;
        }
        let is_set = if kind == AuditKind::CredentialSet {
            // One that was removed is told by an entry of the same kind, which names none.
            let set = entry.detail_text("credential");
            set.is_some_and(|set| !set.is_empty())
        } else if kind == AuditKind::Bound {
            entry.detail_text(SEALED).is_some()
        } else {
            kind == AuditKind::Enrolment
        };
        let word = match (is_set, sound, entry.detail_text(SEALED)) {
            (true, true, Some(digest)) => Word::Digest(digest.to_owned()),
            (true, true, None) => Word::Set,
            (true, false, _) => Word::Broken,
            (false, true, _) => Word::Ended,
            (false, false, _) => return,
        };
        of.words.insert(seq, word);
    }

    /// The last word about one.
    pub(super) fn last(&self, of: &Secret) -> Option<(u64, &Word)> {
        let (seq, word) = self.all.get(of)?.words.last_key_value()?;
        Some((*seq, word))
    }

    /// Each of which there is a word, with all of them.
    pub(super) fn words(&self) -> impl Iterator<Item = (&Secret, &BTreeMap<u64, Word>)> {
        self.all.iter().map(|(secret, of)| (secret, &of.words))
    }

    /// Whether the log tells of each.
    pub(super) fn tells(&self) -> bool {
        self.tells
    }

    fn row(&self, of: &Secret, sealed: Option<&[u8]>) -> Row {
        let (seq, word) = match (self.last(of), sealed) {
            (Some(last), _) => last,
            (None, Some(_)) if self.tells => return Row::Other { seq: 0 },
            (None, _) => return Row::Believed,
        };
        match (word, sealed) {
            (Word::Broken, _) => Row::Unknown { seq },
            (Word::Ended, None) => Row::Believed,
            (Word::Digest(digest), Some(sealed)) if *digest == sha256_hex(sealed) => Row::Believed,
            (Word::Set, Some(_)) if !self.tells => Row::Believed,
            (Word::Set | Word::Digest(_) | Word::Ended, _) => Row::Other { seq },
        }
    }

    fn is_told(&self, of: &Secret, found: &str, at: Timestamp) -> bool {
        let told = self.all.get(of);
        let told = told.and_then(|of| of.told.as_ref());
        told.is_some_and(|(_, told, since)| {
            told == found && Timestamp::from_micros(*since).plus(TOLD_FOR) > at
        })
    }
}

impl Said {
    /// What the log makes of a row that is in force, by its sealed value; or of there being none.
    pub(in crate::store) fn secret_row(&self, of: &Secret, sealed: Option<&[u8]>) -> Row {
        match self.secrets.row(of, sealed) {
            // What a later entry says, whose words are not there just now, is not known: perhaps it is this row's.
            Row::Other { seq } if self.owes_after(seq) => Row::Unknown { seq },
            // Nor whether the log tells of each. Where retention took words before it did, they are gone for good.
            Row::Believed
                if sealed.is_some()
                    && !self.secrets.tells()
                    && self.secrets.last(of).is_none()
                    && self.destructions.is_empty()
                    && self.owes_after(0) =>
            {
                Row::Unknown { seq: 0 }
            }
            // So it is where nothing tells what they take: perhaps it was replaced, or its person was blocked.
            Row::Believed => {
                let last = self.secrets.last(of).map_or(0, |(seq, _)| seq);
                match self.may_be_taken_after(last) {
                    Some(seq) => Row::Unknown { seq },
                    None => Row::Believed,
                }
            }
            row @ (Row::Other { .. } | Row::Unknown { .. }) => row,
        }
    }

    /// Whether this sealed value is what the last word sets, and it was not taken away since.
    pub(in crate::store) fn is_set_to(&self, of: &Secret, sealed: &[u8]) -> bool {
        let last = self.secrets.last(of);
        last.is_some_and(|(_, word)| *word == Word::Digest(sha256_hex(sealed)))
    }

    /// Whether the log has it in force, whatever its row says.
    pub(in crate::store) fn is_in_force(&self, of: &Secret) -> bool {
        let last = self.secrets.last(of);
        last.is_some_and(|(_, word)| *word != Word::Ended)
    }

    /// Whether the log tells of a second factor of this person, in force or not.
    pub(in crate::store) fn has_had(&self, person: &PersonId) -> bool {
        let of = Secret::Enrolment(person.clone());
        self.secrets.last(&of).is_some()
    }

    /// Who has a second factor in force by the log; and of those in the documents whoever may have one, by words that are not there.
    pub(in crate::store) fn enrolled(&self, documents: &Documents) -> BTreeSet<PersonId> {
        let told = self.secrets.words().filter_map(|(secret, _)| match secret {
            Secret::Enrolment(person) if self.is_in_force(secret) => Some(person.clone()),
            Secret::Enrolment(_) | Secret::Credential(..) => None,
        });
        let may_be = documents.people().filter(|person| {
            let of = Secret::Enrolment(person.id().clone());
            let last = self.secrets.last(&of).map_or(0, |(seq, _)| seq);
            self.owes_after(last)
        });
        told.chain(may_be.map(|person| person.id().clone()))
            .collect()
    }

    /// That a row is not the one on record, to be put there: once for what was found.
    pub(in crate::store) fn secret_fault(
        &self,
        of: &Secret,
        sealed: Option<&[u8]>,
        at: Timestamp,
    ) -> Option<AuditRecord> {
        let Row::Other { seq } = self.secret_row(of, sealed) else {
            return None;
        };
        let found = sealed.map_or_else(|| NONE.to_owned(), sha256_hex);
        if self.secrets.is_told(of, &found, at) {
            return None;
        }
        tracing::error!(
            "the {of} in the store is not the one on record, and opens nothing; find out who changed the store: ecluse journal verify"
        );
        let why = match (seq, sealed) {
            (0, _) => format!(
                "no entry tells of the {of} in the store: somebody put it there, and it opens nothing"
            ),
            (_, Some(_)) => format!(
                "the {of} in the store is not the one that entry {seq} tells of: somebody put it there, and it opens nothing"
            ),
            (_, None) => format!(
                "the {of} that entry {seq} tells of is not in the store: somebody took it away, or disabled it there"
            ),
        };
        let record = AuditRecord::new(AuditKind::NotOnRecord, at)
            .refused()
            .reason(why)
            .detail("entry", seq)
            .detail(FOUND, found);
        Some(of.named_in(record))
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
