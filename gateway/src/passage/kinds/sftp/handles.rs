//! What is open, by the handles that the target gave.
//!
//! A handle is the target's own bytes and passes as it is. One whose line was lost is closed on the target while the
//! technician still holds it; a server that gives the same bytes to the next file would then have the technician write
//! into that one by the old name. So a name that the technician still holds is not given twice: the newer gets one of our
//! own, and each use of it is translated.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use bytes::Bytes;

use super::coverage::{Coverage, Extent, MakeDigest};
use super::log::{Moved, Outcome, Record};
use super::operation::Operation;
use ecluse_policy::capability::files::TargetPath;

/// Files and directories that may be open at once, those being opened counted.
pub(crate) const MOST_OPEN: usize = 512;

/// What the names of all that is open may take together, beyond those that are being opened: 512 bytes each, which is several
/// times what paths are long as a rule. **Unit**: bytes.
pub(crate) const MOST_NAMED: usize = MOST_OPEN * 512;

/// Tells open files apart, whatever they are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(u64);

/// What is open.
#[derive(Debug)]
pub(super) struct Open {
    /// What the target calls it.
    pub(super) theirs: Bytes,
    /// What it was opened for, and where.
    pub(super) operation: Operation,
    /// What it is.
    pub(super) what: What,
    /// When it was asked for.
    pub(super) at: Instant,
    /// The line that it needs was lost: what the technician reads.
    pub(super) withdrawn: Option<String>,
}

/// A file or a directory.
#[derive(Debug)]
pub(super) enum What {
    /// A directory, and what was listed of it.
    Directory {
        /// Entries.
        entries: u64,
        /// Payload bytes.
        bytes: u64,
    },
    /// A file.
    File(Box<File>),
}

/// An open file.
#[derive(Debug)]
pub(super) struct File {
    /// Where it is, canonically.
    pub(super) path: TargetPath,
    /// It may be read.
    pub(super) reads: bool,
    /// It may be written.
    pub(super) writes: bool,
    /// Whatever is written goes to its end, wherever that is.
    pub(super) appends: bool,
    /// What was read.
    pub(super) read: Coverage,
    /// What was written, as the target says.
    pub(super) written: Coverage,
    /// Where the last of what was sent to be written ends.
    pub(super) sent: u64,
    /// The first write that the target did not do: its status.
    pub(super) failed: Option<u32>,
    /// Its size as it was opened.
    pub(super) size: Option<u64>,
    /// Where a read met its end.
    pub(super) ended_at: Option<u64>,
    /// To which size it was set, which is not below what was written until then.
    pub(super) set_to: Option<u64>,
    /// It was cut below what had been written, by this name or another, or nobody knows.
    pub(super) resized: bool,
}

/// Everything that is open.
#[derive(Debug, Default)]
pub(super) struct Handles {
    by_name: HashMap<Bytes, Key>,
    open: HashMap<Key, Open>,
    next: u64,
    /// What the names of all of it take. **Unit**: bytes.
    named: usize,
}

/// The target gives a handle that is open already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SameHandle;

impl Handles {
    /// How many are open.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether one more would be too much: there are as many as may be, or their names take as much.
    #[must_use]
    pub(super) fn is_full(&self, opening: usize) -> bool {
        self.len().saturating_add(opening) >= MOST_OPEN || self.named >= MOST_NAMED
    }

    /// Keeps what was opened, and says what the technician calls it.
    ///
    /// # Errors
    /// [`SameHandle`].
    pub(super) fn open(&mut self, open: Open) -> Result<Bytes, SameHandle> {
        let mut name = open.theirs.clone();
        if let Some(key) = self.by_name.get(&name) {
            let is_withdrawn = self
                .open
                .get(key)
                .is_some_and(|open| open.withdrawn.is_some());
            if !is_withdrawn {
                return Err(SameHandle);
            }
            name = self.name_of_our_own();
        }
        let key = Key(self.next);
        self.next += 1;
        self.named = self.named.saturating_add(open.weight());
        self.by_name.insert(name.clone(), key);
        self.open.insert(key, open);
        Ok(name)
    }

    fn name_of_our_own(&self) -> Bytes {
        // Each try is another: one of them is free.
        let names = (self.next..).map(|number| Bytes::from(format!("ecluse-{number}")));
        let free = |name: &Bytes| !self.by_name.contains_key(name);
        names.into_iter().find(free).unwrap_or_default()
    }

    /// What the technician calls so.
    #[must_use]
    pub(super) fn find(&self, name: &[u8]) -> Option<(Key, &Open)> {
        let key = self.by_name.get(name)?;
        self.open.get(key).map(|open| (*key, open))
    }

    /// What is open by this key.
    #[must_use]
    pub(super) fn get(&self, key: Key) -> Option<&Open> {
        self.open.get(&key)
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Open> {
        self.open.get_mut(&key)
    }

    /// The same as a file.
    pub(super) fn file_mut(&mut self, key: Key) -> Option<&mut File> {
        match self.open.get_mut(&key).map(|open| &mut open.what) {
            Some(What::File(file)) => Some(file),
            Some(What::Directory { .. }) | None => None,
        }
    }

    /// Everything that is open.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut Open)> {
        self.open.iter_mut().map(|(key, open)| (*key, open))
    }

