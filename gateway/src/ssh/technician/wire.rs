//! A technician's connection while it runs, as [`crate::passage`] sees it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use russh::{Disconnect, server};

use super::Config;
use super::door::Door;
use crate::door::stream::GuardedStream;
use crate::passage::connection::Connection;
use crate::passage::knock::Knock;

/// Why somebody has to go, as the protocol says it (RFC 4253 §11.1).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Parting {
    /// It is the gateway's decision.
    Decided,
    /// There is no place.
    NoPlace,
}

/// A running connection.
pub(crate) struct Wire(server::RunningSession<Door>);

/// How a connection ended.
pub(crate) struct Over(Result<(), russh::Error>);

impl Wire {
    /// Begins to speak SSH on `stream`; none where the other side does not.
    pub(crate) async fn begin(
        config: &Config,
        stream: GuardedStream,
        knock: &Arc<Knock>,
    ) -> Option<Self> {
        let door = Door::new(Arc::clone(knock), config.clone());
        let running = server::run_stream(Arc::clone(&config.server), stream, door).await;
        running.ok().map(Self)
    }

    /// Waits for its end.
    pub(crate) async fn until_over(&mut self) -> Over {
        Over((&mut self.0).await)
    }

    /// Tells somebody why they do not get in, or have to go, and waits for the end of the connection, which comes `within`
    /// that time.
    pub(crate) async fn show_out(
        &mut self,
        connection: &Connection,
        why: Parting,
        words: String,
        within: Duration,
    ) -> Over {
        let why = match why {
            Parting::Decided => Disconnect::ByApplication,
            Parting::NoPlace => Disconnect::TooManyConnections,
        };
        let handle = self.0.handle();
        let said = handle.disconnect(why, words, String::new());
        let ended = tokio::time::timeout(within, async {
            // Fails only where the connection is over, which the wire tells.
            let _ = said.await;
            (&mut self.0).await
        });
        match ended.await {
            Ok(end) => Over(end),
            Err(_) => {
                // A client that waits for its person's answer reads the words after it: it must find an end, not a reset.
                connection.socket().hang_up();
                self.until_over().await
            }
        }
    }
}

impl Over {
    /// What a stranger can provoke stays at `debug`.
    pub(crate) fn log(self, source: SocketAddr) {
        match self.0 {
            Ok(()) => tracing::debug!(%source, "connection closed"),
            Err(russh::Error::Join(error)) => {
                tracing::error!(%source, %error, "a connection ended by a defect of the gateway; its recording is closed");
            }
            Err(error) => tracing::debug!(%source, %error, "connection ended"),
        }
    }
}
