//! Documents against the log: what is in force is what the last entry about each says, and nothing else. A text that is
//! not closes its owner's door and touches nobody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ecluse_policy::documents::Closed;
use ecluse_policy::{ClientId, ProviderId};
use ecluse_recordings::bound as keys;

use super::super::documents::DocumentTexts;
use super::super::sql::{Row, values};
use super::super::{StoreError, Writing};
use super::said::Said;

/// The texts of the newest version, with its number.
pub(super) const IN_FORCE: &str = "SELECT version, file, text, salt, owner FROM document_texts \
     WHERE version = (SELECT MAX(version) FROM document_versions)";
pub(super) const VERSION: &str =
    "SELECT COALESCE(MAX(version), 0) AS version FROM document_versions";

/// One text as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentText {
    /// Its file.
    pub file: String,
    /// Its words.
    pub text: String,
    /// What is hashed before them; none for one from before there were digests.
    pub salt: Option<String>,
    /// Whose it is, as the row says.
    pub owner: Option<String>,
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Its text is not the one that was put in force.
    Altered,
    /// It is in force, and the newest version has no text of it.
    Missing,
    /// A text that nobody put in force.
    Planted,
    /// Any of them, or none: words of the log are not there that may say so. It counts for nothing, and accuses nobody.
    Unknown,
}

/// A document in the store that the log contradicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFault {
    /// Whose: `client ID` or `provider ID`; for what was planted, what it claims.
    pub owner: String,
    /// The file, where there is one.
    pub file: Option<String>,
    /// What is wrong.
    pub what: Wrong,
    /// Since which version the right text is in force; 0 where there is none.
    pub since: u64,
    /// The digest of what was found.
    pub(super) found: String,
}

impl DocumentFault {
    /// Whose client's matter it is.
    pub fn client(&self) -> Option<ClientId> {
        ClientId::parse(self.owner.strip_prefix("client ")?).ok()
    }

    fn provider(&self) -> Option<ProviderId> {
        ProviderId::parse(self.owner.strip_prefix("provider ")?).ok()
    }
}

impl fmt::Display for DocumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            owner, file, since, ..
        } = self;
        let file = file.as_deref().unwrap_or("its text");
        let door = if owner.starts_with("provider ") {
            "its technicians and stations are not let in"
        } else {
            "its door is closed"
        };
        match self.what {
            Wrong::Altered => write!(
                f,
                "{owner}: {file} is not the text that was put in force with version {since}: {door}"
            ),
            Wrong::Missing => write!(
                f,
                "{owner}: the text that was put in force with version {since} is not in the newest version: {door}"
            ),
            Wrong::Planted => write!(
                f,
                "{owner}: {file} is in the store, and nobody put it in force: it counts for nothing"
            ),
            Wrong::Unknown => write!(
                f,
                "{owner}: whether {file} is the text in force is not known, since words of the log are not there: {door}"
            ),
        }
    }
}

/// The newest version, compared with the log.
#[derive(Debug, Default)]
pub(in crate::store) struct Held {
    pub(in crate::store) version: u64,
    /// The number that the next version takes.
    pub(in crate::store) next: u64,
    /// Those that are right, by whose they are, with their digests.
    pub(super) sound: BTreeMap<String, (DocumentText, String)>,
    /// Those that are not.
    pub(super) unsound: Vec<DocumentText>,
    /// The digests that the log has of those in force.
    pub(super) wanted: BTreeMap<String, String>,
    pub(in crate::store) faults: Vec<DocumentFault>,
}

impl Held {
    /// The texts that a change to `next` is told against, and whose of them nobody knows: where the store has another text
    /// than the log, the next one stands for the right one if it is that, and what was found is no word of anybody's.
    pub(in crate::store) fn texts_before(
        &self,
        next: &DocumentTexts,
    ) -> (DocumentTexts, BTreeSet<String>) {
        let sound = self.sound.values().map(|(text, _)| text);
        let mut texts: DocumentTexts = sound
            .map(|text| (text.file.clone(), text.text.clone()))
            .collect();
        let mut unknown = BTreeSet::new();
        for held in &self.unsound {
            let owner = held.owner.clone().unwrap_or_default();
            let right = next.get(&held.file).filter(|next| {
                let put_back = DocumentText {
                    text: (*next).clone(),
                    ..held.clone()
                };
                self.wanted.get(&owner) == Some(&digest(&put_back))
            });
            match right {
                Some(right) => texts.insert(held.file.clone(), right.clone()),
                None => {
                    unknown.insert(owner);
                    texts.insert(held.file.clone(), held.text.clone())
                }
            };
        }
        (texts, unknown)
    }

