//! Keeps recordings safe on disk: makes what was written durable within a second, and seals closed recordings.
//!
//! Threads of their own, because all of it waits for disks: one syncs the open journals, and two hand closed journals to
//! the [`Sealer`] at low priority ([`lanes`]), so that none ever holds up a keystroke. A gateway that dies between the two
//! loses nothing: what is not sealed is sealed at the next start. What could not be closed or sealed, then or there, is
//! tried again every few seconds; on a full disk with the [`Reserve`].

mod lanes;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use ecluse_policy::Timestamp;
use ecluse_policy::documents::RecordingRules;
use ecluse_recordings::evidence::key::RecordingKey;
use ecluse_recordings::{
    ClosedJournal, Mark, Protection, RecordError, Recorder, SessionEnd, SessionFacts, SyncHandle,
};
use uuid::Uuid;

use self::lanes::Lanes;
use super::recovery::{Leftover, try_again};
use super::sealing::{Sealer, about};
use crate::archive::space::Reserve;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::evidence::EvidenceKeys;
use crate::store::{Store, StoreError};

/// Pause between two rounds of syncing; with the syncing itself it stays below the second that is promised.
const SYNC_EVERY: Duration = Duration::from_millis(400);
/// Pause before what could not be sealed is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(15);
/// Priority of the sealing threads: behind everything (`nice`).
const SEALING_NICENESS: i32 = 19;

/// Opens, syncs and seals recordings under one directory.
pub(crate) struct Keeper {
    root: PathBuf,
    open: Arc<Mutex<HashMap<Uuid, Open>>>,
    sealer: Arc<Sealer>,
    sealing: Lanes,
    unfinished: Arc<Unfinished>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// A recording that is being written.
struct Open {
    handle: SyncHandle,
    facts: SessionFacts,
    /// How far the log knows it to be.
    on_record: Option<Mark>,
}

#[derive(Debug, Default)]
struct Unfinished {
    count: Mutex<usize>,
    done: Condvar,
}

impl Keeper {
    /// Starts the threads for recordings under `root`. What a previous run left open and the start could not finish is
    /// tried again with what cannot be sealed.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(
        root: PathBuf,
        sealer: Arc<Sealer>,
        reserve: Reserve,
        leftovers: Vec<Leftover>,
    ) -> io::Result<Self> {
        let open: Arc<Mutex<HashMap<Uuid, Open>>> = Arc::default();
        let unfinished: Arc<Unfinished> = Arc::default();
        let synced = Arc::downgrade(&open);
        std::thread::Builder::new()
            .name("sync".to_owned())
            .spawn(move || {
                while let Some(open) = synced.upgrade() {
                    sync(&open);
                    drop(open);
                    std::thread::sleep(SYNC_EVERY);
                }
            })?;
        let counted = Arc::clone(&unfinished);
        let seals = Arc::clone(&sealer);
        let left = leftovers.into_iter().map(Left::from).collect();
        let sealing = Lanes::start(left, move |closed, left| {
            if let Err(error) = rustix::process::nice(SEALING_NICENESS) {
                tracing::debug!(%error, "sealing recordings at normal priority");
            }
            let seals = Sealing {
                sealer: &seals,
                reserve: reserve.clone(),
                try_again_after: TRY_AGAIN_AFTER,
            };
            seals.all_of(&closed, left, || {
                *counted.lock() -= 1;
                counted.done.notify_all();
            });
        })?;
        Ok(Self {
            root,
            open,
            sealer,
            sealing,
            unfinished,
        })
    }

    /// Where recordings are.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The keys that recordings are read and sealed with.
    pub(crate) fn keys(&self) -> &Arc<EvidenceKeys> {
        self.sealer.keys()
    }

    /// Begins the recording of a session, with a key of its own for those whom the client's `rules` name.
    ///
    /// # Errors
    /// Whatever keeps it from being written; there is no session then (R2).
    pub(crate) fn open(
        &self,
        facts: SessionFacts,
        rules: &RecordingRules,
    ) -> Result<Arc<Recorder>, RecordError> {
        let id = facts.session;
        let protection = self
            .keys()
            .recipients_for(rules)
            .and_then(Protection::for_recipients)
            .map_err(RecordError::Cipher)?;
        let recorder = Recorder::open(&self.root, facts.clone(), protection, None)?;
        let open = Open {
            handle: recorder.sync_handle(),
            facts,
            on_record: None,
        };
        self.lock().insert(id, open);
        Ok(Arc::new(recorder))
    }

    /// Closes a recording and queues its sealing.
    ///
    /// # Errors
    /// When its last words cannot be written. The journal is then as after a crash, and is sealed like one that a
    /// previous run left open, once nobody holds the recorder any more.
    pub(crate) fn close(
        &self,
        recorder: &Recorder,
        at_us: u64,
        end: &SessionEnd,
    ) -> Result<(), RecordError> {
        let closed = recorder.close(at_us, end);
        self.lock().remove(&recorder.facts().session);
        let (work, done) = match closed {
            Ok(closed) => {
                let (key, facts) = (recorder.key().clone(), recorder.facts().clone());
                (Work::Closed(closed, key, Box::new(facts)), Ok(()))
            }
            Err(error) => {
                let left = Leftover::unclosed(recorder.dir(), &error);
                (Work::LeftOpen(left), Err(error))
            }
        };
        *self.unfinished.lock() += 1;
        if !self.sealing.take(work) {
            *self.unfinished.lock() -= 1;
        }
        done
    }

