//! Records the hours: each a real session with a real shell in a real terminal, through the gateway.

use std::fs;
use std::io::{Read, Write};
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use ecluse_tests::{Site, Ssh, recording, wait};
use pty_process::blocking::{Command, Pty, open};

use super::corpus::{self, Hour};
use crate::{CIPHER, EXCHANGE, STALL};

/// Technicians that work at the same time.
const AT_ONCE: usize = 4;
/// What sealing an hour may take at most, on average.
const SEALING: Duration = Duration::from_secs(2);
/// Rows and columns of their terminals.
const TERMINAL: (u16, u16) = (45, 160);

/// What it took.
pub(super) struct Recorded {
    /// Seconds that an hour took to pass, one among [`AT_ONCE`].
    pub(super) passing: f64,
    /// Seconds from the end of the last until all were sealed and could be found.
    pub(super) sealing: f64,
}

/// Has so many hours recorded, sealed and indexed.
pub(super) fn record(site: &Site, hours: usize) -> Result<Recorded> {
    for person in ["alice", "bruno"] {
        // From here on their codes are remembered.
        site.proven(person, "db01")?;
    }
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    thread::scope(|scope| -> Result<()> {
        let one_after_the_other = || -> Result<()> {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= hours {
                    return Ok(());
                }
                let hour = Hour::new(number, hours);
                work(site, &hour).with_context(|| format!("in the recorded hour {number}"))?;
                if number % 100 == 99 {
                    eprintln!("{} of {hours} hours passed", number + 1);
                }
            }
        };
        let working: Vec<_> = (0..AT_ONCE)
            .map(|_| scope.spawn(one_after_the_other))
            .collect();
        for worker in working {
            match worker.join() {
                Ok(done) => done?,
                Err(_) => bail!("a technician panicked"),
            }
        }
        Ok(())
    })?;
    let passing = began.elapsed().as_secs_f64() * AT_ONCE.min(hours) as f64 / hours as f64;
    let passed = Instant::now();
    let recordings = site.layout().recordings();
    // At low priority, sealing may have to wait for everything else on a machine that is in use.
    let patience = STALL.saturating_add(SEALING.saturating_mul(u32::try_from(hours)?));
    // A journal goes once its recording is sealed, indexed and on record.
    wait::until_true("all recordings to be sealed", patience, || {
        Ok(recording::files(&recordings, &|path| path.ends_with("live.journal"))?.is_empty())
    })?;
    Ok(Recorded {
        passing,
        sealing: passed.elapsed().as_secs_f64(),
    })
}

/// One hour: a shell in which its commands are typed, each after the answer to the one before.
fn work(site: &Site, hour: &Hour) -> Result<()> {
    let file = site.layout().target_home().join(corpus::file(hour.number));
    fs::write(&file, &hour.text)?;
    let ssh = site
        .ssh(&format!("{}+db01", corpus::person(hour.number)))
        .option(CIPHER)
        .option(EXCHANGE)
        .variable("TERM", "xterm-256color");
    let mut technician = Technician::sits_down(&ssh)?;
    technician.sees_prompt()?;
    for command in &hour.commands {
        technician.types(command)?;
        technician.sees_prompt()?;
    }
    technician.types("exit")?;
    technician.leaves()?;
    fs::remove_file(file)?;
    Ok(())
}

/// A person at a terminal in which `ssh` runs.
struct Technician {
    child: Child,
    terminal: Pty,
}

impl Technician {
    fn sits_down(ssh: &Ssh) -> Result<Self> {
        let (terminal, other_end) = open()?;
        let (rows, columns) = TERMINAL;
        terminal.resize(pty_process::Size::new(rows, columns))?;
        let arguments = ssh.clone().flag("-tt").arguments();
        let (program, arguments) = arguments.split_first().context("no program")?;
        let child = Command::new(program)
            .args(arguments)
            .envs(ssh.variables())
            .spawn(other_end)
            .context("ssh cannot be run: install the OpenSSH client")?;
        Ok(Self { child, terminal })
    }

    fn types(&mut self, line: &str) -> Result<()> {
        Ok(self.terminal.write_all(format!("{line}\r").as_bytes())?)
    }

    fn sees_prompt(&mut self) -> Result<()> {
        let mut seen = Vec::new();
        let mut chunk = [0_u8; 16 * 1024];
        while !seen.ends_with(b"target$ ") {
            // A terminal whose program ended gives an error.
            let read = self.terminal.read(&mut chunk).unwrap_or(0);
            if read == 0 {
                bail!(
                    "the session ended before its prompt: {}",
                    String::from_utf8_lossy(&seen)
                );
            }
            seen.extend(chunk.get(..read).unwrap_or_default());
        }
        Ok(())
    }

    fn leaves(&mut self) -> Result<()> {
        let mut chunk = [0_u8; 1024];
        while self.terminal.read(&mut chunk).is_ok_and(|read| read > 0) {}
        let status = self.child.wait()?;
        ensure!(status.success(), "the session ended with {status}");
        Ok(())
    }
}

impl Drop for Technician {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
