//! The threads of those who read: watching, replay, search, transcripts.
//!
//! Nobody's looking slows anybody's hand. What reads recordings runs here and nowhere else: beside the workers that carry
//! sessions and beside the dialogues, at lower priority, on half the machine's cores at most. A reading goes on for a
//! short turn; then the others who wait have theirs, first come first served, and one whose person has left ends. What
//! it waits for, such as a terminal that takes no more text, it waits for outside of its turn.
//!
//! A thread is held by a reading until it ends, a turn only while it works: [`PLACES`] bounds the first, the number of
//! turns the second.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ecluse_policy::PersonId;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::clock;

/// How long a reading goes on while others wait.
const TURN: Duration = Duration::from_millis(20);
/// Readings in progress at once, whatever they wait for; each holds a thread.
const PLACES: usize = 64;
/// Of these, readings of any length; the others are left to single turns.
const LONG: usize = 48;
/// Long readings of one person at once.
const EACH: usize = 8;
/// Questions about recordings that the store answers at once; it has more connections than these.
const QUESTIONS: usize = 2;
/// Priority: behind sessions and dialogues (`nice`).
pub(crate) const NICENESS: i32 = 10;

/// Who read, and when it is whose turn.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    runtime: Handle,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    long: Arc<Semaphore>,
    questions: Arc<Semaphore>,
    each: Arc<Mutex<HashMap<PersonId, Weak<Semaphore>>>>,
}

/// The threads themselves; they end with it.
#[derive(Debug)]
pub(crate) struct ReadingThreads(Option<Runtime>);

/// A reading that did not come to its end: its person left, or it panicked.
#[derive(Debug, thiserror::Error)]
#[error("the reading was interrupted")]
pub(crate) struct Interrupted;

impl From<AcquireError> for Interrupted {
    fn from(_: AcquireError) -> Self {
        Interrupted
    }
}

impl Readers {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives none.
    pub(crate) fn start() -> io::Result<(Self, ReadingThreads)> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::start_with((cores / 2).max(1))
    }

    fn start_with(turns: usize) -> io::Result<(Self, ReadingThreads)> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(PLACES)
            .thread_name("read")
            .on_thread_start(|| {
                if let Err(error) = rustix::process::nice(NICENESS) {
                    tracing::debug!(%error, "reading at normal priority");
                }
            })
            .enable_time()
            .build()?;
        let readers = Self {
            runtime: runtime.handle().clone(),
            turns: Arc::new(Semaphore::new(turns)),
            places: Arc::new(Semaphore::new(PLACES)),
            long: Arc::new(Semaphore::new(LONG)),
            questions: Arc::new(Semaphore::new(QUESTIONS)),
            each: Arc::default(),
        };
        Ok((readers, ReadingThreads(Some(runtime))))
    }

    /// Reads for one turn: `work` stops by itself once [`Turn::is_over`]. It waits for nobody.
    pub(crate) fn turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Turn) -> T + Send + 'static,
    ) -> Reading<T> {
        let readers = self.clone();
        self.begin(move |left| async move {
            let place = readers.places.clone().acquire_owned().await?;
            readers.run(vec![place], left, work).await
        })
    }

    /// Reads something of any length for a person. Turns are given and taken underneath, wherever recordings are read.
    pub(crate) fn read<T: Send + 'static>(
        &self,
        person: &PersonId,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Reading<T> {
        let readers = self.clone();
        let mine = self.of(person);
        self.begin(move |left| async move {
            let mine = mine.acquire_owned().await?;
            let long = readers.long.clone().acquire_owned().await?;
            let place = readers.places.clone().acquire_owned().await?;
            readers.run(vec![mine, long, place], left, |_| work()).await
        })
    }

    /// Leave to ask the store about recordings, while it is held: few ask at once, so that its other callers never wait
    /// for a connection behind them.
    pub(crate) async fn asking(&self) -> Option<OwnedSemaphorePermit> {
        // Closed only when the process ends.
        self.questions.clone().acquire_owned().await.ok()
    }

    /// Does something now and then beside the readers, as long as they are there.
    pub(crate) fn beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    fn begin<T, F>(&self, work: impl FnOnce(Arc<AtomicBool>) -> F) -> Reading<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Interrupted>> + Send + 'static,
    {
        let left = Arc::new(AtomicBool::new(false));
        Reading {
            task: self.runtime.spawn(work(Arc::clone(&left))),
            left,
        }
    }

    async fn run<T: Send + 'static>(
        self,
        held: Vec<OwnedSemaphorePermit>,
        left: Arc<AtomicBool>,
        work: impl FnOnce(&Turn) -> T + Send + 'static,
    ) -> Result<T, Interrupted> {
        let permit = self.turns.clone().acquire_owned().await?;
        let runtime = self.runtime.clone();
        let reading = self.runtime.spawn_blocking(move || {
            let _held = held;
            if left.load(Ordering::Acquire) {
                return Err(Interrupted);
            }
            let turn = Rc::new(Turn {
                runtime,
                turns: self.turns,
                permit: RefCell::new(Some(permit)),
                until: Cell::new(clock::monotonic() + TURN),
                left,
            });
            let (asked, current) = (Rc::clone(&turn), Rc::clone(&turn));
            CURRENT.set(Some(current));
            let _current = Current;
            Ok(ecluse_recordings::paced(
                move || asked.go_on(),
                || work(&turn),
            ))
        });
        reading.await.map_err(|_| Interrupted)?
    }

    fn of(&self, person: &PersonId) -> Arc<Semaphore> {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = each.get(person).and_then(Weak::upgrade) {
            return known;
        }
        each.retain(|_, known| known.strong_count() > 0);
        let own = Arc::new(Semaphore::new(EACH));
        each.insert(person.clone(), Arc::downgrade(&own));
        own
    }
}

