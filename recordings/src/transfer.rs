//! The log of what was done with files on a channel: one entry for each file, directory and change, made as it ends.
//!
//! The bytes themselves are in the streams of the channel; an entry says what they were, by the paths where it was done.

use crate::bundle::Language;
use crate::{Bytes, spelled};
use serde::{Deserialize, Serialize};

/// One thing that was done with files, or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileEntry {
    /// What was asked.
    pub operation: FileOperation,
    /// Where, as the target itself spells it; as it was typed where nobody knows where that leads.
    pub path: Bytes,
    /// The other path: where a rename goes, where a link points, what a copy becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Bytes>,
    /// The paths as the technician's client wrote them, where that was otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub typed: Vec<Bytes>,
    /// How it ended.
    pub outcome: FileOutcome,
    /// The target's status, where it did not do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
    /// Why it was refused or ended, as the technician read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What passed to the technician.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<FilePart>,
    /// What passed to the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<FilePart>,
    /// The size of the file, where it is known: as it was opened, or as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Entries of a directory that were listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// SHA-256 of the whole file, hexadecimal, where the whole of it passed in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// How long it took. **Unit**: microseconds.
    pub took_us: u64,
}

/// What was asked of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileOperation {
    /// To read a file.
    Read,
    /// To write a file.
    Write,
    /// Both.
    ReadWrite,
    /// To list a directory.
    List,
    /// To look at attributes, at where a link points, or at a canonical path.
    Look,
    /// To set attributes.
    Attributes,
    /// To remove a file or a link.
    Remove,
    /// To remove a directory.
    RemoveDirectory,
    /// To make a directory.
    MakeDirectory,
    /// To rename.
    Rename,
    /// To make a symbolic link.
    Symlink,
    /// To give a file a second name.
    Hardlink,
    /// To copy on the target.
    Copy,
    /// The names of users and groups.
    Names,
    /// To read what is below a path, by a program of the target's.
    ReadTree,
    /// To write there.
    WriteTree,
    /// Something whose path leads nobody knows where.
    Unknown,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileOutcome {
    /// As asked.
    Done,
    /// The target did not do it.
    Failed,
    /// It did not pass.
    Refused,
    /// It passed until the line that it needed was lost.
    Withdrawn,
    /// The channel ended before it did.
    Unfinished,
}

/// What passed of a file one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FilePart {
    /// Payload bytes; those that passed twice are counted twice.
    pub bytes: u64,
    /// How much of the file that is.
    pub extent: Extent,
}

/// How much of a file passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// Nothing.
    Nothing,
    /// All of it.
    Whole,
    /// One part.
    Partial,
    /// Several parts, with holes between them, or not in a way that can be told.
    Sparse,
    /// The stream of a program: the bytes are its protocol's, and how much of which file they are nobody can tell.
    Stream,
}

impl FileEntry {
    /// On one line, for people; a stranger's bytes are escaped.
    #[must_use]
    pub fn line(&self, language: Language) -> String {
        let french = language == Language::French;
        let pick = |fr: &'static str, en: &'static str| if french { fr } else { en };
        let mut line = format!("{} {}", self.operation.word(french), spelled(&self.path));
        if let Some(to) = &self.to {
            line.push_str(&format!(" → {}", spelled(to)));
        }
        if !self.typed.is_empty() {
            let typed: Vec<String> = self.typed.iter().map(spelled).collect();
            line.push_str(&format!(
                " ({} {})",
                pick("écrit", "typed"),
                typed.join(", ")
            ));
        }
        let mut parts = Vec::new();
        for (part, way) in [(&self.read, '↓'), (&self.written, '↑')] {
            if let Some(FilePart { bytes, extent }) = part {
                let of = match self.size {
                    Some(size) if *extent != Extent::Whole => format!("/{size}"),
                    Some(_) | None => String::new(),
                };
                let unit = pick("octets", "bytes");
                parts.push(format!("{way} {bytes}{of} {unit}, {}", extent.word(french)));
            }
        }
        if let Some(entries) = self.entries {
            parts.push(format!("{entries} {}", pick("entrées", "entries")));
        }
        if let Some(sha256) = &self.sha256 {
            parts.push(format!("sha256 {sha256}"));
        }
        let millis = self.took_us / 1_000;
        parts.push(format!("{}.{:03} s", millis / 1_000, millis % 1_000));
        let outcome = match (self.outcome, self.status) {
            (FileOutcome::Failed, Some(status)) => {
                format!(
                    "{} {status}",
                    pick("refusé par la cible, code", "failed on the target, status")
                )
            }
            (outcome, _) => outcome.word(french).to_owned(),
        };
        parts.push(outcome);
        line.push_str(&format!(" · {}", parts.join(" · ")));
        if let Some(because) = &self.because {
            line.push_str(&format!("{} {because}", pick("\u{a0}:", ":")));
        }
        crate::neutralise(line)
    }
}

