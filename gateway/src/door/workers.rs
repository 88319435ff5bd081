//! The threads that carry connections.
//!
//! Each worker is a thread with a runtime of its own, and a connection lives on one worker with both its legs: handing
//! packets between threads costs more than encrypting them (measured: 11–26 % of the processor time). A panic ends the
//! connection in which it happened and nothing else.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

type Work = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

#[derive(Debug)]
struct Worker {
    jobs: mpsc::UnboundedSender<Work>,
    carried: Arc<AtomicUsize>,
}

/// A fixed set of workers. Bounded by the connection budget, which is taken before work is handed over.
#[derive(Debug)]
pub(crate) struct Workers {
    workers: Vec<Worker>,
}

impl Workers {
    /// Starts `count` threads (at least one).
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let workers = (0..count.max(1))
            .map(Worker::start)
            .collect::<io::Result<_>>()?;
        Ok(Self { workers })
    }

    /// Runs the future that `work` makes on the least loaded worker.
    pub(crate) fn carry<F, W>(&self, work: W)
    where
        F: Future<Output = ()> + Send + 'static,
        W: FnOnce() -> F + Send + 'static,
    {
        let Some(worker) = self
            .workers
            .iter()
            .min_by_key(|worker| worker.carried.load(Ordering::Relaxed))
        else {
            return;
        };
        worker.carried.fetch_add(1, Ordering::Relaxed);
        let carried = Carried(Arc::clone(&worker.carried));
        let job: Work = Box::new(move || {
            Box::pin(async move {
                let _carried = carried;
                work().await;
            })
        });
        // The receiver lives as long as the process; were it gone, the connection is dropped and so closed.
        let _ = worker.jobs.send(job);
    }
}

/// Counts a connection out when it ends, even by a panic.
struct Carried(Arc<AtomicUsize>);

impl Drop for Carried {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let (jobs, mut inbox) = mpsc::unbounded_channel::<Work>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name(format!("passage-{number}"))
            .spawn(move || {
                runtime.block_on(async move {
                    while let Some(work) = inbox.recv().await {
                        // A task of its own: the runtime catches its panic.
                        tokio::spawn(async move { work().await });
                    }
                });
            })?;
        Ok(Self {
            jobs,
            carried: Arc::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_one_connection_only() {
        let workers = Workers::start(1).unwrap();
        let (done, finished) = std::sync::mpsc::channel();
        workers.carry(|| async { panic!("a bug in one connection") });
        workers.carry(move || async move { done.send(()).unwrap() });
        finished
            .recv_timeout(std::time::Duration::from_secs(5))
            .unwrap();
    }
}
