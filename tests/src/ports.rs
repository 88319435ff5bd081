//! Ports of a site: free ones for tests, fixed ones for a demo that starts again.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

/// Where a site listens on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The gateway's SSH door.
    pub door: u16,
    /// The target's sshd.
    pub target: u16,
}

impl Ports {
    /// Two ports that nobody listened on a moment ago, and that the system gives to no outgoing connection.
    ///
    /// # Errors
    /// When the system has none left.
    pub fn free() -> Result<Self> {
        // Both are held until both are known, so that they differ.
        let door = unused()?;
        let target = unused()?;
        Ok(Self {
            door: door.local_addr()?.port(),
            target: target.local_addr()?.port(),
        })
    }

    /// Where the demo serves a page that only its target sees.
    #[must_use]
    pub fn page(&self) -> u16 {
        self.target.saturating_add(1)
    }

    /// The demo's ports: `base` and `base + 1`, and one for its page.
    ///
    /// # Errors
    /// When a port is taken, naming it and what to do.
    pub fn from_base(base: u16) -> Result<Self> {
        let target = base
            .checked_add(1)
            .filter(|target| *target < u16::MAX)
            .context("--port-base must be at most 65533")?;
        let ports = Self { door: base, target };
        for (port, what) in [
            (ports.door, "the gateway's SSH door"),
            (ports.target, "the demo's target"),
            (ports.page(), "the demo's page"),
        ] {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
                format!("port {port}, wanted for {what}, is in use: stop what listens there, or choose others with --port-base N")
            })?;
        }
        Ok(ports)
    }
}

/// One such port, for any other program.
///
/// # Errors
/// When there is none left.
pub fn free_port() -> Result<u16> {
    Ok(unused()?.local_addr()?.port())
}

/// Where the system takes ports for outgoing connections begins at 32768 (Linux); one of those may be gone again
/// before whoever it was meant for listens.
const FREE: std::ops::Range<u16> = 20_000..32_000;
/// Ports that a process tries before it comes to those of the next one.
const EACH: u32 = 16;

/// The next free port, from a place of this process's own: tests run side by side.
fn unused() -> Result<TcpListener> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(FREE.end - FREE.start);
    for _ in 0..count {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = std::process::id().wrapping_mul(EACH).wrapping_add(next) % count;
        let port = u16::try_from(place).map(|place| FREE.start + place)?;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return Ok(listener);
        }
    }
    bail!("no free port on 127.0.0.1 among {FREE:?}")
}
