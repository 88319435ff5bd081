//! A gateway that is killed while somebody works.

use anyhow::{Result, ensure};

use crate::site::Site;

impl Site {
    /// Alice reads `said` in a session, the gateway is killed in the midst of it, and started again.
    ///
    /// # Errors
    /// When she does not read it, or the gateway does not start.
    pub fn crash_in_session(&mut self, said: &str) -> Result<()> {
        let mut running = self
            .ssh("alice+db01")
            .run(format!("echo {said}; sleep 1000"))
            .spawn()?;
        let line = running.first_line()?;
        ensure!(line == said, "the client saw {line:?}");
        self.kill()?;
        self.open()
    }
}
