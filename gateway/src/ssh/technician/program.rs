//! The client program on a connection, asked whether it is there.
//!
//! The library sends a keepalive by its own clock, the same for all connections, and offers no way to ask for one. So the program is
//! asked for what it rejects (RFC 4254 §7.1: a client rejects a request about forwards, which a client alone makes), and the
//! rejection is its answer. One question is open at a time: whoever asks again waits for the answer to the last.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use russh::server;

use crate::live::Program;
use crate::passage::connection::Connection;

/// The program on a connection.
pub(crate) struct OnConnection {
    handle: server::Handle,
    connection: Arc<Connection>,
}

impl OnConnection {
    /// The one on `connection`, reached by `handle`.
    pub(crate) fn new(handle: server::Handle, connection: Arc<Connection>) -> Self {
        Self { handle, connection }
    }
}

impl Program for OnConnection {
    fn answers(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (handle, connection) = (self.handle.clone(), Arc::clone(&self.connection));
        Box::pin(async move {
            let before = connection.socket().received();
            let asked = handle.cancel_forward_tcpip(String::new(), 0);
            // The library's task may wait within a callback: it is woken once the question is laid down for it.
            let _ = tokio::join!(asked, async { connection.control_sent() });
            if connection.socket().received() == before {
                // The connection ended; that is no answer.
                std::future::pending::<()>().await;
            }
        })
    }
}

impl fmt::Debug for OnConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnConnection")
    }
}
