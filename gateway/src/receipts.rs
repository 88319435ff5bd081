//! A numbered receipt of each file that passed, whole or in part: who sent, who received, when, what (P10, MJ 4.8).
//!
//! A receipt is an entry of the client's log, made of what the recording has of the file; its number is drawn in the change that
//! writes it, and so is without a gap for each client, whichever gateway carried it (`adr/0057-receipts-are-entries.md`).

use ecluse_policy::Timestamp;
use ecluse_recordings::transfer::{Extent, FilePart};
use ecluse_recordings::{FileEntry, FileOperation, FileOutcome};
use serde::{Deserialize, Serialize};

use crate::audit::{AuditKind, AuditRecord, StoredAuditRecord};

/// The detail with its number: written where that is drawn, and nowhere else.
pub(crate) const NUMBER: &str = "receipt";
const WAY: &str = "way";
const PATH: &str = "path";
const BYTES: &str = "bytes";
const SIZE: &str = "size";
const EXTENT: &str = "extent";
const DIGEST: &str = "sha256";
const OUTCOME: &str = "outcome";
const FROM: &str = "from";
const TO: &str = "to";
const PROTOCOL: &str = "protocol";
/// What a tree passed by, where that was rsync.
pub(crate) const RSYNC: &str = "rsync";
/// The same of git.
pub(crate) const GIT: &str = "git";

/// Which way a file passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    /// From the target to the technician.
    Out,
    /// From the technician to the target.
    In,
}

impl Way {
    pub(crate) const ALL: [Self; 2] = [Self::Out, Self::In];

    /// As it is on record, and as people type it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }

    /// The way of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }
}

/// The two ends of a transfer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends<'a> {
    /// The technician, with their provider.
    pub(crate) technician: &'a str,
    /// The account on the target, with whose that is.
    pub(crate) target: &'a str,
    /// What it passed by: `sftp`, `scp`.
    pub(crate) protocol: &'a str,
}

/// What is put on record of a file, one entry a way: none of what is no transfer, or of which nothing passed.
pub(crate) fn of(record: &AuditRecord, entry: &FileEntry, ends: Ends<'_>) -> Vec<AuditRecord> {
    let is_transfer = match entry.operation {
        FileOperation::Read
        | FileOperation::Write
        | FileOperation::ReadWrite
        | FileOperation::ReadTree
        | FileOperation::WriteTree => true,
        FileOperation::List
        | FileOperation::Look
        | FileOperation::Attributes
        | FileOperation::Remove
        | FileOperation::RemoveDirectory
        | FileOperation::MakeDirectory
        | FileOperation::Rename
        | FileOperation::Symlink
        | FileOperation::Hardlink
        | FileOperation::Copy
        | FileOperation::Names
        | FileOperation::Unknown => false,
    };
    let parts = [(Way::Out, entry.read), (Way::In, entry.written)];
    let parts = parts
        .into_iter()
        .filter_map(|(way, part)| Some((way, part?)));
    parts
        .filter(|_| is_transfer)
        .filter(|(_, part)| passed(part, entry.outcome))
        .map(|(way, part)| one(record, entry, way, part, ends))
        .collect()
}

/// Whether anything passed: an empty file that passed whole did.
fn passed(part: &FilePart, outcome: FileOutcome) -> bool {
    let is_done = outcome == FileOutcome::Done;
    part.bytes > 0 || is_done && matches!(part.extent, Extent::Whole | Extent::Stream)
}

fn one(
    record: &AuditRecord,
    entry: &FileEntry,
    way: Way,
    part: FilePart,
    ends: Ends<'_>,
) -> AuditRecord {
    let (from, to) = match way {
        Way::Out => (ends.target, ends.technician),
        Way::In => (ends.technician, ends.target),
    };
    let record = record
        .clone()
        .kind(AuditKind::Receipt)
        .detail(WAY, way.name())
        .whole(PATH, entry.path.as_ref())
        .detail(BYTES, part.bytes)
        .detail(EXTENT, extent(part.extent))
        .detail(OUTCOME, outcome(entry.outcome))
        .detail(FROM, from)
        .detail(TO, to)
        .detail(PROTOCOL, ends.protocol);
    let record = match entry.size {
        Some(size) => record.detail(SIZE, size),
        None => record,
    };
    // Of a file that was read and written both ways, it is of one of the two, and nobody can tell which.
    match &entry.sha256 {
        Some(digest) if entry.operation != FileOperation::ReadWrite => {
            record.detail(DIGEST, digest.as_str())
        }
        Some(_) | None => record,
    }
}

const fn extent(extent: Extent) -> &'static str {
    match extent {
        Extent::Nothing => "nothing",
        Extent::Whole => "whole",
        Extent::Partial => "partial",
        Extent::Sparse => "sparse",
        Extent::Stream => "stream",
    }
}

const fn outcome(outcome: FileOutcome) -> &'static str {
    match outcome {
        FileOutcome::Done => "done",
        FileOutcome::Failed => "failed",
        FileOutcome::Refused => "refused",
        FileOutcome::Withdrawn => "withdrawn",
        FileOutcome::Unfinished => "unfinished",
    }
}

/// Whether it tells of a file, and so has a number.
pub(crate) fn is_receipt(record: &AuditRecord) -> bool {
    record.kind == AuditKind::Receipt && record.detail.contains_key(WAY)
}

