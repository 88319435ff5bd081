//! Where dialogues run while the gateway serves.

use tokio::runtime::{Handle, Runtime};

/// Threads for dialogues. What takes long is read elsewhere ([`Readers`](crate::readers::Readers)).
const TALKERS: usize = 2;

/// The runtime of the dialogues. A runtime must not be dropped inside another, so it is shut down without waiting.
pub(super) struct Talks(Option<Runtime>, Handle);

impl Talks {
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(TALKERS)
            .thread_name("talk")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self(Some(runtime), handle))
    }

    pub(super) fn handle(&self) -> Handle {
        self.1.clone()
    }
}

impl Drop for Talks {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
