//! The accept loop of a door.
//!
//! Nothing that a stranger does may end it: errors of one connection are skipped, a lack of descriptors is waited out,
//! and whoever exceeds the budget is closed before a byte is read (F5).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::budget::Place;
use super::entrance::Entrance;

/// Pause after an error that time alone mends, such as having no free descriptor.
const PAUSE_WHEN_EXHAUSTED: Duration = Duration::from_millis(50);

/// Accepts until `stop` turns true, handing each admitted connection to `serve`.
pub(crate) async fn accept(
    listener: TcpListener,
    entrance: Entrance,
    mut stop: watch::Receiver<bool>,
    serve: impl Fn(TcpStream, SocketAddr, Place),
) {
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, source)) => match entrance.enter(source.ip()) {
                Ok(place) => serve(stream, source, place),
                Err(full) => {
                    // At `debug`, because a stranger can cause it at will; all of them together are told once.
                    tracing::debug!(%source, ?full, "a connection is turned away");
                    entrance.turn_away(stream, full);
                }
            },
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "a connection ended before it was accepted");
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections for the moment");
                tokio::time::sleep(PAUSE_WHEN_EXHAUSTED).await;
            }
        }
    }
}

/// Errors that say that one peer went away, not that the listener is in trouble.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
            | io::ErrorKind::Interrupted
            | io::ErrorKind::TimedOut
    )
}