    /// What has a name still, and so is not being closed.
    #[must_use]
    pub(super) fn named(&self) -> BTreeSet<Key> {
        self.by_name.values().copied().collect()
    }

    /// Nobody may use the name any more: it is being closed.
    pub(super) fn unname(&mut self, name: &[u8]) {
        self.by_name.remove(name);
    }

    /// It is closed.
    pub(super) fn remove(&mut self, key: Key) -> Option<Open> {
        self.by_name.retain(|_, named| *named != key);
        let open = self.open.remove(&key)?;
        self.named = self.named.saturating_sub(open.weight());
        Some(open)
    }

    /// Somebody else may cut or write a file: what is open of it to be written is not known to be whole any more.
    pub(super) fn is_touched(&mut self, path: &TargetPath) -> bool {
        let mut any = false;
        for open in self.open.values_mut() {
            if let What::File(file) = &mut open.what
                && file.writes
                && file.path == *path
            {
                file.resized = true;
                any = true;
            }
        }
        any
    }

    /// The keys of all that is open, in the order in which they were opened.
    #[must_use]
    pub(super) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.open.keys().copied().collect();
        keys.sort_unstable();
        keys
    }
}

impl Open {
    /// What its names take. **Unit**: bytes.
    fn weight(&self) -> usize {
        let typed: usize = self.operation.typed.iter().map(Bytes::len).sum();
        // Where it is stands in what was asked, and beside it.
        let path = match &self.what {
            What::File(file) => 2 * file.path.as_bytes().len(),
            What::Directory { .. } => typed,
        };
        // By what the target calls it, and by what the technician does.
        typed + path + 2 * self.theirs.len()
    }

    /// What is on record of it once it is closed.
    #[must_use]
    pub(super) fn record(self, outcome: Outcome, now: Instant) -> Record {
        let Self {
            theirs: _,
            operation,
            what,
            at,
            withdrawn,
        } = self;
        let failed = match &what {
            What::File(file) => file.failed.map(Outcome::Failed),
            What::Directory { .. } => None,
        };
        let outcome = match (withdrawn, outcome, failed) {
            (Some(words), _, _) => Outcome::Withdrawn(words),
            (None, Outcome::Done, Some(failed)) => failed,
            (None, outcome, _) => outcome,
        };
        let is_done = outcome == Outcome::Done;
        Record {
            request: Some(operation.request),
            typed: operation.typed,
            outcome,
            moved: Some(what.moved(is_done)),
            at,
            took: now.saturating_duration_since(at),
        }
    }
}

impl What {
    fn moved(self, is_done: bool) -> Moved {
        match self {
            Self::Directory { entries, bytes } => Moved {
                read: bytes,
                read_extent: Extent::Nothing,
                written: 0,
                written_extent: Extent::Nothing,
                size: None,
                entries,
                digest: None,
            },
            Self::File(file) => file.moved(is_done),
        }
    }
}

impl File {
    /// A file of which nothing has passed.
    #[must_use]
    pub(super) fn new(
        path: TargetPath,
        reads: bool,
        writes: bool,
        digest: Option<&MakeDigest>,
    ) -> Self {
        Self {
            path,
            reads,
            writes,
            appends: false,
            read: Coverage::new(digest.filter(|_| reads).map(|make| make())),
            written: Coverage::new(digest.filter(|_| writes).map(|make| make())),
            sent: 0,
            failed: None,
            size: None,
            ended_at: None,
            set_to: None,
            resized: false,
        }
    }

    /// Something is sent to be written.
    pub(super) fn is_sent(&mut self, offset: u64, data: &[u8]) {
        self.written.hash(offset, data);
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.sent = self.sent.max(offset.saturating_add(length));
    }

    fn moved(self, is_done: bool) -> Moved {
        // What was read is measured by the end that a read met, else by the size that was told; what was written, by what
        // was there and is now.
        let read_size = self.ended_at.into_iter().chain(self.size).min();
        let before = self.set_to.or(self.size);
        let written_size = before.map(|size| size.max(self.written.end()));
        // Whole is what the target has closed as it should, with each write of it done.
        let is_all = is_done && self.sent <= self.written.end();
        let is_known = self.writes && !self.appends && !self.resized && is_all;
        let written_size = written_size.filter(|_| is_known);
        // An empty file is written whole by being made.
        let nothing_written = self.written.bytes() == 0 && self.reads;
        let (read, written) = (self.read.bytes(), self.written.bytes());
        let read_extent = self.read.extent(read_size);
        let written_extent = match nothing_written {
            true => Extent::Nothing,
            false => self.written.extent(written_size),
        };
        let digest = match nothing_written {
            true => self.read.digest(read_size),
            false => self.written.digest(written_size),
        };
        Moved {
            read,
            read_extent: if self.reads {
                read_extent
            } else {
                Extent::Nothing
            },
            written,
            written_extent,
            size: match nothing_written {
                true => read_size,
                false => written_size,
            },
            entries: 0,
            digest,
        }
    }
}
