//! Ports of a site: free ones for tests, fixed ones for a demo that starts again.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// Where a site listens on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The gateway's SSH door.
    pub door: u16,
    /// The target's sshd.
    pub target: u16,
}

impl Ports {
    /// Two ports that nobody listened on a moment ago.
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

    /// The demo's ports: `base` and `base + 1`.
    ///
    /// # Errors
    /// When a port is taken, naming it and what to do.
    pub fn from_base(base: u16) -> Result<Self> {
        let target = base
            .checked_add(1)
            .context("--port-base must be at most 65534")?;
        let ports = Self { door: base, target };
        for (port, what) in [
            (ports.door, "the gateway's SSH door"),
            (ports.target, "the demo's target"),
        ] {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
                format!("port {port}, wanted for {what}, is in use: stop what listens there, or choose others with --port-base N")
            })?;
        }
        Ok(ports)
    }
}

fn unused() -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")
}