/// A receipt, as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// Its number, of its client.
    pub(crate) number: u64,
    /// When the file had passed.
    pub(crate) at: Timestamp,
    /// Which way.
    pub(crate) way: Way,
    /// Who sent it, and who received it.
    pub(crate) from: String,
    /// The latter.
    pub(crate) to: String,
    /// Where it is on the target; escaped.
    pub(crate) path: String,
    /// Payload bytes that passed.
    pub(crate) bytes: u64,
    /// The size of the file, where that is known.
    pub(crate) size: Option<u64>,
    /// How much of it passed.
    pub(crate) extent: String,
    /// SHA-256, hexadecimal, where all of it passed in order.
    pub(crate) sha256: Option<String>,
    /// How it ended.
    pub(crate) outcome: String,
    /// What it passed by.
    pub(crate) protocol: String,
    /// The technician.
    pub(crate) person: String,
    /// The target.
    pub(crate) target: String,
    /// The session, by its number.
    pub(crate) session: u64,
    /// The intervention, by its number.
    pub(crate) intervention: u64,
    /// Where its entry stands in the log.
    pub(crate) entry: u64,
}

/// What an entry says; none where it is no receipt.
pub(crate) fn read(stored: &StoredAuditRecord) -> Option<Receipt> {
    let record = &stored.record;
    if record.kind != AuditKind::Receipt {
        return None;
    }
    let number = |key: &str| record.detail.get(key)?.as_u64();
    let text = |key: &str| Some(record.detail.get(key)?.as_str()?.to_owned());
    Some(Receipt {
        number: number(NUMBER)?,
        at: record.at,
        way: Way::parse(&text(WAY)?)?,
        from: text(FROM)?,
        to: text(TO)?,
        path: text(PATH)?,
        bytes: number(BYTES)?,
        size: number(SIZE),
        extent: text(EXTENT)?,
        sha256: text(DIGEST),
        outcome: text(OUTCOME)?,
        protocol: text(PROTOCOL)?,
        person: record.person.clone()?,
        target: record.target.as_ref()?.to_string(),
        session: number("number")?,
        intervention: number("intervention-number")?,
        entry: stored.seq,
    })
}

#[cfg(test)]
mod tests {
    use ecluse_policy::{PersonId, TargetId};

    use super::*;

    fn entry(
        operation: FileOperation,
        read: Option<FilePart>,
        written: Option<FilePart>,
    ) -> FileEntry {
        FileEntry {
            operation,
            path: (&b"/srv/caf\xe9"[..]).into(),
            to: None,
            typed: Vec::new(),
            outcome: FileOutcome::Done,
            status: None,
            because: None,
            read,
            written,
            size: Some(10),
            entries: None,
            sha256: Some("ab".repeat(32)),
            took_us: 1,
        }
    }

    fn made(entry: &FileEntry) -> Vec<AuditRecord> {
        let record = AuditRecord::new(AuditKind::Cut, Timestamp::from_micros(7))
            .person(&PersonId::parse("alice").unwrap())
            .target(&TargetId::parse("db01").unwrap())
            .detail("number", 3)
            .detail("intervention-number", 2);
        let ends = Ends {
            technician: "alice (maintech)",
            target: "postgres@db01 (hopital)",
            protocol: "sftp",
        };
        of(&record, entry, ends)
    }

    /// P10: what passed is on a receipt with both ends, whole or in part; what did not pass is on none.
    #[test]
    fn p10_what_passed_has_a_receipt_for_each_way() {
        let part = |bytes, extent| Some(FilePart { bytes, extent });
        let whole = part(10, Extent::Whole);
        let one = made(&entry(FileOperation::Read, whole, None));
        let stored = |record: &AuditRecord| StoredAuditRecord {
            seq: 9,
            event: None,
            nth: None,
            record: record.clone().detail(NUMBER, 4),
        };
        let [record] = one.as_slice() else {
            panic!("{one:?}")
        };
        let read = read(&stored(record)).unwrap();
        assert_eq!((read.number, read.entry, read.way), (4, 9, Way::Out));
        assert_eq!(
            (read.from.as_str(), read.to.as_str()),
            ("postgres@db01 (hopital)", "alice (maintech)")
        );
        assert_eq!(
            (read.bytes, read.size, read.path.as_str()),
            (10, Some(10), "/srv/caf‹0xE9›")
        );
        assert!(read.sha256.is_some());
        let both = made(&entry(
            FileOperation::ReadWrite,
            part(4, Extent::Partial),
            part(6, Extent::Partial),
        ));
        assert_eq!(both.len(), 2);
        assert!(both.iter().all(|one| !one.detail.contains_key(DIGEST)));
        let empty = part(0, Extent::Whole);
        assert_eq!(made(&entry(FileOperation::Write, None, empty)).len(), 1);
        for nothing in [
            entry(FileOperation::Read, part(0, Extent::Nothing), None),
            entry(FileOperation::List, whole, None),
            entry(FileOperation::Copy, None, None),
            FileEntry {
                outcome: FileOutcome::Refused,
                ..entry(FileOperation::Write, None, part(0, Extent::Whole))
            },
        ] {
            assert!(made(&nothing).is_empty(), "{nothing:?}");
        }
    }
}
