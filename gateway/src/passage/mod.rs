//! The story of one technician connection.
//!
//! [`serve`] is the whole of it, and the security argument: a place in the budget, a login within its time that turns a
//! [`knock::Knock`] into a [`visit::Visit`], channels that each ask for admission and a permit before they dial
//! ([`story`]), sessions to which they belong ([`session`]), pumps that record before they forward ([`pump`]), and an end
//! that closes the recordings however it came. Rights are looked at again whenever they may have changed ([`supervision`]).

mod admittance;
mod answering;
pub(crate) mod by_channel;
pub(crate) mod caps;
pub(crate) mod channel;
mod company;
pub(crate) mod confirming;
pub(crate) mod connection;
pub(crate) mod entry;
pub(crate) mod farewell;
pub(crate) mod file_lines;
mod hands;
pub(crate) mod inflow;
pub(crate) mod jump;
pub(crate) mod kinds;
pub(crate) mod knock;
pub(crate) mod meter;
pub(crate) mod notice;
mod order;
mod passing;
mod posture;
pub(crate) mod pump;
pub(crate) mod purse;
pub(crate) mod reach;
mod receipts;
mod refused_files;
pub(crate) mod rekey;
pub(crate) mod right;
pub(crate) mod session;
pub(crate) mod side;
pub(crate) mod signals;
mod spending;
pub(crate) mod story;
pub(crate) mod supervision;
pub(crate) mod talk;
pub(crate) mod tap;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod unsettled;
pub(crate) mod uplink;
mod vigil;
pub(crate) mod visit;
pub(crate) mod window;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::identity::Doorway;
use tokio::net::TcpStream;

use crate::clock;
use crate::door::budget::Place;
use crate::door::stream::GuardedStream;
use crate::gateway::Gateway;
use crate::live::Stop;
use crate::ssh::technician::Config;
use crate::ssh::technician::wire::{Over, Parting, Wire};
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
    config: Config,
    gateway: Arc<Gateway>,
) {
    let (Ok(door), Ok(id)) = (tcp.local_addr(), store::new_id(clock::now())) else {
        return;
    };
    let stream = GuardedStream::new(tcp, gateway.settings.limits.before_login_bytes);
    let connection = Connection::new(
        stream.socket(),
        &gateway.purse,
        config.renewal(),
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
    attend(stream, connection, knock, config, gateway).await;
}

/// The rest of it, whatever the connection comes by.
async fn attend(
    stream: GuardedStream,
    connection: Arc<Connection>,
    knock: Arc<Knock>,
    config: Config,
    gateway: Arc<Gateway>,
) {
    let source = knock.source();
    let login_ends = tokio::time::sleep(gateway.settings.limits.authenticate_within.to_std());
    tokio::pin!(login_ends);
    let mut stopping = gateway.stopping.clone();
    let wire = tokio::select! {
        wire = Wire::begin(&config, stream, &knock) => wire,
        () = &mut login_ends => return,
        () = supervision::until_true(&mut stopping) => return,
    };
    let Some(mut wire) = wire else { return };

    let let_in = tokio::select! {
        biased;
        let_in = knock.until_let_in() => let_in,
        over = wire.until_over() => return over.log(source),
        () = &mut login_ends => {
            let over = match knock.too_late().await {
                Some(words) => wire.show_out(&connection, Parting::Decided, words, SHOWN_OUT_WITHIN).await,
                None => {
                    connection.cut();
                    wire.until_over().await
                }
            };
            return over.log(source);
        }
        () = supervision::until_true(&mut stopping) => {
            let words = knock.gateway_stops();
            let over = wire.show_out(&connection, Parting::Decided, words, STOPS_WITHIN).await;
            return over.log(source);
        }
    };
    let visit = match let_in {
        Ok(visit) => visit,
        Err(found) => {
            let words = found.conclude(&gateway).await;
            let shown_out = wire.show_out(&connection, Parting::NoPlace, words, SHOWN_OUT_WITHIN);
            return shown_out.await.log(source);
        }
    };

    visit.enter_live();
    if let Some(within) = knock.leads() {
        within.outer.leads_to(&visit);
    }
    let over = tokio::select! {
        over = wire.until_over() => over,
        stop = supervision::watch_over(&visit) => part(&visit, &mut wire, &stop).await,
    };
    over.log(source);
    visit.conclude().await;
}

/// Ends an authenticated connection: whatever is open on it says why; the socket closes shortly even if nobody reads that.
async fn part(visit: &Visit, wire: &mut Wire, stop: &Stop) -> Over {
    if visit.tasks().is_empty() && *stop == Stop::GatewayStops {
        // Nothing is open that could say it, as where a client only holds a connection for others.
        let (why, words) = (Parting::Decided, visit.say("door-gateway-stops"));
        return wire
            .show_out(visit.connection(), why, words, STOPS_WITHIN)
            .await;
    }
    visit.stop(stop);
    wire.until_over().await
}
