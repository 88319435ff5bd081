//! A record of the interceptor as an entry of the recording's log of files.

use ecluse_policy::capability::files::FileRequest;
use ecluse_recordings as recordings;
use ecluse_recordings::transfer::{Extent, FilePart};
use ecluse_recordings::{FileEntry, FileOperation, FileOutcome};

use crate::passage::kinds::sftp::coverage;
use crate::passage::kinds::sftp::log::{Outcome, Record};

/// The entry of a record.
pub(in crate::passage::kinds) fn of(record: Record) -> FileEntry {
    let Record {
        request,
        typed,
        outcome,
        moved,
        at: _, // its place in the recording says when it ended
        took,
    } = record;
    let (operation, path, to) = match &request {
        Some(request) => asked(request),
        None => (FileOperation::Unknown, None, None),
    };
    let spelled = [path, to];
    let typed = typed.iter().filter(|typed| {
        let as_judged = |path: &Option<&[u8]>| *path == Some(typed.as_ref());
        !spelled.iter().any(as_judged)
    });
    let mut typed: Vec<recordings::Bytes> = typed.map(|typed| (&**typed).into()).collect();
    let path = match path {
        Some(path) => path.into(),
        None if typed.is_empty() => recordings::Bytes::default(),
        None => typed.remove(0),
    };
    let (outcome, status, because) = match outcome {
        Outcome::Done => (FileOutcome::Done, None, None),
        Outcome::Failed(status) => (FileOutcome::Failed, Some(status), None),
        Outcome::Refused(words) => (FileOutcome::Refused, None, Some(words)),
        Outcome::Withdrawn(words) => (FileOutcome::Withdrawn, None, Some(words)),
        Outcome::Unfinished => (FileOutcome::Unfinished, None, None),
    };
    let is_list = operation == FileOperation::List;
    let part = |is_one: bool, bytes: u64, extent: coverage::Extent| {
        (is_one && !is_list).then(|| FilePart {
            bytes,
            extent: extent_of(extent),
        })
    };
    let (mut reads, mut writes) = (false, false);
    if let Some(FileRequest::Open {
        path: _,
        reads: read,
        writes: written,
    }) = &request
    {
        (reads, writes) = (*read, *written);
    }
    let moved = moved.as_ref();
    FileEntry {
        operation,
        path,
        to: to.map(Into::into),
        typed,
        outcome,
        status,
        because,
        read: moved.and_then(|moved| part(reads, moved.read, moved.read_extent)),
        written: moved.and_then(|moved| part(writes, moved.written, moved.written_extent)),
        size: moved.and_then(|moved| moved.size),
        entries: moved.filter(|_| is_list).map(|moved| moved.entries),
        sha256: moved
            .and_then(|moved| moved.digest)
            .map(|digest| hex(&digest)),
        took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    }
}

/// What was asked, and its paths.
fn asked(request: &FileRequest) -> (FileOperation, Option<&[u8]>, Option<&[u8]>) {
    let (operation, path) = match request {
        FileRequest::Open {
            path,
            reads,
            writes,
        } => {
            let operation = match (reads, writes) {
                (true, true) => FileOperation::ReadWrite,
                (_, true) => FileOperation::Write,
                (_, false) => FileOperation::Read,
            };
            (operation, path)
        }
        FileRequest::List(path) => (FileOperation::List, path),
        FileRequest::Look(path) | FileRequest::Locate { path, home: _ } => {
            (FileOperation::Look, path)
        }
        FileRequest::SetAttributes(path) => (FileOperation::Attributes, path),
        FileRequest::Remove(path) => (FileOperation::Remove, path),
        FileRequest::RemoveDirectory(path) => (FileOperation::RemoveDirectory, path),
        FileRequest::MakeDirectory(path) => (FileOperation::MakeDirectory, path),
        FileRequest::Rename {
            from,
            to,
            link: _,
            replaces: _,
        } => return two(FileOperation::Rename, from.as_bytes(), to.as_bytes()),
        FileRequest::Symlink { at, to } => {
            return two(FileOperation::Symlink, at.as_bytes(), to.as_bytes());
        }
        FileRequest::Hardlink { of, at } => {
            return two(FileOperation::Hardlink, of.as_bytes(), at.as_bytes());
        }
        FileRequest::Copy { from, to } => {
            return two(FileOperation::Copy, from.as_bytes(), to.as_bytes());
        }
        FileRequest::Names => return (FileOperation::Names, None, None),
        // A program's own channel makes its entries ([`crate::passage::kinds::tree`]).
        FileRequest::Program { path, .. } => (FileOperation::Unknown, path),
    };
    (operation, Some(path.as_bytes()), None)
}

const fn two<'p>(
    operation: FileOperation,
    path: &'p [u8],
    to: &'p [u8],
) -> (FileOperation, Option<&'p [u8]>, Option<&'p [u8]>) {
    (operation, Some(path), Some(to))
}

const fn extent_of(extent: coverage::Extent) -> Extent {
    match extent {
        coverage::Extent::Nothing => Extent::Nothing,
        coverage::Extent::Whole => Extent::Whole,
        coverage::Extent::Partial => Extent::Partial,
        coverage::Extent::Sparse => Extent::Sparse,
    }
}

fn hex(digest: &[u8]) -> String {
    use std::fmt::Write;
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
