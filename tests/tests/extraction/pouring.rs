//! What comes out of a client, looked at while it comes: how much there is, and whether it is what was sent.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, JoinHandle};

use super::*;

/// For how long nothing has come where it is still.
const STILL: Duration = Duration::from_secs(1);

/// The standard output of a client, of which a text again and again is expected.
pub(super) struct Pouring {
    /// **Unit**: bytes.
    came: Arc<AtomicUsize>,
    is_exact: Arc<AtomicBool>,
    reader: JoinHandle<()>,
}

impl Pouring {
    pub(super) fn of(running: &mut Running, again: &[u8]) -> Result<Self> {
        let mut stdout = running.child.stdout.take().context("no stdout")?;
        let (came, is_exact) = (
            Arc::<AtomicUsize>::default(),
            Arc::new(AtomicBool::new(true)),
        );
        let (count, exact) = (Arc::clone(&came), Arc::clone(&is_exact));
        // Twice, so that a piece that begins anywhere within the first is whole.
        let expected = again.repeat(2);
        let length = again.len();
        let reader = thread::spawn(move || {
            let mut piece = vec![0; length.min(64 << 10)];
            while let Ok(read @ 1..) = stdout.read(&mut piece) {
                let from = count.load(SeqCst) % length;
                if expected.get(from..from + read) != piece.get(..read) {
                    exact.store(false, SeqCst);
                }
                count.fetch_add(read, SeqCst);
            }
        });
        Ok(Self {
            came,
            is_exact,
            reader,
        })
    }

    /// How many bytes have come.
    pub(super) fn came(&self) -> usize {
        self.came.load(SeqCst)
    }

    /// Waits until more than so much has come.
    pub(super) fn passes(&self, bytes: usize) -> Result<()> {
        wait::until_true(&format!("more than {bytes} bytes"), PATIENCE, || {
            Ok(self.came() > bytes)
        })
    }

    /// Waits until nothing has come for a second; how much has.
    pub(super) fn still(&self) -> Result<usize> {
        let (mut last, mut since) = (self.came(), Instant::now());
        wait::until("a second in which nothing comes", PATIENCE, || {
            let came = self.came();
            if came != last {
                (last, since) = (came, Instant::now());
            }
            Ok((since.elapsed() >= STILL).then_some(came))
        })
    }

    /// How much came in all, once its client has ended.
    pub(super) fn all(self) -> Result<usize> {
        let read = self.reader.join();
        ensure!(
            read.is_ok() && self.is_exact.load(SeqCst),
            "what came is not exact"
        );
        Ok(self.came.load(SeqCst))
    }
}
