//! By which lines of the matrix things of files passed in a session: counted here, told in the entry of its end (F7).
//!
//! The log has a receipt of each file that was read or written, and nothing of what was listed, removed or renamed: a review of
//! the matrix asks of those lines too whether anybody uses them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ecluse_policy::{FileGrants, FileNeed, FileRight, TargetPath};
use ecluse_recordings::{FileEntry, FileOperation, FileOutcome};
use serde_json::{Map, Value};

use crate::audit::AuditRecord;
use crate::receipts::GIT;

/// The detail of a session's end: how often something passed by each line, `flow: line`.
pub(crate) const FILE_LINES: &str = "file-lines";
/// Lines that are counted apart.
const MOST: usize = 200;

/// How often something passed by each line.
#[derive(Debug, Default)]
pub(crate) struct FileLines(Mutex<BTreeMap<String, u64>>);

impl FileLines {
    /// Something of files was asked for and permitted.
    pub(super) fn counts(&self, files: &FileGrants, protocol: &str, entry: &FileEntry) {
        if entry.outcome == FileOutcome::Refused {
            return;
        }
        let lines = rights(entry.operation, protocol)
            .iter()
            .filter_map(|right| {
                let path = TargetPath::canonical(entry.path.as_ref()).ok()?;
                let tree = files.line_of(&FileNeed::Tree(*right, path.clone()));
                tree.or_else(|| files.line_of(&FileNeed::Right(*right, path)))
            });
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            if counts.len() < MOST || counts.contains_key(&line) {
                *counts.entry(line).or_default() += 1;
            }
        }
    }

    /// The entry of the session's end, with what was counted.
    pub(super) fn tells(&self, record: AuditRecord) -> AuditRecord {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.is_empty() {
            return record;
        }
        let counts = counts
            .iter()
            .map(|(line, count)| (line.clone(), Value::from(*count)));
        record.detail(FILE_LINES, Value::Object(counts.collect::<Map<_, _>>()))
    }
}

/// The rights that an operation rests on at its path.
fn rights(operation: FileOperation, protocol: &str) -> &'static [FileRight] {
    match operation {
        FileOperation::ReadTree if protocol == GIT => &[FileRight::GitRead],
        FileOperation::WriteTree if protocol == GIT => &[FileRight::GitWrite],
        FileOperation::ReadTree => &[FileRight::RsyncRead],
        FileOperation::WriteTree => &[FileRight::RsyncWrite],
        FileOperation::Read => &[FileRight::Read],
        FileOperation::Write
        | FileOperation::Attributes
        | FileOperation::Symlink
        | FileOperation::Hardlink => &[FileRight::Write],
        FileOperation::ReadWrite => &[FileRight::Read, FileRight::Write],
        FileOperation::Copy => &[FileRight::Read],
        FileOperation::List => &[FileRight::List],
        FileOperation::Remove | FileOperation::RemoveDirectory => &[FileRight::Delete],
        FileOperation::MakeDirectory => &[FileRight::Mkdir],
        FileOperation::Rename => &[FileRight::Rename],
        FileOperation::Look | FileOperation::Names | FileOperation::Unknown => &[],
    }
}
