//! The story of one technician connection.
//!
//! [`serve`] is the whole of it, and the security argument: a place in the budget, a login within its time that turns a
//! [`knock::Knock`] into a [`visit::Visit`], channels that each ask for admission and a permit before they dial
//! ([`channel`]), sessions to which they belong ([`session`]), pumps that record before they forward ([`relay`]), and an end
//! that closes the recordings however it came. Rights are looked at again whenever they may have changed ([`supervision`]).

mod admittance;
pub(crate) mod caps;
pub(crate) mod changes;
pub(crate) mod channel;
pub(crate) mod connection;
pub(crate) mod cut_short;
pub(crate) mod downlink;
mod farewell;
pub(crate) mod indexing;
pub(crate) mod inflow;
pub(crate) mod keeper;
pub(crate) mod knock;
mod last_moment;
mod legs;
pub(crate) mod notice;
mod order;
pub(crate) mod purse;
pub(crate) mod recovery;
mod rekey;
pub(crate) mod relay;
pub(crate) mod right;
pub(crate) mod sealing;
pub(crate) mod session;
pub(crate) mod signals;
pub(crate) mod supervision;
pub(crate) mod talk;
pub(crate) mod tap;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod uplink;
pub(crate) mod visit;
pub(crate) mod window;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::identity::Doorway;
use russh::{Disconnect, server};
use tokio::net::TcpStream;

use crate::clock;
use crate::door::budget::Place;
use crate::door::ssh::door::Door;
use crate::door::stream::GuardedStream;
use crate::gateway::Gateway;
use crate::live::Stop;
use crate::store;
use connection::Connection;
use knock::Knock;
use visit::Visit;

/// How long a client has for reading that its time is over, or that there is no place.
const SHOWN_OUT_WITHIN: Duration = Duration::from_secs(2);
/// The same where the gateway stops: what it has not read by then still reaches it, and nobody waits for a stranger.
const STOPS_WITHIN: Duration = Duration::from_millis(250);

/// One connection, from its first byte to the end of its recording.
///
/// A connection that does not authenticate leaves audit records of what it tried, if it tried; one that does leaves a
/// log-on and a log-off; one that reaches a target leaves a recording.
pub(crate) async fn serve(
    tcp: TcpStream,
    source: SocketAddr,
    doorway: Doorway,
    place: Place,
    config: Arc<server::Config>,
    gateway: Arc<Gateway>,
) {
    let (Ok(door), Ok(id)) = (tcp.local_addr(), store::new_id(clock::now())) else {
        return;
    };
    let stream = GuardedStream::new(tcp, gateway.settings.limits.before_login_bytes);
    let connection = Connection::new(
        stream.socket(),
        &gateway.purse,
        config.limits.clone(),
        gateway.settings.limits.channels_per_connection as usize,
    );
    let knock = Knock::new(
        Arc::clone(&gateway),
        Arc::clone(&connection),
        source,
        (door, doorway),
        id,
        place,
    );

    let login_ends = tokio::time::sleep(gateway.settings.limits.authenticate_within.to_std());
    tokio::pin!(login_ends);
    let mut stopping = gateway.stopping.clone();
    let running = tokio::select! {
        running = server::run_stream(config, stream, Door::new(Arc::clone(&knock))) => running,
        () = &mut login_ends => return,
        () = supervision::until_true(&mut stopping) => return,
    };
    let Ok(mut running) = running else { return };

    let let_in = tokio::select! {
        biased;
        let_in = knock.until_let_in() => let_in,
        end = &mut running => return log_end(end, source),
        () = &mut login_ends => {
            let end = match knock.too_late().await {
                Some(words) => show_out(&connection, &mut running, Disconnect::ByApplication, words, SHOWN_OUT_WITHIN).await,
                None => {
                    connection.cut();
                    running.await
                }
            };
            return log_end(end, source);
        }
        () = supervision::until_true(&mut stopping) => {
            let (why, words) = (Disconnect::ByApplication, knock.gateway_stops());
            let end = show_out(&connection, &mut running, why, words, STOPS_WITHIN).await;
            return log_end(end, source);
        }
    };
    let visit = match let_in {
        Ok(visit) => visit,
        Err(found) => {
            let words = found.conclude(&gateway).await;
            let why = Disconnect::TooManyConnections;
            return log_end(
                show_out(&connection, &mut running, why, words, SHOWN_OUT_WITHIN).await,
                source,
            );
        }
    };

    visit.enter_live();
    let end = tokio::select! {
        end = &mut running => end,
        stop = supervision::watch_over(&visit) => part(&visit, &mut running, &stop).await,
    };
    log_end(end, source);
    visit.conclude().await;
}

/// Ends an authenticated connection: whatever is open on it says why; the socket closes shortly even if nobody reads that.
async fn part(
    visit: &Visit,
    running: &mut server::RunningSession<Door>,
    stop: &Stop,
) -> Result<(), russh::Error> {
    if visit.tasks().is_empty() && *stop == Stop::GatewayStops {
        // Nothing is open that could say it, as where a client only holds a connection for others.
        let (why, words) = (Disconnect::ByApplication, visit.say("door-gateway-stops"));
        return show_out(visit.connection(), running, why, words, STOPS_WITHIN).await;
    }
    visit.stop(stop);
    running.await
}

/// Tells somebody why they do not get in, or have to go, and waits for the end of the connection, which comes `within` that
/// time.
async fn show_out(
    connection: &Connection,
    running: &mut server::RunningSession<Door>,
    why: Disconnect,
    words: String,
    within: Duration,
) -> Result<(), russh::Error> {
    let handle = running.handle();
    let said = handle.disconnect(why, words, String::new());
    let ended = tokio::time::timeout(within, async {
        // Fails only where the connection is over, which `running` tells.
        let _ = said.await;
        (&mut *running).await
    });
    match ended.await {
        Ok(end) => end,
        Err(_) => {
            // A client that waits for its person's answer reads the words after it: it must find an end, not a reset.
            connection.socket().hang_up();
            running.await
        }
    }
}

/// What a stranger can provoke stays at `debug`.
fn log_end(end: Result<(), russh::Error>, source: SocketAddr) {
    match end {
        Ok(()) => tracing::debug!(%source, "connection closed"),
        Err(russh::Error::Join(error)) => {
            tracing::error!(%source, %error, "a connection ended by a defect of the gateway; its recording is closed");
        }
        Err(error) => tracing::debug!(%source, %error, "connection ended"),
    }
}
