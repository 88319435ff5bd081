//! Before a connection costs anything: is there a place for it, and what is said where there is none.

use std::io::{Read, Write};
use std::net::IpAddr;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::budget::{Budget, Full, Place, Sorting};
use super::crowd::Places;
use crate::clock;
use crate::gateway::Gateway;
use crate::secrets;

/// Longest beginning of what a client said that is taken off before it is turned away, in bytes.
const SAID: usize = 1024;

/// The way in.
#[derive(Clone)]
pub(crate) struct Entrance {
    gateway: Arc<Gateway>,
    budget: Budget,
}

impl Entrance {
    /// A way in, where `budget` has a place.
    pub(crate) fn new(gateway: Arc<Gateway>, budget: Budget) -> Self {
        Self { gateway, budget }
    }

    /// Takes a place for a connection from `source`; where there is none, that is counted.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn enter(&self, source: IpAddr) -> Result<Place, Full> {
        let applied = self.gateway.applied();
        let sorting = Sorting {
            version: applied.version,
            pool_of: &|source| applied.documents.pool_of(source),
        };
        // Without randomness nothing works here; whoever comes then is among the unlucky.
        let chance = secrets::random().map_or(0, u32::from_ne_bytes);
        self.budget
            .enter(source, &sorting, chance)
            .map_err(|(pool, full)| {
                let places = Places::Before(pool);
                self.gateway
                    .crowds
                    .turned_away(places, full, source, clock::now());
                full
            })
    }

    /// Says why, in a line before the protocol begins (RFC 4253 §4.2), and closes: `ssh -v` shows it. Never waits.
    pub(crate) fn turn_away(&self, stream: TcpStream, full: Full) {
        let id = match full {
            Full::Source | Full::Person | Full::Often => "door-too-many-of-source",
            Full::Early | Full::Pool | Full::Total => "door-too-many",
        };
        let words = self.gateway.texts.say(self.gateway.settings.lang, id, &[]);
        // Past the event queue, which knows nothing of a socket that is so new; it does not block all the same.
        let Ok(mut stream) = stream.into_std() else {
            return;
        };
        let _ = stream.write(format!("{words}\r\n").as_bytes());
        // What is unread when a socket closes makes the system throw the line away.
        let _ = stream.read(&mut [0; SAID]);
    }
}