impl Drop for ReadingThreads {
    fn drop(&mut self) {
        // A runtime must not be dropped inside another, so it is shut down without waiting.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Something that is being read. Dropping it ends the reading: whoever wanted it has left.
#[derive(Debug)]
pub(crate) struct Reading<T> {
    task: JoinHandle<Result<T, Interrupted>>,
    left: Arc<AtomicBool>,
}

impl<T> Future for Reading<T> {
    type Output = Result<T, Interrupted>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let done = std::task::ready!(Pin::new(&mut self.task).poll(context));
        Poll::Ready(done.unwrap_or(Err(Interrupted)))
    }
}

impl<T> Drop for Reading<T> {
    fn drop(&mut self) {
        self.left.store(true, Ordering::Release);
        self.task.abort();
    }
}

/// A reading's place among the others, on its own thread.
pub(crate) struct Turn {
    runtime: Handle,
    turns: Arc<Semaphore>,
    permit: RefCell<Option<OwnedSemaphorePermit>>,
    until: Cell<Instant>,
    left: Arc<AtomicBool>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Turn>>> = const { RefCell::new(None) };
}

/// Takes the current turn off its thread, however the reading ends.
struct Current;

impl Drop for Current {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

impl Turn {
    /// Whether the others are to go on.
    pub(crate) fn is_over(&self) -> bool {
        clock::monotonic() >= self.until.get() || self.left.load(Ordering::Acquire)
    }

    /// Lets the others have their turns where this one is over.
    fn go_on(&self) -> io::Result<()> {
        if self.left.load(Ordering::Acquire) {
            return Err(io::Error::other(Interrupted));
        }
        if clock::monotonic() < self.until.get() {
            return Ok(());
        }
        self.stand_in_line();
        match self.left.load(Ordering::Acquire) {
            true => Err(io::Error::other(Interrupted)),
            false => Ok(()),
        }
    }

    /// Stands in line before it lets the next one have its turn: whatever the system does with this thread meanwhile, none
    /// of the others has two turns before this one has its next.
    fn stand_in_line(&self) {
        let again = self.runtime.block_on(async {
            let mut next = std::pin::pin!(self.turns.clone().acquire_owned());
            let at_once = poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await;
            self.permit.take();
            match at_once {
                Poll::Ready(permit) => permit,
                Poll::Pending => next.await,
            }
        });
        // Closed only when the process ends.
        *self.permit.borrow_mut() = again.ok();
        self.until.set(clock::monotonic() + TURN);
    }

