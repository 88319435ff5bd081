//! Entries of the log of files that wait until what they tell of has gone to its side.
//!
//! A kind knows what it let pass, not what went: that waits in an outbox until it is paid for and taken. A receipt says what the
//! other side has (P10), so an entry is put on record once everything before it has gone. What is left as a channel ends went
//! nowhere, and is taken off: the file that it was of is in part there, and unfinished.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecluse_recordings::transfer::{Extent, FilePart};
use ecluse_recordings::{FileEntry, FileOutcome};

/// How much of what was put on its way to one side has gone. **Unit**: payload bytes.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    put: AtomicU64,
    gone: AtomicU64,
}

impl Progress {
    /// So much is to go.
    pub(super) fn put(&self, payload: usize) {
        let payload = u64::try_from(payload).unwrap_or(u64::MAX);
        self.put.fetch_add(payload, Relaxed);
    }

    /// So much has gone.
    pub(super) fn gone(&self, payload: usize) {
        let payload = u64::try_from(payload).unwrap_or(u64::MAX);
        self.gone.fetch_add(payload, Relaxed);
    }

    /// What of the first `mark` bytes has not gone.
    fn left(&self, mark: u64) -> u64 {
        mark.saturating_sub(self.gone.load(Relaxed))
    }

    fn mark(&self) -> u64 {
        self.put.load(Relaxed)
    }
}

/// The entries that wait.
#[derive(Debug, Default)]
pub(crate) struct Unsettled(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    /// Of what goes to the technician, and to the target.
    down: Arc<Progress>,
    up: Arc<Progress>,
}

#[derive(Debug)]
struct Entry {
    entry: FileEntry,
    /// What was put on its way before it.
    down: u64,
    up: u64,
}

impl Unsettled {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What passes goes by these.
    pub(super) fn between(&self, down: &Arc<Progress>, up: &Arc<Progress>) {
        let mut waiting = self.lock();
        (waiting.down, waiting.up) = (Arc::clone(down), Arc::clone(up));
    }

    /// An entry of what was put on its way until now.
    pub(super) fn put(&self, entry: FileEntry) {
        let mut waiting = self.lock();
        let (down, up) = (waiting.down.mark(), waiting.up.mark());
        waiting.entries.push_back(Entry { entry, down, up });
    }

    /// The next entry of which everything has gone.
    pub(super) fn settled(&self) -> Option<FileEntry> {
        let mut waiting = self.lock();
        let next = waiting.entries.front()?;
        let (down, up) = waiting.left_of(next);
        if down > 0 || up > 0 {
            return None;
        }
        waiting.entries.pop_front().map(|next| next.entry)
    }

    /// The channel is over, with these still open: every entry as what went.
    ///
    /// What is left is taken off the latest first: nothing went behind it.
    pub(super) fn over(&self, open: Vec<FileEntry>) -> Vec<FileEntry> {
        let mut ended: Vec<FileEntry> = std::iter::from_fn(|| self.settled()).collect();
        open.into_iter().for_each(|entry| self.put(entry));
        let mut waiting = self.lock();
        let mut left = (
            waiting.down.left(waiting.down.mark()),
            waiting.up.left(waiting.up.mark()),
        );
        let mut cut = Vec::new();
        while let Some(last) = waiting.entries.pop_back() {
            let (down, up) = waiting.left_of(&last);
            let mut entry = last.entry;
            let down = lacks(&mut entry.read, down.min(left.0));
            let up = lacks(&mut entry.written, up.min(left.1));
            left = (left.0 - down, left.1 - up);
            if down > 0 || up > 0 {
                entry.sha256 = None;
                if entry.outcome == FileOutcome::Done {
                    entry.outcome = FileOutcome::Unfinished;
                }
            }
            cut.push(entry);
        }
        ended.extend(cut.into_iter().rev());
        ended
    }
}

impl Waiting {
    /// What has not gone of what an entry tells of: to the technician, to the target.
    fn left_of(&self, entry: &Entry) -> (u64, u64) {
        let some = |part: Option<FilePart>| part.is_some_and(|part| part.bytes > 0);
        let left = |part, progress: &Progress, mark| match some(part) {
            true => progress.left(mark),
            false => 0,
        };
        (
            left(entry.entry.read, &self.down, entry.down),
            left(entry.entry.written, &self.up, entry.up),
        )
    }
}

/// Takes off what did not go; how much that was.
fn lacks(part: &mut Option<FilePart>, left: u64) -> u64 {
    let Some(part) = part.as_mut().filter(|_| left > 0) else {
        return 0;
    };
    let lacking = part.bytes.min(left);
    part.bytes -= lacking;
    part.extent = match (part.bytes, part.extent) {
        (0, _) => Extent::Nothing,
        (_, Extent::Whole) => Extent::Partial,
        (_, extent) => extent,
    };
    lacking
}

#[cfg(test)]
mod tests {
    use ecluse_recordings::FileOperation;

    use super::*;

    fn read(bytes: u64) -> FileEntry {
        FileEntry {
            operation: FileOperation::Read,
            path: "/srv/a".into(),
            to: None,
            typed: Vec::new(),
            outcome: FileOutcome::Done,
            status: None,
            because: None,
            read: Some(FilePart {
                bytes,
                extent: Extent::Whole,
            }),
            written: None,
            size: Some(bytes),
            entries: None,
            sha256: Some("00".into()),
            took_us: 1,
        }
    }

    fn told(entry: &FileEntry) -> (u64, Extent, FileOutcome, bool) {
        let part = entry.read.unwrap();
        (
            part.bytes,
            part.extent,
            entry.outcome,
            entry.sha256.is_some(),
        )
    }

    /// P10: nothing is on record as passed before it has gone, in the order in which it went; what never went is in no entry.
    #[test]
    fn p10_an_entry_waits_for_what_it_tells_of() {
        let (unsettled, down, up) = (
            Unsettled::default(),
            Arc::<Progress>::default(),
            Arc::<Progress>::default(),
        );
        unsettled.between(&down, &up);
        down.put(10);
        unsettled.put(read(10));
        // Nothing that goes the other way is waited for.
        up.put(99);
        assert_eq!(unsettled.settled(), None);
        down.gone(9);
        assert_eq!(unsettled.settled(), None);
        down.gone(1);
        assert_eq!(
            unsettled.settled().as_ref().map(told),
            Some((10, Extent::Whole, FileOutcome::Done, true))
        );

        // The first went, of the second four bytes, of what is open none.
        down.put(10);
        unsettled.put(read(10));
        down.put(20);
        unsettled.put(read(20));
        down.put(30);
        down.gone(14);
        let over: Vec<_> = unsettled.over(vec![read(30)]).iter().map(told).collect();
        assert_eq!(
            over,
            [
                (10, Extent::Whole, FileOutcome::Done, true),
                (4, Extent::Partial, FileOutcome::Unfinished, false),
                (0, Extent::Nothing, FileOutcome::Unfinished, false),
            ]
        );
    }
}