impl FileOperation {
    /// All of them.
    pub(crate) const ALL: [Self; 15] = [
        Self::Read,
        Self::Write,
        Self::ReadWrite,
        Self::List,
        Self::Look,
        Self::Attributes,
        Self::Remove,
        Self::RemoveDirectory,
        Self::MakeDirectory,
        Self::Rename,
        Self::Symlink,
        Self::Hardlink,
        Self::Copy,
        Self::Names,
        Self::Unknown,
    ];

    /// What it is called.
    pub(crate) const fn word(self, french: bool) -> &'static str {
        let (fr, en) = match self {
            Self::Read => ("lecture", "read"),
            Self::Write => ("écriture", "write"),
            Self::ReadWrite => ("lecture et écriture", "read and write"),
            Self::List => ("liste", "list"),
            Self::Look => ("regard", "look"),
            Self::Attributes => ("attributs", "attributes"),
            Self::Remove => ("suppression", "remove"),
            Self::RemoveDirectory => ("suppression du répertoire", "remove directory"),
            Self::MakeDirectory => ("création du répertoire", "make directory"),
            Self::Rename => ("renommage", "rename"),
            Self::Symlink => ("lien symbolique", "symbolic link"),
            Self::Hardlink => ("lien", "hard link"),
            Self::Copy => ("copie sur la cible", "copy on the target"),
            Self::Names => ("noms d’utilisateurs", "names of users"),
            Self::ReadTree => ("lecture de l’arborescence", "read tree"),
            Self::WriteTree => ("écriture de l’arborescence", "write tree"),
            Self::Unknown => ("demande", "request"),
        };
        if french { fr } else { en }
    }
}

impl FileOutcome {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::Done,
        Self::Failed,
        Self::Refused,
        Self::Withdrawn,
        Self::Unfinished,
    ];

    /// What it is called, without the status of a target.
    pub(crate) const fn word(self, french: bool) -> &'static str {
        let (fr, en) = match self {
            Self::Done => ("fait", "done"),
            Self::Failed => ("échec", "failed"),
            Self::Refused => ("refusé", "refused"),
            Self::Withdrawn => ("droit perdu en cours", "right lost meanwhile"),
            Self::Unfinished => ("inachevé", "unfinished"),
        };
        if french { fr } else { en }
    }
}

impl Extent {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Nothing, Self::Whole, Self::Partial, Self::Sparse];

    pub(crate) const fn word(self, french: bool) -> &'static str {
        let (fr, en) = match self {
            Self::Nothing => ("rien", "nothing"),
            Self::Whole => ("entier", "whole"),
            Self::Partial => ("une partie", "a part"),
            Self::Sparse => ("par morceaux", "in pieces"),
            Self::Stream => ("flux du programme", "stream of the program"),
        };
        if french { fr } else { en }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_harmless_line_in_the_readers_language_and_reads_back() {
        let entry = FileEntry {
            operation: FileOperation::Read,
            path: Bytes::from(&b"/srv/caf\xe9\x1b[2J"[..]),
            to: None,
            typed: vec![Bytes::from("log")],
            outcome: FileOutcome::Withdrawn,
            status: None,
            because: Some("the line is gone".into()),
            read: Some(FilePart {
                bytes: 10,
                extent: Extent::Partial,
            }),
            written: None,
            size: Some(40),
            entries: None,
            sha256: None,
            took_us: 1_234_567,
        };
        let english = entry.line(Language::English);
        assert!(
            english.contains("↓ 10/40 bytes, a part · 1.234 s"),
            "{english}"
        );
        assert!(english.ends_with("right lost meanwhile: the line is gone"));
        assert!(!english.contains('\u{1b}'));
        assert!(entry.line(Language::French).contains("une partie"));
        let json = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<FileEntry>(&json).unwrap(), entry);
    }
}