    fn outside<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.permit.take();
        let done = wait();
        let again = self.runtime.block_on(self.turns.clone().acquire_owned());
        // Closed only when the process ends.
        *self.permit.borrow_mut() = again.ok();
        self.until.set(clock::monotonic() + TURN);
        done
    }
}

/// Waits for something that is not the disk, outside of the turn of the reading on this thread.
pub(crate) fn outside<T>(wait: impl FnOnce() -> T) -> T {
    match CURRENT.with_borrow(Clone::clone) {
        Some(turn) => turn.outside(wait),
        None => wait(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const SOON: Duration = Duration::from_secs(30);

    fn person(name: &str) -> PersonId {
        PersonId::parse(name).unwrap()
    }

    /// Reads until it is told to end; says each time that it goes on.
    fn endless(said: mpsc::Sender<usize>, number: usize) -> io::Error {
        loop {
            let turn = CURRENT.with_borrow(Clone::clone).unwrap();
            turn.until.set(clock::monotonic());
            if let Err(error) = turn.go_on() {
                return error;
            }
            let _ = said.send(number);
        }
    }

    /// B7: readings that never end leave every other its turn, in order.
    #[tokio::test]
    async fn readings_take_turns() {
        let (readers, _threads) = Readers::start_with(1).unwrap();
        let (say, said) = mpsc::channel();
        let reading: Vec<_> = (0..5)
            .map(|number| {
                let say = say.clone();
                readers.read(&person("aurele"), move || endless(say, number))
            })
            .collect();
        // A single turn is had beside them.
        assert_eq!(readers.turn(|_| 7).await.unwrap(), 7);
        let all = tokio::task::spawn_blocking(move || {
            // Once all five stand in line.
            let mut seen = [false; 5];
            while seen.contains(&false) {
                seen[said.recv_timeout(SOON).unwrap()] = true;
            }
            let mut turns = [0; 5];
            for _ in 0..100 {
                turns[said.recv_timeout(SOON).unwrap()] += 1;
            }
            turns
        });
        let turns = all.await.unwrap();
        assert!(
            turns.iter().all(|turns| (18..=22).contains(turns)),
            "{turns:?}"
        );
        drop(reading);
    }

    /// B7: a reading whose person leaves ends, and gives its place back.
    #[tokio::test]
    async fn a_reading_ends_when_nobody_wants_it() {
        let (readers, _threads) = Readers::start_with(1).unwrap();
        let (say, said) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        let reading = readers.read(&person("aurele"), move || {
            let error = endless(say, 1);
            let _ = ended.send(error.to_string());
        });
        let said = tokio::task::spawn_blocking(move || {
            said.recv_timeout(SOON).unwrap();
            said
        });
        let _said = said.await.unwrap();
        drop(reading);
        let end = tokio::task::spawn_blocking(move || end.recv_timeout(SOON).unwrap());
        assert_eq!(end.await.unwrap(), "the reading was interrupted");
        let places = readers.places.clone().acquire_many_owned(PLACES as u32);
        drop(tokio::time::timeout(SOON, places).await.unwrap().unwrap());
    }

    /// B7: one that waits for a terminal holds up nobody, and one person's readings leave places to others.
    #[tokio::test]
    async fn who_waits_holds_no_turn_and_one_person_not_every_place() {
        let (readers, _threads) = Readers::start_with(1).unwrap();
        let mut held = Vec::new();
        for number in 0..100 {
            let (release, released) = mpsc::channel::<()>();
            let name = ["aurele", "odile"][number % 2];
            let reading = readers.read(&person(name), move || {
                outside(|| released.recv_timeout(SOON)).is_ok()
            });
            held.push((release, reading));
        }
        let other = readers.read(&person("bruno"), || 3);
        assert_eq!(other.await.unwrap(), 3);
        assert_eq!(readers.turn(|_| 4).await.unwrap(), 4);
        for (release, reading) in held {
            let _ = release.send(());
            assert!(reading.await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_panic_ends_one_reading() {
        let (readers, _threads) = Readers::start_with(1).unwrap();
        let failed = readers.turn(|_| panic!("a bug in one reading"));
        let failed: Result<(), Interrupted> = failed.await;
        assert!(failed.is_err());
        assert_eq!(readers.turn(|_| 1).await.unwrap(), 1);
    }
}