    pub(super) fn made_of(&self) -> Vec<(String, String, String)> {
        let sound = self.sound.iter();
        sound
            .map(|(owner, (text, digest))| (owner.clone(), text.file.clone(), digest.clone()))
            .collect()
    }

    /// The salt of a text that stays as it is.
    pub(super) fn kept(&self, owner: &str, file: &str, text: &str) -> Option<&str> {
        let (held, _) = self.sound.get(owner)?;
        (held.file == file && held.text == text)
            .then_some(held.salt.as_deref())
            .flatten()
    }

    pub(super) fn compare(version: u64, rows: &[Row], said: &Said) -> Result<Self, StoreError> {
        let mut held = Self {
            version,
            next: version.max(said.version()) + 1,
            ..Self::default()
        };
        let in_force: BTreeMap<&str, _> = said
            .in_force()
            .map(|(owner, last, digest)| (owner, (last, digest)))
            .collect();
        held.wanted = in_force
            .iter()
            .map(|(owner, (_, digest))| ((*owner).to_owned(), (*digest).to_owned()))
            .collect();
        let mut wrong = Vec::new();
        for row in rows {
            let text = document_text(row)?;
            let digest = digest(&text);
            let owner = text.owner.clone().unwrap_or_default();
            let right = in_force.get(owner.as_str()).is_some_and(|(last, wanted)| {
                // The file says what the text is read as.
                let file = last.file.as_ref();
                *wanted == digest && file.is_none_or(|file| *file == text.file)
            });
            if right && !held.sound.contains_key(&owner) {
                held.sound.insert(owner, (text, digest));
            } else {
                wrong.push((owner, text, digest));
            }
        }
        let mut accused = BTreeSet::new();
        for (owner, text, digest) in wrong {
            let known = in_force.get(owner.as_str());
            let altered = known.is_some() && !held.sound.contains_key(&owner);
            let claimed = if owner.is_empty() {
                text.file.clone()
            } else {
                owner.clone()
            };
            held.faults.push(DocumentFault {
                owner: claimed,
                file: Some(text.file.clone()),
                what: if altered {
                    Wrong::Altered
                } else {
                    Wrong::Planted
                },
                since: known.map_or(0, |(last, _)| last.version),
                found: digest,
            });
            if altered {
                accused.insert(owner);
            }
            held.unsound.push(text);
        }
        for (owner, (last, _)) in in_force {
            if !held.sound.contains_key(owner) && !accused.contains(owner) {
                held.faults.push(DocumentFault {
                    owner: owner.to_owned(),
                    file: None,
                    what: Wrong::Missing,
                    since: last.version,
                    found: format!("nothing in version {version}"),
                });
            }
        }
        for fault in &mut held.faults {
            // Beside the right text, another is nobody's.
            let is_known = held.sound.contains_key(&fault.owner);
            if !is_known && said.owes_after(said.last_document(&fault.owner)) {
                fault.what = Wrong::Unknown;
            }
        }
        Ok(held)
    }

    pub(super) fn closed(&self) -> Closed {
        let closing = || {
            let faults = self.faults.iter();
            faults.filter(|fault| fault.what != Wrong::Planted)
        };
        Closed {
            clients: closing().filter_map(DocumentFault::client).collect(),
            providers: closing().filter_map(DocumentFault::provider).collect(),
        }
    }
}

pub(super) fn digest(text: &DocumentText) -> String {
    match &text.salt {
        Some(salt) => keys::digest(salt, text.text.as_bytes()),
        // No salt is no salt of an entry.
        None => String::new(),
    }
}

pub(in crate::store) fn document_text(row: &Row) -> Result<DocumentText, StoreError> {
    Ok(DocumentText {
        file: row.text("file")?,
        text: row.text("text")?,
        salt: row.text_or_none("salt")?,
        owner: row.text_or_none("owner")?,
    })
}

/// The newest version as a change sees it.
pub(in crate::store) async fn held_in(change: &mut Writing) -> Result<Held, StoreError> {
    change.follow().await?;
    let version = version(change.tx.row(VERSION, values![]).await?)?;
    let rows = change.tx.rows(IN_FORCE, values![]).await?;
    // A version that was taken away may have left texts.
    let most = "SELECT COALESCE(MAX(version), 0) AS version FROM document_texts";
    let most = self::version(change.tx.row(most, values![]).await?)?;
    let mut held = Held::compare(version, &rows, &change.said())?;
    held.next = held.next.max(most + 1);
    Ok(held)
}

pub(super) fn version(row: Option<Row>) -> Result<u64, StoreError> {
    row.map_or(Ok(0), |row| row.count("version"))
}