    /// Waits until every closed recording was sealed or tried, at most for `patience`. Returns how many were not.
    pub(crate) fn wait_until_finished(&self, patience: Duration) -> usize {
        let count = self.unfinished.lock();
        let waited = self
            .unfinished
            .done
            .wait_timeout_while(count, patience, |count| *count > 0);
        let (count, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *count
    }

    /// Puts on record how far every live recording has come that moved since the last time: whoever cuts off its end
    /// afterwards contradicts the log.
    ///
    /// # Errors
    /// The store failed; the same is put on record the next time.
    pub(crate) async fn tell_progress(
        &self,
        store: &Store,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (mut marks, mut records) = (Vec::new(), Vec::new());
        for (id, open) in self.lock().iter() {
            // What a power cut would take away cannot be vouched for.
            let durable = open.handle.progress().durable;
            if let Some(mark) = durable.filter(|mark| open.on_record != Some(*mark)) {
                marks.push((*id, mark));
                records.push(progress_record(&open.facts, mark, now));
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        store.record(&records).await?;
        let mut open = self.lock();
        for (id, mark) in marks {
            if let Some(open) = open.get_mut(&id) {
                open.on_record = Some(mark);
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unfinished {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn progress_record(facts: &SessionFacts, mark: Mark, now: Timestamp) -> AuditRecord {
    let Mark {
        frames,
        bytes,
        last_seal,
    } = mark;
    let record = AuditRecord::new(AuditKind::RecordingProgress, now)
        .detail("frames", frames)
        .detail("bytes", bytes);
    let record = about(record, facts);
    match last_seal {
        Some(seal) => record.detail("last-seal", seal.to_string()),
        None => record,
    }
}

fn sync(open: &Mutex<HashMap<Uuid, Open>>) {
    // Cloned, so that a slow disk holds no lock that opening a session needs.
    let handles: Vec<SyncHandle> = open
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .values()
        .map(|open| open.handle.clone())
        .collect();
    for handle in handles {
        if let Err(error) = handle.sync_if_dirty() {
            // The recorder refuses everything from here on, which ends its session.
            tracing::warn!(%error, "a recording cannot be made durable; its session ends");
        }
    }
}

/// The work of a sealing thread.
struct Sealing<'s> {
    sealer: &'s Sealer,
    reserve: Reserve,
    try_again_after: Duration,
}

/// What there is to seal.
enum Work {
    Closed(ClosedJournal, RecordingKey, Box<SessionFacts>),
    LeftOpen(Leftover),
}

impl Work {
    fn dir(&self) -> &Path {
        match self {
            Self::Closed(journal, ..) => journal.dir(),
            Self::LeftOpen(left) => left.dir(),
        }
    }
}

/// What could not be sealed.
struct Left {
    work: Work,
    /// Told once, until it is sealed.
    problem: String,
}

impl From<Leftover> for Left {
    fn from(left: Leftover) -> Self {
        Self {
            problem: left.problem().to_owned(),
            work: Work::LeftOpen(left),
        }
    }
}

impl Sealing<'_> {
    /// Seals what comes, and what could not be sealed again and again, until no more can come. `tried` is called after the
    /// first try of each that comes.
    fn all_of(&self, closed: &mpsc::Receiver<Work>, mut left: Vec<Left>, tried: impl Fn()) {
        let mut tried_again = clock::monotonic();
        loop {
            let next = if left.is_empty() {
                closed.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                closed.recv_timeout(self.try_again_after)
            };
            match next {
                Ok(mut work) => {
                    if let Err(problem) = self.one(&mut work) {
                        let directory = work.dir().display();
                        tracing::warn!(%directory, problem, "a recording could not be sealed; its journal is kept and tried again");
                        left.push(Left { work, problem });
                    }
                    tried();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // Not only when nothing new comes: a busy gateway seals what was left too.
            if tried_again.elapsed() >= self.try_again_after {
                left.retain_mut(|left| self.again(left).is_err());
                tried_again = clock::monotonic();
            }
        }
    }

    fn again(&self, left: &mut Left) -> Result<(), ()> {
        let done = self.one(&mut left.work);
        let directory = left.work.dir().display();
        match done {
            Ok(()) => {
                tracing::info!(%directory, "a recording that could not be sealed is sealed");
                Ok(())
            }
            Err(problem) => {
                if problem != left.problem {
                    tracing::warn!(%directory, problem, "a recording still cannot be sealed");
                    left.problem = problem;
                }
                Err(())
            }
        }
    }

    /// Seals one; where the disk is full, once more with the reserve.
    fn one(&self, work: &mut Work) -> Result<(), String> {
        let mut sealed = self.seal(work);
        if sealed.is_err() && matches!(self.reserve.take_if_full(), Ok(true)) {
            let directory = work.dir().display();
            tracing::warn!(%directory, "the disk is full: a recording is sealed with the reserve");
            sealed = self.seal(work);
        }
        sealed?;
        tracing::debug!(directory = %work.dir().display(), "recording sealed");
        Ok(())
    }

    fn seal(&self, work: &mut Work) -> Result<(), String> {
        match work {
            Work::Closed(journal, key, facts) => match self.sealer.seal(journal, key) {
                Ok(()) => Ok(()),
                // Somebody changed what was written. No other try changes that: it is told, and set aside or sealed as far as
                // it holds, as at a start.
                Err(error) if error.is_damage() => {
                    let mut left = Leftover::damaged(journal.dir(), &error.to_string());
                    let done = try_again(self.sealer, &mut left);
                    *work = Work::LeftOpen(left);
                    done
                }
                // Somebody took it away, and no other try brings it back.
                Err(error) if error.is_gone() => {
                    tracing::error!(directory = %journal.dir().display(), %error, "the journal of a recording was taken away");
                    let told = self.sealer.tell_gone(facts, journal.dir());
                    told.map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            },
            Work::LeftOpen(left) => try_again(self.sealer, left),
        }
    }
}

#[cfg(test)]
mod tests;
