//! The rule of seals, for whoever compares recordings with the journal, far from the gateway or beside it: the first
//! seal stands, because nobody had reason to change it yet. What was sealed as a journal may be turned into files, by who
//! has its key; no other seal takes the place of an earlier one.

use crate::log::Entry;

/// A seal that is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The entry that tells of it.
    pub seq: u64,
    /// SHA-256 of the manifest, hexadecimal.
    pub manifest_sha256: String,
    /// `files` or `journal`.
    pub form: String,
}

/// What a further seal is beside those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Further {
    /// The first one.
    First,
    /// The same once more.
    Again,
    /// The recording, sealed as a journal, was turned into files: this one stands from here on.
    Converted,
    /// Another, which changes nothing: the one of this entry stands.
    Other {
        /// The entry of the seal that stands.
        than: u64,
    },
}

/// The seals of one recording, as the journal tells of them, in its order.
#[derive(Clone, Debug, Default)]
pub struct Seals {
    standing: Option<Seal>,
}

impl Seal {
    /// The seal that an entry tells of.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self::told(entry.seq, |name| entry.detail_text(name))
    }

    /// The seal of entry `seq`, by the details of that entry.
    pub fn told<'e>(seq: u64, detail: impl Fn(&str) -> Option<&'e str>) -> Self {
        let text = |name| detail(name).unwrap_or_default().to_owned();
        Self {
            seq,
            manifest_sha256: text("manifest-sha256"),
            form: text("form"),
        }
    }

    /// Whether it may stand in the place of an earlier one.
    #[must_use]
    pub fn replaces(&self, earlier: &Seal) -> bool {
        (earlier.form.as_str(), self.form.as_str()) == ("journal", "files")
    }
}

impl Seals {
    /// The one that stands.
    #[must_use]
    pub fn standing(&self) -> Option<&Seal> {
        self.standing.as_ref()
    }

    /// Takes the next seal that the journal tells of.
    pub fn take(&mut self, seal: Seal) -> Further {
        let further = match &self.standing {
            None => Further::First,
            Some(stands) if stands.manifest_sha256 == seal.manifest_sha256 => {
                return Further::Again;
            }
            Some(stands) if seal.replaces(stands) => Further::Converted,
            Some(stands) => return Further::Other { than: stands.seq },
        };
        self.standing = Some(seal);
        further
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(seq: u64, manifest: &str, form: &str) -> Seal {
        Seal {
            seq,
            manifest_sha256: manifest.to_owned(),
            form: form.to_owned(),
        }
    }

    /// R3: whoever seals a second time changes nothing.
    #[test]
    fn the_first_seal_stands_and_only_a_journal_becomes_files() {
        let mut seals = Seals::default();
        assert_eq!(seals.take(seal(3, "a", "files")), Further::First);
        assert_eq!(seals.take(seal(4, "a", "files")), Further::Again);
        assert_eq!(
            seals.take(seal(5, "b", "files")),
            Further::Other { than: 3 }
        );
        assert_eq!(
            seals.take(seal(6, "c", "journal")),
            Further::Other { than: 3 }
        );
        assert_eq!(seals.standing().unwrap().seq, 3);

        let mut seals = Seals::default();
        assert_eq!(seals.take(seal(3, "a", "journal")), Further::First);
        assert_eq!(seals.take(seal(4, "b", "files")), Further::Converted);
        assert_eq!(
            seals.take(seal(5, "c", "files")),
            Further::Other { than: 4 }
        );
        assert_eq!(seals.standing().unwrap().seq, 4);
    }
}
